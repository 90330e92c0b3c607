//! Words and patterns that have no place in the repository.

use std::sync::LazyLock;

use regex::Regex;

use super::edges;
use super::source::Source;
use super::{Finding, Weight};

/// Which files a pattern is looked for in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Scope {
    /// Rust outside of tests, testkit and xtask.
    Product,
    /// Rust everywhere.
    Rust,
    /// Rust of the crates without I/O, comments and literals blanked.
    PureCode,
    /// Everything that is text, Rust, documents, configuration and scripts.
    Text,
}

struct Rule {
    scope: Scope,
    weight: Weight,
    pattern: &'static str,
    reason: &'static str,
}

const RULES: &[Rule] = &[
    Rule {
        scope: Scope::Product,
        weight: Weight::Hard,
        pattern: r"\b(todo!|unimplemented!)\(|\b(stub|placeholder|for now|not (yet )?implemented|in a real (system|implementation)|simplified version|hard-?coded)\b",
        reason: "a promise instead of the thing: make it real, or leave it out",
    },
    Rule {
        scope: Scope::Rust,
        weight: Weight::Hard,
        pattern: r"#\[ignore|assert!\(true\)|assert_eq!\(1, 1\)",
        reason: "a test that does not run, or cannot fail",
    },
    Rule {
        scope: Scope::Rust,
        weight: Weight::Soft,
        pattern: r"return; *// *skip|skipping",
        reason: "a test that says `skipped: <why>` is easier to count",
    },
    Rule {
        scope: Scope::Product,
        weight: Weight::Hard,
        pattern: r"danger_accept_invalid|dangerous\(\)|InsecureSkip|NoVerif|AcceptAll|expose_secret\(\)\.to_string",
        reason: "verification cannot be switched off, and secrets are not turned into text",
    },
    Rule {
        scope: Scope::PureCode,
        weight: Weight::Hard,
        pattern: r"\bstd::(fs|net::(Tcp|Udp)|process|thread)\b|\bstatic mut\b",
        reason: "this crate is pure: no files, sockets, processes or threads",
    },
    Rule {
        scope: Scope::Text,
        weight: Weight::Hard,
        pattern: r"(^|[^A-Za-z0-9_.])[/](work|farm)[/]|[/]root[/][.]cargo|[/]home[/][a-z]+[/][.]cargo",
        reason: "a path of one machine: name files relative to the repository",
    },
    Rule {
        scope: Scope::Text,
        weight: Weight::Hard,
        pattern: r"--(extra-)?index[-]url|replace[-]with *=|sparse[+]http|registry *= *.http",
        reason: "a package mirror of one machine: crates.io and PyPI are reached through their ordinary clients",
    },
];

/// A file where a hit is right, what is hit, and why. An entry that hits nothing any more is a finding itself.
const EXCEPTIONS: &[(&str, &str, &str)] = &[(
    "crates/gateway/src/upstream.rs",
    "dangerous()",
    "rustls's name for a verifier of one's own; it is the platform's, with private authorities added",
)];

static COMPILED: LazyLock<Vec<(&Rule, Regex)>> =
    LazyLock::new(|| RULES.iter().filter_map(|rule| Some((rule, Regex::new(rule.pattern).ok()?))).collect());

/// Rules over the text of any file.
pub(super) fn check(path: &str, text: &str, findings: &mut Vec<Finding>) {
    for (rule, pattern) in
        COMPILED.iter().filter(|(rule, _)| rule.scope != Scope::PureCode && applies(rule.scope, path))
    {
        look(rule, pattern, path, text, findings);
    }
    for (_, hit, reason) in EXCEPTIONS.iter().filter(|(file, hit, _)| *file == path && !text.contains(hit)) {
        findings.push(Finding::hard(path, 0, &format!("the exception for `{hit}` is no longer needed ({reason})")));
    }
}

/// Rules over code alone.
pub(super) fn check_source(source: &Source<'_>, findings: &mut Vec<Finding>) {
    let code = source.code.get(..source.tests_from).unwrap_or_default();
    for (rule, pattern) in COMPILED.iter().filter(|(rule, _)| rule.scope == Scope::PureCode) {
        if applies(rule.scope, source.path) && !source.is_test_file() {
            look(rule, pattern, source.path, code, findings);
        }
    }
}

fn look(rule: &Rule, pattern: &Regex, path: &str, text: &str, findings: &mut Vec<Finding>) {
    for (index, line) in text.lines().enumerate() {
        if let Some(hit) = pattern.find(line).filter(|hit| !is_exception(path, hit.as_str())) {
            let text = format!("`{}`: {}", hit.as_str().trim(), rule.reason);
            findings.push(Finding { weight: rule.weight, ..Finding::hard(path, index + 1, &text) });
        }
    }
}

fn is_exception(path: &str, found: &str) -> bool {
    EXCEPTIONS.iter().any(|(file, hit, _)| *file == path && *hit == found)
}

fn applies(scope: Scope, path: &str) -> bool {
    let rust = path.ends_with(".rs");
    let own = path.starts_with("xtask/");
    match scope {
        Scope::Product => {
            rust && !own
                && !path.contains("/tests/")
                && !path.ends_with("/tests.rs")
                && !path.starts_with("crates/testkit/")
        }
        Scope::Rust => rust && !own,
        Scope::PureCode => edges::is_pure_source(path),
        Scope::Text => {
            path.starts_with(".ci/")
                || [".rs", ".md", ".toml", ".sh", ".html", ".yaml", ".yml", ".json"]
                    .iter()
                    .any(|end| path.ends_with(end))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(path: &str, text: &str) -> usize {
        let mut findings = Vec::new();
        check(path, text, &mut findings);
        check_source(&Source::new(path, text), &mut findings);
        findings.len()
    }

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(COMPILED.len(), RULES.len());
    }

    #[test]
    fn promises_are_found_in_the_product_only() {
        let text = "// good enough for now\n";
        assert_eq!(hits("crates/store/src/lib.rs", text), 1);
        assert_eq!(hits("crates/store/tests/it/main.rs", text), 0);
        assert_eq!(hits("crates/store/src/lib.rs", "// for nowhere\n"), 0);
    }

    #[test]
    fn an_exception_holds_for_its_file_and_only_while_it_is_needed() {
        let (file, hit, _) = EXCEPTIONS.first().unwrap();
        assert_eq!(hits(file, &format!("builder.{hit}\n")), 0);
        assert_eq!(hits("crates/web/src/egress.rs", &format!("builder.{hit}\n")), 1);
        assert_eq!(hits(file, "builder\n"), 1);
    }

    #[test]
    fn machine_paths_and_mirrors_are_found_anywhere() {
        let path = format!("see /{}/main", "work");
        assert_eq!(hits("README.md", &path), 1);
        assert_eq!(hits("README.md", "see crates/work/main"), 0);
        let mirror = format!("pip install --index{} x", "-url");
        assert_eq!(hits("docs/src/install.md", &mirror), 1);
    }

    #[test]
    fn purity_looks_at_code_not_comments() {
        assert_eq!(hits("crates/policy/src/a.rs", "// std::fs is banned\n"), 0);
        assert_eq!(hits("crates/policy/src/a.rs", "use std::fs;\n"), 1);
        assert_eq!(hits("crates/store/src/a.rs", "use std::fs;\n"), 0);
    }
}
