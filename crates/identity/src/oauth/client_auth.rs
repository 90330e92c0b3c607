//! Which client is asking, and how it proves that (RFC 6749 section 2.3, RFC 7523, RFC 8705).

use axum::http::header;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jose::{TokenKind, Verifier};
use model::{ConsumerKey, Secret};
use std::collections::BTreeSet;
use store::repository::client::{self as clients, ClientRow};
use web::{Call, Credentials};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate, X509Name};

use super::error::OAuthError;
use super::form::Form;
use super::metadata::{ClientAuthMethod, ClientMetadata, is_public};
use crate::{Identity, IdentityError, hash};

/// `client_assertion_type` of RFC 7523 section 2.2.
const JWT_ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Longest life of a client's assertion, seconds: how long its id is remembered. Libraries make them for an hour, some with a clock
/// that is ahead.
const MAX_ASSERTION_LIFE: i64 = 3660;

/// A client that has proved who it is, or is a public one.
pub(crate) struct ProvenClient {
    pub(crate) row: ClientRow,
    pub(crate) metadata: ClientMetadata,
    /// Whether it proved nothing, because it is public.
    pub(crate) public: bool,
}

/// What the request presents.
enum Presented {
    Secret { method: ClientAuthMethod, id: Vec<String>, secret: Vec<Secret<String>> },
    Assertion { id: Option<String>, assertion: String },
    Nothing { id: String },
}

/// SHA-256 of a certificate as `x5t#S256` writes it.
pub(crate) fn certificate_thumbprint(der: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der))
}

fn presented(call: &Call, form: &Form) -> Result<Presented, OAuthError> {
    let (id, secret, assertion) = (form.get("client_id"), form.get("client_secret"), form.get("client_assertion"));
    if call.headers.contains_key(header::AUTHORIZATION) {
        if secret.is_some() || assertion.is_some() {
            return Err(OAuthError::invalid_request("Authenticate by header or by form, not by both."));
        }
        let Some(Credentials::Basic { username, password }) = Credentials::from_headers(&call.headers) else {
            return Err(OAuthError::invalid_client());
        };
        // RFC 6749 section 2.3.1 has both encoded like form fields; clients that do not do so are as many.
        let ids = with_decoded(&username);
        if id.is_some_and(|named| !ids.iter().any(|i| i == named)) {
            return Err(OAuthError::invalid_request("The header and the form name different clients."));
        }
        let secret = with_decoded(password.expose()).into_iter().map(Secret::new).collect();
        return Ok(Presented::Secret { method: ClientAuthMethod::ClientSecretBasic, id: ids, secret });
    }
    match (id, secret, assertion) {
        (_, Some(_), Some(_)) => Err(OAuthError::invalid_request("Authenticate in one way, not in two.")),
        (Some(id), Some(secret), None) => Ok(Presented::Secret {
            method: ClientAuthMethod::ClientSecretPost,
            id: vec![id.to_owned()],
            secret: vec![Secret::new(secret.to_owned())],
        }),
        (id, None, Some(assertion)) if form.get("client_assertion_type") == Some(JWT_ASSERTION) => {
            Ok(Presented::Assertion { id: id.map(str::to_owned), assertion: assertion.to_owned() })
        }
        (Some(id), None, None) => Ok(Presented::Nothing { id: id.to_owned() }),
        _ => Err(OAuthError::invalid_client()),
    }
}

/// A text as it is, and decoded like a form field when that makes a difference.
fn with_decoded(text: &str) -> Vec<String> {
    let mut forms = vec![text.to_owned()];
    if text.contains(['%', '+']) {
        let pair = format!("x={text}");
        forms.extend(form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()));
    }
    forms
}

impl Identity {
    /// The client of a request.
    ///
    /// # Errors
    /// `invalid_client` for everything that does not prove it, `invalid_request` for two proofs at once.
    pub(crate) async fn proven_client(&self, call: &Call, form: &Form) -> Result<ProvenClient, OAuthError> {
        let client = match presented(call, form)? {
            Presented::Secret { method, id, secret } => self.by_secret(method, &id, &secret).await?,
            Presented::Assertion { id, assertion } => self.by_assertion(call, id.as_deref(), &assertion).await?,
            Presented::Nothing { id } => self.without_secret(call, &id).await?,
        };
        // A path that names a tenant is for the clients of that tenant, and for those that serve all.
        if let Some(domain) = &call.requested_tenant
            && !client.row.saas
            && self.find_tenant(domain.as_str()).await?.is_none_or(|t| t.tenant.id != client.row.tenant)
        {
            return Err(OAuthError::invalid_client());
        }
        Ok(client)
    }

