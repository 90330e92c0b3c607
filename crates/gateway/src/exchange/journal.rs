//! A call written down step by step, while somebody looks at its API.

use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use model::snapshot::LogLevel;

use super::Exchange;
use crate::api_log::{Facts, Flow, Journal};
use crate::compile::Api;
use crate::trace;

impl Exchange<'_> {
    /// Begins to write a call down, if its level asks for it.
    pub(super) fn begin_journal(&mut self, api: &Api, level: LogLevel, (parts, path): (&Parts, &str)) {
        if level == LogLevel::Off {
            return;
        }
        let now = self.worker.now();
        let id = trace::correlation(&parts.headers).map_or_else(|| self.worker.call_id(now), str::to_owned);
        self.journal = Some(Box::new(Journal::new(api, level, &id)));
        self.write(Flow::RequestIn, Some((&parts.method, path)), (None, &parts.headers));
    }

    /// Writes a step down.
    pub(super) fn write(
        &self,
        flow: Flow,
        request: Option<(&Method, &str)>,
        (status, headers): (Option<StatusCode>, &HeaderMap),
    ) {
        let Some(journal) = &self.journal else { return };
        let now = self.worker.now();
        let facts = Facts { request, peer: (flow == Flow::RequestIn).then_some(self.client.address), status, headers };
        if let Some(line) = journal.line(now, flow, &facts) {
            self.worker.log_api(&line);
        }
    }
}
