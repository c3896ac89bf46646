//! The first 8 bytes of MD5, little-endian: the hash of ketama-like rings.
//!
//! Idea: the digest's first half as an integer. Cost: 13 ns a short key of a column in AVX-512 lanes, 35 in
//! AVX2 ([`digest`]); 180 ns alone. Choose it to agree with a ring or a table that is
//! already sharded so. Source: RFC 1321; METHODOLOGY, "Keys".

use ::md5::Digest;

use crate::catalogue::Contender;
use crate::hash::{HashKey, digest};
use crate::keys::Keys;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "hash",
    name: "md5",
    version: 1,
    idea: "The first 8 bytes of the MD5 digest, as a little-endian integer.",
    cost: "13 ns per short key of a column in AVX-512 lanes, 35 in AVX2; 180 alone",
    choose_when: "a ring or table is already sharded so",
    source: "RFC 1321",
    parameters: &[],
    abilities: &["64_bits"],
};

/// MD5 as a 64-bit hash; it takes no seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Md5;

impl HashKey for Md5 {
    type Value = u64;

    #[inline]
    fn word(&self, word: u64) -> u64 {
        self.bytes(&word.to_le_bytes())
    }

    #[inline]
    fn bytes(&self, bytes: &[u8]) -> u64 {
        let digest = ::md5::Md5::digest(bytes);
        u64::from_le_bytes(std::array::from_fn(|index| digest[index]))
    }

    fn rows(&self, columns: &[Keys<'_>], first: usize, null: u64, out: &mut [u64]) {
        out.fill(null);
        digest::for_each_batch(columns, first..first + out.len(), |batch| {
            digest::Digest::Md5.many(batch.messages, |message, found| {
                let [word, ..] = found.as_chunks().0 else { unreachable!("a digest has eight bytes and more") };
                out[batch.row(message) - first] = u64::from_le_bytes(*word);
            });
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_first_half_of_the_rfc_1321_digest() {
        // RFC 1321 A.5: MD5("abc") = 900150983cd24fb0d6963f7d28e17f72
        assert_eq!(Md5.bytes(b"abc").to_le_bytes(), [0x90, 0x01, 0x50, 0x98, 0x3c, 0xd2, 0x4f, 0xb0]);
    }
}
