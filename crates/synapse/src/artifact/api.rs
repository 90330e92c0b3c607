//! APIs and their resources.

use std::sync::Arc;

use crate::compile::Compiler;
use crate::expression::Template;
use crate::mediator::Sequence;
use crate::text::decode_uri;
use crate::xml::Element;

/// How a version is part of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionType {
    /// Not at all.
    None,
    /// `{version}` in the context.
    Context,
    /// A segment after the context.
    Url,
}

/// An API.
#[derive(Debug)]
pub struct Api {
    /// Name.
    pub name: String,
    /// Path prefix, version included, without a slash at the end.
    pub context: String,
    /// Host name it answers to; any when empty.
    pub hostname: String,
    /// Port it answers on; any when none.
    pub port: Option<u16>,
    /// Version.
    pub version: String,
    /// How the version is part of the path.
    pub version_type: VersionType,
    /// Resources in order.
    pub resources: Vec<Resource>,
}

/// A sequence by key, or inline.
#[derive(Debug)]
pub(crate) enum Target {
    Key(Template),
    Inline(Arc<Sequence>),
}

/// What a resource answers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mapping {
    /// Everything that no other resource wants.
    Default,
    /// `url-mapping`: exact, `/a/*` or `*.x`.
    Url(String),
    /// `uri-template`
    Template(UriTemplate),
}

/// A resource.
#[derive(Debug)]
pub struct Resource {
    /// Methods; any when empty.
    pub methods: Vec<String>,
    /// What it answers to.
    pub mapping: Mapping,
    pub(crate) in_sequence: Option<Target>,
    pub(crate) out_sequence: Option<Target>,
    pub(crate) fault_sequence: Option<Target>,
}

const METHODS: [&str; 8] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"];

pub(super) fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Api> {
    let name = compiler.required(element, "name");
    let context = compiler.required(element, "context");
    let version = element.given("version").unwrap_or_default().to_owned();
    let mut version_type = match element.given("version-type") {
        None => VersionType::None,
        Some("context") => VersionType::Context,
        Some("url") => VersionType::Url,
        Some(other) => {
            compiler.fault(element, format!("version-type is context or url, not {other:?}"), "");
            VersionType::None
        }
    };
    if version_type != VersionType::None && version.is_empty() {
        let reason = "there is a version-type, but no version: the API is served at its context";
        compiler.note(element, reason, "add the attribute version");
        version_type = VersionType::None;
    }
    let port = element.given("port").and_then(|text| compiler.number(element, "port", text));
    let mut resources = Vec::new();
    for child in element.children() {
        match child.name() {
            "resource" => resources.push(resource(compiler, child)),
            // Handlers are Java classes; the CORS handler is what Portcullis' gateway does by itself.
            "handlers" => {
                for handler in child.children() {
                    let class = handler.given("class").unwrap_or_default();
                    if !class.ends_with("CORSRequestHandler") {
                        compiler.fault(
                            handler,
                            format!("the handler class {class} cannot be run"),
                            "Java classes cannot be loaded; put the logic into a sequence or a gateway policy",
                        );
                    }
                }
            }
            "description" => {}
            other => compiler.fault(child, format!("{other} is not part of an API"), "an API holds resource elements"),
        }
    }
    if resources.is_empty() {
        compiler.fault(element, "the API has no resource", "add a resource element");
    }
    let (name, mut context) = (name?, context?);
    if !context.starts_with('/') {
        compiler.fault(element, format!("the context {context:?} does not begin with /"), "");
    }
    match version_type {
        VersionType::Context => context = context.replace("{version}", &version),
        VersionType::Url => context = format!("{}/{version}", context.trim_end_matches('/')),
        VersionType::None => {}
    }
    Some(Api {
        name,
        context: context.trim_end_matches('/').to_owned(),
        hostname: element.given("hostname").unwrap_or_default().to_owned(),
        port,
        version,
        version_type,
        resources,
    })
}

