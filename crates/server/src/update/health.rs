//! Whether a program works here: alone, and as the server of its home.

use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use semver::Version;
use serde_json::Value;

use crate::client::Client;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::host;
use crate::terminal::printable;

/// Longest time for a command of the program.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often a restarted server is looked for.
const LOOK: Duration = Duration::from_millis(200);

/// A program that is tried.
pub(crate) struct Health<'a> {
    program: &'a Path,
    home: &'a Home,
}

impl<'a> Health<'a> {
    /// Of a program in a home.
    pub(crate) const fn of(program: &'a Path, home: &'a Home) -> Self {
        Self { program, home }
    }

    /// Whether it starts on this machine, is the version that it was signed as, and understands the configuration.
    ///
    /// # Errors
    /// What it did instead.
    pub(crate) fn runs(&self, version: &Version) -> Outcome {
        let odd = |why: String| {
            let what = format!("version {version} does not work on this machine");
            let fix = "nothing was changed; tell whoever made the release";
            Failure::new(Exit::Refused, "UPD010", what, printable(&why), fix)
        };
        let (success, said) = self.answer(&["--output", "json", "version"]).map_err(|e| odd(e.to_string()))?;
        let named: Option<Value> = serde_json::from_str(&said).ok();
        let named = named.as_ref().and_then(|named| named.get("version")?.as_str()).unwrap_or_default();
        if !success || named != version.to_string() {
            return Err(odd(format!("it says that it is version {named:?}")));
        }
        let home = self.home.root().display().to_string();
        let (success, said) =
            self.answer(&["--home", home.as_str(), "config", "check"]).map_err(|e| odd(e.to_string()))?;
        if success { Ok(()) } else { Err(odd(format!("it refuses deployment.toml: {said}"))) }
    }

    /// Restarts the service by a command and waits until this very file serves the home.
    ///
    /// # Errors
    /// The command failed, or nothing of this file served in time.
    pub(crate) async fn restart(&self, command: &str, wait: Duration) -> Outcome {
        let mut words = command.split_whitespace();
        let name = words.next().ok_or_else(|| Failure::usage("--restart is empty", "name a command"))?;
        let failed = |why: String| {
            let what = format!("`{command}` did not restart the service");
            Failure::new(Exit::Refused, "UPD011", what, why, "look into the log of the service")
        };
        let ended = Command::new(name).args(words).stdin(Stdio::null()).status().map_err(|e| failed(e.to_string()))?;
        if !ended.success() {
            return Err(failed(ended.to_string()));
        }
        let serving = async {
            while !self.serves().await {
                tokio::time::sleep(LOOK).await;
            }
        };
        let waited = tokio::time::timeout(wait, serving).await;
        waited.map_err(|_| failed(format!("nothing of {} serves after {} s", self.program.display(), wait.as_secs())))
    }

    /// Whether the process that serves the home runs this file and answers.
    async fn serves(&self) -> bool {
        let Some(pid) = host::serving(self.home) else { return false };
        let identity = |path: &Path| std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
        let same = identity(Path::new(&format!("/proc/{pid}/exe"))) == identity(self.program);
        // A process of another user does not show its file; that it was started after the exchange has to do then.
        let hidden = std::fs::read_link(format!("/proc/{pid}/exe")).is_err();
        (same || hidden) && Client::local(self.home).get("/").await.is_ok_and(|answer| answer.status.as_u16() < 500)
    }

    /// Whether a command of the program succeeds, and what it says.
    fn answer(&self, arguments: &[&str]) -> std::io::Result<(bool, String)> {
        const CAP: u64 = 64 << 10;
        let mut command = Command::new(self.program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn()?;
        let (done, ended) = mpsc::sync_channel(1);
        let (out, err) = (child.stdout.take(), child.stderr.take());
        std::thread::spawn(move || {
            let mut said = String::new();
            let _ = out.map(|out| out.take(CAP).read_to_string(&mut said));
            let _ = err.map(|err| err.take(CAP).read_to_string(&mut said));
            // Nobody waits any more when the time is up.
            let _ = done.send(said);
        });
        let Ok(said) = ended.recv_timeout(PATIENCE) else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(std::io::Error::other(format!("it does not end within {} s", PATIENCE.as_secs())));
        };
        Ok((child.wait()?.success(), said))
    }
}
