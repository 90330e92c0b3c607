//! What shows things: links, badges, facts, code, notices, steps, timelines, confirmations.

use askama::Template;
use model::Timestamp;

use super::Html;

/// As in `2026-11-21`.
pub(crate) fn day(time: Timestamp) -> String {
    time.rfc3339().chars().take(10).collect()
}

/// As in `2026-11-21 19:15 UTC`.
pub(crate) fn minute(time: Timestamp) -> String {
    let text: String = time.rfc3339().chars().take(16).collect();
    format!("{} UTC", text.replace('T', " "))
}

/// A link. A target that is neither ours nor `https`, `http` or `mailto` is shown as text: a stored `javascript:` never
/// becomes one.
#[derive(Clone, Debug, Template)]
#[template(
    source = "{% if self.is_safe() %}<a href=\"{{ path }}\"{% if self.is_foreign() %} rel=\"noopener noreferrer\"{% endif %}>{{ label }}</a>{% else %}{{ label }}{% endif %}",
    ext = "html"
)]
pub(crate) struct Link {
    pub(crate) label: String,
    pub(crate) path: String,
}

impl Link {
    /// A link.
    pub(crate) fn new(label: impl Into<String>, path: impl Into<String>) -> Self {
        Self { label: label.into(), path: path.into() }
    }

    /// A link, rendered.
    pub(crate) fn html(label: impl Into<String>, path: impl Into<String>) -> Html {
        Html::of(&Self::new(label, path))
    }

    fn is_foreign(&self) -> bool {
        !self.path.starts_with('/') && !self.path.starts_with('#') || self.path.starts_with("//")
    }

    fn is_safe(&self) -> bool {
        let scheme = self.path.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
        !self.is_foreign() || scheme.is_some_and(|s| ["https", "http", "mailto"].contains(&s.as_str()))
    }
}

/// Colour of a badge or notice. A word stands beside it, always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Nothing to notice.
    Plain,
    /// Good.
    Ok,
    /// Soon bad, or to be looked at.
    Warn,
    /// Bad.
    Bad,
    /// Of interest.
    Accent,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Accent => "accent",
        }
    }
}

/// A word for a state.
#[derive(Template)]
#[template(source = "<span class=\"badge {{ tone.class() }}\">{{ label }}</span>", ext = "html")]
pub(crate) struct Badge {
    label: String,
    tone: Tone,
}

impl Badge {
    /// A badge, rendered.
    pub(crate) fn html(label: impl Into<String>, tone: Tone) -> Html {
        Html::of(&Self { label: label.into(), tone })
    }

    /// The badge of a lifecycle state, given as `PUBLISHED` or `Published`.
    pub(crate) fn lifecycle(state: &str) -> Html {
        let mut label = state.to_lowercase();
        if let Some(first) = label.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let tone = match label.as_str() {
            "Published" => Tone::Ok,
            "Prototyped" => Tone::Accent,
            "Deprecated" => Tone::Warn,
            "Blocked" | "Retired" => Tone::Bad,
            _ => Tone::Plain,
        };
        Self::html(label, tone)
    }
}

/// A button that posts at once, without a form around it that one sees.
#[derive(Template)]
#[template(path = "components/button.html")]
pub(crate) struct Button {
    csrf: String,
    action: String,
    label: String,
    /// What a screen reader hears after the label, as the name of the row.
    object: String,
    fields: Vec<(String, String)>,
    class: &'static str,
}

impl Button {
    /// A quiet button; `csrf` is the frame's.
    pub(crate) fn new(csrf: &str, action: impl Into<String>, label: impl Into<String>) -> Self {
        let (action, label) = (action.into(), label.into());
        Self { csrf: csrf.to_owned(), action, label, object: String::new(), fields: Vec::new(), class: "quiet" }
    }

    /// What it acts on, read out after the label: every button of a list has another name then.
    #[must_use]
    pub(crate) fn of(mut self, object: impl Into<String>) -> Self {
        self.object = object.into();
        self
    }

