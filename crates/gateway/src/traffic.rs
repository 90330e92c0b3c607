//! Compiled traffic rules of an endpoint: which target a call goes to. `state` is what is known about a target, `health` asks
//! targets how they are.
//!
//! Endpoints without such rules have no [`Balance`], and their calls never come here.

pub(crate) mod health;
pub(crate) mod state;

use http::header::{COOKIE, HeaderName, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use model::snapshot::{Algorithm, Breaker, HashKey, HealthCheck, Retries, TargetRules, Traffic, UpstreamProtocol};
use model::{ApiId, Timestamp};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use state::{States, TargetState};

/// Cookie of the affinity.
const AFFINITY: &str = "portcullis-affinity";
/// Most turns of a weighted round.
const MAX_ROUND: usize = 1024;
/// What one retry costs, in the unit in which calls earn.
const RETRY_COST: u32 = 100;
/// Retries that may be saved up.
const MAX_SAVED: u32 = 10 * RETRY_COST;

/// Where an endpoint's states belong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owner<'a> {
    /// The API.
    pub(crate) api: ApiId,
    /// Whether it is the production endpoint.
    pub(crate) production: bool,
    /// All states.
    pub(crate) states: &'a States,
}

/// Why traffic rules are refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum TrafficError {
    /// A header name that is none.
    #[error("\"{0}\" is not a header name")]
    Header(String),
    /// A path without a slash, or with what no path has.
    #[error("\"{0}\" is not a path for a health check; it begins with / and holds no blanks")]
    Path(String),
}

/// A target with what is known about it.
#[derive(Debug)]
pub(crate) struct Member {
    /// Rules.
    pub(crate) rules: TargetRules,
    /// Shared with earlier and later snapshots.
    pub(crate) state: Arc<TargetState>,
    /// Names the target in a cookie without saying where it is.
    mark: String,
    seed: u64,
}

/// Which calls go to the canary.
#[derive(Debug)]
struct CanaryRule {
    members: Range<usize>,
    percent: u32,
    header: Option<(HeaderName, String)>,
}

/// Compiled rules.
#[derive(Debug)]
pub(crate) struct Balance {
    algorithm: Algorithm,
    hash_header: Option<HeaderName>,
    /// All targets of the endpoint in their order: its own, the canary's, the mirror.
    pub(crate) members: Vec<Member>,
    own: Range<usize>,
    canary: Option<CanaryRule>,
    mirror: Option<(usize, u32)>,
    /// Positions of the own targets in the order of a weighted round.
    round: Vec<usize>,
    turn: AtomicUsize,
    share: AtomicUsize,
    saved: AtomicU32,
    affinity: Option<u32>,
    /// Whether another target is tried when one fails.
    pub(crate) try_others: bool,
    /// When a call is sent once more.
    pub(crate) retries: Option<Retries>,
    /// When a target that answers with errors is left alone.
    pub(crate) breaker: Option<Breaker>,
    /// Whether targets are asked how they are.
    pub(crate) health: Option<HealthCheck>,
    /// Until a connection must be open.
    pub(crate) connect_timeout: Option<Duration>,
    /// Longest pause within an answer.
    pub(crate) idle_timeout: Option<Duration>,
    /// Whether HTTP/2 is spoken with all calls.
    pub(crate) http2: bool,
}

/// What a choice may depend on.
pub(crate) struct Asker<'a> {
    /// Fields of the request.
    pub(crate) headers: &'a HeaderMap,
    /// The client.
    pub(crate) client: IpAddr,
    /// Path below the API's context.
    pub(crate) path: &'a str,
}

impl Balance {
    /// The URLs of all targets in the order of [`Balance::members`].
    pub(crate) fn urls<'a>(own: &'a [String], traffic: &'a Traffic) -> impl Iterator<Item = &'a String> {
        let canary = traffic.canary.iter().flat_map(|c| &c.targets);
        own.iter().chain(canary).chain(traffic.mirror.iter().map(|m| &m.target))
    }

