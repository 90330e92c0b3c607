//! No setting does nothing: where each is used, by file and text. A new setting needs a row here, and a row that no longer
//! holds fails.

use std::collections::BTreeMap;

use super::sections::settings;

/// Path of the setting, file below `src`, and what that file says when it uses it.
const USES: &[(&str, &str, &str)] = &[
    ("server.hostname", "first_boot.rs", "config.server.hostname"),
    ("server.offset", "config/resolve.rs", "port.shifted(offset)"),
    ("super_admin.username", "first_boot.rs", "admin.username"),
    ("super_admin.password", "first_boot.rs", "admin.password"),
    ("super_admin.create_admin_account", "first_boot.rs", "config.first_admin"),
    ("transport.https.properties.port", "serve/listeners.rs", "listeners.console"),
    ("transport.https.properties.bind_address", "serve/listeners.rs", "listeners.console"),
    ("transport.https.properties.server", "serve/listeners.rs", "listeners.server_header"),
    ("transport.passthru_https.listener.enable", "serve/data_plane.rs", "listeners.gateway_https"),
    ("transport.passthru_https.listener.port", "serve/data_plane.rs", "listeners.gateway_https"),
    ("transport.passthru_https.listener.bind_address", "serve/data_plane.rs", "listeners.gateway_https"),
    ("transport.passthru_http.listener.enable", "serve/data_plane.rs", "listeners.gateway_http {"),
    ("transport.passthru_http.listener.port", "serve/data_plane.rs", "listeners.gateway_http {"),
    ("transport.passthru_http.listener.bind_address", "serve/data_plane.rs", "listeners.gateway_http {"),
    ("status.enable", "serve/listeners.rs", "listeners.status"),
    ("status.port", "serve/listeners.rs", "listeners.status"),
    ("status.bind_address", "serve/listeners.rs", "listeners.status"),
    ("keystore.tls.file_name", "serve/tls.rs", "config.tls_keystore"),
    ("keystore.tls.type", "serve/tls.rs", "config.tls_keystore"),
    ("keystore.tls.password", "serve/tls.rs", "password"),
    ("keystore.tls.key_password", "serve/tls.rs", "key_password"),
    ("keystore.tls.alias", "serve/tls.rs", "alias"),
    ("keystore.tls.key_file", "serve/tls.rs", "KeystoreFile::Pem"),
    ("keystore.primary.file_name", "serve/tls.rs", "config.signing_keystore"),
    ("keystore.primary.type", "serve/tls.rs", "config.signing_keystore"),
    ("keystore.primary.password", "serve/tls.rs", "password"),
    ("keystore.primary.key_password", "serve/tls.rs", "key_password"),
    ("keystore.primary.alias", "serve/tls.rs", "alias"),
    ("keystore.primary.key_file", "serve/tls.rs", "KeystoreFile::Pem"),
    ("truststore.file_name", "serve/egress.rs", "truststore.path"),
    ("truststore.type", "serve/egress.rs", "truststore.kind"),
    ("truststore.password", "serve/egress.rs", "truststore.password"),
    ("database.apim_db.type", "installation.rs", "match &config.database"),
    ("database.apim_db.url", "installation.rs", "Database::Sqlite { path }"),
    ("database.apim_db.hostname", "installation.rs", "PostgresHost::Tcp(host, port)"),
    ("database.apim_db.port", "installation.rs", "PostgresHost::Tcp(host, port)"),
    ("database.apim_db.name", "installation.rs", "postgres.database"),
    ("database.apim_db.username", "installation.rs", "postgres.username"),
    ("database.apim_db.password", "installation.rs", "postgres.password"),
    ("database.apim_db.pool_options.maxActive", "installation.rs", "postgres.max_connections"),
    ("database.apim_db.pool_options.maxWait", "installation.rs", "postgres.acquire_timeout"),
    // One word is possible; every other is refused with what to write.
    ("user_store.type", "config/resolve.rs", "user_store(&section.kind, cx)"),
    ("session_data.cleanup.enable_expired_data_cleanup", "serve/background.rs", "cleanup.enabled"),
    ("session_data.cleanup.clean_expired_session_data_every", "serve/background.rs", "cleanup.every"),
    ("session_data.cleanup.clean_expired_session_data_in_chunks_of", "serve.rs", "config.cleanup.chunk"),
    ("oauth.token_validation.app_access_token_validity", "serve.rs", "config.oauth.app_access_token_validity"),
    ("oauth.token_validation.user_access_token_validity", "serve.rs", "config.oauth.user_access_token_validity"),
    ("oauth.token_validation.refresh_token_validity", "serve.rs", "config.oauth.refresh_token_validity"),
    ("oauth.grant_type.password.enable", "serve.rs", "config.oauth.password_grant"),
    ("apim.oauth_config.auth_header", "serve/data_plane.rs", "config.gateway_token.auth_header"),
    (
        "apim.oauth_config.enable_outbound_auth_header",
        "serve/data_plane.rs",
        "config.gateway_token.enable_outbound_auth_header",
    ),
    ("apim.cors.enable", "serve/data_plane.rs", "cors.enable"),
    ("apim.cors.allow_origins", "serve/data_plane.rs", "cors.allow_origins"),
    ("apim.cors.allow_methods", "serve/data_plane.rs", "cors.allow_methods"),
    ("apim.cors.allow_headers", "serve/data_plane.rs", "cors.allow_headers"),
    ("apim.cors.allow_credentials", "serve/data_plane.rs", "cors.allow_credentials"),
    ("apim.throttling.enable_unlimited_tier", "serve.rs", "config.throttling.enable_unlimited_tier"),
    ("apim.devportal.enable_anonymous_mode", "serve.rs", "config.devportal.enable_anonymous_mode"),
    ("apim.gateway.environment[].name", "serve.rs", "configured.name"),
    ("apim.gateway.environment[].display_name", "serve.rs", "configured.display_name"),
    ("apim.gateway.environment[].description", "serve.rs", "configured.description"),
    ("apim.gateway.environment[].type", "serve.rs", "configured.kind"),
    ("apim.gateway.environment[].http_endpoint", "serve.rs", "host.http_port"),
    ("apim.gateway.environment[].https_endpoint", "serve.rs", "host.https_port"),
    ("apim.gateway.environment[].virtual_host", "serve.rs", "configured.virtual_hosts"),
    ("apim.gateway.environment[].virtual_host[].http_endpoint", "serve.rs", "host.http_port"),
    ("apim.gateway.environment[].virtual_host[].https_endpoint", "serve.rs", "host.https_port"),
    ("logging.format", "serve.rs", "logging.format"),
    ("logging.level", "serve.rs", "logging.level"),
    ("logging.file", "serve.rs", "logging.file"),
    ("logging.rotate_size", "serve.rs", "logging.rotate_size"),
    ("logging.rotate_interval", "serve.rs", "logging.rotate_interval"),
    ("logging.keep", "serve.rs", "logging.keep"),
    ("egress.allow", "serve/egress.rs", "config.egress_rules()"),
    ("vault.key_source", "installation.rs", "match &config.vault"),
    ("vault.key_file", "installation.rs", "VaultKey::File(Some(path))"),
    ("vault.key_variable", "installation.rs", "VaultKey::Env(name)"),
    ("vault.credential", "installation.rs", "VaultKey::Systemd(name)"),
    ("vault.passphrase", "installation.rs", "VaultKey::Passphrase(place)"),
    ("gateway.workers", "serve/data_plane.rs", "limits.workers"),
    ("gateway.max_connections", "serve/data_plane.rs", "limits.max_connections"),
    ("gateway.max_header_size", "serve/data_plane.rs", "limits.max_header_size"),
    ("gateway.max_body_size", "serve/data_plane.rs", "limits.max_body_size"),
    ("gateway.header_timeout", "serve/data_plane.rs", "limits.header_timeout"),
    ("gateway.idle_timeout", "serve/data_plane.rs", "limits.idle_timeout"),
    ("gateway.connect_timeout", "serve/data_plane.rs", "limits.connect_timeout"),
    ("gateway.response_timeout", "serve/data_plane.rs", "limits.response_timeout"),
];

#[test]
fn every_setting_is_used_somewhere() {
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut uses: BTreeMap<&str, bool> = USES.iter().map(|(path, ..)| (*path, false)).collect();
    assert_eq!(uses.len(), USES.len(), "one row for each setting");
    for setting in settings() {
        let path = setting.path();
        let declared = uses.get_mut(path.as_str()).unwrap_or_else(|| panic!("say in USES where {path} is used"));
        *declared = true;
    }
    let gone: Vec<&&str> = uses.iter().filter(|(_, declared)| !**declared).map(|(path, _)| path).collect();
    assert!(gone.is_empty(), "no settings any more: {gone:?}");
    for (path, file, text) in USES {
        let code = std::fs::read_to_string(source.join(file)).unwrap();
        // Blanks do not count: a long expression stands on several lines.
        let squeezed = |text: &str| text.split_whitespace().collect::<String>();
        assert!(squeezed(&code).contains(&squeezed(text)), "{file} does not use {path} as `{text}` any more");
    }
}
