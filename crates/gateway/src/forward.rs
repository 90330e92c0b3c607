//! Phase "forward": one call to an upstream.

use bytes::BytesMut;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method, Request, Response, Uri};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use crate::authorise::Permit;
use crate::body::{Lease, RequestBody};
use crate::counters::Counter;
use crate::fault::Fault;
use crate::path::{canonical, query_is_clean};
use crate::pool::Sender;
use crate::template::Variables;
use crate::upstream::{CompiledEndpoint, Credential, Peer, Target};
use crate::worker::Worker;

/// How long a connection from the pool may need to become ready.
const SETTLE: Duration = Duration::from_millis(20);

/// What goes to the upstream.
pub(crate) struct Outgoing<'a> {
    /// Method.
    pub(crate) method: Method,
    /// Headers, stripped.
    pub(crate) headers: HeaderMap,
    /// Body.
    pub(crate) body: RequestBody,
    /// Canonical path below the API's context; empty for the context itself.
    pub(crate) path: &'a str,
    /// Query without the question mark.
    pub(crate) query: Option<&'a str>,
    /// Variables of the resource's template.
    pub(crate) variables: &'a Variables,
}

/// Calls the endpoint that a permit allows. Needs the permit by type: forwarding without authorisation does not compile.
pub(crate) async fn forward(
    worker: &Arc<Worker>,
    permit: &Permit<'_>,
    outgoing: Outgoing<'_>,
) -> Result<(Response<Incoming>, Lease), Fault> {
    let endpoint = &permit.endpoint().endpoint;
    let Outgoing { method, mut headers, body, path, query, variables } = outgoing;
    if let Some(Credential::Header(name, value)) = &endpoint.credential {
        headers.insert(name.clone(), value.clone());
    }
    let mut request = Request::new(body);
    *request.method_mut() = method;
    *request.headers_mut() = headers;
    let deadline = Instant::now() + endpoint.timeout;
    let mut last = Fault::upstream_unreachable();
    for target in endpoint.candidates() {
        *request.uri_mut() = uri(target, endpoint, (path, query), variables)?;
        request.headers_mut().insert(http::header::HOST, target.peer.authority.clone());
        match attempt(worker, target, request, deadline).await {
            Attempt::Answered(response, sender) => {
                let lease = Lease { worker: Arc::clone(worker), peer: target.pool, sender };
                return Ok((response, lease));
            }
            Attempt::NotSent(unsent, fault) => {
                request = *unsent;
                last = fault;
            }
            Attempt::Failed(fault) => {
                last = fault;
                break;
            }
        }
    }
    worker.counters.add(Counter::UpstreamFailures);
    Err(last)
}

/// How a try with one target ended.
enum Attempt {
    Answered(Response<Incoming>, Sender),
    /// The request was not sent and may go to another target.
    NotSent(Box<Request<RequestBody>>, Fault),
    /// The upstream may have seen the request.
    Failed(Fault),
}

async fn attempt(
    worker: &Arc<Worker>,
    target: &Target,
    mut request: Request<RequestBody>,
    deadline: Instant,
) -> Attempt {
    // Idle connections may be closed by the upstream at any moment. A request that provably was not sent is repeated,
    // as is one that may be sent twice (RFC 9110 section 9.2.2); anything else is not.
    loop {
        let (mut sender, reused) = match worker.take_connection(target.pool) {
            Some(sender) => (sender, true),
            None => match connect(worker, &target.peer, deadline).await {
                Ok(sender) => (sender, false),
                Err(fault) => return Attempt::NotSent(Box::new(request), fault),
            },
        };
        if !sender.is_ready() {
            // A reused connection may still be sending an earlier request's body; another one is quicker then.
            let settled = timeout(SETTLE, sender.ready()).await;
            if !matches!(settled, Ok(Ok(()))) {
                if reused {
                    continue;
                }
                return Attempt::NotSent(Box::new(request), Fault::upstream_unreachable());
            }
        }
        let spare = if reused { duplicate(&request) } else { None };
        let mut error = match timeout_at(deadline, sender.try_send_request(request)).await {
            Ok(Ok(response)) => {
                worker.counters.add(if reused { Counter::UpstreamReuses } else { Counter::UpstreamConnections });
                return Attempt::Answered(response, sender);
            }
            Ok(Err(error)) => error,
            Err(_elapsed) => return Attempt::Failed(Fault::upstream_timeout()),
        };
        match error.take_message().or(spare) {
            Some(unsent) if reused => {
                worker.counters.add(Counter::UpstreamRetries);
                request = unsent;
            }
            Some(unsent) => return Attempt::NotSent(Box::new(unsent), Fault::upstream_unreachable()),
            None => return Attempt::Failed(Fault::upstream_unreachable()),
        }
    }
}

