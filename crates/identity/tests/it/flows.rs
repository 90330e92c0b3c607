//! Authorization code, refresh, pushed requests, DPoP, devices, exchange, sign-out.

use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use identity::AuthorizationStep;
use jose::Algorithm;
use model::{Secret, TenantId};
use serde_json::json;

use crate::flow::{CALLBACK, Client, DEVICE, EXCHANGE, Prover, VERIFIER, claims, encoded, query};
use crate::server::{ISSUER, Server, bearer};

async fn prepared() -> (Server, Client) {
    let server = Server::with_admin().await;
    server.user("alice", &["Internal/subscriber"]).await;
    let client = server.register("Weather", json!({})).await;
    (server, client)
}

#[tokio::test]
async fn a_code_leads_to_tokens_once() {
    let (server, client) = prepared().await;
    let alice = server.browser("alice").await;
    let AuthorizationStep::Consent(question) = server.authorize(Server::request(&client, &[]), Some(&alice)).await
    else {
        panic!("nobody asked")
    };
    assert_eq!((question.client.as_str(), question.destination.as_str()), ("Weather", "https://client.example"));
    assert_eq!((question.scopes.join(" ").as_str(), question.person.as_str()), ("openid orders", "alice"));
    let step = server.identity.decide_authorization(&question.request, &alice, true).await.unwrap();
    let AuthorizationStep::Redirect(target) = step else { panic!("{step:?}") };
    assert!(target.starts_with(&format!("{CALLBACK}?code=")), "{target}");
    assert_eq!(query(&target, "iss").as_deref(), Some(ISSUER));
    assert_eq!(query(&target, "state").as_deref(), Some("s t&ate"));
    // The question is used up.
    let again = server.identity.decide_authorization(&question.request, &alice, true).await.unwrap();
    assert!(matches!(again, AuthorizationStep::Refused(_)), "{again:?}");

    let code = query(&target, "code").unwrap();
    let reply = server.redeem(&client, &code).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let (access, refresh) = (reply.field("access_token"), reply.field("refresh_token"));
    let id_token = claims(&reply.field("id_token"));
    assert_eq!((&id_token["nonce"], &id_token["aud"]), (&json!("n-1"), &json!(client.id)));
    assert_eq!((&id_token["sub"], &id_token["amr"]), (&json!("alice@carbon.super"), &json!(["pwd"])));
    assert_eq!(id_token["auth_time"], alice.authenticated_at.seconds());
    assert_eq!(claims(&access)["scope"], "openid orders");
    let info = server.call("GET", "/oauth2/userinfo", &bearer(&access), None).await;
    assert_eq!((info.status.as_u16(), info.field("sub").as_str()), (200, "alice@carbon.super"));

    // A second use: refused, and everything that came from the code ends.
    assert_eq!(server.redeem(&client, &code).await.field("error"), "invalid_grant");
    assert_eq!(server.call("GET", "/oauth2/userinfo", &bearer(&access), None).await.status, 401);
    let form = encoded(&[("grant_type", "refresh_token"), ("refresh_token", &refresh)]);
    assert_eq!(server.form("/oauth2/token", &client.basic(), &form).await.field("error"), "invalid_grant");

    // Consent is remembered for these scopes, and asked for anew for more, or when the client wants that.
    let step = server.authorize(Server::request(&client, &[("scope", "openid")]), Some(&alice)).await;
    assert!(matches!(step, AuthorizationStep::Redirect(_)), "{step:?}");
    for change in [("scope", "openid orders more"), ("prompt", "consent")] {
        let step = server.authorize(Server::request(&client, &[change]), Some(&alice)).await;
        assert!(matches!(step, AuthorizationStep::Consent(_)), "{change:?}: {step:?}");
    }
}

