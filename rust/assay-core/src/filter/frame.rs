//! The stored form of every filter: portable, versioned, checksummed, little-endian.
//!
//! ```text
//! offset  bytes  content
//!      0      8  magic "assayflt"
//!      8      2  version, 1
//!     10      1  kind, see [`Kind`]
//!     11      1  zero
//!     12      4  a parameter of the kind: probes, bits of a fingerprint
//!     16      8  type of the built column (see key_type)
//!     24      8  size of the kind: bits, blocks, slots
//!     32      8  keys held
//!     40      8  seed, 0 where there is none
//!     48      8  bytes of the payload, p
//!     56      8  XXH3_64 (seed 0) of the 56 bytes before
//!     64      p  payload, in an order that the kind defines
//! 64 + p      8  XXH3_64 (seed 0) of the payload
//! ```
//!
//! The payload's length is compared with what is there before anything is allocated, and the kind compares it
//! with its size. A payload begins at a multiple of 64 bytes, so that a mapped file can be probed as it is.

use crate::error::{Error, Result};
use crate::filter::key_type::KeyType;
use crate::hash::{HashKey, xxh3_64::Xxh3_64};

const MAGIC: &[u8; 8] = b"assayflt";
const VERSION: u16 = 1;
/// Bytes before the payload.
pub const HEADER_BYTES: usize = 64;
/// Bytes after it.
pub const TRAILER_BYTES: usize = 8;

/// What a stored filter is. Codes are stored: append only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
#[repr(u8)]
pub enum Kind {
    Standard = 1,
    SplitBlock = 2,
    Blocked512 = 3,
    Counting = 4,
    BinaryFuse = 5,
    Cuckoo = 6,
    Xor = 7,
    Ribbon = 8,
}

/// Each kind with its name and the Python class that reads it.
const KINDS: &[(Kind, &str, &str)] = &[
    (Kind::Standard, "standard", "BloomFilter"),
    (Kind::SplitBlock, "split_block", "BloomFilter"),
    (Kind::Blocked512, "blocked_512", "BloomFilter"),
    (Kind::Counting, "counting", "CountingBloomFilter"),
    (Kind::BinaryFuse, "binary_fuse", "BinaryFuseFilter"),
    (Kind::Cuckoo, "cuckoo", "CuckooFilter"),
    (Kind::Xor, "xor", "XorFilter"),
    (Kind::Ribbon, "ribbon", "RibbonFilter"),
];

impl Kind {
    /// The contender's name, and the class that reads it.
    fn names(self) -> (&'static str, &'static str) {
        KINDS.iter().find(|(kind, ..)| *kind == self).map_or(("", ""), |(_, name, class)| (*name, *class))
    }
}

/// What stands before the payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What the filter is.
    pub kind: Kind,
    /// A parameter of the kind.
    pub parameter: u32,
    /// The type of the built column.
    pub key_type: KeyType,
    /// The size, in the kind's own unit.
    pub size: u64,
    /// The keys held.
    pub keys: u64,
    /// The seed; 0 where there is none.
    pub seed: u64,
}

/// That bytes are not what they should be.
#[must_use]
pub fn corrupt(message: impl std::fmt::Display) -> Error {
    Error::Corrupt(format!("these bytes are no filter of assay: {message}"))
}

/// The stored form of a filter whose payload of `payload_bytes` is appended by `write`.
///
/// # Panics
/// If `write` appends another number of bytes.
#[must_use]
pub fn seal(header: &Header, payload_bytes: usize, write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_BYTES + payload_bytes + TRAILER_BYTES);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&[header.kind as u8, 0]);
    out.extend_from_slice(&header.parameter.to_le_bytes());
    out.extend_from_slice(&header.key_type.to_bytes());
    for word in [header.size, header.keys, header.seed, payload_bytes as u64] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    let checksum = Xxh3_64::new(0).bytes(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    write(&mut out);
    assert_eq!(out.len(), HEADER_BYTES + payload_bytes, "a payload has the length that its kind says");
    let checksum = Xxh3_64::new(0).bytes(&out[HEADER_BYTES..]);
    out.extend_from_slice(&checksum.to_le_bytes());
    out
}

