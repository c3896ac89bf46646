//! Batches of ranges over a column that is laid out level by level: a range is a stretch of every level.
//!
//! Number the places of a full tree in order, from 1 on: those of the lowest level are the odd numbers, those of the level
//! above the odd multiples of 2, and so on. So a number tells its place, and what lies between two numbers is copied from
//! each level in turn, to every second place, every fourth, and so on, without a step from one key to the next. The lowest
//! level may end before it is full; beyond its end the tree is one level lower.

use std::ops::Range;

use assay_core::memory;

use super::{Eytzinger, LANES};
use crate::space::Space;
use crate::{Between, Found};

/// Levels that are copied as stretches; of those above, a range of a few rows has hardly any.
const STRETCHES: u32 = 6;
/// How many ranges ahead rows are asked for, and how many of their cache lines at a level.
const RANGES_AHEAD: usize = 4;
const LINES_AHEAD: usize = 16;
/// The row numbers of a cache line.
const LINE_ROWS: usize = 16;

/// A full tree: all levels of a column, or all but the lowest.
#[derive(Clone, Copy)]
struct Full {
    levels: u32,
}

impl Full {
    /// The place of a number.
    #[inline]
    fn place(self, number: usize) -> usize {
        (number | 1 << self.levels) >> (number.trailing_zeros() + 1)
    }

    /// The first of these numbers on a level, counted from below.
    #[inline]
    fn first_of(numbers: &Range<usize>, level: u32) -> usize {
        let (half, step) = (1 << level, 2 << level);
        (numbers.start + half - 1) / step * step + half
    }

    /// Asks for the rows of these numbers ahead of time.
    fn prefetch(self, numbers: &Range<usize>, rows: &[u32]) {
        for level in 0..STRETCHES.min(self.levels) {
            let first = Self::first_of(numbers, level);
            if first < numbers.end {
                let start = self.place(first);
                let end = start + ((numbers.end - 1 - first) >> (level + 1));
                (start..end)
                    .step_by(LINE_ROWS)
                    .take(LINES_AHEAD)
                    .chain([end])
                    .for_each(|at| memory::prefetch(&rows[at]));
            }
        }
    }

    /// Writes the rows of these numbers.
    fn copy(self, numbers: &Range<usize>, rows: &[u32], out: &mut [u64]) {
        for level in 0..STRETCHES {
            let first = Self::first_of(numbers, level);
            if first < numbers.end {
                let slots = out[first - numbers.start..].iter_mut().step_by(2 << level);
                slots.zip(&rows[self.place(first)..]).for_each(|(slot, row)| *slot = u64::from(*row));
            }
        }
        let step = 1 << STRETCHES;
        for number in (numbers.start.next_multiple_of(step)..numbers.end).step_by(step) {
            out[number - numbers.start] = u64::from(rows[self.place(number)]);
        }
    }
}

impl<S: Space> Eytzinger<S> {
    /// The levels, and the number after the last of the lowest: beyond it all others are there.
    fn shape(&self) -> (u32, usize) {
        let levels = self.count().ilog2() + 1;
        (levels, 2 * (self.count() + 1 - (1 << (levels - 1))))
    }

    /// Appends the rows of each range.
    pub(super) fn all_ranges(&self, betweens: &[Between<'_, S>], found: &mut Found) {
        if self.count() == 0 {
            betweens.iter().for_each(|_| found.end());
            return;
        }
        let (levels, end) = self.shape();
        let number = |place: usize| match place {
            0 => 1 << levels,
            place => ((2 * place + 1) << (levels - 1 - place.ilog2())) - (1 << levels),
        };
        let mut spans: Vec<Range<usize>> = Vec::with_capacity(betweens.len());
        let (mut aims, mut places) = (Vec::with_capacity(LANES), [0; LANES]);
        for group in betweens.chunks(LANES / 2) {
            aims.clear();
            aims.extend(group.iter().flat_map(|one| [one.start(), one.end()]).flatten());
            self.go_down(|at| aims[at], &mut places[..aims.len()]);
            let mut next = places.iter();
            let mut at = || next.next().map_or(1, |place| number(*place));
            for between in group {
                let start = if between.start().is_some() { at() } else { 1 };
                let end = if between.end().is_some() { at() } else { 1 << levels };
                spans.push(start..end.max(start));
            }
        }
        // Each as its part where the lowest level is there, and its part beyond, whose numbers are all even.
        let parts = |span: &Range<usize>| {
            let (low, high) = (span.start.min(end)..span.end.min(end), span.start.max(end)..span.end.max(end));
            (low, high.start.div_ceil(2)..high.end.div_ceil(2))
        };
        let (whole, short) = (Full { levels }, Full { levels: levels - 1 });
        found.reserve(spans.iter().map(parts).map(|(low, high)| low.len() + high.len()).sum());
        for (at, span) in spans.iter().enumerate() {
            if let Some(ahead) = spans.get(at + RANGES_AHEAD) {
                let (low, high) = parts(ahead);
                whole.prefetch(&low, &self.rows);
                short.prefetch(&high, &self.rows);
            }
            let (low, high) = parts(span);
            let start = found.rows.len();
            found.rows.resize(start + low.len() + high.len(), 0);
            let (one, other) = found.rows[start..].split_at_mut(low.len());
            whole.copy(&low, &self.rows, one);
            short.copy(&high, &self.rows, other);
            found.end();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eytzinger::next;

    #[test]
    fn numbers_tell_places_in_order() {
        for levels in 1..9 {
            let (full, count) = (Full { levels }, (1 << levels) - 1);
            let mut place = 0;
            for number in 1..=count {
                place = next(place, count);
                assert_eq!(full.place(number), place, "{number} of {count}");
            }
        }
    }

    #[test]
    fn what_lies_between_two_numbers_is_copied_in_order() {
        let full = Full { levels: 9 };
        let rows: Vec<u32> = (0..512).collect();
        for start in 1..300 {
            for end in start..512 {
                let mut out = vec![0; end - start];
                full.prefetch(&(start..end), &rows);
                full.copy(&(start..end), &rows, &mut out);
                let expected = (start..end).map(|number| full.place(number) as u64);
                assert!(out.into_iter().eq(expected), "{start}..{end}");
            }
        }
    }
}
