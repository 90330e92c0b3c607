//! The grammar.

use super::{Node, Operator, Root};
use crate::flow::PropertyScope;
use crate::jsonpath::{Cursor, JsonPath, Segment};
use crate::value::Value;
use crate::xpath::{Namespaces, SyntaxError, XPath};

const DEPTH: usize = 64;

pub(super) fn parse(text: &str, namespaces: &Namespaces) -> Result<Node, SyntaxError> {
    if text.len() > 64 << 10 {
        return Err(SyntaxError { at: 0, reason: "longer than 65536 characters".to_owned() });
    }
    let mut parser = Parser { chars: text.chars().collect(), text, at: 0, depth: 0, namespaces };
    parser.space();
    let node = parser.choice()?;
    parser.space();
    if parser.at < parser.chars.len() {
        return Err(parser.error(format!("unexpected {}", parser.peek())));
    }
    Ok(node)
}

struct Parser<'a> {
    chars: Vec<char>,
    text: &'a str,
    at: usize,
    depth: usize,
    namespaces: &'a Namespaces,
}

type Parsed = Result<Node, SyntaxError>;

impl Parser<'_> {
    fn peek(&self) -> char {
        self.ahead(0)
    }

    fn ahead(&self, by: usize) -> char {
        self.chars.get(self.at + by).copied().unwrap_or('\0')
    }

    fn space(&mut self) {
        while self.peek().is_whitespace() {
            self.at += 1;
        }
    }

    fn error(&self, reason: impl Into<String>) -> SyntaxError {
        SyntaxError { at: self.at, reason: reason.into() }
    }

    fn eat(&mut self, text: &str) -> bool {
        self.space();
        let found = text.chars().enumerate().all(|(offset, c)| self.ahead(offset) == c);
        if found {
            self.at += text.chars().count();
        }
        found
    }

    fn eat_word(&mut self, word: &str) -> bool {
        self.space();
        let length = word.chars().count();
        let found = word.chars().enumerate().all(|(offset, c)| self.ahead(offset) == c)
            && !(self.ahead(length).is_alphanumeric() || matches!(self.ahead(length), '_' | '.' | '['));
        if found {
            self.at += length;
        }
        found
    }

    fn expect(&mut self, text: &str) -> Result<(), SyntaxError> {
        if self.eat(text) {
            return Ok(());
        }
        Err(self.error(format!("{text} is missing")))
    }

    fn choice(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.error("nested too deeply"));
        }
        let condition = self.binary(0)?;
        let node = if self.eat("?") {
            let yes = self.choice()?;
            self.expect(":")?;
            let no = self.choice()?;
            Node::Choice(Box::new(condition), Box::new(yes), Box::new(no))
        } else {
            condition
        };
        self.depth -= 1;
        Ok(node)
    }

    fn operator(&mut self, level: usize) -> Option<Operator> {
        const LEVELS: [&[(&str, Operator)]; 5] = [
            &[("||", Operator::Or)],
            &[("&&", Operator::And)],
            &[
                ("==", Operator::Equal),
                ("!=", Operator::NotEqual),
                ("<=", Operator::LessEqual),
                (">=", Operator::GreaterEqual),
                ("<", Operator::Less),
                (">", Operator::Greater),
            ],
            &[("+", Operator::Plus), ("-", Operator::Minus)],
            &[("*", Operator::Times), ("/", Operator::Divide), ("%", Operator::Remainder)],
        ];
        if level == 0 && self.eat_word("or") {
            return Some(Operator::Or);
        }
        if level == 1 && self.eat_word("and") {
            return Some(Operator::And);
        }
        let found = LEVELS.get(level)?.iter().find(|(text, _)| self.eat(text));
        found.map(|(_, operator)| *operator)
    }

    fn binary(&mut self, level: usize) -> Parsed {
        if level >= 5 {
            return self.unary();
        }
        let mut left = self.binary(level + 1)?;
        let mut chained = 0;
        while let Some(operator) = self.operator(level) {
            let right = self.binary(level + 1)?;
            left = Node::Binary(operator, Box::new(left), Box::new(right));
            chained += 1;
            if chained > DEPTH * 4 {
                return Err(self.error("too many operators in a row"));
            }
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed {
        self.space();
        if self.peek() == '!' && self.ahead(1) != '=' {
            self.at += 1;
            return self.nested(|parser| Ok(Node::Not(Box::new(parser.unary()?))));
        }
        if self.peek() == '-' {
            self.at += 1;
            return self.nested(|parser| Ok(Node::Negate(Box::new(parser.unary()?))));
        }
        self.primary()
    }

    fn nested(&mut self, parse: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err(self.error("nested too deeply"));
        }
        let node = parse(self);
        self.depth -= 1;
        node
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while self.peek().is_alphanumeric() || matches!(self.peek(), '_' | '-') {
            // A minus belongs to a name only where a letter follows, as in wso2-vault.
            if self.peek() == '-' && (word.is_empty() || !self.ahead(1).is_alphabetic()) {
                break;
            }
            word.push(self.peek());
            self.at += 1;
        }
        word
    }

    fn quoted(&mut self) -> Result<String, SyntaxError> {
        let mut cursor = Cursor::new(self.text);
        cursor.jump(self.at);
        let text = cursor.quoted()?;
        self.at = cursor.at();
        Ok(text)
    }

    fn path(&mut self) -> Result<JsonPath, SyntaxError> {
        let mut cursor = Cursor::new(self.text);
        cursor.jump(self.at);
        let path = cursor.segments()?;
        self.at = cursor.at();
        Ok(path)
    }

    fn primary(&mut self) -> Parsed {
        self.space();
        match self.peek() {
            '(' => {
                self.at += 1;
                let inner = self.choice()?;
                self.expect(")")?;
                Ok(inner)
            }
            '\'' | '"' => Ok(Node::Literal(Value::text(self.quoted()?))),
            '$' => {
                self.at += 1;
                Ok(Node::Path { root: Root::Payload, name: None, path: self.path()? })
            }
            c if c.is_ascii_digit() => self.number(),
            c if c.is_alphabetic() || c == '_' => self.named(),
            '\0' => Err(self.error("the expression ends where a value is missing")),
            other => Err(self.error(format!("unexpected {other}"))),
        }
    }

    fn number(&mut self) -> Parsed {
        let mut text = String::new();
        while self.peek().is_ascii_digit() || self.peek() == '.' && self.ahead(1).is_ascii_digit() {
            text.push(self.peek());
            self.at += 1;
        }
        if let Ok(whole) = text.parse::<i64>() {
            return Ok(Node::Literal(Value::Integer(whole)));
        }
        text.parse().map(|value| Node::Literal(Value::Double(value))).map_err(|_| self.error("not a number"))
    }

    fn named(&mut self) -> Parsed {
        let begin = self.at;
        let word = self.word();
        match word.as_str() {
            "true" => return Ok(Node::Literal(Value::Boolean(true))),
            "false" => return Ok(Node::Literal(Value::Boolean(false))),
            "null" => return Ok(Node::Literal(Value::Null)),
            _ => {}
        }
        self.space();
        if self.peek() == '(' {
            return self.call(&word, begin);
        }
        let root = match word.as_str() {
            "payload" => {
                return Ok(Node::Path { root: Root::Payload, name: None, path: self.path()? });
            }
            "vars" | "variables" => Root::Variables,
            "headers" => Root::Headers,
            "configs" => Root::Settings,
            "properties" | "props" => match self.part()?.as_str() {
                "axis2" => Root::Properties(PropertyScope::Axis2),
                "synapse" => Root::Properties(PropertyScope::Synapse),
                other => return Err(self.error(format!("properties have the scopes axis2 and synapse, not {other}"))),
            },
            "params" => match self.part()?.as_str() {
                "queryParams" => Root::QueryParameters,
                "pathParams" => Root::PathParameters,
                "functionParams" => Root::FunctionParameters,
                other => {
                    let known = "queryParams, pathParams and functionParams";
                    return Err(self.error(format!("params have {known}, not {other}")));
                }
            },
            other => {
                self.at = begin;
                return Err(self.error(format!(
                    "{other} is not known; values begin with payload, vars, headers, params, properties or configs"
                )));
            }
        };
        let mut path = self.path()?;
        // The first step is the name of the value; names with dots stand in brackets.
        let name = match path.segments.first() {
            Some(Segment::Names(names)) if names.len() == 1 => names.first().cloned(),
            _ => None,
        };
        if name.is_some() {
            path.segments.remove(0);
        } else {
            return Err(self.error(format!("a name is missing after {word}")));
        }
        // Properties are often named with dots and read without brackets: properties.synapse.uri.var.x
        if matches!(root, Root::Properties(_)) {
            return Ok(self.dotted_property(root, name, path));
        }
        Ok(Node::Path { root, name, path })
    }

    fn dotted_property(&self, root: Root, name: Option<String>, path: JsonPath) -> Node {
        let mut whole = name.clone().unwrap_or_default();
        let dotted = path.segments.iter().all(|segment| match segment {
            Segment::Names(names) => match names.as_slice() {
                [one] => {
                    whole.push('.');
                    whole.push_str(one);
                    true
                }
                _ => false,
            },
            _ => false,
        });
        if dotted && matches!(name.as_deref(), Some("uri" | "query" | "REST" | "rest")) {
            return Node::Path { root, name: Some(whole), path: JsonPath { segments: Vec::new() } };
        }
        Node::Path { root, name, path }
    }

    fn part(&mut self) -> Result<String, SyntaxError> {
        if self.eat("[") {
            let name = self.quoted()?;
            self.expect("]")?;
            return Ok(name);
        }
        self.expect(".")?;
        Ok(self.word())
    }

    fn call(&mut self, name: &str, begin: usize) -> Parsed {
        self.expect("(")?;
        let mut arguments = Vec::new();
        if !self.eat(")") {
            loop {
                arguments.push(self.choice()?);
                if self.eat(")") {
                    break;
                }
                self.expect(",")?;
            }
        }
        let end = std::mem::replace(&mut self.at, begin);
        let literal = |node: Option<&Node>| match node {
            Some(Node::Literal(Value::Text(text))) => Some(text.to_string()),
            _ => None,
        };
        if name == "xpath" {
            let Some(text) = literal(arguments.first()) else {
                return Err(self.error("xpath() takes its expression as a text"));
            };
            let xpath = XPath::compile(&text, self.namespaces).map_err(|e| self.error(format!("in xpath(): {e}")))?;
            self.at = end;
            return Ok(Node::XPath(Box::new(xpath), literal(arguments.get(1))));
        }
        if name == "registry" {
            let [path] = <[Node; 1]>::try_from(arguments).map_err(|_| self.error("registry() takes one path"))?;
            self.at = end;
            let mut property = None;
            if self.eat(".property(") {
                self.space();
                property = Some(self.quoted()?);
                self.expect(")")?;
            }
            let path_after = self.path()?;
            return Ok(Node::Path { root: Root::Registry(Box::new(path), property), name: None, path: path_after });
        }
        let Some(arity) = super::functions::signature(name) else {
            return Err(self.error(format!("there is no function {name}")));
        };
        if !arity.contains(&arguments.len()) {
            return Err(self.error(format!("the function {name} cannot take {} arguments", arguments.len())));
        }
        self.at = end;
        Ok(Node::Call(name.to_owned(), arguments))
    }
}
