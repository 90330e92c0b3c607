//! Adds a header to what the next party receives, besides values that are already there.

use http::{HeaderName, HeaderValue};

use super::header_name;
use crate::metadata::{GATEWAYS, HTTP_TYPES};
use crate::{Attribute, Decision, Flow, Message, Metadata, Parameters, Policy, PolicyError, Step};

pub(super) struct AddHeader;

static METADATA: Metadata = Metadata {
    name: "addHeader",
    versions: &["v1", "v2", "v3"],
    display_name: "Add Header",
    description: "Adds a header to the request or the response.",
    category: "Mediation",
    applicable_flows: &[Flow::Request, Flow::Response, Flow::Fault],
    supported_api_types: HTTP_TYPES,
    supported_gateways: GATEWAYS,
    attributes: &[
        Attribute::text("headerName", "Header Name", "Name of the header to be added", "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"),
        Attribute::text("headerValue", "Header Value", "Value of the header", ""),
    ],
};

impl Policy for AddHeader {
    fn metadata(&self) -> &'static Metadata {
        &METADATA
    }

    fn compile(&self, parameters: &Parameters<'_>) -> Result<Box<dyn Step>, PolicyError> {
        Ok(Box::new(Compiled { name: header_name(parameters, "headerName")?, value: parameters.parse("headerValue")? }))
    }
}

#[derive(Debug)]
struct Compiled {
    name: HeaderName,
    value: HeaderValue,
}

impl Step for Compiled {
    fn apply(&self, message: &mut Message<'_>) -> Decision {
        // The map is full only beyond 32,768 fields; dropping an addition then is the bounded choice.
        let _full = message.headers.try_append(self.name.clone(), self.value.clone());
        Decision::Continue
    }
}
