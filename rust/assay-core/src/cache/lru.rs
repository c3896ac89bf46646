//! LRU: the object whose last use is longest ago goes first.
//!
//! Idea: a list in the order of use; a hit moves its object to the head. Cost: O(1) a request, 8 bytes a key. Choose
//! it where recent data is asked for again and no scan passes through. It has the inclusion property: what a cache
//! holds, a larger one holds too. Source: Mattson, Gecsei, Slutz, Traiger 1970, "Evaluation techniques for storage
//! hierarchies".

use crate::cache::links::Links;
use crate::cache::sizes::{Bytes, Sizes, Units};
use crate::cache::{Cache, Gone, Measure, Policy, Request, Settings, Trace};
use crate::catalogue::Contender;
use crate::error::Result;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "lru",
    version: 1,
    idea: "The object whose last use is longest ago goes first.",
    cost: "O(1) a request; 8 bytes a key",
    choose_when: "recent data is asked for again, and no scan passes through",
    source: "Mattson, Gecsei, Slutz, Traiger 1970, Evaluation techniques for storage hierarchies",
    parameters: &[],
    abilities: &[],
};

/// Objects in the order of their last use.
#[derive(Debug)]
pub struct Lru<S> {
    links: Links,
    sizes: S,
    used: u64,
    capacity: u64,
}

/// LRU of this capacity.
///
/// # Errors
/// Never.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    Ok(match settings.measure {
        Measure::Objects => Box::new(Lru::<Units>::new(settings.capacity, trace.distinct())),
        Measure::Bytes => Box::new(Lru::<Bytes>::new(settings.capacity, trace.distinct())),
    })
}

impl<S: Sizes> Lru<S> {
    fn new(capacity: u64, distinct: usize) -> Self {
        Self { links: Links::new(distinct, 1), sizes: S::of_keys(distinct), used: 0, capacity }
    }
}

impl<S: Sizes> Policy for Lru<S> {
    const WEIGHS: bool = S::WEIGHS;

    #[inline]
    fn hit(&mut self, request: Request) -> bool {
        let there = self.links.contains(request.id);
        if there {
            self.links.remove(request.id);
            self.links.push_head(0, request.id);
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
            let Some(victim) = self.links.tail(0) else { break };
            self.links.remove(victim);
            self.used -= self.sizes.of(victim);
            gone.evicted(victim);
        }
        self.sizes.keep(request.id, weight);
        self.used += weight;
        self.links.push_head(0, request.id);
        true
    }

    fn remove(&mut self, id: u32) -> bool {
        let there = self.links.contains(id);
        if there {
            self.links.remove(id);
            self.used -= self.sizes.of(id);
        }
        there
    }

    #[inline]
    fn contains(&self, id: u32) -> bool {
        self.links.contains(id)
    }

    fn used(&self) -> u64 {
        self.used
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        self.links.prefetch(id);
    }
}
