//! `[database.apim_db]`: which database, and whether the way to it is safe (A06).

use std::path::PathBuf;
use std::time::Duration;

use super::context::Context;
use super::diagnostic::codes;
use super::nearest::nearest;
use super::secret::{SecretRef, TextSource, plain_secret};
use super::section::Section as _;
use super::sections::DatabaseSection;
use super::tree::{At, Node, Value};
use super::values::{HostName, split_port};

/// The database.
#[derive(Clone, Debug)]
pub enum Database {
    /// Embedded.
    Sqlite {
        /// The file; `None` = the one in the home directory.
        path: Option<PathBuf>,
    },
    /// PostgreSQL.
    Postgres(Postgres),
}

/// How to reach PostgreSQL.
#[derive(Clone, Debug)]
pub struct Postgres {
    /// Where it is.
    pub host: PostgresHost,
    /// Name of the database.
    pub database: String,
    /// Role of the server; `None` = the name of the operating system's user, over a UNIX socket only.
    pub username: Option<TextSource>,
    /// Its password.
    pub password: Option<SecretRef>,
    /// TLS of the connection.
    pub tls: PostgresTls,
    /// Most connections.
    pub max_connections: u32,
    /// How long a request waits for a connection.
    pub acquire_timeout: Duration,
}

/// Where PostgreSQL is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostgresHost {
    /// Over TCP.
    Tcp(HostName, u16),
    /// In a directory of UNIX sockets, with the port that is part of the socket's name.
    Socket(PathBuf, u16),
}

impl PostgresHost {
    /// Whether nobody else can be between: a UNIX socket or the loopback interface.
    fn is_local(&self) -> bool {
        match self {
            Self::Socket(..) => true,
            Self::Tcp(host, _) => {
                host.as_str() == "localhost"
                    || host.as_str().parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
            }
        }
    }
}

/// TLS of the connection to PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostgresTls {
    /// `sslmode=verify-full`: encrypted, certificate and name checked.
    VerifyFull {
        /// Certificate authority in PEM; `None` = the trust store of this installation.
        root: Option<PathBuf>,
    },
    /// Plain text, possible on this machine only.
    Local,
}

/// What a PostgreSQL URL says.
#[derive(Default)]
struct Url {
    host: Option<PostgresHost>,
    database: Option<String>,
    username: Option<String>,
    mode: Option<String>,
    root: Option<PathBuf>,
}

/// Makes the database of the section; faults go to the context.
pub(super) fn resolve(section: DatabaseSection, cx: &mut Context<'_>) -> Option<Database> {
    match kind(&section, cx).as_str() {
        "sqlite" => {
            let keys = ["hostname", "port", "name", "username", "password"];
            cx.unused(DatabaseSection::NAME, &keys, "the embedded database is a file, without a server or a user");
            let pool = ["pool_options.maxActive", "pool_options.maxWait"];
            cx.unused(
                DatabaseSection::NAME,
                &pool,
                "the embedded database has one writer and a few readers of its own",
            );
            let path = match &section.url {
                None => None,
                Some(url) => Some(sqlite_path(url, cx)?),
            };
            Some(Database::Sqlite { path })
        }
        "postgre" | "postgres" | "postgresql" => postgres(section, cx).map(Database::Postgres),
        other => {
            refuse_type(other, cx);
            None
        }
    }
}

/// The type as written, or else that of the URL.
fn kind(section: &DatabaseSection, cx: &Context<'_>) -> String {
    let written = cx.root().find("database.apim_db.type").is_some();
    let url = section.url.as_deref().unwrap_or_default();
    let url = url.strip_prefix("jdbc:").unwrap_or(url);
    let known = ["postgresql", "postgres", "h2", "mysql", "mariadb", "oracle", "sqlserver", "db2"];
    let of_url = url.split_once(':').map(|(scheme, _)| scheme).filter(|scheme| known.contains(scheme));
    of_url.filter(|_| !written).unwrap_or(&section.kind.0).to_owned()
}

