//! The parts that this program is made of, as its build wrote them down (CycloneDX 1.6).

use model::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

const TEXT: &str = include_str!(concat!(env!("OUT_DIR"), "/sbom.json"));

/// Seconds since 1970 at which the program was built.
const BUILT_AT: &str = env!("PORTCULLIS_BUILT_AT");

/// One part.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Part {
    /// Its name in the registry.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
}

#[derive(Deserialize)]
struct Parts {
    components: Vec<Part>,
}

/// When the program was built.
pub(crate) fn built_at() -> Option<Timestamp> {
    BUILT_AT.parse().ok().map(Timestamp::from_seconds)
}

/// The parts that are linked into the program.
pub(crate) fn parts() -> Vec<Part> {
    serde_json::from_str::<Parts>(TEXT).map(|parts| parts.components).unwrap_or_default()
}

/// The whole document with the time of the build.
pub(crate) fn document() -> Value {
    let mut document: Value = serde_json::from_str(TEXT).unwrap_or_default();
    if let (Some(at), Some(metadata)) = (built_at(), document.get_mut("metadata").and_then(Value::as_object_mut)) {
        metadata.insert("timestamp".to_owned(), json!(at.rfc3339()));
    }
    document
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::document;

    #[test]
    fn the_list_has_what_is_linked_and_not_what_tests_need() {
        let document = document();
        let parts = document["components"].as_array().unwrap();
        let names: BTreeSet<&str> = parts.iter().map(|part| part["name"].as_str().unwrap()).collect();
        for linked in ["rustls", "aws-lc-rs", "hyper", "sqlx-core", "gateway", "vault"] {
            assert!(names.contains(linked), "{linked}");
        }
        for not in ["testkit", "server", "xtask", "cc", "windows-sys"] {
            assert!(!names.contains(not), "{not}");
        }
        assert!(names.len() > 150, "{}", names.len());
    }

    #[test]
    fn every_reference_of_the_document_leads_to_a_part() {
        let document = document();
        let texts = |pointer: &str| -> Vec<String> {
            let list = document.pointer(pointer).and_then(|list| list.as_array()).unwrap();
            list.iter().map(|part| part["bom-ref"].as_str().or(part["ref"].as_str()).unwrap().to_owned()).collect()
        };
        let known: BTreeSet<String> = texts("/components").into_iter().chain(["portcullis".to_owned()]).collect();
        assert_eq!(known.len(), texts("/components").len() + 1, "every part is named once");
        let listed: BTreeSet<String> = texts("/dependencies").into_iter().collect();
        assert_eq!(known, listed);
        for one in document["dependencies"].as_array().unwrap() {
            for on in one["dependsOn"].as_array().unwrap() {
                assert!(known.contains(on.as_str().unwrap()), "{on}");
            }
        }
    }
}
