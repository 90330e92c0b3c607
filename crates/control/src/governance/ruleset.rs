//! Rulesets in the form of Spectral: reading them, and what a document violates.

use serde_json::{Value, json};

use super::function::Function;
use super::path::{Budget, Path, child, followed};
use crate::definition::text;
use crate::field::Field;

/// Largest ruleset, bytes.
pub(super) const MAX_BYTES: usize = 1024 * 1024;
/// Most rules of a ruleset.
const MAX_RULES: usize = 500;
/// Most violations of one rule that are told; more say the same.
const MAX_OF_RULE: usize = 25;
/// How many values one ruleset may look at.
const BUDGET: usize = 3_000_000;

/// How grave a violation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    Error,
    Warn,
    Info,
}

impl Severity {
    /// As the REST API writes it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
        }
    }
}

#[derive(Debug)]
struct Rule {
    name: String,
    description: String,
    message: Option<String>,
    severity: Severity,
    given: Vec<Path>,
    then: Vec<Then>,
}

#[derive(Debug)]
struct Then {
    field: Option<Place>,
    function: Function,
}

#[derive(Debug)]
enum Place {
    /// The names of the object (`@key`).
    Names,
    /// A field, or a field of a field.
    Field(Vec<String>),
    Path(Path),
}

/// A parsed ruleset.
#[derive(Debug)]
pub(super) struct Ruleset(Vec<Rule>);

/// What a document is to a ruleset.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// `{name, description, severity, violations: [{path, message}]}` of each rule that is violated.
    pub(super) violated: Vec<Value>,
    /// `{name, description, severity}` of each rule that is followed.
    pub(super) followed: Vec<Value>,
}

impl Ruleset {
    /// Reads a ruleset, YAML or JSON.
    ///
    /// # Errors
    /// Everything that is wrong with it, at most 50 faults.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Vec<String>> {
        if bytes.len() > MAX_BYTES {
            return Err(vec![format!("a ruleset has at most {MAX_BYTES} bytes")]);
        }
        let root = text::parse(bytes).map_err(|fault| vec![format!("line {}: {}", fault.line, fault.reason)])?;
        let mut faults = Vec::new();
        for (field, reason) in [
            ("extends", "rules of elsewhere are not loaded: write them into the ruleset"),
            ("functions", "functions of one's own are programs, which are not run"),
            ("overrides", "overrides are not supported: write the rules as they shall be"),
            ("except", "exceptions are not supported: write the rules as they shall be"),
        ] {
            if root.get(field).is_some_and(|value| !value.is_null() && *value != json!([])) {
                faults.push(format!("{field}: {reason}"));
            }
        }
        let rules = root.at("rules").as_object().filter(|rules| (1..=MAX_RULES).contains(&rules.len()));
        let Some(rules) = rules else {
            faults.push(format!("rules: an object with 1 to {MAX_RULES} rules"));
            return Err(faults);
        };
        let mut read = Vec::new();
        for (name, rule) in rules {
            match Rule::parse(name, rule, root.at("aliases")) {
                Ok(rule) => read.extend(rule),
                Err(fault) => faults.push(format!("rules.{name}: {fault}")),
            }
        }
        faults.truncate(50);
        if faults.is_empty() { Ok(Self(read)) } else { Err(faults) }
    }

    /// Judges a document.
    ///
    /// # Errors
    /// When it would take too long.
    pub(super) fn judge(&self, document: &Value) -> Result<Verdict, String> {
        let mut budget = Budget(BUDGET);
        let mut verdict = Verdict::default();
        for rule in &self.0 {
            let violations = rule.violations(document, &mut budget);
            let mut told =
                json!({"name": rule.name, "description": rule.description, "severity": rule.severity.as_str()});
            if violations.is_empty() {
                verdict.followed.push(told);
            } else if let Some(fields) = told.as_object_mut() {
                fields.insert("violations".to_owned(), violations.into());
                verdict.violated.push(told);
            }
        }
        if budget.0 == 0 { Err("the rules look at too many places of the document".to_owned()) } else { Ok(verdict) }
    }
}

impl Rule {
    /// `None` for a rule that is switched off.
    fn parse(name: &str, rule: &Value, aliases: &Value) -> Result<Option<Self>, String> {
        let fields = rule.as_object().ok_or("a rule is an object with given and then")?;
        const KNOWN: [&str; 11] = [
            "description",
            "message",
            "severity",
            "given",
            "then",
            "recommended",
            "enabled",
            "formats",
            "tags",
            "documentationUrl",
            "resolved",
        ];
        if let Some(unknown) = fields.keys().find(|field| !KNOWN.contains(&field.as_str()) && *field != "type") {
            return Err(format!("a rule has no field {unknown}"));
        }
        let severity = match rule.at("severity") {
            Value::Null => Severity::Warn,
            value => match value.as_str().map_or_else(|| value.to_string(), str::to_lowercase).as_str() {
                "error" | "0" => Severity::Error,
                "warn" | "1" => Severity::Warn,
                "info" | "hint" | "2" | "3" => Severity::Info,
                "off" | "-1" => return Ok(None),
                _ => return Err("severity: error, warn, info, hint or off".to_owned()),
            },
        };
        let given = listed(rule.at("given"));
        let mut paths = Vec::new();
        for text in given.iter().map(|path| path.as_str().unwrap_or_default()) {
            for text in unaliased(text, aliases)? {
                paths.push(Path::parse(&text)?);
            }
        }
        if paths.is_empty() {
            return Err("given: a path, or a list of paths".to_owned());
        }
        let mut then = Vec::new();
        for entry in listed(rule.at("then")) {
            then.push(Then::parse(entry)?);
        }
        if then.is_empty() {
            return Err("then: a function, or a list of them".to_owned());
        }
        if rule.at("enabled") == false || rule.at("recommended") == false {
            return Ok(None);
        }
        let text = |field: &str| rule.at(field).as_str().map(|text| text.chars().take(1000).collect::<String>());
        let (description, message) = (text("description").unwrap_or_default(), text("message"));
        Ok(Some(Self { name: name.chars().take(200).collect(), description, message, severity, given: paths, then }))
    }

