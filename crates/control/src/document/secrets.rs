//! Upstream credentials inside `endpointConfig`: sealed before they are stored, blank when they are shown.

use std::collections::BTreeSet;

use model::{ApiDocument, ApiId, Secret};
use serde_json::{Map, Value};

use super::Faults;
use super::policy_secrets::{move_policy_secrets, strip_policy_secrets};
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
/// clients send back after they read the object; but only while it goes to the servers it was given for, or whoever may
/// change an address could have the secret sent to their own.
///
/// # Errors
/// 400 for a blank secret whose server changed; when the vault cannot seal.
pub(crate) fn seal_secrets(
    sealer: &dyn Sealer,
    id: ApiId,
    api: &mut ApiDocument,
    stored: Option<&ApiDocument>,
) -> Result<(), ControlError> {
    let mut before = stored.and_then(|s| s.get("endpointConfig")).cloned().unwrap_or_default();
    let Some(config) = api.fields_mut().get_mut("endpointConfig") else { return Ok(()) };
    let (servers_before, servers) = (before.clone(), config.clone());
    let mut faults = Faults::default();
    for place in HOLDERS {
        let Some(fields) = holder(config, place) else { continue };
        let moved = receivers(&servers, place).iter().any(|r| !receivers(&servers_before, place).contains(r));
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
                        if !moved {
                            fields.insert(name.to_owned(), old);
                        } else if is_used(fields) && belongs(fields, name) {
                            let path = [&["endpointConfig"], place, &[name]].concat().join(".");
                            faults.field(&path, "the endpoint's server changed, so give this secret again");
                        } else {
                            fields.insert(name.to_owned(), Value::String(String::new()));
                        }
                    }
                    _ => {}
                },
                Some(_) => {
                    fields.insert(name.to_owned(), Value::String(String::new()));
                }
            }
        }
    }
    faults.into_result()
}

/// Whether the security that a holder describes is switched on.
fn is_used(fields: &Map<String, Value>) -> bool {
    let off = fields.get("enabled").and_then(Value::as_bool) == Some(false)
        || fields.get("type").and_then(Value::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("NONE"));
    !off
}

/// Whether a secret is one of the kind of security that a holder describes. Where none is named, every secret is.
fn belongs(fields: &Map<String, Value>, name: &str) -> bool {
    let text = |field: &str| fields.get(field).and_then(Value::as_str).unwrap_or_default().to_uppercase();
    match (text("type").as_str(), name) {
        ("OAUTH", "password") => text("grantType") == "PASSWORD",
        ("OAUTH", "apiKeyValue") | ("BASIC" | "DIGEST", "clientSecret" | "apiKeyValue") => false,
        ("APIKEY" | "API_KEY", "password" | "clientSecret") => false,
        _ => true,
    }
}

/// Who gets the secrets of a place: kind of endpoint, and scheme, host and port of every target, token endpoint and
/// proxy of its sides.
pub(super) fn receivers(config: &Value, place: &[&str]) -> BTreeSet<String> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut found = BTreeSet::from([format!("kind {}", text(config.get("endpoint_type")))]);
    for side in ["production", "sandbox"] {
        if place.get(1).is_some_and(|own| *own != side) {
            continue;
        }
        found.extend(urls_of_side(config, side).map(origin));
        let security = config.get("endpoint_security").and_then(|s| s.get(side));
        let token_url = text(security.and_then(|s| s.get("tokenUrl")));
        if !token_url.is_empty() {
            found.insert(origin(&token_url));
        }
        if let Some(proxy) = security.and_then(|s| s.get("proxyConfigs")) {
            let part = |field: &str| proxy.get(field).map(ToString::to_string).unwrap_or_default();
            found.insert(format!("proxy {} {} {}", part("proxyProtocol"), part("proxyHost"), part("proxyPort")));
        }
    }
    found
}

/// The addresses of all targets of a side.
fn urls_of_side<'a>(config: &'a Value, side: &'a str) -> impl Iterator<Item = &'a str> {
    ["endpoints", "failovers"].into_iter().flat_map(move |list| {
        let value = config.get(format!("{side}_{list}").as_str());
        let items = value.map_or(&[][..], |v| v.as_array().map_or(std::slice::from_ref(v), Vec::as_slice));
        let urls = items.iter().filter_map(|v| v.get("url").and_then(Value::as_str).or_else(|| v.as_str()));
        urls.filter(|url| !url.is_empty())
    })
}

/// The addresses of all targets of an `endpointConfig`.
pub(crate) fn endpoint_urls(config: &Value) -> impl Iterator<Item = &str> {
    ["production", "sandbox"].into_iter().flat_map(|side| urls_of_side(config, side))
}

/// Scheme, host and port of a URL. One that cannot be read stands for itself.
fn origin(url: &str) -> String {
    let Ok(uri) = url.parse::<http::Uri>() else { return url.to_owned() };
    let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else { return url.to_owned() };
    let usual = if matches!(scheme, "https" | "wss") { 443 } else { 80 };
    format!("{scheme}://{}:{}", host.to_lowercase(), uri.port_u16().unwrap_or(usual))
}

/// Blanks all secrets, for answers and exports.
pub(crate) fn strip_secrets(api: &mut ApiDocument) {
    strip_policy_secrets(api);
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
    let failed = |reason: String| ControlError::internal(format!("copying a secret: {reason}"));
    move_policy_secrets(sealer, from, to, api).map_err(failed)?;
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
