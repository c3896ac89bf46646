//! XXH3 with 64 bits: the default hash of assay.
//!
//! Idea: multiply-fold of input words with a secret, by length class. Cost: 1 to 4 ns a short key,
//! memory speed for long ones. Choose it unless another system's hash must be matched.
//! Source: xxHash specification, `doc/xxhash_spec.md`, "XXH3" (Yann Collet).

use crate::catalogue::Contender;
use crate::hash::HashKey;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "hash",
    name: "xxh3_64",
    version: 1,
    idea: "Multiply-folds input words with a secret, by length class.",
    cost: "1 to 4 ns per short key; memory speed for long ones",
    choose_when: "no other system's hash must be matched",
    source: "xxHash specification, XXH3 (Yann Collet)",
    parameters: &[],
    abilities: &["64_bits", "seed"],
};

/// XXH3_64 with a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Xxh3_64 {
    seed: u64,
    bitflip: u64,
}

/// Bytes 8..16 and 16..24 of the default secret, which inputs of 4 to 8 bytes use.
const SECRET_8: u64 = 0x1cad_21f7_2c81_017c;
const SECRET_16: u64 = 0xdb97_9083_e96d_d4de;

impl Xxh3_64 {
    /// The function with this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        #[allow(clippy::cast_possible_truncation)]
        let swapped = u64::from((seed as u32).swap_bytes()) << 32;
        Self { seed, bitflip: (SECRET_8 ^ SECRET_16).wrapping_sub(seed ^ swapped) }
    }
}

impl HashKey for Xxh3_64 {
    /// The length class of 4 to 8 bytes, for exactly 8.
    #[inline]
    fn word(&self, word: u64) -> u64 {
        const PRIME: u64 = 0x9fb2_1c65_1e98_df25;
        let mut hash = word.rotate_left(32) ^ self.bitflip;
        hash ^= hash.rotate_left(49) ^ hash.rotate_left(24);
        hash = hash.wrapping_mul(PRIME);
        hash ^= (hash >> 35).wrapping_add(8);
        hash = hash.wrapping_mul(PRIME);
        hash ^ (hash >> 28)
    }

    #[inline]
    fn bytes(&self, bytes: &[u8]) -> u64 {
        twox_hash::XxHash3_64::oneshot_with_seed(self.seed, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the reference implementation (xxHash 0.8, by way of its Python binding).
    #[test]
    fn published_vectors_match() {
        assert_eq!(Xxh3_64::new(0).bytes(b""), 0x2d06_8005_38d3_94c2);
        assert_eq!(Xxh3_64::new(0).bytes(b"a"), 0xe6c6_32b6_1e96_4e1f);
        assert_eq!(Xxh3_64::new(0).bytes(b"abc"), 0x78af_5f94_892f_3950);
    }
}