/// The header and the payload of a stored filter of one of `kinds`; both are intact.
///
/// # Errors
/// If the bytes are no filter, are of a newer version or another kind, are truncated or too long, or have changed.
pub fn open<'b>(bytes: &'b [u8], kinds: &[Kind]) -> Result<(Header, &'b [u8])> {
    let least = HEADER_BYTES + TRAILER_BYTES;
    if bytes.len() < least {
        return Err(corrupt(format!("{} bytes; expected at least {least}", bytes.len())));
    }
    if &bytes[..8] != MAGIC {
        return Err(corrupt(format!(
            "they begin with \"{}\"; expected \"{}\"",
            bytes[..8].escape_ascii(),
            MAGIC.escape_ascii()
        )));
    }
    let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|index| bytes[at + index]));
    let version = u16::from_le_bytes([bytes[8], bytes[9]]);
    if version != VERSION {
        return Err(corrupt(format!(
            "version {version}; expected {VERSION}: read them with the assay that wrote them"
        )));
    }
    if Xxh3_64::new(0).bytes(&bytes[..HEADER_BYTES - 8]) != word(HEADER_BYTES - 8) {
        return Err(corrupt("their header's checksum does not match; they have changed since they were written"));
    }
    let Some((kind, name, class)) = KINDS.iter().find(|(kind, ..)| *kind as u8 == bytes[10]) else {
        return Err(corrupt(format!("kind {} is unknown", bytes[10])));
    };
    if !kinds.contains(kind) {
        let wanted = kinds.first().map_or("", |kind| kind.names().1);
        return Err(Error::Corrupt(format!(
            "these bytes are a filter of kind {name}, not a {wanted}; read them by {class}.from_bytes"
        )));
    }
    let (expected, found) = (word(48), (bytes.len() - least) as u64);
    if expected != found {
        return Err(corrupt(format!("{found} bytes of payload; their header says {expected}: truncated or joined")));
    }
    let (payload, trailer) = bytes[HEADER_BYTES..].split_at(bytes.len() - least);
    if Xxh3_64::new(0).bytes(payload).to_le_bytes() != trailer {
        return Err(corrupt("their checksum does not match; they have changed since they were written"));
    }
    let key_type = KeyType::from_bytes(word(16).to_le_bytes());
    let key_type = key_type.ok_or_else(|| corrupt("the type of the keys is unknown"))?;
    if bytes[11] != 0 {
        return Err(corrupt("their header contradicts itself"));
    }
    let parameter = u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
    Ok((Header { kind: *kind, parameter, key_type, size: word(24), keys: word(32), seed: word(40) }, payload))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sealed() -> Vec<u8> {
        let header =
            Header { kind: Kind::SplitBlock, parameter: 8, key_type: KeyType::UInt64, size: 1, keys: 2, seed: 0 };
        seal(&header, 32, |out| out.extend_from_slice(&[7; 32]))
    }

    /// Changes one byte of the header or the payload and makes both checksums right again.
    pub(crate) fn forged(stored: &[u8], at: usize, value: u8) -> Vec<u8> {
        let mut bytes = stored.to_vec();
        bytes[at] = value;
        let checksum = Xxh3_64::new(0).bytes(&bytes[..HEADER_BYTES - 8]);
        bytes[HEADER_BYTES - 8..HEADER_BYTES].copy_from_slice(&checksum.to_le_bytes());
        let end = bytes.len() - TRAILER_BYTES;
        let checksum = Xxh3_64::new(0).bytes(&bytes[HEADER_BYTES..end]);
        bytes[end..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    #[test]
    fn what_was_sealed_is_opened() {
        let stored = sealed();
        let (header, payload) = open(&stored, &[Kind::SplitBlock]).unwrap();
        assert_eq!((header.kind, header.parameter, header.keys, payload), (Kind::SplitBlock, 8, 2, [7; 32].as_slice()));
        assert_eq!(seal(&header, 32, |out| out.extend_from_slice(&[7; 32])), stored);
    }

    #[test]
    fn another_kind_names_the_class_that_reads_it() {
        let error = open(&sealed(), &[Kind::Counting]).unwrap_err().to_string();
        assert!(error.contains("kind split_block, not a CountingBloomFilter; read them by BloomFilter.from_bytes"));
    }

    #[test]
    fn forged_headers_are_refused() {
        // magic, version, kind, reserved byte, key type, payload bytes (low, high)
        for (at, value) in [(0, 1), (8, 2), (10, 0), (10, 250), (11, 1), (16, 99), (17, 1), (48, 3), (52, 1), (55, 255)]
        {
            let error = open(&forged(&sealed(), at, value), &[Kind::SplitBlock]).unwrap_err();
            assert!(matches!(error, Error::Corrupt(_)), "byte {at}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), magic: bool) {
            let bytes = if magic { [MAGIC.as_slice(), &[1, 0], &bytes].concat() } else { bytes };
            prop_assert!(open(&bytes, &[Kind::SplitBlock]).is_err());
        }

        #[test]
        fn changed_cut_or_grown_bytes_are_refused(at in 0_usize..104, flip in 1_u8..=255) {
            let whole = sealed();
            let mut changed = whole.clone();
            changed[at] ^= flip;
            prop_assert!(open(&changed, &[Kind::SplitBlock]).is_err());
            prop_assert!(open(&whole[..at], &[Kind::SplitBlock]).is_err());
            prop_assert!(open(&[whole, vec![flip]].concat(), &[Kind::SplitBlock]).is_err());
        }
    }
}
