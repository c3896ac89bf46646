//! XXH64: the hash of Parquet's Bloom filters.
//!
//! Idea: four lanes of multiply and rotate. Cost: 1 to 5 ns a short key. Choose it where a format
//! asks for it. Source: xxHash specification, `doc/xxhash_spec.md`, "XXH64" (Yann Collet).

use crate::catalogue::Contender;
use crate::hash::HashKey;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "hash",
    name: "xxh64",
    version: 1,
    idea: "Four lanes of multiply and rotate.",
    cost: "1 to 5 ns per short key",
    choose_when: "a format asks for it, as Parquet's Bloom filters do",
    source: "xxHash specification, XXH64 (Yann Collet)",
    parameters: &[],
    abilities: &["64_bits", "seed"],
};

const PRIME_1: u64 = 0x9e37_79b1_85eb_ca87;
const PRIME_2: u64 = 0xc2b2_ae3d_27d4_eb4f;
const PRIME_3: u64 = 0x1656_67b1_9e37_79f9;
const PRIME_4: u64 = 0x85eb_ca77_c2b2_ae63;
const PRIME_5: u64 = 0x27d4_eb2f_1656_67c5;

/// XXH64 with a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Xxh64 {
    seed: u64,
}

impl Xxh64 {
    /// The function with this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The hash of four bytes, given as the little-endian integer that they spell.
    #[inline]
    #[must_use]
    pub fn half_word(&self, word: u32) -> u64 {
        let start = self.seed.wrapping_add(PRIME_5).wrapping_add(4);
        let mixed = start ^ u64::from(word).wrapping_mul(PRIME_1);
        finish(mixed.rotate_left(23).wrapping_mul(PRIME_2).wrapping_add(PRIME_3))
    }
}

#[inline]
fn finish(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(PRIME_2);
    hash = (hash ^ (hash >> 29)).wrapping_mul(PRIME_3);
    hash ^ (hash >> 32)
}

impl HashKey for Xxh64 {
    #[inline]
    fn word(&self, word: u64) -> u64 {
        let round = word.wrapping_mul(PRIME_2).rotate_left(31).wrapping_mul(PRIME_1);
        let mut hash = self.seed.wrapping_add(PRIME_5).wrapping_add(8) ^ round;
        hash = hash.rotate_left(27).wrapping_mul(PRIME_1).wrapping_add(PRIME_4);
        finish(hash)
    }

    #[inline]
    fn bytes(&self, bytes: &[u8]) -> u64 {
        twox_hash::XxHash64::oneshot(self.seed, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the reference implementation (xxHash 0.8, by way of its Python binding).
    #[test]
    fn published_vectors_match() {
        assert_eq!(Xxh64::new(0).bytes(b""), 0xef46_db37_51d8_e999);
        assert_eq!(Xxh64::new(0).bytes(b"a"), 0xd24e_c4f1_a98c_6e5b);
        assert_eq!(Xxh64::new(0).bytes(b"abc"), 0x44bc_2cf5_ad77_0999);
    }

    #[test]
    fn a_half_word_hashes_as_its_four_bytes() {
        for seed in [0, 42, u64::MAX] {
            for word in [0, 1, 0xdead_beef, u32::MAX] {
                assert_eq!(Xxh64::new(seed).half_word(word), Xxh64::new(seed).bytes(&word.to_le_bytes()));
            }
        }
    }
}
