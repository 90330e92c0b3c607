//! The same flow on PostgreSQL: migrated by its owner, served under a role without further rights.

use std::process::Command;

use crate::installation::{Ended, Installation};

const RUNTIME: &str = "runtime-password-of-the-test";
const OWNER: &str = "owner-password-of-the-test";

fn run(there: &Installation, arguments: &[&str]) -> Ended {
    let mut command: Command = there.command(arguments);
    command.env("DB_PASSWORD", RUNTIME).env("PORTCULLIS_DB_OWNER_PASSWORD", OWNER);
    let ended = Ended::of(command.output().unwrap());
    assert!(!ended.err.contains(RUNTIME) && !ended.err.contains(OWNER), "{}", ended.err);
    ended
}

#[test]
fn the_flow_on_postgresql_with_separate_roles() {
    let Some(postgres) = testkit::postgres::from_environment().unwrap() else {
        println!("skipped: neither PORTCULLIS_TEST_POSTGRES_URL nor PORTCULLIS_TEST_POSTGRES is set");
        return;
    };
    let id = std::process::id();
    let (database, owner, role) = (format!("pc_{id}"), format!("pc_owner_{id}"), format!("pc_run_{id}"));
    let sql = |database: &str, text: &str| postgres.sql(database, text).unwrap();
    sql("postgres", &format!("CREATE ROLE {owner} LOGIN PASSWORD '{OWNER}'"));
    sql("postgres", &format!("CREATE ROLE {role} LOGIN PASSWORD '{RUNTIME}'"));
    sql("postgres", &format!("CREATE DATABASE {database} OWNER {owner}"));
    let there = Installation::new(&format!(
        "[database.apim_db]\ntype = \"postgresql\"\nurl = \"postgresql://127.0.0.1:{}/{database}\"\n\
         username = \"{role}\"\npassword = \"$env{{DB_PASSWORD}}\"\n",
        postgres.port()
    ));
    run(&there, &["quickstart", "--exit"]).refused(5, &["portcullis db migrate"]);
    let migrated = run(&there, &["db", "migrate", "--username", &owner]).succeeded();
    assert!(migrated.out.contains("identity"), "{}", migrated.out);
    assert!(run(&there, &["db", "migrate", "--username", &owner]).succeeded().out.contains("nothing was pending"));
    run(&there, &["quickstart", "--exit"]).succeeded();
    let again = run(&there, &["quickstart", "--exit"]).succeeded();
    assert!(again.out.contains("is there already") && again.out.contains("200 in "), "{}", again.out);

    // A role with more rights than it needs is a reason not to start, whichever right it is.
    for (give, take, check, said) in [
        (format!("ALTER ROLE {role} CREATEDB"), format!("ALTER ROLE {role} NOCREATEDB"), "A07.2", "create databases"),
        (format!("ALTER ROLE {role} CREATEROLE"), format!("ALTER ROLE {role} NOCREATEROLE"), "A07.3", "create roles"),
        (format!("ALTER ROLE {role} SUPERUSER"), format!("ALTER ROLE {role} NOSUPERUSER"), "A07.1", "superuser"),
        (
            format!("GRANT CREATE ON SCHEMA public TO {role}"),
            format!("REVOKE CREATE ON SCHEMA public FROM {role}"),
            "A07.4",
            "objects in the schema",
        ),
    ] {
        sql(&database, &give);
        run(&there, &["serve"]).refused(8, &[check, said]);
        sql(&database, &take);
    }
    sql(&database, "INSERT INTO schema_migration (version, name, applied_at) VALUES (999, 'future', 0)");
    run(&there, &["serve"]).refused(5, &["999", "newer"]);
    sql("postgres", &format!("DROP DATABASE {database} WITH (FORCE)"));
    sql("postgres", &format!("DROP ROLE {owner}; DROP ROLE {role}"));
}
