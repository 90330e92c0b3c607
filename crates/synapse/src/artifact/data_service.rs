//! Data services: SQL as operations and resources.

mod statement;
mod template;

pub use statement::{Piece, Statement};

use crate::compile::Compiler;
use crate::xml::Element;

/// A data service.
#[derive(Clone, Debug)]
pub struct DataService {
    /// Name; the service is at `/services/<name>`.
    pub name: String,
    /// Namespace of its operations and of results that name none.
    pub namespace: String,
    /// Why the service is not offered: it asks for protection that is not there.
    pub closed: Option<String>,
    /// True when `<operation>_batch_req` is served.
    pub batches: bool,
    /// True when `request_box` is served.
    pub boxes: bool,
    /// Connections.
    pub sources: Vec<Source>,
    /// Queries.
    pub queries: Vec<DataQuery>,
    /// SOAP operations.
    pub operations: Vec<DataOperation>,
    /// REST resources.
    pub resources: Vec<DataResource>,
}

impl DataService {
    /// A query by id.
    pub fn query(&self, id: &str) -> Option<&DataQuery> {
        self.queries.iter().find(|query| query.id == id)
    }

    /// A connection by id.
    pub fn source(&self, id: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.id == id)
    }
}

/// A connection.
#[derive(Clone, Debug)]
pub struct Source {
    /// Id that queries name.
    pub id: String,
    /// What it is.
    pub kind: SourceKind,
    /// Properties of the configuration.
    pub properties: Vec<(String, String)>,
}

