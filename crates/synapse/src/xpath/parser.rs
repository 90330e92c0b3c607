//! The grammar of XPath 1.0.

use std::sync::Arc;

use super::ast::{Axis, Expr, Operator, Start, Step, Test};
use super::functions;
use super::lexer::{Token, tokens};
use super::{Namespaces, SyntaxError};

/// Parentheses, predicates and operators inside one another.
const DEPTH: usize = 100;

pub(super) fn parse(text: &str, namespaces: &Namespaces) -> Result<Expr, SyntaxError> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, namespaces, depth: 0, undeclared: None };
    let expr = parser.or()?;
    match parser.peek() {
        Token::End => Ok(parser.undeclared.map_or(expr, Expr::Undeclared)),
        other => Err(parser.error(format!("unexpected {}", show(other)))),
    }
}

struct Parser<'a> {
    tokens: Vec<(usize, Token)>,
    at: usize,
    namespaces: &'a Namespaces,
    depth: usize,
    undeclared: Option<Arc<str>>,
}

fn show(token: &Token) -> String {
    match token {
        Token::Symbol(text) | Token::Operator(text) => (*text).to_owned(),
        Token::Name(prefix, local) if prefix.is_empty() => local.clone(),
        Token::Name(prefix, local) => format!("{prefix}:{local}"),
        Token::Star => "*".to_owned(),
        Token::Number(value) => value.to_string(),
        Token::Text(text) => format!("'{text}'"),
        Token::Variable(_, name) => format!("${name}"),
        Token::End => "end of the expression".to_owned(),
    }
}

type Parsed = Result<Expr, SyntaxError>;

