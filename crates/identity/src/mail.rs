//! Mail to people: over TLS that is verified, from a bounded number of tasks, never while somebody waits for an answer.

use std::sync::Arc;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use model::Secret;
use tokio::sync::Semaphore;
use web::BoxFuture;

use crate::{Identity, IdentityError};

/// Mails that are under way at the same time; a further one is dropped and logged.
pub(crate) const MAX_UNDER_WAY: usize = 64;
const TIMEOUT: Duration = Duration::from_secs(20);

/// One mail.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Address of the receiver.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// Plain text.
    pub text: String,
}

/// What carries mails away.
pub trait Mailer: Send + Sync + 'static {
    /// Hands a mail over; the error is for the log.
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), String>>;
}

/// How TLS begins on a connection to the mail server. There is no way to do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// With the connection (port 465).
    Implicit,
    /// By `STARTTLS`, which the server must offer (port 587).
    StartTls,
}

/// Where mails are handed over.
pub struct SmtpSettings {
    /// Host name of the server; its certificate must be for it.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How TLS begins.
    pub tls: MailTls,
    /// User name and password, if the server wants them.
    pub credentials: Option<(String, Secret<String>)>,
    /// Address of the sender, as in `Portcullis <portcullis@example.com>`.
    pub from: String,
    /// Certificate authorities (DER) that are trusted beside those of the operating system.
    pub authorities: Vec<Vec<u8>>,
}

/// Mail over SMTP.
pub struct SmtpMailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl SmtpMailer {
    /// Nothing is connected yet.
    ///
    /// # Errors
    /// A sentence about the setting that cannot be used.
    pub fn new(settings: SmtpSettings) -> Result<Self, String> {
        let from = settings.from.parse().map_err(|e| format!("{:?} is not a mail address: {e}", settings.from))?;
        let mut parameters = TlsParameters::builder(settings.host.clone());
        for der in settings.authorities {
            let certificate =
                Certificate::from_der(der).map_err(|e| format!("a trusted authority cannot be used: {e}"))?;
            parameters = parameters.add_root_certificate(certificate);
        }
        let parameters = parameters.build_rustls().map_err(|e| format!("TLS to the mail server: {e}"))?;
        let (builder, tls) = match settings.tls {
            MailTls::Implicit => {
                (AsyncSmtpTransport::<Tokio1Executor>::relay(&settings.host), Tls::Wrapper(parameters))
            }
            MailTls::StartTls => {
                (AsyncSmtpTransport::<Tokio1Executor>::starttls_relay(&settings.host), Tls::Required(parameters))
            }
        };
        let builder = builder.map_err(|e| format!("the mail server {}: {e}", settings.host))?;
        let mut builder = builder.port(settings.port).tls(tls).timeout(Some(TIMEOUT));
        if let Some((name, password)) = settings.credentials {
            builder = builder.credentials(Credentials::new(name, password.expose().clone()));
        }
        Ok(Self { transport: builder.build(), from })
    }
}

impl Mailer for SmtpMailer {
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async move {
            let to = mail.to.parse().map_err(|e| format!("the address of the receiver: {e}"))?;
            let message = Message::builder()
                .from(self.from.clone())
                .to(Mailbox::new(None, to))
                .subject(mail.subject)
                .header(ContentType::TEXT_PLAIN)
                .body(mail.text)
                .map_err(|e| e.to_string())?;
            self.transport.send(message).await.map(drop).map_err(|e| e.to_string())
        })
    }
}

/// A mail address in the form that is kept.
///
/// # Errors
/// [`IdentityError::Invalid`] when it is none.
pub(crate) fn address(text: &str) -> Result<String, IdentityError> {
    let text = text.trim();
    let parsed: Result<lettre::Address, _> = text.parse();
    match parsed {
        Ok(address) if text.len() <= 254 => Ok(address.to_string()),
        _ => Err(IdentityError::invalid("Enter a mail address, as in name@example.com.")),
    }
}

impl Identity {
    /// The service with a list of passwords that are refused because breaches made them known.
    #[must_use]
    pub fn with_breach_list(mut self, list: crate::BreachList) -> Self {
        Arc::make_mut(&mut self.settings).breach_list = Some(list);
        self
    }

    /// The service with a mailer, which recovery and self-registration need.
    #[must_use]
    pub fn with_mailer(mut self, mailer: Arc<dyn Mailer>) -> Self {
        self.mailer = Some(mailer);
        self
    }

    /// Sends a mail beside the request. What goes wrong is in the log only.
    pub(crate) fn post(&self, mail: Mail) {
        let Some(mailer) = self.mailer.clone() else { return };
        let Ok(place) = Arc::clone(&self.mail_places).try_acquire_owned() else {
            tracing::error!("a mail was dropped: too many are under way");
            return;
        };
        tokio::spawn(async move {
            if let Err(reason) = mailer.send(mail).await {
                tracing::error!(%reason, "a mail could not be sent");
            }
            drop(place);
        });
    }
}

/// Places for mails under way.
pub(crate) fn places() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(MAX_UNDER_WAY))
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn an_address_cannot_carry_a_header() {
        assert_eq!(address(" alice@example.com ").unwrap(), "alice@example.com");
        for bad in ["", "alice", "alice@", "@example.com", "a@b\r\nBcc: c@d", "a b@c.d", "<a@b.c>", "a@b.c,d@e.f"] {
            assert!(address(bad).is_err(), "{bad:?}");
        }
        assert!(address(&format!("{}@example.com", "a".repeat(250))).is_err());
    }
}
