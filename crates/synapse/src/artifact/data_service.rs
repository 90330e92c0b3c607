//! Data services: SQL as operations and resources.

use crate::compile::Compiler;
use crate::xml::Element;

/// A data service.
#[derive(Clone, Debug)]
pub struct DataService {
    /// Name; the service is at `/services/<name>`.
    pub name: String,
    /// Why the service is not offered: it asks for protection that is not there.
    pub closed: Option<String>,
    /// Connections.
    pub sources: Vec<Source>,
    /// Queries by id.
    pub queries: Vec<DataQuery>,
    /// SOAP operations.
    pub operations: Vec<DataOperation>,
    /// REST resources.
    pub resources: Vec<DataResource>,
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
    /// SQL, one text for each dialect; the one without dialects is first.
    pub sql: Vec<String>,
    /// Parameters in the order of their ordinals.
    pub parameters: Vec<DataParameter>,
    /// How rows are written.
    pub result: Option<DataResult>,
}

/// A parameter of a query.
#[derive(Clone, Debug)]
pub struct DataParameter {
    /// Name.
    pub name: String,
    /// SQL type, as in `STRING`.
    pub sql_type: String,
    /// Value when none is given.
    pub default: Option<String>,
    /// True for a list of values.
    pub is_array: bool,
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
#[derive(Clone, Debug)]
pub struct DataResult {
    /// Element around all rows.
    pub element: String,
    /// Element of a row.
    pub row: String,
    /// Namespace.
    pub namespace: String,
    /// True when the body is a JSON template.
    pub json: Option<String>,
    /// Columns.
    pub fields: Vec<DataField>,
}

/// A piece of a row.
#[derive(Clone, Debug)]
pub enum DataField {
    /// An element: name, column.
    Element(String, String),
    /// An attribute: name, column.
    Attribute(String, String),
    /// The result of another query: its id and parameters as name and column.
    Query(String, Vec<(String, String)>),
    /// An element with fields in it.
    Nested(String, Vec<DataField>),
}

/// A SOAP operation.
#[derive(Clone, Debug)]
pub struct DataOperation {
    /// Name.
    pub name: String,
    /// Query.
    pub query: String,
    /// Parameters of the query and of the operation.
    pub parameters: Vec<(String, String)>,
}

/// A REST resource.
#[derive(Clone, Debug)]
pub struct DataResource {
    /// Method.
    pub method: String,
    /// Path.
    pub path: String,
    /// Query.
    pub query: String,
    /// Parameters of the query and of the resource.
    pub parameters: Vec<(String, String)>,
}

pub(super) fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<DataService> {
    let name = compiler.required(element, "name")?;
    let mut service = DataService {
        name,
        closed: None,
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
                if let (Some(name), Some((query, parameters))) =
                    (compiler.required(child, "name"), call(compiler, child))
                {
                    service.operations.push(DataOperation { name, query, parameters });
                }
            }
            "resource" => {
                let (method, path) = (compiler.required(child, "method"), compiler.required(child, "path"));
                if let (Some(method), Some(path), Some((query, parameters))) = (method, path, call(compiler, child)) {
                    service.resources.push(DataResource { method, path, query, parameters });
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
            _ => {}
        }
    }
    references(compiler, element, &service);
    Some(service)
}

/// Every query that is called exists, and so does every connection.
fn references(compiler: &mut Compiler, element: Element<'_>, service: &DataService) {
    let queries = service.operations.iter().map(|operation| &operation.query);
    for query in queries.chain(service.resources.iter().map(|resource| &resource.query)) {
        let declared = element.children_named("query").any(|child| child.given("id") == Some(query));
        if !declared {
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

fn source(compiler: &mut Compiler, element: Element<'_>) -> Option<Source> {
    let properties: Vec<(String, String)> = element
        .children_named("property")
        .filter_map(|child| Some((child.given("name")?.to_owned(), child.text().trim().to_owned())))
        .collect();
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
    let mut sql: Vec<(bool, String)> = element
        .children_named("sql")
        .map(|child| (child.given("dialect").is_some(), child.text().trim().to_owned()))
        .collect();
    sql.sort_by_key(|(dialect, _)| *dialect);
    let expression = element.child_text("expression");
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
    let parameters = element.children_named("param").filter_map(|child| parameter(compiler, child)).collect();
    let result = element.child("result").and_then(|child| result(compiler, child));
    if element.child("expression").is_some() {
        sql.extend(expression.map(|text| (true, text)));
    }
    Some(DataQuery {
        id,
        source: element.given("useConfig").unwrap_or("default").to_owned(),
        sql: sql.into_iter().map(|(_, text)| text).collect(),
        parameters,
        result,
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
    Some(DataParameter {
        name: compiler.required(element, "name")?,
        sql_type: element.given("sqlType").unwrap_or("STRING").to_ascii_uppercase(),
        default: element.attribute("defaultValue").map(str::to_owned),
        is_array: element.given("paramType") == Some("ARRAY"),
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
    Some(DataResult {
        element: element.given("element").unwrap_or_default().to_owned(),
        row: element.given("rowName").unwrap_or_default().to_owned(),
        namespace: element.given("defaultNamespace").unwrap_or_default().to_owned(),
        json: (output == "json").then(|| element.text().trim().to_owned()),
        fields: fields(element),
    })
}

fn fields(element: Element<'_>) -> Vec<DataField> {
    element
        .children()
        .filter_map(|child| {
            let name = child.given("name").unwrap_or_default().to_owned();
            let column = child.given("column").or_else(|| child.given("query-param")).map(str::to_owned);
            match child.name() {
                "element" => Some(match column {
                    Some(column) => DataField::Element(name, column),
                    None => DataField::Nested(name, fields(child)),
                }),
                "attribute" => Some(DataField::Attribute(name, column?)),
                "call-query" => Some(DataField::Query(child.given("href")?.to_owned(), with_params(child))),
                _ => None,
            }
        })
        .collect()
}

fn call(compiler: &mut Compiler, element: Element<'_>) -> Option<(String, Vec<(String, String)>)> {
    let child = element
        .child("call-query")
        .or_else(|| element.child("call-query-group").and_then(|group| group.child("call-query")));
    let Some(child) = child else {
        compiler.fault(element, "call-query is missing", "");
        return None;
    };
    Some((compiler.required(child, "href")?, with_params(child)))
}

fn with_params(element: Element<'_>) -> Vec<(String, String)> {
    element
        .children_named("with-param")
        .filter_map(|child| {
            let source = child.given("query-param").or_else(|| child.given("column"))?;
            Some((child.given("name")?.to_owned(), source.to_owned()))
        })
        .collect()
}
