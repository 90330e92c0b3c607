//! Export and import of policies, in the form apictl knows.

use serde_json::{Value, json};
use store::repository::throttling::{self as policies};

use super::{Level, manage};
use crate::field::Field;
use crate::{Actor, Control, ControlError};

/// Short names of the levels in queries and exports.
pub(crate) const TYPES: [(&str, Level); 4] =
    [("sub", Level::Subscription), ("app", Level::Application), ("api", Level::Advanced), ("global", Level::Custom)];

/// `subtype` of an export.
const fn subtype(level: Level) -> &'static str {
    match level {
        Level::Application => "application policy",
        Level::Subscription => "subscription policy",
        Level::Advanced => "advanced policy",
        Level::Custom => "custom rule",
    }
}

/// Exports a policy by name, or by id; `kind` is one of [`TYPES`] or empty for any.
pub(crate) async fn export(
    control: &Control,
    actor: &Actor,
    name: &str,
    id: &str,
    kind: &str,
) -> Result<Value, ControlError> {
    let mut levels: Vec<Level> = TYPES.iter().filter(|(short, _)| *short == kind).map(|(_, level)| *level).collect();
    if levels.is_empty() && !kind.is_empty() {
        return Err(ControlError::invalid("type: one of sub, app, api, global."));
    }
    if levels.is_empty() {
        levels = TYPES.iter().map(|(_, level)| *level).collect();
    } else if kind == "global" && !actor.tenant().is_super() {
        return Err(ControlError::forbidden("Custom rules belong to the super tenant."));
    }
    let mut work = control.read().await?;
    for level in levels {
        let row = match id.parse() {
            Ok(id) => policies::find(&mut work, actor.tenant(), level.as_str(), id).await?,
            Err(_) => policies::find_by_name(&mut work, actor.tenant(), level.as_str(), name).await?,
        };
        let Some(row) = row else { continue };
        let mut data = row.document.clone();
        if let Some(object) = data.as_object_mut() {
            object.insert("policyId".into(), json!(row.id.to_string()));
            // An export says nothing about the installation it comes from.
            object.insert("isDeployed".into(), json!(false));
        }
        return Ok(json!({
            "type": "throttling policy",
            "subtype": subtype(level),
            "version": "v4.7.0",
            "data": data,
        }));
    }
    Err(ControlError::not_found("There is no throttling policy with this name."))
}

/// Imports what [`export`] made, as JSON or YAML. Answers the policy and whether it is new.
pub(crate) async fn import(
    control: &Control,
    actor: &Actor,
    bytes: &[u8],
    overwrite: bool,
) -> Result<(Value, bool), ControlError> {
    let text = std::str::from_utf8(bytes).map_err(|_| ControlError::invalid("The file is not UTF-8 text."))?;
    let document: Value = match serde_json::from_str(text) {
        Ok(document) => document,
        Err(_) => serde_saphyr::from_str(text)
            .map_err(|e| ControlError::invalid(format!("The file is neither JSON nor YAML: {e}.")))?,
    };
    let level = Level::ALL
        .into_iter()
        .find(|level| document.at("subtype") == subtype(*level))
        .ok_or_else(|| ControlError::invalid("The file is no exported throttling policy: subtype is unknown."))?;
    let data = document.at("data");
    let name = data.at("policyName").as_str().unwrap_or_default();
    let mut work = control.read().await?;
    let existing = policies::find_by_name(&mut work, actor.tenant(), level.as_str(), name).await?;
    work.cancel().await?;
    match existing {
        Some(_) if !overwrite => Err(manage::exists(name)),
        Some(row) => Ok((manage::update(control, actor, level, row.id, data).await?, false)),
        None => Ok((manage::create(control, actor, level, data).await?, true)),
    }
}
