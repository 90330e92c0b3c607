//! The catalogue of gateway policies (WSO2: operation policies). Pure: policies decide and change a message view, they
//! do no I/O. Depends on `model` only.
//!
//! A policy is one file in `catalog/` and one line in [`CATALOG`]. It is compiled once, when an API is deployed; bad
//! parameters are refused then, never on a call. To add one, copy `catalog/add_header.rs`.

mod catalog;
mod definition;
mod flow;
#[cfg(test)]
mod fuzz;
mod graphql;
mod message;
mod metadata;
mod parameters;
mod schema;
mod xml;

pub use catalog::CATALOG;
pub use definition::{DefinitionError, translate};
pub use flow::{CompiledFlow, CompiledFlows, FlowError, compile};
pub use graphql::{GraphqlError, GraphqlKind, GraphqlQuery};
pub use message::{Decision, FaultFormat, Message, Target};
pub use metadata::{Attribute, AttributeType, Flow, Metadata, Policy, Step};
pub use parameters::{Parameters, PolicyError};
pub use schema::{Mock, MockAnswer, SchemaError, Validation};
pub use xml::UNREADABLE_BODY;

#[cfg(test)]
mod tests;
