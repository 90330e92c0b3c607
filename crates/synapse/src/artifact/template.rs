//! Templates of sequences and endpoints.

use super::Artifact;
use crate::compile::Compiler;
use crate::endpoint::{self, Endpoint};
use crate::mediator::Sequence;
use crate::xml::Element;

/// A parameter of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateParameter {
    /// Name.
    pub name: String,
    /// True when a call without it is refused.
    pub mandatory: bool,
    /// Value of a call without it.
    pub default: Option<String>,
}

/// A sequence with parameters.
#[derive(Debug)]
pub struct SequenceTemplate {
    /// Name.
    pub name: String,
    /// Parameters.
    pub parameters: Vec<TemplateParameter>,
    /// The sequence.
    pub sequence: Sequence,
}

/// An endpoint with parameters, which stand as `$name` in its attributes.
#[derive(Debug)]
pub struct EndpointTemplate {
    /// Name.
    pub name: String,
    /// Names of the parameters.
    pub parameters: Vec<String>,
    /// The endpoint.
    pub endpoint: Endpoint,
}

pub(super) fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Artifact> {
    let name = compiler.required(element, "name")?;
    let parameters: Vec<TemplateParameter> = element
        .children_named("parameter")
        .filter_map(|child| {
            Some(TemplateParameter {
                name: compiler.required(child, "name")?,
                mandatory: compiler.flag(child, "isMandatory", false),
                default: child.attribute("defaultValue").map(str::to_owned),
            })
        })
        .collect();
    if let Some(child) = element.child("sequence") {
        let on_error = element.given("onError").or_else(|| child.given("onError"));
        let mut sequence = compiler.sequence(child);
        sequence.on_error = on_error.and_then(|key| compiler.value(element, key));
        return Some(Artifact::SequenceTemplate(SequenceTemplate { name, parameters, sequence }));
    }
    if let Some(child) = element.child("endpoint") {
        let endpoint = endpoint::compile_template(compiler, child)?;
        let parameters = parameters.into_iter().map(|parameter| parameter.name).collect();
        return Some(Artifact::EndpointTemplate(EndpointTemplate { name, parameters, endpoint }));
    }
    compiler.fault(element, "a template holds a sequence or an endpoint", "");
    None
}
