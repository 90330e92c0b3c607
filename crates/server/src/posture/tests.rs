//! Seeded misconfigurations of an installation of our own and of its machine: each is caught by the right check, and each
//! `must` that can be known at the start refuses it.

mod mutations;

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use guidelines::{CHECKS, Judgement, Posture, Severity, evaluate};
use inspect::host::{self, Machine, Missing, Own};
use model::Timestamp;

use super::{collect_static, enforce};
use crate::failure::Failure;
use crate::home::Home;
use crate::installation::load_config;

/// 2026-11-21.
const NOW: Timestamp = Timestamp::from_seconds(1_795_219_200);

const NAME: &str = "gw.example.test";

/// A seeded misconfiguration.
#[derive(Clone, Copy)]
enum Change {
    /// Section, setting and value of `deployment.toml`; an empty value leaves the setting out.
    Set(&'static str, &'static str, &'static str),
    /// Mode of a file or directory of the home.
    Mode(&'static str, u32),
    /// A file of the home and its text.
    Write(&'static str, &'static str),
    /// Anything else that is done to the home.
    Do(fn(&Built)),
    /// A file of the machine and its text.
    File(&'static str, &'static str),
    /// A line of a file of the machine, and what stands there instead.
    Line(&'static str, &'static str, &'static str),
    /// A file or directory of the machine that is not there.
    Gone(&'static str),
    /// A mode of a file of the machine that is made.
    Program(&'static str, u32),
    /// A listening socket of the serving process, as the kernel writes its address.
    Socket(&'static str),
    /// What a program of the machine answers.
    Answer(&'static str, &'static str),
}

impl Change {
    /// Whether it concerns the machine: that does not refuse a start.
    const fn is_of_machine(self) -> bool {
        !matches!(self, Self::Set(..) | Self::Mode(..) | Self::Write(..) | Self::Do(_))
    }
}

/// A home and a machine.
struct Built {
    _directory: tempfile::TempDir,
    home: PathBuf,
    machine: PathBuf,
    answers: BTreeMap<String, Result<String, Missing>>,
}

/// What an audit and a start say.
struct Said {
    broken: BTreeSet<&'static str>,
    /// Everything that refuses the start; empty when it would start.
    refusal: String,
}

fn put(path: &Path, text: impl AsRef<[u8]>, mode: u32) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

/// A certificate for names from a time on, with its key.
fn issued(names: &[&str], from: Timestamp) -> (String, String) {
    let rng = vault::SystemRng;
    let ca = vault::generate_ca("Own authority", from, &rng).unwrap();
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let issued = vault::issue_server_certificate(&ca, &names, from, &rng).unwrap();
    let key = base64::engine::general_purpose::STANDARD.encode(issued.key.expose().secret_der());
    (issued.chain_pem(), format!("-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n"))
}

const CONFIGURATION: &str = include_str!("tests/exposed.toml");

/// An exposed installation and a machine that keep every rule.
fn good() -> Built {
    let directory = tempfile::tempdir().unwrap();
    let (home, machine) = (directory.path().join("home"), directory.path().join("machine"));
    std::fs::create_dir(&home).unwrap();
    std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o750)).unwrap();
    put(&home.join("deployment.toml"), CONFIGURATION, 0o640);
    let (chain, key) = issued(&[NAME], NOW);
    put(&home.join("security/own.pem"), chain, 0o644);
    put(&home.join("security/own-key.pem"), key, 0o600);
    std::fs::set_permissions(home.join("security"), std::fs::Permissions::from_mode(0o700)).unwrap();
    crate::command::initialise(&Home::new(&home)).map_err(|failure| failure.to_string()).unwrap();
    put(&home.join("data/portcullis.db"), b"", 0o600);
    put(&home.join("logs/server.log"), b"", 0o640);
    std::fs::set_permissions(home.join("deployment.toml"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let mut answers = BTreeMap::new();
    for (path, text) in mutations::MACHINE {
        match path.strip_prefix('$') {
            Some(command) => drop(answers.insert(command.to_owned(), Ok((*text).to_owned()))),
            None => put(&machine.join(path.trim_start_matches('/')), text, 0o644),
        }
    }
    Built { _directory: directory, home, machine, answers }
}

impl Built {
    /// Making keys takes longer than copying them.
    fn copy(&self) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut copy = std::process::Command::new("cp");
        copy.arg("-a").args([&self.home, &self.machine]).arg(directory.path());
        assert!(copy.status().unwrap().success());
        let (home, machine) = (directory.path().join("home"), directory.path().join("machine"));
        Self { _directory: directory, home, machine, answers: self.answers.clone() }
    }

    fn said(&self) -> Said {
        let home = Home::new(&self.home);
        let loaded = match load_config(&home, None) {
            Ok(loaded) => loaded,
            Err(failure) => return Said { broken: BTreeSet::new(), refusal: failure.to_string() },
        };
        let mut posture = collect_static(&home, &loaded.config, &loaded.effective, NOW);
        as_ordinary_user(&mut posture);
        let refusal = enforce(&posture).err().map(|failure: Failure| failure.to_string()).unwrap_or_default();
        self.look_at_machine(&mut posture, &loaded.config);
        let results = evaluate(&posture);
        let broken = results.iter().filter(|e| matches!(e.judgement, Judgement::Broken(_))).map(|e| e.check.id);
        Said { broken: broken.collect(), refusal }
    }

    fn look_at_machine(&self, posture: &mut Posture, config: &crate::config::Config) {
        let machine = Machine::picture(&self.machine, self.answers.clone());
        let listeners: Vec<_> = config.listeners.all().map(|(_, address)| address).collect();
        let declared: Vec<u16> = listeners.iter().map(std::net::SocketAddr::port).chain([2222]).collect();
        posture.secure_shell = host::secure_shell(&machine);
        posture.firewall = host::firewall(&machine, &declared);
        posture.confinement = host::confinement(&machine, 77, Some(true));
        posture.listening =
            host::listening(&machine, &Own { pid: Some(77), uid: Some(990), listeners, shell: vec![2222] });
        posture.monitoring = host::monitoring(&machine, "/opt/portcullis");
        posture.kernel = host::kernel(&machine);
        posture.updates = host::updates(&machine, i64::MAX / 4);
        if let Some(updates) = posture.updates.known_mut() {
            // The files of the picture are as old as the test.
            updates.lists_age = Some(0);
        }
        posture.software = host::software(&machine);
    }

    fn apply(&mut self, change: Change) {
        let of_machine = |path: &str| self.machine.join(path.trim_start_matches('/'));
        match change {
            Change::Set(section, name, value) => {
                let path = self.home.join("deployment.toml");
                let text = std::fs::read_to_string(&path).unwrap();
                std::fs::write(&path, with_setting(&text, section, name, value)).unwrap();
            }
            Change::Mode(path, mode) => {
                std::fs::set_permissions(self.home.join(path), std::fs::Permissions::from_mode(mode)).unwrap();
            }
            Change::Write(path, text) => put(&self.home.join(path), text, 0o600),
            Change::Do(action) => action(self),
            Change::File(path, text) => put(&of_machine(path), text, 0o644),
            Change::Line(path, old, new) => {
                let text = std::fs::read_to_string(of_machine(path)).unwrap();
                assert!(text.contains(old), "{path} has no {old:?}");
                std::fs::write(of_machine(path), text.replace(old, new)).unwrap();
            }
            Change::Gone(path) => {
                let path = of_machine(path);
                if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.unwrap();
            }
            Change::Program(path, mode) => put(&of_machine(path), "", mode),
            Change::Socket(address) => {
                let row = format!("h\n 0: {address} 00000000:0000 0A 0:0 0:0 0 990 0 9 1\n");
                put(&of_machine("/proc/net/tcp"), row, 0o644);
                std::fs::create_dir_all(of_machine("/proc/77/fd")).unwrap();
                std::os::unix::fs::symlink("socket:[9]", of_machine("/proc/77/fd/3")).unwrap();
            }
            Change::Answer(command, text) => drop(self.answers.insert(command.to_owned(), Ok(text.to_owned()))),
        }
    }
}

/// Tests may run as root, which no installation does.
fn as_ordinary_user(posture: &mut Posture) {
    const USER: u32 = 990;
    if let Some(process) = posture.process.known_mut().filter(|process| process.uid == 0) {
        process.uid = USER;
    }
    for file in posture.files.known_mut().into_iter().flatten().filter(|file| file.owner == 0) {
        file.owner = USER;
    }
}

fn with_setting(text: &str, section: &str, name: &str, value: &str) -> String {
    let mut document: toml_edit::DocumentMut = text.parse().unwrap();
    let mut table = document.as_table_mut();
    let path = format!("{section}.{name}");
    let (section, name) = path.rsplit_once('.').unwrap();
    for part in section.split('.') {
        let next = table.entry(part).or_insert(toml_edit::Item::Table(toml_edit::Table::new()));
        table = next.as_table_mut().unwrap_or_else(|| panic!("{section} is no section"));
    }
    if value.is_empty() {
        assert!(table.remove(name).is_some(), "[{section}] has no {name}");
    } else {
        table.insert(name, toml_edit::value(value.parse::<toml_edit::Value>().unwrap()));
    }
    document.to_string()
}

/// Whether a text names a check, or its guideline as a whole.
fn names(text: &str, id: &str) -> bool {
    let guideline = id.split('.').next().unwrap();
    let whole = |at: usize, name: &str| {
        !text[at + name.len()..].starts_with(|c: char| c.is_ascii_digit())
            && (name == id || !text[at + name.len()..].starts_with('.'))
    };
    text.match_indices(id).any(|(at, _)| whole(at, id))
        || text.match_indices(guideline).any(|(at, _)| whole(at, guideline))
}

#[test]
fn the_good_installation_is_good() {
    let said = good().said();
    assert_eq!(said.refusal, "");
    // The embedded database belongs to one node.
    assert_eq!(said.broken, BTreeSet::from(["N01.1"]));
}

#[test]
fn every_seeded_misconfiguration_is_caught_by_the_right_check() {
    let all: Vec<(&str, Change)> =
        [mutations::INSTALLATION, mutations::CERTIFICATES, mutations::HOST].concat().into_iter().collect();
    let original = good();
    let mut missed = Vec::new();
    let mut started = Vec::new();
    let mut by_guideline: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, (id, change)) in all.iter().enumerate() {
        let check = CHECKS.iter().find(|check| check.meta.id == *id).unwrap_or_else(|| panic!("{id} is no check"));
        let mut built = original.copy();
        built.apply(*change);
        let said = built.said();
        *by_guideline.entry(check.meta.guideline()).or_default() += 1;
        if !said.broken.contains(id) && !names(&said.refusal, id) {
            missed.push(format!("{number} {id}: {:?}, refusal {:?}", said.broken, said.refusal));
        }
        let must = check.meta.severity == Severity::Must;
        if must && !change.is_of_machine() && said.refusal.is_empty() {
            started.push(format!("{number} {id}: the start is not refused: {:?}", said.refusal));
        }
    }
    let caught = all.len() - missed.len();
    println!("{caught} of {} seeded misconfigurations caught, in {} guidelines", all.len(), by_guideline.len());
    println!("missed:\n{}", missed.join("\n"));
    assert!(all.len() >= 120, "only {}", all.len());
    assert!(caught * 100 >= all.len() * 95, "missed:\n{}", missed.join("\n"));
    assert!(started.is_empty(), "started:\n{}", started.join("\n"));
    let single: Vec<_> = by_guideline.iter().filter(|(_, count)| **count < 2).collect();
    assert!(single.is_empty(), "two for each guideline that can be broken: {single:?}");
}
