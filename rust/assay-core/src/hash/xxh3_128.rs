//! XXH3 with 128 bits: for keys so many that 64 bits would collide.
//!
//! Idea: as `xxh3_64`, with two sums. Cost: 1 to 4 ns a short key, memory speed for long ones; 16 bytes a key.
//! Choose it where two different keys must not share a hash: 64 bits collide from about four thousand million keys on.
//! The 16 bytes are the canonical form: the upper half big-endian, then the lower, as xxhsum prints them.
//! Source: xxHash specification, `doc/xxhash_spec.md`, "XXH3" (Yann Collet).

use crate::catalogue::Contender;
use crate::hash::HashKey;
use crate::hash::read::{half, product, word};
use crate::hash::xxh3::{self, avalanche, avalanche_64, mix_16, secret, secret_half};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "hash",
    name: "xxh3_128",
    version: 1,
    idea: "XXH3 with two sums: 16 bytes, in the canonical (big-endian) form.",
    cost: "1 to 4 ns per short key; memory speed for long ones; 16 bytes per key",
    choose_when: "64 bits would collide: from about 4,000 million keys on",
    source: "xxHash specification, XXH3 (Yann Collet)",
    parameters: &[],
    abilities: &["128_bits", "seed"],
};

/// XXH3_128 with a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Xxh3_128 {
    seed: u64,
}

/// The lower and the upper half.
type Halves = (u64, u64);

/// The canonical form.
#[inline(always)]
fn canonical((low, high): Halves) -> [u8; 16] {
    (u128::from(high) << 64 | u128::from(low)).to_be_bytes()
}

impl Xxh3_128 {
    /// The function with this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// The class of 4 to 8 bytes: the first four below the last four.
    #[inline(always)]
    fn up_to_8(&self, input: u64, length: usize) -> Halves {
        let keyed = input ^ const { secret(16) ^ secret(24) }.wrapping_add(xxh3::spread(self.seed));
        let (mut low, mut high) = product(keyed, xxh3::PRIME_64_1.wrapping_add((length as u64) << 2));
        high = high.wrapping_add(low << 1);
        low ^= high >> 3;
        low = (low ^ (low >> 35)).wrapping_mul(xxh3::PRIME_MX2);
        (low ^ (low >> 28), avalanche(high))
    }

    /// The class of 9 to 16 bytes: the first and the last eight.
    #[inline(always)]
    fn up_to_16(&self, first: u64, last: u64, length: usize) -> Halves {
        let flip_low = const { secret(32) ^ secret(40) }.wrapping_sub(self.seed);
        let flip_high = const { secret(48) ^ secret(56) }.wrapping_add(self.seed);
        let (mut low, mut high) = product(first ^ last ^ flip_low, xxh3::PRIME_64_1);
        low = low.wrapping_add((length as u64 - 1) << 54);
        let last = last ^ flip_high;
        high = high.wrapping_add(last).wrapping_add((last & 0xffff_ffff).wrapping_mul(xxh3::PRIME_32_2 - 1));
        low ^= high.swap_bytes();
        let (below, above) = product(low, xxh3::PRIME_64_2);
        (avalanche(below), avalanche(above.wrapping_add(high.wrapping_mul(xxh3::PRIME_64_2))))
    }

    /// Sixteen bytes into each sum, and each sixteen into the other.
    #[inline(always)]
    fn mix(&self, (low, high): Halves, bytes: &[u8], [one, other]: [usize; 2], at: usize, seed: u64) -> Halves {
        let sum = |from| word(bytes, from).wrapping_add(word(bytes, from + 8));
        (
            low.wrapping_add(mix_16(bytes, one, at, seed)) ^ sum(other),
            high.wrapping_add(mix_16(bytes, other, at + 16, seed)) ^ sum(one),
        )
    }

    #[inline(always)]
    fn finish(&self, (low, high): Halves, length: usize) -> Halves {
        let upper = low
            .wrapping_mul(xxh3::PRIME_64_1)
            .wrapping_add(high.wrapping_mul(xxh3::PRIME_64_4))
            .wrapping_add((length as u64).wrapping_sub(self.seed).wrapping_mul(xxh3::PRIME_64_2));
        (avalanche(low.wrapping_add(high)), avalanche(upper).wrapping_neg())
    }

