//! `portcullis migrate`: a configuration for Portcullis from the home of a WSO2 product.
//!
//! The parser of our own configuration decides what can be carried over, so the result is right by construction: what it
//! refuses or ignores is taken out and listed with its reason. No secret is written anywhere.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use guidelines::{KeystoreFacts, KeystorePurpose, Posture};
use model::Secret;
use serde_json::json;

use crate::cli::MigrateArguments;
use crate::config::{self, Diagnostic, Severity};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::installation::{read_secret_file, world};
use crate::posture::wso2::{self, Layout, Settings};
use crate::terminal::Terminal;

/// Most rounds of taking out what the parser refuses; each takes out at least one line.
const MAX_ROUNDS: usize = 200;

/// The file of the result that people read.
const NOTES: &str = "MIGRATION.md";

pub(crate) fn run(arguments: &MigrateArguments, terminal: Terminal) -> Outcome {
    let layout = Layout::of(&arguments.wso2_home)?;
    let guesses: Vec<Secret<String>> =
        arguments.password_file.iter().map(|path| read_secret_file(path)).collect::<Outcome<_>>()?;
    let posture = wso2::collect(&arguments.wso2_home, &guesses, world().0.now())?;
    new_directory(&arguments.out)?;
    let mut draft = Draft::new(&layout);
    let copies = draft.keystores(&layout, &posture);
    draft.settle();
    for (from, name) in &copies {
        copy_private(from, &arguments.out.join(name))?;
    }
    let notes = draft.notes(&posture);
    write(&arguments.out.join("deployment.toml"), &draft.text())?;
    write(&arguments.out.join(NOTES), &notes)?;
    let data = json!({
        "directory": arguments.out,
        "carriedOver": draft.carried(),
        "leftOut": draft.left_out.len(),
        "secretsToProvide": draft.secrets.len(),
        "keystores": copies.iter().map(|(_, name)| name).collect::<Vec<_>>(),
    });
    terminal.result(&data, || {
        format!(
            "{}: {} settings carried over, {} left out, {} secrets to provide. Read {NOTES} first.",
            arguments.out.display(),
            draft.carried(),
            draft.left_out.len(),
            draft.secrets.len()
        )
    });
    Ok(())
}

/// An empty directory of our own: nothing of the operator's is overwritten.
fn new_directory(path: &Path) -> Outcome {
    let taken = std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some());
    if taken || path.is_file() {
        let what = format!("{} is not empty", path.display());
        return Err(Failure::new(
            Exit::Refused,
            "MIG001",
            what,
            "nothing is overwritten",
            "name a new directory with --out",
        ));
    }
    vault::ensure_private_directory(path)
        .map_err(|e| Failure::from_text(Exit::Io, "IO001", format!("cannot create {}", path.display()), &e.to_string()))
}

fn write(path: &Path, text: &str) -> Outcome {
    let written = vault::write_private(path, text.as_bytes());
    written
        .map_err(|e| Failure::from_text(Exit::Io, "IO001", format!("cannot write {}", path.display()), &e.to_string()))
}

fn copy_private(from: &Path, to: &Path) -> Outcome {
    let bytes = std::fs::read(from).map_err(|e| Failure::io(from, "read", &e))?;
    if let Some(parent) = to.parent() {
        std::fs::create_dir_all(parent).map_err(|e| Failure::io(parent, "create", &e))?;
    }
    let written = vault::write_private(to, &bytes);
    written.map_err(|e| Failure::from_text(Exit::Io, "IO001", format!("cannot write {}", to.display()), &e.to_string()))
}

/// Something that was not carried over.
struct LeftOut {
    path: String,
    place: String,
    why: String,
    fix: String,
}

/// The configuration while it is made: every setting is one line, `section` and `name = value`.
struct Draft {
    lines: Vec<Line>,
    left_out: Vec<LeftOut>,
    /// Files that the operator writes secrets to, with the setting that needs them.
    secrets: BTreeMap<String, String>,
}

