use super::{
    Alpn, ClientCertificates, IdentitySource, Reload, ServerIdentity, TlsError, TlsIdentity, TrustAnchors,
    client_config, provider, server_config,
};
use crate::generate::{CertificateAuthority, IssuedCertificate, generate_ca, issue_server_certificate};
use crate::keystore::encode_pem;
use crate::private_file::write_private;
use crate::random::SystemRng;
use crate::testing::error_of;
use model::Timestamp;
use rustls::pki_types::pem::SectionKind;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::version::{TLS12, TLS13};
use rustls::{
    CipherSuite, ClientConfig, ClientConnection, HandshakeKind, NamedGroup, ProtocolVersion, ServerConfig,
    ServerConnection,
};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// rustls verifies against the wall clock, so these tests issue certificates for today.
fn today() -> Timestamp {
    Timestamp::from_seconds(UnixTime::now().as_secs().cast_signed())
}

struct Pki {
    ca: CertificateAuthority,
}

impl Pki {
    fn new() -> Self {
        Self { ca: generate_ca("TLS Test CA", today(), &SystemRng).unwrap() }
    }

    fn issue(&self) -> IssuedCertificate {
        issue_server_certificate(&self.ca, &["localhost".to_owned()], today(), &SystemRng).unwrap()
    }

    fn identity(&self) -> TlsIdentity {
        let issued = self.issue();
        TlsIdentity::new(issued.chain, issued.key.expose(), today()).unwrap()
    }

    fn client_identity(&self) -> TlsIdentity {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["gateway-1".to_owned()]).unwrap();
        params.not_after = today().plus(Duration::from_hours(1)).to_utc();
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        let certificate = params.signed_by(&key, &self.ca.issuer().unwrap()).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::Pkcs8(key.serialize_der().into());
        TlsIdentity::new(vec![certificate.der().clone()], &key, today()).unwrap()
    }

    fn trust(&self) -> TrustAnchors {
        let mut trust = TrustAnchors::default();
        trust.add(self.ca.certificate().clone()).unwrap();
        trust
    }

    fn write(&self, dir: &Path) -> IdentitySource {
        let issued = self.issue();
        let (chain, key) = (dir.join("tls.pem"), dir.join("tls-key.pem"));
        write_private(&chain, issued.chain_pem().as_bytes()).unwrap();
        let pem = encode_pem(SectionKind::PrivateKey, issued.key.expose().secret_der());
        write_private(&key, pem.expose().as_bytes()).unwrap();
        IdentitySource::Pem { chain, key }
    }
}

fn pump(client: &mut ClientConnection, server: &mut ServerConnection) -> Result<(), rustls::Error> {
    for _ in 0..16 {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        let mut slice = wire.as_slice();
        while !slice.is_empty() {
            server.read_tls(&mut slice).unwrap();
            server.process_new_packets()?;
        }
        let mut wire = Vec::new();
        server.write_tls(&mut wire).unwrap();
        let mut slice = wire.as_slice();
        while !slice.is_empty() {
            client.read_tls(&mut slice).unwrap();
            client.process_new_packets()?;
        }
    }
    Ok(())
}

fn connect(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
    name: &str,
) -> Result<(ClientConnection, ServerConnection), rustls::Error> {
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::clone(client), name)?;
    let mut server = ServerConnection::new(Arc::clone(server))?;
    pump(&mut client, &mut server)?;
    assert!(!client.is_handshaking() && !server.is_handshaking());
    Ok((client, server))
}

fn plain_server(pki: &Pki) -> Arc<ServerConfig> {
    server_config(ServerIdentity::fixed(pki.identity()), Alpn::Http2AndHttp1, ClientCertificates::NotAsked).unwrap()
}

