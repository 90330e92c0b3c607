//! Paths and commands named in the documentation exist.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use clap::CommandFactory as _;
use regex::Regex;

use super::Finding;
use crate::Cli;

/// The generated reference in which every command of the program is looked up.
const CLI_REFERENCE: &str = "docs/src/reference/cli.md";
/// First parts of a path that mean a path of this repository.
const FOLDERS: &[&str] = &[".cargo", ".ci", "crates", "docs", "openapi", "schema", "xtask"];

static CODE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"`([^`\n]+)`").ok());
static LINK: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\]\(([^)#\s]+)(?:#[^)]*)?\)").ok());
static TASK: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"cargo xtask ([a-z][a-z-]*)").ok());
static COMMAND: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:^|`|\$ |&& |quickstart -- )portcullis ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?").ok());

pub(super) fn check(root: &Path, files: &[String], findings: &mut Vec<Finding>) {
    let known: HashSet<&str> = files.iter().map(String::as_str).collect();
    let reference = fs::read_to_string(root.join(CLI_REFERENCE)).ok();
    if reference.is_none() {
        findings.push(Finding::hard(CLI_REFERENCE, 0, "is missing: run `cargo xtask docs`"));
    }
    let tasks: Vec<String> = Cli::command().get_subcommands().map(|task| task.get_name().to_owned()).collect();
    for path in files.iter().filter(|path| is_document(path)) {
        let Ok(text) = fs::read_to_string(root.join(path)) else {
            continue;
        };
        for (index, line) in text.lines().enumerate() {
            let mut report = |text: String| findings.push(Finding::hard(path, index + 1, &text));
            paths(line, &known, &mut report);
            links(path, line, root, &mut report);
            xtask_commands(line, &tasks, &mut report);
            if let Some(reference) = &reference {
                commands(line, reference, &mut report);
            }
        }
    }
}

fn is_document(path: &str) -> bool {
    path.ends_with(".md")
        && (!path.contains('/') || path.starts_with("docs/"))
        && !path.starts_with("docs/src/reference/")
}

fn hits<'a>(pattern: &'static LazyLock<Option<Regex>>, line: &'a str) -> impl Iterator<Item = regex::Captures<'a>> {
    pattern.iter().flat_map(move |regex| regex.captures_iter(line))
}

fn paths(line: &str, known: &HashSet<&str>, report: &mut impl FnMut(String)) {
    for hit in hits(&CODE, line) {
        let Some(path) = hit.get(1).map(|m| m.as_str()) else {
            continue;
        };
        let plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
        let rooted = path.split_once('/').is_some_and(|(first, _)| FOLDERS.contains(&first));
        let exists = known.contains(path) || known.iter().any(|file| file.starts_with(path) && path.ends_with('/'));
        if plain && rooted && !exists && !known.iter().any(|file| file.starts_with(&format!("{path}/"))) {
            report(format!("`{path}` does not exist"));
        }
    }
}

fn links(document: &str, line: &str, root: &Path, report: &mut impl FnMut(String)) {
    let folder = root.join(document).parent().map(Path::to_path_buf).unwrap_or_default();
    for hit in hits(&LINK, line) {
        let target = hit.get(1).map_or("", |m| m.as_str());
        if !target.contains(':') && !folder.join(target).exists() {
            report(format!("links to {target}, which does not exist"));
        }
    }
}

fn xtask_commands(line: &str, tasks: &[String], report: &mut impl FnMut(String)) {
    for hit in hits(&TASK, line) {
        let task = hit.get(1).map_or("", |m| m.as_str());
        if !tasks.iter().any(|known| known == task) {
            report(format!("`cargo xtask {task}` is not a task"));
        }
    }
}

fn commands(line: &str, reference: &str, report: &mut impl FnMut(String)) {
    for hit in hits(&COMMAND, line) {
        let command = hit.get(1).map_or("", |m| m.as_str());
        let full = hit.get(2).map(|sub| format!("portcullis {command} {}", sub.as_str()));
        let short = format!("portcullis {command}");
        // A second word is a subcommand only where the first word has some.
        let has_subcommands = reference.contains(&format!("{short} <COMMAND>"));
        let wanted = full.filter(|_| has_subcommands).unwrap_or(short);
        if !reference.contains(&wanted) {
            report(format!("`{wanted}` is not a command in {CLI_REFERENCE}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_in_code_marks_must_exist() {
        let known: HashSet<&str> = ["crates/model/src/lib.rs"].into();
        let mut found = Vec::new();
        for line in
            ["`crates/model/src/lib.rs` `crates/model/` `crates/model/src`", "`tokio::spawn` `a/b` `crates/<id>.rs`"]
        {
            paths(line, &known, &mut |text| found.push(text));
        }
        assert_eq!(found, Vec::<String>::new());
        paths("see `crates/model/src/gone.rs`", &known, &mut |text| found.push(text));
        assert_eq!(found, ["`crates/model/src/gone.rs` does not exist"]);
    }

    #[test]
    fn commands_are_looked_up_in_the_reference() {
        let reference = "## `portcullis vault`\nUsage: portcullis vault <COMMAND>\n## `portcullis vault encrypt`\n## `portcullis init`\n";
        let mut found = Vec::new();
        for line in ["`portcullis vault encrypt`", "portcullis init here", "the portcullis is down"] {
            commands(line, reference, &mut |text| found.push(text));
        }
        assert_eq!(found, Vec::<String>::new());
        commands("$ portcullis vault reveal", reference, &mut |text| found.push(text));
        commands("`portcullis explode`", reference, &mut |text| found.push(text));
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn tasks_are_those_of_the_command_line() {
        let mut found = Vec::new();
        xtask_commands("`cargo xtask tidy` and `cargo xtask dance`", &["tidy".to_owned()], &mut |text| {
            found.push(text)
        });
        assert_eq!(found, ["`cargo xtask dance` is not a task"]);
    }
}
