//! Usage: counts of several nodes add up, old hours become days, and nothing is counted twice.

use model::{ApiId, ApplicationId, TenantId, Timestamp, UsageKey, UsageTotals};
use std::time::Duration;
use store::Database;
use store::repository::usage::{self, DAY, HOUR, UsageBy, UsageOf};
use uuid::Uuid;

use crate::backends::each;

const START: i64 = 20_000 * DAY;

fn key(api: u128, application: Option<u128>, plan: &str) -> UsageKey {
    UsageKey {
        tenant: TenantId::SUPER,
        api: ApiId::new(Uuid::from_u128(api)),
        application: application.map(|n| ApplicationId::new(Uuid::from_u128(n))),
        plan: (!plan.is_empty()).then(|| plan.into()),
    }
}

fn calls(status: u16, times: u64) -> UsageTotals {
    let mut totals = UsageTotals::default();
    for _ in 0..times {
        totals.count(status, Duration::from_millis(3), (10, 100));
    }
    totals
}

async fn add(database: &Database, at: i64, key: UsageKey, totals: UsageTotals) {
    let mut work = database.begin().await.unwrap();
    usage::add(&mut work, Timestamp::from_millis(at), [(&key, &totals)]).await.unwrap();
    work.save().await.unwrap();
}

async fn by_time(database: &Database, of: UsageOf, width: i64) -> Vec<(i64, u64)> {
    let mut work = database.read().await.unwrap();
    let found = usage::over_time(&mut work, of, Timestamp::from_millis(0), width).await.unwrap();
    found.into_iter().map(|(start, totals)| (start.millis() - START, totals.calls())).collect()
}

#[tokio::test]
async fn counts_add_up_and_age_without_loss() {
    each(async |database: Database| {
        let tenant = UsageOf::Tenant(TenantId::SUPER);
        add(&database, START + 5, key(1, Some(7), "Gold"), calls(200, 3)).await;
        add(&database, START + 9, key(1, Some(7), "Gold"), calls(503, 2)).await;
        add(&database, START + HOUR, key(1, None, ""), calls(401, 1)).await;
        add(&database, START + DAY, key(2, Some(7), "Silver"), calls(200, 4)).await;
        let hours = vec![(0, 5), (HOUR, 1), (DAY, 4)];
        assert_eq!(by_time(&database, tenant, HOUR).await, hours);
        let days = vec![(0, 6), (DAY, 4)];
        assert_eq!(by_time(&database, tenant, DAY).await, days);

        let of_api = UsageOf::Api(TenantId::SUPER, ApiId::new(Uuid::from_u128(1)));
        let of_other = UsageOf::Api(TenantId::new(2), ApiId::new(Uuid::from_u128(1)));
        let of_application = UsageOf::Application(ApplicationId::new(Uuid::from_u128(7)));
        assert_eq!(by_time(&database, of_api, DAY).await, [(0, 6)]);
        assert_eq!(by_time(&database, of_other, DAY).await, [], "another tenant's key finds nothing");
        assert_eq!(by_time(&database, of_application, DAY).await, [(0, 5), (DAY, 4)]);

        let mut work = database.read().await.unwrap();
        let plans = usage::shares(&mut work, tenant, Timestamp::from_millis(0), UsageBy::Plan).await.unwrap();
        let named: Vec<(&str, u64)> = plans.iter().map(|(name, totals)| (name.as_str(), totals.calls())).collect();
        assert_eq!(named, [("Gold", 5), ("Silver", 4), ("", 1)]);
        let gold = plans[0].1;
        assert_eq!((gold.answers, gold.errors(), gold.bytes_out), ([3, 0, 0, 2], 2, 500));
        assert_eq!((gold.micros, gold.quantile_micros(0.95)), (15_000, Some(5_000)));
        work.cancel().await.unwrap();

        // The first day only: the second has not ended.
        let mut work = database.begin().await.unwrap();
        let before = Timestamp::from_millis(START + DAY + HOUR);
        assert!(usage::compact(&mut work, before).await.unwrap());
        assert!(!usage::compact(&mut work, before).await.unwrap());
        work.save().await.unwrap();
        assert_eq!(by_time(&database, tenant, HOUR).await, days);

        // A node with a late clock adds to a day that was made already.
        add(&database, START + 2 * HOUR, key(1, Some(7), "Gold"), calls(200, 1)).await;
        let mut work = database.begin().await.unwrap();
        assert!(usage::compact(&mut work, before).await.unwrap());
        work.save().await.unwrap();
        assert_eq!(by_time(&database, tenant, HOUR).await, [(0, 7), (DAY, 4)]);

        let mut work = database.begin().await.unwrap();
        assert!(usage::forget(&mut work, Timestamp::from_millis(START + 1)).await.unwrap());
        assert!(!usage::forget(&mut work, Timestamp::from_millis(START + 1)).await.unwrap());
        work.save().await.unwrap();
        assert_eq!(by_time(&database, tenant, DAY).await, [(DAY, 4)]);
    })
    .await;
}
