//! How people sign in: sessions, passwords, and what mail opens (A17, A25, X09).

use std::path::PathBuf;
use std::time::Duration;

use identity::{CallbackPattern, MailTls};

use super::context::Context;
use super::diagnostic::codes;
use super::secret::{SecretRef, TextSource};
use super::section::{Section as _, read_one, section};
use super::tree::At;
use super::values::{HostName, QuotedWhole, Span};

section! {
    /// Sessions of browsers (A17).
    pub(super) struct SessionSection in "session.timeout" {
        /// A session ends when it was not used for this time.
        wso2 "idle_session_timeout" idle: Span = r#""15m""#;
        /// A session ends at this age, however much it is used.
        ours "session_lifetime" lifetime: Span = r#""12h""#;
    }
}

section! {
    /// Passwords of the embedded user store (X09). At least 12 characters, and not one that attackers try first.
    pub(super) struct PasswordSection in "password_policy" {
        /// Passwords known from breaches, which are refused: a folder of range files (`21BD1.txt`) or one file of SHA-1 hashes in order, as the downloaders of Have I Been Pwned write them; relative to the home directory.
        ours "breach_list" breach_list: Option<PathBuf> = "";
    }
}

section! {
    /// New passwords by mail; off without `callback_url` (A25).
    pub(super) struct RecoverySection in "identity_mgt.recovery" {
        /// Where people may be sent on to afterwards: one host and a path, `.*` at the end for everything below.
        wso2 "callback_url" callback_url: Option<String> = "";
    }
}

section! {
    /// Accounts that people make themselves (A25).
    pub(super) struct SelfRegistrationSection in "identity_mgt.user_self_registration" {
        /// Whether they may; needs `callback_url`. The accounts get the role Internal/subscriber.
        wso2 "allow_self_registration" allow: bool = "false";
        /// Where people may be sent on to afterwards: one host and a path, `.*` at the end for everything below.
        wso2 "callback_url" callback_url: Option<String> = "";
        /// Whether an administrator approves each account.
        ours "approval" approval: bool = "true";
    }
}

section! {
    /// The mail server, which `[identity_mgt]` needs. There is no mail without TLS (A06).
    pub(super) struct EmailSection in "output_adapter.email" {
        /// Host name; the server's certificate must be for it.
        wso2 "hostname" hostname: Option<HostName> = "";
        /// Port.
        wso2 "port" port: QuotedWhole<1, 65_535> = "587";
        /// `true`: TLS by STARTTLS, which the server must offer. `false`: TLS from the start, as on port 465.
        wso2 "enable_start_tls" start_tls: bool = "true";
        /// Address of the sender.
        wso2 "from_address" from_address: Option<String> = "";
        /// User name, if the server wants one.
        wso2 "username" username: Option<TextSource> = "";
        /// Password, by reference.
        wso2 "password" password: Option<SecretRef> = "";
    }
}

/// How people sign in.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// A session ends when it was not used for this time.
    pub session_idle: Duration,
    /// A session ends at this age.
    pub session_lifetime: Duration,
    /// Passwords known from breaches; relative to the home directory.
    pub breach_list: Option<PathBuf>,
    /// Where people go on to after a new password by mail; `None` = off.
    pub recovery: Option<CallbackPattern>,
    /// Where people go on to after making an account, and whether somebody approves it; `None` = off.
    pub self_registration: Option<(CallbackPattern, bool)>,
    /// The mail server.
    pub email: Option<Email>,
}

/// The mail server.
#[derive(Clone, Debug)]
pub struct Email {
    /// Host name.
    pub host: HostName,
    /// Port.
    pub port: u16,
    /// How TLS begins.
    pub tls: MailTls,
    /// Address of the sender.
    pub from: String,
    /// User name and password.
    pub credentials: Option<(TextSource, SecretRef)>,
}

/// Reads the sections. `None` when something is wrong, which the context knows then.
pub(super) fn resolve(cx: &mut Context<'_>) -> Option<SignIn> {
    let session = read_one::<SessionSection>(cx);
    let password = read_one::<PasswordSection>(cx);
    let recovery = read_one::<RecoverySection>(cx);
    let registration = read_one::<SelfRegistrationSection>(cx);
    let email = email(cx);
    let (session, password, recovery, registration, email) = (session?, password?, recovery?, registration?, email?);
    let recovery = match recovery.callback_url {
        Some(text) => Some(pattern(RecoverySection::NAME, &text, cx)?),
        None => None,
    };
    let registration = match (registration.allow, registration.callback_url) {
        (false, None) => None,
        (false, Some(_)) => {
            let why = "it is used with allow_self_registration = true";
            cx.unused(SelfRegistrationSection::NAME, &["callback_url"], why);
            None
        }
        (true, Some(text)) => Some((pattern(SelfRegistrationSection::NAME, &text, cx)?, registration.approval)),
        (true, None) => {
            fault(
                (SelfRegistrationSection::NAME, "callback_url"),
                "A25.1",
                "self-registration without callback_url",
                "whoever sends somebody a link could choose where they end up",
                "add callback_url = \"https://apps\\\\.example\\\\.com/.*\", or set allow_self_registration = false",
                cx,
            );
            return None;
        }
    };
    if email.is_none() && (recovery.is_some() || registration.is_some()) {
        fault(
            (EmailSection::NAME, "hostname"),
            codes::MISSING,
            "setting missing",
            "recovery and self-registration send links by mail",
            "add [output_adapter.email] with hostname and from_address",
            cx,
        );
        return None;
    }
    Some(SignIn {
        session_idle: session.idle.get(),
        session_lifetime: session.lifetime.get(),
        breach_list: password.breach_list,
        recovery,
        self_registration: registration,
        email,
    })
}

