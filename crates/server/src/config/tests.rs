//! What the operator is told, word by word, and what is derived from the settings.

use std::collections::BTreeSet;

use super::*;

fn env(name: &str) -> Option<String> {
    match name {
        "PORT" => Some("9555".to_owned()),
        "TEXT" => Some("text".to_owned()),
        "DB_PASSWORD" => Some("secret".to_owned()),
        _ => None,
    }
}

fn load_text(text: &str) -> Result<Loaded, Vec<Diagnostic>> {
    load_texts(&[("d.toml".to_owned(), text.to_owned())], &env)
}

fn errors(text: &str) -> Vec<String> {
    match load_text(text) {
        Ok(_) => Vec::new(),
        Err(findings) => {
            findings.iter().filter(|finding| finding.severity == Severity::Error).map(Diagnostic::render).collect()
        }
    }
}

fn config(text: &str) -> Config {
    match load_text(text) {
        Ok(loaded) => loaded.config,
        Err(findings) => panic!("{}", render_all(&findings)),
    }
}

/// A file with a mistake, and the whole message.
const MESSAGES: &[(&str, &str)] = &[
    (
        "[server]\nhostnmae = \"a\"\n",
        "error[CFG005]: unknown key in d.toml:2:1 [server] hostnmae\n  why: neither Portcullis nor WSO2 has a key of \
             this name, so it would do nothing\n  fix: write server.hostname; if that is not what you mean, remove the key",
    ),
    (
        "[servr]\nhostname = \"a\"\n",
        "error[CFG005]: unknown key in d.toml:1:2 servr\n  why: neither Portcullis nor WSO2 has a key of this name, so \
             it would do nothing\n  fix: write server; if that is not what you mean, remove the key",
    ),
    (
        "[server]\noffset = \"three\"\n",
        "error[CFG006]: wrong type in d.toml:2:10 [server] offset\n  why: this is text, the setting takes a whole number \
             from 0 to 64535 without quotes\n  fix: write a whole number from 0 to 64535 without quotes",
    ),
    (
        "[server]\noffset = 60000\n",
        "error[CFG007]: offset too large in d.toml:2:10 [server] offset\n  why: transport.https.properties.port 9443 \
             and the offset 60000 are more than 65535\n  fix: write an offset of at most 56092",
    ),
    (
        "[status]\nport = 8243\n",
        "error[CFG010]: two listeners on one port in d.toml:2:8 [status] port\n  why: \
             transport.passthru_https.listener.port is 8243 too\n  fix: give one of them another port",
    ),
    (
        "[database.apim_db]\ntype = \"mysql\"\n",
        "error[CFG012]: database type not supported in d.toml:2:8 [database.apim_db] type\n  why: Portcullis runs on \
             SQLite and PostgreSQL, there is no driver for mysql\n  fix: write type = \"sqlite\" (embedded) or type = \
             \"postgresql\" with the url of a PostgreSQL server",
    ),
    (
        "[keystore.tls]\nfile_name = \"a.p12\"\npassword = \"hunter2\"\n",
        "error[A03.2]: plain-text secret in d.toml:3:12 [keystore.tls] password\n  why: everyone who can read the file, \
             a backup or a log of it has the secret\n  fix: write \"$secret{tls_password}\" here, then run `portcullis vault encrypt --alias tls_password`, which reads the value and seals it",
    ),
    (
        "[super_admin]\nusername = \"admin\"\npassword = \"admin\"\n",
        "error[A18.1]: publicly known password in d.toml:3:12 [super_admin] password\n  why: this password is printed in \
             manuals, whoever reads them is administrator\n  fix: remove it: the first start prints a one-time set-up link; \
             for a headless set-up use $secret{admin_password}",
    ),
    (
        "[transport.https.sslHostConfig.properties]\nprotocols = \"+TLSv1,+TLSv1.2\"\n",
        "error[A08.1]: protocol version refused in d.toml:2:13 [transport.https.sslHostConfig.properties] \
             protocols\n  why: SSL, TLS 1.0 and TLS 1.1 are broken; every listener and sender speaks TLS 1.2 and 1.3 \
             only\n  fix: remove the key, or write TLSv1.2,TLSv1.3",
    ),
    (
        "[transport.passthru_https.sender.parameters]\nHostnameVerifier = \"AllowAll\"\n",
        "error[A15.1]: host name verification cannot be switched off in d.toml:2:20 \
             [transport.passthru_https.sender.parameters] HostnameVerifier\n  why: with AllowAll whoever is between can answer \
             in the backend's name\n  fix: remove the key; for a private authority add its certificate with [truststore] \
             file_name",
    ),
    (
        "[server]\nhostname = \"$env{NOT_SET}\"\n",
        "error[CFG008]: environment variable not set in d.toml:2:12 [server] hostname\n  why: $env{NOT_SET} has no value \
             in the environment of this process\n  fix: set NOT_SET before the start, or write the value here",
    ),
    (
        "[server]\nhostname = \"$sys{carbon.host}\"\n",
        "error[CFG009]: reference not available in d.toml:2:12 [server] hostname\n  why: $sys{carbon.host} is a property \
             of WSO2's Java process\n  fix: write the value, $env{VARIABLE} or $ref{other.key}",
    ),
    (
        "[keystore.tls]\nfile_name = \"a.p12\"\npassword = \"$secret{tls_pasword}\"\n[secrets]\ntls_password = \
             \"{v1:1:abc}\"\n",
        "error[CFG009]: no such secret in d.toml:3:12 [keystore.tls] password\n  why: [secrets] has no alias \
             tls_pasword\n  fix: write $secret{tls_password}",
    ),
    (
        "[secrets]\na = \"[open]\"\n",
        "error[A03.2]: secret not sealed yet in d.toml:2:5 [secrets] a\n  why: everyone who can read the file, a backup \
             or a log of it has the secret\n  fix: run `portcullis vault encrypt`, which seals every value of \
             [secrets] in place",
    ),
    (
        "[user_store]\ntype = \"read_write_ldap\"\n",
        "error[CFG012]: user store type not supported in d.toml:2:8 [user_store] type\n  why: directories are only read: \
             there is no way to write to one (A05)\n  fix: write type = \"read_only_ldap\"",
    ),
    (
        "[server]\nhostname = {{ .Values.host }}\n",
        "error[CFG001]: this is a template, not TOML in d.toml:2:12\n  why: `{{` starts a template expression, for \
             example of a Helm chart\n  fix: render the template first, then use its result",
    ),
    (
        "[gateway]\nidle_timeout = 60\n",
        "error[CFG006]: wrong type in d.toml:2:16 [gateway] idle_timeout\n  why: this is a whole number, the setting takes \
             a time such as \"15m\" in quotes\n  fix: write a time such as \"15m\" in quotes",
    ),
    (
        "[logging]\nformat = \"jsn\"\n",
        "error[CFG007]: value not accepted in d.toml:2:10 [logging] format\n  why: \"jsn\" is not one of auto, human, \
             json\n  fix: write \"json\"",
    ),
    (
        "[apim.cors]\nallow_credentials = true\n",
        "error[X07.1]: credentials for any origin in d.toml:2:21 [apim.cors] allow_credentials\n  why: every web page \
             could call APIs with the visitor's credentials\n  fix: list the origins in allow_origins, or set \
             allow_credentials = false",
    ),
    (
        "[logging]\nlevel = \"inof\"\n",
        "error[CFG007]: value not accepted in d.toml:2:9 [logging] level\n  why: a level is one of off, error, warn, info, \
             debug, trace; several directives have commas between them\n  fix: write \"info\"",
    ),
    (
        "server = 5\n",
        "error[CFG006]: wrong type in d.toml:1:10 server\n  why: this is a whole number, the setting takes a section\n  \
             fix: write a section",
    ),
];

