//! What is derived from the list of settings: JSON Schema, reference page, and the file `portcullis init` writes.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::section::{Kind, Setting};
use super::sections::{SECTIONS, settings};
use super::wso2::{self, Verdict};

/// The JSON Schema (draft 2020-12) of `deployment.toml`, with a final newline.
///
/// Editors complete and check Portcullis's settings with it; other keys are left to `portcullis config check`,
/// because WSO2's keys are answered there.
#[must_use]
pub fn schema_json() -> String {
    let mut root = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "deployment.toml of Portcullis",
        "type": "object",
        "properties": {},
    });
    for (name, doc, section_settings) in SECTIONS {
        let Some(section) = descend(&mut root, name.split('.')) else { continue };
        section.insert("description".to_owned(), one_line(doc).into());
        for setting in *section_settings {
            let (parents, key) =
                setting.key.rsplit_once('.').map_or(("", setting.key), |(parents, key)| (parents, key));
            let Some(parent) = descend_in(section, parents.split('.').filter(|part| !part.is_empty())) else {
                continue;
            };
            // A list of tables has a section of its own, which describes it.
            if !is_tables(setting.kind) {
                parent.insert(key.to_owned(), property(setting));
            }
        }
    }
    if let Some(properties) = root.get_mut("properties").and_then(Value::as_object_mut) {
        properties.insert(
            "secrets".to_owned(),
            json!({
                "type": "object",
                "description": "Sealed secrets, by alias. `portcullis vault encrypt` seals \"[value]\" in place (A03).",
                "additionalProperties": { "type": "string" },
            }),
        );
    }
    let mut text = serde_json::to_string_pretty(&root).unwrap_or_default();
    text.push('\n');
    text
}

/// The object schema at the end of a path of sections, made when it is not there.
fn descend<'s, 'p>(schema: &'s mut Value, path: impl Iterator<Item = &'p str>) -> Option<&'s mut Map<String, Value>> {
    let mut current = schema;
    for segment in path {
        let many = segment.ends_with("[]");
        let properties = current.as_object_mut()?.entry("properties").or_insert_with(|| json!({})).as_object_mut()?;
        let child = properties.entry(segment.trim_end_matches("[]")).or_insert_with(|| {
            if many { json!({ "type": "array", "items": { "type": "object" } }) } else { json!({ "type": "object" }) }
        });
        current = if many { child.get_mut("items")? } else { child };
    }
    current.as_object_mut()
}

/// The `properties` of the object at the end of a path below a section.
fn descend_in<'s, 'p>(
    section: &'s mut Map<String, Value>,
    path: impl Iterator<Item = &'p str>,
) -> Option<&'s mut Map<String, Value>> {
    let mut properties = section.entry("properties").or_insert_with(|| json!({})).as_object_mut()?;
    for segment in path {
        properties = properties
            .entry(segment)
            .or_insert_with(|| json!({ "type": "object" }))
            .as_object_mut()?
            .entry("properties")
            .or_insert_with(|| json!({}))
            .as_object_mut()?;
    }
    Some(properties)
}

fn property(setting: &Setting) -> Value {
    let mut schema = kind_schema(setting.kind);
    if let Some(object) = schema.as_object_mut() {
        object.insert("description".to_owned(), setting.summary().into());
        if let Some(default) = default_value(setting) {
            object.insert("default".to_owned(), default);
        }
    }
    schema
}

/// The default as JSON.
fn default_value(setting: &Setting) -> Option<Value> {
    let table: toml::Table = toml::from_str(&format!("value = {}", setting.default)).ok()?;
    serde_json::to_value(table.get("value")?).ok()
}

fn kind_schema(kind: Kind) -> Value {
    const REFERENCE: &str = r"^\$(secret|env|file|ref)\{[^{}]+\}$";
    // A reference to the environment or to another key may stand for any value that is no secret.
    let or_reference = |schema: Value| json!({ "anyOf": [schema, { "type": "string", "pattern": r"\$(env|ref)\{" }] });
    match kind {
        Kind::Text(_) | Kind::TextOrSecret => json!({ "type": "string" }),
        Kind::Bool => or_reference(json!({ "type": "boolean" })),
        Kind::Integer { min, max } => or_reference(json!({ "type": "integer", "minimum": min, "maximum": max })),
        Kind::Duration => or_reference(json!({ "type": "string", "pattern": "^[0-9]+ *(ms|s|m|h|d)$" })),
        Kind::Size => or_reference(json!({ "type": "string", "pattern": "^[0-9]+ *([kKmMgG][iI]?)?[bB]$" })),
        Kind::OneOf(words) => or_reference(json!({ "enum": words })),
        Kind::Secret => json!({ "type": "string", "pattern": REFERENCE }),
        Kind::List(item) => json!({ "type": "array", "items": kind_schema(*item) }),
        Kind::Tables => json!({ "type": "object" }),
    }
}

const fn is_tables(kind: Kind) -> bool {
    matches!(kind, Kind::Tables | Kind::List(Kind::Tables))
}

