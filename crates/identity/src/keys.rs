//! The keys that sign our tokens, one set and one issuer for each tenant, and who verifies them.
//!
//! A key is published before it signs and verifies long after it stopped, so that nobody who keeps our JWKS for a while
//! meets a token that cannot be verified.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use jose::{Algorithm, Claims, KeyError, SigningKey, TokenError, TokenKind, Verifier, VerifyingKey};
use model::{Secret, Tenant, TenantDomain, TenantId, Timestamp};
use serde::Serialize;
use serde_json::Value;
use store::repository::signing_key::{self as rows, SigningKeyRow};
use store::repository::tenant as tenants;

use crate::settings::MAX_LIFETIME;
use crate::{Identity, IdentityError};

/// When keys change, and what new ones are like.
#[derive(Clone, Debug)]
pub struct KeyPolicy {
    /// Algorithm of keys to be made. WSO2: RS256.
    pub algorithm: Algorithm,
    /// How long a key signs before another one takes its place.
    pub rotate_every: Duration,
    /// How long a key is published before it signs, for verifiers that keep our JWKS.
    pub publish_ahead: Duration,
    /// Whether the installed key of the super tenant was configured by the operator, who changes it then.
    pub installed_stays: bool,
}

impl Default for KeyPolicy {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::Rs256,
            rotate_every: Duration::from_hours(90 * 24),
            publish_ahead: Duration::from_hours(24),
            installed_stays: false,
        }
    }
}

/// An issuer of ours with its public keys, as gateways must know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResidentIssuer {
    /// The tenant whose clients it serves.
    pub tenant: TenantId,
    /// Exact `iss` value.
    pub issuer: String,
    /// Public keys as JWK, the signing one first.
    pub keys: Vec<Value>,
}

/// The keys of all tenants.
pub struct TokenKeys {
    installed: Arc<SigningKey>,
    policy: Option<KeyPolicy>,
    ring: RwLock<Arc<Ring>>,
}

/// What is in memory; swapped whole.
struct Ring {
    tenants: HashMap<TenantId, TenantKeys>,
    verifiers: Vec<Verifier>,
    /// The tenants of the verifiers, in the same order.
    owners: Vec<TenantId>,
    /// What it was made from.
    state: Vec<String>,
}

struct TenantKeys {
    issuer: String,
    active: bool,
    /// Keys that sign, each from its time, oldest first.
    signing: Vec<(Timestamp, Arc<SigningKey>)>,
    public: Vec<Value>,
}

impl TenantKeys {
    /// The newest key whose time has come; before that the first one there is.
    fn signs_at(&self, now: Timestamp) -> Option<&Arc<SigningKey>> {
        let begun = self.signing.iter().rev().find(|(from, _)| *from <= now);
        begun.or(self.signing.first()).map(|(_, key)| key)
    }
}

impl Ring {
    fn build(tenants: HashMap<TenantId, TenantKeys>, state: Vec<String>) -> Result<Self, KeyError> {
        let (mut verifiers, mut owners) = (Vec::new(), Vec::new());
        for (tenant, known) in &tenants {
            let keys = known.public.iter().map(VerifyingKey::from_jwk).collect::<Result<Vec<_>, _>>()?;
            verifiers.push(Verifier::new(known.issuer.as_str(), keys, BTreeSet::new()));
            owners.push(*tenant);
        }
        Ok(Self { tenants, verifiers, owners, state })
    }
}

impl TokenKeys {
    /// With one installed key for every tenant. `older`: public JWKs of keys that signed tokens which have not expired.
    ///
    /// # Errors
    /// [`KeyError`] when a key cannot be used.
    pub fn new(issuer: &str, signing: SigningKey, older: &[Value]) -> Result<Self, KeyError> {
        let mut public = vec![signing.public_jwk()?];
        public.extend(older.iter().cloned());
        let installed = Arc::new(signing);
        let keys = TenantKeys {
            issuer: issuer.to_owned(),
            active: true,
            signing: vec![(Timestamp::from_millis(0), Arc::clone(&installed))],
            public,
        };
        let ring = Ring::build(HashMap::from([(TenantId::SUPER, keys)]), Vec::new())?;
        Ok(Self { installed, policy: None, ring: RwLock::new(Arc::new(ring)) })
    }

