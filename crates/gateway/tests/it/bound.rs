//! Client certificates and tokens that are bound to a key, over real TLS.

use crate::platform::*;
use crate::tls::{Pair, client, pair};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use gateway::{GatewaySettings, Listener};
use jose::SigningKey;
use model::Timestamp;
use model::snapshot::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};
use serde_json::{Value, json};
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;

/// Asks for certificates and leaves the judgement to the gateway, as the program's own listener does.
#[derive(Debug)]
struct Asks(rustls::crypto::WebPkiSupportedAlgorithms);

impl ClientCertVerifier for Asks {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, certificate, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, certificate, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}

/// A client's certificate with its key.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Identity {
    fn der(&self) -> Vec<u8> {
        self.chain[0].to_vec()
    }
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn parameters(name: &str, authority: bool) -> CertificateParams {
    let mut parameters = CertificateParams::new(vec![name.to_owned()]).unwrap();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
    // Validity is compared with the test's clock.
    parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(2040, 1, 1);
    if authority {
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    } else {
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    }
    parameters
}

fn root(name: &str) -> Authority {
    CertifiedIssuer::self_signed(parameters(name, true), KeyPair::generate().unwrap()).unwrap()
}

fn issued(authority: &Authority, name: &str) -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate = parameters(name, false).signed_by(&key, authority).unwrap();
    let der = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    Identity { chain: vec![certificate.der().clone()], key: der }
}

fn self_signed(name: &str) -> Identity {
    let key = KeyPair::generate().unwrap();
    let certificate = parameters(name, false).self_signed(&key).unwrap();
    let der = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    Identity { chain: vec![certificate.der().clone()], key: der }
}

fn uploaded(der: Vec<u8>, tier: &str) -> ClientCertificate {
    ClientCertificate {
        alias: format!("c{}", der.len()),
        der,
        tier: tier.into(),
        key_type: KeyType::Production,
        not_before: Timestamp::from_seconds(NOW - 100),
        not_after: Timestamp::from_seconds(NOW + 1000),
    }
}

struct World {
    pair: Pair,
    stack: Stack,
}

impl World {
    fn start(
        upstream: &Upstream,
        settings: impl FnOnce(&mut GatewaySettings),
        change: impl FnOnce(&mut DeployedApi),
    ) -> Self {
        let pair = pair();
        let mut server = (*pair.server).clone();
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let asks = Asks(provider.signature_verification_algorithms);
        let builder = rustls::ServerConfig::builder_with_provider(Arc::new(provider));
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        server =
            builder.with_client_cert_verifier(Arc::new(asks)).with_cert_resolver(Arc::clone(&server.cert_resolver));
        let address = "127.0.0.1:0".parse().unwrap();
        let listeners = vec![Listener { address, tls: Some(Arc::new(server)) }, Listener { address, tls: None }];
        let stack = Stack::with(
            upstream.address,
            |own| {
                own.listeners = listeners;
                settings(own);
            },
            |snapshot| edit(snapshot, change),
        );
        Self { pair, stack }
    }

    fn call(&self, identity: Option<&Identity>, headers: &[(&str, &str)]) -> Reply {
        let mut config = (*client(&self.pair.root, &[b"http/1.1"])).clone();
        if let Some(identity) = identity {
            let builder =
                rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
            let mut roots = rustls::RootCertStore::empty();
            roots.add(self.pair.root.clone()).unwrap();
            let builder = builder.with_safe_default_protocol_versions().unwrap().with_root_certificates(roots);
            config = builder.with_client_auth_cert(identity.chain.clone(), identity.key.clone_key()).unwrap();
        }
        let name = ServerName::try_from("localhost").unwrap();
        let session = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = rustls::StreamOwned::new(session, TcpStream::connect(self.stack.address()).unwrap());
        let mut request = "GET /pizza/1.0.0/menu HTTP/1.1\r\nHost: localhost\r\n".to_owned();
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        stream.write_all(format!("{request}\r\n").as_bytes()).unwrap();
        read_reply(&mut stream).unwrap()
    }
}

/// An API's security: OAuth 2, certificates mandatory, application security mandatory.
fn security(oauth2: bool, mandatory: bool, application: bool) -> ApiSecurity {
    ApiSecurity {
        oauth2,
        mutual_tls: true,
        mutual_tls_mandatory: mandatory,
        application_mandatory: application,
        subscription_required: true,
        ..ApiSecurity::default()
    }
}

