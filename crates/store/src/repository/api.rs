//! APIs and the history of their lifecycle.

mod index;
mod search;

use model::{ApiId, TenantId, Timestamp};

use super::workflow;
use crate::{Arg, Row, StoreError, UnitOfWork};

pub use index::{bring_up_to_date, facet_counts, freeze_scopes, with_facet};
pub use search::{ApiOrder, ApiSearch, ApiTerm, Kinds, count_found, facets_of_found, search};

/// Most APIs that one tenant may have; lists never read more rows.
pub const MAX_APIS: i64 = 20_000;

/// A stored API. `document` is the API object of the Publisher API as JSON text; the other fields are copies of what
/// is searched for or must be unique.
#[derive(Clone, Debug)]
pub struct ApiRow {
    /// Its id.
    pub id: ApiId,
    /// Owner tenant.
    pub tenant: TenantId,
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Context with the tenant's prefix, without the version unless it is a template.
    pub context: String,
    /// Provider.
    pub provider: String,
    /// WSO2's `type`: `HTTP`, `SOAP`, `GRAPHQL`, ...
    pub kind: String,
    /// WSO2's state: `CREATED`, `PUBLISHED`, ...
    pub lifecycle: String,
    /// Whether calls without a version reach it; one version per name at most.
    pub is_default: bool,
    /// The API object.
    pub document: String,
    /// Number of the newest revision ever made; 0 when there was none.
    pub last_revision: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: String,
}

/// A change of the lifecycle state.
#[derive(Clone, Debug)]
pub struct LifecycleEventRow {
    /// UUIDv7.
    pub id: String,
    /// State before; `None` for the creation.
    pub previous: Option<String>,
    /// State after.
    pub next: String,
    /// By whom.
    pub changed_by: String,
    /// When.
    pub at: Timestamp,
}

/// Adds an API.
///
/// # Errors
/// [`StoreError::Conflict`] when the tenant has an API of that name (in any case) and version.
pub async fn insert(work: &mut UnitOfWork, row: &ApiRow) -> Result<(), StoreError> {
    let args: [Arg; 17] = [
        row.id.into(),
        row.tenant.into(),
        (&row.name).into(),
        row.name.to_lowercase().into(),
        (&row.version).into(),
        (&row.context).into(),
        row.context.to_lowercase().into(),
        (&row.provider).into(),
        (&row.kind).into(),
        (&row.lifecycle).into(),
        row.is_default.into(),
        (&row.document).into(),
        row.last_revision.into(),
        row.created_at.into(),
        (&row.created_by).into(),
        row.updated_at.into(),
        (&row.updated_by).into(),
    ];
    work.execute(
        "INSERT INTO api (id, tenant_id, name, name_key, version, context, context_key, provider, kind, lifecycle, \
         is_default, document, last_revision, created_at, created_by, updated_at, updated_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        args,
    )
    .await?;
    index::write(work, row).await
}

/// Replaces everything but id, tenant, creation and the revision counter. Returns whether it was there.
pub async fn update(work: &mut UnitOfWork, row: &ApiRow) -> Result<bool, StoreError> {
    let args: [Arg; 14] = [
        row.id.into(),
        row.tenant.into(),
        (&row.name).into(),
        row.name.to_lowercase().into(),
        (&row.version).into(),
        (&row.context).into(),
        row.context.to_lowercase().into(),
        (&row.provider).into(),
        (&row.kind).into(),
        (&row.lifecycle).into(),
        row.is_default.into(),
        (&row.document).into(),
        row.updated_at.into(),
        (&row.updated_by).into(),
    ];
    let changed = work
        .execute(
            "UPDATE api SET name = $3, name_key = $4, version = $5, context = $6, context_key = $7, provider = $8, \
             kind = $9, lifecycle = $10, is_default = $11, document = $12, updated_at = $13, updated_by = $14 \
             WHERE id = $1 AND tenant_id = $2",
            args,
        )
        .await?;
    if changed > 0 {
        index::write(work, row).await?;
    }
    Ok(changed > 0)
}

/// Objects of a tenant's other APIs (of another name, in any case) that declare a scope: their working copies and their
/// deployed revisions, as (name, document). At most 1000.
pub async fn others_with_scope(
    work: &mut UnitOfWork,
    tenant: TenantId,
    name: &str,
    scope: &str,
) -> Result<Vec<(String, String)>, StoreError> {
    // A frozen scope may be of a revision that is not deployed any more: the caller looks into what is found.
    work.query(
        "SELECT a.name AS name, a.document AS document FROM api a \
         WHERE a.tenant_id = $1 AND a.name_key <> $2 AND a.id IN \
         (SELECT api_id FROM api_facet WHERE tenant_id = $1 AND field = '=scope' AND value = $3) \
         UNION ALL SELECT a.name AS name, r.document AS document FROM api a \
         JOIN deployment d ON d.api_id = a.id JOIN revision r ON r.id = d.revision_id \
         WHERE a.tenant_id = $1 AND a.name_key <> $2 AND a.id IN \
         (SELECT api_id FROM api_facet WHERE tenant_id = $1 AND field = '=frozen-scope' AND value = $3) LIMIT 1000",
        [tenant.into(), name.to_lowercase().into(), scope.into()],
    )
    .await?
    .iter()
    .map(|row| Ok((row.text("name")?, row.text("document")?)))
    .collect()
}

