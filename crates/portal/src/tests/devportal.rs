//! The Developer Portal as visitors and consumers meet it, over an API whose every text is hostile.

use std::io::{Read as _, Write as _};

use control::{Actor, DeploymentRequest, LifecycleOptions};
use model::{ApiId, Tenant, TenantDomain};
use serde_json::json;
use web::{AuthenticationMethod, Principal};

use super::account::Browser;
use super::console::person;
use super::*;

/// Stands in every text that a publisher or consumer writes.
const HOSTILE: &str = "\"><b>x</b><script>alert(1)</script>&'{{7*7}}";

fn publisher() -> Actor {
    Actor::new(Principal {
        tenant: Tenant { id: TenantId::SUPER, domain: TenantDomain::super_domain(), active: true },
        user: "admin".into(),
        roles: ["admin".to_owned()].into(),
        scopes: std::collections::BTreeSet::new(),
        client: None,
        method: AuthenticationMethod::Session,
    })
}

/// A published API with hostile texts, two documents and one operation with parameters of each kind.
async fn pizza(site: &Site, name: &str, more: serde_json::Value) -> ApiId {
    site.store.used.store(true, Ordering::Relaxed);
    let actor = publisher();
    let mut document = json!({
        "name": name, "context": name.to_lowercase(), "version": "1.0.0", "description": HOSTILE,
        "policies": ["Unlimited", "Gold"], "transport": ["http"], "tags": ["food"],
        "businessInformation": {"businessOwner": HOSTILE, "businessOwnerEmail": "a@example.com"},
        "additionalProperties": [{"name": "note", "value": HOSTILE, "display": true}],
        "endpointConfig": {"endpoint_type": "http", "production_endpoints": {"url": "http://127.0.0.1:9/p"}},
        "operations": [{"target": "/order/{id}", "verb": "POST", "scopes": []}],
    });
    document.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = site.control.create_api(&actor, serde_json::from_value(document).unwrap()).await.unwrap();
    let id: ApiId = made.text("id").parse().unwrap();
    let revision = site.control.create_revision(&actor, id, "").await.unwrap();
    let request =
        DeploymentRequest { environment: "Default".into(), vhost: "localhost".into(), display_on_devportal: true };
    site.control.deploy_revision(&actor, id, revision["id"].as_str().unwrap(), &[request]).await.unwrap();
    site.control.change_lifecycle(&actor, id, "Publish", LifecycleOptions::default()).await.unwrap();
    for (title, source, content) in [
        ("Guide", "MARKDOWN", "# How to\n\n[bad](javascript:alert(1)) <img src=x onerror=alert(1)> **bold**"),
        ("Page", "INLINE", "<h1>x</h1><p onclick=alert(1)>read <script>alert(1)</script></p>"),
        ("Elsewhere", "URL", ""),
    ] {
        let about = json!({"name": title, "type": "HOWTO", "summary": HOSTILE, "sourceType": source,
                           "sourceUrl": "https://example.com/d", "visibility": "API_LEVEL"});
        let made = site.control.add_document(&actor, id, &about).await.unwrap();
        if source != "URL" {
            let document = made["documentId"].as_str().unwrap();
            let content = axum::body::Bytes::from_static(content.as_bytes());
            site.control.put_document_content(&actor, id, document, None, content).await.unwrap();
        }
    }
    id
}

/// Opens a page that has to be there and to keep the rules.
async fn page(browser: &mut Browser<'_>, path: &str) -> Seen {
    let seen = browser.get(path).await;
    assert_eq!(seen.status, StatusCode::OK, "{path}: {}", seen.body);
    assert_eq!(seen.headers["content-security-policy"], crate::console::POLICY, "{path}");
    keeps_the_rules(path, &seen.body);
    seen
}

/// Paths that a page links to.
fn links<'a>(seen: &'a Seen, start: &str) -> Vec<&'a str> {
    values(&seen.body, "href").into_iter().filter(|path| path.starts_with(start)).collect()
}