    /// A value that is sent along.
    #[must_use]
    pub(crate) fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// The page's main button.
    #[must_use]
    pub(crate) const fn primary(mut self) -> Self {
        self.class = "";
        self
    }

    /// In the colour of danger. What cannot be undone goes over a [`Confirmation`] first.
    #[must_use]
    pub(crate) const fn danger(mut self) -> Self {
        self.class = "danger";
        self
    }

    /// Rendered.
    pub(crate) fn html(&self) -> Html {
        Html::of(self)
    }
}

/// Names with values.
#[derive(Default, Template)]
#[template(
    source = "<dl class=\"facts\">{% for (name, value) in facts %}<dt>{{ name }}</dt><dd>{{ value }}</dd>{% endfor %}</dl>",
    ext = "html"
)]
pub(crate) struct Facts {
    facts: Vec<(String, Html)>,
}

impl Facts {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// One more.
    #[must_use]
    pub(crate) fn fact(mut self, name: impl Into<String>, value: Html) -> Self {
        self.facts.push((name.into(), value));
        self
    }

    /// One more, unless there is nothing to say.
    #[must_use]
    pub(crate) fn text(self, name: impl Into<String>, value: &str) -> Self {
        if value.is_empty() { self } else { self.fact(name, Html::text(value)) }
    }
}

/// A raised surface around other things, with a heading or none.
#[derive(Template)]
#[template(path = "components/card.html")]
pub(crate) struct Card {
    title: String,
    aside: Html,
    parts: Vec<Html>,
}

impl Card {
    /// A card; an empty title shows none.
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), aside: Html::default(), parts: Vec::new() }
    }

    /// A link or badge beside the title.
    #[must_use]
    pub(crate) fn aside(mut self, part: Html) -> Self {
        self.aside = part;
        self
    }

    /// A component.
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

    /// A paragraph.
    #[must_use]
    pub(crate) fn text(self, text: &str) -> Self {
        self.add(&Paragraph { text })
    }
}

#[derive(Template)]
#[template(source = "<p>{{ text }}</p>", ext = "html")]
struct Paragraph<'a> {
    text: &'a str,
}

/// Text to copy.
#[derive(Template)]
#[template(path = "components/code.html")]
pub(crate) struct Code {
    label: String,
    text: String,
}

impl Code {
    /// `label` says what it is: `curl`, `Command`, `Definition`.
    pub(crate) fn new(label: impl Into<String>, text: impl Into<String>) -> Self {
        Self { label: label.into(), text: text.into() }
    }
}

/// A secret that is shown this one time.
#[derive(Template)]
#[template(path = "components/once.html")]
pub(crate) struct Once {
    title: String,
    why: String,
    values: Vec<(String, String)>,
    next: Link,
}

impl Once {
    /// `why` says what it is for and what happens when it is lost; `next` is where "I have stored it" leads.
    pub(crate) fn new(title: impl Into<String>, why: impl Into<String>, next: impl Into<String>) -> Self {
        let next = Link::new("I have stored it", next);
        Self { title: title.into(), why: why.into(), values: Vec::new(), next }
    }

    /// A value with its name.
    #[must_use]
    pub(crate) fn value(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.values.push((name.into(), value.into()));
        self
    }
}

/// Says something about the page.
#[derive(Template)]
#[template(path = "components/notice.html")]
pub(crate) struct Notice {
    tone: Tone,
    title: String,
    text: String,
    parts: Vec<Html>,
}

impl Notice {
    /// A notice. The title says what is the case, the text what to do.
    pub(crate) fn new(tone: Tone, title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { tone, title: title.into(), text: text.into(), parts: Vec::new() }
    }

    /// A link or button below.
    #[must_use]
    pub(crate) fn html(mut self, part: Html) -> Self {
        self.parts.push(part);
        self
    }
}

/// What stands where nothing is yet: why, the next step, and the command that does the same.
#[derive(Template)]
#[template(path = "components/empty.html")]
pub(crate) struct Empty {
    title: String,
    text: String,
    action: Option<Link>,
    command: String,
}

impl Empty {
    /// Nothing, and why.
    pub(crate) fn new(title: impl Into<String>, text: impl Into<String>) -> Self {
        Self { title: title.into(), text: text.into(), action: None, command: String::new() }
    }

