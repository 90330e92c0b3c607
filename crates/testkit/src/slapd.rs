//! A real OpenLDAP server for a test: TLS and StartTLS on free loopback ports, its entries loaded before it starts, gone
//! when the test is.
//!
//! ```no_run
//! let Some(program) = testkit::slapd::program() else {
//!     println!("skipped: slapd is not installed");
//!     return Ok(());
//! };
//! let tls = testkit::slapd::Tls { ca_pem: "..", certificate_pem: "..", key_pem: ".." };
//! let directory = testkit::slapd::Slapd::start(&program, &tls, &testkit::slapd::people(10))?;
//! let url = directory.ldaps_url();
//! # Ok::<(), testkit::slapd::SlapdError>(())
//! ```

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The suffix of everything in the directory.
pub const SUFFIX: &str = "dc=example,dc=com";
/// The account that may search and nothing else.
pub const SERVICE_DN: &str = "cn=service,dc=example,dc=com";
/// Its password.
pub const SERVICE_PASSWORD: &str = "service account secret";
/// The account that may do everything; tests change the directory with it.
pub const ROOT_DN: &str = "cn=root,dc=example,dc=com";
/// Its password.
pub const ROOT_PASSWORD: &str = "directory root secret";
/// The password of everybody that [`people`] makes.
pub const PERSON_PASSWORD: &str = "correct horse battery staple";

const START_TIMEOUT: Duration = Duration::from_secs(30);

/// Why no directory could be had, or a change of it failed.
#[derive(Debug)]
pub struct SlapdError(String);

impl std::fmt::Display for SlapdError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SlapdError {}

/// The server's certificate and key, PEM.
pub struct Tls<'a> {
    /// Authority.
    pub ca_pem: &'a str,
    /// Certificate chain of the server.
    pub certificate_pem: &'a str,
    /// Its key.
    pub key_pem: &'a str,
}

/// A running directory.
pub struct Slapd {
    directory: tempfile::TempDir,
    program: PathBuf,
    ldap: u16,
    ldaps: u16,
    supervisor: Option<Child>,
}

/// The server's program where Debian puts it, if it is there together with the clients that tests use.
#[must_use]
pub fn program() -> Option<PathBuf> {
    let server = PathBuf::from("/usr/sbin/slapd");
    let modules = Path::new("/usr/lib/ldap/back_mdb.la").exists() || Path::new("/usr/lib/ldap/back_mdb.so").exists();
    (server.exists() && modules && Path::new("/usr/bin/ldapmodify").exists()).then_some(server)
}

/// LDIF of the suffix, `ou=Users`, `ou=Groups`, the service account, and `count` people `user00000`, `user00001`, .. whose
/// password is [`PERSON_PASSWORD`]. Their passwords are kept in clear, so that loading many is quick.
#[must_use]
pub fn people(count: usize) -> String {
    let mut ldif = format!(
        "dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\ndc: example\no: Example\n\n\
         dn: ou=Users,{SUFFIX}\nobjectClass: organizationalUnit\nou: Users\n\n\
         dn: ou=Groups,{SUFFIX}\nobjectClass: organizationalUnit\nou: Groups\n\n\
         dn: {SERVICE_DN}\nobjectClass: applicationProcess\nobjectClass: simpleSecurityObject\ncn: service\n\
         userPassword: {SERVICE_PASSWORD}\n\n"
    );
    for number in 0..count {
        ldif.push_str(&person(&format!("user{number:05}"), PERSON_PASSWORD));
    }
    ldif
}

/// LDIF of one person below `ou=Users`.
#[must_use]
pub fn person(uid: &str, password: &str) -> String {
    format!(
        "dn: uid={uid},ou=Users,{SUFFIX}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {uid}\nsn: {uid}\n\
         userPassword: {password}\n\n"
    )
}

