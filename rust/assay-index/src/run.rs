//! A sorted run of entries: what `sorted` is, and what others put a way to a place in front of.
//!
//! Keys lie in one vector and rows in another, by key, equal keys by row. An insertion merges, a deletion copies what
//! stays: both cost a pass over the run, which a batch shares.

use std::ops::{Bound, Range};

use assay_core::error::Result;
use assay_core::memory;

use crate::space::Space;
use crate::{Between, Found, NONE, Pairs, Plan, Take};

/// How many probes are looked for together.
const PROBES: usize = 128;
/// How many ranges are found before the rows of the first are read.
const BATCH: usize = 64;
/// How many ranges ahead rows are asked for, and how many cache lines of each.
const RANGES_AHEAD: usize = 6;
const LINES_AHEAD: usize = 32;
/// The row numbers of a cache line.
const LINE_ROWS: usize = 16;

/// Entries in order.
#[derive(Debug, Default, Clone)]
pub struct Run<S: Space> {
    pairs: Pairs<S>,
}

impl<S: Space> Run<S> {
    /// The entries, brought into order.
    #[must_use]
    pub fn of(mut pairs: Pairs<S>) -> Self {
        pairs.sort();
        pairs.shrink();
        Self { pairs }
    }

    /// The entries, in order.
    #[must_use]
    pub fn into_pairs(self) -> Pairs<S> {
        self.pairs
    }

    /// The entries, brought into order by the threads of a plan.
    ///
    /// # Errors
    /// If it was called off.
    pub fn build(mut pairs: Pairs<S>, plan: &Plan<'_>) -> Result<Self> {
        pairs.sort_with(plan.threads, plan.progress)?;
        pairs.shrink();
        Ok(Self { pairs })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The keys, ascending.
    #[must_use]
    pub fn keys(&self) -> &[S::Key] {
        &self.pairs.keys
    }

    /// The row of each key.
    #[must_use]
    pub fn rows(&self) -> &[u32] {
        &self.pairs.rows
    }

    /// What the keys refer to.
    #[must_use]
    pub fn space(&self) -> &S {
        &self.pairs.space
    }

    /// The bytes of keys and rows.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let pairs = &self.pairs;
        (pairs.keys.capacity() * size_of::<S::Key>() + pairs.rows.capacity() * size_of::<u32>()) as u64
            + pairs.space.memory_bytes()
    }

    /// The first place whose key is not less than the probe.
    #[must_use]
    pub fn lower_bound(&self, probe: S::Probe<'_>) -> usize {
        self.keys().partition_point(|key| self.space().compare(*key, probe).is_lt())
    }

    /// Where the keys end that equal the probe, from the first of them on: by doubling steps, as most are few.
    #[must_use]
    pub fn end_of(&self, start: usize, probe: S::Probe<'_>) -> usize {
        let (keys, space) = (self.keys(), self.space());
        let equal = |at: usize| at < keys.len() && space.compare(keys[at], probe).is_eq();
        if !equal(start) {
            return start;
        }
        if !equal(start + 1) {
            return start + 1;
        }
        let (mut low, mut step) = (start + 1, 1);
        while equal(low + step) {
            low += step;
            step *= 2;
        }
        let high = keys.len().min(low + step);
        low + keys[low..high].partition_point(|key| space.compare(*key, probe).is_eq())
    }

    /// Appends the rows of a probe whose first place is known, and ends it.
    #[inline]
    pub fn collect(&self, start: usize, probe: S::Probe<'_>, found: &mut Found) {
        match &self.rows()[start..self.end_of(start, probe)] {
            [row] => found.push(*row),
            rows => found.extend(rows),
        }
        found.end();
    }

