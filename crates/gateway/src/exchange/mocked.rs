//! A call of an API without a backend: the answer is one that its definition describes.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use policy::{CompiledFlow, Flow, Mock};

use super::{Call, Exchange};
use crate::authenticate::Caller;
use crate::body::AnswerBody;
use crate::compile::Api;
use crate::fault::Fault;
use crate::respond;

/// Query parameter by which a caller asks for another status than the first good one (WSO2's generated scripts).
const STATUS: &str = "responseCode";

impl Exchange<'_> {
    /// Answers from the definition; policies of the answer run as for any call.
    pub(super) fn mocked(
        &mut self,
        mock: &Mock,
        flow: &CompiledFlow,
        (api, caller): (&Api, &Caller),
        mut call: Call,
    ) -> Result<Response<AnswerBody>, Fault> {
        let query = call.target.query.as_deref().unwrap_or_default();
        let asked = query.split('&').find_map(|pair| pair.strip_prefix(STATUS)?.strip_prefix('=')?.parse().ok());
        let asked = asked.filter(|status| (200..600).contains(status));
        let accept = call.headers.get(ACCEPT).and_then(|value| value.to_str().ok());
        let answer = mock.answer(asked, accept);
        let status = StatusCode::from_u16(answer.status).map_err(|_| Fault::upstream_unreachable())?;
        let mut headers = HeaderMap::new();
        if let Some(kind) = answer.kind.and_then(|kind| HeaderValue::try_from(kind).ok()) {
            headers.insert(CONTENT_TYPE, kind);
        }
        respond::prepare_headers(&mut headers, api, self.origin.as_ref(), self.client.secure);
        let mut whole = answer.body;
        if !flow.is_empty() {
            call.headers = std::mem::take(&mut headers);
            let body = flow.needs_body().then_some(&mut whole);
            call.run(flow, (Flow::Response, Some(status)), caller, body)?;
            headers = std::mem::take(&mut call.headers);
        }
        let Some(mut record) = self.record.take() else { return Err(Fault::upstream_unreachable()) };
        record.status = status;
        Ok(respond::answer(status, headers, Bytes::from(whole), Some(record)))
    }
}
