//! `cargo xtask fuzz`: gives a target inputs that nobody thought of, for as long as asked. Works on the stable toolchain; how
//! inputs are made is in `crates/testkit/src/fuzz.rs`.

use anyhow::{Result, bail};

use crate::process;
use crate::workspace;

/// Targets by crate, as their `fuzz.rs` lists them.
const TARGETS: &[(&str, &[&str])] = &[
    ("gateway", &["head", "path", "framing", "forwarded", "challenge"]),
    ("jose", &["token", "proof", "key"]),
    ("policy", &["openapi", "graphql", "xml_to_json", "json_to_xml", "xml_threat", "json_threat", "sequence"]),
    ("synapse", &["xml", "json", "xpath", "jsonpath", "expression", "template", "artifact"]),
];

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// `crate/target`, a crate for all of its targets, or `all`; without it the targets are listed.
    target: Option<String>,
    /// For how long each target runs.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Where the sequence of inputs begins: the same number makes the same inputs from the same corpus.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Build with optimisation: more inputs, and a stack that reaches further.
    #[arg(long)]
    release: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let wanted = options.target.as_deref().unwrap_or_default();
    let all = TARGETS.iter().flat_map(|(owner, names)| names.iter().map(move |name| (*owner, *name)));
    let chosen: Vec<(&str, &str)> = all
        .clone()
        .filter(|(owner, name)| wanted == "all" || wanted == *owner || wanted == format!("{owner}/{name}"))
        .collect();
    if chosen.is_empty() {
        for (owner, name) in all {
            println!("{owner}/{name}");
        }
        return if wanted.is_empty() { Ok(()) } else { bail!("no target is named {wanted}") };
    }
    let mut failed = Vec::new();
    for (owner, name) in chosen {
        let folder = workspace::root().join("target/fuzz").join(owner).join(name);
        std::fs::create_dir_all(&folder)?;
        let mut test = workspace::cargo();
        test.current_dir(workspace::root()).args(["test", "--quiet", "--package", owner, "--lib"]);
        if options.release {
            test.arg("--release");
        }
        test.args(["--", "--exact", "--nocapture", "fuzz::for_a_while"]);
        test.env("PORTCULLIS_FUZZ_TARGET", name).env("PORTCULLIS_FUZZ_FOLDER", &folder);
        test.env("PORTCULLIS_FUZZ_SECONDS", options.seconds.to_string());
        test.env("PORTCULLIS_FUZZ_SEED", options.seed.to_string());
        // A panic that is caught would print a trace for every input.
        test.env("RUST_BACKTRACE", "0");
        if let Err(error) = process::run(&mut test) {
            println!("{owner}/{name}: {error}; the input is in {}", folder.display());
            failed.push(format!("{owner}/{name}"));
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("failed: {}", failed.join(", ")) }
}
