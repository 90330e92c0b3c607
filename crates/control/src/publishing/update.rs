//! Replacing an API's object.

use model::{ApiDocument, ApiId};
use serde_json::Value;
use store::UnitOfWork;
use store::repository::api::{self, ApiRow};

use super::create::clear_other_defaults;
use super::lifecycle;
use super::load::{load_api, parse, store_document};
use super::products;
use super::rules;
use crate::document::{Faults, ViewContext, check_document, fill_defaults, seal_secrets, view};
use crate::field::Field;
use crate::{Actor, Change, Control, ControlError, FaultKind};

/// Fields that an update never changes.
const FIXED: [&str; 6] = ["name", "version", "context", "provider", "type", "lifeCycleStatus"];

impl Control {
    /// Replaces the working copy. Name, version, context, provider, type and lifecycle state stay; blank secrets keep
    /// what is stored.
    ///
    /// # Errors
    /// 400 for wrong fields (all of them), 403, 404.
    pub async fn update_api(
        &self,
        actor: &Actor,
        id: ApiId,
        document: ApiDocument,
    ) -> Result<ApiDocument, ControlError> {
        self.update_api_since(actor, id, document, None).await
    }

    /// The same, only if nobody changed the API since it was read: `seen` is its `lastUpdatedTime` then.
    ///
    /// # Errors
    /// As [`Control::update_api`]; 412 when it was changed.
    pub async fn update_api_since(
        &self,
        actor: &Actor,
        id: ApiId,
        document: ApiDocument,
        seen: Option<&str>,
    ) -> Result<ApiDocument, ControlError> {
        let mut work = self.begin().await?;
        let mut row = load_api(&mut work, actor, id).await?;
        if seen.is_some_and(|seen| seen != row.updated_at.millis().to_string()) {
            let text = format!("{} changed this API in the meantime. Read it again.", row.updated_by);
            return Err(ControlError::new(FaultKind::Precondition, 412, "Precondition Failed", text));
        }
        self.replace_document(&mut work, actor, &mut row, document).await?;
        let target = format!("api/{id}");
        self.commit(work, actor, Change::of_api("publisher.apis.update", &target, id)).await?;
        view(&row, ViewContext::default())
    }

    /// Properties that the configuration demands (`[[apim.publisher.custom_properties]]`): WSO2 asks for them when an API is
    /// changed, not when it is made.
    fn check_required_properties(&self, document: &ApiDocument, faults: &mut Faults) {
        for property in self.settings().portal.api_properties.iter().filter(|property| property.required) {
            let filled = document.items("additionalProperties").iter().any(|entry| {
                entry.at("name") == property.name.as_str()
                    && entry.at("value").as_str().is_some_and(|value| !value.trim().is_empty())
            });
            if !filled {
                faults
                    .field("additionalProperties", &format!("{}: give it a value, it is required here", property.name));
            }
        }
    }

    /// The part of the update that happens inside a transaction.
    pub(super) async fn replace_document(
        &self,
        work: &mut UnitOfWork,
        actor: &Actor,
        row: &mut ApiRow,
        mut document: ApiDocument,
    ) -> Result<(), ControlError> {
        let stored = parse(row)?;
        for field in FIXED {
            document.set(field, stored.get(field).cloned().unwrap_or_default());
        }
        document.set("id", row.id.to_string());
        let thumbnail = stored.get("hasThumbnail").cloned().unwrap_or(Value::Bool(false));
        document.set("hasThumbnail", thumbnail);
        fill_defaults(&mut document);
        let mut faults = Faults::default();
        check_document(&document, &mut faults);
        self.check_required_properties(&document, &mut faults);
        faults.into_result()?;
        if let Some((product, operation)) = products::lost_operation(work, row, Some(&document)).await? {
            return Err(ControlError::conflict(format!(
                "Cannot remove the operation {operation}: the API product {product} uses it. Take it out of the product first."
            )));
        }
        let unlimited = self.settings().portal.unlimited_tier;
        rules::check_references(work, actor, &mut document, Some(&stored), unlimited).await?;
        lifecycle::go_without_plan(row, &mut document);
        let sealer = self.ports().sealer.as_ref();
        seal_secrets(sealer, row.id, &mut document, Some(&stored))?;
        rules::seal_policies(work, sealer, (row.tenant, row.id), &mut document, Some(&stored)).await?;
        store_document(row, &document)?;
        row.updated_at = self.now();
        row.updated_by = actor.name();
        api::update(work, row).await?;
        rules::bind_scopes(work, actor.tenant(), &document).await?;
        if row.is_default {
            clear_other_defaults(work, row).await?;
        }
        Ok(())
    }
}
