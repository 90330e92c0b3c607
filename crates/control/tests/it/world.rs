//! A control plane in a temporary directory with a fake sign-in, a recording gateway and a vault that only marks.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use control::for_tests::MarkingSealer;
use control::{
    Client, ClientSecret, ClientSettings, Control, ControlSettings, GatewayPublisher, IssuedToken, KeyManager,
    KeyManagerError, NewClient, Ports, PublishError, TokenRequest,
};
use http::{Request, StatusCode};
use http_body_util::BodyExt;
use model::snapshot::{Delta, Snapshot};
use model::{ApplicationId, Clock as _, ConsumerKey, Rng as _, Secret, Tenant, TenantDomain, TenantId, Timestamp};
use serde_json::Value;
use store::repository::role::{self, RoleRow};
use store::repository::tenant::{self, TenantRow};
use store::{Database, Migration};
use testkit::{MockClock, SeededRng};
use tower::ServiceExt;
use web::{AuthenticationError, AuthenticationMethod, Authenticator, BoxFuture, Credentials, Egress, Principal};

/// Tokens are names of these people; what follows a plus sign is a tenant.
pub(crate) const CREATOR: &str = "carla";
/// A second creator without special roles.
pub(crate) const OTHER: &str = "otto";
/// Administers the super tenant.
pub(crate) const ADMIN: &str = "admin";
/// May only subscribe.
pub(crate) const SUBSCRIBER: &str = "susi";
/// A second one of the same kind.
pub(crate) const NEIGHBOUR: &str = "sven";
/// A subscriber with the role `blue`.
pub(crate) const BLUE: &str = "bea";
/// A publisher who rules subscriptions and reads comments.
pub(crate) const RULER: &str = "paula";
/// A creator of the tenant example.com.
pub(crate) const FOREIGN: &str = "carla+example.com";

static COUNTER: AtomicU64 = AtomicU64::new(0);

pub(crate) struct World {
    pub(crate) control: Arc<Control>,
    pub(crate) gateway: Arc<RecordingGateway>,
    pub(crate) database: Database,
    pub(crate) clock: Arc<MockClock>,
    router: Router,
    _directory: tempfile::TempDir,
}

/// Keeps the last snapshot.
#[derive(Default)]
pub(crate) struct RecordingGateway {
    last: Mutex<Option<Snapshot>>,
    refuses: Mutex<Option<String>>,
    unreachable: AtomicBool,
    wholes: AtomicU64,
    /// Whose counters were emptied.
    pub(crate) resets: Mutex<Vec<(ApplicationId, String)>>,
}

impl RecordingGateway {
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.last.lock().unwrap().clone().expect("a snapshot was published")
    }

    /// How many whole snapshots came.
    pub(crate) fn wholes(&self) -> u64 {
        self.wholes.load(Ordering::SeqCst)
    }

    /// Lets the gateway refuse an API by name.
    pub(crate) fn refuse(&self, name: &str) {
        *self.refuses.lock().unwrap() = Some(name.to_owned());
    }

    /// Cuts the gateway off, or connects it again.
    pub(crate) fn cut_off(&self, cut: bool) {
        self.unreachable.store(cut, Ordering::SeqCst);
    }
}

impl GatewayPublisher for RecordingGateway {
    fn check(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), Vec<String>>> {
        let refuses = self.refuses.lock().unwrap().clone();
        let hit = refuses.filter(|name| snapshot.apis.iter().any(|api| api.name == *name));
        Box::pin(async move { hit.map_or(Ok(()), |name| Err(vec![format!("API {name}: a regex is too large")])) })
    }

    fn publish(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), PublishError>> {
        if self.unreachable.load(Ordering::SeqCst) {
            return Box::pin(async { Err(PublishError::Undelivered("cut off".into())) });
        }
        self.wholes.fetch_add(1, Ordering::SeqCst);
        *self.last.lock().unwrap() = Some(snapshot);
        Box::pin(async { Ok(()) })
    }

    fn change(&self, delta: Delta) -> BoxFuture<'_, Result<(), PublishError>> {
        let mut last = self.last.lock().unwrap();
        if self.unreachable.load(Ordering::SeqCst) || last.as_ref().map(|snapshot| snapshot.version) != Some(delta.from)
        {
            return Box::pin(async { Err(PublishError::Undelivered("cut off, or of another version".into())) });
        }
        *last = last.take().map(|snapshot| changed(snapshot, delta));
        Box::pin(async { Ok(()) })
    }

    fn reset_application(&self, application: ApplicationId, user: &str) {
        self.resets.lock().unwrap().push((application, user.to_owned()));
    }
}

