//! OpenSSL as the judge of what the first start makes: its verifier for the chain, its client for the listener.

use model::{Clock, Timestamp};
use rustls::pki_types::UnixTime;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use vault::tls::{Alpn, ClientCertificates, IdentitySource, ServerIdentity, server_config};
use vault::{KeyDirectory, SystemRng};

struct Today;

impl Clock for Today {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(UnixTime::now().as_secs().cast_signed())
    }
}

fn openssl(arguments: &[&str]) -> Option<Output> {
    Command::new("openssl").args(arguments).stdin(Stdio::null()).output().ok()
}

fn first_start(home: &Path) -> KeyDirectory {
    let keys = KeyDirectory::new(home.join("security"));
    let hosts = ["localhost", "127.0.0.1", "::1", "api.example.com"].map(str::to_owned);
    keys.open_or_create(&hosts, &Today, &SystemRng).unwrap();
    keys
}

#[test]
fn openssl_verifies_the_chain_strictly() {
    let home = tempfile::tempdir().unwrap();
    let keys = first_start(home.path());
    let (ca, leaf) = (keys.ca_certificate_path(), keys.tls_certificate_path());
    let verify = |name: [&str; 2]| {
        let fixed = ["verify", "-x509_strict", "-purpose", "sslserver", name[0], name[1], "-CAfile"];
        openssl(&[&fixed[..], &[ca.to_str().unwrap(), leaf.to_str().unwrap()]].concat())
    };
    for name in [["-verify_hostname", "localhost"], ["-verify_hostname", "api.example.com"], ["-verify_ip", "::1"]] {
        let Some(output) = verify(name) else {
            println!("skipped: OpenSSL is missing");
            return;
        };
        assert!(output.status.success(), "{name:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert!(!verify(["-verify_hostname", "example.com"]).unwrap().status.success());
}

#[test]
fn openssl_gets_in_with_strong_protocols_only() {
    if openssl(&["version"]).is_none() {
        println!("skipped: OpenSSL is missing");
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let keys = first_start(home.path());
    let source = IdentitySource::Pem { chain: keys.tls_certificate_path(), key: keys.tls_key_path() };
    let identity = ServerIdentity::from_files(source, Today.now()).unwrap();
    let config = server_config(identity, Alpn::Http2AndHttp1, ClientCertificates::NotAsked).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let ca = keys.ca_certificate_path();
    let cases: [(&[&str], bool); 12] = [
        (&["-tls1_3"], true),
        (&["-tls1_3", "-alpn", "h2"], true),
        (&["-tls1_2"], true),
        (&["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"], true),
        (&["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"], true),
        (&["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"], false),
        (&["-tls1_2", "-cipher", "AES128-GCM-SHA256"], false),
        (&["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256"], false),
        (&["-tls1_2", "-cipher", "ALL:COMPLEMENTOFALL:!ECDHE:@SECLEVEL=0"], false),
        (&["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], false),
        (&["-tls1", "-cipher", "ALL:@SECLEVEL=0"], false),
        (&["-tls1_3", "-groups", "P-521"], false),
    ];
    // Not joined: an OpenSSL that refuses a case before it connects must not make the test wait.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            let mut connection = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut tls = rustls::Stream::new(&mut connection, &mut stream);
            let _ = tls.write_all(b"welcome").and_then(|()| tls.flush());
            let _ = tls.read(&mut [0; 16]);
        }
    });
    for (arguments, expected) in cases {
        let fixed = ["s_client", "-connect", &address, "-servername", "localhost", "-verify_return_error"];
        let trust = ["-verify_hostname", "localhost", "-CAfile", ca.to_str().unwrap()];
        let output = openssl(&[&fixed[..], &trust, arguments].concat()).unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let connected = output.status.success() && text.contains("Verify return code: 0");
        assert_eq!(connected, expected, "{arguments:?}\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
    }
}
