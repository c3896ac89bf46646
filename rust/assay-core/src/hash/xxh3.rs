//! What both widths of XXH3 share: the secret, the finalisers, and 16 bytes mixed with the secret.
//!
//! Inputs fall into classes of length: up to 16 bytes a formula without a loop for each of four classes, up to
//! 128 and up to 240 bytes pairs of words multiplied with the secret, and longer ones stripes of 64 bytes, which
//! the crate `twox-hash` does. Source: xxHash specification, `doc/xxhash_spec.md`, "XXH3" (Yann Collet).

use crate::hash::read::{fold, word};

pub(crate) const PRIME_32_2: u64 = 0x85eb_ca77;
pub(crate) const PRIME_64_1: u64 = 0x9e37_79b1_85eb_ca87;
pub(crate) const PRIME_64_2: u64 = 0xc2b2_ae3d_27d4_eb4f;
pub(crate) const PRIME_64_3: u64 = 0x1656_67b1_9e37_79f9;
pub(crate) const PRIME_64_4: u64 = 0x85eb_ca77_c2b2_ae63;
/// The multiplier of the class of 4 to 8 bytes.
pub(super) const PRIME_MX2: u64 = 0x9fb2_1c65_1e98_df25;
const PRIME_MX1: u64 = 0x1656_6791_9e37_79f9;

/// Up to so many bytes are hashed here.
pub(crate) const MIDDLE_HIGH: usize = 240;
/// Where the last 16 bytes of middle lengths meet the secret: 17 bytes before the end of its least size, 136.
pub(super) const MIDDLE_LAST: usize = 136 - 17;
/// Where the secret begins for what follows the first 128 bytes of middle lengths.
pub(super) const MIDDLE_START: usize = 3;

/// The default secret.
#[rustfmt::skip]
pub(crate) const SECRET: [u8; 192] = [
    0xb8, 0xfe, 0x6c, 0x39, 0x23, 0xa4, 0x4b, 0xbe, 0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c,
    0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb, 0x72, 0x40, 0xa4, 0xa4, 0xb7, 0xb3, 0x67, 0x1f,
    0xcb, 0x79, 0xe6, 0x4e, 0xcc, 0xc0, 0xe5, 0x78, 0x82, 0x5a, 0xd0, 0x7d, 0xcc, 0xff, 0x72, 0x21,
    0xb8, 0x08, 0x46, 0x74, 0xf7, 0x43, 0x24, 0x8e, 0xe0, 0x35, 0x90, 0xe6, 0x81, 0x3a, 0x26, 0x4c,
    0x3c, 0x28, 0x52, 0xbb, 0x91, 0xc3, 0x00, 0xcb, 0x88, 0xd0, 0x65, 0x8b, 0x1b, 0x53, 0x2e, 0xa3,
    0x71, 0x64, 0x48, 0x97, 0xa2, 0x0d, 0xf9, 0x4e, 0x38, 0x19, 0xef, 0x46, 0xa9, 0xde, 0xac, 0xd8,
    0xa8, 0xfa, 0x76, 0x3f, 0xe3, 0x9c, 0x34, 0x3f, 0xf9, 0xdc, 0xbb, 0xc7, 0xc7, 0x0b, 0x4f, 0x1d,
    0x8a, 0x51, 0xe0, 0x4b, 0xcd, 0xb4, 0x59, 0x31, 0xc8, 0x9f, 0x7e, 0xc9, 0xd9, 0x78, 0x73, 0x64,
    0xea, 0xc5, 0xac, 0x83, 0x34, 0xd3, 0xeb, 0xc3, 0xc5, 0x81, 0xa0, 0xff, 0xfa, 0x13, 0x63, 0xeb,
    0x17, 0x0d, 0xdd, 0x51, 0xb7, 0xf0, 0xda, 0x49, 0xd3, 0x16, 0x55, 0x26, 0x29, 0xd4, 0x68, 0x9e,
    0x2b, 0x16, 0xbe, 0x58, 0x7d, 0x47, 0xa1, 0xfc, 0x8f, 0xf8, 0xb8, 0xd1, 0x7a, 0xd0, 0x31, 0xce,
    0x45, 0xcb, 0x3a, 0x8f, 0x95, 0x16, 0x04, 0x28, 0xaf, 0xd7, 0xfb, 0xca, 0xbb, 0x4b, 0x40, 0x7e,
];

/// Eight bytes of the secret, little-endian.
pub(crate) const fn secret(at: usize) -> u64 {
    let (mut word, mut byte) = (0, 8);
    while byte > 0 {
        byte -= 1;
        word = word << 8 | SECRET[at + byte] as u64;
    }
    word
}

/// Four bytes of the secret, little-endian.
pub(super) const fn secret_half(at: usize) -> u64 {
    secret(at) & 0xffff_ffff
}

/// XXH64's finaliser, for the shortest inputs.
#[inline(always)]
pub(super) fn avalanche_64(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 33)).wrapping_mul(PRIME_64_2);
    hash = (hash ^ (hash >> 29)).wrapping_mul(PRIME_64_3);
    hash ^ (hash >> 32)
}

/// XXH3's finaliser.
#[inline(always)]
pub(crate) fn avalanche(mut hash: u64) -> u64 {
    hash = (hash ^ (hash >> 37)).wrapping_mul(PRIME_MX1);
    hash ^ (hash >> 32)
}

/// The seed as inputs of 4 to 8 bytes see it.
#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
pub(super) fn spread(seed: u64) -> u64 {
    seed ^ u64::from((seed as u32).swap_bytes()) << 32
}

/// One to three bytes and their number, as 32 bits.
#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
pub(super) fn few(bytes: &[u8]) -> u32 {
    let (length, at) = (bytes.len(), |index: usize| u32::from(bytes[index]));
    at(0) << 16 | at(length / 2) << 24 | at(length - 1) | (length as u32) << 8
}

/// Sixteen bytes at `from`, mixed with the secret at `at`.
#[inline(always)]
pub(super) fn mix_16(bytes: &[u8], from: usize, at: usize, seed: u64) -> u64 {
    fold(
        word(bytes, from) ^ word(&SECRET, at).wrapping_add(seed),
        word(bytes, from + 8) ^ word(&SECRET, at + 8).wrapping_sub(seed),
    )
}