fn refuse_type(kind: &str, cx: &mut Context<'_>) {
    let at = place(cx, "type");
    "database.apim_db.type".clone_into(&mut cx.path);
    let known = ["h2", "mysql", "mariadb", "oracle", "mssql", "sqlserver", "db2", "informix"];
    if known.contains(&kind) {
        let reason = if kind == "h2" {
            "H2 is a Java database; the embedded database of Portcullis is SQLite".to_owned()
        } else {
            format!("Portcullis runs on SQLite and PostgreSQL, there is no driver for {kind}")
        };
        let fix = "write type = \"sqlite\" (embedded) or type = \"postgresql\" with the url of a PostgreSQL server";
        cx.fault(at, codes::UNSUPPORTED, "database type not supported", &reason, fix);
        return;
    }
    let near = nearest(kind, ["sqlite", "postgre", "postgresql"]).unwrap_or_else(|| "sqlite".to_owned());
    cx.bad_value(at, &format!("\"{kind}\" is not one of sqlite, postgre, postgresql"), &format!("write \"{near}\""));
}

fn sqlite_path(url: &str, cx: &mut Context<'_>) -> Option<PathBuf> {
    let plain = url.strip_prefix("jdbc:").unwrap_or(url);
    let path = match plain.split_once(':') {
        None => plain,
        Some(("sqlite", path)) => path.strip_prefix("//").unwrap_or(path),
        Some(_) => {
            let at = place(cx, "url");
            "database.apim_db.url".clone_into(&mut cx.path);
            cx.bad_value(
                at,
                "the type is sqlite and the URL is of another database",
                "write url = \"sqlite:database/portcullis.db\", or set type to the database of the URL",
            );
            return None;
        }
    };
    Some(PathBuf::from(path))
}

fn postgres(section: DatabaseSection, cx: &mut Context<'_>) -> Option<Postgres> {
    let max_connections = u32::try_from(section.max_active.get()).unwrap_or(u32::MAX);
    let acquire_timeout = Duration::from_millis(section.max_wait.get());
    let url = match &section.url {
        Some(url) => read_url(url, cx)?,
        None => {
            let port = section.port.and_then(|port| u16::try_from(port.get()).ok()).unwrap_or(5432);
            let host = section.hostname.map(|host| PostgresHost::Tcp(host, port));
            Url { host, database: section.name, ..Url::default() }
        }
    };
    let at = place(cx, "url");
    "database.apim_db.url".clone_into(&mut cx.path);
    let (Some(host), Some(database)) = (url.host, url.database) else {
        cx.fault(
            at,
            codes::MISSING,
            "setting missing",
            "PostgreSQL needs a host and the name of a database",
            "add url = \"jdbc:postgresql://host:5432/name?sslmode=verify-full\"",
        );
        return None;
    };
    let username = section.username.or_else(|| url.username.map(TextSource::Plain));
    if username.is_none() && matches!(host, PostgresHost::Tcp(..)) {
        "database.apim_db.username".clone_into(&mut cx.path);
        cx.fault(
            at,
            codes::MISSING,
            "setting missing",
            "a connection over TCP needs a user",
            "add username and password = \"$secret{apim_db_password}\"",
        );
        return None;
    }
    let tls = tls(&host, url.mode.as_deref(), url.root, at, cx)?;
    Some(Postgres { host, database, username, password: section.password, tls, max_connections, acquire_timeout })
}

fn tls(
    host: &PostgresHost,
    mode: Option<&str>,
    root: Option<PathBuf>,
    at: At,
    cx: &mut Context<'_>,
) -> Option<PostgresTls> {
    const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];
    match mode {
        Some("verify-full") => Some(PostgresTls::VerifyFull { root }),
        Some(mode) if !MODES.contains(&mode) => {
            cx.bad_value(at, &format!("sslmode={mode} does not exist"), "write sslmode=verify-full");
            None
        }
        None if !host.is_local() => Some(PostgresTls::VerifyFull { root }),
        _ if host.is_local() => Some(PostgresTls::Local),
        mode => {
            cx.fault(
                at,
                codes::PLAIN_CONNECTION,
                "connection to another machine without verified TLS",
                &format!("with sslmode={} whoever is between can read and change the data", mode.unwrap_or_default()),
                "write sslmode=verify-full, and sslrootcert=PATH when the certificate is of a private authority",
            );
            None
        }
    }
}