/// LDIF of one group below `ou=Groups`; members are `uid=..` or `cn=..` relative to their branch.
#[must_use]
pub fn group(cn: &str, members: &[&str]) -> String {
    let mut ldif = format!("dn: cn={cn},ou=Groups,{SUFFIX}\nobjectClass: groupOfNames\ncn: {cn}\n");
    for member in members {
        let branch = if member.starts_with("uid=") { "Users" } else { "Groups" };
        let _infallible = writeln!(ldif, "member: {member},ou={branch},{SUFFIX}");
    }
    ldif.push('\n');
    ldif
}

impl Slapd {
    /// Loads the entries and starts the server.
    ///
    /// # Errors
    /// The program or its modules are missing, the entries are wrong, or it does not start.
    pub fn start(program: &Path, tls: &Tls<'_>, ldif: &str) -> Result<Self, SlapdError> {
        let fault = |what: &str, e: std::io::Error| SlapdError(format!("{what}: {e}"));
        let directory = tempfile::Builder::new()
            .prefix("portcullis-slapd-")
            .tempdir()
            .map_err(|e| fault("cannot make a temporary directory", e))?;
        let path = directory.path();
        let write = |name: &str, text: &str| {
            let file = path.join(name);
            fs::write(&file, text)
                .and_then(|()| fs::set_permissions(&file, fs::Permissions::from_mode(0o600)))
                .map_err(|e| fault(name, e))
        };
        fs::create_dir(path.join("data")).map_err(|e| fault("data", e))?;
        write("ca.pem", tls.ca_pem)?;
        write("server.pem", tls.certificate_pem)?;
        write("server.key", tls.key_pem)?;
        write("entries.ldif", ldif)?;
        write("slapd.conf", &configuration(path))?;
        let loaded = Command::new(program.with_file_name("slapadd"))
            .args(["-q", "-f"])
            .arg(path.join("slapd.conf"))
            .arg("-l")
            .arg(path.join("entries.ldif"))
            .output()
            .map_err(|e| fault("cannot run slapadd", e))?;
        if !loaded.status.success() {
            return Err(SlapdError(format!("slapadd failed: {}", String::from_utf8_lossy(&loaded.stderr))));
        }
        let (ldap, ldaps) = (free_port()?, free_port()?);
        let mut server = Self { directory, program: program.to_owned(), ldap, ldaps, supervisor: None };
        server.start_again()?;
        Ok(server)
    }

