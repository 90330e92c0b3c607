//! What mail opens: new passwords and new accounts. And the mail itself, to a server with TLS.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use identity::{
    CallbackPattern, Identity, IdentityError, Mail, MailTls, Mailer, NewUser, SelfRegistration, SignInStep,
    SignUpConfirmed, SignUpForm, SmtpMailer, SmtpSettings,
};
use model::{Secret, TenantId};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use web::BoxFuture;

use crate::browser::secret;
use crate::server::{PASSWORD, Server};

#[derive(Default)]
pub(crate) struct Mailbox(Mutex<Vec<Mail>>);

impl Mailer for Mailbox {
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), String>> {
        self.0.lock().unwrap().push(mail);
        Box::pin(async { Ok(()) })
    }
}

impl Mailbox {
    /// The mails that came, once what runs beside the requests is done.
    pub(crate) async fn taken(&self) -> Vec<Mail> {
        let came = || self.0.lock().unwrap().len();
        let (mut known, mut quiet) = (came(), 0);
        // Three seconds for the first on a busy machine; then until a while passes without another.
        for _ in 0..30 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            quiet = if came() == known { quiet + 1 } else { 0 };
            known = came();
            if known > 0 && quiet >= 3 {
                break;
            }
        }
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// The secret at the end of the link in a mail.
pub(crate) fn token(mail: &Mail, path: &str) -> Secret<String> {
    let (_, rest) = mail.text.split_once(&format!("https://localhost:9443{path}")).unwrap();
    secret(rest.split_whitespace().next().unwrap())
}

fn pattern() -> CallbackPattern {
    CallbackPattern::parse("https://apps\\.example\\.com/portal/.*").unwrap()
}

pub(crate) async fn service(approval: bool) -> (Server, Arc<Identity>, Arc<Mailbox>) {
    let server = Server::limited(|settings| {
        settings.recovery = Some(pattern());
        let roles = vec!["Internal/subscriber".to_owned()];
        settings.self_registration = Some(SelfRegistration { callback: pattern(), approval, roles });
    })
    .await;
    server.user("admin", &["admin"]).await;
    let mailbox = Arc::new(Mailbox::default());
    let identity = Arc::new((*server.identity).clone().with_mailer(Arc::clone(&mailbox) as _));
    (server, identity, mailbox)
}

async fn with_address(identity: &Identity, name: &str, address: &str) -> identity::User {
    let mut attributes = serde_json::Map::new();
    attributes.insert("emails".into(), json!([{"value": address, "primary": true}]));
    let new = NewUser { name: name.into(), password: secret(PASSWORD), attributes, roles: vec![] };
    identity.create_user(TenantId::SUPER, new).await.unwrap()
}

#[tokio::test]
async fn a_link_sets_a_password_once_within_fifteen_minutes() {
    let (server, identity, mailbox) = service(true).await;
    let user = with_address(&identity, "alice", "alice@example.com").await;
    let session = server.signed_in("alice").await;
    identity.request_recovery("alice", Some("https://apps.example.com/portal/x"), None).unwrap();
    let mails = mailbox.taken().await;
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, "alice@example.com"));
    let link = token(&mails[0], "/recover/");
    // Nothing but its hash is kept.
    let bytes = std::fs::read(server.directory.path().join("identity.db-wal")).unwrap();
    assert!(!bytes.windows(43).any(|w| w == link.expose().as_bytes()));
    assert_eq!(identity.check_recovery(&link).await.unwrap().unwrap().name, "alice");
    let new = secret("a rather new password");
    for bad in ["alice", "short", "passwordpassword1"] {
        assert!(
            matches!(identity.complete_recovery(&link, &secret(bad)).await, Err(IdentityError::Password(_))),
            "{bad}"
        );
    }
    let done = identity.complete_recovery(&link, &new).await.unwrap().unwrap();
    assert_eq!(done.callback, "https://apps.example.com/portal/x");
    assert!(identity.complete_recovery(&link, &secret("yet another password")).await.unwrap().is_none(), "once");
    assert!(identity.check_recovery(&link).await.unwrap().is_none());
    assert!(server.session(&session.cookie).await.is_none(), "sessions end");
    assert!(matches!(server.begin("alice", PASSWORD, None).await, SignInStep::Refused));
    assert!(matches!(server.begin("alice", new.expose(), None).await, SignInStep::Done(_)));
    assert!(mailbox.taken().await[0].subject.contains("was changed"));

    server.clock.advance(Duration::from_secs(3 * 60));
    let ask = async |identity: &Identity, mailbox: &Mailbox| {
        server.clock.advance(Duration::from_secs(3 * 60));
        identity.request_recovery("alice", None, None).unwrap();
        token(&mailbox.taken().await[0], "/recover/")
    };
    let late = ask(&identity, &mailbox).await;
    server.clock.advance(Duration::from_secs(15 * 60));
    assert!(identity.complete_recovery(&late, &new).await.unwrap().is_none(), "too old");
    // A newer link replaces the older one.
    let (older, newer) = (ask(&identity, &mailbox).await, ask(&identity, &mailbox).await);
    assert!(identity.check_recovery(&older).await.unwrap().is_none());
    // Bound to the address it was sent to, to the account, and to its being there.
    let other = json!({"emails": [{"value": "other@example.com"}]});
    identity.set_attributes(TenantId::SUPER, user.id, other.as_object().unwrap()).await.unwrap();
    assert!(identity.complete_recovery(&newer, &new).await.unwrap().is_none(), "the address changed");
    let link = ask(&identity, &mailbox).await;
    identity.lock_user(TenantId::SUPER, user.id).await.unwrap();
    identity.unlock_user(TenantId::SUPER, user.id).await.unwrap();
    assert!(identity.complete_recovery(&link, &new).await.unwrap().is_none(), "a lock ends it");
    let link = ask(&identity, &mailbox).await;
    let (one, two) = tokio::join!(identity.complete_recovery(&link, &new), identity.complete_recovery(&link, &new));
    assert_eq!(usize::from(one.unwrap().is_some()) + usize::from(two.unwrap().is_some()), 1, "one of two at once");
}

