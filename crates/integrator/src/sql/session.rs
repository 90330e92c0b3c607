//! Statements in transactions, one for each database that a message works with.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use futures_util::stream::BoxStream;
use sqlx::postgres::{PgArguments, PgQueryResult};
use sqlx::sqlite::{SqliteQueryResult, SqliteRow};
use sqlx::{
    AssertSqlSafe, Column as _, Database, Either, Executor as _, Postgres, Row as _, Sqlite, Transaction,
    TypeInfo as _, ValueRef as _,
};

use super::value::{Cell, Kind};
use super::{BYTES, Databases, Pool, ROWS, STATEMENT, SqlError, Wanted, postgres};

/// A piece of a statement with its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    /// Text of the artifact.
    Text(String),
    /// A value to bind.
    Value(Cell, Kind),
    /// What a procedure gives back; its name.
    Out(String),
}

/// A statement with its values.
#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) parts: Vec<Part>,
    /// The procedure or function of a `CALL`.
    pub(crate) procedure: Option<String>,
    /// True when the rows are the keys that an insertion generated.
    pub(crate) keys: bool,
    /// True when the one row is the number of changed rows.
    pub(crate) count: bool,
    /// How long it may take.
    pub(crate) timeout: Duration,
    /// Rows that are read; further ones are left, as JDBC's `setMaxRows` does.
    pub(crate) rows: Option<usize>,
}

impl Command {
    pub(crate) fn new(parts: Vec<Part>) -> Self {
        Self { parts, procedure: None, keys: false, count: false, timeout: STATEMENT, rows: None }
    }
}

/// What a statement gave.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) columns: Arc<Vec<String>>,
    pub(crate) rows: Vec<Vec<Cell>>,
    pub(crate) changed: u64,
}

/// Connections with what is not committed; dropping them undoes it.
#[derive(Default)]
pub(crate) struct Open(HashMap<String, Connection>);

enum Connection {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Work with databases that is committed as a whole, or undone.
pub(crate) struct Session<'a> {
    databases: &'a Databases,
    open: HashMap<String, Connection>,
    /// True for work that writes: SQLite's write lock is taken at once, so that it cannot be lost to another writer.
    writes: bool,
}

impl<'a> Session<'a> {
    pub(super) fn new(databases: &'a Databases) -> Self {
        Self { databases, open: HashMap::new(), writes: true }
    }

    /// Work that only reads.
    #[must_use]
    pub(crate) const fn reading(mut self) -> Self {
        self.writes = false;
        self
    }

    /// Goes on with what was suspended.
    pub(crate) fn resume(&mut self, open: Open) {
        self.open = open.0;
    }

    /// Keeps what is not committed for later.
    pub(crate) fn suspend(self) -> Open {
        Open(self.open)
    }

    /// Runs a statement.
    pub(crate) async fn run(&mut self, wanted: &Wanted<'_>, command: &Command) -> Result<Outcome, SqlError> {
        let key = format!("{}@{}", wanted.user, wanted.source);
        if !self.open.contains_key(&key) {
            let pool = self.databases.pool(wanted).await?;
            let connection = begin(pool, self.writes).await?;
            self.open.insert(key.clone(), connection);
        }
        let Some(connection) = self.open.get_mut(&key) else {
            return Err(SqlError::Source("the connection is gone".to_owned()));
        };
        let timeout = command.timeout;
        let work = async {
            match connection {
                Connection::Sqlite(transaction) => sqlite(transaction, command).await,
                Connection::Postgres(transaction) => {
                    let command = procedure(transaction, command).await?;
                    run_postgres(transaction, &command).await
                }
            }
        };
        match tokio::time::timeout(timeout, work).await {
            Ok(outcome) => outcome,
            Err(_) => {
                // What still runs must not be committed by a later statement.
                self.open.remove(&key);
                Err(SqlError::Bound(format!("the statement took longer than {} seconds", timeout.as_secs())))
            }
        }
    }

    /// Keeps everything. With more than one database each is committed by itself, in no order.
    pub(crate) async fn commit(self) -> Result<(), SqlError> {
        for connection in self.open.into_values() {
            match connection {
                Connection::Sqlite(transaction) => transaction.commit().await?,
                Connection::Postgres(transaction) => transaction.commit().await?,
            }
        }
        Ok(())
    }

    /// Undoes everything.
    pub(crate) async fn rollback(self) {
        for connection in self.open.into_values() {
            let undone = match connection {
                Connection::Sqlite(transaction) => transaction.rollback().await,
                Connection::Postgres(transaction) => transaction.rollback().await,
            };
            if let Err(error) = undone {
                tracing::warn!(reason = %error, "a transaction ended by losing its connection");
            }
        }
    }
}

