//! What a consumer sees: routing, credentials, scopes, cross-origin, errors.

use crate::platform::*;
use model::snapshot::*;
use model::{ConsumerKey, TenantDomain, TenantId, Timestamp};
use serde_json::json;
use std::sync::Arc;

#[test]
fn a_secured_call_reaches_the_upstream() {
    let upstream = Upstream::echo();
    let stack = Stack::start(upstream.address);
    let (name, value) = bearer();
    let reply = stack.get("/pizza/1.0.0/order/7?size=l", &[(name, &value), ("X-Own", "1")]);
    assert_eq!(reply.status, 200, "{}", reply.text());
    let text = reply.text();
    assert!(text.starts_with("GET /base/order/7?size=l HTTP/1.1"), "{text}");
    assert!(text.contains(&format!("host: {}", upstream.address)) && text.contains("x-own: 1"), "{text}");
    assert!(!text.to_lowercase().contains("authorization"), "{text}");
    assert!(reply.header("server").is_none() && reply.header("x-powered-by").is_none());

    let order = stack.call("POST", "/pizza/1.0.0/order", &[(name, &value)], b"{\"n\":1}");
    assert!(order.text().ends_with("{\"n\":1}"), "{}", order.text());

    let log = Arc::clone(&stack.log);
    stack.handle.stop();
    let records = log.records();
    assert_eq!(records.len(), 2);
    let by_path = |p: &str| records.iter().find(|r| r["path"] == p).unwrap();
    let record = by_path("/pizza/1.0.0/order/7");
    assert_eq!(record["status"], 200);
    assert_eq!(record["api"], "Pizza");
    assert_eq!(record["resource"], "/order/{id}");
    assert_eq!(record["application"], "App");
    assert_eq!(record["tenant"], "carbon.super");
    assert_eq!(record["bytes_out"], reply.body.len());
    assert_eq!(by_path("/pizza/1.0.0/order")["bytes_in"], 7);
}

#[test]
fn routing_answers_with_wso2_codes() {
    let upstream = Upstream::echo();
    let stack = Stack::start(upstream.address);
    let (name, value) = bearer();
    let call = |method: &str, path: &str| stack.call(method, path, &[(name, &value)], b"");
    for (method, path, status, text) in [
        ("GET", "/pizza/1.0.0/menu/", 200, ""),
        ("GET", "/pizza/1.0.0/any/a/b", 200, ""),
        ("GET", "/pizza/1.0.0/none", 404, "No matching resource found for given API Request"),
        ("GET", "/pizza/1.0.0", 404, "No matching resource found for given API Request"),
        ("DELETE", "/pizza/1.0.0/menu", 405, "Method not allowed for given API resource"),
        ("GET", "/pizza/2.0.0/menu", 404, "The requested resource is not available."),
        ("GET", "/pizza/menu", 404, "The requested resource is not available."),
        ("GET", "/pizzas/1.0.0/menu", 404, "The requested resource is not available."),
        ("GET", "/PIZZA/1.0.0/menu", 404, "The requested resource is not available."),
        ("GET", "/", 404, "The requested resource is not available."),
        ("TRACE", "/pizza/1.0.0/menu", 405, "Method not allowed"),
    ] {
        let reply = call(method, path);
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.text());
        if status != 200 {
            assert_eq!(reply.json()["type"], "Status report");
            assert_eq!(reply.code(), status.to_string());
            assert!(reply.text().contains(text), "{}", reply.text());
        }
    }
    for admin in
        ["/carbon", "/carbon/admin/login.jsp", "/services/Version", "/publisher", "/oauth2/token", "/%63arbon/"]
    {
        let (unknown, reply) = (call("GET", "/nothing/here"), call("GET", admin));
        assert_eq!((reply.status, reply.body), (unknown.status, unknown.body), "{admin}");
    }
}

