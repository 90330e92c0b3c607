//! One call from head to record: the order of the phases. `tunnel` is the variant that ends in a WebSocket.

mod graphql;
mod journal;
mod mocked;
mod tunnel;

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, ACCESS_CONTROL_REQUEST_METHOD, AGE, AUTHORIZATION, CONTENT_LENGTH, ORIGIN};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use hyper::body::{Body, Incoming};
use model::snapshot::{ApiKind, Quota};
use model::{ApiId, TenantId, Timestamp, UsageKey};
use policy::{CompiledFlow, Decision, FaultFormat, Flow, Message, Target};
use std::borrow::Cow;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Instant;

use crate::access_log::{Fields, Rendered};
use crate::answer_cache;
use crate::api_log::{Flow as Step, Journal};
use crate::assertion::assertion;
use crate::authenticate::{Caller, INTERNAL_KEY, Source, authenticate, without_key};
use crate::authorise::{Asked, Permit, Standing, authorise, check_lifecycle};
use crate::binding::{Binding, DPOP};
use crate::body::{AnswerBody, Progress, RequestBody, Upstream, collect};
use crate::client_certificate::Presented;
use crate::compile::{Api, Compiled, CompiledResource, Scheme};
use crate::connection::{self, Connection};
use crate::counters::Counter;
use crate::entitlement::Entitlement;
use crate::events::{self, Events};
use crate::fault::{Fault, Format};
use crate::forward::{Outgoing, forward};
use crate::head;
use crate::inquiry::{Verdict, ask, inquiry};
use crate::limit::Window;
use crate::outbound_token::TokenSource;
use crate::proxy::Client;
use crate::respond;
use crate::route::Lookup;
use crate::settings::GatewaySettings;
use crate::token_cache::{Digest, Principal};
use crate::tokens::Ledger;
use crate::trace;
use crate::upstream::response::Head;
use crate::websocket;
use crate::worker::Worker;

/// Serves one request.
pub(crate) async fn serve(
    worker: Arc<Worker>,
    connection: Arc<Connection>,
    request: Request<Incoming>,
) -> Result<Response<AnswerBody>, Infallible> {
    let local = worker.local();
    let (mut parts, body) = request.into_parts();
    let present = head::Present::of(&parts.headers);
    let trace = if present.trace { trace::settle(&mut parts.headers) } else { None };
    let grpc = parts.version == Version::HTTP_2 && head::is_grpc(&parts.headers);
    let format = match (grpc, present.format) {
        (true, _) => Format::Grpc,
        (false, true) => Format::negotiate(&parts.headers, FaultFormat::Negotiated),
        (false, false) => Format::Json,
    };
    let origin = if present.origin { parts.headers.get(ORIGIN).cloned() } else { None };
    let client = connection.client(&parts.headers, &worker.shared.settings.proxies);
    let mut record = Record::new(&worker, &connection, &parts, client);
    record.trace = trace;
    let mut exchange = Exchange {
        client,
        worker: &worker,
        compiled: &local.compiled,
        generation: local.generation,
        connection: &connection,
        record: Some(record),
        origin,
        found: None,
        assertion: None,
        keep: None,
        verdict: None,
        entitlement: None,
        ledger: None,
        journal: None,
        present,
    };
    let outcome = exchange.run(parts, body).await;
    let response = match outcome {
        Ok(response) => response,
        Err(fault) => exchange.fail(&fault, format),
    };
    if exchange.journal.is_some() {
        exchange.write(Step::ResponseOut, None, (Some(response.status()), response.headers()));
    }
    Ok(response)
}

/// Adds the gateway's own token for an upstream.
async fn add_token(
    source: &TokenSource,
    settings: &GatewaySettings,
    headers: &mut HeaderMap,
    now: Timestamp,
) -> Result<(), Fault> {
    let client = settings.token_client.as_ref().ok_or_else(Fault::upstream_unreachable)?;
    let value = source.value(client.as_ref(), now).await.ok_or_else(Fault::upstream_unreachable)?;
    headers.insert(AUTHORIZATION, value);
    Ok(())
}

/// A request body.
enum Arriving {
    /// On its way.
    Stream(Incoming),
    /// Read already.
    Whole(Bytes),
}

impl Arriving {
    fn is_end_stream(&self) -> bool {
        match self {
            Self::Stream(body) => body.is_end_stream(),
            Self::Whole(_) => true,
        }
    }
}

