//! Connections that this installation opens: which addresses, and whose certificates.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;

use ipnet::IpNet;
use model::{AllowedNetwork, EgressRules};
use rustls::pki_types::CertificateDer;
use vault::KeyDirectory;
use vault::keystore::{KeystorePasswords, read_keystore};
use vault::tls::{Alpn, ServerIdentity, TrustAnchors, client_config};
use web::{Egress, OwnListener};

use crate::config::{Config, EgressRule, KeystoreType};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::installation::Secrets;

/// What may be called beside public addresses. Where nothing is exposed, this machine may be called too: a laptop's
/// upstreams are on the laptop.
pub(super) fn rules(config: &Config) -> Outcome<EgressRules> {
    let mut allowed: Vec<AllowedNetwork> = Vec::new();
    for rule in &config.egress_rules() {
        match rule {
            EgressRule::Network(network) => allowed.push((*network).into()),
            EgressRule::Host { name, port, .. } if name.as_str() == "localhost" => allowed.extend(loopback(*port)),
            EgressRule::Host { name, subdomains: true, .. } => {
                return Err(Failure::new(
                    Exit::Configuration,
                    "A23.3",
                    format!("[egress] allow names *.{name}"),
                    "which addresses that is cannot be known beforehand",
                    "name the network instead, as in \"10.1.0.0/16\"",
                ));
            }
            EgressRule::Host { name, port, .. } => match (name.as_str(), 0_u16).to_socket_addrs() {
                // The addresses of now: one that a resolver returns later is not what the operator allowed.
                Ok(found) => allowed
                    .extend(found.map(|address| AllowedNetwork { network: IpNet::from(address.ip()), port: *port })),
                Err(error) => {
                    tracing::warn!(host = %name, reason = %error, "a host of [egress] allow has no address now; it cannot be called until the next start");
                }
            },
        }
    }
    Ok(EgressRules { allowed })
}

fn loopback(port: Option<u16>) -> [AllowedNetwork; 2] {
    let v4 = IpNet::new(IpAddr::from([127, 0, 0, 0]), 8).unwrap_or_default();
    let v6 = IpNet::from(IpAddr::from(Ipv6Addr::LOCALHOST));
    [v4, v6].map(|network| AllowedNetwork { network, port })
}

/// TLS of outgoing connections: the platform's authorities and those of `[truststore]`.
///
/// The platform's are read by a thread, while the caller opens the database; await the result before it is needed.
pub(crate) fn client_tls(
    home: &Home,
    config: &Config,
    secrets: &Secrets,
) -> Outcome<impl Future<Output = Outcome<Arc<rustls::ClientConfig>>> + use<>> {
    let private = private_roots(home, config, secrets)?;
    let reading = tokio::task::spawn_blocking(move || gateway::upstream_tls(private));
    Ok(async move {
        let read = reading.await.map_err(|e| Failure::internal(format!("the trust store was not read: {e}")))?;
        read.map_err(|e| {
            let what = "outgoing connections cannot be verified";
            Failure::new(Exit::Vault, "TLS003", what, e.to_string(), "apt install ca-certificates")
        })
    })
}

/// The client with which the Developer Portal calls APIs for consumers: as the control plane's, and beside it to the
/// listeners of the gateway of this server, which usually are at addresses that nothing else may call.
pub(super) fn calls(home: &Home, config: &Config, identity: &ServerIdentity, egress: Egress) -> Outcome<Egress> {
    let mut anchors = TrustAnchors::default();
    let authority = KeyDirectory::new(home.security()).ca_certificate_path();
    if config.tls_keystore.is_none()
        && let Ok(pem) = std::fs::read(&authority)
    {
        anchors.add_pem(&pem).map_err(|e| Failure::internal(format!("{}: {e}", authority.display())))?;
    }
    for certificate in identity.current().chain() {
        // What cannot be an authority is not one; the handshake then says whether the others suffice.
        let _ = anchors.add(certificate.clone());
    }
    let refused = |e: vault::tls::TlsError| Failure::internal(format!("the gateway's certificate: {e}"));
    let tls = client_config(anchors, None, Alpn::Http1).map_err(refused)?;
    let mut egress = egress;
    for address in [config.listeners.gateway_https, config.listeners.gateway_http].into_iter().flatten() {
        let port = address.port();
        let reached = match address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            IpAddr::V6(ip) if ip.is_unspecified() => SocketAddr::from((Ipv6Addr::LOCALHOST, port)),
            _ => address,
        };
        let host = config.server.hostname.as_str().to_owned();
        egress = egress.with_own(OwnListener { host, port, address: reached, tls: Arc::clone(&tls) });
    }
    Ok(egress)
}

/// The authorities of `[truststore]`.
pub(super) fn private_roots(home: &Home, config: &Config, secrets: &Secrets) -> Outcome<Vec<CertificateDer<'static>>> {
    let Some(truststore) = &config.truststore else { return Ok(Vec::new()) };
    let path = home.root().join(&truststore.path);
    let bytes = std::fs::read(&path).map_err(|e| Failure::io(&path, "read", &e))?;
    let password = match (&truststore.password, truststore.kind) {
        (Some(place), KeystoreType::Pkcs12 | KeystoreType::Jks) => secrets.resolve(place)?,
        _ => model::Secret::new(String::new()),
    };
    let store = read_keystore(&bytes, &KeystorePasswords::same(password)).map_err(|e| {
        Failure::from_text(Exit::Vault, "TLS004", format!("{} cannot be used", path.display()), &e.to_string())
    })?;
    let mut roots = Vec::new();
    for trusted in store.trusted {
        if let Some(product) = vault::public_default_product(&trusted.certificate) {
            return Err(Failure::new(
                Exit::Vault,
                "A02.10",
                format!("{} trusts the certificate published with {product}", path.display()),
                "everybody has its private key and could pose as any upstream",
                format!("remove the entry {:?} from the trust store", trusted.alias),
            ));
        }
        roots.push(trusted.certificate);
    }
    Ok(roots)
}