    /// With keys of their own for the tenants, kept sealed in the database, that change by the policy. The installed key
    /// is the super tenant's first. Needs [`Identity::with_keyring`].
    #[must_use]
    pub fn with_rotation(mut self, policy: KeyPolicy) -> Self {
        self.policy = Some(policy);
        self
    }

    fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, ring: Ring) {
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
    }
}

/// What a key is sealed for: a sealed key of one tenant is nothing for another one.
pub(crate) fn context(tenant: TenantId, kid: &str) -> String {
    format!("signing-key/{tenant}/{kid}")
}

fn by_tenant(stored: &[SigningKeyRow]) -> HashMap<TenantId, Vec<&SigningKeyRow>> {
    let mut own: HashMap<TenantId, Vec<&SigningKeyRow>> = HashMap::new();
    for row in stored {
        own.entry(row.tenant).or_default().push(row);
    }
    own
}

/// What the keys in memory depend on: tenants, keys, and which of them have begun to sign.
fn state_of(tenants: &[Tenant], stored: &[SigningKeyRow], now: Timestamp) -> Vec<String> {
    let tenants = tenants.iter().map(|t| format!("{} {} {}", t.id, t.domain, t.active));
    let keys = stored.iter().map(|row| {
        let end = row.verifies_until.map(Timestamp::millis);
        format!("{} {} {} {end:?}", row.kid, row.signs_from.millis(), row.signs_from <= now)
    });
    tenants.chain(keys).collect()
}

impl Identity {
    /// The exact `iss` of a tenant's tokens.
    pub fn issuer_of(&self, domain: &TenantDomain) -> String {
        if *domain == TenantDomain::super_domain() {
            self.settings.issuer.clone()
        } else {
            format!("{}/t/{domain}/oauth2/token", self.settings.base_url)
        }
    }

    /// The issuers of all active tenants with the keys whose tokens are accepted.
    pub fn resident_issuers(&self) -> Vec<ResidentIssuer> {
        let ring = self.keys.ring();
        let mut issuers: Vec<ResidentIssuer> = ring
            .tenants
            .iter()
            .filter(|(_, known)| known.active)
            .map(|(tenant, known)| ResidentIssuer {
                tenant: *tenant,
                issuer: known.issuer.clone(),
                keys: known.public.clone(),
            })
            .collect();
        issuers.sort_by_key(|known| known.tenant);
        issuers
    }

    /// The public keys of a tenant's tokens (RFC 7517), the signing one first; none for a tenant that is not there.
    pub fn public_jwks_of(&self, tenant: TenantId) -> Vec<Value> {
        self.keys.ring().tenants.get(&tenant).map(|known| known.public.clone()).unwrap_or_default()
    }

    /// Reads the keys and tenants again, and makes keys where one is missing or due. `true` when something changed, which
    /// gateways must learn. Run it every few seconds: other nodes and the command line make keys and tenants as well.
    ///
    /// # Errors
    /// [`IdentityError::Store`]; [`IdentityError::Internal`] when a key can be neither opened nor made.
    pub async fn refresh_keys(&self) -> Result<bool, IdentityError> {
        let now = self.now();
        let mut work = self.database.read().await?;
        let known_tenants: Vec<Tenant> = tenants::list(&mut work).await?.into_iter().map(|r| r.tenant).collect();
        let mut stored = if self.keys.policy.is_some() { rows::live(&mut work, now).await? } else { Vec::new() };
        work.cancel().await?;
        if let Some(policy) = &self.keys.policy {
            let mut due = Vec::new();
            let own = by_tenant(&stored);
            for tenant in known_tenants.iter().filter(|t| t.active) {
                let own = own.get(&tenant.id).map(Vec::as_slice).unwrap_or_default();
                if self.is_due(own, tenant.id, policy, now) {
                    due.push(tenant.id);
                }
            }
            for tenant in due {
                self.add_key(tenant, policy, &stored).await?;
                let mut work = self.database.read().await?;
                stored = rows::live(&mut work, now).await?;
            }
        }
        // Keys are opened and parsed only when something is different: this runs every few seconds.
        let state = state_of(&known_tenants, &stored, now);
        if self.keys.ring().state == state {
            return Ok(false);
        }
        let own = by_tenant(&stored);
        let mut ring = HashMap::new();
        for tenant in &known_tenants {
            let own = own.get(&tenant.id).map(Vec::as_slice).unwrap_or_default();
            let keys = self.tenant_keys(tenant, own, now).map_err(|e| IdentityError::Internal(e.to_string()))?;
            ring.insert(tenant.id, keys);
        }
        let ring = Ring::build(ring, state).map_err(|e| IdentityError::Internal(e.to_string()))?;
        let before = self.resident_issuers();
        self.keys.replace(ring);
        let changed = before != self.resident_issuers();
        if changed {
            self.announce();
        }
        Ok(changed)
    }

