//! Tokens, with the disambiguation of XPath 1.0 section 3.7.

use super::SyntaxError;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Symbol(&'static str),
    /// `and`, `or`, `div`, `mod` where an operator stands, and `*` as a product.
    Operator(&'static str),
    /// `a`, `p:a`, `p:*`; the prefix may be empty.
    Name(String, String),
    Star,
    Number(f64),
    Text(String),
    Variable(String, String),
    End,
}

/// Characters of one expression.
const LONGEST: usize = 64 << 10;

pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token)>, SyntaxError> {
    let chars: Vec<char> = text.chars().collect();
    if chars.len() > LONGEST {
        return Err(SyntaxError { at: 0, reason: format!("longer than {LONGEST} characters") });
    }
    let mut lexer = Lexer { chars, at: 0, tokens: Vec::new() };
    lexer.run()?;
    Ok(lexer.tokens)
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    tokens: Vec<(usize, Token)>,
}

const SYMBOLS: &[&str] =
    &["::", "..", "//", "!=", "<=", ">=", "(", ")", "[", "]", ".", "@", ",", "/", "|", "+", "-", "=", "<", ">"];

impl Lexer {
    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn error(&self, reason: impl Into<String>) -> SyntaxError {
        SyntaxError { at: self.at, reason: reason.into() }
    }

    fn run(&mut self) -> Result<(), SyntaxError> {
        loop {
            while self.peek(0).is_whitespace() {
                self.at += 1;
            }
            let start = self.at;
            if start >= self.chars.len() {
                self.tokens.push((start, Token::End));
                return Ok(());
            }
            let token = self.next()?;
            self.tokens.push((start, token));
        }
    }

    fn next(&mut self) -> Result<Token, SyntaxError> {
        let first = self.peek(0);
        if first == '"' || first == '\'' {
            return self.literal(first);
        }
        if first.is_ascii_digit() || first == '.' && self.peek(1).is_ascii_digit() {
            return self.number();
        }
        if first == '*' {
            self.at += 1;
            return Ok(if self.operator_may_follow() { Token::Operator("*") } else { Token::Star });
        }
        if first == '$' {
            self.at += 1;
            let (prefix, name) = self.variable_name()?;
            return Ok(Token::Variable(prefix, name));
        }
        if is_start(first) {
            return self.name();
        }
        for symbol in SYMBOLS {
            if symbol.chars().enumerate().all(|(offset, c)| self.peek(offset) == c) {
                self.at += symbol.len();
                return Ok(Token::Symbol(symbol));
            }
        }
        Err(self.error(format!("unexpected character {first}")))
    }

    /// True when the token before can end an operand.
    fn operator_may_follow(&self) -> bool {
        match self.tokens.last() {
            None => false,
            Some((_, token)) => match token {
                Token::Symbol(symbol) => matches!(*symbol, ")" | "]" | "." | ".."),
                Token::Operator(_) => false,
                _ => true,
            },
        }
    }

    fn literal(&mut self, quote: char) -> Result<Token, SyntaxError> {
        let from = self.at;
        self.at += 1;
        let mut text = String::new();
        loop {
            match self.chars.get(self.at) {
                None => {
                    self.at = from;
                    return Err(self.error("the text is not closed"));
                }
                Some(c) if *c == quote => break,
                Some(c) => text.push(*c),
            }
            self.at += 1;
        }
        self.at += 1;
        Ok(Token::Text(text))
    }

    fn number(&mut self) -> Result<Token, SyntaxError> {
        let mut text = String::new();
        while self.peek(0).is_ascii_digit() || self.peek(0) == '.' {
            text.push(self.peek(0));
            self.at += 1;
        }
        text.parse().map(Token::Number).map_err(|_| self.error(format!("{text} is not a number")))
    }

    fn ncname(&mut self) -> String {
        let mut name = String::new();
        while is_part(self.peek(0)) {
            name.push(self.peek(0));
            self.at += 1;
        }
        name
    }

    /// Synapse's variables may hold dots and dashes, as in `$ctx:query.param.a`.
    fn variable_name(&mut self) -> Result<(String, String), SyntaxError> {
        let first = self.ncname();
        if first.is_empty() {
            return Err(self.error("a name is missing after $"));
        }
        if self.peek(0) == ':' && self.peek(1) != ':' {
            self.at += 1;
            let name = self.ncname();
            if name.is_empty() {
                return Err(self.error("a name is missing after the prefix"));
            }
            return Ok((first, name));
        }
        Ok((String::new(), first))
    }

    fn name(&mut self) -> Result<Token, SyntaxError> {
        let first = self.ncname();
        if self.operator_may_follow() {
            match first.as_str() {
                "and" => return Ok(Token::Operator("and")),
                "or" => return Ok(Token::Operator("or")),
                "div" => return Ok(Token::Operator("div")),
                "mod" => return Ok(Token::Operator("mod")),
                _ => {}
            }
        }
        if self.peek(0) == ':' && self.peek(1) == '*' {
            self.at += 2;
            return Ok(Token::Name(first, "*".to_owned()));
        }
        if self.peek(0) == ':' && is_start(self.peek(1)) {
            self.at += 1;
            let local = self.ncname();
            return Ok(Token::Name(first, local));
        }
        Ok(Token::Name(String::new(), first))
    }
}

fn is_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\u{b7}')
}