    async fn by_secret(
        &self,
        method: ClientAuthMethod,
        ids: &[String],
        secrets: &[Secret<String>],
    ) -> Result<ProvenClient, OAuthError> {
        for id in ids {
            for secret in secrets {
                let Some(row) = self.authenticate_client(&ConsumerKey::new(id.as_str()), secret).await? else {
                    continue;
                };
                let metadata = ClientMetadata::of(&row)?;
                // A client that registered another way does not fall back to its secret.
                if metadata.token_endpoint_auth_method.is_none_or(|registered| registered == method) {
                    return Ok(ProvenClient { row, metadata, public: false });
                }
            }
        }
        Err(OAuthError::invalid_client())
    }

    /// An active client whose owner and tenant are active too.
    async fn acting_client(&self, id: &str) -> Result<ProvenClient, OAuthError> {
        let mut work = self.database.read().await.map_err(IdentityError::Store)?;
        let row = clients::find_anywhere(&mut work, &ConsumerKey::new(id)).await?.filter(|c| c.active);
        let row = row.ok_or_else(OAuthError::invalid_client)?;
        if !self.may_act(&mut work, &row).await? {
            return Err(OAuthError::invalid_client());
        }
        let metadata = ClientMetadata::of(&row)?;
        let public = is_public(&row, &metadata);
        Ok(ProvenClient { row, metadata, public })
    }

    async fn by_assertion(
        &self,
        call: &Call,
        named: Option<&str>,
        assertion: &str,
    ) -> Result<ProvenClient, OAuthError> {
        let issuer = unverified_issuer(assertion).ok_or_else(OAuthError::invalid_client)?;
        if named.is_some_and(|id| id != issuer) {
            return Err(OAuthError::invalid_client());
        }
        let client = self.acting_client(&issuer).await?;
        if client.metadata.token_endpoint_auth_method != Some(ClientAuthMethod::PrivateKeyJwt) {
            return Err(OAuthError::invalid_client());
        }
        let tenant = self.tenant(client.row.tenant).await?.tenant;
        let audiences = self.own_audiences(&tenant.domain, call);
        let keys = match &client.metadata.jwks_uri {
            Some(uri) => self.published_keys(uri, unverified_key_id(assertion).as_deref()).await,
            None => client.metadata.keys()?,
        };
        let verifier = Verifier::new(issuer.as_str(), keys, audiences);
        let now = self.now().seconds();
        let verified = jose::verify_as(TokenKind::Assertion, &[verifier], assertion, now);
        let (_, claims) = verified.map_err(|reason| {
            tracing::info!(client = %client.row.id, %reason, "a client assertion was refused");
            OAuthError::invalid_client()
        })?;
        let life = claims.expires.saturating_sub(now);
        let one_time = claims.token_id().filter(|id| !id.is_empty() && id.len() <= 255);
        let Some(id) = one_time.filter(|_| claims.subject() == Some(&issuer) && life <= MAX_ASSERTION_LIFE) else {
            return Err(OAuthError::invalid_client());
        };
        if !self.first_use("client-assertion", &issuer, id, life).await? {
            return Err(OAuthError::invalid_client());
        }
        Ok(client)
    }

    /// What an assertion for us may name as its audience: the issuer, the token endpoint, or the endpoint it is sent to.
    pub(crate) fn own_audiences(&self, domain: &model::TenantDomain, call: &Call) -> BTreeSet<String> {
        let base = &self.settings.base_url;
        [
            self.issuer_of(domain),
            format!("{base}/oauth2/token"),
            format!("{base}{}/oauth2/token", domain.context_prefix()),
            self.target(call),
        ]
        .into()
    }

    /// A client that sends its id alone: public, or known by its certificate.
    async fn without_secret(&self, call: &Call, id: &str) -> Result<ProvenClient, OAuthError> {
        let client = self.acting_client(id).await?;
        let certificate = call.peer_certificate.as_ref();
        let proven = match (client.metadata.token_endpoint_auth_method, certificate) {
            (Some(ClientAuthMethod::TlsClientAuth), Some(sent)) => {
                sent.trusted && has_registered_name(&client.metadata, &sent.der)
            }
            (Some(ClientAuthMethod::SelfSignedTlsClientAuth), Some(sent)) => {
                let sent = STANDARD.encode(&sent.der);
                client.metadata.certificates().iter().any(|known| hash::equal(known.as_bytes(), sent.as_bytes()))
            }
            _ => client.public,
        };
        if proven { Ok(client) } else { Err(OAuthError::invalid_client()) }
    }
}

