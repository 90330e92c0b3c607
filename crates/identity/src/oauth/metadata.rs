//! What a client registered beside grants and lifetimes (RFC 7591, RFC 8705, RFC 9126, RFC 9449).

use jose::{Algorithm, VerifyingKey};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::repository::client::ClientRow;

use crate::{Identity, IdentityError};

/// Most redirect URIs of one client.
const MAX_REDIRECTS: usize = 50;
/// Most keys of one client.
const MAX_KEYS: usize = 20;
/// Longest metadata, bytes.
const MAX_BYTES: usize = 64 * 1024;

/// How a client proves who it is (RFC 7591 section 2, RFC 8705 section 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthMethod {
    /// Secret in the `Authorization` header.
    ClientSecretBasic,
    /// Secret in the form.
    ClientSecretPost,
    /// A signed statement (RFC 7523).
    PrivateKeyJwt,
    /// A certificate of a trusted authority.
    TlsClientAuth,
    /// A certificate that is registered itself.
    SelfSignedTlsClientAuth,
    /// None: a public client, whose codes are bound to PKCE alone.
    None,
}

impl ClientAuthMethod {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::ClientSecretBasic,
        Self::ClientSecretPost,
        Self::PrivateKeyJwt,
        Self::TlsClientAuth,
        Self::SelfSignedTlsClientAuth,
        Self::None,
    ];

    /// What this server offers: certificates only where its listener asks for them.
    pub(crate) fn offered(identity: &Identity) -> Vec<Self> {
        let with_certificates = identity.settings().client_certificates;
        let allowed = |method: &Self| match method {
            Self::TlsClientAuth | Self::SelfSignedTlsClientAuth => with_certificates,
            _ => true,
        };
        Self::ALL.into_iter().filter(allowed).collect()
    }

    /// The registered name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::TlsClientAuth => "tls_client_auth",
            Self::SelfSignedTlsClientAuth => "self_signed_tls_client_auth",
            Self::None => "none",
        }
    }
}

/// Registered properties of a client. Members that are not here are not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientMetadata {
    /// Redirect URIs beside the callback, compared as they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<String>,
    /// Where the browser may be sent after signing out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub post_logout_redirect_uris: Vec<String>,
    /// How the client authenticates; without it by secret, in header or form.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_endpoint_auth_method: Option<ClientAuthMethod>,
    /// The client's public keys (RFC 7517).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks: Option<Value>,
    /// Where the client's public keys are published, instead of `jwks`: an `https` address (RFC 7591 section 2).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwks_uri: Option<String>,
    /// Subject of the client's certificate (RFC 4514), for `tls_client_auth`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_subject_dn: Option<String>,
    /// DNS name in the client's certificate, for `tls_client_auth`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls_client_auth_san_dns: Option<String>,
    /// Whether authorization requests must be pushed.
    pub require_pushed_authorization_requests: bool,
    /// Whether every token is bound to a DPoP key.
    pub dpop_bound_access_tokens: bool,
    /// Whether every token is bound to the client's certificate.
    pub tls_client_certificate_bound_access_tokens: bool,
}

impl ClientMetadata {
    /// Of a stored client.
    ///
    /// # Errors
    /// [`IdentityError::Internal`] when the store holds something else.
    pub(crate) fn of(client: &ClientRow) -> Result<Self, IdentityError> {
        serde_json::from_value(Value::Object(client.metadata.clone()))
            .map_err(|e| IdentityError::Internal(format!("metadata of the client {}: {e}", client.id)))
    }

    /// For the store, after a check.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] naming the member.
    pub(crate) fn to_stored(&self) -> Result<Map<String, Value>, IdentityError> {
        self.check()?;
        match serde_json::to_value(self) {
            Ok(Value::Object(members)) => Ok(members),
            _ => Err(IdentityError::Internal("client metadata is no object".into())),
        }
    }

