//! `eytzinger`: a sorted column laid out as the levels of a binary search tree.
//!
//! The root comes first, then its two children, then their four: child keys of place k lie at 2k and 2k + 1, no pointers
//! needed, and the keys that every search begins with lie together. Cost: log2(n) steps a lookup, of which the first
//! dozen or so stay in the processor's caches; a batch goes down together, each probe's next key asked for ahead. A range
//! is a stretch of every level, from which a batch of ranges copies it level by level, in about twice the time of one over
//! a sorted column. A change lays everything out anew. Choose it for lookups in columns that are written once, when memory
//! is short. Source: Khuong and Morin, Array Layouts for Comparison-Based Searching, ACM JEA 2017; the layout is Michaël
//! Eytzinger's, of 1590.

mod ranges;

use assay_core::catalogue::Contender;
use assay_core::error::Result;
use assay_core::memory;

use crate::run::Run;
use crate::space::Space;
use crate::{Between, Found, Index, NONE, Ordered, Pairs, Plan, Progress, Steps, Take};

/// What the catalogue says.
pub const CONTENDER: Contender = Contender {
    room: "index",
    name: "eytzinger",
    version: 1,
    idea: "A sorted column laid out level by level, as a binary search tree without pointers.",
    cost: "log2(n) steps a lookup, the first of them in the processor's caches; bytes of keys and rows alone; a batch of \
           changes copies everything once",
    choose_when: "the column is written once, asked for by equality, and memory is short",
    source: "Khuong and Morin, Array Layouts for Comparison-Based Searching, ACM Journal of Experimental Algorithmics 2017",
    parameters: &[],
    abilities: &["ordered", "static"],
};

/// How many probes go down together.
const LANES: usize = 32;

/// Builds it.
///
/// # Errors
/// If it was called off.
pub fn build<S: Space>(pairs: Pairs<S>, plan: &Plan<'_>) -> Result<Box<dyn Index<S>>> {
    Ok(Box::new(Eytzinger::of(Run::build(pairs, plan)?, plan.progress)?))
}

/// Entries by level; place 0 is no entry, and stands for the end.
#[derive(Debug)]
struct Eytzinger<S: Space> {
    space: S,
    keys: Vec<S::Key>,
    rows: Vec<u32>,
}

/// The next place in order; 0 after the last, and the first after 0.
#[inline]
fn next(place: usize, count: usize) -> usize {
    if place == 0 {
        return leftmost(1, count);
    }
    let right = 2 * place + 1;
    if right <= count { leftmost(right, count) } else { place >> (place.trailing_ones() + 1) }
}

/// The place before in order; 0 before the first, and the last before 0.
#[inline]
fn previous(place: usize, count: usize) -> usize {
    if place == 0 {
        return rightmost(1, count);
    }
    let left = 2 * place;
    if left <= count { rightmost(left, count) } else { place >> (place.trailing_zeros() + 1) }
}

fn leftmost(mut place: usize, count: usize) -> usize {
    if place > count {
        return 0;
    }
    while 2 * place <= count {
        place *= 2;
    }
    place
}

fn rightmost(mut place: usize, count: usize) -> usize {
    if place > count {
        return 0;
    }
    while 2 * place < count {
        place = 2 * place + 1;
    }
    place
}

impl<S: Space> Eytzinger<S> {
    /// The entries of a run, laid out; tells of each once.
    fn of(run: Run<S>, progress: &Progress) -> Result<Self> {
        let pairs = run.into_pairs();
        let count = pairs.len();
        let mut keys = memory::with_capacity(count + 1);
        keys.resize(count + 1, S::Key::default());
        let mut rows: Vec<u32> = memory::zeros(count + 1);
        let (mut place, mut told) = (0, Steps::of(count, progress));
        for (key, row) in pairs.keys.iter().zip(&pairs.rows) {
            place = next(place, count);
            keys[place] = *key;
            rows[place] = *row;
            told.add(1)?;
        }
        told.end()?;
        Ok(Self { space: pairs.space, keys, rows })
    }

    /// Lays the entries of a run out anew.
    fn lay_out(&mut self, run: Run<S>) {
        *self = Self::of(run, &Progress::default()).expect("nobody calls it off");
    }

    fn count(&self) -> usize {
        self.keys.len() - 1
    }

    /// The entries in order, to be changed.
    fn take_run(&mut self) -> Run<S> {
        let count = self.count();
        let mut pairs = Pairs::<S> { space: std::mem::take(&mut self.space), ..Pairs::default() };
        pairs.keys.reserve_exact(count);
        pairs.rows.reserve_exact(count);
        let mut place = next(0, count);
        while place != 0 {
            pairs.keys.push(self.keys[place]);
            pairs.rows.push(self.rows[place]);
            place = next(place, count);
        }
        Run::of(pairs)
    }

    /// The first place whose key is not less than the probe; 0 if there is none.
    fn lower_bound(&self, probe: S::Probe<'_>) -> usize {
        let mut place = [0];
        self.lower_bounds(&[probe], &mut place);
        place[0]
    }