#[tokio::test]
async fn a_code_needs_its_verifier_its_address_and_its_client() {
    let (server, client) = prepared().await;
    let other = server.register("Other", json!({})).await;
    let alice = server.browser("alice").await;
    let good = [("grant_type", "authorization_code"), ("redirect_uri", CALLBACK), ("code_verifier", VERIFIER)];
    for (name, wrong) in [
        ("code_verifier", "another-verifier-of-forty-three-characters--"),
        ("code_verifier", "short"),
        ("redirect_uri", "https://client.example/cb/"),
        ("redirect_uri", ""),
    ] {
        let code = server.code(&client, &alice).await;
        let mut form: Vec<_> = good.iter().copied().filter(|(n, _)| *n != name).collect();
        form.extend([(name, wrong), ("code", code.as_str())]);
        let reply = server.form("/oauth2/token", &client.basic(), &encoded(&form)).await;
        assert_eq!(reply.field("error"), "invalid_grant", "{name}={wrong}: {}", reply.text);
        // It was in strange hands.
        assert_eq!(server.redeem(&client, &code).await.field("error"), "invalid_grant", "{name}={wrong}");
    }
    // Another client learns nothing and changes nothing.
    let code = server.code(&client, &alice).await;
    assert_eq!(server.redeem(&other, &code).await.field("error"), "invalid_grant");
    assert_eq!(server.redeem(&client, &code).await.status, 200);
    // Too late.
    let code = server.code(&client, &alice).await;
    server.clock.advance(Duration::from_secs(121));
    assert_eq!(server.redeem(&client, &code).await.field("error"), "invalid_grant");
    // A new password in between ends it.
    let code = server.code(&client, &alice).await;
    let new = Secret::new("quite another password".to_owned());
    server.identity.reset_password(TenantId::SUPER, alice.user, &new).await.unwrap();
    assert_eq!(server.redeem(&client, &code).await.field("error"), "invalid_grant");
}

#[tokio::test]
async fn nobody_is_sent_to_an_address_that_is_not_registered() {
    let (server, client) = prepared().await;
    let alice = server.browser("alice").await;
    for change in [
        ("client_id", "nobody"),
        ("client_id", ""),
        ("redirect_uri", "https://evil.example/"),
        ("redirect_uri", "https://client.example/cb?x=1"),
        ("redirect_uri", "https://client.example/cb/../evil"),
        ("redirect_uri", "https://client.example/CB"),
        ("redirect_uri", "https://client.example@evil.example/cb"),
        ("redirect_uri", "javascript:alert(1)"),
        ("request_uri", "urn:ietf:params:oauth:request_uri:made-up"),
        ("request_uri", "https://evil.example/request"),
    ] {
        let step = server.authorize(Server::request(&client, &[change]), Some(&alice)).await;
        assert!(matches!(step, AuthorizationStep::Refused(_)), "{change:?}: {step:?}");
    }
    let mut twice = Server::request(&client, &[]);
    twice.push(("redirect_uri".into(), "https://evil.example".into()));
    assert!(matches!(server.authorize(twice, Some(&alice)).await, AuthorizationStep::Refused(_)));
    for (change, error) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("response_type", ""), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge_method", ""), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("request", "a.b.c"), "request_not_supported"),
        (("response_mode", "fragment"), "invalid_request"),
        (("scope", "a\"b"), "invalid_scope"),
        (("resource", "/relative"), "invalid_target"),
        (("resource", "https://api.example/#part"), "invalid_target"),
        (("prompt", "none login"), "invalid_request"),
        (("max_age", "-1"), "invalid_request"),
    ] {
        let step = server.authorize(Server::request(&client, &[change]), Some(&alice)).await;
        let AuthorizationStep::Redirect(target) = step else { panic!("{change:?}: {step:?}") };
        assert_eq!(query(&target, "error").as_deref(), Some(error), "{change:?}: {target}");
        assert_eq!(query(&target, "iss").as_deref(), Some(ISSUER), "{change:?}");
        assert!(target.starts_with(CALLBACK) && query(&target, "code").is_none());
    }
}

