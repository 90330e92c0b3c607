//! Every setting of `deployment.toml`: a struct for each section, a field for each setting.

use std::net::IpAddr;
use std::path::PathBuf;

use super::integrator::{IntegratorDataSourceSection, IntegratorSection};
use super::portals::{ApiPropertySection, ApplicationAttributeSection};
use super::secret::{SecretRef, TextSource};
use super::section::{Kind, Parse, Section, Setting, section};
use super::sign_in::{EmailSection, PasswordSection, RecoverySection, SelfRegistrationSection, SessionSection};
use super::tree::{Node, Value};
use super::user_store::{SecondaryUserStoreSection, UserStoreSection};
use super::values::{
    EgressRule, Endpoint, HeaderName, HeaderText, HostName, Listed, LogFilter, Method, Network, Origin, Port,
    QuotedWhole, Size, Span, Whole, Word, words,
};

section! {
    /// Names and ports of this installation.
    pub(super) struct ServerSection in "server" {
        /// Host name under which people and clients reach this installation; it stands in links, in the issuer of tokens and in the generated certificate.
        wso2 "hostname" hostname: HostName = r#""localhost""#;
        /// Added to every port, so that several installations fit on one machine (A04).
        wso2 "offset" offset: Whole<0, 64_535> = "0";
    }
}

section! {
    /// The first administrator of a headless set-up. Without it, the first start prints a one-time set-up link (A18).
    pub(super) struct SuperAdminSection in "super_admin" {
        /// Name of the first administrator.
        wso2 "username" username: Option<TextSource> = "";
        /// Password of the first administrator, by reference (A03, M02).
        wso2 "password" password: Option<SecretRef> = "";
        /// Create this administrator at the first start instead of printing the set-up link.
        wso2 "create_admin_account" create_admin_account: bool = "false";
    }
}

section! {
    /// The listener of the consoles, the REST APIs and the token endpoints.
    pub(super) struct ConsoleSection in "transport.https.properties" {
        /// Port before the offset.
        wso2 "port" port: Port = "9443";
        /// Address to listen on; anything but loopback makes every `must` guideline a condition of starting (A19).
        ours "bind_address" bind_address: IpAddr = r#""127.0.0.1""#;
        /// Value of the `Server` header of the console and status listeners; without it the header is not sent (A10). The gateway never sends one of its own.
        wso2 "server" server: Option<HeaderText> = "";
    }
}

section! {
    /// The gateway's TLS listener.
    pub(super) struct GatewayHttpsSection in "transport.passthru_https.listener" {
        /// Whether it listens.
        ours "enable" enable: bool = "true";
        /// Port before the offset.
        wso2 "port" port: Port = "8243";
        /// Address to listen on.
        ours "bind_address" bind_address: IpAddr = r#""127.0.0.1""#;
    }
}

section! {
    /// The gateway's listener without TLS.
    pub(super) struct GatewayHttpSection in "transport.passthru_http.listener" {
        /// Whether it listens; WSO2's default is true.
        wso2 "enable" enable: bool = "false";
        /// Port before the offset.
        wso2 "port" port: Port = "8280";
        /// Address to listen on.
        ours "bind_address" bind_address: IpAddr = r#""127.0.0.1""#;
    }
}

section! {
    /// The listener of `/livez`, `/readyz` and `/metrics`, TLS with the certificate of `[keystore.tls]`.
    pub(super) struct StatusSection in "status" {
        /// Whether it listens.
        ours "enable" enable: bool = "true";
        /// Port before the offset.
        ours "port" port: Port = "9201";
        /// Address to listen on.
        ours "bind_address" bind_address: IpAddr = r#""127.0.0.1""#;
    }
}

words! {
    /// Form of a key store file.
    pub KeystoreType {
        /// Certificates and key as PEM text.
        "PEM" => Pem,
        /// PKCS#12.
        "PKCS12" | "P12" => Pkcs12,
        /// Java key store, read only.
        "JKS" => Jks,
    }
}