struct Line {
    section: String,
    name: String,
    value: String,
    place: String,
}

impl Line {
    fn path(&self) -> String {
        format!("{}.{}", self.section.trim_matches(['[', ']']), self.name)
    }
}

impl Draft {
    fn new(layout: &Layout) -> Self {
        let settings = Settings::read(layout, &mut Vec::new());
        let mut lines: Vec<Line> = Vec::new();
        for (key, setting) in &settings.entries {
            let Some((section, name)) = split(key) else { continue };
            lines.push(Line { section, name, value: toml(&setting.value), place: setting.place.clone() });
        }
        // Tables of one array stay together and in order; the sort is stable otherwise.
        lines.sort_by(|a, b| a.section.cmp(&b.section));
        let mut draft = Self { lines, left_out: Vec::new(), secrets: BTreeMap::new() };
        // Sealed values open with the key of the WSO2 product only.
        draft.take_out(
            |line| line.section == "secrets",
            "a value sealed by WSO2's cipher tool opens with its key store only",
            "provide the secret as listed below",
        );
        draft
    }

    /// Takes out lines, with a reason.
    fn take_out(&mut self, which: impl Fn(&Line) -> bool, why: &str, fix: &str) {
        let (gone, kept) = std::mem::take(&mut self.lines).into_iter().partition(|line| which(line));
        self.lines = kept;
        self.left_out.extend(gone.into_iter().map(|line: Line| LeftOut {
            path: line.path(),
            place: line.place,
            why: why.to_owned(),
            fix: fix.to_owned(),
        }));
    }

    /// Own key stores that keep every rule are carried over as files; others make place for a generated key.
    fn keystores(&mut self, layout: &Layout, posture: &Posture) -> Vec<(PathBuf, String)> {
        let mut copies = Vec::new();
        let stores = posture.keystores.known().cloned().unwrap_or_default();
        for section in ["keystore.tls", "keystore.primary", "keystore.internal", "truststore"] {
            let store = stores.iter().find(|store| store.section == section);
            match store.map(reason) {
                Some(None) => {
                    let Some(store) = store else { continue };
                    let name = format!(
                        "security/{}",
                        Path::new(&store.place).file_name().unwrap_or_default().to_string_lossy()
                    );
                    for line in self.lines.iter_mut().filter(|line| line.section == section && line.name == "file_name")
                    {
                        line.value = format!("{name:?}");
                    }
                    copies.push((layout.root.join(&store.place), name));
                }
                Some(Some(why)) => {
                    let fix = if section == "truststore" {
                        "put your own authorities into a PEM file and name it in [truststore]"
                    } else {
                        "nothing: a key of its own is made at the first start"
                    };
                    self.take_out(|line| line.section == section, &why, fix);
                }
                None => self.take_out(
                    |line| line.section == section,
                    "the store does not exist",
                    "nothing: a key of its own is made at the first start",
                ),
            }
        }
        copies
    }

    /// The file.
    fn text(&self) -> String {
        let mut text =
            String::from("# Made by `portcullis migrate`. What was left out, and why, is in MIGRATION.md.\n");
        let mut section = "";
        for line in &self.lines {
            if line.section != section {
                section = &line.section;
                let _ = write!(text, "\n{}\n", header(section));
            }
            let _ = writeln!(text, "{} = {}", line.name, line.value);
        }
        text
    }

    /// Takes out settings that mean nothing here. Each is asked about alone, because the parser answers many alike once.
    fn drop_meaningless(&mut self) {
        let meaningless = [config::codes::NOT_NEEDED, config::codes::NOT_HERE, config::codes::UNKNOWN];
        for line in std::mem::take(&mut self.lines) {
            let text = format!("{}\n{} = {}\n", header(&line.section), line.name, line.value);
            let finding = read(&text).into_iter().find(|finding| meaningless.contains(&finding.code));
            match finding {
                None => self.lines.push(line),
                Some(Diagnostic { reason, fix, .. }) => {
                    self.left_out.push(LeftOut { path: line.path(), place: line.place, why: reason, fix });
                }
            }
        }
    }

