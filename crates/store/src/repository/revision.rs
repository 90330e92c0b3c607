//! Revisions of APIs and where they are deployed.

use model::{ApiId, RevisionId, TenantId, Timestamp};

use super::workflow;
use crate::{Row, StoreError, UnitOfWork};

/// A frozen copy of an API. Its definition is an artifact owned by the revision's id.
#[derive(Clone, Debug)]
pub struct RevisionRow {
    /// Its id.
    pub id: RevisionId,
    /// Owner tenant.
    pub tenant: TenantId,
    /// The API.
    pub api: ApiId,
    /// Counts from 1 per API; numbers of deleted revisions are not used again.
    pub number: i64,
    /// What the author wrote.
    pub description: String,
    /// The API object as it was.
    pub document: String,
    /// When.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
}

/// A revision on a gateway environment. An API has at most one per environment.
#[derive(Clone, Debug)]
pub struct DeploymentRow {
    /// The API.
    pub api: ApiId,
    /// Gateway environment name.
    pub environment: String,
    /// The revision.
    pub revision: RevisionId,
    /// Virtual host.
    pub vhost: String,
    /// Whether the Developer Portal shows this environment's URLs.
    pub display_on_devportal: bool,
    /// When.
    pub deployed_at: Timestamp,
}

/// Adds a revision.
pub async fn insert(work: &mut UnitOfWork, row: &RevisionRow) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO revision (id, tenant_id, api_id, number, description, document, created_at, created_by) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        [
            row.id.into(),
            row.tenant.into(),
            row.api.into(),
            row.number.into(),
            (&row.description).into(),
            (&row.document).into(),
            row.created_at.into(),
            (&row.created_by).into(),
        ],
    )
    .await?;
    super::api::freeze_scopes(work, row.tenant, row.api, &row.document).await
}

/// Name and version of an API of the tenant that is deployed to an environment, if any is.
pub async fn deployed_to(
    work: &mut UnitOfWork,
    tenant: TenantId,
    environment: &str,
) -> Result<Option<(String, String)>, StoreError> {
    let sql = "SELECT a.name AS name, a.version AS version FROM deployment d JOIN api a ON a.id = d.api_id \
               WHERE d.environment = $2 AND a.tenant_id = $1 LIMIT 1";
    let found = work.find(sql, [tenant.into(), environment.into()]).await?;
    found.map(|row| Ok((row.text("name")?, row.text("version")?))).transpose()
}

