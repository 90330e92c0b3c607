//! A Rust file as the rules see it: the text, and the same text with comments and literals blanked out, so that a brace or a
//! word inside them means nothing. Not a parser: enough to find functions, their length and where tests begin.

use std::ops::Range;

pub(super) struct Source<'a> {
    /// Relative to the root of the repository.
    pub(super) path: &'a str,
    pub(super) text: &'a str,
    /// Same length and lines as `text`.
    pub(super) code: String,
    /// Byte where `#[cfg(test)]` begins a test module, or the end.
    pub(super) tests_from: usize,
}

/// A function that has a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    /// Line of the signature, from 1.
    pub(super) line: usize,
    /// Lines from the signature to the closing brace.
    pub(super) lines: usize,
    pub(super) parameters: usize,
    /// Byte of the keyword `fn`.
    pub(super) at: usize,
}

impl<'a> Source<'a> {
    pub(super) fn new(path: &'a str, text: &'a str) -> Self {
        let code = blank(text);
        let tests_from = code.match_indices("#[cfg(test)]").map(|(at, _)| at).find(|at| starts_line(&code, *at));
        Self { path, text, tests_from: tests_from.unwrap_or(text.len()), code }
    }

    /// True for a file that holds nothing but tests.
    pub(super) fn is_test_file(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs") || self.path.ends_with("_tests.rs")
    }

    /// Line of a byte, from 1.
    pub(super) fn line_of(&self, at: usize) -> usize {
        self.code.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
    }

    /// Lines before the test module.
    pub(super) fn body_lines(&self) -> usize {
        self.text.as_bytes().iter().take(self.tests_from).filter(|byte| **byte == b'\n').count()
    }

    /// Lines of the test module written inside this file, and the line where it begins.
    pub(super) fn inline_tests(&self) -> Option<(usize, usize)> {
        let rest = self.code.get(self.tests_from..)?;
        let open = rest.find(['{', ';']).filter(|at| rest.as_bytes().get(*at) == Some(&b'{'))?;
        let body = braced(&self.code, self.tests_from + open)?;
        Some((self.line_of(body.end) - self.line_of(body.start) + 1, self.line_of(self.tests_from)))
    }

    /// The functions with a body, in order.
    pub(super) fn functions(&self) -> Vec<Function> {
        self.code.match_indices("fn ").filter_map(|(at, _)| self.function(at)).collect()
    }

    fn function(&self, at: usize) -> Option<Function> {
        let before = self.code.get(..at)?.chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
            return None;
        }
        let rest = self.code.get(at + 3..)?;
        let name: String = rest.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        if name.is_empty() {
            return None; // a function pointer type
        }
        let list = parameter_list(&self.code, at + 3)?;
        let parameters = count_parameters(self.code.get(list.clone())?);
        let end = self.code.get(list.end..)?.find(['{', ';'])? + list.end;
        if self.code.as_bytes().get(end) != Some(&b'{') {
            return None;
        }
        let body = braced(&self.code, end)?;
        let line = self.line_of(at);
        Some(Function { name, line, lines: self.line_of(body.end) - line + 1, parameters, at })
    }

    /// The comment and attribute lines directly above a byte, in one string.
    pub(super) fn above(&self, at: usize) -> String {
        let line = self.line_of(at);
        let lines: Vec<&str> = self.text.lines().take(line - 1).collect();
        let attached = |text: &&&str| {
            let text = text.trim_start();
            text.starts_with("//") || text.starts_with("#[") || text.ends_with(']')
        };
        lines.iter().rev().take_while(attached).copied().collect::<Vec<_>>().join("\n")
    }
}

fn starts_line(code: &str, at: usize) -> bool {
    at == 0 || code.as_bytes().get(at - 1) == Some(&b'\n')
}

/// The parentheses of a signature: the first `(` outside the angle brackets of generics, to its partner.
fn parameter_list(code: &str, from: usize) -> Option<Range<usize>> {
    let mut angle = 0_usize;
    let mut previous = b' ';
    for (offset, byte) in code.as_bytes().iter().enumerate().skip(from) {
        match byte {
            b'<' => angle += 1,
            b'>' if previous != b'-' => angle = angle.saturating_sub(1),
            b'(' if angle == 0 => return enclosed(code, offset, b'(', b')'),
            b'{' | b';' if angle == 0 => return None,
            _ => {}
        }
        previous = *byte;
    }
    None
}

fn count_parameters(list: &str) -> usize {
    let inner = list.trim_start_matches('(').trim_end_matches(')');
    let (mut depth, mut count, mut pending) = (0_i32, 0, false);
    let mut previous = ' ';
    for c in inner.chars() {
        match c {
            '(' | '[' | '{' | '<' => depth += 1,
            '>' if previous == '-' => {}
            ')' | ']' | '}' | '>' => depth -= 1,
            ',' if depth == 0 => {
                count += usize::from(pending);
                pending = false;
                previous = c;
                continue;
            }
            _ => {}
        }
        pending |= !c.is_whitespace();
        previous = c;
    }
    count + usize::from(pending)
}

fn braced(code: &str, open: usize) -> Option<Range<usize>> {
    enclosed(code, open, b'{', b'}')
}

