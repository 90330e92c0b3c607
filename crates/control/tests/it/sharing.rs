//! Applications that are shared with groups, and attributes that the configuration asks for.

use control::{ApplicationAttribute, ControlSettings, PortalSettings};
use http::StatusCode;
use model::{Rng, TenantId, Timestamp, UserId};
use serde_json::{Value, json};
use store::repository::user::{self, UserRow};
use testkit::SeededRng;

use crate::applications::PORTAL;
use crate::world::{BLUE, NEIGHBOUR, SUBSCRIBER, World};

async fn member(world: &World, name: &str, organization: &str) {
    let rng: &dyn Rng = &SeededRng::new(77);
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let attributes = json!({enterprise: {"organization": organization}});
    let row = UserRow {
        id: UserId::new(rng.uuid()),
        tenant: TenantId::SUPER,
        name: name.to_owned(),
        password_hash: String::new(),
        locked: false,
        locked_until: None,
        lock_count: 0,
        failed_attempts: 0,
        attributes: attributes.as_object().unwrap().clone(),
        created_at: Timestamp::from_seconds(1),
        updated_at: Timestamp::from_seconds(1),
    };
    let mut work = world.database.begin().await.unwrap();
    user::insert(&mut work, &row).await.unwrap();
    work.save().await.unwrap();
}

fn settings() -> ControlSettings {
    let attribute = |name: &str, required| ApplicationAttribute {
        name: name.to_owned(),
        description: String::new(),
        required,
        hidden: false,
        default: None,
    };
    ControlSettings {
        portal: PortalSettings {
            application_sharing: true,
            empty_attributes: true,
            application_attributes: vec![attribute("Cost Centre", true), attribute("Note", false)],
            ..PortalSettings::default()
        },
        ..ControlSettings::default()
    }
}

fn wanted(groups: &[&str]) -> Value {
    json!({"name": "Ours", "throttlingPolicy": "10PerMin", "groups": groups, "attributes": {"Cost Centre": "77", "Note": ""}})
}

#[tokio::test]
async fn members_of_the_group_look_and_only_the_owner_changes() {
    let world = World::with_settings(settings()).await;
    member(&world, NEIGHBOUR, "kitchen, bar").await;
    let made = world.send(SUBSCRIBER, "POST", &format!("{PORTAL}/applications"), Some(wanted(&["bar"]))).await;
    assert_eq!((made.0, &made.1["groups"]), (StatusCode::CREATED, &json!(["bar"])), "{}", made.1);
    assert_eq!(made.1["attributes"], json!({"Cost Centre": "77", "Note": ""}));
    let id = made.1["applicationId"].as_str().unwrap();
    let one = format!("{PORTAL}/applications/{id}");
    let api_keys = format!("{one}/api-keys/PRODUCTION");
    let key = json!({"keyName": "k", "validityPeriod": 3600, "additionalProperties": {}});
    assert_eq!(
        world.send(SUBSCRIBER, "POST", &format!("{api_keys}/generate"), Some(key.clone())).await.0,
        StatusCode::OK
    );
    let served = world.gateway.snapshot().applications.into_values().find(|a| a.name == "Ours").unwrap();
    assert_eq!(served.attributes.get("Cost Centre").map(String::as_str), Some("77"));
    // The member sees the application, and none of the owner's keys.
    let (status, seen) = world.send(NEIGHBOUR, "GET", &one, None).await;
    assert_eq!((status, &seen["owner"]), (StatusCode::OK, &json!("susi")));
    let (_, list) = world.send(NEIGHBOUR, "GET", &format!("{PORTAL}/applications?query=Ours"), None).await;
    assert_eq!(list["count"], 1);
    assert_eq!(world.send(NEIGHBOUR, "GET", &api_keys, None).await.1["count"], 0);
    assert_eq!(world.send(SUBSCRIBER, "GET", &api_keys, None).await.1["count"], 1);
    for (method, path, body) in [
        ("PUT", one.clone(), Some(wanted(&[]))),
        ("DELETE", one.clone(), None),
        ("POST", format!("{api_keys}/generate"), Some(key)),
        (
            "POST",
            format!("{one}/generate-keys"),
            Some(json!({"keyType": "PRODUCTION", "grantTypesToBeSupported": ["client_credentials"]})),
        ),
    ] {
        assert_eq!(world.send(NEIGHBOUR, method, &path, body).await.0, StatusCode::FORBIDDEN, "{method} {path}");
    }
    // Who is in no group, and a tenant's namesake of a member, get nothing.
    assert_eq!(world.send(BLUE, "GET", &one, None).await.0, StatusCode::FORBIDDEN);
    assert_eq!(world.send(&format!("{NEIGHBOUR}+example.com"), "GET", &one, None).await.0, StatusCode::NOT_FOUND);
    // What is shared no longer is nobody else's to know of.
    assert_eq!(world.send(SUBSCRIBER, "PUT", &one, Some(wanted(&[]))).await.0, StatusCode::OK);
    assert_eq!(world.send(NEIGHBOUR, "GET", &one, None).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn required_attributes_are_asked_for() {
    let world = World::with_settings(settings()).await;
    let path = format!("{PORTAL}/applications");
    for attributes in [json!({}), json!({"Cost Centre": " "}), json!({"Cost Centre": "1", "Other": "x"})] {
        let body = json!({"name": "A", "throttlingPolicy": "10PerMin", "attributes": attributes});
        assert_eq!(world.send(SUBSCRIBER, "POST", &path, Some(body)).await.0, StatusCode::BAD_REQUEST);
    }
}