async fn begin(pool: Pool, writes: bool) -> Result<Connection, SqlError> {
    Ok(match pool {
        Pool::Sqlite(pool) if writes => Connection::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
        Pool::Sqlite(pool) => Connection::Sqlite(pool.begin().await?),
        Pool::Postgres(pool) => Connection::Postgres(pool.begin().await?),
    })
}

/// Rows as they come, under caps.
struct Reading<'c> {
    command: &'c Command,
    outcome: Outcome,
    size: usize,
}

impl<'c> Reading<'c> {
    fn new(command: &'c Command) -> Self {
        Self { command, outcome: Outcome::default(), size: 0 }
    }

    fn is_full(&self) -> bool {
        self.command.rows.is_some_and(|most| self.outcome.rows.len() >= most)
    }

    fn name(&mut self, names: impl Iterator<Item = String>) {
        if self.outcome.columns.is_empty() {
            let names: Vec<String> = names.collect();
            let outs = self.command.parts.iter().filter_map(|part| match part {
                Part::Out(name) => Some(name.clone()),
                Part::Text(_) | Part::Value(..) => None,
            });
            let outs: Vec<String> = outs.collect();
            // What a procedure gives back is known to the artifact by the names of its own parameters.
            self.outcome.columns = Arc::new(if outs.len() == names.len() { outs } else { names });
        }
    }

    fn add(&mut self, row: Vec<Cell>) -> Result<(), SqlError> {
        self.size += row.iter().map(Cell::size).sum::<usize>();
        if self.outcome.rows.len() >= ROWS || self.size > BYTES {
            return Err(SqlError::Bound(format!(
                "the statement gives more than {ROWS} rows or {BYTES} bytes; ask for fewer"
            )));
        }
        self.outcome.rows.push(row);
        Ok(())
    }

    fn end(mut self) -> Outcome {
        if self.command.count {
            self.outcome.columns = Arc::new(vec!["UpdatedRowCount".to_owned()]);
            let count = i64::try_from(self.outcome.changed).unwrap_or(i64::MAX);
            self.outcome.rows = vec![vec![Cell::Integer(count)]];
        }
        self.outcome
    }
}

fn written(command: &Command, mut mark: impl FnMut(usize, &Kind) -> String) -> String {
    let (mut sql, mut place) = (String::new(), 0);
    for part in &command.parts {
        match part {
            Part::Text(text) => sql.push_str(text),
            Part::Value(_, kind) => {
                place += 1;
                sql.push_str(&mark(place, kind));
            }
            Part::Out(_) => sql.push_str("NULL"),
        }
    }
    if command.keys && !sql.to_ascii_lowercase().contains("returning") {
        sql.push_str(" RETURNING *");
    }
    sql
}

fn values(command: &Command) -> impl Iterator<Item = (&Cell, &Kind)> {
    command.parts.iter().filter_map(|part| match part {
        Part::Value(cell, kind) => Some((cell, kind)),
        Part::Text(_) | Part::Out(_) => None,
    })
}

async fn sqlite(transaction: &mut Transaction<'static, Sqlite>, command: &Command) -> Result<Outcome, SqlError> {
    if let Some(name) = &command.procedure {
        return Err(SqlError::Database(format!("SQLite has no stored procedures, so {name} cannot be called")));
    }
    let sql = written(command, |_, _| "?".to_owned());
    let word: String = sql.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
    // These reach other files, or the database's own rules.
    if ["attach", "detach", "pragma", "vacuum"].contains(&word.to_ascii_lowercase().as_str()) {
        return Err(SqlError::Database(format!("{word} is not for artifacts")));
    }
    // The text is the artifact's; see the module's head.
    let sql = AssertSqlSafe(sql);
    let mut query = sqlx::query(sql);
    for (cell, _) in values(command) {
        query = match cell.clone() {
            Cell::Null => query.bind(None::<String>),
            Cell::Integer(value) => query.bind(value),
            Cell::Real(value) => query.bind(value),
            Cell::Boolean(value) => query.bind(i64::from(value)),
            Cell::Bytes(bytes) => query.bind(bytes),
            Cell::Decimal(text) => match text.parse::<f64>() {
                Ok(number) if text.len() <= 15 => query.bind(number),
                _ => query.bind(text),
            },
            Cell::Text(text) | Cell::Date(text) | Cell::Time(text) | Cell::Timestamp(text) | Cell::Uuid(text) => {
                query.bind(text)
            }
        };
    }
    gather::<Sqlite>((&mut **transaction).fetch_many(query), command, SqliteQueryResult::rows_affected, read_sqlite)
        .await
}

/// What a driver hands out for a statement, in turn: how many rows a part of it changed, or a row.
type Answers<'a, D> = BoxStream<'a, Result<Either<<D as Database>::QueryResult, <D as Database>::Row>, sqlx::Error>>;