    /// Takes out what the parser refuses or ignores, until it takes the file as it is.
    fn settle(&mut self) {
        self.drop_meaningless();
        for _ in 0..MAX_ROUNDS {
            let text = self.text();
            let found = read(&text);
            if found.is_empty() || !self.follow(&text, &found) {
                return;
            }
        }
    }

    /// Follows findings of the parser; `false` when none of them is about a line.
    fn follow(&mut self, text: &str, found: &[Diagnostic]) -> bool {
        let mut gone: BTreeMap<usize, (String, String)> = BTreeMap::new();
        let mut changed = false;
        for finding in found {
            let Some(index) = self.index(text, finding.line) else { continue };
            let Some(line) = self.lines.get_mut(index) else { continue };
            let dangling = finding.code == config::codes::REFERENCE && line.value.contains("$secret{");
            if (finding.code == config::codes::PLAIN_SECRET || dangling) && !line.value.starts_with("\"$file{") {
                let file = format!("secrets/{}", line.path().replace(['.', '[', ']', '"'], "_"));
                line.value = format!("\"$file{{{file}}}\"");
                self.secrets.insert(file, line.path());
                changed = true;
            } else {
                gone.insert(index, (finding.reason.clone(), finding.fix.clone()));
            }
        }
        // A whole section that is refused has no line of its own: its first line stands for it.
        let stuck = gone.is_empty() && !changed;
        for finding in found.iter().filter(|finding| stuck && finding.severity == Severity::Error) {
            let prefix = finding.path.split('[').next().unwrap_or_default().to_owned();
            let below = |line: &Line| !prefix.is_empty() && line.path().starts_with(&prefix);
            if let Some(index) = self.lines.iter().rposition(below) {
                gone.insert(index, (finding.reason.clone(), finding.fix.clone()));
            }
        }
        changed |= !gone.is_empty();
        for (index, (why, fix)) in gone.into_iter().rev() {
            let line = self.lines.remove(index);
            self.left_out.push(LeftOut { path: line.path(), place: line.place, why, fix });
        }
        changed
    }

    /// Which of our lines stands on a line of the text.
    fn index(&self, text: &str, number: u32) -> Option<usize> {
        let number = usize::try_from(number).ok()?.checked_sub(1)?;
        let is_setting = |line: &&str| !line.is_empty() && !line.starts_with(['#', '[']);
        let line = text.lines().nth(number)?;
        if !is_setting(&line) {
            // A header stands for the setting below it.
            let before = text.lines().take(number).filter(is_setting).count();
            return line.starts_with('[').then_some(before).filter(|index| *index < self.lines.len());
        }
        Some(text.lines().take(number).filter(is_setting).count())
    }

    fn carried(&self) -> usize {
        self.lines.len()
    }

