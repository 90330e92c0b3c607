//! Gateway environments: where revisions are deployed, and which addresses consumers are told.

use model::TenantId;
use serde_json::{Value, json};
use store::UnitOfWork;
use store::repository::catalogue::{self, ItemKind, ItemRow};
use store::repository::revision;

use crate::field::Field;
use crate::throttling::check::{check_permissions, refused};
use crate::{Actor, Change, ConfiguredEnvironment, ConfiguredHost, Control, ControlError, ControlSettings};

/// Name and id of the environment every tenant has.
pub const DEFAULT: &str = "Default";

const GATEWAY_TYPES: [&str; 7] = ["Regular", "APK", "AWS", "Azure", "Kong", "Envoy", "APIPlatform"];

/// The environments that the configuration knows, `Default` first; it is there always.
fn built_in(settings: &ControlSettings) -> Vec<Value> {
    let own = ConfiguredEnvironment {
        name: DEFAULT.to_owned(),
        display_name: DEFAULT.to_owned(),
        description: "The gateway of this server".to_owned(),
        kind: "hybrid",
        hosts: vec![ConfiguredHost {
            host: settings.hostname.clone(),
            http_port: settings.gateway_http_port,
            context: String::new(),
            https_port: settings.gateway_https_port,
        }],
    };
    let configured = &settings.environments;
    let default = configured.iter().find(|environment| environment.name == DEFAULT).unwrap_or(&own);
    let others = configured.iter().filter(|environment| environment.name != DEFAULT);
    std::iter::once(default).chain(others).map(|environment| announced(environment, settings)).collect()
}

fn announced(environment: &ConfiguredEnvironment, settings: &ControlSettings) -> Value {
    let vhost = |host: &ConfiguredHost| {
        json!({
            "host": host.host,
            "httpContext": host.context,
            "httpPort": host.http_port,
            "httpsPort": host.https_port,
            "wsPort": settings.portal.gateway_ws_port,
            "wssPort": settings.portal.gateway_wss_port,
        })
    };
    json!({
        "id": environment.name,
        "name": environment.name,
        "displayName": environment.display_name,
        "type": environment.kind,
        "description": environment.description,
        "provider": "wso2",
        "gatewayType": "Regular",
        "isReadOnly": true,
        "vhosts": environment.hosts.iter().map(vhost).collect::<Vec<_>>(),
        "endpointURIs": [],
        "additionalProperties": [],
        "permissions": {"permissionType": "PUBLIC", "roles": []},
    })
}

fn built_in_named(settings: &ControlSettings, name: &str) -> Option<Value> {
    built_in(settings).into_iter().find(|environment| environment.at("name") == name)
}

/// All environments of a tenant, `Default` first.
pub(crate) async fn all(
    control: &Control,
    work: &mut UnitOfWork,
    tenant: TenantId,
) -> Result<Vec<Value>, ControlError> {
    let mut list = built_in(control.settings());
    let stored = catalogue::list(work, ItemKind::Environment, tenant).await?.into_iter();
    // One that was added to the configuration later goes before one of the same name.
    let stored = stored.filter(|row| list.iter().all(|known| known.at("name") != row.name.as_str()));
    let stored: Vec<Value> = stored.map(|row| row.document).collect();
    list.extend(stored);
    Ok(list)
}

/// An environment by name.
pub(crate) async fn find_by_name(
    control: &Control,
    work: &mut UnitOfWork,
    tenant: TenantId,
    name: &str,
) -> Result<Option<Value>, ControlError> {
    if let Some(found) = built_in_named(control.settings(), name) {
        return Ok(Some(found));
    }
    Ok(catalogue::find_by_name(work, ItemKind::Environment, tenant, name).await?.map(|row| row.document))
}

/// `{count, list}`.
pub async fn list(control: &Control, actor: &Actor) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let list = all(control, &mut work, actor.tenant()).await?;
    Ok(json!({"count": list.len(), "list": list}))
}

/// One environment by id.
pub async fn get(control: &Control, actor: &Actor, id: &str) -> Result<Value, ControlError> {
    if let Some(found) = built_in_named(control.settings(), id) {
        return Ok(found);
    }
    let mut work = control.read().await?;
    Ok(find(&mut work, actor.tenant(), id).await?.document)
}

