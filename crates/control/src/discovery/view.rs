//! An API as the Developer Portal shows it.

use model::{ApiDocument, ApiId};
use serde_json::{Map, Value, json};
use store::UnitOfWork;
use store::repository::api::ApiRow;
use store::repository::{revision, throttling as policies};

use super::{Viewer, average_rating, find};
use crate::field::Field;
use crate::publishing::products;
use crate::throttling::{Level, UNLIMITED, may_use};
use crate::{Control, ControlError, environment};

/// Entry of a list.
pub(crate) fn brief(viewer: &Viewer, row: &ApiRow, api: &ApiDocument, rating: &str) -> Value {
    let field = |name: &str| api.get(name).cloned().unwrap_or(Value::Null);
    json!({
        "id": row.id.to_string(),
        "name": row.name,
        "displayName": api.get("displayName").cloned().unwrap_or_else(|| json!(row.name)),
        "description": field("description"),
        // As in WSO2: a product's context is shown with its version, an API's without.
        "context": if row.kind == products::KIND { api.versioned_context() } else { row.context.clone() },
        "version": row.version,
        "type": row.kind,
        "createdTime": row.created_at.millis().to_string(),
        "updatedTime": row.updated_at.millis().to_string(),
        "provider": row.provider,
        "lifeCycleStatus": row.lifecycle,
        "thumbnailUri": api.flag("hasThumbnail").then_some("/thumbnail"),
        "avgRating": rating,
        "throttlingPolicies": api.plans(),
        "advertiseInfo": advertised(api),
        "businessInformation": field("businessInformation"),
        "isSubscriptionAvailable": viewer.can_subscribe(api),
        "monetizationLabel": "FREE",
        "gatewayVendor": api.get("gatewayVendor").cloned().unwrap_or_else(|| json!("wso2")),
        "additionalProperties": shown_properties(api),
        "tags": api.texts("tags"),
    })
}

fn advertised(api: &ApiDocument) -> Value {
    let info = api.get("advertiseInfo").cloned().unwrap_or_default();
    json!({
        "advertised": info.at("advertised").as_bool().unwrap_or(false),
        "originalDevPortalUrl": info.at("originalDevPortalUrl"),
        "apiOwner": info.at("apiOwner"),
        "vendor": info.at("vendor").as_str().unwrap_or("WSO2"),
    })
}

/// Custom properties that their author wants consumers to see.
fn shown_properties(api: &ApiDocument) -> Vec<Value> {
    api.items("additionalProperties").iter().filter(|entry| entry.at("display") == true).cloned().collect()
}

/// The topics of a streaming API: what can be subscribed to, each once (WSO2: `TopicListDTO`).
pub(crate) async fn topics(control: &Control, viewer: &Viewer, id: ApiId) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let (_, api) = find(&mut work, viewer, id).await?;
    let mut list: Vec<Value> = Vec::new();
    for operation in api.operations() {
        let (name, verb) = (operation.at("target"), operation.at("verb"));
        let known = list.iter().any(|topic| topic.at("name") == name && topic.at("type") == verb);
        if !known && matches!(verb.as_str(), Some("SUBSCRIBE" | "PUBLISH")) {
            list.push(json!({"apiId": id.to_string(), "name": name, "type": verb}));
        }
    }
    Ok(
        json!({"count": list.len(), "list": list, "pagination": {"offset": 0, "limit": list.len(), "total": list.len()}}),
    )
}

/// The whole API.
pub(crate) async fn get(control: &Control, viewer: &Viewer, id: ApiId) -> Result<Value, ControlError> {
    let mut work = control.read().await?;
    let (row, api) = find(&mut work, viewer, id).await?;
    let rating = average_rating(&mut work, id).await?;
    let mut value = brief(viewer, &row, &api, &rating);
    let tiers = tiers(control, &mut work, viewer, &api).await?;
    let urls = endpoint_urls(control, &mut work, &row, &api).await?;
    let environments: Vec<Value> = urls.iter().map(|url| url.at("environmentName").clone()).collect();
    let field = |name: &str| api.get(name).cloned().unwrap_or(Value::Null);
    let further = json!({
        "isDefaultVersion": row.is_default,
        "transport": api.texts("transport"),
        "operations": operations(&api),
        "authorizationHeader": field("authorizationHeader"),
        "apiKeyHeader": field("apiKeyHeader"),
        "securityScheme": api.texts("securityScheme"),
        "tiers": tiers,
        "hasThumbnail": api.flag("hasThumbnail"),
        "monetization": {"enabled": false},
        "endpointURLs": urls,
        "environmentList": environments,
        "scopes": scopes(&api),
        "categories": api.texts("categories"),
        "keyManagers": if api.texts("keyManagers").is_empty() { json!(["all"]) } else { field("keyManagers") },
        "createdTime": row.created_at.millis().to_string(),
        "lastUpdatedTime": row.updated_at.millis().to_string(),
        "asyncTransportProtocols": api.texts("asyncTransportProtocols"),
        "apiDefinition": Value::Null,
        "wsdlUri": Value::Null,
        "subtype": api.get("subtypeConfiguration").map_or(Value::Null, |subtype| subtype.at("subtype").clone()),
    });
    let usable: Vec<Value> =
        further.at("tiers").as_array().into_iter().flatten().map(|t| t.at("tierName").clone()).collect();
    if let (Value::Object(target), Value::Object(source)) = (&mut value, further) {
        target.extend(source);
        // Plans that the viewer has no role for are not theirs to know.
        target.insert("throttlingPolicies".to_owned(), usable.into());
    }
    Ok(value)
}

