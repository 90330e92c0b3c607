//! The main job over real sockets: from an empty directory to a secured call, on each database.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use testkit::postgres::Postgres;

use crate::portcullis::Home;
use crate::process;

use super::{Steps, listeners};

const OWNER: &str = "portcullis_owner";
const RUNTIME: &str = "portcullis";
const PASSWORD_VARIABLE: &str = "PORTCULLIS_DATABASE_PASSWORD";
/// Passwords of the two roles in the throw-away cluster.
const OWNER_PASSWORD: &str = "throw-away-owner";
const RUNTIME_PASSWORD: &str = "throw-away-runtime";

/// Runs the given program on each database.
pub(super) fn run(steps: &mut Steps, postgres: &Postgres, portcullis: &Path) {
    steps.run("end to end on SQLite", || {
        let home = Home::new(portcullis)?;
        home.configure("")?;
        journey(&home)
    });
    steps.run("end to end on PostgreSQL", || on_postgres(portcullis, postgres));
}

/// Quickstart, quickstart again, then a server whose listeners are looked at from outside.
fn journey(home: &Home) -> Result<()> {
    quickstart(home)?;
    quickstart(home).context("the second quickstart must resume")?;
    let server = home.serve(None)?;
    let checked = listeners::check(home).with_context(|| format!("the server printed:\n{}", home.log_end()));
    server.stop()?;
    checked
}

fn quickstart(home: &Home) -> Result<()> {
    let mut command = home.command(&["quickstart", "--exit"]);
    let transcript = home.path().join("quickstart.txt");
    let file = std::fs::File::create(&transcript)?;
    command.stdout(file.try_clone()?).stderr(file);
    let mut child = process::Running(command.spawn().context("cannot run portcullis quickstart")?);
    let mut ended = None;
    process::wait_until("portcullis quickstart --exit", Duration::from_secs(120), || {
        ended = child.0.try_wait()?;
        Ok(ended.is_some())
    })?;
    let text = std::fs::read_to_string(&transcript)?;
    println!("{text}");
    match ended {
        Some(status) if status.success() => Ok(()),
        Some(status) => bail!("portcullis quickstart --exit ended with {status}"),
        None => bail!("portcullis quickstart --exit did not end"),
    }
}

fn on_postgres(portcullis: &Path, postgres: &Postgres) -> Result<()> {
    journey(&home_on(portcullis, postgres)?)?;
    runtime_role_has_no_ddl(postgres)
}

/// A home whose database is PostgreSQL, migrated by an owner and used by a role without rights on the schema.
pub(super) fn home_on(portcullis: &Path, postgres: &Postgres) -> Result<Home> {
    postgres.sql("postgres", &format!("CREATE ROLE {OWNER} LOGIN PASSWORD '{OWNER_PASSWORD}'"))?;
    postgres.sql("postgres", &format!("CREATE ROLE {RUNTIME} LOGIN PASSWORD '{RUNTIME_PASSWORD}'"))?;
    postgres.sql("postgres", &format!("CREATE DATABASE portcullis OWNER {OWNER}"))?;
    postgres.sql(
        "portcullis",
        &format!(
            "ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA public
                 GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {RUNTIME};
             ALTER DEFAULT PRIVILEGES FOR ROLE {OWNER} IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {RUNTIME}"
        ),
    )?;
    let mut home = Home::new(portcullis)?;
    home.environment(PASSWORD_VARIABLE, RUNTIME_PASSWORD);
    home.configure(&database(postgres.port()))?;
    // The owner's password reaches the migration only.
    let mut migration = home.command(&["db", "migrate", "--username", OWNER]);
    println!("{}", process::capture(migration.env("PORTCULLIS_DB_OWNER_PASSWORD", OWNER_PASSWORD))?);
    Ok(home)
}

fn database(port: u16) -> String {
    format!(
        "[database.apim_db]\ntype = \"postgresql\"\nurl = \"postgresql://127.0.0.1:{port}/portcullis\"\n\
         username = \"{RUNTIME}\"\npassword = \"$env{{{PASSWORD_VARIABLE}}}\"\n"
    )
}

/// The journey was made by a role that cannot change the schema: tables exist, none of them the runtime role's own.
fn runtime_role_has_no_ddl(postgres: &Postgres) -> Result<()> {
    let tables = |owner: &str| {
        postgres.sql("portcullis", &format!("SELECT count(*) FROM pg_tables WHERE tableowner = '{owner}'"))
    };
    ensure!(tables(OWNER)? != "0", "the migration made no tables");
    ensure!(tables(RUNTIME)? == "0", "the runtime role owns tables");
    let may = format!("SELECT has_schema_privilege('{RUNTIME}', 'public', 'CREATE')");
    ensure!(postgres.sql("portcullis", &may)? == "f", "the runtime role may create tables");
    Ok(())
}