    /// What people need to know and do.
    fn notes(&self, posture: &Posture) -> String {
        let product = posture.wso2.known().map_or("WSO2", |home| home.product.name());
        let mut text = format!(
            "# From {product} to Portcullis\n\n{} settings were carried over to deployment.toml, {} were left out. Neither the audit nor \
             this command changed the old home.\n\n## To do\n\n1. Make this directory the home: `portcullis init --home DIR`.\n",
            self.carried(),
            self.left_out.len()
        );
        if !self.secrets.is_empty() {
            text.push_str("2. Write each secret into its file, mode 0600, or seal it with `portcullis vault encrypt --alias NAME` and refer to it:\n");
            for (file, path) in &self.secrets {
                let _ = writeln!(text, "   - `{file}` for `{path}`");
            }
        }
        text.push_str(
            "3. Choose the addresses to listen on: without `bind_address` every listener stays on 127.0.0.1.\n\
             4. APIs and applications: `apictl export` there, `portcullis api import` here. Accounts of the embedded store are made \
             again, or come from your directory by [user_store].\n5. Look: `portcullis config check`, then `portcullis audit`.\n",
        );
        if !self.left_out.is_empty() {
            text.push_str("\n## Left out\n\n| setting | was in | why | instead |\n|---|---|---|---|\n");
            let cell = |text: &str| text.replace('|', "\\|").replace(['\n', '\r'], " ");
            for left in &self.left_out {
                let _ = writeln!(
                    text,
                    "| `{}` | {} | {} | {} |",
                    cell(&left.path),
                    cell(&left.place),
                    cell(&left.why),
                    cell(&left.fix)
                );
            }
        }
        text
    }
}

/// What the parser says about a text; variables of the environment count as set.
fn read(text: &str) -> Vec<Diagnostic> {
    let given = |_: &str| Some("set".to_owned());
    match config::load_texts(&[("deployment.toml".to_owned(), text.to_owned())], &given) {
        Ok(loaded) => loaded.notes,
        Err(found) => found,
    }
}

/// Why a key store is not carried over; `None` = it is.
fn reason(store: &KeystoreFacts) -> Option<String> {
    if let Some(why) = &store.unreadable {
        return Some(format!("{}: {why}", store.place));
    }
    let mut faults = store.certificates.iter().flat_map(|certificate| &certificate.faults);
    if let Some(fault) = faults.next() {
        return Some(format!("{}: {}", store.place, fault.observed));
    }
    if store.known_password {
        return Some(format!("{}: its password is in WSO2's documentation", store.place));
    }
    let keyless =
        store.purpose != KeystorePurpose::Trust && !store.certificates.iter().any(|certificate| certificate.has_key);
    if keyless { Some(format!("{}: it holds no private key that can be read", store.place)) } else { None }
}

/// A dotted path as section and name; elements of arrays of tables keep their index in brackets.
fn split(key: &str) -> Option<(String, String)> {
    let parts: Vec<&str> = key.split('.').collect();
    let index = parts.iter().position(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    let quoted = |parts: &[&str]| parts.iter().map(|part| bare(part)).collect::<Vec<_>>().join(".");
    match index {
        Some(at) if at > 0 && at + 1 < parts.len() => {
            let nested = parts.get(at + 1..)?.iter().any(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
            let section = format!("[{}]#{}", quoted(parts.get(..at)?), parts.get(at)?);
            (!nested).then_some((section, quoted(parts.get(at + 1..)?)))
        }
        Some(_) => None,
        // The known sections of ours end before the last parts; TOML takes dotted names in any section.
        None => match parts.as_slice() {
            [] => None,
            [_] => None,
            [first, second] => Some((bare(first), bare(second))),
            [first, second, rest @ ..] => Some((format!("{}.{}", bare(first), bare(second)), quoted(rest))),
        },
    }
}

fn bare(part: &str) -> String {
    let simple =
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if simple { part.to_owned() } else { format!("{part:?}") }
}

/// The header of a section; an element of an array of tables is `[path]#index` here.
fn header(section: &str) -> String {
    match section.split_once('#') {
        Some((array, _)) => format!("[{array}]"),
        None => format!("[{section}]"),
    }
}

fn toml(value: &guidelines::SettingValue) -> String {
    let text = |text: &str| toml_edit::Value::from(text).to_string();
    match value {
        guidelines::SettingValue::Text(value) => text(value),
        guidelines::SettingValue::Bool(value) => value.to_string(),
        guidelines::SettingValue::Int(value) => value.to_string(),
        guidelines::SettingValue::List(items) => {
            format!("[{}]", items.iter().map(|item| text(item)).collect::<Vec<_>>().join(", "))
        }
    }
}
