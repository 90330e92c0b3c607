//! A reader for GraphQL schemas (SDL): which operations there are, and which fields every type has.

use super::DefinitionFault;

/// Most types of one schema.
const MAX_TYPES: usize = 5000;
/// Most tokens of one schema.
const MAX_TOKENS: usize = 1_000_000;

/// What a schema declares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct GraphqlSchema {
    /// Object types with their fields, in order.
    pub(crate) types: Vec<(String, Vec<String>)>,
    /// Type, field and the field's own type without list and non-null marks.
    typed: Vec<(String, String, String)>,
    /// Names of the root types: query, mutation, subscription.
    roots: [String; 3],
}

impl GraphqlSchema {
    /// Reads a schema.
    ///
    /// # Errors
    /// The first fault with its line; a schema without a query type is one.
    pub(crate) fn parse(text: &str) -> Result<Self, DefinitionFault> {
        let tokens = tokens(text)?;
        let mut reader = Reader { tokens: &tokens, next: 0 };
        let mut schema = Self {
            types: Vec::new(),
            typed: Vec::new(),
            roots: ["Query".into(), "Mutation".into(), "Subscription".into()],
        };
        while let Some(token) = reader.take() {
            match token.text {
                "type" => schema.read_type(&mut reader)?,
                "schema" => schema.read_roots(&mut reader)?,
                // `extend type` continues with its keyword; other definitions have no operations.
                "extend" => {}
                "input" | "interface" | "enum" | "union" | "scalar" | "directive" => reader.skip_definition()?,
                other => return Err(fault(token.line, format!("{other:?} starts no definition of a schema"))),
            }
        }
        let [query, ..] = &schema.roots;
        if !schema.types.iter().any(|(name, fields)| name == query && !fields.is_empty()) {
            return Err(fault(1, format!("the schema has no type {query} with fields")));
        }
        Ok(schema)
    }

    /// Type, field and the field's own type.
    pub(crate) fn typed_fields(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.typed.iter().map(|(kind, field, target)| (kind.as_str(), field.as_str(), target.as_str()))
    }

    /// Names of the root types: query, mutation, subscription.
    pub(crate) const fn roots(&self) -> &[String; 3] {
        &self.roots
    }

    /// Operations as (field, verb): `QUERY`, `MUTATION`, `SUBSCRIPTION`.
    pub(crate) fn operations(&self) -> Vec<(String, &'static str)> {
        let mut found = Vec::new();
        for (root, verb) in self.roots.iter().zip(["QUERY", "MUTATION", "SUBSCRIPTION"]) {
            for (name, fields) in &self.types {
                if name == root {
                    found.extend(fields.iter().map(|field| (field.clone(), verb)));
                }
            }
        }
        found
    }

    fn read_type(&mut self, reader: &mut Reader<'_>) -> Result<(), DefinitionFault> {
        let name = reader.name()?;
        if self.types.len() >= MAX_TYPES {
            return Err(fault(name.line, format!("more than {MAX_TYPES} types")));
        }
        let mut fields = Vec::new();
        if reader.skip_to_brace() {
            loop {
                let token = reader.take().ok_or_else(|| fault(name.line, format!("type {} has no end", name.text)))?;
                match token.text {
                    "}" => break,
                    text if is_name(text) => {
                        fields.push(text.to_owned());
                        let target = reader.field_type(token.line)?;
                        self.typed.push((name.text.to_owned(), text.to_owned(), target.text.to_owned()));
                    }
                    other => return Err(fault(token.line, format!("{other:?} is not the name of a field"))),
                }
            }
        }
        match self.types.iter_mut().find(|(known, _)| known == name.text) {
            Some((_, known)) => known.extend(fields),
            None => self.types.push((name.text.to_owned(), fields)),
        }
        Ok(())
    }

