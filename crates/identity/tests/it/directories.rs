//! Directories as user stores, against a real OpenLDAP server with TLS.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use identity::{
    AttributeName, DirectoryError, DirectoryStore, FilterTemplate, GroupSearch, IdentityError, LdapDirectory,
    LdapServer, LdapSettings, Nesting, ServerFault, SignInStep, UserDirectory, UserSearch,
};
use model::{Secret, TenantId};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::CertificateDer;
use testkit::slapd::{PERSON_PASSWORD, SERVICE_DN, SERVICE_PASSWORD, SUFFIX, Slapd, Tls, group, people, person};

use crate::server::{PASSWORD, Server, basic, bearer};

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    /// Certificate and key for a name.
    fn issue(&self, name: &str, change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    fn trusted(&self) -> Arc<rustls::ClientConfig> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from(self.issuer.der().to_vec())).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config =
            rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        Arc::new(config.with_root_certificates(roots).with_no_client_auth())
    }
}

fn authority() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(Authority::new)
}

fn start_with(ldif: &str, authority: &Authority, certificate: &(String, String)) -> Option<Slapd> {
    let Some(program) = testkit::slapd::program() else {
        println!("skipped: slapd and ldap-utils are not installed");
        return None;
    };
    let ca = authority.issuer.pem();
    let tls = Tls { ca_pem: &ca, certificate_pem: &certificate.0, key_pem: &certificate.1 };
    Some(Slapd::start(&program, &tls, ldif).unwrap())
}

fn start(ldif: &str) -> Option<Slapd> {
    start_with(ldif, authority(), &authority().issue("127.0.0.1", |_| {}))
}

fn settings(url: &str, start_tls: bool, tls: Arc<rustls::ClientConfig>) -> LdapSettings {
    let attribute = |name: &str| AttributeName::parse(name).unwrap();
    LdapSettings {
        servers: vec![LdapServer::parse(url, start_tls).unwrap()],
        tls,
        bind_dn: SERVICE_DN.into(),
        bind_password: Secret::new(SERVICE_PASSWORD.into()),
        users: UserSearch {
            base: format!("ou=Users,{SUFFIX}"),
            filter: FilterTemplate::for_value("(&(objectClass=person)(uid=?))").unwrap(),
            list_filter: FilterTemplate::any("(objectClass=person)").unwrap(),
            name_attribute: attribute("uid"),
            id_attribute: attribute("entryUUID"),
        },
        groups: Some(GroupSearch {
            base: format!("ou=Groups,{SUFFIX}"),
            list_filter: FilterTemplate::any("(objectClass=groupOfNames)").unwrap(),
            name_attribute: attribute("cn"),
            membership_attribute: attribute("member"),
            nesting: Nesting::Followed,
        }),
        connect_timeout: Duration::from_secs(2),
        read_timeout: Duration::from_secs(5),
        retry_delay: Duration::from_millis(100),
        connections: 4,
    }
}

fn directory(slapd: &Slapd) -> LdapDirectory {
    LdapDirectory::new(settings(&slapd.ldaps_url(), false, authority().trusted()))
}

fn store(domain: Option<&str>, directory: LdapDirectory) -> DirectoryStore {
    let roles = [("apim-publishers", "Internal/publisher"), ("apim-admins", "admin"), ("outer", "Internal/creator")];
    DirectoryStore {
        domain: domain.map(str::to_owned),
        place: "ldaps://127.0.0.1".into(),
        directory: Arc::new(directory),
        roles: roles.map(|(group, role)| (group.to_owned(), vec![role.to_owned()])).into(),
        check_every: Duration::from_mins(5),
        offline_grace: Duration::from_mins(10),
    }
}

async fn server(slapd: &Slapd, domain: Option<&str>) -> Server {
    Server::with_directories(vec![store(domain, directory(slapd))]).await
}

