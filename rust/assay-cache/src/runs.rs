//! Requests in a row on a line, where objects are counted and nobody asks which went: loops without a branch that depends
//! on whether a request hits.
//!
//! Whether a request hits is as good as random to the processor, which then works on a guess that is wrong for a quarter
//! of the requests or more; deciding by arithmetic what is written costs less. Both ways end in the same state.

use crate::line::{Line, WORD};

/// Requests for whose places memory is asked ahead of time.
pub(super) const AHEAD: usize = 24;

/// What came of the requests of a run.
#[derive(Debug, Clone, Copy, Default)]
pub struct Run {
    /// Requests whose object was not there.
    pub misses: u64,
    /// Objects that went.
    pub gone: u64,
}

impl Line {
    /// FIFO of so many objects. None, with nothing done, if it must be done one by one: where an object has left.
    pub fn run_fifo(&mut self, ids: &[u32], capacity: u32) -> Option<Run> {
        let capacity = capacity.min(self.objects());
        if self.end - self.first != self.standing || !self.has_room(capacity, ids.len()) {
            return None;
        }
        let start = self.end;
        let (mut first, mut end) = (self.first, self.end);
        for (index, &id) in ids.iter().enumerate() {
            if let Some(&next) = ids.get(index + AHEAD) {
                self.prefetch(next);
            }
            let place = &mut self.places[id as usize];
            let miss = *place < first;
            *place = if miss { end } else { *place };
            self.ids[(end & self.mask) as usize] = id;
            end += u32::from(miss);
            first = first.max(end.saturating_sub(capacity));
        }
        let misses = u64::from(end - start);
        let gone = u64::from(self.standing) + misses - u64::from(end - first);
        (self.first, self.end, self.standing) = (first, end, end - first);
        // Nobody looked at the bits of the places that were passed; those in use are as fresh ones.
        let words = ((end - start) / WORD + 2).min(self.mask / WORD + 1);
        for step in 0..words {
            let word = self.word(start.wrapping_add(step * WORD));
            self.left[word] = 0;
            self.marks[word] = 0;
        }
        Some(Run { misses, gone })
    }

    /// LRU of so many objects.
    pub fn run_lru(&mut self, ids: &[u32], capacity: u32) -> Run {
        let mut run = Run::default();
        for (index, &id) in ids.iter().enumerate() {
            if let Some(&next) = ids.get(index + AHEAD) {
                self.prefetch(next);
            }
            if self.is_full() {
                self.move_up();
            }
            let place = self.places[id as usize];
            let miss = place < self.first;
            let word = self.word(place);
            self.left[word] |= u64::from(!miss) << (place % WORD);
            self.put(id);
            self.standing += u32::from(miss);
            run.misses += u64::from(miss);
            let over = self.standing > capacity;
            let here = !self.left[self.word(self.first)] >> (self.first % WORD);
            if here == 0 {
                if over {
                    self.first = self.next(self.first) + 1;
                }
            } else {
                let next = self.first + here.trailing_zeros() + 1;
                self.first = if over { next } else { self.first };
            }
            self.standing -= u32::from(over);
            run.gone += u64::from(over);
        }
        run
    }

    /// SIEVE of so many objects: a branch after all, as finding who goes takes longer than a wrong guess.
    pub fn run_sieve(&mut self, ids: &[u32], capacity: u32) -> Run {
        let mut run = Run::default();
        let mut rest = ids;
        while self.standing < capacity
            && let Some((&id, after)) = rest.split_first()
        {
            rest = after;
            if !self.mark(id) {
                run.misses += 1;
                self.push(id);
            }
        }
        while !rest.is_empty() {
            if self.is_full() {
                self.move_up();
            }
            let free = self.mask + 1 - 2 * WORD - (self.end - self.first);
            let (now, after) = rest.split_at(rest.len().min(free as usize));
            let misses = self.run_full_sieve(now);
            run.misses += misses;
            run.gone += misses;
            rest = after;
        }
        run
    }

    /// SIEVE where each who comes drives somebody out, and places are free for all that come: the misses.
    fn run_full_sieve(&mut self, ids: &[u32]) -> u64 {
        let mut misses = 0;
        for (index, &id) in ids.iter().enumerate() {
            if let Some(&next) = ids.get(index + AHEAD) {
                self.prefetch(next);
            }
            if self.mark(id) {
                continue;
            }
            misses += 1;
            // Mostly somebody without a mark stands in the hand's own word, and is not the last of all.
            let place = self.hand.max(self.first);
            let (word, from) = (self.word(place), place % WORD);
            let plain = !(self.left[word] | self.marks[word]) >> from;
            let steps = plain.trailing_zeros();
            if plain != 0 && place + steps + 1 < self.end {
                self.marks[word] &= !(((1 << steps) - 1) << from);
                self.left[word] |= 1 << (from + steps);
                let gone = self.id_at(place + steps);
                self.places[gone as usize] = 0;
                self.hand = place + steps + 1;
            } else {
                self.pop_unmarked_at_hand();
                self.standing += 1;
            }
            self.put(id);
        }
        misses
    }
}
