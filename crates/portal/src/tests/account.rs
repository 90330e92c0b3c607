//! Signing in and one's own account, as a browser does it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;

/// A browser without scripts: keeps cookies, fills forms in.
pub(super) struct Browser<'a> {
    site: &'a Site,
    cookies: std::collections::BTreeMap<String, String>,
}

impl<'a> Browser<'a> {
    pub(super) fn new(site: &'a Site) -> Self {
        Self { site, cookies: std::collections::BTreeMap::new() }
    }

    async fn send(&mut self, request: http::request::Builder, body: String) -> Seen {
        let cookies: Vec<String> = self.cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let request = request.header("host", "localhost:9443").header("cookie", cookies.join("; "));
        let mut request = request.body(Body::from(body)).unwrap();
        request.extensions_mut().insert(web::PeerAddress("192.0.2.1:4000".parse().unwrap()));
        let seen = call(&self.site.router, request).await;
        for cookie in seen.headers.get_all(header::SET_COOKIE) {
            let text = cookie.to_str().unwrap();
            assert!(text.starts_with("__Host-") && text.contains("; Path=/; Secure; HttpOnly; SameSite="), "{text}");
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            if text.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        seen
    }

    /// The value of a cookie that this browser has.
    pub(super) fn cookie(&self, name: &str) -> String {
        self.cookies[name].clone()
    }

    pub(super) async fn get(&mut self, path: &str) -> Seen {
        self.send(Request::get(path), String::new()).await
    }

    /// Sends a form with the hidden fields of the page it is on.
    pub(super) async fn submit(&mut self, page: &Seen, path: &str, fields: &[(&str, &str)]) -> Seen {
        self.submit_to(page, path, path, fields).await
    }

    /// Sends the form for one path to another one.
    pub(super) async fn submit_to(&mut self, page: &Seen, path: &str, target: &str, fields: &[(&str, &str)]) -> Seen {
        let form = page
            .body
            .split("<form")
            .find(|f| f.contains(&format!("action=\"{path}\"")))
            .unwrap_or_else(|| panic!("no form for {path}: {}", page.body));
        let hidden = form.split("<input type=\"hidden\" name=\"").skip(1).map(|rest| {
            let (name, rest) = rest.split_once("\" value=\"").unwrap();
            (name.to_owned(), rest.split_once('"').unwrap().0.to_owned())
        });
        let typed = fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
        let encoded: Vec<String> = hidden.chain(typed).map(|(n, v)| format!("{n}={}", encode(&v))).collect();
        self.post(target, encoded.join("&")).await
    }

    /// Sends a form in parts, as one that carries files.
    pub(super) async fn send_parts(&mut self, path: &str, fields: &[(&str, &str)]) -> Seen {
        let part = |(name, value): &(&str, &str)| {
            format!("--XyZ\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let body: String = fields.iter().map(part).collect();
        let request = Request::post(path).header("content-type", "multipart/form-data; boundary=XyZ");
        let request = request.header("origin", "https://localhost:9443").header("sec-fetch-site", "same-origin");
        self.send(request, format!("{body}--XyZ--\r\n")).await
    }

    pub(super) async fn post(&mut self, path: &str, body: String) -> Seen {
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        self.send(request.header("origin", "https://localhost:9443").header("sec-fetch-site", "same-origin"), body)
            .await
    }

    pub(super) async fn sign_in(&mut self, name: &str, password: &str) -> Seen {
        let page = self.get("/signin").await;
        self.submit(&page, "/signin", &[("name", name), ("password", password)]).await
    }

    pub(super) fn code(&self, page: &Seen) -> String {
        let (_, key) = page.body.split_once("class=\"key mono\">").unwrap();
        let key = key.split('<').next().unwrap().replace(' ', "");
        app_code(&key, self.site.clock.now().seconds())
    }
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|b| if b.is_ascii_alphanumeric() { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}

fn app_code(base32: &str, seconds: i64) -> String {
    let digit = |c: u8| if c.is_ascii_uppercase() { c - b'A' } else { c - b'2' + 26 };
    let bits: String = base32.bytes().map(|c| format!("{:05b}", digit(c))).collect();
    let key: Vec<u8> = (0..bits.len() / 8).map(|n| u8::from_str_radix(&bits[n * 8..n * 8 + 8], 2).unwrap()).collect();
    identity::for_tests::code_of(&key, seconds)
}

fn location(seen: &Seen) -> &str {
    seen.headers[header::LOCATION].to_str().unwrap()
}

#[tokio::test]
async fn a_page_for_people_who_are_signed_in_sends_others_to_sign_in_and_back() {
    let site = Site::with_people().await;
    let mut browser = Browser::new(&site);
    let seen = browser.get("/account/sessions").await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER);
    let there = location(&seen).to_owned();
    assert!(there.starts_with("/signin?next="), "{there}");
    let form = browser.get(&there).await;
    let seen = browser.submit(&form, "/signin", &[("name", "alice"), ("password", PASSWORD)]).await;
    assert_eq!((seen.status, location(&seen)), (StatusCode::SEE_OTHER, "/account/sessions"));
    let seen = browser.get("/account/sessions").await;
    assert!(seen.status == StatusCode::OK && seen.body.contains("this browser"), "{}", seen.body);
    assert_eq!(seen.headers.get(header::CACHE_CONTROL), None, "the listener adds no-store");
    assert!(browser.get("/").await.body.contains("alice"));
    assert_eq!(location(&browser.get("/signin").await), "/account");
    let account = browser.get("/account").await;
    let seen = browser.submit(&account, "/signout", &[]).await;
    assert_eq!(location(&seen), "/signin");
    assert_eq!(browser.get("/account").await.status, StatusCode::SEE_OTHER);
}

#[test]
fn browsers_are_called_by_their_names() {
    for (agent, name) in [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36 Edg/140.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 Chrome/140.0.0.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 15_0) Version/19.0 Safari/605.1.15", "Safari on macOS"),
        ("curl/8", "curl/8"),
        ("", "Unknown browser"),
    ] {
        assert_eq!(own::browser_name(agent), name);
    }
}

#[tokio::test]
async fn the_way_to_a_client_begins_with_a_page_of_its_own() {
    let site = Site::with_people().await;
    let mut browser = Browser::new(&site);
    let answer =
        site.identity.ask_to_sign_in(Some("/oauth2/authorize?client_id=a&redirect_uri=https%3A%2F%2Fb.example%2F"));
    let form = browser.get(answer.headers()["location"].to_str().unwrap()).await;
    let seen = browser.submit(&form, "/signin", &[("name", "alice"), ("password", PASSWORD)]).await;
    assert_eq!(seen.status, StatusCode::OK);
    assert!(
        seen.body.contains("http-equiv=\"refresh\" content=\"0; url=/oauth2/authorize?client_id=a&#38;redirect_uri="),
        "{}",
        seen.body
    );
}

#[tokio::test]
async fn wrong_input_is_answered_alike_and_gives_no_session() {
    let site = Site::with_people().await;
    let mut bodies = BTreeSet::new();
    for (name, password) in [("alice", "wrong password"), ("nobody", "wrong password"), ("admin", "x"), ("", "")] {
        let mut browser = Browser::new(&site);
        let seen = browser.sign_in(name, password).await;
        assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(!browser.cookies.contains_key(web::SESSION_COOKIE));
        let token = browser.cookies.values().next().unwrap();
        bodies.insert(seen.body.replace(token, "T").replace(&format!("value=\"{name}\" auto"), "value=\"\" auto"));
    }
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    let mut browser = Browser::new(&site);
    let seen = browser.sign_in("<script>alert(1)</script>\"", "x").await;
    assert!(!seen.body.contains("<script") && seen.body.contains("&#60;script"), "{}", seen.body);
}

#[tokio::test]
async fn an_administrator_sets_a_second_factor_up_on_the_way_in() {
    let site = Site::with_people().await;
    let mut browser = Browser::new(&site);
    let seen = browser.sign_in("admin", PASSWORD).await;
    assert_eq!(location(&seen), "/signin/second-factor");
    assert_eq!(browser.get("/account").await.status, StatusCode::SEE_OTHER, "not signed in yet");
    let page = browser.get("/signin/second-factor").await;
    assert!(page.body.contains("<svg class=\"qr\""));
    let wrong = browser.submit(&page, "/signin/second-factor", &[("code", "000000")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let key =
        |seen: &Seen| seen.body.split_once("class=\"key mono\">").unwrap().1.split('<').next().unwrap().to_owned();
    assert_eq!(key(&page), key(&wrong), "a mistyped code needs no new scan");
    let base32 = key(&page).replace(' ', "");
    let code = browser.code(&page);
    let seen = browser.submit(&wrong, "/signin/second-factor", &[("code", &code)]).await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
    let codes: Vec<&str> = seen.body.split("<li>").skip(1).map(|rest| &rest[..19]).collect();
    assert_eq!(codes.len(), 10);
    assert!(browser.get("/account").await.body.contains("Authenticator app"));

    let mut other = Browser::new(&site);
    assert_eq!(location(&other.sign_in("admin", PASSWORD).await), "/signin/code");
    let form = other.get("/signin/code").await;
    let wrong = other.submit(&form, "/signin/code", &[("code", "000000")]).await;
    assert!(wrong.status == StatusCode::UNPROCESSABLE_ENTITY && wrong.body.contains("id=\"code-error\""));
    site.clock.advance(Duration::from_secs(30));
    let code = app_code(&base32, site.clock.now().seconds());
    assert_eq!(other.submit(&form, "/signin/code", &[("code", &code)]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(other.get("/account").await.status, StatusCode::OK);
    // Administrators keep it: there is no form to remove it, and a form made up is refused.
    let page = other.get("/account/second-factor").await;
    assert!(!page.body.contains("/account/second-factor/remove"));
    let csrf = other.cookies["__Host-portcullis-form"].clone();
    let forged = other.post("/account/second-factor/remove", format!("csrf={csrf}&present={}", codes[0])).await;
    assert!(forged.status == StatusCode::UNPROCESSABLE_ENTITY && forged.body.contains("replaced"), "{}", forged.body);
    let seen = other.submit(&page, "/account/second-factor/codes", &[("present", codes[0])]).await;
    assert!(seen.body.contains("Keep these recovery codes"), "{}", seen.body);
}

#[tokio::test]
async fn a_session_acts_only_through_forms_of_ours() {
    let site = Site::with_people().await;
    let mut browser = Browser::new(&site);
    browser.sign_in("alice", PASSWORD).await;
    let csrf = browser.cookies["__Host-portcullis-form"].clone();
    for (operation, access) in routes().operations().filter(|(o, _)| o.method == "POST") {
        // Clients may send these by POST: they only ask.
        if ["/oauth2/authorize", "/oidc/logout"].contains(&operation.path) {
            continue;
        }
        let path = operation.path.replace("{token}", "right");
        let bare = browser.post(&path, "session=x".into()).await;
        assert_eq!(bare.status, StatusCode::FORBIDDEN, "{path}: without a token");
        if matches!(access, web::Access::Session(_)) {
            let request = Request::post(&path).header("origin", "https://evil.example");
            let foreign = browser.send(request, format!("csrf={csrf}")).await;
            assert_eq!(foreign.status, StatusCode::FORBIDDEN, "{path}: from elsewhere");
            let mut stranger = Browser::new(&site);
            let anonymous = stranger.post(&path, format!("csrf={csrf}")).await;
            assert_eq!((anonymous.status, location(&anonymous)), (StatusCode::SEE_OTHER, "/signin"), "{path}: nobody");
        }
    }
    // No other credentials open a page.
    let token = "Basic YWxpY2U6Y29ycmVjdCBob3JzZSBiYXR0ZXJ5";
    let request = Request::get("/account").header("host", "localhost:9443").header("authorization", token);
    let seen = call(&site.router, request.body(Body::empty()).unwrap()).await;
    assert_eq!(seen.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get("/account").await.status, StatusCode::OK, "nothing of this ended the session");
}

#[tokio::test]
async fn a_first_second_factor_needs_a_fresh_sign_in() {
    let site = Site::with_people().await;
    let mut browser = Browser::new(&site);
    browser.sign_in("alice", PASSWORD).await;
    let page = browser.get("/account/second-factor/new").await;
    assert_eq!(page.status, StatusCode::OK);
    site.clock.advance(Duration::from_secs(10 * 60));
    assert!(location(&browser.get("/account/second-factor/new").await).starts_with("/signin?next="));
    // The form that is open already may still be sent.
    let code = browser.code(&page);
    let seen = browser.submit(&page, "/account/second-factor/new", &[("code", &code)]).await;
    assert_eq!(seen.status, StatusCode::OK, "{}", seen.body);
    let page = browser.get("/account/second-factor").await;
    let refused = browser.submit(&page, "/account/second-factor/remove", &[("present", "000000")]).await;
    assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.body.contains("id=\"fault\""));
    let recovery = seen.body.split("<li>").nth(1).unwrap()[..19].to_owned();
    let removed = browser.submit(&page, "/account/second-factor/remove", &[("present", &recovery)]).await;
    assert_eq!(location(&removed), "/account/second-factor?removed");
}

#[tokio::test]
async fn a_password_is_changed_and_other_sessions_ended() {
    let site = Site::with_people().await;
    let (mut here, mut there) = (Browser::new(&site), Browser::new(&site));
    here.sign_in("alice", PASSWORD).await;
    there.sign_in("alice", PASSWORD).await;
    let page = here.get("/account/password").await;
    for (present, new, repeat, field) in [
        ("wrong password", "another good password", "another good password", "present-error"),
        (PASSWORD, "tiny-pw", "tiny-pw", "password-error"),
        (PASSWORD, "another good password", "different", "repeat-error"),
    ] {
        let seen = here
            .submit(&page, "/account/password", &[("present", present), ("password", new), ("repeat", repeat)])
            .await;
        assert!(seen.status == StatusCode::UNPROCESSABLE_ENTITY && seen.body.contains(field), "{field}: {}", seen.body);
        assert!(!seen.body.contains(new), "no password comes back");
    }
    let new = [("present", PASSWORD), ("password", "another good password"), ("repeat", "another good password")];
    let seen = here.submit(&page, "/account/password", &new).await;
    assert_eq!(location(&seen), "/account/password?done");
    assert!(here.get("/account/password?done").await.body.contains("was changed"));
    assert_eq!(there.get("/account").await.status, StatusCode::SEE_OTHER);
    there.sign_in("alice", "another good password").await;
    let page = here.get("/account/sessions").await;
    assert_eq!(page.body.matches("name=\"session\"").count(), 2);
    let csrf = here.cookies["__Host-portcullis-form"].clone();
    assert_eq!(location(&here.post("/account/sessions", format!("csrf={csrf}")).await), "/account/sessions?done");
    assert_eq!(there.get("/account").await.status, StatusCode::SEE_OTHER);
    assert_eq!(here.get("/account").await.status, StatusCode::OK);
}
