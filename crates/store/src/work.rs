//! One transaction, the same on both backends.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Postgres, Row as _, Sqlite};

use crate::plan::{self, PlanWatch};
use crate::{Arg, Row, StoreError};

/// A transaction. Nothing is kept unless [`UnitOfWork::save`] is called; dropping it cancels.
pub struct UnitOfWork {
    transaction: Transaction,
    plans: Option<Arc<PlanWatch>>,
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
        Self { transaction: Transaction::Sqlite(transaction), plans: None }
    }

    pub(crate) const fn postgres(transaction: sqlx::Transaction<'static, Postgres>) -> Self {
        Self { transaction: Transaction::Postgres(transaction), plans: None }
    }

    /// Looks at the plans of the statements.
    pub(crate) fn watched(self, plans: Option<&Arc<PlanWatch>>) -> Self {
        Self { plans: plans.cloned(), ..self }
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
        self.look_at_plan(sql, &args).await?;
        Ok(match &mut self.transaction {
            Transaction::Sqlite(tx) => bound!(sql, args).execute(&mut **tx).await?.rows_affected(),
            Transaction::Postgres(tx) => bound!(sql, args).execute(&mut **tx).await?.rows_affected(),
        })
    }

    /// Runs a query; returns all rows. Callers bound the number of rows in the statement.
    pub async fn query<const N: usize>(&mut self, sql: &'static str, args: [Arg; N]) -> Result<Vec<Row>, StoreError> {
        self.look_at_plan(sql, &args).await?;
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
        self.look_at_plan(sql, &args).await?;
        Ok(match &mut self.transaction {
            Transaction::Sqlite(tx) => bound!(sql, args).fetch_optional(&mut **tx).await?.map(Row::Sqlite),
            Transaction::Postgres(tx) => bound!(sql, args).fetch_optional(&mut **tx).await?.map(Row::Postgres),
        })
    }

    /// Refuses a statement that would read all of a growing table, when plans are looked at.
    async fn look_at_plan<const N: usize>(&mut self, sql: &'static str, args: &[Arg; N]) -> Result<(), StoreError> {
        let has_plan = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].iter().any(|verb| sql.starts_with(verb));
        if !has_plan || !self.plans.as_ref().is_some_and(|plans| plans.wants(sql)) {
            return Ok(());
        }
        let scanned = match &mut self.transaction {
            Transaction::Sqlite(tx) => {
                let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {sql}"));
                let lines = bound!(explain, args.clone()).fetch_all(&mut **tx).await?;
                let details: Vec<String> = lines.iter().map(|line| line.try_get("detail")).collect::<Result<_, _>>()?;
                details.iter().find_map(|detail| plan::scanned_by_sqlite(sql, detail))
            }
            Transaction::Postgres(tx) => {
                // Small tables are read whole even with an index: what counts is whether there is another way.
                sqlx::raw_sql("SET LOCAL enable_seqscan = off").execute(&mut **tx).await?;
                let explain = AssertSqlSafe(format!("EXPLAIN (FORMAT JSON) {sql}"));
                let answer = bound!(explain, args.clone()).fetch_one(&mut **tx).await?;
                sqlx::raw_sql("SET LOCAL enable_seqscan = on").execute(&mut **tx).await?;
                let text: String = answer.try_get_unchecked(0)?;
                plan::scanned_by_postgres(&serde_json::from_str(&text).unwrap_or_default())
            }
        };
        match scanned {
            Some(table) => Err(StoreError::Refused(format!("all of {table} would be read: {sql}"))),
            None => Ok(()),
        }
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
