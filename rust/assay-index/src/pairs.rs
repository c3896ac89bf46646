//! Entries as they come: keys with their rows, in no order.

use std::cmp::Ordering;

use assay_core::error::Result;
use assay_core::{memory, threads};

use crate::sort::{self, Buckets, Entry};
use crate::space::Space;
use crate::{Progress, Steps};

/// How many times [`Pairs::sort_with`] tells of each entry.
pub const SORT_PASSES: u64 = sort::PASSES;

/// Keys with their rows, and the space that holds what keys refer to.
#[derive(Debug, Default, Clone)]
pub struct Pairs<S: Space> {
    /// What the keys refer to.
    pub space: S,
    /// The keys.
    pub keys: Vec<S::Key>,
    /// The row of each.
    pub rows: Vec<u32>,
}

impl<S: Space> Pairs<S> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Appends an entry.
    #[inline]
    pub fn push(&mut self, probe: S::Probe<'_>, row: u32) {
        let key = self.space.keep(probe);
        self.keys.push(key);
        self.rows.push(row);
    }

    /// Gives room back that is not used.
    pub fn shrink(&mut self) {
        self.keys.shrink_to_fit();
        self.rows.shrink_to_fit();
    }

    /// The order of two entries: by key, then by row.
    #[inline]
    #[must_use]
    pub fn order(&self, one: usize, other: usize) -> Ordering {
        self.space.order(self.keys[one], self.keys[other]).then(self.rows[one].cmp(&self.rows[other]))
    }

    /// Whether entries are in order already.
    #[must_use]
    pub fn is_sorted(&self) -> bool {
        (1..self.len()).all(|at| self.order(at - 1, at).is_le())
    }

    /// Brings entries into order.
    pub fn sort(&mut self) {
        self.sort_with(1, &Progress::default()).expect("nobody calls it off");
    }

    /// Brings entries into order by several threads; tells of each [`SORT_PASSES`] times.
    ///
    /// # Errors
    /// If it was called off.
    pub fn sort_with(&mut self, threads: usize, progress: &Progress) -> Result<()> {
        let count = self.len();
        if self.is_sorted() {
            return progress.add(SORT_PASSES * count as u64);
        }
        let Self { space, keys, rows } = self;
        if S::HEAD_IS_ALL {
            let buckets = Buckets::of(count, |at| sort::entry(S::head(keys[at]), rows[at]), threads, progress)?;
            return buckets.finish(keys, rows, threads, progress, |entries, keys, rows| {
                for ((entry, key), row) in entries.iter().zip(keys).zip(rows) {
                    *key = S::of_head(sort::head(*entry));
                    *row = sort::tail(*entry);
                }
                Ok(())
            });
        }
        let known = shared(space, keys, threads, progress)?;
        let head = |key: S::Key| if known == 0 { S::head(key) } else { space.head_after(key, known).unwrap_or(0) };
        #[allow(clippy::cast_possible_truncation)] // row numbers are of 32 bits, and there are fewer entries
        let buckets = Buckets::of(count, |at| sort::entry(head(keys[at]), at as u32), threads, progress)?;
        let (mut sorted_keys, mut sorted_rows) = (memory::with_capacity(count), memory::zeros(count));
        while sorted_keys.len() < count {
            progress.check()?;
            sorted_keys.resize(count.min(sorted_keys.len() + (1 << 20)), S::Key::default());
        }
        let ties = Ties { space, keys, rows };
        buckets.finish(&mut sorted_keys, &mut sorted_rows, threads, progress, |entries, keys, rows| {
            ties.resolve(entries, known + 8, progress)?;
            for ((entry, key), row) in entries.iter().zip(keys).zip(rows) {
                let at = sort::tail(*entry) as usize;
                (*key, *row) = (ties.keys[at], ties.rows[at]);
            }
            Ok(())
        })?;
        (self.keys, self.rows) = (sorted_keys, sorted_rows);
        Ok(())
    }
}

