//! A thin walker over OpenAPI 2.0, 3.0 and 3.1: nothing is resolved, so circular references cost nothing, and vendor
//! extensions survive.

use serde_json::{Map, Value};

use super::DefinitionFault;
use super::text;

/// Methods of a path item that are operations, in lower case.
const VERBS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
/// Most operations of one API.
const MAX_OPERATIONS: usize = 5000;
/// Most scopes of one API.
const MAX_SCOPES: usize = 1000;
/// Most faults reported at once.
const MAX_FAULTS: usize = 20;

/// Which specification a document follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpecVersion {
    /// Swagger 2.0.
    V2,
    /// OpenAPI 3.0.
    V30,
    /// OpenAPI 3.1.
    V31,
}

/// A checked OpenAPI document.
#[derive(Clone, Debug)]
pub(crate) struct OpenApi {
    root: Map<String, Value>,
    version: SpecVersion,
}

/// One operation as the definition declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DefinedOperation {
    /// Path template.
    pub(crate) target: String,
    /// Method, upper case.
    pub(crate) verb: String,
    /// Scopes a token needs one of.
    pub(crate) scopes: Vec<String>,
    /// WSO2's `x-auth-type`, if declared.
    pub(crate) auth_type: Option<String>,
    /// WSO2's `x-throttling-tier`, if declared.
    pub(crate) throttling: Option<String>,
    /// Summary or description.
    pub(crate) summary: String,
}

/// One scope as the definition declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DefinedScope {
    /// Name.
    pub(crate) name: String,
    /// Description.
    pub(crate) description: String,
    /// Roles that may have it (`x-scopes-bindings`); empty means any.
    pub(crate) roles: Vec<String>,
}

