//! `deployment.toml` of WSO2, flattened. A file that is not TOML is read line by line, so that what is in it is found.

use std::collections::BTreeMap;

use guidelines::{PlainSecret, SecretFacts, Setting, SettingValue, Wso2Product};
use toml_edit::{Document, Item, Value};

use super::{Layout, literals, text};

/// How deep tables are followed.
const MAX_DEPTH: usize = 32;

/// Most settings that are read.
const MAX_SETTINGS: usize = 100_000;

/// Settings by dotted path.
pub(crate) struct Settings {
    /// The file as the operator knows it.
    pub(crate) place: String,
    /// Which product.
    pub(crate) product: Wso2Product,
    /// The settings; elements of arrays of tables have their index.
    pub(crate) entries: BTreeMap<String, Setting>,
    /// The text of the file.
    text: String,
}

impl Settings {
    /// Reads the file of a home.
    pub(crate) fn read(layout: &Layout, unreadable: &mut Vec<(String, String)>) -> Self {
        let path = layout.conf.join("deployment.toml");
        let place = layout.shown(&path);
        let text = text(layout, &path, unreadable).unwrap_or_default();
        let mut entries = BTreeMap::new();
        match Document::parse(text.as_str()) {
            Ok(document) => {
                let mut flat = Flat { lines: &line_ends(&text), place: &place, entries: &mut entries };
                flat.table(document.as_table().iter(), "", 0);
            }
            Err(error) => {
                let line = error.span().map_or(0, |span| line_ends(&text).partition_point(|end| *end < span.start) + 1);
                unreadable.push((format!("{place}:{line}"), format!("is not TOML: {}", error.message())));
                by_lines(&text, &place, &mut entries);
            }
        }
        let mut settings = Self { place, product: layout.product, entries, text };
        settings.resolve();
        settings
    }

    /// The text of a setting, or the shipped default.
    pub(crate) fn text_or(&self, key: &str, default: &str) -> String {
        self.entries.get(key).map_or_else(|| default.to_owned(), |setting| setting.value.text())
    }

    /// `file:line` of a setting, or the file.
    pub(crate) fn place_of(&self, key: &str) -> String {
        self.entries.get(key).map_or_else(|| self.place.clone(), |setting| setting.place.clone())
    }

    /// Whether a key is that of a password, secret or key.
    pub(crate) fn is_password(key: &str) -> bool {
        let last = key.rsplit('.').next().unwrap_or(key).to_ascii_lowercase();
        let named = [
            "password",
            "passwd",
            "secret",
            "auth_token",
            "api_key",
            "apikey",
            "access_token",
            "passphrase",
            "on_prem_key",
        ];
        let other = [
            "regex",
            "_type",
            "_method",
            "policy",
            "enable",
            "expiry",
            "validity",
            "history",
            "template",
            "_url",
            "callback",
            "length",
            "grant",
            "alias",
            "hash",
            "header",
            "encoding",
            "algorithm",
        ];
        named.iter().any(|name| last.contains(name)) && !other.iter().any(|name| last.contains(name))
    }

    /// Passwords that a rule of their own is about: key stores and connections.
    pub(crate) fn has_own_rule(key: &str) -> bool {
        let first = key.split('.').next().unwrap_or_default();
        matches!(
            first,
            "keystore" | "truststore" | "database" | "datasource" | "user_store" | "custom_keystore" | "secrets"
        ) || key.contains(".keystore.")
            || key.contains(".truststore.")
            || key.contains("key_store")
            || key.contains("trust_store")
    }

    /// Whether a text is a reference to something else.
    pub(crate) fn is_reference(text: &str) -> bool {
        let text = text.trim();
        text.starts_with('$') || (text.starts_with("{{") && text.ends_with("}}"))
    }

    /// Whether a setting is written as a reference to the super administrator's.
    pub(crate) fn follows_administrator(&self, key: &str) -> bool {
        let followed = ["admin.password", "super_admin.password"];
        self.entries.get(key).is_some_and(|setting| {
            let text = setting.value.text();
            followed.iter().any(|name| text.contains(name))
        })
    }

    /// What the file says about secrets.
    pub(crate) fn secrets(&self) -> SecretFacts {
        let mut facts = SecretFacts { searched: 1, ..SecretFacts::default() };
        for (key, setting) in &self.entries {
            let value = setting.value.text();
            let here = |name: &str| PlainSecret::new(setting.place.clone(), name);
            if let Some(alias) = key.strip_prefix("secrets.") {
                // Plain values stand in brackets until the cipher tool seals them.
                if value.trim().starts_with('[') {
                    facts.plain.push(here(key));
                }
                if !self.text.contains(&format!("$secret{{{alias}}}")) {
                    facts.unused.push(here(alias));
                }
            } else if let Some(alias) = value.trim().strip_prefix("$secret{").and_then(|rest| rest.strip_suffix('}')) {
                if !self.entries.contains_key(&format!("secrets.{alias}")) {
                    facts.dangling.push(here(alias));
                }
            } else if Self::is_password(key) && !value.trim().is_empty() && !Self::is_reference(&value) {
                facts.plain.push(here(key));
            } else if literals::looks_random(&value) {
                facts.suspicious.push(here(key));
            }
        }
        facts
    }

