//! Queries that honest clients write and that attackers write.

use model::snapshot::GraphqlCosts;
use serde_json::{Value, json};

use super::{GraphqlError, GraphqlKind, GraphqlQuery};

fn costs() -> GraphqlCosts {
    let field = |target: &str, cost: u32| (target.to_owned(), cost);
    let mut costs =
        GraphqlCosts { roots: ["Query".into(), "Mutation".into(), String::new()], ..GraphqlCosts::default() };
    let query = costs.fields.entry("Query".into()).or_default();
    query.insert("languages".into(), field("Language", 2));
    query.insert("limitLanguage".into(), field("Language", 1));
    let language = costs.fields.entry("Language".into()).or_default();
    language.insert("code".into(), field("String", 5));
    language.insert("name".into(), field("String", 1));
    costs
}

fn read(query: &str, variables: Value) -> Result<GraphqlQuery, GraphqlError> {
    GraphqlQuery::read(json!({"query": query, "variables": variables}).to_string().as_bytes(), false, Some(&costs()))
}

/// Without the fields of a schema, which any query then fits.
fn read_any(query: &str) -> Result<GraphqlQuery, GraphqlError> {
    GraphqlQuery::read(json!({"query": query}).to_string().as_bytes(), false, None)
}

fn measure(query: &str) -> (u32, u64) {
    let found = read(query, Value::Null).unwrap();
    (found.depth, found.complexity)
}

#[test]
fn depth_and_complexity_follow_wso2() {
    for (query, expected) in [
        ("{ languages { code name } }", (2, 8)),
        ("{ languages { __typename } }", (1, 2)),
        ("{ limitLanguage(where:{eq:100}) }", (1, 1)),
        ("{ limitLanguage(limit:4) }", (1, 4)),
        ("{ limitLanguage(limit:5, order: ASC) }", (1, 6)),
        ("{ limitLanguage(first:2, last:3) { code } }", (2, 30)),
        ("{ limitLanguage(limit:-100) { code } }", (2, 6)),
        ("query Q($n: Int! = 7) { limitLanguage(limit:$n) }", (1, 7)),
        ("{ a: languages { code } b: languages { code } }", (2, 14)),
        (
            "{ ...F ... on Query { languages { code } } } fragment F on Query { languages { ...G } } fragment G on Language { code }",
            (2, 14),
        ),
        ("{ ... @include(if: true) { languages { code } } }", (2, 7)),
        (
            "# comment\n{ languages(text: \"}{\\\"\", block: \"\"\"a \\\"\"\" }\"\"\", list: [1 [2]], o: {a: {b: 1}}) { code } }",
            (2, 28),
        ),
    ] {
        assert_eq!(measure(query), expected, "{query}");
    }
    let given = read("query Q($n: Int) { limitLanguage(limit:$n) }", json!({"n": 1000})).unwrap();
    assert_eq!(given.complexity, 1000);
    for disguised in [json!(1000.0), json!(1e3)] {
        let given = read("query Q($n: Int) { limitLanguage(limit:$n) }", json!({"n": disguised})).unwrap();
        assert_eq!(given.complexity, 1000);
    }
    let absent = read("query Q($n: Int) { limitLanguage(limit:$n) }", Value::Null).unwrap();
    assert_eq!(absent.complexity, 1);
}

#[test]
fn operations_are_told_whatever_hides_them() {
    let fields = |query: &str| {
        let found = read_any(query).unwrap();
        (found.kind, found.fields)
    };
    let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    assert_eq!(fields("{ a }"), (GraphqlKind::Query, owned(&["a"])));
    assert_eq!(fields("mutation { harmless: dropAll { x } }"), (GraphqlKind::Mutation, owned(&["dropAll"])));
    assert_eq!(fields("subscription S { s }"), (GraphqlKind::Subscription, owned(&["s"])));
    let (_, mut hidden) =
        fields("{ ok ...F ... on Query { inline } } fragment F on Query { secret ...G } fragment G on Query { deep }");
    hidden.sort();
    assert_eq!(hidden, owned(&["deep", "inline", "ok", "secret"]));
    let two = json!({"query": "query A { a } mutation B { b }", "operationName": "B"}).to_string();
    let chosen = GraphqlQuery::read(two.as_bytes(), false, None).unwrap();
    assert_eq!((chosen.kind, chosen.fields), (GraphqlKind::Mutation, owned(&["b"])));
    assert_eq!(GraphqlQuery::read(b"{ bare }", true, None).unwrap().fields, owned(&["bare"]));
}

