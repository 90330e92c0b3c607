//! Compiles everything a gateway must know into one immutable snapshot.
//!
//! A deployed revision never changes, so its compiled form is kept and shared; a change costs the rows that changed.

mod age;
mod api;
pub(crate) mod changes;
mod consumers;
mod contract;
mod traffic;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use model::snapshot::{DeployedApi, Lifecycle, Snapshot};
use model::{ApiDocument, ApiId, RevisionId, TenantDomain, TenantId, Timestamp};
use store::UnitOfWork;
use store::repository::revision::{self, ServedRow};
use store::repository::{artifact, change, operation_policy, tenant, throttling};

pub use age::SnapshotAge;
pub(crate) use consumers::consumers;

use crate::publishing::{TEMPLATE, client_certificates, policy_uses, products};
use crate::throttling::limit_of;
use crate::{ControlError, FaultKind, Ports, Sealer, environment, lifecycle, logging};

/// What a compiled API depends on besides its frozen revision.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    revision: RevisionId,
    environment: String,
    vhost: String,
    lifecycle: String,
    is_default: bool,
    default_waits: bool,
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
    pub(crate) async fn compile(
        &self,
        work: &mut UnitOfWork,
        sealer: &dyn Sealer,
        now: Timestamp,
    ) -> Result<Snapshot, ControlError> {
        let version = u64::try_from(change::latest(work).await?).unwrap_or(0);
        let consumers = consumers(work, sealer, now).await?;
        let mut served = revision::all_deployments(work).await?;
        // An inactive tenant has no APIs at the gateway.
        served.retain(|row| consumers.tenants.contains_key(&row.tenant));
        let mut apis = Vec::with_capacity(served.len());
        let mut served_keys = HashSet::with_capacity(served.len());
        for row in served {
            let Some(compiled) = self.compile_now(work, &row, sealer).await? else { continue };
            served_keys.insert(Key::of(&row));
            apis.push(compiled);
        }
        // What is served no longer is forgotten here.
        self.known.lock().unwrap_or_else(PoisonError::into_inner).retain(|key, _| served_keys.contains(key));
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
            subject_epochs: BTreeMap::new(),
            api_keys: consumers.api_keys,
            denials: consumers.denials,
            custom_limits: consumers.custom_limits,
            logs: logging::served(work).await?,
        })
    }

    /// A deployment as it is now; `None` is logged. Certificates of clients are the API's, not the revision's: they are read
    /// every time, so that no memory can keep one that was taken away.
    async fn compile_now(
        &self,
        work: &mut UnitOfWork,
        row: &ServedRow,
        sealer: &dyn Sealer,
    ) -> Result<Option<Arc<DeployedApi>>, ControlError> {
        let Some(compiled) = self.compile_known(work, row, sealer).await? else { return Ok(None) };
        if !compiled.security.mutual_tls {
            return Ok(Some(compiled));
        }
        let certificates = client_certificates::served(work, row.tenant, row.deployment.api).await?;
        Ok(Some(Arc::new(DeployedApi { client_certificates: certificates, ..DeployedApi::clone(&compiled) })))
    }

    /// What of a deployment its revision says, from memory when it was compiled before.
    async fn compile_known(
        &self,
        work: &mut UnitOfWork,
        row: &ServedRow,
        sealer: &dyn Sealer,
    ) -> Result<Option<Arc<DeployedApi>>, ControlError> {
        let key = Key::of(row);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if known.is_some() {
            return Ok(known);
        }
        match compile_row(work, row, sealer).await? {
            Ok(compiled) => {
                let compiled = Arc::new(compiled);
                let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                known.insert(key, Arc::clone(&compiled));
                Ok(Some(compiled))
            }
            Err(reason) => {
                tracing::error!(api = %row.deployment.api, %reason, "an API was left out of the snapshot");
                Ok(None)
            }
        }
    }
}

