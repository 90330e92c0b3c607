//! What is deployed: lists, and single artifacts by name, in WSO2's shapes.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value as Json, json};
use synapse::artifact::{Artifact, DataService, Mapping, ProcessorKind, SourceKind, StoreKind, Trigger};
use web::{Answer, Call, Permit, RestError};

use super::Management;
use crate::deployment::{Deployed, Deployment};

type Result = std::result::Result<Answer, RestError>;

/// A list, narrowed by the query parameter `searchKey` as WSO2 does.
fn list(call: &Call, items: Vec<Json>) -> Answer {
    let wanted = call.query("searchKey").unwrap_or_default().to_lowercase();
    let fits = |item: &Json| {
        wanted.is_empty()
            || item.get("name").and_then(Json::as_str).is_some_and(|name| name.to_lowercase().contains(&wanted))
    };
    let items: Vec<Json> = items.into_iter().filter(fits).collect();
    web::json(StatusCode::OK, &json!({ "count": items.len(), "list": items }))
}

/// One of them, when the query names it, else all.
fn answer(call: &Call, key: &str, items: Vec<Json>, detail: impl Fn(&str) -> Option<Json>) -> Result {
    match call.query(key) {
        None => Ok(list(call, items)),
        Some(name) => match detail(name) {
            Some(found) => Ok(web::json(StatusCode::OK, &found)),
            None => Err(RestError::not_found(format!("There is nothing with the name {name:?}."))),
        },
    }
}

fn of_kind(deployment: &Deployment, kind: &str, one: impl Fn(&Deployed) -> Json) -> Vec<Json> {
    deployment.of_kind(kind).map(one).collect()
}

fn container(deployed: &Deployed) -> String {
    match &deployed.application {
        Some(application) => format!("[ Deployed From Artifact Container: {application} ] "),
        None => "[ Deployed From Artifact Container: None ] ".to_owned(),
    }
}

/// Adds the text of an artifact to what is told of it.
fn with_text(deployment: &Deployment, kind: &str, name: &str, mut told: Json) -> Option<Json> {
    let deployed = deployment.find(kind, name)?;
    if let Json::Object(members) = &mut told {
        members.insert("name".to_owned(), json!(name));
        members.insert("container".to_owned(), json!(container(deployed)));
        members.insert("configuration".to_owned(), json!(hidden(&deployed.text)));
    }
    Some(told)
}

/// Passwords that artifacts write out stay on the server.
fn hidden(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut secret = false;
    for piece in text.split_inclusive('>') {
        let (content, tag) = piece.rfind('<').map_or((piece, ""), |at| piece.split_at(at));
        out.push_str(if secret && !content.trim().is_empty() { "*****" } else { content });
        let named = tag.to_ascii_lowercase().contains("password");
        match tag.find(" value=\"").filter(|_| named) {
            // <property name="x.password" value="y"/>
            Some(at) => {
                let (head, rest) = tag.split_at(at + " value=\"".len());
                let tail = rest.find('"').and_then(|end| rest.get(end..)).unwrap_or("\">");
                out.push_str(head);
                out.push_str("*****");
                out.push_str(tail);
            }
            None => out.push_str(tag),
        }
        let lower = tag.to_ascii_lowercase();
        secret = !lower.starts_with("</") && !lower.ends_with("/>") && lower.contains("password");
    }
    out
}

pub(super) async fn apis(management: Arc<Management>, _: Permit, call: Call) -> Result {
    let deployment = management.integrator.current();
    let apis = &deployment.configuration.apis;
    let base = management.address();
    let items = apis
        .iter()
        .map(|api| json!({ "name": api.name, "url": format!("{base}{}", api.context), "tracing": "disabled" }));
    answer(&call, "apiName", items.collect(), |name| {
        let api = apis.iter().find(|api| api.name == name)?;
        let resources: Vec<Json> = api
            .resources
            .iter()
            .map(|resource| {
                let url = match &resource.mapping {
                    Mapping::Template(template) => template.source.as_str(),
                    Mapping::Url(mapping) => mapping.as_str(),
                    Mapping::Default => "/*",
                };
                json!({ "methods": resource.methods, "url": url })
            })
            .collect();
        let version = if api.version.is_empty() { "N/A" } else { &api.version };
        let told = json!({ "context": api.context, "version": version, "port": api.port.map_or(-1, i64::from),
            "host": api.hostname, "tracing": "disabled", "stats": "disabled", "resources": resources,
            "urls": [format!("{base}{}", api.context)] });
        with_text(&deployment, "api", name, told)
    })
}

