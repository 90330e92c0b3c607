//! The host of Synapse programs: what crate `synapse` decides, this crate does.
//!
//! A [`Deployment`] is immutable and swapped whole; each message works on the one that it found. Beside requests run
//! `Service`s: stores, processors, tasks, inbound endpoints, data services. They are told of every
//! deployment, keep what is unchanged, and ask the `Context` for the current one with each message.
//! Depends on `model`, `synapse` and `web`; secrets come through the port [`SecretSource`].
//!
//! To add a part that runs beside requests: a file with its `Service`, and its line in
//! `context::services`.

mod application;
mod beside;
mod cache;
mod client;
mod coding;
mod context;
mod data_service;
mod deploy;
mod deployment;
mod host;
mod inbound;
mod integrator;
mod listener;
pub mod management;
mod processor;
mod registry;
mod repository;
mod schedule;
mod service;
mod settings;
mod sql;
mod state;
mod statement;
mod store;
mod switches;
mod task;
mod watch;
mod wsdl;

pub use application::{MemberUse, classify, unpack};
pub use deploy::{DeployError, DeployReport, Listed, Refusal, list, place_application};
pub use deployment::{Application, Deployed, Deployment};
pub use integrator::Integrator;
pub use service::DeployFault;
pub use settings::{DataSource, Environment, Limits, SecretSource, Settings, Tree, World};
pub use state::{DataSourceState, ProcessorState, StoreState, TaskState};