/// Two sections with the same settings.
macro_rules! keystore_section {
    ($doc:literal $name:literal => $section:ident) => {
        section! {
            #[doc = $doc]
            pub(super) struct $section in $name {
                /// Key store, or certificate chain when the type is PEM; relative to the home directory. Without it a key is generated at the first start (A02).
                wso2 "file_name" file_name: Option<PathBuf> = "";
                /// Form of the file.
                wso2 "type" kind: KeystoreType = r#""PKCS12""#;
                /// Password of the store, by reference.
                wso2 "password" password: Option<SecretRef> = "";
                /// Password of the key inside the store, by reference; without it the store's password.
                wso2 "key_password" key_password: Option<SecretRef> = "";
                /// Which key of the store; needed when it holds several.
                wso2 "alias" alias: Option<String> = "";
                /// Private key when the type is PEM.
                ours "key_file" key_file: Option<PathBuf> = "";
            }
        }
    };
}

keystore_section! { " Certificate and key of the TLS listeners." "keystore.tls" => TlsKeystoreSection }
keystore_section! { " Key that signs tokens." "keystore.primary" => SigningKeystoreSection }

section! {
    /// Certificate authorities that are trusted beside those of the operating system.
    pub(super) struct TruststoreSection in "truststore" {
        /// Trust store; relative to the home directory.
        wso2 "file_name" file_name: Option<PathBuf> = "";
        /// Form of the file.
        wso2 "type" kind: KeystoreType = r#""PEM""#;
        /// Password of the store, by reference.
        wso2 "password" password: Option<SecretRef> = "";
    }
}

section! {
    /// The database of everything: APIs, users, tokens. WSO2's `shared_db` is the same one here.
    pub(super) struct DatabaseSection in "database.apim_db" {
        /// `sqlite` (embedded) or `postgre` / `postgresql`.
        wso2 "type" kind: Word = r#""sqlite""#;
        /// SQLite: `sqlite:PATH`. PostgreSQL: `jdbc:postgresql://host:port/name?sslmode=verify-full` or the same without `jdbc:`.
        wso2 "url" url: Option<String> = "";
        /// PostgreSQL host, when no URL is given.
        wso2 "hostname" hostname: Option<HostName> = "";
        /// PostgreSQL port, when no URL is given.
        wso2 "port" port: Option<QuotedWhole<1, 65_535>> = "";
        /// PostgreSQL database, when no URL is given.
        wso2 "name" name: Option<String> = "";
        /// PostgreSQL user; a role without rights to change tables (A07).
        wso2 "username" username: Option<TextSource> = "";
        /// PostgreSQL password, by reference.
        wso2 "password" password: Option<SecretRef> = "";
        /// PostgreSQL: most connections of this node.
        wso2 "pool_options.maxActive" max_active: QuotedWhole<1, 1000> = "50";
        /// PostgreSQL: how long a request waits for a connection, in milliseconds.
        wso2 "pool_options.maxWait" max_wait: QuotedWhole<1, 600_000> = "60000";
    }
}

section! {
    /// Removal of expired tokens, revocations and client secrets (O08).
    pub(super) struct CleanupSection in "session_data.cleanup" {
        /// Whether they are removed.
        wso2 "enable_expired_data_cleanup" enable: bool = "true";
        /// How often.
        wso2 "clean_expired_session_data_every" every: Span = r#""1d""#;
        /// Rows of one kind in one transaction; smaller when the database reports lock waits.
        wso2 "clean_expired_session_data_in_chunks_of" chunk: Whole<64, 1_000_000> = "8192";
    }
}

words! {
    /// Algorithm of the keys that sign tokens.
    pub SigningAlgorithm {
        /// RSA 2048 with SHA-256, which every client knows.
        "RS256" | "SHA256withRSA" => Rs256,
        /// RSA-PSS 2048 with SHA-256.
        "PS256" => Ps256,
        /// P-256 with SHA-256.
        "ES256" => Es256,
        /// Ed25519.
        "EdDSA" => EdDsa,
    }
}

