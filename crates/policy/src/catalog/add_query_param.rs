//! Adds a query parameter to the upstream call.

use crate::metadata::{GATEWAYS, HTTP_TYPES};
use crate::{Attribute, Decision, Flow, Message, Metadata, Parameters, Policy, PolicyError, Step};

pub(super) struct AddQueryParam;

static METADATA: Metadata = Metadata {
    name: "addQueryParam",
    versions: &["v1", "v2"],
    display_name: "Add Query Param",
    description: "Adds a query parameter to the request.",
    category: "Mediation",
    applicable_flows: &[Flow::Request],
    supported_api_types: HTTP_TYPES,
    supported_gateways: GATEWAYS,
    attributes: &[
        Attribute::text("paramKey", "Parameter Key", "Name of the query parameter", "^[A-Za-z0-9._~-]+$"),
        Attribute::text("paramValue", "Parameter Value", "Value of the query parameter", ""),
    ],
};

impl Policy for AddQueryParam {
    fn metadata(&self) -> &'static Metadata {
        &METADATA
    }

    fn compile(&self, parameters: &Parameters<'_>) -> Result<Box<dyn Step>, PolicyError> {
        let mut pair = format!("{}=", parameters.text("paramKey"));
        for byte in parameters.text("paramValue").bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                pair.push(char::from(byte));
            } else {
                pair.push_str(&format!("%{byte:02X}"));
            }
        }
        Ok(Box::new(Compiled(pair)))
    }
}

#[derive(Debug)]
struct Compiled(String);

impl Step for Compiled {
    fn apply(&self, message: &mut Message<'_>) -> Decision {
        match &mut message.target.query {
            Some(query) if !query.is_empty() => {
                query.push('&');
                query.push_str(&self.0);
            }
            query => *query = Some(self.0.clone()),
        }
        Decision::Continue
    }
}
