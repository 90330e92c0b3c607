//! Signing keys of tenants: made, rotated, withdrawn, and no token that cannot be verified meanwhile.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use identity::{Identity, IdentitySettings, KeyPolicy, NewTenant, TenantOwner, TokenKeys};
use jose::{Algorithm, Verifier, VerifyingKey};
use model::{Clock, Secret, TenantId, Timestamp};
use store::{Database, Migration};
use testkit::{MockClock, SeededRng};
use vault::Keyring;

use crate::server::{ISSUER, signing_key};

struct Node {
    identity: Identity,
    clock: Arc<MockClock>,
}

/// A node over a database that others may use as well.
async fn node(path: &std::path::Path, clock: &Arc<MockClock>, policy: KeyPolicy, key: jose::SigningKey) -> Node {
    let database = Database::open_sqlite(path).await.unwrap();
    database.migrate(Migration::all(), None, clock.now()).await.unwrap();
    let rng = Arc::new(SeededRng::new(11));
    let keyring = Keyring::generate(Timestamp::from_millis(0), &SeededRng::new(5));
    let keys = TokenKeys::new(ISSUER, key, &[]).unwrap().with_rotation(policy);
    let settings = IdentitySettings::new(ISSUER, "https://localhost:9443");
    let identity = Identity::new(database, Arc::clone(clock) as _, rng, settings, keys).with_keyring(Arc::new(keyring));
    identity.initialise().await.unwrap();
    Node { identity, clock: Arc::clone(clock) }
}

impl Node {
    /// A test key of the tenant: a token that needs no client.
    async fn token(&self, tenant: TenantId) -> String {
        let end = self.clock.now().seconds() + 3600;
        let claims = serde_json::json!({"sub": if tenant.is_super() { "local-operator" } else { "admin" }, "exp": end});
        self.identity.sign_internal_key(tenant, claims).await.unwrap().expose().clone()
    }

    /// Whether somebody who read our JWKS at some time accepts a token now.
    fn accepted(&self, jwks: &[serde_json::Value], issuer: &str, token: &str) -> bool {
        let keys = jwks.iter().map(|jwk| VerifyingKey::from_jwk(jwk).unwrap()).collect();
        Verifier::new(issuer, keys, BTreeSet::new()).verify(token, self.clock.now().seconds()).is_ok()
    }
}

fn kid(token: &str) -> String {
    use base64::Engine;
    let header = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

fn clock() -> Arc<MockClock> {
    Arc::new(MockClock::at(Timestamp::from_millis(1_795_288_511_042)))
}

fn fast() -> KeyPolicy {
    let (rotate_every, publish_ahead) = (Duration::from_hours(48), Duration::from_hours(6));
    KeyPolicy { algorithm: Algorithm::Es256, rotate_every, publish_ahead, installed_stays: false }
}

async fn tenant(node: &Node) -> TenantId {
    let owner = TenantOwner {
        username: "admin".into(),
        password: Secret::new("correct horse battery".into()),
        email: "admin@tenant1.com".into(),
        first_name: "First".into(),
        last_name: "Tenant".into(),
    };
    node.identity.create_tenant(NewTenant { domain: "tenant1.com".into(), owner }).await.unwrap().tenant.id
}

#[tokio::test]
async fn keys_change_on_schedule_and_no_verification_fails() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.db");
    let clock = clock();
    let (first, second) =
        (node(&path, &clock, fast(), signing_key()).await, node(&path, &clock, fast(), signing_key()).await);
    let tenant = tenant(&first).await;
    let issuer = "https://localhost:9443/t/tenant1.com/oauth2/token";
    let mut cached: Vec<(Timestamp, Vec<serde_json::Value>)> = Vec::new();
    let mut kids = BTreeSet::new();
    let mut live: Vec<(Timestamp, String)> = Vec::new();
    // Ten days, hour by hour, with somebody who keeps our JWKS for five hours.
    for hour in 0..240 {
        for node in [&first, &second] {
            node.identity.refresh_keys().await.unwrap();
        }
        if hour % 5 == 0 {
            cached.push((clock.now(), first.identity.public_jwks_of(tenant)));
        }
        let signer = if hour % 2 == 0 { &first } else { &second };
        let token = signer.token(tenant).await;
        kids.insert(kid(&token));
        live.push((clock.now(), token));
        let jwks = &cached.last().unwrap().1;
        live.retain(|(made, _)| clock.now().since(*made) < Duration::from_mins(59));
        for (_, token) in &live {
            assert!(first.accepted(jwks, issuer, token), "hour {hour}: a kept JWKS does not have the key");
        }
        clock.advance(Duration::from_hours(1));
    }
    assert!((4..=7).contains(&kids.len()), "{} keys in ten days of two-day keys", kids.len());
    let published = first.identity.public_jwks_of(tenant);
    assert_eq!(published.len(), second.identity.public_jwks_of(tenant).len());
    assert!(published.iter().all(|jwk| jwk.get("d").is_none() && jwk["alg"] == "ES256"));
    // The installed key was the super tenant's first, and was rotated too.
    let own = first.identity.public_jwks_of(TenantId::SUPER);
    assert!(own.len() > 3 && own.iter().any(|jwk| jwk["kid"] == signing_key().id()), "{own:?}");
    assert_ne!(kid(&first.token(TenantId::SUPER).await), signing_key().id());
    // The end of a key is the end of what it may have signed: nothing is kept for ever.
    clock.advance(Duration::from_hours(24 * 400));
    first.identity.refresh_keys().await.unwrap();
    assert!(first.identity.public_jwks_of(tenant).len() <= 2, "{:?}", first.identity.public_jwks_of(tenant).len());
}

