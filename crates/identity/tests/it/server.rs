//! A service with one administrator, and requests to it.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aws_lc_rs::encoding::AsDer;
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use axum::response::IntoResponse;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt;
use identity::{Identity, IdentitySettings, NewTenant, NewUser, TenantOwner, TokenKeys, User};
use model::{Secret, TenantId, Timestamp};
use serde_json::{Value, json};
use store::{Database, Migration};
use testkit::{MockClock, SeededRng};
use tower::ServiceExt;

pub(crate) const ISSUER: &str = "https://localhost:9443/oauth2/token";
pub(crate) const PASSWORD: &str = "correct horse battery";
pub(crate) const TENANT: &str = "tenant1.com";

static DATABASES: AtomicU32 = AtomicU32::new(0);
static SIGNING_KEY: OnceLock<Vec<u8>> = OnceLock::new();

pub(crate) fn new_key() -> Vec<u8> {
    let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
    der.as_ref().to_vec()
}

pub(crate) fn signing_key() -> jose::SigningKey {
    jose::SigningKey::from_pkcs8(signing_der()).unwrap()
}

/// The key of [`signing_key`], for those who forge with it.
pub(crate) fn signing_der() -> &'static [u8] {
    SIGNING_KEY.get_or_init(new_key)
}

pub(crate) struct Server {
    pub(crate) identity: Arc<Identity>,
    pub(crate) clock: Arc<MockClock>,
    pub(crate) directory: tempfile::TempDir,
    router: Router,
    /// Kept so that a server which the tests started lives as long as they need it.
    #[expect(dead_code, reason = "held for its Drop")]
    postgres: Option<testkit::postgres::Postgres>,
}

pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: axum::http::HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub(crate) fn field(&self, name: &str) -> String {
        self.json()[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.text)).to_owned()
    }
}

pub(crate) fn basic(name: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{password}")))
}

pub(crate) fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

impl Server {
    /// Nobody there yet.
    pub(crate) async fn empty() -> Self {
        Self::limited(|_| {}).await
    }

    /// Nobody there yet, with other settings.
    pub(crate) async fn limited(settings: impl FnOnce(&mut IdentitySettings)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::open_sqlite(&directory.path().join("identity.db")).await.unwrap();
        Self::over(database, directory, settings).await
    }

    /// Nobody there yet, with directories as user stores.
    pub(crate) async fn with_directories(stores: Vec<identity::DirectoryStore>) -> Self {
        Self::empty().await.with(|identity| identity.with_directories(stores))
    }

    /// The same server with a service that has something more.
    pub(crate) fn with(self, change: impl FnOnce(Identity) -> Identity) -> Self {
        let identity = Arc::new(change((*self.identity).clone()));
        let router = Identity::routes().into_router(Arc::clone(&identity), Arc::clone(&identity) as _);
        Self { identity, router, ..self }
    }

    /// What the service's database holds, looked at from outside.
    pub(crate) async fn database(&self) -> Database {
        Database::open_sqlite(&self.directory.path().join("identity.db")).await.unwrap()
    }

    /// Nobody there yet, on a fresh PostgreSQL database; `None` when the environment offers no PostgreSQL.
    pub(crate) async fn on_postgres() -> Option<Self> {
        let server = testkit::postgres::from_environment().unwrap()?;
        let name = format!("identity_{}_{}", std::process::id(), DATABASES.fetch_add(1, Ordering::Relaxed));
        server.sql("postgres", &format!("CREATE DATABASE {name}")).unwrap();
        let url = server.url(&name);
        let user = url.trim_start_matches("postgresql://").split('@').next().unwrap();
        let (username, password) = user.split_once(':').map_or((user, None), |(u, p)| (u, Some(p)));
        let settings = store::PostgresSettings {
            host: "127.0.0.1".into(),
            port: server.port(),
            database: name,
            username: username.into(),
            password: password.map(|p| Secret::new(p.to_owned())),
            ca_file: None,
            max_connections: 8,
            acquire_timeout: Duration::from_secs(10),
        };
        let database = Database::connect_postgres(&settings).await.unwrap();
        Some(Self { postgres: Some(server), ..Self::over(database, tempfile::tempdir().unwrap(), |_| {}).await })
    }

    async fn over(
        database: Database,
        directory: tempfile::TempDir,
        change: impl FnOnce(&mut IdentitySettings),
    ) -> Self {
        let clock = Arc::new(MockClock::at(Timestamp::from_millis(1_795_288_511_042)));
        database.migrate(Migration::all(), None, model::Clock::now(&*clock)).await.unwrap();
        let mut settings = IdentitySettings::new(ISSUER, "https://localhost:9443");
        settings.password_grant = true;
        // One at a time: the count of failures is then exact.
        settings.parallel_hashes = 1;
        change(&mut settings);
        let keys = TokenKeys::new(ISSUER, signing_key(), &[]).unwrap();
        let rng = Arc::new(SeededRng::new(7));
        let keyring = Arc::new(vault::Keyring::generate(model::Clock::now(&*clock), &*rng));
        let identity = Identity::new(database, Arc::clone(&clock) as _, rng, settings, keys).with_keyring(keyring);
        let identity = Arc::new(identity);
        identity.initialise().await.unwrap();
        let router = Identity::routes().into_router(Arc::clone(&identity), Arc::clone(&identity) as _);
        Self { identity, clock, directory, router, postgres: None }
    }

