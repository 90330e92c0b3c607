//! Secret attributes of operation policies: sealed in the stored object, blank when they are shown.
//!
//! In place of the text stands an object with one field, which no client can send: objects are no values of attributes.

use std::collections::BTreeMap;

use model::{ApiDocument, ApiId};
use serde_json::{Map, Value, json};

use super::Faults;
use super::secrets::receivers;
use crate::{ControlError, Sealer};

/// The only field of a sealed value.
const SEALED: &str = "portcullisSealed";

/// Which use of a policy: the operation (or the whole API) with the flow, the policy, and how many uses of the same
/// policy stand before it there.
type Place = (String, String, usize);

/// Calls `visit` with the place and the parameters of every use of a policy.
fn each_use(api: &mut ApiDocument, mut visit: impl FnMut(&Place, &str, &mut Map<String, Value>)) {
    let mut walk = |owner: &str, flows: Option<&mut Value>| {
        for (flow, uses) in flows.and_then(Value::as_object_mut).into_iter().flatten() {
            let mut seen = BTreeMap::<String, usize>::new();
            for entry in uses.as_array_mut().into_iter().flatten() {
                let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
                let (name, version) = (text("policyName"), text("policyVersion"));
                let count = seen.entry(name.clone()).or_default();
                let place = (format!("{owner} {flow}"), name, *count);
                *count = count.saturating_add(1);
                if let Some(parameters) = entry.get_mut("parameters").and_then(Value::as_object_mut) {
                    visit(&place, &version, parameters);
                }
            }
        }
    };
    let fields = api.fields_mut();
    for operation in fields.get_mut("operations").and_then(Value::as_array_mut).into_iter().flatten() {
        let text = |field: &str| operation.get(field).and_then(Value::as_str).unwrap_or_default();
        let owner = format!("{} {}", text("verb"), text("target"));
        walk(&owner, operation.get_mut("operationPolicies"));
    }
    walk("", fields.get_mut("apiPolicies"));
}

fn sealed_of(value: &Value) -> Option<&str> {
    value.get(SEALED).and_then(Value::as_str)
}

fn context(api: ApiId, policy: &str, attribute: &str) -> String {
    format!("api/{api}/policy/{policy}/{attribute}")
}

/// Seals the secret attributes of an object that a client sent; `is_secret` knows them by policy, version and name. A
/// blank one keeps what is stored for the same use of the policy, while the upstream servers stay the same.
///
/// # Errors
/// 400 for a blank secret whose server changed; when the vault cannot seal.
pub(crate) fn seal_policy_secrets(
    sealer: &dyn Sealer,
    id: ApiId,
    api: &mut ApiDocument,
    stored: Option<&ApiDocument>,
    is_secret: &dyn Fn(&str, &str, &str) -> bool,
) -> Result<(), ControlError> {
    let servers = |api: &ApiDocument| receivers(api.get("endpointConfig").unwrap_or(&Value::Null), &[]);
    let moved = stored.is_some_and(|stored| !servers(api).is_subset(&servers(stored)));
    let mut before = BTreeMap::new();
    if let Some(mut stored) = stored.cloned() {
        each_use(&mut stored, |place, _, parameters| {
            for (name, value) in parameters.iter().filter(|(_, value)| sealed_of(value).is_some()) {
                before.insert((place.clone(), name.clone()), value.clone());
            }
        });
    }
    let (mut faults, mut failed) = (Faults::default(), None);
    each_use(api, |place, version, parameters| {
        for (name, value) in parameters.iter_mut() {
            if value.is_object() {
                *value = json!("");
            }
            let Some(text) = value.as_str().filter(|_| is_secret(&place.1, version, name)) else { continue };
            if !text.is_empty() {
                match sealer.seal(text.as_bytes(), &context(id, &place.1, name)) {
                    Ok(sealed) => *value = json!({SEALED: sealed}),
                    Err(reason) => failed = Some(reason),
                }
            } else if let Some(old) = before.get(&(place.clone(), name.clone())) {
                if moved {
                    let path = format!("operationPolicies.{}.{name}", place.1);
                    faults.field(&path, "the endpoint's server changed, so give this secret again");
                }
                *value = old.clone();
            }
        }
    });
    match failed {
        Some(reason) => Err(ControlError::internal(format!("sealing an attribute of a policy: {reason}"))),
        None => faults.into_result(),
    }
}

/// Blanks all secret attributes, for answers and exports.
pub(crate) fn strip_policy_secrets(api: &mut ApiDocument) {
    each_use(api, |_, _, parameters| {
        for value in parameters.values_mut().filter(|value| sealed_of(value).is_some()) {
            *value = json!("");
        }
    });
}

/// Puts the plain texts in, for the gateway.
///
/// # Errors
/// When the vault cannot open one, with the reason.
pub(crate) fn open_policy_secrets(sealer: &dyn Sealer, id: ApiId, api: &mut ApiDocument) -> Result<(), String> {
    change(api, |policy, name, sealed| {
        let plain = sealer.open(sealed, &context(id, policy, name))?;
        let text = std::str::from_utf8(plain.expose());
        text.map(Value::from).map_err(|_| format!("the attribute {name} of the policy {policy} is not text"))
    })
}

/// Seals the secret attributes of a copy for the copy's id.
///
/// # Errors
/// When the vault cannot open or seal, with the reason.
pub(crate) fn move_policy_secrets(
    sealer: &dyn Sealer,
    from: ApiId,
    to: ApiId,
    api: &mut ApiDocument,
) -> Result<(), String> {
    change(api, |policy, name, sealed| {
        let plain = sealer.open(sealed, &context(from, policy, name))?;
        Ok(json!({SEALED: sealer.seal(plain.expose(), &context(to, policy, name))?}))
    })
}

fn change(
    api: &mut ApiDocument,
    mut replace: impl FnMut(&str, &str, &str) -> Result<Value, String>,
) -> Result<(), String> {
    let mut result = Ok(());
    each_use(api, |place, _, parameters| {
        for (name, value) in parameters.iter_mut() {
            let Some(sealed) = sealed_of(value) else { continue };
            match replace(&place.1, name, sealed) {
                Ok(next) => *value = next,
                Err(reason) => result = Err(reason),
            }
        }
    });
    result
}
