//! Executable documents as far as they are measured: operations, fragments, fields, arguments.

use super::{GraphqlError, GraphqlKind};

/// Most tokens of a document.
const MAX_TOKENS: usize = 20_000;
/// Deepest nesting of selections or values.
const MAX_DEPTH: usize = 100;

#[derive(Debug)]
pub(super) struct Document<'a> {
    pub(super) operations: Vec<Operation<'a>>,
    pub(super) fragments: Vec<Fragment<'a>>,
}

#[derive(Debug)]
pub(super) struct Operation<'a> {
    pub(super) kind: GraphqlKind,
    pub(super) name: Option<&'a str>,
    /// Variables whose default is a whole number.
    pub(super) defaults: Vec<(&'a str, i64)>,
    pub(super) selections: Vec<Selection<'a>>,
}

#[derive(Debug)]
pub(super) struct Fragment<'a> {
    pub(super) name: &'a str,
    pub(super) kind: &'a str,
    pub(super) selections: Vec<Selection<'a>>,
}

#[derive(Debug)]
pub(super) enum Selection<'a> {
    Field { name: &'a str, arguments: Vec<Argument<'a>>, selections: Vec<Selection<'a>> },
    Inline { kind: Option<&'a str>, selections: Vec<Selection<'a>> },
    Spread(&'a str),
}

/// An argument with its value, where that is a whole number or a variable.
#[derive(Debug)]
pub(super) struct Argument<'a> {
    pub(super) name: &'a str,
    pub(super) number: Option<i64>,
    pub(super) variable: Option<&'a str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Name(&'a str),
    Number(&'a str),
    Text,
    Sign(&'static str),
}

const SIGNS: [&str; 14] = ["...", "!", "$", "&", "(", ")", ":", "=", "@", "[", "]", "{", "|", "}"];

fn tokens(text: &str) -> Result<Vec<(Token<'_>, usize)>, GraphqlError> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches('\u{feff}');
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', '\n', ',']);
        let at = text.len() - rest.len();
        let fault = GraphqlError::Syntax(at);
        let Some(first) = rest.chars().next() else { return Ok(found) };
        if first == '#' {
            rest = rest.find(['\n', '\r']).and_then(|end| rest.get(end..)).unwrap_or_default();
            continue;
        }
        if found.len() >= MAX_TOKENS {
            return Err(GraphqlError::TooLarge);
        }
        let (token, length) = if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            (Token::Sign(sign), sign.len())
        } else if first.is_ascii_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
            (Token::Name(rest.get(..length).unwrap_or_default()), length)
        } else if first.is_ascii_digit() || first == '-' {
            let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.' | '_');
            let length = rest.find(|c: char| !inside(c)).unwrap_or(rest.len());
            (Token::Number(rest.get(..length).unwrap_or_default()), length)
        } else if first == '"' {
            (Token::Text, string(rest).ok_or(fault)?)
        } else {
            return Err(fault);
        };
        found.push((token, at));
        rest = rest.get(length..).unwrap_or_default();
    }
}

/// Length of the string or block string at the start.
fn string(text: &str) -> Option<usize> {
    if let Some(block) = text.strip_prefix("\"\"\"") {
        let mut from = 0;
        loop {
            let end = from + block.get(from..)?.find("\"\"\"")?;
            if !block.get(..end)?.ends_with('\\') {
                return Some(end + 6);
            }
            from = end + 3;
        }
    }
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '\n' | '\r' => return None,
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

impl<'a> Document<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, GraphqlError> {
        let tokens = tokens(text)?;
        let mut reader = Reader { tokens: &tokens, depth: 0, end: text.len() };
        let mut document = Self { operations: Vec::new(), fragments: Vec::new() };
        while let Some(token) = reader.peek() {
            match token {
                Token::Sign("{") => {
                    let selections = reader.selections()?;
                    let kind = GraphqlKind::Query;
                    document.operations.push(Operation { kind, name: None, defaults: Vec::new(), selections });
                }
                Token::Name("query") => document.operations.push(reader.operation(GraphqlKind::Query)?),
                Token::Name("mutation") => document.operations.push(reader.operation(GraphqlKind::Mutation)?),
                Token::Name("subscription") => document.operations.push(reader.operation(GraphqlKind::Subscription)?),
                Token::Name("fragment") => {
                    let fragment = reader.fragment()?;
                    if document.fragments.iter().any(|known| known.name == fragment.name) {
                        return Err(GraphqlError::Fragment);
                    }
                    document.fragments.push(fragment);
                }
                _ => return Err(reader.fault()),
            }
        }
        Ok(document)
    }
}

struct Reader<'t, 'a> {
    tokens: &'t [(Token<'a>, usize)],
    depth: usize,
    end: usize,
}