/// What is known about a call so far.
struct Exchange<'a> {
    worker: &'a Arc<Worker>,
    compiled: &'a Compiled,
    generation: u64,
    connection: &'a Arc<Connection>,
    client: Client,
    /// Moves into the answer's body.
    record: Option<Box<Record>>,
    origin: Option<HeaderValue>,
    found: Option<(&'a Api, Option<&'a CompiledResource>)>,
    /// Tells the upstream who calls.
    assertion: Option<HeaderValue>,
    /// Under which key the answer may be kept.
    keep: Option<Digest>,
    /// What was found out about a credential that others judge.
    verdict: Option<Verdict>,
    /// Why a call that lasts may go on.
    entitlement: Option<Box<Entitlement>>,
    /// The plan that the tokens of the answer are charged to.
    ledger: Option<Box<Ledger>>,
    /// Where the call is written down, while somebody looks at its API.
    journal: Option<Box<Journal>>,
    /// Which fields may be there.
    present: head::Present,
}

impl<'a> Exchange<'a> {
    async fn run(&mut self, parts: Parts, body: Incoming) -> Result<Response<AnswerBody>, Fault> {
        let caps = &self.worker.shared.settings.caps;
        let host = head::host(&parts, self.present, caps)?;
        let path = head::path(&parts, caps)?;
        if let (Some(record), Cow::Owned(path)) = (&mut self.record, &path) {
            record.path = RecordPath::Canonical(path.as_str().into());
        }
        if !self.worker.shared.is_ready() {
            return Err(Fault::not_ready());
        }
        let (api, tail) = self.compiled.find_api(&host, &path).ok_or_else(Fault::no_api)?;
        self.found = Some((api, None));
        self.note(|record| {
            record.subject = Some(api.rendered.clone());
            record.api = Some((api.deployed.tenant, api.deployed.id));
        });
        check_lifecycle(api, self.client.secure)?;
        let tail = path.get(tail..).unwrap_or_default();
        if let Some(answer) = self.preflight(api, &parts, tail)? {
            return Ok(answer);
        }
        if api.deployed.kind == ApiKind::Ws || api.operations.is_some() && websocket::is_wanted(&parts) {
            let address = (host.as_ref().into(), path.as_ref().into(), path.len() - tail.len());
            drop((host, path));
            return self.tunnel(api, parts, address, !body.is_end_stream()).await;
        }
        let resource = match api.table.find(&parts.method, tail) {
            Lookup::Found(index) => api.resources.get(index).ok_or_else(Fault::no_resource)?,
            Lookup::WrongMethod => return Err(Fault::no_method()),
            Lookup::NotFound => return Err(Fault::no_resource()),
        };
        if let Some(operations) = &api.operations {
            let address = (path.as_ref().into(), path.len() - tail.len());
            drop((host, path));
            return self.graphql((api, operations), parts, address, body).await;
        }
        self.found = Some((api, Some(resource)));
        self.note(|record| record.subject = Some(resource.rendered.clone()));
        self.begin_journal(api, resource.log, (&parts, &path));
        let (caller, standing) = self.identify(api, resource, &parts).await?;
        self.note(|record| record.standing = Some(Arc::clone(&standing)));
        let length = body.size_hint().exact().unwrap_or(0);
        let now = self.record.as_ref().map_or_else(|| self.worker.now(), |record| record.at);
        let mut permit =
            authorise(self.compiled, (api, resource), &caller, &standing, &self.asked((now, length), &parts))?;
        self.assertion = self.make_assertion(api, &caller, &standing, now)?;
        if api.deployed.kind == ApiKind::Sse {
            let address = (ApiKind::Sse, host.as_ref().into(), path.as_ref().into());
            let who = (caller.clone(), Arc::clone(&standing));
            let entitlement = self.entitle(address, parts.clone(), self.certificate(&parts), who);
            self.entitlement = Some(Box::new(entitlement));
        }
        let limits = permit.take_byte_limits();
        self.note(|record| record.byte_limits = limits);
        self.ledger = Ledger::of(api, &standing).map(Box::new);
        let tail = tail.to_owned();
        drop((host, path));
        self.relay(&permit, &caller, resource, parts, tail, Arriving::Stream(body)).await
    }

