//! The first administrator.

use crate::installation::Installation;

/// The path of the link in what a command printed.
fn link_path(printed: &str) -> String {
    let (_, rest) = printed.split_once("/setup/").unwrap_or_else(|| panic!("no link in {printed}"));
    format!("/setup/{}", rest.split_whitespace().next().unwrap())
}

#[test]
fn the_link_makes_one_administrator_and_then_dies() {
    let there = Installation::new("");
    let path = link_path(&there.run(&["init"]).succeeded().out);
    let again = there.run(&["init"]).succeeded();
    assert!(!again.out.contains("/setup/"), "the link is printed once: {}", again.out);
    let server = there.serve();
    assert!(!there.said().contains("/setup/"));
    let pending = there.get(9443, "/publisher/apis");
    assert!(pending.starts_with("HTTP/1.1 303") && pending.contains("location: /signin?next="), "{pending}");
    let pending = there.get(9443, "/signin");
    assert!(pending.starts_with("HTTP/1.1 303") && pending.contains("location: /setup\r\n"), "{pending}");
    let form = there.get(9443, &path);
    assert!(form.starts_with("HTTP/1.1 200"), "{form}");
    let cookie =
        form.lines().find_map(|l| l.strip_prefix("set-cookie: ")).unwrap().split(';').next().unwrap().to_owned();
    let csrf = form.split("name=\"csrf\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let send = |password: &str| {
        let body = format!("csrf={csrf}&name=alice&password={password}&repeat={password}");
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost:{}\r\nCookie: {cookie}\r\nContent-Length: {}\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n\r\n{body}",
            9443 + there.offset,
            body.len()
        );
        there.connect(9443).exchange(&request)
    };
    let weak = send("short");
    assert!(weak.starts_with("HTTP/1.1 422") && weak.contains("at least 12 characters"), "{weak}");
    let done = send("four+plain+english+words");
    assert!(done.starts_with("HTTP/1.1 200") && done.contains("alice"), "{done}");
    assert!(send("four+plain+english+words").starts_with("HTTP/1.1 404"));
    assert!(there.get(9443, &path).starts_with("HTTP/1.1 404"));
    assert!(there.get(9443, "/signin").starts_with("HTTP/1.1 200"));
    there.run(&["setup-link"]).refused(8, &["administrator already"]);
    assert!(there.run(&["user", "list"]).succeeded().out.contains("alice"));
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn a_new_link_replaces_the_old_one() {
    let there = Installation::new("");
    let old = link_path(&there.run(&["init"]).succeeded().out);
    let new = link_path(&there.run(&["setup-link"]).succeeded().out);
    let _server = there.serve();
    assert!(there.get(9443, &old).starts_with("HTTP/1.1 404"));
    assert!(there.get(9443, &new).starts_with("HTTP/1.1 200"));
}

#[test]
fn a_headless_set_up_needs_no_link() {
    let there = Installation::new("");
    there.run(&["init"]).succeeded();
    let password = there.home.join("password");
    std::fs::write(&password, "four plain english words\n").unwrap();
    let file = password.to_str().unwrap();
    there.run(&["user", "add", "bob", "--role", "admin", "--password-file", file]).refused(7, &["chmod"]);
    std::process::Command::new("chmod").args(["600", file]).status().unwrap();
    there.run(&["user", "add", "bob", "--role", "nonsense", "--password-file", file]).refused(8, &["nonsense"]);
    there.run(&["user", "add", "bob", "--role", "admin", "--password-file", file]).succeeded();
    there.run(&["user", "lock", "bob"]).refused(8, &["last administrator"]);
    there.run(&["user", "lock", "nobody"]).refused(9, &["no user nobody"]);
    let _server = there.serve();
    assert!(there.get(9443, "/signin").starts_with("HTTP/1.1 200"));
}

#[test]
fn a_configured_administrator_must_not_have_a_known_password() {
    let there = Installation::new(
        "[super_admin]\nusername = \"admin\"\npassword = \"$env{ADMIN}\"\ncreate_admin_account = true\n",
    );
    let start = |password: &str| {
        let output = there.command(&["init"]).env("ADMIN", password).output().unwrap();
        crate::installation::Ended::of(output)
    };
    start("admin").refused(8, &["A18.1", "publicly known"]);
    start("short").refused(8, &["too short"]);
    start("four plain english words").succeeded();
}
