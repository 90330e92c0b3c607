//! HTTP in: a request becomes a message, its answer a response. Sizes and times are bounded.

use std::pin::Pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::header::{ALLOW, CONTENT_LENGTH, HOST, HeaderName, HeaderValue, TRANSFER_ENCODING};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Body as _, Incoming};
use synapse::engine::{self, Arrival, Unserved};
use synapse::host::Reply;
use synapse::{Headers, Host, Message, Pattern};
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::{Instant, timeout, timeout_at};
use web::Arrived;

use crate::client::spelled;
use crate::coding::{self, CodingError};
use crate::context::Context;
use crate::host::{ExchangeHost, plain};
use crate::service::Local;
use crate::wsdl;

/// Where messages of a listener go.
#[derive(Clone)]
pub(crate) enum Entrance {
    /// By path: APIs, proxies, data services, the main sequence.
    All,
    /// An inbound endpoint: a sequence, with another for failures.
    Sequence {
        /// The sequence.
        sequence: Arc<str>,
        /// What runs when the sequence fails.
        on_error: Arc<str>,
        /// Paths that match go to APIs, proxies and data services instead (`dispatch.filter.pattern`).
        to_all: Option<Arc<Pattern>>,
    },
}

/// Serves one request.
pub(crate) async fn serve(
    context: Arc<Context>,
    entrance: Entrance,
    request: Request<Incoming>,
    arrived: Arrived,
) -> Response<Full<Bytes>> {
    let head_only = request.method() == Method::HEAD;
    let reply = match receive(&context, request, arrived).await {
        Ok(received) => exchange(&context, entrance, received).await,
        Err(reply) => reply,
    };
    respond(reply, head_only)
}

/// A request that was read.
struct Received {
    method: String,
    target: String,
    host: String,
    message: Message,
    arrived: Arrived,
    /// Given back when the message has been worked on.
    held: (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>),
}

async fn receive(context: &Context, request: Request<Incoming>, arrived: Arrived) -> Result<Received, Reply> {
    let limits = context.settings().limits;
    let (parts, body) = request.into_parts();
    if matches!(parts.method, Method::CONNECT | Method::TRACE) {
        return Err(plain(405, "The method is not available."));
    }
    if parts.headers.get_all(HOST).iter().count() > 1 {
        return Err(plain(400, "The request has more than one Host."));
    }
    let path = parts.uri.path();
    if !is_straight(path) {
        return Err(plain(400, "The path has parts that lead upwards."));
    }
    let target = parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string);
    let mut headers: Headers = parts
        .headers
        .iter()
        .filter(|(name, _)| !matches!(**name, TRANSFER_ENCODING | CONTENT_LENGTH))
        .map(|(name, value)| (spelled(name), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    // HTTP/2 has no field Host.
    if headers.get("Host").is_none()
        && let Some(authority) = parts.uri.authority()
    {
        headers.set("Host", authority.as_str());
    }
    let Ok(place) = Arc::clone(&context.places).try_acquire_owned() else {
        return Err(plain(503, "Too many messages are being worked on."));
    };
    let (body, bytes) = read(context, body).await?;
    let body = coding::unpack(&mut headers, body, limits.request_body).map_err(|error| match error {
        CodingError::Broken => plain(400, "The body is not in the content coding that it names."),
        CodingError::TooLarge => plain(413, "The body is too large unpacked."),
        CodingError::Unknown => plain(415, "The content coding is not known."),
    })?;
    Ok(Received {
        method: parts.method.as_str().to_owned(),
        target,
        host: headers.get("Host").unwrap_or("localhost").to_owned(),
        message: Message::raw(headers, body),
        arrived,
        held: (place, bytes),
    })
}

/// Whether a path has no part that leads upwards, written out or encoded: it is appended to addresses of backends.
fn is_straight(path: &str) -> bool {
    path.split('/').all(|part| {
        let dots = part.get(..12.min(part.len())).unwrap_or(part).to_ascii_lowercase().replace("%2e", ".");
        dots != "." && dots != ".." && !dots.starts_with("..%2f") && !dots.starts_with("..%5c")
    })
}

/// Reads a body: whole, below the cap, not too slowly, and only while there is memory for it.
async fn read(context: &Context, mut body: Incoming) -> Result<(Bytes, Option<OwnedSemaphorePermit>), Reply> {
    if body.is_end_stream() {
        return Ok((Bytes::new(), None));
    }
    let limits = context.settings().limits;
    let too_large = || plain(413, "The body is too large.");
    let busy = || plain(503, "Too many large messages are being worked on.");
    if body.size_hint().lower() > limits.request_body as u64 {
        return Err(too_large());
    }
    let deadline = Instant::now() + limits.body_time;
    let mut held: Option<OwnedSemaphorePermit> = None;
    let (mut first, mut all, mut length): (Bytes, BytesMut, usize) = (Bytes::new(), BytesMut::new(), 0);
    loop {
        let wait = deadline.min(Instant::now() + limits.body_pause);
        let frame = match timeout_at(wait, body.frame()).await {
            Ok(None) => break,
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(_))) => return Err(plain(400, "The body broke off.")),
            Err(_) => return Err(plain(408, "The body came too slowly.")),
        };
        let Ok(data) = frame.into_data() else { continue };
        let units = (length + data.len()).div_ceil(1024) - length.div_ceil(1024);
        length += data.len();
        if length > limits.request_body {
            return Err(too_large());
        }
        if units > 0 {
            let units = u32::try_from(units).unwrap_or(u32::MAX);
            let Ok(more) = Arc::clone(&context.bodies).try_acquire_many_owned(units) else { return Err(busy()) };
            match held.as_mut() {
                Some(held) => held.merge(more),
                None => held = Some(more),
            }
        }
        // Most bodies are one piece, which is not copied.
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            if all.is_empty() {
                all.extend_from_slice(&first);
                first = Bytes::new();
            }
            all.extend_from_slice(&data);
        }
    }
    Ok((if all.is_empty() { first } else { all.freeze() }, held))
}

