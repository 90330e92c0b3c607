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
    docs("routes", "docs/src/reference/operations.md"),
    docs("man", "docs/man/portcullis.1"),
    docs("completions-bash", "docs/completions/portcullis.bash"),
    docs("completions-zsh", "docs/completions/_portcullis"),
    docs("completions-fish", "docs/completions/portcullis.fish"),
    docs("guidelines", "docs/src/guidelines.md"),
    docs("guideline-A01", "docs/src/guidelines/A01.md"),
    docs("guideline-A02", "docs/src/guidelines/A02.md"),
    docs("guideline-A03", "docs/src/guidelines/A03.md"),
    docs("guideline-A04", "docs/src/guidelines/A04.md"),
    docs("guideline-A05", "docs/src/guidelines/A05.md"),
    docs("guideline-A06", "docs/src/guidelines/A06.md"),
    docs("guideline-A07", "docs/src/guidelines/A07.md"),
    docs("guideline-A08", "docs/src/guidelines/A08.md"),
    docs("guideline-A09", "docs/src/guidelines/A09.md"),
    docs("guideline-A10", "docs/src/guidelines/A10.md"),
    docs("guideline-A11", "docs/src/guidelines/A11.md"),
    docs("guideline-A12", "docs/src/guidelines/A12.md"),
    docs("guideline-A13", "docs/src/guidelines/A13.md"),
    docs("guideline-A14", "docs/src/guidelines/A14.md"),
    docs("guideline-A15", "docs/src/guidelines/A15.md"),
    docs("guideline-A16", "docs/src/guidelines/A16.md"),
    docs("guideline-A17", "docs/src/guidelines/A17.md"),
    docs("guideline-A18", "docs/src/guidelines/A18.md"),
    docs("guideline-A19", "docs/src/guidelines/A19.md"),
    docs("guideline-A20", "docs/src/guidelines/A20.md"),
    docs("guideline-A21", "docs/src/guidelines/A21.md"),
    docs("guideline-A22", "docs/src/guidelines/A22.md"),
    docs("guideline-A23", "docs/src/guidelines/A23.md"),
    docs("guideline-A24", "docs/src/guidelines/A24.md"),
    docs("guideline-A25", "docs/src/guidelines/A25.md"),
    docs("guideline-M01", "docs/src/guidelines/M01.md"),
    docs("guideline-M02", "docs/src/guidelines/M02.md"),
    docs("guideline-O01", "docs/src/guidelines/O01.md"),
    docs("guideline-O02", "docs/src/guidelines/O02.md"),
    docs("guideline-O03", "docs/src/guidelines/O03.md"),
    docs("guideline-O04", "docs/src/guidelines/O04.md"),
    docs("guideline-O05", "docs/src/guidelines/O05.md"),
    docs("guideline-O06", "docs/src/guidelines/O06.md"),
    docs("guideline-O07", "docs/src/guidelines/O07.md"),
    docs("guideline-O08", "docs/src/guidelines/O08.md"),
    docs("guideline-O09", "docs/src/guidelines/O09.md"),
    docs("guideline-N01", "docs/src/guidelines/N01.md"),
    docs("guideline-N02", "docs/src/guidelines/N02.md"),
    docs("guideline-N03", "docs/src/guidelines/N03.md"),
    docs("guideline-N04", "docs/src/guidelines/N04.md"),
    docs("guideline-N05", "docs/src/guidelines/N05.md"),
    docs("guideline-N06", "docs/src/guidelines/N06.md"),
    docs("guideline-X01", "docs/src/guidelines/X01.md"),
    docs("guideline-X02", "docs/src/guidelines/X02.md"),
    docs("guideline-X03", "docs/src/guidelines/X03.md"),
    docs("guideline-X04", "docs/src/guidelines/X04.md"),
    docs("guideline-X05", "docs/src/guidelines/X05.md"),
    docs("guideline-X06", "docs/src/guidelines/X06.md"),
    docs("guideline-X07", "docs/src/guidelines/X07.md"),
    docs("guideline-X08", "docs/src/guidelines/X08.md"),
    docs("guideline-X09", "docs/src/guidelines/X09.md"),
    docs("guideline-X10", "docs/src/guidelines/X10.md"),
    schema("audit-schema", "schema/audit-report.schema.json"),
    schema("config-schema", "schema/deployment.schema.json"),
    schema("openapi-publisher", "openapi/publisher-v4.json"),
    schema("openapi-devportal", "openapi/devportal-v3.json"),
    schema("openapi-admin", "openapi/admin-v4.json"),
    schema("openapi-governance", "openapi/governance-v1.json"),
    schema("openapi-devops", "openapi/devops-v0.json"),
    schema("openapi-gateway", "openapi/gateway-v2.json"),
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
