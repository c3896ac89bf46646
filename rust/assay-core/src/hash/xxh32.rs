//! XXH32: a 32-bit hash for 32-bit formats such as LZ4 frames.
//!
//! Idea: four 32-bit lanes of multiply and rotate. Cost: 2 to 6 ns a short key; 32 bits collide
//! from about 65,000 keys on. Choose it where a format asks for it.
//! Source: xxHash specification, `doc/xxhash_spec.md`, "XXH32" (Yann Collet).

use crate::catalogue::Contender;
use crate::hash::HashKey;

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

impl HashKey for Xxh32 {
    #[inline]
    fn word(&self, word: u64) -> u64 {
        self.bytes(&word.to_le_bytes())
    }

    #[inline]
    fn bytes(&self, bytes: &[u8]) -> u64 {
        u64::from(twox_hash::XxHash32::oneshot(self.seed, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of the reference implementation (xxHash 0.8, by way of its Python binding).
    #[test]
    fn published_vectors_match() {
        assert_eq!(Xxh32::new(0).bytes(b""), 0x02cc_5d05);
        assert_eq!(Xxh32::new(0).bytes(b"a"), 0x550d_7456);
        assert_eq!(Xxh32::new(0).bytes(b"abc"), 0x32d1_53ff);
    }
}
