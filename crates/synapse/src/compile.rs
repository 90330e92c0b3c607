//! From elements to checked programs. Every fault of an artifact is collected, none ends the work.

use std::fmt;
use std::time::Duration;

use crate::expression::{Expression, Namespaces, SyntaxError, Template};
use crate::mediator::{Sequence, Step};
use crate::mediators;
use crate::pattern::Pattern;
use crate::xml::Element;

/// What is wrong with an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Line, from 1.
    pub line: u32,
    /// The mediator, or the part of the artifact.
    pub mediator: String,
    /// What is wrong.
    pub reason: String,
    /// What to do about it; may be empty.
    pub hint: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}: {}", self.line, self.mediator, self.reason)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, " ({})", self.hint) }
    }
}

/// Mediators inside one another.
const DEPTH: usize = 64;

/// Compiles elements and collects faults.
#[derive(Debug, Default)]
pub(crate) struct Compiler {
    pub(crate) faults: Vec<Fault>,
    /// What the operator should know about an artifact that loads.
    pub(crate) notes: Vec<Fault>,
    depth: usize,
}

impl Compiler {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Notes a fault.
    pub(crate) fn fault(&mut self, element: Element<'_>, reason: impl Into<String>, hint: impl Into<String>) {
        self.faults.push(Fault {
            line: element.line(),
            mediator: element.name().to_owned(),
            reason: reason.into(),
            hint: hint.into(),
        });
    }

    /// Notes what is not a fault, and still not what the artifact says.
    pub(crate) fn note(&mut self, element: Element<'_>, reason: impl Into<String>, hint: impl Into<String>) {
        self.notes.push(Fault {
            line: element.line(),
            mediator: element.name().to_owned(),
            reason: reason.into(),
            hint: hint.into(),
        });
    }

    /// An attribute that has to be there.
    pub(crate) fn required(&mut self, element: Element<'_>, attribute: &str) -> Option<String> {
        let value = element.given(attribute);
        if value.is_none() {
            self.fault(element, format!("the attribute {attribute} is missing"), "");
        }
        value.map(str::to_owned)
    }

    fn syntax(&mut self, element: Element<'_>, what: &str, text: &str, error: &SyntaxError) {
        self.fault(element, format!("{what} {text:?}: {error}"), "");
    }

    /// Compiles an expression.
    pub(crate) fn expression(&mut self, element: Element<'_>, text: &str) -> Option<Expression> {
        let compiled = Expression::compile(text, &element.namespaces());
        let compiled = compiled.map_err(|error| self.syntax(element, "the expression", text, &error)).ok();
        if let Some(reason) = compiled.as_ref().and_then(Expression::undeclared) {
            let reason = format!("the expression {text:?} fails on every message: {reason}");
            self.note(element, reason, "declare the namespace, or correct the name");
        }
        compiled
    }

    /// Compiles an expression where a bare path may be JSONPath.
    pub(crate) fn json_expression(&mut self, element: Element<'_>, text: &str) -> Option<Expression> {
        let compiled = Expression::compile_json(text, &element.namespaces());
        compiled.map_err(|error| self.syntax(element, "the expression", text, &error)).ok()
    }

    /// Compiles a value that may be an expression in braces, as in `key="{get-property('x')}"` and `${..}`.
    pub(crate) fn value(&mut self, element: Element<'_>, text: &str) -> Option<Template> {
        let mut trimmed = text.trim();
        // Templates of ESB 4 double the braces of what is evaluated at the call.
        if let Some(inner) = trimmed.strip_prefix('{').and_then(|inner| inner.strip_suffix('}'))
            && inner.starts_with('{')
            && inner.ends_with('}')
        {
            trimmed = inner;
        }
        let dynamic = trimmed.starts_with('{') && trimmed.ends_with('}') || trimmed.contains("${");
        let compiled = if dynamic {
            Template::compile(trimmed, &element.namespaces())
        } else {
            Template::inline(text, &Namespaces::new())
        };
        compiled.map_err(|error| self.syntax(element, "the value", text, &error)).ok()
    }

    /// Compiles text with `${..}` inside.
    pub(crate) fn inline(&mut self, element: Element<'_>, text: &str) -> Option<Template> {
        let compiled = Template::inline(text, &element.namespaces());
        compiled.map_err(|error| self.syntax(element, "the text", text, &error)).ok()
    }

    /// Compiles a regular expression.
    pub(crate) fn pattern(&mut self, element: Element<'_>, text: &str) -> Option<Pattern> {
        Pattern::new(text).map_err(|reason| self.fault(element, reason, "")).ok()
    }

    /// A whole number of an attribute or of text.
    pub(crate) fn number<T: std::str::FromStr>(&mut self, element: Element<'_>, what: &str, text: &str) -> Option<T> {
        let parsed = text.trim().parse().ok();
        if parsed.is_none() {
            self.fault(element, format!("{what} is not a number: {text:?}"), "");
        }
        parsed
    }

    /// Milliseconds as a child's text.
    pub(crate) fn millis(&mut self, element: Element<'_>) -> Option<Duration> {
        let text = element.text();
        self.number::<u64>(element, element.name(), &text).map(Duration::from_millis)
    }

    /// A truth value of an attribute.
    pub(crate) fn flag(&mut self, element: Element<'_>, attribute: &str, otherwise: bool) -> bool {
        match element.given(attribute) {
            None => otherwise,
            Some(text) if text.eq_ignore_ascii_case("true") => true,
            Some(text) if text.eq_ignore_ascii_case("false") => false,
            Some(text) => {
                self.fault(element, format!("{attribute} is true or false, not {text:?}"), "");
                otherwise
            }
        }
    }

    /// The mediators inside an element.
    pub(crate) fn sequence(&mut self, element: Element<'_>) -> Sequence {
        let mut sequence = Sequence::new(element.given("name").unwrap_or_default());
        if let Some(key) = element.given("onError") {
            sequence.on_error = self.value(element, key);
        }
        sequence.steps = self.steps(element);
        sequence
    }

    /// The mediators inside an element, without a sequence around them.
    pub(crate) fn steps(&mut self, element: Element<'_>) -> Vec<Step> {
        self.depth += 1;
        let mut steps = Vec::new();
        if self.depth > DEPTH {
            self.fault(
                element,
                format!("mediators are nested deeper than {DEPTH}"),
                "move some into a sequence of its own",
            );
        } else {
            for child in element.children() {
                if let Some(step) = self.mediator(child) {
                    steps.push(step);
                }
            }
        }
        self.depth -= 1;
        steps
    }

    /// One mediator.
    pub(crate) fn mediator(&mut self, element: Element<'_>) -> Option<Step> {
        let name = element.name();
        if name == "description" {
            return None;
        }
        let Some(mediator) = mediators::find(name) else {
            let (reason, hint) = mediators::why_not(name);
            self.fault(element, reason, hint);
            return None;
        };
        let run = (mediator.compile)(self, element)?;
        Some(Step { run, mediator: mediator.name, line: element.line() })
    }
}
