//! Passwords that are known from breaches, looked up in files of this machine: nothing about a password leaves it.
//!
//! Two forms, both as the downloaders of Have I Been Pwned write them: a folder with a file for each of the first five
//! hexadecimal digits of SHA-1 (`21BD1.txt`, lines `REST:COUNT`), or one file of whole hashes in order (`HASH:COUNT`).

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use model::Secret;

/// Hexadecimal digits that name a file of the folder.
const PREFIX: usize = 5;
/// Largest file of a folder: about 1,000 hashes are usual.
const MAX_FILE: u64 = 4 * 1024 * 1024;
/// Longest line of the one file: 40 digits, a count, an end.
const MAX_LINE: u64 = 128;

/// The list.
#[derive(Clone, Debug)]
pub struct BreachList {
    path: PathBuf,
    folder: bool,
}

impl BreachList {
    /// A list in a folder or a file, which must be there.
    ///
    /// # Errors
    /// Why it cannot be read, or that it is no such list.
    pub fn open(path: &Path) -> io::Result<Self> {
        let folder = std::fs::metadata(path)?.is_dir();
        let list = Self { path: path.to_owned(), folder };
        if !folder {
            // The first line shows whether it is a list at all.
            let mut file = File::open(path)?;
            let line = line_at(&mut file, 0)?.map(|(_, line)| line).unwrap_or_default();
            let hash = line.split(':').next().unwrap_or_default();
            if hash.len() != 40 || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "the first line is not a SHA-1 hash"));
            }
        }
        Ok(list)
    }

    /// Whether a password is in the list. Reads files: call it off the event loop.
    ///
    /// # Errors
    /// The list cannot be read; the password must not be accepted then.
    pub(crate) fn contains(&self, password: &Secret<String>) -> io::Result<bool> {
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.expose().as_bytes());
        let hex: String = hash.as_ref().iter().map(|b| format!("{b:02X}")).collect();
        if self.folder { self.in_folder(&hex) } else { in_file(&self.path, &hex) }
    }

    fn in_folder(&self, hex: &str) -> io::Result<bool> {
        let (prefix, rest) = hex.split_at_checked(PREFIX).unwrap_or((hex, ""));
        for name in [format!("{prefix}.txt"), prefix.to_owned()] {
            let file = match File::open(self.path.join(name)) {
                Ok(file) => file,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let mut text = String::new();
            file.take(MAX_FILE).read_to_string(&mut text)?;
            return Ok(text.lines().any(|line| is_hash(line, rest)));
        }
        // A folder may hold a part of all hashes.
        Ok(false)
    }
}

/// Whether a line begins with the hash. A count of 0 marks padding.
fn is_hash(line: &str, hash: &str) -> bool {
    let (found, count) = line.trim_end().split_once(':').unwrap_or((line.trim_end(), "1"));
    found.eq_ignore_ascii_case(hash) && count.trim() != "0"
}

/// Binary search by position in the file.
fn in_file(path: &Path, hex: &str) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let (mut low, mut high) = (0, file.metadata()?.len());
    while low < high {
        let middle = low + (high - low) / 2;
        // The first line that begins after the middle, or the one at the very start.
        let Some((at, line)) = line_at(&mut file, middle)?.filter(|(at, _)| *at < high) else {
            high = middle;
            continue;
        };
        let found = line.split(':').next().unwrap_or_default().to_ascii_uppercase();
        match found.as_str().cmp(hex) {
            std::cmp::Ordering::Equal => return Ok(is_hash(&line, hex)),
            std::cmp::Ordering::Less => low = at + 1,
            std::cmp::Ordering::Greater => high = middle,
        }
    }
    Ok(false)
}

/// The first line that begins at or after a position, with its position.
fn line_at(file: &mut File, position: u64) -> io::Result<Option<(u64, String)>> {
    // A line begins where the byte before it ends one.
    let from = position.saturating_sub(1);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(2 * MAX_LINE).read_to_end(&mut bytes)?;
    let skip = match position {
        0 => 0,
        _ => match bytes.iter().position(|b| *b == b'\n') {
            Some(end) => end + 1,
            None => return Ok(None),
        },
    };
    let rest = bytes.get(skip..).unwrap_or_default();
    if rest.is_empty() {
        return Ok(None);
    }
    let line = rest.split(|b| *b == b'\n').next().unwrap_or_default();
    let at = from.saturating_add(u64::try_from(skip).unwrap_or(0));
    Ok(Some((at, String::from_utf8_lossy(line).trim_end().to_owned())))
}

#[cfg(test)]
mod tests {
    use super::{BreachList, PREFIX};
    use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
    use model::Secret;

    fn hex(password: &str) -> String {
        digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes()).as_ref().iter().map(|b| format!("{b:02X}")).collect()
    }

    fn secret(n: u32) -> Secret<String> {
        Secret::new(format!("password number {n}"))
    }

    #[test]
    fn a_sorted_file_is_searched() {
        for ending in ["\n", "\r\n"] {
            let file = tempfile::NamedTempFile::new().unwrap();
            let mut lines: Vec<String> = (0..1000).map(|n| format!("{}:{}", hex(secret(n).expose()), n + 1)).collect();
            lines.sort();
            std::fs::write(file.path(), lines.join(ending)).unwrap();
            let list = BreachList::open(file.path()).unwrap();
            for n in 0..1000 {
                assert!(list.contains(&secret(n)).unwrap(), "{n}");
            }
            for n in 1000..2000 {
                assert!(!list.contains(&secret(n)).unwrap(), "{n}");
            }
        }
    }

    #[test]
    fn a_folder_of_ranges_is_searched_and_padding_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        assert!(hex("password").starts_with("5BAA6"), "the example of the range interface");
        let lines = format!("{}:10\r\n{}:0", &hex("password")[PREFIX..], "0".repeat(35));
        std::fs::write(folder.path().join("5BAA6.txt"), lines).unwrap();
        std::fs::write(folder.path().join(&hex("hunter2")[..PREFIX]), format!("{}:0\n", &hex("hunter2")[PREFIX..]))
            .unwrap();
        let list = BreachList::open(folder.path()).unwrap();
        let found = |text: &str| list.contains(&Secret::new(text.into())).unwrap();
        assert!(found("password") && !found("hunter2") && !found("correct horse battery"));
    }

    #[test]
    fn what_is_no_list_is_refused_and_one_that_went_away_is_an_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "password\nqwerty\n").unwrap();
        assert!(BreachList::open(file.path()).is_err());
        assert!(BreachList::open(std::path::Path::new("/nonexistent")).is_err());
        std::fs::write(file.path(), format!("{}:1\n", hex("a"))).unwrap();
        let list = BreachList::open(file.path()).unwrap();
        assert!(list.contains(&Secret::new("a".into())).unwrap() && !list.contains(&Secret::new("b".into())).unwrap());
        drop(file);
        assert!(list.contains(&Secret::new("a".into())).is_err());
    }
}