    fn check(&self) -> Result<(), IdentityError> {
        let lists = [&self.redirect_uris, &self.post_logout_redirect_uris];
        if lists.iter().any(|list| list.len() > MAX_REDIRECTS) {
            return Err(IdentityError::invalid(format!("A client has at most {MAX_REDIRECTS} redirect URIs.")));
        }
        if let Some(wrong) = lists.iter().flat_map(|list| list.iter()).find(|uri| !is_redirect_uri(uri)) {
            let shown: String = wrong.chars().filter(|c| !c.is_control()).take(200).collect();
            return Err(IdentityError::invalid(format!(
                "{shown} cannot be a redirect URI: use https, http on a loopback address, or a scheme of your own with a dot in it, and no fragment."
            )));
        }
        let method = self.token_endpoint_auth_method;
        let keys = self.keys()?;
        if let Some(uri) = &self.jwks_uri {
            if self.jwks.is_some() {
                return Err(IdentityError::invalid("Send jwks or jwks_uri, not both."));
            }
            if !uri.starts_with("https://") || !is_redirect_uri(uri) {
                return Err(IdentityError::invalid("jwks_uri is an https address without user and fragment."));
            }
        }
        if method == Some(ClientAuthMethod::PrivateKeyJwt) && keys.is_empty() && self.jwks_uri.is_none() {
            return Err(IdentityError::invalid("private_key_jwt needs jwks with at least one key, or jwks_uri."));
        }
        if method == Some(ClientAuthMethod::SelfSignedTlsClientAuth) && self.certificates().is_empty() {
            return Err(IdentityError::invalid("self_signed_tls_client_auth needs jwks with a certificate in x5c."));
        }
        let names = [&self.tls_client_auth_subject_dn, &self.tls_client_auth_san_dns];
        if method == Some(ClientAuthMethod::TlsClientAuth) && names.iter().filter(|n| n.is_some()).count() != 1 {
            let text = "tls_client_auth needs tls_client_auth_subject_dn or tls_client_auth_san_dns, and not both.";
            return Err(IdentityError::invalid(text));
        }
        if serde_json::to_vec(self).map_or(usize::MAX, |bytes| bytes.len()) > MAX_BYTES {
            return Err(IdentityError::invalid(format!("The metadata of a client has at most {MAX_BYTES} bytes.")));
        }
        Ok(())
    }

    /// The keys that the client signs with.
    ///
    /// # Errors
    /// [`IdentityError::Invalid`] for a key that cannot be used.
    pub(crate) fn keys(&self) -> Result<Vec<VerifyingKey>, IdentityError> {
        let Some(jwks) = &self.jwks else { return Ok(Vec::new()) };
        let keys = jwks.get("keys").and_then(Value::as_array);
        let keys = keys.ok_or_else(|| IdentityError::invalid("jwks is an object with the list keys."))?;
        if keys.len() > MAX_KEYS {
            return Err(IdentityError::invalid(format!("A client has at most {MAX_KEYS} keys.")));
        }
        keys.iter().map(verifying_key).collect()
    }

    /// The certificates of the client's keys, DER in base64.
    pub(crate) fn certificates(&self) -> Vec<&str> {
        let keys = self.jwks.as_ref().and_then(|j| j.get("keys")).and_then(Value::as_array);
        keys.into_iter().flatten().filter_map(|key| key.get("x5c")?.get(0)?.as_str()).collect()
    }
}

/// A key of a set. Without `alg` the one that its type is used with.
pub(crate) fn verifying_key(jwk: &Value) -> Result<VerifyingKey, IdentityError> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let algorithm = match (text("alg"), text("kty")) {
        (Some(name), _) => Algorithm::from_name(name),
        (None, Some("RSA")) => Some(Algorithm::Rs256),
        (None, Some("EC")) => Some(Algorithm::Es256),
        (None, Some("OKP")) => Some(Algorithm::EdDsa),
        _ => None,
    };
    let text = "A key of jwks needs alg RS256, PS256, ES256 or EdDSA.";
    let algorithm = algorithm.ok_or_else(|| IdentityError::invalid(text))?;
    VerifyingKey::from_jwk_for(jwk, algorithm).map_err(|e| IdentityError::Invalid(format!("A key of jwks: {e}.")))
}

/// Whether a client is public: it registered without authentication, or as WSO2's portal says it.
pub(crate) fn is_public(client: &ClientRow, metadata: &ClientMetadata) -> bool {
    match metadata.token_endpoint_auth_method {
        Some(method) => method == ClientAuthMethod::None,
        None => client.extra.get("bypassClientCredentials").is_some_and(is_true),
    }
}

fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or_else(|| value.as_str() == Some("true"))
}

/// The redirect URIs of a client: those it registered, and its callback. WSO2 writes several callbacks as
/// `regexp=(https://a/x|https://b/y)`: each alternative is taken as it is, never as an expression.
pub(crate) fn redirect_uris(client: &ClientRow, metadata: &ClientMetadata) -> Vec<String> {
    let callback = client.callback.trim();
    let alternatives = match callback.strip_prefix("regexp=") {
        Some(expression) => {
            let bare = expression.strip_prefix('(').and_then(|e| e.strip_suffix(')')).unwrap_or(expression);
            bare.split('|').map(str::to_owned).collect()
        }
        None => callback.split(',').map(|uri| uri.trim().to_owned()).collect::<Vec<_>>(),
    };
    let all = alternatives.into_iter().chain(metadata.redirect_uris.iter().cloned());
    all.filter(|uri| is_redirect_uri(uri)).collect()
}

/// Whether a browser may be sent there: `https`, `http` to this machine, or a private scheme with a dot (RFC 8252
/// section 7.1); no fragment, no user information, nothing invisible.
pub(crate) fn is_redirect_uri(uri: &str) -> bool {
    if uri.len() > 2048 || !uri.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '#' | '\\' | '"' | '<' | '>')) {
        return false;
    }
    let Some((scheme, rest)) = uri.split_once(':') else { return false };
    let authority = rest.strip_prefix("//").map(|r| r.split(['/', '?']).next().unwrap_or_default());
    let host = |authority: &str| {
        let host = authority.rsplit_once(':').filter(|(_, port)| port.chars().all(|c| c.is_ascii_digit()));
        host.map_or(authority, |(host, _)| host).to_ascii_lowercase()
    };
    match (scheme, authority) {
        (_, Some(authority)) if authority.contains('@') => false,
        ("https", Some(authority)) => !host(authority).is_empty(),
        ("http", Some(authority)) => matches!(host(authority).as_str(), "localhost" | "127.0.0.1" | "[::1]"),
        ("https" | "http", None) => false,
        _ => scheme.contains('.') && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+')),
    }
}

#[cfg(test)]
mod tests {
    use super::{ClientAuthMethod, ClientMetadata, is_redirect_uri};
    use serde_json::json;

    #[test]
    fn redirect_uris_are_places_a_browser_may_go_to() {
        for good in
            ["https://a.example/cb?x=1", "http://localhost:8490/callback", "http://[::1]:1/", "com.example.app:/cb"]
        {
            assert!(is_redirect_uri(good), "{good}");
        }
        for bad in [
            "",
            "javascript:alert(1)",
            "data:text/html,x",
            "http://evil.example/",
            "http://localhost.evil.example/",
            "http://localhost@evil.example/",
            "https://user@host/",
            "https://",
            "https:host",
            "https://a.example/#x",
            "https://a.example/\\x",
            "https://a.example/ x",
            "https://a.example/\nx",
            "//a.example/",
            "/cb",
        ] {
            assert!(!is_redirect_uri(bad), "{bad}");
        }
    }

    #[test]
    fn what_cannot_work_is_refused_at_registration() {
        for wrong in [
            json!({"token_endpoint_auth_method": "private_key_jwt"}),
            json!({"token_endpoint_auth_method": "tls_client_auth"}),
            json!({"token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": {"keys": []}}),
            json!({"redirect_uris": ["javascript:alert(1)"]}),
            json!({"post_logout_redirect_uris": ["http://evil.example"]}),
            json!({"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}}),
            json!({"jwks": []}),
        ] {
            let metadata: ClientMetadata = serde_json::from_value(wrong.clone()).unwrap();
            assert!(metadata.to_stored().is_err(), "{wrong}");
        }
        assert!(
            serde_json::from_value::<ClientMetadata>(json!({"token_endpoint_auth_method": "client_secret_jwt"}))
                .is_err()
        );
        for method in ClientAuthMethod::ALL {
            assert_eq!(json!(method), json!(method.as_str()));
        }
    }
}
