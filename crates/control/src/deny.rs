//! Deny policies: what the gateway refuses whatever else holds.

use std::net::IpAddr;

use model::snapshot::{Denial, DenyCondition};
use model::{PolicyId, TenantDomain};
use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::deny::{self as policies, DenyPolicyRow};
use store::repository::{api, application, user};

use crate::field::Field;
use crate::{Actor, Change, Control, ControlError, FaultKind};

/// A policy as the Admin API shows it.
fn shown(row: &DenyPolicyRow) -> Value {
    json!({
        "conditionId": row.id.to_string(),
        "conditionType": row.kind,
        "conditionValue": row.value,
        "conditionStatus": row.active,
    })
}

fn unknown(id: PolicyId) -> ControlError {
    ControlError::not_found(format!("There is no deny policy with the id {id}."))
}

/// WSO2 answers a condition that cannot match anything with 500, and its scenarios look for the texts.
fn unusable(description: String) -> ControlError {
    ControlError::new(FaultKind::Internal, 900_967, "General Error", description)
}

/// Adds a policy.
pub async fn create(control: &Control, actor: &Actor, input: &Value) -> Result<Value, ControlError> {
    let kind = input.at("conditionType").as_str().unwrap_or_default();
    let value = input.at("conditionValue");
    let mut work = control.begin().await?;
    let value = match kind {
        "API" => api_value(&mut work, actor, value).await?,
        "APPLICATION" => application_value(&mut work, actor, value).await?,
        "USER" => user_value(&mut work, actor, value).await?,
        "IP" => json!({"fixedIp": address(kind, value.at("fixedIp"))?, "invert": invert(value)}),
        "IPRANGE" => json!({
            "startingIp": address(kind, value.at("startingIp"))?,
            "endingIp": address(kind, value.at("endingIp"))?,
            "invert": invert(value),
        }),
        _ => return Err(ControlError::invalid("conditionType: one of API, APPLICATION, IP, IPRANGE, USER.")),
    };
    let row = DenyPolicyRow {
        id: PolicyId::new(control.uuid()),
        tenant: actor.tenant(),
        kind: kind.to_owned(),
        value,
        active: input.at("conditionStatus").as_bool().unwrap_or(true),
    };
    policies::insert(&mut work, &row, control.now()).await?;
    let target = format!("deny-policy/{}", row.id);
    control.commit(work, actor, Change::served("admin.deny-policies.create", &target)).await?;
    Ok(shown(&row))
}

fn invert(value: &Value) -> bool {
    value.at("invert").as_bool().unwrap_or(false)
}

/// An address, or a network in CIDR form for a single one.
fn address(kind: &str, value: &Value) -> Result<String, ControlError> {
    let text = value.as_str().unwrap_or_default().trim();
    let (host, prefix) = text.split_once('/').map_or((text, None), |(host, prefix)| (host, Some(prefix)));
    let host = host.parse::<IpAddr>().ok();
    let fits = match (host, prefix) {
        (Some(_), None) => true,
        (Some(ip), Some(prefix)) if kind == "IP" => {
            prefix.parse::<u8>().is_ok_and(|bits| bits <= if ip.is_ipv4() { 32 } else { 128 })
        }
        _ => false,
    };
    if fits {
        Ok(text.to_owned())
    } else {
        Err(unusable(format!("Condition type: {kind}. {text} is an invalid ip address format")))
    }
}

async fn api_value(work: &mut UnitOfWork, actor: &Actor, value: &Value) -> Result<Value, ControlError> {
    let wanted = value.as_str().unwrap_or_default();
    let same = |row: &api::ApiRow| model::versioned_context(&row.context, &row.version) == wanted;
    if api::with_path(work, actor.tenant(), wanted).await?.iter().any(same) {
        Ok(json!(wanted))
    } else {
        Err(unusable(format!("Couldn't Save Block Condition Due to Invalid API Context {wanted}")))
    }
}

async fn application_value(work: &mut UnitOfWork, actor: &Actor, value: &Value) -> Result<Value, ControlError> {
    let text = value.as_str().unwrap_or_default();
    let wrong = || unusable(format!("Couldn't Save Block Condition Due to Invalid Application name {text}"));
    let (owner, name) = text.split_once(':').ok_or_else(wrong)?;
    let found = application::find_by_name(work, actor.tenant(), owner, name).await?;
    found.map(|_| json!(text)).ok_or_else(wrong)
}

/// A user's name, with or without the domain, in the spelling of the account: names are the same in any case when
/// somebody signs in, and the gateway compares what tokens and applications carry.
async fn user_value(work: &mut UnitOfWork, actor: &Actor, value: &Value) -> Result<Value, ControlError> {
    let text = value.as_str().unwrap_or_default().trim();
    let domain = actor.tenant_info().domain.as_str();
    let (local, has_domain) = without_domain(text, domain);
    let ours = has_domain || actor.tenant().is_super() || !text.contains('@');
    if local.is_empty() || text.len() > 300 || !ours {
        return Err(unusable(format!("Couldn't Save Block Condition Due to Invalid User {text}")));
    }
    let account = user::by_name(work, actor.tenant(), local).await?;
    let local = account.as_ref().map_or(local, |account| &account.name);
    Ok(if has_domain { json!(format!("{local}@{domain}")) } else { json!(local) })
}

