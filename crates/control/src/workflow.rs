//! Requests that wait for an administrator (WSO2: workflows).
//!
//! A use case that may need approval asks [`rule`] whether it does in the tenant, and parks what was wanted with
//! [`park`]. An administrator decides in [`decide`], which lets the kind carry the request out, or undo what was done in
//! advance, in the transaction that closes the request. To add a kind: a file `workflow/<kind>.rs` with its [`Kind`], and
//! one line in [`KINDS`].

pub(crate) mod api_state;
pub(crate) mod application_creation;
pub(crate) mod application_deletion;
pub(crate) mod application_registration;
pub(crate) mod application_update;
pub(crate) mod decide;
pub(crate) mod revision_deployment;
mod settings;
pub(crate) mod subscription_creation;
pub(crate) mod subscription_deletion;
pub(crate) mod subscription_update;
mod user_sign_up;

use model::{ApiId, ApplicationId, TenantId};
use serde_json::{Map, Value, json};
use store::UnitOfWork;
use store::repository::application::ApplicationRow;
use store::repository::workflow::{self as requests, WorkflowRow};
use web::BoxFuture;

pub use settings::{WorkflowRule, WorkflowSettings};

use crate::field::Field;
use crate::{Actor, Change, Control, ControlError, Effect, tenant_config};

/// All kinds, in the order of WSO2's `workflow-extensions.xml`.
pub(crate) const KINDS: &[&Kind] = &[
    &revision_deployment::KIND,
    &application_creation::KIND,
    &application_update::KIND,
    &application_registration::PRODUCTION,
    &application_registration::SANDBOX,
    &subscription_creation::KIND,
    &subscription_update::KIND,
    &user_sign_up::KIND,
    &subscription_deletion::KIND,
    &application_deletion::KIND,
    &api_state::API,
    &api_state::PRODUCT,
];

/// Carries out a request that was approved, or undoes what was done in advance when it was turned down.
pub(crate) type Step = for<'a> fn(&'a Decision<'a>) -> BoxFuture<'a, Result<(), ControlError>>;

/// A kind of request.
pub(crate) struct Kind {
    /// WSO2's name in its REST API, as `AM_APPLICATION_CREATION`.
    pub(crate) code: &'static str,
    /// WSO2's element in `workflow-extensions.xml`, as `ApplicationCreation`.
    pub(crate) element: &'static str,
    /// WSO2's executor without `SimpleWorkflowExecutor` or `ApprovalWorkflowExecutor`.
    pub(crate) executor: &'static str,
    /// Name for people.
    pub(crate) title: &'static str,
    /// What the executor can be told beside that it asks.
    pub(crate) properties: Properties,
    /// `None`: crate `identity` keeps and carries out these requests, behind [`crate::Approvals`].
    pub(crate) carry_out: Option<Step>,
}

/// What an executor can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Properties {
    /// Nothing.
    None,
    /// `applicationAttributesVisibility`.
    Attributes,
    /// `stateList`, which must be there.
    States,
}

/// The kind that WSO2 calls so.
pub(crate) fn kind_of(code: &str) -> Option<&'static Kind> {
    KINDS.iter().copied().find(|kind| kind.code == code)
}

/// What a kind needs in a tenant; `None` when requests of the kind are approved at once. What the tenant's
/// configuration says of a kind counts before what the server's says.
pub(crate) async fn rule(
    control: &Control,
    work: &mut UnitOfWork,
    tenant: TenantId,
    kind: &Kind,
) -> Result<Option<WorkflowRule>, ControlError> {
    let own = tenant_config::workflows(work, tenant).await?;
    Ok(own.of(kind).or_else(|| control.settings().workflows.of(kind)).cloned().flatten())
}

/// What is asked.
pub(crate) struct Wish<'a> {
    /// The kind.
    pub(crate) kind: &'static Kind,
    /// The tenant whose administrators decide.
    pub(crate) tenant: TenantId,
    /// The application that the request goes away with.
    pub(crate) application: Option<ApplicationId>,
    /// The API that the request goes away with.
    pub(crate) api: Option<ApiId>,
    /// Kind and id of what is asked about, as in `api/<uuid>`.
    pub(crate) subject: (&'static str, String),
    /// For the administrator: one sentence.
    pub(crate) description: String,
    /// For the administrator: names and values, as WSO2 names them.
    pub(crate) properties: Map<String, Value>,
    /// What the kind needs to carry it out; no secrets.
    pub(crate) asked: &'a Value,
}

/// Keeps a request in the transaction, with its audit record.
pub(crate) async fn park(
    control: &Control,
    work: &mut UnitOfWork,
    actor: &Actor,
    wish: Wish<'_>,
) -> Result<WorkflowRow, ControlError> {
    let now = control.now();
    let row = WorkflowRow {
        id: control.rng().uuid_at(now),
        tenant: wish.tenant,
        kind: wish.kind.code.to_owned(),
        application: wish.application,
        api: wish.api,
        subject: wish.subject.1,
        requester: actor.name(),
        status: requests::WAITING.to_owned(),
        document: json!({
            "description": wish.description,
            "properties": wish.properties,
            "asked": wish.asked,
            "target": wish.subject.0,
        }),
        decided_by: String::new(),
        note: String::new(),
        created: now,
        updated: now,
    };
    requests::insert(work, &row).await?;
    control.record(work, actor, Change::managed("workflows.request", &target_of(&row))).await?;
    Ok(row)
}

