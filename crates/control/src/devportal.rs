//! The Developer Portal as its pages use it: the use cases of the REST API, with the same rules and the same objects.
//!
//! [`Visit`] is somebody looking around, who may be nobody in particular; [`Consumer`] is a person with applications.

mod consumer;

use std::sync::Arc;

use model::{ApiId, Tenant};
use serde_json::Value;
use uuid::Uuid;
use web::Permit;

pub use consumer::Consumer;

use crate::api::page::Page;
use crate::comment::{self, EntryPoint};
use crate::discovery::documents::{self, Content};
use crate::discovery::{self, Viewer, definition, list, view};
use crate::publishing::THUMBNAIL;
use crate::{Actor, Control, ControlError, application, category};

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Most entries, at most 1000.
    pub limit: usize,
    /// Entries before the first.
    pub offset: usize,
}

impl Part {
    /// As much of a list as an answer may hold.
    pub const ALL: Self = Self { limit: 1000, offset: 0 };

    pub(crate) fn page(self) -> Page {
        Page::numbered(self.limit, self.offset)
    }
}

/// What a document holds.
pub enum DocumentContent {
    /// Bytes of a media type, with the file's name when it is a file.
    Bytes {
        /// Media type as its author declared it.
        media_type: String,
        /// The content.
        bytes: Vec<u8>,
        /// Name of the file.
        file_name: Option<String>,
    },
    /// An address elsewhere, as its author wrote it.
    Link(String),
}

/// Somebody looks at the Developer Portal of a tenant.
pub struct Visit {
    control: Arc<Control>,
    viewer: Viewer,
}

/// Who looks at the portal; the tenant has what it starts with.
pub(crate) async fn viewer(
    control: &Control,
    permit: Option<&Permit>,
    requested: Option<&str>,
) -> Result<Viewer, ControlError> {
    let viewer = Viewer::of(control, permit, requested).await?;
    control.ensure_tenant_defaults(viewer.tenant.id).await?;
    Ok(viewer)
}

/// A consumer: their tenant has its policies, and they have their first application.
pub(crate) async fn consumer(control: &Control, permit: &Permit) -> Result<Actor, ControlError> {
    let actor = Actor::of(permit);
    control.ensure_tenant_defaults(actor.tenant()).await?;
    application::ensure_subscriber(control, &actor).await?;
    Ok(actor)
}

impl Visit {
    /// `requested` is the domain of the tenant whose portal is looked at; the visitor's own without one, and the super
    /// tenant's for strangers.
    ///
    /// # Errors
    /// 401 for strangers where the configuration does not let them read, 404 for an unknown tenant, 403 where the
    /// visitor's tenant may not look at it.
    pub async fn begin(
        control: &Arc<Control>,
        permit: Option<&Permit>,
        requested: Option<&str>,
    ) -> Result<Self, ControlError> {
        let viewer = viewer(control, permit, requested).await?;
        Ok(Self { control: Arc::clone(control), viewer })
    }

    /// The tenant that is looked at.
    pub const fn tenant(&self) -> &Tenant {
        &self.viewer.tenant
    }

    /// Who looks, if it is known.
    pub const fn actor(&self) -> Option<&Actor> {
        self.viewer.actor.as_ref()
    }

    fn somebody(&self) -> Result<&Actor, ControlError> {
        self.actor().ok_or_else(|| web::RestError::unauthorized("Sign in first.").into())
    }

    /// APIs that match a query of WSO2's syntax; words without a field are looked for everywhere, documents included.
    ///
    /// # Errors
    /// When the database cannot be read, as for all operations of a visit.
    pub async fn search(&self, query: &str, part: Part) -> Result<Value, ControlError> {
        list::search(&self.control, &self.viewer, &part.page(), query).await
    }

    /// APIs that changed last, the newest change first.
    ///
    /// # Errors
    /// As [`Visit::search`].
    pub async fn recent(&self, limit: usize) -> Result<Vec<Value>, ControlError> {
        list::recent(&self.control, &self.viewer, limit).await
    }

    /// Tags in use, the most used first.
    ///
    /// # Errors
    /// As [`Visit::search`].
    pub async fn tags(&self, part: Part) -> Result<Value, ControlError> {
        list::tags(&self.control, &self.viewer, &part.page()).await
    }

    /// Categories of the tenant.
    ///
    /// # Errors
    /// As [`Visit::search`].
    pub async fn categories(&self) -> Result<Value, ControlError> {
        category::list(&self.control, self.viewer.tenant.id, false).await
    }