fn email(cx: &mut Context<'_>) -> Option<Option<Email>> {
    let section = read_one::<EmailSection>(cx)?;
    let Some(host) = section.hostname else {
        let why = "it is used with hostname";
        cx.unused(EmailSection::NAME, &["from_address", "username", "password"], why);
        return Some(None);
    };
    let Some(from) = section.from_address else {
        fault(
            (EmailSection::NAME, "from_address"),
            codes::MISSING,
            "setting missing",
            "every mail has a sender",
            "add from_address = \"portcullis@example.com\"",
            cx,
        );
        return None;
    };
    let credentials = match (section.username, section.password) {
        (Some(name), Some(password)) => Some((name, password)),
        (None, None) => None,
        _ => {
            fault(
                (EmailSection::NAME, "username"),
                codes::MISSING,
                "setting missing",
                "the mail server takes a user name and a password, or neither",
                "add the other one",
                cx,
            );
            return None;
        }
    };
    let tls = if section.start_tls { MailTls::StartTls } else { MailTls::Implicit };
    let port = u16::try_from(section.port.get()).unwrap_or(587);
    Some(Some(Email { host, port, tls, from, credentials }))
}

/// A callback pattern, or the reason why it cannot be one (A25).
fn pattern(section: &str, text: &str, cx: &mut Context<'_>) -> Option<CallbackPattern> {
    match CallbackPattern::parse(text) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            fault(
                (section, "callback_url"),
                "A25.2",
                "a callback pattern that could match other hosts",
                &error.to_string(),
                "write one host and a path: callback_url = \"https://apps\\\\.example\\\\.com/.*\"",
                cx,
            );
            None
        }
    }
}

fn fault((section, key): (&str, &str), code: &'static str, what: &str, why: &str, fix: &str, cx: &mut Context<'_>) {
    let path = format!("{section}.{key}");
    let root = cx.root();
    let at: At = root.find(&path).or_else(|| root.find(section)).map(|node| node.at).unwrap_or_default();
    cx.fault_at(&path, at, code, what, why, fix);
}

#[cfg(test)]
mod tests {
    use super::SignIn;
    use crate::config::{codes, load_texts};

    const MAIL: &str = "[output_adapter.email]\nhostname = \"mail.example.com\"\nfrom_address = \"a@example.com\"\n";

    fn load(text: &str) -> Result<SignIn, Vec<&'static str>> {
        let loaded = load_texts(&[("d.toml".to_owned(), text.to_owned())], &|_| None);
        match loaded {
            Ok(loaded) => Ok(loaded.config.sign_in),
            Err(findings) => Err(findings.iter().map(|finding| finding.code).collect()),
        }
    }

    #[test]
    fn recovery_and_self_registration_are_off_until_a_callback_pattern_and_a_mail_server_are_there() {
        let off = load("").unwrap();
        assert!(off.recovery.is_none() && off.self_registration.is_none() && off.email.is_none());
        let recovery = "[identity_mgt.recovery]\ncallback_url = \"https://apps\\\\.example\\\\.com/.*\"\n";
        assert_eq!(load(recovery).unwrap_err(), [codes::MISSING]);
        let on = load(&format!("{recovery}{MAIL}")).unwrap();
        assert!(on.recovery.unwrap().allows("https://apps.example.com/x"));
        for pattern in [".*", "https://.*", "https://apps.example.com.*", "http://apps.example.com/.*"] {
            let text = format!("[identity_mgt.recovery]\ncallback_url = \"{pattern}\"\n{MAIL}");
            assert_eq!(load(&text).unwrap_err(), ["A25.2"], "{pattern}");
        }
        let section = "[identity_mgt.user_self_registration]\nallow_self_registration = true\n";
        assert_eq!(load(&format!("{section}{MAIL}")).unwrap_err(), ["A25.1"]);
        let on = load(&format!("{section}callback_url = \"https://a.example/.*\"\n{MAIL}")).unwrap();
        assert!(on.self_registration.unwrap().1, "an administrator approves unless that is switched off");
    }

    #[test]
    fn a_mail_server_has_a_sender_and_whole_credentials() {
        let host = "[output_adapter.email]\nhostname = \"mail.example.com\"\n";
        assert_eq!(load(host).unwrap_err(), [codes::MISSING]);
        assert_eq!(load(&format!("{MAIL}username = \"a\"\n")).unwrap_err(), [codes::MISSING]);
        let email = load(&format!("{MAIL}port = 465\nenable_start_tls = false\n")).unwrap().email.unwrap();
        assert_eq!((email.port, email.tls), (465, identity::MailTls::Implicit));
    }
}