pub(super) async fn proxies(management: Arc<Management>, _: Permit, call: Call) -> Result {
    let deployment = management.integrator.current();
    let base = management.address();
    let address = |name: &str| format!("{base}/services/{name}");
    let proxies = &deployment.configuration.proxies;
    let items = proxies.values().map(|proxy| {
        let running = proxy.closed.is_none();
        json!({ "name": proxy.name, "wsdl1_1": format!("{}?wsdl", address(&proxy.name)),
            "wsdl2_0": format!("{}?wsdl2", address(&proxy.name)), "isRunning": running })
    });
    answer(&call, "proxyServiceName", items.collect(), |name| {
        let proxy = proxies.get(name)?;
        let told = json!({ "eprs": [address(name)], "isRunning": proxy.closed.is_none(), "tracing": "disabled",
            "stats": "disabled", "wsdl1_1": format!("{}?wsdl", address(name)) });
        with_text(&deployment, "proxy", name, told)
    })
}

pub(super) async fn sequences(management: Arc<Management>, _: Permit, call: Call) -> Result {
    let deployment = management.integrator.current();
    let one = |known: &Deployed| json!({ "name": known.name, "container": container(known), "tracing": "disabled", "stats": "disabled" });
    answer(&call, "sequenceName", of_kind(&deployment, "sequence", one), |name| {
        with_text(&deployment, "sequence", name, json!({ "tracing": "disabled", "stats": "disabled" }))
    })
}

pub(super) async fn endpoints(management: Arc<Management>, _: Permit, call: Call) -> Result {
    let deployment = management.integrator.current();
    let switches = management.integrator.context().switches();
    let kind = |text: &str| {
        let kinds = ["http", "address", "wsdl", "default", "loadbalance", "failover", "recipientlist"];
        kinds.into_iter().find(|kind| text.contains(&format!("<{kind}"))).unwrap_or("template")
    };
    let one = |known: &Deployed| json!({ "name": known.name, "type": kind(&known.text), "isActive": !switches.is_off(&known.name) });
    answer(&call, "endpointName", of_kind(&deployment, "endpoint", one), |name| {
        let text = deployment.find("endpoint", name)?.text.clone();
        with_text(&deployment, "endpoint", name, json!({ "type": kind(&text), "isActive": !switches.is_off(name) }))
    })
}

pub(super) async fn templates(management: Arc<Management>, _: Permit, call: Call) -> Result {
    let deployment = management.integrator.current();
    let is_endpoint = |known: &Deployed| known.text.contains("<endpoint") && !known.text.contains("<sequence");
    if let (Some(name), Some(_)) = (call.query("name"), call.query("type")) {
        return match with_text(&deployment, "template", name, json!({})) {
            Some(found) => Ok(web::json(StatusCode::OK, &found)),
            None => Err(RestError::not_found(format!("There is no template {name:?}."))),
        };
    }
    let named = |endpoint: bool| -> Vec<Json> {
        deployment
            .of_kind("template")
            .filter(|known| is_endpoint(known) == endpoint)
            .map(|known| json!({ "name": known.name }))
            .collect()
    };
    Ok(web::json(StatusCode::OK, &json!({ "sequenceTemplateList": named(false), "endpointTemplateList": named(true) })))
}

pub(super) async fn entries(management: Arc<Management>, _: Permit, call: Call) -> Result {
    let deployment = management.integrator.current();
    let kind = |text: &str| {
        if text.contains("src=") {
            "Source URL"
        } else if text.contains("><") {
            "Inline XML"
        } else {
            "Inline Text"
        }
    };
    let one = |known: &Deployed| json!({ "name": known.name, "type": kind(&known.text) });
    answer(&call, "name", of_kind(&deployment, "localEntry", one), |name| {
        let text = deployment.find("localEntry", name)?.text.clone();
        with_text(&deployment, "localEntry", name, json!({ "type": kind(&text), "value": hidden(&text) }))
    })
}

