//! Filters of JSONPath as Spectral rules use them: `(@.in == 'body' && @.name)`, `(@property === 'get')`,
//! `(@property.match(/^x-/))`.

use regex::Regex;
use serde_json::Value;

use super::function::expression;

/// A parsed filter.
#[derive(Debug)]
pub(super) enum Expression {
    Any(Vec<Expression>),
    All(Vec<Expression>),
    Not(Box<Expression>),
    Exists(Operand),
    Compare(Operand, Comparison, Operand),
    Match(Operand, Regex),
}

#[derive(Debug)]
pub(super) enum Operand {
    /// Names below the value, `@.a.b`.
    Field(Vec<String>),
    /// The name of the value in its parent, `@property`.
    Property,
    Literal(Value),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Comparison {
    Equal,
    Different,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Reads a filter, with or without the brackets around it.
///
/// # Errors
/// What is not understood.
pub(super) fn parse(text: &str) -> Result<Expression, String> {
    let mut reader = Reader { rest: text.trim(), depth: 0 };
    let expression = reader.any()?;
    if reader.rest.trim().is_empty() { Ok(expression) } else { Err(format!("{:?} is not understood", reader.rest)) }
}

struct Reader<'t> {
    rest: &'t str,
    depth: usize,
}

impl Reader<'_> {
    fn takes(&mut self, token: &str) -> bool {
        match self.rest.trim_start().strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn any(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.all()?];
        while self.takes("||") {
            parts.push(self.all()?);
        }
        Ok(Expression::Any(parts))
    }

    fn all(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.one()?];
        while self.takes("&&") {
            parts.push(self.one()?);
        }
        Ok(Expression::All(parts))
    }

    fn one(&mut self) -> Result<Expression, String> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > 50 {
            return Err("a filter has at most 50 parts".to_owned());
        }
        if self.takes("!") {
            return Ok(Expression::Not(Box::new(self.one()?)));
        }
        if self.takes("(") {
            let inner = self.any()?;
            return if self.takes(")") { Ok(inner) } else { Err("a bracket is not closed".to_owned()) };
        }
        let left = self.operand()?;
        if self.takes(".match(") {
            let pattern = self.pattern()?;
            return if self.takes(")") {
                Ok(Expression::Match(left, pattern))
            } else {
                Err("a bracket is not closed".to_owned())
            };
        }
        if self.takes("=~") {
            return Ok(Expression::Match(left, self.pattern()?));
        }
        let comparisons = [
            ("===", Comparison::Equal),
            ("!==", Comparison::Different),
            ("==", Comparison::Equal),
            ("!=", Comparison::Different),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        for (token, comparison) in comparisons {
            if self.takes(token) {
                return Ok(Expression::Compare(left, comparison, self.operand()?));
            }
        }
        Ok(Expression::Exists(left))
    }

    fn pattern(&mut self) -> Result<Regex, String> {
        let text = self.rest.trim_start();
        let body = text.strip_prefix('/').ok_or("a pattern stands between slashes")?;
        let mut escaped = false;
        let end = body.find(|c: char| {
            let ends = c == '/' && !escaped;
            escaped = c == '\\' && !escaped;
            ends
        });
        let end = end.ok_or("a pattern is not closed")?;
        let after = body.get(end.saturating_add(1)..).unwrap_or_default();
        let flags = after.len().saturating_sub(after.trim_start_matches(['i', 'u', 'g', 'm', 's']).len());
        let length = end.saturating_add(2).saturating_add(flags);
        let (pattern, rest) = text.split_at(length.min(text.len()));
        self.rest = rest;
        expression(pattern)
    }

    fn operand(&mut self) -> Result<Operand, String> {
        if self.takes("@property") {
            return Ok(Operand::Property);
        }
        if self.takes("@") {
            return self.field();
        }
        let text = self.rest.trim_start();
        if let Some(quote) = text.chars().next().filter(|c| matches!(c, '\'' | '"')) {
            let body = text.get(1..).unwrap_or_default();
            let end = body.find(quote).ok_or("a text is not closed")?;
            self.rest = body.get(end.saturating_add(1)..).unwrap_or_default();
            return Ok(Operand::Literal(body.get(..end).unwrap_or_default().into()));
        }
        let end = text.find([' ', ')', '&', '|', ',', '=', '<', '>']).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        self.rest = rest;
        let literal = match word {
            "undefined" => Value::Null,
            word => serde_json::from_str(word).map_err(|_| format!("{word:?} is not understood"))?,
        };
        Ok(Operand::Literal(literal))
    }

    fn field(&mut self) -> Result<Operand, String> {
        let mut names = Vec::new();
        loop {
            if self.rest.starts_with(".match(") {
                break;
            }
            if let Some(rest) = self.rest.strip_prefix('.') {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || "_-$".contains(c))).unwrap_or(rest.len());
                let (name, rest) = rest.split_at(end);
                if name.is_empty() || rest.starts_with('(') {
                    return Err(format!("{:?} is not understood", self.rest));
                }
                names.push(name.to_owned());
                self.rest = rest;
            } else if let Some(rest) = self.rest.strip_prefix('[') {
                let (name, rest) = rest.split_once(']').ok_or("a bracket is not closed")?;
                names.push(name.trim().trim_matches(['\'', '"']).to_owned());
                self.rest = rest;
            } else {
                break;
            }
        }
        Ok(Operand::Field(names))
    }
}

impl Operand {
    fn of(&self, value: &Value, property: &str) -> Option<Value> {
        match self {
            Self::Property => Some(property.into()),
            Self::Literal(literal) => Some(literal.clone()),
            Self::Field(names) => {
                let mut here = value;
                for (at, name) in names.iter().enumerate() {
                    // As in JavaScript, a text and a list have a length.
                    if name == "length" && at.saturating_add(1) == names.len() {
                        match here {
                            Value::Array(items) => return Some(items.len().into()),
                            Value::String(text) => return Some(text.chars().count().into()),
                            _ => {}
                        }
                    }
                    here = super::path::child(here, name)?;
                }
                Some(here.clone())
            }
        }
    }
}

impl Expression {
    /// Whether it holds for a value with its name in its parent.
    pub(super) fn holds(&self, value: &Value, property: &str) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.holds(value, property)),
            Self::All(parts) => parts.iter().all(|part| part.holds(value, property)),
            Self::Not(inner) => !inner.holds(value, property),
            Self::Exists(operand) => {
                operand.of(value, property).is_some_and(|found| super::function::is_truthy(&found))
            }
            Self::Match(operand, pattern) => operand
                .of(value, property)
                .is_some_and(|found| found.as_str().is_some_and(|text| pattern.is_match(text))),
            Self::Compare(left, comparison, right) => {
                let (left, right) = (left.of(value, property), right.of(value, property));
                let (left, right) = (left.unwrap_or(Value::Null), right.unwrap_or(Value::Null));
                let numbers = left.as_f64().zip(right.as_f64());
                match comparison {
                    Comparison::Equal => left == right || numbers.is_some_and(|(a, b)| a.total_cmp(&b).is_eq()),
                    Comparison::Different => left != right && numbers.is_none_or(|(a, b)| a.total_cmp(&b).is_ne()),
                    Comparison::Less => numbers.is_some_and(|(a, b)| a < b),
                    Comparison::LessOrEqual => numbers.is_some_and(|(a, b)| a <= b),
                    Comparison::Greater => numbers.is_some_and(|(a, b)| a > b),
                    Comparison::GreaterOrEqual => numbers.is_some_and(|(a, b)| a >= b),
                }
            }
        }
    }
}