    fn violations(&self, document: &Value, budget: &mut Budget) -> Vec<Value> {
        let mut violations = Vec::new();
        let mut all = Vec::new();
        for path in &self.given {
            all.extend(path.find(document, budget));
        }
        for found in &all {
            let here = followed(document, found.value.value());
            for then in &self.then {
                for (tail, value) in then.subjects(document, here, budget) {
                    let Some(fault) = then.function.fault(value.as_ref().map(Known::value)) else { continue };
                    if violations.len() >= MAX_OF_RULE {
                        return violations;
                    }
                    let path: Vec<String> = found.path.iter().cloned().chain(tail).collect();
                    violations.push(json!({"path": path.join("."), "message": self.told(&fault, &path)}));
                }
            }
        }
        violations
    }

    fn told(&self, fault: &str, path: &[String]) -> String {
        let property = path.last().map(String::as_str).unwrap_or_default();
        let Some(message) = &self.message else {
            return if self.description.is_empty() { format!("{property}: {fault}") } else { self.description.clone() };
        };
        let mut told = message.clone();
        for (name, value) in [
            ("error", fault),
            ("description", &self.description),
            ("property", property),
            ("path", &path.join(".")),
            ("value", property),
        ] {
            told = told.replace(&format!("{{{{{name}}}}}"), value);
        }
        told.chars().take(1000).collect()
    }
}

/// A value of the document, or a name in it.
enum Known<'d> {
    There(&'d Value),
    Name(Value),
}

impl Known<'_> {
    const fn value(&self) -> &Value {
        match self {
            Self::There(value) => value,
            Self::Name(name) => name,
        }
    }
}

impl Then {
    fn parse(entry: &Value) -> Result<Self, String> {
        let fields = entry.as_object().ok_or("then: an object with a function")?;
        if let Some(unknown) =
            fields.keys().find(|name| !["field", "function", "functionOptions"].contains(&name.as_str()))
        {
            return Err(format!("then has no field {unknown}"));
        }
        let field = match entry.at("field") {
            Value::Null => None,
            Value::String(name) if name == "@key" => Some(Place::Names),
            Value::String(name) if name.starts_with('$') => Some(Place::Path(Path::parse(name)?)),
            Value::String(name) if !name.is_empty() => Some(Place::Field(vec![name.clone()])),
            Value::Number(index) => Some(Place::Field(vec![index.to_string()])),
            _ => return Err("field: the name of a field, or @key".to_owned()),
        };
        let name = entry.at("function").as_str().ok_or("then needs a function")?;
        Ok(Self { field, function: Function::parse(name, entry.get("functionOptions"))? })
    }

    /// What the function judges: the end of its path, and the value if it is there.
    fn subjects<'d>(
        &self,
        root: &'d Value,
        value: &'d Value,
        budget: &mut Budget,
    ) -> Vec<(Vec<String>, Option<Known<'d>>)> {
        match &self.field {
            None => vec![(Vec::new(), Some(Known::There(value)))],
            Some(Place::Names) => {
                let names = value.as_object().into_iter().flatten().map(|(name, _)| name.clone());
                names.map(|name| (vec![name.clone()], Some(Known::Name(name.into())))).collect()
            }
            Some(Place::Field(names)) => {
                // A field whose name holds dots is looked for first, as it is written.
                let whole = names.first().and_then(|name| child(value, name));
                let found = whole.or_else(|| {
                    let parts = names.first().map(|name| name.split('.')).into_iter().flatten();
                    parts.into_iter().try_fold(value, |here, part| child(followed(root, here), part))
                });
                vec![(names.clone(), found.map(Known::There))]
            }
            Some(Place::Path(path)) => {
                let found = path.find(value, budget);
                let known = found.into_iter().map(|found| match found.value {
                    super::path::Subject::Value(value) => (found.path, Some(Known::There(value))),
                    super::path::Subject::Name(name) => (found.path, Some(Known::Name(name))),
                });
                known.collect()
            }
        }
    }
}

/// One value or a list of them.
fn listed(value: &Value) -> Vec<&Value> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(items) => items.iter().take(50).collect(),
        one => vec![one],
    }
}

/// A path with the alias at its beginning (`#Name`) written out.
fn unaliased(text: &str, aliases: &Value) -> Result<Vec<String>, String> {
    let Some(rest) = text.strip_prefix('#') else { return Ok(vec![text.to_owned()]) };
    let end = rest.find(['.', '[', '~']).unwrap_or(rest.len());
    let (name, tail) = rest.split_at(end);
    let paths: Vec<String> =
        listed(aliases.at(name)).into_iter().filter_map(Value::as_str).map(|path| format!("{path}{tail}")).collect();
    if paths.is_empty() { Err(format!("there is no alias {name:?} of paths")) } else { Ok(paths) }
}

#[cfg(test)]
mod tests;
