//! The files that make a deployment: where they are, and what they hold.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use synapse::Fault;
use synapse::artifact::{self, Artifact};
use synapse::car::{self, Member};
use synapse::xml::{Document, Element, Limits};

use crate::application::{MemberUse, classify, unpack};
use crate::deployment::{Application, Deployed};
use crate::service::DeployFault;
use crate::settings::Tree;

/// Files that are looked at.
const FILES: usize = 100_000;
/// Folders inside of one another.
const DEPTH: usize = 32;
/// Largest file, bytes.
pub(crate) const FILE: u64 = 128 << 20;

/// What tells that a file has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    size: u64,
    seconds: i64,
    nanoseconds: i64,
    inode: u64,
}

/// Every file of a tree that may hold artifacts. Links are followed to files, not to folders.
pub(crate) fn scan(tree: &Tree) -> BTreeMap<PathBuf, Stamp> {
    let mut found = BTreeMap::new();
    match tree {
        Tree::Home(home) => {
            let server = home.join("repository/deployment/server");
            walk(&server.join("synapse-configs/default"), &["xml"], DEPTH, &mut found);
            walk(&server.join("dataservices"), &["dbs"], DEPTH, &mut found);
            walk(&server.join("carbonapps"), &["car"], 0, &mut found);
        }
        Tree::Folder(folder) if folder.is_file() => {
            found.extend(stamp(folder).map(|stamp| (folder.clone(), stamp)));
        }
        Tree::Folder(folder) => walk(folder, &["xml", "dbs", "car"], DEPTH, &mut found),
    }
    found
}

/// Names of files and folders of projects that hold no artifacts.
const OTHERS: [&str; 7] = ["pom.xml", "artifact.xml", "artifacts.xml", "target", "test", "resources", "registry"];

fn walk(folder: &Path, extensions: &[&str], depth: usize, found: &mut BTreeMap<PathBuf, Stamp>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if name.starts_with('.') || OTHERS.contains(&name.as_ref()) || found.len() >= FILES {
            continue;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if depth > 0 {
                walk(&path, extensions, depth - 1, found);
            }
            continue;
        }
        let extension = path.extension().map(|extension| extension.to_string_lossy().to_ascii_lowercase());
        if extension.is_some_and(|extension| extensions.contains(&extension.as_str())) {
            found.extend(stamp(&path).map(|stamp| (path, stamp)));
        }
    }
}

fn stamp(path: &Path) -> Option<Stamp> {
    let about = std::fs::metadata(path).ok().filter(std::fs::Metadata::is_file)?;
    Some(Stamp { size: about.len(), seconds: about.mtime(), nanoseconds: about.mtime_nsec(), inode: about.ino() })
}

/// A text that holds one artifact, or several in the old form.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) digest: u64,
    pub(crate) text: Arc<str>,
    /// What it holds.
    pub(crate) artifacts: Vec<Deployed>,
}

/// A file on disk, read and checked: deployed whole or not at all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unit {
    pub(crate) sources: Vec<Source>,
    /// Registry resources by path.
    pub(crate) resources: Vec<(String, Bytes)>,
    pub(crate) application: Option<Application>,
}

impl Unit {
    pub(crate) fn artifacts(&self) -> impl Iterator<Item = &Deployed> {
        self.sources.iter().flat_map(|source| &source.artifacts)
    }
}

/// Reads a file and checks what it holds.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn load(path: &Path) -> Result<Unit, Vec<DeployFault>> {
    let shown = path.display().to_string();
    let about = std::fs::metadata(path).map_err(|e| one(&shown, "file", &format!("it cannot be read: {e}"), ""))?;
    if about.len() > FILE {
        return Err(one(&shown, "file", "it is too large", "split it"));
    }
    let bytes = std::fs::read(path).map_err(|e| one(&shown, "file", &format!("it cannot be read: {e}"), ""))?;
    parse(path, &bytes)
}

/// Checks the content of a file.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Unit, Vec<DeployFault>> {
    let shown = path.display().to_string();
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("car")) {
        return application(path, bytes);
    }
    let source = source(&shown, bytes, None)?;
    Ok(Unit { sources: vec![source], ..Unit::default() })
}

fn one(path: &str, part: &str, what: &str, hint: &str) -> Vec<DeployFault> {
    vec![DeployFault {
        path: path.to_owned(),
        line: 1,
        part: part.to_owned(),
        what: what.to_owned(),
        hint: hint.to_owned(),
    }]
}

