//! Arrow keys as words or bytes that compare as the keys do.
//!
//! A column of integers, floats, times, dates or bool becomes words; text, binary and decimals become bytes; several
//! columns become bytes too, part by part, each with a tag and framed so that no part runs into the next. One value is
//! one key in every type of its family: an index of int32 can be asked with int64, one of seconds with nanoseconds. A
//! value that the column's type cannot hold equals none of its keys, and as a bound it still has its place in the order.

use std::borrow::Cow;
use std::ops::Bound;

use assay_core::error::{Error, Result};
use assay_core::keys::{Keys, Values};

use crate::shape::{NULL, Part, Shape, VALUE, frame, part, signed, wide_bytes};
use crate::space::LONGEST;

/// Keys of a batch, one after the other.
#[derive(Debug)]
pub enum Batch<'a> {
    /// As words.
    Words(Cow<'a, [u64]>),
    /// As bytes where they lie.
    Borrowed(Vec<&'a [u8]>),
    /// As bytes of their own.
    Owned {
        /// All bytes.
        bytes: Vec<u8>,
        /// Where each key ends.
        ends: Vec<usize>,
    },
}

/// What keys are encoded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To be put in: every row that is no null must be a key.
    PutIn,
    /// To be asked for: null equals nothing, nor does what the column's type cannot hold.
    Ask,
    /// To be taken out: as entries are, null parts of a compound key and all.
    TakeOut,
}

/// What a row of a batch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// A key; the next of the batch.
    Key,
    /// No key.
    Null,
    /// A value that no key of the index can equal.
    Absent,
}

/// A batch of keys, and which rows they are.
#[derive(Debug)]
pub struct Encoded<'a> {
    /// The keys of the rows that have one.
    pub keys: Batch<'a>,
    /// What every row is; None if each is a key.
    pub rows: Option<Vec<Row>>,
}

impl Batch<'_> {
    /// The keys of bytes, each borrowed.
    ///
    /// # Panics
    /// If they are words.
    #[must_use]
    pub fn texts(&self) -> Cow<'_, [&[u8]]> {
        match self {
            Self::Words(_) => panic!("words are asked for as words"),
            Self::Borrowed(texts) => Cow::Borrowed(texts),
            Self::Owned { bytes, ends } => {
                let mut start = 0;
                let slices = ends.iter().map(|end| {
                    let slice = &bytes[start..*end];
                    start = *end;
                    slice
                });
                Cow::Owned(slices.collect())
            }
        }
    }
}

fn check_length(length: usize, row: usize) -> Result<()> {
    if length <= LONGEST {
        return Ok(());
    }
    Err(Error::UnsupportedType(format!(
        "row {row}: the key has {length} bytes; an index holds keys of at most {LONGEST}: index a hash or a prefix of it"
    )))
}

/// The shapes of the columns of a key, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shapes(Vec<Shape>);

