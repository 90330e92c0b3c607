use super::Ruleset;
use serde_json::{Value, json};

fn rules(text: &str) -> Ruleset {
    Ruleset::parse(text.as_bytes()).unwrap_or_else(|faults| panic!("{faults:?}\n{text}"))
}

fn rule(given: &str, then: &str) -> String {
    format!("rules:\n  r:\n    severity: error\n    given: {given}\n    then:\n{then}\n")
}

/// Paths of the violations of a single rule.
fn violated(text: &str, document: &Value) -> Vec<String> {
    let verdict = rules(text).judge(document).unwrap();
    let violations = verdict.violated.iter().flat_map(|rule| rule["violations"].as_array().unwrap());
    violations.map(|violation| violation["path"].as_str().unwrap().to_owned()).collect()
}

fn definition() -> Value {
    json!({
        "info": {"title": "Pizza", "contact": {}},
        "paths": {
            "/menu": {"get": {"summary": "Menu", "parameters": [{"name": "q", "in": "query"}, {"$ref": "#/components/parameters/Size"}]},
                      "x-internal": true},
            "/Orders/": {"post": {"summary": "", "responses": {"200": {}}}},
        },
        "components": {"parameters": {"Size": {"name": "size", "in": "path", "schema": {"type": "integer"}}},
                       "schemas": {"Node": {"properties": {"next": {"$ref": "#/components/schemas/Node"}}}}},
        "servers": [{"url": "https://a.example"}, {"url": "http://b.example"}],
    })
}

#[test]
fn paths_find_what_spectral_finds() {
    let truthy = "      function: falsy";
    for (given, found) in [
        ("$.info.title", vec!["info.title"]),
        ("$.servers[*].url", vec!["servers.0.url", "servers.1.url"]),
        ("$.servers[1].url", vec!["servers.1.url"]),
        ("$.servers[-1].url", vec!["servers.1.url"]),
        ("$.paths[*][get,post].summary", vec!["paths./menu.get.summary"]),
        ("$.paths['/menu'].get.summary", vec!["paths./menu.get.summary"]),
        ("$.paths[*]~", vec!["paths./menu", "paths./Orders/"]),
        ("$.paths[?(@property.match(/^\\/[A-Z]/))]", vec!["paths./Orders/"]),
        ("$.paths[*][?(@property === 'get' || @property == 'put')].summary", vec!["paths./menu.get.summary"]),
        ("$.paths..parameters[?(@.in == 'path' && @.schema.type == 'integer')]", vec!["paths./menu.get.parameters.1"]),
        ("$.paths..parameters[?(!@.schema)]", vec!["paths./menu.get.parameters.0"]),
        ("$.paths..parameters[?(@.name.length > 1)]", vec!["paths./menu.get.parameters.1"]),
        ("$..url", vec!["servers.0.url", "servers.1.url"]),
        ("$.nothing.here[*]", vec![]),
    ] {
        assert_eq!(violated(&rule(&format!("{given:?}"), truthy), &definition()), found, "{given}");
    }
}

#[test]
fn functions_judge_as_spectral_does() {
    let document = json!({"text": "camelCase", "empty": "", "list": ["b", "a"], "number": 7, "object": {"one": 1, "Two": 2},
                          "typed": {"type": "string", "enum": ["a", 3]}});
    for (field, function, options, wrong) in [
        ("empty", "truthy", "", true),
        ("text", "truthy", "", false),
        ("missing", "truthy", "", true),
        ("missing", "defined", "", true),
        ("empty", "defined", "", false),
        ("text", "undefined", "", true),
        ("missing", "falsy", "", false),
        ("text", "length", "{max: 3}", true),
        ("list", "length", "{min: 2, max: 2}", false),
        ("number", "length", "{min: 8}", true),
        ("missing", "length", "{min: 8}", false),
        ("text", "pattern", "{match: '^[a-z]+$'}", true),
        ("text", "pattern", "{match: '/^[a-z]+$/i'}", false),
        ("text", "pattern", "{notMatch: Case}", true),
        ("number", "enumeration", "{values: [6, 7]}", false),
        ("text", "enumeration", "{values: [kebab]}", true),
        ("text", "casing", "{type: camel}", false),
        ("text", "casing", "{type: kebab}", true),
        ("text", "casing", "{type: pascal}", true),
        ("list", "alphabetical", "", true),
        ("object", "schema", "{schema: {type: object, required: [three]}}", true),
        ("object", "schema", "{schema: {type: object, required: [one]}}", false),
        ("object", "xor", "{properties: [one, Two]}", true),
        ("object", "or", "{properties: [three, one]}", false),
        ("object", "or", "{properties: [three]}", true),
        ("typed", "typedEnum", "", true),
    ] {
        let options = if options.is_empty() { String::new() } else { format!("\n      functionOptions: {options}") };
        let text = rule("$", &format!("      field: {field}\n      function: {function}{options}"));
        assert_eq!(!violated(&text, &document).is_empty(), wrong, "{text}");
    }
    let keys = rule("$.object", "      field: '@key'\n      function: casing\n      functionOptions: {type: flat}");
    assert_eq!(violated(&keys, &document), ["object.Two"]);
    let nested = rule("$", "      field: object.one\n      function: truthy");
    assert!(violated(&nested, &document).is_empty());
}

