//! The hashes of a column's keys for filters that are built once: mixed with a seed, partitioned by their
//! high bits, and each kept once.
//!
//! A filter of fingerprints needs all hashes at once, and reads them in the order of its slots. So they are
//! scattered by their high bits into buckets that fit a near cache: a first pass over the column counts, a
//! second writes, and no other copy is made. Cost: 8 bytes per key; two hashes and about 3 ns per key.

use std::ops::Range;

use crate::error::Result;
use crate::filter::batch::{self, ROWS_AT_ONCE};
use crate::keys::Keys;
use crate::lanes::{self, Loop};
use crate::memory;
use crate::threads;

/// A set that no seed of so many suits is none that is met by chance.
pub const ATTEMPTS_HIGH: u32 = 256;

/// About so many hashes share a bucket: 128 KiB of them.
const BUCKET_KEYS: usize = 1 << 14;
/// At most so many buckets: more lines than that are not kept near while they are written.
const BUCKET_BITS_HIGH: u32 = 11;

/// Something that has hashes: for the same ranges of rows the same in every pass.
pub trait Source: Sync {
    /// The number of rows to cut among threads.
    fn rows(&self) -> usize;

    /// Calls `visit` with the hashes of the keys in these rows, at most [`ROWS_AT_ONCE`] at a time; nulls have none.
    fn visit(&self, rows: Range<usize>, visit: &mut dyn FnMut(&[u64]));
}

/// Hashes that are there already.
impl Source for [u64] {
    fn rows(&self) -> usize {
        self.len()
    }

    fn visit(&self, rows: Range<usize>, visit: &mut dyn FnMut(&[u64])) {
        self[rows].chunks(ROWS_AT_ONCE).for_each(visit);
    }
}

/// The XXH3_64 (seed 0) of the canonical bytes of a column's keys.
impl Source for [Keys<'_>] {
    fn rows(&self) -> usize {
        batch::count_rows(self)
    }

    fn visit(&self, rows: Range<usize>, visit: &mut dyn FnMut(&[u64])) {
        batch::for_each_run(self, rows, batch::canonical, visit);
    }
}

/// The word that a hash becomes under a seed: one to one, and random anew for each seed.
#[inline(always)]
#[must_use]
pub fn mix(hash: u64, seed: u64) -> u64 {
    let seeded = hash ^ seed;
    (seeded ^ (seeded >> 32)).wrapping_mul(0x9fb2_1c65_1e98_df25)
}

/// The seed of an attempt: the finaliser of SplitMix64 over its number.
#[must_use]
pub fn seed_of(attempt: u32) -> u64 {
    let mut word = u64::from(attempt).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

struct Mix<'a> {
    hashes: &'a [u64],
    seed: u64,
    words: &'a mut [u64],
}

impl Loop for Mix<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (word, hash) in self.words.iter_mut().zip(self.hashes) {
            *word = mix(*hash, self.seed);
        }
    }
}

/// Words in buckets by their high bits.
pub struct Buckets {
    /// The words, bucket by bucket, in no order within one.
    pub words: Vec<u64>,
    /// Where each bucket begins, and the end of the last.
    pub bounds: Vec<usize>,
    /// The number of high bits that choose the bucket.
    pub bits: u32,
}

/// Words that several threads write, each to places of its own.
struct Places(*mut u64);

// SAFETY: whoever writes through it writes to places that no other thread reads or writes.
unsafe impl Sync for Places {}

impl Places {
    /// # Safety
    /// The place lies within the allocation, and no other thread uses it meanwhile.
    #[inline(always)]
    unsafe fn set(&self, place: usize, word: u64) {
        // SAFETY: the caller's promise.
        unsafe { self.0.add(place).write(word) };
    }
}

#[inline(always)]
fn bucket_of(word: u64, bits: u32) -> usize {
    // A shift by 64 would be undefined; one bucket is all of them.
    (word >> 1 >> (63 - bits)) as usize
}

/// Calls `visit` with the mixed hashes of these rows.
fn visit_mixed<S: Source + ?Sized>(source: &S, rows: Range<usize>, seed: u64, mut visit: impl FnMut(&[u64])) {
    let mut words = [0; ROWS_AT_ONCE];
    source.visit(rows, &mut |hashes| {
        let words = &mut words[..hashes.len()];
        lanes::run(Mix { hashes, seed, words });
        visit(words);
    });
}