#[tokio::test]
async fn asking_for_a_link_tells_nothing_and_sends_no_flood() {
    let (server, identity, mailbox) = service(true).await;
    with_address(&identity, "alice", "alice@example.com").await;
    server.user("no-address", &[]).await;
    let locked = with_address(&identity, "locked", "locked@example.com").await;
    identity.lock_user(TenantId::SUPER, locked.id).await.unwrap();
    for name in ["nobody", "no-address", "locked", "", "alice@nowhere.example", "' OR 1=1 --"] {
        identity.request_recovery(name, None, None).unwrap();
    }
    assert_eq!(mailbox.taken().await.len(), 0);
    for _ in 0..20 {
        identity.request_recovery("alice", None, None).unwrap();
    }
    assert_eq!(mailbox.taken().await.len(), 1, "one in two minutes");
    for callback in ["https://evil.example/", "https://apps.example.com.evil.example/portal/", "//evil.example"] {
        for name in ["alice", "nobody"] {
            let refused = identity.request_recovery(name, Some(callback), None);
            assert!(matches!(refused, Err(IdentityError::Invalid(_))), "{callback}");
        }
    }
    // An address that asks without end is not heard any more.
    let guesser = Some("198.51.100.7".parse().unwrap());
    for n in 0..110 {
        with_address(&identity, &format!("u{n}"), &format!("u{n}@example.com")).await;
        identity.request_recovery(&format!("u{n}"), None, guesser).unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let sent = mailbox.taken().await.len();
    assert!((90..=100).contains(&sent), "{sent}");
}

#[tokio::test]
async fn without_a_pattern_or_a_mailer_nothing_is_offered() {
    let server = Server::with_admin().await;
    let mailbox = Arc::new(Mailbox::default());
    let without_pattern = (*server.identity).clone().with_mailer(mailbox as _);
    let without_mailer = Server::limited(|settings| settings.recovery = Some(pattern())).await;
    for identity in [&without_pattern, &*without_mailer.identity] {
        assert!(matches!(identity.request_recovery("admin", None, None), Err(IdentityError::NotFound(_))));
        assert!(matches!(
            identity.request_sign_up(form("bob", "bob@example.com"), None).await,
            Err(IdentityError::NotFound(_))
        ));
    }
    assert!(without_pattern.check_recovery(&secret("anything")).await.unwrap().is_none());
}

pub(crate) fn form(name: &str, email: &str) -> SignUpForm {
    SignUpForm {
        name: name.into(),
        password: secret(PASSWORD),
        email: email.into(),
        given_name: "Bob".into(),
        family_name: String::new(),
        callback: None,
    }
}

#[tokio::test]
async fn an_account_of_ones_own_waits_for_the_mail_and_for_approval() {
    let (server, identity, mailbox) = service(true).await;
    identity.request_sign_up(form("bob", "bob@example.com"), None).await.unwrap();
    let mails = mailbox.taken().await;
    let link = token(&mails[0], "/signup/");
    assert_eq!(identity.check_sign_up(&link).await.unwrap().as_deref(), Some("bob"));
    assert!(identity.sign_ups(TenantId::SUPER).await.unwrap().is_empty(), "unconfirmed requests do not bother anybody");
    assert!(matches!(server.begin("bob", PASSWORD, None).await, SignInStep::Refused));
    let confirmed = identity.confirm_sign_up(&link).await.unwrap();
    assert_eq!(confirmed, SignUpConfirmed::AwaitingApproval { name: "bob".into() });
    assert_eq!(identity.confirm_sign_up(&link).await.unwrap(), SignUpConfirmed::Gone, "once");
    assert!(matches!(server.begin("bob", PASSWORD, None).await, SignInStep::Refused));
    let waiting = identity.sign_ups(TenantId::SUPER).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].name.as_str(), waiting[0].email.as_str()), (1, "bob", "bob@example.com"));
    // Another tenant's administrator has no say.
    let elsewhere = TenantId::new(7);
    assert!(identity.approve_sign_up(elsewhere, &waiting[0].id).await.is_err());
    identity.approve_sign_up(TenantId::SUPER, &waiting[0].id).await.unwrap();
    assert!(identity.approve_sign_up(TenantId::SUPER, &waiting[0].id).await.is_err(), "once");
    assert!(matches!(server.begin("bob", PASSWORD, None).await, SignInStep::Done(_)));
    let bob = identity.find_user(TenantId::SUPER, "bob").await.unwrap().unwrap();
    let roles: Vec<_> = bob.roles.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(roles, ["Internal/subscriber"]);
    mailbox.taken().await;

    identity.request_sign_up(form("carol", "carol@example.com"), None).await.unwrap();
    let link = token(&mailbox.taken().await[0], "/signup/");
    identity.confirm_sign_up(&link).await.unwrap();
    let waiting = identity.sign_ups(TenantId::SUPER).await.unwrap();
    identity.reject_sign_up(TenantId::SUPER, &waiting[0].id).await.unwrap();
    assert!(mailbox.taken().await[0].text.contains("not approved"));
    assert!(matches!(server.begin("carol", PASSWORD, None).await, SignInStep::Refused));
}

