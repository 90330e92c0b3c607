//! Signed updates (guideline A01): a repository of The Update Framework with programs and a list of advisories.
//!
//! Layout: `metadata/` and `targets/` below one address. Targets that matter here are `advisories.zip` and
//! `portcullis-<version>-<architecture>-<system>`, as in `portcullis-1.2.3-x86_64-linux`. Nothing of a repository is used before
//! its signatures, thresholds, versions and expiry were judged by the `tough` crate, over a memory of what was seen before; so
//! neither a mirror nor a thief of some keys can hand out something old, foreign or incomplete.

mod courier;
mod exchange;
mod feed;
mod health;

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::StreamExt as _;
use semver::Version;
use tough::{Repository, RepositoryLoader, TargetName};
use url::Url;

use crate::config::Config;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::Home;
use crate::installation::{Secrets, open_keys, world};
use crate::serve::egress;
use crate::terminal::printable;

pub(crate) use exchange::{Exchange, Record, roll_back};
pub(crate) use health::Health;

/// Where the first root and the memory of what was seen are, below the home.
const FOLDER: &str = "updates";

/// Name of the target that holds the advisories.
const ADVISORIES: &str = "advisories.zip";

/// A program of the repository that is newer than a given one and made for this machine.
pub(crate) struct Release {
    /// Its version.
    pub(crate) version: Version,
    /// Size in bytes, as signed.
    pub(crate) size: u64,
    target: TargetName,
}

/// A repository whose metadata was verified just now.
pub(crate) struct Verified {
    repository: Repository,
    home: Home,
}

/// What the repository says about itself.
pub(crate) struct About {
    /// Version of the root that is trusted now.
    pub(crate) root: u64,
    /// Version of the timestamp.
    pub(crate) timestamp: u64,
    /// When the first part of its metadata expires (RFC 3339).
    pub(crate) expires: String,
}

impl Verified {
    /// Fetches and verifies the metadata of the configured repository, or of `other`.
    ///
    /// # Errors
    /// No repository or first root configured; one that cannot be reached; metadata that must not be trusted.
    pub(crate) async fn open(home: &Home, config: &Config, other: Option<&str>) -> Outcome<Self> {
        let place = other.or(config.updates.repository.as_deref()).ok_or_else(|| {
            Failure::new(
                Exit::Configuration,
                "UPD001",
                "no repository of updates is configured",
                "",
                "write repository = \"https://...\" into [updates] of deployment.toml, or give --repository",
            )
        })?;
        let base = address(home, place)?;
        let folder = folder(home)?;
        let first = home.root().join(&config.updates.root);
        let root = trusted_root(&first, &folder)?;
        let below = |part: &str| {
            base.join(part).map_err(|e| Failure::usage(format!("{place}: {e}"), "write https://HOST/PATH or a folder"))
        };
        let tls = if base.scheme() == "https" { Some(tls(home, config).await?) } else { None };
        let courier = courier::Courier { tls, scratch: folder.clone() };
        let loader = RepositoryLoader::new(&root, below("metadata/")?, below("targets/")?);
        let loaded = loader.transport(courier).datastore(&folder).load().await;
        hand_over(home, &folder);
        Ok(Self { repository: loaded.map_err(|e| refused(place, &e))?, home: home.clone() })
    }

    /// What it says about itself.
    pub(crate) fn about(&self) -> About {
        let repository = &self.repository;
        let expires = [
            repository.root().signed.expires,
            repository.timestamp().signed.expires,
            repository.snapshot().signed.expires,
            repository.targets().signed.expires,
        ];
        About {
            root: repository.root().signed.version.get(),
            timestamp: repository.timestamp().signed.version.get(),
            expires: expires.into_iter().min().map(|at| at.to_string()).unwrap_or_default(),
        }
    }

    /// The newest program for this machine that is newer than `present`.
    pub(crate) fn newest(&self, present: &Version) -> Option<Release> {
        let platform = format!("-{}-{}", std::env::consts::ARCH, std::env::consts::OS);
        let releases = self.repository.all_targets().filter_map(|(name, target)| {
            let version = name.resolved().strip_prefix("portcullis-")?.strip_suffix(platform.as_str())?;
            let version = Version::parse(version).ok()?;
            (version > *present).then(|| Release { version, size: target.length, target: name.clone() })
        });
        releases.max_by(|a, b| a.version.cmp(&b.version))
    }

