//! ARC: a list of objects asked for once, a list of those asked for again, and ghosts that learn how to share the cache.
//!
//! Idea: what leaves either list stays behind as a ghost, without its data; a request for a ghost says that its list
//! was too short, and moves the target p of the first list's size towards it. A scan passes through the first list
//! alone. Cost: O(1) a request, 8 bytes a key and 8 to 32 an object of the cache. Choose it where recency and frequency
//! take turns and nobody wants to tune. Source: Megiddo, Modha 2003, "ARC: A Self-Tuning, Low Overhead Replacement
//! Cache", FAST, figure 4.
//!
//! Counted in objects it is the figure. By bytes, as libCacheSim: sizes of objects take the place of their numbers, so
//! that one request may replace several; the ghosts of the first list go when a new object would not fit beside it.
//! p is a real number, as there.

use crate::queues::{Places, Queue};
use crate::sizes::{Bytes, Sizes, Units};
use crate::{Cache, Gone, Measure, Policy, Request, Settings, Trace};
use assay_core::catalogue::Contender;
use assay_core::error::Result;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "arc",
    version: 1,
    idea: "Lists of objects asked for once and again; ghosts of what left them learn how to share the cache.",
    cost: "O(1) a request; 8 bytes a key, 8 to 32 an object of the cache",
    choose_when: "recency and frequency take turns, scans pass through, and nobody wants to tune",
    source: "Megiddo, Modha 2003, ARC: A Self-Tuning, Low Overhead Replacement Cache, FAST",
    parameters: &[],
    abilities: &[],
};

const ONCE: u8 = 1;
const AGAIN: u8 = 2;
const ONCE_GHOST: u8 = 3;
const AGAIN_GHOST: u8 = 4;

/// T1, T2, B1 and B2 of the paper, and p.
#[derive(Debug)]
pub struct Arc<S> {
    places: Places<1>,
    once: Queue<0>,
    again: Queue<0>,
    once_ghosts: Queue<0>,
    again_ghosts: Queue<0>,
    sizes: S,
    capacity: u64,
    target: f64,
}

/// ARC of this capacity.
///
/// # Errors
/// Never.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    Ok(match settings.measure {
        Measure::Objects => Box::new(Arc::<Units>::new(settings.capacity, trace.distinct())),
        Measure::Bytes => Box::new(Arc::<Bytes>::new(settings.capacity, trace.distinct())),
    })
}

/// Weights as the paper's real numbers.
#[allow(clippy::cast_precision_loss)]
fn real(weight: u64) -> f64 {
    weight as f64
}

impl<S: Sizes> Arc<S> {
    fn new(capacity: u64, distinct: usize) -> Self {
        Self {
            places: Places::new(distinct),
            once: Queue::new(ONCE),
            again: Queue::new(AGAIN),
            once_ghosts: Queue::new(ONCE_GHOST),
            again_ghosts: Queue::new(AGAIN_GHOST),
            sizes: S::of_keys(distinct),
            capacity,
            target: 0.0,
        }
    }

    /// Takes an object out of the ghosts, if it is one, and moves the target: cases II and III.
    #[inline]
    fn learn(&mut self, id: u32, queue: u8) {
        let (ones, twos) = (real(self.once_ghosts.weight()), real(self.again_ghosts.weight()));
        if queue == ONCE_GHOST {
            self.target = (self.target + (twos / ones).max(1.0)).min(real(self.capacity));
            self.once_ghosts.take(&mut self.places, id, self.sizes.of(id));
        } else if queue == AGAIN_GHOST {
            self.target = (self.target - (ones / twos).max(1.0)).max(0.0);
            self.again_ghosts.take(&mut self.places, id, self.sizes.of(id));
        }
    }

    /// REPLACE: the oldest of one of the lists becomes a ghost.
    #[inline]
    fn replace(&mut self, from_again_ghosts: bool, gone: &mut impl Gone) {
        let once = real(self.once.weight());
        let first = once > 0.0 && (once > self.target || (from_again_ghosts && once >= self.target));
        let (list, ghosts) = if first || self.again.weight() == 0 {
            (&mut self.once, &mut self.once_ghosts)
        } else {
            (&mut self.again, &mut self.again_ghosts)
        };
        if let Some((victim, weight)) = list.pop(&mut self.places, &self.sizes) {
            ghosts.push(&mut self.places, victim, weight);
            gone.evicted(victim);
        }
    }

    /// Makes room for an object that is no ghost: case IV.
    #[inline]
    fn replace_for_new(&mut self, weight: u64, gone: &mut impl Gone) {
        let first = self.once.weight() + self.once_ghosts.weight();
        if first + weight > self.capacity {
            if self.once_ghosts.weight() == 0 {
                if let Some((victim, _)) = self.once.pop(&mut self.places, &self.sizes) {
                    gone.evicted(victim);
                }
                return;
            }
            self.once_ghosts.pop(&mut self.places, &self.sizes);
        } else if first + self.again.weight() + self.again_ghosts.weight() >= self.capacity.saturating_mul(2) {
            self.again_ghosts.pop(&mut self.places, &self.sizes);
        }
        self.replace(false, gone);
    }
}

impl<S: Sizes> Policy for Arc<S> {
    const WEIGHS: bool = S::WEIGHS;

    #[inline]
    fn hit(&mut self, request: Request, _gone: &mut impl Gone) -> bool {
        let id = request.id;
        match self.places.queue(0, id) {
            AGAIN => self.again.renew(&mut self.places, id),
            ONCE => {
                let weight = self.sizes.of(id);
                self.once.leave(weight);
                self.again.push(&mut self.places, id, weight);
            }
            _ => return false,
        }
        true
    }

    #[inline]
    fn insert(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        let Request { id, size, .. } = request;
        let weight = S::weight(size);
        let queue = self.places.queue(0, id);
        let ghost = queue == ONCE_GHOST || queue == AGAIN_GHOST;
        if ghost {
            self.learn(id, queue);
        }
        if weight > self.capacity {
            return false;
        }
        while Policy::used(self) + weight > self.capacity {
            if ghost {
                self.replace(queue == AGAIN_GHOST, gone);
            } else {
                self.replace_for_new(weight, gone);
            }
        }
        self.sizes.keep(id, weight);
        let list = if ghost { &mut self.again } else { &mut self.once };
        list.push(&mut self.places, id, weight);
        true
    }

    fn remove(&mut self, id: u32) -> bool {
        let weight = self.sizes.of(id);
        match self.places.queue(0, id) {
            ONCE => self.once.take(&mut self.places, id, weight),
            AGAIN => self.again.take(&mut self.places, id, weight),
            _ => return false,
        }
        true
    }

    #[inline]
    fn contains(&self, id: u32) -> bool {
        matches!(self.places.queue(0, id), ONCE | AGAIN)
    }

    #[inline]
    fn used(&self) -> u64 {
        self.once.weight() + self.again.weight()
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        self.places.prefetch(id);
    }
}
