//! Remainders by a number that stays the same: two products instead of a division.
//!
//! With r = ⌊(2^64 - 1) / d⌋, ⌊v·r / 2^64⌋ is ⌊v / d⌋ or one less, since v·(1/d - r/2^64) < 1: 2^64/d exceeds r by less than one
//! unless d is a power of two, and then by exactly one, while v < 2^64. So one subtraction corrects the remainder.
//! Source: Granlund and Montgomery 1994, "Division by Invariant Integers using Multiplication".

/// A divisor with its reciprocal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Remainder {
    divisor: u64,
    reciprocal: u64,
}

impl Remainder {
    /// Remainders by `divisor`, at least 1.
    pub(super) fn by(divisor: u64) -> Self {
        Self { divisor, reciprocal: u64::MAX / divisor }
    }

    /// `value % divisor`.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn of(self, value: u64) -> u64 {
        let quotient = ((u128::from(value) * u128::from(self.reciprocal)) >> 64) as u64;
        let rest = value - quotient * self.divisor;
        if rest >= self.divisor { rest - self.divisor } else { rest }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_that_of_a_division(value: u64, divisor in 1_u64.., multiple: u64) {
            let remainder = Remainder::by(divisor);
            let exact = multiple / divisor * divisor;
            for value in [value, exact, exact.saturating_sub(1), exact.saturating_add(1), 0, u64::MAX, divisor] {
                prop_assert_eq!(remainder.of(value), value % divisor);
            }
        }

        #[test]
        fn it_is_that_of_a_division_by_small_numbers_and_powers_of_two(value: u64, small in 1_u64..70_000, power in 0_u32..64) {
            for divisor in [small, 1 << power, u64::MAX - small] {
                for value in [value, u64::MAX, u64::MAX - small, 0] {
                    prop_assert_eq!(Remainder::by(divisor).of(value), value % divisor);
                }
            }
        }
    }
}