pub(super) async fn inbound(management: Arc<Management>, _: Permit, call: Call) -> Result {
    let deployment = management.integrator.current();
    let all: Vec<Json> = others(&deployment)
        .filter_map(|artifact| match artifact {
            Artifact::InboundEndpoint(one) => {
                let status = if one.suspended { "inactive" } else { "active" };
                Some(json!({ "name": one.name, "protocol": one.protocol, "status": status, "sequence": one.sequence,
                "error": one.on_error, "tracing": "disabled", "stats": "disabled" }))
            }
            _ => None,
        })
        .collect();
    let found = all.clone();
    answer(&call, "inboundEndpointName", all, |name| {
        let told = found.iter().find(|item| item.get("name").and_then(Json::as_str) == Some(name))?;
        with_text(&deployment, "inboundEndpoint", name, told.clone())
    })
}

fn others(deployment: &Deployment) -> impl Iterator<Item = &Artifact> {
    deployment.configuration.others.iter().map(AsRef::as_ref)
}

pub(super) async fn connectors(management: Arc<Management>, _: Permit, call: Call) -> Result {
    let deployment = management.integrator.current();
    let members = deployment.applications.iter().flat_map(|application| &application.members);
    let items = members.filter(|member| member.kind.ends_with("lib")).map(
        |member| json!({ "name": member.name, "package": "", "description": member.version, "status": "enabled" }),
    );
    Ok(list(&call, items.collect()))
}

pub(super) async fn data_services(management: Arc<Management>, _: Permit, call: Call) -> Result {
    let deployment = management.integrator.current();
    let base = management.address();
    let services: Vec<&DataService> = others(&deployment)
        .filter_map(|artifact| match artifact {
            Artifact::DataService(service) => Some(service.as_ref()),
            _ => None,
        })
        .collect();
    let items = services.iter().map(|service| {
        json!({ "name": service.name, "wsdl1_1": format!("{base}/services/{}?wsdl", service.name),
        "wsdl2_0": format!("{base}/services/{}?wsdl2", service.name) })
    });
    answer(&call, "dataServiceName", items.collect(), |name| {
        let service = services.iter().find(|service| service.name == name)?;
        let queries: Vec<Json> = service
            .queries
            .iter()
            .map(|query| {
                json!({ "id": query.id, "dataSourceId": query.source,
            "namespace": query.result.as_ref().map(|result| result.namespace.clone()).unwrap_or_default() })
            })
            .collect();
        let operations: Vec<Json> = service
            .operations
            .iter()
            .map(|operation| {
                json!({ "operationName": operation.name,
            "queryName": operation.calls.first().map(|call| call.query.clone()) })
            })
            .collect();
        let resources: Vec<Json> = service
            .resources
            .iter()
            .map(|resource| {
                json!({ "resourcePath": resource.path,
            "resourceMethod": resource.method, "resourceQuery": resource.calls.first().map(|call| call.query.clone()) })
            })
            .collect();
        let sources: Vec<Json> = service
            .sources
            .iter()
            .map(|source| {
                json!({ "dataSourceId": source.id,
            "dataSourceType": if source.kind == SourceKind::Csv { "CSV" } else { "RDBMS" } })
            })
            .collect();
        let told = json!({ "serviceName": service.name, "serviceGroupName": "", "queries": queries, "operations": operations,
            "resources": resources, "dataSources": sources, "isRunning": service.closed.is_none() });
        with_text(&deployment, "data-service", name, told)
    })
}

pub(super) async fn data_sources(management: Arc<Management>, _: Permit, call: Call) -> Result {
    let sources = management.integrator.data_sources();
    let items: Vec<Json> = sources.iter().map(|source| json!({ "name": source.name, "type": source.kind })).collect();
    let found = items.clone();
    answer(&call, "name", items, |name| {
        found.iter().find(|item| item.get("name").and_then(Json::as_str) == Some(name)).cloned()
    })
}

pub(super) async fn stores(management: Arc<Management>, _: Permit, call: Call) -> Result {
    let deployment = management.integrator.current();
    let states = management.integrator.stores().await;
    let kind = |name: &str| {
        let found = others(&deployment).find_map(|artifact| match artifact {
            Artifact::MessageStore(store) if store.name == name => Some(store.kind),
            _ => None,
        });
        match found {
            Some(StoreKind::Jdbc) => "jdbc-message-store",
            _ => "in-memory-message-store",
        }
    };
    let items =
        states.iter().map(|store| json!({ "name": store.name, "type": kind(&store.name), "size": store.messages }));
    answer(&call, "name", items.collect(), |name| {
        let store = states.iter().find(|store| store.name == name)?;
        with_text(&deployment, "messageStore", name, json!({ "type": kind(name), "size": store.messages }))
    })
}

