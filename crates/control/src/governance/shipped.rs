//! The rulesets and the policy that every tenant starts with. Names are WSO2's; the rules are our own.

use model::TenantId;
use serde_json::json;
use store::UnitOfWork;
use store::repository::catalogue::{self, ItemKind, ItemRow};

use super::STATES;
use crate::{Control, ControlError};

/// Name, description, kind of rules, kind of API, rules.
const RULESETS: [(&str, &str, &str, &str, &str); 3] = [
    (
        "WSO2 API Management Guidelines",
        "What consumers need to find and trust an API: description, tags, owners, documents.",
        "API_METADATA",
        "ALL_API",
        include_str!("rulesets/api_management.yaml"),
    ),
    (
        "WSO2 REST API Design Guidelines",
        "How resources, operations and answers of a REST API are named and described.",
        "API_DEFINITION",
        "REST_API",
        include_str!("rulesets/rest_design.yaml"),
    ),
    (
        "OWASP Top 10",
        "What of the OWASP API Security Top 10 (2023) can be read off a definition.",
        "API_DEFINITION",
        "REST_API",
        include_str!("rulesets/owasp_top_10.yaml"),
    ),
];

const POLICY: &str = "WSO2 API Management Best Practices";

pub(super) async fn insert(control: &Control, work: &mut UnitOfWork, tenant: TenantId) -> Result<(), ControlError> {
    let now = control.now();
    let stamp = now.rfc3339();
    let mut ids = Vec::new();
    for (name, description, kind, artifact, content) in RULESETS {
        let id = control.uuid();
        let document = json!({
            "id": id.to_string(),
            "name": name,
            "description": description,
            "ruleCategory": "SPECTRAL",
            "ruleType": kind,
            "artifactType": artifact,
            "documentationLink": "",
            "provider": "System",
            "content": content,
            "createdBy": "System",
            "createdTime": stamp,
            "updatedBy": "System",
            "updatedTime": stamp,
        });
        let row = ItemRow { id, tenant, name: name.to_owned(), document };
        catalogue::insert(work, ItemKind::GovernanceRuleset, &row, now).await?;
        ids.push(id.to_string());
    }
    let id = control.uuid();
    let document = json!({
        "id": id.to_string(),
        "name": POLICY,
        "description": "What every API of this tenant should follow. It tells, and blocks nothing.",
        "governableStates": STATES,
        "rulesets": ids,
        "labels": ["global"],
        "actions": STATES
            .iter()
            .flat_map(|state| ["ERROR", "WARN"].map(|severity| json!({"state": state, "ruleSeverity": severity, "type": "NOTIFY"})))
            .collect::<Vec<_>>(),
        "createdBy": "System",
        "createdTime": stamp,
        "updatedBy": "System",
        "updatedTime": stamp,
    });
    let row = ItemRow { id, tenant, name: POLICY.to_owned(), document };
    Ok(catalogue::insert(work, ItemKind::GovernancePolicy, &row, now).await?)
}

#[cfg(test)]
mod tests {
    use super::RULESETS;
    use crate::governance::ruleset::Ruleset;
    use serde_json::json;

    #[test]
    fn a_bare_api_violates_and_a_described_one_follows_them() {
        let bare = json!({"name": "Bare", "openapi": "3.0.1", "info": {"title": "Bare", "version": "1"}, "paths": {"/getUsers/": {"get": {"responses": {"200": {"description": "OK"}}}}}});
        let good = json!({
            "name": "Pizzas", "description": "Orders and menus of all our kitchens.", "tags": ["food"],
            "businessInformation": {"businessOwner": "Ada", "businessOwnerEmail": "ada@example.com",
                                    "technicalOwner": "Bo", "technicalOwnerEmail": "bo@example.com"},
            "openapi": "3.0.1",
            "info": {"title": "Pizzas", "version": "1.0.0", "description": "Orders and menus of all our kitchens.",
                     "contact": {"name": "Ada", "email": "ada@example.com"}, "license": {"name": "Apache-2.0"}},
            "servers": [{"url": "https://api.example.com"}],
            "tags": ["orders"],
            "components": {"securitySchemes": {"default": {"type": "oauth2"}}},
            "security": [{"default": []}],
            "paths": {"/orders": {"get": {
                "operationId": "listOrders", "summary": "List orders", "description": "All orders of the caller.",
                "tags": ["orders"],
                "responses": {"200": {"description": "The orders."}, "400": {"description": "No."}, "401": {"description": "Sign in."},
                              "429": {"description": "Later."}, "500": {"description": "Our fault."}},
            }}},
        });
        for (name, _, _, _, content) in RULESETS {
            let rules = Ruleset::parse(content.as_bytes()).unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
            assert!(!rules.judge(&bare).unwrap().violated.is_empty(), "{name} finds nothing");
            let found = rules.judge(&good).unwrap();
            assert!(found.violated.is_empty(), "{name}: {:?}", found.violated);
            assert!(found.followed.len() > 4, "{name}");
        }
    }
}