/// Works on a message in a task of its own: what follows the answer goes on, also when the client goes away.
async fn exchange(context: &Arc<Context>, entrance: Entrance, received: Received) -> Reply {
    let secure = received.arrived.secure;
    let asked = wsdl::Asked { method: &received.method, target: &received.target, host: &received.host, secure };
    if let Some(reply) = wsdl::serve(context, &asked).await {
        return reply;
    }
    let (sender, receiver) = oneshot::channel();
    let time = context.settings().limits.exchange_time;
    let working = work(Arc::clone(context), entrance, received, sender);
    context.spawn(working);
    match timeout(time, receiver).await {
        Ok(Ok(reply)) => reply,
        Ok(Err(_)) => plain(500, "The message could not be processed."),
        Err(_) => plain(504, "The answer took too long."),
    }
}

async fn work(context: Arc<Context>, entrance: Entrance, received: Received, client: oneshot::Sender<Reply>) {
    let Received { method, target, message, arrived, held, .. } = received;
    let deployment = context.current();
    let peer = arrived.peer.ip().to_canonical().to_string();
    let entrance = match entrance {
        Entrance::Sequence { to_all: Some(pattern), .. } if pattern.matches(&target) == Ok(true) => Entrance::All,
        entrance => entrance,
    };
    let local = Local { method, target, message, peer };
    if matches!(entrance, Entrance::All) && is_service(&deployment.configuration, &local.target) {
        for service in context.services() {
            if let Some(serving) = service.serve(&local) {
                drop(client.send(serving.await));
                return;
            }
        }
    }
    let Local { method, target, message, peer } = local;
    let scheme = if arrived.secure { "https" } else { "http" }.to_owned();
    let own = ExchangeHost::new(Arc::clone(&context), 0, Some(client));
    let host: Arc<dyn Host> = Arc::clone(&own) as Arc<dyn Host>;
    let options = method == "OPTIONS";
    let arrival = Arrival { method, target, scheme, peer, message };
    let outcome = match &entrance {
        Entrance::All => engine::dispatch(&deployment.configuration, &host, arrival).await,
        Entrance::Sequence { sequence, on_error, .. } => {
            engine::dispatch_to(&deployment.configuration, &host, arrival, (sequence, on_error)).await
        }
    };
    match outcome {
        Ok(()) => {}
        Err(Unserved::NotFound) => own.reply(plain(404, "Nothing is deployed at this address.")),
        Err(Unserved::Method(allowed)) => {
            let mut reply = plain(405, "The method is not available here.");
            if options {
                reply = Reply { status: 200, headers: Headers::new(), body: Bytes::new() };
            }
            let mut allowed: Vec<String> = allowed;
            allowed.sort();
            allowed.dedup();
            reply.headers.set(ALLOW.as_str(), allowed.join(", "));
            own.reply(reply);
        }
    }
    drop(held);
}

/// Whether a path asks for a service that is not a proxy.
fn is_service(configuration: &synapse::Configuration, target: &str) -> bool {
    let Some(rest) = target.strip_prefix("/services/") else { return false };
    let first = rest.split(['/', '?']).next().unwrap_or_default();
    let name = first.split('.').next().unwrap_or_default();
    !configuration.proxies.contains_key(first) && !configuration.proxies.contains_key(name)
}

fn respond(reply: Reply, head_only: bool) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(reply.status).ok().filter(|status| !status.is_informational());
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let empty = head_only || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let mut response = Response::new(Full::new(if empty { Bytes::new() } else { reply.body }));
    *response.status_mut() = status;
    for (name, value) in reply.headers.iter() {
        let (name, value) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()));
        match (name, value) {
            (Ok(name), Ok(value)) => {
                if !matches!(name, CONTENT_LENGTH | TRANSFER_ENCODING) {
                    response.headers_mut().append(name, value);
                }
            }
            _ => tracing::warn!("a header of an answer cannot be sent: control characters"),
        }
    }
    response
}

/// An answer that is being made.
type Answering = Pin<Box<dyn Future<Output = Response<Full<Bytes>>> + Send>>;

/// A handler for [`web::serve_traffic`].
pub(crate) fn handler(
    context: Arc<Context>,
    entrance: Entrance,
) -> impl Fn(Request<Incoming>, Arrived) -> Answering + Clone + Send + Sync + 'static {
    move |request, arrived| {
        let (context, entrance) = (Arc::clone(&context), entrance.clone());
        Box::pin(serve(context, entrance, request, arrived))
    }
}

#[cfg(test)]
mod tests {
    use super::is_straight;

    #[test]
    fn paths_that_lead_upwards_are_known_by_every_spelling() {
        for path in ["/a/../b", "/..", "/a/%2e%2e/b", "/a/.%2E", "/./a", "/a/%2e/b", "/a/..%2fb", "/a/%2e%2e%5cb"] {
            assert!(!is_straight(path), "{path}");
        }
        for path in ["/", "/a..b", "/a/...", "/a/.well-known", "/a/b.c/", "/%2e%2ea"] {
            assert!(is_straight(path), "{path}");
        }
    }
}