#[test]
fn a_connection_is_post_quantum_and_negotiates_http2_and_resumes() {
    let pki = Pki::new();
    let server = plain_server(&pki);
    let client = client_config(pki.trust(), None, Alpn::Http2AndHttp1).unwrap();
    let (first, _) = connect(&client, &server, "localhost").unwrap();
    assert_eq!(first.protocol_version(), Some(ProtocolVersion::TLSv1_3));
    assert_eq!(first.negotiated_key_exchange_group().unwrap().name(), NamedGroup::X25519MLKEM768);
    assert_eq!(first.alpn_protocol(), Some(&b"h2"[..]));
    let days = pki.identity().not_after().since(today()).as_secs() / 86400;
    assert_eq!(days, 396);
    let (second, _) = connect(&client, &server, "localhost").unwrap();
    assert_eq!(second.handshake_kind(), Some(HandshakeKind::Resumed));
}

#[test]
fn only_ephemeral_aead_suites_are_there() {
    for suite in &provider().cipher_suites {
        let name = format!("{:?}", suite.suite());
        assert!(name.starts_with("TLS13_") || name.starts_with("TLS_ECDHE_"), "{name}");
        assert!(name.contains("_GCM_") || name.contains("_POLY1305_"), "{name}");
    }
    assert_eq!(provider().cipher_suites.len(), 9);
    assert_eq!(provider().kx_groups[0].name(), NamedGroup::X25519MLKEM768);
}

#[test]
fn every_suite_of_both_versions_works_with_an_ecdsa_identity() {
    let pki = Pki::new();
    let server = plain_server(&pki);
    let roots = pki.trust().into_roots().unwrap().0;
    let mut done = 0;
    for suite in &provider().cipher_suites {
        if format!("{:?}", suite.suite()).contains("_RSA_") {
            continue;
        }
        let only = rustls::crypto::CryptoProvider { cipher_suites: vec![*suite], ..(*provider()).clone() };
        let versions: &[_] = if suite.tls13().is_some() { &[&TLS13] } else { &[&TLS12] };
        let config = ClientConfig::builder_with_provider(Arc::new(only))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(Arc::clone(&roots))
            .with_no_client_auth();
        let (client, _) = connect(&Arc::new(config), &server, "localhost").unwrap();
        let negotiated: CipherSuite = client.negotiated_cipher_suite().unwrap().suite();
        assert_eq!(negotiated, suite.suite());
        done += 1;
    }
    assert_eq!(done, 6);
}

#[test]
fn clients_refuse_a_wrong_name_an_unknown_issuer_and_a_revoked_peer() {
    let pki = Pki::new();
    let identity = pki.identity();
    let server =
        server_config(ServerIdentity::fixed(identity.clone()), Alpn::None, ClientCertificates::NotAsked).unwrap();
    let client = client_config(pki.trust(), None, Alpn::None).unwrap();
    assert!(connect(&client, &server, "localhost").is_ok());
    let wrong_name = error_of(connect(&client, &server, "other.test"));
    assert!(wrong_name.to_string().contains("not valid for name"), "{wrong_name}");
    let stranger = client_config(Pki::new().trust(), None, Alpn::None).unwrap();
    assert!(connect(&stranger, &server, "localhost").is_err());
    assert!(matches!(error_of(client_config(TrustAnchors::default(), None, Alpn::None)), TlsError::NoTrustAnchor));

    let revoked = |serial: &[u8]| {
        let mut trust = pki.trust();
        trust.add_revocation_list(revocation_list(&pki, serial));
        client_config(trust, None, Alpn::None).unwrap()
    };
    let serial = serial_of(&identity);
    assert!(error_of(connect(&revoked(&serial), &server, "localhost")).to_string().contains("Revoked"));
    assert!(connect(&revoked(&[0x51]), &server, "localhost").is_ok());
}

fn serial_of(identity: &TlsIdentity) -> Vec<u8> {
    use x509_parser::prelude::FromDer;
    let (_, leaf) = x509_parser::certificate::X509Certificate::from_der(&identity.chain()[0]).unwrap();
    leaf.raw_serial().to_vec()
}

