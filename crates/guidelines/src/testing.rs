//! Postures that keep every rule, and short ways to change them.

mod probed;

use std::collections::BTreeMap;

use crate::{
    Accounts, Administrator, AuditTrail, CallbackPattern, CertificateFacts, CertificateFault, CertificateRule, Cleanup,
    Connection, ConnectionPurpose, DatabaseFacts, Egress, EgressRule, EgressRuleKind, FileFacts, FileKind,
    KeystoreFacts, KeystorePurpose, Limits, ListenerFacts, LogConfiguration, LogSink, Observed, Posture, ProcessFacts,
    Program, Protection, RoleRights, SecretFacts, Setting, SettingValue, StartScript, TlsEndpoint, TlsRole, Tokens,
    VaultKeySource, WebApplication, Wso2Home, Wso2Product, Wso2User,
};

/// An exposed installation that keeps every rule.
pub(crate) fn good() -> Posture {
    Posture {
        taken_at: 1_795_300_000_000,
        is_wso2: false,
        tls_probes: probed::tls_probes(),
        exchanges: probed::exchanges(),
        default_credentials: probed::attempts(),
        anonymous_routes: probed::attempts(),
        forged_tokens: probed::attempts(),
        log_forging: probed::attempts(),
        secret_scan: probed::attempts(),
        database_attempts: probed::attempts(),
        inward_requests: probed::attempts(),
        wrong_peers: probed::attempts(),
        admin_paths: probed::attempts(),
        anonymous_identity: probed::attempts(),
        password_grant: probed::attempts(),
        confinement: probed::confinement(),
        secure_shell: probed::secure_shell(),
        updates: probed::updates(),
        firewall: probed::firewall(),
        listening: probed::listening(),
        monitoring: probed::monitoring(),
        kernel: probed::kernel(),
        software: probed::software(),
        backups: probed::backups(),
        listeners: Observed::Known(vec![
            listener("management", "10.0.0.5:19443", true, true),
            listener("gateway", "203.0.113.5:18243", true, false),
            listener("plain gateway", "127.0.0.1:18280", false, false),
            listener("status", "127.0.0.1:19201", true, false),
        ]),
        keystores: keystores(),
        secrets: Observed::Known(SecretFacts {
            searched: 2,
            key_source: Some(VaultKeySource::File),
            ..SecretFacts::default()
        }),
        files: files(),
        connections: connections(),
        database: Observed::Known(DatabaseFacts {
            role: RoleRights { name: "portcullis".into(), ..RoleRights::default() },
        }),
        cleanup: cleanup(),
        tls: tls_endpoints(),
        accounts: Observed::Known(Accounts {
            total: 4,
            administrators: vec![Administrator {
                name: "owner".into(),
                ever_signed_in: Some(true),
                second_factor: Some(true),
                other_roles: vec!["Internal/everyone".into()],
            }],
            lock_after: Some(5),
            min_password: 12,
            breach_list: true,
            ..Accounts::default()
        }),
        logs: logs(),
        audit_trail: Observed::Known(AuditTrail { records: 12, broken_at: None }),
        egress: Observed::Known(Egress {
            rules: vec![EgressRule {
                text: "10.20.30.0/24".into(),
                kind: EgressRuleKind::Network { prefix: 24, v6: false, link_local: false, loopback: false },
            }],
        }),
        tokens: tokens(),
        limits: Observed::Known(Limits {
            place: "deployment.toml".into(),
            head_bytes: Some(32 << 10),
            body_bytes: Some(64 << 20),
            head_seconds: Some(10),
            connections: Some(10_000),
        }),
        api_contexts: Observed::Known(vec![("/pizza/1.0".into(), "API Pizza 1.0".into())]),
        process: Observed::Known(ProcessFacts {
            uid: 990,
            open_files: Some(65_536),
            open_files_needed: 20_128,
            memory_ceiling: Some(4 << 30),
            memory_needed: 1 << 30,
            free_bytes: Some(20 << 30),
            data_bytes: 1 << 20,
        }),
        program: Observed::Known(Program {
            version: "1.0.0".into(),
            age_days: Some(3),
            advisories: Some(Vec::new()),
            advisories_age_days: Some(1),
            nodes: Some(2),
            ..Program::default()
        }),
        wso2: Observed::Absent("an installation of Portcullis".into()),
    }
}

