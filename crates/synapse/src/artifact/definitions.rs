//! `definitions`: the old form with everything in one file.

use super::{Artifact, one};
use crate::compile::Compiler;
use crate::mediator::Sequence;
use crate::mediators;
use crate::xml::Element;

/// Compiles every part. Mediators that stand directly in it are the main sequence.
pub(super) fn compile(compiler: &mut Compiler, element: Element<'_>) -> Vec<Artifact> {
    let mut parts = Vec::new();
    let mut main = Sequence::new("main");
    for child in element.children() {
        match child.name() {
            "description" | "taskManager" | "import" => {}
            "eventSource" => compiler.fault(
                child,
                "event sources are not available",
                "publish to a message store or call the subscribers with a recipient list",
            ),
            "sequence" if child.given("key").is_some() && child.given("name").is_none() => {
                main.steps.extend(compiler.mediator(child));
            }
            name if is_artifact(name) => {
                let part = one(compiler, child);
                parts.extend(part);
            }
            name if mediators::find(name).is_some() => main.steps.extend(compiler.mediator(child)),
            name => {
                let (reason, hint) = mediators::why_not(name);
                compiler.fault(child, reason, hint);
            }
        }
    }
    if !main.steps.is_empty() && !parts.iter().any(|part| matches!(part, Artifact::Sequence(s) if s.name == "main")) {
        parts.push(Artifact::Sequence(main));
    }
    parts
}

fn is_artifact(name: &str) -> bool {
    matches!(
        name,
        "api"
            | "proxy"
            | "sequence"
            | "endpoint"
            | "template"
            | "localEntry"
            | "task"
            | "messageStore"
            | "messageProcessor"
            | "inboundEndpoint"
            | "registry"
    )
}
