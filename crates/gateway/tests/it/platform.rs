//! What every test needs: a gateway, an upstream, a client, keys, a clock that stands still.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use gateway::{Caps, Gateway, GatewaySettings, Handle, Listener, LogSink};
use jose::SigningKey;
use model::snapshot::*;
use model::{ApiId, ApplicationId, Clock, ConsumerKey, RevisionId, SubscriptionId, TenantDomain, TenantId, Timestamp};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;
use uuid::Uuid;

/// Start of every test: a whole minute, hour and day.
pub(crate) const NOW: i64 = 1_795_219_200;
pub(crate) static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    SigningKey::from_pkcs8(AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap().as_ref()).unwrap()
});

pub(crate) struct TestClock(AtomicI64);

impl TestClock {
    pub(crate) fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// What was logged: the access records, and the lines about single APIs.
#[derive(Default)]
pub(crate) struct Lines(Mutex<Vec<u8>>, Mutex<Vec<u8>>);

impl LogSink for Lines {
    fn write(&self, lines: &[u8]) {
        self.0.lock().unwrap().extend_from_slice(lines);
    }

    fn write_apis(&self, lines: &[u8]) {
        self.1.lock().unwrap().extend_from_slice(lines);
    }
}

impl Lines {
    pub(crate) fn of_apis(&self) -> String {
        String::from_utf8(self.1.lock().unwrap().clone()).unwrap()
    }