/// The home of an API Manager that keeps every rule.
pub(crate) fn good_wso2() -> Posture {
    let place = |line: u32| format!("repository/conf/deployment.toml:{line}");
    let settings: BTreeMap<String, Setting> = HARDENED
        .iter()
        .zip(1..)
        .map(|((key, value), line)| {
            ((*key).to_owned(), Setting { value: SettingValue::Text((*value).to_owned()), place: place(line) })
        })
        .collect();
    let options = [
        "-Xms2048m",
        "-Xmx2048m",
        "-Djdk.tls.ephemeralDHKeySize=2048",
        "-Djdk.tls.rejectClientInitiatedRenegotiation=true",
        "-Dhttpclient.hostnameVerifier=Strict",
        "-Dorg.opensaml.httpclient.https.disableHostnameVerification=false",
    ];
    Posture {
        is_wso2: true,
        program: Observed::Absent("the home of a WSO2 product".into()),
        process: Observed::Absent("the home of a WSO2 product".into()),
        wso2: Observed::Known(Wso2Home {
            product: Wso2Product::ApiManager,
            version: Some("4.5.0".into()),
            updated: Some(true),
            config_place: "repository/conf/deployment.toml".into(),
            settings,
            scripts: vec![StartScript {
                place: "bin/api-manager.sh".into(),
                options: options.iter().zip(300..).map(|(option, line)| ((*option).to_owned(), line)).collect(),
                refuses_root: false,
            }],
            log: Some(LogConfiguration {
                place: "repository/conf/log4j2.properties".into(),
                levels: vec![("rootLogger".into(), "INFO".into(), 20)],
                masks: true,
            }),
            users: vec![Wso2User { name: "platform-owner".into(), admin: true, place: place(3) }],
            callbacks: ["recovery", "user_self_registration", "lite_user_registration"]
                .map(|part| CallbackPattern {
                    key: format!("identity_mgt.{part}.callback_url"),
                    place: place(9),
                    in_use: true,
                    pattern: Some("^https://portal\\.example\\.com/.*$".into()),
                })
                .into(),
            webapps: vec![WebApplication {
                place: "a/WEB-INF/web.xml".into(),
                cache_filter: true,
                header_filter: true,
            }],
            session_id_bytes: Some((16, "repository/conf/tomcat/context.xml".into())),
            service_accounts: vec![("apim.key_manager.username".into(), place(30), false)],
            ..Wso2Home::default()
        }),
        ..good()
    }
}

/// Runs a change on the home of a WSO2 product instead of an installation of Portcullis.
pub(crate) fn wso2(posture: &mut Posture, change: fn(&mut Posture)) {
    if !posture.is_wso2 {
        *posture = good_wso2();
    }
    change(posture);
}

/// The same home as Micro Integrator.
pub(crate) fn mi(posture: &mut Posture, change: fn(&mut Posture)) {
    posture.wso2.known_mut().unwrap().product = Wso2Product::MicroIntegrator;
    change(posture);
}

/// Writes a setting.
pub(crate) fn set(posture: &mut Posture, key: &str, value: &str) {
    let setting = Setting { value: SettingValue::Text(value.to_owned()), place: "deployment.toml:7".to_owned() };
    posture.wso2.known_mut().unwrap().settings.insert(key.to_owned(), setting);
}

/// Leaves a setting out.
pub(crate) fn unset(posture: &mut Posture, key: &str) {
    posture.wso2.known_mut().unwrap().settings.remove(key);
}

/// Replaces the options with a prefix by another one; by nothing when it is empty.
pub(crate) fn option(posture: &mut Posture, prefix: &str, option: &str) {
    for script in &mut posture.wso2.known_mut().unwrap().scripts {
        script.options.retain(|(given, _)| !given.starts_with(prefix));
        if !option.is_empty() {
            script.options.push((option.to_owned(), 301));
        }
    }
}

/// Breaks a certificate rule in a store.
pub(crate) fn cert(posture: &mut Posture, store: usize, rule: CertificateRule) {
    let fault = CertificateFault { rule, observed: "seen".into(), fix: "do".into() };
    posture.keystores.known_mut().unwrap()[store].certificates[0].faults.push(fault);
}

/// A connection of a purpose.
pub(crate) fn conn(posture: &mut Posture, purpose: ConnectionPurpose) -> &mut Connection {
    posture.connections.known_mut().unwrap().iter_mut().find(|c| c.purpose == purpose).unwrap()
}

/// A file of a kind.
pub(crate) fn file(posture: &mut Posture, kind: FileKind) -> &mut FileFacts {
    posture.files.known_mut().unwrap().iter_mut().find(|file| file.kind == kind).unwrap()
}

/// Another file.
pub(crate) fn stray(posture: &mut Posture, kind: FileKind, path: &str) {
    posture.files.known_mut().unwrap().push(FileFacts { path: path.into(), kind, mode: 0o100_600, owner: 990 });
}

/// Another exception for outgoing calls.
pub(crate) fn exception(posture: &mut Posture, text: &str, kind: EgressRuleKind) {
    posture.egress.known_mut().unwrap().rules.push(EgressRule { text: text.into(), kind });
}

