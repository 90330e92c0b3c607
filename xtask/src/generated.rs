//! The committed files that the program itself makes. This list is the only one: a new file is one line here and one
//! argument of the hidden command `portcullis generate`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::process;
use crate::workspace;

/// Which task regenerates a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `cargo xtask docs`
    Docs,
    /// `cargo xtask schema`
    Schema,
}

struct Generated {
    kind: Kind,
    /// Argument of `portcullis generate`.
    what: &'static str,
    /// Relative to the root of the repository.
    path: &'static str,
}

const fn docs(what: &'static str, path: &'static str) -> Generated {
    Generated { kind: Kind::Docs, what, path }
}

const fn schema(what: &'static str, path: &'static str) -> Generated {
    Generated { kind: Kind::Schema, what, path }
}

const GENERATED: &[Generated] = &[
    docs("config-reference", "docs/src/reference/configuration.md"),
    docs("cli-reference", "docs/src/reference/cli.md"),
    docs("man", "docs/man/portcullis.1"),
    docs("completions-bash", "docs/completions/portcullis.bash"),
    docs("completions-zsh", "docs/completions/_portcullis"),
    docs("completions-fish", "docs/completions/portcullis.fish"),
    schema("config-schema", "schema/deployment.schema.json"),
    schema("openapi-publisher", "openapi/publisher-v4.json"),
    schema("openapi-devportal", "openapi/devportal-v3.json"),
    schema("openapi-admin", "openapi/admin-v4.json"),
    schema("openapi-identity", "openapi/identity.json"),
];

#[derive(Debug, Default, clap::Args)]
pub(crate) struct Options {
    /// Change nothing; fail when a committed file differs from what the program makes.
    #[arg(long)]
    pub(crate) check: bool,
}

pub(crate) fn run(kind: Kind, options: &Options) -> Result<()> {
    let portcullis = workspace::build_portcullis("dev")?;
    let mut drifted = Vec::new();
    for file in GENERATED.iter().filter(|file| file.kind == kind) {
        let fresh = process::capture(Command::new(&portcullis).args(["generate", file.what]))?;
        if fresh.trim().is_empty() {
            bail!("`portcullis generate {}` printed nothing", file.what);
        }
        let path = workspace::root().join(file.path);
        if fs::read_to_string(&path).is_ok_and(|committed| committed == fresh) {
            continue;
        }
        if options.check {
            drifted.push(file.path);
        } else {
            write(&path, &fresh)?;
            println!("wrote {}", file.path);
        }
    }
    if drifted.is_empty() {
        return Ok(());
    }
    let task = if kind == Kind::Docs { "docs" } else { "schema" };
    bail!("not what the program makes today: {}\nrun `cargo xtask {task}` and commit the result", drifted.join(", "))
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_file_and_argument_is_listed_once() {
        let paths: HashSet<_> = GENERATED.iter().map(|file| file.path).collect();
        let arguments: HashSet<_> = GENERATED.iter().map(|file| file.what).collect();
        assert_eq!(paths.len(), GENERATED.len());
        assert_eq!(arguments.len(), GENERATED.len());
    }
}
