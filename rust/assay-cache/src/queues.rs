//! Queues of objects that forget lazily.
//!
//! Idea: a queue is a ring of objects in the order in which they came; a word of each object says in which queue it is
//! and since when. To take an object out, or to make it the newest, its word alone is written: what the ring still
//! holds of it no longer agrees and is passed over when the end of the queue comes to it. So a use costs one cache line
//! and one write to the ring's end, where a linked list touches the object, both its neighbours and the head; and whose
//! turn comes next stands in the ring, so that its memory is asked for ahead of time. A full ring is swept of what does
//! not agree, or doubled if that is less than half of it: O(1) a step, spread over the steps before.
//! Cost: 8 bytes a key, 8 to 16 bytes an object in a queue, and 16 KiB a queue at least.
//! Source: the time stamps that stand for an order are Mattson, Gecsei, Slutz, Traiger 1970, "Evaluation techniques for
//! storage hierarchies".

use crate::sizes::Sizes;
use assay_core::memory;

/// Since when: the place in the ring, counted from the first object that ever came.
const SINCE: u64 = 0xffff_ffff;
const QUEUE: u64 = 0xff << 32;
const NOTE_SHIFT: u32 = 40;

/// In no queue.
const OUT: u8 = 0;

/// Entries of the ring ahead of its end whose objects are asked for.
const AHEAD: u32 = 8;

/// In which queues objects are: one word for each object and lane. An object is in one queue of a lane at most.
#[derive(Debug)]
pub struct Places<const LANES: usize> {
    words: Vec<[u64; LANES]>,
}

impl<const LANES: usize> Places<LANES> {
    /// So many objects, in no queue.
    #[must_use]
    pub fn new(objects: usize) -> Self {
        let words = vec![[0; LANES]; objects];
        memory::advise(&words);
        Self { words }
    }

    /// The tag of the queue in which the object is, or 0.
    #[inline]
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn queue(&self, lane: usize, id: u32) -> u8 {
        (self.words[id as usize][lane] >> 32) as u8
    }

    /// The note of an object: the policy's own, 0 when it enters a queue.
    #[inline]
    #[must_use]
    pub fn note(&self, lane: usize, id: u32) -> u64 {
        self.words[id as usize][lane] >> NOTE_SHIFT
    }

    /// Writes an object's note, of 24 bits.
    #[inline]
    pub fn set_note(&mut self, lane: usize, id: u32, note: u64) {
        let word = &mut self.words[id as usize][lane];
        *word = (*word & (SINCE | QUEUE)) | (note << NOTE_SHIFT);
    }

    /// Asks for an object's words.
    #[inline]
    pub fn prefetch(&self, id: u32) {
        memory::prefetch(&self.words[id as usize]);
    }
}

/// Entries of a ring at first: small queues are swept seldom, and 16 KiB are none too many.
const LEAST: usize = 1 << 12;

/// A queue of objects of one lane, with what they weigh.
#[derive(Debug)]
pub struct Queue<const LANE: usize> {
    tag: u8,
    /// A power of two of them.
    ring: Vec<u32>,
    /// Counted from the first object that ever came, modulo 2^32: the oldest entry, and the next one to be written.
    end: u32,
    next: u32,
    weight: u64,
}

impl<const LANE: usize> Queue<LANE> {
    /// An empty queue whose objects bear this tag.
    ///
    /// # Panics
    /// If the tag is 0, which is that of no queue.
    #[must_use]
    pub fn new(tag: u8) -> Self {
        assert_ne!(tag, OUT, "0 is the tag of no queue");
        Self { tag, ring: vec![0; LEAST], end: 0, next: 0, weight: 0 }
    }

    /// The tag of its objects.
    #[inline]
    #[must_use]
    pub fn tag(&self) -> u8 {
        self.tag
    }

    /// What its objects weigh. Where it is 0, there is none but such as weigh nothing.
    #[inline]
    #[must_use]
    pub fn weight(&self) -> u64 {
        self.weight
    }

    /// Puts an object in as the newest, whichever queue of the lane it was in: [`Queue::leave`] of that one comes first.
    #[inline]
    pub fn push<const LANES: usize>(&mut self, places: &mut Places<LANES>, id: u32, weight: u64) {
        self.weight += weight;
        self.stamp(places, id, 0);
    }

    /// Makes an object of this queue its newest; its note stays.
    #[inline]
    pub fn renew<const LANES: usize>(&mut self, places: &mut Places<LANES>, id: u32) {
        let note = places.note(LANE, id);
        self.stamp(places, id, note);
    }

    /// Takes an object of this queue out.
    #[inline]
    pub fn take<const LANES: usize>(&mut self, places: &mut Places<LANES>, id: u32, weight: u64) {
        self.leave(weight);
        places.words[id as usize][LANE] = 0;
    }

    /// An object of this weight is about to be pushed to another queue of the lane.
    #[inline]
    pub fn leave(&mut self, weight: u64) {
        self.weight -= weight;
    }

    /// The oldest object.
    #[inline]
    pub fn oldest<const LANES: usize>(&mut self, places: &Places<LANES>) -> Option<u32> {
        while self.end != self.next {
            let id = self.ring[self.slot(self.end)];
            if self.holds(places, id, self.end) {
                return Some(id);
            }
            self.end = self.end.wrapping_add(1);
            places.prefetch(self.ring[self.slot(self.end.wrapping_add(AHEAD))]);
        }
        None
    }