#[test]
fn messages_are_exact() {
    for (text, message) in MESSAGES {
        assert_eq!(errors(text), [*message], "{text}");
    }
}

/// Nothing hides behind the first error.
#[test]
fn all_errors_come_at_once() {
    let text = "[server]\nhostname = \"not a name\"\noffset = -1\nbanana = true\n[status]\nport = 0\n[logging]\nkeep = \
                \"many\"\n[oauth.token_validation]\napp_access_token_validity = 3.5\n[egress]\nallow = [\"10.0.0.0/8\", \"a \
                b\", 7]\n";
    let lines: Vec<u32> = load_text(text).unwrap_err().iter().map(|finding| finding.line).collect();
    assert_eq!(lines, [2, 3, 4, 6, 8, 10, 12, 12]);
}

/// A broken line does not hide the others, and does not cause follow-up messages.
#[test]
fn syntax_errors_come_with_the_others() {
    let findings = load_text("[server]\nhostname = \noffset = \"x\"\noffset = 4\n").unwrap_err();
    let places: Vec<(&str, u32)> = findings.iter().map(|finding| (finding.code, finding.line)).collect();
    assert_eq!(places, [("CFG001", 2), ("CFG006", 3), ("CFG001", 4)], "{}", render_all(&findings));
    // Below a broken header nothing is known: its keys would seem to be in the section before.
    let findings = load_text("[server]\noffset = 1\n[status\nport = \"x\"\n").unwrap_err();
    assert!(findings.iter().all(|finding| finding.code == codes::SYNTAX), "{}", render_all(&findings));
}

