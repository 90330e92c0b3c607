//! Running the queries of a request, in one transaction.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use synapse::Configuration;
use synapse::artifact::{
    Column, DataCall, DataField, DataParameter, DataQuery, DataResult, DataService, DataSource, Piece, SourceKind,
    Statement, Validator,
};
use synapse::host::Waiting;

use super::output::{Content, Node, Scalar};
use super::request::{Asked, Inputs, Invocation};
use super::{Problem, csv};
use crate::sql::{Cell, Command, Databases, Part, Place, STATEMENT, Session, SqlError, Wanted, cell, kind_of};

/// Queries inside of rows of queries.
const DEPTH: usize = 10;
/// Statements of one request.
const STATEMENTS: usize = 20_000;
/// Bytes of one answer, as values count.
const BYTES: usize = 64 << 20;
/// Namespace of what WSO2 answers by itself.
pub(super) const NAMESPACE: &str = "http://ws.wso2.org/dataservice";

/// What a request gave.
pub(super) enum Given {
    /// Results.
    Nodes(Vec<Node>),
    /// It was carried out, and has no result.
    Nothing,
}

/// What running a request needs.
pub(super) struct Runner<'a> {
    pub(super) service: &'a DataService,
    pub(super) databases: &'a Databases,
    pub(super) configuration: &'a Configuration,
    /// Where CSV files are.
    pub(super) folder: &'a Path,
}

struct Work<'a> {
    runner: &'a Runner<'a>,
    session: Session<'a>,
    statements: usize,
    bytes: usize,
    exports: Vec<(String, Option<String>)>,
}

impl Runner<'_> {
    /// Runs everything that is asked; on a failure nothing of it has happened.
    pub(super) async fn run(&self, asked: Asked<'_>) -> Result<Given, Problem> {
        let session = self.databases.session();
        let session = if self.writes(&asked) { session } else { session.reading() };
        let mut work = Work { runner: self, session, statements: 0, bytes: 0, exports: Vec::new() };
        match work.all(asked).await {
            Ok(given) => {
                work.session.commit().await?;
                Ok(given)
            }
            Err(problem) => {
                work.session.rollback().await;
                Err(problem)
            }
        }
    }

    fn writes(&self, asked: &Asked<'_>) -> bool {
        let invocations = match asked {
            Asked::One(one) => std::slice::from_ref(one),
            Asked::Batch(many) | Asked::Box(many) => many.as_slice(),
        };
        let calls = invocations.iter().flat_map(|one| one.calls);
        let mut queries = calls.filter_map(|call| self.service.query(&call.query));
        queries.any(|query| {
            let mut statements = query.statement.iter().chain(query.dialects.iter().map(|(_, statement)| statement));
            statements.any(|statement| !statement.reads())
        })
    }
}

impl<'a> Work<'a> {
    async fn all(&mut self, asked: Asked<'_>) -> Result<Given, Problem> {
        match asked {
            Asked::One(one) => {
                let nodes = self.invoke(&one).await?;
                Ok(answer(nodes, one.status))
            }
            Asked::Batch(many) => {
                let status = many.iter().any(|one| one.status);
                let mut all = Vec::new();
                for one in &many {
                    all.extend(self.invoke(one).await?);
                }
                if all.is_empty() {
                    return Ok(answer(None, status));
                }
                Ok(Given::Nodes(vec![Node::new("DATA_SERVICE_RESPONSE", NAMESPACE, Content::Nodes(all))]))
            }
            Asked::Box(many) => {
                let mut all = Vec::new();
                for mut one in many {
                    for (name, value) in self.exports.clone() {
                        one.inputs.offer(&name, value)?;
                    }
                    match answer(self.invoke(&one).await?, one.status) {
                        Given::Nodes(nodes) => all.extend(nodes),
                        Given::Nothing => {}
                    }
                }
                let wrapped = Node::new("DATA_SERVICE_REQUEST_BOX_RESPONSE", NAMESPACE, Content::Nodes(all));
                Ok(Given::Nodes(vec![wrapped]))
            }
        }
    }

    /// The result of the last query that has one.
    async fn invoke(&mut self, one: &Invocation<'_>) -> Result<Option<Node>, Problem> {
        let mut result = None;
        for call in one.calls {
            if let Some(node) = self.call(call, &one.inputs, None, 0).await?.pop() {
                result = Some(node);
            }
        }
        Ok(result)
    }

