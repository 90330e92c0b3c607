//! Applications, keys, subscriptions, policies and what administrators keep, on both backends.

use model::{ApiId, ApplicationId, ConsumerKey, KeyMappingId, PolicyId, SubscriptionId, TenantId};
use serde_json::json;
use store::repository::api::{self, ApiRow};
use store::repository::api_key::{self, ApiKeyRow};
use store::repository::application::{self, ApplicationRow};
use store::repository::application_key::{self, ApplicationKeyRow};
use store::repository::catalogue::{self, ItemKind, ItemRow};
use store::repository::comment::{self, CommentRow, RatingRow};
use store::repository::deny::{self, DenyPolicyRow};
use store::repository::subscription::{self, SubscriptionRow};
use store::repository::tenant_setting;
use store::repository::throttling::{self, ThrottlePolicyRow};
use store::{Database, StoreError, UnitOfWork};
use uuid::Uuid;

use crate::backends::{NOW, each};

const TENANT: TenantId = TenantId::SUPER;
const OTHER: TenantId = TenantId::new(1);
const APP: ApplicationId = ApplicationId::new(Uuid::from_u128(1));
const API: ApiId = ApiId::new(Uuid::from_u128(2));

fn app(id: ApplicationId, name: &str) -> ApplicationRow {
    ApplicationRow {
        id,
        tenant: TENANT,
        owner: "susi".into(),
        name: name.into(),
        policy: "10PerMin".into(),
        description: String::new(),
        token_type: "JWT".into(),
        status: "APPROVED".into(),
        visibility: "PRIVATE".into(),
        groups: vec!["g".into()],
        attributes: json!({"a": "b"}),
        created: NOW,
        updated: NOW,
    }
}

async fn add_api(work: &mut UnitOfWork) {
    let row = ApiRow {
        id: API,
        tenant: TENANT,
        name: "Pizza".into(),
        version: "1".into(),
        context: "/pizza".into(),
        provider: "carla".into(),
        kind: "HTTP".into(),
        lifecycle: "PUBLISHED".into(),
        is_default: false,
        document: "{}".into(),
        last_revision: 0,
        created_at: NOW,
        created_by: "carla".into(),
        updated_at: NOW,
        updated_by: "carla".into(),
    };
    api::insert(work, &row).await.unwrap();
}