#[test]
fn secrets_never_appear_in_messages() {
    let text = "[keystore.tls]\npassword = \"hunter2\"\n[secrets]\nx = \"[hunter2]\"\n[database.apim_db]\ntype = \
                \"postgresql\"\nurl = \"postgresql://me:hunter2@db.example/x\"\npassword = \"hunter2\"\n[[datasource]]\npassword \
                = \"hunter2\"\n[apim.analytics]\nauth_token = \"hunter2\"\n[super_admin]\npassword = 123456\n[vault]\nkey_source \
                = \"passphrase\"\npassphrase = \"hunter2\"\n[encryption]\nkey = \"hunter2\"\n";
    let findings = load_text(text).unwrap_err();
    let shown = render_all(&findings);
    assert!(!shown.contains("hunter2") && !shown.contains("123456"), "{shown}");
    let plain: BTreeSet<u32> =
        findings.iter().filter(|finding| finding.code == codes::PLAIN_SECRET).map(|finding| finding.line).collect();
    assert_eq!(plain, BTreeSet::from([2, 4, 8, 10, 12, 14, 17, 19]), "{shown}");
}

/// A03 is about the file, so it holds for keys that Portcullis does not use, too.
#[test]
fn secrets_of_unused_sections_are_found() {
    let codes = |text: &str| -> Vec<&str> {
        let findings = load_text(text).err().unwrap_or_default();
        findings.iter().filter(|finding| finding.severity == Severity::Error).map(|finding| finding.code).collect()
    };
    for plain in [
        "[[datasource]]\npassword = 1234\n",
        "[apim.workflow]\nwf_engine_pass = \"x\"\n",
        "[database.shared_db]\nurl = \"jdbc:mysql://h/d?user=a&password=b\"\n",
        "[[transport.jms.listener]]\nparameter.provider_url = \"amqp://guest:guest@broker:5672\"\n",
    ] {
        assert_eq!(codes(plain), [codes::PLAIN_SECRET], "{plain}");
    }
    for fine in [
        "[[datasource]]\npassword = \"$env{DB_PASSWORD}\"\n",
        "[[apim.gateway.environment]]\nname = \"A\"\npassword = \"${admin.password}\"\n",
        "[apim.event_hub]\npassword = \"$ref{super_admin.password}\"\n",
        "[keystore]\nuserstore_password_encryption = \"InternalKeyStore\"\n",
        "[database.shared_db]\nurl = \"jdbc:mysql://h:3306/d?user=a@b\"\npassword = \"\"\n",
        "[user_store]\npassword_hash_method = \"PLAIN_TEXT\"\n",
    ] {
        assert!(codes(fine).is_empty(), "{fine}");
    }
}

#[test]
fn references_stand_for_values() {
    let config = config("[server]\nhostname = \"$env{TEXT}.example\"\n");
    assert_eq!(config.server.hostname.as_str(), "text.example");
    let config = self::config(
        "[transport.https.properties]\nport = \"$env{PORT}\"\n[status]\nport = 9202\n[transport.passthru_https.listener]\nport \
         = \"$ref{status.port}\"\nbind_address = \"127.0.0.2\"\n",
    );
    assert_eq!(config.listeners.console.port(), 9555);
    assert_eq!(config.listeners.gateway_https.unwrap().port(), 9202);
    for (text, code) in [
        ("[server]\nhostname = \"$ref{server.hostname}\"\n", codes::REFERENCE),
        ("[server]\nhostname = \"$ref{no.where}\"\n", codes::REFERENCE),
        ("[server]\nhostname = \"$secret{a}\"\n[secrets]\na = \"{v1:1:x}\"\n", codes::REFERENCE),
        ("[status]\nport = \"$env{TEXT}\"\n", codes::BAD_VALUE),
        ("[keystore.tls]\nfile_name = \"a\"\npassword = \"$env{NOT_SET}\"\n", codes::ENVIRONMENT),
    ] {
        assert_eq!(load_text(text).unwrap_err()[0].code, code, "{text}");
    }
}

