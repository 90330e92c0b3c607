use super::*;

fn message(content_type: &str, text: &str) -> Message {
    let mut headers = Headers::new();
    headers.set("Content-Type", content_type);
    Message::raw(headers, Bytes::from(text.to_owned()))
}

#[test]
fn nobody_looked_so_nothing_changed() {
    let text = "<a  b = '1' ><!-- x --></a >";
    let mut message = message("application/xml; charset=UTF-8", text);
    let rendered = message.render("application/xml").unwrap();
    assert_eq!(rendered.bytes, text.as_bytes());
    assert_eq!(rendered.content_type.as_deref(), Some("application/xml; charset=UTF-8"));
}

#[test]
fn json_becomes_xml_and_xml_json() {
    let mut from_json = message("application/json", r#"{"a":{"b":1}}"#);
    let rendered = from_json.render("application/xml").unwrap();
    assert_eq!(rendered.bytes, "<jsonObject><a><b>1</b></a></jsonObject>");
    let mut from_xml = message("text/xml", "<a><b>1</b></a>");
    assert_eq!(from_xml.render("application/json").unwrap().bytes, r#"{"a":{"b":1}}"#);
    assert!(from_xml.render("text/xml").unwrap().bytes.starts_with(b"<soapenv:Envelope"));
}

#[test]
fn soap_versions_are_converted() {
    let soap12 = "<e:Envelope xmlns:e='http://www.w3.org/2003/05/soap-envelope'><e:Body><a/></e:Body></e:Envelope>";
    let mut message = message("application/soap+xml", soap12);
    let text = message.render("text/xml").unwrap().bytes;
    assert!(String::from_utf8_lossy(&text).contains("http://schemas.xmlsoap.org/soap/envelope/"));
    assert!(!String::from_utf8_lossy(&text).contains("2003/05"));
}

#[test]
fn lies_about_the_content_type_are_errors() {
    assert!(message("application/json", "<a/>").json().is_err());
    assert!(message("text/xml", "{}").envelope().is_err());
    assert!(message("application/xml", "<!DOCTYPE a><a/>").envelope().is_err());
}

#[test]
fn forms_are_read_and_written() {
    let mut form = message("application/x-www-form-urlencoded", "a=1+2&b=%26&9x=no&c");
    assert_eq!(form.json().unwrap().to_string(), r#"{"xformValues":{"a":"1 2","b":"&","c":null}}"#);
    assert_eq!(form.render("application/json").unwrap().bytes, r#"{"xformValues":{"a":"1 2","b":"&","c":null}}"#);
}

#[test]
fn headers_compare_without_case() {
    let mut headers = Headers::new();
    headers.add("X-A", "1");
    headers.add("x-a", "2");
    headers.set("X-a", "3");
    assert_eq!(headers.iter().collect::<Vec<_>>(), [("X-A", "3")]);
    headers.remove("x-A");
    assert!(headers.get("X-A").is_none());
}
