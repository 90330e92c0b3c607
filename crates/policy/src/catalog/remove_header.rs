//! Removes a header.

use http::HeaderName;

use super::header_name;
use crate::metadata::{GATEWAYS, HTTP_TYPES};
use crate::{Attribute, Decision, Flow, Message, Metadata, Parameters, Policy, PolicyError, Step};

pub(super) struct RemoveHeader;

static METADATA: Metadata = Metadata {
    name: "removeHeader",
    versions: &["v1", "v2"],
    display_name: "Remove Header",
    description: "Removes a header from the request or the response.",
    category: "Mediation",
    applicable_flows: &[Flow::Request, Flow::Response, Flow::Fault],
    supported_api_types: HTTP_TYPES,
    supported_gateways: GATEWAYS,
    attributes: &[Attribute::text(
        "headerName",
        "Header Name",
        "Name of the header to be removed",
        "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$",
    )],
};

impl Policy for RemoveHeader {
    fn metadata(&self) -> &'static Metadata {
        &METADATA
    }

    fn compile(&self, parameters: &Parameters<'_>) -> Result<Box<dyn Step>, PolicyError> {
        Ok(Box::new(Compiled(header_name(parameters, "headerName")?)))
    }
}

#[derive(Debug)]
struct Compiled(HeaderName);

impl Step for Compiled {
    fn apply(&self, message: &mut Message<'_>) -> Decision {
        message.headers.remove(&self.0);
        Decision::Continue
    }
}
