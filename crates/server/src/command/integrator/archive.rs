//! Reading `.car` files: no links, no names that lead outside, caps on number, size and ratio.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

const ENTRIES: usize = 10_000;
const ENTRY: u64 = 32 << 20;
const TOTAL: u64 = 128 << 20;

/// The files of an archive by path.
pub(super) fn unpack(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|e| format!("not a readable archive: {e}"))?;
    if archive.len() > ENTRIES {
        return Err(format!("more than {ENTRIES} entries"));
    }
    let mut files = BTreeMap::new();
    let mut total = 0_u64;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|e| format!("entry {index}: {e}"))?;
        if entry.is_dir() {
            continue;
        }
        let name = entry.name().replace('\\', "/");
        if name.starts_with('/') || name.split('/').any(|part| part == "..") || entry.is_symlink() {
            return Err(format!("the entry {name} leads outside of the archive"));
        }
        let mut content = Vec::new();
        entry.by_ref().take(ENTRY + 1).read_to_end(&mut content).map_err(|e| format!("{name}: {e}"))?;
        total += content.len() as u64;
        if content.len() as u64 > ENTRY || total > TOTAL {
            return Err(format!("{name}: larger unpacked than {ENTRY} bytes, or {TOTAL} bytes altogether"));
        }
        files.insert(name, content);
    }
    Ok(files)
}
