//! The part of XQuery 1.0 that artifacts use: a prolog of namespaces and variables, direct constructors, `for`, `let`,
//! `where`, `order by`, `if`, and paths of XPath 1.0. It becomes a stylesheet with one template.

use crate::xml::Name;
use crate::xpath::{Expr, Namespaces, XPath};
use crate::xslt::{Avt, Instruction, Part, Sort, Stylesheet, Variable};

const DEPTH: usize = 60;

/// Compiles a query.
///
/// # Errors
/// What is wrong or not available.
pub(crate) fn compile(text: &str) -> Result<Stylesheet, String> {
    if text.len() > 1 << 20 {
        return Err("the query is longer than 1048576 bytes".to_owned());
    }
    let text = without_comments(text);
    let mut rest = text.trim();
    let mut namespaces: Namespaces = Vec::new();
    for (prefix, uri) in [("xs", "http://www.w3.org/2001/XMLSchema"), ("fn", "http://www.w3.org/2005/xpath-functions")]
    {
        namespaces.push((prefix.into(), uri.into()));
    }
    let mut globals = Vec::new();
    while rest.starts_with("declare ") || rest.starts_with("xquery ") || rest.starts_with("import ") {
        let end = outside(rest, |at| at.starts_with(';')).ok_or("a declaration does not end with ;")?;
        let (declaration, tail) = rest.split_at(end);
        rest = tail.trim_start_matches(';').trim_start();
        declare(declaration.trim(), &mut namespaces, &mut globals)?;
    }
    let body = Query { namespaces, depth: 0 }.sequence(rest)?;
    Ok(Stylesheet::of_body(globals, body))
}

fn declare(text: &str, namespaces: &mut Namespaces, globals: &mut Vec<Variable>) -> Result<(), String> {
    if let Some(rest) = text.strip_prefix("declare namespace ") {
        let (prefix, uri) = rest.split_once('=').ok_or("a namespace is declared as prefix=\"uri\"")?;
        let uri = uri.trim().trim_matches(['"', '\'']);
        namespaces.insert(0, (prefix.trim().into(), uri.into()));
        return Ok(());
    }
    if let Some(rest) = text.strip_prefix("declare variable ") {
        let rest = rest.trim().strip_prefix('$').ok_or("a variable begins with $")?;
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || "_-.".contains(*c)).collect();
        let select = match rest.split_once(":=") {
            Some((_, value)) => Some(expr(value, namespaces)?),
            None => None,
        };
        let parameter = select.is_none();
        globals.push(Variable { name, select, body: Vec::new(), parameter });
        return Ok(());
    }
    if text.starts_with("xquery ") || text.starts_with("declare boundary-space") || text.starts_with("declare option") {
        return Ok(());
    }
    Err(format!("{:?} is not available", text.chars().take(40).collect::<String>()))
}

fn without_comments(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("(:") {
        out.push_str(before);
        rest = after.split_once(":)").map_or("", |(_, tail)| tail);
    }
    out + rest
}

fn expr(text: &str, namespaces: &Namespaces) -> Result<Expr, String> {
    let text = text.trim();
    XPath::compile_strictly(text, namespaces).map(|xpath| xpath.root).map_err(|e| format!("{text:?}: {e}"))
}

/// The first byte outside of quotes, brackets, braces and tags where `found` holds.
fn outside(text: &str, found: impl Fn(&str) -> bool) -> Option<usize> {
    let mut depth = 0_i32;
    let mut quote: Option<char> = None;
    let mut tags = 0_i32;
    let mut skip = 0;
    for (at, c) in text.char_indices() {
        if at < skip {
            continue;
        }
        let tail = text.get(at..).unwrap_or_default();
        if let Some(open) = quote {
            if c == open {
                quote = None;
            }
            continue;
        }
        if depth == 0 && tags == 0 && found(tail) {
            return Some(at);
        }
        match c {
            '"' | '\'' if tags == 0 || depth > 0 => quote = Some(c),
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            '<' if depth == 0 => {
                let end = tail.find('>').unwrap_or(tail.len());
                let tag = tail.get(..end).unwrap_or_default();
                if tail.starts_with("</") {
                    tags -= 1;
                    skip = at + end;
                } else if tail.chars().nth(1).is_some_and(char::is_alphabetic) {
                    if !tag.ends_with('/') {
                        tags += 1;
                    }
                    skip = at + end;
                }
            }
            _ => {}
        }
    }
    None
}

