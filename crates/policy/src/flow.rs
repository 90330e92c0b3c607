//! Compiled sequences of policies.

use model::snapshot::{PolicyFlows, PolicyUse};

use crate::{CATALOG, Decision, Flow, Message, Parameters, PolicyError, Step};

/// Most policies of one flow.
const MAX_STEPS: usize = 64;

/// Why a set of flows is refused.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum FlowError {
    /// One use is wrong.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// More than 64 policies in one flow.
    #[error("a flow has at most {MAX_STEPS} policies")]
    TooLong,
}

/// The policies of one flow in order.
#[derive(Debug, Default)]
pub struct CompiledFlow {
    steps: Vec<Box<dyn Step>>,
    needs_body: bool,
}

impl CompiledFlow {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether a step needs the body.
    pub const fn needs_body(&self) -> bool {
        self.needs_body
    }

    /// Runs the steps until one answers.
    pub fn apply(&self, message: &mut Message<'_>) -> Decision {
        for step in &self.steps {
            let decision = step.apply(message);
            if decision != Decision::Continue {
                return decision;
            }
        }
        Decision::Continue
    }

    /// Lets a step run before all others.
    pub fn prepend(&mut self, step: Box<dyn Step>) {
        self.needs_body |= step.needs_body();
        self.steps.insert(0, step);
    }

    fn append(&mut self, uses: &[PolicyUse], flow: Flow) -> Result<(), FlowError> {
        for r#use in uses {
            if self.steps.len() >= MAX_STEPS {
                return Err(FlowError::TooLong);
            }
            let step = compile(r#use, flow)?;
            self.needs_body |= step.needs_body();
            self.steps.push(step);
        }
        Ok(())
    }
}

/// The three flows of a resource.
#[derive(Debug, Default)]
pub struct CompiledFlows {
    /// Before the upstream is called.
    pub request: CompiledFlow,
    /// Before the answer is returned.
    pub response: CompiledFlow,
    /// When the gateway answers an error itself.
    pub fault: CompiledFlow,
}

impl CompiledFlows {
    /// Compiles the policies of the API followed by those of the resource.
    ///
    /// # Errors
    /// [`FlowError`]: the first use that is refused.
    pub fn compile(api: &PolicyFlows, resource: &PolicyFlows) -> Result<Self, FlowError> {
        let mut flows = Self::default();
        for source in [api, resource] {
            flows.request.append(&source.request, Flow::Request)?;
            flows.response.append(&source.response, Flow::Response)?;
            flows.fault.append(&source.fault, Flow::Fault)?;
        }
        Ok(flows)
    }

    /// Whether there is nothing to do in any flow.
    pub fn is_empty(&self) -> bool {
        self.request.is_empty() && self.response.is_empty() && self.fault.is_empty()
    }
}

/// Compiles one use of a policy. Versions may be written `v1` or `1`; an absent version means the newest.
///
/// # Errors
/// [`PolicyError`]: unknown policy or version, wrong flow, bad parameters.
pub fn compile(r#use: &PolicyUse, flow: Flow) -> Result<Box<dyn Step>, PolicyError> {
    let policy = CATALOG
        .iter()
        .find(|p| p.metadata().name == r#use.name)
        .ok_or_else(|| PolicyError::UnknownPolicy(r#use.name.clone()))?;
    let metadata = policy.metadata();
    let version = r#use.version.trim_start_matches('v');
    if !version.is_empty() && !metadata.versions.iter().any(|v| v.trim_start_matches('v') == version) {
        return Err(PolicyError::UnknownVersion { name: metadata.name, version: r#use.version.clone() });
    }
    if !metadata.applicable_flows.contains(&flow) {
        let flow = match flow {
            Flow::Request => "request",
            Flow::Response => "response",
            Flow::Fault => "fault",
        };
        return Err(PolicyError::Flow { name: metadata.name, flow });
    }
    policy.compile(&Parameters::check(metadata, &r#use.parameters)?)
}
