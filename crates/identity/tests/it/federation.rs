//! Signing in at an identity provider outside: a provider of our own making that says what the test wants.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use identity::{Browser, BrowserSignIn, Factor, FederatedReturn, FederatedStart, IdentityError, SignInStep};
use jose::Algorithm;
use model::{Secret, TenantId};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::browser::secret;
use crate::flow::{Prover, query, sha256};
use crate::server::{PASSWORD, Server, basic};

const IDPS: &str = "/api/server/v1/identity-providers";
const OPENID_CONNECT: &str = "T3BlbklEQ29ubmVjdEF1dGhlbnRpY2F0b3I";

/// What the provider does next, and what it was asked.
#[derive(Default)]
struct Script {
    id_token: String,
    names_itself: bool,
    asked: Vec<String>,
}

struct Provider {
    issuer: String,
    key: Prover,
    script: Arc<Mutex<Script>>,
}

impl Provider {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let key = Prover::new(Algorithm::Es256);
        let script = Arc::new(Mutex::new(Script::default()));
        let (jwks, shared, own) = (key.jwks(), Arc::clone(&script), issuer.clone());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = vec![0; 16_384];
                let mut length = 0;
                // Head and body may come apart.
                while let Ok(more) = stream.read(&mut request[length..]).await {
                    length += more;
                    let text = String::from_utf8_lossy(&request[..length]).into_owned();
                    let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
                        let wanted = head
                            .lines()
                            .find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
                        body.len() >= wanted.map_or(0, |n| n.parse().unwrap())
                    });
                    if whole || more == 0 {
                        break;
                    }
                }
                let text = String::from_utf8_lossy(&request[..length]).into_owned();
                let body = {
                    let mut script = shared.lock().unwrap();
                    if text.starts_with("GET /.well-known/openid-configuration ") {
                        json!({
                            "issuer": own, "authorization_endpoint": format!("{own}/authorize"),
                            "token_endpoint": format!("{own}/token"), "jwks_uri": format!("{own}/jwks"),
                            "authorization_response_iss_parameter_supported": script.names_itself,
                        })
                    } else if text.starts_with("GET /jwks ") {
                        jwks.clone()
                    } else {
                        script.asked.push(text);
                        json!({"access_token": "x", "token_type": "Bearer", "id_token": script.id_token})
                    }
                }
                .to_string();
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
            }
        });
        Self { issuer, key, script }
    }

    /// The provider will vouch for this subject in the sign-in that begun is.
    fn vouch(&self, server: &Server, begun: &FederatedStart, changes: Value) {
        self.vouch_by(&self.key, server, begun, changes);
    }

    fn vouch_by(&self, key: &Prover, server: &Server, begun: &FederatedStart, changes: Value) {
        let now = server.now();
        let mut claims = json!({
            "iss": self.issuer, "sub": "subject-1", "aud": "portcullis", "exp": now + 300, "iat": now,
            "nonce": query(&begun.location, "nonce"), "preferred_username": "alice", "given_name": "Alice",
            "email": "alice@company.example", "email_verified": true, "groups": ["staff"],
        });
        for (name, value) in changes.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        self.script.lock().unwrap().id_token = key.0.sign("JWT", &claims).unwrap();
    }
}

async fn site() -> (Server, Provider, String) {
    let provider = Provider::start().await;
    let tls = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(tls).with_safe_default_protocol_versions().unwrap();
    let tls = Arc::new(tls.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth());
    let here = model::EgressRules::with_networks(["127.0.0.0/8".parse().unwrap()]);
    let server = Server::with_admin().await.with(|i| i.with_egress(web::Egress::new(here, tls)));
    let body = json!({
        "name": "Company", "idpIssuerName": provider.issuer, "federatedAuthenticators": {"authenticators": [{
            "authenticatorId": OPENID_CONNECT, "isEnabled": true, "properties": [
                {"key": "ClientId", "value": "portcullis"}, {"key": "ClientSecret", "value": "a&secret"},
                {"key": "Scopes", "value": "profile email"},
            ],
        }]},
    });
    let reply = server.call("POST", IDPS, &basic("admin", PASSWORD), Some(body)).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    assert!(!reply.text.contains("a&secret"));
    let id = reply.field("id");
    (server, provider, id)
}