#[test]
fn secret_references_are_kept_as_references() {
    let config = config(
        "[super_admin]\nusername = \"root-admin\"\npassword = \"$secret{admin}\"\ncreate_admin_account = \
         true\n[keystore.tls]\nfile_name = \"a.jks\"\ntype = \"JKS\"\npassword = \"$file{security/p}\"\n[secrets]\nadmin = \
         \"{v1:1:abc}\"\n",
    );
    let admin = config.first_admin.unwrap();
    assert_eq!(admin.password, SecretRef::Vault("admin".to_owned()));
    assert_eq!(admin.username, TextSource::Plain("root-admin".to_owned()));
    let Some(Keystore { file: KeystoreFile::Jks { password, .. }, .. }) = config.tls_keystore else { panic!() };
    assert_eq!(password, SecretRef::File("security/p".into()));
    assert_eq!(config.secrets.get("admin").map(String::as_str), Some("{v1:1:abc}"));
    assert_eq!(errors("[super_admin]\ncreate_admin_account = true\n").len(), 2);
}

#[test]
fn exposure_follows_the_listeners() {
    assert!(!config("").exposed());
    for (text, exposed) in [
        ("[status]\nbind_address = \"0.0.0.0\"\n", true),
        ("[status]\nenable = false\nbind_address = \"0.0.0.0\"\n", false),
        ("[transport.https.properties]\nbind_address = \"::1\"\n", false),
        ("[transport.https.properties]\nbind_address = \"::ffff:127.0.0.1\"\n", false),
        ("[transport.passthru_https.listener]\nbind_address = \"::\"\n", true),
        ("[transport.passthru_http.listener]\nbind_address = \"192.0.2.1\"\n", false),
        ("[transport.passthru_http.listener]\nenable = true\nbind_address = \"192.0.2.1\"\n", true),
    ] {
        assert_eq!(config(text).exposed(), exposed, "{text}");
        // This machine may be called only when nobody else can ask for it.
        assert_eq!(config(text).egress_rules().is_empty(), exposed, "{text}");
    }
}

#[test]
fn egress_rules_are_networks_and_hosts() {
    let config = config(
        "[status]\nbind_address = \"0.0.0.0\"\n[egress]\nallow = [\"10.1.2.3/8\", \"::1\", \"Backend.Internal:8080\", \"*.corp\"]\n",
    );
    let host =
        |name: &str, subdomains, port| EgressRule::Host { name: HostName::read(name).unwrap(), subdomains, port };
    assert_eq!(
        config.egress_rules(),
        [
            EgressRule::Network("10.0.0.0/8".parse().unwrap()),
            EgressRule::Network("::1/128".parse().unwrap()),
            host("backend.internal", false, Some(8080)),
            host("corp", true, None),
        ]
    );
    for wrong in ["http://a", "a/b", "10.0.0.0/33", "a:0", "*", "a b", ""] {
        assert_eq!(errors(&format!("[egress]\nallow = [\"{wrong}\"]\n")).len(), 1, "{wrong}");
    }
}

#[test]
fn proxies_are_networks_and_addresses() {
    use super::{ForwardedHeader, Network};
    let config = config(
        "[gateway]\nproxy_protocol_peers = [\"10.0.0.5\"]\ntrusted_proxies = [\"10.0.0.0/24\", \"fd00::/8\"]\nforwarded_header = \"forwarded\"\n",
    );
    let texts = |list: &[Network]| list.iter().map(|network| network.get().to_string()).collect::<Vec<_>>();
    assert_eq!(texts(&config.gateway.proxy_protocol_peers), ["10.0.0.5/32"]);
    assert_eq!(texts(&config.gateway.trusted_proxies), ["10.0.0.0/24", "fd00::/8"]);
    assert_eq!(config.gateway.forwarded_header, ForwardedHeader::Forwarded);
    for wrong in ["proxy.internal", "10.0.0.0/33", "*", ""] {
        assert_eq!(errors(&format!("[gateway]\ntrusted_proxies = [\"{wrong}\"]\n")).len(), 1, "{wrong}");
    }
}

