//! A control plane without a gateway and a vault, for the tests of crates that show its pages.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::snapshot::{Delta, Snapshot};
use model::{ApplicationId, Clock, ConsumerKey, Rng, Secret, TenantId, Timestamp};
use store::{Database, StoreError};
use web::{BoxFuture, Egress};

use crate::{
    Client, ClientSecret, ClientSettings, Control, ControlSettings, GatewayPublisher, IssuedToken, KeyManager,
    KeyManagerError, NewClient, Ports, PublishError, Sealer, TokenRequest,
};

/// A control plane over the database that `identity::for_tests` made in a folder, with a gateway that takes everything.
///
/// # Errors
/// When the database cannot be opened.
pub async fn service(
    folder: &Path,
    (clock, rng): (Arc<dyn Clock>, Arc<dyn Rng>),
    egress: Egress,
    settings: ControlSettings,
) -> Result<Control, StoreError> {
    let database = Database::open_sqlite(&folder.join("identity.db")).await?;
    let ports = Ports {
        gateway: Arc::new(WillingGateway),
        key_manager: Arc::new(MemoryKeys::default()),
        sealer: Arc::new(MarkingSealer),
    };
    Ok(Control::new(database, clock, rng, egress, ports, settings))
}

/// Takes every snapshot and serves nothing.
struct WillingGateway;

impl GatewayPublisher for WillingGateway {
    fn check(&self, _: Snapshot) -> BoxFuture<'_, Result<(), Vec<String>>> {
        Box::pin(async { Ok(()) })
    }

    fn publish(&self, _: Snapshot) -> BoxFuture<'_, Result<(), PublishError>> {
        Box::pin(async { Ok(()) })
    }

    fn change(&self, _: Delta) -> BoxFuture<'_, Result<(), PublishError>> {
        Box::pin(async { Ok(()) })
    }

    fn reset_application(&self, _: ApplicationId, _: &str) {}
}

/// Shows in tests what was sealed and for which place; turns the text around so that it is not found in clear.
pub struct MarkingSealer;

impl Sealer for MarkingSealer {
    fn seal(&self, plain: &[u8], context: &str) -> Result<String, String> {
        let turned: String = String::from_utf8_lossy(plain).chars().rev().collect();
        Ok(format!("sealed({context}){turned}"))
    }

    fn open(&self, sealed: &str, context: &str) -> Result<Secret<Vec<u8>>, String> {
        let prefix = format!("sealed({context})");
        let turned = sealed.strip_prefix(&prefix).ok_or("sealed for another place")?;
        Ok(Secret::new(turned.chars().rev().collect::<String>().into_bytes()))
    }
}

#[derive(Clone)]
struct Known {
    tenant: TenantId,
    owner: String,
    settings: ClientSettings,
    secrets: Vec<(String, String)>,
}

/// An authorisation server in memory that keeps secrets as a real one does: by value, never to be listed.
#[derive(Default)]
pub struct MemoryKeys {
    clients: Mutex<BTreeMap<String, Known>>,
    count: Mutex<u32>,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

type Answer<'a, T> = BoxFuture<'a, Result<T, KeyManagerError>>;

impl MemoryKeys {
    fn fresh(&self, what: &str) -> String {
        let mut count = held(&self.count);
        *count = count.saturating_add(1);
        format!("{what}-{count}-value")
    }

    /// Client ids that exist.
    pub fn ids(&self) -> Vec<String> {
        held(&self.clients).keys().cloned().collect()
    }

    /// Whose client it is; empty when there is none.
    pub fn owner_of(&self, id: &str) -> String {
        held(&self.clients).get(id).map(|known| known.owner.clone()).unwrap_or_default()
    }

    /// A client made without an application, as dynamic registration makes them.
    pub fn register(&self, id: &str, secret: &str) {
        let known = Known {
            tenant: TenantId::SUPER,
            owner: "susi".into(),
            settings: ClientSettings::default(),
            secrets: vec![("first".into(), secret.into())],
        };
        held(&self.clients).insert(id.into(), known);
    }

