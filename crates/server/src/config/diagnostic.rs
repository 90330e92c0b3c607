//! One finding about a configuration file, and how it is said to the operator.

use std::fmt::Write as _;

/// Whether a finding stops the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// The configuration is used; the operator should know this.
    Note,
}

/// One finding: where it is, what is wrong, why it matters and what to do next.
///
/// It never contains the value of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or note.
    pub severity: Severity,
    /// Stable code: a guideline check (`A03.2`) or a `CFGnnn` code of [`codes`].
    pub code: &'static str,
    /// The file as it was given on the command line.
    pub file: String,
    /// Line, counted from 1; 0 when the finding is about the whole file.
    pub line: u32,
    /// Column in characters, counted from 1; 0 when the finding is about the whole file.
    pub column: u32,
    /// Dotted TOML path of the key, empty when the finding is about the whole file.
    pub path: String,
    /// What happened, a few words in lower case.
    pub summary: String,
    /// Why this is refused or ignored.
    pub reason: String,
    /// The nearest known key, for an unknown one.
    pub nearest: Option<String>,
    /// What to do next: a command or a line of configuration. Empty when nothing needs to be done.
    pub fix: String,
    /// How many more places of the same file this finding stands for.
    pub more: usize,
}

/// Codes that do not belong to a guideline. Numbers are never reused.
pub mod codes {
    /// The file is not valid TOML.
    pub const SYNTAX: &str = "CFG001";
    /// The file cannot be read.
    pub const UNREADABLE: &str = "CFG002";
    /// The file is not UTF-8.
    pub const NOT_UTF8: &str = "CFG003";
    /// The file is larger than [`super::super::MAX_FILE_BYTES`].
    pub const TOO_LARGE: &str = "CFG004";
    /// A key that neither Portcullis nor WSO2 has.
    pub const UNKNOWN: &str = "CFG005";
    /// A value of the wrong type.
    pub const WRONG_TYPE: &str = "CFG006";
    /// A value outside its range or form.
    pub const BAD_VALUE: &str = "CFG007";
    /// An environment variable that is not set.
    pub const ENVIRONMENT: &str = "CFG008";
    /// A reference that leads nowhere, or to something that does not exist here.
    pub const REFERENCE: &str = "CFG009";
    /// Two listeners on one address and port.
    pub const PORT_TAKEN: &str = "CFG010";
    /// A setting that needs another one.
    pub const MISSING: &str = "CFG011";
    /// A WSO2 choice that Portcullis does not have.
    pub const UNSUPPORTED: &str = "CFG012";
    /// A WSO2 key that Portcullis does not need.
    pub const NOT_NEEDED: &str = "CFG020";
    /// A WSO2 key whose feature is not part of this version.
    pub const NOT_HERE: &str = "CFG021";
    /// A protocol version below TLS 1.2.
    pub const TLS_VERSION: &str = "A08.1";
    /// A cipher outside ECDHE with AEAD.
    pub const TLS_CIPHER: &str = "A08.2";
    /// Name or certificate verification that would be switched off.
    pub const NO_VERIFICATION: &str = "A15.1";
    /// A secret in plain text.
    pub const PLAIN_SECRET: &str = "A03.2";
    /// A connection to another machine without verified TLS.
    pub const PLAIN_CONNECTION: &str = "A06.1";
    /// A publicly known user name and password.
    pub const KNOWN_PASSWORD: &str = "A18.1";
}

impl Diagnostic {
    /// The finding as text of several lines, ending without a newline:
    ///
    /// ```text
    /// error[A03.2]: plain-text password in deployment.toml:41:12 [database.apim_db] password
    ///   why: ...
    ///   fix: ...
    /// ```
    #[must_use]
    pub fn render(&self) -> String {
        let word = match self.severity {
            Severity::Error => "error",
            Severity::Note => "note",
        };
        let mut text = format!("{word}[{}]: {} in {}", self.code, self.summary, self.place());
        if !self.path.is_empty() {
            let _ = write!(text, " {}", section_and_key(&self.path));
        }
        if self.more > 0 {
            let _ = write!(text, " and {} more", self.more);
        }
        for (label, line) in [("why", &self.reason), ("fix", &self.fix)] {
            if !line.is_empty() {
                let _ = write!(text, "\n  {label}: {line}");
            }
        }
        text
    }

    /// Makes characters visible that would change what a terminal or a log shows: control characters and the marks
    /// that turn the direction of text (A21).
    pub(super) fn escape(&mut self) {
        let nearest = self.nearest.as_mut();
        let fields = [&mut self.file, &mut self.path, &mut self.summary, &mut self.reason, &mut self.fix];
        for field in fields.into_iter().chain(nearest).filter(|field| field.contains(deceives)) {
            *field = field.chars().flat_map(escaped).collect();
        }
    }

    /// `file:line:column`, or the file alone.
    #[must_use]
    pub fn place(&self) -> String {
        if self.line == 0 { self.file.clone() } else { format!("{}:{}:{}", self.file, self.line, self.column) }
    }
}

/// All findings, errors first, each followed by an empty line, and a last line that counts them.
#[must_use]
pub fn render_all(findings: &[Diagnostic]) -> String {
    let mut sorted: Vec<&Diagnostic> = findings.iter().collect();
    sorted.sort_by_key(|finding| finding.severity);
    let mut text = String::new();
    for finding in &sorted {
        let _ = writeln!(text, "{}\n", finding.render());
    }
    let errors = sorted.iter().filter(|finding| finding.severity == Severity::Error).count();
    let notes = sorted.len().saturating_sub(errors);
    let _ = write!(text, "{}, {}", count(errors, "error"), count(notes, "note"));
    text
}

fn deceives(letter: char) -> bool {
    letter.is_control() || matches!(letter, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The letter itself, or `\u{..}` for one that deceives.
fn escaped(letter: char) -> impl Iterator<Item = char> {
    let (plain, code) = if deceives(letter) { (None, Some(letter.escape_unicode())) } else { (Some(letter), None) };
    plain.into_iter().chain(code.into_iter().flatten())
}

fn count(number: usize, word: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{number} {word}{ending}")
}

/// `database.apim_db.password` as `[database.apim_db] password`.
fn section_and_key(path: &str) -> String {
    let mut quoted = false;
    let mut last_dot = None;
    for (index, character) in path.char_indices() {
        match character {
            '\'' => quoted = !quoted,
            '.' if !quoted => last_dot = Some(index),
            _ => {}
        }
    }
    match last_dot.and_then(|index| path.split_at_checked(index)) {
        Some((section, key)) => format!("[{section}] {}", key.trim_start_matches('.')),
        None => path.to_owned(),
    }
}