#[test]
fn default_versions_hosts_and_tenants_route() {
    let upstream = Upstream::echo();
    let mut stack = Stack::with(
        upstream.address,
        |_| (),
        |snapshot| {
            edit(snapshot, |api| api.is_default_version = true);
            snapshot.tenants.insert(TenantId::new(1), TenantDomain::super_domain());
            let mut other = api(2, "/hosted", &format!("http://{}", upstream.address));
            other.vhost = "api.example.com".into();
            other.resources.iter_mut().for_each(|r| r.authenticated = false);
            snapshot.apis.push(Arc::new(other));
        },
    );
    let (name, value) = bearer();
    assert_eq!(stack.get("/pizza/menu", &[(name, &value)]).status, 200);
    assert_eq!(stack.get("/pizza/1.0.0/menu", &[(name, &value)]).status, 200);
    stack.publish(|s| {
        edit(s, |api| {
            api.context = "/{version}/first".into();
            api.versioned_context = "/1.0.0/first".into();
        });
    });
    assert_eq!(stack.get("/1.0.0/first/menu", &[(name, &value)]).status, 200);
    assert_eq!(stack.get("/first/menu", &[(name, &value)]).status, 200);
    let host = |host: &str| {
        let raw = format!("GET /hosted/1.0.0/menu HTTP/1.1\r\nHost: {host}\r\n\r\n");
        send(stack.address(), raw.as_bytes()).unwrap().status
    };
    assert_eq!(host("api.example.com"), 200);
    assert_eq!(host("API.example.com:8243"), 200);
    assert_eq!(host("localhost"), 404);
    assert_eq!(host("api.example.com.evil"), 404);
}

#[test]
fn credentials_are_checked_as_wso2_does() {
    let upstream = Upstream::echo();
    let stack = Stack::start(upstream.address);
    let with = |value: &str| stack.get("/pizza/1.0.0/menu", &[("Authorization", value)]);
    let jwt = |changes| with(&format!("Bearer {}", token(changes)));

    let missing = stack.get("/pizza/1.0.0/menu", &[]);
    assert_eq!((missing.status, missing.code().as_str()), (401, "900902"));
    assert_eq!(missing.json()["message"], "Missing Credentials");
    let challenge = missing.header("www-authenticate").unwrap();
    assert!(challenge.contains("OAuth2 realm=\"WSO2 API Manager\""), "{challenge}");
    assert!(challenge.contains("API Key realm=\"WSO2 API Manager\""), "{challenge}");

    let invalid = with("Bearer erSecretTokenValue12345");
    assert_eq!((invalid.status, invalid.code().as_str()), (401, "900901"));
    assert!(invalid.text().contains("Make sure you have provided the correct security credentials"));
    assert!(!invalid.text().contains("erSecret"));
    assert!(invalid.header("www-authenticate").unwrap().contains("error=\"invalid_token\""));

    for (reply, status, code) in [
        (with("Basic YTpi"), 401, "900902"),
        (with("Bearer "), 401, "900902"),
        (with("Bearer x"), 401, "900901"),
        (jwt(json!({"exp": NOW})), 401, "900903"),
        (jwt(json!({"iss": "https://evil"})), 401, "900901"),
        (jwt(json!({"nbf": NOW + 3600})), 401, "900901"),
        (jwt(json!({"azp": "client-2"})), 403, "900908"),
        (jwt(json!({"azp": null})), 403, "900908"),
        (jwt(json!({"azp": null, "client_id": "client-1"})), 200, ""),
        (jwt(json!({})), 200, ""),
        (with(&format!("bearer {}", token(json!({})))), 200, ""),
    ] {
        assert_eq!(reply.status, status, "{}", reply.text());
        if status != 200 {
            assert_eq!(reply.code(), code);
        }
    }
    let twice = stack.get("/pizza/1.0.0/menu", &[("Authorization", &bearer().1), ("Authorization", "Bearer x")]);
    assert_eq!(twice.status, 401);
    assert_eq!(stack.get("/pizza/1.0.0/open", &[]).status, 200);

    let scoped = |scope: &str| {
        let value = format!("Bearer {}", token(json!({"scope": scope})));
        stack.get("/pizza/1.0.0/scoped", &[("Authorization", &value)])
    };
    assert_eq!((scoped("read").status, scoped("read").code().as_str()), (403, "900910"));
    assert_eq!(scoped("administrator").status, 403);
    assert_eq!(scoped("read admin").status, 200);
}