async fn knock(server: &Server, name: &str, password: &str) -> u16 {
    server.call("GET", "/scim2/Users", &basic(name, password), None).await.status.as_u16()
}

async fn list(server: &Server, token: &str) -> u16 {
    server.call("GET", "/scim2/Users", &bearer(token), None).await.status.as_u16()
}

fn entries() -> String {
    people(3)
        + &person("alice", PASSWORD)
        + &person("bob", PASSWORD)
        + &group("apim-publishers", &["uid=bob"])
        + &group("apim-admins", &["uid=alice"])
}

#[tokio::test]
async fn a_person_of_a_directory_signs_in_everywhere_and_gets_the_mapped_roles() {
    let Some(slapd) = start(&entries()) else { return };
    let server = server(&slapd, Some("SECONDARY")).await;
    // Basic authentication; administrators may list users.
    assert_eq!(knock(&server, "SECONDARY/alice", PASSWORD).await, 200);
    assert_eq!(knock(&server, "secondary/ALICE", PASSWORD).await, 200, "case of names");
    assert_eq!(knock(&server, "SECONDARY/alice@carbon.super", PASSWORD).await, 200);
    assert_eq!(knock(&server, "SECONDARY/bob", PASSWORD).await, 401, "a publisher lists no users");
    for (name, password) in [
        ("SECONDARY/alice", "a wrong password"),
        ("SECONDARY/alice", ""),
        ("SECONDARY/nobody", PASSWORD),
        ("alice", PASSWORD),
        ("OTHER/alice", PASSWORD),
        ("SECONDARY/", PASSWORD),
        ("SECONDARY/alice@tenant1.com", PASSWORD),
    ] {
        assert_eq!(knock(&server, name, password).await, 401, "{name} {password:?}");
    }
    let user = server.identity.find_user(TenantId::SUPER, "SECONDARY/alice").await.unwrap().unwrap();
    assert_eq!(user.name, "SECONDARY/alice");
    assert!(user.role_names().contains("admin") && user.role_names().contains("Internal/everyone"));
    // Password grant, refresh, and the same subject each time.
    let client = server.client("SECONDARY/alice").await;
    let reply = server.password_grant(&client, "SECONDARY/bob", "apim:api_publish apim:admin").await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.field("scope"), "apim:api_publish");
    let form = format!("grant_type=refresh_token&refresh_token={}", reply.field("refresh_token"));
    assert_eq!(server.form("/oauth2/token", &client, &form).await.status, 200);
    let again = server.identity.find_user(TenantId::SUPER, "SECONDARY/alice").await.unwrap().unwrap();
    assert_eq!(again.id, user.id);
    // What is kept in the directory is not changed from here.
    let new = Secret::new("a new password of alice".to_owned());
    let refused = server.identity.reset_password(TenantId::SUPER, user.id, &new).await;
    assert!(matches!(refused, Err(IdentityError::Conflict(_))));
}

#[tokio::test]
async fn a_directory_without_a_domain_takes_plain_names_but_no_embedded_account() {
    let Some(slapd) = start(&entries()) else { return };
    let server = server(&slapd, None).await;
    let password = "the embedded password";
    let new = identity::NewUser {
        name: "bob".into(),
        password: Secret::new(password.into()),
        attributes: serde_json::Map::new(),
        roles: vec!["admin".into()],
    };
    server.identity.create_user(TenantId::SUPER, new).await.unwrap();
    assert_eq!(knock(&server, "alice", PASSWORD).await, 200);
    assert_eq!(knock(&server, "PRIMARY/alice", PASSWORD).await, 200);
    assert_eq!(knock(&server, "bob", password).await, 200);
    assert_eq!(knock(&server, "bob", PASSWORD).await, 401, "whoever may write to the directory became administrator");
    assert_eq!(knock(&server, "PRIMARY/bob", PASSWORD).await, 401, "the prefix led around the embedded account");
}

