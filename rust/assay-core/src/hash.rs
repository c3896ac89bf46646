//! The room of hash functions: keys in, fixed-width integers out, or 16 bytes.
//!
//! Every function sees the canonical bytes of a key ([`crate::keys`]), so one value hashes alike in
//! every type that can carry it. Results are stable for ever. A column is hashed by loops that are
//! compiled once per function and type of column ([`column`]); a dictionary is hashed once per value.

mod column;
pub mod crc16_xmodem;
pub mod crc32c;
pub mod digest;
pub mod fnv1a_64;
pub mod md5;
pub mod murmur3_128;
pub mod murmur3_32;
pub mod murmur3_cassandra;
pub mod murmur3_spark;
pub mod postgres;
pub mod rapidhash;
pub(crate) mod read;
pub mod siphash_2_4;
#[cfg(test)]
mod verification;
pub mod wide;
pub(crate) mod xxh3;
pub mod xxh32;
pub mod xxh3_128;
pub mod xxh3_64;
pub mod xxh64;

use crate::catalogue::Contender;
use crate::error::{Error, Result};
use crate::keys::{Canonical, Keys, Values};
use crate::threads;

pub use wide::WideFunction;

/// One hash function with its seed.
pub trait HashKey: Copy + Send + Sync {
    /// What a key becomes: an integer of at most 64 bits, or 16 bytes.
    type Value: Copy + Send + Sync;

    /// Whether eight bytes of text hash as the word that they spell.
    const TEXT_HASHES_AS_WORDS: bool = true;

    /// The hash of eight bytes, given as the little-endian integer that they spell.
    fn word(&self, word: u64) -> Self::Value;
    /// The hash of any bytes.
    fn bytes(&self, bytes: &[u8]) -> Self::Value;

    /// The hash of sixteen bytes, given as the little-endian integers that they spell.
    #[inline(always)]
    fn pair(&self, words: [u64; 2]) -> Self::Value {
        self.bytes(&(u128::from(words[1]) << 64 | u128::from(words[0])).to_le_bytes())
    }

    /// The hashes of the rows of `columns` from `first` on, as many as `out` has room for.
    fn rows(&self, columns: &[Keys<'_>], first: usize, null: Self::Value, out: &mut [Self::Value]) {
        column::hash_rows(columns, first, self, null, out);
    }
}

/// Rows whose hashes are narrowed at a time: they stay in the nearest cache.
const NARROWED_AT_ONCE: usize = 1024;

/// The contenders of this room that give at most 64 bits; [`wide::CONTENDERS`] are the others.
pub const CONTENDERS: &[&Contender] = &[
    &xxh3_64::CONTENDER,
    &xxh64::CONTENDER,
    &rapidhash::CONTENDER,
    &siphash_2_4::CONTENDER,
    &fnv1a_64::CONTENDER,
    &xxh32::CONTENDER,
    &crc32c::CONTENDER,
    &murmur3_32::CONTENDER,
    &murmur3_spark::CONTENDER,
    &murmur3_cassandra::CONTENDER,
    &crc16_xmodem::CONTENDER,
    &postgres::CONTENDER,
    &md5::CONTENDER,
    &IDENTITY,
];

/// The function that is none: unsigned 64-bit integers that are already hashed.
pub const IDENTITY: Contender = Contender {
    room: "hash",
    name: "identity",
    version: 1,
    idea: "Takes unsigned 64-bit integers as already hashed.",
    cost: "nothing",
    choose_when: "the keys are hashes, or a placement is to be checked against published vectors",
    source: "none",
    parameters: &[],
    abilities: &["64_bits"],
};

/// A hash function chosen by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashFunction {
    /// XXH3 with 64 bits.
    Xxh3_64(xxh3_64::Xxh3_64),
    /// XXH64.
    Xxh64(xxh64::Xxh64),
    /// rapidhash V3.
    Rapidhash(rapidhash::Rapidhash),
    /// SipHash-2-4 with k0 = seed, k1 = 0.
    SipHash24(siphash_2_4::SipHash24),
    /// FNV-1a with 64 bits.
    Fnv1a64(fnv1a_64::Fnv1a64),
    /// XXH32.
    Xxh32(xxh32::Xxh32),
    /// CRC-32C.
    Crc32c(crc32c::Crc32c),
    /// Murmur3 x86 with 32 bits.
    Murmur3_32(murmur3_32::Murmur3_32),
    /// Spark's Murmur3 with 32 bits.
    Murmur3Spark(murmur3_spark::Murmur3Spark),
    /// Cassandra's token.
    Murmur3Cassandra(murmur3_cassandra::Murmur3Cassandra),
    /// CRC-16/XMODEM of all bytes.
    Crc16Xmodem(crc16_xmodem::Crc16Xmodem),
    /// CRC-16/XMODEM of what Redis hashes of a key; it has no name, `redis_slots` chooses it.
    RedisKey(crc16_xmodem::RedisKey),
    /// PostgreSQL's hash of a partition key, by the column's type.
    Postgres(postgres::Postgres),
    /// The first 8 bytes of MD5, little-endian.
    Md5(md5::Md5),
    /// No hash: the key is one.
    Identity,
}

