//! Connections of a WSO2 product to databases, directories, mail servers, brokers and other nodes.

use guidelines::{Connection, ConnectionPurpose, Protection, Wso2Product};

use super::Settings;
use crate::config::is_known_password;

pub(super) fn read(settings: &Settings) -> Vec<Connection> {
    let mut all = databases(settings);
    all.extend(directory(settings));
    all.extend(mail(settings));
    all.extend(peers(settings));
    all
}

/// Sections that are databases: `database.<name>` and `datasource.<index>`.
fn databases(settings: &Settings) -> Vec<Connection> {
    let mut sections: Vec<String> = Vec::new();
    for key in settings.entries.keys() {
        let mut parts = key.split('.');
        let section = match (parts.next(), parts.next(), parts.next()) {
            (Some(first @ ("database" | "datasource")), Some(name), Some(_)) => format!("{first}.{name}"),
            _ => continue,
        };
        if !sections.contains(&section) {
            sections.push(section);
        }
    }
    let mut all: Vec<Connection> = sections.iter().map(|section| database(settings, section)).collect();
    let shipped = settings.product == Wso2Product::ApiManager;
    for name in ["apim_db", "shared_db"].into_iter().filter(|_| shipped) {
        if !sections.iter().any(|section| section.strip_prefix("database.") == Some(name)) {
            all.push(Connection {
                place: settings.place.clone(),
                target: format!("jdbc:h2 ({name} is left out)"),
                local: true,
                embedded_example: true,
                default_credentials: true,
                ..blank(ConnectionPurpose::Database, format!("database.{name}.url"))
            });
        }
    }
    all
}

fn blank(purpose: ConnectionPurpose, key: String) -> Connection {
    Connection {
        purpose,
        key,
        place: String::new(),
        target: String::new(),
        local: false,
        protection: Protection::Plain,
        remedy: String::new(),
        user: String::new(),
        default_credentials: false,
        embedded_example: false,
    }
}

fn database(settings: &Settings, section: &str) -> Connection {
    let key = format!("{section}.url");
    let kind = settings.text_or(&format!("{section}.type"), "").to_ascii_lowercase();
    let host = settings.text_or(&format!("{section}.hostname"), "localhost");
    let url = settings.text_or(&key, &format!("jdbc:{kind}://{host}/"));
    let lower = url.to_ascii_lowercase();
    let user = settings.text_or(&format!("{section}.username"), "");
    let password = settings.text_or(&format!("{section}.password"), "");
    let place = if settings.entries.contains_key(&key) {
        settings.place_of(&key)
    } else {
        settings.place_of(&format!("{section}.type"))
    };
    Connection {
        place,
        target: without_secrets(&url),
        local: is_local(&lower),
        protection: jdbc_protection(&lower),
        remedy: remedy(&lower).to_owned(),
        user: if Settings::is_reference(&user) { String::new() } else { user },
        default_credentials: !Settings::is_reference(&password) && is_known_password(password.trim()),
        embedded_example: lower.starts_with("jdbc:h2") || lower.starts_with("jdbc:derby"),
        ..blank(ConnectionPurpose::Database, key)
    }
}

/// How a JDBC URL protects its connection, by the words of each driver.
fn jdbc_protection(url: &str) -> Protection {
    let has = |word: &str| url.contains(&word.to_ascii_lowercase());
    let verified = has("sslmode=verify-full")
        || has("sslmode=verify_identity")
        || url.starts_with("jdbc:oracle:thin:@tcps:")
        || has("(protocol=tcps)") && has("ssl_server_dn_match=true")
        || has("encrypt=true") && !has("trustservercertificate=true")
        || has("encrypt=strict");
    let any = has("ssl=true")
        || has("usessl=true")
        || has("requiressl=true")
        || has("sslmode=")
        || has("encrypt=true")
        || has("tcps")
        || has("sslconnection=true");
    let off = has("sslmode=disable") || has("sslmode=disabled") || has("usessl=false") || has("encrypt=false");
    match (verified, any && !off) {
        (true, _) => Protection::Verified,
        (false, true) => Protection::Unverified,
        (false, false) => Protection::Plain,
    }
}

/// What to add to the URL for a verified connection.
fn remedy(url: &str) -> &'static str {
    if url.contains("postgresql") {
        "?sslmode=verify-full&sslrootcert=<file>"
    } else if url.contains("sqlserver") {
        ";encrypt=true;trustServerCertificate=false"
    } else if url.contains("oracle") {
        "jdbc:oracle:thin:@tcps://host:2484/service?ssl_server_dn_match=true"
    } else {
        "?sslMode=VERIFY_IDENTITY"
    }
}

