//! Columns as stretches of hashes: what every kind of filter is built from and probed with.
//!
//! Chunks, nulls, dictionaries and threads are dealt with here, once: a kind sees hashes of keys, and answers
//! with words of bits. Cost: a stretch stays in the nearest cache, so hashing is one pass over it and
//! probing another. A dictionary's values are hashed and probed once each.

use std::ops::Range;

use crate::hash::{HashKey, xxh3_64::Xxh3_64};
use crate::keys::{Indices, Keys, Values};
use crate::memory;
use crate::threads;

/// The most rows of a stretch.
pub const ROWS_AT_ONCE: usize = 1024;

/// Keys of a table whose places are fetched ahead of those being tested.
pub const BATCH: usize = 64;

/// The place of a hash among `count` below 2^32: its upper half decides, by a product in place of a division.
#[inline(always)]
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn place_of(hash: u64, count: usize) -> usize {
    (((hash >> 32) * count as u64) >> 32) as usize
}

/// Writes the place of each hash in `table`, and fetches these places.
///
/// # Panics
/// If the table is empty or beyond 2^32, or there are more hashes than places.
#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
pub fn place<T>(table: &[T], hashes: &[u64], places: &mut [u32; BATCH]) {
    let count = table.len();
    assert!(hashes.len() <= BATCH && count > 0 && u32::try_from(count).is_ok());
    for index in 0..hashes.len() {
        places[index] = place_of(hashes[index], count) as u32;
    }
    for place in &places[..hashes.len()] {
        // SAFETY: the upper half of a hash is below 2^32, so its product with the count, shifted by 32, is below the count,
        // which is not 0.
        memory::prefetch(unsafe { table.get_unchecked(*place as usize) });
    }
}

/// The hashes of some consecutive rows.
#[derive(Debug, Clone)]
pub struct Stretch {
    /// A hash for each row; that of a row without a key means nothing.
    pub hashes: [u64; ROWS_AT_ONCE],
    /// A bit for each row, least significant first: whether it has a key. Bits beyond the rows are zero.
    pub present: [u64; ROWS_AT_ONCE / 64],
    rows: usize,
}

impl Stretch {
    /// One without rows.
    #[must_use]
    pub fn new() -> Self {
        Self { hashes: [0; ROWS_AT_ONCE], present: [0; ROWS_AT_ONCE / 64], rows: 0 }
    }

    /// The number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Makes room for `rows` rows, all of which have a key so far.
    pub fn begin(&mut self, rows: usize) {
        assert!(rows <= ROWS_AT_ONCE, "{rows} rows");
        self.rows = rows;
        for (index, word) in self.present.iter_mut().enumerate() {
            *word = low_bits(rows.saturating_sub(index * 64));
        }
    }

    /// Leaves out the rows that are null; `start` is the row of `keys` that this stretch begins with.
    pub fn leave_out_nulls(&mut self, keys: &Keys<'_>, start: usize) {
        if !keys.may_be_null() {
            return;
        }
        if let (Some(bits), false) =
            (keys.validity(), matches!(keys.values(), Values::Null | Values::Dictionary { .. }))
        {
            for (index, word) in self.present[..self.rows.div_ceil(64)].iter_mut().enumerate() {
                *word &= bits.word(start + index * 64);
            }
            return;
        }
        for index in 0..self.rows {
            if keys.is_null(start + index) {
                self.present[index >> 6] &= !(1 << (index & 63));
            }
        }
    }

    /// Leaves out a row.
    pub fn leave_out(&mut self, index: usize) {
        self.present[index >> 6] &= !(1 << (index & 63));
    }

    /// Leaves out the rows whose bit in `other`, at `first` and on, is zero; `first` is a multiple of 64.
    fn keep(&mut self, other: &[u64], first: usize) {
        for (word, kept) in self.present.iter_mut().zip(&other[first / 64..]) {
            *word &= kept;
        }
    }

    /// The hashes of the rows that have a key, moved to the front.
    #[must_use]
    pub fn keys(&mut self) -> &[u64] {
        let whole = self.rows / 64;
        if self.present[..whole].iter().all(|word| *word == u64::MAX)
            && self.present.get(whole).is_none_or(|last| *last == low_bits(self.rows % 64))
        {
            return &self.hashes[..self.rows];
        }
        let mut kept = 0;
        for index in 0..self.rows {
            self.hashes[kept] = self.hashes[index];
            kept += usize::from(self.present[index >> 6] >> (index & 63) & 1 == 1);
        }
        &self.hashes[..kept]
    }
}

impl Default for Stretch {
    fn default() -> Self {
        Self::new()
    }
}

/// The low `count` bits, all of them from 64 on.
#[must_use]
pub fn low_bits(count: usize) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

