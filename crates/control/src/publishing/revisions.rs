//! Revisions: frozen copies of an API, and where they are deployed.

use model::{ApiDocument, ApiId, RevisionId};
use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::api::{self, ApiRow};
use store::repository::artifact;
use store::repository::revision::{self, DeploymentRow, RevisionRow};

use super::load::{load, parse};
use super::rules;
use crate::document::{Faults, ViewContext, view};
use crate::governance::admission;
use crate::workflow::revision_deployment;
use crate::{Actor, Change, Control, ControlError, FaultKind, environment, snapshot};

/// Most revisions an API keeps (WSO2's number).
const MAX_REVISIONS: usize = 5;

/// Where to deploy a revision.
#[derive(Clone, Debug)]
pub struct DeploymentRequest {
    /// Gateway environment name.
    pub environment: String,
    /// Virtual host; empty means the environment's first.
    pub vhost: String,
    /// Whether the Developer Portal shows the environment's URLs.
    pub display_on_devportal: bool,
}

impl Control {
    /// Freezes the working copy.
    ///
    /// # Errors
    /// 400 with code 900351 at the sixth revision, and for APIs that are only advertised; 403, 404.
    pub async fn create_revision(&self, actor: &Actor, id: ApiId, description: &str) -> Result<Value, ControlError> {
        let mut work = self.begin().await?;
        let row = load(&mut work, actor, id).await?;
        let made = self.insert_revision(&mut work, actor, &row, description).await?;
        let target = format!("api/{id}/revision/{}", made.id);
        self.commit(work, actor, Change::managed("publisher.revisions.create", &target)).await?;
        Ok(revision_object(&made, &[]))
    }

    pub(super) async fn insert_revision(
        &self,
        work: &mut UnitOfWork,
        actor: &Actor,
        row: &ApiRow,
        description: &str,
    ) -> Result<RevisionRow, ControlError> {
        let document = parse(row)?;
        let advertised = document.get("advertiseInfo").and_then(|a| a.get("advertised")?.as_bool()).unwrap_or(false);
        if advertised {
            return Err(ControlError::new(
                FaultKind::Invalid,
                903_225,
                "Can not create API Revision ",
                "This API is only advertised: it runs on another gateway, so there is nothing to deploy",
            ));
        }
        if revision::list(work, row.id).await?.len() >= MAX_REVISIONS {
            return Err(ControlError::new(
                FaultKind::Invalid,
                900_351,
                "Can not create API Revision ",
                format!(
                    "Maximum number of revisions per API has reached. Need to remove any revision to create a new \
                     Revision for API with API UUID: {}",
                    row.id
                ),
            ));
        }
        admission::admit(self, work, row, "API_DEPLOY").await?;
        let made = RevisionRow {
            id: RevisionId::new(self.uuid()),
            tenant: row.tenant,
            api: row.id,
            number: api::next_revision(work, row.tenant, row.id).await?,
            description: description.chars().take(255).collect(),
            document: row.document.clone(),
            created_at: self.now(),
            created_by: actor.name(),
        };
        revision::insert(work, &made).await?;
        artifact::copy_all(work, &row.id.to_string(), &made.id.to_string()).await?;
        Ok(made)
    }

