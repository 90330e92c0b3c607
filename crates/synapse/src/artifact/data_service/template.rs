//! Results that are described by a JSON document: `"$column"`, `"$column(type:integer)"`, `"@query": "$column->parameter"`.

use serde_json::{Map, Value as Json};

use super::{Column, DataCall, DataField, DataResult};

/// What WSO2's reader takes for JSON, as JSON: names without quotes get them, a comma before a closing bracket goes.
fn strict(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' => {
                out.push(c);
                while let Some(inside) = rest.next() {
                    out.push(inside);
                    match inside {
                        '\\' => out.extend(rest.next()),
                        '"' => break,
                        _ => {}
                    }
                }
            }
            '}' | ']' => {
                let kept = out.trim_end();
                if kept.ends_with(',') {
                    out.truncate(kept.len() - 1);
                }
                out.push(c);
            }
            c if c.is_alphabetic() || c == '_' || c == '$' => {
                let mut name = String::from(c);
                while let Some(more) = rest.next_if(|c| c.is_alphanumeric() || *c == '_' || *c == '$') {
                    name.push(more);
                }
                let mut ahead = rest.clone();
                while ahead.next_if(|c| c.is_whitespace()).is_some() {}
                if ahead.peek() == Some(&':') {
                    out.push_str(&Json::String(name).to_string());
                } else {
                    out.push_str(&name);
                }
            }
            c => out.push(c),
        }
    }
    out
}

/// Reads a template.
pub(super) fn compile(text: &str) -> Result<DataResult, String> {
    let json: Json = serde_json::from_str(text)
        .or_else(|error| serde_json::from_str(&strict(text)).map_err(|_| error))
        .map_err(|error| format!("the result is not JSON: {error}"))?;
    let Json::Object(top) = &json else { return Err("the result is not a JSON object".to_owned()) };
    let mut result = DataResult { json: true, ..DataResult::default() };
    let [(name, value)] = top.iter().collect::<Vec<_>>()[..] else {
        return Err("the result has more than one member at the top".to_owned());
    };
    // One member with a list or an object in it: the element around all rows, and the row.
    let inner = value.as_object().and_then(|members| match members.iter().collect::<Vec<_>>()[..] {
        [(row, inner)] if inner.is_array() || inner.is_object() => Some((row, inner)),
        _ => None,
    });
    let fields = match inner {
        Some((row, inner)) => {
            result.element.clone_from(name);
            result.row.clone_from(row);
            inner
        }
        None if value.is_array() => {
            result.row.clone_from(name);
            value
        }
        None => {
            result.element.clone_from(name);
            value
        }
    };
    let members = match fields {
        Json::Array(items) => {
            result.list = true;
            items.first().and_then(Json::as_object)
        }
        other => other.as_object(),
    };
    result.fields = read(members.ok_or("a row of the result is not an object")?)?;
    Ok(result)
}

fn read(members: &Map<String, Json>) -> Result<Vec<DataField>, String> {
    let mut fields = Vec::new();
    for (name, value) in members {
        match value {
            Json::String(text) if name.starts_with('@') => {
                let query = name.trim_start_matches('@').to_owned();
                let parameters = text.split(',').filter(|part| !part.trim().is_empty()).map(|part| {
                    let (from, to) =
                        part.split_once("->").ok_or_else(|| format!("{part:?} is not column->parameter"))?;
                    Ok((to.trim().to_owned(), from.trim().trim_start_matches('$').to_owned()))
                });
                let parameters = parameters.collect::<Result<_, String>>()?;
                fields.push(DataField::Query(DataCall { query, parameters }));
            }
            Json::String(text) => fields.push(DataField::Element(column(name, text)?)),
            Json::Object(inner) => fields.push(DataField::Nested(name.clone(), read(inner)?)),
            _ => return Err(format!("the member {name} is neither text nor an object")),
        }
    }
    Ok(fields)
}

fn column(name: &str, text: &str) -> Result<Column, String> {
    let rest = text.trim().strip_prefix('$').ok_or_else(|| format!("{name}: {text:?} does not begin with $"))?;
    let (from, options) = match rest.split_once('(') {
        Some((from, options)) => (from, options.trim_end_matches(')')),
        None => (rest, ""),
    };
    let mut column = Column { name: name.to_owned(), from: from.trim().to_owned(), ..Column::default() };
    "string".clone_into(&mut column.kind);
    for option in options.split(';').filter(|option| !option.trim().is_empty()) {
        let (key, value) = option.split_once(':').unwrap_or((option, ""));
        match key.trim() {
            "type" => value.trim().clone_into(&mut column.kind),
            "requiredRoles" => column.restricted = !value.trim().is_empty(),
            "optional" => column.is_optional = true,
            other => return Err(format!("{name}: the option {other} is not known")),
        }
    }
    Ok(column)
}

#[cfg(test)]
mod tests {
    use super::compile;
    use crate::artifact::data_service::DataField;

    #[test]
    fn rows_types_and_nested_queries() {
        let text = r#"{"Offices":{"Office":[{"code":"$officeCode(type:integer)","at":{"city":"$city"},"@staff":"$officeCode->office"}]}}"#;
        let result = compile(text).unwrap();
        assert_eq!((result.element.as_str(), result.row.as_str(), result.list), ("Offices", "Office", true));
        let [DataField::Element(code), DataField::Nested(at, _), DataField::Query(call)] = &result.fields[..] else {
            panic!("{:?}", result.fields)
        };
        assert_eq!((code.from.as_str(), code.kind.as_str(), at.as_str()), ("officeCode", "integer", "at"));
        assert_eq!(call.parameters, [("office".to_owned(), "officeCode".to_owned())]);
    }

    #[test]
    fn what_is_not_a_template_is_told() {
        for text in [
            "",
            "[]",
            "{\"a\":1}",
            "{\"a\":{\"b\":\"plain\"}}",
            "{\"a\":{},\"b\":{}}",
            "{\"a\":[{\"x\":\"$c(size:1)\"}]}",
        ] {
            assert!(compile(text).is_err(), "{text}");
        }
    }
}