/// A snapshot with a change applied, as a gateway ends up with it.
fn changed(mut snapshot: Snapshot, delta: Delta) -> Snapshot {
    for change in delta.apis {
        snapshot.apis.retain(|api| api.id != change.api);
        snapshot.apis.extend(change.deployed);
        snapshot.subscriptions.retain(|subscription| subscription.api != change.api);
        snapshot.subscriptions.extend(change.subscriptions);
    }
    snapshot.version = delta.to;
    snapshot
}

struct People;

impl Authenticator for People {
    fn authenticate<'a>(
        &'a self,
        credentials: Credentials,
        _requested: Option<&'a TenantDomain>,
    ) -> BoxFuture<'a, Result<Principal, AuthenticationError>> {
        Box::pin(async move {
            let Credentials::Bearer(token) = credentials else { return Err(AuthenticationError::Invalid) };
            let (user, tenant) = token.expose().split_once('+').unwrap_or((token.expose(), ""));
            let publisher = [
                "apim:api_view",
                "apim:api_create",
                "apim:api_publish",
                "apim:api_delete",
                "apim:api_import_export",
                "apim:document_create",
                "apim:ep_certificates_manage",
            ];
            let admin = [
                "apim:shared_scope_manage",
                "apim:common_operation_policy_manage",
                "apim:policies_import_export",
                "apim:admin",
                "apim:gov_rule_manage",
                "apim:gov_policy_manage",
                "apim:gov_result_read",
            ];
            let (roles, scopes): (&[&str], Vec<&str>) = match user {
                "admin" => (&["admin"], [&publisher[..], &admin[..]].concat()),
                "carla" => (&["Internal/creator", "Internal/publisher", "blue"], publisher.to_vec()),
                "otto" => (&["Internal/creator", "Internal/publisher"], publisher.to_vec()),
                "paula" => (
                    &["Internal/publisher"],
                    [&publisher[..], &["apim:subscription_view", "apim:subscription_manage", "apim:comment_manage"]]
                        .concat(),
                ),
                "susi" | "sven" => (&["Internal/subscriber"], vec!["apim:subscribe"]),
                "bea" => (&["Internal/subscriber", "blue"], vec!["apim:subscribe"]),
                _ => return Err(AuthenticationError::Invalid),
            };
            Ok(Principal {
                tenant: if tenant.is_empty() { super_tenant() } else { example_tenant() },
                user: user.to_owned(),
                roles: roles.iter().map(|r| (*r).to_owned()).collect(),
                scopes: scopes.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(),
                client: None,
                method: AuthenticationMethod::Bearer,
            })
        })
    }
}

pub(crate) fn super_tenant() -> Tenant {
    Tenant { id: TenantId::SUPER, domain: TenantDomain::super_domain(), active: true }
}

