//! LFU with dynamic ageing: frequency counts from the level at which the cache has last let an object go.
//!
//! Idea: an object's priority is L + F, set at each request: F requests since it came into the cache, and L the
//! priority of the object that went last; the least priority goes, of equal ones that whose last use is longest ago.
//! Objects that were popular long ago are thus overtaken, which LFU never does. Cost: O(1) a request, 16 bytes a key.
//! Choose it where popularity shifts slowly. Sizes do not matter to it: see `gdsf`.
//!
//! This is the paper's definition, and Squid's `heap LFUDA`. libCacheSim's `LFUDA` adds the least frequency to F at
//! each hit and fails in sweeps of sizes; its `GDSF` of October 2024 on objects of one size is the same as this.
//! Source: Arlitt, Cherkasova, Dilley, Friedrich, Jin 2000, "Evaluating content management techniques for Web proxy
//! caches", section 3.

use crate::ladder::Ladder;
use crate::next_uses::check_length;
use crate::sizes::{Bytes, Sizes, Units};
use crate::{Cache, Gone, Measure, Policy, Request, Settings, Trace};
use assay_core::catalogue::Contender;
use assay_core::error::Result;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "lfu_da",
    version: 1,
    idea: "The least frequent object goes first; counts begin at the level of the one that went last, so fame ages.",
    cost: "O(1) a request; 16 bytes a key",
    choose_when: "popular objects stay popular for long, but not for ever, and sizes are alike",
    source: "Arlitt, Cherkasova, Dilley, Friedrich, Jin 2000, Evaluating content management techniques for Web proxy \
             caches; as Squid's heap LFUDA, not as libCacheSim's LFUDA",
    parameters: &[],
    abilities: &[],
};

/// Objects by frequency and age.
#[derive(Debug)]
pub struct LfuDa<S> {
    ladder: Ladder,
    frequencies: Vec<u32>,
    /// The priority of the object that went last.
    level: u32,
    sizes: S,
    used: u64,
    capacity: u64,
}

/// LFU with dynamic ageing of this capacity.
///
/// # Errors
/// If the trace is too long.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    check_length(CONTENDER.name, trace)?;
    Ok(match settings.measure {
        Measure::Objects => Box::new(LfuDa::<Units>::new(settings.capacity, trace.distinct())),
        Measure::Bytes => Box::new(LfuDa::<Bytes>::new(settings.capacity, trace.distinct())),
    })
}

impl<S: Sizes> LfuDa<S> {
    /// No objects, in a cache of this capacity.
    pub(super) fn new(capacity: u64, distinct: usize) -> Self {
        Self {
            ladder: Ladder::new(distinct),
            frequencies: assay_core::memory::zeros(distinct),
            level: 0,
            sizes: S::of_keys(distinct),
            used: 0,
            capacity,
        }
    }
}

impl<S: Sizes> Policy for LfuDa<S> {
    const WEIGHS: bool = S::WEIGHS;

    #[inline]
    fn hit(&mut self, request: Request, _gone: &mut impl Gone) -> bool {
        let there = self.ladder.contains(request.id);
        if there {
            let frequency = &mut self.frequencies[request.id as usize];
            *frequency += 1;
            self.ladder.remove(request.id);
            self.ladder.insert(request.id, self.level + *frequency);
        }
        there
    }

    #[inline]
    fn insert(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        let weight = S::weight(request.size);
        if weight > self.capacity {
            return false;
        }
        while self.used + weight > self.capacity {
            let Some(victim) = self.ladder.least() else { break };
            self.ladder.remove(victim);
            self.level = self.ladder.priority(victim);
            self.used -= self.sizes.of(victim);
            gone.evicted(victim);
        }
        self.sizes.keep(request.id, weight);
        self.used += weight;
        self.frequencies[request.id as usize] = 1;
        self.ladder.insert(request.id, self.level + 1);
        true
    }

    fn remove(&mut self, id: u32) -> bool {
        let there = self.ladder.contains(id);
        if there {
            self.ladder.remove(id);
            self.used -= self.sizes.of(id);
        }
        there
    }

    #[inline]
    fn contains(&self, id: u32) -> bool {
        self.ladder.contains(id)
    }

    fn used(&self) -> u64 {
        self.used
    }

    fn victim(&mut self) -> Option<u32> {
        self.ladder.peek()
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        self.ladder.prefetch(id);
        assay_core::memory::prefetch(&self.frequencies[id as usize]);
    }
}