pub(super) async fn processors(management: Arc<Management>, _: Permit, call: Call) -> Result {
    let deployment = management.integrator.current();
    let states = management.integrator.processors();
    let kind = |name: &str| {
        let found = others(&deployment).find_map(|artifact| match artifact {
            Artifact::MessageProcessor(processor) if processor.name == name => Some(processor.kind),
            _ => None,
        });
        match found {
            Some(ProcessorKind::Sampling) => "Sampling-processor",
            Some(ProcessorKind::Failover) => "Failover-scheduled-message-forwarding-processor",
            _ => "Scheduled-message-forwarding-processor",
        }
    };
    let status = |active: bool| if active { "active" } else { "inactive" };
    let items =
        states.iter().map(|one| json!({ "name": one.name, "type": kind(&one.name), "status": status(one.active) }));
    answer(&call, "messageProcessorName", items.collect(), |name| {
        let one = states.iter().find(|one| one.name == name)?;
        let told = json!({ "type": kind(name), "messageStore": one.store, "status": status(one.active) });
        with_text(&deployment, "messageProcessor", name, told)
    })
}

pub(super) async fn tasks(management: Arc<Management>, _: Permit, call: Call) -> Result {
    let deployment = management.integrator.current();
    let states = management.integrator.tasks();
    let status = |paused: bool| if paused { "inactive" } else { "active" };
    let items = states.iter().map(|task| json!({ "name": task.name, "status": status(task.paused) }));
    answer(&call, "taskName", items.collect(), |name| {
        let state = states.iter().find(|task| task.name == name)?;
        let trigger = others(&deployment).find_map(|artifact| match artifact {
            Artifact::Task(task) if task.name == name => Some(&task.trigger),
            _ => None,
        })?;
        let (kind, count, interval, cron) = match trigger {
            Trigger::Interval { every, count } => ("simple", count.map_or(-1, i64::from), every.as_secs_f64(), ""),
            Trigger::Once => ("simple", 1, 0.0, ""),
            Trigger::Cron(cron) => ("cron", -1, 0.0, cron.as_str()),
        };
        let told = json!({ "taskGroup": "synapse.simple.quartz", "implementation": "org.apache.synapse.startup.tasks.MessageInjector",
            "triggerType": kind, "triggerCount": count, "triggerInterval": interval, "triggerCron": cron,
            "status": status(state.paused), "runs": state.runs });
        with_text(&deployment, "task", name, told)
    })
}

pub(super) async fn applications(management: Arc<Management>, _: Permit, call: Call) -> Result {
    let deployment = management.integrator.current();
    let items: Vec<Json> = deployment
        .applications
        .iter()
        .map(|application| {
            let members: Vec<Json> = application
                .members
                .iter()
                .map(
                    |member| json!({ "name": member.name, "type": member.kind.rsplit('/').next().unwrap_or_default() }),
                )
                .collect();
            json!({ "name": application.name, "version": application.version, "artifacts": members })
        })
        .collect();
    if let Some(name) = call.query("carbonAppName") {
        return match items.iter().find(|item| item.get("name").and_then(Json::as_str) == Some(name)) {
            Some(found) => Ok(web::json(StatusCode::OK, found)),
            None => Err(RestError::not_found(format!("There is no application {name:?}."))),
        };
    }
    let count = items.len();
    // A faulty application is refused whole, so that there is none that is half there.
    let all =
        json!({ "totalCount": count, "activeCount": count, "faultyCount": 0, "activeList": items, "faultyList": [] });
    Ok(web::json(StatusCode::OK, &all))
}

#[cfg(test)]
mod tests {
    #[test]
    fn passwords_of_artifacts_are_not_shown() {
        let text = r#"<config><property name="org.wso2.ws.dataservice.password">wso2ds</property><password>x</password><a>y</a><password/>z<property name="b.password" value="q1" x="2"/></config>"#;
        let shown = super::hidden(text);
        assert!(
            !shown.contains("wso2ds")
                && !shown.contains(">x<")
                && !shown.contains("q1")
                && shown.contains("<a>y</a>")
                && shown.contains(r#"value="*****" x="2"/></config>"#),
            "{shown}"
        );
    }
}
