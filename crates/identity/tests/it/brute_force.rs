//! Guessing from many addresses at one account, and from one address at many accounts.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use identity::{Browser, SignInForm, SignInStep};
use model::{Clock as _, Secret, TenantId};

use crate::browser::{from, secret};
use crate::server::{PASSWORD, Server};

impl Server {
    async fn guess(&self, login: &str, password: &str, address: IpAddr) -> SignInStep {
        let form = SignInForm { login, password: secret(password), code: None, next: None, present: None };
        let browser = Browser { address: Some(address), agent: String::new() };
        self.identity.begin_sign_in(form, &browser).await.unwrap()
    }

    /// How many failures of an account were counted: every other guess was not looked at, or was not counted.
    async fn locks(&self, login: &str) -> bool {
        self.identity.find_user(TenantId::SUPER, login).await.unwrap().unwrap().locked_until.is_some()
    }
}

fn address(n: u32) -> IpAddr {
    IpAddr::V4(Ipv4Addr::from_bits(0xc633_6400 + n))
}

#[tokio::test]
async fn ten_thousand_guesses_from_a_hundred_addresses_at_one_account_are_contained() {
    // The product's own numbers, and hashing at full cost.
    let server = Server::limited(|_| {}).await;
    server.user("alice", &[]).await;
    server.user("bob", &[]).await;
    let (base32, codes) = server.with_factor("alice").await;
    server.clock.advance(Duration::from_secs(30));
    let begun = Instant::now();
    let checked_before = server.identity.passwords_checked();
    for round in 0..100 {
        for from in 0..100 {
            let answer = server.guess("alice", &format!("guess number {round} {from}"), address(from)).await;
            assert!(matches!(answer, SignInStep::Refused));
        }
    }
    let looked_at = server.identity.passwords_checked() - checked_before;
    println!(
        "10,000 guesses from 100 addresses: {looked_at} passwords hashed, {:.1} s; account locked: {}",
        begun.elapsed().as_secs_f64(),
        server.locks("alice").await
    );
    assert!(server.locks("alice").await, "the account is locked after five of them");
    assert!(looked_at <= 1100, "1,000 failures, and then at most five for each address");
    // The right password alone does not help whoever guesses it now.
    assert!(matches!(server.guess("alice", PASSWORD, address(200)).await, SignInStep::Refused));
    // The owner gets in with both factors, again and again, also with a recovery code.
    for _ in 0..3 {
        let code = server.next_code(&base32);
        assert!(matches!(server.begin("alice", PASSWORD, Some(code)).await, SignInStep::Done(_)));
    }
    assert!(matches!(server.begin("alice", PASSWORD, Some(codes[0].clone())).await, SignInStep::Done(_)));
    assert!(matches!(
        server.begin("alice", "wrong password", Some(server.next_code(&base32))).await,
        SignInStep::Refused
    ));
    assert!(server.locks("alice").await, "which does not open the account for the guesser");
    // Others do not notice.
    assert!(matches!(server.guess("bob", PASSWORD, address(201)).await, SignInStep::Done(_)));
}

#[tokio::test]
async fn one_address_at_ten_thousand_accounts_gets_its_budget_and_no_more() {
    let server = Server::limited(|_| {}).await;
    for n in 0..5 {
        server.user(&format!("user{n}"), &[]).await;
    }
    let guesser: IpAddr = "198.51.100.9".parse().unwrap();
    let begun = Instant::now();
    let checked_before = server.identity.passwords_checked();
    for n in 0..10_000 {
        let answer = server.guess(&format!("user{n}"), "Password from a leak", guesser).await;
        assert!(matches!(answer, SignInStep::Refused));
    }
    let looked_at = server.identity.passwords_checked() - checked_before;
    println!("10,000 accounts from one address: {looked_at} passwords hashed, {:.1} s", begun.elapsed().as_secs_f64());
    assert_eq!(looked_at, 100, "the budget");
    assert!(
        matches!(server.guess("user0", PASSWORD, guesser).await, SignInStep::Refused),
        "even with a right password"
    );
    assert!(matches!(server.guess("user0", PASSWORD, address(1)).await, SignInStep::Done(_)), "others do not notice");
    // A restart does not forget the address: another service over the same database refuses it too.
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut work = server.database().await.read().await.unwrap();
        let now = server.clock.now();
        if !store::repository::sign_in::locked_addresses(&mut work, now, 10).await.unwrap().is_empty() {
            break;
        }
    }
    server.identity.initialise().await.unwrap();
    let again = server.restarted().await;
    assert!(matches!(again.guess("user0", PASSWORD, guesser).await, SignInStep::Refused), "after a restart");
    server.clock.advance(Duration::from_secs(5 * 60));
    assert!(matches!(server.guess("user0", PASSWORD, guesser).await, SignInStep::Done(_)), "five minutes later");
}

