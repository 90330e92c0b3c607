//! What happens to the account between the check of its password and what follows from it.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use aws_lc_rs::encoding::AsDer;
use model::{Clock, Secret, TenantId, Timestamp};
use store::repository::{client as clients, user as users};
use store::{Database, Migration};
use testkit::{MockClock, SeededRng};

use super::SignedIn;
use crate::{ClientOrigin, Identity, IdentitySettings, NewClient, NewTenant, NewUser, TenantOwner, TokenKeys};

const PASSWORD: &str = "correct horse battery";
static KEY: OnceLock<Vec<u8>> = OnceLock::new();

fn key() -> jose::SigningKey {
    let der = KEY.get_or_init(|| {
        let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
        der.as_ref().to_vec()
    });
    jose::SigningKey::from_pkcs8(der).unwrap()
}

fn password() -> Secret<String> {
    Secret::new(PASSWORD.to_owned())
}

/// A service with the administrators `boss` and `dev` of a tenant, and a client of `boss`.
async fn service(folder: &std::path::Path) -> (Identity, TenantId, clients::ClientRow) {
    let database = Database::open_sqlite(&folder.join("identity.db")).await.unwrap();
    let clock = Arc::new(MockClock::at(Timestamp::from_millis(1_795_288_511_042)));
    database.migrate(Migration::all(), None, clock.now()).await.unwrap();
    let settings = IdentitySettings::new("https://localhost/oauth2/token", "https://localhost");
    let keys = TokenKeys::new(&settings.issuer, key(), &[]).unwrap();
    let identity = Identity::new(database, clock, Arc::new(SeededRng::new(7)), settings, keys);
    identity.initialise().await.unwrap();
    let owner = TenantOwner {
        username: "boss".into(),
        password: password(),
        email: String::new(),
        first_name: String::new(),
        last_name: String::new(),
    };
    let tenant = identity.create_tenant(NewTenant { domain: "a.com".into(), owner }).await.unwrap().tenant.id;
    let new = NewUser { name: "dev".into(), password: password(), attributes: Default::default(), roles: vec![] };
    identity.create_user(tenant, new).await.unwrap();
    let grants = vec!["password".to_owned(), "refresh_token".to_owned()];
    let new = NewClient::new(ClientOrigin::Service, "boss", "tool", grants);
    let (client, _) = identity.create_client(tenant, new).await.unwrap();
    let mut work = identity.database.read().await.unwrap();
    let row = clients::find(&mut work, tenant, &client.id).await.unwrap().unwrap();
    (identity, tenant, row)
}

async fn signed_in(identity: &Identity) -> SignedIn {
    identity.sign_in("dev@a.com", None, &password(), None).await.unwrap().unwrap()
}

#[tokio::test]
async fn nothing_is_issued_on_the_strength_of_a_password_that_no_longer_counts() {
    for case in ["nothing", "reset", "lock", "guesses", "delete", "tenant", "client owner", "client"] {
        let folder = tempfile::tempdir().unwrap();
        let (identity, tenant, client) = service(folder.path()).await;
        let checked = signed_in(&identity).await;
        let id = checked.user.id;
        match case {
            "reset" => {
                identity.reset_password(tenant, id, &Secret::new("another good password".into())).await.unwrap();
            }
            "lock" => identity.lock_user(tenant, id).await.unwrap(),
            "guesses" => {
                let mut work = identity.database.begin().await.unwrap();
                let until = identity.now().plus(std::time::Duration::from_secs(60));
                users::lock_until(&mut work, tenant, id, until).await.unwrap();
                work.save().await.unwrap();
            }
            "delete" => identity.delete_user(tenant, id).await.unwrap(),
            "client" => identity.set_client_active(tenant, &client.id, false).await.unwrap(),
            "tenant" => identity.set_tenant_active(tenant, false).await.unwrap(),
            "client owner" => {
                let boss = identity.find_user(tenant, "boss").await.unwrap().unwrap();
                identity.grant_role(tenant, id, "admin").await.unwrap();
                identity.lock_user(tenant, boss.id).await.unwrap();
            }
            _ => {}
        }
        let issued = identity
            .user_token(&client, &checked, &BTreeSet::new(), &crate::oauth::binding::Details::default())
            .await
            .unwrap();
        assert_eq!(issued.is_some(), case == "nothing", "{case}: tokens");
        // The row was read before the password was checked; this is what follows the check.
        let finished = identity.succeed(checked.user.clone()).await.unwrap();
        assert_eq!(finished.is_some(), matches!(case, "nothing" | "client owner" | "client"), "{case}: sign-in");
        // The same when earlier failures are to be forgotten: that must not lift the lock either.
        let mut failed = checked.user;
        failed.failed_attempts = 1;
        let finished = identity.succeed(failed).await.unwrap();
        assert_eq!(
            finished.is_some(),
            matches!(case, "nothing" | "client owner" | "client"),
            "{case}: sign-in after failures"
        );
        if case == "guesses" {
            let mut work = identity.database.read().await.unwrap();
            let row = users::by_id(&mut work, tenant, id).await.unwrap().unwrap();
            assert!(row.locked_until.is_some(), "the lock was lifted");
        }
    }
}
