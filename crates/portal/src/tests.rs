mod account;
mod admin;
mod console;
mod devportal;
mod mails;
mod publisher;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use askama::Template as _;
use axum::Router;
use axum::body::Body;
use control::{Control, ControlSettings};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use identity::{Identity, IdentitySettings, NewUser};
use model::{Clock, Rng, Secret, TenantId, Timestamp};
use testkit::{MockClock, SeededRng};
use tower::ServiceExt as _;
use web::{BoxFuture, Egress};

use crate::pages::{account as own, home, oauth, recover, set_up, sign_in, sign_up};
use crate::{Field, FieldFault, FirstAdministrator, Portal, SetUpFault, page, routes};

/// A user store with one link, `right`, that works once.
#[derive(Default)]
struct Store {
    used: AtomicBool,
}

impl FirstAdministrator for Store {
    fn is_pending(&self) -> BoxFuture<'_, Result<bool, String>> {
        Box::pin(async { Ok(!self.used.load(Ordering::Relaxed)) })
    }

    fn link_works<'a>(&'a self, token: &'a Secret<String>) -> BoxFuture<'a, Result<bool, String>> {
        Box::pin(async { Ok(token.expose() == "right" && !self.used.load(Ordering::Relaxed)) })
    }

    fn complete<'a>(
        &'a self,
        token: &'a Secret<String>,
        _: &'a str,
        password: Secret<String>,
    ) -> BoxFuture<'a, Result<(), SetUpFault>> {
        Box::pin(async move {
            if password.expose().len() < 12 {
                let message = "Use at least 12 characters.".into();
                return Err(SetUpFault::Fields(vec![FieldFault { field: Field::Password, message }]));
            }
            if token.expose() != "right" || self.used.swap(true, Ordering::Relaxed) {
                return Err(SetUpFault::Link);
            }
            Ok(())
        })
    }

    fn password_policy(&self) -> String {
        "At least 12 characters.".into()
    }
}

const PASSWORD: &str = "correct horse battery";

struct Site {
    router: Router,
    identity: Arc<Identity>,
    control: Arc<Control>,
    clock: Arc<MockClock>,
    store: Arc<Store>,
    /// Where calls of consumers arrive.
    gateway: std::net::TcpListener,
    _folder: tempfile::TempDir,
}

impl Site {
    /// Pages over a service of their own, in which `change` may set things, with the set-up link `right`.
    async fn with(change: impl FnOnce(&mut IdentitySettings), also: impl FnOnce(Identity) -> Identity) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(MockClock::at(Timestamp::from_millis(1_795_288_511_042)));
        let rng = Arc::new(SeededRng::new(11));
        let made = identity::for_tests::service(folder.path(), Arc::clone(&clock) as _, Arc::clone(&rng) as _, change);
        let identity = Arc::new(also(made.await.unwrap()));
        let world = (Arc::clone(&clock) as Arc<dyn Clock>, Arc::clone(&rng) as Arc<dyn Rng>);
        let control = control::for_tests::service(folder.path(), world, egress(), ControlSettings::default());
        let control = Arc::new(control.await.unwrap());
        let store = Arc::new(Store::default());
        let portal = Portal::new(
            Arc::clone(&identity),
            Arc::clone(&control),
            Arc::clone(&store) as _,
            (Arc::clone(&clock) as _, rng),
            "https://localhost:9443".into(),
            "https://localhost:8243".into(),
        )
        .with_operations(Arc::new(admin::Paper::default()));
        let gateway = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let portal = portal.with_calls(egress().with_own(web::OwnListener {
            host: "localhost".into(),
            port: 8280,
            address: gateway.local_addr().unwrap(),
            tls: tls(),
        }));
        let router = routes().into_router(Arc::new(portal), Arc::clone(&identity) as _);
        Self { router, identity, control, clock, store, gateway, _folder: folder }
    }

    /// Also with the administrator `admin` and the subscriber `alice`.
    async fn with_people() -> Self {
        let site = Self::with(|_| {}, |identity| identity).await;
        site.user("admin", &["admin"]).await;
        site.user("alice", &["Internal/subscriber"]).await;
        site.store.used.store(true, Ordering::Relaxed);
        site
    }

    async fn user(&self, name: &str, roles: &[&str]) {
        let roles = roles.iter().map(|r| (*r).to_owned()).collect();
        let password = Secret::new(PASSWORD.to_owned());
        let new = NewUser { name: name.into(), password, attributes: serde_json::Map::new(), roles };
        self.identity.create_user(TenantId::SUPER, new).await.unwrap();
    }
}

