use std::fs::File;
use std::path::{Path, PathBuf};

use vault::{Keyring, SystemRng};

use super::{FORMAT, Header, Locked, PART, Writer};

fn header() -> Header {
    Header {
        format: FORMAT.into(),
        id: "one".into(),
        created: "2026-01-01T00:00:00Z".into(),
        created_ms: 0,
        database: "sqlite".into(),
        schema: 1,
        program: "0".into(),
        keyring: String::new(),
    }
}

/// Content that does not compress, of several parts.
fn noise(length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    model::Rng::fill(&SystemRng, &mut bytes);
    bytes
}

fn written(directory: &Path, keyring: &Keyring, entries: &[(&str, &[u8])]) -> PathBuf {
    let path = directory.join("x.backup");
    let mut writer = Writer::begin(File::create(&path).unwrap(), &header(), keyring, &SystemRng).unwrap();
    for &(name, mut content) in entries {
        writer.entry(name, 0o600, content.len() as u64, &mut content).unwrap();
    }
    writer.finish().unwrap();
    path
}

fn read(path: &Path, keyring: &Keyring) -> std::io::Result<Vec<(String, Vec<u8>)>> {
    let mut reader = Locked::open(path).map_err(|e| std::io::Error::other(e.to_string()))?.unlock(keyring);
    let mut all = Vec::new();
    while let Some(entry) = reader.next()? {
        let mut content = Vec::new();
        reader.copy(&entry, &mut content)?;
        all.push((entry.name, content));
    }
    Ok(all)
}

fn keyring() -> Keyring {
    Keyring::generate(model::Timestamp::from_millis(0), &SystemRng)
}

#[test]
fn what_was_written_is_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let (keyring, large) = (keyring(), noise(3 * PART + 17));
    let path = written(directory.path(), &keyring, &[("a/b", b"one"), ("empty", b""), ("large", &large)]);
    let back = read(&path, &keyring).unwrap();
    let names: Vec<&str> = back.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["a/b", "empty", "large"]);
    assert_eq!((back[0].1.as_slice(), back[1].1.len()), (&b"one"[..], 0));
    assert!(back[2].1 == large);
    // Nothing of the content is readable in the file.
    assert!(!std::fs::read(&path).unwrap().windows(3).any(|w| w == b"a/b"));
}

/// Whatever is done to the lines of a backup is noticed.
#[test]
fn changed_swapped_missing_and_foreign_parts_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let (keyring, large) = (keyring(), noise(3 * PART));
    let path = written(directory.path(), &keyring, &[("large", &large)]);
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() > 4);
    let mut bad: Vec<(&str, String)> = Vec::new();
    let joined = |lines: &[&str]| lines.join("\n") + "\n";
    bad.push(("last part missing", joined(&lines[..lines.len() - 1])));
    bad.push(("middle part missing", joined(&[&lines[..2], &lines[3..]].concat())));
    bad.push(("parts swapped", joined(&[&lines[..1], &[lines[2], lines[1]], &lines[3..]].concat())));
    bad.push(("part twice at the end", joined(&[&lines[..], &lines[lines.len() - 1..]].concat())));
    bad.push(("cut in a line", text[..text.len() - 10].to_owned()));
    bad.push(("first line changed", text.replacen("2026-01-01", "2027-01-01", 1)));
    bad.push(("only a first line", joined(&lines[..1])));
    let middle = text.len() / 2;
    let flipped = if &text[middle..=middle] == "A" { "B" } else { "A" };
    bad.push(("a letter changed", format!("{}{flipped}{}", &text[..middle], &text[middle + 1..])));
    for (what, text) in bad {
        std::fs::write(&path, text).unwrap();
        assert!(read(&path, &keyring).is_err(), "{what}");
    }
    std::fs::write(&path, &text).unwrap();
    assert!(read(&path, &super::tests::keyring()).is_err(), "another installation's keyring");
    assert!(read(&path, &keyring).is_ok());
}

#[test]
fn names_cannot_lead_out_of_the_backup() {
    let directory = tempfile::tempdir().unwrap();
    let keyring = keyring();
    for name in ["../x", "/etc/x", "a/../b", "", "a//b", "."] {
        let path = written(directory.path(), &keyring, &[(name, b"x")]);
        assert!(read(&path, &keyring).is_err(), "{name:?}");
    }
}
