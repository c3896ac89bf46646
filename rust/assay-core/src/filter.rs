//! The room of filters: a set of keys in a few bits each, that never denies a key it holds.
//!
//! A filter is built on a column and probed with columns, 64 keys at a time: hash them while their
//! cache lines are fetched, test them, write 64 result bits. The bits do not depend on the order of
//! the keys, the chunks or the threads, so two filters of one size are joined by OR.

pub mod exact;
pub mod format;
pub mod key_type;
pub mod plain;
pub mod split_block;
pub mod standard;

use std::ops::Range;

use crate::catalogue::Contender;
use crate::error::{Error, Result};
use crate::hash::{HashKey, xxh3_64::Xxh3_64, xxh64::Xxh64};
use crate::keys::{Canonical, Keys, Values};
use crate::memory::prefetch;
use crate::threads;
use key_type::KeyType;
use plain::{Plain, Zero};
use split_block::SplitBlock;
use standard::Standard;

/// All contenders of this room.
pub const CONTENDERS: &[&Contender] = &[&split_block::CONTENDER, &standard::CONTENDER];

/// Threads that build side by side may take so many bytes for copies of the filter.
const COPIES_BYTES_HIGH: u64 = 1 << 30;

/// How the bits of a key are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// Eight bits of one 256-bit block: Parquet's.
    #[default]
    SplitBlock,
    /// k bits anywhere.
    Standard,
}

impl Layout {
    /// The layout of this name.
    ///
    /// # Errors
    /// If the name is unknown.
    pub fn parse(name: &str) -> Result<Self> {
        match name {
            "split_block" => Ok(Self::SplitBlock),
            "standard" => Ok(Self::Standard),
            _ => Err(Error::UnknownName {
                thing: "filter layout",
                name: name.to_owned(),
                known: CONTENDERS.iter().map(|contender| contender.name).collect::<Vec<_>>().join(", "),
            }),
        }
    }

    /// The catalogue's entry.
    #[must_use]
    pub fn contender(self) -> &'static Contender {
        match self {
            Self::SplitBlock => &split_block::CONTENDER,
            Self::Standard => &standard::CONTENDER,
        }
    }
}

/// How a filter is to be built.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// The layout.
    pub layout: Layout,
    /// The share of absent keys that may be answered yes, at capacity.
    pub false_positive_rate: f64,
    /// The number of blocks, instead of rate and capacity; `split_block` only.
    pub block_count: Option<u64>,
    /// The number of distinct keys to make room for; None means the keys that are not null.
    pub capacity: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self { layout: Layout::default(), false_positive_rate: 0.01, block_count: None, capacity: None }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Table {
    Standard(Standard),
    SplitBlock(SplitBlock),
}

/// A Bloom filter over the keys of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BloomFilter {
    table: Table,
    key_type: KeyType,
    keys_inserted: u64,
}

/// Calls `visit` with the index of each set bit, in order.
#[inline]
fn for_each_bit(mask: u64, mut visit: impl FnMut(usize)) {
    if mask == u64::MAX {
        (0..64).for_each(visit);
        return;
    }
    let mut rest = mask;
    while rest != 0 {
        visit(rest.trailing_zeros() as usize);
        rest &= rest - 1;
    }
}

/// Fetches for each hash in `mask` before any of them is used.
#[inline]
fn prefetched(hashes: &[u64; 64], mask: u64, fetch: impl Fn(u64)) {
    for_each_bit(mask, |index| fetch(hashes[index]));
}

/// Result bits appended up to 64 at a time, at any position.
#[derive(Debug, Default)]
struct BitWriter {
    words: Vec<u64>,
    len: usize,
}

impl BitWriter {
    /// Appends the low `count` bits of `bits`, whose other bits are zero; `count` is 1 to 64.
    fn push(&mut self, bits: u64, count: usize) {
        let used = self.len & 63;
        if used == 0 {
            self.words.push(bits);
        } else {
            *self.words.last_mut().expect("a used word exists") |= bits << used;
            if used + count > 64 {
                self.words.push(bits >> (64 - used));
            }
        }
        self.len += count;
    }
}

