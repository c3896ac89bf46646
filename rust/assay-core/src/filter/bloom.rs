//! Bloom filters over columns, in every layout: built, grown, probed, joined and stored.
//!
//! A key sets some bits and is held only if all of them are set, so a filter never denies a key it holds. The bits do
//! not depend on the order of the keys, the chunks or the threads, and two filters of one size are joined by OR.
//! Source: Bloom 1970, "Space/Time Trade-offs in Hash Coding with Allowable Errors".

mod stored;

use std::ops::Range;

use crate::catalogue::Contender;
use crate::error::{Error, Result};
use crate::filter::batch::{self, Stretch};
use crate::filter::blocked_512::{self, Blocked512, Line};
use crate::filter::exact;
use crate::filter::key_type::KeyType;
use crate::filter::plain::{self, Plain, Zero};
use crate::filter::plain_hash;
use crate::filter::split_block::{self, Block, SplitBlock};
use crate::filter::standard::{self, Standard};
use crate::keys::Keys;
use crate::threads;

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
    /// k bits of one cache line.
    Blocked512,
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
            "blocked_512" => Ok(Self::Blocked512),
            _ => Err(Error::UnknownName {
                thing: "filter layout",
                name: name.to_owned(),
                known: "split_block, standard, blocked_512".to_owned(),
            }),
        }
    }

    /// The catalogue's entry.
    #[must_use]
    pub fn contender(self) -> &'static Contender {
        match self {
            Self::SplitBlock => &split_block::CONTENDER,
            Self::Standard => &standard::CONTENDER,
            Self::Blocked512 => &blocked_512::CONTENDER,
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
    Blocked512(Blocked512),
}

/// A Bloom filter over the keys of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BloomFilter {
    table: Table,
    key_type: KeyType,
    key_count: u64,
}

/// How large a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Size {
    /// Bits and probes.
    Standard(u64, u32),
    /// Blocks.
    SplitBlock(u64),
    /// Lines and probes.
    Blocked512(u64, u32),
}

impl Table {
    fn size(&self) -> Size {
        match self {
            Self::Standard(table) => Size::Standard(table.bits(), table.probes()),
            Self::SplitBlock(table) => Size::SplitBlock(table.blocks().len() as u64),
            Self::Blocked512(table) => Size::Blocked512(table.lines().len() as u64, table.probes()),
        }
    }

    /// A table without keys, of the size of one that is there.
    fn empty(size: Size) -> Self {
        match size {
            Size::Standard(bits, probes) => Self::Standard(Standard::empty(bits, probes)),
            Size::SplitBlock(blocks) => Self::SplitBlock(SplitBlock::with_blocks(blocks).expect("a table's own size")),
            Size::Blocked512(lines, probes) => Self::Blocked512(Blocked512::empty(lines, probes)),
        }
    }
}

impl std::fmt::Display for Size {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Standard(bits, probes) => write!(out, "standard of {bits} bits and {probes} probes"),
            Self::SplitBlock(blocks) => write!(out, "split_block of {blocks} blocks"),
            Self::Blocked512(lines, probes) => write!(out, "blocked_512 of {lines} lines and {probes} probes"),
        }
    }
}

/// Bits that are joined with others.
trait Or: Copy + Send + Sync {
    fn or(&mut self, other: Self);
}

impl Or for u64 {
    fn or(&mut self, other: Self) {
        *self |= other;
    }
}

impl Or for Block {
    fn or(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(left, right)| *left |= right);
    }
}

impl Or for Line {
    fn or(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(left, right)| *left |= right);
    }
}

/// ORs slices of one length into the first.
fn or_all<T: Or>(left: &mut [T], others: &[&[T]], threads: usize) {
    threads::fill(left, threads, |first, part| {
        for other in others {
            part.iter_mut().zip(&other[first..]).for_each(|(left, right)| left.or(*right));
        }
    });
}

/// Which hash of a key a layout takes.
#[derive(Debug, Clone, Copy)]
enum Hashing {
    /// XXH3_64 of canonical bytes.
    Canonical,
    /// XXH64 of Parquet's PLAIN bytes in the built type.
    Plain { from: KeyType, built: KeyType, zero: Zero },
}

