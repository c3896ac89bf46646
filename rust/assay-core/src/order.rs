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
#[must_use]
pub fn word(keys: &Keys<'_>, row: usize) -> Option<u64> {
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

/// Rows in an order.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    form: OrderForm<'a>,
}

#[derive(Debug, Clone, Copy)]
enum OrderForm<'a> {
    Rows(&'a [u32]),
    /// As they stand, so many of them, without this one.
    AsTheyStand {
        count: u32,
        without: Option<u32>,
    },
}

impl<'a> Order<'a> {
    /// The order of these rows.
    #[must_use]
    pub fn rows(rows: &'a [u32]) -> Self {
        Self { form: OrderForm::Rows(rows) }
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self.form {
            OrderForm::Rows(rows) => rows.len(),
            OrderForm::AsTheyStand { count, .. } => count as usize,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row in this place.
    ///
    /// # Panics
    /// If there is none.
    #[inline]
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn get(&self, place: usize) -> u32 {
        match self.form {
            OrderForm::Rows(rows) => rows[place],
            OrderForm::AsTheyStand { count, without } => {
                assert!(place < count as usize, "the order has {count} rows");
                let place = place as u32;
                place + u32::from(without.is_some_and(|row| row <= place))
            }
        }
    }

    /// All rows in this order.
    pub fn iter(self) -> impl Iterator<Item = u32> + 'a {
        (0..self.len()).map(move |place| self.get(place))
    }

    /// How many rows at the beginning satisfy `holds`, which must hold for no row after one that it does not hold for.
    #[must_use]
    pub fn partition_point(&self, holds: impl Fn(u32) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if holds(self.get(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// The rows whose key is not null, in ascending order of their keys: a list only where they do not stand so anyway.
#[derive(Debug)]
pub enum Sorted {
    /// As they stand, so many of them, without the null key.
    AsTheyStand {
        /// The keys that are not null.
        count: u32,
        /// The row of the null key.
        without: Option<u32>,
    },
    /// In this order.
    Rows(Vec<u32>),
}

impl Sorted {
    /// Those of these columns.
    #[must_use]
    pub fn of(columns: &[Keys<'_>]) -> Self {
        as_they_stand(columns).unwrap_or_else(|| Self::Rows(sorted_rows(columns)))
    }

    /// Borrowed.
    #[must_use]
    pub fn order(&self) -> Order<'_> {
        match self {
            Self::AsTheyStand { count, without } => {
                Order { form: OrderForm::AsTheyStand { count: *count, without: *without } }
            }
            Self::Rows(rows) => Order::rows(rows),
        }
    }
}

/// The order of a column of words that ascend already, as ids in order of arrival do, with one null at most.
#[allow(clippy::cast_possible_truncation)]
fn as_they_stand(columns: &[Keys<'_>]) -> Option<Sorted> {
    let [column] = columns else { return None };
    let rows = column.len();
    if rows == 0 || rows > u32::MAX as usize {
        return None;
    }
    let (mut without, mut last) = (None, 0);
    for row in 0..rows {
        if column.is_null(row) {
            if without.replace(row as u32).is_some() {
                return None;
            }
            continue;
        }
        let word = word(column, row)?;
        if word < last {
            return None;
        }
        last = word;
    }
    Some(Sorted::AsTheyStand { count: rows as u32 - u32::from(without.is_some()), without })
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
            let words = || present().filter_map(|row| word(column, row));
            let (least, greatest) = (words().min().unwrap_or(0), words().max().unwrap_or(0));
            if greatest - least <= u64::from(u32::MAX) {
                // Close together: word and row fit 64 bits, half of what a pair takes.
                let packed = |row: usize| word(column, row).map(|word| (word - least) << 32 | row as u64);
                let mut pairs: Vec<u64> = present().filter_map(packed).collect();
                pairs.sort_unstable();
                return pairs.into_iter().map(|pair| pair as u32).collect();
            }
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
        let sorted = Sorted::of(std::slice::from_ref(&keys));
        assert!(sorted.order().iter().eq(rows.iter().map(|row| u32::try_from(*row).unwrap())));
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
    fn keys_that_ascend_need_no_list_and_null_is_left_out() {
        let bits = [0b1110_1111];
        let validity = |len| Some(crate::keys::Bitmap::new(&bits, 0, len));
        let values = [-5, -3, 0, 0, 99, 7, 8];
        let keys = Keys::new(Values::I64(&values), validity(7), 7).unwrap();
        let sorted = Sorted::of(std::slice::from_ref(&keys));
        assert!(matches!(sorted, Sorted::AsTheyStand { count: 6, without: Some(4) }));
        assert_eq!(sorted.order().iter().collect::<Vec<_>>(), [0, 1, 2, 3, 5, 6]);
        assert_eq!(sorted.order().partition_point(|row| values[row as usize] < 7), 4);
        let back = Keys::new(Values::I64(&[1, 3, 2]), None, 3).unwrap();
        assert!(matches!(Sorted::of(&[back]), Sorted::Rows(rows) if rows == [0, 2, 1]));
        let wide = [i64::MAX, i64::MIN, 0];
        assert_eq!(order(Values::I64(&wide), 3), [1, 2, 0]);
        assert_eq!(order(Values::I64(&[]), 0), [0; 0]);
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
