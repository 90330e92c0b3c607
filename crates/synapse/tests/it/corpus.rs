//! Artifacts of WSO2's public repositories, when they lie beside the repository.

use std::path::{Path, PathBuf};

use synapse::check::{Report, Status};

fn corpus() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus/synapse");
    if root.is_dir() {
        return Some(root);
    }
    println!("skipped: there is no ../shared/corpus/synapse");
    None
}

fn check(folder: &Path, report: &mut Report) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            check(&path, report);
            continue;
        }
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                report.add(&path.display().to_string(), &text);
            }
            Err(_) => report.refuse(&path.display().to_string(), "unreadable", "not UTF-8", ""),
        }
    }
}

#[test]
fn nearly_everything_loads_and_refusals_say_why() {
    let Some(root) = corpus() else { return };
    let mut report = Report::default();
    for entry in std::fs::read_dir(&root).unwrap() {
        let path = entry.unwrap().path();
        if !path.ends_with("needs-outside") {
            check(&path, &mut report);
        }
    }
    for (kind, loaded, refused) in report.kinds() {
        println!("{kind:20} {loaded:5} {refused:5}");
    }
    for file in report.artifacts.iter().filter(|file| file.status == Status::Refused) {
        let first = file.reasons.first().expect("a refusal has a reason");
        println!("{} line {} {}: {}", file.path.rsplit('/').next().unwrap(), first.line, first.mediator, first.reason);
        assert!(first.line >= 1 && !first.reason.is_empty() && !first.mediator.is_empty());
    }
    let share = report.loaded as f64 / (report.loaded + report.refused) as f64;
    println!("{} of {} load: {share:.4}", report.loaded, report.loaded + report.refused);
    assert!(share >= 0.95, "{share}");
}
