//! Phase "authenticate": from a credential to a caller.

use aws_lc_rs::digest::{Context, SHA256, digest};
use http::header::{HeaderMap, HeaderName, REFERER};
use http::request::Parts;
use jose::TokenError;
use model::snapshot::KeyType;
use model::{ApplicationId, TenantId, Timestamp};
use std::net::IpAddr;
use std::sync::Arc;

use crate::binding::{self, Binding, Presentation};
use crate::client_certificate::{Accepted, Presented};
use crate::compile::{Api, Compiled, CompiledResource, Issuer, Scheme};
use crate::counters::Counter;
use crate::fault::Fault;
use crate::inquiry::{self, KnownUser, Verdict};
use crate::limit::{CounterKey, Window};
use crate::token_cache::{Digest, Principal};
use crate::worker::Worker;

/// Who calls.
#[derive(Clone, Debug)]
pub(crate) enum Caller {
    /// The resource needs no credential.
    Anonymous,
    /// A verified access token.
    Token(Arc<Principal>),
    /// A test key of the Publisher (WSO2: Internal-Key), made for this API.
    Test {
        /// What the key says.
        principal: Arc<Principal>,
        /// Production or sandbox.
        key_type: KeyType,
    },
    /// An API key of an application.
    Key {
        /// The application.
        application: ApplicationId,
        /// Production or sandbox.
        key_type: KeyType,
        /// The application limit's counter.
        window: Arc<Window>,
    },
    /// A user of the API's tenant, by name and password.
    User(Arc<KnownUser>),
    /// The holder of a certificate that the API accepts.
    Certificate(Arc<Accepted>),
}

/// Where a call comes from.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    /// Address.
    pub(crate) peer: IpAddr,
    /// Whether it came over TLS.
    pub(crate) secure: bool,
    /// The certificate that was shown.
    pub(crate) certificate: Option<&'a Presented>,
    /// Whether the same call has proven before that it holds the key of its token.
    pub(crate) proven: bool,
    /// What was found out about a credential that others judge.
    pub(crate) verdict: Option<&'a Verdict>,
}

impl Caller {
    /// What the caller's token says; `None` without one.
    pub(crate) fn claims(&self) -> Option<&serde_json::Map<String, serde_json::Value>> {
        match self {
            Self::Token(principal) | Self::Test { principal, .. } => Some(&principal.claims.all),
            Self::Anonymous | Self::Key { .. } | Self::Certificate(_) | Self::User(_) => None,
        }
    }

    /// The user for whom the call is made; `None` when a client makes it for itself.
    pub(crate) fn user(&self) -> Option<&str> {
        if let Self::User(user) = self {
            return Some(&user.subject);
        }
        let claims = self.claims()?;
        let said = |name: &str| claims.get(name).and_then(|value| value.as_str());
        said("sub").filter(|_| said("aut") == Some(FOR_USER))
    }
}

