//! Lifecycle actions of APIs and API products.

use serde_json::{Map, json};
use store::UnitOfWork;
use store::repository::api::{self, ApiRow};
use store::repository::workflow as requests;

use super::{Decision, Kind, Properties, Wish, gone, park};
use crate::field::Field;
use crate::publishing::products;
use crate::{Actor, Control, ControlError, Effect, LifecycleOptions};

/// APIs.
pub(crate) const API: Kind = Kind {
    code: "AM_API_STATE",
    element: "APIStateChange",
    executor: "APIStateChange",
    title: "Lifecycle of the API",
    properties: Properties::States,
    carry_out: Some(|decision| Box::pin(carry_out(decision))),
};
/// API products.
pub(crate) const PRODUCT: Kind = Kind {
    code: "AM_API_PRODUCT_STATE",
    element: "APIProductStateChange",
    executor: "APIProductStateChange",
    title: "Lifecycle of the API product",
    properties: Properties::States,
    carry_out: Some(|decision| Box::pin(carry_out(decision))),
};

fn kind_of(row: &ApiRow) -> &'static Kind {
    if row.kind == products::KIND { &PRODUCT } else { &API }
}

/// Asks for a lifecycle action where the tenant wants that; `false` when it can be carried out at once.
///
/// # Errors
/// 409 while one is asked for.
pub(crate) async fn ask(
    control: &Control,
    work: &mut UnitOfWork,
    actor: &Actor,
    row: &ApiRow,
    (action, options): (&str, LifecycleOptions),
) -> Result<bool, ControlError> {
    let (kind, subject) = (kind_of(row), row.id.to_string());
    super::refuse_while_waiting(work, kind, &subject).await?;
    let rule = super::rule(control, work, row.tenant, kind).await?;
    if !rule.is_some_and(|rule| rule.holds(&row.lifecycle, action)) {
        return Ok(false);
    }
    let mut properties = Map::new();
    for (name, value) in [
        // WSO2's name of the action.
        ("application", action),
        ("action", action),
        ("currentState", &row.lifecycle),
        ("apiName", &row.name),
        ("apiVersion", &row.version),
        ("apiProvider", &row.provider),
        ("apiContext", &row.context),
        ("userName", &actor.name()),
    ] {
        properties.insert(name.into(), json!(value));
    }
    let description = format!(
        "Approve the action {action} on {} {} of {}, which is {}.",
        row.name, row.version, row.provider, row.lifecycle
    );
    let asked = json!({
        "state": row.lifecycle,
        "action": action,
        "deprecateOldVersions": options.deprecate_old_versions,
        "requireResubscription": options.require_resubscription,
    });
    let wish = Wish {
        kind,
        tenant: row.tenant,
        application: None,
        api: Some(row.id),
        subject: ("api", subject),
        description,
        properties,
        asked: &asked,
    };
    park(control, work, actor, wish).await?;
    Ok(true)
}

/// Whether a lifecycle action is asked for.
pub(crate) async fn waits(work: &mut UnitOfWork, row: &ApiRow) -> Result<bool, ControlError> {
    Ok(requests::waits(work, kind_of(row).code, &row.id.to_string()).await?)
}

/// Withdraws the request; whether there was one.
pub(crate) async fn withdraw(work: &mut UnitOfWork, row: &ApiRow) -> Result<bool, ControlError> {
    let waited = waits(work, row).await?;
    requests::forget(work, &row.id.to_string(), Some(kind_of(row).code)).await?;
    Ok(waited)
}

async fn carry_out(decision: &Decision<'_>) -> Result<(), ControlError> {
    let id = decision.api()?;
    let mut work = decision.open().await?;
    let mut row = api::find(&mut work, decision.request.tenant, id).await?.ok_or_else(|| gone("The API"))?;
    if !decision.approved {
        return decision.keep(work, Effect::Nothing).await;
    }
    let asked = decision.asked();
    if asked.at("state").as_str() != Some(row.lifecycle.as_str()) {
        return Err(ControlError::conflict(format!(
            "{} {} is {} by now. Reject the request; its author can ask again.",
            row.name, row.version, row.lifecycle
        )));
    }
    let options = LifecycleOptions {
        deprecate_old_versions: asked.at("deprecateOldVersions") == true,
        require_resubscription: asked.at("requireResubscription") == true,
    };
    let action = asked.at("action").as_str().unwrap_or_default();
    decision.control.move_on(&mut work, decision.actor, &mut row, (action, options)).await?;
    decision.keep(work, Effect::Api(id)).await
}
