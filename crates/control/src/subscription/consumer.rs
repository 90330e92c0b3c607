//! Subscriptions as consumers make and see them.

use model::{ApiDocument, ApiId, ApplicationId, SubscriptionId, TenantId};
use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::api::{self, ApiRow};
use store::repository::application::{self as applications, ApplicationRow};
use store::repository::subscription::{self as subscriptions, SubscriptionRow};

use super::{plan_refused, shown, unknown};
use crate::api::page::Page;
use crate::application::{owned, sharing, unknown as unknown_application};
use crate::discovery::{self, Viewer, view};
use crate::field::Field;
use crate::workflow::subscription_creation::Parties;
use crate::workflow::{self, subscription_creation, subscription_deletion, subscription_update};
use crate::{Actor, Change, Control, ControlError, FaultKind};

fn id_of<T: std::str::FromStr>(input: &Value, field: &str) -> Result<T, ControlError> {
    let text = input.at(field).as_str().unwrap_or_default();
    text.parse().map_err(|_| ControlError::not_found(format!("{field}: there is nothing with the id {text:?}.")))
}

/// An API that the actor may subscribe to, of their tenant or of one that offers it to them.
async fn subscribable(
    control: &Control,
    work: &mut UnitOfWork,
    actor: &Actor,
    requested_tenant: Option<&str>,
    id: ApiId,
) -> Result<(Viewer, ApiRow, ApiDocument), ControlError> {
    let tenant = discovery::tenant_of(control, work, actor, requested_tenant, id).await?;
    let viewer = Viewer { tenant, actor: Some(actor.clone()) };
    let (row, document) = discovery::find(work, &viewer, id).await?;
    let open = matches!(row.lifecycle.as_str(), "PUBLISHED" | "PROTOTYPED");
    if !open || !viewer.can_subscribe(&document) {
        return Err(ControlError::new(
            FaultKind::Forbidden,
            900_966,
            "Forbidden",
            format!("Subscriptions to {} {} are not possible: it is {}.", row.name, row.version, row.lifecycle),
        ));
    }
    Ok((viewer, row, document))
}

async fn checked_plan(
    control: &Control,
    work: &mut UnitOfWork,
    viewer: &Viewer,
    document: &ApiDocument,
    plan: &str,
) -> Result<(), ControlError> {
    let usable = view::plans(control, work, viewer, document).await?;
    if usable.iter().any(|name| name == plan) { Ok(()) } else { Err(plan_refused(plan)) }
}

/// Subscribes one of the actor's applications to an API.
pub(crate) async fn create(
    control: &Control,
    actor: &Actor,
    requested_tenant: Option<&str>,
    input: &Value,
) -> Result<Value, ControlError> {
    let mut work = control.begin().await?;
    let application = owned(&mut work, actor, id_of(input, "applicationId")?).await?;
    let api: ApiId = id_of(input, "apiId")?;
    let (viewer, api, document) = subscribable(control, &mut work, actor, requested_tenant, api).await?;
    let plan = input.at("throttlingPolicy").as_str().unwrap_or_default();
    checked_plan(control, &mut work, &viewer, &document, plan).await?;
    refuse_blocked(&mut work, actor, &api).await?;
    let rule = workflow::rule(control, &mut work, api.tenant, &subscription_creation::KIND).await?;
    if rule.is_none() && !workflow::is_approved(&application.status) {
        return Err(ControlError::forbidden(format!(
            "The application {} is not approved yet. Wait for an administrator of your tenant.",
            application.name
        )));
    }
    let former = subscriptions::find_pair(&mut work, application.id, api.id).await?;
    if let Some(rejected) = former.as_ref().filter(|row| row.status == "REJECTED") {
        subscriptions::delete(&mut work, rejected.id).await?;
    } else if former.is_some() {
        return Err(ControlError::new(
            FaultKind::Conflict,
            900_967,
            "Conflict",
            format!("Subscription already exists: {} is subscribed to {} {}.", application.name, api.name, api.version),
        ));
    }
    let row = SubscriptionRow {
        id: SubscriptionId::new(control.uuid()),
        tenant: actor.tenant(),
        application: application.id,
        api: api.id,
        plan: plan.to_owned(),
        requested_plan: plan.to_owned(),
        status: if rule.is_some() { "ON_HOLD" } else { "UNBLOCKED" }.to_owned(),
        subscriber: actor.name(),
        created: control.now(),
    };
    subscriptions::insert(&mut work, &row).await?;
    if rule.is_some() {
        let parties = Parties { row: &row, application: &application, api: &api };
        subscription_creation::ask(control, &mut work, actor, parties).await?;
    }
    let target = format!("subscription/{}", row.id);
    control.commit(work, actor, Change::of_api("devportal.subscriptions.create", &target, row.api)).await?;
    Ok(shown(&row, &application, Some(&api)))
}

/// Whether the API's publisher has blocked a subscription.
fn is_blocked(row: &SubscriptionRow) -> bool {
    matches!(row.status.as_str(), "BLOCKED" | "PROD_ONLY_BLOCKED")
}

