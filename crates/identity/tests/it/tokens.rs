//! Tokens and the rights behind them: rotation, reuse, revocation, epochs.

use std::time::Duration;

use identity::ClientOrigin;
use model::{ConsumerKey, Secret, TenantId, Timestamp};

use crate::server::{PASSWORD, Reply, Server, basic, bearer};

async fn refresh(server: &Server, client: &str, token: &str) -> Reply {
    server.form("/oauth2/token", client, &format!("grant_type=refresh_token&refresh_token={token}")).await
}

async fn works(server: &Server, token: &str) -> bool {
    server.call("GET", "/scim2/Users", &bearer(token), None).await.status == 200
}

async fn admin_tokens(server: &Server, client: &str, user: &str) -> Reply {
    server.clock.advance(Duration::from_secs(2));
    server.password_grant(client, user, "internal_user_mgt_list openid").await
}

#[tokio::test]
async fn refresh_tokens_rotate_and_a_second_use_ends_the_family() {
    let server = Server::with_admin().await;
    let client = server.client("admin").await;
    let first = admin_tokens(&server, &client, "admin").await;
    let second = refresh(&server, &client, &first.field("refresh_token")).await;
    assert_eq!(second.status, 200, "{}", second.text);
    assert_ne!(first.field("refresh_token"), second.field("refresh_token"));
    assert!(works(&server, &second.field("access_token")).await);
    assert!(!works(&server, &first.field("access_token")).await, "the replaced access token is still live");
    // The thief comes later with the copy.
    server.clock.advance(Duration::from_secs(10));
    let stolen = refresh(&server, &client, &first.field("refresh_token")).await;
    assert_eq!(stolen.field("error"), "invalid_grant");
    assert_eq!(refresh(&server, &client, &second.field("refresh_token")).await.field("error"), "invalid_grant");
    assert!(!works(&server, &second.field("access_token")).await);
}

