//! The stored form of a Bloom filter: portable, versioned, checksummed, little-endian.
//!
//! ```text
//! offset  bytes  content
//!      0      8  magic "assaybf\0"
//!      8      2  version, 1
//!     10      1  layout: 1 standard, 2 split_block
//!     11      1  zero
//!     12      4  probes k (8 for split_block)
//!     16      8  type of the built column (see key_type)
//!     24      8  size: bits m of standard, blocks of split_block
//!     32      8  keys inserted
//!     40      s  payload: standard's u64 words, or Parquet's bitset
//! 40 + s      8  XXH3_64 (seed 0) of everything before it
//! ```
//!
//! The length follows from the header, and is compared before anything is allocated.

use crate::error::{Error, Result};
use crate::filter::key_type::KeyType;
use crate::filter::split_block::{BLOCKS_HIGH, Block, SplitBlock};
use crate::filter::standard::{BITS_HIGH, Standard};
use crate::filter::{BloomFilter, Table};
use crate::hash::{HashKey, xxh3_64::Xxh3_64};

const MAGIC: &[u8; 8] = b"assaybf\0";
const VERSION: u16 = 1;
const STANDARD: u8 = 1;
const SPLIT_BLOCK: u8 = 2;
/// Bytes before the payload.
pub const HEADER_BYTES: usize = 40;
/// Bytes after it.
pub const TRAILER_BYTES: usize = 8;