fn word_at(tail: &str, word: &str) -> bool {
    tail.strip_prefix(word).is_some_and(|rest| rest.starts_with(|c: char| c.is_whitespace() || "($<".contains(c)))
}

struct Query {
    namespaces: Namespaces,
    depth: usize,
}

impl Query {
    fn sequence(&mut self, text: &str) -> Result<Vec<Instruction>, String> {
        self.depth += 1;
        if self.depth > DEPTH {
            return Err("nested too deeply".to_owned());
        }
        let result = self.parts(text.trim());
        self.depth -= 1;
        result
    }

    fn parts(&mut self, text: &str) -> Result<Vec<Instruction>, String> {
        if text.is_empty() || text == "()" {
            return Ok(Vec::new());
        }
        if word_at(text, "for") || word_at(text, "let") {
            return self.flwor(text);
        }
        if let Some(comma) = outside(text, |tail| tail.starts_with(',')) {
            let (first, rest) = text.split_at(comma);
            let mut all = self.sequence(first)?;
            all.extend(self.sequence(rest.trim_start_matches(','))?);
            return Ok(all);
        }
        if word_at(text, "if") {
            return self.choice(text);
        }
        if text.starts_with('<') {
            let mut constructor = Constructor { chars: text.chars().collect(), at: 0, query: self };
            let instruction = constructor.element()?;
            constructor.space();
            if constructor.at < constructor.chars.len() {
                return Err("something follows the element".to_owned());
            }
            return Ok(vec![instruction]);
        }
        if let Some(inner) = text.strip_prefix('(').and_then(|inner| inner.strip_suffix(')'))
            && outside(text, |tail| tail.is_empty()).is_none()
            && expr(text, &self.namespaces).is_err()
        {
            return self.sequence(inner);
        }
        Ok(vec![Instruction::CopyOf(expr(text, &self.namespaces)?)])
    }

    fn choice(&mut self, text: &str) -> Result<Vec<Instruction>, String> {
        let then = outside(text, |tail| word_at(tail, "then")).ok_or("then is missing")?;
        let (test, rest) = text.split_at(then);
        let rest = rest.strip_prefix("then").unwrap_or(rest);
        let other = outside(rest, |tail| word_at(tail, "else")).ok_or("else is missing")?;
        let (yes, no) = rest.split_at(other);
        let test = expr(test.strip_prefix("if").unwrap_or(test), &self.namespaces)?;
        let whens = vec![(test, self.sequence(yes)?)];
        let otherwise = self.sequence(no.strip_prefix("else").unwrap_or(no))?;
        Ok(vec![Instruction::Choose { whens, otherwise }])
    }

    fn flwor(&mut self, text: &str) -> Result<Vec<Instruction>, String> {
        const CLAUSES: [&str; 5] = ["for", "let", "where", "order", "return"];
        let next = |text: &str, skip: usize| {
            let tail = text.get(skip..).unwrap_or_default();
            outside(tail, |tail| CLAUSES.iter().any(|word| word_at(tail, word))).map(|at| at + skip)
        };
        let keyword = CLAUSES.iter().find(|word| word_at(text, word)).copied().unwrap_or_default();
        let body_of = |at: usize| text.get(at..).unwrap_or_default();
        let content = body_of(keyword.len());
        match keyword {
            "return" => self.sequence(content),
            "let" => {
                let end = next(text, keyword.len()).ok_or("return is missing")?;
                let clause = text.get(keyword.len()..end).unwrap_or_default();
                let (name, value) = clause.split_once(":=").ok_or("let needs :=")?;
                let variable = Variable {
                    name: variable_name(name)?,
                    select: Some(expr(value, &self.namespaces)?),
                    body: Vec::new(),
                    parameter: false,
                };
                let mut out = vec![Instruction::Variable(variable)];
                out.extend(self.flwor(body_of(end))?);
                Ok(out)
            }
            "for" => {
                let end = next(text, keyword.len()).ok_or("return is missing")?;
                let clause = text.get(keyword.len()..end).unwrap_or_default();
                let (name, select) = clause.split_once(" in ").ok_or("for needs in")?;
                let (mut condition, mut sorts, mut at) = (None, Vec::new(), end);
                loop {
                    let rest = body_of(at);
                    if word_at(rest, "where") {
                        let stop = next(rest, 5).ok_or("return is missing")?;
                        condition = Some(expr(rest.get(5..stop).unwrap_or_default(), &self.namespaces)?);
                        at += stop;
                    } else if word_at(rest, "order") {
                        let stop = next(rest, 5).ok_or("return is missing")?;
                        let key = rest.get(5..stop).unwrap_or_default().trim();
                        let key = key.strip_prefix("by").ok_or("order needs by")?.trim();
                        let descending = key.ends_with(" descending");
                        let key = key.trim_end_matches(" descending").trim_end_matches(" ascending");
                        sorts.push(Sort { select: expr(key, &self.namespaces)?, numeric: false, descending });
                        at += stop;
                    } else {
                        break;
                    }
                }
                let select = expr(select, &self.namespaces)?;
                let body = self.flwor(body_of(at))?;
                Ok(vec![Instruction::ForVariable { name: variable_name(name)?, select, condition, sorts, body }])
            }
            other => Err(format!("{other} stands where return is needed")),
        }
    }
}

