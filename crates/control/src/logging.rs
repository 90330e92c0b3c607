//! What the gateway writes down of the calls of single APIs (WSO2: per-API logging, `/api/am/devops/v0`). Only administrators of
//! the super tenant decide this, for the APIs of every tenant: the log is the server's.

use std::collections::BTreeMap;

use http::Method;
use model::snapshot::{ApiLog, LogLevel};
use model::{ApiDocument, ApiId, TenantId};
use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::{api, tenant, tenant_setting};

use crate::field::Field;
use crate::publishing::load::parse;
use crate::{Actor, Change, Control, ControlError, FaultKind, discovery};

/// Where the levels of a tenant's APIs are kept.
const SETTING: &str = "api-logging";
/// Most levels of one tenant: the gateway keeps all of them in memory.
const MOST: usize = 1_000;

/// A verb and a path of an API; without, the API as a whole.
type Place = (ApiId, Option<(String, String)>);

/// Levels other than `OFF` by place.
type Levels = BTreeMap<Place, LogLevel>;

/// Refuses whoever does not administer the whole server.
fn check(actor: &Actor) -> Result<(), ControlError> {
    if actor.tenant().is_super() {
        return Ok(());
    }
    Err(ControlError::new(
        FaultKind::Forbidden,
        900_915,
        "Invalid Permission",
        "Only an administrator of the super tenant decides what the server logs.",
    ))
}

/// The levels of a tenant's APIs, each API as a whole and each of its operations; `level` picks those that have it.
pub(crate) async fn list(
    control: &Control,
    actor: &Actor,
    domain: &str,
    (only, level): (Option<ApiId>, Option<&str>),
) -> Result<Value, ControlError> {
    check(actor)?;
    let wanted = level.filter(|level| !level.is_empty()).map(parse_level).transpose()?;
    let mut work = control.read().await?;
    let tenant = tenant_of(&mut work, domain).await?;
    let levels = stored(&mut work, tenant).await?;
    let rows = match only {
        Some(id) => vec![api::find(&mut work, tenant, id).await?.ok_or_else(|| discovery::unknown(id))?],
        None => api::list(&mut work, tenant).await?,
    };
    let mut found = Vec::new();
    for row in rows {
        let document = parse(&row)?;
        let places = std::iter::once(None).chain(operations(&document).map(Some));
        for place in places {
            let level = levels.get(&(row.id, place.clone())).copied().unwrap_or_default();
            if wanted.is_none_or(|wanted| wanted == level) {
                found.push(shown(row.id, &document, place.as_ref(), level));
            }
        }
    }
    Ok(json!({ "apis": found }))
}

fn shown(api: ApiId, document: &ApiDocument, place: Option<&(String, String)>, level: LogLevel) -> Value {
    json!({
        "context": document.versioned_context(),
        "logLevel": level.as_str(),
        "apiId": api.to_string(),
        "resourceMethod": place.map(|(verb, _)| verb),
        "resourcePath": place.map(|(_, path)| path),
    })
}

/// Sets the level of an API, or of one of its operations, and returns what is set now.
pub(crate) async fn put(
    control: &Control,
    actor: &Actor,
    domain: &str,
    id: ApiId,
    input: &Value,
) -> Result<Value, ControlError> {
    check(actor)?;
    let level = input.at("logLevel").as_str().ok_or_else(|| ControlError::invalid(LEVELS))?;
    let level = parse_level(level)?;
    let text = |name: &str| input.at(name).as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let place = match (text("resourceMethod"), text("resourcePath")) {
        (None, None) => None,
        (Some(verb), Some(path)) => Some((verb.to_ascii_uppercase(), path)),
        _ => return Err(ControlError::invalid("resourceMethod and resourcePath belong together: name both or none.")),
    };
    let mut work = control.begin().await?;
    let tenant = tenant_of(&mut work, domain).await?;
    let row = api::find(&mut work, tenant, id).await?.ok_or_else(|| discovery::unknown(id))?;
    let document = parse(&row)?;
    if let Some(place) = &place
        && !operations(&document).any(|known| known == *place)
    {
        return Err(ControlError::invalid(format!("The API has no operation {} {}.", place.0, place.1)));
    }
    let mut levels = stored(&mut work, tenant).await?;
    if level == LogLevel::Off {
        levels.remove(&(id, place.clone()));
    } else {
        levels.insert((id, place.clone()), level);
    }
    if levels.len() > MOST {
        // APIs that were deleted leave theirs behind.
        let known: Vec<ApiId> = api::list(&mut work, tenant).await?.into_iter().map(|row| row.id).collect();
        levels.retain(|(api, _), _| known.contains(api));
    }
    if levels.len() > MOST {
        let reason = format!("A tenant may have {MOST} log levels. Switch off what is not looked at any more.");
        return Err(ControlError::conflict(reason));
    }
    tenant_setting::put_or_remove(&mut work, tenant, SETTING, &kept(&levels)).await?;
    let target = format!("api/{id}");
    control.commit(work, actor, Change::served("devops.api-logging.update", &target)).await?;
    Ok(shown(id, &document, place.as_ref(), level))
}

