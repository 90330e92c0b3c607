//! What mail opens: new passwords and new accounts.

use std::sync::Mutex;
use std::time::Duration;

use identity::{CallbackPattern, Mail, Mailer, SelfRegistration};

use super::account::Browser;
use super::*;

#[derive(Default)]
struct Mailbox(Mutex<Vec<Mail>>);

impl Mailer for Mailbox {
    fn send(&self, mail: Mail) -> BoxFuture<'_, Result<(), String>> {
        self.0.lock().unwrap().push(mail);
        Box::pin(async { Ok(()) })
    }
}

impl Mailbox {
    /// The path of the link in the mail that came.
    async fn link(&self) -> String {
        for _ in 0..100 {
            if let Some(mail) = self.0.lock().unwrap().pop() {
                let (_, link) = mail.text.split_once("https://localhost:9443/").unwrap();
                return format!("/{}", link.split_whitespace().next().unwrap());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("no mail came")
    }
}

async fn site() -> (Site, Arc<Mailbox>) {
    let mailbox = Arc::new(Mailbox::default());
    let mailer = Arc::clone(&mailbox);
    let pattern = || CallbackPattern::parse("https://apps.example.com/portal/.*").unwrap();
    let site = Site::with(
        |settings| {
            settings.recovery = Some(pattern());
            let roles = vec!["Internal/subscriber".to_owned()];
            settings.self_registration = Some(SelfRegistration { callback: pattern(), approval: false, roles });
        },
        |identity| identity.with_mailer(mailer as _),
    )
    .await;
    site.user("admin", &["admin"]).await;
    (site, mailbox)
}

#[tokio::test]
async fn an_account_and_then_a_new_password_for_it() {
    let (site, mailbox) = site().await;
    let mut browser = Browser::new(&site);
    let back = "https://apps.example.com/portal/start";
    let page = browser.get("/signup?callback=https%3A%2F%2Fapps.example.com%2Fportal%2Fstart").await;
    let form = [("name", "bob"), ("email", "bob@example.com"), ("password", PASSWORD), ("repeat", PASSWORD)];
    let seen = browser.submit(&page, "/signup", &form).await;
    assert!(seen.body.contains("bob@example.com") && seen.status == StatusCode::OK, "{}", seen.body);
    let link = mailbox.link().await;
    let page = browser.get(&link).await;
    assert!(page.body.contains("bob"), "{}", page.body);
    assert_eq!(browser.get(&link).await.status, StatusCode::OK, "opening it uses nothing up");
    let seen = browser.submit(&page, &link, &[]).await;
    assert!(seen.body.contains("ready") && seen.body.contains(&format!("href=\"{back}\"")), "{}", seen.body);
    assert_eq!(browser.get(&link).await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser.sign_in("bob", PASSWORD).await.status, StatusCode::SEE_OTHER);

    let mut stranger = Browser::new(&site);
    let page = stranger.get("/recover").await;
    let known = stranger.submit(&page, "/recover", &[("name", "bob")]).await;
    let unknown = stranger.submit(&page, "/recover", &[("name", "nobody")]).await;
    assert_eq!((known.status, &known.body), (unknown.status, &unknown.body));
    let link = mailbox.link().await;
    let page = stranger.get(&link).await;
    for (password, repeat) in [("tiny-pw", "tiny-pw"), ("another good password", "different")] {
        let seen = stranger.submit(&page, &link, &[("password", password), ("repeat", repeat)]).await;
        assert!(seen.status == StatusCode::UNPROCESSABLE_ENTITY && !seen.body.contains(password), "{}", seen.body);
    }
    let new = [("password", "another good password"), ("repeat", "another good password")];
    assert_eq!(stranger.submit(&page, &link, &new).await.status, StatusCode::OK);
    assert_eq!(stranger.submit(&page, &link, &new).await.status, StatusCode::NOT_FOUND, "once");
    assert_eq!(browser.get("/account").await.status, StatusCode::SEE_OTHER, "sessions ended");
    assert_eq!(stranger.sign_in("bob", "another good password").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn nobody_is_sent_elsewhere_and_what_is_off_is_not_there() {
    let (site, _) = site().await;
    let mut browser = Browser::new(&site);
    for callback in ["https://evil.example/", "javascript:alert(1)", "//evil.example"] {
        let page = browser.get(&format!("/recover?callback={callback}")).await;
        let seen = browser.submit(&page, "/recover", &[("name", "admin")]).await;
        assert_eq!(seen.status, StatusCode::UNPROCESSABLE_ENTITY, "{callback}");
        assert!(!seen.body.contains("href=\"https://evil") && !seen.body.contains("javascript:"), "{}", seen.body);
    }
    let off = Site::with_people().await;
    let mut browser = Browser::new(&off);
    for path in ["/recover", "/signup", "/recover/abc", "/signup/abc"] {
        assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let seen = browser.get("/signin").await;
    assert!(!seen.body.contains("/recover") && !seen.body.contains("/signup"));
}