#[test]
fn a_known_token_expires_is_revoked_and_outlived_by_epochs() {
    let upstream = Upstream::echo();
    let mut stack = Stack::start(upstream.address);
    let value = bearer().1;
    let call = |stack: &Stack| stack.get("/pizza/1.0.0/menu", &[("Authorization", &value)]);
    assert_eq!(call(&stack).status, 200);
    let second = call(&stack);
    assert_eq!(second.status, 200);

    let expires = Timestamp::from_seconds(NOW + 3600);
    stack.publish(|s| {
        s.revoked_tokens.insert("t-1".into(), expires);
    });
    assert_eq!((call(&stack).status, call(&stack).code().as_str()), (401, "900901"));
    stack.publish(|s| s.revoked_tokens.clear());
    assert_eq!(call(&stack).status, 200);

    let epoch = |seconds| Timestamp::from_seconds(seconds);
    stack.publish(|s| {
        s.subject_epochs.insert((TenantId::SUPER, "alice".into()), epoch(NOW));
    });
    assert_eq!(call(&stack).status, 200, "issued at the epoch");
    stack.publish(|s| {
        s.subject_epochs.insert((TenantId::SUPER, "alice".into()), epoch(NOW + 1));
    });
    assert_eq!(call(&stack).status, 401);
    stack.publish(|s| {
        s.subject_epochs.clear();
        s.subject_epochs.insert((TenantId::new(9), "alice".into()), epoch(NOW + 1));
        s.subject_epochs.insert((TenantId::SUPER, "bob".into()), epoch(NOW + 1));
    });
    assert_eq!(call(&stack).status, 200, "another tenant's and another user's epochs");

    stack.clock.advance(3600);
    assert_eq!((call(&stack).status, call(&stack).code().as_str()), (401, "900903"));
    stack.clock.advance(-3600);
    stack.publish(|s| s.issuers[0].keys.clear());
    assert_eq!(call(&stack).status, 401, "the issuer's keys are gone");
}

