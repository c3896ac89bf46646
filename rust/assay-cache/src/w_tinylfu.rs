//! W-TinyLFU: a newcomer takes a victim's place only if it was asked for more often.
//!
//! Idea: new objects enter a small LRU window, where bursts stay; its victim is compared, by a sketch of how often keys
//! were asked for lately, with the victim of the main part, a segmented LRU of one part to four; the rarer one goes.
//! Cost: O(1) a request with ten to fifty counters, 8 bytes a key, 8 that all sizes share, and 66 to 74 an object. Choose
//! it where popularity is steady and skewed. Source: Einziger, Friedman, Manes 2017, "TinyLFU: A Highly Efficient Cache
//! Admission Policy", ACM Transactions on Storage.
//!
//! The version is that of libCacheSim's package 0.3.5, and misses as often: window of 1 %; the sketch is a counting Bloom
//! filter without a doorkeeper, hashed from the key's 64 bits; only hits in the main part, inserts and comparisons
//! count; it ages after 32 hits in the main part for each object of it; the window holds all there is room for until
//! the cache is full; an object larger than the window, or than the lower segment, is not put in. (Caffeine, the
//! authors' own, has four-bit counters, adapts the window, and admits some losers at random.) A window of no room is
//! given room for 1 (libCacheSim refuses all below 100 objects). Keys that are no integers are hashed by the XXH64 of
//! their bytes, as a 64-bit key.

use std::sync::Arc;

use crate::queues::{Places, Queue};
use crate::segments::Segments;
use crate::sizes::{Bytes, Sizes, Units};
use crate::sketch::{Hashes, Sketch, Spots};
use crate::{Cache, Counted, Gone, Measure, Policy, Request, Requests, Settings, Tally, Trace, share_of};
use assay_core::catalogue::{Contender, Domain, Parameter};
use assay_core::error::Result;
use assay_core::lanes::{self, Loop};
use assay_core::memory;

const WINDOW_SHARE: Parameter = Parameter {
    name: "window_share",
    default: "0.01",
    domain: Domain::Number { low: 0.0, high: 0.99 },
    meaning: "The window of new objects, as a share of the cache.",
};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "w_tinylfu",
    version: 1,
    idea: "A newcomer takes a victim's place only if it was asked for more often lately, by a sketch.",
    cost: "O(1) a request with 10 to 50 counters; 8 bytes a key, 8 more that all sizes share, 66 to 74 an object",
    choose_when: "popularity is steady and skewed",
    source: "Einziger, Friedman, Manes 2017, TinyLFU: A Highly Efficient Cache Admission Policy, ACM TOS; as \
             libCacheSim 0.3.5 has it",
    parameters: &[WINDOW_SHARE],
    abilities: &[],
};

/// The tag of the window; those of the main part's two segments are 1 and 2.
const WINDOW: u8 = 3;

/// No object.
const NOBODY: u32 = u32::MAX;

/// Requests whose counters are asked for ahead of time.
const AHEAD: usize = 16;

/// Requests ahead for which it is computed where their counters are: a few before they are asked for, by when vectors
/// lie in memory as numbers.
const COMPUTED: usize = 20;

/// Requests whose counters' places are kept.
const KEPT: usize = 32;

/// Hits in the main part after which counts are halved, for each object of it.
const AGE: u64 = 32;

/// The window, the main part, and the counts.
#[derive(Debug)]
pub struct WTinyLfu<S> {
    places: Places<1>,
    window: Queue<0>,
    main: Segments,
    sketch: Sketch,
    /// See [`Sketch::is_far`].
    is_far: bool,
    /// The objects that are to be compared next, as far as is known, with their counters.
    newcomer: (u32, Spots),
    victim: (u32, Spots),
    /// The hashes of each object's key.
    hashes: Arc<Vec<Hashes>>,
    sizes: S,
    capacity: u64,
    window_limit: u64,
    main_limit: u64,
    /// Hits in the main part since the counts were halved.
    counted: u64,
}

