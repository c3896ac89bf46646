//! Cyclic redundancy checks: the remainder of the bytes, as a polynomial over GF(2).
//!
//! Idea: a polynomial division, folded 128 to 512 bits at a time by carry-less multiplication.
//! Cost: tens of GB/s, no space. Every burst of errors up to the width is found; an attacker is not
//! stopped. Choose one for blocks on disk and on the wire; the name is the other side's choice.
//! Source: the CRC RevEng catalogue (CRC-32/ISO-HDLC, CRC-32/ISCSI, CRC-64/NVME); Gopal et al. 2009,
//! "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction".

use crc_fast::CrcAlgorithm;

use crate::catalogue::Contender;
use crate::checksum::BYTES_WORTH_A_THREAD;
use crate::error::{Error, Result};
use crate::threads;

macro_rules! contender {
    ($name:literal, $idea:literal, $choose:literal, $source:literal, $width:literal) => {
        Contender {
            room: "checksum",
            name: $name,
            version: 1,
            idea: $idea,
            cost: "tens of GB/s; combines, so ranges run side by side",
            choose_when: $choose,
            source: $source,
            parameters: &[],
            abilities: &[$width, "combine", "threads"],
        }
    };
}

/// CRC-32 as in zlib, gzip, PNG, Ethernet and Parquet's pages.
pub const CRC32: Contender = contender!(
    "crc32",
    "The remainder by the polynomial 04C11DB7, reflected.",
    "gzip, zip, PNG or Parquet's page checksums must be matched",
    "CRC RevEng catalogue, CRC-32/ISO-HDLC",
    "32_bits"
);

/// CRC-32C as in iSCSI, ext4, Kafka, RocksDB and most newer storage.
pub const CRC32C: Contender = contender!(
    "crc32c",
    "The remainder by Castagnoli's polynomial 1EDC6F41, reflected.",
    "blocks on disk or on the wire must be checked; the common choice",
    "CRC RevEng catalogue, CRC-32/ISCSI; RFC 3720",
    "32_bits"
);

/// CRC-64 as in NVMe and object stores.
pub const CRC64_NVME: Contender = contender!(
    "crc64_nvme",
    "The remainder by the polynomial AD93D23594C93659, reflected.",
    "32 bits are too few: large objects, many blocks",
    "CRC RevEng catalogue, CRC-64/NVME; NVM Express NVM Command Set Specification",
    "64_bits"
);

/// Which CRC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Crc {
    Crc32,
    Crc32c,
    Crc64Nvme,
}

impl Crc {
    /// The width in bits.
    #[must_use]
    pub fn bits(self) -> usize {
        if self == Self::Crc64Nvme { 64 } else { 32 }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Crc32 => CRC32.name,
            Self::Crc32c => CRC32C.name,
            Self::Crc64Nvme => CRC64_NVME.name,
        }
    }

    fn algorithm(self) -> CrcAlgorithm {
        match self {
            Self::Crc32 => CrcAlgorithm::Crc32IsoHdlc,
            Self::Crc32c => CrcAlgorithm::Crc32Iscsi,
            Self::Crc64Nvme => CrcAlgorithm::Crc64Nvme,
        }
    }
}

/// A CRC in the making: the value of the bytes up to the last combination, and a digest since.
#[derive(Debug, Clone)]
pub struct Stream {
    crc: Crc,
    prefix: u64,
    since: crc_fast::Digest,
}

impl Stream {
    /// The CRC of no bytes.
    #[must_use]
    pub fn new(crc: Crc) -> Self {
        Self { crc, prefix: 0, since: crc_fast::Digest::new(crc.algorithm()) }
    }

    /// Appends `bytes`, in ranges side by side if that pays.
    pub fn update(&mut self, bytes: &[u8], threads: usize) {
        let count = threads.min(bytes.len() / BYTES_WORTH_A_THREAD).max(1);
        let parts = threads::split(bytes.len(), count, |range| {
            let mut part = if count == 1 { self.since } else { crc_fast::Digest::new(self.crc.algorithm()) };
            part.update(&bytes[range]);
            part
        });
        if count == 1 {
            self.since = parts[0];
        } else {
            parts.iter().for_each(|part| self.since.combine(part));
        }
    }

