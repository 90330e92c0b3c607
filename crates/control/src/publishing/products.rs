//! API products: one context and one subscription for resources of several APIs.
//!
//! A product is stored as an API of its own kind. Saving it copies what it takes from its members (operations with their
//! policies and scopes, endpoints), so that a product changes when somebody saves and deploys it, and never because
//! somebody works on a member.

mod members;

use model::snapshot::Lifecycle;
use model::{ApiDocument, ApiId};
use serde_json::Value;
use store::UnitOfWork;
use store::repository::api::{self, ApiRow};

pub(crate) use members::{MEMBERS, member_documents};

use super::create::{Definition, generated};
use super::load::{load, parse, store_document};
use super::rules;
use crate::document::{Faults, ViewContext, check_document, fill_defaults, normal_context, view};
use crate::throttling::{self, Level};
use crate::{Actor, Change, Control, ControlError, FaultKind, lifecycle};

/// WSO2's `type` of a product.
pub(crate) const KIND: &str = "APIPRODUCT";
/// Version of a product that names none (WSO2's).
const FIRST_VERSION: &str = "1.0.0";
/// Fields that an update never changes.
const FIXED: [&str; 5] = ["name", "version", "context", "provider", "lifeCycleStatus"];
/// Fields that the server keeps to itself.
const INTERNAL: [&str; 4] = ["operations", "endpointConfig", MEMBERS, "lifeCycleStatus"];

impl Control {
    /// Creates a product. `apis` lists the members with the operations that are taken from each.
    ///
    /// # Errors
    /// 400 for wrong fields or operations that a member does not have, 404 for a member that is not there, 409 when
    /// name, version or context is taken.
    pub async fn create_product(&self, actor: &Actor, mut document: ApiDocument) -> Result<ApiDocument, ControlError> {
        self.ensure_tenant_defaults(actor.tenant()).await?;
        if document.context().contains(['{', '}']) {
            return Err(ControlError::new(
                FaultKind::Invalid,
                900_253,
                "The API Product context is malformed.",
                "A product's context is a plain path such as /shop; its version is a segment of its own.",
            ));
        }
        let prefix = actor.tenant_info().domain.context_prefix();
        let context = normal_context(document.context(), &prefix)?;
        document.set("context", context);
        document.set("provider", actor.name());
        document.set("lifeCycleStatus", lifecycle::code(Lifecycle::Created));
        if document.version().is_empty() {
            document.set("version", FIRST_VERSION);
        }
        let mut work = self.begin().await?;
        self.complete_product(&mut work, actor, &mut document, None).await?;
        rules::check_unique(&mut work, actor.tenant(), &document).await?;
        if api::count(&mut work, actor.tenant()).await? >= api::MAX_APIS {
            return Err(ControlError::conflict(format!("A tenant has at most {} APIs.", api::MAX_APIS)));
        }
        let definition = generated(&document)?;
        let row = self.insert_row(&mut work, actor, ApiId::new(self.uuid()), &document, definition).await?;
        let target = format!("api/{}", row.id);
        self.commit(work, actor, Change::managed("publisher.products.create", &target)).await?;
        product_view(&row, ViewContext::default())
    }

    /// Defaults, rules, and what the members contribute.
    async fn complete_product(
        &self,
        work: &mut UnitOfWork,
        actor: &Actor,
        document: &mut ApiDocument,
        stored: Option<&ApiDocument>,
    ) -> Result<(), ControlError> {
        let wanted = document.items("apis").to_vec();
        for field in ["id", "operations", "endpointConfig", "scopes", "apis", MEMBERS] {
            document.fields_mut().shift_remove(field);
        }
        fill_defaults(document);
        document.set("operations", Value::Array(Vec::new()));
        // Judged as an API is, but for what only a product has.
        document.set("type", "HTTP");
        let mut faults = Faults::default();
        check_document(document, &mut faults);
        faults.into_result()?;
        let unlimited = self.settings().portal.unlimited_tier;
        rules::check_references(work, actor, document, stored, unlimited).await?;
        document.set("type", KIND);
        members::take(work, actor, document, &wanted).await
    }