section! {
    /// The token endpoints.
    pub struct OauthSection in "oauth" {
        /// Life of a token of an application, in seconds.
        wso2 "token_validation.app_access_token_validity" app_access_token_validity: Whole<1, 31_536_000> = "3600";
        /// Life of a token of a person, in seconds.
        wso2 "token_validation.user_access_token_validity" user_access_token_validity: Whole<1, 31_536_000> = "3600";
        /// Life of a refresh token, in seconds.
        wso2 "token_validation.refresh_token_validity" refresh_token_validity: Whole<1, 31_536_000> = "86400";
        /// Life of an authorization code, in seconds; WSO2's default is 300.
        wso2 "token_validation.authorization_code_validity" authorization_code_validity: Whole<10, 600> = "120";
        /// The password grant; WSO2's default is true (X08).
        wso2 "grant_type.password.enable" password_grant: bool = "false";
        /// Whether the console's listener asks clients for certificates (RFC 8705): those of an authority in `[truststore]`, and those a client registered itself. Browsers that hold certificates then ask their users for one.
        ours "mutual_tls.enable" client_certificates: bool = "false";
        /// Algorithm of signing keys that are made from now on; the key of `[keystore.primary]` keeps its own.
        ours "signing.algorithm" signing_algorithm: SigningAlgorithm = r#""RS256""#;
        /// How long a signing key signs before another one takes its place. The key of `[keystore.primary]` is changed by its operator.
        ours "signing.rotate_every" rotate_every: Span = r#""90d""#;
        /// How long a new signing key is published before it signs, for those who keep our JWKS.
        ours "signing.publish_ahead" publish_ahead: Span = r#""1d""#;
    }
}

section! {
    /// Tokens at the gateway.
    pub struct GatewayTokenSection in "apim.oauth_config" {
        /// Request header that carries the token, for APIs that name none of their own.
        wso2 "auth_header" auth_header: HeaderName = r#""Authorization""#;
        /// Whether the token goes on to the backend.
        wso2 "enable_outbound_auth_header" enable_outbound_auth_header: bool = "false";
    }
}

section! {
    /// Tokens that tell backends who calls. They are signed with the key of the API's tenant, which its JWKS publishes.
    pub struct BackendTokenSection in "apim.jwt" {
        /// Whether backends get one.
        wso2 "enable" enable: bool = "false";
        /// Request header that carries it.
        wso2 "header" header: HeaderName = r#""X-JWT-Assertion""#;
        /// What stands before the names of its claims.
        wso2 "claim_dialect" claim_dialect: HeaderText = r#""http://wso2.org/claims""#;
        /// How long one is valid.
        ours "lifetime" lifetime: Span = r#""15m""#;
    }
}

section! {
    /// Client certificates of APIs with mutual TLS.
    pub struct MutualTlsSection in "apimgt.mutual_ssl" {
        /// Whether a certificate is accepted when one of those uploaded for the API has issued it; otherwise it must be one of them.
        wso2 "enable_certificate_chain_validation" enable_certificate_chain_validation: bool = "false";
        /// Header in which the proxies listed under [gateway] write the client's certificate; without it they cannot.
        wso2 "certificate_header" certificate_header: Option<HeaderName> = "";
    }
}

section! {
    /// Cross-origin calls to APIs that say nothing of their own (X07).
    pub struct CorsSection in "apim.cors" {
        /// Whether preflights are answered.
        wso2 "enable" enable: bool = "true";
        /// Allowed origins; `*` is any, and never goes with credentials.
        wso2 "allow_origins" allow_origins: Listed<Origin> = r#"["*"]"#;
        /// Allowed methods.
        wso2 "allow_methods" allow_methods: Listed<Method> = r#"["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"]"#;
        /// Allowed request headers.
        wso2 "allow_headers" allow_headers: Listed<HeaderName> = r#"["authorization", "Access-Control-Allow-Origin", "Content-Type", "SOAPAction", "apikey", "Internal-Key"]"#;
        /// Whether cookies and credentials may be sent.
        wso2 "allow_credentials" allow_credentials: bool = "false";
        /// Whether pages of other origins are refused when they open a WebSocket of an API that names no origins; WSO2's default is false.
        wso2 "enable_validation_for_ws" enable_validation_for_ws: bool = "true";
    }
}

section! {
    /// Plans and limits.
    pub struct ThrottlingSection in "apim.throttling" {
        /// Whether the plan without limit can be chosen.
        wso2 "enable_unlimited_tier" enable_unlimited_tier: bool = "true";
    }
}

