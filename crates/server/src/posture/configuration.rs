//! Facts that the configuration says.

use std::net::SocketAddr;

use guidelines::{
    Cleanup, Connection, ConnectionPurpose, Egress, EgressRule, EgressRuleKind, Limits, ListenerFacts, LogSink,
    Observed, Program, Protection, TlsEndpoint, TlsRole, Tokens,
};
use ipnet::IpNet;
use model::Timestamp;

use crate::config::{self, Config, Effective, LogFormat, TextSource};
use crate::home::Home;

/// An installation with its configuration.
pub(super) struct Settings<'a> {
    /// The home directory.
    pub(super) home: &'a Home,
    /// The configuration.
    pub(super) config: &'a Config,
    /// Where each setting comes from; may be empty.
    pub(super) effective: &'a [Effective],
}

impl Settings<'_> {
    /// `file:line` of the first of these settings that is written, or the file.
    pub(super) fn place(&self, paths: &[&str]) -> String {
        let written =
            self.effective.iter().find(|setting| paths.contains(&setting.path.as_str()) && setting.origin != "default");
        written.map_or_else(|| "deployment.toml".to_owned(), |setting| setting.origin.clone())
    }
}

pub(super) fn listeners(config: &Config) -> Observed<Vec<ListenerFacts>> {
    let all = &config.listeners;
    let listener = |name: &str, section: &str, address: Option<SocketAddr>, tls: bool, optional: bool| {
        address.map(|address| ListenerFacts {
            name: name.to_owned(),
            port_key: format!("{section}.port"),
            address_key: format!("{section}.bind_address"),
            off: if optional { format!("{section}.enable = false") } else { String::new() },
            address,
            tls,
            administrative: name == "management",
        })
    };
    let found = [
        listener("management", "transport.https.properties", Some(all.console), true, false),
        listener("gateway", "transport.passthru_https.listener", all.gateway_https, true, true),
        listener("plain gateway", "transport.passthru_http.listener", all.gateway_http, false, true),
        listener("status", "status", all.status, true, true),
    ];
    Observed::Known(found.into_iter().flatten().collect())
}

