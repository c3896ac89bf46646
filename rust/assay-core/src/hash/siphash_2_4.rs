//! SipHash-2-4: a keyed hash that nobody without the key can make collide.
//!
//! Idea: four words of state, two rounds of add, rotate and xor per 8 bytes, four at the end. Cost: 2 to 4 ns a
//! number of a column, 10 to 20 ns a short text, about 1 ns a byte beyond. Choose it where others choose the keys and must not
//! choose the partition: keep the seed secret. Its key of 128 bits is the seed as k0, with k1 = 0, as
//! SMHasher3 and much else does. Source: Aumasson and Bernstein 2012, "SipHash: a fast short-input PRF".

use crate::catalogue::Contender;
use crate::hash::HashKey;
use crate::hash::read::{tail, word};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "hash",
    name: "siphash_2_4",
    version: 1,
    idea: "Keyed: two rounds of add, rotate and xor per 8 bytes, four at the end; the key is k0 = seed, k1 = 0.",
    cost: "2 to 4 ns per number of a column, 10 to 20 ns per short text",
    choose_when: "whoever chooses the keys must not be able to make them collide; keep the seed secret",
    source: "Aumasson and Bernstein 2012, SipHash: a fast short-input PRF",
    parameters: &[],
    abilities: &["64_bits", "seed"],
};

/// SipHash-2-4 with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SipHash24 {
    start: [u64; 4],
}

#[inline(always)]
fn round([mut a, mut b, mut c, mut d]: [u64; 4]) -> [u64; 4] {
    a = a.wrapping_add(b);
    c = c.wrapping_add(d);
    b = b.rotate_left(13) ^ a;
    d = d.rotate_left(16) ^ c;
    a = a.rotate_left(32).wrapping_add(d);
    c = c.wrapping_add(b);
    d = d.rotate_left(21) ^ a;
    b = b.rotate_left(17) ^ c;
    [a, b, c.rotate_left(32), d]
}

/// Eight bytes more.
#[inline(always)]
fn absorb([a, b, c, d]: [u64; 4], word: u64) -> [u64; 4] {
    let [a, b, c, d] = round(round([a, b, c, d ^ word]));
    [a ^ word, b, c, d]
}

#[inline(always)]
fn finish([a, b, c, d]: [u64; 4]) -> u64 {
    let [a, b, c, d] = round(round(round(round([a, b, c ^ 0xff, d]))));
    a ^ b ^ c ^ d
}

impl SipHash24 {
    /// The function with the key k0 = `seed`, k1 = 0.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::with_key(seed, 0)
    }

    /// The function with a key of 128 bits.
    #[must_use]
    pub fn with_key(k0: u64, k1: u64) -> Self {
        // "somepseudorandomlygeneratedbytes", big-endian.
        let start = [0x736f_6d65_7073_6575, 0x646f_7261_6e64_6f6d, 0x6c79_6765_6e65_7261, 0x7465_6462_7974_6573];
        Self { start: [start[0] ^ k0, start[1] ^ k1, start[2] ^ k0, start[3] ^ k1] }
    }
}

impl HashKey for SipHash24 {
    type Value = u64;

    #[inline(always)]
    fn word(&self, word: u64) -> u64 {
        finish(absorb(absorb(self.start, word), 8 << 56))
    }

    #[inline(always)]
    fn pair(&self, words: [u64; 2]) -> u64 {
        finish(absorb(absorb(absorb(self.start, words[0]), words[1]), 16 << 56))
    }

    #[inline]
    fn bytes(&self, bytes: &[u8]) -> u64 {
        let (words, rest) = bytes.as_chunks::<8>();
        let state = words.iter().fold(self.start, |state, bytes| absorb(state, word(bytes, 0)));
        // The length enters by its lowest byte, above what is left.
        finish(absorb(state, (bytes.len() as u64) << 56 | tail(rest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::verification::{code, samples};
    use std::hash::Hasher;

    #[test]
    fn the_example_of_the_paper_matches() {
        // Appendix A: the key 00 01 ... 0f, the message 00 01 ... 0e.
        let hasher = SipHash24::with_key(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908);
        let message: Vec<u8> = (0..15).collect();
        assert_eq!(hasher.bytes(&message), 0xa129_ca61_49be_45e5);
    }

    #[test]
    fn the_verification_code_of_smhasher3_holds() {
        assert_eq!(code(|seed, key| SipHash24::new(seed).bytes(key).to_le_bytes()), 0x57b6_61ed);
    }

    #[test]
    fn every_length_hashes_as_the_crate_siphasher_has_it() {
        for (seed, key) in samples(100) {
            let mut oracle = siphasher::sip::SipHasher24::new_with_keys(seed, 0);
            oracle.write(&key);
            assert_eq!(SipHash24::new(seed).bytes(&key), oracle.finish(), "{key:?}");
        }
    }
}