#[tokio::test]
async fn the_person_signs_in_as_freshly_as_the_client_wants() {
    let (server, client) = prepared().await;
    let request = |change: (&str, &str)| Server::request(&client, &[change]);
    let step = server.authorize(request(("prompt", "none")), None).await;
    assert!(matches!(&step, AuthorizationStep::Redirect(t) if query(t, "error").as_deref() == Some("login_required")));
    let alice = server.browser("alice").await;
    let step = server.authorize(request(("prompt", "none")), Some(&alice)).await;
    assert!(
        matches!(&step, AuthorizationStep::Redirect(t) if query(t, "error").as_deref() == Some("consent_required"))
    );
    server.clock.advance(Duration::from_secs(100));
    for change in [("prompt", "login"), ("prompt", "select_account"), ("max_age", "60")] {
        let step = server.authorize(request(change), Some(&alice)).await;
        let AuthorizationStep::SignIn(back) = step else { panic!("{change:?}: {step:?}") };
        let id = query(&back, "request").unwrap();
        // Coming back with the old session is no new sign-in.
        let step = server.identity.resume_authorization(&id, Some(&alice)).await.unwrap();
        assert!(matches!(step, AuthorizationStep::SignIn(_)), "{change:?}: {step:?}");
        let fresh = server.browser("alice").await;
        let step = server.identity.resume_authorization(&id, Some(&fresh)).await.unwrap();
        let AuthorizationStep::Consent(question) = step else { panic!("{change:?}: {step:?}") };
        // A refusal reaches the client, and nothing is remembered.
        let step = server.identity.decide_authorization(&question.request, &fresh, false).await.unwrap();
        assert!(
            matches!(&step, AuthorizationStep::Redirect(t) if query(t, "error").as_deref() == Some("access_denied"))
        );
    }
    let AuthorizationStep::SignIn(back) = server.authorize(request(("prompt", "")), None).await else {
        panic!("nobody has to sign in")
    };
    let sealed = query(&back, "request").unwrap();
    let altered = format!("{}x", &sealed[..sealed.len() - 1]);
    for text in ["made-up", "", &altered] {
        let step = server.identity.resume_authorization(text, Some(&alice)).await.unwrap();
        assert!(matches!(step, AuthorizationStep::Refused(_)), "{text}: {step:?}");
    }
    server.clock.advance(Duration::from_mins(31));
    let alice = server.browser("alice").await;
    let step = server.identity.resume_authorization(&sealed, Some(&alice)).await.unwrap();
    assert!(matches!(step, AuthorizationStep::Refused(_)), "it waits for ever");
    // What does not fit into the way back is told to the client, and nothing is kept for it.
    let long = "s".repeat(3000);
    let step = server.authorize(request(("state", &long)), None).await;
    assert!(matches!(&step, AuthorizationStep::Redirect(t) if query(t, "error").as_deref() == Some("invalid_request")));
}

#[tokio::test]
async fn another_tenants_people_are_not_for_a_client_of_one_tenant() {
    let server = Server::with_tenant().await;
    let tenant = server.tenant_id().await;
    server.user_in(tenant, "bob", &["Internal/subscriber"]).await;
    let client = server.register("Weather", json!({})).await;
    let bob = server.browser("bob@tenant1.com").await;
    let step = server.authorize(Server::request(&client, &[]), Some(&bob)).await;
    assert!(matches!(&step, AuthorizationStep::Redirect(t) if query(t, "error").as_deref() == Some("access_denied")));
    let path: model::TenantDomain = "tenant1.com".parse().unwrap();
    let step = server.identity.authorize(Some(&path), Server::request(&client, &[]), Some(&bob)).await.unwrap();
    assert!(matches!(step, AuthorizationStep::Refused(_)), "{step:?}");
    // The same at the device page.
    let form = encoded(&[("scope", "orders")]);
    let reply = server.form("/oauth2/device_authorize", &client.basic(), &form).await;
    assert!(server.identity.waiting_device(&reply.field("user_code"), &bob, None).await.unwrap().is_none());
    assert!(!server.identity.decide_device(&reply.field("user_code"), &bob, true, None).await.unwrap());
}

