//! SLRU: segments one above the other; each hit lifts its object by one, and what overflows sinks.
//!
//! Idea: an object must be asked for several times to reach the top, and sinks through all segments before it goes, so
//! that objects asked for once cannot displace others. Cost: O(1) a request, 8 bytes a key and 8 to 16 an object.
//! Choose it where frequency matters and a constant must do. Source: Karedla, Love, Wherry 1994, "Caching strategies to
//! improve disk system performance", IEEE Computer; several segments: Huang et al. 2013, "An analysis of Facebook photo
//! caching", SOSP (S4LRU).
//!
//! As libCacheSim: segments are equal, each a share rounded down; a new object enters the lowest segment with room, so
//! that all fill at first (the papers: always the lowest); an object larger than a segment is not put in. A segment of
//! no room is given room for 1 (libCacheSim refuses all then: below 4 objects).

use crate::queues::Places;
use crate::segments::Segments;
use crate::sizes::{Bytes, Sizes, Units};
use crate::{Cache, Gone, Measure, Policy, Request, Settings, Trace};
use assay_core::catalogue::{Contender, Domain, Parameter};
use assay_core::error::Result;

const SEGMENTS: Parameter = Parameter {
    name: "segments",
    default: "4",
    domain: Domain::Integer { low: 1, high: 64 },
    meaning: "The number of segments, which share the cache equally.",
};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "slru",
    version: 1,
    idea: "Segments one above the other: each hit lifts its object by one, what overflows sinks.",
    cost: "O(1) a request; 8 bytes a key, 8 to 16 an object of the cache",
    choose_when: "frequency matters, and a fixed split must do",
    source: "Karedla, Love, Wherry 1994, Caching strategies to improve disk system performance, IEEE Computer",
    parameters: &[SEGMENTS],
    abilities: &[],
};

/// Segmented LRU.
#[derive(Debug)]
pub struct Slru<S> {
    places: Places<1>,
    segments: Segments,
    sizes: S,
    capacity: u64,
}

/// SLRU of this capacity.
///
/// # Errors
/// Never.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    Ok(match settings.measure {
        Measure::Objects => Box::new(Slru::<Units>::new(settings, trace.distinct())),
        Measure::Bytes => Box::new(Slru::<Bytes>::new(settings, trace.distinct())),
    })
}

impl<S: Sizes> Slru<S> {
    #[allow(clippy::cast_possible_truncation)]
    fn new(settings: &Settings, distinct: usize) -> Self {
        let count = settings.integer(&SEGMENTS);
        let limits = vec![(settings.capacity / count).max(1); count as usize];
        Self {
            places: Places::new(distinct),
            segments: Segments::new(settings.capacity, limits),
            sizes: S::of_keys(distinct),
            capacity: settings.capacity,
        }
    }
}

impl<S: Sizes> Policy for Slru<S> {
    const WEIGHS: bool = S::WEIGHS;

    #[inline]
    fn hit(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        let tag = self.places.queue(0, request.id);
        if tag != 0 {
            self.segments.hit(&mut self.places, &self.sizes, request.id, tag, gone);
        }
        tag != 0
    }

    #[inline]
    fn insert(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        let weight = S::weight(request.size);
        if !self.segments.fits(weight) {
            return false;
        }
        while self.segments.used() + weight > self.capacity {
            self.segments.evict(&mut self.places, &self.sizes, gone);
        }
        self.sizes.keep(request.id, weight);
        self.segments.insert(&mut self.places, &self.sizes, request.id, weight, gone);
        true
    }

    fn remove(&mut self, id: u32) -> bool {
        let tag = self.places.queue(0, id);
        if tag != 0 {
            self.segments.take(&mut self.places, &self.sizes, id, tag);
        }
        tag != 0
    }

    #[inline]
    fn contains(&self, id: u32) -> bool {
        self.places.queue(0, id) != 0
    }

    fn used(&self) -> u64 {
        self.segments.used()
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        self.places.prefetch(id);
    }
}
