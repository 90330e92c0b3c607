//! A real PostgreSQL of one's own for a test run: a fresh cluster in a temporary directory, on a free loopback port,
//! with password authentication, gone when the test run is.
//!
//! ```no_run
//! let Some(postgres) = testkit::postgres::from_environment()? else {
//!     println!("skipped: PORTCULLIS_TEST_POSTGRES_URL is not set");
//!     return Ok(());
//! };
//! postgres.sql("postgres", "CREATE DATABASE mine")?;
//! let url = postgres.url("mine");
//! # Ok::<(), testkit::postgres::PostgresError>(())
//! ```

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Read as _};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Environment variable: URL of a superuser of a running PostgreSQL that the tests may use.
pub const URL_VARIABLE: &str = "PORTCULLIS_TEST_POSTGRES_URL";
/// Environment variable: directory of PostgreSQL's programs, for tests that shall start their own server.
pub const PROGRAMS_VARIABLE: &str = "PORTCULLIS_TEST_POSTGRES";

const SUPERUSER: &str = "postgres";
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// A free port can be taken by another process between our look and the server's bind.
const PORT_ATTEMPTS: u32 = 5;

/// Why no PostgreSQL could be had. Always a fault of the machine or of the caller's SQL.
#[derive(Debug)]
pub struct PostgresError(String);

impl std::fmt::Display for PostgresError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for PostgresError {}

/// A PostgreSQL server: started here, and then stopped on drop, or somebody else's.
pub struct Postgres {
    /// Superuser URL without the database: `postgresql://user:password@host:port`.
    authority: String,
    port: u16,
    psql: PathBuf,
    started: Option<Started>,
}

struct Started {
    supervisor: Child,
    // Held so that the cluster's files live exactly as long as the server.
    _directory: tempfile::TempDir,
}

/// The server the environment offers: the running one of [`URL_VARIABLE`], else one started with the programs of
/// [`PROGRAMS_VARIABLE`], else none.
///
/// # Errors
/// A variable is set but unusable, or the server does not start.
#[expect(clippy::disallowed_methods, reason = "how `cargo xtask test` tells test binaries where the server is")]
pub fn from_environment() -> Result<Option<Postgres>, PostgresError> {
    if let Ok(url) = std::env::var(URL_VARIABLE) {
        return Postgres::attach(&url).map(Some);
    }
    match std::env::var(PROGRAMS_VARIABLE) {
        Ok(programs) => Postgres::start(Path::new(&programs)).map(Some),
        Err(_) => Ok(None),
    }
}

/// Directory of the newest installed PostgreSQL server programs: Debian's versioned directories, which are not in `PATH`.
#[must_use]
pub fn programs() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let version = path.file_name()?.to_str()?.parse().ok()?;
            let programs = path.join("bin");
            programs.join("initdb").exists().then_some((version, programs))
        })
        .collect();
    versions.sort();
    versions.pop().map(|(_, programs)| programs)
}

