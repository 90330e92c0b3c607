//! `kill -9` at random moments while changes are being made: whatever was acknowledged is there afterwards, the chain of the
//! audit log is unbroken, and the next start says what happened.

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde_json::Value;
use testkit::postgres::Postgres;

use crate::portcullis::Home;
use crate::process;

use super::{Steps, end_to_end, tools};

/// How often the server is killed.
const KILLS: usize = 100;

/// How often it is killed over PostgreSQL, where a transaction that was not acknowledged is the database's to end.
const KILLS_ON_POSTGRES: usize = 40;

/// Who makes changes at the same time.
const WRITERS: usize = 4;

/// Longest time from the first change to the kill, milliseconds.
const LONGEST: u64 = 250;

/// Kills this program again and again.
pub(super) fn run(steps: &mut Steps, portcullis: &Path) {
    steps.run("kill -9 under write load", || {
        let home = Home::new(portcullis)?;
        home.configure("")?;
        crash(&home, KILLS).with_context(|| format!("what the server printed last:\n{}", home.log_end()))
    });
    steps.run("kill -9 under write load on PostgreSQL", || {
        let postgres = Postgres::start(&tools::provide()?)?;
        let home = end_to_end::home_on(portcullis, &postgres)?;
        crash(&home, KILLS_ON_POSTGRES).with_context(|| format!("what the server printed last:\n{}", home.log_end()))
    });
}

fn crash(home: &Home, kills: usize) -> Result<()> {
    process::capture(&mut home.command(&["init"]))?;
    let begun = Instant::now();
    let writers = {
        let _server = home.serve(None)?;
        (0..WRITERS).map(|number| Writer::make(home, number)).collect::<Result<Vec<_>>>()?
    };
    // Moments that differ from run to run.
    let mut random = Random(u64::from(std::process::id()) << 20 | 1);
    let (mut acknowledged, mut idle) = (0, 0);
    for round in 0..kills {
        let server = home.serve(None).with_context(|| format!("the start after kill {round}"))?;
        writers.iter().try_for_each(|writer| writer.verify(home))?;
        let wait = Duration::from_millis(random.next() % LONGEST);
        let saved = load(home, &writers, || {
            process::pause(wait);
            server.kill()
        })?;
        acknowledged += saved;
        idle += usize::from(saved == 0);
    }
    let server = home.serve(None).context("the start after the last kill")?;
    writers.iter().try_for_each(|writer| writer.verify(home))?;
    let audit = process::capture(&mut home.command(&["audit", "--only", "A21.4", "--format", "json"]))?;
    server.stop()?;
    let told = home.log_text().matches(TOLD).count();
    println!(
        "{kills} kills in {:.0} s, {acknowledged} changes acknowledged, none lost; {idle} kills before the first of a round; \
         {told} starts said what happened",
        begun.elapsed().as_secs_f64()
    );
    ensure!(acknowledged > 2 * kills, "only {acknowledged} changes were acknowledged: that was no load");
    // A server that is killed at once may not have written its first lines yet.
    ensure!(told * 10 >= kills * 9, "{told} of {kills} starts said that the server before had not stopped");
    let report: Value = serde_json::from_str(&audit)?;
    let status = report.pointer("/guidelines/0/checks/0/status").and_then(Value::as_str);
    ensure!(status == Some("holds"), "the chain of the audit log: {status:?}");
    Ok(())
}

/// Somebody who changes one application again and again.
struct Writer {
    name: String,
    target: String,
    /// The number of the last change that was begun.
    begun: AtomicUsize,
    /// The number of the last change that was acknowledged.
    acknowledged: AtomicUsize,
}

impl Writer {
    fn make(home: &Home, number: usize) -> Result<Self> {
        let name = format!("app-{number}");
        let body = application(&name, 0);
        let answer = exchange(&socket(home), "POST", APPLICATIONS, &body)?;
        let made: Value = serde_json::from_str(body_of(&answer)?).with_context(|| answer.clone())?;
        let id = made.get("applicationId").and_then(Value::as_str).with_context(|| answer.clone())?;
        let target = format!("{APPLICATIONS}/{id}");
        Ok(Self { name, target, begun: AtomicUsize::new(0), acknowledged: AtomicUsize::new(0) })
    }

    /// Changes until the server is gone; answers how many changes were acknowledged.
    fn change(&self, socket: &Path) -> Result<usize> {
        for saved in 0.. {
            let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
            match exchange(socket, "PUT", &self.target, &application(&self.name, number)) {
                Ok(answer) if answer.starts_with("HTTP/1.1 200") => self.acknowledged.store(number, Ordering::Relaxed),
                // A server that is alive and refuses would make this test pass without testing anything.
                Ok(answer) if !answer.is_empty() => bail!("a change was refused: {answer}"),
                _ => return Ok(saved),
            }
        }
        Ok(0)
    }

    /// What is there is at least what was acknowledged, and nothing that was never sent.
    fn verify(&self, home: &Home) -> Result<()> {
        let answer = exchange(&socket(home), "GET", &self.target, "")?;
        let there: Value = serde_json::from_str(body_of(&answer)?).with_context(|| answer.clone())?;
        let number = there.get("description").and_then(Value::as_str).and_then(|text| text.parse::<usize>().ok());
        let number = number.with_context(|| answer.clone())?;
        let (acknowledged, begun) = (self.acknowledged.load(Ordering::Relaxed), self.begun.load(Ordering::Relaxed));
        ensure!(
            (acknowledged..=begun).contains(&number),
            "{}: {number} is there, {acknowledged} was acknowledged",
            self.name
        );
        Ok(())
    }
}

const APPLICATIONS: &str = "/api/am/devportal/v3/applications";

fn application(name: &str, number: usize) -> String {
    format!(r#"{{"name":"{name}","throttlingPolicy":"Unlimited","description":"{number}"}}"#)
}

fn body_of(answer: &str) -> Result<&str> {
    answer.split_once("\r\n\r\n").map(|(_, body)| body).with_context(|| format!("no whole answer: {answer:?}"))
}

/// What a start says after a server that did not stop.
const TOLD: &str = "the server before this one did not stop by itself";

/// Lets all writers work until the server is gone; answers how many changes were acknowledged.
fn load(home: &Home, writers: &[Writer], kill: impl FnOnce() -> Result<()>) -> Result<usize> {
    let socket = socket(home);
    std::thread::scope(|scope| {
        let running: Vec<_> = writers.iter().map(|writer| scope.spawn(|| writer.change(&socket))).collect();
        let killed = kill();
        let mut saved = 0;
        for thread in running {
            saved += thread.join().map_err(|_| anyhow!("a writer panicked"))??;
        }
        killed.map(|()| saved)
    })
}

fn socket(home: &Home) -> PathBuf {
    home.path().join("run/portcullis.sock")
}

/// One request over the control socket; an answer that was cut off counts as none.
fn exchange(socket: &Path, method: &str, target: &str, body: &str) -> Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let length = body.len();
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Xorshift: moments need no better randomness.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}