section! {
    /// The Developer Portal.
    pub struct DevportalSection in "apim.devportal" {
        /// Whether public APIs are shown to visitors who are not signed in; WSO2's default is true.
        wso2 "enable_anonymous_mode" enable_anonymous_mode: bool = "true";
        /// Whether users of one tenant can subscribe to APIs of another that offer it.
        wso2 "enable_cross_tenant_subscriptions" enable_cross_tenant_subscriptions: bool = "false";
        /// Whether applications can be shared with groups: users whose attribute `organization` is the name of the group see them.
        wso2 "enable_application_sharing" enable_application_sharing: bool = "false";
        /// Whether an attribute of an application that is given without a value is kept, and told to backends as empty text.
        wso2 "enable_empty_values_in_application_attributes" enable_empty_values_in_application_attributes: bool = "false";
        /// Whether APIs can be called from their pages; without it, only while no listener is exposed (X02).
        ours "enable_try_it" enable_try_it: Option<bool> = "";
    }
}

section! {
    /// Requests that wait for an administrator. Tenants may say otherwise in their own configuration (Workflows).
    pub struct WorkflowSection in "apim.workflow" {
        /// A file in the format of WSO2's workflow-extensions.xml, relative to the home directory: which requests wait. Without it none do.
        ours "extensions" extensions: Option<PathBuf> = "";
        /// Whether administrators may decide what they asked for themselves; WSO2 lets everybody who decides.
        ours "decide_own_requests" decide_own_requests: bool = "false";
    }
}

words! {
    /// Which keys an environment serves.
    pub EnvironmentType {
        /// Production and sandbox.
        "hybrid" => Hybrid,
        /// Production only.
        "production" => Production,
        /// Sandbox only.
        "sandbox" => Sandbox,
    }
}

section! {
    /// A gateway environment that revisions are deployed to. There always is one named Default, which answers under every host name; others answer under their own.
    pub(super) struct EnvironmentSection in "apim.gateway.environment[]" {
        /// Name, unique.
        wso2 "name" name: String = "";
        /// Name for people; without it the name.
        wso2 "display_name" display_name: Option<String> = "";
        /// What it is for.
        wso2 "description" description: Option<String> = "";
        /// Which keys consumers are told to use there.
        wso2 "type" kind: EnvironmentType = r#""hybrid""#;
        /// Address of its plain listener; `${http.nio.port}` stands for our own port.
        wso2 "http_endpoint" http_endpoint: Option<Endpoint> = "";
        /// Address of its TLS listener; `${https.nio.port}` stands for our own port.
        wso2 "https_endpoint" https_endpoint: Option<Endpoint> = "";
        /// Further host names of it.
        wso2 "virtual_host" virtual_hosts: Option<Vec<VirtualHostSection>> = "";
    }
}

section! {
    /// A further host name of a gateway environment.
    pub(super) struct VirtualHostSection in "apim.gateway.environment[].virtual_host[]" {
        /// Address of its plain listener.
        wso2 "http_endpoint" http_endpoint: Option<Endpoint> = "";
        /// Address of its TLS listener; its host is the name.
        wso2 "https_endpoint" https_endpoint: Endpoint = "";
    }
}

impl Parse for VirtualHostSection {
    const KIND: Kind = Kind::Tables;
    fn parse(node: &Node, cx: &mut super::context::Context<'_>) -> Option<Self> {
        let Value::Table(table) = &node.value else {
            cx.wrong_type(node, "a table");
            return None;
        };
        let prefix = cx.path.clone();
        let read = Self::read(Some(table), &prefix, cx);
        cx.path = prefix;
        read
    }
}

words! {
    /// Form of log records.
    pub LogFormat {
        /// Human on a terminal, JSON otherwise.
        "auto" => Auto,
        /// For people.
        "human" => Human,
        /// One JSON object a line.
        "json" => Json,
    }
}

section! {
    /// Logs (A20, A21).
    pub struct LoggingSection in "logging" {
        /// Form of records.
        ours "format" format: LogFormat = r#""auto""#;
        /// Least severe level, or a filter such as `info,gateway=debug`.
        ours "level" level: LogFilter = r#""info""#;
        /// Log file; relative to the home directory. Without it records go to the standard error stream.
        ours "file" file: Option<PathBuf> = "";
        /// A file is closed and kept when it reaches this size.
        ours "rotate_size" rotate_size: Size = r#""10MB""#;
        /// A file is closed and kept after this time.
        ours "rotate_interval" rotate_interval: Span = r#""1d""#;
        /// How many closed files are kept.
        ours "keep" keep: Whole<1, 10_000> = "20";
    }
}

