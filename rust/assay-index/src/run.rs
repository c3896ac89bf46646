//! A sorted run of entries: what `sorted` is, and what others put a way to a place in front of.
//!
//! Keys lie in one vector and rows in another, by key, equal keys by row. An insertion merges, a deletion copies what
//! stays: both cost a pass over the run, which a batch shares.

use std::collections::HashSet;
use std::ops::{Bound, Range};

use crate::space::Space;
use crate::{Between, Found, Pairs, Take};

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
        pairs.keys.shrink_to_fit();
        pairs.rows.shrink_to_fit();
        Self { pairs }
    }

    /// The entries, in order.
    #[must_use]
    pub fn into_pairs(self) -> Pairs<S> {
        self.pairs
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
        let (mut low, mut step) = (start, 1);
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
        let end = self.end_of(start, probe);
        found.extend(&self.rows()[start..end]);
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

    /// Merges more entries in.
    pub fn insert(&mut self, probes: &[S::Probe<'_>], rows: &[u32]) {
        let mut order: Vec<u32> = (0..u32::try_from(probes.len()).expect("batches are checked")).collect();
        let by = |at: &u32| (probes[*at as usize], rows[*at as usize]);
        order.sort_unstable_by(|one, other| {
            let (one, other) = (by(one), by(other));
            S::order_probes(one.0, other.0).then(one.1.cmp(&other.1))
        });
        let total = self.len() + probes.len();
        let old = std::mem::take(&mut self.pairs);
        let mut merged = Pairs { space: old.space, keys: Vec::with_capacity(total), rows: Vec::with_capacity(total) };
        let mut taken = 0;
        for at in order {
            let (probe, row) = by(&at);
            // Everything that is not after the entry, by key and row, goes before it.
            let rest = &old.keys[taken..];
            let space = &merged.space;
            let before = |at: usize| space.compare(rest[at], probe).then(old.rows[taken + at].cmp(&row)).is_le();
            let mut reach = 1;
            while reach <= rest.len() && before(reach - 1) {
                reach *= 2;
            }
            let (mut low, mut high) = (reach / 2, rest.len().min(reach));
            while low < high {
                let middle = low + (high - low) / 2;
                if before(middle) { low = middle + 1 } else { high = middle }
            }
            merged.keys.extend_from_slice(&rest[..low]);
            merged.rows.extend_from_slice(&old.rows[taken..taken + low]);
            taken += low;
            merged.push(probe, row);
        }
        merged.keys.extend_from_slice(&old.keys[taken..]);
        merged.rows.extend_from_slice(&old.rows[taken..]);
        self.pairs = merged;
    }

    /// Takes entries out, all of these keys or just these pairs; how many left.
    pub fn delete(&mut self, probes: &[S::Probe<'_>], rows: Option<&[u32]>) -> u64 {
        let mut gone: HashSet<usize> = HashSet::new();
        for (at, probe) in probes.iter().enumerate() {
            let start = self.lower_bound(*probe);
            let mut places = start..self.end_of(start, *probe);
            if let Some(rows) = rows {
                let among = &self.rows()[places.clone()];
                let first = among.partition_point(|row| *row < rows[at]);
                let last = among.partition_point(|row| *row <= rows[at]);
                places = start + first..start + last;
            }
            gone.extend(places);
        }
        if !gone.is_empty() {
            let pairs = &mut self.pairs;
            let mut kept = 0;
            for at in 0..pairs.keys.len() {
                if !gone.contains(&at) {
                    pairs.keys[kept] = pairs.keys[at];
                    pairs.rows[kept] = pairs.rows[at];
                    kept += 1;
                }
            }
            pairs.keys.truncate(kept);
            pairs.rows.truncate(kept);
        }
        gone.len() as u64
    }
}
