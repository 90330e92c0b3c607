//! Deploying a revision to a gateway environment. Each environment is a request of its own.

use model::{ApiId, RevisionId};
use serde_json::{Map, Value, json};
use store::UnitOfWork;
use store::repository::api::{self, ApiRow};
use store::repository::revision::{self, DeploymentRow, RevisionRow};
use store::repository::workflow::{self as requests, WorkflowRow};

use super::{Decision, Kind, Properties, Wish, gone, park};
use crate::field::Field;
use crate::{Actor, Control, ControlError, DeploymentRequest, Effect};

/// The kind.
pub(crate) const KIND: Kind = Kind {
    code: "AM_REVISION_DEPLOYMENT",
    element: "APIRevisionDeployment",
    executor: "APIRevisionDeployment",
    title: "Deployment",
    properties: Properties::None,
    carry_out: Some(|decision| Box::pin(carry_out(decision))),
};

/// Asks for deployments where the tenant wants that; `false` when they can be carried out at once. What was asked for
/// the same environments before is replaced: one of the two would be undone anyhow.
pub(crate) async fn ask(
    control: &Control,
    work: &mut UnitOfWork,
    actor: &Actor,
    (row, found): (&ApiRow, &RevisionRow),
    deployments: &[DeploymentRow],
) -> Result<bool, ControlError> {
    if super::rule(control, work, row.tenant, &KIND).await?.is_none() {
        return Ok(false);
    }
    for deployment in deployments {
        for former in waiting(work, row.id).await? {
            if former.document.at("asked").at("name").as_str() == Some(&deployment.environment) {
                requests::remove(work, former.id).await?;
            }
        }
        let mut properties = Map::new();
        for (name, value) in [
            ("revisionId", found.number.to_string()),
            ("apiName", row.name.clone()),
            ("apiVersion", row.version.clone()),
            ("apiProvider", row.provider.clone()),
            ("environment", deployment.environment.clone()),
            ("userName", actor.name()),
        ] {
            properties.insert(name.into(), json!(value));
        }
        let description = format!(
            "Approve that {} deploys revision {} of {} {} to {}.",
            actor.name(),
            found.number,
            row.name,
            row.version,
            deployment.environment
        );
        let wish = Wish {
            kind: &KIND,
            tenant: row.tenant,
            application: None,
            api: Some(row.id),
            subject: ("revision", found.id.to_string()),
            description,
            properties,
            asked: &json!({
                "name": deployment.environment,
                "vhost": deployment.vhost,
                "displayOnDevportal": deployment.display_on_devportal,
            }),
        };
        park(control, work, actor, wish).await?;
    }
    Ok(true)
}

async fn waiting(work: &mut UnitOfWork, api: ApiId) -> Result<Vec<WorkflowRow>, ControlError> {
    let mut rows = requests::of_api(work, api).await?;
    rows.retain(|row| row.kind == KIND.code);
    Ok(rows)
}

/// The deployments of an API that are asked for, as the Publisher shows deployments, each with its revision.
pub(crate) async fn of_api(work: &mut UnitOfWork, api: ApiId) -> Result<Vec<(String, Value)>, ControlError> {
    let shown = |row: WorkflowRow| {
        let asked = row.document.at("asked");
        let value = json!({
            "revisionUuid": row.subject,
            "name": asked.at("name"),
            "vhost": asked.at("vhost"),
            "displayOnDevportal": asked.at("displayOnDevportal"),
            "status": "CREATED",
            "deployedTime": row.created.rfc3339(),
            "successDeployedTime": Value::Null,
            "liveGatewayCount": 0,
            "deployedGatewayCount": 0,
            "failedGatewayCount": 0,
        });
        (row.subject, value)
    };
    Ok(waiting(work, api).await?.into_iter().map(shown).collect())
}

/// Withdraws what is asked for a revision; for all environments when none is named.
pub(crate) async fn withdraw(
    work: &mut UnitOfWork,
    (api, found): (ApiId, RevisionId),
    environments: &[String],
) -> Result<(), ControlError> {
    let found = found.to_string();
    for row in waiting(work, api).await?.into_iter().filter(|row| row.subject == found) {
        let name = row.document.at("asked").at("name").as_str().unwrap_or_default();
        if environments.is_empty() || environments.iter().any(|environment| environment == name) {
            requests::remove(work, row.id).await?;
        }
    }
    Ok(())
}

async fn carry_out(decision: &Decision<'_>) -> Result<(), ControlError> {
    let id = decision.api()?;
    let mut work = decision.open().await?;
    if !decision.approved {
        return decision.keep(work, Effect::Nothing).await;
    }
    let row = api::find(&mut work, decision.request.tenant, id).await?.ok_or_else(|| gone("The API"))?;
    let found = revision::find(&mut work, id, decision.subject()?).await?.ok_or_else(|| gone("The revision"))?;
    let asked = decision.asked();
    let request = DeploymentRequest {
        environment: asked.at("name").as_str().unwrap_or_default().to_owned(),
        vhost: asked.at("vhost").as_str().unwrap_or_default().to_owned(),
        display_on_devportal: asked.at("displayOnDevportal") == true,
    };
    decision.control.deploy_in(&mut work, &row, &found, &[request]).await?;
    decision.keep(work, Effect::Api(id)).await
}
