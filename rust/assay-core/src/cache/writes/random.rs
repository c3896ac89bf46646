//! Seeded draws that any language repeats: SplitMix64, one stream for each thing that is drawn.
//!
//! Cost: a few multiplications a draw, 8 bytes a stream. Only multiplication, shifts and comparisons of IEEE numbers,
//! so that a seed gives the same draws on every machine.
//! Source: Steele, Lea and Flood 2014, "Fast Splittable Pseudorandom Number Generators", variant 13 of Stafford.

/// What is added at each step: 2^64 over the golden ratio, odd.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// 2^-53: a draw's upper 53 bits times this lie in [0, 1).
const UNIT: f64 = 1.0 / (1_u64 << 53) as f64;

/// A stream of draws.
#[derive(Debug, Clone)]
pub struct Draws {
    state: u64,
}

impl Draws {
    /// The stream of this number under this seed.
    #[must_use]
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut made = Self { state: seed };
        let start = made.next();
        Self { state: start ^ stream.wrapping_mul(STEP) }
    }

    /// The next 64 bits.
    #[allow(clippy::should_implement_trait)] // it never ends
    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// True with this probability; nothing is drawn for 0 and 1.
    #[allow(clippy::cast_precision_loss)]
    pub fn happens(&mut self, probability: f64) -> bool {
        probability >= 1.0 || (probability > 0.0 && ((self.next() >> 11) as f64 * UNIT) < probability)
    }

    /// A number below `count`, which is at least 1: the upper bits of a product (Lemire 2019, without its rejection,
    /// as the bias is below `count` in 2^64).
    #[allow(clippy::cast_possible_truncation)]
    pub fn below(&mut self, count: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(count)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_that_of_the_reference_implementation() {
        let mut draws = Draws { state: 0 };
        assert_eq!([draws.next(), draws.next()], [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4]);
    }

    #[test]
    fn draws_keep_within_their_bounds_and_certainties_draw_nothing() {
        let mut draws = Draws::new(7, 1);
        assert!((0..1000).all(|_| draws.below(3) < 3));
        let mut other = draws.clone();
        assert!(draws.happens(1.0) && !draws.happens(0.0));
        assert_eq!(draws.next(), other.next());
        let yes = (0..10_000).filter(|_| draws.happens(0.25)).count();
        assert!((2_300..2_700).contains(&yes), "{yes}"); // 4.6 standard deviations
    }
}
