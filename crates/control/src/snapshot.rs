//! Compiles everything a gateway must know into one immutable snapshot.
//!
//! A deployed revision never changes, so its compiled form is kept and shared; a change costs the rows that changed.

mod api;
mod consumers;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use model::snapshot::{DeployedApi, Lifecycle, Snapshot};
use model::{ApiDocument, ApiId, RevisionId, TenantId};
use store::UnitOfWork;
use store::repository::change;
use store::repository::revision::{self, ServedRow};

pub(crate) use consumers::consumers;

use crate::{ControlError, FaultKind, Sealer, environment, lifecycle};

/// What a compiled API depends on besides its frozen revision.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    revision: RevisionId,
    environment: String,
    vhost: String,
    lifecycle: String,
    is_default: bool,
}

/// The compiler with its memory of compiled revisions.
#[derive(Default)]
pub(crate) struct Compiler {
    known: Mutex<HashMap<Key, Arc<DeployedApi>>>,
}

impl Compiler {
    /// Compiles the present state.
    ///
    /// # Errors
    /// When the database cannot be read. An API that cannot be compiled any more is left out and logged; that can only
    /// be one whose secrets the vault lost.
    pub(crate) async fn compile(&self, work: &mut UnitOfWork, sealer: &dyn Sealer) -> Result<Snapshot, ControlError> {
        let version = u64::try_from(change::latest(work).await?).unwrap_or(0);
        let served = revision::all_deployments(work).await?;
        let mut apis = Vec::with_capacity(served.len());
        let mut next = HashMap::with_capacity(served.len());
        for row in served {
            let key = Key {
                revision: row.deployment.revision,
                environment: row.deployment.environment.clone(),
                vhost: row.deployment.vhost.clone(),
                lifecycle: row.lifecycle.clone(),
                is_default: row.is_default,
            };
            let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
            let compiled = match known {
                Some(compiled) => compiled,
                None => match compile_row(work, &row, sealer).await? {
                    Ok(compiled) => Arc::new(compiled),
                    Err(reason) => {
                        tracing::error!(api = %row.deployment.api, %reason, "an API was left out of the snapshot");
                        continue;
                    }
                },
            };
            next.insert(key, Arc::clone(&compiled));
            apis.push(compiled);
        }
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = next;
        let consumers = consumers(work).await?;
        Ok(Snapshot {
            version,
            tenants: consumers.tenants,
            apis,
            applications: consumers.applications,
            keys: consumers.keys,
            subscriptions: consumers.subscriptions,
            limits: consumers.limits,
            issuers: consumers.issuers,
            revoked_tokens: consumers.revoked_tokens,
            subject_epochs: consumers.subject_epochs,
            api_keys: consumers.api_keys,
            denials: consumers.denials,
        })
    }
}

async fn compile_row(
    work: &mut UnitOfWork,
    row: &ServedRow,
    sealer: &dyn Sealer,
) -> Result<Result<DeployedApi, String>, ControlError> {
    let deployment = &row.deployment;
    let Some(frozen) = revision::find(work, deployment.api, deployment.revision).await? else {
        return Ok(Err(format!("its revision {} is gone", deployment.revision)));
    };
    let document: ApiDocument = match serde_json::from_str(&frozen.document) {
        Ok(document) => document,
        Err(reason) => return Ok(Err(reason.to_string())),
    };
    let compiled = api::compile(deployment.api, deployment.revision, row.tenant, &document, sealer);
    Ok(compiled.map(|mut compiled| {
        compiled.lifecycle = lifecycle::parse(&row.lifecycle).unwrap_or(Lifecycle::Retired);
        compiled.is_default_version = row.is_default;
        // The built-in gateway answers on every name of this machine.
        compiled.vhost =
            if deployment.environment == environment::DEFAULT { String::new() } else { deployment.vhost.clone() };
        compiled
    }))
}

/// Refuses what a gateway could not serve, before anything is changed.
///
/// # Errors
/// 400 with the reason.
pub(crate) fn check_servable(
    id: ApiId,
    revision: RevisionId,
    tenant: TenantId,
    document: &ApiDocument,
    sealer: &dyn Sealer,
) -> Result<(), ControlError> {
    let refused = |reason: String| {
        ControlError::new(
            FaultKind::Invalid,
            902_301,
            "The API cannot be deployed",
            format!("The gateway cannot serve {} {}: {reason}.", document.name(), document.version()),
        )
    };
    let compiled = api::compile(id, revision, tenant, document, sealer).map_err(refused)?;
    for resource in &compiled.resources {
        policy::CompiledFlows::compile(&compiled.policies, &resource.policies)
            .map_err(|fault| refused(format!("{} {}: {fault}", resource.verb, resource.template)))?;
    }
    Ok(())
}
