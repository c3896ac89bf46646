//! 2Q: new objects pass a queue; those that are asked for again after they left it stay, by LRU.
//!
//! Idea: objects enter a queue of a quarter of the cache (A1in); what leaves it stays as a ghost (A1out) as long as half
//! a cache would take; a request for a ghost brings its object to the main part, which is LRU (Am). Hits in the queue
//! change nothing, as they come close upon one another. Cost: O(1) a request, 8 bytes a key and 8 to 24 an object.
//! Choose it where scans must not displace what is asked for over and over. Source: Johnson, Shasha 1994, "2Q: A Low
//! Overhead High Performance Buffer Management Replacement Algorithm", VLDB, full version.
//!
//! As libCacheSim, beyond the paper: an object larger than the queue is not put in; the main part keeps within its own
//! share, even where the queue leaves some room. A queue of no room is given room for 1 (libCacheSim refuses all then:
//! below 4 objects).

use crate::queues::{Places, Queue};
use crate::sizes::{Bytes, Sizes, Units};
use crate::{Cache, Gone, Measure, Policy, Request, Settings, Trace, share_of};
use assay_core::catalogue::{Contender, Domain, Parameter};
use assay_core::error::Result;

const IN_SHARE: Parameter = Parameter {
    name: "in_share",
    default: "0.25",
    domain: Domain::Number { low: 0.0, high: 1.0 },
    meaning: "The queue of new objects, as a share of the cache.",
};

const OUT_SHARE: Parameter = Parameter {
    name: "out_share",
    default: "0.5",
    domain: Domain::Number { low: 0.0, high: 10.0 },
    meaning: "The ghosts of objects that left the queue, as a share of the cache.",
};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "two_q",
    version: 1,
    idea: "New objects pass a queue; those asked for again after they left it stay, by LRU.",
    cost: "O(1) a request; 8 bytes a key, 8 to 24 an object of the cache",
    choose_when: "scans must not displace what is asked for over and over",
    source: "Johnson, Shasha 1994, 2Q: A Low Overhead High Performance Buffer Management Replacement Algorithm, VLDB",
    parameters: &[IN_SHARE, OUT_SHARE],
    abilities: &[],
};

const IN: u8 = 1;
const MAIN: u8 = 2;
const GHOST: u8 = 3;

/// A1in, Am and A1out of the paper.
#[derive(Debug)]
pub struct TwoQ<S> {
    places: Places<1>,
    incoming: Queue<0>,
    main: Queue<0>,
    ghosts: Queue<0>,
    sizes: S,
    capacity: u64,
    in_limit: u64,
    main_limit: u64,
    ghost_limit: u64,
}

/// 2Q of this capacity.
///
/// # Errors
/// Never.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    let (capacity, distinct) = (settings.capacity, trace.distinct());
    let (in_share, out_share) = (settings.number(&IN_SHARE), settings.number(&OUT_SHARE));
    Ok(match settings.measure {
        Measure::Objects => Box::new(TwoQ::<Units>::new(capacity, distinct, in_share, out_share)),
        Measure::Bytes => Box::new(TwoQ::<Bytes>::new(capacity, distinct, in_share, out_share)),
    })
}

impl<S: Sizes> TwoQ<S> {
    fn new(capacity: u64, distinct: usize, in_share: f64, out_share: f64) -> Self {
        let incoming = share_of(capacity, in_share);
        Self {
            places: Places::new(distinct),
            incoming: Queue::new(IN),
            main: Queue::new(MAIN),
            ghosts: Queue::new(GHOST),
            sizes: S::of_keys(distinct),
            capacity,
            in_limit: incoming.max(1),
            main_limit: capacity.saturating_sub(incoming),
            ghost_limit: share_of(capacity, out_share),
        }
    }

    /// The oldest of the queue leaves it and becomes a ghost, if it has more than its share; else one of the main part
    /// goes.
    #[inline]
    fn evict(&mut self, gone: &mut impl Gone) {
        if self.incoming.weight() <= self.in_limit && self.main.weight() > 0 {
            self.evict_from_main(gone);
            return;
        }
        let Some((victim, weight)) = self.incoming.pop(&mut self.places, &self.sizes) else { return };
        gone.evicted(victim);
        if weight <= self.ghost_limit {
            while self.ghosts.weight() + weight > self.ghost_limit {
                self.ghosts.pop(&mut self.places, &self.sizes);
            }
            self.ghosts.push(&mut self.places, victim, weight);
        }
    }

    #[inline]
    fn evict_from_main(&mut self, gone: &mut impl Gone) {
        if let Some((victim, _)) = self.main.pop(&mut self.places, &self.sizes) {
            gone.evicted(victim);
        }
    }
}

impl<S: Sizes> Policy for TwoQ<S> {
    const WEIGHS: bool = S::WEIGHS;

    #[inline]
    fn hit(&mut self, request: Request, _gone: &mut impl Gone) -> bool {
        match self.places.queue(0, request.id) {
            MAIN => self.main.renew(&mut self.places, request.id),
            IN => {}
            _ => return false,
        }
        true
    }

    #[inline]
    fn insert(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        let Request { id, size, .. } = request;
        let weight = S::weight(size);
        let ghost = self.places.queue(0, id) == GHOST;
        if ghost {
            self.ghosts.take(&mut self.places, id, self.sizes.of(id));
        }
        if weight > self.in_limit {
            return false;
        }
        while Policy::used(self) + weight > self.capacity {
            self.evict(gone);
        }
        if !ghost {
            self.sizes.keep(id, weight);
            self.incoming.push(&mut self.places, id, weight);
            return true;
        }
        if weight > self.main_limit {
            return false;
        }
        while self.main.weight() + weight > self.main_limit {
            self.evict_from_main(gone);
        }
        self.sizes.keep(id, weight);
        self.main.push(&mut self.places, id, weight);
        true
    }

    fn remove(&mut self, id: u32) -> bool {
        let weight = self.sizes.of(id);
        match self.places.queue(0, id) {
            IN => self.incoming.take(&mut self.places, id, weight),
            MAIN => self.main.take(&mut self.places, id, weight),
            _ => return false,
        }
        true
    }

    #[inline]
    fn contains(&self, id: u32) -> bool {
        matches!(self.places.queue(0, id), IN | MAIN)
    }

    #[inline]
    fn used(&self) -> u64 {
        self.incoming.weight() + self.main.weight()
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        self.places.prefetch(id);
    }
}