/// Calls `$body` with `$hasher` bound to the concrete function, so that loops are specialised.
macro_rules! with_function {
    ($function:expr, $hasher:ident => $body:expr, identity => $identity:expr) => {
        match $function {
            HashFunction::Xxh3_64($hasher) => $body,
            HashFunction::Xxh64($hasher) => $body,
            HashFunction::Rapidhash($hasher) => $body,
            HashFunction::SipHash24($hasher) => $body,
            HashFunction::Fnv1a64($hasher) => $body,
            HashFunction::Xxh32($hasher) => $body,
            HashFunction::Crc32c($hasher) => $body,
            HashFunction::Murmur3_32($hasher) => $body,
            HashFunction::Murmur3Spark($hasher) => $body,
            HashFunction::Murmur3Cassandra($hasher) => $body,
            HashFunction::Crc16Xmodem($hasher) => $body,
            HashFunction::RedisKey($hasher) => $body,
            HashFunction::Postgres($hasher) => $body,
            HashFunction::Md5($hasher) => $body,
            HashFunction::Identity => $identity,
        }
    };
}

#[cfg(test)]
pub(crate) use with_function;

impl HashFunction {
    /// The function of this name with this seed.
    ///
    /// # Errors
    /// If the name is unknown, if the function takes no seed and `seed` is not 0, or if the seed is
    /// wider than the function's.
    pub fn parse(name: &str, seed: u64) -> Result<Self> {
        let narrow = || narrow_seed(name, seed);
        let function = match name {
            "xxh3_64" => Self::Xxh3_64(xxh3_64::Xxh3_64::new(seed)),
            "xxh64" => Self::Xxh64(xxh64::Xxh64::new(seed)),
            "rapidhash" => Self::Rapidhash(rapidhash::Rapidhash::new(seed)),
            "siphash_2_4" => Self::SipHash24(siphash_2_4::SipHash24::new(seed)),
            "fnv1a_64" => Self::Fnv1a64(fnv1a_64::Fnv1a64),
            "crc32c" => Self::Crc32c(crc32c::Crc32c::default()),
            "xxh32" => Self::Xxh32(xxh32::Xxh32::new(narrow()?)),
            "murmur3_32" => Self::Murmur3_32(murmur3_32::Murmur3_32::new(narrow()?)),
            "murmur3_spark" => Self::Murmur3Spark(murmur3_spark::Murmur3Spark),
            "murmur3_cassandra" => Self::Murmur3Cassandra(murmur3_cassandra::Murmur3Cassandra),
            "crc16_xmodem" => Self::Crc16Xmodem(crc16_xmodem::Crc16Xmodem),
            "postgres" => Self::Postgres(postgres::Postgres),
            "md5" => Self::Md5(md5::Md5),
            "identity" => Self::Identity,
            _ if wide::CONTENDERS.iter().any(|contender| contender.name == name) => {
                return Err(Error::Parameter(format!(
                    "{name} gives 128 bits, but here a hash of at most 64 is wanted; choose xxh3_64, or another of {}",
                    names(CONTENDERS)
                )));
            }
            _ => {
                return Err(Error::UnknownName {
                    thing: "hash function",
                    name: name.to_owned(),
                    known: names(CONTENDERS),
                });
            }
        };
        if seed != 0 && !function.contender().can("seed") {
            return Err(Error::Parameter(format!(
                "{name} takes no seed, but seed is {seed}; leave it at 0 or choose xxh3_64"
            )));
        }
        Ok(function)
    }