    /// Starts a stopped server again, with its entries, on the same ports.
    ///
    /// # Errors
    /// It does not come up; the message carries its log.
    pub fn start_again(&mut self) -> Result<(), SlapdError> {
        // The shell ends the server when our end of its standard input closes, also when the test process is killed.
        const SCRIPT: &str = r#""$@" >>"$LOG" 2>&1 & server=$!
            ( while kill -0 "$server" 2>/dev/null; do sleep 1; done; kill "$$" 2>/dev/null ) & watcher=$!
            read -r _ || true
            kill "$watcher" 2>/dev/null
            kill -KILL "$server" 2>/dev/null
            wait "$server""#;
        let log = self.directory.path().join("slapd.log");
        let addresses = format!("ldap://127.0.0.1:{} ldaps://127.0.0.1:{}", self.ldap, self.ldaps);
        let supervisor = Command::new("sh")
            .env("LOG", &log)
            .args(["-c", SCRIPT, "sh"])
            .arg(&self.program)
            .args(["-d", "0", "-h", &addresses, "-f"])
            .arg(self.directory.path().join("slapd.conf"))
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|e| SlapdError(format!("cannot run slapd: {e}")))?;
        self.supervisor = Some(supervisor);
        if self.wait_for_ports() {
            return Ok(());
        }
        let log = fs::read_to_string(log).unwrap_or_default();
        self.stop();
        Err(SlapdError(format!("slapd did not start\n{log}")))
    }

    #[expect(clippy::disallowed_methods, reason = "no async runtime here: polls a process that has just been started")]
    fn wait_for_ports(&self) -> bool {
        let begun = Instant::now();
        while begun.elapsed() < START_TIMEOUT {
            if [self.ldap, self.ldaps].iter().all(|port| TcpStream::connect((Ipv4Addr::LOCALHOST, *port)).is_ok()) {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        false
    }

    /// Kills the server, as a power cut does. The entries stay.
    pub fn stop(&mut self) {
        if let Some(mut supervisor) = self.supervisor.take() {
            drop(supervisor.stdin.take());
            // A failed wait leaves nothing to do: the shell ends the server by itself.
            let _status = supervisor.wait();
        }
    }

    /// `ldap://127.0.0.1:port`, for StartTLS.
    #[must_use]
    pub fn ldap_url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.ldap)
    }

    /// `ldaps://127.0.0.1:port`.
    #[must_use]
    pub fn ldaps_url(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.ldaps)
    }

    /// Applies an LDIF of changes as the directory's own administrator.
    ///
    /// # Errors
    /// The server's message.
    pub fn modify(&self, ldif: &str) -> Result<(), SlapdError> {
        let file = self.directory.path().join("change.ldif");
        fs::write(&file, ldif).map_err(|e| SlapdError(e.to_string()))?;
        self.client("ldapmodify", ROOT_DN, ROOT_PASSWORD, &["-f", &file.to_string_lossy()]).map(drop)
    }

    /// How many operations of a kind (`Add`, `Modify`, `Delete`, `Modrdn`, `Bind`, `Search`) the server has completed, by
    /// its own count.
    ///
    /// # Errors
    /// The server's message.
    pub fn completed(&self, operation: &str) -> Result<u64, SlapdError> {
        let base = format!("cn={operation},cn=Operations,cn=Monitor");
        let text = self.client(
            "ldapsearch",
            ROOT_DN,
            ROOT_PASSWORD,
            &["-LLL", "-b", &base, "-s", "base", "monitorOpCompleted"],
        )?;
        let count =
            text.lines().find_map(|line| line.strip_prefix("monitorOpCompleted: ")).and_then(|n| n.parse().ok());
        count.ok_or_else(|| SlapdError(format!("no counter in {text}")))
    }

    /// Runs one of OpenLDAP's clients over TLS as an account.
    ///
    /// # Errors
    /// What it complains.
    pub fn client(&self, program: &str, dn: &str, password: &str, arguments: &[&str]) -> Result<String, SlapdError> {
        let output = Command::new(program)
            .env("LDAPTLS_CACERT", self.directory.path().join("ca.pem"))
            .args(["-x", "-H", &self.ldaps_url(), "-D", dn, "-w", password])
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .map_err(|e| SlapdError(format!("cannot run {program}: {e}")))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        Err(SlapdError(String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.stop();
    }
}

fn free_port() -> Result<u16, SlapdError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|e| SlapdError(format!("no free loopback port: {e}")))
}

/// Passwords only over TLS; the service account reads everything but passwords, and gets at most 500 entries at once,
/// any number in pages. Nobody but the root account writes.
fn configuration(path: &Path) -> String {
    let path = path.display();
    format!(
        "include /etc/ldap/schema/core.schema\n\
         include /etc/ldap/schema/cosine.schema\n\
         include /etc/ldap/schema/inetorgperson.schema\n\
         pidfile {path}/slapd.pid\n\
         modulepath /usr/lib/ldap\n\
         moduleload back_mdb\n\
         moduleload back_monitor\n\
         TLSCACertificateFile {path}/ca.pem\n\
         TLSCertificateFile {path}/server.pem\n\
         TLSCertificateKeyFile {path}/server.key\n\
         security simple_bind=128\n\
         database monitor\n\
         rootdn \"{ROOT_DN}\"\n\
         database mdb\n\
         suffix \"{SUFFIX}\"\n\
         rootdn \"{ROOT_DN}\"\n\
         rootpw \"{ROOT_PASSWORD}\"\n\
         directory {path}/data\n\
         maxsize 1073741824\n\
         dbnosync\n\
         index objectClass,uid,cn,member eq\n\
         limits dn.exact=\"{SERVICE_DN}\" size.soft=500 size.hard=500 size.prtotal=unlimited\n\
         access to attrs=userPassword by anonymous auth by * none\n\
         access to * by dn.exact=\"{SERVICE_DN}\" read by users search by * auth\n"
    )
}
