//! Creating an API.

use model::snapshot::Lifecycle;
use model::{ApiDocument, ApiId};
use serde_json::Value;
use store::UnitOfWork;
use store::repository::api::{self, ApiRow, LifecycleEventRow};
use store::repository::artifact::{self, ArtifactRow};

use super::load::store_document;
use super::rules;
use crate::definition::generate;
use crate::document::{Faults, ViewContext, check_document, fill_defaults, normal_context, seal_secrets, view};
use crate::{Actor, Change, Control, ControlError, lifecycle};

/// Name of the artifact that holds the definition.
pub(crate) const DEFINITION: &str = "definition";

/// The definition a new API comes with.
pub(super) struct Definition {
    pub(super) media_type: String,
    pub(super) bytes: Vec<u8>,
}

impl Control {
    /// Creates an API from its object. Without a definition one is generated from the operations.
    ///
    /// # Errors
    /// 400 for wrong fields (all of them), 409 when name, version or context is taken.
    pub async fn create_api(&self, actor: &Actor, document: ApiDocument) -> Result<ApiDocument, ControlError> {
        self.create_with_definition(actor, document, None, "publisher.apis.create").await
    }

    pub(super) async fn create_with_definition(
        &self,
        actor: &Actor,
        document: ApiDocument,
        definition: Option<Definition>,
        action: &'static str,
    ) -> Result<ApiDocument, ControlError> {
        self.ensure_tenant_defaults(actor.tenant()).await?;
        let mut work = self.begin().await?;
        let row = self.insert_api(&mut work, actor, document, definition).await?;
        let target = format!("api/{}", row.id);
        self.commit(work, actor, Change::managed(action, &target)).await?;
        view(&row, ViewContext::default())
    }

    /// The part of the creation that happens inside a transaction.
    pub(super) async fn insert_api(
        &self,
        work: &mut UnitOfWork,
        actor: &Actor,
        mut document: ApiDocument,
        definition: Option<Definition>,
    ) -> Result<ApiRow, ControlError> {
        // 1. What the server decides, whatever the client sent.
        let id = ApiId::new(self.uuid());
        let prefix = actor.tenant_info().domain.context_prefix();
        let context = normal_context(document.context(), &prefix)?;
        document.set("context", context);
        document.set("provider", provider(actor, document.provider()));
        document.set("lifeCycleStatus", lifecycle::code(Lifecycle::Created));
        for field in
            ["id", "createdTime", "createdTimestamp", "lastUpdatedTime", "lastUpdatedTimestamp", "hasThumbnail"]
        {
            document.fields_mut().shift_remove(field);
        }
        trim_names(&mut document);
        // 2. Defaults and rules.
        fill_defaults(&mut document);
        let mut faults = Faults::default();
        check_document(&document, &mut faults);
        faults.into_result()?;
        rules::check_unique(work, actor.tenant(), &document).await?;
        if api::count(work, actor.tenant()).await? >= api::MAX_APIS {
            return Err(ControlError::conflict(format!("A tenant has at most {} APIs.", api::MAX_APIS)));
        }
        let unlimited = self.settings().portal.unlimited_tier;
        rules::check_references(work, actor, &mut document, None, unlimited).await?;
        // 3. Secrets, definition, rows.
        let sealer = self.ports().sealer.as_ref();
        seal_secrets(sealer, id, &mut document, None)?;
        rules::seal_policies(work, sealer, (actor.tenant(), id), &mut document, None).await?;
        let definition = match definition {
            Some(given) => given,
            None => generated(&document)?,
        };
        let row = self.insert_row(work, actor, id, &document, definition).await?;
        rules::bind_scopes(work, actor.tenant(), &document).await?;
        Ok(row)
    }

    /// Writes a new API with its definition and the first entry of its history.
    pub(super) async fn insert_row(
        &self,
        work: &mut UnitOfWork,
        actor: &Actor,
        id: ApiId,
        document: &ApiDocument,
        definition: Definition,
    ) -> Result<ApiRow, ControlError> {
        let now = self.now();
        let mut row = ApiRow {
            id,
            tenant: actor.tenant(),
            name: String::new(),
            version: String::new(),
            context: String::new(),
            provider: String::new(),
            kind: String::new(),
            lifecycle: lifecycle::code(Lifecycle::Created).to_owned(),
            is_default: false,
            document: String::new(),
            last_revision: 0,
            created_at: now,
            created_by: actor.name(),
            updated_at: now,
            updated_by: actor.name(),
        };
        store_document(&mut row, document)?;
        api::insert(work, &row).await?;
        let file =
            ArtifactRow { name: DEFINITION.to_owned(), media_type: definition.media_type, bytes: definition.bytes };
        artifact::put(work, &id.to_string(), &file).await?;
        let event = LifecycleEventRow {
            id: self.rng().uuid_at(now).to_string(),
            previous: None,
            next: row.lifecycle.clone(),
            changed_by: actor.name(),
            at: now,
        };
        api::add_event(work, id, &event).await?;
        if row.is_default {
            clear_other_defaults(work, &row).await?;
        }
        Ok(row)
    }
}

/// Administrators may create an API for another user of the tenant; everybody else is the provider.
fn provider(actor: &Actor, wanted: &str) -> String {
    let own = actor.name();
    let domain = actor.tenant_info().domain.as_str();
    let in_tenant = if actor.tenant().is_super() {
        !wanted.contains('@')
    } else {
        wanted.rsplit_once('@').is_some_and(|(_, d)| d.eq_ignore_ascii_case(domain))
    };
    if !wanted.is_empty() && actor.is_admin() && in_tenant && wanted.len() <= 200 { wanted.to_owned() } else { own }
}

fn trim_names(document: &mut ApiDocument) {
    for field in ["name", "version"] {
        if let Some(Value::String(text)) = document.fields_mut().get_mut(field) {
            *text = text.trim().to_owned();
        }
    }
}

pub(super) fn generated(document: &ApiDocument) -> Result<Definition, ControlError> {
    let bytes = serde_json::to_vec(&generate(document)).map_err(|e| ControlError::internal(e.to_string()))?;
    Ok(Definition { media_type: "application/json".to_owned(), bytes })
}

/// An API name has one default version: takes the flag from the others.
pub(super) async fn clear_other_defaults(work: &mut UnitOfWork, row: &ApiRow) -> Result<(), ControlError> {
    for mut other in api::versions(work, row.tenant, &row.name).await? {
        if other.id != row.id && other.is_default {
            let mut document = super::load::parse(&other)?;
            document.set("isDefaultVersion", false);
            store_document(&mut other, &document)?;
            api::update(work, &other).await?;
        }
    }
    Ok(())
}