fn resource(compiler: &mut Compiler, element: Element<'_>) -> Resource {
    let methods: Vec<String> = element
        .given("methods")
        .unwrap_or_default()
        .split([' ', ','])
        .filter(|method| !method.is_empty())
        .map(str::to_ascii_uppercase)
        .collect();
    for method in &methods {
        if !METHODS.contains(&method.as_str()) {
            compiler.fault(element, format!("{method} is not an HTTP method"), "");
        }
    }
    let template = element.attribute("uri-template").map(str::trim);
    let mapping = match (template, element.given("url-mapping")) {
        (Some(_), Some(_)) => {
            compiler.fault(element, "a resource has uri-template or url-mapping, not both", "");
            Mapping::Default
        }
        (Some(text), None) => match UriTemplate::parse(text) {
            Ok(template) => Mapping::Template(template),
            Err(reason) => {
                compiler.fault(element, format!("the uri-template {text:?}: {reason}"), "");
                Mapping::Default
            }
        },
        (None, Some(text)) => Mapping::Url(text.to_owned()),
        (None, None) => Mapping::Default,
    };
    Resource {
        methods,
        mapping,
        in_sequence: target(compiler, element, "inSequence"),
        out_sequence: target(compiler, element, "outSequence"),
        fault_sequence: target(compiler, element, "faultSequence"),
    }
}

/// A sequence of an attribute or of a child of the same name.
pub(super) fn target(compiler: &mut Compiler, element: Element<'_>, name: &str) -> Option<Target> {
    if let Some(key) = element.given(name) {
        return compiler.value(element, key).map(Target::Key);
    }
    let child = element.child(name)?;
    if let Some(key) = child.given("key") {
        return compiler.value(child, key).map(Target::Key);
    }
    Some(Target::Inline(Arc::new(compiler.sequence(child))))
}

impl Resource {
    /// True when the method is one of the resource's.
    pub fn allows(&self, method: &str) -> bool {
        self.methods.is_empty() || self.methods.iter().any(|known| known == method)
    }
}

/// A URI template as Synapse reads it: `/a/{b}/*?c={d}`. A variable is one segment; `*` is the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UriTemplate {
    /// As written.
    pub source: String,
    path: Vec<Vec<Piece>>,
    rest: bool,
    query: Vec<(String, Piece)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable(String),
    /// `{+name}`: slashes too.
    Greedy(String),
}

impl UriTemplate {
    fn parse(text: &str) -> Result<Self, String> {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let (path, rest) = match path.strip_suffix("/*").or_else(|| path.strip_suffix('*')) {
            Some(path) => (path, true),
            None => (path, false),
        };
        let segments = path.trim_start_matches('/').split('/');
        let path = segments.map(pieces).collect::<Result<Vec<_>, _>>()?;
        let mut fields = Vec::new();
        for field in query.split('&').filter(|field| !field.is_empty()) {
            let (name, value) = field.split_once('=').unwrap_or((field, "*"));
            let piece = pieces(value)?.into_iter().next().unwrap_or(Piece::Text(String::new()));
            fields.push((name.to_owned(), piece));
        }
        Ok(Self { source: text.to_owned(), path, rest, query: fields })
    }

    /// The variables when the path, with its query, matches.
    pub fn matches(&self, path: &str, query: &str) -> Option<Vec<(String, String)>> {
        let mut found = Vec::new();
        if !self.match_path(path, &mut found) {
            return None;
        }
        for (name, piece) in &self.query {
            let value = query.split('&').find_map(|field| {
                let (known, value) = field.split_once('=').unwrap_or((field, ""));
                (known == name).then_some(value)
            })?;
            match piece {
                Piece::Text(text) if text == "*" || text == value => {}
                Piece::Text(_) => return None,
                Piece::Variable(variable) | Piece::Greedy(variable) => {
                    found.push((variable.clone(), crate::text::decode_form(value)));
                }
            }
        }
        Some(found)
    }

