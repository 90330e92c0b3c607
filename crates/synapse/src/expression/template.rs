//! Text with expressions inside: `{$ctx:x}`, `{get-property('x')}`, `${payload.a}`.

use super::{Expression, Namespaces, SyntaxError};
use crate::flow::{Failure, Flow};
use crate::value::Value;

/// Text and expressions in turn.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Expression(Expression),
}

impl Template {
    /// Compiles text where `{..}` holds an expression of any language.
    pub(crate) fn compile(text: &str, namespaces: &Namespaces) -> Result<Self, SyntaxError> {
        Self::scan(text, namespaces, true)
    }

    /// Compiles text where only `${..}` is an expression, as messages of logs and payloads hold it.
    pub(crate) fn inline(text: &str, namespaces: &Namespaces) -> Result<Self, SyntaxError> {
        Self::scan(text, namespaces, false)
    }

    fn scan(text: &str, namespaces: &Namespaces, braces: bool) -> Result<Self, SyntaxError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        let mut at = 0;
        while let Some(character) = rest.chars().next() {
            let dollar = rest.starts_with("${");
            if dollar || braces && character == '{' {
                let open = if dollar { 2 } else { 1 };
                let Some(end) = closing(rest, open) else {
                    return Err(SyntaxError { at, reason: "the brace is not closed".to_owned() });
                };
                let inside = rest.get(open..end).unwrap_or_default();
                let nested = inside.trim().starts_with("${") || inside.trim().starts_with("json-eval(");
                let source = if dollar && !nested { format!("${{{inside}}}") } else { inside.to_owned() };
                let expression =
                    Expression::compile(&source, namespaces).map_err(|e| SyntaxError { at: at + e.at, ..e })?;
                if !literal.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                }
                parts.push(Part::Expression(expression));
                let (used, tail) = rest.split_at(end + 1);
                at += used.chars().count();
                rest = tail;
                continue;
            }
            literal.push(character);
            rest = rest.get(character.len_utf8()..).unwrap_or_default();
            at += 1;
        }
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self { parts })
    }

    /// The text when there is no expression in it.
    pub(crate) fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// The expression when there is nothing else.
    pub(crate) fn single(&self) -> Option<&Expression> {
        match self.parts.as_slice() {
            [Part::Expression(expression)] => Some(expression),
            _ => None,
        }
    }

    /// The text with every expression replaced by its text.
    pub(crate) fn text(&self, flow: &mut Flow) -> Result<String, Failure> {
        self.text_with(flow, |value| value.as_text())
    }

    /// As [`Template::text`], each value written by `write`.
    pub(crate) fn text_with(&self, flow: &mut Flow, write: impl Fn(&Value) -> String) -> Result<String, Failure> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Expression(expression) if expression.is_xpath() => {
                    out.push_str(&write(&Value::text(expression.text(flow)?)));
                }
                Part::Expression(expression) => out.push_str(&write(&expression.value(flow)?)),
            }
            flow.made(out.len())?;
        }
        Ok(out)
    }
}

/// The byte of the brace that closes the expression which begins at `from`; braces in quotes do not count.
fn closing(text: &str, from: usize) -> Option<usize> {
    let mut depth = 1;
    let mut quote: Option<char> = None;
    let mut escaped = false;
    for (offset, character) in text.char_indices().filter(|(offset, _)| *offset >= from) {
        match (quote, character) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '{') => depth += 1,
            (None, '}') => {
                depth -= 1;
                if depth == 0 {
                    return Some(offset);
                }
            }
            _ => {}
        }
    }
    None
}