    /// Takes the oldest object out: the object, and what it weighs.
    #[inline]
    pub fn pop<const LANES: usize>(&mut self, places: &mut Places<LANES>, sizes: &impl Sizes) -> Option<(u32, u64)> {
        let id = self.oldest(places)?;
        self.end = self.end.wrapping_add(1);
        places.prefetch(self.ring[self.slot(self.end.wrapping_add(AHEAD))]);
        let weight = sizes.of(id);
        self.take(places, id, weight);
        Some((id, weight))
    }

    #[inline]
    fn slot(&self, place: u32) -> usize {
        place as usize & (self.ring.len() - 1)
    }

    #[inline]
    fn word(&self, place: u32) -> u64 {
        u64::from(place) | u64::from(self.tag) << 32
    }

    /// Whether the entry at this place still stands for its object.
    #[inline]
    fn holds<const LANES: usize>(&self, places: &Places<LANES>, id: u32, place: u32) -> bool {
        places.words[id as usize][LANE] & (SINCE | QUEUE) == self.word(place)
    }

    #[inline]
    fn stamp<const LANES: usize>(&mut self, places: &mut Places<LANES>, id: u32, note: u64) {
        if self.next.wrapping_sub(self.end) as usize == self.ring.len() {
            self.sweep(places);
        }
        let slot = self.slot(self.next);
        self.ring[slot] = id;
        places.words[id as usize][LANE] = self.word(self.next) | note << NOTE_SHIFT;
        self.next = self.next.wrapping_add(1);
    }

    /// Makes room in a full ring: entries that no longer stand for their objects go; if fewer than half of them do,
    /// the ring is doubled.
    #[cold]
    fn sweep<const LANES: usize>(&mut self, places: &mut Places<LANES>) {
        let mut kept = self.end;
        let mut place = self.end;
        loop {
            let id = self.ring[self.slot(place)];
            places.prefetch(self.ring[self.slot(place.wrapping_add(AHEAD))]);
            if self.holds(places, id, place) {
                let slot = self.slot(kept);
                self.ring[slot] = id;
                let note = places.note(LANE, id);
                places.words[id as usize][LANE] = self.word(kept) | note << NOTE_SHIFT;
                kept = kept.wrapping_add(1);
            }
            place = place.wrapping_add(1);
            if place == self.next {
                break;
            }
        }
        self.next = kept;
        if self.next.wrapping_sub(self.end) as usize > self.ring.len() / 2 {
            let doubled = 2 * self.ring.len();
            let mut ring = memory::zeros::<u32>(doubled);
            let mut place = self.end;
            while place != self.next {
                ring[place as usize & (doubled - 1)] = self.ring[self.slot(place)];
                place = place.wrapping_add(1);
            }
            self.ring = ring;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::sizes::Units;

    /// Two queues of one lane against deques, over enough steps that rings are swept and doubled, and the count of
    /// objects that came wraps around.
    #[test]
    fn queues_give_what_deques_give() {
        let mut places = Places::<1>::new(300);
        let mut queues = [Queue::<0>::new(1), Queue::<0>::new(2)];
        for queue in &mut queues {
            (queue.end, queue.next) = (u32::MAX - 1000, u32::MAX - 1000);
        }
        let mut deques = [VecDeque::new(), VecDeque::new()];
        let mut state = 1u64;
        for step in 0..200_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let (id, which) = ((state >> 33) as u32 % 300, (state >> 61) as usize & 1);
            let at = usize::from(places.queue(0, id));
            match (state >> 53) & 7 {
                0..=3 if at == 0 => {
                    queues[which].push(&mut places, id, 1);
                    deques[which].push_back(id);
                }
                0..=1 => {
                    queues[at - 1].renew(&mut places, id);
                    deques[at - 1].retain(|&other| other != id);
                    deques[at - 1].push_back(id);
                }
                2 => {
                    queues[at - 1].leave(1);
                    deques[at - 1].retain(|&other| other != id);
                    queues[which].push(&mut places, id, 1);
                    deques[which].push_back(id);
                }
                4 if at != 0 => {
                    queues[at - 1].take(&mut places, id, 1);
                    deques[at - 1].retain(|&other| other != id);
                }
                5 => assert_eq!(queues[which].oldest(&places), deques[which].front().copied(), "step {step}"),
                6 => {
                    let found = queues[which].pop(&mut places, &Units).map(|(id, _)| id);
                    assert_eq!(found, deques[which].pop_front(), "step {step}");
                }
                _ => {}
            }
            for (queue, deque) in queues.iter().zip(&deques) {
                assert_eq!(queue.weight(), deque.len() as u64);
            }
        }
        assert!(queues.iter().all(|queue| queue.ring.len() <= LEAST), "as long as at first");
    }

    #[test]
    fn a_note_stays_with_its_object_until_it_leaves_the_queue() {
        let mut places = Places::<2>::new(2);
        let mut queue = Queue::<1>::new(3);
        queue.push(&mut places, 1, 1);
        places.set_note(1, 1, 77);
        queue.renew(&mut places, 1);
        assert_eq!((places.note(1, 1), places.queue(1, 1), places.queue(0, 1)), (77, 3, 0));
        for _ in 0..1000 {
            queue.renew(&mut places, 1);
        }
        assert_eq!(places.note(1, 1), 77);
        queue.leave(1);
        queue.push(&mut places, 1, 1);
        assert_eq!(places.note(1, 1), 0);
    }
}
