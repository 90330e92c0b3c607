//! What a tenant can do to another one's APIs, and whom a tenant's deny policies reach.

use crate::platform::*;
use model::snapshot::*;
use model::{ApplicationId, ConsumerKey, SubscriptionId, TenantDomain, TenantId};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;

const EVIL: TenantId = TenantId::new(7);

/// The API of the super tenant without subscriptions, and an application of another tenant with a key.
fn open_stack(upstream: SocketAddr) -> Stack {
    Stack::with(
        upstream,
        |_| (),
        |s| {
            s.tenants.insert(EVIL, "evil.com".parse::<TenantDomain>().unwrap());
            edit(s, |api| api.security.subscription_required = false);
            s.subscriptions.clear();
            let guest = ApplicationId::new(id(51));
            let application = Application {
                id: guest,
                tenant: EVIL,
                name: "Guest".into(),
                owner: "mallory@evil.com".into(),
                limit: "Unlimited".into(),
                attributes: BTreeMap::default(),
            };
            s.applications.insert(guest, application);
            let key = ApplicationKey {
                application: guest,
                key_type: KeyType::Production,
                key_manager: "Resident Key Manager".into(),
            };
            s.keys.insert(ConsumerKey::new("client-evil"), key);
        },
    )
}

fn by(stack: &Stack, path: &str, claims: Value) -> Reply {
    stack.get(&format!("/pizza/1.0.0{path}"), &[("Authorization", &format!("Bearer {}", token(claims)))])
}

fn guest(scope: &str) -> Value {
    json!({"azp": "client-evil", "sub": "mallory@evil.com", "aut": "APPLICATION_USER", "scope": scope,
        "realm": {"signing_tenant": "evil.com"}})
}

#[test]
fn a_token_of_another_tenant_opens_nothing_without_a_subscription() {
    let upstream = Upstream::echo();
    let mut stack = open_stack(upstream.address);
    let own = |tenant: &str| json!({"scope": "admin", "realm": {"signing_tenant": tenant}});
    for path in ["/menu", "/scoped"] {
        assert_eq!(by(&stack, path, own("carbon.super")).status, 200, "{path}");
        assert_eq!(by(&stack, path, guest("admin")).code(), "900908", "{path}");
        // A client id of the right tenant does not make a token of the wrong one better.
        assert_eq!(by(&stack, path, own("evil.com")).code(), "900908", "{path}");
        assert_eq!(by(&stack, path, own("nobody.com")).code(), "900908", "{path}");
        let unknown = json!({"azp": "dynamic", "scope": "admin", "realm": {"signing_tenant": "evil.com"}});
        assert_eq!(by(&stack, path, unknown).code(), "900908", "{path}");
    }
    assert_eq!(upstream.heard(), 2);
    let subscription = |application: u128| Subscription {
        id: SubscriptionId::new(id(71)),
        application: ApplicationId::new(id(application)),
        api: model::ApiId::new(id(1)),
        plan: "Unlimited".into(),
        state: SubscriptionState::Active,
    };
    stack.publish(|s| s.subscriptions = vec![subscription(51), subscription(APPLICATION)]);
    assert_eq!(by(&stack, "/menu", guest("admin")).status, 200, "the tenant's application is subscribed");
    assert_eq!(by(&stack, "/scoped", guest("admin")).status, 403, "the scope was granted by another tenant's roles");
    assert_eq!(by(&stack, "/menu", own("evil.com")).status, 403, "the subscription is not that tenant's");
    assert_eq!(by(&stack, "/scoped", own("carbon.super")).status, 200);
    // A client for all tenants is signed for by its own tenant, the scopes come from the user's.
    let saas = |user: &str| {
        json!({"sub": user, "aut": "APPLICATION_USER", "scope": "admin", "jti": "t-2",
            "realm": {"signing_tenant": "carbon.super"}})
    };
    assert_eq!(by(&stack, "/menu", saas("mallory@evil.com")).status, 200, "the application is subscribed");
    assert_eq!(by(&stack, "/scoped", saas("mallory@evil.com")).status, 403);
    assert_eq!(by(&stack, "/scoped", saas("alice@carbon.super")).status, 200);
    stack.publish(|s| s.subscriptions.truncate(1));
    assert_eq!(by(&stack, "/menu", saas("alice@carbon.super")).status, 200);
    for user in ["mallory@evil.com", "mallory@nobody.com", "mallory"] {
        assert_eq!(by(&stack, "/menu", saas(user)).code(), "900908", "{user}");
    }
    stack.publish(|s| s.subscriptions[0].state = SubscriptionState::Blocked);
    assert_eq!(by(&stack, "/menu", guest("admin")).code(), "900907", "blocked");
}

#[test]
fn only_the_built_in_key_manager_names_the_tenant_it_signs_for() {
    let upstream = Upstream::echo();
    let mut stack = open_stack(upstream.address);
    stack.publish(|s| {
        s.issuers[0].tenant = EVIL;
        s.issuers[0].name = "Evil IdP".into();
    });
    let claims = json!({"realm": {"signing_tenant": "carbon.super"}});
    assert_eq!(by(&stack, "/menu", claims).status, 401);
    stack.publish(|s| s.issuers[0].tenant = TenantId::SUPER);
    let claims = json!({"jti": "t-2", "realm": {"signing_tenant": "evil.com"}});
    assert_eq!(by(&stack, "/menu", claims).status, 200, "a registered issuer writes what it likes there");
}

