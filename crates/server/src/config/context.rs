//! What reading a value needs, and where its findings go.

use super::diagnostic::{Diagnostic, Severity, codes};
use super::tree::{At, Node, Table, Value};

/// How far `$ref{}` may lead.
const MAX_REFERENCES: usize = 8;

/// Reads the environment: the answer to a variable's name.
pub(super) type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The value of a setting as it is in force, and where it came from. Secrets show as their reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effective {
    /// Dotted path.
    pub path: String,
    /// The value as TOML, empty when the setting is not set.
    pub value: String,
    /// `file:line`, or `default`.
    pub origin: String,
}

/// Findings, origins and look-ups while sections are read.
pub(super) struct Context<'a> {
    root: &'a Table,
    files: &'a [String],
    environment: Environment<'a>,
    /// Path of the value that is being read.
    pub(super) path: String,
    pub(super) findings: Vec<Diagnostic>,
    pub(super) effective: Vec<Effective>,
}

impl<'a> Context<'a> {
    pub(super) const fn new(root: &'a Table, files: &'a [String], environment: Environment<'a>) -> Self {
        Self { root, files, environment, path: String::new(), findings: Vec::new(), effective: Vec::new() }
    }

    pub(super) const fn root(&self) -> &'a Table {
        self.root
    }

    /// Adds an error about the current path.
    pub(super) fn fault(&mut self, at: At, code: &'static str, summary: &str, reason: &str, fix: &str) {
        let path = self.path.clone();
        self.fault_at(&path, at, code, summary, reason, fix);
    }

    /// Adds an error about another path.
    pub(super) fn fault_at(
        &mut self,
        path: &str,
        at: At,
        code: &'static str,
        summary: &str,
        reason: &str,
        fix: &str,
    ) -> &mut Diagnostic {
        self.push(Diagnostic {
            severity: Severity::Error,
            code,
            file: self.file(at),
            line: at.line,
            column: at.column,
            path: path.to_owned(),
            summary: summary.to_owned(),
            reason: reason.to_owned(),
            nearest: None,
            fix: fix.to_owned(),
            more: 0,
        })
    }

    /// Notes each of these keys of a section that is set although another setting makes it meaningless.
    pub(super) fn unused(&mut self, section: &str, keys: &[&str], why: &str) {
        for path in keys.iter().map(|key| format!("{section}.{key}")) {
            let Some(at) = self.root.find(&path).map(|node| node.at) else { continue };
            let summary = "setting without effect";
            let note = self.fault_at(&path, at, codes::NOT_NEEDED, summary, why, "");
            note.severity = Severity::Note;
        }
    }

    fn push(&mut self, finding: Diagnostic) -> &mut Diagnostic {
        self.findings.push_mut(finding)
    }

    /// Adds an error about the type of a value.
    pub(super) fn wrong_type(&mut self, node: &Node, wanted: &str) {
        let reason = format!("this is {}, the setting takes {wanted}", node.value.type_name());
        self.fault(node.at, codes::WRONG_TYPE, "wrong type", &reason, &format!("write {wanted}"));
    }

    /// Adds an error about the form or range of a value.
    pub(super) fn bad_value(&mut self, at: At, reason: &str, fix: &str) {
        self.fault(at, codes::BAD_VALUE, "value not accepted", reason, fix);
    }

    /// Adds an error about a value that must be given.
    pub(super) fn missing(&mut self, at: Option<At>) {
        let key = self.path.rsplit('.').next().unwrap_or_default().to_owned();
        let at = at.unwrap_or_default();
        self.fault(at, codes::MISSING, "setting missing", "this section cannot do without it", &format!("add `{key}`"));
    }

    /// The name of the file of a place.
    pub(super) fn file(&self, at: At) -> String {
        self.files.get(at.file).cloned().unwrap_or_default()
    }

    /// Remembers a value of a file for `config show`.
    pub(super) fn record(&mut self, node: &Node) {
        let origin = format!("{}:{}", self.file(node.at), node.at.line);
        self.effective.push(Effective { path: self.path.clone(), value: as_toml(node), origin });
    }

    /// Remembers a default.
    pub(super) fn record_default(&mut self, default: &str) {
        self.effective.push(Effective {
            path: self.path.clone(),
            value: default.to_owned(),
            origin: "default".to_owned(),
        });
    }

    /// Remembers that there is no value.
    pub(super) fn record_absent(&mut self) {
        self.record_default("");
    }

    /// Follows `$ref{}` as long as it is the whole value.
    pub(super) fn follow(&mut self, node: &Node) -> Option<Node> {
        let mut current = node.clone();
        for _ in 0..MAX_REFERENCES {
            let Value::Text(text) = &current.value else { return Some(current) };
            let Some(target) = whole(text, "$ref{") else { return Some(current) };
            let Some(found) = self.root.find(target) else {
                self.fault(
                    node.at,
                    codes::REFERENCE,
                    "reference leads nowhere",
                    &format!("there is no key {target} in the file"),
                    &format!("add {target}, or write the value here"),
                );
                return None;
            };
            current = Node { at: node.at, loose: true, value: found.value.clone() };
        }
        self.fault(
            node.at,
            codes::REFERENCE,
            "reference leads in a circle",
            &format!("more than {MAX_REFERENCES} references follow each other"),
            "write the value here",
        );
        None
    }

    /// The value with every `$env{}` and `$ref{}` replaced; other forms are refused, because the setting is no secret.
    pub(super) fn plain(&mut self, node: &Node) -> Option<Node> {
        let node = self.follow(node)?;
        let Value::Text(text) = &node.value else { return Some(node) };
        if !text.contains("${") && !text.contains("$env{") && !text.contains("$ref{") && whole_form(text).is_none() {
            return Some(node);
        }
        let text = self.expand(text, node.at)?;
        Some(Node { value: Value::Text(text), at: node.at, loose: true })
    }

    fn expand(&mut self, text: &str, at: At) -> Option<String> {
        let mut result = String::new();
        let mut rest = text;
        while let Some(start) = rest.find('$') {
            let (before, tail) = rest.split_at_checked(start)?;
            result.push_str(before);
            let form = tail.find('{').and_then(|open| Some((tail.get(..open)?, tail.get(open + 1..)?)));
            let Some((word, (name, after))) = form.and_then(|(word, tail)| Some((word, tail.split_once('}')?))) else {
                result.push_str(tail);
                return Some(result);
            };
            match word {
                "$env" => result.push_str(&self.variable(name, at)?),
                "$ref" => result.push_str(&self.referenced(name, at)?),
                "$" => return self.refuse_form(at, &format!("${{{name}}}"), "is a property of WSO2's Java process"),
                "$sys" => {
                    return self.refuse_form(at, &format!("$sys{{{name}}}"), "is a property of WSO2's Java process");
                }
                "$secret" | "$file" => {
                    return self.refuse_form(at, &format!("{word}{{{name}}}"), "may stand for secrets only, and whole");
                }
                _ => {
                    result.push_str(word);
                    result.push('{');
                    result.push_str(name);
                    result.push('}');
                }
            }
            rest = after;
        }
        result.push_str(rest);
        Some(result)
    }

    /// Adds an error about a form that has no meaning here.
    pub(super) fn refuse_form(&mut self, at: At, form: &str, why: &str) -> Option<String> {
        self.fault(
            at,
            codes::REFERENCE,
            "reference not available",
            &format!("{form} {why}"),
            "write the value, $env{VARIABLE} or $ref{other.key}",
        );
        None
    }

    fn variable(&mut self, name: &str, at: At) -> Option<String> {
        let value = (self.environment)(name);
        if value.is_none() {
            self.fault(
                at,
                codes::ENVIRONMENT,
                "environment variable not set",
                &format!("$env{{{name}}} has no value in the environment of this process"),
                &format!("set {name} before the start, or write the value here"),
            );
        }
        value
    }

    /// Whether an environment variable is set.
    pub(super) fn has_variable(&self, name: &str) -> bool {
        (self.environment)(name).is_some()
    }

    fn referenced(&mut self, target: &str, at: At) -> Option<String> {
        let node = Node { value: Value::Text(format!("$ref{{{target}}}")), at, loose: false };
        match self.follow(&node)?.value {
            Value::Text(text) if text.contains("$ref{") || text.contains("$secret{") => {
                self.refuse_form(at, &format!("$ref{{{target}}}"), "inside a text must lead to plain text")
            }
            Value::Text(text) => self.expand(&text, at),
            Value::Integer(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            other => self.refuse_form(at, &format!("$ref{{{target}}}"), &format!("leads to {}", other.type_name())),
        }
    }
}

/// The inside of `$word{inside}` when the text is nothing else.
pub(super) fn whole<'t>(text: &'t str, opening: &str) -> Option<&'t str> {
    text.strip_prefix(opening)?.strip_suffix('}').filter(|inside| !inside.contains(['{', '}']))
}

/// Any `$word{inside}` that is the whole text.
fn whole_form(text: &str) -> Option<&str> {
    ["$sys{", "$secret{", "$file{"].into_iter().find_map(|opening| whole(text, opening))
}

/// A value as TOML on one line.
fn as_toml(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => toml::Value::String(text.clone()).to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Float(text) | Value::Date(text) => text.clone(),
        Value::Bool(flag) => flag.to_string(),
        Value::List(items) => format!("[{}]", items.iter().map(as_toml).collect::<Vec<_>>().join(", ")),
        Value::Table(_) => "{ .. }".to_owned(),
    }
}
