//! Temporary measurement.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "measurement"
)]
#[path = "../tests/it/platform.rs"]
#[expect(dead_code, reason = "shared with tests")]
mod platform;
use std::sync::Arc;
fn main() {
    let upstream: std::net::SocketAddr = std::env::args().nth(1).unwrap().parse().unwrap();
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["localhost".into()]).unwrap().self_signed(&key).unwrap();
    let der = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    std::fs::write("/tmp/gwbench/cert.pem", certificate.pem()).unwrap();
    std::fs::write("/tmp/gwbench/key.pem", key.serialize_pem()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], der)
        .unwrap();
    let server = Arc::new(server);
    let stack = platform::Stack::with(
        upstream,
        |s| {
            s.workers = 1;
            s.listeners = vec![
                gateway::Listener { address: "127.0.0.1:18243".parse().unwrap(), tls: Some(server) },
                gateway::Listener { address: "127.0.0.1:18280".parse().unwrap(), tls: None },
            ];
        },
        |s| {
            s.limits.push(platform::limit(model::snapshot::LimitLevel::Subscription, "big", 1_000_000_000));
            s.subscriptions[0].plan = "big".into();
            platform::edit(s, |api| {
                api.production.as_mut().unwrap().targets = vec![format!("http://{upstream}")];
                api.resources[0].scopes = vec!["read".into()];
            });
        },
    );
    println!("{}", platform::token(serde_json::json!({})));
    std::thread::park();
    drop(stack);
}
