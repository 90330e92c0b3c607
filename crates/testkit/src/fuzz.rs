//! Fuzzing on the stable toolchain: inputs are made from seeds by mutations that know what kind of text they change, and an
//! input that leads to a new outcome becomes a seed.
//!
//! A target is one constant in its crate's `fuzz.rs` and its name in that file's list. [`smoke`] runs a few thousand inputs of
//! each with every `cargo test`; `cargo xtask fuzz TARGET --seconds N` runs [`long`]. What fails is kept beside the corpus and
//! tried first the next time.

mod mutate;

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::FileExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::mutate::Mutator;

/// What kind of text an input is, which says how it is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Any bytes.
    Bytes,
    /// Lines, words and numbers.
    Text,
    /// A JSON document, changed as a tree.
    Json,
    /// Elements and attributes, changed tag by tag.
    Markup,
}

/// Something that must take any input.
pub struct Target {
    /// Name, unique within its crate.
    pub name: &'static str,
    /// What its inputs look like.
    pub shape: Shape,
    /// Inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// What the grammar consists of, for insertions.
    pub words: &'static [&'static str],
    /// Takes an input, panics when a promise is broken, and returns a number that tells outcomes apart.
    pub run: fn(&[u8]) -> u64,
}

/// Environment of [`long`]: the target, for how long, where its corpus is, and from which number on.
pub const TARGET: &str = "PORTCULLIS_FUZZ_TARGET";
/// See [`TARGET`].
pub const SECONDS: &str = "PORTCULLIS_FUZZ_SECONDS";
/// See [`TARGET`].
pub const FOLDER: &str = "PORTCULLIS_FUZZ_FOLDER";
/// See [`TARGET`].
pub const SEED: &str = "PORTCULLIS_FUZZ_SEED";

/// File with the input under way: its length in eight bytes, and the input.
const CURRENT: &str = "current";
/// Inputs of each target in [`smoke`].
const SMOKE: u32 = 1_000;
/// Longest input, bytes.
const MAX_INPUT: usize = 64 * 1024;
/// Most inputs of a corpus.
const MAX_CORPUS: usize = 4_096;
/// How long one input may take. Everything that is fuzzed has caps; an unoptimised build on a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a run did.
struct Outcome {
    inputs: u64,
    corpus: usize,
    slowest: Duration,
}

/// A thousand inputs of each target, the same in every run.
///
/// # Panics
/// A target broke a promise; the message holds the input.
#[expect(clippy::panic, reason = "this is how a test fails")]
pub fn smoke(targets: &[Target]) {
    for target in targets {
        let mut left = SMOKE;
        let go_on = || {
            left = left.saturating_sub(1);
            left > 0
        };
        if let Err(broken) = run(target, 1, None, go_on) {
            panic!("fuzz target {}: {}", target.name, String::from_utf8_lossy(&broken));
        }
    }
}

/// As the environment says; nothing without it.
///
/// # Panics
/// A target broke a promise, or there is no such target.
#[expect(clippy::disallowed_methods, reason = "how `cargo xtask fuzz` tells a test binary what to do")]
#[expect(clippy::panic, clippy::print_stdout, reason = "this is how a test fails, and its output is the result")]
pub fn long(targets: &[Target]) {
    let variable = |name: &str| std::env::var(name).ok();
    let (Some(name), Some(folder)) = (variable(TARGET), variable(FOLDER)) else {
        println!("skipped: run by cargo xtask fuzz");
        return;
    };
    let Some(target) = targets.iter().find(|target| target.name == name) else { panic!("no target is named {name}") };
    let number = |name: &str, default: u64| variable(name).and_then(|text| text.parse().ok()).unwrap_or(default);
    let (seconds, seed) = (number(SECONDS, 60), number(SEED, 1));
    let end = Instant::now() + Duration::from_secs(seconds);
    match run(target, seed, Some(&PathBuf::from(folder)), || Instant::now() < end) {
        Ok(Outcome { inputs, corpus, slowest }) => {
            println!(
                "{name}: {inputs} inputs in {seconds} s, corpus of {corpus}, slowest {} ms, seed {seed}: clean",
                slowest.as_millis()
            );
        }
        Err(broken) => panic!("fuzz target {name}, seed {seed}, fails at\n{}", String::from_utf8_lossy(&broken)),
    }
}