impl Buckets {
    /// The mixed hashes of a source. The words of a bucket depend on the source and the seed, their order on the
    /// threads too.
    #[must_use]
    pub fn scatter<S: Source + ?Sized>(source: &S, seed: u64, threads: usize) -> Self {
        let rows = source.rows();
        let bits = (rows / BUCKET_KEYS).next_power_of_two().trailing_zeros().min(BUCKET_BITS_HIGH);
        let count = 1_usize << bits;
        let counted = threads::map(rows, threads, |range| {
            let (first, mut counts) = (range.start, vec![0_usize; count]);
            visit_mixed(source, range, seed, |words| {
                words.iter().for_each(|word| counts[bucket_of(*word, bits)] += 1);
            });
            (first, counts)
        });
        // Bucket by bucket, each thread's words follow those of the thread before it.
        let (mut bounds, mut next) = (Vec::with_capacity(count + 1), 0);
        let mut cursors: Vec<(usize, Vec<usize>)> = counted;
        for bucket in 0..count {
            bounds.push(next);
            for (_, counts) in &mut cursors {
                next += std::mem::replace(&mut counts[bucket], next);
            }
        }
        bounds.push(next);
        let mut words: Vec<u64> = Vec::with_capacity(next);
        memory::advise(words.spare_capacity_mut());
        let places = Places(words.as_mut_ptr());
        let ends = threads::map(rows, threads, |range| {
            let places = &places;
            let (_, cursor) = cursors.iter().find(|(first, _)| *first == range.start).expect("the cuts are the same");
            let mut cursor = cursor.clone();
            visit_mixed(source, range, seed, |words| {
                for word in words {
                    let place = &mut cursor[bucket_of(*word, bits)];
                    if *place < next {
                        // SAFETY: the place is below the capacity; the first pass counted the same words, so no two
                        // threads are given one place.
                        unsafe { places.set(*place, *word) };
                    }
                    *place += 1;
                }
            });
            cursor
        });
        let starts = cursors.iter().map(|(_, cursor)| cursor.as_slice()).chain([&bounds[1..]]).skip(1);
        let complete = ends.iter().zip(starts).all(|(ends, next)| ends.as_slice() == next);
        assert!(complete, "a source gives the same hashes in every pass");
        // SAFETY: every place below `next` was counted once and written once.
        unsafe { words.set_len(next) };
        Self { words, bounds, bits }
    }

    /// Whether words are surely there twice; false is likely where nearly all are once.
    #[must_use]
    pub fn repeats(&self) -> bool {
        let lens = self.bounds.windows(2).map(|pair| pair[0]..pair[1]);
        let largest = lens.max_by_key(ExactSizeIterator::len).unwrap_or(0..0);
        let mut sample = self.words[largest].to_vec();
        sample.sort_unstable();
        sample.windows(2).any(|pair| pair[0] == pair[1])
    }

    /// Keeps each word once, in ascending order; how many were too many.
    pub fn deduplicate(&mut self, threads: usize) -> usize {
        let mut buckets = Vec::with_capacity(self.bounds.len());
        let mut rest = self.words.as_mut_slice();
        for pair in self.bounds.windows(2) {
            let (bucket, after) = rest.split_at_mut(pair[1] - pair[0]);
            buckets.push((bucket, 0));
            rest = after;
        }
        threads::each(&mut buckets, threads, |(bucket, kept)| {
            bucket.sort_unstable();
            *kept = dedup_sorted(bucket);
        });
        let kept: Vec<usize> = buckets.into_iter().map(|(_, kept)| kept).collect();
        let mut next = 0;
        for (bucket, kept) in kept.into_iter().enumerate() {
            let first = std::mem::replace(&mut self.bounds[bucket], next);
            self.words.copy_within(first..first + kept, next);
            next += kept;
        }
        *self.bounds.last_mut().expect("there is a bucket") = next;
        let dropped = self.words.len() - next;
        self.words.truncate(next);
        dropped
    }
}

