//! Sessions, sign-ins under way, second factors, recovery links, requests for accounts.

use std::time::Duration;

use model::{Tenant, TenantId, Timestamp, UserId};
use serde_json::json;
use store::repository::login_session::{self as sessions, SessionRow};
use store::repository::recovery::{self as links, RecoveryRow};
use store::repository::second_factor as factors;
use store::repository::sign_in::{self as steps, StepRow};
use store::repository::sign_up::{self as requests, SignUpRow};
use store::repository::tenant::{self, TenantRow};
use store::{Database, UnitOfWork};
use uuid::Uuid;

use crate::backends::{NOW, each};

const OTHER: TenantId = TenantId::new(1);

fn user(n: u128) -> UserId {
    UserId::new(Uuid::from_u128(n))
}

fn later(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

async fn add_tenants(work: &mut UnitOfWork) {
    for (id, domain) in [(TenantId::SUPER, "carbon.super"), (OTHER, "other.com")] {
        let tenant = Tenant { id, domain: domain.parse().unwrap(), active: true };
        tenant::insert(work, &TenantRow { tenant, owner: json!({}), created_at: NOW }).await.unwrap();
    }
}

fn session(id: &str, tenant: TenantId, owner: UserId, begun: u64) -> SessionRow {
    SessionRow {
        id: id.into(),
        tenant,
        user: owner,
        factors: "password".into(),
        authenticated_at: later(begun),
        created_at: later(begun),
        seen_at: later(begun),
        ends_at: later(begun + 100),
        address: "192.0.2.1".into(),
        agent: "Test".into(),
    }
}

#[tokio::test]
async fn a_session_ends_by_time_by_name_and_by_number() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        add_tenants(&mut work).await;
        for n in 0..5_u8 {
            let row = session(&format!("s{n}"), TenantId::SUPER, user(1), u64::from(n));
            sessions::insert(&mut work, &[n; 32], &row).await.unwrap();
        }
        sessions::insert(&mut work, &[9; 32], &session("other", OTHER, user(1), 0)).await.unwrap();
        let found = sessions::find(&mut work, &[0; 32], later(99)).await.unwrap().unwrap();
        assert_eq!((found.id.as_str(), found.user, found.tenant), ("s0", user(1), TenantId::SUPER));
        assert!(sessions::find(&mut work, &[0; 32], later(100)).await.unwrap().is_none());
        sessions::touch(&mut work, &[0; 32], later(50), later(150)).await.unwrap();
        let found = sessions::find(&mut work, &[0; 32], later(149)).await.unwrap().unwrap();
        assert_eq!((found.seen_at, found.ends_at), (later(50), later(150)));
        // Neither another user nor another tenant ends it.
        assert!(!sessions::end_by_id(&mut work, OTHER, user(1), "s0").await.unwrap());
        assert!(!sessions::end_by_id(&mut work, TenantId::SUPER, user(2), "s0").await.unwrap());
        let names = async |work: &mut UnitOfWork, tenant| {
            let rows = sessions::of_user(work, tenant, user(1), later(10), 100).await.unwrap();
            rows.into_iter().map(|r| r.id).collect::<Vec<_>>()
        };
        assert_eq!(names(&mut work, TenantId::SUPER).await, ["s4", "s3", "s2", "s1", "s0"]);
        sessions::trim(&mut work, TenantId::SUPER, user(1), 3).await.unwrap();
        assert_eq!(names(&mut work, TenantId::SUPER).await, ["s4", "s3", "s2"]);
        assert!(
            sessions::end(&mut work, &[3; 32]).await.unwrap() && !sessions::end(&mut work, &[3; 32]).await.unwrap()
        );
        assert_eq!(sessions::end_of_user(&mut work, TenantId::SUPER, user(1), Some("s4")).await.unwrap(), 1);
        assert_eq!(sessions::end_of_user(&mut work, TenantId::SUPER, user(1), None).await.unwrap(), 1);
        assert_eq!(names(&mut work, OTHER).await, ["other"]);
        work.save().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_sign_in_has_so_many_tries_and_one_end() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        add_tenants(&mut work).await;
        let row = |expires: u64| StepRow {
            tenant: TenantId::SUPER,
            user: user(1),
            kind: "enter_code".into(),
            password_hash: "x".into(),
            target: "/".into(),
            attempts: 0,
            expires_at: later(expires),
        };
        for n in 0..4_u8 {
            steps::insert_step(&mut work, &[n; 32], &row(60 + u64::from(n)), 2).await.unwrap();
        }
        assert!(steps::find_step(&mut work, &[0; 32], NOW).await.unwrap().is_none(), "the oldest made room");
        assert!(steps::find_step(&mut work, &[3; 32], later(63)).await.unwrap().is_none(), "too old");
        work.save().await.unwrap();
        let attempt = async || {
            let mut work = database.begin().await.unwrap();
            let counted = steps::try_step(&mut work, &[3; 32], 2).await.unwrap();
            work.save().await.unwrap();
            counted
        };
        let (a, b, c) = tokio::join!(attempt(), attempt(), attempt());
        assert_eq!([a, b, c].into_iter().filter(|counted| *counted).count(), 2);
        let mut work = database.begin().await.unwrap();
        assert!(
            steps::end_step(&mut work, &[3; 32]).await.unwrap() && !steps::end_step(&mut work, &[3; 32]).await.unwrap()
        );
        steps::end_steps_of_user(&mut work, TenantId::SUPER, user(1)).await.unwrap();
        assert!(steps::find_step(&mut work, &[2; 32], NOW).await.unwrap().is_none());
        steps::lock_address(&mut work, "192.0.2.1", later(10)).await.unwrap();
        steps::lock_address(&mut work, "192.0.2.1", later(20)).await.unwrap();
        let locked = steps::locked_addresses(&mut work, later(15), 10).await.unwrap();
        assert_eq!(locked, [("192.0.2.1".to_owned(), later(20))]);
        assert!(steps::locked_addresses(&mut work, later(20), 10).await.unwrap().is_empty());
        work.save().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn codes_are_used_once_whoever_comes_first() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        add_tenants(&mut work).await;
        let (tenant, who) = (TenantId::SUPER, user(1));
        assert!(factors::find(&mut work, tenant, who).await.unwrap().is_none());
        assert!(factors::insert(&mut work, tenant, who, "sealed", (5, NOW)).await.unwrap());
        assert!(!factors::insert(&mut work, tenant, who, "another", (5, NOW)).await.unwrap(), "one to an account");
        assert_eq!(factors::count_failure(&mut work, tenant, who).await.unwrap(), 1);
        factors::lock_until(&mut work, tenant, who, later(60)).await.unwrap();
        let row = factors::hold(&mut work, tenant, who).await.unwrap().unwrap();
        assert_eq!((row.secret.as_str(), row.failed_attempts, row.lock_count), ("sealed", 0, 1));
        assert_eq!((row.locked_until, row.last_step, row.confirmed_at), (Some(later(60)), 5, NOW));
        factors::replace_codes(&mut work, tenant, who, &[vec![1; 32], vec![2; 32]]).await.unwrap();
        work.save().await.unwrap();
        let step_at = async |step, now| {
            let mut work = database.begin().await.unwrap();
            let used = factors::use_step(&mut work, tenant, who, step, now).await.unwrap();
            work.save().await.unwrap();
            used
        };
        assert!(!step_at(6, NOW).await && !step_at(6, later(59)).await, "a right code came after the lock");
        let row = factors::find(&mut database.read().await.unwrap(), tenant, who).await.unwrap().unwrap();
        assert_eq!((row.locked_until, row.lock_count), (Some(later(60)), 1), "the code ended a lock");
        let step = async |step| step_at(step, later(60)).await;
        assert!(!step(5).await && !step(4).await, "used at set-up, and older than that");
        let (a, b) = tokio::join!(step(6), step(6));
        assert!(a ^ b);
        let code = async |hash: u8| {
            let mut work = database.begin().await.unwrap();
            let used = factors::use_code(&mut work, tenant, who, &[hash; 32], NOW).await.unwrap();
            work.save().await.unwrap();
            used
        };
        let (a, b) = tokio::join!(code(1), code(1));
        assert!(a ^ b);
        assert!(!code(7).await);
        let mut work = database.begin().await.unwrap();
        assert!(!factors::is_code(&mut work, tenant, who, &[1; 32]).await.unwrap());
        assert!(factors::is_code(&mut work, tenant, who, &[2; 32]).await.unwrap());
        assert!(!factors::is_code(&mut work, OTHER, who, &[2; 32]).await.unwrap(), "another tenant");
        assert_eq!(factors::count_codes(&mut work, tenant, who).await.unwrap(), 1);
        let row = factors::find(&mut work, tenant, who).await.unwrap().unwrap();
        assert_eq!(
            (row.last_step, row.lock_count, row.locked_until),
            (6, 0, None),
            "a right code forgets the wrong ones"
        );
        assert!(factors::remove(&mut work, tenant, who).await.unwrap());
        assert_eq!(factors::count_codes(&mut work, tenant, who).await.unwrap(), 0);
        work.save().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_recovery_link_replaces_the_older_one_after_a_pause() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        add_tenants(&mut work).await;
        let row = RecoveryRow {
            tenant: TenantId::SUPER,
            user: user(1),
            channel: "alice@example.com".into(),
            callback: "https://apps.example.com/".into(),
        };
        let times = |at: u64| (later(at), later(at + 900));
        assert!(links::replace(&mut work, &row, b"one", times(0), NOW).await.unwrap());
        assert!(
            !links::replace(&mut work, &row, b"two", times(60), Timestamp::from_millis(NOW.millis() - 1))
                .await
                .unwrap()
        );
        assert!(links::find(&mut work, b"one", later(899)).await.unwrap().is_some());
        assert!(links::find(&mut work, b"one", later(900)).await.unwrap().is_none());
        assert!(links::replace(&mut work, &row, b"two", times(180), later(60)).await.unwrap());
        assert!(links::find(&mut work, b"one", later(181)).await.unwrap().is_none());
        let found = links::find(&mut work, b"two", later(181)).await.unwrap().unwrap();
        assert_eq!(
            (found.channel.as_str(), found.callback.as_str()),
            ("alice@example.com", "https://apps.example.com/")
        );
        work.save().await.unwrap();
        let attempt = async || {
            let mut work = database.begin().await.unwrap();
            let used = links::consume(&mut work, b"two", later(181)).await.unwrap();
            work.save().await.unwrap();
            used
        };
        let (a, b) = tokio::join!(attempt(), attempt());
        assert!(a ^ b);
        let mut work = database.begin().await.unwrap();
        assert!(links::find(&mut work, b"two", later(181)).await.unwrap().is_none());
        links::remove_of_user(&mut work, TenantId::SUPER, user(1)).await.unwrap();
        work.save().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_request_for_an_account_moves_on_and_belongs_to_its_tenant() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        add_tenants(&mut work).await;
        let row = SignUpRow {
            id: "r1".into(),
            tenant: TenantId::SUPER,
            name: "bob".into(),
            password_hash: "$argon2id$x".into(),
            email: "bob@example.com".into(),
            callback: String::new(),
            attributes: json!({"emails": ["bob@example.com"]}).as_object().unwrap().clone(),
            state: "unconfirmed".into(),
            created_at: NOW,
            expires_at: later(900),
        };
        requests::insert(&mut work, b"hash", &row).await.unwrap();
        assert_eq!(requests::count(&mut work, TenantId::SUPER, NOW).await.unwrap(), 1);
        let recent = Timestamp::from_millis(NOW.millis() - 1);
        assert_eq!(requests::count_for(&mut work, TenantId::SUPER, "bob@example.com", recent).await.unwrap(), 1);
        assert_eq!(requests::count_for(&mut work, OTHER, "bob@example.com", recent).await.unwrap(), 0);
        assert!(requests::waiting(&mut work, TenantId::SUPER, "r1", NOW).await.unwrap().is_none(), "not confirmed");
        let found = requests::by_link(&mut work, b"hash", NOW).await.unwrap().unwrap();
        assert_eq!((found.name.as_str(), found.attributes), ("bob", row.attributes));
        assert!(requests::confirm(&mut work, "r1", later(5000)).await.unwrap());
        assert!(!requests::confirm(&mut work, "r1", later(5000)).await.unwrap());
        assert!(requests::by_link(&mut work, b"hash", NOW).await.unwrap().is_none(), "used");
        assert!(requests::waiting(&mut work, OTHER, "r1", NOW).await.unwrap().is_none());
        assert!(requests::waiting(&mut work, TenantId::SUPER, "r1", later(4999)).await.unwrap().is_some());
        assert_eq!(requests::list_waiting(&mut work, TenantId::SUPER, NOW, 10).await.unwrap().len(), 1);
        assert!(requests::list_waiting(&mut work, OTHER, NOW, 10).await.unwrap().is_empty());
        assert!(!requests::remove(&mut work, OTHER, "r1").await.unwrap());
        assert!(requests::remove(&mut work, TenantId::SUPER, "r1").await.unwrap());
        work.save().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn the_sessions_of_a_tenant_are_listed_by_page_and_without_those_that_ended() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        add_tenants(&mut work).await;
        for n in 0..5_u8 {
            let row = session(&format!("s{n}"), TenantId::SUPER, user(u128::from(n)), u64::from(n));
            sessions::insert(&mut work, &[n; 32], &row).await.unwrap();
        }
        sessions::insert(&mut work, &[9; 32], &session("other", OTHER, user(1), 0)).await.unwrap();
        let found = sessions::of_tenant(&mut work, TenantId::SUPER, later(102), (0, 2)).await.unwrap();
        assert_eq!(found.iter().map(|s| s.id.as_str()).collect::<Vec<_>>(), ["s4", "s3"]);
        let rest = sessions::of_tenant(&mut work, TenantId::SUPER, later(102), (2, 2)).await.unwrap();
        assert!(rest.is_empty(), "the first three have ended: {rest:?}");
        assert_eq!(sessions::count(&mut work, TenantId::SUPER, later(102)).await.unwrap(), 2);
        assert_eq!(sessions::count(&mut work, OTHER, later(50)).await.unwrap(), 1);
    })
    .await;
}
