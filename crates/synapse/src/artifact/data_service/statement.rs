//! SQL of an artifact, cut at its parameters. Values are always bound: nothing of a request becomes text of a statement.

use super::DataParameter;

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Text and parameters in order.
    pub pieces: Vec<Piece>,
    /// The stored procedure or function of a `CALL`.
    pub procedure: Option<String>,
    /// True for `{? = call f()}`: the first parameter is what the function returns.
    pub returns: bool,
}

/// A piece of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text of the artifact.
    Text(String),
    /// A parameter, by its index.
    Parameter(usize),
}

impl Statement {
    /// Cuts a text at `?` and `:name`. Text in quotes and comments stays; `??` is a question mark, as in JDBC.
    ///
    /// # Errors
    /// A `?` that no parameter belongs to.
    pub fn parse(text: &str, parameters: &[DataParameter]) -> Result<Self, String> {
        let text = text.trim().trim_end_matches(';').trim_end();
        let unbraced = text.strip_prefix('{').and_then(|inner| inner.strip_suffix('}')).map(str::trim);
        let text = unbraced.unwrap_or(text);
        let mut pieces = cut(text, parameters, &mut |place, used| positional(place, parameters, used, text))?;
        let mut returns = false;
        // {? = call f(?)} and Oracle's {call ? := f(?)}.
        if let [Piece::Parameter(_), Piece::Text(rest), ..] = pieces.as_slice()
            && let Some(rest) = rest.trim_start().trim_start_matches(':').trim_start().strip_prefix('=')
        {
            let rest = rest.trim_start().to_owned();
            returns = true;
            if let Some(piece) = pieces.get_mut(1) {
                *piece = Piece::Text(rest);
            }
        }
        let first = pieces.iter().find_map(|piece| match piece {
            Piece::Text(text) => Some(text.as_str()),
            Piece::Parameter(_) => None,
        });
        let procedure = first.and_then(procedure);
        Ok(Self { pieces, procedure, returns })
    }

    /// Cuts a text at its `?`, which belong to `count` values in their order.
    ///
    /// # Errors
    /// More `?` than values.
    pub fn positional(text: &str, count: usize) -> Result<Vec<Piece>, String> {
        cut(text.trim().trim_end_matches(';'), &[], &mut |place, _| {
            let index = place.checked_sub(1).filter(|index| *index < count);
            index.ok_or_else(|| format!("the statement has a ? at place {place} and {count} parameters"))
        })
    }

    /// The text with `?` for every parameter, for messages and for finding out what it does.
    pub fn text(&self) -> String {
        let parts = self.pieces.iter().map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Parameter(_) => "?",
        });
        parts.collect()
    }

    /// True when it only reads, as far as its first word tells.
    pub fn reads(&self) -> bool {
        let text = self.text();
        let word: String = text.trim_start().chars().take_while(char::is_ascii_alphabetic).collect();
        word.eq_ignore_ascii_case("select") || word.eq_ignore_ascii_case("values")
    }
}

fn procedure(text: &str) -> Option<String> {
    let word = text.get(..4)?;
    let rest = text.get(4..)?;
    if !word.eq_ignore_ascii_case("call") || !rest.starts_with(char::is_whitespace) {
        return None;
    }
    let name = rest.trim_start().split('(').next().unwrap_or_default().trim();
    let valid = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_.$\"".contains(c));
    valid.then(|| name.to_owned())
}

/// The end of what begins at `at` and is no place for parameters: quotes, comments.
fn opaque(rest: &str) -> Option<usize> {
    let quoted = |quote: char| rest.char_indices().skip(1).find(|(_, c)| *c == quote).map(|(at, _)| at + 1);
    let end = match rest.chars().next()? {
        quote @ ('\'' | '"' | '`') => quoted(quote),
        '-' if rest.starts_with("--") => rest.find('\n'),
        '/' if rest.starts_with("/*") => rest.find("*/").map(|at| at + 2),
        _ => return None,
    };
    Some(end.unwrap_or(rest.len()))
}

/// Which parameter a `?` is: its place among all, and those that the statement has used.
type Choice<'a> = dyn FnMut(usize, &[usize]) -> Result<usize, String> + 'a;

