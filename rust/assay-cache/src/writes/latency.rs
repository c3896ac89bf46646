//! Modelled latency: what each request waits for is counted, and the user's costs are laid on afterwards.
//!
//! A request waits for few different things, so that a count for each combination holds all requests exactly, and
//! other costs need no other run. Cost: one increment a request; percentiles sort the combinations that occurred.
//! Nothing is queued: requests do not wait for each other.

use std::collections::BTreeMap;

/// What one request waits for beside the cache itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wait {
    /// Objects that were written to the origin before the request could go on.
    pub flushes: u32,
    /// Whether the origin was read.
    pub read: bool,
    /// Whether the origin was written.
    pub write: bool,
    /// Whether the origin was asked for a version.
    pub check: bool,
}

/// What things cost, in any unit: of time, as a rule.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Costs {
    /// Asking the cache, which every request does.
    pub hit: f64,
    /// A read of the origin.
    pub origin_read: f64,
    /// A write to the origin that a request waits for.
    pub origin_write: f64,
    /// A flush that a request waits for.
    pub flush: f64,
    /// Asking the origin for an object's version.
    pub version_check: f64,
}

impl Costs {
    fn of(&self, wait: Wait) -> f64 {
        let mut sum = self.hit + f64::from(wait.flushes) * self.flush;
        for (waited, cost) in
            [(wait.read, self.origin_read), (wait.write, self.origin_write), (wait.check, self.version_check)]
        {
            if waited {
                sum += cost;
            }
        }
        sum
    }
}

/// Combinations with fewer flushes than this are counted in an array.
const FEW: usize = 8;

/// How many requests waited for what.
#[derive(Debug, Clone, Default)]
pub struct Waits {
    few: [[u64; 8]; FEW],
    many: BTreeMap<Wait, u64>,
}

impl Waits {
    /// One more request that waited for this.
    #[inline]
    pub fn add(&mut self, wait: Wait) {
        let flushes = wait.flushes as usize;
        if flushes < FEW {
            let bits = usize::from(wait.read) | usize::from(wait.write) << 1 | usize::from(wait.check) << 2;
            self.few[flushes][bits] += 1;
        } else {
            *self.many.entry(wait).or_default() += 1;
        }
    }

    /// How many requests waited for each combination that occurred.
    #[allow(clippy::cast_possible_truncation)]
    pub fn each(&self) -> impl Iterator<Item = (Wait, u64)> + '_ {
        let few = self.few.as_flattened().iter().enumerate().map(|(place, &count)| {
            let bit = |at: usize| place >> at & 1 == 1;
            (Wait { flushes: (place >> 3) as u32, read: bit(0), write: bit(1), check: bit(2) }, count)
        });
        few.filter(|(_, count)| *count > 0).chain(self.many.iter().map(|(&wait, &count)| (wait, count)))
    }

    /// These requests and those.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut both = self.clone();
        for (mine, theirs) in both.few.as_flattened_mut().iter_mut().zip(other.few.as_flattened()) {
            *mine += theirs;
        }
        for (&wait, &count) in &other.many {
            *both.many.entry(wait).or_default() += count;
        }
        both
    }

    /// The modelled latencies' summary; None without requests.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn latency(&self, costs: &Costs) -> Option<Latency> {
        let mut by_cost: Vec<(f64, u64)> = self.each().map(|(wait, count)| (costs.of(wait), count)).collect();
        by_cost.sort_by(|one, other| one.0.total_cmp(&other.0));
        let requests: u64 = by_cost.iter().map(|(_, count)| count).sum();
        let &(max, _) = by_cost.last()?;
        let total: f64 = by_cost.iter().map(|&(cost, count)| cost * count as f64).sum();
        let at = |per_mille: u64| {
            let rank = (u128::from(requests) * u128::from(per_mille)).div_ceil(1000);
            let mut passed = 0_u128;
            let found = by_cost.iter().find(|(_, count)| {
                passed += u128::from(*count);
                passed >= rank
            });
            found.map_or(max, |&(cost, _)| cost)
        };
        Some(Latency { mean: total / requests as f64, p50: at(500), p90: at(900), p99: at(990), p99_9: at(999), max })
    }
}

/// Modelled latencies: a percentile is the least value that so many requests do not exceed (nearest rank).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Latency {
    /// The mean.
    pub mean: f64,
    /// The median.
    pub p50: f64,
    /// The 90th percentile.
    pub p90: f64,
    /// The 99th percentile.
    pub p99: f64,
    /// The 99.9th percentile.
    pub p99_9: f64,
    /// The greatest.
    pub max: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_nearest_ranks_over_all_requests() {
        let costs = Costs { hit: 1.0, origin_read: 10.0, origin_write: 20.0, flush: 5.0, version_check: 2.0 };
        let mut waits = Waits::default();
        (0..989).for_each(|_| waits.add(Wait::default()));
        (0..10).for_each(|_| waits.add(Wait { read: true, check: true, ..Wait::default() }));
        waits.add(Wait { flushes: 9, ..Wait::default() });
        let found = waits.latency(&costs).unwrap();
        // Of 1,000 the 990th is the first of the ten that read, the 999th the last of them.
        assert_eq!((found.p50, found.p99, found.p99_9, found.max), (1.0, 13.0, 13.0, 46.0));
        assert!((found.mean - (989.0 + 130.0 + 46.0) / 1000.0).abs() < 1e-12);
        assert_eq!(Waits::default().latency(&costs), None);
        assert_eq!(waits.and(&waits).latency(&costs).map(|both| both.p99), Some(13.0));
    }
}
