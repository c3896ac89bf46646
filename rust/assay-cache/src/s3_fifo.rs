//! S3-FIFO: a small queue in front of a main one; what is not asked for twice while in the small one never gets further.
//!
//! Idea: most objects are asked for once, so that a tenth of the cache is enough to find that out; the main queue gives
//! objects that were used another round, up to three; ghosts of the small queue's victims bring theirs straight to the
//! main one. A hit counts up, and moves nothing. Cost: O(1) a request, 8 bytes a key and 8 to 24 an object. Choose it
//! where many objects are asked for once, or many threads share the cache. Source: Yang, Zhang, Qiu, Yue, Vinayak 2023,
//! "FIFO queues are all you need for cache eviction", SOSP, algorithm 1.
//!
//! The version is that of libCacheSim's package 0.3.5, and misses as often. Beyond the paper: ghosts of 0.9 cache; two
//! uses (not more than one) take an object to the main queue; until something was evicted, what comes while the small
//! queue is full goes to the main one (the paper, and libCacheSim of 2024: to the small one); by bytes, an object
//! larger than the small queue is not put in, and one just as large makes room and is not put in either. The ghost of
//! an object is taken as its request comes, even if the object is then too large. A small queue of no room is given
//! room for 1 (libCacheSim refuses all below 20 objects).

use crate::queues::{Places, Queue};
use crate::sizes::{Bytes, Sizes, Units};
use crate::{Cache, Gone, Measure, Policy, Request, Settings, Trace, share_of};
use assay_core::catalogue::{Contender, Domain, Parameter};
use assay_core::error::Result;

const SMALL_SHARE: Parameter = Parameter {
    name: "small_share",
    default: "0.1",
    domain: Domain::Number { low: 0.0, high: 1.0 },
    meaning: "The small queue, as a share of the cache.",
};

const GHOST_SHARE: Parameter = Parameter {
    name: "ghost_share",
    default: "0.9",
    domain: Domain::Number { low: 0.0, high: 10.0 },
    meaning: "The ghosts of the small queue's victims, as a share of the cache.",
};

const USES: Parameter = Parameter {
    name: "uses",
    default: "2",
    domain: Domain::Integer { low: 0, high: 255 },
    meaning: "Uses within the small queue that take an object to the main one.",
};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "s3_fifo",
    version: 1,
    idea: "A small queue holds back what is not used twice; the main one gives what was used another round.",
    cost: "O(1) a request; 8 bytes a key, 8 to 24 an object of the cache",
    choose_when: "many objects are asked for once, or many threads share the cache",
    source: "Yang, Zhang, Qiu, Yue, Vinayak 2023, FIFO queues are all you need for cache eviction, SOSP; as libCacheSim \
             0.3.5 has it",
    parameters: &[SMALL_SHARE, GHOST_SHARE, USES],
    abilities: &[],
};

const SMALL: u8 = 1;
const MAIN: u8 = 2;
const GHOST: u8 = 3;

/// Uses that count in the main queue.
const ROUNDS: u64 = 3;

/// The three queues; an object's note is how often it was used since it entered its queue.
#[derive(Debug)]
pub struct S3Fifo<S> {
    places: Places<1>,
    small: Queue<0>,
    main: Queue<0>,
    ghosts: Queue<0>,
    sizes: S,
    capacity: u64,
    small_limit: u64,
    main_limit: u64,
    ghost_limit: u64,
    uses: u64,
    /// Beyond so many uses nothing depends on them.
    most: u64,
    has_evicted: bool,
}

/// S3-FIFO of this capacity.
///
/// # Errors
/// Never.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    Ok(match settings.measure {
        Measure::Objects => Box::new(S3Fifo::<Units>::new(settings, trace.distinct())),
        Measure::Bytes => Box::new(S3Fifo::<Bytes>::new(settings, trace.distinct())),
    })
}