#[tokio::test]
async fn tenants_do_not_share_keys_or_issuers() {
    let directory = tempfile::tempdir().unwrap();
    let clock = clock();
    let node = node(&directory.path().join("keys.db"), &clock, fast(), signing_key()).await;
    let tenant = tenant(&node).await;
    let issuers = node.identity.resident_issuers();
    assert_eq!(issuers.len(), 2);
    assert_eq!(issuers[0].issuer, ISSUER);
    assert_eq!(issuers[1].issuer, "https://localhost:9443/t/tenant1.com/oauth2/token");
    assert!(issuers[0].keys.iter().all(|k| !issuers[1].keys.contains(k)));
    let token = node.token(tenant).await;
    assert!(node.accepted(&issuers[1].keys, &issuers[1].issuer, &token));
    assert!(!node.accepted(&issuers[0].keys, &issuers[1].issuer, &token));
    // A tenant that is off has no issuer at the gateways.
    let changes = node.identity.changes();
    node.identity.set_tenant_active(tenant, false).await.unwrap();
    assert_eq!(node.identity.resident_issuers().len(), 1);
    assert!(changes.has_changed().unwrap());
    node.identity.set_tenant_active(tenant, true).await.unwrap();
    assert_eq!(node.identity.resident_issuers().len(), 2);
}

#[tokio::test]
async fn a_key_that_the_operator_installs_is_used_at_once_and_the_former_one_still_verifies() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.db");
    let clock = clock();
    let policy = || KeyPolicy { installed_stays: true, ..fast() };
    let before = node(&path, &clock, policy(), signing_key()).await;
    let token = before.token(TenantId::SUPER).await;
    clock.advance(Duration::from_secs(60));
    let new = jose::SigningKey::from_pkcs8(&crate::server::new_key()).unwrap();
    let id = new.id().to_owned();
    let after = node(&path, &clock, policy(), new).await;
    assert_eq!(kid(&after.token(TenantId::SUPER).await), id);
    assert!(after.accepted(&after.identity.public_jwks_of(TenantId::SUPER), ISSUER, &token));
    // It stays until its operator changes it.
    clock.advance(Duration::from_hours(24 * 30));
    after.identity.refresh_keys().await.unwrap();
    assert_eq!(kid(&after.token(TenantId::SUPER).await), id);
    // And may be put back.
    let back = node(&path, &clock, policy(), signing_key()).await;
    assert_eq!(kid(&back.token(TenantId::SUPER).await), signing_key().id());
}