    /// Compiles the rules of an endpoint with these targets.
    pub(crate) fn compile(own: &[String], traffic: &Traffic, owner: Owner<'_>) -> Result<Self, TrafficError> {
        let header = |name: &str| HeaderName::try_from(name).map_err(|_| TrafficError::Header(name.to_owned()));
        let rules = |index: usize| traffic.rules.get(index).filter(|_| index < own.len()).cloned().unwrap_or_default();
        let member = |(index, url): (usize, &String)| Member {
            rules: rules(index),
            state: owner.states.get(owner.api, owner.production, url),
            mark: format!("{:016x}", hash(&(owner.api, url))),
            seed: hash(url),
        };
        let members: Vec<Member> = Self::urls(own, traffic).enumerate().map(member).collect();
        if traffic.health.is_none() {
            // A target whose checks were removed must not stay out for ever.
            members.iter().for_each(|member| member.state.presume_healthy());
        }
        let canary = match &traffic.canary {
            None => None,
            Some(canary) => Some(CanaryRule {
                members: own.len()..own.len() + canary.targets.len(),
                percent: canary.percent.min(100),
                header: canary.header.as_ref().map(|(n, v)| Ok((header(n)?, v.clone()))).transpose()?,
            }),
        };
        if let Some(health) = &traffic.health
            && (!health.path.starts_with('/') || !health.path.bytes().all(|b| (0x21..0x7f).contains(&b) && b != b'#'))
        {
            return Err(TrafficError::Path(health.path.clone()));
        }
        let hash_header = match &traffic.algorithm {
            Algorithm::ConsistentHash(HashKey::Header(name)) => Some(header(name)?),
            _ => None,
        };
        let bound = |ms: u32| (ms > 0).then(|| Duration::from_millis(u64::from(ms)));
        Ok(Self {
            algorithm: traffic.algorithm.clone(),
            hash_header,
            own: 0..own.len(),
            canary,
            mirror: traffic.mirror.as_ref().map(|m| (members.len().saturating_sub(1), m.percent.min(100))),
            round: round(members.iter().take(own.len()).map(|m| m.rules.weight)),
            members,
            turn: AtomicUsize::new(0),
            share: AtomicUsize::new(0),
            saved: AtomicU32::new(0),
            affinity: traffic.affinity.map(|affinity| affinity.seconds),
            try_others: traffic.try_others,
            retries: traffic.retries.clone(),
            breaker: traffic.breaker,
            health: traffic.health.clone(),
            connect_timeout: bound(traffic.connect_timeout_ms),
            idle_timeout: bound(traffic.idle_timeout_ms),
            http2: traffic.protocol == UpstreamProtocol::Http2,
        })
    }

    /// The targets that may be called now, the chosen one first. Empty when all are suspended.
    pub(crate) fn choose(&self, asker: &Asker<'_>, now: Timestamp) -> Vec<usize> {
        let share = self.share.fetch_add(1, Ordering::Relaxed);
        let canary = self.canary.as_ref().filter(|canary| canary.takes(asker, share)).map(|c| c.members.clone());
        let mut order = Vec::with_capacity(self.own.len());
        for group in canary.into_iter().chain([self.own.clone()]) {
            let start = order.len();
            order.extend(group.clone().filter(|i| self.member(*i).is_some_and(|m| m.state.may_be_called(now))));
            if let Some(found) = order.get_mut(start..) {
                self.sort(found, asker, group == self.own);
            }
        }
        if self.affinity.is_some()
            && let Some(mark) = cookie(asker.headers, AFFINITY)
            && let Some(at) = order.iter().position(|i| self.member(*i).is_some_and(|m| m.mark == mark))
        {
            let known = order.remove(at);
            order.insert(0, known);
        }
        order
    }

    /// Puts the target that the algorithm chooses first. The others follow in the order in which they would be tried.
    fn sort(&self, found: &mut [usize], asker: &Asker<'_>, own: bool) {
        match &self.algorithm {
            Algorithm::InOrder => {}
            Algorithm::RoundRobin => {
                let turn = self.turn.fetch_add(1, Ordering::Relaxed);
                let chosen = if own {
                    // The next of the round that may be called: whoever follows a suspended target does not get its part
                    // beside its own, as the turns differ.
                    let turns = self.round.iter().cycle().skip(turn % self.round.len().max(1)).take(self.round.len());
                    turns.copied().find_map(|wanted| found.iter().position(|i| *i == wanted))
                } else {
                    Some(turn % found.len().max(1))
                };
                found.rotate_left(chosen.unwrap_or(0));
            }
            Algorithm::LeastRequest => {
                let turn = self.turn.fetch_add(1, Ordering::Relaxed);
                let length = found.len().max(1);
                found.rotate_left(turn % length);
                // Stable, so that equals stay in the order of their turn.
                found.sort_by(|a, b| self.load(*a).total_cmp(&self.load(*b)));
            }
            Algorithm::ConsistentHash(key) => {
                let key = self.key(key, asker);
                found.sort_by(|a, b| self.attraction(*b, key).total_cmp(&self.attraction(*a, key)));
            }
        }
    }

    /// A target by its position.
    pub(crate) fn member(&self, index: usize) -> Option<&Member> {
        self.members.get(index)
    }

