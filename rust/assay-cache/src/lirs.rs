//! LIRS: what was asked for twice within a short time stays; what was not gets a hundredth of the cache.
//!
//! Idea: not the time since the last use but that between the last two decides (inter-reference recency). A stack S
//! orders objects by their last use, among them ghosts of what is no longer there; an object asked for again while it is
//! in S has a low one (LIR) and takes the place of the LIR object at the bottom of S, which goes to the queue Q of those
//! with a high one (HIR). Victims are Q's oldest. Cost: O(1) a request, amortised; 16 bytes a key and 8 to 40 an object.
//! Choose it where loops and scans are larger than the cache. Source: Jiang, Zhang 2002, "LIRS: an efficient low
//! inter-reference recency set replacement policy to improve buffer cache performance", SIGMETRICS.
//!
//! As libCacheSim: Q has 1 % of the cache; S with its ghosts weighs two caches at most (the paper: no bound), the ghosts
//! that left the cache first being forgotten first; an object larger than Q is not put in. And, with
//! `queue_hit="demotes"`: a hit on an object that is in Q but no longer in S sends the bottom of S to Q, although the
//! object itself stays HIR. Where Q has room for one, that drives the object itself out of Q: it still answers, as long
//! as it is in S, without its weight being counted, and has gone when it leaves S. `queue_hit="keeps"` is the paper's
//! rule, in which neither happens.
//! By bytes libCacheSim reads, in that case, the size of an object that it has freed: a few misses differ there.

use crate::queues::{Places, Queue};
use crate::sizes::{Bytes, Sizes, Units};
use crate::{Cache, Gone, Measure, Policy, Request, Settings, Trace, share_of};
use assay_core::catalogue::{Contender, Domain, Parameter};
use assay_core::error::Result;

const HIR_SHARE: Parameter = Parameter {
    name: "hir_share",
    default: "0.01",
    domain: Domain::Number { low: 0.0, high: 1.0 },
    meaning: "The queue of objects of high inter-reference recency, as a share of the cache.",
};

const QUEUE_HIT: Parameter = Parameter {
    name: "queue_hit",
    default: "demotes",
    domain: Domain::Choice(&["demotes", "keeps"]),
    meaning: "Whether a hit in the queue alone demotes an object of low recency: libCacheSim's rule, or the paper's.",
};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "lirs",
    version: 2,
    idea: "What was asked for twice within a short time stays; what was not shares a hundredth of the cache.",
    cost: "O(1) a request, amortised; 16 bytes a key, 8 to 40 an object of the cache",
    choose_when: "loops and scans are larger than the cache",
    source: "Jiang, Zhang 2002, LIRS: an efficient low inter-reference recency set replacement policy, SIGMETRICS",
    parameters: &[HIR_SHARE, QUEUE_HIT],
    abilities: &[],
};

/// The lane of S, whose tag is [`IN_STACK`], and that of Q and the ghosts.
const STACK: usize = 0;
const QUEUE: usize = 1;

const IN_STACK: u8 = 1;
const IN_QUEUE: u8 = 1;
const GHOST: u8 = 2;

/// The note of an object of low recency in S.
const LIR: u64 = 1;

/// S, Q, and the ghosts of S in the order in which they left the cache.
#[derive(Debug)]
pub struct Lirs<S> {
    places: Places<2>,
    stack: Queue<STACK>,
    stack_count: u64,
    queue: Queue<QUEUE>,
    ghosts: Queue<QUEUE>,
    lir_weight: u64,
    sizes: S,
    capacity: u64,
    hir_limit: u64,
    lir_limit: u64,
    demotes: bool,
    /// Whether an object was taken out since the last hit or insert, so that S may not be pruned.
    unpruned: bool,
}

/// LIRS of this capacity.
///
/// # Errors
/// Never.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    Ok(match settings.measure {
        Measure::Objects => Box::new(Lirs::<Units>::new(settings, trace.distinct())),
        Measure::Bytes => Box::new(Lirs::<Bytes>::new(settings, trace.distinct())),
    })
}

