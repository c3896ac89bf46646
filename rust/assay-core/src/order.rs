//! The order of keys: integers and times by value, text and binary by bytes, NaN after all numbers.
//!
//! Range partitioning sorts keys and searches bounds. Each key becomes a value whose own order is
//! the key's: a word, a wide integer or bytes. Compound keys compare part by part, nulls last.

use std::cmp::Ordering;

use crate::keys::{Decimals, Keys, Values, float_word};

/// One part of a key as something that compares as the key does; all rows of a column use one
/// variant, or `Null`, which comes last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Up to 64 bits: integers, floats, times, bool.
    Word(u64),
    /// Decimals at the column's scale.
    Wide(i128),
    /// Text and binary.
    Bytes(Box<[u8]>),
    /// No value.
    Null,
}

impl Part {
    /// The bytes that hold the value.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Word(_) => 8,
            Self::Wide(_) => 16,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Null => 0,
        }
    }
}

const SIGN: u64 = 1 << 63;

#[allow(clippy::cast_sign_loss)]
fn signed(value: i64) -> u64 {
    value as u64 ^ SIGN
}

fn float(value: f64) -> u64 {
    let word = float_word(value);
    if word & SIGN == 0 { word ^ SIGN } else { !word }
}

/// The part of `keys` in `row`.
#[must_use]
pub fn part(keys: &Keys<'_>, row: usize) -> Part {
    if keys.is_null(row) {
        return Part::Null;
    }
    match keys.values() {
        Values::Null => Part::Null,
        Values::I8(values) => Part::Word(signed(i64::from(values[row]))),
        Values::I16(values) => Part::Word(signed(i64::from(values[row]))),
        Values::I32(values) | Values::Date32(values) | Values::Time32(values, _) => {
            Part::Word(signed(i64::from(values[row])))
        }
        Values::I64(values) | Values::Date64(values) | Values::Time64(values, _) => Part::Word(signed(values[row])),
        Values::U8(values) => Part::Word(u64::from(values[row])),
        Values::U16(values) => Part::Word(u64::from(values[row])),
        Values::U32(values) => Part::Word(u64::from(values[row])),
        Values::U64(values) => Part::Word(values[row]),
        Values::F16(values) => Part::Word(float(values[row].to_f64())),
        Values::F32(values) => Part::Word(float(f64::from(values[row]))),
        Values::F64(values) => Part::Word(float(values[row])),
        Values::Boolean(bits) => Part::Word(u64::from(bits.get(row))),
        Values::Decimal(decimals, _) => Part::Wide(match decimals {
            Decimals::I32(values) => i128::from(values[row]),
            Decimals::I64(values) => i128::from(values[row]),
            Decimals::I128(values) => values[row],
            // `Keys::new` refused what does not fit; the low half is then the value.
            Decimals::I256(values) => {
                let mut low = [0; 16];
                low.copy_from_slice(&values[row][..16]);
                i128::from_le_bytes(low)
            }
        }),
        Values::Dictionary { indices, values } => part(values, indices.get(row)),
        Values::Bytes32 { .. } | Values::Bytes64 { .. } | Values::Views { .. } | Values::Fixed { .. } => {
            keys.at(row, |form| match form {
                crate::keys::Canonical::Bytes(bytes) => Part::Bytes(bytes.into()),
                crate::keys::Canonical::Word(word) => Part::Bytes(Box::new(word.to_le_bytes())),
                crate::keys::Canonical::Null => Part::Null,
            })
        }
    }
}

/// A whole key: one part per column.
pub type OrderedKey = Box<[Part]>;

/// The key of `columns` in `row`; None if all its parts are null.
#[must_use]
pub fn ordered_key(columns: &[Keys<'_>], row: usize) -> Option<OrderedKey> {
    let parts: OrderedKey = columns.iter().map(|column| part(column, row)).collect();
    parts.iter().any(|part| *part != Part::Null).then_some(parts)
}

/// The rows of `columns` whose key is not null, in ascending order of their keys, with the keys.
#[must_use]
pub fn sorted(columns: &[Keys<'_>]) -> Vec<(OrderedKey, usize)> {
    let rows = columns.first().map_or(0, Keys::len);
    let mut keys: Vec<(OrderedKey, usize)> =
        (0..rows).filter_map(|row| ordered_key(columns, row).map(|key| (key, row))).collect();
    keys.sort_unstable_by(|left, right| match left.0.cmp(&right.0) {
        Ordering::Equal => left.1.cmp(&right.1),
        unequal => unequal,
    });
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(values: Values<'_>, len: usize) -> Vec<usize> {
        let keys = Keys::new(values, None, len).unwrap();
        sorted(std::slice::from_ref(&keys)).into_iter().map(|(_, row)| row).collect()
    }

    #[test]
    fn numbers_sort_by_value_and_nan_comes_last() {
        assert_eq!(order(Values::I64(&[5, -3, 0]), 3), [1, 2, 0]);
        assert_eq!(order(Values::U64(&[u64::MAX, 1, 1 << 63]), 3), [1, 2, 0]);
        let floats = [f64::NAN, 1.5, f64::NEG_INFINITY, -0.0, f64::INFINITY, -2.0];
        assert_eq!(order(Values::F64(&floats), 6), [2, 5, 3, 1, 4, 0]);
        assert_eq!(order(Values::Decimal(Decimals::I128(&[10, -1, 9]), 1), 3), [1, 2, 0]);
    }

    #[test]
    fn text_sorts_by_bytes() {
        // "Z" (5a) < "a" (61) < "é" (c3 a9)
        assert_eq!(order(Values::Bytes32 { offsets: &[0, 2, 3, 4], data: "éaZ".as_bytes() }, 3), [2, 1, 0]);
    }

    #[test]
    fn zeros_are_equal() {
        let keys = Keys::new(Values::F64(&[0.0, -0.0]), None, 2).unwrap();
        assert_eq!(part(&keys, 0), part(&keys, 1));
    }
}