impl OpenApi {
    /// Reads and checks a document.
    ///
    /// # Errors
    /// All faults found, at most 20, each with its place.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Vec<DefinitionFault>> {
        let value = text::parse(bytes).map_err(|f| vec![f])?;
        let source = std::str::from_utf8(bytes).unwrap_or_default();
        Self::check(value, source)
    }

    fn check(value: Value, source: &str) -> Result<Self, Vec<DefinitionFault>> {
        let Value::Object(root) = value else {
            return Err(vec![DefinitionFault::at(source, &[], "the document is not an object")]);
        };
        let version = spec_version(&root).map_err(|reason| vec![DefinitionFault::at(source, &[], reason)])?;
        let document = Self { root, version };
        let mut faults = Vec::new();
        document.check_info(source, &mut faults);
        document.check_paths(source, &mut faults);
        if faults.is_empty() { Ok(document) } else { Err(faults) }
    }

    fn check_info(&self, source: &str, faults: &mut Vec<DefinitionFault>) {
        match self.root.get("info") {
            Some(Value::Object(_)) => {}
            Some(_) => {
                faults.push(DefinitionFault::at(source, &["info"], "info must be an object with title and version"))
            }
            None => faults.push(DefinitionFault::at(source, &[], "info is missing: give a title and a version")),
        }
    }

    fn check_paths(&self, source: &str, faults: &mut Vec<DefinitionFault>) {
        let paths = match self.root.get("paths") {
            Some(Value::Object(paths)) => paths,
            // 3.1 allows a document of webhooks or components only; an API without resources is of no use here.
            None | Some(Value::Null) => {
                faults.push(DefinitionFault::at(source, &[], "paths is missing: an API needs at least one resource"));
                return;
            }
            Some(_) => {
                faults.push(DefinitionFault::at(source, &["paths"], "paths must be an object"));
                return;
            }
        };
        let mut operations = 0_usize;
        for (path, item) in paths {
            if faults.len() >= MAX_FAULTS {
                return;
            }
            if path.starts_with("x-") {
                continue;
            }
            if let Some(reason) = path_fault(path) {
                faults.push(DefinitionFault::at(source, &["paths", path], reason));
                continue;
            }
            let Value::Object(item) = item else {
                faults.push(DefinitionFault::at(source, &["paths", path], "a path item must be an object"));
                continue;
            };
            for verb in VERBS {
                match item.get(verb) {
                    None => {}
                    Some(Value::Object(_)) => operations = operations.saturating_add(1),
                    Some(_) => faults.push(DefinitionFault::at(
                        source,
                        &["paths", path, verb],
                        "an operation must be an object",
                    )),
                }
            }
        }
        if operations > MAX_OPERATIONS {
            faults.push(DefinitionFault::at(
                source,
                &["paths"],
                format!("{operations} operations; at most {MAX_OPERATIONS} are accepted"),
            ));
        }
    }

    /// The specification.
    pub(crate) const fn version(&self) -> SpecVersion {
        self.version
    }

    /// The root object.
    pub(crate) const fn root(&self) -> &Map<String, Value> {
        &self.root
    }

    /// `info.title`.
    pub(crate) fn title(&self) -> String {
        self.info("title")
    }

    /// `info.version`; a number is taken as its text.
    pub(crate) fn api_version(&self) -> String {
        self.info("version")
    }

    /// `info.description`.
    pub(crate) fn description(&self) -> String {
        self.info("description")
    }

    fn info(&self, field: &str) -> String {
        match self.root.get("info").and_then(|i| i.get(field)) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => String::new(),
        }
    }

    /// The base path: `basePath` of 2.0, or the path of the first server.
    pub(crate) fn base_path(&self) -> String {
        match self.version {
            SpecVersion::V2 => self.root.get("basePath").and_then(Value::as_str).unwrap_or_default().to_owned(),
            _ => self.servers().first().map(|s| path_of_url(s)).unwrap_or_default(),
        }
    }

    /// Server URLs: those of 3.x, or the one that host, base path and schemes of 2.0 make.
    pub(crate) fn servers(&self) -> Vec<String> {
        if self.version == SpecVersion::V2 {
            let Some(host) = self.root.get("host").and_then(Value::as_str).filter(|h| !h.is_empty()) else {
                return Vec::new();
            };
            let base = self.root.get("basePath").and_then(Value::as_str).unwrap_or_default();
            let schemes = self.root.get("schemes").and_then(Value::as_array);
            let schemes: Vec<&str> = schemes.into_iter().flatten().filter_map(Value::as_str).collect();
            let scheme = if schemes.contains(&"https") || schemes.is_empty() { "https" } else { "http" };
            return vec![format!("{scheme}://{host}{base}")];
        }
        let servers = self.root.get("servers").and_then(Value::as_array);
        servers.into_iter().flatten().filter_map(|s| s.get("url")?.as_str()).map(str::to_owned).collect()
    }

    /// Every operation in document order.
    pub(crate) fn operations(&self) -> Vec<DefinedOperation> {
        let mut found = Vec::new();
        for (target, item) in self.paths() {
            // Document order of the verbs inside a path, too.
            for (verb, operation) in item.as_object().into_iter().flatten() {
                if VERBS.contains(&verb.as_str()) && operation.is_object() {
                    found.push(self.operation(target, verb, operation));
                }
            }
        }
        found
    }

    fn operation(&self, target: &str, verb: &str, operation: &Value) -> DefinedOperation {
        let text = |field: &str| operation.get(field).and_then(Value::as_str);
        let auth_type = match operation.get("x-wso2-disable-security").and_then(Value::as_bool) {
            Some(true) => Some("None".to_owned()),
            _ => text("x-auth-type").map(str::to_owned),
        };
        DefinedOperation {
            target: target.to_owned(),
            verb: verb.to_uppercase(),
            scopes: self.scopes_of(operation),
            auth_type,
            throttling: text("x-throttling-tier").or_else(|| text("x-wso2-throttling-tier")).map(str::to_owned),
            summary: text("summary").or_else(|| text("description")).unwrap_or_default().to_owned(),
        }
    }

    /// The scopes of an operation: of its own security requirements, or of the document's.
    fn scopes_of(&self, operation: &Value) -> Vec<String> {
        let requirements = operation.get("security").or_else(|| self.root.get("security"));
        let mut scopes = Vec::new();
        for requirement in requirements.and_then(Value::as_array).into_iter().flatten() {
            for (scheme, names) in requirement.as_object().into_iter().flatten() {
                if !self.is_oauth(scheme) {
                    continue;
                }
                for name in names.as_array().into_iter().flatten().filter_map(Value::as_str) {
                    if !scopes.iter().any(|s| s == name) && !name.is_empty() {
                        scopes.push(name.to_owned());
                    }
                }
            }
        }
        if scopes.is_empty()
            && let Some(name) = operation.get("x-scope").and_then(Value::as_str).filter(|n| !n.is_empty())
        {
            scopes.push(name.to_owned());
        }
        scopes
    }

    fn is_oauth(&self, scheme: &str) -> bool {
        match self.schemes().and_then(|s| s.get(scheme)).and_then(|s| s.get("type")).and_then(Value::as_str) {
            Some(kind) => kind.eq_ignore_ascii_case("oauth2"),
            // WSO2's own scheme, which some tools drop while they keep its uses.
            None => scheme == "default",
        }
    }

    fn schemes(&self) -> Option<&Map<String, Value>> {
        match self.version {
            SpecVersion::V2 => self.root.get("securityDefinitions")?.as_object(),
            _ => self.root.get("components")?.get("securitySchemes")?.as_object(),
        }
    }

    /// Every scope that an OAuth scheme declares, and every scope an operation uses without a declaration.
    pub(crate) fn scopes(&self) -> Vec<DefinedScope> {
        let mut found: Vec<DefinedScope> = Vec::new();
        for (name, scheme) in self.schemes().into_iter().flatten() {
            if !self.is_oauth(name) {
                continue;
            }
            let flows = scheme.get("flows").and_then(Value::as_object);
            let flows = flows.into_iter().flat_map(|f| f.values()).chain(std::iter::once(scheme));
            for flow in flows {
                let bindings = flow.get("x-scopes-bindings").or_else(|| scheme.get("x-scopes-bindings"));
                for (scope, description) in flow.get("scopes").and_then(Value::as_object).into_iter().flatten() {
                    let roles = bindings.and_then(|b| b.get(scope)).and_then(Value::as_str).unwrap_or_default();
                    let roles = roles.split(',').map(str::trim).filter(|r| !r.is_empty()).map(str::to_owned);
                    add_scope(&mut found, scope, description.as_str().unwrap_or_default(), roles.collect());
                }
            }
        }
        for scope in self.legacy_scopes() {
            add_scope(&mut found, &scope.name, &scope.description, scope.roles);
        }
        for operation in self.operations() {
            for scope in operation.scopes {
                add_scope(&mut found, &scope, "", Vec::new());
            }
        }
        found.truncate(MAX_SCOPES);
        found
    }

    /// `x-wso2-security.apim.x-wso2-scopes`, which older versions of WSO2 wrote.
    fn legacy_scopes(&self) -> Vec<DefinedScope> {
        let list = self.root.get("x-wso2-security").and_then(|s| s.get("apim")?.get("x-wso2-scopes")?.as_array());
        let text = |v: &Value, f: &str| v.get(f).and_then(Value::as_str).unwrap_or_default().to_owned();
        list.into_iter()
            .flatten()
            .map(|scope| DefinedScope {
                name: Some(text(scope, "key")).filter(|k| !k.is_empty()).unwrap_or_else(|| text(scope, "name")),
                description: text(scope, "description"),
                roles: text(scope, "roles")
                    .split(',')
                    .map(str::trim)
                    .filter(|r| !r.is_empty())
                    .map(str::to_owned)
                    .collect(),
            })
            .filter(|s| !s.name.is_empty())
            .collect()
    }

    /// Path items by template.
    pub(crate) fn paths(&self) -> impl Iterator<Item = (&String, &Value)> {
        let paths = self.root.get("paths").and_then(Value::as_object);
        paths.into_iter().flatten().filter(|(path, _)| !path.starts_with("x-"))
    }

    /// A root-level vendor extension.
    pub(crate) fn extension(&self, name: &str) -> Option<&Value> {
        self.root.get(name).filter(|v| !v.is_null())
    }
}

