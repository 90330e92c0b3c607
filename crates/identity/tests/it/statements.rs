//! Clients that sign, and issuers outside.

use std::time::Duration;

use aws_lc_rs::rsa::KeySize;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jose::Algorithm;
use serde_json::{Value, json};

use crate::flow::{Prover, claims, encoded};
use crate::server::{ISSUER, PASSWORD, Server, basic, bearer};

const TOKEN: &str = "https://localhost:9443/oauth2/token";
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

#[tokio::test]
async fn a_client_proves_itself_with_its_key() {
    let server = Server::with_admin().await;
    for algorithm in Algorithm::ALL {
        let (key, stranger) = (Prover::new(algorithm), Prover::new(algorithm));
        let metadata = json!({"token_endpoint_auth_method": "private_key_jwt", "jwks": key.jwks()});
        let client = server.register(&format!("Signer {}", algorithm.as_str()), metadata).await;
        assert_eq!(client.secret, "");
        let now = server.now();
        let good = json!({"iss": client.id, "sub": client.id, "aud": ISSUER, "jti": "1", "exp": now + 60, "iat": now});
        let ask = async |key: &Prover, changes: Value| {
            let mut claims = good.clone();
            for (name, value) in changes.as_object().unwrap() {
                claims[name] = value.clone();
            }
            let assertion = key.0.sign("JWT", &claims).unwrap();
            let form = [
                ("grant_type", "client_credentials"),
                ("client_assertion_type", ASSERTION),
                ("client_assertion", assertion.as_str()),
            ];
            server.form("/oauth2/token", "", &encoded(&form)).await
        };
        for wrong in [
            json!({"aud": "https://elsewhere.example"}),
            json!({"sub": "somebody else"}),
            json!({"iss": "somebody else"}),
            json!({"exp": now - 1}),
            json!({"exp": now + 3700}),
            json!({"iat": now + 61}),
            json!({"jti": null}),
        ] {
            assert_eq!(ask(&key, wrong.clone()).await.field("error"), "invalid_client", "{wrong}");
        }
        assert_eq!(ask(&stranger, json!({})).await.field("error"), "invalid_client");
        let reply = ask(&key, json!({})).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(ask(&key, json!({})).await.field("error"), "invalid_client", "an assertion worked twice");
        assert_eq!(ask(&key, json!({"jti": "2", "aud": [TOKEN, "other"]})).await.status, 200);
        // Nothing weaker will do for this client.
        let form = encoded(&[("grant_type", "client_credentials"), ("client_id", &client.id)]);
        assert_eq!(server.form("/oauth2/token", "", &form).await.field("error"), "invalid_client");
        let form = format!("{form}&client_secret=guess");
        assert_eq!(server.form("/oauth2/token", "", &form).await.field("error"), "invalid_client");
    }
}

#[tokio::test]
async fn a_client_publishes_its_keys_at_an_address() {
    let key = Prover::new(Algorithm::Es256);
    let (address, certificate, asked) = publisher(key.jwks().to_string()).await;
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate).unwrap();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = std::sync::Arc::new(tls.with_root_certificates(roots).with_no_client_auth());
    let here = model::EgressRules::with_networks(["127.0.0.0/8".parse().unwrap()]);
    let server = Server::with_admin().await;
    let uri = format!("https://{address}/keys");
    let metadata = json!({"token_endpoint_auth_method": "private_key_jwt", "jwks_uri": uri});
    let client = server.register("Publisher", metadata.clone()).await;
    let admin = basic("admin", PASSWORD);
    for wrong in [
        json!({"jwks_uri": "http://localhost/keys"}),
        json!({"jwks_uri": "https://user@localhost/keys"}),
        json!({"jwks_uri": "file:///etc/passwd"}),
        json!({"jwks_uri": uri, "jwks": key.jwks()}),
    ] {
        let mut body = json!({"client_name": "Wrong"});
        body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
        let reply = server.call("POST", "/api/identity/oauth2/dcr/v1.1/register", &admin, Some(body)).await;
        assert_eq!(reply.status, 400, "{wrong}: {}", reply.text);
    }
    let count = std::cell::Cell::new(0);
    let ask = async |server: &Server, key: &Prover| {
        count.set(count.get() + 1);
        let now = server.now();
        let claims =
            json!({"iss": client.id, "sub": client.id, "aud": ISSUER, "jti": count.get().to_string(), "exp": now + 60});
        let assertion = key.0.sign("JWT", &claims).unwrap();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_assertion_type", ASSERTION),
            ("client_assertion", assertion.as_str()),
        ];
        server.form("/oauth2/token", "", &encoded(&form)).await
    };
    // Nowhere to go at first, and then an address that may not be called: nobody is asked.
    assert_eq!(ask(&server, &key).await.field("error"), "invalid_client");
    let server = server.with(|i| i.with_egress(web::Egress::new(model::EgressRules::default(), tls.clone())));
    server.clock.advance(Duration::from_secs(31));
    assert_eq!(ask(&server, &key).await.field("error"), "invalid_client", "a private address was called");
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 0);
    let server = server.with(|i| i.with_egress(web::Egress::new(here, tls)));
    server.clock.advance(Duration::from_secs(31));
    let reply = ask(&server, &key).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    // Forgeries do not make this server call the client's address over and over.
    let stranger = Prover::new(Algorithm::Es256);
    for _ in 0..20 {
        assert_eq!(ask(&server, &stranger).await.field("error"), "invalid_client");
    }
    assert_eq!(ask(&server, &key).await.status, 200);
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 1);
}

