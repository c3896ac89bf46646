//! XXH32: a 32-bit hash for 32-bit formats such as LZ4 frames.
//!
//! Idea: four 32-bit lanes of multiply and rotate. Cost: 2 to 6 ns a short key; 32 bits collide
//! from about 65,000 keys on. Choose it where a format asks for it.
//! Source: xxHash specification, `doc/xxhash_spec.md`, "XXH32" (Yann Collet).

use crate::catalogue::Contender;
use crate::hash::HashKey;
use crate::hash::read::half;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "hash",
    name: "xxh32",
    version: 1,
    idea: "Four 32-bit lanes of multiply and rotate.",
    cost: "2 to 6 ns per short key; 32 bits collide from about 65,000 keys on",
    choose_when: "a 32-bit format asks for it",
    source: "xxHash specification, XXH32 (Yann Collet)",
    parameters: &[],
    abilities: &["32_bits", "seed"],
};

/// XXH32 with a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Xxh32 {
    seed: u32,
}

impl Xxh32 {
    /// The function with this seed.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        Self { seed }
    }
}

const PRIME_1: u32 = 0x9e37_79b1;
const PRIME_2: u32 = 0x85eb_ca77;
const PRIME_3: u32 = 0xc2b2_ae3d;
const PRIME_4: u32 = 0x27d4_eb2f;
const PRIME_5: u32 = 0x1656_67b1;

#[inline(always)]
fn finish(mut hash: u32) -> u32 {
    hash = (hash ^ (hash >> 15)).wrapping_mul(PRIME_2);
    hash = (hash ^ (hash >> 13)).wrapping_mul(PRIME_3);
    hash ^ (hash >> 16)
}

/// A word of four bytes into a lane of its own.
#[inline(always)]
fn round(lane: u32, word: u32) -> u32 {
    lane.wrapping_add(word.wrapping_mul(PRIME_2)).rotate_left(13).wrapping_mul(PRIME_1)
}

/// A word that is left after whole stripes.
#[inline(always)]
fn absorb(hash: u32, word: u32) -> u32 {
    hash.wrapping_add(word.wrapping_mul(PRIME_3)).rotate_left(17).wrapping_mul(PRIME_4)
}

/// Stripes of 16 bytes, and the lanes joined.
#[inline(always)]
fn stripes(seed: u32, stripes: &[[u8; 16]]) -> u32 {
    let mut lanes = [
        seed.wrapping_add(PRIME_1).wrapping_add(PRIME_2),
        seed.wrapping_add(PRIME_2),
        seed,
        seed.wrapping_sub(PRIME_1),
    ];
    for stripe in stripes {
        for (index, lane) in lanes.iter_mut().enumerate() {
            *lane = round(*lane, half(stripe, 4 * index));
        }
    }
    [1, 7, 12, 18].iter().zip(lanes).fold(0_u32, |sum, (by, lane)| sum.wrapping_add(lane.rotate_left(*by)))
}

impl HashKey for Xxh32 {
    type Value = u64;

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn word(&self, word: u64) -> u64 {
        let start = self.seed.wrapping_add(PRIME_5).wrapping_add(8);
        u64::from(finish(absorb(absorb(start, word as u32), (word >> 32) as u32)))
    }

    #[inline(always)]
    fn bytes(&self, bytes: &[u8]) -> u64 {
        let (whole, rest) = bytes.as_chunks::<16>();
        let start = if whole.is_empty() { self.seed.wrapping_add(PRIME_5) } else { stripes(self.seed, whole) };
        let (words, rest) = rest.as_chunks::<4>();
        // The length enters as 32 bits, as the reference has it.
        #[allow(clippy::cast_possible_truncation)]
        let start = start.wrapping_add(bytes.len() as u32);
        let hash = words.iter().fold(start, |hash, bytes| absorb(hash, half(bytes, 0)));
        let hash = rest.iter().fold(hash, |hash, byte| {
            hash.wrapping_add(u32::from(*byte).wrapping_mul(PRIME_5)).rotate_left(11).wrapping_mul(PRIME_1)
        });
        u64::from(finish(hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::verification::{code, samples};

    /// Values of the reference implementation (xxHash 0.8, by way of its Python binding).
    #[test]
    fn published_vectors_match() {
        assert_eq!(Xxh32::new(0).bytes(b""), 0x02cc_5d05);
        assert_eq!(Xxh32::new(0).bytes(b"a"), 0x550d_7456);
        assert_eq!(Xxh32::new(0).bytes(b"abc"), 0x32d1_53ff);
    }

    #[allow(clippy::cast_possible_truncation)]
    fn narrow(seed: u64, key: &[u8]) -> u32 {
        Xxh32::new(seed as u32).bytes(key) as u32
    }

    /// SMHasher (rurban's fork) writes hashes little-endian, SMHasher3 in the canonical big-endian form.
    #[test]
    fn the_verification_codes_of_smhasher_hold() {
        assert_eq!(code(|seed, key| narrow(seed, key).to_le_bytes()), 0xba88_b743);
        assert_eq!(code(|seed, key| narrow(seed, key).to_be_bytes()), 0x6fd7_8385);
    }

    #[test]
    #[allow(clippy::cast_possible_truncation)]
    fn every_length_hashes_as_twox_hash_has_it() {
        for (seed, key) in samples(150) {
            assert_eq!(narrow(seed, &key), twox_hash::XxHash32::oneshot(seed as u32, &key), "{key:?}");
        }
    }
}
