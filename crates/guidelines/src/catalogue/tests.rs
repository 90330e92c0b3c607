use super::{GUIDELINES, Guideline, guideline, page};
use crate::CHECKS;

/// The ids of the specification; they are permanent.
const IDS: &str = "A01 A02 A03 A04 A05 A06 A07 A08 A09 A10 A11 A12 A13 A14 A15 A16 A17 A18 A19 A20 A21 A22 A23 A24 A25 \
                   M01 M02 O01 O02 O03 O04 O05 O06 O07 O08 O09 N01 N02 N03 N04 N05 N06 \
                   X01 X02 X03 X04 X05 X06 X07 X08 X09 X10";

fn all() -> impl Iterator<Item = &'static Guideline> {
    GUIDELINES.iter().copied().flatten()
}

#[test]
fn every_id_of_the_specification_has_a_guideline_in_order() {
    let ids: Vec<_> = all().map(|guideline| guideline.id).collect();
    assert_eq!(ids.join(" "), IDS.split_whitespace().collect::<Vec<_>>().join(" "));
}

#[test]
fn the_ids_are_those_of_the_specification_file() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/design/guidelines.md");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: the specification does not lie beside the repository");
        return;
    };
    let rows = text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let rows: Vec<_> = rows.filter(|id| id.len() == 3 && id[1..].parse::<u32>().is_ok()).collect();
    assert_eq!(rows, IDS.split_whitespace().collect::<Vec<_>>());
}

#[test]
fn every_row_of_the_seeds_has_a_guideline() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/seeds");
    let Ok(files) = std::fs::read_dir(path) else {
        println!("skipped: the seed documents do not lie beside the repository");
        return;
    };
    let mut missing = Vec::new();
    let text: String = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect();
    let text = text.replace("<strong>", "").replace("</strong>", "").replace("<code>", "").replace("</code>", "");
    let text = text.replace("&quot;", "\"").to_lowercase();
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for guideline in all().filter(|guideline| guideline.family != super::Family::Newer) {
        if !text.contains(&guideline.seed.to_lowercase()) {
            missing.push((guideline.id, guideline.seed));
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_guideline_has_checks_and_every_check_a_guideline() {
    for guideline in all() {
        assert!(guideline.checks().next().is_some(), "{} has no check", guideline.id);
        assert!(!guideline.rationale.is_empty() && !guideline.built.is_empty() && !guideline.seed.is_empty());
    }
    for check in CHECKS {
        assert!(guideline(check.meta.guideline()).is_some(), "{}", check.meta.id);
    }
}

#[test]
fn pages_name_every_check() {
    for guideline in all() {
        let page = page(guideline);
        assert!(guideline.checks().all(|check| page.contains(check.meta.id) && page.contains(check.meta.title)));
        assert!(page.starts_with(&format!("# {}", guideline.id)));
    }
}

/// Guidelines of which an installation has nothing to show, and where else it is looked for.
const ELSEWHERE: &[(&str, &str)] = &[("O04", "A04.50"), ("A14", "A14.50")];

#[test]
fn a_guideline_without_a_check_names_the_test_that_proves_it() {
    let own = |guideline: &Guideline| {
        guideline.checks().filter(|check| check.meta.applies_to != crate::AppliesTo::Wso2).count()
    };
    for guideline in all().filter(|guideline| own(guideline) == 0) {
        let elsewhere = ELSEWHERE.iter().find(|(id, _)| *id == guideline.id);
        let looked = elsewhere.is_some_and(|(_, check)| CHECKS.iter().any(|known| known.meta.id == *check));
        assert!(looked || guideline.proofs().next().is_some(), "{} has neither a check nor a test", guideline.id);
    }
}

#[test]
fn every_named_test_exists() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    for proof in super::PROOFS {
        assert!(guideline(proof.guideline).is_some(), "{}", proof.guideline);
        let text = std::fs::read_to_string(format!("{root}/{}", proof.file));
        let text = text.unwrap_or_else(|error| panic!("{} {}: {error}", proof.guideline, proof.file));
        // A test, not a function that happens to have the name: its attribute stands right above.
        let at = text.find(&format!("fn {}(", proof.test)).unwrap_or_else(|| panic!("{} is not there", proof.test));
        let before = text[..at].trim_end_matches("async ").trim_end();
        assert!(before.ends_with(']') && before.lines().last().unwrap().contains("test"), "{}", proof.test);
    }
    let ids: Vec<_> = super::PROOFS.iter().map(|proof| proof.guideline).collect();
    assert!(ids.is_sorted_by_key(|id| all().position(|known| known.id == *id)), "in the order of the guidelines");
}

/// What refuses at run time names the same ids as the audit.
#[test]
fn every_check_that_a_source_names_is_in_the_catalogue() {
    fn files(folder: &std::path::Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                files(&path, found);
            } else if path.extension().is_some_and(|end| end == "rs") {
                found.push(path);
            }
        }
    }
    let crates = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let mut sources = Vec::new();
    for name in ["control", "gateway", "identity", "integrator", "vault", "web", "server"] {
        files(&crates.join(name).join("src"), &mut sources);
    }
    let mut named = std::collections::BTreeSet::new();
    for path in sources {
        let text = std::fs::read_to_string(&path).unwrap();
        for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.')) {
            let word = word.trim_end_matches('.');
            let Some((guideline, number)) = word.split_once('.') else { continue };
            let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let letter = guideline.starts_with(['A', 'M', 'O', 'N', 'X']);
            if guideline.len() == 3 && letter && digits(&guideline[1..]) && digits(number) {
                named.insert(word.to_owned());
                let known = CHECKS.iter().any(|check| check.meta.id == word);
                assert!(known, "{}: {word} is no check", path.display());
            }
        }
    }
    assert!(named.len() > 20, "{named:?}");
}
