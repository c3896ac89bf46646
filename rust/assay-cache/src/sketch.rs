//! How often keys were asked for lately, about: the counting Bloom filter of W-TinyLFU.
//!
//! Idea: a key has ten of the counters; a use counts all of them up, and the least of them is at most too high. Once in
//! a while all are halved, so that what was popular long ago is forgotten. Cost: ten reads and writes a use, 58 bytes
//! an object of the cache. Source: Einziger, Friedman, Manes 2017, "TinyLFU: A Highly Efficient Cache Admission
//! Policy", ACM Transactions on Storage; counters and hashes are those of libCacheSim 0.3.5 (`minimalIncrementCBF`,
//! which in spite of its name counts all ten up), so that it errs alike.
//!
//! Where a key's counters are follows from two hashes of it, which do not depend on how many counters there are: a trace
//! keeps them for all caches. What is left is ten products and remainders, which are written as one loop for vectors.

use assay_core::hash::HashKey;
use assay_core::hash::xxh64::Xxh64;
use assay_core::memory;

const HASHES: usize = 10;
const SEEDS: [u64; 2] = [0x1234_5678, 0x1234_4321];

/// Counters of a key that are computed: the ten, and as many more as fill vectors of eight and of four.
const LANES: usize = 12;

/// Hashes are given as that of a step this far before the first: no number from here on, so many, is a power of two, whose
/// product the compiler would make a shift and so break up the vector.
const BEFORE: u32 = 33;

/// So many counters for each key that there is: they are as good as never shared.
const AMPLE: u64 = 100;

/// Bytes of counters that are at hand without being asked for: half of a small second cache.
const AT_HAND: usize = 256 << 10;

/// Counters an entry, for an error of 1 in 1000: ln 1000 over the square of ln 2, to as many digits as libCacheSim.
fn counters(entries: u64) -> u32 {
    #[allow(clippy::cast_precision_loss)]
    let wanted = (1000f64.ln() / 0.480_453_013_918_201 * entries as f64).ceil();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let found = wanted.min(f64::from(i32::MAX)) as u32;
    if (found as usize) < HASHES { 2 * HASHES as u32 } else { found }
}

/// A key's hashes, from which its counters follow.
#[derive(Debug, Clone, Copy)]
pub struct Hashes {
    start: u32,
    step: u32,
}

impl Hashes {
    /// Those of the key that is this word.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn of(word: u64) -> Self {
        let [first, step] = SEEDS.map(|seed| Xxh64::new(seed).word(word) as u32);
        Self { start: first.wrapping_sub(step.wrapping_mul(BEFORE)), step }
    }
}

/// About how often each key was used.
#[derive(Debug)]
pub enum Sketch {
    /// Counters that keys share.
    Shared {
        /// The counters.
        counts: Vec<u32>,
        /// 2^32 over their number, rounded down.
        inverse: u32,
    },
    /// A counter a key. Where there are a hundred, others share one of a key's ten with a chance of a tenth, and all ten
    /// with one of 10^-10: the least of the ten is exact.
    Exact(Vec<u32>),
}

/// A key's counters; some may come twice.
#[derive(Debug, Clone, Copy, Default)]
pub struct Spots([u32; LANES]);

impl Spots {
    #[inline(always)]
    fn each(&self) -> &[u32; HASHES] {
        self.0.first_chunk().expect("there are more lanes than hashes")
    }
}

impl Sketch {
    /// Counters for so many objects of a cache, where so many keys are asked for.
    #[must_use]
    pub fn new(entries: u64, distinct: usize) -> Self {
        let counters = counters(entries);
        if u64::from(counters) / AMPLE >= distinct as u64 {
            return Self::Exact(memory::zeros(distinct));
        }
        Self::Shared { counts: memory::zeros(counters as usize), inverse: inverse(counters) }
    }

    /// Where the counters of a key are: of the object of this number, whose hashes are these.
    #[inline(always)]
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn spots(&self, id: u32, hashes: Hashes) -> Spots {
        let mut spots = Spots([id; LANES]);
        if let Self::Shared { counts, inverse } = self {
            let counters = counts.len() as u32;
            for lane in 0..LANES {
                let hash = hashes.start.wrapping_add(hashes.step.wrapping_mul(BEFORE + lane as u32));
                spots.0[lane] = remainder(hash, counters, *inverse) as u32;
            }
        }
        spots
    }

    /// Whether counters are so many that they should be asked for ahead of time.
    #[must_use]
    pub fn is_far(&self) -> bool {
        let (Self::Exact(counts) | Self::Shared { counts, .. }) = self;
        size_of_val(counts.as_slice()) > AT_HAND
    }

