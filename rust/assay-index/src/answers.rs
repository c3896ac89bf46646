//! Batches of lookups: which keys may share a pass, and the answers of their parts put together.

use assay_core::error::{Error, Result};

use crate::Found;
use crate::encode::{Encoded, Row};

/// Which keys of a batch may be found in one pass over rows.
#[derive(Debug, Clone, Copy)]
pub enum Passes<'a> {
    /// All of them.
    Shared,
    /// None, as if each came alone.
    Apart,
    /// Those of one list, by the rows at which consecutive lists end.
    Lists(&'a [usize]),
}

/// What lookups found, row by row of what was asked.
#[derive(Debug, Default)]
pub struct Answers {
    /// The rows of each, and where they end.
    pub found: Found,
    /// Which rows are valid, as an Arrow bitmap; None if all are.
    pub validity: Option<Vec<u8>>,
}

/// Where lists end among the keys that are asked, by where they end among all rows.
///
/// # Errors
/// If lists do not have all of them.
pub fn probe_ends(ends: &[usize], rows: usize, encoded: &Encoded<'_>) -> Result<Vec<usize>> {
    let mut first = 0;
    for end in ends {
        if *end < first || *end > rows {
            return Err(Error::Data(format!("a list ends at key {end}, after {first}; expected ends up to {rows}")));
        }
        first = *end;
    }
    if first != rows {
        return Err(Error::Data(format!("the lists have {first} keys; expected all {rows}")));
    }
    let Some(states) = &encoded.rows else { return Ok(ends.to_vec()) };
    let (mut row, mut keys) = (0, 0);
    let of_keys = ends.iter().map(|end| {
        keys += states[row..*end].iter().filter(|state| **state == Row::Key).count();
        row = *end;
        keys
    });
    Ok(of_keys.collect())
}

/// The parts of a batch as one.
#[must_use]
pub fn joined(mut parts: Vec<Found>) -> Found {
    if parts.len() == 1 {
        return parts.swap_remove(0);
    }
    let mut all = Found {
        ends: Vec::with_capacity(parts.iter().map(|part| part.ends.len()).sum()),
        rows: Vec::with_capacity(parts.iter().map(|part| part.rows.len()).sum()),
    };
    for part in parts {
        #[allow(clippy::cast_possible_wrap)]
        let before = all.rows.len() as i64;
        all.ends.extend(part.ends.iter().map(|end| before + end));
        all.rows.extend_from_slice(&part.rows);
    }
    all
}

/// The answers to keys as those to all rows: none where there is no key.
#[must_use]
pub fn spread(found: Found, encoded: &Encoded<'_>) -> Answers {
    let Some(states) = &encoded.rows else { return Answers { found, validity: None } };
    let mut validity = Bits::new(states.len());
    let mut ends = Vec::with_capacity(states.len());
    let mut next = found.ends.iter();
    let mut last = 0;
    for (row, state) in states.iter().enumerate() {
        if *state == Row::Key {
            last = *next.next().expect("a key has an answer");
        }
        ends.push(last);
        validity.set(row, *state != Row::Null);
    }
    Answers { found: Found { ends, rows: found.rows }, validity: validity.finish() }
}

/// An Arrow bitmap in the making.
#[derive(Debug)]
pub struct Bits {
    bytes: Vec<u8>,
    all: bool,
}

impl Bits {
    /// One of so many rows, none of them valid.
    #[must_use]
    pub fn new(len: usize) -> Self {
        Self { bytes: vec![0; len.div_ceil(8)], all: true }
    }

    /// Says whether a row is valid; each is said once.
    pub fn set(&mut self, at: usize, value: bool) {
        self.bytes[at >> 3] |= u8::from(value) << (at & 7);
        self.all &= value;
    }

    /// The bytes; None if all rows are valid.
    #[must_use]
    pub fn finish(self) -> Option<Vec<u8>> {
        (!self.all).then_some(self.bytes)
    }
}
