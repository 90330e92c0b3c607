//! SCIM attributes are stored and shown as they come, so no password may be among them, however its name is spelled.

use serde_json::{Map, Value};

use crate::IdentityError;

/// Names of attributes that hold a password, lower case.
const PASSWORDS: [&str; 8] =
    ["password", "passwd", "pwd", "userpassword", "newpassword", "oldpassword", "currentpassword", "plainpassword"];

/// Whether an attribute of this name holds a password: `password`, `Pass-Word`, `urn:example:User:password`.
pub(crate) fn is_password(name: &str) -> bool {
    let last = name.rsplit([':', '.']).next().unwrap_or(name);
    let folded: String = last.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    PASSWORDS.contains(&folded.as_str())
}

/// Refuses attributes that hold a password at any depth.
pub(crate) fn refuse_passwords(attributes: &Map<String, Value>) -> Result<(), IdentityError> {
    match found(attributes) {
        None => Ok(()),
        // The name is the caller's own and short enough to show.
        Some(name) => Err(IdentityError::invalid(format!(
            "The attribute {} would keep a password in clear. Send it as the attribute password of the user itself.",
            name.chars().filter(|c| !c.is_control()).take(60).collect::<String>()
        ))),
    }
}

/// The attributes without what an earlier version may have kept.
pub(crate) fn without_passwords(mut attributes: Map<String, Value>) -> Map<String, Value> {
    remove(&mut attributes);
    attributes
}

// JSON that comes in is at most 128 levels deep (serde_json refuses more), and so is what is stored.
fn found(members: &Map<String, Value>) -> Option<&str> {
    members.iter().find_map(|(name, value)| if is_password(name) { Some(name.as_str()) } else { found_in(value) })
}

fn found_in(value: &Value) -> Option<&str> {
    match value {
        Value::Object(members) => found(members),
        Value::Array(entries) => entries.iter().find_map(found_in),
        _ => None,
    }
}

fn remove(members: &mut Map<String, Value>) {
    members.retain(|name, _| !is_password(name));
    members.values_mut().for_each(remove_from);
}

fn remove_from(value: &mut Value) {
    match value {
        Value::Object(members) => remove(members),
        Value::Array(entries) => entries.iter_mut().for_each(remove_from),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{is_password, refuse_passwords, without_passwords};
    use serde_json::{Map, Value, json};

    fn map(value: Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn passwords_are_found_at_any_depth_and_in_any_spelling() {
        for bad in [
            json!({"Password": "x"}),
            json!({"name": {"PASSWORD": "x"}}),
            json!({"emails": [{"value": "a", "pass-word": "x"}]}),
            json!({"urn:ietf:params:scim:schemas:core:2.0:User:password": "x"}),
            json!({"urn:a": {"b": [[{"newPassword": {"c": 1}}]]}}),
        ] {
            assert!(refuse_passwords(&map(bad.clone())).is_err(), "{bad}");
            assert!(refuse_passwords(&without_passwords(map(bad))).is_ok());
        }
        let good = json!({"askPassword": true, "passwordLastChanged": 1, "name": {"givenName": "password"}});
        assert!(refuse_passwords(&map(good.clone())).is_ok());
        assert_eq!(Value::Object(without_passwords(map(good.clone()))), good);
        assert!(!is_password("lastPasswordUpdateTime"));
    }
}