#[tokio::test]
async fn applications_take_their_keys_and_subscriptions_with_them() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        add_api(&mut work).await;
        application::insert(&mut work, &app(APP, "Mine")).await.unwrap();
        let key = ApplicationKeyRow {
            id: KeyMappingId::new(Uuid::from_u128(3)),
            tenant: TENANT,
            application: APP,
            key_type: "PRODUCTION".into(),
            key_manager: "Resident Key Manager".into(),
            consumer_key: ConsumerKey::new("client"),
            mode: "CREATED".into(),
            document: json!({}),
        };
        application_key::insert(&mut work, &key, NOW).await.unwrap();
        let api_key = ApiKeyRow {
            id: Uuid::from_u128(4),
            tenant: TENANT,
            application: APP,
            key_type: "SANDBOX".into(),
            name: "k".into(),
            digest: "d".into(),
            created: NOW,
            expires: Some(NOW),
            permitted_ips: vec!["10.0.0.1".into()],
            permitted_referrers: Vec::new(),
        };
        api_key::insert(&mut work, &api_key).await.unwrap();
        let subscribed = SubscriptionRow {
            id: SubscriptionId::new(Uuid::from_u128(5)),
            tenant: TENANT,
            application: APP,
            api: API,
            plan: "Gold".into(),
            requested_plan: "Gold".into(),
            status: "UNBLOCKED".into(),
            subscriber: "susi".into(),
            created: NOW,
        };
        subscription::insert(&mut work, &subscribed).await.unwrap();
        let found = application::find(&mut work, TENANT, APP).await.unwrap().unwrap();
        assert_eq!((found.groups, found.attributes), (vec!["g".to_owned()], json!({"a": "b"})));
        assert!(application::find(&mut work, OTHER, APP).await.unwrap().is_none());
        assert_eq!(application::count_with_policy(&mut work, TENANT, "10PerMin").await.unwrap(), 1);
        assert_eq!(application_key::count_of_key_manager(&mut work, TENANT, &key.key_manager).await.unwrap(), 1);
        assert_eq!(subscription::count_with_plan(&mut work, TENANT, "Gold").await.unwrap(), 1);
        let (found, total) = subscription::search_of_api(&mut work, API, "SUS", (10, 0)).await.unwrap();
        assert_eq!((found.len(), total), (1, 1));
        let (found, total) = subscription::part_of_application(&mut work, APP, (10, 1)).await.unwrap();
        assert_eq!((found.len(), total), (0, 1));
        let (found, total) =
            application::search_of_owner(&mut work, (TENANT, "susi"), "MIN", true, (5, 0)).await.unwrap();
        assert_eq!((found.len(), total), (1, 1));
        let (found, total) = application::search_of_tenant(&mut work, TENANT, ("SUSI", "%"), (5, 0)).await.unwrap();
        assert_eq!((found.len(), total), (0, 0), "a per cent sign is one");
        assert!(subscription::find_pair(&mut work, APP, API).await.unwrap().is_some());
        let by_key = application_key::find_by_consumer_key(&mut work, &key.consumer_key).await.unwrap();
        assert_eq!(by_key.unwrap().application, APP);
        assert_eq!(api_key::of_application(&mut work, TENANT, APP, "SANDBOX").await.unwrap().len(), 1);
        assert!(application::delete(&mut work, TENANT, APP).await.unwrap());
        assert!(application_key::all(&mut work).await.unwrap().is_empty());
        assert!(api_key::all(&mut work).await.unwrap().is_empty());
        assert_eq!(subscription::count_of_api(&mut work, API).await.unwrap(), 0);
        work.save().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn an_owner_has_a_name_once_and_a_client_belongs_to_one_application() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        application::insert(&mut work, &app(APP, "Mine")).await.unwrap();
        work.save().await.unwrap();
        let mut work = database.begin().await.unwrap();
        let second = app(ApplicationId::new(Uuid::from_u128(9)), "Mine");
        let error = application::insert(&mut work, &second).await.unwrap_err();
        assert!(matches!(error, StoreError::Conflict(_)), "{error}");
        work.cancel().await.unwrap();
        let mut work = database.begin().await.unwrap();
        assert!(application::remember_subscriber(&mut work, TENANT, "susi", NOW).await.unwrap());
        assert!(!application::remember_subscriber(&mut work, TENANT, "susi", NOW).await.unwrap());
        assert!(!application::is_subscriber(&mut work, OTHER, "susi").await.unwrap());
        assert_eq!(application::of_owner(&mut work, TENANT, "susi").await.unwrap().len(), 1);
        work.save().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn policies_items_and_settings_belong_to_their_tenant() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        let id = PolicyId::new(Uuid::from_u128(1));
        let policy = ThrottlePolicyRow {
            id,
            tenant: TENANT,
            level: "advanced".into(),
            name: "P".into(),
            document: json!({"a": 1}),
        };
        throttling::insert(&mut work, &policy, NOW).await.unwrap();
        assert!(!throttling::update(&mut work, OTHER, id, &json!({})).await.unwrap());
        assert!(throttling::update(&mut work, TENANT, id, &json!({"a": 2})).await.unwrap());
        let found = throttling::find_by_name(&mut work, TENANT, "advanced", "P").await.unwrap().unwrap();
        assert_eq!(found.document, json!({"a": 2}));
        assert!(throttling::find(&mut work, TENANT, "application", id).await.unwrap().is_none());
        assert!(!throttling::delete(&mut work, OTHER, id).await.unwrap());
        let denied = DenyPolicyRow { id, tenant: TENANT, kind: "API".into(), value: json!("/x"), active: true };
        deny::insert(&mut work, &denied, NOW).await.unwrap();
        assert!(deny::set_active(&mut work, TENANT, id, false).await.unwrap());
        assert!(deny::active(&mut work).await.unwrap().is_empty());
        assert_eq!(deny::list(&mut work, TENANT).await.unwrap().len(), 1);
        let item = ItemRow { id: Uuid::from_u128(7), tenant: TENANT, name: "east".into(), document: json!({}) };
        catalogue::insert(&mut work, ItemKind::Environment, &item, NOW).await.unwrap();
        assert!(catalogue::find(&mut work, ItemKind::Category, TENANT, item.id).await.unwrap().is_none());
        assert!(catalogue::find(&mut work, ItemKind::Environment, OTHER, item.id).await.unwrap().is_none());
        assert!(catalogue::update(&mut work, ItemKind::Environment, &item).await.unwrap());
        assert_eq!(catalogue::all(&mut work, ItemKind::Environment).await.unwrap().len(), 1);
        assert!(tenant_setting::claim(&mut work, TENANT, "mark").await.unwrap());
        assert!(!tenant_setting::claim(&mut work, TENANT, "mark").await.unwrap());
        tenant_setting::put(&mut work, TENANT, "mark", &json!({"x": 1})).await.unwrap();
        assert_eq!(tenant_setting::find(&mut work, TENANT, "mark").await.unwrap(), Some(json!({"x": 1})));
        tenant_setting::put_or_remove(&mut work, TENANT, "mark", &serde_json::Value::Null).await.unwrap();
        assert_eq!(tenant_setting::find(&mut work, TENANT, "mark").await.unwrap(), None);
        work.save().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn comments_take_their_replies_with_them_and_ratings_replace_each_other() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        add_api(&mut work).await;
        let comment = |id: u128, parent: Option<u128>| CommentRow {
            id: Uuid::from_u128(id),
            tenant: TENANT,
            api: API,
            parent: parent.map(Uuid::from_u128),
            author: "susi".into(),
            entry_point: "DEVPORTAL".into(),
            category: "general".into(),
            content: "text".into(),
            created: NOW,
            updated: None,
        };
        for (id, parent) in [(1, None), (2, Some(1))] {
            comment::insert(&mut work, &comment(id, parent)).await.unwrap();
        }
        let part = |limit, offset| comment::Window { limit, offset };
        assert_eq!(comment::roots(&mut work, API, part(10, 0)).await.unwrap().len(), 1);
        assert_eq!(comment::roots(&mut work, API, part(10, 1)).await.unwrap().len(), 0);
        assert_eq!(comment::replies(&mut work, API, Uuid::from_u128(1), part(10, 0)).await.unwrap().len(), 1);
        assert_eq!(comment::replies(&mut work, API, Uuid::from_u128(1), part(0, 0)).await.unwrap().len(), 0);
        assert_eq!(comment::count_roots(&mut work, API).await.unwrap(), 1);
        assert_eq!(comment::count_replies(&mut work, API, Uuid::from_u128(1)).await.unwrap(), 1);
        assert_eq!(comment::count(&mut work, API, "susi").await.unwrap(), (2, 2));
        assert_eq!(comment::count(&mut work, API, "sven").await.unwrap(), (2, 0));
        let edited = CommentRow { content: "edited".into(), updated: Some(NOW), ..comment(1, None) };
        assert!(comment::update(&mut work, &edited).await.unwrap());
        assert!(comment::delete(&mut work, Uuid::from_u128(1)).await.unwrap());
        assert!(comment::find(&mut work, API, Uuid::from_u128(2)).await.unwrap().is_none());
        for rating in [4, 5] {
            let row = RatingRow { id: Uuid::from_u128(3), api: API, user: "susi".into(), rating };
            comment::rate(&mut work, &row).await.unwrap();
        }
        assert_eq!(comment::ratings(&mut work, API).await.unwrap().first().unwrap().rating, 5);
        assert!(comment::unrate(&mut work, API, "susi").await.unwrap());
        work.save().await.unwrap();
    })
    .await;
}
