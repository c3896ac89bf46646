//! Spark's Murmur3 with 32 bits and seed 42: the hash of its `hash()` and of its shuffles.
//!
//! Idea: as Murmur3 x86 with 32 bits per 4 bytes; but each byte beyond the last whole word is taken
//! as a signed integer and mixed in as a word of its own. Cost: 2 to 6 ns a short key. Choose it to
//! agree with Spark on bigint, double, timestamp, text and binary columns. Spark hashes narrower
//! integers, dates, floats and booleans as 4 bytes, and threads several columns through the seed;
//! cast to bigint, and do not expect compound keys to agree.
//! Source: Apache Spark, `Murmur3_x86_32.hashUnsafeBytes`, `HashPartitioning`.

use crate::catalogue::Contender;
use crate::hash::HashKey;
use crate::hash::murmur3_32::{finish, mix};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "hash",
    name: "murmur3_spark",
    version: 1,
    idea: "Murmur3 x86 32 with seed 42, each tail byte mixed as a signed word of its own, as Spark does.",
    cost: "2 to 6 ns per short key; 32 bits collide from about 65,000 keys on",
    choose_when: "bigint, double, timestamp, text or binary keys must hash as Spark hashes them",
    source: "Apache Spark, Murmur3_x86_32.hashUnsafeBytes",
    parameters: &[],
    abilities: &["32_bits"],
};

/// Spark's seed.
const SEED: u32 = 42;

/// Spark's hash; its seed is fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Murmur3Spark;

#[allow(clippy::cast_possible_truncation)]
fn seeded(bytes: &[u8], seed: u32) -> u32 {
    let (words, tail) = bytes.as_chunks::<4>();
    let hash = words.iter().fold(seed, |hash, word| mix(hash, u32::from_le_bytes(*word)));
    let hash = tail.iter().fold(hash, |hash, byte| mix(hash, i32::from(byte.cast_signed()).cast_unsigned()));
    finish(hash ^ bytes.len() as u32)
}

impl HashKey for Murmur3Spark {
    type Value = u64;

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn word(&self, word: u64) -> u64 {
        u64::from(finish(mix(mix(SEED, word as u32), (word >> 32) as u32) ^ 8))
    }

    #[inline(always)]
    fn bytes(&self, bytes: &[u8]) -> u64 {
        u64::from(seeded(bytes, SEED))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_result_of_sparks_hash_matches() {
        // Spark SQL's documentation: hash('Spark', array(123), 2) is -1321691492. Each value's hash is the next's seed;
        // "Spark" has five bytes and so a tail, and integers are hashed as their 4 bytes.
        let spark = seeded(b"Spark", SEED);
        let array = seeded(&123_i32.to_le_bytes(), spark);
        assert_eq!(seeded(&2_i32.to_le_bytes(), array).cast_signed(), -1_321_691_492);
    }

    #[test]
    fn integers_and_text_match_what_other_engines_pin_for_spark() {
        // Apache DataFusion Comet, `spark_hash.rs`, generated there by Spark itself.
        let long = [1, 0, -1, i64::MAX, i64::MIN].map(|key: i64| Murmur3Spark.word(key.cast_unsigned()));
        assert_eq!(long, [0x99f0_149d, 0x9c67_b85d, 0xc800_8529, 0xa05b_5d7b, 0xcd1e_64fb]);
        let text = ["hello", "bar", "", "😁", "天地"].map(|key| Murmur3Spark.bytes(key.as_bytes()));
        assert_eq!(text, [3_286_402_344, 2_486_176_763, 142_593_372, 885_025_535, 2_395_000_894]);
    }
}