#[test]
fn postgresql_beyond_this_machine_needs_verified_tls() {
    let with = |url: &str| {
        load_text(&format!(
            "[database.apim_db]\ntype = \"postgre\"\nurl = \"{url}\"\nusername = \"apim\"\npassword = \"$env{{DB_PASSWORD}}\"\n"
        ))
    };
    let tls = |url: &str| match with(url).unwrap().config.database {
        Database::Postgres(postgres) => postgres.tls,
        Database::Sqlite { .. } => panic!("{url}"),
    };
    assert_eq!(tls("jdbc:postgresql://localhost:5432/db"), PostgresTls::Local);
    assert_eq!(tls("postgresql:///db?host=/run/postgresql"), PostgresTls::Local);
    assert_eq!(tls("postgres://[::1]/db?sslmode=disable"), PostgresTls::Local);
    assert_eq!(tls("jdbc:postgresql://db.example/db"), PostgresTls::VerifyFull { root: None });
    assert_eq!(
        tls("jdbc:postgresql://db.example/db?ssl=true&amp;sslrootcert=ca.pem"),
        PostgresTls::VerifyFull { root: Some("ca.pem".into()) }
    );
    for (url, code) in [
        ("postgresql://db.example/db?sslmode=require", codes::PLAIN_CONNECTION),
        ("postgresql://db.example/db?sslmode=disable", codes::PLAIN_CONNECTION),
        ("postgresql://db.example/db?ssl=false", codes::PLAIN_CONNECTION),
        ("postgresql://localhost.evil.example/db?sslmode=prefer", codes::PLAIN_CONNECTION),
        ("postgresql://db.example/db?sslmode=sure", codes::BAD_VALUE),
        ("postgresql://db.example/db?sslmod=verify-full", codes::BAD_VALUE),
        ("postgresql://db.example:99999/db", codes::BAD_VALUE),
        ("postgresql://db.example", codes::MISSING),
        ("jdbc:mysql://db.example/db", codes::BAD_VALUE),
        ("postgresql://a:b@db.example/db", codes::PLAIN_SECRET),
        ("postgresql://db.example/db?password=b", codes::PLAIN_SECRET),
    ] {
        let findings = with(url).unwrap_err();
        assert_eq!(findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), [code], "{url}");
    }
}

#[test]
fn the_url_decides_when_no_type_is_written() {
    let of = |text: &str| load_text(&format!("[database.apim_db]\n{text}\n"));
    let unsupported = of("url = \"jdbc:mysql://db/x\"").unwrap_err();
    assert_eq!(unsupported[0].code, codes::UNSUPPORTED);
    let loaded = of("url = \"jdbc:postgresql://localhost/x\"\nusername = \"a\"").unwrap();
    assert!(matches!(loaded.config.database, Database::Postgres(_)));
    let loaded = of("url = \"jdbc:sqlite:/var/lib/p.db\"").unwrap();
    assert!(matches!(loaded.config.database, Database::Sqlite { path: Some(path), .. } if path.ends_with("p.db")));
    // WSO2 documents these numbers as text.
    let text = "type = \"postgresql\"\nhostname = \"::1\"\nport = \"5433\"\nname = \"x\"\nusername = \"a\"\npool_options.maxActive = \"7\"";
    let Database::Postgres(postgres) = of(text).unwrap().config.database else { panic!() };
    assert_eq!((postgres.host, postgres.max_connections), (PostgresHost::Tcp(HostName::read("::1").unwrap(), 5433), 7));
}

#[test]
fn environments_have_hosts_and_ports_of_our_own_listeners() {
    let config = config(
        "[server]\nhostname = \"api.example\"\noffset = 2\n[[apim.gateway.environment]]\nname = \"Default\"\ntype = \
         \"sandbox\"\nhttps_endpoint = \"https://localhost:${https.nio.port}\"\npassword = \
         \"${admin.password}\"\n[[apim.gateway.environment.virtual_host]]\nhttps_endpoint = \
         \"https://v.example/gateway\"\n[[apim.gateway.environment]]\nname = \"Other\"\n",
    );
    let hosts: Vec<(&str, &str, u16)> = config
        .environments
        .iter()
        .flat_map(|environment| {
            environment
                .virtual_hosts
                .iter()
                .map(|host| (environment.name.as_str(), host.host.as_str(), host.https_port))
        })
        .collect();
    assert_eq!(hosts, [("Default", "localhost", 8245), ("Default", "v.example", 443), ("Other", "api.example", 8245)]);
    let twice = "[[apim.gateway.environment]]\nname = \"A\"\n[[apim.gateway.environment]]\nname = \"A\"\n";
    assert_eq!(load_text(twice).unwrap_err()[0].path, "apim.gateway.environment[2].name");
    assert_eq!(load_text("[[apim.gateway.environment]]\ntype = \"hybrid\"\n").unwrap_err()[0].code, codes::MISSING);
}

