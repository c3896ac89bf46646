//! Capacities as whole numbers, so that shares and ties are exact.
//!
//! Loads are compared by load / capacity. As floats such quotients are rounded, and ties would depend
//! on it; so capacities become integers first, all scaled by one power of two with the greatest in 62
//! bits. That is exact for all capacities within a factor of 512 of the greatest; smaller ones are
//! rounded to 2^-62 of it. A load of 64 bits times a capacity of 62 fits 128 bits, and so quotients are
//! compared by products.

use std::cmp::Ordering;

const BITS: i32 = 62;

/// Whole numbers in the proportions of `capacities`, which are positive and finite; all 1 if they are equal.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn units(capacities: &[f64]) -> Vec<u64> {
    let greatest = capacities.iter().copied().fold(0.0, f64::max);
    if capacities.iter().all(|capacity| capacity.total_cmp(&greatest).is_eq()) {
        return vec![1; capacities.len()];
    }
    // A power of two changes no digit of a float.
    let scale = 2.0_f64.powi(BITS - 1 - exponent(greatest));
    capacities.iter().map(|capacity| ((capacity * scale).round_ties_even() as u64).max(1)).collect()
}

/// The binary exponent e of a positive normal number, 2^e ≤ value < 2^(e+1).
#[allow(clippy::cast_possible_truncation)]
fn exponent(value: f64) -> i32 {
    (value.to_bits() >> 52) as i32 - 1023
}

/// How full a partition is; the order is by load / capacity, then by position.
#[derive(Debug, Clone, Copy)]
pub struct Filled {
    /// Its load.
    pub load: u64,
    /// Its capacity in [`units`].
    pub unit: u64,
    /// Its number.
    pub position: u32,
}

impl Ord for Filled {
    fn cmp(&self, other: &Self) -> Ordering {
        let own = u128::from(self.load) * u128::from(other.unit);
        let others = u128::from(other.load) * u128::from(self.unit);
        own.cmp(&others).then(self.position.cmp(&other.position))
    }
}

impl PartialOrd for Filled {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Filled {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Filled {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_keep_proportions() {
        assert_eq!(units(&[7.5, 7.5]), [1, 1]);
        assert_eq!(units(&[1.0, 2.0, 0.5]), [1 << 60, 1 << 61, 1 << 59]);
        let thirds = units(&[0.1, 0.3]);
        // 0.3 is not three times 0.1 as floats, and is not made so.
        assert_eq!(thirds[1].abs_diff(3 * thirds[0]), 1 << 8);
        assert!(units(&[1e100, 1e-100]).iter().all(|unit| (1..1 << 62).contains(unit)));
        assert!(units(&[]).is_empty());
    }

    #[test]
    fn the_order_is_by_quotient_then_by_position() {
        let of = |load, unit, position| Filled { load, unit, position };
        assert!(of(1, 2, 9) < of(1, 1, 0));
        assert!(of(2, 2, 0) < of(1, 1, 1));
        assert!(of(u64::MAX, 1 << 61, 0) < of(u64::MAX, (1 << 61) - 1, 0));
    }
}
