//! Whether the buffers of a column belong together: what must hold before a key is read.
//!
//! Arrow's C interface carries no sizes of buffers and nobody checks what it points to. Offsets that
//! descend, views into no buffer and indices beyond their dictionary are found here, once per column,
//! so that reading a key cannot fail. Cost: a pass over offsets, views or indices, none over values.
//! Source: Apache Arrow, "Columnar Format", the layouts of variable-size binary, views and dictionaries.

use crate::error::{Error, Result};
use crate::keys::{Bitmap, Indices, Values};

/// A value must be shorter, since compound keys frame lengths in 32 bits.
const VALUE_BYTES_HIGH: usize = u32::MAX as usize;

/// An offset into a buffer of values.
trait Offset: Copy + PartialOrd + std::fmt::Display {
    /// The offset as a place; None if it is negative.
    fn place(self) -> Option<usize>;
}

impl Offset for i32 {
    fn place(self) -> Option<usize> {
        usize::try_from(self).ok()
    }
}

impl Offset for i64 {
    fn place(self) -> Option<usize> {
        usize::try_from(self).ok()
    }
}

fn corrupt(row: usize, message: impl std::fmt::Display) -> Error {
    Error::Corrupt(format!(
        "row {row}: {message}; the Arrow buffers contradict each other: ask their source, or check them with \
         pyarrow's validate(full=True)"
    ))
}

/// Checks the values of a column of `len` rows.
///
/// # Errors
/// If an offset, a view or an index of a row that is not null leads nowhere, or a value has 4 GiB.
pub(super) fn check(values: &Values<'_>, validity: Option<Bitmap<'_>>, len: usize) -> Result<()> {
    let valid = |row: usize| validity.is_none_or(|bits| bits.get(row));
    match values {
        Values::Bytes32 { offsets, data } => check_offsets(offsets, data.len()),
        Values::Bytes64 { offsets, data } => check_offsets(offsets, data.len()),
        Values::Views { views, buffers } => {
            let sizes: Vec<usize> = buffers.iter().map(|buffer| buffer.len()).collect();
            let wrong = (0..len).find(|row| !view_fits(views[*row], &sizes) && valid(*row));
            wrong.map_or(Ok(()), |row| Err(corrupt(row, "a view points outside the column's buffers")))
        }
        Values::Dictionary { indices, values } => {
            let count = values.len();
            // Indices of null rows may be anything, but seldom are.
            if below(indices, count) {
                return Ok(());
            }
            let wrong = (0..len).find(|row| indices.get(*row) >= count && valid(*row));
            wrong.map_or(Ok(()), |row| {
                Err(corrupt(row, format_args!("its index is outside the dictionary of {count} values")))
            })
        }
        _ => Ok(()),
    }
}

fn check_offsets<T: Offset>(offsets: &[T], bytes: usize) -> Result<()> {
    // A column without rows, as a slice can be, may point anywhere: nothing is read.
    let [first, .., last] = offsets else { return Ok(()) };
    let pairs = || offsets.iter().zip(&offsets[1..]);
    // Without a branch, so that the loop is done many at a time.
    let descends = pairs().fold(false, |found, (start, end)| found | (end < start));
    if descends {
        let row = pairs().position(|(start, end)| end < start).unwrap_or(0);
        return Err(corrupt(row, format_args!("the value ends at byte {} before it begins", offsets[row + 1])));
    }
    if first.place().is_none() || last.place().is_none_or(|last| last > bytes) {
        return Err(corrupt(0, format_args!("values lie at bytes {first} to {last} of {bytes}")));
    }
    if bytes >= VALUE_BYTES_HIGH {
        let long = |(start, end): (&T, &T)| {
            end.place().zip(start.place()).is_some_and(|(end, start)| end - start >= VALUE_BYTES_HIGH)
        };
        if let Some(row) = pairs().position(long) {
            return Err(Error::UnsupportedType(format!(
                "row {row}: a value of 4 GiB or more cannot be a key; hash it first"
            )));
        }
    }
    Ok(())
}

/// Whether a view is inlined, or lies within its buffer.
#[inline]
#[allow(clippy::cast_possible_truncation)]
fn view_fits(view: u128, sizes: &[usize]) -> bool {
    let length = view as u32 as usize;
    let (buffer, start) = ((view >> 64) as u32 as usize, (view >> 96) as usize);
    length <= 12 || sizes.get(buffer).is_some_and(|size| start + length <= *size)
}

