//! A call of a GraphQL API: the same phases, with the body read before them, because it names the operations.

use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName};
use http::request::Parts;
use http::{HeaderMap, Response};
use hyper::body::{Body, Incoming};
use std::sync::Arc;

use super::{Arriving, Exchange};
use crate::body::{AnswerBody, collect};
use crate::compile::Api;
use crate::fault::Fault;
use crate::graphql::{Operations, authorise_all};
use crate::head;

/// What a GraphQL request is made of; upstreams read it from the body or from the address.
const MEMBERS: [&str; 4] = ["query", "operationname", "variables", "extensions"];

/// Whether the address names a part of a request, which an upstream might prefer to the body that is judged here.
fn names_request(query: &str) -> bool {
    // Some readers split at semicolons, pass over blanks in front, and take `query[]` for `query`.
    query.split(['&', ';']).any(|pair| {
        let name = pair.split('=').next().unwrap_or_default().replace('+', " ");
        let name = percent_encoding::percent_decode_str(&name);
        let word: Vec<u8> = name
            .skip_while(|b| !b.is_ascii_graphic())
            .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'$'))
            .map(|b| b.to_ascii_lowercase())
            .collect();
        MEMBERS.iter().any(|member| word == member.as_bytes())
    })
}

/// Whether the body is the query itself, or else JSON. It must say so once and in no way that somebody else reads differently.
fn is_bare(headers: &HeaderMap) -> Result<bool, Fault> {
    let refused = || {
        Fault::unsupported_media("A GraphQL request needs one Content-Type: application/json or application/graphql.")
    };
    // Upstreams that make variables of fields do not tell `Content_Type` from `Content-Type`.
    let named = |wanted: &HeaderName, name: &HeaderName| name.as_str().replace('_', "-") == wanted.as_str();
    if headers.keys().any(|name| named(&CONTENT_ENCODING, name)) {
        return Err(Fault::unsupported_media("The body of a GraphQL request must not be compressed."));
    }
    let mut kinds = headers.iter().filter(|(name, _)| named(&CONTENT_TYPE, name));
    let (Some((_, kind)), None) = (kinds.next(), kinds.next()) else { return Err(refused()) };
    let kind = kind.to_str().ok().filter(|kind| !kind.contains(',')).ok_or_else(refused)?;
    let (kind, parameters) = kind.split_once(';').unwrap_or((kind, ""));
    let readable = parameters.split(';').filter_map(|parameter| parameter.split_once('=')).all(|(name, value)| {
        !name.trim().eq_ignore_ascii_case("charset") || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    match kind.trim().to_ascii_lowercase().as_str() {
        "application/graphql" if readable => Ok(true),
        "application/json" if readable => Ok(false),
        _ => Err(refused()),
    }
}

impl<'a> Exchange<'a> {
    pub(super) async fn graphql(
        &mut self,
        (api, operations): (&'a Api, &'a Operations),
        mut parts: Parts,
        (path, tail): (Box<str>, usize),
        body: Incoming,
    ) -> Result<Response<AnswerBody>, Fault> {
        if parts.uri.query().is_some_and(names_request) {
            return Err(Fault::bad_request("A GraphQL request goes in the body, no part of it in the address."));
        }
        let bare = is_bare(&parts.headers)?;
        let caps = &self.worker.shared.settings.caps;
        let cap =
            usize::try_from(caps.body_bytes).map_or(caps.buffered_body_bytes, |cap| cap.min(caps.buffered_body_bytes));
        if body.size_hint().lower() > cap as u64 {
            return Err(Fault::body_too_large());
        }
        head::expectation(&mut parts.headers)?;
        // Where no operation is open, nobody has a body held here who may call none of them.
        let known = match api.resources.first() {
            Some(first) if api.resources.iter().all(|r| r.authenticated) => {
                Some(self.identify(api, first, &parts).await?)
            }
            _ => None,
        };
        let whole = collect(body, cap, caps.stall_timeout).await;
        let whole = whole.map_err(|_| Fault::incomplete_body())?.ok_or_else(Fault::body_too_large)?;
        self.note(|record| record.bytes_in = whole.len() as u64);
        let query = operations.read(&whole, bare)?;
        let called = operations.called(api, &query)?;
        let resource = called.first().copied().ok_or_else(Fault::no_resource)?;
        self.found = Some((api, Some(resource)));
        self.note(|record| record.subject = Some(resource.rendered.clone()));
        self.begin_journal(api, resource.log, (&parts, &path));
        let (caller, standing) = match known {
            Some(known) => known,
            None => self.identify(api, resource, &parts).await?,
        };
        self.note(|record| record.standing = Some(Arc::clone(&standing)));
        let now = self.record.as_ref().map_or_else(|| self.worker.now(), |record| record.at);
        let asked = self.asked((now, whole.len() as u64), &parts);
        let mut permit = authorise_all(self.compiled, (api, &called), &query, (&caller, &standing), &asked)?;
        self.assertion = self.make_assertion(api, &caller, &standing, now)?;
        let limits = permit.take_byte_limits();
        self.note(|record| record.byte_limits = limits);
        let tail = path.get(tail..).unwrap_or_default().to_owned();
        self.relay(&permit, &caller, resource, parts, tail, Arriving::Whole(Bytes::from(whole))).await
    }
}
