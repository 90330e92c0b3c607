//! An installation on a PostgreSQL of its own, as guideline A07 has it: one role owns the tables, another uses them.

use std::path::Path;

use anyhow::{Context as _, Result};
use testkit::postgres::{self, Postgres};

use crate::portcullis::Home;
use crate::process;

/// The database's name.
pub(super) const DATABASE: &str = "portcullis";
const OWNER: &str = "portcullis_owner";
const RUNTIME: &str = "portcullis";
const PASSWORD_VARIABLE: &str = "PORTCULLIS_DATABASE_PASSWORD";
/// Passwords of the two roles in the throw-away cluster.
const OWNER_PASSWORD: &str = "throw-away-owner";
const RUNTIME_PASSWORD: &str = "throw-away-runtime";

/// A fresh server, and a home that was initialised on it with `configuration` in addition.
///
/// # Errors
/// PostgreSQL is not installed, or a command fails.
pub(super) fn installation(program: &Path, configuration: &str) -> Result<(Postgres, Home)> {
    let programs =
        postgres::programs().context("no PostgreSQL below /usr/lib/postgresql: apt-get install postgresql")?;
    let server = Postgres::start(&programs)?;
    server.sql("postgres", &format!("CREATE ROLE {OWNER} LOGIN PASSWORD '{OWNER_PASSWORD}'"))?;
    server.sql("postgres", &format!("CREATE ROLE {RUNTIME} LOGIN PASSWORD '{RUNTIME_PASSWORD}'"))?;
    server.sql("postgres", &format!("CREATE DATABASE {DATABASE} OWNER {OWNER}"))?;
    let mut home = Home::new(program)?;
    home.environment(PASSWORD_VARIABLE, RUNTIME_PASSWORD);
    home.configure_with_admin(&format!(
        "{configuration}[database.apim_db]\ntype = \"postgresql\"\nurl = \"postgresql://127.0.0.1:{}/{DATABASE}\"\n\
         username = \"{RUNTIME}\"\npassword = \"$env{{{PASSWORD_VARIABLE}}}\"\n",
        server.port()
    ))?;
    let mut migration = home.command(&["db", "migrate", "--username", OWNER]);
    process::capture(migration.env("PORTCULLIS_DB_OWNER_PASSWORD", OWNER_PASSWORD))?;
    process::capture(&mut home.command(&["init"]))?;
    Ok((server, home))
}
