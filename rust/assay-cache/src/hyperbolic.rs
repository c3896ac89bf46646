//! Hyperbolic caching: the object with the fewest requests for its time in the cache goes first.
//!
//! Idea: an object's priority is F / T: F requests in the T requests since it came in, so that it decays by itself and
//! what is new is not judged by what it once was. In bytes it is F / (T S): requests per byte too. Priorities change
//! all the time, so `samples` objects are drawn, with replacement, and the least of them goes, of equal ones the one
//! that came first; a cache of no more objects than samples is searched whole. Cost: O(samples) a miss, O(1) a hit;
//! 4 bytes a key and 12 an object in the cache. Choose it where popularity changes and misses are dear.
//!
//! Imitated: the paper, section 3. libCacheSim's `Hyperbolic` draws as many, and does not look at sizes
//! (`sizes=no`); its lots are others, so counts agree within chance.
//! Source: Blankstein, Sen, Freedman 2017, "Hyperbolic caching: flexible caching for Web applications".

use crate::next_uses::check_length;
use crate::sizes::{Bytes, Sizes, Units};
use crate::split_mix::SplitMix64;
use crate::{Cache, Gone, Measure, Policy, Request, Settings, Trace};
use assay_core::catalogue::{Contender, Domain, Parameter};
use assay_core::error::Result;

const SAMPLES: Parameter = Parameter {
    name: "samples",
    default: "64",
    domain: Domain::Integer { low: 1, high: 65_536 },
    meaning: "objects of which the one with the least priority goes, drawn with replacement",
};

const SIZES: Parameter = Parameter {
    name: "sizes",
    default: "yes",
    domain: Domain::Choice(&["yes", "no"]),
    meaning: "whether a priority is divided by the object's size, where a capacity counts bytes",
};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "hyperbolic",
    version: 1,
    idea: "Of some objects drawn by lot the one with the fewest requests for its time in the cache goes.",
    cost: "O(1) a hit, O(samples) a miss; 4 bytes a key and 12 per object in the cache",
    choose_when: "popularity changes, and a miss costs more than looking at some objects",
    source: "Blankstein, Sen, Freedman 2017, Hyperbolic caching: flexible caching for Web applications",
    parameters: &[SAMPLES, SIZES],
    abilities: &["seed", "weighs_sizes"],
};

const ABSENT: u32 = u32::MAX;

/// Objects in no order.
#[derive(Debug)]
pub struct Hyperbolic<S> {
    objects: Vec<Object>,
    /// The place of each object there, or [`ABSENT`].
    places: Vec<u32>,
    samples: usize,
    by_size: bool,
    random: SplitMix64,
    sizes: S,
    used: u64,
    capacity: u64,
}

#[derive(Debug, Clone, Copy)]
struct Object {
    id: u32,
    frequency: u32,
    /// The number of the request that put it in.
    entered: u32,
}

/// Hyperbolic caching of this capacity.
///
/// # Errors
/// If the trace is too long.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    check_length(CONTENDER.name, trace)?;
    Ok(match settings.measure {
        Measure::Objects => Box::new(Hyperbolic::<Units>::new(settings, trace)),
        Measure::Bytes => Box::new(Hyperbolic::<Bytes>::new(settings, trace)),
    })
}

impl<S: Sizes> Hyperbolic<S> {
    #[allow(clippy::cast_possible_truncation)]
    fn new(settings: &Settings, trace: &Trace) -> Self {
        Self {
            objects: Vec::new(),
            places: vec![ABSENT; trace.distinct()],
            samples: settings.integer(&SAMPLES) as usize,
            by_size: S::WEIGHS && settings.choice(&SIZES) == "yes",
            random: SplitMix64::new(settings.seed),
            sizes: S::of_keys(trace.distinct()),
            used: 0,
            capacity: settings.capacity,
        }
    }

    /// What goes first is least; an object of no size and with a request has an infinite priority.
    #[inline]
    #[allow(clippy::cast_precision_loss)]
    fn rank(&self, place: usize, now: u64) -> (u64, u32) {
        let object = &self.objects[place];
        let age = (now - u64::from(object.entered)) as f64;
        let weight = if self.by_size { age * self.sizes.of(object.id) as f64 } else { age };
        ((f64::from(object.frequency) / weight).to_bits(), object.entered)
    }

    /// The place of the object that goes at this time.
    #[inline]
    fn choose(&mut self, now: u64) -> Option<usize> {
        let count = self.objects.len();
        if count <= self.samples {
            return (0..count).min_by_key(|place| self.rank(*place, now));
        }
        let mut best = (u64::MAX, u32::MAX, 0);
        for _ in 0..self.samples {
            let place = self.random.index(count);
            let (priority, entered) = self.rank(place, now);
            best = best.min((priority, entered, place));
        }
        Some(best.2)
    }

    /// Takes the object of this place out; the last one takes its place.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn take_out(&mut self, place: usize) -> u32 {
        let Object { id, .. } = self.objects.swap_remove(place);
        if let Some(moved) = self.objects.get(place) {
            self.places[moved.id as usize] = place as u32;
        }
        self.places[id as usize] = ABSENT;
        self.used -= self.sizes.of(id);
        id
    }
}

impl<S: Sizes> Policy for Hyperbolic<S> {
    const WEIGHS: bool = S::WEIGHS;

    #[inline]
    fn hit(&mut self, request: Request, _gone: &mut impl Gone) -> bool {
        let place = self.places[request.id as usize];
        if place == ABSENT {
            return false;
        }
        self.objects[place as usize].frequency += 1;
        true
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn insert(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        let weight = S::weight(request.size);
        if weight > self.capacity {
            return false;
        }
        while self.used + weight > self.capacity {
            let Some(place) = self.choose(request.at) else { break };
            gone.evicted(self.take_out(place));
        }
        self.sizes.keep(request.id, weight);
        self.used += weight;
        self.places[request.id as usize] = self.objects.len() as u32;
        self.objects.push(Object { id: request.id, frequency: 1, entered: request.at as u32 });
        true
    }

    fn remove(&mut self, id: u32) -> bool {
        let place = self.places[id as usize];
        if place != ABSENT {
            self.take_out(place as usize);
        }
        place != ABSENT
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
