//! Clean-up of many expired rows while people sign in, on both databases (guideline O08): the longest lock, the 99th
//! percentile of a sign-in, and how long it took.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use super::database::{self, DATABASE};
use super::identity::Caller;
use crate::portcullis::Home;
use crate::process;

/// From the start of the server to the first clean-up: sign-ins are measured meanwhile for comparison.
const QUIET: Duration = Duration::from_secs(20);
const LONGEST: Duration = Duration::from_mins(30);
/// No transaction may hold its locks longer than this, in milliseconds.
const LOCK_TARGET: u64 = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Backend {
    Sqlite,
    Postgresql,
    Both,
}

#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Expired rows: six tenths revoked tokens, three refresh tokens, one sessions.
    #[arg(long, default_value_t = 10_000_000)]
    rows: u64,
    /// Which database.
    #[arg(long, value_enum, default_value = "both")]
    database: Backend,
    /// People who sign in at the same time.
    #[arg(long, default_value_t = 2)]
    callers: usize,
    /// Measure this program instead of building one.
    #[arg(long, value_name = "PORTCULLIS")]
    bin: Option<PathBuf>,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let program = super::program(options.bin.as_ref())?;
    let mut faults = Vec::new();
    if options.database != Backend::Postgresql {
        faults.extend(on_sqlite(options, &program).context("on SQLite")?);
    }
    if options.database != Backend::Sqlite {
        faults.extend(on_postgres(options, &program).context("on PostgreSQL")?);
    }
    if faults.is_empty() { Ok(()) } else { bail!("{}", faults.join("; ")) }
}

fn on_sqlite(options: &Options, program: &Path) -> Result<Option<String>> {
    let mut home = Home::new(program)?;
    home.configure_with_admin(&configuration(""))?;
    process::capture(&mut home.command(&["init"]))?;
    let caller = with_a_client(&home)?;
    let begun = Instant::now();
    let script = SQLITE.replace("FILE", &home.path().join("data/portcullis.db").to_string_lossy());
    process::capture(Command::new("python3").args(["-c", &script, &options.rows.to_string()]))?;
    println!("SQLite: {} expired rows made in {:.0} s", options.rows, begun.elapsed().as_secs_f64());
    watch("SQLite", options, &home, &caller)
}

fn on_postgres(options: &Options, program: &Path) -> Result<Option<String>> {
    let (server, home) = database::installation(program, &configuration(""))?;
    let caller = with_a_client(&home)?;
    let begun = Instant::now();
    for (table, columns, share) in POSTGRES {
        let rows = (options.rows * share / 10).to_string();
        let fill = POSTGRES_FILL.replace("COLUMNS", columns).replace("TABLE", table).replace("ROWS", &rows);
        server.sql(DATABASE, &fill)?;
    }
    server.sql(DATABASE, "VACUUM ANALYZE")?;
    server.sql(DATABASE, "CHECKPOINT")?;
    println!("PostgreSQL: {} expired rows made in {:.0} s", options.rows, begun.elapsed().as_secs_f64());
    watch("PostgreSQL", options, &home, &caller)
}

fn configuration(more: &str) -> String {
    format!("[session_data.cleanup]\nclean_expired_session_data_every = \"{}s\"\n\n{more}", QUIET.as_secs())
}

/// The rows belong to a user and a client, which a first start of the server makes.
fn with_a_client(home: &Home) -> Result<Caller> {
    let server = home.serve(None)?;
    let caller = Caller::new(home)?;
    server.stop()?;
    Ok(caller)
}