/// Whether all indices, those of null rows too, are below `count`.
fn below(indices: &Indices<'_>, count: usize) -> bool {
    macro_rules! greatest {
        ($values:expr, $kind:ty) => {
            // A negative index is a huge unsigned one.
            $values.iter().fold(0, |most: $kind, value| most.max(*value as $kind)) as u64
        };
    }
    #[allow(clippy::cast_sign_loss, clippy::cast_lossless)]
    let (rows, greatest) = match indices {
        Indices::I8(values) => (values.len(), greatest!(values, u8)),
        Indices::I16(values) => (values.len(), greatest!(values, u16)),
        Indices::I32(values) => (values.len(), greatest!(values, u32)),
        Indices::I64(values) => (values.len(), greatest!(values, u64)),
        Indices::U8(values) => (values.len(), greatest!(values, u8)),
        Indices::U16(values) => (values.len(), greatest!(values, u16)),
        Indices::U32(values) => (values.len(), greatest!(values, u32)),
        Indices::U64(values) => (values.len(), greatest!(values, u64)),
    };
    rows == 0 || greatest < count as u64
}

#[cfg(test)]
mod tests {
    use crate::keys::{Bitmap, Indices, Keys, Values};

    fn refused(values: Values<'_>, validity: Option<Bitmap<'_>>, len: usize) -> Option<String> {
        Keys::new(values, validity, len).err().map(|error| error.to_string())
    }

    #[test]
    fn offsets_must_ascend_within_their_bytes() {
        let of = |offsets: &[i32]| refused(Values::Bytes32 { offsets, data: b"abcdef" }, None, offsets.len() - 1);
        assert_eq!(of(&[0, 0, 6]), None);
        assert_eq!(of(&[2, 3]), None);
        assert_eq!(of(&[9]), None);
        assert!(of(&[0, 5, 3]).unwrap().contains("row 1: the value ends at byte 3 before it begins"));
        assert!(of(&[0, -1, 3]).unwrap().contains("row 0"));
        assert!(of(&[-1, 0, 3]).unwrap().contains("bytes -1 to 3 of 6"));
        assert!(of(&[0, 7]).unwrap().contains("bytes 0 to 7 of 6"));
        let large = refused(Values::Bytes64 { offsets: &[0, i64::MAX], data: b"abcdef" }, None, 1);
        assert!(large.unwrap().contains("of 6"));
    }

    #[test]
    fn views_must_lie_within_their_buffers_where_they_are_read() {
        let view = |length: u32, buffer: u32, start: u32| {
            u128::from(length) | u128::from(buffer) << 64 | u128::from(start) << 96
        };
        let data = [b'x'; 30];
        let of = |view: u128, validity| refused(Values::Views { views: &[view], buffers: vec![&data] }, validity, 1);
        assert_eq!(of(view(20, 0, 10), None), None);
        assert_eq!(of(view(12, 9, 99), None), None); // inlined
        for wrong in [view(20, 0, 11), view(20, 1, 0), view(u32::MAX, 0, 0), view(20, 0, u32::MAX)] {
            assert!(of(wrong, None).unwrap().contains("a view points outside"));
            assert_eq!(of(wrong, Some(Bitmap::new(&[0], 0, 1))), None);
        }
    }

    #[test]
    fn indices_must_lie_within_the_dictionary_where_they_are_read() {
        let words = [7, 8, 9];
        let of = |indices: Indices<'_>, validity, len| {
            refused(Values::Dictionary { indices, values: Box::new(Keys::from_words(&words)) }, validity, len)
        };
        assert_eq!(of(Indices::I8(&[0, 2]), None, 2), None);
        assert!(of(Indices::I8(&[0, 3]), None, 2).unwrap().contains("row 1: its index is outside the dictionary of 3"));
        assert!(of(Indices::I64(&[-1]), None, 1).unwrap().contains("row 0"));
        assert!(of(Indices::U64(&[u64::MAX]), None, 1).is_some());
        assert_eq!(of(Indices::I32(&[0, -5]), Some(Bitmap::new(&[0b01], 0, 2)), 2), None);
        let none = Values::Dictionary { indices: Indices::I8(&[]), values: Box::new(Keys::from_words(&[])) };
        assert_eq!(refused(none, None, 0), None);
    }
}
