//! One transaction, the same on both backends.

use sqlx::{Postgres, Sqlite};

use crate::{Arg, Row, StoreError};

/// A transaction. Nothing is kept unless [`UnitOfWork::save`] is called; dropping it cancels.
pub struct UnitOfWork {
    transaction: Transaction,
}

enum Transaction {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

/// Repeats for each backend: binds every argument with its type.
macro_rules! bound {
    ($sql:expr, $args:expr) => {{
        let mut query = sqlx::query($sql);
        for arg in $args {
            query = match arg {
                Arg::Text(value) => query.bind(value),
                Arg::Int(value) => query.bind(value),
                Arg::Bytes(value) => query.bind(value),
            };
        }
        query
    }};
}

impl UnitOfWork {
    pub(crate) const fn sqlite(transaction: sqlx::Transaction<'static, Sqlite>) -> Self {
        Self { transaction: Transaction::Sqlite(transaction) }
    }

    pub(crate) const fn postgres(transaction: sqlx::Transaction<'static, Postgres>) -> Self {
        Self { transaction: Transaction::Postgres(transaction) }
    }

    /// Whether the statements go to PostgreSQL, for the few that the two databases spell differently.
    pub(crate) const fn is_postgres(&self) -> bool {
        matches!(self.transaction, Transaction::Postgres(_))
    }

    /// Runs a statement; returns the number of rows it changed.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when a unique value exists already; the others as their names say.
    pub async fn execute<const N: usize>(&mut self, sql: &'static str, args: [Arg; N]) -> Result<u64, StoreError> {
        Ok(match &mut self.transaction {
            Transaction::Sqlite(tx) => bound!(sql, args).execute(&mut **tx).await?.rows_affected(),
            Transaction::Postgres(tx) => bound!(sql, args).execute(&mut **tx).await?.rows_affected(),
        })
    }

    /// Runs a query; returns all rows. Callers bound the number of rows in the statement.
    pub async fn query<const N: usize>(&mut self, sql: &'static str, args: [Arg; N]) -> Result<Vec<Row>, StoreError> {
        Ok(match &mut self.transaction {
            Transaction::Sqlite(tx) => {
                bound!(sql, args).fetch_all(&mut **tx).await?.into_iter().map(Row::Sqlite).collect()
            }
            Transaction::Postgres(tx) => {
                bound!(sql, args).fetch_all(&mut **tx).await?.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Runs a query that finds at most one row.
    pub async fn find<const N: usize>(&mut self, sql: &'static str, args: [Arg; N]) -> Result<Option<Row>, StoreError> {
        Ok(match &mut self.transaction {
            Transaction::Sqlite(tx) => bound!(sql, args).fetch_optional(&mut **tx).await?.map(Row::Sqlite),
            Transaction::Postgres(tx) => bound!(sql, args).fetch_optional(&mut **tx).await?.map(Row::Postgres),
        })
    }

    /// Keeps everything done in this transaction; when this returns, a crash cannot lose it.
    pub async fn save(self) -> Result<(), StoreError> {
        match self.transaction {
            Transaction::Sqlite(tx) => tx.commit().await?,
            Transaction::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }

    /// Undoes everything done in this transaction.
    pub async fn cancel(self) -> Result<(), StoreError> {
        match self.transaction {
            Transaction::Sqlite(tx) => tx.rollback().await?,
            Transaction::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }
}
