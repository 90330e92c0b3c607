//! An authorisation server in memory that keeps secrets as a real one does: by value, never to be listed.

use std::collections::BTreeMap;
use std::sync::Mutex;

use control::{
    Client, ClientSecret, ClientSettings, IssuedToken, KeyManager, KeyManagerError, NewClient, TokenRequest,
};
use model::{ConsumerKey, Secret, TenantId, Timestamp};
use web::BoxFuture;

#[derive(Clone)]
struct Known {
    tenant: TenantId,
    owner: String,
    settings: ClientSettings,
    secrets: Vec<(String, String)>,
}

#[derive(Default)]
pub(crate) struct FakeKeys {
    clients: Mutex<BTreeMap<String, Known>>,
    count: Mutex<u32>,
}

type Answer<'a, T> = BoxFuture<'a, Result<T, KeyManagerError>>;

impl FakeKeys {
    fn fresh(&self, what: &str) -> String {
        let mut count = self.count.lock().unwrap();
        *count += 1;
        format!("{what}-{count}-value")
    }

    /// Client ids that exist.
    pub(crate) fn ids(&self) -> Vec<String> {
        self.clients.lock().unwrap().keys().cloned().collect()
    }

    pub(crate) fn owner_of(&self, id: &str) -> String {
        self.clients.lock().unwrap()[id].owner.clone()
    }

    /// A client made without an application, as dynamic registration makes them.
    pub(crate) fn register(&self, id: &str, secret: &str) {
        let known = Known {
            tenant: TenantId::SUPER,
            owner: "susi".into(),
            settings: ClientSettings::default(),
            secrets: vec![("first".into(), secret.into())],
        };
        self.clients.lock().unwrap().insert(id.into(), known);
    }

    fn with<T>(
        &self,
        tenant: TenantId,
        key: &ConsumerKey,
        act: impl FnOnce(&mut Known) -> T,
    ) -> Result<T, KeyManagerError> {
        let mut clients = self.clients.lock().unwrap();
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

impl KeyManager for FakeKeys {
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
        self.clients.lock().unwrap().insert(key.as_str().to_owned(), known);
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
        self.clients.lock().unwrap().remove(key.as_str());
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
