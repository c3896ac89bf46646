//! Belady by size: the object with the greatest size times distance to its next use goes first. It knows the future.
//!
//! Idea: a byte that lies idle for long costs most. Objects that are never asked for again are not put in, and go
//! first once they are. Products change all the time, so `samples` objects are drawn, with replacement, and the
//! greatest of them goes; a cache of no more objects than samples is searched whole. Cost: O(samples) a miss, O(1) a hit;
//! 8 bytes an object in the cache, 4 a key and 4 a request that all sizes share. Choose it as a mark for caches of
//! bytes, mostly better than `opt` there. It is a **heuristic and no bound**: another policy may miss less. `pfoo_l`
//! is a bound, which no policy can pass, and mostly none can reach. Where objects are counted it is close to `opt`.
//!
//! Imitated: libCacheSim's `BeladySize`; its lots are others, and it makes room for objects that it then leaves out.
//! Source: Belady 1966, "A study of replacement algorithms for a virtual-storage computer", for the distance; the product
//! with the size as in libCacheSim.

use std::sync::Arc;

use crate::next_uses::{NEVER, check_length};
use crate::sizes::{Bytes, Sizes, Units};
use crate::split_mix::SplitMix64;
use crate::{Cache, Gone, Measure, Policy, Request, Settings, Trace};
use assay_core::catalogue::{Contender, Domain, Parameter};
use assay_core::error::Result;

const SAMPLES: Parameter = Parameter {
    name: "samples",
    default: "128",
    domain: Domain::Integer { low: 1, high: 65_536 },
    meaning: "objects of which the one with the greatest product goes, drawn with replacement",
};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "belady_size",
    version: 1,
    idea: "Knowing the future, of some objects drawn by lot the greatest size times distance to the next use goes.",
    cost: "O(1) a hit, O(samples) a miss; 4 bytes a key, 4 a request and 8 per object in the cache",
    choose_when: "as a mark in bytes; a heuristic, and no bound: pfoo_l is one",
    source: "Belady 1966, A study of replacement algorithms for a virtual-storage computer; as libCacheSim's BeladySize",
    parameters: &[SAMPLES],
    abilities: &["offline", "seed", "weighs_sizes"],
};

const ABSENT: u32 = u32::MAX;
/// There, and never asked for again.
const IDLE: u32 = u32::MAX - 1;

/// Objects in no order.
#[derive(Debug)]
pub struct BeladySize<S> {
    next: Arc<Vec<u32>>,
    objects: Vec<Object>,
    /// Objects that are never asked for again; some that were taken out may be among them.
    idle: Vec<u32>,
    /// The place of each object there, or [`ABSENT`] or [`IDLE`].
    places: Vec<u32>,
    samples: usize,
    random: SplitMix64,
    sizes: S,
    used: u64,
    capacity: u64,
}

#[derive(Debug, Clone, Copy)]
struct Object {
    id: u32,
    /// The number of the next request for it.
    next: u32,
}

/// Belady by size of this capacity.
///
/// # Errors
/// If the trace is too long.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    check_length(CONTENDER.name, trace)?;
    Ok(match settings.measure {
        Measure::Objects => Box::new(BeladySize::<Units>::new(settings, trace)),
        Measure::Bytes => Box::new(BeladySize::<Bytes>::new(settings, trace)),
    })
}

impl<S: Sizes> BeladySize<S> {
    #[allow(clippy::cast_possible_truncation)]
    fn new(settings: &Settings, trace: &Trace) -> Self {
        Self {
            next: trace.next_uses(),
            objects: Vec::new(),
            idle: Vec::new(),
            places: vec![ABSENT; trace.distinct()],
            samples: settings.integer(&SAMPLES) as usize,
            random: SplitMix64::new(settings.seed),
            sizes: S::of_keys(trace.distinct()),
            used: 0,
            capacity: settings.capacity,
        }
    }

    /// What goes first is greatest; no two objects have one next use.
    #[inline]
    fn rank(&self, place: usize, now: u64) -> (u128, u32) {
        let object = &self.objects[place];
        let distance = u64::from(object.next).saturating_sub(now);
        (u128::from(self.sizes.of(object.id)) * u128::from(distance), object.next)
    }

    /// Takes out the object that goes at this time.
    fn take(&mut self, now: u64) -> Option<u32> {
        while let Some(id) = self.idle.pop() {
            if self.places[id as usize] == IDLE {
                self.places[id as usize] = ABSENT;
                return Some(id);
            }
        }
        let count = self.objects.len();
        let place = if count <= self.samples {
            (0..count).max_by_key(|place| self.rank(*place, now))?
        } else {
            let mut best = (0, 0, 0);
            for _ in 0..self.samples {
                let place = self.random.index(count);
                let (product, next) = self.rank(place, now);
                best = best.max((product, next, place));
            }
            best.2
        };
        Some(self.unlist(place))
    }

    /// Takes the object of this place out of those that are asked for again; the last one takes its place.
    #[allow(clippy::cast_possible_truncation)]
    fn unlist(&mut self, place: usize) -> u32 {
        let Object { id, .. } = self.objects.swap_remove(place);
        if let Some(moved) = self.objects.get(place) {
            self.places[moved.id as usize] = place as u32;
        }
        self.places[id as usize] = ABSENT;
        id
    }
}

impl<S: Sizes> Policy for BeladySize<S> {
    const WEIGHS: bool = S::WEIGHS;

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn hit(&mut self, request: Request, _gone: &mut impl Gone) -> bool {
        let place = self.places[request.id as usize];
        if place == ABSENT || place == IDLE {
            return place == IDLE;
        }
        let next = self.next[request.at as usize];
        if next == NEVER {
            self.unlist(place as usize);
            self.places[request.id as usize] = IDLE;
            self.idle.push(request.id);
        } else {
            self.objects[place as usize].next = next;
        }
        true
    }

    #[allow(clippy::cast_possible_truncation)]
    fn insert(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        let weight = S::weight(request.size);
        let next = self.next[request.at as usize];
        if weight > self.capacity || next == NEVER {
            return false;
        }
        while self.used + weight > self.capacity {
            let Some(victim) = self.take(request.at) else { break };
            self.used -= self.sizes.of(victim);
            gone.evicted(victim);
        }
        self.sizes.keep(request.id, weight);
        self.used += weight;
        self.places[request.id as usize] = self.objects.len() as u32;
        self.objects.push(Object { id: request.id, next });
        true
    }

    fn remove(&mut self, id: u32) -> bool {
        let place = self.places[id as usize];
        if place == ABSENT {
            return false;
        }
        if place != IDLE {
            self.unlist(place as usize);
        }
        self.places[id as usize] = ABSENT;
        self.used -= self.sizes.of(id);
        true
    }

    #[inline]
    fn contains(&self, id: u32) -> bool {
        self.places[id as usize] != ABSENT
    }

    fn used(&self) -> u64 {
        self.used
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        assay_core::memory::prefetch(&self.places[id as usize]);
    }
}
