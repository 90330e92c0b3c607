//! The rules of the API object: what is filled in, what is refused, what is secret, what is shown.

mod defaults;
mod policy_secrets;
mod secrets;
mod validate;
mod view;

pub(crate) use defaults::{fill_defaults, fill_operation_defaults};
pub(crate) use policy_secrets::{open_policy_secrets, seal_policy_secrets};
pub(crate) use secrets::{endpoint_urls, move_secrets, open_secret, seal_secrets, strip_secrets};
pub(crate) use validate::{Faults, check_document, check_names, is_streaming, normal_context, type_of_protocol};
pub(crate) use view::{ViewContext, summary, view};
