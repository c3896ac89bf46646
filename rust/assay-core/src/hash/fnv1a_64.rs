//! FNV-1a with 64 bits: a byte at a time, in ten lines of any language.
//!
//! Idea: xor a byte in, multiply by a prime. Cost: about 1 ns a byte, and 2 ns a number of a column, side by side. Choose it
//! to agree with a program that uses it; its upper bits barely move between keys that share a beginning, so that
//! rings and filters do worse with it. Source: Fowler, Noll, Vo, "FNV Hash"; RFC 9923.

use crate::catalogue::Contender;
use crate::hash::HashKey;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "hash",
    name: "fnv1a_64",
    version: 1,
    idea: "Xors a byte in and multiplies by a prime, byte by byte.",
    cost: "about 1 ns per byte",
    choose_when: "a program that uses it must be matched; its upper bits mix badly",
    source: "Fowler, Noll, Vo, FNV Hash; RFC 9923",
    parameters: &[],
    abilities: &["64_bits"],
};

const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// FNV-1a; it takes no seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fnv1a64;

#[inline(always)]
fn absorb(hash: u64, byte: u64) -> u64 {
    (hash ^ byte).wrapping_mul(PRIME)
}

#[inline(always)]
fn absorb_word(hash: u64, word: u64) -> u64 {
    (0..8).fold(hash, |hash, byte| absorb(hash, word >> (8 * byte) & 0xff))
}

#[inline(always)]
fn from_state(state: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(state, |hash, byte| absorb(hash, u64::from(*byte)))
}

impl HashKey for Fnv1a64 {
    type Value = u64;

    #[inline(always)]
    fn word(&self, word: u64) -> u64 {
        absorb_word(OFFSET_BASIS, word)
    }

    #[inline(always)]
    fn pair(&self, words: [u64; 2]) -> u64 {
        absorb_word(absorb_word(OFFSET_BASIS, words[0]), words[1])
    }

    #[inline]
    fn bytes(&self, bytes: &[u8]) -> u64 {
        from_state(OFFSET_BASIS, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::verification::code;

    /// RFC 9923, section 8.
    #[test]
    fn published_vectors_match() {
        assert_eq!(Fnv1a64.bytes(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(Fnv1a64.bytes(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(Fnv1a64.bytes(b"foobar"), 0x8594_4171_f739_67e8);
    }

    /// There the seed is xored into the offset basis.
    #[test]
    fn the_verification_code_of_smhasher3_holds() {
        assert_eq!(code(|seed, key| from_state(OFFSET_BASIS ^ seed, key).to_le_bytes()), 0x1034_55fc);
    }
}