    /// Writes a program to a file, verified to its last byte.
    pub(crate) async fn fetch(&self, release: &Release, to: &mut std::fs::File) -> Outcome {
        self.copy(&release.target, to).await
    }

    /// Puts the advisories of the repository into the home, where A01.1 reads them. False when the repository has none.
    pub(crate) async fn advisories(&self) -> Outcome<bool> {
        let name = TargetName::new(ADVISORIES).map_err(|e| Failure::internal(e.to_string()))?;
        if !self.repository.all_targets().any(|(known, _)| *known == name) {
            return Ok(false);
        }
        let folder = folder(&self.home)?;
        let mut archive = courier::scratch_file(&folder).map_err(|e| Failure::io(&folder, "write in", &e))?;
        self.copy(&name, &mut archive).await?;
        let unpacked = feed::exchange(archive, &self.home)?;
        hand_over(&self.home, &unpacked);
        Ok(true)
    }

    async fn copy(&self, name: &TargetName, to: &mut std::fs::File) -> Outcome {
        let broken = |e: &tough::error::Error| refused(name.raw(), e);
        let stream = self.repository.read_target(name).await.map_err(|e| broken(&e))?;
        let mut stream = Box::pin(stream.ok_or_else(|| Failure::internal("a listed target has no content"))?);
        while let Some(bytes) = stream.next().await {
            // It lies on this machine already: what goes wrong from here on is its content.
            let bytes = bytes.map_err(|e| not_trusted(name.raw(), &because(&e), CONTENT))?;
            to.write_all(&bytes).map_err(|e| Failure::io(Path::new(name.raw()), "write", &e))?;
        }
        to.sync_all().map_err(|e| Failure::io(Path::new(name.raw()), "write", &e))
    }
}

/// The folder of updates below the home, made when it is not there.
fn folder(home: &Home) -> Outcome<PathBuf> {
    let folder = home.root().join(FOLDER);
    match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && folder.is_dir() => {}
        made => made.map_err(|e| Failure::io(&folder, "create", &e))?,
    }
    Ok(folder)
}