impl Key {
    fn of(row: &ServedRow) -> Self {
        Self {
            revision: row.deployment.revision,
            environment: row.deployment.environment.clone(),
            vhost: row.deployment.vhost.clone(),
            lifecycle: row.lifecycle.clone(),
            is_default: row.is_default,
            default_waits: row.default_waits,
        }
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
    let templates = templates(work, row.tenant, deployment.api, &document).await?;
    let compiled = api::compile((deployment.api, deployment.revision, row.tenant), &document, &templates, sealer);
    let compiled = match compiled {
        Ok(compiled) => contract::attach(work, &deployment.revision.to_string(), &document, compiled).await?,
        Err(reason) => Err(reason),
    };
    Ok(compiled.map(|mut compiled| {
        compiled.lifecycle = lifecycle::parse(&row.lifecycle).unwrap_or(Lifecycle::Retired);
        // What was the default when it was deployed stays it until its successor is there.
        compiled.is_default_version = row.is_default || row.default_waits && document.flag("isDefaultVersion");
        // The built-in gateway answers on every name of this machine.
        compiled.vhost =
            if deployment.environment == environment::DEFAULT { String::new() } else { deployment.vhost.clone() };
        compiled
    }))
}

/// Refuses what a gateway could not serve, before anything is changed: compiles the API here, then asks the gateways to
/// compile it.
///
/// # Errors
/// 400 with the reason.
pub(crate) async fn check_servable(
    work: &mut UnitOfWork,
    ports: &Ports,
    (id, revision, tenant): (ApiId, RevisionId, TenantId),
    document: &ApiDocument,
) -> Result<(), ControlError> {
    let refused = |reason: String| {
        ControlError::new(
            FaultKind::Invalid,
            902_301,
            "The API cannot be deployed",
            format!("The gateway cannot serve {} {}: {reason}.", document.name(), document.version()),
        )
    };
    let templates = templates(work, tenant, id, document).await?;
    let compiled = api::compile((id, revision, tenant), document, &templates, ports.sealer.as_ref());
    // Before a revision is made its files are those of the API.
    let compiled = compiled.map_err(refused)?;
    let mut compiled = contract::attach(work, &id.to_string(), document, compiled).await?.map_err(refused)?;
    if compiled.security.mutual_tls {
        compiled.client_certificates = client_certificates::served(work, tenant, id).await?;
    }
    for resource in &compiled.resources {
        policy::CompiledFlows::compile(&compiled.policies, &resource.policies)
            .map_err(|fault| refused(format!("{} {}: {fault}", resource.verb, resource.template)))?;
    }
    let question = only(work, compiled).await?;
    ports.gateway.check(question).await.map_err(|faults| refused(faults.join("; ")))
}

/// The policies that an API may use besides the catalogue's; for a product, those of its members.
async fn templates(
    work: &mut UnitOfWork,
    tenant: TenantId,
    id: ApiId,
    document: &ApiDocument,
) -> Result<api::Templates, ControlError> {
    let mut found = Vec::new();
    for (member, document) in products::member_documents(document) {
        found.extend(templates_of(work, tenant, member, &document).await?);
    }
    found.extend(templates_of(work, tenant, id, document).await?);
    Ok(found)
}

/// Those of one API, its own before the tenant's.
async fn templates_of(
    work: &mut UnitOfWork,
    tenant: TenantId,
    id: ApiId,
    document: &ApiDocument,
) -> Result<api::Templates, ControlError> {
    let flows = document.operations().iter().map(|o| o.get("operationPolicies"));
    let used: HashSet<String> = flows
        .chain(std::iter::once(document.get("apiPolicies")))
        .flat_map(|flows| ["request", "response", "fault"].map(|flow| policy_uses(flows, flow)))
        .flatten()
        .map(|r#use| r#use.name)
        .filter(|name| !policy::CATALOG.iter().any(|known| known.metadata().name == *name))
        .collect();
    let mut found = Vec::new();
    if used.is_empty() {
        return Ok(found);
    }
    for owner in [id.to_string(), String::new()] {
        for row in operation_policy::list(work, tenant, &owner).await?.into_iter().filter(|r| used.contains(&r.name)) {
            let file = artifact::find(work, &row.id, TEMPLATE).await?;
            let text = file.map(|f| String::from_utf8_lossy(&f.bytes).into_owned()).unwrap_or_default();
            found.push((row.name, row.version, text));
        }
    }
    Ok(found)
}

/// A snapshot that holds one API, its tenant and the tenant's limits.
async fn only(work: &mut UnitOfWork, api: DeployedApi) -> Result<Snapshot, ControlError> {
    let tenant = api.tenant;
    let domain = tenant::by_id(work, tenant).await?.map_or_else(TenantDomain::super_domain, |row| row.tenant.domain);
    let mut limits = consumers::unlimited_of(tenant);
    limits.extend(throttling::all(work).await?.iter().filter(|row| row.tenant == tenant).filter_map(limit_of));
    Ok(Snapshot {
        version: 0,
        tenants: BTreeMap::from([(tenant, domain)]),
        apis: vec![Arc::new(api)],
        applications: BTreeMap::new(),
        keys: BTreeMap::new(),
        subscriptions: Vec::new(),
        limits,
        issuers: Vec::new(),
        revoked_tokens: BTreeMap::new(),
        subject_epochs: BTreeMap::new(),
        api_keys: BTreeMap::new(),
        denials: Vec::new(),
        custom_limits: Vec::new(),
        logs: Vec::new(),
    })
}
