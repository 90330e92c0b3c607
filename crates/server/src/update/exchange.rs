//! The program exchanged for another one: at every moment the installed path is a whole, working program.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest;
use semver::Version;
use serde::{Deserialize, Serialize};

use super::{Health, Release, Verified, folder, hand_over};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::Home;

/// What is remembered of an exchange, in `updates/installed.json`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    /// The installed path.
    pub(crate) program: PathBuf,
    /// What is there now.
    pub(crate) present: Installed,
    /// What was there before, kept beside it.
    pub(crate) previous: Installed,
}

/// A program by version and content.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Installed {
    /// Its version.
    pub(crate) version: String,
    /// SHA-256 of its file, in hexadecimal.
    pub(crate) sha256: String,
}

/// An exchange under way: holds off others until it is dropped.
pub(crate) struct Exchange {
    home: Home,
    program: PathBuf,
    _lock: File,
}

impl Exchange {
    /// Begins an exchange of the program at a path.
    ///
    /// # Errors
    /// [`Exit::Occupied`] while another one is under way.
    pub(crate) fn begin(home: &Home, program: &Path) -> Outcome<Self> {
        let program = program.canonicalize().map_err(|e| Failure::io(program, "read", &e))?;
        let path = folder(home)?.join("lock");
        let opened = File::options().write(true).create(true).truncate(false).mode(0o600).open(&path);
        let lock = opened.map_err(|e| Failure::io(&path, "open", &e))?;
        if lock.try_lock().is_err() {
            let what = "another update of this home is under way";
            return Err(Failure::new(Exit::Occupied, "UPD006", what, "", "wait until it has ended"));
        }
        Ok(Self { home: home.clone(), program, _lock: lock })
    }

    /// Fetches a release, tries it, and puts it into the place of the program, which is kept as `<name>.previous`.
    ///
    /// # Errors
    /// What was fetched is not what was signed, or does not work here: the program is then as it was.
    pub(crate) async fn install(&self, verified: &Verified, release: &Release, present: &Version) -> Outcome<Record> {
        let next = self.beside("next");
        let _ = std::fs::remove_file(&next);
        let opened = File::options().write(true).create_new(true).mode(0o600).open(&next);
        let mut file = opened.map_err(|e| Failure::io(&next, "create", &e))?;
        let fetched = verified.fetch(release, &mut file).await;
        drop(file);
        let tried = match fetched {
            Ok(()) => self.make_runnable(&next).and_then(|()| Health::of(&next, &self.home).runs(&release.version)),
            Err(failure) => Err(failure),
        };
        if let Err(failure) = tried {
            let _ = std::fs::remove_file(&next);
            return Err(failure);
        }
        let record = Record {
            program: self.program.clone(),
            present: Installed { version: release.version.to_string(), sha256: sha256(&next)? },
            previous: Installed { version: present.to_string(), sha256: sha256(&self.program)? },
        };
        self.keep_present()?;
        // Before the exchange: one that is interrupted after it can be taken back.
        remember(&self.home, &record)?;
        std::fs::rename(&next, &self.program).map_err(|e| Failure::io(&self.program, "replace", &e))?;
        sync_folder(&self.program)?;
        Ok(record)
    }

    /// As the program's mode is, so is that of its successor.
    fn make_runnable(&self, next: &Path) -> Outcome {
        let mode = std::fs::metadata(&self.program).map_err(|e| Failure::io(&self.program, "read", &e))?.permissions();
        let set = std::fs::set_permissions(next, std::fs::Permissions::from_mode(mode.mode() & 0o755));
        set.map_err(|e| Failure::io(next, "restrict", &e))
    }

    /// A second name for the present program; the path itself is never without one.
    fn keep_present(&self) -> Outcome {
        let (link, previous) = (self.beside("link"), self.beside("previous"));
        let _ = std::fs::remove_file(&link);
        let kept = std::fs::hard_link(&self.program, &link).and_then(|()| std::fs::rename(&link, &previous));
        kept.map_err(|e| Failure::io(&previous, "write", &e))
    }