    /// Authenticates, with a short cut for the token that was accepted on this connection for this API of this snapshot.
    /// Nothing else that acceptance depends on can have changed but the time.
    async fn identify(
        &mut self,
        api: &Api,
        resource: &CompiledResource,
        parts: &Parts,
    ) -> Result<(Caller, Arc<Standing>), Fault> {
        let mut fields = parts.headers.get_all(&api.token_header).iter();
        // A test key goes before a token, and two tokens are refused; only one token alone is recognised.
        let alone = resource.authenticated
            && api.schemes.contains(&Scheme::Token)
            && !parts.headers.contains_key(&INTERNAL_KEY);
        let field = match (fields.next(), fields.next()) {
            (Some(field), None) if alone => Some(field.as_bytes()),
            _ => None,
        };
        // What is known about a connection holds for one client.
        let own = self.client.address == self.connection.peer() && api.mutual_tls.is_none();
        let field = field.filter(|_| own);
        let known = field.and_then(|field| self.connection.recognise(field, self.generation, &api.deployed));
        if let (Some((principal, standing)), Some(record)) = (known, &self.record)
            && record.at.seconds() < principal.claims.expires
            && !self.compiled.issuers.get(principal.issuer).is_none_or(|issuer| issuer.is_stale(record.at))
        {
            self.worker.counters.add(Counter::TokenCacheHits);
            return Ok((Caller::Token(principal), standing));
        }
        let peer = self.client.address;
        let certificate = self.certificate(parts);
        if resource.authenticated
            && let Some(inquiry) = inquiry(self.compiled, api, parts)
        {
            // Boxed: nearly no call needs room for it.
            self.verdict = Some(Box::pin(ask(self.worker, self.compiled, api, inquiry, peer)).await);
        }
        let (certificate, verdict) = (certificate.as_deref(), self.verdict.as_ref());
        let source = Source { peer, secure: self.client.secure, certificate, proven: false, verdict };
        let caller = authenticate(self.worker, self.compiled, api, resource, parts, source)?;
        let standing = Arc::new(Standing::of(self.compiled, api, &caller, peer)?);
        // A proof is for one call, and a certificate may be that of another client next time.
        // An issuer that was asked is asked again before long.
        let lasting = |principal: &Principal| principal.binding == Binding::None && !principal.introspected;
        if let (Some(field), Caller::Token(principal)) = (field, &caller)
            && lasting(principal)
        {
            self.connection.remember(field, self.generation, &api.deployed, (principal, &standing));
        }
        Ok((caller, standing))
    }

    /// The token that tells the upstream who calls.
    fn make_assertion(
        &self,
        api: &Api,
        caller: &Caller,
        standing: &Standing,
        now: Timestamp,
    ) -> Result<Option<HeaderValue>, Fault> {
        let Some(how) = &self.worker.shared.settings.backend_token else { return Ok(None) };
        assertion(how, self.compiled, api, (caller, standing), now).map_err(|()| Fault::unclassified())
    }

    /// Adds it, after everything else that touches the headers.
    fn add_assertion(&mut self, headers: &mut HeaderMap) {
        if let (Some(value), Some(how)) = (self.assertion.take(), &self.worker.shared.settings.backend_token) {
            headers.insert(&how.header, value);
        }
    }

    /// The client's certificate. A peer that forwards for others has one of its own, which says nothing about them: then
    /// only the field counts that it writes, if the gateway is told of one.
    fn certificate(&self, parts: &Parts) -> Option<Arc<Presented>> {
        let settings = &self.worker.shared.settings;
        if !settings.proxies.forwards(self.connection.peer()) {
            return self.connection.certificate().cloned();
        }
        let mut fields = parts.headers.get_all(settings.client_certificate_header.as_ref()?).iter();
        let (Some(field), None) = (fields.next(), fields.next()) else { return None };
        Presented::from_field(field.as_bytes()).map(Arc::new)
    }

    /// Removes from a request what only the gateway reads, and what only the gateway says.
    fn strip(&self, api: &Api, headers: &mut HeaderMap) {
        let settings = &self.worker.shared.settings;
        let said = settings.backend_token.as_ref().map(|how| &how.header);
        let own = [settings.client_certificate_header.as_ref(), said];
        let credentials = [&api.token_header, &api.key_header, &DPOP];
        head::strip_request(headers, own, &credentials, settings.forward_authorization);
    }

