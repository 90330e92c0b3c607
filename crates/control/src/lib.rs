//! API management: use cases, the REST APIs over them, and the compiler of the gateway's snapshot.
//!
//! May depend on `model`, `store`, `policy`, `vault` and `web`. What lives in other crates is reached through ports
//! ([`GatewayPublisher`], [`KeyManager`], [`Sealer`]) that the composition root implements. Use cases take the
//! [`Control`] state and an [`Actor`] and know nothing of HTTP; the files below [`api`] translate.
//!
//! To add a REST operation: a file `api/<area>/<verb>.rs` with a thin handler, and one line in the area's route list.
//! Every change ends in [`Control::commit`], which writes the audit record and the change-log entry in the same
//! transaction and then hands the new snapshot to the gateway.

// The largest REST objects have more fields than `json!` expands by default.
#![recursion_limit = "256"]

mod actor;
pub mod api;
mod archive;
mod definition;
mod document;
mod error;
mod key_manager;
mod lifecycle;
mod logging;
pub mod openapi;
mod port;
mod publishing;
mod service;
pub mod snapshot;
// Part B (consumers and administration) adds its modules below this line.
pub mod administration;
mod ai_provider;
mod application;
mod audit_log;
mod category;
mod comment;
mod deny;
pub mod devportal;
mod discovery;
mod environment;
mod field;
#[cfg(feature = "for-tests")]
pub mod for_tests;
mod governance;
mod organization;
mod publisher;
mod reseal;
mod settings;
mod subscription;
mod tenant_config;
mod throttling;
mod usage;
mod workflow;

pub use actor::Actor;
pub use audit_log::{AuditChain, AuditFault, AuditPage, AuditQuery, AuditView, verify as verify_audit_log};
pub use environment::DEFAULT as BUILT_IN_ENVIRONMENT;
pub use error::{ControlError, FaultKind};
pub use field::Field;
pub use key_manager::{
    Client, ClientSecret, ClientSettings, CreatedClient, IssuedToken, KeyManager, KeyManagerError, NewClient, RESIDENT,
    TokenRequest,
};
pub use port::{Approvals, GatewayPublisher, InternalKeyIssuer, PendingApproval, Ports, PublishError, Sealer};
pub use publisher::Holdings;
pub use publishing::{
    ApiQuery, DefinitionSource, DeploymentRequest, FoundApis, ImportOptions, LifecycleChange, LifecycleOptions,
    ValidationReport,
};
pub use reseal::reseal;
pub use service::{Change, Control, ControlSettings, Effect};
pub use settings::{ApiProperty, ApplicationAttribute, ConfiguredEnvironment, ConfiguredHost, PortalSettings};
pub use snapshot::SnapshotAge;
pub use store::repository::api::ApiOrder;
pub use usage::{UsagePoint, UsageQuery, UsageReport, UsageShare, UsageSpan, UsageSubject};
pub use workflow::decide::WaitingRequest;
pub use workflow::{WorkflowRule, WorkflowSettings};
