//! The Admin console, as a browser without scripts meets it.

use std::sync::Mutex;

use super::account::Browser;
use super::*;
use crate::{
    Acceptance, AuditReport, AuditRun, AuditStatus, BackupFile, BackupState, CertificateState, CheckState,
    FindingState, GatewayState, GuidelineState, Health, KeptAudit, Operations, SettingState,
};

const HOSTILE: &str = "\"><b>&'<script>alert(1)</script>";

/// An installation in which every text is hostile.
#[derive(Default)]
pub(super) struct Paper {
    audited: Mutex<usize>,
    backed_up: AtomicBool,
}

fn hostile() -> String {
    HOSTILE.to_owned()
}

fn kept() -> KeptAudit {
    KeptAudit {
        id: "2026-11-21T19-15-11Z".into(),
        taken_at: "2026-11-21T19:15:11Z".into(),
        score: 70,
        fails: 2,
        must_fails: 1,
        unknown: 1,
    }
}

fn check(id: &str, status: AuditStatus) -> CheckState {
    let finding = FindingState { place: hostile(), observed: hostile(), fix: hostile(), is_waived: false };
    CheckState {
        id: id.into(),
        title: hostile(),
        is_must: true,
        is_waivable: true,
        status,
        detail: hostile(),
        needs: hostile(),
        findings: vec![finding],
    }
}

impl Operations for Paper {
    fn health(&self) -> Health {
        Health {
            program: hostile(),
            home: hostile(),
            database: hostile(),
            is_embedded: true,
            started: Timestamp::from_millis(0),
            is_ready: true,
            is_exposed: true,
            log_records_lost: 3,
        }
    }

    fn gateways(&self) -> Vec<GatewayState> {
        let state = GatewayState {
            name: hostile(),
            addresses: vec![hostile()],
            is_ready: true,
            version: 0,
            connections: 1,
            calls: 1_234_567,
            errors: 0,
            upstream_failures: 0,
        };
        vec![state]
    }

    fn certificates(&self) -> Vec<CertificateState> {
        let state = CertificateState {
            purpose: hostile(),
            names: vec![hostile()],
            fingerprint: "ab".into(),
            not_after: Timestamp::from_millis(1_795_288_511_042 + 86_400_000 * 5),
            place: hostile(),
            is_self_made: true,
        };
        vec![state]
    }

    fn settings(&self) -> Vec<SettingState> {
        let one = |path: &str, origin: &str| SettingState {
            path: path.into(),
            value: hostile(),
            origin: origin.into(),
            summary: hostile(),
        };
        vec![one("server.hostname", "deployment.toml:3"), one("server.offset", "default")]
    }

    fn backups(&self) -> BoxFuture<'_, Result<BackupState, String>> {
        let files = if self.backed_up.load(Ordering::Relaxed) {
            vec![BackupFile { name: hostile(), made: None, size: 5_000_000, holds: hostile() }]
        } else {
            Vec::new()
        };
        let state =
            BackupState { directory: hostile(), files, every: "1 day".into(), keep: 7, ..BackupState::default() };
        Box::pin(async { Ok(state) })
    }

    fn back_up(&self) -> BoxFuture<'_, Result<String, String>> {
        Box::pin(async {
            if self.backed_up.swap(true, Ordering::Relaxed) { Err(hostile()) } else { Ok("portcullis-1.backup".into()) }
        })
    }

    fn audits(&self) -> BoxFuture<'_, Result<Vec<KeptAudit>, String>> {
        let count = *self.audited.lock().unwrap();
        Box::pin(async move { Ok(vec![kept(); count]) })
    }

    fn audit<'a>(&'a self, id: Option<&'a str>) -> BoxFuture<'a, Result<Option<AuditReport>, String>> {
        let known = *self.audited.lock().unwrap() > 0 && id.is_none_or(|id| id == kept().id);
        let acceptance = Acceptance {
            id: "A07.1".into(),
            owner: hostile(),
            reason: hostile(),
            expires: "2020-01-01".into(),
            scope: hostile(),
        };
        let guideline = |id: &str, status| GuidelineState {
            id: id.into(),
            title: hostile(),
            seed: hostile(),
            rationale: hostile(),
            built: hostile(),
            is_must: true,
            status,
            checks: vec![check(&format!("{id}.1"), status)],
        };
        let report = AuditReport {
            kept: kept(),
            program: "1".into(),
            groups: vec![
                (hostile(), vec![guideline("A07", AuditStatus::Fails), guideline("A08", AuditStatus::Holds)]),
                ("Host".into(), vec![guideline("O01", AuditStatus::Unknown)]),
            ],
            waivers: vec![acceptance.clone()],
            attestations: vec![acceptance],
            ineffective: vec![hostile()],
        };
        Box::pin(async move { Ok(known.then_some(report)) })
    }

    fn run_audit(&self) -> BoxFuture<'_, Result<AuditRun, String>> {
        *self.audited.lock().unwrap() += 1;
        Box::pin(async { Ok(AuditRun::Done(kept().id)) })
    }
}