fn blocked(api: &ApiRow) -> ControlError {
    ControlError::new(
        FaultKind::Forbidden,
        900_966,
        "Forbidden",
        format!(
            "The publisher of {} {} has blocked your subscription. Ask them to lift the block first.",
            api.name, api.version
        ),
    )
}

/// A consumer whose subscription to an API is blocked gets no second one, with another application or none.
async fn refuse_blocked(work: &mut UnitOfWork, actor: &Actor, api: &ApiRow) -> Result<(), ControlError> {
    let mine = subscriptions::of_owner_to_api(work, actor.tenant(), &actor.name(), api.id).await?;
    if mine.iter().any(is_blocked) { Err(blocked(api)) } else { Ok(()) }
}

/// Removing an application would remove the publishers' blocks with it.
///
/// # Errors
/// 403 while a subscription of the application to an API that still exists is blocked.
pub(crate) async fn refuse_while_blocked(
    work: &mut UnitOfWork,
    application: ApplicationId,
) -> Result<(), ControlError> {
    for row in subscriptions::of_application(work, application).await?.iter().filter(|row| is_blocked(row)) {
        if let Some(api) = api_of(work, row).await? {
            return Err(blocked(&api));
        }
    }
    Ok(())
}

/// A subscription of one of the actor's applications.
async fn find(
    work: &mut UnitOfWork,
    actor: &Actor,
    id: SubscriptionId,
) -> Result<(SubscriptionRow, ApplicationRow), ControlError> {
    let row = subscriptions::find(work, id).await?.ok_or_else(|| unknown(id))?;
    let application = applications::find(work, actor.tenant(), row.application).await?;
    let application = application.filter(|found| found.owner == actor.name()).ok_or_else(|| unknown(id))?;
    Ok((row, application))
}

/// The API of a subscription, whichever tenant it is of.
async fn api_of(work: &mut UnitOfWork, row: &SubscriptionRow) -> Result<Option<ApiRow>, ControlError> {
    for (tenant, _, _) in discovery::tenants(work).await? {
        if let Some(api) = api::find(work, tenant, row.api).await? {
            return Ok(Some(api));
        }
    }
    Ok(None)
}

/// One subscription.
pub(crate) async fn get(control: &Control, actor: &Actor, id: SubscriptionId) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let (row, application) = find(&mut work, actor, id).await?;
    let api = api_of(&mut work, &row).await?;
    Ok(shown(&row, &application, api.as_ref()))
}

/// Subscriptions of an application, to an API, or of an application to an API. `addressed` narrows them to APIs of a
/// tenant, where tenants can subscribe to each other's.
pub(crate) async fn list(
    control: &Control,
    actor: &Actor,
    (application, api): (Option<&str>, Option<&str>),
    addressed: Option<&str>,
    page: &Page,
) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let addressed = discovery::addressed(control, &mut work, addressed).await?;
    let mut found = Vec::new();
    let total = match (application, api) {
        (Some(text), None) if addressed.is_none() => {
            let id: ApplicationId = text.parse().map_err(|_| unknown_application(text))?;
            let application = sharing::visible(control, &mut work, actor, id).await?;
            let (rows, total) = subscriptions::part_of_application(&mut work, id, page.rows()).await?;
            found.extend(rows.into_iter().map(|row| (row, application.clone())));
            usize::try_from(total).unwrap_or(0)
        }
        (Some(text), api) => {
            let id: ApplicationId = text.parse().map_err(|_| unknown_application(text))?;
            let application = sharing::visible(control, &mut work, actor, id).await?;
            let mut all = Vec::new();
            for row in subscriptions::of_application(&mut work, id).await? {
                if api.is_none_or(|id| row.api.to_string() == id) && is_of(&mut work, addressed, row.api).await? {
                    all.push((row, application.clone()));
                }
            }
            let total = all.len();
            found = page.cut(all);
            total
        }
        (None, Some(api)) => {
            let mut all = Vec::new();
            for (row, application) in to_api(&mut work, actor, api).await? {
                if is_of(&mut work, addressed, row.api).await? {
                    all.push((row, application));
                }
            }
            let total = all.len();
            found = page.cut(all);
            total
        }
        (None, None) => {
            return Err(ControlError::invalid("Name an application (applicationId) or an API (apiId)."));
        }
    };
    let mut entries = Vec::new();
    for (row, application) in found {
        let api = api_of(&mut work, &row).await?;
        entries.push(shown(&row, &application, api.as_ref()));
    }
    Ok(page.list(total, entries))
}

/// Whether an API is of the tenant that a request addresses, if it addresses one.
async fn is_of(work: &mut UnitOfWork, addressed: Option<TenantId>, id: ApiId) -> Result<bool, ControlError> {
    Ok(match addressed {
        Some(tenant) => api::find(work, tenant, id).await?.is_some(),
        None => true,
    })
}

