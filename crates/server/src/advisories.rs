//! Known vulnerabilities of the program's parts: its list of parts against a folder of advisories that the operator keeps, in the
//! layout of the RustSec database (`crates/<part>/<id>.md`).

use std::io::Read as _;
use std::path::Path;

use semver::{Version, VersionReq};
use serde::Deserialize;

use crate::home::Home;
use crate::sbom::{self, Part};

/// Where it is in a home.
pub(crate) const FOLDER: &str = "advisories";

/// Most bytes of an advisory.
pub(crate) const CAP: u64 = 256 << 10;

/// Most advisories of one part.
const MOST: usize = 1000;

#[derive(Deserialize)]
struct Raw {
    advisory: About,
    #[serde(default)]
    versions: Versions,
}

#[derive(Deserialize)]
struct About {
    id: String,
    informational: Option<String>,
    withdrawn: Option<String>,
}

#[derive(Default, Deserialize)]
struct Versions {
    #[serde(default)]
    patched: Vec<String>,
    #[serde(default)]
    unaffected: Vec<String>,
}

/// Advisories that concern this program, with the part and its version; `None` when no folder of advisories is kept.
pub(crate) fn known(home: &Home) -> Option<Vec<(String, String)>> {
    concerning(&home.root().join(FOLDER), &sbom::parts())
}

/// Days since the list was last taken from its source; a list that was confirmed counts as taken.
pub(crate) fn age_days(home: &Home, now: model::Timestamp) -> Option<i64> {
    let changed = std::fs::metadata(home.root().join(FOLDER)).ok()?.modified().ok()?;
    let since = changed.duration_since(std::time::UNIX_EPOCH).ok()?.as_secs();
    Some(now.seconds().saturating_sub(i64::try_from(since).ok()?).div_euclid(86_400))
}

fn concerning(folder: &Path, parts: &[Part]) -> Option<Vec<(String, String)>> {
    let crates = folder.join("crates");
    // An empty folder is a list that was never fetched, not one without entries.
    std::fs::read_dir(&crates).ok()?.next()?.ok()?;
    let mut found = Vec::new();
    for part in parts {
        for entry in std::fs::read_dir(crates.join(&part.name)).into_iter().flatten().flatten().take(MOST) {
            let path = entry.path();
            if path.extension().is_some_and(|end| end == "md")
                && let Some(id) = concerns(&path, &part.version)
            {
                found.push((id, format!("{} {}", part.name, part.version)));
            }
        }
    }
    found.sort();
    Some(found)
}

/// The id of an advisory that concerns a version. One that cannot be understood concerns it: it is about this part.
fn concerns(path: &Path, version: &str) -> Option<String> {
    let odd = || Some(format!("{}, which cannot be understood,", path.display()));
    let mut text = String::new();
    let opened = std::fs::File::open(path).and_then(|file| file.take(CAP).read_to_string(&mut text));
    let front = text.split_once("```toml").and_then(|(_, rest)| rest.split_once("\n```")).map(|(front, _)| front);
    let raw: Option<Raw> = opened.ok().and(front).and_then(|front| toml::from_str(front).ok());
    let Some(Raw { advisory, versions }) = raw else { return odd() };
    // A part without a maintainer, for example, is no vulnerability.
    if advisory.withdrawn.is_some() || advisory.informational.is_some() {
        return None;
    }
    let Ok(version) = Version::parse(version) else { return odd() };
    for range in versions.patched.iter().chain(&versions.unaffected) {
        match VersionReq::parse(range) {
            Ok(range) if range.matches(&version) => return None,
            Ok(_) => {}
            Err(_) => return odd(),
        }
    }
    Some(advisory.id)
}

#[cfg(test)]
mod tests {
    use super::{concerning, sbom};
    use crate::sbom::Part;

    fn advisory(more: &str, versions: &str) -> String {
        format!(
            "```toml\n[advisory]\nid = \"RUSTSEC-2026-0001\"\npackage = \"h2\"\n{more}\n[versions]\n{versions}\n```\n\n# Title\n"
        )
    }

    fn judged(text: &str, version: &str) -> Option<usize> {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join("crates/h2")).unwrap();
        std::fs::write(directory.path().join("crates/h2/RUSTSEC-2026-0001.md"), text).unwrap();
        let parts = [Part { name: "h2".to_owned(), version: version.to_owned() }];
        concerning(directory.path(), &parts).map(|found| found.len())
    }

    #[test]
    fn versions_decide_whether_an_advisory_concerns_us() {
        let text = advisory("", "patched = [\">= 0.4.5\", \"^0.3.26\"]\nunaffected = [\"< 0.2.0\"]");
        for (version, count) in [("0.4.4", 1), ("0.4.5", 0), ("0.3.25", 1), ("0.3.27", 0), ("0.1.9", 0)] {
            assert_eq!(judged(&text, version), Some(count), "{version}");
        }
        assert_eq!(judged(&advisory("", "patched = []"), "9.9.9"), Some(1), "never patched");
        assert_eq!(judged(&advisory("withdrawn = \"2026-01-01\"", "patched = []"), "1.0.0"), Some(0));
        assert_eq!(judged(&advisory("informational = \"unmaintained\"", "patched = []"), "1.0.0"), Some(0));
    }

    #[test]
    fn what_cannot_be_understood_is_no_pass() {
        for text in ["", "no front matter", "```toml\nbroken", "```toml\n[advisory]\n```"] {
            assert_eq!(judged(text, "1.0.0"), Some(1), "{text:?}");
        }
        assert_eq!(judged(&advisory("", "patched = [\"soon\"]"), "1.0.0"), Some(1));
    }

    #[test]
    fn no_folder_and_an_empty_one_are_not_known() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(concerning(directory.path(), &sbom::parts()), None);
        std::fs::create_dir(directory.path().join("crates")).unwrap();
        assert_eq!(concerning(directory.path(), &sbom::parts()), None);
    }

    /// The program of this build against the database of the corpus.
    #[test]
    fn no_part_of_this_build_has_an_advisory_of_the_corpus() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/advisory-db");
        let Some(found) = concerning(&folder, &sbom::parts()) else {
            println!("skipped: there is no {}", folder.display());
            return;
        };
        assert_eq!(found, []);
        let old = [Part { name: "h2".to_owned(), version: "0.3.0".to_owned() }];
        assert!(!concerning(&folder, &old).unwrap().is_empty(), "the search itself works");
    }
}