/// Trusts no authority.
fn tls() -> Arc<rustls::ClientConfig> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    Arc::new(tls)
}

/// A way out that leads nowhere: no network is allowed and no authority is trusted.
fn egress() -> Egress {
    Egress::new(model::EgressRules::default(), tls())
}

struct Seen {
    status: StatusCode,
    headers: http::HeaderMap,
    body: String,
}

async fn call(router: &Router, request: Request<Body>) -> Seen {
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Seen { status: parts.status, headers: parts.headers, body: String::from_utf8(bytes.to_vec()).unwrap() }
}

async fn get(router: &Router, path: &str) -> Seen {
    call(router, Request::get(path).header("host", "localhost:9443").body(Body::empty()).unwrap()).await
}

/// Opens the form and gives cookie and token.
async fn open(router: &Router) -> (String, String) {
    let seen = get(router, "/setup/right").await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
    let cookie = seen.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.contains("; Secure; HttpOnly; SameSite=Strict"), "{cookie}");
    let (_, rest) = seen.body.split_once("name=\"csrf\" value=\"").unwrap();
    let token = rest.split_once('"').unwrap().0.to_owned();
    (cookie.split(';').next().unwrap().to_owned(), token)
}

fn post(cookie: &str, form: &str) -> http::request::Builder {
    let _ = form;
    Request::post("/setup/right")
        .header("host", "localhost:9443")
        .header("cookie", cookie)
        .header("content-type", "application/x-www-form-urlencoded")
}

