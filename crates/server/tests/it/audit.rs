//! `portcullis audit` and `migrate` through the binary.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::installation::Installation;

fn initialised(further: &str) -> Installation {
    let there = Installation::new(further);
    there.run(&["init"]).succeeded();
    there
}

/// Every file below a directory with its bytes and mode, but the kept reports.
fn state(directory: &Path, found: &mut BTreeMap<String, (u32, Vec<u8>)>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let metadata = std::fs::symlink_metadata(&path).unwrap();
        if metadata.is_dir() && !path.ends_with("audit") {
            state(&path, found);
        } else if metadata.is_file() {
            found.insert(path.display().to_string(), (metadata.permissions().mode(), std::fs::read(&path).unwrap()));
        }
    }
}

#[test]
fn an_audit_changes_nothing_and_the_static_one_is_quick() {
    let there = initialised("");
    let seen = |directory: &Path| {
        let mut found = BTreeMap::new();
        state(directory, &mut found);
        found
    };
    let before = seen(&there.home);
    there.run(&["audit", "--static"]);
    let begun = Instant::now();
    let ended = there.run(&["audit", "--static", "--format", "json"]);
    let took = begun.elapsed();
    println!("audit --static took {} ms", took.as_millis());
    assert!(took < Duration::from_secs(1), "{took:?}");
    let report: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert!(report["guidelines"].as_array().unwrap().len() > 30);
    there.run(&["audit", "--only", "A21", "--only", "A18"]);
    assert_eq!(before.keys().collect::<Vec<_>>(), seen(&there.home).keys().collect::<Vec<_>>());
    assert!(before == seen(&there.home), "a file was changed");
    assert!(there.run(&["audit", "history"]).succeeded().out.contains("audit/"));
}

#[test]
fn an_unknown_check_is_no_empty_report() {
    let there = initialised("");
    there.run(&["audit", "--static", "--only", "A99"]).refused(2, &["A99", "--only A08"]);
}

#[test]
fn findings_end_with_a_refusal_and_name_the_fix() {
    let there = initialised("");
    let config = there.home.join("deployment.toml");
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o666)).unwrap();
    let ended = there.run(&["audit", "--static", "--only", "A03.3"]);
    assert_eq!(ended.code, Some(8));
    assert!(ended.out.contains("A03.3") && ended.out.contains("chmod go-w"), "{}", ended.out);
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o640)).unwrap();
    there.run(&["audit", "--static", "--only", "A03.3"]).succeeded();
}

#[test]
fn waivers_and_statements_have_owners_reasons_and_ends() {
    let there = initialised("[oauth]\ntoken_validation.refresh_token_validity = 31536000\n");
    let only = ["audit", "--static", "--strict", "--only", "X08.2"];
    assert_eq!(there.run(&only).code, Some(8));
    let waive = |id: &str, expires: &str| {
        there.run(&["audit", "waive", id, "--owner", "kim", "--reason", "ticket 4711", "--expires", expires])
    };
    waive("A03.1", "2099-01-31").refused(8, &["cannot be waived"]);
    waive("X08.2", "soon").refused(8, &["no day"]);
    waive("Z01.1", "2099-01-31").refused(8, &["no check or guideline"]);
    waive("X08.2", "2099-01-31").succeeded();
    let waived = there.run(&only).succeeded();
    assert!(waived.out.contains("X08.2 waived") || waived.out.contains("Waived"), "{}", waived.out);
    waive("X08.2", "2020-01-31").succeeded();
    let ended = there.run(&only);
    assert_eq!(ended.code, Some(8), "a waiver that has ended counts no more");
    assert!(ended.out.contains("ended on 2020-01-31"), "{}", ended.out);
    let attest = ["audit", "attest", "N04.1", "--owner", "kim", "--reason", "seen", "--expires", "2099-01-31"];
    there.run(&attest).succeeded();
    assert!(there.run(&["audit", "--static", "--only", "N04.1"]).succeeded().out.contains("Vouched for"));
    std::fs::write(there.home.join("audit.toml"), "[[audit.waiver]]\nid = \"A04.1\"\nonwer = \"x\"\n").unwrap();
    there.run(&["audit", "--static"]).refused(3, &["audit.toml", "onwer"]);
}

