use serde_json::json;

use super::*;

struct Nothing;

impl Outside for Nothing {
    fn root(&mut self, name: &str) -> Result<Json, Failure> {
        Ok(if name == "vars" { json!({"max": 10}) } else { Json::Null })
    }

    fn spend(&mut self, _: u64) -> Result<(), Failure> {
        Ok(())
    }
}

fn store() -> Json {
    json!({
        "store": {
            "book": [
                {"category": "reference", "author": "Nigel Rees", "title": "Sayings", "price": 8.95},
                {"category": "fiction", "author": "Evelyn Waugh", "title": "Sword", "price": 12.99},
                {"category": "fiction", "author": "Herman Melville", "title": "Moby", "isbn": "0-553", "price": 8.99},
                {"category": "fiction", "author": "Tolkien", "title": "Lord", "isbn": "0-395", "price": 22.99}
            ],
            "bicycle": {"color": "red", "price": 19.95}
        },
        "expensive": 10
    })
}

fn eval(path: &str) -> Option<Json> {
    JsonPath::compile(path).unwrap().value(&store(), &mut Nothing).unwrap()
}

#[test]
fn the_examples_of_jayway() {
    for (path, expected) in [
        ("$.store.book[*].author", json!(["Nigel Rees", "Evelyn Waugh", "Herman Melville", "Tolkien"])),
        ("$..author", json!(["Nigel Rees", "Evelyn Waugh", "Herman Melville", "Tolkien"])),
        ("$.store..price", json!([8.95, 12.99, 8.99, 22.99, 19.95])),
        ("$..book[2].title", json!(["Moby"])),
        ("$..book[-2].title", json!(["Moby"])),
        ("$..book[0,1].title", json!(["Sayings", "Sword"])),
        ("$..book[:2].title", json!(["Sayings", "Sword"])),
        ("$..book[1:2].title", json!(["Sword"])),
        ("$..book[2:].title", json!(["Moby", "Lord"])),
        ("$..book[?(@.isbn)].title", json!(["Moby", "Lord"])),
        ("$.store.book[?(@.price < 10)].title", json!(["Sayings", "Moby"])),
        ("$..book[?(@.price <= $.expensive)].title", json!(["Sayings", "Moby"])),
        ("$..book[?(@.author =~ /.*rees/i)].title", json!(["Sayings"])),
        ("$..book.length()", json!(4)),
        ("$.store.book.length()", json!(4)),
        ("$.store.book[?(@.price > vars.max && @.category == 'fiction')].title", json!(["Sword", "Lord"])),
        ("$.store.book[?(@.category in ['reference'])].title", json!(["Sayings"])),
        ("$['store']['bicycle']['color']", json!("red")),
        ("store.bicycle.color", json!("red")),
        ("$.store.book.[0].title", json!("Sayings")),
        ("$.store.book[*].price.max()", json!(22.99)),
        ("$.store.book[9].title", Json::Null),
    ] {
        assert_eq!(eval(path).unwrap_or(Json::Null), expected, "{path}");
    }
    assert_eq!(eval("$.store.missing"), None);
}

#[test]
fn places_can_be_changed() {
    let mut root = store();
    let path = JsonPath::compile("$.store.book[?(@.isbn)].price").unwrap();
    for place in path.locate(&root.clone(), &mut Nothing).unwrap() {
        *at_mut(&mut root, &place).unwrap() = json!(1);
    }
    assert_eq!(eval("$.store.book[3].price").unwrap(), json!(22.99));
    assert_eq!(root["store"]["book"][3]["price"], json!(1));
    assert_eq!(root["store"]["book"][0]["price"], json!(8.95));
}

#[test]
fn faults_name_the_place() {
    for (path, at) in [("$.a[", 4), ("$.", 2), ("$.a..", 5), ("$.a[?(@.b ==)]", 12), ("$.a.nope()", 8), ("$.a]", 3)] {
        assert_eq!(JsonPath::compile(path).unwrap_err().at, at, "{path}");
    }
    assert!(JsonPath::compile(&format!("$[?({}@.a)]", "!(".repeat(500))).is_err());
}