    pub(crate) fn records(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A running gateway with a plain listener (index 0) and, if asked, a TLS listener (index 1).
pub(crate) struct Stack {
    pub(crate) handle: Handle,
    pub(crate) clock: Arc<TestClock>,
    pub(crate) log: Arc<Lines>,
    pub(crate) snapshot: Snapshot,
}

impl Stack {
    pub(crate) fn start(upstream: SocketAddr) -> Self {
        Self::with(upstream, |_| (), |_| ())
    }

    pub(crate) fn with(
        upstream: SocketAddr,
        settings: impl FnOnce(&mut GatewaySettings),
        change: impl FnOnce(&mut Snapshot),
    ) -> Self {
        let clock = Arc::new(TestClock(AtomicI64::new(NOW * 1000)));
        let log = Arc::<Lines>::default();
        let mut own = GatewaySettings {
            listeners: vec![Listener { address: "127.0.0.1:0".parse().unwrap(), tls: None }],
            workers: 2,
            caps: Caps::default(),
            upstream_tls: gateway::upstream_tls(Vec::new()).unwrap(),
            egress: model::EgressRules::with_networks(["127.0.0.0/8".parse().unwrap()]),
            realm: "WSO2 API Manager".into(),
            default_cors: Some(GatewaySettings::wso2_default_cors()),
            socket_origins: None,
            only_keys: None,
            authorization_header: String::new(),
            api_series: 2,
            usage: true,
            judge: None,
            basic_seconds: 60,
            introspection_seconds: 60,
            token_client: None,
            backend_token: None,
            client_certificate_chains: false,
            client_certificate_header: None,
            forward_authorization: false,
            proxies: gateway::Proxies::default(),
        };
        settings(&mut own);
        let handle = Gateway::start(own, clock.clone(), log.clone()).unwrap();
        let mut snapshot = snapshot(&format!("http://{upstream}/base"));
        change(&mut snapshot);
        handle.publish(&snapshot).unwrap();
        Self { handle, clock, log, snapshot }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.handle.addresses()[0]
    }

    pub(crate) fn publish(&mut self, change: impl FnOnce(&mut Snapshot)) {
        self.snapshot.version += 1;
        change(&mut self.snapshot);
        self.handle.publish(&self.snapshot).unwrap();
    }

    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.call("GET", path, headers, b"")
    }

    pub(crate) fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let mut raw = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n").into_bytes();
        for (name, value) in headers {
            raw.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        if !body.is_empty() {
            raw.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        raw.extend_from_slice(b"\r\n");
        raw.extend_from_slice(body);
        send(self.address(), &raw).expect("an answer")
    }
}

/// `Authorization` with a good token.
pub(crate) fn bearer() -> (&'static str, String) {
    ("Authorization", format!("Bearer {}", token(json!({}))))
}

/// A token with some claims replaced.
pub(crate) fn token(changes: Value) -> String {
    let mut claims = json!({"iss": "https://gateway.test/oauth2/token", "sub": "alice", "azp": "client-1", "jti": "t-1",
        "iat": NOW, "exp": NOW + 3600, "scope": "default read", "aud": "client-1"});
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    KEY.sign("at+jwt", &claims).unwrap()
}

pub(crate) fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

pub(crate) fn resource(verb: &str, template: &str) -> Resource {
    Resource {
        template: template.into(),
        verb: verb.into(),
        authenticated: true,
        scopes: Vec::new(),
        limit: None,
        policies: PolicyFlows::default(),
        backend: None,
    }
}

pub(crate) fn api(n: u128, context: &str, target: &str) -> DeployedApi {
    let endpoint = Endpoint {
        strategy: EndpointStrategy::Single,
        targets: vec![target.into()],
        security: None,
        timeout_ms: 2000,
        traffic: None,
    };
    let mut open = resource("GET", "/open");
    open.authenticated = false;
    let mut scoped = resource("GET", "/scoped");
    scoped.scopes = vec!["admin".into()];
    DeployedApi {
        id: ApiId::new(id(n)),
        revision: RevisionId::new(id(n + 1000)),
        tenant: TenantId::SUPER,
        name: "Pizza".into(),
        version: "1.0.0".into(),
        provider: "admin".into(),
        context: context.into(),
        versioned_context: format!("{context}/1.0.0"),
        is_default_version: false,
        vhost: String::new(),
        lifecycle: Lifecycle::Published,
        kind: ApiKind::Http,
        transports: Transports { http: true, https: true },
        security: ApiSecurity { oauth2: true, api_key: true, subscription_required: true, ..ApiSecurity::default() },
        resources: vec![
            resource("GET", "/menu"),
            resource("POST", "/order"),
            resource("PUT", "/order"),
            resource("GET", "/order/{id}"),
            resource("GET", "/any/*"),
            open,
            scoped,
        ],
        production: Some(endpoint),
        sandbox: None,
        cors: None,
        max_tps: None,
        limit: None,
        policies: PolicyFlows::default(),
        client_certificates: Vec::new(),
        schema: None,
        mock: None,
        cache_seconds: None,
        graphql: None,
        token_usage: None,
    }
}

pub(crate) fn limit(level: LimitLevel, name: &str, amount: u64) -> LimitPolicy {
    LimitPolicy {
        tenant: TenantId::SUPER,
        level,
        name: name.into(),
        quota: Some(Quota { amount, unit: QuotaUnit::Requests, window_seconds: 60 }),
        burst: None,
        stop_on_quota: true,
        conditional: Vec::new(),
        graphql_depth: None,
        graphql_complexity: None,
        tokens: None,
    }
}

pub(crate) const APPLICATION: u128 = 50;

pub(crate) fn snapshot(target: &str) -> Snapshot {
    let application = ApplicationId::new(id(APPLICATION));
    Snapshot {
        version: 1,
        tenants: BTreeMap::from([(TenantId::SUPER, TenantDomain::super_domain())]),
        apis: vec![Arc::new(api(1, "/pizza", target))],
        applications: BTreeMap::from([(
            application,
            Application {
                id: application,
                tenant: TenantId::SUPER,
                name: "App".into(),
                owner: "alice".into(),
                limit: "Unlimited".into(),
                attributes: BTreeMap::default(),
            },
        )]),
        keys: BTreeMap::from([(
            ConsumerKey::new("client-1"),
            ApplicationKey { application, key_type: KeyType::Production, key_manager: "Resident Key Manager".into() },
        )]),
        subscriptions: vec![Subscription {
            id: SubscriptionId::new(id(70)),
            application,
            api: ApiId::new(id(1)),
            plan: "Unlimited".into(),
            state: SubscriptionState::Active,
        }],
        limits: Vec::new(),
        issuers: vec![TokenIssuer {
            tenant: TenantId::SUPER,
            name: "Resident Key Manager".into(),
            issuer: "https://gateway.test/oauth2/token".into(),
            keys: vec![KEY.public_jwk().unwrap()],
            consumer_key_claim: None,
            scopes_claim: None,
            keys_until: None,
            introspection: None,
        }],
        revoked_tokens: BTreeMap::new(),
        subject_epochs: BTreeMap::new(),
        api_keys: BTreeMap::new(),
        denials: Vec::new(),
        custom_limits: Vec::new(),
        logs: Vec::new(),
    }
}

/// Changes the API of a snapshot.
pub(crate) fn edit(snapshot: &mut Snapshot, change: impl FnOnce(&mut DeployedApi)) {
    change(Arc::make_mut(&mut snapshot.apis[0]));
}

pub(crate) fn audiences(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|a| (*a).to_owned()).collect()
}

/// An answer as it came over the wire.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether the server closed the connection after it.
    pub(crate) closed: bool,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

/// Sends bytes on a fresh connection and reads one answer; `None` when the connection was closed without one.
pub(crate) fn send(address: SocketAddr, raw: &[u8]) -> Option<Reply> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // A server that refuses early may close before everything is sent.
    let _refused_early = stream.write_all(raw);
    read_reply(&mut stream)
}

pub(crate) fn read_reply(stream: &mut impl Read) -> Option<Reply> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(end) = find(&bytes, b"\r\n\r\n") {
            break end;
        }
        read_more(stream, &mut bytes)?;
    };
    let text = String::from_utf8(bytes[..head].to_vec()).unwrap();
    let mut lines = text.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> =
        lines.map(|l| l.split_once(": ").unwrap()).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    let mut reply = Reply { status, headers, body: bytes.split_off(head + 4), closed: false };
    reply.closed = reply.header("connection").is_some_and(|v| v.eq_ignore_ascii_case("close"));
    if let Some(length) = reply.header("content-length") {
        let length: usize = length.parse().unwrap();
        while reply.body.len() < length {
            read_more(stream, &mut reply.body)?;
        }
    } else if reply.header("transfer-encoding").is_some() {
        reply.body = dechunk(stream, std::mem::take(&mut reply.body))?;
    }
    Some(reply)
}

