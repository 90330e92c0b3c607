//! A service over an empty database, for the tests of crates that show its pages.

use std::path::Path;
use std::sync::Arc;

use aws_lc_rs::encoding::AsDer as _;
use model::{Clock, Rng};
use store::{Database, Migration};
use vault::Keyring;

use crate::{Identity, IdentitySettings, TokenKeys};

/// A service with a database in a folder, and settings as `change` leaves them. Its address is `https://localhost:9443`.
///
/// # Errors
/// What went wrong.
pub async fn service(
    folder: &Path,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    change: impl FnOnce(&mut IdentitySettings),
) -> Result<Identity, Box<dyn std::error::Error + Send + Sync>> {
    let database = Database::open_sqlite(&folder.join("identity.db")).await?;
    database.migrate(Migration::all(), None, clock.now()).await?;
    let mut settings = IdentitySettings::new("https://localhost:9443/oauth2/token", "https://localhost:9443");
    change(&mut settings);
    let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048)?;
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der()?;
    let keys = TokenKeys::new(&settings.issuer, jose::SigningKey::from_pkcs8(der.as_ref())?, &[])?;
    let keyring = Arc::new(Keyring::generate(clock.now(), &*rng));
    let identity = Identity::new(database, clock, rng, settings, keys).with_keyring(keyring);
    identity.initialise().await?;
    Ok(identity)
}

/// The code that an authenticator app with this secret shows.
pub fn code_of(secret: &[u8], seconds: i64) -> String {
    crate::totp::code(secret, seconds)
}
