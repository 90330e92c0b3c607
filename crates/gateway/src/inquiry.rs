//! Credentials that only somebody else can judge: name and password of a user, and tokens that say nothing themselves.
//!
//! Who judges comes from the composition root. A verdict is kept for a short time under a salted hash of the credential, so
//! that neither can be read from memory, and calls that come together ask once. What cannot be asked is refused.

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::request::Parts;
use jose::Claims;
use model::{Secret, TenantDomain, Timestamp};
use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};
use std::hash::BuildHasherDefault;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use crate::authenticate::{INTERNAL_KEY, Verified, scheme, sole_token};
use crate::compile::{Api, Compiled, Scheme};
use crate::counters::Counter;
use crate::token_cache::{Digest, DigestHasher, Principal};
use crate::worker::{Local, Worker};

/// A user's name and password, as a client sent them.
pub struct UserQuestion {
    /// Domain of the tenant whose API is called: a name without a domain is one of its users.
    pub tenant: TenantDomain,
    /// The name.
    pub username: String,
    /// The password.
    pub password: Secret<String>,
    /// Scopes of the API.
    pub scopes: Vec<String>,
    /// Address of the client, which guesses are counted by.
    pub address: IpAddr,
}

/// A user whose password was right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownUser {
    /// Domain of the user's tenant.
    pub tenant: TenantDomain,
    /// `sub` that tokens of the user would have: what a subject epoch names.
    pub subject: String,
    /// Which of the scopes the user's roles allow.
    pub scopes: BTreeSet<String>,
}

/// A token that somebody is asked about (RFC 7662).
pub struct TokenQuestion {
    /// Address of the endpoint.
    pub url: String,
    /// Client id that asks.
    pub client_id: String,
    /// Its secret.
    pub client_secret: Secret<String>,
    /// The token.
    pub token: Secret<String>,
}

/// What a [`CredentialJudge`] says.
#[derive(Clone, Debug)]
pub enum Judgement<T> {
    /// The credential is good.
    Good(T),
    /// It is not.
    Bad,
    /// Nobody could say.
    Unknown,
}

/// A [`Judgement`] that is awaited.
pub type Judging<T> = Pin<Box<dyn Future<Output = Judgement<T>> + Send>>;

/// Judges credentials that the gateway cannot, within a time of its own.
pub trait CredentialJudge: Send + Sync {
    /// Whether name and password are those of a user who may sign in.
    fn user(&self, question: UserQuestion) -> Judging<KnownUser>;

    /// The members of an introspection response whose `active` is true; [`Judgement::Bad`] when it is false.
    fn token(&self, question: TokenQuestion) -> Judging<Map<String, Value>>;
}

/// Longest name and password together, bytes.
const MAX_PAIR_BYTES: usize = 1024;
/// Longest until somebody must have answered.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a refusal is kept, seconds: the same wrong pair costs one question in that time.
const REFUSED_SECONDS: i64 = 5;
/// How long nobody is asked again after no answer, seconds.
const UNKNOWN_SECONDS: i64 = 2;
/// Most issuers that are asked about one token.
const MAX_ASKED: usize = 3;
/// Longest pattern after compilation, bytes.
const MAX_PATTERN_BYTES: usize = 64 * 1024;

/// What was found out about a credential.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// It is a user's.
    User(Arc<KnownUser>, Timestamp),
    /// It is a token that its issuer stands for.
    Token(Arc<Principal>),
    /// It is worth nothing.
    Refused,
    /// Nobody could be asked.
    Unknown,
}