/// Runs until told to stop; `Err` is the input that failed.
fn run(target: &Target, seed: u64, folder: Option<&Path>, mut go_on: impl FnMut() -> bool) -> Result<Outcome, Vec<u8>> {
    let mut corpus = (target.seeds)();
    corpus.extend(folder.map(kept).unwrap_or_default());
    corpus.push(Vec::new());
    let mut seen = HashSet::new();
    let current = folder.and_then(|folder| fs::File::create(folder.join(CURRENT)).ok());
    let mut outcome = Outcome { inputs: 0, corpus: 0, slowest: Duration::ZERO };
    let mut try_one = |input: &[u8], outcome: &mut Outcome| {
        if let Some(current) = &current {
            // What ends the whole process, as a stack that is too deep does, is found here by the next run. Written over, not
            // anew: a file that is cut first reaches the disk each time.
            let length = (input.len() as u64).to_le_bytes();
            let _unwritten = current.write_all_at(&length, 0).and_then(|()| current.write_all_at(input, 8));
        }
        let begun = Instant::now();
        let result = catch_unwind(AssertUnwindSafe(|| (target.run)(input)));
        let took = begun.elapsed();
        outcome.inputs += 1;
        outcome.slowest = outcome.slowest.max(took);
        match result {
            Ok(kind) if took < PATIENCE => Ok(seen.insert(kind)),
            _ => {
                if let Some(folder) = folder {
                    let _unwritten = fs::write(folder.join(format!("crash-{}", name_of(input))), input);
                }
                Err(input.to_vec())
            }
        }
    };
    for input in &corpus {
        try_one(input, &mut outcome)?;
    }
    let mut mutator = Mutator::new(seed, target.shape, target.words);
    while go_on() {
        let mut input = mutator.next(&corpus);
        input.truncate(MAX_INPUT);
        if try_one(&input, &mut outcome)? && corpus.len() < MAX_CORPUS {
            if let Some(folder) = folder {
                let _unwritten = fs::write(folder.join(format!("input-{}", name_of(&input))), &input);
            }
            corpus.push(input);
        }
    }
    if let Some(folder) = folder {
        let _not_there = fs::remove_file(folder.join(CURRENT));
    }
    outcome.corpus = corpus.len();
    Ok(outcome)
}

/// Inputs of earlier runs, those that failed first.
fn kept(folder: &Path) -> Vec<Vec<u8>> {
    let _there_already = fs::create_dir_all(folder);
    // An earlier run ended in the middle of this one.
    if let Ok(bytes) = fs::read(folder.join(CURRENT))
        && let Some((length, rest)) = bytes.split_first_chunk::<8>()
    {
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let input = rest.get(..length).unwrap_or(rest);
        let _unwritten = fs::write(folder.join(format!("crash-{}", name_of(input))), input);
        let _not_there = fs::remove_file(folder.join(CURRENT));
    }
    let mut names: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    names.sort();
    names.into_iter().filter_map(|path| fs::read(path).ok()).take(MAX_CORPUS / 2).collect()
}

/// FNV-1a, for names of files.
fn name_of(input: &[u8]) -> String {
    let hash = input
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{hash:016x}")
}

/// A number that tells outcomes apart: what happened, and roughly how large it was.
pub fn kind(what: &str, size: usize) -> u64 {
    let hash = what.bytes().fold(7_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)));
    hash.wrapping_mul(64).wrapping_add(u64::from(usize::BITS - size.leading_zeros()))
}

#[cfg(test)]
mod tests {
    use super::{Shape, Target, kind, run};
    use std::fs;

    const FRAGILE: Target = Target {
        name: "fragile",
        shape: Shape::Text,
        seeds: || vec![b"a b c".to_vec()],
        words: &["magic"],
        run: |input| {
            assert!(!input.windows(5).any(|word| word == b"magic"), "found");
            kind("fine", input.len())
        },
    };

    #[test]
    fn what_breaks_is_found_and_kept_and_tried_again_first() {
        let folder = tempfile::tempdir().unwrap();
        let mut left = 10_000;
        let found = run(&FRAGILE, 1, Some(folder.path()), || {
            left -= 1;
            left > 0
        });
        let broken = found.err().expect("a word of the grammar is inserted before long");
        let names: Vec<String> =
            fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        assert!(names.iter().any(|name| name.starts_with("crash-")), "{names:?}");
        assert_eq!(run(&FRAGILE, 2, Some(folder.path()), || false).err(), Some(broken));
    }

    #[test]
    fn the_same_seed_makes_the_same_inputs() {
        for shape in [Shape::Bytes, Shape::Text, Shape::Json, Shape::Markup] {
            let corpus = [b"{\"a\": [1, {\"b\": null}]}".to_vec(), b"<a b=\"c\"><d/>x</a>".to_vec()];
            let inputs = |seed: u64| {
                let mut mutator = super::Mutator::new(seed, shape, &["word"]);
                (0..200).map(|_| mutator.next(&corpus)).collect::<Vec<_>>()
            };
            assert_eq!(inputs(5), inputs(5), "{shape:?}");
            assert_ne!(inputs(5), inputs(6), "{shape:?}");
        }
    }
}
