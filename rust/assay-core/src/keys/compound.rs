//! Compound keys: the fields of a row framed, one after another.
//!
//! A field is `00` where it is null, else `01`, its length (u32, little-endian) and its canonical bytes, so that
//! ("ab", "c") differs from ("a", "bc"). Rows are framed by the block, one column after another, so that a column's
//! type is looked at once a block and not once a row. Cost: 1 to 2 ns a number, and its bytes twice through the
//! nearest cache. Source: METHODOLOGY, "Keys".

use std::ops::Range;

use crate::keys::{Canonical, Keys};

/// Rows that are framed at a time, if they are short.
const ROWS: usize = 256;
/// A block ends with the row that brings it to so many bytes.
const BYTES: usize = 256 << 10;
/// `01`, and a length of 8.
const WORD_HEADER: u64 = 0x0801;
/// Bytes of a framed word.
const WORD_BYTES: usize = 5 + 8;

/// The framed rows of a block.
#[derive(Debug)]
pub(crate) struct Frames {
    /// The frame of row i lies at `bytes[offsets[i]..offsets[i + 1]]`.
    offsets: Vec<usize>,
    bytes: Vec<u8>,
    columns: usize,
}

impl Frames {
    fn new(columns: usize) -> Self {
        Self { offsets: Vec::with_capacity(ROWS + 1), bytes: Vec::new(), columns }
    }

    /// Where each frame begins, and where the last one ends.
    pub(crate) fn offsets(&self) -> &[usize] {
        &self.offsets
    }

    /// All frames.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether all fields of the block's row are null: nothing else is as short.
    pub(crate) fn is_null(&self, index: usize) -> bool {
        self.offsets[index + 1] - self.offsets[index] == self.columns
    }

    /// Frames rows of the range, from its first one on; as many as are worth a block.
    fn fill(&mut self, columns: &[Keys<'_>], rows: Range<usize>) {
        let (first, count) = (rows.start, rows.len().min(ROWS));
        // Lengths first, one place later than their rows' offsets.
        self.offsets.clear();
        self.offsets.resize(count + 1, 0);
        for column in columns {
            if column.words(first..first, &mut []) {
                self.offsets[1..].iter_mut().for_each(|length| *length += WORD_BYTES);
            } else {
                column.for_each(first..first + count, |row, form| self.offsets[row - first + 1] += framed(form));
            }
        }
        let mut end = 0;
        let mut taken = count;
        for (index, offset) in self.offsets.iter_mut().enumerate() {
            end += *offset;
            *offset = end;
            if end >= BYTES && index > 0 {
                taken = index;
                break;
            }
        }
        self.offsets.truncate(taken + 1);
        self.bytes.resize(end, 0);
        let mut cursors = [0; ROWS];
        let cursors = &mut cursors[..taken];
        cursors.copy_from_slice(&self.offsets[..taken]);
        let mut words = [0; ROWS];
        for column in columns {
            if column.words(first..first + taken, &mut words[..taken]) {
                for (cursor, word) in cursors.iter_mut().zip(words) {
                    let field = &mut self.bytes[*cursor..*cursor + WORD_BYTES];
                    field[..8].copy_from_slice(&WORD_HEADER.to_le_bytes());
                    field[5..].copy_from_slice(&word.to_le_bytes());
                    *cursor += WORD_BYTES;
                }
            } else {
                column.for_each(first..first + taken, |row, form| {
                    let cursor = &mut cursors[row - first];
                    *cursor += frame(form, &mut self.bytes[*cursor..]);
                });
            }
        }
        debug_assert!(cursors.iter().eq(&self.offsets[1..]), "every frame is as long as it was counted");
    }
}

/// The bytes of a framed field.
#[inline]
fn framed(form: Canonical<'_>) -> usize {
    match form {
        Canonical::Null => 1,
        Canonical::Word(_) => WORD_BYTES,
        Canonical::Bytes(bytes) => 5 + bytes.len(),
    }
}

/// Writes a framed field, and tells how many bytes it took.
#[inline]
#[allow(clippy::cast_possible_truncation)]
fn frame(form: Canonical<'_>, out: &mut [u8]) -> usize {
    match form {
        Canonical::Null => out[0] = 0,
        Canonical::Word(word) => {
            let field = &mut out[..WORD_BYTES];
            field[..8].copy_from_slice(&WORD_HEADER.to_le_bytes());
            field[5..].copy_from_slice(&word.to_le_bytes());
        }
        Canonical::Bytes(bytes) => {
            out[0] = 1;
            out[1..5].copy_from_slice(&(bytes.len() as u32).to_le_bytes());
            out[5..5 + bytes.len()].copy_from_slice(bytes);
        }
    }
    framed(form)
}

/// Calls `visit(first_row, frames)` for consecutive blocks of the rows of several columns.
pub(crate) fn for_each_block(columns: &[Keys<'_>], range: Range<usize>, mut visit: impl FnMut(usize, &Frames)) {
    let mut frames = Frames::new(columns.len());
    let mut first = range.start;
    while first < range.end {
        frames.fill(columns, first..range.end);
        visit(first, &frames);
        first += frames.offsets.len() - 1;
    }
}

/// Calls `visit(row, form)` with the key of `columns` in each row of `range`: the column itself if
/// there is one, else the framed compound. A compound is null only if all its parts are.
pub fn for_each_compound(columns: &[Keys<'_>], range: Range<usize>, mut visit: impl FnMut(usize, Canonical<'_>)) {
    if let [column] = columns {
        column.for_each(range, visit);
        return;
    }
    for_each_block(columns, range, |first, frames| {
        for (index, ends) in frames.offsets.windows(2).enumerate() {
            let form =
                if frames.is_null(index) { Canonical::Null } else { Canonical::Bytes(&frames.bytes[ends[0]..ends[1]]) };
            visit(first + index, form);
        }
    });
}