/// A second copy of a request that may be sent twice.
fn duplicate(request: &Request<RequestBody>) -> Option<Request<RequestBody>> {
    if !request.method().is_idempotent() {
        return None;
    }
    let mut copy = Request::new(request.body().replay()?);
    copy.method_mut().clone_from(request.method());
    copy.uri_mut().clone_from(request.uri());
    copy.headers_mut().clone_from(request.headers());
    Some(copy)
}

/// The origin-form target: base of the endpoint, path below the context, queries in the order endpoint, client, key.
fn uri(
    target: &Target,
    endpoint: &CompiledEndpoint,
    (path, query): (&str, Option<&str>),
    variables: &Variables,
) -> Result<Uri, Fault> {
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
    let mut text = BytesMut::with_capacity(base.len() + path.len() + query.map_or(0, str::len) + 64);
    text.extend_from_slice(base.as_bytes());
    text.extend_from_slice(path.as_bytes());
    let mut separator = b"?";
    for part in [own_query, query, key].into_iter().flatten() {
        text.extend_from_slice(separator);
        text.extend_from_slice(part.as_bytes());
        separator = b"&";
    }
    PathAndQuery::from_maybe_shared(text.freeze()).map(Uri::from).map_err(|_| wrong())
}

/// Opens a connection: resolve once, check every address, connect to exactly one that was checked.
async fn connect(worker: &Arc<Worker>, peer: &Peer, deadline: Instant) -> Result<Sender, Fault> {
    let limit = deadline.min(Instant::now() + worker.shared.settings.caps.connect_timeout);
    let opened = timeout_at(limit, open(worker, peer)).await;
    opened.unwrap_or_else(|_| Err(Fault::upstream_timeout()))
}

async fn open(worker: &Arc<Worker>, peer: &Peer) -> Result<Sender, Fault> {
    let stream = tcp(worker, peer).await?;
    // Small requests must not wait for the acknowledgement of earlier ones.
    let _slower = stream.set_nodelay(true);
    match &peer.tls_name {
        None => handshake(TokioIo::new(stream)).await,
        Some(name) => {
            let connector = TlsConnector::from(Arc::clone(&worker.shared.settings.upstream_tls));
            let stream = connector.connect(name.clone(), stream).await.map_err(|error| {
                tracing::warn!(host = %peer.host, %error, "TLS to the upstream failed");
                Fault::upstream_unreachable()
            })?;
            handshake(TokioIo::new(stream)).await
        }
    }
}

async fn tcp(worker: &Worker, peer: &Peer) -> Result<TcpStream, Fault> {
    let resolved = tokio::net::lookup_host((&*peer.host, peer.port)).await.map_err(|error| {
        tracing::warn!(host = %peer.host, %error, "the upstream's name was not resolved");
        Fault::upstream_unreachable()
    })?;
    let mut fault = Fault::upstream_unreachable();
    for address in resolved {
        if !worker.shared.egress.permits(address.ip()) {
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

async fn handshake<T>(io: T) -> Result<Sender, Fault>
where
    T: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let made = hyper::client::conn::http1::Builder::new().handshake(io).await;
    let (sender, connection) = made.map_err(|_| Fault::upstream_unreachable())?;
    tokio::spawn(async move {
        // An error here is also the error of the request in progress, if there is one.
        let _seen_by_the_request = connection.await;
    });
    Ok(sender)
}
