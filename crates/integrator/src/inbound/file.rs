//! Inbound endpoints of kind `file`: each new file of a directory is a message.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use synapse::artifact::InboundEndpoint;
use synapse::{Headers, Message, Pattern, Value};
use tokio::sync::watch;

use super::parameter;
use crate::context::Context;
use crate::settings::Settings;

/// Files of one look; the others have their turn at the next.
const FILES: usize = 1000;
/// Files whose version is remembered.
const REMEMBERED: usize = 100_000;

/// What happens with a file that has been worked on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Afterwards {
    Delete,
    Move(PathBuf),
    Leave,
}

/// A directory that is polled.
#[derive(Debug)]
pub(super) struct Folder {
    name: String,
    folder: PathBuf,
    pattern: Option<Pattern>,
    content_type: String,
    every: Duration,
    success: Afterwards,
    failure: Afterwards,
    sequence: String,
    on_error: String,
    largest: u64,
}

type Refusal = (String, String);

impl Folder {
    pub(super) fn new(endpoint: &InboundEndpoint, settings: &Settings) -> Result<Self, Refusal> {
        let uri = parameter(endpoint, "transport.vfs.FileURI").unwrap_or_default();
        let folder = local(uri, settings)?;
        let pattern = match parameter(endpoint, "transport.vfs.FileNamePattern") {
            Some(text) if !text.is_empty() => {
                Some(Pattern::new(text).map_err(|e| (format!("transport.vfs.FileNamePattern: {e}"), String::new()))?)
            }
            _ => None,
        };
        let millis: u64 = match parameter(endpoint, "interval") {
            None | Some("") => 1000,
            Some(text) => text
                .parse()
                .map_err(|_| (format!("interval {text:?} is not a number of milliseconds"), String::new()))?,
        };
        Ok(Self {
            name: endpoint.name.clone(),
            folder,
            pattern,
            content_type: parameter(endpoint, "transport.vfs.ContentType").unwrap_or("text/plain").to_owned(),
            every: Duration::from_millis(millis.clamp(100, 86_400_000)),
            success: afterwards(endpoint, "Process", settings)?,
            failure: afterwards(endpoint, "Failure", settings)?,
            sequence: endpoint.sequence.clone(),
            on_error: endpoint.on_error.clone(),
            largest: settings.limits.request_body as u64,
        })
    }

    /// Looks for files until it is told to stop. A file is a message once its size and time have stayed the same
    /// between two looks; it is moved or deleted after its sequence has run, so a crash lets it be worked on again.
    pub(super) async fn poll(&self, context: &Arc<Context>, mut stop: watch::Receiver<bool>) {
        let mut before: HashMap<PathBuf, Version> = HashMap::new();
        let mut done: HashMap<PathBuf, Version> = HashMap::new();
        loop {
            let found = self.look();
            done.retain(|path, _| found.contains_key(path));
            let mut ready: Vec<&PathBuf> = found
                .iter()
                .filter(|(path, version)| before.get(*path) == Some(version) && done.get(*path) != Some(version))
                .map(|(path, _)| path)
                .collect();
            ready.sort();
            for path in ready.into_iter().take(FILES) {
                if *stop.borrow() {
                    return;
                }
                let left = self.one(context, path).await;
                if let (true, Some(version)) = (left && done.len() < REMEMBERED, found.get(path)) {
                    done.insert(path.clone(), *version);
                }
            }
            before = found;
            tokio::select! {
                () = tokio::time::sleep(self.every) => {}
                _ = stop.wait_for(|stopped| *stopped) => return,
            }
        }
    }

