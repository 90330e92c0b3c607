//! Addresses of databases: JDBC's and ours.

use super::SqlError;

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A file in the integrator's folder of databases.
    Sqlite(String),
    /// A server.
    Postgres(Postgres),
}

/// A PostgreSQL server's database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Postgres {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) database: String,
}

impl Place {
    /// Reads an address.
    pub(crate) fn parse(url: &str) -> Result<Self, SqlError> {
        let url = url.trim();
        let plain = url.strip_prefix("jdbc:").unwrap_or(url);
        let Some((scheme, rest)) = plain.split_once(':') else {
            return Err(SqlError::Source(format!(
                "there is no data source {url}; add it to data_sources of the configuration"
            )));
        };
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" => sqlite(rest),
            "postgresql" | "postgres" => postgres(rest),
            other => Err(SqlError::Source(format!(
                "{other} is not available: PostgreSQL and SQLite are; add a data source whose name is this address to the configuration"
            ))),
        }
    }
}

/// One file name: artifacts cannot reach other files.
fn sqlite(rest: &str) -> Result<Place, SqlError> {
    let path = rest.trim_start_matches("//").split('?').next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let valid = !name.is_empty()
        && !name.starts_with('.')
        && name.len() <= 100
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    if !valid || path != name {
        return Err(SqlError::Source(format!(
            "{path:?} is not the name of a database; SQLite databases are files of the folder databases, as in jdbc:sqlite:orders.db"
        )));
    }
    Ok(Place::Sqlite(name.to_owned()))
}

fn postgres(rest: &str) -> Result<Place, SqlError> {
    let wrong = || SqlError::Source("a PostgreSQL address is jdbc:postgresql://host:port/database".to_owned());
    let rest = rest.trim_start_matches("//").split('?').next().unwrap_or_default();
    let (authority, database) = rest.split_once('/').ok_or_else(wrong)?;
    // Credentials in an address end up in logs: they are given beside it.
    if authority.contains('@') || database.is_empty() || database.contains('/') {
        return Err(wrong());
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(inner) => {
            let (host, port) = inner.split_once(']').ok_or_else(wrong)?;
            (host, port.trim_start_matches(':'))
        }
        None => authority.split_once(':').unwrap_or((authority, "")),
    };
    let port = if port.is_empty() { 5432 } else { port.parse().map_err(|_| wrong())? };
    let host = if host.is_empty() { "localhost" } else { host };
    Ok(Place::Postgres(Postgres { host: host.to_owned(), port, database: database.to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::{Place, Postgres};

    #[test]
    fn addresses() {
        let at = |host: &str, port, database: &str| {
            Place::Postgres(Postgres { host: host.to_owned(), port, database: database.to_owned() })
        };
        for (text, expected) in [
            ("jdbc:postgresql://db.example.com:5433/orders?ssl=true", at("db.example.com", 5433, "orders")),
            ("postgresql://127.0.0.1/a", at("127.0.0.1", 5432, "a")),
            ("jdbc:postgresql://[::1]:5/a", at("::1", 5, "a")),
            ("jdbc:sqlite:orders.db", Place::Sqlite("orders.db".to_owned())),
        ] {
            assert_eq!(Place::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn files_elsewhere_and_other_databases_are_refused() {
        for text in [
            "jdbc:sqlite:/etc/passwd",
            "jdbc:sqlite:../../portcullis.db",
            "jdbc:sqlite:.hidden",
            "sqlite:",
            "jdbc:h2:file:./x",
            "jdbc:mysql://h/d",
            "jdbc:postgresql://u:p@h/d",
            "orders",
        ] {
            assert!(Place::parse(text).is_err(), "{text}");
        }
    }
}
