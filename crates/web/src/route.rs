//! The route table: every operation with its access rule, and no way to register one without.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{RawPathParams, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, on};
use bytes::BytesMut;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, Uri, header};
use http_body_util::{BodyExt, Limited};
use model::{Secret, TenantDomain};
use percent_encoding::percent_decode_str;
use tokio::time::Instant;

use crate::form::{Fields, SESSION_COOKIE, cookie};
use crate::{
    Answer, AuthenticationError, Authenticator, Call, Credentials, LocalPeer, PeerAddress, PeerCertificate, Permit,
    Principal, RequestedTenant, RestError,
};

/// Bodies larger than this are refused unless the operation says otherwise: 1 MiB.
const DEFAULT_BODY_LIMIT: usize = 1024 * 1024;

/// One operation of an API.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Unique name, as in `publisher.apis.create`; also the OpenAPI operation id and the audit log's action.
    pub id: &'static str,
    /// Method, upper case.
    pub method: &'static str,
    /// Path with `{name}` parameters.
    pub path: &'static str,
    /// One line for the OpenAPI document.
    pub summary: &'static str,
    /// Largest accepted body, bytes.
    pub body_limit: usize,
}

impl Operation {
    /// An operation with the default body limit of 1 MiB.
    pub const fn new(id: &'static str, method: &'static str, path: &'static str, summary: &'static str) -> Self {
        Self { id, method, path, summary, body_limit: DEFAULT_BODY_LIMIT }
    }

    /// Another body limit, bytes.
    #[must_use]
    pub const fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }
}

/// Who may call an operation.
#[derive(Clone, Copy, Debug)]
pub enum Access {
    /// A principal with at least one of these scopes.
    AnyScope(&'static [&'static str]),
    /// Anybody, for the stated reason.
    Public(&'static str),
    /// Anybody, for the stated reason; who presents credentials is authenticated and sees what they may see. Wrong
    /// credentials are refused, not taken for none.
    Optional(&'static str),
    /// A person with a browser session, who has at least one of these scopes if any are named. Others are sent to the
    /// sign-in page; what is sent by another method than GET needs the token of a form of ours.
    Session(&'static [&'static str]),
    /// Anybody with a browser, for the stated reason; who has a session sees what they may see. A session that has ended
    /// counts as none: the page is open, and it shows who is signed in.
    Visitor(&'static str),
}

type Handler<S> = Arc<dyn Fn(Arc<S>, Passed, Call) -> crate::BoxFuture<'static, Response> + Send + Sync>;

/// What the gate hands to a handler.
enum Passed {
    Permitted(Box<Permit>),
    Open,
}

struct Route<S> {
    operation: Operation,
    access: Access,
    handler: Handler<S>,
    /// How a page shows that it is refused; JSON without.
    refuse: Option<fn(RestError) -> Answer>,
}

/// All operations of one listener over one state.
pub struct RouteTable<S> {
    routes: Vec<Route<S>>,
}

impl<S: Send + Sync + 'static> Default for RouteTable<S> {
    fn default() -> Self {
        Self { routes: Vec::new() }
    }
}

