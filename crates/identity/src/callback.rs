//! Which addresses recovery and self-registration may send people on to (guideline A25).
//!
//! WSO2 takes a regular expression and compares it with the text of a URL. Here the expression must be of a form that
//! says one host and a path, and it is compared with the parsed URL: an expression that matches any host, or a part of
//! a host, cannot be written.

use axum::http::Uri;

/// Longest URL, bytes.
const MAX_URL: usize = 2048;

/// Why a pattern cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{pattern:?} cannot be used: {reason}; write one host and a path, as in https://apps\\.example\\.com/.*")]
pub struct CallbackFault {
    pattern: String,
    reason: &'static str,
}

/// Addresses that are allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallbackPattern(Vec<Place>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    host: String,
    port: u16,
    path: String,
    /// Whatever follows the path is allowed too.
    open: bool,
}

impl CallbackPattern {
    /// Reads `https://host[:port]/path`, with `.*` at the end for everything below; alternatives with `|` between. `^`,
    /// `$` and `\.` may be written, and so may WSO2's `regexp=(..)`.
    ///
    /// # Errors
    /// [`CallbackFault`] with the reason.
    pub fn parse(pattern: &str) -> Result<Self, CallbackFault> {
        let fault = |reason| CallbackFault { pattern: pattern.to_owned(), reason };
        let inner = pattern.trim().strip_prefix("regexp=").unwrap_or(pattern.trim());
        let inner = inner.strip_prefix('(').and_then(|p| p.strip_suffix(')')).unwrap_or(inner);
        let places: Result<Vec<_>, _> = inner.split('|').map(|one| Place::parse(one).map_err(fault)).collect();
        Ok(Self(places?))
    }

    /// Whether a URL is one of these.
    pub fn allows(&self, url: &str) -> bool {
        let Some((host, port, path)) = parts(url) else { return false };
        self.0.iter().any(|place| place.host == host && place.port == port && place.allows(&path))
    }
}

impl Place {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.strip_prefix('^').unwrap_or(text);
        let text = text.strip_suffix('$').unwrap_or(text);
        let rest = text.strip_prefix("https://").ok_or("it does not begin with https://")?;
        let (authority, path) = rest.split_once('/').ok_or("the host must end with a slash")?;
        let authority = authority.replace("\\.", ".");
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| "the port is not a number")?),
            None => (authority.as_str(), 443),
        };
        let in_host = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.');
        let labels = host.split('.').all(|l| !l.is_empty() && !l.starts_with('-') && !l.ends_with('-'));
        if !labels || !host.chars().all(in_host) {
            return Err("the host must be one name in lower case");
        }
        let (path, open) = match path.strip_suffix(".*") {
            Some(path) => (path, true),
            None => (path, false),
        };
        let path = format!("/{}", path.replace("\\.", "."));
        let in_path = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~' | '/');
        if !path.chars().all(in_path) {
            return Err("the path may have letters, digits and - . _ ~ / only");
        }
        if open && !path.ends_with('/') {
            return Err("before .* there must be a slash");
        }
        Ok(Self { host: host.to_owned(), port, path, open })
    }

    fn allows(&self, path: &str) -> bool {
        if self.open { path.starts_with(&self.path) } else { path == self.path }
    }
}

/// Host, port and path of an https URL without anything that browsers and servers read differently.
fn parts(url: &str) -> Option<(String, u16, String)> {
    let plain = |b: u8| {
        b.is_ascii_graphic() && !matches!(b, b'\\' | b'"' | b'<' | b'>' | b'`' | b'^' | b'{' | b'|' | b'}' | b'#')
    };
    if url.len() > MAX_URL || !url.bytes().all(plain) {
        return None;
    }
    let uri: Uri = url.parse().ok()?;
    let authority = uri.authority()?;
    if uri.scheme_str() != Some("https") || authority.as_str().contains('@') {
        return None;
    }
    let port = match authority.port() {
        Some(port) => port.as_str().parse().ok()?,
        None => 443,
    };
    let path = uri.path();
    let lower = path.to_ascii_lowercase();
    let ambiguous = path.contains("//") || ["%2e", "%2f", "%5c", "%00", ";"].iter().any(|p| lower.contains(p));
    if ambiguous || path.split('/').any(|segment| matches!(segment, "." | "..")) {
        return None;
    }
    Some((authority.host().to_ascii_lowercase(), port, path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::CallbackPattern;

    #[test]
    fn patterns_that_could_mean_another_host_cannot_be_written() {
        for bad in [
            "",
            ".*",
            "^.*$",
            "https://.*",
            "https://.*/",
            "https?://a.example/.*",
            "http://a.example/.*",
            "https://a.example.*",
            "https://a.example",
            "https://.*\\.example/.*",
            "https://*.example/.*",
            "https://(a|b).example/.*",
            "https://a.example:.*/.*",
            "https://a.example/[a-z]+/.*",
            "a.example/.*",
            "https://user@a.example/.*",
            "https://A.example/.*",
            "https:///.*",
            "https://-a.example/.*",
            "https://a..example/.*",
            "https://a.example/x.*",
            "https://a.example/.*|.*",
            "https://ä.example/.*",
        ] {
            assert!(CallbackPattern::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_parsed_address_is_compared() {
        let pattern =
            CallbackPattern::parse("regexp=(https://apps\\.example\\.com/portal/.*|^https://b.example:8443/done$)")
                .unwrap();
        for good in [
            "https://apps.example.com/portal/",
            "https://apps.example.com/portal/a/b?c=d",
            "https://APPS.example.com:443/portal/x",
            "https://b.example:8443/done",
            "https://b.example:8443/done?x=https://evil.example/",
        ] {
            assert!(pattern.allows(good), "{good}");
        }
        for bad in [
            "https://apps.example.com/portal",
            "https://appsXexample.com/portal/",
            "https://apps.example.com.evil.example/portal/",
            "https://apps.example.com@evil.example/portal/",
            "https://evil.example/https://apps.example.com/portal/",
            "https://apps.example.com/portal/../admin",
            "https://apps.example.com/portal/%2e%2e/admin",
            "https://apps.example.com\\@evil.example/portal/",
            "https:\\\\apps.example.com/portal/",
            "//apps.example.com/portal/",
            "https://evil.example\\.apps.example.com/portal/",
            "https://evil.example/\nhttps://apps.example.com/portal/",
            "http://apps.example.com/portal/",
            "https://apps.example.com:8443/portal/",
            "javascript:https://apps.example.com/portal/",
            "https://xn--pps-gla.example.com/portal/",
            "https://аpps.example.com/portal/",
            "https://apps.example.com./portal/",
            "https://b.example:8443/done/",
            "https://b.example/done",
            "https://apps.example.com/portal/#https://evil.example",
            "",
            "https://sub.apps.example.com/portal/",
            "https://apps.example.com:443@evil.example/portal/",
            "https://[::1]/portal/",
        ] {
            assert!(!pattern.allows(bad), "{bad}");
        }
        assert!(!pattern.allows(&format!("https://apps.example.com/portal/{}", "a".repeat(3000))));
    }
}