fn dechunk(stream: &mut impl Read, mut raw: Vec<u8>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let Some(line) = find(&raw, b"\r\n") else {
            read_more(stream, &mut raw)?;
            continue;
        };
        let size = usize::from_str_radix(std::str::from_utf8(&raw[..line]).unwrap(), 16).unwrap();
        while raw.len() < line + 2 + size + 2 {
            read_more(stream, &mut raw)?;
        }
        body.extend_from_slice(&raw[line + 2..line + 2 + size]);
        raw.drain(..line + 2 + size + 2);
        if size == 0 {
            return Some(body);
        }
    }
}

fn read_more(stream: &mut impl Read, bytes: &mut Vec<u8>) -> Option<()> {
    let mut buffer = [0; 16 * 1024];
    match stream.read(&mut buffer) {
        Ok(0) | Err(_) => None,
        Ok(n) => {
            bytes.extend_from_slice(&buffer[..n]);
            Some(())
        }
    }
}

pub(crate) fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|w| w == what)
}

/// What an upstream does with a request.
pub(crate) enum Act {
    /// Answers and keeps the connection.
    Answer(Vec<u8>),
    /// Answers and closes.
    AnswerAndClose(Vec<u8>),
    /// Closes without an answer.
    Close,
    /// Waits, then answers.
    Late(Duration, Vec<u8>),
}

/// What an upstream heard.
pub(crate) struct Heard {
    /// Request line and headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Number of the connection, from 0.
    pub(crate) connection: usize,
    /// Number of the request on it, from 0.
    pub(crate) turn: usize,
}

/// An upstream that does what a closure says; its threads end with the test process.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    pub(crate) requests: Arc<AtomicUsize>,
}

impl Upstream {
    pub(crate) fn start(act: impl Fn(&Heard) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (act, requests) = (Arc::new(act), Arc::new(AtomicUsize::new(0)));
        let counter = Arc::clone(&requests);
        std::thread::spawn(move || {
            for (connection, stream) in listener.incoming().flatten().enumerate() {
                let (act, counter) = (Arc::clone(&act), Arc::clone(&counter));
                std::thread::spawn(move || serve(stream, connection, &*act, &counter));
            }
        });
        Self { address, requests }
    }

    /// Answers every request with its own head and body as text.
    pub(crate) fn echo() -> Self {
        Self::start(|heard| {
            let mut body = heard.head.clone().into_bytes();
            body.extend_from_slice(b"\n\n");
            body.extend_from_slice(&heard.body);
            Act::Answer(ok(&body, "Server: secret/1.0\r\nX-Powered-By: magic\r\n"))
        })
    }

    pub(crate) fn heard(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

pub(crate) fn ok(body: &[u8], headers: &str) -> Vec<u8> {
    let mut raw = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    raw.extend_from_slice(body);
    raw
}

fn serve(mut stream: TcpStream, connection: usize, act: &dyn Fn(&Heard) -> Act, counter: &AtomicUsize) {
    let mut bytes = Vec::new();
    for turn in 0.. {
        let head = loop {
            if let Some(end) = find(&bytes, b"\r\n\r\n") {
                break end;
            }
            if read_more(&mut stream, &mut bytes).is_none() {
                return;
            }
        };
        let rest = bytes.split_off(head + 4);
        let head = String::from_utf8_lossy(&bytes[..head]).into_owned();
        bytes = rest;
        let value = |name: &str| {
            head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix(&format!("{name}: ")).map(str::to_owned))
        };
        let body = if let Some(length) = value("content-length") {
            let length: usize = length.parse().unwrap();
            while bytes.len() < length {
                if read_more(&mut stream, &mut bytes).is_none() {
                    return;
                }
            }
            let rest = bytes.split_off(length);
            std::mem::replace(&mut bytes, rest)
        } else if value("transfer-encoding").is_some() {
            match dechunk(&mut stream, std::mem::take(&mut bytes)) {
                Some(body) => body,
                None => return,
            }
        } else {
            Vec::new()
        };
        counter.fetch_add(1, Ordering::SeqCst);
        let (answer, close) = match act(&Heard { head, body, connection, turn }) {
            Act::Answer(raw) => (raw, false),
            Act::AnswerAndClose(raw) => (raw, true),
            Act::Close => return,
            Act::Late(wait, raw) => {
                #[expect(clippy::disallowed_methods, reason = "a slow upstream is slow in real time")]
                std::thread::sleep(wait);
                (raw, false)
            }
        };
        if stream.write_all(&answer).is_err() || close {
            return;
        }
    }
}