    /// Asks for a key's counters.
    #[inline(always)]
    pub fn prefetch(&self, spots: &Spots) {
        match self {
            Self::Exact(counts) => memory::prefetch(&counts[spots.0[0] as usize]),
            Self::Shared { counts, .. } => {
                let counts = counts.as_slice();
                for &spot in spots.each() {
                    memory::prefetch(&counts[spot as usize]);
                }
            }
        }
    }

    /// Counts a use.
    #[inline(always)]
    pub fn add(&mut self, spots: &Spots) {
        match self {
            Self::Exact(counts) => counts[spots.0[0] as usize] += 1,
            Self::Shared { counts, .. } => {
                let counts = counts.as_mut_slice();
                for &spot in spots.each() {
                    counts[spot as usize] += 1;
                }
            }
        }
    }

    /// How often the key was used, or more.
    #[inline(always)]
    #[must_use]
    pub fn estimate(&self, spots: &Spots) -> u32 {
        match self {
            Self::Exact(counts) => counts[spots.0[0] as usize],
            Self::Shared { counts, .. } => {
                let counts = counts.as_slice();
                let mut least = u32::MAX;
                for &spot in spots.each() {
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

/// 2^32 over this number, which is at least 2, rounded down.
#[allow(clippy::cast_possible_truncation)]
fn inverse(counters: u32) -> u32 {
    ((1_u64 << 32) / u64::from(counters)) as u32
}

/// The remainder of a hash by the number of counters, which is below 2^31: the quotient by way of the inverse is right or
/// one too small.
#[inline(always)]
fn remainder(hash: u32, counters: u32, inverse: u32) -> u64 {
    let (hash, counters) = (u64::from(hash), u64::from(counters));
    let quotient = (hash * u64::from(inverse)) >> 32;
    let rest = hash - quotient * counters;
    rest.min(rest.wrapping_sub(counters))
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation)]
mod tests {
    use super::*;
    use assay_core::lanes::{self, Loop, Path};

    #[test]
    fn remainders_are_those_of_a_division() {
        let mut state = 7_u64;
        for counters in [20_u32, 21, 144, 1000, 143_776, 1 << 20, (1 << 31) - 2, (1 << 31) - 1] {
            let check = |hash: u32| {
                assert_eq!(
                    remainder(hash, counters, inverse(counters)),
                    u64::from(hash % counters),
                    "{hash} by {counters}"
                );
            };
            for _ in 0..100_000 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                check((state >> 32) as u32);
            }
            for quotient in [0, 1, 2, 3, u32::MAX / counters - 1, u32::MAX / counters] {
                for near in [u32::MAX, 0, 1] {
                    check(quotient.wrapping_mul(counters).wrapping_add(near));
                }
            }
        }
    }

    /// The ten spots by the definition: two hashes, and a division each.
    #[test]
    fn spots_are_hashes_in_equal_steps_on_every_path() {
        struct Batch<'a>(&'a Sketch, &'a [u64]);
        impl Loop for Batch<'_> {
            type Output = Vec<[u32; HASHES]>;
            #[inline(always)]
            fn run(self) -> Self::Output {
                self.1.iter().map(|&word| *self.0.spots(0, Hashes::of(word)).each()).collect()
            }
        }
        let words: Vec<u64> = (0..1000_u64).map(|word| word.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
        for entries in [2, 99, 1000, 123_456] {
            let sketch = Sketch::new(entries, 1 << 30);
            let Sketch::Shared { counts, .. } = &sketch else { panic!("counters are few") };
            let naive: Vec<[u32; HASHES]> = words
                .iter()
                .map(|&word| {
                    let [first, step] = SEEDS.map(|seed| Xxh64::new(seed).word(word) as u32);
                    std::array::from_fn(|lane| first.wrapping_add(step.wrapping_mul(lane as u32)) % counts.len() as u32)
                })
                .collect();
            for path in Path::available() {
                assert_eq!(lanes::run_on(path, Batch(&sketch, &words)), naive, "{path:?}");
            }
        }
    }

    #[test]
    fn counts_are_never_too_low_and_halved_with_age() {
        let mut sketch = Sketch::new(100, 1000);
        assert!(matches!(&sketch, Sketch::Shared { counts, .. } if counts.len() == 1438));
        for id in 0..50 {
            for _ in 0..=id {
                let spots = sketch.spots(id, Hashes::of(u64::from(id) << 40));
                sketch.add(&spots);
            }
        }
        let estimates = |sketch: &Sketch| -> Vec<u32> {
            (0..50).map(|id| sketch.estimate(&sketch.spots(id, Hashes::of(u64::from(id) << 40)))).collect()
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
        let spots = sketch.spots(2, Hashes::of(5));
        sketch.add(&spots);
        assert_eq!((sketch.estimate(&spots), sketch.estimate(&sketch.spots(1, Hashes::of(5)))), (1, 0));
    }
}
