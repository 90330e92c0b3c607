//! The request that a filled-in form stands for.

use web::RestError;

use super::operation::{Operation, Place};
use super::snippet::{HeaderValue, Request};

/// Headers that are the connection's, the browser's or the gateway's own business.
const OWN: [&str; 14] = [
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "upgrade",
    "te",
    "trailer",
    "proxy-authorization",
    "proxy-connection",
    "cookie",
    "expect",
    "forwarded",
    "authorization",
];

/// What was filled in, by place and name.
pub(super) type Values<'a> = &'a dyn Fn(Place, &str) -> Option<String>;

/// Puts a call together. `base` is the API's address at a gateway, without a slash at its end.
///
/// # Errors
/// The field that has to be changed, with the reason.
pub(super) fn request(
    base: &str,
    operation: &Operation,
    values: Values<'_>,
    body: &str,
) -> Result<Request, (String, String)> {
    let mut path = operation.target.trim_end_matches("/*").to_owned();
    let mut query = form_urlencoded::Serializer::new(String::new());
    let mut form = form_urlencoded::Serializer::new(String::new());
    let mut headers: Vec<(String, HeaderValue)> = Vec::new();
    let (mut has_query, mut has_form) = (false, false);
    for parameter in &operation.parameters {
        let value = values(parameter.place, &parameter.name).unwrap_or_default();
        let field = field_name(parameter.place, &parameter.name);
        if value.is_empty() {
            if parameter.required {
                return Err((field, format!("{} is needed.", parameter.name)));
            }
            continue;
        }
        match parameter.place {
            Place::Path => path = path.replace(&format!("{{{}}}", parameter.name), &segment(&value, &field)?),
            Place::Query => {
                has_query = true;
                query.append_pair(&parameter.name, &value);
            }
            Place::Form => {
                has_form = true;
                form.append_pair(&parameter.name, &value);
            }
            Place::Header => headers.push((parameter.name.clone(), header(&parameter.name, value, field)?)),
        }
    }
    let mut url = format!("{base}{path}");
    if has_query {
        url = format!("{url}?{}", query.finish());
    }
    let body = if has_form { form.finish() } else { body.to_owned() };
    if !body.is_empty() {
        let declared = operation.body.as_ref().map(|b| b.media_type.as_str());
        let media_type =
            if has_form { "application/x-www-form-urlencoded" } else { declared.unwrap_or("application/json") };
        headers.push(("Content-Type".to_owned(), HeaderValue::Text(media_type.to_owned())));
    }
    Ok(Request { method: operation.verb.clone(), url, headers, body })
}

/// The name of a parameter's field in the form.
pub(super) fn field_name(place: Place, name: &str) -> String {
    format!("{}.{name}", place.key())
}

/// A value as one segment of a path. Encoding keeps it from being more than one, but dots mean something by themselves.
fn segment(value: &str, field: &str) -> Result<String, (String, String)> {
    if matches!(value, "." | "..") {
        return Err((field.to_owned(), "Dots alone name another folder.".to_owned()));
    }
    let mut out = String::new();
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(out)
}

fn header(name: &str, value: String, field: String) -> Result<HeaderValue, (String, String)> {
    let is_name = http::HeaderName::from_bytes(name.as_bytes()).is_ok();
    if !is_name || OWN.contains(&name.to_ascii_lowercase().as_str()) {
        return Err((field, format!("{name} cannot be set here.")));
    }
    if http::HeaderValue::from_str(&value).is_err() {
        return Err((field, "A header takes printable characters only.".to_owned()));
    }
    Ok(HeaderValue::Text(value))
}

/// The request as the client sends it, with the secrets in place of their variables.
///
/// # Errors
/// 400 when it is no request, which [`request`] has seen to as far as a person can change it.
pub(super) fn real(request: &Request, secrets: &[(&str, &str)]) -> Result<http::Request<Vec<u8>>, RestError> {
    let wrong = |e: http::Error| RestError::bad_request(format!("The call cannot be made: {e}."));
    let mut made = http::Request::builder().method(request.method.as_str()).uri(request.url.as_str());
    for (name, value) in &request.headers {
        let text = match value {
            HeaderValue::Text(text) => text.clone(),
            HeaderValue::Secret(before, variable) => {
                let secret = secrets.iter().find(|(known, _)| known == variable).map_or("", |(_, secret)| secret);
                format!("{before}{secret}")
            }
        };
        made = made.header(name.as_str(), text);
    }
    made.body(request.body.clone().into_bytes()).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::super::operation::all;
    use super::{Place, real, request};
    use serde_json::json;

    fn build(values: &[(Place, &str, &str)]) -> Result<http::Request<Vec<u8>>, String> {
        let document = json!({"paths": {"/orders/{id}": {"get": {"parameters": [
            {"name": "size", "in": "query"},
            {"name": "X-Trace", "in": "header"},
            {"name": "Host", "in": "header"},
        ]}}}});
        let operation = all(&document).remove(0);
        let given = |place: Place, name: &str| {
            values.iter().find(|(p, n, _)| (*p, *n) == (place, name)).map(|(_, _, value)| (*value).to_owned())
        };
        let made = request("https://gw/pizza/1.0.0", &operation, &given, "")
            .map_err(|(field, text)| format!("{field}: {text}"))?;
        real(&made, &[]).map_err(|e| e.description)
    }

    #[test]
    fn a_form_becomes_a_request_below_the_api_and_nowhere_else() {
        let id = (Place::Path, "id");
        let made = build(&[(id.0, id.1, "a b/../../admin?x#y%"), (Place::Query, "size", "l&x=1")]).unwrap();
        assert_eq!(made.uri(), "https://gw/pizza/1.0.0/orders/a%20b%2F..%2F..%2Fadmin%3Fx%23y%25?size=l%26x%3D1");
        for (values, fault) in [
            (vec![], "path.id: id is needed."),
            (vec![(id.0, id.1, "..")], "path.id: Dots alone name another folder."),
            (vec![(id.0, id.1, "1"), (Place::Header, "X-Trace", "a\r\nHost: evil")], "header.X-Trace: A header takes"),
            (vec![(id.0, id.1, "1"), (Place::Header, "Host", "evil")], "header.Host: Host cannot be set here."),
        ] {
            let refused = build(&values).unwrap_err();
            assert!(refused.starts_with(fault), "{refused}");
        }
    }
}
