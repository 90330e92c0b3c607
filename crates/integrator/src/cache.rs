//! Answers that the mediator `cache` keeps: bounded in bytes, oldest first out.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use model::Timestamp;
use synapse::host::Reply;

/// The cache that all messages share.
pub(crate) struct AnswerCache {
    limit: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    entries: HashMap<String, Entry>,
    /// Keys with the number of their entry, in the order they came.
    order: VecDeque<(String, u64)>,
    bytes: usize,
    next: u64,
}

struct Entry {
    reply: Reply,
    until: Timestamp,
    number: u64,
    bytes: usize,
}

impl AnswerCache {
    /// A cache of this many bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, state: Mutex::default() }
    }

    /// A value that is not too old.
    pub(crate) fn get(&self, key: &str, now: Timestamp) -> Option<Reply> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.entries.get(key).filter(|entry| entry.until > now).map(|entry| entry.reply.clone())
    }

    /// Keeps a value; one that is larger than an eighth of the cache is not kept.
    pub(crate) fn put(&self, key: &str, reply: Reply, until: Timestamp) {
        let headers: usize = reply.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        let bytes = key.len() * 2 + headers + reply.body.len() + 128;
        if bytes > self.limit / 8 {
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.next += 1;
        let number = state.next;
        if let Some(old) = state.entries.insert(key.to_owned(), Entry { reply, until, number, bytes }) {
            state.bytes -= old.bytes;
        }
        state.bytes += bytes;
        state.order.push_back((key.to_owned(), number));
        while state.bytes > self.limit || state.order.len() > 2 * state.entries.len() + 16 {
            let Some((key, number)) = state.order.pop_front() else { break };
            if state.entries.get(&key).is_some_and(|entry| entry.number == number)
                && let Some(old) = (state.bytes > self.limit).then(|| state.entries.remove(&key)).flatten()
            {
                state.bytes -= old.bytes;
            } else if state.entries.get(&key).is_some_and(|entry| entry.number == number) {
                state.order.push_back((key, number));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AnswerCache;
    use bytes::Bytes;
    use model::Timestamp;
    use synapse::Headers;
    use synapse::host::Reply;

    fn reply(size: usize) -> Reply {
        Reply { status: 200, headers: Headers::new(), body: Bytes::from(vec![b'x'; size]) }
    }

    #[test]
    fn old_and_superfluous_answers_go() {
        let cache = AnswerCache::new(10_000);
        let (now, later) = (Timestamp::from_seconds(1), Timestamp::from_seconds(2));
        cache.put("a", reply(10), later);
        assert!(cache.get("a", now).is_some());
        assert!(cache.get("a", later).is_none());
        cache.put("large", reply(5_000), later);
        assert!(cache.get("large", now).is_none());
        for number in 0..100 {
            cache.put(&format!("k{number}"), reply(1_000), later);
        }
        assert!(cache.get("a", now).is_none());
        assert!(cache.get("k99", now).is_some());
        let state = cache.state.lock().unwrap();
        assert!(state.bytes <= 10_000 && state.entries.len() < 10);
    }

    #[test]
    fn one_key_that_is_written_again_and_again_stays_one_entry() {
        let cache = AnswerCache::new(10_000);
        for _ in 0..10_000 {
            cache.put("same", reply(10), Timestamp::from_seconds(2));
        }
        let state = cache.state.lock().unwrap();
        assert_eq!(state.entries.len(), 1);
        assert!(state.order.len() <= 20);
    }
}