/// Whether a field of a path item is an operation.
pub(super) fn is_verb(field: &str) -> bool {
    VERBS.contains(&field)
}

fn add_scope(found: &mut Vec<DefinedScope>, name: &str, description: &str, roles: Vec<String>) {
    if name.is_empty() {
        return;
    }
    match found.iter_mut().find(|s| s.name == name) {
        Some(known) if known.description.is_empty() && !description.is_empty() => {
            known.description = description.to_owned();
        }
        Some(_) => {}
        None => found.push(DefinedScope { name: name.to_owned(), description: description.to_owned(), roles }),
    }
}

fn spec_version(root: &Map<String, Value>) -> Result<SpecVersion, String> {
    let text = |field: &str| match root.get(field) {
        Some(Value::String(text)) => Some(text.clone()),
        // YAML reads an unquoted 2.0 as a number.
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    match (text("swagger"), text("openapi")) {
        (Some(v), _) if v.starts_with('2') => Ok(SpecVersion::V2),
        (_, Some(v)) if v.starts_with("3.0") => Ok(SpecVersion::V30),
        (_, Some(v)) if v.starts_with("3.1") => Ok(SpecVersion::V31),
        (Some(v), _) => Err(format!("Swagger {v} is not supported: use 2.0, or OpenAPI 3.0 or 3.1")),
        (_, Some(v)) => Err(format!("OpenAPI {v} is not supported: use Swagger 2.0, or OpenAPI 3.0 or 3.1")),
        (None, None) => {
            Err("neither swagger nor openapi names a version: this is not an OpenAPI definition".to_owned())
        }
    }
}

fn path_fault(path: &str) -> Option<&'static str> {
    if !path.starts_with('/') {
        return Some("a path starts with a slash");
    }
    if path.contains(|c: char| c.is_control()) {
        return Some("a path has no control characters");
    }
    let mut open = false;
    for c in path.chars() {
        match (c, open) {
            ('{', true) | ('}', false) => return Some("the braces of the path template do not match"),
            ('{', false) => open = true,
            ('}', true) => open = false,
            _ => {}
        }
    }
    open.then_some("the braces of the path template do not match")
}

/// The path of a URL, without a trailing slash.
fn path_of_url(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let path = if url.contains("://") { rest.find('/').and_then(|i| rest.get(i..)).unwrap_or_default() } else { rest };
    path.trim_end_matches('/').to_owned()
}
