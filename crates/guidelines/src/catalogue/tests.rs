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
