//! Searching APIs: who sees what, what is found by which words, in which order and part.

use model::{ApiId, TenantId, Timestamp};
use serde_json::{Value, json};
use store::repository::api::{self, ApiOrder, ApiRow, ApiSearch, ApiTerm, Kinds};
use store::repository::document::{self, Audience, DocumentRow};
use store::{Database, UnitOfWork};
use uuid::Uuid;

use crate::backends::{NOW, each};

const TENANT: TenantId = TenantId::SUPER;
const OTHER: TenantId = TenantId::new(1);

fn row(n: u128, tenant: TenantId, name: &str, document: &Value) -> ApiRow {
    let later = i64::try_from(n).unwrap();
    ApiRow {
        id: ApiId::new(Uuid::from_u128(n)),
        tenant,
        name: name.into(),
        version: "1.0".into(),
        context: format!("/{}", name.to_lowercase()),
        provider: "carla".into(),
        kind: if name.starts_with("Product") { "APIPRODUCT".into() } else { "HTTP".into() },
        lifecycle: if n.is_multiple_of(2) { "PUBLISHED".into() } else { "CREATED".into() },
        is_default: false,
        document: document.to_string(),
        last_revision: 0,
        created_at: Timestamp::from_millis(NOW.millis() + later),
        created_by: "carla".into(),
        updated_at: Timestamp::from_millis(NOW.millis() - later),
        updated_by: "carla".into(),
    }
}

async fn fill(work: &mut UnitOfWork) {
    for (n, tenant, name, document) in [
        (1, TENANT, "Beta", json!({"tags": ["Food", "cheese cake"], "description": "All about 100% pizza\u{0}"})),
        (2, TENANT, "alpha", json!({"accessControl": "RESTRICTED", "accessControlRoles": ["Blue"], "tags": ["Food"]})),
        (
            3,
            TENANT,
            "Gamma",
            json!({"visibility": "RESTRICTED", "visibleRoles": ["Red"], "operations": [{"target": "/x_y"}]}),
        ),
        (
            4,
            TENANT,
            "Delta",
            json!({"visibility": "PRIVATE", "additionalProperties": [{"name": "Team", "value": "Blue"}]}),
        ),
        (
            5,
            TENANT,
            "Product one",
            json!({"subscriptionAvailability": "SPECIFIC_TENANTS",
            "subscriptionAvailableTenants": ["a.example"]}),
        ),
        (6, OTHER, "Beta", json!({"tags": ["Food"]})),
    ] {
        api::insert(work, &row(n, tenant, name, &document)).await.unwrap();
    }
    let file =
        DocumentRow { id: "d".into(), api: ApiId::new(Uuid::from_u128(4)), name: "Guide".into(), body: "{}".into() };
    document::insert(work, &file).await.unwrap();
    document::set_words(work, "d", Audience::Members, "how to dance").await.unwrap();
}

fn everything() -> ApiSearch {
    ApiSearch {
        tenant: TENANT,
        kinds: Kinds::All,
        states: Vec::new(),
        all_access: true,
        sees: 2,
        tokens: Vec::new(),
        terms: Vec::new(),
        member: true,
    }
}

fn term(group: usize, field: &str, text: &str, exact: bool) -> ApiTerm {
    ApiTerm { group, field: field.into(), text: text.into(), exact }
}

async fn names(work: &mut UnitOfWork, search: &ApiSearch) -> Vec<String> {
    let found = api::search(work, search, ApiOrder::Name, (100, 0)).await.unwrap();
    assert_eq!(i64::try_from(found.len()).unwrap(), api::count_found(work, search).await.unwrap());
    found.into_iter().map(|row| row.name).collect()
}

#[tokio::test]
async fn words_are_found_in_their_fields_and_only_in_the_own_tenant() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        fill(&mut work).await;
        for (terms, expected) in [
            (vec![], vec!["alpha", "Beta", "Delta", "Gamma", "Product one"]),
            (vec![term(0, "name", "ETA", false)], vec!["Beta"]),
            (vec![term(0, "name", "eta", true)], vec![]),
            (vec![term(0, "name", "beta", true)], vec!["Beta"]),
            (vec![term(0, "tag", "food", false)], vec!["alpha", "Beta"]),
            (vec![term(0, "tag", "food", false), term(1, "name", "alp", false)], vec!["alpha"]),
            (vec![term(0, "tag", "cheese cake", true), term(0, "tag", "food", true)], vec!["alpha", "Beta"]),
            (vec![term(0, "description", "100%", false)], vec!["Beta"]),
            (vec![term(0, "description", "1%0", false)], vec![]),
            (vec![term(0, "subcontext", "x_y", false)], vec!["Gamma"]),
            (vec![term(0, "subcontext", "xzy", false)], vec![]),
            (vec![term(0, "property:team", "blue", false)], vec!["Delta"]),
            (vec![term(0, "status", "published", true)], vec!["alpha", "Delta"]),
            (vec![term(0, "document", "dance", false)], vec!["Delta"]),
            (vec![term(0, "name", "dance", false), term(0, "document", "dance", false)], vec!["Delta"]),
            (vec![term(0, "nothing", "x", false)], vec![]),
        ] {
            let search = ApiSearch { terms: terms.clone(), ..everything() };
            assert_eq!(names(&mut work, &search).await, expected, "{terms:?}");
        }
        let strangers = ApiSearch { member: false, terms: vec![term(0, "document", "dance", false)], ..everything() };
        assert!(names(&mut work, &strangers).await.is_empty(), "documents of members are not for others");
    })
    .await;
}

