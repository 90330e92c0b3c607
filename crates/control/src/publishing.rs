//! Use cases of API publishers. Each file adds its methods to [`crate::Control`].

mod apis;
mod create;
pub(crate) mod definitions;
mod documents;
mod import_openapi;
mod lifecycle;
pub(crate) mod load;
mod operation_policies;
mod projects;
mod revisions;
mod rules;
mod scopes;
pub(crate) mod search;
mod thumbnails;
mod update;
mod versions;

pub(crate) use definitions::consumer_definition;
pub(crate) use documents::{content as document_content, object as document_object};
pub(crate) use rules::policy_uses;
pub(crate) use load::parse as parse_document;
pub(crate) use thumbnails::THUMBNAIL;
pub use definitions::{DefinitionSource, ValidationReport};
pub use lifecycle::LifecycleOptions;
pub use projects::ImportOptions;
pub use revisions::DeploymentRequest;