#[tokio::test]
async fn names_stay_values_whatever_they_contain() {
    let ldif = entries() + &person("x*", "password of the star");
    let Some(slapd) = start(&ldif) else { return };
    let server = server(&slapd, Some("SECONDARY")).await;
    let plain = directory(&slapd);
    for name in
        ["*", "a*", "alice)(uid=*", "alice)(|(uid=*", "*)(objectClass=*", "al\\69ce", "alice\0", "", " ", "?", "x?"]
    {
        assert_eq!(plain.find(name).await.unwrap(), None, "{name:?}");
        assert_eq!(knock(&server, &format!("SECONDARY/{name}"), PASSWORD).await, 401, "{name:?}");
    }
    assert_eq!(plain.find("x*").await.unwrap().unwrap().name, "x*", "a star is a letter of this name");
    let mut alice = plain.find("alice").await.unwrap().unwrap();
    let empty = Secret::new(String::new());
    assert!(!plain.check_password(&alice, &empty).await.unwrap(), "RFC 4513 5.1.2: unauthenticated bind");
    alice.dn = String::new();
    assert!(!plain.check_password(&alice, &Secret::new("anything".into())).await.unwrap(), "anonymous bind");
}

#[tokio::test]
async fn groups_of_groups_count_and_circles_end() {
    let ldif = people(2)
        + &person("alice", PASSWORD)
        + &group("inner", &["uid=alice"])
        + &group("middle", &["cn=inner", "cn=outer"])
        + &group("outer", &["cn=middle", "cn=outer"])
        + &group("admin", &["uid=alice"])
        + &group("Internal/publisher", &["uid=alice"])
        + &group("clerks", &["cn=inner"])
        + &group("strangers", &["uid=user00000"]);
    let Some(slapd) = start(&ldif) else { return };
    let plain = directory(&slapd);
    let alice = plain.find("alice").await.unwrap().unwrap();
    let mut groups = plain.groups(&alice).await.unwrap();
    groups.sort();
    assert_eq!(groups, ["Internal/publisher", "admin", "clerks", "inner", "middle", "outer"]);
    let mut direct = settings(&slapd.ldaps_url(), false, authority().trusted());
    direct.groups.as_mut().unwrap().nesting = Nesting::Direct;
    let mut groups = LdapDirectory::new(direct).groups(&alice).await.unwrap();
    groups.sort();
    assert_eq!(groups, ["Internal/publisher", "admin", "inner"]);

    let server = server(&slapd, Some("SECONDARY")).await;
    assert_eq!(
        knock(&server, "SECONDARY/alice", PASSWORD).await,
        401,
        "a group named admin must not make administrators"
    );
    let user = server.identity.find_user(TenantId::SUPER, "SECONDARY/alice").await.unwrap().unwrap();
    let names: Vec<String> = user.role_names().into_iter().collect();
    assert_eq!(names, ["Internal/creator", "Internal/everyone"]);
}

#[tokio::test]
async fn ten_thousand_people_are_listed_in_pages() {
    let Some(slapd) = start(&people(10_000)) else { return };
    let server = server(&slapd, Some("SECONDARY")).await;
    let begun = Instant::now();
    let all = server.identity.directory_users("secondary", 20_000).await.unwrap();
    println!("10,000 people in pages of 500: {:?}", begun.elapsed());
    assert_eq!(all.names.len(), 10_000);
    assert!(!all.truncated && all.names.contains(&"SECONDARY/user09999".to_owned()));
    let some = server.identity.directory_users("SECONDARY", 1234).await.unwrap();
    assert_eq!((some.names.len(), some.truncated), (1234, true));
    // The list cut short must not spoil the next question.
    assert_eq!(knock(&server, "SECONDARY/user00042", PERSON_PASSWORD).await, 401);
    assert!(server.identity.find_user(TenantId::SUPER, "SECONDARY/user00042").await.unwrap().is_some());
}

