//! One value in two types: the exact cast of a probe to the type that a filter was built on.
//!
//! Numbers are cast by their value (7 as int32, int64, double and decimal is one number), text and
//! binary by their bytes, times and timestamps by the instant, dates by the day. What has no exact
//! value in the other type cannot be in the filter.

use std::ops::Range;

use crate::filter::key_type::KeyType;
use crate::filter::plain::{Plain, Zero, big_endian, decimal_bytes, widen};
use crate::keys::{Canonical, Decimals, Keys, TimeUnit, Values};

/// A value apart from the type that carries it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Exact<'b> {
    /// An integer.
    Integer(i128),
    /// A float of any width.
    Float(f64),
    /// An unscaled integer and the number of digits after its point.
    Decimal(i128, i8),
    /// Text or binary.
    Bytes(&'b [u8]),
    /// Days since the epoch.
    Date(i64),
    /// A time of day, in nanoseconds.
    Time(i128),
    /// Nanoseconds since the epoch, the zone ignored.
    Timestamp(i128),
}

fn nanoseconds(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}

/// Calls `visit(row, value)` for each row of `range`; the value of a null, or of a bool, is None.
pub fn for_each(keys: &Keys<'_>, from: KeyType, range: Range<usize>, visit: &mut dyn FnMut(usize, Option<Exact<'_>>)) {
    for row in range {
        if keys.is_null(row) {
            visit(row, None);
            continue;
        }
        let value = match keys.values() {
            Values::Dictionary { indices, values } => {
                let entry = indices.get(row);
                for_each(values, from, entry..entry + 1, &mut |_, value| visit(row, value));
                continue;
            }
            Values::Null | Values::Boolean(_) => None,
            Values::I8(values) => Some(Exact::Integer(values[row].into())),
            Values::I16(values) => Some(Exact::Integer(values[row].into())),
            Values::I32(values) => Some(Exact::Integer(values[row].into())),
            Values::I64(values) => Some(Exact::Integer(values[row].into())),
            Values::U8(values) => Some(Exact::Integer(values[row].into())),
            Values::U16(values) => Some(Exact::Integer(values[row].into())),
            Values::U32(values) => Some(Exact::Integer(values[row].into())),
            Values::U64(values) => Some(Exact::Integer(values[row].into())),
            Values::F16(values) => Some(Exact::Float(values[row].to_f64())),
            Values::F32(values) => Some(Exact::Float(values[row].into())),
            Values::F64(values) => Some(Exact::Float(values[row])),
            Values::Date32(values) => Some(Exact::Date(values[row].into())),
            Values::Date64(values) => Some(Exact::Date(values[row].div_euclid(86_400_000))),
            Values::Time32(values, unit) => Some(Exact::Time(i128::from(values[row]) * nanoseconds(*unit))),
            Values::Time64(values, unit) => {
                let instant = i128::from(values[row]) * nanoseconds(*unit);
                Some(if matches!(from, KeyType::Timestamp(_)) {
                    Exact::Timestamp(instant)
                } else {
                    Exact::Time(instant)
                })
            }
            Values::Decimal(Decimals::I32(values), scale) => Some(Exact::Decimal(values[row].into(), *scale)),
            Values::Decimal(Decimals::I64(values), scale) => Some(Exact::Decimal(values[row].into(), *scale)),
            Values::Decimal(Decimals::I128(values), scale) => Some(Exact::Decimal(values[row], *scale)),
            Values::Decimal(Decimals::I256(values), scale) => {
                // Values beyond 128 bits were refused by `Keys::new`.
                let mut low = [0; 16];
                low.copy_from_slice(&values[row][..16]);
                Some(Exact::Decimal(i128::from_le_bytes(low), *scale))
            }
            _ => {
                keys.at(row, |form| match form {
                    Canonical::Bytes(bytes) => visit(row, Some(Exact::Bytes(bytes))),
                    _ => visit(row, None),
                });
                continue;
            }
        };
        visit(row, value);
    }
}

