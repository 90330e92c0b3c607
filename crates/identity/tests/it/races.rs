//! Requests that cross each other on PostgreSQL, where transactions really run side by side. On SQLite the other
//! modules try the same.

use std::sync::Arc;

use identity::{ClientOrigin, NewClient};
use model::{Secret, TenantId};
use tokio::task::JoinSet;

use crate::server::{PASSWORD, Server, bearer};

async fn postgres() -> Option<Arc<Server>> {
    let server = Server::on_postgres().await;
    if server.is_none() {
        println!("skipped: no PostgreSQL (cargo xtask test starts one)");
    }
    server.map(Arc::new)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_set_up_link_makes_one_administrator() {
    let Some(server) = postgres().await else { return };
    let link = server.identity.create_setup_link().await.unwrap();
    let mut all = JoinSet::new();
    for n in 0..6 {
        let (server, link) = (Arc::clone(&server), link.clone());
        all.spawn(async move {
            let password = Secret::new(PASSWORD.to_owned());
            server.identity.complete_setup(&link, &format!("boss{n}"), password).await.is_ok()
        });
    }
    assert_eq!(all.join_all().await.into_iter().filter(|won| *won).count(), 1);
    assert_eq!(server.identity.users(TenantId::SUPER, 0, 10).await.unwrap().1, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_name_registered_many_times_at_once_is_one_client() {
    let Some(server) = postgres().await else { return };
    server.user("admin", &["admin"]).await;
    let mut all = JoinSet::new();
    for _ in 0..8 {
        let server = Arc::clone(&server);
        all.spawn(async move {
            let new = NewClient::new(ClientOrigin::Service, "admin", "same", vec!["password".into()]);
            let (client, secret) = server.identity.register_client(TenantId::SUPER, new).await.unwrap();
            assert!(server.identity.check_client_secret(TenantId::SUPER, &client.id, &secret.value).await.unwrap());
            client.id
        });
    }
    let mut ids = all.join_all().await;
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn administrators_who_remove_each_other_leave_one() {
    let Some(server) = postgres().await else { return };
    let mut all = JoinSet::new();
    for name in ["one", "two", "three", "four"] {
        let user = server.user(name, &["admin"]).await;
        let server = Arc::clone(&server);
        all.spawn(async move { server.identity.delete_user(TenantId::SUPER, user.id).await.is_ok() });
    }
    all.join_all().await;
    assert!(!server.identity.needs_setup().await.unwrap(), "nobody administrates the tenant any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refresh_token_is_exchanged_once() {
    let Some(server) = postgres().await else { return };
    server.user("admin", &["admin"]).await;
    let client = server.client("admin").await;
    let token = server.password_grant(&client, "admin", "").await.field("refresh_token");
    let mut all = JoinSet::new();
    for _ in 0..8 {
        let (server, client, token) = (Arc::clone(&server), client.clone(), token.clone());
        all.spawn(async move {
            let form = format!("grant_type=refresh_token&refresh_token={token}");
            server.form("/oauth2/token", &client, &form).await
        });
    }
    let won: Vec<_> = all.join_all().await.into_iter().filter(|r| r.status == 200).collect();
    assert_eq!(won.len(), 1);
    let form = format!("grant_type=refresh_token&refresh_token={}", won[0].field("refresh_token"));
    assert_eq!(
        server.form("/oauth2/token", &client, &form).await.status,
        200,
        "crossing requests were taken for theft"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_outlives_a_reset_that_it_crosses() {
    let Some(server) = postgres().await else { return };
    server.user("admin", &["admin"]).await;
    let user = server.user("dev", &["admin"]).await;
    let client = server.client("admin").await;
    for round in 0..4_u64 {
        // Time moves, or an epoch of the last round would hide what this one does wrong.
        server.clock.advance(std::time::Duration::from_secs(5));
        let start = server.password_grant(&client, "dev", "internal_user_mgt_list").await;
        assert_eq!(start.status, 200, "{}", start.text);
        let refresh_token = start.field("refresh_token");
        let mut all = JoinSet::new();
        for n in 0..4 {
            let (server, client, refresh_token) = (Arc::clone(&server), client.clone(), refresh_token.clone());
            all.spawn(async move {
                match n {
                    0 => {
                        let form = format!("grant_type=refresh_token&refresh_token={refresh_token}");
                        server.form("/oauth2/token", &client, &form).await
                    }
                    _ => server.password_grant(&client, "dev", "internal_user_mgt_list").await,
                }
            });
        }
        // The same password again: its hash is another, so what was checked against the old one no longer counts.
        tokio::time::sleep(std::time::Duration::from_millis(7 * round)).await;
        server.identity.reset_password(TenantId::SUPER, user.id, &Secret::new(PASSWORD.to_owned())).await.unwrap();
        let reset = server.identity.subject_epochs().await.unwrap();
        let epoch = reset.iter().find(|e| e.subject == "dev@carbon.super").unwrap().not_before;
        for reply in all.join_all().await {
            assert!(reply.status == 200 || reply.status == 400, "{}", reply.text);
            if reply.status != 200 {
                continue;
            }
            // Issued before the reset: everything is dead. Issued after it, by the new password: everything works.
            let token = reply.field("access_token");
            let works = server.call("GET", "/scim2/Users", &bearer(&token), None).await.status == 200;
            let form = format!("grant_type=refresh_token&refresh_token={}", reply.field("refresh_token"));
            let refreshed = server.form("/oauth2/token", &client, &form).await.status == 200;
            assert_eq!(works, refreshed, "round {round}, epoch {epoch:?}: one half of a pair outlived the reset");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_outlives_a_revocation_that_it_crosses() {
    let Some(server) = postgres().await else { return };
    server.user("admin", &["admin"]).await;
    let client = server.client("admin").await;
    for round in 0..12_u64 {
        server.clock.advance(std::time::Duration::from_secs(5));
        let start = server.password_grant(&client, "admin", "internal_user_mgt_list").await;
        let refresh = start.field("refresh_token");
        let ended = if round % 2 == 0 { refresh.clone() } else { start.field("access_token") };
        let renewal = {
            let (server, client) = (Arc::clone(&server), client.clone());
            tokio::spawn(async move {
                let form = format!("grant_type=refresh_token&refresh_token={refresh}");
                server.form("/oauth2/token", &client, &form).await
            })
        };
        tokio::time::sleep(std::time::Duration::from_millis(round)).await;
        let revoked = server.form("/oauth2/revoke", &client, &format!("token={ended}")).await;
        assert_eq!(revoked.status, 200, "{}", revoked.text);
        let renewed = renewal.await.unwrap();
        if renewed.status != 200 {
            continue;
        }
        let token = renewed.field("access_token");
        assert_eq!(server.call("GET", "/scim2/Users", &bearer(&token), None).await.status, 401, "round {round}");
        server.clock.advance(std::time::Duration::from_secs(5));
        let form = format!("grant_type=refresh_token&refresh_token={}", renewed.field("refresh_token"));
        assert_eq!(server.form("/oauth2/token", &client, &form).await.status, 400, "round {round}");
    }
}