impl<S: Send + Sync + 'static> RouteTable<S> {
    /// An empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an operation that needs one of the scopes. The handler gets the [`Permit`].
    #[must_use]
    pub fn guarded<H, F, E>(mut self, operation: Operation, scopes: &'static [&'static str], handler: H) -> Self
    where
        H: Fn(Arc<S>, Permit, Call) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Answer, E>> + Send + 'static,
        E: IntoResponse,
    {
        let handler: Handler<S> = Arc::new(move |state, passed, call| match passed {
            Passed::Permitted(permit) => {
                let future = handler(state, *permit, call);
                Box::pin(async move { future.await.unwrap_or_else(IntoResponse::into_response) })
            }
            Passed::Open => Box::pin(async { RestError::unauthorized("Sign in first.").into_response() }),
        });
        self.routes.push(Route { operation, access: Access::AnyScope(scopes), handler, refuse: None });
        self
    }

    /// Adds an operation that anybody may call, for a reason that reviewers can judge.
    #[must_use]
    pub fn public<H, F, E>(mut self, operation: Operation, reason: &'static str, handler: H) -> Self
    where
        H: Fn(Arc<S>, Call) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Answer, E>> + Send + 'static,
        E: IntoResponse,
    {
        let handler: Handler<S> = Arc::new(move |state, _, call| {
            let future = handler(state, call);
            Box::pin(async move { future.await.unwrap_or_else(IntoResponse::into_response) })
        });
        self.routes.push(Route { operation, access: Access::Public(reason), handler, refuse: None });
        self
    }

    /// Adds an operation that anybody may call, for a reason that reviewers can judge, and that shows more to those who
    /// sign in. The handler gets the [`Permit`] of a caller who presented credentials.
    #[must_use]
    pub fn optional<H, F, E>(mut self, operation: Operation, reason: &'static str, handler: H) -> Self
    where
        H: Fn(Arc<S>, Option<Permit>, Call) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Answer, E>> + Send + 'static,
        E: IntoResponse,
    {
        let handler: Handler<S> = Arc::new(move |state, passed, call| {
            let permit = match passed {
                Passed::Permitted(permit) => Some(*permit),
                Passed::Open => None,
            };
            let future = handler(state, permit, call);
            Box::pin(async move { future.await.unwrap_or_else(IntoResponse::into_response) })
        });
        self.routes.push(Route { operation, access: Access::Optional(reason), handler, refuse: None });
        self
    }

    /// Adds a page for people with a browser session and, if any are named, one of the scopes. The handler gets the
    /// [`Permit`]. No other credentials count here, and a session counts nowhere else: a foreign page cannot make a
    /// browser act on the REST APIs.
    #[must_use]
    pub fn page<H, F, E>(mut self, operation: Operation, scopes: &'static [&'static str], handler: H) -> Self
    where
        H: Fn(Arc<S>, Permit, Call) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Answer, E>> + Send + 'static,
        E: IntoResponse,
    {
        self = self.guarded(operation, scopes, handler);
        if let Some(route) = self.routes.last_mut() {
            route.access = Access::Session(scopes);
        }
        self
    }

    /// Adds a page that anybody may open, for a reason that reviewers can judge, and that shows more to people with a
    /// browser session. The handler gets the [`Permit`] of a person who has one. Only for reading: a form is sent to
    /// [`RouteTable::page`].
    #[must_use]
    pub fn visit<H, F, E>(mut self, operation: Operation, reason: &'static str, handler: H) -> Self
    where
        H: Fn(Arc<S>, Option<Permit>, Call) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Answer, E>> + Send + 'static,
        E: IntoResponse,
    {
        debug_assert_eq!(operation.method, "GET", "{}", operation.id);
        self = self.optional(operation, reason, handler);
        if let Some(route) = self.routes.last_mut() {
            route.access = Access::Visitor(reason);
        }
        self
    }

    /// Says how the pages of this table show a refusal: a scope that is missing, a form from elsewhere.
    #[must_use]
    pub fn refuse_pages(mut self, refuse: fn(RestError) -> Answer) -> Self {
        for route in &mut self.routes {
            if matches!(route.access, Access::Session(_) | Access::Visitor(_)) {
                route.refuse = Some(refuse);
            }
        }
        self
    }

    /// Adds all operations of another table over the same state.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.routes.extend(other.routes);
        self
    }

    /// Every operation with its access rule, in order of registration: for OpenAPI and for the denial matrix.
    pub fn operations(&self) -> impl Iterator<Item = (&Operation, &Access)> {
        self.routes.iter().map(|r| (&r.operation, &r.access))
    }

    /// The router. Serve it through [`tenant_paths`].
    pub fn into_router(self, state: Arc<S>, authenticator: Arc<dyn Authenticator>) -> Router {
        let mut router = Router::new();
        for route in self.routes {
            let Ok(method) = Method::from_bytes(route.operation.method.as_bytes()) else { continue };
            let Ok(filter) = MethodFilter::try_from(method) else { continue };
            let path = route.operation.path;
            let shared = Arc::new((route, Arc::clone(&state), Arc::clone(&authenticator)));
            let service = move |params: RawPathParams, request: Request| {
                let shared = Arc::clone(&shared);
                async move {
                    let (route, state, authenticator) = &*shared;
                    dispatch(route, state, authenticator.as_ref(), &params, request).await
                }
            };
            router = router.route(path, on(filter, service));
        }
        router
    }
}