    fn match_path(&self, path: &str, found: &mut Vec<(String, String)>) -> bool {
        let trimmed = path.trim_start_matches('/');
        let mut segments = trimmed.split('/');
        let last = self.path.len().saturating_sub(1);
        for (index, pieces) in self.path.iter().enumerate() {
            if let [Piece::Greedy(name)] = pieces.as_slice()
                && index == last
            {
                let rest: Vec<&str> = segments.collect();
                found.push((name.clone(), decode_uri(&rest.join("/"))));
                return true;
            }
            let Some(segment) = segments.next() else {
                return self.rest && index == 0 && pieces.is_empty();
            };
            if !match_segment(pieces, segment, found) {
                return self.rest && self.path.len() == 1 && pieces.is_empty();
            }
        }
        let mut left = segments.filter(|segment| !segment.is_empty());
        self.rest || left.next().is_none()
    }
}

fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        match rest.find('{') {
            Some(0) => {
                let end = rest.find('}').ok_or("a brace is not closed")?;
                let name = rest.get(1..end).unwrap_or_default();
                match name.strip_prefix('+') {
                    Some(name) => out.push(Piece::Greedy(name.to_owned())),
                    None if name.is_empty() => return Err("a variable has no name".to_owned()),
                    None => out.push(Piece::Variable(name.to_owned())),
                }
                rest = rest.get(end + 1..).unwrap_or_default();
            }
            Some(at) => {
                let (text, tail) = rest.split_at(at);
                out.push(Piece::Text(text.to_owned()));
                rest = tail;
            }
            None => {
                out.push(Piece::Text(rest.to_owned()));
                rest = "";
            }
        }
    }
    Ok(out)
}

fn match_segment(pieces: &[Piece], segment: &str, found: &mut Vec<(String, String)>) -> bool {
    let mut rest = segment;
    for (index, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Text(text) => match rest.strip_prefix(text.as_str()) {
                Some(tail) => rest = tail,
                None => return false,
            },
            Piece::Variable(name) | Piece::Greedy(name) => {
                let end = match pieces.get(index + 1) {
                    Some(Piece::Text(text)) => match rest.find(text.as_str()) {
                        Some(at) => at,
                        None => return false,
                    },
                    _ => rest.len(),
                };
                let (value, tail) = rest.split_at(end);
                if value.is_empty() {
                    return false;
                }
                found.push((name.clone(), decode_uri(value)));
                rest = tail;
            }
        }
    }
    rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::UriTemplate;

    fn matches(template: &str, path: &str, query: &str) -> Option<Vec<(String, String)>> {
        UriTemplate::parse(template).unwrap().matches(path, query)
    }

    fn values(template: &str, path: &str, query: &str) -> Option<Vec<String>> {
        matches(template, path, query).map(|found| found.into_iter().map(|(_, value)| value).collect())
    }

    #[test]
    fn templates() {
        for (template, path, query, expected) in [
            ("/a/{b}", "/a/1", "", Some(vec!["1"])),
            ("/a/{b}", "/a/1/", "", Some(vec!["1"])),
            ("/a/{b}", "/a/1/2", "", None),
            ("/a/{b}", "/a", "", None),
            ("/a/*", "/a/1/2", "", Some(vec![])),
            ("/a/*", "/a", "", Some(vec![])),
            ("/*", "/", "", Some(vec![])),
            ("/*", "/x/y", "", Some(vec![])),
            ("/", "/", "", Some(vec![])),
            ("/", "", "", Some(vec![])),
            ("/", "/x", "", None),
            ("/a-{b}.{c}", "/a-1.2", "", Some(vec!["1", "2"])),
            ("/a?x={y}", "/a", "z=1&x=a%20b", Some(vec!["a b"])),
            ("/a?x={y}", "/a", "z=1", None),
            ("/{+rest}", "/a/b/c", "", Some(vec!["a/b/c"])),
            ("/a/{b}", "/a/x%2Fy", "", Some(vec!["x/y"])),
        ] {
            let expected = expected.map(|all| all.into_iter().map(str::to_owned).collect::<Vec<_>>());
            assert_eq!(values(template, path, query), expected, "{template} {path}?{query}");
        }
        assert!(UriTemplate::parse("/a/{b").is_err());
    }
}