/// Calls `work(start, count)` for runs of at most 64 rows.
fn for_each_batch(range: Range<usize>, mut work: impl FnMut(usize, usize)) {
    let mut start = range.start;
    while start < range.end {
        let count = (range.end - start).min(64);
        work(start, count);
        start += count;
    }
}

/// Where row ranges of consecutive chunks lie: calls `work(chunk, rows)` for each part of `range`.
fn for_each_part(chunks: &[Keys<'_>], range: Range<usize>, mut work: impl FnMut(usize, Range<usize>)) {
    let mut first = 0;
    for (index, chunk) in chunks.iter().enumerate() {
        let next = first + chunk.len();
        let part = range.start.max(first)..range.end.min(next);
        if !part.is_empty() {
            work(index, part.start - first..part.end - first);
        }
        first = next;
    }
}

fn rows_of(chunks: &[Keys<'_>]) -> usize {
    chunks.iter().map(Keys::len).sum()
}

fn count_present(chunks: &[Keys<'_>]) -> u64 {
    let present = |chunk: &Keys<'_>| {
        if chunk.may_be_null() { (0..chunk.len()).filter(|row| !chunk.is_null(*row)).count() } else { chunk.len() }
    };
    chunks.iter().map(present).sum::<usize>() as u64
}

/// The dictionary of a chunk whose values are worth handling once each.
fn small_dictionary<'k, 'a>(chunk: &'k Keys<'a>) -> Option<(&'k crate::keys::Indices<'a>, &'k Keys<'a>)> {
    match chunk.values() {
        Values::Dictionary { indices, values } if values.len() <= chunk.len() => Some((indices, values)),
        _ => None,
    }
}

impl BloomFilter {
    /// A filter that holds the keys of all chunks; nulls are skipped.
    ///
    /// # Errors
    /// If the layout cannot keep the rate or hold the type, or an option does not fit it.
    pub fn build(chunks: &[Keys<'_>], key_type: KeyType, options: Options, threads: usize) -> Result<Self> {
        if options.capacity == Some(0) {
            return Err(Error::Parameter("capacity is 0; expected at least 1, or None for the keys given".to_owned()));
        }
        let capacity = || options.capacity.unwrap_or_else(|| count_present(chunks));
        let table = match (options.layout, options.block_count) {
            (Layout::Standard, None) => {
                Table::Standard(Standard::with_capacity(capacity(), options.false_positive_rate)?)
            }
            (Layout::Standard, Some(_)) => {
                return Err(Error::Parameter(
                    "layout \"standard\" has no blocks; match the size of a filter by its capacity and \
                     false_positive_rate, or choose layout=\"split_block\""
                        .to_owned(),
                ));
            }
            (Layout::SplitBlock, None) => Table::SplitBlock(SplitBlock::with_blocks(split_block::blocks_for(
                capacity(),
                options.false_positive_rate,
            )?)?),
            (Layout::SplitBlock, Some(count)) => {
                if options.capacity.is_some() {
                    return Err(Error::Parameter(
                        "block_count and capacity are both given; expected one: blocks are the size".to_owned(),
                    ));
                }
                Table::SplitBlock(SplitBlock::with_blocks(count)?)
            }
        };
        if options.layout == Layout::SplitBlock && key_type == KeyType::Boolean {
            return Err(Error::UnsupportedType(
                "a bool cannot be in a filter of layout \"split_block\": Parquet has no filters of bool; \
                 choose layout=\"standard\""
                    .to_owned(),
            ));
        }
        let mut filter = Self { table, key_type, keys_inserted: 0 };
        filter.insert(chunks, key_type, threads)?;
        Ok(filter)
    }

    /// The hashes of up to 64 rows; the mask has a bit where there is one.
    #[inline]
    fn hash_batch(
        &self,
        keys: &Keys<'_>,
        from: KeyType,
        zero: Zero,
        start: usize,
        count: usize,
        hashes: &mut [u64; 64],
    ) -> u64 {
        let mut mask = 0_u64;
        let range = start..start + count;
        match &self.table {
            Table::Standard(_) => {
                let hash = Xxh3_64::new(0);
                keys.for_each(range, |row, form| {
                    let value = match form {
                        Canonical::Word(word) => hash.word(word),
                        Canonical::Bytes(bytes) => hash.bytes(bytes),
                        Canonical::Null => return,
                    };
                    hashes[row - start] = value;
                    mask |= 1 << (row - start);
                });
            }
            Table::SplitBlock(_) => {
                let hash = Xxh64::new(0);
                let visit = |row: usize, plain: Plain<'_>| {
                    let value = match plain {
                        Plain::Word32(word) => hash.half_word(word),
                        Plain::Word64(word) => hash.word(word),
                        Plain::Bytes(bytes) => hash.bytes(bytes),
                        Plain::Absent => return,
                    };
                    hashes[row - start] = value;
                    mask |= 1 << (row - start);
                };
                if from == self.key_type {
                    plain::for_each_own(keys, self.key_type, zero, range, visit);
                } else {
                    plain::for_each_cast(keys, from, self.key_type, zero, range, visit);
                }
            }
        }
        mask
    }

    fn set(&mut self, hashes: &[u64; 64], mask: u64) {
        match &mut self.table {
            Table::Standard(table) => table.insert(hashes, mask),
            Table::SplitBlock(table) => table.insert(hashes, mask),
        }
    }

    fn test(&self, hashes: &[u64; 64], mask: u64) -> u64 {
        match &self.table {
            Table::Standard(table) => table.probe(hashes, mask),
            Table::SplitBlock(table) => table.probe(hashes, mask),
        }
    }

    /// Adds the keys of all chunks; nulls are skipped. Nothing is added if there is an error.
    ///
    /// # Errors
    /// If a key has no exact value in the type that the filter was built on.
    pub fn insert(&mut self, chunks: &[Keys<'_>], from: KeyType, threads: usize) -> Result<()> {
        if from != self.key_type && matches!(self.table, Table::SplitBlock(_)) {
            self.check_cast(chunks, from)?;
        }
        let rows = rows_of(chunks);
        // Each thread sets the bits of its own copy. Making and joining a copy costs about as much as
        // inserting a key for every 16 to 32 bytes; copies beyond a GiB are not worth their memory.
        let bytes = self.memory_bytes();
        let copies = (rows as u64 * 4 / bytes).min(1 + COPIES_BYTES_HIGH / bytes).min(threads as u64);
        let pieces = threads::pieces(rows, usize::try_from(copies).unwrap_or(1));
        if pieces == 1 {
            self.insert_rows(chunks, from, 0..rows);
        } else {
            let empty = self.emptied();
            let parts = threads::split(rows, pieces, |range| {
                let mut part = empty.clone();
                part.insert_rows(chunks, from, range);
                part
            });
            parts.iter().for_each(|part| self.join(part));
        }
        self.keys_inserted = self.keys_inserted.saturating_add(count_present(chunks));
        Ok(())
    }

    fn check_cast(&self, chunks: &[Keys<'_>], from: KeyType) -> Result<()> {
        for chunk in chunks {
            let mut refused = None;
            plain::for_each_cast(chunk, from, self.key_type, Zero::AsItIs, 0..chunk.len(), |row, plain| {
                if plain == Plain::Absent && refused.is_none() && !chunk.is_null(row) {
                    refused = Some(row);
                }
            });
            if let Some(row) = refused {
                return Err(Error::UnsupportedType(format!(
                    "{} of type {from} has no exact value in {}, the type that the filter was built on; build the \
                     filter on a wider type, or choose layout=\"standard\"",
                    chunk.display(row),
                    self.key_type
                )));
            }
        }
        Ok(())
    }

    fn insert_rows(&mut self, chunks: &[Keys<'_>], from: KeyType, range: Range<usize>) {
        let mut hashes = [0; 64];
        for_each_part(chunks, range, |index, rows| {
            let chunk = &chunks[index];
            let Some((indices, values)) = small_dictionary(chunk) else {
                for_each_batch(rows, |start, count| {
                    let mask = self.hash_batch(chunk, from, Zero::AsItIs, start, count, &mut hashes);
                    self.set(&hashes, mask);
                });
                return;
            };
            // Only the values that some row uses are keys.
            let mut used = vec![0_u64; values.len().div_ceil(64)];
            for row in rows.filter(|row| !chunk.is_null(*row)) {
                let entry = indices.get(row);
                used[entry >> 6] |= 1 << (entry & 63);
            }
            for_each_batch(0..values.len(), |start, count| {
                let mask = self.hash_batch(values, from, Zero::AsItIs, start, count, &mut hashes);
                self.set(&hashes, mask & used[start >> 6]);
            });
        });
    }

    /// A bit for each row, least significant first: whether the filter may hold its key. The bit of
    /// a null is 0.
    #[must_use]
    pub fn contains(&self, chunks: &[Keys<'_>], from: KeyType, threads: usize) -> Vec<u64> {
        let zero = self.zero_held();
        let dictionaries: Vec<Option<Vec<u64>>> = chunks
            .iter()
            .map(|chunk| {
                let (_, values) = small_dictionary(chunk)?;
                Some(self.contains(std::slice::from_ref(values), from, threads))
            })
            .collect();
        let parts = threads::map(rows_of(chunks), threads, |range| {
            let mut out = BitWriter { words: Vec::with_capacity(range.len().div_ceil(64) + 1), len: 0 };
            let mut hashes = [0; 64];
            for_each_part(chunks, range, |index, rows| {
                let chunk = &chunks[index];
                match (&dictionaries[index], chunk.values()) {
                    (Some(held), Values::Dictionary { indices, .. }) => for_each_batch(rows, |start, count| {
                        let bit = |row: usize| {
                            let entry = indices.get(row);
                            held[entry >> 6] >> (entry & 63) & 1
                        };
                        let bits = (0..count).filter(|index| !chunk.is_null(start + index));
                        out.push(bits.fold(0, |bits, index| bits | bit(start + index) << index), count);
                    }),
                    _ => for_each_batch(rows, |start, count| {
                        let mask = self.hash_batch(chunk, from, zero, start, count, &mut hashes);
                        out.push(self.test(&hashes, mask), count);
                    }),
                }
            });
            out.words
        });
        parts.concat()
    }

    /// Which zero a probe for zero asks for: 0.0 and -0.0 are one key but two values in Parquet.
    fn zero_held(&self) -> Zero {
        let Table::SplitBlock(table) = &self.table else { return Zero::AsItIs };
        if !self.key_type.is_float() {
            return Zero::AsItIs;
        }
        let (mut hashes, mut scratch) = ([0; 64], [0; 32]);
        let hash = Xxh64::new(0);
        hashes[0] = match exact::encode(exact::Exact::Float(-0.0), self.key_type, Zero::AsItIs, &mut scratch) {
            Plain::Word32(word) => hash.half_word(word),
            Plain::Word64(word) => hash.word(word),
            Plain::Bytes(bytes) => hash.bytes(bytes),
            Plain::Absent => return Zero::AsItIs,
        };
        if table.probe(&hashes, 1) == 1 { Zero::Negative } else { Zero::Positive }
    }

    fn emptied(&self) -> Self {
        let table = match &self.table {
            Table::Standard(table) => {
                let words = vec![0; table.words().len()];
                let made = Standard::from_parts(table.bits(), table.probes(), words);
                Table::Standard(made.expect("the parts are a filter's own"))
            }
            Table::SplitBlock(table) => {
                let made = SplitBlock::with_blocks(table.blocks().len() as u64);
                Table::SplitBlock(made.expect("the size is a filter's own"))
            }
        };
        Self { table, key_type: self.key_type, keys_inserted: 0 }
    }

    /// ORs the bits of a filter of the same shape.
    fn join(&mut self, other: &Self) {
        match (&mut self.table, &other.table) {
            (Table::Standard(left), Table::Standard(right)) => {
                left.words_mut().iter_mut().zip(right.words()).for_each(|(left, right)| *left |= right);
            }
            (Table::SplitBlock(left), Table::SplitBlock(right)) => {
                for (left, right) in left.blocks_mut().iter_mut().zip(right.blocks()) {
                    left.0.iter_mut().zip(right.0).for_each(|(left, right)| *left |= right);
                }
            }
            _ => unreachable!("filters of two layouts are refused before"),
        }
    }

    /// The filter that holds the keys of both.
    ///
    /// # Errors
    /// If the two differ in layout, size or type of keys.
    pub fn union(&self, other: &Self) -> Result<Self> {
        let shape = |filter: &Self| match &filter.table {
            Table::Standard(table) => format!("standard of {} bits and {} probes", table.bits(), table.probes()),
            Table::SplitBlock(table) => format!("split_block of {} blocks", table.blocks().len()),
        };
        if shape(self) != shape(other) {
            return Err(Error::Parameter(format!(
                "a filter of layout {} cannot be joined with one of {}; build both with the same layout, \
                 false_positive_rate and capacity (or block_count)",
                shape(self),
                shape(other)
            )));
        }
        if self.key_type != other.key_type {
            return Err(Error::Parameter(format!(
                "a filter on keys of type {} cannot be joined with one on {}; cast one column before it is built",
                self.key_type, other.key_type
            )));
        }
        let mut joined = self.clone();
        joined.join(other);
        joined.keys_inserted = self.keys_inserted.saturating_add(other.keys_inserted);
        Ok(joined)
    }

    /// The layout.
    #[must_use]
    pub fn layout(&self) -> Layout {
        match self.table {
            Table::Standard(_) => Layout::Standard,
            Table::SplitBlock(_) => Layout::SplitBlock,
        }
    }

    /// The type of the column that the filter was built on.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// The number of blocks; None for `standard`, which has none.
    #[must_use]
    pub fn block_count(&self) -> Option<u64> {
        match &self.table {
            Table::Standard(_) => None,
            Table::SplitBlock(table) => Some(table.blocks().len() as u64),
        }
    }

    /// The number of bits.
    #[must_use]
    pub fn bits(&self) -> u64 {
        match &self.table {
            Table::Standard(table) => table.bits(),
            Table::SplitBlock(table) => table.blocks().len() as u64 * split_block::BLOCK_BITS,
        }
    }

    /// The number of bits that a probe looks at.
    #[must_use]
    pub fn probes(&self) -> u32 {
        match &self.table {
            Table::Standard(table) => table.probes(),
            Table::SplitBlock(_) => 8,
        }
    }

    /// The bytes of the bits.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.bits().div_ceil(64) * 8
    }

    /// The number of keys inserted, duplicates counted, nulls not.
    #[must_use]
    pub fn keys_inserted(&self) -> u64 {
        self.keys_inserted
    }

    /// The probability that a key with a random hash is answered yes, from the bits that are set.
    #[must_use]
    pub fn expected_false_positive_rate(&self) -> f64 {
        match &self.table {
            Table::Standard(table) => table.expected_rate(),
            Table::SplitBlock(table) => table.expected_rate(),
        }
    }
}

#[cfg(test)]
mod tests;
