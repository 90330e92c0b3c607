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
        assert_ne!(get(&site.router, &target).await.status, StatusCode::OK, "{target}");
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

#[tokio::test]
async fn scopes_protect_resources_and_go_with_them() {
    let site = Site::with_people().await;
    let mut paula = person(&site, "paula", ROLES).await;
    let path = pizza(&mut paula, "Pizza").await;
    let scopes = format!("{path}/scopes");
    let page = paula.get(&scopes).await;
    keeps_the_rules("scopes", &page.body);
    let none = paula.submit(&page, &scopes, &[("name", " ")]).await;
    assert_eq!(none.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", none.body);
    keeps_the_rules("scopes refused", &none.body);
    let unknown = paula.submit(&page, &scopes, &[("name", "menu:read"), ("roles", "nobody-has-this")]).await;
    assert!(unknown.body.contains("there is no role nobody-has-this"), "{}", unknown.body);
    let fields = [("name", "menu:read"), ("roles", "Internal/subscriber")];
    assert_eq!(paula.submit(&page, &scopes, &fields).await.status, StatusCode::SEE_OTHER);
    let edit = format!("{path}/resources/edit?verb=GET&target=%2F*");
    let form = paula.get(&edit).await;
    assert!(form.body.contains("menu:read"), "{}", form.body);
    keeps_the_rules("resource", &form.body);
    let action = format!("{path}/resources/edit?verb=GET&#38;target=%2F*");
    let fields = [("authType", "Needed"), ("scopes", "menu:read"), ("throttlingPolicy", "Unlimited")];
    let seen = paula.submit_to(&form, &action, &edit, &fields).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    let ask = paula.get(&format!("{scopes}/delete?name=menu%3Aread")).await;
    assert!(ask.body.contains("The protection of GET /* by it"), "{}", ask.body);
    let seen = paula.submit(&ask, &format!("{scopes}/delete"), &[]).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER, "{}", seen.body);
    let list = paula.get(&scopes).await;
    assert!(list.body.contains("No scopes yet") && list.body.contains("menu:read was deleted"), "{}", list.body);
}

/// The smallest description of each kind.
const DESCRIPTIONS: [(&str, &str); 3] = [
    (
        "openapi",
        "openapi: 3.0.0\ninfo: {title: Tiny, version: '1'}\npaths: {/a: {get: {responses: {'200': {description: ok}}}}}\n",
    ),
    ("graphql", "type Query { hello: String }"),
    (
        "asyncapi",
        "asyncapi: 2.6.0\ninfo: {title: T, version: '1'}\nservers: {s: {url: 'ws://127.0.0.1:1', protocol: ws}}\nchannels: {/a: {subscribe: {message: {payload: {type: string}}}}}\n",
    ),
];

#[tokio::test]
async fn every_kind_of_description_is_imported_or_refused_with_a_reason() {
    let site = Site::with_people().await;
    let mut paula = person(&site, "paula", ROLES).await;
    let page = paula.get("/publisher/apis/new").await;
    keeps_the_rules("import", &page.body);
    let (_, rest) = page.body.split_once("name=\"csrf\" value=\"").unwrap();
    let csrf = rest.split('"').next().unwrap().to_owned();
    for (kind, text) in DESCRIPTIONS {
        let (name, context) = (format!("Api-{kind}"), format!("/{kind}"));
        let fields = [
            ("csrf", csrf.as_str()),
            ("kind", kind),
            ("text", text),
            ("name", &name),
            ("version", "1.0.0"),
            ("context", &context),
            ("endpoint", if kind == "asyncapi" { "" } else { "http://127.0.0.1:1/x" }),
        ];
        let seen = paula.send_parts("/publisher/apis/new", &fields).await;
        assert_eq!(seen.status, StatusCode::SEE_OTHER, "{kind}: {}", seen.body);
        let path = seen.headers[header::LOCATION].to_str().unwrap().to_owned();
        for end in ["", "/definition", "/endpoints", "/access", "/lifecycle", "/policies"] {
            let seen = paula.get(&format!("{path}{end}")).await;
            assert_eq!(seen.status, StatusCode::OK, "{kind}{end}: {}", seen.body);
            keeps_the_rules(kind, &seen.body);
        }
        for broken in ["{", "<b>", "", "\u{0}"] {
            let fields = [("csrf", csrf.as_str()), ("kind", kind), ("text", broken)];
            let seen = paula.send_parts("/publisher/apis/new", &fields).await;
            assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY, "{kind} {broken:?}: {}", seen.body);
            assert!(seen.body.contains("needs a change") || seen.body.contains("need a change"), "{}", seen.body);
            keeps_the_rules("refused", &seen.body);
        }
    }
    for (kind, text) in [("wsdl", "<definitions/>"), ("project", "PK\u{3}\u{4}broken"), ("nonsense", "x")] {
        let seen =
            paula.send_parts("/publisher/apis/new", &[("csrf", csrf.as_str()), ("kind", kind), ("text", text)]).await;
        assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY, "{kind}: {}", seen.body);
    }
}

#[tokio::test]
async fn long_lists_are_cut_into_pages() {
    let site = Site::with_people().await;
    let mut paula = person(&site, "paula", ROLES).await;
    pizza(&mut paula, "Pizza").await;
    let permit = web::Principal {
        tenant: model::Tenant { id: TenantId::SUPER, domain: model::TenantDomain::super_domain(), active: true },
        user: "paula".into(),
        roles: ROLES.iter().map(|r| (*r).to_owned()).collect(),
        scopes: std::collections::BTreeSet::new(),
        client: None,
        method: web::AuthenticationMethod::Session,
    };
    let actor = control::Actor::new(permit);
    for number in 0..200 {
        let mut document = model::ApiDocument::default();
        for (field, value) in
            [("name", format!("Api{number}")), ("version", "1".into()), ("context", format!("/a{number}"))]
        {
            document.set(field, value);
        }
        site.control.create_api(&actor, document).await.unwrap();
    }
    let begun = std::time::Instant::now();
    let seen = paula.get("/publisher/apis?from=25&sort=-name").await;
    println!("a page of 201 APIs took {:?} in a build without optimisation", begun.elapsed());
    assert_eq!(seen.status, StatusCode::OK);
    keeps_the_rules("long list", &seen.body);
    assert!(seen.body.contains("26 to 50 of 201") && seen.body.contains("from=50"), "{}", seen.body);
}
