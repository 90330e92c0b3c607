//! `audit.toml`: what people accept (waivers) and vouch for (attestations), each with an end.

use std::path::Path;

use guidelines::{Attestation, CHECKS, Waiver, guideline};
use serde::Deserialize;
use serde_json::json;
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

use crate::cli::Accept;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome, Report};
use crate::home::Home;
use crate::terminal::Terminal;

/// The file in a home.
pub(super) const FILE: &str = "audit.toml";

/// Most bytes of the file.
const CAP: u64 = 1 << 20;

/// What is accepted.
#[derive(Debug, Default)]
pub(super) struct Accepted {
    /// Waivers, also those that have ended.
    pub(super) waivers: Vec<Waiver>,
    /// Statements, also those that have ended.
    pub(super) attestations: Vec<Attestation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    #[serde(default)]
    audit: RawAudit,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAudit {
    #[serde(default)]
    waiver: Vec<RawEntry>,
    #[serde(default)]
    attestation: Vec<RawEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    id: String,
    owner: String,
    reason: String,
    expires: String,
    #[serde(default)]
    scope: String,
}

/// Reads the file; without one nothing is accepted.
///
/// # Errors
/// Every wrong entry at once: a waiver that is misread would hide a finding.
pub(super) fn read(path: &Path) -> Outcome<Accepted> {
    let text = match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Accepted::default()),
        Ok(metadata) if metadata.len() > CAP => {
            return Err(wrong(path, format!("it is larger than {CAP} bytes"), "check that this is the right file"));
        }
        _ => std::fs::read_to_string(path).map_err(|e| Failure::io(path, "read", &e))?,
    };
    let raw: RawFile =
        toml::from_str(&text).map_err(|e| wrong(path, e.to_string().trim().to_owned(), "correct the file"))?;
    let mut faults = Vec::new();
    for entry in &raw.audit.waiver {
        faults.extend(fault(entry, true).map(|why| report(path, entry, why)));
    }
    for entry in &raw.audit.attestation {
        faults.extend(fault(entry, false).map(|why| report(path, entry, why)));
    }
    if !faults.is_empty() {
        return Err(Failure { exit: Exit::Configuration, reports: faults });
    }
    let waiver =
        |e: RawEntry| Waiver { id: e.id, scope: e.scope, owner: e.owner, reason: e.reason, expires: e.expires };
    let statement = |e: RawEntry| Attestation { id: e.id, owner: e.owner, reason: e.reason, expires: e.expires };
    Ok(Accepted {
        waivers: raw.audit.waiver.into_iter().map(waiver).collect(),
        attestations: raw.audit.attestation.into_iter().map(statement).collect(),
    })
}

fn wrong(path: &Path, why: String, fix: &str) -> Failure {
    Failure::new(Exit::Configuration, "AUD004", format!("{} cannot be used", path.display()), why, fix)
}

fn report(path: &Path, entry: &RawEntry, (why, fix): (String, &'static str)) -> Report {
    Report {
        code: "AUD005",
        what: format!("{}: the entry of {:?} is refused", path.display(), entry.id),
        why,
        fix: fix.to_owned(),
    }
}

/// What is wrong with an entry.
fn fault(entry: &RawEntry, waiver: bool) -> Option<(String, &'static str)> {
    let check = CHECKS.iter().find(|check| check.meta.id == entry.id);
    if waiver && check.is_none() && guideline(&entry.id).is_none() {
        return Some((format!("there is no check or guideline {:?}", entry.id), "as in id = \"A04.1\""));
    }
    if !waiver && check.is_none() {
        return Some((format!("there is no check {:?}", entry.id), "as in id = \"N04.1\""));
    }
    if waiver && check.is_some_and(|check| !check.meta.is_waivable()) {
        return Some(("it holds always and cannot be waived".to_owned(), "do what the finding says"));
    }
    if entry.owner.trim().is_empty() || entry.reason.trim().is_empty() {
        return Some(("owner and reason are needed".to_owned(), "say who answers for it, and why"));
    }
    let days = time::macros::format_description!("[year]-[month]-[day]");
    if time::Date::parse(&entry.expires, days).is_err() {
        return Some((format!("{:?} is no day", entry.expires), "as in expires = \"2027-01-31\""));
    }
    None
}

pub(super) fn waive(home: &Home, accepted: &Accept, terminal: Terminal) -> Outcome {
    add(home, accepted, "waiver")?;
    terminal.result(&json!({ "waived": accepted.id, "expires": accepted.expires }), || {
        format!("{} is waived until {}; every report lists it.", accepted.id, accepted.expires)
    });
    Ok(())
}

pub(super) fn attest(home: &Home, accepted: &Accept, terminal: Terminal) -> Outcome {
    if !accepted.scope.is_empty() {
        return Err(Failure::usage("--scope is for waivers", "leave it out"));
    }
    add(home, accepted, "attestation")?;
    terminal.result(&json!({ "attested": accepted.id, "expires": accepted.expires }), || {
        format!("{} vouches for {} until {}; then it fails.", accepted.owner, accepted.id, accepted.expires)
    });
    Ok(())
}

/// Adds an entry, or replaces the one of the same check, scope and owner; comments and layout stay.
fn add(home: &Home, accepted: &Accept, kind: &str) -> Outcome {
    home.require_initialised()?;
    let entry = RawEntry {
        id: accepted.id.clone(),
        owner: accepted.owner.clone(),
        reason: accepted.reason.clone(),
        expires: accepted.expires.clone(),
        scope: accepted.scope.clone(),
    };
    if let Some((why, fix)) = fault(&entry, kind == "waiver") {
        return Err(Failure::new(Exit::Refused, "AUD005", format!("{} is refused", accepted.id), why, fix));
    }
    let path = home.root().join(FILE);
    read(&path)?;
    let text = match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        read => read.map_err(|e| Failure::io(&path, "read", &e))?,
    };
    let mut document: DocumentMut =
        text.parse().map_err(|e: toml_edit::TomlError| wrong(&path, e.to_string(), "correct it"))?;
    let mut implicit = Table::new();
    implicit.set_implicit(true);
    let audit = document.entry("audit").or_insert(Item::Table(implicit));
    let audit = audit.as_table_mut().ok_or_else(|| wrong(&path, "audit is no table".to_owned(), "correct it"))?;
    let list = audit.entry(kind).or_insert(Item::ArrayOfTables(ArrayOfTables::new()));
    let list = list
        .as_array_of_tables_mut()
        .ok_or_else(|| wrong(&path, format!("audit.{kind} is no list of tables"), "correct it"))?;
    let is = |table: &Table, key: &str, text: &str| table.get(key).and_then(Item::as_str).unwrap_or_default() == text;
    let old = list
        .iter()
        .position(|t| is(t, "id", &entry.id) && is(t, "scope", &entry.scope) && is(t, "owner", &entry.owner));
    if let Some(index) = old {
        list.remove(index);
    }
    let mut table = Table::new();
    for (key, text) in [
        ("id", &entry.id),
        ("scope", &entry.scope),
        ("owner", &entry.owner),
        ("reason", &entry.reason),
        ("expires", &entry.expires),
    ] {
        if !text.is_empty() {
            table.insert(key, value(text.as_str()));
        }
    }
    list.push(table);
    let bytes = Secretless(document.to_string());
    vault::write_private(&path, bytes.0.as_bytes())
        .map_err(|e| Failure::from_text(Exit::Io, "IO001", format!("cannot write {}", path.display()), &e.to_string()))
}

/// Text without secrets, written with the same care as a private file: whole or not at all.
struct Secretless(String);
