//! Hash functions that give 128 bits: 16 bytes a key.
//!
//! They are for columns and rows alone: placements and strategies take integers of at most 64 bits.
//! The order of the 16 bytes is each function's own, and what its best-known implementations print.

use crate::catalogue::Contender;
use crate::error::Result;
use crate::hash::{HashKey, column, murmur3_128, narrow_seed, xxh3_128};
use crate::keys::Keys;
use crate::threads;

/// The contenders of the room that give 128 bits.
pub const CONTENDERS: &[&Contender] = &[&xxh3_128::CONTENDER, &murmur3_128::CONTENDER];

/// A hash of 128 bits.
pub type Wide = [u8; 16];

/// A hash function of 128 bits, chosen by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WideFunction {
    /// XXH3 with 128 bits.
    Xxh3_128(xxh3_128::Xxh3_128),
    /// Murmur3 x64 with 128 bits.
    Murmur3_128(murmur3_128::Murmur3_128),
}

impl WideFunction {
    /// The function of this name with this seed; None if no function of 128 bits has that name.
    ///
    /// # Errors
    /// If the seed is wider than the function's.
    pub fn parse(name: &str, seed: u64) -> Result<Option<Self>> {
        Ok(match name {
            "xxh3_128" => Some(Self::Xxh3_128(xxh3_128::Xxh3_128::new(seed))),
            "murmur3_128" => Some(Self::Murmur3_128(murmur3_128::Murmur3_128::new(narrow_seed(name, seed)?))),
            _ => None,
        })
    }

    /// The hash of one byte string.
    #[must_use]
    pub fn bytes(&self, bytes: &[u8]) -> Wide {
        match self {
            Self::Xxh3_128(hasher) => hasher.bytes(bytes),
            Self::Murmur3_128(hasher) => hasher.bytes(bytes),
        }
    }
}

/// The hash of every row of `columns` as one key, on at most `threads` threads; a null key gives `null`. One column is
/// hashed as it is, several as framed compounds.
pub fn hash_wide_keys(columns: &[Keys<'_>], function: WideFunction, threads: usize, null: Wide, out: &mut [Wide]) {
    let values = |values: &Keys<'_>, entries: &mut [Wide]| {
        hash_wide_keys(std::slice::from_ref(values), function, threads, null, entries);
    };
    if column::by_dictionary(columns, threads, null, values, |hash| hash, out) {
        return;
    }
    threads::fill(out, threads, |first, part| match function {
        WideFunction::Xxh3_128(hasher) => hasher.rows(columns, first, null, part),
        WideFunction::Murmur3_128(hasher) => hasher.rows(columns, first, null, part),
    });
}
