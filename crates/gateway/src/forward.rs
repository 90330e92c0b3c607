//! Phase "forward": one call to an upstream. `balanced` is what endpoints with traffic rules and gRPC need beyond that.

mod balanced;

use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, StatusCode};
use model::TenantId;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use crate::authorise::Permit;
use crate::body::{RequestBody, Upstream, collect};
use crate::counters::Counter;
use crate::fault::Fault;
use crate::path::{canonical, query_is_clean};
use crate::template::Variables;
use crate::traffic::Asker;
use crate::traffic::state::code;
use crate::upstream::digest::DigestAuth;
use crate::upstream::response::Head;
use crate::upstream::transport::Transport;
use crate::upstream::wire::{CallError, RequestHead, Wire};
use crate::upstream::{CompiledEndpoint, Credential, Peer, Target};
use crate::worker::Worker;

/// Longest body of an upstream's refusal that is read to keep its connection, and how long that may take.
const REFUSAL_BYTES: usize = 64 * 1024;
const REFUSAL_TIME: Duration = Duration::from_secs(5);

/// What goes to the upstream.
pub(crate) struct Outgoing<'a> {
    /// Method.
    pub(crate) method: Method,
    /// Headers, stripped.
    pub(crate) headers: HeaderMap,
    /// Body.
    pub(crate) body: RequestBody,
    /// When the time for an answer starts.
    pub(crate) asked: std::time::Instant,
    /// Canonical path below the API's context; empty for the context itself.
    pub(crate) path: &'a str,
    /// Query without the question mark.
    pub(crate) query: Option<&'a str>,
    /// Variables of the resource's template.
    pub(crate) variables: &'a Variables,
    /// Who calls, for endpoints that spread their calls by that.
    pub(crate) client: IpAddr,
    /// Context of the API, for a cookie's path.
    pub(crate) context: &'a str,
    /// Whether this is gRPC, which needs HTTP/2 to the upstream.
    pub(crate) grpc: bool,
}

/// Calls the endpoint that a permit allows. Needs the permit by type: forwarding without authorisation does not compile.
pub(crate) async fn forward(
    worker: &Arc<Worker>,
    permit: &Permit<'_>,
    outgoing: Outgoing<'_>,
) -> Result<(Head, Upstream), Fault> {
    let endpoint = &permit.endpoint().endpoint;
    if endpoint.balance.is_some() || outgoing.grpc {
        // Boxed, so that other calls need no room for what they do not use.
        return Box::pin(balanced::forward(worker, permit, outgoing)).await;
    }
    let Outgoing { method, mut headers, mut body, asked, path, query, variables, .. } = outgoing;
    if let Some(Credential::Header(name, value)) = &endpoint.credential {
        headers.insert(name.clone(), value.clone());
    }
    let deadline = Instant::from_std(asked) + endpoint.timeout.min(worker.shared.settings.caps.response_timeout);
    let mut last = Fault::upstream_unreachable();
    for target in endpoint.candidates() {
        let text = target_text(target, endpoint, (path, query), variables)?;
        let head = RequestHead { method: &method, target: &text, host: &target.peer.authority, headers: &headers };
        match proven(worker, endpoint, (permit.tenant(), target), &head, &mut body, (deadline, None)).await {
            Attempt::Answered(answer, wire) => {
                let limit = worker.shared.settings.caps.upstream_idle_timeout;
                return Ok((answer, Upstream::new(worker, target.pool, wire, body, limit)));
            }
            Attempt::NotSent(fault, _) => last = fault,
            Attempt::Failed(fault, _) => {
                last = fault;
                break;
            }
        }
    }
    worker.counters.add(Counter::UpstreamFailures);
    Err(last)
}

