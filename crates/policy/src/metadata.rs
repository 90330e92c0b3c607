//! What a policy says about itself; `GET /operation-policies` and the Publisher's forms are rendered from it.

use serde::Serialize;

use crate::{Decision, Message, Parameters, PolicyError};

/// Where in a call a policy runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Flow {
    /// Before the upstream is called.
    Request,
    /// Before the upstream's answer is returned.
    Response,
    /// When the gateway answers an error itself.
    Fault,
}

/// Form control and value check of an attribute, WSO2's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum AttributeType {
    /// Any text the attribute's pattern accepts.
    String,
    /// `true` or `false`, as JSON boolean or text.
    Boolean,
    /// One of the attribute's allowed values.
    Enum,
}

/// One parameter of a policy (WSO2: `policyAttributes`).
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Attribute {
    /// Key in the parameters.
    pub name: &'static str,
    /// Label in forms.
    pub display_name: &'static str,
    /// Help text in forms.
    pub description: &'static str,
    /// Regular expression the whole value must match; empty means any.
    pub validation_regex: &'static str,
    /// Form control and value check.
    #[serde(rename = "type")]
    pub kind: AttributeType,
    /// Value when the parameter is absent; empty means none.
    pub default_value: &'static str,
    /// Whether a value is needed.
    pub required: bool,
    /// Values of an [`AttributeType::Enum`].
    pub allowed_values: &'static [&'static str],
}

impl Attribute {
    /// A required text with a pattern.
    pub(crate) const fn text(
        name: &'static str,
        display_name: &'static str,
        description: &'static str,
        validation_regex: &'static str,
    ) -> Self {
        Self {
            name,
            display_name,
            description,
            validation_regex,
            kind: AttributeType::String,
            default_value: "",
            required: true,
            allowed_values: &[],
        }
    }

    /// A switch that is off unless set.
    pub(crate) const fn switch(name: &'static str, display_name: &'static str, description: &'static str) -> Self {
        Self {
            name,
            display_name,
            description,
            validation_regex: "",
            kind: AttributeType::Boolean,
            default_value: "false",
            required: false,
            allowed_values: &[],
        }
    }

    /// One of some values, required.
    pub(crate) const fn choice(
        name: &'static str,
        display_name: &'static str,
        description: &'static str,
        allowed_values: &'static [&'static str],
    ) -> Self {
        Self {
            name,
            display_name,
            description,
            validation_regex: "",
            kind: AttributeType::Enum,
            default_value: "",
            required: true,
            allowed_values,
        }
    }

    /// The same attribute, not required, with the value that it has when absent.
    pub(crate) const fn default(mut self, value: &'static str) -> Self {
        self.required = false;
        self.default_value = value;
        self
    }

    /// The same attribute, not required.
    pub(crate) const fn optional(mut self) -> Self {
        self.required = false;
        self
    }
}

/// Specification of a policy (WSO2: `operation_policy_specification`).
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// WSO2's `policyName`, the catalogue key.
    pub name: &'static str,
    /// Accepted `policyVersion`s, oldest first; they mean the same here.
    pub versions: &'static [&'static str],
    /// Label in forms.
    pub display_name: &'static str,
    /// One sentence.
    pub description: &'static str,
    /// `Mediation` or `Security`.
    pub category: &'static str,
    /// Flows it may be attached to.
    pub applicable_flows: &'static [Flow],
    /// API types it may be attached to, WSO2's names.
    pub supported_api_types: &'static [&'static str],
    /// Gateway types, WSO2's names.
    pub supported_gateways: &'static [&'static str],
    /// Parameters.
    #[serde(rename = "policyAttributes")]
    pub attributes: &'static [Attribute],
}

/// API types of a policy that works on any HTTP message.
pub(crate) const HTTP_TYPES: &[&str] = &["HTTP", "SOAP", "SOAPTOREST", "GRAPHQL"];
/// The gateway type every WSO2 policy names.
pub(crate) const GATEWAYS: &[&str] = &["Synapse"];

/// One entry of the catalogue.
pub trait Policy: Sync {
    /// Its specification.
    fn metadata(&self) -> &'static Metadata;

    /// Turns checked parameters into something that runs.
    ///
    /// # Errors
    /// [`PolicyError`] for a parameter that the specification alone cannot judge.
    fn compile(&self, parameters: &Parameters<'_>) -> Result<Box<dyn Step>, PolicyError>;
}

/// A compiled policy.
pub trait Step: Send + Sync + std::fmt::Debug {
    /// Decides on one message; must not block.
    fn apply(&self, message: &mut Message<'_>) -> Decision;

    /// Whether [`Message::body`] is needed; the gateway then buffers the body within its cap.
    fn needs_body(&self) -> bool {
        false
    }
}