fn cut(text: &str, parameters: &[DataParameter], choose: &mut Choice<'_>) -> Result<Vec<Piece>, String> {
    let (mut pieces, mut plain) = (Vec::new(), String::new());
    let (mut rest, mut place) = (text, 0_usize);
    let mut used: Vec<usize> = Vec::new();
    while let Some(c) = rest.chars().next() {
        if let Some(end) = opaque(rest) {
            plain.push_str(rest.get(..end).unwrap_or(rest));
            rest = rest.get(end..).unwrap_or_default();
            continue;
        }
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        let doubled = after.starts_with(c);
        let found = match c {
            '?' if doubled => {
                plain.push('?');
                rest = after.get(1..).unwrap_or_default();
                continue;
            }
            ':' if doubled => {
                plain.push_str("::");
                rest = after.get(1..).unwrap_or_default();
                continue;
            }
            '?' => Some((choose(place + 1, &used)?, after)),
            ':' => named(after, parameters),
            _ => None,
        };
        match found {
            Some((index, remaining)) => {
                place += 1;
                used.push(index);
                if !plain.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                }
                pieces.push(Piece::Parameter(index));
                rest = remaining;
            }
            None => {
                plain.push(c);
                rest = after;
            }
        }
    }
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Ok(pieces)
}

/// The parameter whose ordinal is this place, else the next one that the statement has not used.
fn positional(place: usize, parameters: &[DataParameter], used: &[usize], text: &str) -> Result<usize, String> {
    let exact = parameters.iter().position(|parameter| parameter.ordinal == Some(place));
    let free = |index: &usize| !used.contains(index);
    let next = || {
        (0..parameters.len()).filter(free).find(|index| {
            // A parameter that the statement names elsewhere is not meant by a question mark.
            parameters.get(*index).is_some_and(|parameter| !is_named(text, &parameter.name))
        })
    };
    exact.filter(free).or_else(next).ok_or_else(|| format!("the statement has a ? at place {place} without parameter"))
}

fn is_named(text: &str, name: &str) -> bool {
    text.match_indices(':').any(|(at, _)| word(text.get(at + 1..).unwrap_or_default()) == name)
}

fn word(text: &str) -> &str {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-')).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

fn named<'a>(after: &'a str, parameters: &[DataParameter]) -> Option<(usize, &'a str)> {
    let longest = word(after);
    let shorter = longest.split('-').next().unwrap_or_default();
    [longest, shorter].into_iter().find_map(|name| {
        let index = parameters.iter().position(|parameter| !name.is_empty() && parameter.name == name)?;
        Some((index, after.get(name.len()..).unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use super::{DataParameter, Statement};

    fn parameter(name: &str, ordinal: Option<usize>) -> DataParameter {
        DataParameter {
            name: name.to_owned(),
            sql_type: "STRING".to_owned(),
            ordinal,
            default: None,
            is_optional: false,
            is_array: false,
            is_out: false,
            validators: Vec::new(),
        }
    }

    fn shown(text: &str, parameters: &[DataParameter]) -> String {
        let statement = Statement::parse(text, parameters).unwrap();
        let parts = statement.pieces.iter().map(|piece| match piece {
            super::Piece::Text(text) => text.clone(),
            super::Piece::Parameter(index) => format!("<{index}>"),
        });
        parts.collect()
    }

    #[test]
    fn parameters_are_found_where_they_are_and_nowhere_else() {
        let two = [parameter("a", Some(1)), parameter("b", Some(2))];
        for (text, expected) in [
            ("select ? , ?;", "select <0> , <1>"),
            ("select :b,:a", "select <1>,<0>"),
            ("select :b, ?", "select <1>, <0>"),
            ("select ':a ?', \":b\", ? -- :a ?\n, /* ? */ ?", "select ':a ?', \":b\", <0> -- :a ?\n, /* ? */ <1>"),
            ("select x::text, 'it''s ?', ?", "select x::text, 'it''s ?', <0>"),
            ("select j ?? 'k', :a", "select j ? 'k', <0>"),
            ("select now() at time zone 'x:a', :unknown, :a", "select now() at time zone 'x:a', :unknown, <0>"),
            ("select :a-:b", "select <0>-<1>"),
        ] {
            assert_eq!(shown(text, &two), expected, "{text}");
        }
        assert!(Statement::parse("select ?, ?, ?", &two).is_err());
    }

    #[test]
    fn calls_name_their_procedure() {
        let one = [parameter("a", None), parameter("b", None)];
        for (text, name, returns) in [
            ("call f(?)", Some("f"), false),
            ("{CALL s.f(?)}", Some("s.f"), false),
            ("{? = call f(?)}", Some("f"), true),
            ("select call (?)", None, false),
            ("caller(?)", None, false),
        ] {
            let statement = Statement::parse(text, &one).unwrap();
            assert_eq!((statement.procedure.as_deref(), statement.returns), (name, returns), "{text}");
        }
    }
}