#[tokio::test]
async fn a_taken_name_is_told_to_the_mailbox_only() {
    let (server, identity, mailbox) = service(false).await;
    for (name, email) in [("admin", "eve@example.com"), ("dave", "dave@example.com")] {
        identity.request_sign_up(form(name, email), None).await.unwrap();
    }
    let mut mails = mailbox.taken().await;
    mails.sort_by(|a, b| a.to.cmp(&b.to));
    assert!(mails[1].text.contains("the name is taken") && !mails[1].text.contains("/signup/"), "{}", mails[1].text);
    let link = token(&mails[0], "/signup/");
    // Two people want one name; the first who confirms gets it.
    identity.request_sign_up(form("dave", "other@example.com"), None).await.unwrap();
    let other = token(&mailbox.taken().await[0], "/signup/");
    let ready = identity.confirm_sign_up(&link).await.unwrap();
    assert_eq!(ready, SignUpConfirmed::Ready { name: "dave".into(), callback: String::new() });
    assert_eq!(identity.confirm_sign_up(&other).await.unwrap(), SignUpConfirmed::Taken);
    assert!(matches!(server.begin("dave", PASSWORD, None).await, SignInStep::Done(_)));
    for (bad, email) in
        [("x/y", "a@b.example"), ("a:b", "a@b.example"), ("eve", "nope"), ("eve", "a@b.example\r\nBcc: c@d.example")]
    {
        assert!(identity.request_sign_up(form(bad, email), None).await.is_err(), "{bad} {email}");
    }
    let weak = SignUpForm { password: secret("short"), ..form("eve", "eve@example.com") };
    assert!(matches!(identity.request_sign_up(weak, None).await, Err(IdentityError::Password(_))));
    let away = SignUpForm { callback: Some("https://evil.example/".into()), ..form("eve", "eve@example.com") };
    assert!(matches!(identity.request_sign_up(away, None).await, Err(IdentityError::Invalid(_))));
    for n in 0..6 {
        identity.request_sign_up(form(&format!("eve{n}"), "flood@example.com"), None).await.unwrap();
    }
    assert_eq!(mailbox.taken().await.len(), 3, "three mails to one address in an hour");
}

