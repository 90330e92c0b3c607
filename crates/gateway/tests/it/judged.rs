//! Credentials that others judge: name and password of users, and tokens that an issuer is asked about.

use crate::platform::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use gateway::{CredentialJudge, Judgement, Judging, KnownUser, TokenQuestion, UserQuestion};
use model::snapshot::*;
use model::{TenantDomain, TenantId, Timestamp};
use serde_json::{Map, Value, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Knows what the tests put into it, and counts questions.
#[derive(Default)]
struct Fake {
    users: AtomicUsize,
    tokens: AtomicUsize,
    password: Mutex<String>,
    answer: Mutex<Option<Judgement<Map<String, Value>>>>,
    asked_at: Mutex<Vec<String>>,
}

impl CredentialJudge for Fake {
    fn user(&self, question: UserQuestion) -> Judging<KnownUser> {
        self.users.fetch_add(1, Ordering::SeqCst);
        let domain = question.username.rsplit_once('@').map_or(question.tenant.as_str(), |(_, domain)| domain);
        let tenant: TenantDomain = domain.parse().unwrap();
        let name = question.username.split('@').next().unwrap();
        let scopes = question.scopes.iter().filter(|scope| *scope == "admin" && name == "root").cloned().collect();
        let user = KnownUser { subject: format!("{name}@{domain}"), tenant, scopes };
        let right = *question.password.expose() == *self.password.lock().unwrap();
        let answer = match name {
            "nobody-knows" => Judgement::Unknown,
            _ if right => Judgement::Good(user),
            _ => Judgement::Bad,
        };
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            answer
        })
    }

    fn token(&self, question: TokenQuestion) -> Judging<Map<String, Value>> {
        self.tokens.fetch_add(1, Ordering::SeqCst);
        assert_eq!((question.client_id.as_str(), question.client_secret.expose().as_str()), ("me", "s3cr3t"));
        self.asked_at.lock().unwrap().push(question.url);
        let answer = self.answer.lock().unwrap().clone().unwrap_or(Judgement::Bad);
        Box::pin(async move { answer })
    }
}

fn start(change: impl FnOnce(&mut Snapshot)) -> (Stack, Arc<Fake>, Upstream) {
    let upstream = Upstream::echo();
    let fake = Arc::<Fake>::default();
    *fake.password.lock().unwrap() = "pass:word".into();
    let judge = Arc::clone(&fake) as Arc<dyn CredentialJudge>;
    let stack = Stack::with(upstream.address, |own| own.judge = Some(judge), change);
    (stack, fake, upstream)
}

fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

fn with_basic(snapshot: &mut Snapshot) {
    edit(snapshot, |api| api.security.basic = true);
}

#[test]
fn a_user_calls_with_name_and_password() {
    let (stack, fake, upstream) = start(with_basic);
    let call = |path: &str, field: &str| stack.get(path, &[("Authorization", field)]);
    let reply = call("/pizza/1.0.0/menu", &basic("alice", "pass:word"));
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(!reply.text().to_lowercase().contains("authorization"), "the upstream does not get the password");
    for _ in 0..5 {
        assert_eq!(call("/pizza/1.0.0/menu", &basic("alice", "pass:word")).status, 200);
    }
    assert_eq!(fake.users.load(Ordering::SeqCst), 1, "one question for many calls");
    for (field, status, code) in [
        (basic("alice", "wrong"), 401, "900901"),
        (basic("alice@other.com", "pass:word"), 403, "900908"),
        (basic("nobody-knows", "pass:word"), 500, "900900"),
        ("Basic !!!".into(), 401, "900901"),
        ("Basic".into(), 401, "900902"),
        (basic("", "pass:word"), 401, "900901"),
        (basic("alice", &"x".repeat(2000)), 401, "900901"),
    ] {
        let reply = call("/pizza/1.0.0/menu", &field);
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{field}");
    }
    assert_eq!(call("/pizza/1.0.0/scoped", &basic("alice", "pass:word")).code(), "900910");
    assert_eq!(call("/pizza/1.0.0/scoped", &basic("root", "pass:word")).status, 200);
    let twice = [("Authorization", basic("alice", "pass:word")), ("Authorization", bearer().1)];
    let twice: Vec<(&str, &str)> = twice.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(stack.get("/pizza/1.0.0/menu", &twice).code(), "900901", "two credentials in one field");
    let reply = stack.get("/pizza/1.0.0/menu", &[]);
    assert!(reply.header("www-authenticate").unwrap().contains("Basic realm=\"WSO2 API Manager\""));
    assert!(upstream.heard() >= 6);
    let (name, value) = bearer();
    assert_eq!(stack.get("/pizza/1.0.0/menu", &[(name, &value)]).status, 200, "tokens work beside it");
}