    /// One API.
    ///
    /// # Errors
    /// 404 when there is none that this visitor may see.
    pub async fn api(&self, id: ApiId) -> Result<Value, ControlError> {
        view::get(&self.control, &self.viewer, id).await
    }

    /// Its OpenAPI document with the addresses that consumers call.
    ///
    /// # Errors
    /// 404 also when the API has none.
    pub async fn openapi(&self, id: ApiId) -> Result<Value, ControlError> {
        definition::openapi(&self.control, &self.viewer, id, "").await
    }

    /// Its GraphQL schema.
    ///
    /// # Errors
    /// 404 also when the API has none.
    pub async fn graphql_schema(&self, id: ApiId) -> Result<Vec<u8>, ControlError> {
        Ok(definition::file(&self.control, &self.viewer, id, "graphql-schema").await?.1)
    }

    /// Its WSDL, or the archive of its WSDLs, with the media type.
    ///
    /// # Errors
    /// 404 also when the API has none.
    pub async fn wsdl(&self, id: ApiId) -> Result<(String, Vec<u8>), ControlError> {
        definition::file(&self.control, &self.viewer, id, "wsdl").await
    }

    /// Its picture with the media type.
    ///
    /// # Errors
    /// 404 also when the API has none.
    pub async fn thumbnail(&self, id: ApiId) -> Result<(String, Vec<u8>), ControlError> {
        definition::file(&self.control, &self.viewer, id, THUMBNAIL).await
    }

    /// Documents that are shown to this visitor.
    ///
    /// # Errors
    /// 404 for the API.
    pub async fn documents(&self, id: ApiId) -> Result<Value, ControlError> {
        documents::list(&self.control, &self.viewer, id, &Part::ALL.page()).await
    }

    /// One document with its content.
    ///
    /// # Errors
    /// 404 for API or document.
    pub async fn document(&self, id: ApiId, document: &str) -> Result<(Value, DocumentContent), ControlError> {
        let about = documents::get(&self.control, &self.viewer, id, document).await?;
        let content = match documents::content(&self.control, &self.viewer, id, document).await? {
            Content::Bytes(media_type, bytes, file_name) => DocumentContent::Bytes { media_type, bytes, file_name },
            Content::Link(url) => DocumentContent::Link(url),
        };
        Ok((about, content))
    }

    async fn visible(&self, id: ApiId) -> Result<ApiId, ControlError> {
        let mut work = self.control.read().await?;
        Ok(discovery::find(&mut work, &self.viewer, id).await?.0.id)
    }

    /// Comments, each with its first replies.
    ///
    /// # Errors
    /// 404 for the API.
    pub async fn comments(&self, id: ApiId, part: Part) -> Result<Value, ControlError> {
        comment::list(&self.control, self.visible(id).await?, &part.page()).await
    }

    /// Replies to one comment.
    ///
    /// # Errors
    /// 404 for API or comment.
    pub async fn replies(&self, id: ApiId, to: Uuid, part: Part) -> Result<Value, ControlError> {
        comment::replies(&self.control, self.visible(id).await?, to, &part.page()).await
    }

    /// Comments on an API, or replies to a comment.
    ///
    /// # Errors
    /// 400 for an empty or too long text, 404 for API or comment, 409 at the cap.
    pub async fn comment(&self, id: ApiId, parent: Option<&str>, input: &Value) -> Result<Value, ControlError> {
        let (id, actor) = (self.visible(id).await?, self.somebody()?);
        comment::create(&self.control, actor, id, parent, EntryPoint::Devportal, input).await
    }

    /// Removes a comment.
    ///
    /// # Errors
    /// 403 for somebody else's, 404.
    pub async fn remove_comment(&self, id: ApiId, comment: Uuid) -> Result<(), ControlError> {
        comment::delete(&self.control, self.somebody()?, self.visible(id).await?, comment).await
    }

    /// Ratings with their average and the visitor's own.
    ///
    /// # Errors
    /// 404 for the API.
    pub async fn ratings(&self, id: ApiId) -> Result<Value, ControlError> {
        comment::ratings(&self.control, self.actor(), self.visible(id).await?, &Part::ALL.page()).await
    }

    /// Rates an API; 0 takes the rating back.
    ///
    /// # Errors
    /// 400 unless it is from 0 to 5, 404 for the API.
    pub async fn rate(&self, id: ApiId, rating: i64) -> Result<(), ControlError> {
        let (id, actor) = (self.visible(id).await?, self.somebody()?);
        if rating == 0 {
            return comment::unrate(&self.control, actor, id).await;
        }
        comment::rate(&self.control, actor, id, &serde_json::json!({"rating": rating})).await.map(|_| ())
    }
}
