//! The API object of the Publisher API, kept whole, with typed access to what the product acts on.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An API object as WSO2's Publisher API defines it (`APIDTO`). Fields that nothing here acts on survive unchanged, so
/// that a client gets back what it stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApiDocument(Map<String, Value>);

impl ApiDocument {
    /// Wraps an object.
    pub const fn new(fields: Map<String, Value>) -> Self {
        Self(fields)
    }

    /// The fields.
    pub const fn fields(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The fields, to change.
    pub const fn fields_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.0
    }

    /// As a JSON value.
    pub fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    /// A field; `null` counts as absent.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.0.get(field).filter(|v| !v.is_null())
    }

    /// A text field; empty when absent or of another type.
    pub fn text(&self, field: &str) -> &str {
        self.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// A truth value; false when absent or of another type.
    pub fn flag(&self, field: &str) -> bool {
        self.get(field).and_then(Value::as_bool).unwrap_or(false)
    }

    /// The texts of an array field; empty when absent.
    pub fn texts(&self, field: &str) -> Vec<&str> {
        self.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// The elements of an array field; empty when absent.
    pub fn items(&self, field: &str) -> &[Value] {
        self.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// Sets a field.
    pub fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.0.insert(field.to_owned(), value.into());
    }

    /// Sets a field that is absent or `null`.
    pub fn set_default(&mut self, field: &str, value: impl Into<Value>) {
        if self.get(field).is_none() {
            self.set(field, value);
        }
    }

    /// Name.
    pub fn name(&self) -> &str {
        self.text("name")
    }

    /// Version.
    pub fn version(&self) -> &str {
        self.text("version")
    }

    /// Context with the tenant's prefix, as in `/pizza` or `/t/example.com/pizza`.
    pub fn context(&self) -> &str {
        self.text("context")
    }

    /// Provider.
    pub fn provider(&self) -> &str {
        self.text("provider")
    }

    /// Lifecycle state, as in `PUBLISHED`.
    pub fn lifecycle(&self) -> &str {
        self.text("lifeCycleStatus")
    }

    /// Kind, as in `HTTP`.
    pub fn kind(&self) -> &str {
        self.text("type")
    }

    /// Business plans.
    pub fn plans(&self) -> Vec<&str> {
        self.texts("policies")
    }

    /// Operations.
    pub fn operations(&self) -> &[Value] {
        self.items("operations")
    }

    /// Who sees it in the Developer Portal: `PUBLIC`, `PRIVATE` (the tenant's users) or `RESTRICTED` (by role).
    pub fn visibility(&self) -> &str {
        let text = self.text("visibility");
        if text.is_empty() { "PUBLIC" } else { text }
    }

    /// The context with the version, as the gateway serves it: `/pizza/1.0.0`, or `/v1/pizza` for `/{version}/pizza`.
    pub fn versioned_context(&self) -> String {
        versioned_context(self.context(), self.version())
    }
}

/// Puts the version into a context template, or behind a context without one.
pub fn versioned_context(context: &str, version: &str) -> String {
    if context.contains("{version}") { context.replace("{version}", version) } else { format!("{context}/{version}") }
}

#[cfg(test)]
mod tests {
    use super::{ApiDocument, versioned_context};
    use serde_json::json;

    #[test]
    fn unknown_fields_survive() {
        let value = json!({"name": "Pizza", "x": {"y": [1, null]}, "policies": ["Gold", 3]});
        let document: ApiDocument = serde_json::from_value(value.clone()).unwrap();
        assert_eq!((document.name(), document.plans(), document.version()), ("Pizza", vec!["Gold"], ""));
        assert_eq!(document.into_value(), value);
    }

    #[test]
    fn the_version_goes_where_the_template_says() {
        assert_eq!(versioned_context("/a", "1.0"), "/a/1.0");
        assert_eq!(versioned_context("/{version}/a", "1.0"), "/1.0/a");
    }
}
