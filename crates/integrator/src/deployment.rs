//! What is deployed together.

use std::path::PathBuf;
use std::sync::Arc;

use synapse::Configuration;
use synapse::car::Member;

/// An artifact that is deployed.
#[derive(Clone, Debug)]
pub struct Deployed {
    /// Kind, as reports name it.
    pub kind: &'static str,
    /// Name or key.
    pub name: String,
    /// The file: a path, or an archive, `!/` and a path inside of it.
    pub path: String,
    /// Name of the Carbon application that it came with.
    pub application: Option<String>,
    /// Digest of the text: two of the same digest are the same artifact.
    pub digest: u64,
    /// The text of the file.
    pub text: Arc<str>,
    /// What the operator should know about it.
    pub notes: Vec<String>,
}

/// A Carbon application that is deployed.
#[derive(Clone, Debug)]
pub struct Application {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// The archive.
    pub file: PathBuf,
    /// Its artifacts.
    pub members: Vec<Member>,
}

/// Everything that is deployed; immutable, swapped whole.
#[derive(Debug, Default)]
pub struct Deployment {
    /// The programs.
    pub configuration: Arc<Configuration>,
    /// Artifacts by kind, then name.
    pub artifacts: Vec<Deployed>,
    /// Carbon applications by name.
    pub applications: Vec<Application>,
    /// Counts deployments of this process.
    pub number: u64,
}

impl Deployment {
    /// An artifact.
    pub fn find(&self, kind: &str, name: &str) -> Option<&Deployed> {
        self.artifacts.iter().find(|deployed| deployed.kind == kind && deployed.name == name)
    }

    /// Artifacts of a kind.
    pub fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Deployed> {
        self.artifacts.iter().filter(move |deployed| deployed.kind == kind)
    }
}
