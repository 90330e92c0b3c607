//! Facts about the machine and about the serving process, for the audit.

use std::net::SocketAddr;

use guidelines::{Backups, Observed, Posture};
use inspect::host::{self, Machine, Own};
use model::Timestamp;
use serde::{Deserialize, Serialize};

use crate::backup;
use crate::config::Config;
use crate::home::Home;
use crate::sandbox::Confinement;

/// Seconds of an hour and of a day.
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// What the server noted of itself when it locked itself in, because the kernel tells it to nobody else.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    pid: u32,
    files: bool,
}

fn note_file(home: &Home) -> std::path::PathBuf {
    home.root().join("run").join("confinement.json")
}

/// Notes what the serving process reached. A note that cannot be written makes the fact unknown, not the start fail.
pub(crate) fn note(home: &Home, confinement: &Confinement) {
    let note = Note { pid: std::process::id(), files: confinement.files == "full" };
    let written = serde_json::to_vec(&note).ok().and_then(|text| vault::write_private(&note_file(home), &text).ok());
    if written.is_none() {
        tracing::warn!("the note about the sandbox could not be written; the audit will not know of it");
    }
}

/// The process that serves a home, as far as it is known.
pub(crate) fn serving(home: &Home) -> Option<u32> {
    let text = std::fs::read_to_string(home.root().join("run").join("portcullis.pid")).ok()?;
    text.trim().parse().ok().filter(|_| home.is_served())
}

/// Fills the parts of the posture that come from the machine. Takes a few seconds: it asks the package manager.
pub(crate) fn fill(posture: &mut Posture, home: &Home, config: &Config, now: Timestamp) {
    let machine = Machine::this();
    let seconds = now.millis() / 1000;
    std::thread::scope(|scope| {
        let updates = scope.spawn(|| host::updates(&machine, seconds));
        let software = scope.spawn(|| host::software(&machine));
        posture.secure_shell = host::secure_shell(&machine);
        let shell = posture.secure_shell.known().map_or_else(|| vec![22], |found| found.ports.clone());
        let listeners: Vec<SocketAddr> = config.listeners.all().map(|(_, address)| address).collect();
        let exposed = listeners.iter().filter(|address| !address.ip().to_canonical().is_loopback());
        let declared: Vec<u16> = exposed.map(SocketAddr::port).chain(shell.iter().copied()).collect();
        posture.firewall = host::firewall(&machine, &declared);
        let pid = serving(home);
        posture.confinement = match pid {
            Some(pid) => {
                let note =
                    std::fs::read(note_file(home)).ok().and_then(|text| serde_json::from_slice::<Note>(&text).ok());
                host::confinement(&machine, pid, note.filter(|note| note.pid == pid).map(|note| note.files))
            }
            None => Observed::unknown("the server does not run", home.command("serve")),
        };
        let uid = posture.confinement.known().map(|found| found.uid);
        posture.listening = host::listening(&machine, &Own { pid, uid, listeners, shell });
        let root = std::path::absolute(home.root()).unwrap_or_else(|_| home.root().to_path_buf());
        posture.monitoring = host::monitoring(&machine, &root.display().to_string());
        posture.kernel = host::kernel(&machine);
        posture.backups = backups(home, config, now);
        let broken = || Observed::unknown("the collector ended before its time", String::new());
        posture.updates = updates.join().unwrap_or_else(|_| broken());
        posture.software = software.join().unwrap_or_else(|_| Observed::unknown("the collector ended", String::new()));
    });
}

fn backups(home: &Home, config: &Config, now: Timestamp) -> Observed<Backups> {
    use std::os::unix::fs::MetadataExt as _;
    let directory = home.root().join(&config.backup.directory);
    let found = if directory.is_dir() {
        match backup::list(&directory) {
            Ok(found) => found,
            Err(failure) => return Observed::unknown(failure.to_string(), "the user of the server"),
        }
    } else {
        Vec::new()
    };
    let age = |at: i64| now.since(Timestamp::from_millis(at)).as_secs();
    let (whole, damaged): (Vec<_>, Vec<_>) = found.into_iter().partition(|one| one.header.is_some());
    let newest = whole.iter().filter_map(|one| Some(one.header.as_ref()?.created_ms)).max();
    let disk = |path: &std::path::Path| std::fs::metadata(path).ok().map(|metadata| metadata.dev());
    Observed::Known(Backups {
        scheduled: config.backup.enable,
        count: whole.len(),
        damaged: damaged.iter().map(|one| one.path.display().to_string()).collect(),
        newest_age: newest.map(|at| age(at) / HOUR),
        interval: (config.backup.every.get().as_secs() / HOUR).max(1),
        drill: backup::last_drill(home).map(|drill| (age(drill.at) / DAY, drill.passed)),
        same_disk: disk(&directory).is_none() || disk(&directory) == disk(&home.root().join("data")),
        directory: directory.display().to_string(),
    })
}