/// As the audit log names a request: `application/<uuid>/workflow/<uuid>`.
fn target_of(row: &WorkflowRow) -> String {
    format!("{}/{}/workflow/{}", row.document.at("target").as_str().unwrap_or_default(), row.subject, row.id)
}

/// 409 while a request of the kind waits about something.
pub(crate) async fn refuse_while_waiting(
    work: &mut UnitOfWork,
    kind: &Kind,
    subject: &str,
) -> Result<(), ControlError> {
    if requests::waits(work, kind.code, subject).await? {
        return Err(ControlError::conflict(format!(
            "{} waits for an administrator already. Wait for the decision, or withdraw the request.",
            kind.title
        )));
    }
    Ok(())
}

/// A request that is being decided.
pub(crate) struct Decision<'a> {
    /// The control plane.
    pub(crate) control: &'a Control,
    /// Who decides.
    pub(crate) actor: &'a Actor,
    /// The request.
    pub(crate) request: WorkflowRow,
    /// Approved, or turned down.
    pub(crate) approved: bool,
    /// What the one who decides says about it.
    pub(crate) note: &'a str,
}

impl Decision<'_> {
    /// Begins the transaction in which the request is closed.
    ///
    /// # Errors
    /// 409 when somebody was faster.
    pub(crate) async fn open(&self) -> Result<UnitOfWork, ControlError> {
        let mut work = self.control.begin().await?;
        let status = if self.approved { requests::APPROVED } else { requests::REJECTED };
        let (row, now) = (&self.request, self.control.now());
        let by = self.actor.name();
        if !requests::decide(&mut work, (row.tenant, row.id), status, (&by, self.note), now).await? {
            return Err(ControlError::conflict("Somebody else has decided this request, or it was withdrawn."));
        }
        Ok(work)
    }

    /// Ends it, with the audit record of the decision.
    ///
    /// # Errors
    /// As [`Control::commit`] says.
    pub(crate) async fn keep(&self, work: UnitOfWork, effect: Effect) -> Result<(), ControlError> {
        let action = if self.approved { "admin.workflows.approve" } else { "admin.workflows.reject" };
        self.control.commit(work, self.actor, Change { action, target: &target_of(&self.request), effect }).await
    }

    /// What was asked.
    pub(crate) fn asked(&self) -> &Value {
        self.request.document.at("asked")
    }

    /// An id out of what was asked about.
    ///
    /// # Errors
    /// 500: the stored request is damaged.
    pub(crate) fn subject<T: std::str::FromStr>(&self) -> Result<T, ControlError> {
        self.request.subject.parse().map_err(|_| self.damaged("its subject is no id"))
    }

    /// The application that the request goes away with.
    ///
    /// # Errors
    /// 500: the stored request is damaged.
    pub(crate) fn application(&self) -> Result<ApplicationId, ControlError> {
        self.request.application.ok_or_else(|| self.damaged("it names no application"))
    }

    /// The API that the request goes away with.
    ///
    /// # Errors
    /// 500: the stored request is damaged.
    pub(crate) fn api(&self) -> Result<ApiId, ControlError> {
        self.request.api.ok_or_else(|| self.damaged("it names no API"))
    }

    fn damaged(&self, why: &str) -> ControlError {
        ControlError::internal(format!("the stored request {} is damaged: {why}", self.request.id))
    }
}

/// What was asked about is not there any more.
pub(crate) fn gone(what: &str) -> ControlError {
    ControlError::conflict(format!("{what} is not there any more. Reject the request."))
}

/// What an administrator sees of the application that a request is about.
pub(crate) fn application_properties(row: &ApplicationRow, rule: &WorkflowRule) -> Map<String, Value> {
    let mut properties = Map::new();
    properties.insert("applicationName".into(), json!(row.name));
    properties.insert("applicationTier".into(), json!(row.policy));
    properties.insert("applicationOwner".into(), json!(row.owner));
    properties.insert("userName".into(), json!(row.owner));
    if !row.description.is_empty() {
        properties.insert("applicationDescription".into(), json!(row.description));
    }
    let has_attributes = row.attributes.as_object().is_some_and(|object| !object.is_empty());
    if rule.shows_attributes() && has_attributes {
        // WSO2's properties are texts; its console parses this one.
        properties.insert("applicationAttributes".into(), json!(row.attributes.to_string()));
    }
    properties
}

/// WSO2's entry of the property `updates`.
pub(crate) fn update_entry(name: &str, current: &str, expected: &str) -> Option<Value> {
    (current != expected).then(|| json!({"attributeName": name, "current": current, "expected": expected}))
}

/// Whether an application with this status is served by the gateway: it was approved, whatever else is asked since.
pub(crate) fn is_approved(status: &str) -> bool {
    matches!(status, "APPROVED" | "UPDATE_PENDING" | "UPDATE_REJECTED" | "DELETE_PENDING")
}

#[cfg(test)]
mod tests {
    use super::{KINDS, Properties, kind_of};

    #[test]
    fn the_twelve_kinds_are_wso2s_and_each_is_there_once() {
        assert_eq!(KINDS.len(), 12);
        for kind in KINDS {
            assert!(kind_of(kind.code).is_some_and(|found| found.element == kind.element), "{}", kind.code);
            assert_eq!(KINDS.iter().filter(|other| other.element == kind.element).count(), 1, "{}", kind.element);
            assert!(kind.code.starts_with("AM_") && !kind.title.is_empty());
            let lists_states = kind.code.ends_with("_STATE");
            assert_eq!(kind.properties == Properties::States, lists_states, "{}", kind.code);
        }
        assert!(kind_of("AM_NOTHING").is_none());
    }
}
