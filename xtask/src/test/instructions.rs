//! What pieces of the gateway's request path cost, in instructions: a count that a busy machine does not disturb. A counted test
//! (`testkit::counted`) does its work few times and many times under callgrind; the difference is what one time costs.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use crate::judges;
use crate::process;
use crate::workspace;

use super::Steps;

/// Environment of a counted test, see `testkit::counted`.
const TIMES: &str = testkit::counted::TIMES;
/// Beyond this share of its bound a piece has become too expensive.
const SLACK: f64 = 1.10;
/// Below this share the bound says little: it is time for a new one.
const CHEAP: f64 = 0.90;

/// A counted test.
struct Piece {
    name: &'static str,
    /// The test binary: `gateway` holds the unit tests, `it` those over sockets.
    binary: &'static str,
    test: &'static str,
    /// How often its work is done: few times and many times.
    times: (u32, u32),
    /// A function by which the thread is known whose instructions count; without, all threads do.
    thread: Option<&'static str>,
}

/// The function that serves a call; it runs on the threads of workers alone.
const WORKER: Option<&str> = Some("gateway::exchange::serve");

const PIECES: [Piece; 6] = [
    Piece { name: "router", binary: "gateway", test: "counted::router", times: (1_000, 11_000), thread: None },
    Piece { name: "limiter", binary: "gateway", test: "counted::limiter", times: (1_000, 11_000), thread: None },
    Piece { name: "token cache", binary: "gateway", test: "counted::token_cache", times: (1_000, 6_000), thread: None },
    Piece { name: "plain call", binary: "it", test: "counted::one_plain_call", times: (200, 1_200), thread: WORKER },
    Piece {
        name: "secured call",
        binary: "it",
        test: "counted::one_secured_call",
        times: (200, 1_200),
        thread: WORKER,
    },
    Piece { name: "snapshot swap", binary: "it", test: "counted::one_change", times: (10, 60), thread: None },
];

pub(super) fn run(steps: &mut Steps, _portcullis: &Path) {
    let mut binaries = None;
    if !steps.run("instructions: build", || build().map(|built| binaries = Some(built))) {
        return;
    }
    let Some(binaries) = binaries else { return };
    steps.run("instructions", || judge(&binaries));
}

/// The test binaries of the gateway as they are optimised for release, by name.
fn build() -> Result<BTreeMap<String, PathBuf>> {
    ensure!(
        workspace::find_program("valgrind").is_some(),
        "valgrind is missing, which counts the instructions: apt-get install valgrind"
    );
    workspace::release_tests("gateway")
}

fn judge(binaries: &BTreeMap<String, PathBuf>) -> Result<()> {
    let list = judges::script("instructions.txt");
    let bounds = bounds(&fs::read_to_string(&list).with_context(|| format!("cannot read {}", list.display()))?)?;
    let mut dear = Vec::new();
    println!("{:16} {:>12} {:>12} {:>7}", "piece", "now", "bound", "share");
    for piece in &PIECES {
        let binary = binaries.get(piece.binary).with_context(|| format!("no test binary {}", piece.binary))?;
        let (few, many) = piece.times;
        let (less, more) = (count(piece, binary, few)?, count(piece, binary, many)?);
        let now = more.saturating_sub(less) / u64::from(many - few);
        let Some(bound) = bounds.get(piece.name) else {
            println!("{:16} {now:>12} {:>12}  write it into {}", piece.name, "none yet", list.display());
            continue;
        };
        #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
        let share = now as f64 / (*bound).max(1) as f64;
        println!("{:16} {now:>12} {bound:>12} {share:>7.2}", piece.name);
        if share > SLACK {
            dear.push(format!("{}: {now} instructions, the bound is {bound}", piece.name));
        } else if share < CHEAP {
            println!("{:16} has become cheaper: write {now} into {}", "", list.display());
        }
    }
    if dear.is_empty() {
        return Ok(());
    }
    bail!(
        "{}\nwhere they go: valgrind --tool=callgrind, then callgrind_annotate. A cost that is wanted: write the new figure into {} and say \
         in the commit what it buys",
        dear.join("\n"),
        list.display()
    )
}

/// `name: instructions` a line; `#` begins a remark.
fn bounds(text: &str) -> Result<BTreeMap<String, u64>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let parse = |line: &str| {
        let (name, figure) = line.split_once(':').with_context(|| format!("\"{line}\" is not name: figure"))?;
        Ok((name.trim().to_owned(), figure.trim().parse().with_context(|| format!("\"{line}\" has no figure"))?))
    };
    lines.map(parse).collect()
}

/// Instructions of one run.
fn count(piece: &Piece, binary: &Path, times: u32) -> Result<u64> {
    let folder = tempfile::Builder::new().prefix("portcullis-count-").tempdir()?;
    let out = folder.path().join("out");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--quiet", "--separate-threads=yes"]);
    valgrind.arg(format!("--callgrind-out-file={}", out.display())).arg(binary);
    valgrind.args(["--exact", piece.test, "--test-threads=1", "--quiet"]).env(TIMES, times.to_string());
    // The tests find their files beside the crate.
    valgrind.current_dir(workspace::root().join("crates/gateway")).stdout(Stdio::null());
    process::run(&mut valgrind)?;
    let mut total = 0;
    for entry in fs::read_dir(folder.path())? {
        let text = fs::read_to_string(entry?.path())?;
        if piece.thread.is_none_or(|function| text.contains(function)) {
            total += totals(&text);
        }
    }
    ensure!(total > 0, "{}: callgrind counted nothing", piece.name);
    Ok(total)
}

/// The sum at the end of a thread's file; the file of the whole has none.
fn totals(text: &str) -> u64 {
    let line = text.lines().rev().find_map(|line| line.strip_prefix("totals: "));
    line.and_then(|figure| figure.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{bounds, totals};

    #[test]
    fn bounds_are_read_and_nonsense_is_named() {
        let read = bounds("# a remark\n\nsecured call: 12000\nrouter : 7\n").unwrap();
        assert_eq!((read.len(), read["secured call"], read["router"]), (2, 12_000, 7));
        assert!(bounds("router 7").is_err() && bounds("router: many").is_err());
    }

    #[test]
    fn a_file_ends_with_its_sum() {
        assert_eq!(totals("events: Ir\n1 2\n\ntotals: 4711\n"), 4711);
        assert_eq!(totals("events: Ir\n"), 0);
    }
}
