//! Forms: label above, hint, error below the label, values kept, and a summary of errors at the top that links to fields.

use askama::Template;
use web::RestError;

use super::{Html, Link};
use crate::page::PageError;

/// What is wrong with a form, said to the person: the field's name, or nothing for the whole form, and a sentence.
#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Vec<(String, String)>);

impl Faults {
    /// Nothing.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    /// One more.
    pub(crate) fn add(&mut self, field: impl Into<String>, text: impl Into<String>) {
        self.0.push((field.into(), text.into()));
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What a use case refuses, as a form can show it; `Err` for what no change of the form would mend: not found, not
    /// allowed, our own faults. A detail that begins with a field's name and a colon belongs to that field.
    pub(crate) fn of(error: impl Into<RestError>) -> Result<Self, PageError> {
        let error: RestError = error.into();
        if !matches!(error.status.as_u16(), 400 | 409 | 412 | 413 | 415 | 422) {
            return Err(error.into());
        }
        let texts: Vec<String> = if error.items.is_empty() {
            vec![error.description]
        } else {
            let text =
                |i: &web::ErrorItem| if i.description.is_empty() { i.message.clone() } else { i.description.clone() };
            error.items.iter().map(text).collect()
        };
        let part = |text: String| match text.split_once(": ") {
            Some((field, rest)) if !field.is_empty() && field.bytes().all(|b| b.is_ascii_alphanumeric()) => {
                (field.to_owned(), rest.to_owned())
            }
            _ => (String::new(), text),
        };
        Ok(Self(texts.into_iter().map(part).collect()))
    }

    /// The first one's text.
    pub(crate) fn first(&self) -> Option<&str> {
        self.0.first().map(|(_, text)| text.as_str())
    }

    /// Names of fields without what the use case has before them, as in `additionalProperties.permittedIP`.
    #[must_use]
    pub(crate) fn below(mut self, prefix: &str) -> Self {
        for (field, text) in &mut self.0 {
            let whole = format!("{field}: {text}");
            if let Some((name, rest)) =
                whole.strip_prefix(": ").unwrap_or(&whole).strip_prefix(prefix).and_then(|t| t.split_once(": "))
            {
                (*field, *text) = (name.to_owned(), rest.to_owned());
            }
        }
        self
    }

    fn of_field(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, text)| text.as_str())
    }
}

/// How a field is filled in.
enum Kind {
    Line { input: &'static str },
    Area { rows: u8, code: bool },
    Select { options: Vec<Choice> },
    Many { options: Vec<Choice>, exclusive: bool },
    Check,
    File { accept: String },
}

/// One of several.
struct Choice {
    value: String,
    label: String,
    hint: String,
    chosen: bool,
}

/// A field of a form.
#[derive(Template)]
#[template(path = "components/field.html")]
pub(crate) struct Field {
    kind: Kind,
    name: String,
    id: String,
    label: String,
    hint: String,
    value: String,
    fault: String,
    required: bool,
    fill: &'static str,
    max: u32,
}

impl Field {
    fn new(kind: Kind, name: &str, label: &str) -> Self {
        Self {
            kind,
            name: name.to_owned(),
            id: name.to_owned(),
            label: label.to_owned(),
            hint: String::new(),
            value: String::new(),
            fault: String::new(),
            required: false,
            fill: "off",
            max: 0,
        }
    }

    /// A line of text.
    pub(crate) fn text(name: &str, label: &str) -> Self {
        Self::new(Kind::Line { input: "text" }, name, label)
    }

    /// An address.
    pub(crate) fn url(name: &str, label: &str) -> Self {
        Self::new(Kind::Line { input: "url" }, name, label)
    }

    /// A number.
    pub(crate) fn number(name: &str, label: &str) -> Self {
        Self::new(Kind::Line { input: "number" }, name, label)
    }

    /// A secret: the value is never shown, and empty means unchanged.
    pub(crate) fn secret(name: &str, label: &str) -> Self {
        Self { fill: "new-password", ..Self::new(Kind::Line { input: "password" }, name, label) }
    }

    /// Several lines of text.
    pub(crate) fn area(name: &str, label: &str, rows: u8) -> Self {
        Self::new(Kind::Area { rows, code: false }, name, label)
    }

    /// Several lines of code.
    pub(crate) fn code(name: &str, label: &str, rows: u8) -> Self {
        Self::new(Kind::Area { rows, code: true }, name, label)
    }

    /// One of a list that drops down. Give the options with [`Field::option`].
    pub(crate) fn select(name: &str, label: &str) -> Self {
        Self::new(Kind::Select { options: Vec::new() }, name, label)
    }

    /// One of a few.
    pub(crate) fn radios(name: &str, label: &str) -> Self {
        Self::new(Kind::Many { options: Vec::new(), exclusive: true }, name, label)
    }

    /// Any of a few; read them with `Fields::all`.
    pub(crate) fn checks(name: &str, label: &str) -> Self {
        Self::new(Kind::Many { options: Vec::new(), exclusive: false }, name, label)
    }

    /// Yes or no; sent as `on`.
    pub(crate) fn check(name: &str, label: &str, on: bool) -> Self {
        let value = if on { "on" } else { "" };
        Self::new(Kind::Check, name, label).value(value)
    }

    /// A file, for a form that is [`Form::with_files`]; `accept` as in `.yaml,.json`.
    pub(crate) fn file(name: &str, label: &str, accept: &str) -> Self {
        Self::new(Kind::File { accept: accept.to_owned() }, name, label)
    }

    /// A choice of a list.
    #[must_use]
    pub(crate) fn option(self, value: &str, label: &str) -> Self {
        self.choice(value, label, "", false)
    }

