//! What a start refuses, each with its own exit code and a way out.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use crate::installation::Installation;

fn initialised(further: &str) -> Installation {
    let there = Installation::new(further);
    there.run(&["init"]).succeeded();
    there
}

#[test]
fn the_command_line_and_an_absent_home() {
    let there = Installation::new("");
    let wrong = there.run(&["serv"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.err.contains("serve"), "{}", wrong.err);
    std::fs::remove_file(there.home.join("deployment.toml")).unwrap();
    there.run(&["config", "show"]).refused(9, &["no installation", "portcullis init --home"]);
}

#[test]
fn a_broken_configuration() {
    let there = Installation::new("[transport.passthru_https.listner]\nport = 1\n[nonsense]\nx = 1\n");
    there.run(&["serve"]).refused(3, &["listner", "nonsense", "deployment.toml:"]);
    assert!(!there.home.join("data/portcullis.db").exists(), "nothing was made");
    assert_eq!(there.run(&["config", "check"]).code, Some(3));
}

#[test]
fn ports_in_use_are_all_named() {
    let there = initialised("");
    let _console = TcpListener::bind(there.address(9443)).unwrap();
    let _gateway = TcpListener::bind(there.address(8243)).unwrap();
    let (console, gateway) = (there.address(9443).to_string(), there.address(8243).to_string());
    there.run(&["serve"]).refused(6, &[&console, &gateway, "offset"]);
    there.run(&["quickstart", "--exit"]).refused(6, &[&console]);
}

#[test]
fn a_second_start_is_told_who_serves() {
    let there = initialised("");
    let server = there.serve();
    there.run(&["serve"]).refused(6, &[&server.id().to_string(), "kill"]);
    assert!(there.get(9201, "/readyz").starts_with("HTTP/1.1 200"), "the first one is not disturbed");
}

#[test]
fn keys_that_others_can_read() {
    let there = initialised("");
    for name in ["signing-key.pem", "tls-key.pem", "master.key", "keyring.toml"] {
        let path = there.home.join("security").join(name);
        let set = |mode| std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        set(0o644);
        there.run(&["serve"]).refused(7, &[name, "chmod"]);
        set(0o600);
    }
}

#[test]
fn a_wrong_vault_key() {
    let there = initialised("");
    let other = initialised("");
    std::fs::copy(other.home.join("security/master.key"), there.home.join("security/master.key")).unwrap();
    there.run(&["serve"]).refused(7, &["keyring"]);
}

#[test]
fn a_lost_key_is_not_made_anew() {
    let there = initialised("");
    std::fs::remove_file(there.home.join("security/keyring.toml")).unwrap();
    there.run(&["init"]).refused(7, &["keyring.toml", "backup"]);
    assert!(!there.home.join("security/keyring.toml").exists());
}

#[test]
fn a_database_that_is_ahead() {
    let there = initialised("");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let database = store::Database::open_sqlite(&there.home.join("data/portcullis.db")).await.unwrap();
        let mut work = database.begin().await.unwrap();
        let sql = "INSERT INTO schema_migration (version, name, applied_at) VALUES (999, 'future', 0)";
        work.execute(sql, []).await.unwrap();
        work.save().await.unwrap();
        database.close().await;
    });
    there.run(&["serve"]).refused(5, &["999", "newer"]);
    there.run(&["user", "list"]).refused(5, &["999"]);
    assert!(there.run(&["db", "status"]).succeeded().out.contains("999"));
}

#[test]
fn a_database_that_is_damaged() {
    let there = initialised("");
    std::fs::write(there.home.join("data/portcullis.db"), vec![b'x'; 8192]).unwrap();
    there.run(&["serve"]).refused(5, &["not a database"]);
}

#[test]
fn a_database_that_is_down() {
    let there = Installation::new(
        "[database.apim_db]\ntype = \"postgresql\"\nurl = \"postgresql://127.0.0.1:1/x\"\nusername = \"u\"\n\
         password = \"$env{DB}\"\n",
    );
    let output = there.command(&["serve"]).env("DB", "secret-value").output().unwrap();
    let ended = crate::installation::Ended::of(output);
    ended.refused(5, &["database"]);
    assert!(!ended.err.contains("secret-value"));
}

#[test]
fn an_exposed_listener_before_the_set_up() {
    let there = initialised("[transport.https.properties]\nbind_address = \"0.0.0.0\"\n");
    there.run(&["serve"]).refused(8, &["A18.2", "portcullis user add"]);
}

#[test]
fn a_foreign_certificate_breaks_no_rule_or_is_refused() {
    let there = initialised("[keystore.tls]\nfile_name = \"own.pem\"\nkey_file = \"own-key.pem\"\ntype = \"PEM\"\n");
    there.run(&["serve"]).refused(7, &["own.pem"]);
    // The certificate of one key with the key of another.
    let copy =
        |from: &str, to: &str| std::fs::copy(there.home.join("security").join(from), there.home.join(to)).unwrap();
    copy("tls.pem", "own.pem");
    copy("ca-key.pem", "own-key.pem");
    there.run(&["serve"]).refused(7, &["A02.7"]);
    copy("tls-key.pem", "own-key.pem");
    let _server = there.serve();
}

#[test]
fn secrets_are_sealed_in_place() {
    let there = Installation::new("# keep me\n[secrets]\ndb = \"[hunter2hunter2]\"\n");
    there.run(&["serve"]).refused(3, &["A03.2", "vault encrypt"]);
    there.run(&["vault", "encrypt"]).succeeded();
    let text = std::fs::read_to_string(there.home.join("deployment.toml")).unwrap();
    assert!(text.contains("# keep me") && !text.contains("hunter2"), "{text}");
    assert!(there.run(&["vault", "list"]).succeeded().out.contains("sealed"));
    there.run(&["vault", "rotate"]).succeeded();
    let rotated = std::fs::read_to_string(there.home.join("deployment.toml")).unwrap();
    assert_ne!(text, rotated);
    let _server = there.serve();
}
