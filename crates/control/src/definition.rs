//! API definitions: reading under caps, checking, and the two renderings of OpenAPI that WSO2's clients know.

mod asyncapi;
mod generate;
pub(crate) mod graphql;
pub(crate) mod introspection;
mod openapi;
mod render;
pub(crate) mod text;

pub(crate) use asyncapi::{AsyncApi, generate as generate_asyncapi};
pub(crate) use generate::generate;
pub(crate) use openapi::{DefinedOperation, OpenApi, SpecVersion};
pub(crate) use render::{for_consumers, for_publisher};
pub(crate) use text::DefinitionFault;