/// The address as one that ends with a slash, so that names are joined below it.
fn address(home: &Home, place: &str) -> Outcome<Url> {
    let wrong = |why: &str| Failure::usage(format!("{place}: {why}"), "write https://HOST/PATH, or a folder");
    let mut url = match place.split_once("://") {
        Some(("https" | "file", _)) => Url::parse(place).map_err(|e| wrong(&e.to_string()))?,
        Some((scheme, _)) => return Err(wrong(&format!("updates are not fetched over {scheme}"))),
        None => {
            let folder = home.root().join(place);
            let folder = folder.canonicalize().map_err(|e| Failure::io(&folder, "read", &e))?;
            Url::from_directory_path(&folder).map_err(|()| wrong("it is not a path"))?
        }
    };
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(wrong("an address without name, password, query and fragment is needed"));
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

/// The root to begin with: the newest that was verified here, so that keys which were taken back stay so, or the first.
fn trusted_root(first: &Path, folder: &Path) -> Outcome<Vec<u8>> {
    const CAP: u64 = 1 << 20;
    let read = |path: &Path| -> std::io::Result<Vec<u8>> {
        use std::io::Read as _;
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(CAP).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let version = |bytes: &[u8]| {
        let root: Option<serde_json::Value> = serde_json::from_slice(bytes).ok();
        root.and_then(|root| root.pointer("/signed/version")?.as_u64())
    };
    let begin = read(first).map_err(|e| {
        let what = format!("{} cannot be read", first.display());
        let why = format!("updates are trusted because of this first root metadata: {e}");
        let fix = "get root.json of the repository from somewhere you trust, and name it as root in [updates]";
        Failure::new(Exit::Io, "UPD002", what, why, fix)
    })?;
    match read(&folder.join("root.json")) {
        Ok(seen) if version(&seen) >= version(&begin) => Ok(seen),
        _ => Ok(begin),
    }
}

/// TLS towards the repository: the authorities of the platform and of `[truststore]`.
async fn tls(home: &Home, config: &Config) -> Outcome<Arc<rustls::ClientConfig>> {
    let (clock, rng) = world();
    let keys = open_keys(home, config, clock.as_ref(), rng.as_ref())?;
    let secrets = Secrets::new(home, config, &keys);
    let shared = egress::client_tls(home, config, &secrets)?.await?;
    let mut own = (*shared).clone();
    own.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(own))
}

/// What to do about a repository that is not what it says it is.
const CONTENT: &str = "nothing was changed; ask whoever keeps the repository, by another way than the repository";

/// Why the repository is not used.
fn refused(place: &str, error: &tough::error::Error) -> Failure {
    use tough::error::Error;
    let why = because(error);
    match error {
        Error::ExpiredMetadata { .. } => {
            let fix =
                "whoever keeps the repository has to sign it anew; until then somebody may be holding back updates";
            not_trusted(place, &why, fix)
        }
        Error::Transport { .. } => {
            let what = format!("the updates cannot be fetched from {}", printable(place));
            Failure::new(Exit::Unreachable, "UPD003", what, why, "check [updates] repository")
        }
        _ => not_trusted(place, &why, CONTENT),
    }
}

fn not_trusted(place: &str, why: &str, fix: &str) -> Failure {
    Failure::new(Exit::Refused, "UPD004", format!("{} is not trusted", printable(place)), why, fix)
}

/// An error with its causes. What comes from a repository is shown without control characters.
fn because(error: &tough::error::Error) -> String {
    let mut why = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(next) = source {
        let text = next.to_string();
        if !why.contains(&text) {
            why = format!("{why}: {text}");
        }
        source = next.source();
    }
    printable(&why)
}

/// What root wrote into a home belongs to the account of the home, or its server could not read it.
fn hand_over(home: &Home, path: &Path) {
    let Ok(owner) = std::fs::metadata(home.root()) else { return };
    let Ok(present) = std::fs::symlink_metadata(path) else { return };
    if present.uid() != owner.uid() && !present.is_symlink() {
        // Fails without the right to give files away; then the reader says what it cannot read.
        let _ = std::os::unix::fs::lchown(path, Some(owner.uid()), Some(owner.gid()));
    }
    if present.is_dir() {
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            hand_over(home, &entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{address, trusted_root};
    use crate::home::Home;

    #[test]
    fn only_https_and_folders_are_repositories() {
        let scratch = tempfile::tempdir().unwrap();
        let home = Home::new(scratch.path());
        std::fs::create_dir(scratch.path().join("mirror")).unwrap();
        assert!(address(&home, "mirror").unwrap().as_str().ends_with("/mirror/"));
        assert_eq!(address(&home, "https://a.example/b").unwrap().as_str(), "https://a.example/b/");
        for bad in
            ["http://a.example", "ftp://a", "https://u:p@a.example/", "https://a/?q", "https://a/#f", "not-there"]
        {
            assert!(address(&home, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_root_that_was_seen_wins_over_the_first_one() {
        let scratch = tempfile::tempdir().unwrap();
        let first = scratch.path().join("first.json");
        let folder = scratch.path().join("updates");
        std::fs::create_dir(&folder).unwrap();
        assert!(trusted_root(&first, &folder).is_err(), "no first root");
        let root = |version: u32| format!("{{\"signed\": {{\"version\": {version}}}}}");
        std::fs::write(&first, root(2)).unwrap();
        assert_eq!(trusted_root(&first, &folder).unwrap(), root(2).into_bytes());
        std::fs::write(folder.join("root.json"), root(4)).unwrap();
        assert_eq!(trusted_root(&first, &folder).unwrap(), root(4).into_bytes());
        std::fs::write(&first, root(5)).unwrap();
        assert_eq!(trusted_root(&first, &folder).unwrap(), root(5).into_bytes(), "a newer one given by the operator");
        std::fs::write(folder.join("root.json"), "damaged").unwrap();
        assert_eq!(trusted_root(&first, &folder).unwrap(), root(5).into_bytes());
    }
}