/// A server with TLS that answers everything with one text, and how often it was asked.
async fn publisher(
    text: String,
) -> (std::net::SocketAddr, rustls::pki_types::CertificateDer<'static>, std::sync::Arc<std::sync::atomic::AtomicUsize>)
{
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".into()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let certificate = made.cert.der().clone();
    let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let tls = tls.with_no_client_auth().with_single_cert(vec![certificate.clone()], key).unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(std::sync::Arc::new(tls));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = asked.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let length = text.len();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
            let _ = stream.write_all(format!("{head}{text}").as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    (address, certificate, asked)
}

#[tokio::test]
async fn a_public_client_gets_nothing_in_its_own_name() {
    let server = Server::with_admin().await;
    let client = server.register("Phone", json!({"token_endpoint_auth_method": "none"})).await;
    for form in ["grant_type=client_credentials", "grant_type=password&username=admin&password=x"] {
        let form = format!("{form}&client_id={}", client.id);
        assert_eq!(server.form("/oauth2/token", "", &form).await.field("error"), "unauthorized_client", "{form}");
    }
    let form = format!("token=x&client_id={}", client.id);
    assert_eq!(server.form("/oauth2/introspect", "", &form).await.field("error"), "invalid_client");
    assert_eq!(server.form("/oauth2/revoke", "", &form).await.status, 200);
}

#[tokio::test]
async fn secrets_are_read_as_clients_write_them() {
    let server = Server::with_admin().await;
    let client = server.register("Encoder", json!({})).await;
    // RFC 6749 section 2.3.1, as strict clients do it.
    let encode = |text: &str| text.bytes().map(|b| format!("%{b:02X}")).collect::<String>();
    let auth = basic(&encode(&client.id), &encode(&client.secret));
    assert_eq!(server.form("/oauth2/token", &auth, "grant_type=client_credentials").await.status, 200);
    let wrong = basic(&encode(&client.id), &encode("guess"));
    assert_eq!(server.form("/oauth2/token", &wrong, "grant_type=client_credentials").await.status, 401);
    let only_post = server.register("Poster", json!({"token_endpoint_auth_method": "client_secret_post"})).await;
    let reply = server.form("/oauth2/token", &only_post.basic(), "grant_type=client_credentials").await;
    assert_eq!(reply.field("error"), "invalid_client");
}

/// A certificate of an issuer outside, PEM in base64 as WSO2's clients send it, and its key.
fn outside() -> (String, Prover) {
    let der = {
        use aws_lc_rs::encoding::AsDer;
        let pair = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
        der.as_ref().to_vec()
    };
    let pair = rcgen::KeyPair::try_from(der.as_slice()).unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["idp.example".into()]).unwrap().self_signed(&pair).unwrap();
    let key = jose::SigningKey::from_pkcs8(&der).unwrap();
    (STANDARD.encode(certificate.pem()), Prover(key))
}

#[tokio::test]
async fn a_trusted_issuer_vouches_for_strangers_and_for_nobody_here() {
    let server = Server::with_admin().await;
    server.user("alice", &["admin"]).await;
    let client = server.register("Weather", json!({})).await;
    let (certificate, key) = outside();
    let (_, stranger) = outside();
    let admin = basic("admin", PASSWORD);
    let path = "/api/server/v1/identity-providers";
    let body = json!({"name": "https://idp.example", "alias": "us", "certificate": {"certificates": [certificate]}});
    let made = server.call("POST", path, &admin, Some(body.clone())).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.field("id");
    assert_eq!(server.call("POST", path, &admin, Some(body)).await.status, 409);
    let own = json!({"name": "x", "idpIssuerName": ISSUER, "certificate": {"certificates": [outside().0]}});
    assert_eq!(server.call("POST", path, &admin, Some(own)).await.status, 400, "our own issuer was taken for another");
    let found = server.call("GET", &format!("{path}?filter=name%20eq%20%22https://idp.example%22"), &admin, None).await;
    assert_eq!(found.json()["identityProviders"][0]["id"], id);

    let now = server.now();
    let good = json!({"iss": "https://idp.example", "sub": "ext-user", "aud": "us", "exp": now + 900, "iat": now, "roles": ["boss"]});
    let count = std::cell::Cell::new(0);
    let ask = async |key: &Prover, changes: Value, scope: &str| {
        let mut claims = good.clone();
        count.set(count.get() + 1);
        claims["jti"] = json!(format!("statement-{}", count.get()));
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let assertion = key.0.sign("JWT", &claims).unwrap();
        let form = [("grant_type", BEARER), ("assertion", assertion.as_str()), ("scope", scope)];
        server.form("/oauth2/token", &client.basic(), &encoded(&form)).await
    };
    for wrong in [
        json!({"sub": "alice@carbon.super"}),
        json!({"sub": ""}),
        json!({"sub": "a\nb"}),
        json!({"aud": "somebody else"}),
        json!({"aud": null}),
        json!({"iss": "https://other.example"}),
        json!({"exp": now + 7200}),
        json!({"jti": null}),
        json!({"nbf": now + 61}),
    ] {
        assert_eq!(ask(&key, wrong.clone(), "").await.field("error"), "invalid_grant", "{wrong}");
    }
    let expired = ask(&key, json!({"exp": now - 1}), "").await;
    assert_eq!(expired.field("error_description"), "JSON Web Token is expired.");
    assert_eq!(ask(&stranger, json!({}), "").await.field("error"), "invalid_grant");
    let reply = ask(&key, json!({"jti": "once"}), "orders apim:admin openid").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(ask(&key, json!({"jti": "once"}), "").await.field("error"), "invalid_grant", "it worked twice");
    let token = reply.field("access_token");
    assert_eq!((&claims(&token)["sub"], &claims(&token)["aut"]), (&json!("ext-user"), &json!("FEDERATED_USER")));
    assert_eq!(reply.field("scope"), "orders");
    // It opens nothing of ours, whatever the subject is called: alice is an administrator here.
    let alice = ask(&key, json!({"sub": "alice"}), "internal_user_mgt_list").await.field("access_token");
    for token in [&token, &alice] {
        assert_eq!(server.call("GET", "/scim2/Users", &bearer(token), None).await.status, 401);
        assert_eq!(server.call("GET", "/oauth2/userinfo", &bearer(token), None).await.status, 401);
        let live = server.form("/oauth2/introspect", &client.basic(), &encoded(&[("token", token)])).await;
        assert_eq!(live.json()["active"], true, "{}", live.text);
    }
    // Scopes by mapped roles, never those of the management APIs.
    server.identity.bind_scope(model::TenantId::SUPER, "restricted", false, &["admin".into()]).await.unwrap();
    let mapping = json!({"mappings": [{"idpRole": "boss", "localRole": "admin"}]});
    assert_eq!(ask(&key, json!({}), "restricted").await.field("scope"), "default");
    let claim = json!({"roleClaim": {"uri": "roles"}});
    assert_eq!(server.call("PUT", &format!("{path}/{id}/claims"), &admin, Some(claim)).await.status, 200);
    assert_eq!(server.call("PUT", &format!("{path}/{id}/roles"), &admin, Some(mapping)).await.status, 200);
    assert_eq!(ask(&key, json!({}), "restricted apim:admin").await.field("scope"), "restricted");
    // The exchange grant takes the same statements, and no longer than they last.
    let statement = key.0.sign("JWT", &good).unwrap();
    let form = [
        ("grant_type", crate::flow::EXCHANGE),
        ("subject_token", statement.as_str()),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
    ];
    let exchanged = server.form("/oauth2/token", &client.basic(), &encoded(&form)).await;
    assert_eq!(exchanged.json()["expires_in"], 900, "{}", exchanged.text);
    assert_eq!(server.call("DELETE", &format!("{path}/{id}"), &admin, None).await.status, 204);
    for token in [&token, &alice, &exchanged.field("access_token")] {
        let live = server.form("/oauth2/introspect", &client.basic(), &encoded(&[("token", token)])).await;
        assert_eq!(live.json()["active"], false, "a token outlived the trust in its issuer");
    }
    assert_eq!(ask(&key, json!({}), "").await.field("error"), "invalid_grant");
    server.clock.advance(Duration::from_secs(1));
}
