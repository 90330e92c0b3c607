//! Upstream credentials inside `endpointConfig`: sealed before they are stored, blank when they are shown.

use model::{ApiDocument, ApiId, Secret};
use serde_json::{Map, Value};

use crate::{ControlError, Sealer};

/// Fields that hold a secret, in `endpoint_security` and its two sides, and beside them for AWS.
const SECRET_FIELDS: [&str; 6] =
    ["password", "clientSecret", "apiKeyValue", "proxyPassword", "amznSecretKey", "secretKey"];

/// Objects that may hold secrets, by their place below `endpointConfig`.
const HOLDERS: [&[&str]; 6] = [
    &[],
    &["endpoint_security"],
    &["endpoint_security", "production"],
    &["endpoint_security", "sandbox"],
    &["endpoint_security", "production", "proxyConfigs"],
    &["endpoint_security", "sandbox", "proxyConfigs"],
];

fn holder<'a>(config: &'a mut Value, place: &[&str]) -> Option<&'a mut Map<String, Value>> {
    place.iter().try_fold(config, |value, key| value.get_mut(*key))?.as_object_mut()
}

fn context(api: ApiId, place: &[&str], field: &str) -> String {
    format!("api/{api}/endpointConfig/{}/{field}", place.join("/"))
}

/// Seals the secrets of an object that a client sent. A blank or absent one keeps what is stored, because that is what
/// clients send back after they read the object.
///
/// # Errors
/// When the vault cannot seal.
pub(crate) fn seal_secrets(
    sealer: &dyn Sealer,
    id: ApiId,
    api: &mut ApiDocument,
    stored: Option<&ApiDocument>,
) -> Result<(), ControlError> {
    let mut before = stored.and_then(|s| s.get("endpointConfig")).cloned().unwrap_or_default();
    let Some(config) = api.fields_mut().get_mut("endpointConfig") else { return Ok(()) };
    for place in HOLDERS {
        let Some(fields) = holder(config, place) else { continue };
        for name in SECRET_FIELDS {
            let old = holder(&mut before, place).and_then(|f| f.get(name)).cloned();
            match fields.get(name) {
                Some(Value::String(plain)) if !plain.is_empty() => {
                    let sealed = sealer
                        .seal(plain.as_bytes(), &context(id, place, name))
                        .map_err(|reason| ControlError::internal(format!("sealing an endpoint secret: {reason}")))?;
                    fields.insert(name.to_owned(), sealed.into());
                }
                // A value of another type is no secret; keeping it could leak one.
                Some(Value::String(_) | Value::Null) | None => match old {
                    Some(old) if old.as_str().is_some_and(|s| !s.is_empty()) => {
                        fields.insert(name.to_owned(), old);
                    }
                    _ => {}
                },
                Some(_) => {
                    fields.insert(name.to_owned(), Value::String(String::new()));
                }
            }
        }
    }
    Ok(())
}

/// Blanks all secrets, for answers and exports.
pub(crate) fn strip_secrets(api: &mut ApiDocument) {
    let Some(config) = api.fields_mut().get_mut("endpointConfig") else { return };
    for place in HOLDERS {
        let Some(fields) = holder(config, place) else { continue };
        for name in SECRET_FIELDS {
            if let Some(value) = fields.get_mut(name) {
                *value = Value::String(String::new());
            }
        }
    }
}

/// Opens one sealed field of a side of `endpoint_security`.
///
/// # Errors
/// When the vault cannot open it, with the reason.
pub(crate) fn open_secret(
    sealer: &dyn Sealer,
    id: ApiId,
    side: &str,
    field: &str,
    sealed: &str,
) -> Result<Secret<Vec<u8>>, String> {
    sealer.open(sealed, &context(id, &["endpoint_security", side], field))
}

/// Seals the secrets of a copy for the copy's id.
///
/// # Errors
/// When the vault cannot open or seal.
pub(crate) fn move_secrets(
    sealer: &dyn Sealer,
    from: ApiId,
    to: ApiId,
    api: &mut ApiDocument,
) -> Result<(), ControlError> {
    let failed = |reason: String| ControlError::internal(format!("copying an endpoint secret: {reason}"));
    let Some(config) = api.fields_mut().get_mut("endpointConfig") else { return Ok(()) };
    for place in HOLDERS {
        let Some(fields) = holder(config, place) else { continue };
        for name in SECRET_FIELDS {
            let Some(Value::String(sealed)) = fields.get(name).filter(|v| v.as_str() != Some("")) else { continue };
            let plain = sealer.open(sealed, &context(from, place, name)).map_err(failed)?;
            let sealed = sealer.seal(plain.expose(), &context(to, place, name)).map_err(failed)?;
            fields.insert(name.to_owned(), sealed.into());
        }
    }
    Ok(())
}