/// What the TLS library was given: the same objects that every listener and sender uses.
pub(super) fn tls(config: &Config) -> Observed<Vec<TlsEndpoint>> {
    let provider = vault::tls::provider();
    let ciphers: Vec<String> = provider.cipher_suites.iter().map(|suite| format!("{:?}", suite.suite())).collect();
    let groups: Vec<String> = provider.kx_groups.iter().map(|group| format!("{:?}", group.name())).collect();
    let mut versions: Vec<String> = Vec::new();
    for suite in &provider.cipher_suites {
        let version = match suite.version().version {
            rustls::ProtocolVersion::TLSv1_2 => "TLSv1.2".to_owned(),
            rustls::ProtocolVersion::TLSv1_3 => "TLSv1.3".to_owned(),
            other => format!("{other:?}"),
        };
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    let endpoint = |name: &str, role, gateway| TlsEndpoint {
        name: name.to_owned(),
        role,
        gateway,
        protocol_key: "(built in)".to_owned(),
        protocol_place: name.to_owned(),
        protocols: versions.clone(),
        cipher_key: "(built in)".to_owned(),
        cipher_place: name.to_owned(),
        ciphers: Some(ciphers.clone()),
        groups: Some(groups.clone()),
    };
    let mut endpoints = vec![endpoint("management", TlsRole::Listener, false)];
    if config.listeners.gateway_https.is_some() {
        endpoints.push(endpoint("gateway", TlsRole::Listener, true));
    }
    if config.listeners.status.is_some() {
        endpoints.push(endpoint("status", TlsRole::Listener, false));
    }
    endpoints.push(endpoint("connections to backends", TlsRole::Sender, true));
    Observed::Known(endpoints)
}

pub(super) fn connections(settings: &Settings<'_>) -> Observed<Vec<Connection>> {
    let user = |source: Option<&TextSource>| match source {
        Some(TextSource::Plain(text)) => text.clone(),
        Some(TextSource::Secret(_)) | None => String::new(),
    };
    let connection = |purpose, key: &str, target: String, local, protection, user| Connection {
        purpose,
        key: key.to_owned(),
        place: settings.place(&[key]),
        target,
        local,
        protection,
        remedy: "?sslmode=verify-full&sslrootcert=<file>".to_owned(),
        user,
        default_credentials: false,
        embedded_example: false,
    };
    let mut all = Vec::new();
    match &settings.config.database {
        config::Database::Sqlite { path } => {
            let path = path.clone().unwrap_or_else(|| settings.home.database_file());
            let target = path.display().to_string();
            let key = "database.apim_db.url";
            all.push(connection(ConnectionPurpose::Database, key, target, true, Protection::Plain, String::new()));
        }
        config::Database::Postgres(postgres) => {
            let (target, socket) = match &postgres.host {
                config::PostgresHost::Socket(directory, _) => (directory.display().to_string(), true),
                config::PostgresHost::Tcp(host, port) => (format!("{host}:{port}"), false),
            };
            let (local, protection) = match &postgres.tls {
                config::PostgresTls::VerifyFull { .. } => (socket, Protection::Verified),
                config::PostgresTls::Local => (true, Protection::Plain),
            };
            let name = user(postgres.username.as_ref());
            all.push(connection(ConnectionPurpose::Database, "database.apim_db.url", target, local, protection, name));
        }
    }
    for directory in &settings.config.directories {
        for server in &directory.servers {
            let target = format!("{server}");
            // The client speaks TLS with verification, or plain text to this machine; it has no third way.
            let name = user(Some(&directory.bind_dn));
            let key = "user_store.connection_url";
            all.push(connection(ConnectionPurpose::UserStore, key, target, false, Protection::Verified, name));
        }
    }
    Observed::Known(all)
}

pub(super) fn cleanup(settings: &Settings<'_>) -> Observed<Cleanup> {
    let cleanup = settings.config.cleanup;
    Observed::Known(Cleanup {
        enabled: cleanup.enabled,
        every_seconds: cleanup.every.as_secs(),
        chunk: u64::from(cleanup.chunk),
        place: settings.place(&[
            "session_data.cleanup.enable_expired_data_cleanup",
            "session_data.cleanup.clean_expired_session_data_every",
            "session_data.cleanup.clean_expired_session_data_in_chunks_of",
        ]),
        overdue_rows: None,
    })
}

pub(super) fn logs(settings: &Settings<'_>) -> Observed<Vec<LogSink>> {
    let logging = &settings.config.logging;
    let Some(file) = &logging.file else { return Observed::Known(Vec::new()) };
    Observed::Known(vec![LogSink {
        name: file.display().to_string(),
        place: settings.place(&["logging.file"]),
        prefix: "logging".to_owned(),
        audit: false,
        by_size: logging.rotate_size.bytes() > 0,
        by_time: !logging.rotate_interval.get().is_zero(),
        keep: Some(logging.keep.get()),
        distinct_names: true,
        // Both styles escape control characters; only JSON has a field for the id.
        record_id: logging.format != LogFormat::Human,
        tenant: true,
        escapes: true,
        attached: settings.home.root().join(file).parent().is_some_and(std::path::Path::is_dir),
    }])
}

pub(super) fn egress(config: &Config) -> Observed<Egress> {
    let rules = config.egress_rules().iter().map(rule).collect();
    Observed::Known(Egress { rules })
}

fn rule(rule: &config::EgressRule) -> EgressRule {
    match rule {
        config::EgressRule::Network(network) => EgressRule { text: network.to_string(), kind: kind(network) },
        config::EgressRule::Host { name, subdomains, port } => {
            let star = if *subdomains { "*." } else { "" };
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            EgressRule { text: format!("{star}{name}{port}"), kind: EgressRuleKind::Host { wildcard: *subdomains } }
        }
    }
}

/// Addresses at which clouds answer with credentials.
const METADATA: [&str; 3] = ["169.254.0.0/16", "fe80::/10", "fd00:ec2::/32"];

fn kind(network: &IpNet) -> EgressRuleKind {
    let overlaps =
        |other: &str| other.parse::<IpNet>().is_ok_and(|other| network.contains(&other) || other.contains(network));
    EgressRuleKind::Network {
        prefix: network.prefix_len(),
        v6: matches!(network, IpNet::V6(_)),
        link_local: METADATA.into_iter().any(overlaps),
        loopback: ["127.0.0.0/8", "::1/128"].into_iter().any(overlaps),
    }
}

pub(super) fn tokens(settings: &Settings<'_>) -> Observed<Tokens> {
    let Config { oauth, cors, gateway_token, devportal, .. } = settings.config;
    Observed::Known(Tokens {
        place: settings.place(&["oauth.grant_type.password.enable", "apim.cors.allow_origins"]),
        password_grant: oauth.password_grant,
        application_seconds: oauth.app_access_token_validity.get(),
        user_seconds: oauth.user_access_token_validity.get(),
        refresh_seconds: oauth.refresh_token_validity.get(),
        forwarded: gateway_token.enable_outbound_auth_header,
        cors_origins: cors.allow_origins.as_slice().iter().map(origin).collect(),
        cors_credentials: cors.allow_credentials,
        anonymous_portal: devportal.enable_anonymous_mode,
    })
}

fn origin(origin: &config::Origin) -> String {
    match origin {
        config::Origin::Any => "*".to_owned(),
        config::Origin::Exact(text) => text.clone(),
    }
}

pub(super) fn limits(settings: &Settings<'_>) -> Observed<Limits> {
    let gateway = &settings.config.gateway;
    Observed::Known(Limits {
        place: settings.place(&["gateway.max_header_size", "gateway.max_body_size", "gateway.header_timeout"]),
        head_bytes: Some(gateway.max_header_size.bytes()),
        body_bytes: Some(gateway.max_body_size.bytes()),
        head_seconds: Some(gateway.header_timeout.get().as_secs()),
        connections: Some(gateway.max_connections.get()),
    })
}

pub(super) fn program(settings: &Settings<'_>, now: Timestamp) -> Observed<Program> {
    let embedded = matches!(settings.config.database, config::Database::Sqlite { .. });
    Observed::Known(Program {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        age_days: crate::sbom::built_at().map(|at| now.seconds().saturating_sub(at.seconds()).div_euclid(86_400)),
        advisories: None,
        advisories_age_days: None,
        server_header: settings.config.listeners.server_header.as_ref().map(|header| header.as_str().to_owned()),
        server_header_place: settings.place(&["transport.https.properties.server"]),
        // The embedded database belongs to one process.
        nodes: embedded.then_some(1),
    })
}