/// How many bytes all keys begin with, of which there is at least one, if they are at least a head.
fn shared<S: Space>(space: &S, keys: &[S::Key], threads: usize, progress: &Progress) -> Result<usize> {
    let first = keys[0];
    if keys.iter().any(|key| S::head(*key) != S::head(first)) {
        return Ok(0);
    }
    let parts = threads::map(keys.len(), threads, |range| {
        let mut least = usize::MAX;
        for keys in keys[range].chunks(1 << 16) {
            progress.check()?;
            least = keys.iter().fold(least, |least, key| least.min(space.shared(first, *key).len()));
        }
        Ok(least)
    });
    let least = parts.into_iter().try_fold(usize::MAX, |least, part: Result<usize>| Ok(least.min(part?)))?;
    Ok(if least < 8 { 0 } else { least })
}

/// Fewer keys with one head are compared as they are.
const FEW_TIES: usize = 48;

/// Entries whose heads do not tell their order.
struct Ties<'a, S: Space> {
    space: &'a S,
    keys: &'a [S::Key],
    rows: &'a [u32],
}

impl<S: Space> Ties<'_, S> {
    /// Sorts those of equal heads, of which so many bytes are known to be equal, by the bytes that follow.
    fn resolve(&self, entries: &mut [Entry], known: usize, progress: &Progress) -> Result<()> {
        for ties in entries.chunk_by_mut(|one, other| sort::head(*one) == sort::head(*other)) {
            let key = |entry: &Entry| self.keys[sort::tail(*entry) as usize];
            let row = |entry: &Entry| self.rows[sort::tail(*entry) as usize];
            let is_done = |entry: &Entry| self.space.head_after(key(entry), known).is_none();
            if ties.len() <= FEW_TIES || ties.iter().all(is_done) {
                ties.sort_unstable_by(|one, other| {
                    self.space.order(key(one), key(other)).then_with(|| row(one).cmp(&row(other)))
                });
                continue;
            }
            for entry in &mut *ties {
                let head = self.space.head_after(key(entry), known).unwrap_or(0);
                *entry = sort::entry(head, sort::tail(*entry));
            }
            let mut others = memory::zeros(ties.len());
            // Of these entries it was told already.
            let silent = Progress::default();
            progress.check()?;
            sort::sort(ties, &mut others, &mut Steps::of(ties.len(), &silent))?;
            drop(others);
            self.resolve(ties, known + 8, progress)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::space::Texts;

    /// Bytes that differ late, in their zeros, or not at all.
    fn text() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![Just(0), Just(b'a'), Just(255)];
        (0_usize..3, prop::collection::vec(byte, 0..12), 0_usize..3)
            .prop_map(|(shared, bytes, zeros)| [vec![b'x'; shared * 11], bytes, vec![0; zeros]].concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn texts_come_into_order_with_their_rows(texts in prop::collection::vec((text(), 0_u32..50), 0..800)) {
            let mut pairs = Pairs::<Texts>::default();
            texts.iter().for_each(|(text, row)| pairs.push(text, *row));
            pairs.sort();
            let mut expected = texts;
            expected.sort();
            let found: Vec<(Vec<u8>, u32)> =
                (0..pairs.len()).map(|at| (pairs.space.probe(pairs.keys[at]).to_vec(), pairs.rows[at])).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn texts_of_one_head_come_into_order(ends in prop::collection::vec((0_u32..300, 0_u32..9), 0..300)) {
            let mut pairs = Pairs::<Texts>::default();
            ends.iter().for_each(|(end, row)| pairs.push(format!("a shared beginning {end}").as_bytes(), *row));
            pairs.push(b"a shared beginning ", 9);
            pairs.sort();
            prop_assert!(pairs.is_sorted());
            prop_assert_eq!(pairs.len(), ends.len() + 1);
        }
    }
}