fn to(seen: &Seen) -> String {
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    seen.headers["location"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn visitors_find_and_read_what_is_public_and_nothing_else() {
    let site = Site::with_people().await;
    let id = pizza(&site, "PizzaShack", json!({})).await;
    let secret = pizza(&site, "Payroll", json!({"visibility": "RESTRICTED", "visibleRoles": ["admin"]})).await;
    let mut visitor = Browser::new(&site);
    let home = page(&mut visitor, "/devportal").await;
    assert!(home.body.contains("PizzaShack") && !home.body.contains("Payroll"), "{}", home.body);
    for (query, found) in [
        ("pizza", true),
        ("tag:food", true),
        ("javascript", true),
        ("bold", true),
        ("burger", false),
        ("%22%3E%3Cb%3E", true),
    ] {
        let list = page(&mut visitor, &format!("/devportal/apis?query={query}")).await;
        assert_eq!(list.body.contains(">PizzaShack</a>"), found, "{query}: {}", list.body);
        assert!(!list.body.contains("Payroll"), "{query}");
    }
    let base = format!("/devportal/apis/{id}");
    let overview = page(&mut visitor, &base).await;
    assert!(overview.body.contains("http://localhost:8280/pizzashack/1.0.0"), "{}", overview.body);
    let documents = page(&mut visitor, &format!("{base}/documents")).await;
    let found = links(&documents, &format!("{base}/documents/"));
    assert_eq!(found.len(), 3, "{found:?}");
    let mut texts = String::new();
    for path in found {
        texts.push_str(&page(&mut visitor, path).await.body);
    }
    assert!(texts.contains("<h2>How to</h2>") && texts.contains("<strong>bold</strong>"), "{texts}");
    assert!(texts.contains("href=\"https://example.com/d\""), "{texts}");
    for bad in ["href=\"javascript", "<img", "onclick=alert", "<h1>x"] {
        assert!(!texts.contains(bad), "{bad}: {texts}");
    }
    let operations = page(&mut visitor, &format!("{base}/try")).await;
    let call =
        links(&operations, &format!("{base}/try/call")).first().unwrap().replace("&amp;", "&").replace("&#38;", "&");
    let form = page(&mut visitor, &call).await;
    assert!(form.body.contains("curl --request POST") && form.body.contains("Sign in to call"), "{}", form.body);
    for tail in ["/subscriptions", "/versions", "/comments"] {
        page(&mut visitor, &format!("{base}{tail}")).await;
    }
    let definition = visitor.get(&format!("{base}/definition")).await;
    assert!(definition.headers["content-disposition"].to_str().unwrap().starts_with("attachment"), "a file to keep");
    assert!(definition.headers["content-security-policy"].to_str().unwrap().contains("sandbox"));
    // What is not theirs is as if it were not there, on every page.
    for tail in ["", "/documents", "/try", "/subscriptions", "/versions", "/comments", "/definition", "/picture"] {
        let seen = visitor.get(&format!("/devportal/apis/{secret}{tail}")).await;
        assert_eq!(seen.status, StatusCode::NOT_FOUND, "{tail}: {}", seen.body);
    }
    let own = visitor.get("/devportal/applications").await;
    assert!(to(&own).starts_with("/signin"));
    let admin =
        page(&mut person(&site, "paula", &["Internal/publisher"]).await, &format!("/devportal/apis/{secret}")).await;
    assert!(admin.body.contains("Payroll"));
}

#[tokio::test]
async fn a_consumer_gets_from_nothing_to_an_answer() {
    let site = Site::with_people().await;
    let id = pizza(&site, "PizzaShack", json!({})).await;
    let mut susi = person(&site, "susi", &["Internal/subscriber"]).await;
    // An application, with a mistake first: the fields keep what was typed.
    let form = page(&mut susi, "/devportal/applications/new").await;
    let fields = [("name", HOSTILE), ("throttlingPolicy", "Unlimited"), ("description", HOSTILE)];
    let refused = susi.submit(&form, "/devportal/applications/new", &fields).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    keeps_the_rules("refused", &refused.body);
    assert!(refused.body.contains("Error: ") && refused.body.contains("href=\"#name\""), "{}", refused.body);
    let fields = [("name", "Shop"), ("throttlingPolicy", "Unlimited"), ("description", HOSTILE)];
    let own = to(&susi.submit(&form, "/devportal/applications/new", &fields).await);
    let overview = page(&mut susi, &own).await;
    assert!(overview.body.contains("Shop was created."), "{}", overview.body);
    let application = own.rsplit('/').next().unwrap().to_owned();
    // A subscription.
    let access = format!("/devportal/apis/{id}/subscriptions");
    let form = page(&mut susi, &access).await;
    let wrong = susi.submit(&form, &access, &[("applicationId", &application), ("throttlingPolicy", "Platinum")]).await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN, "{}", wrong.body);
    let keys = to(&susi.submit(&form, &access, &[("applicationId", &application), ("throttlingPolicy", "Gold")]).await);
    // Keys; the secret is shown once.
    let form = page(&mut susi, &keys).await;
    let refused = susi.submit(&form, &keys, &[("grantTypesToBeSupported", "authorization_code")]).await;
    assert!(refused.body.contains("href=\"#callbackUrl\""), "{}", refused.body);
    keeps_the_rules("keys refused", &refused.body);
    let made = susi.submit(&form, &keys, &[("grantTypesToBeSupported", "client_credentials")]).await;
    assert!(made.body.contains("Consumer secret") && made.body.contains("secret-2-value"), "{}", made.body);
    let again = page(&mut susi, &keys).await;
    assert!(!again.body.contains("secret-2-value"), "{}", again.body);
    let token = susi.submit(&again, &format!("{keys}/token"), &[("scopes", ""), ("validityPeriod", "60")]).await;
    assert!(token.body.contains("token-3-value"), "{}", token.body);
    let question = page(&mut susi, &format!("{keys}/secret")).await;
    let renewed = susi.submit(&question, &format!("{keys}/secret"), &[]).await;
    assert!(renewed.body.contains("secret-4-value"), "{}", renewed.body);
    // The call, from the page to the gateway and back.
    let operations = page(&mut susi, &format!("/devportal/apis/{id}/try")).await;
    let call = links(&operations, "/devportal/apis/").into_iter().find(|path| path.contains("/try/call")).unwrap();
    let call = call.replace("&amp;", "&").replace("&#38;", "&");
    let form = page(&mut susi, &call).await;
    let credential =
        values(&form.body, "value").into_iter().find(|value| value.starts_with(&application)).unwrap().to_owned();
    let gateway = site.gateway.try_clone().unwrap();
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = gateway.accept().unwrap();
        let mut seen = [0; 4096];
        let length = stream.read(&mut seen).unwrap();
        let body = format!("{{\"answer\": \"{}\"}}", "<b>hot</b>");
        let head = format!(
            "HTTP/1.1 201 Created\r\ncontent-type: text/html\r\nx-evil: <b>\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).unwrap();
        String::from_utf8_lossy(&seen[..length]).into_owned()
    });
    let escaped = values(&form.body, "action").into_iter().find(|path| path.contains("/try/call")).unwrap().to_owned();
    let csrf = susi.cookie("__Host-portcullis-form");
    let sent = format!("csrf={csrf}&credential={}&path.id=a%2F..%2Fb&body=", credential.replace('/', "%2F"));
    let answer = susi.post(&escaped.replace("&amp;", "&").replace("&#38;", "&"), sent).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    keeps_the_rules("answer", &answer.body);
    assert!(answer.body.contains("201 Created") && answer.body.contains("hot"), "{}", answer.body);
    let request = answering.join().unwrap();
    assert!(request.starts_with("POST /pizzashack/1.0.0/order/a%2F..%2Fb HTTP/1.1\r\n"), "{request}");
    assert!(
        request.contains("host: localhost:8280\r\n") && request.contains("authorization: Bearer token-"),
        "{request}"
    );
    assert!(!request.to_lowercase().contains("cookie"), "{request}");
    // API keys, comments, rating, plan, and the way out.
    let path = format!("{own}/api-keys");
    let form = page(&mut susi, &path).await;
    let bad = [("keyName", HOSTILE), ("kind", "PRODUCTION"), ("permittedIP", "not an address")];
    let refused = susi.submit(&form, &path, &bad).await;
    assert!(refused.body.contains("href=\"#permittedIP\""), "{}", refused.body);
    keeps_the_rules("api keys refused", &refused.body);
    let good = [("keyName", HOSTILE), ("kind", "PRODUCTION"), ("days", "2"), ("permittedIP", "192.0.2.0/24")];
    let made = susi.submit(&form, &path, &good).await;
    assert!(made.body.contains("API key"), "{}", made.body);
    let listed = page(&mut susi, &path).await;
    assert!(listed.body.contains("192.0.2.0/24") && listed.body.contains("2026-11-"), "{}", listed.body);
    assert_eq!(to(&susi.submit(&listed, &format!("{path}/revoke"), &[]).await), path);
    assert!(!page(&mut susi, &path).await.body.contains("192.0.2.0/24"));
    let comments = format!("/devportal/apis/{id}/comments");
    let form = page(&mut susi, &comments).await;
    assert_eq!(to(&susi.submit(&form, &comments, &[("content", HOSTILE)]).await), comments);
    let form = page(&mut susi, &comments).await;
    assert!(form.body.contains("&#60;script&#62;") || form.body.contains("&lt;script&gt;"), "{}", form.body);
    assert_eq!(to(&susi.submit(&form, &format!("/devportal/apis/{id}/rating"), &[]).await), comments);
    let rated = page(&mut susi, &comments).await;
    let empty = susi.submit(&rated, &comments, &[("content", "  ")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);
    let subscriptions = format!("{own}/subscriptions");
    let listed = page(&mut susi, &subscriptions).await;
    assert_eq!(to(&susi.submit(&listed, &format!("{subscriptions}/plan"), &[]).await), subscriptions);
    let listed = page(&mut susi, &subscriptions).await;
    let end = links(&listed, &format!("{subscriptions}/end")).first().unwrap().to_string();
    page(&mut susi, &format!("{own}/usage")).await;
    let question = page(&mut susi, &format!("{own}/delete")).await;
    for lost in ["1 subscriptions: PizzaShack 1.0.0", "production client", "Shop itself"] {
        assert!(
            question.body.contains(lost) || question.body.contains("application Shop"),
            "{lost}: {}",
            question.body
        );
    }
    let question = page(&mut susi, &end).await;
    assert_eq!(to(&susi.submit(&question, &format!("{subscriptions}/end"), &[]).await), subscriptions);
    let question = page(&mut susi, &format!("{own}/delete")).await;
    assert_eq!(to(&susi.submit(&question, &format!("{own}/delete"), &[]).await), "/devportal/applications");
    assert_eq!(susi.get(&own).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nobody_reaches_what_somebody_else_has() {
    let site = Site::with_people().await;
    let id = pizza(&site, "PizzaShack", json!({})).await;
    let mut susi = person(&site, "susi", &["Internal/subscriber"]).await;
    let form = page(&mut susi, "/devportal/applications/new").await;
    let own = to(&susi
        .submit(&form, "/devportal/applications/new", &[("name", "Shop"), ("throttlingPolicy", "Unlimited")])
        .await);
    let mut sven = person(&site, "sven", &["Internal/subscriber"]).await;
    let mut lone = person(&site, "lone", &[]).await;
    page(&mut sven, "/devportal/applications").await;
    let csrf = sven.cookie("__Host-portcullis-form");
    for tail in [
        "",
        "/edit",
        "/delete",
        "/keys/production",
        "/keys/sandbox",
        "/api-keys",
        "/subscriptions",
        "/usage",
        "/keys/other",
    ] {
        let seen = sven.get(&format!("{own}{tail}")).await;
        assert_eq!(seen.status, StatusCode::NOT_FOUND, "{tail}: {}", seen.body);
        assert!(!seen.body.contains("Shop"), "{tail}");
        assert_eq!(lone.get(&format!("{own}{tail}")).await.status, StatusCode::FORBIDDEN, "{tail}");
    }
    for tail in [
        "/edit",
        "/delete",
        "/keys/production",
        "/keys/production/token",
        "/keys/production/secret",
        "/keys/production/delete",
        "/keys/production/change",
        "/api-keys",
        "/api-keys/revoke",
        "/subscriptions/end",
        "/subscriptions/plan",
    ] {
        let sent = format!("csrf={csrf}&name=x&throttlingPolicy=Unlimited&kind=PRODUCTION&subscription={id}&key=x");
        assert_eq!(sven.post(&format!("{own}{tail}"), sent).await.status, StatusCode::NOT_FOUND, "{tail}");
    }
    let access = format!("/devportal/apis/{id}/subscriptions");
    let sent = format!("csrf={csrf}&applicationId={}&throttlingPolicy=Unlimited", own.rsplit('/').next().unwrap());
    assert_eq!(sven.post(&access, sent).await.status, StatusCode::NOT_FOUND, "somebody else's application");
    assert!(page(&mut susi, &own).await.body.contains("Shop"));
}