/// A list of the authority of `pki` with one serial number, made by OpenSSL's and webpki's rules through rcgen.
fn revocation_list(pki: &Pki, serial: &[u8]) -> rustls::pki_types::CertificateRevocationListDer<'static> {
    let params = rcgen::CertificateRevocationListParams {
        this_update: today().to_utc(),
        next_update: today().plus(Duration::from_hours(24)).to_utc(),
        crl_number: rcgen::SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: vec![rcgen::RevokedCertParams {
            serial_number: rcgen::SerialNumber::from_slice(serial),
            revocation_time: today().to_utc(),
            reason_code: None,
            invalidity_date: None,
        }],
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    params.signed_by(&pki.ca.issuer().unwrap()).unwrap().der().clone()
}

#[test]
fn mutual_tls_demands_a_certificate_of_the_right_authority() {
    let (pki, clients) = (Pki::new(), Pki::new());
    let server =
        server_config(ServerIdentity::fixed(pki.identity()), Alpn::None, ClientCertificates::Required(clients.trust()))
            .unwrap();
    let without = client_config(pki.trust(), None, Alpn::None).unwrap();
    assert!(connect(&without, &server, "localhost").is_err());
    let foreign = client_config(pki.trust(), Some(&pki.identity()), Alpn::None).unwrap();
    assert!(connect(&foreign, &server, "localhost").is_err());
    let known = client_config(pki.trust(), Some(&clients.client_identity()), Alpn::None).unwrap();
    let (_, accepted) = connect(&known, &server, "localhost").unwrap();
    assert_eq!(accepted.peer_certificates().unwrap().len(), 1);
    let optional = ClientCertificates::Optional(clients.trust());
    let optional = server_config(ServerIdentity::fixed(pki.identity()), Alpn::None, optional).unwrap();
    assert!(connect(&without, &optional, "localhost").is_ok());
    assert!(connect(&foreign, &optional, "localhost").is_err());
    let nobody = ClientCertificates::Required(TrustAnchors::default());
    assert!(matches!(
        error_of(server_config(ServerIdentity::fixed(pki.identity()), Alpn::None, nobody)),
        TlsError::NoTrustAnchor
    ));
}

/// A resolver that shows a certificate with another one's key.
#[derive(Debug)]
struct Thief(Arc<rustls::sign::CertifiedKey>);