#[test]
fn subscriptions_and_key_types_decide() {
    let upstream = Upstream::echo();
    let mut stack = Stack::start(upstream.address);
    let call = |stack: &Stack| {
        let reply = stack.get("/pizza/1.0.0/menu", &[("Authorization", &bearer().1)]);
        (reply.status, if reply.status == 200 { String::new() } else { reply.code() })
    };
    assert_eq!(call(&stack).0, 200);
    stack.publish(|s| s.subscriptions[0].state = SubscriptionState::Blocked);
    assert_eq!(call(&stack), (401, "900907".into()));
    stack.publish(|s| s.subscriptions[0].state = SubscriptionState::ProductionBlocked);
    assert_eq!(call(&stack), (401, "900907".into()));
    stack.publish(|s| {
        s.keys.get_mut(&ConsumerKey::new("client-1")).unwrap().key_type = KeyType::Sandbox;
        edit(s, |api| api.sandbox.clone_from(&api.production.clone()));
    });
    assert_eq!(call(&stack).0, 200, "sandbox calls are not blocked");
    stack.publish(|s| edit(s, |api| api.sandbox = None));
    assert_eq!(call(&stack), (403, "900901".into()));
    stack.publish(|s| {
        s.keys.get_mut(&ConsumerKey::new("client-1")).unwrap().key_type = KeyType::Production;
        edit(s, |api| std::mem::swap(&mut api.production, &mut api.sandbox));
        s.subscriptions[0].state = SubscriptionState::Active;
    });
    let reply = stack.get("/pizza/1.0.0/menu", &[("Authorization", &bearer().1)]);
    assert!(reply.status == 403 && reply.text().contains("900901"), "{}", reply.text());
    stack.publish(|s| {
        edit(s, |api| api.production = Some(api_endpoint(upstream.address)));
        s.subscriptions.clear();
    });
    assert_eq!(call(&stack), (403, "900908".into()));
    stack.publish(|s| edit(s, |api| api.security.subscription_required = false));
    assert_eq!(call(&stack).0, 200);
    stack.publish(|s| edit(s, |api| api.security.audiences = audiences(&["someone-else"])));
    assert_eq!(call(&stack), (401, "900901".into()));
    stack.publish(|s| edit(s, |api| api.security.audiences = audiences(&["client-1"])));
    assert_eq!(call(&stack).0, 200);
    stack.publish(|s| edit(s, |api| api.security.key_managers = audiences(&["Other"])));
    assert_eq!(call(&stack), (401, "900901".into()));
    stack.publish(|s| edit(s, |api| api.security.key_managers = audiences(&["all"])));
    stack.publish(|s| edit(s, |api| api.lifecycle = Lifecycle::Blocked));
    assert_eq!(call(&stack), (503, "700700".into()));
    stack.publish(|s| edit(s, |api| api.lifecycle = Lifecycle::Retired));
    assert_eq!(call(&stack).0, 404);
    stack.publish(|s| {
        edit(s, |api| {
            api.lifecycle = Lifecycle::Deprecated;
            api.transports.http = false;
        })
    });
    assert_eq!(call(&stack), (403, "900908".into()));
    stack.publish(|s| edit(s, |api| api.transports.https = false));
    assert_eq!(call(&stack), (403, "900908".into()), "plain HTTP has to be asked for by name");
}

fn api_endpoint(address: std::net::SocketAddr) -> Endpoint {
    api(1, "/x", &format!("http://{address}")).production.unwrap()
}

#[test]
fn a_foreign_issuer_cannot_use_our_client_ids() {
    let upstream = Upstream::echo();
    let stack = Stack::with(
        upstream.address,
        |_| (),
        |s| {
            let mut foreign = s.issuers[0].clone();
            foreign.name = "Partner".into();
            foreign.issuer = "https://partner".into();
            s.issuers.push(foreign);
            let mut other = s.issuers[0].clone();
            other.tenant = TenantId::new(5);
            other.name = "Tenant five".into();
            other.issuer = "https://five".into();
            s.issuers.push(other);
        },
    );
    let by = |issuer: &str| {
        let value = format!("Bearer {}", token(json!({"iss": issuer})));
        stack.get("/pizza/1.0.0/menu", &[("Authorization", &value)])
    };
    assert_eq!(by("https://partner").code(), "900908", "client-1 belongs to the resident key manager");
    assert_eq!(by("https://five").code(), "900901", "another tenant's key manager");
}