    /// The same of up to [`LANES`] probes, which go down together.
    #[inline]
    fn lower_bounds(&self, probes: &[S::Probe<'_>], places: &mut [usize]) {
        self.go_down(|at| (probes[at], false), places);
    }

    /// The first place whose key is not less than the probe of each number, or, where it is said so, that is greater; 0 if
    /// there is none.
    #[inline(always)]
    fn go_down<'p>(&self, aim: impl Fn(usize) -> (S::Probe<'p>, bool), places: &mut [usize]) {
        let count = self.count();
        places.fill(1);
        if count == 0 {
            places.fill(0);
            return;
        }
        let is_left = |place: usize, at: usize| {
            let (probe, after) = aim(at);
            let order = self.space.compare(self.keys[place], probe);
            order.is_lt() | (after & order.is_eq())
        };
        // Every place of a level but the last exists.
        for _ in 0..count.ilog2() {
            for (at, place) in places.iter_mut().enumerate() {
                *place = 2 * *place + usize::from(is_left(*place, at));
                memory::prefetch(&self.keys[(*place).min(count)]);
            }
        }
        for (at, place) in places.iter_mut().enumerate() {
            if *place <= count {
                *place = 2 * *place + usize::from(is_left(*place, at));
            }
            // Up again to where the search last went left.
            *place >>= place.trailing_ones() + 1;
        }
    }

    /// Calls `visit` with each probe and its first place, whose row is asked for ahead.
    #[inline]
    fn for_each<'p>(&self, probes: &[S::Probe<'p>], mut visit: impl FnMut(S::Probe<'p>, usize)) {
        let mut places = [0; LANES];
        for probes in probes.chunks(LANES) {
            let places = &mut places[..probes.len()];
            self.lower_bounds(probes, places);
            places.iter().for_each(|place| memory::prefetch(&self.rows[*place]));
            probes.iter().zip(places).for_each(|(probe, place)| visit(*probe, *place));
        }
    }

    #[inline]
    fn holds(&self, place: usize, probe: S::Probe<'_>) -> bool {
        place != 0 && self.space.compare(self.keys[place], probe).is_eq()
    }

    /// The first place at or after `place` that is above a range: 0 for the end.
    fn above(&self, between: &Between<'_, S>) -> usize {
        use std::ops::Bound;
        match between.high {
            Bound::Unbounded => 0,
            Bound::Excluded(high) => self.lower_bound(high),
            Bound::Included(high) => self.past(self.lower_bound(high), high),
        }
    }

    /// The first place after those that hold the probe.
    fn past(&self, mut place: usize, probe: S::Probe<'_>) -> usize {
        while self.holds(place, probe) {
            place = next(place, self.count());
        }
        place
    }
}

impl<S: Space> Index<S> for Eytzinger<S> {
    fn len(&self) -> u64 {
        self.count() as u64
    }

    fn memory_bytes(&self) -> u64 {
        (self.keys.capacity() * size_of::<S::Key>() + self.rows.capacity() * size_of::<u32>()) as u64
            + self.space.memory_bytes()
    }

    fn lookup(&self, probes: &[S::Probe<'_>], found: &mut Found) {
        let count = self.count();
        self.for_each(probes, |probe, mut place| {
            while self.holds(place, probe) {
                found.push(self.rows[place]);
                place = next(place, count);
            }
            found.end();
        });
    }

    fn lookup_first(&self, probes: &[S::Probe<'_>], out: &mut [u32]) {
        let mut slots = out.iter_mut();
        self.for_each(probes, |probe, place| {
            let slot = slots.next().expect("there is an answer for each probe");
            *slot = if self.holds(place, probe) { self.rows[place] } else { NONE };
        });
    }

    fn insert(&mut self, probes: &[S::Probe<'_>], rows: &[u32]) {
        let mut run = self.take_run();
        run.insert(probes, rows);
        self.lay_out(run);
    }

    fn delete(&mut self, probes: &[S::Probe<'_>], rows: Option<&[u32]>) -> u64 {
        let mut run = self.take_run();
        let first = |probe: &S::Probe<'_>| u32::try_from(run.lower_bound(*probe)).expect("entries are fewer than 2^32");
        let places: Vec<u32> = probes.iter().map(first).collect();
        let gone = run.delete(probes, rows, &places);
        self.lay_out(run);
        gone
    }

    fn ordered(&self) -> Option<&dyn Ordered<S>> {
        Some(self)
    }
}

impl<S: Space> Ordered<S> for Eytzinger<S> {
    fn range(&self, between: &Between<'_, S>, take: Take, rows: &mut Vec<u64>) {
        use std::ops::Bound;
        let count = self.count();
        let low = match between.low {
            Bound::Unbounded => next(0, count),
            Bound::Included(low) => self.lower_bound(low),
            Bound::Excluded(low) => self.past(self.lower_bound(low), low),
        };
        // Nothing lies between where the first key from below is above already.
        if low == 0 || between.is_above(&self.space, self.keys[low]) {
            return;
        }
        let end = self.above(between);
        if take.descending {
            let (mut place, before) = (previous(end, count), previous(low, count));
            for _ in 0..take.limit {
                if place == before {
                    break;
                }
                rows.push(u64::from(self.rows[place]));
                place = previous(place, count);
            }
        } else {
            let mut place = low;
            for _ in 0..take.limit {
                if place == end {
                    break;
                }
                rows.push(u64::from(self.rows[place]));
                place = next(place, count);
            }
        }
    }

    fn ranges(&self, betweens: &[Between<'_, S>], found: &mut Found) {
        self.all_ranges(betweens, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_follow_each_other_in_order_both_ways() {
        for count in 0..70 {
            let mut forward = Vec::new();
            let mut place = next(0, count);
            while place != 0 {
                forward.push(place);
                place = next(place, count);
            }
            let mut backward = Vec::new();
            place = previous(0, count);
            while place != 0 {
                backward.push(place);
                place = previous(place, count);
            }
            backward.reverse();
            assert_eq!(forward, backward);
            let mut all = forward.clone();
            all.sort_unstable();
            assert!(all.into_iter().eq(1..=count));
            // In order: all of the left subtree before a place, all of the right one after it.
            let at = |place: usize| forward.iter().position(|one| *one == place);
            for place in 1..=count {
                for (child, earlier) in [(2 * place, true), (2 * place + 1, false)] {
                    assert!(at(child).is_none_or(|child| (child < at(place).unwrap()) == earlier));
                }
            }
        }
    }
}
