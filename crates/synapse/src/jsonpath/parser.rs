//! The grammar.

use super::filter::{Comparison, Filter, Operand};
use super::{JsonPath, Segment};
use crate::pattern::Pattern;
use crate::xpath::SyntaxError;

const LONGEST: usize = 64 << 10;
const DEPTH: usize = 64;

pub(super) fn parse(text: &str) -> Result<JsonPath, SyntaxError> {
    if text.len() > LONGEST {
        return Err(SyntaxError { at: 0, reason: format!("longer than {LONGEST} characters") });
    }
    let mut cursor = Cursor::new(text);
    cursor.space();
    if !cursor.eat("$") && !cursor.at_end() && !matches!(cursor.peek(), '.' | '[') {
        let name = cursor.name();
        if name.is_empty() {
            return Err(cursor.error("a path begins with $"));
        }
        let mut path = cursor.segments()?;
        path.segments.insert(0, Segment::Names(vec![name]));
        cursor.finish()?;
        return Ok(path);
    }
    let path = cursor.segments()?;
    cursor.finish()?;
    Ok(path)
}

/// A position in the text of a path.
pub(crate) struct Cursor {
    chars: Vec<char>,
    at: usize,
    depth: usize,
}

const FUNCTIONS: &[&str] =
    &["length", "size", "min", "max", "avg", "sum", "stddev", "keys", "first", "last", "index", "concat"];

