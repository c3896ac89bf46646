//! Parquet's PLAIN bytes of keys, in the type of the column that a filter was built on.
//!
//! Integers up to 32 bits, dates and 32-bit times are INT32; wider ones, timestamps and 64-bit times
//! INT64 (seconds as milliseconds: Parquet has no seconds); floats are their raw bits; text and
//! binary are raw bytes without a length; decimals are big-endian and as narrow as their precision
//! allows. Keys of another type are cast exactly ([`crate::filter::exact`]) or have no such bytes.
//! Source: Apache Parquet, `Encodings.md` "Plain", `LogicalTypes.md`, `BloomFilter.md`.

use std::ops::Range;

use crate::filter::exact;
use crate::filter::key_type::KeyType;
use crate::keys::{Decimals, Keys, TimeUnit, Values};

/// The PLAIN bytes of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plain<'b> {
    /// The key is null, or has no exact value in the built type.
    Absent,
    /// Four bytes, as the little-endian integer that they spell.
    Word32(u32),
    /// Eight bytes, as the little-endian integer that they spell.
    Word64(u64),
    /// Any other bytes.
    Bytes(&'b [u8]),
}

/// What becomes of a float's zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zero {
    /// Its own bits: what Parquet's writers hash.
    AsItIs,
    /// 0.0, whatever its sign.
    Positive,
    /// -0.0, whatever its sign.
    Negative,
}

impl Zero {
    fn sign(self, negative: bool) -> bool {
        match self {
            Self::AsItIs => negative,
            Self::Positive => false,
            Self::Negative => true,
        }
    }

    /// The bits of a 64-bit float.
    #[inline]
    #[must_use]
    pub fn bits_64(self, value: f64) -> u64 {
        if value == 0.0 { u64::from(self.sign(value.is_sign_negative())) << 63 } else { value.to_bits() }
    }

    /// The bits of a 32-bit float.
    #[inline]
    #[must_use]
    pub fn bits_32(self, value: f32) -> u32 {
        if value == 0.0 { u32::from(self.sign(value.is_sign_negative())) << 31 } else { value.to_bits() }
    }

    /// The bits of a 16-bit float.
    #[inline]
    #[must_use]
    pub fn bits_16(self, bits: u16) -> u16 {
        if bits & 0x7fff == 0 { u16::from(self.sign(bits >> 15 == 1)) << 15 } else { bits }
    }
}

/// The bytes that Parquet gives to a decimal of this precision: the fewest that hold it.
#[must_use]
pub fn decimal_bytes(precision: u8) -> usize {
    // A signed integer of b bytes holds every decimal of floor((8 b - 1) log10 2) digits.
    (1..=32).find(|bytes| (8 * bytes - 1) * 30_103 / 100_000 >= usize::from(precision)).unwrap_or(32)
}

/// The big-endian bytes of a 256-bit integer given as little-endian bytes.
#[inline]
pub(crate) fn big_endian(little: &[u8; 32]) -> [u8; 32] {
    let mut big = *little;
    big.reverse();
    big
}

/// The 32 little-endian bytes of a 128-bit integer.
#[inline]
pub(crate) fn widen(value: i128) -> [u8; 32] {
    let mut wide = [if value < 0 { 0xff } else { 0 }; 32];
    wide[..16].copy_from_slice(&value.to_le_bytes());
    wide
}

