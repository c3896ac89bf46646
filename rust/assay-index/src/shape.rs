//! What a column's keys are, and one of them as a word or bytes that compare as it does.
//!
//! Source for the framing of parts: FoundationDB's tuple layer; for floats: IEEE 754's total order with one zero and one
//! NaN, which comes last.

use assay_core::error::{Error, Result};
use assay_core::keys::{Decimals, Keys, TimeUnit, Values};
use assay_core::order;

const SIGN: u64 = 1 << 63;

/// What a column's keys are, apart from their width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Nothing but nulls.
    Nothing,
    /// Integers with a sign.
    Signed,
    /// Integers without.
    Unsigned,
    /// Floats.
    Float,
    /// False and true.
    Boolean,
    /// Days.
    Date,
    /// Times of day, timestamps and durations, in this unit.
    Time(TimeUnit),
    /// Decimals of this scale.
    Decimal(i8),
    /// Text and binary.
    Bytes,
}

impl Shape {
    /// That of a column.
    #[must_use]
    pub fn of(keys: &Keys<'_>) -> Self {
        match keys.values() {
            Values::Null => Self::Nothing,
            Values::I8(_) | Values::I16(_) | Values::I32(_) | Values::I64(_) => Self::Signed,
            Values::U8(_) | Values::U16(_) | Values::U32(_) | Values::U64(_) => Self::Unsigned,
            Values::F16(_) | Values::F32(_) | Values::F64(_) => Self::Float,
            Values::Boolean(_) => Self::Boolean,
            Values::Date32(_) | Values::Date64(_) => Self::Date,
            Values::Time32(_, unit) | Values::Time64(_, unit) => Self::Time(*unit),
            Values::Decimal(_, scale) => Self::Decimal(*scale),
            Values::Bytes32 { .. } | Values::Bytes64 { .. } | Values::Views { .. } | Values::Fixed { .. } => {
                Self::Bytes
            }
            Values::Dictionary { values, .. } => Self::of(values),
        }
    }

    /// Whether a key is a word.
    #[must_use]
    pub fn is_word(self) -> bool {
        !matches!(self, Self::Decimal(_) | Self::Bytes)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "null",
            Self::Signed | Self::Unsigned => "integer",
            Self::Float => "float",
            Self::Boolean => "bool",
            Self::Date => "date",
            Self::Time(_) => "time",
            Self::Decimal(_) => "decimal",
            Self::Bytes => "text or binary",
        }
    }

    /// Whether keys of another shape can be brought into this one.
    ///
    /// # Errors
    /// If they cannot.
    pub fn check(self, other: Self) -> Result<()> {
        if self.name() == other.name() || other == Self::Nothing || self == Self::Nothing {
            return Ok(());
        }
        Err(Error::UnsupportedType(format!(
            "the index holds keys of a kind, {}, that {} keys do not compare with; cast the keys to the type of the column",
            self.name(),
            other.name()
        )))
    }
}

/// One key in the terms of a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// No value.
    Null,
    /// In a word.
    Word(u64),
    /// A decimal at the column's scale.
    Wide(i128),
    /// Text and binary.
    Bytes(&'a [u8]),
    /// Before all values of the column's type.
    Below,
    /// After all of them.
    Above,
    /// After this value and before the next.
    AfterWord(u64),
    /// Likewise.
    AfterWide(i128),
}

fn per_second(unit: TimeUnit) -> i64 {
    match unit {
        TimeUnit::Second => 1,
        TimeUnit::Millisecond => 1_000,
        TimeUnit::Microsecond => 1_000_000,
        TimeUnit::Nanosecond => 1_000_000_000,
    }
}

/// An integer with a sign as a word of the same order.
#[must_use]
#[allow(clippy::cast_sign_loss)]
pub fn signed(value: i64) -> u64 {
    value as u64 ^ SIGN
}

fn integer(keys: &Keys<'_>, row: usize) -> Option<i128> {
    Some(match keys.values() {
        Values::I8(values) => i128::from(values[row]),
        Values::I16(values) => i128::from(values[row]),
        Values::I32(values) => i128::from(values[row]),
        Values::I64(values) => i128::from(values[row]),
        Values::U8(values) => i128::from(values[row]),
        Values::U16(values) => i128::from(values[row]),
        Values::U32(values) => i128::from(values[row]),
        Values::U64(values) => i128::from(values[row]),
        _ => return None,
    })
}

