//! What a lock, a deletion, a reset or a tenant that is switched off means for the clients and applications behind it.

use identity::{ClientOrigin, NewClient};
use model::{ApplicationId, ConsumerKey, Secret, TenantId, Timestamp};
use serde_json::json;
use store::repository::application::{self, ApplicationRow};
use store::repository::user as users;

use crate::server::{PASSWORD, Server, TENANT, basic, bearer};

const OWN_NAME: &str = "grant_type=client_credentials";

/// Keys of an application of the owner: its id, and the authorization.
async fn application_keys(server: &Server, tenant: TenantId, owner: &str) -> (ConsumerKey, String) {
    let grants = ["client_credentials", "password", "refresh_token"].map(str::to_owned).to_vec();
    let new = NewClient::new(ClientOrigin::Application, owner, "app", grants);
    let (client, secret) = server.identity.create_client(tenant, new).await.unwrap();
    let authorization = basic(client.id.as_str(), secret.value.expose());
    (client.id, authorization)
}

async fn is_live(server: &Server, token: &str) -> bool {
    let auth = basic("admin", PASSWORD);
    let reply = server.form("/oauth2/introspect", &auth, &format!("token={token}")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()["active"] == true
}

#[tokio::test]
async fn applications_of_a_locked_owner_get_no_tokens_until_the_owner_is_back() {
    let server = Server::with_admin().await;
    let user = server.user("dev", &[]).await;
    let (id, app) = application_keys(&server, TenantId::SUPER, "dev").await;
    let before = server.form("/oauth2/token", &app, OWN_NAME).await.field("access_token");
    let of_user = server.password_grant(&app, "admin", "").await;
    assert!(is_live(&server, &before).await);
    server.identity.lock_user(TenantId::SUPER, user.id).await.unwrap();

    assert!(!is_live(&server, &before).await, "a token from before the lock");
    assert!(!is_live(&server, &of_user.field("access_token")).await, "a token through a locked owner's application");
    for form in [OWN_NAME, &format!("grant_type=refresh_token&refresh_token={}", of_user.field("refresh_token"))] {
        let reply = server.form("/oauth2/token", &app, form).await;
        assert_eq!((reply.status.as_u16(), reply.field("error").as_str()), (401, "invalid_client"), "{form}");
    }
    let direct = server.identity.issue_client_token(TenantId::SUPER, &id, &[], None).await;
    assert!(matches!(direct, Err(identity::IdentityError::Conflict(_))));
    let epochs = server.identity.subject_epochs().await.unwrap();
    assert!(epochs.iter().any(|e| e.subject == id.as_str()), "gateways are not told: {epochs:?}");
    let mut work = server.database().await.read().await.unwrap();
    let inactive = users::inactive_owners(&mut work).await.unwrap();
    assert!(inactive.contains(TenantId::SUPER, "dev") && inactive.contains(TenantId::SUPER, "Dev@carbon.super"));
    assert!(!inactive.contains(TenantId::SUPER, "admin") && !inactive.contains(TenantId::new(1), "dev"));
    work.cancel().await.unwrap();

    let mut changes = server.identity.changes();
    changes.mark_unchanged();
    server.identity.unlock_user(TenantId::SUPER, user.id).await.unwrap();
    assert!(changes.has_changed().unwrap(), "gateways do not get the applications back");
    let after = server.form("/oauth2/token", &app, OWN_NAME).await.field("access_token");
    assert!(is_live(&server, &after).await);
    assert!(!is_live(&server, &before).await, "a token from before the lock came back to life");
}

#[tokio::test]
async fn a_new_user_of_an_old_name_does_not_inherit_applications() {
    let server = Server::with_tenant().await;
    let tenant = server.tenant_id().await;
    let user = server.user_in(tenant, "dev", &[]).await;
    let (id, app) = application_keys(&server, tenant, "dev").await;
    let application = ApplicationRow {
        id: ApplicationId::new("01890000-0000-7000-8000-000000000001".parse().unwrap()),
        tenant,
        owner: format!("dev@{TENANT}"),
        name: "app".into(),
        policy: "Unlimited".into(),
        description: String::new(),
        token_type: "JWT".into(),
        status: "APPROVED".into(),
        visibility: "PRIVATE".into(),
        groups: Vec::new(),
        attributes: json!({}),
        created: Timestamp::from_millis(1),
        updated: Timestamp::from_millis(1),
    };
    let database = server.database().await;
    let mut work = database.begin().await.unwrap();
    application::insert(&mut work, &application).await.unwrap();
    work.save().await.unwrap();
    let token = server.form("/oauth2/token", &app, OWN_NAME).await.field("access_token");

    server.identity.delete_user(tenant, user.id).await.unwrap();
    server.user_in(tenant, "dev", &[]).await;
    let mut work = database.read().await.unwrap();
    assert!(application::of_owner(&mut work, tenant, &application.owner).await.unwrap().is_empty(), "inherited");
    let orphan = application::of_owner(&mut work, tenant, &format!("deleted:{}", user.id)).await.unwrap();
    assert_eq!(orphan.len(), 1);
    assert!(users::inactive_owners(&mut work).await.unwrap().contains(tenant, &orphan[0].owner));
    work.cancel().await.unwrap();
    assert_eq!(server.form("/oauth2/token", &app, OWN_NAME).await.status, 401);
    assert!(!is_live(&server, &token).await);
    // An administrator gives it to the new user, on purpose.
    let change = identity::ClientChange { owner: Some("dev".into()), ..Default::default() };
    server.identity.update_client(tenant, &id, change).await.unwrap();
    assert_eq!(server.form("/oauth2/token", &app, OWN_NAME).await.status, 200);
    let imposter = json!({"userName": format!("deleted:{}", user.id), "password": PASSWORD});
    let reply = server.call("POST", "/scim2/Users", &basic("admin", PASSWORD), Some(imposter)).await;
    assert_eq!(reply.status, 400);
}

#[tokio::test]
async fn a_reset_ends_the_secrets_that_the_old_password_made() {
    let server = Server::with_admin().await;
    let user = server.user("dev", &["admin"]).await;
    let stolen = server.client("dev").await;
    let form = "grant_type=client_credentials&scope=internal_user_mgt_list";
    let token = server.form("/oauth2/token", &stolen, form).await.field("access_token");
    let other = server.client("admin").await;
    let (_, app) = application_keys(&server, TenantId::SUPER, "dev").await;

    let new = Secret::new("a brand new password".to_owned());
    let ended = server.identity.reset_password(TenantId::SUPER, user.id, &new).await.unwrap();
    assert_eq!(ended.len(), 1);
    assert_eq!(server.form("/oauth2/token", &stolen, form).await.status, 401, "the client outlived the reset");
    assert_eq!(server.call("GET", "/scim2/Users", &bearer(&token), None).await.status, 401);
    assert_eq!(server.form("/oauth2/token", &other, form).await.status, 200, "another user's client");
    assert_eq!(server.form("/oauth2/token", &app, OWN_NAME).await.status, 200, "production applications go on");
    // The owner registers the name again and has the same client with a new secret.
    let body = json!({"clientName": "integration_test_app", "owner": "dev", "grantType": "client_credentials"});
    let path = "/client-registration/v0.17/register";
    let reply = server.call("POST", path, &basic("dev", new.expose()), Some(body)).await;
    assert_eq!(reply.field("clientId"), ended[0].as_str());
    let again = basic(&reply.field("clientId"), &reply.field("clientSecret"));
    assert_eq!(server.form("/oauth2/token", &again, form).await.field("scope"), "internal_user_mgt_list");
    assert_eq!(server.form("/oauth2/token", &stolen, form).await.status, 401);
}

#[tokio::test]
async fn a_tenant_that_is_off_gets_no_tokens_at_all() {
    let server = Server::with_tenant().await;
    let tenant = server.tenant_id().await;
    let (id, app) = application_keys(&server, tenant, "admin").await;
    let token = server.form("/oauth2/token", &app, OWN_NAME).await.field("access_token");
    let pair = server.password_grant(&app, "admin@tenant1.com", "").await;
    let shared = server.client("admin").await;
    let through = server.password_grant(&shared, "admin@tenant1.com", "").await;
    assert_eq!(through.status, 200, "{}", through.text);

    server.identity.set_tenant_active(tenant, false).await.unwrap();
    let refresh = |reply: &crate::server::Reply| {
        format!("grant_type=refresh_token&refresh_token={}", reply.field("refresh_token"))
    };
    for (client, form, error) in [
        (&app, OWN_NAME.to_owned(), "invalid_client"),
        (&app, refresh(&pair), "invalid_client"),
        (&shared, refresh(&through), "invalid_grant"),
    ] {
        assert_eq!(server.form("/oauth2/token", client, &form).await.field("error"), error, "{form}");
    }
    let again = server.password_grant(&shared, "admin@tenant1.com", "").await;
    assert_eq!(again.field("error"), "invalid_grant");
    assert!(server.identity.issue_client_token(tenant, &id, &[], None).await.is_err());
    let claims = json!({"sub": "admin", "exp": 4_000_000_000_i64});
    assert!(server.identity.sign_internal_key(tenant, claims).await.is_err());
    for token in [&token, &pair.field("access_token"), &through.field("access_token")] {
        assert!(!is_live(&server, token).await);
    }
    let caller = server.form("/oauth2/introspect", &app, &format!("token={token}")).await;
    assert_eq!(caller.status, 401, "{}", caller.text);

    server.identity.set_tenant_active(tenant, true).await.unwrap();
    assert_eq!(server.form("/oauth2/token", &app, OWN_NAME).await.status, 200);
}

#[tokio::test]
async fn a_chosen_client_id_cannot_end_the_tokens_of_a_user() {
    let server = Server::with_tenant().await;
    let tenant = server.tenant_id().await;
    let chosen = |id: &str| {
        let mut new = NewClient::new(ClientOrigin::Application, "admin", "app", vec!["client_credentials".into()]);
        new.id = Some(ConsumerKey::new(id));
        new
    };
    for id in ["admin@carbon.super", "@", "a@b", "client:x"] {
        assert!(server.identity.create_client(tenant, chosen(id)).await.is_err(), "{id}");
    }
    // Even one from before that rule: what the store holds for it is not what ends the user's tokens.
    let mut work = server.database().await.begin().await.unwrap();
    for key in ["client:admin@carbon.super", "admin@carbon.super", "bare"] {
        let far = Timestamp::from_seconds(4_000_000_000);
        store::repository::token::raise_epoch(&mut work, tenant, key, far).await.unwrap();
    }
    work.save().await.unwrap();
    let client = server.client("admin").await;
    let token = server.password_grant(&client, "admin", "internal_user_mgt_list").await.field("access_token");
    assert_eq!(server.call("GET", "/scim2/Users", &bearer(&token), None).await.status, 200);
    assert!(server.identity.subject_epochs().await.unwrap().is_empty(), "another tenant's rows reached the gateways");
    // A good id: its epoch is published as the `sub` of its tokens.
    let (made, _) = server.identity.create_client(tenant, chosen("mine")).await.unwrap();
    server.identity.delete_client(tenant, &made.id).await.unwrap();
    let epochs = server.identity.subject_epochs().await.unwrap();
    assert_eq!(epochs.iter().map(|e| (e.tenant, e.subject.as_str())).collect::<Vec<_>>(), [(TenantId::SUPER, "mine")]);
}

#[tokio::test]
async fn test_keys_end_with_the_users_tokens_and_are_no_tokens() {
    let server = Server::with_tenant().await;
    let tenant = server.tenant_id().await;
    let user = server.user_in(tenant, "dev", &["admin"]).await;
    let claims = |sub: &str| json!({"sub": sub, "exp": 4_000_000_000_i64, "aut": "APPLICATION_USER", "client_id": "x", "keytype": "SANDBOX"});
    let decode = |key: &str| -> serde_json::Value {
        use base64::Engine;
        let part = key.split('.').nth(1).unwrap();
        serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    for sub in ["dev", "DEV@tenant1.com"] {
        let key = server.identity.sign_internal_key(tenant, claims(sub)).await.unwrap();
        let payload = decode(key.expose());
        assert_eq!(payload["sub"], "dev@tenant1.com", "as in access tokens, or no epoch fits");
        assert_eq!(payload["iss"], "https://localhost:9443/t/tenant1.com/oauth2/token");
        assert_eq!((&payload["token_type"], &payload["keytype"]), (&json!("InternalKey"), &json!("SANDBOX")));
        assert_eq!((payload.get("aut"), payload.get("client_id")), (None, None));
        let reply = server.call("GET", "/t/tenant1.com/scim2/Users", &bearer(key.expose()), None).await;
        assert_eq!(reply.status, 401, "a test key passed as an access token");
    }
    // A reset in this very second: an older key is outdated, a new one is not.
    let key = server.identity.sign_internal_key(tenant, claims("dev")).await.unwrap();
    let new = Secret::new("a brand new password".to_owned());
    server.identity.reset_password(tenant, user.id, &new).await.unwrap();
    let epochs = server.identity.subject_epochs().await.unwrap();
    let epoch = epochs.iter().find(|e| e.subject == "dev@tenant1.com").unwrap().not_before.seconds();
    assert!(decode(key.expose())["iat"].as_i64().unwrap() < epoch);
    let key = server.identity.sign_internal_key(tenant, claims("dev")).await.unwrap();
    assert!(decode(key.expose())["iat"].as_i64().unwrap() >= epoch);

    server.identity.lock_user(tenant, user.id).await.unwrap();
    for wrong in [claims("dev"), claims("nobody"), claims("admin@carbon.super"), json!({"sub": "admin"}), json!([])] {
        assert!(server.identity.sign_internal_key(tenant, wrong.clone()).await.is_err(), "{wrong}");
    }
}
