//! Filters of fingerprints over columns: what a table of hashes must do, and what follows from it.
//!
//! A kind is a [`Table`]: built from hashes, it answers hashes. [`Held`] ties it to a column's type, probes
//! columns with it and stores it in the shared frame.

use crate::error::Result;
use crate::filter::batch;
use crate::filter::frame::{self, Header, Kind, corrupt};
use crate::filter::key_type::KeyType;
use crate::keys::Keys;
use crate::memory::{self, Zero};

/// A fingerprint: some bits of a key's word that none of its places depend on.
pub trait Fingerprint: Zero + Eq + Send + Sync + std::fmt::Debug + std::ops::BitXor<Output = Self> {
    /// The fingerprint of a mixed word: its low bits.
    fn of(word: u64) -> Self;

    /// Values that were stored in little-endian order.
    fn read(bytes: &[u8]) -> Vec<Self>;

    /// Stores values in little-endian order.
    fn write(values: &[Self], out: &mut Vec<u8>);
}

macro_rules! fingerprint {
    ($($kind:ty),*) => {
        $(impl Fingerprint for $kind {
            #[inline(always)]
            #[allow(clippy::cast_possible_truncation)]
            fn of(word: u64) -> Self {
                word as Self
            }

            fn read(bytes: &[u8]) -> Vec<Self> {
                let chunks = bytes.as_chunks::<{ size_of::<Self>() }>().0;
                let mut values = memory::zeros(chunks.len());
                for (value, chunk) in values.iter_mut().zip(chunks) {
                    *value = Self::from_le_bytes(*chunk);
                }
                values
            }

            fn write(values: &[Self], out: &mut Vec<u8>) {
                out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
            }
        })*
    };
}

fingerprint!(u8, u16);

/// A set of hashes.
pub trait Table: Clone + Eq + Send + Sync {
    /// The kinds of stored filters that it reads.
    const KINDS: &'static [Kind];

    /// Sets bit i of `held` if hash i may be held; what stands beyond the last hash means nothing.
    fn probe(&self, hashes: &[u64], held: &mut [u64]);

    /// The keys held.
    fn keys(&self) -> u64;

    /// The bits of the table.
    fn bits(&self) -> u64;

    /// The probability that an absent key is answered yes.
    fn expected_rate(&self) -> f64;

    /// What stands before the payload, but for the type of the keys.
    fn header(&self, key_type: KeyType) -> Header;

    /// Appends the payload, of `bits() / 8` bytes.
    fn write(&self, out: &mut Vec<u8>);

    /// The table of a stored filter; None if its header contradicts its payload.
    fn read(header: &Header, payload: &[u8]) -> Option<Self>;
}

/// A table that holds the keys of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held<T> {
    /// The set of their hashes.
    pub table: T,
    /// Their type, which probes need not have.
    pub key_type: KeyType,
}

impl<T: Table> Held<T> {
    /// A bit for each row, least significant first: whether the filter may hold its key. The bit of a null is 0.
    #[must_use]
    pub fn contains(&self, chunks: &[Keys<'_>], threads: usize) -> Vec<u64> {
        batch::contains(chunks, threads, &batch::canonical, &|hashes, held| self.table.probe(hashes, held))
    }

    /// The bytes of the table.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.table.bits().div_ceil(8)
    }

    /// The stored form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let length = usize::try_from(self.memory_bytes()).expect("it is in memory");
        frame::seal(&self.table.header(self.key_type), length, |out| self.table.write(out))
    }

    /// The filter of a stored form.
    ///
    /// # Errors
    /// If the bytes are no filter of this kind, are of a newer version, are truncated or too long, or have changed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (header, payload) = frame::open(bytes, T::KINDS)?;
        let table = T::read(&header, payload).ok_or_else(|| corrupt("their header contradicts their bits"))?;
        // One filter has one stored form: whatever a kind does not use is zero.
        if table.header(header.key_type) != header {
            return Err(corrupt("their header contradicts itself"));
        }
        Ok(Self { table, key_type: header.key_type })
    }
}
