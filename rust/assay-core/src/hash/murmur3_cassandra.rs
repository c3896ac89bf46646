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
use crate::hash::murmur3_128::{absorb, finish};
use crate::hash::read::word;

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
    type Value = u64;

    #[inline]
    fn word(&self, word: u64) -> u64 {
        self.bytes(&word.to_le_bytes())
    }

    #[inline]
    fn bytes(&self, bytes: &[u8]) -> u64 {
        let (blocks, tail) = bytes.as_chunks::<16>();
        let state = blocks.iter().fold([0; 2], |state, block| absorb(state, [word(block, 0), word(block, 8)]));
        let (low, high) = tail.split_at(tail.len().min(8));
        // The second half is of no use.
        token(finish(state, [signed_tail(low), signed_tail(high)], bytes.len())[0])
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
