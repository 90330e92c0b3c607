//! Tenants, users, roles, clients and tokens on both backends.

use std::time::Duration;

use model::{ConsumerKey, Tenant, TenantId, Timestamp, UserId};
use serde_json::{Map, json};
use store::repository::client::{ClientKind, ClientRow, SecretRow};
use store::repository::role::RoleRow;
use store::repository::tenant::{ScopeBindingRow, TenantRow, UserStoreRow};
use store::repository::token::{RefreshRow, RevokedRow};
use store::repository::user::UserRow;
use store::repository::{client, role, session, setup, tenant, token, user};
use store::{Database, StoreError, UnitOfWork};
use uuid::Uuid;

use crate::backends::{NOW, each};

const OTHER: TenantId = TenantId::new(1);

async fn add_tenants(work: &mut UnitOfWork) {
    for (id, domain) in [(TenantId::SUPER, "carbon.super"), (OTHER, "other.com")] {
        let tenant = Tenant { id, domain: domain.parse().unwrap(), active: true };
        tenant::insert(work, &TenantRow { tenant, owner: json!({"username": "admin"}), created_at: NOW })
            .await
            .unwrap();
    }
}

fn user_row(id: u128, tenant: TenantId, name: &str) -> UserRow {
    UserRow {
        id: UserId::new(Uuid::from_u128(id)),
        tenant,
        name: name.to_owned(),
        password_hash: "$argon2id$x".to_owned(),
        locked: false,
        locked_until: None,
        lock_count: 0,
        failed_attempts: 0,
        attributes: Map::new(),
        created_at: NOW,
        updated_at: NOW,
    }
}

fn role_row(id: &str, tenant: TenantId, name: &str, built_in: bool) -> RoleRow {
    RoleRow { id: id.into(), tenant, name: name.into(), built_in, created_at: NOW, updated_at: NOW }
}

fn client_row(id: &str, kind: ClientKind, name: &str) -> ClientRow {
    ClientRow {
        id: ConsumerKey::new(id),
        tenant: TenantId::SUPER,
        kind,
        owner: "Alice".into(),
        name: name.into(),
        grants: vec!["password".into()],
        callback: String::new(),
        token_type: "JWT".into(),
        saas: false,
        active: true,
        access_seconds: Some(60),
        refresh_seconds: None,
        extra: Map::new(),
        metadata: Map::new(),
        created_at: NOW,
        updated_at: NOW,
    }
}

fn refresh_row(hash: u8, family: &str, token_id: &str) -> RefreshRow {
    RefreshRow {
        hash: vec![hash; 32],
        family: family.into(),
        tenant: TenantId::SUPER,
        client: ConsumerKey::new("c1"),
        user: UserId::new(Uuid::from_u128(1)),
        scopes: "a b".into(),
        details: serde_json::json!({}),
        access_token_id: token_id.into(),
        access_expires_at: NOW.plus(Duration::from_secs(60)),
        issued_at: NOW,
        expires_at: NOW.plus(Duration::from_secs(600)),
        used_at: None,
    }
}

