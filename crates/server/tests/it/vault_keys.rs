//! Changing the key that locks the vault.

use std::process::Stdio;

use store::repository::sealed::{SealedPlace, holding};

use crate::installation::{Ended, Installation};

fn read(there: &Installation, name: &str) -> String {
    std::fs::read_to_string(there.home.join(name)).unwrap()
}

fn sealed() -> Installation {
    let there = Installation::new("[secrets]\ndb = \"[hunter2hunter2]\"\n");
    there.run(&["vault", "encrypt"]).succeeded();
    there
}

#[test]
fn the_master_key_is_changed_and_the_secrets_stay() {
    let there = sealed();
    let (config, key, ring) =
        (read(&there, "deployment.toml"), read(&there, "security/master.key"), read(&there, "security/keyring.toml"));
    let told = there.run(&["vault", "rotate", "--master"]).succeeded();
    assert!(told.out.contains("Back up"), "{}", told.out);
    assert_eq!(read(&there, "deployment.toml"), config);
    assert_ne!(read(&there, "security/master.key"), key);
    assert_ne!(read(&there, "security/keyring.toml"), ring);
    assert!(!there.home.join("security/master.key.next").exists());
    let new = read(&there, "security/master.key");
    // The former key is worth nothing any more.
    vault::write_private(&there.home.join("security/master.key"), key.as_bytes()).unwrap();
    there.run(&["vault", "rotate"]).refused(7, &["keyring"]);
    vault::write_private(&there.home.join("security/master.key"), new.as_bytes()).unwrap();
    let _server = there.serve();
}

/// Power is lost after the keyring was locked with the new key, before that key took its place.
#[test]
fn an_interrupted_change_is_finished() {
    let there = sealed();
    let key = read(&there, "security/master.key");
    there.run(&["vault", "rotate", "--master"]).succeeded();
    let security = there.home.join("security");
    std::fs::rename(security.join("master.key"), security.join("master.key.next")).unwrap();
    vault::write_private(&security.join("master.key"), key.as_bytes()).unwrap();
    there.run(&["vault", "rotate"]).succeeded();
    assert!(!security.join("master.key.next").exists());
    // One that the keyring does not need is not touched: it may be another process's.
    let unused = vault::generate_key_text(&vault::SystemRng);
    vault::write_private(&security.join("master.key.next"), unused.expose().as_bytes()).unwrap();
    there.run(&["vault", "rotate"]).succeeded();
    there.run(&["vault", "rotate", "--master"]).refused(7, &["master.key.next", "delete that file"]);
    assert_eq!(read(&there, "security/master.key.next"), *unused.expose());
}

#[test]
fn a_passphrase_is_changed() {
    let there = Installation::new("[vault]\nkey_source = \"passphrase\"\npassphrase = \"$env{PASS}\"\n");
    let run = |pass: &str, arguments: &[&str]| Ended::of(there.command(arguments).env("PASS", pass).output().unwrap());
    run("the first passphrase", &["init"]).succeeded();
    let new = there.home.join("new");
    vault::write_private(&new, b"short").unwrap();
    let change = ["vault", "rotate", "--master", "--value-file", new.to_str().unwrap()];
    run("the first passphrase", &change).refused(7, &["characters"]);
    vault::write_private(&new, b"another passphrase").unwrap();
    let told = run("the first passphrase", &change).succeeded();
    assert!(told.out.contains("before the next start") && !told.out.contains("another passphrase"), "{}", told.out);
    run("the first passphrase", &["vault", "rotate"]).refused(7, &["keyring"]);
    run("another passphrase", &["vault", "rotate"]).succeeded();
}

/// An API whose backend wants a password.
fn protected_api(there: &Installation, name: &str) -> String {
    let api = format!(
        r#"{{"name":"{name}","context":"/{name}","version":"1","policies":["Unlimited"],"endpointConfig":{{
            "endpoint_type":"http","production_endpoints":{{"url":"https://backend.example/"}},"endpoint_security":{{
            "production":{{"enabled":true,"type":"BASIC","username":"u","password":"backend-password"}}}}}}}}"#
    );
    let made = there.local("POST", "/api/am/publisher/v4/apis", &api);
    assert!(made.starts_with("HTTP/1.1 201"), "{made}");
    id_of(&made)
}

fn id_of(answer: &str) -> String {
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    body["id"].as_str().unwrap().to_owned()
}

/// A new revision on the gateway: its secrets are opened for that.
fn deploy(there: &Installation, api: &str) {
    let path = format!("/api/am/publisher/v4/apis/{api}");
    let revision = id_of(&there.local("POST", &format!("{path}/revisions"), "{}"));
    let deploy = format!("{path}/deploy-revision?revisionId={revision}");
    let deployed = there.local("POST", &deploy, r#"[{"name":"Default","vhost":"localhost"}]"#);
    assert!(deployed.starts_with("HTTP/1.1 201"), "{deployed}");
}

/// How many APIs and revisions hold a text that was sealed under a version of the key.
fn under(there: &Installation, version: u32) -> usize {
    let path = there.home.join("data/portcullis.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let database = store::Database::open_sqlite_read_only(&path, false).await.unwrap();
        let mut work = database.read().await.unwrap();
        let mut count = 0;
        for place in [SealedPlace::Api, SealedPlace::Revision] {
            count += holding(&mut work, place, &format!("{{v1:{version}-"), "").await.unwrap().len();
        }
        work.cancel().await.unwrap();
        database.close().await;
        count
    })
}

#[test]
fn a_rotation_while_serving_seals_the_database_again() {
    let there = Installation::new("[secrets]\ndb = \"[hunter2hunter2]\"\n");
    there.run(&["vault", "encrypt"]).succeeded();
    let server = there.serve();
    let first = protected_api(&there, "one");
    deploy(&there, &first);
    assert_eq!((under(&there, 1), under(&there, 2)), (2, 0), "the API and its revision");
    let told = there.run(&["vault", "rotate"]).succeeded();
    assert!(told.out.contains("version 2") && told.out.contains("2 rows"), "{}", told.out);
    assert_eq!((under(&there, 1), under(&there, 2)), (0, 2));
    // The server was not told: what it opens and seals from here on is under the new key all the same.
    deploy(&there, &first);
    let second = protected_api(&there, "two");
    deploy(&there, &second);
    assert_eq!((under(&there, 1), under(&there, 2)), (0, 5));
    assert!(there.run(&["vault", "reseal"]).succeeded().out.contains("0 rows"));
    assert_eq!(server.stop(), Some(0));
    let _server = there.serve();
    deploy(&there, &second);
}

/// However far it came, everything can be read, and the next run finishes.
#[test]
fn a_rotation_that_is_killed_leaves_everything_readable() {
    let there = Installation::new("");
    let server = there.serve();
    let apis: Vec<String> = (0..12).map(|number| protected_api(&there, &format!("api{number}"))).collect();
    for round in 0..6_u64 {
        let mut rotation = there.command(&["vault", "rotate"]);
        let mut rotation = rotation.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        for _ in 0..round * 4 {
            crate::installation::pause();
        }
        rotation.kill().unwrap();
        rotation.wait().unwrap();
        deploy(&there, &apis[usize::try_from(round).unwrap()]);
    }
    assert_eq!(server.stop(), Some(0));
    let server = there.serve();
    there.run(&["vault", "rotate"]).succeeded();
    let ring = read(&there, "security/keyring.toml");
    let newest = u32::try_from(ring.matches("[[key]]").count()).unwrap();
    assert_eq!(under(&there, newest), 12 + 6, "{ring}");
    apis.iter().for_each(|api| deploy(&there, api));
    drop(server);
}
