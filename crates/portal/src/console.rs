//! The frame around the pages of the three consoles: switch between consoles, tenant, search, person, navigation,
//! message of what was just done.

use askama::Template;
use http::{HeaderValue, StatusCode, header};
use web::{Answer, Call, Permit, RestError, form_token, with_form_token};

use crate::assets::{Paths, paths};
use crate::page::{self, PageError};
use crate::ui::{Page, Tab};
use crate::{Portal, admin, devportal, publisher};

/// Pages of the consoles have our own scripts and htmx, from our own files only (guideline A11).
pub(crate) const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
                                 connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Holds what the next page says at its top.
const FLASH: &str = "__Host-portcullis-done";
/// Longest such message, bytes.
const FLASH_BYTES: usize = 1024;

/// One of the consoles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Console {
    /// For those who offer APIs.
    Publisher,
    /// For those who use them.
    DevPortal,
    /// For those who run the place.
    Admin,
}

impl Console {
    const ALL: [Self; 3] = [Self::Publisher, Self::DevPortal, Self::Admin];

    /// As people call it.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Publisher => "Publisher",
            Self::DevPortal => "Developer Portal",
            Self::Admin => "Admin",
        }
    }

    /// Its first page.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Publisher => "/publisher",
            Self::DevPortal => "/devportal",
            Self::Admin => "/admin",
        }
    }

    const fn entries(self) -> &'static [Entry] {
        match self {
            Self::Publisher => publisher::NAV,
            Self::DevPortal => devportal::NAV,
            Self::Admin => admin::NAV,
        }
    }

    /// Where its search box leads and what it looks for.
    const fn search(self) -> (&'static str, &'static str) {
        match self {
            Self::Publisher => ("/publisher/apis", "Search APIs"),
            Self::DevPortal => ("/devportal/apis", "Search APIs"),
            Self::Admin => ("/admin/users", "Search users"),
        }
    }

    /// Whether somebody with these rights has anything to do there.
    fn is_open_to(self, permit: Option<&Permit>) -> bool {
        match self {
            Self::DevPortal => true,
            Self::Publisher | Self::Admin => {
                permit.is_some_and(|p| self.entries().iter().any(|e| e.is_open_to(Some(p))))
            }
        }
    }
}

/// An entry of the left navigation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    key: &'static str,
    label: &'static str,
    path: &'static str,
    icon: &'static str,
    scopes: &'static [&'static str],
}

impl Entry {
    /// `key` is what pages give to [`Frame::of`], `icon` a name of `assets/icons.svg`. It is shown to those who have one
    /// of the scopes, and to everybody when none is named.
    pub(crate) const fn new(
        key: &'static str,
        label: &'static str,
        path: &'static str,
        icon: &'static str,
        scopes: &'static [&'static str],
    ) -> Self {
        Self { key, label, path, icon, scopes }
    }

    fn is_open_to(self, permit: Option<&Permit>) -> bool {
        self.scopes.is_empty() || permit.is_some_and(|p| self.scopes.iter().any(|s| p.allows(s)))
    }
}

/// What stands around a page.
pub(crate) struct Frame {
    /// The token of this page's forms.
    pub(crate) csrf: String,
    console: Console,
    here: &'static str,
    person: String,
    tenant: String,
    consoles: Vec<Console>,
    entries: Vec<Entry>,
    section: Option<(String, Vec<Tab>)>,
    sought: String,
    flash: String,
    signed_in: bool,
}

impl Frame {
    /// The frame for a signed-in person; `here` is the key of the entry that the page belongs to.
    pub(crate) fn of(portal: &Portal, permit: &Permit, call: &Call, console: Console, here: &'static str) -> Self {
        Self::visit(portal, Some(permit), call, console, here)
    }

