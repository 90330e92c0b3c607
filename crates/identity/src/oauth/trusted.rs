//! Issuers outside that a tenant trusts to speak about subjects (WSO2: trusted identity providers).
//!
//! What they vouch for opens APIs; it never becomes an account of ours, whatever the name or the e-mail address.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jose::{TokenError, TokenKind, Verifier};
use model::{Secret, TenantId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::repository::trusted_issuer::{self as rows, TrustedIssuerRow};
use store::repository::{federation as links, login_session as sessions, token as tokens};
use web::Call;
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;

use super::client_auth::unverified_issuer;
use super::error::OAuthError;
use super::metadata::verifying_key;
use crate::federation::{ProviderClient, domain_of, is_protected};
use crate::{Identity, IdentityError};

/// Longest life of an assertion of an issuer that is used once, seconds: how long its id is remembered.
const MAX_ASSERTION_LIFE: i64 = 3660;
/// Local claims that accounts of a provider's people keep (WSO2: `http://wso2.org/claims/...`).
const LOCAL_CLAIMS: [&str; 4] = ["emailaddress", "givenname", "lastname", "telephone"];
/// Most issuers of one tenant.
const MAX_ISSUERS: usize = 100;

/// An issuer outside, as an administrator describes it.
#[derive(Clone, Debug)]
pub(crate) struct TrustedIssuer {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) issuer: String,
    pub(crate) trust: Trust,
}

/// How its statements are judged.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Trust {
    /// What the issuer calls us in `aud` (WSO2: alias). The token endpoint and the issuer name of the tenant always count.
    pub(crate) alias: Option<String>,
    /// Public keys as JWK.
    pub(crate) keys: Vec<Value>,
    /// Claim that names the roles of a subject at the issuer.
    pub(crate) role_claim: Option<String>,
    /// What those roles are here.
    pub(crate) roles: BTreeMap<String, String>,
    /// How people sign in there; `None` when they cannot.
    pub(crate) sign_in: Option<ProviderClient>,
}

/// Somebody whom a trusted issuer vouches for.
pub(crate) struct VouchedSubject {
    pub(crate) name: String,
    /// Roles of the tenant.
    pub(crate) roles: BTreeSet<String>,
    /// How long the statement is still valid.
    pub(crate) remaining: Duration,
    /// Id of the trusted issuer.
    pub(crate) issuer: String,
}

impl VouchedSubject {
    /// What tokens for this subject come from; see [`store::repository::token::DerivedRow`].
    pub(crate) fn origin(&self) -> String {
        origin_of(&self.issuer)
    }
}

/// A `jti` never begins like this: ours are UUIDs.
fn origin_of(issuer: &str) -> String {
    format!("issuer:{issuer}")
}

impl Identity {
    /// Checks a statement of a trusted issuer. `once`: it has an id and is used up.
    ///
    /// # Errors
    /// `invalid_grant`.
    pub(crate) async fn vouched_subject(
        &self,
        tenant: TenantId,
        statement: &str,
        call: &Call,
        once: bool,
    ) -> Result<VouchedSubject, OAuthError> {
        let untrusted = || OAuthError::invalid_grant("No trusted issuer stands for this JSON Web Token.");
        let issuer = unverified_issuer(statement).ok_or_else(untrusted)?;
        let mut work = self.database.read().await?;
        let row = rows::by_issuer(&mut work, tenant, &issuer).await?.ok_or_else(untrusted)?;
        work.cancel().await?;
        let trusted = trusted(row)?;
        let domain = self.tenant(tenant).await?.tenant.domain;
        let mut audiences = self.own_audiences(&domain, call);
        audiences.extend(trusted.trust.alias.clone());
        let keys = trusted.trust.keys.iter().map(verifying_key).collect::<Result<Vec<_>, _>>()?;
        let verifier = Verifier::new(issuer.as_str(), keys, audiences);
        let now = self.now().seconds();
        let verified = jose::verify_as(TokenKind::Assertion, &[verifier], statement, now);
        let (_, claims) = verified.map_err(|reason| match reason {
            // WSO2's words.
            TokenError::Expired => OAuthError::invalid_grant("JSON Web Token is expired."),
            other => {
                tracing::info!(%issuer, reason = %other, "the statement of a trusted issuer was refused");
                OAuthError::invalid_grant("The JSON Web Token is not valid.")
            }
        })?;
        let name = claims.subject().unwrap_or_default();
        // Users of this server have an `@` in their subject: nobody outside may speak in their names.
        let safe = |c: char| !c.is_control() && !c.is_whitespace() && c != '@';
        if name.is_empty() || name.len() > 255 || !name.chars().all(safe) {
            let text = "The subject of the JSON Web Token has 1 to 255 visible characters and no @.";
            return Err(OAuthError::invalid_grant(text));
        }
        let life = claims.expires.saturating_sub(now);
        if once {
            if life > MAX_ASSERTION_LIFE {
                let text = format!("The JSON Web Token is valid for longer than {MAX_ASSERTION_LIFE} seconds.");
                return Err(OAuthError::invalid_grant(text));
            }
            let Some(id) = claims.token_id() else {
                return Err(OAuthError::invalid_grant("The JSON Web Token needs an id (jti), so that it counts once."));
            };
            if !self.first_use("assertion", &format!("{tenant}/{issuer}"), id, life).await? {
                return Err(OAuthError::invalid_grant("The JSON Web Token was used before."));
            }
        }
        let claim = trusted.trust.role_claim.as_deref();
        let theirs = claim.map(|claim| claims.scopes(claim)).into_iter().flatten();
        let roles = theirs.filter_map(|role| trusted.trust.roles.get(role).cloned()).collect();
        let remaining = Duration::from_secs(u64::try_from(life).unwrap_or(0));
        Ok(VouchedSubject { name: name.to_owned(), roles, remaining, issuer: trusted.id })
    }

