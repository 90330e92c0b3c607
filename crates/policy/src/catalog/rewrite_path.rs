//! Replaces the resource path of the upstream call.

use crate::metadata::{GATEWAYS, HTTP_TYPES};
use crate::{Attribute, Decision, Flow, Message, Metadata, Parameters, Policy, PolicyError, Step};

pub(super) struct RewritePath;

static METADATA: Metadata = Metadata {
    name: "rewriteResourcePath",
    versions: &["v1", "v2", "v3"],
    display_name: "Rewrite Resource Path",
    description: "Replaces the resource path below the endpoint.",
    category: "Mediation",
    applicable_flows: &[Flow::Request],
    supported_api_types: HTTP_TYPES,
    supported_gateways: GATEWAYS,
    attributes: &[
        Attribute::text(
            "newResourcePath",
            "New Resource Path",
            "Path below the endpoint, as in /menu/today",
            "^/?[A-Za-z0-9._~!$&'()*+,=:@/-]*$",
        ),
        Attribute::switch("includeQueryParams", "Include Query Params", "Whether the query of the request is kept"),
    ],
};

impl Policy for RewritePath {
    fn metadata(&self) -> &'static Metadata {
        &METADATA
    }

    fn compile(&self, parameters: &Parameters<'_>) -> Result<Box<dyn Step>, PolicyError> {
        let path = format!("/{}", parameters.text("newResourcePath").trim_start_matches('/'));
        if path.contains("//") || path.split('/').any(|segment| segment == "." || segment == "..") {
            let reason = "empty and dot segments are ambiguous".into();
            return Err(parameters.invalid("newResourcePath", reason));
        }
        Ok(Box::new(Compiled { path, keep_query: parameters.switch("includeQueryParams") }))
    }
}

#[derive(Debug)]
struct Compiled {
    path: String,
    keep_query: bool,
}

impl Step for Compiled {
    fn apply(&self, message: &mut Message<'_>) -> Decision {
        message.target.path.clone_from(&self.path);
        if !self.keep_query {
            message.target.query = None;
        }
        Decision::Continue
    }
}