#[tokio::test]
async fn users_belong_to_their_tenant() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        add_tenants(&mut work).await;
        user::insert(&mut work, &user_row(1, TenantId::SUPER, "Alice")).await.unwrap();
        user::insert(&mut work, &user_row(2, OTHER, "alice")).await.unwrap();
        user::insert(&mut work, &user_row(3, OTHER, "SECOND.COM/bob")).await.unwrap();
        user::insert(&mut work, &user_row(4, OTHER, "carol@mail_x.com")).await.unwrap();
        work.save().await.unwrap();
        let mut work = database.read().await.unwrap();
        let alice = user::by_name(&mut work, TenantId::SUPER, "aLICE").await.unwrap().unwrap();
        assert_eq!((alice.name.as_str(), alice.id), ("Alice", UserId::new(Uuid::from_u128(1))));
        assert!(user::by_id(&mut work, OTHER, alice.id).await.unwrap().is_none());
        assert_eq!(user::count(&mut work, OTHER).await.unwrap(), 3);
        assert_eq!(user::count_in_store(&mut work, OTHER, "Second.com").await.unwrap(), 1);
        assert_eq!(user::count_in_store(&mut work, OTHER, "Second").await.unwrap(), 0);
        assert_eq!(user::count_with_domain(&mut work, "MAIL_X.com").await.unwrap(), 1);
        assert_eq!(user::count_with_domain(&mut work, "mailyx.com").await.unwrap(), 0);
        assert_eq!(user::count_with_domain(&mut work, "%").await.unwrap(), 0);
        let page = user::list(&mut work, OTHER, 1, 1).await.unwrap();
        assert_eq!(page.first().map(|u| u.name.as_str()), Some("carol@mail_x.com"));
        drop(work);
        let mut work = database.begin().await.unwrap();
        let taken = user::insert(&mut work, &user_row(5, TenantId::SUPER, "ALICE")).await;
        assert!(matches!(taken, Err(StoreError::Conflict(_))), "{taken:?}");
        work.cancel().await.unwrap();
        let mut work = database.begin().await.unwrap();
        assert!(!user::delete(&mut work, OTHER, alice.id).await.unwrap());
        assert!(!user::set_password(&mut work, OTHER, alice.id, "x", NOW).await.unwrap());
        assert!(!user::set_locked(&mut work, OTHER, alice.id, true, NOW).await.unwrap());
        assert_eq!(user::count_failure(&mut work, TenantId::SUPER, alice.id).await.unwrap(), 1);
        assert_eq!(user::count_failure(&mut work, TenantId::SUPER, alice.id).await.unwrap(), 2);
        user::lock_until(&mut work, TenantId::SUPER, alice.id, NOW).await.unwrap();
        let locked = user::by_id(&mut work, TenantId::SUPER, alice.id).await.unwrap().unwrap();
        assert_eq!((locked.failed_attempts, locked.lock_count, locked.locked_until), (0, 1, Some(NOW)));
        user::clear_failures(&mut work, TenantId::SUPER, alice.id).await.unwrap();
        assert!(user::delete(&mut work, TenantId::SUPER, alice.id).await.unwrap());
        work.save().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn roles_cannot_cross_tenants() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        add_tenants(&mut work).await;
        let (ours, theirs) = (user_row(1, TenantId::SUPER, "alice"), user_row(2, OTHER, "alice"));
        user::insert(&mut work, &ours).await.unwrap();
        user::insert(&mut work, &theirs).await.unwrap();
        role::insert(&mut work, &role_row("r1", TenantId::SUPER, "admin", true)).await.unwrap();
        role::insert(&mut work, &role_row("r2", TenantId::SUPER, "own", false)).await.unwrap();
        assert!(role::add_member(&mut work, TenantId::SUPER, "r1", ours.id).await.unwrap());
        assert!(!role::add_member(&mut work, TenantId::SUPER, "r1", ours.id).await.unwrap());
        assert!(!role::add_member(&mut work, TenantId::SUPER, "r1", theirs.id).await.unwrap());
        assert!(!role::add_member(&mut work, OTHER, "r1", theirs.id).await.unwrap());
        assert!(!role::remove_member(&mut work, OTHER, "r1", ours.id).await.unwrap());
        assert!(role::members(&mut work, OTHER, "r1", 10).await.unwrap().is_empty());
        assert_eq!(role::members(&mut work, TenantId::SUPER, "r1", 10).await.unwrap().len(), 1);
        assert_eq!(role::count_active_members(&mut work, TenantId::SUPER, "ADMIN", None).await.unwrap(), 1);
        assert_eq!(role::count_active_members(&mut work, TenantId::SUPER, "admin", Some(ours.id)).await.unwrap(), 0);
        assert!(!role::delete(&mut work, TenantId::SUPER, "r1").await.unwrap(), "a built-in role went");
        assert!(!role::rename(&mut work, TenantId::SUPER, "r1", "x", NOW).await.unwrap());
        assert!(!role::delete(&mut work, OTHER, "r2").await.unwrap());
        assert!(role::rename(&mut work, TenantId::SUPER, "r2", "Mine", NOW).await.unwrap());
        assert!(role::by_name(&mut work, TenantId::SUPER, "mine").await.unwrap().is_some());
        assert_eq!(role::names_of_user(&mut work, TenantId::SUPER, ours.id).await.unwrap().len(), 1);
        user::delete(&mut work, TenantId::SUPER, ours.id).await.unwrap();
        assert!(role::members(&mut work, TenantId::SUPER, "r1", 10).await.unwrap().is_empty());
        work.save().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn owners_who_are_locked_or_gone() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        add_tenants(&mut work).await;
        let (mine, theirs) = (user_row(1, TenantId::SUPER, "Alice"), user_row(2, OTHER, "alice"));
        for row in [&mine, &theirs] {
            user::insert(&mut work, row).await.unwrap();
        }
        for (id, kind) in [("service", ClientKind::Service), ("app", ClientKind::Application)] {
            client::insert(&mut work, &client_row(id, kind, id)).await.unwrap();
        }
        assert_eq!(user::hold(&mut work, TenantId::SUPER, mine.id).await.unwrap().unwrap().name, "Alice");
        assert!(user::hold(&mut work, OTHER, mine.id).await.unwrap().is_none());
        let inactive = user::inactive_owners(&mut work).await.unwrap();
        assert!(!inactive.contains(OTHER, "alice@other.com"));
        user::set_locked(&mut work, OTHER, theirs.id, true, NOW).await.unwrap();
        let inactive = user::inactive_owners(&mut work).await.unwrap();
        assert!(inactive.contains(OTHER, "alice") && inactive.contains(OTHER, "ALICE@other.com"));
        assert!(!inactive.contains(TenantId::SUPER, "alice") && !inactive.contains(OTHER, "alice@carbon.super"));
        let gone = user::deleted_owner(mine.id);
        assert!(inactive.contains(TenantId::SUPER, &gone));
        let keys = client::application_keys_of(&mut work, TenantId::SUPER, "alice").await.unwrap();
        assert_eq!(keys, [ConsumerKey::new("app")]);
        assert_eq!(client::hand_over(&mut work, TenantId::SUPER, "ALICE", &gone).await.unwrap(), 1);
        assert!(client::application_keys_of(&mut work, TenantId::SUPER, "alice").await.unwrap().is_empty());
        assert_eq!(client::services_of(&mut work, TenantId::SUPER, "alice").await.unwrap().len(), 1);
        assert_eq!(user::orphan_applications(&mut work, &mine, "carbon.super").await.unwrap(), 0);
        assert_eq!(role::count(&mut work, OTHER).await.unwrap(), 0);
        work.save().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn tenants_stores_and_scopes() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        assert_eq!(tenant::next_id(&mut work).await.unwrap(), TenantId::new(1));
        add_tenants(&mut work).await;
        assert_eq!(tenant::next_id(&mut work).await.unwrap(), TenantId::new(2));
        assert_eq!(tenant::by_domain(&mut work, "Other.COM").await.unwrap().unwrap().tenant.id, OTHER);
        assert_eq!(tenant::list(&mut work).await.unwrap().len(), 2);
        assert!(tenant::set_active(&mut work, OTHER, false).await.unwrap());
        assert!(!tenant::by_id(&mut work, OTHER).await.unwrap().unwrap().tenant.active);
        let store = UserStoreRow { name: "second.com".into(), type_id: "x".into(), description: String::new() };
        tenant::insert_store(&mut work, OTHER, &store, NOW).await.unwrap();
        assert_eq!(tenant::stores(&mut work, OTHER).await.unwrap().first().unwrap().name, "SECOND.COM");
        assert!(tenant::stores(&mut work, TenantId::SUPER).await.unwrap().is_empty());
        assert!(!tenant::delete_store(&mut work, TenantId::SUPER, "second.com").await.unwrap());
        assert_eq!(tenant::forget_store_properties(&mut work).await.unwrap(), 0, "nothing is kept to forget");
        tenant::add_system_scope(&mut work, OTHER, "apim:admin", &["admin"]).await.unwrap();
        tenant::add_system_scope(&mut work, OTHER, "apim:admin", &["changed"]).await.unwrap();
        let orders = ScopeBindingRow { scope: "orders".into(), system: false, roles: vec!["a".into(), "b".into()] };
        tenant::bind_scope(&mut work, OTHER, &orders).await.unwrap();
        tenant::bind_scope(&mut work, OTHER, &orders).await.unwrap();
        let bindings = tenant::scope_bindings(&mut work, OTHER).await.unwrap();
        assert_eq!(bindings.get("apim:admin").unwrap().roles, ["admin"]);
        assert_eq!(bindings.get("orders"), Some(&orders));
        assert!(tenant::scope_bindings(&mut work, TenantId::SUPER).await.unwrap().is_empty());
        assert!(!tenant::unbind_scope(&mut work, OTHER, "apim:admin").await.unwrap());
        assert!(tenant::unbind_scope(&mut work, OTHER, "orders").await.unwrap());
        work.save().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn clients_and_their_secrets() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        add_tenants(&mut work).await;
        client::insert(&mut work, &client_row("c1", ClientKind::Service, "app")).await.unwrap();
        client::insert(&mut work, &client_row("c2", ClientKind::Application, "app")).await.unwrap();
        client::insert(&mut work, &client_row("c3", ClientKind::Application, "app")).await.unwrap();
        work.save().await.unwrap();
        let mut work = database.begin().await.unwrap();
        let twice = client::insert(&mut work, &client_row("c4", ClientKind::Service, "app")).await;
        assert!(matches!(twice, Err(StoreError::Conflict(_))), "{twice:?}");
        work.cancel().await.unwrap();
        let mut work = database.begin().await.unwrap();
        let id = ConsumerKey::new("c1");
        let found = client::find_service(&mut work, TenantId::SUPER, "ALICE", "app").await.unwrap().unwrap();
        assert_eq!((found.id.as_str(), found.grants.as_slice()), ("c1", ["password".to_owned()].as_slice()));
        assert!(client::find(&mut work, OTHER, &id).await.unwrap().is_none());
        assert!(client::find_anywhere(&mut work, &id).await.unwrap().is_some());
        for n in 0_u8..5 {
            let secret = SecretRow {
                id: format!("s{n}"),
                hash: vec![n; 32],
                description: String::new(),
                created_at: NOW.plus(Duration::from_millis(u64::from(n))),
                expires_at: None,
            };
            client::add_secret(&mut work, &id, &secret).await.unwrap();
        }
        assert_eq!(client::trim_secrets(&mut work, &id, 3).await.unwrap(), 2);
        let left: Vec<String> = client::secrets(&mut work, &id).await.unwrap().into_iter().map(|s| s.id).collect();
        assert_eq!(left, ["s4", "s3", "s2"]);
        assert!(!client::delete_secret(&mut work, &ConsumerKey::new("c2"), "s4").await.unwrap());
        assert!(client::delete_secret(&mut work, &id, "s4").await.unwrap());
        let changed = ClientRow { tenant: OTHER, ..found.clone() };
        assert!(!client::update(&mut work, &changed).await.unwrap());
        assert!(client::update(&mut work, &ClientRow { active: false, access_seconds: None, ..found }).await.unwrap());
        let stored = client::find(&mut work, TenantId::SUPER, &id).await.unwrap().unwrap();
        assert_eq!((stored.active, stored.access_seconds), (false, None));
        assert!(!client::delete(&mut work, OTHER, &id).await.unwrap());
        assert!(client::delete(&mut work, TenantId::SUPER, &id).await.unwrap());
        assert!(client::secrets(&mut work, &id).await.unwrap().is_empty());
        work.save().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn tokens_are_revoked_alone_and_by_family() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        add_tenants(&mut work).await;
        user::insert(&mut work, &user_row(1, TenantId::SUPER, "alice")).await.unwrap();
        client::insert(&mut work, &client_row("c1", ClientKind::Service, "app")).await.unwrap();
        for (hash, family, id) in [(1, "f1", "t1"), (2, "f1", "t2"), (3, "f2", "t3"), (4, "f3", "t4")] {
            token::insert_refresh(&mut work, &refresh_row(hash, family, id)).await.unwrap();
        }
        assert!(token::use_refresh(&mut work, &[1; 32], NOW).await.unwrap());
        assert!(!token::use_refresh(&mut work, &[1; 32], NOW).await.unwrap());
        assert_eq!(token::find_refresh(&mut work, &[1; 32]).await.unwrap().unwrap().used_at, Some(NOW));
        assert_eq!(token::refresh_of_access_token(&mut work, "t2").await.unwrap().unwrap().family, "f1");
        let alone =
            RevokedRow { token_id: "t1".into(), expires_at: NOW.plus(Duration::from_secs(60)), revoked_at: NOW };
        assert!(token::revoke(&mut work, TenantId::SUPER, &alone).await.unwrap());
        assert!(!token::revoke(&mut work, TenantId::SUPER, &alone).await.unwrap());
        let later = NOW.plus(Duration::from_secs(1));
        token::revoke_family(&mut work, "f1", later).await.unwrap();
        assert!(
            token::is_revoked(&mut work, "t2").await.unwrap() && !token::is_revoked(&mut work, "t3").await.unwrap()
        );
        assert!(token::find_refresh(&mut work, &[2; 32]).await.unwrap().is_none());
        let ids = |rows: Vec<RevokedRow>| rows.into_iter().map(|r| r.token_id).collect::<Vec<_>>();
        assert_eq!(ids(token::revoked_since(&mut work, NOW, NOW).await.unwrap()), ["t1", "t2"]);
        assert_eq!(ids(token::revoked_since(&mut work, later, NOW).await.unwrap()), ["t2"]);
        token::revoke_refresh_of_client(&mut work, &ConsumerKey::new("c1"), later).await.unwrap();
        assert!(token::is_revoked(&mut work, "t3").await.unwrap() && token::is_revoked(&mut work, "t4").await.unwrap());
        work.save().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn epochs_only_move_forward_and_what_expired_goes_in_chunks() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        add_tenants(&mut work).await;
        let later = NOW.plus(Duration::from_secs(5));
        token::raise_epoch(&mut work, OTHER, "a@other.com", later).await.unwrap();
        token::raise_epoch(&mut work, OTHER, "a@other.com", NOW).await.unwrap();
        assert_eq!(token::epoch(&mut work, OTHER, "a@other.com").await.unwrap(), Some(later));
        assert_eq!(token::epoch(&mut work, TenantId::SUPER, "a@other.com").await.unwrap(), None);
        assert_eq!(token::epochs_since(&mut work, later).await.unwrap().len(), 1);
        for n in 0..25 {
            let row = RevokedRow { token_id: format!("t{n}"), expires_at: NOW, revoked_at: NOW };
            token::revoke(&mut work, OTHER, &row).await.unwrap();
        }
        work.save().await.unwrap();
        let revoked = session::EXPIRING.iter().find(|kind| kind.table == "revoked_token").unwrap();
        let mut rounds = Vec::new();
        let mut from = Timestamp::from_millis(0);
        for _ in 0..4 {
            let mut work = database.begin().await.unwrap();
            assert!(session::take_turn(&mut work).await.unwrap());
            let early = Timestamp::from_millis(NOW.millis() - 1);
            assert_eq!(revoked.remove(&mut work, (from, early), 10).await.unwrap().rows, 0);
            let removed = revoked.remove(&mut work, (from, NOW), 10).await.unwrap();
            from = removed.next;
            rounds.push(removed.rows);
            work.save().await.unwrap();
        }
        assert_eq!(rounds, [10, 10, 5, 0]);
        let mut work = database.begin().await.unwrap();
        for kind in session::EXPIRING {
            kind.remove(&mut work, (Timestamp::from_millis(0), NOW), 10)
                .await
                .unwrap_or_else(|e| panic!("{}: {e}", kind.table));
        }
        work.save().await.unwrap();
        let mut work = database.read().await.unwrap();
        assert_eq!(token::epochs_since(&mut work, Timestamp::from_millis(0)).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_set_up_link_is_used_once() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        let end = NOW.plus(Duration::from_secs(60));
        setup::replace(&mut work, b"first", end).await.unwrap();
        setup::replace(&mut work, b"second", end).await.unwrap();
        assert!(!setup::is_valid(&mut work, b"first", NOW).await.unwrap());
        assert!(setup::is_valid(&mut work, b"second", NOW).await.unwrap());
        assert!(!setup::consume(&mut work, b"second", end).await.unwrap(), "an expired link was used");
        work.save().await.unwrap();
        let attempt = async || {
            let mut work = database.begin().await.unwrap();
            let used = setup::consume(&mut work, b"second", NOW).await.unwrap();
            work.save().await.unwrap();
            used
        };
        let (a, b, c) = tokio::join!(attempt(), attempt(), attempt());
        assert_eq!([a, b, c].into_iter().filter(|used| *used).count(), 1);
        let mut work = database.read().await.unwrap();
        assert!(!setup::is_waiting(&mut work, NOW).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn users_are_found_by_a_part_of_their_name_as_it_is_written() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        add_tenants(&mut work).await;
        for (id, name) in [(1, "Alice"), (2, "malice"), (3, "bob"), (4, "a_c"), (5, "abc"), (6, "50%")] {
            user::insert(&mut work, &user_row(id, TenantId::SUPER, name)).await.unwrap();
        }
        user::insert(&mut work, &user_row(7, OTHER, "alice")).await.unwrap();
        let mut names = async |text: &str, page| {
            let (found, total) = user::search(&mut work, TenantId::SUPER, text, page).await.unwrap();
            (found.into_iter().map(|u| u.name).collect::<Vec<_>>(), total)
        };
        assert_eq!(names("LIC", (0, 10)).await, (vec!["Alice".to_owned(), "malice".to_owned()], 2));
        assert_eq!(names("lic", (1, 1)).await, (vec!["malice".to_owned()], 2));
        assert_eq!(names("a_c", (0, 10)).await, (vec!["a_c".to_owned()], 1));
        assert_eq!(names("%", (0, 10)).await, (vec!["50%".to_owned()], 1));
        assert_eq!(names("' OR 1=1", (0, 10)).await, (Vec::new(), 0));
        assert_eq!(names("", (0, 10)).await.1, 6);
    })
    .await;
}
