//! Our TLS prober against sslscan, on listeners of OpenSSL that are weak on purpose, and on an old stack in Python that still
//! speaks what OpenSSL has forgotten.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use regex::Regex;

use crate::judges;
use crate::process::{self, Running, free_port};
use crate::workspace;

use super::Steps;

/// A listener of `openssl s_server`: its name, how its key is made, and its options.
const LISTENERS: &[(&str, &[&str], &[&str])] = &[
    ("everything OpenSSL has", &["rsa:2048"], &["-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0", "-client_renegotiation"]),
    ("TLS 1.2 with a key of 1024 bits", &["rsa:1024", "-sha1"], &["-tls1_2", "-cipher", "ALL:@SECLEVEL=0"]),
    ("TLS 1.0 alone", &["rsa:2048"], &["-tls1", "-cipher", "ALL:@SECLEVEL=0"]),
    ("CBC and static RSA", &["rsa:2048"], &["-tls1_2", "-cipher", "AES128-SHA:AES256-SHA256:ECDHE-RSA-AES128-SHA"]),
    ("finite-field exchange", &["rsa:2048"], &["-tls1_2", "-cipher", "DHE+AESGCM:DHE+CHACHA20"]),
    ("TLS 1.3 alone", &["rsa:2048"], &["-tls1_3"]),
    ("one group", &["rsa:2048"], &["-tls1_2", "-groups", "P-521"]),
];

/// SSL 3.0, RC4 and triple DES, which OpenSSL cannot serve any more.
const OLD: &str = r"
import socket, sys
from tlslite.api import TLSConnection, HandshakeSettings, X509, X509CertChain, parsePEMKey
chain = X509CertChain([X509().parse(open(sys.argv[2]).read())])
key = parsePEMKey(open(sys.argv[3]).read(), private=True)
settings = HandshakeSettings()
settings.minVersion, settings.maxVersion = (3, 0), (3, 2)
settings.cipherNames = ['rc4', '3des', 'aes128']
settings.macNames = ['sha', 'md5']
settings.minKeySize = 1024
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(('127.0.0.1', int(sys.argv[1])))
server.listen(50)
while True:
    peer, _ = server.accept()
    peer.settimeout(3)
    try:
        TLSConnection(peer).handshakeServer(certChain=chain, privateKey=key, settings=settings)
    except Exception:
        pass
    peer.close()
";

pub(super) fn run(steps: &mut Steps) {
    steps.run("TLS prober beside sslscan", compare);
}

fn compare() -> Result<()> {
    process::run(workspace::cargo().args(["build", "--quiet", "-p", "inspect", "--example", "tls"]))?;
    let prober = workspace::metadata()?.target_directory.join("debug/examples/tls");
    let folder = judges::folder("tls")?;
    println!("{:34} {:>6} {:>8}  difference", "listener", "ours", "sslscan");
    for (name, key, options) in LISTENERS {
        let (certificate, private) = certificate(&folder, key)?;
        let port = free_port()?;
        let mut server = Command::new("openssl");
        server.args(["s_server", "-www", "-quiet", "-accept", &format!("127.0.0.1:{port}")]);
        server.arg("-cert").arg(&certificate).arg("-key").arg(&private).args(*options);
        let _running = start(&mut server, port)?;
        let ours = suites_of_prober(&look(&prober, port)?)?;
        let theirs = suites_of_sslscan(&sslscan(port)?)?;
        println!("{name:34} {:>6} {:>8}  {}", ours.len(), theirs.len(), ours.symmetric_difference(&theirs).count());
        ensure!(!theirs.is_empty(), "{name}: sslscan found nothing, so there is nothing to agree on");
        ensure!(ours == theirs, "{name}: only ours {:?}, only theirs {:?}", &ours - &theirs, &theirs - &ours);
        if *name == "everything OpenSSL has" {
            ensure!(look(&prober, port)?.contains("client-renegotiation Accepted"), "the renegotiation was not seen");
        }
    }
    old(&prober, &folder)
}

