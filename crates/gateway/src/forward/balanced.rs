//! Calls of endpoints with traffic rules, and of gRPC: which targets, how often, over which protocol.

use http::{HeaderMap, Method, StatusCode};
use model::TenantId;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

use super::{Attempt, Bounds, Outgoing, connect_with, proven, target_text};
use crate::authorise::Permit;
use crate::body::{Progress, RequestBody, Upstream, collect};
use crate::counters::Counter;
use crate::fault::Fault;
use crate::traffic::state::{InFlight, code};
use crate::traffic::{Asker, Balance};
use crate::upstream::response::Head;
use crate::upstream::streams::{Link, StreamError, StreamHead, Streamed, shake_hands};
use crate::upstream::transport::Transport;
use crate::upstream::wire::{RequestHead, Wire};
use crate::upstream::{CompiledEndpoint, Credential, Target};
use crate::worker::Worker;

/// Copies of calls under way to mirrors, for one worker.
const MIRRORED: usize = 64;
/// Bytes of a mirror's answer that are read so that its connection can be used again.
const MIRROR_ANSWER: usize = 64 * 1024;

/// What is the same for every try of one call.
struct Attempts<'a> {
    worker: &'a Arc<Worker>,
    tenant: TenantId,
    endpoint: &'a CompiledEndpoint,
    method: Method,
    headers: HeaderMap,
    path: &'a str,
    query: Option<&'a str>,
    variables: &'a crate::template::Variables,
    asked: std::time::Instant,
    http2: bool,
    trailers: bool,
    /// What becomes of the client's body, if it is streamed.
    progress: Option<Arc<Progress>>,
}

/// How a try ended.
enum Outcome {
    Answered(Head, Box<Upstream>),
    NotSent(Fault, u32, RequestBody),
    Failed(Fault, u32),
}

pub(super) async fn forward(
    worker: &Arc<Worker>,
    permit: &Permit<'_>,
    outgoing: Outgoing<'_>,
) -> Result<(Head, Upstream), Fault> {
    let endpoint = &permit.endpoint().endpoint;
    let balance = endpoint.balance.as_deref();
    let Outgoing { method, mut headers, body, asked, path, query, variables, client, context, grpc } = outgoing;
    let order = match balance {
        Some(balance) => balance.choose(&Asker { headers: &headers, client, path }, worker.now()),
        None => endpoint.candidate_positions().collect(),
    };
    let asked_headers = balance.and_then(|b| b.is_sticky().then(|| headers.clone()));
    if let Some(Credential::Header(name, value)) = &endpoint.credential {
        headers.insert(name.clone(), value.clone());
    }
    let http2 = grpc || balance.is_some_and(|b| b.http2);
    let tenant = permit.tenant();
    let progress = body.progress();
    let attempts = Attempts {
        worker,
        tenant,
        endpoint,
        method,
        headers,
        path,
        query,
        variables,
        asked,
        http2,
        trailers: grpc,
        progress,
    };
    if let Some(balance) = balance {
        balance.earn();
        mirror(balance, &attempts, &body)?;
    }
    let answered = match balance {
        None => attempts.plain(order, body).await,
        Some(balance) => attempts.balanced(balance, order, body).await,
    };
    match answered {
        Ok((index, mut head, upstream)) => {
            if let (Some(balance), Some(asked)) = (balance, &asked_headers) {
                balance.remember(index, asked, context, &mut head.headers);
            }
            Ok((head, *upstream))
        }
        Err(fault) => {
            worker.counters.add(Counter::UpstreamFailures);
            Err(fault)
        }
    }
}

