use super::{Contexts, Lookup, Resources, TemplateError};
use http::Method;

fn resources(templates: &[(&str, &str)]) -> Resources {
    let mut table = Resources::default();
    for (index, (verb, template)) in templates.iter().enumerate() {
        table.insert(&verb.parse().unwrap(), template, index).unwrap();
    }
    table
}

#[test]
fn the_longest_context_wins() {
    let mut contexts = Contexts::default();
    for (api, context) in ["/pizza", "/pizza/1.0.0", "/t/example.com/pizza/1.0.0", "/1.0.0/first"].iter().enumerate() {
        assert!(contexts.insert(context, api));
    }
    assert!(!contexts.insert("/pizza", 9), "a context belongs to one API");
    for (path, expected) in [
        ("/pizza/1.0.0/menu", Some((1, 12))),
        ("/pizza/1.0.0", Some((1, 12))),
        ("/pizza/1.0.0/", Some((1, 12))),
        ("/pizza/2.0.0/menu", Some((0, 6))),
        ("/pizza", Some((0, 6))),
        ("/pizzas/1.0.0", None),
        ("/t/example.com/pizza/1.0.0/x", Some((2, 26))),
        ("/t/example.com/pizza", None),
        ("/t/EXAMPLE.com/pizza/1.0.0/x", None),
        ("/1.0.0/first/customers/1", Some((3, 12))),
        ("/", None),
    ] {
        assert_eq!(contexts.find(path), expected, "{path}");
    }
}

#[test]
fn templates_match_as_in_wso2() {
    let table = resources(&[
        ("GET", "/customers/{id}"),
        ("DELETE", "/customers/{id}"),
        ("POST", "/customers/name"),
        ("GET", "/menu/*"),
        ("GET", "/report.{format}"),
        ("GET", "/"),
        ("PUT", "/a/{x}/b/{y}"),
        ("PUT", "/a/{other}"),
        ("GET", "/special,-._~resource"),
        ("GET", "/größe"),
        ("GET", "/menu"),
        ("GET", "/query?name={+value}"),
    ]);
    for (verb, path, expected) in [
        ("GET", "/customers/123", Lookup::Found(0)),
        ("GET", "/customers/123/", Lookup::Found(0)),
        ("DELETE", "/customers/123", Lookup::Found(1)),
        ("GET", "/customers/name", Lookup::Found(0)),
        ("POST", "/customers/name", Lookup::Found(2)),
        ("POST", "/customers/other", Lookup::WrongMethod),
        ("GET", "/customers/123/invalid", Lookup::NotFound),
        ("GET", "/customers", Lookup::NotFound),
        ("GET", "/customers/", Lookup::NotFound),
        ("GET", "/menu", Lookup::Found(10)),
        ("GET", "/menu/", Lookup::Found(10)),
        ("GET", "/menu/a/b", Lookup::Found(3)),
        ("GET", "/menus", Lookup::NotFound),
        ("GET", "/report.json", Lookup::Found(4)),
        ("GET", "/report.", Lookup::NotFound),
        ("GET", "/report.a/b", Lookup::NotFound),
        ("GET", "/", Lookup::Found(5)),
        ("GET", "", Lookup::Found(5)),
        ("POST", "/", Lookup::WrongMethod),
        ("PUT", "/a/1/b/2", Lookup::Found(6)),
        ("PUT", "/a/1", Lookup::Found(7)),
        ("GET", "/special,-._~resource", Lookup::Found(8)),
        ("GET", "/gr%C3%B6%C3%9Fe", Lookup::Found(9)),
        ("GET", "/query", Lookup::Found(11)),
    ] {
        assert_eq!(table.find(&verb.parse().unwrap(), path), expected, "{verb} {path}");
    }
}

#[test]
fn a_catch_all_covers_everything() {
    let table = resources(&[("GET", "/*")]);
    for path in ["", "/", "/a", "/a/b/c/"] {
        assert_eq!(table.find(&Method::GET, path), Lookup::Found(0), "{path}");
    }
    assert_eq!(table.find(&Method::POST, "/a"), Lookup::WrongMethod);
}

#[test]
fn bad_templates_are_refused() {
    for template in ["a", "/a//b", "/a/../b", "/{", "/{}", "/a}", "/{a}{b}", "/*/a", "/a%2Fb", "/a;b", "/{a{b}}"] {
        assert!(Resources::default().insert(&Method::GET, template, 0).is_err(), "{template:?}");
    }
    let mut table = resources(&[("GET", "/a/{x}")]);
    assert!(matches!(table.insert(&Method::GET, "/a/{y}", 1), Err(TemplateError::Conflict(_))));
    assert!(table.insert(&Method::POST, "/a/{y}", 1).is_ok());
}
