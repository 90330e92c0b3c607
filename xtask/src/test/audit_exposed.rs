//! An installation as the guide wants it, audited: exposed on addresses that are not loopback, its own certificate,
//! PostgreSQL over TLS, an ordinary user, a firewall, backups. Every guideline of the installation has to hold.
//!
//! It runs in a network of its own (`unshare`), so that nothing of it can be reached from anywhere else.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use testkit::postgres::Postgres;

use crate::process::{self, Running};
use crate::workspace;

use super::Steps;

/// Addresses of the network of our own: the gateway's, and the console's, which the guide wants apart.
const GATEWAY: &str = "10.77.0.1";
const CONSOLE: &str = "10.77.0.2";
const HOST: &str = "gw.example.test";
/// `nobody`: a user without anything.
const USER: u32 = 65_534;
const DATABASE: &str = "portcullis";
const OWNER_PASSWORD: &str = "throw-away-owner";
const RUNTIME_PASSWORD: &str = "throw-away-runtime";

/// Guidelines about the machine that runs this. What they find is true of it, and not a fault of the installation.
const MACHINE: &[&str] = &["O02", "O05", "O06", "O07"];

/// What only people can know, and what nobody records.
const ATTESTED: &[(&str, &str)] = &[
    ("A01.5", "the announcements are read by the operators on duty"),
    ("A18.6", "the one administrator was made a minute ago"),
    ("N01.1", "the orchestrator keeps two nodes"),
    ("N02.1", "the logs of the network devices are collected"),
    ("N04.1", "the devices are watched"),
    ("N04.2", "the devices have credentials of their own"),
    ("N05.1", "the firmware is kept up to date"),
];

/// What a fresh installation leaves to its people. True, and nothing that could be done for them.
const LEFT_TO_PEOPLE: &[&str] = &["A18.7"];

/// Audits an exposed installation of this program.
pub(super) fn run(steps: &mut Steps, portcullis: &Path) {
    steps.run("audit of an exposed installation", || {
        let user = process::capture(Command::new("id").arg("-u"))?;
        if user.trim() != "0" || workspace::find_program("unshare").is_none() {
            println!("skipped: a network of one's own takes root and unshare(1)");
            return Ok(());
        }
        let mut inside = Command::new("unshare");
        inside.args(["--net", "--mount", "--"]).arg(std::env::current_exe()?);
        inside.args(["test", "--exposed-inside", "--bin"]).arg(portcullis);
        process::run(&mut inside)
    });
}

/// The step itself, in a network of its own.
pub(super) fn inside(portcullis: &Path) -> Result<()> {
    process::run(Command::new("ip").args(["link", "set", "lo", "up"]))?;
    for address in [GATEWAY, CONSOLE] {
        process::run(Command::new("ip").args(["address", "add", &format!("{address}/32"), "dev", "lo"]))?;
    }
    let place = Place::make(portcullis)?;
    let programs = testkit::postgres::programs().context("no PostgreSQL below /usr/lib/postgresql")?;
    let postgres = Postgres::start(&programs)?;
    place.database(&postgres)?;
    place.configure(postgres.port())?;
    let mut migration = place.command(&["db", "migrate", "--username", "owner"]);
    process::capture(migration.env("PORTCULLIS_DB_OWNER_PASSWORD", OWNER_PASSWORD))?;
    place.administrator()?;
    for (id, why) in ATTESTED {
        let text = ["--owner", "operations", "--reason", *why, "--expires", "2099-01-31"];
        process::capture(place.command(&["audit", "attest", id]).args(text))?;
    }
    process::capture(&mut place.command(&["backup", "create"]))?;
    process::capture(&mut place.command(&["backup", "drill"]))?;
    let server = place.serve()?;
    let firewall = place.firewall()?;
    let result = place.judge(firewall);
    drop(server);
    result.with_context(|| format!("the server said:\n{}", place.log()))
}

/// Where everything lies.
struct Place {
    scratch: tempfile::TempDir,
    program: PathBuf,
    home: PathBuf,
}