    fn load(&self, index: usize) -> f64 {
        self.member(index).map_or(f64::MAX, |m| f64::from(m.state.in_flight() + 1) / f64::from(m.rules.weight.max(1)))
    }

    /// Weighted rendezvous hashing: a target that leaves gives its keys to all others, and takes none from anybody when it
    /// comes back but its own.
    fn attraction(&self, index: usize, key: u64) -> f64 {
        let Some(member) = self.member(index) else { return 0.0 };
        let mixed = hash(&(member.seed, key)) >> 11;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
        let unit = (mixed as f64 + 0.5) / (1u64 << 53) as f64;
        f64::from(member.rules.weight.max(1)) / -unit.ln()
    }

    fn key(&self, key: &HashKey, asker: &Asker<'_>) -> u64 {
        match key {
            HashKey::Client => hash(&asker.client),
            HashKey::Header(_) => {
                let value = self.hash_header.as_ref().and_then(|name| asker.headers.get(name));
                hash(&value.map(HeaderValue::as_bytes))
            }
            HashKey::Cookie(name) => hash(&cookie(asker.headers, name)),
            HashKey::Path => hash(&asker.path),
        }
    }

    /// Whether calls of one client go to one target.
    pub(crate) const fn is_sticky(&self) -> bool {
        self.affinity.is_some()
    }

    /// The cookie that a client gets whose call went to this target, unless it has it.
    pub(crate) fn affinity_cookie(&self, index: usize, asked: &HeaderMap, context: &str) -> Option<HeaderValue> {
        let seconds = self.affinity?;
        let mark = &self.member(index)?.mark;
        if cookie(asked, AFFINITY) == Some(mark) {
            return None;
        }
        let life = if seconds > 0 { format!("; Max-Age={seconds}") } else { String::new() };
        HeaderValue::try_from(format!("{AFFINITY}={mark}; Path={context}{life}; HttpOnly; Secure; SameSite=Lax")).ok()
    }

    /// Adds the affinity cookie to an answer.
    pub(crate) fn remember(&self, index: usize, asked: &HeaderMap, context: &str, answer: &mut HeaderMap) {
        if let Some(cookie) = self.affinity_cookie(index, asked, context) {
            answer.append(SET_COOKIE, cookie);
        }
    }

    /// The mirror's position, if this call is copied.
    pub(crate) fn mirror(&self) -> Option<usize> {
        let (index, percent) = self.mirror?;
        takes(self.share.load(Ordering::Relaxed), percent).then_some(index)
    }

    /// Earns the part of a retry that every call is worth.
    pub(crate) fn earn(&self) {
        if let Some(retries) = &self.retries {
            let more = |saved: u32| Some(saved.saturating_add(retries.budget_percent.min(100)).min(MAX_SAVED));
            let _always = self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        }
    }

    /// Pays for a retry; false when too many calls needed one.
    pub(crate) fn spend(&self) -> bool {
        let less = |saved: u32| saved.checked_sub(RETRY_COST);
        self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

impl CanaryRule {
    fn takes(&self, asker: &Asker<'_>, share: usize) -> bool {
        let named = |(name, value): &(HeaderName, String)| {
            asker.headers.get(name).is_some_and(|v| v.as_bytes() == value.as_bytes())
        };
        self.header.as_ref().is_some_and(named) || takes(share, self.percent)
    }
}

/// Whether the call of this number belongs to a part of all calls, spread evenly: 61 and 100 have no common divisor.
const fn takes(number: usize, percent: u32) -> bool {
    ((number % 100) * 61) % 100 < percent as usize
}

/// A round in which each position comes as often as its weight and as far apart as can be.
fn round(weights: impl Iterator<Item = u32>) -> Vec<usize> {
    let weights: Vec<i64> = weights.map(|w| i64::from(w.clamp(1, 1000))).collect();
    let divisor = weights.iter().fold(0, |a, b| gcd(a, *b)).max(1);
    let total: i64 = weights.iter().map(|w| w / divisor).sum();
    let mut credit = vec![0; weights.len()];
    let mut round = Vec::new();
    for _ in 0..usize::try_from(total).unwrap_or(0).min(MAX_ROUND) {
        for (credit, weight) in credit.iter_mut().zip(&weights) {
            *credit += weight / divisor;
        }
        let Some((index, richest)) = credit.iter_mut().enumerate().rev().max_by_key(|(_, credit)| **credit) else {
            break;
        };
        *richest -= total;
        round.push(index);
    }
    round
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The same in every process and on every worker, as long as the program is the same.
fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(COOKIE).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(';'));
    all.filter_map(|pair| pair.trim().split_once('=')).find(|(own, _)| *own == name).map(|(_, value)| value)
}

#[cfg(test)]
mod tests;