    /// Revisions of an API, oldest first; `deployed` narrows to those that are, or are not, on a gateway.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn revisions(
        &self,
        actor: &Actor,
        id: ApiId,
        deployed: Option<bool>,
    ) -> Result<Vec<Value>, ControlError> {
        let mut work = self.read().await?;
        let row = load(&mut work, actor, id).await?;
        list_objects(&mut work, row.id, deployed).await
    }

    /// One revision.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn revision(&self, actor: &Actor, id: ApiId, revision: &str) -> Result<Value, ControlError> {
        let mut work = self.read().await?;
        let row = load(&mut work, actor, id).await?;
        let found = find(&mut work, &row, revision).await?;
        let deployments = all_deployments(&mut work, id).await?;
        Ok(revision_object(&found, &deployments))
    }

    /// Removes a revision; returns those that are left.
    ///
    /// # Errors
    /// 400 while it is deployed; 403, 404.
    pub async fn delete_revision(&self, actor: &Actor, id: ApiId, revision: &str) -> Result<Vec<Value>, ControlError> {
        let mut work = self.begin().await?;
        let row = load(&mut work, actor, id).await?;
        let found = find(&mut work, &row, revision).await?;
        if revision::deployments(&mut work, id).await?.iter().any(|d| d.revision == found.id) {
            return Err(ControlError::new(
                FaultKind::Invalid,
                900_348,
                "Can not delete API Revision ",
                format!(
                    "Couldn't delete API revision since API revision is currently deployed to a gateway. You need to \
                     undeploy the API Revision from the gateway before attempting deleting API Revision: {}",
                    found.id
                ),
            ));
        }
        revision::delete(&mut work, found.id).await?;
        let left = list_objects(&mut work, id, None).await?;
        let target = format!("api/{id}/revision/{}", found.id);
        self.commit(work, actor, Change::managed("publisher.revisions.delete", &target)).await?;
        Ok(left)
    }

    /// Deploys a revision; when this returns, the gateway serves it. Whatever the gateway could not serve is refused
    /// here and changes nothing.
    ///
    /// # Errors
    /// 400 for an unknown environment or virtual host, or an API that a gateway cannot serve; 403, 404.
    pub async fn deploy_revision(
        &self,
        actor: &Actor,
        id: ApiId,
        revision: &str,
        requests: &[DeploymentRequest],
    ) -> Result<Vec<Value>, ControlError> {
        let mut work = self.begin().await?;
        let row = load(&mut work, actor, id).await?;
        let found = find(&mut work, &row, revision).await?;
        let waits = self.deploy_or_ask(&mut work, actor, (&row, &found), requests).await?;
        let deployments = all_deployments(&mut work, id).await?;
        let target = format!("api/{id}/revision/{}", found.id);
        if waits {
            work.save().await?;
        } else {
            self.commit(work, actor, Change::of_api("publisher.revisions.deploy", &target, id)).await?;
        }
        Ok(deployments_of(&deployments, &found))
    }

    /// Deploys a revision, or asks for it where the tenant wants that; whether it waits.
    pub(super) async fn deploy_or_ask(
        &self,
        work: &mut UnitOfWork,
        actor: &Actor,
        (row, found): (&ApiRow, &RevisionRow),
        requests: &[DeploymentRequest],
    ) -> Result<bool, ControlError> {
        let deployments = self.checked_deployments(work, row, found, requests).await?;
        if revision_deployment::ask(self, work, actor, (row, found), &deployments).await? {
            return Ok(true);
        }
        for deployment in &deployments {
            revision::deploy(work, deployment).await?;
        }
        Ok(false)
    }

    pub(crate) async fn deploy_in(
        &self,
        work: &mut UnitOfWork,
        row: &ApiRow,
        found: &RevisionRow,
        requests: &[DeploymentRequest],
    ) -> Result<(), ControlError> {
        for deployment in self.checked_deployments(work, row, found, requests).await? {
            revision::deploy(work, &deployment).await?;
        }
        Ok(())
    }

    /// What deploying a revision would write; everything that a gateway could not serve is refused.
    async fn checked_deployments(
        &self,
        work: &mut UnitOfWork,
        row: &ApiRow,
        found: &RevisionRow,
        requests: &[DeploymentRequest],
    ) -> Result<Vec<DeploymentRow>, ControlError> {
        if requests.is_empty() {
            return Err(ControlError::invalid("Name at least one gateway environment."));
        }
        let document: ApiDocument = serde_json::from_str(&found.document)
            .map_err(|e| ControlError::internal(format!("the stored revision {} is damaged: {e}", found.id)))?;
        check_scopes(work, row, &document).await?;
        snapshot::check_servable(work, self.ports(), (row.id, found.id, row.tenant), &document).await?;
        let mut deployments = Vec::new();
        for request in requests {
            let vhost = self.check_environment(work, row, request).await?;
            deployments.push(DeploymentRow {
                api: row.id,
                environment: request.environment.clone(),
                revision: found.id,
                vhost,
                display_on_devportal: request.display_on_devportal,
                deployed_at: self.now(),
            });
        }
        Ok(deployments)
    }

    async fn check_environment(
        &self,
        work: &mut UnitOfWork,
        row: &ApiRow,
        request: &DeploymentRequest,
    ) -> Result<String, ControlError> {
        let name = &request.environment;
        let found = environment::find_by_name(self, work, row.tenant, name).await?.ok_or_else(|| {
            ControlError::new(
                FaultKind::Invalid,
                900_504,
                "Invalid Gateway Environment",
                format!("Gateway Environment with name 'name '{name}'' not found"),
            )
        })?;
        let vhosts = found.get("vhosts").and_then(Value::as_array);
        let hosts: Vec<&str> = vhosts.into_iter().flatten().filter_map(|v| v.get("host")?.as_str()).collect();
        if request.vhost.is_empty() {
            return Ok(hosts.first().map(|h| (*h).to_owned()).unwrap_or_default());
        }
        if hosts.iter().any(|h| h.eq_ignore_ascii_case(&request.vhost)) {
            return Ok(request.vhost.to_lowercase());
        }
        Err(ControlError::new(
            FaultKind::Invalid,
            900_512,
            "Invalid virtual host name provided",
            format!("{name} has no virtual host {}; it has {}", request.vhost, hosts.join(", ")),
        ))
    }

    /// Takes a revision off environments; off all of them when none is named. Returns what is still deployed.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn undeploy_revision(
        &self,
        actor: &Actor,
        id: ApiId,
        revision: &str,
        environments: &[String],
    ) -> Result<Vec<Value>, ControlError> {
        let mut work = self.begin().await?;
        let row = load(&mut work, actor, id).await?;
        let found = find(&mut work, &row, revision).await?;
        revision_deployment::withdraw(&mut work, (id, found.id), environments).await?;
        for deployment in revision::deployments(&mut work, id).await? {
            let named = environments.is_empty() || environments.contains(&deployment.environment);
            if deployment.revision == found.id && named {
                revision::undeploy(&mut work, id, &deployment.environment).await?;
            }
        }
        let left = revision::deployments(&mut work, id).await?;
        let target = format!("api/{id}/revision/{}", found.id);
        self.commit(work, actor, Change::of_api("publisher.revisions.undeploy", &target, id)).await?;
        Ok(left.iter().map(deployment_object).collect())
    }

    /// Makes a revision the working copy again; lifecycle state and deployments stay.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn restore_revision(
        &self,
        actor: &Actor,
        id: ApiId,
        revision: &str,
    ) -> Result<ApiDocument, ControlError> {
        let mut work = self.begin().await?;
        let mut row = load(&mut work, actor, id).await?;
        let found = find(&mut work, &row, revision).await?;
        let mut document: ApiDocument = serde_json::from_str(&found.document)
            .map_err(|e| ControlError::internal(format!("the stored revision {} is damaged: {e}", found.id)))?;
        document.set("isDefaultVersion", row.is_default);
        document.set("lifeCycleStatus", row.lifecycle.clone());
        check_scopes(&mut work, &row, &document).await?;
        if let Some((product, operation)) = super::products::lost_operation(&mut work, &row, Some(&document)).await? {
            return Err(ControlError::new(
                FaultKind::Invalid,
                900_364,
                "Can not restore API Revision ",
                format!("The revision has no operation {operation}, which the API product {product} uses"),
            ));
        }
        super::load::store_document(&mut row, &document)?;
        row.updated_at = self.now();
        row.updated_by = actor.name();
        api::update(&mut work, &row).await?;
        rules::bind_scopes(&mut work, row.tenant, &document).await?;
        artifact::copy_all(&mut work, &found.id.to_string(), &id.to_string()).await?;
        let target = format!("api/{id}/revision/{}", found.id);
        self.commit(work, actor, Change::of_api("publisher.revisions.restore", &target, id)).await?;
        view(&row, ViewContext::default())
    }

    /// Where an API is deployed.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn deployments(&self, actor: &Actor, id: ApiId) -> Result<Vec<Value>, ControlError> {
        let mut work = self.read().await?;
        load(&mut work, actor, id).await?;
        Ok(revision::deployments(&mut work, id).await?.iter().map(deployment_object).collect())
    }
}

