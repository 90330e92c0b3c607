use super::*;

fn parse(text: &str) -> Result<Document, XmlError> {
    Document::parse(text, Limits::ARTIFACT)
}

#[test]
fn what_is_parsed_is_written_again() {
    let text = r#"<a xmlns="u" b="1&amp;2"><c:d xmlns:c="v" c:e="&lt;"/>x &amp; y<!--z--><?p q?></a>"#;
    let document = parse(text).unwrap();
    assert_eq!(document.write(NodeId::DOCUMENT), text);
}

#[test]
fn doctype_and_entities_are_refused() {
    for text in [
        "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
        "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>",
        "<a>&x;</a>",
        "<a b=\"&x;\"/>",
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn broken_documents_name_the_line() {
    for (text, line) in
        [("<a>\n<b>\n</a>", 3), ("<a>\n<p:b/></a>", 2), ("<a/>\n<b/>", 2), ("\n\n<a b='1'\n b='2'/>", 3)]
    {
        assert_eq!(parse(text).unwrap_err().line, line, "{text}");
    }
    assert!(parse("").is_err());
    assert!(parse("<a>").is_err());
    assert!(parse("x<a/>").is_err());
}

#[test]
fn caps_hold() {
    let deep = "<a>".repeat(300) + &"</a>".repeat(300);
    assert!(parse(&deep).unwrap_err().reason.contains("deeper"));
    let wide = format!("<a {}/>", (0..300).map(|i| format!("a{i}='' ")).collect::<String>());
    assert!(parse(&wide).unwrap_err().reason.contains("attributes"));
    let limits = Limits { nodes: 10, ..Limits::ARTIFACT };
    assert!(Document::parse(&format!("<a>{}</a>", "<b/>".repeat(20)), limits).unwrap_err().reason.contains("nodes"));
    let limits = Limits { bytes: 10, ..Limits::ARTIFACT };
    assert!(Document::parse("<a>0123456789</a>", limits).is_err());
}

#[test]
fn copies_take_their_namespaces_along() {
    let from = parse(r#"<a xmlns="u" xmlns:p="v"><p:b><c/></p:b></a>"#).unwrap();
    let b = from.descendants(NodeId::DOCUMENT).find(|id| from.local_name(*id) == "b").unwrap();
    let copy = from.extract(b);
    let again = parse(&copy.write(NodeId::DOCUMENT)).unwrap();
    let root = again.root().unwrap();
    assert!(again.is(root, "v", "b"));
    assert!(again.is(again.first_child(root).unwrap(), "u", "c"));
}

#[test]
fn moved_nodes_are_in_order_after_compaction() {
    let mut document = parse("<a><b/><c/></a>").unwrap();
    let root = document.root().unwrap();
    let b = document.first_child(root).unwrap();
    let other = parse("<x>1</x>").unwrap();
    document.insert_copy(root, Some(b), &other, other.root().unwrap());
    document.detach(b);
    document.compact();
    assert_eq!(document.write(NodeId::DOCUMENT), "<a><x>1</x><c/></a>");
    let ids: Vec<NodeId> = document.descendants(NodeId::DOCUMENT).collect();
    assert!(ids.is_sorted());
    assert_eq!(document.size(), ids.len() + 1);
}

#[test]
fn documents_are_moved_below_others_without_a_copy() {
    let parse = |text: &str| Document::parse(text, Limits::MESSAGE).unwrap();
    let mut outer = parse("<o><b>1</b></o>");
    let root = outer.root().unwrap();
    outer.graft(root, parse("<!-- c --><a xmlns='u'><b>x</b>y</a><?p d?>"));
    assert_eq!(outer.write(NodeId::DOCUMENT), "<o><b>1</b><!-- c --><a xmlns=\"u\"><b>x</b>y</a><?p d?></o>");
    let ids: Vec<NodeId> = outer.descendants(NodeId::DOCUMENT).collect();
    assert!(ids.is_sorted());
    let before = outer.size();
    outer.compact();
    assert_eq!(outer.size(), before);
    let mut empty = parse("<o/>");
    empty.graft(empty.root().unwrap(), Document::new());
    assert_eq!(empty.write(NodeId::DOCUMENT), "<o/>");
}

#[test]
fn copies_are_in_the_order_of_the_document() {
    let from = Document::parse("<a><b><c/>x<d><e/></d></b><f>y</f></a>", Limits::MESSAGE).unwrap();
    let mut to = Document::parse("<o/>", Limits::MESSAGE).unwrap();
    to.append_copy(to.root().unwrap(), &from, NodeId::DOCUMENT);
    assert_eq!(to.write(NodeId::DOCUMENT), "<o><a><b><c/>x<d><e/></d></b><f>y</f></a></o>");
    assert!(to.descendants(NodeId::DOCUMENT).collect::<Vec<_>>().is_sorted());
}

#[test]
fn text_of_many_pieces_is_joined_once() {
    let text = format!("<a>{}</a>", "&lt;".repeat(1_000_000));
    let document = Document::parse(&text, Limits::MESSAGE).unwrap();
    assert_eq!(document.size(), 3);
    assert_eq!(document.text(NodeId::DOCUMENT).len(), 1_000_000);
    let mut pieces = Document::parse("<a/>", Limits::MESSAGE).unwrap();
    let root = pieces.root().unwrap();
    for _ in 0..500_000 {
        pieces.append_text(root, "xy");
    }
    pieces.compact();
    assert_eq!((pieces.size(), pieces.text(root).len()), (3, 1_000_000));
}
