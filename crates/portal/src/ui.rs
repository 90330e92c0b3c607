//! Components of the console pages. Each is a struct with a template below `templates/components/`; [`Html`] is one that
//! has been rendered. Text that people or other systems gave goes into the fields of a component and is escaped there.

mod chart;
mod form;
mod page;
mod show;
mod table;

use std::fmt;

use askama::Template;
use askama::filters::HtmlSafe;

pub(crate) use chart::{Chart, Series, Shape};
pub(crate) use form::{Faults, Field, Form};
pub(crate) use page::{Page, Tab};
pub(crate) use show::day;
pub(crate) use show::{
    Actions, Badge, Button, Card, Checklist, Code, Confirmation, Empty, Facts, Link, Notice, Once, Timeline, Tone,
    minute,
};
pub(crate) use table::{Chip, Chips, Column, Pager, Table};

/// Rendered by one of our templates, so it is markup and not text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Html(String);

impl Html {
    /// Renders a component.
    pub(crate) fn of(part: &impl Template) -> Self {
        // Nothing in a template of ours fails but the memory for the text, and then nobody reads the log either.
        Self(part.render().unwrap_or_else(|error| {
            tracing::error!(reason = %error, "a component cannot be rendered");
            String::new()
        }))
    }

    /// Text, escaped.
    pub(crate) fn text(text: impl fmt::Display) -> Self {
        Self::of(&Text { text })
    }

    /// Text in the fixed-width face: ids, paths, values.
    pub(crate) fn mono(text: impl fmt::Display) -> Self {
        Self::of(&Mono { text })
    }

    /// Text in the muted colour.
    pub(crate) fn muted(text: impl fmt::Display) -> Self {
        Self::of(&Muted { text })
    }

    /// One after the other.
    pub(crate) fn join(parts: impl IntoIterator<Item = Self>) -> Self {
        Self(parts.into_iter().map(|p| p.0).collect::<Vec<_>>().join(" "))
    }

    /// Whether there is anything to see.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Html {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl HtmlSafe for Html {}

#[derive(Template)]
#[template(source = "{{ text }}", ext = "html")]
struct Text<T: fmt::Display> {
    text: T,
}

#[derive(Template)]
#[template(source = "<span class=\"mono\">{{ text }}</span>", ext = "html")]
struct Mono<T: fmt::Display> {
    text: T,
}

#[derive(Template)]
#[template(source = "<span class=\"muted\">{{ text }}</span>", ext = "html")]
struct Muted<T: fmt::Display> {
    text: T,
}