fn here() -> Browser {
    Browser { address: Some("192.0.2.7".parse().unwrap()), agent: "test".into() }
}

async fn come_back(server: &Server, begun: &FederatedStart, state: Option<&str>) -> SignInStep {
    let back = FederatedReturn { code: Some("code-1"), state, ..FederatedReturn::default() };
    server.identity.finish_federated(&begun.cookie, back, None, &here()).await.unwrap()
}

async fn begin(server: &Server, id: &str) -> (FederatedStart, String) {
    let begun = server.identity.begin_federated(id, None, None).await.unwrap();
    let state = query(&begun.location, "state").unwrap();
    (begun, state)
}

/// Signs in as the claims say.
async fn sign_in(server: &Server, provider: &Provider, id: &str, changes: Value) -> SignInStep {
    let (begun, state) = begin(server, id).await;
    provider.vouch(server, &begun, changes);
    come_back(server, &begun, Some(&state)).await
}

fn done(step: SignInStep) -> BrowserSignIn {
    match step {
        SignInStep::Done(done) => done,
        _ => panic!("nobody was signed in"),
    }
}

async fn refused(server: &Server, provider: &Provider, id: &str, changes: Value) {
    let step = sign_in(server, provider, id, changes.clone()).await;
    assert!(matches!(step, SignInStep::Refused), "{changes}");
}

#[tokio::test]
async fn a_person_comes_by_a_provider_and_keeps_one_account() {
    let (server, provider, id) = site().await;
    let offered = server.identity.sign_in_providers(None).await.unwrap();
    assert_eq!(offered.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["Company"]);
    let (begun, state) = begin(&server, &id).await;
    assert_eq!(query(&begun.location, "scope").unwrap(), "openid profile email");
    assert_eq!(query(&begun.location, "redirect_uri").unwrap(), "https://localhost:9443/signin/callback");
    provider.vouch(&server, &begun, json!({}));
    let first = done(come_back(&server, &begun, Some(&state)).await);
    let session = server.session(&first.cookie).await.unwrap();
    assert_eq!((session.name.as_str(), session.factors.as_slice()), ("COMPANY/alice", &[Factor::Federated][..]));
    // The code was redeemed with the verifier of the challenge, and the secret in its encoded form.
    let asked = provider.script.lock().unwrap().asked.join("\n");
    let verifier = asked.split("code_verifier=").nth(1).unwrap().split('&').next().unwrap();
    assert_eq!(sha256(verifier), query(&begun.location, "code_challenge").unwrap());
    assert!(
        asked.to_lowercase().contains(&format!("authorization: {}", basic("portcullis", "a%26secret").to_lowercase()))
    );
    // Another name and mail address: the same person, the same account.
    let again = sign_in(&server, &provider, &id, json!({"preferred_username": "bob", "email": "b@b.example"})).await;
    assert_eq!(server.session(&done(again).cookie).await.unwrap().user, session.user);
    // The same name and mail address: another person, another account.
    let other = sign_in(&server, &provider, &id, json!({"sub": "subject-2"})).await;
    let other = server.session(&done(other).cookie).await.unwrap();
    assert!(other.user != session.user && other.name == "COMPANY/alice-2", "{}", other.name);
}

