//! The way to backends: connections under the egress rules, kept while they are idle.

mod pool;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, HOST, HeaderName, HeaderValue, USER_AGENT};
use http::{Method, Request, Version};
use http_body_util::{BodyExt as _, Full, Limited};
use synapse::Headers;
use synapse::host::{Inbound, Outbound, TransportError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use web::{Egress, EgressError, EgressTarget};

use crate::coding;
use crate::settings::{Limits, World};
use pool::{Connection, Pool, Sent};

/// Synapse's codes of transport errors.
mod code {
    pub(super) const SENDING: i64 = 101_500;
    pub(super) const RECEIVING: i64 = 101_501;
    pub(super) const CONNECTING: i64 = 101_503;
    pub(super) const TIMEOUT: i64 = 101_504;
    pub(super) const CLOSED: i64 = 101_505;
    pub(super) const PROTOCOL: i64 = 101_506;
}

/// Backends whose connections are counted.
const BACKENDS: usize = 10_000;

/// The client of all messages.
pub(crate) struct Client {
    egress: Egress,
    pool: Arc<Pool>,
    limits: Limits,
    /// Places for messages to one backend.
    places: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Client {
    pub(crate) fn new(world: &World, limits: Limits) -> Self {
        let mut tls = (*world.tls).clone();
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Self {
            egress: Egress::new(world.egress.clone(), Arc::new(tls)),
            pool: Pool::new(limits.idle_connections, limits.idle_time),
            limits,
            places: Mutex::default(),
        }
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// With Synapse's code, as the properties `ERROR_CODE`, `ERROR_MESSAGE`, `ERROR_DETAIL` show it.
    pub(crate) async fn call(&self, request: Outbound) -> Result<Inbound, TransportError> {
        let deadline = Instant::now() + request.timeout.unwrap_or(self.limits.answer);
        let target = EgressTarget::parse(&request.url)
            .map_err(|e| error(code::CONNECTING, "Error connecting to the back end", &e.to_string()))?;
        let timeout = |what: &str| error(code::TIMEOUT, "Send timeout", &format!("{what} {}", target.origin()));
        let _place = match timeout_at(deadline, self.place(&target.origin())).await {
            Ok(place) => place,
            Err(_) => return Err(timeout("no free connection to")),
        };
        match timeout_at(deadline, self.exchange(&request, &target, deadline)).await {
            Ok(answered) => answered,
            Err(_) => Err(timeout("no answer in time from")),
        }
    }

    async fn place(&self, origin: &str) -> Option<OwnedSemaphorePermit> {
        let semaphore = {
            let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
            if places.len() >= BACKENDS {
                let all = self.limits.backend_connections;
                places.retain(|_, semaphore| semaphore.available_permits() < all);
            }
            let fresh = || Arc::new(Semaphore::new(self.limits.backend_connections));
            Arc::clone(places.entry(origin.to_owned()).or_insert_with(fresh))
        };
        semaphore.acquire_owned().await.ok()
    }

    async fn exchange(
        &self,
        outbound: &Outbound,
        target: &EgressTarget,
        deadline: Instant,
    ) -> Result<Inbound, TransportError> {
        let origin = target.origin();
        // A connection that was idle may have been closed by the backend a moment ago; then what was not sent goes out
        // on the next one, and on a fresh one at last.
        while let Some(connection) = self.pool.take(&origin) {
            let request = build(outbound, target, connection.is_http2())?;
            match connection.send(request).await {
                Ok(sent) => return self.finish(sent, &origin, outbound).await,
                Err(failed) if failed.unsent => {}
                Err(failed) => return Err(broken(&failed.reason, &origin)),
            }
        }
        let connect = deadline.min(Instant::now() + self.limits.connect);
        let stream = match timeout_at(connect, self.egress.connect(target)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(failure)) => return Err(refused(&failure)),
            Err(_) => {
                return Err(error(
                    code::CONNECTING,
                    "Error connecting to the back end",
                    &format!("{origin} does not accept a connection in time"),
                ));
            }
        };
        let connection = Connection::open(stream).await.map_err(|e| broken(&e, &origin))?;
        let request = build(outbound, target, connection.is_http2())?;
        match connection.send(request).await {
            Ok(sent) => self.finish(sent, &origin, outbound).await,
            Err(failed) => Err(broken(&failed.reason, &origin)),
        }
    }

    async fn finish(&self, sent: Sent, origin: &str, outbound: &Outbound) -> Result<Inbound, TransportError> {
        let Sent { response, connection } = sent;
        let (parts, body) = response.into_parts();
        let body = match Limited::new(body, self.limits.answer_body).collect().await {
            Ok(body) => body.to_bytes(),
            Err(cause) => {
                let large = cause.is::<http_body_util::LengthLimitError>();
                let detail = if large { "the answer is too large" } else { "the answer broke off" };
                return Err(error(code::RECEIVING, "Error in receiving the response", &format!("{origin}: {detail}")));
            }
        };
        let closes = parts
            .headers
            .get(http::header::CONNECTION)
            .is_some_and(|value| value.as_bytes().to_ascii_lowercase().windows(5).any(|part| part == b"close"));
        if !closes && parts.version != Version::HTTP_10 && !outbound.http10 {
            self.pool.put(origin, connection);
        }
        let mut headers: Headers = parts
            .headers
            .iter()
            .filter(|(name, _)| !is_of_connection(name))
            .map(|(name, value)| (spelled(name), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect();
        let body = coding::unpack(&mut headers, body, self.limits.answer_body)
            .map_err(|e| error(code::RECEIVING, "Error in receiving the response", &format!("{origin}: {e}")))?;
        Ok(Inbound { status: parts.status.as_u16(), headers, body })
    }
}

/// Fields that hold for one connection (RFC 9110 section 7.6.1), or for a length that may change.
fn is_of_connection(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-connection"
            | "transfer-encoding"
            | "te"
            | "trailer"
            | "upgrade"
            | "content-length"
    )
}

/// Header names in the spelling of HTTP/1.1, which mediators compare and write: `content-type` is `Content-Type`.
pub(crate) fn spelled(name: &HeaderName) -> String {
    let mut upper = true;
    name.as_str()
        .chars()
        .map(|c| {
            let c = if upper { c.to_ascii_uppercase() } else { c };
            upper = c == '-';
            c
        })
        .collect()
}

fn build(outbound: &Outbound, target: &EgressTarget, http2: bool) -> Result<Request<Full<Bytes>>, TransportError> {
    let unfit = |detail: String| error(code::SENDING, "Error in Sender", &detail);
    let method = Method::from_bytes(outbound.method.as_bytes())
        .map_err(|_| unfit(format!("{:?} is not an HTTP method", outbound.method)))?;
    let uri = if http2 { outbound.url.clone() } else { target.path_and_query().to_owned() };
    let mut request = Request::builder().method(&method).uri(uri);
    if let Some(headers) = request.headers_mut() {
        for (name, value) in outbound.headers.iter() {
            let name = HeaderName::from_bytes(name.as_bytes());
            let value = HeaderValue::from_bytes(value.as_bytes());
            let (Ok(name), Ok(value)) = (name, value) else {
                return Err(unfit("a header of the message cannot be sent: control characters".to_owned()));
            };
            // The answer is read here, so its coding is agreed on by this hop.
            if !is_of_connection(&name) && name != HOST && name != http::header::ACCEPT_ENCODING {
                headers.append(name, value);
            }
        }
        if !http2 && let Ok(host) = HeaderValue::from_str(&target.host_field()) {
            headers.insert(HOST, host);
        }
        if !headers.contains_key(USER_AGENT) {
            headers.insert(USER_AGENT, HeaderValue::from_static("Portcullis"));
        }
        let sends = !outbound.body.is_empty() || matches!(method, Method::POST | Method::PUT | Method::PATCH);
        if sends && let Ok(length) = HeaderValue::from_str(&outbound.body.len().to_string()) {
            headers.insert(CONTENT_LENGTH, length);
        }
    }
    if outbound.http10 && !http2 {
        request = request.version(Version::HTTP_10);
    }
    request.body(Full::new(outbound.body.clone())).map_err(|e| unfit(e.to_string()))
}

fn error(code: i64, message: &str, detail: &str) -> TransportError {
    TransportError { code, message: message.to_owned(), detail: detail.to_owned() }
}

fn refused(failure: &EgressError) -> TransportError {
    error(code::CONNECTING, "Error connecting to the back end", &failure.to_string())
}

fn broken(reason: &hyper::Error, origin: &str) -> TransportError {
    if reason.is_parse() {
        return error(code::PROTOCOL, "Protocol violation", &format!("{origin} does not speak HTTP"));
    }
    if reason.is_incomplete_message() || reason.is_closed() || reason.is_canceled() {
        return error(code::CLOSED, "Connection closed", &format!("{origin} closed the connection before it answered"));
    }
    error(code::SENDING, "Error in Sender", &format!("{origin}: the connection broke"))
}
