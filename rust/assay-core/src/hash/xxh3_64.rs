//! XXH3 with 64 bits: the default hash of assay.
//!
//! Idea: multiply-fold of input words with a secret, by length class. Cost: below 1 ns a number of a column, 1 to
//! 3 ns a short text, memory speed for long ones. Choose it unless another system's hash must be matched.
//! Source: xxHash specification, `doc/xxhash_spec.md`, "XXH3" (Yann Collet).

use crate::catalogue::Contender;
use crate::hash::HashKey;
use crate::hash::read::{fold, half, word};
use crate::hash::xxh3::{self, avalanche, avalanche_64, mix_16, secret, secret_half};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "hash",
    name: "xxh3_64",
    version: 1,
    idea: "Multiply-folds input words with a secret, by length class.",
    cost: "below 1 ns per number of a column, 1 to 3 ns per short text; memory speed for long ones",
    choose_when: "no other system's hash must be matched",
    source: "xxHash specification, XXH3 (Yann Collet)",
    parameters: &[],
    abilities: &["64_bits", "seed"],
};

/// XXH3_64 with a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Xxh3_64 {
    seed: u64,
    /// What inputs of 4 to 8 bytes are changed by.
    bitflip: u64,
    /// What the first and the last 8 bytes of inputs of 9 to 16 bytes are changed by.
    bitflips: [u64; 2],
}

impl Xxh3_64 {
    /// The function with this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            bitflip: const { secret(8) ^ secret(16) }.wrapping_sub(xxh3::spread(seed)),
            bitflips: [
                const { secret(24) ^ secret(32) }.wrapping_add(seed),
                const { secret(40) ^ secret(48) }.wrapping_sub(seed),
            ],
        }
    }

    /// The class of 4 to 8 bytes: the last four below the first four.
    #[inline(always)]
    fn up_to_8(&self, input: u64, length: usize) -> u64 {
        let mut hash = input ^ self.bitflip;
        hash ^= hash.rotate_left(49) ^ hash.rotate_left(24);
        hash = hash.wrapping_mul(xxh3::PRIME_MX2);
        hash ^= (hash >> 35).wrapping_add(length as u64);
        hash = hash.wrapping_mul(xxh3::PRIME_MX2);
        hash ^ (hash >> 28)
    }

    /// The class of 9 to 16 bytes: the first and the last eight.
    #[inline(always)]
    fn up_to_16(&self, first: u64, last: u64, length: usize) -> u64 {
        let (low, high) = (first ^ self.bitflips[0], last ^ self.bitflips[1]);
        avalanche((length as u64).wrapping_add(low.swap_bytes()).wrapping_add(high).wrapping_add(fold(low, high)))
    }

    /// The class of 17 to 128 bytes: from both ends inwards.
    #[inline(always)]
    fn up_to_128(&self, bytes: &[u8]) -> u64 {
        let length = bytes.len();
        let mix = |from, at| mix_16(bytes, from, at, self.seed);
        let mut sum = (length as u64).wrapping_mul(xxh3::PRIME_64_1);
        sum = sum.wrapping_add(mix(0, 0)).wrapping_add(mix(length - 16, 16));
        if length > 32 {
            sum = sum.wrapping_add(mix(16, 32)).wrapping_add(mix(length - 32, 48));
            if length > 64 {
                sum = sum.wrapping_add(mix(32, 64)).wrapping_add(mix(length - 48, 80));
                if length > 96 {
                    sum = sum.wrapping_add(mix(48, 96)).wrapping_add(mix(length - 64, 112));
                }
            }
        }
        avalanche(sum)
    }

    /// The class of 129 to 240 bytes: sixteen at a time.
    #[inline(never)]
    fn up_to_240(&self, bytes: &[u8]) -> u64 {
        let length = bytes.len();
        let mix = |from, at| mix_16(bytes, from, at, self.seed);
        let start = (length as u64).wrapping_mul(xxh3::PRIME_64_1);
        let sum = avalanche((0..8).fold(start, |sum, index| sum.wrapping_add(mix(16 * index, 16 * index))));
        let sum = (8..length / 16)
            .fold(sum, |sum, index| sum.wrapping_add(mix(16 * index, 16 * (index - 8) + xxh3::MIDDLE_START)));
        avalanche(sum.wrapping_add(mix(length - 16, xxh3::MIDDLE_LAST)))
    }

    #[inline(never)]
    fn long(&self, bytes: &[u8]) -> u64 {
        twox_hash::XxHash3_64::oneshot_with_seed(self.seed, bytes)
    }
}

impl HashKey for Xxh3_64 {
    type Value = u64;

    #[inline(always)]
    fn word(&self, word: u64) -> u64 {
        self.up_to_8(word.rotate_left(32), 8)
    }

    #[inline(always)]
    fn pair(&self, words: [u64; 2]) -> u64 {
        self.up_to_16(words[0], words[1], 16)
    }

    #[inline(always)]
    fn bytes(&self, bytes: &[u8]) -> u64 {
        match bytes.len() {
            9..=16 => self.up_to_16(word(bytes, 0), word(bytes, bytes.len() - 8), bytes.len()),
            4..=8 => {
                let (first, last) = (half(bytes, 0), half(bytes, bytes.len() - 4));
                self.up_to_8(u64::from(first) << 32 | u64::from(last), bytes.len())
            }
            1..=3 => {
                let bitflip = const { secret_half(0) ^ secret_half(4) }.wrapping_add(self.seed);
                avalanche_64(u64::from(xxh3::few(bytes)) ^ bitflip)
            }
            0 => avalanche_64(self.seed ^ const { secret(56) ^ secret(64) }),
            17..=128 => self.up_to_128(bytes),
            129..=xxh3::MIDDLE_HIGH => self.up_to_240(bytes),
            _ => self.long(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::verification::{code, samples};

    /// Values of the reference implementation (xxHash 0.8, by way of its Python binding).
    #[test]
    fn published_vectors_match() {
        assert_eq!(Xxh3_64::new(0).bytes(b""), 0x2d06_8005_38d3_94c2);
        assert_eq!(Xxh3_64::new(0).bytes(b"a"), 0xe6c6_32b6_1e96_4e1f);
        assert_eq!(Xxh3_64::new(0).bytes(b"abc"), 0x78af_5f94_892f_3950);
    }

    /// SMHasher3 writes hashes in the canonical, big-endian form. (The code of its ancestors is that of XXH3 before 0.8.)
    #[test]
    fn the_verification_code_of_smhasher3_holds() {
        assert_eq!(code(|seed, key| Xxh3_64::new(seed).bytes(key).to_be_bytes()), 0x1aae_e62c);
    }

    #[test]
    fn every_length_hashes_as_twox_hash_has_it() {
        for (seed, key) in samples(600) {
            assert_eq!(Xxh3_64::new(seed).bytes(&key), twox_hash::XxHash3_64::oneshot_with_seed(seed, &key), "{key:?}");
        }
    }
}
