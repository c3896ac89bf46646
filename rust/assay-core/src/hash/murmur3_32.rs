//! Murmur3 x86 with 32 bits: the hash of Iceberg's bucket transform.
//!
//! Idea: multiply, rotate, add per 4 bytes, then a finaliser. Cost: 2 to 6 ns a short key. Choose
//! it to agree with Iceberg. Integers of all widths are hashed as 8 bytes, as Iceberg does; other
//! types by their canonical bytes (a decimal therefore differs from Iceberg's).
//! Source: Austin Appleby, MurmurHash3; Iceberg specification, appendix B.

use crate::catalogue::Contender;
use crate::hash::HashKey;
use crate::hash::read::tail;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "hash",
    name: "murmur3_32",
    version: 1,
    idea: "Multiply, rotate and add per 4 bytes, then a finaliser.",
    cost: "2 to 6 ns per short key; 32 bits collide from about 65,000 keys on",
    choose_when: "buckets must agree with Iceberg's",
    source: "Austin Appleby, MurmurHash3; Iceberg specification, appendix B",
    parameters: &[],
    abilities: &["32_bits", "seed"],
};

/// Murmur3_32 with a seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Murmur3_32 {
    seed: u32,
}

impl Murmur3_32 {
    /// The function with this seed.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        Self { seed }
    }
}

#[inline(always)]
fn scramble(word: u32) -> u32 {
    word.wrapping_mul(0xcc9e_2d51).rotate_left(15).wrapping_mul(0x1b87_3593)
}

/// One word more.
#[inline(always)]
pub(crate) fn mix(hash: u32, word: u32) -> u32 {
    (hash ^ scramble(word)).rotate_left(13).wrapping_mul(5).wrapping_add(0xe654_6b64)
}

/// The finaliser.
#[inline(always)]
pub(crate) fn finish(mut hash: u32) -> u32 {
    hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
    hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
    hash ^ (hash >> 16)
}

impl HashKey for Murmur3_32 {
    type Value = u64;

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn word(&self, word: u64) -> u64 {
        let hash = mix(mix(self.seed, word as u32), (word >> 32) as u32);
        u64::from(finish(hash ^ 8))
    }

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn pair(&self, words: [u64; 2]) -> u64 {
        let hash = words.iter().fold(self.seed, |hash, word| mix(mix(hash, *word as u32), (*word >> 32) as u32));
        u64::from(finish(hash ^ 16))
    }

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn bytes(&self, bytes: &[u8]) -> u64 {
        let (words, rest) = bytes.as_chunks::<4>();
        let hash = words.iter().fold(self.seed, |hash, word| mix(hash, u32::from_le_bytes(*word)));
        // No bytes left are a word of zeros, which changes nothing.
        let hash = hash ^ scramble(tail(rest) as u32);
        // The length enters as 32 bits, as the reference has it.
        u64::from(finish(hash ^ bytes.len() as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::verification::code;

    #[test]
    fn iceberg_vectors_match() {
        let hash = Murmur3_32::new(0);
        assert_eq!(hash.word(34), 2_017_239_379);
        assert_eq!((hash.word(34) & 0x7fff_ffff) % 100, 79);
        assert_eq!(hash.bytes(b"iceberg"), 1_210_000_089);
        // A date, 2017-11-16, is its days; a signed result is its 32 bits.
        assert_eq!(hash.word(17_486), u64::from((-653_330_422_i32).cast_unsigned()));
        assert_eq!(hash.bytes(&[0, 1, 2, 3]), u64::from((-188_683_207_i32).cast_unsigned()));
        let uuid = 0xf79c_3e09_677c_4bbd_a479_3f34_9cb7_85e7_u128.to_be_bytes();
        assert_eq!(hash.bytes(&uuid), 1_488_055_340);
    }

    #[test]
    fn tails_of_one_to_three_bytes_match_the_reference() {
        assert_eq!(Murmur3_32::new(0).bytes(b""), 0);
        assert_eq!(Murmur3_32::new(0x9747_b28c).bytes(b"a"), 0x7fa0_9ea6);
        assert_eq!(Murmur3_32::new(0x9747_b28c).bytes(b"aa"), 0x5d21_1726);
        assert_eq!(Murmur3_32::new(0x9747_b28c).bytes(b"aaa"), 0x283e_0130);
        assert_eq!(Murmur3_32::new(0x9747_b28c).bytes(b"Hello, world!"), 0x2488_4cba);
    }

    #[test]
    #[allow(clippy::cast_possible_truncation)]
    fn the_verification_code_of_smhasher3_holds() {
        assert_eq!(code(|seed, key| (Murmur3_32::new(seed as u32).bytes(key) as u32).to_le_bytes()), 0xb0f5_7ee3);
    }
}