    /// Another process over the same database, with what this one had in memory gone.
    pub(crate) async fn restarted(&self) -> Self {
        Self::over(self.database().await, tempfile::tempdir().unwrap(), |_| {}).await
    }

    /// Changes the database behind the service's back.
    pub(crate) async fn sql(&self, statement: &'static str) {
        let mut work = self.database().await.begin().await.unwrap();
        work.execute(statement, []).await.unwrap();
        work.save().await.unwrap();
    }

    /// With the administrator `admin` of the super tenant.
    pub(crate) async fn with_admin() -> Self {
        let server = Self::empty().await;
        server.user("admin", &["admin"]).await;
        server
    }

    /// Also with a tenant and its administrator `admin`.
    pub(crate) async fn with_tenant() -> Self {
        let server = Self::with_admin().await;
        let owner = TenantOwner {
            username: "admin".into(),
            password: Secret::new(PASSWORD.into()),
            email: "admin@tenant1.com".into(),
            first_name: "First".into(),
            last_name: "Tenant".into(),
        };
        server.identity.create_tenant(NewTenant { domain: TENANT.into(), owner }).await.unwrap();
        server
    }

    pub(crate) async fn tenant_id(&self) -> TenantId {
        self.identity.find_tenant(TENANT).await.unwrap().unwrap().tenant.id
    }

    pub(crate) async fn user(&self, name: &str, roles: &[&str]) -> User {
        self.user_in(TenantId::SUPER, name, roles).await
    }

    pub(crate) async fn user_in(&self, tenant: TenantId, name: &str, roles: &[&str]) -> User {
        let new = NewUser {
            name: name.into(),
            password: Secret::new(PASSWORD.into()),
            attributes: serde_json::Map::new(),
            roles: roles.iter().map(|r| (*r).to_owned()).collect(),
        };
        self.identity.create_user(tenant, new).await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        self.send_from("192.0.2.1".parse().unwrap(), request).await
    }

    pub(crate) async fn send_from(&self, address: IpAddr, mut request: Request<Body>) -> Reply {
        request.extensions_mut().insert(web::PeerAddress(SocketAddr::new(address, 40_000)));
        let response = match web::tenant_paths(&mut request) {
            Ok(()) => self.router.clone().oneshot(request).await.unwrap(),
            Err(error) => error.into_response(),
        };
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Reply { status: parts.status, headers: parts.headers, text }
    }

    pub(crate) async fn call(&self, method: &str, path: &str, authorization: &str, body: Option<Value>) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if !authorization.is_empty() {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let body = match body {
            None => Body::empty(),
            Some(value) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(value.to_string())
            }
        };
        self.send(request.body(body).unwrap()).await
    }

    pub(crate) async fn form(&self, path: &str, authorization: &str, form: &str) -> Reply {
        let mut request = Request::builder()
            .method("POST")
            .uri(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if !authorization.is_empty() {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        self.send(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    /// Registers a client as the user; the authorization of the client.
    pub(crate) async fn client(&self, user: &str) -> String {
        let body = json!({
            "callbackUrl": "test.com", "clientName": "integration_test_app", "saasApp": true, "owner": user,
            "grantType": "client_credentials password refresh_token",
        });
        let path = "/client-registration/v0.17/register";
        let reply = self.call("POST", path, &basic(user, PASSWORD), Some(body)).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        basic(&reply.field("clientId"), &reply.field("clientSecret"))
    }

    /// The answer of the token endpoint to a password grant.
    pub(crate) async fn password_grant(&self, client: &str, user: &str, scope: &str) -> Reply {
        let (user, scope) = (user.replace('@', "%40").replace('/', "%2F"), scope.replace(' ', "+"));
        let password = PASSWORD.replace(' ', "+");
        let form = format!("grant_type=password&username={user}&password={password}&scope={scope}");
        self.form("/oauth2/token", client, &form).await
    }

    /// Lets the writes that follow an answer finish, and moves on by a second.
    pub(crate) async fn settle(&self) {
        // The turn to hash is held until a failure is counted; whoever gets it next comes after.
        let nobody = basic("nobody-at-all", "no password at all");
        let address = "198.51.100.77".parse().unwrap();
        let request = Request::builder().uri("/scim2/Users").header(header::AUTHORIZATION, nobody);
        self.send_from(address, request.body(Body::empty()).unwrap()).await;
        self.clock.advance(Duration::from_secs(1));
    }
}
