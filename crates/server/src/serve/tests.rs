//! The parts of a server that were put together, without its listeners.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use control::{Control, GatewayPublisher as _, Ports, PublishError};
use identity::{NewTenant, TenantOwner};
use model::Secret;
use model::snapshot::Snapshot;
use web::Egress;

use super::*;
use crate::command::initialise;

struct Assembled {
    _directory: tempfile::TempDir,
    control: Arc<Control>,
    data_plane: Arc<DataPlane>,
    database: Database,
    identity: Arc<Identity>,
}

async fn assembled() -> Assembled {
    let directory = tempfile::tempdir().unwrap();
    let home = Home::new(directory.path().join("home"));
    std::fs::create_dir_all(home.root()).unwrap();
    std::fs::write(home.config_file(), "[transport.passthru_https.listener]\nenable = false\n").unwrap();
    initialise(&home).unwrap();
    let config = load_config(&home, None).unwrap().config;
    let (clock, rng) = world();
    let Foundation { keys, server_identity, database, identity, outbound, .. } =
        Foundation::lay(&home, &config, &clock, &rng).await.unwrap();
    let rules = egress::rules(&config).unwrap();
    let tls = tls::listener_config(&server_identity).unwrap();
    let connections = (Arc::clone(&outbound), rules.clone());
    let data_plane =
        DataPlane::start(&home, &config, tls, connections, Arc::clone(&clock), Arc::clone(&identity)).unwrap();
    let data_plane = Arc::new(data_plane);
    let ports = Ports {
        gateway: Arc::clone(&data_plane) as Arc<dyn control::GatewayPublisher>,
        key_manager: Arc::new(key_manager::ResidentKeyManager::new(Arc::clone(&identity))),
        sealer: Arc::new(sealer::VaultSealer::new(Arc::clone(&keys.keyring), Arc::clone(&rng))),
    };
    let (egress, settings) = (Egress::new(rules, outbound), control_settings(&config, WorkflowSettings::default()));
    let control = Arc::new(Control::new(database.clone(), clock, rng, egress, ports, settings));
    Assembled { _directory: directory, control, data_plane, database, identity }
}

async fn sql(database: &Database, statement: &'static str) {
    let mut work = database.begin().await.unwrap();
    work.execute(statement, []).await.unwrap();
    work.save().await.unwrap();
}

fn nothing() -> Snapshot {
    Snapshot {
        version: 1,
        tenants: BTreeMap::new(),
        apis: Vec::new(),
        applications: BTreeMap::new(),
        keys: BTreeMap::new(),
        subscriptions: Vec::new(),
        limits: Vec::new(),
        issuers: Vec::new(),
        revoked_tokens: BTreeMap::new(),
        subject_epochs: BTreeMap::new(),
        api_keys: BTreeMap::new(),
        denials: Vec::new(),
        custom_limits: Vec::new(),
        logs: Vec::new(),
    }
}

#[tokio::test]
async fn an_inactive_tenant_is_not_put_back_into_the_snapshot() {
    let there = assembled().await;
    let owner = TenantOwner {
        username: "olga".into(),
        password: Secret::new("four plain english words".into()),
        email: "olga@example.com".into(),
        first_name: "Olga".into(),
        last_name: "Owner".into(),
    };
    let tenant = there.identity.create_tenant(NewTenant { domain: "example.com".into(), owner }).await.unwrap();
    there.identity.set_tenant_active(tenant.tenant.id, false).await.unwrap();
    let completed = there.data_plane.complete(nothing()).await.unwrap();
    assert!(!completed.tenants.contains_key(&tenant.tenant.id), "{:?}", completed.tenants);
    assert_eq!(completed.issuers.len(), 1, "our own issuer is added");
}

#[tokio::test]
async fn a_snapshot_that_did_not_arrive_is_made_again() {
    let there = assembled().await;
    there.control.publish_changes().await.unwrap();
    assert!(!there.control.is_behind().await);
    // What identity has ended cannot be read: a snapshot without it must not be served.
    sql(&there.database, "ALTER TABLE subject_epoch RENAME TO away").await;
    assert!(matches!(there.data_plane.publish(nothing()).await, Err(PublishError::Undelivered(_))));
    there.control.publish_changes().await.unwrap_err();
    assert!(there.control.is_behind().await);
    sql(&there.database, "ALTER TABLE away RENAME TO subject_epoch").await;
    let job = tokio::spawn(background::republish(Arc::clone(&there.identity), Arc::clone(&there.control)));
    let arrived = async {
        while there.control.is_behind().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), arrived).await.expect("nobody tried again");
    job.abort();
}
