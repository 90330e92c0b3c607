//! Every relational service of the corpus: what its operations answer, and what they leave behind.

use std::path::{Path, PathBuf};

use synapse::artifact::{Column, DataCall, DataField, DataParameter, DataQuery, DataService, Piece, SourceKind};
use synapse::xml::{Document, Limits, NodeId};

use super::fixture::{Direct, Served, Tables, fresh, postgres};
use crate::settings::DataSource;
use crate::sql::{Kind, kind_of};

fn files() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let mut found = Vec::new();
    let mut pending = vec![root];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|end| end == "dbs") {
                found.push(path);
            }
        }
    }
    found.sort();
    if found.is_empty() {
        println!("skipped: there is no ../shared/corpus");
    }
    found
}

fn tables(text: &str) -> Tables {
    match text {
        _ if text.contains("INTO Orders VALUES(?,?,?,?,?)") => Tables::Boxes,
        _ if text.contains("FROM students") => Tables::Students,
        _ if text.contains("FROM OrderEntry") => Tables::Shop,
        _ => Tables::Models,
    }
}

/// A value that fits a parameter: of its type, and of its conditions.
fn value(parameter: &DataParameter) -> Option<&'static str> {
    let name = parameter.name.to_ascii_lowercase();
    if name.contains("email") {
        return Some("a@example.com");
    }
    Some(match kind_of(&parameter.sql_type) {
        Kind::Integer | Kind::Real | Kind::Decimal => "1",
        Kind::Boolean => "true",
        Kind::Date => "2003-01-06",
        Kind::Time => "10:11:12",
        Kind::Timestamp => "2003-01-06T10:11:12",
        Kind::Uuid => return None,
        Kind::Bytes => "aGVsbG8=",
        Kind::Text if ["officecode", "code", "id", "grade"].contains(&name.as_str()) => "1",
        Kind::Text if name.contains("date") => "2003-01-06",
        Kind::Text => "text",
    })
}

/// The statement with literals in place of parameters.
fn literal(query: &DataQuery, direct: &Direct) -> Option<String> {
    let mut sql = String::new();
    for piece in &query.statement.as_ref()?.pieces {
        match piece {
            Piece::Text(text) => sql.push_str(text),
            Piece::Parameter(index) => {
                let parameter = query.parameters.get(*index).filter(|parameter| !parameter.is_out)?;
                let text = match &parameter.default {
                    Some(default) if default.starts_with("#{") => return None,
                    Some(default) => default.as_str(),
                    None => value(parameter)?,
                };
                let kind = kind_of(&parameter.sql_type);
                sql.push_str(&match (kind, direct) {
                    (Kind::Integer | Kind::Real | Kind::Decimal, _) => text.to_owned(),
                    (Kind::Bytes, Direct::Sqlite(_)) => "x'68656c6c6f'".to_owned(),
                    (Kind::Bytes, Direct::Postgres(_)) => "'\\x68656c6c6f'::bytea".to_owned(),
                    (Kind::Date, Direct::Postgres(_)) => format!("DATE '{text}'"),
                    (Kind::Timestamp, Direct::Postgres(_)) => format!("TIMESTAMP '{text}'"),
                    _ => format!("'{text}'"),
                });
            }
        }
    }
    if query.generated_keys {
        sql.push_str(" RETURNING *");
    }
    // PostgreSQL's CALL is for procedures alone; these are the two of the fixture.
    if let Some(name) = &query.statement.as_ref()?.procedure
        && !["updateCustomerInfo", "addCustomerInfo"].contains(&name.as_str())
    {
        return sql.get(4..).map(|rest| format!("SELECT * FROM {}", rest.trim_start()));
    }
    Some(sql)
}

/// True when a query or one in its rows calls a procedure, which SQLite does not have.
fn calls_procedure(service: &DataService, query: &DataQuery) -> bool {
    let called = |field: &DataField| match field {
        DataField::Query(call) => service.query(&call.query).is_some_and(|query| calls_procedure(service, query)),
        _ => false,
    };
    query.statement.as_ref().is_some_and(|statement| statement.procedure.is_some())
        || query.result.as_ref().is_some_and(|result| result.fields.iter().any(called))
}

