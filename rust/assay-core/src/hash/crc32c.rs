//! CRC-32C as a hash of keys: what processors have an instruction for.
//!
//! Idea: the remainder of the key's bits by Castagnoli's polynomial. Cost: below 1 ns a number of a column, about 2 ns a short
//! text, by the processor's own instruction where there is one. Choose it to agree with a system that shards by
//! it; it is linear, so that keys with a pattern can collide with a pattern. It takes no seed: a first value would
//! change all hashes of keys of one length alike. Source: Castagnoli et al. 1993; RFC 3720, appendix B.

use crate::catalogue::Contender;
use crate::hash::HashKey;
#[cfg(target_arch = "x86_64")]
use crate::hash::read::half;
use crate::hash::read::word;
#[cfg(target_arch = "x86_64")]
use crate::lanes;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "hash",
    name: "crc32c",
    version: 1,
    idea: "The remainder of the key's bits by Castagnoli's polynomial: the checksum CRC-32C.",
    cost: "below 1 ns per number of a column, about 2 ns per short text; 32 bits collide from about 65,000 keys on",
    choose_when: "a system that shards by it must be matched",
    source: "Castagnoli et al. 1993; RFC 3720, appendix B",
    parameters: &[],
    abilities: &["32_bits"],
};

/// Castagnoli's polynomial, lowest bit first.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// The remainder of each byte that `n` zero bytes follow, n = 0..8.
const TABLES: [[u32; 256]; 8] = {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut value = byte as u32;
        let mut bit = 0;
        while bit < 64 {
            value = if value & 1 == 0 { value >> 1 } else { value >> 1 ^ POLYNOMIAL };
            bit += 1;
            if bit % 8 == 0 {
                tables[bit / 8 - 1][byte] = value;
            }
        }
        byte += 1;
    }
    tables
};

/// CRC-32C; it takes no seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Crc32c {
    /// Whether the processor's instruction may be used.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    instruction: bool,
}

impl Default for Crc32c {
    fn default() -> Self {
        #[cfg(target_arch = "x86_64")]
        let instruction = lanes::allows(lanes::Path::Avx2) && is_x86_feature_detected!("sse4.2");
        #[cfg(not(target_arch = "x86_64"))]
        let instruction = false;
        Self { instruction }
    }
}

#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
fn by_table(crc: u32, word: u64) -> u32 {
    let mixed = word ^ u64::from(crc);
    (0..8).fold(0, |sum, byte| sum ^ TABLES[7 - byte][(mixed >> (8 * byte) & 0xff) as usize])
}

#[inline(always)]
fn byte_by_table(crc: u32, byte: u8) -> u32 {
    crc >> 8 ^ TABLES[0][usize::from(crc.to_le_bytes()[0] ^ byte)]
}

/// The remainder of bytes after those that gave `crc`, without the inversions at both ends.
fn bytes_by_table(crc: u32, bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<8>();
    let crc = words.iter().fold(crc, |crc, bytes| by_table(crc, word(bytes, 0)));
    rest.iter().fold(crc, |crc, byte| byte_by_table(crc, *byte))
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse4.2")]
#[allow(clippy::cast_possible_truncation)]
fn by_instruction(crc: u32, word: u64) -> u32 {
    std::arch::x86_64::_mm_crc32_u64(u64::from(crc), word) as u32
}

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "sse4.2")]
fn bytes_by_instruction(crc: u32, bytes: &[u8]) -> u32 {
    use std::arch::x86_64::{_mm_crc32_u8, _mm_crc32_u16, _mm_crc32_u32};
    let (words, rest) = bytes.as_chunks::<8>();
    let mut crc = words.iter().fold(crc, |crc, bytes| by_instruction(crc, word(bytes, 0)));
    let mut rest = rest;
    if rest.len() >= 4 {
        crc = _mm_crc32_u32(crc, half(rest, 0));
        rest = &rest[4..];
    }
    if rest.len() >= 2 {
        crc = _mm_crc32_u16(crc, u16::from_le_bytes([rest[0], rest[1]]));
        rest = &rest[2..];
    }
    rest.iter().fold(crc, |crc, byte| _mm_crc32_u8(crc, *byte))
}

impl Crc32c {
    #[inline(always)]
    fn absorb(&self, crc: u32, word: u64) -> u32 {
        #[cfg(target_arch = "x86_64")]
        if self.instruction {
            // SAFETY: the processor has the instruction, as `default` found.
            return unsafe { by_instruction(crc, word) };
        }
        by_table(crc, word)
    }
}

impl HashKey for Crc32c {
    type Value = u64;

    #[inline(always)]
    fn word(&self, word: u64) -> u64 {
        u64::from(!self.absorb(!0, word))
    }

    #[inline(always)]
    fn pair(&self, words: [u64; 2]) -> u64 {
        u64::from(!self.absorb(self.absorb(!0, words[0]), words[1]))
    }

    #[inline(always)]
    fn bytes(&self, bytes: &[u8]) -> u64 {
        #[cfg(target_arch = "x86_64")]
        if self.instruction {
            // SAFETY: the processor has the instructions, as `default` found.
            return u64::from(!unsafe { bytes_by_instruction(!0, bytes) });
        }
        u64::from(!bytes_by_table(!0, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::verification::{code, samples};

    /// As the processor does it, and by tables.
    fn both() -> [Crc32c; 2] {
        [Crc32c::default(), Crc32c { instruction: false }]
    }

    #[test]
    fn the_check_value_and_the_examples_of_rfc_3720_match() {
        for hasher in both() {
            assert_eq!(hasher.bytes(b"123456789"), 0xe306_9283);
            assert_eq!(hasher.bytes(&[0; 32]), 0x8a91_36aa);
            assert_eq!(hasher.bytes(&[0xff; 32]), 0x62a8_ab43);
            assert_eq!(hasher.bytes(&(0..32).collect::<Vec<u8>>()), 0x46dd_794e);
        }
    }

    /// There the seed is the checksum of what came before.
    #[test]
    fn the_verification_code_of_smhasher3_holds() {
        #[allow(clippy::cast_possible_truncation)]
        let after = |seed: u64, key: &[u8]| (!bytes_by_table(!(seed as u32), key)).to_le_bytes();
        assert_eq!(code(after), 0x6e60_71bd);
    }

    #[test]
    fn every_length_hashes_as_the_checksum_has_it() {
        for (_, key) in samples(70) {
            let expected = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, &key);
            assert!(both().iter().all(|hasher| hasher.bytes(&key) == expected), "{key:?}");
        }
    }
}