/// An issuer's endpoint, compiled.
pub(crate) struct Endpoint {
    url: String,
    client_id: String,
    client_secret: Secret<String>,
    patterns: Vec<Regex>,
    also_jwt: bool,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Endpoint {
    /// Compiles one; the text of a pattern that is none.
    pub(crate) fn compile(source: &model::snapshot::Introspection) -> Result<Self, String> {
        let whole = |pattern: &String| {
            let built = RegexBuilder::new(&format!("^(?:{pattern})$")).size_limit(MAX_PATTERN_BYTES).build();
            built.map_err(|_| {
                format!("\"{pattern}\" is not a regular expression; tokens are not asked about until it is")
            })
        };
        Ok(Self {
            url: source.url.clone(),
            client_id: source.client_id.clone(),
            client_secret: Secret::new(source.client_secret.clone()),
            patterns: source.patterns.iter().map(whole).collect::<Result<_, _>>()?,
            also_jwt: source.also_jwt,
        })
    }

    /// Whether JWTs of the issuer are asked about, whatever its keys say.
    pub(crate) const fn also_jwt(&self) -> bool {
        self.also_jwt
    }
}

/// A verdict that is being made or was made, and until when it holds.
type Cell = OnceCell<(Verdict, i64)>;
type Map2 = HashMap<Digest, Arc<Cell>, BuildHasherDefault<DigestHasher>>;

/// Verdicts of all workers, in two generations like verified tokens.
pub(crate) struct Inquiries {
    salt: [u8; 32],
    kept: Mutex<(Map2, Map2)>,
    half: usize,
}

impl Inquiries {
    /// For at most so many verdicts.
    pub(crate) fn new(capacity: usize) -> Self {
        let mut salt = [0; 32];
        // Without randomness the hashes are still hashes; only the same pair of two processes would look the same.
        let _unsalted = SystemRandom::new().fill(&mut salt);
        Self { salt, kept: Mutex::default(), half: (capacity / 2).max(1) }
    }

    fn key(&self, parts: &[&[u8]]) -> Digest {
        let mut context = Context::new(&SHA256);
        context.update(&self.salt);
        for part in parts {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        let mut key = Digest::default();
        key.copy_from_slice(context.finish().as_ref());
        key
    }

    /// The cell of a key: one that holds, or is being filled, or a new one.
    fn cell(&self, key: &Digest, holds: impl Fn(&Verdict, i64) -> bool) -> Arc<Cell> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let (young, old) = &mut *kept;
        let found = young.get(key).cloned().or_else(|| old.remove(key));
        let cell = found.filter(|cell| cell.get().is_none_or(|(verdict, until)| holds(verdict, *until)));
        let cell = cell.unwrap_or_default();
        if young.len() >= self.half && !young.contains_key(key) {
            *old = std::mem::take(young);
        }
        young.insert(*key, Arc::clone(&cell));
        cell
    }

