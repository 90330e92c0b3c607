//! Endpoints that want a token of the gateway's own.

use crate::platform::*;
use gateway::{ClientCredentials, OutboundToken, TokenAnswer, TokenClient};
use model::Secret;
use model::snapshot::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

#[derive(Default)]
struct Issuer {
    asked: AtomicUsize,
    broken: AtomicBool,
}

impl TokenClient for Issuer {
    fn fetch(&self, request: Arc<ClientCredentials>) -> TokenAnswer {
        assert_eq!((request.token_url.as_str(), request.client_id.as_str()), ("https://idp.test/token", "me"));
        assert_eq!((request.client_secret.expose().as_str(), request.scope.as_str()), ("s3cr3t", "a b"));
        let number = self.asked.fetch_add(1, Ordering::SeqCst);
        let token = Secret::new(format!("token-{number}"));
        let answer = (!self.broken.load(Ordering::SeqCst))
            .then_some(OutboundToken { token, lifetime: Duration::from_secs(300) });
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            answer
        })
    }
}

fn start(upstream: &Upstream) -> (Stack, Arc<Issuer>) {
    let issuer = Arc::<Issuer>::default();
    let client = Arc::clone(&issuer) as Arc<dyn TokenClient>;
    let stack = Stack::with(
        upstream.address,
        |own| own.token_client = Some(client),
        |snapshot| {
            edit(snapshot, |api| {
                api.production.as_mut().unwrap().security = Some(EndpointSecurity::OAuth {
                    token_url: "https://idp.test/token".into(),
                    client_id: "me".into(),
                    client_secret: "s3cr3t".into(),
                    scope: "a b".into(),
                    owner: None,
                });
            });
        },
    );
    (stack, issuer)
}

#[test]
fn one_token_serves_all_calls_until_it_ends_or_is_refused() {
    let upstream = Upstream::start(|heard| {
        let refused = heard.head.contains("token-1");
        let line = heard.head.lines().find(|line| line.starts_with("authorization: ")).unwrap_or_default().to_owned();
        let answer = ok(line.as_bytes(), "");
        Act::Answer(if refused { b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n".to_vec() } else { answer })
    });
    let (stack, issuer) = start(&upstream);
    let (name, value) = bearer();
    let call = || stack.get("/pizza/1.0.0/menu", &[(name, &value)]);
    let texts: Vec<String> = std::thread::scope(|scope| {
        let calls: Vec<_> = (0..8).map(|_| scope.spawn(|| call().text())).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    assert!(texts.iter().all(|text| text == "authorization: Bearer token-0"), "{texts:?}");
    assert_eq!(issuer.asked.load(Ordering::SeqCst), 1, "calls that come together ask once");
    stack.clock.advance(271);
    assert_eq!(call().status, 401, "the upstream does not like token-1");
    assert_eq!(call().text(), "authorization: Bearer token-2");
    assert_eq!(call().text(), "authorization: Bearer token-2");
}

#[test]
fn without_a_token_nothing_is_forwarded_and_nobody_is_hammered() {
    let upstream = Upstream::echo();
    let (stack, issuer) = start(&upstream);
    issuer.broken.store(true, Ordering::SeqCst);
    let (name, value) = bearer();
    let call = || stack.get("/pizza/1.0.0/menu", &[(name, &value)]);
    for _ in 0..5 {
        let reply = call();
        assert_eq!(reply.status, 502);
        assert!(!reply.text().contains("idp.test") && !reply.text().contains("s3cr3t"), "{}", reply.text());
    }
    assert_eq!((issuer.asked.load(Ordering::SeqCst), upstream.heard()), (1, 0));
    issuer.broken.store(false, Ordering::SeqCst);
    stack.clock.advance(2);
    assert_eq!(call().status, 200);
}