    fn call<'w>(
        &'w mut self,
        call: &'w DataCall,
        inputs: &'w Inputs,
        row: Option<&'w Row<'w>>,
        depth: usize,
    ) -> Waiting<'w, Result<Vec<Node>, Problem>> {
        Box::pin(async move {
            if depth > DEPTH {
                return Err(Problem::bound(format!("queries stand more than {DEPTH} deep in one another")));
            }
            let Some(query) = self.runner.service.query(&call.query) else {
                return Err(Problem::unknown(format!("there is no query {}", call.query)));
            };
            let own = passed(call, query, inputs, row)?;
            let (columns, rows) = self.rows(query, &own).await?;
            let Some(result) = &query.result else { return Ok(Vec::new()) };
            let mut made = Vec::with_capacity(rows.len());
            for cells in &rows {
                let row = Row { columns: &columns, cells };
                made.push(self.fields(&result.fields, &row, result, &own, depth).await?);
                // Without an element for rows there is one row.
                if result.row.is_empty() {
                    break;
                }
            }
            Ok(self.frame(result, made))
        })
    }

    fn namespace(&self, result: &DataResult) -> String {
        if result.namespace.is_empty() { self.runner.service.namespace.clone() } else { result.namespace.clone() }
    }

    fn frame(&self, result: &DataResult, rows: Vec<Fields>) -> Vec<Node> {
        let namespace = self.namespace(result);
        let mut around = Node::new(&result.element, &namespace, Content::Nodes(Vec::new()));
        let mut inner = Vec::new();
        for fields in rows {
            if result.row.is_empty() {
                around.attributes = fields.attributes;
                inner.extend(fields.nodes);
            } else {
                let mut row = Node::new(&result.row, &namespace, Content::Nodes(fields.nodes));
                row.attributes = fields.attributes;
                row.list = result.list;
                inner.push(row);
            }
        }
        if result.element.is_empty() {
            return inner;
        }
        around.content = Content::Nodes(inner);
        vec![around]
    }

    fn fields<'w>(
        &'w mut self,
        fields: &'w [DataField],
        row: &'w Row<'w>,
        result: &'w DataResult,
        inputs: &'w Inputs,
        depth: usize,
    ) -> Waiting<'w, Result<Fields, Problem>> {
        Box::pin(async move {
            let mut made = Fields::default();
            for field in fields {
                match field {
                    DataField::Element(column) | DataField::Attribute(column) if column.restricted => {}
                    DataField::Element(column) => {
                        let (text, kind) = self.value(column, row, result, inputs)?;
                        let content = match text {
                            Some(text) => Content::Value(text, kind),
                            None if column.is_optional => continue,
                            None => Content::Null,
                        };
                        let namespace = column.namespace.clone().unwrap_or_else(|| self.namespace(result));
                        made.nodes.push(Node::new(&column.name, &namespace, content));
                    }
                    DataField::Attribute(column) => {
                        if let (Some(text), _) = self.value(column, row, result, inputs)? {
                            made.attributes.push((column.name.clone(), text));
                        }
                    }
                    DataField::Nested(name, inner) => {
                        let inner = self.fields(inner, row, result, inputs, depth).await?;
                        let mut node = Node::new(name, &self.namespace(result), Content::Nodes(inner.nodes));
                        node.attributes = inner.attributes;
                        made.nodes.push(node);
                    }
                    DataField::Query(call) => {
                        made.nodes.extend(self.call(call, inputs, Some(row), depth + 1).await?);
                    }
                }
            }
            Ok(made)
        })
    }

    /// The text of a field and what JSON makes of it.
    fn value(
        &mut self,
        column: &Column,
        row: &Row<'_>,
        result: &DataResult,
        inputs: &Inputs,
    ) -> Result<(Option<String>, Scalar), Problem> {
        let text = match row.cell(&column.from, result.numbered) {
            Some(cell) => written(cell, &column.kind, result.escaped),
            // query-param instead of column: the value that came with the request.
            None => match inputs.all(&column.from).first() {
                Some(value) => value.map(str::to_owned),
                None => {
                    return Err(Problem::artifact(format!(
                        "the result has no column {}; its columns are {}",
                        column.from,
                        row.columns.join(", ")
                    )));
                }
            },
        };
        self.bytes += text.as_ref().map_or(0, String::len) + column.name.len();
        if self.bytes > BYTES {
            return Err(Problem::bound(format!("the answer is larger than {BYTES} bytes")));
        }
        if let Some(name) = &column.export {
            self.exports.retain(|(known, _)| known != name);
            self.exports.push((name.clone(), text.clone()));
        }
        Ok((text, scalar(&column.kind, result.json)))
    }

    async fn rows(
        &mut self,
        query: &DataQuery,
        inputs: &Inputs,
    ) -> Result<(Arc<Vec<String>>, Vec<Vec<Cell>>), Problem> {
        self.statements += 1;
        if self.statements > STATEMENTS {
            return Err(Problem::bound(format!("the request needs more than {STATEMENTS} statements")));
        }
        let Some(source) = self.runner.service.source(&query.source) else {
            return Err(Problem::artifact(format!("there is no connection {}", query.source)));
        };
        if source.kind == SourceKind::Csv {
            let (columns, rows) = csv::read(source, self.runner.folder, self.runner.configuration).await?;
            return Ok((Arc::new(columns), rows));
        }
        let name = format!("{}/{}", self.runner.service.name, source.id);
        let wanted = wanted(self.runner.databases, &name, source)?;
        let Some(statement) = chosen(query, self.runner.databases, &wanted) else {
            return Err(Problem::artifact(format!("the query {} has no statement for this database", query.id)));
        };
        let command = Command {
            parts: parts(statement, query, inputs)?,
            procedure: statement.procedure.clone(),
            keys: query.generated_keys,
            count: query.updated_count,
            timeout: query.timeout.map_or(STATEMENT, |seconds| Duration::from_secs(u64::from(seconds)).min(STATEMENT)),
            rows: query.rows.and_then(|rows| usize::try_from(rows).ok()),
        };
        let outcome = self.session.run(&wanted, &command).await?;
        Ok((outcome.columns, outcome.rows))
    }
}