#[tokio::test]
async fn a_refresh_token_is_used_once_and_reuse_ends_its_family() {
    let (server, client) = prepared().await;
    let alice = server.browser("alice").await;
    let first = server.redeem(&client, &server.code(&client, &alice).await).await;
    let renew = async |token: &str| {
        let form = encoded(&[("grant_type", "refresh_token"), ("refresh_token", token)]);
        server.form("/oauth2/token", &client.basic(), &form).await
    };
    let second = renew(&first.field("refresh_token")).await;
    assert_eq!(second.status, 200, "{}", second.text);
    let renewed = claims(&second.field("id_token"));
    assert_eq!((renewed.get("nonce"), &renewed["auth_time"]), (None, &claims(&first.field("id_token"))["auth_time"]));
    // Two that cross each other: one success, and the family lives.
    assert_eq!(renew(&first.field("refresh_token")).await.field("error"), "invalid_grant");
    server.clock.advance(Duration::from_secs(3));
    let third = renew(&second.field("refresh_token")).await;
    assert_eq!(third.status, 200, "{}", third.text);
    // Later it is a copy.
    server.clock.advance(Duration::from_secs(3));
    assert_eq!(renew(&second.field("refresh_token")).await.field("error"), "invalid_grant");
    assert_eq!(renew(&third.field("refresh_token")).await.field("error"), "invalid_grant");
    let info = server.call("GET", "/oauth2/userinfo", &bearer(&third.field("access_token")), None).await;
    assert_eq!(info.status, 401);
}