    fn asked<'p>(&'p self, (now, bytes): (Timestamp, u64), parts: &'p Parts) -> Asked<'p> {
        let counters = &self.worker.shared.carried.counters;
        Asked { now, bytes, parts, peer: self.client.address, counters }
    }

    fn note(&mut self, change: impl FnOnce(&mut Record)) {
        if let Some(record) = &mut self.record {
            change(record);
        }
    }

    /// Answers a preflight (Fetch standard, section 4.8). WSO2 finds the resource by the requested method.
    fn preflight(&mut self, api: &Api, parts: &Parts, tail: &str) -> Result<Option<Response<AnswerBody>>, Fault> {
        let Some(cors) = api.cors.as_ref().filter(|_| parts.method == Method::OPTIONS) else { return Ok(None) };
        let Some(wanted) = parts.headers.get(ACCESS_CONTROL_REQUEST_METHOD) else { return Ok(None) };
        let wanted = Method::from_bytes(wanted.as_bytes()).map_err(|_| Fault::no_method())?;
        let resource = match api.table.find(&wanted, tail) {
            Lookup::Found(index) => api.resources.get(index).ok_or_else(Fault::no_resource)?,
            Lookup::WrongMethod => return Err(Fault::no_method()),
            Lookup::NotFound => return Err(Fault::no_resource()),
        };
        let headers = cors.preflight(&parts.headers, &resource.verbs);
        let Some(mut record) = self.record.take() else { return Ok(None) };
        record.status = StatusCode::OK;
        Ok(Some(respond::preflight(headers, self.client.secure, record)))
    }

