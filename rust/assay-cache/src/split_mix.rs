//! Random numbers that a seed gives, the same on every machine and in any language: SplitMix64.
//!
//! Cost: a few multiplications a number, 8 bytes a stream. Only products, shifts and comparisons of IEEE numbers.
//! Source: Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators", variant 13 of Stafford; Lemire
//! 2019, "Fast random integer generation in an interval" (the product's upper half, without its rejection: the bias is
//! below the bound in 2^64).

use assay_core::placement::movement::GOLDEN;
use assay_core::placement::rendezvous::finalise;

/// 2^-53: a number's upper 53 bits times this lie in [0, 1).
const UNIT: f64 = 1.0 / (1_u64 << 53) as f64;

/// A sequence of random numbers.
#[derive(Debug, Clone)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// The sequence of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The sequence of this number under this seed: each thing that is drawn has its own.
    #[must_use]
    pub fn stream(seed: u64, number: u64) -> Self {
        Self { state: Self::new(seed).next() ^ number.wrapping_mul(GOLDEN) }
    }

    /// The next number.
    #[inline]
    #[allow(clippy::should_implement_trait)] // it never ends
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN);
        finalise(self.state)
    }

    /// A number below `bound`, which is at least 1: the upper 64 bits of the next number times it.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// The index of one of so many.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    pub fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    /// True with this probability; nothing is drawn for 0 and 1.
    #[allow(clippy::cast_precision_loss)]
    pub fn happens(&mut self, probability: f64) -> bool {
        probability >= 1.0 || (probability > 0.0 && ((self.next() >> 11) as f64 * UNIT) < probability)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_that_of_the_reference_program() {
        // Vigna's splitmix64.c, of the seeds 0 and 1234567.
        let (mut zero, mut other) = (SplitMix64::new(0), SplitMix64::new(1_234_567));
        assert_eq!([zero.next(), zero.next()], [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4]);
        assert_eq!([other.next(), other.next()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
    }

    #[test]
    fn numbers_keep_within_their_bounds_and_certainties_draw_nothing() {
        let mut numbers = SplitMix64::stream(7, 1);
        assert!((0..1000).all(|_| numbers.below(3) < 3 && numbers.index(2) < 2));
        let mut same = numbers.clone();
        assert!(numbers.happens(1.0) && !numbers.happens(0.0));
        assert_eq!(numbers.next(), same.next());
        let yes = (0..10_000).filter(|_| numbers.happens(0.25)).count();
        assert!((2_300..2_700).contains(&yes), "{yes}"); // 4.6 standard deviations
    }
}
