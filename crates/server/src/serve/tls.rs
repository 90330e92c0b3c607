//! The identity of the listeners: generated, or from the configured keystore.

use std::path::Path;
use std::sync::Arc;

use model::{Clock, Secret, Timestamp};
use rustls::pki_types::CertificateDer;
use vault::keystore::{KeystorePasswords, read_keystore_file, read_pem_key};
use vault::tls::{
    Alpn, ClientAuthorities, ClientCertificates, IdentitySource, ServerIdentity, TlsError, TrustAnchors, server_config,
};
use vault::{KeyDirectory, KeyMaterial, SigningKey};
use web::CertificateTrust;

use crate::config::{Config, KeystoreFile};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::installation::Secrets;

/// The identity that every TLS listener presents; it follows its files.
pub(super) fn server_identity(
    home: &Home,
    config: &Config,
    secrets: &Secrets,
    now: Timestamp,
) -> Outcome<Arc<ServerIdentity>> {
    let source = match &config.tls_keystore {
        None => {
            let directory = KeyDirectory::new(home.security());
            IdentitySource::Pem { chain: directory.tls_certificate_path(), key: directory.tls_key_path() }
        }
        Some(keystore) => {
            let at = |path: &Path| home.root().join(path);
            match &keystore.file {
                KeystoreFile::Pem { password: Some(_), key, .. } => return Err(encrypted_key(key)),
                KeystoreFile::Pem { chain, key, password: None } => {
                    IdentitySource::Pem { chain: at(chain), key: at(key) }
                }
                KeystoreFile::Pkcs12 { path, password } => IdentitySource::Keystore {
                    path: at(path),
                    passwords: KeystorePasswords::same(secrets.resolve(password)?),
                    alias: keystore.alias.clone(),
                },
                KeystoreFile::Jks { path, password, key_password } => IdentitySource::Keystore {
                    path: at(path),
                    passwords: KeystorePasswords {
                        store: secrets.resolve(password)?,
                        key: key_password.as_ref().map(|p| secrets.resolve(p)).transpose()?,
                    },
                    alias: keystore.alias.clone(),
                },
            }
        }
    };
    ServerIdentity::from_files(source, now).map_err(|e| failure(&e))
}

/// The key material with the configured signing key in place of the generated one.
pub(super) fn with_configured_signing_key(
    home: &Home,
    config: &Config,
    secrets: &Secrets,
    mut keys: KeyMaterial,
) -> Outcome<KeyMaterial> {
    let Some(keystore) = &config.signing_keystore else { return Ok(keys) };
    let at = |path: &Path| home.root().join(path);
    let unusable = |e: &dyn std::fmt::Display| {
        Failure::from_text(Exit::Vault, "KEY003", "[keystore.primary] cannot be used", &e.to_string())
    };
    let signing = match &keystore.file {
        KeystoreFile::Pem { password: Some(_), key, .. } => return Err(encrypted_key(key)),
        KeystoreFile::Pem { key, password: None, .. } => {
            let bytes = vault::read_private(&at(key), 1 << 20).map_err(|e| unusable(&e))?;
            let key = read_pem_key(bytes.expose()).map_err(|e| unusable(&e))?;
            SigningKey::from_private_key(key.expose()).map_err(|e| unusable(&e))?
        }
        KeystoreFile::Pkcs12 { path, password } => {
            let passwords = KeystorePasswords::same(secrets.resolve(password)?);
            from_store(&at(path), &passwords, keystore.alias.as_deref())?
        }
        KeystoreFile::Jks { path, password, key_password } => {
            let key: Option<Secret<String>> = key_password.as_ref().map(|p| secrets.resolve(p)).transpose()?;
            let passwords = KeystorePasswords { store: secrets.resolve(password)?, key };
            from_store(&at(path), &passwords, keystore.alias.as_deref())?
        }
    };
    keys.signing_key = Arc::new(signing);
    Ok(keys)
}

fn from_store(path: &Path, passwords: &KeystorePasswords, alias: Option<&str>) -> Outcome<SigningKey> {
    let unusable = |e: &dyn std::fmt::Display| {
        Failure::from_text(Exit::Vault, "KEY003", "[keystore.primary] cannot be used", &e.to_string())
    };
    let entry =
        read_keystore_file(path, passwords).and_then(|store| store.into_key(alias)).map_err(|e| unusable(&e))?;
    SigningKey::from_private_key(entry.key.expose()).map_err(|e| unusable(&e))
}

/// TLS of a management listener.
pub(super) fn listener_config(identity: &Arc<ServerIdentity>) -> Outcome<Arc<rustls::ServerConfig>> {
    server_config(Arc::clone(identity), Alpn::Http2AndHttp1, ClientCertificates::NotAsked).map_err(|e| failure(&e))
}

/// TLS of a gateway listener: clients may show a certificate, and each API decides whose it accepts.
pub(super) fn gateway_config(identity: &Arc<ServerIdentity>) -> Outcome<Arc<rustls::ServerConfig>> {
    server_config(Arc::clone(identity), Alpn::Http2AndHttp1, ClientCertificates::Proven).map_err(|e| failure(&e))
}

/// TLS of a management listener that asks clients for certificates, and which of those the authorities stand for.
pub(super) fn with_client_certificates(
    identity: &Arc<ServerIdentity>,
    authorities: Vec<CertificateDer<'static>>,
    clock: Arc<dyn Clock>,
) -> Outcome<(Arc<rustls::ServerConfig>, CertificateTrust)> {
    let tls = server_config(Arc::clone(identity), Alpn::Http2AndHttp1, ClientCertificates::Proven);
    let tls = tls.map_err(|e| failure(&e))?;
    if authorities.is_empty() {
        return Ok((tls, Arc::new(|_| false)));
    }
    let mut anchors = TrustAnchors::default();
    for authority in authorities {
        anchors.add(authority).map_err(|e| failure(&e))?;
    }
    let authorities = ClientAuthorities::new(anchors).map_err(|e| failure(&e))?;
    Ok((tls, Arc::new(move |chain| authorities.stand_for(chain, clock.now()))))
}

fn encrypted_key(path: &Path) -> Failure {
    Failure::new(
        Exit::Vault,
        "KEY004",
        format!("{} cannot be read with a password", path.display()),
        "encrypted PEM keys are not supported",
        "put key and chain into a PKCS#12 file: openssl pkcs12 -export -in chain.pem -inkey key.pem -out tls.p12",
    )
}

fn failure(error: &TlsError) -> Failure {
    if let TlsError::Faults(faults) = error {
        let report = |fault: &vault::CertificateFault| crate::failure::Report {
            code: fault.rule.id(),
            what: format!("the TLS certificate is refused: {}", fault.observed),
            why: format!("wanted: {}", fault.rule.desired()),
            fix: fault.rule.fix().to_owned(),
        };
        return Failure { exit: Exit::Vault, reports: faults.iter().map(report).collect() };
    }
    Failure::from_text(Exit::Vault, "TLS002", "the TLS certificate cannot be used", &error.to_string())
}
