//! The core library of XPath 1.0, what Jaxen adds, and those functions of XPath 2.0 that artifacts use as `fn:`.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::evaluate::{Context, Evaluator, NodeRef, XValue, attribute_of};
use crate::flow::Failure;
use crate::pattern::Pattern;
use crate::xml::{Document, Kind, Name, NodeId, XML_NAMESPACE};

const MANY: usize = 200;

/// How many arguments a function takes; none when there is no such function. The prefix does not matter: Jaxen ignores
/// it for `fn:`, and Synapse for its own.
pub(crate) fn signature(name: &str) -> Option<RangeInclusive<usize>> {
    Some(match name {
        "last" | "position" | "true" | "false" | "current" | "current-dateTime" | "current-date" | "current-time" => {
            0..=0
        }
        "count" | "id" | "not" | "boolean" | "sum" | "floor" | "ceiling" | "lang" | "abs" | "exists" | "empty" => 1..=1,
        "distinct-values" | "data" | "encode-for-uri" | "json-eval" | "evaluate" | "node-set" | "parse-xml" => 1..=1,
        "min" | "max" | "avg" | "upper-case" | "lower-case" => 1..=1,
        "local-name" | "namespace-uri" | "name" | "string" | "string-length" | "normalize-space" | "number" => 0..=1,
        "generate-id" | "dateTime" => 0..=1,
        "concat" => 1..=MANY,
        "starts-with" | "ends-with" | "contains" | "substring-before" | "substring-after" | "compare" => 2..=2,
        "substring" | "matches" => 2..=3,
        "translate" => 3..=3,
        "replace" => 3..=4,
        "tokenize" => 2..=3,
        "string-join" => 1..=2,
        "round" | "round-half-to-even" => 1..=2,
        "get-property" | "base64Encode" | "base64Decode" | "url-encode" | "url-decode" | "encode" | "decode" => 1..=2,
        "vault-lookup" => 1..=3,
        "key" | "format-number" => 2..=3,
        "document" | "system-property" | "element-available" | "function-available" | "unparsed-entity-uri" => 1..=2,
        _ => return None,
    })
}

type Answer = Result<Option<XValue>, Failure>;

#[expect(clippy::unnecessary_wraps, reason = "the shape that the families of functions share")]
fn text(value: impl Into<String>) -> Answer {
    Ok(Some(XValue::Text(value.into())))
}

#[expect(clippy::unnecessary_wraps, reason = "the shape that the families of functions share")]
fn number(value: f64) -> Answer {
    Ok(Some(XValue::Number(value)))
}

#[expect(clippy::unnecessary_wraps, reason = "the shape that the families of functions share")]
fn boolean(value: bool) -> Answer {
    Ok(Some(XValue::Boolean(value)))
}

/// Calls a function of the library; none when it is not in the library.
pub(super) fn call(evaluator: &mut Evaluator<'_>, name: &str, arguments: &[XValue], context: Context) -> Answer {
    if let Some(value) = nodes(evaluator, name, arguments, context)? {
        return Ok(Some(value));
    }
    if let Some(value) = strings(evaluator, name, arguments, context)? {
        return Ok(Some(value));
    }
    if let Some(value) = patterns(evaluator, name, arguments)? {
        return Ok(Some(value));
    }
    numbers(evaluator, name, arguments, context)
}

