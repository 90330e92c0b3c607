use super::BREAKS;
use crate::{AppliesTo, CHECKS, Enforcement, Evaluation, Judgement, Posture, Severity, evaluate, findings, testing};

fn broken(evaluations: &[Evaluation]) -> Vec<&'static str> {
    evaluations.iter().filter(|e| matches!(e.judgement, Judgement::Broken(_))).map(|e| e.check.id).collect()
}

/// The good posture that a check looks at.
fn broken_by(id: &str) -> Posture {
    let check = CHECKS.iter().find(|check| check.meta.id == id).unwrap();
    if check.meta.applies_to == AppliesTo::Wso2 { testing::good_wso2() } else { testing::good() }
}

#[test]
fn ids_are_unique_and_in_order() {
    assert!(CHECKS.windows(2).all(|pair| pair[0].meta.order() < pair[1].meta.order()));
}

#[test]
fn there_are_at_least_150_checks() {
    println!("{} checks, {} ways to break them", CHECKS.len(), BREAKS.iter().map(|(_, all)| all.len()).sum::<usize>());
    assert!(CHECKS.len() >= 150, "{}", CHECKS.len());
}

#[test]
fn titles_are_unique_so_no_fact_is_counted_twice() {
    let mut titles: Vec<_> = CHECKS.iter().map(|check| check.meta.title).collect();
    titles.sort_unstable();
    titles.dedup();
    assert_eq!(titles.len(), CHECKS.len());
}

#[test]
fn the_good_postures_break_nothing() {
    for posture in [testing::good(), testing::good_wso2()] {
        let evaluations = evaluate(&posture);
        assert_eq!(broken(&evaluations), Vec::<&str>::new(), "{:?}", findings(&posture));
    }
}

#[test]
fn the_good_postures_pass_everything_that_a_program_can_see() {
    for posture in [testing::good(), testing::good_wso2()] {
        let people =
            |e: &Evaluation| matches!(&e.judgement, Judgement::Unknown(gap) if gap.why == "only people can know this");
        let unknown: Vec<_> = evaluate(&posture)
            .into_iter()
            .filter(|e| matches!(e.judgement, Judgement::Unknown(_)) && !people(e))
            .map(|e| e.check.id)
            .collect();
        assert_eq!(unknown, Vec::<&str>::new());
    }
}

#[test]
fn every_way_to_break_a_check_is_found_by_it() {
    let mut unseen = Vec::new();
    for (id, breaks) in BREAKS {
        for (name, change) in *breaks {
            let mut posture = broken_by(id);
            change(&mut posture);
            let evaluations = evaluate(&posture);
            if !broken(&evaluations).contains(id) {
                unseen.push(format!("{id} {name}"));
            }
            for finding in findings(&posture).iter().filter(|finding| finding.check.id == *id) {
                assert!(!finding.fault.observed.is_empty() && !finding.fault.fix.is_empty(), "{finding:?}");
            }
        }
    }
    assert_eq!(unseen, Vec::<String>::new());
}

#[test]
fn every_check_can_be_broken_or_is_for_people() {
    for (id, breaks) in BREAKS {
        let check = CHECKS.iter().find(|check| check.meta.id == *id).unwrap();
        let people =
            matches!((check.run)(&testing::good()), Judgement::Unknown(gap) if gap.why == "only people can know this");
        assert_eq!(breaks.is_empty(), people, "{id}");
    }
}

#[test]
fn what_nobody_looked_at_never_passes() {
    for is_wso2 in [false, true] {
        let posture = Posture { is_wso2, ..Posture::default() };
        for evaluation in evaluate(&posture) {
            assert!(matches!(evaluation.judgement, Judgement::Unknown(_)), "{evaluation:?}");
        }
        assert!(posture.exposed(), "unknown listeners count as exposed");
    }
}

#[test]
fn exposure_decides_for_exposed_rules_only() {
    for (id, breaks) in BREAKS {
        for (_, change) in *breaks {
            let mut posture = broken_by(id);
            change(&mut posture);
            for finding in findings(&posture) {
                let must = finding.check.severity == Severity::Must;
                assert_eq!(finding.refuses_start(true), must);
                assert_eq!(finding.refuses_start(false), must && finding.check.enforcement == Enforcement::Always);
            }
        }
    }
}

#[test]
fn a_key_file_of_root_is_fine_only_for_root() {
    let mut posture = testing::good();
    posture.process.known_mut().unwrap().uid = 0;
    for file in posture.files.known_mut().unwrap() {
        file.owner = 0;
    }
    assert!(!broken(&evaluate(&posture)).contains(&"A03.1"));
}
