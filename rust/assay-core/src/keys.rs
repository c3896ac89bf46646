//! A borrowed column of keys, and the canonical bytes that every hash of it sees.
//!
//! One value has one canonical form whatever type carries it (METHODOLOGY, "Keys"), because joins
//! depend on it: integers of all widths are 8 bytes little-endian two's complement, floats are 8
//! bytes with -0.0 folded into 0.0 and all NaN into one, text is UTF-8, and so on. Nothing is
//! copied: values are read where Arrow keeps them.

mod bitmap;
mod compound;
mod structure;
mod words;

use std::ops::Range;

use half::f16;

pub(crate) use compound::for_each_block;
pub use compound::for_each_compound;

use crate::error::{Error, Result};

pub use bitmap::Bitmap;

/// A unit of time, as the number of such units in a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeUnit {
    /// Seconds.
    Second,
    /// Milliseconds.
    Millisecond,
    /// Microseconds, the canonical unit.
    Microsecond,
    /// Nanoseconds; what is left below a microsecond is appended as a u16.
    Nanosecond,
}

/// Decimal values of one column: unscaled integers of one width.
#[derive(Debug, Clone, Copy)]
pub enum Decimals<'a> {
    /// Decimal32.
    I32(&'a [i32]),
    /// Decimal64.
    I64(&'a [i64]),
    /// Decimal128.
    I128(&'a [i128]),
    /// Decimal256 as little-endian 32-byte integers.
    I256(&'a [[u8; 32]]),
}

/// Row numbers into a dictionary, of any integer width.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)]
pub enum Indices<'a> {
    I8(&'a [i8]),
    I16(&'a [i16]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    U8(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
    U64(&'a [u64]),
}

impl Indices<'_> {
    /// The dictionary's row for `row`; meaningless if the row is null.
    #[inline]
    #[must_use]
    #[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation)]
    pub fn get(&self, row: usize) -> usize {
        match self {
            Self::I8(values) => values[row] as usize,
            Self::I16(values) => values[row] as usize,
            Self::I32(values) => values[row] as usize,
            Self::I64(values) => values[row] as usize,
            Self::U8(values) => values[row] as usize,
            Self::U16(values) => values[row] as usize,
            Self::U32(values) => values[row] as usize,
            Self::U64(values) => values[row] as usize,
        }
    }
}

/// The values of a column where they lie.
#[derive(Debug, Clone)]
#[allow(missing_docs)]
pub enum Values<'a> {
    /// A column of nulls without values.
    Null,
    I8(&'a [i8]),
    I16(&'a [i16]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    U8(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
    U64(&'a [u64]),
    F16(&'a [f16]),
    F32(&'a [f32]),
    F64(&'a [f64]),
    Boolean(Bitmap<'a>),
    /// Days since the epoch.
    Date32(&'a [i32]),
    /// Milliseconds since the epoch, floored to days.
    Date64(&'a [i64]),
    /// Times of day in seconds or milliseconds.
    Time32(&'a [i32], TimeUnit),
    /// Times of day and timestamps.
    Time64(&'a [i64], TimeUnit),
    Decimal(Decimals<'a>, i8),
    /// Text or binary with 32-bit offsets.
    Bytes32 {
        offsets: &'a [i32],
        data: &'a [u8],
    },
    /// Text or binary with 64-bit offsets.
    Bytes64 {
        offsets: &'a [i64],
        data: &'a [u8],
    },
    /// String or binary views.
    Views {
        views: &'a [u128],
        buffers: Vec<&'a [u8]>,
    },
    /// Binary of one width.
    Fixed {
        width: usize,
        data: &'a [u8],
    },
    /// A dictionary; its values may hold nulls of their own.
    Dictionary {
        indices: Indices<'a>,
        values: Box<Keys<'a>>,
    },
}

/// The canonical form of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Canonical<'b> {
    /// No value.
    Null,
    /// Eight bytes, as the little-endian integer that they spell.
    Word(u64),
    /// Any other number of bytes, and text of eight too.
    Bytes(&'b [u8]),
}

/// A borrowed column of keys: values and validity.
#[derive(Debug, Clone)]
pub struct Keys<'a> {
    values: Values<'a>,
    validity: Option<Bitmap<'a>>,
    len: usize,
}

const NAN: u64 = 0x7ff8_0000_0000_0000;

/// The canonical word of a float: -0.0 as 0.0, every NaN as one.
#[inline]
#[must_use]
pub fn float_word(value: f64) -> u64 {
    if value.is_nan() {
        NAN
    } else if value == 0.0 {
        0
    } else {
        value.to_bits()
    }
}

/// Room for canonical bytes that are computed rather than borrowed: decimals, sub-microseconds.
type Scratch = [u8; 17];

#[inline]
#[allow(clippy::cast_sign_loss)]
fn time_form(value: i64, unit: TimeUnit, scratch: &mut Scratch) -> Canonical<'_> {
    match unit {
        // Overflow was refused by `Keys::new`; null rows may hold anything.
        TimeUnit::Second => Canonical::Word(value.wrapping_mul(1_000_000) as u64),
        TimeUnit::Millisecond => Canonical::Word(value.wrapping_mul(1_000) as u64),
        TimeUnit::Microsecond => Canonical::Word(value as u64),
        TimeUnit::Nanosecond => {
            let (micros, rest) = (value.div_euclid(1_000), value.rem_euclid(1_000));
            if rest == 0 {
                return Canonical::Word(micros as u64);
            }
            scratch[..8].copy_from_slice(&micros.to_le_bytes());
            #[allow(clippy::cast_possible_truncation)]
            scratch[8..10].copy_from_slice(&(rest as u16).to_le_bytes());
            Canonical::Bytes(&scratch[..10])
        }
    }
}

/// A decimal without trailing zeros in its fraction, or None beyond 128 bits.
fn decimal_parts(mut value: i128, mut scale: i8) -> Option<(i128, u8)> {
    while scale > 0 && value % 10 == 0 {
        value /= 10;
        scale -= 1;
    }
    while scale < 0 {
        value = value.checked_mul(10)?;
        scale += 1;
    }
    Some((value, scale.unsigned_abs()))
}

#[inline]
fn decimal_form(value: i128, scale: i8, scratch: &mut Scratch) -> Canonical<'_> {
    let (value, scale) = if value == 0 { (0, 0) } else { decimal_parts(value, scale).unwrap_or((value, 0)) };
    if scale == 0 {
        if let Ok(word) = i64::try_from(value) {
            #[allow(clippy::cast_sign_loss)]
            return Canonical::Word(word as u64);
        }
        if let Ok(word) = u64::try_from(value) {
            return Canonical::Word(word);
        }
    }
    scratch[..16].copy_from_slice(&value.to_le_bytes());
    scratch[16] = scale;
    Canonical::Bytes(&scratch[..17])
}

/// The low 128 bits of a 256-bit integer if the rest is only its sign.
fn narrow(bytes: &[u8; 32]) -> Option<i128> {
    let (low, high) = bytes.split_at(16);
    let low = i128::from_le_bytes(low.try_into().ok()?);
    let high = i128::from_le_bytes(high.try_into().ok()?);
    (high == low >> 127).then_some(low)
}

#[inline]
#[allow(clippy::cast_possible_truncation)]
fn view_bytes<'b>(view: &'b u128, buffers: &[&'b [u8]]) -> &'b [u8] {
    let length = *view as u32 as usize;
    if length <= 12 {
        // SAFETY: a view is 16 bytes; an inlined value of at most 12 bytes follows its length.
        // Views are little-endian words, as the targets that Arrow serves are.
        unsafe { std::slice::from_raw_parts(std::ptr::from_ref(view).cast::<u8>().add(4), length) }
    } else {
        let buffer = (*view >> 64) as u32 as usize;
        let start = (*view >> 96) as usize;
        &buffers[buffer][start..start + length]
    }
}

impl<'a> Keys<'a> {
    /// A column of `len` keys.
    ///
    /// # Errors
    /// If a timestamp does not fit microseconds, a decimal does not fit 128 bits, or offsets, views or indices lead
    /// nowhere.
    pub fn new(values: Values<'a>, validity: Option<Bitmap<'a>>, len: usize) -> Result<Self> {
        structure::check(&values, validity, len)?;
        let keys = Self { values, validity, len };
        keys.check()?;
        Ok(keys)
    }

    /// A column of unsigned integers without nulls.
    #[must_use]
    pub fn from_words(values: &'a [u64]) -> Self {
        Self { values: Values::U64(values), validity: None, len: values.len() }
    }

    /// The number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The values where they lie.
    #[must_use]
    pub fn values(&self) -> &Values<'a> {
        &self.values
    }

    /// The validity of the column itself, not of its dictionary; None means that no row is null.
    #[must_use]
    pub fn validity(&self) -> Option<Bitmap<'a>> {
        self.validity
    }

    /// Whether the key of `row` is null, in the column itself or in its dictionary.
    #[inline]
    #[must_use]
    pub fn is_null(&self, row: usize) -> bool {
        if self.validity.is_some_and(|bits| !bits.get(row)) {
            return true;
        }
        match &self.values {
            Values::Null => true,
            Values::Dictionary { indices, values } => values.is_null(indices.get(row)),
            _ => false,
        }
    }

    /// Whether any key can be null; false is certain, true is not.
    #[must_use]
    pub fn may_be_null(&self) -> bool {
        self.validity.is_some()
            || match &self.values {
                Values::Null => true,
                Values::Dictionary { values, .. } => values.may_be_null(),
                _ => false,
            }
    }

    /// The validity of all rows as an owned Arrow bitmap, or None if no key is null.
    #[must_use]
    pub fn validity_bytes(&self) -> Option<Vec<u8>> {
        if !self.may_be_null() {
            return None;
        }
        if let (Some(bits), false) = (self.validity, matches!(self.values, Values::Null | Values::Dictionary { .. })) {
            let bytes = bits.to_bytes();
            let valid: usize = bytes.iter().map(|byte| byte.count_ones() as usize).sum();
            return (valid < self.len).then_some(bytes);
        }
        let mut bytes = vec![0_u8; self.len.div_ceil(8)];
        let mut nulls = 0;
        for row in 0..self.len {
            if self.is_null(row) {
                nulls += 1;
            } else {
                bytes[row >> 3] |= 1 << (row & 7);
            }
        }
        (nulls > 0).then_some(bytes)
    }

    /// The first row that is not null and that `wrong` says something about.
    fn refuse(&self, wrong: impl Fn(usize) -> Option<String>) -> Result<()> {
        for row in 0..self.len {
            if self.is_null(row) {
                continue;
            }
            if let Some(message) = wrong(row) {
                return Err(Error::UnsupportedType(format!("row {row}: {message}")));
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<()> {
        match &self.values {
            Values::Time64(values, TimeUnit::Second) => self.refuse(|row| {
                values[row]
                    .checked_mul(1_000_000)
                    .is_none()
                    .then(|| format!("{} s does not fit 64-bit microseconds, the canonical form of times", values[row]))
            }),
            Values::Time64(values, TimeUnit::Millisecond) => self.refuse(|row| {
                values[row].checked_mul(1_000).is_none().then(|| {
                    format!("{} ms does not fit 64-bit microseconds, the canonical form of times", values[row])
                })
            }),
            Values::Decimal(decimals, scale) => self.refuse(|row| {
                let value = match decimals {
                    Decimals::I32(_) | Decimals::I64(_) if *scale >= 0 => return None,
                    Decimals::I32(values) => Some(i128::from(values[row])),
                    Decimals::I64(values) => Some(i128::from(values[row])),
                    Decimals::I128(_) if *scale >= 0 => return None,
                    Decimals::I128(values) => Some(values[row]),
                    Decimals::I256(values) => narrow(&values[row]),
                };
                let fits = value.is_some_and(|value| value == 0 || decimal_parts(value, *scale).is_some());
                (!fits).then(|| "a decimal beyond 128 bits cannot be a key; cast it to decimal128 or text".to_owned())
            }),
            _ => Ok(()),
        }
    }

    /// Calls `visit(row, form)` for each row of `range`, in order.
    #[inline]
    #[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation, clippy::too_many_lines)]
    pub fn for_each(&self, range: Range<usize>, mut visit: impl FnMut(usize, Canonical<'_>)) {
        macro_rules! rows {
            ($row:ident => $form:expr) => {
                match self.validity {
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
                                visit($row, Canonical::Null);
                            }
                        }
                    }
                }
            };
        }
        let mut scratch: Scratch = [0; 17];
        match &self.values {
            Values::Null => range.for_each(|row| visit(row, Canonical::Null)),
            Values::I8(values) => rows!(row => Canonical::Word(i64::from(values[row]) as u64)),
            Values::I16(values) => rows!(row => Canonical::Word(i64::from(values[row]) as u64)),
            Values::I32(values) | Values::Date32(values) => {
                rows!(row => Canonical::Word(i64::from(values[row]) as u64))
            }
            Values::I64(values) => rows!(row => Canonical::Word(values[row] as u64)),
            Values::U8(values) => rows!(row => Canonical::Word(u64::from(values[row]))),
            Values::U16(values) => rows!(row => Canonical::Word(u64::from(values[row]))),
            Values::U32(values) => rows!(row => Canonical::Word(u64::from(values[row]))),
            Values::U64(values) => rows!(row => Canonical::Word(values[row])),
            Values::F16(values) => rows!(row => Canonical::Word(float_word(values[row].to_f64()))),
            Values::F32(values) => rows!(row => Canonical::Word(float_word(f64::from(values[row])))),
            Values::F64(values) => rows!(row => Canonical::Word(float_word(values[row]))),
            Values::Boolean(bits) => rows!(row => Canonical::Bytes(if bits.get(row) { &[1] } else { &[0] })),
            Values::Date64(values) => rows!(row => Canonical::Word(values[row].div_euclid(86_400_000) as u64)),
            Values::Time32(values, unit) => rows!(row => time_form(i64::from(values[row]), *unit, &mut scratch)),
            Values::Time64(values, unit) => rows!(row => time_form(values[row], *unit, &mut scratch)),
            Values::Decimal(decimals, scale) => match decimals {
                Decimals::I32(values) => rows!(row => decimal_form(i128::from(values[row]), *scale, &mut scratch)),
                Decimals::I64(values) => rows!(row => decimal_form(i128::from(values[row]), *scale, &mut scratch)),
                Decimals::I128(values) => rows!(row => decimal_form(values[row], *scale, &mut scratch)),
                Decimals::I256(values) => {
                    rows!(row => decimal_form(narrow(&values[row]).unwrap_or(0), *scale, &mut scratch));
                }
            },
            Values::Bytes32 { offsets, data } => {
                rows!(row => Canonical::Bytes(&data[offsets[row] as usize..offsets[row + 1] as usize]));
            }
            Values::Bytes64 { offsets, data } => {
                rows!(row => Canonical::Bytes(&data[offsets[row] as usize..offsets[row + 1] as usize]));
            }
            Values::Views { views, buffers } => rows!(row => Canonical::Bytes(view_bytes(&views[row], buffers))),
            Values::Fixed { width, data } => rows!(row => Canonical::Bytes(&data[row * width..(row + 1) * width])),
            Values::Dictionary { indices, values } => {
                for row in range {
                    if self.validity.is_some_and(|bits| !bits.get(row)) {
                        visit(row, Canonical::Null);
                    } else {
                        let entry = indices.get(row);
                        values.for_each_dyn(entry..entry + 1, &mut |_, form| visit(row, form));
                    }
                }
            }
        }
    }

    /// The bytes of a row of text or binary, where they lie; None for other types, and for null in a
    /// dictionary.
    #[inline]
    #[must_use]
    #[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation)]
    pub fn bytes(&self, row: usize) -> Option<&[u8]> {
        match &self.values {
            Values::Bytes32 { offsets, data } => Some(&data[offsets[row] as usize..offsets[row + 1] as usize]),
            Values::Bytes64 { offsets, data } => Some(&data[offsets[row] as usize..offsets[row + 1] as usize]),
            Values::Views { views, buffers } => Some(view_bytes(&views[row], buffers)),
            Values::Fixed { width, data } => Some(&data[row * width..(row + 1) * width]),
            _ => None,
        }
    }

    /// `for_each` for a caller whose own type must not nest: a dictionary's values.
    fn for_each_dyn(&self, range: Range<usize>, visit: &mut dyn FnMut(usize, Canonical<'_>)) {
        self.for_each(range, visit);
    }

    /// Calls `visit` with the canonical form of one row.
    #[inline]
    pub fn at<R>(&self, row: usize, visit: impl FnOnce(Canonical<'_>) -> R) -> R {
        let mut visit = Some(visit);
        let mut result = None;
        self.for_each(row..row + 1, |_, form| {
            result = visit.take().map(|call| call(form));
        });
        result.expect("for_each visits each row of its range once")
    }

    /// The text of a key for messages: text as it is, numbers in decimal, bytes in hexadecimal.
    #[must_use]
    pub fn display(&self, row: usize) -> String {
        match &self.values {
            Values::F16(_) | Values::F32(_) | Values::F64(_) => self.at(row, |form| match form {
                Canonical::Word(word) => f64::from_bits(word).to_string(),
                _ => "null".to_owned(),
            }),
            Values::Dictionary { indices, values } if !self.is_null(row) => values.display(indices.get(row)),
            values => self.at(row, |form| match form {
                Canonical::Null => "null".to_owned(),
                #[allow(clippy::cast_possible_wrap)]
                Canonical::Word(word) if matches!(values, Values::U64(_)) => word.to_string(),
                #[allow(clippy::cast_possible_wrap)]
                Canonical::Word(word) => (word as i64).to_string(),
                Canonical::Bytes(bytes) => match std::str::from_utf8(bytes) {
                    Ok(text) => text.to_owned(),
                    Err(_) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
                },
            }),
        }
    }
}

#[cfg(test)]
mod tests;