fn variable_name(text: &str) -> Result<String, String> {
    let name = text.split_whitespace().next().and_then(|word| word.strip_prefix('$'));
    name.map(str::to_owned).ok_or_else(|| format!("{:?} is not a variable", text.trim()))
}

/// A direct constructor.
struct Constructor<'a> {
    chars: Vec<char>,
    at: usize,
    query: &'a mut Query,
}

impl Constructor<'_> {
    fn peek(&self, by: usize) -> char {
        self.chars.get(self.at + by).copied().unwrap_or('\0')
    }

    fn space(&mut self) {
        while self.peek(0).is_whitespace() {
            self.at += 1;
        }
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        while self.peek(0).is_alphanumeric() || "_-.:".contains(self.peek(0)) {
            word.push(self.peek(0));
            self.at += 1;
        }
        word
    }

    /// What stands between braces.
    fn braces(&mut self) -> Result<String, String> {
        let (mut depth, mut quote, mut text) = (0_usize, None, String::new());
        while self.at < self.chars.len() {
            let c = self.peek(0);
            self.at += 1;
            match (quote, c) {
                (Some(open), c) if open == c => quote = None,
                (None, '"' | '\'') => quote = Some(c),
                (None, '{') => {
                    depth += 1;
                    if depth == 1 {
                        continue;
                    }
                }
                (None, '}') => {
                    depth -= 1;
                    if depth == 0 {
                        return Ok(text);
                    }
                }
                _ => {}
            }
            text.push(c);
        }
        Err("a brace is not closed".to_owned())
    }

    fn element(&mut self) -> Result<Instruction, String> {
        self.query.depth += 1;
        if self.query.depth > DEPTH {
            return Err("nested too deeply".to_owned());
        }
        self.at += 1;
        let qualified = self.word();
        let outer = self.query.namespaces.len();
        let mut raw: Vec<(String, Vec<Result<String, String>>)> = Vec::new();
        loop {
            self.space();
            match self.peek(0) {
                '/' | '>' => break,
                '\0' => return Err(format!("the element {qualified} is not closed")),
                _ => raw.push(self.attribute()?),
            }
        }
        let mut declared = Namespaces::new();
        for (name, parts) in &raw {
            let text = || parts.iter().map(|part| part.as_deref().unwrap_or_default()).collect::<String>();
            if name == "xmlns" {
                declared.push(("".into(), text().into()));
            } else if let Some(prefix) = name.strip_prefix("xmlns:") {
                declared.push((prefix.into(), text().into()));
            }
        }
        let count = declared.len();
        self.query.namespaces.splice(0..0, declared);
        let name = self.name(&qualified, true)?;
        let mut attributes = Vec::new();
        for (qualified, parts) in raw.into_iter().filter(|(name, _)| name != "xmlns" && !name.starts_with("xmlns:")) {
            let avt = parts.into_iter().map(|part| match part {
                Ok(text) => Ok(Part::Text(text)),
                Err(source) => expr(&source, &self.query.namespaces).map(Part::Expr),
            });
            attributes.push((self.name(&qualified, false)?, Avt(avt.collect::<Result<_, String>>()?)));
        }
        let mut body = Vec::new();
        if self.peek(0) == '/' {
            self.at += 2;
        } else {
            self.at += 1;
            body = self.content(&qualified)?;
        }
        self.query.namespaces.drain(0..count.min(self.query.namespaces.len()));
        debug_assert_eq!(self.query.namespaces.len(), outer);
        self.query.depth -= 1;
        Ok(Instruction::Literal { name, attributes, body })
    }

    fn name(&self, qualified: &str, of_element: bool) -> Result<Name, String> {
        let (prefix, local) = qualified.split_once(':').unwrap_or(("", qualified));
        if prefix.is_empty() && !of_element {
            return Ok(Name::local(local));
        }
        let found = self.query.namespaces.iter().find(|(known, _)| &**known == prefix);
        match found {
            Some((_, uri)) => Ok(Name::new(prefix, local, uri)),
            None if prefix.is_empty() => Ok(Name::local(local)),
            None => Err(format!("the namespace prefix {prefix} is not declared")),
        }
    }

    /// Name and parts; a part that is an error is the source of an expression.
    fn attribute(&mut self) -> Result<(String, Vec<Result<String, String>>), String> {
        let name = self.word();
        self.space();
        if name.is_empty() || self.peek(0) != '=' {
            return Err("an attribute is not written as name=\"value\"".to_owned());
        }
        self.at += 1;
        self.space();
        let quote = self.peek(0);
        self.at += 1;
        let (mut parts, mut text) = (Vec::new(), String::new());
        loop {
            match self.peek(0) {
                '\0' => return Err(format!("the attribute {name} is not closed")),
                c if c == quote => break,
                '{' if self.peek(1) != '{' => {
                    parts.push(Ok(std::mem::take(&mut text)));
                    parts.push(Err(self.braces()?));
                    continue;
                }
                c => {
                    text.push(c);
                    self.at += if c == '{' { 1 } else { 0 };
                }
            }
            self.at += 1;
        }
        self.at += 1;
        parts.push(Ok(text));
        Ok((name, parts))
    }

    fn content(&mut self, name: &str) -> Result<Vec<Instruction>, String> {
        let mut out = Vec::new();
        let mut text = String::new();
        loop {
            match self.peek(0) {
                '\0' => return Err(format!("the element {name} is not closed")),
                '<' | '{' => {
                    // Space between constructors is not content.
                    if !text.trim().is_empty() {
                        let resolved = quick_xml::escape::unescape(&text).map_err(|e| e.to_string())?;
                        out.push(Instruction::Text(resolved.into_owned()));
                    }
                    text.clear();
                    if self.peek(0) == '{' {
                        let source = self.braces()?;
                        out.extend(self.query.sequence(&source)?);
                    } else if self.peek(1) == '/' {
                        self.at += 2;
                        let closing = self.word();
                        self.space();
                        self.at += 1;
                        return if closing == name { Ok(out) } else { Err(format!("{name} is closed by {closing}")) };
                    } else {
                        out.push(self.element()?);
                    }
                }
                c => {
                    text.push(c);
                    self.at += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::compile;
    use crate::flow::Budget;
    use crate::value::Value;
    use crate::xml::{Document, Limits, NodeId};

    fn run(query: &str) -> Result<String, String> {
        let source = Document::parse("<r><a>2</a><a>1</a></r>", Limits::MESSAGE).unwrap();
        let payload = Value::Xml(Arc::new(source.clone()));
        let given = [("payload".to_owned(), payload), ("n".to_owned(), Value::Integer(7))];
        let out = compile(query)?.transform(Arc::new(source), &given, &Budget::default()).map_err(|e| e.message)?;
        Ok(out.write(NodeId::DOCUMENT))
    }

    #[test]
    fn queries() {
        let prolog = "declare namespace m=\"u\"; declare variable $payload as document-node() external; declare variable $n as xs:int external; ";
        for (query, expected) in [
            ("<m:x k=\"{$n}\">{$payload//a[1]/text()}</m:x>", "<m:x xmlns:m=\"u\" k=\"7\">2</m:x>"),
            ("<x xmlns='v'><y>{$n}</y></x>", "<x xmlns=\"v\"><y>7</y></x>"),
            ("for $i in $payload//a order by $i return <b>{$i/text()}</b>", "<b>1</b><b>2</b>"),
            ("for $i in $payload//a where $i = 2 return <b>{$i/text()}</b>", "<b>2</b>"),
            ("let $i := count($payload//a) return <c>{$i}</c>", "<c>2</c>"),
            ("if ($n > 5) then <big/> else <small/>", "<big/>"),
            ("(: note :) <x>{ if ($n = 1) then <y/> else () }{ $n, <z/> }</x>", "<x>7<z/></x>"),
        ] {
            assert_eq!(run(&format!("{prolog}{query}")).as_deref(), Ok(expected), "{query}");
        }
    }

    #[test]
    fn broken_queries_are_refused() {
        for query in ["<a>", "<a>{</a>", "for $x return 1", "declare function f() { 1 }; 1", "<p:a/>", "<a></b>"] {
            assert!(run(query).is_err(), "{query}");
        }
        assert!(compile(&"<a>".repeat(5_000)).is_err());
    }
}
