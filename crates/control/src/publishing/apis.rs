//! Reading, listing and removing APIs.

use model::{ApiDocument, ApiId, RevisionId};
use serde_json::{Value, json};
use store::repository::api::{self, ApiOrder, Kinds};
use store::repository::{revision, subscription, tenant};

use super::load::{api_not_found, load, load_api, parse};
use super::products;
use super::search::{Query, by_access};
use crate::devportal::Part;
use crate::document::{ViewContext, summary, view};
use crate::throttling::{self, Level};
use crate::{Actor, Change, Control, ControlError, FaultKind};

/// What a list of APIs is asked for.
#[derive(Clone, Copy, Debug)]
pub struct ApiQuery<'q> {
    /// WSO2's search syntax: `name:pizza tag:food`; empty for all.
    pub query: &'q str,
    /// Only APIs in that state, in any case; any when empty.
    pub state: &'q str,
    /// API products instead of APIs.
    pub products: bool,
    /// The order.
    pub order: ApiOrder,
    /// Which part.
    pub part: Part,
}

impl<'q> ApiQuery<'q> {
    /// APIs that match a query, newest first.
    pub const fn of(query: &'q str, part: Part) -> Self {
        Self { query, state: "", products: false, order: ApiOrder::Newest, part }
    }
}

/// A part of the APIs that were found.
#[derive(Clone, Debug, Default)]
pub struct FoundApis {
    /// Their summaries.
    pub entries: Vec<Value>,
    /// How many there are in all.
    pub total: usize,
}

impl Control {
    /// Whether the actor's tenant has an API, without reading any.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn has_apis(&self, actor: &Actor) -> Result<bool, ControlError> {
        let mut work = self.read().await?;
        Ok(api::count(&mut work, actor.tenant()).await? > 0)
    }

    /// One API, by its id or by the id of one of its revisions; without secrets.
    ///
    /// # Errors
    /// 403, 404.
    pub async fn api(&self, actor: &Actor, id: &str) -> Result<ApiDocument, ControlError> {
        let mut work = self.read().await?;
        let unlimited = self.settings().portal.unlimited_tier;
        let plans = throttling::names(&mut work, actor.tenant(), Level::Subscription, unlimited).await?;
        let context = ViewContext { plans: Some(&plans) };
        let Ok(parsed) = id.parse::<ApiId>() else { return Err(api_not_found(id)) };
        let found = revision::find_any(&mut work, actor.tenant(), RevisionId::new(parsed.uuid())).await?;
        let Some(frozen) = found else {
            return view(&load_api(&mut work, actor, parsed).await?, context);
        };
        let mut row = load_api(&mut work, actor, frozen.api).await?;
        row.document = frozen.document;
        let mut document = view(&row, context)?;
        document.set("id", frozen.id.to_string());
        document.set("isRevision", true);
        document.set("revisionedApiId", row.id.to_string());
        document.set("revisionId", frozen.number);
        Ok(document)
    }

    /// A part of the summaries of the APIs, or API products, that the actor may see and that match the query.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn search_apis(&self, actor: &Actor, wanted: &ApiQuery<'_>) -> Result<FoundApis, ControlError> {
        let kinds = if wanted.products { Kinds::Products } else { Kinds::Apis };
        let mut search = by_access(actor, kinds);
        search.terms = Query::parse(wanted.query).terms();
        if !wanted.state.is_empty() {
            let Some(state) = crate::lifecycle::parse(wanted.state) else { return Ok(FoundApis::default()) };
            search.states = vec![crate::lifecycle::code(state)];
        }
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let part = (number(wanted.part.limit), number(wanted.part.offset));
        let mut work = self.read().await?;
        let total = api::count_found(&mut work, &search).await?;
        let mut entries = Vec::new();
        for row in api::search(&mut work, &search, wanted.order, part).await? {
            let mut entry = summary(&row)?;
            if let (true, Value::Object(fields)) = (wanted.products, &mut entry) {
                fields.insert("state".to_owned(), row.lifecycle.clone().into());
            }
            entries.push(entry);
        }
        Ok(FoundApis { entries, total: usize::try_from(total).unwrap_or(0) })
    }

    /// Whether a name, a context or a name with its version is taken; the query has the search syntax.
    ///
    /// # Errors
    /// 404 when nothing matches.
    pub async fn api_exists(&self, actor: &Actor, query: &str) -> Result<(), ControlError> {
        let wanted = query.trim();
        let (field, text) = wanted.split_once(':').unwrap_or(("name", wanted));
        let text = text.trim_matches('"');
        let mut work = self.read().await?;
        let found = match field {
            "context" => {
                let prefix = actor.tenant_info().domain.context_prefix();
                let context = crate::document::normal_context(text, &prefix)?;
                !api::with_context(&mut work, actor.tenant(), &context).await?.is_empty()
            }
            _ => !api::versions(&mut work, actor.tenant(), text).await?.is_empty(),
        };
        if found { Ok(()) } else { Err(ControlError::not_found("No API has this name or context.")) }
    }

    /// Removes an API with its revisions, deployments and documents.
    ///
    /// # Errors
    /// 409 while somebody is subscribed; 403, 404.
    pub async fn delete_api(&self, actor: &Actor, id: ApiId) -> Result<(), ControlError> {
        let mut work = self.begin().await?;
        let row = load(&mut work, actor, id).await?;
        if subscription::count_of_api(&mut work, id).await? > 0 {
            return Err(ControlError::new(
                FaultKind::Conflict,
                900_967,
                "Cannot remove the API",
                format!("Cannot remove the API {}-{} as active subscriptions exist", row.name, row.version),
            ));
        }
        if let Some((product, _)) = products::lost_operation(&mut work, &row, None).await? {
            return Err(ControlError::conflict(format!(
                "Cannot remove the API {}-{}: the API product {product} uses it",
                row.name, row.version
            )));
        }
        for entry in parse(&row)?.items("scopes") {
            let shared = entry.get("shared").and_then(Value::as_bool).unwrap_or(false);
            if let (false, Some(name)) = (shared, entry.get("scope").and_then(|s| s.get("name")?.as_str())) {
                self.unbind_unused(&mut work, actor, id, name).await?;
            }
        }
        api::delete(&mut work, actor.tenant(), id).await?;
        let target = format!("api/{id}");
        self.commit(work, actor, Change::served("publisher.apis.delete", &target)).await
    }

    /// Forgets the roles of a scope that no other API declares.
    async fn unbind_unused(
        &self,
        work: &mut store::UnitOfWork,
        actor: &Actor,
        leaving: ApiId,
        scope: &str,
    ) -> Result<(), ControlError> {
        let others = api::with_facet(work, actor.tenant(), "=scope", scope).await?;
        if others.iter().any(|(id, ..)| *id != leaving) {
            return Ok(());
        }
        tenant::unbind_scope(work, actor.tenant(), scope).await?;
        Ok(())
    }

    /// Tags in use with the number of APIs each.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn api_tags(&self, actor: &Actor) -> Result<Vec<Value>, ControlError> {
        let mut work = self.read().await?;
        let counts = api::facet_counts(&mut work, actor.tenant(), "=tag").await?;
        Ok(counts.into_iter().map(|(tag, count)| json!({"value": tag, "count": count})).collect())
    }
}
