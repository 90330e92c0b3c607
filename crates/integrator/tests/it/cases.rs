//! Tables of cases: each is an API of its own, asked once over a socket.

use crate::backend::{Backend, dead};
use crate::harness::{Answer, Running};

/// One case: mediators of an in sequence, a request, and what the answer has to be.
pub(crate) struct Case {
    /// Name, also the context of the API.
    pub(crate) name: &'static str,
    pub(crate) mediators: &'static str,
    /// Of the request; `GET` without a body.
    pub(crate) content_type: &'static str,
    pub(crate) body: &'static str,
    pub(crate) status: u16,
    /// The whole body when it begins with `=`, else a part of it; what follows `!` must not be in it.
    pub(crate) expects: &'static [&'static str],
}

/// A case with a JSON body.
pub(crate) const fn json(
    name: &'static str,
    mediators: &'static str,
    body: &'static str,
    status: u16,
    expects: &'static [&'static str],
) -> Case {
    Case { name, mediators, content_type: "application/json", body, status, expects }
}

/// A case with an XML body.
pub(crate) const fn xml(
    name: &'static str,
    mediators: &'static str,
    body: &'static str,
    status: u16,
    expects: &'static [&'static str],
) -> Case {
    Case { name, mediators, content_type: "application/xml", body, status, expects }
}

/// A case without a body.
pub(crate) const fn get(
    name: &'static str,
    mediators: &'static str,
    status: u16,
    expects: &'static [&'static str],
) -> Case {
    Case { name, mediators, content_type: "", body: "", status, expects }
}

/// What a fault sequence shows of a failure.
pub(crate) const SHOW: &str = "<payloadFactory media-type=\"json\"><format>{\"code\":\"$1\",\"message\":\"$2\",\"detail\":\"$3\"}</format><args>\
    <arg expression=\"get-property('ERROR_CODE')\"/><arg expression=\"get-property('ERROR_MESSAGE')\"/>\
    <arg expression=\"get-property('ERROR_DETAIL')\"/></args></payloadFactory>\
    <property name=\"HTTP_SC\" value=\"500\" scope=\"axis2\"/><respond/>";

/// Deploys and asks; every case that is not as expected is named at the end.
pub(crate) async fn run(cases: &[Case], more: &[(&str, &str)]) -> (Running, Backend) {
    let backend = Backend::start().await;
    let closed = dead().await;
    let fill = |text: &str| {
        text.replace("$BACKEND", &format!("http://{}", backend.address()))
            .replace("$DEAD", &format!("http://127.0.0.1:{closed}"))
            .replace("$SHOW", SHOW)
    };
    let mut artifacts: Vec<(String, String)> =
        more.iter().map(|(path, text)| ((*path).to_owned(), fill(text))).collect();
    for case in cases {
        let text = format!(
            "<api @NS name=\"{0}\" context=\"/{0}\"><resource methods=\"GET POST PUT DELETE\" url-mapping=\"/*\">\
             <inSequence>{1}</inSequence><outSequence><respond/></outSequence><faultSequence>{2}</faultSequence>\
             </resource></api>",
            case.name,
            fill(case.mediators),
            SHOW
        );
        artifacts.push((format!("api/{}.xml", case.name), text));
    }
    let list: Vec<(&str, String)> = artifacts.iter().map(|(path, text)| (path.as_str(), text.clone())).collect();
    let running = Running::start(&list).await;
    assert!(running.report.refused.is_empty(), "{:#?}", running.report.refused);
    let mut wrong = Vec::new();
    for case in cases {
        let target = format!("/{}/x/y?q=1&amp=2", case.name);
        let answer = if case.content_type.is_empty() {
            running.get(&target).await
        } else {
            running.post(&target, case.content_type, case.body).await
        };
        if let Some(reason) = differs(case, &answer) {
            wrong.push(format!("{}: {reason}\n    {} {:?} {}", case.name, answer.status, answer.headers, answer.body));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    (running, backend)
}

fn differs(case: &Case, answer: &Answer) -> Option<String> {
    if answer.status != case.status {
        return Some(format!("the status is not {}", case.status));
    }
    case.expects.iter().find_map(|expected| {
        let right = match (expected.strip_prefix('='), expected.strip_prefix('!')) {
            (Some(whole), _) => answer.body == whole,
            (_, Some(absent)) => !answer.body.contains(absent),
            _ => answer.body.contains(expected),
        };
        (!right).then(|| format!("expected {expected}"))
    })
}
