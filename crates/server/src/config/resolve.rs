//! From sections to the configuration: what depends on several settings is decided here, once.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::context::Context;
use super::database;
use super::diagnostic::codes;
use super::integrator::{IntegratorDataSourceSection, IntegratorSection};
use super::parsed::{
    Cleanup, Config, Environment, FirstAdmin, Keystore, KeystoreFile, Listeners, Server, Truststore, VaultKey,
    VirtualHost,
};
use super::portals;
use super::secret::{self, SecretRef};
use super::section::{Section, read_many, read_one};
use super::sections::{
    BackendTokenSection, BackupSection, CleanupSection, ConsoleSection, CorsSection, DatabaseSection, DevportalSection,
    EgressSection, EnvironmentSection, GatewayHttpSection, GatewayHttpsSection, GatewaySection, GatewayTokenSection,
    KeystoreType, LoggingSection, MutualTlsSection, OauthSection, ProcessSection, ServerSection,
    SigningKeystoreSection, StatusSection, SuperAdminSection, ThrottlingSection, TlsKeystoreSection, TruststoreSection,
    UpdatesSection, UsageSection, VaultKeySource, VaultSection, WorkflowSection,
};
use super::sign_in;
use super::tree::At;
use super::user_store;
use super::values::{Endpoint, Origin, Port};

/// Reads every section and makes the configuration. `None` when the context has an error.
pub(super) fn resolve(cx: &mut Context<'_>) -> Option<Config> {
    // Every part is read before the first `?`, so that all faults are told.
    let server = read_one::<ServerSection>(cx)
        .map(|section| Server { hostname: section.hostname, offset: u16::try_from(section.offset.get()).unwrap_or(0) });
    let first_admin = first_admin(cx);
    let integrator = read_one::<IntegratorSection>(cx);
    let integrator_data_sources = read_many::<IntegratorDataSourceSection>(cx);
    let offset = server.as_ref().map_or(0, |server| server.offset);
    let listeners = listeners(offset, integrator.as_ref(), cx);
    let tls_keystore = read_one::<TlsKeystoreSection>(cx).and_then(|s| {
        keystore(TlsKeystoreSection::NAME, (s.file_name, s.kind, s.key_file, s.alias), (s.password, s.key_password), cx)
    });
    let signing_keystore = read_one::<SigningKeystoreSection>(cx).and_then(|s| {
        let files = (s.file_name, s.kind, s.key_file, s.alias);
        keystore(SigningKeystoreSection::NAME, files, (s.password, s.key_password), cx)
    });
    let truststore = truststore(cx);
    let database = read_one::<DatabaseSection>(cx).and_then(|section| database::resolve(section, cx));
    let directories = user_store::resolve(cx);
    let sign_in = sign_in::resolve(cx);
    let cleanup = read_one::<CleanupSection>(cx);
    let oauth = read_one::<OauthSection>(cx);
    let gateway_token = read_one::<GatewayTokenSection>(cx);
    let backend_token = read_one::<BackendTokenSection>(cx);
    let mutual_tls = read_one::<MutualTlsSection>(cx);
    let cors = cors(cx);
    let throttling = read_one::<ThrottlingSection>(cx);
    let devportal = read_one::<DevportalSection>(cx);
    let application_attributes = portals::application_attributes(cx);
    let api_properties = portals::api_properties(cx);
    let workflow = read_one::<WorkflowSection>(cx);
    let environments = environments(server.as_ref(), listeners.as_ref(), cx);
    let logging = read_one::<LoggingSection>(cx);
    let egress = read_one::<EgressSection>(cx);
    let process = read_one::<ProcessSection>(cx);
    let backup = read_one::<BackupSection>(cx);
    let updates = read_one::<UpdatesSection>(cx);
    let usage = read_one::<UsageSection>(cx);
    let vault = vault(cx);
    let gateway = read_one::<GatewaySection>(cx);
    let secrets = secret::sealed(cx);
    let cleanup = cleanup?;
    Some(Config {
        server: server?,
        first_admin: first_admin?,
        listeners: listeners?,
        tls_keystore: tls_keystore?,
        signing_keystore: signing_keystore?,
        truststore: truststore?,
        database: database?,
        directories: directories?,
        sign_in: sign_in?,
        cleanup: Cleanup {
            enabled: cleanup.enable,
            every: cleanup.every.get(),
            chunk: u32::try_from(cleanup.chunk.get()).unwrap_or(u32::MAX),
        },
        oauth: oauth?,
        gateway_token: gateway_token?,
        backend_token: backend_token?,
        mutual_tls: mutual_tls?,
        cors: cors?,
        throttling: throttling?,
        devportal: devportal?,
        application_attributes: application_attributes?,
        api_properties: api_properties?,
        workflow: workflow?,
        environments: environments?,
        logging: logging?,
        egress: egress?,
        process: process?,
        backup: backup?,
        updates: updates?,
        usage: usage?,
        vault: vault?,
        gateway: gateway?,
        integrator: integrator?,
        integrator_data_sources: integrator_data_sources?,
        secrets,
    })
}