/// The scopes of a frozen object may have become another API's since.
async fn check_scopes(work: &mut UnitOfWork, row: &ApiRow, document: &ApiDocument) -> Result<(), ControlError> {
    let mut faults = Faults::default();
    rules::check_scope_owners(work, row.tenant, document, &mut faults).await?;
    faults.into_result()
}

/// A revision by its id, or by its number as text.
async fn find(work: &mut UnitOfWork, row: &ApiRow, revision: &str) -> Result<RevisionRow, ControlError> {
    let missing = || {
        ControlError::new(
            FaultKind::NotFound,
            900_347,
            "API Revision Not Found",
            format!("Requested API Revision with id {revision} not found"),
        )
    };
    if let Ok(number) = revision.parse::<i64>() {
        return revision::list(work, row.id).await?.into_iter().find(|r| r.number == number).ok_or_else(missing);
    }
    let id: RevisionId = revision.parse().map_err(|_| missing())?;
    revision::find(work, row.id, id).await?.ok_or_else(missing)
}

async fn list_objects(work: &mut UnitOfWork, id: ApiId, deployed: Option<bool>) -> Result<Vec<Value>, ControlError> {
    let deployments = all_deployments(work, id).await?;
    // As in WSO2: what is asked for counts, with its status.
    let is_deployed = |r: &RevisionRow| !deployments_of(&deployments, r).is_empty();
    let all = revision::list(work, id).await?;
    Ok(all
        .iter()
        .filter(|r| deployed.is_none_or(|wanted| wanted == is_deployed(r)))
        .map(|r| revision_object(r, &deployments))
        .collect())
}

