//! Carbon applications (`.car`): archives without links and names that lead outside, under caps on number and size.

use std::collections::BTreeMap;
use std::io::{Cursor, Read as _};

use synapse::car::Member;

const ENTRIES: usize = 10_000;
const ENTRY: u64 = 32 << 20;
const TOTAL: u64 = 128 << 20;

/// The files of an archive by path.
///
/// # Errors
/// What is wrong with the archive.
pub fn unpack(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, String> {
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

/// What an application's artifact is to the integrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MemberUse {
    /// A Synapse artifact or data service.
    Artifact,
    /// A registry resource: the file is its `registry-info.xml`, or the resource itself.
    Resource,
    /// Nothing that is run: descriptions for catalogues, names of properties, data sources of the configuration.
    Description,
    /// The built-in connector.
    BuiltIn,
    /// It cannot be used: the reason and what to do instead.
    Refused {
        /// Why.
        reason: String,
        /// What to do.
        hint: &'static str,
    },
}

/// Classifies an artifact by the type that the application names.
pub fn classify(member: &Member) -> MemberUse {
    match member.kind.as_str() {
        "synapse/lib" if member.name.contains("connector-http") => MemberUse::BuiltIn,
        "synapse/lib" => MemberUse::Refused {
            reason: format!("the connector {} is not available", member.name),
            hint: "the http connector is built in; for others use call",
        },
        "synapse/metadata" | "config/property" | "datasource/datasource" => MemberUse::Description,
        "registry/resource" => MemberUse::Resource,
        "service/dataservice" => MemberUse::Artifact,
        "lib/synapse/mediator" | "lib/library/bundle" | "mediator/library" => MemberUse::Refused {
            reason: "a Java library cannot be loaded".to_owned(),
            hint: "use script, or built-in mediators",
        },
        kind if kind.starts_with("synapse/") => MemberUse::Artifact,
        kind => MemberUse::Refused {
            reason: format!("artifacts of the type {kind:?} are not known"),
            hint: "see the documentation of the integrator for the types",
        },
    }
}