#[tokio::test]
async fn who_asks_decides_what_is_found() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        fill(&mut work).await;
        let who = |all_access: bool, sees: i64, tokens: &[&str]| ApiSearch {
            all_access,
            sees,
            tokens: tokens.iter().map(|t| (*t).to_owned()).collect(),
            ..everything()
        };
        for (search, expected) in [
            (who(false, 2, &[]), vec!["Beta", "Delta", "Gamma", "Product one"]),
            (who(false, 2, &["role:blue"]), vec!["alpha", "Beta", "Delta", "Gamma", "Product one"]),
            (who(false, 2, &["user:carla"]), vec!["alpha", "Beta", "Delta", "Gamma", "Product one"]),
            (who(true, 0, &[]), vec!["alpha", "Beta", "Product one"]),
            (who(true, 1, &["role:red"]), vec!["alpha", "Beta", "Delta", "Gamma", "Product one"]),
            (who(true, -1, &["tenant:", "tenant:a.example"]), vec!["Product one"]),
            (who(true, -1, &["tenant:", "tenant:b.example"]), vec![]),
        ] {
            assert_eq!(names(&mut work, &search).await, expected, "{search:?}");
        }
        let kinds = ApiSearch { kinds: Kinds::Products, ..everything() };
        assert_eq!(names(&mut work, &kinds).await, ["Product one"]);
        let states = ApiSearch { states: vec!["CREATED"], kinds: Kinds::Apis, ..everything() };
        assert_eq!(names(&mut work, &states).await, ["Beta", "Gamma"]);
        let tags = api::facets_of_found(&mut work, &who(false, 2, &[]), "=tag").await.unwrap();
        assert_eq!(tags, [("Food".to_owned(), 1), ("cheese cake".to_owned(), 1)], "what is not seen is not counted");
        assert_eq!(api::facet_counts(&mut work, TENANT, "=tag").await.unwrap()["Food"], 2);
    })
    .await;
}

#[tokio::test]
async fn orders_and_parts_fit_together() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        fill(&mut work).await;
        for (order, expected) in [
            (ApiOrder::Newest, ["Product one", "Delta", "Gamma", "alpha", "Beta"]),
            (ApiOrder::Changed, ["Product one", "Delta", "Gamma", "alpha", "Beta"]),
            (ApiOrder::ChangedLast, ["Beta", "alpha", "Gamma", "Delta", "Product one"]),
            (ApiOrder::Name, ["alpha", "Beta", "Delta", "Gamma", "Product one"]),
            (ApiOrder::NameDown, ["Product one", "Gamma", "Delta", "Beta", "alpha"]),
            (ApiOrder::Context, ["alpha", "Beta", "Delta", "Gamma", "Product one"]),
            (ApiOrder::ContextDown, ["Product one", "Gamma", "Delta", "Beta", "alpha"]),
            (ApiOrder::State, ["Beta", "Gamma", "Product one", "alpha", "Delta"]),
            (ApiOrder::StateDown, ["Delta", "alpha", "Product one", "Gamma", "Beta"]),
        ] {
            for terms in [vec![], vec![term(0, "provider", "carla", false)]] {
                let search = ApiSearch { terms, ..everything() };
                let mut all = Vec::new();
                for offset in [0, 2, 4, 6] {
                    let part = api::search(&mut work, &search, order, (2, offset)).await.unwrap();
                    all.extend(part.into_iter().map(|row| row.name));
                }
                assert_eq!(all, expected, "{order:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn the_index_follows_the_api_and_older_rows_are_caught_up() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        fill(&mut work).await;
        let by_tag = ApiSearch { terms: vec![term(0, "tag", "food", false)], ..everything() };
        let changed = row(1, TENANT, "Beta", &json!({"tags": ["drink"], "scopes": [{"scope": {"name": "own"}}]}));
        assert!(api::update(&mut work, &changed).await.unwrap());
        assert_eq!(names(&mut work, &by_tag).await, ["alpha"]);
        assert_eq!(api::others_with_scope(&mut work, TENANT, "other", "own").await.unwrap().len(), 1);
        assert!(api::others_with_scope(&mut work, TENANT, "BETA", "own").await.unwrap().is_empty());
        assert!(api::others_with_scope(&mut work, OTHER, "other", "own").await.unwrap().is_empty());
        assert_eq!(api::with_path(&mut work, TENANT, "/BETA/1.0").await.unwrap().len(), 1);
        // As the migration leaves them: nothing is found, and nobody without a role sees anything.
        work.execute("DELETE FROM api_facet WHERE tenant_id = $1", [TENANT.into()]).await.unwrap();
        work.execute("UPDATE api SET indexed = 0, restricted = 1, visible = 2 WHERE tenant_id = $1", [TENANT.into()])
            .await
            .unwrap();
        assert_eq!(api::bring_up_to_date(&mut work, 3).await.unwrap(), 3);
        assert_eq!(api::bring_up_to_date(&mut work, 3).await.unwrap(), 2);
        assert_eq!(api::bring_up_to_date(&mut work, 3).await.unwrap(), 0);
        assert_eq!(names(&mut work, &by_tag).await, ["alpha"]);
        assert!(api::delete(&mut work, TENANT, changed.id).await.unwrap());
        assert_eq!(api::with_facet(&mut work, TENANT, "=tag", "drink").await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn a_statement_that_reads_a_whole_table_is_refused() {
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        fill(&mut work).await;
        let refused = work.find("SELECT id FROM api WHERE document LIKE $1", ["%x%".into()]).await.err().unwrap();
        assert!(refused.to_string().contains("all of api would be read"), "{refused}");
    })
    .await;
    each(async |database: Database| {
        let mut work = database.begin().await.unwrap();
        work.query("/* whole: this test wants it */ SELECT id FROM api", []).await.unwrap();
    })
    .await;
}