    /// The next step.
    #[must_use]
    pub(crate) fn action(mut self, label: impl Into<String>, path: impl Into<String>) -> Self {
        self.action = Some(Link::new(label, path));
        self
    }

    /// The command for the same.
    #[must_use]
    pub(crate) fn command(mut self, command: impl Into<String>) -> Self {
        self.command = command.into();
        self
    }

    /// Rendered.
    pub(crate) fn html(&self) -> Html {
        Html::of(self)
    }
}

/// One thing of a checklist.
pub(crate) struct Step {
    done: bool,
    /// Whether it is not needed.
    optional: bool,
    link: Link,
    text: String,
}

/// What is done and what is missing, each with the way to it.
#[derive(Template)]
#[template(path = "components/checklist.html")]
pub(crate) struct Checklist {
    title: String,
    steps: Vec<Step>,
}

impl Checklist {
    /// An empty one.
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), steps: Vec::new() }
    }

    /// A step.
    #[must_use]
    pub(crate) fn step(mut self, done: bool, link: Link, text: impl Into<String>) -> Self {
        self.steps.push(Step { done, optional: false, link, text: text.into() });
        self
    }

    /// A step that may be left out.
    #[must_use]
    pub(crate) fn optional(mut self, done: bool, link: Link, text: impl Into<String>) -> Self {
        self.steps.push(Step { done, optional: true, link, text: text.into() });
        self
    }

    /// Whether nothing needed is missing.
    pub(crate) fn is_complete(&self) -> bool {
        self.steps.iter().all(|s| s.done || s.optional)
    }
}

/// Buttons or links, each with what it does.
#[derive(Default, Template)]
#[template(
    source = "<ul class=\"actions\">{% for (what, text) in actions %}<li>{{ what }}<p class=\"muted\">{{ text }}</p></li>{% endfor %}</ul>",
    ext = "html"
)]
pub(crate) struct Actions {
    actions: Vec<(Html, String)>,
}

impl Actions {
    /// None yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// One more.
    #[must_use]
    pub(crate) fn action(mut self, what: Html, text: impl Into<String>) -> Self {
        self.actions.push((what, text.into()));
        self
    }
}

/// What happened, newest first.
#[derive(Default, Template)]
#[template(
    source = "<ol class=\"timeline\">{% for (what, when, more) in entries %}<li><p>{{ what }}</p><p class=\"muted\">{{ when }}{% if !more.is_empty() %} · {{ more }}{% endif %}</p></li>{% endfor %}</ol>",
    ext = "html"
)]
pub(crate) struct Timeline {
    entries: Vec<(Html, String, String)>,
}

impl Timeline {
    /// Without entries.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// An entry: what, when, and by whom or why.
    #[must_use]
    pub(crate) fn entry(mut self, what: Html, when: impl Into<String>, more: impl Into<String>) -> Self {
        self.entries.push((what, when.into(), more.into()));
        self
    }
}

/// The question before something that cannot be undone. The button says the verb and the object.
#[derive(Template)]
#[template(path = "components/confirmation.html")]
pub(crate) struct Confirmation {
    csrf: String,
    action: String,
    losses: Vec<String>,
    button: String,
    fields: Vec<(String, String)>,
    back: String,
}

impl Confirmation {
    /// `button` as in `Delete PizzaShack 1.0.0`; `back` is where nothing happens.
    pub(crate) fn new(
        csrf: &str,
        action: impl Into<String>,
        button: impl Into<String>,
        back: impl Into<String>,
    ) -> Self {
        Self {
            csrf: csrf.to_owned(),
            action: action.into(),
            losses: Vec::new(),
            button: button.into(),
            fields: Vec::new(),
            back: back.into(),
        }
    }

    /// What will be lost, one thing.
    #[must_use]
    pub(crate) fn loses(mut self, what: impl Into<String>) -> Self {
        self.losses.push(what.into());
        self
    }

    /// A value that is sent along.
    #[must_use]
    pub(crate) fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }
}