#[tokio::test]
async fn known_and_unknown_users_get_the_same_answer_in_the_same_time() {
    let server = Server::limited(|settings| settings.address_budget = 100_000).await;
    server.user("alice", &[]).await;
    server.user("locked", &[]).await;
    server.user("factor", &[]).await;
    server.with_factor("factor").await;
    let locked = server.identity.find_user(TenantId::SUPER, "locked").await.unwrap().unwrap();
    server.identity.lock_user(TenantId::SUPER, locked.id).await.unwrap();
    let mut times = std::collections::BTreeMap::new();
    for round in 0..30_u32 {
        for (name, password) in [
            ("alice", "wrong password"),
            ("nobody", "wrong password"),
            ("locked", PASSWORD),
            ("factor", "wrong password"),
        ] {
            let before = Instant::now();
            let answer = server.guess(name, password, address(round)).await;
            let took = before.elapsed();
            assert!(matches!(answer, SignInStep::Refused), "{name}");
            times.entry(name).or_insert_with(Vec::new).push(took);
            server.settle().await;
        }
    }
    let medians: Vec<_> = times
        .into_iter()
        .map(|(name, mut found)| {
            found.sort();
            (name, found[found.len() / 2])
        })
        .collect();
    println!("median time of a refusal: {medians:?}");
    let (least, most) = (medians.iter().map(|m| m.1).min().unwrap(), medians.iter().map(|m| m.1).max().unwrap());
    assert!(most < least * 2, "{medians:?}");
}

#[tokio::test]
async fn guessing_does_not_become_free_when_failures_cannot_be_stored() {
    let server = Server::limited(|_| {}).await;
    let user = server.user("alice", &[]).await;
    // Every write to this account fails from here on.
    server
        .sql("CREATE TRIGGER broken BEFORE UPDATE ON user_account BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
        .await;
    assert!(matches!(server.guess("alice", "wrong password", address(1)).await, SignInStep::Refused));
    server.settle().await;
    assert!(matches!(server.guess("alice", PASSWORD, address(2)).await, SignInStep::Refused), "held");
    server.sql("DROP TRIGGER broken").await;
    server.clock.advance(Duration::from_secs(5 * 60));
    assert!(matches!(server.guess("alice", PASSWORD, address(2)).await, SignInStep::Done(_)));
    assert!(server.identity.user(TenantId::SUPER, user.id).await.unwrap().locked_until.is_none());
}

#[tokio::test]
async fn forms_with_a_code_do_not_tell_which_part_was_wrong() {
    let server = Server::with_admin().await;
    server.user("alice", &[]).await;
    let (base32, _) = server.with_factor("alice").await;
    let code = server.next_code(&base32);
    for (name, password, code) in [
        ("alice", PASSWORD, secret("000000")),
        ("alice", "wrong password", code.clone()),
        ("alice", "wrong password", secret("000000")),
        ("nobody", PASSWORD, code.clone()),
        ("alice", "", code.clone()),
        ("", "", secret("")),
    ] {
        let form = SignInForm { login: name, password: secret(password), code: Some(code), next: None, present: None };
        let answer = server.identity.begin_sign_in(form, &from("192.0.2.9")).await.unwrap();
        assert!(matches!(answer, SignInStep::Refused), "{name} {password}");
    }
    server.settle().await;
    let code: Secret<String> = server.app_code(&base32);
    assert!(matches!(server.begin("alice", PASSWORD, Some(code)).await, SignInStep::Done(_)));
}