fn enclosed(code: &str, open: usize, left: u8, right: u8) -> Option<Range<usize>> {
    let mut depth = 0_usize;
    for (offset, byte) in code.as_bytes().iter().enumerate().skip(open) {
        if *byte == left {
            depth += 1;
        } else if *byte == right {
            depth = depth.checked_sub(1)?;
            if depth == 0 {
                return Some(open..offset + 1);
            }
        }
    }
    None
}

/// Replaces the characters of comments and literals by blanks, byte for byte.
fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let length = literal_or_comment(bytes, at);
        if length == 0 {
            out.push(*byte);
            at += 1;
            continue;
        }
        let end = (at + length).min(bytes.len());
        out.extend(bytes.iter().take(end).skip(at).map(|b| if *b == b'\n' { b'\n' } else { b' ' }));
        at = end;
    }
    // Blanking a non-ASCII character writes several ASCII blanks; anything else is copied whole.
    String::from_utf8(out).unwrap_or_default()
}

/// Bytes of the comment or literal that begins at `at`, or 0.
fn literal_or_comment(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    let after_word = at > 0 && bytes.get(at - 1).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    match rest {
        [b'/', b'/', ..] => rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => block_comment(rest),
        [b'"', ..] => string(rest, 1),
        [b'b' | b'c', b'"', ..] if !after_word => string(rest, 2),
        [b'r', b'"' | b'#', ..] if !after_word => raw_string(rest, 1),
        [b'b' | b'c', b'r', b'"' | b'#', ..] if !after_word => raw_string(rest, 2),
        [b'\'', ..] => character(rest),
        _ => 0,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(pair) = rest.get(at..at + 2) {
        match pair {
            b"/*" => depth += 1,
            b"*/" if depth == 1 => return at + 2,
            b"*/" => depth -= 1,
            _ => {
                at += 1;
                continue;
            }
        }
        at += 2;
    }
    rest.len()
}

fn string(rest: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(byte) = rest.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw_string(rest: &[u8], prefix: usize) -> usize {
    let hashes = rest.iter().skip(prefix).take_while(|b| **b == b'#').count();
    if rest.get(prefix + hashes) != Some(&b'"') {
        return 0; // a raw identifier
    }
    let mut end = vec![b'"'];
    end.extend(std::iter::repeat_n(b'#', hashes));
    let body = prefix + hashes + 1;
    let inner = rest.get(body..).unwrap_or_default();
    inner.windows(end.len()).position(|window| window == end).map_or(rest.len(), |at| body + at + end.len())
}

/// A character literal, told from a lifetime by its closing quote.
fn character(rest: &[u8]) -> usize {
    match rest {
        [_, b'\\', ..] => rest.iter().skip(3).position(|b| *b == b'\'').map_or(0, |at| at + 4),
        _ => {
            let text = std::str::from_utf8(rest.get(1..rest.len().min(6)).unwrap_or_default());
            let valid = match text {
                Ok(text) => text,
                Err(cut) => {
                    std::str::from_utf8(rest.get(1..=cut.valid_up_to()).unwrap_or_default()).unwrap_or_default()
                }
            };
            let mut characters = valid.chars();
            match (characters.next(), characters.next()) {
                (Some(c), Some('\'')) => c.len_utf8() + 2,
                _ => 0,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn functions(text: &str) -> Vec<(String, usize, usize)> {
        let source = Source::new("crates/x/src/lib.rs", text);
        source.functions().into_iter().map(|f| (f.name, f.lines, f.parameters)).collect()
    }

    #[test]
    fn braces_in_literals_and_comments_do_not_count() {
        let text = "fn a(x: u8) {\n // }\n let s = \"}\\\"\"; let c = '}'; let r = r#\"}\"\"#; /* } /* } */ */\n}\nfn b() {}\n";
        assert_eq!(functions(text), [("a".to_owned(), 4, 1), ("b".to_owned(), 1, 0)]);
    }

    #[test]
    fn lifetimes_generics_and_closures_do_not_confuse_the_parameters() {
        let text = "fn f<'a, F: Fn(u8, u8) -> u8>(&'a self, m: HashMap<K, (A, B)>, g: F,) -> Option<&'a str> { None }";
        assert_eq!(functions(text), [("f".to_owned(), 1, 3)]);
    }

    #[test]
    fn signatures_without_a_body_and_pointer_types_are_no_functions() {
        assert_eq!(functions("trait T { fn a(&self); }\ntype F = fn (u8) -> u8;\n"), []);
    }

    #[test]
    fn the_test_module_ends_the_body() {
        let text = "fn a() {}\n\n#[cfg(test)]\nmod tests {\n fn b() {}\n}\n";
        let source = Source::new("crates/x/src/lib.rs", text);
        assert_eq!(source.body_lines(), 2);
        assert_eq!(source.inline_tests(), Some((3, 3)));
        let sibling = Source::new("crates/x/src/lib.rs", "fn a() {}\n#[cfg(test)]\nmod tests;\n");
        assert_eq!(sibling.inline_tests(), None);
    }

    #[test]
    fn what_stands_above_a_function_is_its_comments_and_attributes() {
        let text = "let x = 1;\n\n// tidy: long function because it is a table\n#[must_use]\nfn a() {}\n";
        let source = Source::new("crates/x/src/lib.rs", text);
        let at = source.functions().first().map(|f| f.at).unwrap();
        assert!(source.above(at).contains("tidy: long function because"));
        assert!(!source.above(at).contains("let x"));
    }
}
