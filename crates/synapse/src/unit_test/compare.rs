//! When an actual text is the expected one: JSON and XML by what they say, not by how they are written.

use crate::json;
use crate::soap;
use crate::xml::{Document, Kind, Limits, NodeId};

pub(super) fn same(actual: &str, expected: &str) -> bool {
    let (actual, expected) = (actual.trim(), expected.trim());
    if actual == expected {
        return true;
    }
    if let (Ok(actual), Ok(expected)) = (json::parse(actual), json::parse(expected)) {
        return actual == expected;
    }
    match (canonical(actual), canonical(expected)) {
        (Some(actual), Some(expected)) => actual == expected,
        // WSO2's runner compares without space.
        _ => squeeze(actual) == squeeze(expected),
    }
}

fn squeeze(text: &str) -> String {
    text.split_whitespace().collect()
}

/// XML as nested lists without prefixes, comments and space between elements; an envelope counts as its payload.
fn canonical(text: &str) -> Option<String> {
    let document = Document::parse(text, Limits::MESSAGE).ok()?;
    let root = document.root()?;
    let envelope = document.local_name(root) == "Envelope" && soap::is_envelope(document.namespace(root));
    let top = if envelope { soap::payload_of(&document)? } else { root };
    let mut out = String::new();
    write(&document, top, &mut out);
    Some(out)
}

fn write(document: &Document, id: NodeId, out: &mut String) {
    enum Step {
        Enter(NodeId),
        Leave,
    }
    let mut pending = vec![Step::Enter(id)];
    while let Some(step) = pending.pop() {
        let Step::Enter(id) = step else {
            out.push(')');
            continue;
        };
        match document.kind(id) {
            Kind::Text(text) if !text.trim().is_empty() => {
                let words: Vec<&str> = text.split_whitespace().collect();
                out.push_str(&format!("{:?}", words.join(" ")));
            }
            Kind::Element(element) => {
                out.push_str(&format!("({{{}}}{}", element.name.namespace, element.name.local));
                let mut attributes: Vec<String> =
                    element.attributes.iter().map(|a| format!(" {}={:?}", a.name.local, a.value)).collect();
                attributes.sort();
                attributes.iter().for_each(|attribute| out.push_str(attribute));
                pending.push(Step::Leave);
                let mut at = document.last_child(id);
                while let Some(child) = at {
                    pending.push(Step::Enter(child));
                    at = document.previous_sibling(child);
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn what_is_said_counts() {
        assert!(same("{\"a\": 1}", "{\"a\":1}"));
        assert!(same("<a><b x='1' y='2'/></a>", "<a>\n <b y=\"2\" x=\"1\"></b>\n</a>"));
        assert!(same("<p:a xmlns:p='u'/>", "<a xmlns='u'/>"));
        assert!(!same("<a xmlns='u'/>", "<a/>"));
        assert!(!same("{\"a\":1}", "{\"a\":\"1\"}"));
        assert!(!same("<a>1</a>", "<a>2</a>"));
        assert!(same("a  b", "a b"));
    }
}
