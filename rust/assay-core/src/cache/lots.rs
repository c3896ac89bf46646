//! Lots: the numbers that a seed gives, the same on every machine.
//!
//! Source: Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators" (SplitMix64); Lemire 2019, "Fast
//! random integer generation in an interval" (the product's upper half).

/// The sequence SplitMix64 of a seed.
#[derive(Debug, Clone)]
pub struct Lots(u64);

impl Lots {
    /// Those of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    #[inline]
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `bound`: the upper 64 bits of the next number times it.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    pub fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.next()) * bound as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sequence_is_the_published_one() {
        // Seed 1234567, as in the reference program of Vigna, splitmix64.c.
        let mut lots = Lots::new(1_234_567);
        assert_eq!(lots.next(), 6_457_827_717_110_365_317);
        assert_eq!(lots.next(), 3_203_168_211_198_807_973);
    }
}
