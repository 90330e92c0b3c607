//! The account of somebody whom a provider vouches for.

use std::collections::BTreeSet;

use jose::Claims;
use model::{Tenant, UserId};
use serde_json::{Map, Value, json};
use store::UnitOfWork;
use store::repository::user::{self as users, UserRow};
use store::repository::{federation as links, role as roles, trusted_issuer as rows};

use super::ProviderClient;
use crate::oauth::trusted::TrustedIssuer;
use crate::scope::EVERYONE;
use crate::sign_in::SignedIn;
use crate::user::own_name;
use crate::user_store::FEDERATED;
use crate::{Identity, IdentityError, hash, name};

/// Whom the audit log names for what follows from a provider's word.
const BY_PROVIDER: &str = "identity-provider";
/// Names that are tried for a new account before it gets one made of its subject.
const NAMES: usize = 20;
/// Longest value of a claim that becomes an attribute, bytes.
const MAX_ATTRIBUTE: usize = 255;

impl Identity {
    /// The account that belongs to the subject of a verified ID token, made at the first sign-in, with the roles that the
    /// provider's words stand for today. `None` when it may not sign in.
    pub(super) async fn federated_account(
        &self,
        tenant: &Tenant,
        known: &TrustedIssuer,
        client: &ProviderClient,
        claims: &Claims,
    ) -> Result<Option<SignedIn>, IdentityError> {
        let actor = self.on_behalf_of(BY_PROVIDER);
        let subject = claims.subject().unwrap_or_default();
        let now = self.now();
        let mut work = self.database.begin().await?;
        // Whoever removes the provider waits for this, or was first; two first sign-ins of one person wait for each other.
        if !rows::hold(&mut work, tenant.id, &known.id).await? {
            return Ok(None);
        }
        let user = match links::find(&mut work, tenant.id, &known.id, subject).await? {
            Some(id) => id,
            None => actor.new_federated(&mut work, tenant, (known, client), claims).await?,
        };
        let Some(row) = users::hold(&mut work, tenant.id, user).await?.filter(|row| !row.locked) else {
            return Ok(None);
        };
        let wanted = wanted_roles(&mut work, tenant, known, claims).await?;
        let lost = actor.follow_roles(&mut work, tenant.id, user, &wanted).await?;
        links::touch(&mut work, user, now).await?;
        work.save().await?;
        if lost {
            self.announce();
        }
        self.succeed(row).await
    }

    async fn new_federated(
        &self,
        work: &mut UnitOfWork,
        tenant: &Tenant,
        (known, client): (&TrustedIssuer, &ProviderClient),
        claims: &Claims,
    ) -> Result<UserId, IdentityError> {
        let most = self.settings.max_users;
        if users::count(work, tenant.id).await? >= most {
            return Err(IdentityError::Limit(format!("The tenant has {most} users, the most there can be.")));
        }
        let now = self.now();
        let subject = claims.subject().unwrap_or_default();
        let row = UserRow {
            id: UserId::new(self.rng.uuid()),
            tenant: tenant.id,
            name: free_name(work, tenant, known, client, claims).await?,
            password_hash: FEDERATED.to_owned(),
            locked: false,
            locked_until: None,
            lock_count: 0,
            failed_attempts: 0,
            attributes: attributes(client, claims),
            created_at: now,
            updated_at: now,
        };
        users::insert(work, &row).await?;
        links::link(work, tenant.id, (&known.id, subject), row.id, now).await?;
        self.record(work, tenant.id, "identity.users.create", &format!("user/{}", row.id)).await?;
        Ok(row.id)
    }
}

/// The domain that the names of a provider's accounts begin with, as those of a user store do.
pub(crate) fn domain_of(provider: &str) -> Result<String, IdentityError> {
    let folded: String = provider.split_whitespace().collect::<Vec<_>>().join("-");
    name::store(&folded)
}

/// A name that nobody has. A name that is taken is somebody else's, whoever they are: it gets a number.
async fn free_name(
    work: &mut UnitOfWork,
    tenant: &Tenant,
    known: &TrustedIssuer,
    client: &ProviderClient,
    claims: &Claims,
) -> Result<String, IdentityError> {
    let domain = domain_of(&known.name)?;
    let claim = client.name_claim.as_deref().unwrap_or("preferred_username");
    let wish = claims.text(claim).map(|wish| format!("{domain}/{wish}"));
    // A wish that cannot be a name here, or that would mean somebody of another tenant, is none.
    let wish = match wish.and_then(|wish| name::user(&wish).ok()) {
        Some(parsed) => own_name(work, tenant, &parsed.full).await.ok(),
        None => None,
    };
    if let Some(wish) = wish.filter(|wish| wish.chars().count() < 240) {
        for number in 1..=NAMES {
            let name = if number == 1 { wish.clone() } else { format!("{wish}-{number}") };
            if users::by_name(work, tenant.id, &name).await?.is_none() {
                return Ok(name);
            }
        }
    }
    let digest = hash::sha256(&format!("{}\n{}", known.issuer, claims.subject().unwrap_or_default()));
    let short: String = digest.iter().take(10).map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{domain}/{short}"))
}

/// What the provider says of the person, as SCIM attributes. They are for people to read: nothing is decided by them.
fn attributes(client: &ProviderClient, claims: &Claims) -> Map<String, Value> {
    let claim = |local: &str, standard: &str| {
        let name = client.claims.get(local).map_or(standard, String::as_str);
        let value = claims.text(name).filter(|value| !value.is_empty() && value.len() <= MAX_ATTRIBUTE);
        value.filter(|value| !value.chars().any(char::is_control)).map(str::to_owned)
    };
    let mut attributes = Map::new();
    // An address that the provider did not check may be anybody's.
    let checked = client.claims.contains_key("emailaddress")
        || claims.all.get("email_verified").and_then(Value::as_bool) == Some(true);
    if let Some(email) = claim("emailaddress", "email").filter(|_| checked) {
        attributes.insert("emails".into(), json!([{"value": email, "primary": true}]));
    }
    if let Some(phone) = claim("telephone", "phone_number") {
        attributes.insert("phoneNumbers".into(), json!([{"value": phone}]));
    }
    let (given, family) = (claim("givenname", "given_name"), claim("lastname", "family_name"));
    if given.is_some() || family.is_some() {
        attributes.insert("name".into(), json!({"givenName": given, "familyName": family}));
    }
    attributes
}

/// The ids of the roles that the provider's words stand for; an unmapped word stands for none.
async fn wanted_roles(
    work: &mut UnitOfWork,
    tenant: &Tenant,
    known: &TrustedIssuer,
    claims: &Claims,
) -> Result<BTreeSet<String>, IdentityError> {
    let claim = known.trust.role_claim.as_deref();
    let theirs = claim.map(|claim| claims.scopes(claim)).into_iter().flatten();
    let ours: BTreeSet<&String> = theirs.filter_map(|role| known.trust.roles.get(role)).collect();
    let mut wanted = BTreeSet::new();
    for role in ours.into_iter().filter(|role| !role.eq_ignore_ascii_case(EVERYONE)) {
        match roles::by_name(work, tenant.id, role).await? {
            Some(role) => drop(wanted.insert(role.id)),
            None => tracing::warn!(%role, "a role of an identity provider is mapped to one that does not exist"),
        }
    }
    Ok(wanted)
}
