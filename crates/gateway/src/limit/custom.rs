//! Limits over keys made of a call's properties (WSO2: custom rules).

use model::Timestamp;
use model::snapshot::{CallField, CustomLimit, Eligibility, KeyPart};
use std::borrow::Cow;
use std::sync::Arc;

use super::{CounterKey, Counters, Level, Refusal, Window, window_end};

/// Longest key, bytes; what is longer shares a counter with its beginning.
const MAX_KEY_BYTES: usize = 1024;

/// A call as custom limits see it.
pub(crate) trait Properties {
    /// The value of a property; empty when the call has none.
    fn value(&self, field: CallField) -> Cow<'_, str>;
}

/// Charges a call to every custom limit that counts it.
///
/// Counters are looked up by key on each call: custom limits are the one kind that costs a lock, and only where there are
/// any.
pub(crate) fn admit(
    limits: &[CustomLimit],
    counters: &Counters,
    call: &impl Properties,
    now: Timestamp,
) -> Result<(), Refusal> {
    let mut charged: Vec<(&CustomLimit, Arc<Window>)> = Vec::new();
    for limit in limits.iter().filter(|limit| eligible(&limit.eligible, call)) {
        let window = counters.get(CounterKey::Custom(limit.name.clone(), key(&limit.key, call)));
        if !window.admit(limit.quota, now, 1) {
            for (earlier, window) in charged {
                window.refund(earlier.quota, now, 1);
            }
            let next_access = window_end(limit.quota, now);
            return Err(Refusal { level: Level::Custom, next_access, quota: limit.quota });
        }
        charged.push((limit, window));
    }
    Ok(())
}

fn eligible(condition: &Eligibility, call: &impl Properties) -> bool {
    match condition {
        Eligibility::Always => true,
        Eligibility::Equals(field, value) => call.value(*field) == *value,
        Eligibility::Not(inner) => !eligible(inner, call),
        Eligibility::All(parts) => parts.iter().all(|part| eligible(part, call)),
        Eligibility::Any(parts) => parts.iter().any(|part| eligible(part, call)),
    }
}

fn key(parts: &[KeyPart], call: &impl Properties) -> String {
    let mut key = String::new();
    for part in parts {
        match part {
            KeyPart::Text(text) => key.push_str(text),
            KeyPart::Field(field) => key.push_str(&call.value(*field)),
        }
    }
    if key.len() > MAX_KEY_BYTES {
        key.truncate(key.floor_char_boundary(MAX_KEY_BYTES));
    }
    key
}

#[cfg(test)]
mod tests {
    use super::{Properties, admit};
    use crate::limit::{Counters, Level};
    use model::Timestamp;
    use model::snapshot::{CallField, CustomLimit, Eligibility, KeyPart, Quota, QuotaUnit};
    use std::borrow::Cow;

    struct Call(&'static str, &'static str);

    impl Properties for Call {
        fn value(&self, field: CallField) -> Cow<'_, str> {
            match field {
                CallField::UserId => self.0.into(),
                CallField::ApiContext => self.1.into(),
                _ => "".into(),
            }
        }
    }

    fn limit(name: &str, amount: u64, key: CallField, eligible: Eligibility) -> CustomLimit {
        let quota = Quota { amount, unit: QuotaUnit::Requests, window_seconds: 60 };
        CustomLimit { name: name.into(), key: vec![KeyPart::Field(key)], eligible, quota }
    }

    #[test]
    fn calls_with_one_key_share_a_counter_and_others_do_not_count() {
        let counters = Counters::default();
        let pizza = Eligibility::Equals(CallField::ApiContext, "/pizza".into());
        let limits = [limit("a", 2, CallField::UserId, Eligibility::All(vec![pizza]))];
        let now = Timestamp::from_seconds(600);
        let call = |user, context| admit(&limits, &counters, &Call(user, context), now);
        assert!(call("alice", "/pizza").is_ok() && call("alice", "/pizza").is_ok());
        let refusal = call("alice", "/pizza").unwrap_err();
        assert_eq!((refusal.level, refusal.next_access), (Level::Custom, Timestamp::from_seconds(660)));
        assert!(call("bob", "/pizza").is_ok());
        assert!((0..9).all(|_| call("alice", "/other").is_ok()));
    }

    #[test]
    fn a_refusal_charges_no_other_rule() {
        let counters = Counters::default();
        let wide = limit("wide", 3, CallField::UserId, Eligibility::Always);
        let narrow = limit("narrow", 1, CallField::ApiContext, Eligibility::Not(Box::new(Eligibility::Any(vec![]))));
        let both = [wide.clone(), narrow];
        let now = Timestamp::from_seconds(600);
        let call = |limits: &[CustomLimit]| admit(limits, &counters, &Call("u", "/c"), now);
        assert!(call(&both).is_ok());
        assert!((0..5).all(|_| call(&both).is_err()));
        let alone = [wide];
        assert!(call(&alone).is_ok() && call(&alone).is_ok() && call(&alone).is_err());
    }
}
