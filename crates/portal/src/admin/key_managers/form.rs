//! The form of a key manager: a REST object to fields and back. Secrets are typed, never shown.

use control::{ControlError, Field as _};
use serde_json::{Map, Value, json};
use web::{Fields, RestError};

use crate::admin::text;
use crate::page::PageError;
use crate::ui::{Faults, Field, Form};

const ENDPOINTS: [(&str, &str); 8] = [
    ("wellKnownEndpoint", "Discovery document"),
    ("tokenEndpoint", "Token endpoint"),
    ("revokeEndpoint", "Revocation endpoint"),
    ("introspectionEndpoint", "Introspection endpoint"),
    ("clientRegistrationEndpoint", "Client registration endpoint"),
    ("userInfoEndpoint", "User info endpoint"),
    ("authorizeEndpoint", "Authorisation endpoint"),
    ("scopeManagementEndpoint", "Scope management endpoint"),
];

/// The fields that a kind needs besides: name, label, whether required, whether secret.
fn own_fields(kind: &Value) -> Vec<(String, String, bool, bool)> {
    let list = kind.at("configurations").as_array().map(Vec::as_slice).unwrap_or_default();
    let flag = |field: &Value, name: &str| field.at(name).as_bool().unwrap_or(false);
    let one = |field: &Value| {
        (text(field, "name").to_owned(), text(field, "label").to_owned(), flag(field, "required"), flag(field, "mask"))
    };
    list.iter().map(one).collect()
}

/// `seen` is the fingerprint of the stored key manager; `None` for a new one.
pub(super) fn form(csrf: &str, kind: &Value, manager: &Value, seen: Option<&str>, faults: &Faults) -> Form {
    let list = "/admin/key-managers";
    let (action, submit) = match seen {
        Some(_) => (format!("{list}/{}", text(manager, "id")), "Save the key manager"),
        None => (format!("{list}/new"), "Register the key manager"),
    };
    let mut form = Form::new(csrf, action, submit).faults(faults).hidden("type", text(kind, "type"));
    form = match seen {
        Some(seen) => form.hidden("seen", seen),
        None => form.field(
            Field::text("name", "Name")
                .value(text(manager, "name"))
                .hint("Applications refer to it by this name; it cannot be changed.")
                .required()
                .max(100),
        ),
    };
    let certificates = manager.at("certificates");
    let on = manager.at("enabled").as_bool().unwrap_or(true);
    form = form
        .field(Field::check("enabled", "Accept its tokens", on))
        .field(
            Field::text("displayName", "Name for people")
                .value(text(manager, "displayName"))
                .hint("Not required.")
                .max(100),
        )
        .field(
            Field::text("description", "Description")
                .value(text(manager, "description"))
                .hint("Not required.")
                .max(1024),
        )
        .group("Tokens", "What the gateway checks. Give the address of its keys, or a certificate.")
        .field(
            Field::text("issuer", "Issuer")
                .value(text(manager, "issuer"))
                .hint("The claim iss of its tokens, exactly.")
                .required()
                .max(1000),
        )
        .field(
            Field::url("jwks", "Address of its keys (JWKS)")
                .value(if text(certificates, "type") == "JWKS" { text(certificates, "value") } else { "" })
                .hint("https only. Or give a certificate below."),
        )
        .field(
            Field::code("pem", "Certificate (PEM)", 6)
                .value(if text(certificates, "type") == "PEM" { text(certificates, "value") } else { "" })
                .hint("Not required with an address of keys."),
        )
        .field(
            Field::text("consumerKeyClaim", "Claim with the client id")
                .value(claim(kind, manager, "consumerKeyClaim", "defaultConsumerKeyClaim"))
                .max(255),
        )
        .field(
            Field::text("scopesClaim", "Claim with the scopes")
                .value(claim(kind, manager, "scopesClaim", "defaultScopesClaim"))
                .max(255),
        )
        .group("Addresses", "Not required for checking tokens.");
    for (name, label) in ENDPOINTS {
        form = form.field(Field::url(name, label).value(text(manager, name)).max(1000));
    }
    form = form.group("Credentials", "With which this server manages clients there.");
    for (name, label, required, secret) in own_fields(kind) {
        let id = format!("own.{name}");
        let stored = manager.at("additionalProperties").at(&name);
        let mut field = if secret {
            Field::secret(&id, &label)
        } else {
            Field::text(&id, &label).value(stored.as_str().unwrap_or_default())
        };
        field = match (secret, seen.is_some()) {
            (true, true) => field.hint("Leave it empty to keep the one that is stored."),
            _ if required => field.required(),
            _ => field.hint("Not required."),
        };
        form = form.field(field.max(1000));
    }
    form.back("Cancel", list)
}

fn claim<'a>(kind: &'a Value, manager: &'a Value, name: &str, default: &str) -> &'a str {
    match text(manager, name) {
        "" => text(kind, default),
        claim => claim,
    }
}

/// The form's key manager, over the one that is stored.
pub(super) fn read(kind: &Value, fields: &Fields, stored: Value) -> Value {
    let mut manager = match stored {
        Value::Object(object) => object,
        _ => Map::new(),
    };
    let plain = ["name", "displayName", "description", "issuer", "consumerKeyClaim", "scopesClaim"];
    for name in plain.into_iter().chain(ENDPOINTS.map(|(name, _)| name)) {
        if let Some(value) = fields.get(name) {
            manager.insert(name.to_owned(), json!(value.trim()));
        }
    }
    manager.insert("enabled".into(), json!(fields.get("enabled").is_some()));
    let (jwks, pem) = (fields.text("jwks").trim(), fields.text("pem").trim());
    let certificates = match (jwks, pem) {
        ("", "") => Value::Null,
        ("", pem) => json!({"type": "PEM", "value": pem}),
        (jwks, _) => json!({"type": "JWKS", "value": jwks}),
    };
    manager.insert("certificates".into(), certificates);
    let mut properties = match manager.remove("additionalProperties") {
        Some(Value::Object(object)) => object,
        _ => Map::new(),
    };
    for (name, _, _, secret) in own_fields(kind) {
        let typed = fields.text(&format!("own.{name}"));
        // A secret that is not typed again keeps the mask that it was read with, which stands for the stored value.
        if !(secret && typed.is_empty()) {
            properties.insert(name, json!(if secret { typed } else { typed.trim() }));
        }
    }
    manager.insert("additionalProperties".into(), Value::Object(properties));
    Value::Object(manager)
}

/// What a form that is shown again may know.
pub(super) fn without_secrets(kind: &Value, mut manager: Value) -> Value {
    if let Some(Value::Object(properties)) = manager.get_mut("additionalProperties") {
        for (name, _, _, secret) in own_fields(kind) {
            if secret {
                properties.remove(&name);
            }
        }
    }
    manager
}

/// Refusals name places of the REST object; the form's fields have shorter names.
pub(super) fn faults(error: ControlError) -> Result<Faults, PageError> {
    if error.items.is_empty() && error.code == 901_409 {
        let mut faults = Faults::none();
        faults.add("name", error.description);
        return Ok(faults);
    }
    let mut error = RestError::from(error);
    for item in &mut error.items {
        if let Some(rest) = item.message.strip_prefix("certificates.value:") {
            item.message = format!("jwks:{rest}");
        }
        if let Some(rest) = item.message.strip_prefix("additionalProperties.") {
            item.message = format!("own.{rest}");
        }
    }
    Faults::of(error)
}
