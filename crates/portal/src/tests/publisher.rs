//! The Publisher, as a browser without scripts uses it.

use super::account::Browser;
use super::console::person;
use super::*;

const ROLES: &[&str] = &["Internal/creator", "Internal/publisher"];

/// Makes an API by the form, and gives the path of its pages.
async fn pizza(browser: &mut Browser<'_>, name: &str) -> String {
    let page = browser.get("/publisher/apis/new/scratch").await;
    let context = format!("/{}", name.to_lowercase());
    let fields = [
        ("name", name),
        ("version", "1.0.0"),
        ("context", context.as_str()),
        ("endpoint", "https://backend.example.com/v1"),
    ];
    let seen = browser.submit(&page, "/publisher/apis/new/scratch", &fields).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    seen.headers[header::LOCATION].to_str().unwrap().to_owned()
}

/// Sends the form of a page with its own values, some of them changed, as a browser does.
async fn change(browser: &mut Browser<'_>, page: &Seen, path: &str, fields: &[(&str, &str)]) -> Seen {
    browser.submit(page, path, fields).await
}

#[tokio::test]
async fn an_api_goes_from_nothing_to_published_without_scripts() {
    let site = Site::with_people().await;
    let mut paula = person(&site, "paula", ROLES).await;
    let path = pizza(&mut paula, "Pizza").await;
    let page = paula.get(&path).await;
    assert!(
        page.body.contains("Pizza 1.0.0 was created") && page.body.contains("Before it is published"),
        "{}",
        page.body
    );
    assert!(!paula.get(&path).await.body.contains("was created"), "the message is shown once");
    for end in [
        "",
        "/design",
        "/resources",
        "/definition",
        "/endpoints",
        "/policies",
        "/access",
        "/documents",
        "/documents/new",
        "/certificates",
        "/test",
        "/deploy",
        "/usage",
        "/lifecycle",
        "/delete",
    ] {
        let seen = paula.get(&format!("{path}{end}")).await;
        assert_eq!(seen.status, StatusCode::OK, "{end}: {}", seen.body);
        keeps_the_rules(end, &seen.body);
    }
    let access = paula.get(&format!("{path}/access")).await;
    let fields = [
        ("policies", "Gold"),
        ("visibility", "PUBLIC"),
        ("securityScheme", "oauth2"),
        ("authorizationHeader", "Authorization"),
        ("apiKeyHeader", "ApiKey"),
    ];
    let seen = change(&mut paula, &access, &format!("{path}/access"), &fields).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    let deploy = paula.get(&format!("{path}/deploy")).await;
    let fields = [("description", "first <b>"), ("environments", "Default")];
    let seen = paula.submit(&deploy, &format!("{path}/deploy"), &fields).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    let deploy = paula.get(&format!("{path}/deploy")).await;
    keeps_the_rules("deploy", &deploy.body);
    assert!(
        deploy.body.contains("Default: 1 of 1 gateways") && deploy.body.contains("first &#60;b&#62;"),
        "{}",
        deploy.body
    );
    let lifecycle = paula.get(&format!("{path}/lifecycle")).await;
    let seen = paula.submit(&lifecycle, &format!("{path}/lifecycle"), &[]).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    let page = paula.get(&path).await;
    assert!(page.body.contains("badge ok\">Published"), "{}", page.body);
}

#[tokio::test]
async fn what_two_people_change_is_lost_by_neither() {
    let site = Site::with_people().await;
    let mut paula = person(&site, "paula", ROLES).await;
    let mut peter = person(&site, "peter", ROLES).await;
    let path = pizza(&mut paula, "Pizza").await;
    let design = format!("{path}/design");
    let (hers, his) = (paula.get(&design).await, peter.get(&design).await);
    let base = [("businessOwner", ""), ("businessOwnerEmail", ""), ("technicalOwner", ""), ("technicalOwnerEmail", "")];
    let with = |fields: &[(&'static str, &'static str)]| [fields, &base[..]].concat();
    let seen = paula.submit(&hers, &design, &with(&[("description", "Hers"), ("tags", "")])).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    // Another field than hers: both stay.
    let seen = peter.submit(&his, &design, &with(&[("description", ""), ("tags", "his, food")])).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    let now = paula.get(&design).await;
    assert!(now.body.contains("Hers</textarea>") && now.body.contains("value=\"his, food\""), "{}", now.body);
    // The same field: the second one is told, and sees both.
    let seen = peter.submit(&his, &design, &with(&[("description", "His"), ("tags", "")])).await;
    assert_eq!(seen.status, StatusCode::CONFLICT, "{}", seen.body);
    keeps_the_rules("conflict", &seen.body);
    assert!(
        seen.body.contains("Hers")
            && seen.body.contains("His</textarea>")
            && seen.body.contains("Nothing was saved yet"),
        "{}",
        seen.body
    );
    // Sent again from there, he means it.
    let again = peter.submit(&seen, &design, &with(&[("description", "His"), ("tags", "his, food")])).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.body);
    assert!(paula.get(&design).await.body.contains("His</textarea>"));
}

