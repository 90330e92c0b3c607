//! Domain types of Portcullis: ids, tenants, APIs, applications, plans, and the snapshot a gateway serves from.
//!
//! Pure: no tokio, sockets, files, wall clock or global state. Time and randomness are traits ([`Clock`], [`Rng`])
//! that the composition root implements. Depends on no other crate of the workspace.
//!
//! To add a type: one file for one idea, exported here; wire formats of REST live in `control`, not here.

mod admin_context;
mod api;
mod clock;
mod egress;
mod id;
mod rng;
mod secret;
pub mod snapshot;
mod tenant;
mod usage;

pub use admin_context::admin_context;
pub use api::{ApiDocument, versioned_context};
pub use clock::{Clock, Timestamp};
pub use egress::{AllowedNetwork, EgressRules};
pub use id::{ApiId, ApplicationId, ConsumerKey, KeyMappingId, PolicyId, RevisionId, SubscriptionId, UserId};
pub use rng::Rng;
pub use secret::Secret;
pub use tenant::{Tenant, TenantDomain, TenantDomainError, TenantId};
pub use usage::{USAGE_BOUNDS, UsageKey, UsageTotals};