#[test]
fn a_verdict_about_a_user_ends_with_time_and_with_what_happens_to_the_user() {
    let (mut stack, fake, _upstream) = start(with_basic);
    let call = |stack: &Stack, password: &str| {
        stack.get("/pizza/1.0.0/menu", &[("Authorization", &basic("alice", password))]).status
    };
    assert_eq!(call(&stack, "pass:word"), 200);
    stack.clock.advance(59);
    assert_eq!((call(&stack, "pass:word"), fake.users.load(Ordering::SeqCst)), (200, 1));
    stack.clock.advance(2);
    assert_eq!((call(&stack, "pass:word"), fake.users.load(Ordering::SeqCst)), (200, 2));
    // A new password: identity tells when, and the old one is worth nothing at once.
    *fake.password.lock().unwrap() = "new".into();
    assert_eq!(call(&stack, "pass:word"), 200, "nobody has said so yet");
    let now = Timestamp::from_seconds(NOW + 62);
    stack.publish(|snapshot| {
        snapshot.subject_epochs.insert((TenantId::SUPER, "alice@carbon.super".into()), now);
    });
    assert_eq!(call(&stack, "pass:word"), 401);
    assert_eq!(call(&stack, "new"), 200);
    assert_eq!(call(&stack, "pass:word"), 401);
    let asked = fake.users.load(Ordering::SeqCst);
    for _ in 0..5 {
        assert_eq!(call(&stack, "pass:word"), 401);
    }
    assert_eq!(fake.users.load(Ordering::SeqCst), asked, "the same wrong pair is not hashed again and again");
}

#[test]
fn calls_that_come_together_ask_once() {
    let (stack, fake, _upstream) = start(with_basic);
    let field = basic("alice", "pass:word");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(stack.get("/pizza/1.0.0/menu", &[("Authorization", &field)]).status, 200));
        }
    });
    assert_eq!(fake.users.load(Ordering::SeqCst), 1);
}

#[test]
fn an_api_without_the_scheme_does_not_ask() {
    let (stack, fake, upstream) = start(|_| ());
    let reply = stack.get("/pizza/1.0.0/menu", &[("Authorization", &basic("alice", "pass:word"))]);
    assert_eq!((reply.status, fake.users.load(Ordering::SeqCst), upstream.heard()), (401, 0, 0));
}

fn issuer(name: &str, patterns: &[&str], also_jwt: bool) -> TokenIssuer {
    TokenIssuer {
        tenant: TenantId::SUPER,
        name: name.into(),
        issuer: format!("https://{name}.test"),
        keys: Vec::new(),
        consumer_key_claim: Some("azp".into()),
        scopes_claim: Some("scp".into()),
        keys_until: None,
        introspection: Some(Introspection {
            url: format!("https://{name}.test/introspect"),
            client_id: "me".into(),
            client_secret: "s3cr3t".into(),
            patterns: patterns.iter().map(|p| (*p).to_owned()).collect(),
            also_jwt,
        }),
    }
}