    /// Follows `$ref{other.key}` where the other key is known.
    fn resolve(&mut self) {
        let targets: Vec<(String, SettingValue)> = self
            .entries
            .iter()
            .filter_map(|(key, setting)| {
                let text = setting.value.text();
                let target = text.trim().strip_prefix("$ref{")?.strip_suffix('}')?;
                let value = self.entries.get(target)?.value.clone();
                // The super administrator's password is judged where it stands.
                (!target.starts_with("super_admin.")).then(|| (key.clone(), value))
            })
            .collect();
        for (key, value) in targets {
            if let Some(setting) = self.entries.get_mut(&key) {
                setting.value = value;
            }
        }
    }
}

struct Flat<'a> {
    lines: &'a [usize],
    place: &'a str,
    entries: &'a mut BTreeMap<String, Setting>,
}

impl Flat<'_> {
    fn table<'i>(&mut self, items: impl Iterator<Item = (&'i str, &'i Item)>, prefix: &str, depth: usize) {
        if depth > MAX_DEPTH || self.entries.len() > MAX_SETTINGS {
            return;
        }
        for (key, item) in items {
            let path = join(prefix, key);
            match item {
                Item::None => {}
                Item::Value(value) => self.value(value, &path, depth),
                Item::Table(table) => self.table(table.iter(), &path, depth + 1),
                Item::ArrayOfTables(tables) => {
                    for (index, table) in tables.iter().enumerate() {
                        self.table(table.iter(), &join(&path, &index.to_string()), depth + 1);
                    }
                }
            }
        }
    }

    fn value(&mut self, value: &Value, path: &str, depth: usize) {
        if depth > MAX_DEPTH || self.entries.len() > MAX_SETTINGS {
            return;
        }
        if let Value::InlineTable(table) = value {
            for (key, value) in table {
                self.value(value, &join(path, key), depth + 1);
            }
            return;
        }
        let line = value.span().map_or(0, |span| self.lines.partition_point(|end| *end < span.start) + 1);
        let place = format!("{}:{line}", self.place);
        let value = match value {
            Value::String(text) => SettingValue::Text(text.value().clone()),
            Value::Integer(number) => SettingValue::Int(*number.value()),
            Value::Float(number) => SettingValue::Text(number.value().to_string()),
            Value::Boolean(value) => SettingValue::Bool(*value.value()),
            Value::Datetime(date) => SettingValue::Text(date.value().to_string()),
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate().filter(|(_, item)| item.is_inline_table()) {
                    self.value(item, &join(path, &index.to_string()), depth + 1);
                }
                let texts = items.iter().filter_map(|item| item.as_str().map(str::to_owned));
                SettingValue::List(texts.collect())
            }
            Value::InlineTable(_) => return,
        };
        self.entries.insert(path.to_owned(), Setting { value, place });
    }
}

fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() { key.to_owned() } else { format!("{prefix}.{key}") }
}

/// Where lines end, to find the line of an offset by halving.
fn line_ends(text: &str) -> Vec<usize> {
    text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at).collect()
}

/// Sections and `key = value` lines; what is neither is passed over. The last of two equal keys counts.
fn by_lines(text: &str, place: &str, entries: &mut BTreeMap<String, Setting>) {
    let (mut section, mut arrays) = (String::new(), BTreeMap::<String, usize>::new());
    for (number, line) in text.lines().enumerate().take(MAX_SETTINGS) {
        let line = line.trim();
        if let Some(name) = line.strip_prefix("[[").and_then(|rest| rest.split("]]").next()) {
            let index = arrays.entry(name.trim().to_owned()).and_modify(|index| *index += 1).or_insert(0);
            section = format!("{}.{index}", name.trim());
        } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.split(']').next()) {
            name.trim().clone_into(&mut section);
        } else if let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            let key = key.trim().replace(['"', '\''], "");
            if key.is_empty() || key.contains(char::is_whitespace) {
                continue;
            }
            let value = value.trim();
            let parsed = value.parse::<Value>().ok().or_else(|| value.split(" #").next()?.trim().parse().ok());
            let value = match parsed {
                Some(Value::String(text)) => SettingValue::Text(text.into_value()),
                Some(Value::Boolean(value)) => SettingValue::Bool(value.into_value()),
                Some(Value::Integer(number)) => SettingValue::Int(number.into_value()),
                Some(Value::Array(items)) => {
                    SettingValue::List(items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect())
                }
                _ => SettingValue::Text(value.trim_matches(['"', '\'']).to_owned()),
            };
            let place = format!("{place}:{}", number + 1);
            entries.insert(join(&section, &key), Setting { value, place });
        }
    }
}
