//! XXH64: the hash of Parquet's Bloom filters.
//!
//! Idea: four lanes of multiply and rotate. Cost: 1 to 5 ns a short key. Choose it where a format
//! asks for it. Source: xxHash specification, `doc/xxhash_spec.md`, "XXH64" (Yann Collet).

use crate::catalogue::Contender;
use crate::hash::HashKey;
use crate::hash::read::{half, word};

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

#[inline(always)]
fn finish(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(PRIME_2);
    hash = (hash ^ (hash >> 29)).wrapping_mul(PRIME_3);
    hash ^ (hash >> 32)
}

/// A word into a lane of its own.
#[inline(always)]
fn round(lane: u64, word: u64) -> u64 {
    lane.wrapping_add(word.wrapping_mul(PRIME_2)).rotate_left(31).wrapping_mul(PRIME_1)
}

/// A word that is left after whole stripes.
#[inline(always)]
fn absorb(hash: u64, word: u64) -> u64 {
    (hash ^ round(0, word)).rotate_left(27).wrapping_mul(PRIME_1).wrapping_add(PRIME_4)
}

/// Stripes of 32 bytes, and the lanes joined.
#[inline(never)]
fn stripes(seed: u64, stripes: &[[u8; 32]]) -> u64 {
    let mut lanes = [
        seed.wrapping_add(PRIME_1).wrapping_add(PRIME_2),
        seed.wrapping_add(PRIME_2),
        seed,
        seed.wrapping_sub(PRIME_1),
    ];
    for stripe in stripes {
        for (index, lane) in lanes.iter_mut().enumerate() {
            *lane = round(*lane, word(stripe, 8 * index));
        }
    }
    let joined =
        [1, 7, 12, 18].iter().zip(lanes).fold(0_u64, |sum, (by, lane)| sum.wrapping_add(lane.rotate_left(*by)));
    lanes.iter().fold(joined, |hash, lane| (hash ^ round(0, *lane)).wrapping_mul(PRIME_1).wrapping_add(PRIME_4))
}

impl HashKey for Xxh64 {
    type Value = u64;

    #[inline(always)]
    fn word(&self, word: u64) -> u64 {
        finish(absorb(self.seed.wrapping_add(PRIME_5).wrapping_add(8), word))
    }

    #[inline(always)]
    fn pair(&self, words: [u64; 2]) -> u64 {
        finish(absorb(absorb(self.seed.wrapping_add(PRIME_5).wrapping_add(16), words[0]), words[1]))
    }

    #[inline(always)]
    fn bytes(&self, bytes: &[u8]) -> u64 {
        let (whole, rest) = bytes.as_chunks::<32>();
        let start = if whole.is_empty() { self.seed.wrapping_add(PRIME_5) } else { stripes(self.seed, whole) };
        let (words, rest) = rest.as_chunks::<8>();
        let start = start.wrapping_add(bytes.len() as u64);
        let mut hash = words.iter().fold(start, |hash, bytes| absorb(hash, word(bytes, 0)));
        let (halves, rest) = rest.as_chunks::<4>();
        for bytes in halves {
            let mixed = hash ^ u64::from(half(bytes, 0)).wrapping_mul(PRIME_1);
            hash = mixed.rotate_left(23).wrapping_mul(PRIME_2).wrapping_add(PRIME_3);
        }
        for byte in rest {
            hash = (hash ^ u64::from(*byte).wrapping_mul(PRIME_5)).rotate_left(11).wrapping_mul(PRIME_1);
        }
        finish(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::verification::{code, samples};

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

    /// SMHasher (rurban's fork) writes hashes little-endian, SMHasher3 in the canonical big-endian form.
    #[test]
    fn the_verification_codes_of_smhasher_hold() {
        assert_eq!(code(|seed, key| Xxh64::new(seed).bytes(key).to_le_bytes()), 0x024b_7cf4);
        assert_eq!(code(|seed, key| Xxh64::new(seed).bytes(key).to_be_bytes()), 0x8f82_24c4);
    }

    #[test]
    fn every_length_hashes_as_twox_hash_has_it() {
        for (seed, key) in samples(150) {
            assert_eq!(Xxh64::new(seed).bytes(&key), twox_hash::XxHash64::oneshot(seed, &key), "{key:?}");
        }
    }
}