    /// The class of 17 to 128 bytes: from the middle outwards.
    #[inline(never)]
    fn up_to_128(&self, bytes: &[u8]) -> Halves {
        let length = bytes.len();
        let pairs = (length - 1) / 32;
        let start = ((length as u64).wrapping_mul(xxh3::PRIME_64_1), 0);
        let sums = (0..=pairs).rev().fold(start, |sums, pair| {
            self.mix(sums, bytes, [16 * pair, length - 16 * (pair + 1)], 32 * pair, self.seed)
        });
        self.finish(sums, length)
    }

    /// The class of 129 to 240 bytes: 32 at a time.
    #[inline(never)]
    fn up_to_240(&self, bytes: &[u8]) -> Halves {
        let length = bytes.len();
        let step = |sums, index: usize, at| self.mix(sums, bytes, [32 * index, 32 * index + 16], at, self.seed);
        let start = ((length as u64).wrapping_mul(xxh3::PRIME_64_1), 0);
        let (low, high) = (0..4).fold(start, |sums, index| step(sums, index, 32 * index));
        let sums = (4..length / 32).fold((avalanche(low), avalanche(high)), |sums, index| {
            step(sums, index, 32 * (index - 4) + xxh3::MIDDLE_START)
        });
        let last = [length - 16, length - 32];
        self.finish(self.mix(sums, bytes, last, xxh3::MIDDLE_LAST - 16, self.seed.wrapping_neg()), length)
    }

    #[inline(never)]
    fn long(&self, bytes: &[u8]) -> [u8; 16] {
        twox_hash::XxHash3_128::oneshot_with_seed(self.seed, bytes).to_be_bytes()
    }
}

impl HashKey for Xxh3_128 {
    type Value = [u8; 16];

    #[inline(always)]
    fn word(&self, word: u64) -> [u8; 16] {
        canonical(self.up_to_8(word, 8))
    }

    #[inline(always)]
    fn pair(&self, words: [u64; 2]) -> [u8; 16] {
        canonical(self.up_to_16(words[0], words[1], 16))
    }

    #[inline(always)]
    fn bytes(&self, bytes: &[u8]) -> [u8; 16] {
        canonical(match bytes.len() {
            9..=16 => self.up_to_16(word(bytes, 0), word(bytes, bytes.len() - 8), bytes.len()),
            4..=8 => {
                let (first, last) = (half(bytes, 0), half(bytes, bytes.len() - 4));
                self.up_to_8(u64::from(last) << 32 | u64::from(first), bytes.len())
            }
            1..=3 => {
                let low = xxh3::few(bytes);
                let high = low.swap_bytes().rotate_left(13);
                let flip_low = const { secret_half(0) ^ secret_half(4) }.wrapping_add(self.seed);
                let flip_high = const { secret_half(8) ^ secret_half(12) }.wrapping_sub(self.seed);
                (avalanche_64(u64::from(low) ^ flip_low), avalanche_64(u64::from(high) ^ flip_high))
            }
            0 => (
                avalanche_64(self.seed ^ const { secret(64) ^ secret(72) }),
                avalanche_64(self.seed ^ const { secret(80) ^ secret(88) }),
            ),
            17..=128 => self.up_to_128(bytes),
            129..=xxh3::MIDDLE_HIGH => self.up_to_240(bytes),
            _ => return self.long(bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::verification::{code, samples};

    /// Values of the reference implementation (xxHash 0.8, by way of its Python binding).
    #[test]
    fn published_vectors_match() {
        let of = |key: &[u8]| u128::from_be_bytes(Xxh3_128::new(0).bytes(key));
        assert_eq!(of(b""), 0x99aa_06d3_0147_98d8_6001_c324_468d_497f);
        assert_eq!(of(b"a"), 0xa96f_af70_5af1_6834_e6c6_32b6_1e96_4e1f);
        assert_eq!(of(b"abc"), 0x06b0_5ab6_733a_6185_78af_5f94_892f_3950);
    }

    /// SMHasher3 writes hashes in the canonical, big-endian form. (The code of its ancestors is that of XXH3 before 0.8.)
    #[test]
    fn the_verification_code_of_smhasher3_holds() {
        assert_eq!(code(|seed, key| Xxh3_128::new(seed).bytes(key)), 0x288d_aa94);
    }

    #[test]
    fn every_length_hashes_as_twox_hash_has_it() {
        for (seed, key) in samples(600) {
            let expected = twox_hash::XxHash3_128::oneshot_with_seed(seed, &key).to_be_bytes();
            assert_eq!(Xxh3_128::new(seed).bytes(&key), expected, "{key:?}");
        }
    }
}