#[tokio::test]
async fn a_pushed_request_counts_once_and_alone() {
    let (server, client) = prepared().await;
    let strict = server.register("Strict", json!({"require_pushed_authorization_requests": true})).await;
    let alice = server.browser("alice").await;
    let push = async |client: &Client, changes: &[(&str, &str)]| {
        let pairs = Server::request(client, changes);
        let pairs: Vec<_> = pairs.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        server.form("/oauth2/par", &client.basic(), &encoded(&pairs)).await
    };
    for (change, error) in [
        (("redirect_uri", "https://evil.example"), "invalid_request"),
        (("code_challenge", ""), "invalid_request"),
        (("request_uri", "urn:ietf:params:oauth:request_uri:x"), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
    ] {
        assert_eq!(push(&client, &[change]).await.field("error"), error, "{change:?}");
    }
    let reply = push(&strict, &[]).await;
    assert_eq!((reply.status.as_u16(), reply.json()["expires_in"].as_u64()), (201, Some(90)), "{}", reply.text);
    let uri = reply.field("request_uri");
    let by_reference =
        |client: &Client| vec![("client_id".to_owned(), client.id.clone()), ("request_uri".to_owned(), uri.clone())];
    assert!(matches!(server.authorize(by_reference(&client), Some(&alice)).await, AuthorizationStep::Refused(_)));
    let target = server.agreed(by_reference(&strict), &alice).await;
    assert!(query(&target, "code").is_some(), "{target}");
    assert!(matches!(server.authorize(by_reference(&strict), Some(&alice)).await, AuthorizationStep::Refused(_)));
    let direct = server.authorize(Server::request(&strict, &[]), Some(&alice)).await;
    assert!(matches!(direct, AuthorizationStep::Refused(_)));
    assert_eq!(server.form("/oauth2/par", "", &encoded(&[("client_id", &strict.id)])).await.status, 401);
}

#[tokio::test]
async fn a_bound_token_is_nothing_without_its_key() {
    let (server, client) = prepared().await;
    let public =
        server.register("Phone", json!({"token_endpoint_auth_method": "none", "dpop_bound_access_tokens": true})).await;
    assert_eq!(public.secret, "", "a public client got a secret");
    let (key, other) = (Prover::new(Algorithm::Es256), Prover::new(Algorithm::EdDsa));
    let alice = server.browser("alice").await;
    let now = server.now();
    let code = server.code(&public, &alice).await;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", public.id.as_str()),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let without = server.form("/oauth2/token", "", &encoded(&form)).await;
    assert_eq!(without.field("error"), "invalid_dpop_proof", "{}", without.text);
    let elsewhere = key.proof("POST", "/oauth2/revoke", "a", now, None);
    assert_eq!(server.with_proof("/oauth2/token", "", &elsewhere, &form).await.field("error"), "invalid_dpop_proof");
    let proof = key.proof("POST", "/oauth2/token", "b", now, None);
    let reply = server.with_proof("/oauth2/token", "", &proof, &form).await;
    assert_eq!((reply.status.as_u16(), reply.field("token_type").as_str()), (200, "DPoP"), "{}", reply.text);
    let token = reply.field("access_token");
    assert_eq!(claims(&token)["cnf"]["jkt"], key.thumbprint());
    let replayed = server.with_proof("/oauth2/token", "", &proof, &form).await;
    assert_eq!(replayed.field("error"), "invalid_dpop_proof", "a proof worked twice");

    // At a resource of ours: with a proof of the key, and not without.
    let info = async |authorization: String, proof: Option<String>| {
        let mut request = Request::builder().uri("/oauth2/userinfo").header(header::AUTHORIZATION, authorization);
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        server.send(request.body(Body::empty()).unwrap()).await.status.as_u16()
    };
    let at_info =
        |prover: &Prover, id: &str, token: &str| Some(prover.proof("GET", "/oauth2/userinfo", id, now, Some(token)));
    assert_eq!(info(bearer(&token), None).await, 401);
    assert_eq!(info(bearer(&token), at_info(&key, "c", &token)).await, 401);
    assert_eq!(info(format!("DPoP {token}"), None).await, 401);
    assert_eq!(info(format!("DPoP {token}"), at_info(&other, "d", &token)).await, 401);
    assert_eq!(info(format!("DPoP {token}"), at_info(&key, "e", "another token")).await, 401);
    assert_eq!(info(format!("DPoP {token}"), at_info(&key, "f", &token)).await, 200);
    assert_eq!(info(format!("DPoP {token}"), at_info(&key, "f", &token)).await, 401, "a proof worked twice");

    // A public client's refresh token is bound too; a thief's attempt does not end the family.
    let refresh = reply.field("refresh_token");
    let form =
        [("grant_type", "refresh_token"), ("client_id", public.id.as_str()), ("refresh_token", refresh.as_str())];
    let stolen = other.proof("POST", "/oauth2/token", "g", now, None);
    assert_eq!(server.with_proof("/oauth2/token", "", &stolen, &form).await.field("error"), "invalid_grant");
    let own = key.proof("POST", "/oauth2/token", "h", now, None);
    let renewed = server.with_proof("/oauth2/token", "", &own, &form).await;
    assert_eq!(renewed.status, 200, "{}", renewed.text);

    // A code that was asked for with a key needs that key.
    let changes = [("dpop_jkt", key.thumbprint())];
    let changes: Vec<_> = changes.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let target = server.agreed(Server::request(&client, &changes), &alice).await;
    let code = query(&target, "code").unwrap();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let stolen = other.proof("POST", "/oauth2/token", "i", now, None);
    let reply = server.with_proof("/oauth2/token", &client.basic(), &stolen, &form).await;
    assert_eq!(reply.field("error"), "invalid_grant", "{}", reply.text);
    let token = renewed.field("access_token");
    let introspected = server.form("/oauth2/introspect", &client.basic(), &encoded(&[("token", &token)])).await;
    assert_eq!(introspected.field("token_type"), "DPoP");
    assert_eq!(introspected.json()["cnf"]["jkt"], key.thumbprint());
}

#[tokio::test]
async fn a_device_waits_for_its_person() {
    let (server, client) = prepared().await;
    let other = server.register("Other", json!({})).await;
    let alice = server.browser("alice").await;
    let start = async || {
        let form = encoded(&[("scope", "openid orders")]);
        let reply = server.form("/oauth2/device_authorize", &client.basic(), &form).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        (reply.field("device_code"), reply.field("user_code"))
    };
    let poll = async |client: &Client, code: &str| {
        let form = encoded(&[("grant_type", DEVICE), ("device_code", code)]);
        server.form("/oauth2/token", &client.basic(), &form).await
    };
    let (device, user_code) = start().await;
    assert!(user_code.len() == 9 && user_code.contains('-'), "{user_code}");
    assert_eq!(poll(&client, &device).await.field("error"), "authorization_pending");
    assert_eq!(poll(&client, &device).await.field("error"), "slow_down");
    assert_eq!(poll(&other, &device).await.field("error"), "invalid_grant");
    let typed = user_code.to_lowercase().replace('-', " ");
    let waiting = server.identity.waiting_device(&typed, &alice, None).await.unwrap().unwrap();
    assert_eq!((waiting.client.as_str(), waiting.scopes.join(" ").as_str()), ("Weather", "openid orders"));
    assert!(server.identity.decide_device(&typed, &alice, true, None).await.unwrap());
    assert!(!server.identity.decide_device(&typed, &alice, false, None).await.unwrap(), "decided twice");
    server.clock.advance(Duration::from_secs(11));
    let reply = poll(&client, &device).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(claims(&reply.field("access_token"))["sub"], "alice@carbon.super");
    assert_eq!(poll(&client, &device).await.field("error"), "invalid_grant", "a device code worked twice");

    let (device, user_code) = start().await;
    assert!(server.identity.decide_device(&user_code, &alice, false, None).await.unwrap());
    assert_eq!(poll(&client, &device).await.field("error"), "access_denied");
    let (device, user_code) = start().await;
    server.clock.advance(Duration::from_mins(11));
    assert_eq!(poll(&client, &device).await.field("error"), "expired_token");
    assert!(server.identity.waiting_device(&user_code, &alice, None).await.unwrap().is_none());
    // Guessing codes is like guessing passwords.
    let (_, user_code) = start().await;
    let address = "203.0.113.9".parse().ok();
    for n in 0..200 {
        server.identity.waiting_device(&format!("WRONG{n}"), &alice, address).await.unwrap();
    }
    assert!(server.identity.waiting_device(&user_code, &alice, address).await.unwrap().is_none());
    assert!(!server.identity.decide_device(&user_code, &alice, true, address).await.unwrap(), "the budget was gone");
    assert!(server.identity.waiting_device(&user_code, &alice, None).await.unwrap().is_some());
    // Nor does the decision itself tell more guesses apart than the question.
    let address = "203.0.113.10".parse().ok();
    for n in 0..200 {
        assert!(!server.identity.decide_device(&format!("WRONG{n}"), &alice, true, address).await.unwrap());
    }
    assert!(!server.identity.decide_device(&user_code, &alice, true, address).await.unwrap(), "guesses were free");
    assert!(server.identity.decide_device(&user_code, &alice, true, None).await.unwrap());
}

#[tokio::test]
async fn an_exchanged_token_is_never_more_than_the_one_it_came_from() {
    let (server, client) = prepared().await;
    let backend = server.register("Backend", json!({})).await;
    let alice = server.browser("alice").await;
    let mut request = Server::request(&client, &[]);
    request.push(("resource".to_owned(), "https://orders.example/".to_owned()));
    request.push(("resource".to_owned(), "https://stock.example/".to_owned()));
    let target = server.agreed(request, &alice).await;
    let subject = server.redeem(&client, &query(&target, "code").unwrap()).await.field("access_token");
    let kind = "urn:ietf:params:oauth:token-type:access_token";
    let exchange = async |token: &str, more: &[(&str, &str)]| {
        let mut form = vec![("grant_type", EXCHANGE), ("subject_token", token), ("subject_token_type", kind)];
        form.extend(more);
        server.form("/oauth2/token", &backend.basic(), &encoded(&form)).await
    };
    server.clock.advance(Duration::from_secs(600));
    let resource = ("resource", "https://orders.example/");
    let reply = exchange(&subject, &[("scope", "orders apim:admin other"), resource]).await;
    assert_eq!((reply.status.as_u16(), reply.field("issued_token_type").as_str()), (200, kind), "{}", reply.text);
    let issued = claims(&reply.field("access_token"));
    assert_eq!((&issued["scope"], &issued["sub"]), (&json!("orders"), &json!("alice@carbon.super")));
    assert_eq!((&issued["aud"], &issued["client_id"]), (&json!("https://orders.example/"), &json!(backend.id)));
    assert!(issued["exp"].as_i64().unwrap() <= claims(&subject)["exp"].as_i64().unwrap(), "it lives longer");
    // Audiences are inherited, and none is added.
    let inherited = exchange(&subject, &[]).await.field("access_token");
    assert_eq!(claims(&inherited)["aud"], json!(["https://orders.example/", "https://stock.example/"]));
    let bank = ("resource", "https://bank.example/");
    assert_eq!(exchange(&subject, &[resource, bank]).await.field("error"), "invalid_target");
    let code = server.code(&client, &alice).await;
    let plain = server.redeem(&client, &code).await.field("access_token");
    assert_eq!(exchange(&plain, &[bank]).await.field("error"), "invalid_target", "a token without audiences got one");
    assert_eq!(claims(&exchange(&plain, &[]).await.field("access_token"))["aud"], json!(backend.id));
    assert!(reply.json().get("refresh_token").is_none() && reply.json().get("id_token").is_none());
    // Who acts is written down, and who acted before stays.
    let actor = server.form("/oauth2/token", &backend.basic(), "grant_type=client_credentials").await;
    let actor = actor.field("access_token");
    let acting = [("actor_token", actor.as_str()), ("actor_token_type", kind)];
    let delegated = exchange(&subject, &acting).await.field("access_token");
    assert_eq!(claims(&delegated)["act"], json!({"sub": backend.id}));
    let again = exchange(&delegated, &acting).await.field("access_token");
    assert_eq!(claims(&again)["act"]["act"], json!({"sub": backend.id}));
    for (token, more) in [
        ("not.a.token", vec![]),
        (subject.as_str(), vec![("actor_token", "x"), ("actor_token_type", kind)]),
        (actor.as_str(), vec![]),
    ] {
        assert_eq!(exchange(token, &more).await.field("error"), "invalid_grant", "{token}");
    }
    let wrong = exchange(&subject, &[("requested_token_type", "urn:ietf:params:oauth:token-type:saml2")]).await;
    assert_eq!(wrong.field("error"), "invalid_request");
    server.identity.lock_user(TenantId::SUPER, alice.user).await.unwrap();
    assert_eq!(exchange(&subject, &[]).await.field("error"), "invalid_grant", "the token of a locked user");
}

#[tokio::test]
async fn exchanged_tokens_end_with_the_one_they_came_from() {
    let (server, client) = prepared().await;
    let backend = server.register("Backend", json!({})).await;
    let alice = server.browser("alice").await;
    let kind = "urn:ietf:params:oauth:token-type:access_token";
    let exchange = async |token: &str| {
        let form = [("grant_type", EXCHANGE), ("subject_token", token), ("subject_token_type", kind)];
        let reply = server.form("/oauth2/token", &backend.basic(), &encoded(&form)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.field("access_token")
    };
    let lives = async |token: &str| {
        let reply = server.form("/oauth2/introspect", &backend.basic(), &encoded(&[("token", token)])).await;
        reply.json()["active"].as_bool().unwrap()
    };
    let signed_in = async || server.redeem(&client, &server.code(&client, &alice).await).await;
    let revoke = async |token: &str| {
        assert_eq!(server.form("/oauth2/revoke", &client.basic(), &encoded(&[("token", token)])).await.status, 200);
    };
    // The access token ends: so do its children and theirs, and nobody else's.
    let (first, other) = (signed_in().await, signed_in().await);
    let child = exchange(&first.field("access_token")).await;
    let (grandchild, stranger) = (exchange(&child).await, exchange(&other.field("access_token")).await);
    assert!(lives(&grandchild).await && lives(&stranger).await);
    revoke(&first.field("access_token")).await;
    assert!(!lives(&child).await && !lives(&grandchild).await, "it outlived the token it came from");
    assert!(lives(&stranger).await, "somebody else's ended too");
    // Renewal ends nothing but the token it replaces; the end of the sign-in ends what came from either.
    let form = [("grant_type", "refresh_token"), ("refresh_token", &other.field("refresh_token"))];
    let renewed = server.form("/oauth2/token", &client.basic(), &encoded(&form)).await;
    assert_eq!(renewed.status, 200, "{}", renewed.text);
    let second = exchange(&renewed.field("access_token")).await;
    assert!(lives(&stranger).await && lives(&second).await, "a renewal ended an exchanged token");
    revoke(&renewed.field("refresh_token")).await;
    assert!(!lives(&stranger).await && !lives(&second).await, "it outlived the sign-in");
    let gone = server.identity.revoked_tokens(model::Timestamp::from_millis(0)).await.unwrap();
    for token in [&child, &grandchild, &stranger, &second] {
        let id = claims(token)["jti"].as_str().unwrap().to_owned();
        assert!(gone.iter().any(|r| r.token_id == id), "the gateways are not told of {id}");
    }
    // The client that had the token is deleted.
    let child = exchange(&signed_in().await.field("access_token")).await;
    server.identity.delete_client(TenantId::SUPER, &model::ConsumerKey::new(client.id.as_str())).await.unwrap();
    assert!(!lives(&child).await, "it outlived the client of the token it came from");
}

#[tokio::test]
async fn an_audience_can_be_narrowed_and_never_widened() {
    let (server, client) = prepared().await;
    let alice = server.browser("alice").await;
    let mut request = Server::request(&client, &[]);
    request.extend([("resource".to_owned(), "https://a.example/".to_owned())]);
    request.extend([("resource".to_owned(), "https://b.example/".to_owned())]);
    let target = server.agreed(request, &alice).await;
    let reply = server.redeem(&client, &query(&target, "code").unwrap()).await;
    assert_eq!(claims(&reply.field("access_token"))["aud"], json!(["https://a.example/", "https://b.example/"]));
    let refresh = reply.field("refresh_token");
    let renew = async |resource: &str| {
        let form = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str()), ("resource", resource)];
        server.form("/oauth2/token", &client.basic(), &encoded(&form)).await
    };
    assert_eq!(renew("https://c.example/").await.field("error"), "invalid_grant");
    let narrowed = renew("https://b.example/").await;
    assert_eq!(claims(&narrowed.field("access_token"))["aud"], "https://b.example/");
}