#[test]
fn api_keys_work_from_where_they_may() {
    let upstream = Upstream::echo();
    // SHA-256 of "key-1".
    let hash = "8d5be7c0d07a90e1e6d86b2a1c5a3b5b8d5d3ee0d9c0d1f6f0e7a0c1b2d3e4f5";
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"key-1");
    let real: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
    assert_ne!(hash, real);
    let key = ApiKey {
        application: model::ApplicationId::new(id(APPLICATION)),
        key_type: KeyType::Production,
        expires: Some(Timestamp::from_seconds(NOW + 60)),
        permitted_ips: Vec::new(),
        permitted_referrers: Vec::new(),
    };
    let mut stack = Stack::with(upstream.address, |_| (), |s| drop(s.api_keys.insert(real.clone(), key)));
    let call = |stack: &Stack, headers: &[(&str, &str)]| stack.get("/pizza/1.0.0/menu", headers).status;
    let good = stack.get("/pizza/1.0.0/menu", &[("ApiKey", "key-1")]);
    assert_eq!(good.status, 200);
    assert!(!good.text().contains("key-1"), "the key does not travel on");
    assert_eq!(stack.get("/pizza/1.0.0/menu?x=1&apikey=key-1", &[]).status, 200);
    assert_eq!(call(&stack, &[("ApiKey", "key-2")]), 401);
    assert_eq!(call(&stack, &[("ApiKey", &real)]), 401, "the hash is not the key");
    let mut restrict = |ips: &[&str], referrers: &[&str]| {
        let list = |l: &[&str]| l.iter().map(|t| (*t).to_owned()).collect();
        let (ips, referrers) = (list(ips), list(referrers));
        stack.publish(|s| {
            let key = s.api_keys.get_mut(&real).unwrap();
            (key.permitted_ips, key.permitted_referrers) = (ips, referrers);
        });
        let plain = call(&stack, &[("ApiKey", "key-1"), ("X-Forwarded-For", "192.0.2.1")]);
        (plain, call(&stack, &[("ApiKey", "key-1"), ("Referer", "https://good.example/page")]))
    };
    assert_eq!(restrict(&["192.0.2.0/24"], &[]), (403, 403));
    assert_eq!(restrict(&["127.0.0.1"], &[]), (200, 200));
    assert_eq!(restrict(&[], &["https://good.example/*"]), (403, 200));
    stack.clock.advance(60);
    assert_eq!(call(&stack, &[("ApiKey", "key-1")]), 401);
}

#[test]
fn a_test_key_opens_its_api_only() {
    let upstream = Upstream::echo();
    let mut stack = Stack::with(
        upstream.address,
        |_| (),
        |s| {
            edit(s, |api| api.lifecycle = Lifecycle::Created);
            s.subscriptions.clear();
        },
    );
    let key = |kind: &str, context: &str| {
        token(json!({"token_type": kind, "keytype": "PRODUCTION", "subscribedAPIs": [{"context": context}]}))
    };
    let test = |key: &str| stack.get("/pizza/1.0.0/menu", &[("Internal-Key", key)]);
    let mut bound = json!({"token_type": "InternalKey", "subscribedAPIs": [{"context": "/pizza/1.0.0"}]});
    assert_eq!(test(&token(bound.clone())).status, 200);
    bound["cnf"] = json!({"jkt": "x"});
    assert_eq!(test(&token(bound)).code(), "900901", "nobody proves anything with a test key");
    let good = key("InternalKey", "/pizza/1.0.0");
    let reply = test(&good);
    assert_eq!(reply.status, 200, "{}", reply.text());
    assert!(!reply.text().to_lowercase().contains("internal-key"), "it does not travel on");
    assert_eq!(test(&key("InternalKey", "/other/1.0.0")).code(), "900908");
    assert_eq!(test(&token(json!({}))).code(), "900901", "an access token is no test key");
    assert_eq!(test(&key("Bearer", "/pizza/1.0.0")).code(), "900901");
    let as_bearer = stack.get("/pizza/1.0.0/menu", &[("Authorization", &format!("Bearer {good}"))]);
    assert_eq!((as_bearer.status, as_bearer.code().as_str()), (401, "900901"), "a test key is no access token");
    stack.publish(|s| s.issuers[0].name = "Registered".into());
    let made_elsewhere = stack.get("/pizza/1.0.0/menu", &[("Internal-Key", &good)]);
    assert_eq!(made_elsewhere.code(), "900901", "only the gateway's own key manager makes test keys");
}