async fn dispatch<S: Send + Sync + 'static>(
    route: &Route<S>,
    state: &Arc<S>,
    authenticator: &dyn Authenticator,
    params: &RawPathParams,
    request: Request,
) -> Response {
    // Authorisation comes before the body is read: a stranger cannot make us hold 64 MiB.
    let (parts, body) = request.into_parts();
    let show = |error: RestError| match route.refuse {
        Some(refuse) => refuse(error),
        None => error.into_response(),
    };
    let passed = match pass(&route.access, authenticator, &parts).await {
        Ok(passed) => passed,
        Err(Refusal::Error(error)) => return show(error),
        Err(Refusal::Page(page)) => return *page,
    };
    let call = match read(&route.operation, params, parts, body).await {
        Ok(call) => call,
        Err(error) => return show(error),
    };
    if matches!(route.access, Access::Session(_))
        && call.method != Method::GET
        && let Err(error) = Fields::check(&call).await
    {
        return show(error);
    }
    (route.handler)(Arc::clone(state), passed, call).await
}

/// How a caller is turned away.
enum Refusal {
    Error(RestError),
    Page(Box<Response>),
}

impl From<RestError> for Refusal {
    fn from(error: RestError) -> Self {
        Self::Error(error)
    }
}

/// Lets a person with a session pass.
async fn pass_session(scopes: &[&str], authenticator: &dyn Authenticator, request: &Parts) -> Result<Passed, Refusal> {
    // A form that was sent after the session ended is not sent again behind the person's back.
    let wanted = (request.method == Method::GET).then(|| request.uri.path_and_query()).flatten();
    let sign_in = || Refusal::Page(Box::new(authenticator.demand_sign_in(wanted.map(|w| w.as_str()))));
    let Some(principal) = person(authenticator, request).await? else { return Err(sign_in()) };
    if scopes.is_empty() || scopes.iter().any(|s| principal.scopes.contains(*s)) {
        return Ok(Passed::Permitted(Box::new(Permit::granted(principal))));
    }
    Err(RestError::forbidden("Your account may not open this page.").into())
}

/// Lets anybody pass, and a person with a session as that person.
async fn pass_visitor(authenticator: &dyn Authenticator, request: &Parts) -> Result<Passed, Refusal> {
    let found = person(authenticator, request).await?;
    Ok(found.map_or(Passed::Open, |principal| Passed::Permitted(Box::new(Permit::granted(principal)))))
}

/// The person whose session the request carries; nobody when it carries none that is valid.
async fn person(authenticator: &dyn Authenticator, request: &Parts) -> Result<Option<Principal>, RestError> {
    let Some(value) = cookie(&request.headers, SESSION_COOKIE) else { return Ok(None) };
    let credentials = Credentials::Session(Secret::new(value.to_owned()));
    let address = request.extensions.get::<PeerAddress>().map(|p| p.0.ip());
    match authenticator.authenticate_from(credentials, None, address).await {
        Ok(principal) => Ok(Some(principal)),
        Err(AuthenticationError::Invalid) => Ok(None),
        Err(AuthenticationError::Unavailable(reason)) => Err(RestError::unavailable(reason)),
    }
}

async fn pass(access: &Access, authenticator: &dyn Authenticator, request: &Parts) -> Result<Passed, Refusal> {
    let scopes = match access {
        Access::Session(scopes) => return pass_session(scopes, authenticator, request).await,
        Access::Visitor(_) => return pass_visitor(authenticator, request).await,
        Access::Public(_) => return Ok(Passed::Open),
        Access::Optional(_) => {
            let presented =
                request.extensions.get::<LocalPeer>().is_some() || request.headers.contains_key(header::AUTHORIZATION);
            if !presented {
                return Ok(Passed::Open);
            }
            None
        }
        Access::AnyScope(scopes) => Some(*scopes),
    };
    let requested = request.extensions.get::<RequestedTenant>().map(|t| t.0.clone());
    let credentials = match request.extensions.get::<LocalPeer>() {
        // A token on the socket narrows what the peer may do; without one the peer is the operator.
        Some(peer) => Credentials::from_headers(&request.headers).unwrap_or(Credentials::Local(*peer)),
        None => Credentials::of_request(request).ok_or_else(|| {
            RestError::unauthorized("Send an access token in the Authorization header.").with_code(900_902)
        })?,
    };
    let address = request.extensions.get::<PeerAddress>().map(|p| p.0.ip());
    let found = authenticator.authenticate_from(credentials, requested.as_ref(), address).await;
    let principal = found.map_err(|e| match e {
        AuthenticationError::Invalid => {
            RestError::unauthorized("The credentials are wrong, expired or revoked.").with_code(900_901)
        }
        AuthenticationError::Unavailable(reason) => RestError::unavailable(reason),
    })?;
    if let Some(domain) = requested
        && domain != principal.tenant.domain
    {
        return Err(RestError::forbidden("You are not a user of this tenant.").into());
    }
    let Some(scopes) = scopes else { return Ok(Passed::Permitted(Box::new(Permit::granted(principal)))) };
    if scopes.iter().any(|s| principal.scopes.contains(*s)) {
        Ok(Passed::Permitted(Box::new(Permit::granted(principal))))
    } else {
        // WSO2 answers 401 here, and its clients look for it.
        Err(RestError::unauthorized(format!("The token needs one of these scopes: {}.", scopes.join(", ")))
            .with_code(900_910)
            .into())
    }
}

