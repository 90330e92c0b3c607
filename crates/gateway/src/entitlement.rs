//! What allowed a call that lasts: a WebSocket, or a stream of events.
//!
//! Such a call outlives snapshots, tokens and limits. So it is asked again when the snapshot changes and every few seconds, and
//! each message is charged to the caller's limits like a call.

use http::Method;
use http::request::Parts;
use model::snapshot::ApiKind;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::authenticate::{Caller, Source, authenticate};
use crate::authorise::{Asked, Standing, authorise, check_lifecycle};
use crate::client_certificate::Presented;
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
        let Lookup::Found(index) = api.table.find(&Method::GET, self.address.1.get(tail..)?) else { return None };
        let verdict = inquiry::look(&self.worker, local, api, &self.parts, (peer, self.verdict.as_ref()));
        // A proof works once, and the call has given it.
        let certificate = self.certificate.as_deref();
        let source = Source { peer, secure, certificate, proven: true, verdict: verdict.as_ref() };
        let caller = authenticate(&self.worker, compiled, api, api.resources.get(index)?, &self.parts, source).ok()?;
        let standing = Standing::of(compiled, api, &caller, peer).ok()?;
        Some(((caller, Arc::new(standing)), verdict))
    }

    /// Charges messages to the limits of the caller; false when one of them refuses, or the caller may not go on.
    pub(crate) fn charge(&mut self, messages: u32) -> bool {
        if self.is_outdated() && !self.renew() {
            return false;
        }
        let compiled = &self.local.compiled;
        let Some((api, tail)) = compiled.find_api(&self.address.0, &self.address.1) else { return false };
        let tail = self.address.1.get(tail..).unwrap_or_default();
        let Lookup::Found(index) = api.table.find(&Method::GET, tail) else { return false };
        let Some(resource) = api.resources.get(index) else { return false };
        let (caller, standing) = &self.caller;
        let counters = &self.worker.shared.carried.counters;
        let asked = Asked { now: self.worker.now(), bytes: 0, parts: &self.parts, peer: self.client.0, counters };
        (0..messages).all(|_| authorise(compiled, (api, resource), caller, standing, &asked).is_ok())
    }
}