    /// Whether a tenant needs a further key: it has none that can sign, its last one is about to be old, or the operator
    /// installed one that is not known.
    fn is_due(&self, own: &[&SigningKeyRow], tenant: TenantId, policy: &KeyPolicy, now: Timestamp) -> bool {
        let installed = own.iter().find(|row| row.kid == self.keys.installed.id());
        if tenant.is_super() && (installed.is_none() || policy.installed_stays) {
            return installed.is_none_or(|row| row.verifies_until.is_some());
        }
        let usable = own.iter().filter(|row| row.sealed.is_some() || row.kid == self.keys.installed.id());
        let newest = usable.map(|row| row.signs_from).max();
        newest.is_none_or(|from| from.plus(policy.rotate_every) <= now.plus(policy.publish_ahead))
    }

    /// Whether the key to add is the one the operator installed, not one to be made.
    fn installed_is_next(&self, stored: &[SigningKeyRow], tenant: TenantId, policy: &KeyPolicy) -> bool {
        let known = stored.iter().any(|row| row.kid == self.keys.installed.id());
        tenant.is_super() && (!known || policy.installed_stays)
    }

    async fn add_key(
        &self,
        tenant: TenantId,
        policy: &KeyPolicy,
        stored_now: &[SigningKeyRow],
    ) -> Result<(), IdentityError> {
        let failed = |e: String| IdentityError::Internal(format!("a signing key cannot be made: {e}"));
        let now = self.now();
        // The installed key has its turn first; others are made before the transaction, since an RSA key takes a while.
        let made = if self.installed_is_next(stored_now, tenant, policy) {
            None
        } else {
            let algorithm = policy.algorithm;
            let made = tokio::task::spawn_blocking(move || {
                let der = Secret::new(SigningKey::generate_pkcs8(algorithm)?);
                let key = SigningKey::from_pkcs8_for(der.expose(), algorithm)?;
                Ok::<_, KeyError>((der, key))
            });
            Some(made.await.map_err(|e| failed(e.to_string()))?.map_err(|e| failed(e.to_string()))?)
        };
        let mut work = self.database.begin().await?;
        tenants::lock(&mut work, tenant).await?;
        let stored = rows::live(&mut work, now).await?;
        // Another node was faster.
        let own: Vec<&SigningKeyRow> = stored.iter().filter(|row| row.tenant == tenant).collect();
        if !self.is_due(&own, tenant, policy, now) {
            return Ok(());
        }
        let row = match made {
            None => self.installed_row(tenant, now).map_err(|e| failed(e.to_string()))?,
            Some((der, key)) => {
                let first = own.is_empty();
                SigningKeyRow {
                    kid: key.id().to_owned(),
                    tenant,
                    algorithm: key.algorithm().as_str().to_owned(),
                    sealed: Some(self.seal_key(der.expose(), &context(tenant, key.id())).map_err(failed)?),
                    public_jwk: key.public_jwk().map_err(|e| failed(e.to_string()))?,
                    created_at: now,
                    signs_from: if first { now } else { now.plus(policy.publish_ahead) },
                    verifies_until: None,
                }
            }
        };
        if !rows::insert(&mut work, &row).await? {
            rows::reinstate(&mut work, tenant, &row.kid, row.signs_from).await?;
        }
        rows::retire_others(&mut work, tenant, &row.kid, row.signs_from.plus(MAX_LIFETIME)).await?;
        self.record(&mut work, tenant, "identity.signing-keys.add", &format!("signing-key/{}", row.kid)).await?;
        work.save().await?;
        tracing::info!(tenant = %tenant, kid = %row.kid, signs_from = %row.signs_from.rfc3339(), "a signing key was added");
        Ok(())
    }