    /// Request policies, the upstream, response policies.
    async fn relay(
        &mut self,
        permit: &Permit<'_>,
        caller: &Caller,
        resource: &CompiledResource,
        mut parts: Parts,
        tail: String,
        body: Arriving,
    ) -> Result<Response<AnswerBody>, Fault> {
        let Some((api, _)) = self.found else { return Err(Fault::no_api()) };
        if !body.is_end_stream() {
            head::expectation(&mut parts.headers)?;
        }
        self.strip(api, &mut parts.headers);
        let plain = parts.method == Method::GET && matches!(&body, Arriving::Stream(body) if body.is_end_stream());
        let mut call = Call {
            method: parts.method,
            target: Target { path: tail, query: parts.uri.query().and_then(without_key) },
            headers: parts.headers,
        };
        let flow = &resource.flows.request;
        let grpc = parts.version == Version::HTTP_2 && head::is_grpc(&call.headers);
        // Who answers a challenge sends a call twice.
        let whole = flow.needs_body() || permit.endpoint().endpoint.digest().is_some();
        let (mut body, progress) = self.request_body(whole, body, grpc).await?;
        if !flow.is_empty() {
            run_request_flow(flow, &mut call, caller, &mut body)?;
        }
        if let Some(mock) = &resource.mock {
            return self.mocked(mock, &resource.flows.response, (api, caller), call);
        }
        self.keep = if plain {
            let who = (caller, self.client.secure);
            answer_cache::key(api, resource, who, (&call.method, &call.target, &call.headers))
        } else {
            None
        };
        if let Some(answer) = self.keep.and_then(|key| self.kept(&key)) {
            return Ok(answer);
        }
        if self.ledger.is_some() {
            // It is read here what the answer has cost.
            call.headers.remove(ACCEPT_ENCODING);
        }
        self.add_assertion(&mut call.headers);
        let token = permit.endpoint().token.as_ref();
        if let Some(source) = token {
            add_token(source, &self.worker.shared.settings, &mut call.headers, self.worker.now()).await?;
        }
        self.note(|record| record.progress.clone_from(&progress));
        if self.journal.is_some() {
            self.write(Step::RequestOut, Some((&call.method, &call.target.path)), (None, &call.headers));
        }
        let asked = Instant::now();
        let outgoing = Outgoing {
            method: call.method.clone(),
            headers: std::mem::take(&mut call.headers),
            body,
            asked,
            path: &call.target.path,
            query: call.target.query.as_deref(),
            variables: &resource.variables,
            client: self.client.address,
            context: &api.deployed.versioned_context,
            grpc,
        };
        // The upstream is not to blame for a body that never came, or that is refused.
        let blame = |fault| match &progress {
            Some(progress) if progress.is_too_large() => Fault::body_too_large(),
            Some(progress) if progress.failed() => Fault::incomplete_body(),
            _ => fault,
        };
        let (head, upstream) = forward(self.worker, permit, outgoing).await.map_err(blame)?;
        let micros = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.note(|record| record.upstream_micros = Some(micros));
        if self.journal.is_some() {
            self.write(Step::ResponseIn, None, (Some(head.status), &head.headers));
        }
        if let Some(source) = token.filter(|_| head.status == StatusCode::UNAUTHORIZED) {
            source.refuse();
        }
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            // No upgrade was asked for.
            return Err(Fault::upstream_unreachable());
        }
        self.answer(&resource.flows.response, api, caller, call, (head, upstream)).await
    }

    /// An answer that was kept.
    fn kept(&mut self, key: &Digest) -> Option<Response<AnswerBody>> {
        let now = self.worker.now();
        let kept = self.worker.shared.answers.find(key, now)?;
        let mut record = self.record.take()?;
        record.status = StatusCode::OK;
        let mut headers = kept.headers.clone();
        headers.insert(AGE, kept.age(now));
        Some(respond::answer(StatusCode::OK, headers, kept.body.clone(), Some(record)))
    }

    async fn request_body(
        &mut self,
        whole: bool,
        body: Arriving,
        lasts: bool,
    ) -> Result<(RequestBody, Option<Arc<Progress>>), Fault> {
        let body = match body {
            Arriving::Stream(body) => body,
            Arriving::Whole(bytes) => return Ok((RequestBody::Whole(Some(bytes)), None)),
        };
        let caps = &self.worker.shared.settings.caps;
        if body.is_end_stream() {
            let empty = if whole { RequestBody::Whole(None) } else { RequestBody::Empty };
            return Ok((empty, None));
        }
        // Known beforehand as a rule; a body without a length is counted on its way.
        if body.size_hint().lower() > caps.body_bytes {
            return Err(Fault::body_too_large());
        }
        if !whole {
            // Between two messages of a gRPC stream both sides may take their time.
            let limit = if lasts { caps.upstream_idle_timeout } else { caps.stall_timeout };
            let (body, progress) = RequestBody::stream(body, limit, caps.body_bytes);
            return Ok((body, Some(progress)));
        }
        let cap =
            usize::try_from(caps.body_bytes).map_or(caps.buffered_body_bytes, |cap| cap.min(caps.buffered_body_bytes));
        let whole = collect(body, cap, caps.stall_timeout).await;
        let whole = whole.map_err(|_| Fault::incomplete_body())?.ok_or_else(Fault::body_too_large)?;
        self.note(|record| record.bytes_in = whole.len() as u64);
        Ok((RequestBody::Whole(Some(whole.into())), None))
    }

    async fn answer(
        &mut self,
        flow: &CompiledFlow,
        api: &Api,
        caller: &Caller,
        mut call: Call,
        (head, upstream): (Head, Upstream),
    ) -> Result<Response<AnswerBody>, Fault> {
        let caps = &self.worker.shared.settings.caps;
        let Head { status, mut headers, .. } = head;
        let secure = self.client.secure;
        respond::prepare_headers(&mut headers, api, self.origin.as_ref(), secure);
        let keep = self.keep.take().filter(|_| answer_cache::may_keep(status, &headers));
        let ledger = self.ledger.take().filter(|_| status.is_success());
        let (stream, mut whole) = if flow.needs_body() || keep.is_some() || ledger.is_some() {
            let whole = collect(upstream, caps.buffered_body_bytes, caps.upstream_idle_timeout).await;
            (None, Some(whole.map_err(|_| Fault::upstream_unreachable())?.ok_or_else(Fault::upstream_unreachable)?))
        } else {
            (Some(upstream), None)
        };
        if let (Some(ledger), Some(whole)) = (ledger, &whole) {
            ledger.charge(whole, events::is_stream(&headers), self.worker.now());
        }
        if !flow.is_empty() {
            call.headers = std::mem::take(&mut headers);
            call.run(flow, (Flow::Response, Some(status)), caller, whole.as_mut())?;
            headers = std::mem::take(&mut call.headers);
        }
        let Some(mut record) = self.record.take() else { return Err(Fault::upstream_unreachable()) };
        record.status = status;
        if let Some(whole) = whole {
            headers.remove(CONTENT_LENGTH);
            let whole = Bytes::from(whole);
            // A policy may have made the answer one caller's own.
            let keep = keep.filter(|_| !answer_cache::is_private(&headers));
            if let (Some(key), Some(seconds)) = (keep, api.deployed.cache_seconds) {
                let now = self.worker.now();
                self.worker.shared.answers.keep(key, headers.clone(), whole.clone(), (now, seconds));
            }
            return Ok(respond::answer(status, headers, whole, Some(record)));
        }
        let Some(upstream) = stream else { return Err(Fault::upstream_unreachable()) };
        let lasting = self.entitlement.take().filter(|_| events::is_stream(&headers));
        let mut response = Response::new(match lasting {
            Some(entitlement) => AnswerBody::events(Events::new(upstream, *entitlement), record),
            None => AnswerBody::stream(upstream, record),
        });
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }

    /// Turns a fault into an answer; fault policies may add headers and choose the format.
    fn fail(&mut self, fault: &Fault, mut format: Format) -> Response<AnswerBody> {
        self.worker.counters.fault(fault.code);
        if fault.code == policy::UNREADABLE_BODY && format != Format::Grpc {
            // Whoever sends what is not XML need not read it; the reason names elements, which XML would have to escape.
            format = Format::Json;
        }
        let mut headers = HeaderMap::new();
        if let Some((_, Some(resource))) = self.found
            && !resource.flows.fault.is_empty()
        {
            let mut wanted = FaultFormat::Negotiated;
            let decision = resource.flows.fault.apply(&mut Message {
                flow: Flow::Fault,
                method: &mut Method::default(),
                target: &mut Target { path: String::new(), query: None },
                headers: &mut headers,
                status: None,
                claims: None,
                body: None,
                fault_format: &mut wanted,
            });
            // A fault is being answered already; a second one would change nothing.
            debug_assert_eq!(decision, Decision::Continue);
            if wanted == FaultFormat::Json && format != Format::Grpc {
                format = Format::Json;
            }
        }
        let record = self.record.take().map(|mut record| {
            record.status = fault.status;
            record.code = Some(fault.code);
            record
        });
        let api = self.found.map(|(api, _)| api);
        let secure = self.client.secure;
        let context = respond::FaultContext { api, origin: self.origin.as_ref(), format, secure, headers };
        respond::fault(self.worker, fault, context, record)
    }
}

