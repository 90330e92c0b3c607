//! Which crate may depend on which: the architecture as a table.

use crate::workspace::Metadata;

use super::Finding;

/// A crate of the workspace and the crates of the workspace that it may use.
struct Edges {
    name: &'static str,
    may_use: May,
    /// No runtime, sockets, files, wall clock or global state: decides, and is tested as a table.
    pure: bool,
}

enum May {
    Only(&'static [&'static str]),
    All,
}

const fn pure(name: &'static str, may_use: &'static [&'static str]) -> Edges {
    Edges { name, may_use: May::Only(may_use), pure: true }
}

const fn ordinary(name: &'static str, may_use: &'static [&'static str]) -> Edges {
    Edges { name, may_use: May::Only(may_use), pure: false }
}

const EDGES: &[Edges] = &[
    pure("model", &[]),
    pure("jose", &[]),
    pure("policy", &["model", "jose"]),
    pure("synapse", &["model"]),
    pure("guidelines", &["model"]),
    ordinary("inspect", &["guidelines"]),
    ordinary("vault", &["model"]),
    ordinary("store", &["model"]),
    ordinary("web", &["model"]),
    ordinary("gateway", &["model", "policy", "jose"]),
    ordinary("integrator", &["model", "synapse", "web"]),
    ordinary("identity", &["model", "jose", "store", "vault", "web"]),
    ordinary("control", &["model", "store", "policy", "synapse", "vault", "web"]),
    ordinary("portal", &["control", "identity", "web", "model"]),
    Edges { name: "server", may_use: May::All, pure: false },
    Edges { name: "testkit", may_use: May::All, pure: false },
    ordinary("xtask", &["testkit"]),
];

/// Crates that a pure crate must not use: they do I/O, or start threads.
const IMPURE: &[&str] = &[
    "axum",
    "hyper",
    "hyper-util",
    "rustix",
    "rustls",
    "rustls-platform-verifier",
    "socket2",
    "sqlx",
    "tokio",
    "tokio-rustls",
    "tower",
    "tracing-subscriber",
];

/// Compares the dependencies that cargo knows with the table.
pub(super) fn check(metadata: &Metadata, findings: &mut Vec<Finding>) {
    let members: Vec<&str> = metadata.packages.iter().map(|package| package.name.as_str()).collect();
    for package in &metadata.packages {
        let manifest = format!("crate {}", package.name);
        let Some(edges) = EDGES.iter().find(|edges| edges.name == package.name) else {
            findings.push(Finding::hard(&manifest, 0, "is not in the table of xtask/src/tidy/edges.rs"));
            continue;
        };
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            let development = dependency.kind.as_deref() == Some("dev");
            if members.contains(&name) && !allowed(edges, name, development) {
                let text = format!("must not depend on {name} (table in xtask/src/tidy/edges.rs)");
                findings.push(Finding::hard(&manifest, 0, &text));
            }
            if edges.pure && !development && IMPURE.contains(&name) {
                findings.push(Finding::hard(&manifest, 0, &format!("is pure and must not depend on {name}")));
            }
        }
    }
}

fn allowed(edges: &Edges, name: &str, development: bool) -> bool {
    let listed = match edges.may_use {
        May::Only(names) => names.contains(&name),
        May::All => name != "testkit",
    };
    // A crate tests itself with what it offers to the tests of others.
    listed || development && (name == "testkit" || name == edges.name)
}

/// True when the file belongs to a crate without I/O.
pub(super) fn is_pure_source(path: &str) -> bool {
    EDGES.iter().any(|edges| {
        edges.pure
            && path
                .strip_prefix("crates/")
                .and_then(|rest| rest.strip_prefix(edges.name))
                .is_some_and(|rest| rest.starts_with("/src/"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::{Dependency, Package};

    fn workspace(edges: &[(&str, &str, Option<&str>)]) -> Metadata {
        let mut packages: Vec<Package> = Vec::new();
        for name in ["model", "store", "gateway", "server", "testkit"] {
            let dependencies = edges
                .iter()
                .filter(|(from, ..)| *from == name)
                .map(|(_, to, kind)| Dependency { name: (*to).to_owned(), kind: kind.map(str::to_owned) })
                .collect();
            packages.push(Package { name: name.to_owned(), dependencies });
        }
        Metadata { packages, target_directory: "target".into() }
    }

    fn texts(metadata: &Metadata) -> Vec<String> {
        let mut findings = Vec::new();
        check(metadata, &mut findings);
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_edge_outside_the_table_is_found() {
        let found = texts(&workspace(&[("gateway", "store", None), ("gateway", "model", None)]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found.iter().any(|text| text.contains("crate gateway") && text.contains("store")));
    }

    #[test]
    fn testkit_is_for_tests_only() {
        assert_eq!(texts(&workspace(&[("store", "testkit", Some("dev"))])), Vec::<String>::new());
        assert_eq!(texts(&workspace(&[("store", "testkit", None)])).len(), 1);
        assert_eq!(texts(&workspace(&[("server", "testkit", None)])).len(), 1);
    }

    #[test]
    fn a_development_edge_may_not_go_around_the_table() {
        assert_eq!(texts(&workspace(&[("gateway", "store", Some("dev"))])).len(), 1);
    }

    #[test]
    fn a_pure_crate_has_no_runtime() {
        assert_eq!(texts(&workspace(&[("model", "tokio", None)])).len(), 1);
        assert_eq!(texts(&workspace(&[("store", "tokio", None)])), Vec::<String>::new());
    }

    #[test]
    fn an_unlisted_crate_is_found() {
        let mut metadata = workspace(&[]);
        metadata.packages.push(Package { name: "stray".to_owned(), dependencies: Vec::new() });
        assert_eq!(texts(&metadata).len(), 1);
    }

    #[test]
    fn pure_sources_are_told_by_their_path() {
        assert!(is_pure_source("crates/model/src/id.rs"));
        assert!(!is_pure_source("crates/model/tests/it/main.rs"));
        assert!(!is_pure_source("crates/store/src/lib.rs"));
    }
}