section! {
    /// Connections that this installation opens (A23).
    pub struct EgressSection in "egress" {
        /// Networks and hosts that may be called beside public addresses; this machine is allowed as long as every listener is on loopback.
        ours "allow" allow: Vec<EgressRule> = "[]";
    }
}

section! {
    /// The process itself (O01).
    pub struct ProcessSection in "process" {
        /// Operating-system user that the server becomes when it is started as root. Started as another user, it stays that user.
        ours "user" user: Option<String> = "";
    }
}

section! {
    /// Backups (O09): database, keys and configuration in one file, sealed so that only the master key of the vault opens it.
    pub struct BackupSection in "backup" {
        /// Whether the running server makes them.
        ours "enable" enable: bool = "true";
        /// Where they are written; relative to the home directory. Best a directory on another disk.
        ours "directory" directory: PathBuf = r#""backups""#;
        /// How often.
        ours "every" every: Span = r#""1d""#;
        /// How many are kept; the oldest beyond are deleted.
        ours "keep" keep: Whole<1, 10_000> = "14";
    }
}

section! {
    /// Signed updates (A01): a repository of The Update Framework with programs and a list of advisories. The server fetches nothing by itself; `portcullis update` does.
    pub struct UpdatesSection in "updates" {
        /// Where the repository is, with `metadata/` and `targets/` below it: an https URL, or a folder, relative to the home directory.
        ours "repository" repository: Option<String> = "";
        /// Its first root metadata, from somewhere you trust; relative to the home directory. Later ones are followed from there.
        ours "root" root: PathBuf = r#""updates/first-root.json""#;
    }
}

section! {
    /// Usage analytics: calls by API, application and plan, added up in the database.
    pub struct UsageSection in "usage" {
        /// Whether calls are counted.
        ours "enable" enable: bool = "true";
        /// For how many days calls are kept by the hour; older ones are added up by the day.
        ours "hourly_days" hourly_days: Whole<8, 400> = "90";
        /// For how many days calls are kept by the day.
        ours "daily_days" daily_days: Whole<31, 10_000> = "1100";
    }
}

words! {
    /// Where the vault's key comes from.
    pub(super) VaultKeySource {
        /// A file with mode 0600.
        "file" => File,
        /// An environment variable.
        "env" => Env,
        /// A credential of systemd.
        "systemd" => Systemd,
        /// A passphrase, stretched by Argon2id.
        "passphrase" => Passphrase,
    }
}

section! {
    /// The key of the secrets in `[secrets]` (A03).
    pub(super) struct VaultSection in "vault" {
        /// Where the key comes from.
        ours "key_source" key_source: VaultKeySource = r#""file""#;
        /// With `file`: the key file, relative to the home directory; without it the generated one.
        ours "key_file" key_file: Option<PathBuf> = "";
        /// With `env`: the variable that holds the key.
        ours "key_variable" key_variable: String = r#""PORTCULLIS_VAULT_KEY""#;
        /// With `systemd`: the name of the credential.
        ours "credential" credential: String = r#""portcullis-vault-key""#;
        /// With `passphrase`: where the passphrase is, `$env{VAR}` or `$file{path}`.
        ours "passphrase" passphrase: Option<SecretRef> = "";
    }
}

words! {
    /// The header of a proxy that names its client.
    pub ForwardedHeader {
        /// `X-Forwarded-For` and `X-Forwarded-Proto`.
        "x-forwarded-for" => XForwardedFor,
        /// `Forwarded` (RFC 7239).
        "forwarded" => Forwarded,
    }
}