impl<'a> Reader<'_, 'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.first().map(|(token, _)| *token)
    }

    fn fault(&self) -> GraphqlError {
        GraphqlError::Syntax(self.tokens.first().map_or(self.end, |(_, at)| *at))
    }

    fn skip(&mut self) {
        self.tokens = self.tokens.get(1..).unwrap_or_default();
    }

    fn take(&mut self, sign: &str) -> bool {
        let is_it = matches!(self.peek(), Some(Token::Sign(own)) if own == sign);
        if is_it {
            self.skip();
        }
        is_it
    }

    fn expect(&mut self, sign: &str) -> Result<(), GraphqlError> {
        if self.take(sign) { Ok(()) } else { Err(self.fault()) }
    }

    fn name(&mut self) -> Result<&'a str, GraphqlError> {
        match self.peek() {
            Some(Token::Name(name)) => {
                self.skip();
                Ok(name)
            }
            _ => Err(self.fault()),
        }
    }

    fn deeper(&mut self) -> Result<(), GraphqlError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(GraphqlError::TooLarge) } else { Ok(()) }
    }

    fn operation(&mut self, kind: GraphqlKind) -> Result<Operation<'a>, GraphqlError> {
        self.skip();
        let name = if let Some(Token::Name(_)) = self.peek() { Some(self.name()?) } else { None };
        let mut defaults = Vec::new();
        if self.take("(") {
            while !self.take(")") {
                self.expect("$")?;
                let variable = self.name()?;
                self.expect(":")?;
                self.kind()?;
                if self.take("=")
                    && let (Some(number), _) = self.value()?
                {
                    defaults.push((variable, number));
                }
                self.directives()?;
            }
        }
        self.directives()?;
        Ok(Operation { kind, name, defaults, selections: self.selections()? })
    }

    fn fragment(&mut self) -> Result<Fragment<'a>, GraphqlError> {
        self.skip();
        let name = self.name()?;
        if name == "on" || self.name()? != "on" {
            return Err(self.fault());
        }
        let kind = self.name()?;
        self.directives()?;
        Ok(Fragment { name, kind, selections: self.selections()? })
    }

    /// A type: a name, or a list of one, each with or without a mark.
    fn kind(&mut self) -> Result<(), GraphqlError> {
        self.deeper()?;
        if self.take("[") {
            self.kind()?;
            self.expect("]")?;
        } else {
            self.name()?;
        }
        self.take("!");
        self.depth -= 1;
        Ok(())
    }

    fn directives(&mut self) -> Result<(), GraphqlError> {
        while self.take("@") {
            self.name()?;
            self.arguments()?;
        }
        Ok(())
    }

    fn arguments(&mut self) -> Result<Vec<Argument<'a>>, GraphqlError> {
        let mut found = Vec::new();
        if self.take("(") {
            while !self.take(")") {
                let name = self.name()?;
                self.expect(":")?;
                let (number, variable) = self.value()?;
                found.push(Argument { name, number, variable });
            }
        }
        Ok(found)
    }

    /// A value; tells whole numbers and variables.
    fn value(&mut self) -> Result<(Option<i64>, Option<&'a str>), GraphqlError> {
        self.deeper()?;
        let found = match self.peek() {
            Some(Token::Number(text)) => {
                self.skip();
                (text.parse().ok(), None)
            }
            Some(Token::Text | Token::Name(_)) => {
                self.skip();
                (None, None)
            }
            Some(Token::Sign("$")) => {
                self.skip();
                (None, Some(self.name()?))
            }
            Some(Token::Sign("[")) => {
                self.skip();
                while !self.take("]") {
                    self.value()?;
                }
                (None, None)
            }
            Some(Token::Sign("{")) => {
                self.skip();
                while !self.take("}") {
                    self.name()?;
                    self.expect(":")?;
                    self.value()?;
                }
                (None, None)
            }
            _ => return Err(self.fault()),
        };
        self.depth -= 1;
        Ok(found)
    }

    fn selections(&mut self) -> Result<Vec<Selection<'a>>, GraphqlError> {
        self.deeper()?;
        self.expect("{")?;
        let mut found = Vec::new();
        while !self.take("}") {
            found.push(self.selection()?);
        }
        self.depth -= 1;
        if found.is_empty() { Err(self.fault()) } else { Ok(found) }
    }

    fn selection(&mut self) -> Result<Selection<'a>, GraphqlError> {
        if !self.take("...") {
            let mut name = self.name()?;
            if self.take(":") {
                // The first was an alias.
                name = self.name()?;
            }
            let arguments = self.arguments()?;
            self.directives()?;
            let inside = self.peek() == Some(Token::Sign("{"));
            let selections = if inside { self.selections()? } else { Vec::new() };
            return Ok(Selection::Field { name, arguments, selections });
        }
        match self.peek() {
            Some(Token::Name("on")) => {
                self.skip();
                let kind = Some(self.name()?);
                self.directives()?;
                Ok(Selection::Inline { kind, selections: self.selections()? })
            }
            Some(Token::Name(name)) => {
                self.skip();
                self.directives()?;
                Ok(Selection::Spread(name))
            }
            _ => {
                self.directives()?;
                Ok(Selection::Inline { kind: None, selections: self.selections()? })
            }
        }
    }
}
