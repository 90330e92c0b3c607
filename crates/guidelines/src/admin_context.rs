//! Contexts that belong to administration (guideline N06).

/// First segments that no API may have, in lower case.
const RESERVED: &[&str] = &[
    "services",
    "carbon",
    "console",
    "publisher",
    "devportal",
    "admin",
    "management",
    "api",
    "oauth2",
    "scim2",
    "internal",
    "keymanager-operations",
    "t",
];

/// Those that are only reserved as a whole context: APIs below them are usual.
const WHOLE: &[&str] = &["api", "admin", "management", "console", "internal", "t", "publisher", "devportal"];

/// The administrative context that an API's context would open, if it does: compared without regard to case, after
/// percent-decoding and without path parameters, as a lenient server behind would read it.
pub fn admin_context(context: &str) -> Option<&'static str> {
    let decoded = decode(context).to_ascii_lowercase().replace('\\', "/");
    let segments = decoded.split('/').map(|segment| segment.split(';').next().unwrap_or_default().trim());
    let mut segments = segments.filter(|segment| !matches!(*segment, "" | "."));
    let first = segments.next()?;
    let reserved = RESERVED.iter().copied().find(|name| *name == first)?;
    (!WHOLE.contains(&reserved) || segments.next().is_none()).then_some(reserved)
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
