//! Entries brought into order by radix: heads of keys with what they belong to, most significant digits first.
//!
//! Cost: one pass over memory into some two thousand buckets, each of which is then sorted where the processor's cache
//! holds it; 16 bytes an entry beside the entries themselves. A digit begins at the first bit in which the entries at
//! hand differ, and has as many values as they could fill, so that a shared beginning costs nothing and skewed keys a
//! few passes more. What is in order already is left so. Both passes run on several threads, tell how far they are, and
//! can be called off. Source: McIlroy, Bostic and McIlroy, Engineering Radix Sort,
//! Computing Systems 1993.

use std::ops::Range;
use std::slice::IterMut;
use std::sync::Mutex;

use assay_core::error::Result;
use assay_core::{memory, threads};

use crate::{Progress, Steps};

/// A head before 32 bits that say whose it is: a row, or the place of an entry.
pub type Entry = u128;

const TAIL_BITS: u32 = 32;
/// Fewer are sorted by comparisons.
const FEW: usize = 24;
/// The buckets of a pass stay within the cache that writes go through.
const MOST_BITS: u32 = 11;
const MOST_BUCKETS: usize = 1 << MOST_BITS;
/// More entries tell by and by that they are sorted, and after so many of them look whether they are to be.
const MANY: usize = 1 << 16;

/// An entry.
#[inline]
#[must_use]
pub fn entry(head: u64, tail: u32) -> Entry {
    Entry::from(head) << TAIL_BITS | Entry::from(tail)
}

/// The head of an entry.
#[inline]
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn head(entry: Entry) -> u64 {
    (entry >> TAIL_BITS) as u64
}

/// Whose it is.
#[inline]
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn tail(entry: Entry) -> u32 {
    entry as u32
}

/// The bits of entries that tell buckets apart.
#[derive(Debug, Clone, Copy)]
struct Digit {
    shift: u32,
    bits: u32,
}

