//! Configuration: `deployment.toml` becomes a [`Config`] that cannot be wrong, or a list of everything that is wrong.
//!
//! A file is parsed once, into a tree of values that know their places (`tree`). Section structs (`sections`)
//! take their fields from the tree; `resolve` makes the parts that depend on several settings. Every key that no
//! section has is looked up among the keys of WSO2 (`wso2`) and answered by name, or reported as unknown.
//!
//! To add a setting, add a field to its section in `sections.rs`: parser, schema, reference page and `config show`
//! follow. Sources: `deployment.toml` of WSO2 API Manager; guidelines A03, A04, A06, A08, A15, A18, X07.

mod context;
mod database;
pub(crate) mod diagnostic;
mod integrator;
mod keys;
mod nearest;
mod parsed;
mod portals;
mod reference;
mod resolve;
mod secret;
mod section;
mod sections;
mod sign_in;
mod tree;
mod user_store;
mod values;
mod wso2;

#[cfg(test)]
mod consumed;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

pub use self::integrator::{IntegratorDataSourceSection, IntegratorSection};
pub use context::Effective;
pub use database::{Database, Postgres, PostgresHost, PostgresTls};
pub use diagnostic::{Diagnostic, Severity, codes, render_all};
pub use parsed::{
    Cleanup, Config, Environment, FirstAdmin, Keystore, KeystoreFile, Listeners, Server, Truststore, VaultKey,
    VirtualHost,
};
pub use portals::{ApiPropertySection, ApplicationAttributeSection};
pub use reference::{default_file, reference_markdown, schema_json, summary};
pub use secret::{SecretRef, TextSource, is_known_password};
pub use sections::{
    BackendTokenSection, BackupSection, CorsSection, DevportalSection, EgressSection, EnvironmentType, ForwardedHeader,
    GatewaySection, GatewayTokenSection, KeystoreType, LogFormat, LoggingSection, MutualTlsSection, OauthSection,
    ProcessSection, SigningAlgorithm, ThrottlingSection, UsageSection,
};
pub use sign_in::{Email, SignIn};
pub use user_store::{Directory, DirectoryGroups};
pub use values::{
    EgressRule, Endpoint, HeaderName, HeaderText, HostName, Listed, LogFilter, Method, Network, Origin, Port, Size,
    Span, Whole,
};

use context::Context;
use tree::{At, Table};

/// Largest configuration file in bytes: 1 MiB.
pub const MAX_FILE_BYTES: u64 = 1 << 20;

/// A configuration that can be used, and what the operator should know about it.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Notes: keys that are not needed here, with the reason.
    pub notes: Vec<Diagnostic>,
    /// Every setting with its value and where that came from, for `config show`.
    pub effective: Vec<Effective>,
}

/// Reads a file, and one that is laid over it; `env` answers for environment variables.
///
/// The overlay wins key by key; arrays of tables are replaced as a whole.
///
/// # Errors
/// Every error of both files at once, and the notes too: nothing of a faulty configuration is used.
pub fn load(
    path: &Path,
    overlay: Option<&Path>,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Loaded, Vec<Diagnostic>> {
    let mut texts = Vec::new();
    let mut faults = Vec::new();
    for path in std::iter::once(path).chain(overlay) {
        match read_file(path) {
            Ok(text) => texts.push((path.display().to_string(), text)),
            Err(fault) => faults.push(*fault),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    load_texts(&texts, env)
}

/// As [`load`], from texts with their names; a later one is laid over those before it.
///
/// # Errors
/// As [`load`].
pub fn load_texts(texts: &[(String, String)], env: &dyn Fn(&str) -> Option<String>) -> Result<Loaded, Vec<Diagnostic>> {
    let mut root = Table::default();
    let mut faults = Vec::new();
    let mut unreliable: Vec<(Vec<u32>, u32)> = Vec::new();
    let names: Vec<String> = texts.iter().map(|(name, _)| name.clone()).collect();
    for (index, (name, text)) in texts.iter().enumerate() {
        let parsed = tree::parse(text, index, name);
        faults.extend(parsed.faults);
        unreliable.push((parsed.broken_lines, parsed.reliable_before));
        root.overlay(parsed.table);
    }
    let broken = !faults.is_empty();
    let mut cx = Context::new(&root, &names, env);
    keys::check(&mut cx);
    let config = resolve::resolve(&mut cx);
    let (mut findings, effective) = (cx.findings, cx.effective);
    if broken {
        // What follows from a line that could not be read is not reported: it would hide the cause.
        findings.retain(|finding| {
            let file = names.iter().position(|name| *name == finding.file).unwrap_or(0);
            finding.line > 0
                && unreliable
                    .get(file)
                    .is_some_and(|(lines, before)| finding.line < *before && !lines.contains(&finding.line))
        });
    }
    findings.extend(faults);
    findings.iter_mut().for_each(Diagnostic::escape);
    findings.sort_by(|a, b| (&a.file, a.line, a.column, a.code).cmp(&(&b.file, b.line, b.column, b.code)));
    findings.dedup();
    match config {
        Some(config) if findings.iter().all(|finding| finding.severity == Severity::Note) => {
            Ok(Loaded { config, notes: findings, effective })
        }
        _ => Err(findings),
    }
}

/// Reads at most [`MAX_FILE_BYTES`] of UTF-8.
fn read_file(path: &Path) -> Result<String, Box<Diagnostic>> {
    let fault = |at: At, code, summary: &str, reason: String, fix: &str| {
        Box::new(Diagnostic {
            severity: Severity::Error,
            code,
            file: path.display().to_string(),
            line: at.line,
            column: at.column,
            path: String::new(),
            summary: summary.to_owned(),
            reason,
            nearest: None,
            fix: fix.to_owned(),
            more: 0,
        })
    };
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
    if let Err(error) = read {
        let fix = match error.kind() {
            std::io::ErrorKind::NotFound => "run `portcullis init`, or name the home directory with --home",
            std::io::ErrorKind::PermissionDenied => "let the user of Portcullis read it: chown to that user, chmod 600",
            _ => "check the path; the file is deployment.toml in the directory given with --home",
        };
        return Err(fault(At::default(), codes::UNREADABLE, "configuration not readable", error.to_string(), fix));
    }
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_FILE_BYTES {
        let reason = format!("a configuration has at most {MAX_FILE_BYTES} bytes");
        let fix = "check that this is the right file";
        return Err(fault(At::default(), codes::TOO_LARGE, "configuration too large", reason, fix));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = good.split(|byte| *byte == b'\n').count();
        let column = good.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let at = At { file: 0, line: number(line), column: number(column) };
        let reason = "TOML is UTF-8, and the byte here is not".to_owned();
        fault(at, codes::NOT_UTF8, "not UTF-8 text", reason, "save the file as UTF-8")
    })
}
