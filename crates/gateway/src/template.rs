//! Variables of resource templates in endpoint addresses (WSO2: `{uri.var.NAME}`, `{+uri.var.NAME}`).

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Everything but RFC 3986 unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where the value of a variable comes from.
#[derive(Debug)]
enum Source {
    /// A segment of the path below the context, without so many bytes at its ends.
    Segment { index: usize, before: usize, after: usize },
    /// A parameter of the query.
    Query(Box<str>),
}

/// The variables of one resource template.
#[derive(Debug, Default)]
pub(crate) struct Variables(Vec<(Box<str>, Source)>);

impl Variables {
    /// Reads them from a template that the router accepts, as in `/order/{id}?size={size}`.
    pub(crate) fn of(template: &str) -> Self {
        let (path, query) = template.split_once('?').unwrap_or((template, ""));
        let variable = |text: &str| -> Option<(usize, Box<str>, usize)> {
            let (before, rest) = text.split_once('{')?;
            let (name, after) = rest.split_once('}')?;
            Some((before.len(), name.trim_start_matches('+').into(), after.len()))
        };
        let mut variables = Vec::new();
        for (index, segment) in path.split('/').skip(1).enumerate() {
            if let Some((before, name, after)) = variable(segment) {
                variables.push((name, Source::Segment { index, before, after }));
            }
        }
        for pair in query.split('&') {
            if let Some((key, (_, name, _))) =
                pair.split_once('=').and_then(|(key, value)| Some((key, variable(value)?)))
            {
                variables.push((name, Source::Query(key.into())));
            }
        }
        Self(variables)
    }

    fn value<'a>(&self, name: &str, path: &'a str, query: Option<&'a str>) -> Option<&'a str> {
        let (_, source) = self.0.iter().find(|(own, _)| **own == *name)?;
        match source {
            Source::Segment { index, before, after } => {
                let segment = path.split('/').nth(index + 1)?;
                segment.get(*before..segment.len().checked_sub(*after)?)
            }
            Source::Query(key) => query?.split('&').find_map(|pair| {
                let (own, value) = pair.split_once('=')?;
                (own == &**key).then_some(value)
            }),
        }
    }
}

/// Path and query of an endpoint with variables in them.
#[derive(Debug)]
pub(crate) struct TargetTemplate {
    pieces: Vec<Piece>,
    /// Whether the endpoint has a query of its own: then it is the whole target, and nothing is appended.
    pub(crate) complete: bool,
}

#[derive(Debug)]
enum Piece {
    Text(Box<str>),
    /// Name, and whether reserved characters are kept (RFC 6570 `{+name}`).
    Variable(Box<str>, bool),
}

impl TargetTemplate {
    /// Parses the part of an endpoint address after the authority; `None` when a brace is not a known variable.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, tail)) = rest.split_once('{') {
            let (variable, after) = tail.split_once('}')?;
            let (name, keep) = variable.strip_prefix('+').map_or((variable, false), |name| (name, true));
            pieces.push(Piece::Text(before.into()));
            pieces.push(Piece::Variable(name.strip_prefix("uri.var.")?.into(), keep));
            rest = after;
        }
        if rest.contains('}') {
            return None;
        }
        pieces.push(Piece::Text(rest.into()));
        Some(Self { pieces, complete: text.contains('?') })
    }

    /// Fills in the values of a call; a variable without value is empty.
    pub(crate) fn expand(&self, variables: &Variables, path: &str, query: Option<&str>) -> String {
        let mut target = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => target.push_str(text),
                Piece::Variable(name, keep) => {
                    let value = variables.value(name, path, query).unwrap_or_default();
                    if *keep {
                        target.push_str(value);
                    } else {
                        let plain = percent_decode_str(value).decode_utf8_lossy();
                        target.extend(utf8_percent_encode(&plain, RESERVED));
                    }
                }
            }
        }
        target
    }
}

#[cfg(test)]
mod tests {
    use super::{TargetTemplate, Variables};

    #[test]
    fn variables_are_filled_in() {
        for (template, endpoint, path, query, expected) in [
            ("/{val}", "/echo/sub{uri.var.val}", "/S-0%2815%29", None, "/echo/sub".to_owned() + "S-0%2815%29"),
            ("/q?p={+value}", "/sub?p={uri.var.value}", "/q", Some("a=1&p=APIM:WSO2"), "/sub?p=APIM%3AWSO2".into()),
            ("/q?p={+value}", "/sub?p={+uri.var.value}", "/q", Some("p=APIM:WSO2"), "/sub?p=APIM:WSO2".into()),
            ("/a/pre{x}.json", "/{uri.var.x}/{uri.var.none}", "/a/pre7.json", None, "/7/".into()),
            ("/{x}", "/{uri.var.x}", "/a%26b%3Fc", None, "/a%26b%3Fc".into()),
        ] {
            let target = TargetTemplate::parse(endpoint).unwrap();
            assert_eq!(target.expand(&Variables::of(template), path, query), expected);
        }
        for bad in ["/{x}", "/{uri.var.x", "/uri.var.x}", "/{}"] {
            assert!(TargetTemplate::parse(bad).is_none(), "{bad}");
        }
    }
}