    /// A choice with whether it is chosen.
    #[must_use]
    pub(crate) fn choice(mut self, value: &str, label: &str, hint: &str, chosen: bool) -> Self {
        let choice = Choice { value: value.to_owned(), label: label.to_owned(), hint: hint.to_owned(), chosen };
        if let Kind::Select { options } | Kind::Many { options, .. } = &mut self.kind {
            options.push(choice);
        }
        self
    }

    /// The value: what was given before, or what is stored. Of a list, the one that is chosen. Never that of a secret.
    #[must_use]
    pub(crate) fn value(mut self, value: &str) -> Self {
        if !matches!(self.kind, Kind::Line { input: "password" }) {
            value.clone_into(&mut self.value);
        }
        self
    }

    /// What is expected, below the label.
    #[must_use]
    pub(crate) fn hint(mut self, text: &str) -> Self {
        text.clone_into(&mut self.hint);
        self
    }

    /// It must be filled in. What is not required says so in its hint.
    #[must_use]
    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Most characters.
    #[must_use]
    pub(crate) const fn max(mut self, characters: u32) -> Self {
        self.max = characters;
        self
    }

    /// Another element id than the name, where a page has two fields of one name.
    #[must_use]
    pub(crate) fn id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.id);
        self
    }

    fn is_chosen(&self, choice: &Choice) -> bool {
        choice.chosen || (!self.value.is_empty() && choice.value == self.value)
    }

    /// The ids of hint and error, for `aria-describedby`.
    fn described(&self) -> String {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.id));
        let fault = (!self.fault.is_empty()).then(|| format!("{}-error", self.id));
        hint.into_iter().chain(fault).collect::<Vec<_>>().join(" ")
    }
}

/// A form.
#[derive(Template)]
#[template(path = "components/form.html")]
pub(crate) struct Form {
    csrf: String,
    action: String,
    /// Fields, headings between them and what else stands there, in order.
    parts: Vec<Html>,
    /// Ids of the fields by their name.
    known: Vec<(String, String)>,
    hidden: Vec<(String, String)>,
    faults: Faults,
    submit: String,
    class: &'static str,
    back: Option<Link>,
    files: bool,
    search: bool,
}

impl Form {
    /// A form that posts; `csrf` is the frame's, `submit` says verb and object.
    pub(crate) fn new(csrf: &str, action: impl Into<String>, submit: impl Into<String>) -> Self {
        Self {
            csrf: csrf.to_owned(),
            action: action.into(),
            parts: Vec::new(),
            known: Vec::new(),
            hidden: Vec::new(),
            faults: Faults::none(),
            submit: submit.into(),
            class: "",
            back: None,
            files: false,
            search: false,
        }
    }

    /// A form that asks: sent with GET, on one line, without a token.
    pub(crate) fn search(action: impl Into<String>, submit: impl Into<String>) -> Self {
        Self { search: true, class: "quiet", ..Self::new("", action, submit) }
    }

    /// What is wrong. Call it before [`Form::field`].
    #[must_use]
    pub(crate) fn faults(mut self, faults: &Faults) -> Self {
        self.faults = faults.clone();
        self
    }

    /// A field.
    #[must_use]
    pub(crate) fn field(mut self, mut field: Field) -> Self {
        if let Some(text) = self.faults.of_field(&field.name) {
            text.clone_into(&mut field.fault);
        }
        let first = match &field.kind {
            Kind::Many { .. } => format!("{}-0", field.id),
            _ => field.id.clone(),
        };
        self.known.push((field.name.clone(), first));
        self.parts.push(Html::of(&field));
        self
    }

    /// A heading between fields, with a text below or none.
    #[must_use]
    pub(crate) fn group(mut self, title: &str, text: &str) -> Self {
        self.parts.push(Html::of(&Group { title, text }));
        self
    }

    /// A value that nobody sees.
    #[must_use]
    pub(crate) fn hidden(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.hidden.push((name.into(), value.into()));
        self
    }

    /// Where to go instead.
    #[must_use]
    pub(crate) fn back(mut self, label: &str, path: impl Into<String>) -> Self {
        self.back = Some(Link::new(label, path));
        self
    }

    /// Sends files: multipart. The handler reads it with `Call::multipart`.
    #[must_use]
    pub(crate) const fn with_files(mut self) -> Self {
        self.files = true;
        self
    }

    /// A quiet button, for a form that is not what the page is about.
    #[must_use]
    pub(crate) const fn quiet(mut self) -> Self {
        self.class = "quiet";
        self
    }

    /// Texts of the summary with the id of the field to go to, or nothing.
    fn summary(&self) -> Vec<(&str, &str)> {
        let id = |name: &str| self.known.iter().find(|(n, _)| n == name).map_or("", |(_, id)| id.as_str());
        self.faults.0.iter().map(|(name, text)| (id(name), text.as_str())).collect()
    }

    /// Faults of names that no field has keep the name, so that the sentence stays whole.
    fn whole(&self, text: &str) -> String {
        let found = self.faults.0.iter().find(|(name, t)| t == text && !name.is_empty());
        match found {
            Some((name, _)) if !self.known.iter().any(|(n, _)| n == name) => format!("{name}: {text}"),
            _ => text.to_owned(),
        }
    }
}

#[derive(Template)]
#[template(
    source = "<h2>{{ title }}</h2>{% if !text.is_empty() %}<p class=\"hint\">{{ text }}</p>{% endif %}",
    ext = "html"
)]
struct Group<'a> {
    title: &'a str,
    text: &'a str,
}
