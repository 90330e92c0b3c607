//! `dblookup`, `dbreport`

use super::log::{Given, given};
use crate::compile::Compiler;
use crate::flow::{Failure, Flow};
use crate::host::{Login, Query};
use crate::mediator::{Boxed, Mediator, Next, Outcome, Run, Running};
use crate::value::Value;
use crate::xml::Element;

pub(super) const DBLOOKUP: Mediator = Mediator {
    name: "dblookup",
    summary: "Reads a row of a database into properties.",
    compile: |compiler, element| compile(compiler, element, true),
};
pub(super) const DBREPORT: Mediator = Mediator {
    name: "dbreport",
    summary: "Writes to a database.",
    compile: |compiler, element| compile(compiler, element, false),
};

#[derive(Debug)]
struct Statement {
    sql: String,
    parameters: Vec<(Given, String)>,
    results: Vec<(String, String)>,
}

#[derive(Debug)]
struct Database {
    source: Option<String>,
    login: Option<Login>,
    reads: bool,
    statements: Vec<Statement>,
}

fn compile(compiler: &mut Compiler, element: Element<'_>, reads: bool) -> Option<Boxed> {
    let pool = element.child("connection").and_then(|connection| connection.child("pool"));
    let Some(pool) = pool else {
        compiler.fault(element, "connection with pool is missing", "");
        return None;
    };
    let source = pool.child_text("dsName").or_else(|| pool.child_text("url")).filter(|text| !text.is_empty());
    // WSO2 deploys it, and the mediator fails when a message comes.
    if source.is_none() {
        compiler.note(
            pool,
            "the pool names no database: every message fails",
            "give dsName, or url with user and password",
        );
    }
    let login = pool
        .child_text("user")
        .map(|user| Login { user, password: pool.child_text("password").unwrap_or_default().into() });
    let mut statements = Vec::new();
    for statement in element.children_named("statement") {
        let sql = statement.child_text("sql").unwrap_or_default();
        if sql.is_empty() {
            compiler.fault(statement, "sql is missing", "");
        }
        let mut parameters = Vec::new();
        for child in statement.children_named("parameter") {
            let kind = child.given("type").unwrap_or("VARCHAR").to_ascii_uppercase();
            parameters.push((given(compiler, child)?, kind));
        }
        let results = statement
            .children_named("result")
            .filter_map(|child| Some((compiler.required(child, "name")?, compiler.required(child, "column")?)))
            .collect();
        statements.push(Statement { sql, parameters, results });
    }
    Some(Box::new(Database { source, login, reads, statements }))
}

/// A value of an SQL type.
fn typed(text: String, kind: &str) -> Result<Value, Failure> {
    let wrong = || Failure::new(format!("{text:?} is not of the type {kind}"));
    Ok(match kind {
        "INTEGER" | "BIGINT" | "SMALLINT" | "TINYINT" => Value::Integer(text.trim().parse().map_err(|_| wrong())?),
        "DOUBLE" | "FLOAT" | "REAL" => Value::Double(text.trim().parse().map_err(|_| wrong())?),
        "BIT" | "BOOLEAN" => Value::Boolean(text.trim().eq_ignore_ascii_case("true") || text.trim() == "1"),
        _ => Value::text(text),
    })
}

impl Database {
    async fn execute(&self, flow: &mut Flow) -> Outcome {
        let Some(source) = &self.source else { return Err(Failure::new("the pool names no database")) };
        for statement in &self.statements {
            let mut parameters = Vec::with_capacity(statement.parameters.len());
            for (value, kind) in &statement.parameters {
                let text = value.text(flow)?;
                parameters.push(typed(text, kind)?);
            }
            let query = Query {
                source: source.clone(),
                sql: statement.sql.clone(),
                parameters,
                reads: self.reads,
                login: self.login.clone(),
            };
            let rows = flow.host().query(query).await.map_err(|error| Failure::new(error.to_string()))?;
            let Some(row) = rows.rows.first() else { continue };
            for (name, column) in &statement.results {
                let index = match column.parse::<usize>() {
                    Ok(number) => number.checked_sub(1),
                    Err(_) => rows.columns.iter().position(|known| known.eq_ignore_ascii_case(column)),
                };
                let Some(value) = index.and_then(|index| row.get(index)) else {
                    return Err(Failure::new(format!("the result has no column {column}")));
                };
                flow.properties.insert(name.clone(), value.clone());
            }
        }
        Ok(Next::Continue)
    }
}

impl Run for Database {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::waiting(self.execute(flow))
    }
}