#[tokio::test]
async fn hostile_text_stays_text_on_every_page() {
    let site = Site::with_people().await;
    let mut paula = person(&site, "paula", ROLES).await;
    let path = pizza(&mut paula, "Pizza").await;
    let hostile = "\"></textarea><b>x</b>";
    let design = format!("{path}/design");
    let page = paula.get(&design).await;
    let fields = [("description", hostile), ("tags", "<b>"), ("businessOwner", hostile), ("technicalOwner", hostile)];
    assert_eq!(paula.submit(&page, &design, &fields).await.status, StatusCode::SEE_OTHER);
    let new = format!("{path}/documents/new");
    let seen = document(&mut paula, &new, hostile).await;
    assert!(seen.status == StatusCode::SEE_OTHER || seen.status == StatusCode::UNPROCESSABLE_ENTITY, "{}", seen.body);
    if seen.status == StatusCode::UNPROCESSABLE_ENTITY {
        keeps_the_rules("document refused", &seen.body);
    }
    for end in ["", "/design", "/documents", "/definition", "/lifecycle", "/deploy"] {
        keeps_the_rules(end, &paula.get(&format!("{path}{end}")).await.body);
    }
    let seen = paula.get("/publisher/apis?query=%22%3E%3Cb%3E&state=%3Cb%3E&sort=%3Cb%3E&from=7").await;
    keeps_the_rules("list", &seen.body);
    assert_eq!(paula.get("/publisher/apis?from=-1").await.status, StatusCode::BAD_REQUEST);
}

/// Adds a document by the form, which carries a file and so is sent in parts.
async fn document(browser: &mut Browser<'_>, path: &str, name: &str) -> Seen {
    let page = browser.get(path).await;
    let (_, rest) = page.body.split_once("name=\"csrf\" value=\"").unwrap();
    let csrf = rest.split('"').next().unwrap();
    let fields =
        [("csrf", csrf), ("name", name), ("type", "HOWTO"), ("sourceType", "MARKDOWN"), ("content", "# Hello")];
    browser.send_parts(path, &fields).await
}

#[tokio::test]
async fn forms_with_files_need_the_token_too() {
    let site = Site::with_people().await;
    let mut paula = person(&site, "paula", ROLES).await;
    let path = pizza(&mut paula, "Pizza").await;
    let new = format!("{path}/documents/new");
    assert_eq!(document(&mut paula, &new, "Begin here").await.status, StatusCode::SEE_OTHER);
    let list = paula.get(&format!("{path}/documents")).await;
    assert!(list.body.contains("Begin here") && list.body.contains("Markdown"), "{}", list.body);
    let wrong = "x".repeat(43);
    for fields in [&[("name", "a")][..], &[("csrf", wrong.as_str()), ("name", "a")][..]] {
        let seen = paula.send_parts(&new, fields).await;
        assert_eq!(seen.status, StatusCode::FORBIDDEN, "{}", seen.body);
        assert!(seen.body.contains("did not come from this page"), "{}", seen.body);
    }
}

#[tokio::test]
async fn others_see_nothing_and_change_nothing() {
    let site = Site::with_people().await;
    let mut paula = person(&site, "paula", ROLES).await;
    let path = pizza(&mut paula, "Pizza").await;
    let mut susi = person(&site, "susi", &["Internal/subscriber"]).await;
    let mut carla = person(&site, "carla", &["Internal/creator"]).await;
    let ours = |path: &str| path.starts_with("/publisher");
    let mut walked = 0;
    for (operation, _) in routes().operations().filter(|(o, _)| ours(o.path) && !o.path.contains('*')) {
        let target =
            operation.path.replace("/publisher/apis/{api}", &path).replace("{document}", "x").replace("{policy}", "x");
        let seen = if operation.method == "GET" {
            susi.get(&target).await
        } else {
            let form = susi.get("/account").await;
            susi.submit_to(&form, "/signout", &target, &[]).await
        };
        assert_eq!(seen.status, StatusCode::FORBIDDEN, "{} {target}", operation.method);
        assert_eq!(get(&site.router, &target).await.status == StatusCode::OK, false, "{target}");
        walked += 1;
    }
    assert!(walked > 50, "{walked}");
    // A creator may not publish.
    let lifecycle = carla.get(&format!("{path}/lifecycle")).await;
    let seen = carla.submit(&lifecycle, &format!("{path}/lifecycle"), &[]).await;
    assert_eq!(seen.status, StatusCode::FORBIDDEN, "{}", seen.body);
    let unknown = "00000000-0000-0000-0000-00000000a0d1";
    assert_eq!(paula.get(&format!("/publisher/apis/{unknown}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(paula.get("/publisher/apis/x%2f..%2fy").await.status, StatusCode::NOT_FOUND);
}