/// What `solve` makes of the distinct words of a source under the first seed that suits it; None if none does.
///
/// Words that are there twice never suit. Looking for them costs as much as solving, so that they are looked for only
/// where a sample has some, or the first seed has failed; where there are none, the next seed is tried at once.
///
/// # Errors
/// Those of `solve`.
pub fn first_seed<S: Source + ?Sized, T>(
    source: &S,
    threads: usize,
    mut solve: impl FnMut(Buckets, u64) -> Result<Option<T>>,
) -> Result<Option<T>> {
    let mut repeated = None;
    for attempt in 0..ATTEMPTS_HIGH {
        let seed = seed_of(attempt);
        let mut buckets = Buckets::scatter(source, seed, threads);
        if repeated.is_none() && buckets.repeats() {
            repeated = Some(true);
        }
        if repeated == Some(true) {
            buckets.deduplicate(threads);
        }
        let made = solve(buckets, seed)?;
        if made.is_some() {
            return Ok(made);
        }
        if repeated.is_none() {
            let mut buckets = Buckets::scatter(source, seed, threads);
            let dropped = buckets.deduplicate(threads);
            repeated = Some(dropped > 0);
            if dropped > 0 {
                let made = solve(buckets, seed)?;
                if made.is_some() {
                    return Ok(made);
                }
            }
        }
    }
    Ok(None)
}

/// Moves the distinct words of sorted ones to the front; their number.
fn dedup_sorted(words: &mut [u64]) -> usize {
    let mut kept = 0;
    for index in 0..words.len() {
        let word = words[index];
        if index == 0 || word != words[kept - 1] {
            words[kept] = word;
            kept += 1;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn words(count: u64, distinct: u64) -> Vec<u64> {
        (0..count).map(|word| (word % distinct).wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect()
    }

    #[test]
    fn buckets_hold_every_word_where_its_high_bits_say() {
        for (count, distinct) in [(0, 1), (1, 1), (1000, 1000), (100_000, 100_000), (100_000, 700)] {
            let hashes = words(count, distinct);
            for threads in [1, 3] {
                let mut found = Buckets::scatter(hashes.as_slice(), 5, threads);
                let mut all: Vec<u64> = hashes.iter().map(|hash| mix(*hash, 5)).collect();
                for (bucket, pair) in found.bounds.windows(2).enumerate() {
                    assert!(found.words[pair[0]..pair[1]].iter().all(|word| bucket_of(*word, found.bits) == bucket));
                }
                let mut sorted = found.words.clone();
                sorted.sort_unstable();
                all.sort_unstable();
                assert_eq!(sorted, all);
                assert_eq!(found.repeats(), distinct < count);
                let dropped = found.deduplicate(threads);
                assert_eq!(dropped as u64, count - distinct.min(count));
                let expected: BTreeSet<u64> = all.into_iter().collect();
                assert!(found.words.iter().copied().eq(expected), "{count} {distinct}");
                assert_eq!(found.bounds.last(), Some(&found.words.len()));
            }
        }
    }

    #[test]
    fn a_seed_that_fails_is_tried_again_only_if_words_were_there_twice() {
        // Words of several buckets; one is there twice, where the sample does not see it.
        let distinct = words(40_000, 40_000);
        let sampled = Buckets::scatter(distinct.as_slice(), seed_of(0), 1);
        let counts: Vec<usize> = sampled.bounds.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let largest = counts.iter().max().copied().unwrap_or(0);
        let bucket = counts.iter().position(|count| *count + 1 < largest).expect("one is smaller");
        let again = distinct.iter().find(|hash| bucket_of(mix(**hash, seed_of(0)), sampled.bits) == bucket);
        let twice = [distinct.as_slice(), &[*again.expect("it has words")]].concat();
        let tried = |source: &[u64], fail: usize| {
            let mut tried = Vec::new();
            let made = first_seed(source, 2, |buckets, seed| {
                tried.push((buckets.words.len(), seed));
                Ok((tried.len() > fail).then_some(()))
            });
            assert_eq!(made.unwrap(), (fail < 300).then_some(()));
            tried
        };
        let (first, second) = (seed_of(0), seed_of(1));
        assert_eq!(tried(&distinct, 0), [(40_000, first)]);
        assert_eq!(tried(&distinct, 1), [(40_000, first), (40_000, second)]);
        assert_eq!(tried(&twice, 2), [(40_001, first), (40_000, first), (40_000, second)]);
        // Those that a sample sees are dropped before the first attempt.
        let doubled = [distinct.as_slice(), &distinct].concat();
        assert_eq!(tried(&doubled, 1), [(40_000, first), (40_000, second)]);
        assert_eq!(tried(&distinct[..100], 300).len(), ATTEMPTS_HIGH as usize);
    }
}
