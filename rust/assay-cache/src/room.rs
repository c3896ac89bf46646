//! The room in a cache: its capacity, and what the objects in it weigh.

use crate::runs::Run;
use crate::sizes::Sizes;
use crate::{Requests, Tally};

/// What a cache can hold and what it holds.
#[derive(Debug)]
pub struct Room<S> {
    sizes: S,
    used: u64,
    capacity: u64,
}

impl<S: Sizes> Room<S> {
    /// An empty one of this capacity, for so many keys.
    #[must_use]
    pub fn new(capacity: u64, distinct: usize) -> Self {
        Self { sizes: S::of_keys(distinct), used: 0, capacity }
    }

    /// What the object of a request of this size would weigh; None if it is larger than the cache.
    #[inline]
    #[must_use]
    pub fn weight(&self, size: u64) -> Option<u64> {
        let weight = S::weight(size);
        (weight <= self.capacity).then_some(weight)
    }

    /// Whether something has to go before an object of this weight can come.
    #[inline]
    #[must_use]
    pub fn lacks(&self, weight: u64) -> bool {
        weight > self.capacity - self.used
    }

    /// An object comes.
    #[inline]
    pub fn take(&mut self, id: u32, weight: u64) {
        self.sizes.keep(id, weight);
        self.used += weight;
    }

    /// An object goes.
    #[inline]
    pub fn free(&mut self, id: u32) {
        self.used -= self.sizes.of(id);
    }

    /// What the objects that are there weigh.
    #[inline]
    #[must_use]
    pub fn used(&self) -> u64 {
        self.used
    }

    /// What they may weigh.
    #[inline]
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.capacity
    }
    /// The capacity in objects, if nothing but their number counts in these requests: a run need not look at each.
    #[inline]
    #[must_use]
    pub fn plain(&self, requests: Requests<'_>) -> Option<u32> {
        if S::WEIGHS || requests.sizes.is_some() {
            return None;
        }
        // More than there are numbers for is as much as all of them.
        Some(u32::try_from(self.capacity).unwrap_or(u32::MAX))
    }

    /// What came of plain requests.
    pub fn passed(&mut self, requests: Requests<'_>, run: Run) -> Tally {
        self.used += run.misses;
        self.used -= run.gone;
        let count = requests.ids.len() as u64;
        let hits = count - run.misses;
        Tally { requests: count, hits, bytes: count, bytes_hit: hits, inserted: run.misses, evictions: run.gone }
    }
}
