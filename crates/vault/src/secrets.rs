//! The `[secrets]` section of `deployment.toml`: sealing it in place, rotating it, and resolving `$secret{alias}`.
//!
//! WSO2's convention is kept: `alias = "[plain]"` is a value that waits to be sealed. The file is never printed anew;
//! only the quoted value is exchanged, so comments, order, line ends and every other byte stay as they were.

use crate::envelope::{self, Envelope, OpenError};
use crate::keyring::{Keyring, ResealError};
use model::{Rng, Secret};
use std::collections::HashMap;
use std::fmt::{self, Write};
use std::ops::Range;
use std::sync::Arc;
use toml_edit::{Document, Item, Value};

/// The longest file that is read, in bytes.
pub const MAX_FILE: usize = 4 << 20;
/// The longest alias, in bytes.
const MAX_ALIAS: usize = 256;
const BOM: char = '\u{feff}';

/// A file with its `[secrets]` section sealed.
pub struct SealedFile {
    /// The new content of the file.
    pub text: String,
    /// The aliases whose value changed, in the order of the file; empty when there was nothing to do.
    pub changed: Vec<String>,
}

/// One line of the `[secrets]` section, without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AliasInfo {
    /// The name in `$secret{name}`.
    pub alias: String,
    /// The line in the file, from 1.
    pub line: usize,
    /// What the value is.
    pub state: AliasState,
}

/// What the value of an alias is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AliasState {
    /// `"[plain]"`: waits for `portcullis vault encrypt`.
    Plain,
    /// Sealed under the key with this id.
    Sealed {
        /// The id, as [`crate::KeyId`] prints it.
        key_id: String,
    },
    /// Neither of both.
    Foreign,
}

/// One thing wrong in a `[secrets]` section. The text never contains a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretsFault {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The alias, when the fault belongs to one.
    pub alias: Option<String>,
    /// What is wrong and how to repair it.
    pub reason: String,
}

/// Everything wrong in a `[secrets]` section, at least one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretsError {
    /// The faults, in the order of the file.
    pub faults: Vec<SecretsFault>,
}

impl fmt::Display for SecretsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            if index > 0 {
                f.write_char('\n')?;
            }
            write!(f, "{}:{}: ", fault.line, fault.column)?;
            if let Some(alias) = &fault.alias {
                write!(f, "[secrets] {alias}: ")?;
            }
            f.write_str(&fault.reason)?;
        }
        Ok(())
    }
}

impl std::error::Error for SecretsError {}

/// Seals every `"[plain]"` value of the section. Sealed values stay as they are, so a second run changes nothing.
///
/// # Errors
/// [`SecretsError`] with every fault at once: no TOML, an alias that is no text, a value that is neither sealed nor in
/// brackets, a sealed value that this keyring cannot open. Nothing is sealed then.
pub fn encrypt_file_text(text: &str, keyring: &Keyring, rng: &dyn Rng) -> Result<SealedFile, SecretsError> {
    rewrite(text, |entry| match entry.state() {
        AliasState::Plain => keyring
            .seal(entry.plain().unwrap_or_default().as_bytes(), &context(&entry.alias), rng)
            .map(Some)
            .map_err(|e| e.to_string()),
        AliasState::Sealed { .. } => {
            keyring.open(&entry.value, &context(&entry.alias)).map(|_| None).map_err(|e| e.to_string())
        }
        AliasState::Foreign => Err(FOREIGN.to_owned()),
    })
}

/// Seals every value of the section that is sealed under an older key again under the current one, and every
/// `"[plain]"` value too.
///
/// # Errors
/// As [`encrypt_file_text`]; the text is then not changed at all.
pub fn rotate_file_text(text: &str, keyring: &Keyring, rng: &dyn Rng) -> Result<SealedFile, SecretsError> {
    rewrite(text, |entry| match entry.plain() {
        Some(plain) => keyring.seal(plain.as_bytes(), &context(&entry.alias), rng).map(Some).map_err(|e| e.to_string()),
        None => keyring.reseal(&entry.value, &context(&entry.alias), rng).map_err(|e| match e {
            ResealError::Open(OpenError::NotSealed) => FOREIGN.to_owned(),
            other => other.to_string(),
        }),
    })
}

/// The aliases of the section with the version of the key each is sealed under; never a value.
///
/// # Errors
/// [`SecretsError`] when the text is no TOML or an alias is no text.
pub fn list_aliases(text: &str) -> Result<Vec<AliasInfo>, SecretsError> {
    let entries = read(text)?;
    Ok(entries.into_iter().map(|e| AliasInfo { line: e.line, state: e.state(), alias: e.alias.clone() }).collect())
}