#[test]
fn malformed_requests_are_refused() {
    for (query, expected) in [
        ("", GraphqlError::Operation),
        ("{", GraphqlError::Syntax(1)),
        ("{}", GraphqlError::Syntax(2)),
        ("{ a } }", GraphqlError::Syntax(6)),
        ("{ a(b:) }", GraphqlError::Syntax(6)),
        ("{ a \u{0} }", GraphqlError::Syntax(4)),
        ("{ a(b: \"x) }", GraphqlError::Syntax(7)),
        ("query A { a } query B { b }", GraphqlError::Operation),
        ("type T { a: Int }", GraphqlError::Syntax(0)),
        ("{ ...F }", GraphqlError::Fragment),
        ("{ ...F } fragment F on Q { ...F }", GraphqlError::Fragment),
        ("{ ...F } fragment F on Q { a { ...G } } fragment G on Q { ...F }", GraphqlError::Fragment),
        ("{ ...F } fragment F on Q { a } fragment F on Q { b }", GraphqlError::Fragment),
    ] {
        assert_eq!(read(query, Value::Null), Err(expected), "{query}");
    }
    for body in [
        &b"[]"[..],
        b"{}",
        b"\"{a}\"",
        b"{\"query\":1}",
        b"[{\"query\":\"{a}\"}]",
        b"{\"query\":\"{a}\",\"operationName\":1}",
        // Two readers would take different ones.
        b"{\"query\":\"{a}\",\"query\":\"{secret}\"}",
        b"{\"query\":\"{a}\",\"qu\\u0065ry\":\"{secret}\"}",
        b"{\"query\":\"{a}\",\"QUERY\":\"{secret}\"}",
        b"{\"query\":\"{a}\",\"Operationname\":\"B\"}",
        "{\"query\":\"{a}\",\"variable\u{17f}\":{\"n\":1000}}".as_bytes(),
        b"{\"query\":\"{a}\",\"variables\":{\"n\":1,\"n\":1000}}",
    ] {
        assert_eq!(GraphqlQuery::read(body, false, None), Err(GraphqlError::Request));
    }
}

#[test]
fn a_field_that_the_schema_does_not_have_is_named_as_such() {
    assert_eq!(read("{ languages { nothing } }", Value::Null), Err(GraphqlError::Field));
    assert_eq!(read("{ nothing }", Value::Null), Err(GraphqlError::Field));
    assert!(read_any("{ nothing }").is_ok());
}

#[test]
fn bombs_are_measured_quickly() {
    assert_eq!(read_any(&"{a".repeat(101)), Err(GraphqlError::TooLarge));
    assert_eq!(read_any(&format!("{{ a(x: {}", "[".repeat(100_000))), Err(GraphqlError::TooLarge));
    assert_eq!(read_any(&format!("{{ {} }}", "a ".repeat(30_000))), Err(GraphqlError::TooLarge));
    let roots = |count: usize| (0..count).map(|n| format!("a{n} ")).collect::<String>();
    assert_eq!(read_any(&format!("{{ {} }}", roots(500))).unwrap().fields.len(), 500);
    assert_eq!(read_any(&format!("{{ {} }}", roots(501))), Err(GraphqlError::TooLarge));
    // 2^60 fields in 60 fragments.
    let mut bomb = "{ ...F0 }".to_owned();
    for n in 0..60 {
        bomb.push_str(&format!(" fragment F{n} on Q {{ a {{ ...F{m} ...F{m} }} }}", m = n + 1));
    }
    bomb.push_str(" fragment F60 on Q { a }");
    let found = read_any(&bomb).unwrap();
    assert!(found.depth == 61 && found.complexity > 1 << 60, "{found:?}");
    let huge = "{ a(first: 9223372036854775807) { b(first: 9223372036854775807) { c(first: 9223372036854775807) } } }";
    assert_eq!(read_any(huge).unwrap().complexity, u64::MAX);
}