impl Digit {
    /// That of so many entries that differ in these bits, at least one, above so many that are left out.
    fn of(different: Entry, count: usize, below: u32) -> Self {
        let top = Entry::BITS - (different | 1 << below).leading_zeros();
        let bits = count.ilog2().saturating_sub(2).clamp(1, MOST_BITS).min(top - below);
        Self { shift: top - bits, bits }
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn of_entry(self, entry: Entry) -> usize {
        (entry >> self.shift) as usize & (MOST_BUCKETS - 1) & ((1 << self.bits) - 1)
    }
}

/// Sorts entries with as many others to work in.
///
/// # Errors
/// If it was called off.
pub fn sort(entries: &mut [Entry], others: &mut [Entry], told: &mut Steps<'_>) -> Result<()> {
    sort_many(entries, others, true, told)
}

/// As [`sort_into`], and tells of what is sorted.
fn sort_many(from: &mut [Entry], into: &mut [Entry], stays: bool, told: &mut Steps<'_>) -> Result<()> {
    if from.len() <= MANY {
        sort_into(from, into, stays);
        return told.add(from.len());
    }
    let mut places = [0; MOST_BUCKETS];
    let Some(buckets) = spread(from, into, &mut places, || told.check())? else {
        if !stays {
            into.copy_from_slice(from);
        }
        return told.add(from.len());
    };
    let mut start = 0;
    for end in &places[..buckets] {
        sort_many(&mut into[start..*end], &mut from[start..*end], !stays, told)?;
        start = *end;
    }
    Ok(())
}

/// Sorts `from`; what is sorted lies there if it stays, else in `into`.
fn sort_into(from: &mut [Entry], into: &mut [Entry], stays: bool) {
    if from.len() <= FEW {
        from.sort_unstable();
        if !stays {
            into.copy_from_slice(from);
        }
        return;
    }
    let mut places = [0; MOST_BUCKETS];
    let Some(buckets) = spread(from, into, &mut places, || Ok(())).expect("nobody calls it off") else {
        if !stays {
            into.copy_from_slice(from);
        }
        return;
    };
    let mut start = 0;
    for end in &places[..buckets] {
        if *end > start {
            sort_into(&mut into[start..*end], &mut from[start..*end], !stays);
            start = *end;
        }
    }
}

/// Spreads entries over buckets by the first digit in which they differ; how many buckets there are, and in `places` where
/// each ends. None, and nothing was moved, if they are in order already. Looks by `check` whether it is to go on.
#[inline]
fn spread(
    from: &[Entry],
    into: &mut [Entry],
    places: &mut [usize; MOST_BUCKETS],
    check: impl Fn() -> Result<()>,
) -> Result<Option<usize>> {
    let (mut different, mut sorted, mut before) = (0, true, from[0]);
    for entry in from {
        different |= entry ^ before;
        sorted &= before <= *entry;
        before = *entry;
    }
    if sorted {
        return Ok(None);
    }
    let digit = Digit::of(different, from.len(), 0);
    for entry in from {
        places[digit.of_entry(*entry)] += 1;
    }
    let buckets = 1 << digit.bits;
    let mut next = 0_usize;
    for place in &mut places[..buckets] {
        next += std::mem::replace(place, next);
    }
    for entries in from.chunks(MANY) {
        check()?;
        for entry in entries {
            let place = &mut places[digit.of_entry(*entry)];
            into[*place] = *entry;
            *place += 1;
        }
    }
    Ok(Some(buckets))
}

/// How many times sorting tells of each entry: as it is looked at, counted, put into its bucket, and sorted there.
pub const PASSES: u64 = 4;

/// Calls `work` with each place, and tells of them step by step; ends early if it is called off.
#[inline]
fn pass(places: Range<usize>, step: usize, progress: &Progress, mut work: impl FnMut(usize)) {
    for first in places.clone().step_by(step) {
        let some = first..places.end.min(first + step);
        let count = some.len() as u64;
        some.for_each(&mut work);
        if progress.add(count).is_err() {
            return;
        }
    }
}

/// Entries in buckets by their first digit.
#[derive(Debug)]
pub struct Buckets {
    entries: Vec<Entry>,
    ends: Vec<usize>,
}

impl Buckets {
    /// Puts so many entries into buckets, those of one head into the same, and tells of each three times.
    ///
    /// # Errors
    /// If it was called off.
    pub fn of(
        count: usize,
        entry: impl Fn(usize) -> Entry + Sync,
        threads: usize,
        progress: &Progress,
    ) -> Result<Self> {
        let mut entries = memory::zeros::<Entry>(count);
        if count == 0 {
            return Ok(Self { entries, ends: Vec::new() });
        }
        let part = count.div_ceil(threads::pieces(count, threads));
        let starts = (0..count).step_by(part);
        let range = |start: usize| start..count.min(start + part);
        let first = entry(0);
        let step = Progress::step(count);
        let different = threads::map(count, threads, |range| {
            let mut all = 0;
            pass(range, step, progress, |at| all |= entry(at) ^ first);
            all
        });
        progress.check()?;
        let digit = Digit::of(different.into_iter().fold(0, |all, one| all | one), count, TAIL_BITS);
        // How many entries of each piece go to each bucket.
        let mut counts: Vec<(usize, Vec<usize>)> = starts.map(|start| (start, vec![0; 1 << digit.bits])).collect();
        threads::each(&mut counts, threads, |(start, counts)| {
            pass(range(*start), step, progress, |at| counts[digit.of_entry(entry(at))] += 1);
        });
        let mut ends = Vec::with_capacity(1 << digit.bits);
        let mut pieces: Vec<(usize, Vec<IterMut<'_, Entry>>)> =
            counts.iter().map(|(start, _)| (*start, Vec::with_capacity(1 << digit.bits))).collect();
        let (mut rest, mut end) = (&mut entries[..], 0);
        for bucket in 0..1 << digit.bits {
            for ((_, counts), (_, places)) in counts.iter().zip(&mut pieces) {
                let (these, others) = rest.split_at_mut(counts[bucket]);
                rest = others;
                end += these.len();
                places.push(these.iter_mut());
            }
            ends.push(end);
        }
        progress.check()?;
        threads::each(&mut pieces, threads, |(start, places)| {
            pass(range(*start), step, progress, |at| {
                let entry = entry(at);
                *places[digit.of_entry(entry)].next().expect("there is room for all that were counted") = entry;
            });
        });
        progress.check()?;
        Ok(Self { entries, ends })
    }

    /// Sorts each bucket, tells of its entries, and gives it to `place` together with as much of keys and rows.
    ///
    /// # Errors
    /// If it was called off.
    pub fn finish<K: Send>(
        mut self,
        keys: &mut [K],
        rows: &mut [u32],
        threads: usize,
        progress: &Progress,
        place: impl Fn(&mut [Entry], &mut [K], &mut [u32]) -> Result<()> + Sync,
    ) -> Result<()> {
        let mut rest = (&mut self.entries[..], keys, rows);
        let mut start = 0;
        let buckets = self.ends.iter().map(|end| {
            let count = end - std::mem::replace(&mut start, *end);
            let (entries, keys, rows) = std::mem::take(&mut rest);
            let (entries, keys, rows) =
                (entries.split_at_mut(count), keys.split_at_mut(count), rows.split_at_mut(count));
            rest = (entries.1, keys.1, rows.1);
            (entries.0, keys.0, rows.0)
        });
        // Buckets differ in size, so threads take one after the other.
        let queue = Mutex::new(buckets.collect::<Vec<_>>().into_iter());
        let next = || queue.lock().expect("nothing fails while it is held").next();
        let total = self.ends.last().copied().unwrap_or(0);
        let count = threads::pieces(total, threads);
        let work = || {
            let (mut others, mut told) = (Vec::new(), Steps::of(total, progress));
            while let Some((entries, keys, rows)) = next() {
                if others.len() < entries.len() {
                    others = memory::zeros(entries.len());
                }
                sort(entries, &mut others[..entries.len()], &mut told)?;
                place(entries, keys, rows)?;
            }
            told.end()
        };
        threads::workers(count, work).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sorted(entries: &[Entry], threads: usize) -> Vec<Entry> {
        let (mut heads, mut tails) = (vec![0; entries.len()], vec![0; entries.len()]);
        let progress = Progress::default();
        Buckets::of(entries.len(), |at| entries[at], threads, &progress)
            .unwrap()
            .finish(&mut heads, &mut tails, threads, &progress, |entries, heads, tails| {
                for ((one, head_out), tail_out) in entries.iter().zip(heads).zip(tails) {
                    (*head_out, *tail_out) = (head(*one), tail(*one));
                }
                Ok(())
            })
            .unwrap();
        heads.into_iter().zip(tails).map(|(head, tail)| entry(head, tail)).collect()
    }

    /// Heads that share a beginning, are few, cluster at either end, or fall together by their exponents.
    fn heads() -> impl Strategy<Value = Vec<u64>> {
        let one = prop_oneof![
            any::<u64>(),
            0_u64..3,
            (0_u64..500).prop_map(|low| 0xdead_beef_0000_0000 | low),
            (0_u32..64).prop_map(|bit| 1 << bit),
            (0_u64..9).prop_map(|from_end| u64::MAX - from_end),
        ];
        prop_oneof![prop::collection::vec(any::<u64>(), 0..3_000), prop::collection::vec(one, 0..3_000)]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn entries_come_into_order(heads in heads(), tails in 1_u32..100) {
            let entries: Vec<Entry> =
                heads.iter().zip((0..tails).cycle()).map(|(head, tail)| entry(*head, tail)).collect();
            let mut expected = entries.clone();
            expected.sort_unstable();
            prop_assert_eq!(sorted(&entries, 1), expected);
        }
    }

    #[test]
    fn any_number_of_threads_gives_the_same_order() {
        let mut state = 1_u64;
        let mut entries: Vec<Entry> = Vec::new();
        for at in 0..150_000 {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(1);
            // One bucket holds most of them.
            entries.push(entry(if at % 8 == 0 { state } else { state >> 30 }, at));
        }
        let expected = sorted(&entries, 1);
        assert!(expected.is_sorted());
        assert_eq!(sorted(&entries, 2), expected);
        assert_eq!(sorted(&entries, 5), expected);
    }

    #[test]
    fn sorting_ends_when_it_is_called_off() {
        let progress = Progress::default();
        progress.stopped.store(1, std::sync::atomic::Ordering::Relaxed);
        let found = Buckets::of(100, |at| entry(99 - at as u64, 0), 1, &progress);
        assert!(found.unwrap_err().to_string().contains("called off"));
    }
}
