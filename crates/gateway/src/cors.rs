//! Cross-origin requests, answered as WSO2 does: the preflight by the gateway without a credential, other answers with
//! the origin added.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue};
use model::snapshot::Cors;

/// Why cross-origin settings are refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum CorsError {
    /// Guideline X07.
    #[error("CORS: \"*\" together with credentials lets every site act for the user; list the origins (guideline X07)")]
    WildcardWithCredentials,
    /// A text that a header cannot carry.
    #[error("CORS: \"{0}\" is not a valid header value")]
    Value(String),
}

/// Compiled settings: every header value is rendered once.
#[derive(Clone, Debug)]
pub(crate) struct CompiledCors {
    any_origin: bool,
    origins: Vec<HeaderValue>,
    credentials: bool,
    headers: HeaderValue,
    /// Which of the resource's own verbs are answered; empty means all of them.
    methods: Vec<Box<str>>,
    exposed: Option<HeaderValue>,
}

impl CompiledCors {
    /// Compiles the settings of an API.
    pub(crate) fn compile(cors: &Cors) -> Result<Self, CorsError> {
        let any_origin = cors.allow_origins.iter().any(|o| o == "*");
        if any_origin && cors.allow_credentials {
            return Err(CorsError::WildcardWithCredentials);
        }
        let value = |text: &str| HeaderValue::from_str(text).map_err(|_| CorsError::Value(text.to_owned()));
        let list = |texts: &[String]| value(&texts.join(","));
        Ok(Self {
            any_origin,
            origins: cors.allow_origins.iter().map(|o| value(o)).collect::<Result<_, _>>()?,
            credentials: cors.allow_credentials,
            headers: list(&cors.allow_headers)?,
            methods: cors.allow_methods.iter().map(|method| method.as_str().into()).collect(),
            exposed: if cors.expose_headers.is_empty() { None } else { Some(list(&cors.expose_headers)?) },
        })
    }

    /// Adds what an ordinary answer carries. What the upstream said about origins is replaced: two answers to the same
    /// question are none.
    pub(crate) fn decorate(&self, origin: &HeaderValue, headers: &mut HeaderMap) {
        for name in [ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_ALLOW_CREDENTIALS] {
            headers.remove(name);
        }
        if self.any_origin {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        } else {
            headers.append(VARY, HeaderValue::from_static("Origin"));
            if !self.origins.contains(origin) {
                return;
            }
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        }
        if self.credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
        if let Some(exposed) = &self.exposed {
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
        }
    }

    /// The resource's own verbs as far as the settings allow them, as WSO2 answers: a list of verbs that the resource
    /// does not have would tell a browser nothing.
    fn methods(&self, own: &HeaderValue) -> HeaderValue {
        if self.methods.is_empty() {
            return own.clone();
        }
        let allowed = |verb: &&str| self.methods.iter().any(|method| method.eq_ignore_ascii_case(verb));
        let verbs: Vec<&str> = own.to_str().unwrap_or_default().split(',').filter(allowed).collect();
        HeaderValue::try_from(verbs.join(",")).unwrap_or_else(|_| HeaderValue::from_static(""))
    }

    /// The headers of a preflight's answer. `own_methods` are the verbs of the resource.
    pub(crate) fn preflight(&self, request: &HeaderMap, own_methods: &HeaderValue) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Some(origin) = request.get(ORIGIN) {
            self.decorate(origin, &mut headers);
        }
        if headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, self.methods(own_methods));
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.headers.clone());
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::{CompiledCors, CorsError};
    use http::{HeaderMap, HeaderValue};
    use model::snapshot::Cors;

    fn cors(origin: &str, credentials: bool) -> Cors {
        Cors {
            allow_origins: vec![origin.into()],
            allow_credentials: credentials,
            allow_headers: vec!["authorization".into(), "X-Y".into()],
            allow_methods: Vec::new(),
            expose_headers: vec!["X-Z".into()],
        }
    }

    #[test]
    fn wildcard_never_meets_credentials() {
        assert_eq!(CompiledCors::compile(&cors("*", true)).err(), Some(CorsError::WildcardWithCredentials));
        assert!(CompiledCors::compile(&cors("a\r\nb", false)).is_err());
    }

    #[test]
    fn only_listed_origins_are_answered() {
        let compiled = CompiledCors::compile(&cors("http://good", true)).unwrap();
        let ask = |origin: &str| {
            let mut request = HeaderMap::new();
            request.insert("origin", origin.parse().unwrap());
            compiled.preflight(&request, &HeaderValue::from_static("GET"))
        };
        let good = ask("http://good");
        assert_eq!(good["access-control-allow-origin"], "http://good");
        assert_eq!(good["access-control-allow-credentials"], "true");
        assert_eq!(good["access-control-allow-methods"], "GET");
        assert_eq!(good["access-control-allow-headers"], "authorization,X-Y");
        for evil in ["http://good.evil", "http://goo", "null", "https://good", "http://GOOD"] {
            let headers = ask(evil);
            assert!(!headers.contains_key("access-control-allow-origin"), "{evil}");
            assert!(!headers.contains_key("access-control-allow-methods"), "{evil}");
        }
    }

    #[test]
    fn methods_are_the_resource_s_own_that_are_allowed() {
        for (allowed, own, expected) in [
            (&[][..], "GET,POST", "GET,POST"),
            (&["GET", "PUT", "POST", "DELETE"], "GET", "GET"),
            (&["put", "GET"], "POST,PUT", "PUT"),
            (&["GET"], "POST", ""),
        ] {
            let allow_methods = allowed.iter().map(|m| (*m).to_owned()).collect();
            let compiled = CompiledCors::compile(&Cors { allow_methods, ..cors("*", false) }).unwrap();
            let mut request = HeaderMap::new();
            request.insert("origin", "http://any".parse().unwrap());
            let headers = compiled.preflight(&request, &own.parse().unwrap());
            assert_eq!(headers["access-control-allow-methods"], expected, "{allowed:?} {own}");
        }
    }

    #[test]
    fn the_upstream_cannot_widen_the_answer() {
        let compiled = CompiledCors::compile(&cors("http://good", false)).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("access-control-allow-origin", "*".parse().unwrap());
        headers.insert("access-control-allow-credentials", "true".parse().unwrap());
        compiled.decorate(&HeaderValue::from_static("http://evil"), &mut headers);
        assert!(!headers.contains_key("access-control-allow-origin"));
        assert!(!headers.contains_key("access-control-allow-credentials"));
    }
}
