//! Cryptographic digests of keys: one fixed-size binary per row.
//!
//! The well-kept crates of their kind do one message at a time, but for MD5 of short keys, which go side
//! by side ([`crate::hash::md5`]); a dictionary is digested once per value. Source: RFC 1321 (MD5), FIPS 180-4 (SHA-1, SHA-2), the BLAKE3 paper.

use ::md5::Digest as _;

use crate::catalogue::Contender;
use crate::error::{Error, Result};
use crate::hash::md5;
use crate::keys::{Canonical, Keys, Values, for_each_compound};
use crate::threads;

macro_rules! contender {
    ($name:literal, $idea:literal, $cost:literal, $choose:literal, $source:literal, $ability:literal) => {
        Contender {
            room: "digest",
            name: $name,
            version: 1,
            idea: $idea,
            cost: $cost,
            choose_when: $choose,
            source: $source,
            parameters: &[],
            abilities: &[$ability],
        }
    };
}

/// All contenders: name, idea, cost, when to choose it, source, width.
pub const CONTENDERS: &[Contender] = &[
    contender!(
        "md5",
        "16 bytes; broken against attackers, still everywhere.",
        "20 to 50 ns per short key of a column, 100 ns and more per message alone",
        "another system's MD5 must be matched",
        "RFC 1321",
        "16_bytes"
    ),
    contender!(
        "sha1",
        "20 bytes; broken against attackers, used by Git.",
        "80 ns and more per short key",
        "another system's SHA-1 must be matched",
        "FIPS 180-4",
        "20_bytes"
    ),
    contender!(
        "sha256",
        "32 bytes; the common choice.",
        "80 ns and more per short key with SHA instructions",
        "a digest must be safe and understood everywhere",
        "FIPS 180-4",
        "32_bytes"
    ),
    contender!(
        "sha512",
        "64 bytes; faster than SHA-256 where there are no SHA instructions.",
        "250 ns and more per short key",
        "64 bytes are asked for",
        "FIPS 180-4",
        "64_bytes"
    ),
    contender!(
        "blake3",
        "32 bytes; a tree of chunks, parallel within one message.",
        "60 ns and more per short key",
        "a digest must be safe and fast, and only assay and friends read it",
        "BLAKE3 paper (O'Connor et al. 2020)",
        "32_bytes"
    ),
];

/// A digest chosen by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Digest {
    Md5,
    Sha1,
    Sha256,
    Sha512,
    Blake3,
}

impl Digest {
    /// The digest of this name.
    ///
    /// # Errors
    /// If the name is unknown.
    pub fn parse(name: &str) -> Result<Self> {
        Ok(match name {
            "md5" => Self::Md5,
            "sha1" => Self::Sha1,
            "sha256" => Self::Sha256,
            "sha512" => Self::Sha512,
            "blake3" => Self::Blake3,
            _ => {
                return Err(Error::UnknownName {
                    thing: "digest",
                    name: name.to_owned(),
                    known: CONTENDERS.iter().map(|contender| contender.name).collect::<Vec<_>>().join(", "),
                });
            }
        })
    }

    /// The name of this digest.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Md5 => "md5",
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::Blake3 => "blake3",
        }
    }

    /// The width of one digest in bytes.
    #[must_use]
    pub fn width(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 | Self::Blake3 => 32,
            Self::Sha512 => 64,
        }
    }

    /// Writes the digest of `bytes` into `out`, which is [`Self::width`] long.
    pub fn digest(self, bytes: &[u8], out: &mut [u8]) {
        match self {
            Self::Md5 => out.copy_from_slice(&::md5::Md5::digest(bytes)),
            Self::Sha1 => out.copy_from_slice(&sha1::Sha1::digest(bytes)),
            Self::Sha256 => out.copy_from_slice(&sha2::Sha256::digest(bytes)),
            Self::Sha512 => out.copy_from_slice(&sha2::Sha512::digest(bytes)),
            Self::Blake3 => out.copy_from_slice(blake3::hash(bytes).as_bytes()),
        }
    }
}

/// Writes the digests of all rows, end to end; the bytes of a null row stay as they are.
///
/// # Panics
/// If `out` is not as long as all digests.
pub fn digest_keys(columns: &[Keys<'_>], digest: Digest, threads: usize, out: &mut [u8]) {
    let rows = columns.first().map_or(0, Keys::len);
    assert_eq!(out.len(), rows * digest.width(), "a digest for each row");
    match digest.width() {
        16 => digest_rows::<16>(columns, digest, threads, out.as_chunks_mut().0),
        20 => digest_rows::<20>(columns, digest, threads, out.as_chunks_mut().0),
        32 => digest_rows::<32>(columns, digest, threads, out.as_chunks_mut().0),
        _ => digest_rows::<64>(columns, digest, threads, out.as_chunks_mut().0),
    }
}

fn digest_rows<const WIDTH: usize>(columns: &[Keys<'_>], digest: Digest, threads: usize, out: &mut [[u8; WIDTH]]) {
    if let [column] = columns
        && let Values::Dictionary { indices, values } = column.values()
        && values.len() <= column.len()
    {
        let mut entries = vec![[0; WIDTH]; values.len()];
        digest_rows(std::slice::from_ref(values), digest, threads, &mut entries);
        for (row, slot) in out.iter_mut().enumerate() {
            if !column.is_null(row) {
                *slot = entries[indices.get(row)];
            }
        }
        return;
    }
    threads::fill(out, threads, |first, part| {
        if digest == Digest::Md5 {
            // Many keys side by side; what is null stays as it is.
            return md5::digests(columns, first..first + part.len(), |row, digest| {
                if let Some(words) = digest {
                    let (slots, _) = part[row - first].as_chunks_mut::<4>();
                    slots.iter_mut().zip(words).for_each(|(slot, word)| *slot = word.to_le_bytes());
                }
            });
        }
        for_each_compound(columns, first..first + part.len(), |row, form| match form {
            Canonical::Null => {}
            Canonical::Word(word) => digest.digest(&word.to_le_bytes(), &mut part[row - first]),
            Canonical::Bytes(bytes) => digest.digest(bytes, &mut part[row - first]),
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(name: &str, message: &[u8]) -> String {
        let digest = Digest::parse(name).unwrap();
        let mut out = vec![0; digest.width()];
        digest.digest(message, &mut out);
        out.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn published_vectors_match() {
        // RFC 1321 A.5
        assert_eq!(hex("md5", b""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(hex("md5", b"message digest"), "f96b697d7cb7938d525a2f31aaf161d0");
        // FIPS 180-4 examples
        assert_eq!(hex("sha1", b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(hex("sha256", b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(hex("sha512", b"abc").starts_with("ddaf35a193617abacc417349ae204131"));
        // BLAKE3 test_vectors.json, length 0
        assert_eq!(hex("blake3", b""), "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262");
    }

    #[test]
    fn rows_come_in_order_and_null_rows_are_zero() {
        let keys = Keys::from_words(&[1, 2]);
        let mut out = [0; 32];
        digest_keys(&[keys], Digest::Md5, 2, &mut out);
        let mut second = [0; 16];
        Digest::Md5.digest(&2_u64.to_le_bytes(), &mut second);
        assert_eq!(out[16..], second);
    }
}
