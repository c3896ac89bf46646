//! FIFO: the object that came first goes first.
//!
//! Idea: a queue; a hit changes nothing. Cost: O(1) a request, 8 bytes a key. Choose it where keeping an order of use
//! costs too much, as on flash or among many threads; it is what every other policy has to beat.
//! Source: Belady 1966, "A study of replacement algorithms for a virtual-storage computer".

use crate::cache::links::Links;
use crate::cache::sizes::{Bytes, Sizes, Units};
use crate::cache::{Cache, Gone, Measure, Policy, Request, Settings, Trace};
use crate::catalogue::Contender;
use crate::error::Result;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "fifo",
    version: 1,
    idea: "The object that came first goes first; hits change nothing.",
    cost: "O(1) a request; 8 bytes a key",
    choose_when: "an order of use costs too much to keep, as on flash or among many threads",
    source: "Belady 1966, A study of replacement algorithms for a virtual-storage computer",
    parameters: &[],
    abilities: &[],
};

/// A queue of objects.
#[derive(Debug)]
pub struct Fifo<S> {
    links: Links,
    sizes: S,
    used: u64,
    capacity: u64,
}

/// FIFO of this capacity.
///
/// # Errors
/// Never.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    Ok(match settings.measure {
        Measure::Objects => Box::new(Fifo::<Units>::new(settings.capacity, trace.distinct())),
        Measure::Bytes => Box::new(Fifo::<Bytes>::new(settings.capacity, trace.distinct())),
    })
}

impl<S: Sizes> Fifo<S> {
    fn new(capacity: u64, distinct: usize) -> Self {
        Self { links: Links::new(distinct, 1), sizes: S::of_keys(distinct), used: 0, capacity }
    }
}

impl<S: Sizes> Policy for Fifo<S> {
    const WEIGHS: bool = S::WEIGHS;

    #[inline]
    fn hit(&mut self, request: Request) -> bool {
        self.links.contains(request.id)
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
