//! Counters of 4 bits, sixteen to a word, that are raised and lowered by hashes and never beyond 15.

use crate::filter::batch::BATCH;
use crate::filter::standard::{PROBES_HIGH, Standard, all_positions};
use crate::memory;

/// The most counters: 2 GiB.
pub const COUNT_HIGH: u64 = 1 << 32;
/// A counter that has come so far stays.
const STUCK: u64 = 15;
/// The lowest bit of each counter of a word.
const ONES: u64 = 0x1111_1111_1111_1111;

/// The counters, and how many of them a key raises.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counters {
    words: Vec<u64>,
    count: u64,
    probes: u32,
}

/// A bit at the bottom of each counter that is not 0.
fn nonzero(word: u64) -> u64 {
    (word | word >> 1 | word >> 2 | word >> 3) & ONES
}

/// A bit at the bottom of each counter that is 15.
fn full(word: u64) -> u64 {
    word & word >> 1 & word >> 2 & word >> 3 & ONES
}

/// The sums of the counters of two words, up to 15.
fn added(left: u64, right: u64) -> u64 {
    const EVEN: u64 = 0x0f0f_0f0f_0f0f_0f0f;
    let sum = |left: u64, right: u64| {
        let sum = left + right;
        let over = (sum >> 4) & (EVEN & ONES);
        (sum | (over * 15)) & EVEN
    };
    sum(left & EVEN, right & EVEN) | (sum((left >> 4) & EVEN, (right >> 4) & EVEN) << 4)
}

impl Counters {
    /// So many counters, all 0; None if there are too many.
    pub fn new(count: u64, probes: u32) -> Option<Self> {
        let sound = (1..=COUNT_HIGH).contains(&count) && (1..=PROBES_HIGH).contains(&probes);
        sound.then(|| Self::empty(count, probes))
    }

    fn empty(count: u64, probes: u32) -> Self {
        let words = usize::try_from(count.div_ceil(16)).expect("2 GiB fit memory");
        Self { words: memory::zeros(words), count, probes }
    }

    /// Counters from their stored parts; None if they contradict each other.
    pub fn from_parts(count: u64, probes: u32, words: Vec<u64>) -> Option<Self> {
        let sound = (1..=COUNT_HIGH).contains(&count)
            && (1..=PROBES_HIGH).contains(&probes)
            && words.len() as u64 == count.div_ceil(16)
            && (count.is_multiple_of(16) || words.last().is_some_and(|last| last >> (4 * (count % 16)) == 0));
        sound.then_some(Self { words, count, probes })
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn probes(&self) -> u32 {
        self.probes
    }

    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// Calls `change(word, shift)` for the counters of a hash, until it says false; whether it never did.
    #[inline]
    fn each(&mut self, hash: u64, probes: u32, mut change: impl FnMut(&mut u64, u32) -> bool) -> bool {
        all_positions(hash, self.count, probes, |at| change(&mut self.words[at >> 4], 4 * (at as u32 & 15)))
    }

    #[inline]
    fn fetch(&self, hashes: &[u64]) {
        for hash in hashes {
            all_positions(*hash, self.count, self.probes, |at| {
                memory::prefetch(&self.words[at >> 4]);
                true
            });
        }
    }

    #[inline]
    fn raise(&mut self, hash: u64, probes: u32) {
        self.each(hash, probes, |word, shift| {
            *word += u64::from(*word >> shift & STUCK != STUCK) << shift;
            true
        });
    }

    /// Lowers the counters of a hash; if one of them is 0, none is lowered. Whether they were.
    fn lower(&mut self, hash: u64) -> bool {
        let mut lowered = 0;
        let all = self.each(hash, self.probes, |word, shift| match *word >> shift & STUCK {
            0 => false,
            value => {
                *word -= u64::from(value != STUCK) << shift;
                lowered += 1;
                true
            }
        });
        if !all {
            // A counter that was lowered was below 15, and is raised no higher than it was.
            self.raise(hash, lowered);
        }
        all
    }

    /// Raises the counters of each hash.
    pub fn insert(&mut self, hashes: &[u64]) {
        for batch in hashes.chunks(BATCH) {
            self.fetch(batch);
            batch.iter().for_each(|hash| self.raise(*hash, self.probes));
        }
    }

    /// Lowers the counters of each hash; if some hash is not held, no counter is changed, and the error is its index.
    pub fn remove(&mut self, hashes: &[u64]) -> Result<(), usize> {
        for (start, batch) in hashes.chunks(BATCH).enumerate() {
            self.fetch(batch);
            for (index, hash) in batch.iter().enumerate() {
                if !self.lower(*hash) {
                    let refused = start * BATCH + index;
                    hashes[..refused].iter().for_each(|hash| self.raise(*hash, self.probes));
                    return Err(refused);
                }
            }
        }
        Ok(())
    }

    /// Sets bit i of `held` if no counter of hash i is 0.
    pub fn probe(&self, hashes: &[u64], held: &mut [u64]) {
        for (batch, out) in hashes.chunks(BATCH).zip(held) {
            self.fetch(batch);
            *out = batch.iter().enumerate().fold(0, |held, (index, hash)| {
                let all = all_positions(*hash, self.count, self.probes, |at| {
                    self.words[at >> 4] >> (4 * (at & 15)) & STUCK != 0
                });
                held | u64::from(all) << index
            });
        }
    }

    /// Adds counters of the same shape, up to 15.
    pub fn join(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(left, right)| *left = added(*left, *right));
    }

    /// The number of counters that are not 0.
    pub fn used(&self) -> u64 {
        self.words.iter().map(|word| u64::from(nonzero(*word).count_ones())).sum()
    }

    /// The number of counters that are 15.
    pub fn saturated(&self) -> u64 {
        self.words.iter().map(|word| u64::from(full(*word).count_ones())).sum()
    }

    /// The standard filter with a bit for each counter that is not 0.
    pub fn to_standard(&self) -> Standard {
        let squeeze = |word: u64| (0..16).fold(0, |bits, at| bits | (nonzero(word) >> (4 * at) & 1) << at);
        let words = self.words.chunks(4).map(|four| {
            four.iter().enumerate().fold(0_u64, |bits, (index, word)| bits | squeeze(*word) << (16 * index))
        });
        Standard::from_parts(self.count, self.probes, words.collect()).expect("the shape is a filter's own")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_are_added_counter_by_counter(left: u64, right: u64) {
            let counters = |word: u64| (0..16).map(move |at| word >> (4 * at) & 15);
            let expected: Vec<u64> = counters(left).zip(counters(right)).map(|(a, b)| (a + b).min(15)).collect();
            prop_assert_eq!(counters(added(left, right)).collect::<Vec<_>>(), expected);
            prop_assert_eq!(nonzero(left).count_ones() as usize, counters(left).filter(|value| *value > 0).count());
            prop_assert_eq!(full(left).count_ones() as usize, counters(left).filter(|value| *value == 15).count());
        }
    }
}
