//! Synapse: artifacts of WSO2's Micro Integrator, parsed with their lines, compiled to checked programs, and run.
//!
//! Pure: no tokio, sockets, files, wall clock or global state. A program touches the world through [`Host`] alone, so a
//! flow runs in a test with a scripted host. May depend on `model`.
//!
//! To add a mediator: a file in `mediators/` and its line in `mediators::MEDIATORS`.

pub mod artifact;
mod calendar;
pub mod car;
pub mod check;
mod compile;
mod configuration;
mod endpoint;
pub mod engine;
mod expression;
mod flow;
#[cfg(test)]
mod fuzz;
pub mod host;
pub mod json;
mod jsonpath;
mod mediator;
mod mediators;
mod message;
mod pattern;
mod script;
pub mod soap;
mod synexpr;
mod text;
pub mod unit_test;
mod value;
pub mod xml;
mod xpath;
mod xquery;
mod xsd;
mod xslt;

pub use compile::Fault;
pub use configuration::Configuration;
pub use endpoint::Endpoint;
pub use expression::{Expression, Namespaces, SyntaxError};
pub use flow::{Budget, Failure, Flow, PropertyScope, Scope};
pub use host::Host;
pub use mediator::Sequence;
pub use mediators::catalogue;
pub use message::{Body, BodyError, Headers, Message, Rendered, media_type};
pub use pattern::Pattern;
pub use value::Value;
