//! The parts of a contract that validation reads, the same for all versions.

use http::Method;
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::parameter::{Parameter, Place, Splitting};
use super::{BodyRule, Media, SchemaError, reference};

/// Which schema language a document speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Swagger 2.0.
    Swagger2,
    /// OpenAPI 3.0: JSON schema draft 4 with `nullable`.
    OpenApi30,
    /// OpenAPI 3.1 and later 3.x: JSON schema 2020-12.
    OpenApi31,
}

/// A document of a known version.
#[derive(Clone, Copy)]
pub(super) struct Contract<'a> {
    document: &'a Value,
    dialect: Dialect,
}

/// One operation with what its path says for all methods.
pub(super) struct Operation<'a> {
    item: &'a Value,
    own: &'a Value,
}

impl<'a> Operation<'a> {
    /// Its answers by status, as written.
    pub(super) fn described(&self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.own.get("responses").and_then(Value::as_object).into_iter().flatten()
    }

    /// Media types of its answers, as Swagger 2 lists them.
    pub(super) fn produces(&self, document: &'a Value) -> Vec<&'a str> {
        let list = self.own.get("produces").or_else(|| document.get("produces")).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }
}

impl<'a> Contract<'a> {
    pub(super) fn new(document: &'a Value) -> Result<Self, SchemaError> {
        let text = |name: &str| document.get(name).and_then(Value::as_str).unwrap_or_default();
        let dialect = match (text("openapi"), text("swagger")) {
            (version, _) if version.starts_with("3.0") => Dialect::OpenApi30,
            (version, _) if version.starts_with("3.") => Dialect::OpenApi31,
            (_, "2.0") => Dialect::Swagger2,
            _ => return Err(SchemaError::Version),
        };
        Ok(Self { document, dialect })
    }

    pub(super) const fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(super) fn operation(&self, template: &str, method: &Method) -> Option<Operation<'a>> {
        let item = self.document.get("paths")?.get(template)?;
        let item = reference::resolved(self.document, item).ok()?;
        let own = item.get(method.as_str().to_ascii_lowercase())?;
        Some(Operation { item, own })
    }

    fn schema(&self, schema: &Value, place: &str) -> Result<Validator, SchemaError> {
        let nullable = |value: &mut Value| allow_null(value);
        let keep = |_: &mut Value| ();
        let convert: &dyn Fn(&mut Value) = if self.dialect == Dialect::OpenApi31 { &keep } else { &nullable };
        self.dialect.compile(&reference::closed(self.document, schema, convert)?, place)
    }

    /// Query, header and path parameters; those of the operation go before those of the path.
    pub(super) fn parameters(&self, operation: &Operation<'_>) -> Result<Vec<Parameter>, SchemaError> {
        let mut found: Vec<Parameter> = Vec::new();
        for list in [operation.own.get("parameters"), operation.item.get("parameters")] {
            for source in list.and_then(Value::as_array).into_iter().flatten() {
                let source = reference::resolved(self.document, source)?;
                let Some(parameter) = self.parameter(source)? else { continue };
                if !found.iter().any(|known| known.is_same(&parameter)) {
                    found.push(parameter);
                }
            }
        }
        Ok(found)
    }

    fn parameter(&self, source: &Value) -> Result<Option<Parameter>, SchemaError> {
        let text = |name: &str| source.get(name).and_then(Value::as_str).unwrap_or_default();
        let place = match text("in") {
            "query" => Place::Query,
            "header" => Place::Header,
            "path" => Place::Path,
            _ => return Ok(None),
        };
        let name = text("name").to_owned();
        // OpenAPI: these three are described elsewhere and ignored as parameters.
        let ignored = ["accept", "content-type", "authorization"];
        if name.is_empty() || place == Place::Header && ignored.contains(&name.to_ascii_lowercase().as_str()) {
            return Ok(None);
        }
        let schema = if self.dialect == Dialect::Swagger2 {
            let mut schema = source.clone();
            if let Some(members) = schema.as_object_mut() {
                for member in ["name", "in", "required", "description", "collectionFormat", "allowEmptyValue"] {
                    members.remove(member);
                }
            }
            Some(schema)
        } else {
            source.get("schema").cloned()
        };
        let splitting = match (text("style"), text("collectionFormat")) {
            ("spaceDelimited", _) | (_, "ssv") => Splitting::At(' '),
            ("pipeDelimited", _) | (_, "pipes") => Splitting::At('|'),
            (_, "tsv") => Splitting::At('\t'),
            (_, "multi") => Splitting::Repeated,
            _ if self.dialect == Dialect::Swagger2 || place != Place::Query => Splitting::At(','),
            _ if source.get("explode") == Some(&Value::Bool(false)) => Splitting::At(','),
            _ => Splitting::Repeated,
        };
        let form = match &schema {
            Some(schema) => reference::resolved(self.document, schema)?.clone(),
            None => Value::Null,
        };
        let compiled = schema.map(|schema| self.schema(&schema, &format!("parameter {name}"))).transpose()?;
        let required = source.get("required") == Some(&Value::Bool(true));
        Ok(Some(Parameter::new(name, place, required, splitting, &form, compiled)))
    }