/// The credential a request carries.
enum Credential<'a> {
    Token {
        token: &'a str,
        /// Whether it came with the scheme `DPoP`.
        with_proof: bool,
    },
    Test(&'a str),
    Key(&'a str),
    /// Name and password, which only the verdict says something about.
    User,
}

/// Header of a test key.
pub(crate) const INTERNAL_KEY: HeaderName = HeaderName::from_static("internal-key");
/// Value of the claim `aut` in tokens that act for a user rather than for the client itself.
const FOR_USER: &str = "APPLICATION_USER";
/// Claim that tells test keys from access tokens; both are signed by the same key.
const TOKEN_TYPE: &str = "token_type";

/// Identifies the caller of a resource.
pub(crate) fn authenticate(
    worker: &Worker,
    compiled: &Compiled,
    api: &Api,
    resource: &CompiledResource,
    parts: &Parts,
    source: Source<'_>,
) -> Result<Caller, Fault> {
    if !resource.authenticated {
        return Ok(Caller::Anonymous);
    }
    let now = worker.now();
    if let Some(mutual) = &api.mutual_tls {
        match source.certificate.and_then(|shown| mutual.accepts(shown, now)) {
            Some(accepted) if mutual.suffices => return Ok(Caller::Certificate(Arc::clone(accepted))),
            None if mutual.mandatory => return Err(Fault::invalid_credentials()),
            Some(_) | None => {}
        }
    }
    match credential(api, parts)? {
        Some(Credential::Token { token, with_proof }) => {
            let Source { secure, certificate, proven, verdict, .. } = source;
            let presentation = Presentation { token, with_proof, parts, secure, certificate, proven };
            token_caller(worker, compiled, api, (&presentation, verdict), now).map(Caller::Token)
        }
        Some(Credential::User) => match source.verdict {
            Some(Verdict::User(user, _)) => Ok(Caller::User(Arc::clone(user))),
            Some(Verdict::Unknown) => Err(Fault::unclassified()),
            Some(Verdict::Token(_) | Verdict::Refused) | None => Err(Fault::invalid_credentials()),
        },
        Some(Credential::Test(key)) => test_caller(worker, compiled, api, key, now),
        Some(Credential::Key(key)) => key_caller(worker, compiled, api, key, (&parts.headers, source.peer), now),
        None => Err(missing(api)),
    }
}

/// Finds the credential. With more than one, the token counts: nobody gains by adding a second one.
fn credential<'a>(api: &Api, parts: &'a Parts) -> Result<Option<Credential<'a>>, Fault> {
    if let Some(value) = parts.headers.get(INTERNAL_KEY) {
        return value.to_str().map(|k| Some(Credential::Test(k.trim()))).map_err(|_| Fault::invalid_credentials());
    }
    if api.schemes.contains(&Scheme::Token) || api.schemes.contains(&Scheme::Basic) {
        let mut values = parts.headers.get_all(&api.token_header).iter();
        let value = values.next();
        if values.next().is_some() {
            // Two tokens: an upstream or a policy might take the other one.
            return Err(Fault::invalid_credentials());
        }
        let text = value.map(|v| v.to_str().map_err(|_| Fault::invalid_credentials())).transpose()?;
        if let Some(text) = text {
            if api.schemes.contains(&Scheme::Basic) && scheme(text, "basic ").is_some() {
                return Ok(Some(Credential::User));
            }
            let usual = api.token_header == http::header::AUTHORIZATION;
            let token = sole_token(text, usual).filter(|_| api.schemes.contains(&Scheme::Token));
            if let Some(token) = token {
                return Ok(Some(Credential::Token { token, with_proof: scheme(text, "dpop ").is_some() }));
            }
        }
    }
    if api.schemes.contains(&Scheme::Key) {
        if let Some(value) = parts.headers.get(&api.key_header) {
            return value.to_str().map(|k| Some(Credential::Key(k.trim()))).map_err(|_| Fault::invalid_credentials());
        }
        if let Some(pair) = parts.uri.query().unwrap_or_default().split('&').find(|pair| is_key(pair)) {
            return Ok(pair.split_once('=').map(|(_, key)| Credential::Key(key)));
        }
    }
    Ok(None)
}

/// What stands behind the name of a scheme, which is given in lower case with a blank.
pub(crate) fn scheme<'a>(field: &'a str, name: &str) -> Option<&'a str> {
    field.get(..name.len()).filter(|start| start.eq_ignore_ascii_case(name)).and(field.get(name.len()..))
}

/// The token of a field. A header of one's own choice carries the bare token, as WSO2 accepts it; `usual` says that it is
/// not one.
pub(crate) fn sole_token(field: &str, usual: bool) -> Option<&str> {
    let named = scheme(field, "bearer ").or_else(|| scheme(field, "dpop "));
    match named {
        Some(token) => Some(token.trim()),
        None if usual || field.trim().is_empty() => None,
        None => Some(field.trim()),
    }
}

/// Whether a pair of a query is an API key, however its name is spelled.
fn is_key(pair: &str) -> bool {
    let name = pair.split_once('=').map_or(pair, |(name, _)| name);
    // Six letters, each of which may be escaped as three; most names need no second look.
    (6..=18).contains(&name.len())
        && percent_encoding::percent_decode_str(name).map(|b| b.to_ascii_lowercase()).eq(b"apikey".iter().copied())
}

/// What of a query travels on: everything but API keys, which are for the gateway alone, as the header is.
pub(crate) fn without_key(query: &str) -> Option<String> {
    if !query.split('&').any(is_key) {
        return Some(query.to_owned());
    }
    let kept: Vec<&str> = query.split('&').filter(|pair| !is_key(pair)).collect();
    if kept.is_empty() { None } else { Some(kept.join("&")) }
}

/// A header's name as people write it.
fn shown(name: &HeaderName) -> &str {
    if *name == http::header::AUTHORIZATION { "Authorization" } else { name.as_str() }
}

