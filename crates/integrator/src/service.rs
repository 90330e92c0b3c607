//! Parts that run beside requests.

use std::sync::Arc;

use synapse::Message;
use synapse::host::{HostError, Query, Reply, Rows, Stored, Waiting};

use crate::context::Context;
use crate::deployment::Deployment;

/// What speaks against a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeployFault {
    /// The file: a path, or an archive and a path inside of it.
    pub path: String,
    /// Line, from 1.
    pub line: u32,
    /// Mediator, or part of the artifact.
    pub part: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: String,
}

/// A request below `/services/` that no proxy takes, from a listener or as `local:///services/NAME`.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    /// HTTP method.
    pub(crate) method: String,
    /// Path with query, as in `/services/NAME/operation?a=b`.
    pub(crate) target: String,
    /// The message.
    pub(crate) message: Message,
    /// Address of the client.
    pub(crate) peer: String,
}

/// A part that runs beside requests, for as long as the integrator does.
pub(crate) trait Service: Send + Sync {
    /// What speaks against a deployment, before anything changes. The file that a fault names is not deployed.
    fn check(&self, _candidate: &Deployment) -> Vec<DeployFault> {
        Vec::new()
    }

    /// The deployment has been swapped: start what is new, stop what is gone, leave alone what has the same name and
    /// digest.
    fn apply<'a>(&'a self, context: &'a Arc<Context>, deployment: &'a Arc<Deployment>) -> Waiting<'a, ()>;

    /// Ends everything, within a few seconds.
    fn stop(&self) -> Waiting<'_, ()>;

    /// Keeps a message in a store of this name; none when the store is not this part's.
    fn store<'a>(&'a self, _name: &'a str, _message: &Stored) -> Option<Waiting<'a, Result<(), HostError>>> {
        None
    }

    /// Runs a statement of `dblookup`, `dbreport` or `transaction` for an exchange; none when that is not this part's.
    fn query<'a>(&'a self, _exchange: u64, _query: &Query) -> Option<Waiting<'a, Result<Rows, HostError>>> {
        None
    }

    /// An exchange has ended: what it left open is undone.
    fn ended(&self, _exchange: u64) {}

    /// Serves a request; none when the service is not this part's.
    fn serve<'a>(&'a self, _request: &'a Local) -> Option<Waiting<'a, Reply>> {
        None
    }
}