impl Source {
    /// The first property that is there, of names that mean the same.
    pub fn property(&self, names: &[&str]) -> Option<&str> {
        let found = |name: &&str| self.properties.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        names.iter().find_map(found).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

/// What a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// A database.
    Relational,
    /// A CSV file.
    Csv,
}

/// A query.
#[derive(Clone, Debug)]
pub struct DataQuery {
    /// Id.
    pub id: String,
    /// Id of the connection.
    pub source: String,
    /// Its statement; none for a CSV file, which is read whole.
    pub statement: Option<Statement>,
    /// Statements for databases that are named: names as written, such as `mysql,h2`, and statement.
    pub dialects: Vec<(String, Statement)>,
    /// Parameters in the order of their ordinals.
    pub parameters: Vec<DataParameter>,
    /// How rows are written.
    pub result: Option<DataResult>,
    /// True when the rows are the keys that the database generated for an insertion.
    pub generated_keys: bool,
    /// True when the one row is the number of rows that were changed.
    pub updated_count: bool,
    /// Seconds that the statement may take; none for the host's own bound.
    pub timeout: Option<u32>,
    /// Rows that are read at most; none for the host's own bound.
    pub rows: Option<u32>,
}

/// A parameter of a query.
#[derive(Clone, Debug)]
pub struct DataParameter {
    /// Name.
    pub name: String,
    /// SQL type, as in `STRING`.
    pub sql_type: String,
    /// Place in the statement, from 1; none when it is not given.
    pub ordinal: Option<usize>,
    /// Value when none is given.
    pub default: Option<String>,
    /// True when nothing has to be given.
    pub is_optional: bool,
    /// True for a list of values.
    pub is_array: bool,
    /// True for what a stored procedure gives back and does not take.
    pub is_out: bool,
    /// Conditions.
    pub validators: Vec<Validator>,
}

/// A condition on a parameter.
#[derive(Clone, Debug)]
pub enum Validator {
    /// A regular expression for the whole value.
    Pattern(crate::pattern::Pattern),
    /// Characters: least and most.
    Length(Option<f64>, Option<f64>),
    /// Number: least and most.
    Range(Option<f64>, Option<f64>),
}

/// How rows are written.
#[derive(Clone, Debug, Default)]
pub struct DataResult {
    /// Element around all rows; empty for none.
    pub element: String,
    /// Element of a row; empty for fields that stand in the element around.
    pub row: String,
    /// Namespace.
    pub namespace: String,
    /// True when it was a JSON template that says how: text is text unless it has a type.
    pub json: bool,
    /// True when rows are a list in JSON even if there is one.
    pub list: bool,
    /// True when columns are named by their number.
    pub numbered: bool,
    /// True when characters that cannot be printed are written as `\\uXXXX`.
    pub escaped: bool,
    /// Columns.
    pub fields: Vec<DataField>,
}

/// A piece of a row.
#[derive(Clone, Debug)]
pub enum DataField {
    /// An element out of a column.
    Element(Column),
    /// An attribute out of a column.
    Attribute(Column),
    /// The result of another query.
    Query(DataCall),
    /// An element with fields in it.
    Nested(String, Vec<DataField>),
}

/// Where a value of a row comes from and what it is.
#[derive(Clone, Debug, Default)]
pub struct Column {
    /// Name in the result.
    pub name: String,
    /// Column or parameter.
    pub from: String,
    /// XSD type without prefix, as in `integer`; empty when it is not given.
    pub kind: String,
    /// Namespace, when it is another one than that of the result.
    pub namespace: Option<String>,
    /// Name under which later requests of a box see the value.
    pub export: Option<String>,
    /// True when nothing is written for NULL.
    pub is_optional: bool,
    /// True when only users with a role may see it.
    pub restricted: bool,
}

/// The call of a query.
#[derive(Clone, Debug)]
pub struct DataCall {
    /// Query.
    pub query: String,
    /// Parameters of the query, and the parameters or columns that they come from.
    pub parameters: Vec<(String, String)>,
}

/// A SOAP operation.
#[derive(Clone, Debug)]
pub struct DataOperation {
    /// Name.
    pub name: String,
    /// Queries, called in order.
    pub calls: Vec<DataCall>,
    /// True when an operation without result answers that it was carried out.
    pub status: bool,
}

/// A REST resource.
#[derive(Clone, Debug)]
pub struct DataResource {
    /// Method.
    pub method: String,
    /// Path, with `{parameter}`.
    pub path: String,
    /// Queries, called in order.
    pub calls: Vec<DataCall>,
    /// True when a resource without result answers that it was carried out.
    pub status: bool,
}

/// Namespace of data services that name none.
const NAMESPACE: &str = "http://ws.wso2.org/dataservice";

pub(super) fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<DataService> {
    let name = compiler.required(element, "name")?;
    if !name.chars().all(|c| c.is_alphanumeric() || "_-./".contains(c)) {
        compiler.fault(element, format!("{name:?} is not the name of a service"), "use letters, digits, _ - . and /");
    }
    let mut service = DataService {
        name,
        namespace: element.given("serviceNamespace").unwrap_or(NAMESPACE).to_owned(),
        closed: None,
        batches: compiler.flag(element, "enableBatchRequests", false),
        boxes: compiler.flag(element, "enableBoxcarring", false),
        sources: Vec::new(),
        queries: Vec::new(),
        operations: Vec::new(),
        resources: Vec::new(),
    };
    for child in element.children() {
        match child.name() {
            "config" => service.sources.extend(source(compiler, child)),
            "query" => service.queries.extend(query(compiler, child)),
            "operation" => {
                let status = compiler.flag(child, "returnRequestStatus", false);
                if let (Some(name), Some(calls)) = (compiler.required(child, "name"), calls(compiler, child)) {
                    service.operations.push(DataOperation { name, calls, status });
                }
            }
            "resource" => {
                let status = compiler.flag(child, "returnRequestStatus", false);
                let (method, path) = (compiler.required(child, "method"), compiler.required(child, "path"));
                if let (Some(method), Some(path), Some(calls)) = (method, path, calls(compiler, child)) {
                    let path = path.trim_matches('/').to_owned();
                    service.resources.push(DataResource { method: method.to_ascii_uppercase(), path, calls, status });
                }
            }
            "policy" | "enableSec" => {
                let reason = "the service is not offered: WS-Security of data services is not available";
                compiler.note(
                    child,
                    reason,
                    "protect the service with TLS and OAuth at the gateway, and remove the policy",
                );
                service.closed = Some(reason.to_owned());
            }
            "event-trigger" => compiler.note(
                child,
                "events are not sent: event triggers are not available",
                "send messages from a sequence that calls the service",
            ),
            _ => {}
        }
    }
    references(compiler, element, &service);
    Some(service)
}

/// Every query that is called exists, and so does every connection.
fn references(compiler: &mut Compiler, element: Element<'_>, service: &DataService) {
    let declared: Vec<&str> = element.children_named("query").filter_map(|child| child.given("id")).collect();
    let mut called: Vec<&str> = Vec::new();
    for operation in &service.operations {
        called.extend(operation.calls.iter().map(|call| call.query.as_str()));
    }
    for resource in &service.resources {
        called.extend(resource.calls.iter().map(|call| call.query.as_str()));
    }
    for result in service.queries.iter().filter_map(|query| query.result.as_ref()) {
        called_by(&result.fields, &mut called);
    }
    called.sort_unstable();
    called.dedup();
    for query in called {
        if !declared.contains(&query) {
            compiler.fault(element, format!("the query {query} is called and does not exist"), "");
        }
    }
    for child in element.children_named("query") {
        if let Some(source) = child.given("useConfig")
            && !element.children_named("config").any(|config| config.given("id").unwrap_or("default") == source)
        {
            compiler.fault(
                child,
                format!("the connection {source} does not exist"),
                "add a config element with this id",
            );
        }
    }
}

fn called_by<'a>(fields: &'a [DataField], found: &mut Vec<&'a str>) {
    for field in fields {
        match field {
            DataField::Query(call) => found.push(&call.query),
            DataField::Nested(_, inner) => called_by(inner, found),
            DataField::Element(_) | DataField::Attribute(_) => {}
        }
    }
}

