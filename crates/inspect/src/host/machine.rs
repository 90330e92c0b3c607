//! Files and programs of the machine, with caps.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use guidelines::Observed;

/// Most bytes that are read of a file or of a program's answer.
const CAP: u64 = 4 << 20;

/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(8);

/// Most entries of a directory that are looked at.
const MAX_ENTRIES: usize = 50_000;

/// Where programs are; nothing that a user can write.
const PLACES: [&str; 4] = ["/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// It is not there.
    Absent,
    /// It may not be read.
    Denied,
    /// It is larger than any honest one, or no text; the text says which.
    Unfit(String),
    /// A program ran and failed; the text is the beginning of what it said.
    Failed(String),
}

impl Missing {
    /// As an unknown fact.
    pub(super) fn unknown<T>(&self, what: &str) -> Observed<T> {
        match self {
            Self::Absent => Observed::unknown(format!("{what} is not there"), String::new()),
            Self::Denied => Observed::unknown(format!("{what} may not be read by this user"), "root"),
            Self::Unfit(why) => Observed::unknown(format!("{what}: {why}"), String::new()),
            Self::Failed(why) => Observed::unknown(format!("{what} failed: {why}"), "root"),
        }
    }
}

/// The machine, or a picture of one.
#[derive(Clone, Debug)]
pub struct Machine {
    root: PathBuf,
    /// Answers of programs by their command line; `None` = the programs themselves are run.
    answers: Option<BTreeMap<String, Result<String, Missing>>>,
}

impl Default for Machine {
    fn default() -> Self {
        Self::this()
    }
}

impl Machine {
    /// This machine.
    pub fn this() -> Self {
        Self { root: PathBuf::from("/"), answers: None }
    }

    /// A directory that looks like the root of a machine, with the answers of its programs by command line.
    pub fn picture(root: impl Into<PathBuf>, answers: BTreeMap<String, Result<String, Missing>>) -> Self {
        Self { root: root.into(), answers: Some(answers) }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// A text file.
    pub(super) fn text(&self, path: &str) -> Result<String, Missing> {
        let mut bytes = Vec::new();
        let opened = File::open(self.path(path)).and_then(|file| {
            if !file.metadata()?.is_file() {
                return Err(std::io::ErrorKind::InvalidInput.into());
            }
            file.take(CAP + 1).read_to_end(&mut bytes)
        });
        match opened {
            Err(error) => Err(missing(&error)),
            Ok(_) if bytes.len() as u64 > CAP => Err(Missing::Unfit(format!("it is larger than {CAP} bytes"))),
            // One odd byte does not hide the rest.
            Ok(_) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        }
    }

    /// Names in a directory, sorted.
    pub(super) fn names(&self, path: &str) -> Result<Vec<String>, Missing> {
        let entries = std::fs::read_dir(self.path(path)).map_err(|e| missing(&e))?;
        let named = entries.take(MAX_ENTRIES).filter_map(|e| e.ok()?.file_name().into_string().ok());
        let mut names: Vec<String> = named.collect();
        names.sort();
        Ok(names)
    }

    /// Whether a path is there.
    pub(super) fn has(&self, path: &str) -> bool {
        std::fs::symlink_metadata(self.path(path)).is_ok()
    }

    /// Mode and owner of a regular file; links are not followed.
    pub(super) fn mode(&self, path: &str) -> Option<(u32, u32)> {
        let metadata = std::fs::symlink_metadata(self.path(path)).ok()?;
        metadata.is_file().then(|| (metadata.mode(), metadata.uid()))
    }

    /// Owner of a path.
    pub(super) fn owner(&self, path: &str) -> Option<u32> {
        Some(std::fs::metadata(self.path(path)).ok()?.uid())
    }

    /// When a file was last changed, seconds since 1970.
    pub(super) fn changed(&self, path: &str) -> Option<i64> {
        Some(std::fs::metadata(self.path(path)).ok()?.mtime())
    }

    /// Where a link leads.
    pub(super) fn link(&self, path: &str) -> Result<String, Missing> {
        let target = std::fs::read_link(self.path(path)).map_err(|e| missing(&e))?;
        Ok(target.to_string_lossy().into_owned())
    }

    /// Names of the processes, with their ids.
    pub(super) fn processes(&self) -> Vec<(u32, String)> {
        let ids = self.names("/proc").unwrap_or_default().into_iter().filter_map(|name| name.parse().ok());
        ids.filter_map(|pid: u32| Some((pid, self.text(&format!("/proc/{pid}/comm")).ok()?.trim().to_owned())))
            .collect()
    }

    /// Runs a program of the system and answers what it wrote.
    pub(super) fn run(&self, program: &str, arguments: &[&str]) -> Result<String, Missing> {
        if let Some(answers) = &self.answers {
            let line = [&[program], arguments].concat().join(" ");
            return answers.get(&line).cloned().unwrap_or(Err(Missing::Absent));
        }
        let places = PLACES.iter().map(|place| Path::new(place).join(program));
        let path = places.into_iter().find(|path| path.is_file()).ok_or(Missing::Absent)?;
        let mut command = Command::new(path);
        command.args(arguments).env_clear().env("PATH", PLACES.join(":")).env("LC_ALL", "C");
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|e| missing(&e))?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let (sender, receiver) = mpsc::sync_channel(2);
        for (index, pipe) in [out.map(PipeEnd::Out), err.map(PipeEnd::Err)].into_iter().enumerate() {
            let sender = sender.clone();
            std::thread::spawn(move || sender.send((index, pipe.map(PipeEnd::text).unwrap_or_default())));
        }
        let mut texts = [String::new(), String::new()];
        for _ in 0..2 {
            if let Ok((index, text)) = receiver.recv_timeout(PATIENCE) {
                if let Some(place) = texts.get_mut(index) {
                    *place = text;
                }
            } else {
                let _ = child.kill();
                let _ = child.wait();
                return Err(Missing::Failed(format!("no end within {} s", PATIENCE.as_secs())));
            }
        }
        let [out, err] = texts;
        match child.wait() {
            Ok(status) if status.success() => Ok(out),
            _ => Err(Missing::Failed(err.lines().next().unwrap_or("no message").chars().take(200).collect())),
        }
    }
}

enum PipeEnd {
    Out(std::process::ChildStdout),
    Err(std::process::ChildStderr),
}

impl PipeEnd {
    fn text(self) -> String {
        let mut bytes = Vec::new();
        let _ = match self {
            Self::Out(pipe) => pipe.take(CAP).read_to_end(&mut bytes),
            Self::Err(pipe) => pipe.take(CAP).read_to_end(&mut bytes),
        };
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

fn missing(error: &std::io::Error) -> Missing {
    match error.kind() {
        std::io::ErrorKind::NotFound => Missing::Absent,
        std::io::ErrorKind::PermissionDenied => Missing::Denied,
        _ => Missing::Unfit(error.to_string()),
    }
}