    fn with<T>(
        &self,
        tenant: TenantId,
        key: &ConsumerKey,
        act: impl FnOnce(&mut Known) -> T,
    ) -> Result<T, KeyManagerError> {
        let mut clients = held(&self.clients);
        let known = clients.get_mut(key.as_str()).filter(|known| known.tenant == tenant);
        known.map(act).ok_or(KeyManagerError::UnknownClient)
    }
}

fn client(key: &ConsumerKey, known: &Known) -> Client {
    Client { consumer_key: key.clone(), owner: known.owner.clone(), settings: known.settings.clone() }
}

fn info(id: &str) -> ClientSecret {
    ClientSecret { id: id.to_owned(), description: None, created: Timestamp::from_seconds(1), expires: None }
}

impl KeyManager for MemoryKeys {
    fn create_client(&self, request: NewClient) -> Answer<'_, (Client, Option<Secret<String>>)> {
        let key = ConsumerKey::new(self.fresh("client"));
        let secret = self.fresh("secret");
        let known = Known {
            tenant: request.tenant,
            owner: request.owner,
            settings: request.settings,
            secrets: vec![("first".into(), secret.clone())],
        };
        let made = client(&key, &known);
        held(&self.clients).insert(key.as_str().to_owned(), known);
        Box::pin(async move { Ok((made, Some(Secret::new(secret)))) })
    }

    fn find_client<'a>(&'a self, tenant: TenantId, key: &'a ConsumerKey) -> Answer<'a, Option<Client>> {
        let found = self.with(tenant, key, |known| client(key, known)).ok();
        Box::pin(async move { Ok(found) })
    }

    fn update_client<'a>(
        &'a self,
        tenant: TenantId,
        key: &'a ConsumerKey,
        settings: ClientSettings,
    ) -> Answer<'a, Client> {
        let done = self.with(tenant, key, |known| {
            known.settings = settings;
            client(key, known)
        });
        Box::pin(async move { done })
    }

    fn change_owner<'a>(&'a self, tenant: TenantId, key: &'a ConsumerKey, owner: &'a str) -> Answer<'a, ()> {
        let done = self.with(tenant, key, |known| known.owner = owner.to_owned());
        Box::pin(async move { done })
    }

    fn delete_client<'a>(&'a self, _: TenantId, key: &'a ConsumerKey) -> Answer<'a, ()> {
        held(&self.clients).remove(key.as_str());
        Box::pin(async { Ok(()) })
    }

    fn regenerate_secret<'a>(&'a self, tenant: TenantId, key: &'a ConsumerKey) -> Answer<'a, Secret<String>> {
        let secret = self.fresh("secret");
        let done = self.with(tenant, key, |known| known.secrets = vec![("next".into(), secret.clone())]);
        Box::pin(async move { done.map(|()| Secret::new(secret)) })
    }

    fn add_secret<'a>(
        &'a self,
        tenant: TenantId,
        key: &'a ConsumerKey,
        description: Option<String>,
        expires: Option<Timestamp>,
    ) -> Answer<'a, (ClientSecret, Secret<String>)> {
        let (id, secret) = (self.fresh("id"), self.fresh("secret"));
        let done = self.with(tenant, key, |known| known.secrets.push((id.clone(), secret.clone())));
        let made = ClientSecret { id, description, created: Timestamp::from_seconds(2), expires };
        Box::pin(async move { done.map(|()| (made, Secret::new(secret))) })
    }

    fn secrets<'a>(&'a self, tenant: TenantId, key: &'a ConsumerKey) -> Answer<'a, Vec<ClientSecret>> {
        let list = self.with(tenant, key, |known| known.secrets.iter().map(|(id, _)| info(id)).collect());
        Box::pin(async move { list })
    }

    fn revoke_secret<'a>(&'a self, tenant: TenantId, key: &'a ConsumerKey, id: &'a str) -> Answer<'a, bool> {
        let done = self.with(tenant, key, |known| {
            let before = known.secrets.len();
            known.secrets.retain(|(known, _)| known != id);
            known.secrets.len() < before
        });
        Box::pin(async move { done })
    }

    fn verify_secret<'a>(
        &'a self,
        tenant: TenantId,
        key: &'a ConsumerKey,
        secret: &'a Secret<String>,
    ) -> Answer<'a, bool> {
        let right = self.with(tenant, key, |known| known.secrets.iter().any(|(_, value)| value == secret.expose()));
        Box::pin(async move { right })
    }

    fn issue_token(&self, request: TokenRequest) -> Answer<'_, IssuedToken> {
        let right = self.with(request.tenant, &request.consumer_key, |known| {
            request.secret.as_ref().is_none_or(|secret| known.secrets.iter().any(|(_, value)| value == secret.expose()))
        });
        let token = self.fresh("token");
        Box::pin(async move {
            if !right? {
                return Err(KeyManagerError::WrongSecret);
            }
            Ok(IssuedToken {
                access_token: Secret::new(token),
                scopes: request.scopes,
                validity_seconds: request.validity_seconds.unwrap_or(3600),
            })
        })
    }
}
