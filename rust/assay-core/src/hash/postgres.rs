//! What PostgreSQL's `PARTITION BY HASH` computes of a key, by its type.
//!
//! Idea: each column is hashed by its type's extended hash function with the seed that partitioning
//! has for itself, and the columns are joined one after another; nulls add nothing, so that a key of
//! nulls has the hash 0. Cost: 3 ns a number, about 1 ns a byte of text. Choose it to know in which
//! partition PostgreSQL will put a row: hash mod n is its remainder for modulus n.
//!
//! Integers of all widths hash alike there (`hashint8extended`), as do floats (`hashfloat8extended`);
//! text, varchar and bytea by their bytes (`hash_bytes_extended`, Jenkins' lookup3; text under a
//! deterministic collation in a UTF-8 database), bool as a char. Dates, times, timestamps and
//! decimals are refused: PostgreSQL hashes them from another epoch or form.
//! Source: PostgreSQL 15, `partbounds.c`, `hashfn.c`, `hashfunc.c`; METHODOLOGY, "Keys".

use std::ops::Range;

use crate::catalogue::Contender;
use crate::error::{Error, Result};
use crate::hash::HashKey;
use crate::keys::{Canonical, Keys, Values};
use crate::threads;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "hash",
    name: "postgres",
    version: 1,
    idea: "The key's hash in PostgreSQL's PARTITION BY HASH: by type, nulls adding nothing.",
    cost: "3 ns per number, about 1 ns per byte of text",
    choose_when: "partitions must agree with PostgreSQL's",
    source: "PostgreSQL 15, src/backend/partitioning/partbounds.c and src/common/hashfn.c",
    parameters: &[],
    abilities: &["64_bits"],
};

/// `HASH_PARTITION_SEED` of `partition.h`.
const SEED: u64 = 0x7a5b_2236_7996_dcfd;

/// PostgreSQL's hash of one key of text or binary, or of an integer given as a word; it takes no seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Postgres;

impl HashKey for Postgres {
    type Value = u64;

    /// The hash of a signed integer of 64 bits.
    #[inline]
    fn word(&self, word: u64) -> u64 {
        combine(0, integer(word))
    }

    #[inline]
    fn bytes(&self, bytes: &[u8]) -> u64 {
        combine(0, text(bytes))
    }
}

type State = [u32; 3];

/// Jenkins' `mix`: reversible, so that no key is lost before the last words are in.
#[inline]
fn mix([mut a, mut b, mut c]: State) -> State {
    macro_rules! step {
        ($x:ident, $y:ident, $z:ident, $by:literal) => {
            $x = $x.wrapping_sub($z) ^ $z.rotate_left($by);
            $z = $z.wrapping_add($y);
        };
    }
    step!(a, b, c, 4);
    step!(b, c, a, 6);
    step!(c, a, b, 8);
    step!(a, b, c, 16);
    step!(b, c, a, 19);
    step!(c, a, b, 4);
    [a, b, c]
}

/// Jenkins' `final`, and both words that the extended functions keep of it.
#[inline]
fn finish([mut a, mut b, mut c]: State) -> u64 {
    macro_rules! step {
        ($x:ident, $y:ident, $by:literal) => {
            $x = ($x ^ $y).wrapping_sub($y.rotate_left($by));
        };
    }
    step!(c, b, 14);
    step!(a, c, 11);
    step!(b, a, 25);
    step!(c, b, 16);
    step!(a, c, 4);
    step!(b, a, 14);
    step!(c, b, 24);
    u64::from(b) << 32 | u64::from(c)
}

/// The state from which `length` bytes are hashed with the seed of partitioning.
#[inline]
#[allow(clippy::cast_possible_truncation)]
fn start(length: usize) -> State {
    let first = 0x9e37_79b9_u32.wrapping_add(length as u32).wrapping_add(3_923_095);
    mix([first.wrapping_add((SEED >> 32) as u32), first.wrapping_add(SEED as u32), first])
}

/// `hash_uint32_extended`.
#[inline]
fn four_bytes(value: u32) -> u64 {
    let [a, b, c] = start(4);
    finish([a.wrapping_add(value), b, c])
}

/// `hashint8extended`: an integer hashes alike in all widths that hold it.
#[inline]
#[allow(clippy::cast_possible_truncation)]
fn integer(word: u64) -> u64 {
    let (low, high) = (word as u32, (word >> 32) as u32);
    four_bytes(low ^ if word.cast_signed() >= 0 { high } else { !high })
}

/// `hash_bytes_extended`.
fn text(bytes: &[u8]) -> u64 {
    let mut state = start(bytes.len());
    let (blocks, tail) = bytes.as_chunks::<12>();
    for block in blocks {
        state = mix(add(state, block, 0));
    }
    let mut last = [0; 12];
    last[..tail.len()].copy_from_slice(tail);
    // The lowest byte of the third word is left to the length, so that tails reach it one byte later.
    finish(add(state, &last, 8))
}

