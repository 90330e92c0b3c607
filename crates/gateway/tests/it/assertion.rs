//! Tokens that tell upstreams who calls.

use crate::platform::*;
use gateway::{AssertionSigner, BackendToken};
use model::TenantId;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

#[derive(Default)]
struct Signer {
    made: AtomicUsize,
    broken: AtomicBool,
}

impl AssertionSigner for Signer {
    fn sign(&self, tenant: TenantId, claims: &Map<String, Value>) -> Option<String> {
        assert_eq!(tenant, TenantId::SUPER);
        self.made.fetch_add(1, Ordering::SeqCst);
        let mut claims = claims.clone();
        claims.insert("iss".into(), json!("wso2.org/products/am"));
        (!self.broken.load(Ordering::SeqCst)).then(|| KEY.sign("JWT", &claims).unwrap())
    }
}

fn start(upstream: &Upstream) -> (Stack, Arc<Signer>) {
    let signer = Arc::new(Signer::default());
    let token = BackendToken {
        header: http::HeaderName::from_static("x-who"),
        dialect: "http://wso2.org/claims".into(),
        lifetime: Duration::from_secs(900),
        signer: Arc::clone(&signer) as Arc<dyn AssertionSigner>,
    };
    (Stack::with(upstream.address, |own| own.backend_token = Some(token), |_| ()), signer)
}

fn told(reply: &Reply) -> Option<String> {
    let text = reply.text();
    let mut found = text.lines().filter_map(|line| line.strip_prefix("x-who: ").map(str::to_owned));
    let first = found.next();
    assert!(found.next().is_none(), "{text}");
    first
}

#[test]
fn upstreams_learn_who_calls_and_cannot_be_told_otherwise() {
    let upstream = Upstream::echo();
    let (stack, signer) = start(&upstream);
    let user = format!("Bearer {}", token(json!({"sub": "bob@carbon.super", "aut": "APPLICATION_USER"})));
    let call = |path: &str, value: &str| {
        let forged = ["X-Who", "x_who", "X_Who", "X-JWT-Assertion"].map(|name| (name, "admin"));
        stack.get(path, &[&[("Authorization", value)], &forged[..]].concat())
    };
    let reply = call("/pizza/1.0.0/menu", &user);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(!reply.text().contains("admin"), "{}", reply.text());
    let sent = told(&reply).unwrap();
    let verifier = jose::VerifyingKey::from_jwk(&KEY.public_jwk().unwrap()).unwrap();
    let verifier = jose::Verifier::new("wso2.org/products/am", vec![verifier], Default::default());
    let claims = verifier.verify(&sent, NOW).unwrap();
    let claim = |name: &str| claims.text(&format!("http://wso2.org/claims/{name}")).unwrap_or_default();
    assert_eq!(claim("apiname"), "Pizza");
    assert_eq!(claim("apicontext"), "/pizza/1.0.0");
    assert_eq!(claim("version"), "1.0.0");
    assert_eq!(claim("keytype"), "PRODUCTION");
    assert_eq!(claim("applicationname"), "App");
    assert_eq!(claim("subscriber"), "alice");
    assert_eq!(claim("enduser"), "bob@carbon.super");
    assert_eq!(claim("usertype"), "Application_User");
    assert_eq!(claims.expires, NOW + 900);
    // It tells, and opens nothing.
    assert_eq!(call("/pizza/1.0.0/menu", &format!("Bearer {sent}")).status, 401);
    assert_eq!(told(&call("/pizza/1.0.0/open", "")), None);
    assert_eq!(signer.made.load(Ordering::SeqCst), 1);
}

#[test]
fn attributes_of_the_application_travel_with_the_token() {
    let upstream = Upstream::echo();
    let signer = Arc::new(Signer::default());
    let how = BackendToken {
        header: http::HeaderName::from_static("x-who"),
        dialect: "http://wso2.org/claims".into(),
        lifetime: Duration::from_secs(900),
        signer: Arc::clone(&signer) as Arc<dyn AssertionSigner>,
    };
    let stack = Stack::with(
        upstream.address,
        |own| own.backend_token = Some(how),
        |snapshot| {
            for application in snapshot.applications.values_mut() {
                application.attributes.insert("Department".into(), "Ovens \"and\" sinks".into());
                application.attributes.insert("Optional".into(), String::new());
            }
        },
    );
    let user = format!("Bearer {}", token(json!({"sub": "bob@carbon.super", "aut": "APPLICATION_USER"})));
    let sent = told(&stack.get("/pizza/1.0.0/menu", &[("Authorization", &user)])).unwrap();
    let verifier = jose::VerifyingKey::from_jwk(&KEY.public_jwk().unwrap()).unwrap();
    let verifier = jose::Verifier::new("wso2.org/products/am", vec![verifier], Default::default());
    let claims = verifier.verify(&sent, NOW).unwrap();
    let told = claims.all.get("http://wso2.org/claims/applicationAttributes").unwrap();
    assert_eq!(told, &json!({"Department": "Ovens \"and\" sinks", "Optional": ""}));
}

#[test]
fn it_is_made_once_and_anew_before_it_ends() {
    let upstream = Upstream::echo();
    let (stack, signer) = start(&upstream);
    let value = format!("Bearer {}", token(json!({})));
    let call = || told(&stack.get("/pizza/1.0.0/menu", &[("Authorization", &value)]));
    let first = call().unwrap();
    for _ in 0..20 {
        call().unwrap();
    }
    // Once for each worker that saw the token.
    let made = signer.made.load(Ordering::SeqCst);
    assert!((1..=2).contains(&made), "{made}");
    stack.clock.advance(850);
    assert_ne!(call().unwrap(), first);
}

#[test]
fn without_a_signature_nothing_is_forwarded() {
    let upstream = Upstream::echo();
    let (stack, signer) = start(&upstream);
    signer.broken.store(true, Ordering::SeqCst);
    let (name, value) = bearer();
    let reply = stack.get("/pizza/1.0.0/menu", &[(name, &value)]);
    assert_eq!((reply.status, reply.code().as_str()), (500, "900900"));
    assert_eq!(upstream.heard(), 0);
    assert_eq!(stack.get("/pizza/1.0.0/open", &[]).status, 200);
}