#[tokio::test]
async fn a_directory_with_a_wrong_certificate_is_not_talked_to() {
    let stranger = Authority::new();
    let expired = |params: &mut CertificateParams| {
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2021, 1, 1);
    };
    let cases = [
        ("another name", authority(), authority().issue("directory.example.com", |_| {})),
        ("an unknown authority", &stranger, stranger.issue("127.0.0.1", |_| {})),
        ("expired", authority(), authority().issue("127.0.0.1", expired)),
    ];
    for (what, issuer, certificate) in cases {
        let Some(slapd) = start_with(&entries(), issuer, &certificate) else { return };
        for (url, start_tls) in [(slapd.ldaps_url(), false), (slapd.ldap_url(), true)] {
            let plain = LdapDirectory::new(settings(&url, start_tls, authority().trusted()));
            let refused = plain.find("alice").await;
            assert!(matches!(&refused, Err(DirectoryError::Unavailable(_))), "{what} over {url}: {refused:?}");
        }
    }
}

#[tokio::test]
async fn start_tls_works_and_plain_text_does_not_exist() {
    let Some(slapd) = start(&entries()) else { return };
    let plain = LdapDirectory::new(settings(&slapd.ldap_url(), true, authority().trusted()));
    let alice = plain.find("alice").await.unwrap().unwrap();
    assert!(plain.check_password(&alice, &Secret::new(PASSWORD.into())).await.unwrap());
    assert!(!plain.check_password(&alice, &Secret::new("wrong".into())).await.unwrap());
    assert_eq!(LdapServer::parse(&slapd.ldap_url(), false), Err(ServerFault::PlainText));
    for bad in
        ["http://a", "ldapi:///x", "ldap", "ldaps://", "ldaps://a:0", "ldaps://a:b", "ldaps://a b", "ldaps://u@h"]
    {
        assert_eq!(LdapServer::parse(bad, true), Err(ServerFault::Form), "{bad}");
    }
    // A server that is asked to upgrade and does not speak LDAP: no fallback.
    let deaf = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ldap://{}", deaf.local_addr().unwrap());
    let mut slow = settings(&url, true, authority().trusted());
    slow.connect_timeout = Duration::from_millis(300);
    let begun = Instant::now();
    assert!(LdapDirectory::new(slow).find("alice").await.is_err());
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn nobody_gets_in_while_the_directory_is_down_and_everybody_when_it_is_back() {
    let Some(mut slapd) = start(&entries()) else { return };
    let server = server(&slapd, None).await;
    server.user("local", &["admin"]).await;
    assert_eq!(knock(&server, "alice", PASSWORD).await, 200);
    let client = server.client("local").await;
    let token = server.password_grant(&client, "alice", "internal_user_mgt_list").await;
    let access = token.field("access_token");
    slapd.stop();
    assert_eq!(knock(&server, "alice", PASSWORD).await, 503, "the right password of somebody who signed in before");
    assert_eq!(knock(&server, "alice", "a wrong password").await, 503);
    assert_eq!(knock(&server, "local", PASSWORD).await, 200, "embedded accounts do not need the directory");
    // What was issued counts for as long as is configured, then it does not.
    assert_eq!(list(&server, &access).await, 200);
    server.clock.advance(Duration::from_mins(14));
    server.identity.check_directories().await.unwrap();
    assert_eq!(list(&server, &access).await, 200);
    server.clock.advance(Duration::from_mins(2));
    assert_eq!(list(&server, &access).await, 401, "nothing is known about this account any more");
    let form = format!("grant_type=refresh_token&refresh_token={}", token.field("refresh_token"));
    assert_ne!(server.form("/oauth2/token", &client, &form).await.status, 200);
    slapd.start_again().unwrap();
    tokio::time::sleep(Duration::from_millis(150)).await;
    assert_eq!(knock(&server, "alice", PASSWORD).await, 200);
    assert_eq!(list(&server, &access).await, 200, "confirmed again");
}

#[tokio::test]
async fn what_ends_in_the_directory_ends_here() {
    let Some(slapd) = start(&entries()) else { return };
    let server = server(&slapd, Some("SECONDARY")).await;
    server.user("local", &["admin"]).await;
    let client = server.client("local").await;
    let old = server.password_grant(&client, "SECONDARY/alice", "internal_user_mgt_list").await;
    assert_eq!(list(&server, &old.field("access_token")).await, 200);
    // A group is withdrawn.
    let dn = format!("cn=apim-admins,ou=Groups,{SUFFIX}");
    slapd.modify(&format!("dn: {dn}\nchangetype: delete\n")).unwrap();
    server.clock.advance(Duration::from_mins(6));
    let mut changes = server.identity.changes();
    server.identity.check_directories().await.unwrap();
    assert!(changes.has_changed().unwrap(), "gateways are not told");
    changes.mark_unchanged();
    assert_eq!(list(&server, &old.field("access_token")).await, 401);
    let epochs = server.identity.subject_epochs().await.unwrap();
    assert!(epochs.iter().any(|e| e.subject == "SECONDARY/alice@carbon.super"));
    // The entry is removed, and another person gets the name.
    server.clock.advance(Duration::from_secs(2));
    let token = server.password_grant(&client, "SECONDARY/alice", "openid").await;
    assert_eq!(token.status, 200, "{}", token.text);
    let before = server.identity.find_user(TenantId::SUPER, "SECONDARY/alice").await.unwrap().unwrap();
    slapd.modify(&format!("dn: uid=alice,ou=Users,{SUFFIX}\nchangetype: delete\n")).unwrap();
    assert_eq!(knock(&server, "SECONDARY/alice", PASSWORD).await, 401);
    server.clock.advance(Duration::from_mins(6));
    server.identity.check_directories().await.unwrap();
    let form = format!("grant_type=refresh_token&refresh_token={}", token.field("refresh_token"));
    assert_ne!(server.form("/oauth2/token", &client, &form).await.status, 200, "a token outlived the account");
    let entry = person("alice", "the password of another alice");
    slapd.modify(&entry.replacen('\n', "\nchangetype: add\n", 1)).unwrap();
    server.password_grant(&client, "SECONDARY/alice", "openid").await;
    assert_eq!(knock(&server, "SECONDARY/alice", "the password of another alice").await, 401, "no administrator");
    let after = server.identity.find_user(TenantId::SUPER, "SECONDARY/alice").await.unwrap().unwrap();
    assert_ne!(after.id, before.id, "a new person inherited an account");
}

#[tokio::test]
async fn guesses_lock_the_account_here_before_the_directory_hears_of_many() {
    let Some(slapd) = start(&entries()) else { return };
    let server = server(&slapd, Some("SECONDARY")).await;
    let binds = slapd.completed("Bind").unwrap();
    for _ in 0..12 {
        assert_eq!(knock(&server, "SECONDARY/bob", "a wrong password").await, 401);
    }
    let user = server.identity.find_user(TenantId::SUPER, "SECONDARY/bob").await.unwrap().unwrap();
    assert!(user.locked_until.is_some(), "somebody who never signed in is not protected");
    // Five guesses, the service account's own bind, and the bind of the counter itself.
    assert!(slapd.completed("Bind").unwrap() - binds <= 7);
    let begun = Instant::now();
    assert_eq!(knock(&server, "SECONDARY/nobody", "a wrong password").await, 401);
    assert!(
        begun.elapsed() >= Duration::from_millis(240),
        "an unknown name was told by its time: {:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn the_second_factor_is_asked_for_under_every_name_of_an_account() {
    let Some(slapd) = start(&entries()) else { return };
    let server = server(&slapd, None).await;
    let (base32, _) = server.with_factor("bob").await;
    server.user("local", &["admin"]).await;
    let client = server.client("local").await;
    for name in ["bob", "BOB", "PRIMARY/bob", "primary/Bob", "bob@carbon.super", "PRIMARY/bob@carbon.super"] {
        let step = server.begin(name, PASSWORD, None).await;
        assert!(!matches!(step, SignInStep::Done(_)), "{name}: the password alone opened a session");
        let granted = server.password_grant(&client, name, "openid").await;
        assert_ne!(granted.status, 200, "{name}: the password alone was worth a token");
    }
    let code = server.next_code(&base32);
    assert!(matches!(server.begin("PRIMARY/bob", PASSWORD, Some(code)).await, SignInStep::Done(_)));
}

#[tokio::test]
async fn a_browser_session_ends_with_the_entry() {
    let Some(slapd) = start(&entries()) else { return };
    let server = server(&slapd, Some("SECONDARY")).await;
    let done = server.signed_in("SECONDARY/bob").await;
    assert!(server.session(&done.cookie).await.is_some());
    slapd.modify(&format!("dn: uid=bob,ou=Users,{SUFFIX}\nchangetype: delete\n")).unwrap();
    server.clock.advance(Duration::from_mins(6));
    server.identity.check_directories().await.unwrap();
    assert!(server.session(&done.cookie).await.is_none());
}

#[tokio::test]
async fn nothing_is_ever_written_to_the_directory() {
    let Some(slapd) = start(&entries()) else { return };
    let server = server(&slapd, Some("SECONDARY")).await;
    assert_eq!(knock(&server, "SECONDARY/alice", PASSWORD).await, 200);
    assert_eq!(knock(&server, "SECONDARY/bob", "a wrong password").await, 401);
    server.identity.directory_users("SECONDARY", 100).await.unwrap();
    let user = server.identity.find_user(TenantId::SUPER, "SECONDARY/alice").await.unwrap().unwrap();
    let path = format!("/scim2/Users/{}", user.id);
    server.user("local", &["admin"]).await;
    let operator = basic("local", PASSWORD);
    let body = serde_json::json!({"userName": "SECONDARY/alice", "password": "another password of alice"});
    let change = server.call("PUT", &path, &operator, Some(body)).await;
    assert!(change.status.is_client_error(), "{} {}", change.status, change.text);
    let body = serde_json::json!({"userName": "SECONDARY/carol", "password": "the password of carol"});
    let made = server.call("POST", "/scim2/Users", &operator, Some(body)).await;
    assert!(made.status.is_client_error(), "{} {}", made.status, made.text);
    server.call("DELETE", &path, &operator, None).await;
    for operation in ["Add", "Modify", "Delete", "Modrdn"] {
        assert_eq!(slapd.completed(operation).unwrap(), 0, "{operation}");
    }
    // The service account could not, if it tried.
    let change = format!("uid=alice,ou=Users,{SUFFIX}");
    let refused = slapd.client("ldapdelete", SERVICE_DN, SERVICE_PASSWORD, &[&change]).unwrap_err().to_string();
    assert!(refused.contains("Insufficient access"), "{refused}");
    assert_eq!(knock(&server, "SECONDARY/alice", PASSWORD).await, 200, "still there");
}

/// The protocol library can write; the one file that names it may not.
#[test]
fn the_wrapper_has_no_way_to_write() {
    let session = include_str!("../../src/user_store/ldap/session.rs");
    for call in [".add(", ".modify(", ".delete(", ".modifydn(", ".compare(", ".extended(", "set_no_tls_verify", "ldapi"]
    {
        assert!(!session.contains(call), "{call}");
    }
    for file in [
        include_str!("../../src/user_store.rs"),
        include_str!("../../src/user_store/account.rs"),
        include_str!("../../src/user_store/ldap.rs"),
        include_str!("../../src/user_store/ldap/groups.rs"),
        include_str!("../../src/user_store/ldap/pool.rs"),
    ] {
        assert!(!file.contains("ldap3"), "the library's handle is named outside session.rs");
    }
}