impl Parser<'_> {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |(_, token)| token)
    }

    fn ahead(&self, by: usize) -> &Token {
        self.tokens.get(self.at + by).map_or(&Token::End, |(_, token)| token)
    }

    fn error(&self, reason: impl Into<String>) -> SyntaxError {
        let at = self.tokens.get(self.at).map_or(0, |(at, _)| *at);
        SyntaxError { at, reason: reason.into() }
    }

    fn symbol(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(known) if *known == symbol);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<(), SyntaxError> {
        if self.symbol(symbol) {
            return Ok(());
        }
        Err(self.error(format!("{symbol} is missing before {}", show(self.peek()))))
    }

    fn or(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.error("nested too deeply"));
        }
        let result = self.binary(0);
        self.depth -= 1;
        result
    }

    fn operator(&self, level: usize) -> Option<Operator> {
        let found = match self.peek() {
            Token::Operator("or") => (0, Operator::Or),
            Token::Operator("and") => (1, Operator::And),
            Token::Symbol("=") => (2, Operator::Equal),
            Token::Symbol("!=") => (2, Operator::NotEqual),
            Token::Symbol("<") => (3, Operator::Less),
            Token::Symbol("<=") => (3, Operator::LessEqual),
            Token::Symbol(">") => (3, Operator::Greater),
            Token::Symbol(">=") => (3, Operator::GreaterEqual),
            Token::Symbol("+") => (4, Operator::Plus),
            Token::Symbol("-") => (4, Operator::Minus),
            Token::Operator("*") => (5, Operator::Times),
            Token::Operator("div") => (5, Operator::Divide),
            Token::Operator("mod") => (5, Operator::Remainder),
            _ => return None,
        };
        (found.0 == level).then_some(found.1)
    }

    fn binary(&mut self, level: usize) -> Parsed {
        if level > 5 {
            return self.unary();
        }
        let mut left = self.binary(level + 1)?;
        let mut chained = 0;
        while let Some(operator) = self.operator(level) {
            self.at += 1;
            let right = self.binary(level + 1)?;
            left = Expr::Binary(operator, Box::new(left), Box::new(right));
            chained += 1;
            if chained > DEPTH * 2 {
                return Err(self.error("too many operators in a row"));
            }
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed {
        let mut negative = false;
        while self.symbol("-") {
            negative = !negative;
        }
        let mut left = self.path()?;
        let mut chained = 0;
        while self.symbol("|") {
            let right = self.path()?;
            left = Expr::Binary(Operator::Union, Box::new(left), Box::new(right));
            chained += 1;
            if chained > DEPTH * 2 {
                return Err(self.error("too many operators in a row"));
            }
        }
        Ok(if negative { Expr::Negate(Box::new(left)) } else { left })
    }

    fn path(&mut self) -> Parsed {
        if self.symbol("//") {
            let mut steps = vec![any_below()];
            self.relative(&mut steps)?;
            return Ok(path(Start::Root, steps));
        }
        if self.symbol("/") {
            let mut steps = Vec::new();
            if self.step_begins() {
                self.relative(&mut steps)?;
            }
            return Ok(path(Start::Root, steps));
        }
        if let Some(primary) = self.primary()? {
            let mut predicates = Vec::new();
            while self.symbol("[") {
                predicates.push(self.or()?);
                self.expect("]")?;
            }
            let mut steps = Vec::new();
            if self.symbol("//") {
                steps.push(any_below());
                self.relative(&mut steps)?;
            } else if self.symbol("/") {
                self.relative(&mut steps)?;
            }
            if predicates.is_empty() && steps.is_empty() {
                return Ok(primary);
            }
            return Ok(path(Start::Expr { primary: Box::new(primary), predicates }, steps));
        }
        let mut steps = Vec::new();
        self.relative(&mut steps)?;
        Ok(path(Start::Context, steps))
    }

    fn step_begins(&self) -> bool {
        matches!(self.peek(), Token::Name(..) | Token::Star | Token::Symbol("." | ".." | "@"))
    }

    fn relative(&mut self, steps: &mut Vec<Step>) -> Result<(), SyntaxError> {
        loop {
            steps.push(self.step()?);
            if self.symbol("//") {
                steps.push(any_below());
            } else if !self.symbol("/") {
                return Ok(());
            }
        }
    }

    fn step(&mut self) -> Result<Step, SyntaxError> {
        if self.symbol(".") {
            return Ok(Step { axis: Axis::SelfNode, test: Test::Node, predicates: Vec::new() });
        }
        if self.symbol("..") {
            return Ok(Step { axis: Axis::Parent, test: Test::Node, predicates: Vec::new() });
        }
        let mut axis = Axis::Child;
        if self.symbol("@") {
            axis = Axis::Attribute;
        } else if let (Token::Name(prefix, name), Token::Symbol("::")) = (self.peek(), self.ahead(1))
            && prefix.is_empty()
        {
            axis = Axis::parse(name).ok_or_else(|| self.error(format!("{name} is not an axis")))?;
            self.at += 2;
        }
        let test = self.test()?;
        let mut predicates = Vec::new();
        while self.symbol("[") {
            predicates.push(self.or()?);
            self.expect("]")?;
        }
        Ok(Step { axis, test, predicates })
    }

    fn test(&mut self) -> Result<Test, SyntaxError> {
        match self.peek().clone() {
            Token::Star => {
                self.at += 1;
                Ok(Test::Any)
            }
            Token::Name(prefix, local) => {
                if prefix.is_empty() && matches!(self.ahead(1), Token::Symbol("(")) {
                    return self.node_type(&local);
                }
                let namespace = self.namespace(&prefix);
                self.at += 1;
                if local == "*" {
                    return Ok(Test::Namespace(namespace));
                }
                Ok(Test::Name { namespace, local: local.into() })
            }
            other => Err(self.error(format!("a step is missing before {}", show(&other)))),
        }
    }

    fn node_type(&mut self, name: &str) -> Result<Test, SyntaxError> {
        let test = match name {
            "node" => Test::Node,
            "text" => Test::Text,
            "comment" => Test::Comment,
            "processing-instruction" => Test::Instruction(None),
            _ => return Err(self.error(format!("the function {name} cannot stand in a path"))),
        };
        self.at += 2;
        if let (Test::Instruction(_), Token::Text(target)) = (&test, self.peek().clone()) {
            self.at += 1;
            self.expect(")")?;
            return Ok(Test::Instruction(Some(target)));
        }
        self.expect(")")?;
        Ok(test)
    }

    fn namespace(&mut self, prefix: &str) -> Arc<str> {
        if prefix.is_empty() {
            return Arc::from("");
        }
        let found = self.namespaces.iter().find(|(known, _)| &**known == prefix);
        if found.is_none() {
            self.undeclared = Some(format!("the namespace prefix {prefix} is not declared").into());
        }
        found.map_or_else(|| Arc::from(""), |(_, uri)| Arc::clone(uri))
    }

    fn primary(&mut self) -> Result<Option<Expr>, SyntaxError> {
        Ok(Some(match self.peek().clone() {
            Token::Number(value) => {
                self.at += 1;
                Expr::Number(value)
            }
            Token::Text(text) => {
                self.at += 1;
                Expr::Text(text.into())
            }
            Token::Variable(prefix, name) => {
                self.at += 1;
                Expr::Variable { prefix: prefix.into(), name: name.into() }
            }
            Token::Symbol("(") => {
                self.at += 1;
                let inner = self.or()?;
                self.expect(")")?;
                inner
            }
            Token::Name(prefix, name) if matches!(self.ahead(1), Token::Symbol("(")) => {
                let node_type = ["node", "text", "comment", "processing-instruction"].contains(&name.as_str());
                if prefix.is_empty() && node_type {
                    return Ok(None);
                }
                self.call(&prefix, &name)?
            }
            _ => return Ok(None),
        }))
    }

    fn call(&mut self, prefix: &str, name: &str) -> Parsed {
        let begin = self.at;
        self.at += 2;
        let mut arguments = Vec::new();
        if !self.symbol(")") {
            loop {
                arguments.push(self.or()?);
                if self.symbol(")") {
                    break;
                }
                self.expect(",")?;
            }
        }
        let end = std::mem::replace(&mut self.at, begin);
        let Some(arity) = functions::signature(name) else {
            // Jaxen looks for functions when it evaluates, and artifacts have fault sequences for what it does not find.
            self.undeclared = Some(format!("there is no function {name}").into());
            self.at = end;
            return Ok(Expr::Number(f64::NAN));
        };
        if !arity.contains(&arguments.len()) {
            let count = arguments.len();
            return Err(self.error(format!("the function {name} cannot take {count} arguments")));
        }
        self.at = end;
        Ok(Expr::Call { prefix: prefix.into(), name: name.into(), arguments })
    }
}

fn any_below() -> Step {
    Step { axis: Axis::DescendantOrSelf, test: Test::Node, predicates: Vec::new() }
}

/// `//a` without predicates is one walk over the descendants.
fn path(start: Start, steps: Vec<Step>) -> Expr {
    let mut merged: Vec<Step> = Vec::with_capacity(steps.len());
    for step in steps {
        let joins = step.axis == Axis::Child
            && step.predicates.is_empty()
            && merged.last().is_some_and(|last| *last == any_below());
        if joins {
            merged.pop();
            merged.push(Step { axis: Axis::Descendant, ..step });
        } else {
            merged.push(step);
        }
    }
    Expr::Path { start, steps: merged }
}