    /// One product.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn product(&self, actor: &Actor, id: ApiId) -> Result<ApiDocument, ControlError> {
        let mut work = self.read().await?;
        let row = load_product(&mut work, actor, id).await?;
        let unlimited = self.settings().portal.unlimited_tier;
        let plans = throttling::names(&mut work, actor.tenant(), Level::Subscription, unlimited).await?;
        product_view(&row, ViewContext { plans: Some(&plans) })
    }

    /// Replaces a product, and takes what its members have now.
    ///
    /// # Errors
    /// As [`Control::create_product`]; 403, 404.
    pub async fn update_product(
        &self,
        actor: &Actor,
        id: ApiId,
        mut document: ApiDocument,
    ) -> Result<ApiDocument, ControlError> {
        let mut work = self.begin().await?;
        let mut row = load_product(&mut work, actor, id).await?;
        let stored = parse(&row)?;
        for field in FIXED {
            document.set(field, stored.get(field).cloned().unwrap_or_default());
        }
        self.complete_product(&mut work, actor, &mut document, Some(&stored)).await?;
        document.set("id", id.to_string());
        document.set("hasThumbnail", stored.get("hasThumbnail").cloned().unwrap_or(Value::Bool(false)));
        store_document(&mut row, &document)?;
        row.updated_at = self.now();
        row.updated_by = actor.name();
        api::update(&mut work, &row).await?;
        if row.is_default {
            super::create::clear_other_defaults(&mut work, &row).await?;
        }
        let Definition { media_type, bytes } = generated(&document)?;
        let file = store::repository::artifact::ArtifactRow { name: super::DEFINITION.to_owned(), media_type, bytes };
        store::repository::artifact::put(&mut work, &id.to_string(), &file).await?;
        let target = format!("api/{id}");
        self.commit(work, actor, Change::of_api("publisher.products.update", &target, id)).await?;
        product_view(&row, ViewContext::default())
    }

    /// Removes a product.
    ///
    /// # Errors
    /// 409 while somebody is subscribed; 403, 404.
    pub async fn delete_product(&self, actor: &Actor, id: ApiId) -> Result<(), ControlError> {
        load_product(&mut self.read().await?, actor, id).await?;
        self.delete_api(actor, id).await
    }

    /// Copies a product to a new version, in state Created.
    ///
    /// # Errors
    /// As [`Control::copy_api`].
    pub async fn copy_product(
        &self,
        actor: &Actor,
        id: ApiId,
        version: &str,
        as_default: bool,
    ) -> Result<ApiDocument, ControlError> {
        load_product(&mut self.read().await?, actor, id).await?;
        let made = self.copy_api(actor, id, version, as_default).await?;
        let copy = made.text("id").parse().map_err(|_| ControlError::internal("a copy without an id"))?;
        self.product(actor, copy).await
    }

    /// Makes a revision of a product the working copy again.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn restore_product(&self, actor: &Actor, id: ApiId, revision: &str) -> Result<ApiDocument, ControlError> {
        load_product(&mut self.read().await?, actor, id).await?;
        self.restore_revision(actor, id, revision).await?;
        self.product(actor, id).await
    }
}

async fn load_product(work: &mut UnitOfWork, actor: &Actor, id: ApiId) -> Result<ApiRow, ControlError> {
    let row = load(work, actor, id).await?;
    if row.kind == KIND {
        return Ok(row);
    }
    Err(ControlError::new(
        FaultKind::NotFound,
        900_308,
        "API Product Not Found",
        format!("There is no API product with id '{id}'; it is an API"),
    ))
}

/// WSO2's `APIProduct`: members with their operations, and no trace of where they are kept.
fn product_view(row: &ApiRow, context: ViewContext<'_>) -> Result<ApiDocument, ControlError> {
    let mut shown = view(row, context)?;
    let apis = members::shown(&shown);
    shown.set("apis", apis);
    for field in INTERNAL {
        shown.fields_mut().shift_remove(field);
    }
    shown.set("state", row.lifecycle.clone());
    shown.set("apiType", KIND);
    Ok(shown)
}

/// The first operation of an API that a product depends on and the API would have no longer: product and operation.
///
/// # Errors
/// When the database cannot be read.
pub(super) async fn lost_operation(
    work: &mut UnitOfWork,
    row: &ApiRow,
    future: Option<&ApiDocument>,
) -> Result<Option<(String, String)>, ControlError> {
    let id = row.id.to_string();
    if row.kind == KIND {
        return Ok(None);
    }
    for product in api::of_kind(work, row.tenant, KIND).await? {
        if !product.document.contains(&id) {
            continue;
        }
        for (verb, target) in members::taken_from(&parse(&product)?, &id) {
            let stays = future.is_some_and(|api| members::operation(api, &verb, &target).is_some());
            if !stays {
                return Ok(Some((format!("{}:{}", product.name, product.version), format!("{verb} {target}"))));
            }
        }
    }
    Ok(None)
}