    fn beside(&self, end: &str) -> PathBuf {
        beside(&self.program, end)
    }
}

fn beside(program: &Path, end: &str) -> PathBuf {
    let mut name = program.as_os_str().to_owned();
    name.push(".");
    name.push(end);
    PathBuf::from(name)
}

/// Puts the program before the last exchange back. What it says is the record of the exchange that was taken back.
///
/// # Errors
/// There was no exchange; the file kept for this is gone or is not the program that was there.
pub(crate) fn roll_back(home: &Home, program: &Path) -> Outcome<Record> {
    let exchange = Exchange::begin(home, program)?;
    let record = recall(home)?;
    let nothing = |what: String, why: &str| {
        Failure::new(Exit::NotFound, "UPD007", what, why, "install the release that you want by hand")
    };
    if record.program != exchange.program {
        return Err(nothing(format!("{} was not updated", exchange.program.display()), "another program was"));
    }
    let previous = exchange.beside("previous");
    if !previous.exists() {
        return Err(nothing(format!("{} is not there", previous.display()), "there is nothing to go back to"));
    }
    if sha256(&previous)? != record.previous.sha256 {
        let what = format!("{} is not the program that was replaced", previous.display());
        return Err(Failure::new(Exit::Refused, "UPD008", what, "its content is another one", "look who changed it"));
    }
    std::fs::rename(&previous, &exchange.program).map_err(|e| Failure::io(&exchange.program, "replace", &e))?;
    sync_folder(&exchange.program)?;
    let path = record_file(home)?;
    std::fs::remove_file(&path).map_err(|e| Failure::io(&path, "remove", &e))?;
    Ok(record)
}

fn record_file(home: &Home) -> Outcome<PathBuf> {
    Ok(folder(home)?.join("installed.json"))
}

fn remember(home: &Home, record: &Record) -> Outcome {
    let path = record_file(home)?;
    let text = serde_json::to_vec_pretty(record).map_err(|e| Failure::internal(e.to_string()))?;
    vault::write_private(&path, &text)
        .map_err(|e| Failure::from_error(Exit::Io, "IO003", format!("{} cannot be written", path.display()), &e))?;
    hand_over(home, &path);
    Ok(())
}

fn recall(home: &Home) -> Outcome<Record> {
    const CAP: u64 = 64 << 10;
    let path = record_file(home)?;
    let nothing = || {
        let what = "there is no update to take back";
        Failure::new(Exit::NotFound, "UPD007", what, "", "install the release that you want by hand")
    };
    match File::open(&path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(nothing()),
        Err(e) => Err(Failure::io(&path, "read", &e)),
        Ok(file) => {
            let mut text = Vec::new();
            file.take(CAP).read_to_end(&mut text).map_err(|e| Failure::io(&path, "read", &e))?;
            serde_json::from_slice(&text).map_err(|e| {
                let fix = "put the program back by hand: it is kept with the ending .previous";
                Failure::new(Exit::Io, "UPD009", format!("{} is damaged", path.display()), e.to_string(), fix)
            })
        }
    }
}

fn sha256(path: &Path) -> Outcome<String> {
    let unreadable = |e: std::io::Error| Failure::io(path, "read", &e);
    let mut file = File::open(path).map_err(unreadable)?;
    let mut context = digest::Context::new(&digest::SHA256);
    let mut part = vec![0; 256 << 10];
    loop {
        let count = file.read(&mut part).map_err(unreadable)?;
        let Some(read) = part.get(..count).filter(|read| !read.is_empty()) else { break };
        context.update(read);
    }
    Ok(context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn sync_folder(program: &Path) -> Outcome {
    let folder = program.parent().unwrap_or(program);
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|e| Failure::io(folder, "write", &e))
}