    pub(super) fn request_body(&self, operation: &Operation<'_>) -> Result<Option<BodyRule>, SchemaError> {
        if self.dialect != Dialect::Swagger2 {
            let Some(source) = operation.own.get("requestBody") else { return Ok(None) };
            let source = reference::resolved(self.document, source)?;
            let content = self.content(source.get("content"), "the request body")?;
            let required = source.get("required") == Some(&Value::Bool(true));
            return Ok(Some(BodyRule { required, content }));
        }
        let lists = [operation.own.get("parameters"), operation.item.get("parameters")];
        for source in lists.into_iter().flatten().filter_map(Value::as_array).flatten() {
            let source = reference::resolved(self.document, source)?;
            if source.get("in") != Some(&json!("body")) {
                continue;
            }
            let schema = source.get("schema").filter(|schema| schema.is_object());
            let content = self.typed(operation, "consumes", schema, "the request body")?;
            let required = source.get("required") == Some(&Value::Bool(true));
            return Ok(Some(BodyRule { required, content }));
        }
        Ok(None)
    }

    pub(super) fn answers(&self, operation: &Operation<'_>) -> Result<Vec<(String, Vec<Media>)>, SchemaError> {
        let mut found = Vec::new();
        let answers = operation.own.get("responses").and_then(Value::as_object);
        for (status, answer) in answers.into_iter().flatten().filter(|(status, _)| !status.starts_with("x-")) {
            let answer = reference::resolved(self.document, answer)?;
            let place = format!("answer {status}");
            let content = if self.dialect == Dialect::Swagger2 {
                match answer.get("schema") {
                    Some(schema) => self.typed(operation, "produces", Some(schema), &place)?,
                    None => Vec::new(),
                }
            } else {
                self.content(answer.get("content"), &place)?
            };
            found.push((status.clone(), content));
        }
        Ok(found)
    }

    /// Media types with their schemas, as OpenAPI 3 writes them.
    fn content(&self, content: Option<&Value>, place: &str) -> Result<Vec<Media>, SchemaError> {
        let members = content.and_then(Value::as_object);
        let media = |(range, media): (&String, &Value)| -> Result<Media, SchemaError> {
            let range = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            let schema = media.get("schema").filter(|schema| schema.is_object());
            Ok(Media { range, schema: schema.map(|schema| self.schema(schema, place)).transpose()? })
        };
        members.into_iter().flatten().map(media).collect()
    }

    /// One schema for all media types of a list, as Swagger 2 writes them.
    fn typed(
        &self,
        operation: &Operation<'_>,
        list: &str,
        schema: Option<&Value>,
        place: &str,
    ) -> Result<Vec<Media>, SchemaError> {
        let own = operation.own.get(list).or_else(|| self.document.get(list)).and_then(Value::as_array);
        let mut ranges: Vec<&str> = own.into_iter().flatten().filter_map(Value::as_str).collect();
        if ranges.is_empty() {
            ranges.push("*/*");
        }
        let media = |range: &str| -> Result<Media, SchemaError> {
            let range = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            Ok(Media { range, schema: schema.map(|schema| self.schema(schema, place)).transpose()? })
        };
        ranges.into_iter().map(media).collect()
    }
}

/// Turns `nullable: true` (Swagger: `x-nullable`) into what draft 4 understands, at every depth.
fn allow_null(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(allow_null);
            let flagged = |name: &str| members.get(name) == Some(&Value::Bool(true));
            if flagged("nullable") || flagged("x-nullable") {
                add_null(members);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(allow_null),
        _ => {}
    }
}

fn add_null(members: &mut Map<String, Value>) {
    if let Some(Value::String(kind)) = members.get("type") {
        let kinds = json!([kind, "null"]);
        members.insert("type".into(), kinds);
    }
    if let Some(Value::Array(values)) = members.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
}