fn time(value: i64, unit: TimeUnit, wanted: TimeUnit) -> Part<'static> {
    let (given, wanted) = (per_second(unit), per_second(wanted));
    if wanted >= given {
        return match value.checked_mul(wanted / given) {
            Some(value) => Part::Word(signed(value)),
            None if value < 0 => Part::Below,
            None => Part::Above,
        };
    }
    let ratio = given / wanted;
    let word = signed(value.div_euclid(ratio));
    if value.rem_euclid(ratio) == 0 { Part::Word(word) } else { Part::AfterWord(word) }
}

fn decimal(mut value: i128, scale: i8, wanted: i8) -> Part<'static> {
    let mut exact = true;
    let mut steps = i32::from(wanted) - i32::from(scale);
    while steps > 0 && value != 0 {
        match value.checked_mul(10) {
            Some(more) => value = more,
            None if value < 0 => return Part::Below,
            None => return Part::Above,
        }
        steps -= 1;
    }
    while steps < 0 && (value != 0 && value != -1 || exact) {
        exact &= value.rem_euclid(10) == 0;
        value = value.div_euclid(10);
        steps += 1;
        if value == 0 && exact {
            break;
        }
    }
    if exact { Part::Wide(value) } else { Part::AfterWide(value) }
}

fn unscaled(decimals: &Decimals<'_>, row: usize) -> i128 {
    match decimals {
        Decimals::I32(values) => i128::from(values[row]),
        Decimals::I64(values) => i128::from(values[row]),
        Decimals::I128(values) => values[row],
        Decimals::I256(values) => {
            // What does not fit 128 bits was refused with the column: the low half is the value.
            let mut low = [0; 16];
            low.copy_from_slice(&values[row][..16]);
            i128::from_le_bytes(low)
        }
    }
}

/// The key in `row` in the terms of a shape.
pub fn part<'a>(shape: Shape, keys: &'a Keys<'_>, row: usize) -> Part<'a> {
    if keys.is_null(row) {
        return Part::Null;
    }
    if let Values::Dictionary { indices, values } = keys.values() {
        return part(shape, values, indices.get(row));
    }
    match (shape, keys.values()) {
        (Shape::Signed, _) => match integer(keys, row) {
            None => Part::Null,
            Some(value) if value < i128::from(i64::MIN) => Part::Below,
            Some(value) => i64::try_from(value).map_or(Part::Above, |value| Part::Word(signed(value))),
        },
        (Shape::Unsigned, _) => match integer(keys, row) {
            None => Part::Null,
            Some(value) if value < 0 => Part::Below,
            Some(value) => u64::try_from(value).map_or(Part::Above, Part::Word),
        },
        (Shape::Time(wanted), Values::Time32(values, unit)) => time(i64::from(values[row]), *unit, wanted),
        (Shape::Time(wanted), Values::Time64(values, unit)) => time(values[row], *unit, wanted),
        (Shape::Decimal(wanted), Values::Decimal(decimals, scale)) => decimal(unscaled(decimals, row), *scale, wanted),
        (Shape::Nothing, _) => Part::Below,
        (Shape::Bytes, _) => keys.bytes(row).map_or(Part::Null, Part::Bytes),
        (Shape::Float | Shape::Boolean | Shape::Date, _) => order::word(keys, row).map_or(Part::Null, Part::Word),
        _ => Part::Null,
    }
}

/// A decimal as bytes of the same order.
#[must_use]
#[allow(clippy::cast_sign_loss)]
pub fn wide_bytes(value: i128) -> [u8; 16] {
    (value as u128 ^ 1 << 127).to_be_bytes()
}

/// The tag of a part that has a value.
pub const VALUE: u8 = 1;
/// The tag of one that has none; it comes last.
pub const NULL: u8 = 2;

/// Appends a part of a compound key; false for one that is no value of its column.
pub fn frame(part: Part<'_>, bytes: &mut Vec<u8>) -> bool {
    match part {
        Part::Null => bytes.push(NULL),
        Part::Word(word) => {
            bytes.push(VALUE);
            bytes.extend_from_slice(&word.to_be_bytes());
        }
        Part::Wide(value) => {
            bytes.push(VALUE);
            bytes.extend_from_slice(&wide_bytes(value));
        }
        Part::Bytes(text) => {
            bytes.push(VALUE);
            for byte in text {
                bytes.push(*byte);
                if *byte == 0 {
                    bytes.push(0xff);
                }
            }
            bytes.extend_from_slice(&[0, 0]);
        }
        Part::Below | Part::Above | Part::AfterWord(_) | Part::AfterWide(_) => return false,
    }
    true
}