    /// The catalogue's entry.
    #[must_use]
    pub fn contender(&self) -> &'static Contender {
        match self {
            Self::Xxh3_64(_) => &xxh3_64::CONTENDER,
            Self::Xxh64(_) => &xxh64::CONTENDER,
            Self::Rapidhash(_) => &rapidhash::CONTENDER,
            Self::SipHash24(_) => &siphash_2_4::CONTENDER,
            Self::Fnv1a64(_) => &fnv1a_64::CONTENDER,
            Self::Xxh32(_) => &xxh32::CONTENDER,
            Self::Crc32c(_) => &crc32c::CONTENDER,
            Self::Murmur3_32(_) => &murmur3_32::CONTENDER,
            Self::Murmur3Spark(_) => &murmur3_spark::CONTENDER,
            Self::Murmur3Cassandra(_) => &murmur3_cassandra::CONTENDER,
            Self::Crc16Xmodem(_) | Self::RedisKey(_) => &crc16_xmodem::CONTENDER,
            Self::Postgres(_) => &postgres::CONTENDER,
            Self::Md5(_) => &md5::CONTENDER,
            Self::Identity => &IDENTITY,
        }
    }

    /// The width of a hash in bits: 64, 32 or 16.
    #[must_use]
    pub fn bits(&self) -> u32 {
        match self.contender() {
            contender if contender.can("32_bits") => 32,
            contender if contender.can("16_bits") => 16,
            _ => 64,
        }
    }

    /// The hash of one byte string; the identity reads 8 little-endian bytes, and to PostgreSQL they are text.
    ///
    /// # Panics
    /// If the function is the identity and `bytes` are not 8.
    #[must_use]
    pub fn bytes(&self, bytes: &[u8]) -> u64 {
        with_function!(self, hasher => hasher.bytes(bytes),
            identity => u64::from_le_bytes(bytes.try_into().expect("identity takes 8 bytes")))
    }

    /// The hash of eight bytes, given as the little-endian integer that they spell; to PostgreSQL it is an integer.
    #[must_use]
    pub fn word(&self, word: u64) -> u64 {
        with_function!(self, hasher => hasher.word(word), identity => word)
    }

    /// The function for these columns: tags are looked for in one column of text or binary, and nowhere else.
    fn of_columns(self, columns: &[Keys<'_>]) -> Self {
        match (self, columns) {
            (Self::RedisKey(_), [column]) if is_text_or_binary(column) => self,
            (Self::RedisKey(_), _) => Self::Crc16Xmodem(crc16_xmodem::Crc16Xmodem),
            _ => self,
        }
    }

    fn check(&self, columns: &[Keys<'_>]) -> Result<()> {
        let unsigned = |keys: &Keys<'_>| match keys.values() {
            Values::U64(_) => true,
            Values::Dictionary { values, .. } => matches!(values.values(), Values::U64(_)),
            _ => false,
        };
        if *self == Self::Identity && !(columns.len() == 1 && unsigned(&columns[0])) {
            return Err(Error::UnsupportedType(
                "hash \"identity\" takes one column of type uint64, which is already hashed; \
                 cast the column, or choose xxh3_64"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}

/// The names of contenders, as messages list them.
fn names(contenders: &[&Contender]) -> String {
    contenders.iter().map(|contender| contender.name).collect::<Vec<_>>().join(", ")
}

/// A seed of a function that has room for 32 bits.
fn narrow_seed(name: &str, seed: u64) -> Result<u32> {
    u32::try_from(seed)
        .map_err(|_| Error::Parameter(format!("{name}: seed is {seed}; expected at most {} (32 bits)", u32::MAX)))
}

/// A hash function of either kind, as a caller names it who takes both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnyFunction {
    /// At most 64 bits.
    Narrow(HashFunction),
    /// 128 bits.
    Wide(WideFunction),
}

impl AnyFunction {
    /// The function of this name with this seed.
    ///
    /// # Errors
    /// As [`HashFunction::parse`].
    pub fn parse(name: &str, seed: u64) -> Result<Self> {
        if let Some(wide) = WideFunction::parse(name, seed)? {
            return Ok(Self::Wide(wide));
        }
        HashFunction::parse(name, seed).map(Self::Narrow).map_err(|error| match error {
            Error::UnknownName { thing, name, known } => {
                Error::UnknownName { thing, name, known: format!("{known}, {}", names(wide::CONTENDERS)) }
            }
            other => other,
        })
    }
}

/// An integer that takes the low bits of a hash.
pub trait Narrow: Copy + Send + Sync {
    /// The low bits.
    fn of(hash: u64) -> Self;
}

macro_rules! narrow {
    ($($kind:ty),*) => {
        $(impl Narrow for $kind {
            #[inline(always)]
            #[allow(clippy::cast_possible_truncation)]
            fn of(hash: u64) -> Self {
                hash as Self
            }
        })*
    };
}

narrow!(u16, u32);

/// Whether a column is of text or binary, in itself or in its dictionary.
fn is_text_or_binary(column: &Keys<'_>) -> bool {
    match column.values() {
        Values::Bytes32 { .. } | Values::Bytes64 { .. } | Values::Views { .. } | Values::Fixed { .. } => true,
        Values::Dictionary { values, .. } => is_text_or_binary(values),
        _ => false,
    }
}

/// The hash of every row of `columns` as one key, on at most `threads` threads; a null key gives
/// `null`. One column is hashed as it is, several as framed compounds.
///
/// # Errors
/// If the function cannot take these columns.
pub fn hash_keys(
    columns: &[Keys<'_>],
    function: HashFunction,
    threads: usize,
    null: u64,
    out: &mut [u64],
) -> Result<()> {
    function.check(columns)?;
    if let HashFunction::Postgres(_) = function {
        return postgres::hash_columns(columns, threads, null, out);
    }
    with_function!(function.of_columns(columns),
        hasher => hash_with(columns, &hasher, threads, null, out),
        identity => threads::fill(out, threads, |first, part| {
            columns[0].for_each(first..first + part.len(), |row, form| {
                part[row - first] = if let Canonical::Word(word) = form { word } else { null };
            });
        })
    );
    Ok(())
}

/// The hash of each row from `first` on, as many as there is room for, in this thread; for callers that work block by
/// block. A dictionary's values are hashed row by row here.
///
/// # Errors
/// If the function cannot take these columns.
pub fn hash_block(
    columns: &[Keys<'_>],
    function: HashFunction,
    first: usize,
    null: u64,
    out: &mut [u64],
) -> Result<()> {
    function.check(columns)?;
    if let HashFunction::Postgres(_) = function {
        return postgres::hash_block(columns, first, null, out);
    }
    with_function!(function.of_columns(columns),
        hasher => hasher.rows(columns, first, null, out),
        identity => columns[0].for_each(first..first + out.len(), |row, form| {
            out[row - first] = if let Canonical::Word(word) = form { word } else { null };
        })
    );
    Ok(())
}

fn hash_with(columns: &[Keys<'_>], hasher: &impl HashKey<Value = u64>, threads: usize, null: u64, out: &mut [u64]) {
    let values = |values: &Keys<'_>, entries: &mut [u64]| {
        hash_with(std::slice::from_ref(values), hasher, threads, null, entries);
    };
    // As a trait object's call, for a dictionary of dictionaries would nest closures without end.
    let values: &dyn Fn(&Keys<'_>, &mut [u64]) = &values;
    if !column::by_dictionary(columns, threads, null, values, |hash| hash, out) {
        threads::fill(out, threads, |first, part| hasher.rows(columns, first, null, part));
    }
}

/// The hash of every row as [`hash_keys`] has it, in an integer that is as wide as the function's hashes.
///
/// # Errors
/// If the function cannot take these columns.
pub fn hash_narrow_keys<T: Narrow>(
    columns: &[Keys<'_>],
    function: HashFunction,
    threads: usize,
    null: u64,
    out: &mut [T],
) -> Result<()> {
    function.check(columns)?;
    let mut inner = Ok(());
    let values = |values: &Keys<'_>, entries: &mut [u64]| {
        inner = hash_keys(std::slice::from_ref(values), function, threads, null, entries);
    };
    if column::by_dictionary(columns, threads, null, values, T::of, out) {
        return inner;
    }
    // What can be wrong with columns is so for all of their rows.
    hash_block(columns, function, 0, null, &mut [])?;
    threads::fill(out, threads, |first, part| {
        let mut hashes = [0; NARROWED_AT_ONCE];
        for (index, slots) in part.chunks_mut(NARROWED_AT_ONCE).enumerate() {
            let hashes = &mut hashes[..slots.len()];
            hash_block(columns, function, first + index * NARROWED_AT_ONCE, null, hashes)
                .expect("the columns were found to be fit");
            slots.iter_mut().zip(hashes).for_each(|(slot, hash)| *slot = T::of(*hash));
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests;