pub(crate) fn example_tenant() -> Tenant {
    Tenant { id: TenantId::new(1), domain: "example.com".parse().unwrap(), active: true }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with_key_manager(Arc::new(NoKeyManager)).await
    }

    /// Runs the test in a world on SQLite, and in one on PostgreSQL where the environment offers it.
    pub(crate) async fn each<F>(test: F)
    where
        F: AsyncFn(Self),
    {
        test(Self::new().await).await;
        let Some(postgres) = testkit::postgres::from_environment().unwrap() else {
            println!(
                "skipped on PostgreSQL: {} is not set (cargo xtask test sets it)",
                testkit::postgres::URL_VARIABLE
            );
            return;
        };
        let name = format!("control_{}_{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        postgres.sql("postgres", &format!("CREATE DATABASE {name}")).unwrap();
        let url = postgres.url(&name);
        let (user, _) = url.trim_start_matches("postgresql://").rsplit_once('@').unwrap();
        let (username, password) = user.split_once(':').unwrap();
        let settings = store::PostgresSettings {
            host: "127.0.0.1".into(),
            port: postgres.port(),
            database: name.clone(),
            username: username.into(),
            password: Some(Secret::new(password.into())),
            ca_file: None,
            max_connections: 4,
            acquire_timeout: std::time::Duration::from_secs(10),
        };
        let database = Database::connect_postgres(&settings).await.unwrap();
        test(
            Self::on(
                database.clone(),
                tempfile::tempdir().unwrap(),
                Arc::new(NoKeyManager),
                ControlSettings::default(),
            )
            .await,
        )
        .await;
        database.close().await;
        postgres.sql("postgres", &format!("DROP DATABASE {name} WITH (FORCE)")).unwrap();
    }

    pub(crate) async fn with_key_manager(key_manager: Arc<dyn KeyManager>) -> Self {
        Self::with(key_manager, ControlSettings::default()).await
    }

    pub(crate) async fn with_settings(settings: ControlSettings) -> Self {
        Self::with(Arc::new(NoKeyManager), settings).await
    }

    async fn with(key_manager: Arc<dyn KeyManager>, settings: ControlSettings) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::open_sqlite(&directory.path().join("test.db")).await.unwrap();
        Self::on(database, directory, key_manager, settings).await
    }

    async fn on(
        database: Database,
        directory: tempfile::TempDir,
        key_manager: Arc<dyn KeyManager>,
        settings: ControlSettings,
    ) -> Self {
        let clock = Arc::new(MockClock::at(Timestamp::from_seconds(1_795_288_511)));
        database.migrate(Migration::all(), None, clock.now()).await.unwrap();
        let rng = Arc::new(SeededRng::new(7));
        people(&database, &rng, clock.now()).await;
        let gateway = Arc::new(RecordingGateway::default());
        let ports = Ports { gateway: Arc::clone(&gateway) as _, key_manager, sealer: Arc::new(MarkingSealer) };
        let tls = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        let egress = Egress::new(model::EgressRules::default(), Arc::new(tls));
        let control = Arc::new(Control::new(database.clone(), Arc::clone(&clock) as _, rng, egress, ports, settings));
        control.publish_changes().await.unwrap();
        let router = control::api::routes().into_router(Arc::clone(&control), Arc::new(People));
        Self { control, gateway, database, clock, router, _directory: directory }
    }

    /// Sends a request; the body is JSON. The answer's body is JSON, text as a JSON string, or null.
    pub(crate) async fn send(&self, who: &str, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let bytes = body.map(|b| b.to_string().into_bytes()).unwrap_or_default();
        let (status, bytes) = self.raw(who, method, path, "application/json", bytes).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let value = serde_json::from_slice(&bytes).unwrap_or(if text.is_empty() { Value::Null } else { text.into() });
        (status, value)
    }

    pub(crate) async fn raw(
        &self,
        who: &str,
        method: &str,
        path: &str,
        media_type: &str,
        body: Vec<u8>,
    ) -> (StatusCode, Vec<u8>) {
        let path = if path.starts_with("/api/") { path.to_owned() } else { format!("/api/am/publisher/v4{path}") };
        let mut request = Request::builder().method(method).uri(path).header("content-type", media_type);
        if !who.is_empty() {
            request = request.header("authorization", format!("Bearer {who}"));
        }
        let response = self.router.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let status = response.status();
        (status, response.into_body().collect().await.unwrap().to_bytes().to_vec())
    }

    /// Sends a multipart form: (name, file name or none, content).
    pub(crate) async fn form(
        &self,
        who: &str,
        method: &str,
        path: &str,
        parts: &[(&str, Option<&str>, &[u8])],
    ) -> (StatusCode, Value) {
        let mut body = Vec::new();
        for (name, file, content) in parts {
            let file = file.map(|f| format!("; filename=\"{f}\"")).unwrap_or_default();
            body.extend(format!("--XyZ\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n").into_bytes());
            body.extend_from_slice(content);
            body.extend(b"\r\n");
        }
        body.extend(b"--XyZ--\r\n");
        let (status, bytes) = self.raw(who, method, path, "multipart/form-data; boundary=XyZ", body).await;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        (status, serde_json::from_slice(&bytes).unwrap_or(text.into()))
    }

    /// Creates an API and returns its object.
    pub(crate) async fn create(&self, who: &str, document: Value) -> Value {
        let (status, body) = self.send(who, "POST", "/apis", Some(document)).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        body
    }

    /// Makes a revision and deploys it to `Default`; returns the revision's id.
    pub(crate) async fn deploy(&self, who: &str, api: &str) -> String {
        let (status, body) =
            self.send(who, "POST", &format!("/apis/{api}/revisions"), Some(serde_json::json!({}))).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        let revision = body["id"].as_str().unwrap().to_owned();
        let path = format!("/apis/{api}/deploy-revision?revisionId={revision}");
        let deployment = serde_json::json!([{"name": "Default", "vhost": "localhost", "displayOnDevportal": true}]);
        let (status, body) = self.send(who, "POST", &path, Some(deployment)).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        revision
    }
}