/// The place of a key, or of its section, or of the file.
fn place(path: &str, cx: &Context<'_>) -> At {
    let root = cx.root();
    let section = path.rsplit_once('.').map_or("", |(section, _)| section);
    root.find(path).or_else(|| root.find(section)).map(|node| node.at).unwrap_or_default()
}

/// Adds an error about the absence of a key.
fn missing(path: &str, reason: &str, fix: &str, cx: &mut Context<'_>) {
    let at = place(path, cx);
    cx.fault_at(path, at, codes::MISSING, "setting missing", reason, fix);
}

fn first_admin(cx: &mut Context<'_>) -> Option<Option<FirstAdmin>> {
    let section = read_one::<SuperAdminSection>(cx)?;
    if !section.create_admin_account {
        let why = "it is used with create_admin_account = true; without it the first start prints a set-up link";
        cx.unused(SuperAdminSection::NAME, &["username", "password"], why);
        return Some(None);
    }
    if section.username.is_none() {
        missing(
            "super_admin.username",
            "create_admin_account = true needs the name of the administrator",
            "add username, or set create_admin_account = false to get a one-time set-up link",
            cx,
        );
    }
    if section.password.is_none() {
        missing(
            "super_admin.password",
            "create_admin_account = true needs the password of the administrator, by reference",
            "add password = \"$secret{admin_password}\", or set create_admin_account = false to get a one-time set-up link",
            cx,
        );
    }
    Some(Some(FirstAdmin { username: section.username?, password: section.password? }))
}

fn listeners(offset: u16, integrator: Option<&IntegratorSection>, cx: &mut Context<'_>) -> Option<Listeners> {
    let console = read_one::<ConsoleSection>(cx);
    let https = read_one::<GatewayHttpsSection>(cx);
    let http = read_one::<GatewayHttpSection>(cx);
    let status = read_one::<StatusSection>(cx);
    let (console, https, http, status, integrator) = (console?, https?, http?, status?, integrator?);
    let (own, plain) = (integrator.enable, integrator.enable && integrator.http_enable);
    let wanted = [
        ("transport.https.properties.port", true, console.bind_address, console.port),
        ("transport.passthru_https.listener.port", https.enable, https.bind_address, https.port),
        ("transport.passthru_http.listener.port", http.enable, http.bind_address, http.port),
        ("status.port", status.enable, status.bind_address, status.port),
        ("integrator.https_port", own, integrator.bind_address, integrator.https_port),
        ("integrator.http_port", plain, integrator.bind_address, integrator.http_port),
        ("integrator.management_port", integrator.is_managed(), integrator.bind_address, integrator.management_port),
    ];
    let highest = wanted.iter().filter(|(_, enabled, ..)| *enabled).max_by_key(|(_, _, _, port)| port.get())?;
    if highest.3.shifted(offset).is_none() {
        offset_too_large(highest.0, highest.3, offset, cx);
        return None;
    }
    let mut taken: Vec<(&str, SocketAddr)> = Vec::new();
    let mut right = true;
    let made = wanted.map(|(path, enabled, address, port)| {
        if !enabled {
            return None;
        }
        let socket = SocketAddr::new(address, port.shifted(offset)?);
        if let Some((other, _)) = taken.iter().find(|(_, other)| overlap(*other, socket)) {
            let at = place(path, cx);
            cx.fault_at(
                path,
                at,
                codes::PORT_TAKEN,
                "two listeners on one port",
                &format!("{other} is {} too", socket.port()),
                "give one of them another port",
            );
            right = false;
        }
        taken.push((path, socket));
        Some(socket)
    });
    let [console_at, gateway_https, gateway_http, status, integrator_https, integrator_http, integrator_management] =
        made;
    if !right {
        return None;
    }
    Some(Listeners {
        console: console_at?,
        server_header: console.server,
        gateway_https,
        gateway_http,
        status,
        integrator_https,
        integrator_http,
        integrator_management,
    })
}