fn source(compiler: &mut Compiler, element: Element<'_>) -> Option<Source> {
    let mut properties: Vec<(String, String)> = Vec::new();
    for child in element.children_named("property") {
        let Some(name) = child.given("name") else { continue };
        properties.push((name.to_owned(), child.text().trim().to_owned()));
        // Properties of an XA data source stand inside of one of its own; their names differ in case from the others.
        let inner = child.children_named("property");
        properties
            .extend(inner.filter_map(|inner| Some((inner.given("name")?.to_owned(), inner.text().trim().to_owned()))));
    }
    let has = |names: &[&str]| properties.iter().any(|(name, _)| names.contains(&name.as_str()));
    let refused = [
        (&["gspread_datasource"][..], "Google Sheets"),
        (&["excel_datasource"], "Excel"),
        (&["rdf_datasource", "sparql_datasource"], "RDF and SPARQL"),
        (&["mongoDB_servers"], "MongoDB"),
        (&["cassandraServers"], "Cassandra"),
        (&["web_harvest_config"], "web harvesting"),
        (&["custom_query_datasource_class", "custom_tabular_datasource_class"], "a Java class as connection"),
        (&["jndi_context_class", "jndi_resource_name"], "JNDI"),
    ];
    for (names, what) in refused {
        if has(names) {
            compiler.fault(element, format!("{what} is not available"), "data services read databases and CSV files");
            return None;
        }
    }
    let kind = if has(&["csv_datasource"]) { SourceKind::Csv } else { SourceKind::Relational };
    let database = [
        "url",
        "carbon_datasource_name",
        "dynamicUserAuthClass",
        "xa_datasource_class",
        "xa_datasource_properties",
        "org.wso2.ws.dataservice.protocol",
        "dataSourceClassName",
        "org.wso2.ws.dataservice.xa_datasource_class",
    ];
    if kind == SourceKind::Relational && !has(&database) {
        compiler.fault(element, "the connection names no database", "set the property url or carbon_datasource_name");
    }
    Some(Source { id: element.given("id").unwrap_or("default").to_owned(), kind, properties })
}

