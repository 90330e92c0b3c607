//! Changing one attribute of a user by a SCIM path (RFC 7644 section 3.5.2).

use serde_json::{Map, Value, json};

use super::scim::{ScimError, Verb};
use crate::attribute::is_password;

/// Attributes that are lists of objects with a `value` (RFC 7643 section 4.1.2).
const LISTS: [&str; 8] =
    ["emails", "phoneNumbers", "ims", "photos", "addresses", "entitlements", "x509Certificates", "roles"];
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User:";

/// A parsed path.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Path {
    /// Schema of an extension, which is the name of an object in the resource.
    extension: Option<String>,
    /// The attribute.
    pub(super) attribute: String,
    /// `[name eq "value"]`.
    filter: Option<(String, String)>,
    /// The attribute within it.
    sub: Option<String>,
}

impl Path {
    pub(super) fn parse(text: &str) -> Result<Self, ScimError> {
        let wrong = || ScimError::invalid("invalidPath", "The path of the operation is not understood.");
        if text.len() > 300 {
            return Err(wrong());
        }
        let text = without_core(text);
        let (head, filter, tail) = match text.split_once('[') {
            None => (text, None, ""),
            Some((head, rest)) => {
                let (inner, tail) = rest.split_once(']').ok_or_else(wrong)?;
                (head, Some(condition(inner).ok_or_else(wrong)?), tail)
            }
        };
        // The name of a schema holds dots and colons; what follows its last colon is the attribute.
        let (extension, name) = match head.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("urn:")) {
            true => head.rsplit_once(':').map(|(urn, name)| (Some(urn.to_owned()), name)).ok_or_else(wrong)?,
            false => (None, head),
        };
        let (attribute, sub) = match (name.split_once('.'), tail.strip_prefix('.')) {
            (Some((attribute, sub)), None) if tail.is_empty() => (attribute, Some(sub)),
            (None, sub) if tail.is_empty() || sub.is_some() => (name, sub),
            _ => return Err(wrong()),
        };
        let plain =
            |n: &str| !n.is_empty() && n.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$'));
        if !plain(attribute) || sub.is_some_and(|s| !plain(s)) {
            return Err(wrong());
        }
        Ok(Self { extension, attribute: attribute.to_owned(), filter, sub: sub.map(str::to_owned) })
    }

    /// Whether it names a plain attribute of the core schema.
    pub(super) fn is_core(&self, attribute: &str) -> bool {
        self.extension.is_none() && self.sub.is_none() && self.attribute.eq_ignore_ascii_case(attribute)
    }

    /// Whether any part of it is a name under which a password would be kept.
    pub(super) fn names_password(&self) -> bool {
        let filter = self.filter.as_ref().map(|(name, _)| name);
        [Some(&self.attribute), self.sub.as_ref(), filter].into_iter().flatten().any(|name| is_password(name))
    }

    /// Carries the operation out on the attributes.
    pub(super) fn apply(
        &self,
        attributes: &mut Map<String, Value>,
        verb: Verb,
        value: Option<Value>,
    ) -> Result<(), ScimError> {
        let target = match &self.extension {
            None => &mut *attributes,
            Some(urn) => object(attributes.entry(urn.clone()).or_insert_with(|| json!({})))?,
        };
        match (verb, value) {
            (Verb::Remove, _) => self.remove(target),
            (_, Some(value)) => self.set(target, verb, value)?,
            (_, None) => return Err(ScimError::invalid("invalidValue", "The operation needs a value.")),
        }
        if let Some(urn) = &self.extension
            && attributes.get(urn).and_then(Value::as_object).is_some_and(Map::is_empty)
        {
            attributes.remove(urn);
        }
        Ok(())
    }

    fn set(&self, target: &mut Map<String, Value>, verb: Verb, value: Value) -> Result<(), ScimError> {
        if let Some((name, wanted)) = &self.filter {
            let entries = list(target.entry(self.attribute.clone()).or_insert_with(|| json!([])))?;
            let at = entries.iter().position(|e| fits(e, name, wanted));
            let mut entry = at.map_or_else(|| json!({name: wanted}), |at| entries.remove(at));
            match &self.sub {
                Some(sub) => object(&mut entry)?.insert(sub.clone(), value),
                None => Some(std::mem::replace(&mut entry, value)),
            };
            entries.push(entry);
            return Ok(());
        }
        if let Some(sub) = &self.sub {
            let inner = object(target.entry(self.attribute.clone()).or_insert_with(|| json!({})))?;
            inner.insert(sub.clone(), value);
            return Ok(());
        }
        let value = normalised(&self.attribute, value);
        match (verb, target.get_mut(&self.attribute), value) {
            (Verb::Add, Some(Value::Array(present)), Value::Array(more)) => present.extend(more),
            (_, Some(Value::Object(present)), Value::Object(more)) => present.extend(more),
            (_, _, value) => {
                target.insert(self.attribute.clone(), value);
            }
        }
        Ok(())
    }

    fn remove(&self, target: &mut Map<String, Value>) {
        if let Some((name, wanted)) = &self.filter {
            if let Some(Value::Array(entries)) = target.get_mut(&self.attribute) {
                entries.retain(|e| !fits(e, name, wanted));
            }
            return;
        }
        match &self.sub {
            None => {
                target.remove(&self.attribute);
            }
            Some(sub) => {
                if let Some(Value::Object(inner)) = target.get_mut(&self.attribute) {
                    inner.remove(sub);
                }
            }
        }
    }

    /// The value that a filter compares with, when the path is `attribute[name eq "value"]`.
    pub(super) fn filtered(&self, attribute: &str, name: &str) -> Option<&str> {
        let (found, value) = self.filter.as_ref()?;
        (self.attribute.eq_ignore_ascii_case(attribute) && found.eq_ignore_ascii_case(name)).then_some(value.as_str())
    }
}

