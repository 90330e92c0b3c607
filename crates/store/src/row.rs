//! Arguments and rows that mean the same on both backends.

use serde::de::DeserializeOwned;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;

use crate::StoreError;

/// One argument of a statement. The variants of `None` carry the column's type, which PostgreSQL needs.
#[derive(Clone)]
pub enum Arg {
    /// TEXT.
    Text(Option<String>),
    /// BIGINT; also times (milliseconds) and truth values (0, 1).
    Int(Option<i64>),
    /// BYTEA or BLOB.
    Bytes(Option<Vec<u8>>),
}

impl From<&str> for Arg {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<String> for Arg {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<&String> for Arg {
    fn from(value: &String) -> Self {
        Self::Text(Some(value.clone()))
    }
}

impl From<Option<String>> for Arg {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}

impl From<Option<&str>> for Arg {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(str::to_owned))
    }
}

impl From<i64> for Arg {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Arg {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Arg {
    fn from(value: bool) -> Self {
        Self::Int(Some(i64::from(value)))
    }
}

impl From<Vec<u8>> for Arg {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(Some(value))
    }
}

impl From<&[u8]> for Arg {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(Some(value.to_vec()))
    }
}

impl From<model::Timestamp> for Arg {
    fn from(value: model::Timestamp) -> Self {
        Self::Int(Some(value.millis()))
    }
}

impl From<Option<model::Timestamp>> for Arg {
    fn from(value: Option<model::Timestamp>) -> Self {
        Self::Int(value.map(model::Timestamp::millis))
    }
}

impl From<model::TenantId> for Arg {
    fn from(value: model::TenantId) -> Self {
        Self::Int(Some(value.number()))
    }
}

impl From<&model::ConsumerKey> for Arg {
    fn from(value: &model::ConsumerKey) -> Self {
        Self::Text(Some(value.as_str().to_owned()))
    }
}

/// The pattern of LIKE, with `\\` as escape, for values in lower case that contain the text in any case.
pub(crate) fn containing(text: &str) -> String {
    format!("%{}%", escaped(text))
}

/// The same for values that are the text.
pub(crate) fn escaped(text: &str) -> String {
    text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

/// UUID ids are stored as their text.
macro_rules! id_args {
    ($($id:ty),+) => {$(
        impl From<$id> for Arg {
            fn from(value: $id) -> Self {
                Self::Text(Some(value.to_string()))
            }
        }
    )+};
}

id_args!(
    model::ApiId,
    model::ApplicationId,
    model::KeyMappingId,
    model::PolicyId,
    model::RevisionId,
    model::SubscriptionId,
    model::UserId
);

/// One row of an answer.
pub enum Row {
    /// From the embedded database.
    Sqlite(SqliteRow),
    /// From PostgreSQL.
    Postgres(PgRow),
}

impl Row {
    /// A TEXT column that is never NULL.
    pub fn text(&self, column: &str) -> Result<String, StoreError> {
        self.opt_text(column)?.ok_or_else(|| null(column))
    }

    /// A TEXT column.
    pub fn opt_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    /// A BIGINT column that is never NULL.
    pub fn int(&self, column: &str) -> Result<i64, StoreError> {
        self.opt_int(column)?.ok_or_else(|| null(column))
    }

    /// A BIGINT column.
    pub fn opt_int(&self, column: &str) -> Result<Option<i64>, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    /// A truth value stored as BIGINT 0 or 1.
    pub fn flag(&self, column: &str) -> Result<bool, StoreError> {
        Ok(self.int(column)? != 0)
    }

    /// A BYTEA or BLOB column.
    pub fn opt_bytes(&self, column: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    /// A BYTEA or BLOB column that is never NULL.
    pub fn bytes(&self, column: &str) -> Result<Vec<u8>, StoreError> {
        self.opt_bytes(column)?.ok_or_else(|| null(column))
    }

    /// A time stored as BIGINT milliseconds.
    pub fn timestamp(&self, column: &str) -> Result<model::Timestamp, StoreError> {
        Ok(model::Timestamp::from_millis(self.int(column)?))
    }

    /// A time that may be absent.
    pub fn opt_timestamp(&self, column: &str) -> Result<Option<model::Timestamp>, StoreError> {
        Ok(self.opt_int(column)?.map(model::Timestamp::from_millis))
    }

    /// A tenant number.
    pub fn tenant(&self, column: &str) -> Result<model::TenantId, StoreError> {
        Ok(model::TenantId::new(self.int(column)?))
    }

    /// A value stored as text in its `FromStr` form: ids, states.
    pub fn parse<T>(&self, column: &str) -> Result<T, StoreError>
    where
        T: std::str::FromStr,
        T::Err: std::fmt::Display,
    {
        self.text(column)?
            .parse()
            .map_err(|e: T::Err| StoreError::Inconsistent { column: column.to_owned(), reason: e.to_string() })
    }

    /// A value stored as JSON text.
    pub fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        serde_json::from_str(&self.text(column)?)
            .map_err(|e| StoreError::Inconsistent { column: column.to_owned(), reason: e.to_string() })
    }
}

fn null(column: &str) -> StoreError {
    StoreError::Inconsistent { column: column.to_owned(), reason: "it is NULL".into() }
}