impl<'a> Browser<'a> {
    /// Signs an administrator in, who sets a second factor up on the way.
    pub(super) async fn administrator(site: &'a Site, name: &str) -> Self {
        let mut browser = Browser::new(site);
        browser.sign_in(name, PASSWORD).await;
        let page = browser.get("/signin/second-factor").await;
        let code = browser.code(&page);
        let seen = browser.submit(&page, "/signin/second-factor", &[("code", &code)]).await;
        assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
        browser
    }

    /// Opens a page that must be there and be a page of ours.
    async fn page(&mut self, path: &str) -> Seen {
        let seen = self.get(path).await;
        assert_eq!(seen.status, StatusCode::OK, "{path}: {}", seen.body);
        keeps_the_rules(path, &seen.body);
        assert_eq!(seen.headers[header::CONTENT_SECURITY_POLICY], crate::console::POLICY, "{path}");
        assert!(!seen.body.contains("<script>alert"), "{path}");
        seen
    }

    /// Sends the form of a page, and follows to where it leads.
    async fn act(&mut self, path: &str, action: &str, fields: &[(&str, &str)]) -> Seen {
        let page = self.page(path).await;
        let sent = self.submit(&page, action, fields).await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{action}: {}", sent.body);
        let target = sent.headers[header::LOCATION].to_str().unwrap().to_owned();
        self.page(&target).await
    }
}

/// A page that is at every address with parameters filled in by what does not exist.
fn filled(path: &str) -> String {
    path.replace("{level}", "application")
        .replace("{action}", "lock")
        .replace("{sequence}", "1")
        .replace("{id}", "00000000-0000-0000-0000-000000000000")
}

fn own_routes() -> Vec<(&'static str, &'static str)> {
    let table = crate::admin::routes();
    table.operations().map(|(operation, _)| (operation.method, operation.path)).collect()
}

