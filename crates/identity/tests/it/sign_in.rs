//! Guessing, enumerating, locking.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{Request, header};
use model::{Secret, TenantId};

use crate::server::{PASSWORD, Server, basic};

const PATH: &str = "/scim2/Users";

async fn knock(server: &Server, name: &str, password: &str) -> (u16, String) {
    let reply = server.call("GET", PATH, &basic(name, password), None).await;
    (reply.status.as_u16(), reply.text)
}

#[tokio::test]
async fn nothing_tells_an_unknown_user_from_a_known_one() {
    let server = Server::with_tenant().await;
    let locked = server.user("locked", &["admin"]).await;
    server.identity.lock_user(TenantId::SUPER, locked.id).await.unwrap();
    let unknown = knock(&server, "nobody", "a wrong password").await;
    assert_eq!(unknown.0, 401);
    for (name, password) in [
        ("admin", "a wrong password"),
        ("locked", "a wrong password"),
        ("locked", PASSWORD),
        ("admin@tenant1.com", "a wrong password"),
        ("nobody@tenant1.com", "a wrong password"),
        ("admin@unknown.com", PASSWORD),
        ("", ""),
        ("admin", ""),
    ] {
        assert_eq!(knock(&server, name, password).await, unknown, "{name}");
    }
}

#[tokio::test]
async fn an_unknown_user_costs_as_much_as_a_known_one() {
    let server = Server::with_admin().await;
    let mut times = [Duration::MAX; 2];
    for _ in 0..4 {
        for (time, name) in times.iter_mut().zip(["admin", "nobody"]) {
            server.settle().await;
            let begun = Instant::now();
            knock(&server, name, "a wrong password").await;
            *time = (*time).min(begun.elapsed());
        }
        // The guesses must not lock the account, which would cost the same anyway.
        assert_eq!(knock(&server, "admin", PASSWORD).await.0, 200);
    }
    let [known, unknown] = times;
    println!("known {known:?}, unknown {unknown:?}");
    assert!(unknown * 2 > known && known * 2 > unknown, "known {known:?}, unknown {unknown:?}");
}

#[tokio::test]
async fn guesses_lock_the_account_and_the_owner_gets_back_in() {
    let server = Server::with_admin().await;
    for _ in 0..5 {
        assert_eq!(knock(&server, "admin", "a wrong password").await.0, 401);
    }
    server.settle().await;
    assert_eq!(knock(&server, "admin", PASSWORD).await.0, 401, "the right password must not open a locked account");
    // Knocking at a locked account does not prolong the lock.
    for _ in 0..5 {
        knock(&server, "admin", "a wrong password").await;
    }
    server.clock.advance(Duration::from_mins(5));
    assert_eq!(knock(&server, "admin", PASSWORD).await.0, 200);
    // A success forgets the failures.
    for _ in 0..4 {
        knock(&server, "admin", "a wrong password").await;
    }
    server.settle().await;
    assert_eq!(knock(&server, "admin", PASSWORD).await.0, 200);
}

#[tokio::test]
async fn each_further_lock_lasts_longer() {
    let server = Server::with_admin().await;
    for minutes in [5, 10, 20, 40, 60, 60] {
        for _ in 0..5 {
            knock(&server, "admin", "a wrong password").await;
        }
        server.settle().await;
        server.clock.advance(Duration::from_secs(minutes * 60 - 3));
        let user = server.identity.find_user(TenantId::SUPER, "admin").await.unwrap().unwrap();
        let now = model::Clock::now(&*server.clock);
        assert!(user.locked_until.is_some_and(|until| until > now), "{minutes}");
        server.clock.advance(Duration::from_secs(10));
        let now = model::Clock::now(&*server.clock);
        assert!(user.locked_until.is_some_and(|until| until <= now), "{minutes}");
    }
}

#[tokio::test]
async fn many_guesses_at_once_are_bounded_too() {
    let server = Arc::new(Server::with_admin().await);
    let mut guesses = tokio::task::JoinSet::new();
    for n in 0..30 {
        let server = Arc::clone(&server);
        let password = if n == 29 { PASSWORD.to_owned() } else { format!("a wrong password {n}") };
        guesses.spawn(async move { knock(&server, "admin", &password).await.0 });
    }
    let right = guesses.join_all().await.into_iter().filter(|status| *status == 200).count();
    assert_eq!(right, 0, "the 30th guess was accepted");
}

#[tokio::test]
async fn an_address_that_sprays_passwords_is_refused_others_are_not() {
    let server = Server::with_admin().await;
    let spray = |n: usize| {
        Request::builder()
            .uri(PATH)
            .header(header::AUTHORIZATION, basic(&format!("user{n}"), "a wrong password"))
            .body(Body::empty())
            .unwrap()
    };
    for n in 0..100 {
        assert_eq!(server.send_from("203.0.113.9".parse().unwrap(), spray(n)).await.status, 401);
    }
    let right = || Request::builder().uri(PATH).header(header::AUTHORIZATION, basic("admin", PASSWORD));
    let refused = server.send_from("203.0.113.9".parse().unwrap(), right().body(Body::empty()).unwrap()).await;
    assert_eq!(refused.status, 401);
    let other = server.send_from("203.0.113.10".parse().unwrap(), right().body(Body::empty()).unwrap()).await;
    assert_eq!(other.status, 200);
    server.clock.advance(Duration::from_mins(5));
    let later = server.send_from("203.0.113.9".parse().unwrap(), right().body(Body::empty()).unwrap()).await;
    assert_eq!(later.status, 200);
}

#[tokio::test]
async fn a_password_is_changed_by_whoever_knows_it() {
    let server = Server::with_admin().await;
    let secret = |text: &str| Secret::new(text.to_owned());
    let change = |old: &str, new: &str| {
        let (old, new) = (secret(old), secret(new));
        let identity = server.identity.clone();
        async move { identity.change_password(TenantId::SUPER, "admin", &old, &new).await }
    };
    assert!(change("a wrong password", "a brand new password").await.is_err());
    assert!(change(PASSWORD, "admin").await.is_err());
    assert!(change(PASSWORD, "a brand new password").await.is_ok());
    assert_eq!(knock(&server, "admin", PASSWORD).await.0, 401);
    assert_eq!(knock(&server, "admin", "a brand new password").await.0, 200);
}

#[tokio::test]
async fn the_file_holds_no_secret_in_clear() {
    let server = Server::with_admin().await;
    let client = server.client("admin").await;
    let reply = server.password_grant(&client, "admin", "apim:api_view").await;
    let reply = reply.json();
    let link = {
        let empty = Server::empty().await;
        let link = empty.identity.create_setup_link().await.unwrap();
        assert!(!stored(&empty).contains(link.expose().as_str()));
        link
    };
    use base64::Engine;
    let pair = base64::engine::general_purpose::STANDARD.decode(client.trim_start_matches("Basic ")).unwrap();
    let pair = String::from_utf8(pair).unwrap();
    let (id, secret) = pair.split_once(':').unwrap();
    let stored = stored(&server);
    assert!(stored.contains(id), "the test looks at the wrong file");
    for hidden in [PASSWORD, secret, reply["refresh_token"].as_str().unwrap(), reply["access_token"].as_str().unwrap()]
    {
        assert!(!stored.contains(hidden));
    }
    assert!(!link.expose().is_empty());
}

fn stored(server: &Server) -> String {
    let files = std::fs::read_dir(server.directory.path()).unwrap();
    files.map(|f| String::from_utf8_lossy(&std::fs::read(f.unwrap().path()).unwrap()).into_owned()).collect()
}
