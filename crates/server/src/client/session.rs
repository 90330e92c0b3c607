//! The server that `portcullis login` remembers, with its token, in the user's own configuration directory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::Secret;
use rustls::pki_types::CertificateDer;
use serde::{Deserialize, Serialize};
use vault::tls::{Alpn, TrustAnchors, client_config};

use super::Client;
use crate::environment::variable;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};

/// Largest session file, bytes.
const CAP: u64 = 256 * 1024;

/// A remembered server. The file that holds it has mode 0600.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Session {
    /// Host name.
    pub(crate) host: String,
    /// Port.
    pub(crate) port: u16,
    /// Certificate authority (PEM), when the server's is not a public one.
    pub(crate) ca: Option<String>,
    /// Access token.
    token: String,
}

impl Drop for Session {
    fn drop(&mut self) {
        // Leaves no copy of the token in freed memory.
        drop(Secret::new(std::mem::take(&mut self.token)));
    }
}

impl Session {
    /// A server with its token.
    pub(crate) fn new(host: String, port: u16, ca: Option<String>, token: &Secret<String>) -> Self {
        Self { host, port, ca, token: token.expose().clone() }
    }

    /// A client that presents the token.
    pub(crate) fn client(&self) -> Outcome<Client> {
        let client = Client::tls(&self.host, self.port, trust(self.ca.as_deref(), Vec::new())?);
        Ok(client.with_bearer(&Secret::new(self.token.clone())))
    }
}

/// TLS of a client that trusts the given authority and certificates, or those of the operating system.
pub(crate) fn trust(ca: Option<&str>, more: Vec<CertificateDer<'static>>) -> Outcome<Arc<rustls::ClientConfig>> {
    let refused = |e: &dyn std::fmt::Display| {
        Failure::from_text(Exit::Vault, "TLS001", "the certificate authority cannot be used", &e.to_string())
    };
    match ca {
        Some(pem) => {
            let mut anchors = TrustAnchors::default();
            anchors.add_pem(pem.as_bytes()).map_err(|e| refused(&e))?;
            for certificate in more {
                // One that cannot be trusted leaves the others.
                let _ = anchors.add(certificate);
            }
            client_config(anchors, None, Alpn::Http1).map_err(|e| refused(&e))
        }
        None => {
            use rustls_platform_verifier::BuilderVerifierExt as _;
            let config = rustls::ClientConfig::builder_with_provider(vault::tls::provider())
                .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
                .and_then(|builder| builder.with_platform_verifier())
                .map_err(|e| refused(&e))?;
            Ok(Arc::new(config.with_no_client_auth()))
        }
    }
}

/// The session file of this user.
fn path() -> Outcome<PathBuf> {
    let directory = variable("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| variable("HOME").map(|home| Path::new(&home).join(".config")))
        .ok_or_else(|| Failure::usage("this user has no home directory", "set HOME or XDG_CONFIG_HOME"))?;
    Ok(directory.join("portcullis").join("session.json"))
}

/// The remembered server, if any.
pub(crate) fn remembered() -> Outcome<Option<Session>> {
    let path = path()?;
    match vault::read_private(&path, CAP) {
        Ok(bytes) => serde_json::from_slice(bytes.expose()).map(Some).map_err(|e| {
            let fix = format!("rm {} and sign in again", path.display());
            Failure::new(Exit::Io, "SRV004", "the remembered session is damaged", e.to_string(), fix)
        }),
        Err(error) if error.is_missing() => Ok(None),
        Err(error) => {
            Err(Failure::from_text(Exit::Vault, "SRV005", "the remembered session cannot be used", &error.to_string()))
        }
    }
}

/// Remembers a server, mode 0600.
pub(crate) fn store(session: &Session) -> Outcome<PathBuf> {
    let path = path()?;
    let failed = |e: vault::PrivateFileError| {
        Failure::from_text(Exit::Io, "SRV006", "the session cannot be remembered", &e.to_string())
    };
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory.parent().unwrap_or(directory))
            .map_err(|e| Failure::io(directory, "create", &e))?;
        vault::ensure_private_directory(directory).map_err(failed)?;
    }
    let bytes = Secret::new(serde_json::to_vec(session).unwrap_or_default());
    vault::write_private(&path, bytes.expose()).map_err(failed)?;
    Ok(path)
}
