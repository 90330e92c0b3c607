//! From files to a deployment: everything is checked before anything is changed, and what is faulty leaves what was there.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use synapse::artifact;
use tokio::sync::Mutex;

use crate::context::Context;
use crate::deployment::{Deployed, Deployment};
use crate::repository::{self, Stamp, Unit};
use crate::service::DeployFault;
use crate::settings::Tree;

/// A file that is not deployed, with everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The file.
    pub path: PathBuf,
    /// What is wrong.
    pub faults: Vec<DeployFault>,
    /// An earlier version of the file goes on serving.
    pub keeps_serving: bool,
}

/// What a deployment changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeployReport {
    /// Files that are deployed now and were not before, or not in this version.
    pub deployed: Vec<PathBuf>,
    /// Files that are gone.
    pub removed: Vec<PathBuf>,
    /// Files that are refused.
    pub refused: Vec<Refusal>,
}

impl DeployReport {
    /// True when nothing happened.
    pub fn is_empty(&self) -> bool {
        self.deployed.is_empty() && self.removed.is_empty() && self.refused.is_empty()
    }
}

/// Why an application is not deployed or removed.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The name is not that of a Carbon application.
    #[error("{0:?} is not the name of a .car file")]
    Name(String),
    /// It is faulty; what was there is there still.
    #[error("the application is refused")]
    Refused(Vec<DeployFault>),
    /// There is no such application.
    #[error("there is no application {0}")]
    Unknown(String),
    /// The directory of applications cannot be written.
    #[error("{path} cannot be written: {cause}")]
    Storage {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
}

/// Puts a Carbon application into a tree, where an integrator that watches it finds it. For commands, which run beside
/// the server.
///
/// # Errors
/// [`DeployError`]; nothing is written then.
pub fn place_application(tree: &Tree, name: &str, bytes: &[u8]) -> Result<PathBuf, DeployError> {
    let path = file_of(tree, name)?;
    repository::parse(&path, bytes).map_err(DeployError::Refused)?;
    write(&path, bytes).map_err(|cause| DeployError::Storage { path: path.clone(), cause })?;
    Ok(path)
}

/// A file of a tree: what it holds, or what is wrong with it.
pub type Listed = (PathBuf, Result<Vec<Deployed>, Vec<DeployFault>>);

/// Every file of a tree that may hold artifacts.
pub fn list(tree: &Tree) -> Vec<Listed> {
    let files = repository::scan(tree).into_keys();
    files
        .map(|path| {
            let loaded = repository::load(&path).map(|unit| unit.artifacts().cloned().collect());
            (path, loaded)
        })
        .collect()
}

fn file_of(tree: &Tree, name: &str) -> Result<PathBuf, DeployError> {
    let fits = name.len() <= 200
        && name.to_ascii_lowercase().ends_with(".car")
        && !name.starts_with('.')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '+'));
    if fits { Ok(tree.applications().join(name)) } else { Err(DeployError::Name(name.to_owned())) }
}

/// Changes what is deployed; one change at a time.
pub(crate) struct Deployer {
    context: Arc<Context>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// What is deployed, by file.
    units: BTreeMap<PathBuf, Arc<Unit>>,
    /// What was seen of each file, refused ones too, so that each version is tried once.
    seen: BTreeMap<PathBuf, Stamp>,
    number: u64,
}

/// A change of one file: its new content, or none when it is gone.
type Changes = BTreeMap<PathBuf, Option<Arc<Unit>>>;

