//! The first 8 bytes of MD5, little-endian: the hash of ketama-like rings.
//!
//! Idea: the digest's first half as an integer. Cost: 20 to 50 ns a short key of a column, side by side
//! in vector registers ([`lanes`]); 100 ns alone. Choose it to agree with a ring or a table that is
//! already sharded so. Source: RFC 1321; METHODOLOGY, "Keys".

mod lanes;

use ::md5::Digest;

pub(crate) use lanes::digests;

use crate::catalogue::Contender;
use crate::hash::HashKey;
use crate::keys::Keys;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "hash",
    name: "md5",
    version: 1,
    idea: "The first 8 bytes of the MD5 digest, as a little-endian integer.",
    cost: "20 to 50 ns per short key of a column, 100 ns and more alone",
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
        digests(columns, first..first + out.len(), |row, digest| {
            out[row - first] = digest.map_or(null, |[low, high, ..]| u64::from(high) << 32 | u64::from(low));
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