fn operations(api: &ApiDocument) -> Vec<Value> {
    let entry = |operation: &Value| json!({"id": operation.at("id"), "target": operation.at("target"), "verb": operation.at("verb")});
    api.operations().iter().map(entry).collect()
}

fn scopes(api: &ApiDocument) -> Vec<Value> {
    let entry = |item: &Value| {
        let scope = item.at("scope");
        json!({
            "key": scope.at("name"),
            "name": scope.at("displayName").as_str().or_else(|| scope.at("name").as_str()),
            "roles": scope.at("bindings"),
            "description": scope.at("description"),
        })
    };
    api.items("scopes").iter().map(entry).collect()
}

/// Plans of an API that the viewer may use.
pub(crate) async fn plans(
    control: &Control,
    work: &mut UnitOfWork,
    viewer: &Viewer,
    api: &ApiDocument,
) -> Result<Vec<String>, ControlError> {
    let mut usable = Vec::new();
    for plan in api.plans() {
        let allowed = if plan == UNLIMITED {
            control.settings().portal.unlimited_tier
        } else {
            let found = policies::find_by_name(work, viewer.tenant.id, Level::Subscription.as_str(), plan).await?;
            found.is_some_and(|row| may_use(&row.document, |role| viewer.has_role(role)))
        };
        if allowed {
            usable.push(plan.to_owned());
        }
    }
    Ok(usable)
}

async fn tiers(
    control: &Control,
    work: &mut UnitOfWork,
    viewer: &Viewer,
    api: &ApiDocument,
) -> Result<Vec<Value>, ControlError> {
    let plans = plans(control, work, viewer, api).await?;
    let entry = |plan: String| json!({"tierName": plan, "tierPlan": "FREE", "monetizationAttributes": Value::Null});
    Ok(plans.into_iter().map(entry).collect())
}

/// Where consumers call the API: one entry per environment that its publisher wants to be shown.
pub(crate) async fn endpoint_urls(
    control: &Control,
    work: &mut UnitOfWork,
    row: &ApiRow,
    api: &ApiDocument,
) -> Result<Vec<Value>, ControlError> {
    let mut list = Vec::new();
    for deployment in revision::deployments(work, row.id).await?.into_iter().filter(|d| d.display_on_devportal) {
        let found = environment::find_by_name(control, work, row.tenant, &deployment.environment).await?;
        let Some(environment) = found else { continue };
        let hosts = environment.at("vhosts").as_array().map(Vec::as_slice).unwrap_or_default();
        let Some(vhost) = hosts.iter().find(|v| v.at("host") == deployment.vhost.as_str()).or_else(|| hosts.first())
        else {
            continue;
        };
        let path = versioned(row);
        list.push(json!({
            "environmentName": environment.at("name"),
            "environmentDisplayName": environment.at("displayName"),
            "environmentType": environment.at("type"),
            "URLs": urls(vhost, api, &row.kind, &path),
            "defaultVersionURLs": if row.is_default {
                urls(vhost, api, &row.kind, &row.context.replace("/{version}", ""))
            } else {
                json!({"http": null, "https": null, "ws": null, "wss": null})
            },
        }));
    }
    Ok(list)
}

/// Context with version.
fn versioned(row: &ApiRow) -> String {
    if row.context.contains("{version}") {
        row.context.replace("{version}", &row.version)
    } else {
        format!("{}/{}", row.context, row.version)
    }
}

fn urls(vhost: &Value, api: &ApiDocument, kind: &str, path: &str) -> Value {
    let context = vhost.at("httpContext").as_str().unwrap_or_default().trim_matches('/');
    let context = if context.is_empty() { String::new() } else { format!("/{context}") };
    let address = |scheme: &str, port: &str, usual: u64, context: &str| {
        let host = vhost.at("host").as_str().unwrap_or_default();
        match vhost[port].as_u64() {
            Some(number) if number != usual && number != 0 => format!("{scheme}://{host}:{number}{context}{path}"),
            _ => format!("{scheme}://{host}{context}{path}"),
        }
    };
    let transports = api.texts("transport");
    let mut urls = Map::new();
    let web_socket = matches!(kind, "WS") || (kind == "GRAPHQL");
    let http = kind != "WS";
    let mut put = |name: &str, wanted: bool, url: String| {
        urls.insert(name.to_owned(), if wanted { json!(url) } else { Value::Null });
    };
    put("http", http && transports.contains(&"http"), address("http", "httpPort", 80, &context));
    put("https", http && transports.contains(&"https"), address("https", "httpsPort", 443, &context));
    put("ws", web_socket, address("ws", "wsPort", 80, ""));
    put("wss", web_socket, address("wss", "wssPort", 443, ""));
    Value::Object(urls)
}

#[cfg(test)]
mod tests {
    use super::urls;
    use serde_json::json;

    #[test]
    fn usual_ports_are_left_out_and_transports_decide() {
        let api = serde_json::from_value(json!({"transport": ["https"]})).unwrap();
        let vhost = json!({"host": "gw.example.com", "httpContext": "edge", "httpPort": 80, "httpsPort": 443,
                           "wsPort": 9099, "wssPort": 8099});
        let shown = urls(&vhost, &api, "HTTP", "/pizza/1.0.0");
        assert_eq!(
            shown,
            json!({"http": null, "https": "https://gw.example.com/edge/pizza/1.0.0",
                                 "ws": null, "wss": null})
        );
        let socket = urls(&vhost, &api, "WS", "/chat/1.0.0");
        assert_eq!(socket["wss"], "wss://gw.example.com:8099/chat/1.0.0");
        assert!(socket["https"].is_null());
    }
}