fn nodes(evaluator: &mut Evaluator<'_>, name: &str, arguments: &[XValue], context: Context) -> Answer {
    let argument = |index: usize| arguments.get(index);
    match name {
        "last" => number(context.size as f64),
        "position" => number(context.position as f64),
        "count" => match argument(0) {
            Some(XValue::Nodes(nodes)) => number(nodes.len() as f64),
            _ => Err(Failure::new("count() counts nodes only")),
        },
        "local-name" | "namespace-uri" | "name" => {
            let node = match argument(0) {
                Some(XValue::Nodes(nodes)) => nodes.first().copied(),
                Some(_) => return Err(Failure::new(format!("{name}() is given something else than nodes"))),
                None => Some(context.node),
            };
            let Some(node) = node else { return text("") };
            let document = evaluator.document(node);
            text(match name_of(&document, node) {
                Some(found) if name == "local-name" => found.local.to_string(),
                Some(found) if name == "namespace-uri" => found.namespace.to_string(),
                Some(found) => found.qualified(),
                None => match document.kind(node.id) {
                    Kind::Instruction(target, _) if node.attribute == 0 && name != "namespace-uri" => {
                        target.to_string()
                    }
                    _ => String::new(),
                },
            })
        }
        "id" => {
            let wanted = argument(0).map(|value| evaluator.text(value)).unwrap_or_default();
            let document = evaluator.document(context.node);
            let mut found = Vec::new();
            for id in document.descendants(NodeId::DOCUMENT) {
                let is = |attribute: &crate::xml::Attribute| {
                    &*attribute.name.local == "id" && wanted.split_whitespace().any(|one| one == &*attribute.value)
                };
                if document.element(id).is_some_and(|element| {
                    element.attributes.iter().any(|a| is(a) && &*a.name.namespace == XML_NAMESPACE)
                }) {
                    found.push(NodeRef::node(context.node.document, id));
                }
            }
            Ok(Some(XValue::Nodes(found)))
        }
        "lang" => {
            let wanted = argument(0).map(|value| evaluator.text(value)).unwrap_or_default().to_lowercase();
            let document = evaluator.document(context.node);
            let mut at = Some(context.node.id);
            while let Some(id) = at {
                let lang = document.element(id).and_then(|element| {
                    let mut all = element.attributes.iter();
                    all.find(|a| &*a.name.local == "lang" && &*a.name.namespace == XML_NAMESPACE)
                });
                if let Some(lang) = lang {
                    let lang = lang.value.to_lowercase();
                    let rest = lang.strip_prefix(&wanted);
                    return boolean(rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-')));
                }
                at = document.parent(id);
            }
            boolean(false)
        }
        "exists" => boolean(!is_empty(argument(0))),
        "empty" => boolean(is_empty(argument(0))),
        "data" | "node-set" => Ok(argument(0).cloned()),
        "distinct-values" => {
            let Some(XValue::Nodes(nodes)) = argument(0) else { return Ok(argument(0).cloned()) };
            let mut seen = std::collections::HashSet::new();
            let kept = nodes.iter().filter(|node| seen.insert(evaluator.string_of(**node))).copied();
            Ok(Some(XValue::Nodes(kept.collect())))
        }
        _ => Ok(None),
    }
}

fn is_empty(value: Option<&XValue>) -> bool {
    matches!(value, None | Some(XValue::Nodes(_))) && !matches!(value, Some(XValue::Nodes(nodes)) if !nodes.is_empty())
}

fn name_of(document: &Arc<Document>, node: NodeRef) -> Option<Name> {
    match attribute_of(document, node) {
        Some(attribute) => Some(attribute.name.clone()),
        None => document.element(node.id).map(|element| element.name.clone()),
    }
}

fn strings(evaluator: &mut Evaluator<'_>, name: &str, arguments: &[XValue], context: Context) -> Answer {
    let of = |index: usize| arguments.get(index).map(|value| evaluator.text(value)).unwrap_or_default();
    let or_context = || match arguments.first() {
        Some(value) => evaluator.text(value),
        None => evaluator.string_of(context.node),
    };
    match name {
        "string" => text(or_context()),
        "concat" => text(arguments.iter().map(|value| evaluator.text(value)).collect::<String>()),
        "starts-with" => boolean(of(0).starts_with(&of(1))),
        "ends-with" => boolean(of(0).ends_with(&of(1))),
        "contains" => boolean(of(0).contains(&of(1))),
        "substring-before" => text(of(0).split_once(&of(1)).map(|(before, _)| before.to_owned()).unwrap_or_default()),
        "substring-after" => text(of(0).split_once(&of(1)).map(|(_, after)| after.to_owned()).unwrap_or_default()),
        "substring" => {
            let start = arguments.get(1).map_or(f64::NAN, |value| evaluator.number(value)).round_ties_up();
            let end = match arguments.get(2) {
                Some(length) => start + evaluator.number(length).round_ties_up(),
                None => f64::INFINITY,
            };
            let keep = |at: usize| {
                let at = at as f64 + 1.0;
                at >= start && at < end
            };
            text(of(0).chars().enumerate().filter(|(at, _)| keep(*at)).map(|(_, c)| c).collect::<String>())
        }
        "string-length" => number(or_context().chars().count() as f64),
        "normalize-space" => text(or_context().split_ascii_whitespace().collect::<Vec<_>>().join(" ")),
        "translate" => {
            let from: Vec<char> = of(1).chars().collect();
            let to: Vec<char> = of(2).chars().collect();
            let map = |c: char| match from.iter().position(|known| *known == c) {
                Some(at) => to.get(at).copied(),
                None => Some(c),
            };
            text(of(0).chars().filter_map(map).collect::<String>())
        }
        "upper-case" => text(of(0).to_uppercase()),
        "lower-case" => text(of(0).to_lowercase()),
        "compare" => number(f64::from(of(0).cmp(&of(1)) as i8)),
        "encode-for-uri" => text(crate::text::encode_uri(&of(0))),
        "string-join" => {
            let parts: Vec<String> = match arguments.first() {
                Some(XValue::Nodes(nodes)) => nodes.iter().map(|node| evaluator.string_of(*node)).collect(),
                Some(other) => vec![evaluator.text(other)],
                None => Vec::new(),
            };
            text(parts.join(&of(1)))
        }
        "true" => boolean(true),
        "false" => boolean(false),
        "not" => boolean(!arguments.first().is_some_and(|value| evaluator.boolean(value))),
        "boolean" => boolean(arguments.first().is_some_and(|value| evaluator.boolean(value))),
        _ => Ok(None),
    }
}

fn patterns(evaluator: &mut Evaluator<'_>, name: &str, arguments: &[XValue]) -> Answer {
    if !matches!(name, "matches" | "replace" | "tokenize") {
        return Ok(None);
    }
    let of = |index: usize| arguments.get(index).map(|value| evaluator.text(value)).unwrap_or_default();
    let flags = of(if name == "replace" { 3 } else { 2 });
    let source = if flags.is_empty() { of(1) } else { format!("(?{flags}){}", of(1)) };
    let pattern = Pattern::new(&source).map_err(Failure::new)?;
    let subject = of(0);
    match name {
        "matches" => boolean(pattern.finds(&subject).map_err(Failure::new)?),
        "replace" => text(pattern.replace_all(&subject, &of(2)).map_err(Failure::new)?),
        _ => {
            let parts = pattern.split(&subject).map_err(Failure::new)?;
            let mut list = Document::new();
            for part in parts {
                list.append_leaf(NodeId::DOCUMENT, Name::local("item"), &part);
            }
            let document = u32::try_from(evaluator.documents.len()).unwrap_or(0);
            let nodes = list.children(NodeId::DOCUMENT).map(|id| NodeRef::node(document, id)).collect();
            evaluator.documents.push(Arc::new(list));
            Ok(Some(XValue::Nodes(nodes)))
        }
    }
}

fn numbers(evaluator: &mut Evaluator<'_>, name: &str, arguments: &[XValue], context: Context) -> Answer {
    let of = |index: usize| arguments.get(index).map_or(f64::NAN, |value| evaluator.number(value));
    let all = || -> Vec<f64> {
        match arguments.first() {
            Some(XValue::Nodes(nodes)) => {
                nodes.iter().map(|node| crate::value::parse_number(&evaluator.string_of(*node))).collect()
            }
            Some(other) => vec![evaluator.number(other)],
            None => Vec::new(),
        }
    };
    match name {
        "number" if arguments.is_empty() => number(crate::value::parse_number(&evaluator.string_of(context.node))),
        "number" => number(of(0)),
        "sum" => number(all().into_iter().sum()),
        "avg" => {
            let all = all();
            number(all.iter().sum::<f64>() / all.len() as f64)
        }
        "min" => number(all().into_iter().fold(f64::NAN, f64::min)),
        "max" => number(all().into_iter().fold(f64::NAN, f64::max)),
        "abs" => number(of(0).abs()),
        "floor" => number(of(0).floor()),
        "ceiling" => number(of(0).ceil()),
        "round" if arguments.len() == 1 => number(of(0).round_ties_up()),
        "round" | "round-half-to-even" => {
            let scale = 10_f64.powf(if arguments.len() > 1 { of(1) } else { 0.0 });
            let scaled = of(0) * scale;
            number(if name == "round" { scaled.round_ties_up() } else { scaled.round_ties_even() } / scale)
        }
        _ => Ok(None),
    }
}

/// Rounding as XPath 1.0 asks for: halves go up.
trait RoundTiesUp {
    fn round_ties_up(self) -> Self;
}

impl RoundTiesUp for f64 {
    fn round_ties_up(self) -> Self {
        if self.is_finite() { (self + 0.5).floor() } else { self }
    }
}