/// Makes a call that may change the protocol, on a connection of its own. Returns the index of its pool as well.
pub(crate) async fn open(
    worker: &Arc<Worker>,
    permit: &Permit<'_>,
    outgoing: Outgoing<'_>,
) -> Result<(Head, Box<Wire>, usize), Fault> {
    let endpoint = &permit.endpoint().endpoint;
    let Outgoing { method, mut headers, mut body, asked, path, query, variables, client, .. } = outgoing;
    if let Some(Credential::Header(name, value)) = &endpoint.credential {
        headers.insert(name.clone(), value.clone());
    }
    let targets: Vec<&Target> = match &endpoint.balance {
        None => endpoint.candidates().collect(),
        Some(balance) => {
            let order = balance.choose(&Asker { headers: &headers, client, path }, worker.now());
            order.into_iter().filter_map(|index| endpoint.target(index)).collect()
        }
    };
    let deadline = Instant::from_std(asked) + endpoint.timeout.min(worker.shared.settings.caps.response_timeout);
    let mut last = Fault::upstream_suspended();
    for target in targets {
        let text = target_text(target, endpoint, (path, query), variables)?;
        let head = RequestHead { method: &method, target: &text, host: &target.peer.authority, headers: &headers };
        let mut wire = match connect(worker, permit.tenant(), &target.peer, (deadline, None)).await {
            Ok(transport) => Box::new(Wire::new(transport)),
            Err((fault, _)) => {
                last = fault;
                continue;
            }
        };
        return match wire.call(&head, &mut body, deadline).await {
            Ok(answer) => {
                worker.counters.add(Counter::UpstreamConnections);
                Ok((answer, wire, target.pool))
            }
            Err(error) => Err(fault(target, &error)),
        };
    }
    worker.counters.add(Counter::UpstreamFailures);
    Err(last)
}

/// How a try with one target ended; failures with WSO2's code of what happened.
enum Attempt {
    Answered(Head, Box<Wire>),
    /// The request was not sent and may go to another target.
    NotSent(Fault, u32),
    /// The upstream may have seen the request.
    Failed(Fault, u32),
}

/// Until when the answer must be there, and how long connecting may take if that is not the gateway's own bound.
type Bounds = (Instant, Option<Duration>);

/// One try with a target, which may want its challenge answered first.
async fn proven(
    worker: &Arc<Worker>,
    endpoint: &CompiledEndpoint,
    (tenant, target): (TenantId, &Target),
    head: &RequestHead<'_>,
    body: &mut RequestBody,
    bounds: Bounds,
) -> Attempt {
    match endpoint.digest() {
        None => attempt(worker, (tenant, target), head, body, bounds).await,
        // Boxed, so that other calls need no room for it.
        Some(proof) => Box::pin(answering(worker, proof, (tenant, target), head, body, bounds)).await,
    }
}

async fn answering(
    worker: &Arc<Worker>,
    proof: &DigestAuth,
    (tenant, target): (TenantId, &Target),
    head: &RequestHead<'_>,
    body: &mut RequestBody,
    bounds: Bounds,
) -> Attempt {
    let mut headers = head.headers.clone();
    let spare = body.replay();
    for last in [false, true] {
        headers.remove(AUTHORIZATION);
        if let Some(value) = proof.value(head.method, head.target) {
            headers.insert(AUTHORIZATION, value);
        }
        let head = RequestHead { method: head.method, target: head.target, host: head.host, headers: &headers };
        match attempt(worker, (tenant, target), &head, body, bounds).await {
            Attempt::Answered(answer, wire) if answer.status == StatusCode::UNAUTHORIZED && !last => {
                let Some(again) = spare.as_ref().and_then(RequestBody::replay).filter(|_| proof.learn(&answer.headers))
                else {
                    return Attempt::Answered(answer, wire);
                };
                // Read to its end, so that the connection serves the next try; a long one costs a new connection.
                let refused = Upstream::new(worker, target.pool, wire, std::mem::replace(body, again), REFUSAL_TIME);
                let _thrown_away = collect(refused, REFUSAL_BYTES, REFUSAL_TIME).await;
            }
            other => return other,
        }
    }
    Attempt::Failed(Fault::upstream_unreachable(), code::PROTOCOL)
}

