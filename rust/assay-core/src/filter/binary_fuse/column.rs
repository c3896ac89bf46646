//! Binary fuse filters of columns, in both widths and arities.

use super::BinaryFuse;
use crate::error::{Error, Result};
use crate::filter::frame::{Header, Kind};
use crate::filter::hashes::Source;
use crate::filter::key_type::KeyType;
use crate::filter::table::{Fingerprint, Held, Table};
use crate::keys::Keys;

/// A table of one width and arity.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum AnyBinaryFuse {
    Eight3(BinaryFuse<u8, 3>),
    Eight4(BinaryFuse<u8, 4>),
    Sixteen3(BinaryFuse<u16, 3>),
    Sixteen4(BinaryFuse<u16, 4>),
}

/// A binary fuse filter of a column.
pub type BinaryFuseFilter = Held<AnyBinaryFuse>;

/// Calls `$body` with `$table` bound to the concrete table, so that loops are specialised.
macro_rules! with_table {
    ($any:expr, $table:ident => $body:expr) => {
        match $any {
            AnyBinaryFuse::Eight3($table) => $body,
            AnyBinaryFuse::Eight4($table) => $body,
            AnyBinaryFuse::Sixteen3($table) => $body,
            AnyBinaryFuse::Sixteen4($table) => $body,
        }
    };
}

impl AnyBinaryFuse {
    /// The table of the distinct hashes of a source.
    ///
    /// # Errors
    /// If there is no such width or arity, or there are too many keys.
    pub fn build<S: Source + ?Sized>(source: &S, fingerprint_bits: u32, arity: u32, threads: usize) -> Result<Self> {
        match (fingerprint_bits, arity) {
            (8, 3) => BinaryFuse::build(source, threads).map(Self::Eight3),
            (8, 4) => BinaryFuse::build(source, threads).map(Self::Eight4),
            (16, 3) => BinaryFuse::build(source, threads).map(Self::Sixteen3),
            (16, 4) => BinaryFuse::build(source, threads).map(Self::Sixteen4),
            (8 | 16, _) => Err(Error::Parameter(format!("arity is {arity}; expected 3 or 4 slots per key"))),
            _ => Err(Error::Parameter(format!("fingerprint_bits is {fingerprint_bits}; expected 8 or 16"))),
        }
    }

    /// The width of a fingerprint.
    #[must_use]
    pub fn fingerprint_bits(&self) -> u32 {
        match self {
            Self::Eight3(_) | Self::Eight4(_) => 8,
            Self::Sixteen3(_) | Self::Sixteen4(_) => 16,
        }
    }

    /// The slots of a key.
    #[must_use]
    pub fn arity(&self) -> u32 {
        match self {
            Self::Eight3(_) | Self::Sixteen3(_) => 3,
            Self::Eight4(_) | Self::Sixteen4(_) => 4,
        }
    }
}

/// Parameter: fingerprint bits, then arity, then log2 of a segment's slots, a byte each. Size: starts. Payload: the
/// slots, little-endian.
impl Table for AnyBinaryFuse {
    const KINDS: &'static [Kind] = &[Kind::BinaryFuse];

    fn probe(&self, hashes: &[u64], held: &mut [u64]) {
        with_table!(self, table => table.probe(hashes, held));
    }

    fn keys(&self) -> u64 {
        with_table!(self, table => table.keys())
    }

    fn bits(&self) -> u64 {
        with_table!(self, table => table.slots().len() as u64) * u64::from(self.fingerprint_bits())
    }

    fn expected_rate(&self) -> f64 {
        if self.keys() == 0 { 0.0 } else { 1.0 / f64::from(1_u32 << self.fingerprint_bits()) }
    }

    fn header(&self, key_type: KeyType) -> Header {
        let shape = with_table!(self, table => table.shape());
        Header {
            kind: Kind::BinaryFuse,
            parameter: self.fingerprint_bits() | self.arity() << 8 | shape.segment_slots.trailing_zeros() << 16,
            key_type,
            size: u64::from(shape.starts),
            keys: self.keys(),
            seed: with_table!(self, table => table.seed()),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        with_table!(self, table => Fingerprint::write(table.slots(), out));
    }

    fn read(header: &Header, payload: &[u8]) -> Option<Self> {
        let [fingerprint_bits, arity, segment_bits, _] = header.parameter.to_le_bytes();
        let (bits, starts, seed, keys) = (u32::from(segment_bits), header.size, header.seed, header.keys);
        match (fingerprint_bits, arity) {
            (8, 3) => BinaryFuse::from_parts(bits, starts, seed, keys, payload).map(Self::Eight3),
            (8, 4) => BinaryFuse::from_parts(bits, starts, seed, keys, payload).map(Self::Eight4),
            (16, 3) => BinaryFuse::from_parts(bits, starts, seed, keys, payload).map(Self::Sixteen3),
            (16, 4) => BinaryFuse::from_parts(bits, starts, seed, keys, payload).map(Self::Sixteen4),
            _ => None,
        }
    }
}

impl BinaryFuseFilter {
    /// The filter of a column's keys; nulls are skipped, duplicates held once.
    ///
    /// # Errors
    /// As [`AnyBinaryFuse::build`].
    pub fn build(
        chunks: &[Keys<'_>],
        key_type: KeyType,
        fingerprint_bits: u32,
        arity: u32,
        threads: usize,
    ) -> Result<Self> {
        AnyBinaryFuse::build(chunks, fingerprint_bits, arity, threads).map(|table| Self { table, key_type })
    }
}