    /// The scopes for a vouched subject: never one of the management APIs.
    pub(crate) async fn federated_scopes(
        &self,
        tenant: TenantId,
        subject: &VouchedSubject,
        wanted: &BTreeSet<String>,
    ) -> Result<BTreeSet<String>, IdentityError> {
        let mut work = self.database.read().await?;
        let table = self.scope_table_for(&mut work, tenant, wanted).await?;
        let mut granted = table.grant(wanted, &subject.roles, false);
        // An ID token says that somebody signed in here.
        if granted.remove("openid") && granted.is_empty() {
            granted.insert(crate::scope::DEFAULT_SCOPE.to_owned());
        }
        Ok(granted)
    }

    pub(crate) async fn trusted_issuers(&self, tenant: TenantId) -> Result<Vec<TrustedIssuer>, IdentityError> {
        let mut work = self.database.read().await?;
        rows::list(&mut work, tenant).await?.into_iter().map(trusted).collect()
    }

    pub(crate) async fn add_trusted_issuer(
        &self,
        tenant: TenantId,
        name: &str,
        issuer: &str,
        mut trust: Trust,
        client_secret: Option<&Secret<String>>,
    ) -> Result<TrustedIssuer, IdentityError> {
        let id = self.rng.uuid().to_string();
        if let (Some(client), Some(secret)) = (&mut trust.sign_in, client_secret) {
            client.secret = self.seal_provider_secret(&id, secret)?;
        }
        check(name, issuer, &trust)?;
        if self.is_own_issuer(issuer) {
            return Err(IdentityError::invalid("This server is not an issuer outside of itself."));
        }
        let row = TrustedIssuerRow {
            id,
            tenant,
            name: name.to_owned(),
            issuer: issuer.to_owned(),
            details: serde_json::to_value(&trust).map_err(|e| IdentityError::Internal(e.to_string()))?,
            created_at: self.now(),
        };
        let mut work = self.database.begin().await?;
        if rows::list(&mut work, tenant).await?.len() >= MAX_ISSUERS {
            return Err(IdentityError::Limit(format!("A tenant has at most {MAX_ISSUERS} trusted issuers.")));
        }
        rows::insert(&mut work, &row).await?;
        self.record(&mut work, tenant, "identity.trusted-issuers.add", &format!("trusted-issuer/{}", row.id)).await?;
        work.save().await?;
        trusted(row)
    }

    /// Changes how an issuer's statements are judged.
    pub(crate) async fn change_trusted_issuer(
        &self,
        tenant: TenantId,
        id: &str,
        change: impl FnOnce(&mut Trust),
    ) -> Result<TrustedIssuer, IdentityError> {
        let mut work = self.database.begin().await?;
        let mut row = rows::find(&mut work, tenant, id).await?.ok_or_else(no_issuer)?;
        let mut changed = trusted(row.clone())?;
        change(&mut changed.trust);
        check(&changed.name, &changed.issuer, &changed.trust)?;
        row.details = serde_json::to_value(&changed.trust).map_err(|e| IdentityError::Internal(e.to_string()))?;
        rows::update(&mut work, &row).await?;
        self.record(&mut work, tenant, "identity.trusted-issuers.change", &format!("trusted-issuer/{id}")).await?;
        work.save().await?;
        Ok(changed)
    }

    /// Changes how people sign in at a provider; without a secret the one it has stays.
    pub(crate) async fn set_provider_client(
        &self,
        tenant: TenantId,
        id: &str,
        client: ProviderClient,
        secret: Option<&Secret<String>>,
    ) -> Result<TrustedIssuer, IdentityError> {
        let sealed = secret.map(|secret| self.seal_provider_secret(id, secret)).transpose()?;
        self.change_trusted_issuer(tenant, id, |trust| {
            let old = trust.sign_in.take().unwrap_or_default();
            let (name_claim, claims) = (old.name_claim, old.claims);
            trust.sign_in = Some(ProviderClient { secret: sealed.unwrap_or(old.secret), name_claim, claims, ..client });
        })
        .await
    }