#[tokio::test]
async fn nobody_without_the_rights_opens_a_page() {
    let site = Site::with_people().await;
    let everything_else =
        ["Internal/creator", "Internal/publisher", "Internal/subscriber", "Internal/devops", "Internal/observer"];
    let mut paula = console::person(&site, "paula", &everything_else).await;
    let account = paula.get("/account").await;
    let csrf = account.body.split_once("name=\"csrf\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let routes = own_routes();
    assert!(routes.len() > 60, "{}", routes.len());
    for (method, path) in routes {
        let path = filled(path);
        let seen = match method {
            "GET" => paula.get(&path).await,
            _ => paula.post(&path, format!("csrf={csrf}")).await,
        };
        assert_eq!(seen.status, StatusCode::FORBIDDEN, "{method} {path}");
        let stranger = match method {
            "GET" => get(&site.router, &path).await,
            _ => call(&site.router, Request::post(&path).body(Body::empty()).unwrap()).await,
        };
        assert_eq!(stranger.status, StatusCode::SEE_OTHER, "{method} {path}: strangers sign in first");
    }
}

#[tokio::test]
async fn no_form_of_elsewhere_acts() {
    let site = Site::with_people().await;
    let mut admin = Browser::administrator(&site, "admin").await;
    for (_, path) in own_routes().into_iter().filter(|(method, _)| *method == "POST") {
        let seen = admin.post(&filled(path), format!("csrf={}", "x".repeat(43))).await;
        assert_eq!(seen.status, StatusCode::FORBIDDEN, "{path}");
    }
}

#[tokio::test]
async fn the_pages_of_the_installation_show_everything_as_text() {
    let site = Site::with_people().await;
    let mut admin = Browser::administrator(&site, "admin").await;
    let first = admin.page("/admin").await;
    for expected in ["First steps", "Ends soon", "Never audited", "Log records lost", "Latest changes"] {
        assert!(first.body.contains(expected), "{expected}: {}", first.body);
    }
    let hidden = admin.act("/admin", "/admin/checklist", &[]).await;
    assert!(!hidden.body.contains("First steps"));
    assert!(admin.page("/admin/hardening").await.body.contains("No audit yet"));
    let done = admin.act("/admin/hardening", "/admin/hardening/run", &[]).await;
    assert!(done.body.contains("The audit is done.") && done.body.contains("70 of 100"), "{}", done.body);
    let fails = admin.page("/admin/hardening?status=fails").await;
    assert!(fails.body.contains(">A07<") && !fails.body.contains(">A08<"), "{}", fails.body);
    let one = admin.page("/admin/hardening/guidelines/A07").await;
    assert!(one.body.contains("portcullis audit waive A07.1"), "{}", one.body);
    assert!(admin.page("/admin/hardening/guidelines/O01").await.body.contains("portcullis audit attest O01.1"));
    for gone in ["/admin/hardening/guidelines/Z99", "/admin/hardening?audit=../../etc/passwd"] {
        assert_eq!(admin.get(gone).await.status, StatusCode::NOT_FOUND, "{gone}");
    }
    admin.act("/admin/hardening/history", "/admin/hardening/run", &[]).await;
    assert!(admin.page("/admin/hardening/history").await.body.contains("<svg"), "two audits make a picture");
    assert!(admin.page("/admin/hardening/accepted").await.body.contains("Ended"));
    assert!(admin.page("/admin/backups").await.body.contains("No backup yet"));
    let made = admin.act("/admin/backups", "/admin/backups", &[]).await;
    assert!(made.body.contains("portcullis-1.backup was made."), "{}", made.body);
    let page = admin.page("/admin/backups").await;
    let refused = admin.submit(&page, "/admin/backups", &[]).await;
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE);
    keeps_the_rules("backup refused", &refused.body);
    let settings = admin.page("/admin/settings?show=changed").await;
    assert!(settings.body.contains("server.hostname") && !settings.body.contains("server.offset"), "{}", settings.body);
    assert!(admin.page("/admin/settings?query=nothing%22%3E%3Cb%3E").await.body.contains("No setting found"));
    assert!(admin.page("/admin/gateways").await.body.contains("1\u{2009}234\u{2009}567"));
}