    /// The frame for somebody who may not be signed in.
    pub(crate) fn visit(
        portal: &Portal,
        permit: Option<&Permit>,
        call: &Call,
        console: Console,
        here: &'static str,
    ) -> Self {
        let principal = permit.map(Permit::principal);
        let flash = web::cookie(&call.headers, FLASH).map(unpack).unwrap_or_default();
        Self {
            csrf: form_token(call, portal.rng.as_ref()),
            console,
            here,
            person: principal.map(|p| p.user.clone()).unwrap_or_default(),
            tenant: principal.map(|p| p.tenant.domain.to_string()).unwrap_or_default(),
            consoles: Console::ALL.into_iter().filter(|c| c.is_open_to(permit)).collect(),
            entries: console.entries().iter().copied().filter(|e| e.is_open_to(permit)).collect(),
            section: None,
            sought: call.query("query").unwrap_or_default().to_owned(),
            flash,
            signed_in: permit.is_some(),
        }
    }

    /// A second group of the navigation: the pages of one thing.
    #[must_use]
    pub(crate) fn section(mut self, title: impl Into<String>, pages: Vec<Tab>) -> Self {
        self.section = Some((title.into(), pages));
        self
    }

    /// The page in its frame.
    pub(crate) fn answer(&self, page: Page) -> Result<Answer, PageError> {
        self.answer_with(StatusCode::OK, page)
    }

    /// The page in its frame with another status, as 422 for a form that needs a change.
    pub(crate) fn answer_with(&self, status: StatusCode, page: Page) -> Result<Answer, PageError> {
        let whole = Whole { assets: paths(), frame: self, page };
        let mut answer = page::answer(status, &whole)?;
        answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        if !self.flash.is_empty() {
            answer = web::with_cookie(answer, FLASH, "", "SameSite=Strict; Max-Age=0");
        }
        Ok(with_form_token(answer, &self.csrf))
    }

    /// Goes to another page, which says what was done.
    pub(crate) fn done(&self, path: &str, text: &str) -> Result<Answer, PageError> {
        // The message is shown as text to the browser that keeps it, which is all its owner could change by hand. No
        // other site can set a cookie with this prefix, so a seal would protect nobody.
        let packed = pack(text);
        Ok(web::with_cookie(page::see_other(path), FLASH, &packed, "SameSite=Strict; Max-Age=60"))
    }
}

/// A message as a cookie can carry it.
fn pack(text: &str) -> String {
    let mut end = text.len().min(FLASH_BYTES);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    form_urlencoded::byte_serialize(text.get(..end).unwrap_or_default().as_bytes()).collect()
}

fn unpack(text: &str) -> String {
    let pair = format!("t={}", text.replace('&', ""));
    form_urlencoded::parse(pair.as_bytes())
        .next()
        .map(|(_, text)| text.chars().take(FLASH_BYTES).collect())
        .unwrap_or_default()
}

#[derive(Template)]
#[template(path = "console.html")]
struct Whole<'a> {
    assets: &'static Paths,
    frame: &'a Frame,
    page: Page,
}

impl Whole<'_> {
    fn search_path(&self) -> &'static str {
        self.frame.console.search().0
    }

    fn search_label(&self) -> &'static str {
        self.frame.console.search().1
    }
}

/// What people see instead of a page that they may not open, or whose form came from elsewhere.
pub(crate) fn refusal(error: RestError) -> Answer {
    axum::response::IntoResponse::into_response(PageError::from(error))
}

/// Every page that nothing else is at.
pub(crate) fn nothing_here() -> RestError {
    RestError::not_found("There is nothing at this address. It may have been removed, or the link is incomplete.")
}

#[cfg(test)]
mod tests {
    use super::{FLASH_BYTES, pack, unpack};

    #[test]
    fn messages_come_back_as_they_were() {
        for text in ["PizzaShack 1.0.0 was deleted.", "<b>&\";=ü</b>", "", "a+b c%20"] {
            let packed = pack(text);
            assert!(packed.bytes().all(|b| b.is_ascii_graphic() && b != b';' && b != b','), "{packed}");
            assert_eq!(unpack(&packed), text);
        }
        assert_eq!(unpack(&pack(&"ü".repeat(FLASH_BYTES))).len(), FLASH_BYTES);
        assert_eq!(unpack("a&b=c"), "ab=c");
    }
}
