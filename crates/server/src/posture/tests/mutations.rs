//! The tables of seeded misconfigurations: the check that must see it, and the change.

use super::{Built, Change, NAME, NOW, issued, put};
use model::Timestamp;
use std::process::Command;

/// A change with the check that has to catch it.
type Seeded = (&'static str, Change);

/// `deployment.toml` and the files of the home.
pub(super) const INSTALLATION: &[Seeded] = &[
    ("A02.7", Change::Set("keystore.tls", "key_file", "\"security/ca-key.pem\"")),
    ("A02.8", Change::Set("keystore.tls", "file_name", "\"security/absent.pem\"")),
    ("A02.8", Change::Write("security/own.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")),
    ("A02.15", Change::Set("server", "hostname", "\"other.example.test\"")),
    ("A02.14", Change::Do(sign_with_the_tls_key)),
    ("A03.1", Change::Mode("security/own-key.pem", 0o644)),
    ("A03.1", Change::Mode("security/own-key.pem", 0o640)),
    ("A03.1", Change::Mode("security/master.key", 0o604)),
    ("A03.1", Change::Mode("security/keyring.toml", 0o660)),
    ("A03.1", Change::Mode("security/signing-key.pem", 0o666)),
    ("A03.2", Change::Set("database.apim_db", "password", "\"hunter2hunter2\"")),
    ("A03.2", Change::Set("super_admin", "password", "\"four plain english words\"")),
    ("A03.2", Change::Set("keystore.tls", "password", "\"swordfish-4711\"")),
    ("A03.2", Change::Set("secrets", "db", "\"[hunter2hunter2]\"")),
    ("A03.2", Change::Set("encryption", "key", "\"0123456789abcdef0123456789abcdef\"")),
    ("A03.3", Change::Mode("deployment.toml", 0o660)),
    ("A03.3", Change::Mode("deployment.toml", 0o642)),
    ("A03.4", Change::Mode("deployment.toml", 0o644)),
    ("A03.5", Change::Mode("security", 0o755)),
    ("A03.5", Change::Mode("security", 0o710)),
    ("A03.6", Change::Write("deployment.toml.bak", "x")),
    ("A03.6", Change::Write("deployment.toml~", "x")),
    ("A03.6", Change::Write(".deployment.toml.swp", "x")),
    ("A03.7", Change::Set("super_admin", "password", "\"$secret{nobody_has_it}\"")),
    ("A03.14", Change::Set("vault", "key_source", "\"env\"")),
    ("A03.16", Change::Set("transport.https.properties", "server", "\"q8Zt3LxV0pRw7NfKcY2mJ5hGdBsA9eUi\"")),
    ("A03.17", Change::Write("heap-dump.hprof", "x")),
    ("A03.17", Change::Write("core.4711", "x")),
    ("A03.17", Change::Write("core", "x")),
    ("A03.18", Change::Mode("data/portcullis.db", 0o644)),
    ("A03.18", Change::Mode("data/portcullis.db", 0o620)),
    ("A04.1", Change::Set("server", "offset", "0")),
    ("A04.1", Change::Set("transport.passthru_https.listener", "port", "4043")),
    ("A04.2", Change::Set("monitoring.jmx", "rmi_server_start", "true")),
    ("A04.7", Change::Set("transport.passthru_https.listener", "bind_address", "\"0.0.0.0\"")),
    ("A04.7", Change::Set("transport.https.properties", "bind_address", "\"::\"")),
    ("A05.1", Change::Set("user_store", "anonymous_bind", "true")),
    ("A05.1", Change::Set("user_store", "anonymous_bind", "\"true\"")),
    ("A06.1", Change::Set("user_store", "connection_url", "\"ldap://directory.example.test:389\"")),
    ("A06.1", Change::Do(|b| postgres(b, "postgresql://db.example.test:5432/apim?sslmode=prefer"))),
    ("A06.1", Change::Do(|b| postgres(b, "postgresql://db.example.test:5432/apim?sslmode=require"))),
    ("A06.1", Change::Do(|b| postgres(b, "postgresql://db.example.test:5432/apim?sslmode=disable"))),
    ("A06.1", Change::Set("oauth", "token_endpoint_allow_http", "true")),
    ("A07.9", Change::Do(|b| postgres_as(b, "postgres"))),
    ("A07.9", Change::Do(|b| postgres_as(b, "root"))),
    ("A08.1", Change::Set("transport.https", "sslHostConfig.properties.protocols", "\"+TLSv1,+TLSv1.2\"")),
    ("A08.1", Change::Set("transport.passthru_https.listener.parameters", "HttpsProtocols", "\"SSLv3\"")),
    ("A08.2", Change::Set("transport.https", "sslHostConfig.properties.ciphers", "\"TLS_RSA_WITH_AES_128_CBC_SHA\"")),
    (
        "A08.2",
        Change::Set("transport.passthru_https.listener.parameters", "PreferredCiphers", "\"SSL_RSA_WITH_RC4_128_MD5\""),
    ),
    ("A08.3", Change::Do(|b| plain_gateway(b, "10.77.0.1"))),
    ("A08.3", Change::Do(|b| plain_gateway(b, "0.0.0.0"))),
    ("A10.6", Change::Set("transport.https.properties", "server", "\"WSO2 Carbon Server\"")),
    ("A10.6", Change::Set("transport.https.properties", "server", "\"gate/2.1\"")),
    ("A15.1", Change::Set("transport.passthru_https.sender.parameters", "HostnameVerifier", "\"AllowAll\"")),
    ("A15.1", Change::Set("user_store.properties", "ssl_certificate_validation_enabled", "false")),
    ("A18.1", Change::Do(|b| administrator(b, "admin", "admin"))),
    ("A18.1", Change::Do(|b| administrator(b, "owner", "wso2carbon"))),
    ("A19.6", Change::Set("transport.https.properties", "bind_address", "\"10.77.0.1\"")),
    ("A19.6", Change::Set("transport.passthru_https.listener", "bind_address", "\"10.77.0.2\"")),
    ("A20.5", Change::Mode("logs/server.log", 0o644)),
    ("A20.5", Change::Mode("logs/server.log", 0o660)),
    ("A20.9", Change::Set("status", "enable", "false")),
    ("A21.7", Change::Set("logging", "format", "\"human\"")),
    ("A21.7", Change::Set("logging", "format", "\"human\"")),
    ("A22.6", Change::Set("gateway", "max_connections", "9000000")),
    ("A22.6", Change::Set("gateway", "max_connections", "2000000")),
    ("A23.1", Change::Set("egress", "allow", "[\"169.254.169.254/32\"]")),
    ("A23.1", Change::Set("egress", "allow", "[\"0.0.0.0/0\"]")),
    ("A23.1", Change::Set("egress", "allow", "[\"fd00:ec2::254/128\"]")),
    ("A23.2", Change::Set("egress", "allow", "[\"10.0.0.0/8\"]")),
    ("A23.3", Change::Set("egress", "allow", "[\"*.example.test\"]")),
    ("A23.4", Change::Set("egress", "allow", "[\"127.0.0.0/8\"]")),
    ("A25.1", Change::Set("identity_mgt.user_self_registration", "allow_self_registration", "true")),
    ("A25.2", Change::Do(|b| registration(b, ".*"))),
    ("A25.2", Change::Do(|b| registration(b, "https://.*"))),
    ("O01.3", Change::Do(|b| writable_home(b, 0o770))),
    ("O01.3", Change::Do(|b| writable_home(b, 0o757))),
    ("O08.1", Change::Set("session_data.cleanup", "enable_expired_data_cleanup", "false")),
    ("O08.2", Change::Set("session_data.cleanup", "clean_expired_session_data_in_chunks_of", "1000000")),
    ("O08.3", Change::Set("session_data.cleanup", "clean_expired_session_data_every", "\"14d\"")),
    ("X06.1", Change::Set("gateway", "max_header_size", "\"8KiB\"")),
    ("X06.1", Change::Set("gateway", "max_header_size", "\"1MiB\"")),
    ("X06.3", Change::Set("gateway", "max_body_size", "\"8GiB\"")),
    ("X06.3", Change::Set("gateway", "header_timeout", "\"15m\"")),
    ("X07.1", Change::Set("apim.cors", "allow_credentials", "true")),
    ("X07.1", Change::Do(any_origin_with_credentials)),
    ("X08.1", Change::Set("oauth", "grant_type.password.enable", "true")),
    ("X08.2", Change::Set("oauth", "token_validation.refresh_token_validity", "31536000")),
    ("X08.2", Change::Set("oauth", "token_validation.app_access_token_validity", "31536000")),
    ("X08.3", Change::Set("apim.oauth_config", "enable_outbound_auth_header", "true")),
];

/// Certificates and key stores.
pub(super) const CERTIFICATES: &[Seeded] = &[
    ("A02.5", Change::Do(|b| certificate(b, &[NAME], NOW.seconds() - 40_000 * 86_400))),
    ("A02.6", Change::Do(|b| certificate(b, &[NAME], NOW.seconds() + 7 * 86_400))),
    ("A02.15", Change::Do(|b| certificate(b, &["wrong.example.test"], NOW.seconds()))),
    ("A02.2", Change::Do(|b| by_openssl(b, "rsa:1024", "-sha256"))),
    ("A02.4", Change::Do(|b| by_openssl(b, "rsa:2048", "-sha1"))),
    ("A02.16", Change::Do(|b| by_openssl(b, "rsa:2048", "-sha256"))),
];

const SSHD: &str = "/etc/ssh/sshd_config";
const STATUS: &str = "/proc/77/status";
const NFT: &str = "nft -j list ruleset";

/// A chain for what comes in with this policy and these rules.
macro_rules! rules {
    ($policy:literal $(, $rule:literal)*) => {
        concat!(
            r#"{"nftables":[{"chain":{"family":"inet","table":"f","name":"in","type":"filter","hook":"input","policy":""#,
            $policy, r#""}}"#,
            $(r#",{"rule":{"family":"inet","table":"f","chain":"in","expr":["#, $rule, "]}}",)*
            "]}"
        )
    };
}

/// A machine that keeps every rule: files by path, answers of programs by command line after a `$`.
pub(super) const MACHINE: &[(&str, &str)] = &[
    (
        SSHD,
        "Port 2222\nPermitRootLogin no\nPasswordAuthentication no\nPermitEmptyPasswords no\nMaxAuthTries 3\nX11Forwarding no\n\
         Banner /etc/issue.net\nCiphers aes256-gcm@openssh.com\nMACs hmac-sha2-512-etm@openssh.com\nKexAlgorithms sntrup761x25519-sha512\n",
    ),
    (
        STATUS,
        "Name:\tportcullis\nUid:\t990\t990\t990\t990\nCapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n\
         CapEff:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n",
    ),
    ("/proc/77/comm", "portcullis\n"),
    ("/proc/77/limits", "Max core file size        0                    0                    bytes     \n"),
    ("/proc/88/comm", "auditd\n"),
    ("/proc/89/comm", "rsyslogd\n"),
    (
        "/proc/net/tcp",
        "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n",
    ),
    ("/proc/sys/kernel/osrelease", "6.1.0-40-amd64\n"),
    ("/proc/sys/kernel/randomize_va_space", "2\n"),
    ("/proc/sys/kernel/kptr_restrict", "1\n"),
    ("/proc/sys/kernel/yama/ptrace_scope", "1\n"),
    ("/proc/sys/fs/suid_dumpable", "0\n"),
    ("/proc/sys/net/ipv4/tcp_syncookies", "1\n"),
    ("/proc/sys/net/ipv4/conf/all/accept_redirects", "0\n"),
    ("/etc/rsyslog.conf", "*.* @@logs.example.test:6514\n"),
    ("/etc/audit/audit.rules", "-w /opt/portcullis -p wa -k portcullis\n"),
    ("/etc/apt/apt.conf.d/20auto-upgrades", "APT::Periodic::Unattended-Upgrade \"1\";\n"),
    ("/usr/bin/true", ""),
    ("$apt-get -s -o Debug::NoLocking=true upgrade", "0 upgraded, 0 newly installed\n"),
    ("$nft -j list ruleset", rules!("drop")),
];

/// The machine.
pub(super) const HOST: &[Seeded] = &[
    ("O01.50", Change::Line(STATUS, "Uid:\t990\t990\t990\t990", "Uid:\t0\t0\t0\t0")),
    ("O01.50", Change::Line(STATUS, "Uid:\t990\t990", "Uid:\t990\t0")),
    ("O01.51", Change::Line(STATUS, "CapEff:\t0000000000000000", "CapEff:\t000001ffffffffff")),
    ("O01.51", Change::Line(STATUS, "CapAmb:\t0000000000000000", "CapAmb:\t0000000000200000")),
    ("O01.52", Change::Line(STATUS, "NoNewPrivs:\t1", "NoNewPrivs:\t0")),
    ("O01.53", Change::Line(STATUS, "Seccomp:\t2", "Seccomp:\t0")),
    ("O01.53", Change::Line(STATUS, "Seccomp:\t2", "Seccomp:\t1")),
    ("A03.50", Change::Line("/proc/77/limits", "0                    0", "unlimited            unlimited")),
    ("A04.50", Change::Socket("01004D0A:1F90")),
    ("A04.50", Change::Socket("00000000:1F91")),
    ("N03.50", Change::File("/proc/net/tcp", "h\n 0: 00000000:0CEA 00000000:0000 0A 0:0 0:0 0 27 0 5 1\n")),
    ("N03.50", Change::File("/proc/net/tcp", "h\n 0: 01004D0A:0017 00000000:0000 0A 0:0 0:0 0 0 0 5 1\n")),
    ("O02.50", Change::Program("/usr/bin/nmap", 0o104_755)),
    ("O02.50", Change::Program("/usr/local/bin/helper", 0o102_755)),
    ("O02.51", Change::Program("/usr/bin/gcc-12", 0o755)),
    ("O02.51", Change::Program("/usr/bin/x86_64-linux-gnu-ld", 0o755)),
    ("O03.50", Change::Answer(NFT, rules!("accept"))),
    ("O03.50", Change::Answer(NFT, rules!("drop", r#"{"accept":null}"#))),
    (
        "O03.51",
        Change::Answer(
            NFT,
            rules!(
                "drop",
                r#"{"match":{"left":{"payload":{"protocol":"tcp","field":"dport"}},"right":3306}},{"accept":null}"#
            ),
        ),
    ),
    (
        "O03.51",
        Change::Answer(
            NFT,
            rules!(
                "drop",
                r#"{"match":{"left":{"payload":{"protocol":"tcp","field":"dport"}},"right":{"range":[8000,8010]}}},{"accept":null}"#
            ),
        ),
    ),
    ("O05.50", Change::Line(SSHD, "PermitRootLogin no", "PermitRootLogin yes")),
    ("O05.50", Change::Line(SSHD, "X11Forwarding no", "Match User backup\nPermitRootLogin yes")),
    ("O05.51", Change::Line(SSHD, "PasswordAuthentication no\n", "")),
    ("O05.51", Change::Line(SSHD, "PasswordAuthentication no", "PasswordAuthentication yes")),
    ("O05.52", Change::Line(SSHD, "PermitEmptyPasswords no", "PermitEmptyPasswords yes")),
    ("O05.53", Change::Line(SSHD, "Port 2222\n", "")),
    ("O05.54", Change::Line(SSHD, "MaxAuthTries 3", "MaxAuthTries 100")),
    ("O05.54", Change::Line(SSHD, "MaxAuthTries 3", "MaxAuthTries 20")),
    ("O05.55", Change::Line(SSHD, "Ciphers aes256-gcm@openssh.com", "Ciphers aes256-gcm@openssh.com,3des-cbc")),
    ("O05.55", Change::Line(SSHD, "hmac-sha2-512-etm@openssh.com", "hmac-md5")),
    ("O05.55", Change::Line(SSHD, "sntrup761x25519-sha512", "diffie-hellman-group1-sha1")),
    ("O05.56", Change::Line(SSHD, "Banner /etc/issue.net\n", "")),
    ("O05.56", Change::Line(SSHD, "Banner /etc/issue.net", "Banner none")),
    (
        "O06.50",
        Change::Answer(
            "apt-get -s -o Debug::NoLocking=true upgrade",
            "Inst libssl3 [3.0.11-1] (3.0.15-1~deb12u1 Debian-Security:12/stable-security [amd64])\n",
        ),
    ),
    ("O06.52", Change::File("/etc/apt/apt.conf.d/20auto-upgrades", "APT::Periodic::Unattended-Upgrade \"0\";\n")),
    ("O06.52", Change::Gone("/etc/apt/apt.conf.d/20auto-upgrades")),
    ("O06.53", Change::File("/run/reboot-required", "")),
    ("O06.54", Change::File("/proc/sys/kernel/randomize_va_space", "0\n")),
    ("O06.54", Change::File("/proc/sys/fs/suid_dumpable", "2\n")),
    ("O06.54", Change::File("/proc/sys/net/ipv4/tcp_syncookies", "0\n")),
    ("O06.54", Change::File("/proc/sys/net/ipv4/conf/all/accept_redirects", "1\n")),
    ("O07.50", Change::Gone("/proc/88")),
    ("O07.51", Change::Gone("/proc/89")),
    ("O07.52", Change::File("/etc/rsyslog.conf", "# *.* @@logs.example.test:6514\n")),
    ("O07.53", Change::File("/etc/audit/audit.rules", "-w /opt/portcullis-other -p wa\n")),
    ("O07.53", Change::Gone("/etc/audit/audit.rules")),
];

fn certificate(built: &Built, names: &[&str], from: i64) {
    let (chain, key) = issued(names, Timestamp::from_seconds(from));
    put(&built.home.join("security/own.pem"), chain, 0o644);
    put(&built.home.join("security/own-key.pem"), key, 0o600);
}

/// A certificate as only OpenSSL still makes them, valid for ten years from now.
fn by_openssl(built: &Built, key: &str, digest: &str) {
    let security = built.home.join("security");
    let name = format!("subjectAltName=DNS:{NAME}");
    let mut openssl = Command::new("openssl");
    openssl
        .args(["req", "-x509", "-newkey", key, "-nodes", digest, "-days", "3650", "-subj", "/CN=x", "-addext", &name]);
    openssl.arg("-keyout").arg(security.join("own-key.pem")).arg("-out").arg(security.join("own.pem"));
    let made = openssl.output().expect("these certificates take the program openssl");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    built.run_mode("security/own-key.pem");
}

impl Built {
    fn run_mode(&self, path: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(self.home.join(path), std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn append(&self, text: &str) {
        let path = self.home.join("deployment.toml");
        let whole = format!("{}\n{text}", std::fs::read_to_string(&path).unwrap());
        std::fs::write(&path, whole).unwrap();
    }
}

fn sign_with_the_tls_key(built: &Built) {
    built.append(
        "[keystore.primary]\nfile_name = \"security/own.pem\"\nkey_file = \"security/own-key.pem\"\ntype = \"PEM\"\n",
    );
}

fn postgres(built: &Built, url: &str) {
    put(&built.home.join("security/database"), "a password", 0o600);
    built.append(&format!(
        "[database.apim_db]\ntype = \"postgresql\"\nurl = \"{url}\"\nusername = \"apim\"\npassword = \"$file{{security/database}}\"\n"
    ));
}

fn postgres_as(built: &Built, user: &str) {
    put(&built.home.join("security/database"), "a password", 0o600);
    built.append(&format!(
        "[database.apim_db]\ntype = \"postgresql\"\nusername = \"{user}\"\npassword = \"$file{{security/database}}\"\n\
         url = \"postgresql://db.example.test:5432/apim?sslmode=verify-full\"\n"
    ));
}

fn plain_gateway(built: &Built, address: &str) {
    built.append(&format!("[transport.passthru_http.listener]\nenable = true\nbind_address = \"{address}\"\n"));
}

fn administrator(built: &Built, name: &str, password: &str) {
    built.append(&format!(
        "[super_admin]\nusername = \"{name}\"\npassword = \"{password}\"\ncreate_admin_account = true\n"
    ));
}

fn registration(built: &Built, pattern: &str) {
    built.append(&format!(
        "[identity_mgt.user_self_registration]\nallow_self_registration = true\ncallback_url = \"{pattern}\"\n"
    ));
}

fn any_origin_with_credentials(built: &Built) {
    built.append("[apim.cors]\nallow_origins = [\"https://a.example\", \"*\"]\nallow_credentials = true\n");
}

fn writable_home(built: &Built, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(&built.home, std::fs::Permissions::from_mode(mode)).unwrap();
}
