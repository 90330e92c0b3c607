//! What every page of one API has: the API, its place in the navigation, its paths.

use std::sync::Arc;

use control::Actor;
use model::{ApiDocument, ApiId};
use web::{Answer, Call, Permit};

use crate::Portal;
use crate::console::{Console, Frame};
use crate::page::PageError;
use crate::ui::{Badge, Page, Tab};

/// The pages of an API: end of the path, name.
const PAGES: [(&str, &str); 15] = [
    ("", "Overview"),
    ("design", "Design"),
    ("resources", "Resources"),
    ("scopes", "Scopes"),
    ("definition", "Definition"),
    ("endpoints", "Endpoints"),
    ("policies", "Policies"),
    ("access", "Plans and access"),
    ("documents", "Documents"),
    ("certificates", "Certificates"),
    ("test", "Test"),
    ("deploy", "Deployments"),
    ("lifecycle", "Lifecycle"),
    ("subscribers", "Subscribers"),
    ("usage", "Usage"),
];

/// One API and the person who works on it.
pub(super) struct Here {
    pub(super) portal: Arc<Portal>,
    pub(super) actor: Actor,
    pub(super) id: ApiId,
    pub(super) api: ApiDocument,
    pub(super) frame: Frame,
    page: &'static str,
}

impl Here {
    /// The API that the path names; `page` is the end of the path of the page in the navigation.
    pub(super) async fn of(
        portal: &Arc<Portal>,
        permit: &Permit,
        call: &Call,
        page: &'static str,
    ) -> Result<Self, PageError> {
        let actor = Actor::of(permit);
        let id: ApiId = call.path_id("api")?;
        let api = portal.control.api(&actor, &id.to_string()).await?;
        let title = format!("{} {}", api.name(), api.version());
        let tab = |(end, label): &(&'static str, &str)| Tab::new(*label, path_of(id, end), *end == page);
        let shown = PAGES.iter().filter(|(end, _)| fits(api.kind(), end));
        let frame =
            Frame::of(portal, permit, call, Console::Publisher, "apis").section(title, shown.map(tab).collect());
        Ok(Self { portal: Arc::clone(portal), actor, id, api, frame, page })
    }

    /// A path below the API's.
    pub(super) fn path(&self, end: &str) -> String {
        path_of(self.id, end)
    }

    /// Name and version.
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.api.name(), self.api.version())
    }

    /// A page of the API with its way back.
    pub(super) fn page(&self, title: &str) -> Page {
        let page = Page::new(title).crumb("APIs", "/publisher/apis");
        if self.page.is_empty() && title == self.title() {
            return page.beside(Badge::lifecycle(self.api.lifecycle()));
        }
        page.crumb(self.title(), self.path(""))
    }

    /// A page below one of the API's own: a confirmation, one resource.
    pub(super) fn below(&self, title: &str, parent: &str) -> Page {
        let label = PAGES.iter().find(|(end, _)| *end == self.page).map_or("", |(_, label)| *label);
        let page = self.page(title);
        if parent.is_empty() { page } else { page.crumb(label, self.path(parent)) }
    }

    /// Back to a page of the API, which says what was done.
    pub(super) fn done(&self, end: &str, text: &str) -> Result<Answer, PageError> {
        self.frame.done(&self.path(end), text)
    }
}

fn path_of(id: ApiId, end: &str) -> String {
    if end.is_empty() { format!("/publisher/apis/{id}") } else { format!("/publisher/apis/{id}/{end}") }
}

/// Whether a kind of API has a page.
fn fits(kind: &str, end: &str) -> bool {
    match end {
        "resources" => kind != "GRAPHQL",
        "test" => matches!(kind, "HTTP" | "SOAP" | "SOAPTOREST" | "GRAPHQL"),
        "endpoints" => kind != "WEBSUB",
        _ => true,
    }
}
