//! Unit-test suites of WSO2's Synapse: inputs, mock services, assertions.

mod compare;
mod mock;
mod suite;

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;

pub use mock::{Exchanged, MockHost, World};
pub use suite::{Assertion, Case, MockResource, MockService, Suite, SuiteError};

use crate::artifact::{Artifact, compile};
use crate::configuration::Configuration;
use crate::engine::{Arrival, dispatch, run_sequence};
use crate::expression::Expression;
use crate::flow::{Flow, PropertyScope};
use crate::host::{Host, Reply};
use crate::message::{Headers, Message};
use crate::value::Value;

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CaseResult {
    /// Name of the case.
    pub name: String,
    /// True when every assertion holds.
    pub passed: bool,
    /// Why not: one line for each assertion.
    pub failures: Vec<String>,
    /// Calls that no mock service answered; a suite that needs the network has some.
    pub unanswered: Vec<String>,
    /// Lines of the log.
    pub log: Vec<String>,
}

/// Files of a project, by path.
pub type Files<'a> = &'a dyn Fn(&str) -> Option<Bytes>;

/// Runs all cases of a suite.
///
/// # Errors
/// An artifact of the suite that is missing or does not compile.
pub async fn run(suite: &Suite, world: &World, files: Files<'_>) -> Result<Vec<CaseResult>, SuiteError> {
    let mut results = Vec::with_capacity(suite.cases.len());
    for case in &suite.cases {
        // Everything is fresh for each case: state of endpoints and aggregates does not leak.
        let (configuration, test) = load(suite, files)?;
        results.push(run_case(suite, case, Arc::new(configuration), &test, world).await);
    }
    Ok(results)
}

/// What is tested.
enum Tested {
    Api(String),
    Proxy(String),
    Sequence(String),
    Other(String),
}

fn load(suite: &Suite, files: Files<'_>) -> Result<(Configuration, Tested), SuiteError> {
    let mut configuration = Configuration::new();
    let read = |path: &str| -> Result<Artifact, SuiteError> {
        let bytes = files(path).ok_or_else(|| SuiteError(format!("{path} does not exist")))?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        compile(&text).result.map_err(|faults| {
            let first = faults.first().map(ToString::to_string).unwrap_or_default();
            SuiteError(format!("{path}: {first}"))
        })
    };
    for path in &suite.supporting {
        configuration.add(read(path)?);
    }
    for (path, key) in &suite.resources {
        let bytes = files(path).ok_or_else(|| SuiteError(format!("{path} does not exist")))?;
        configuration.add_resource(key, bytes);
    }
    let artifact = read(&suite.artifact)?;
    let name = artifact.name().to_owned();
    let tested = match &artifact {
        Artifact::Api(api) => Tested::Api(api.context.clone()),
        Artifact::Proxy(_) => Tested::Proxy(name),
        Artifact::Sequence(_) => Tested::Sequence(name),
        other => Tested::Other(other.kind().to_owned()),
    };
    configuration.add(artifact);
    Ok((configuration, tested))
}

async fn run_case(
    suite: &Suite,
    case: &Case,
    configuration: Arc<Configuration>,
    tested: &Tested,
    world: &World,
) -> CaseResult {
    let host = Arc::new(MockHost::new(suite.mocks.clone(), Arc::clone(&configuration), world.clone()));
    let as_host: Arc<dyn Host> = Arc::clone(&host) as Arc<dyn Host>;
    let mut failures = Vec::new();
    let mut flow = None;
    match tested {
        Tested::Sequence(name) => match configuration.sequence(name) {
            Some(sequence) => {
                let prepared = run_sequence(&configuration, &as_host, &sequence, |flow| prepare(flow, case)).await;
                match prepared {
                    Ok(done) => flow = Some(done),
                    Err(failure) => failures.push(format!("the sequence failed: {failure}")),
                }
            }
            None => failures.push(format!("the sequence {name} is not there")),
        },
        Tested::Api(context) => {
            let path = case.path.as_deref().unwrap_or("/");
            let target =
                if path.starts_with(['/', '?']) { format!("{context}{path}") } else { format!("{context}/{path}") };
            serve(&configuration, &as_host, case, target, &mut failures).await;
        }
        Tested::Proxy(name) => {
            serve(&configuration, &as_host, case, format!("/services/{name}"), &mut failures).await;
        }
        Tested::Other(kind) => failures.push(format!("a {kind} cannot be tested by itself")),
    }
    let reply = host.reply_given();
    let mut view = View { flow, reply, configuration, host: as_host };
    if failures.is_empty() {
        for assertion in &case.assertions {
            if let Some(failure) = view.check(assertion) {
                failures.push(failure);
            }
        }
    }
    let exchanged = host.exchanged();
    let unanswered =
        exchanged.iter().filter(|one| !one.answered).map(|one| format!("{} {}", one.method, one.url)).collect();
    CaseResult { name: case.name.clone(), passed: failures.is_empty(), failures, unanswered, log: host.lines() }
}