fn offset_too_large(path: &str, port: Port, offset: u16, cx: &mut Context<'_>) {
    let at = place("server.offset", cx);
    cx.fault_at(
        "server.offset",
        at,
        codes::BAD_VALUE,
        "offset too large",
        &format!("{path} {} and the offset {offset} are more than 65535", port.get()),
        &format!("write an offset of at most {}", 65_535 - u32::from(port.get())),
    );
}

/// Whether two listeners cannot both be opened: one port, and one address or a wildcard.
fn overlap(one: SocketAddr, two: SocketAddr) -> bool {
    let (a, b) = (one.ip().to_canonical(), two.ip().to_canonical());
    one.port() == two.port() && (a == b || a.is_unspecified() || b.is_unspecified())
}

/// File, form, key file and alias of a key store section.
type KeystoreFiles = (Option<PathBuf>, KeystoreType, Option<PathBuf>, Option<String>);

fn keystore(
    name: &str,
    (file_name, kind, key_file, alias): KeystoreFiles,
    (password, key_password): (Option<SecretRef>, Option<SecretRef>),
    cx: &mut Context<'_>,
) -> Option<Option<Keystore>> {
    let Some(path) = file_name else {
        if password.is_some() || key_file.is_some() || alias.is_some() {
            missing(
                &format!("{name}.file_name"),
                "the other settings of this section are about a file",
                "add file_name, or remove the section to use generated keys",
                cx,
            );
            return None;
        }
        return Some(None);
    };
    if kind != KeystoreType::Pem {
        cx.unused(name, &["key_file"], "the private key is in the key store; a file of its own belongs to type PEM");
    }
    let file = match kind {
        KeystoreType::Pem => {
            let Some(key) = key_file else {
                missing(
                    &format!("{name}.key_file"),
                    "type PEM has the private key in a file of its own",
                    "add key_file = \"key.pem\"",
                    cx,
                );
                return None;
            };
            KeystoreFile::Pem { chain: path, key, password: key_password.or(password) }
        }
        KeystoreType::Pkcs12 => {
            cx.unused(name, &["key_password"], "a PKCS#12 key store has one password for everything");
            KeystoreFile::Pkcs12 { path, password: store_password(name, password, cx)? }
        }
        KeystoreType::Jks => KeystoreFile::Jks { path, password: store_password(name, password, cx)?, key_password },
    };
    Some(Some(Keystore { file, alias }))
}

fn store_password(name: &str, password: Option<SecretRef>, cx: &mut Context<'_>) -> Option<SecretRef> {
    if password.is_none() {
        let path = format!("{name}.password");
        let fix = format!("add password = \"$secret{{{}}}\"", secret::alias_for(&path));
        missing(&path, "a key store of this type has a password", &fix, cx);
    }
    password
}

fn truststore(cx: &mut Context<'_>) -> Option<Option<Truststore>> {
    let section = read_one::<TruststoreSection>(cx)?;
    let Some(path) = section.file_name else { return Some(None) };
    let password = match section.kind {
        KeystoreType::Pem => section.password,
        KeystoreType::Pkcs12 | KeystoreType::Jks => {
            Some(store_password(TruststoreSection::NAME, section.password, cx)?)
        }
    };
    Some(Some(Truststore { path, kind: section.kind, password }))
}