#[test]
fn a_ruleset_with_a_mistake_is_refused_with_every_mistake() {
    let bad = "extends: spectral:oas\nfunctions: [own]\nrules:\n  a: {given: $.info, then: {function: truthy, functionOptions: {min: 10}}}\n  \
               b: {given: info, then: {function: truthy}}\n  c: {given: $, then: {function: fly}}\n  d: {given: $}\n  \
               e: {given: $, severity: loud, then: {function: truthy}}\n  f: {given: '#Nowhere.x', then: {function: truthy}}\n  \
               g: {given: $, then: {function: pattern, functionOptions: {match: '(?=x)'}}}\n  h: {given: '$.a[(@.length-1)]', then: {function: truthy}}\n  \
               i: {given: $, then: {function: length}}\n  j: {given: $, then: {function: truthy}, surprise: 1}\n";
    let faults = Ruleset::parse(bad.as_bytes()).unwrap_err();
    for (fault, part) in faults.iter().zip([
        "extends",
        "functions",
        "rules.a: the function truthy has no option min",
        "begins with $",
        "fly is not known",
        "then",
        "severity",
        "alias",
        "pattern",
        "not understood",
        "min, max",
        "no field surprise",
    ]) {
        assert!(fault.contains(part), "{fault:?} does not say {part:?}");
    }
    assert_eq!(faults.len(), 12, "{faults:#?}");
    for text in ["", "rules: {}", "rules: []", "[1", "a: &a [*a]", "rules:\n\t- x"] {
        assert!(Ruleset::parse(text.as_bytes()).is_err(), "{text:?}");
    }
}

#[test]
fn rules_that_are_off_say_nothing_and_messages_are_filled_in() {
    let text = "rules:\n  off: {given: $, severity: off, then: {field: x, function: truthy}}\n  told:\n    given: $.info\n    \
                message: '{{property}} of {{path}}: {{error}}'\n    then: {field: license, function: truthy}\n";
    let verdict = rules(text).judge(&definition()).unwrap();
    assert_eq!(verdict.violated.len(), 1);
    let told = &verdict.violated[0];
    assert_eq!((&told["severity"], &told["name"]), (&json!("WARN"), &json!("told")));
    assert_eq!(told["violations"][0]["message"], "license of info.license: it must be there and not be empty");
}

/// A rule that looks everywhere from everywhere, and a definition whose references go round.
#[test]
fn no_rule_keeps_a_server_busy() {
    let wide: Value = (0..60).map(|n| json!({"n": n, "list": (0..60).collect::<Vec<i32>>()})).collect();
    let text = rule("$..[*]..[*]..[*]..[*]..[*]", "      function: truthy");
    let started = std::time::Instant::now();
    let outcome = rules(&text).judge(&json!({"a": wide, "b": {"$ref": "#/a"}, "c": {"$ref": "#/c"}}));
    assert!(outcome.is_err() || started.elapsed().as_secs() < 20);
    let round = rule("$.components.schemas.Node.properties.next.properties.next.properties", "      function: falsy");
    assert_eq!(violated(&round, &definition()).len(), 1);
    assert!(violated(&rule("$.c.x.y", "      function: falsy"), &json!({"c": {"$ref": "#/c"}})).is_empty());
}