impl<S: Sizes> Lirs<S> {
    fn new(settings: &Settings, distinct: usize) -> Self {
        let capacity = settings.capacity;
        let hir_limit = share_of(capacity, settings.number(&HIR_SHARE)).max(1);
        Self {
            places: Places::new(distinct),
            stack: Queue::new(IN_STACK),
            stack_count: 0,
            queue: Queue::new(IN_QUEUE),
            ghosts: Queue::new(GHOST),
            lir_weight: 0,
            sizes: S::of_keys(distinct),
            capacity,
            hir_limit,
            lir_limit: capacity.saturating_sub(hir_limit),
            demotes: settings.choice(&QUEUE_HIT) == "demotes",
            unpruned: false,
        }
    }

    #[inline]
    fn in_stack(&self, id: u32) -> bool {
        self.places.queue(STACK, id) == IN_STACK
    }

    #[inline]
    fn is_lir(&self, id: u32) -> bool {
        self.places.note(STACK, id) == LIR
    }

    /// Nothing has a low recency where the cache is Q alone: then there is no S.
    #[inline]
    fn push_on_stack(&mut self, id: u32, weight: u64) {
        if self.lir_limit == 0 {
            return;
        }
        self.stack.push(&mut self.places, id, weight);
        self.stack_count += 1;
    }

    #[inline]
    fn take_from_stack(&mut self, id: u32) {
        self.stack.take(&mut self.places, id, self.sizes.of(id));
        self.stack_count -= 1;
    }

    #[inline]
    fn make_lir(&mut self, id: u32) {
        self.places.set_note(STACK, id, LIR);
        self.lir_weight += self.sizes.of(id);
    }

    /// Objects of low recency go to Q, from the bottom of S, until there is room for one more.
    #[inline]
    fn demote_for(&mut self, weight: u64, gone: &mut impl Gone) {
        while self.lir_weight > 0 && self.lir_weight + weight > self.lir_limit {
            self.demote(gone);
        }
    }

    /// The bottom of S goes to Q; out altogether if it is larger than Q.
    #[inline]
    fn demote(&mut self, gone: &mut impl Gone) {
        self.prune(gone);
        let Some((bottom, weight)) = self.stack.pop(&mut self.places, &self.sizes) else { return };
        self.stack_count -= 1;
        self.lir_weight -= weight;
        if weight <= self.hir_limit {
            self.make_room_in_queue(weight, gone);
            self.queue.push(&mut self.places, bottom, weight);
        } else {
            gone.evicted(bottom);
        }
        self.prune(gone);
    }

    /// Nothing but an object of low recency lies at the bottom of S, unless it is alone there. What answered through S
    /// alone goes with its place there.
    #[inline]
    fn prune(&mut self, gone: &mut impl Gone) {
        while self.stack_count > 1
            && let Some(bottom) = self.stack.oldest(&self.places)
            && !self.is_lir(bottom)
        {
            self.take_from_stack(bottom);
            match self.places.queue(QUEUE, bottom) {
                IN_QUEUE => {}
                GHOST => self.ghosts.take(&mut self.places, bottom, self.sizes.of(bottom)),
                _ => gone.evicted(bottom),
            }
        }
    }

    #[inline]
    fn make_room_in_queue(&mut self, weight: u64, gone: &mut impl Gone) {
        while self.queue.weight() > 0 && self.queue.weight() + weight > self.hir_limit {
            self.evict_from_queue(gone);
        }
    }

    /// The oldest of Q leaves the cache; if it is in S it stays there as a ghost.
    #[inline]
    fn evict_from_queue(&mut self, gone: &mut impl Gone) {
        let Some((victim, weight)) = self.queue.pop(&mut self.places, &self.sizes) else { return };
        if self.in_stack(victim) {
            self.ghosts.push(&mut self.places, victim, weight);
        }
        gone.evicted(victim);
    }

    /// Ghosts are forgotten while S weighs more than two caches.
    #[inline]
    fn forget_ghosts(&mut self) {
        while self.stack.weight() > self.capacity.saturating_mul(2)
            && let Some((ghost, _)) = self.ghosts.pop(&mut self.places, &self.sizes)
        {
            self.take_from_stack(ghost);
        }
    }

