//! What a product takes from its members.

use model::{ApiDocument, ApiId};
use serde_json::{Map, Value, json};
use store::UnitOfWork;

use crate::document::Faults;
use crate::publishing::load::{load, parse};
use crate::{Actor, ControlError};

/// Field of a stored product that holds what the gateway needs of its members: id, endpoints and policies of each.
pub(crate) const MEMBERS: &str = "memberApis";
/// Field of an operation of a stored product: the id of the member that it was taken from.
const MEMBER: &str = "memberApi";
/// Most members of a product.
const MAX_MEMBERS: usize = 100;

/// Fills in operations and members for the wanted entries of `apis`.
pub(super) async fn take(
    work: &mut UnitOfWork,
    actor: &Actor,
    document: &mut ApiDocument,
    wanted: &[Value],
) -> Result<(), ControlError> {
    let mut faults = Faults::default();
    if wanted.is_empty() || wanted.len() > MAX_MEMBERS {
        faults.field("apis", "a product has 1 to 100 APIs");
    }
    let (mut apis, mut operations, mut members) = (Vec::new(), Vec::<Value>::new(), Vec::new());
    for entry in wanted.iter().take(MAX_MEMBERS) {
        let id = entry.get("apiId").and_then(Value::as_str).unwrap_or_default();
        let Ok(parsed) = id.parse::<ApiId>() else {
            faults.field("apis", "every entry has the id of an API in apiId");
            continue;
        };
        let row = load(work, actor, parsed).await?;
        let member = parse(&row)?;
        if row.kind != "HTTP" && row.kind != "SOAPTOREST" {
            faults.field("apis", &format!("{} is of type {}; a product is made of REST APIs", row.name, row.kind));
            continue;
        }
        if members.iter().any(|known: &Value| known.get("apiId").and_then(Value::as_str) == Some(id)) {
            faults.field("apis", &format!("{} is listed twice", row.name));
            continue;
        }
        for (verb, target) in pairs(entry.get("operations")) {
            let Some(found) = operation(&member, &verb, &target) else {
                faults.field("apis", &format!("{} has no operation {verb} {target}", row.name));
                continue;
            };
            if operations.iter().any(|known| same(known, &verb, &target)) {
                faults.field("apis", &format!("two APIs contribute {verb} {target}; leave one of them out"));
                continue;
            }
            let mut taken = found.clone();
            if let Value::Object(fields) = &mut taken {
                fields.insert(MEMBER.to_owned(), id.into());
            }
            operations.push(taken);
        }
        apis.push(json!({"name": row.name, "apiId": id, "version": row.version}));
        let kept = |field: &str| member.get(field).cloned().unwrap_or(Value::Null);
        members.push(json!({
            "apiId": id, "endpointConfig": kept("endpointConfig"), "apiPolicies": kept("apiPolicies"),
        }));
    }
    faults.into_result()?;
    document.set("apis", apis);
    document.set("operations", operations);
    document.set(MEMBERS, members);
    Ok(())
}

/// Verb and target of listed operations.
fn pairs(list: Option<&Value>) -> Vec<(String, String)> {
    let list = list.and_then(Value::as_array).into_iter().flatten();
    list.filter_map(|entry| {
        let text = |field: &str| entry.get(field).and_then(Value::as_str);
        Some((text("verb")?.to_uppercase(), text("target")?.to_owned()))
    })
    .collect()
}

fn same(entry: &Value, verb: &str, target: &str) -> bool {
    let text = |field: &str| entry.get(field).and_then(Value::as_str).unwrap_or_default();
    text("verb").eq_ignore_ascii_case(verb) && text("target") == target
}

/// An operation of an API.
pub(super) fn operation<'a>(api: &'a ApiDocument, verb: &str, target: &str) -> Option<&'a Value> {
    api.operations().iter().find(|entry| same(entry, verb, target))
}

/// Verb and target of what a stored product takes from a member.
pub(super) fn taken_from(product: &ApiDocument, member: &str) -> Vec<(String, String)> {
    let of_member = |entry: &&Value| entry.get(MEMBER).and_then(Value::as_str) == Some(member);
    let own: Vec<Value> = product.operations().iter().filter(of_member).cloned().collect();
    pairs(Some(&Value::Array(own)))
}

/// `apis` as answers show it: each member with its operations.
pub(super) fn shown(product: &ApiDocument) -> Vec<Value> {
    let mut apis = product.items("apis").to_vec();
    for entry in &mut apis {
        let id = entry.get("apiId").and_then(Value::as_str).unwrap_or_default().to_owned();
        let own = product.operations().iter().filter(|o| o.get(MEMBER).and_then(Value::as_str) == Some(&id));
        let own: Vec<Value> = own.cloned().map(without_member).collect();
        if let Value::Object(fields) = entry {
            fields.insert("operations".to_owned(), own.into());
        }
    }
    apis
}

fn without_member(mut operation: Value) -> Value {
    if let Value::Object(fields) = &mut operation {
        fields.shift_remove(MEMBER);
    }
    operation
}

/// The members of a stored product as APIs of their own: id, and an object with endpoints, policies and the operations
/// that the product takes. Empty for an API that is no product.
pub(crate) fn member_documents(product: &ApiDocument) -> Vec<(ApiId, ApiDocument)> {
    let mut documents = Vec::new();
    for entry in product.items(MEMBERS) {
        let id = entry.get("apiId").and_then(Value::as_str).unwrap_or_default();
        let Ok(parsed) = id.parse::<ApiId>() else { continue };
        let own = product.operations().iter().filter(|o| o.get(MEMBER).and_then(Value::as_str) == Some(id));
        let mut fields = Map::new();
        fields.insert("operations".to_owned(), own.cloned().map(without_member).collect::<Vec<_>>().into());
        for field in ["endpointConfig", "apiPolicies"] {
            fields.insert(field.to_owned(), entry.get(field).cloned().unwrap_or(Value::Null));
        }
        if let Ok(document) = serde_json::from_value(Value::Object(fields)) {
            documents.push((parsed, document));
        }
    }
    documents
}