async fn serve(
    configuration: &Arc<Configuration>,
    host: &Arc<dyn Host>,
    case: &Case,
    target: String,
    failures: &mut Vec<String>,
) {
    let message = message_of(case);
    let method = match (&case.method, &case.payload) {
        (Some(method), _) => method.to_ascii_uppercase(),
        (None, Some(_)) => "POST".to_owned(),
        (None, None) => "GET".to_owned(),
    };
    let scheme = case.protocol.clone().unwrap_or_else(|| "http".to_owned());
    let arrival = Arrival { method, target: target.clone(), scheme, peer: "127.0.0.1".to_owned(), message };
    if let Err(reason) = dispatch(configuration, host, arrival).await {
        failures.push(format!("nothing serves {target}: {reason:?}"));
    }
}

fn message_of(case: &Case) -> Message {
    let mut headers = Headers::new();
    for (name, scope, value) in &case.properties {
        if scope == "transport" {
            headers.set(name, value.as_str());
        }
    }
    let payload = case.payload.clone().unwrap_or_default();
    if headers.get("Content-Type").is_none() && !payload.is_empty() {
        headers.set("Content-Type", guess(&payload));
    }
    headers.set("Host", "localhost:8290");
    Message::raw(headers, Bytes::from(payload))
}

fn guess(payload: &str) -> &'static str {
    match payload.trim_start().chars().next() {
        Some('{' | '[') => "application/json",
        Some('<') => "text/xml",
        _ => "text/plain",
    }
}

fn prepare(flow: &mut Flow, case: &Case) {
    flow.message = message_of(case);
    for (name, scope, value) in &case.properties {
        let value = Value::text(value.as_str());
        match scope.as_str() {
            "axis2" => flow.axis2.insert(name.clone(), value),
            "operation" => flow.operation.insert(name.clone(), value),
            "transport" => None,
            _ => flow.properties.insert(name.clone(), value),
        };
    }
}

/// What assertions look at.
struct View {
    flow: Option<Flow>,
    reply: Option<Reply>,
    configuration: Arc<Configuration>,
    host: Arc<dyn Host>,
}

impl View {
    fn check(&mut self, assertion: &Assertion) -> Option<String> {
        let (actual, expected, message) = match assertion {
            Assertion::Equals { actual, expected, message } => (actual, Some(expected), message),
            Assertion::NotNull { actual, message } => (actual, None, message),
        };
        let found = match self.actual(actual) {
            Ok(found) => found,
            Err(reason) => return Some(format!("{message} ({actual}: {reason})")),
        };
        let holds = match expected {
            Some(expected) => found.iter().any(|found| compare::same(found, expected)),
            None => found.iter().any(|found| !found.is_empty()),
        };
        if holds {
            return None;
        }
        let shown: String = found.first().cloned().unwrap_or_default().chars().take(300).collect();
        Some(match expected {
            Some(expected) => format!(
                "{message} ({actual} is {shown:?}, expected {:?})",
                expected.chars().take(300).collect::<String>()
            ),
            None => format!("{message} ({actual} is empty)"),
        })
    }

    /// The texts that may stand for the actual value.
    fn actual(&mut self, actual: &str) -> Result<Vec<String>, String> {
        let actual = actual.trim();
        match (actual, &self.reply) {
            ("$statusCode", Some(reply)) => return Ok(vec![reply.status.to_string()]),
            ("$body", Some(reply)) => {
                return Ok(vec![String::from_utf8_lossy(&reply.body).into_owned()]);
            }
            _ => {}
        }
        if let (Some(name), Some(reply)) = (actual.strip_prefix("$trp:"), &self.reply) {
            return Ok(vec![reply.headers.get(name).unwrap_or_default().to_owned()]);
        }
        let mut made;
        let flow = match &mut self.flow {
            Some(flow) => flow,
            None => {
                let reply = self.reply.clone();
                let exchange =
                    crate::engine::Exchange::detached(Arc::clone(&self.configuration), Arc::clone(&self.host));
                let message = reply.map(|reply| Message::raw(reply.headers, reply.body)).unwrap_or_default();
                made = Flow::new(exchange, message);
                &mut made
            }
        };
        match actual {
            "$body" => return flow.message.text().map(|text| vec![text]).map_err(|e| e.to_string()),
            "$statusCode" => return Ok(vec![flow.property(PropertyScope::Axis2, "HTTP_SC").as_text()]),
            _ => {}
        }
        let expression = Expression::compile(actual, &Vec::new()).map_err(|e| e.to_string())?;
        let text = expression.text(flow).map_err(|e| e.to_string())?;
        Ok(vec![text])
    }
}
