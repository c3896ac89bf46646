//! LFU: the object goes that was asked for least often since it came; of several, the one whose last use is longest ago.
//!
//! Idea: an object's count above the turn of its last use is one word, and the least word is the victim's. A hit changes
//! that word and nothing else. Objects wait in a queue in the order in which they came, which is the order of those of
//! count 1. One that is found at its front with a higher count moves to a heap, ordered by the word it had then: words
//! only grow, so whoever comes up with another word goes back with that, and the first that has not changed is the least.
//! Cost: O(1) a hit; a miss O(1) as long as there are objects that were asked for once, O(log n) for each that was asked for again
//! since it was last looked at; 8 bytes a key and 8 to 16 an object. Choose it where popularity hardly changes. Counts
//! are those of one stay: whoever comes back begins at 1, and whoever was popular once stays for long.
//! Source: Coffman, Denning 1973, "Operating Systems Theory", section 6.4.

use std::collections::VecDeque;

use crate::room::Room;
use crate::sizes::{Bytes, Sizes, Units};
use crate::{Cache, Gone, Measure, Policy, Request, Settings, Trace};
use assay_core::catalogue::Contender;
use assay_core::error::Result;
use assay_core::memory;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "lfu",
    version: 1,
    idea: "The object that was asked for least often since it came goes first; of several, the least recently used.",
    cost: "O(1) a hit, amortised O(log n) at most a miss; 8 bytes a key and 8 to 24 an object",
    choose_when: "popularity hardly changes",
    source: "Coffman, Denning 1973, Operating Systems Theory",
    parameters: &[],
    abilities: &[],
};

/// A count of one.
const ONE: u64 = 1 << 32;

/// Entries of objects that are there no more may be so many, beside one for each that is.
const STALE: usize = 1 << 10;

/// Objects by how often they were asked for.
#[derive(Debug)]
pub struct Lfu<S> {
    /// By object: how often it was asked for above the turn of its last use; 0 if it is not there.
    words: Vec<u64>,
    /// Turns and ids of objects in the order in which they came; each that is there has an entry here or in the heap.
    fresh: VecDeque<(u32, u32)>,
    /// Words as they were and ids, each at most as large as its four children.
    heap: Vec<(u64, u32)>,
    objects: usize,
    turn: u32,
    room: Room<S>,
}

/// LFU of this capacity.
///
/// # Errors
/// Never.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    Ok(match settings.measure {
        Measure::Objects => Box::new(Lfu::<Units>::new(settings.capacity, trace.distinct())),
        Measure::Bytes => Box::new(Lfu::<Bytes>::new(settings.capacity, trace.distinct())),
    })
}

#[inline]
#[allow(clippy::cast_possible_truncation)]
fn turn_of(word: u64) -> u32 {
    word as u32
}

impl<S: Sizes> Lfu<S> {
    fn new(capacity: u64, distinct: usize) -> Self {
        let (words, room) = (memory::zeros(distinct), Room::new(capacity, distinct));
        Self { words, fresh: VecDeque::new(), heap: Vec::new(), objects: 0, turn: 0, room }
    }

    #[inline]
    fn next_turn(&mut self) -> u32 {
        if self.turn == u32::MAX {
            self.tidy();
        }
        self.turn += 1;
        self.turn
    }

    /// Finds the least; there must be one. Its entry is taken out.
    #[inline]
    fn pop(&mut self) -> u32 {
        while let Some((turn, id)) = self.fresh.pop_front() {
            let word = self.words[id as usize];
            if word == ONE + u64::from(turn) {
                return id;
            }
            // Of count 1 in another turn, it left and came back, and has an entry of its own.
            if word >= 2 * ONE {
                self.push_heap(word, id);
            }
        }
        loop {
            let (was, id) = self.heap[0];
            let word = self.words[id as usize];
            if word > 0 && word != was {
                self.sink((word, id));
                continue;
            }
            let last = self.heap.pop().expect("the heap has a first");
            if !self.heap.is_empty() {
                self.sink(last);
            }
            if word > 0 {
                return id;
            }
        }
    }

    /// Drops the entries of what is there no more, and gives turns anew from 1 on, in the same order.
    #[cold]
    fn tidy(&mut self) {
        let entries = self.fresh.iter().map(|entry| entry.1).chain(self.heap.iter().map(|entry| entry.1));
        let mut ids: Vec<u32> = entries.filter(|&id| self.words[id as usize] > 0).collect();
        ids.sort_unstable_by_key(|&id| turn_of(self.words[id as usize]));
        ids.dedup();
        self.fresh.clear();
        self.heap.clear();
        self.turn = 0;
        for (turn, id) in (1..).zip(ids) {
            let word = self.words[id as usize] >> 32 << 32 | u64::from(turn);
            self.words[id as usize] = word;
            if word == ONE + u64::from(turn) {
                self.fresh.push_back((turn, id));
            } else {
                self.push_heap(word, id);
            }
            self.turn = turn;
        }
    }

