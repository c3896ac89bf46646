//! The type of the column that a filter was built on, as Arrow names it.
//!
//! Parquet hashes a value in its column's own type, so a filter that is to agree with Parquet must
//! remember it. In a stored filter a type takes 8 bytes: code, unit or precision, scale, decimal
//! bits / 32, and a u32 width, little-endian.

use std::fmt;

use crate::keys::TimeUnit;

/// The type of a column of keys. Large and view types are their plain kind; a dictionary is the
/// type of its values; a timestamp's zone is ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum KeyType {
    Null,
    Boolean,
    Int8,
    Int16,
    Int32,
    Int64,
    UInt8,
    UInt16,
    UInt32,
    UInt64,
    Float16,
    Float32,
    Float64,
    Date32,
    Date64,
    Time32(TimeUnit),
    Time64(TimeUnit),
    Timestamp(TimeUnit),
    Decimal {
        /// Of the unscaled integer: 32, 64, 128 or 256.
        bits: u16,
        precision: u8,
        scale: i8,
    },
    /// A decimal as Parquet stores it in an INT32 or an INT64; no Arrow column is of this type.
    DecimalInteger {
        /// Of the unscaled integer: 32 or 64.
        bits: u16,
        precision: u8,
        scale: i8,
    },
    Text,
    Binary,
    Fixed(u32),
}

const UNITS: [TimeUnit; 4] = [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond];

/// Types without parameters and their codes, which are stored: append only.
const PLAIN: [(u8, KeyType); 17] = [
    (0, KeyType::Null),
    (1, KeyType::Boolean),
    (2, KeyType::Int8),
    (3, KeyType::Int16),
    (4, KeyType::Int32),
    (5, KeyType::Int64),
    (6, KeyType::UInt8),
    (7, KeyType::UInt16),
    (8, KeyType::UInt32),
    (9, KeyType::UInt64),
    (10, KeyType::Float16),
    (11, KeyType::Float32),
    (12, KeyType::Float64),
    (13, KeyType::Date32),
    (14, KeyType::Date64),
    (19, KeyType::Text),
    (20, KeyType::Binary),
];
const TIME32: u8 = 15;
const TIME64: u8 = 16;
const TIMESTAMP: u8 = 17;
const DECIMAL: u8 = 18;
const FIXED: u8 = 21;
const DECIMAL_INTEGER: u8 = 22;

/// The greatest precision of a decimal with so many bits.
fn precision_high(bits: u16) -> u8 {
    match bits {
        32 => 9,
        64 => 18,
        128 => 38,
        _ => 76,
    }
}

impl KeyType {
    /// The stored form.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 8] {
        let unit = |unit: TimeUnit| UNITS.iter().position(|other| *other == unit).map_or(0, |index| index as u8);
        let mut out = [0; 8];
        match self {
            Self::Time32(found) => out[..2].copy_from_slice(&[TIME32, unit(found)]),
            Self::Time64(found) => out[..2].copy_from_slice(&[TIME64, unit(found)]),
            Self::Timestamp(found) => out[..2].copy_from_slice(&[TIMESTAMP, unit(found)]),
            Self::Decimal { bits, precision, scale } => {
                out[..4].copy_from_slice(&[DECIMAL, precision, scale.cast_unsigned(), (bits / 32) as u8]);
            }
            Self::DecimalInteger { bits, precision, scale } => {
                out[..4].copy_from_slice(&[DECIMAL_INTEGER, precision, scale.cast_unsigned(), (bits / 32) as u8]);
            }
            Self::Fixed(width) => {
                out[0] = FIXED;
                out[4..].copy_from_slice(&width.to_le_bytes());
            }
            plain => out[0] = PLAIN.iter().find(|(_, kind)| *kind == plain).map_or(0, |(code, _)| *code),
        }
        out
    }

    /// The type of a stored form; None if the bytes are not one.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 8]) -> Option<Self> {
        let unit = UNITS.get(usize::from(bytes[1])).copied();
        let found = match bytes[0] {
            TIME32 => Self::Time32(unit?),
            TIME64 => Self::Time64(unit?),
            TIMESTAMP => Self::Timestamp(unit?),
            DECIMAL => {
                let bits = u16::from(bytes[3]) * 32;
                let known = matches!(bits, 32 | 64 | 128 | 256) && (1..=precision_high(bits)).contains(&bytes[1]);
                known.then_some(Self::Decimal { bits, precision: bytes[1], scale: bytes[2].cast_signed() })?
            }
            DECIMAL_INTEGER => {
                let bits = u16::from(bytes[3]) * 32;
                let known = matches!(bits, 32 | 64) && (1..=precision_high(bits)).contains(&bytes[1]);
                known.then_some(Self::DecimalInteger { bits, precision: bytes[1], scale: bytes[2].cast_signed() })?
            }
            FIXED => Self::Fixed(u32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]])),
            code => PLAIN.iter().find(|(other, _)| *other == code)?.1,
        };
        // One type has one form: whatever a type does not use is zero.
        (found.to_bytes() == bytes).then_some(found)
    }

    /// Whether the values are floats, which have two zeros.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, Self::Float16 | Self::Float32 | Self::Float64)
    }
}

