//! Headers of every listener for requests whose answers are made in different places.

use guidelines::{Exchange, Observed};

use super::Site;

/// Name of the request, and its bytes. `{host}` is the authority.
const REQUESTS: &[(&str, &str)] = &[
    ("GET /", "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
    ("GET of an unknown path", "GET /nothing/here HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
    ("GET of a guarded path", "GET /api/am/publisher/v4/apis HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
    ("GET of an encoded NUL", "GET /%00 HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
    ("GET of an encoded slash", "GET /a%2f..%2fb HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
    ("OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
    ("TRACE", "TRACE / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
    ("an unknown method", "PROBE / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"),
    ("a wrong content length", "GET / HTTP/1.1\r\nHost: {host}\r\nContent-Length: x\r\nConnection: close\r\n\r\n"),
    ("no host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"),
    (
        "an empty token request",
        "POST /oauth2/token HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    ),
    ("nonsense", "nonsense\r\n\r\n"),
];

/// Those that are refused while they are read.
const MALFORMED: &[&str] = &["a wrong content length", "nonsense", LARGE_HEAD];

/// A head that is larger than any limit.
const LARGE_HEAD: &str = "a head of 70 kB";

/// What we are made of or compatible with. None may stand in a header.
const NAMES: &[&str] =
    &["portcullis", "wso2", "carbon", "hyper", "axum", "tokio", "rust", "synapse", "nginx", "apache"];

/// Fields whose values repeat what the configuration or the request says, or name documents.
const QUOTING: &[&str] = &["location", "www-authenticate", "content-security-policy", "link", "set-cookie"];

/// Paths below which names change with their content.
const HASHED: &str = "/assets/";

/// Crawls every listener: the fixed requests, and every public page.
pub(super) fn crawl(site: &Site) -> Observed<Vec<Exchange>> {
    let mut found = Vec::new();
    for door in site.doors() {
        let mut requests: Vec<(String, String)> =
            REQUESTS.iter().map(|(name, bytes)| ((*name).to_owned(), (*bytes).to_owned())).collect();
        // A large head, which is refused before anything is routed.
        let large =
            format!("GET / HTTP/1.1\r\nHost: {{host}}\r\nX-Large: {}\r\nConnection: close\r\n\r\n", "x".repeat(70_000));
        requests.push((LARGE_HEAD.to_owned(), large));
        let pages = pages().into_iter().filter(|_| door.name == "management");
        requests.extend(pages.map(|path| {
            (
                format!("GET {path}"),
                format!("GET {path} HTTP/1.1\r\nHost: {{host}}\r\nAccept: text/html\r\nConnection: close\r\n\r\n"),
            )
        }));
        for (name, bytes) in requests {
            match door.request(&bytes) {
                Ok(answer) => {
                    let immutable = name.contains(HASHED) && answer.status == Some(200);
                    let malformed = MALFORMED.contains(&name.as_str());
                    found.push(Exchange {
                        place: door.place(),
                        product_names: names(&answer.headers),
                        request: name,
                        status: answer.status,
                        headers: answer.headers,
                        immutable,
                        malformed,
                    });
                }
                // A connection that is cut shows no header, which is as good; one that cannot be made shows nothing.
                Err(why) if why.contains("certificate") => {
                    return Observed::unknown(
                        format!("{}: {why}", door.place()),
                        "a certificate that this machine trusts",
                    );
                }
                Err(_) => {}
            }
        }
    }
    if found.is_empty() {
        return Observed::unknown("no listener answered", "a running server");
    }
    Observed::Known(found)
}

/// Paths of operations that are meant for browsers and take no parameter.
fn pages() -> Vec<&'static str> {
    let all = crate::serve::operations();
    let plain = all.iter().filter(|o| o.listener == "console" && o.operation.method == "GET");
    let plain = plain.map(|o| o.operation.path).filter(|path| !path.contains('{') && !path.starts_with("/api/"));
    plain.collect()
}

/// Products that header fields name.
fn names(headers: &[(String, String)]) -> Vec<String> {
    let telling = headers.iter().filter(|(name, _)| !QUOTING.contains(&name.as_str()));
    let mut found = Vec::new();
    for (name, value) in telling {
        let lower = value.to_ascii_lowercase();
        let product = NAMES.iter().any(|product| lower.contains(product) || name.contains(product));
        if product || name == "x-powered-by" || (name == "server" && lower.chars().any(|c| c.is_ascii_digit())) {
            found.push(format!("{name}: {value}"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::names;

    #[test]
    fn products_and_versions_are_found_and_quotations_are_not() {
        let field = |name: &str, value: &str| vec![(name.to_owned(), value.to_owned())];
        assert_eq!(names(&field("server", "WSO2 Carbon Server")).len(), 1);
        assert_eq!(names(&field("server", "gate/2.1")).len(), 1);
        assert_eq!(names(&field("x-powered-by", "x")).len(), 1);
        assert!(names(&field("location", "https://wso2.example/")).is_empty());
        assert!(names(&field("server", "gate")).is_empty());
    }
}