fn request(name: &str, call: &DataCall, query: &DataQuery) -> Option<String> {
    let mut body = format!("<{name}>");
    for (parameter, given) in &call.parameters {
        let Some(known) = query.parameters.iter().find(|known| known.name == *parameter) else { continue };
        if known.default.is_none() {
            body.push_str(&format!("<{given}>{}</{given}>", value(known)?));
        }
    }
    Some(body + &format!("</{name}>"))
}

fn same(left: &str, right: &str) -> bool {
    let digits = |text: &str| text.parse::<f64>().ok();
    left == right
        || matches!((digits(left), digits(right)), (Some(a), Some(b)) if (a - b).abs() < 1e-6)
        // A date and the midnight that it begins with.
        || left.get(..10).is_some_and(|day| right.starts_with(day) && day.as_bytes().get(4) == Some(&b'-'))
}

/// Compares an answer with the rows of the statement itself.
async fn compare(answer: &str, query: &DataQuery, sql: &str, direct: &Direct) -> Result<usize, String> {
    let Some(result) = query.result.as_ref() else { return Ok(0) };
    let columns: Vec<&Column> = result
        .fields
        .iter()
        .filter_map(|field| match field {
            DataField::Element(column) | DataField::Attribute(column) if !column.restricted => Some(column),
            _ => None,
        })
        .collect();
    let reads = query.statement.as_ref().is_some_and(synapse::artifact::Statement::reads);
    if result.numbered || !reads || columns.is_empty() {
        return Ok(0);
    }
    let named: Vec<String> = columns.iter().map(|column| format!("CAST(\"q\".{} AS text)", column.from)).collect();
    let outer = format!("SELECT {} FROM ({sql}) AS \"q\"", named.join(", "));
    let expected = direct.run(&outer).await.map_err(|error| format!("{outer}: {error}"))?;
    let document = Document::parse(answer, Limits::MESSAGE).map_err(|error| error.to_string())?;
    let root = document.root().ok_or("no root")?;
    let rows: Vec<NodeId> = if result.row.is_empty() {
        vec![root]
    } else {
        document.elements(root).filter(|id| document.local_name(*id) == result.row).collect()
    };
    let count = if result.row.is_empty() { expected.len().min(1) } else { expected.len() };
    if rows.len() != count && !(result.row.is_empty() && count == 0) {
        return Err(format!("{} rows, not {count}: {answer}", rows.len()));
    }
    for (row, cells) in rows.iter().zip(&expected) {
        for (column, cell) in columns.iter().zip(cells) {
            let element = document.elements(*row).find(|id| document.local_name(*id) == column.name);
            let given = match element {
                Some(id)
                    if document
                        .element(id)
                        .is_some_and(|data| data.attributes.iter().any(|a| &*a.name.local == "nil")) =>
                {
                    None
                }
                Some(id) => Some(document.text(id)),
                None => document.attribute(*row, &column.name).map(str::to_owned),
            };
            let fits = match (&given, cell) {
                (None, None) => true,
                (Some(given), Some(cell)) => same(given, cell) || column.kind == "base64Binary",
                _ => false,
            };
            if !fits {
                return Err(format!("{}: {given:?}, not {cell:?} in {answer}", column.name));
            }
        }
    }
    Ok(rows.len())
}

const TABLES: [(Tables, &[&str]); 4] = [
    (
        Tables::Models,
        &[
            "Employees",
            "Customers",
            "Offices",
            "Orders",
            "Products",
            "Payments",
            "Students",
            "Accounts",
            "Files",
            "FileRecords",
            "PersonNullTest",
            "Persons",
            "BinaryData",
            "STUDENT_T",
            "TIMESTAMPTABLE",
            "BOXCARRING_PARALLE_ACCESS",
            "Developer",
        ],
    ),
    (Tables::Boxes, &["Products", "Orders"]),
    (Tables::Students, &["students"]),
    (Tables::Shop, &["Category", "Customer", "Product", "OrderEntry", "OrderItem", "Payment"]),
];