/// One revision of an API.
pub async fn find(work: &mut UnitOfWork, api: ApiId, id: RevisionId) -> Result<Option<RevisionRow>, StoreError> {
    work.find("SELECT * FROM revision WHERE id = $1 AND api_id = $2", [id.into(), api.into()])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// One revision of a tenant, whatever its API.
pub async fn find_any(
    work: &mut UnitOfWork,
    tenant: TenantId,
    id: RevisionId,
) -> Result<Option<RevisionRow>, StoreError> {
    work.find("SELECT * FROM revision WHERE id = $1 AND tenant_id = $2", [id.into(), tenant.into()])
        .await?
        .as_ref()
        .map(read)
        .transpose()
}

/// All revisions of an API, oldest first.
pub async fn list(work: &mut UnitOfWork, api: ApiId) -> Result<Vec<RevisionRow>, StoreError> {
    work.query("SELECT * FROM revision WHERE api_id = $1 ORDER BY number LIMIT 100", [api.into()])
        .await?
        .iter()
        .map(read)
        .collect()
}

/// Removes a revision that is deployed nowhere.
pub async fn delete(work: &mut UnitOfWork, id: RevisionId) -> Result<bool, StoreError> {
    work.execute("DELETE FROM artifact WHERE owner = $1", [id.into()]).await?;
    workflow::forget(work, &id.to_string(), None).await?;
    Ok(work.execute("DELETE FROM revision WHERE id = $1", [id.into()]).await? > 0)
}

/// Deploys a revision to an environment, replacing the one that was there.
pub async fn deploy(work: &mut UnitOfWork, row: &DeploymentRow) -> Result<(), StoreError> {
    undeploy(work, row.api, &row.environment).await?;
    work.execute(
        "INSERT INTO deployment (api_id, environment, revision_id, vhost, display_on_devportal, deployed_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        [
            row.api.into(),
            (&row.environment).into(),
            row.revision.into(),
            (&row.vhost).into(),
            row.display_on_devportal.into(),
            row.deployed_at.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Takes an API off an environment. Returns whether it was there.
pub async fn undeploy(work: &mut UnitOfWork, api: ApiId, environment: &str) -> Result<bool, StoreError> {
    let gone = work
        .execute("DELETE FROM deployment WHERE api_id = $1 AND environment = $2", [api.into(), environment.into()])
        .await?;
    Ok(gone > 0)
}

/// Where an API is deployed, by environment name.
pub async fn deployments(work: &mut UnitOfWork, api: ApiId) -> Result<Vec<DeploymentRow>, StoreError> {
    work.query("SELECT * FROM deployment WHERE api_id = $1 ORDER BY environment LIMIT 100", [api.into()])
        .await?
        .iter()
        .map(read_deployment)
        .collect()
}

/// A deployment with what the snapshot takes from the API's present state instead of the revision.
#[derive(Clone, Debug)]
pub struct ServedRow {
    /// The deployment.
    pub deployment: DeploymentRow,
    /// Owner tenant.
    pub tenant: TenantId,
    /// Lifecycle state, as in `PUBLISHED`.
    pub lifecycle: String,
    /// Whether calls without a version reach it.
    pub is_default: bool,
    /// Whether another version shall be the default and is not deployed yet: until then the former one serves.
    pub default_waits: bool,
}

macro_rules! served {
    ($rest:literal) => {
        concat!(
            "SELECT d.api_id, d.environment, d.revision_id, d.vhost, d.display_on_devportal, d.deployed_at, ",
            "a.tenant_id, a.lifecycle, a.is_default, (SELECT COUNT(*) FROM api n WHERE n.tenant_id = a.tenant_id ",
            "AND n.name_key = a.name_key AND n.is_default = 1 AND n.id <> a.id ",
            "AND NOT EXISTS(SELECT 1 FROM deployment x WHERE x.api_id = n.id)) AS default_waits ",
            "FROM deployment d JOIN api a ON a.id = d.api_id ",
            $rest
        )
    };
}

/// All deployments of all tenants, for the snapshot.
pub async fn all_deployments(work: &mut UnitOfWork) -> Result<Vec<ServedRow>, StoreError> {
    let all =
        concat!("/* whole: the snapshot holds every one */ ", served!("ORDER BY d.api_id, d.environment LIMIT 200000"));
    let rows = work.query(all, []).await?;
    rows.iter().map(read_served).collect()
}

/// The deployments of one API, for a change of the snapshot.
pub async fn deployments_served(work: &mut UnitOfWork, api: ApiId) -> Result<Vec<ServedRow>, StoreError> {
    let rows = work.query(served!("WHERE d.api_id = $1 ORDER BY d.environment LIMIT 100"), [api.into()]).await?;
    rows.iter().map(read_served).collect()
}

fn read_served(row: &Row) -> Result<ServedRow, StoreError> {
    Ok(ServedRow {
        deployment: read_deployment(row)?,
        tenant: row.tenant("tenant_id")?,
        lifecycle: row.text("lifecycle")?,
        is_default: row.flag("is_default")?,
        default_waits: row.flag("default_waits")?,
    })
}

fn read(row: &Row) -> Result<RevisionRow, StoreError> {
    Ok(RevisionRow {
        id: row.parse("id")?,
        tenant: row.tenant("tenant_id")?,
        api: row.parse("api_id")?,
        number: row.int("number")?,
        description: row.text("description")?,
        document: row.text("document")?,
        created_at: row.timestamp("created_at")?,
        created_by: row.text("created_by")?,
    })
}

fn read_deployment(row: &Row) -> Result<DeploymentRow, StoreError> {
    Ok(DeploymentRow {
        api: row.parse("api_id")?,
        environment: row.text("environment")?,
        revision: row.parse("revision_id")?,
        vhost: row.text("vhost")?,
        display_on_devportal: row.flag("display_on_devportal")?,
        deployed_at: row.timestamp("deployed_at")?,
    })
}