fn cors(cx: &mut Context<'_>) -> Option<CorsSection> {
    let section = read_one::<CorsSection>(cx)?;
    if section.allow_credentials && section.allow_origins.as_slice().contains(&Origin::Any) {
        let at = place("apim.cors.allow_credentials", cx);
        "apim.cors.allow_credentials".clone_into(&mut cx.path);
        cx.fault(
            at,
            "X07.1",
            "credentials for any origin",
            "every web page could call APIs with the visitor's credentials",
            "list the origins in allow_origins, or set allow_credentials = false",
        );
        return None;
    }
    Some(section)
}

fn environments(
    server: Option<&Server>,
    listeners: Option<&Listeners>,
    cx: &mut Context<'_>,
) -> Option<Vec<Environment>> {
    let sections = read_many::<EnvironmentSection>(cx)?;
    let own = VirtualHost {
        host: server?.hostname.clone(),
        http_port: listeners?.gateway_http.map_or(0, |address| address.port()),
        http_context: String::new(),
        https_port: listeners?.gateway_https.map_or(0, |address| address.port()),
    };
    let mut environments: Vec<Environment> = Vec::new();
    let mut right = true;
    for (index, section) in sections.into_iter().enumerate() {
        if environments.iter().any(|other| other.name == section.name) {
            let at = place("apim.gateway.environment", cx);
            cx.fault_at(
                &format!("apim.gateway.environment[{}].name", index + 1),
                at,
                codes::BAD_VALUE,
                "two environments with one name",
                &format!("\"{}\" is there already", section.name),
                "give each environment a name of its own",
            );
            right = false;
        }
        environments.push(environment(section, &own));
    }
    right.then_some(environments)
}

fn environment(section: EnvironmentSection, own: &VirtualHost) -> Environment {
    let host = |http: Option<Endpoint>, https: Option<Endpoint>| {
        let named = https.as_ref().or(http.as_ref());
        VirtualHost {
            host: named.map_or_else(|| own.host.clone(), |endpoint| endpoint.host.clone()),
            http_context: named.map_or_else(String::new, |endpoint| endpoint.path.clone()),
            http_port: http.and_then(|endpoint| endpoint.port).unwrap_or(own.http_port),
            https_port: https.and_then(|endpoint| endpoint.port).unwrap_or(own.https_port),
        }
    };
    let further = section.virtual_hosts.unwrap_or_default().into_iter();
    let mut virtual_hosts = vec![host(section.http_endpoint, section.https_endpoint)];
    virtual_hosts.extend(further.map(|section| host(section.http_endpoint, Some(section.https_endpoint))));
    Environment {
        display_name: section.display_name.unwrap_or_else(|| section.name.clone()),
        name: section.name,
        description: section.description.unwrap_or_default(),
        kind: section.kind,
        virtual_hosts,
    }
}

fn vault(cx: &mut Context<'_>) -> Option<VaultKey> {
    let section = read_one::<VaultSection>(cx)?;
    let of_sources = [
        (VaultKeySource::File, "key_file"),
        (VaultKeySource::Env, "key_variable"),
        (VaultKeySource::Systemd, "credential"),
        (VaultKeySource::Passphrase, "passphrase"),
    ];
    for (_, key) in of_sources.iter().filter(|(source, _)| *source != section.key_source) {
        cx.unused(VaultSection::NAME, &[key], "it belongs to another key_source");
    }
    match section.key_source {
        VaultKeySource::File => Some(VaultKey::File(section.key_file)),
        VaultKeySource::Env => Some(VaultKey::Env(section.key_variable)),
        VaultKeySource::Systemd => Some(VaultKey::Systemd(section.credential)),
        VaultKeySource::Passphrase => match section.passphrase {
            Some(SecretRef::Vault(_)) => {
                let at = place("vault.passphrase", cx);
                "vault.passphrase".clone_into(&mut cx.path);
                cx.bad_value(
                    at,
                    "the passphrase opens the vault, so it cannot be inside",
                    "write \"$env{VARIABLE}\" or \"$file{path}\"",
                );
                None
            }
            Some(passphrase) => Some(VaultKey::Passphrase(passphrase)),
            None => {
                missing(
                    "vault.passphrase",
                    "key_source = \"passphrase\" needs the place of the passphrase",
                    "add passphrase = \"$env{VARIABLE}\" or \"$file{path}\"",
                    cx,
                );
                None
            }
        },
    }
}
