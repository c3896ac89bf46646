//! Murmur3 x64 with 128 bits: the hash of many a sketch and store.
//!
//! Idea: two lanes of multiply, rotate and add per 16 bytes, then a finaliser each. Cost: 2 to 8 ns a short key; 16
//! bytes a key. Choose it to agree with a program that uses it (`mmh3.hash_bytes`, Guava's `murmur3_128`); `xxh3_128`
//! is faster. The 16 bytes are those of the reference: both halves little-endian, the first first. Its seed has 32 bits.
//! Source: Austin Appleby, MurmurHash3, `MurmurHash3_x64_128`.

use crate::catalogue::Contender;
use crate::hash::HashKey;
use crate::hash::read::{tail, word};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "hash",
    name: "murmur3_128",
    version: 1,
    idea: "Murmur3 x64: two lanes of multiply, rotate and add per 16 bytes; both halves little-endian.",
    cost: "2 to 8 ns per short key; 16 bytes per key",
    choose_when: "a program that uses it must be matched, as mmh3 and Guava do",
    source: "Austin Appleby, MurmurHash3",
    parameters: &[],
    abilities: &["128_bits", "seed"],
};

const C1: u64 = 0x87c3_7b91_1142_53d5;
const C2: u64 = 0x4cf5_ad43_2745_937f;

/// The two lanes.
pub(super) type State = [u64; 2];

#[inline(always)]
fn first(word: u64) -> u64 {
    word.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2)
}

#[inline(always)]
fn second(word: u64) -> u64 {
    word.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1)
}

#[inline(always)]
fn mix(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// Sixteen bytes more, as two words.
#[inline(always)]
pub(super) fn absorb([h1, h2]: State, [k1, k2]: [u64; 2]) -> State {
    let h1 = (h1 ^ first(k1)).rotate_left(27).wrapping_add(h2).wrapping_mul(5).wrapping_add(0x52dc_e729);
    let h2 = (h2 ^ second(k2)).rotate_left(31).wrapping_add(h1).wrapping_mul(5).wrapping_add(0x3849_5ab5);
    [h1, h2]
}

/// Both halves, after at most 15 bytes more, as two words with zeros above them.
#[inline(always)]
pub(super) fn finish([h1, h2]: State, [k1, k2]: [u64; 2], length: usize) -> State {
    let (h1, h2) = (h1 ^ first(k1) ^ length as u64, h2 ^ second(k2) ^ length as u64);
    let h1 = h1.wrapping_add(h2);
    let (h1, h2) = (mix(h1), mix(h2.wrapping_add(h1)));
    [h1.wrapping_add(h2), h1.wrapping_add(h2).wrapping_add(h2)]
}

/// The halves as the reference writes them on a little-endian machine.
#[inline(always)]
fn written([h1, h2]: State) -> [u8; 16] {
    (u128::from(h2) << 64 | u128::from(h1)).to_le_bytes()
}

/// Murmur3_128 with a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Murmur3_128 {
    start: State,
}

impl Murmur3_128 {
    /// The function with this seed, from which both lanes start.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        Self { start: [u64::from(seed); 2] }
    }
}

impl HashKey for Murmur3_128 {
    type Value = [u8; 16];

    #[inline(always)]
    fn word(&self, word: u64) -> [u8; 16] {
        written(finish(self.start, [word, 0], 8))
    }

    #[inline(always)]
    fn pair(&self, words: [u64; 2]) -> [u8; 16] {
        written(finish(absorb(self.start, words), [0, 0], 16))
    }

    #[inline]
    fn bytes(&self, bytes: &[u8]) -> [u8; 16] {
        let (blocks, rest) = bytes.as_chunks::<16>();
        let state = blocks.iter().fold(self.start, |state, block| absorb(state, [word(block, 0), word(block, 8)]));
        let last = if rest.len() > 8 { [word(rest, 0), tail(&rest[8..])] } else { [up_to_word(rest), 0] };
        written(finish(state, last, bytes.len()))
    }
}

/// At most eight bytes as a word.
#[inline(always)]
fn up_to_word(bytes: &[u8]) -> u64 {
    if bytes.len() == 8 { word(bytes, 0) } else { tail(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::verification::code;

    /// Values of mmh3 5.3 (`hash_bytes`, x64), which wraps the reference.
    #[test]
    fn published_vectors_match() {
        let of = |seed, key: &[u8]| u128::from_be_bytes(Murmur3_128::new(seed).bytes(key));
        assert_eq!(of(0, b""), 0);
        assert_eq!(of(0, b"foo"), 0x6145_f501_5786_71e2_877d_ba2b_e487_af7e);
        let fox = of(42, b"The quick brown fox jumps over the lazy dog");
        assert_eq!(fox, 0xd7d5_0bfe_93cf_0d74_8f5c_70ec_f46c_54c4);
    }

    #[test]
    fn the_verification_code_of_smhasher3_holds() {
        #[allow(clippy::cast_possible_truncation)]
        let seeded = |seed: u64, key: &[u8]| Murmur3_128::new(seed as u32).bytes(key);
        assert_eq!(code(seeded), 0x6384_ba69);
    }
}
