//! Replaces the method of the upstream call.

use http::Method;

use crate::metadata::{GATEWAYS, HTTP_TYPES};
use crate::{Attribute, Decision, Flow, Message, Metadata, Parameters, Policy, PolicyError, Step};

pub(super) struct RewriteMethod;

const METHODS: &[&str] = &["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"];

static METADATA: Metadata = Metadata {
    name: "rewriteHTTPMethod",
    versions: &["v1"],
    display_name: "Rewrite HTTP Method",
    description: "Calls the endpoint with another method when the request has the given one.",
    category: "Mediation",
    applicable_flows: &[Flow::Request],
    supported_api_types: HTTP_TYPES,
    supported_gateways: GATEWAYS,
    attributes: &[
        Attribute::choice("currentMethod", "Current Method", "Method of the request", METHODS),
        Attribute::choice("updatedMethod", "Updated Method", "Method of the upstream call", METHODS),
    ],
};

impl Policy for RewriteMethod {
    fn metadata(&self) -> &'static Metadata {
        &METADATA
    }

    fn compile(&self, parameters: &Parameters<'_>) -> Result<Box<dyn Step>, PolicyError> {
        Ok(Box::new(Compiled { from: parameters.parse("currentMethod")?, to: parameters.parse("updatedMethod")? }))
    }
}

#[derive(Debug)]
struct Compiled {
    from: Method,
    to: Method,
}

impl Step for Compiled {
    fn apply(&self, message: &mut Message<'_>) -> Decision {
        if *message.method == self.from {
            message.method.clone_from(&self.to);
        }
        Decision::Continue
    }
}
