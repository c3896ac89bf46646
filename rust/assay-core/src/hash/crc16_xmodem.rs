//! CRC-16/XMODEM: the checksum whose low 14 bits are the slot of a Redis key.
//!
//! Idea: the remainder of the bytes by a polynomial of degree 16. Cost: about 1 ns a byte, two
//! tables lookups a step of two bytes. Choose it to agree with Redis Cluster; as a hash it is weak,
//! with 65,536 values. It hashes all bytes: only the placement `redis_slots` looks for a `{tag}`, by
//! [`RedisKey`]. Source: the Redis Cluster specification, appendix; CRC catalogue (G. Cook).

use crate::catalogue::Contender;
use crate::hash::HashKey;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "hash",
    name: "crc16_xmodem",
    version: 1,
    idea: "The remainder of the key's bytes by x^16 + x^12 + x^5 + 1.",
    cost: "about 1 ns per byte; 16 bits collide from about 256 keys on",
    choose_when: "slots must agree with Redis Cluster's",
    source: "Redis Cluster specification, appendix A",
    parameters: &[],
    abilities: &["16_bits"],
};

const POLYNOMIAL: u16 = 0x1021;

/// The checksum of each byte, alone and followed by a zero byte.
const TABLES: [[u16; 256]; 2] = {
    let mut tables = [[0; 256]; 2];
    let mut byte = 0;
    while byte < 256 {
        let mut value = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 16 {
            if bit == 8 {
                tables[0][byte] = value;
            }
            value = if value & 0x8000 == 0 { value << 1 } else { value << 1 ^ POLYNOMIAL };
            bit += 1;
        }
        tables[1][byte] = value;
        byte += 1;
    }
    tables
};

fn checksum(bytes: &[u8]) -> u16 {
    let (pairs, last) = bytes.as_chunks::<2>();
    let value = pairs.iter().fold(0_u16, |value, [first, second]| {
        let [high, low] = value.to_be_bytes();
        TABLES[1][usize::from(high ^ first)] ^ TABLES[0][usize::from(low ^ second)]
    });
    last.iter().fold(value, |value, byte| value << 8 ^ TABLES[0][usize::from(value.to_be_bytes()[0] ^ byte)])
}

/// The checksum of all bytes; it takes no seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crc16Xmodem;

impl HashKey for Crc16Xmodem {
    type Value = u64;

    #[inline]
    fn word(&self, word: u64) -> u64 {
        self.bytes(&word.to_le_bytes())
    }

    #[inline]
    fn bytes(&self, bytes: &[u8]) -> u64 {
        u64::from(checksum(bytes))
    }
}

/// The checksum of what Redis hashes of a key of text or binary: its first tag in braces, if that is not empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RedisKey;

/// What is between the first `{` and the next `}`, if anything is; else the whole key.
fn tagged(key: &[u8]) -> &[u8] {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let rest = &key[open + 1..];
        rest.iter().position(|byte| *byte == b'}').map(|close| &rest[..close])
    });
    tag.filter(|tag| !tag.is_empty()).unwrap_or(key)
}

impl HashKey for RedisKey {
    type Value = u64;

    /// A tag is looked for in text alone.
    const TEXT_HASHES_AS_WORDS: bool = false;

    #[inline]
    fn word(&self, word: u64) -> u64 {
        Crc16Xmodem.word(word)
    }

    #[inline]
    fn bytes(&self, bytes: &[u8]) -> u64 {
        Crc16Xmodem.bytes(tagged(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_value_of_the_catalogue_matches() {
        assert_eq!(Crc16Xmodem.bytes(b"123456789"), 0x31c3);
        assert_eq!(Crc16Xmodem.bytes(b""), 0);
    }

    #[test]
    fn two_bytes_at_a_time_give_what_bit_by_bit_gives() {
        let naive = |bytes: &[u8]| {
            bytes.iter().fold(0_u16, |value, byte| {
                (0..8).fold(value ^ u16::from(*byte) << 8, |value, _| {
                    value << 1 ^ if value & 0x8000 == 0 { 0 } else { POLYNOMIAL }
                })
            })
        };
        let bytes: Vec<u8> = (0..=255).chain((0..=255).rev()).collect();
        for end in 0..bytes.len() {
            assert_eq!(checksum(&bytes[..end]), naive(&bytes[..end]), "{end} bytes");
        }
    }

    #[test]
    fn slots_of_keys_are_those_of_redis() {
        let slot = |key: &str| RedisKey.bytes(key.as_bytes()) & 16_383;
        assert_eq!(["foo", "bar", "hello", "somekey", ""].map(slot), [12_182, 5_061, 866, 11_058, 0]);
        assert_eq!(slot("foo{hash_tag}"), 2_515);
        assert_eq!(slot("bar{hash_tag}"), 2_515);
        assert_eq!(slot("{user1000}.following"), 3_443);
        assert_eq!(slot("user1000"), 3_443);
    }

    #[test]
    fn only_the_first_tag_counts_and_only_if_it_is_not_empty() {
        let text = |key: &'static str| std::str::from_utf8(tagged(key.as_bytes())).unwrap();
        // The examples of the specification.
        assert_eq!(text("foo{}{bar}"), "foo{}{bar}");
        assert_eq!(text("foo{{bar}}zap"), "{bar");
        assert_eq!(text("foo{bar}{zap}"), "bar");
        assert_eq!(text("}foo{bar"), "}foo{bar");
    }
}