#[tokio::test]
async fn a_user_is_added_locked_unlocked_and_deleted() {
    let site = Site::with_people().await;
    let mut admin = Browser::administrator(&site, "admin").await;
    let form = admin.page("/admin/users/new").await;
    let wrong = admin
        .submit(&form, "/admin/users/new", &[("name", HOSTILE), ("email", HOSTILE), ("password", "x"), ("repeat", "y")])
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    keeps_the_rules("user refused", &wrong.body);
    assert!(wrong.body.contains("Enter the same password again."), "{}", wrong.body);
    let fields = [
        ("name", "bob"),
        ("email", "bob@example.com"),
        ("password", PASSWORD),
        ("repeat", PASSWORD),
        ("role", "Internal/creator"),
    ];
    let shown = admin.act("/admin/users/new", "/admin/users/new", &fields).await;
    for expected in ["bob was added.", "Internal/creator", "bob@example.com", "Active"] {
        assert!(shown.body.contains(expected), "{expected}: {}", shown.body);
    }
    let bob = site.identity.find_user(TenantId::SUPER, "bob").await.unwrap().unwrap();
    let one = format!("/admin/users/{}", bob.id);
    let mut browser = Browser::new(&site);
    browser.sign_in("bob", PASSWORD).await;
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    let question = admin.page(&format!("{one}/lock")).await;
    assert!(question.body.contains("Lock bob") && question.body.contains("ends now"), "{}", question.body);
    let locked = admin.act(&format!("{one}/lock"), &format!("{one}/lock"), &[]).await;
    assert!(locked.body.contains("bob is locked.") && locked.body.contains("Locked"), "{}", locked.body);
    assert_eq!(browser.get("/account").await.status, StatusCode::SEE_OTHER, "the session has ended");
    admin.act(&format!("{one}/unlock"), &format!("{one}/unlock"), &[]).await;
    browser.sign_in("bob", PASSWORD).await;
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    let taken = admin.act(&one, &format!("{one}/roles"), &[]).await;
    assert!(taken.body.contains("does not have the role Internal/creator any more."), "{}", taken.body);
    let given = admin.page(&one).await;
    assert!(given.body.contains("Give the role"));
    // The log says who did it, and the console shows it.
    let log = admin.page("/admin/audit-log?query=admin&action=users.lock").await;
    assert!(log.body.contains("identity.users.lock") && log.body.contains(&format!("user/{}", bob.id)), "{}", log.body);
    let gone = admin.act(&format!("{one}/delete"), &format!("{one}/delete"), &[]).await;
    assert!(gone.body.contains("bob was deleted."), "{}", gone.body);
    assert_eq!(admin.get(&one).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nobody_locks_or_deletes_themselves() {
    let site = Site::with_people().await;
    let mut admin = Browser::administrator(&site, "admin").await;
    let own = site.identity.find_user(TenantId::SUPER, "admin").await.unwrap().unwrap();
    let page = admin.page(&format!("/admin/users/{}", own.id)).await;
    assert!(page.body.contains("your own account") && !page.body.contains("/delete\""), "{}", page.body);
    let csrf = page.body.split_once("name=\"csrf\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    for action in ["lock", "delete", "reset-second-factor", "password"] {
        let seen = admin
            .post(
                &format!("/admin/users/{}/{action}", own.id),
                format!("csrf={csrf}&password={PASSWORD}&repeat={PASSWORD}"),
            )
            .await;
        assert_eq!(seen.status, StatusCode::CONFLICT, "{action}");
    }
    assert!(!site.identity.user(TenantId::SUPER, own.id).await.unwrap().locked);
}

#[tokio::test]
async fn another_tenant_sees_nothing_of_the_installation_nor_of_others() {
    let site = Site::with_people().await;
    let owner = identity::TenantOwner {
        username: "olga".into(),
        password: Secret::new(PASSWORD.to_owned()),
        email: "olga@example.com".into(),
        first_name: String::new(),
        last_name: String::new(),
    };
    site.identity.create_tenant(identity::NewTenant { domain: "example.com".into(), owner }).await.unwrap();
    let mut olga = Browser::administrator(&site, "olga@example.com").await;
    for path in [
        "/admin/hardening",
        "/admin/hardening/history",
        "/admin/hardening/accepted",
        "/admin/backups",
        "/admin/settings",
        "/admin/tenants",
        "/admin/tenants/new",
    ] {
        let seen = olga.get(path).await;
        assert_eq!(seen.status, StatusCode::FORBIDDEN, "{path}");
    }
    let first = olga.page("/admin").await;
    assert!(!first.body.contains("Ends soon") && !first.body.contains("Health"), "{}", first.body);
    let users = olga.page("/admin/users").await;
    assert!(users.body.contains(">olga<") && !users.body.contains(">alice<"), "{}", users.body);
    let alice = site.identity.find_user(TenantId::SUPER, "alice").await.unwrap().unwrap();
    for path in ["", "/lock", "/delete", "/password"] {
        assert_eq!(olga.get(&format!("/admin/users/{}{path}", alice.id)).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let mut browser = Browser::new(&site);
    browser.sign_in("alice", PASSWORD).await;
    let sessions = olga.page("/admin/sessions").await;
    assert!(!sessions.body.contains(">alice<"), "{}", sessions.body);
    let of_alice = site.identity.sessions_of(TenantId::SUPER, alice.id).await.unwrap();
    let csrf = users.body.split_once("name=\"csrf\" value=\"").unwrap().1.split('"').next().unwrap().to_owned();
    let form = format!("csrf={csrf}&user={}&session={}", alice.id, of_alice[0].id);
    let seen = olga.post("/admin/sessions", form).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get("/account").await.status, StatusCode::OK, "her session goes on");
    let log = olga.page("/admin/audit-log").await;
    assert!(!log.body.contains(&alice.id.to_string()), "{}", log.body);
    assert_eq!(olga.get("/admin/throttling/custom").await.status, StatusCode::FORBIDDEN);
    assert!(!olga.page("/admin/gateways").await.body.contains("Open connections"));
}

#[tokio::test]
async fn sessions_are_listed_and_ended() {
    let site = Site::with_people().await;
    let mut admin = Browser::administrator(&site, "admin").await;
    let mut alice = Browser::new(&site);
    alice.sign_in("alice", PASSWORD).await;
    let page = admin.page("/admin/sessions").await;
    assert!(page.body.contains(">alice<") && page.body.contains("This browser"), "{}", page.body);
    let ended = admin.act("/admin/sessions", "/admin/sessions", &[]).await;
    assert!(ended.body.contains("The session has ended."), "{}", ended.body);
    assert_eq!(alice.get("/account").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn roles_and_scopes_are_managed_and_nobody_takes_the_last_way_in() {
    let site = Site::with_people().await;
    let mut admin = Browser::administrator(&site, "admin").await;
    let form = admin.page("/admin/roles/new").await;
    let wrong = admin.submit(&form, "/admin/roles/new", &[("name", HOSTILE)]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    keeps_the_rules("role refused", &wrong.body);
    let role = admin.act("/admin/roles/new", "/admin/roles/new", &[("name", "partner")]).await;
    assert!(
        role.body.contains("The role partner was added.") && role.body.contains("Nobody has this role"),
        "{}",
        role.body
    );
    let made = site.identity.find_role(TenantId::SUPER, "partner").await.unwrap().unwrap();
    let one = format!("/admin/roles/{}", made.id);
    let given = admin.act(&one, &format!("{one}/members"), &[("give", "alice")]).await;
    assert!(given.body.contains("alice has the role partner."), "{}", given.body);
    let page = admin.page(&one).await;
    let unknown = admin.submit(&page, &format!("{one}/members"), &[("give", "nobody")]).await;
    assert_eq!(unknown.status, StatusCode::SEE_OTHER, "the first form of the page takes the role from alice again");
    let scopes = admin.page("/admin/scopes?query=apim%3Aadmin").await;
    assert!(scopes.body.contains("scope=apim%3Aadmin"), "{}", scopes.body);
    let saved = admin
        .act(
            "/admin/scopes/edit?scope=apim%3Aapi_create",
            "/admin/scopes/edit",
            &[("role", "admin"), ("role", "partner")],
        )
        .await;
    assert!(saved.body.contains("The roles of apim:api_create were saved."), "{}", saved.body);
    let page = admin.page("/admin/scopes/edit?scope=apim%3Aadmin").await;
    let refused = admin.submit(&page, "/admin/scopes/edit", &[("role", "partner")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.body.contains("must keep it"), "{}", refused.body);
    // Somebody else saves between opening and sending.
    let stale = admin.page("/admin/scopes/edit?scope=apim%3Aapi_create").await;
    admin.act("/admin/scopes/edit?scope=apim%3Aapi_create", "/admin/scopes/edit", &[("role", "admin")]).await;
    let refused = admin.submit(&stale, "/admin/scopes/edit", &[("role", "partner")]).await;
    assert!(
        refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.body.contains("meanwhile"),
        "{}",
        refused.body
    );
    let gone = admin.act(&format!("{one}/delete"), &format!("{one}/delete"), &[]).await;
    assert!(gone.body.contains("The role partner was deleted."));
}

#[tokio::test]
async fn policies_deny_entries_and_environments_live_through_their_forms() {
    let site = Site::with_people().await;
    let mut admin = Browser::administrator(&site, "admin").await;
    for level in ["application", "subscription", "advanced"] {
        let list = format!("/admin/throttling/{level}");
        let new = format!("{list}/new");
        let form = admin.page(&new).await;
        let wrong = admin
            .submit(
                &form,
                &new,
                &[
                    ("policyName", HOSTILE),
                    ("description", HOSTILE),
                    ("type", "REQUESTCOUNTLIMIT"),
                    ("amount", "many"),
                    ("unitTime", "1"),
                    ("timeUnit", "min"),
                ],
            )
            .await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        keeps_the_rules(&new, &wrong.body);
        assert!(wrong.body.contains("Write a whole number."), "{}", wrong.body);
        let fields = [
            ("policyName", "Small"),
            ("description", HOSTILE),
            ("type", "REQUESTCOUNTLIMIT"),
            ("amount", "7"),
            ("unitTime", "1"),
            ("timeUnit", "hour"),
            ("billingPlan", "FREE"),
        ];
        let listed = admin.act(&new, &new, &fields).await;
        assert!(listed.body.contains("7 requests per hour"), "{}", listed.body);
        let one = listed
            .body
            .split("<a href=\"")
            .find(|rest| rest.contains(">Small<"))
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .to_owned();
        let stale = admin.page(&one).await;
        let change = [
            ("description", "d"),
            ("type", "REQUESTCOUNTLIMIT"),
            ("amount", "8"),
            ("unitTime", "1"),
            ("timeUnit", "hour"),
            ("billingPlan", "FREE"),
        ];
        let saved = admin.act(&one, &one, &change).await;
        assert!(saved.body.contains("8 requests per hour"), "{}", saved.body);
        let refused = admin.submit(&stale, &one, &change).await;
        assert!(
            refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.body.contains("meanwhile"),
            "{}",
            refused.body
        );
        let gone = admin.act(&format!("{one}/delete"), &format!("{one}/delete"), &[]).await;
        assert!(gone.body.contains("The policy was deleted.") && !gone.body.contains(">Small<"), "{}", gone.body);
    }
    let refused = admin.page("/admin/deny/new").await;
    let refused = admin.submit(&refused, "/admin/deny/new", &[("kind", "IP"), ("value", HOSTILE)]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    keeps_the_rules("deny refused", &refused.body);
    let denied = admin.act("/admin/deny/new", "/admin/deny/new", &[("kind", "IP"), ("value", "192.0.2.0/24")]).await;
    assert!(denied.body.contains("192.0.2.0/24 is refused from now on."), "{}", denied.body);
    let status = denied
        .body
        .split("action=\"")
        .map(|rest| rest.split('"').next().unwrap())
        .find(|path| path.ends_with("/status"))
        .unwrap()
        .to_owned();
    let off = admin.act("/admin/deny", &status, &[]).await;
    assert!(off.body.contains("is let through again."), "{}", off.body);
    let delete = status.replace("/status", "/delete");
    assert!(admin.act(&delete, &delete, &[]).await.body.contains("not on the list any more"));
    let form = admin.page("/admin/environments/new").await;
    let wrong = admin
        .submit(
            &form,
            "/admin/environments/new",
            &[("name", HOSTILE), ("vhosts", "javascript:alert(1)\r\nhttps://a.example")],
        )
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    keeps_the_rules("environment refused", &wrong.body);
    let added = admin
        .act(
            "/admin/environments/new",
            "/admin/environments/new",
            &[("name", "east"), ("type", "production"), ("vhosts", "https://east.example:8443/base")],
        )
        .await;
    assert!(added.body.contains("https://east.example:8443/base"), "{}", added.body);
}

#[tokio::test]
async fn a_key_managers_secret_is_never_shown_again() {
    let site = Site::with_people().await;
    let mut admin = Browser::administrator(&site, "admin").await;
    admin.page("/admin/key-managers/new").await;
    let new = "/admin/key-managers/new";
    let fields = [
        ("name", "keycloak"),
        ("issuer", "https://idp.example/realm"),
        ("own.client_id", "c"),
        ("own.client_secret", "s3cr3t-of-the-client"),
        ("enabled", "on"),
    ];
    let form = admin.page("/admin/key-managers/new?type=KeyCloak").await;
    let wrong = admin
        .submit(
            &form,
            new,
            &[
                ("name", HOSTILE),
                ("issuer", ""),
                ("jwks", "http://x.example/"),
                ("own.client_secret", "s3cr3t-of-the-client"),
            ],
        )
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.body);
    keeps_the_rules("key manager refused", &wrong.body);
    assert!(!wrong.body.contains("s3cr3t") && wrong.body.contains("id=\"jwks-error\""), "{}", wrong.body);
    let listed = admin.act("/admin/key-managers/new?type=KeyCloak", new, &fields).await;
    assert!(listed.body.contains("keycloak is registered."), "{}", listed.body);
    let one = listed
        .body
        .split("<a href=\"")
        .find(|rest| rest.contains(">keycloak<"))
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let page = admin.page(&one).await;
    assert!(!page.body.contains("s3cr3t") && page.body.contains("keep the one that is stored"), "{}", page.body);
    let change = [("issuer", "https://idp.example/other"), ("own.client_id", "c"), ("enabled", "on")];
    assert!(admin.act(&one, &one, &change).await.body.contains("keycloak was saved."));
    assert!(admin.page(&one).await.body.contains("https://idp.example/other"));
    let resident = admin.page("/admin/key-managers").await;
    let resident = resident
        .body
        .split("<a href=\"/admin/key-managers/")
        .find(|rest| rest.contains("Resident"))
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    assert!(admin.page(&format!("/admin/key-managers/{resident}")).await.body.contains("follows the configuration"));
    // No network is allowed in this test: the page says so and keeps what was typed.
    let page = admin.page("/admin/key-managers/new?type=Okta").await;
    let refused =
        admin.submit(&page, "/admin/key-managers/discover", &[("url", "https://169.254.169.254/latest")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    keeps_the_rules("discovery refused", &refused.body);
    assert!(admin.act(&format!("{one}/delete"), &format!("{one}/delete"), &[]).await.body.contains("was removed"));
}

#[tokio::test]
async fn the_audit_log_is_searched_verified_and_exported() {
    let site = Site::with_people().await;
    let mut admin = Browser::administrator(&site, "admin").await;
    let all = admin.page("/admin/audit-log").await;
    assert!(all.body.contains("identity.users.create"), "{}", all.body);
    let misread = admin.page("/admin/audit-log?from=yesterday&query=%22%3E%3Cb%3E").await;
    assert!(
        misread.body.contains("A day was not understood") && misread.body.contains("No record found"),
        "{}",
        misread.body
    );
    let record = all
        .body
        .split("href=\"/admin/audit-log/")
        .filter_map(|rest| rest.split('"').next())
        .find(|id| id.parse::<i64>().is_ok())
        .unwrap()
        .to_owned();
    let shown = admin.page(&format!("/admin/audit-log/{record}")).await;
    assert!(shown.body.contains("as it was written"), "{}", shown.body);
    assert_eq!(admin.get("/admin/audit-log/999999").await.status, StatusCode::NOT_FOUND);
    let verified = admin.submit(&all, "/admin/audit-log/verify", &[]).await;
    assert!(verified.status == StatusCode::OK && verified.body.contains("The chain is whole"), "{}", verified.body);
    keeps_the_rules("verified", &verified.body);
    let file = admin.get("/admin/audit-log/export?action=users.create").await;
    assert_eq!(file.headers[header::CONTENT_TYPE], "application/x-ndjson");
    assert!(file.headers[header::CONTENT_DISPOSITION].to_str().unwrap().starts_with("attachment"));
    for line in file.body.lines() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["action"], "identity.users.create");
    }
    assert!(
        admin.page("/admin/audit-log?action=audit_log.export").await.body.contains("portal.audit_log.export"),
        "who took it is in it"
    );
}

#[tokio::test]
async fn tenants_are_added_and_switched() {
    let site = Site::with_people().await;
    let mut admin = Browser::administrator(&site, "admin").await;
    let form = admin.page("/admin/tenants/new").await;
    let wrong = admin
        .submit(
            &form,
            "/admin/tenants/new",
            &[
                ("domain", HOSTILE),
                ("username", HOSTILE),
                ("email", HOSTILE),
                ("password", PASSWORD),
                ("repeat", PASSWORD),
            ],
        )
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    keeps_the_rules("tenant refused", &wrong.body);
    let fields = [
        ("domain", "example.com"),
        ("username", "olga"),
        ("email", "olga@example.com"),
        ("password", PASSWORD),
        ("repeat", PASSWORD),
    ];
    let listed = admin.act("/admin/tenants/new", "/admin/tenants/new", &fields).await;
    assert!(listed.body.contains("The tenant example.com was added."), "{}", listed.body);
    let tenant = site.identity.find_tenant("example.com").await.unwrap().unwrap().tenant.id;
    let off = format!("/admin/tenants/{tenant}/deactivate");
    assert!(admin.act(&off, &off, &[]).await.body.contains("example.com is off."));
    assert!(!site.identity.tenant(tenant).await.unwrap().tenant.active);
    let on = format!("/admin/tenants/{tenant}/activate");
    assert!(admin.act("/admin/tenants", &on, &[]).await.body.contains("example.com is active."));
    let own = format!("/admin/tenants/{}/deactivate", TenantId::SUPER);
    assert_eq!(admin.get(&own).await.status, StatusCode::CONFLICT);
}