async fn attempt(
    worker: &Arc<Worker>,
    (tenant, target): (TenantId, &Target),
    head: &RequestHead<'_>,
    body: &mut RequestBody,
    bounds: Bounds,
) -> Attempt {
    let (deadline, _) = bounds;
    if let Some(mut wire) = worker.take_connection(target.pool) {
        // An idle connection may be closed by the upstream at any moment. A request that provably was not sent is
        // repeated on a new connection, as is one that may be sent twice (RFC 9110 section 9.2.2); anything else is not.
        let mut spare = body.replay();
        let outcome = match &mut spare {
            Some(spare) => wire.call(head, spare, deadline).await,
            None => wire.call(head, body, deadline).await,
        };
        let repeat = match &outcome {
            Err(CallError::NotSent(_)) => !body.is_begun(),
            Err(CallError::Unanswered) => spare.is_some() && head.method.is_idempotent(),
            _ => false,
        };
        match outcome {
            Ok(answer) => {
                worker.counters.add(Counter::UpstreamReuses);
                if let Some(spare) = spare {
                    *body = spare;
                }
                return Attempt::Answered(answer, wire);
            }
            Err(error) if !repeat => return Attempt::Failed(fault(target, &error), code_of(&error)),
            Err(_stale) => worker.counters.add(Counter::UpstreamRetries),
        }
    }
    let mut wire = match connect(worker, tenant, &target.peer, bounds).await {
        Ok(transport) => Box::new(Wire::new(transport)),
        Err((fault, code)) => return Attempt::NotSent(fault, code),
    };
    match wire.call(head, body, deadline).await {
        Ok(answer) => {
            worker.counters.add(Counter::UpstreamConnections);
            Attempt::Answered(answer, wire)
        }
        Err(error @ CallError::NotSent(_)) if !body.is_begun() => {
            Attempt::NotSent(fault(target, &error), code_of(&error))
        }
        Err(error) => Attempt::Failed(fault(target, &error), code_of(&error)),
    }
}

const fn code_of(error: &CallError) -> u32 {
    match error {
        CallError::NotSent(_) | CallError::Body(_) => code::SENDING,
        CallError::Unanswered => code::CLOSED,
        CallError::Broken(_) => code::RECEIVING,
        CallError::Malformed(_) => code::PROTOCOL,
        CallError::Timeout => code::TIMEOUT,
    }
}

fn fault(target: &Target, error: &CallError) -> Fault {
    tracing::debug!(host = %target.peer.host, %error, "a call to the upstream failed");
    match error {
        CallError::Timeout => Fault::upstream_timeout(),
        CallError::NotSent(_)
        | CallError::Unanswered
        | CallError::Broken(_)
        | CallError::Malformed(_)
        | CallError::Body(_) => Fault::upstream_unreachable(),
    }
}

/// The origin-form target: base of the endpoint, path below the context, queries in the order endpoint, client, key.
fn target_text(
    target: &Target,
    endpoint: &CompiledEndpoint,
    (path, query): (&str, Option<&str>),
    variables: &Variables,
) -> Result<Vec<u8>, Fault> {
    let wrong = || Fault::bad_request("The request target cannot be forwarded.");
    let key = match &endpoint.credential {
        Some(Credential::Query(pair)) => Some(&**pair),
        _ => None,
    };
    let expanded =
        target.template.as_ref().map(|template| (template.expand(variables, path, query), template.complete));
    let (base, own_query, path, query) = match &expanded {
        None if path.is_empty() => (&*target.root, target.query.as_deref(), "", query),
        None => (&*target.base, target.query.as_deref(), path, query),
        Some((text, complete)) => {
            let (base, own) = text.split_once('?').map_or((text.as_str(), None), |(base, own)| (base, Some(own)));
            // Values of the client became part of the path: what holds for a client's path holds for this one.
            canonical(base).map_err(|fault| Fault::bad_request(fault.reason()))?;
            if own.is_some_and(|q| !query_is_clean(q)) {
                return Err(wrong());
            }
            if *complete { (base, own, "", None) } else { (base.trim_end_matches('/'), own, path, query) }
        }
    };
    let mut text = Vec::with_capacity(base.len() + path.len() + query.map_or(0, str::len) + 64);
    text.extend_from_slice(base.as_bytes());
    text.extend_from_slice(path.as_bytes());
    let mut separator = b"?";
    for part in [own_query, query, key].into_iter().flatten() {
        text.extend_from_slice(separator);
        text.extend_from_slice(part.as_bytes());
        separator = b"&";
    }
    // Policies may have written anything. A blank or a line end would be the start of another request.
    let sound = text.first() == Some(&b'/') && text.iter().all(|b| (0x21..0x7f).contains(b) && *b != b'#');
    if sound { Ok(text) } else { Err(wrong()) }
}