/// Fills `out` with XXH3_64 (seed 0) of the canonical bytes of `rows`: one value has one hash in every type.
pub fn canonical(keys: &Keys<'_>, rows: Range<usize>, out: &mut Stretch) {
    out.begin(rows.len());
    Xxh3_64::new(0).rows(std::slice::from_ref(keys), rows.start, 0, &mut out.hashes[..rows.len()]);
    out.leave_out_nulls(keys, rows.start);
}

/// Result bits appended word by word, at any position.
#[derive(Debug, Default)]
struct BitWriter {
    words: Vec<u64>,
    len: usize,
}

impl BitWriter {
    fn with_capacity(bits: usize) -> Self {
        Self { words: Vec::with_capacity(bits.div_ceil(64) + 1), len: 0 }
    }

    /// Appends the low `count` bits of `bits`, whose other bits are zero; `count` is 1 to 64.
    fn push(&mut self, bits: u64, count: usize) {
        let used = self.len & 63;
        if used == 0 {
            self.words.push(bits);
        } else {
            *self.words.last_mut().expect("a used word exists") |= bits << used;
            if used + count > 64 {
                self.words.push(bits >> (64 - used));
            }
        }
        self.len += count;
    }

    fn extend(&mut self, words: &[u64], count: usize) {
        for (index, word) in words.iter().enumerate() {
            self.push(*word, (count - index * 64).min(64));
        }
    }
}

/// Calls `work(rows)` for runs of at most [`ROWS_AT_ONCE`] rows.
fn for_each_stretch(range: Range<usize>, mut work: impl FnMut(Range<usize>)) {
    let mut start = range.start;
    while start < range.end {
        let end = range.end.min(start + ROWS_AT_ONCE);
        work(start..end);
        start = end;
    }
}

