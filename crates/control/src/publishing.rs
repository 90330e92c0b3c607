//! Use cases of API publishers. Each file adds its methods to [`crate::Control`].

mod apis;
mod certificates;
pub(crate) mod client_certificates;
mod create;
pub(crate) mod definitions;
mod documents;
mod graphql;
mod import_asyncapi;
mod import_openapi;
mod internal_key;
mod lifecycle;
pub(crate) mod load;
mod mocks;
mod operation_policies;
pub(crate) mod products;
mod projects;
mod revisions;
mod rules;
mod scopes;
pub(crate) mod search;
mod thumbnails;
mod update;
mod versions;
mod wsdl;

pub(crate) use create::DEFINITION;
pub(crate) use definitions::consumer_definition;
pub use definitions::{DefinitionSource, ValidationReport};
pub(crate) use documents::{content as document_content, file_name, object as document_object};
pub(crate) use graphql::COMPLEXITY;
pub use lifecycle::{LifecycleChange, LifecycleOptions};
pub(crate) use load::parse as parse_document;
pub(crate) use operation_policies::TEMPLATE;
pub use projects::ImportOptions;
pub use revisions::DeploymentRequest;
pub(crate) use rules::policy_uses;
pub(crate) use thumbnails::{THUMBNAIL, picture_type};
