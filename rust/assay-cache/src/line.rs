//! Objects that stand in a line: whoever comes goes to its end, and anybody may leave.
//!
//! Idea: places ascend for ever, so that an object's place tells its turn, and one bit a place tells whether it was
//! left. No object knows its neighbours: leaving is a bit, and the next in the line is found by counting bits, 64
//! places at a time, in memory that stays in the processor's first cache. What stands before `first` is out, whatever its place
//! says, so that taking the first out touches no object. Places lie in a ring; once it is full, all move up to fresh
//! places. A second bit a place is a mark, and one place may be held by a hand. Cost: amortised O(1) a step, 4 bytes a key,
//! and 13 to 26 bytes an object that stands. Source: Lamport 1978, "Time, Clocks, and the Ordering of Events",
//! for turns as numbers; the ring of places is ours.

use crate::{Measure, Settings, Trace};
use assay_core::error::{Error, Result};
use assay_core::memory;

/// Places whose bits are one word.
pub(super) const WORD: u32 = u64::BITS;

/// The place from which on places are given; below it nobody stands.
const START: u32 = WORD;

/// Places in a ring at first.
const LEAST: u32 = 1 << 10;

/// A ring has this many places for each object in the line, at least, so that moving up is rare.
const ROOM: u32 = 3;

/// Objects that can stand in a line: places, in a ring with room for them, are numbered in 32 bits.
const MOST: u64 = (1 << 31) / ROOM as u64;

/// Refuses a cache that could hold more objects than can stand in a line.
///
/// # Errors
/// If it could.
pub(super) fn check_objects(policy: &str, settings: &Settings, trace: &Trace) -> Result<()> {
    let distinct = trace.distinct() as u64;
    check_count(policy, if settings.measure == Measure::Objects { distinct.min(settings.capacity) } else { distinct })
}

fn check_count(policy: &str, objects: u64) -> Result<()> {
    if objects <= MOST {
        return Ok(());
    }
    Err(Error::Data(format!(
        "{policy}: the cache could hold {objects} objects; expected at most {MOST}, as this policy numbers their \
         places in 32 bits: simulate a sample of the keys, or a smaller cache"
    )))
}

/// Objects in a line.
#[derive(Debug)]
pub struct Line {
    /// By object: where it stands, if that is not before `first`; 0 if it never came or has left. One more, for nobody.
    pub(super) places: Vec<u32>,
    /// By place, in the ring.
    pub(super) ids: Vec<u32>,
    pub(super) left: Vec<u64>,
    pub(super) marks: Vec<u64>,
    pub(super) mask: u32,
    pub(super) first: u32,
    pub(super) end: u32,
    pub(super) standing: u32,
    /// Where a hand rests, or 0.
    pub(super) hand: u32,
}

impl Line {
    /// An empty one for objects below `objects`.
    #[must_use]
    pub fn new(objects: usize) -> Self {
        let mut made = Self {
            places: memory::zeros(objects + 1),
            ids: Vec::new(),
            left: Vec::new(),
            marks: Vec::new(),
            mask: 0,
            first: START,
            end: START,
            standing: 0,
            hand: 0,
        };
        made.make_ring(LEAST);
        made
    }

    fn make_ring(&mut self, places: u32) {
        self.ids = memory::zeros(places as usize);
        self.left = memory::zeros((places / WORD) as usize);
        self.marks = memory::zeros((places / WORD) as usize);
        self.mask = places - 1;
    }

    /// How many objects stand in the line.
    #[inline]
    #[must_use]
    pub fn len(&self) -> u32 {
        self.standing
    }

