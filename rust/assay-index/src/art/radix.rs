//! Keys as bytes, the most significant first.

use crate::space::{Space, Texts, Words};

/// A space whose keys can be read byte by byte, in the order of keys.
pub trait Radix: Space {
    /// How many bytes a key has.
    fn length(probe: Self::Probe<'_>) -> usize;

    /// One of its bytes.
    fn byte(probe: Self::Probe<'_>, at: usize) -> u8;

    /// How many bytes two keys have in common from the first on.
    fn common(one: Self::Probe<'_>, other: Self::Probe<'_>) -> usize;
}

impl Radix for Words {
    #[inline]
    fn length(_: u64) -> usize {
        8
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn byte(probe: u64, at: usize) -> u8 {
        (probe >> (56 - 8 * at)) as u8
    }

    #[inline]
    fn common(one: u64, other: u64) -> usize {
        ((one ^ other).leading_zeros() / 8) as usize
    }
}

impl Radix for Texts {
    #[inline]
    fn length(probe: &[u8]) -> usize {
        probe.len()
    }

    #[inline]
    fn byte(probe: &[u8], at: usize) -> u8 {
        probe[at]
    }

    #[inline]
    fn common(one: &[u8], other: &[u8]) -> usize {
        let words = one.chunks_exact(8).zip(other.chunks_exact(8)).take_while(|(one, other)| one == other).count();
        let start = words * 8;
        start + one[start..].iter().zip(&other[start..]).take_while(|(one, other)| one == other).count()
    }
}
