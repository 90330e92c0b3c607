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

/// What the rules of governance say. Lists are answers `{count, list, pagination}` of the Governance REST API.
pub mod governance {
    use model::ApiId;
    use serde_json::Value;

    use crate::api::page::Page;
    use crate::governance::{compliance as results, rulesets as rules};
    use crate::{Actor, Control, ControlError};

    /// Most lines of a list that is not cut.
    const ALL: usize = 100;

    /// A part of the tenant's APIs with their state.
    ///
    /// # Errors
    /// When the database cannot be read, as for all of these.
    pub async fn compliance(
        control: &Control,
        actor: &Actor,
        limit: usize,
        offset: usize,
    ) -> Result<Value, ControlError> {
        results::list(control, actor, &Page::numbered(limit, offset)).await
    }

    /// Policies with how many APIs follow each.
    ///
    /// # Errors
    /// As [`compliance`].
    pub async fn adherence(control: &Control, actor: &Actor) -> Result<Value, ControlError> {
        results::adherences(control, actor, &Page::numbered(ALL, 0)).await
    }

    /// One API with the policies that govern it.
    ///
    /// # Errors
    /// 404; 403 where access control leaves the actor out.
    pub async fn of_api(control: &Control, actor: &Actor, id: ApiId) -> Result<Value, ControlError> {
        results::get(control, actor, id).await
    }

    /// What a ruleset says of an API, rule by rule.
    ///
    /// # Errors
    /// As [`of_api`].
    pub async fn of_ruleset(control: &Control, actor: &Actor, id: ApiId, ruleset: &str) -> Result<Value, ControlError> {
        results::of_ruleset(control, actor, id, ruleset).await
    }

    /// All rulesets.
    ///
    /// # Errors
    /// As [`compliance`].
    pub async fn rulesets(control: &Control, actor: &Actor) -> Result<Value, ControlError> {
        rules::list(control, actor, &Page::numbered(ALL, 0)).await
    }

    /// A ruleset, and its rules as they were sent.
    ///
    /// # Errors
    /// 404.
    pub async fn ruleset(control: &Control, actor: &Actor, id: &str) -> Result<(Value, String), ControlError> {
        Ok((rules::get(control, actor, id).await?, rules::content(control, actor, id).await?))
    }
}