#[test]
fn certificates_and_tokens_combine_as_in_wso2() {
    let upstream = Upstream::echo();
    let (good, bad) = (self_signed("good"), self_signed("bad"));
    let mut world =
        World::start(&upstream, |_| (), |api| api.client_certificates = vec![uploaded(good.der(), "Unlimited")]);
    let (name, value) = bearer();
    let token = [(name, value.as_str())];
    let wrong = [(name, "Bearer nonsense")];
    // Which security, then: accepted certificate alone, with a token, with a wrong token; another certificate alone, with
    // a token; none alone, with a token.
    for (kind, expected) in [
        (security(false, true, false), [200, 200, 200, 401, 401, 401, 401]),
        (security(false, false, false), [200, 200, 200, 401, 401, 401, 401]),
        (security(true, true, true), [401, 200, 401, 401, 401, 401, 401]),
        (security(true, true, false), [200, 200, 200, 401, 401, 401, 401]),
        (security(true, false, true), [401, 200, 401, 401, 200, 401, 200]),
        (security(true, false, false), [200, 200, 200, 401, 200, 401, 200]),
    ] {
        world.stack.publish(|s| edit(s, |api| api.security = kind.clone()));
        let found = [
            world.call(Some(&good), &[]),
            world.call(Some(&good), &token),
            world.call(Some(&good), &wrong),
            world.call(Some(&bad), &[]),
            world.call(Some(&bad), &token),
            world.call(None, &[]),
            world.call(None, &token),
        ];
        assert_eq!(found.each_ref().map(|reply| reply.status), expected, "{kind:?}");
    }
    world.stack.clock.advance(2000);
    world.stack.publish(|s| edit(s, |api| api.security = security(false, true, false)));
    assert_eq!(world.call(Some(&good), &[]).status, 401, "its time is over");
}

#[test]
fn a_certificate_that_was_taken_away_opens_nothing() {
    let upstream = Upstream::echo();
    let good = self_signed("good");
    let mut world = World::start(
        &upstream,
        |_| (),
        |api| {
            api.security = security(false, true, false);
            api.client_certificates = vec![uploaded(good.der(), "Two")];
            api.client_certificates[0].tier = "Unlimited".into();
        },
    );
    assert_eq!(world.call(Some(&good), &[]).status, 200);
    world.stack.publish(|s| {
        s.limits.push(limit(LimitLevel::Subscription, "Two", 2));
        edit(s, |api| api.client_certificates[0].tier = "Two".into());
    });
    let statuses = [(); 3].map(|()| world.call(Some(&good), &[]).status);
    assert_eq!(statuses, [200, 200, 429], "the plan of the certificate counts");
    world.stack.publish(|s| edit(s, |api| api.client_certificates.clear()));
    assert_eq!(world.call(Some(&good), &[]).status, 401);
}

#[test]
fn chains_count_only_where_the_gateway_is_told_so() {
    let upstream = Upstream::echo();
    let (ours, theirs) = (root("ours"), root("theirs"));
    let (member, stranger) = (issued(&ours, "member"), issued(&theirs, "stranger"));
    for chains in [false, true] {
        let world = World::start(
            &upstream,
            |own| own.client_certificate_chains = chains,
            |api| {
                api.security = security(false, true, false);
                api.client_certificates = vec![uploaded(ours.der().to_vec(), "Unlimited")];
            },
        );
        assert_eq!(world.call(Some(&member), &[]).status, if chains { 200 } else { 401 });
        for refused in [&stranger, &self_signed("member")] {
            assert_eq!(world.call(Some(refused), &[]).status, 401);
        }
    }
}

#[test]
fn certificates_in_a_field_count_only_from_listed_proxies() {
    let upstream = Upstream::echo();
    let good = self_signed("good");
    let field = http::HeaderName::from_static("x-wso2-client-certificate");
    let start = |proxies: bool, header: bool| {
        World::start(
            &upstream,
            |own| {
                own.client_certificate_header = header.then(|| field.clone());
                if proxies {
                    own.proxies.forwarded = vec!["127.0.0.0/8".parse().unwrap()];
                }
            },
            |api| {
                api.security = security(false, true, false);
                api.client_certificates = vec![uploaded(good.der(), "Unlimited")];
            },
        )
    };
    let der = STANDARD.encode(good.der());
    let pem = format!("-----BEGIN CERTIFICATE-----%0A{}%0A-----END CERTIFICATE-----", der.replace('+', "%2B"));
    let twice = STANDARD.encode(format!("-----BEGIN CERTIFICATE-----\n{der}\n-----END CERTIFICATE-----"));
    for (proxies, header, expected) in [(false, true, 401), (true, false, 401), (false, false, 401), (true, true, 200)]
    {
        let world = start(proxies, header);
        for text in [&der, &pem, &twice] {
            let reply = world.call(None, &[("X-WSO2-CLIENT-CERTIFICATE", text)]);
            assert_eq!(reply.status, expected, "{proxies} {header}");
            assert!(!reply.text().to_lowercase().contains("x-wso2-client"), "{}", reply.text());
        }
        if expected == 200 {
            assert_eq!(world.call(None, &[("X-WSO2-CLIENT-CERTIFICATE", "AAAA")]).status, 401);
            assert_eq!(
                world.call(Some(&good), &[]).status,
                401,
                "the proxy's own certificate says nothing about clients"
            );
        }
    }
}