/// The subscriptions of all applications of the actor to an API, by the application's name.
async fn to_api(
    work: &mut UnitOfWork,
    actor: &Actor,
    api: &str,
) -> Result<Vec<(SubscriptionRow, ApplicationRow)>, ControlError> {
    let Ok(api) = api.parse() else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for row in subscriptions::of_owner_to_api(work, actor.tenant(), &actor.name(), api).await? {
        let application = owned(work, actor, row.application).await?;
        found.push((row, application));
    }
    found.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
    Ok(found)
}

/// Moves a subscription to another plan.
pub(crate) async fn update(
    control: &Control,
    actor: &Actor,
    requested_tenant: Option<&str>,
    id: SubscriptionId,
    input: &Value,
) -> Result<Value, ControlError> {
    let mut work = control.begin().await?;
    let (mut row, application) = find(&mut work, actor, id).await?;
    for (field, value) in [("applicationId", row.application.to_string()), ("apiId", row.api.to_string())] {
        if input.at(field).as_str().is_some_and(|text| text != value) {
            return Err(ControlError::invalid(format!("{field}: a subscription keeps its application and API.")));
        }
    }
    let current = input.at("throttlingPolicy").as_str();
    let plan = input.at("requestedThrottlingPolicy").as_str().or(current).unwrap_or_default();
    let (viewer, api, document) = subscribable(control, &mut work, actor, requested_tenant, row.api).await?;
    checked_plan(control, &mut work, &viewer, &document, plan).await?;
    let rule = workflow::rule(control, &mut work, api.tenant, &subscription_update::KIND).await?;
    let target = format!("subscription/{id}");
    let change = Change::of_api("devportal.subscriptions.update", &target, row.api);
    if rule.is_some() && plan != row.plan {
        refuse_unless_active(&row)?;
        let parties = Parties { row: &row, application: &application, api: &api };
        subscription_update::ask(control, &mut work, actor, parties, plan).await?;
        plan.clone_into(&mut row.requested_plan);
        "TIER_UPDATE_PENDING".clone_into(&mut row.status);
    } else {
        plan.clone_into(&mut row.plan);
        plan.clone_into(&mut row.requested_plan);
    }
    subscriptions::update(&mut work, &row).await?;
    control.commit(work, actor, change).await?;
    Ok(shown(&row, &application, Some(&api)))
}

/// What waits or was turned down cannot wait for another decision.
fn refuse_unless_active(row: &SubscriptionRow) -> Result<(), ControlError> {
    match row.status.as_str() {
        "UNBLOCKED" => Ok(()),
        status => Err(ControlError::conflict(format!(
            "The subscription is {status}. This is possible when that has changed."
        ))),
    }
}

/// Ends a subscription; not one that is blocked, because a new one would not be. Returns it when its end waits for an
/// administrator.
pub(crate) async fn delete(
    control: &Control,
    actor: &Actor,
    id: SubscriptionId,
) -> Result<Option<Value>, ControlError> {
    let mut work = control.begin().await?;
    let (mut row, application) = find(&mut work, actor, id).await?;
    let api = api_of(&mut work, &row).await?;
    if is_blocked(&row)
        && let Some(api) = &api
    {
        return Err(blocked(api));
    }
    let target = format!("subscription/{id}");
    let change = Change::of_api("devportal.subscriptions.delete", &target, row.api);
    // What was not approved yet, or not at all, is withdrawn.
    if let (Some(api), false) = (&api, matches!(row.status.as_str(), "ON_HOLD" | "REJECTED"))
        && workflow::rule(control, &mut work, api.tenant, &subscription_deletion::KIND).await?.is_some()
    {
        let parties = Parties { row: &row, application: &application, api };
        subscription_deletion::ask(control, &mut work, actor, parties).await?;
        "DELETE_PENDING".clone_into(&mut row.status);
        subscriptions::update(&mut work, &row).await?;
        // Until then it is served as before.
        work.save().await?;
        return Ok(Some(shown(&row, &application, Some(api))));
    }
    subscriptions::delete(&mut work, id).await?;
    control.commit(work, actor, change).await?;
    Ok(None)
}

/// Subscribes to several APIs; each entry succeeds or fails by itself.
pub(crate) async fn create_many(
    control: &Control,
    actor: &Actor,
    requested_tenant: Option<&str>,
    input: &Value,
) -> Result<Value, ControlError> {
    let entries = input.as_array().ok_or_else(|| ControlError::invalid("Send a list of subscriptions."))?;
    if entries.len() > 100 {
        return Err(ControlError::invalid("At most 100 subscriptions at a time."));
    }
    let mut made = Vec::new();
    for entry in entries {
        match create(control, actor, requested_tenant, entry).await {
            Ok(subscription) => made.push(subscription),
            Err(error) if error.kind == FaultKind::Internal || error.kind == FaultKind::Unavailable => {
                return Err(error);
            }
            Err(error) => made.push(json!({
                "applicationId": entry.at("applicationId"),
                "apiId": entry.at("apiId"),
                "status": "REJECTED",
                "redirectionParams": error.description,
            })),
        }
    }
    Ok(Value::Array(made))
}
