//! All policies, in the order in which lists show them.

mod add_header;
mod add_query_param;
mod json_fault;
mod json_threat;
mod json_to_xml;
mod jwt_claim_access;
mod regex_threat;
mod remove_header;
mod rewrite_method;
mod rewrite_path;
mod set_header;
mod xml_threat;
mod xml_to_json;

use crate::Policy;

/// Every policy the gateway has.
pub const CATALOG: &[&dyn Policy] = &[
    &add_header::AddHeader,
    &set_header::SetHeader,
    &remove_header::RemoveHeader,
    &add_query_param::AddQueryParam,
    &rewrite_path::RewritePath,
    &rewrite_method::RewriteMethod,
    &json_to_xml::JsonToXml,
    &xml_to_json::XmlToJson,
    &json_fault::JsonFault,
    &jwt_claim_access::JwtClaimAccess,
    &regex_threat::RegexThreat,
    &json_threat::JsonThreat,
    &xml_threat::XmlThreat,
];

/// The answer to a request that a threat protection refuses.
fn threat(description: String) -> crate::Decision {
    crate::Decision::Respond { status: 400, code: 400, message: "Bad Request".into(), description: description.into() }
}

/// Headers that frame a message or route a connection. A policy that wrote one could smuggle a second request.
const FRAMING_HEADERS: [&str; 9] = [
    "connection",
    "content-length",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Reads a header name that a policy may touch.
fn header_name(
    parameters: &crate::Parameters<'_>,
    attribute: &'static str,
) -> Result<http::HeaderName, crate::PolicyError> {
    let name: http::HeaderName = parameters.parse(attribute)?;
    if FRAMING_HEADERS.contains(&name.as_str()) {
        let reason = format!("{name} frames or routes the message; the gateway sets it");
        return Err(parameters.invalid(attribute, reason));
    }
    Ok(name)
}