impl<S: Sizes> S3Fifo<S> {
    fn new(settings: &Settings, distinct: usize) -> Self {
        let capacity = settings.capacity;
        let small = share_of(capacity, settings.number(&SMALL_SHARE));
        let uses = settings.integer(&USES);
        Self {
            places: Places::new(distinct),
            small: Queue::new(SMALL),
            main: Queue::new(MAIN),
            ghosts: Queue::new(GHOST),
            sizes: S::of_keys(distinct),
            capacity,
            small_limit: small.max(1),
            main_limit: capacity.saturating_sub(small),
            ghost_limit: share_of(capacity, settings.number(&GHOST_SHARE)),
            uses,
            most: uses.max(ROUNDS),
            has_evicted: false,
        }
    }

    /// One object leaves the cache, or all of the small queue goes to the main one.
    #[inline]
    fn evict(&mut self, gone: &mut impl Gone) {
        self.has_evicted = true;
        if self.main.weight() > self.main_limit || self.small.weight() == 0 {
            self.evict_from_main(gone);
        } else {
            self.evict_from_small(gone);
        }
    }

    #[inline]
    fn evict_from_small(&mut self, gone: &mut impl Gone) {
        while let Some(oldest) = self.small.oldest(&self.places) {
            let used = self.places.note(0, oldest) >= self.uses;
            let Some((victim, weight)) = self.small.pop(&mut self.places, &self.sizes) else { return };
            if used {
                self.main.push(&mut self.places, victim, weight);
                continue;
            }
            gone.evicted(victim);
            if weight <= self.ghost_limit {
                while self.ghosts.weight() + weight > self.ghost_limit {
                    self.ghosts.pop(&mut self.places, &self.sizes);
                }
                self.ghosts.push(&mut self.places, victim, weight);
            }
            return;
        }
    }

    #[inline]
    fn evict_from_main(&mut self, gone: &mut impl Gone) {
        while let Some(oldest) = self.main.oldest(&self.places) {
            let uses = self.places.note(0, oldest);
            if uses == 0 {
                self.main.pop(&mut self.places, &self.sizes);
                gone.evicted(oldest);
                return;
            }
            self.main.renew(&mut self.places, oldest);
            self.places.set_note(0, oldest, uses.min(ROUNDS) - 1);
        }
    }
}

impl<S: Sizes> Policy for S3Fifo<S> {
    const WEIGHS: bool = S::WEIGHS;

    #[inline]
    fn hit(&mut self, request: Request, _gone: &mut impl Gone) -> bool {
        let there = Policy::contains(self, request.id);
        if there {
            let uses = self.places.note(0, request.id);
            if uses < self.most {
                self.places.set_note(0, request.id, uses + 1);
            }
        }
        there
    }

    #[inline]
    fn insert(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        let Request { id, size, .. } = request;
        let weight = S::weight(size);
        let ghost = self.places.queue(0, id) == GHOST;
        if ghost {
            self.ghosts.take(&mut self.places, id, self.sizes.of(id));
        }
        if weight > self.small_limit {
            return false;
        }
        while Policy::used(self) + weight > self.capacity {
            self.evict(gone);
        }
        if !ghost && weight == self.small_limit && weight > 1 {
            return false;
        }
        self.sizes.keep(id, weight);
        let full = !self.has_evicted && self.small.weight() >= self.small_limit;
        let queue = if ghost || full { &mut self.main } else { &mut self.small };
        queue.push(&mut self.places, id, weight);
        true
    }

    fn remove(&mut self, id: u32) -> bool {
        let weight = self.sizes.of(id);
        match self.places.queue(0, id) {
            SMALL => self.small.take(&mut self.places, id, weight),
            MAIN => self.main.take(&mut self.places, id, weight),
            _ => return false,
        }
        true
    }

    #[inline]
    fn contains(&self, id: u32) -> bool {
        matches!(self.places.queue(0, id), SMALL | MAIN)
    }

    #[inline]
    fn used(&self) -> u64 {
        self.small.weight() + self.main.weight()
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        self.places.prefetch(id);
    }
}