    /// The places of a range, when the way to a first place is known.
    #[must_use]
    pub fn places(
        &self,
        between: &Between<'_, S>,
        lower_bound: impl for<'a> Fn(S::Probe<'a>) -> usize,
    ) -> Range<usize> {
        let past = |probe| self.end_of(lower_bound(probe), probe);
        let start = match between.low {
            Bound::Included(low) => lower_bound(low),
            Bound::Excluded(low) => past(low),
            Bound::Unbounded => 0,
        };
        let end = match between.high {
            Bound::Included(high) => past(high),
            Bound::Excluded(high) => lower_bound(high),
            Bound::Unbounded => self.len(),
        };
        start..end.max(start)
    }

    /// Appends what is wanted of the rows in these places.
    pub fn take(&self, places: Range<usize>, take: Take, rows: &mut Vec<u64>) {
        let all = &self.rows()[places];
        let count = all.len().min(take.limit);
        if take.descending {
            rows.extend(all[all.len() - count..].iter().rev().map(|row| u64::from(*row)));
        } else {
            rows.extend(all[..count].iter().map(|row| u64::from(*row)));
        }
    }

    /// Calls `work` with each probe's number and first place, whose rows are on their way by then.
    #[inline(always)]
    fn for_each_place(
        &self,
        probes: &[S::Probe<'_>],
        lower_bounds: impl Fn(&[S::Probe<'_>], &mut [u32]),
        mut work: impl FnMut(usize, usize),
    ) {
        let mut places = [0; PROBES];
        for (batch, probes) in probes.chunks(PROBES).enumerate() {
            let places = &mut places[..probes.len()];
            lower_bounds(probes, places);
            for place in &*places {
                if let Some(row) = self.rows().get(*place as usize) {
                    memory::prefetch(row);
                }
            }
            for (at, place) in places.iter().enumerate() {
                work(batch * PROBES + at, *place as usize);
            }
        }
    }

    /// Appends the rows of each probe, when the way to the first places of a batch of probes is known.
    #[inline]
    pub fn lookup(
        &self,
        probes: &[S::Probe<'_>],
        found: &mut Found,
        lower_bounds: impl Fn(&[S::Probe<'_>], &mut [u32]),
    ) {
        self.for_each_place(probes, lower_bounds, |at, place| self.collect(place, probes[at], found));
    }

    /// The least row of each probe, or [`NONE`], when the way to the first places of a batch of probes is known.
    #[inline]
    pub fn lookup_first(
        &self,
        probes: &[S::Probe<'_>],
        out: &mut [u32],
        lower_bounds: impl Fn(&[S::Probe<'_>], &mut [u32]),
    ) {
        let (keys, rows, space) = (self.keys(), self.rows(), self.space());
        self.for_each_place(probes, lower_bounds, |at, place| {
            let is_there = keys.get(place).is_some_and(|key| space.compare(*key, probes[at]).is_eq());
            out[at] = if is_there { rows[place] } else { NONE };
        });
    }

    /// Appends the rows of each range of a batch, when the way to the first places of a batch of probes is known.
    pub fn ranges(
        &self,
        betweens: &[Between<'_, S>],
        found: &mut Found,
        lower_bounds: impl Fn(&[S::Probe<'_>], &mut [u32]),
    ) {
        let mut spans = Vec::with_capacity(betweens.len());
        let mut probes = Vec::with_capacity(2 * BATCH);
        let mut places = [0; 2 * BATCH];
        for betweens in betweens.chunks(BATCH) {
            probes.clear();
            for bound in betweens.iter().flat_map(|one| [one.low, one.high]) {
                if let Bound::Included(probe) | Bound::Excluded(probe) = bound {
                    probes.push(probe);
                }
            }
            lower_bounds(&probes, &mut places[..probes.len()]);
            let mut next = places.iter();
            for between in betweens {
                // Each bound that there is was asked for, in this order.
                let mut place = || next.next().map_or(0, |place| *place as usize);
                let start = match between.low {
                    Bound::Included(_) => place(),
                    Bound::Excluded(low) => self.end_of(place(), low),
                    Bound::Unbounded => 0,
                };
                let end = match between.high {
                    Bound::Included(high) => self.end_of(place(), high),
                    Bound::Excluded(_) => place(),
                    Bound::Unbounded => self.len(),
                };
                spans.push((start, end.max(start)));
            }
        }
        found.reserve(spans.iter().map(|(start, end)| end - start).sum());
        for (at, (start, end)) in spans.iter().enumerate() {
            if let Some((start, end)) = spans.get(at + RANGES_AHEAD) {
                self.rows()[*start..*end].iter().step_by(LINE_ROWS).take(LINES_AHEAD).for_each(memory::prefetch);
            }
            found.extend(&self.rows()[*start..*end]);
            found.end();
        }
    }

    /// Merges more entries in.
    pub fn insert(&mut self, probes: &[S::Probe<'_>], rows: &[u32]) {
        let old = std::mem::take(&mut self.pairs);
        // What comes is first brought into order by itself, in the same space.
        let mut new = Pairs { space: old.space, keys: Vec::with_capacity(probes.len()), rows: rows.to_vec() };
        for probe in probes {
            let key = new.space.keep(*probe);
            new.keys.push(key);
        }
        new.sort();
        let total = old.keys.len() + new.keys.len();
        let (mut keys, mut row_numbers) = (memory::with_capacity(total), memory::with_capacity(total));
        let mut taken = 0;
        for (key, row) in new.keys.iter().zip(&new.rows) {
            // Everything that is not after the entry, by key and row, goes before it.
            let rest = &old.keys[taken..];
            let before =
                |at: usize| new.space.order(rest[at], *key).then_with(|| old.rows[taken + at].cmp(row)).is_le();
            let (mut low, mut step) = (0, 1);
            while low + step <= rest.len() && before(low + step - 1) {
                low += step;
                step *= 2;
            }
            let mut high = rest.len().min(low + step - 1);
            while low < high {
                let middle = low + (high - low) / 2;
                if before(middle) { low = middle + 1 } else { high = middle }
            }
            keys.extend_from_slice(&rest[..low]);
            row_numbers.extend_from_slice(&old.rows[taken..taken + low]);
            taken += low;
            keys.push(*key);
            row_numbers.push(*row);
        }
        keys.extend_from_slice(&old.keys[taken..]);
        row_numbers.extend_from_slice(&old.rows[taken..]);
        self.pairs = Pairs { space: new.space, keys, rows: row_numbers };
    }

    /// Takes entries out, all of these keys or just these pairs, whose first places are known; how many left.
    pub fn delete(&mut self, probes: &[S::Probe<'_>], rows: Option<&[u32]>, places: &[u32]) -> u64 {
        let mut gone: Vec<Range<usize>> = Vec::with_capacity(probes.len());
        for (at, (probe, start)) in probes.iter().zip(places).enumerate() {
            let start = *start as usize;
            let mut places = start..self.end_of(start, *probe);
            if let Some(rows) = rows {
                let among = &self.rows()[places.clone()];
                let first = among.partition_point(|row| *row < rows[at]);
                let last = among.partition_point(|row| *row <= rows[at]);
                places = start + first..start + last;
            }
            if !places.is_empty() {
                gone.push(places);
            }
        }
        // Spans of equal keys are equal or apart, so that those told twice follow one another.
        gone.sort_unstable_by_key(|places| places.start);
        gone.dedup();
        let pairs = &mut self.pairs;
        let before = pairs.len();
        let Some(first) = gone.first() else { return 0 };
        let mut kept = first.start;
        for (at, places) in gone.iter().enumerate() {
            let next = gone.get(at + 1).map_or(before, |next| next.start);
            pairs.keys.copy_within(places.end..next, kept);
            pairs.rows.copy_within(places.end..next, kept);
            kept += next - places.end;
        }
        pairs.keys.truncate(kept);
        pairs.rows.truncate(kept);
        (before - kept) as u64
    }
}