impl Attempts<'_> {
    /// One target after the other until one may have seen the call.
    async fn plain(&self, order: Vec<usize>, mut body: RequestBody) -> Result<(usize, Head, Box<Upstream>), Fault> {
        let mut last = Fault::upstream_unreachable();
        for index in order {
            let Some(target) = self.endpoint.target(index) else { continue };
            match self.once(target, body, self.bounds(None, 0), None).await? {
                Outcome::Answered(head, upstream) => return Ok((index, head, upstream)),
                Outcome::NotSent(fault, _, back) => (last, body) = (fault, back),
                Outcome::Failed(fault, _) => return Err(fault),
            }
        }
        Err(last)
    }

    /// The same, with what the rules say about targets that fail.
    async fn balanced(
        &self,
        balance: &Balance,
        order: Vec<usize>,
        mut body: RequestBody,
    ) -> Result<(usize, Head, Box<Upstream>), Fault> {
        let mut last = Fault::upstream_suspended();
        let mut retries = balance.retries.as_ref().map_or(0, |r| r.attempts.min(5));
        let count = order.len();
        // Each target once, and after that as many as there are retries.
        for (turn, index) in order.iter().copied().cycle().take(count + retries as usize).enumerate() {
            let (Some(member), Some(target)) = (balance.member(index), self.endpoint.target(index)) else { continue };
            if !member.state.begin(self.worker.now()) {
                continue;
            }
            let most = balance.breaker.map_or(0, |b| b.max_in_flight);
            let Some(in_flight) = InFlight::begin(&member.state, most) else {
                last = Fault::upstream_suspended();
                if balance.try_others && turn + 1 < count {
                    continue;
                }
                break;
            };
            let spare = body.replay();
            let (first, kept) = match spare {
                Some(spare) => (spare, Some(body)),
                None => (body, None),
            };
            let bounds = self.bounds(Some(balance), member.rules.timeout_ms);
            let breaker = balance.breaker.as_ref();
            let outcome = self.once(target, first, bounds, balance.idle_timeout).await?;
            let may_repeat = kept.is_some() && self.method.is_idempotent();
            match outcome {
                Outcome::Answered(head, upstream) => {
                    member.state.answered(head.status.is_server_error(), breaker, self.worker.now());
                    let again = |r: &model::snapshot::Retries| r.statuses.contains(&head.status.as_u16());
                    let wanted = may_repeat && retries > 0 && balance.retries.as_ref().is_some_and(again);
                    if !wanted || !balance.spend() {
                        return Ok((index, head, Box::new(upstream.counted(Some(in_flight)))));
                    }
                    retries -= 1;
                    self.worker.counters.add(Counter::UpstreamRetries);
                    last = status_fault(head.status);
                    body = kept.unwrap_or(RequestBody::Empty);
                }
                Outcome::NotSent(fault, code, back) => {
                    member.state.failed(code, &member.rules, breaker, self.worker.now());
                    last = fault;
                    body = kept.unwrap_or(back);
                    let others = balance.try_others && turn + 1 < count;
                    if !others {
                        let again = retries > 0 && self.method.is_idempotent();
                        if !again || !balance.spend() {
                            break;
                        }
                        retries -= 1;
                    }
                    self.worker.counters.add(Counter::UpstreamRetries);
                }
                // A client that sends slowly, or half, must not make a target look bad.
                Outcome::Failed(fault, _) if self.progress.as_ref().is_some_and(|p| p.is_behind()) => {
                    return Err(fault);
                }
                Outcome::Failed(fault, code) => {
                    member.state.failed(code, &member.rules, breaker, self.worker.now());
                    last = fault;
                    if !(may_repeat && retries > 0 && balance.spend()) {
                        break;
                    }
                    retries -= 1;
                    self.worker.counters.add(Counter::UpstreamRetries);
                    body = kept.unwrap_or(RequestBody::Empty);
                }
            }
        }
        Err(last)
    }

    /// A target's own time for an answer begins with each try; the gateway's bound holds for all of them together.
    fn bounds(&self, balance: Option<&Balance>, own_ms: u32) -> Bounds {
        let caps = &self.worker.shared.settings.caps;
        let asked = Instant::from_std(self.asked);
        let each = if own_ms > 0 { Duration::from_millis(u64::from(own_ms)) } else { self.endpoint.timeout };
        let start = if balance.is_some() { Instant::now() } else { asked };
        ((start + each).min(asked + caps.response_timeout), balance.and_then(|b| b.connect_timeout))
    }

    async fn once(
        &self,
        target: &Target,
        mut body: RequestBody,
        bounds: Bounds,
        idle: Option<Duration>,
    ) -> Result<Outcome, Fault> {
        let text = target_text(target, self.endpoint, (self.path, self.query), self.variables)?;
        let most = self.worker.shared.settings.caps.upstream_idle_timeout;
        let limit = idle.map_or(most, |idle| idle.min(most));
        if self.http2 {
            return Ok(self.stream(target, &text, body, bounds, limit).await);
        }
        let (method, headers) = (&self.method, &self.headers);
        let head = RequestHead { method, target: &text, host: &target.peer.authority, headers };
        Ok(match proven(self.worker, self.endpoint, (self.tenant, target), &head, &mut body, bounds).await {
            Attempt::Answered(head, wire) => {
                Outcome::Answered(head, Box::new(Upstream::new(self.worker, target.pool, wire, body, limit)))
            }
            Attempt::NotSent(fault, code) => Outcome::NotSent(fault, code, body),
            Attempt::Failed(fault, code) => Outcome::Failed(fault, code),
        })
    }

    async fn stream(
        &self,
        target: &Target,
        text: &[u8],
        mut body: RequestBody,
        bounds: Bounds,
        limit: Duration,
    ) -> Outcome {
        let head = StreamHead { method: &self.method, target: text, headers: &self.headers, trailers: self.trailers };
        let mut pooled = self.worker.take_link(target.pool);
        loop {
            let fresh = pooled.is_none();
            let link = match pooled.take() {
                Some(link) => link,
                None => match self.link(target, bounds).await {
                    Ok(link) => link,
                    Err((fault, code)) => return Outcome::NotSent(fault, code, body),
                },
            };
            let spare = body.replay();
            match link.call(target, &head, body, bounds.0).await {
                Ok((head, streamed)) => return self.answered(fresh, head, streamed, limit),
                // The connection was about to close: what was not sent goes to a new one.
                Err(StreamError::NotSent(back)) if !fresh => body = back,
                Err(StreamError::NotSent(back)) => {
                    return Outcome::NotSent(Fault::upstream_unreachable(), code::SENDING, back);
                }
                Err(StreamError::Refused) => {
                    return match spare {
                        Some(back) => Outcome::NotSent(Fault::upstream_unreachable(), code::CLOSED, back),
                        None => Outcome::Failed(Fault::upstream_unreachable(), code::CLOSED),
                    };
                }
                Err(StreamError::Timeout) => return Outcome::Failed(Fault::upstream_timeout(), code::TIMEOUT),
                Err(StreamError::Failed(error)) => {
                    tracing::debug!(host = %target.peer.host, %error, "a call to the upstream failed");
                    return Outcome::Failed(Fault::upstream_unreachable(), code::CLOSED);
                }
                Err(StreamError::Target) => {
                    let fault = Fault::bad_request("The request target cannot be forwarded.");
                    return Outcome::Failed(fault, code::SENDING);
                }
            }
        }
    }

    fn answered(&self, fresh: bool, head: Head, streamed: Streamed, limit: Duration) -> Outcome {
        let counted = if fresh { Counter::UpstreamConnections } else { Counter::UpstreamReuses };
        self.worker.counters.add(counted);
        Outcome::Answered(head, Box::new(Upstream::on_stream(self.worker, streamed, limit)))
    }

    /// A new HTTP/2 connection, which later calls share.
    async fn link(&self, target: &Target, bounds: Bounds) -> Result<Link, (Fault, u32)> {
        let tls = &self.worker.shared.streams_tls;
        let transport = connect_with(self.worker, self.tenant, &target.peer, bounds, tls).await?;
        let unfit = || (Fault::upstream_unreachable(), code::PROTOCOL);
        if let Transport::Secure(stream) = &transport
            && stream.get_ref().1.alpn_protocol() != Some(b"h2")
        {
            tracing::warn!(host = %target.peer.host, "the upstream does not speak HTTP/2");
            return Err(unfit());
        }
        let keep_alive = self.worker.shared.settings.caps.pool_idle_timeout;
        let link = shake_hands(transport, keep_alive).await.map_err(|error| {
            tracing::warn!(host = %target.peer.host, %error, "HTTP/2 with the upstream failed");
            unfit()
        })?;
        self.worker.give_link(target.pool, &link);
        Ok(link)
    }
}

