//! The first administrator: created from the configuration, or by a one-time link that is printed once (guideline A18).

use std::sync::Arc;

use identity::{ADMIN_ROLE, Identity, IdentityError, NewUser};
use model::{Secret, TenantId};
use portal::{Field, FieldFault, FirstAdministrator, SetUpFault};
use web::BoxFuture;

use crate::config::{Config, is_known_password};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::installation::Secrets;

/// How far the first boot is.
pub(crate) enum FirstBoot {
    /// There is an administrator.
    Done,
    /// A link was made before and still works; it is not shown again.
    LinkWaits,
    /// A link was made now.
    Link(Secret<String>),
    /// The configured administrator was created now.
    Created,
}

impl FirstBoot {
    /// Whether nobody can sign in yet.
    pub(crate) const fn is_pending(&self) -> bool {
        matches!(self, Self::LinkWaits | Self::Link(_))
    }

    /// The link to show once.
    pub(crate) fn link(&self, config: &Config) -> Option<String> {
        match self {
            Self::Link(token) => Some(link(config, token)),
            _ => None,
        }
    }
}

/// The URL of a set-up token.
pub(crate) fn link(config: &Config, token: &Secret<String>) -> String {
    format!("{}/setup/{}", console_url(config), token.expose())
}

/// Base URL of the management listener, without a slash at the end.
pub(crate) fn console_url(config: &Config) -> String {
    format!("https://{}:{}", config.server.hostname, config.listeners.console.port())
}

/// Base URL of the gateway's TLS listener, without a slash at the end.
pub(crate) fn gateway_url(config: &Config) -> String {
    let port = config.listeners.gateway_https.map_or(0, |address| address.port());
    format!("https://{}:{port}", config.server.hostname)
}

/// Prepares the user store, and makes the configured administrator or a link when there is none.
pub(crate) async fn prepare(identity: &Identity, config: &Config, secrets: &Secrets) -> Outcome<FirstBoot> {
    identity.initialise().await.map_err(|e| failure(&e))?;
    if !identity.needs_setup().await.map_err(|e| failure(&e))? {
        return Ok(FirstBoot::Done);
    }
    if let Some(admin) = &config.first_admin {
        let name = secrets.text(&admin.username)?;
        let password = secrets.resolve(&admin.password)?;
        if is_known_password(password.expose()) {
            return Err(Failure::new(
                Exit::Refused,
                "A18.1",
                "the configured administrator has a publicly known password",
                "whoever reads the manual would be administrator",
                "choose another password for [super_admin]",
            ));
        }
        let roles = vec![ADMIN_ROLE.to_owned()];
        let new = NewUser { name, password, attributes: serde_json::Map::new(), roles };
        identity.create_user(TenantId::SUPER, new).await.map_err(|e| failure(&e))?;
        return Ok(FirstBoot::Created);
    }
    if identity.setup_link_waits().await.map_err(|e| failure(&e))? {
        return Ok(FirstBoot::LinkWaits);
    }
    identity.create_setup_link().await.map(FirstBoot::Link).map_err(|e| failure(&e))
}

/// A use case's refusal as the operator reads it.
pub(crate) fn failure(error: &IdentityError) -> Failure {
    match error {
        IdentityError::Store(store) => Failure::store(store),
        IdentityError::NotFound(text) => {
            Failure::new(Exit::NotFound, "USR001", text.as_str(), "", "portcullis user list")
        }
        IdentityError::Password(fault) => {
            Failure::new(Exit::Refused, "X09.2", "the password is refused", fault.to_string(), "choose another one")
        }
        IdentityError::Directory => Failure::new(
            Exit::Unreachable,
            "USR003",
            "the user directory does not answer",
            "the log says why",
            "check connection_url, connection_name and the certificate authority of the directory",
        ),
        IdentityError::Internal(text) => Failure::internal(text.as_str()),
        other => Failure::new(Exit::Refused, "USR002", other.to_string(), "", ""),
    }
}

/// The set-up page's port over the user store.
pub(crate) struct SetUpPort(pub(crate) Arc<Identity>);

impl FirstAdministrator for SetUpPort {
    fn is_pending(&self) -> BoxFuture<'_, Result<bool, String>> {
        Box::pin(async { self.0.needs_setup().await.map_err(|e| e.to_string()) })
    }

    fn link_works<'a>(&'a self, token: &'a Secret<String>) -> BoxFuture<'a, Result<bool, String>> {
        Box::pin(async { self.0.check_setup_link(token).await.map_err(|e| e.to_string()) })
    }

    fn complete<'a>(
        &'a self,
        token: &'a Secret<String>,
        name: &'a str,
        password: Secret<String>,
    ) -> BoxFuture<'a, Result<(), SetUpFault>> {
        Box::pin(async move {
            let field = |field, message: String| SetUpFault::Fields(vec![FieldFault { field, message }]);
            match self.0.complete_setup(token, name, password).await {
                Ok(_) => Ok(()),
                // Somebody else finished first: the link is void for everybody.
                Err(IdentityError::SetupLink) => Err(SetUpFault::Link),
                Err(IdentityError::Password(fault)) => Err(field(Field::Password, fault.to_string())),
                Err(IdentityError::Invalid(text)) => Err(field(Field::Name, text)),
                Err(IdentityError::Conflict(text)) => Err(field(Field::Name, text)),
                Err(other) => Err(SetUpFault::Unavailable(other.to_string())),
            }
        })
    }

    fn password_policy(&self) -> String {
        format!(
            "At least {} characters. A few words in a row are easy to remember and hard to guess.",
            identity::MIN_PASSWORD_CHARS
        )
    }
}