impl Deployer {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self { context, state: Mutex::default() }
    }

    /// Deploys what has changed on disk.
    pub(crate) async fn rescan(&self) -> DeployReport {
        let mut state = self.state.lock().await;
        let found = repository::scan(&self.context.settings().tree);
        let mut changes = Changes::new();
        let mut report = DeployReport::default();
        for path in state.units.keys().filter(|path| !found.contains_key(*path)) {
            changes.insert(path.clone(), None);
        }
        for (path, stamp) in &found {
            if state.seen.get(path) == Some(stamp) {
                continue;
            }
            match repository::load(path) {
                Ok(unit) => {
                    changes.insert(path.clone(), Some(Arc::new(unit)));
                }
                Err(faults) => report.refuse(path, faults, state.units.contains_key(path)),
            }
        }
        state.seen = found;
        if !changes.is_empty() || state.number == 0 {
            self.apply(&mut state, changes, &mut report).await;
        }
        report
    }

    /// Deploys an application that somebody uploads, and keeps its file. The same name replaces it.
    pub(crate) async fn upload(&self, name: &str, bytes: &[u8]) -> Result<DeployReport, DeployError> {
        let path = file_of(&self.context.settings().tree, name)?;
        let unit = repository::parse(&path, bytes).map_err(DeployError::Refused)?;
        let mut state = self.state.lock().await;
        let changes: Changes = [(path.clone(), Some(Arc::new(unit)))].into();
        let mut report = DeployReport::default();
        let (next, changes) = self.build(&state, changes, &mut report);
        if let Some(refusal) = report.refused.pop() {
            return Err(DeployError::Refused(refusal.faults));
        }
        write(&path, bytes).map_err(|cause| DeployError::Storage { path: path.clone(), cause })?;
        self.swap(&mut state, next, changes, &mut report).await;
        self.saw(&mut state, &path);
        Ok(report)
    }

    /// Removes an application by the name of its file or by its own name.
    pub(crate) async fn remove(&self, name: &str) -> Result<DeployReport, DeployError> {
        let mut state = self.state.lock().await;
        let is_it = |unit: &Unit, path: &Path| {
            unit.application.as_ref().is_some_and(|application| {
                application.name == name
                    || format!("{}_{}", application.name, application.version) == name
                    || path.file_name().is_some_and(|file| file == name)
            })
        };
        let found = state.units.iter().find(|(path, unit)| is_it(unit, path)).map(|(path, _)| path.clone());
        let path = found.ok_or_else(|| DeployError::Unknown(name.to_owned()))?;
        match std::fs::remove_file(&path) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
                return Err(DeployError::Storage { path, cause });
            }
            _ => {}
        }
        let mut report = DeployReport::default();
        self.apply(&mut state, [(path.clone(), None)].into(), &mut report).await;
        state.seen.remove(&path);
        Ok(report)
    }

    fn saw(&self, state: &mut State, path: &Path) {
        let mut found = repository::scan(&self.context.settings().tree);
        if let Some(stamp) = found.remove(path) {
            state.seen.insert(path.to_owned(), stamp);
        }
    }

    async fn apply(&self, state: &mut State, changes: Changes, report: &mut DeployReport) {
        let before = report.refused.len();
        let (next, changes) = self.build(state, changes, report);
        // What another file stands in the way of is tried again with the next change.
        for refusal in report.refused.iter().skip(before) {
            state.seen.remove(&refusal.path);
        }
        self.swap(state, next, changes, report).await;
    }

    async fn swap(&self, state: &mut State, next: Deployment, changes: Changes, report: &mut DeployReport) {
        for (path, unit) in changes {
            match unit {
                Some(unit) => {
                    state.units.insert(path.clone(), unit);
                    report.deployed.push(path);
                }
                None => {
                    state.units.remove(&path);
                    report.removed.push(path);
                }
            }
        }
        state.number = next.number;
        self.context.swap(Arc::new(next)).await;
    }

    /// The next deployment, without the changes that something speaks against.
    fn build(&self, state: &State, mut changes: Changes, report: &mut DeployReport) -> (Deployment, Changes) {
        loop {
            let mut refused = clashes(state, &changes);
            if refused.is_empty() {
                let next = assemble(state, &self.context.current(), &changes);
                let faults = self.context.services().iter().flat_map(|service| service.check(&next));
                refused = by_file(faults.collect(), &changes);
                if refused.is_empty() {
                    return (next, changes);
                }
            }
            for (path, faults) in refused {
                changes.remove(&path);
                report.refuse(&path, faults, state.units.contains_key(&path));
            }
        }
    }
}

impl DeployReport {
    fn refuse(&mut self, path: &Path, faults: Vec<DeployFault>, keeps_serving: bool) {
        self.refused.push(Refusal { path: path.to_owned(), faults, keeps_serving });
    }
}