/// Calls `visit(row, plain)` for each row of `range` of keys that are of type `built` themselves.
#[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation)]
pub fn for_each_own(
    keys: &Keys<'_>,
    built: KeyType,
    zero: Zero,
    range: Range<usize>,
    mut visit: impl FnMut(usize, Plain<'_>),
) {
    macro_rules! rows {
        ($row:ident => $form:expr) => {
            match keys.validity() {
                None => {
                    for $row in range {
                        visit($row, $form);
                    }
                }
                Some(bits) => {
                    for $row in range {
                        if bits.get($row) {
                            visit($row, $form);
                        } else {
                            visit($row, Plain::Absent);
                        }
                    }
                }
            }
        };
    }
    macro_rules! decimals {
        ($row:ident => $wide:expr) => {{
            let KeyType::Decimal { precision, .. } = built else { unreachable!("decimals are built on decimals") };
            let from = 32 - decimal_bytes(precision);
            rows!($row => Plain::Bytes(&big_endian(&$wide)[from..]))
        }};
    }
    match keys.values() {
        Values::Null | Values::Boolean(_) => range.for_each(|row| visit(row, Plain::Absent)),
        Values::I8(values) => rows!(row => Plain::Word32(i32::from(values[row]) as u32)),
        Values::I16(values) => rows!(row => Plain::Word32(i32::from(values[row]) as u32)),
        Values::I32(values) | Values::Date32(values) => rows!(row => Plain::Word32(values[row] as u32)),
        Values::U8(values) => rows!(row => Plain::Word32(u32::from(values[row]))),
        Values::U16(values) => rows!(row => Plain::Word32(u32::from(values[row]))),
        Values::U32(values) => rows!(row => Plain::Word32(values[row])),
        Values::I64(values) => rows!(row => Plain::Word64(values[row] as u64)),
        Values::U64(values) => rows!(row => Plain::Word64(values[row])),
        Values::F16(values) => rows!(row => Plain::Bytes(&zero.bits_16(values[row].to_bits()).to_le_bytes())),
        Values::F32(values) => rows!(row => Plain::Word32(zero.bits_32(values[row]))),
        Values::F64(values) => rows!(row => Plain::Word64(zero.bits_64(values[row]))),
        Values::Date64(values) => rows!(row => Plain::Word32(values[row].div_euclid(86_400_000) as u32)),
        Values::Time32(values, unit) => {
            let factor = if *unit == TimeUnit::Second { 1_000 } else { 1 };
            rows!(row => Plain::Word32(values[row].wrapping_mul(factor) as u32));
        }
        Values::Time64(values, unit) => {
            // Overflow was refused by `Keys::new`; null rows may hold anything.
            let factor = if *unit == TimeUnit::Second { 1_000 } else { 1 };
            rows!(row => Plain::Word64(values[row].wrapping_mul(factor) as u64));
        }
        Values::Decimal(Decimals::I32(values), _) => decimals!(row => widen(i128::from(values[row]))),
        Values::Decimal(Decimals::I64(values), _) => decimals!(row => widen(i128::from(values[row]))),
        Values::Decimal(Decimals::I128(values), _) => decimals!(row => widen(values[row])),
        Values::Decimal(Decimals::I256(values), _) => decimals!(row => values[row]),
        Values::Dictionary { indices, values } => {
            for row in range {
                if keys.validity().is_some_and(|bits| !bits.get(row)) {
                    visit(row, Plain::Absent);
                } else {
                    let entry = indices.get(row);
                    for_each_own_dyn(values, built, zero, entry..entry + 1, &mut |_, plain| visit(row, plain));
                }
            }
        }
        // Bytes in all their layouts: their canonical bytes are their PLAIN ones.
        _ => keys.for_each(range, |row, form| {
            visit(
                row,
                if let crate::keys::Canonical::Bytes(bytes) = form { Plain::Bytes(bytes) } else { Plain::Absent },
            );
        }),
    }
}

/// `for_each_own` for a caller whose own type must not nest: a dictionary's values.
fn for_each_own_dyn(
    keys: &Keys<'_>,
    built: KeyType,
    zero: Zero,
    range: Range<usize>,
    visit: &mut dyn FnMut(usize, Plain<'_>),
) {
    for_each_own(keys, built, zero, range, visit);
}

/// Calls `visit(row, plain)` for each row of `range` of keys of any type, cast exactly to `built`.
pub fn for_each_cast(
    keys: &Keys<'_>,
    from: KeyType,
    built: KeyType,
    zero: Zero,
    range: Range<usize>,
    mut visit: impl FnMut(usize, Plain<'_>),
) {
    let mut scratch = [0; 32];
    exact::for_each(keys, from, range, &mut |row, value| {
        visit(row, value.map_or(Plain::Absent, |value| exact::encode(value, built, zero, &mut scratch)));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_take_the_fewest_bytes_that_hold_their_precision() {
        // 10^p - 1 <= 2^(8 b - 1) - 1, by hand at the edges that 128 bits reach.
        for precision in 1..=38_u8 {
            let largest = 10_i128.pow(u32::from(precision)) - 1;
            let fewest = (1..=16).find(|bytes| *bytes == 16 || largest < 1 << (8 * bytes - 1)).unwrap();
            assert_eq!(decimal_bytes(precision), fewest, "precision {precision}");
        }
        assert_eq!((decimal_bytes(39), decimal_bytes(50), decimal_bytes(76)), (17, 21, 32));
    }

    #[test]
    fn zeros_take_the_sign_asked_for_and_nothing_else_changes() {
        for zero in [0.0, -0.0] {
            assert_eq!(Zero::Positive.bits_64(zero), 0);
            assert_eq!(Zero::Negative.bits_32(zero as f32), 1 << 31);
            assert_eq!(Zero::AsItIs.bits_64(zero), zero.to_bits());
        }
        assert_eq!((Zero::Negative.bits_16(0), Zero::Positive.bits_16(0x8000)), (0x8000, 0));
        assert_eq!(Zero::Negative.bits_64(1.5), 1.5_f64.to_bits());
    }
}