    /// The CRC of the bytes so far.
    #[must_use]
    pub fn value(&self) -> u64 {
        let since = self.since.finalize();
        match self.since.get_amount() {
            0 => self.prefix,
            // The CRC of no bytes is 0 for all three, so a first part needs no combination.
            amount => crc_fast::checksum_combine(self.crc.algorithm(), self.prefix, since, amount),
        }
    }

    /// Appends `other_bytes` bytes whose CRC is `other`.
    ///
    /// # Errors
    /// If `other` is wider than the CRC, or is not 0 for no bytes.
    pub fn combine(&mut self, other: u64, other_bytes: u64) -> Result<()> {
        if self.crc.bits() == 32 && other > u64::from(u32::MAX) {
            return Err(Error::Parameter(format!(
                "{}: the other value is {other}; expected at most {} (32 bits)",
                self.crc.name(),
                u32::MAX
            )));
        }
        if other_bytes == 0 {
            return if other == 0 {
                Ok(())
            } else {
                Err(Error::Parameter(format!(
                    "{}: other_bytes is 0, but the other value is {other}; the CRC of no bytes is 0",
                    self.crc.name()
                )))
            };
        }
        self.prefix = crc_fast::checksum_combine(self.crc.algorithm(), self.value(), other, other_bytes);
        self.since = crc_fast::Digest::new(self.crc.algorithm());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(crc: Crc, bytes: &[u8]) -> u64 {
        let mut stream = Stream::new(crc);
        stream.update(bytes, 1);
        stream.value()
    }

    /// The "check" column of the CRC RevEng catalogue.
    #[test]
    fn check_values_match_the_catalogue() {
        assert_eq!(of(Crc::Crc32, b"123456789"), 0xcbf4_3926);
        assert_eq!(of(Crc::Crc32c, b"123456789"), 0xe306_9283);
        assert_eq!(of(Crc::Crc64Nvme, b"123456789"), 0xae8b_1486_0a79_9888);
    }

    /// RFC 3720, appendix B.4.
    #[test]
    fn iscsi_vectors_match() {
        assert_eq!(of(Crc::Crc32c, &[0; 32]), 0x8a91_36aa);
        assert_eq!(of(Crc::Crc32c, &[0xff; 32]), 0x62a8_ab43);
        let ascending: Vec<u8> = (0..32).collect();
        assert_eq!(of(Crc::Crc32c, &ascending), 0x46dd_794e);
    }

    #[test]
    fn a_bitwise_division_agrees_at_every_length() {
        // The definition, bit by bit: reflected, all ones in, all ones out.
        let naive = |bytes: &[u8]| {
            !bytes.iter().fold(u32::MAX, |state, byte| {
                (0..8).fold(state ^ u32::from(*byte), |state, _| (state >> 1) ^ (0x82f6_3b78 * (state & 1)))
            })
        };
        let bytes: Vec<u8> = (0..400_u32).map(|index| (index * index % 251) as u8).collect();
        for len in 0..bytes.len() {
            assert_eq!(of(Crc::Crc32c, &bytes[..len]), u64::from(naive(&bytes[..len])), "{len} bytes");
        }
    }

    #[test]
    fn no_bytes_are_zero_and_combine_to_nothing() {
        for crc in [Crc::Crc32, Crc::Crc32c, Crc::Crc64Nvme] {
            assert_eq!(of(crc, b""), 0);
            let mut stream = Stream::new(crc);
            stream.update(b"ab", 1);
            let before = stream.value();
            stream.combine(0, 0).unwrap();
            assert_eq!(stream.value(), before);
            assert!(stream.combine(1, 0).unwrap_err().to_string().contains("no bytes is 0"));
        }
        assert!(Stream::new(Crc::Crc32).combine(1 << 32, 4).unwrap_err().to_string().contains("32 bits"));
    }
}
