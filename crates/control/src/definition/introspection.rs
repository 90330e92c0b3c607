//! GraphQL schemas that a server tells by introspection, written as SDL.

use serde_json::Value;

/// What is asked; enough to write the schema again.
pub(crate) const QUERY: &str = "query IntrospectionQuery { __schema { \
    queryType { name } mutationType { name } subscriptionType { name } \
    types { kind name fields(includeDeprecated: true) { name args { name defaultValue type { ...T } } type { ...T } } \
    inputFields { name defaultValue type { ...T } } interfaces { name } enumValues(includeDeprecated: true) { name } \
    possibleTypes { name } } } } \
    fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name \
    ofType { kind name ofType { kind name ofType { kind name } } } } } } } }";

/// Deepest type of lists and non-null marks; the query asks for no more.
const MAX_WRAPPERS: usize = 8;
/// Scalars that every schema has.
const BUILT_IN: [&str; 5] = ["Int", "Float", "String", "Boolean", "ID"];

/// The SDL of an answer to [`QUERY`].
///
/// # Errors
/// What the answer lacks. The text is not checked further: whoever uses it parses it.
pub(crate) fn sdl(answer: &Value) -> Result<String, String> {
    let schema = answer.pointer("/data/__schema").ok_or_else(|| told(answer))?;
    let mut out = String::new();
    let mut roots = String::new();
    for (field, keyword) in [("queryType", "query"), ("mutationType", "mutation"), ("subscriptionType", "subscription")]
    {
        if let Some(name) = schema.get(field).and_then(|root| root.get("name")) {
            roots.push_str(&format!("  {keyword}: {}\n", name_of(name)?));
        }
    }
    out.push_str(&format!("schema {{\n{roots}}}\n"));
    for kind in list(schema, "types") {
        let name = name_of(kind.get("name").unwrap_or(&Value::Null))?;
        if !name.starts_with("__") && !BUILT_IN.contains(&name) {
            out.push('\n');
            write_type(&mut out, kind, name)?;
        }
    }
    Ok(out)
}

/// Why there is no schema in the answer, in the server's own words where it has some.
fn told(answer: &Value) -> String {
    let said = answer.pointer("/errors/0/message").and_then(Value::as_str);
    let said = said.map(|said| said.chars().filter(|c| !c.is_control()).take(200).collect::<String>());
    match said {
        Some(said) => format!("the server refused introspection: {said}"),
        None => "the answer holds no schema; the server may have introspection switched off".to_owned(),
    }
}

fn write_type(out: &mut String, kind: &Value, name: &str) -> Result<(), String> {
    match kind.get("kind").and_then(Value::as_str).unwrap_or_default() {
        "SCALAR" => out.push_str(&format!("scalar {name}\n")),
        "UNION" => out.push_str(&format!("union {name} = {}\n", names(kind, "possibleTypes", " | ")?)),
        "ENUM" => {
            let values = names(kind, "enumValues", "\n  ")?;
            out.push_str(&format!("enum {name} {{\n  {values}\n}}\n"));
        }
        "INPUT_OBJECT" => {
            out.push_str(&format!("input {name} {{\n"));
            for field in list(kind, "inputFields") {
                out.push_str(&format!("  {}\n", input(field)?));
            }
            out.push_str("}\n");
        }
        shape @ ("OBJECT" | "INTERFACE") => {
            let keyword = if shape == "OBJECT" { "type" } else { "interface" };
            let interfaces = names(kind, "interfaces", " & ")?;
            let interfaces = if interfaces.is_empty() { interfaces } else { format!(" implements {interfaces}") };
            out.push_str(&format!("{keyword} {name}{interfaces} {{\n"));
            for field in list(kind, "fields") {
                let arguments: Vec<String> = list(field, "args").map(input).collect::<Result<_, _>>()?;
                let arguments =
                    if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) };
                let own = name_of(field.get("name").unwrap_or(&Value::Null))?;
                out.push_str(&format!("  {own}{arguments}: {}\n", reference(field.get("type"))?));
            }
            out.push_str("}\n");
        }
        other => return Err(format!("type {name} has the unknown kind {other:?}")),
    }
    Ok(())
}

/// An argument or a field of an input type. Default values are text of the server's, and only literals are taken over.
fn input(field: &Value) -> Result<String, String> {
    let name = name_of(field.get("name").unwrap_or(&Value::Null))?;
    let default = field.get("defaultValue").and_then(Value::as_str).filter(|text| !text.contains(['\n', '\r']));
    let default = default.map(|text| format!(" = {text}")).unwrap_or_default();
    Ok(format!("{name}: {}{default}", reference(field.get("type"))?))
}

