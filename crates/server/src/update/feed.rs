//! The signed list of advisories: a zip of `crates/<part>/<id>.md`, exchanged whole in the home.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Component, Path, PathBuf};

use crate::advisories;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::home::Home;

/// Most advisories.
const MOST: usize = 100_000;

/// Most bytes of all of them together.
const CAP: u64 = 256 << 20;

/// Unpacks the list beside the present one and exchanges the two; a list that cannot be read whole changes nothing. The folder
/// of the list.
pub(super) fn exchange(archive: File, home: &Home) -> Outcome<PathBuf> {
    let present = home.root().join(advisories::FOLDER);
    let beside = |end: &str| home.root().join(format!("{}{end}", advisories::FOLDER));
    let (next, former) = (beside(".next"), beside(".former"));
    for rest in [&next, &former] {
        remove(rest)?;
    }
    if let Err(failure) = unpack(archive, &next) {
        let _ = remove(&next);
        return Err(failure);
    }
    if present.exists() {
        rename(&present, &former)?;
    }
    rename(&next, &present)?;
    remove(&former)?;
    Ok(present)
}

fn rename(from: &Path, to: &Path) -> Outcome {
    std::fs::rename(from, to).map_err(|e| Failure::io(from, "rename", &e))
}

fn remove(folder: &Path) -> Outcome {
    match std::fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Failure::io(folder, "remove", &e)),
        _ => Ok(()),
    }
}

fn unpack(archive: File, to: &Path) -> Outcome {
    let odd = |why: String| {
        Failure::new(
            Exit::Refused,
            "UPD005",
            "the signed list of advisories cannot be used",
            why,
            "nothing was changed",
        )
    };
    let mut zip = zip::ZipArchive::new(archive).map_err(|e| odd(e.to_string()))?;
    if zip.len() > MOST {
        return Err(odd(format!("it has {} entries; at most {MOST} are read", zip.len())));
    }
    let (mut count, mut room) = (0_usize, CAP);
    for index in 0..zip.len() {
        let entry = zip.by_index(index).map_err(|e| odd(e.to_string()))?;
        let Some(place) = entry.enclosed_name().filter(|name| is_advisory(name)) else { continue };
        let mut text = Vec::new();
        entry.take(advisories::CAP.min(room) + 1).read_to_end(&mut text).map_err(|e| odd(e.to_string()))?;
        let size = text.len() as u64;
        if size > advisories::CAP || size > room {
            return Err(odd(format!("{} is too long", place.display())));
        }
        room -= size;
        let path = to.join(place);
        let folder = path.parent().unwrap_or(to);
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|e| Failure::io(folder, "create", &e))?;
        let written = File::create(&path).and_then(|mut file| file.write_all(&text));
        written.map_err(|e| Failure::io(&path, "write", &e))?;
        count += 1;
    }
    // An empty list would say that nothing is known against any part.
    if count == 0 { Err(odd("it holds no advisory (crates/PART/ID.md)".to_owned())) } else { Ok(()) }
}

/// `crates/<part>/<id>.md` and nothing else.
fn is_advisory(path: &Path) -> bool {
    let plain = |part: &Component<'_>| {
        let Component::Normal(name) = part else { return false };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        name.len() <= 128 && name.as_encoded_bytes().iter().all(|byte| fits(*byte))
    };
    let parts: Vec<_> = path.components().collect();
    parts.len() == 3
        && parts.iter().all(plain)
        && path.starts_with("crates")
        && path.extension().is_some_and(|end| end == "md")
}

#[cfg(test)]
mod tests {
    use std::io::{Seek as _, Write as _};

    use super::exchange;
    use crate::home::Home;

    fn archive(entries: &[(&str, &[u8])]) -> std::fs::File {
        let mut zip = zip::ZipWriter::new(tempfile::tempfile().unwrap());
        for (name, text) in entries {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(text).unwrap();
        }
        let mut file = zip.finish().unwrap();
        file.rewind().unwrap();
        file
    }

    #[test]
    fn a_list_replaces_the_one_before_it() {
        let scratch = tempfile::tempdir().unwrap();
        let home = Home::new(scratch.path());
        exchange(archive(&[("crates/h2/A.md", b"one"), ("README.md", b"x")]), &home).unwrap();
        exchange(archive(&[("crates/hyper/B.md", b"two")]), &home).unwrap();
        let folder = scratch.path().join("advisories");
        assert_eq!(std::fs::read(folder.join("crates/hyper/B.md")).unwrap(), b"two");
        assert!(!folder.join("crates/h2").exists() && !folder.join("README.md").exists());
        assert_eq!(std::fs::read_dir(scratch.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn what_leaves_the_folder_or_is_too_much_changes_nothing() {
        let scratch = tempfile::tempdir().unwrap();
        let home = Home::new(scratch.path());
        exchange(archive(&[("crates/h2/A.md", b"one")]), &home).unwrap();
        let long = vec![b'a'; 300 << 10];
        for bad in [
            archive(&[("../crates/h2/A.md", b"x")]),
            archive(&[("/etc/cron.d/a.md", b"x")]),
            archive(&[("crates/../../a.md", b"x")]),
            archive(&[("crates/h2/sub/A.md", b"x")]),
            archive(&[("crates/h2/A.md", &long)]),
            archive(&[]),
        ] {
            assert!(exchange(bad, &home).is_err());
            assert_eq!(std::fs::read(scratch.path().join("advisories/crates/h2/A.md")).unwrap(), b"one");
        }
        let mut text = tempfile::tempfile().unwrap();
        text.write_all(b"no zip").unwrap();
        assert!(exchange(text, &home).is_err());
    }
}