/// Opens a connection: resolve once, check every address, connect to exactly one that was checked. A failure comes with
/// WSO2's code.
pub(crate) async fn connect(
    worker: &Worker,
    tenant: TenantId,
    peer: &Peer,
    bounds: Bounds,
) -> Result<Transport, (Fault, u32)> {
    connect_with(worker, tenant, peer, bounds, &worker.shared.settings.upstream_tls).await
}

async fn connect_with(
    worker: &Worker,
    tenant: TenantId,
    peer: &Peer,
    (deadline, own): Bounds,
    tls: &Arc<rustls::ClientConfig>,
) -> Result<Transport, (Fault, u32)> {
    let most = worker.shared.settings.caps.connect_timeout;
    let limit = deadline.min(Instant::now() + own.map_or(most, |own| own.min(most)));
    match timeout_at(limit, establish(worker, tenant, peer, tls)).await {
        Ok(opened) => opened.map_err(|fault| (fault, code::CONNECTION_FAILED)),
        Err(_late) => Err((Fault::upstream_timeout(), code::CONNECT_TIMEOUT)),
    }
}

async fn establish(
    worker: &Worker,
    tenant: TenantId,
    peer: &Peer,
    tls: &Arc<rustls::ClientConfig>,
) -> Result<Transport, Fault> {
    let stream = tcp(worker, tenant, peer).await?;
    // Small requests must not wait for the acknowledgement of earlier ones.
    let _slower = stream.set_nodelay(true);
    match &peer.tls_name {
        None => Ok(Transport::Plain(stream)),
        Some(name) => {
            let connector = TlsConnector::from(Arc::clone(tls));
            let stream = connector.connect(name.clone(), stream).await.map_err(|error| {
                tracing::warn!(host = %peer.host, %error, "TLS to the upstream failed");
                Fault::upstream_unreachable()
            })?;
            Ok(Transport::Secure(Box::new(stream)))
        }
    }
}

async fn tcp(worker: &Worker, tenant: TenantId, peer: &Peer) -> Result<TcpStream, Fault> {
    let resolved = worker.shared.resolver.resolve(tenant, &peer.host).await.map_err(|error| {
        tracing::warn!(host = %peer.host, %error, "the upstream's name was not resolved");
        Fault::upstream_unreachable()
    })?;
    let mut fault = Fault::upstream_unreachable();
    for address in resolved.iter().map(|ip| SocketAddr::new(*ip, peer.port)) {
        if !worker.shared.egress.allows(address) {
            tracing::warn!(host = %peer.host, address = %address.ip(), "the upstream lies in a network that is not allowed");
            fault = Fault::upstream_refused();
            continue;
        }
        // One address that does not answer must not use up the time of the others.
        let share = worker.shared.settings.caps.connect_timeout / 2;
        if let Ok(Ok(stream)) = timeout(share, TcpStream::connect(address)).await {
            return Ok(stream);
        }
    }
    Err(fault)
}