#[test]
fn preflights_are_answered_without_a_credential() {
    let upstream = Upstream::echo();
    let mut stack = Stack::start(upstream.address);
    let ask = |stack: &Stack, path: &str, method: &str| {
        let headers = [("Origin", "http://localhost"), ("Access-Control-Request-Method", method)];
        stack.call("OPTIONS", path, &headers, b"")
    };
    let reply = ask(&stack, "/pizza/1.0.0/menu", "GET");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("access-control-allow-origin"), Some("*"));
    assert_eq!(reply.header("access-control-allow-methods"), Some("GET"));
    assert!(reply.header("access-control-allow-headers").unwrap().contains("authorization"));
    assert_eq!(ask(&stack, "/pizza/1.0.0/order", "POST").header("access-control-allow-methods"), Some("POST,PUT"));
    assert_eq!(ask(&stack, "/pizza/1.0.0/menu", "DELETE").status, 405);
    assert_eq!(ask(&stack, "/pizza/1.0.0/none", "GET").status, 404);
    let bare = stack.call("OPTIONS", "/pizza/1.0.0/menu", &[("Origin", "http://localhost")], b"");
    assert_eq!(bare.status, 405);
    assert_eq!(upstream.heard(), 0);

    let normal = stack.get("/pizza/1.0.0/menu", &[("Authorization", &bearer().1), ("Origin", "http://localhost")]);
    assert_eq!(normal.header("access-control-allow-origin"), Some("*"));
    assert!(normal.header("access-control-allow-methods").is_none());
    assert!(normal.header("access-control-allow-headers").is_none());

    stack.publish(|s| {
        edit(s, |api| {
            api.cors = Some(Cors {
                allow_origins: vec!["http://good".into()],
                allow_credentials: true,
                allow_headers: vec!["X-A".into()],
                allow_methods: vec!["GET".into(), "PATCH".into()],
                expose_headers: Vec::new(),
            })
        })
    });
    assert!(ask(&stack, "/pizza/1.0.0/menu", "GET").header("access-control-allow-origin").is_none());
    let headers = [("Origin", "http://good"), ("Access-Control-Request-Method", "GET")];
    let reply = stack.call("OPTIONS", "/pizza/1.0.0/menu", &headers, b"");
    assert_eq!(reply.header("access-control-allow-methods"), Some("GET"), "the resource has no PATCH");
    let fault = stack.get("/pizza/1.0.0/menu", &[("Origin", "http://good")]);
    assert_eq!(fault.status, 401);
    assert_eq!(fault.header("access-control-allow-origin"), Some("http://good"), "a script may read the error");
}

#[test]
fn errors_speak_the_clients_language() {
    let upstream = Upstream::echo();
    let stack = Stack::start(upstream.address);
    let xml = stack.get("/pizza/1.0.0/menu", &[("Accept", "application/xml")]);
    assert!(
        xml.text()
            .starts_with("<ams:fault xmlns:ams=\"http://wso2.org/apimanager/security\"><ams:code>900902</ams:code>")
    );
    assert_eq!(xml.header("content-type"), Some("application/xml; charset=UTF-8"));
    let soap =
        stack.call("POST", "/pizza/1.0.0/order", &[("Content-Type", "text/xml"), ("SOAPAction", "\"x\"")], b"<a/>");
    assert!(soap.text().contains("<faultcode>soapenv:Client</faultcode>"), "{}", soap.text());
}