/// The name of an attribute without the core schema in front of it, whose name is compared whatever its case.
pub(super) fn without_core(name: &str) -> &str {
    match name.get(..CORE.len()) {
        Some(start) if start.eq_ignore_ascii_case(CORE) => name.get(CORE.len()..).unwrap_or(name),
        _ => name,
    }
}

/// Brings a value into the form that the attribute has in a resource: WSO2's clients send a bare text for a list.
pub(super) fn normalised(attribute: &str, value: Value) -> Value {
    if !LISTS.contains(&attribute) {
        return value;
    }
    let entry = |v: Value| if v.is_string() { json!({"value": v}) } else { v };
    match value {
        Value::Array(entries) => entries.into_iter().map(entry).collect(),
        single => Value::Array(vec![entry(single)]),
    }
}

fn condition(text: &str) -> Option<(String, String)> {
    let (name, rest) = text.trim().split_once(char::is_whitespace)?;
    let (operator, rest) = rest.trim_start().split_once(char::is_whitespace)?;
    let value: String = serde_json::from_str(rest.trim()).ok()?;
    operator.eq_ignore_ascii_case("eq").then(|| (name.to_owned(), value))
}

fn fits(entry: &Value, name: &str, wanted: &str) -> bool {
    entry.get(name).and_then(Value::as_str).is_some_and(|v| v.eq_ignore_ascii_case(wanted))
}

fn object(value: &mut Value) -> Result<&mut Map<String, Value>, ScimError> {
    value.as_object_mut().ok_or_else(|| ScimError::invalid("invalidPath", "The attribute has no parts."))
}

fn list(value: &mut Value) -> Result<&mut Vec<Value>, ScimError> {
    value.as_array_mut().ok_or_else(|| ScimError::invalid("invalidPath", "The attribute is not a list."))
}

#[cfg(test)]
mod tests {
    use super::{Path, Verb, normalised};
    use serde_json::{Map, Value, json};

    fn apply(attributes: &mut Map<String, Value>, verb: Verb, path: &str, value: Value) {
        assert!(Path::parse(path).ok().unwrap().apply(attributes, verb, Some(value)).is_ok(), "{path}");
    }

    #[test]
    fn paths_of_real_clients_are_applied() {
        let mut attributes = Map::new();
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        apply(&mut attributes, Verb::Replace, "name.givenName", json!("Ann"));
        apply(&mut attributes, Verb::Replace, "name.familyName", json!("Lee"));
        apply(&mut attributes, Verb::Replace, "emails", json!("a@example.com"));
        apply(&mut attributes, Verb::Replace, "phoneNumbers[type eq \"mobile\"].value", json!("123"));
        apply(&mut attributes, Verb::Replace, "phoneNumbers[type eq \"mobile\"].value", json!("456"));
        apply(&mut attributes, Verb::Replace, &format!("{enterprise}:organization"), json!("Org"));
        apply(&mut attributes, Verb::Replace, &format!("{enterprise}:manager.displayName"), json!("Bo"));
        apply(&mut attributes, Verb::Add, "urn:ietf:params:scim:schemas:core:2.0:User:nickName", json!("A"));
        assert_eq!(
            Value::Object(attributes.clone()),
            json!({
                "name": {"givenName": "Ann", "familyName": "Lee"},
                "emails": [{"value": "a@example.com"}],
                "phoneNumbers": [{"type": "mobile", "value": "456"}],
                enterprise: {"organization": "Org", "manager": {"displayName": "Bo"}},
                "nickName": "A",
            })
        );
        apply(&mut attributes, Verb::Remove, "phoneNumbers[type eq \"mobile\"]", Value::Null);
        apply(&mut attributes, Verb::Remove, &format!("{enterprise}:organization"), Value::Null);
        apply(&mut attributes, Verb::Remove, &format!("{enterprise}:manager"), Value::Null);
        assert_eq!(attributes.get("phoneNumbers"), Some(&json!([])));
        assert!(!attributes.contains_key(enterprise));
    }

    #[test]
    fn hostile_paths_are_refused() {
        for path in [
            "",
            ".",
            "a.",
            ".b",
            "a[",
            "a[b]",
            "a[b eq c]",
            "a[b eq \"c\"",
            "urn:",
            "a b",
            "a/b",
            "__proto__\u{0}",
            "a[b eq \"c\"]x",
        ] {
            assert!(Path::parse(path).is_err(), "{path:?}");
        }
        assert!(Path::parse(&"a".repeat(400)).is_err());
        let mut attributes: Map<String, Value> = [("title".to_owned(), json!("x"))].into_iter().collect();
        assert!(Path::parse("title.x").ok().unwrap().apply(&mut attributes, Verb::Replace, Some(json!(1))).is_err());
    }

    #[test]
    fn bare_texts_become_list_entries() {
        assert_eq!(normalised("emails", json!(["a", {"value": "b"}])), json!([{"value": "a"}, {"value": "b"}]));
        assert_eq!(normalised("title", json!("a")), json!("a"));
    }
}