/// `value * 10^digits`, or None if it does not fit; a negative `digits` divides exactly.
fn rescale(mut value: i128, digits: i16) -> Option<i128> {
    if value == 0 {
        return Some(0);
    }
    for _ in 0..digits.max(0) {
        value = value.checked_mul(10)?;
    }
    for _ in digits..0 {
        if value % 10 != 0 {
            return None;
        }
        value /= 10;
    }
    Some(value)
}

/// A finite float as `odd * 2^exponent`, `odd` being odd unless the float is zero.
fn binary_parts(value: f64) -> (i128, i32) {
    let bits = value.to_bits();
    let field = i32::try_from((bits >> 52) & 0x7ff).expect("11 bits fit");
    let fraction = i128::from(bits & ((1 << 52) - 1));
    let (mantissa, exponent) = if field == 0 { (fraction, -1074) } else { (fraction | 1 << 52, field - 1075) };
    let shift = if mantissa == 0 { 0 } else { mantissa.trailing_zeros() };
    let signed = if value.is_sign_negative() { -(mantissa >> shift) } else { mantissa >> shift };
    (signed, exponent + shift.cast_signed())
}

/// `value * 2^shift`, or None if it does not fit 128 bits.
fn double(value: i128, shift: u32) -> Option<i128> {
    (value == 0 || shift < 127).then(|| value.checked_mul(1_i128.checked_shl(shift)?)).flatten()
}

/// The unscaled integer of a number at this scale, if there is one that is exact.
fn unscaled(value: Exact<'_>, scale: i8) -> Option<i128> {
    match value {
        Exact::Integer(value) => rescale(value, scale.into()),
        Exact::Decimal(value, from) => rescale(value, i16::from(scale) - i16::from(from)),
        Exact::Float(value) if value.is_finite() => {
            let (odd, exponent) = binary_parts(value);
            if odd == 0 {
                return Some(0);
            }
            if exponent >= 0 {
                return rescale(double(odd, exponent.unsigned_abs())?, scale.into());
            }
            // odd / 2^e times 10^s is odd * 5^s * 2^(s - e), an integer only if s >= e.
            let spare = u32::try_from(i32::from(scale) + exponent).ok()?;
            let fives = (0..scale).try_fold(odd, |value, _| value.checked_mul(5))?;
            double(fives, spare)
        }
        _ => None,
    }
}

/// The float that equals a number, if there is one.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
fn float(value: Exact<'_>) -> Option<f64> {
    match value {
        Exact::Float(value) => Some(value),
        Exact::Integer(value) => {
            let found = value as f64;
            (found.abs() < 1.7e38 && found as i128 == value).then_some(found)
        }
        Exact::Decimal(value, scale) => {
            if let Some(integer) = rescale(value, -i16::from(scale)) {
                return float(Exact::Integer(integer));
            }
            // v / (2^s 5^s) is a float only if 5^s divides v; halving s times is then exact.
            let fives = (0..scale).try_fold(value, |value, _| (value % 5 == 0).then_some(value / 5))?;
            let whole = float(Exact::Integer(fives))?;
            Some((0..scale).fold(whole, |value, _| value / 2.0))
        }
        _ => None,
    }
}

fn word_32(value: Option<i128>, low: i128, high: i128) -> Plain<'static> {
    // The range is within 32 bits, signed or not; both are the same low bits.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    value.filter(|value| (low..=high).contains(value)).map_or(Plain::Absent, |value| Plain::Word32(value as u32))
}

fn word_64(value: Option<i128>, low: i128, high: i128) -> Plain<'static> {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    value.filter(|value| (low..=high).contains(value)).map_or(Plain::Absent, |value| Plain::Word64(value as u64))
}

/// An instant in the built unit, and as Parquet stores it: seconds as milliseconds.
fn stored(instant: i128, unit: TimeUnit) -> Option<i128> {
    let step = nanoseconds(unit);
    let factor = if unit == TimeUnit::Second { 1_000 } else { 1 };
    (instant % step == 0).then_some(instant / step * factor)
}

