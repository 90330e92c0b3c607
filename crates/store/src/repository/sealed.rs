//! Everywhere that texts of the vault are kept, for sealing them again under a newer key.
//!
//! A row is exchanged only if it still is what was read: a change by somebody else in between wins, and what it holds is
//! readable, because old keys stay in the keyring.

use model::TenantId;

use crate::{Row, StoreError, UnitOfWork};

/// A place where sealed texts are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealedPlace {
    /// Objects of APIs: endpoint security, attributes of policies.
    Api,
    /// The same, frozen in revisions.
    Revision,
    /// Key managers.
    KeyManager,
    /// Keys that sign tokens.
    SigningKey,
    /// Authenticators.
    SecondFactor,
}

impl SealedPlace {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Api, Self::Revision, Self::KeyManager, Self::SigningKey, Self::SecondFactor];

    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Api => "API",
            Self::Revision => "revision",
            Self::KeyManager => "key manager",
            Self::SigningKey => "signing key",
            Self::SecondFactor => "second factor of user",
        }
    }
}

/// A row with a sealed text in it.
#[derive(Clone, Debug)]
pub struct SealedRow {
    /// What tells it from the others of its place.
    pub key: String,
    /// Its tenant.
    pub tenant: TenantId,
    /// Whose secrets it holds: of a revision the API, else the key itself.
    pub owner: String,
    /// The sealed text, or the document that holds some.
    pub text: String,
}

fn row(row: &Row) -> Result<SealedRow, StoreError> {
    Ok(SealedRow {
        key: row.text("key")?,
        tenant: row.tenant("tenant")?,
        owner: row.text("owner")?,
        text: row.text("text")?,
    })
}

/// Rows of a place whose text holds `mark`, by their keys from behind `after`; at most 100.
///
/// # Errors
/// The database's.
pub async fn holding(
    work: &mut UnitOfWork,
    place: SealedPlace,
    mark: &str,
    after: &str,
) -> Result<Vec<SealedRow>, StoreError> {
    let sql = match place {
        SealedPlace::Api => {
            "SELECT id AS key, tenant_id AS tenant, id AS owner, document AS text FROM api \
             WHERE id > $2 AND document LIKE $1 ESCAPE '\\' ORDER BY id LIMIT 100"
        }
        SealedPlace::Revision => {
            "SELECT id AS key, tenant_id AS tenant, api_id AS owner, document AS text FROM revision \
             WHERE id > $2 AND document LIKE $1 ESCAPE '\\' ORDER BY id LIMIT 100"
        }
        SealedPlace::KeyManager => {
            "SELECT id AS key, tenant, id AS owner, document AS text FROM catalogue_item \
             WHERE kind = 'key-manager' AND id > $2 AND document LIKE $1 ESCAPE '\\' ORDER BY id LIMIT 100"
        }
        SealedPlace::SigningKey => {
            "SELECT kid AS key, tenant_id AS tenant, kid AS owner, sealed AS text FROM signing_key \
             WHERE kid > $2 AND sealed LIKE $1 ESCAPE '\\' ORDER BY kid LIMIT 100"
        }
        SealedPlace::SecondFactor => {
            "SELECT user_id AS key, tenant_id AS tenant, user_id AS owner, secret AS text FROM second_factor \
             WHERE user_id > $2 AND secret LIKE $1 ESCAPE '\\' ORDER BY user_id LIMIT 100"
        }
    };
    let found = work.query(sql, [crate::row::containing(mark).into(), after.into()]).await?;
    found.iter().map(row).collect()
}

/// Exchanges the text of a row, unless somebody changed it since it was read. Whether it was exchanged.
///
/// # Errors
/// The database's.
pub async fn exchange(
    work: &mut UnitOfWork,
    place: SealedPlace,
    read: &SealedRow,
    text: &str,
) -> Result<bool, StoreError> {
    let sql = match place {
        SealedPlace::Api => "UPDATE api SET document = $4 WHERE id = $1 AND tenant_id = $2 AND document = $3",
        SealedPlace::Revision => "UPDATE revision SET document = $4 WHERE id = $1 AND tenant_id = $2 AND document = $3",
        SealedPlace::KeyManager => {
            "UPDATE catalogue_item SET document = $4 \
             WHERE id = $1 AND tenant = $2 AND document = $3 AND kind = 'key-manager'"
        }
        SealedPlace::SigningKey => {
            "UPDATE signing_key SET sealed = $4 WHERE kid = $1 AND tenant_id = $2 AND sealed = $3"
        }
        SealedPlace::SecondFactor => {
            "UPDATE second_factor SET secret = $4 WHERE user_id = $1 AND tenant_id = $2 AND secret = $3"
        }
    };
    let args = [(&read.key).into(), read.tenant.into(), (&read.text).into(), text.into()];
    Ok(work.execute(sql, args).await? > 0)
}
