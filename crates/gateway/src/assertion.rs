//! Who calls, as a signed token for the upstream (WSO2: backend JWT, `X-JWT-Assertion`).
//!
//! The token is made once per caller and API and used until shortly before it ends. What signs it comes from the
//! composition root; its keys are published there. Its `iss` is not one whose tokens the gateway accepts, so it is no
//! access token.

use http::{HeaderName, HeaderValue};
use model::snapshot::{DeployedApi, KeyType};
use model::{TenantId, Timestamp};
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::authenticate::Caller;
use crate::authorise::Standing;
use crate::compile::{Api, Compiled};
use crate::denial::qualified;

/// Signs tokens for upstreams.
pub trait AssertionSigner: Send + Sync {
    /// A JWT of these claims, which the signer completes by its `iss`, with the key of a tenant. `None` when it cannot; the
    /// call is then refused.
    fn sign(&self, tenant: TenantId, claims: &Map<String, Value>) -> Option<String>;
}

/// How upstreams learn who calls.
#[derive(Clone)]
pub struct BackendToken {
    /// Header that carries the token.
    pub header: HeaderName,
    /// What stands before the names of claims, without the slash between (WSO2: `claim_dialect`).
    pub dialect: String,
    /// How long a token is valid.
    pub lifetime: Duration,
    /// Makes it.
    pub signer: Arc<dyn AssertionSigner>,
}

/// A token is not used for longer than this before its end, seconds.
const MARGIN: i64 = 60;
/// Most tokens that are kept for one caller: one for each API that it calls.
const KEPT: usize = 16;

/// Tokens that were made for one caller.
#[derive(Default)]
pub(crate) struct Assertions(Mutex<Vec<Kept>>);

struct Kept {
    api: Arc<DeployedApi>,
    key_type: KeyType,
    expires: i64,
    value: HeaderValue,
}

impl std::fmt::Debug for Assertions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Assertions(..)")
    }
}

impl Assertions {
    fn find(&self, api: &Arc<DeployedApi>, key_type: KeyType, now: i64) -> Option<HeaderValue> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let same =
            |kept: &&Kept| Arc::ptr_eq(&kept.api, api) && kept.key_type == key_type && now < kept.expires - MARGIN;
        kept.iter().find(same).map(|kept| kept.value.clone())
    }

    fn keep(&self, new: Kept) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|old| old.api.id != new.api.id || old.key_type != new.key_type);
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        kept.push(new);
    }
}

/// The token of a caller for an API: `Ok(None)` for a caller whom nobody knows, `Err` when it cannot be made.
pub(crate) fn assertion(
    how: &BackendToken,
    compiled: &Compiled,
    api: &Api,
    (caller, standing): (&Caller, &Standing),
    now: Timestamp,
) -> Result<Option<HeaderValue>, ()> {
    let application = standing.application();
    let assertions = match caller {
        Caller::Anonymous => return Ok(None),
        Caller::User(_) => None,
        Caller::Token(principal) | Caller::Test { principal, .. } => Some(&principal.assertions),
        Caller::Key { .. } | Caller::Certificate(_) => application.map(|application| &application.assertions),
    };
    let (deployed, seconds) = (&api.deployed, now.seconds());
    if let Some(known) = assertions.and_then(|known| known.find(deployed, standing.key_type(), seconds)) {
        return Ok(Some(known));
    }
    let lifetime = i64::try_from(how.lifetime.as_secs()).unwrap_or(i64::MAX);
    let expires = seconds.saturating_add(lifetime);
    let mut claims = claims(how, compiled, api, (caller, standing));
    claims.insert("iat".into(), json!(seconds));
    claims.insert("exp".into(), json!(expires));
    let token = how.signer.sign(deployed.tenant, &claims).ok_or(())?;
    let mut value = HeaderValue::try_from(token).map_err(|_| ())?;
    value.set_sensitive(true);
    if let Some(assertions) = assertions {
        let (api, key_type, value) = (Arc::clone(deployed), standing.key_type(), value.clone());
        assertions.keep(Kept { api, key_type, expires, value });
    }
    Ok(Some(value))
}

/// WSO2's claims.
fn claims(
    how: &BackendToken,
    compiled: &Compiled,
    api: &Api,
    (caller, standing): (&Caller, &Standing),
) -> Map<String, Value> {
    let domain = |tenant| compiled.tenants.get(&tenant).map_or("", |domain| domain.as_str());
    let deployed = &api.deployed;
    let mut claims = Map::new();
    let mut put = |name: &str, value: String| {
        claims.insert(format!("{}/{name}", how.dialect), Value::String(value));
    };
    put("apiname", deployed.name.clone());
    put("apicontext", deployed.versioned_context.clone());
    put("version", deployed.version.clone());
    put("keytype", if standing.key_type() == KeyType::Sandbox { "SANDBOX" } else { "PRODUCTION" }.to_owned());
    if let Some(application) = standing.application() {
        put("applicationid", application.id.to_string());
        put("applicationUUId", application.id.to_string());
        put("applicationname", application.name.to_string());
        // The super tenant's users have no domain behind their names.
        let owner = if application.tenant.is_super() {
            application.owner.to_string()
        } else {
            qualified(&application.owner, domain(application.tenant))
        };
        put("subscriber", owner);
    }
    let owner = standing.application().map(|a| qualified(&a.owner, domain(a.tenant)));
    let user = caller.user().map(|user| qualified(user, domain(deployed.tenant)));
    let for_user = user.is_some();
    if let Some(user) = user.or(owner) {
        put("enduser", user);
    }
    let attributes = standing.application().and_then(|application| application.attributes.as_deref()).cloned();
    put("enduserTenantId", deployed.tenant.number().to_string());
    put("usertype", if for_user { "Application_User" } else { "Application" }.to_owned());
    if let Some(attributes) = attributes {
        claims.insert(format!("{}/applicationAttributes", how.dialect), attributes);
    }
    claims
}