/// Where row ranges of consecutive chunks lie: calls `work(chunk, rows)` for each part of `range`.
fn for_each_part(chunks: &[Keys<'_>], range: Range<usize>, mut work: impl FnMut(usize, Range<usize>)) {
    let mut first = 0;
    for (index, chunk) in chunks.iter().enumerate() {
        let next = first + chunk.len();
        let part = range.start.max(first)..range.end.min(next);
        if !part.is_empty() {
            work(index, part.start - first..part.end - first);
        }
        first = next;
    }
}

/// The number of rows of all chunks.
#[must_use]
pub fn count_rows(chunks: &[Keys<'_>]) -> usize {
    chunks.iter().map(Keys::len).sum()
}

/// The number of rows that are not null, duplicates counted.
#[must_use]
pub fn count_present(chunks: &[Keys<'_>]) -> u64 {
    let present = |chunk: &Keys<'_>| {
        if !chunk.may_be_null() {
            return chunk.len();
        }
        let (mut stretch, mut count) = (Stretch::new(), 0);
        for_each_stretch(0..chunk.len(), |rows| {
            stretch.begin(rows.len());
            stretch.leave_out_nulls(chunk, rows.start);
            count += stretch.present.iter().map(|word| word.count_ones() as usize).sum::<usize>();
        });
        count
    };
    chunks.iter().map(present).sum::<usize>() as u64
}

/// The dictionary of a chunk whose values are worth handling once each.
fn small_dictionary<'k, 'a>(chunk: &'k Keys<'a>) -> Option<(&'k Indices<'a>, &'k Keys<'a>)> {
    match chunk.values() {
        Values::Dictionary { indices, values } if values.len() <= chunk.len() => Some((indices, values)),
        _ => None,
    }
}

/// Calls `insert(hashes)` for the keys of some rows of all chunks, nulls left out; `hash` fills a stretch.
///
/// A dictionary's value comes once, if some row uses it.
pub fn for_each_run(
    chunks: &[Keys<'_>],
    range: Range<usize>,
    hash: impl Fn(&Keys<'_>, Range<usize>, &mut Stretch),
    mut insert: impl FnMut(&[u64]),
) {
    let mut stretch = Stretch::new();
    for_each_part(chunks, range, |index, rows| {
        let chunk = &chunks[index];
        let Some((indices, values)) = small_dictionary(chunk) else {
            for_each_stretch(rows, |rows| {
                hash(chunk, rows, &mut stretch);
                insert(stretch.keys());
            });
            return;
        };
        // Only the values that some row uses are keys.
        let mut used = vec![0_u64; values.len().div_ceil(64)];
        for row in rows.filter(|row| chunk.validity().is_none_or(|bits| bits.get(*row))) {
            let entry = indices.get(row);
            used[entry >> 6] |= 1 << (entry & 63);
        }
        for_each_stretch(0..values.len(), |rows| {
            let first = rows.start;
            hash(values, rows, &mut stretch);
            stretch.keep(&used, first);
            insert(stretch.keys());
        });
    });
}

/// Calls `visit(hashes)` for the keys of some rows of all chunks, nulls left out, once for each row: a dictionary's value
/// as often as rows use it.
pub fn for_each_row_run(
    chunks: &[Keys<'_>],
    range: Range<usize>,
    hash: impl Fn(&Keys<'_>, Range<usize>, &mut Stretch),
    mut visit: impl FnMut(&[u64]),
) {
    let mut stretch = Stretch::new();
    for_each_part(chunks, range, |index, rows| {
        for_each_stretch(rows, |rows| {
            hash(&chunks[index], rows, &mut stretch);
            visit(stretch.keys());
        });
    });
}

/// A bit for each row, least significant first: whether its key may be held. The bit of a row without a key is 0.
///
/// `hash` fills a stretch; `probe(hashes, out)` sets bit i of `out` if hash i may be held, and may write anything
/// beyond the last hash.
#[must_use]
pub fn contains(
    chunks: &[Keys<'_>],
    threads: usize,
    hash: &(impl Fn(&Keys<'_>, Range<usize>, &mut Stretch) + Sync),
    probe: &(impl Fn(&[u64], &mut [u64]) + Sync),
) -> Vec<u64> {
    let dictionaries: Vec<Option<Vec<u64>>> = chunks
        .iter()
        .map(|chunk| {
            let (_, values) = small_dictionary(chunk)?;
            // A dictionary's values are no dictionary, so this ends.
            Some(contains_plain(std::slice::from_ref(values), &[None], threads, hash, probe))
        })
        .collect();
    contains_plain(chunks, &dictionaries, threads, hash, probe)
}

fn contains_plain(
    chunks: &[Keys<'_>],
    dictionaries: &[Option<Vec<u64>>],
    threads: usize,
    hash: &(impl Fn(&Keys<'_>, Range<usize>, &mut Stretch) + Sync),
    probe: &(impl Fn(&[u64], &mut [u64]) + Sync),
) -> Vec<u64> {
    let parts = threads::map(count_rows(chunks), threads, |range| {
        let mut out = BitWriter::with_capacity(range.len());
        let (mut stretch, mut held) = (Stretch::new(), [0; ROWS_AT_ONCE / 64]);
        for_each_part(chunks, range, |index, rows| {
            let chunk = &chunks[index];
            for_each_stretch(rows, |rows| {
                let (start, count) = (rows.start, rows.len());
                let words = count.div_ceil(64);
                if let (Some(values), Values::Dictionary { indices, .. }) = (&dictionaries[index], chunk.values()) {
                    stretch.begin(count);
                    if let Some(bits) = chunk.validity() {
                        (0..count).filter(|index| !bits.get(start + index)).for_each(|index| stretch.leave_out(index));
                    }
                    held = [0; ROWS_AT_ONCE / 64];
                    for index in 0..count {
                        if stretch.present[index >> 6] >> (index & 63) & 1 == 1 {
                            let entry = indices.get(start + index);
                            held[index >> 6] |= (values[entry >> 6] >> (entry & 63) & 1) << (index & 63);
                        }
                    }
                } else {
                    hash(chunk, rows, &mut stretch);
                    probe(&stretch.hashes[..count], &mut held[..words]);
                }
                held.iter_mut().zip(&stretch.present).for_each(|(held, present)| *held &= present);
                out.extend(&held[..words], count);
            });
        });
        out.words
    });
    match <[Vec<u64>; 1]>::try_from(parts) {
        Ok([only]) => only,
        Err(parts) => parts.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "count > 0")]
    fn a_hash_has_no_place_in_an_empty_table() {
        place::<u64>(&[], &[7], &mut [0; BATCH]);
    }

    #[test]
    fn bits_are_appended_at_any_position() {
        let mut out = BitWriter::default();
        let mut expected = Vec::new();
        for (bits, count) in [(0b101, 3), (u64::MAX, 64), (0, 1), (0b1, 60), (u64::MAX >> 4, 60), (1, 64)] {
            out.push(bits, count);
            expected.extend((0..count).map(|index| bits >> index & 1 == 1));
        }
        let found: Vec<bool> = (0..out.len).map(|row| out.words[row >> 6] >> (row & 63) & 1 == 1).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn keys_that_are_left_out_are_gone_and_the_others_keep_their_order() {
        for rows in [0, 1, 63, 64, 65, 1000, ROWS_AT_ONCE] {
            let mut stretch = Stretch::new();
            stretch.begin(rows);
            (0..rows).for_each(|index| stretch.hashes[index] = index as u64);
            assert_eq!(stretch.keys().len(), rows);
            let kept: Vec<u64> = (0..rows as u64).filter(|index| index % 3 != 1).collect();
            (0..rows).filter(|index| index % 3 == 1).for_each(|index| stretch.leave_out(index));
            assert_eq!(stretch.keys(), kept);
        }
    }
}