/// An API object that is accepted.
pub(crate) fn pizza(name: &str) -> Value {
    serde_json::json!({
        "name": name,
        "context": name.to_lowercase(),
        "version": "1.0.0",
        "policies": ["Gold", "Unlimited"],
        "endpointConfig": {
            "endpoint_type": "http",
            "production_endpoints": {"url": "http://127.0.0.1:9/p"},
            "sandbox_endpoints": {"url": "http://127.0.0.1:9/s"},
        },
        "operations": [
            {"target": "/order/{id}", "verb": "GET", "scopes": []},
            {"target": "/menu", "verb": "POST", "scopes": []},
        ],
    })
}

async fn people(database: &Database, rng: &SeededRng, now: Timestamp) {
    let mut work = database.begin().await.unwrap();
    for tenant in [super_tenant(), example_tenant()] {
        if tenant::by_id(&mut work, tenant.id).await.unwrap().is_none() {
            let row = TenantRow { tenant: tenant.clone(), owner: Value::Null, created_at: now };
            tenant::insert(&mut work, &row).await.unwrap();
        }
        for name in ["admin", "blue", "Internal/creator", "Internal/publisher", "Internal/subscriber"] {
            let row = RoleRow {
                id: {
                    let mut bytes = [0; 16];
                    rng.fill(&mut bytes);
                    bytes.iter().map(|b| format!("{b:02x}")).collect()
                },
                tenant: tenant.id,
                name: name.to_owned(),
                built_in: true,
                created_at: now,
                updated_at: now,
            };
            role::insert(&mut work, &row).await.unwrap();
        }
    }
    work.save().await.unwrap();
}

/// For tests in which no OAuth client matters.
struct NoKeyManager;

fn none<T: Send + 'static>() -> BoxFuture<'static, Result<T, KeyManagerError>> {
    Box::pin(async { Err(KeyManagerError::Failed("this test has no authorisation server".into())) })
}

impl KeyManager for NoKeyManager {
    fn create_client(&self, _: NewClient) -> BoxFuture<'_, Result<(Client, Option<Secret<String>>), KeyManagerError>> {
        none()
    }

    fn find_client<'a>(
        &'a self,
        _: TenantId,
        _: &'a ConsumerKey,
    ) -> BoxFuture<'a, Result<Option<Client>, KeyManagerError>> {
        none()
    }

    fn update_client<'a>(
        &'a self,
        _: TenantId,
        _: &'a ConsumerKey,
        _: ClientSettings,
    ) -> BoxFuture<'a, Result<Client, KeyManagerError>> {
        none()
    }

    fn change_owner<'a>(
        &'a self,
        _: TenantId,
        _: &'a ConsumerKey,
        _: &'a str,
    ) -> BoxFuture<'a, Result<(), KeyManagerError>> {
        none()
    }

    fn delete_client<'a>(&'a self, _: TenantId, _: &'a ConsumerKey) -> BoxFuture<'a, Result<(), KeyManagerError>> {
        none()
    }

    fn regenerate_secret<'a>(
        &'a self,
        _: TenantId,
        _: &'a ConsumerKey,
    ) -> BoxFuture<'a, Result<Secret<String>, KeyManagerError>> {
        none()
    }

    fn add_secret<'a>(
        &'a self,
        _: TenantId,
        _: &'a ConsumerKey,
        _: Option<String>,
        _: Option<Timestamp>,
    ) -> BoxFuture<'a, Result<(ClientSecret, Secret<String>), KeyManagerError>> {
        none()
    }

    fn secrets<'a>(
        &'a self,
        _: TenantId,
        _: &'a ConsumerKey,
    ) -> BoxFuture<'a, Result<Vec<ClientSecret>, KeyManagerError>> {
        none()
    }

    fn revoke_secret<'a>(
        &'a self,
        _: TenantId,
        _: &'a ConsumerKey,
        _: &'a str,
    ) -> BoxFuture<'a, Result<bool, KeyManagerError>> {
        none()
    }

    fn verify_secret<'a>(
        &'a self,
        _: TenantId,
        _: &'a ConsumerKey,
        _: &'a Secret<String>,
    ) -> BoxFuture<'a, Result<bool, KeyManagerError>> {
        none()
    }

    fn issue_token(&self, _: TokenRequest) -> BoxFuture<'_, Result<IssuedToken, KeyManagerError>> {
        none()
    }
}
