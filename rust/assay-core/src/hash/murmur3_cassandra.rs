//! Cassandra's Murmur3 token: the first half of Murmur3 x64 128, with signed tail bytes.
//!
//! Idea: as Murmur3 x64 with 128 bits and seed 0, but each byte beyond the last block of 16 is
//! sign-extended before it is shifted into place, as Java does; the token that Cassandra reserves,
//! the least integer, becomes the greatest. Cost: 3 to 10 ns a short key. Choose it to agree with a
//! Cassandra cluster on text and blobs: the result is the token's bits. Cassandra serialises integers
//! big-endian, so that tokens of integer keys differ from hashes of their canonical bytes.
//! Source: Apache Cassandra, `MurmurHash.hash3_x64_128` and `Murmur3Partitioner`.

use crate::catalogue::Contender;
use crate::hash::HashKey;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "hash",
    name: "murmur3_cassandra",
    version: 1,
    idea: "The first half of Murmur3 x64 128 with signed tail bytes: the bits of Cassandra's token.",
    cost: "3 to 10 ns per short key",
    choose_when: "text or binary keys must agree with Cassandra's tokens",
    source: "Apache Cassandra, MurmurHash.hash3_x64_128 and Murmur3Partitioner",
    parameters: &[],
    abilities: &["64_bits"],
};

/// Cassandra's token function; it takes no seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Murmur3Cassandra;

const C1: u64 = 0x87c3_7b91_1142_53d5;
const C2: u64 = 0x4cf5_ad43_2745_937f;
const BLOCK: usize = 16;

#[inline]
fn first(word: u64) -> u64 {
    word.wrapping_mul(C1).rotate_left(31).wrapping_mul(C2)
}

#[inline]
fn second(word: u64) -> u64 {
    word.wrapping_mul(C2).rotate_left(33).wrapping_mul(C1)
}

#[inline]
fn finish(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// Up to 8 bytes as one word, each sign-extended before it is shifted into place.
#[inline]
#[allow(clippy::cast_sign_loss)]
fn signed_tail(bytes: &[u8]) -> u64 {
    bytes.iter().enumerate().fold(0, |tail, (index, byte)| tail ^ (i64::from(byte.cast_signed()) as u64) << (8 * index))
}

/// The token's bits: Cassandra keeps the least integer for itself, and gives its keys the greatest.
#[inline]
fn token(hash: u64) -> u64 {
    if hash == i64::MIN.cast_unsigned() { i64::MAX.cast_unsigned() } else { hash }
}

impl HashKey for Murmur3Cassandra {
    #[inline]
    fn word(&self, word: u64) -> u64 {
        self.bytes(&word.to_le_bytes())
    }

    fn bytes(&self, bytes: &[u8]) -> u64 {
        let (mut h1, mut h2) = (0_u64, 0_u64);
        let (blocks, tail) = bytes.as_chunks::<BLOCK>();
        for block in blocks {
            let (low, high) = block.split_at(8);
            let [k1, k2] =
                [low, high].map(|half| u64::from_le_bytes(half.try_into().expect("half a block is 8 bytes")));
            h1 = (h1 ^ first(k1)).rotate_left(27).wrapping_add(h2).wrapping_mul(5).wrapping_add(0x52dc_e729);
            h2 = (h2 ^ second(k2)).rotate_left(31).wrapping_add(h1).wrapping_mul(5).wrapping_add(0x3849_5ab5);
        }
        let (low, high) = tail.split_at(tail.len().min(8));
        h2 ^= second(signed_tail(high));
        h1 ^= first(signed_tail(low));
        h1 ^= bytes.len() as u64;
        h2 ^= bytes.len() as u64;
        h1 = h1.wrapping_add(h2);
        h2 = h2.wrapping_add(h1);
        // The first half is the sum of both finished halves; the second half is of no use.
        token(finish(h1).wrapping_add(finish(h2)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_the_drivers_test_files_match() {
        let of = |bytes: &[u8]| Murmur3Cassandra.bytes(bytes).cast_signed();
        assert_eq!(of(b"123"), -7_468_325_962_851_647_638);
        assert_eq!(of(&[0xfe; 16]), -833_317_529_301_936_754);
        // Standard Murmur3, whose tail bytes are unsigned, gives -3927725473986473217 here.
        assert_eq!(of(&[0xfe; 8]), -8_927_430_733_708_461_935);
        assert_eq!(of(&[0xfe; 4]), 4_566_408_979_886_474_012);
        assert_eq!(of(&[0xe2, 0xe7]), -8_582_699_461_035_929_883);
    }

    #[test]
    fn the_reserved_token_becomes_the_greatest() {
        assert_eq!(token(1 << 63), i64::MAX.cast_unsigned());
        assert_eq!(token((1 << 63) + 1), (1 << 63) + 1);
    }
}