    fn push_heap(&mut self, word: u64, id: u32) {
        let mut at = self.heap.len();
        self.heap.push((word, id));
        while at > 0 {
            let parent = (at - 1) / 4;
            if self.heap[parent].0 <= word {
                break;
            }
            self.heap[at] = self.heap[parent];
            at = parent;
        }
        self.heap[at] = (word, id);
    }

    /// Puts this in the place of the first.
    fn sink(&mut self, item: (u64, u32)) {
        let heap = &mut self.heap;
        let mut at = 0;
        loop {
            let child = at * 4 + 1;
            if child >= heap.len() {
                break;
            }
            let end = heap.len().min(child + 4);
            let least = (child..end).min_by_key(|&one| heap[one].0).expect("there is a child");
            if heap[least].0 >= item.0 {
                break;
            }
            heap[at] = heap[least];
            at = least;
        }
        heap[at] = item;
    }
}

impl<S: Sizes> Policy for Lfu<S> {
    const WEIGHS: bool = S::WEIGHS;

    #[inline]
    fn hit(&mut self, request: Request, _gone: &mut impl Gone) -> bool {
        if self.words[request.id as usize] == 0 {
            return false;
        }
        let turn = self.next_turn();
        let word = &mut self.words[request.id as usize];
        *word = word.saturating_add(ONE) >> 32 << 32 | u64::from(turn);
        true
    }

    #[inline]
    fn insert(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        let Some(weight) = self.room.weight(request.size) else { return false };
        while self.room.lacks(weight) {
            let victim = self.pop();
            self.words[victim as usize] = 0;
            self.objects -= 1;
            self.room.free(victim);
            gone.evicted(victim);
        }
        self.room.take(request.id, weight);
        let turn = self.next_turn();
        self.words[request.id as usize] = ONE + u64::from(turn);
        self.fresh.push_back((turn, request.id));
        self.objects += 1;
        true
    }

    fn remove(&mut self, id: u32) -> bool {
        let there = std::mem::take(&mut self.words[id as usize]) > 0;
        if there {
            self.room.free(id);
            self.objects -= 1;
            if self.fresh.len() + self.heap.len() > 2 * self.objects + STALE {
                self.tidy();
            }
        }
        there
    }

    #[inline]
    fn contains(&self, id: u32) -> bool {
        self.words[id as usize] > 0
    }

    fn used(&self) -> u64 {
        self.room.used()
    }

    fn victim(&mut self) -> Option<u32> {
        if self.objects == 0 {
            return None;
        }
        let id = self.pop();
        let word = self.words[id as usize];
        if word < 2 * ONE {
            self.fresh.push_front((turn_of(word), id));
        } else {
            self.push_heap(word, id);
        }
        Some(id)
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        memory::prefetch(&self.words[id as usize]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_that_run_out_are_given_anew_in_the_same_order() {
        let mut early = Lfu::<Units>::new(8, 16);
        let mut late = Lfu::<Units>::new(8, 16);
        late.turn = u32::MAX - 100;
        for at in 0..1000_u64 {
            // Products modulo a prime: some ids come often, some seldom.
            let id = u32::try_from(at * at % 23 % 16).unwrap();
            let (mut one, mut other) = (Vec::new(), Vec::new());
            let request = Request { id, size: 1, at };
            let hit = Policy::hit(&mut early, request, &mut one);
            assert_eq!(hit, Policy::hit(&mut late, request, &mut other));
            if !hit {
                Policy::insert(&mut early, request, &mut one);
                Policy::insert(&mut late, request, &mut other);
            }
            assert_eq!(one, other, "request {at}");
            if at % 7 == 0 {
                let id = u32::try_from(at % 16).unwrap();
                assert_eq!(Policy::remove(&mut early, id), Policy::remove(&mut late, id));
            }
        }
        assert!(late.turn < 2000);
    }

    #[test]
    fn entries_of_objects_that_were_removed_do_not_pile_up() {
        let mut cache = Lfu::<Units>::new(4, 4);
        for at in 0..100_000_u64 {
            let request = Request { id: u32::try_from(at % 4).unwrap(), size: 1, at };
            let mut gone = Vec::<u32>::new();
            Policy::insert(&mut cache, request, &mut gone);
            assert!(Policy::hit(&mut cache, request, &mut gone) && Policy::remove(&mut cache, request.id));
        }
        assert!(cache.fresh.len() + cache.heap.len() < 2 * STALE);
    }
}