    pub(crate) async fn remove_trusted_issuer(&self, tenant: TenantId, id: &str) -> Result<(), IdentityError> {
        let mut work = self.database.begin().await?;
        // Who came by this provider cannot come again: what they have ends with it.
        if !rows::hold(&mut work, tenant, id).await? {
            return Err(no_issuer());
        }
        for user in links::accounts_of(&mut work, tenant, id).await? {
            self.end_tokens_of(&mut work, tenant, user).await?;
            sessions::end_of_user(&mut work, tenant, user, None).await?;
        }
        rows::delete(&mut work, tenant, id).await?;
        tokens::revoke_derived(&mut work, &origin_of(id), self.now()).await?;
        self.record(&mut work, tenant, "identity.trusted-issuers.remove", &format!("trusted-issuer/{id}")).await?;
        work.save().await?;
        self.announce();
        Ok(())
    }
}

fn no_issuer() -> IdentityError {
    IdentityError::not_found("There is no such identity provider.")
}

pub(crate) fn trusted(row: TrustedIssuerRow) -> Result<TrustedIssuer, IdentityError> {
    let trust = serde_json::from_value(row.details).map_err(|e| IdentityError::Internal(e.to_string()))?;
    Ok(TrustedIssuer { id: row.id, name: row.name, issuer: row.issuer, trust })
}

fn check(name: &str, issuer: &str, trust: &Trust) -> Result<(), IdentityError> {
    let fits = |text: &str, most: usize| !text.is_empty() && text.len() <= most && !text.chars().any(char::is_control);
    if !fits(name, 255) || !fits(issuer, 2048) {
        return Err(IdentityError::invalid("An identity provider has a name and an issuer."));
    }
    if let Some(client) = &trust.sign_in {
        check_client(name, issuer, client)?;
    }
    if (trust.keys.is_empty() && trust.sign_in.is_none()) || trust.keys.len() > 20 {
        return Err(IdentityError::invalid(
            "An identity provider needs 1 to 20 certificates that its tokens are checked with.",
        ));
    }
    if trust.roles.len() > 1000 {
        return Err(IdentityError::invalid("At most 1000 roles can be mapped."));
    }
    for key in &trust.keys {
        verifying_key(key)?;
    }
    Ok(())
}

/// Checks how people sign in at a provider.
fn check_client(name: &str, issuer: &str, client: &ProviderClient) -> Result<(), IdentityError> {
    if !is_protected(issuer) {
        return Err(IdentityError::invalid(
            "People sign in at an issuer whose name is an https address: its description is fetched from there.",
        ));
    }
    domain_of(name)?;
    let fits = |text: &str| !text.is_empty() && text.len() <= 255 && text.bytes().all(|b| b.is_ascii_graphic());
    if !fits(&client.client_id) || client.secret.is_empty() {
        return Err(IdentityError::invalid(
            "Signing in needs ClientId and ClientSecret of this server at the provider.",
        ));
    }
    if client.scopes.len() > 20 || !client.scopes.iter().all(|scope| fits(scope)) {
        return Err(IdentityError::invalid("Scopes are at most 20 words."));
    }
    match client.claims.keys().find(|local| !LOCAL_CLAIMS.contains(&local.as_str())) {
        Some(unknown) => Err(IdentityError::invalid(format!(
            "{unknown} is not a local claim that accounts keep; choose of {}.",
            LOCAL_CLAIMS.join(", ")
        ))),
        None => Ok(()),
    }
}

/// The public key of a certificate as JWK. The certificate is a container here: whoever installs it trusts this key.
pub(crate) fn key_of_certificate(der: &[u8]) -> Result<Value, IdentityError> {
    let unusable = || IdentityError::invalid("A certificate cannot be read, or its key is neither RSA nor P-256.");
    let (_, certificate) = X509Certificate::from_der(der).map_err(|_| unusable())?;
    match certificate.public_key().parsed().map_err(|_| unusable())? {
        PublicKey::RSA(key) => {
            let bare = |number: &[u8]| {
                let from = number.iter().position(|b| *b != 0).unwrap_or(0);
                URL_SAFE_NO_PAD.encode(number.get(from..).unwrap_or_default())
            };
            Ok(json!({"kty": "RSA", "alg": "RS256", "n": bare(key.modulus), "e": bare(key.exponent)}))
        }
        PublicKey::EC(point) => match point.data() {
            [4, rest @ ..] if rest.len() == 64 => {
                let (x, y) = rest.split_at(32);
                let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
                Ok(json!({"kty": "EC", "crv": "P-256", "alg": "ES256", "x": x, "y": y}))
            }
            _ => Err(unusable()),
        },
        _ => Err(unusable()),
    }
}