impl Place {
    fn make(portcullis: &Path) -> Result<Self> {
        let scratch = tempfile::Builder::new().prefix("portcullis-exposed-").tempdir()?;
        let at = |name: &str| scratch.path().join(name);
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755))?;
        // A program that its user cannot change.
        let program = at("portcullis");
        fs::copy(portcullis, &program)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        let home = at("home");
        for (folder, mode) in [("home", 0o750), ("home/security", 0o700), ("home/backups", 0o700)] {
            fs::create_dir(at(folder))?;
            fs::set_permissions(at(folder), fs::Permissions::from_mode(mode))?;
        }
        // Backups on another file system than the data, as the guide wants.
        process::run(
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=64m,mode=0700", "tmpfs"]).arg(at("home/backups")),
        )?;
        let script = format!(
            "set -e; exec 2>/dev/null\n\
             openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj '/CN=Authority of the house' -days 30\n\
             issue() {{ openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout $1.key -out $1.csr -subj \"/CN=$1\"\n\
             printf 'subjectAltName=%s\\n' \"$2\" > ext\n\
             openssl x509 -req -in $1.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out $1.pem -days 90 -extfile ext; }}\n\
             issue database IP:127.0.0.1\nissue gateway DNS:{HOST}\n\
             cat gateway.pem ca.pem > home/security/own.pem; cp gateway.key home/security/own-key.pem; cp ca.pem home/house.pem\n"
        );
        process::run(Command::new("sh").args(["-c", &script]).current_dir(scratch.path()))?;
        fs::set_permissions(at("home/security/own-key.pem"), fs::Permissions::from_mode(0o600))?;
        Ok(Self { program, home, scratch })
    }

    /// Switches the cluster to TLS only, and makes an owner and a role that may read and write rows.
    fn database(&self, postgres: &Postgres) -> Result<()> {
        let data = PathBuf::from(postgres.sql("postgres", "SHOW data_directory")?);
        let owner = process::capture(Command::new("stat").args(["-c", "%u:%g"]).arg(&data))?;
        let (uid, gid) = owner.trim().split_once(':').context("stat")?;
        let (uid, gid) = (uid.parse()?, gid.parse()?);
        for (from, to) in [("database.pem", "server.crt"), ("database.key", "server.key")] {
            fs::copy(self.scratch.path().join(from), data.join(to))?;
            fs::set_permissions(data.join(to), fs::Permissions::from_mode(0o600))?;
            chown(data.join(to), Some(uid), Some(gid))?;
        }
        let own = "host all postgres 127.0.0.1/32 scram-sha-256\n";
        fs::write(data.join("pg_hba.conf"), format!("{own}hostssl all all 127.0.0.1/32 scram-sha-256\n"))?;
        for statement in [
            "ALTER SYSTEM SET ssl = on".to_owned(),
            "SELECT pg_reload_conf()".to_owned(),
            format!("CREATE ROLE owner LOGIN PASSWORD '{OWNER_PASSWORD}'"),
            format!("CREATE ROLE runtime LOGIN PASSWORD '{RUNTIME_PASSWORD}'"),
            format!("CREATE DATABASE {DATABASE} OWNER owner"),
        ] {
            postgres.sql("postgres", &statement)?;
        }
        let rights = "ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA public \
             GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO runtime; \
             ALTER DEFAULT PRIVILEGES FOR ROLE owner IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO runtime";
        postgres.sql(DATABASE, rights).map(drop)?;
        Ok(())
    }

    fn configure(&self, port: u16) -> Result<()> {
        // A list of advisories, none of which concerns this version.
        let advisories = self.home.join("advisories/crates/rustls");
        fs::create_dir_all(&advisories)?;
        let advisory = "```toml\n[advisory]\nid = \"RUSTSEC-2024-0336\"\npackage = \"rustls\"\n\n\
             [versions]\npatched = [\">= 0.23.5\"]\n```\n";
        fs::write(advisories.join("RUSTSEC-2024-0336.md"), advisory)?;
        let text = format!(
            "[server]\nhostname = \"{HOST}\"\noffset = 4200\n\n\
             [transport.https.properties]\nbind_address = \"{CONSOLE}\"\n\n\
             [transport.passthru_https.listener]\nbind_address = \"{GATEWAY}\"\n\n\
             [keystore.tls]\nfile_name = \"security/own.pem\"\nkey_file = \"security/own-key.pem\"\ntype = \"PEM\"\n\n\
             [database.apim_db]\ntype = \"postgresql\"\nusername = \"runtime\"\npassword = \"$secret{{database}}\"\n\
             url = \"postgresql://127.0.0.1:{port}/{DATABASE}?sslmode=verify-full&sslrootcert=house.pem\"\n\n\
             [secrets]\ndatabase = \"[{RUNTIME_PASSWORD}]\"\n\n\
             [logging]\nfile = \"logs/server.log\"\nformat = \"json\"\n\n[backup]\nenable = true\n\n[gateway]\nmax_connections = 4000\n"
        );
        fs::write(self.home.join("deployment.toml"), text)?;
        fs::set_permissions(self.home.join("deployment.toml"), fs::Permissions::from_mode(0o640))?;
        process::run(Command::new("chown").args(["-R", &format!("{USER}:{USER}")]).arg(&self.home))?;
        process::capture(&mut self.command(&["vault", "encrypt"])).map(drop)
    }

    /// A command of the program as the ordinary user.
    fn command(&self, arguments: &[&str]) -> Command {
        // Limits as a unit of systemd sets them.
        let mut command = Command::new("prlimit");
        command.args(["--as=17179869184", "--", "setpriv", "--clear-groups"]);
        command.args([format!("--reuid={USER}"), format!("--regid={USER}"), "--".to_owned()]).arg(&self.program);
        command.args(arguments).arg("--home").arg(&self.home).current_dir(&self.home);
        command.env_clear().env("PATH", "/usr/bin:/bin");
        command
    }

    fn administrator(&self) -> Result<()> {
        let password = self.home.join("password");
        fs::write(&password, "four plain english words")?;
        fs::set_permissions(&password, fs::Permissions::from_mode(0o600))?;
        chown(&password, Some(USER), Some(USER))?;
        let mut add = self.command(&["user", "add", "owner", "--role", "admin"]);
        process::capture(add.arg("--password-file").arg(&password))?;
        Ok(fs::remove_file(&password)?)
    }

    fn log(&self) -> String {
        fs::read_to_string(self.scratch.path().join("serve.log")).unwrap_or_default()
    }

    fn serve(&self) -> Result<Running> {
        let log = fs::File::create(self.scratch.path().join("serve.log"))?;
        let mut command = self.command(&["serve"]);
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut server = Running(command.spawn()?);
        process::wait_until("the start of portcullis", Duration::from_secs(60), || {
            if let Some(status) = server.0.try_wait()? {
                bail!("portcullis ended with {status} instead of serving:\n{}", self.log());
            }
            Ok(self.log().contains("readyz"))
        })?;
        Ok(server)
    }

    /// Loads the rule set that the program prints; says whether there is an nft to do it.
    fn firewall(&self) -> Result<bool> {
        let rules = process::capture(&mut self.command(&["harden", "nftables"]))?;
        let file = self.scratch.path().join("rules.nft");
        fs::write(&file, rules)?;
        if workspace::find_program("nft").is_none() {
            println!("nft is not here (apt-get install nftables): guideline O03 is left out");
            return Ok(false);
        }
        process::run(Command::new("nft").arg("--file").arg(&file))?;
        Ok(true)
    }

    /// A report, and how long the audit took.
    fn audit(&self, mut command: Command) -> Result<(Value, Duration)> {
        let begun = Instant::now();
        let output = command.output()?;
        let took = begun.elapsed();
        let complaint = || format!("the audit said: {}", String::from_utf8_lossy(&output.stderr));
        Ok((serde_json::from_slice(&output.stdout).with_context(complaint)?, took))
    }

    fn judge(&self, firewall: bool) -> Result<()> {
        let json = ["audit", "--format", "json"];
        let before = state(&self.home)?;
        let (report, took) = self.audit(self.command(&json))?;
        let after = state(&self.home)?;
        let mut rows = rows(&report)?;
        // An ordinary user may not see the rules of the firewall; root may.
        let mut as_root = Command::new(&self.program);
        as_root.args(["audit", "--format", "json", "--only", "O03", "--home"]).arg(&self.home);
        let (seen, _) = self.audit(as_root)?;
        rows.extend(self::rows(&seen)?.into_iter().filter(|_| firewall));
        let wrong = print(&rows, firewall);
        built_in(&rows)?;
        println!("whole audit {:.1} s, score {}", took.as_secs_f64(), report.get("score").unwrap_or(&Value::Null));
        ensure!(wrong.is_empty(), "these do not hold: {}", wrong.join("; "));
        ensure!(took < Duration::from_secs(30), "the audit took {:.1} s", took.as_secs_f64());
        ensure!(before == after, "the audit changed {:?}", difference(&before, &after));
        println!("{} files with mode, size and content as before", after.len());
        Ok(())
    }
}

