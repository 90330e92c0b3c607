//! What people agreed to.

use std::collections::BTreeSet;

use model::ConsumerKey;
use store::repository::oauth as rows;

use crate::token::join;
use crate::{Identity, IdentityError, Session};

impl Identity {
    /// Whether the session's user agreed to all of the scopes for this client before.
    pub(crate) async fn has_consented(
        &self,
        session: &Session,
        client: &ConsumerKey,
        scopes: &BTreeSet<String>,
    ) -> Result<bool, IdentityError> {
        let mut work = self.database.read().await?;
        let given = rows::consent(&mut work, session.tenant.id, session.user, client).await?;
        Ok(given.is_some_and(|given| {
            let given: BTreeSet<&str> = given.split(' ').collect();
            scopes.iter().all(|scope| given.contains(scope.as_str()))
        }))
    }

    /// Remembers that the session's user agreed, in addition to what they agreed to before.
    pub(crate) async fn remember_consent(
        &self,
        session: &Session,
        client: &ConsumerKey,
        scopes: &BTreeSet<String>,
    ) -> Result<(), IdentityError> {
        let mut work = self.database.begin().await?;
        let given = rows::consent(&mut work, session.tenant.id, session.user, client).await?;
        let mut all: BTreeSet<String> = scopes.clone();
        all.extend(given.unwrap_or_default().split_ascii_whitespace().map(str::to_owned));
        rows::save_consent(&mut work, session.tenant.id, session.user, client, &join(&all), self.now()).await?;
        let by = self.on_behalf_of(&session.display_name());
        by.record(&mut work, session.tenant.id, "identity.consents.give", &format!("client/{client}")).await?;
        Ok(work.save().await?)
    }
}