    fn installed_row(&self, tenant: TenantId, now: Timestamp) -> Result<SigningKeyRow, KeyError> {
        let installed = &self.keys.installed;
        Ok(SigningKeyRow {
            kid: installed.id().to_owned(),
            tenant,
            algorithm: installed.algorithm().as_str().to_owned(),
            sealed: None,
            public_jwk: installed.public_jwk()?,
            created_at: now,
            signs_from: now,
            verifies_until: None,
        })
    }

    fn tenant_keys(&self, tenant: &Tenant, own: &[&SigningKeyRow], now: Timestamp) -> Result<TenantKeys, KeyError> {
        let installed = &self.keys.installed;
        let mut keys = TenantKeys {
            issuer: self.issuer_of(&tenant.domain),
            active: tenant.active,
            signing: Vec::new(),
            public: Vec::new(),
        };
        for row in own {
            keys.public.push(row.public_jwk.clone());
            if row.kid == installed.id() {
                keys.signing.push((row.signs_from, Arc::clone(installed)));
            } else if let Some(key) = self.open_key(row) {
                keys.signing.push((row.signs_from, Arc::new(key)));
            }
        }
        if self.keys.policy.is_none() {
            keys.public.push(installed.public_jwk()?);
            keys.signing.push((Timestamp::from_millis(0), Arc::clone(installed)));
        }
        let first = keys.signs_at(now).map(|key| key.id().to_owned());
        keys.public.sort_by_key(|jwk| jwk.get("kid").and_then(Value::as_str) != first.as_deref());
        Ok(keys)
    }

    fn seal_key(&self, der: &[u8], context: &str) -> Result<String, String> {
        let keyring = self.keyring.as_ref().ok_or("there is no keyring to seal it with")?;
        keyring.seal(der, context, &*self.rng).map_err(|e| e.to_string())
    }

    /// The private half of a stored key; without it the key still verifies.
    fn open_key(&self, row: &SigningKeyRow) -> Option<SigningKey> {
        let sealed = row.sealed.as_deref()?;
        let opened = self.keyring.as_ref()?.open(sealed, &context(row.tenant, &row.kid));
        let opened =
            opened.inspect_err(|reason| tracing::error!(kid = %row.kid, %reason, "a signing key cannot be opened"));
        let algorithm = Algorithm::from_name(&row.algorithm)?;
        SigningKey::from_pkcs8_for(opened.ok()?.expose(), algorithm).ok().filter(|key| key.id() == row.kid)
    }

    /// Makes sure that a tenant has keys in memory: it may have been made by another node a moment ago.
    pub(crate) async fn need_keys(&self, tenant: TenantId) -> Result<(), IdentityError> {
        if self.keys.ring().tenants.get(&tenant).is_none_or(|known| known.signing.is_empty()) {
            self.refresh_keys().await?;
        }
        Ok(())
    }

    /// Signs claims with the key of a tenant.
    pub(crate) fn sign(&self, tenant: TenantId, kind: &str, claims: &impl Serialize) -> Result<String, IdentityError> {
        let ring = self.keys.ring();
        let key = ring.tenants.get(&tenant).and_then(|known| known.signs_at(self.now()));
        let key = key.ok_or_else(|| IdentityError::Internal(format!("tenant {tenant} has no signing key")))?;
        key.sign(kind, claims).map_err(|e| IdentityError::Internal(e.to_string()))
    }

    /// The name of the algorithm that a tenant's tokens are signed with.
    pub(crate) fn algorithm_of(&self, tenant: TenantId) -> &'static str {
        let ring = self.keys.ring();
        let key = ring.tenants.get(&tenant).and_then(|known| known.signs_at(self.now()));
        key.map_or(Algorithm::Rs256, |key| key.algorithm()).as_str()
    }

    /// Verifies a token of ours: whose issuer signed it, and what it says.
    pub(crate) fn verify(&self, kind: TokenKind, token: &str) -> Result<(TenantId, Claims), TokenError> {
        let ring = self.keys.ring();
        let (index, claims) = jose::verify_as(kind, &ring.verifiers, token, self.now().seconds())?;
        let owner = ring.owners.get(index).copied().ok_or(TokenError::Issuer)?;
        Ok((owner, claims))
    }

    /// Whether a text is the issuer of one of our tenants.
    pub(crate) fn is_own_issuer(&self, issuer: &str) -> bool {
        self.keys.ring().tenants.values().any(|known| known.issuer == issuer)
    }
}