#[tokio::test]
async fn the_link_works_once() {
    let site = Site::with(|_| {}, |identity| identity).await;
    let router = site.router.clone();
    let (cookie, csrf) = open(&router).await;
    let form = format!("csrf={csrf}&name=alice&password=correct-horse-battery&repeat=correct-horse-battery");
    let seen = call(&router, post(&cookie, &form).body(form.clone().into()).unwrap()).await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
    assert!(seen.body.contains("alice") && !seen.body.contains("right"));
    let again = call(&router, post(&cookie, &form).body(form.into()).unwrap()).await;
    assert_eq!(again.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&router, "/setup/right").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn faults_keep_the_name_and_never_the_password() {
    let site = Site::with(|_| {}, |identity| identity).await;
    let router = site.router.clone();
    let (cookie, csrf) = open(&router).await;
    let form = format!("csrf={csrf}&name=al%22ice&password=short-pw&repeat=short-pw");
    let seen = call(&router, post(&cookie, &form).body(form.into()).unwrap()).await;
    assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(seen.body.contains("Use at least 12 characters.") && seen.body.contains("href=\"#password\""));
    assert!(seen.body.contains("value=\"al&#34;ice\""), "{}", seen.body);
    assert!(!seen.body.contains("short-pw"));
    let (cookie, csrf) = open(&router).await;
    let form = format!("csrf={csrf}&name=&password=correct-horse-battery&repeat=other");
    let seen = call(&router, post(&cookie, &form).body(form.into()).unwrap()).await;
    assert!(seen.body.contains("Enter a user name.") && seen.body.contains("2 things need a change"));
}

#[tokio::test]
async fn forms_from_elsewhere_are_refused() {
    let site = Site::with(|_| {}, |identity| identity).await;
    let router = site.router.clone();
    let (cookie, csrf) = open(&router).await;
    let fields = "name=alice&password=correct-horse-battery&repeat=correct-horse-battery";
    let good = format!("csrf={csrf}&{fields}");
    let wrong = format!("csrf={}&{fields}", "x".repeat(43));
    let twice = format!("csrf={csrf}&{good}");
    let cases = [
        ("no cookie", post("a=b", "").body(good.clone().into())),
        ("no token", post(&cookie, "").body(fields.into())),
        ("wrong token", post(&cookie, "").body(wrong.into())),
        ("two tokens", post(&cookie, "").body(twice.into())),
        ("two cookies", post(&format!("{cookie}; {cookie}"), "").body(good.clone().into())),
        ("other origin", post(&cookie, "").header("origin", "https://evil.example").body(good.clone().into())),
        ("plain origin", post(&cookie, "").header("origin", "http://localhost:9443").body(good.clone().into())),
        ("null origin", post(&cookie, "").header("origin", "null").body(good.clone().into())),
        ("cross site", post(&cookie, "").header("sec-fetch-site", "cross-site").body(good.clone().into())),
    ];
    for (what, request) in cases {
        assert_eq!(call(&router, request.unwrap()).await.status, StatusCode::FORBIDDEN, "{what}");
    }
    let own = post(&cookie, "").header("origin", "https://localhost:9443").header("sec-fetch-site", "same-origin");
    assert_eq!(call(&router, own.body(good.into()).unwrap()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn consoles_lead_to_the_set_up_until_it_is_done() {
    let site = Site::with(|_| {}, |identity| identity).await;
    let router = site.router.clone();
    for path in ["/", "/publisher/x", "/devportal/x", "/admin/x/y", "/carbon"] {
        let seen = get(&router, path).await;
        assert_eq!((seen.status, &seen.headers[header::LOCATION]), (StatusCode::SEE_OTHER, &"/setup".parse().unwrap()));
    }
    let seen = get(&router, "/setup").await;
    assert!(seen.body.contains("portcullis setup-link") && !seen.body.contains("right"));
    let (cookie, csrf) = open(&router).await;
    let form = format!("csrf={csrf}&name=alice&password=correct-horse-battery&repeat=correct-horse-battery");
    call(&router, post(&cookie, &form).body(form.into()).unwrap()).await;
    assert_eq!(get(&router, "/").await.status, StatusCode::OK);
    assert_eq!(get(&router, "/publisher/x/y").await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&router, "/setup").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn guessed_links_look_all_the_same() {
    let site = Site::with(|_| {}, |identity| identity).await;
    let router = site.router.clone();
    let wrong = get(&router, "/setup/wrong").await;
    assert_eq!(wrong.status, StatusCode::NOT_FOUND);
    assert!(wrong.body.contains("portcullis setup-link"));
    for path in ["/setup/%3Cscript%3E".to_owned(), format!("/setup/{}", "a".repeat(4000))] {
        assert_eq!(get(&router, &path).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn assets_are_immutable_and_only_under_their_hash() {
    let site = Site::with(|_| {}, |identity| identity).await;
    let router = site.router.clone();
    let seen = get(&router, &crate::assets::paths().tokens).await;
    assert_eq!(seen.status, StatusCode::OK);
    assert_eq!(seen.headers[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    assert_eq!(get(&router, "/assets/0000000000000000/tokens.css").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn pages_carry_the_exact_policy() {
    let site = Site::with(|_| {}, |identity| identity).await;
    let router = site.router.clone();
    for path in ["/setup", "/setup/right", "/setup/wrong"] {
        assert_eq!(get(&router, path).await.headers[header::CONTENT_SECURITY_POLICY], page::POLICY, "{path}");
    }
    assert_eq!(
        page::POLICY,
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    assert_eq!(
        crate::console::POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    // Every page of the table, whoever asks: no page without the policy, and no answer that is a script's.
    let ours = |path: &str| !path.starts_with("/oauth2/") && !path.starts_with("/oidc/");
    for (operation, _) in routes().operations().filter(|(o, _)| o.method == "GET" && ours(o.path)) {
        let path = operation.path.replace("{token}", "right").replace("{hash}", "0").replace("{*", "{");
        let path =
            path.split('/').map(|part| if part.starts_with('{') { "x" } else { part }).collect::<Vec<_>>().join("/");
        let seen = get(&router, &path).await;
        let kind = seen.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        if kind.starts_with("text/html") {
            let policy = if seen.body.contains("<script") { crate::console::POLICY } else { page::POLICY };
            assert_eq!(seen.headers[header::CONTENT_SECURITY_POLICY], policy, "{path}");
            assert_eq!(seen.headers[header::REFERRER_POLICY], "same-origin", "{path}");
        }
        // What comes back from an identity provider without an answer in it is nobody's sign-in.
        let refused = if path == "/signin/callback" { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::NOT_FOUND };
        assert!(
            seen.status.is_success() || seen.status.is_redirection() || seen.status == refused,
            "{path}: {} {}",
            seen.status,
            seen.body
        );
    }
}

/// Values of an attribute in a page.
fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
    let start = format!(" {attribute}=\"");
    html.split(&start).skip(1).map(|rest| rest.split('"').next().unwrap()).collect()
}

#[test]
fn every_page_keeps_the_rules() {
    let account = own::samples::frame("account");
    let (password, factor) = (own::samples::frame("password"), own::samples::frame("second-factor"));
    let question = oauth::sample_question();
    let device = identity::WaitingDevice {
        client: "<b>TV</b>".into(),
        scopes: vec!["openid".into()],
        person: "alice".into(),
        tenant: "carbon.super".into(),
    };
    let fields = [("state".to_owned(), "\"><b>".to_owned())];
    let pages = [
        ("set_up", set_up::SetUp::sample().render()),
        ("set_up empty", set_up::SetUp::empty_sample().render()),
        ("done", set_up::Done::sample().render()),
        ("link invalid", set_up::LinkInvalid::sample().render()),
        ("pending", set_up::Pending::sample().render()),
        ("home", home::Home::sample().render()),
        ("consent", oauth::Consent::sample(&question).render()),
        ("going on", oauth::GoingOn::sample().render()),
        ("device", oauth::Device::sample(None).render()),
        ("device found", oauth::Device::sample(Some(&device)).render()),
        ("device done", oauth::DeviceDone::sample(true).render()),
        ("device refused", oauth::DeviceDone::sample(false).render()),
        ("sign out", oauth::SignOut::sample(&fields).render()),
        ("fault", page::Fault::sample().render()),
        ("sign_in", sign_in::samples::sign_in().render()),
        ("sign_in empty", sign_in::samples::empty_sign_in().render()),
        ("sign_in over", sign_in::samples::over().render()),
        ("code", sign_in::samples::code(false).render()),
        ("code wrong", sign_in::samples::code(true).render()),
        ("second factor", sign_in::samples::set_up(false).render()),
        ("second factor wrong", sign_in::samples::set_up(true).render()),
        ("codes", sign_in::samples::codes(false).render()),
        ("codes fresh", sign_in::samples::codes(true).render()),
        ("signed in", sign_in::samples::next().render()),
        ("account", own::samples::overview(&account).render()),
        ("password", own::samples::password(&password, None).render()),
        ("password present", own::samples::password(&password, Some("present")).render()),
        ("password new", own::samples::password(&password, Some("password")).render()),
        ("password repeat", own::samples::password(&password, Some("repeat")).render()),
        ("no factor", own::samples::second_factor(&factor, false, false).render()),
        ("factor", own::samples::second_factor(&factor, true, false).render()),
        ("factor required", own::samples::second_factor(&factor, true, true).render()),
        ("authenticator", own::samples::authenticator(&factor, false).render()),
        ("authenticator replaced", own::samples::authenticator(&factor, true).render()),
        ("sessions", own::samples::sessions(&account).render()),
        ("recover", recover::samples::recover(false).render()),
        ("recover fault", recover::samples::recover(true).render()),
        ("recover sent", recover::samples::sent().render()),
        ("recover password", recover::samples::password(false).render()),
        ("recover password fault", recover::samples::password(true).render()),
        ("recover done", recover::samples::done().render()),
        ("sign_up", sign_up::samples::sign_up(false).render()),
        ("sign_up fault", sign_up::samples::sign_up(true).render()),
        ("sign_up sent", sign_up::samples::sent().render()),
        ("sign_up link", sign_up::samples::link().render()),
        ("sign_up done", sign_up::samples::done(false).render()),
        ("sign_up waits", sign_up::samples::done(true).render()),
    ];
    for (name, html) in pages {
        let html = html.unwrap();
        assert!(!html.contains("<script"), "{name}: these pages have no script");
        keeps_the_rules(name, &html);
    }
}

/// What holds for every page, with hostile text in all its places: `<b>` stands for it.
fn keeps_the_rules(name: &str, html: &str) {
    assert_eq!(html.matches("<h1").count(), 1, "{name}");
    assert!(!html.contains(" style=") && !html.contains("<style") && !html.contains("<b>"), "{name}");
    for script in html.split("<script").skip(1) {
        assert!(script.starts_with(" src=\"/assets/") && script.contains("></script>"), "{name}: an inline script");
    }
    let is_handler = |rest: &str| rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).starts_with('=');
    let tags = html.split('<').filter_map(|tag| tag.split('>').next());
    let tag_starts_handler = tags.flat_map(|tag| tag.split(" on").skip(1)).any(is_handler);
    assert!(!tag_starts_handler, "{name}: an inline handler");
    let ids = values(html, "id");
    let doubled: Vec<_> = ids.iter().filter(|id| ids.iter().filter(|i| i == id).count() > 1).collect();
    assert!(doubled.is_empty(), "{name}: ids are unique: {doubled:?}");
    for target in
        values(html, "for").iter().chain(&values(html, "aria-labelledby")).chain(&values(html, "popovertarget"))
    {
        assert!(ids.contains(target), "{name}: {target}");
    }
    for target in values(html, "aria-describedby").iter().flat_map(|v| v.split(' ')) {
        assert!(ids.contains(&target), "{name}: {target}");
    }
    for target in values(html, "href").iter().chain(&values(html, "src")).chain(&values(html, "action")) {
        // Only what the installation's pattern allows, or what a person wrote as an address, leads elsewhere.
        let own = target.starts_with('/') && !target.starts_with("//")
            || target.starts_with("https://")
            || target.starts_with("mailto:")
            || target.strip_prefix('#').is_some_and(|id| ids.contains(&id));
        assert!(own, "{name}: {target}");
    }
    let inputs = html.matches("<input").count() + html.matches("<select").count() + html.matches("<textarea").count();
    let hidden = html.matches("type=\"hidden\"").count();
    assert_eq!(inputs - hidden, values(html, "for").len(), "{name}: every input has a label");
    assert_eq!(html.matches("method=\"post\"").count(), html.matches("name=\"csrf\"").count(), "{name}");
}

/// Relative luminance and contrast as WCAG 2.2 defines them.
fn contrast(a: &str, b: &str) -> f64 {
    let luminance = |hex: &str| {
        let channel = |i: usize| {
            let c = f64::from(u8::from_str_radix(&hex[i..i + 2], 16).unwrap()) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    };
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

#[test]
fn colours_have_enough_contrast_in_both_schemes() {
    let css = include_str!("../assets/tokens.css");
    let (light, dark) = css.split_once("@media").unwrap();
    for (scheme, text) in [("light", light), ("dark", dark)] {
        let colour = |role: &str| {
            let (_, rest) = text.split_once(&format!("--{role}: ")).unwrap_or_else(|| panic!("{scheme} {role}"));
            rest.split(';').next().unwrap().to_owned()
        };
        for surface in ["surface", "surface-raised"] {
            for series in 0..6 {
                let measured = contrast(&colour(&format!("series-{series}")), &colour(surface));
                assert!(measured >= 3.0, "{scheme}: series-{series} on {surface} is {measured:.2}");
            }
            for role in ["text", "text-muted", "accent", "ok", "warn", "bad"] {
                let measured = contrast(&colour(role), &colour(surface));
                assert!(measured >= 4.5, "{scheme}: {role} on {surface} is {measured:.2}");
            }
            let measured = contrast(&colour("control-line"), &colour(surface));
            assert!(measured >= 3.0, "{scheme}: control-line on {surface} is {measured:.2}");
        }
        assert!(contrast(&colour("on-accent"), &colour("accent")) >= 4.5, "{scheme}: on-accent");
    }
}

#[tokio::test]
async fn the_picture_of_an_api_that_is_not_there_is_not_found() {
    let site = Site::with_people().await;
    let seen = get(&site.router, "/devportal/apis/01890a5d-ac96-774b-bcce-b302099a8057/picture").await;
    assert_eq!(seen.status, StatusCode::NOT_FOUND, "{}", seen.body);
    let seen = get(&site.router, "/devportal/apis/x/picture?tenant=nobody.example").await;
    assert_eq!(seen.status, StatusCode::NOT_FOUND, "{}", seen.body);
    assert!(site.control.settings().anonymous_devportal);
}