const LEVELS: &str = "logLevel: OFF, BASIC, STANDARD or FULL.";

fn parse_level(text: &str) -> Result<LogLevel, ControlError> {
    LogLevel::parse(text).ok_or_else(|| ControlError::invalid(LEVELS))
}

/// Verb and path of every operation.
fn operations(document: &ApiDocument) -> impl Iterator<Item = (String, String)> {
    document.operations().iter().map(|operation| {
        let text = |name: &str| operation.at(name).as_str().unwrap_or_default();
        (text("verb").to_ascii_uppercase(), text("target").to_owned())
    })
}

async fn tenant_of(work: &mut UnitOfWork, domain: &str) -> Result<TenantId, ControlError> {
    let found = tenant::by_domain(work, domain).await?;
    found.map(|row| row.tenant.id).ok_or_else(|| ControlError::not_found(format!("There is no tenant {domain}.")))
}

async fn stored(work: &mut UnitOfWork, tenant: TenantId) -> Result<Levels, ControlError> {
    let value = tenant_setting::find(work, tenant, SETTING).await?.unwrap_or_default();
    Ok(parsed(&value))
}

/// `[[api, verb, path, level], ..]`; verb and path are `null` for the API as a whole.
fn parsed(value: &Value) -> Levels {
    let one = |entry: &Value| {
        let text = |index: usize| entry.get(index).and_then(Value::as_str);
        let place = text(1).zip(text(2)).map(|(verb, path)| (verb.to_owned(), path.to_owned()));
        Some(((text(0)?.parse().ok()?, place), LogLevel::parse(text(3)?)?))
    };
    value.as_array().map(|entries| entries.iter().filter_map(one).collect()).unwrap_or_default()
}

fn kept(levels: &Levels) -> Value {
    if levels.is_empty() {
        return Value::Null;
    }
    let one = |((api, place), level): (&Place, &LogLevel)| {
        let (verb, path) = place.as_ref().map(|(verb, path)| (verb, path)).unzip();
        json!([api.to_string(), verb, path, level.as_str()])
    };
    levels.iter().map(one).collect()
}

/// The levels of all tenants, for the gateway.
pub(crate) async fn served(work: &mut UnitOfWork) -> Result<Vec<ApiLog>, ControlError> {
    let mut found = Vec::new();
    for value in tenant_setting::everywhere(work, SETTING).await? {
        for ((api, place), level) in parsed(&value) {
            let resource = match place {
                None => None,
                Some((verb, path)) if Method::from_bytes(verb.as_bytes()).is_ok() => Some((verb, path)),
                Some(_) => continue,
            };
            found.push(ApiLog { api, resource, level });
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::{Levels, kept, parsed};
    use model::snapshot::LogLevel;
    use serde_json::json;

    #[test]
    fn what_is_kept_is_read_again_and_what_is_broken_is_left_out() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let place = Some(("GET".to_owned(), "/customers/{id}".to_owned()));
        let levels = Levels::from([((id, None), LogLevel::Full), ((id, place), LogLevel::Basic)]);
        assert_eq!(parsed(&kept(&levels)), levels);
        assert!(kept(&Levels::new()).is_null());
        let broken = json!([["no id", null, null, "FULL"], [id.to_string(), null, null, "LOUD"], 7, [id.to_string()]]);
        assert!(parsed(&broken).is_empty());
    }
}