impl Postgres {
    /// Uses a server that runs already. `url` names a superuser, for example `postgresql://postgres:secret@127.0.0.1:5432`.
    ///
    /// # Errors
    /// `url` is not a PostgreSQL URL with a port.
    pub fn attach(url: &str) -> Result<Self, PostgresError> {
        let fault = || PostgresError(format!("{URL_VARIABLE} must look like postgresql://user:password@host:port"));
        let rest = url.strip_prefix("postgresql://").ok_or_else(fault)?;
        let host = rest.split(['/', '?']).next().unwrap_or(rest);
        let port = host.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).ok_or_else(fault)?;
        Ok(Self { authority: format!("postgresql://{host}"), port, psql: PathBuf::from("psql"), started: None })
    }

    /// Starts a fresh cluster with the server programs in `programs` (see [`programs`]) on a free loopback port.
    ///
    /// PostgreSQL refuses to run as root; then it runs as the user `postgres`, which Debian's package creates.
    ///
    /// # Errors
    /// The programs are missing or refuse; the message carries what they said.
    pub fn start(programs: &Path) -> Result<Self, PostgresError> {
        let owner = owner()?;
        let directory = tempfile::Builder::new()
            .prefix("portcullis-postgres-")
            .tempdir()
            .map_err(|e| PostgresError(format!("cannot make a temporary directory for PostgreSQL: {e}")))?;
        let password = random_password().map_err(|e| PostgresError(format!("cannot read /dev/urandom: {e}")))?;
        let data = initialise(programs, directory.path(), owner, &password)?;
        let mut last = None;
        for _ in 0..PORT_ATTEMPTS {
            let port = free_port().map_err(|e| PostgresError(format!("no free loopback port: {e}")))?;
            let mut supervisor = supervise(programs, &data, owner, port)?;
            let authority = format!("postgresql://{SUPERUSER}:{password}@127.0.0.1:{port}");
            match wait_until_ready(programs, &authority, &mut supervisor) {
                Ok(()) => {
                    let started = Some(Started { supervisor, _directory: directory });
                    return Ok(Self { authority, port, psql: programs.join("psql"), started });
                }
                Err(problem) => {
                    stop(&mut supervisor);
                    let log = fs::read_to_string(data.join("server.log")).unwrap_or_default();
                    last = Some(PostgresError(format!("PostgreSQL did not start: {problem}\n{log}")));
                }
            }
        }
        Err(last.unwrap_or_else(|| PostgresError("PostgreSQL did not start".to_owned())))
    }

    /// TCP port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// URL of `database` for the superuser, password included. For tests only: never hand it to a running product.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("{}/{database}", self.authority)
    }

    /// Runs statements in `database` as the superuser and returns what they print, unaligned and without headers.
    ///
    /// # Errors
    /// `psql` is missing, or a statement fails; the message is the server's.
    pub fn sql(&self, database: &str, statements: &str) -> Result<String, PostgresError> {
        query(&self.psql, &self.url(database), statements)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(started) = &mut self.started {
            stop(&mut started.supervisor);
        }
    }
}

/// The uid and gid to run as when we are root, `None` when we may run PostgreSQL ourselves.
fn owner() -> Result<Option<(u32, u32)>, PostgresError> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:")).and_then(|ids| ids.split_whitespace().nth(1));
    if uid != Some("0") {
        return Ok(None);
    }
    let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
    accounts
        .lines()
        .find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            let uid = fields.nth(1)?.parse().ok()?;
            let gid = fields.next()?.parse().ok()?;
            (name == "postgres").then_some((uid, gid))
        })
        .map(Some)
        .ok_or_else(|| {
            PostgresError(
                "PostgreSQL refuses to run as root and there is no user postgres: apt-get install postgresql"
                    .to_owned(),
            )
        })
}

fn random_password() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    }))
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A command that runs as the owner of the cluster, outside of directories which that user cannot enter.
fn as_owner(program: impl AsRef<std::ffi::OsStr>, owner: Option<(u32, u32)>, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(directory).env("LC_ALL", "C.UTF-8").env("TZ", "UTC");
    if let Some((uid, gid)) = owner {
        command.uid(uid).gid(gid);
    }
    command
}

fn initialise(
    programs: &Path,
    directory: &Path,
    owner: Option<(u32, u32)>,
    password: &str,
) -> Result<PathBuf, PostgresError> {
    let prepare = || -> io::Result<PathBuf> {
        let secret = directory.join("superuser");
        fs::write(&secret, password)?;
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o600))?;
        if let Some((uid, gid)) = owner {
            chown(directory, Some(uid), Some(gid))?;
            chown(&secret, Some(uid), Some(gid))?;
        }
        Ok(secret)
    };
    let secret = prepare().map_err(|e| PostgresError(format!("cannot prepare {}: {e}", directory.display())))?;
    let data = directory.join("data");
    let output = as_owner(programs.join("initdb"), owner, directory)
        .args(["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--username", SUPERUSER])
        .arg("--pwfile")
        .arg(&secret)
        .arg("--pgdata")
        .arg(&data)
        .stdin(Stdio::null())
        .output()
        .map_err(|e| PostgresError(format!("cannot run {}: {e}", programs.join("initdb").display())))?;
    if output.status.success() {
        Ok(data)
    } else {
        Err(PostgresError(format!("initdb failed: {}", String::from_utf8_lossy(&output.stderr))))
    }
}