/// A TLS endpoint.
pub(crate) fn tls(posture: &mut Posture, index: usize) -> &mut TlsEndpoint {
    &mut posture.tls.known_mut().unwrap()[index]
}

fn listener(name: &str, address: &str, tls: bool, administrative: bool) -> ListenerFacts {
    ListenerFacts {
        name: name.into(),
        port_key: format!("{name}.port"),
        address_key: format!("{name}.bind_address"),
        off: format!("{name}.enable = false"),
        address: address.parse().unwrap(),
        tls,
        administrative,
    }
}

fn keystores() -> Observed<Vec<KeystoreFacts>> {
    let store = |place: &str, purpose, key: &str, has_key| KeystoreFacts {
        place: place.into(),
        purpose,
        section: "keystore.tls".into(),
        format: "PKCS12".into(),
        wanted_names: if purpose == KeystorePurpose::Tls { vec!["gw.example.com".into()] } else { Vec::new() },
        certificates: vec![CertificateFacts {
            alias: "own".into(),
            has_key,
            fingerprint: key.into(),
            key_fingerprint: key.into(),
            names: vec!["*.example.com".into()],
            days_left: 200,
            validity_days: 365,
            faults: Vec::new(),
        }],
        ..KeystoreFacts::default()
    };
    Observed::Known(vec![
        store("tls.p12", KeystorePurpose::Tls, "aa", true),
        store("trust.p12", KeystorePurpose::Trust, "bb", false),
        store("signing.p12", KeystorePurpose::Signing, "cc", true),
    ])
}

fn files() -> Observed<Vec<FileFacts>> {
    let file = |path: &str, kind, mode| FileFacts { path: path.into(), kind, mode, owner: 990 };
    Observed::Known(vec![
        file("security/tls-key.pem", FileKind::PrivateKey, 0o100_600),
        file("deployment.toml", FileKind::Configuration, 0o100_640),
        file("security", FileKind::KeyDirectory, 0o040_700),
        file("data/portcullis.db", FileKind::Database, 0o100_600),
        file("logs/server.log", FileKind::Log, 0o100_640),
        file("bin/portcullis", FileKind::Program, 0o100_755),
        file(".", FileKind::Home, 0o040_750),
    ])
}

fn connections() -> Observed<Vec<Connection>> {
    let all = [
        ConnectionPurpose::Database,
        ConnectionPurpose::UserStore,
        ConnectionPurpose::Mail,
        ConnectionPurpose::Peer,
        ConnectionPurpose::Broker,
    ];
    let connection = |purpose| Connection {
        purpose,
        key: "database.apim_db.url".into(),
        place: "deployment.toml:5".into(),
        target: "db.example.com".into(),
        local: false,
        protection: Protection::Verified,
        remedy: "?sslmode=verify-full".into(),
        user: "apim".into(),
        default_credentials: false,
        embedded_example: false,
    };
    Observed::Known(all.map(connection).into())
}

fn cleanup() -> Observed<Cleanup> {
    Observed::Known(Cleanup {
        enabled: true,
        every_seconds: 86_400,
        chunk: 8192,
        place: "deployment.toml".into(),
        overdue_rows: Some(0),
    })
}

fn tls_endpoints() -> Observed<Vec<TlsEndpoint>> {
    let endpoint = |name: &str, role, gateway| TlsEndpoint {
        name: name.into(),
        role,
        gateway,
        protocol_key: "protocols".into(),
        protocol_place: "deployment.toml:8".into(),
        protocols: vec!["TLSv1.2".into(), "TLSv1.3".into()],
        cipher_key: "ciphers".into(),
        cipher_place: "deployment.toml:9".into(),
        ciphers: Some(vec!["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384".into(), "TLS13_AES_128_GCM_SHA256".into()]),
        groups: Some(vec!["X25519MLKEM768".into(), "X25519".into(), "secp256r1".into()]),
    };
    Observed::Known(vec![
        endpoint("management", TlsRole::Listener, false),
        endpoint("gateway", TlsRole::Listener, true),
        endpoint("backends", TlsRole::Sender, true),
    ])
}

fn logs() -> Observed<Vec<LogSink>> {
    let sink = |name: &str, audit| LogSink {
        name: name.into(),
        place: "log4j2.properties:1".into(),
        prefix: format!("appender.{name}"),
        audit,
        by_size: true,
        by_time: true,
        keep: Some(20),
        distinct_names: true,
        record_id: true,
        tenant: true,
        escapes: true,
        attached: true,
    };
    Observed::Known(vec![sink("CARBON_LOGFILE", false), sink("AUDIT_LOGFILE", true)])
}

fn tokens() -> Observed<Tokens> {
    Observed::Known(Tokens {
        place: "deployment.toml".into(),
        application_seconds: 3600,
        user_seconds: 3600,
        refresh_seconds: 86_400,
        cors_origins: vec!["*".into()],
        anonymous_portal: true,
        ..Tokens::default()
    })
}