/// What the client gets when the last try failed otherwise than the answer that asked for it.
fn status_fault(status: StatusCode) -> Fault {
    if status == StatusCode::GATEWAY_TIMEOUT { Fault::upstream_timeout() } else { Fault::upstream_unreachable() }
}

/// Sends a copy of a call elsewhere, without waiting: the client's call never depends on it. Only calls whose body is at
/// hand as a whole are copied, and no more at a time than there is room for.
fn mirror(balance: &Balance, call: &Attempts<'_>, body: &RequestBody) -> Result<(), Fault> {
    let Some(index) = balance.mirror() else { return Ok(()) };
    let (Some(member), Some(target)) = (balance.member(index), call.endpoint.target(index)) else { return Ok(()) };
    let Some(mut body) = body.replay() else { return Ok(()) };
    let most = u32::try_from(MIRRORED).unwrap_or(u32::MAX);
    let Some(in_flight) = InFlight::begin(&member.state, most) else { return Ok(()) };
    let text = target_text(target, call.endpoint, (call.path, call.query), call.variables)?;
    let (worker, tenant, peer, pool) = (Arc::clone(call.worker), call.tenant, Arc::clone(&target.peer), target.pool);
    let (method, headers) = (call.method.clone(), call.headers.clone());
    let bounds = call.bounds(Some(balance), 0);
    tokio::spawn(async move {
        let _counted = in_flight;
        let head = RequestHead { method: &method, target: &text, host: &peer.authority, headers: &headers };
        let mut wire = match worker.take_connection(pool) {
            Some(wire) => wire,
            None => match super::connect(&worker, tenant, &peer, bounds).await {
                Ok(transport) => Box::new(Wire::new(transport)),
                Err(_) => return,
            },
        };
        if wire.call(&head, &mut body, bounds.0).await.is_ok() {
            let answer = Upstream::new(&worker, pool, wire, body, Duration::from_secs(5));
            let _thrown_away = collect(answer, MIRROR_ANSWER, Duration::from_secs(5)).await;
        }
    });
    Ok(())
}
