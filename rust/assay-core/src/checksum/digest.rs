//! Cryptographic digests of buffers: what an attacker cannot match, or could not once.
//!
//! Idea: a compression function chained over blocks (BLAKE3: over a tree of chunks). Cost: 0.5 to
//! 5 GB/s; of one buffer on more than one thread by BLAKE3 alone, and of many blocks side by side ([`of_blocks`]). Choose SHA-256 or
//! BLAKE3 where somebody might want two files to agree.
//! Source: RFC 1321 (MD5), FIPS 180-4 (SHA-1, SHA-2), the BLAKE3 paper.

use std::slice::ChunksExact;

use sha2::Digest as _;

use crate::catalogue::Contender;
use crate::checksum::{BYTES_WORTH_A_THREAD, chained};
use crate::hash::digest::Digest;
use crate::{memory, threads};

macro_rules! contender {
    ($name:literal, $idea:literal, $cost:literal, $choose:literal, $source:literal, $width:literal) => {
        Contender {
            room: "checksum",
            name: $name,
            version: 1,
            idea: $idea,
            cost: $cost,
            choose_when: $choose,
            source: $source,
            parameters: &[],
            abilities: &[$width, "cryptographic"],
        }
    };
}

/// MD5.
pub const MD5: Contender = contender!(
    "md5",
    "16 bytes; broken against attackers.",
    "about 0.7 GB/s; serial; blocks of 4 KiB side by side 6 GB/s in AVX-512 lanes, 5 in AVX2",
    "another system's MD5 must be matched",
    "RFC 1321",
    "16_bytes"
);
/// SHA-1.
pub const SHA1: Contender = contender!(
    "sha1",
    "20 bytes; broken against attackers.",
    "about 2 GB/s with SHA instructions; serial; blocks of 4 KiB side by side 5 GB/s in AVX-512 lanes, 3 in AVX2",
    "another system's SHA-1 must be matched",
    "FIPS 180-4",
    "20_bytes"
);
/// SHA-256.
pub const SHA256: Contender = contender!(
    "sha256",
    "32 bytes; the common choice.",
    "about 2 GB/s with SHA instructions; serial; blocks of 4 KiB side by side 2.7 GB/s in AVX-512 lanes, 1.5 in AVX2",
    "a digest must be safe and understood everywhere",
    "FIPS 180-4",
    "32_bytes"
);
/// SHA-512.
pub const SHA512: Contender = contender!(
    "sha512",
    "64 bytes; 64-bit arithmetic.",
    "about 0.6 GB/s; serial; blocks of 4 KiB side by side 2.1 GB/s in AVX-512 lanes, 1.1 in AVX2",
    "there are no SHA instructions, or 64 bytes are asked for",
    "FIPS 180-4",
    "64_bytes"
);
/// BLAKE3.
pub const BLAKE3: Contender = contender!(
    "blake3",
    "32 bytes; a tree of chunks of 1024 bytes.",
    "about 5 GB/s on one thread; one buffer uses all; blocks of 4 KiB 3.5 GB/s in AVX-512 lanes, 2.3 in AVX2",
    "a digest must be safe and fast",
    "BLAKE3 paper (O'Connor et al. 2020)",
    "32_bytes"
);

/// Blocks that are looked at together.
const BLOCKS_AT_ONCE: usize = 1024;

/// The digests of blocks, end to end: many blocks side by side, where a stream waits for itself.
#[must_use]
pub fn of_blocks(digest: Digest, mut blocks: ChunksExact<'_, u8>) -> Vec<u8> {
    let width = digest.width();
    let mut out = memory::zeros(blocks.len() * width);
    for out in out.chunks_mut(BLOCKS_AT_ONCE * width) {
        let some: Vec<&[u8]> = blocks.by_ref().take(BLOCKS_AT_ONCE).collect();
        digest.many(&some, |block, found| {
            out[block * width..(block + 1) * width].copy_from_slice(&found[..width]);
        });
    }
    out
}

/// A digest in the making.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum Stream {
    Md5(chained::Stream<chained::Md5>),
    Sha1(sha1::Sha1),
    #[cfg(target_arch = "x86_64")]
    Sha256ByInstructions(chained::Stream<chained::Sha256>),
    Sha256(sha2::Sha256),
    Sha512(sha2::Sha512),
    Blake3(Box<blake3::Hasher>),
}

impl Stream {
    /// The digest of no bytes.
    #[must_use]
    pub fn new(digest: Digest) -> Self {
        match digest {
            Digest::Md5 => Self::Md5(chained::Stream::default()),
            Digest::Sha1 => Self::Sha1(sha1::Sha1::new()),
            #[cfg(target_arch = "x86_64")]
            Digest::Sha256 if chained::Sha256::is_available() => Self::Sha256ByInstructions(chained::Stream::default()),
            Digest::Sha256 => Self::Sha256(sha2::Sha256::new()),
            Digest::Sha512 => Self::Sha512(sha2::Sha512::new()),
            Digest::Blake3 => Self::Blake3(Box::new(blake3::Hasher::new())),
        }
    }

    /// Appends `bytes`, with all threads of the pool if so many are allowed: BLAKE3 alone can use them.
    pub fn update_on(&mut self, bytes: &[u8], threads: usize) {
        if let Self::Blake3(state) = self
            && bytes.len() >= 2 * BYTES_WORTH_A_THREAD
            && threads::on_all(threads, || state.update_rayon(bytes).count()).is_some()
        {
            return;
        }
        self.update(bytes);
    }

    /// Appends `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Md5(state) => state.update(bytes),
            Self::Sha1(state) => state.update(bytes),
            #[cfg(target_arch = "x86_64")]
            Self::Sha256ByInstructions(state) => state.update(bytes),
            Self::Sha256(state) => state.update(bytes),
            Self::Sha512(state) => state.update(bytes),
            Self::Blake3(state) => {
                state.update(bytes);
            }
        }
    }

    /// The digest of the bytes so far.
    #[must_use]
    pub fn value(&self) -> Vec<u8> {
        match self {
            Self::Md5(state) => state.value(),
            Self::Sha1(state) => state.clone().finalize().to_vec(),
            #[cfg(target_arch = "x86_64")]
            Self::Sha256ByInstructions(state) => state.value(),
            Self::Sha256(state) => state.clone().finalize().to_vec(),
            Self::Sha512(state) => state.clone().finalize().to_vec(),
            Self::Blake3(state) => state.finalize().as_bytes().to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(digest: Digest, bytes: &[u8]) -> String {
        let mut stream = Stream::new(digest);
        bytes.chunks(7).for_each(|part| stream.update(part));
        stream.value().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn published_vectors_match() {
        // RFC 1321 A.5, the longest one.
        let digits = b"12345678901234567890123456789012345678901234567890123456789012345678901234567890";
        assert_eq!(hex(Digest::Md5, digits), "57edf4a22be3c955ac49da2e2107b67a");
        // FIPS 180-4 examples of two blocks.
        let two = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        assert_eq!(hex(Digest::Sha1, two), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
        assert_eq!(hex(Digest::Sha256, two), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
        assert!(hex(Digest::Sha512, b"abc").starts_with("ddaf35a193617abacc417349ae204131"));
        // BLAKE3 test_vectors.json, length 0.
        assert_eq!(hex(Digest::Blake3, b""), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
    }
}
