//! A consistent copy of everything, taken while the database is in use, and the way back (guideline O09).

use std::collections::BTreeSet;
use std::path::Path;

use sqlx::{AssertSqlSafe, Row as _};

use super::{Backend, Database};
use crate::StoreError;

/// Rows that are fetched and inserted at once.
const BATCH: usize = 500;

/// Name of the cursor.
const NEXT: &str = "FETCH FORWARD 500 FROM portcullis_backup";

/// Tables that belong to the schema and not to the data.
const OF_THE_SCHEMA: &str = "schema_migration";

/// What takes the rows of an export: a table, then its rows as JSON texts, batch by batch.
pub type RowSink<'a> = dyn FnMut(&str, Vec<String>) -> Result<(), String> + Send + 'a;

impl Database {
    /// Copies the embedded database into a new file; writers go on meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Database`] when the file exists, the disk is full, or this is PostgreSQL.
    pub async fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        let Backend::Sqlite { readers, .. } = &self.backend else {
            return Err(StoreError::Refused("a file copy is made of the embedded database only".to_owned()));
        };
        sqlx::query("VACUUM INTO $1").bind(path.display().to_string()).execute(readers).await?;
        Ok(())
    }

    /// Looks whether the embedded database is whole: SQLite's own check and the foreign keys. `None` when it is, or when
    /// this is PostgreSQL.
    pub async fn damage(&self) -> Result<Option<String>, StoreError> {
        let Backend::Sqlite { readers, .. } = &self.backend else { return Ok(None) };
        let answer: String = sqlx::query("PRAGMA integrity_check(1)").fetch_one(readers).await?.try_get(0)?;
        if answer != "ok" {
            return Ok(Some(answer));
        }
        let broken = sqlx::query("PRAGMA foreign_key_check").fetch_optional(readers).await?;
        Ok(broken.map(|_| "a row refers to another that is not there".to_owned()))
    }

    /// Hands every row of every table of PostgreSQL to `sink`, as they were at one moment. Parents come before children.
    ///
    /// # Errors
    /// Those of the database; [`StoreError::Refused`] with the text of the sink.
    pub async fn export(&self, sink: &mut RowSink<'_>) -> Result<(), StoreError> {
        let Backend::Postgres(pool) = &self.backend else {
            return Err(StoreError::Refused("the embedded database is copied as a file".to_owned()));
        };
        let mut tx = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        for table in tables(&mut tx).await? {
            let select = format!(
                "DECLARE portcullis_backup NO SCROLL CURSOR FOR SELECT row_to_json(t)::text FROM {} t",
                quoted(&table)
            );
            // A table cannot be an argument; its name comes from the catalogue and is quoted.
            sqlx::raw_sql(AssertSqlSafe(select)).execute(&mut *tx).await?;
            loop {
                let rows = sqlx::query(NEXT).fetch_all(&mut *tx).await?;
                let batch: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
                let last = batch.len() < BATCH;
                sink(&table, batch).map_err(StoreError::Refused)?;
                if last {
                    break;
                }
            }
            sqlx::query("CLOSE portcullis_backup").execute(&mut *tx).await?;
        }
        tx.rollback().await?;
        Ok(())
    }

    /// Replaces the content of every table of PostgreSQL by exported rows, in one transaction. Needs the owner role.
    ///
    /// `rows` are the tables in the order of the export, each with its rows.
    ///
    /// # Errors
    /// [`StoreError::Refused`] for a table that the schema does not have; then nothing was changed.
    pub async fn import(&self, rows: &[(String, Vec<String>)]) -> Result<(), StoreError> {
        let Backend::Postgres(pool) = &self.backend else {
            return Err(StoreError::Refused("the embedded database is restored as a file".to_owned()));
        };
        let mut tx = pool.begin().await?;
        let known = tables(&mut tx).await?;
        if let Some((strange, _)) = rows.iter().find(|(table, _)| !known.contains(table)) {
            return Err(StoreError::Refused(format!("the schema has no table {strange}")));
        }
        for table in known.iter().rev() {
            sqlx::raw_sql(AssertSqlSafe(format!("DELETE FROM {}", quoted(table)))).execute(&mut *tx).await?;
        }
        for table in &known {
            let insert = format!(
                "INSERT INTO {name} SELECT * FROM json_populate_recordset(NULL::{name}, $1::json)",
                name = quoted(table)
            );
            for (_, all) in rows.iter().filter(|(found, _)| found == table) {
                for batch in all.chunks(BATCH) {
                    let array = format!("[{}]", batch.join(","));
                    sqlx::query(AssertSqlSafe(insert.clone())).bind(array).execute(&mut *tx).await?;
                }
            }
        }
        tx.commit().await?;
        Ok(())
    }
}

fn quoted(table: &str) -> String {
    format!("\"{}\"", table.replace('"', "\"\""))
}

/// The tables of the product, those that others refer to first.
async fn tables(tx: &mut sqlx::Transaction<'static, sqlx::Postgres>) -> Result<Vec<String>, StoreError> {
    let rows =
        sqlx::query("SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema() ORDER BY tablename")
            .fetch_all(&mut **tx)
            .await?;
    let mut waiting: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    waiting.retain(|table| table != OF_THE_SCHEMA);
    let rows = sqlx::query(
        "SELECT child.relname::text, parent.relname::text FROM pg_constraint c \
         JOIN pg_class child ON child.oid = c.conrelid JOIN pg_class parent ON parent.oid = c.confrelid \
         WHERE c.contype = 'f' AND child.oid <> parent.oid AND child.relnamespace = current_schema()::regnamespace",
    )
    .fetch_all(&mut **tx)
    .await?;
    let mut edges = Vec::new();
    for row in &rows {
        edges.push((row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?));
    }
    Ok(ordered(waiting, &edges))
}

/// Parents first. Tables of a circle, which the schema does not have, would come last in their own order.
fn ordered(mut waiting: Vec<String>, edges: &[(String, String)]) -> Vec<String> {
    let mut done: Vec<String> = Vec::new();
    loop {
        let placed: BTreeSet<&String> = done.iter().collect();
        let blocked = |table: &String| {
            edges.iter().any(|(child, parent)| child == table && !placed.contains(parent) && waiting.contains(parent))
        };
        let (later, ready): (Vec<String>, Vec<String>) = waiting.iter().cloned().partition(blocked);
        if ready.is_empty() {
            done.extend(later);
            return done;
        }
        done.extend(ready);
        waiting = later;
    }
}

#[cfg(test)]
mod tests {
    use super::ordered;

    #[test]
    fn parents_come_first_and_a_circle_ends() {
        let names = |all: &[&str]| all.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        let edge = |c: &str, p: &str| (c.to_owned(), p.to_owned());
        let edges = [edge("a", "b"), edge("b", "c"), edge("x", "y"), edge("y", "x")];
        let order = ordered(names(&["a", "b", "c", "d", "x", "y"]), &edges);
        assert_eq!(order, names(&["c", "d", "b", "a", "x", "y"]));
    }
}
