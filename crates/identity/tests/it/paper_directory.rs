//! What must hold whatever a directory says and however long it takes: with one that the test writes itself.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use identity::{
    DirectoryError, DirectoryListing, DirectoryStore, DirectoryUser, SignInForm, SignInStep, SignUpConfirmed,
    UserDirectory,
};
use model::{Secret, TenantId};
use tokio::task::JoinSet;
use web::BoxFuture;

use crate::browser::{from, secret};
use crate::mails;
use crate::server::{PASSWORD, Server};

#[derive(Default)]
struct Paper {
    names: Mutex<Vec<String>>,
    silent: AtomicBool,
}

impl UserDirectory for Paper {
    fn find<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<DirectoryUser>, DirectoryError>> {
        Box::pin(async move {
            if self.silent.load(Ordering::Relaxed) {
                return Err(DirectoryError::Unavailable("silent".into()));
            }
            let names = self.names.lock().unwrap();
            let found = names.iter().find(|n| n.eq_ignore_ascii_case(name));
            Ok(found.map(|n| DirectoryUser { name: n.clone(), entry_id: format!("id-{n}"), dn: format!("uid={n}") }))
        })
    }

    fn check_password<'a>(
        &'a self,
        _: &'a DirectoryUser,
        password: &'a Secret<String>,
    ) -> BoxFuture<'a, Result<bool, DirectoryError>> {
        Box::pin(async move { Ok(password.expose() == PASSWORD) })
    }

    fn groups<'a>(&'a self, _: &'a DirectoryUser) -> BoxFuture<'a, Result<Vec<String>, DirectoryError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn list(&self, _: usize) -> BoxFuture<'_, Result<DirectoryListing, DirectoryError>> {
        Box::pin(async { Ok(DirectoryListing { names: Vec::new(), truncated: false }) })
    }
}

fn store(paper: &Arc<Paper>) -> DirectoryStore {
    DirectoryStore {
        domain: None,
        place: "paper".into(),
        directory: Arc::clone(paper) as _,
        roles: std::collections::BTreeMap::new(),
        check_every: Duration::from_mins(5),
        offline_grace: Duration::from_mins(10),
    }
}

fn with_bob() -> Arc<Paper> {
    let paper = Arc::new(Paper::default());
    paper.names.lock().unwrap().push("bob".into());
    paper
}

#[tokio::test]
async fn many_guesses_at_once_do_not_overtake_the_lock_of_the_codes() {
    let server = Server::with_directories(vec![store(&with_bob())]).await;
    let (base32, _) = server.with_factor("bob").await;
    let right = server.next_code(&base32);
    let wrong = if right.expose() == "000000" { "000001" } else { "000000" };
    let mut all = JoinSet::new();
    for n in 0..40_u8 {
        let identity = Arc::clone(&server.identity);
        // The last of them is right: a guesser who goes on long enough gets there.
        let code = if n == 39 { right.clone() } else { secret(wrong) };
        let address = Ipv4Addr::new(198, 51, 100, n).to_string();
        all.spawn(async move {
            let password = secret(PASSWORD);
            let form = SignInForm { login: "bob", password, code: Some(code), next: None, present: None };
            matches!(identity.begin_sign_in(form, &from(&address)).await.unwrap(), SignInStep::Done(_))
        });
    }
    assert!(all.join_all().await.into_iter().all(|done| !done), "a guess got in behind the lock");
    server.clock.advance(Duration::from_mins(6));
    let code = server.app_code(&base32);
    assert!(
        matches!(server.begin("bob", PASSWORD, Some(code)).await, SignInStep::Done(_)),
        "the owner is out for good"
    );
}

#[tokio::test]
async fn a_sign_up_does_not_take_the_name_of_a_person_of_a_directory() {
    let (_server, identity, mailbox) = mails::service(false).await;
    let paper = with_bob();
    let identity = Arc::new((*identity).clone().with_directories(vec![store(&paper)]));
    identity.request_sign_up(mails::form("Bob", "eve@example.com"), None).await.unwrap();
    let mail = &mailbox.taken().await[0];
    assert!(mail.text.contains("the name is taken") && !mail.text.contains("/signup/"), "{}", mail.text);
    // A name that comes to the directory while the link waits; and a directory that says nothing.
    identity.request_sign_up(mails::form("carol", "eve@example.com"), None).await.unwrap();
    let link = mails::token(&mailbox.taken().await[0], "/signup/");
    paper.silent.store(true, Ordering::Relaxed);
    assert!(identity.confirm_sign_up(&link).await.is_err(), "no answer was taken for a free name");
    paper.silent.store(false, Ordering::Relaxed);
    paper.names.lock().unwrap().push("carol".into());
    assert_eq!(identity.confirm_sign_up(&link).await.unwrap(), SignUpConfirmed::Taken);
    assert!(identity.find_user(TenantId::SUPER, "carol").await.unwrap().is_none());
    paper.names.lock().unwrap().pop();
    assert!(matches!(identity.confirm_sign_up(&link).await.unwrap(), SignUpConfirmed::Ready { .. }));
}
