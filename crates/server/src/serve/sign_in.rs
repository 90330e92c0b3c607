//! What sign-in needs from files and other systems: the list of breached passwords, and the mail server.

use std::sync::Arc;

use control::{Approvals, ControlError, PendingApproval};
use identity::{BreachList, Identity, SelfRegistration, SmtpMailer, SmtpSettings};
use model::TenantId;
use web::BoxFuture;

use crate::config::Config;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::installation::Secrets;

/// The role of people who made their account themselves, as in WSO2.
const SUBSCRIBER: &str = "Internal/subscriber";

/// Settings that need nothing but the configuration.
pub(super) fn settings(config: &Config, settings: &mut identity::IdentitySettings) {
    let sign_in = &config.sign_in;
    settings.session_idle = sign_in.session_idle;
    settings.session_lifetime = sign_in.session_lifetime;
    settings.recovery.clone_from(&sign_in.recovery);
    settings.self_registration = sign_in.self_registration.as_ref().map(|(callback, approval)| SelfRegistration {
        callback: callback.clone(),
        approval: *approval,
        roles: vec![SUBSCRIBER.to_owned()],
    });
}

/// The service with its list of breached passwords and its mailer.
pub(crate) fn equip(identity: Identity, home: &Home, config: &Config, secrets: &Secrets) -> Outcome<Identity> {
    let mut identity = identity;
    if let Some(path) = &config.sign_in.breach_list {
        let path = home.root().join(path);
        let list = BreachList::open(&path).map_err(|e| {
            Failure::new(
                Exit::Configuration,
                "X09.1",
                format!("the list of breached passwords {} cannot be used", path.display()),
                e.to_string(),
                "set breach_list in [password_policy] to a folder of range files or a file of SHA-1 hashes in order",
            )
        })?;
        identity = identity.with_breach_list(list);
    }
    if let Some(email) = &config.sign_in.email {
        let credentials = match &email.credentials {
            Some((name, password)) => Some((secrets.text(name)?, secrets.resolve(password)?)),
            None => None,
        };
        let authorities = super::egress::private_roots(home, config, secrets)?;
        let settings = SmtpSettings {
            host: email.host.as_str().to_owned(),
            port: email.port,
            tls: email.tls,
            credentials,
            from: email.from.clone(),
            authorities: authorities.iter().map(|certificate| certificate.to_vec()).collect(),
        };
        let unusable = |why: String| {
            let fix = "portcullis config show output_adapter.email";
            Failure::new(Exit::Configuration, "MAIL001", "the mail server cannot be used", why, fix)
        };
        identity = identity.with_mailer(Arc::new(SmtpMailer::new(settings).map_err(unusable)?));
    }
    Ok(identity)
}

/// People who want an account, for the workflows of the Admin API.
pub(super) struct SignUps(pub(super) Arc<Identity>);

impl Approvals for SignUps {
    fn list(&self, tenant: TenantId) -> BoxFuture<'_, Result<Vec<PendingApproval>, ControlError>> {
        Box::pin(async move {
            let found = self.0.sign_ups(tenant).await.map_err(refused)?;
            let pending = |p: identity::PendingSignUp| PendingApproval {
                id: p.id,
                name: p.name,
                email: p.email,
                created_at: p.created_at,
            };
            Ok(found.into_iter().map(pending).collect())
        })
    }

    fn decide<'a>(
        &'a self,
        tenant: TenantId,
        by: &'a str,
        id: &'a str,
        approved: bool,
    ) -> BoxFuture<'a, Result<(), ControlError>> {
        Box::pin(async move {
            let identity = self.0.on_behalf_of(by);
            match approved {
                true => identity.approve_sign_up(tenant, id).await.map_err(refused),
                false => identity.reject_sign_up(tenant, id).await.map_err(refused),
            }
        })
    }
}

fn refused(error: identity::IdentityError) -> ControlError {
    web::RestError::from(error).into()
}