    /// Whether nobody does.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.standing == 0
    }

    /// How many objects there are, in the line or not.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn objects(&self) -> u32 {
        self.places.len() as u32 - 1
    }

    /// Who stands in the line, in order, and whether each is marked.
    pub fn standing(&self) -> impl Iterator<Item = (u32, bool)> {
        let mut place = self.first;
        std::iter::from_fn(move || {
            place = self.next(place);
            (place < self.end).then(|| {
                place += 1;
                (self.id_at(place - 1), self.marks[self.word(place - 1)] >> ((place - 1) % WORD) & 1 == 1)
            })
        })
    }

    /// Whether this object stands in the line.
    #[inline]
    #[must_use]
    pub fn contains(&self, id: u32) -> bool {
        self.places[id as usize] >= self.first
    }

    /// Asks for what is known of an object.
    #[inline]
    pub fn prefetch(&self, id: u32) {
        memory::prefetch(&self.places[id as usize]);
    }

    #[inline]
    pub(super) fn word(&self, place: u32) -> usize {
        ((place & self.mask) / WORD) as usize
    }

    #[inline]
    pub(super) fn id_at(&self, place: u32) -> u32 {
        self.ids[(place & self.mask) as usize]
    }

    /// Puts an object that does not stand in the line at its end.
    #[inline]
    pub fn push(&mut self, id: u32) {
        if self.is_full() {
            self.move_up();
        }
        self.put(id);
        self.standing += 1;
    }

    /// Whether all have to move up before the next one comes.
    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.end - self.first >= self.mask + 1 - 2 * WORD
    }

    /// Whether so many can stand in the line without moving up while so many come; the ring is made larger for it.
    pub(super) fn has_room(&mut self, objects: u32, coming: usize) -> bool {
        if self.mask < objects.saturating_add(2 * WORD) {
            match objects.saturating_add(4 * WORD).checked_next_power_of_two() {
                Some(places) => self.rebuild(places),
                None => return false,
            }
        }
        coming < (1 << 30) && self.end < u32::MAX / 2
    }

    #[inline]
    pub(super) fn put(&mut self, id: u32) {
        let place = self.end;
        if place.is_multiple_of(WORD) {
            let word = self.word(place);
            self.left[word] = 0;
            self.marks[word] = 0;
        }
        self.ids[(place & self.mask) as usize] = id;
        self.places[id as usize] = place;
        self.end = place + 1;
    }

    /// Takes an object that stands in the line out of it.
    #[inline]
    pub fn leave(&mut self, id: u32) {
        let place = std::mem::take(&mut self.places[id as usize]);
        self.vacate(place);
    }

    #[inline]
    fn vacate(&mut self, place: u32) {
        let word = self.word(place);
        self.left[word] |= 1 << (place % WORD);
        self.standing -= 1;
    }

    /// Puts an object at the end of the line, if it stands there; false if not.
    #[inline]
    pub fn renew(&mut self, id: u32) -> bool {
        let there = self.contains(id);
        if there {
            self.vacate(self.places[id as usize]);
            self.push(id);
        }
        there
    }

    /// The first place from this one on at which an object stands, or `end` if there is none.
    #[inline]
    pub(super) fn next(&self, place: u32) -> u32 {
        let mut word = self.word(place);
        let here = !self.left[word] >> (place % WORD);
        if here != 0 {
            return place + here.trailing_zeros();
        }
        let mut place = place - place % WORD + WORD;
        while place < self.end {
            word = self.word(place);
            let here = !self.left[word];
            if here != 0 {
                return place + here.trailing_zeros();
            }
            place += WORD;
        }
        self.end
    }

    /// The object that has stood the longest.
    #[must_use]
    pub fn first(&self) -> Option<u32> {
        (self.standing > 0).then(|| self.id_at(self.next(self.first)))
    }

    /// The object that came last.
    #[must_use]
    pub fn last(&self) -> Option<u32> {
        let stands = |place: &u32| self.left[self.word(*place)] >> (place % WORD) & 1 == 0;
        (self.first..self.end).rev().find(stands).map(|place| self.id_at(place))
    }

    /// Takes the object out that has stood the longest; the line must not be empty.
    #[inline]
    pub fn pop_first(&mut self) -> u32 {
        debug_assert!(self.standing > 0, "nobody stands in the line");
        let place = self.next(self.first);
        self.first = place + 1;
        self.standing -= 1;
        self.id_at(place)
    }

    /// Takes the object out that came last; the line must not be empty.
    #[inline]
    pub fn pop_last(&mut self) -> u32 {
        debug_assert!(self.standing > 0, "nobody stands in the line");
        loop {
            self.end -= 1;
            let word = self.word(self.end);
            let bit = 1 << (self.end % WORD);
            if self.left[word] & bit == 0 {
                break;
            }
            self.left[word] &= !bit; // whoever comes to this place next stands there
        }
        self.standing -= 1;
        let id = self.id_at(self.end);
        self.places[id as usize] = 0;
        id
    }

    /// Marks an object, and says whether it stands in the line; if it does not, nothing is marked.
    #[inline]
    pub fn mark(&mut self, id: u32) -> bool {
        let place = self.places[id as usize];
        let there = place >= self.first;
        if there {
            let word = self.word(place);
            self.marks[word] |= 1 << (place % WORD);
        }
        there
    }

    /// Takes the first object without a mark out; those with one before it go to the end, without it.
    #[inline]
    pub fn pop_first_unmarked(&mut self) -> u32 {
        loop {
            let place = self.next(self.first);
            let marked = self.marks[self.word(place)] >> (place % WORD) & 1 == 1;
            let id = self.id_at(place);
            self.first = place + 1;
            self.standing -= 1;
            if !marked {
                return id;
            }
            self.push(id);
        }
    }

    /// Takes the first object without a mark out from the hand on, and takes the marks of those before it; at the end the hand goes on
    /// from the first. It rests behind the one taken out, or nowhere, which is the first's place, if that was the last.
    #[inline]
    pub fn pop_unmarked_at_hand(&mut self) -> u32 {
        let mut place = self.hand.max(self.first);
        loop {
            let word = self.word(place);
            let from = place % WORD;
            let plain = !(self.left[word] | self.marks[word]) >> from;
            if plain != 0 {
                let steps = plain.trailing_zeros();
                // The marks of the places that were passed: those from `from` on, so many.
                self.marks[word] &= !(((1 << steps) - 1) << from);
                place += steps;
                if place < self.end {
                    break;
                }
            } else {
                self.marks[word] &= (1 << from) - 1;
                place = place - from + WORD;
            }
            if place >= self.end {
                self.first = self.next(self.first);
                place = self.first;
            }
        }
        let id = self.id_at(place);
        self.places[id as usize] = 0;
        self.vacate(place);
        self.hand = place + 1;
        self.trim();
        id
    }

    /// As [`Self::leave`], where there is a hand: it rests nowhere if nobody stands behind it any more.
    pub fn leave_hand(&mut self, id: u32) {
        self.leave(id);
        self.trim();
    }

    /// Gives places at the end that were left back, so that the last one is somebody's, and lets a hand there go.
    #[inline]
    fn trim(&mut self) {
        while self.end > self.first {
            let (word, bit) = (self.word(self.end - 1), 1 << ((self.end - 1) % WORD));
            if self.left[word] & bit == 0 {
                break;
            }
            // Whoever comes to this place next stands there, without a mark.
            self.left[word] &= !bit;
            self.marks[word] &= !bit;
            self.end -= 1;
        }
        if self.hand >= self.end {
            self.hand = 0;
        }
    }

    /// All move up to fresh places without gaps.
    #[cold]
    pub(super) fn move_up(&mut self) {
        let places = self.standing.saturating_mul(ROOM).max(LEAST).checked_next_power_of_two();
        let places = places.expect("no more stand in a line than were allowed");
        if places > self.mask + 1 || self.end > u32::MAX / 2 {
            return self.rebuild(places.max(self.mask + 1));
        }
        let (mut place, old_end, hand) = (self.first, self.end, self.hand);
        self.end = old_end.next_multiple_of(WORD);
        let start = self.end;
        let mut new_hand = 0;
        // What is written lies more than a word behind what is read: the ring keeps two words free.
        while place < old_end {
            let (left, marks) = (self.left[self.word(place)], self.marks[self.word(place)]);
            let base = place - place % WORD;
            let within = if old_end - base < WORD { (1 << (old_end - base)) - 1 } else { u64::MAX };
            let mut here = !left & within & (u64::MAX << (place % WORD));
            while here != 0 {
                let bit = here.trailing_zeros();
                if hand > 0 && new_hand == 0 && base + bit >= hand {
                    new_hand = self.end;
                }
                let to = self.end;
                self.put(self.id_at(base + bit));
                let word = self.word(to);
                self.marks[word] |= (marks >> bit & 1) << (to % WORD);
                here &= here - 1;
            }
            place = base + WORD;
        }
        self.first = start;
        self.hand = new_hand;
    }

    /// As [`Self::move_up`], with a ring of so many places, and places from the start on.
    fn rebuild(&mut self, places: u32) {
        let mut stand = Vec::with_capacity(self.standing as usize);
        let mut place = self.next(self.first);
        while place < self.end {
            stand.push((self.id_at(place), self.marks[self.word(place)] >> (place % WORD) & 1, place));
            place = self.next(place + 1);
        }
        let hand = self.hand;
        self.make_ring(places);
        self.places.fill(0);
        (self.first, self.end, self.hand) = (START, START, 0);
        for (id, mark, was) in stand {
            if hand > 0 && self.hand == 0 && was >= hand {
                self.hand = self.end;
            }
            let (word, bit) = (self.word(self.end), self.end % WORD);
            self.put(id);
            self.marks[word] |= mark << bit;
        }
    }
}

#[cfg(test)]
mod tests;
