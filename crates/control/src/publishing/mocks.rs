//! What an API without a backend answers (WSO2: generated mock implementation).
//!
//! WSO2 writes a script for each operation. Here the gateway answers from the definition itself, so there is nothing to
//! store: the list shows the answers that it would give.

use http::Method;
use model::ApiId;
use policy::Mock;
use serde_json::{Value, json};

use crate::{Actor, Control, ControlError};

impl Control {
    /// `{count, list}` of `{path, verb, content}` for each operation of the definition; `content` is the answer to a call
    /// that asks for no status and no media type, as text.
    ///
    /// # Errors
    /// 403, 404; 404 as well for kinds without an OpenAPI definition; 400 for a reference that leads nowhere.
    pub async fn mock_answers(&self, actor: &Actor, id: ApiId) -> Result<Value, ControlError> {
        let definition = self.definition(actor, id).await?;
        let list = self.heavy(move || answers(&definition)).await??;
        Ok(json!({"count": list.len(), "list": list}))
    }
}

fn answers(definition: &Value) -> Result<Vec<Value>, ControlError> {
    let mut list = Vec::new();
    for (path, item) in definition.get("paths").and_then(Value::as_object).into_iter().flatten() {
        for verb in item.as_object().into_iter().flatten().map(|(verb, _)| verb) {
            let method = match verb.as_str() {
                "get" => Method::GET,
                "put" => Method::PUT,
                "post" => Method::POST,
                "delete" => Method::DELETE,
                "patch" => Method::PATCH,
                "head" => Method::HEAD,
                "options" => Method::OPTIONS,
                _ => continue,
            };
            let mock = Mock::compile(definition, path, &method)
                .map_err(|error| ControlError::invalid(format!("{verb} {path}: {error}.")))?;
            let answer = mock.answer(None, None);
            let body = String::from_utf8_lossy(&answer.body).into_owned();
            list.push(json!({
                "path": path,
                "verb": verb,
                "content": format!("{} {}\n\n{body}", answer.status, answer.kind.unwrap_or_default()).trim(),
            }));
        }
    }
    Ok(list)
}