/// APIs that are called at that context with its version, in any case.
pub async fn with_path(work: &mut UnitOfWork, tenant: TenantId, path: &str) -> Result<Vec<ApiRow>, StoreError> {
    work.query(
        "SELECT * FROM api WHERE tenant_id = $1 AND path_key = $2 LIMIT 100",
        [tenant.into(), path.to_lowercase().into()],
    )
    .await?
    .iter()
    .map(read)
    .collect()
}

/// Objects of a tenant's other APIs (of another name, in any case) that contain a text: their working copies and their
/// deployed revisions, as (name, document). A filter for rules that parse what it finds; at most 1000.
pub async fn others_with_text(
    work: &mut UnitOfWork,
    tenant: TenantId,
    name: &str,
    text: &str,
) -> Result<Vec<(String, String)>, StoreError> {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    work.query(
        "SELECT a.name AS name, a.document AS document FROM api a \
         WHERE a.tenant_id = $1 AND a.name_key <> $2 AND a.document LIKE $3 ESCAPE '\\' \
         UNION ALL SELECT a.name AS name, r.document AS document FROM revision r JOIN api a ON a.id = r.api_id \
         WHERE a.tenant_id = $1 AND a.name_key <> $2 AND r.document LIKE $3 ESCAPE '\\' \
         AND r.id IN (SELECT revision_id FROM deployment) LIMIT 1000",
        [tenant.into(), name.to_lowercase().into(), format!("%{escaped}%").into()],
    )
    .await?
    .iter()
    .map(|row| Ok((row.text("name")?, row.text("document")?)))
    .collect()
}

/// Removes an API with everything that belongs to it. Subscriptions are the caller's business.
pub async fn delete(work: &mut UnitOfWork, tenant: TenantId, id: ApiId) -> Result<bool, StoreError> {
    for statement in [
        "DELETE FROM deployment WHERE api_id = $1",
        "DELETE FROM artifact WHERE owner IN (SELECT id FROM revision WHERE api_id = $1)",
        "DELETE FROM artifact WHERE owner IN (SELECT id FROM api_document WHERE api_id = $1)",
        "DELETE FROM artifact WHERE owner = $1",
        "DELETE FROM revision WHERE api_id = $1",
        "DELETE FROM lifecycle_event WHERE api_id = $1",
        "DELETE FROM api_document WHERE api_id = $1",
        "DELETE FROM operation_policy WHERE api_id = $1",
        "DELETE FROM certificate WHERE api_id = $1",
        "DELETE FROM api_facet WHERE api_id = $1",
    ] {
        work.execute(statement, [id.into()]).await?;
    }
    workflow::forget_api(work, id).await?;
    Ok(work.execute("DELETE FROM api WHERE id = $1 AND tenant_id = $2", [id.into(), tenant.into()]).await? > 0)
}

