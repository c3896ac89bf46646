//! The order of keys: integers and times by value, text and binary by bytes, NaN after all numbers.
//!
//! Range partitioning sorts keys and searches bounds. Each key becomes a value whose own order is
//! the key's: a word, a wide integer or bytes. Compound keys compare part by part, nulls last.

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

fn days(milliseconds: i64) -> i64 {
    milliseconds.div_euclid(86_400_000)
}

fn float(value: f64) -> u64 {
    let word = float_word(value);
    if word & SIGN == 0 { word ^ SIGN } else { !word }
}

/// A decimal's integer, to be divided by ten to its scale.
fn unscaled(decimals: &Decimals<'_>, row: usize) -> i128 {
    match decimals {
        Decimals::I32(values) => i128::from(values[row]),
        Decimals::I64(values) => i128::from(values[row]),
        Decimals::I128(values) => values[row],
        // `Keys::new` refused what does not fit; the low half is then the value.
        Decimals::I256(values) => {
            let mut low = [0; 16];
            low.copy_from_slice(&values[row][..16]);
            i128::from_le_bytes(low)
        }
    }
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
        Values::I64(values) | Values::Time64(values, _) => Part::Word(signed(values[row])),
        // Two moments of one day are one key.
        Values::Date64(values) => Part::Word(signed(days(values[row]))),
        Values::U8(values) => Part::Word(u64::from(values[row])),
        Values::U16(values) => Part::Word(u64::from(values[row])),
        Values::U32(values) => Part::Word(u64::from(values[row])),
        Values::U64(values) => Part::Word(values[row]),
        Values::F16(values) => Part::Word(float(values[row].to_f64())),
        Values::F32(values) => Part::Word(float(f64::from(values[row]))),
        Values::F64(values) => Part::Word(float(values[row])),
        Values::Boolean(bits) => Part::Word(u64::from(bits.get(row))),
        Values::Decimal(decimals, _) => Part::Wide(unscaled(decimals, row)),
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

/// The part of `keys` in `row` as a word, if the column's parts are words; null rows give anything.
#[inline]
fn word(keys: &Keys<'_>, row: usize) -> Option<u64> {
    match keys.values() {
        Values::I8(values) => Some(signed(i64::from(values[row]))),
        Values::I16(values) => Some(signed(i64::from(values[row]))),
        Values::I32(values) | Values::Date32(values) | Values::Time32(values, _) => {
            Some(signed(i64::from(values[row])))
        }
        Values::I64(values) | Values::Time64(values, _) => Some(signed(values[row])),
        Values::Date64(values) => Some(signed(days(values[row]))),
        Values::U8(values) => Some(u64::from(values[row])),
        Values::U16(values) => Some(u64::from(values[row])),
        Values::U32(values) => Some(u64::from(values[row])),
        Values::U64(values) => Some(values[row]),
        Values::F16(values) => Some(float(values[row].to_f64())),
        Values::F32(values) => Some(float(f64::from(values[row]))),
        Values::F64(values) => Some(float(values[row])),
        Values::Boolean(bits) => Some(u64::from(bits.get(row))),
        _ => None,
    }
}

/// The rows of `columns` whose key is not null, in ascending order of their keys; equal keys by row.
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn sorted_rows(columns: &[Keys<'_>]) -> Vec<u32> {
    let rows = columns.first().map_or(0, Keys::len);
    if let [column] = columns
        && rows > 0
    {
        let present = || (0..rows).filter(|row| !column.is_null(*row));
        if word(column, 0).is_some() {
            let mut pairs: Vec<(u64, u32)> =
                present().filter_map(|row| word(column, row).map(|word| (word, row as u32))).collect();
            pairs.sort_unstable();
            return pairs.into_iter().map(|(_, row)| row).collect();
        }
        if let Values::Decimal(decimals, _) = column.values() {
            let mut pairs: Vec<(i128, u32)> = present().map(|row| (unscaled(decimals, row), row as u32)).collect();
            pairs.sort_unstable();
            return pairs.into_iter().map(|(_, row)| row).collect();
        }
        if column.bytes(0).is_some() {
            let mut pairs: Vec<(&[u8], u32)> =
                present().filter_map(|row| column.bytes(row).map(|bytes| (bytes, row as u32))).collect();
            pairs.sort_unstable();
            return pairs.into_iter().map(|(_, row)| row).collect();
        }
    }
    let mut keys: Vec<(OrderedKey, u32)> =
        (0..rows).filter_map(|row| ordered_key(columns, row).map(|key| (key, row as u32))).collect();
    keys.sort_unstable();
    keys.into_iter().map(|(_, row)| row).collect()
}

/// Ascending bounds, in the form that a column is searched fastest in.
#[derive(Debug, Clone)]
pub struct Bounds {
    keys: Vec<OrderedKey>,
    words: Option<Vec<u64>>,
    bytes: Option<Vec<Box<[u8]>>>,
}

impl Bounds {
    /// Bounds in this order.
    #[must_use]
    pub fn new(keys: Vec<OrderedKey>) -> Self {
        let words = keys.iter().map(|key| if let [Part::Word(word)] = key[..] { Some(word) } else { None }).collect();
        let bytes = keys
            .iter()
            .map(|key| if let [Part::Bytes(bytes)] = &key[..] { Some(bytes.clone()) } else { None })
            .collect();
        Self { keys, words, bytes }
    }

    /// The bounds as keys.
    #[must_use]
    pub fn keys(&self) -> &[OrderedKey] {
        &self.keys
    }

    /// The number of bounds at most the key of `columns` in `row`; None if the key is null.
    #[inline]
    #[must_use]
    pub fn rank(&self, columns: &[Keys<'_>], row: usize) -> Option<usize> {
        if let [column] = columns {
            if column.is_null(row) {
                return None;
            }
            if let (Some(bounds), Some(word)) = (&self.words, word(column, row)) {
                return Some(bounds.partition_point(|bound| *bound <= word));
            }
            if let (Some(bounds), Some(bytes)) = (&self.bytes, column.bytes(row)) {
                return Some(bounds.partition_point(|bound| **bound <= *bytes));
            }
        }
        let key = ordered_key(columns, row)?;
        Some(self.keys.partition_point(|bound| *bound <= key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(values: Values<'_>, len: usize) -> Vec<usize> {
        let keys = Keys::new(values, None, len).unwrap();
        let rows = sorted_rows(std::slice::from_ref(&keys));
        let mut general: Vec<(OrderedKey, usize)> =
            (0..len).filter_map(|row| ordered_key(std::slice::from_ref(&keys), row).map(|key| (key, row))).collect();
        general.sort();
        let general: Vec<usize> = general.into_iter().map(|(_, row)| row).collect();
        let rows: Vec<usize> = rows.into_iter().map(|row| row as usize).collect();
        assert_eq!(rows, general, "the fast order is the general one");
        rows
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
    fn moments_of_one_day_are_one_date() {
        let keys = Keys::new(Values::Date64(&[86_400_000, 86_400_001, -1, i64::MIN]), None, 4).unwrap();
        assert_eq!(part(&keys, 0), part(&keys, 1));
        assert_eq!(order(Values::Date64(&[86_400_001, -1, 86_400_000, i64::MIN]), 4), [3, 1, 0, 2]);
    }

    #[test]
    fn zeros_are_equal() {
        let keys = Keys::new(Values::F64(&[0.0, -0.0]), None, 2).unwrap();
        assert_eq!(part(&keys, 0), part(&keys, 1));
    }
}