#[inline]
fn add([a, b, c]: State, block: &[u8; 12], shift: u32) -> State {
    let word = |at: usize| u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]]);
    [a.wrapping_add(word(0)), b.wrapping_add(word(4)), c.wrapping_add(word(8) << shift)]
}

/// `hashfloat8extended` of a canonical word: both zeros hash to the seed, every NaN alike.
#[inline]
fn float(word: u64) -> u64 {
    if word == 0 { SEED } else { text(&word.to_le_bytes()) }
}

/// `hash_combine64`, by which columns are joined.
#[inline]
fn combine(row: u64, hash: u64) -> u64 {
    row ^ hash.wrapping_add(0x49a0_f4dd_15e5_a8e3).wrapping_add(row << 54).wrapping_add(row >> 7)
}

/// By which of PostgreSQL's functions a column is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Null,
    Integer,
    Float,
    Text,
    Boolean,
}

impl Kind {
    /// The kind of a column, whose rows of this range are to be hashed.
    fn of(keys: &Keys<'_>, rows: Range<usize>) -> Result<Self> {
        let refused = |what: &str| {
            Err(Error::UnsupportedType(format!(
                "postgres hashes integers, floats, bool, text and binary; {what} are hashed by PostgreSQL from another \
                 form: cast the column to one of these there and here, or choose another hash function"
            )))
        };
        match keys.values() {
            Values::Null => Ok(Self::Null),
            Values::I8(_) | Values::I16(_) | Values::I32(_) | Values::I64(_) => Ok(Self::Integer),
            Values::U8(_) | Values::U16(_) | Values::U32(_) => Ok(Self::Integer),
            Values::U64(values) => {
                let beyond = |row: &usize| values[*row] > i64::MAX.cast_unsigned() && !keys.is_null(*row);
                match { rows }.find(beyond) {
                    None => Ok(Self::Integer),
                    Some(row) => Err(Error::UnsupportedType(format!(
                        "postgres: row {row} is {}, beyond PostgreSQL's bigint; expected at most {}: choose another \
                         hash function",
                        values[row],
                        i64::MAX
                    ))),
                }
            }
            Values::F16(_) | Values::F32(_) | Values::F64(_) => Ok(Self::Float),
            Values::Boolean(_) => Ok(Self::Boolean),
            Values::Bytes32 { .. } | Values::Bytes64 { .. } | Values::Views { .. } | Values::Fixed { .. } => {
                Ok(Self::Text)
            }
            Values::Dictionary { values, .. } => Self::of(values, 0..values.len()),
            Values::Date32(_) | Values::Date64(_) => refused("dates"),
            Values::Time32(..) | Values::Time64(..) => refused("times and timestamps"),
            Values::Decimal(..) => refused("decimals"),
        }
    }

    #[inline]
    fn hash(self, form: Canonical<'_>) -> Option<u64> {
        match form {
            Canonical::Null => None,
            Canonical::Word(word) if self == Self::Float => Some(float(word)),
            Canonical::Word(word) => Some(integer(word)),
            Canonical::Bytes(bytes) if self == Self::Boolean => Some(four_bytes(u32::from(bytes[0]))),
            Canonical::Bytes(bytes) => Some(text(bytes)),
        }
    }
}

/// The hash of every row of `columns` as one key; null parts add nothing, and a key of nulls gets `null`.
///
/// # Errors
/// If a column is of a type that PostgreSQL hashes from another form, or holds an integer beyond its bigint.
pub fn hash_columns(columns: &[Keys<'_>], threads: usize, null: u64, out: &mut [u64]) -> Result<()> {
    let kinds = columns.iter().map(|column| Kind::of(column, 0..column.len())).collect::<Result<Vec<_>>>()?;
    threads::fill(out, threads, |first, part| hash_rows(columns, &kinds, first, null, part));
    Ok(())
}

/// As [`hash_columns`], of the rows from `first` on, as many as there is room for, in this thread.
///
/// # Errors
/// As there.
pub fn hash_block(columns: &[Keys<'_>], first: usize, null: u64, out: &mut [u64]) -> Result<()> {
    let rows = first..first + out.len();
    let kinds = columns.iter().map(|column| Kind::of(column, rows.clone())).collect::<Result<Vec<_>>>()?;
    hash_rows(columns, &kinds, first, null, out);
    Ok(())
}

fn hash_rows(columns: &[Keys<'_>], kinds: &[Kind], first: usize, null: u64, out: &mut [u64]) {
    out.fill(0);
    let mut present = vec![false; out.len()];
    for (column, kind) in columns.iter().zip(kinds) {
        column.for_each(first..first + out.len(), |row, form| {
            if let Some(hash) = kind.hash(form) {
                out[row - first] = combine(out[row - first], hash);
                present[row - first] = true;
            }
        });
    }
    for (slot, present) in out.iter_mut().zip(present) {
        if !present {
            *slot = null;
        }
    }
}

#[cfg(test)]
mod tests;
