//! Contexts that belong to administration (guideline N06).

/// Contexts of the product itself, or that an administrator expects to be closed from outside: no API may lie on or below
/// them. In lower case.
const CLOSED: &[&str] = &[
    "/.well-known",
    "/accountrecoveryendpoint",
    "/admin",
    "/api/am",
    "/api/identity",
    "/api/server",
    "/authenticationendpoint",
    "/carbon",
    "/client-registration",
    "/commonauth",
    "/console",
    "/devportal",
    "/health",
    "/internal",
    "/keymanager-operations",
    "/myaccount",
    "/oauth2",
    "/publisher",
    "/samlsso",
    "/scim2",
    "/services",
    "/t",
];

/// Those that are closed as a whole context only: APIs below them are usual.
const WHOLE: &[&str] = &["/api", "/management"];

/// The administrative context that an API's context would open, if it does: compared without regard to case, after
/// percent-decoding, without path parameters and without the prefix of a tenant (`/t/<domain>`), as a lenient server behind
/// would read it.
pub fn admin_context(context: &str) -> Option<&'static str> {
    let decoded = decode(context).to_lowercase().replace('\\', "/");
    let segments = decoded.split('/').map(|segment| segment.split(';').next().unwrap_or_default().trim());
    let segments: Vec<&str> = segments.filter(|segment| !matches!(*segment, "" | ".")).collect();
    let local = match segments.as_slice() {
        ["t", domain, rest @ ..] if domain.contains('.') => rest,
        all => all,
    };
    let path = local.iter().fold(String::new(), |path, segment| path + "/" + segment);
    let below = |closed: &str| path.strip_prefix(closed).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    CLOSED.iter().find(|closed| below(closed)).or_else(|| WHOLE.iter().find(|whole| path == **whole)).copied()
}

/// Percent-decoding, twice, because two servers in a row may each decode once.
fn decode(text: &str) -> String {
    let once = |text: &str| {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.as_bytes();
        while let Some((byte, after)) = rest.split_first() {
            let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
            match pair.filter(|_| *byte == b'%').and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
                Some(decoded) => {
                    bytes.push(decoded);
                    rest = after.get(2..).unwrap_or_default();
                }
                None => {
                    bytes.push(*byte);
                    rest = after;
                }
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    once(&once(text))
}

#[cfg(test)]
mod tests {
    use super::admin_context;

    #[test]
    fn spellings_of_administrative_contexts_are_found() {
        for bad in [
            "/services",
            "/services/x",
            "/Carbon/admin",
            "//carbon",
            "/./carbon",
            "/%63arbon",
            "/%2563arbon",
            "\\carbon",
            "/carbon;x=1/a",
            "/admin",
            "/oauth2/token",
            " /carbon",
            "/t/example.com/carbon/x",
            "/t/x",
            "/api",
            "/api/am/publisher",
            "/.well-known/x",
        ] {
            assert!(admin_context(bad).is_some(), "{bad}");
        }
        for good in
            ["/pizza", "/carbonara/1.0", "/service", "/api/pizza", "/my/services", "/", "", "/t/example.com/pizza"]
        {
            assert_eq!(admin_context(good), None, "{good}");
        }
    }
}