/// The kind in words, for the reference page.
fn kind_words(kind: Kind) -> String {
    match kind {
        Kind::Text(form) => form.to_owned(),
        Kind::Bool => "true, false".to_owned(),
        Kind::Integer { min, max } => format!("{min} to {max}"),
        Kind::Duration => "time (`500ms`, `30s`, `15m`, `12h`, `14d`)".to_owned(),
        Kind::Size => "size (`32KiB`, `10MB`)".to_owned(),
        Kind::OneOf(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
        Kind::Secret => "secret reference".to_owned(),
        Kind::TextOrSecret => "text or secret reference".to_owned(),
        Kind::List(item) => format!("list of {}", kind_words(*item)),
        Kind::Tables => "tables, see below".to_owned(),
    }
}

const INTRODUCTION: &str = "\
# Configuration

<!-- Made by `cargo xtask docs` from crates/server/src/config/sections.rs. Change it there. -->

Portcullis reads one file, `deployment.toml`. Keys are those of WSO2 API Manager wherever it has one; the column
*origin* says which are ours. `portcullis config check` reports every mistake at once, with line, reason and fix;
`portcullis config show` prints every value in force and where it came from.

Any value may be `$env{VARIABLE}` or `$ref{other.key}`. A secret is always one of `$secret{alias}` (sealed in
`[secrets]` by `portcullis vault encrypt`), `$env{VARIABLE}` or `$file{path}`; a secret in plain text is refused (A03).

As soon as one listener has an address other than loopback, every `must` guideline is a condition of starting.
";

/// The reference page in Markdown.
#[must_use]
pub fn reference_markdown() -> String {
    let mut page = INTRODUCTION.to_owned();
    for (name, doc, section_settings) in SECTIONS {
        let _ = write!(page, "\n## {}\n\n{}\n\n", header(name), one_line(doc));
        page.push_str("| key | value | default | origin | meaning |\n|---|---|---|---|---|\n");
        for setting in *section_settings {
            let default = if setting.default.is_empty() { "–".to_owned() } else { format!("`{}`", setting.default) };
            let origin = if setting.wso2 { "WSO2" } else { "ours" };
            let words = kind_words(setting.kind);
            let _ = writeln!(page, "| `{}` | {words} | {default} | {origin} | {} |", setting.key, setting.summary());
        }
    }
    page.push_str("\n## [secrets]\n\nSealed secrets, by alias. Write `alias = \"[value]\"`, then run `portcullis vault encrypt`.\n");
    page.push_str("\n## WSO2 keys without a setting\n\n");
    page.push_str("These are known by name. They change nothing, and `portcullis config check` says why.\n");
    page.push_str(
        "A value that would weaken the installation is refused: TLS below 1.2, ciphers without ECDHE and AEAD,\n",
    );
    page.push_str("host name verification switched off, secrets in plain text.\n");
    for group in wso2::groups() {
        let verdict = match group.verdict {
            Verdict::NotNeeded => "Not needed",
            Verdict::NotHere => "Without effect in this version",
        };
        let keys: Vec<String> = group.patterns.split_whitespace().map(|pattern| format!("`{pattern}`")).collect();
        let _ = write!(page, "\n- {verdict}: {}.\n  {}\n", group.why, keys.join(", "));
    }
    page
}

/// `[name]` or `[[name]]`.
fn header(name: &str) -> String {
    name.strip_suffix("[]").map_or_else(|| format!("[{name}]"), |name| format!("[[{}]]", name.replace("[]", "")))
}

fn one_line(doc: &[&str]) -> String {
    doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

/// Settings of the file that `portcullis init` writes, with an example where there is no default; the rest is in the
/// reference page.
pub(super) const INIT: &[(&str, &str)] = &[
    ("server.hostname", ""),
    ("server.offset", ""),
    ("transport.https.properties.port", ""),
    ("transport.https.properties.bind_address", ""),
    ("transport.passthru_https.listener.port", ""),
    ("transport.passthru_https.listener.bind_address", ""),
    ("status.port", ""),
    ("status.bind_address", ""),
    ("database.apim_db.type", ""),
    ("database.apim_db.url", r#""sqlite:database/portcullis.db""#),
    ("keystore.tls.file_name", r#""security/server.p12""#),
    ("keystore.tls.type", ""),
    ("keystore.tls.password", r#""$file{security/server.p12.password}""#),
    ("logging.level", ""),
    ("logging.file", r#""logs/portcullis.log""#),
    ("egress.allow", r#"["10.0.0.0/8", "backend.internal:8080"]"#),
];

/// The commented `deployment.toml` of a new installation: `hostname` is set, everything else shows its default.
#[must_use]
pub fn default_file(hostname: &super::HostName) -> String {
    let mut file = "\
# Configuration of Portcullis. Every line that begins with `#` and a key shows a default or an example.
# All keys: portcullis config docs. Check a change: portcullis config check.
"
    .to_owned();
    let mut section = "";
    for (setting, example) in INIT.iter().filter_map(|(path, example)| find(path).map(|setting| (setting, example))) {
        if setting.section != section {
            section = setting.section;
            let _ = write!(file, "\n{}\n", header(section));
        }
        let _ = writeln!(file, "# {}", setting.summary());
        if setting.section == "server" && setting.key == "hostname" {
            let _ = writeln!(file, "{} = \"{hostname}\"", setting.key);
        } else {
            let shown = if example.is_empty() { setting.default } else { example };
            let _ = writeln!(file, "#{} = {shown}", setting.key);
        }
    }
    file.push_str("\n[secrets]\n# Write alias = \"[value]\", then run: portcullis vault encrypt\n");
    file
}

/// What a setting does, one line; empty for what is no setting. Numbers of lists, as in `[0]`, do not count.
pub fn summary(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut inside = false;
    for character in path.chars() {
        match character {
            '[' => {
                inside = true;
                plain.push_str("[]");
            }
            ']' => inside = false,
            _ if inside => {}
            other => plain.push(other),
        }
    }
    find(&plain).map(Setting::summary).unwrap_or_default()
}

fn find(path: &str) -> Option<&'static Setting> {
    settings().find(|setting| setting.path() == path)
}