fn query(compiler: &mut Compiler, element: Element<'_>) -> Option<DataQuery> {
    let id = compiler.required(element, "id")?;
    let no_statement = ["excel", "gspread", "sparql", "scraperVariable"];
    for name in no_statement {
        if let Some(child) = element.child(name) {
            compiler.fault(
                child,
                format!("a query of {name} is not available"),
                "data services read databases and CSV files",
            );
        }
    }
    let mut parameters: Vec<DataParameter> =
        element.children_named("param").filter_map(|child| parameter(compiler, child)).collect();
    parameters.sort_by_key(|parameter| parameter.ordinal.unwrap_or(usize::MAX));
    let (mut plain, mut dialects) = (None, Vec::new());
    for child in element.children().filter(|child| matches!(child.name(), "sql" | "expression")) {
        match Statement::parse(child.text().trim(), &parameters) {
            Ok(statement) => match child.given("dialect") {
                Some(dialect) => dialects.push((dialect.to_ascii_lowercase(), statement)),
                None => plain = Some(statement),
            },
            Err(reason) => compiler.fault(child, reason, "every ? and :name needs a param element"),
        }
    }
    let properties = element.child("properties");
    let property = |name: &str| {
        let mut all = properties.iter().flat_map(|holder| holder.children_named("property"));
        let found = all.find(|child| child.given("name").is_some_and(|given| given.ends_with(name)))?;
        Some(found.text().trim().to_owned()).filter(|text| !text.is_empty())
    };
    let (timeout, rows) = (property("query_timeout"), property("max_rows"));
    let mut number =
        |text: Option<String>, name: &str| text.and_then(|text| compiler.number::<u32>(element, name, &text));
    let (timeout, rows) = (number(timeout, "query_timeout"), number(rows, "max_rows"));
    Some(DataQuery {
        id,
        source: element.given("useConfig").unwrap_or("default").to_owned(),
        statement: plain,
        dialects,
        result: element.child("result").and_then(|child| result(compiler, child)),
        parameters,
        generated_keys: compiler.flag(element, "returnGeneratedKeys", false),
        updated_count: compiler.flag(element, "returnUpdatedRowCount", false),
        timeout: timeout.filter(|seconds| *seconds > 0),
        rows: rows.filter(|rows| *rows > 0),
    })
}

fn parameter(compiler: &mut Compiler, element: Element<'_>) -> Option<DataParameter> {
    let mut validators = Vec::new();
    let bound = |compiler: &mut Compiler, child: Element<'_>, name: &str| {
        child.given(name).and_then(|text| compiler.number::<f64>(child, name, text))
    };
    for child in element.children() {
        match child.name() {
            "validatePattern" => {
                let pattern = child.given("pattern").unwrap_or_default().to_owned();
                validators.extend(compiler.pattern(child, &pattern).map(Validator::Pattern));
            }
            "validateLength" => {
                validators
                    .push(Validator::Length(bound(compiler, child, "minimum"), bound(compiler, child, "maximum")));
            }
            "validateLongRange" | "validateDoubleRange" => {
                validators.push(Validator::Range(bound(compiler, child, "minimum"), bound(compiler, child, "maximum")));
            }
            "validateCustom" => compiler.fault(
                child,
                "a Java class as validator is not available",
                "use validatePattern, validateLength, validateLongRange or validateDoubleRange",
            ),
            _ => {}
        }
    }
    let sql_type = element.given("sqlType").unwrap_or("STRING").to_ascii_uppercase();
    if sql_type == "QUERY_STRING" {
        compiler.fault(
            element,
            "a parameter of type QUERY_STRING lets callers write SQL, and is not available",
            "write one query for each statement, with parameters for values",
        );
    }
    let ordinal = element.given("ordinal").and_then(|text| compiler.number::<usize>(element, "ordinal", text));
    Some(DataParameter {
        name: compiler.required(element, "name")?,
        sql_type,
        ordinal,
        default: element.attribute("defaultValue").map(str::to_owned),
        is_optional: compiler.flag(element, "optional", false),
        is_array: element.given("paramType") == Some("ARRAY"),
        is_out: element.given("type") == Some("OUT"),
        validators,
    })
}