/// What policies may change.
struct Call {
    method: Method,
    target: Target,
    headers: HeaderMap,
}

impl Call {
    fn run(
        &mut self,
        flow: &CompiledFlow,
        (which, status): (Flow, Option<StatusCode>),
        caller: &Caller,
        body: Option<&mut Vec<u8>>,
    ) -> Result<(), Fault> {
        let claims = caller.claims();
        let decision = flow.apply(&mut Message {
            flow: which,
            method: &mut self.method,
            target: &mut self.target,
            headers: &mut self.headers,
            status,
            claims,
            body,
            fault_format: &mut FaultFormat::Negotiated,
        });
        match decision {
            Decision::Continue => Ok(()),
            Decision::Respond { status, code, message, description } => {
                Err(Fault::from_policy(status, code, message, description))
            }
        }
    }
}

fn run_request_flow(
    flow: &CompiledFlow,
    call: &mut Call,
    caller: &Caller,
    body: &mut RequestBody,
) -> Result<(), Fault> {
    let RequestBody::Whole(bytes) = body else { return call.run(flow, (Flow::Request, None), caller, None) };
    let mut whole = bytes.take().map(Vec::from).unwrap_or_default();
    call.run(flow, (Flow::Request, None), caller, Some(&mut whole))?;
    *bytes = Some(Bytes::from(whole));
    Ok(())
}

/// Status in the log of a call whose client left before there was an answer.
const CLIENT_GONE: u16 = 499;

/// The path of a record.
enum RecordPath {
    /// As sent; it is canonical, or was refused.
    Sent(Option<PathAndQuery>),
    /// Made canonical.
    Canonical(Box<str>),
}

