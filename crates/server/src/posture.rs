//! Gathers the facts that guideline checks look at, and refuses the start when a condition does not hold.
//!
//! Collectors only read. What they cannot read becomes an unknown fact, never a passing one.

mod certificates;
mod configuration;
mod home;
mod store;
pub(crate) mod wso2;

use ::store::Database;
use guidelines::{Finding, Posture, findings};
use identity::Identity;
use model::Timestamp;
use vault::tls::ServerIdentity;

use crate::config::{Config, Effective};
use crate::failure::{Failure, Outcome};
use crate::first_boot;
use crate::home::Home;

pub(crate) use home::{resolver, served_authorities};
pub(crate) use store::add as add_store;

/// What is known of an installation from its files alone.
pub(crate) fn collect_static(home: &Home, config: &Config, effective: &[Effective], now: Timestamp) -> Posture {
    let settings = configuration::Settings { home, config, effective };
    Posture {
        taken_at: now.millis(),
        listeners: configuration::listeners(config),
        keystores: home::keystores(&settings, now),
        secrets: home::secrets(&settings),
        files: home::files(&settings),
        connections: configuration::connections(&settings),
        cleanup: configuration::cleanup(&settings),
        tls: configuration::tls(config),
        logs: configuration::logs(&settings),
        egress: configuration::egress(config),
        tokens: configuration::tokens(&settings),
        limits: configuration::limits(&settings),
        process: home::process(&settings),
        program: configuration::program(&settings, now),
        wso2: guidelines::Observed::Absent("this is an installation of Portcullis".to_owned()),
        ..Posture::default()
    }
}

/// Reads the state of an installation that is about to serve.
pub(crate) async fn collect(
    home: &Home,
    config: &Config,
    server_identity: &ServerIdentity,
    database: &Database,
    identity: &Identity,
    now: Timestamp,
) -> Outcome<Posture> {
    let mut posture = collect_static(home, config, &[], now);
    if let Some(stores) = posture.keystores.known_mut() {
        // What is served counts, not what lies in the file by now.
        stores.retain(|store| store.purpose != guidelines::KeystorePurpose::Tls);
        stores.push(certificates::served(server_identity, config, now));
    }
    if let Some(process) = posture.process.known_mut() {
        process.uid = rustix::process::geteuid().as_raw();
    }
    let pending = identity.needs_setup().await.map_err(|e| first_boot::failure(&e))?;
    let mut work = database.read().await?;
    posture.database = store::rights(database, &mut work).await;
    posture.api_contexts = store::contexts(&mut work).await;
    work.cancel().await?;
    posture.accounts = guidelines::Observed::Known(guidelines::Accounts {
        set_up_pending: pending && config.first_admin.is_none(),
        ..store::rules()
    });
    Ok(posture)
}

/// Refuses the start when a `must` does not hold; logs the rest.
pub(crate) fn enforce(posture: &Posture) -> Outcome {
    let (refusing, other): (Vec<Finding>, Vec<Finding>) =
        findings(posture).into_iter().partition(|finding| finding.refuses_start(posture.exposed()));
    for Finding { check, fault } in &other {
        tracing::warn!(
            check = check.id, place = %fault.place, observed = %fault.observed, fix = %fault.fix, "guideline finding"
        );
    }
    if refusing.is_empty() { Ok(()) } else { Err(Failure::guidelines(&refusing)) }
}

#[cfg(test)]
mod tests;
