//! The token, revocation and introspection endpoints.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use identity::{ClientOrigin, NewClient};
use model::TenantId;
use serde_json::{Value, json};

use crate::server::{ISSUER, PASSWORD, Server, basic, bearer, new_key, signing_key};

fn claims(token: &str) -> Value {
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn header(token: &str) -> Value {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap()
}

fn pair(authorization: &str) -> (String, String) {
    let text = String::from_utf8(STANDARD.decode(authorization.trim_start_matches("Basic ")).unwrap()).unwrap();
    let (id, secret) = text.split_once(':').unwrap();
    (id.to_owned(), secret.to_owned())
}

#[tokio::test]
async fn a_password_grant_gives_what_the_roles_allow() {
    let server = Server::with_tenant().await;
    let tenant = server.tenant_id().await;
    server.user_in(tenant, "publisher", &["Internal/creator", "Internal/publisher"]).await;
    let client = server.client("publisher@tenant1.com").await;
    let scopes = "apim:api_create apim:api_publish apim:admin apim:api_view openid";
    let reply = server.password_grant(&client, "publisher@tenant1.com", scopes).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(reply.field("scope"), "apim:api_create apim:api_publish apim:api_view openid");
    assert_eq!((reply.field("token_type").as_str(), reply.json()["expires_in"].as_i64()), ("Bearer", Some(3600)));
    let token = reply.field("access_token");
    let claims = claims(&token);
    assert_eq!(header(&token)["typ"], "at+jwt");
    assert_eq!(header(&token)["alg"], "RS256");
    assert_eq!(claims["iss"], "https://localhost:9443/t/tenant1.com/oauth2/token");
    assert_eq!(claims["sub"], "publisher@tenant1.com");
    assert_eq!(claims["aut"], "APPLICATION_USER");
    assert_eq!(claims["azp"], claims["aud"]);
    assert_eq!(claims["azp"].as_str().unwrap(), pair(&client).0);
    assert_eq!(claims["realm"]["signing_tenant"], "tenant1.com");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    let info = server.call("GET", "/t/tenant1.com/oauth2/userinfo", &bearer(&token), None).await;
    assert_eq!((info.status.as_u16(), info.field("sub").as_str()), (200, "publisher@tenant1.com"));
    assert_eq!(info.json().as_object().unwrap().len(), 1, "more claims than the scopes allow: {}", info.text);
}

#[tokio::test]
async fn unbound_scopes_are_free_bound_ones_go_by_role() {
    let server = Server::with_admin().await;
    server.user("clerk", &["Internal/subscriber"]).await;
    let client = server.client("admin").await;
    let scope = |reply: crate::server::Reply| reply.field("scope");
    assert_eq!(scope(server.password_grant(&client, "clerk", "PRODUCTION").await), "PRODUCTION");
    assert_eq!(scope(server.password_grant(&client, "clerk", "").await), "default");
    assert_eq!(scope(server.password_grant(&client, "clerk", "apim:admin").await), "default");
    server.identity.bind_scope(TenantId::SUPER, "orders", false, &["Internal/publisher".into()]).await.unwrap();
    assert_eq!(scope(server.password_grant(&client, "clerk", "orders").await), "default");
    server.identity.bind_scope(TenantId::SUPER, "orders", false, &["internal/SUBSCRIBER".into()]).await.unwrap();
    assert_eq!(scope(server.password_grant(&client, "clerk", "orders").await), "orders");
    assert!(server.identity.bind_scope(TenantId::SUPER, "apim:admin", false, &["clerk".into()]).await.is_err());
    assert!(server.identity.bind_scope(TenantId::SUPER, "apim:brand_new", true, &["clerk".into()]).await.is_err());
    assert!(server.identity.bind_scope(TenantId::SUPER, "internal_x", false, &["clerk".into()]).await.is_err());
}

#[tokio::test]
async fn keys_of_an_application_never_reach_the_management_apis() {
    let server = Server::with_admin().await;
    let grants = vec!["client_credentials".to_owned()];
    let new = NewClient::new(ClientOrigin::Application, "admin", "admin_app_PRODUCTION", grants);
    let (client, secret) = server.identity.create_client(TenantId::SUPER, new).await.unwrap();
    let auth = basic(client.id.as_str(), secret.value.expose());
    let form = "grant_type=client_credentials&scope=apim:admin+internal_user_mgt_list+openid+orders";
    let reply = server.form("/oauth2/token", &auth, form).await;
    assert_eq!(reply.field("scope"), "orders");
    assert_eq!(reply.json().get("refresh_token"), None);
    let token = reply.field("access_token");
    assert_eq!(claims(&token)["sub"], client.id.as_str());
    assert_eq!(claims(&token)["aut"], "APPLICATION");
    assert_eq!(server.call("GET", "/scim2/Users", &bearer(&token), None).await.status, 401);
    // A client that the administrator registered acts for the administrator.
    let service = server.client("admin").await;
    let form = "grant_type=client_credentials&scope=internal_user_mgt_list";
    let token = server.form("/oauth2/token", &service, form).await.field("access_token");
    assert_eq!(server.call("GET", "/scim2/Users", &bearer(&token), None).await.status, 200);
}

#[tokio::test]
async fn registering_again_keeps_earlier_secrets_alive() {
    let server = Server::with_admin().await;
    let first = server.client("admin").await;
    server.clock.advance(std::time::Duration::from_millis(1));
    let second = server.client("admin").await;
    assert_eq!(pair(&first).0, pair(&second).0);
    assert_ne!(pair(&first).1, pair(&second).1);
    for client in [&first, &second] {
        assert_eq!(server.password_grant(client, "admin", "").await.status, 200);
    }
    for _ in 0..19 {
        server.clock.advance(std::time::Duration::from_millis(1));
        server.client("admin").await;
    }
    assert_eq!(server.password_grant(&first, "admin", "").await.status, 401, "secrets are not bounded");
}

#[tokio::test]
async fn a_client_is_registered_for_oneself_only() {
    let server = Server::with_tenant().await;
    server.user("dev", &["Internal/subscriber"]).await;
    server.user("other", &["Internal/subscriber"]).await;
    let path = "/client-registration/v0.17/register";
    let register = |owner: &str| json!({"clientName": "app", "owner": owner, "grantType": "password", "saasApp": true});
    let reply = server.call("POST", path, &basic("dev", PASSWORD), Some(register("admin"))).await;
    assert_eq!(reply.status, 400, "{}", reply.text);
    let reply = server.call("POST", path, &basic("dev", PASSWORD), Some(register("nobody"))).await;
    assert_eq!(reply.status, 400);
    let reply = server.call("POST", path, &basic("dev", PASSWORD), Some(register("dev"))).await;
    assert_eq!(reply.status, 200);
    for field in ["clientId", "clientName", "callBackURL", "clientSecret", "appOwner", "jsonString", "jsonAppAttribute"]
    {
        reply.field(field);
    }
    let details: Value = serde_json::from_str(&reply.field("jsonString")).unwrap();
    assert_eq!(details["grant_types"], "password");
    let one = format!("{path}/{}", reply.field("clientId"));
    assert_eq!(server.call("GET", &one, &basic("other", PASSWORD), None).await.status, 404);
    assert_eq!(server.call("DELETE", &one, &basic("other", PASSWORD), None).await.status, 404);
    assert_eq!(server.call("GET", &one, &basic("admin@tenant1.com", PASSWORD), None).await.status, 404);
    let shown = server.call("GET", &one, &basic("dev", PASSWORD), None).await;
    assert_eq!(shown.json()["clientSecret"], Value::Null);
    assert_eq!(server.call("DELETE", &one, &basic("dev", PASSWORD), None).await.status, 204);
    assert_eq!(server.call("GET", &one, &basic("dev", PASSWORD), None).await.status, 404);
}

#[tokio::test]
async fn wrong_token_requests_get_the_codes_of_the_rfc() {
    let server = Server::with_admin().await;
    let client = server.client("admin").await;
    let (id, secret) = pair(&client);
    let unsupported = basic(&id, &secret);
    for (auth, form, status, code) in [
        ("", "grant_type=client_credentials", 401, "invalid_client"),
        (&client[..client.len() - 2], "grant_type=client_credentials", 401, "invalid_client"),
        (&basic(&id, "wrong"), "grant_type=client_credentials", 401, "invalid_client"),
        (&basic("unknown", &secret), "grant_type=client_credentials", 401, "invalid_client"),
        ("", &format!("grant_type=client_credentials&client_id={id}"), 401, "invalid_client"),
        (
            &client,
            &format!("grant_type=client_credentials&client_id={id}&client_secret={secret}"),
            400,
            "invalid_request",
        ),
        (&client, "grant_type=client_credentials&client_id=other", 400, "invalid_request"),
        (&client, "grant_type=client_credentials&grant_type=password", 400, "invalid_request"),
        (&client, "scope=a&scope=b&grant_type=client_credentials", 400, "invalid_request"),
        (&client, "", 400, "invalid_request"),
        (&client, "grant_type=", 400, "invalid_request"),
        (&client, "grant_type=urn:ietf:params:oauth:grant-type:saml2-bearer", 400, "unsupported_grant_type"),
        (&client, "grant_type=implicit", 400, "unsupported_grant_type"),
        (&client, "grant_type=password&username=admin", 400, "invalid_request"),
        (&client, "grant_type=password&username=admin&password=wrong", 400, "invalid_grant"),
        (&client, "grant_type=password&username=nobody&password=wrong", 400, "invalid_grant"),
        (&client, "grant_type=refresh_token", 400, "invalid_request"),
        (&client, "grant_type=refresh_token&refresh_token=x", 400, "invalid_grant"),
        (&unsupported, "grant_type=client_credentials&scope=%22", 400, "invalid_scope"),
    ] {
        let reply = server.form("/oauth2/token", auth, form).await;
        assert_eq!((reply.status.as_u16(), reply.field("error").as_str()), (status, code), "{form}");
        if status == 401 {
            assert!(reply.headers["www-authenticate"].to_str().unwrap().starts_with("Basic realm="));
            assert!(reply.text.contains("Client credentials are invalid."));
        }
    }
    let json = server.call("POST", "/oauth2/token", &client, Some(json!({"grant_type": "client_credentials"}))).await;
    assert_eq!(json.field("error"), "invalid_request");
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    assert_eq!(server.form("/oauth2/token", "", &form).await.status, 200);
    let limited = NewClient::new(ClientOrigin::Service, "admin", "limited", vec!["client_credentials".into()]);
    let (limited, key) = server.identity.create_client(TenantId::SUPER, limited).await.unwrap();
    let reply = server.password_grant(&basic(limited.id.as_str(), key.value.expose()), "admin", "").await;
    assert_eq!(reply.field("error"), "unauthorized_client");
}

#[tokio::test]
async fn only_administrators_of_the_installation_open_a_client_to_all_tenants() {
    let server = Server::with_tenant().await;
    server.user("dev", &["Internal/creator"]).await;
    let body = |name: &str| json!({"clientName": name, "grantType": "password refresh_token", "saasApp": true});
    let path = "/client-registration/v0.17/register";
    let tenant_path = "/t/tenant1.com/client-registration/v0.17/register";
    for (path, user, own, stranger) in [
        (tenant_path, "admin@tenant1.com", "admin@tenant1.com", "admin@carbon.super"),
        (path, "dev", "admin", "admin@tenant1.com"),
    ] {
        let user = basic(user, PASSWORD);
        let made = server.call("POST", path, &user, Some(body("app"))).await;
        assert_eq!((made.status.as_u16(), &made.json()["isSaasApplication"]), (200, &json!(false)), "{}", made.text);
        let one = format!("{path}/{}", made.field("clientId"));
        let changed = server.call("PUT", &one, &user, Some(body("app"))).await;
        assert_eq!((changed.status.as_u16(), &changed.json()["isSaasApplication"]), (200, &json!(false)));
        let client = basic(&made.field("clientId"), &made.field("clientSecret"));
        assert_eq!(server.password_grant(&client, stranger, "").await.field("error"), "invalid_grant");
        assert_eq!(server.password_grant(&client, own, "").await.status, 200, "its own people are shut out");
    }
    let made = server.call("POST", path, &basic("admin", PASSWORD), Some(body("app"))).await;
    assert_eq!(made.json()["isSaasApplication"], true);
}

#[tokio::test]
async fn a_token_of_another_tenants_user_is_not_exchanged_at_a_client_of_one_tenant() {
    let server = Server::with_tenant().await;
    let saas = server.client("admin").await;
    let token = server.password_grant(&saas, "admin@tenant1.com", "").await.field("access_token");
    let own = server.password_grant(&saas, "admin", "").await.field("access_token");
    let client = server.register("Backend", json!({})).await;
    let kind = "urn:ietf:params:oauth:token-type:access_token";
    let exchange = async |subject: &str, actor: Option<&str>| {
        let mut form = vec![("grant_type", crate::flow::EXCHANGE), ("subject_token", subject)];
        form.push(("subject_token_type", kind));
        form.extend(actor.into_iter().flat_map(|actor| [("actor_token", actor), ("actor_token_type", kind)]));
        server.form("/oauth2/token", &client.basic(), &crate::flow::encoded(&form)).await
    };
    assert_eq!(exchange(&token, None).await.field("error"), "invalid_grant");
    assert_eq!(exchange(&own, Some(&token)).await.field("error"), "invalid_grant", "a stranger acted");
    assert_eq!(exchange(&own, None).await.status, 200);
}

#[tokio::test]
async fn a_client_of_one_tenant_serves_others_only_when_it_says_so() {
    let server = Server::with_tenant().await;
    let saas = server.client("admin").await;
    assert_eq!(server.password_grant(&saas, "admin@tenant1.com", "").await.status, 200);
    let new = NewClient::new(ClientOrigin::Service, "admin", "own", vec!["password".into()]);
    let (own, secret) = server.identity.create_client(TenantId::SUPER, new).await.unwrap();
    let own = basic(own.id.as_str(), secret.value.expose());
    let wrong = server.form("/oauth2/token", &own, "grant_type=password&username=nobody&password=wrong").await;
    let cross = server.password_grant(&own, "admin@tenant1.com", "").await;
    assert_eq!((cross.status, &cross.text), (wrong.status, &wrong.text));
    let path = server.form("/t/tenant1.com/oauth2/token", &own, "grant_type=password").await;
    assert_eq!(path.field("error"), "invalid_client");
}

#[tokio::test]
async fn forged_tokens_are_refused_everywhere() {
    let server = Server::with_admin().await;
    let client = server.client("admin").await;
    let reply = server.password_grant(&client, "admin", "openid internal_user_mgt_list").await;
    let good = reply.field("access_token");
    let id_token = reply.field("id_token");
    let mut claims = claims(&good);
    let other = jose::SigningKey::from_pkcs8(&new_key()).unwrap();
    let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let unsigned = |alg: &str| format!("{}.{}.", encode(&json!({"alg": alg, "typ": "at+jwt"})), encode(&claims));
    let signature = good.rsplit('.').next().unwrap();
    let mut forged = vec![
        id_token,
        unsigned("none"),
        unsigned("None"),
        format!("{}{signature}", unsigned("HS256")),
        other.sign("at+jwt", &claims).unwrap(),
        format!("{good}x"),
        good[..good.len() - 4].to_owned(),
        format!("{good}.{signature}"),
        String::new(),
        ".".repeat(2),
        "a".repeat(100_000),
    ];
    for (name, value) in [
        ("iss", json!("https://evil.example/token")),
        ("sub", json!("root@carbon.super")),
        ("sub", json!("admin")),
        ("sub", json!("admin@nowhere.com")),
        ("aut", json!("APPLICATION")),
        ("aut", json!("OTHER")),
        ("aut", Value::Null),
        ("client_id", json!("unknown")),
        ("exp", json!(1)),
        ("exp", Value::Null),
        ("iat", Value::Null),
        ("jti", Value::Null),
        ("nbf", json!(9_999_999_999_i64)),
    ] {
        // Signed by our own key, so that only the claim is wrong.
        let mut changed = claims.clone();
        changed[name] = value;
        forged.push(signing_key().sign("at+jwt", &changed).unwrap());
    }
    for token in &forged {
        let reply = server.call("GET", "/scim2/Users", &bearer(token), None).await;
        assert_eq!(reply.status, 401, "{token:.200}");
        let form = format!("token={token}");
        let reply = server.form("/oauth2/introspect", &client, &form).await;
        let inactive = reply.text == "{\"active\":false}" || reply.status == 400 || reply.status == 413;
        assert!(inactive, "{token:.200}: {}", reply.text);
    }
    claims["scope"] = json!("internal_user_mgt_list");
    assert_eq!(server.call("GET", "/scim2/Users", &bearer(&good), None).await.status, 200);
}

#[tokio::test]
async fn introspection_tells_one_tenant_nothing_about_another() {
    let server = Server::with_tenant().await;
    let super_client = server.client("admin").await;
    let tenant_client = server.client("admin@tenant1.com").await;
    let token = server.password_grant(&super_client, "admin", "orders").await.field("access_token");
    let form = format!("token={token}");
    let own = server.form("/oauth2/introspect", &super_client, &form).await;
    assert!(own.text.contains("\"active\":true") && own.text.contains(&pair(&super_client).0), "{}", own.text);
    let admin = server.form("/oauth2/introspect", &basic("admin", PASSWORD), &form).await;
    assert!(admin.text.contains("\"active\":true"));
    let other = server.form("/oauth2/introspect", &tenant_client, &form).await;
    assert_eq!(other.text, "{\"active\":false}");
    let path = "/t/tenant1.com/oauth2/introspect";
    let other = server.form(path, &basic("admin@tenant1.com", PASSWORD), &form).await;
    assert_eq!(other.text, "{\"active\":false}");
    server.user("plain", &["Internal/subscriber"]).await;
    assert_eq!(server.form("/oauth2/introspect", &basic("plain", PASSWORD), &form).await.status, 401);
    assert_eq!(server.form("/oauth2/introspect", "", &form).await.status, 401);
}

#[tokio::test]
async fn metadata_names_what_is_offered_and_the_keys_fit() {
    let server = Server::with_admin().await;
    for path in [
        "/.well-known/openid-configuration",
        "/oauth2/token/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/oauth2/token",
    ] {
        let reply = server.call("GET", path, "", None).await;
        assert_eq!(reply.field("issuer"), ISSUER);
        let grants = reply.json()["grant_types_supported"].as_array().unwrap().clone();
        for grant in ["authorization_code", "client_credentials", "password", "refresh_token"] {
            assert!(grants.contains(&json!(grant)), "{grant} is not in {grants:?}");
        }
        assert_eq!(reply.json()["code_challenge_methods_supported"], json!(["S256"]));
    }
    let keys = server.call("GET", "/oauth2/jwks", "", None).await.json();
    let key = jose::VerifyingKey::from_jwk(&keys["keys"][0]).unwrap();
    assert_eq!(keys["keys"][0].get("d"), None);
    let client = server.client("admin").await;
    let token = server.password_grant(&client, "admin", "").await.field("access_token");
    let verifier = jose::Verifier::new(ISSUER, vec![key], Default::default());
    let now = model::Clock::now(&*server.clock).seconds();
    assert!(verifier.verify(&token, now).is_ok());
}