fn answer(node: Option<Node>, status: bool) -> Given {
    match node {
        Some(node) => Given::Nodes(vec![node]),
        None if status => {
            let text = Content::Value("SUCCESSFUL".to_owned(), Scalar::Text);
            Given::Nodes(vec![Node::new("REQUEST_STATUS", NAMESPACE, text)])
        }
        None => Given::Nothing,
    }
}

#[derive(Default)]
struct Fields {
    attributes: Vec<(String, String)>,
    nodes: Vec<Node>,
}

struct Row<'r> {
    columns: &'r [String],
    cells: &'r [Cell],
}

impl Row<'_> {
    fn cell(&self, name: &str, numbered: bool) -> Option<&Cell> {
        let index = if numbered {
            name.trim().parse::<usize>().ok()?.checked_sub(1)?
        } else {
            self.columns.iter().position(|column| column.eq_ignore_ascii_case(name))?
        };
        self.cells.get(index)
    }
}

/// What XSD types are in JSON. A type that is not given is what the value looks like, as WSO2's converter has it.
fn scalar(kind: &str, json: bool) -> Scalar {
    match kind {
        "integer" | "int" | "long" | "short" | "byte" | "double" | "float" | "decimal" | "nonNegativeInteger"
        | "positiveInteger" => Scalar::Number,
        "boolean" => Scalar::Boolean,
        "" if !json => Scalar::Looks,
        _ => Scalar::Text,
    }
}