    /// How many verdicts are kept.
    #[cfg(test)]
    fn len(&self) -> usize {
        let kept = self.kept.lock().unwrap();
        kept.0.len() + kept.1.len()
    }
}

/// A credential that must be asked about.
pub(crate) enum Inquiry {
    /// Name and password.
    User(String, Secret<String>),
    /// A token, and the issuers who may know it.
    Token(Secret<String>, Vec<usize>),
}

/// Name and password of a field that carries them (RFC 7617); `None` when it is none of that scheme or cannot be read.
fn pair(field: &str) -> Option<(String, Secret<String>)> {
    let encoded = scheme(field, "basic ")?;
    let decoded = STANDARD.decode(encoded.trim()).ok().filter(|pair| pair.len() <= MAX_PAIR_BYTES)?;
    let text = Secret::new(String::from_utf8(decoded).ok()?);
    let (name, password) = text.expose().split_once(':')?;
    let readable = !name.is_empty() && !text.expose().chars().any(char::is_control);
    readable.then(|| (name.to_owned(), Secret::new(password.to_owned())))
}

/// What must be asked before a call can be judged. `None` for nearly all calls: their tokens are verified by a key.
pub(crate) fn inquiry(compiled: &Compiled, api: &Api, parts: &Parts) -> Option<Inquiry> {
    let basic = api.schemes.contains(&Scheme::Basic);
    if !(basic || compiled.introspects && api.schemes.contains(&Scheme::Token)) {
        return None;
    }
    if parts.headers.contains_key(&INTERNAL_KEY) {
        return None;
    }
    let mut fields = parts.headers.get_all(&api.token_header).iter();
    let (Some(field), None) = (fields.next(), fields.next()) else { return None };
    let field = field.to_str().ok()?;
    if basic && scheme(field, "basic ").is_some() {
        return pair(field).map(|(name, password)| Inquiry::User(name, password));
    }
    let token = sole_token(field, api.token_header == AUTHORIZATION)?;
    if token.is_empty() || token.len() > jose::MAX_TOKEN_BYTES || !api.schemes.contains(&Scheme::Token) {
        return None;
    }
    // Verified by a key: the caller finds that out in a cache, for less than it costs to look into the token.
    if !compiled.introspects_jwt && token.starts_with("eyJ") && token.bytes().filter(|b| *b == b'.').count() == 2 {
        return None;
    }
    let issuers = candidates(compiled, api, token);
    (!issuers.is_empty()).then(|| Inquiry::Token(Secret::new(token.to_owned()), issuers))
}

/// Who is asked about a token. A token is a secret: it is shown to those whose patterns it fits, and where there are no
/// patterns only to the one issuer that could have made it.
fn candidates(compiled: &Compiled, api: &Api, token: &str) -> Vec<usize> {
    let claimed = jose::claimed_issuer(token);
    let eligible = |index: &usize| {
        let Some(issuer) = compiled.issuers.get(*index) else { return false };
        issuer.serves(api.deployed.tenant) && issuer.is_accepted_by(&api.deployed.security)
    };
    let asked = (0..compiled.issuers.len()).filter(eligible).filter_map(|index| {
        let endpoint = compiled.issuers.get(index)?.introspection.as_ref()?;
        let possible = match &claimed {
            Some(claimed) => {
                endpoint.also_jwt && compiled.verifiers.get(index).is_some_and(|v| v.issuer() == claimed.as_str())
            }
            None => endpoint.patterns.is_empty() || endpoint.patterns.iter().any(|pattern| pattern.is_match(token)),
        };
        possible.then_some((index, claimed.is_some() || !endpoint.patterns.is_empty()))
    });
    let asked: Vec<(usize, bool)> = asked.collect();
    if asked.len() > 1 && asked.iter().any(|(_, named)| !named) {
        // Several who would take anything: those that said what is theirs go alone.
        return asked.into_iter().filter_map(|(index, named)| named.then_some(index)).take(MAX_ASKED).collect();
    }
    asked.into_iter().map(|(index, _)| index).take(MAX_ASKED).collect()
}

/// Asks, or says what was answered a moment ago.
pub(crate) async fn ask(worker: &Worker, compiled: &Compiled, api: &Api, inquiry: Inquiry, address: IpAddr) -> Verdict {
    match inquiry {
        Inquiry::User(name, password) => ask_user(worker, compiled, api, (name, password), address).await,
        Inquiry::Token(token, issuers) => {
            let mut outcome = Verdict::Refused;
            for index in issuers {
                match ask_issuer(worker, compiled, index, &token).await {
                    good @ Verdict::Token(_) => return good,
                    Verdict::Unknown => outcome = Verdict::Unknown,
                    Verdict::Refused | Verdict::User(..) => {}
                }
            }
            outcome
        }
    }
}

async fn ask_user(
    worker: &Worker,
    compiled: &Compiled,
    api: &Api,
    (username, password): (String, Secret<String>),
    address: IpAddr,
) -> Verdict {
    let shared = &worker.shared;
    let (Some(judge), Some(domain)) = (&shared.settings.judge, compiled.tenants.get(&api.deployed.tenant)) else {
        return Verdict::Unknown;
    };
    let revision = api.deployed.revision.to_string();
    let parts = [b"user".as_slice(), revision.as_bytes(), username.as_bytes(), password.expose().as_bytes()];
    let key = shared.inquiries.key(&parts);
    let now = worker.now();
    let holds = |verdict: &Verdict, until: i64| {
        now.seconds() < until
            && match verdict {
                Verdict::User(user, since) => !compiled.ended_since(&user.subject, *since),
                _ => true,
            }
    };
    let cell = shared.inquiries.cell(&key, holds);
    let (verdict, _) = cell
        .get_or_init(|| async {
            worker.counters.add(Counter::CredentialsAsked);
            let scopes: BTreeSet<&str> = api.resources.iter().flat_map(|r| &r.scopes).map(|s| &**s).collect();
            let scopes = scopes.into_iter().map(str::to_owned).collect();
            let question = UserQuestion { tenant: domain.clone(), username, password, scopes, address };
            match timeout(PATIENCE, judge.user(question)).await {
                Ok(Judgement::Good(user)) => {
                    let seconds = i64::try_from(shared.settings.basic_seconds).unwrap_or(i64::MAX);
                    (Verdict::User(Arc::new(user), now), now.seconds().saturating_add(seconds))
                }
                Ok(Judgement::Bad) => (Verdict::Refused, now.seconds() + REFUSED_SECONDS),
                Ok(Judgement::Unknown) | Err(_) => (Verdict::Unknown, now.seconds() + UNKNOWN_SECONDS),
            }
        })
        .await;
    verdict.clone()
}

async fn ask_issuer(worker: &Worker, compiled: &Compiled, index: usize, token: &Secret<String>) -> Verdict {
    let shared = &worker.shared;
    let endpoint = compiled.issuers.get(index).and_then(|issuer| issuer.introspection.as_ref());
    let (Some(judge), Some(endpoint)) = (&shared.settings.judge, endpoint) else { return Verdict::Unknown };
    let (epoch, issuer) = (compiled.issuers_epoch.to_le_bytes(), (index as u64).to_le_bytes());
    let key = shared.inquiries.key(&[b"token", &epoch, &issuer, token.expose().as_bytes()]);
    let now = worker.now();
    let cell = shared.inquiries.cell(&key, |_, until| now.seconds() < until);
    let (verdict, _) = cell
        .get_or_init(|| async {
            worker.counters.add(Counter::CredentialsAsked);
            let question = TokenQuestion {
                url: endpoint.url.clone(),
                client_id: endpoint.client_id.clone(),
                client_secret: endpoint.client_secret.clone(),
                token: token.clone(),
            };
            match timeout(PATIENCE, judge.token(question)).await {
                Ok(Judgement::Good(members)) => {
                    let seconds = i64::try_from(shared.settings.introspection_seconds).unwrap_or(i64::MAX);
                    let until = now.seconds().saturating_add(seconds);
                    match introspected(worker, compiled, index, members, now.seconds()) {
                        Some(verified) => {
                            let until = until.min(verified.claims.expires);
                            (Verdict::Token(Arc::new(verified)), until)
                        }
                        None => (Verdict::Refused, now.seconds() + REFUSED_SECONDS),
                    }
                }
                Ok(Judgement::Bad) => (Verdict::Refused, now.seconds() + REFUSED_SECONDS),
                Ok(Judgement::Unknown) | Err(_) => (Verdict::Unknown, now.seconds() + UNKNOWN_SECONDS),
            }
        })
        .await;
    verdict.clone()
}

/// The caller that an introspection response describes; `None` when it contradicts itself or what is known of the issuer.
fn introspected(
    worker: &Worker,
    compiled: &Compiled,
    index: usize,
    mut members: Map<String, Value>,
    now: i64,
) -> Option<Principal> {
    let issuer = compiled.verifiers.get(index)?.issuer();
    if members.get("iss").is_some_and(|said| said.as_str() != Some(issuer)) {
        return None;
    }
    let time = |name: &str| match members.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(value) => value.as_i64().map(Some),
    };
    // Without an end of its own a token is good as long as the issuer says so, which it is asked again and again.
    let expires = time("exp")?.unwrap_or(i64::MAX);
    let (not_before, issued_at) = (time("nbf")?, time("iat")?);
    if expires <= now || not_before.is_some_and(|start| start > now) {
        return None;
    }
    // RFC 7662 has names of its own for what an issuer's tokens may call otherwise.
    let facts = compiled.issuers.get(index)?;
    let wanted = facts.consumer_key_claims.first().map_or("azp", |name| name);
    for (standard, own) in [("client_id", wanted), ("scope", &*facts.scopes_claim)] {
        if let Some(value) = members.get(standard).filter(|_| !members.contains_key(own)).cloned() {
            members.insert(own.to_owned(), value);
        }
    }
    let claims = Claims { expires, issued_at, all: members };
    let verified = Verified { issuer: index, claims, introspected: true };
    crate::authenticate::describe(worker, compiled, verified)
}

