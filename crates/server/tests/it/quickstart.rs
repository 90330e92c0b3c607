//! The main job, twice.

use crate::installation::Installation;

#[test]
fn quickstart_walks_to_a_call_and_resumes() {
    let there = Installation::new("");
    let first = there.run(&["quickstart", "--exit"]).succeeded();
    for part in ["PizzaMenu 1.0.0 with 3 operations", "200 in ", "Margherita", "/setup/", "--cacert"] {
        assert!(first.out.contains(part), "{part}: {}", first.out);
    }
    let second = there.run(&["quickstart", "--exit", "--output", "json"]).succeeded();
    let transcript: serde_json::Value = serde_json::from_str(&second.out).unwrap();
    let outcomes: Vec<&str> =
        transcript["steps"].as_array().unwrap().iter().map(|s| s["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes.iter().filter(|o| o.contains("already")).count(), 4, "{outcomes:?}");
    assert!(transcript["set_up_link"].is_null(), "the link is printed once");
    assert!(transcript["latency"]["warm_median_us"].as_u64().unwrap() > 0);
    // What it made is there for the command line, and the socket is gone with the server.
    there.run(&["api", "list"]).refused(10, &["no server is running"]);
    let server = there.serve();
    let listed = there.run(&["api", "list", "-o", "json"]).succeeded();
    assert!(listed.out.contains("\"PizzaMenu\"") && listed.out.contains("\"PUBLISHED\""), "{}", listed.out);
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn an_api_travels_as_a_project() {
    let there = Installation::new("");
    let _server = there.serve();
    let definition = there.home.join("petstore.yaml");
    let text = "openapi: 3.0.1\ninfo: {title: Pet Store, version: 2.0.0}\nservers: [{url: 'http://127.0.0.1:9/v1'}]\n\
                paths:\n  /pets:\n    get:\n      responses:\n        '200': {description: all}\n";
    std::fs::write(&definition, text).unwrap();
    let file = definition.to_str().unwrap();
    let imported = there.run(&["api", "import", "--file", file, "--publish"]).succeeded();
    assert!(imported.out.contains("PetStore 2.0.0 was imported and published"), "{}", imported.out);
    let again = there.run(&["api", "import", "--file", file]);
    again.refused(8, &["the server refused to import the definition (409"]);
    let archive = there.home.join("pets.zip");
    let archive = archive.to_str().unwrap();
    there.run(&["api", "export", "--name", "PetStore", "--version", "2.0.0", "--file", archive]).succeeded();
    there.run(&["api", "delete", "--name", "PetStore", "--version", "2.0.0"]).succeeded();
    there.run(&["api", "delete", "--name", "PetStore", "--version", "2.0.0"]).refused(9, &["no API PetStore 2.0.0"]);
    let back = there.run(&["api", "import", "--file", archive]).succeeded();
    assert!(back.out.contains("PetStore 2.0.0 was imported"), "{}", back.out);
}

#[test]
fn signing_in_from_elsewhere() {
    let there = Installation::new("");
    there.run(&["init"]).succeeded();
    let secret = |name: &str, text: &str| {
        let path = there.home.join(name);
        vault::write_private(&path, text.as_bytes()).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (right, wrong) = (secret("right", "four plain english words"), secret("wrong", "another four english words"));
    there.run(&["user", "add", "carol", "--role", "admin", "--password-file", &right]).succeeded();
    let _server = there.serve();
    let elsewhere = Installation::new("");
    elsewhere.run(&["api", "list"]).refused(10, &["portcullis login URL"]);
    let url = format!("https://localhost:{}", 9443 + there.offset);
    let ca = there.home.join("security/ca.pem");
    let ca = ca.to_str().unwrap();
    let login = |password: &str, further: &[&str]| {
        let mut arguments = vec!["login", &url, "--username", "carol", "--password-file", password];
        arguments.extend(further);
        elsewhere.run(&arguments)
    };
    login(&right, &[]).refused(10, &["cannot be reached", "login --ca"]);
    login(&wrong, &["--ca", ca]).refused(8, &["401"]);
    login(&right, &["--ca", ca]).succeeded();
    use std::os::unix::fs::PermissionsExt as _;
    let session = elsewhere.home.join(".config/portcullis/session.json");
    assert_eq!(std::fs::metadata(&session).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(elsewhere.run(&["api", "list"]).succeeded().out.contains("no API yet"));
    std::fs::set_permissions(&session, std::fs::Permissions::from_mode(0o644)).unwrap();
    elsewhere.run(&["api", "list"]).refused(7, &["chmod"]);
}

#[test]
fn an_overlay_wins_over_the_configuration() {
    let there = Installation::new("[logging]\nlevel = \"info\"\n");
    there.run(&["init"]).succeeded();
    let overlay = there.home.join("overlay.toml");
    std::fs::write(&overlay, "[logging]\nlevel = \"warn\"\n").unwrap();
    let shown = there.run(&["config", "show", "--overlay", overlay.to_str().unwrap()]).succeeded();
    let line = shown.out.lines().find(|l| l.starts_with("logging.level")).unwrap();
    assert!(line.contains("\"warn\"") && line.contains("overlay.toml:2"), "{line}");
    std::fs::write(&overlay, "[logging]\nlevel = 3\n").unwrap();
    there.run(&["serve", "--overlay", overlay.to_str().unwrap()]).refused(3, &["overlay.toml:2"]);
}
