//! Named documents of a tenant: gateway environments, key managers, API categories, organizations, AI providers, rules of
//! governance.
//!
//! They have in common that the Admin API creates, lists, replaces and removes them by id, that the name is unique, and
//! that nothing is looked up by any other field.

use model::{TenantId, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use crate::{Row, StoreError, UnitOfWork};

/// What a catalogue item is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// A gateway environment.
    Environment,
    /// A key manager other than the resident one.
    KeyManager,
    /// An API category.
    Category,
    /// An organization of consumers.
    Organization,
    /// An AI service provider.
    AiProvider,
    /// Rules of governance.
    GovernanceRuleset,
    /// A policy of governance.
    GovernancePolicy,
}

impl ItemKind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::KeyManager => "key-manager",
            Self::Category => "category",
            Self::Organization => "organization",
            Self::AiProvider => "ai-provider",
            Self::GovernanceRuleset => "governance-ruleset",
            Self::GovernancePolicy => "governance-policy",
        }
    }
}

/// One item.
#[derive(Clone, Debug)]
pub struct ItemRow {
    /// Its id.
    pub id: Uuid,
    /// Owner tenant.
    pub tenant: TenantId,
    /// Unique within tenant and kind.
    pub name: String,
    /// The object as the REST API shows it, secrets sealed.
    pub document: Value,
}

fn row(row: &Row) -> Result<ItemRow, StoreError> {
    Ok(ItemRow {
        id: row.parse("id")?,
        tenant: row.tenant("tenant")?,
        name: row.text("name")?,
        document: row.json("document")?,
    })
}

/// Adds an item.
///
/// # Errors
/// [`StoreError::Conflict`] when the tenant has one of the kind with the name.
pub async fn insert(work: &mut UnitOfWork, kind: ItemKind, item: &ItemRow, now: Timestamp) -> Result<(), StoreError> {
    work.execute(
        "INSERT INTO catalogue_item (id, tenant, kind, name, document, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        [
            item.id.to_string().into(),
            item.tenant.into(),
            kind.as_str().into(),
            item.name.as_str().into(),
            item.document.to_string().into(),
            now.into(),
        ],
    )
    .await?;
    Ok(())
}

/// Replaces name and document; whether it was there.
///
/// # Errors
/// [`StoreError::Conflict`] when another one has the name.
pub async fn update(work: &mut UnitOfWork, kind: ItemKind, item: &ItemRow) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "UPDATE catalogue_item SET name = $4, document = $5 WHERE tenant = $1 AND kind = $2 AND id = $3",
            [
                item.tenant.into(),
                kind.as_str().into(),
                item.id.to_string().into(),
                item.name.as_str().into(),
                item.document.to_string().into(),
            ],
        )
        .await?;
    Ok(changed > 0)
}

/// Removes an item; whether it was there.
pub async fn delete(work: &mut UnitOfWork, kind: ItemKind, tenant: TenantId, id: Uuid) -> Result<bool, StoreError> {
    let changed = work
        .execute(
            "DELETE FROM catalogue_item WHERE tenant = $1 AND kind = $2 AND id = $3",
            [tenant.into(), kind.as_str().into(), id.to_string().into()],
        )
        .await?;
    Ok(changed > 0)
}

/// An item by id.
pub async fn find(
    work: &mut UnitOfWork,
    kind: ItemKind,
    tenant: TenantId,
    id: Uuid,
) -> Result<Option<ItemRow>, StoreError> {
    work.find(
        "SELECT id, tenant, name, document FROM catalogue_item WHERE tenant = $1 AND kind = $2 AND id = $3",
        [tenant.into(), kind.as_str().into(), id.to_string().into()],
    )
    .await?
    .as_ref()
    .map(row)
    .transpose()
}

/// An item by name.
pub async fn find_by_name(
    work: &mut UnitOfWork,
    kind: ItemKind,
    tenant: TenantId,
    name: &str,
) -> Result<Option<ItemRow>, StoreError> {
    work.find(
        "SELECT id, tenant, name, document FROM catalogue_item WHERE tenant = $1 AND kind = $2 AND name = $3",
        [tenant.into(), kind.as_str().into(), name.into()],
    )
    .await?
    .as_ref()
    .map(row)
    .transpose()
}

/// All items of a kind in order of creation, at most 5000.
pub async fn list(work: &mut UnitOfWork, kind: ItemKind, tenant: TenantId) -> Result<Vec<ItemRow>, StoreError> {
    work.query(
        "SELECT id, tenant, name, document FROM catalogue_item WHERE tenant = $1 AND kind = $2 \
         ORDER BY created_at, name LIMIT 5000",
        [tenant.into(), kind.as_str().into()],
    )
    .await?
    .iter()
    .map(row)
    .collect()
}

/// The items of a kind of all tenants, for the snapshot.
pub async fn all(work: &mut UnitOfWork, kind: ItemKind) -> Result<Vec<ItemRow>, StoreError> {
    work.query(
        "SELECT id, tenant, name, document FROM catalogue_item WHERE kind = $1 ORDER BY tenant, created_at, name",
        [kind.as_str().into()],
    )
    .await?
    .iter()
    .map(row)
    .collect()
}
