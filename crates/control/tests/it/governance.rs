//! Governance: rulesets and policies, what they block, and what they tell after changes.

use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{ADMIN, CREATOR, FOREIGN, SUBSCRIBER, World};

const PATH: &str = "/api/am/governance/v1";
const RULES: &str = "rules:\n  named-owner:\n    description: Somebody owns it.\n    severity: error\n    given: $\n    then:\n      \
                     field: businessInformation.businessOwner\n      function: truthy\n";

async fn ruleset(world: &World, who: &str, name: &str, content: &str) -> (StatusCode, Value) {
    let parts: [(&str, Option<&str>, &[u8]); 6] = [
        ("name", None, name.as_bytes()),
        ("ruleCategory", None, b"SPECTRAL"),
        ("ruleType", None, b"API_METADATA"),
        ("artifactType", None, b"REST_API"),
        ("provider", None, b"us"),
        ("rulesetContent", Some("r.yaml"), content.as_bytes()),
    ];
    world.form(who, "POST", &format!("{PATH}/rulesets"), &parts).await
}

async fn compliance(world: &World, who: &str, api: &str) -> Value {
    let (status, shown) = world.send(who, "GET", &format!("{PATH}/artifact-compliance/api/{api}"), None).await;
    assert_eq!(status, StatusCode::OK, "{shown}");
    shown
}

async fn judge(world: &World) {
    while world.control.judge_waiting().await.unwrap() > 0 {}
}

#[tokio::test]
async fn a_change_is_judged_and_a_policy_blocks_what_breaks_its_rules() {
    let world = World::new().await;
    let api = world.create(CREATOR, json!({"name": "Pizza", "version": "1.0.0", "context": "/pizza"})).await;
    let id = api["id"].as_str().unwrap();
    assert_eq!(compliance(&world, ADMIN, id).await["status"], "PENDING");
    // A job that came before the tenant had rules asks for all of its APIs; one that is done twice does the same twice.
    judge(&world).await;
    assert_eq!(world.control.judge_waiting().await.unwrap(), 0);
    let shown = compliance(&world, ADMIN, id).await;
    assert_eq!(shown["status"], "NON_COMPLIANT", "{shown}");
    assert_eq!(shown["governedPolicies"][0]["name"], "WSO2 API Management Best Practices");
    assert_eq!(shown["governedPolicies"][0]["status"], "VIOLATED");
    assert_eq!((&shown["info"]["type"], &shown["info"]["name"]), (&json!("API"), &json!("Pizza")));
    let (status, made) = ruleset(&world, ADMIN, "Owners", RULES).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let policy = json!({
        "name": "Strict", "rulesets": [made["id"]], "governableStates": ["API_DEPLOY", "API_PUBLISH"], "labels": ["global"],
        "actions": [{"state": "API_DEPLOY", "ruleSeverity": "ERROR", "type": "BLOCK"}],
    });
    let (status, policy) = world.send(ADMIN, "POST", &format!("{PATH}/policies"), Some(policy)).await;
    assert_eq!(status, StatusCode::CREATED, "{policy}");
    let revisions = format!("/api/am/publisher/v4/apis/{id}/revisions");
    let (status, refused) = world.send(CREATOR, "POST", &revisions, Some(json!({"description": "x"}))).await;
    assert_eq!((status, &refused["code"]), (StatusCode::BAD_REQUEST, &json!(903_300)), "{refused}");
    assert!(refused.to_string().contains("named-owner"), "{refused}");
    let one = format!("/api/am/publisher/v4/apis/{id}");
    let (_, mut whole) = world.send(CREATOR, "GET", &one, None).await;
    whole["businessInformation"] = json!({"businessOwner": "Ada"});
    assert_eq!(world.send(CREATOR, "PUT", &one, Some(whole)).await.0, StatusCode::OK);
    assert_eq!(world.send(CREATOR, "POST", &revisions, Some(json!({"description": "x"}))).await.0, StatusCode::CREATED);
    judge(&world).await;
    let result =
        format!("{PATH}/artifact-compliance/api/{id}/ruleset-validation-results/{}", made["id"].as_str().unwrap());
    let (_, result) = world.send(ADMIN, "GET", &result, None).await;
    assert_eq!((&result["status"], &result["followedRules"][0]["name"]), (&json!("PASSED"), &json!("named-owner")));
    // A ruleset in use stays; what was removed judges nobody.
    let one = format!("{PATH}/rulesets/{}", made["id"].as_str().unwrap());
    let (status, refused) = world.send(ADMIN, "DELETE", &one, None).await;
    assert_eq!((status, &refused["code"]), (StatusCode::CONFLICT, &json!(990_101)));
    let policy = format!("{PATH}/policies/{}", policy["id"].as_str().unwrap());
    assert_eq!(world.send(ADMIN, "DELETE", &policy, None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(world.send(ADMIN, "DELETE", &one, None).await.0, StatusCode::NO_CONTENT);
    assert_eq!(world.send(ADMIN, "GET", &one, None).await.0, StatusCode::NOT_FOUND);
    for path in
        ["artifact-compliance/api", "artifact-compliance/api/summary", "policy-adherence", "policy-adherence/summary"]
    {
        let (status, list) = world.send(ADMIN, "GET", &format!("{PATH}/{path}"), None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {list}");
    }
}

#[tokio::test]
async fn rules_with_mistakes_and_strangers_are_refused() {
    let world = World::new().await;
    let bad = RULES.replace("function: truthy", "function: truthy\n      functionOptions: {min: 1}");
    let (status, refused) = ruleset(&world, ADMIN, "Bad", &bad).await;
    assert_eq!((status, &refused["code"]), (StatusCode::BAD_REQUEST, &json!(990_120)), "{refused}");
    let (_, made) = ruleset(&world, ADMIN, "Mine", RULES).await;
    assert_eq!(ruleset(&world, ADMIN, "Mine", RULES).await.0, StatusCode::CONFLICT);
    let one = format!("{PATH}/rulesets/{}", made["id"].as_str().unwrap());
    // Another tenant's administrator finds nothing, and consumers may not look.
    assert_eq!(world.send("admin+example.com", "GET", &one, None).await.0, StatusCode::NOT_FOUND);
    assert_eq!(world.send("admin+example.com", "DELETE", &one, None).await.0, StatusCode::NOT_FOUND);
    for who in [SUBSCRIBER, FOREIGN] {
        assert_eq!(world.send(who, "GET", &one, None).await.0, StatusCode::UNAUTHORIZED, "{who}");
    }
    let policies = format!("{PATH}/policies");
    let blocks_drafts = json!({
        "name": "P", "rulesets": [made["id"]], "governableStates": ["API_UPDATE"], "labels": ["global"],
        "actions": [{"state": "API_UPDATE", "ruleSeverity": "WARN", "type": "BLOCK"}],
    });
    assert_eq!(world.send(ADMIN, "POST", &policies, Some(blocks_drafts)).await.0, StatusCode::BAD_REQUEST);
    let foreign =
        json!({"name": "P", "rulesets": [made["id"]], "governableStates": ["API_UPDATE"], "labels": ["global"]});
    let (status, refused) = world.send("admin+example.com", "POST", &policies, Some(foreign)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{refused}");
}
