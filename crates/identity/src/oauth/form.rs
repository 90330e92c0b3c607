//! Parameters of OAuth requests: from a form body or a query, each at most once.

use std::collections::BTreeMap;

use model::Secret;
use web::Call;

use super::error::OAuthError;

/// Most parameters of one request.
const MAX_PARAMETERS: usize = 100;

/// The parameters of a request. An empty one counts as absent (RFC 6749 section 3.1).
pub(crate) struct Form {
    single: BTreeMap<String, Secret<String>>,
    /// `resource` may be sent several times (RFC 8707 section 2).
    resources: Vec<String>,
}

impl Form {
    /// From a form body.
    ///
    /// # Errors
    /// `invalid_request` for another media type or a repeated parameter.
    pub(crate) fn of_body(call: &Call) -> Result<Self, OAuthError> {
        let kind = call.header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(OAuthError::invalid_request("Send the parameters as application/x-www-form-urlencoded."));
        }
        Self::of_pairs(call.form())
    }

    /// From pairs of names and values.
    ///
    /// # Errors
    /// `invalid_request` for a repeated parameter.
    pub(crate) fn of_pairs(pairs: Vec<(String, String)>) -> Result<Self, OAuthError> {
        if pairs.len() > MAX_PARAMETERS {
            return Err(OAuthError::invalid_request(format!("A request has at most {MAX_PARAMETERS} parameters.")));
        }
        let mut form = Self { single: BTreeMap::new(), resources: Vec::new() };
        for (name, value) in pairs {
            if name == "resource" {
                form.resources.push(value);
            } else if form.single.insert(name.clone(), Secret::new(value)).is_some() {
                let shown: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
                return Err(OAuthError::invalid_request(format!("The parameter {shown} is sent more than once.")));
            }
        }
        Ok(form)
    }

    /// A parameter that is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.single.get(name).map(|v| v.expose().as_str()).filter(|v| !v.is_empty())
    }

    /// A parameter that must be there.
    ///
    /// # Errors
    /// `invalid_request` naming it.
    pub(crate) fn need(&self, name: &str) -> Result<&str, OAuthError> {
        self.get(name).ok_or_else(|| OAuthError::missing(name))
    }

    /// The values of `resource`, checked to be absolute addresses without fragment (RFC 8707 section 2).
    ///
    /// # Errors
    /// `invalid_target`.
    pub(crate) fn resources(&self) -> Result<Vec<String>, OAuthError> {
        let fits = |text: &&String| {
            let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
            let mut letters = scheme.chars();
            letters.next().is_some_and(|c| c.is_ascii_alphabetic())
                && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
                && text.len() <= 512
                && text.chars().all(|c| c.is_ascii_graphic() && c != '#')
        };
        let given: Vec<&String> = self.resources.iter().filter(|r| !r.is_empty()).collect();
        if given.len() > 10 || !given.iter().all(fits) {
            let text = "A resource is an absolute URI without a fragment, at most 10 of them.";
            return Err(OAuthError::bad("invalid_target", text));
        }
        Ok(given.into_iter().cloned().collect())
    }

    /// Every parameter but those named, for keeping a pushed request.
    pub(crate) fn without(&self, left_out: &[&str]) -> Vec<(String, String)> {
        let single = self.single.iter().filter(|(name, _)| !left_out.contains(&name.as_str()));
        let mut pairs: Vec<_> = single.map(|(name, value)| (name.clone(), value.expose().clone())).collect();
        pairs.extend(self.resources.iter().map(|r| ("resource".to_owned(), r.clone())));
        pairs
    }
}
