//! Reading fields of JSON objects without a way to panic.

use serde_json::Value;

static NULL: Value = Value::Null;

/// A field by name, `null` where there is none.
pub trait Field {
    /// The field, or `null` when this is no object or has no such field.
    fn at(&self, name: &str) -> &Value;
}

impl Field for Value {
    fn at(&self, name: &str) -> &Value {
        self.get(name).unwrap_or(&NULL)
    }
}
