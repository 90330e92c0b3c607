//! Java's regular expressions, as artifacts hold them.

use std::sync::Arc;

use fancy_regex::{Regex, RegexBuilder};

/// Steps back of one match, after which it fails instead of running on.
const BACKTRACKS: usize = 200_000;
/// Characters of a pattern.
const LONGEST: usize = 16 << 10;

/// A compiled regular expression.
#[derive(Clone, Debug)]
pub struct Pattern(Arc<(Regex, Regex)>);

impl Pattern {
    /// Compiles.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn new(source: &str) -> Result<Self, String> {
        if source.len() > LONGEST {
            return Err(format!("the regular expression is longer than {LONGEST} characters"));
        }
        let build = |text: &str| {
            let built = RegexBuilder::new(text).backtrack_limit(BACKTRACKS).delegate_size_limit(4 << 20).build();
            built.map_err(|e| format!("the regular expression {source:?}: {e}"))
        };
        Ok(Self(Arc::new((build(source)?, build(&format!("\\A(?:{source})\\z"))?))))
    }

    /// True when the whole text matches, as `filter` and `switch` compare.
    ///
    /// # Errors
    /// The pattern needs too much backtracking on this text.
    pub fn matches(&self, text: &str) -> Result<bool, String> {
        self.0.1.is_match(text).map_err(too_much)
    }

    /// As written.
    pub fn source(&self) -> &str {
        self.0.0.as_str()
    }

    /// True when some part of the text matches.
    ///
    /// # Errors
    /// See [`Pattern::matches`].
    pub fn finds(&self, text: &str) -> Result<bool, String> {
        self.0.0.is_match(text).map_err(too_much)
    }

    /// Replaces every match; `$1` names a group, as in Java.
    ///
    /// # Errors
    /// See [`Pattern::matches`].
    pub fn replace_all(&self, text: &str, by: &str) -> Result<String, String> {
        // $1 followed by a letter is group 1 in Java, and a group with a longer name in Rust.
        let mut template = String::new();
        let mut rest = by.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                '\\' => match rest.next() {
                    Some('$') => template.push_str("$$"),
                    Some(other) => template.push(other),
                    None => {}
                },
                '$' if rest.peek().is_some_and(char::is_ascii_digit) => {
                    template.push_str("${");
                    while let Some(digit) = rest.next_if(char::is_ascii_digit) {
                        template.push(digit);
                    }
                    template.push('}');
                }
                other => template.push(other),
            }
        }
        self.0.0.try_replacen(text, 0, template.as_str()).map(std::borrow::Cow::into_owned).map_err(too_much)
    }

    /// The parts between matches, 10,000 at most.
    ///
    /// # Errors
    /// See [`Pattern::matches`].
    pub fn split(&self, text: &str) -> Result<Vec<String>, String> {
        self.0.0.splitn(text, 10_000).map(|part| part.map(str::to_owned).map_err(too_much)).collect()
    }

    /// The groups of the first match; group 0 is the match.
    ///
    /// # Errors
    /// See [`Pattern::matches`].
    pub fn groups(&self, text: &str) -> Result<Option<Vec<String>>, String> {
        let found = self.0.0.captures(text).map_err(too_much)?;
        Ok(found.map(|groups| groups.iter().map(|g| g.map(|g| g.as_str().to_owned()).unwrap_or_default()).collect()))
    }
}

fn too_much(error: fancy_regex::Error) -> String {
    format!("the regular expression gave up on this text: {error}")
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn matches_means_the_whole_text() {
        let matches = |pattern: &str, text: &str| Pattern::new(pattern).unwrap().matches(text).unwrap();
        assert!(matches("a.*", "abc"));
        assert!(!matches("a", "abc"));
        assert!(matches("a|abc", "abc"));
        assert!(matches("(?i)IBM", "ibm"));
        assert!(matches(r"^(?!x).*$", "abc"));
        assert!(!matches("b", "abc"));
    }

    #[test]
    fn bombs_give_up() {
        let bomb = Pattern::new(r"(?=(a+)+\1$)(a+)+b\2").unwrap();
        let text = "a".repeat(5_000);
        let before = std::time::Instant::now();
        let _ = bomb.matches(&text);
        assert!(before.elapsed().as_secs() < 5);
    }

    #[test]
    fn groups_as_in_java() {
        let pattern = Pattern::new("(a)(b)").unwrap();
        assert_eq!(pattern.replace_all("xaby", "$2$1z").unwrap(), "xbazy");
        assert_eq!(pattern.replace_all("ab", "\\$1").unwrap(), "$1");
    }
}
