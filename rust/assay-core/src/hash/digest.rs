//! Cryptographic digests of keys: one fixed-size binary per row.
//!
//! Each step of a digest waits for the one before, so that one message leaves most of a processor idle: many keys are
//! digested side by side, one in each lane of the widest registers ([`kernel`]), put together by their number of blocks
//! ([`many`]). Single messages are left to the well-kept crates of their kind; a dictionary is digested once per value.
//! Every way gives the same bits. Source: RFC 1321 (MD5), FIPS 180-4 (SHA-1, SHA-2), the BLAKE3 paper.

mod blake3;
mod kernel;
mod many;
mod md5;
mod messages;
mod sha1;
mod sha2;
mod stage;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

use ::md5::Digest as _;

pub(crate) use self::md5::SINES as MD5_SINES;
#[cfg(target_arch = "x86_64")]
pub(crate) use self::sha2::sha256::CONSTANTS as SHA256_CONSTANTS;
use crate::catalogue::Contender;
use crate::error::{Error, Result};
use crate::keys::{Keys, Values};
use crate::lanes::Path;
use crate::threads;
use kernel::blocks;
use many::many;
pub(super) use messages::for_each_batch;
use vector::Digested;

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
        "13 ns per short key of a column in AVX-512 lanes, 35 in AVX2; 180 alone",
        "another system's MD5 must be matched",
        "RFC 1321",
        "16_bytes"
    ),
    contender!(
        "sha1",
        "20 bytes; broken against attackers, used by Git.",
        "20 ns per short key of a column in AVX-512 lanes, 45 in AVX2; 100 alone",
        "another system's SHA-1 must be matched",
        "FIPS 180-4",
        "20_bytes"
    ),
    contender!(
        "sha256",
        "32 bytes; the common choice.",
        "28 ns per short key of a column in AVX-512 lanes, 80 in AVX2; 80 to 110 alone with SHA instructions",
        "a digest must be safe and understood everywhere",
        "FIPS 180-4",
        "32_bytes"
    ),
    contender!(
        "sha512",
        "64 bytes; faster than SHA-256 where there are no SHA instructions.",
        "75 ns per short key of a column in AVX-512 lanes, 145 in AVX2; 300 alone",
        "64 bytes are asked for",
        "FIPS 180-4",
        "64_bytes"
    ),
    contender!(
        "blake3",
        "32 bytes; a tree of chunks, parallel within one message.",
        "18 ns per short key of a column in AVX-512 lanes, 65 in AVX2; 77 alone",
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

    /// Calls `emit` with the index and the digest of each message, in any order; the first [`Self::width`] bytes count.
    pub fn many(self, messages: &[&[u8]], emit: impl FnMut(usize, &Digested)) {
        self.many_on(Path::widest(), messages, emit);
    }

    fn many_on(self, path: Path, messages: &[&[u8]], emit: impl FnMut(usize, &Digested)) {
        let alone = |message: &[u8], out: &mut Digested| self.digest(message, &mut out[..self.width()]);
        match self {
            Self::Md5 => many(md5::kernel(path), messages, blocks::<u32>, alone, emit),
            Self::Sha1 => many(sha1::kernel(path), messages, blocks::<u32>, alone, emit),
            Self::Sha256 => many(sha2::sha256::kernel(path), messages, blocks::<u32>, alone, emit),
            Self::Sha512 => many(sha2::sha512::kernel(path), messages, blocks::<u64>, alone, emit),
            Self::Blake3 => blake3::many(blake3::kernel(path), messages, emit),
        }
    }

    /// Writes the digest of `bytes` into `out`, which is [`Self::width`] long.
    pub fn digest(self, bytes: &[u8], out: &mut [u8]) {
        match self {
            Self::Md5 => out.copy_from_slice(&::md5::Md5::digest(bytes)),
            Self::Sha1 => out.copy_from_slice(&::sha1::Sha1::digest(bytes)),
            Self::Sha256 => out.copy_from_slice(&::sha2::Sha256::digest(bytes)),
            Self::Sha512 => out.copy_from_slice(&::sha2::Sha512::digest(bytes)),
            Self::Blake3 => out.copy_from_slice(::blake3::hash(bytes).as_bytes()),
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
        threads::fill(out, threads, |first, part| {
            for (row, slot) in (first..).zip(part) {
                if !column.is_null(row) {
                    *slot = entries[indices.get(row)];
                }
            }
        });
        return;
    }
    threads::fill(out, threads, |first, part| {
        let rows = first..first + part.len();
        // What is null stays as it is.
        for_each_batch(columns, rows, |batch| {
            digest.many(batch.messages, |message, found| {
                part[batch.row(message) - first] = *found.first_chunk().expect("a digest is not wider than the widest");
            });
        });
    });
}

#[cfg(test)]
mod tests;