/// What a guideline came to: its word, and the details of what does not hold.
type Rows = BTreeMap<String, (String, Vec<String>)>;

fn rows(report: &Value) -> Result<Rows> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let list = |value: &Value, name: &str| value.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let guidelines = list(report, "guidelines");
    ensure!(guidelines.len() > 3 || report.get("format").is_some(), "the report has no guidelines");
    let rows = guidelines.iter().map(|guideline| {
        let open = list(guideline, "checks").into_iter().filter(|c| matches!(&*text(c, "status"), "fails" | "unknown"));
        let details = open.map(|check| {
            let found = list(&check, "findings").iter().map(|f| text(f, "observed")).collect::<Vec<_>>().join(", ");
            let why = if found.is_empty() { text(&check, "detail") } else { found };
            format!("{} {}: {why}", text(&check, "id"), text(&check, "status"))
        });
        (text(guideline, "id"), (text(guideline, "status"), details.collect()))
    });
    Ok(rows.collect())
}

/// Prints the table; answers what is wrong with the installation.
fn print(rows: &Rows, firewall: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    println!("{:4} {:16} why", "id", "state");
    for (id, (status, open)) in rows {
        let machine = MACHINE.contains(&id.as_str()) || (id == "O03" && !firewall);
        let note = if machine && !open.is_empty() { "this machine: " } else { "" };
        let details: String = open.join("; ").chars().take(160).collect();
        println!("{id:4} {status:16} {note}{details}");
        let people = |detail: &String| LEFT_TO_PEOPLE.iter().any(|id| detail.starts_with(*id));
        if !machine && !open.iter().all(people) {
            wrong.push(format!("{id} {status} ({details})"));
        }
    }
    wrong
}