impl Hashing {
    fn hash(self, keys: &Keys<'_>, rows: Range<usize>, out: &mut Stretch) {
        match self {
            Self::Canonical => batch::canonical(keys, rows, out),
            Self::Plain { from, built, zero } => plain_hash::hash(keys, from, built, zero, rows, out),
        }
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
        let capacity = || options.capacity.unwrap_or_else(|| batch::count_present(chunks));
        let table = match (options.layout, options.block_count) {
            (Layout::Standard, None) => {
                Table::Standard(Standard::with_capacity(capacity(), options.false_positive_rate)?)
            }
            (Layout::Blocked512, None) => {
                Table::Blocked512(Blocked512::with_capacity(capacity(), options.false_positive_rate)?)
            }
            (Layout::Standard | Layout::Blocked512, Some(_)) => {
                return Err(Error::Parameter(format!(
                    "layout \"{}\" takes no block_count; match the size of a filter by its capacity and \
                     false_positive_rate, or choose layout=\"split_block\"",
                    options.layout.contender().name
                )));
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
        let mut filter = Self { table, key_type, key_count: 0 };
        filter.insert(chunks, key_type, threads)?;
        Ok(filter)
    }

    /// A filter of layout `standard` from its table.
    pub(super) fn from_standard(table: Standard, key_type: KeyType, key_count: u64) -> Self {
        Self { table: Table::Standard(table), key_type, key_count }
    }

    /// The filter of Parquet's bitset for a column of this type; None if there are no blocks or too many.
    #[must_use]
    pub fn from_bitset(bitset: &[u8], key_type: KeyType, key_count: u64) -> Option<Self> {
        let whole = bitset.len().is_multiple_of(32) && key_type != KeyType::Boolean;
        let table = SplitBlock::from_parts(stored::blocks_of(bitset)).filter(|_| whole)?;
        Some(Self { table: Table::SplitBlock(table), key_type, key_count })
    }

    fn hashing(&self, from: KeyType, zero: Zero) -> Hashing {
        match &self.table {
            Table::Standard(_) | Table::Blocked512(_) => Hashing::Canonical,
            Table::SplitBlock(_) => Hashing::Plain { from, built: self.key_type, zero },
        }
    }

    fn set(&mut self, hashes: &[u64]) {
        match &mut self.table {
            Table::Standard(table) => table.insert(hashes),
            Table::SplitBlock(table) => table.insert(hashes),
            Table::Blocked512(table) => table.insert(hashes),
        }
    }

    fn test(&self, hashes: &[u64], held: &mut [u64]) {
        match &self.table {
            Table::Standard(table) => table.probe(hashes, held),
            Table::SplitBlock(table) => table.probe(hashes, held),
            Table::Blocked512(table) => table.probe(hashes, held),
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
        let rows = batch::count_rows(chunks);
        // Each thread sets the bits of a filter of its own, the first one of this one. Clearing and joining a copy moves
        // about two bytes for each of the filter's, side by side too; copies beyond a GiB are not worth their memory.
        let bytes = self.memory_bytes();
        let copies = (rows as u64 * 8 / bytes).min(1 + COPIES_BYTES_HIGH / bytes).min(threads as u64);
        let pieces = threads::pieces(rows, usize::try_from(copies).unwrap_or(1));
        let first = if pieces == 1 { rows } else { rows.div_ceil(pieces).next_multiple_of(64).min(rows) };
        let (size, key_type) = (self.table.size(), self.key_type);
        let others = || {
            threads::split(rows - first, pieces - 1, |range| {
                let mut part = Self { table: Table::empty(size), key_type, key_count: 0 };
                part.insert_rows(chunks, from, range.start + first..range.end + first);
                part
            })
        };
        if first == rows {
            self.insert_rows(chunks, from, 0..rows);
        } else {
            let ((), parts) = threads::join(threads, || self.insert_rows(chunks, from, 0..first), others);
            self.join(&parts, pieces);
        }
        self.key_count = self.key_count.saturating_add(batch::count_present(chunks));
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
        let hashing = self.hashing(from, Zero::AsItIs);
        batch::for_each_run(chunks, range, |keys, rows, out| hashing.hash(keys, rows, out), |hashes| self.set(hashes));
    }

    /// A bit for each row, least significant first: whether the filter may hold its key. The bit of
    /// a null is 0.
    #[must_use]
    pub fn contains(&self, chunks: &[Keys<'_>], from: KeyType, threads: usize) -> Vec<u64> {
        let hashing = self.hashing(from, self.zero_held());
        batch::contains(chunks, threads, &|keys, rows, out| hashing.hash(keys, rows, out), &|hashes, held| {
            self.test(hashes, held);
        })
    }

    /// Which zero a probe for zero asks for: 0.0 and -0.0 are one key but two values in Parquet.
    fn zero_held(&self) -> Zero {
        let Table::SplitBlock(table) = &self.table else { return Zero::AsItIs };
        if !self.key_type.is_float() {
            return Zero::AsItIs;
        }
        let mut scratch = [0; 32];
        let plain = exact::encode(exact::Exact::Float(-0.0), self.key_type, Zero::AsItIs, &mut scratch);
        match plain_hash::hash_one(plain) {
            Some(hash) if table.holds(hash) => Zero::Negative,
            Some(_) => Zero::Positive,
            None => Zero::AsItIs,
        }
    }

    /// ORs the bits of filters of the same shape.
    fn join(&mut self, others: &[Self], threads: usize) {
        macro_rules! all {
            ($left:expr, $kind:ident, $bits:ident) => {{
                let others = others.iter().filter_map(|other| match &other.table {
                    Table::$kind(table) => Some(table.$bits()),
                    _ => None,
                });
                or_all($left, &others.collect::<Vec<_>>(), threads);
            }};
        }
        match &mut self.table {
            Table::Standard(left) => all!(left.words_mut(), Standard, words),
            Table::SplitBlock(left) => all!(left.blocks_mut(), SplitBlock, blocks),
            Table::Blocked512(left) => all!(left.lines_mut(), Blocked512, lines),
        }
    }

    /// The filter that holds the keys of both.
    ///
    /// # Errors
    /// If the two differ in layout, size or type of keys.
    pub fn union(&self, other: &Self) -> Result<Self> {
        let (left, right) = (self.table.size(), other.table.size());
        if left != right {
            return Err(Error::Parameter(format!(
                "a filter of layout {left} cannot be joined with one of {right}; build both with the same layout, \
                 false_positive_rate and capacity (or block_count)"
            )));
        }
        if self.key_type != other.key_type {
            return Err(Error::Parameter(format!(
                "a filter on keys of type {} cannot be joined with one on {}; cast one column before it is built",
                self.key_type, other.key_type
            )));
        }
        let mut joined = self.clone();
        joined.join(std::slice::from_ref(other), 1);
        joined.key_count = self.key_count.saturating_add(other.key_count);
        Ok(joined)
    }

    /// The layout.
    #[must_use]
    pub fn layout(&self) -> Layout {
        match self.table {
            Table::Standard(_) => Layout::Standard,
            Table::SplitBlock(_) => Layout::SplitBlock,
            Table::Blocked512(_) => Layout::Blocked512,
        }
    }

    /// The type of the column that the filter was built on.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// The number of blocks, of 256 bits in `split_block` and of 512 in `blocked_512`; None for `standard`.
    #[must_use]
    pub fn block_count(&self) -> Option<u64> {
        match &self.table {
            Table::Standard(_) => None,
            Table::SplitBlock(table) => Some(table.blocks().len() as u64),
            Table::Blocked512(table) => Some(table.lines().len() as u64),
        }
    }

    /// The number of bits.
    #[must_use]
    pub fn bits(&self) -> u64 {
        match &self.table {
            Table::Standard(table) => table.bits(),
            Table::SplitBlock(table) => table.blocks().len() as u64 * split_block::BLOCK_BITS,
            Table::Blocked512(table) => table.lines().len() as u64 * blocked_512::LINE_BITS,
        }
    }

    /// The number of bits that a probe looks at.
    #[must_use]
    pub fn probes(&self) -> u32 {
        match &self.table {
            Table::Standard(table) => table.probes(),
            Table::SplitBlock(_) => 8,
            Table::Blocked512(table) => table.probes(),
        }
    }

    /// The bytes of the bits.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.bits().div_ceil(64) * 8
    }

    /// The number of keys inserted, duplicates counted, nulls not.
    #[must_use]
    pub fn key_count(&self) -> u64 {
        self.key_count
    }

    /// The probability that a key with a random hash is answered yes, from the bits that are set.
    #[must_use]
    pub fn expected_false_positive_rate(&self) -> f64 {
        match &self.table {
            Table::Standard(table) => table.expected_rate(),
            Table::SplitBlock(table) => table.expected_rate(),
            Table::Blocked512(table) => table.expected_rate(),
        }
    }

    /// The false-positive rate that a filter of this layout and size has with `keys` distinct keys, by the layout's own
    /// formula.
    #[must_use]
    pub fn false_positive_rate_at(&self, keys: u64) -> f64 {
        match &self.table {
            Table::Standard(table) => standard::rate_at(table.bits(), table.probes(), keys),
            Table::SplitBlock(table) => table.rate_at(keys),
            Table::Blocked512(table) => table.rate_at(keys),
        }
    }
}

#[cfg(test)]
mod tests;
