//! The room of checksums: bytes in, one number or digest out.
//!
//! A [`Checksum`] is fed piece by piece and gives the same value however the bytes were cut; [`Blocks`]
//! gives one value per block of a stream. CRCs can be combined: the CRC of a part, the CRC of what
//! follows and its length give the CRC of the whole, so that ranges are computed side by side.

mod chained;
pub mod crc;
pub mod digest;
pub mod merkle;
pub mod xxh;
pub mod xxh3;

use std::slice::ChunksExact;

use crate::catalogue::Contender;
use crate::error::{Error, Result};
use crate::threads;

/// All contenders of this room.
pub const CONTENDERS: &[&Contender] = &[
    &crc::CRC32,
    &crc::CRC32C,
    &crc::CRC64_NVME,
    &xxh::XXH3_64,
    &xxh::XXH64,
    &digest::MD5,
    &digest::SHA1,
    &digest::SHA256,
    &digest::SHA512,
    &digest::BLAKE3,
];

/// Below this many bytes a second thread costs more than it brings.
pub const BYTES_WORTH_A_THREAD: usize = 256 * 1024;

/// Blocks may not be larger than this, so that their bytes can be counted in 32 bits.
pub const BLOCK_BYTES_HIGH: u64 = 1 << 31;

/// The algorithm of a checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Algorithm {
    Crc(crc::Crc),
    Xxh(xxh::Xxh),
    Digest(crate::hash::digest::Digest),
}

/// A checksum's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A CRC or a hash, as an unsigned integer.
    Word(u64),
    /// A cryptographic digest, in the byte order in which it is printed.
    Bytes(Vec<u8>),
}

impl Algorithm {
    /// The algorithm of this name.
    ///
    /// # Errors
    /// If the name is unknown.
    pub fn parse(name: &str) -> Result<Self> {
        let found = CONTENDERS.iter().find(|contender| contender.name == name).ok_or_else(|| Error::UnknownName {
            thing: "checksum",
            name: name.to_owned(),
            known: CONTENDERS.iter().map(|contender| contender.name).collect::<Vec<_>>().join(", "),
        })?;
        Ok(match found.name {
            "crc32" => Self::Crc(crc::Crc::Crc32),
            "crc32c" => Self::Crc(crc::Crc::Crc32c),
            "crc64_nvme" => Self::Crc(crc::Crc::Crc64Nvme),
            "xxh3_64" => Self::Xxh(xxh::Xxh::Xxh3_64),
            "xxh64" => Self::Xxh(xxh::Xxh::Xxh64),
            digest => Self::Digest(crate::hash::digest::Digest::parse(digest)?),
        })
    }

    /// The width of one value in bits.
    #[must_use]
    pub fn bits(self) -> usize {
        match self {
            Self::Crc(crc) => crc.bits(),
            Self::Xxh(_) => 64,
            Self::Digest(digest) => digest.width() * 8,
        }
    }
}

// A block's CRC is made in less time than a box.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, Clone)]
enum State {
    Crc(crc::Stream),
    Xxh(xxh::Stream),
    Digest(digest::Stream),
}

/// A checksum in the making.
#[derive(Debug, Clone)]
pub struct Checksum {
    algorithm: Algorithm,
    state: State,
    len: u64,
}

impl Checksum {
    /// The checksum of no bytes.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        let state = match algorithm {
            Algorithm::Crc(crc) => State::Crc(crc::Stream::new(crc)),
            Algorithm::Xxh(xxh) => State::Xxh(xxh::Stream::new(xxh)),
            Algorithm::Digest(digest) => State::Digest(digest::Stream::new(digest)),
        };
        Self { algorithm, state, len: 0 }
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The number of bytes covered so far, combined ones included.
    #[must_use]
    pub fn covered_bytes(&self) -> u64 {
        self.len
    }

    /// Appends `bytes`. CRCs and BLAKE3 use more than one thread: the others are serial by construction.
    pub fn update(&mut self, bytes: &[u8], threads: usize) {
        // Beyond 64 bits the count stays at its end; the value itself does not depend on it.
        self.len = self.len.saturating_add(bytes.len() as u64);
        match &mut self.state {
            State::Crc(stream) => stream.update(bytes, threads),
            State::Xxh(stream) => stream.update(bytes),
            State::Digest(stream) => stream.update_on(bytes, threads),
        }
    }

    /// The value for the bytes so far; more may follow.
    #[must_use]
    pub fn value(&self) -> Value {
        match &self.state {
            State::Crc(stream) => Value::Word(stream.value()),
            State::Xxh(stream) => Value::Word(stream.value()),
            State::Digest(stream) => Value::Bytes(stream.value()),
        }
    }

    /// Appends bytes of which only the CRC `other` and the number `other_bytes` are known.
    ///
    /// # Errors
    /// If the algorithm is no CRC, if `other` is wider than it, or if all bytes do not fit 64 bits.
    pub fn combine(&mut self, other: u64, other_bytes: u64) -> Result<()> {
        let State::Crc(stream) = &mut self.state else {
            return Err(Error::Parameter(
                "only CRCs can be combined (crc32, crc32c, crc64_nvme); feed the bytes to update, or choose a CRC"
                    .to_owned(),
            ));
        };
        let len = self.len.checked_add(other_bytes).ok_or_else(|| {
            Error::Parameter(format!(
                "other_bytes is {other_bytes} after {} bytes; expected that all bytes are fewer than 2^64",
                self.len
            ))
        })?;
        stream.combine(other, other_bytes)?;
        self.len = len;
        Ok(())
    }
}

