//! A directory as a user store, through the configuration and the real program.

use std::os::unix::fs::PermissionsExt as _;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use testkit::slapd::{PERSON_PASSWORD, SERVICE_DN, SERVICE_PASSWORD, SUFFIX, Slapd, Tls, group, people};

use crate::installation::{Installation, pause};
use crate::matrix::base64;

const AUTHORITY: &str = "directory-ca.pem";
const SECRET: &str = "directory-password";

fn start() -> Option<(Slapd, String)> {
    let Some(program) = testkit::slapd::program() else {
        println!("skipped: slapd and ldap-utils are not installed");
        return None;
    };
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let (ca, certificate, key) = (authority.pem(), certificate.pem(), key.serialize_pem());
    let entries = people(3) + &group("apim-admins", &["uid=user00001"]);
    let slapd =
        Slapd::start(&program, &Tls { ca_pem: &ca, certificate_pem: &certificate, key_pem: &key }, &entries).unwrap();
    Some((slapd, ca))
}

fn installation(section: &str, url: &str, truststore: &str, authority: &str) -> Installation {
    let there = Installation::new(&format!(
        "{truststore}\n{section}\nconnection_url = \"{url}\"\nconnection_name = \"{SERVICE_DN}\"\nconnection_password = \
         \"$file{{{SECRET}}}\"\nuser_search_base = \"ou=Users,{SUFFIX}\"\ngroup_search_base = \
         \"ou=Groups,{SUFFIX}\"\ngroup_roles = [\"apim-admins = admin\"]\n"
    ));
    std::fs::write(there.home.join(AUTHORITY), authority).unwrap();
    let secret = there.home.join(SECRET);
    std::fs::write(&secret, SERVICE_PASSWORD).unwrap();
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    there.run(&["init"]).succeeded();
    there
}

fn status(there: &Installation, user: &str, password: &str) -> String {
    let pair = base64(format!("{user}:{password}").as_bytes());
    let request = format!(
        "GET /scim2/Users HTTP/1.1\r\nHost: localhost:{}\r\nAuthorization: Basic {pair}\r\n\r\n",
        9443 + there.offset
    );
    there.connect(9443).exchange(&request)[9..12].to_owned()
}

#[test]
fn people_of_a_configured_directory_sign_in_and_are_listed() {
    let Some((mut slapd, authority)) = start() else { return };
    let trusted = format!("[truststore]\nfile_name = \"{AUTHORITY}\"\ntype = \"PEM\"\n");
    let section = "[[secondary_user_store]]\ndomain_name = \"second\"";
    let there = installation(section, &slapd.ldaps_url(), &trusted, &authority);
    let listed = there.run(&["user", "list", "--store", "SECOND"]).succeeded().out;
    assert!(listed.contains("SECOND/user00000") && listed.contains("SECOND/user00002"), "{listed}");
    there.run(&["user", "list", "--store", "THIRD"]).refused(9, &["THIRD"]);
    let server = there.serve();
    assert_eq!(status(&there, "second/user00001", PERSON_PASSWORD), "200", "an administrator by the group");
    assert_eq!(status(&there, "second/user00002", PERSON_PASSWORD), "401", "nobody by the groups");
    assert_eq!(status(&there, "second/user00001", "a wrong password"), "401");
    slapd.stop();
    assert_eq!(status(&there, "second/user00001", PERSON_PASSWORD), "503", "let in without the directory");
    assert_eq!(server.stop(), Some(0));
    there.run(&["user", "list", "--store", "SECOND"]).refused(10, &["directory"]);
}

#[test]
fn a_directory_of_an_unknown_authority_keeps_nobody_from_starting_and_lets_nobody_in() {
    let Some((slapd, authority)) = start() else { return };
    // StartTLS, and an authority that nobody trusts.
    let section = "[user_store]\ntype = \"read_only_ldap\"\nproperties.StartTLSEnabled = true";
    let there = installation(section, &slapd.ldap_url(), "", &authority);
    let server = there.serve();
    assert_eq!(status(&there, "user00001", PERSON_PASSWORD), "503");
    // The log is written beside the answers.
    while !there.said().contains("the directory cannot be used") {
        pause();
    }
    assert!(there.said().contains("certificate"), "the log does not say why: {}", there.said());
    assert!(
        !there.said().contains(PERSON_PASSWORD) && !there.said().contains(SERVICE_PASSWORD),
        "a password in the log"
    );
    assert_eq!(server.stop(), Some(0));
}