impl Shapes {
    /// Those of these columns.
    #[must_use]
    pub fn of(columns: &[Keys<'_>]) -> Self {
        Self(columns.iter().map(Shape::of).collect())
    }

    /// How many columns there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether keys are words rather than bytes.
    #[must_use]
    pub fn are_words(&self) -> bool {
        matches!(self.0[..], [shape] if shape.is_word())
    }

    /// Whether other columns are keys in the same sense; a column of nulls alone takes the shape of what comes later.
    ///
    /// # Errors
    /// If there are more or fewer, or one is of another kind.
    pub fn check(&self, columns: &[Keys<'_>]) -> Result<()> {
        if columns.len() != self.len() {
            return Err(Error::Parameter(format!(
                "the keys have {} columns; the index has {}: pass as many, in its order",
                columns.len(),
                self.len()
            )));
        }
        self.0.iter().zip(columns).try_for_each(|(shape, keys)| shape.check(Shape::of(keys)))
    }

    /// Whether columns are the first ones of keys in the same sense, all of them or fewer.
    ///
    /// # Errors
    /// If there are more or none, or one is of another kind.
    pub fn check_front(&self, columns: &[Keys<'_>]) -> Result<()> {
        if columns.is_empty() || columns.len() > self.len() {
            return Err(Error::Parameter(format!(
                "a bound has {} parts; the index has {} column{}: give the first of them, or all",
                columns.len(),
                self.len(),
                if self.len() == 1 { "" } else { "s" }
            )));
        }
        self.0.iter().zip(columns).try_for_each(|(shape, keys)| shape.check(Shape::of(keys)))
    }

    /// The keys of all rows, for this purpose; messages number rows from `first` on.
    ///
    /// # Errors
    /// If columns are of another kind, a key that is put in is too long, or does not fit the column's type.
    pub fn encode<'a>(&self, columns: &'a [Keys<'_>], purpose: Purpose, first: usize) -> Result<Encoded<'a>> {
        let put_in = purpose == Purpose::PutIn;
        self.check(columns)?;
        let rows = columns.first().map_or(0, Keys::len);
        let mut states = Vec::new();
        let mut note = |row: usize, state: Row| {
            if states.is_empty() && state != Row::Key {
                states.reserve(rows);
                states.resize(row, Row::Key);
            }
            if !states.is_empty() || state != Row::Key {
                states.push(state);
            }
        };
        let refuse = |row: usize, keys: &Keys<'_>| {
            Err(Error::Data(format!(
                "row {}: {} does not fit the type of the indexed column; cast the keys to it",
                first + row,
                keys.display(row)
            )))
        };
        let keys = match (&self.0[..], columns) {
            ([shape], [column]) if shape.is_word() => {
                if let Some(words) = plain(*shape, column) {
                    Batch::Words(words)
                } else {
                    let mut words = Vec::with_capacity(rows);
                    for row in 0..rows {
                        match part(*shape, column, row) {
                            Part::Word(word) => {
                                words.push(word);
                                note(row, Row::Key);
                            }
                            Part::Null => note(row, Row::Null),
                            _ if put_in => return refuse(row, column),
                            _ => note(row, Row::Absent),
                        }
                    }
                    Batch::Words(Cow::Owned(words))
                }
            }
            ([Shape::Bytes], [column]) => {
                let mut texts = Vec::with_capacity(rows);
                for row in 0..rows {
                    match part(Shape::Bytes, column, row) {
                        Part::Bytes(text) => {
                            if put_in {
                                check_length(text.len(), first + row)?;
                            }
                            texts.push(text);
                            note(row, Row::Key);
                        }
                        _ => note(row, Row::Null),
                    }
                }
                Batch::Borrowed(texts)
            }
            (shapes, columns) => {
                let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(rows));
                for row in 0..rows {
                    let start = bytes.len();
                    let (mut nulls, mut fits) = (0, true);
                    for (shape, column) in shapes.iter().zip(columns) {
                        let part = part(*shape, column, row);
                        nulls += usize::from(part == Part::Null);
                        fits &= match part {
                            Part::Wide(value) if shapes.len() == 1 => {
                                bytes.extend_from_slice(&wide_bytes(value));
                                true
                            }
                            part => frame(part, &mut bytes),
                        };
                        if !fits && put_in {
                            return refuse(row, column);
                        }
                    }
                    // An entry without any value is none; what is asked for without some value equals nothing.
                    let state = match nulls {
                        0 if !fits => Row::Absent,
                        0 => Row::Key,
                        some if purpose != Purpose::Ask && some < shapes.len() => {
                            if fits {
                                Row::Key
                            } else {
                                Row::Absent
                            }
                        }
                        _ => Row::Null,
                    };
                    if state == Row::Key {
                        if put_in {
                            check_length(bytes.len() - start, first + row)?;
                        }
                        ends.push(bytes.len());
                    } else {
                        bytes.truncate(start);
                    }
                    note(row, state);
                }
                Batch::Owned { bytes, ends }
            }
        };
        Ok(Encoded { keys, rows: (!states.is_empty()).then_some(states) })
    }

    /// A bound of a range: the first columns of a row, all of them or fewer.
    ///
    /// # Errors
    /// If there are more columns, one is of another kind, or a part is null.
    pub fn bound(&self, columns: &[Keys<'_>], row: usize, side: Side, included: bool) -> Result<Limit> {
        self.check_front(columns)?;
        let mut bytes = Vec::new();
        for (shape, keys) in self.0.iter().zip(columns) {
            let part = part(*shape, keys, row);
            if part == Part::Null {
                return Err(Error::Parameter("a bound is null, which has no order; leave it out".to_owned()));
            }
            if self.are_words() {
                return Ok(word_limit(part, side, included));
            }
            if self.len() == 1 {
                return Ok(text_limit(part, side, included));
            }
            let before = bytes.len();
            if !frame(part, &mut bytes) {
                // Between what begins so: nothing that begins with the parts before it can equal it.
                bytes.truncate(before);
                match part {
                    Part::Below => bytes.push(VALUE),
                    Part::AfterWord(word) => {
                        let _ = frame(Part::Word(word), &mut bytes);
                        next(&mut bytes);
                    }
                    Part::AfterWide(value) => {
                        let _ = frame(Part::Wide(value), &mut bytes);
                        next(&mut bytes);
                    }
                    _ => bytes.push(NULL),
                }
                return Ok(match side {
                    Side::Low => Limit::Texts(Bound::Included(bytes)),
                    Side::High => Limit::Texts(Bound::Excluded(bytes)),
                });
            }
        }
        // A key that begins with these parts counts as equal to them: what follows all of those is a bound too.
        Ok(match (side, included) {
            (Side::Low, true) => Limit::Texts(Bound::Included(bytes)),
            (Side::High, false) => Limit::Texts(Bound::Excluded(bytes)),
            (Side::Low, false) => {
                next(&mut bytes);
                Limit::Texts(Bound::Included(bytes))
            }
            (Side::High, true) => {
                next(&mut bytes);
                Limit::Texts(Bound::Excluded(bytes))
            }
        })
    }
}

/// Bytes as the least that are greater than everything that begins with them; a key begins with a tag, below 255.
fn next(bytes: &mut Vec<u8>) {
    while bytes.pop_if(|last| *last == u8::MAX).is_some() {}
    if let Some(last) = bytes.last_mut() {
        *last += 1;
    }
}

/// Which end of a range a bound is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Where it begins.
    Low,
    /// Where it ends.
    High,
}

/// A bound in the terms of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// No bound.
    None,
    /// Nothing is within it.
    Nothing,
    /// Of words.
    Word(Bound<u64>),
    /// Of bytes.
    Texts(Bound<Vec<u8>>),
}

fn bound<T>(value: T, included: bool) -> Bound<T> {
    if included { Bound::Included(value) } else { Bound::Excluded(value) }
}

fn word_limit(part: Part<'_>, side: Side, included: bool) -> Limit {
    match (part, side) {
        (Part::Word(word), _) => Limit::Word(bound(word, included)),
        (Part::AfterWord(word), Side::Low) => Limit::Word(Bound::Excluded(word)),
        (Part::AfterWord(word), Side::High) => Limit::Word(Bound::Included(word)),
        (Part::Below, Side::Low) | (Part::Above, Side::High) => Limit::None,
        _ => Limit::Nothing,
    }
}

fn text_limit(part: Part<'_>, side: Side, included: bool) -> Limit {
    let wide = |value| wide_bytes(value).to_vec();
    match (part, side) {
        (Part::Bytes(text), _) => Limit::Texts(bound(text.to_vec(), included)),
        (Part::Wide(value), _) => Limit::Texts(bound(wide(value), included)),
        (Part::AfterWide(value), Side::Low) => Limit::Texts(Bound::Excluded(wide(value))),
        (Part::AfterWide(value), Side::High) => Limit::Texts(Bound::Included(wide(value))),
        (Part::Below, Side::Low) | (Part::Above, Side::High) => Limit::None,
        _ => Limit::Nothing,
    }
}

/// The words of a column without nulls whose type is plainly that of the shape.
fn plain<'a>(shape: Shape, column: &'a Keys<'_>) -> Option<Cow<'a, [u64]>> {
    if column.validity().is_some() {
        return None;
    }
    let map = |count: usize, word: &dyn Fn(usize) -> u64| Cow::Owned((0..count).map(word).collect());
    Some(match (shape, column.values()) {
        (Shape::Unsigned, Values::U64(values)) => Cow::Borrowed(&values[..column.len()]),
        (Shape::Unsigned, Values::U32(values)) => map(column.len(), &|row| u64::from(values[row])),
        (Shape::Signed, Values::I64(values)) => {
            Cow::Owned(values[..column.len()].iter().map(|value| signed(*value)).collect())
        }
        (Shape::Signed, Values::I32(values)) => {
            Cow::Owned(values[..column.len()].iter().map(|value| signed(i64::from(*value))).collect())
        }
        (Shape::Time(wanted), Values::Time64(values, unit)) if *unit == wanted => {
            Cow::Owned(values[..column.len()].iter().map(|value| signed(*value)).collect())
        }
        _ => return None,
    })
}
