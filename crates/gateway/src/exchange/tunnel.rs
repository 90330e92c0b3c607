//! A call that opens a WebSocket: the same phases, then a tunnel instead of an answer's body.

use bytes::Bytes;
use http::header::SEC_WEBSOCKET_PROTOCOL;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use model::snapshot::ApiKind;
use policy::Target;
use std::sync::Arc;
use std::time::Instant;

use super::{Call, Exchange, Record};
use crate::authenticate::{Caller, without_key};
use crate::authorise::{Standing, authorise};
use crate::body::{AnswerBody, RequestBody, Upstream};
use crate::client_certificate::Presented;
use crate::compile::Api;
use crate::entitlement::{Entitlement, resource_of};
use crate::fault::Fault;
use crate::forward::{Outgoing, open};
use crate::respond;
use crate::websocket::subscription::Dialect;
use crate::websocket::tunnel::Tunnel;
use crate::websocket::{Handshake, check_origin, take_token};

impl<'a> Exchange<'a> {
    /// Checks a handshake like a call, makes the same one with the upstream, and leaves the tunnel to the connection.
    pub(super) async fn tunnel(
        &mut self,
        api: &'a Api,
        mut parts: Parts,
        (host, path, tail): (Box<str>, Box<str>, usize),
        has_body: bool,
    ) -> Result<Response<AnswerBody>, Fault> {
        let mut handshake = Handshake::read(&mut parts, has_body)?;
        check_origin(api, self.worker.shared.settings.socket_origins.as_deref(), &parts.headers)?;
        take_token(&mut parts, api)?;
        let tail = path.get(tail..).unwrap_or_default();
        let resource = resource_of(api, tail).ok_or_else(Fault::no_resource)?;
        self.found = Some((api, Some(resource)));
        self.note(|record| record.subject = Some(resource.rendered.clone()));
        self.begin_journal(api, resource.log, (&parts, &path));
        let certificate = self.certificate(&parts);
        let (caller, standing) = self.identify(api, resource, &parts).await?;
        self.note(|record| record.standing = Some(Arc::clone(&standing)));
        let now = self.worker.now();
        let mut permit = authorise(self.compiled, (api, resource), &caller, &standing, &self.asked((now, 0), &parts))?;
        self.assertion = self.make_assertion(api, &caller, &standing, now)?;
        let limits = permit.take_byte_limits();
        self.note(|record| record.byte_limits = limits);
        let mut headers = parts.headers.clone();
        self.strip(api, &mut headers);
        let target = Target { path: tail.to_owned(), query: parts.uri.query().and_then(without_key) };
        let mut call = Call { method: Method::GET, target, headers };
        super::run_request_flow(&resource.flows.request, &mut call, &caller, &mut RequestBody::Empty)?;
        self.add_assertion(&mut call.headers);
        if let Some(source) = &permit.endpoint().token {
            super::add_token(source, &self.worker.shared.settings, &mut call.headers, now).await?;
        }
        Handshake::ask(&mut call.headers);
        if api.operations.is_some() {
            handshake.narrow(&mut call.headers, &Dialect::NAMES)?;
        }
        let asked = Instant::now();
        let outgoing = Outgoing {
            method: Method::GET,
            headers: std::mem::take(&mut call.headers),
            body: RequestBody::Empty,
            asked,
            path: &call.target.path,
            query: call.target.query.as_deref(),
            variables: &resource.variables,
            client: self.client.address,
            context: &api.deployed.versioned_context,
            grpc: false,
        };
        let (head, wire, pool) = open(self.worker, &permit, outgoing).await?;
        let micros = u64::try_from(asked.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.note(|record| record.upstream_micros = Some(micros));
        if head.status != StatusCode::SWITCHING_PROTOCOLS {
            if head.status.is_success() {
                return Err(Fault::upstream_unreachable());
            }
            // The upstream's reason for refusing, as for any call.
            let limit = self.worker.shared.settings.caps.upstream_idle_timeout;
            let upstream = Upstream::new(self.worker, pool, wire, RequestBody::Empty, limit);
            return self.answer(&resource.flows.response, api, &caller, call, (head, upstream)).await;
        }
        if !handshake.is_answered_by(&head.headers) {
            return Err(Fault::upstream_unreachable());
        }
        let dialect = match (&api.operations, head.headers.get(SEC_WEBSOCKET_PROTOCOL).and_then(Dialect::of)) {
            (Some(_), None) => return Err(Fault::upstream_unreachable()),
            (Some(_), chosen) => chosen,
            (None, _) => None,
        };
        let mut headers = head.headers;
        respond::prepare_headers(&mut headers, api, self.origin.as_ref(), self.client.secure);
        handshake.answer(&mut headers);
        let Some(mut record) = self.record.take() else { return Err(Fault::upstream_unreachable()) };
        record.status = StatusCode::SWITCHING_PROTOCOLS;
        let entitlement = self.entitle((api.deployed.kind, host, path), parts, certificate, (caller, standing));
        let upstream = wire.into_parts();
        self.connection.keep_tunnel(Tunnel { upgrade: handshake.upgrade, upstream, record, entitlement, dialect });
        Ok(respond::answer(StatusCode::SWITCHING_PROTOCOLS, headers, Bytes::new(), None))
    }
}

impl Exchange<'_> {
    /// What the same call is asked again by as long as it lasts.
    pub(super) fn entitle(
        &self,
        (kind, host, path): (ApiKind, Box<str>, Box<str>),
        parts: Parts,
        certificate: Option<Arc<Presented>>,
        caller: (Caller, Arc<Standing>),
    ) -> Entitlement {
        Entitlement {
            worker: Arc::clone(self.worker),
            local: self.worker.local(),
            parts,
            kind,
            address: (host, path),
            client: (self.client.address, self.client.secure),
            certificate,
            verdict: self.verdict.clone(),
            caller,
        }
    }
}

impl Record {
    /// Bytes that a tunnel moved from and to the client.
    pub(crate) fn moved(&mut self, inbound: u64, outbound: u64) {
        self.bytes_in = inbound;
        self.bytes_out = outbound;
    }
}
