//! How often keys were asked for lately, about: the counting Bloom filter of W-TinyLFU.
//!
//! Idea: a key has ten of the counters; a use counts all of them up, and the least of them is at most too high. Once in
//! a while all are halved, so that what was popular long ago is forgotten. Cost: ten reads and writes a use, 58 bytes
//! an object of the cache. Source: Einziger, Friedman, Manes 2017, "TinyLFU: A Highly Efficient Cache Admission
//! Policy", ACM Transactions on Storage; counters and hashes are those of libCacheSim 0.3.5 (`minimalIncrementCBF`,
//! which in spite of its name counts all ten up), so that it errs alike.

use assay_core::hash::HashKey;
use assay_core::hash::xxh64::Xxh64;
use assay_core::memory;

const HASHES: u32 = 10;
const SEEDS: [u64; 2] = [0x1234_5678, 0x1234_4321];

/// Counters an entry, for an error of 1 in 1000: ln 1000 over the square of ln 2, to as many digits as libCacheSim.
fn counters(entries: u64) -> u32 {
    #[allow(clippy::cast_precision_loss)]
    let wanted = (1000f64.ln() / 0.480_453_013_918_201 * entries as f64).ceil();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let found = wanted.min(f64::from(i32::MAX)) as u32;
    if found < HASHES { 2 * HASHES } else { found }
}

/// So many counters for each key that there is: they are as good as never shared.
const AMPLE: u64 = 100;

/// About how often each key was used.
#[derive(Debug)]
pub enum Sketch {
    /// Counters that keys share.
    Shared {
        /// The counters.
        counts: Vec<u32>,
        /// 2^64 / their number, rounded up: a remainder is two products.
        inverse: u64,
    },
    /// A counter a key. Where there are a hundred, others share one of a key's ten with a chance of a tenth, and all ten
    /// with one of 10^-10: the least of the ten is exact.
    Exact(Vec<u32>),
}

/// A key's counters; some may come twice.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spots([u32; HASHES as usize]);

impl Sketch {
    /// Counters for so many objects of a cache, where so many keys are asked for.
    #[must_use]
    pub fn new(entries: u64, distinct: usize) -> Self {
        let counters = counters(entries);
        if u64::from(counters) / AMPLE >= distinct as u64 {
            return Self::Exact(memory::zeros(distinct));
        }
        Self::Shared { counts: memory::zeros(counters as usize), inverse: u64::MAX / u64::from(counters) + 1 }
    }

    /// Where the counters of a key are: of the object of this number, whose key is this word.
    #[inline]
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn spots(&self, id: u32, word: u64) -> Spots {
        let mut spots = Spots([id; HASHES as usize]);
        if let Self::Shared { counts, inverse } = self {
            let mut hash = Xxh64::new(SEEDS[0]).word(word) as u32;
            let step = Xxh64::new(SEEDS[1]).word(word) as u32;
            for spot in &mut spots.0 {
                *spot = remainder(hash, *inverse, counts.len());
                hash = hash.wrapping_add(step);
            }
        }
        spots
    }

    /// Asks for a key's counters.
    #[inline]
    pub fn prefetch(&self, spots: &Spots) {
        match self {
            Self::Exact(counts) => memory::prefetch(&counts[spots.0[0] as usize]),
            Self::Shared { counts, .. } => {
                for &spot in &spots.0 {
                    memory::prefetch(&counts[spot as usize]);
                }
            }
        }
    }

    /// Counts a use.
    #[inline]
    pub fn add(&mut self, spots: &Spots) {
        match self {
            Self::Exact(counts) => counts[spots.0[0] as usize] += 1,
            Self::Shared { counts, .. } => {
                for &spot in &spots.0 {
                    counts[spot as usize] += 1;
                }
            }
        }
    }

    /// How often the key was used, or more.
    #[inline]
    #[must_use]
    pub fn estimate(&self, spots: &Spots) -> u32 {
        match self {
            Self::Exact(counts) => counts[spots.0[0] as usize],
            Self::Shared { counts, .. } => {
                let mut least = u32::MAX;
                for &spot in &spots.0 {
                    least = least.min(counts[spot as usize]);
                }
                least
            }
        }
    }

    /// Halves all counts.
    #[cold]
    pub fn age(&mut self) {
        let (Self::Exact(counts) | Self::Shared { counts, .. }) = self;
        for count in counts {
            *count >>= 1;
        }
    }
}

/// The remainder by the number of counters: Lemire, Kaser, Kurz 2019, "Faster remainder by direct computation".
#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
fn remainder(hash: u32, inverse: u64, counters: usize) -> u32 {
    let fraction = inverse.wrapping_mul(u64::from(hash));
    ((u128::from(fraction) * counters as u128) >> 64) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remainders_are_those_of_a_division() {
        let mut state = 7u64;
        for counters in [20u64, 21, 144, 1000, 143_776, 1 << 20, 2_147_483_647] {
            let inverse = u64::MAX / counters + 1;
            for _ in 0..100_000 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let hash = state >> 32;
                let found = remainder(u32::try_from(hash).unwrap(), inverse, usize::try_from(counters).unwrap());
                assert_eq!(u64::from(found), hash % counters);
            }
        }
    }

    #[test]
    fn counts_are_never_too_low_and_halved_with_age() {
        let mut sketch = Sketch::new(100, 1000);
        assert!(matches!(&sketch, Sketch::Shared { counts, .. } if counts.len() == 1438));
        for id in 0..50 {
            for _ in 0..=id {
                let spots = sketch.spots(id, u64::from(id) << 40);
                sketch.add(&spots);
            }
        }
        let estimates = |sketch: &Sketch| -> Vec<u32> {
            (0..50).map(|id| sketch.estimate(&sketch.spots(id, u64::from(id) << 40))).collect()
        };
        let found = estimates(&sketch);
        assert!(found.iter().enumerate().all(|(id, &count)| count > u32::try_from(id).unwrap()));
        sketch.age();
        assert_eq!(estimates(&sketch), found.iter().map(|count| count / 2).collect::<Vec<_>>());
    }

    #[test]
    fn with_ample_counters_a_key_has_its_own() {
        let mut sketch = Sketch::new(1 << 30, 3);
        assert!(matches!(&sketch, Sketch::Exact(counts) if counts.len() == 3));
        let spots = sketch.spots(2, 5);
        sketch.add(&spots);
        assert_eq!((sketch.estimate(&spots), sketch.estimate(&sketch.spots(1, 5))), (1, 0));
    }
}