    /// Puts the object of a ghost in, as one of low recency: it was asked for again while in S.
    #[inline]
    fn insert_ghost(&mut self, id: u32, size: u64, gone: &mut impl Gone) {
        let weight = self.sizes.of(id);
        self.demote_for(weight, gone);
        self.ghosts.take(&mut self.places, id, weight);
        // The object keeps the size it had; but room is made for what was asked for, as libCacheSim does.
        while self.lir_weight > 0 && Policy::used(self) + size > self.capacity {
            while self.queue.weight() > 0 && self.queue.weight() >= self.hir_limit {
                self.evict_from_queue(gone);
            }
            self.demote(gone);
        }
        self.make_lir(id);
    }

    /// Puts an object in that is neither in S nor in Q.
    #[inline]
    fn insert_new(&mut self, id: u32, weight: u64, gone: &mut impl Gone) -> bool {
        if weight > self.hir_limit || (weight > self.lir_limit && self.lir_limit > 0) {
            return false;
        }
        self.sizes.keep(id, weight);
        if self.lir_limit > 0 && self.lir_weight + weight <= self.lir_limit {
            self.push_on_stack(id, weight);
            self.make_lir(id);
            return true;
        }
        self.make_room_in_queue(weight, gone);
        self.push_on_stack(id, weight);
        self.queue.push(&mut self.places, id, weight);
        true
    }
}

/// All objects but one, which stays: who is told of them.
struct Others<'a, G> {
    id: u32,
    gone: &'a mut G,
}

impl<G: Gone> Gone for Others<'_, G> {
    #[inline]
    fn evicted(&mut self, id: u32) {
        if id != self.id {
            self.gone.evicted(id);
        }
    }
}

impl<S: Sizes> Policy for Lirs<S> {
    const WEIGHS: bool = S::WEIGHS;

    #[inline]
    fn hit(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        let id = request.id;
        if std::mem::take(&mut self.unpruned) {
            self.prune(gone);
        }
        let queue = self.places.queue(QUEUE, id);
        if self.in_stack(id) {
            if queue == GHOST {
                return false;
            }
            self.stack.renew(&mut self.places, id);
            if self.is_lir(id) {
                self.prune(gone);
            } else {
                let weight = self.sizes.of(id);
                if queue == IN_QUEUE {
                    self.queue.take(&mut self.places, id, weight);
                }
                self.demote_for(weight, gone);
                self.make_lir(id);
                if !self.demotes {
                    self.prune(gone);
                }
            }
        } else if queue == IN_QUEUE {
            let weight = self.sizes.of(id);
            self.queue.renew(&mut self.places, id);
            if self.demotes {
                self.demote_for(weight, &mut Others { id, gone });
            }
            self.push_on_stack(id, weight);
        } else {
            return false;
        }
        self.forget_ghosts();
        true
    }

    #[inline]
    fn insert(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        let Request { id, size, .. } = request;
        let weight = S::weight(size);
        let ghost = self.in_stack(id);
        if ghost {
            self.stack.renew(&mut self.places, id);
        }
        let inserted = weight <= self.capacity
            && if ghost {
                self.insert_ghost(id, weight, gone);
                true
            } else {
                self.insert_new(id, weight, gone)
            };
        self.forget_ghosts();
        inserted
    }

    fn remove(&mut self, id: u32) -> bool {
        if !Policy::contains(self, id) {
            return false;
        }
        let weight = self.sizes.of(id);
        if self.places.queue(QUEUE, id) == IN_QUEUE {
            self.queue.take(&mut self.places, id, weight);
        }
        if self.in_stack(id) {
            self.lir_weight -= if self.is_lir(id) { weight } else { 0 };
            self.take_from_stack(id);
            // Who is driven out of S by this must be told of; there is nobody before the next request.
            self.unpruned = true;
        }
        true
    }

    #[inline]
    fn contains(&self, id: u32) -> bool {
        let queue = self.places.queue(QUEUE, id);
        queue == IN_QUEUE || (self.in_stack(id) && queue != GHOST)
    }

    #[inline]
    fn used(&self) -> u64 {
        self.lir_weight + self.queue.weight()
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        self.places.prefetch(id);
    }
}
