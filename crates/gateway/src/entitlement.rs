//! What allowed a call that lasts: a WebSocket, or a stream of events.
//!
//! Such a call outlives snapshots, tokens and limits. So it is asked again when the snapshot changes and every few seconds, and
//! each message is charged to the caller's limits like a call.

use http::Method;
use http::request::Parts;
use model::snapshot::ApiKind;
use policy::GraphqlQuery;
use serde_json::{Map, Value};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::authenticate::{Caller, Source, authenticate};
use crate::authorise::{Asked, Standing, authorise, check_lifecycle, may_call};
use crate::client_certificate::Presented;
use crate::compile::{Api, CompiledResource};
use crate::fault::Fault;
use crate::graphql::authorise_all;
use crate::inquiry::{self, Verdict};
use crate::route::Lookup;
use crate::worker::{Local, Worker};

/// How often a call that lasts is looked at.
pub(crate) const LOOK: Duration = Duration::from_secs(5);

/// A caller, and what that is worth.
type Entitled = (Caller, Arc<Standing>);

/// Why the caller may go on.
pub(crate) struct Entitlement {
    /// Worker of the connection.
    pub(crate) worker: Arc<Worker>,
    /// The snapshot that was asked last.
    pub(crate) local: Arc<Local>,
    /// The request, with the credential.
    pub(crate) parts: Parts,
    /// What kind of API it was.
    pub(crate) kind: ApiKind,
    /// Host and canonical path of the request.
    pub(crate) address: (Box<str>, Box<str>),
    /// Address of the client, and whether it came over TLS.
    pub(crate) client: (IpAddr, bool),
    /// The client's certificate.
    pub(crate) certificate: Option<Arc<Presented>>,
    /// What was found out last about a credential that others judge.
    pub(crate) verdict: Option<Verdict>,
    /// Who calls, and what that is worth.
    pub(crate) caller: Entitled,
}

impl Entitlement {
    /// Whether another snapshot is served than the one that was asked last.
    pub(crate) fn is_outdated(&self) -> bool {
        self.worker.shared.generation.load(Ordering::Acquire) != self.local.generation
    }

    /// Whether the request would be accepted now.
    pub(crate) fn renew(&mut self) -> bool {
        let local = self.worker.local();
        let allowed = self.ask(&local);
        self.local = local;
        match allowed {
            Some((caller, verdict)) => {
                (self.caller, self.verdict) = (caller, verdict);
                true
            }
            None => false,
        }
    }

    fn ask(&self, local: &Arc<Local>) -> Option<(Entitled, Option<Verdict>)> {
        let compiled = &local.compiled;
        let (peer, secure) = self.client;
        let (api, tail) = compiled.find_api(&self.address.0, &self.address.1)?;
        check_lifecycle(api, secure).ok().filter(|()| api.deployed.kind == self.kind)?;
        let resource = resource_of(api, self.address.1.get(tail..)?)?;
        let verdict = inquiry::look(&self.worker, local, api, &self.parts, (peer, self.verdict.as_ref()));
        // A proof works once, and the call has given it.
        let certificate = self.certificate.as_deref();
        let source = Source { peer, secure, certificate, proven: true, verdict: verdict.as_ref() };
        let caller = authenticate(&self.worker, compiled, api, resource, &self.parts, source).ok()?;
        let standing = Standing::of(compiled, api, &caller, peer).ok()?;
        Some(((caller, Arc::new(standing)), verdict))
    }

    /// Charges messages to the limits of the caller, like calls.
    pub(crate) fn charge(&mut self, messages: u32) -> Result<(), Fault> {
        self.charge_bytes(messages, 0)
    }

    /// The same for messages whose size counts.
    pub(crate) fn charge_bytes(&mut self, messages: u32, bytes: u64) -> Result<(), Fault> {
        self.refresh()?;
        let compiled = &self.local.compiled;
        let (api, tail) = compiled.find_api(&self.address.0, &self.address.1).ok_or_else(Fault::no_api)?;
        let tail = self.address.1.get(tail..).unwrap_or_default();
        let resource = resource_of(api, tail).ok_or_else(Fault::no_resource)?;
        let (caller, standing) = &self.caller;
        let asked = self.asked(bytes);
        (0..messages).try_for_each(|_| authorise(compiled, (api, resource), caller, standing, &asked).map(|_permit| ()))
    }

    /// Decides on the operations of a GraphQL request, like on a call.
    pub(crate) fn operate(&mut self, request: &Map<String, Value>, bytes: u64) -> Result<GraphqlQuery, Fault> {
        self.refresh()?;
        let compiled = &self.local.compiled;
        let (api, _) = compiled.find_api(&self.address.0, &self.address.1).ok_or_else(Fault::no_api)?;
        let operations = api.operations.as_ref().ok_or_else(Fault::no_resource)?;
        let query = operations.read_request(request)?;
        let called = operations.called(api, &query)?;
        let (caller, standing) = &self.caller;
        authorise_all(compiled, (api, &called), &query, (caller, standing), &self.asked(bytes))?;
        Ok(query)
    }

    /// The fields that a request asks for, as far as it can be read; for the text of a refusal.
    pub(crate) fn named(&self, request: &Map<String, Value>) -> Option<String> {
        Some(GraphqlQuery::of_request(request, None).ok()?.fields.join(","))
    }

    /// Whether an operation that was allowed before would still be, whatever its limits are.
    pub(crate) fn still_allows(&self, query: &GraphqlQuery) -> bool {
        let compiled = &self.local.compiled;
        let Some((api, _)) = compiled.find_api(&self.address.0, &self.address.1) else { return false };
        let called = api.operations.as_ref().and_then(|operations| operations.called(api, query).ok());
        let (caller, standing) = &self.caller;
        called.is_some_and(|called| called.iter().all(|one| may_call(compiled, one, caller, standing).is_ok()))
    }

    fn refresh(&mut self) -> Result<(), Fault> {
        if self.is_outdated() && !self.renew() { Err(Fault::invalid_credentials()) } else { Ok(()) }
    }

    fn asked(&self, bytes: u64) -> Asked<'_> {
        let counters = &self.worker.shared.carried.counters;
        Asked { now: self.worker.now(), bytes, parts: &self.parts, peer: self.client.0, counters }
    }
}

/// What a call that lasts was opened with.
pub(crate) fn resource_of<'a>(api: &'a Api, tail: &str) -> Option<&'a CompiledResource> {
    if api.operations.is_some() {
        // One address for all operations: to open is like asking what there is, and each operation is judged when it comes.
        return api.resources.last();
    }
    let Lookup::Found(index) = api.table.find(&Method::GET, tail) else { return None };
    api.resources.get(index)
}