fn missing(api: &Api) -> Fault {
    if api.schemes.is_empty() {
        return Fault::invalid_credentials();
    }
    let mut hint = String::from("Invalid Credentials. Make sure your API invocation call has a header: ");
    for (index, scheme) in api.schemes.iter().enumerate() {
        if index > 0 {
            hint.push_str(" or ");
        }
        match scheme {
            Scheme::Token => {
                hint.push_str(&format!("'{} : Bearer ACCESS_TOKEN'", shown(&api.token_header)));
            }
            Scheme::Basic => hint.push_str(&format!("'{} : Basic CREDENTIALS'", shown(&api.token_header))),
            Scheme::Key => {
                let name = if api.key_header.as_str() == "apikey" { "ApiKey" } else { api.key_header.as_str() };
                hint.push_str(&format!("'{name} : API_KEY'"));
            }
        }
    }
    Fault::missing_credentials(hint)
}

fn token_caller(
    worker: &Worker,
    compiled: &Compiled,
    api: &Api,
    (presentation, verdict): (&Presentation<'_>, Option<&Verdict>),
    now: Timestamp,
) -> Result<Arc<Principal>, Fault> {
    let principal = match verdict {
        None => principal(worker, compiled, api, presentation.token, now)?,
        Some(Verdict::Token(principal)) if now.seconds() < principal.claims.expires => Arc::clone(principal),
        Some(Verdict::Token(_)) => return Err(Fault::expired()),
        Some(Verdict::Unknown) => return Err(Fault::unclassified()),
        Some(Verdict::User(..) | Verdict::Refused) => return Err(Fault::invalid_credentials()),
    };
    if (principal.binding != Binding::None || presentation.with_proof) && !presentation.proven {
        binding::check(&principal.binding, presentation, &worker.shared.replays, now)?;
    }
    if principal.claims.text(TOKEN_TYPE).is_some_and(|kind| kind.eq_ignore_ascii_case("InternalKey")) {
        // A test key must not pass as an access token.
        return Err(Fault::invalid_credentials());
    }
    check_current(compiled, api, &principal, now)?;
    let audiences = &api.deployed.security.audiences;
    if !audiences.is_empty() && !principal.claims.audiences().any(|a| audiences.contains(a)) {
        return Err(Fault::invalid_credentials());
    }
    Ok(principal)
}

/// A test key opens the API that it names and no other; it needs no subscription.
fn test_caller(worker: &Worker, compiled: &Compiled, api: &Api, key: &str, now: Timestamp) -> Result<Caller, Fault> {
    let principal = principal(worker, compiled, api, key, now)?;
    let claims = &principal.claims;
    // Only the built-in key manager makes them, for whoever has them: one that is bound to a key comes from elsewhere.
    let own = compiled.issuers.get(principal.issuer).is_some_and(Issuer::serves_every_tenant);
    if !own || principal.binding != Binding::None {
        return Err(Fault::invalid_credentials());
    }
    if !claims.text(TOKEN_TYPE).is_some_and(|kind| kind.eq_ignore_ascii_case("InternalKey")) {
        return Err(Fault::invalid_credentials());
    }
    check_current(compiled, api, &principal, now)?;
    let contexts = claims.all.get("subscribedAPIs").and_then(|apis| apis.as_array()).map_or(&[][..], Vec::as_slice);
    let context = |entry: &serde_json::Value| entry.get("context").and_then(|c| c.as_str()).map(str::to_owned);
    if !contexts.iter().filter_map(context).any(|context| context == api.deployed.versioned_context) {
        return Err(Fault::no_subscription());
    }
    let sandbox = claims.text("keytype").is_some_and(|kind| kind.eq_ignore_ascii_case("SANDBOX"));
    let key_type = if sandbox { KeyType::Sandbox } else { KeyType::Production };
    Ok(Caller::Test { principal, key_type })
}

/// The verified claims of a token, from the cache when it is known.
fn principal(
    worker: &Worker,
    compiled: &Compiled,
    api: &Api,
    token: &str,
    now: Timestamp,
) -> Result<Arc<Principal>, Fault> {
    // Who issued it depends on the tenant that asks.
    let tenant = api.deployed.tenant;
    let mut context = Context::new(&SHA256);
    context.update(&tenant.number().to_le_bytes());
    context.update(token.as_bytes());
    let mut key = Digest::default();
    key.copy_from_slice(context.finish().as_ref());
    if let Some(principal) = worker.cached_token(&key, compiled.issuers_epoch) {
        worker.counters.add(Counter::TokenCacheHits);
        return if now.seconds() < principal.claims.expires { Ok(principal) } else { Err(Fault::expired()) };
    }
    let principal = verify(worker, compiled, tenant, token, now)?;
    worker.remember_token(key, &principal);
    Ok(principal)
}

/// The expensive part, done once per token, tenant and worker.
fn verify(
    worker: &Worker,
    compiled: &Compiled,
    tenant: TenantId,
    token: &str,
    now: Timestamp,
) -> Result<Arc<Principal>, Fault> {
    worker.counters.add(Counter::TokensVerified);
    let serves = |index| compiled.issuers.get(index).is_some_and(|issuer: &Issuer| issuer.serves(tenant));
    let (issuer, claims) = jose::verify_any(&compiled.verifiers, serves, token, now.seconds()).map_err(|error| {
        worker.counters.add(Counter::TokensRefused);
        match error {
            TokenError::Expired => Fault::expired(),
            _ => Fault::invalid_credentials(),
        }
    })?;
    let verified = Verified { issuer, claims, introspected: false };
    describe(worker, compiled, verified).map(Arc::new).ok_or_else(Fault::invalid_credentials)
}

/// Claims that somebody stands for.
pub(crate) struct Verified {
    /// Index of who does.
    pub(crate) issuer: usize,
    /// The claims.
    pub(crate) claims: jose::Claims,
    /// Whether the issuer was asked.
    pub(crate) introspected: bool,
}

/// Whose the claims are.
pub(crate) fn describe(worker: &Worker, compiled: &Compiled, verified: Verified) -> Option<Principal> {
    let Verified { issuer, claims, introspected } = verified;
    let facts = compiled.issuers.get(issuer)?;
    let consumer_key = facts.consumer_key_claims.iter().find_map(|name| claims.text(name)).unwrap_or_default();
    let user_window = compiled.keys.get(consumer_key).map(|key| {
        let user = claims.subject().unwrap_or_default().to_owned();
        (key.application, worker.shared.carried.counters.get(CounterKey::User(key.application, user)))
    });
    Some(Principal {
        issuers_epoch: compiled.issuers_epoch,
        issuer,
        introspected,
        consumer_key: consumer_key.into(),
        signing_tenant: signing_tenant(facts, &claims),
        user_tenant: user_tenant(facts, &claims),
        user_window,
        assertions: crate::assertion::Assertions::default(),
        binding: Binding::of(&claims),
        claims,
    })
}

/// The tenant a token was signed for, as the built-in key manager writes it. It signs for every tenant with one key, so
/// only this claim tells them apart; other issuers belong to one tenant and may write what they like there.
fn signing_tenant(issuer: &Issuer, claims: &jose::Claims) -> Option<Box<str>> {
    if !issuer.serves_every_tenant() {
        return None;
    }
    claims.all.get("realm")?.get("signing_tenant")?.as_str().map(Into::into)
}

/// The tenant of the user for whom a token was issued. A client that serves all tenants is signed for by its own, while
/// the scopes were granted by the roles of the user's.
fn user_tenant(issuer: &Issuer, claims: &jose::Claims) -> Option<Box<str>> {
    if !issuer.serves_every_tenant() || claims.text("aut") != Some(FOR_USER) {
        return None;
    }
    Some(claims.subject().and_then(|user| user.rsplit_once('@')).map_or("", |(_, domain)| domain).into())
}

/// What can change between two calls with the same token: revocation, subject epochs, and the API's own conditions.
fn check_current(compiled: &Compiled, api: &Api, principal: &Principal, now: Timestamp) -> Result<(), Fault> {
    let claims = &principal.claims;
    let issuer = compiled.issuers.get(principal.issuer).ok_or_else(Fault::invalid_credentials)?;
    let security = &api.deployed.security;
    if !issuer.is_accepted_by(security) || !issuer.serves(api.deployed.tenant) {
        return Err(Fault::invalid_credentials());
    }
    if !principal.introspected {
        // Keys that nobody could fetch again for too long may be withdrawn by now; and a token that its issuer wants to be
        // asked about is worth nothing by its signature alone.
        let asked = issuer.introspection.as_ref().is_some_and(inquiry::Endpoint::also_jwt);
        if asked || issuer.is_stale(now) {
            return Err(Fault::invalid_credentials());
        }
    }
    if !compiled.revoked.is_empty() && claims.token_id().is_some_and(|id| compiled.revoked.contains_key(id)) {
        return Err(Fault::invalid_credentials());
    }
    // Epochs are about our own subjects: another issuer may have one of the same name.
    if !compiled.subject_epochs.is_empty()
        && issuer.serves_every_tenant()
        && let Some(epochs) = claims.subject().and_then(|subject| compiled.subject_epochs.get(subject))
    {
        let application =
            compiled.keys.get(&principal.consumer_key).and_then(|k| compiled.consumers.get(&k.application));
        let tenants = [Some(issuer.tenant), application.map(|a| a.tenant)];
        let issued = claims.issued_at.map(Timestamp::from_seconds);
        let outdated = |(tenant, epoch): &(TenantId, Timestamp)| {
            tenants.contains(&Some(*tenant)) && issued.is_none_or(|issued| issued < *epoch)
        };
        if epochs.iter().any(outdated) {
            return Err(Fault::invalid_credentials());
        }
    }
    Ok(())
}

fn key_caller(
    worker: &Worker,
    compiled: &Compiled,
    api: &Api,
    key: &str,
    (headers, peer): (&HeaderMap, IpAddr),
    now: Timestamp,
) -> Result<Caller, Fault> {
    let mut hash = String::with_capacity(64);
    for byte in digest(&SHA256, key.as_bytes()).as_ref() {
        hash.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('0'));
        hash.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('0'));
    }
    let found = compiled.api_keys.get(hash.as_str()).ok_or_else(Fault::invalid_credentials)?;
    if found.key.expires.is_some_and(|expires| now >= expires) {
        return Err(Fault::expired());
    }
    let peer = peer.to_canonical();
    let here = found.networks.is_empty() || found.networks.iter().any(|n| n.contains(&peer));
    let referrers = &found.key.permitted_referrers;
    let referrer = headers.get(REFERER).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let referred = referrers.is_empty() || referrers.iter().any(|pattern| matches_pattern(pattern, referrer));
    if !here || !referred {
        return Err(Fault::key_not_permitted_here());
    }
    let application = found.key.application;
    let consumer = compiled.consumers.get(&application).ok_or_else(Fault::no_subscription)?;
    let own = consumer.tenant == api.deployed.tenant || api.subscriptions.contains_key(&application);
    if !own {
        return Err(Fault::no_subscription());
    }
    let user = CounterKey::User(application, consumer.owner.to_string());
    let window = worker.shared.carried.counters.get(user);
    Ok(Caller::Key { application, key_type: found.key.key_type, window })
}