/// W-TinyLFU of this capacity.
///
/// # Errors
/// Never.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    Ok(match settings.measure {
        Measure::Objects => Box::new(WTinyLfu::<Units>::new(settings, trace)),
        Measure::Bytes => Box::new(WTinyLfu::<Bytes>::new(settings, trace)),
    })
}

impl<S: Sizes> WTinyLfu<S> {
    fn new(settings: &Settings, trace: &Trace) -> Self {
        let (capacity, distinct) = (settings.capacity, trace.distinct());
        let window_limit = share_of(capacity, settings.number(&WINDOW_SHARE)).max(1);
        let main_limit = capacity.saturating_sub(window_limit);
        let limits = [0.2, 0.8].map(|share| share_of(main_limit, share).max(1));
        let sketch = Sketch::new(main_limit, distinct);
        Self {
            places: Places::new(distinct),
            window: Queue::new(WINDOW),
            main: Segments::new(main_limit, limits.to_vec()),
            is_far: sketch.is_far(),
            sketch,
            newcomer: (NOBODY, Spots::default()),
            victim: (NOBODY, Spots::default()),
            hashes: trace.sketch_hashes(),
            sizes: S::of_keys(distinct),
            capacity,
            window_limit,
            main_limit,
            counted: 0,
        }
    }

    #[inline(always)]
    fn spots(&self, id: u32) -> Spots {
        self.sketch.spots(id, self.hashes[id as usize])
    }

    /// A hit of an object, whose counters are these if it has any to be counted up.
    #[inline(always)]
    fn hit_at(&mut self, id: u32, spots: impl FnOnce(&Self) -> Spots, gone: &mut impl Gone) -> bool {
        match self.places.queue(0, id) {
            0 => return false,
            WINDOW => self.window.renew(&mut self.places, id),
            tag => {
                self.main.hit(&mut self.places, &self.sizes, id, tag, gone);
                let spots = spots(self);
                self.sketch.add(&spots);
                self.counted += 1;
                if self.counted >= AGE.saturating_mul(self.main_limit) {
                    self.counted = 0;
                    self.sketch.age();
                }
            }
        }
        true
    }

    /// Puts the object of a miss in, whose counters are these.
    #[inline(always)]
    fn insert_at(&mut self, request: Request, spots: &Spots, gone: &mut impl Gone) -> bool {
        let Request { id, size, .. } = request;
        let weight = S::weight(size);
        // A cache of one object is its window alone.
        if weight > self.window_limit || (self.main_limit > 0 && !self.main.fits(weight)) {
            return false;
        }
        let full = Policy::used(self) + weight > self.capacity;
        while Policy::used(self) + weight > self.capacity {
            self.evict(gone);
        }
        self.sizes.keep(id, weight);
        self.window.push(&mut self.places, id, weight);
        self.sketch.add(spots);
        if full {
            self.look_ahead();
        }
        true
    }

    /// Finds out which two objects will be compared next, if no hit comes in between, and asks for their counters.
    #[inline(always)]
    fn look_ahead(&mut self) {
        if let Some(id) = self.window.oldest(&self.places)
            && id != self.newcomer.0
        {
            self.newcomer = (id, self.spots(id));
            if self.is_far {
                self.sketch.prefetch(&self.newcomer.1);
            }
        }
        if let Some(id) = self.main.victim(&self.places)
            && id != self.victim.0
        {
            self.victim = (id, self.spots(id));
            if self.is_far {
                self.sketch.prefetch(&self.victim.1);
            }
        }
    }