/// The checksums of the consecutive blocks of a stream; the last block may be short.
#[derive(Debug, Clone)]
pub struct Blocks {
    algorithm: Algorithm,
    block_bytes: usize,
    open: Checksum,
    words: Vec<u64>,
    bytes: Vec<u8>,
}

/// The values of all blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BlockValues {
    /// CRCs and hashes, one per block.
    Words(Vec<u64>),
    /// Digests, end to end.
    Bytes(Vec<u8>),
}

impl Blocks {
    /// No blocks yet.
    ///
    /// # Errors
    /// If `block_bytes` is 0 or beyond [`BLOCK_BYTES_HIGH`].
    pub fn new(algorithm: Algorithm, block_bytes: u64) -> Result<Self> {
        let size = usize::try_from(block_bytes).ok().filter(|_| (1..=BLOCK_BYTES_HIGH).contains(&block_bytes));
        let size = size.ok_or_else(|| {
            Error::Parameter(format!("block_bytes is {block_bytes}; expected 1 to {BLOCK_BYTES_HIGH}, such as 4096"))
        })?;
        Ok(Self { algorithm, block_bytes: size, open: Checksum::new(algorithm), words: Vec::new(), bytes: Vec::new() })
    }

    fn push(&mut self, value: Value) {
        match value {
            Value::Word(word) => self.words.push(word),
            Value::Bytes(bytes) => self.bytes.extend_from_slice(&bytes),
        }
    }

    fn close(&mut self) {
        let whole = std::mem::replace(&mut self.open, Checksum::new(self.algorithm));
        self.push(whole.value());
    }

    /// Appends `bytes`; whole blocks are computed side by side.
    pub fn update(&mut self, bytes: &[u8], threads: usize) {
        let mut rest = bytes;
        if self.open.len > 0 {
            // The open block is shorter than block_bytes, which is a usize.
            let missing = self.block_bytes - usize::try_from(self.open.len).expect("a block fits memory's size");
            let (head, tail) = rest.split_at(missing.min(rest.len()));
            self.open.update(head, 1);
            rest = tail;
            if head.len() == missing {
                self.close();
            }
        }
        let count = rest.len() / self.block_bytes;
        let (whole, tail) = rest.split_at(count * self.block_bytes);
        let pieces = threads.min(whole.len() / BYTES_WORTH_A_THREAD).max(1);
        // Ranges begin at multiples of 64, which may be many blocks or few: a block counts as 64.
        let parts = threads::split(count * 64, pieces, |range| {
            let part = &whole[range.start / 64 * self.block_bytes..range.end / 64 * self.block_bytes];
            of_blocks(self.algorithm, part.chunks_exact(self.block_bytes))
        });
        for part in parts {
            match part {
                BlockValues::Words(words) => self.words.extend(words),
                BlockValues::Bytes(bytes) => self.bytes.extend(bytes),
            }
        }
        self.open.update(tail, 1);
    }

    /// The values of all blocks, the short one at the end included.
    #[must_use]
    pub fn finish(mut self) -> BlockValues {
        if self.open.len > 0 {
            self.close();
        }
        match self.algorithm {
            Algorithm::Digest(_) => BlockValues::Bytes(self.bytes),
            _ => BlockValues::Words(self.words),
        }
    }
}