#[test]
fn policies_change_the_call() {
    let upstream = Upstream::echo();
    let policy = |name: &str, parameters: serde_json::Value| PolicyUse {
        name: name.into(),
        version: "v1".into(),
        parameters: serde_json::from_value(parameters).unwrap(),
    };
    let header = |name: &str, value: &str| policy("addHeader", json!({"headerName": name, "headerValue": value}));
    let stack = Stack::with(
        upstream.address,
        |_| (),
        |s| {
            edit(s, |api| {
                api.policies.request.push(header("x-common-header", "x-common-value"));
                let menu = &mut api.resources[0].policies;
                menu.request.push(policy(
                    "rewriteResourcePath",
                    json!({"newResourcePath": "/new", "includeQueryParams": true}),
                ));
                menu.request.push(policy("addQueryParam", json!({"paramKey": "b", "paramValue": "2"})));
                menu.response.push(header("x-answer", "1"));
                menu.fault.push(header("x-fault", "1"));
                api.resources[1].policies.request.push(policy("jsonToXML", json!({})));
                let claim = json!({"accessVerificationClaim": "azp", "accessVerificationClaimValue": "nobody"});
                api.resources[3].policies.request.push(policy("jwtClaimBasedAccessValidator", claim));
            })
        },
    );
    let value = bearer().1;
    let menu = stack.get("/pizza/1.0.0/menu?a=1", &[("Authorization", &value)]);
    assert!(menu.text().starts_with("GET /base/new?a=1&b=2 HTTP/1.1"), "{}", menu.text());
    assert!(menu.text().contains("x-common-header: x-common-value"));
    assert_eq!(menu.header("x-answer"), Some("1"));
    let fault = stack.get("/pizza/1.0.0/menu", &[]);
    assert_eq!((fault.status, fault.header("x-fault")), (401, Some("1")));
    let headers = [("Authorization", value.as_str()), ("Content-Type", "application/json")];
    let order = stack.call("POST", "/pizza/1.0.0/order", &headers, br#"{"name":"probe"}"#);
    assert!(order.text().contains("<name>probe</name>") && order.text().contains("content-type: application/xml"));
    let too_long = vec![b' '; 1024 * 1024 + 1];
    assert_eq!(stack.call("POST", "/pizza/1.0.0/order", &headers, &too_long).status, 413);
    assert_eq!(stack.get("/pizza/1.0.0/order/1", &headers).status, 403);
}

#[test]
fn the_gateway_s_own_token_header_replaces_the_usual_one() {
    let upstream = Upstream::echo();
    let mut stack =
        Stack::with(upstream.address, |settings| settings.authorization_header = "Test-Custom-Header".into(), |_| ());
    let (usual, value) = bearer();
    assert_eq!(stack.get("/pizza/1.0.0/menu", &[(usual, &value)]).status, 401);
    let reply = stack.get("/pizza/1.0.0/menu", &[("Test-Custom-Header", &value)]);
    assert_eq!(reply.status, 200);
    assert!(!reply.text().to_ascii_lowercase().contains("test-custom-header"), "the token stays here");
    stack.publish(|s| edit(s, |api| api.security.authorization_header = Some("Authorization".into())));
    assert_eq!(stack.get("/pizza/1.0.0/menu", &[(usual, &value)]).status, 401, "every API is made with that");
    stack.publish(|s| edit(s, |api| api.security.authorization_header = Some("X-Token".into())));
    assert_eq!(stack.get("/pizza/1.0.0/menu", &[("Test-Custom-Header", &value)]).status, 401);
    assert_eq!(stack.get("/pizza/1.0.0/menu", &[("X-Token", &value)]).status, 200, "the API's own goes first");
}

#[test]
fn a_body_that_is_not_xml_is_named_before_the_upstream_sees_it() {
    let upstream = Upstream::echo();
    let stack = Stack::with(
        upstream.address,
        |_| (),
        |s| {
            edit(s, |api| {
                let convert =
                    PolicyUse { name: "jsonToXML".into(), version: "v1".into(), parameters: Default::default() };
                api.policies.request.push(convert);
            })
        },
    );
    let auth = bearer().1;
    let post = |body: &str| {
        let headers = [("Authorization", auth.as_str()), ("Content-Type", "application/xml")];
        stack.call("POST", "/pizza/1.0.0/order", &headers, body.as_bytes())
    };
    assert!(post("<request>Request</request>").text().ends_with("<request>Request</request>"));
    let reply = post("<request>Request<request>");
    assert_eq!((reply.status, reply.code().as_str()), (500, "601000"));
    assert!(reply.text().contains("was expecting a close tag for element <request>"), "{}", reply.text());
    assert_eq!(upstream.heard(), 1);
}
