//! The canonical bytes of keys, as messages side by side.
//!
//! Texts and binaries are read where they lie; words are laid out as their eight bytes, and other forms (compound keys,
//! decimals, what is below a microsecond) are copied, a thousand rows at a time.

use std::ops::Range;

use super::many::MESSAGES_AT_ONCE;
use crate::keys::{Bitmap, Canonical, Keys, Values, for_each_compound};

/// Some consecutive rows and the messages of those that are not null.
pub struct Batch<'a> {
    first: usize,
    /// The rows, counted from the first one; empty if none is null.
    rows: &'a [u32],
    /// A message for each row.
    pub messages: &'a [&'a [u8]],
}

impl Batch<'_> {
    /// The row of a message.
    #[inline(always)]
    pub fn row(&self, message: usize) -> usize {
        self.first + if self.rows.is_empty() { message } else { self.rows[message] as usize }
    }
}

/// Calls `visit` with the keys of `range` that are not null, in order and batch by batch, other rows are passed over.
pub fn for_each_batch(columns: &[Keys<'_>], range: Range<usize>, mut visit: impl FnMut(Batch<'_>)) {
    for first in range.clone().step_by(MESSAGES_AT_ONCE) {
        let rows = first..range.end.min(first + MESSAGES_AT_ONCE);
        let done = match columns {
            [column] => words(column, rows.clone(), &mut visit) || borrowed(column, rows.clone(), &mut visit),
            _ => false,
        };
        if !done {
            copied(columns, rows, &mut visit);
        }
    }
}

/// Plain words without nulls, if that is what the column has.
fn words(column: &Keys<'_>, rows: Range<usize>, visit: &mut impl FnMut(Batch<'_>)) -> bool {
    let mut words = [0; MESSAGES_AT_ONCE];
    let words = &mut words[..rows.len()];
    if !column.words(rows.clone(), words) {
        return false;
    }
    // Canonical bytes are little-endian, whatever the machine is.
    words.iter_mut().for_each(|word| *word = word.to_le());
    let bytes: Vec<[u8; 8]> = words.iter().map(|word| word.to_ne_bytes()).collect();
    let messages: Vec<&[u8]> = bytes.iter().map(<[u8; 8]>::as_slice).collect();
    visit(Batch { first: rows.start, rows: &[], messages: &messages });
    true
}

/// Texts and binaries where they lie, if that is what the column has.
#[allow(clippy::cast_sign_loss)]
fn borrowed(column: &Keys<'_>, rows: Range<usize>, visit: &mut impl FnMut(Batch<'_>)) -> bool {
    let bytes = |row: usize| column.bytes(row).expect("the column is of bytes");
    let messages: Vec<&[u8]> = match (column.values(), column.validity()) {
        (Values::Bytes32 { offsets, data }, None) => {
            let ends = offsets[rows.start..=rows.end].windows(2);
            ends.map(|ends| &data[ends[0] as usize..ends[1] as usize]).collect()
        }
        (Values::Bytes64 { .. } | Values::Views { .. } | Values::Fixed { .. }, None) => {
            rows.clone().map(bytes).collect()
        }
        (Values::Bytes32 { .. } | Values::Bytes64 { .. } | Values::Views { .. } | Values::Fixed { .. }, Some(bits)) => {
            let present = valid(bits, rows.clone());
            let messages: Vec<&[u8]> = present.iter().map(|row| bytes(rows.start + *row as usize)).collect();
            visit(Batch { first: rows.start, rows: &present, messages: &messages });
            return true;
        }
        _ => return false,
    };
    visit(Batch { first: rows.start, rows: &[], messages: &messages });
    true
}

/// The rows that are there, counted from the first one.
fn valid(bits: Bitmap<'_>, rows: Range<usize>) -> Vec<u32> {
    let mut present = Vec::with_capacity(rows.len());
    for (index, row) in (0..).zip(rows) {
        if bits.get(row) {
            present.push(index);
        }
    }
    present
}

/// Any other form, copied.
fn copied(columns: &[Keys<'_>], rows: Range<usize>, visit: &mut impl FnMut(Batch<'_>)) {
    let (mut present, mut bytes, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    let first = rows.start;
    for_each_compound(columns, rows, |row, form| {
        match form {
            Canonical::Null => return,
            Canonical::Word(word) => bytes.extend_from_slice(&word.to_le_bytes()),
            Canonical::Bytes(form) => bytes.extend_from_slice(form),
        }
        present.push(u32::try_from(row - first).expect("a batch has few rows"));
        ends.push(bytes.len());
    });
    let mut start = 0;
    let cut = |end: &usize| &bytes[std::mem::replace(&mut start, *end)..*end];
    let messages: Vec<&[u8]> = ends.iter().map(cut).collect();
    visit(Batch { first, rows: &present, messages: &messages });
}
