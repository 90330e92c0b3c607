//! `portcullis integrator test`

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use synapse::unit_test::{CaseResult, MockService, Suite, World, run as run_suite};
use synapse::xml::escape_text;

use super::{files, read};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::installation::world;
use crate::terminal::Terminal;

/// A suite and what came of it: its cases, or why it could not run.
struct Ran {
    path: PathBuf,
    cases: Result<Vec<CaseResult>, String>,
}

pub(super) async fn run(
    path: &Path,
    junit: Option<&Path>,
    mocks: &[PathBuf],
    as_json: bool,
    terminal: Terminal,
) -> Outcome {
    let mut more = Vec::new();
    for file in mocks {
        let text = String::from_utf8_lossy(&read(file)?).into_owned();
        let mock = MockService::parse(&text);
        more.push(
            mock.map_err(|e| Failure::usage(format!("{}: {e}", file.display()), "name a file with a mock-service"))?,
        );
    }
    let more = Arc::new(more);
    let mut ran = Vec::new();
    for file in files(path)? {
        if file.extension().is_none_or(|extension| extension != "xml") {
            continue;
        }
        let text = String::from_utf8_lossy(&read(&file)?).into_owned();
        if !text.contains("<unit-test") {
            continue;
        }
        let cases = suite(&file, &text, Arc::clone(&more)).await;
        ran.push(Ran { path: file, cases });
    }
    if ran.is_empty() {
        return Err(Failure::usage(
            format!("there is no unit-test suite below {}", path.display()),
            "suites lie in src/test",
        ));
    }
    if let Some(junit) = junit {
        std::fs::write(junit, junit_report(&ran)).map_err(|e| Failure::io(junit, "write", &e))?;
    }
    report(&ran, as_json, terminal)
}

async fn suite(path: &Path, text: &str, mocks: Arc<Vec<MockService>>) -> Result<Vec<CaseResult>, String> {
    let project = project_of(path);
    let inside = |name: &str| -> Option<PathBuf> {
        let outside = name.split(['/', '\\']).any(|part| part == "..") || name.starts_with('/');
        (!outside).then(|| project.join(name))
    };
    let bytes = |name: &str| inside(name).and_then(|path| read(&path).ok());
    let text_of = |name: &str| bytes(name).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let suite = Suite::parse(text, &text_of).map_err(|e| e.to_string())?;
    let settings = bytes("src/main/wso2mi/resources/conf/config.properties").map(|bytes| properties(&bytes));
    let (clock, rng) = world();
    let world = World { clock, rng, settings: Arc::new(settings.unwrap_or_default()), mocks };
    run_suite(&suite, &world, &|name| bytes(name).map(Bytes::from)).await.map_err(|e| e.to_string())
}

/// The folder that the paths of a suite begin at: the one that holds `src`.
fn project_of(path: &Path) -> PathBuf {
    let mut at = path.parent();
    while let Some(folder) = at {
        if folder.join("src/main").is_dir() {
            return folder.to_owned();
        }
        at = folder.parent();
    }
    path.parent().map(Path::to_owned).unwrap_or_default()
}

/// Names and defaults of a project's settings: `name:type=value`.
fn properties(bytes: &[u8]) -> BTreeMap<String, String> {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .filter_map(|line| {
            let (name, value) = line.split_once('=')?;
            let name = name.split(':').next().unwrap_or(name);
            Some((name.trim().to_owned(), value.trim().to_owned()))
        })
        .collect()
}

fn report(ran: &[Ran], as_json: bool, terminal: Terminal) -> Outcome {
    let (mut passed, mut failed) = (0, 0);
    let mut out = String::new();
    for suite in ran {
        out.push_str(&format!("{}\n", suite.path.display()));
        match &suite.cases {
            Err(reason) => {
                failed += 1;
                out.push_str(&format!("  cannot run: {reason}\n"));
            }
            Ok(cases) => {
                for case in cases {
                    if case.passed {
                        passed += 1;
                    } else {
                        failed += 1;
                    }
                    out.push_str(&format!("  {} {}\n", if case.passed { "passed" } else { "FAILED" }, case.name));
                    case.failures.iter().for_each(|failure| out.push_str(&format!("    {failure}\n")));
                    if !case.passed {
                        case.unanswered
                            .iter()
                            .for_each(|call| out.push_str(&format!("    no mock service answers {call}\n")));
                    }
                }
            }
        }
    }
    let suites: Vec<serde_json::Value> = ran
        .iter()
        .map(|suite| match &suite.cases {
            Ok(cases) => json!({ "path": suite.path, "cases": cases }),
            Err(reason) => json!({ "path": suite.path, "error": reason }),
        })
        .collect();
    let data = json!({ "passed": passed, "failed": failed, "suites": suites });
    out.push_str(&format!("{passed} passed, {failed} failed"));
    if as_json {
        terminal.raw(&serde_json::to_string_pretty(&data).unwrap_or_default());
    } else {
        terminal.result(&data, || out);
    }
    if failed == 0 {
        return Ok(());
    }
    let what = format!("{failed} of {} cases failed", passed + failed);
    let fix = "add mock services with --mock FILE for calls that nothing answers";
    Err(Failure::new(Exit::Refused, "INT002", what, "", fix))
}

/// The report as JUnit writes it, for continuous integration.
fn junit_report(ran: &[Ran]) -> String {
    let attribute = |text: &str| escape_text(text).replace('"', "&quot;");
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n");
    for suite in ran {
        let name = attribute(&suite.path.display().to_string());
        let failed = match &suite.cases {
            Ok(cases) => cases.iter().filter(|case| !case.passed).count(),
            Err(_) => 0,
        };
        let count = suite.cases.as_ref().map_or(1, Vec::len);
        let errors = usize::from(suite.cases.is_err());
        out.push_str(&format!(
            "  <testsuite name=\"{name}\" tests=\"{count}\" failures=\"{failed}\" errors=\"{errors}\">\n"
        ));
        match &suite.cases {
            Err(reason) => {
                let reason = attribute(reason);
                out.push_str(&format!("    <testcase name=\"suite\"><error message=\"{reason}\"/></testcase>\n"));
            }
            Ok(cases) => {
                for case in cases {
                    out.push_str(&format!("    <testcase name=\"{}\">", attribute(&case.name)));
                    if !case.passed {
                        out.push_str(&format!("<failure message=\"{}\"/>", attribute(&case.failures.join("; "))));
                    }
                    out.push_str("</testcase>\n");
                }
            }
        }
        out.push_str("  </testsuite>\n");
    }
    out.push_str("</testsuites>\n");
    out
}