    fn look(&self) -> HashMap<PathBuf, Version> {
        let Ok(entries) = std::fs::read_dir(&self.folder) else { return HashMap::new() };
        let files = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
        let fitting = files.filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            !name.starts_with('.')
                && self.pattern.as_ref().is_none_or(|pattern| pattern.matches(&name).unwrap_or(false))
        });
        let versions = fitting.filter_map(|entry| {
            let about = entry.metadata().ok()?;
            Some((entry.path(), (about.len(), about.modified().ok()?)))
        });
        versions.take(REMEMBERED).collect()
    }

    /// Works on one file; true when it is still there and must not be a message again.
    async fn one(&self, context: &Arc<Context>, path: &Path) -> bool {
        let worked = self.message(context, path).await;
        if let Err(reason) = &worked {
            tracing::error!(endpoint = %self.name, file = %path.display(), %reason, "the file could not be processed");
        }
        let afterwards = if worked.is_ok() { &self.success } else { &self.failure };
        let outcome = match afterwards {
            Afterwards::Leave => return true,
            Afterwards::Delete => std::fs::remove_file(path),
            Afterwards::Move(folder) => relocate(path, folder),
        };
        if let Err(reason) = outcome {
            tracing::error!(endpoint = %self.name, file = %path.display(), %reason, "the file cannot be moved away");
            return true;
        }
        false
    }

    async fn message(&self, context: &Arc<Context>, path: &Path) -> Result<(), String> {
        let size = std::fs::metadata(path).map_err(|e| e.to_string())?.len();
        if size > self.largest {
            return Err(format!("it is larger than {} bytes", self.largest));
        }
        let bytes = tokio::fs::read(path).await.map_err(|e| e.to_string())?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let mut headers = Headers::new();
        headers.set("Content-Type", self.content_type.as_str());
        headers.set("FILE_NAME", name.as_str());
        headers.set("FILE_PATH", path.display().to_string());
        headers.set("FILE_LENGTH", bytes.len().to_string());
        let message = Message::raw(headers, bytes.into());
        let failed = match context.run_sequence(&self.sequence, |flow| flow.message = message.clone()).await {
            Ok(_) => return Ok(()),
            Err(failure) => failure,
        };
        if !self.on_error.is_empty() {
            let handled = context.run_sequence(&self.on_error, |flow| {
                flow.message = message;
                flow.properties.insert("ERROR_CODE".to_owned(), Value::Integer(failed.code));
                flow.properties.insert("ERROR_MESSAGE".to_owned(), Value::text(failed.message.as_str()));
                flow.properties.insert("ERROR_DETAIL".to_owned(), Value::text(failed.detail.as_str()));
            });
            if let Err(second) = handled.await {
                tracing::error!(endpoint = %self.name, reason = %second, "the error sequence failed");
            }
        }
        Err(failed.to_string())
    }
}

/// Size and time of a file.
type Version = (u64, SystemTime);

/// Moves a file into a folder without replacing one that is there.
fn relocate(path: &Path, folder: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let free = (0..10_000)
        .map(|number| folder.join(if number == 0 { name.clone() } else { format!("{name}.{number}") }))
        .find(|target| !target.exists());
    match free {
        Some(target) => std::fs::rename(path, target),
        None => Err(std::io::Error::other("the folder has too many files of this name")),
    }
}

fn afterwards(endpoint: &InboundEndpoint, when: &str, settings: &Settings) -> Result<Afterwards, Refusal> {
    let action = parameter(endpoint, &format!("transport.vfs.ActionAfter{when}")).unwrap_or_default();
    match action.to_ascii_uppercase().as_str() {
        "MOVE" => {
            let name = format!("transport.vfs.MoveAfter{when}");
            let uri = parameter(endpoint, &name).unwrap_or_default();
            Ok(Afterwards::Move(local(uri, settings)?))
        }
        // What cannot be processed is kept unless the artifact says otherwise.
        "" if when == "Failure" => Ok(Afterwards::Leave),
        "" | "DELETE" => Ok(Afterwards::Delete),
        "NONE" => Ok(Afterwards::Leave),
        other => Err((format!("the action {other} is not known"), "MOVE, DELETE or NONE".to_owned())),
    }
}

/// The directory that a URI names, when it lies in one that the operator allows.
fn local(uri: &str, settings: &Settings) -> Result<PathBuf, Refusal> {
    let path = uri.strip_prefix("vfs:").unwrap_or(uri);
    let path = path.strip_prefix("file://").unwrap_or(path);
    if path.contains("://") || !path.starts_with('/') {
        let what = format!("{uri:?} is not a directory of this machine");
        return Err((what, "name one as in file:///srv/in; other file servers are not available".to_owned()));
    }
    let path = PathBuf::from(path);
    let below = |allowed: &PathBuf| {
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        real(&path).starts_with(real(allowed))
    };
    let straight = path.components().all(|part| !matches!(part, std::path::Component::ParentDir));
    if !straight || !settings.file_directories.iter().any(below) {
        let what = format!("the directory {} is not allowed", path.display());
        return Err((what, "name it under [integrator] file_directories in deployment.toml".to_owned()));
    }
    Ok(path)
}