#[test]
fn attributes_of_applications_and_properties_of_apis_have_names_of_their_own() {
    let text = |names: &[&str]| {
        let tables = names.iter().map(|name| {
            format!("[[apim.devportal.application_attributes]]\nname = \"{name}\"\nrequired = true\ndefault = \"x\"\n")
        });
        let tables: String = tables.collect();
        format!("[apim.devportal]\nenable_application_sharing = true\n{tables}")
    };
    let config = config(&format!(
        "{}[[apim.publisher.custom_properties]]\nname = \"Team\"\n",
        text(&["Cost Centre", "Department"])
    ));
    let attributes: Vec<&str> = config.application_attributes.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(attributes, ["Cost Centre", "Department"]);
    assert!(config.devportal.enable_application_sharing && !config.devportal.enable_cross_tenant_subscriptions);
    assert!(!config.api_properties[0].required && config.application_attributes[0].required);
    let fault = |text: &str| load_text(text).unwrap_err()[0].path.clone();
    assert_eq!(fault(&text(&["A", "a"])), "apim.devportal.application_attributes[2].name");
    assert_eq!(
        fault(&text(&["n"; 1][..1]).replace("\"n\"", &format!("{:?}", "n".repeat(101)))),
        "apim.devportal.application_attributes[1].name"
    );
    let many: Vec<String> = (0..21).map(|n| format!("a{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(fault(&text(&many)), "apim.devportal.application_attributes[21].name");
    let blank = "[[apim.publisher.custom_properties]]\nname = \"Two words\"\n";
    assert_eq!(fault(blank), "apim.publisher.custom_properties[1].name");
}

/// Settings of WSO2 that nothing here would use are no settings: the operator is told, by name and reason.
#[test]
fn keys_that_nothing_uses_are_answered_with_the_reason() {
    for (key, code, why) in [
        ("[oauth]\nallowed_scopes = [\"^device_.*\"]", codes::NOT_NEEDED, "no role is bound"),
        ("[oauth.token_cleanup]\nenable = false", codes::NOT_NEEDED, "removed, always"),
        ("[apim.throttling]\nenable_header_based_throttling = true", codes::NOT_HERE, "not on headers"),
        ("[[apim.gateway.environment]]\nname = \"A\"\nvisibility = [\"a\"]", codes::NOT_HERE, "virtual hosts are used"),
        ("[server]\nnode_ip = \"127.0.0.1\"", codes::NOT_HERE, "no cluster port"),
        ("[database.apim_db]\npool_options.maxWait = 5", codes::NOT_NEEDED, "one writer"),
    ] {
        let notes = load_text(&format!("{key}\n")).unwrap().notes;
        let told: Vec<(&str, bool)> = notes.iter().map(|note| (note.code, note.reason.contains(why))).collect();
        assert_eq!(told, [(code, true)], "{key}: {notes:?}");
    }
}

/// Keys of WSO2 are known; slips in our own names are not taken for them.
#[test]
fn wso2_keys_are_answered_and_slips_are_not() {
    let loaded = load_text(
        "[clustering]\nmembership_scheme = \"wka\"\nmembers = [\"a:4000\"]\n[apim.analytics]\nenable = \
         true\n[transport.http.properties]\nport = 9763\n['system'.parameter]\n'org.wso2.CipherTransformation' = \"RSA\"\n",
    )
    .unwrap();
    let codes: Vec<(&str, usize)> = loaded.notes.iter().map(|note| (note.code, note.more)).collect();
    assert_eq!(codes, [("CFG021", 1), ("CFG021", 0), ("CFG020", 0), ("CFG020", 0)]);
    for (text, nearest) in [
        ("[apim.cors]\nallow_orgins = []\n", "apim.cors.allow_origins"),
        ("[apim.crs]\nallow_origins = []\n", "apim.cors"),
        ("[oauth.grant_type.pasword]\nenable = true\n", "oauth.grant_type.password"),
        ("[transport.passthru_https.listner]\nport = 1\n", "transport.passthru_https.listener"),
        (
            "[session_data.cleanup]\nclean_expired_session_data_evry = \"1d\"\n",
            "session_data.cleanup.clean_expired_session_data_every",
        ),
        ("[database.apim_db]\nusernam = \"a\"\n", "database.apim_db.username"),
        ("[database.apim_db]\nbanana = 1\n", ""),
        ("[keystore.tls]\nbanana = 1\n", ""),
        ("[transport.https.properties]\nprot = 1\n", "transport.https.properties.port"),
        ("[server]\nbanana = 1\n", ""),
        ("[banana]\nhostname = 1\n", ""),
        ("[apim_db]\ntype = \"sqlite\"\n", "database.apim_db"),
    ] {
        let findings = load_text(text).unwrap_err();
        assert_eq!(findings[0].code, codes::UNKNOWN, "{text}");
        assert!(nearest.is_empty() || findings[0].nearest.as_deref() == Some(nearest), "{:?}", findings[0]);
    }
}

#[test]
fn weak_values_are_refused_wherever_wso2_has_them() {
    for (text, code) in [
        ("[transport.http.listener]\nsecured_protocols = \"TLSv1,TLSv1.2\"\n", codes::TLS_VERSION),
        ("[internal_api_ssl_config.parameter]\nsslProtocol = \"SSLV3\"\n", codes::TLS_VERSION),
        ("[transport.passthru_https.listener.parameters]\nHttpsProtocols = [\"TLSv1.1\"]\n", codes::TLS_VERSION),
        (
            "[transport.passthru_https.listener.parameters]\nPreferredCiphers = \"TLS_RSA_WITH_AES_128_CBC_SHA\"\n",
            codes::TLS_CIPHER,
        ),
        ("[transport.http.sender]\nhostname_verifier = \"allowall\"\n", codes::NO_VERIFICATION),
        (
            "[transport.wss.sender.parameters]\n'ws.client.enable.hostname.verification' = false\n",
            codes::NO_VERIFICATION,
        ),
        ("[user_store.properties]\nssl_certificate_validation_enabled = false\n", codes::NO_VERIFICATION),
        (
            "[user_store]\ntype = \"read_only_ldap\"\nconnection_url = \"ldap://dir.example:389\"\nconnection_name = \"cn=a\"\n\
             connection_password = \"$env{DB_PASSWORD}\"\nuser_search_base = \"ou=u\"\ngroup_search_base = \"ou=g\"\n",
            codes::PLAIN_CONNECTION,
        ),
        ("[user_store]\nanonymous_bind = true\n", "A05.1"),
        ("[monitoring.jmx]\nrmi_server_start = true\n", "A04.2"),
    ] {
        let codes: Vec<&str> = load_text(text).unwrap_err().iter().map(|finding| finding.code).collect();
        assert_eq!(codes, [code], "{text}");
    }
    let fine = "[transport.https.sslHostConfig.properties]\nprotocols = \"+TLSv1.2,+TLSv1.3\"\nciphers = \
                \"TLS_AES_128_GCM_SHA256,ECDHE-RSA-AES128-GCM-SHA256\"\n[management_api]\nprotocols = \"https \
                http\"\n[transport.passthru_https.sender.parameters]\nHostnameVerifier = \"Strict\"\n";
    assert!(load_text(fine).is_ok());
}

/// Nothing from the file reaches a terminal or a log as it is.
#[test]
fn messages_cannot_be_forged() {
    let text = "\"a\\u001b[2J\\nerror\" = 1\n[server]\nhostname = \"$env{\\u001b]0;x\\u202e}\"\n[keystore.tls]\nfile_name = \
                \"a\"\npassword = \"$secret{\\r\\n}\"\n";
    let shown: Vec<String> = load_text(text).unwrap_err().iter().map(Diagnostic::render).collect();
    assert_eq!(shown.len(), 3);
    for message in shown {
        assert_eq!(message.lines().count(), 3, "{message}");
        assert!(!message.contains(['\u{1b}', '\r', '\u{202e}']), "{message:?}");
        assert!(message.contains("\\u{"), "{message:?}");
    }
}

/// Damaged files end in findings, never in a panic or a hang.
#[test]
fn damaged_files_do_no_harm() {
    let whole = default_file(&config("").server.hostname).replace('#', "");
    for cut in (0..whole.len()).step_by(7) {
        let Some(start) = whole.get(..cut) else { continue };
        let _ = load_text(start);
        let _ = load_text(&start.replace('=', "["));
    }
    let deep = format!("a = {}", "[".repeat(5000));
    assert!(load_text(&deep).is_err());
    assert!(load_text("[server]\noffset = 99999999999999999999\n").is_err());
    let many: String = (0..5000).map(|number| format!("k{number} = {number}\n")).collect();
    assert_eq!(load_text(&many).unwrap_err().len(), 5000);
    assert!(load_text("\u{feff}[server]\n").is_ok());
    assert!(load_text("[server]\r\nhostname = \"a\"\r\n").is_ok());
}

/// Every default is accepted by its own setting, and every setting is read.
#[test]
fn every_setting_is_read_and_its_default_is_right() {
    let minimal = "[[apim.gateway.environment]]\nname = \"A\"\n[[apim.gateway.environment.virtual_host]]\nhttps_endpoint = \"https://v\"\n\
                   [[secondary_user_store]]\ndomain_name = \"SECOND\"\nconnection_url = \"ldaps://d.example\"\nconnection_name = \
                   \"cn=a\"\nconnection_password = \"$env{DB_PASSWORD}\"\nuser_search_base = \"ou=u\"\ngroup_search_base = \"ou=g\"\n\
                   [[integrator.data_source]]\nname = \"D\"\nurl = \"jdbc:sqlite:d.db\"\n\
                   [[apim.devportal.application_attributes]]\nname = \"Department\"\n\
                   [[apim.publisher.custom_properties]]\nname = \"owner\"\n";
    let loaded = load_text(minimal).unwrap();
    let read: BTreeSet<String> =
        loaded.effective.iter().map(|value| value.path.replace("[1]", "").replace("[2]", "")).collect();
    let declared: BTreeSet<String> = sections::settings().map(|setting| setting.path().replace("[]", "")).collect();
    assert_eq!(read, declared);
    for setting in sections::settings() {
        assert!(setting.summary().ends_with('.'), "{}", setting.path());
    }
}

#[test]
fn schema_and_reference_have_every_setting() {
    let schema: serde_json::Value = serde_json::from_str(&schema_json()).unwrap();
    let page = reference_markdown();
    for setting in sections::settings() {
        let mut node = &schema;
        for segment in setting.section.split('.').chain(setting.key.split('.')) {
            node = &node["properties"][segment.trim_end_matches("[]")];
            if node["type"] == "array" && node["items"]["type"] == "object" {
                node = &node["items"];
            }
        }
        assert!(node.is_object(), "{} is not in the schema", setting.path());
        assert!(page.contains(&format!("| `{}` |", setting.key)), "{} is not on the page", setting.path());
        assert!(page.contains(&setting.summary()), "{}", setting.path());
    }
    assert_eq!(schema["properties"]["server"]["properties"]["offset"]["default"], 0);
}

/// The file of `init` is right as it is, and with every example switched on.
#[test]
fn the_default_file_is_right() {
    let host = config("[server]\nhostname = \"api.example\"\n").server.hostname;
    let file = default_file(&host);
    let loaded = load_text(&file).unwrap();
    assert_eq!(loaded.config.server.hostname.as_str(), "api.example");
    assert!(loaded.notes.is_empty(), "{}", render_all(&loaded.notes));
    let shown: String = file
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        .fold(String::new(), |all, line| all + line + "\n");
    assert_eq!(file.matches("\n#").count() - file.matches("\n# ").count(), reference::INIT.len() - 1);
    if let Err(findings) = load_text(&shown) {
        panic!("{shown}\n{}", render_all(&findings));
    }
}

#[test]
fn settings_that_another_makes_meaningless_are_noted() {
    let loaded = load_text(
        "[super_admin]\nusername = \"a\"\n[database.apim_db]\nusername = \"a\"\n[vault]\nkey_file = \"a\"\nkey_source = \
         \"systemd\"\ncredential = \"c\"\n[keystore.tls]\nfile_name = \"a\"\npassword = \"$file{p}\"\nkey_file = \
         \"b\"\nkey_password = \"$file{p}\"\n",
    )
    .unwrap();
    let lines: Vec<u32> = loaded.notes.iter().map(|note| note.line).collect();
    assert_eq!(lines, [2, 4, 6, 12, 13], "{}", render_all(&loaded.notes));
}

#[test]
fn findings_are_counted_and_errors_come_first() {
    let findings = load_text("[clustering]\ndomain = \"a\"\n[server]\noffset = \"x\"\nbanana = 1\n").unwrap_err();
    let text = render_all(&findings);
    assert!(text.starts_with("error[CFG006]"), "{text}");
    assert!(text.ends_with("2 errors, 1 note"), "{text}");
}

#[test]
fn apis_are_not_called_from_their_pages_once_a_listener_is_exposed() {
    let exposed = "[transport.passthru_https.listener]\nbind_address = \"0.0.0.0\"\n";
    assert!(config("").try_it() && !config(exposed).try_it());
    assert!(!config("[apim.devportal]\nenable_try_it = false\n").try_it());
    assert!(config(&format!("{exposed}[apim.devportal]\nenable_try_it = true\n")).try_it());
}
