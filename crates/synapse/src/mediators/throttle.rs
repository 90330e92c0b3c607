//! `throttle`

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::filter::Branch;
use crate::compile::Compiler;
use crate::flow::{Failure, Flow, PropertyScope};
use crate::mediator::{Boxed, Mediator, Next, Outcome, Run, Running};
use crate::xml::{Document, Element, Limits};

pub(super) const THROTTLE: Mediator =
    Mediator { name: "throttle", summary: "Lets a number of messages through in a time.", compile };

/// A limit for some clients.
#[derive(Clone, Debug)]
struct Limit {
    /// `other`, an address, a range `a-b`, or `*`.
    who: String,
    count: u32,
    window: Duration,
    /// `Allow`, `Deny`: no counting.
    access: Option<bool>,
}

#[derive(Debug)]
enum Policy {
    /// The second half of a pair, in the out sequence: nothing to count.
    None,
    Inline(Vec<Limit>),
    Key(String),
}

#[derive(Debug)]
struct Throttle {
    id: String,
    policy: Policy,
    /// Messages at the same time, and how many there are.
    parallel: Option<(u32, Arc<AtomicU32>)>,
    accept: Option<Branch>,
    reject: Option<Branch>,
}

fn compile(compiler: &mut Compiler, element: Element<'_>) -> Option<Boxed> {
    let id = compiler.required(element, "id")?;
    let policy = match element.child("policy") {
        None => Policy::None,
        Some(policy) => match policy.given("key") {
            Some(key) => Policy::Key(key.to_owned()),
            None => match limits_of(policy) {
                Ok(limits) => Policy::Inline(limits),
                Err(reason) => {
                    compiler.fault(policy, reason, "");
                    return None;
                }
            },
        },
    };
    let parallel = element.child("policy").and_then(concurrent).map(|most| (most, Arc::new(AtomicU32::new(0))));
    let mut branch = |attribute: &str| {
        if let Some(key) = element.given(attribute) {
            return Some(compiler.value(element, key).map(Branch::Key));
        }
        element.child(attribute).map(|child| Branch::compile(compiler, child))
    };
    let (accept, reject) = (branch("onAccept"), branch("onReject"));
    let accept = match accept {
        Some(branch) => Some(branch?),
        None => None,
    };
    let reject = match reject {
        Some(branch) => Some(branch?),
        None => None,
    };
    Some(Box::new(Throttle { id, policy, parallel, accept, reject }))
}

/// Reads WSO2's throttling policy: each `ID` stands with its limits in a policy of its own.
fn limits_of(policy: Element<'_>) -> Result<Vec<Limit>, String> {
    let document = policy.document;
    let mut found = Vec::new();
    for id in document.descendants(policy.id).filter(|id| document.local_name(*id) == "ID") {
        let who = document.text(id).trim().to_owned();
        let Some(scope) = document.parent(id) else { continue };
        let number = |name: &str| {
            let mut all = document.descendants(scope);
            all.find(|node| document.local_name(*node) == name)
                .and_then(|node| document.text(node).trim().parse::<u64>().ok())
        };
        let has = |name: &str| document.descendants(scope).any(|node| document.local_name(node) == name);
        let access = match (has("Allow"), has("Deny")) {
            (true, false) => Some(true),
            (_, true) => Some(false),
            (false, false) => None,
        };
        let count = u32::try_from(number("MaximumCount").unwrap_or(u64::from(u32::MAX))).unwrap_or(u32::MAX);
        let window = Duration::from_millis(number("UnitTime").unwrap_or(1000).max(1));
        found.push(Limit { who, count, window, access });
    }
    let parallel = document.descendants(policy.id).any(|id| document.local_name(id) == "MaximumConcurrentAccess");
    if found.is_empty() && !parallel {
        return Err("the policy has no limit: ID with MaximumCount and UnitTime".to_owned());
    }
    Ok(found)
}

/// A place among the messages at the same time, given back when the exchange ends.
struct Place(Arc<AtomicU32>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

fn concurrent(policy: Element<'_>) -> Option<u32> {
    let document = policy.document;
    let mut all = document.descendants(policy.id);
    let found = all.find(|id| document.local_name(*id) == "MaximumConcurrentAccess")?;
    document.text(found).trim().parse().ok()
}

/// A number out of an IPv4 address, for ranges.
fn number_of(address: &str) -> Option<u32> {
    address.trim().parse::<std::net::Ipv4Addr>().ok().map(u32::from)
}

impl Limit {
    fn fits(&self, client: &str) -> bool {
        if let Some((from, to)) = self.who.split_once('-')
            && let (Some(from), Some(to), Some(client)) = (number_of(from), number_of(to), number_of(client))
        {
            return (from..=to).contains(&client);
        }
        self.who == client || self.who == "*"
    }
}

impl Throttle {
    async fn throttle(&self, flow: &mut Flow) -> Outcome {
        let admitted = self.admit(flow)?;
        let branch = if admitted { &self.accept } else { &self.reject };
        let outcome = match branch {
            Some(branch) => match branch.run(flow) {
                Running::Ready(outcome) => outcome?,
                Running::Waiting(future) => future.await?,
            },
            None => Next::Continue,
        };
        Ok(if admitted { outcome } else { Next::Stop })
    }

    fn admit(&self, flow: &mut Flow) -> Result<bool, Failure> {
        if let Some((most, running)) = &self.parallel {
            let place = Place(Arc::clone(running));
            if running.fetch_add(1, Ordering::AcqRel) >= *most {
                return Ok(false);
            }
            flow.exchange.hold(Box::new(place));
        }
        let loaded;
        let limits = match &self.policy {
            Policy::None => return Ok(true),
            Policy::Inline(limits) => limits,
            Policy::Key(key) => {
                let configuration = Arc::clone(&flow.exchange.configuration);
                let text = configuration.text_of(key);
                let text = text.ok_or_else(|| Failure::new(format!("the throttling policy {key} is not deployed")))?;
                let document =
                    Document::parse(&text, Limits::ARTIFACT).map_err(|e| Failure::new(format!("{key}: {e}")))?;
                let root = Element::root(&document).ok_or_else(|| Failure::new(format!("{key} is empty")))?;
                loaded = limits_of(root).map_err(Failure::new)?;
                &loaded
            }
        };
        let client = flow.property(PropertyScope::Axis2, "REMOTE_ADDR").as_text();
        let own = limits
            .iter()
            .find(|limit| limit.fits(&client))
            .or_else(|| limits.iter().find(|limit| limit.who == "other"));
        let Some(limit) = own else { return Ok(true) };
        if let Some(access) = limit.access {
            return Ok(access);
        }
        Ok(flow.host().admit(&format!("throttle/{}/{client}", self.id), limit.count, limit.window))
    }
}

impl Run for Throttle {
    fn run<'a>(&'a self, flow: &'a mut Flow) -> Running<'a> {
        Running::waiting(self.throttle(flow))
    }
}
