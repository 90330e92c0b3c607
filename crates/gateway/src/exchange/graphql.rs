//! A call of a GraphQL API: the same phases, with the body read before them, because it names the operations.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{HeaderMap, Response};
use hyper::body::{Body, Incoming};

use super::{Arriving, Exchange};
use crate::authorise::{authorise, authorise_further};
use crate::body::{AnswerBody, collect};
use crate::compile::Api;
use crate::fault::Fault;
use crate::graphql::{Operations, check_bounds};
use crate::head;

/// Whether the body is the query itself.
fn is_bare(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/graphql"))
}

impl<'a> Exchange<'a> {
    pub(super) async fn graphql(
        &mut self,
        (api, operations): (&'a Api, &'a Operations),
        mut parts: Parts,
        tail: String,
        body: Incoming,
    ) -> Result<Response<AnswerBody>, Fault> {
        let caps = &self.worker.shared.settings.caps;
        let cap =
            usize::try_from(caps.body_bytes).map_or(caps.buffered_body_bytes, |cap| cap.min(caps.buffered_body_bytes));
        if body.size_hint().lower() > cap as u64 {
            return Err(Fault::body_too_large());
        }
        head::expectation(&mut parts.headers)?;
        // Where no operation is open, nobody has a body held here who may call none of them.
        let known = match api.resources.first() {
            Some(first) if api.resources.iter().all(|r| r.authenticated) => Some(self.identify(api, first, &parts)?),
            _ => None,
        };
        let whole = collect(body, cap, caps.stall_timeout).await;
        let whole = whole.map_err(|_| Fault::incomplete_body())?.ok_or_else(Fault::body_too_large)?;
        self.note(|record| record.bytes_in = whole.len() as u64);
        let query = operations.read(&whole, is_bare(&parts.headers))?;
        let called = operations.called(api, &query)?;
        let (resource, others) = called.split_first().ok_or_else(Fault::no_resource)?;
        self.found = Some((api, Some(resource)));
        self.note(|record| record.subject = Some(resource.rendered.clone()));
        let (caller, standing) = match known {
            Some(known) => known,
            None => self.identify(api, resource, &parts)?,
        };
        check_bounds(&query, standing.subscription())?;
        let now = self.record.as_ref().map_or_else(|| self.worker.now(), |record| record.at);
        let asked = self.asked((now, whole.len() as u64), &parts);
        for other in others {
            authorise_further(self.compiled, other, &caller, &standing, &asked)?;
        }
        let mut permit = authorise(self.compiled, (api, *resource), &caller, &standing, &asked)?;
        self.assertion = self.make_assertion(api, &caller, &standing, now)?;
        let limits = permit.take_byte_limits();
        self.note(|record| {
            record.byte_limits = limits;
            record.standing = Some(standing);
        });
        self.relay(&permit, &caller, resource, parts, tail, Arriving::Whole(Bytes::from(whole))).await
    }
}