    fn read_roots(&mut self, reader: &mut Reader<'_>) -> Result<(), DefinitionFault> {
        if !reader.skip_to_brace() {
            return Ok(());
        }
        let [query, mutation, subscription] = &mut self.roots;
        loop {
            let key = reader.take().ok_or_else(|| fault(1, "schema has no end"))?;
            let root = match key.text {
                "}" => return Ok(()),
                "query" => &mut *query,
                "mutation" => &mut *mutation,
                "subscription" => &mut *subscription,
                other => return Err(fault(key.line, format!("{other:?} is not query, mutation or subscription"))),
            };
            reader.expect(":")?;
            reader.name()?.text.clone_into(root);
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    text: &'a str,
    line: usize,
}

struct Reader<'a> {
    tokens: &'a [Token<'a>],
    next: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.next).copied()
    }

    fn take(&mut self) -> Option<Token<'a>> {
        let token = self.peek()?;
        self.next = self.next.saturating_add(1);
        Some(token)
    }

    fn name(&mut self) -> Result<Token<'a>, DefinitionFault> {
        match self.take() {
            Some(token) if is_name(token.text) => Ok(token),
            Some(token) => Err(fault(token.line, format!("{:?} is not a name", token.text))),
            None => Err(fault(1, "the schema ends where a name is expected")),
        }
    }

    fn expect(&mut self, text: &str) -> Result<(), DefinitionFault> {
        match self.take() {
            Some(token) if token.text == text => Ok(()),
            Some(token) => Err(fault(token.line, format!("{text:?} is expected instead of {:?}", token.text))),
            None => Err(fault(1, format!("the schema ends where {text:?} is expected"))),
        }
    }

    /// Skips `implements` and directives; whether a block follows, which is then entered.
    fn skip_to_brace(&mut self) -> bool {
        while let Some(token) = self.peek() {
            match token.text {
                "{" => {
                    self.next = self.next.saturating_add(1);
                    return true;
                }
                "type" | "schema" | "extend" | "input" | "interface" | "enum" | "union" | "scalar" | "directive" => {
                    return false;
                }
                "(" => self.skip_group(")"),
                _ => self.next = self.next.saturating_add(1),
            }
        }
        false
    }

    /// Reads arguments, type and directives behind a field's name; the innermost type is what counts.
    fn field_type(&mut self, line: usize) -> Result<Token<'a>, DefinitionFault> {
        if self.peek().is_some_and(|t| t.text == "(") {
            self.skip_group(")");
        }
        self.expect(":").map_err(|f| fault(f.line.max(line), f.reason))?;
        while self.peek().is_some_and(|t| matches!(t.text, "[" | "]" | "!")) {
            self.next = self.next.saturating_add(1);
        }
        let target = self.name()?;
        while self.peek().is_some_and(|t| matches!(t.text, "]" | "!")) {
            self.next = self.next.saturating_add(1);
        }
        while self.peek().is_some_and(|t| t.text == "@") {
            self.next = self.next.saturating_add(1);
            self.name()?;
            if self.peek().is_some_and(|t| t.text == "(") {
                self.skip_group(")");
            }
        }
        Ok(target)
    }

    /// Skips a group that starts at the present token.
    fn skip_group(&mut self, close: &str) {
        let mut depth = 0_usize;
        while let Some(token) = self.take() {
            match token.text {
                "(" | "{" | "[" => depth = depth.saturating_add(1),
                ")" | "}" | "]" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 && token.text == close {
                return;
            }
        }
    }

    /// Skips a definition that holds no operations, up to the next one.
    fn skip_definition(&mut self) -> Result<(), DefinitionFault> {
        while let Some(token) = self.peek() {
            match token.text {
                "{" => {
                    self.skip_group("}");
                    return Ok(());
                }
                "(" => self.skip_group(")"),
                "type" | "schema" | "extend" | "input" | "interface" | "enum" | "union" | "scalar" | "directive" => {
                    return Ok(());
                }
                "}" | ")" | "]" => return Err(fault(token.line, format!("{:?} closes nothing", token.text))),
                _ => self.next = self.next.saturating_add(1),
            }
        }
        Ok(())
    }
}

