use std::sync::Arc;

use super::*;
use crate::flow::Failure;
use crate::value::number_text;
use crate::xml::{Document, Limits, NodeId};

struct Bare(u64);

impl Environment for Bare {
    fn variable(&mut self, _: &mut Vec<Arc<Document>>, _: &str, name: &str) -> Result<XValue, Failure> {
        Ok(XValue::Text(format!("value of {name}")))
    }

    fn function(
        &mut self,
        _: &mut Vec<Arc<Document>>,
        _: Context,
        _: &str,
        _: &[XValue],
    ) -> Result<Option<XValue>, Failure> {
        Ok(None)
    }

    fn spend(&mut self, steps: u64) -> Result<(), Failure> {
        self.0 = self.0.checked_sub(steps).ok_or_else(|| Failure::new("too many steps"))?;
        Ok(())
    }
}

const DOCUMENT: &str = "<r xmlns:p='u'><a n='1'>x</a><a n='2'>y<b/>z</a><p:c><a>deep</a></p:c><!--note--><e/></r>";

fn evaluate(expression: &str, document: &str, steps: u64) -> Result<String, String> {
    let namespaces: Namespaces = vec![("p".into(), "u".into())];
    let xpath = XPath::compile(expression, &namespaces).map_err(|e| e.to_string())?;
    let document = Arc::new(Document::parse(document, Limits::MESSAGE).unwrap());
    let mut bare = Bare(steps);
    let mut evaluator = Evaluator::new(document, &mut bare);
    let context = Context::at(NodeRef::node(0, NodeId::DOCUMENT));
    let value = evaluator.evaluate(&xpath.root, context).map_err(|e| e.message)?;
    Ok(match value {
        XValue::Nodes(nodes) => nodes.iter().map(|node| evaluator.string_of(*node)).collect::<Vec<_>>().join("|"),
        XValue::Number(number) => number_text(number),
        other => evaluator.text(&other),
    })
}

#[test]
fn paths_and_functions() {
    for (expression, expected) in [
        ("/r/a", "x|yz"),
        ("//a", "x|yz|deep"),
        ("//a[1]", "x|deep"),
        ("(//a)[2]", "yz"),
        ("//a[@n='2']/text()", "y|z"),
        ("//a[last()]", "yz|deep"),
        ("/r/p:c/a", "deep"),
        ("//p:*", "deep"),
        ("/r/a/@n", "1|2"),
        ("//a[@n > 1]", "yz"),
        ("//b/..", "yz"),
        ("//b/ancestor::*[1]/@n", "2"),
        ("//b/following::a", "deep"),
        ("//p:c/preceding-sibling::a[1]", "yz"),
        ("//comment()", "note"),
        ("//e | //a[1]", "x|deep|"),
        ("count(//a)", "3"),
        ("sum(//@n)", "3"),
        ("1 + 2 * 3 - 4 div 2", "5"),
        ("7 mod 3", "1"),
        ("-7 mod 3", "-1"),
        ("1 div 0", "Infinity"),
        ("'a' = 'a' and not(1 > 2)", "true"),
        ("//a = 'deep'", "true"),
        ("//a != 'deep'", "true"),
        ("string(//missing)", ""),
        ("number('x')", "NaN"),
        ("number('1e3')", "NaN"),
        ("concat('a', 1, true())", "a1true"),
        ("substring('12345', 1.5, 2.6)", "234"),
        ("substring('12345', 0, 3)", "12"),
        ("substring('12345', 2)", "2345"),
        ("substring-before('1999/04', '/')", "1999"),
        ("substring-after('1999/04', '/')", "04"),
        ("normalize-space('  a   b ')", "a b"),
        ("translate('bar', 'abc', 'AB')", "BAr"),
        ("round(2.5)", "3"),
        ("round(-2.5)", "-2"),
        ("string-length('abc')", "3"),
        ("local-name(//p:*)", "c"),
        ("name(//p:*)", "p:c"),
        ("namespace-uri(//p:*)", "u"),
        ("$ctx:a.b", "value of a.b"),
        ("fn:lower-case('ABC')", "abc"),
        ("fn:tokenize('a,b', ',')[2]", "b"),
        ("*[local-name()='r']/a[position() mod 2 = 0]/@n", "2"),
        ("div/div", ""),
        ("self::node()//a[2]", "yz"),
        ("boolean(//a[. = 'x'])", "true"),
    ] {
        assert_eq!(evaluate(expression, DOCUMENT, 100_000).as_deref(), Ok(expected), "{expression}");
    }
}

#[test]
fn faults_name_the_place() {
    for (expression, at) in
        [("//a[", 4), ("//", 2), ("a b", 2), ("'x", 0), ("a/::b", 2), ("concat(", 7), ("1 +", 3), ("not()", 0)]
    {
        let error = XPath::compile(expression, &Namespaces::new()).unwrap_err();
        assert_eq!(error.at, at, "{expression}: {error}");
    }
    let unknown = XPath::compile("concat(f(1), 'x')", &Namespaces::new()).unwrap();
    assert_eq!(unknown.undeclared(), Some("there is no function f"));
    assert!(evaluate("//a[f(1)]", DOCUMENT, 1000).unwrap_err().contains("there is no function f"));
    assert!(XPath::compile_strictly("f(1)", &Namespaces::new()).is_err());
    assert!(XPath::compile(&"(".repeat(10_000), &Namespaces::new()).is_err());
    assert!(XPath::compile(&"1+".repeat(10_000), &Namespaces::new()).is_err());
    assert!(XPath::compile(&"a[".repeat(10_000), &Namespaces::new()).is_err());
}

#[test]
fn bombs_run_out_of_steps() {
    let wide = format!("<r>{}</r>", "<a/>".repeat(2_000));
    let bomb = "count(//*[count(//*[count(//*) > 1]) > 1])";
    assert!(evaluate(bomb, &wide, 1_000_000).unwrap_err().contains("steps"));
    let axes = "//*/following::*/preceding::*/following::*";
    assert!(evaluate(axes, &wide, 1_000_000).unwrap_err().contains("steps"));
}

#[test]
fn what_does_not_look_at_the_message_is_known() {
    let reads = |text: &str| XPath::compile(text, &Vec::new()).unwrap().reads_body;
    for text in [
        "get-property('ERROR_CODE')",
        "get-property('axis2', 'HTTP_SC') = '500'",
        "concat($ctx:a, '-', $func:b)",
        "not(boolean($trp:Accept))",
        "$ctx:order/item/name",
        "1 + 2",
        "true()",
    ] {
        assert!(!reads(text), "{text}");
    }
    for text in [
        "//a",
        "/",
        ".",
        "$body/*",
        "$env",
        "string()",
        "normalize-space()",
        "concat(get-property('a'), //b)",
        "$ctx:order/item[/a]",
        "count($ctx:a)",
        "local-name()",
        "position()",
        "string(//a) = 'x' or true()",
    ] {
        assert!(reads(text), "{text}");
    }
}