/// Whether a URL stays on this machine: a file, or a loopback host.
fn is_local(url: &str) -> bool {
    if url.starts_with("jdbc:h2:") || url.starts_with("jdbc:derby:") {
        return !url.contains(":tcp://") && !url.contains(":ssl://");
    }
    let rest = url.split_once("//").or_else(|| url.split_once('@')).map_or(url, |(_, rest)| rest);
    let host = rest.trim_start_matches('[').split(['/', ':', ';', '?', ']', ',']).next().unwrap_or_default();
    let host =
        if rest.starts_with('[') { rest.trim_start_matches('[').split(']').next().unwrap_or_default() } else { host };
    matches!(host, "localhost" | "")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        || host.contains("${carbon")
}

/// A URL without what stands before an `@` or behind the word password.
fn without_secrets(url: &str) -> String {
    let url = url.split(['?', ';']).next().unwrap_or_default();
    match (url.split_once("//"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, host))) if !url.starts_with("jdbc:oracle") => format!("{scheme}//{host}"),
        _ => url.to_owned(),
    }
}

fn directory(settings: &Settings) -> Option<Connection> {
    let integrator = settings.product == Wso2Product::MicroIntegrator;
    let kind = settings.text_or("user_store.type", "");
    let key = "user_store.connection_url";
    let used = kind.contains("ldap") || kind.contains("active_directory") || settings.entries.contains_key(key);
    if !used {
        return None;
    }
    let url = settings.text_or(key, "ldap://localhost:10389").to_ascii_lowercase();
    let start_tls = settings.text_or("user_store.properties.StartTLSEnabled", "false") == "true";
    let user = settings.text_or("user_store.connection_name", "uid=admin,ou=system");
    let password = settings.text_or("user_store.connection_password", "admin");
    Some(Connection {
        place: if settings.entries.contains_key(key) {
            settings.place_of(key)
        } else {
            settings.place_of("user_store.type")
        },
        target: without_secrets(&url),
        local: is_local(&url),
        protection: if url.starts_with("ldaps://") || start_tls { Protection::Verified } else { Protection::Plain },
        remedy: "ldaps://host:636".to_owned(),
        user: if Settings::is_reference(&user) { String::new() } else { user },
        default_credentials: !Settings::is_reference(&password) && is_known_password(password.trim()),
        embedded_example: integrator && url.contains("localhost:10389"),
        ..blank(ConnectionPurpose::UserStore, key.to_owned())
    })
}

fn mail(settings: &Settings) -> Option<Connection> {
    let key = "output_adapter.email.hostname";
    let host = settings.entries.get(key)?;
    let protected = settings.text_or("output_adapter.email.enable_start_tls", "false") == "true";
    let password = settings.text_or("output_adapter.email.password", "");
    Some(Connection {
        place: host.place.clone(),
        target: host.value.text(),
        local: is_local(&host.value.text()),
        protection: if protected { Protection::Verified } else { Protection::Plain },
        remedy: "enable_start_tls = true".to_owned(),
        default_credentials: !Settings::is_reference(&password) && is_known_password(password.trim()),
        ..blank(ConnectionPurpose::Mail, key.to_owned())
    })
}

/// URLs of other nodes and brokers: whatever in `[apim]` and in message transports is a URL with a host.
fn peers(settings: &Settings) -> Vec<Connection> {
    let mut all = Vec::new();
    for (key, setting) in &settings.entries {
        let broker_key = key.starts_with("transport.") && key.ends_with("provider_url");
        let peer_key = key.starts_with("apim.") && !key.contains("devportal") && !key.contains("publisher.");
        let named = [
            "service_url",
            "listening_endpoints",
            "receiver_url",
            "auth_url",
            "traffic_manager_urls",
            "traffic_manager_auth_urls",
            "_url",
        ]
        .iter()
        .any(|end| key.ends_with(end));
        if !(broker_key || peer_key && named) {
            continue;
        }
        for url in setting.value.text().split([',', ' ']).map(str::trim) {
            let lower = url.to_ascii_lowercase();
            let protection = match lower.split_once("://").map(|(scheme, _)| scheme) {
                Some("http" | "tcp" | "amqp" | "ws" | "thrift") => Protection::Plain,
                Some("https" | "ssl" | "amqps" | "wss") => Protection::Verified,
                _ => continue,
            };
            let broker =
                broker_key || lower.starts_with("tcp://") && lower.contains(":5672") || lower.starts_with("amqp");
            all.push(Connection {
                place: setting.place.clone(),
                target: without_secrets(url),
                local: is_local(&lower),
                protection,
                remedy: if broker { "ssl://host:8672" } else { "https://host (or ssl://)" }.to_owned(),
                ..blank(if broker { ConnectionPurpose::Broker } else { ConnectionPurpose::Peer }, key.clone())
            });
        }
    }
    all
}