/// Whether a certificate carries the registered subject or DNS name (RFC 8705 section 2.1.2).
fn has_registered_name(metadata: &ClientMetadata, der: &[u8]) -> bool {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return false };
    if let Some(wanted) = &metadata.tls_client_auth_subject_dn {
        return subject_text(certificate.subject()).is_some_and(|subject| subject == *wanted);
    }
    let Some(wanted) = &metadata.tls_client_auth_san_dns else { return false };
    let names = certificate.subject_alternative_name().ok().flatten();
    names.is_some_and(|names| {
        let is_wanted = |name: &GeneralName<'_>| matches!(name, GeneralName::DNSName(dns) if *dns == wanted.as_str());
        names.value.general_names.iter().any(is_wanted)
    })
}

/// A name as RFC 4514 writes it: the last part first, `CN=judge,O=Example`. `None` for a value that is no text.
fn subject_text(name: &X509Name<'_>) -> Option<String> {
    let mut parts = Vec::new();
    for rdn in name.iter_rdn() {
        let mut attributes = Vec::new();
        for attribute in rdn.iter() {
            let oid = attribute.attr_type().to_id_string();
            let known = NAME_TYPES.iter().find(|(id, _)| *id == oid).map_or(oid.as_str(), |(_, short)| *short);
            attributes.push(format!("{known}={}", escaped(attribute.as_str().ok()?)));
        }
        parts.push(attributes.join("+"));
    }
    parts.reverse();
    Some(parts.join(","))
}

/// Short names of RFC 4514 section 3.
const NAME_TYPES: [(&str, &str); 9] = [
    ("2.5.4.3", "CN"),
    ("2.5.4.7", "L"),
    ("2.5.4.8", "ST"),
    ("2.5.4.10", "O"),
    ("2.5.4.11", "OU"),
    ("2.5.4.6", "C"),
    ("2.5.4.9", "STREET"),
    ("0.9.2342.19200300.100.1.25", "DC"),
    ("0.9.2342.19200300.100.1.1", "UID"),
];

/// A value with its special characters escaped (RFC 4514 section 2.4).
fn escaped(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let last = value.chars().count().saturating_sub(1);
    for (at, c) in value.chars().enumerate() {
        match c {
            '"' | '+' | ',' | ';' | '<' | '>' | '\\' => text.extend(['\\', c]),
            '#' if at == 0 => text.push_str("\\#"),
            ' ' if at == 0 || at == last => text.push_str("\\ "),
            '\0' => text.push_str("\\00"),
            c => text.push(c),
        }
    }
    text
}

/// Who an assertion says it is from: decides only whose keys it is checked with.
pub(crate) fn unverified_issuer(assertion: &str) -> Option<String> {
    if assertion.len() > jose::MAX_TOKEN_BYTES {
        return None;
    }
    let payload = URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1)?).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    claims.get("iss")?.as_str().map(str::to_owned)
}

/// The key that an assertion says it is signed with: decides only whether keys are fetched again.
pub(crate) fn unverified_key_id(assertion: &str) -> Option<String> {
    let header = URL_SAFE_NO_PAD.decode(assertion.split('.').next()?).ok()?;
    let header: serde_json::Value = serde_json::from_slice(&header).ok()?;
    header.get("kid")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{escaped, with_decoded};

    #[test]
    fn names_are_escaped_as_rfc_4514_says() {
        assert_eq!(escaped("James \"Jim\" Smith, III"), "James \\\"Jim\\\" Smith\\, III");
        assert_eq!(escaped("#1 "), "\\#1\\ ");
        assert_eq!(escaped(" "), "\\ ");
        assert_eq!(escaped("Lu\u{10d}i\u{107}"), "Lu\u{10d}i\u{107}");
    }

    #[test]
    fn credentials_count_as_they_are_and_decoded() {
        assert_eq!(with_decoded("plain"), ["plain"]);
        assert_eq!(with_decoded("a%2Db+c"), ["a%2Db+c", "a-b c"]);
    }
}