/// A pattern in which `*` stands for anything, matched against the whole text.
fn matches_pattern(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let Some(mut rest) = pieces.next().and_then(|first| text.strip_prefix(first)) else { return false };
    let mut pieces = pieces.peekable();
    if pieces.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return rest.ends_with(piece);
        }
        match rest.find(piece) {
            Some(at) => rest = rest.get(at + piece.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::{matches_pattern, without_key};

    #[test]
    fn keys_leave_the_query_and_nothing_else_does() {
        for (query, expected) in [
            ("", Some("")),
            ("a=1&b", Some("a=1&b")),
            ("apikey=x", None),
            ("ApiKey=x&APIKEY=y&apikey", None),
            ("a=1&%61piKe%79=x&b=2", Some("a=1&b=2")),
            ("%61%70%69%6b%65%79=x&c", Some("c")),
            ("a=apikey=x&apikeys=1&xapikey=2", Some("a=apikey=x&apikeys=1&xapikey=2")),
            ("&&", Some("&&")),
        ] {
            assert_eq!(without_key(query).as_deref(), expected, "{query}");
        }
    }

    #[test]
    fn referrer_patterns_match_the_whole_text() {
        for (pattern, text, expected) in [
            ("https://a.com/*", "https://a.com/x", true),
            ("https://a.com/*", "https://a.com.evil/x", false),
            ("*.a.com", "x.a.com", true),
            ("*.a.com", "x.a.com.evil", false),
            ("a*b*c", "aXXbYYc", true),
            ("a*b*c", "acb", false),
            ("abc", "abcd", false),
            ("abc", "abc", true),
            ("*", "", true),
        ] {
            assert_eq!(matches_pattern(pattern, text), expected, "{pattern} {text}");
        }
    }
}