fn source(path: &str, bytes: &[u8], application: Option<&str>) -> Result<Source, Vec<DeployFault>> {
    let text =
        std::str::from_utf8(bytes).map_err(|_| one(path, "file", "the file is not UTF-8", "save it as UTF-8"))?;
    let compiled = artifact::compile(text);
    let fault = |fault: Fault| DeployFault {
        path: path.to_owned(),
        line: fault.line,
        part: fault.mediator,
        what: fault.reason,
        hint: fault.hint,
    };
    let artifact = compiled.result.map_err(|faults| faults.into_iter().map(fault).collect::<Vec<_>>())?;
    let notes: Vec<String> = compiled
        .notes
        .into_iter()
        .map(|note| format!("line {}: {}: {}", note.line, note.mediator, note.reason))
        .collect();
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let (digest, text): (u64, Arc<str>) = (hasher.finish(), text.into());
    let parts = match &artifact {
        Artifact::Definitions(parts) => parts.iter().collect(),
        single => vec![single],
    };
    let artifacts = parts
        .into_iter()
        .map(|part| Deployed {
            kind: part.kind(),
            name: part.name().to_owned(),
            path: path.to_owned(),
            application: application.map(str::to_owned),
            digest,
            text: Arc::clone(&text),
            notes: notes.clone(),
        })
        .collect();
    Ok(Source { digest, text, artifacts })
}

fn application(path: &Path, bytes: &[u8]) -> Result<Unit, Vec<DeployFault>> {
    let shown = path.display().to_string();
    let built = "build the application again";
    let files = unpack(bytes).map_err(|reason| one(&shown, "archive", &reason, built))?;
    let text_of = |name: &str| files.get(name).map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let read = car::Application::read(&text_of).map_err(|reason| one(&shown, "archive", &reason, built))?;
    let mut unit = Unit::default();
    let mut faults = Vec::new();
    for member in &read.members {
        let inside = format!("{shown}!/{}", member.path);
        let Some(bytes) = files.get(&member.path) else {
            faults.extend(one(&inside, &member.kind, "the file is missing in the application", built));
            continue;
        };
        match classify(member) {
            MemberUse::Artifact => match source(&inside, bytes, Some(&read.name)) {
                Ok(source) => unit.sources.push(source),
                Err(more) => faults.extend(more),
            },
            MemberUse::Resource => match resources(member, bytes, &files) {
                Ok(found) => unit.resources.extend(found),
                Err(reason) => faults.extend(one(&inside, &member.kind, &reason, built)),
            },
            MemberUse::Description | MemberUse::BuiltIn => {}
            MemberUse::Refused { reason, hint } => faults.extend(one(&inside, &member.kind, &reason, hint)),
        }
    }
    unit.application =
        Some(Application { name: read.name, version: read.version, file: path.to_owned(), members: read.members });
    if faults.is_empty() { Ok(unit) } else { Err(faults) }
}

/// Resources of a registry artifact, as its `registry-info.xml` maps files to paths.
fn resources(member: &Member, info: &[u8], files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<(String, Bytes)>, String> {
    let folder = member.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let text = String::from_utf8_lossy(info);
    let document = Document::parse(&text, Limits::ARTIFACT).map_err(|e| format!("{}: {e}", member.path))?;
    let root = Element::root(&document).ok_or_else(|| format!("{} is empty", member.path))?;
    let mut found = Vec::new();
    for item in root.children_named("item") {
        let (Some(file), Some(path)) = (item.child_text("file"), item.child_text("path")) else { continue };
        let inside = format!("{folder}/resources/{}", file.trim());
        let bytes = files.get(&inside).ok_or_else(|| format!("{inside} is missing, which {} names", member.path))?;
        let target = format!("{}/{}", path.trim().trim_end_matches('/'), file.trim());
        found.push((target, Bytes::from(bytes.clone())));
    }
    for collection in root.children_named("collection") {
        let (Some(directory), Some(path)) = (collection.child_text("directory"), collection.child_text("path")) else {
            continue;
        };
        let below = format!("{folder}/resources/{}/", directory.trim().trim_matches('/'));
        for (name, bytes) in files.range(below.clone()..) {
            let Some(rest) = name.strip_prefix(&below) else { break };
            found.push((format!("{}/{rest}", path.trim().trim_end_matches('/')), Bytes::from(bytes.clone())));
        }
    }
    Ok(found)
}