fn written(cell: &Cell, kind: &str, escaped: bool) -> Option<String> {
    let text = match cell {
        // A timestamp that the artifact calls a date.
        Cell::Timestamp(text) if kind == "date" => text.get(..10).unwrap_or(text).to_owned(),
        Cell::Real(value) if matches!(kind, "integer" | "int" | "long") && value.fract() == 0.0 => {
            format!("{value:.0}")
        }
        other => other.text()?,
    };
    if !escaped {
        return Some(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && !matches!(c, '\n' | '\r' | '\t') {
            out.push_str(&format!("\\u{:04x}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    Some(out)
}

/// The values of a query: out of the row that it stands in, and of the request.
fn passed(call: &DataCall, query: &DataQuery, inputs: &Inputs, row: Option<&Row<'_>>) -> Result<Inputs, Problem> {
    let mut own = Inputs::default();
    for parameter in query.parameters.iter().filter(|parameter| !parameter.is_out) {
        let mut sources = call.parameters.iter().filter(|(name, _)| *name == parameter.name);
        let from = match sources.next() {
            Some((_, from)) => from.as_str(),
            // A query in a row sees what its surroundings see.
            None => parameter.name.as_str(),
        };
        if let Some(cell) = row.and_then(|row| row.cell(from, false)) {
            own.add(&parameter.name, cell.text())?;
            continue;
        }
        for value in inputs.all(from) {
            own.add(&parameter.name, value.map(str::to_owned))?;
        }
    }
    Ok(own)
}

/// Where a connection of an artifact leads: the data source `SERVICE/CONNECTION` of the configuration goes first.
fn wanted<'a>(databases: &Databases, name: &'a str, source: &'a DataSource) -> Result<Wanted<'a>, Problem> {
    if databases.configured(name).is_some() {
        return Ok(Wanted { source: name, user: "", password: "" });
    }
    let address = source
        .property(&["carbon_datasource_name"])
        .or_else(|| source.property(&["org.wso2.ws.dataservice.protocol", "url"]));
    let Some(address) = address else {
        return Err(Problem::source(format!(
            "the connection {} names no database; add a data source {name} to the configuration",
            source.id
        )));
    };
    Ok(Wanted {
        source: address,
        user: source.property(&["org.wso2.ws.dataservice.user", "username", "user"]).unwrap_or_default(),
        password: source.property(&["org.wso2.ws.dataservice.password", "password"]).unwrap_or_default(),
    })
}

/// The statement for the dialect of the database, else the plain one.
fn chosen<'q>(query: &'q DataQuery, databases: &Databases, wanted: &Wanted<'_>) -> Option<&'q Statement> {
    let url = databases.configured(wanted.source).map_or(wanted.source, |source| source.url.as_str());
    let names: &[&str] = match Place::parse(url) {
        Ok(Place::Postgres(_)) => &["postgresql", "postgres"],
        Ok(Place::Sqlite(_)) => &["sqlite"],
        Err(_) => &[],
    };
    let fits = |dialects: &str| dialects.split(',').any(|one| names.contains(&one.trim()));
    let own = query.dialects.iter().find(|(dialects, _)| fits(dialects)).map(|(_, statement)| statement);
    own.or(query.statement.as_ref())
}

fn parts(statement: &Statement, query: &DataQuery, inputs: &Inputs) -> Result<Vec<Part>, Problem> {
    let mut parts = Vec::new();
    for piece in &statement.pieces {
        let index = match piece {
            Piece::Text(text) => {
                parts.push(Part::Text(text.clone()));
                continue;
            }
            Piece::Parameter(index) => *index,
        };
        let Some(parameter) = query.parameters.get(index) else {
            return Err(Problem::artifact("the statement has more parameters than the query".to_owned()));
        };
        if parameter.is_out {
            parts.push(Part::Out(parameter.name.clone()));
            continue;
        }
        let kind = kind_of(&parameter.sql_type);
        for (at, value) in values(parameter, inputs)?.into_iter().enumerate() {
            if at > 0 {
                parts.push(Part::Text(",".to_owned()));
            }
            let bound = match value {
                Some(text) => cell(&text, kind).map_err(|error| match error {
                    SqlError::Value(reason) => Problem::request(format!("{}: {reason}", parameter.name)),
                    other => other.into(),
                })?,
                None => Cell::Null,
            };
            parts.push(Part::Value(bound, kind));
        }
    }
    Ok(parts)
}

/// The checked values of a parameter: one, or those of a list.
fn values(parameter: &DataParameter, inputs: &Inputs) -> Result<Vec<Option<String>>, Problem> {
    let given = inputs.all(&parameter.name);
    let mut found: Vec<Option<String>> = given.into_iter().map(|value| value.map(str::to_owned)).collect();
    if found.is_empty() {
        match parameter.default.as_deref() {
            Some("#{NULL}") => found.push(None),
            // #{USERNAME} and the like are about users, and callers of data services have none.
            Some(default) if default.starts_with("#{") => {
                return Err(Problem::artifact(format!("the default {default} of {} is not available", parameter.name)));
            }
            Some(default) => found.push(Some(default.to_owned())),
            None if parameter.is_optional => found.push(None),
            None => return Err(Problem::request(format!("{} is missing", parameter.name))),
        }
    }
    if !parameter.is_array && found.len() > 1 {
        return Err(Problem::request(format!("{} is given more than once", parameter.name)));
    }
    for value in found.iter().flatten() {
        check(parameter, value)?;
    }
    Ok(found)
}

fn check(parameter: &DataParameter, value: &str) -> Result<(), Problem> {
    let wrong = |what: String| Err(Problem::validation(format!("{} {what}", parameter.name)));
    let outside = |number: f64, least: &Option<f64>, most: &Option<f64>| {
        least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most)
    };
    let between = |least: &Option<f64>, most: &Option<f64>| {
        let shown = |bound: &Option<f64>| bound.map_or_else(|| "any".to_owned(), |bound| bound.to_string());
        format!("{} to {}", shown(least), shown(most))
    };
    for validator in &parameter.validators {
        match validator {
            Validator::Pattern(pattern) => {
                if !pattern.matches(value).unwrap_or(false) {
                    return wrong("does not match its pattern".to_owned());
                }
            }
            Validator::Length(least, most) => {
                if outside(value.chars().count() as f64, least, most) {
                    return wrong(format!("has to be {} characters long", between(least, most)));
                }
            }
            Validator::Range(least, most) => match value.trim().parse::<f64>() {
                Ok(number) if !number.is_nan() && !outside(number, least, most) => {}
                _ => return wrong(format!("has to be a number of {}", between(least, most))),
            },
        }
    }
    Ok(())
}
