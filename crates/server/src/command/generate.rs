//! `portcullis generate`: generated files of the project, to standard output. Needs no home, database or network.

use std::fmt::Write as _;

use clap_complete::Shell;

use super::grammar;
use crate::config;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::terminal::Terminal;

/// Everything that can be generated.
const KNOWN: &[&str] = &[
    "config-schema",
    "audit-schema",
    "guidelines",
    "config-reference",
    "cli-reference",
    "man",
    "completions-bash",
    "completions-zsh",
    "completions-fish",
    "openapi-publisher",
    "openapi-devportal",
    "openapi-admin",
    "openapi-governance",
    "openapi-devops",
    "openapi-gateway",
    "openapi-identity",
    "routes",
    "routes-json",
];

pub(super) fn run(what: &str, terminal: Terminal) -> Outcome {
    let text = match what {
        "config-schema" => config::schema_json().into_bytes(),
        "audit-schema" => guidelines::schema().into_bytes(),
        "guidelines" => guideline_index().into_bytes(),
        "config-reference" => config::reference_markdown().into_bytes(),
        "cli-reference" => cli_reference().into_bytes(),
        "man" => man()?,
        "completions-bash" => completions(Shell::Bash),
        "completions-zsh" => completions(Shell::Zsh),
        "completions-fish" => completions(Shell::Fish),
        area if KNOWN.contains(&area) && area.starts_with("openapi-") => openapi(what.trim_start_matches("openapi-"))?,
        "routes" => super::routes::markdown().into_bytes(),
        "routes-json" => super::routes::json().into_bytes(),
        other if guideline_page(other).is_some() => guideline_page(other).unwrap_or_default().into_bytes(),
        _ => {
            return Err(Failure::usage(
                format!("{what:?} cannot be generated"),
                format!("one of {}", KNOWN.join(", ")),
            ));
        }
    };
    terminal.bytes(&text);
    if !text.ends_with(b"\n") {
        terminal.bytes(b"\n");
    }
    Ok(())
}

/// The page of one guideline: `guideline-A01`.
fn guideline_page(what: &str) -> Option<String> {
    guidelines::guideline(what.strip_prefix("guideline-")?).map(guidelines::guideline_page)
}

/// The list of all guidelines, by family.
fn guideline_index() -> String {
    let checks = guidelines::CHECKS.len();
    let mut page = format!(
        "# Security guidelines\n\nMade by `portcullis generate guidelines`. Every row of WSO2's \"Security Guidelines for Production \
         Deployment\" has a page; {checks} checks look whether they hold: `portcullis audit`.\n"
    );
    for family in guidelines::GUIDELINES {
        if let Some(first) = family.first() {
            let _ = write!(page, "\n## {}\n\n", first.family.title());
        }
        for guideline in *family {
            let _ = writeln!(page, "- [{id} {title}](guidelines/{id}.md)", id = guideline.id, title = guideline.title);
        }
    }
    page
}

/// A completion script.
pub(super) fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut grammar(), "portcullis", &mut script);
    script
}

/// The manual page.
pub(super) fn man() -> Outcome<Vec<u8>> {
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(grammar()).render(&mut page);
    rendered.map_err(|e| Failure::internal(format!("the manual page cannot be made: {e}")))?;
    Ok(page)
}

/// The reference page of the command line: every command with its options, and the exit codes.
fn cli_reference() -> String {
    let mut page = String::from(
        "# Command line\n\nMade by `portcullis generate cli-reference`. Results go to standard output, everything else \
         to standard error.\n",
    );
    let mut command = grammar();
    command.build();
    describe(&mut page, &mut command, "portcullis");
    page.push_str("\n## Exit codes\n\n| code | meaning |\n|---|---|\n");
    for (exit, meaning) in Exit::ALL {
        let _ = writeln!(page, "| {} | {meaning} |", exit.code());
    }
    page
}

fn describe(page: &mut String, command: &mut clap::Command, path: &str) {
    let _ = writeln!(page, "\n## `{path}`\n");
    let help = command.clone().term_width(100).render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = writeln!(page, "```text\n{}\n```", help.join("\n").trim_end());
    for sub in command.get_subcommands_mut().filter(|c| !c.is_hide_set() && c.get_name() != "help") {
        let path = format!("{path} {}", sub.get_name());
        describe(page, sub, &path);
    }
}

fn openapi(area: &str) -> Outcome<Vec<u8>> {
    let document = match area {
        "identity" => crate::serve::identity_openapi(),
        area => control::openapi::document(area),
    };
    let document = document.ok_or_else(|| Failure::internal(format!("there is no OpenAPI document of {area}")))?;
    serde_json::to_vec_pretty(&document).map_err(|e| Failure::internal(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::{cli_reference, completions, man};

    #[test]
    fn every_command_is_in_the_reference() {
        let page = cli_reference();
        for command in ["portcullis quickstart", "portcullis vault encrypt", "portcullis user reset-password"] {
            assert!(page.contains(&format!("## `{command}`")), "{command}");
        }
        assert!(!page.contains("## `portcullis generate`"), "hidden commands stay hidden");
        assert!(page.contains("| 6 | a port is in use"));
    }

    #[test]
    fn completions_and_manual_name_the_commands() {
        assert!(String::from_utf8(completions(clap_complete::Shell::Bash)).unwrap().contains("setup-link"));
        assert!(String::from_utf8(man().unwrap()).unwrap().contains("quickstart"));
    }
}
