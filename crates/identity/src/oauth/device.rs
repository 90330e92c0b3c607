//! The device flow (RFC 8628): a code on one screen, typed at another.

use std::collections::BTreeSet;
use std::time::Duration;

use model::Secret;
use serde::{Deserialize, Serialize};
use store::repository::client as clients;
use store::repository::oauth::{self as rows, DeviceRow};

use super::binding::Details;
use super::client_auth::ProvenClient;
use super::error::OAuthError;
use super::form::Form;
use crate::{Identity, IdentityError, Session, hash, scope};

/// How long a device waits.
const LIFETIME: Duration = Duration::from_mins(10);
/// Seconds between two polls.
const INTERVAL: i64 = 5;
/// Letters of user codes: no vowels, so no words, and nothing that looks like a digit (RFC 8628 section 6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
/// Letters of a user code: 34 bits, good for ten minutes and for people who are signed in.
const CODE_LETTERS: usize = 8;
/// The device grant.
pub(crate) const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What a device asked for.
#[derive(Serialize, Deserialize)]
pub(crate) struct DeviceRequest {
    pub(crate) scopes: BTreeSet<String>,
    pub(crate) resource: Vec<String>,
}

/// Codes for a device.
pub(crate) struct DeviceCodes {
    pub(crate) device_code: Secret<String>,
    pub(crate) user_code: String,
    pub(crate) expires_in: u64,
    pub(crate) interval: i64,
}

/// A device that waits for the person's decision.
#[derive(Clone, Debug)]
pub struct WaitingDevice {
    /// Name of the client.
    pub client: String,
    /// Scopes asked for.
    pub scopes: Vec<String>,
    /// Who is signed in.
    pub person: String,
    /// Domain of their tenant.
    pub tenant: String,
}

/// What people type: letters in any case, with or without the dash.
fn normalised(user_code: &str) -> String {
    user_code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).take(32).collect()
}

impl Identity {
    fn new_user_code(&self) -> String {
        let mut code = String::with_capacity(CODE_LETTERS);
        while code.len() < CODE_LETTERS {
            let mut byte = [0_u8];
            self.rng.fill(&mut byte);
            let [byte] = byte;
            // 240 is the largest multiple of 20 in a byte: every letter is as likely as any other.
            if byte < 240
                && let Some(letter) = LETTERS.get(usize::from(byte % 20))
            {
                code.push(char::from(*letter));
            }
        }
        code
    }

    /// Starts the flow for a client.
    pub(crate) async fn start_device(&self, client: &ProvenClient, form: &Form) -> Result<DeviceCodes, OAuthError> {
        if !client.row.grants.iter().any(|g| g == DEVICE_GRANT) {
            let text = "The client is not registered for the device grant.";
            return Err(OAuthError::bad("unauthorized_client", text));
        }
        let scopes = scope::parse(form.get("scope").unwrap_or_default())
            .map_err(|text| OAuthError::bad("invalid_scope", text))?;
        let request = DeviceRequest { scopes, resource: form.resources()? };
        let (device_code, user_code) = (hash::new_expiring(&*self.rng, self.now()), self.new_user_code());
        let now = self.now();
        let row = DeviceRow {
            hash: hash::key_of(device_code.expose()),
            user_code_hash: hash::sha256(&user_code),
            client: client.row.id.clone(),
            request: serde_json::to_value(&request).map_err(|e| IdentityError::Internal(e.to_string()))?,
            state: "waiting".to_owned(),
            user: None,
            details: Details::default().to_stored(),
            interval: INTERVAL,
            polled_at: None,
            created_at: now,
            expires_at: now.plus(LIFETIME),
        };
        let mut work = self.database.begin().await?;
        rows::insert_device(&mut work, &row).await?;
        work.save().await?;
        let user_code = match user_code.split_at_checked(4) {
            Some((first, second)) => format!("{first}-{second}"),
            None => user_code,
        };
        Ok(DeviceCodes { device_code, user_code, expires_in: LIFETIME.as_secs(), interval: INTERVAL })
    }

    /// The device that waits under a code which the person typed, if it may be theirs. A wrong guess counts against the
    /// browser's address like a wrong password.
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn waiting_device(
        &self,
        user_code: &str,
        session: &Session,
        address: Option<std::net::IpAddr>,
    ) -> Result<Option<WaitingDevice>, IdentityError> {
        if self.addresses.is_exhausted(address, self.now()) {
            return Ok(None);
        }
        let mut work = self.database.read().await?;
        let found = self.find_device(&mut work, user_code, session).await?;
        if found.is_none() {
            self.count_address(address);
        }
        Ok(found.map(|(_, device)| device))
    }

    async fn find_device(
        &self,
        work: &mut store::UnitOfWork,
        user_code: &str,
        session: &Session,
    ) -> Result<Option<(DeviceRow, WaitingDevice)>, IdentityError> {
        let digest = hash::sha256(&normalised(user_code));
        let Some(row) = rows::find_waiting_device(work, &digest, self.now()).await? else { return Ok(None) };
        let client = clients::find_anywhere(work, &row.client).await?.filter(|c| c.active);
        let client = client.filter(|c| c.saas || c.tenant == session.tenant.id);
        let Some(client) = client else { return Ok(None) };
        let request: DeviceRequest =
            serde_json::from_value(row.request.clone()).map_err(|e| IdentityError::Internal(e.to_string()))?;
        let device = WaitingDevice {
            client: client.name,
            scopes: request.scopes.into_iter().collect(),
            person: session.name.clone(),
            tenant: session.tenant.domain.to_string(),
        };
        Ok(Some((row, device)))
    }

    /// The person's decision; `false` when no such device waits for them any more. A wrong guess counts as in
    /// [`Identity::waiting_device`].
    ///
    /// # Errors
    /// [`IdentityError::Store`].
    pub async fn decide_device(
        &self,
        user_code: &str,
        session: &Session,
        approved: bool,
        address: Option<std::net::IpAddr>,
    ) -> Result<bool, IdentityError> {
        if self.addresses.is_exhausted(address, self.now()) {
            return Ok(false);
        }
        let mut work = self.database.begin().await?;
        let Some((row, _)) = self.find_device(&mut work, user_code, session).await? else {
            self.count_address(address);
            return Ok(false);
        };
        let details = Details {
            auth_time: Some(session.authenticated_at.seconds()),
            amr: session.amr().into_iter().map(str::to_owned).collect(),
            session: Some(session.id.clone()),
            ..Details::default()
        };
        let state = if approved { "approved" } else { "denied" };
        let user = (session.tenant.id, session.user);
        let decided = rows::decide_device(&mut work, &row.hash, state, user, &details.to_stored()).await?;
        let action = if approved { "identity.devices.approve" } else { "identity.devices.deny" };
        let by = self.on_behalf_of(&session.display_name());
        by.record(&mut work, session.tenant.id, action, &format!("client/{}", row.client)).await?;
        work.save().await?;
        Ok(decided)
    }
}

#[cfg(test)]
mod tests {
    use super::normalised;

    #[test]
    fn people_may_type_a_code_as_they_like() {
        for typed in ["BCDF-GHJK", "bcdfghjk", " bcdf ghjk\t", "b-c-d-f-g-h-j-k"] {
            assert_eq!(normalised(typed), "BCDFGHJK");
        }
        assert!(normalised(&"B".repeat(1000)).len() <= 32);
    }
}
