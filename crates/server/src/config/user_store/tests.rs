use identity::Nesting;

use super::Directory;
use crate::config::{Diagnostic, codes, load_texts};

const GOOD: &str = "connection_url = \"ldaps://a.example ldaps://b.example:1636\"\nconnection_name = \"cn=reader\"\n\
                    connection_password = \"$env{PASSWORD}\"\nuser_search_base = \"ou=Users,dc=example\"\n";

fn load(text: &str) -> Result<Vec<Directory>, Vec<Diagnostic>> {
    let environment = |name: &str| (name == "PASSWORD").then(|| "secret".to_owned());
    load_texts(&[("d.toml".to_owned(), text.to_owned())], &environment).map(|loaded| loaded.config.directories)
}

fn codes_of(text: &str) -> Vec<&'static str> {
    load(text).err().unwrap_or_default().iter().map(|finding| finding.code).collect()
}

#[test]
fn a_directory_needs_little() {
    let directories = load(&format!("[user_store]\ntype = \"read_only_ldap\"\n{GOOD}")).unwrap();
    let [directory] = directories.as_slice() else { panic!("{directories:?}") };
    assert_eq!(directory.domain, None);
    let servers: Vec<String> = directory.servers.iter().map(ToString::to_string).collect();
    assert_eq!(servers, ["ldaps://a.example:636", "ldaps://b.example:1636"]);
    let groups = directory.groups.as_ref().unwrap();
    assert_eq!((groups.base.as_str(), groups.nesting), ("ou=Users,dc=example", Nesting::Followed));
}

#[test]
fn several_directories_have_domains() {
    let text = format!(
        "[user_store]\ntype = \"active_directory\"\n{GOOD}group_roles = [\"cn=a = admin\"]\ngroup_nesting = \
         \"in_chain\"\n[[secondary_user_store]]\ndomain_name = \"second\"\n{GOOD}read_groups = \
         false\n[[secondary_user_store]]\ndomain_name = \"THIRD\"\ntype = \"active_directory\"\n{GOOD}"
    );
    let directories = load(&text).unwrap();
    let domains: Vec<Option<&str>> = directories.iter().map(|d| d.domain.as_deref()).collect();
    assert_eq!(domains, [None, Some("SECOND"), Some("THIRD")]);
    assert_eq!(directories[0].groups.as_ref().unwrap().roles, [("cn=a".to_owned(), "admin".to_owned())]);
    assert!(directories[1].groups.is_none());
    assert_eq!(directories[2].user_id_attribute.to_string(), "objectGUID");
}

#[test]
fn what_is_missing_is_told_at_once() {
    let found = codes_of("[user_store]\ntype = \"read_only_ldap\"\n");
    assert_eq!(found, [codes::MISSING; 4]);
}

#[test]
fn unsafe_and_wrong_directories_are_refused() {
    let plain = GOOD.replace("ldaps://a.example ldaps://b.example:1636", "ldap://127.0.0.1:389");
    let store = |lines: &str| format!("[user_store]\ntype = \"read_only_ldap\"\n{lines}");
    // Plain text even on this machine: whoever binds the port first would get passwords.
    assert_eq!(codes_of(&store(&plain)), [codes::PLAIN_CONNECTION]);
    assert!(load(&store(&format!("{plain}properties.StartTLSEnabled = true\n"))).is_ok());
    assert_eq!(codes_of(&store(&GOOD.replace("$env{PASSWORD}", "admin"))), [codes::PLAIN_SECRET]);
    assert_eq!(codes_of("[user_store]\ntype = \"read_write_ldap\"\n"), [codes::UNSUPPORTED]);
    for bad in [
        "user_name_search_filter = \"(uid=alice)\"",
        "user_name_search_filter = \"(&(uid=?)\"",
        "user_name_list_filter = \"everybody\"",
        "user_name_attribute = \"uid)(a\"",
        "membership_attribute = \"member=\"",
        "group_roles = [\"admin\"]",
        "group_nesting = \"all\"",
        "connection_retry_delay = 0",
    ] {
        assert_eq!(codes_of(&store(&format!("{GOOD}{bad}\n"))), [codes::BAD_VALUE], "{bad}");
    }
    for domain in ["", "PRIMARY", "internal", "a/b", "a b"] {
        let text = format!("[[secondary_user_store]]\ndomain_name = \"{domain}\"\n{GOOD}");
        assert!(!codes_of(&text).is_empty(), "{domain}");
    }
    let twice = format!("[[secondary_user_store]]\ndomain_name = \"A\"\n{GOOD}").repeat(2);
    assert_eq!(codes_of(&twice), [codes::BAD_VALUE]);
}
