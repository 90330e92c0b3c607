//! Statements of the mediators `dblookup` and `dbreport`, and the transactions of the mediator `transaction`.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use synapse::Value;
use synapse::host::{HostError, Query, Rows};

use crate::sql::{Cell, Command, Databases, Kind, Open, Part, SqlError, Wanted};

/// Transactions that are open at once.
const TRANSACTIONS: usize = 1024;

/// Statements, and the transactions that exchanges have open.
pub(crate) struct Statements {
    databases: Arc<Databases>,
    open: Mutex<HashMap<u64, Option<Open>>>,
}

impl Statements {
    pub(crate) fn new(databases: Arc<Databases>) -> Self {
        Self { databases, open: Mutex::default() }
    }

    /// Runs a statement, or an action of `transaction`, for an exchange.
    pub(crate) async fn run(&self, exchange: u64, query: &Query) -> Result<Rows, HostError> {
        if query.source.is_empty() {
            return self.transaction(exchange, query.sql.trim_start_matches("transaction").trim()).await;
        }
        let command = Command::new(parts(query)?);
        let (user, password) = match &query.login {
            Some(login) => (login.user.as_str(), login.password.expose().as_str()),
            None => ("", ""),
        };
        let wanted = Wanted { source: &query.source, user, password };
        // While a statement runs, its transaction is out of the map; statements of one exchange that run side by side
        // are apart from it.
        let taken = self.lock().get_mut(&exchange).and_then(Option::take);
        let inside = taken.is_some();
        let mut session = self.databases.session();
        if let Some(open) = taken {
            session.resume(open);
        }
        let outcome = session.run(&wanted, &command).await;
        if inside {
            let open = session.suspend();
            if let Some(slot) = self.lock().get_mut(&exchange) {
                *slot = Some(open);
            }
        } else if outcome.is_ok() {
            session.commit().await.map_err(|error| told(&error))?;
        } else {
            session.rollback().await;
        }
        let outcome = outcome.map_err(|error| told(&error))?;
        Ok(Rows {
            columns: outcome.columns.as_ref().clone(),
            rows: outcome.rows.into_iter().map(|row| row.into_iter().map(value).collect()).collect(),
        })
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Option<Open>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn transaction(&self, exchange: u64, action: &str) -> Result<Rows, HostError> {
        let known = self.lock().contains_key(&exchange);
        let refuse = |text: &str| Err(HostError(text.to_owned()));
        match action {
            "new" if known => return refuse("a transaction is open already"),
            "new" => self.begin(exchange)?,
            "use-existing-or-new" if !known => self.begin(exchange)?,
            "use-existing-or-new" => {}
            "fault-if-no-tx" if !known => return refuse("there is no transaction"),
            "fault-if-no-tx" => {}
            "commit" | "rollback" => {
                let Some(open) = self.lock().remove(&exchange) else { return refuse("there is no transaction") };
                let mut session = self.databases.session();
                session.resume(open.unwrap_or_default());
                if action == "commit" {
                    session.commit().await.map_err(|error| told(&error))?;
                } else {
                    session.rollback().await;
                }
            }
            other => return refuse(&format!("the action {other} of the mediator transaction is not available")),
        }
        Ok(Rows::default())
    }

    fn begin(&self, exchange: u64) -> Result<(), HostError> {
        let mut open = self.lock();
        if open.len() >= TRANSACTIONS {
            return Err(HostError(format!("more than {TRANSACTIONS} transactions are open")));
        }
        open.insert(exchange, Some(Open::default()));
        Ok(())
    }

    /// An exchange has ended: dropping what it left open undoes it.
    pub(crate) fn ended(&self, exchange: u64) {
        drop(self.lock().remove(&exchange));
    }
}

/// What a mediator sees, and the log says whole.
fn told(error: &SqlError) -> HostError {
    tracing::error!(target: "integrator::sql", reason = %error, "a statement of a mediator failed");
    HostError(error.to_string())
}

/// JDBC's `?`, cut like a data service's statement.
fn parts(query: &Query) -> Result<Vec<Part>, HostError> {
    let count = query.parameters.len();
    let pieces = synapse::artifact::Statement::positional(&query.sql, count).map_err(HostError)?;
    let mut parts = Vec::with_capacity(pieces.len());
    for piece in pieces {
        parts.push(match piece {
            synapse::artifact::Piece::Text(text) => Part::Text(text),
            synapse::artifact::Piece::Parameter(index) => {
                let (cell, kind) = bound(query.parameters.get(index).unwrap_or(&Value::Null));
                Part::Value(cell, kind)
            }
        });
    }
    Ok(parts)
}

fn bound(value: &Value) -> (Cell, Kind) {
    match value {
        Value::Null => (Cell::Null, Kind::Text),
        Value::Boolean(value) => (Cell::Boolean(*value), Kind::Boolean),
        Value::Integer(value) => (Cell::Integer(*value), Kind::Integer),
        Value::Double(value) => (Cell::Real(*value), Kind::Real),
        Value::Bytes(bytes) => (Cell::Bytes(bytes.to_vec()), Kind::Bytes),
        other => (Cell::Text(other.as_text()), Kind::Text),
    }
}

fn value(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Integer(value) => Value::Integer(value),
        Cell::Real(value) => Value::Double(value),
        Cell::Boolean(value) => Value::Boolean(value),
        Cell::Bytes(bytes) => Value::Bytes(bytes.into()),
        other => other.text().map_or(Value::Null, Value::text),
    }
}