/// What is known about the credential of a call that lasts. What is not known any more is asked for meanwhile: whoever lasts
/// longer than a verdict and the answer to the next question may not go on.
pub(crate) fn look(
    worker: &Arc<Worker>,
    local: &Arc<Local>,
    api: &Api,
    parts: &Parts,
    (address, last): (IpAddr, Option<&Verdict>),
) -> Option<Verdict> {
    let inquiry = inquiry(&local.compiled, api, parts)?;
    let asking = {
        let (worker, local) = (Arc::clone(worker), Arc::clone(local));
        let (id, host) = (api.deployed.id, api.deployed.versioned_context.clone());
        async move {
            let found = local
                .compiled
                .apis()
                .iter()
                .find(|own| own.deployed.id == id && own.deployed.versioned_context == host);
            match found {
                Some(api) => ask(&worker, &local.compiled, api, inquiry, address).await,
                None => Verdict::Refused,
            }
        }
    };
    let mut asking = Box::pin(asking);
    // A verdict that is kept is there at once.
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match asking.as_mut().poll(&mut context) {
        std::task::Poll::Ready(verdict) => Some(verdict),
        std::task::Poll::Pending => {
            tokio::spawn(asking);
            // The former one holds for this look; the next one finds the answer.
            Some(last.cloned().unwrap_or(Verdict::Unknown))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Inquiries, Verdict, pair};

    #[test]
    fn pairs_are_read_as_rfc_7617_says() {
        let read = |field: &str| pair(field).map(|(name, password)| (name, password.expose().clone()));
        let good = |name: &str, password: &str| Some((name.to_owned(), password.to_owned()));
        assert_eq!(read("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), good("Aladdin", "open sesame"));
        assert_eq!(read("basic YTpiOmM="), good("a", "b:c"));
        assert_eq!(read("BASIC YTo="), good("a", ""));
        let long = format!("Basic {}", "QUFB".repeat(400));
        for bad in ["Basic", "Basic ", "Basic !!!", "Basic YQ==", "Basic OnB3", "Basic YQo6Yg==", "Bearer YTpi", &long]
        {
            assert_eq!(read(bad), None, "{bad}");
        }
    }

    #[test]
    fn verdicts_are_bounded_and_end() {
        let kept = Inquiries::new(100);
        let cell = kept.cell(&kept.key(&[b"a"]), |_, _| true);
        cell.set((Verdict::Refused, 10)).unwrap();
        let holds = |at: i64| move |_: &Verdict, until: i64| at < until;
        assert!(kept.cell(&kept.key(&[b"a"]), holds(9)).get().is_some());
        assert!(kept.cell(&kept.key(&[b"a"]), holds(10)).get().is_none(), "an old verdict is not used");
        for n in 0..10_000_u32 {
            kept.cell(&kept.key(&[&n.to_le_bytes()]), |_, _| true);
            assert!(kept.len() <= 101, "{}", kept.len());
        }
        assert_ne!(kept.key(&[b"ab", b"c"]), kept.key(&[b"a", b"bc"]));
        assert_ne!(kept.key(&[b"a"]), Inquiries::new(1).key(&[b"a"]), "hashes are salted");
    }
}
