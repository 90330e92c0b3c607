//! What administrators do: the use cases behind the Admin REST API, for the Admin console. One set of rules for both.
//!
//! Objects have the shapes of the Admin REST API.

pub use crate::throttling::Level;

/// Throttling policies.
pub mod throttling {
    pub use crate::throttling::manage::{create, delete, get, list, update};
}

/// Deny policies.
pub mod deny {
    pub use crate::deny::{create, delete, list, set_status};
}

/// Gateway environments.
pub mod environments {
    pub use crate::environment::{create, delete, get, list, update};
}

/// Key managers.
pub mod key_managers {
    pub use crate::key_manager::discover::discover;
    pub use crate::key_manager::known::connectors;
    pub use crate::key_manager::registry::{create, delete, get, list, update};
}

/// Scopes of the management APIs and the roles that have them.
pub mod scopes {
    pub use crate::tenant_config::scopes::{get, list, put};
}