async fn find(work: &mut UnitOfWork, tenant: TenantId, id: &str) -> Result<ItemRow, ControlError> {
    let unknown = || ControlError::not_found(format!("There is no gateway environment with the id {id}."));
    let id = id.parse().map_err(|_| unknown())?;
    catalogue::find(work, ItemKind::Environment, tenant, id).await?.ok_or_else(unknown)
}

/// Adds an environment.
pub async fn create(control: &Control, actor: &Actor, input: &Value) -> Result<Value, ControlError> {
    let id = control.uuid();
    let document = checked(&id.to_string(), input)?;
    let name = document.at("name").as_str().unwrap_or_default().to_owned();
    let mut work = control.begin().await?;
    if find_by_name(control, &mut work, actor.tenant(), &name).await?.is_some() {
        return Err(ControlError::conflict(format!("A gateway environment named {name} exists already.")));
    }
    let row = ItemRow { id, tenant: actor.tenant(), name, document };
    catalogue::insert(&mut work, ItemKind::Environment, &row, control.now()).await?;
    let target = format!("environment/{id}");
    control.commit(work, actor, Change::managed("admin.environments.create", &target)).await?;
    Ok(row.document)
}

/// Replaces an environment; its name stays.
pub async fn update(control: &Control, actor: &Actor, id: &str, input: &Value) -> Result<Value, ControlError> {
    if built_in_named(control.settings(), id).is_some() {
        return Err(ControlError::invalid(format!(
            "The environment {id} follows the configuration and cannot be changed here. Add another environment.",
        )));
    }
    let mut work = control.begin().await?;
    let mut row = find(&mut work, actor.tenant(), id).await?;
    let mut named = input.clone();
    if let Some(object) = named.as_object_mut() {
        object.insert("name".into(), json!(row.name));
    }
    row.document = checked(id, &named)?;
    catalogue::update(&mut work, ItemKind::Environment, &row).await?;
    let target = format!("environment/{id}");
    control.commit(work, actor, Change::served("admin.environments.update", &target)).await?;
    Ok(row.document)
}

/// Removes an environment that nothing is deployed to.
pub async fn delete(control: &Control, actor: &Actor, id: &str) -> Result<(), ControlError> {
    if built_in_named(control.settings(), id).is_some() {
        return Err(ControlError::invalid(format!(
            "The environment {id} follows the configuration and cannot be removed."
        )));
    }
    let mut work = control.begin().await?;
    let row = find(&mut work, actor.tenant(), id).await?;
    if let Some((name, version)) = revision::deployed_to(&mut work, actor.tenant(), &row.name).await? {
        return Err(ControlError::conflict(format!(
            "{name} {version} is deployed to {}. Undeploy it first.",
            row.name
        )));
    }
    catalogue::delete(&mut work, ItemKind::Environment, actor.tenant(), row.id).await?;
    let target = format!("environment/{id}");
    control.commit(work, actor, Change::served("admin.environments.delete", &target)).await
}

/// Checks an environment object and fills in what is missing.
fn checked(id: &str, input: &Value) -> Result<Value, ControlError> {
    let mut faults = Vec::new();
    let name = input.at("name").as_str().unwrap_or_default().trim();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > 255 || !name.chars().all(allowed) {
        faults.push("name: use 1 to 255 letters, digits, '.', '_' or '-'.".to_owned());
    }
    let gateway_type = input.at("gatewayType").as_str().unwrap_or("Regular");
    if !GATEWAY_TYPES.contains(&gateway_type) {
        faults.push(format!("gatewayType: one of {}.", GATEWAY_TYPES.join(", ")));
    }
    let hosts = input.at("vhosts").as_array().map(Vec::as_slice).unwrap_or_default();
    if hosts.is_empty() || hosts.len() > 100 {
        faults.push("vhosts: 1 to 100 virtual hosts.".to_owned());
    }
    let vhosts: Vec<Value> = hosts.iter().take(100).map(|vhost| checked_vhost(vhost, &mut faults)).collect();
    for (number, vhost) in vhosts.iter().enumerate() {
        if vhosts.iter().take(number).any(|other| other.at("host") == vhost.at("host")) {
            faults.push(format!("vhosts: {} is there twice.", vhost.at("host")));
        }
    }
    let permissions = input.at("permissions");
    if permissions.is_object() {
        check_permissions(permissions, &mut faults);
    }
    if !faults.is_empty() {
        return Err(refused(faults));
    }
    Ok(json!({
        "id": id,
        "name": name,
        "displayName": input.at("displayName").as_str().unwrap_or(name),
        "type": input.at("type").as_str().unwrap_or("hybrid"),
        "description": input.at("description").as_str().unwrap_or_default(),
        "provider": input.at("provider").as_str().unwrap_or("wso2"),
        "gatewayType": gateway_type,
        "isReadOnly": false,
        "vhosts": vhosts,
        "endpointURIs": [],
        "additionalProperties": input.at("additionalProperties").as_array().cloned().unwrap_or_default(),
        "permissions": if permissions.is_object() { permissions.clone() } else {
            json!({"permissionType": "PUBLIC", "roles": []})
        },
    }))
}