/// Hardened settings, by dotted path.
const HARDENED: &[(&str, &str)] = &[
    ("apim.enable_secure_vault", "true"),
    ("system.parameter.org.wso2.CipherTransformation", "AES/GCM/NoPadding"),
    ("system.parameter.org.wso2.SecureVaultPasswordRegEx", "^[\\S]{12,128}$"),
    ("monitoring.jmx.rmi_server_start", "false"),
    ("broker.transport.amqp.default_connection.enabled", "false"),
    ("apim.ws.enable", "false"),
    ("apim.webhooks.http.enable", "false"),
    ("mediation.internal_http_api_enable", "false"),
    ("user_store.anonymous_bind", "false"),
    ("user_store.write_groups", "false"),
    ("user_store.properties.ssl_certificate_validation_enabled", "true"),
    ("transport.passthru_https.listener.cert_revocation_validation.enable", "true"),
    ("transport.http.sender.certificate_revocation_verifier_enable", "true"),
    ("transport.https.properties.server", "server"),
    ("transport.http.properties.server", "server"),
    ("server.serverDetails", "server"),
    ("server.userAgent", "client"),
    ("transport.client.send_stacktrace_details_with_fault", "false"),
    ("http_header_security_filter.hsts.enabled", "true"),
    ("transport.passthru_https.sender.parameters.HostnameVerifier", "Strict"),
    ("transport.wss.sender.parameters.ws.client.enable.hostname.verification", "true"),
    ("transport.http.sender.hostname_verifier", "Strict"),
    ("owasp.csrfguard.token_length", "32"),
    ("http_header_security_filter.anti_click_jacking.enabled", "true"),
    ("tomcat.global.session_timeout", "30m"),
    ("tomcat.management_console.session_timeout", "15m"),
    ("web_app.cookie_processor.same_site_cookies", "strict"),
    ("session.timeout.idle_session_timeout", "15m"),
    ("session.timeout.remember_me_session_timeout", "14d"),
    ("super_admin.username", "platform-owner"),
    ("admin_console.control_access.enable", "true"),
    ("web_app.control_access.enable", "true"),
    ("admin_service.wsdl.enable", "false"),
    ("server.enable_shutdown_from_api", "false"),
    ("server.enable_restart_from_api", "false"),
    ("system.parameter.disableLegacyAuditLogs", "false"),
    ("identity_mgt.user_self_registration.lock_on_creation", "true"),
    ("management_api.protocols", "https"),
    ("management_api.jwt_token_security_handler.enable", "true"),
    ("management_api.authorization_handler.enable", "true"),
    ("management_api.basic_security_handler.enable", "false"),
    ("management_api.cors.allowed_origins", "https://console.example.com"),
    ("prometheus_api.protocols", "https"),
    ("prometheus_api.basic_security_handler.enable", "true"),
    ("readiness_probe.protocols", "https"),
    ("liveness_probe.protocols", "https"),
    ("server.hot_deployment", "false"),
    ("management_api.jwt_token_security_handler.token_config.expiry", "3600"),
    ("management_api.jwt_token_security_handler.token_config.size", "2048"),
    ("super_admin.create_admin_account", "false"),
    ("internal_apis.file_user_store.enable", "false"),
    ("clustering.membership_scheme", "wka"),
    ("clustering.local_member_host", "10.0.0.5"),
    ("clustering.domain", "example.prod"),
    ("oauth.token_cleanup.enable", "true"),
    ("session_data.cleanup.enable_pre_session_data_cleanup", "true"),
    ("identity.auth_framework.endpoint.app_password", "$secret{app_password}"),
    ("system.parameter.tryItFunctionalityDisabled", "true"),
    ("synapse_properties.limit_java_class_access_in_scripts.enable", "true"),
    ("synapse_properties.limit_java_class_access_in_scripts.list_type", "ALLOW_LIST"),
    ("synapse_properties.limit_java_native_object_access_in_scripts.enable", "true"),
    ("synapse_properties.limit_java_native_object_access_in_scripts.list_type", "ALLOW_LIST"),
    ("apim.mediation.enable_secure_xml_processing", "true"),
    ("encryption.key", "$secret{encryption_key}"),
    ("transport.https.properties.maxHttpHeaderSize", "32768"),
    ("apim.oauth_config.enable_token_hashing", "true"),
    ("user_store.type", "read_only_ldap_unique_id"),
    ("apim.event_hub.enable", "true"),
    ("servlet_access_control_filter.0.url", "/carbon"),
    ("identity_mgt.user_self_registration.allow_self_registration", "true"),
    ("admin_console.control_access.allow", "10.0.0.9"),
];