#[tokio::test]
async fn an_account_here_is_nobodys_by_its_name_or_address() {
    let (server, provider, id) = site().await;
    let claims = json!({"sub": "admin", "preferred_username": "admin", "email": "admin@localhost"});
    let session = server.session(&done(sign_in(&server, &provider, &id, claims).await).cookie).await.unwrap();
    assert_eq!(session.name, "COMPANY/admin");
    assert!(!session.roles.contains("admin"));
    // Names that would mean something else here become a digest of the subject.
    for (n, name) in ["a/b", "a b", "", "../admin", "alice\n", "\u{202e}"].into_iter().enumerate() {
        let claims = json!({"sub": format!("s{n}"), "preferred_username": name});
        let session = server.session(&done(sign_in(&server, &provider, &id, claims).await).cookie).await.unwrap();
        let local = session.name.strip_prefix("COMPANY/").unwrap();
        assert!(
            name == "\u{202e}" || (local.len() == 20 && local.bytes().all(|b| b.is_ascii_hexdigit())),
            "{name:?}: {local}"
        );
    }
    // No password opens such an account, and guesses do not hold it.
    for _ in 0..10 {
        assert!(matches!(server.begin("COMPANY/admin", PASSWORD, None).await, SignInStep::Refused));
    }
    done(sign_in(&server, &provider, &id, json!({"sub": "admin"})).await);
    let reset = server.identity.reset_password(TenantId::SUPER, session.user, &secret("correct horse battery")).await;
    assert!(matches!(reset, Err(IdentityError::Conflict(_))));
}

#[tokio::test]
async fn what_the_provider_did_not_say_to_this_browser_now_is_refused() {
    let (server, provider, id) = site().await;
    let now = server.now();
    for wrong in [
        json!({"nonce": "another"}),
        json!({"nonce": null}),
        json!({"aud": "somebody else"}),
        json!({"aud": ["portcullis", "somebody else"]}),
        json!({"azp": "somebody else"}),
        json!({"iss": "https://elsewhere.example"}),
        json!({"exp": now - 1}),
        json!({"exp": null}),
        json!({"iat": now - 601}),
        json!({"iat": now + 61}),
        json!({"iat": null}),
        json!({"sub": null}),
        json!({"sub": ""}),
        json!({"sub": "a".repeat(256)}),
        json!({"sub": "a\u{0}b"}),
    ] {
        refused(&server, &provider, &id, wrong).await;
    }
    // Another key, and no signature at all.
    let (begun, state) = begin(&server, &id).await;
    provider.vouch_by(&Prover::new(Algorithm::Es256), &server, &begun, json!({}));
    assert!(matches!(come_back(&server, &begun, Some(&state)).await, SignInStep::Refused));
    let (begun, state) = begin(&server, &id).await;
    provider.script.lock().unwrap().id_token = "e30.e30.".into();
    assert!(matches!(come_back(&server, &begun, Some(&state)).await, SignInStep::Refused));
    // Another state, none, another browser's cookie, a made-up cookie, a cookie too late.
    let (begun, state) = begin(&server, &id).await;
    let (other, _) = begin(&server, &id).await;
    provider.vouch(&server, &begun, json!({}));
    for wrong in [None, Some("another"), Some("")] {
        assert!(matches!(come_back(&server, &begun, wrong).await, SignInStep::Refused));
    }
    assert!(matches!(come_back(&server, &other, Some(&state)).await, SignInStep::Refused));
    let forged = FederatedStart { location: String::new(), cookie: Secret::new("AAAA".into()) };
    assert!(matches!(come_back(&server, &forged, Some(&state)).await, SignInStep::Refused));
    done(come_back(&server, &begun, Some(&state)).await);
    assert!(matches!(come_back(&server, &begun, Some(&state)).await, SignInStep::Refused), "an answer worked twice");
    let (begun, state) = begin(&server, &id).await;
    server.clock.advance(Duration::from_secs(600));
    provider.vouch(&server, &begun, json!({}));
    assert!(matches!(come_back(&server, &begun, Some(&state)).await, SignInStep::Refused), "it took ten minutes");
    // A provider that names itself must do so.
    provider.script.lock().unwrap().names_itself = true;
    server.clock.advance(Duration::from_secs(601));
    refused(&server, &provider, &id, json!({})).await;
}