/// A name without the domain of its tenant, in whatever case that is written, and whether it had it.
fn without_domain<'a>(name: &'a str, domain: &str) -> (&'a str, bool) {
    match name.rsplit_once('@') {
        Some((local, suffix)) if suffix.eq_ignore_ascii_case(domain) => (local, true),
        _ => (name, false),
    }
}

/// All policies, or those that a query `conditionType:X&conditionValue:Y` finds: Y is part of the value, or the whole
/// of it when quoted.
pub async fn list(control: &Control, actor: &Actor, query: &str) -> Result<Value, ControlError> {
    let mut wanted_kind = None;
    let mut wanted_value = None;
    for part in query.split('&') {
        match part.split_once(':') {
            Some(("conditionType", kind)) => wanted_kind = Some(kind.trim().to_owned()),
            Some(("conditionValue", value)) => wanted_value = Some(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut work = control.read().await?;
    let rows = policies::list(&mut work, actor.tenant()).await?;
    let list: Vec<Value> = rows
        .iter()
        .filter(|row| wanted_kind.as_ref().is_none_or(|kind| row.kind.eq_ignore_ascii_case(kind)))
        .filter(|row| wanted_value.as_ref().is_none_or(|value| matches(&row.value, value)))
        .map(shown)
        .collect();
    Ok(json!({"count": list.len(), "list": list}))
}

fn matches(value: &Value, wanted: &str) -> bool {
    let exact = wanted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let texts = match value {
        Value::Object(object) => object.values().filter_map(Value::as_str).collect(),
        other => other.as_str().into_iter().collect::<Vec<_>>(),
    };
    texts.iter().any(|text| exact.map_or_else(|| text.contains(wanted), |exact| *text == exact))
}

/// One policy.
pub(crate) async fn get(control: &Control, actor: &Actor, id: PolicyId) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    policies::find(&mut work, actor.tenant(), id).await?.as_ref().map(shown).ok_or_else(|| unknown(id))
}

/// Switches a policy on or off.
pub async fn set_status(control: &Control, actor: &Actor, id: PolicyId, input: &Value) -> Result<Value, ControlError> {
    let active = input
        .at("conditionStatus")
        .as_bool()
        .ok_or_else(|| ControlError::invalid("conditionStatus: true or false."))?;
    let mut work = control.begin().await?;
    let mut row = policies::find(&mut work, actor.tenant(), id).await?.ok_or_else(|| unknown(id))?;
    row.active = active;
    policies::set_active(&mut work, actor.tenant(), id, active).await?;
    let target = format!("deny-policy/{id}");
    control.commit(work, actor, Change::served("admin.deny-policies.status", &target)).await?;
    Ok(shown(&row))
}

/// Removes a policy.
pub async fn delete(control: &Control, actor: &Actor, id: PolicyId) -> Result<(), ControlError> {
    let mut work = control.begin().await?;
    if !policies::delete(&mut work, actor.tenant(), id).await? {
        return Err(unknown(id));
    }
    let target = format!("deny-policy/{id}");
    control.commit(work, actor, Change::served("admin.deny-policies.delete", &target)).await
}

/// A policy as the gateway applies it.
pub(crate) fn denial_of(row: &DenyPolicyRow, domain: Option<&TenantDomain>) -> Option<Denial> {
    let text = |field: &str| row.value.at(field).as_str().map(str::to_owned);
    let whole = || row.value.as_str().map(str::to_owned);
    let condition = match row.kind.as_str() {
        "API" => DenyCondition::ApiContext(whole()?),
        "APPLICATION" => DenyCondition::Application(whole()?),
        "USER" => {
            let user = whole()?;
            let domain = domain.map_or(TenantDomain::SUPER, TenantDomain::as_str);
            DenyCondition::User(format!("{}@{domain}", without_domain(&user, domain).0))
        }
        "IP" => DenyCondition::Ip { network: text("fixedIp")?, invert: invert(&row.value) },
        "IPRANGE" => {
            DenyCondition::IpRange { from: text("startingIp")?, to: text("endingIp")?, invert: invert(&row.value) }
        }
        _ => return None,
    };
    Some(Denial { tenant: row.tenant, condition })
}

#[cfg(test)]
mod tests {
    use super::{address, matches};
    use serde_json::json;

    #[test]
    fn addresses_are_checked_before_they_reach_the_gateway() {
        for good in ["10.0.0.1", "10.0.0.0/8", "::1", "2001:db8::/32"] {
            assert!(address("IP", &json!(good)).is_ok(), "{good}");
        }
        for bad in ["127..0.0.1", "10.0.0.0/33", "", "localhost", "1.2.3.4/", "::1/129"] {
            assert!(address("IP", &json!(bad)).is_err(), "{bad}");
        }
        assert!(address("IPRANGE", &json!("10.0.0.0/8")).is_err());
        assert!(address("IP", &json!(5)).is_err());
    }

    #[test]
    fn quoted_values_match_whole() {
        assert!(matches(&json!("/a/b/1.0.0"), "/a"));
        assert!(!matches(&json!("/a/b/1.0.0"), "\"/a\""));
        assert!(matches(&json!({"fixedIp": "10.0.0.1", "invert": false}), "10.0.0.1"));
    }
}