impl BloomFilter {
    /// The stored form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let (layout, probes, size) = match &self.table {
            Table::Standard(table) => (STANDARD, table.probes(), table.bits()),
            Table::SplitBlock(table) => (SPLIT_BLOCK, 8, table.blocks().len() as u64),
        };
        let length = HEADER_BYTES + usize::try_from(self.memory_bytes()).expect("it is in memory") + TRAILER_BYTES;
        let mut out = Vec::with_capacity(length);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&[layout, 0]);
        out.extend_from_slice(&probes.to_le_bytes());
        out.extend_from_slice(&self.key_type.to_bytes());
        out.extend_from_slice(&size.to_le_bytes());
        out.extend_from_slice(&self.keys_inserted.to_le_bytes());
        match &self.table {
            Table::Standard(table) => out.extend(table.words().iter().flat_map(|word| word.to_le_bytes())),
            Table::SplitBlock(table) => {
                out.extend(table.blocks().iter().flat_map(|block| block.0).flat_map(u32::to_le_bytes));
            }
        }
        let checksum = Xxh3_64::new(0).bytes(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }

    /// The filter of a stored form.
    ///
    /// # Errors
    /// If the bytes are no filter, are of a newer version, are truncated or too long, or have changed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let corrupt = |message: String| Error::Corrupt(format!("these bytes are no Bloom filter of assay: {message}"));
        if bytes.len() < HEADER_BYTES + TRAILER_BYTES {
            let least = HEADER_BYTES + TRAILER_BYTES;
            return Err(corrupt(format!("{} bytes; expected at least {least}", bytes.len())));
        }
        if &bytes[..8] != MAGIC {
            return Err(corrupt(format!("they begin with {:02x?}; expected {MAGIC:02x?}", &bytes[..8])));
        }
        let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|index| bytes[at + index]));
        let version = u16::from_le_bytes([bytes[8], bytes[9]]);
        if version != VERSION {
            return Err(corrupt(format!(
                "version {version}; expected {VERSION}: read them with the assay that wrote them"
            )));
        }
        let layout = bytes[10];
        let size = word(24);
        let payload = match layout {
            STANDARD if (1..=BITS_HIGH).contains(&size) => size.div_ceil(64) * 8,
            SPLIT_BLOCK if (1..=BLOCKS_HIGH).contains(&size) => size * 32,
            STANDARD | SPLIT_BLOCK => return Err(corrupt(format!("a size of {size} is out of bounds"))),
            _ => return Err(corrupt(format!("layout {layout}; expected 1 (standard) or 2 (split_block)"))),
        };
        let expected = payload + (HEADER_BYTES + TRAILER_BYTES) as u64;
        if bytes.len() as u64 != expected {
            return Err(corrupt(format!("{} bytes; their header says {expected}: truncated or joined", bytes.len())));
        }
        let (body, trailer) = bytes.split_at(bytes.len() - TRAILER_BYTES);
        if Xxh3_64::new(0).bytes(body).to_le_bytes() != trailer {
            return Err(corrupt("their checksum does not match; they have changed since they were written".to_owned()));
        }
        let key_type = KeyType::from_bytes(word(16).to_le_bytes());
        let key_type = key_type.ok_or_else(|| corrupt("the type of the keys is unknown".to_owned()))?;
        let probes = u32::from_le_bytes([bytes[12], bytes[13], bytes[14], bytes[15]]);
        let body = &body[HEADER_BYTES..];
        let table = if layout == STANDARD {
            let words = body.as_chunks::<8>().0.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect();
            Standard::from_parts(size, probes, words).map(Table::Standard)
        } else {
            let block = |chunk: &[u8; 32]| {
                Block(std::array::from_fn(|index| {
                    u32::from_le_bytes(std::array::from_fn(|byte| chunk[index * 4 + byte]))
                }))
            };
            let blocks = body.as_chunks::<32>().0.iter().map(block).collect();
            (probes == 8).then(|| SplitBlock::from_parts(blocks)).flatten().map(Table::SplitBlock)
        };
        let table = table.ok_or_else(|| corrupt("their header contradicts their bits".to_owned()))?;
        if bytes[11] != 0 || (layout == SPLIT_BLOCK && key_type == KeyType::Boolean) {
            return Err(corrupt("their header contradicts itself".to_owned()));
        }
        Ok(Self { table, key_type, keys_inserted: word(32) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::{Layout, Options};
    use crate::keys::Keys;
    use proptest::prelude::*;

    fn built(layout: Layout) -> BloomFilter {
        let words: Vec<u64> = (0..100).collect();
        let options = Options { layout, ..Options::default() };
        BloomFilter::build(&[Keys::from_words(&words)], KeyType::UInt64, options, 1).unwrap()
    }

    /// Changes one byte and makes the checksum right again.
    fn forged(layout: Layout, at: usize, value: u8) -> Vec<u8> {
        let mut bytes = built(layout).to_bytes();
        bytes[at] = value;
        let end = bytes.len() - TRAILER_BYTES;
        let checksum = Xxh3_64::new(0).bytes(&bytes[..end]);
        bytes[end..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    #[test]
    fn a_stored_filter_is_the_filter() {
        for layout in [Layout::Standard, Layout::SplitBlock] {
            let filter = built(layout);
            assert_eq!(BloomFilter::from_bytes(&filter.to_bytes()).unwrap(), filter);
        }
    }

    /// A filter written by version 1 stays readable: these bytes are a golden file.
    #[test]
    fn the_stored_form_is_pinned() {
        let words = [7];
        let options = Options { block_count: Some(1), ..Options::default() };
        let filter = BloomFilter::build(&[Keys::from_words(&words)], KeyType::UInt64, options, 1).unwrap();
        let bytes = filter.to_bytes();
        assert_eq!(&bytes[..16], b"assaybf\0\x01\0\x02\0\x08\0\0\0");
        assert_eq!(&bytes[16..40], b"\x09\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0");
        assert_eq!(bytes.len(), 80);
        // One bit in each of the eight words.
        assert!(bytes[40..72].chunks(4).all(|word| word.iter().map(|byte| byte.count_ones()).sum::<u32>() == 1));
    }

    #[test]
    fn forged_headers_are_refused_without_a_huge_allocation() {
        for layout in [Layout::Standard, Layout::SplitBlock] {
            // magic, version, layout, reserved byte, probes, type, size (low, high), last byte of size
            for (at, value) in
                [(0, 1), (8, 2), (10, 7), (11, 1), (12, 0), (13, 9), (16, 99), (17, 1), (24, 3), (29, 200), (31, 255)]
            {
                let error = BloomFilter::from_bytes(&forged(layout, at, value)).unwrap_err();
                assert!(matches!(error, Error::Corrupt(_)), "{layout:?} byte {at}: {error}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(BloomFilter::from_bytes(&bytes).is_err());
        }

        #[test]
        fn a_changed_cut_or_grown_filter_is_refused(at in 0_usize..10_000, flip in 1_u8..=255, standard: bool) {
            let whole = built(if standard { Layout::Standard } else { Layout::SplitBlock }).to_bytes();
            let at = at % whole.len();
            let mut changed = whole.clone();
            changed[at] ^= flip;
            prop_assert!(BloomFilter::from_bytes(&changed).is_err());
            prop_assert!(BloomFilter::from_bytes(&whole[..at]).is_err());
            let grown = [whole.clone(), vec![flip]].concat();
            prop_assert!(BloomFilter::from_bytes(&grown).is_err());
        }
    }
}
