//! What the tests of OAuth flows share: a registered client, a person at a browser, proofs.

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Request, header};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use identity::{AuthorizationStep, Browser, Session, SignInForm, SignInStep};
use jose::{Algorithm, SigningKey};
use model::Secret;
use serde_json::{Value, json};

use crate::server::{PASSWORD, Reply, Server, basic};

pub(crate) const VERIFIER: &str = "a-verifier-of-forty-three-characters-or-more";
pub(crate) const CALLBACK: &str = "https://client.example/cb";
pub(crate) const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
pub(crate) const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

pub(crate) fn sha256(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}

pub(crate) fn encoded(pairs: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

pub(crate) fn claims(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

/// The value of a parameter of an address.
pub(crate) fn query(address: &str, name: &str) -> Option<String> {
    let query = address.split_once('?')?.1;
    form_urlencoded::parse(query.as_bytes()).find(|(n, _)| n == name).map(|(_, value)| value.into_owned())
}

/// A registered client.
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: String,
}

impl Client {
    pub(crate) fn basic(&self) -> String {
        basic(&self.id, &self.secret)
    }
}

impl Server {
    /// Registers a client with all grants and further metadata (RFC 7591).
    pub(crate) async fn register(&self, name: &str, metadata: Value) -> Client {
        let mut body = json!({
            "client_name": name, "redirect_uris": [CALLBACK], "grant_types": [
                "authorization_code", "refresh_token", "client_credentials", EXCHANGE, DEVICE,
                "urn:ietf:params:oauth:grant-type:jwt-bearer", "password",
            ],
        });
        body.as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
        let path = "/api/identity/oauth2/dcr/v1.1/register";
        let reply = self.call("POST", path, &basic("admin", PASSWORD), Some(body)).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        let secret = reply.json()["client_secret"].as_str().unwrap_or_default().to_owned();
        Client { id: reply.field("client_id"), secret }
    }

    /// Signs a person in, as the page does.
    pub(crate) async fn browser(&self, user: &str) -> Session {
        let form = SignInForm {
            login: user,
            password: Secret::new(PASSWORD.to_owned()),
            code: None,
            next: None,
            present: None,
        };
        let step = self.identity.begin_sign_in(form, &Browser::default()).await.unwrap();
        let SignInStep::Done(done) = step else { panic!("{user} cannot sign in") };
        let mut headers = HeaderMap::new();
        let cookie = format!("{}={}", web::SESSION_COOKIE, done.cookie.expose());
        headers.insert(header::COOKIE, HeaderValue::from_str(&cookie).unwrap());
        self.identity.session(&headers).await.unwrap().unwrap()
    }

    /// The parameters of an authorization request, with changes.
    pub(crate) fn request(client: &Client, changes: &[(&str, &str)]) -> Vec<(String, String)> {
        let challenge = sha256(VERIFIER);
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", client.id.as_str()),
            ("redirect_uri", CALLBACK),
            ("scope", "openid orders"),
            ("state", "s t&ate"),
            ("nonce", "n-1"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in changes {
            pairs.retain(|(known, _)| known != name);
            if !value.is_empty() {
                pairs.push((*name, value));
            }
        }
        pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    pub(crate) async fn authorize(
        &self,
        parameters: Vec<(String, String)>,
        own: Option<&Session>,
    ) -> AuthorizationStep {
        self.identity.authorize(None, parameters, own).await.unwrap()
    }

    /// The way back to the client after the person agreed.
    pub(crate) async fn agreed(&self, parameters: Vec<(String, String)>, own: &Session) -> String {
        match self.authorize(parameters, Some(own)).await {
            AuthorizationStep::Redirect(target) => target,
            AuthorizationStep::Consent(question) => {
                match self.identity.decide_authorization(&question.request, own, true).await.unwrap() {
                    AuthorizationStep::Redirect(target) => target,
                    other => panic!("{other:?}"),
                }
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn code(&self, client: &Client, own: &Session) -> String {
        let target = self.agreed(Self::request(client, &[]), own).await;
        query(&target, "code").unwrap_or_else(|| panic!("no code in {target}"))
    }

    /// The token endpoint's answer to a code.
    pub(crate) async fn redeem(&self, client: &Client, code: &str) -> Reply {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        self.form("/oauth2/token", &client.basic(), &encoded(&form)).await
    }

    /// A form with a DPoP proof.
    pub(crate) async fn with_proof(
        &self,
        path: &str,
        authorization: &str,
        proof: &str,
        form: &[(&str, &str)],
    ) -> Reply {
        let mut request = Request::builder()
            .method("POST")
            .uri(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("dpop", proof);
        if !authorization.is_empty() {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        self.send(request.body(Body::from(encoded(form))).unwrap()).await
    }

    pub(crate) fn now(&self) -> i64 {
        model::Clock::now(&*self.clock).seconds()
    }
}

/// A key of a client that makes proofs and assertions.
pub(crate) struct Prover(pub(crate) SigningKey);

impl Prover {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let der = SigningKey::generate_pkcs8(algorithm).unwrap();
        Self(SigningKey::from_pkcs8_for(&der, algorithm).unwrap())
    }

    pub(crate) fn jwks(&self) -> Value {
        json!({"keys": [self.0.public_jwk().unwrap()]})
    }

    pub(crate) fn thumbprint(&self) -> String {
        jose::thumbprint(&self.0.public_jwk().unwrap()).unwrap()
    }

    pub(crate) fn proof(&self, method: &str, path: &str, id: &str, now: i64, token: Option<&str>) -> String {
        let jwk = self.0.public_jwk().unwrap();
        let header = json!({"typ": "dpop+jwt", "alg": self.0.algorithm().as_str(), "jwk": jwk});
        let mut claims = json!({"htm": method, "htu": format!("https://localhost:9443{path}"), "iat": now, "jti": id});
        if let Some(token) = token {
            claims["ath"] = sha256(token).into();
        }
        self.0.sign_with_header(&header, &claims).unwrap()
    }
}
