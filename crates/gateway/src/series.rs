//! Calls by API, for metrics. Bounded: beyond a number of APIs, calls are counted together, so that nobody who makes APIs
//! makes a scrape large.

use model::{ApiId, TenantDomain};
use std::collections::BTreeMap;

use crate::compile::Compiled;

/// Calls of one API, or of all that have no series of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApiSeries {
    /// Answers with status 1xx or 2xx, 3xx, 4xx and 5xx.
    pub answers: [u64; 4],
    /// Sum of their durations, microseconds.
    pub micros: u64,
}

impl ApiSeries {
    fn add(&mut self, other: &Self) {
        for (own, more) in self.answers.iter_mut().zip(other.answers) {
            *own += more;
        }
        self.micros += other.micros;
    }
}

/// Calls by API since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Series {
    /// By tenant domain, name and version.
    pub apis: BTreeMap<(String, String, String), ApiSeries>,
    /// Everything else: further APIs, and such that are not served any more.
    pub others: ApiSeries,
}

/// Calls that one worker counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    apis: BTreeMap<ApiId, ApiSeries>,
    others: ApiSeries,
}

impl Tally {
    /// Counts an answer.
    pub(crate) fn count(&mut self, api: ApiId, (status, micros): (u16, u64), most: usize) {
        let room = self.apis.len() < most;
        let series = match self.apis.get_mut(&api) {
            Some(known) => known,
            None if room => self.apis.entry(api).or_default(),
            None => &mut self.others,
        };
        let class = usize::from(status / 100).saturating_sub(2).min(3);
        if let Some(answers) = series.answers.get_mut(class) {
            *answers += 1;
        }
        series.micros += micros;
    }

    /// Adds what another worker counted.
    pub(crate) fn add(&mut self, other: &Self, most: usize) {
        self.others.add(&other.others);
        for (api, series) in &other.apis {
            let room = self.apis.len() < most;
            match self.apis.get_mut(api) {
                Some(known) => known.add(series),
                None if room => drop(self.apis.insert(*api, *series)),
                None => self.others.add(series),
            }
        }
    }

    /// With the names of the APIs that are served.
    pub(crate) fn named(self, compiled: &Compiled) -> Series {
        let mut named = Series { apis: BTreeMap::new(), others: self.others };
        for (api, series) in self.apis {
            let served = compiled.apis();
            let found = served.binary_search_by_key(&api, |served| served.deployed.id).ok();
            match found.and_then(|index| served.get(index)) {
                Some(api) => {
                    let tenant = compiled.tenants.get(&api.deployed.tenant).map_or("", TenantDomain::as_str);
                    let name = (tenant.to_owned(), api.deployed.name.clone(), api.deployed.version.clone());
                    named.apis.entry(name).or_default().add(&series);
                }
                None => named.others.add(&series),
            }
        }
        named
    }
}

#[cfg(test)]
mod tests {
    use super::{ApiSeries, Tally};
    use model::ApiId;
    use uuid::Uuid;

    #[test]
    fn the_number_of_series_is_bounded_and_nothing_is_lost() {
        let id = |n: u128| ApiId::new(Uuid::from_u128(n));
        let (mut one, mut two, mut all) = (Tally::default(), Tally::default(), Tally::default());
        for n in 0..10 {
            one.count(id(n), (200, 5), 4);
            two.count(id(100 + n), (503, 7), 4);
            two.count(id(100 + n), (101, 7), 4);
        }
        assert_eq!((one.apis.len(), one.others), (4, ApiSeries { answers: [6, 0, 0, 0], micros: 30 }));
        all.add(&one, 4);
        all.add(&two, 4);
        assert_eq!(all.apis.len(), 4);
        let sum = all
            .apis
            .values()
            .chain([&all.others])
            .fold([0; 4], |sum, series| std::array::from_fn(|class| sum[class] + series.answers[class]));
        assert_eq!(sum, [20, 0, 0, 10]);
    }
}