/// Reads `[jdbc:]postgresql://[user@]host[:port]/name[?parameters]`.
fn read_url(text: &str, cx: &mut Context<'_>) -> Option<Url> {
    let at = place(cx, "url");
    "database.apim_db.url".clone_into(&mut cx.path);
    // WSO2's files escape the ampersand, because the URL ends in XML there.
    let text = text.replace("&amp;", "&");
    let plain = text.strip_prefix("jdbc:").unwrap_or(&text);
    let Some(rest) = plain.strip_prefix("postgresql://").or_else(|| plain.strip_prefix("postgres://")) else {
        cx.bad_value(
            at,
            "the type is postgresql and the URL is of another form",
            "write url = \"jdbc:postgresql://host:5432/name?sslmode=verify-full\"",
        );
        return None;
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (authority, name) = rest.split_once('/').unwrap_or((rest, ""));
    let (user, authority) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
    let mut url = Url {
        database: (!name.is_empty()).then(|| name.to_owned()),
        username: user.map(|user| user.split(':').next().unwrap_or_default().to_owned()),
        ..Url::default()
    };
    if user.is_some_and(|user| user.contains(':')) {
        secret_in_url(at, cx);
        return None;
    }
    let (host, port) = split_port(authority);
    let port = match port.map(str::parse::<u16>) {
        None => 5432,
        Some(Ok(port)) if port > 0 => port,
        Some(_) => {
            cx.bad_value(at, "the port is not a number from 1 to 65535", "write for example host:5432");
            return None;
        }
    };
    if !host.is_empty() {
        let Some(host) = HostName::read(host) else {
            cx.bad_value(at, "the host is no host name", "write one host; several are not supported");
            return None;
        };
        url.host = Some(PostgresHost::Tcp(host, port));
    }
    query.split('&').filter(|pair| !pair.is_empty()).try_for_each(|pair| parameter(pair, port, at, &mut url, cx))?;
    Some(url)
}

fn parameter(pair: &str, port: u16, at: At, url: &mut Url, cx: &mut Context<'_>) -> Option<()> {
    const KNOWN: [&str; 5] = ["sslmode", "sslrootcert", "ssl", "host", "user"];
    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
    match name {
        "sslmode" => url.mode = Some(value.to_ascii_lowercase()),
        "sslrootcert" => url.root = Some(PathBuf::from(value)),
        // The Java driver takes a bare `ssl` for verify-full.
        "ssl" if matches!(value, "" | "true") => {
            url.mode.get_or_insert_with(|| "verify-full".to_owned());
        }
        "ssl" => url.mode = Some("disable".to_owned()),
        "user" => url.username = Some(value.to_owned()),
        "host" if value.starts_with('/') => {
            url.host = Some(PostgresHost::Socket(PathBuf::from(value), port));
        }
        "password" => {
            secret_in_url(at, cx);
            return None;
        }
        _ => {
            let near = nearest(name, KNOWN).unwrap_or_else(|| KNOWN.join(", "));
            cx.bad_value(at, &format!("the URL parameter {name} is not known"), &format!("write {near}, or remove it"));
            return None;
        }
    }
    Some(())
}

fn secret_in_url(at: At, cx: &mut Context<'_>) {
    "database.apim_db.password".clone_into(&mut cx.path);
    plain_secret(cx, &Node { value: Value::Bool(true), at, loose: false }, None);
}

/// The place of a key of the section, or of the file.
fn place(cx: &Context<'_>, key: &str) -> At {
    let path = format!("database.apim_db.{key}");
    let root = cx.root();
    root.find(&path).or_else(|| root.find("database.apim_db")).map(|node| node.at).unwrap_or_default()
}