/// Where an API is deployed, and where somebody asks to deploy it, each with its revision.
async fn all_deployments(work: &mut UnitOfWork, id: ApiId) -> Result<Vec<(String, Value)>, ControlError> {
    let rows = revision::deployments(work, id).await?;
    let mut all: Vec<_> = rows.iter().map(|row| (row.revision.to_string(), deployment_object(row))).collect();
    all.extend(revision_deployment::of_api(work, id).await?);
    Ok(all)
}

fn deployments_of(all: &[(String, Value)], row: &RevisionRow) -> Vec<Value> {
    let id = row.id.to_string();
    all.iter().filter(|(revision, _)| *revision == id).map(|(_, value)| value.clone()).collect()
}

/// WSO2's `APIRevision`.
fn revision_object(row: &RevisionRow, deployments: &[(String, Value)]) -> Value {
    let info = deployments_of(deployments, row);
    json!({
        "displayName": format!("Revision {}", row.number),
        "id": row.id.to_string(),
        "description": row.description,
        "createdTime": row.created_at.rfc3339(),
        "apiInfo": {"id": row.api.to_string()},
        "deploymentInfo": info,
    })
}

/// WSO2's `APIRevisionDeployment`. Publishing waits for the gateway, so a stored deployment is a live one.
fn deployment_object(row: &DeploymentRow) -> Value {
    json!({
        "revisionUuid": row.revision.to_string(),
        "name": row.environment,
        "vhost": row.vhost,
        "displayOnDevportal": row.display_on_devportal,
        "status": "APPROVED",
        "deployedTime": row.deployed_at.rfc3339(),
        "successDeployedTime": row.deployed_at.rfc3339(),
        "liveGatewayCount": 1,
        "deployedGatewayCount": 1,
        "failedGatewayCount": 0,
    })
}