/// The old stack says itself what it speaks; sslscan cannot see suites of SSL 3.0 either.
fn old(prober: &Path, folder: &Path) -> Result<()> {
    let python = judges::python(folder, "tlslite", &["tlslite-ng==0.8.2"])?;
    let script = folder.join("old.py");
    std::fs::write(&script, OLD)?;
    let (certificate, private) = certificate(folder, &["rsa:1024"])?;
    let port = free_port()?;
    let mut server = Command::new(python);
    server.arg(&script).arg(port.to_string()).arg(&certificate).arg(&private);
    let _running = start(&mut server, port)?;
    let said = look(prober, port)?;
    for wanted in ["SSL3.0 0x0005", "SSL3.0 0x0004", "TLS1.0 0x000a", "TLS1.1 0x002f", "key: Rsa(1024)"] {
        ensure!(said.contains(wanted), "{wanted} was not seen:\n{said}");
    }
    println!("{:34} SSL 3.0, RC4, triple DES and a key of 1024 bits are seen", "tlslite-ng");
    Ok(())
}

fn certificate(folder: &Path, key: &[&str]) -> Result<(PathBuf, PathBuf)> {
    let stem = key.join("").replace([':', '-'], "");
    let (certificate, private) = (folder.join(format!("{stem}.pem")), folder.join(format!("{stem}.key")));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-nodes", "-days", "30", "-subj", "/CN=localhost", "-newkey"]).args(key);
    openssl.arg("-keyout").arg(&private).arg("-out").arg(&certificate).stderr(Stdio::null());
    process::run(&mut openssl)?;
    Ok((certificate, private))
}

fn start(server: &mut Command, port: u16) -> Result<Running> {
    let running = Running(server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
    process::wait_until("the listener", Duration::from_secs(10), || {
        Ok(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok())
    })?;
    Ok(running)
}

fn look(prober: &Path, port: u16) -> Result<String> {
    process::capture(Command::new(prober).args([&format!("127.0.0.1:{port}"), "localhost"]))
}

fn sslscan(port: u16) -> Result<String> {
    let program = workspace::find_program("sslscan").context("sslscan is missing: apt-get install sslscan")?;
    let mut command = Command::new(program);
    command.args(["--no-colour", "--show-cipher-ids", "--xml=-", "--sni-name=localhost", &format!("127.0.0.1:{port}")]);
    process::capture(&mut command)
}

/// Version and number of each accepted suite.
type Suites = BTreeSet<(String, u32)>;

fn suites_of_prober(text: &str) -> Result<Suites> {
    found(text, r"(?m)^suite (\S+) 0x([0-9a-f]{4}) ")
}

fn suites_of_sslscan(xml: &str) -> Result<Suites> {
    found(xml, r#"<cipher status="\w+" sslversion="(\S+?)"[^>]*? id="0x([0-9A-Fa-f]{4})""#)
}

fn found(text: &str, pattern: &str) -> Result<Suites> {
    let part = |hit: &regex::Captures<'_>, at| hit.get(at).map_or("", |m| m.as_str()).to_owned();
    let all = Regex::new(pattern)?;
    let read = all
        .captures_iter(text)
        .map(|hit| Ok((part(&hit, 1).replace('v', ""), u32::from_str_radix(&part(&hit, 2), 16)?)));
    read.collect()
}

#[cfg(test)]
mod tests {
    use super::{suites_of_prober, suites_of_sslscan};

    #[test]
    fn both_outputs_are_read_alike() {
        let ours =
            suites_of_prober("suite TLS1.2 0xc02f TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\ngroup x25519\n").unwrap();
        let xml = r#"<cipher status="preferred" sslversion="TLSv1.2" bits="128" cipher="ECDHE-RSA-AES128-GCM-SHA256" id="0xC02F" strength="strong" />"#;
        assert_eq!(ours, suites_of_sslscan(xml).unwrap());
        assert_eq!(ours.len(), 1);
    }
}