async fn read(operation: &Operation, params: &RawPathParams, parts: Parts, body: Body) -> Result<Call, RestError> {
    let body = collect(body, operation.body_limit).await?;
    let path: BTreeMap<String, String> = params.iter().map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    let query = parts.uri.query().unwrap_or_default();
    Ok(Call {
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        path,
        requested_tenant: parts.extensions.get::<RequestedTenant>().map(|t| t.0.clone()),
        peer: parts.extensions.get::<PeerAddress>().map(|p| p.0),
        peer_certificate: parts.extensions.get::<PeerCertificate>().cloned(),
        method: parts.method,
        uri: parts.uri,
        headers: parts.headers,
        body,
    })
}

/// How long a body may take beside the time its bytes need at [`BODY_BYTES_PER_SECOND`].
const BODY_TIME: Duration = Duration::from_secs(15);
/// Slowest sender that is waited for.
const BODY_BYTES_PER_SECOND: u64 = 16 * 1024;

/// Reads a body under a cap of bytes and a floor of speed: whoever drips bytes does not hold a connection.
async fn collect(body: Body, limit: usize) -> Result<bytes::Bytes, RestError> {
    let started = Instant::now();
    let mut body = Limited::new(body, limit);
    let mut collected = BytesMut::new();
    loop {
        let earned = Duration::from_secs(u64::try_from(collected.len()).unwrap_or(u64::MAX) / BODY_BYTES_PER_SECOND);
        let frame = match tokio::time::timeout_at(started + BODY_TIME + earned, body.frame()).await {
            Ok(frame) => frame,
            Err(_) => {
                return Err(RestError::new(
                    StatusCode::REQUEST_TIMEOUT,
                    408,
                    "Request Timeout",
                    "The body came too slowly.",
                ));
            }
        };
        match frame {
            None => return Ok(collected.freeze()),
            Some(Ok(frame)) => collected.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
            Some(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
                return Err(RestError::new(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    413,
                    "Payload Too Large",
                    format!("The body may have at most {limit} bytes here."),
                ));
            }
            Some(Err(error)) => {
                return Err(RestError::bad_request(format!("The body could not be read: {error}.")));
            }
        }
    }
}

/// Paths below which `/t/<domain>` may stand.
const TENANT_PREFIXED: [&str; 4] = ["/oauth2/", "/scim2/", "/api/server/", "/client-registration/"];

/// Takes `/t/<domain>` off the path of identity endpoints and remembers it; gives every answer its security headers.
/// Everything unknown is answered like any unknown path.
pub fn tenant_paths(request: &mut http::Request<Body>) -> Result<(), RestError> {
    let path = request.uri().path();
    let Some(rest) = path.strip_prefix("/t/") else { return Ok(()) };
    let unknown = || RestError::not_found("There is nothing at this path.");
    let (domain, tail) = rest.split_once('/').ok_or_else(unknown)?;
    let domain = percent_decode_str(domain).decode_utf8().map_err(|_| unknown())?;
    let domain: TenantDomain = domain.parse().map_err(|_| unknown())?;
    let tail = format!("/{tail}");
    if !TENANT_PREFIXED.iter().any(|p| tail.starts_with(p)) {
        return Err(unknown());
    }
    let uri = request.uri().query().map_or_else(|| tail.clone(), |query| format!("{tail}?{query}"));
    *request.uri_mut() = uri.parse::<Uri>().map_err(|_| unknown())?;
    request.extensions_mut().insert(RequestedTenant(domain));
    Ok(())
}

/// Headers that every answer of a management listener carries (guidelines A10, A11, A12, A16).
pub(crate) fn finish(mut response: Response, over_tls: bool) -> Response {
    let headers = response.headers_mut();
    let mut set = |name: header::HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    if over_tls {
        set(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains");
    }
    set(header::CACHE_CONTROL, "no-store");
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::X_FRAME_OPTIONS, "DENY");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'");
    response
}
