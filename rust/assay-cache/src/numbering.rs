//! The numbers of a trace's keys: dense, in the order of their first appearance.
//!
//! As `assay_core::key_table` numbers them, and several times as fast, because nothing is ever looked up but to be
//! numbered: numbers lie apart from words, in few bytes, and the words are those that the trace keeps anyway. Integers,
//! floats and dates are words, texts and binary their bytes; what is neither, or a trace of several of these, is left to
//! the key table, which takes over what was numbered. Cost: see `words.rs` and `texts.rs`.

mod index;
mod texts;
mod words;

use assay_core::hash::HashKey;
use assay_core::hash::xxh64::Xxh64;
use assay_core::key_table::KeyTable;
use assay_core::keys::{Canonical, Indices, Keys, TimeUnit, Values};

use index::{ABSENT, BLOCK};
use texts::Texts;
use words::Words;

/// Which number each key of a trace has.
#[derive(Debug, Default)]
pub enum Numbering {
    /// No key was met yet.
    #[default]
    Unused,
    /// All keys are words.
    Words(Words),
    /// All keys are bytes.
    Texts(Texts),
    /// Anything.
    Any(KeyTable),
}

/// What the keys of a column are, all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Words,
    Bytes,
    Any,
}

fn kind(values: &Values<'_>) -> Kind {
    match values {
        Values::I8(_)
        | Values::I16(_)
        | Values::I32(_)
        | Values::I64(_)
        | Values::U8(_)
        | Values::U16(_)
        | Values::U32(_)
        | Values::U64(_)
        | Values::F16(_)
        | Values::F32(_)
        | Values::F64(_)
        | Values::Date32(_)
        | Values::Date64(_)
        | Values::Time32(_, TimeUnit::Second | TimeUnit::Millisecond | TimeUnit::Microsecond)
        | Values::Time64(_, TimeUnit::Second | TimeUnit::Millisecond | TimeUnit::Microsecond) => Kind::Words,
        Values::Bytes32 { .. } | Values::Bytes64 { .. } | Values::Views { .. } | Values::Fixed { .. } => Kind::Bytes,
        Values::Dictionary { values, .. } => kind(values.values()),
        _ => Kind::Any,
    }
}

impl Numbering {
    /// Writes the number of each key, none of which may be null. The words of new keys are appended to `words`, which
    /// holds those of all keys in the order of their numbers: an integer as it is, bytes by their XXH64.
    ///
    /// # Panics
    /// If there are not as many numbers as rows, or more keys than numbers of 32 bits.
    pub fn number(&mut self, keys: &Keys<'_>, words: &mut Vec<u64>, numbers: &mut [u32]) {
        assert_eq!(numbers.len(), keys.len(), "a number for each row");
        if keys.is_empty() {
            return;
        }
        let kind = kind(keys.values());
        match (&*self, kind) {
            (Self::Unused, Kind::Words) => *self = Self::Words(Words::default()),
            (Self::Unused, Kind::Bytes) => *self = Self::Texts(Texts::default()),
            (Self::Words(_), Kind::Words) | (Self::Texts(_), Kind::Bytes) | (Self::Any(_), _) => {}
            _ => *self = Self::Any(self.table(words)),
        }
        match (&mut *self, keys.values()) {
            (Self::Any(table), _) => number_any(table, keys, words, numbers),
            (_, Values::Dictionary { indices, values }) => self.number_dictionary(*indices, values, words, numbers),
            (Self::Words(own), _) => {
                let mut block = [0; BLOCK];
                for (first, numbers) in (0..).step_by(BLOCK).zip(numbers.chunks_mut(BLOCK)) {
                    let asked = &mut block[..numbers.len()];
                    words_of(keys, first, asked);
                    own.number(asked, words, numbers);
                }
            }
            (Self::Texts(own), _) => {
                let mut block = [&[][..]; BLOCK];
                for (first, numbers) in (0..).step_by(BLOCK).zip(numbers.chunks_mut(BLOCK)) {
                    let asked = &mut block[..numbers.len()];
                    for (text, row) in asked.iter_mut().zip(first..) {
                        *text = keys.bytes(row).unwrap_or_default();
                    }
                    own.number(asked, words, numbers);
                }
            }
            (Self::Unused, _) => unreachable!("a kind of key was chosen above"),
        }
    }

    /// Rows of a dictionary: each of its values once, in the order in which rows name them.
    #[allow(clippy::cast_possible_truncation)]
    fn number_dictionary(
        &mut self,
        indices: Indices<'_>,
        values: &Keys<'_>,
        words: &mut Vec<u64>,
        numbers: &mut [u32],
    ) {
        let mut known = vec![ABSENT; values.len()];
        let mut entries = Vec::new();
        for row in 0..numbers.len() {
            let entry = indices.get(row);
            if known[entry] == ABSENT {
                known[entry] = 0; // until all are numbered
                entries.push(entry);
            }
        }
        for entries in entries.chunks(BLOCK) {
            let mut given = [0; BLOCK];
            let given = &mut given[..entries.len()];
            match self {
                Self::Words(own) => {
                    let mut asked = [0; BLOCK];
                    for (word, &entry) in asked.iter_mut().zip(entries) {
                        words_of(values, entry, std::slice::from_mut(word));
                    }
                    own.number(&asked[..entries.len()], words, given);
                }
                Self::Texts(own) => {
                    let mut asked = [&[][..]; BLOCK];
                    for (text, &entry) in asked.iter_mut().zip(entries) {
                        *text = values.bytes(entry).unwrap_or_default();
                    }
                    own.number(&asked[..entries.len()], words, given);
                }
                Self::Unused | Self::Any(_) => unreachable!("dictionaries of words or texts"),
            }
            for (&entry, &number) in entries.iter().zip(&*given) {
                known[entry] = number;
            }
        }
        for (row, number) in numbers.iter_mut().enumerate() {
            *number = known[indices.get(row)];
        }
    }

    /// A table of the keys met so far, with the same numbers.
    fn table(&self, words: &[u64]) -> KeyTable {
        let mut table = KeyTable::new();
        match self {
            Self::Words(_) => words.iter().for_each(|&word| {
                table.insert(Canonical::Word(word));
            }),
            Self::Texts(texts) => texts.iter().for_each(|text| {
                table.insert(Canonical::Bytes(text));
            }),
            Self::Unused | Self::Any(_) => {}
        }
        table
    }
}

/// The canonical words of the rows from `first` on, whose keys are words.
fn words_of(keys: &Keys<'_>, first: usize, out: &mut [u64]) {
    let rows = first..first + out.len();
    if !keys.words(rows.clone(), out) {
        keys.for_each(rows, |row, form| {
            if let Canonical::Word(word) = form {
                out[row - first] = word;
            }
        });
    }
}

/// Keys of any type, by the table.
fn number_any(table: &mut KeyTable, keys: &Keys<'_>, words: &mut Vec<u64>, numbers: &mut [u32]) {
    let (hasher, mut fresh) = (Xxh64::new(0), Vec::new());
    table.insert_keys(keys, 0, numbers, &mut fresh);
    words.extend(fresh.iter().map(|&row| {
        keys.at(row as usize, |form| match form {
            Canonical::Word(word) => word,
            Canonical::Bytes(bytes) => hasher.bytes(bytes),
            Canonical::Null => 0,
        })
    }));
}

#[cfg(test)]
mod tests;
