//! LRU-K: the object whose K-th last use is longest ago goes first.
//!
//! Idea: one use says little, so an object counts by the last but K - 1; objects with fewer uses than K that are known
//! go before all others, the one whose last use is longest ago first. What is known of an object is kept after it left
//! for `retained` requests from its last one (the paper's Retained Information Period); by default for ever. The
//! Correlated Reference Period is 0: each request is a use. Times of use are positions in the trace, of which two sets
//! give the least in four steps. Cost: O(1) a request, 4 K bytes a key, 2 bits a request and 4 bytes a request
//! that all caches share. Choose it for database pages, where scans must not push out what is used again and again.
//!
//! libCacheSim's package has an LRU-K that knows nothing of objects that left, which is nearly LFU: `retained=0`.
//! Source: O'Neil, O'Neil, Weikum 1993, "The LRU-K page replacement algorithm for database disk buffering", 2.1.

use std::sync::Arc;

use crate::next_uses::check_length;
use crate::positions::Positions;
use crate::sizes::{Bytes, Sizes, Units};
use crate::{Cache, Gone, Measure, Policy, Request, Settings, Trace};
use assay_core::catalogue::{Contender, Domain, Parameter};
use assay_core::error::Result;

const K: Parameter = Parameter {
    name: "k",
    default: "2",
    domain: Domain::Integer { low: 1, high: 16 },
    meaning: "the use, counted from the last, whose time orders objects; 1 is LRU",
};

const RETAINED: Parameter = Parameter {
    name: "retained",
    default: "4294967295",
    domain: Domain::Integer { low: 0, high: u32::MAX as u64 },
    meaning: "requests since its last one for which the uses of an object that left are remembered; by default for ever",
};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "lru_k",
    version: 1,
    idea: "The object whose K-th last use is longest ago goes first, and before all those with fewer uses than K.",
    cost: "O(1) a request; 4 K bytes a key, and a quarter of a byte a request",
    choose_when: "database pages, where a scan must not push out what is used again and again",
    source: "O'Neil, O'Neil, Weikum 1993, The LRU-K page replacement algorithm for database disk buffering; Correlated \
             Reference Period 0",
    parameters: &[K, RETAINED],
    abilities: &[],
};

/// Objects by their K-th last use.
#[derive(Debug)]
pub struct LruK<S> {
    ids: Arc<Vec<u32>>,
    k: usize,
    retained: u32,
    /// For each object K numbers of requests, counted from 1, the last one first, 0 if unknown.
    known: Vec<u32>,
    /// The last uses of the objects that are there with fewer than K known.
    young: Positions,
    /// The K-th last uses of the others that are there.
    mature: Positions,
    sizes: S,
    used: u64,
    capacity: u64,
}

/// LRU-K of this capacity.
///
/// # Errors
/// If the trace is too long.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    check_length(CONTENDER.name, trace)?;
    Ok(match settings.measure {
        Measure::Objects => Box::new(LruK::<Units>::new(settings, trace)),
        Measure::Bytes => Box::new(LruK::<Bytes>::new(settings, trace)),
    })
}

impl<S: Sizes> LruK<S> {
    #[allow(clippy::cast_possible_truncation)]
    fn new(settings: &Settings, trace: &Trace) -> Self {
        let k = settings.integer(&K) as usize;
        Self {
            ids: trace.shared_ids(),
            k,
            retained: settings.integer(&RETAINED) as u32,
            known: assay_core::memory::zeros(trace.distinct() * k),
            young: Positions::new(trace.len()),
            mature: Positions::new(trace.len()),
            sizes: S::of_keys(trace.distinct()),
            used: 0,
            capacity: settings.capacity,
        }
    }

    #[inline]
    fn uses(&mut self, id: u32) -> &mut [u32] {
        let start = id as usize * self.k;
        &mut self.known[start..start + self.k]
    }

    /// Takes an object that is there out of the order.
    #[inline]
    fn unlist(&mut self, id: u32) {
        let k = self.k;
        let uses = self.uses(id);
        let (last, oldest) = (uses[0], uses[k - 1]);
        if oldest == 0 {
            self.young.remove(last - 1);
        } else {
            self.mature.remove(oldest - 1);
        }
    }

    /// Notes a use of an object and puts it into the order.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn note(&mut self, id: u32, at: u64) {
        let k = self.k;
        let uses = self.uses(id);
        uses.copy_within(..k - 1, 1);
        uses[0] = at as u32 + 1;
        let oldest = uses[k - 1];
        if oldest == 0 {
            self.young.insert(at as u32);
        } else {
            self.mature.insert(oldest - 1);
        }
    }

    fn take_least(&mut self) -> Option<u32> {
        let position = match self.young.first() {
            Some(position) => {
                self.young.remove(position);
                position
            }
            None => {
                let position = self.mature.first()?;
                self.mature.remove(position);
                position
            }
        };
        // No index that may panic: where nobody asks who went, this memory is not read.
        Some(self.ids.get(position as usize).copied().unwrap_or_default())
    }
}

impl<S: Sizes> Policy for LruK<S> {
    const WEIGHS: bool = S::WEIGHS;

    #[inline]
    fn hit(&mut self, request: Request, _gone: &mut impl Gone) -> bool {
        let there = Policy::contains(self, request.id);
        if there {
            self.unlist(request.id);
            self.note(request.id, request.at);
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
            let Some(victim) = self.take_least() else { break };
            self.used -= self.sizes.of(victim);
            gone.evicted(victim);
        }
        let retained = u64::from(self.retained);
        let uses = self.uses(request.id);
        if request.at + 1 - u64::from(uses[0]) > retained {
            uses.fill(0);
        }
        self.sizes.keep(request.id, weight);
        self.used += weight;
        self.note(request.id, request.at);
        true
    }

    fn remove(&mut self, id: u32) -> bool {
        let there = Policy::contains(self, id);
        if there {
            self.unlist(id);
            self.used -= self.sizes.of(id);
        }
        there
    }

    #[inline]
    fn contains(&self, id: u32) -> bool {
        let start = id as usize * self.k;
        let (last, oldest) = (self.known[start], self.known[start + self.k - 1]);
        match (last, oldest) {
            (0, _) => false,
            (last, 0) => self.young.contains(last - 1),
            (_, oldest) => self.mature.contains(oldest - 1),
        }
    }

    fn used(&self) -> u64 {
        self.used
    }

    fn victim(&mut self) -> Option<u32> {
        let position = self.young.first().or_else(|| self.mature.first())?;
        Some(self.ids[position as usize])
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        assay_core::memory::prefetch(&self.known[id as usize * self.k]);
    }
}