fn checked_vhost(input: &Value, faults: &mut Vec<String>) -> Value {
    let host = input.at("host").as_str().unwrap_or_default().trim().to_ascii_lowercase();
    let label = |part: &str| {
        let inside = part.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        !part.is_empty() && part.len() <= 63 && inside && !part.starts_with('-') && !part.ends_with('-')
    };
    if host.len() > 253 || !host.split('.').all(label) {
        faults.push(format!("vhosts.host: {host:?} is not a host name."));
    }
    let context = input.at("httpContext").as_str().unwrap_or_default().trim_matches('/');
    if context.len() > 255 || !context.chars().all(|c| c.is_ascii_alphanumeric() || "-_./~".contains(c)) {
        faults.push("vhosts.httpContext: a path of letters, digits, '-', '_', '.', '~' and '/'.".to_owned());
    }
    let mut port = |field: &str, default: u16| match input.at(field) {
        Value::Null => default,
        value => match value.as_u64().and_then(|n| u16::try_from(n).ok()) {
            Some(port) => port,
            None => {
                faults.push(format!("vhosts.{field}: a port from 0 to 65535."));
                default
            }
        },
    };
    json!({
        "host": host,
        "httpContext": context,
        "httpPort": port("httpPort", 8280),
        "httpsPort": port("httpsPort", 8243),
        "wsPort": port("wsPort", 9099),
        "wssPort": port("wssPort", 8099),
    })
}

#[cfg(test)]
mod tests {
    use super::{built_in, checked};
    use crate::{ConfiguredEnvironment, ConfiguredHost, ControlSettings};
    use serde_json::json;

    #[test]
    fn faults_are_reported_together() {
        let error = checked(
            "1",
            &json!({"name": "a b", "gatewayType": "Apache", "vhosts": [
            {"host": "-bad-.example.com"}, {"host": "x.y", "httpsPort": 70000}, {"host": "X.Y"}]}),
        )
        .unwrap_err();
        assert_eq!(error.items.len(), 5, "{error:?}");
        let good = checked("1", &json!({"name": "east", "vhosts": [{"host": "GW.example.com"}]})).unwrap();
        assert_eq!(good["vhosts"][0]["host"], "gw.example.com");
        assert_eq!(good["displayName"], "east");
    }

    #[test]
    fn default_is_there_always_and_follows_the_configuration() {
        let names = |settings: &ControlSettings| -> Vec<(String, String, u64)> {
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            let of = |e: serde_json::Value| {
                let host = &e["vhosts"][0];
                (text(&e["name"]), text(&host["host"]), host["httpsPort"].as_u64().unwrap())
            };
            built_in(settings).into_iter().map(of).collect()
        };
        let mut settings = ControlSettings::default();
        assert_eq!(names(&settings), [("Default".into(), "localhost".into(), 8243)]);
        let environment = |name: &str, host: &str, https_port| ConfiguredEnvironment {
            name: name.into(),
            display_name: name.into(),
            description: String::new(),
            kind: "production",
            hosts: vec![ConfiguredHost { host: host.into(), http_port: 80, context: String::new(), https_port }],
        };
        settings.environments = vec![environment("East", "east.example", 443)];
        assert_eq!(
            names(&settings),
            [("Default".into(), "localhost".into(), 8243), ("East".into(), "east.example".into(), 443)]
        );
        settings.environments.push(environment("Default", "api.example", 8443));
        assert_eq!(names(&settings)[0], ("Default".into(), "api.example".into(), 8443));
    }
}