/// A type with its list and non-null marks.
fn reference(kind: Option<&Value>) -> Result<String, String> {
    let mut wrappers = Vec::new();
    let mut kind = kind.unwrap_or(&Value::Null);
    loop {
        match kind.get("kind").and_then(Value::as_str) {
            Some(wrapper @ ("NON_NULL" | "LIST")) if wrappers.len() < MAX_WRAPPERS => wrappers.push(wrapper == "LIST"),
            _ => break,
        }
        kind = kind.get("ofType").unwrap_or(&Value::Null);
    }
    let mut text = name_of(kind.get("name").unwrap_or(&Value::Null))?.to_owned();
    for is_list in wrappers.iter().rev() {
        text = if *is_list { format!("[{text}]") } else { format!("{text}!") };
    }
    Ok(text)
}

fn list<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> {
    value.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default().iter()
}

fn names(value: &Value, field: &str, between: &str) -> Result<String, String> {
    let all: Vec<&str> =
        list(value, field).map(|one| name_of(one.get("name").unwrap_or(&Value::Null))).collect::<Result<_, _>>()?;
    Ok(all.join(between))
}

/// A name as GraphQL allows it: what a stranger's server sends must not become other text of the schema.
fn name_of(value: &Value) -> Result<&str, String> {
    let name = value.as_str().unwrap_or_default();
    let fits = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.len() <= 200
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if fits { Ok(name) } else { Err(format!("{name:?} is no name of GraphQL")) }
}

#[cfg(test)]
mod tests {
    use super::sdl;
    use crate::definition::graphql::GraphqlSchema;
    use serde_json::json;

    #[test]
    fn what_introspection_tells_becomes_a_schema() {
        let text = |kind: &str, name: &str| json!({"kind": kind, "name": name});
        let wrapped = |kind: &str, inner| json!({"kind": kind, "name": null, "ofType": inner});
        let answer = json!({"data": {"__schema": {
            "queryType": {"name": "Root"}, "mutationType": null, "subscriptionType": null,
            "types": [
                {"kind": "OBJECT", "name": "Root", "interfaces": [], "fields": [{
                    "name": "pizzas", "type": wrapped("NON_NULL", wrapped("LIST", wrapped("NON_NULL", text("OBJECT", "Pizza")))),
                    "args": [{"name": "limit", "defaultValue": "10", "type": text("SCALAR", "Int")}],
                }]},
                {"kind": "INTERFACE", "name": "Dish", "fields": [{"name": "name", "args": [], "type": text("SCALAR", "String")}]},
                {"kind": "OBJECT", "name": "Pizza", "interfaces": [{"name": "Dish"}],
                    "fields": [{"name": "name", "args": [], "type": text("SCALAR", "String")}]},
                {"kind": "ENUM", "name": "Size", "enumValues": [{"name": "SMALL"}, {"name": "LARGE"}]},
                {"kind": "UNION", "name": "Any", "possibleTypes": [{"name": "Pizza"}, {"name": "Root"}]},
                {"kind": "INPUT_OBJECT", "name": "Wish", "inputFields": [{"name": "size", "type": text("ENUM", "Size")}]},
                {"kind": "SCALAR", "name": "Date"}, {"kind": "SCALAR", "name": "String"}, {"kind": "OBJECT", "name": "__Type"},
            ],
        }}});
        let text = sdl(&answer).unwrap();
        for line in [
            "  query: Root",
            "  pizzas(limit: Int = 10): [Pizza!]!",
            "type Pizza implements Dish {",
            "union Any = Pizza | Root",
            "  size: Size",
            "scalar Date",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("__Type") && !text.contains("scalar String"));
        assert_eq!(GraphqlSchema::parse(&text).unwrap().operations(), [("pizzas".to_owned(), "QUERY")]);
    }

    #[test]
    fn an_answer_cannot_smuggle_text_into_the_schema() {
        let hostile = json!({"data": {"__schema": {"queryType": {"name": "Q { x: Int } type Y"}, "types": []}}});
        assert!(sdl(&hostile).unwrap_err().contains("is no name"));
        assert!(sdl(&json!({"errors": [{"message": "no\nway"}]})).unwrap_err().ends_with("noway"));
        assert!(sdl(&json!({"data": null})).unwrap_err().contains("switched off"));
        let deep =
            (0..50).fold(json!({"kind": "SCALAR", "name": "Int"}), |inner, _| json!({"kind": "LIST", "ofType": inner}));
        let answer = json!({"data": {"__schema": {"queryType": {"name": "Q"}, "types": [
            {"kind": "OBJECT", "name": "Q", "fields": [{"name": "x", "args": [], "type": deep}]}]}}});
        assert!(sdl(&answer).is_err());
    }
}
