//! Writes the gateway's own errors as JSON, whatever the client accepts.

use crate::metadata::{GATEWAYS, HTTP_TYPES};
use crate::{Decision, FaultFormat, Flow, Message, Metadata, Parameters, Policy, PolicyError, Step};

pub(super) struct JsonFault;

static METADATA: Metadata = Metadata {
    name: "jsonFault",
    versions: &["v1"],
    display_name: "JSON Fault",
    description: "Answers faults of the gateway in JSON.",
    category: "Mediation",
    applicable_flows: &[Flow::Fault],
    supported_api_types: HTTP_TYPES,
    supported_gateways: GATEWAYS,
    attributes: &[],
};

impl Policy for JsonFault {
    fn metadata(&self) -> &'static Metadata {
        &METADATA
    }

    fn compile(&self, _: &Parameters<'_>) -> Result<Box<dyn Step>, PolicyError> {
        Ok(Box::new(Compiled))
    }
}

#[derive(Debug)]
struct Compiled;

impl Step for Compiled {
    fn apply(&self, message: &mut Message<'_>) -> Decision {
        *message.fault_format = FaultFormat::Json;
        Decision::Continue
    }
}
