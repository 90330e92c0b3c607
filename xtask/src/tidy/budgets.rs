//! Sizes of files and functions, and names of modules.

use super::Finding;
use super::source::{Function, Source};

const FILE_SOFT: usize = 400;
const FILE_HARD: usize = 800;
const FUNCTION_SOFT: usize = 50;
const FUNCTION_HARD: usize = 100;
const PARAMETERS: usize = 7;
const INLINE_TESTS: usize = 100;
const WAIVER: &str = "// tidy: long function because ";
/// Names that say nothing about what belongs inside.
const VAGUE: &[&str] = &["common", "helper", "helpers", "misc", "util", "utils"];

pub(super) fn check(source: &Source<'_>, findings: &mut Vec<Finding>) {
    names(source, findings);
    file(source, findings);
    if !source.is_test_file() {
        for function in source.functions().iter().filter(|function| function.at < source.tests_from) {
            length(source, function, findings);
        }
    }
}

fn names(source: &Source<'_>, findings: &mut Vec<Finding>) {
    let mut parts = source.path.trim_end_matches(".rs").rsplit('/');
    let stem = parts.next().unwrap_or_default();
    if stem == "mod" {
        findings.push(Finding::hard(
            source.path,
            0,
            "no mod.rs: name the file after the module and put it beside its folder",
        ));
    }
    if VAGUE.contains(&stem) || parts.any(|folder| VAGUE.contains(&folder)) {
        findings.push(Finding::hard(
            source.path,
            0,
            "a module is named after what it holds, not utils, helpers, common or misc",
        ));
    }
}

fn file(source: &Source<'_>, findings: &mut Vec<Finding>) {
    let lines = source.body_lines();
    let text =
        format!("{lines} lines before the tests; at most {FILE_HARD}, aim for {FILE_SOFT}: split along the ideas");
    if source.path.contains("/tests/") {
        // A table of cases may be long.
    } else if lines > FILE_HARD {
        findings.push(Finding::hard(source.path, 0, &text));
    } else if lines > FILE_SOFT {
        findings.push(Finding::soft(source.path, 0, &text));
    }
    if let Some((lines, at)) = source.inline_tests().filter(|(lines, _)| *lines > INLINE_TESTS) {
        let text = format!("{lines} lines of inline tests; over {INLINE_TESTS} they become a sibling tests.rs");
        findings.push(Finding::hard(source.path, at, &text));
    }
}

fn length(source: &Source<'_>, function: &Function, findings: &mut Vec<Finding>) {
    let Function { name, line, lines, parameters, at } = function;
    let waived = source.above(*at).lines().any(|above| above.trim_start().starts_with(WAIVER));
    let text = format!("fn {name} has {lines} lines; at most {FUNCTION_HARD}, aim for {FUNCTION_SOFT}");
    if *lines > FUNCTION_HARD && !waived {
        findings.push(Finding::hard(source.path, *line, &text));
    } else if *lines > FUNCTION_SOFT {
        findings.push(Finding::soft(source.path, *line, &text));
    } else if waived {
        findings.push(Finding::hard(source.path, *line, "the waiver for a long function is no longer needed"));
    }
    if *parameters > PARAMETERS {
        let text = format!("fn {name} has {parameters} parameters; at most {PARAMETERS}: group what belongs together");
        findings.push(Finding::hard(source.path, *line, &text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::Weight;

    fn findings(path: &str, text: &str) -> Vec<(Weight, String)> {
        let mut findings = Vec::new();
        check(&Source::new(path, text), &mut findings);
        findings.into_iter().map(|finding| (finding.weight, finding.text)).collect()
    }

    fn function(lines: usize) -> String {
        format!("fn a() {{\n{}}}\n", "    b();\n".repeat(lines - 2))
    }

    #[test]
    fn budgets_of_functions() {
        assert_eq!(findings("crates/x/src/a.rs", &function(50)), []);
        assert_eq!(findings("crates/x/src/a.rs", &function(51)).first().unwrap().0, Weight::Soft);
        assert_eq!(findings("crates/x/src/a.rs", &function(101)).first().unwrap().0, Weight::Hard);
        let waived = format!("{WAIVER}it is one table\n{}", function(101));
        assert_eq!(findings("crates/x/src/a.rs", &waived).first().unwrap().0, Weight::Soft);
        let stale = format!("{WAIVER}it was one table\n{}", function(5));
        assert_eq!(findings("crates/x/src/a.rs", &stale).first().unwrap().0, Weight::Hard);
        assert_eq!(findings("crates/x/tests/it/a.rs", &function(101)), []);
    }

    #[test]
    fn budgets_of_files_and_inline_tests() {
        let lines = "use a;\n";
        assert_eq!(findings("crates/x/src/a.rs", &lines.repeat(400)), []);
        assert_eq!(findings("crates/x/src/a.rs", &lines.repeat(401)).first().unwrap().0, Weight::Soft);
        assert_eq!(findings("crates/x/src/a.rs", &lines.repeat(801)).first().unwrap().0, Weight::Hard);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", lines.repeat(100));
        assert_eq!(findings("crates/x/src/a.rs", &tests).first().unwrap().0, Weight::Hard);
    }

    #[test]
    fn names_and_parameters() {
        assert_eq!(findings("crates/x/src/utils.rs", "").len(), 1);
        assert_eq!(findings("crates/x/src/common/a.rs", "").len(), 1);
        assert_eq!(findings("crates/x/src/a/mod.rs", "").len(), 1);
        let many = "fn a(a: A, b: B, c: C, d: D, e: E, f: F, g: G, h: H) {}";
        assert_eq!(findings("crates/x/src/a.rs", many).len(), 1);
    }
}