/// The values of whole blocks.
fn of_blocks(algorithm: Algorithm, blocks: ChunksExact<'_, u8>) -> BlockValues {
    match algorithm {
        Algorithm::Crc(crc) => BlockValues::Words(blocks.map(|block| crc.extended(0, block)).collect()),
        Algorithm::Xxh(xxh) => BlockValues::Words(blocks.map(|block| xxh.of(block)).collect()),
        Algorithm::Digest(digest) => BlockValues::Bytes(digest::of_blocks(digest, blocks)),
    }
}

/// The checksum of `bytes`.
#[must_use]
pub fn checksum(bytes: &[u8], algorithm: Algorithm, threads: usize) -> Value {
    let mut whole = Checksum::new(algorithm);
    whole.update(bytes, threads);
    whole.value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn algorithms() -> impl Iterator<Item = Algorithm> {
        CONTENDERS.iter().map(|contender| Algorithm::parse(contender.name).unwrap())
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_known_ones() {
        let error = Algorithm::parse("crc31").unwrap_err().to_string();
        assert!(error.contains("crc31") && error.contains("crc32c"), "{error}");
    }

    #[test]
    fn threads_do_not_change_the_value() {
        let bytes: Vec<u8> = (0..3_000_001_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        for algorithm in algorithms() {
            assert_eq!(checksum(&bytes, algorithm, 1), checksum(&bytes, algorithm, 3), "{algorithm:?}");
        }
    }

    #[test]
    fn digests_and_hashes_refuse_to_combine() {
        for algorithm in algorithms() {
            let combined = Checksum::new(algorithm).combine(0, 0);
            assert_eq!(combined.is_ok(), matches!(algorithm, Algorithm::Crc(_)), "{algorithm:?}");
        }
    }

    #[test]
    fn more_than_64_bits_of_bytes_are_refused_and_change_nothing() {
        let mut crc = Checksum::new(Algorithm::Crc(crc::Crc::Crc32c));
        crc.combine(1, u64::MAX).unwrap();
        let before = crc.value();
        assert!(crc.combine(1, 1).unwrap_err().to_string().contains("fewer than 2^64"));
        assert_eq!((crc.value(), crc.covered_bytes()), (before, u64::MAX));
        crc.update(b"", 1);
    }

    #[test]
    fn block_sizes_outside_their_bounds_are_refused() {
        let crc = Algorithm::Crc(crc::Crc::Crc32c);
        for size in [0, BLOCK_BYTES_HIGH + 1, u64::MAX] {
            assert!(Blocks::new(crc, size).unwrap_err().to_string().contains("4096"));
        }
    }

    proptest! {
        #[test]
        fn cuts_do_not_change_the_value(parts in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..8)) {
            let whole = parts.concat();
            for algorithm in algorithms() {
                let mut cut = Checksum::new(algorithm);
                parts.iter().for_each(|part| cut.update(part, 1));
                prop_assert_eq!(cut.value(), checksum(&whole, algorithm, 1));
                prop_assert_eq!(cut.covered_bytes(), whole.len() as u64);
            }
        }

        #[test]
        fn blocks_are_the_checksums_of_the_blocks(
            bytes in proptest::collection::vec(any::<u8>(), 0..500), block in 1_usize..90, cut in 0_usize..500,
        ) {
            for algorithm in algorithms() {
                let mut blocks = Blocks::new(algorithm, block as u64).unwrap();
                let (head, tail) = bytes.split_at(cut.min(bytes.len()));
                blocks.update(head, 2);
                blocks.update(tail, 2);
                let expected: Vec<Value> = bytes.chunks(block).map(|part| checksum(part, algorithm, 1)).collect();
                let found: Vec<Value> = match blocks.finish() {
                    BlockValues::Words(words) => words.into_iter().map(Value::Word).collect(),
                    BlockValues::Bytes(all) => all.chunks(algorithm.bits() / 8).map(|one| Value::Bytes(one.to_vec())).collect(),
                };
                prop_assert_eq!(found, expected);
            }
        }

        #[test]
        fn combined_crcs_are_the_crc_of_the_whole(
            first in proptest::collection::vec(any::<u8>(), 0..300),
            second in proptest::collection::vec(any::<u8>(), 0..300),
            third in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            for algorithm in algorithms().filter(|algorithm| matches!(algorithm, Algorithm::Crc(_))) {
                let Value::Word(other) = checksum(&second, algorithm, 1) else { unreachable!("a CRC is a word") };
                let mut joined = Checksum::new(algorithm);
                joined.update(&first, 1);
                joined.combine(other, second.len() as u64).unwrap();
                joined.update(&third, 1);
                let whole = [first.clone(), second.clone(), third.clone()].concat();
                prop_assert_eq!(joined.value(), checksum(&whole, algorithm, 1));
            }
        }
    }
}
