//! Reading the audit log: whose records, which of them, and whether they are as they were written.

use control::{Actor, AuditQuery};
use model::Tenant;
use web::{AuthenticationMethod, Principal};

use crate::world::{ADMIN, CREATOR, FOREIGN, World, example_tenant, pizza, super_tenant};

fn admin_of(tenant: Tenant) -> Actor {
    Actor::new(Principal {
        tenant,
        user: "admin".into(),
        roles: ["admin".to_owned()].into(),
        scopes: ["apim:admin".to_owned()].into(),
        client: None,
        method: AuthenticationMethod::Session,
    })
}

fn all() -> AuditQuery {
    AuditQuery { limit: 100, ..AuditQuery::default() }
}

#[tokio::test]
async fn an_administrator_sees_the_own_tenant_and_nothing_of_others() {
    let world = World::new().await;
    world.create(CREATOR, pizza("Pizza")).await;
    world.create(FOREIGN, pizza("Pasta")).await;
    let (own, other) = (admin_of(super_tenant()), admin_of(example_tenant()));
    let ours = world.control.audit_log(&own, &all()).await.unwrap().records;
    let theirs = world.control.audit_log(&other, &all()).await.unwrap().records;
    assert!(!ours.is_empty() && !theirs.is_empty());
    assert!(ours.iter().all(|r| r.principal == CREATOR && r.intact), "{ours:?}");
    assert!(theirs.iter().all(|r| r.principal == "carla@example.com"), "{theirs:?}");
    let foreign = theirs[0].sequence;
    assert!(world.control.audit_record(&own, foreign).await.is_err());
    assert_eq!(world.control.audit_record(&other, foreign).await.unwrap().0.id, theirs[0].id);
}

#[tokio::test]
async fn filters_restrict_pages_continue_and_nothing_is_left_out() {
    let world = World::new().await;
    for name in ["A", "B", "C", "D", "E"] {
        world.create(CREATOR, pizza(name)).await;
    }
    world.create(ADMIN, pizza("F")).await;
    let own = admin_of(super_tenant());
    let count = async |query: AuditQuery| world.control.audit_log(&own, &query).await.unwrap().records.len();
    let whole = count(all()).await;
    let by_admin = count(AuditQuery { principal: "ADM".into(), ..all() }).await;
    assert!(by_admin > 0 && by_admin < whole);
    assert_eq!(count(AuditQuery { action: "publisher.apis.create".into(), ..all() }).await, 6);
    // The signs of patterns are looked for as they are.
    assert_eq!(count(AuditQuery { action: "publisher%create".into(), ..all() }).await, 0);
    assert_eq!(count(AuditQuery { principal: "' OR 1=1 --".into(), ..all() }).await, 0);
    let first = world.control.audit_log(&own, &all()).await.unwrap().records;
    let newest = first[0].at;
    assert_eq!(count(AuditQuery { until: Some(first.last().unwrap().at), ..all() }).await, 0);
    assert_eq!(count(AuditQuery { from: Some(newest.plus(std::time::Duration::from_secs(1))), ..all() }).await, 0);
    let (mut before, mut seen) = (None, Vec::new());
    loop {
        let page = world.control.audit_log(&own, &AuditQuery { before, limit: 2, ..all() }).await.unwrap();
        seen.extend(page.records.iter().map(|r| r.sequence));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, first.iter().map(|r| r.sequence).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_record_that_was_changed_is_shown_as_such() {
    let world = World::new().await;
    world.create(CREATOR, pizza("Pizza")).await;
    world.create(CREATOR, pizza("Pasta")).await;
    let own = admin_of(super_tenant());
    let records = world.control.audit_log(&own, &all()).await.unwrap().records;
    let changed = records[1].sequence;
    let mut work = world.database.begin().await.unwrap();
    work.execute("UPDATE audit_log SET principal = 'mallory' WHERE sequence = $1", [changed.into()]).await.unwrap();
    work.save().await.unwrap();
    let (record, _) = world.control.audit_record(&own, changed).await.unwrap();
    assert!(!record.intact && record.principal == "mallory");
    let mut work = world.database.begin().await.unwrap();
    work.execute("UPDATE audit_log SET hash = 'x' WHERE sequence = $1", [changed.into()]).await.unwrap();
    work.save().await.unwrap();
    let (next, follows) = world.control.audit_record(&own, changed + 1).await.unwrap();
    assert!(next.intact && !follows, "the record after it does not follow any more");
}

#[tokio::test]
async fn a_snapshot_knows_how_old_it_is() {
    let world = World::new().await;
    let made = world.create(CREATOR, pizza("Pizza")).await;
    world.deploy(CREATOR, made["id"].as_str().unwrap()).await;
    let version = world.gateway.snapshot().version;
    let age = world.control.snapshot_age(version).await.unwrap();
    assert_eq!((age.latest, age.behind), (version, 0));
    assert!(age.changed_at.is_some());
    assert_eq!(world.control.snapshot_age(version - 1).await.unwrap().behind, 1);
    assert_eq!(world.control.snapshot_age(u64::MAX).await.unwrap().changed_at, None);
}
