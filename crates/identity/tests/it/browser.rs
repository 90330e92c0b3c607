//! Sign-in by browser: sessions, second factors, and what ends them.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};
use identity::{Browser, BrowserSignIn, CodeStep, Factor, IdentityError, Session, SetUpStep, SignInForm, SignInStep};
use model::{Clock as _, Secret, TenantId};

use crate::server::{PASSWORD, Server, basic};

pub(crate) fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

/// What an authenticator app does, written apart from the product's own code.
pub(crate) fn app_code(base32: &str, seconds: i64) -> Secret<String> {
    let bits: String = base32
        .bytes()
        .map(|c| format!("{:05b}", if c.is_ascii_uppercase() { c - b'A' } else { c - b'2' + 26 }))
        .collect();
    let key: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .map(|b| u8::from_str_radix(std::str::from_utf8(b).unwrap(), 2).unwrap())
        .collect();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = aws_lc_rs::hmac::sign(&key, &(seconds / 30).to_be_bytes());
    let bytes = tag.as_ref();
    let offset = usize::from(bytes[19] & 15);
    let word = u32::from_be_bytes(bytes[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    Secret::new(format!("{:06}", word % 1_000_000))
}

impl Server {
    /// The code that the app shows now.
    pub(crate) fn app_code(&self, base32: &str) -> Secret<String> {
        app_code(base32, self.clock.now().seconds())
    }

    /// Moves on so that the app shows another code.
    pub(crate) fn next_code(&self, base32: &str) -> Secret<String> {
        self.clock.advance(Duration::from_secs(30));
        self.app_code(base32)
    }

    pub(crate) async fn begin(&self, login: &str, password: &str, code: Option<Secret<String>>) -> SignInStep {
        let form = SignInForm { login, password: secret(password), code, next: None, present: None };
        self.identity.begin_sign_in(form, &from("192.0.2.1")).await.unwrap()
    }

    pub(crate) async fn signed_in(&self, login: &str) -> BrowserSignIn {
        match self.begin(login, PASSWORD, None).await {
            SignInStep::Done(done) => done,
            _ => panic!("{login} did not get in with the password alone"),
        }
    }

    pub(crate) async fn session(&self, cookie: &Secret<String>) -> Option<Session> {
        self.identity.session(&headers(cookie.expose())).await.unwrap()
    }

    /// Gives an account a second factor; its secret and the recovery codes.
    pub(crate) async fn with_factor(&self, login: &str) -> (String, Vec<Secret<String>>) {
        let done = self.signed_in(login).await;
        let own = self.session(&done.cookie).await.unwrap();
        let offer = self.identity.offer_authenticator(&own).unwrap();
        let base32 = offer.secret.expose().clone();
        let codes = self.identity.set_authenticator(&own, &offer.sealed, &self.app_code(&base32), None).await.unwrap();
        (base32, codes)
    }
}

pub(crate) fn from(address: &str) -> Browser {
    Browser { address: Some(address.parse().unwrap()), agent: "Test/1.0".into() }
}

fn headers(cookie: &str) -> HeaderMap {
    let value = format!("a=b; {}={cookie}; c=d", web::SESSION_COOKIE);
    HeaderMap::from_iter([(axum::http::header::COOKIE, HeaderValue::from_str(&value).unwrap())])
}

#[tokio::test]
async fn a_session_is_known_by_its_cookie_alone_and_only_its_hash_is_kept() {
    let server = Server::with_admin().await;
    server.user("alice", &["Internal/subscriber"]).await;
    let done = server.signed_in("alice").await;
    assert!(done.cookie.expose().len() >= 43, "256 bits");
    let session = server.session(&done.cookie).await.unwrap();
    assert_eq!((session.name.as_str(), session.amr()), ("alice", vec!["pwd"]));
    assert_eq!(session.authenticated_at, server.clock.now());
    assert!(session.roles.contains("Internal/subscriber") && session.roles.contains("Internal/everyone"));
    assert_eq!((session.address.as_str(), session.agent.as_str()), ("192.0.2.1", "Test/1.0"));
    // Neither the cookie nor anything it could be computed from is in the database.
    let bytes = std::fs::read(server.directory.path().join("identity.db")).unwrap();
    let wal = std::fs::read(server.directory.path().join("identity.db-wal")).unwrap_or_default();
    for file in [bytes, wal] {
        assert!(!file.windows(43).any(|w| w == done.cookie.expose().as_bytes()));
    }
    // Not by its public id, not twice, not cut or altered.
    let cookie = done.cookie.expose();
    let altered = format!("{}{}", &cookie[..42], if cookie.ends_with('A') { 'B' } else { 'A' });
    for wrong in
        [session.id.as_str(), &cookie[..42], &altered, "", &format!("{cookie}; {}={cookie}", web::SESSION_COOKIE)]
    {
        assert!(server.identity.session(&headers(wrong)).await.unwrap().is_none(), "{wrong}");
    }
    let ids: std::collections::BTreeSet<_> = {
        let mut ids = std::collections::BTreeSet::new();
        for _ in 0..20 {
            ids.insert(server.signed_in("alice").await.cookie.expose().clone());
        }
        ids
    };
    assert_eq!(ids.len(), 20);
}

#[tokio::test]
async fn sessions_end_when_idle_when_old_and_when_their_user_is_out() {
    let server = Server::with_admin().await;
    let user = server.user("alice", &[]).await;
    let minutes = |n: u64| Duration::from_secs(60 * n);
    let done = server.signed_in("alice").await;
    server.clock.advance(minutes(14));
    assert!(server.session(&done.cookie).await.is_some(), "used within 15 minutes");
    server.clock.advance(minutes(14));
    assert!(server.session(&done.cookie).await.is_some(), "the use before counts");
    server.clock.advance(minutes(15));
    assert!(server.session(&done.cookie).await.is_none(), "idle");
    let done = server.signed_in("alice").await;
    for _ in 0..71 {
        server.clock.advance(minutes(10));
        assert!(server.session(&done.cookie).await.is_some());
    }
    server.clock.advance(minutes(10));
    assert!(server.session(&done.cookie).await.is_none(), "12 hours old");

    for case in ["lock", "reset", "delete"] {
        let name = format!("user-{case}");
        let other = server.user(&name, &[]).await;
        let done = server.signed_in(&name).await;
        match case {
            "lock" => server.identity.lock_user(TenantId::SUPER, other.id).await.unwrap(),
            "reset" => {
                let new = secret("another good password");
                server.identity.reset_password(TenantId::SUPER, other.id, &new).await.unwrap();
            }
            _ => server.identity.delete_user(TenantId::SUPER, other.id).await.unwrap(),
        }
        assert!(server.session(&done.cookie).await.is_none(), "{case}");
        if case == "lock" {
            server.identity.unlock_user(TenantId::SUPER, other.id).await.unwrap();
            assert!(server.session(&done.cookie).await.is_none(), "an unlocked account begins anew");
        }
    }
    // A role taken away is gone with the next request.
    server.identity.grant_role(TenantId::SUPER, user.id, "Internal/publisher").await.unwrap();
    let done = server.signed_in("alice").await;
    server.identity.withdraw_role(TenantId::SUPER, user.id, "Internal/publisher").await.unwrap();
    assert!(!server.session(&done.cookie).await.unwrap().roles.contains("Internal/publisher"));
    // Who becomes an administrator signs in anew, with a second factor.
    server.identity.grant_role(TenantId::SUPER, user.id, "admin").await.unwrap();
    assert!(server.session(&done.cookie).await.is_none());
    assert!(matches!(server.begin("alice", PASSWORD, None).await, SignInStep::SetUp(_)));
}

#[tokio::test]
async fn people_end_their_own_sessions_and_nobody_elses() {
    let server = Server::with_tenant().await;
    server.user("alice", &[]).await;
    server.user("bob", &[]).await;
    let (one, two, three) =
        (server.signed_in("alice").await, server.signed_in("alice").await, server.signed_in("alice").await);
    let bob = server.signed_in("bob").await;
    let (alice, bobs) = (server.session(&one.cookie).await.unwrap(), server.session(&bob.cookie).await.unwrap());
    let second = server.session(&two.cookie).await.unwrap();
    assert_eq!(server.identity.own_sessions(&alice).await.unwrap().len(), 3);
    assert!(!server.identity.end_own_session(&bobs, &second.id).await.unwrap());
    assert!(server.session(&two.cookie).await.is_some());
    assert!(server.identity.end_own_session(&alice, &second.id).await.unwrap());
    assert!(server.session(&two.cookie).await.is_none());
    assert_eq!(server.identity.end_other_sessions(&alice).await.unwrap(), 1);
    assert!(server.session(&three.cookie).await.is_none() && server.session(&bob.cookie).await.is_some());
    server.identity.end_session(&headers(one.cookie.expose())).await.unwrap();
    assert!(server.session(&one.cookie).await.is_none());
    // A second sign-in in the same browser takes the place of the first one.
    let first = server.signed_in("bob").await;
    let present = Some(first.cookie.clone());
    let form = SignInForm { login: "bob", password: secret(PASSWORD), code: None, next: None, present };
    let SignInStep::Done(next) = server.identity.begin_sign_in(form, &from("192.0.2.1")).await.unwrap() else {
        panic!()
    };
    assert!(server.session(&first.cookie).await.is_none() && server.session(&next.cookie).await.is_some());
    for _ in 0..60 {
        server.clock.advance(Duration::from_millis(10));
        server.signed_in("bob").await;
    }
    assert_eq!(server.identity.own_sessions(&bobs).await.unwrap().len(), 50, "a stated cap");
}

#[tokio::test]
async fn an_administrator_sets_a_second_factor_up_and_cannot_pass_without_it() {
    let server = Server::with_admin().await;
    let SignInStep::SetUp(step) = server.begin("admin", PASSWORD, None).await else { panic!("let in without one") };
    let waiting = server.identity.waits_for_set_up(&step).await.unwrap().unwrap();
    let base32 = waiting.offer.secret.expose().clone();
    assert!(waiting.offer.link.expose().contains(&format!("secret={base32}&")));
    // The step is no session, and no step for a code.
    assert!(server.session(&step).await.is_none() && !server.identity.waits_for_code(&step).await.unwrap());
    let browser = from("192.0.2.1");
    let finish = |sealed: String, code: Secret<String>| {
        let (server, step, browser) = (&server, &step, &browser);
        async move { server.identity.finish_set_up(step, &sealed, &code, None, browser).await }
    };
    let sealed = waiting.offer.sealed.clone();
    assert!(matches!(finish(sealed.clone(), secret("000000")).await.unwrap(), SetUpStep::Wrong(_)));
    // An authenticator that was offered to another sign-in is worth nothing here: a thief of the password cannot plant one.
    let SignInStep::SetUp(other) = server.begin("admin", PASSWORD, None).await else { panic!() };
    let planted = server.identity.waits_for_set_up(&other).await.unwrap().unwrap().offer;
    let code = server.app_code(planted.secret.expose());
    assert!(matches!(finish(planted.sealed, code).await, Err(IdentityError::Invalid(_))));
    let SetUpStep::Done(done, codes) = finish(sealed.clone(), server.app_code(&base32)).await.unwrap() else {
        panic!()
    };
    assert_eq!(codes.len(), 10);
    assert_eq!(server.session(&done.cookie).await.unwrap().amr(), ["pwd", "otp", "mfa"]);
    assert!(matches!(finish(sealed, server.next_code(&base32)).await.unwrap(), SetUpStep::Over), "once");
    // The other sign-in, begun before, cannot set a second one up.
    let own = server.identity.waits_for_set_up(&other).await.unwrap().unwrap().offer;
    let late =
        server.identity.finish_set_up(&other, &own.sealed, &server.app_code(own.secret.expose()), None, &browser).await;
    assert!(matches!(late, Err(IdentityError::Conflict(_))), "{:?}", late.is_ok());

    let SignInStep::EnterCode(step) = server.begin("admin", PASSWORD, None).await else { panic!() };
    let enter = |code: Secret<String>| {
        let (server, step, browser) = (&server, &step, &browser);
        async move { server.identity.enter_code(step, &code, None, browser).await.unwrap() }
    };
    assert!(matches!(enter(secret("000000")).await, CodeStep::Wrong));
    let code = server.next_code(&base32);
    let CodeStep::Done(done) = enter(code.clone()).await else { panic!() };
    assert_eq!(server.session(&done.cookie).await.unwrap().factors, [Factor::Password, Factor::Code]);
    assert!(matches!(enter(server.next_code(&base32)).await, CodeStep::Over), "a step works once");
    // The same code again, with both factors in one form.
    assert!(matches!(server.begin("admin", PASSWORD, Some(code)).await, SignInStep::Refused));
    let both = server.begin("admin", PASSWORD, Some(server.next_code(&base32))).await;
    assert!(matches!(both, SignInStep::Done(_)));
    // A recovery code works once, too.
    assert!(matches!(
        server.begin("admin", PASSWORD, Some(secret(&codes[0].expose().to_uppercase()))).await,
        SignInStep::Done(_)
    ));
    assert!(matches!(server.begin("admin", PASSWORD, Some(codes[0].clone())).await, SignInStep::Refused));
}

#[tokio::test]
async fn a_password_alone_opens_nothing_once_there_is_a_second_factor() {
    let server = Server::with_admin().await;
    server.user("alice", &["Internal/creator"]).await;
    let client = server.client("admin").await;
    let (base32, _) = server.with_factor("alice").await;
    let scim = |password: String| {
        let server = &server;
        // Whoever is known gets another refusal than a stranger: for the missing scope.
        async move { server.call("GET", "/scim2/Users", &basic("alice", &password), None).await.text.contains("900901") }
    };
    assert!(scim(PASSWORD.to_owned()).await);
    assert_eq!(server.password_grant(&client, "alice", "apim:api_create").await.status, 400);
    let code = server.next_code(&base32);
    assert!(!scim(format!("{PASSWORD}{}", code.expose())).await, "the code behind the password");
    assert!(scim(format!("{PASSWORD}{}", code.expose())).await, "used before");
    assert!(scim(format!("{PASSWORD}000000")).await);
    // Who has none is not concerned, even with a password that ends with digits.
    let digits = secret("a good password 123456");
    let bob = server.user("bob", &[]).await;
    server.identity.reset_password(TenantId::SUPER, bob.id, &digits).await.unwrap();
    let answer = server.call("GET", "/scim2/Users", &basic("bob", digits.expose()), None).await;
    assert!(!answer.text.contains("900901"), "{}", answer.text);
}

#[tokio::test]
async fn codes_beside_a_right_password_cannot_be_guessed() {
    let server = Server::with_admin().await;
    server.user("alice", &[]).await;
    let (base32, codes) = server.with_factor("alice").await;
    server.clock.advance(Duration::from_secs(60));
    let browser = from("192.0.2.1");
    for _ in 0..5 {
        let SignInStep::EnterCode(step) = server.begin("alice", PASSWORD, None).await else { panic!() };
        server.identity.enter_code(&step, &secret("000000"), None, &browser).await.unwrap();
    }
    // Now the right code does not count, in either form, but a recovery code does.
    let SignInStep::EnterCode(step) = server.begin("alice", PASSWORD, None).await else { panic!() };
    let tried = server.identity.enter_code(&step, &server.app_code(&base32), None, &browser).await.unwrap();
    assert!(matches!(tried, CodeStep::Wrong));
    assert!(matches!(server.begin("alice", PASSWORD, Some(server.app_code(&base32))).await, SignInStep::Refused));
    assert!(matches!(server.begin("alice", PASSWORD, Some(codes[0].clone())).await, SignInStep::Done(_)));
    server.clock.advance(Duration::from_secs(5 * 60));
    assert!(matches!(server.begin("alice", PASSWORD, Some(server.app_code(&base32))).await, SignInStep::Done(_)));
    // One sign-in has five tries.
    let SignInStep::EnterCode(step) = server.begin("alice", PASSWORD, None).await else { panic!() };
    for n in 0..4 {
        let tried = server.identity.enter_code(&step, &secret("abc"), None, &browser).await.unwrap();
        assert!(matches!(tried, CodeStep::Wrong), "{n}");
    }
    assert!(matches!(server.identity.enter_code(&step, &secret("abc"), None, &browser).await.unwrap(), CodeStep::Over));
    let late = server.identity.enter_code(&step, &server.next_code(&base32), None, &browser).await.unwrap();
    assert!(matches!(late, CodeStep::Over));
}

#[tokio::test]
async fn a_sign_in_under_way_ends_with_time_and_with_the_password() {
    let server = Server::with_admin().await;
    let user = server.user("alice", &[]).await;
    let (base32, _) = server.with_factor("alice").await;
    let browser = from("192.0.2.1");
    let SignInStep::EnterCode(old) = server.begin("alice", PASSWORD, None).await else { panic!() };
    server.clock.advance(Duration::from_secs(601));
    let tried = server.identity.enter_code(&old, &server.app_code(&base32), None, &browser).await.unwrap();
    assert!(matches!(tried, CodeStep::Over));
    let SignInStep::EnterCode(step) = server.begin("alice", PASSWORD, None).await else { panic!() };
    server.identity.reset_password(TenantId::SUPER, user.id, &secret("another good password")).await.unwrap();
    let tried = server.identity.enter_code(&step, &server.next_code(&base32), None, &browser).await.unwrap();
    assert!(matches!(tried, CodeStep::Over));
}

#[tokio::test]
async fn a_second_factor_is_replaced_and_removed_only_with_a_code_of_it() {
    let server = Server::with_admin().await;
    let user = server.user("alice", &[]).await;
    let (base32, codes) = server.with_factor("alice").await;
    let SignInStep::Done(done) = server.begin("alice", PASSWORD, Some(server.next_code(&base32))).await else {
        panic!()
    };
    let own = server.session(&done.cookie).await.unwrap();
    let offer = server.identity.offer_authenticator(&own).unwrap();
    let new = offer.secret.expose().clone();
    let code = server.app_code(&new);
    for present in [None, Some(secret("000000")), Some(secret(""))] {
        let tried = server.identity.set_authenticator(&own, &offer.sealed, &code, present.as_ref()).await;
        assert!(matches!(tried, Err(IdentityError::Forbidden(_))));
    }
    assert!(server.identity.remove_authenticator(&own, &secret("000000")).await.is_err());
    let fresh =
        server.identity.set_authenticator(&own, &offer.sealed, &server.app_code(&new), Some(&codes[1])).await.unwrap();
    assert!(
        matches!(server.begin("alice", PASSWORD, Some(server.next_code(&base32))).await, SignInStep::Refused),
        "the old one"
    );
    assert!(matches!(server.begin("alice", PASSWORD, Some(codes[2].clone())).await, SignInStep::Refused), "old codes");
    let renewed = server.identity.renew_recovery_codes(&own, &fresh[0]).await.unwrap();
    assert!(matches!(server.begin("alice", PASSWORD, Some(fresh[1].clone())).await, SignInStep::Refused));
    server.identity.remove_authenticator(&own, &renewed[0]).await.unwrap();
    assert!(matches!(server.begin("alice", PASSWORD, None).await, SignInStep::Done(_)));
    // Who may change everything keeps one.
    server.identity.grant_role(TenantId::SUPER, user.id, "admin").await.unwrap();
    assert!(matches!(server.begin("alice", PASSWORD, None).await, SignInStep::SetUp(_)));
    let own = server.session(&server.session_of_admin().await).await.unwrap();
    assert!(server.identity.second_factor(&own).await.unwrap().required);
    let refused = server.identity.remove_authenticator(&own, &secret("000000")).await;
    assert!(matches!(refused, Err(IdentityError::Conflict(_))));
    // An operator helps who lost everything.
    assert!(server.identity.reset_second_factor(TenantId::SUPER, own.user).await.unwrap());
    assert!(matches!(server.begin("admin", PASSWORD, None).await, SignInStep::SetUp(_)));
}

impl Server {
    /// The cookie of the administrator, who sets a second factor up on the way.
    pub(crate) async fn session_of_admin(&self) -> Secret<String> {
        let SignInStep::SetUp(step) = self.begin("admin", PASSWORD, None).await else { panic!("has one already") };
        let offer = self.identity.waits_for_set_up(&step).await.unwrap().unwrap().offer;
        let code = self.app_code(offer.secret.expose());
        let done = self.identity.finish_set_up(&step, &offer.sealed, &code, None, &from("192.0.2.1")).await.unwrap();
        let SetUpStep::Done(done, _) = done else { panic!("not set up") };
        done.cookie
    }
}

#[tokio::test]
async fn changing_ones_password_ends_the_other_sessions() {
    let server = Server::with_admin().await;
    server.user("alice", &[]).await;
    let (here, there) = (server.signed_in("alice").await, server.signed_in("alice").await);
    let own = server.session(&here.cookie).await.unwrap();
    let new = secret("another good password");
    let browser = from("192.0.2.1");
    let wrong = server.identity.change_own_password(&own, &secret("not it at all"), &new, &browser).await;
    assert!(matches!(wrong, Err(IdentityError::Forbidden(_))));
    let weak = server.identity.change_own_password(&own, &secret(PASSWORD), &secret("alice"), &browser).await;
    assert!(matches!(weak, Err(IdentityError::Password(_))));
    assert!(server.session(&there.cookie).await.is_some());
    let cookie = server.identity.change_own_password(&own, &secret(PASSWORD), &new, &browser).await.unwrap();
    assert!(server.session(&here.cookie).await.is_none() && server.session(&there.cookie).await.is_none());
    assert_eq!(server.session(&cookie).await.unwrap().name, "alice");
}

#[tokio::test]
async fn the_way_back_cannot_be_forged() {
    let server = Server::with_admin().await;
    server.user("alice", &[]).await;
    let answer = server.identity.ask_to_sign_in(Some("/oauth2/authorize?client_id=a&state=b"));
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let next = location.strip_prefix("/signin?next=").unwrap().to_owned();
    let go = |next: String| {
        let server = &server;
        async move {
            let form =
                SignInForm { login: "alice", password: secret(PASSWORD), code: None, next: Some(&next), present: None };
            match server.identity.begin_sign_in(form, &from("192.0.2.1")).await.unwrap() {
                SignInStep::Done(done) => done.target,
                _ => panic!(),
            }
        }
    };
    assert_eq!(go(next.clone()).await, "/oauth2/authorize?client_id=a&state=b");
    let mut altered = next.clone();
    altered.replace_range(40..41, if &altered[40..41] == "A" { "B" } else { "A" });
    for forged in
        [altered, "/oauth2/authorize".into(), "https://evil.example/".into(), "//evil.example".into(), String::new()]
    {
        assert_eq!(go(forged.clone()).await, "/", "{forged}");
    }
    server.clock.advance(Duration::from_secs(31 * 60));
    assert_eq!(go(next).await, "/", "too old");
    for foreign in ["//evil.example/", "https://evil.example/", "/\\evil.example"] {
        assert_eq!(server.identity.ask_to_sign_in(Some(foreign)).headers()["location"], "/signin");
    }
}
