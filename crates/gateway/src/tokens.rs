//! Tokens of language models: read from what a model answers, and charged to the plan that allows them (WSO2: AI APIs).
//!
//! How many tokens a call costs is known when it is answered, so a plan admits calls as long as it is not used up, and calls
//! that are under way at the same time may go beyond it by what they cost. An answer that does not say what it has cost is
//! charged by its length: nobody evades a plan by asking for another form of answer.

use model::Timestamp;
use serde_json::Value;
use std::sync::Arc;

use crate::authorise::Standing;
use crate::compile::{Api, CompiledSubscription};

/// Bytes of an answer that count as one token where it does not say.
const BYTES_PER_TOKEN: u64 = 4;

/// What of a call a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub(crate) enum TokenKind {
    /// Tokens of the question.
    Prompt,
    /// Tokens of the answer.
    Completion,
    /// Both.
    Total,
}

/// The plan that a call's tokens are charged to, and how they are read.
pub(crate) struct Ledger {
    subscription: Arc<CompiledSubscription>,
    /// By kind: the members of the answer from the outside in.
    paths: [Vec<String>; 3],
}

impl Ledger {
    /// `None` where nothing counts tokens.
    pub(crate) fn of(api: &Api, standing: &Standing) -> Option<Self> {
        let usage = api.deployed.token_usage.as_ref()?;
        let subscription = standing.plan().filter(|plan| !plan.tokens.is_empty())?;
        let paths = [usage.prompt.clone(), usage.completion.clone(), usage.total.clone()];
        Some(Self { subscription: Arc::clone(subscription), paths })
    }

    /// Charges an answer; `is_stream` says that it is one of server-sent events.
    pub(crate) fn charge(&self, body: &[u8], is_stream: bool, now: Timestamp) {
        let costs = self.costs(body, is_stream);
        let by_length = (body.len() as u64 / BYTES_PER_TOKEN).saturating_add(1);
        for (kind, limit) in &self.subscription.tokens {
            let cost = costs.get(*kind as usize).copied().flatten().unwrap_or(by_length);
            limit.window.charge(limit.quota, now, cost);
        }
    }

    fn costs(&self, body: &[u8], is_stream: bool) -> [Option<u64>; 3] {
        let mut costs = [None; 3];
        let mut read = |text: &[u8]| {
            let Ok(value) = serde_json::from_slice::<Value>(text) else { return };
            for (cost, path) in costs.iter_mut().zip(&self.paths) {
                let found = path.iter().try_fold(&value, |value, member| value.get(member));
                // Models that stream say it in one of the last events, and more each time.
                *cost = found.filter(|_| !path.is_empty()).and_then(Value::as_u64).or(*cost);
            }
        };
        if is_stream {
            let lines = body.split(|byte| matches!(byte, b'\n' | b'\r'));
            lines.filter_map(|line| line.strip_prefix(b"data:")).for_each(|data| read(data.trim_ascii()));
        } else {
            read(body);
        }
        let [prompt, completion, total] = costs;
        [prompt, completion, total.or_else(|| Some(prompt?.saturating_add(completion?)))]
    }
}

#[cfg(test)]
mod tests {
    use super::{Ledger, TokenKind};
    use crate::compile::CompiledSubscription;
    use crate::limit::{Level, Limit, admit};
    use model::Timestamp;
    use model::snapshot::{Quota, QuotaUnit, SubscriptionState};
    use std::sync::Arc;

    fn ledger(kind: TokenKind) -> Ledger {
        let quota = Quota { amount: 100, unit: QuotaUnit::Tokens, window_seconds: 60 };
        let subscription = CompiledSubscription {
            plan: "AI".into(),
            state: SubscriptionState::Active,
            quota: None,
            burst: None,
            tokens: vec![(kind, Limit { level: Level::Subscription, quota, window: Arc::default() })],
            graphql_depth: None,
            graphql_complexity: None,
        };
        let path = |last: &str| vec!["usage".to_owned(), last.to_owned()];
        Ledger { subscription: Arc::new(subscription), paths: [path("in"), path("out"), path("all")] }
    }

    #[test]
    fn answers_say_what_they_cost_or_their_length_does() {
        let whole = br#"{"usage": {"in": 3, "out": 4, "all": 7}}"#;
        assert_eq!(ledger(TokenKind::Total).costs(whole, false), [Some(3), Some(4), Some(7)]);
        let sum = br#"{"usage": {"in": 3, "out": 4}}"#;
        assert_eq!(ledger(TokenKind::Total).costs(sum, false), [Some(3), Some(4), Some(7)]);
        let events = b"data: {\"usage\": {\"in\": 3, \"out\": 1}}\n\nevent: x\r\ndata:{\"usage\": {\"out\": 9}}\r\n\ndata: [DONE]\n\n";
        assert_eq!(ledger(TokenKind::Total).costs(events, true), [Some(3), Some(9), Some(12)]);
        for lie in [&b"{\"usage\": {\"all\": -7}}"[..], b"{\"usage\": \"none\"}", b"no JSON", b"{\"all\": 7}"] {
            assert_eq!(ledger(TokenKind::Total).costs(lie, false), [None; 3], "{}", String::from_utf8_lossy(lie));
        }
    }

    #[test]
    fn a_plan_is_used_up_by_what_was_answered() {
        let now = Timestamp::from_seconds(600);
        for (kind, body, enough) in [
            (TokenKind::Total, &br#"{"usage": {"all": 100}}"#[..], true),
            (TokenKind::Prompt, br#"{"usage": {"in": 99, "out": 900}}"#, false),
            (TokenKind::Completion, &[b'x'; 400], true),
        ] {
            let ledger = ledger(kind);
            let charge = || Some(ledger.subscription.tokens[0].1.charge());
            assert!(admit(&[charge()], now, 1 << 20).is_ok(), "what it will cost is not known yet");
            ledger.charge(body, false, now);
            assert_eq!(admit(&[charge()], now, 0).is_err(), enough, "{kind:?}");
            assert!(admit(&[charge()], Timestamp::from_seconds(660), 0).is_ok());
        }
    }
}