#[tokio::test]
async fn two_refreshes_at_once_are_one_success_and_no_theft() {
    let server = Server::with_admin().await;
    let client = server.client("admin").await;
    let first = admin_tokens(&server, &client, "admin").await;
    let token = first.field("refresh_token");
    let (a, b) = tokio::join!(refresh(&server, &client, &token), refresh(&server, &client, &token));
    assert!((a.status == 200) ^ (b.status == 200), "{} {}", a.status, b.status);
    let winner = if a.status == 200 { a } else { b };
    assert_eq!(refresh(&server, &client, &winner.field("refresh_token")).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_is_bound_to_its_client_its_time_and_its_scopes() {
    let server = Server::with_admin().await;
    server.user("dev", &["admin"]).await;
    let (client, other) = (server.client("admin").await, server.client("dev").await);
    let first = admin_tokens(&server, &client, "admin").await;
    let token = first.field("refresh_token");
    assert_eq!(refresh(&server, &other, &token).await.field("error"), "invalid_grant");
    let form = format!("grant_type=refresh_token&refresh_token={token}&scope=internal_user_mgt_list+apim:admin");
    let narrowed = server.form("/oauth2/token", &client, &form).await;
    assert_eq!(narrowed.field("scope"), "internal_user_mgt_list");
    server.clock.advance(Duration::from_hours(24));
    let late = refresh(&server, &client, &narrowed.field("refresh_token")).await;
    assert_eq!(late.field("error"), "invalid_grant");
}

#[tokio::test]
async fn what_ends_a_right_ends_its_tokens() {
    let server = Server::with_admin().await;
    let client = server.client("admin").await;
    for case in ["lock", "delete", "role", "password", "deleted role"] {
        let name = format!("user-{}", case.replace(' ', "-"));
        server.user(&name, &["admin"]).await;
        let user = server.identity.find_user(TenantId::SUPER, &name).await.unwrap().unwrap();
        let own_role = server.identity.create_role(TenantId::SUPER, &format!("role-{name}"), &[user.id]).await.unwrap();
        let tokens = admin_tokens(&server, &client, &name).await;
        let (access, refresh_token) = (tokens.field("access_token"), tokens.field("refresh_token"));
        assert!(works(&server, &access).await, "{case}");
        let mut changes = server.identity.changes();
        changes.mark_unchanged();
        let identity = &server.identity;
        match case {
            "lock" => identity.lock_user(TenantId::SUPER, user.id).await,
            "delete" => identity.delete_user(TenantId::SUPER, user.id).await,
            "role" => identity.withdraw_role(TenantId::SUPER, user.id, "ADMIN").await,
            "deleted role" => identity.delete_role(TenantId::SUPER, &own_role.id).await,
            _ => {
                let new = Secret::new("a brand new password".to_owned());
                identity.reset_password(TenantId::SUPER, user.id, &new).await.map(drop)
            }
        }
        .unwrap();
        assert!(changes.has_changed().unwrap(), "{case}: gateways are not told");
        assert!(!works(&server, &access).await, "{case}");
        assert_eq!(refresh(&server, &client, &refresh_token).await.field("error"), "invalid_grant", "{case}");
        let epochs = server.identity.subject_epochs().await.unwrap();
        let now = model::Clock::now(&*server.clock);
        assert!(
            epochs.iter().any(|e| e.subject == format!("{name}@carbon.super") && e.not_before > now),
            "{case}: {epochs:?}"
        );
    }
}

#[tokio::test]
async fn tokens_issued_right_after_a_change_work_at_once() {
    let server = Server::with_admin().await;
    let client = server.client("admin").await;
    let user = server.user("dev", &["admin", "Internal/creator"]).await;
    let before = server.password_grant(&client, "dev", "internal_user_mgt_list").await.field("access_token");
    server.identity.withdraw_role(TenantId::SUPER, user.id, "Internal/creator").await.unwrap();
    // No time passes at all: the same millisecond.
    let after = server.password_grant(&client, "dev", "internal_user_mgt_list").await.field("access_token");
    assert!(!works(&server, &before).await);
    assert!(works(&server, &after).await);
}

#[tokio::test]
async fn a_new_user_of_an_old_name_does_not_inherit_tokens() {
    let server = Server::with_admin().await;
    let client = server.client("admin").await;
    let old = server.user("Dev", &["admin"]).await;
    let token = server.password_grant(&client, "dev", "internal_user_mgt_list").await.field("access_token");
    server.identity.delete_user(TenantId::SUPER, old.id).await.unwrap();
    server.user("dev", &["admin"]).await;
    assert!(!works(&server, &token).await);
}

#[tokio::test]
async fn a_new_user_of_an_old_name_does_not_inherit_clients() {
    let server = Server::with_admin().await;
    let old = server.user("dev", &["admin"]).await;
    let service = server.client("dev").await;
    let form = "grant_type=client_credentials&scope=internal_user_mgt_list+orders";
    let token = server.form("/oauth2/token", &service, form).await.field("access_token");
    assert!(works(&server, &token).await);
    let new = identity::NewClient::new(ClientOrigin::Application, "dev", "app", vec!["client_credentials".into()]);
    let (app, secret) = server.identity.create_client(TenantId::SUPER, new).await.unwrap();
    let app = basic(app.id.as_str(), secret.value.expose());
    server.identity.bind_scope(TenantId::SUPER, "orders", false, &["admin".into()]).await.unwrap();
    assert_eq!(server.form("/oauth2/token", &app, form).await.field("scope"), "orders");
    server.identity.delete_user(TenantId::SUPER, old.id).await.unwrap();
    server.user("Dev", &["admin"]).await;
    assert!(!works(&server, &token).await);
    assert_eq!(server.form("/oauth2/token", &service, form).await.status, 401);
    assert_eq!(server.form("/oauth2/token", &app, form).await.status, 401);
}

#[tokio::test]
async fn a_lock_reaches_the_clients_that_act_for_the_user() {
    let server = Server::with_admin().await;
    let user = server.user("dev", &["admin"]).await;
    let service = server.client("dev").await;
    let form = "grant_type=client_credentials&scope=internal_user_mgt_list";
    let token = server.form("/oauth2/token", &service, form).await.field("access_token");
    server.identity.lock_user(TenantId::SUPER, user.id).await.unwrap();
    assert!(!works(&server, &token).await);
    assert_eq!(server.form("/oauth2/token", &service, form).await.field("error"), "invalid_client");
    let epochs = server.identity.subject_epochs().await.unwrap();
    assert_eq!(epochs.len(), 2, "gateways learn of the user and of the client: {epochs:?}");
}

#[tokio::test]
async fn revocation_is_for_the_clients_own_tokens() {
    let server = Server::with_admin().await;
    server.user("dev", &["admin"]).await;
    let (client, other) = (server.client("admin").await, server.client("dev").await);
    let tokens = admin_tokens(&server, &client, "admin").await;
    let access = tokens.field("access_token");
    for token in [&access, &tokens.field("refresh_token"), &"unknown".to_owned()] {
        assert_eq!(server.form("/oauth2/revoke", &other, &format!("token={token}")).await.status, 200);
    }
    assert!(works(&server, &access).await, "another client revoked it");
    assert_eq!(server.form("/oauth2/revoke", "", &format!("token={access}")).await.status, 401);
    assert_eq!(server.form("/oauth2/revoke", &client, "").await.status, 400);
    assert_eq!(server.form("/oauth2/revoke", &client, &format!("token={access}")).await.status, 200);
    assert!(!works(&server, &access).await);
    let after = refresh(&server, &client, &tokens.field("refresh_token")).await;
    assert_eq!(after.field("error"), "invalid_grant");
    let revoked = server.identity.revoked_tokens(Timestamp::from_millis(0)).await.unwrap();
    assert_eq!(revoked.len(), 1);
    // By its refresh token the whole pair ends too.
    let tokens = admin_tokens(&server, &client, "admin").await;
    server.form("/oauth2/revoke", &client, &format!("token={}", tokens.field("refresh_token"))).await;
    assert!(!works(&server, &tokens.field("access_token")).await);
    // Expired ones are forgotten.
    server.clock.advance(Duration::from_hours(2));
    assert!(server.identity.revoked_tokens(Timestamp::from_millis(0)).await.unwrap().is_empty());
    server.identity.clean_up().await.unwrap();
}

#[tokio::test]
async fn secrets_of_a_client_come_and_go() {
    let server = Server::with_admin().await;
    let identity = &server.identity;
    let grants = vec!["client_credentials".to_owned()];
    let new = identity::NewClient::new(ClientOrigin::Application, "admin", "app", grants);
    let (client, first) = identity.create_client(TenantId::SUPER, new).await.unwrap();
    let accepted = async |value: &str| {
        let auth = basic(client.id.as_str(), value);
        server.form("/oauth2/token", &auth, "grant_type=client_credentials").await.status == 200
    };
    assert!(identity.revoke_client_secret(TenantId::SUPER, &client.id, &first.id).await.is_err(), "the last one went");
    let end = model::Clock::now(&*server.clock).plus(Duration::from_secs(60));
    let second = identity.new_client_secret(TenantId::SUPER, &client.id, "ci", Some(end)).await.unwrap();
    assert!(accepted(first.value.expose()).await && accepted(second.value.expose()).await);
    assert_eq!(identity.client_secrets(TenantId::SUPER, &client.id).await.unwrap().len(), 2);
    identity.revoke_client_secret(TenantId::SUPER, &client.id, &first.id).await.unwrap();
    assert!(!accepted(first.value.expose()).await && accepted(second.value.expose()).await);
    server.clock.advance(Duration::from_secs(60));
    assert!(!accepted(second.value.expose()).await, "an expired secret is accepted");
    let third = identity.regenerate_client_secret(TenantId::SUPER, &client.id).await.unwrap();
    assert!(accepted(third.value.expose()).await);
    assert!(identity.check_client_secret(TenantId::SUPER, &client.id, &third.value).await.unwrap());
    assert!(!identity.check_client_secret(TenantId::new(1), &client.id, &third.value).await.unwrap());
    // Another tenant cannot touch it.
    assert!(identity.find_client(TenantId::new(1), &client.id).await.unwrap().is_none());
    assert!(identity.regenerate_client_secret(TenantId::new(1), &client.id).await.is_err());
    assert!(!identity.delete_client(TenantId::new(1), &client.id).await.unwrap());
}

#[tokio::test]
async fn a_client_switched_off_or_deleted_takes_its_tokens_along() {
    let server = Server::with_admin().await;
    let client = server.client("admin").await;
    let user_token = admin_tokens(&server, &client, "admin").await.field("access_token");
    let form = "grant_type=client_credentials&scope=internal_user_mgt_list";
    let own_token = server.form("/oauth2/token", &client, form).await.field("access_token");
    assert!(works(&server, &user_token).await && works(&server, &own_token).await);
    use base64::Engine;
    let pair = base64::engine::general_purpose::STANDARD.decode(client.trim_start_matches("Basic ")).unwrap();
    let id = String::from_utf8(pair).unwrap().split(':').next().unwrap().to_owned();
    let id = ConsumerKey::new(id);
    server.identity.set_client_active(TenantId::SUPER, &id, false).await.unwrap();
    assert!(!works(&server, &user_token).await && !works(&server, &own_token).await);
    assert_eq!(server.form("/oauth2/token", &client, form).await.status, 401);
    let reply = server.form("/oauth2/introspect", &basic("admin", PASSWORD), &format!("token={own_token}")).await;
    assert_eq!(reply.text, "{\"active\":false}");
    server.identity.set_client_active(TenantId::SUPER, &id, true).await.unwrap();
    assert!(!works(&server, &own_token).await, "switching on again revives old tokens");
    assert_eq!(server.form("/oauth2/token", &client, form).await.status, 200);
}

#[tokio::test]
async fn the_portals_token_has_the_wanted_lifetime() {
    let server = Server::with_admin().await;
    let new = identity::NewClient::new(ClientOrigin::Application, "admin", "app", vec![]);
    let (client, _) = server.identity.create_client(TenantId::SUPER, new).await.unwrap();
    let issue = |seconds: u64| {
        let scopes = ["orders".to_owned()];
        let (identity, id) = (server.identity.clone(), client.id.clone());
        async move { identity.issue_client_token(TenantId::SUPER, &id, &scopes, Some(Duration::from_secs(seconds))).await }
    };
    let token = issue(77).await.unwrap();
    assert_eq!((token.expires_in, token.scope.as_str()), (77, "orders"));
    assert!(issue(0).await.is_err());
    assert!(issue(400 * 24 * 3600).await.is_err());
}

#[tokio::test]
async fn tokens_of_people_and_of_applications_have_lives_of_their_own() {
    let server = Server::limited(|settings| {
        settings.user_token_lifetime = Duration::from_secs(90);
        settings.access_token_lifetime = Duration::from_secs(60);
        settings.cleanup_chunk = 1;
    })
    .await;
    server.user("admin", &["admin"]).await;
    let client = server.client("admin").await;
    let of_user = admin_tokens(&server, &client, "admin").await;
    assert_eq!(of_user.json()["expires_in"], 90);
    let of_client = server.form("/oauth2/token", &client, "grant_type=client_credentials").await;
    assert_eq!(of_client.json()["expires_in"], 60, "{}", of_client.text);
    // The clean-up takes as many rows of a kind at a time as it is told.
    for token in [&of_user, &admin_tokens(&server, &client, "admin").await] {
        let revoke = format!("token={}", token.field("access_token"));
        assert_eq!(server.form("/oauth2/revoke", &client, &revoke).await.status, 200);
    }
    server.clock.advance(Duration::from_hours(25));
    let report = server.identity.clean_up().await.unwrap();
    assert_eq!((report.rows, report.transactions), (2, 2), "two revocations, one at a time");
    assert_eq!(server.identity.clean_up().await.unwrap().rows, 0);
}