fn result(compiler: &mut Compiler, element: Element<'_>) -> Option<DataResult> {
    let output = element.given("outputType").unwrap_or("xml").to_ascii_lowercase();
    if output == "rdf" {
        compiler.fault(element, "RDF as output is not available", "use XML or JSON");
        return None;
    }
    if element.given("xsltPath").is_some() {
        compiler.fault(element, "a stylesheet on a result is not available", "transform with the xslt mediator");
    }
    let escaped = compiler.flag(element, "escapeNonPrintableChar", false);
    if output == "json" {
        return match template::compile(element.text().trim()) {
            Ok(result) => Some(DataResult { escaped, ..result }),
            Err(reason) => {
                compiler.fault(element, reason, "as in {\"rows\": {\"row\": [{\"name\": \"$column(type:integer)\"}]}}");
                None
            }
        };
    }
    Some(DataResult {
        element: element.given("element").unwrap_or_default().to_owned(),
        row: element.given("rowName").unwrap_or_default().to_owned(),
        namespace: element.given("defaultNamespace").unwrap_or_default().to_owned(),
        json: false,
        list: false,
        numbered: compiler.flag(element, "useColumnNumbers", false),
        escaped,
        fields: fields(compiler, element),
    })
}

fn fields(compiler: &mut Compiler, element: Element<'_>) -> Vec<DataField> {
    let mut found = Vec::new();
    for child in element.children() {
        match child.name() {
            "element" => match column(compiler, child) {
                Some(column) => found.push(DataField::Element(column)),
                None => {
                    let name = child.given("name").unwrap_or_default().to_owned();
                    found.push(DataField::Nested(name, fields(compiler, child)));
                }
            },
            "attribute" => found.extend(column(compiler, child).map(DataField::Attribute)),
            "call-query" => found.extend(call(compiler, child).map(DataField::Query)),
            _ => {}
        }
    }
    found
}

fn column(compiler: &mut Compiler, element: Element<'_>) -> Option<Column> {
    let from = element.given("column").or_else(|| element.given("query-param"))?.to_owned();
    let kind = element.given("xsdType").unwrap_or_default();
    let restricted = element.given("requiredRoles").is_some_and(|roles| !roles.trim().is_empty());
    if restricted {
        compiler.note(
            element,
            "the field is left out of every result: it asks for a role, and callers of data services have none",
            "put it into a query of its own, behind a resource that the gateway guards with a scope",
        );
    }
    Some(Column {
        name: element.given("name").unwrap_or_default().to_owned(),
        from,
        kind: kind.rsplit(':').next().unwrap_or_default().to_owned(),
        namespace: element.given("namespace").map(str::to_owned),
        export: element.given("export").map(str::to_owned),
        is_optional: compiler.flag(element, "optional", false),
        restricted,
    })
}

fn calls(compiler: &mut Compiler, element: Element<'_>) -> Option<Vec<DataCall>> {
    let group = element.child("call-query-group");
    let holder = group.unwrap_or(element);
    let calls: Vec<DataCall> = holder.children_named("call-query").filter_map(|child| call(compiler, child)).collect();
    if calls.is_empty() {
        compiler.fault(element, "call-query is missing", "");
        return None;
    }
    Some(calls)
}

fn call(compiler: &mut Compiler, element: Element<'_>) -> Option<DataCall> {
    let parameters = element
        .children_named("with-param")
        .filter_map(|child| {
            let source = child.given("query-param").or_else(|| child.given("column"))?;
            Some((child.given("name")?.to_owned(), source.to_owned()))
        })
        .collect();
    Some(DataCall { query: compiler.required(element, "href")?, parameters })
}