const FOREIGN: &str = "the value is neither sealed by this vault nor written in brackets. \
    Fix: write it as \"[value]\" and run `portcullis vault encrypt`; a value that WSO2's ciphertool encrypted \
    must be entered again in plain";

/// The place a value of the section is sealed for.
fn context(alias: &str) -> String {
    format!("secrets/{alias}")
}

struct Entry {
    alias: String,
    value: String,
    /// Where the quoted value stands in the text, in bytes.
    span: Range<usize>,
    line: usize,
    column: usize,
}

impl Drop for Entry {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.value);
    }
}

impl Entry {
    fn plain(&self) -> Option<&str> {
        self.value.strip_prefix('[').and_then(|v| v.strip_suffix(']'))
    }

    fn state(&self) -> AliasState {
        match Envelope::parse(&self.value) {
            _ if self.plain().is_some() => AliasState::Plain,
            Ok(envelope) => AliasState::Sealed { key_id: envelope.key_id.to_owned() },
            Err(OpenError::NotSealed) => AliasState::Foreign,
            Err(_) => AliasState::Sealed { key_id: "unreadable".to_owned() },
        }
    }

    fn fault(&self, reason: String) -> SecretsFault {
        SecretsFault { line: self.line, column: self.column, alias: Some(self.alias.clone()), reason }
    }
}

fn rewrite(
    text: &str,
    mut change: impl FnMut(&Entry) -> Result<Option<String>, String>,
) -> Result<SealedFile, SecretsError> {
    let mut entries = read(text)?;
    entries.sort_by_key(|e| e.span.start);
    let mut faults = Vec::new();
    let mut changed = Vec::new();
    let mut output = String::with_capacity(text.len() + entries.len() * 128);
    let mut copied = 0;
    for entry in &entries {
        match change(entry) {
            Ok(None) => {}
            Ok(Some(sealed)) => {
                output.push_str(text.get(copied..entry.span.start).unwrap_or_default());
                // A sealed text holds no quote and no backslash.
                let _ = write!(output, "\"{sealed}\"");
                copied = entry.span.end;
                changed.push(entry.alias.clone());
            }
            Err(reason) => faults.push(entry.fault(reason)),
        }
    }
    output.push_str(text.get(copied..).unwrap_or_default());
    if faults.is_empty() { Ok(SealedFile { text: output, changed }) } else { Err(SecretsError { faults }) }
}

fn read(text: &str) -> Result<Vec<Entry>, SecretsError> {
    let single = |at: usize, reason: String| {
        let (line, column) = position(text, at);
        SecretsError { faults: vec![SecretsFault { line, column, alias: None, reason }] }
    };
    if text.len() > MAX_FILE {
        return Err(single(0, format!("the file is longer than {MAX_FILE} bytes. Fix: name the right file")));
    }
    let offset = if text.starts_with(BOM) { BOM.len_utf8() } else { 0 };
    let body = text.get(offset..).unwrap_or_default();
    // The error's own text quotes the line, which may hold a secret; only its message is safe.
    let document = Document::parse(body)
        .map_err(|e| single(e.span().map_or(0, |s| s.start + offset), format!("not valid TOML: {}", e.message())))?;
    let Some(section) = document.get("secrets") else { return Ok(Vec::new()) };
    let at = |item: &Item| item.span().map_or(0..0, |s| s.start + offset..s.end + offset);
    let Some(table) = section.as_table_like() else {
        return Err(single(at(section).start, "secrets must be a table: [secrets]".to_owned()));
    };
    let (mut entries, mut faults) = (Vec::new(), Vec::new());
    for (alias, item) in table.iter() {
        let key_start = table.get_key_value(alias).and_then(|(key, _)| key.span()).map_or(0, |s| s.start + offset);
        let span = at(item);
        let (line, column) = position(text, if span.is_empty() { key_start } else { span.start });
        let mut fault = |reason: &str| {
            faults.push(SecretsFault { line, column, alias: Some(alias.to_owned()), reason: reason.to_owned() });
        };
        let Some(Value::String(string)) = item.as_value() else {
            fault(
                "the value must be a text: alias = \"[value]\". An alias with a dot is written in quotes: \"a.b\" = \"[value]\"",
            );
            continue;
        };
        if alias.is_empty() || alias.len() > MAX_ALIAS || alias.chars().any(|c| c.is_control() || "{}".contains(c)) {
            fault("an alias has 1 to 256 bytes, without braces and control characters");
            continue;
        }
        let quoted = text.get(span.clone()).is_some_and(|t| t.starts_with(['"', '\'']) && t.ends_with(['"', '\'']));
        if !quoted {
            fault("the place of the value cannot be found. Fix: write the section as [secrets] with one alias a line");
            continue;
        }
        entries.push(Entry { alias: alias.to_owned(), value: string.value().clone(), span, line, column });
    }
    if faults.is_empty() { Ok(entries) } else { Err(SecretsError { faults }) }
}

fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    let line = before.matches('\n').count() + 1;
    (line, before.get(line_start..).unwrap_or_default().chars().count() + 1)
}

/// Why `$secret{alias}` has no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// The section has no such alias.
    #[error(
        "there is no secret '{alias}' in [secrets]{hint}. Fix: add the line {alias} = \"[value]\" under [secrets] and run: portcullis vault encrypt"
    )]
    Unknown {
        /// The alias asked for.
        alias: String,
        /// The nearest known name as a sentence part, or empty.
        hint: String,
    },
    /// The value is there but in plain text, which no configuration file may hold (guideline A03).
    #[error("the secret '{alias}' is not sealed yet (A03). Fix: run: portcullis vault encrypt")]
    Plain {
        /// The alias asked for.
        alias: String,
    },
    /// The sealed value cannot be opened.
    #[error("the secret '{alias}': {reason}")]
    Open {
        /// The alias asked for.
        alias: String,
        /// Why.
        reason: OpenError,
    },
    /// The opened bytes are not UTF-8, so they are no password.
    #[error("the secret '{alias}' is not text. Fix: enter it again as \"[value]\" and run: portcullis vault encrypt")]
    NotText {
        /// The alias asked for.
        alias: String,
    },
}

/// Something that knows the values behind `$secret{alias}`.
pub trait SecretSource: Send + Sync {
    /// The value of an alias.
    ///
    /// # Errors
    /// [`ResolveError`]; its text is fit for the operator and holds no value.
    fn resolve(&self, alias: &str) -> Result<Secret<String>, ResolveError>;
}

/// The sealed values of a `[secrets]` section with the keyring that opens them. A value is opened when it is asked for.
pub struct SecretTable {
    sealed: HashMap<String, String>,
    keyring: Arc<Keyring>,
}

impl SecretTable {
    /// From the entries of the section, as the configuration parser read them.
    pub fn new(entries: impl IntoIterator<Item = (String, String)>, keyring: Arc<Keyring>) -> Self {
        Self { sealed: entries.into_iter().collect(), keyring }
    }

    /// From the text of a configuration file.
    ///
    /// # Errors
    /// As [`list_aliases`].
    pub fn from_file_text(text: &str, keyring: Arc<Keyring>) -> Result<Self, SecretsError> {
        let entries = read(text)?;
        Ok(Self::new(entries.iter().map(|e| (e.alias.clone(), e.value.clone())), keyring))
    }

    /// The known aliases, in no order.
    pub fn aliases(&self) -> impl Iterator<Item = &str> {
        self.sealed.keys().map(String::as_str)
    }
}

impl Drop for SecretTable {
    fn drop(&mut self) {
        // A value not sealed yet is plain text.
        self.sealed.values_mut().for_each(zeroize::Zeroize::zeroize);
    }
}

impl SecretSource for SecretTable {
    fn resolve(&self, alias: &str) -> Result<Secret<String>, ResolveError> {
        let Some(value) = self.sealed.get(alias) else {
            let known = self.aliases().find(|a| a.eq_ignore_ascii_case(alias) || a.trim() == alias.trim());
            let hint = known.map(|a| format!("; did you mean '{a}'?")).unwrap_or_default();
            return Err(ResolveError::Unknown { alias: alias.to_owned(), hint });
        };
        if value.starts_with('[') && value.ends_with(']') && !envelope::is_sealed(value) {
            return Err(ResolveError::Plain { alias: alias.to_owned() });
        }
        let plain = self
            .keyring
            .open(value, &context(alias))
            .map_err(|reason| ResolveError::Open { alias: alias.to_owned(), reason })?;
        let text = String::from_utf8(plain.expose().clone());
        text.map(Secret::new).map_err(|e| {
            zeroize::Zeroize::zeroize(&mut e.into_bytes());
            ResolveError::NotText { alias: alias.to_owned() }
        })
    }
}

#[cfg(test)]
mod tests;