/// A mail server as small as one can be: takes one mail, over TLS only.
async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
    let mut stream = BufReader::new(stream);
    let (mut mail, mut line, mut in_mail) = (String::new(), String::new(), false);
    stream.write_all(b"220 localhost\r\n").await.unwrap();
    loop {
        line.clear();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return mail;
        }
        let answer: &[u8] = match line.split_whitespace().next().unwrap_or_default() {
            "." if in_mail => {
                in_mail = false;
                b"250 taken\r\n"
            }
            _ if in_mail => {
                mail.push_str(&line);
                continue;
            }
            "DATA" => {
                in_mail = true;
                b"354 go on\r\n"
            }
            "EHLO" => b"250-localhost\r\n250 AUTH PLAIN\r\n",
            "AUTH" => {
                mail.push_str(&line);
                b"235 welcome\r\n"
            }
            "QUIT" => b"221 bye\r\n",
            _ => b"250 yes\r\n",
        };
        if stream.write_all(answer).await.is_err() {
            return mail;
        }
    }
}

fn tls(name: &str) -> (tokio_rustls::TlsAcceptor, Vec<u8>) {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(vault::tls::provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (tokio_rustls::TlsAcceptor::from(Arc::new(config)), made.cert.der().to_vec())
}

fn settings(port: u16, tls: MailTls, authorities: Vec<Vec<u8>>) -> SmtpSettings {
    let credentials = Some(("user".to_owned(), secret("p4ss")));
    let from = "Portcullis <portcullis@example.com>".to_owned();
    SmtpSettings { host: "localhost".into(), port, tls, credentials, from, authorities }
}

fn mail() -> Mail {
    Mail { to: "alice@example.com".into(), subject: "Grüße".into(), text: "A line.\n.\nAnother.\n".into() }
}

#[tokio::test]
async fn mail_goes_over_tls_to_a_server_with_the_right_name() {
    for name in ["localhost", "mail.example.com"] {
        let (acceptor, der) = tls(name);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            match acceptor.accept(stream).await {
                Ok(stream) => Some(converse(stream).await),
                Err(_) => None,
            }
        });
        let mailer = SmtpMailer::new(settings(port, MailTls::Implicit, vec![der])).unwrap();
        let sent = tokio::time::timeout(Duration::from_secs(10), mailer.send(mail())).await.unwrap();
        drop(mailer);
        if name == "localhost" {
            sent.unwrap();
            let seen = server.await.unwrap().unwrap();
            assert!(seen.contains("To: alice@example.com") && seen.contains("A line."), "{seen}");
            assert!(seen.contains("AUTH PLAIN"), "{seen}");
        } else {
            assert!(sent.is_err(), "a certificate for another name");
            server.abort();
        }
    }
}

#[tokio::test]
async fn mail_is_not_sent_in_clear() {
    // A server that offers no STARTTLS, as somebody in between would make it look.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        converse(stream).await
    });
    let (_, der) = tls("localhost");
    let mailer = SmtpMailer::new(settings(port, MailTls::StartTls, vec![der])).unwrap();
    let sent = tokio::time::timeout(Duration::from_secs(10), mailer.send(mail())).await.unwrap();
    assert!(sent.is_err());
    drop(mailer);
    let seen = server.await.unwrap();
    assert!(!seen.contains("AUTH") && !seen.contains("A line."), "{seen}");
    // A certificate that nobody vouches for.
    let (acceptor, _) = tls("localhost");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        acceptor.accept(stream).await.is_ok()
    });
    let mailer = SmtpMailer::new(settings(port, MailTls::Implicit, vec![])).unwrap();
    assert!(tokio::time::timeout(Duration::from_secs(10), mailer.send(mail())).await.unwrap().is_err());
    assert!(!server.await.unwrap());
}
