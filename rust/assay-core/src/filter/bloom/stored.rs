//! The stored form of Bloom filters: the shared frame around their bits.
//!
//! `standard`: parameter k, size in bits, payload its u64 words. `split_block`: parameter 8, size in blocks, payload
//! Parquet's bitset. `blocked_512`: parameter k, size in lines, payload its u32 words.

use super::{BloomFilter, Table};
use crate::error::Result;
use crate::filter::blocked_512::{Blocked512, Line};
use crate::filter::frame::{self, Header, Kind, corrupt};
use crate::filter::key_type::KeyType;
use crate::filter::split_block::{Block, SplitBlock};
use crate::filter::standard::Standard;

impl BloomFilter {
    /// The stored form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let (kind, parameter, size) = match &self.table {
            Table::Standard(table) => (Kind::Standard, table.probes(), table.bits()),
            Table::SplitBlock(table) => (Kind::SplitBlock, 8, table.blocks().len() as u64),
            Table::Blocked512(table) => (Kind::Blocked512, table.probes(), table.lines().len() as u64),
        };
        let header = Header { kind, parameter, key_type: self.key_type, size, keys: self.key_count, seed: 0 };
        let length = usize::try_from(self.memory_bytes()).expect("it is in memory");
        frame::seal(&header, length, |out| match &self.table {
            Table::Standard(table) => out.extend(table.words().iter().flat_map(|word| word.to_le_bytes())),
            Table::SplitBlock(table) => {
                out.extend(table.blocks().iter().flat_map(|block| block.0).flat_map(u32::to_le_bytes));
            }
            Table::Blocked512(table) => {
                out.extend(table.lines().iter().flat_map(|line| line.0).flat_map(u32::to_le_bytes));
            }
        })
    }

    /// The filter of a stored form.
    ///
    /// # Errors
    /// If the bytes are no Bloom filter, are of a newer version, are truncated or too long, or have changed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (header, payload) = frame::open(bytes, &[Kind::SplitBlock, Kind::Standard, Kind::Blocked512])?;
        let table = match header.kind {
            Kind::Standard => {
                let words = payload.as_chunks::<8>().0.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect();
                Standard::from_parts(header.size, header.parameter, words).map(Table::Standard)
            }
            Kind::Blocked512 => {
                let word = |chunk: &[u8; 64], at: usize| std::array::from_fn(|byte| chunk[at * 4 + byte]);
                let line = |chunk: &[u8; 64]| Line(std::array::from_fn(|at| u32::from_le_bytes(word(chunk, at))));
                let (chunks, rest) = payload.as_chunks::<64>();
                let whole = rest.is_empty() && chunks.len() as u64 == header.size;
                let lines = chunks.iter().map(line).collect();
                Blocked512::from_parts(lines, header.parameter).filter(|_| whole).map(Table::Blocked512)
            }
            _ => split_block(&header, payload).map(Table::SplitBlock),
        };
        let table = table.ok_or_else(|| corrupt("their header contradicts their bits"))?;
        let filter = Self { table, key_type: header.key_type, key_count: header.keys };
        if filter.memory_bytes() != payload.len() as u64 || header.seed != 0 {
            return Err(corrupt("their header contradicts their bits"));
        }
        Ok(filter)
    }
}

/// The blocks of Parquet's bitset.
pub(crate) fn blocks_of(bitset: &[u8]) -> Vec<Block> {
    let word = |chunk: &[u8; 32], index: usize| u32::from_le_bytes(std::array::from_fn(|byte| chunk[index * 4 + byte]));
    let chunks = bitset.as_chunks::<32>().0;
    chunks.iter().map(|chunk| Block(std::array::from_fn(|index| word(chunk, index)))).collect()
}

fn split_block(header: &Header, payload: &[u8]) -> Option<SplitBlock> {
    let sound = header.parameter == 8 && header.size.checked_mul(32) == Some(payload.len() as u64);
    if !sound || header.key_type == KeyType::Boolean {
        return None;
    }
    SplitBlock::from_parts(blocks_of(payload))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::filter::frame::tests::forged;
    use crate::filter::{Layout, Options};
    use crate::keys::Keys;

    fn built(layout: Layout) -> BloomFilter {
        let words: Vec<u64> = (0..100).collect();
        let options = Options { layout, ..Options::default() };
        BloomFilter::build(&[Keys::from_words(&words)], KeyType::UInt64, options, 1).unwrap()
    }

    #[test]
    fn a_stored_filter_is_the_filter() {
        for layout in [Layout::Standard, Layout::SplitBlock, Layout::Blocked512] {
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
        assert_eq!(&bytes[..16], b"assayflt\x01\0\x02\0\x08\0\0\0");
        assert_eq!(&bytes[16..40], b"\x09\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0");
        assert_eq!(&bytes[40..56], b"\0\0\0\0\0\0\0\0\x20\0\0\0\0\0\0\0");
        assert_eq!(bytes.len(), 64 + 32 + 8);
        // One bit in each of the eight words.
        assert!(bytes[64..96].chunks(4).all(|word| word.iter().map(|byte| byte.count_ones()).sum::<u32>() == 1));
    }

    #[test]
    fn headers_that_contradict_the_bits_are_refused() {
        for layout in [Layout::Standard, Layout::SplitBlock, Layout::Blocked512] {
            // kind, probes, size (low, high), last byte of size, seed
            for (at, value) in [(10, 7), (10, 4), (12, 0), (13, 9), (24, 3), (29, 200), (31, 255), (40, 1)] {
                let error = BloomFilter::from_bytes(&forged(&built(layout).to_bytes(), at, value)).unwrap_err();
                assert!(matches!(error, Error::Corrupt(_)), "{layout:?} byte {at}: {error}");
            }
        }
    }
}
