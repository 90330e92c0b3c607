//! A page of a console: heading, way back, one primary action, tabs, content.

use askama::Template;

use super::{Html, Link};

/// One tab; tabs are links.
pub(crate) struct Tab {
    pub(crate) label: String,
    pub(crate) path: String,
    pub(crate) current: bool,
}

impl Tab {
    /// A tab; `current` says that its page is the one that is shown.
    pub(crate) fn new(label: impl Into<String>, path: impl Into<String>, current: bool) -> Self {
        Self { label: label.into(), path: path.into(), current }
    }
}

/// What stands between the frame's borders.
#[derive(Default)]
pub(crate) struct Page {
    pub(crate) title: String,
    pub(crate) crumbs: Vec<Link>,
    pub(crate) lead: Html,
    pub(crate) beside_title: Html,
    pub(crate) action: Option<Link>,
    pub(crate) tabs: Vec<Tab>,
    pub(crate) parts: Vec<Html>,
    pub(crate) faulty: bool,
    pub(crate) narrow: bool,
}

impl Page {
    /// A page with its heading, which is also the title of the window.
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// A step of the way from the console's first page, outermost first; the page itself is not one.
    #[must_use]
    pub(crate) fn crumb(mut self, label: impl Into<String>, path: impl Into<String>) -> Self {
        self.crumbs.push(Link::new(label, path));
        self
    }

    /// One or two sentences below the heading.
    #[must_use]
    pub(crate) fn lead(mut self, text: impl std::fmt::Display) -> Self {
        self.lead = Html::text(text);
        self
    }

    /// Badges beside the heading.
    #[must_use]
    pub(crate) fn beside(mut self, part: Html) -> Self {
        self.beside_title = part;
        self
    }

    /// The one primary action: a verb and its object.
    #[must_use]
    pub(crate) fn action(mut self, label: impl Into<String>, path: impl Into<String>) -> Self {
        self.action = Some(Link::new(label, path));
        self
    }

    /// Tabs below the heading.
    #[must_use]
    pub(crate) fn tabs(mut self, tabs: Vec<Tab>) -> Self {
        self.tabs = tabs;
        self
    }

    /// Content at most 640 px wide: forms and confirmations.
    #[must_use]
    pub(crate) const fn narrow(mut self) -> Self {
        self.narrow = true;
        self
    }

    /// The page shows what has to be changed: the title says so, for those who hear it read out (WCAG 2.4.2).
    #[must_use]
    pub(crate) const fn faulty(mut self, faulty: bool) -> Self {
        self.faulty = faulty;
        self
    }

    /// A component, below those before.
    #[must_use]
    pub(crate) fn add(self, part: &impl Template) -> Self {
        self.html(Html::of(part))
    }

    /// Something rendered already.
    #[must_use]
    pub(crate) fn html(mut self, part: Html) -> Self {
        self.parts.push(part);
        self
    }

    /// A heading inside the page, with a text below or none.
    #[must_use]
    pub(crate) fn heading(self, title: &str, text: &str) -> Self {
        self.add(&Heading { title, text })
    }
}

#[derive(Template)]
#[template(
    source = "<h2>{{ title }}</h2>{% if !text.is_empty() %}<p class=\"hint\">{{ text }}</p>{% endif %}",
    ext = "html"
)]
struct Heading<'a> {
    title: &'a str,
    text: &'a str,
}
