//! Cyclic redundancy checks: the remainder of the bytes, as a polynomial over GF(2).
//!
//! Idea: a polynomial division, folded 128 to 512 bits at a time by carry-less multiplication ([`folding`]).
//! Cost: tens of GB/s, 16 KiB of tables. Every burst of errors up to the width is found; an attacker is not
//! stopped. Choose one for blocks on disk and on the wire; the name is the other side's choice.
//! Source: the CRC RevEng catalogue (CRC-32/ISO-HDLC, CRC-32/ISCSI, CRC-64/NVME); Gopal et al. 2009,
//! "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction".

pub mod field;
pub mod folding;

use crate::catalogue::Contender;
use crate::checksum::BYTES_WORTH_A_THREAD;
use crate::error::{Error, Result};
use crate::threads;
use folding::Folding;
#[cfg(any(test, target_arch = "x86_64"))]
use folding::Kernel;

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

    /// Its polynomial, ready to be folded by.
    fn folding(self) -> &'static Folding {
        static CRC32: Folding = Folding::new(0xedb8_8320, 32);
        static CRC32C: Folding = Folding::new(0x82f6_3b78, 32);
        static CRC64_NVME: Folding = Folding::new(0x9a6c_9329_ac4b_c9b5, 64);
        match self {
            Self::Crc32 => &CRC32,
            Self::Crc32c => &CRC32C,
            Self::Crc64Nvme => &CRC64_NVME,
        }
    }

    /// The CRC of bytes whose beginning has the CRC `before`, on one thread.
    #[must_use]
    pub fn extended(self, before: u64, bytes: &[u8]) -> u64 {
        #[cfg(not(target_arch = "x86_64"))]
        {
            // The crate knows the carry-less products of other architectures.
            let value = crc_fast::checksum(self.elsewhere(), bytes);
            self.folding().field().combine(before, value, bytes.len() as u64)
        }
        #[cfg(target_arch = "x86_64")]
        self.extended_by(Kernel::widest(), before, bytes)
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn elsewhere(self) -> crc_fast::CrcAlgorithm {
        match self {
            Self::Crc32 => crc_fast::CrcAlgorithm::Crc32IsoHdlc,
            Self::Crc32c => crc_fast::CrcAlgorithm::Crc32Iscsi,
            Self::Crc64Nvme => crc_fast::CrcAlgorithm::Crc64Nvme,
        }
    }

    #[cfg(any(test, target_arch = "x86_64"))]
    fn extended_by(self, kernel: Kernel, before: u64, bytes: &[u8]) -> u64 {
        let folding = self.folding();
        let ones = folding.field().ones();
        folding.update(kernel, before ^ ones, bytes) ^ ones
    }
}

/// A CRC in the making. The CRC of no bytes is 0 for all three.
#[derive(Debug, Clone, Copy)]
pub struct Stream {
    crc: Crc,
    value: u64,
}

impl Stream {
    /// The CRC of no bytes.
    #[must_use]
    pub fn new(crc: Crc) -> Self {
        Self { crc, value: 0 }
    }

    /// Appends `bytes`, in ranges side by side if that pays.
    pub fn update(&mut self, bytes: &[u8], threads: usize) {
        let count = threads.min(bytes.len() / BYTES_WORTH_A_THREAD).max(1);
        if count == 1 {
            self.value = self.crc.extended(self.value, bytes);
            return;
        }
        let parts = threads::split(bytes.len(), count, |range| {
            let part = &bytes[range];
            (self.crc.extended(0, part), part.len() as u64)
        });
        for (value, len) in parts {
            self.value = self.crc.folding().field().combine(self.value, value, len);
        }
    }

    /// The CRC of the bytes so far.
    #[must_use]
    pub fn value(&self) -> u64 {
        self.value
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
        if other_bytes == 0 && other != 0 {
            return Err(Error::Parameter(format!(
                "{}: other_bytes is 0, but the other value is {other}; the CRC of no bytes is 0",
                self.crc.name()
            )));
        }
        self.value = self.crc.folding().field().combine(self.value, other, other_bytes);
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

    /// The definition, bit by bit: reflected, all ones in, all ones out.
    fn naive(crc: Crc, bytes: &[u8]) -> u64 {
        let (polynomial, ones) = match crc {
            Crc::Crc32 => (0xedb8_8320, u64::from(u32::MAX)),
            Crc::Crc32c => (0x82f6_3b78, u64::from(u32::MAX)),
            Crc::Crc64Nvme => (0x9a6c_9329_ac4b_c9b5, u64::MAX),
        };
        let step = |state: u64, _| (state >> 1) ^ (polynomial * (state & 1));
        ones ^ bytes.iter().fold(ones, |state, byte| (0..8).fold(state ^ u64::from(*byte), step))
    }

    const ALL: [Crc; 3] = [Crc::Crc32, Crc::Crc32c, Crc::Crc64Nvme];

    #[test]
    fn a_bitwise_division_agrees_at_every_length_by_every_kernel() {
        let bytes: Vec<u8> = (0..2200_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 23) as u8).collect();
        for crc in ALL {
            for len in (0..600).chain((600..bytes.len()).step_by(61)) {
                let expected = naive(crc, &bytes[..len]);
                for kernel in Kernel::available() {
                    assert_eq!(crc.extended_by(kernel, 0, &bytes[..len]), expected, "{crc:?} {kernel:?} {len} bytes");
                }
            }
        }
    }

    #[test]
    fn a_crate_agrees_on_long_and_unaligned_bytes() {
        let bytes: Vec<u8> = (0..1_000_003_u32).map(|index| (index.wrapping_mul(2_246_822_519) >> 21) as u8).collect();
        let algorithms = [
            crc_fast::CrcAlgorithm::Crc32IsoHdlc,
            crc_fast::CrcAlgorithm::Crc32Iscsi,
            crc_fast::CrcAlgorithm::Crc64Nvme,
        ];
        for (crc, algorithm) in ALL.into_iter().zip(algorithms) {
            for start in 0..17 {
                let expected = crc_fast::checksum(algorithm, &bytes[start..]);
                for kernel in Kernel::available() {
                    assert_eq!(
                        crc.extended_by(kernel, 0, &bytes[start..]),
                        expected,
                        "{crc:?} {kernel:?} from {start}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_beginning_is_extended_by_every_kernel() {
        let bytes: Vec<u8> = (0..3000_u32).map(|index| (index * index % 251) as u8).collect();
        for crc in ALL {
            for kernel in Kernel::available() {
                for cut in [1, 15, 16, 63, 64, 500, 1023, 2999] {
                    let before = crc.extended_by(kernel, 0, &bytes[..cut]);
                    assert_eq!(
                        crc.extended_by(kernel, before, &bytes[cut..]),
                        of(crc, &bytes),
                        "{crc:?} {kernel:?} {cut}"
                    );
                }
            }
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