/// What a statement gives, as much of it as is wanted.
async fn gather<D: Database>(
    mut stream: Answers<'_, D>,
    command: &Command,
    changed: fn(&D::QueryResult) -> u64,
    read: fn(&D::Row, usize) -> Result<Cell, SqlError>,
) -> Result<Outcome, SqlError> {
    let mut reading = Reading::new(command);
    while let Some(next) = stream.try_next().await? {
        match next {
            Either::Left(done) => reading.outcome.changed += changed(&done),
            Either::Right(row) => {
                reading.name(row.columns().iter().map(|column| column.name().to_owned()));
                let cells: Result<Vec<Cell>, SqlError> = (0..row.len()).map(|at| read(&row, at)).collect();
                reading.add(cells?)?;
                if reading.is_full() {
                    break;
                }
            }
        }
    }
    drop(stream);
    Ok(reading.end())
}

fn read_sqlite(row: &SqliteRow, index: usize) -> Result<Cell, SqlError> {
    let raw = row.try_get_raw(index)?;
    if raw.is_null() {
        return Ok(Cell::Null);
    }
    let kind = raw.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "INTEGER" | "BOOLEAN" => Cell::Integer(row.try_get_unchecked(index)?),
        "REAL" | "NUMERIC" => Cell::Real(row.try_get_unchecked(index)?),
        "BLOB" => Cell::Bytes(row.try_get_unchecked(index)?),
        _ => Cell::Text(row.try_get_unchecked(index)?),
    })
}

/// `CALL f()` where f is a function is a selection from it; PostgreSQL tells the two apart, JDBC's callers do not.
async fn procedure(transaction: &mut Transaction<'static, Postgres>, command: &Command) -> Result<Command, SqlError> {
    let Some(name) = &command.procedure else { return Ok(command.clone()) };
    let plain = name.rsplit('.').next().unwrap_or_default();
    let known = if plain.starts_with('"') { plain.trim_matches('"').to_owned() } else { plain.to_ascii_lowercase() };
    let kind: Option<String> = sqlx::query_scalar("SELECT max(prokind::text) FROM pg_proc WHERE proname = $1")
        .bind(known)
        .fetch_one(&mut **transaction)
        .await?;
    let mut command = command.clone();
    if kind.as_deref() == Some("p") {
        return Ok(command);
    }
    let mut parts = vec![Part::Text(format!("SELECT * FROM {name}("))];
    for part in command.parts.iter().filter(|part| matches!(part, Part::Value(..))) {
        if parts.len() > 1 {
            parts.push(Part::Text(", ".to_owned()));
        }
        parts.push(part.clone());
    }
    parts.push(Part::Text(")".to_owned()));
    // Names of what comes back are kept, and not written.
    let outs: Vec<Part> = command.parts.into_iter().filter(|part| matches!(part, Part::Out(_))).collect();
    command.parts = parts;
    command.procedure = None;
    if outs.is_empty() {
        return Ok(command);
    }
    let aliases = outs.iter().filter_map(|part| match part {
        Part::Out(name) => Some(format!("\"{}\"", name.replace('"', "\"\""))),
        Part::Text(_) | Part::Value(..) => None,
    });
    let aliases = aliases.collect::<Vec<_>>().join(", ");
    command.parts.push(Part::Text(format!(" AS given({aliases})")));
    Ok(command)
}

async fn run_postgres(
    transaction: &mut Transaction<'static, Postgres>,
    command: &Command,
) -> Result<Outcome, SqlError> {
    let sql = written(command, |place, kind| match kind {
        Kind::Text | Kind::Bytes => format!("${place}"),
        Kind::Integer => format!("CAST(${place} AS bigint)"),
        Kind::Real => format!("CAST(${place} AS double precision)"),
        Kind::Decimal => format!("CAST(${place} AS numeric)"),
        Kind::Boolean => format!("CAST(${place} AS boolean)"),
        Kind::Date => format!("CAST(${place} AS date)"),
        Kind::Time => format!("CAST(${place} AS time)"),
        Kind::Timestamp => format!("CAST(${place} AS timestamp)"),
        Kind::Uuid => format!("CAST(${place} AS uuid)"),
    });
    let mut query = sqlx::query::<Postgres>(AssertSqlSafe(sql));
    for (cell, kind) in values(command) {
        query = bind_postgres(query, cell, *kind);
    }
    gather::<Postgres>((&mut **transaction).fetch_many(query), command, PgQueryResult::rows_affected, postgres::read)
        .await
}

type PostgresQuery<'q> = sqlx::query::Query<'q, Postgres, PgArguments>;

/// Everything but bytes goes as text, which the statement casts: the database reads its own types best.
fn bind_postgres<'q>(query: PostgresQuery<'q>, cell: &Cell, kind: Kind) -> PostgresQuery<'q> {
    match (cell, kind) {
        (Cell::Bytes(bytes), _) => query.bind(bytes.clone()),
        (Cell::Null, Kind::Bytes) => query.bind(None::<Vec<u8>>),
        (other, _) => query.bind(other.text()),
    }
}