section! {
    /// Limits of the gateway.
    pub struct GatewaySection in "gateway" {
        /// Worker threads; without it one for each core.
        ours "workers" workers: Option<Whole<1, 1024>> = "";
        /// Most APIs whose calls are counted apart in the metrics; calls of further ones count together, and 0 counts none apart.
        ours "api_series" api_series: Whole<0, 10_000> = "0";
        /// Most client connections at a time.
        ours "max_connections" max_connections: Whole<1, 10_000_000> = "10000";
        /// Most bytes of request line and headers (X06).
        ours "max_header_size" max_header_size: Size = r#""32KiB""#;
        /// Most bytes of a request body; more is answered with 413.
        ours "max_body_size" max_body_size: Size = r#""64MiB""#;
        /// A client must send its whole header within this time.
        ours "header_timeout" header_timeout: Span = r#""10s""#;
        /// A connection without a request is closed after this time.
        ours "idle_timeout" idle_timeout: Span = r#""60s""#;
        /// A backend must accept a connection within this time.
        ours "connect_timeout" connect_timeout: Span = r#""5s""#;
        /// A backend must begin its answer within this time; an endpoint may set less (60 s unless it says otherwise).
        ours "response_timeout" response_timeout: Span = r#""5m""#;
        /// Peers that begin each connection with a header of the PROXY protocol, version 2, which names their client. From these peers connections without it are closed.
        ours "proxy_protocol_peers" proxy_protocol_peers: Vec<Network> = "[]";
        /// Peers whose `forwarded_header` names their client and its protocol. From others it is ignored.
        ours "trusted_proxies" trusted_proxies: Vec<Network> = "[]";
        /// The one header that `trusted_proxies` overwrite: `x-forwarded-for` (with `x-forwarded-proto`) or `forwarded` (RFC 7239).
        ours "forwarded_header" forwarded_header: ForwardedHeader = r#""x-forwarded-for""#;
        /// For how long the keys of a key manager whose JWKS address does not answer are relied on; after that its tokens are refused.
        ours "jwks_stale_limit" jwks_stale_limit: Span = r#""24h""#;
        /// For how long a key manager's word about a token is good that it was asked about (RFC 7662).
        ours "introspection_cache" introspection_cache: Span = r#""60s""#;
        /// For how long name and password of a user are not checked again (security scheme `basic_auth`). A new password or a locked account counts at once.
        ours "basic_auth_cache" basic_auth_cache: Span = r#""60s""#;
        /// Most bytes of a WebSocket message; more ends the connection with code 1009.
        ours "max_message_size" max_message_size: Size = r#""1MiB""#;
    }
}

/// Every section, with its documentation and settings, in the order of the reference page.
pub(super) const SECTIONS: &[(&str, &[&str], &[Setting])] = &[
    entry::<ServerSection>(),
    entry::<SuperAdminSection>(),
    entry::<ConsoleSection>(),
    entry::<GatewayHttpsSection>(),
    entry::<GatewayHttpSection>(),
    entry::<StatusSection>(),
    entry::<TlsKeystoreSection>(),
    entry::<SigningKeystoreSection>(),
    entry::<TruststoreSection>(),
    entry::<DatabaseSection>(),
    entry::<UserStoreSection>(),
    entry::<SecondaryUserStoreSection>(),
    entry::<SessionSection>(),
    entry::<PasswordSection>(),
    entry::<RecoverySection>(),
    entry::<SelfRegistrationSection>(),
    entry::<EmailSection>(),
    entry::<CleanupSection>(),
    entry::<OauthSection>(),
    entry::<GatewayTokenSection>(),
    entry::<BackendTokenSection>(),
    entry::<MutualTlsSection>(),
    entry::<CorsSection>(),
    entry::<ThrottlingSection>(),
    entry::<DevportalSection>(),
    entry::<ApplicationAttributeSection>(),
    entry::<ApiPropertySection>(),
    entry::<WorkflowSection>(),
    entry::<EnvironmentSection>(),
    entry::<VirtualHostSection>(),
    entry::<LoggingSection>(),
    entry::<EgressSection>(),
    entry::<ProcessSection>(),
    entry::<BackupSection>(),
    entry::<UpdatesSection>(),
    entry::<UsageSection>(),
    entry::<VaultSection>(),
    entry::<GatewaySection>(),
    entry::<IntegratorSection>(),
    entry::<IntegratorDataSourceSection>(),
];

const fn entry<S: Section>() -> (&'static str, &'static [&'static str], &'static [Setting]) {
    (S::NAME, S::DOC, S::SETTINGS)
}

/// Every setting.
pub(super) fn settings() -> impl Iterator<Item = &'static Setting> {
    SECTIONS.iter().flat_map(|(_, _, settings)| settings.iter())
}
