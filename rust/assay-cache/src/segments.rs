//! Segments of LRU, one above the other: what segmented LRU is made of, and the main part of W-TinyLFU.
//!
//! Idea: a hit moves its object to the newest end of the next segment above; the oldest of a segment that has more
//! than its share goes one down, and out of the lowest. Since the shares are rounded down, together they can be less
//! than the whole, so that a hit, too, can drive an object out.

use crate::Gone;
use crate::queues::{Places, Queue};
use crate::sizes::Sizes;

/// Segments of a cache, lowest first; their tags are 1, 2, and so on.
#[derive(Debug)]
pub struct Segments {
    queues: Vec<Queue<0>>,
    limits: Vec<u64>,
    capacity: u64,
    used: u64,
}

impl Segments {
    /// Empty segments of these limits, which hold so much together.
    ///
    /// # Panics
    /// If there are none, or more than 254.
    #[must_use]
    pub fn new(capacity: u64, limits: Vec<u64>) -> Self {
        let tags = 1..=u8::try_from(limits.len()).expect("at most 254 segments");
        Self { queues: tags.map(Queue::new).collect(), limits, capacity, used: 0 }
    }

    /// What the objects weigh.
    #[inline]
    #[must_use]
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Whether a tag is that of a segment.
    #[inline]
    #[must_use]
    pub fn has(&self, tag: u8) -> bool {
        tag != 0 && usize::from(tag) <= self.queues.len()
    }

    /// Whether an object is not too large for a segment.
    #[inline]
    #[must_use]
    pub fn fits(&self, weight: u64) -> bool {
        weight <= self.limits[0] && weight <= self.capacity
    }

    /// Moves an object of this tag one up, and what overflows down.
    #[inline]
    pub fn hit(&mut self, places: &mut Places<1>, sizes: &impl Sizes, id: u32, tag: u8, gone: &mut impl Gone) {
        let (at, top) = (usize::from(tag) - 1, self.queues.len() - 1);
        if at == top {
            self.queues[at].renew(places, id);
            return;
        }
        let weight = sizes.of(id);
        self.queues[at].leave(weight);
        self.queues[at + 1].push(places, id, weight);
        // A segment is held to its limit only when something came to it: the lowest one may have more from inserts.
        let mut came = true;
        for number in (0..=at + 1).rev() {
            if !std::mem::take(&mut came) {
                break;
            }
            while self.queues[number].weight() > self.limits[number] {
                let Some((oldest, weight)) = self.queues[number].pop(places, sizes) else { break };
                if number > 0 {
                    came = true;
                    self.queues[number - 1].push(places, oldest, weight);
                } else {
                    self.used -= weight;
                    gone.evicted(oldest);
                }
            }
        }
    }

    /// The object that goes next: the oldest of the lowest segment that has any.
    #[inline]
    pub fn victim(&mut self, places: &Places<1>) -> Option<u32> {
        self.queues.iter_mut().find(|queue| queue.weight() > 0)?.oldest(places)
    }

    /// Takes that object out.
    #[inline]
    pub fn evict(&mut self, places: &mut Places<1>, sizes: &impl Sizes, gone: &mut impl Gone) {
        let Some(lowest) = self.queues.iter_mut().find(|queue| queue.weight() > 0) else { return };
        if let Some((victim, weight)) = lowest.pop(places, sizes) {
            self.used -= weight;
            gone.evicted(victim);
        }
    }

    /// Puts an object in that fits: into the lowest segment with room, else into the lowest.
    #[inline]
    pub fn insert(&mut self, places: &mut Places<1>, sizes: &impl Sizes, id: u32, weight: u64, gone: &mut impl Gone) {
        let room = (0..self.queues.len()).find(|&at| self.queues[at].weight() + weight <= self.limits[at]);
        while room.is_none() && self.used > 0 && self.used + weight > self.capacity {
            self.evict(places, sizes, gone);
        }
        self.queues[room.unwrap_or(0)].push(places, id, weight);
        self.used += weight;
    }

    /// Takes an object of this tag out.
    pub fn take(&mut self, places: &mut Places<1>, sizes: &impl Sizes, id: u32, tag: u8) {
        let weight = sizes.of(id);
        self.queues[usize::from(tag) - 1].take(places, id, weight);
        self.used -= weight;
    }
}