type Refused = BTreeMap<PathBuf, Vec<DeployFault>>;

/// Artifacts that another file has deployed under the same name, or that come twice.
fn clashes(state: &State, changes: &Changes) -> Refused {
    let mut owners: HashMap<(&str, &str), &Path> = HashMap::new();
    let kept = state.units.iter().filter(|(path, _)| !changes.contains_key(*path));
    for (path, unit) in kept {
        owners.extend(unit.artifacts().map(|artifact| ((artifact.kind, artifact.name.as_str()), path.as_path())));
    }
    let mut refused = Refused::new();
    for (path, unit) in changes {
        for artifact in unit.iter().flat_map(|unit| unit.artifacts()) {
            // The registry has no name, and every configuration has one.
            if artifact.name.is_empty() {
                continue;
            }
            let owner = owners.insert((artifact.kind, artifact.name.as_str()), path.as_path());
            if let Some(owner) = owner {
                let (kind, name) = (artifact.kind, &artifact.name);
                refused.entry(path.clone()).or_default().push(DeployFault {
                    path: artifact.path.clone(),
                    line: 1,
                    part: kind.to_owned(),
                    what: format!("the {kind} {name} is deployed by {} already", owner.display()),
                    hint: "rename one of them, or remove the other file".to_owned(),
                });
            }
        }
    }
    refused
}

/// Faults by the changed file that they are in; one that names none is put to every change.
fn by_file(faults: Vec<DeployFault>, changes: &Changes) -> Refused {
    let mut refused = Refused::new();
    for fault in faults {
        let file = fault.path.split("!/").next().unwrap_or_default();
        let owner = changes.keys().find(|path| path.as_path() == Path::new(file));
        match owner {
            Some(path) => refused.entry(path.clone()).or_default().push(fault),
            None => changes.keys().for_each(|path| refused.entry(path.clone()).or_default().push(fault.clone())),
        }
    }
    refused
}

/// The current deployment with changes. What is unchanged stays the same object, with what it remembers.
fn assemble(state: &State, current: &Deployment, changes: &Changes) -> Deployment {
    let mut configuration = (*current.configuration).clone();
    let mut units = state.units.clone();
    let mut stays: HashMap<(String, u64), ()> = HashMap::new();
    for (path, unit) in changes {
        let next: Vec<(&str, u64)> =
            unit.iter().flat_map(|unit| unit.artifacts()).map(|a| (a.path.as_str(), a.digest)).collect();
        for artifact in units.get(path).iter().flat_map(|unit| unit.artifacts()) {
            if next.contains(&(artifact.path.as_str(), artifact.digest)) {
                stays.insert((artifact.path.clone(), artifact.digest), ());
            } else {
                configuration.remove(artifact.kind, &artifact.name);
            }
        }
    }
    for (path, unit) in changes {
        match unit {
            None => drop(units.remove(path)),
            Some(unit) => {
                for source in &unit.sources {
                    let known = source.artifacts.first().map(|first| (first.path.clone(), source.digest));
                    if known.is_some_and(|known| stays.contains_key(&known)) {
                        continue;
                    }
                    if let Ok(artifact) = artifact::compile(&source.text).result {
                        configuration.add(artifact);
                    }
                }
                units.insert(path.clone(), Arc::clone(unit));
            }
        }
    }
    configuration.clear_resources();
    for (path, bytes) in units.values().flat_map(|unit| &unit.resources) {
        configuration.add_resource(path, bytes.clone());
    }
    let mut artifacts: Vec<_> = units.values().flat_map(|unit| unit.artifacts()).cloned().collect();
    artifacts.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    let mut applications: Vec<_> = units.values().filter_map(|unit| unit.application.clone()).collect();
    applications.sort_by(|a, b| a.name.cmp(&b.name));
    Deployment { configuration: Arc::new(configuration), artifacts, applications, number: current.number + 1 }
}

/// Writes a file beside its place, makes it durable, and renames it: nobody sees half of it.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let mut file = std::fs::File::create(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    std::fs::File::open(folder)?.sync_all()
}
