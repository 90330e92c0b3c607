//! Calls by API, application and plan since they were last taken, for usage analytics. Each worker has its own map; it is
//! bounded, so that nobody who makes applications makes it large.

use model::{UsageKey, UsageTotals};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Most keys of one worker. Beyond it, calls are counted by API without the application; beyond twice as many, not at all.
const MOST: usize = 20_000;

/// Hashes keys that consist of ids which we made ourselves: nobody chooses them so that they meet, so a few multiplications do.
#[derive(Default)]
struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        // The table takes its place from the low bits and tells neighbours apart by the high ones.
        self.0 ^ self.0 >> 32
    }

    fn write(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut().zip(piece).for_each(|(to, from)| *to = *from);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(word.into());
    }

    fn write_usize(&mut self, word: usize) {
        self.write_u64(word as u64);
    }

    fn write_isize(&mut self, word: isize) {
        self.write_u64(word.cast_unsigned() as u64);
    }
}

/// What one worker counted.
#[derive(Debug, Default)]
pub(crate) struct Usage {
    counted: HashMap<UsageKey, UsageTotals, BuildHasherDefault<IdHasher>>,
    lost: u64,
}

impl Usage {
    /// Counts an answer by `add`.
    pub(crate) fn count(&mut self, key: UsageKey, add: impl FnOnce(&mut UsageTotals)) {
        if let Some(known) = self.counted.get_mut(&key) {
            return add(known);
        }
        let key = if self.counted.len() < MOST { key } else { UsageKey { application: None, plan: None, ..key } };
        if self.counted.len() < 2 * MOST || self.counted.contains_key(&key) {
            add(self.counted.entry(key).or_default());
        } else {
            self.lost += 1;
        }
    }

    /// Takes everything, with the number of calls that were not counted.
    pub(crate) fn take(&mut self) -> (HashMap<UsageKey, UsageTotals>, u64) {
        (std::mem::take(&mut self.counted).into_iter().collect(), std::mem::take(&mut self.lost))
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST, Usage};
    use model::{ApiId, ApplicationId, TenantId, UsageKey};
    use uuid::Uuid;

    #[test]
    fn many_applications_are_counted_together_and_many_apis_are_lost_aloud() {
        let key = |api: u128, application: u128| UsageKey {
            tenant: TenantId::SUPER,
            api: ApiId::new(Uuid::from_u128(api)),
            application: Some(ApplicationId::new(Uuid::from_u128(application))),
            plan: None,
        };
        let mut usage = Usage::default();
        let one = |totals: &mut model::UsageTotals| totals.answers[0] += 1;
        for n in 0..MOST as u128 + 100 {
            usage.count(key(1, n), one);
        }
        for n in 0..2 * MOST as u128 {
            usage.count(key(2 + n, 7), one);
        }
        let (counted, lost) = usage.take();
        assert_eq!(counted[&UsageKey { application: None, ..key(1, 0) }].calls(), 100);
        let calls: u64 = counted.values().map(model::UsageTotals::calls).sum();
        assert_eq!((counted.len(), calls + lost), (2 * MOST, 3 * MOST as u64 + 100));
        assert_eq!(usage.take().0.len(), 0);
    }
}
