//! A new version of an API, made as a copy.

use model::{ApiDocument, ApiId, SubscriptionId};
use store::repository::api::{self, ApiRow, LifecycleEventRow};
use store::repository::subscription::{self, SubscriptionRow};
use store::repository::{artifact, document};

use super::create::clear_other_defaults;
use super::load::{load, parse, store_document};
use super::products;
use super::rules::version_exists;
use crate::document::{Faults, ViewContext, check_names, move_secrets, view};
use crate::lifecycle::code;
use crate::{Actor, Change, Control, ControlError};
use model::snapshot::Lifecycle;

impl Control {
    /// Copies an API to a new version, with its definition, thumbnail, documents and subscriptions, in state Created.
    ///
    /// # Errors
    /// 400 for a wrong version text; 409 with code 900252 when it exists; 403, 404.
    pub async fn copy_api(
        &self,
        actor: &Actor,
        id: ApiId,
        version: &str,
        as_default: bool,
    ) -> Result<ApiDocument, ControlError> {
        let mut work = self.begin().await?;
        let source = load(&mut work, actor, id).await?;
        let mut faults = Faults::default();
        check_names(&source.name, version, &mut faults);
        faults.into_result()?;
        if api::find_version(&mut work, actor.tenant(), &source.name, version).await?.is_some() {
            return Err(version_exists(&source.name, version));
        }
        let copy = ApiId::new(self.uuid());
        let mut made = parse(&source)?;
        made.set("version", version);
        made.set("isDefaultVersion", as_default);
        made.set("lifeCycleStatus", code(Lifecycle::Created));
        if source.kind != products::KIND {
            // The secrets of a product are its members', and stay sealed for them.
            move_secrets(self.ports().sealer.as_ref(), id, copy, &mut made)?;
        }
        let now = self.now();
        let mut row = ApiRow {
            id: copy,
            lifecycle: code(Lifecycle::Created).to_owned(),
            last_revision: 0,
            created_at: now,
            created_by: actor.name(),
            updated_at: now,
            updated_by: actor.name(),
            ..source
        };
        store_document(&mut row, &made)?;
        api::insert(&mut work, &row).await?;
        artifact::copy_all(&mut work, &id.to_string(), &copy.to_string()).await?;
        for mut file in document::list(&mut work, id).await? {
            let from = std::mem::replace(&mut file.id, self.uuid().to_string());
            file.api = copy;
            document::insert(&mut work, &file).await?;
            artifact::copy_all(&mut work, &from, &file.id).await?;
            super::documents::make_findable(&mut work, &file).await?;
        }
        for subscribed in subscription::of_api(&mut work, id).await? {
            let inherited =
                SubscriptionRow { id: SubscriptionId::new(self.uuid()), api: copy, created: now, ..subscribed };
            subscription::insert(&mut work, &inherited).await?;
        }
        let event = LifecycleEventRow {
            id: self.rng().uuid_at(now).to_string(),
            previous: None,
            next: row.lifecycle.clone(),
            changed_by: actor.name(),
            at: now,
        };
        api::add_event(&mut work, copy, &event).await?;
        if as_default {
            clear_other_defaults(&mut work, &row).await?;
        }
        let target = format!("api/{copy}");
        self.commit(work, actor, Change::of_api("publisher.apis.copy", &target, copy)).await?;
        view(&row, ViewContext::default())
    }
}