#[test]
fn a_token_bound_to_a_certificate_needs_it() {
    let upstream = Upstream::echo();
    let (own, other) = (self_signed("own"), self_signed("other"));
    let world = World::start(&upstream, |_| (), |_| ());
    let thumbprint = URL_SAFE_NO_PAD.encode(digest(&SHA256, &own.der()));
    let bound = |confirmation: Value| format!("Bearer {}", token(json!({"cnf": confirmation})));
    let call = |identity, value: &str| world.call(identity, &[("Authorization", value)]).status;
    let good = bound(json!({"x5t#S256": thumbprint}));
    assert_eq!([Some(&own), Some(&other), None].map(|identity| call(identity, &good)), [200, 401, 401]);
    for confirmation in
        [json!({}), json!({"x5t#S256": ""}), json!({"x5t#S256": thumbprint, "jkt": "x"}), json!({"jwk": {}})]
    {
        assert_eq!(call(Some(&own), &bound(confirmation.clone())), 401, "{confirmation}");
    }
    let plain = format!("DPoP {}", token(json!({})));
    assert_eq!(call(None, &plain), 401, "an unbound token is no DPoP token");
}

struct Prover(aws_lc_rs::signature::EcdsaKeyPair, Value);

impl Prover {
    fn new() -> Self {
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
        let random = aws_lc_rs::rand::SystemRandom::new();
        let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let mut jwk = SigningKey::from_pkcs8(der.as_ref()).unwrap().public_jwk().unwrap();
        let members = jwk.as_object_mut().unwrap();
        members.retain(|name, _| ["kty", "crv", "x", "y"].contains(&name.as_str()));
        Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.as_ref()).unwrap(), jwk)
    }

    fn thumbprint(&self) -> String {
        let text = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, self.1["x"], self.1["y"]);
        URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
    }

    fn proof(&self, changes: Value, token: &str) -> String {
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": self.1});
        let mut claims = json!({"htm": "GET", "htu": "https://localhost/pizza/1.0.0/menu", "iat": NOW, "jti": "p-1",
            "ath": URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes()))});
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let signed = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let signature = self.0.sign(&aws_lc_rs::rand::SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}

#[test]
fn a_token_bound_to_a_key_needs_a_fresh_proof_with_every_call() {
    let upstream = Upstream::echo();
    let world = World::start(&upstream, |_| (), |_| ());
    let (prover, thief) = (Prover::new(), Prover::new());
    let access = token(json!({"cnf": {"jkt": prover.thumbprint()}}));
    let value = format!("DPoP {access}");
    let call = |value: &str, proofs: &[String]| {
        let mut headers = vec![("Authorization", value)];
        headers.extend(proofs.iter().map(|proof| ("DPoP", proof.as_str())));
        world.call(None, &headers)
    };
    let first = prover.proof(json!({}), &access);
    let reply = call(&value, std::slice::from_ref(&first));
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(!reply.text().to_lowercase().contains("dpop"), "the proof is for the gateway: {}", reply.text());
    assert_eq!(call(&value, &[first]).status, 401, "a proof works once");
    let with = |n: &str, changes: Value| {
        let mut changes = changes;
        changes["jti"] = json!(n);
        prover.proof(changes, &access)
    };
    assert_eq!(call(&value, &[with("p-2", json!({}))]).status, 200);
    for (what, value, proofs) in [
        ("no proof", value.clone(), vec![]),
        ("two proofs", value.clone(), vec![with("a", json!({})), with("b", json!({}))]),
        ("as bearer", format!("Bearer {access}"), vec![with("c", json!({}))]),
        ("another method", value.clone(), vec![with("d", json!({"htm": "POST"}))]),
        ("another path", value.clone(), vec![with("e", json!({"htu": "https://localhost/pizza/1.0.0/order"}))]),
        ("another host", value.clone(), vec![with("f", json!({"htu": "https://evil/pizza/1.0.0/menu"}))]),
        ("plain HTTP", value.clone(), vec![with("g", json!({"htu": "http://localhost/pizza/1.0.0/menu"}))]),
        ("an old proof", value.clone(), vec![with("h", json!({"iat": NOW - 121}))]),
        ("a proof of the future", value.clone(), vec![with("i", json!({"iat": NOW + 61}))]),
        ("no access token hash", value.clone(), vec![with("j", json!({"ath": null}))]),
        ("another access token", value.clone(), vec![prover.proof(json!({"jti": "k"}), "other")]),
        ("another key", value.clone(), vec![thief.proof(json!({"jti": "l"}), &access)]),
        ("nonsense", value.clone(), vec!["a.b.c".to_owned()]),
    ] {
        assert_eq!(call(&value, &proofs).status, 401, "{what}");
    }
}
