//! XXH64 of the PLAIN bytes of keys, a stretch of rows at a time: what Parquet's filters hash.
//!
//! Words and half words are hashed in lanes; text and binary by the loop of their column; decimals and what is cast
//! key by key. Source: Apache Parquet, `BloomFilter.md`.

use std::ops::Range;

use crate::filter::batch::Stretch;
use crate::filter::key_type::KeyType;
use crate::filter::plain::{self, Plain, Zero};
use crate::hash::{HashKey, xxh64::Xxh64};
use crate::keys::{Keys, TimeUnit, Values};
use crate::lanes::{self, Loop};

/// Replaces words by their hashes; of `HALF` words the low four bytes count.
struct HashWords<'a, const HALF: bool>(&'a mut [u64]);

impl<const HALF: bool> Loop for HashWords<'_, HALF> {
    type Output = ();

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn run(self) {
        let hash = Xxh64::new(0);
        for word in self.0 {
            *word = if HALF { hash.half_word(*word as u32) } else { hash.word(*word) };
        }
    }
}

/// The hash of one key; None if it has no PLAIN bytes.
#[must_use]
pub fn hash_one(plain: Plain<'_>) -> Option<u64> {
    let hash = Xxh64::new(0);
    match plain {
        Plain::Word32(word) => Some(hash.half_word(word)),
        Plain::Word64(word) => Some(hash.word(word)),
        Plain::Bytes(bytes) => Some(hash.bytes(bytes)),
        Plain::Absent => None,
    }
}

/// Fills `out` with the hashes of `rows` of keys of type `from`, in the type `built`; a key without an exact value there
/// is left out, as a null is.
#[allow(clippy::cast_sign_loss)]
pub fn hash(keys: &Keys<'_>, from: KeyType, built: KeyType, zero: Zero, rows: Range<usize>, out: &mut Stretch) {
    out.begin(rows.len());
    let start = rows.start;
    if from != built {
        plain::for_each_cast(keys, from, built, zero, rows, |row, plain| put(out, row - start, plain));
        return;
    }
    macro_rules! words {
        ($half:literal, $values:ident, $value:ident => $word:expr) => {{
            let words = &mut out.hashes[..rows.len()];
            for (word, $value) in words.iter_mut().zip(&$values[rows]) {
                *word = $word;
            }
            lanes::run(HashWords::<$half>(words));
        }};
    }
    match keys.values() {
        Values::I64(values) => words!(false, values, value => *value as u64),
        Values::U64(values) => words!(false, values, value => *value),
        Values::F64(values) => words!(false, values, value => zero.bits_64(*value)),
        Values::Time64(values, unit) if *unit != TimeUnit::Second => words!(false, values, value => *value as u64),
        Values::I32(values) | Values::Date32(values) => words!(true, values, value => *value as u64),
        Values::U32(values) => words!(true, values, value => u64::from(*value)),
        Values::F32(values) => words!(true, values, value => u64::from(zero.bits_32(*value))),
        Values::Bytes32 { .. } | Values::Bytes64 { .. } | Values::Views { .. } | Values::Fixed { .. } => {
            // Their canonical bytes are their PLAIN ones.
            let words = &mut out.hashes[..rows.len()];
            Xxh64::new(0).rows(std::slice::from_ref(keys), start, 0, words);
        }
        _ => {
            plain::for_each_own(keys, built, zero, rows, |row, plain| put(out, row - start, plain));
            return;
        }
    }
    out.leave_out_nulls(keys, start);
}

fn put(out: &mut Stretch, index: usize, plain: Plain<'_>) {
    match hash_one(plain) {
        Some(hash) => out.hashes[index] = hash,
        None => out.leave_out(index),
    }
}