/// One API of a tenant.
pub async fn find(work: &mut UnitOfWork, tenant: TenantId, id: ApiId) -> Result<Option<ApiRow>, StoreError> {
    work.find("SELECT * FROM api WHERE id = $1 AND tenant_id = $2", [id.into(), tenant.into()])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// One API by name (in any case) and version.
pub async fn find_version(
    work: &mut UnitOfWork,
    tenant: TenantId,
    name: &str,
    version: &str,
) -> Result<Option<ApiRow>, StoreError> {
    work.find(
        "SELECT * FROM api WHERE tenant_id = $1 AND name_key = $2 AND version = $3",
        [tenant.into(), name.to_lowercase().into(), version.into()],
    )
    .await?
    .as_ref()
    .map(read)
    .transpose()
}

/// All versions of the API of that name (in any case), oldest first.
pub async fn versions(work: &mut UnitOfWork, tenant: TenantId, name: &str) -> Result<Vec<ApiRow>, StoreError> {
    work.query(
        "SELECT * FROM api WHERE tenant_id = $1 AND name_key = $2 ORDER BY created_at, id LIMIT 1000",
        [tenant.into(), name.to_lowercase().into()],
    )
    .await?
    .iter()
    .map(read)
    .collect()
}

/// The ids of all versions of an API, its own among them; none when there is no such API.
pub async fn version_ids(work: &mut UnitOfWork, id: ApiId) -> Result<Vec<ApiId>, StoreError> {
    work.query(
        "SELECT b.id FROM api a JOIN api b ON b.tenant_id = a.tenant_id AND b.name_key = a.name_key \
         WHERE a.id = $1 ORDER BY b.id LIMIT 1000",
        [id.into()],
    )
    .await?
    .iter()
    .map(|row| row.parse("id"))
    .collect()
}

/// All APIs with that context (in any case), whatever their version.
pub async fn with_context(work: &mut UnitOfWork, tenant: TenantId, context: &str) -> Result<Vec<ApiRow>, StoreError> {
    work.query(
        "SELECT * FROM api WHERE tenant_id = $1 AND context_key = $2 ORDER BY created_at, id LIMIT 1000",
        [tenant.into(), context.to_lowercase().into()],
    )
    .await?
    .iter()
    .map(read)
    .collect()
}

/// All APIs of a tenant, newest first, at most [`MAX_APIS`].
pub async fn list(work: &mut UnitOfWork, tenant: TenantId) -> Result<Vec<ApiRow>, StoreError> {
    work.query(
        "SELECT * FROM api WHERE tenant_id = $1 ORDER BY created_at DESC, id LIMIT $2",
        [tenant.into(), MAX_APIS.into()],
    )
    .await?
    .iter()
    .map(read)
    .collect()
}

/// The APIs of one kind, as in `APIPRODUCT`, newest first.
pub async fn of_kind(work: &mut UnitOfWork, tenant: TenantId, kind: &str) -> Result<Vec<ApiRow>, StoreError> {
    work.query(
        "SELECT * FROM api WHERE tenant_id = $1 AND kind = $2 ORDER BY created_at DESC, id LIMIT $3",
        [tenant.into(), kind.into(), MAX_APIS.into()],
    )
    .await?
    .iter()
    .map(read)
    .collect()
}

/// How many APIs a tenant has.
pub async fn count(work: &mut UnitOfWork, tenant: TenantId) -> Result<i64, StoreError> {
    let row = work.find("SELECT COUNT(*) AS n FROM api WHERE tenant_id = $1", [tenant.into()]).await?;
    row.map_or(Ok(0), |row| row.int("n"))
}

/// Counts one more revision; returns its number.
pub async fn next_revision(work: &mut UnitOfWork, tenant: TenantId, id: ApiId) -> Result<i64, StoreError> {
    work.execute(
        "UPDATE api SET last_revision = last_revision + 1 WHERE id = $1 AND tenant_id = $2",
        [id.into(), tenant.into()],
    )
    .await?;
    let row = work.find("SELECT last_revision FROM api WHERE id = $1", [id.into()]).await?;
    row.map_or(Ok(0), |row| row.int("last_revision"))
}

/// Adds an entry to the history.
pub async fn add_event(work: &mut UnitOfWork, api: ApiId, event: &LifecycleEventRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO lifecycle_event (id, api_id, previous, next, changed_by, at) VALUES ($1, $2, $3, $4, $5, $6)",
        [
            (&event.id).into(),
            api.into(),
            event.previous.clone().into(),
            (&event.next).into(),
            (&event.changed_by).into(),
            event.at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// The history, oldest first.
pub async fn events(work: &mut UnitOfWork, api: ApiId) -> Result<Vec<LifecycleEventRow>, StoreError> {
    work.query(
        "SELECT id, previous, next, changed_by, at FROM lifecycle_event WHERE api_id = $1 ORDER BY at, id LIMIT 1000",
        [api.into()],
    )
    .await?
    .iter()
    .map(|row| {
        Ok(LifecycleEventRow {
            id: row.text("id")?,
            previous: row.opt_text("previous")?,
            next: row.text("next")?,
            changed_by: row.text("changed_by")?,
            at: row.timestamp("at")?,
        })
    })
    .collect()
}

fn read(row: &Row) -> Result<ApiRow, StoreError> {
    Ok(ApiRow {
        id: row.parse("id")?,
        tenant: row.tenant("tenant_id")?,
        name: row.text("name")?,
        version: row.text("version")?,
        context: row.text("context")?,
        provider: row.text("provider")?,
        kind: row.text("kind")?,
        lifecycle: row.text("lifecycle")?,
        is_default: row.flag("is_default")?,
        document: row.text("document")?,
        last_revision: row.int("last_revision")?,
        created_at: row.timestamp("created_at")?,
        created_by: row.text("created_by")?,
        updated_at: row.timestamp("updated_at")?,
        updated_by: row.text("updated_by")?,
    })
}