/// Runs every operation of a service. Counts those whose statement the database took.
async fn service(path: &Path, postgres: Option<&str>) -> Result<Option<(usize, usize)>, String> {
    let text = std::fs::read_to_string(path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let tables = tables(&text);
    let (inside, source) = fresh(folder.path(), tables, postgres).await;
    let (direct, _) = fresh(folder.path(), tables, postgres).await;
    let ran = operations(&text, tables, (folder.path(), &source), (&inside, &direct)).await;
    inside.end(postgres).await;
    direct.end(postgres).await;
    ran
}

async fn operations(
    text: &str,
    tables: Tables,
    (folder, source): (&Path, &DataSource),
    (inside, direct): (&Direct, &Direct),
) -> Result<Option<(usize, usize)>, String> {
    let Some(served) = Served::new(text, folder, source) else {
        println!("{:?}", synapse::artifact::compile(text).result.err());
        return Ok(None);
    };
    let service = served.service().clone();
    if service.closed.is_some() || service.sources.iter().any(|source| source.kind == SourceKind::Csv) {
        return Ok(None);
    }
    let operations = service.operations.iter().map(|operation| (operation.name.clone(), &operation.calls));
    let resources = service.resources.iter().map(|one| (crate::data_service::request::request_name(one), &one.calls));
    let (mut ran, mut rows) = (0, 0);
    for (name, calls) in operations.chain(resources) {
        let [call] = calls.as_slice() else { continue };
        let Some(query) = service.query(&call.query) else { continue };
        if matches!(direct, Direct::Sqlite(_)) && calls_procedure(&service, query) {
            continue;
        }
        let (Some(sql), Some(body)) = (literal(query, direct), request(&name, call, query)) else { continue };
        let (status, answer) = served.post(&body).await;
        if status == 400 {
            // A condition of the artifact that the value does not meet.
            continue;
        }
        // The comparison reads before the statement itself changes anything.
        let compared = if status == 200 { compare(&answer, query, &sql, direct).await } else { Ok(0) };
        let reads = query.statement.as_ref().is_some_and(synapse::artifact::Statement::reads);
        let done = direct.run(&sql).await;
        match (&done, status) {
            (Ok(_), 200 | 202) => {
                ran += 1;
                rows += compared.map_err(|reason| format!("{name}: {reason}"))?;
            }
            (Err(_), 500) => {}
            (done, status) => return Err(format!("{name}: {status} {answer}; directly {done:?}; {sql}")),
        }
        if !reads {
            for table in TABLES.iter().filter(|(of, _)| *of == tables).flat_map(|(_, names)| *names) {
                let (left, right) = (inside.dump(table).await, direct.dump(table).await);
                if left != right {
                    return Err(format!("{name}: {table} is {left:?}, not {right:?}"));
                }
            }
        }
    }
    Ok((ran > 0).then_some((ran, rows)))
}

async fn all(postgres: Option<&str>) {
    let files = files();
    if files.is_empty() {
        return;
    }
    let (mut services, mut operations, mut rows, mut faults) = (0, 0, 0, Vec::new());
    for path in &files {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match service(path, postgres).await {
            Ok(Some((ran, compared))) => {
                services += 1;
                operations += ran;
                rows += compared;
            }
            Ok(None) => println!("not run: {name}"),
            Err(reason) => faults.push(format!("{name}: {reason}")),
        }
    }
    println!("{services} services, {operations} operations, {rows} rows compared; {} differ", faults.len());
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(services >= 50, "{services}");
}

#[tokio::test]
async fn services_of_the_corpus_answer_what_their_statements_give_on_sqlite() {
    all(None).await;
}

#[tokio::test]
async fn services_of_the_corpus_answer_what_their_statements_give_on_postgresql() {
    if let Some(url) = postgres() {
        all(Some(&url)).await;
    }
}
