//! First boot: the one-time link.

use std::time::Duration;

use identity::{IdentityError, PasswordFault};
use model::Secret;

use crate::server::{PASSWORD, Server, basic};

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

#[tokio::test]
async fn the_link_makes_the_first_administrator_once() {
    let server = Server::empty().await;
    assert!(server.identity.needs_setup().await.unwrap());
    let link = server.identity.create_setup_link().await.unwrap();
    assert!(link.expose().len() >= 43);
    assert!(server.identity.check_setup_link(&link).await.unwrap());
    let user = server.identity.complete_setup(&link, "root.admin", secret(PASSWORD)).await.unwrap();
    assert!(user.role_names().contains("admin") && user.role_names().contains("Internal/everyone"));
    assert!(!server.identity.needs_setup().await.unwrap());
    assert!(!server.identity.check_setup_link(&link).await.unwrap());
    let again = server.identity.complete_setup(&link, "second", secret(PASSWORD)).await;
    assert!(matches!(again, Err(IdentityError::SetupLink)));
    assert!(matches!(server.identity.create_setup_link().await, Err(IdentityError::Conflict(_))));
    let reply = server.call("GET", "/scim2/Users", &basic("root.admin", PASSWORD), None).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["totalResults"], 1);
}

#[tokio::test]
async fn a_new_link_replaces_the_older_and_both_end_after_a_day() {
    let server = Server::empty().await;
    let first = server.identity.create_setup_link().await.unwrap();
    let second = server.identity.create_setup_link().await.unwrap();
    assert!(matches!(
        server.identity.complete_setup(&first, "boss", secret(PASSWORD)).await,
        Err(IdentityError::SetupLink)
    ));
    server.clock.advance(Duration::from_hours(24));
    assert!(!server.identity.setup_link_waits().await.unwrap());
    assert!(matches!(
        server.identity.complete_setup(&second, "boss", secret(PASSWORD)).await,
        Err(IdentityError::SetupLink)
    ));
    assert!(server.identity.needs_setup().await.unwrap());
}

#[tokio::test]
async fn a_refused_password_leaves_the_link_usable() {
    let server = Server::empty().await;
    let link = server.identity.create_setup_link().await.unwrap();
    for (name, password, fault) in [
        ("admin", "admin", PasswordFault::IsName),
        ("admin", "wso2carbon", PasswordFault::TooShort),
        ("admin", "password12345", PasswordFault::Common),
    ] {
        let refused = server.identity.complete_setup(&link, name, secret(password)).await;
        assert!(matches!(refused, Err(IdentityError::Password(f)) if f == fault), "{password}");
    }
    assert!(server.identity.complete_setup(&link, "a b", secret(PASSWORD)).await.is_err());
    assert!(server.identity.complete_setup(&link, "admin", secret(PASSWORD)).await.is_ok());
}

#[tokio::test]
async fn of_two_people_with_the_link_one_wins() {
    let server = Server::empty().await;
    let link = server.identity.create_setup_link().await.unwrap();
    let (a, b) = tokio::join!(
        server.identity.complete_setup(&link, "one", secret(PASSWORD)),
        server.identity.complete_setup(&link, "two", secret(PASSWORD)),
    );
    assert!(a.is_ok() ^ b.is_ok());
    let (users, total) = server.identity.users(model::TenantId::SUPER, 0, 10).await.unwrap();
    assert_eq!((users.len(), total), (1, 1));
}

#[tokio::test]
async fn a_guessed_link_is_refused_before_any_password_is_hashed() {
    let server = Server::empty().await;
    server.identity.create_setup_link().await.unwrap();
    let refused = server.identity.complete_setup(&secret("guess"), "boss", secret("short")).await;
    assert!(matches!(refused, Err(IdentityError::SetupLink)), "the password was looked at first");
}