fn is_name(text: &str) -> bool {
    text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
}

fn fault(line: usize, reason: impl Into<String>) -> DefinitionFault {
    DefinitionFault { line, column: 1, pointer: String::new(), reason: reason.into() }
}

/// Names, numbers and single punctuation marks; texts and comments are left out.
fn tokens(text: &str) -> Result<Vec<Token<'_>>, DefinitionFault> {
    let mut found = Vec::new();
    let (mut rest, mut line) = (text.trim_start_matches('\u{feff}'), 1_usize);
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '"' => {
                let end = if rest.starts_with("\"\"\"") {
                    rest.get(3..).and_then(|r| r.find("\"\"\"")).map(|i| i.saturating_add(6))
                } else {
                    end_of_string(rest)
                };
                end.ok_or_else(|| fault(line, "a text has no end"))?
            }
            '#' => rest.find('\n').unwrap_or(rest.len()),
            c if c.is_ascii_alphanumeric() || c == '_' || c == '-' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)));
                let end = end.unwrap_or(rest.len());
                found.push(Token { text: rest.get(..end).unwrap_or_default(), line });
                end
            }
            c if c.is_whitespace() || c == ',' => c.len_utf8(),
            '{' | '}' | '(' | ')' | '[' | ']' | ':' | '!' | '=' | '@' | '|' | '&' | '$' | '.' => {
                found.push(Token { text: rest.get(..1).unwrap_or_default(), line });
                1
            }
            other => return Err(fault(line, format!("{other:?} has no meaning in a schema"))),
        };
        if found.len() > MAX_TOKENS {
            return Err(fault(line, format!("more than {MAX_TOKENS} words")));
        }
        let (passed, behind) = rest.split_at(length);
        line = line.saturating_add(passed.matches('\n').count());
        rest = behind;
    }
    Ok(found)
}

fn end_of_string(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (index, c) in text.char_indices().skip(1) {
        match c {
            '\n' => return None,
            '\\' => escaped = !escaped,
            '"' if !escaped => return Some(index.saturating_add(1)),
            _ => escaped = false,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::GraphqlSchema;

    #[test]
    fn operations_and_fields_are_found() {
        let schema = GraphqlSchema::parse(
            r#"
            "doc" schema { query: Root mutation: Change }
            """ block { """ directive @auth(role: String = "x{") on FIELD_DEFINITION | OBJECT
            scalar Date @specifiedBy(url: "https://x/#y")
            enum Color { RED GREEN }
            union Any = Root | Pet
            interface Named { name: String! }
            input Filter { name: String = "a\"b" }
            type Pet implements Named & Other @key(fields: "id") { name: String! # comment }
              tags(first: Int = 10, filter: Filter): [[String!]!]! @auth(role: "admin") type: Color }
            type Root { pets: [Pet] pet(id: ID!): Pet }
            extend type Root { more: Int }
            type Change { add(name: String): Pet }
            "#,
        )
        .unwrap();
        assert_eq!(schema.types[0], ("Pet".into(), vec!["name".into(), "tags".into(), "type".into()]));
        let names: Vec<_> = schema.operations().into_iter().map(|(f, v)| format!("{v} {f}")).collect();
        assert_eq!(names, ["QUERY pets", "QUERY pet", "QUERY more", "MUTATION add"]);
    }

    #[test]
    fn faults_have_lines() {
        for (text, line) in [
            ("type Query {\n a: \n}", 3),
            ("type Query {\n a\n b: Int }", 3),
            ("nonsense", 1),
            ("type Query { a: Int", 1),
            ("type A { a: Int }", 1),
            ("\n\n\"open", 3),
            ("type Query { a: Int }\n}", 2),
            ("", 1),
            ("type Query { a: Int } \u{1F600}", 1),
        ] {
            let fault = GraphqlSchema::parse(text).unwrap_err();
            assert_eq!(fault.line, line, "{text:?}: {fault}");
        }
    }
}