impl Cursor {
    pub(crate) fn new(text: &str) -> Self {
        Self { chars: text.chars().collect(), at: 0, depth: 0 }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn jump(&mut self, at: usize) {
        self.at = at;
    }

    fn peek(&self) -> char {
        self.ahead(0)
    }

    fn ahead(&self, by: usize) -> char {
        self.chars.get(self.at + by).copied().unwrap_or('\0')
    }

    fn at_end(&self) -> bool {
        self.at >= self.chars.len()
    }

    fn space(&mut self) {
        while self.peek().is_whitespace() {
            self.at += 1;
        }
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = text.chars().enumerate().all(|(offset, c)| self.ahead(offset) == c);
        if found {
            self.at += text.chars().count();
        }
        found
    }

    fn error(&self, reason: impl Into<String>) -> SyntaxError {
        SyntaxError { at: self.at, reason: reason.into() }
    }

    fn expect(&mut self, text: &str) -> Result<(), SyntaxError> {
        self.space();
        if self.eat(text) {
            return Ok(());
        }
        Err(self.error(format!("{text} is missing")))
    }

    fn finish(&mut self) -> Result<(), SyntaxError> {
        self.space();
        if self.at_end() { Ok(()) } else { Err(self.error(format!("unexpected {}", self.peek()))) }
    }

    fn name(&mut self) -> String {
        let mut name = String::new();
        while self.peek().is_alphanumeric() || matches!(self.peek(), '_' | '-' | '$' | '@') || self.peek() > '\u{7f}' {
            name.push(self.peek());
            self.at += 1;
        }
        name
    }

    /// The steps of a path as far as they go.
    pub(crate) fn segments(&mut self) -> Result<JsonPath, SyntaxError> {
        let mut segments = Vec::new();
        loop {
            if self.eat("..") {
                segments.push(Segment::Descend);
                if self.peek() == '[' {
                    continue;
                }
                segments.push(self.dotted()?);
            } else if self.peek() == '.' {
                self.at += 1;
                if self.peek() == '[' {
                    continue;
                }
                segments.push(self.dotted()?);
            } else if self.peek() == '[' {
                self.at += 1;
                segments.push(self.bracket()?);
            } else {
                break;
            }
            if segments.len() > 256 {
                return Err(self.error("more than 256 steps"));
            }
        }
        if matches!(segments.last(), Some(Segment::Descend)) {
            return Err(self.error("a step is missing after .."));
        }
        Ok(JsonPath { segments })
    }

    fn dotted(&mut self) -> Result<Segment, SyntaxError> {
        if self.eat("*") {
            return Ok(Segment::All);
        }
        // Space inside of a name is what some artifacts rely on: $.a b.c
        let name = self.name();
        if name.is_empty() {
            return Err(self.error("a name is missing after the dot"));
        }
        if self.peek() == '(' {
            if !FUNCTIONS.contains(&name.as_str()) {
                return Err(self.error(format!("there is no function {name}")));
            }
            self.at += 1;
            let mut arguments = Vec::new();
            self.space();
            while !self.eat(")") {
                arguments.push(self.number()?);
                self.space();
                self.eat(",");
                self.space();
            }
            return Ok(Segment::Function(name, arguments));
        }
        Ok(Segment::Names(vec![name]))
    }

    fn number(&mut self) -> Result<f64, SyntaxError> {
        let mut text = String::new();
        while self.peek().is_ascii_digit() || matches!(self.peek(), '-' | '.' | 'e' | 'E' | '+') {
            text.push(self.peek());
            self.at += 1;
        }
        text.parse().map_err(|_| self.error("a number is missing"))
    }

    fn integer(&mut self) -> Result<Option<i64>, SyntaxError> {
        self.space();
        let mut text = String::new();
        while self.peek().is_ascii_digit() || self.peek() == '-' {
            text.push(self.peek());
            self.at += 1;
        }
        self.space();
        if text.is_empty() {
            return Ok(None);
        }
        text.parse().map(Some).map_err(|_| self.error(format!("{text} is not an index")))
    }

    fn bracket(&mut self) -> Result<Segment, SyntaxError> {
        self.space();
        if self.eat("*") {
            self.expect("]")?;
            return Ok(Segment::All);
        }
        if self.eat("?") {
            self.space();
            let segment = Segment::Filter(Box::new(self.or()?));
            self.expect("]")?;
            return Ok(segment);
        }
        if matches!(self.peek(), '\'' | '"') {
            let mut names = vec![self.quoted()?];
            self.space();
            while self.eat(",") {
                self.space();
                names.push(self.quoted()?);
                self.space();
            }
            self.expect("]")?;
            return Ok(Segment::Names(names));
        }
        let first = self.integer()?;
        if self.eat(":") {
            let end = self.integer()?;
            let step = if self.eat(":") { self.integer()? } else { None };
            self.expect("]")?;
            return Ok(Segment::Slice(first, end, step));
        }
        let Some(first) = first else { return Err(self.error("an index, a name or a filter is missing")) };
        let mut indexes = vec![first];
        while self.eat(",") {
            indexes.push(self.integer()?.ok_or_else(|| self.error("an index is missing"))?);
        }
        self.expect("]")?;
        Ok(Segment::Indexes(indexes))
    }

    pub(crate) fn quoted(&mut self) -> Result<String, SyntaxError> {
        let quote = self.peek();
        if !matches!(quote, '\'' | '"') {
            return Err(self.error("a quote is missing"));
        }
        let from = self.at;
        self.at += 1;
        let mut text = String::new();
        while !self.at_end() && self.peek() != quote {
            if self.peek() == '\\' && self.at + 1 < self.chars.len() {
                self.at += 1;
                text.push(match self.peek() {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    other => other,
                });
            } else {
                text.push(self.peek());
            }
            self.at += 1;
        }
        if self.at_end() {
            self.at = from;
            return Err(self.error("the text is not closed"));
        }
        self.at += 1;
        Ok(text)
    }

    fn or(&mut self) -> Result<Filter, SyntaxError> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.error("nested too deeply"));
        }
        let mut left = self.and()?;
        loop {
            self.space();
            if !self.eat("||") {
                break;
            }
            left = Filter::Or(Box::new(left), Box::new(self.and()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Filter, SyntaxError> {
        let mut left = self.not()?;
        loop {
            self.space();
            if !self.eat("&&") {
                break;
            }
            left = Filter::And(Box::new(left), Box::new(self.not()?));
        }
        Ok(left)
    }

    fn not(&mut self) -> Result<Filter, SyntaxError> {
        self.space();
        if self.peek() == '!' && self.ahead(1) != '=' {
            self.at += 1;
            return Ok(Filter::Not(Box::new(self.not()?)));
        }
        if self.eat("(") {
            let inner = self.or()?;
            self.expect(")")?;
            return Ok(inner);
        }
        let left = self.operand()?;
        self.space();
        let Some(comparison) = self.comparison() else { return Ok(Filter::Exists(left)) };
        self.space();
        if comparison == Comparison::Matches {
            return Ok(Filter::Matches(left, self.regex()?));
        }
        Ok(Filter::Compare(comparison, left, self.operand()?))
    }

    fn comparison(&mut self) -> Option<Comparison> {
        const SYMBOLS: &[(&str, Comparison)] = &[
            ("=~", Comparison::Matches),
            ("===", Comparison::Equal),
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessEqual),
            (">=", Comparison::GreaterEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        const WORDS: &[(&str, Comparison)] = &[
            ("in ", Comparison::In),
            ("nin ", Comparison::NotIn),
            ("subsetof ", Comparison::SubsetOf),
            ("anyof ", Comparison::AnyOf),
            ("noneof ", Comparison::NoneOf),
            ("size ", Comparison::Size),
            ("empty ", Comparison::Empty),
            ("contains ", Comparison::Contains),
        ];
        let all = SYMBOLS.iter().chain(WORDS);
        for (text, comparison) in all {
            if self.eat(text) {
                return Some(*comparison);
            }
        }
        None
    }

    fn regex(&mut self) -> Result<Pattern, SyntaxError> {
        if !self.eat("/") {
            return Err(self.error("a regular expression stands between slashes"));
        }
        let mut source = String::new();
        while !self.at_end() && self.peek() != '/' {
            if self.peek() == '\\' && self.ahead(1) == '/' {
                self.at += 1;
            }
            source.push(self.peek());
            self.at += 1;
        }
        self.expect("/")?;
        let mut flags = String::new();
        while self.peek().is_ascii_lowercase() {
            flags.push(self.peek());
            self.at += 1;
        }
        let source = if flags.is_empty() { source } else { format!("(?{flags}){source}") };
        Pattern::new(&source).map_err(|reason| self.error(reason))
    }

    fn operand(&mut self) -> Result<Operand, SyntaxError> {
        self.space();
        match self.peek() {
            '@' => {
                self.at += 1;
                Ok(Operand::Current(self.segments()?))
            }
            '$' => {
                self.at += 1;
                Ok(Operand::Root(self.segments()?))
            }
            '\'' | '"' => Ok(Operand::Literal(self.quoted()?.into())),
            '[' => {
                self.at += 1;
                let mut items = Vec::new();
                loop {
                    self.space();
                    if self.eat("]") {
                        break;
                    }
                    match self.operand()? {
                        Operand::Literal(value) => items.push(value),
                        _ => return Err(self.error("a list in a filter holds literals")),
                    }
                    self.space();
                    self.eat(",");
                }
                Ok(Operand::Literal(items.into()))
            }
            c if c.is_ascii_digit() || c == '-' => {
                let from = self.at;
                let number = self.number()?;
                let text: String = self.chars.iter().skip(from).take(self.at - from).collect();
                Ok(Operand::Literal(serde_json::from_str(&text).unwrap_or_else(|_| crate::json::number(number))))
            }
            _ => {
                let word = self.name();
                match word.as_str() {
                    "true" => Ok(Operand::Literal(true.into())),
                    "false" => Ok(Operand::Literal(false.into())),
                    "null" => Ok(Operand::Literal(serde_json::Value::Null)),
                    "" => Err(self.error("a value is missing")),
                    _ => Ok(Operand::Outside(word, self.segments()?)),
                }
            }
        }
    }
}