/// The PLAIN bytes of `value` in the type `built`, or [`Plain::Absent`] if it has no exact value there.
#[allow(clippy::cast_possible_truncation)]
pub fn encode<'b>(value: Exact<'b>, built: KeyType, zero: Zero, scratch: &'b mut [u8; 32]) -> Plain<'b> {
    macro_rules! integer {
        ($word:ident, $kind:ty) => {
            $word(unscaled(value, 0), i128::from(<$kind>::MIN), i128::from(<$kind>::MAX))
        };
    }
    let (i32s, i64s) = ((i128::from(i32::MIN), i128::from(i32::MAX)), (i128::from(i64::MIN), i128::from(i64::MAX)));
    match built {
        KeyType::Int8 => integer!(word_32, i8),
        KeyType::Int16 => integer!(word_32, i16),
        KeyType::Int32 => integer!(word_32, i32),
        KeyType::UInt8 => integer!(word_32, u8),
        KeyType::UInt16 => integer!(word_32, u16),
        KeyType::UInt32 => integer!(word_32, u32),
        KeyType::Int64 => integer!(word_64, i64),
        KeyType::UInt64 => integer!(word_64, u64),
        KeyType::Float64 => float(value).map_or(Plain::Absent, |value| Plain::Word64(zero.bits_64(value))),
        KeyType::Float32 => match float(value) {
            Some(wide) if wide.is_nan() || f64::from(wide as f32) == wide => Plain::Word32(zero.bits_32(wide as f32)),
            _ => Plain::Absent,
        },
        KeyType::Float16 => match float(value).map(|wide| (wide, half::f16::from_f64(wide))) {
            Some((wide, narrow)) if wide.is_nan() || narrow.to_f64() == wide => {
                scratch[..2].copy_from_slice(&zero.bits_16(narrow.to_bits()).to_le_bytes());
                Plain::Bytes(&scratch[..2])
            }
            _ => Plain::Absent,
        },
        KeyType::Date32 | KeyType::Date64 => {
            let days = if let Exact::Date(days) = value { Some(i128::from(days)) } else { None };
            word_32(days, i32s.0, i32s.1)
        }
        KeyType::Time32(unit) => {
            let instant = if let Exact::Time(instant) = value { stored(instant, unit) } else { None };
            word_32(instant, i32s.0, i32s.1)
        }
        KeyType::Time64(unit) => {
            let instant = if let Exact::Time(instant) = value { stored(instant, unit) } else { None };
            word_64(instant, i64s.0, i64s.1)
        }
        KeyType::Timestamp(unit) => {
            let instant = if let Exact::Timestamp(instant) = value { stored(instant, unit) } else { None };
            word_64(instant, i64s.0, i64s.1)
        }
        KeyType::Decimal { precision, scale, .. } => {
            let fits = |value: &i128| precision > 38 || value.unsigned_abs() < 10_u128.pow(u32::from(precision));
            unscaled(value, scale).filter(fits).map_or(Plain::Absent, |value| {
                *scratch = big_endian(&widen(value));
                Plain::Bytes(&scratch[32 - decimal_bytes(precision)..])
            })
        }
        KeyType::DecimalInteger { bits, precision, scale } => {
            let fits = |value: &i128| value.unsigned_abs() < 10_u128.pow(u32::from(precision));
            let unscaled = unscaled(value, scale).filter(fits);
            if bits == 32 { word_32(unscaled, i32s.0, i32s.1) } else { word_64(unscaled, i64s.0, i64s.1) }
        }
        KeyType::Text | KeyType::Binary => {
            if let Exact::Bytes(bytes) = value {
                Plain::Bytes(bytes)
            } else {
                Plain::Absent
            }
        }
        KeyType::Fixed(width) => match value {
            Exact::Bytes(bytes) if bytes.len() == width as usize => Plain::Bytes(bytes),
            _ => Plain::Absent,
        },
        KeyType::Null | KeyType::Boolean => Plain::Absent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(value: Exact<'_>, built: KeyType) -> Option<Vec<u8>> {
        match encode(value, built, Zero::AsItIs, &mut [0; 32]) {
            Plain::Absent => None,
            Plain::Word32(word) => Some(word.to_le_bytes().to_vec()),
            Plain::Word64(word) => Some(word.to_le_bytes().to_vec()),
            Plain::Bytes(bytes) => Some(bytes.to_vec()),
        }
    }

    #[test]
    fn numbers_cast_by_value_or_not_at_all() {
        let seven = plain(Exact::Integer(7), KeyType::Int32);
        assert_eq!(seven, Some(vec![7, 0, 0, 0]));
        for value in [Exact::Float(7.0), Exact::Decimal(700, 2), Exact::Decimal(7, 0)] {
            assert_eq!(plain(value, KeyType::Int32), seven, "{value:?}");
        }
        for value in [Exact::Integer(1 << 40), Exact::Float(7.5), Exact::Float(f64::NAN), Exact::Decimal(705, 2)] {
            assert_eq!(plain(value, KeyType::Int32), None, "{value:?}");
        }
        assert_eq!(plain(Exact::Integer(-1), KeyType::UInt64), None);
        assert_eq!(plain(Exact::Integer((1 << 53) + 1), KeyType::Float64), None);
        assert_eq!(plain(Exact::Decimal(125, 2), KeyType::Float32), Some(1.25_f32.to_le_bytes().to_vec()));
        assert_eq!(plain(Exact::Decimal(1, 1), KeyType::Float64), None);
        assert_eq!(plain(Exact::Float(0.1), KeyType::Float32), None);
        assert_eq!(plain(Exact::Float(1e300), KeyType::Int64), None);
    }

    #[test]
    fn decimals_are_rescaled_exactly_within_their_precision() {
        let built = KeyType::Decimal { bits: 128, precision: 5, scale: 2 };
        // 1.25 is 125 in three big-endian bytes.
        let expected = Some(vec![0, 0, 125]);
        for value in [Exact::Decimal(125, 2), Exact::Decimal(1250, 3), Exact::Float(1.25)] {
            assert_eq!(plain(value, built), expected, "{value:?}");
        }
        assert_eq!(plain(Exact::Integer(-1), built), Some(vec![0xff, 0xff, 0x9c]));
        for value in [Exact::Integer(1000), Exact::Decimal(1255, 3), Exact::Float(0.125)] {
            assert_eq!(plain(value, built), None, "{value:?}");
        }
    }

    #[test]
    fn instants_cast_between_units_and_never_between_kinds() {
        let (second, milli) = (KeyType::Timestamp(TimeUnit::Second), KeyType::Timestamp(TimeUnit::Millisecond));
        let two = Exact::Timestamp(2_000_000_000);
        assert_eq!(plain(two, second), plain(two, milli));
        assert_eq!(plain(two, milli), Some(2000_u64.to_le_bytes().to_vec()));
        assert_eq!(plain(Exact::Timestamp(2_500_000_000), second), None);
        assert_eq!(plain(Exact::Time(2_000_000_000), milli), None);
        assert_eq!(plain(Exact::Date(1), milli), None);
        assert_eq!(plain(Exact::Integer(2000), milli), None);
    }

    proptest! {
        #[test]
        fn a_float_and_its_decimal_are_one_number(unscaled in -1_000_000_i64..1_000_000, scale in 0_i8..6) {
            // Quarters and eighths are exact in both worlds.
            let eighths = Exact::Float(f64::from(i32::try_from(unscaled).unwrap()) / 8.0);
            let thousandths = Exact::Decimal(i128::from(unscaled) * 125, 3);
            prop_assert_eq!(plain(eighths, KeyType::Float64), plain(thousandths, KeyType::Float64));
            let built = KeyType::Decimal { bits: 128, precision: 38, scale };
            prop_assert_eq!(plain(eighths, built), plain(thousandths, built));
        }
    }
}