/// What the access log will say. Written when dropped, so that every call leaves exactly one record, however it ends.
pub(crate) struct Record {
    worker: Arc<Worker>,
    connection: Arc<Connection>,
    at: Timestamp,
    started: Instant,
    method: Method,
    version: Version,
    path: RecordPath,
    subject: Option<Rendered>,
    api: Option<(TenantId, ApiId)>,
    standing: Option<Arc<Standing>>,
    /// Trace and correlation id.
    trace: Option<Rendered>,
    status: StatusCode,
    code: Option<u32>,
    /// The client, where that is not the peer.
    client: Option<Rendered>,
    bytes_in: u64,
    progress: Option<Arc<Progress>>,
    upstream_micros: Option<u64>,
    byte_limits: Vec<(Quota, Arc<Window>)>,
    /// Bytes of the answer's body so far.
    pub(crate) bytes_out: u64,
    /// Whether the body was handed over to its end.
    pub(crate) complete: bool,
}

impl Record {
    fn new(worker: &Arc<Worker>, connection: &Arc<Connection>, parts: &Parts, client: Client) -> Box<Self> {
        connection.begin();
        // Boxed: it moves from hand to hand until the answer's body ends.
        Box::new(Self {
            worker: Arc::clone(worker),
            connection: Arc::clone(connection),
            at: worker.now(),
            started: Instant::now(),
            method: parts.method.clone(),
            version: parts.version,
            path: RecordPath::Sent(parts.uri.path_and_query().cloned()),
            subject: None,
            api: None,
            standing: None,
            trace: None,
            status: StatusCode::from_u16(CLIENT_GONE).unwrap_or(StatusCode::BAD_REQUEST),
            code: None,
            client: (client.address != connection.peer()).then(|| connection::rendered(client.address)),
            bytes_in: 0,
            progress: None,
            upstream_micros: None,
            byte_limits: Vec::new(),
            bytes_out: 0,
            complete: false,
        })
    }

    /// Whether the client speaks HTTP/1, where a connection can be closed by a header.
    pub(crate) fn is_http1(&self) -> bool {
        self.version != Version::HTTP_2
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.connection.end();
        let bytes_in = self.progress.as_ref().map_or(self.bytes_in, |p| p.bytes());
        for (quota, window) in &self.byte_limits {
            window.charge(*quota, self.at, self.bytes_out);
        }
        let took = self.started.elapsed();
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let counters = &self.worker.counters;
        counters.add(Counter::Requests);
        counters.add(match self.status.as_u16() {
            ..300 => Counter::Status2xx,
            300..400 => Counter::Status3xx,
            400..500 => Counter::Status4xx,
            _ => Counter::Status5xx,
        });
        counters.add_many(Counter::BytesIn, bytes_in);
        counters.add_many(Counter::BytesOut, self.bytes_out);
        counters.duration(took);
        let most = self.worker.shared.settings.api_series;
        if let Some((tenant, api)) = self.api.filter(|_| self.worker.shared.settings.usage) {
            let (application, plan) = self.standing.as_ref().map_or((None, None), |standing| standing.consumer());
            let (status, bytes) = (self.status.as_u16(), (bytes_in, self.bytes_out));
            self.worker
                .count_usage(UsageKey { tenant, api, application, plan }, |totals| totals.count(status, took, bytes));
        }
        if let Some((_, api)) = self.api.filter(|_| most > 0) {
            self.worker.count(api, (self.status.as_u16(), micros), most);
        }
        let path = match &self.path {
            RecordPath::Sent(target) => target.as_ref().map_or("", PathAndQuery::path),
            RecordPath::Canonical(path) => path,
        };
        self.worker.log(&Fields {
            at: self.at,
            subject: self.subject.as_ref(),
            application: self.standing.as_ref().and_then(|standing| standing.rendered()),
            method: &self.method,
            path,
            trace: self.trace.as_ref(),
            version: self.version,
            peer: self.client.as_ref().unwrap_or_else(|| self.connection.rendered_peer()),
            tls: self.connection.rendered_tls(),
            status: self.status.as_u16(),
            code: self.code,
            bytes_in,
            bytes_out: self.bytes_out,
            complete: self.complete,
            micros,
            upstream_micros: self.upstream_micros,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::serve;

    /// Room that the state of a call takes while it runs. The server moves it when a request comes, and every connection has it.
    const MOST: usize = 8 * 1024;

    fn size<A, B, C, F: Future>(_: fn(A, B, C) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_state_of_a_call_is_small() {
        let size = size(serve);
        println!("{size} bytes");
        assert!(size <= MOST, "{size} bytes: what few calls need goes into a box");
    }
}