#[tokio::test]
async fn roles_follow_the_provider_and_administrators_need_their_second_factor_here() {
    let (server, provider, id) = site().await;
    let admin = basic("admin", PASSWORD);
    let roles = json!({"mappings": [
        {"idpRole": "staff", "localRole": "Internal/publisher"}, {"idpRole": "chiefs", "localRole": "admin"},
    ]});
    assert_eq!(server.call("PUT", &format!("{IDPS}/{id}/roles"), &admin, Some(roles)).await.status, 200);
    let claims = json!({"roleClaim": {"uri": "groups"}});
    assert_eq!(server.call("PUT", &format!("{IDPS}/{id}/claims"), &admin, Some(claims)).await.status, 200);
    let first = done(sign_in(&server, &provider, &id, json!({"groups": ["staff", "Internal/creator"]})).await);
    let session = server.session(&first.cookie).await.unwrap();
    assert!(session.roles.contains("Internal/publisher") && !session.roles.contains("Internal/creator"));
    // A role that is lost there is lost here, in sessions that are open as well.
    let second = done(sign_in(&server, &provider, &id, json!({"groups": []})).await);
    assert!(!server.session(&first.cookie).await.unwrap().roles.contains("Internal/publisher"));
    assert!(!server.session(&second.cookie).await.unwrap().roles.contains("Internal/publisher"));
    let chief = sign_in(&server, &provider, &id, json!({"groups": ["chiefs"]})).await;
    assert!(matches!(chief, SignInStep::SetUp(_)), "an administrator came in without a second factor");
    // Locked here is locked, whatever the provider says; and what is removed lets nobody in.
    server.identity.lock_user(TenantId::SUPER, session.user).await.unwrap();
    refused(&server, &provider, &id, json!({})).await;
    server.identity.unlock_user(TenantId::SUPER, session.user).await.unwrap();
    let third = done(sign_in(&server, &provider, &id, json!({"groups": []})).await);
    assert_eq!(server.call("DELETE", &format!("{IDPS}/{id}"), &admin, None).await.status, 204);
    assert!(server.session(&third.cookie).await.is_none());
    let gone = server.identity.begin_federated(&id, None, None).await;
    assert!(matches!(gone, Err(IdentityError::NotFound(_))));
}

#[tokio::test]
async fn providers_belong_to_their_tenant_and_are_described_completely() {
    let (server, _, id) = site().await;
    let other = server.identity.begin_federated(&id, Some("tenant1.com"), None).await;
    assert!(matches!(other, Err(IdentityError::NotFound(_))));
    let admin = basic("admin", PASSWORD);
    let body = |issuer: &str, properties: Value| {
        json!({"name": "Other", "idpIssuerName": issuer, "federatedAuthenticators": {"authenticators": [
            {"authenticatorId": OPENID_CONNECT, "properties": properties},
        ]}})
    };
    let good = json!([{"key": "ClientId", "value": "a"}, {"key": "ClientSecret", "value": "b"}]);
    for wrong in [
        body("http://login.example", good.clone()),
        body("not an address", good.clone()),
        body("https://localhost:9443/oauth2/token", good.clone()),
        body("https://login.example", json!([{"key": "ClientId", "value": "a"}])),
        body("https://login.example", json!([{"key": "ClientSecret", "value": "a"}])),
        body("https://login.example", json!([{"key": "OAuth2TokenEPUrl", "value": "https://evil.example"}])),
    ] {
        let reply = server.call("POST", IDPS, &admin, Some(wrong.clone())).await;
        assert_eq!(reply.status, 400, "{wrong}: {}", reply.text);
    }
    // Nobody there: people are told so, and the server stays as it was.
    let reply = server.call("POST", IDPS, &admin, Some(body("http://127.0.0.1:9", good))).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let gone = server.identity.begin_federated(&reply.field("id"), None, None).await;
    assert!(matches!(gone, Err(IdentityError::Provider)));
}
