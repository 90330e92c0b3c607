//! Governance: rules about APIs in the form of Spectral, policies that say when they count, and what comes of it.
//!
//! A ruleset judges one side of an API: its object (`API_METADATA`), its definition or its documents. A policy binds
//! rulesets to states; it may block what would bring an API into a state. Everything else is judged after the change, by a
//! job that the change asks for in its own transaction and that may run twice.

pub(crate) mod admission;
pub(crate) mod compliance;
mod filter;
mod function;
pub(crate) mod jobs;
mod path;
pub(crate) mod policies;
mod ruleset;
pub(crate) mod rulesets;
mod shipped;
mod subject;

use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::catalogue::{self, ItemKind, ItemRow};
use store::repository::tenant_setting;

use crate::field::Field;
use crate::{Actor, Change, Control, ControlError, FaultKind};
use model::TenantId;

/// Setting that says that a tenant has the shipped rulesets.
const MARK: &str = "default-governance";

/// States of an API that a policy can be about.
const STATES: [&str; 4] = ["API_CREATE", "API_UPDATE", "API_DEPLOY", "API_PUBLISH"];

impl Control {
    /// Gives a tenant the rulesets and the policy that every tenant starts with; does nothing the second time.
    pub(crate) async fn ensure_governance(&self, tenant: TenantId) -> Result<(), ControlError> {
        let mut work = self.read().await?;
        let done = tenant_setting::find(&mut work, tenant, MARK).await?.is_some();
        work.cancel().await?;
        if done {
            return Ok(());
        }
        let mut work = self.begin().await?;
        // Two callers may come here at once; the second one finds the mark.
        if tenant_setting::claim(&mut work, tenant, MARK).await? {
            shipped::insert(self, &mut work, tenant).await?;
            // APIs that were there before are judged as if they had just changed.
            jobs::request_all(self, &mut work, tenant).await?;
            work.save().await?;
            self.wake_governance();
        } else {
            work.cancel().await?;
        }
        Ok(())
    }
}

/// An item by id.
async fn find(work: &mut UnitOfWork, actor: &Actor, kind: ItemKind, id: &str) -> Result<ItemRow, ControlError> {
    let what = if kind == ItemKind::GovernanceRuleset { "ruleset" } else { "policy" };
    let unknown = || {
        ControlError::new(FaultKind::NotFound, 990_100, "Not Found", format!("There is no {what} with the id {id}."))
    };
    let id = id.parse().map_err(|_| unknown())?;
    catalogue::find(work, kind, actor.tenant(), id).await?.ok_or_else(unknown)
}

/// 400 with all faults.
fn refused(code: u32, message: &str, faults: &[String]) -> ControlError {
    let mut error = ControlError::new(FaultKind::Invalid, code, message, faults.join(" "));
    for fault in faults {
        error = error.with_item(code.to_string(), message, fault.clone());
    }
    error
}

/// Who made and who changed something, and when.
fn stamped(control: &Control, actor: &Actor, document: &mut Value, old: Option<&Value>) {
    let (now, name) = (control.now().rfc3339(), actor.name());
    let Some(fields) = document.as_object_mut() else { return };
    let former = |field: &str, new: &str| old.map_or_else(|| json!(new), |old| old.at(field).clone());
    fields.insert("createdBy".to_owned(), former("createdBy", &name));
    fields.insert("createdTime".to_owned(), former("createdTime", &now));
    fields.insert("updatedBy".to_owned(), name.into());
    fields.insert("updatedTime".to_owned(), now.into());
}

/// Name and description of a ruleset or a policy, with what is wrong with them.
fn names(text: impl Fn(&str) -> String, faults: &mut Vec<String>) -> (String, String) {
    let (name, description) = (text("name").trim().to_owned(), text("description"));
    if name.is_empty() || name.chars().count() > 256 || name.chars().any(char::is_control) {
        faults.push("name: 1 to 256 characters.".to_owned());
    }
    if description.chars().count() > 1024 {
        faults.push("description: at most 1024 characters.".to_owned());
    }
    (name, description)
}

/// Saves a change of the rules, after which every API of the tenant is judged again.
async fn commit(
    control: &Control,
    mut work: UnitOfWork,
    actor: &Actor,
    action: &'static str,
    target: &str,
) -> Result<(), ControlError> {
    jobs::request_all(control, &mut work, actor.tenant()).await?;
    control.commit(work, actor, Change::managed(action, target)).await?;
    control.wake_governance();
    Ok(())
}
