//! XXH3 and XXH64 of buffers: non-cryptographic hashes at the speed of memory.
//!
//! Idea: independent lanes of multiply and rotate over stripes, folded at the end. Cost: memory
//! speed (XXH3), a third of it (XXH64). Choose XXH3 to notice change inside one system; a CRC where
//! bursts of errors must be found for certain, or where parts must be combined.
//! Source: xxHash specification, `doc/xxhash_spec.md` (Yann Collet).

use std::hash::Hasher;

use crate::catalogue::Contender;
use crate::checksum::xxh3;

/// XXH3 with 64 bits.
pub const XXH3_64: Contender = Contender {
    room: "checksum",
    name: "xxh3_64",
    version: 1,
    idea: "Eight 64-bit lanes of multiply-fold with a secret.",
    cost: "memory speed; serial",
    choose_when: "change must be noticed as fast as memory can be read",
    source: "xxHash specification, XXH3 (Yann Collet)",
    parameters: &[],
    abilities: &["64_bits"],
};

/// XXH64.
pub const XXH64: Contender = Contender {
    room: "checksum",
    name: "xxh64",
    version: 1,
    idea: "Four 64-bit lanes of multiply and rotate.",
    cost: "about 10 GB/s; serial",
    choose_when: "a format asks for it",
    source: "xxHash specification, XXH64 (Yann Collet)",
    parameters: &[],
    abilities: &["64_bits"],
};

/// Which of the two, with seed 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Xxh {
    Xxh3_64,
    Xxh64,
}

impl Xxh {
    /// The hash of `bytes`.
    #[must_use]
    pub fn of(self, bytes: &[u8]) -> u64 {
        match self {
            Self::Xxh3_64 => xxh3::xxh3_64(bytes),
            Self::Xxh64 => twox_hash::XxHash64::oneshot(0, bytes),
        }
    }
}

/// A hash in the making.
#[derive(Clone)]
#[allow(missing_docs)]
pub enum Stream {
    Xxh3_64(Box<xxh3::Stream>),
    Xxh64(twox_hash::XxHash64),
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Stream({:016x})", self.value())
    }
}

impl Stream {
    /// The hash of no bytes.
    #[must_use]
    pub fn new(xxh: Xxh) -> Self {
        match xxh {
            Xxh::Xxh3_64 => Self::Xxh3_64(Box::default()),
            Xxh::Xxh64 => Self::Xxh64(twox_hash::XxHash64::with_seed(0)),
        }
    }

    /// Appends `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Xxh3_64(hasher) => hasher.update(bytes),
            Self::Xxh64(hasher) => hasher.write(bytes),
        }
    }

    /// The hash of the bytes so far.
    #[must_use]
    pub fn value(&self) -> u64 {
        match self {
            Self::Xxh3_64(hasher) => hasher.value(),
            Self::Xxh64(hasher) => hasher.finish(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{HashKey, xxh3_64::Xxh3_64, xxh64::Xxh64};

    #[test]
    fn a_stream_agrees_with_the_hash_of_a_key_at_every_length() {
        let bytes: Vec<u8> = (0..700_u32).map(|index| (index * 7 % 253) as u8).collect();
        for len in 0..bytes.len() {
            let mut long = Stream::new(Xxh::Xxh3_64);
            let mut old = Stream::new(Xxh::Xxh64);
            bytes[..len].chunks(31).for_each(|part| {
                long.update(part);
                old.update(part);
            });
            assert_eq!(long.value(), Xxh3_64::new(0).bytes(&bytes[..len]), "{len} bytes");
            assert_eq!(old.value(), Xxh64::new(0).bytes(&bytes[..len]), "{len} bytes");
        }
    }
}
