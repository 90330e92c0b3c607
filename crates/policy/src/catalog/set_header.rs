//! Sets a header, replacing what is there.

use http::{HeaderName, HeaderValue};

use super::header_name;
use crate::metadata::{GATEWAYS, HTTP_TYPES};
use crate::{Attribute, Decision, Flow, Message, Metadata, Parameters, Policy, PolicyError, Step};

pub(super) struct SetHeader;

static METADATA: Metadata = Metadata {
    name: "setHeader",
    versions: &["v1", "v2"],
    display_name: "Set Header",
    description: "Sets a header of the request or the response; a value that is already there is replaced.",
    category: "Mediation",
    applicable_flows: &[Flow::Request, Flow::Response, Flow::Fault],
    supported_api_types: HTTP_TYPES,
    supported_gateways: GATEWAYS,
    attributes: &[
        Attribute::text("headerName", "Header Name", "Name of the header to be set", "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"),
        Attribute::text("headerValue", "Header Value", "Value of the header", ""),
    ],
};

impl Policy for SetHeader {
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
        let _full = message.headers.try_insert(self.name.clone(), self.value.clone());
        Decision::Continue
    }
}