/// Runs the server under a shell that ends it when our end of its standard input closes. So it also ends when the test
/// process is killed, and when it is held in a `static`, which is never dropped.
fn supervise(programs: &Path, data: &Path, owner: Option<(u32, u32)>, port: u16) -> Result<Child, PostgresError> {
    const SCRIPT: &str = r#""$@" >>"$LOG" 2>&1 & server=$!
        ( while kill -0 "$server" 2>/dev/null; do sleep 1; done; kill "$$" 2>/dev/null ) & watcher=$!
        read -r _ || true
        kill "$watcher" 2>/dev/null
        kill -INT "$server" 2>/dev/null
        wait "$server""#;
    as_owner("sh", owner, data)
        .env("LOG", data.join("server.log"))
        .args(["-c", SCRIPT, "sh"])
        .arg(programs.join("postgres"))
        .arg("-D")
        .arg(data)
        .args(["-p", &port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="])
        // A test cluster has nothing to lose in a power cut.
        .args([
            "-c",
            "fsync=off",
            "-c",
            "synchronous_commit=off",
            "-c",
            "full_page_writes=off",
            "-c",
            "max_connections=200",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| PostgresError(format!("cannot run {}: {e}", programs.join("postgres").display())))
}

#[expect(clippy::disallowed_methods, reason = "no async runtime here: polls a process that has just been started")]
fn wait_until_ready(programs: &Path, authority: &str, supervisor: &mut Child) -> Result<(), String> {
    let begun = Instant::now();
    let psql = programs.join("psql");
    loop {
        if let Ok(Some(status)) = supervisor.try_wait() {
            return Err(format!("it ended with {status}"));
        }
        match query(&psql, &format!("{authority}/postgres"), "SELECT 1") {
            Ok(_) => return Ok(()),
            Err(problem) if begun.elapsed() > START_TIMEOUT => return Err(problem.0),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

fn query(psql: &Path, url: &str, statements: &str) -> Result<String, PostgresError> {
    let output = Command::new(psql)
        .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set", "ON_ERROR_STOP=1", "--dbname", url])
        .args(["--command", statements])
        .stdin(Stdio::null())
        .output()
        .map_err(|e| PostgresError(format!("cannot run {}: {e}", psql.display())))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    } else {
        Err(PostgresError(String::from_utf8_lossy(&output.stderr).trim_end().to_owned()))
    }
}

fn stop(supervisor: &mut Child) {
    drop(supervisor.stdin.take());
    // A failed wait leaves nothing to do: the shell ends the server by itself.
    let _status = supervisor.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attach_takes_a_superuser_url_and_makes_database_urls_of_it() {
        let server = Postgres::attach("postgresql://postgres:s3cret@127.0.0.1:5433/ignored?sslmode=disable").unwrap();
        assert_eq!(server.port(), 5433);
        assert_eq!(server.url("mine"), "postgresql://postgres:s3cret@127.0.0.1:5433/mine");
    }

    #[test]
    fn attach_refuses_what_has_no_port_or_another_scheme() {
        for url in ["postgresql://127.0.0.1", "mysql://127.0.0.1:3306", "", "postgresql://user@host:none"] {
            assert!(Postgres::attach(url).is_err(), "{url} was taken");
        }
    }

    #[test]
    fn a_missing_installation_is_named() {
        let Err(problem) = Postgres::start(Path::new("/nonexistent/postgresql")) else { panic!("started nothing") };
        let text = problem.to_string();
        assert!(text.contains("/nonexistent/postgresql/initdb") || text.contains("apt-get install"), "{text}");
    }

    #[test]
    fn a_started_server_asks_for_the_password_and_ends_on_drop() {
        let Some(programs) = programs() else {
            println!("skipped: no PostgreSQL below /usr/lib/postgresql");
            return;
        };
        let server = Postgres::start(&programs).unwrap();
        assert_eq!(server.sql("postgres", "SELECT 40 + 2").unwrap(), "42");
        assert!(server.sql("postgres", "SELECT nonsense").unwrap_err().to_string().contains("nonsense"));
        let anonymous = format!("postgresql://postgres:wrong@127.0.0.1:{}/postgres", server.port());
        assert!(query(&programs.join("psql"), &anonymous, "SELECT 1").is_err(), "a wrong password was accepted");
        let port = server.port();
        drop(server);
        assert!(std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err(), "still listening after drop");
    }
}