#[test]
fn a_report_that_was_changed_is_not_trusted() {
    let there = initialised("");
    let file = there.home.join("report.json");
    let name = file.display().to_string();
    there.run(&["audit", "--static", "--format", "json", "--out", &name]);
    there.run(&["audit", "verify", &name]).succeeded();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("holds", "fails", 1)).unwrap();
    there.run(&["audit", "verify", &name]).refused(8, &["changed after it was signed"]);
    std::fs::write(&file, &text).unwrap();
    let other = initialised("");
    other.run(&["audit", "verify", &name]).refused(8, &["not one of these keys"]);
    let signature = there.home.join("report.json.jws");
    let jws = std::fs::read_to_string(&signature).unwrap();
    let parts: Vec<&str> = jws.trim().split('.').collect();
    std::fs::write(&signature, format!("{}.{}.", parts[0], parts[1])).unwrap();
    there.run(&["audit", "verify", &name]).refused(8, &["not one of these keys"]);
}

#[test]
fn drift_is_told_between_two_reports() {
    let there = initialised("");
    there.run(&["audit", "diff"]).refused(9, &["no two reports"]);
    let file = |name: &str| there.home.join(name).display().to_string();
    let audit = |name: &str| {
        there.run(&["audit", "--static", "--only", "A20.2", "--only", "X08", "--format", "json", "--out", &file(name)])
    };
    audit("one.json");
    let config = std::fs::read_to_string(there.home.join("deployment.toml")).unwrap();
    let worse = format!("{config}[oauth]\ntoken_validation.refresh_token_validity = 31536000\n");
    std::fs::write(there.home.join("deployment.toml"), worse).unwrap();
    audit("two.json");
    let drift = there.run(&["audit", "diff", &file("one.json"), &file("two.json")]);
    assert_eq!(drift.code, Some(8));
    assert!(drift.out.contains("X08.2  holds -> fails"), "{}", drift.out);
    there.run(&["audit", "diff", &file("two.json"), &file("one.json")]).succeeded();
    there.run(&["audit", "diff", &file("one.json"), &file("deployment.toml")]).refused(3, &["not a report"]);
}

#[test]
fn an_exposed_start_is_refused_with_every_reason_at_once() {
    let exposed = "[transport.passthru_http.listener]\nenable = true\nbind_address = \"0.0.0.0\"\n\
                   [transport.https.properties]\nbind_address = \"0.0.0.0\"\n\
                   [oauth]\ngrant_type.password.enable = true\n";
    let there = initialised(exposed);
    let config = there.home.join("deployment.toml");
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o666)).unwrap();
    std::fs::write(there.home.join("heap-dump.hprof"), b"x").unwrap();
    there.run(&["serve"]).refused(
        8,
        &["A03.3", "A03.17", "A08.3", "A18.2", "X08.1", "chmod go-w", "grant_type.password.enable = false"],
    );
}

#[test]
fn a_wso2_home_is_audited_and_migrated() {
    let there = initialised("");
    let (old, new) = (there.home.join("old"), there.home.join("new"));
    std::fs::create_dir_all(old.join("repository/conf")).unwrap();
    let text = "[server]\nhostname = \"gw.example.com\"\noffset = 3\n[super_admin]\nusername = \"admin\"\npassword = \"admin\"\n\
                [database.apim_db]\ntype = \"h2\"\nurl = \"jdbc:h2:x\"\nusername = \"wso2carbon\"\npassword = \"wso2carbon\"\n\
                [oauth.token_validation]\napp_access_token_validity = 1800\n";
    std::fs::write(old.join("repository/conf/deployment.toml"), text).unwrap();
    let (old, new) = (old.display().to_string(), new.display().to_string());
    let audit = there.run(&["audit", "--wso2-home", &old]);
    assert_eq!(audit.code, Some(8));
    for said in ["A18.1", "A06.8", "A03.2", "deployment.toml:6", "[super_admin]"] {
        assert!(audit.out.contains(said), "{said}: {}", audit.out);
    }
    there.run(&["migrate", "--wso2-home", &old, "--out", &new]).succeeded();
    let made = std::fs::read_to_string(format!("{new}/deployment.toml")).unwrap();
    assert!(made.contains("gw.example.com") && made.contains("app_access_token_validity = 1800"), "{made}");
    assert!(!made.contains("wso2carbon") && !made.contains("\"admin\"\npassword"), "{made}");
    there.run(&["config", "check", "--file", &format!("{new}/deployment.toml")]).succeeded();
    assert!(std::fs::read_to_string(format!("{new}/MIGRATION.md")).unwrap().contains("## Left out"));
    there.run(&["migrate", "--wso2-home", &old, "--out", &new]).refused(8, &["not empty"]);
}