#[tokio::test]
async fn a_client_may_end_the_session_it_began_and_no_other() {
    let (server, client) = prepared().await;
    let after = "https://client.example/bye";
    let leaving = server.register("Leaving", json!({"post_logout_redirect_uris": [after]})).await;
    let alice = server.browser("alice").await;
    let code = server.code(&leaving, &alice).await;
    let hint = server.redeem(&leaving, &code).await.field("id_token");
    let read = async |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        server.identity.sign_out_request(pairs, Some(&alice)).await
    };
    let request =
        read(&[("id_token_hint", &hint), ("post_logout_redirect_uri", after), ("state", "x y")]).await.unwrap();
    assert_eq!((request.certain, request.destination.as_deref()), (true, Some("https://client.example/bye?state=x+y")));
    let request =
        read(&[("id_token_hint", &hint), ("post_logout_redirect_uri", "https://evil.example/")]).await.unwrap();
    assert_eq!(request.destination, None);
    // Without the token of a sign-in anybody could be asking.
    let request = read(&[("client_id", &leaving.id), ("post_logout_redirect_uri", after)]).await.unwrap();
    assert_eq!((request.certain, request.destination.as_deref()), (false, Some(after)));
    assert!(!read(&[]).await.unwrap().certain);
    assert!(read(&[("id_token_hint", &hint), ("client_id", &client.id)]).await.is_err());
    server.clock.advance(Duration::from_hours(2));
    assert!(read(&[("id_token_hint", &hint)]).await.unwrap().certain, "an expired ID token is still a hint");
    let forged = format!("{}x", &hint[..hint.len() - 1]);
    assert!(!read(&[("id_token_hint", &forged)]).await.unwrap().certain);
}