#[test]
fn a_tenant_that_registers_another_ones_issuer_takes_no_tokens_from_it() {
    let upstream = Upstream::echo();
    let mut stack = Stack::with(
        upstream.address,
        |own| own.workers = 1,
        |s| {
            s.tenants.insert(EVIL, "evil.com".parse::<TenantDomain>().unwrap());
            edit(s, |api| api.security.subscription_required = false);
            s.issuers[0].name = "Identity provider".into();
            // The keys are public.
            let mut taken = s.issuers[0].clone();
            (taken.tenant, taken.name) = (EVIL, "Taken".into());
            s.issuers.insert(0, taken);
            let mut trap = api(2, "/t/evil.com/trap", &s.apis[0].production.as_ref().unwrap().targets[0]);
            trap.tenant = EVIL;
            trap.security.subscription_required = false;
            s.apis.push(std::sync::Arc::new(trap));
        },
    );
    for turn in 0..2 {
        let value = format!("Bearer {}", token(json!({"jti": format!("t-{turn}")})));
        let get = |path: &str| stack.get(path, &[("Authorization", value.as_str())]).status;
        // In both orders: what one tenant's call left in the cache must not count for the other's.
        let paths = ["/t/evil.com/trap/1.0.0/menu", "/pizza/1.0.0/menu", "/t/evil.com/trap/1.0.0/menu"];
        assert_eq!(paths.map(get)[1], 200, "{turn}");
        assert_eq!(get(paths[1]), 200, "{turn}");
        stack.publish(|s| s.issuers.reverse());
    }
    stack.publish(|s| s.issuers.retain(|issuer| issuer.tenant == EVIL));
    assert_eq!(stack.get("/pizza/1.0.0/menu", &[("Authorization", &bearer().1)]).status, 401);
}

#[test]
fn a_deny_policy_on_a_user_reaches_every_credential_of_that_user() {
    let upstream = Upstream::echo();
    let key: String = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"key-1")
        .as_ref()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let mut stack = open_stack(upstream.address);
    stack.publish(|s| {
        let key_of_alice = ApiKey {
            application: ApplicationId::new(id(APPLICATION)),
            key_type: KeyType::Production,
            expires: None,
            permitted_ips: Vec::new(),
            permitted_referrers: Vec::new(),
        };
        s.api_keys.insert(key, key_of_alice);
        let subscription = Subscription {
            id: SubscriptionId::new(id(71)),
            application: ApplicationId::new(id(51)),
            api: model::ApiId::new(id(1)),
            plan: "Unlimited".into(),
            state: SubscriptionState::Active,
        };
        s.subscriptions = vec![subscription];
    });
    let calls = |stack: &Stack| {
        let user = json!({"sub": "alice@carbon.super", "aut": "APPLICATION_USER"});
        let client = json!({"sub": "client-1", "aut": "APPLICATION", "jti": "t-2"});
        let other = json!({"sub": "bob@carbon.super", "aut": "APPLICATION_USER", "jti": "t-3"});
        let by_key = stack.get("/pizza/1.0.0/menu", &[("ApiKey", "key-1")]).status;
        let [user, client, other, guest] = [user, client, other, guest("")].map(|c| by(stack, "/menu", c).status);
        [user, client, by_key, other, guest]
    };
    assert_eq!(calls(&stack), [200; 5]);
    for (denied, expected) in [
        ("alice@carbon.super", [403, 403, 403, 200, 200]),
        ("alice", [403, 403, 403, 200, 200]),
        ("bob@carbon.super", [200, 200, 200, 403, 200]),
        ("mallory@evil.com", [200, 200, 200, 200, 403]),
        ("mallory@evil.com@carbon.super", [200, 200, 200, 200, 403]),
        ("mallory@carbon.super", [200; 5]),
        ("alice@evil.com", [200; 5]),
    ] {
        let condition = DenyCondition::User(denied.into());
        stack.publish(|s| s.denials = vec![Denial { tenant: TenantId::SUPER, condition }]);
        assert_eq!(calls(&stack), expected, "{denied}");
    }
}

#[test]
fn an_api_key_in_the_query_stays_at_the_gateway() {
    let upstream = Upstream::echo();
    let key: String = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"key-1")
        .as_ref()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let stack = Stack::with(
        upstream.address,
        |_| (),
        |s| {
            let own = ApiKey {
                application: ApplicationId::new(id(APPLICATION)),
                key_type: KeyType::Production,
                expires: None,
                permitted_ips: Vec::new(),
                permitted_referrers: Vec::new(),
            };
            s.api_keys.insert(key, own);
        },
    );
    for (query, arrives) in [
        ("apikey=key-1", "GET /base/menu HTTP/1.1"),
        ("a=1&ApiKey=key-1&b=2&apikey=key-1", "GET /base/menu?a=1&b=2 HTTP/1.1"),
        ("%61pikey=key-1&b=%20", "GET /base/menu?b=%20 HTTP/1.1"),
    ] {
        let reply = stack.get(&format!("/pizza/1.0.0/menu?{query}"), &[]);
        assert_eq!(reply.status, 200, "{query}");
        assert!(reply.text().starts_with(arrives), "{query}: {}", reply.text());
        assert!(!reply.text().contains("key-1"), "{query}");
    }
    // A call that proves itself otherwise may carry a key as well.
    let reply = stack.get("/pizza/1.0.0/menu?APIKEY=key-1&x", &[("Authorization", &bearer().1)]);
    assert!(reply.text().starts_with("GET /base/menu?x HTTP/1.1"), "{}", reply.text());
    let log = stack.log.clone();
    stack.handle.stop();
    assert_eq!(log.records().len(), 4);
    assert!(!serde_json::to_string(&log.records()).unwrap().contains("key-1"));
}