/// Starts the server and signs in until the clean-up has ended.
fn watch(name: &str, options: &Options, home: &Home, caller: &Caller) -> Result<Option<String>> {
    fs::write(home.log(), "")?;
    let server = home.serve(None)?;
    let begun = Instant::now();
    let ended = AtomicBool::new(false);
    let times = Mutex::new(Vec::new());
    let report = std::thread::scope(|scope| -> Result<Value> {
        let signing_in: Vec<_> = (0..options.callers.max(1))
            .map(|_| {
                scope.spawn(|| -> Result<()> {
                    while !ended.load(Ordering::Relaxed) {
                        let at = Instant::now();
                        caller.sign_in()?;
                        if let Ok(mut times) = times.lock() {
                            times.push((at.duration_since(begun), at.elapsed()));
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        let found = wait_for_report(home);
        ended.store(true, Ordering::Relaxed);
        for caller in signing_in {
            caller.join().map_err(|_| anyhow::anyhow!("a caller panicked"))?.context("a sign-in failed meanwhile")?;
        }
        found
    });
    let report = report.with_context(|| format!("the server printed:\n{}", home.log_end()))?;
    // The log writes every field as text.
    let figure = |field: &str| report.pointer(&format!("/fields/{field}"))?.as_str()?.parse::<u64>().ok();
    let number = |field: &str| figure(field).with_context(|| format!("the log line has no {field}: {report}"));
    let (rows, transactions) = (number("rows")?, number("transactions")?);
    let (longest, took) = (number("longest_ms")?, number("took_ms")?);
    let times = times.into_inner().map_err(|_| anyhow::anyhow!("a caller panicked"))?;
    let (before, during): (Vec<_>, Vec<_>) = times.into_iter().partition(|(at, _)| *at < QUIET);
    println!(
        "{name}: {rows} rows in {:.1} s, {:.0} per second, {transactions} transactions; longest lock {longest} ms",
        took as f64 / 1000.0,
        rows as f64 * 1000.0 / took.max(1) as f64
    );
    println!("{name}: sign-in before: {}; meanwhile: {}", percentiles(before), percentiles(during));
    // A backup of what is left may be under way, which is let end.
    server.stop().with_context(|| home.log_end())?;
    if rows < options.rows {
        return Ok(Some(format!("{name}: only {rows} rows went")));
    }
    Ok((longest > LOCK_TARGET).then(|| format!("{name}: a lock was held for {longest} ms")))
}

fn percentiles(times: Vec<(Duration, Duration)>) -> String {
    let mut times: Vec<Duration> = times.into_iter().map(|(_, took)| took).collect();
    times.sort();
    let at = |hundredth: usize| times.get((times.len() * hundredth / 100).min(times.len().saturating_sub(1)));
    let show = |time: Option<&Duration>| time.map_or_else(|| "none".to_owned(), |t| format!("{} ms", t.as_millis()));
    format!("{} of them, median {}, p99 {}, longest {}", times.len(), show(at(50)), show(at(99)), show(times.last()))
}

/// The line of the log that says what a clean-up did.
fn wait_for_report(home: &Home) -> Result<Value> {
    let mut report = None;
    process::wait_until("the clean-up", LONGEST, || {
        // Looked at rarely: the log is read from its start.
        process::pause(Duration::from_millis(500));
        let text = fs::read_to_string(home.log())?;
        let line = text.lines().find(|line| line.contains("expired rows removed"));
        if let Some(line) = line {
            report = Some(serde_json::from_str(line).with_context(|| line.to_owned())?);
        }
        Ok(report.is_some())
    })?;
    report.context("no report")
}

/// Rows without the checks of a running server: what is measured is how they go. Indexes are made after the rows, which is
/// many times faster. Keys are as the server makes them: the second of their making, then scattered; a hundred rows end in
/// a second.
const SQLITE: &str = r#"
import os, sqlite3, sys
rows = int(sys.argv[1])
db = sqlite3.connect(r'FILE', isolation_level=None)
for pragma in ('journal_mode=MEMORY', 'synchronous=OFF', 'cache_size=-400000', 'temp_store=MEMORY'):
    db.execute('PRAGMA ' + pragma)
user, = db.execute('SELECT id FROM user_account').fetchone()
client, = db.execute('SELECT client_id FROM oauth_client').fetchone()
count = 'WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) INSERT INTO '
end = '1000 + i'
def key(factor):
    return "printf('%09x%08x%015x', i / 100, (i * " + str(factor) + ") & 4294967295, i)"
def fill(table, columns, share, *values):
    indexes = db.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?", (table,))
    indexes = indexes.fetchall()
    db.execute('BEGIN')
    for name, _ in indexes:
        db.execute('DROP INDEX ' + name)
    db.execute(count + table + columns, (share, *values))
    for _, statement in indexes:
        db.execute(statement)
    db.execute('COMMIT')
tokens, renewals = rows * 6 // 10, rows * 3 // 10
fill('revoked_token', "(token_id, tenant_id, expires_at, revoked_at) SELECT " + key(2654435761) + ", -1234, " + end + ", 500 FROM n",
     tokens)
fill('refresh_token', "(hash, family, tenant_id, client_id, user_id, scopes, access_token_id, access_expires_at, issued_at, "
     "expires_at) SELECT CAST(" + key(2654435761) + " AS BLOB), " + key(1640531527) + ", -1234, ?, ?, 'default', " +
     key(2246822519) + ", 900, 500, " + end + " FROM n", renewals, client, user)
fill('login_session', "(hash, id, tenant_id, user_id, factors, authenticated_at, created_at, seen_at, ends_at, address, agent) "
     "SELECT CAST(" + key(2654435761) + " AS BLOB), " + key(1640531527) + ", -1234, ?, 'password', 1, 1, 1, " + end +
     ", '192.0.2.1', 'bench' FROM n", rows - tokens - renewals, user)
db.execute('PRAGMA journal_mode=WAL')
db.close()
# What was written lies on the disk before anything is measured.
os.sync()
"#;

/// Fills one table; TABLE, COLUMNS and ROWS are replaced.
const POSTGRES_FILL: &str = "SET session_replication_role = replica; SET synchronous_commit = off; \
    SET maintenance_work_mem = '512MB'; \
    DO $do$ DECLARE made text[]; one record; statement text; BEGIN \
    FOR one IN SELECT indexrelid::regclass AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index \
    WHERE indrelid = 'TABLE'::regclass AND NOT indisunique LOOP \
    made := made || one.definition; EXECUTE 'DROP INDEX ' || one.name; END LOOP; \
    INSERT INTO TABLE COLUMNS FROM generate_series(1, ROWS) i; \
    FOREACH statement IN ARRAY made LOOP EXECUTE statement; END LOOP; END $do$";

/// Tables, what goes into them, and their share of the rows in tenths. Keys are wholly scattered, as earlier versions made
/// them: the harder case, which PostgreSQL bears.
const POSTGRES: [(&str, &str, u64); 3] = [
    ("revoked_token", "(token_id, tenant_id, expires_at, revoked_at) SELECT md5('t' || i), -1234, 1000 + i, 500", 6),
    (
        "refresh_token",
        "(hash, family, tenant_id, client_id, user_id, scopes, access_token_id, access_expires_at, issued_at, expires_at) \
         SELECT decode(md5('h' || i) || md5('g' || i), 'hex'), md5('f' || i), -1234, \
         (SELECT client_id FROM oauth_client LIMIT 1), (SELECT id FROM user_account LIMIT 1), 'default', md5('a' || i), 900, \
         500, 1000 + i",
        3,
    ),
    (
        "login_session",
        "(hash, id, tenant_id, user_id, factors, authenticated_at, created_at, seen_at, ends_at, address, agent) \
         SELECT decode(md5('s' || i) || md5('t' || i), 'hex'), md5('u' || i), -1234, \
         (SELECT id FROM user_account LIMIT 1), 'password', 1, 1, 1, 1000 + i, '192.0.2.1', 'bench'",
        1,
    ),
];