/// Arrow's spelling, as pyarrow prints it.
impl fmt::Display for KeyType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = |unit: &TimeUnit| match unit {
            TimeUnit::Second => "s",
            TimeUnit::Millisecond => "ms",
            TimeUnit::Microsecond => "us",
            TimeUnit::Nanosecond => "ns",
        };
        match self {
            Self::Null => out.write_str("null"),
            Self::Boolean => out.write_str("bool"),
            Self::Int8 => out.write_str("int8"),
            Self::Int16 => out.write_str("int16"),
            Self::Int32 => out.write_str("int32"),
            Self::Int64 => out.write_str("int64"),
            Self::UInt8 => out.write_str("uint8"),
            Self::UInt16 => out.write_str("uint16"),
            Self::UInt32 => out.write_str("uint32"),
            Self::UInt64 => out.write_str("uint64"),
            Self::Float16 => out.write_str("halffloat"),
            Self::Float32 => out.write_str("float"),
            Self::Float64 => out.write_str("double"),
            Self::Date32 => out.write_str("date32[day]"),
            Self::Date64 => out.write_str("date64[ms]"),
            Self::Time32(found) => write!(out, "time32[{}]", unit(found)),
            Self::Time64(found) => write!(out, "time64[{}]", unit(found)),
            Self::Timestamp(found) => write!(out, "timestamp[{}]", unit(found)),
            Self::Decimal { bits, precision, scale } => write!(out, "decimal{bits}({precision}, {scale})"),
            Self::DecimalInteger { bits, precision, scale } => {
                write!(out, "decimal{bits}({precision}, {scale}) as int{bits}")
            }
            Self::Text => out.write_str("string"),
            Self::Binary => out.write_str("binary"),
            Self::Fixed(width) => write!(out, "fixed_size_binary[{width}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_survives_its_stored_form() {
        let mut types: Vec<KeyType> = PLAIN.iter().map(|(_, kind)| *kind).collect();
        for unit in UNITS {
            types.extend([KeyType::Time32(unit), KeyType::Time64(unit), KeyType::Timestamp(unit)]);
        }
        for (bits, precision, scale) in [(32, 9, 2), (64, 18, -3), (128, 38, 38), (256, 76, 0)] {
            types.push(KeyType::Decimal { bits, precision, scale });
        }
        types.push(KeyType::DecimalInteger { bits: 64, precision: 18, scale: 4 });
        types.extend([KeyType::Fixed(0), KeyType::Fixed(16), KeyType::Fixed(u32::MAX)]);
        for kind in types {
            assert_eq!(KeyType::from_bytes(kind.to_bytes()), Some(kind), "{kind}");
        }
    }

    #[test]
    fn bytes_that_are_no_type_are_refused() {
        let refused = [[23, 0, 0, 0, 0, 0, 0, 0], [TIME32, 4, 0, 0, 0, 0, 0, 0], [5, 0, 0, 0, 0, 0, 0, 1]];
        assert!(refused.into_iter().all(|bytes| KeyType::from_bytes(bytes).is_none()));
        assert!(KeyType::from_bytes([DECIMAL, 39, 0, 4, 0, 0, 0, 0]).is_none());
        assert!(KeyType::from_bytes([DECIMAL, 5, 0, 3, 0, 0, 0, 0]).is_none());
    }
}