impl rustls::client::ResolvesClientCert for Thief {
    fn resolve(
        &self,
        _hints: &[&[u8]],
        _schemes: &[rustls::SignatureScheme],
    ) -> Option<Arc<rustls::sign::CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[test]
fn whoever_shows_a_certificate_holds_its_key() {
    let (pki, clients) = (Pki::new(), Pki::new());
    let proven = server_config(ServerIdentity::fixed(pki.identity()), Alpn::None, ClientCertificates::Proven).unwrap();
    let plain = client_config(pki.trust(), None, Alpn::None).unwrap();
    let (_, server) = connect(&plain, &proven, "localhost").unwrap();
    assert!(server.peer_certificates().is_none());
    // Nobody here knows the authority; who is meant is decided by whoever looks at the certificate.
    let owner = clients.client_identity();
    let known = client_config(pki.trust(), Some(&owner), Alpn::None).unwrap();
    let (_, server) = connect(&known, &proven, "localhost").unwrap();
    assert_eq!(server.peer_certificates().unwrap()[0], owner.chain()[0]);
    let key = Arc::clone(&clients.client_identity().certified.key);
    let stolen = rustls::sign::CertifiedKey::new(owner.chain().to_vec(), key);
    let mut thief = (*plain).clone();
    thief.client_auth_cert_resolver = Arc::new(Thief(Arc::new(stolen)));
    // The client has finished its part of a TLS 1.3 handshake before the server looks at the signature.
    let refused = match connect(&Arc::new(thief), &proven, "localhost") {
        Err(_) => true,
        Ok((_, server)) => server.peer_certificates().is_none(),
    };
    assert!(refused);
}

#[test]
fn an_identity_is_exchanged_without_breaking_open_connections() {
    use std::io::{Read, Write};
    let pki = Pki::new();
    let dir = tempfile::tempdir().unwrap();
    let identity = ServerIdentity::from_files(pki.write(dir.path()), today()).unwrap();
    let server = server_config(Arc::clone(&identity), Alpn::None, ClientCertificates::NotAsked).unwrap();
    let shown = || {
        let client = client_config(pki.trust(), None, Alpn::None).unwrap();
        let pair = connect(&client, &server, "localhost").unwrap();
        (pair.0.peer_certificates().unwrap()[0].clone(), pair)
    };
    let (old, (mut client, mut open)) = shown();
    assert!(matches!(identity.reload_if_changed(today()), Reload::Unchanged));
    pki.write(dir.path());
    let Reload::Reloaded { fingerprint } = identity.reload_if_changed(today()) else { panic!("not reloaded") };
    let (new, _) = shown();
    assert_ne!(old, new);
    assert_eq!(crate::certificate_fingerprint(&new), fingerprint);
    client.writer().write_all(b"still here").unwrap();
    pump(&mut client, &mut open).unwrap();
    let mut text = [0; 10];
    open.reader().read_exact(&mut text).unwrap();
    assert_eq!(&text, b"still here");
}

#[test]
fn a_faulty_new_identity_is_refused_and_the_old_one_stays() {
    let pki = Pki::new();
    let dir = tempfile::tempdir().unwrap();
    let source = pki.write(dir.path());
    let identity = ServerIdentity::from_files(source.clone(), today()).unwrap();
    let before = identity.current().fingerprint();
    let IdentitySource::Pem { chain, key } = &source else { panic!("PEM expected") };
    // The new certificate is there, its key not yet.
    write_private(chain, pki.issue().chain_pem().as_bytes()).unwrap();
    let Reload::Kept { fault, repeated: false } = identity.reload_if_changed(today()) else { panic!("not kept") };
    assert!(fault.to_string().contains("A02.7"), "{fault}");
    assert!(matches!(identity.reload_if_changed(today()), Reload::Kept { repeated: true, .. }));
    for bad in [&b""[..], b"-----BEGIN CERTIFICATE-----\n", b"garbage"] {
        write_private(chain, bad).unwrap();
        assert!(matches!(identity.reload_if_changed(today()), Reload::Kept { repeated: false, .. }));
        assert_eq!(identity.current().fingerprint(), before);
    }
    std::fs::remove_file(chain).unwrap();
    assert!(matches!(identity.reload_if_changed(today()), Reload::Kept { .. }));
    pki.write(dir.path());
    assert!(matches!(identity.reload_if_changed(today()), Reload::Reloaded { .. }));
    crate::testing::chmod(key, 0o644);
    write_private(chain, &std::fs::read(chain).unwrap()).unwrap();
    let Reload::Kept { fault, .. } = identity.reload_if_changed(today()) else { panic!("not kept") };
    assert!(fault.to_string().contains("chmod 600"), "{fault}");
}

#[test]
fn an_expired_identity_is_refused_at_the_start() {
    let pki = Pki::new();
    let dir = tempfile::tempdir().unwrap();
    let source = pki.write(dir.path());
    let later = today().plus(Duration::from_hours(24 * 400));
    let text = error_of(ServerIdentity::from_files(source, later)).to_string();
    assert!(text.contains("A02.5"), "{text}");
}

#[test]
fn pem_trust_is_added_whole_or_refused() {
    let pki = Pki::new();
    let mut trust = TrustAnchors::default();
    let twice = pki.ca.certificate_pem().repeat(2);
    assert_eq!(trust.add_pem(twice.as_bytes()).unwrap(), 2);
    assert!(trust.add_pem(b"no certificate").is_err());
    assert!(trust.add_pem(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").is_err());
}