/// An issuer whose clients include that of the application.
fn with_issuer(snapshot: &mut Snapshot) {
    snapshot.issuers.push(issuer("idp", &[], false));
    let key = snapshot.keys.values().next().unwrap().clone();
    snapshot.keys.insert(model::ConsumerKey::new("client-2"), ApplicationKey { key_manager: "idp".into(), ..key });
}

fn good(changes: Value) -> Option<Judgement<Map<String, Value>>> {
    let mut members = json!({"active": true, "client_id": "client-2", "scope": "read admin", "sub": "bob"});
    for (name, value) in changes.as_object().unwrap() {
        members[name] = value.clone();
    }
    Some(Judgement::Good(members.as_object().unwrap().clone()))
}

#[test]
fn an_issuer_is_asked_about_tokens_that_say_nothing() {
    let (stack, fake, _upstream) = start(with_issuer);
    let call = |path: &str, token: &str| stack.get(path, &[("Authorization", &format!("Bearer {token}"))]);
    *fake.answer.lock().unwrap() = good(json!({}));
    assert_eq!(call("/pizza/1.0.0/menu", "opaque-1").status, 200);
    assert_eq!(call("/pizza/1.0.0/scoped", "opaque-1").status, 200, "its scopes count under RFC 7662's name");
    assert_eq!(fake.tokens.load(Ordering::SeqCst), 1);
    // What the issuer takes back is refused when its last word has ended.
    *fake.answer.lock().unwrap() = Some(Judgement::Bad);
    assert_eq!(call("/pizza/1.0.0/menu", "opaque-1").status, 200);
    stack.clock.advance(60);
    let reply = call("/pizza/1.0.0/menu", "opaque-1");
    assert_eq!((reply.status, reply.code().as_str()), (401, "900901"));
    for (answer, status, code) in [
        (Some(Judgement::Unknown), 500, "900900"),
        (good(json!({"exp": NOW - 1})), 401, "900901"),
        (good(json!({"nbf": NOW + 3600})), 401, "900901"),
        (good(json!({"iss": "https://somebody.else"})), 401, "900901"),
        (good(json!({"exp": "tomorrow"})), 401, "900901"),
        (good(json!({"client_id": "client-1"})), 403, "900908"),
        (good(json!({"cnf": {"jkt": "thumbprint"}})), 401, "900901"),
    ] {
        let shown = format!("{answer:?}");
        *fake.answer.lock().unwrap() = answer;
        let reply = call("/pizza/1.0.0/menu", &format!("t-{shown}").replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{shown}");
    }
    // A token that ends ends before the answer about it does.
    *fake.answer.lock().unwrap() = good(json!({"exp": NOW + 60 + 10}));
    assert_eq!(call("/pizza/1.0.0/menu", "short").status, 200);
    stack.clock.advance(10);
    assert_eq!(call("/pizza/1.0.0/menu", "short").status, 401);
    let asked = fake.tokens.load(Ordering::SeqCst);
    let (name, value) = bearer();
    assert_eq!(stack.get("/pizza/1.0.0/menu", &[(name, &value)]).status, 200);
    assert_eq!(fake.tokens.load(Ordering::SeqCst), asked, "nobody is asked about a JWT of an issuer with keys");
}

#[test]
fn a_token_is_shown_only_to_those_whose_it_can_be() {
    let (stack, fake, _upstream) = start(|snapshot| {
        snapshot.issuers.push(issuer("a", &["a-[0-9]+"], false));
        snapshot.issuers.push(issuer("b", &[], false));
        snapshot.issuers.push(issuer("jwt", &[], true));
    });
    let asked = |token: &str| {
        fake.asked_at.lock().unwrap().clear();
        assert_eq!(stack.get("/pizza/1.0.0/menu", &[("Authorization", &format!("Bearer {token}"))]).status, 401);
        fake.asked_at.lock().unwrap().clone()
    };
    assert_eq!(asked("a-1"), ["https://a.test/introspect"]);
    assert!(asked("xa-1").is_empty(), "a pattern fits whole tokens, and two who would take anything get nothing");
    assert_eq!(asked(&token(json!({"iss": "https://jwt.test"}))), ["https://jwt.test/introspect"]);
    assert!(asked(&token(json!({"iss": "https://b.test"}))).is_empty());
    assert!(asked(&token(json!({"iss": "https://gateway.test/oauth2/token", "exp": 5}))).is_empty());
}

#[test]
fn an_issuer_that_wants_to_be_asked_is_not_trusted_by_signature() {
    let (stack, fake, _upstream) = start(|snapshot| {
        snapshot.issuers[0].introspection = issuer("x", &[], true).introspection;
    });
    *fake.answer.lock().unwrap() = Some(Judgement::Bad);
    let (name, value) = bearer();
    assert_eq!(stack.get("/pizza/1.0.0/menu", &[(name, &value)]).status, 401);
    assert_eq!(fake.tokens.load(Ordering::SeqCst), 1);
}

#[test]
fn keys_that_are_too_old_are_not_relied_on() {
    let until = Timestamp::from_seconds(NOW + 100);
    let (mut stack, _fake, _upstream) = start(|snapshot| snapshot.issuers[0].keys_until = Some(until));
    let (name, value) = bearer();
    let mut kept = KeptAlive::open(stack.address());
    let call = |stack: &Stack| stack.get("/pizza/1.0.0/menu", &[(name, &value)]).status;
    assert_eq!((call(&stack), kept.get("/pizza/1.0.0/menu", &value)), (200, 200));
    stack.clock.advance(99);
    assert_eq!((call(&stack), kept.get("/pizza/1.0.0/menu", &value)), (200, 200));
    stack.clock.advance(1);
    assert_eq!(
        (call(&stack), kept.get("/pizza/1.0.0/menu", &value)),
        (401, 401),
        "on a connection that knows it as well"
    );
    stack.publish(|snapshot| snapshot.issuers[0].keys_until = Some(Timestamp::from_seconds(NOW + 1000)));
    assert_eq!(call(&stack), 200, "fetched again");
}

/// One connection for many calls.
struct KeptAlive(std::net::TcpStream);

impl KeptAlive {
    fn open(address: std::net::SocketAddr) -> Self {
        let stream = std::net::TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Self(stream)
    }

    fn get(&mut self, path: &str, authorization: &str) -> u16 {
        use std::io::Write;
        write!(self.0, "GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {authorization}\r\n\r\n").unwrap();
        read_reply(&mut self.0).unwrap().status
    }
}

#[test]
fn an_upstream_that_challenges_is_answered() {
    let upstream = Upstream::start(|heard| {
        let authorization =
            heard.head.lines().find_map(|line| line.strip_prefix("authorization: ")).unwrap_or_default();
        let challenge = "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n1\", qop=\"auth\", algorithm=SHA-256\r\nContent-Length: 2\r\n\r\nno";
        let proven = authorization.starts_with("Digest ")
            && authorization.contains("uri=\"/base/order?a=1\"")
            && authorization.contains("username=\"me\"");
        if proven { Act::Answer(ok(&heard.body, "")) } else { Act::Answer(challenge.into()) }
    });
    let stack = Stack::with(
        upstream.address,
        |_| (),
        |snapshot| {
            edit(snapshot, |api| {
                api.production.as_mut().unwrap().security =
                    Some(EndpointSecurity::Digest { username: "me".into(), password: "pw".into() });
            });
        },
    );
    let (name, value) = bearer();
    for turn in 0..3 {
        let reply = stack.call("POST", "/pizza/1.0.0/order?a=1", &[(name, &value)], b"hello");
        assert_eq!((reply.status, reply.text().as_str()), (200, "hello"), "turn {turn}");
    }
    assert_eq!(upstream.heard(), 4, "only the first call is sent twice");
    let reply = stack.call("POST", "/pizza/1.0.0/order?a=2", &[(name, &value)], b"hello");
    assert_eq!((reply.status, upstream.heard()), (401, 6), "a second refusal is the answer");
}