/// Guidelines that hold because the program cannot do otherwise, with the sentence of their page.
fn built_in(rows: &Rows) -> Result<()> {
    let mut pages: Vec<PathBuf> =
        fs::read_dir(workspace::root().join("docs/src/guidelines"))?.flatten().map(|entry| entry.path()).collect();
    pages.sort();
    for page in pages {
        let id = page.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&page)?;
        let built = text.lines().find_map(|line| line.strip_prefix("**In Portcullis.** "));
        if !rows.contains_key(&id) {
            println!("{id:4} {:16} {}", "built in", built.unwrap_or_default());
        }
    }
    Ok(())
}

/// Mode and content of every file below a home, but the kept reports and what the server writes of the audit's requests.
fn state(home: &Path) -> Result<BTreeMap<PathBuf, (u32, Vec<u8>)>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![home.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let metadata = fs::symlink_metadata(&path)?;
            if metadata.is_dir() && !path.ends_with("home/audit") && !path.ends_with("home/logs") {
                folders.push(path);
            } else if metadata.is_file() {
                found.insert(path.clone(), (metadata.permissions().mode(), fs::read(&path)?));
            }
        }
    }
    Ok(found)
}

fn difference<'a>(
    before: &'a BTreeMap<PathBuf, (u32, Vec<u8>)>,
    after: &'a BTreeMap<PathBuf, (u32, Vec<u8>)>,
) -> Vec<&'a PathBuf> {
    let changed = after.iter().filter(|(path, state)| before.get(*path) != Some(state)).map(|(path, _)| path);
    changed.chain(before.keys().filter(|path| !after.contains_key(*path))).collect()
}
