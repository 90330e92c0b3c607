//! The files of an archive, read whole under caps.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::ControlError;

/// Most entries.
const MAX_ENTRIES: usize = 2000;
/// Most bytes of all files together.
const MAX_TOTAL: u64 = 64 * 1024 * 1024;
/// Largest ratio of a file's size to its compressed size; DEFLATE reaches 1032 only on made-up input.
const MAX_RATIO: u64 = 200;
/// Files below this size may have any ratio.
const RATIO_FLOOR: u64 = 1024 * 1024;

/// Files by their path with `/` between the parts.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Reads a zip archive.
///
/// # Errors
/// 400: not a zip file, too many or too large files, links, absolute paths, `..`, duplicate names, encrypted entries.
pub(crate) fn read_zip(bytes: &[u8]) -> Result<Files, ControlError> {
    let broken = |e: zip::result::ZipError| ControlError::invalid(format!("The archive cannot be read: {e}."));
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    if archive.len() > MAX_ENTRIES {
        return Err(ControlError::invalid(format!("The archive has more than {MAX_ENTRIES} entries.")));
    }
    let mut files = Files::new();
    let mut left = MAX_TOTAL;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(broken)?;
        let name = entry.name().to_owned();
        if entry.is_symlink() {
            return Err(ControlError::invalid(format!("{name:?} in the archive is a link.")));
        }
        let path = safe_path(&name)?;
        if entry.is_dir() {
            continue;
        }
        let packed = entry.compressed_size().max(1);
        let limit = left.min(packed.saturating_mul(MAX_RATIO).max(RATIO_FLOOR));
        let mut content = Vec::new();
        // The size in the header is a claim; what counts is what comes out.
        entry
            .by_ref()
            .take(limit.saturating_add(1))
            .read_to_end(&mut content)
            .map_err(|e| ControlError::invalid(format!("{name:?} in the archive cannot be read: {e}.")))?;
        let size = u64::try_from(content.len()).unwrap_or(u64::MAX);
        if size > limit {
            return Err(ControlError::invalid(format!(
                "{name:?} unpacks to too much: an archive holds at most {MAX_TOTAL} bytes, and a file at most \
                 {MAX_RATIO} times its packed size."
            )));
        }
        left = left.saturating_sub(size);
        if files.insert(path, content).is_some() {
            return Err(ControlError::invalid(format!("{name:?} is in the archive twice.")));
        }
    }
    Ok(files)
}

/// A path that stays inside the archive.
fn safe_path(name: &str) -> Result<String, ControlError> {
    let refused = |why: &str| ControlError::invalid(format!("{name:?} in the archive {why}."));
    if name.starts_with('/') || name.contains('\\') || name.contains(':') {
        return Err(refused("is an absolute path or not written with slashes"));
    }
    if name.chars().any(char::is_control) || name.len() > 1000 {
        return Err(refused("has control characters or is too long"));
    }
    let mut parts = Vec::new();
    for part in name.split('/') {
        match part {
            "" | "." => {}
            ".." => return Err(refused("points outside of the archive")),
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

/// Writes a zip archive; the same files give the same bytes.
///
/// # Errors
/// 500 when it cannot be written, and for a path that [`read_zip`] would refuse: whoever unpacks the archive must not
/// write anywhere but into its folder.
pub(crate) fn write_zip(files: &Files) -> Result<Vec<u8>, ControlError> {
    let failed = |e: zip::result::ZipError| ControlError::internal(format!("writing an archive: {e}"));
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (path, content) in files {
        if path.is_empty() || safe_path(path).ok().as_ref() != Some(path) {
            return Err(ControlError::internal(format!("writing an archive: {path:?} is no path to write")));
        }
        writer.start_file(path.as_str(), options).map_err(failed)?;
        writer.write_all(content).map_err(|e| ControlError::internal(format!("writing an archive: {e}")))?;
    }
    Ok(writer.finish().map_err(failed)?.into_inner())
}

#[cfg(test)]
mod tests {
    use super::{Files, read_zip, write_zip};

    #[test]
    fn only_paths_inside_of_the_archive_are_written() {
        for bad in ["../a", "a/../../b", "/a", "a\\b", "c:/a", "a//b", "a/./b", "", "a\nb"] {
            let files = Files::from([(bad.to_owned(), Vec::new())]);
            assert!(write_zip(&files).is_err(), "{bad:?}");
        }
        let good = Files::from([("A-1/Docs/x y/read.me".to_owned(), b"x".to_vec())]);
        assert_eq!(read_zip(&write_zip(&good).unwrap()).unwrap(), good);
    }
}