    /// The window's victims go to the main part while it has room; then one of the two victims leaves the cache.
    #[inline(always)]
    fn evict(&mut self, gone: &mut impl Gone) {
        while let Some((id, weight)) = self.window.pop(&mut self.places, &self.sizes) {
            let spots = if id == self.newcomer.0 { self.newcomer.1 } else { self.spots(id) };
            if self.main.used() + weight <= self.main_limit {
                self.main.insert(&mut self.places, &self.sizes, id, weight, gone);
                self.sketch.add(&spots);
                continue;
            }
            if self.is_rarer_in_main(&spots) {
                self.main.evict(&mut self.places, &self.sizes, gone);
                self.main.insert(&mut self.places, &self.sizes, id, weight, gone);
            } else {
                gone.evicted(id);
            }
            self.sketch.add(&spots);
            return;
        }
        self.main.evict(&mut self.places, &self.sizes, gone);
    }

    /// Whether the main part's victim was asked for less often than the key of these counters.
    #[inline(always)]
    fn is_rarer_in_main(&mut self, spots: &Spots) -> bool {
        let Some(victim) = self.main.victim(&self.places) else { return false };
        if victim != self.victim.0 {
            self.victim = (victim, self.spots(victim));
        }
        self.sketch.estimate(spots) > self.sketch.estimate(&self.victim.1)
    }

    /// What comes of these requests; it is known ahead where the counters of those to come are.
    #[inline(always)]
    fn run_all(&mut self, requests: Requests<'_>) -> Tally {
        let Requests { ids, .. } = requests;
        let mut tally = Tally { requests: ids.len() as u64, ..Tally::default() };
        let mut gone = Counted::default();
        let mut ahead = [Spots::default(); KEPT];
        for (place, &id) in ids.iter().enumerate().take(COMPUTED) {
            ahead[place] = self.spots(id);
        }
        for place in 0..ids.len() {
            if let Some(&far) = ids.get(place + 2 * AHEAD) {
                memory::prefetch(&self.hashes[far as usize]);
                self.places.prefetch(far);
            }
            if let Some(&next) = ids.get(place + COMPUTED) {
                ahead[(place + COMPUTED) % KEPT] = self.spots(next);
            }
            if self.is_far {
                self.sketch.prefetch(&ahead[(place + AHEAD) % KEPT]);
            }
            let spots = &ahead[place % KEPT];
            let request = requests.get(place);
            tally.bytes += request.size;
            if self.hit_at(request.id, |_| *spots, &mut gone) {
                tally.hits += 1;
                tally.bytes_hit += request.size;
            } else {
                tally.inserted += u64::from(self.insert_at(request, spots, &mut gone));
            }
        }
        tally.evictions = gone.0;
        tally
    }
}

impl<S: Sizes> Policy for WTinyLfu<S> {
    const WEIGHS: bool = S::WEIGHS;

    #[inline(always)]
    fn hit(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        self.hit_at(request.id, |cache| cache.spots(request.id), gone)
    }

    #[inline(always)]
    fn insert(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        let spots = self.spots(request.id);
        self.insert_at(request, &spots, gone)
    }

    fn remove(&mut self, id: u32) -> bool {
        match self.places.queue(0, id) {
            0 => return false,
            WINDOW => self.window.take(&mut self.places, id, self.sizes.of(id)),
            tag => self.main.take(&mut self.places, &self.sizes, id, tag),
        }
        true
    }

    #[inline(always)]
    fn contains(&self, id: u32) -> bool {
        self.places.queue(0, id) != 0
    }

    #[inline(always)]
    fn used(&self) -> u64 {
        self.window.weight() + self.main.used()
    }

    #[inline(always)]
    fn prefetch(&self, id: u32) {
        self.places.prefetch(id);
    }

    fn run(&mut self, requests: Requests<'_>) -> Tally {
        lanes::run(Whole { cache: self, requests })
    }
}

/// The requests of a run.
struct Whole<'a, S> {
    cache: &'a mut WTinyLfu<S>,
    requests: Requests<'a>,
}

impl<S: Sizes> Loop for Whole<'_, S> {
    type Output = Tally;

    #[inline(always)]
    fn run(self) -> Tally {
        self.cache.run_all(self.requests)
    }
}
