//! A table of distinct keys: each gets a dense number, in order of first appearance.
//!
//! Exact key counts rest on it. Keys are compared by their canonical bytes, so that one value has
//! one number whatever type carries it; null has a number of its own. Compound keys are built from
//! the numbers of their parts: a pair of numbers is a word. Cost: about 24 bytes a key plus the
//! bytes of text.

use hashbrown::HashTable;

use crate::hash::{HashKey, xxh3_64::Xxh3_64};
use crate::keys::{Canonical, Keys};

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// The key's eight bytes, or where its bytes begin in the arena.
    word: u64,
    /// The number of bytes, or `WORD`.
    length: u32,
}

const WORD: u32 = u32::MAX;

/// The number that stands for a key which a lookup did not find.
pub const ABSENT: u32 = u32::MAX;

/// Distinct keys and their numbers.
#[derive(Debug, Default)]
pub struct KeyTable {
    table: HashTable<(u64, u32)>,
    entries: Vec<Entry>,
    arena: Vec<u8>,
    null: Option<u32>,
}

/// The seed differs from that of any hash a strategy uses by default: the same hash for
/// partitioning and for the table inside a partition would degrade the latter.
const HASHER_SEED: u64 = 0x6173_7361_795f_6b74;

fn normal(form: Canonical<'_>) -> Canonical<'_> {
    match form {
        Canonical::Bytes(bytes) if bytes.len() == 8 => {
            Canonical::Word(u64::from_le_bytes(std::array::from_fn(|index| bytes[index])))
        }
        other => other,
    }
}

impl KeyTable {
    /// An empty table.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of distinct keys, null included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the table holds no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The number of the null key, if it was met.
    #[must_use]
    pub fn null(&self) -> Option<u32> {
        self.null
    }

    /// The bytes that the table holds.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        (self.table.allocation_size() + self.entries.capacity() * std::mem::size_of::<Entry>() + self.arena.capacity())
            as u64
    }

    fn equal(&self, number: u32, form: Canonical<'_>) -> bool {
        let entry = self.entries[number as usize];
        match form {
            Canonical::Word(word) => entry.length == WORD && entry.word == word,
            Canonical::Bytes(bytes) => {
                entry.length as usize == bytes.len() && entry.length != WORD && {
                    #[allow(clippy::cast_possible_truncation)]
                    let start = entry.word as usize;
                    self.arena[start..start + bytes.len()] == *bytes
                }
            }
            Canonical::Null => false,
        }
    }

    fn hash(form: Canonical<'_>) -> u64 {
        let hasher = Xxh3_64::new(HASHER_SEED);
        match form {
            Canonical::Word(word) => hasher.word(word),
            Canonical::Bytes(bytes) => hasher.bytes(bytes),
            Canonical::Null => 0,
        }
    }

    #[allow(clippy::cast_possible_truncation)]
    fn push(&mut self, form: Canonical<'_>) -> u32 {
        let number = self.entries.len() as u32;
        assert!(number < ABSENT, "a key table holds fewer than 2^32 - 1 keys");
        self.entries.push(match form {
            Canonical::Word(word) => Entry { word, length: WORD },
            Canonical::Bytes(bytes) => {
                let entry = Entry { word: self.arena.len() as u64, length: bytes.len() as u32 };
                self.arena.extend_from_slice(bytes);
                entry
            }
            Canonical::Null => Entry { word: 0, length: 0 },
        });
        number
    }

    /// The number of a key, given now if it is new.
    pub fn insert(&mut self, form: Canonical<'_>) -> u32 {
        let form = normal(form);
        if form == Canonical::Null {
            if let Some(number) = self.null {
                return number;
            }
            let number = self.push(form);
            self.null = Some(number);
            return number;
        }
        let hash = Self::hash(form);
        if let Some((_, number)) =
            self.table.find(hash, |(stored, number)| *stored == hash && self.equal(*number, form))
        {
            return *number;
        }
        let number = self.push(form);
        self.table.insert_unique(hash, (hash, number), |(stored, _)| *stored);
        number
    }

    /// The number of a key, or [`ABSENT`].
    #[must_use]
    pub fn find(&self, form: Canonical<'_>) -> u32 {
        let form = normal(form);
        if form == Canonical::Null {
            return self.null.unwrap_or(ABSENT);
        }
        let hash = Self::hash(form);
        self.table
            .find(hash, |(stored, number)| *stored == hash && self.equal(*number, form))
            .map_or(ABSENT, |(_, number)| *number)
    }

    /// The numbers of a column's keys; rows that met a key for the first time are appended to
    /// `fresh`. A dictionary is looked up once per value.
    #[allow(clippy::cast_possible_truncation)]
    pub fn insert_keys(&mut self, keys: &Keys<'_>, numbers: &mut Vec<u32>, fresh: &mut Vec<u32>) {
        if let crate::keys::Values::Dictionary { indices, values } = keys.values() {
            let mut known = vec![ABSENT; values.len()];
            for row in 0..keys.len() {
                let before = self.len();
                let number = if keys.is_null(row) {
                    self.insert(Canonical::Null)
                } else {
                    let entry = indices.get(row);
                    if known[entry] == ABSENT {
                        known[entry] = values.at(entry, |form| self.insert(form));
                    }
                    known[entry]
                };
                if self.len() > before {
                    fresh.push(row as u32);
                }
                numbers.push(number);
            }
            return;
        }
        keys.for_each(0..keys.len(), |row, form| {
            let before = self.len();
            numbers.push(self.insert(form));
            if self.len() > before {
                fresh.push(row as u32);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    proptest! {
        #[test]
        fn numbers_follow_first_appearance(keys in proptest::collection::vec(proptest::option::of("[ab]{0,9}"), 0..200)) {
            let mut table = KeyTable::new();
            let mut oracle: HashMap<Option<String>, u32> = HashMap::new();
            for key in &keys {
                let next = u32::try_from(oracle.len()).unwrap();
                let expected = *oracle.entry(key.clone()).or_insert(next);
                let form = key.as_ref().map_or(Canonical::Null, |text| Canonical::Bytes(text.as_bytes()));
                prop_assert_eq!(table.find(form), if expected == next { ABSENT } else { expected });
                prop_assert_eq!(table.insert(form), expected);
                prop_assert_eq!(table.find(form), expected);
            }
            prop_assert_eq!(table.len(), oracle.len());
        }
    }

    #[test]
    fn eight_bytes_of_text_are_the_word_they_spell() {
        let mut table = KeyTable::new();
        let number = table.insert(Canonical::Bytes(b"abcdefgh"));
        assert_eq!(table.insert(Canonical::Word(u64::from_le_bytes(*b"abcdefgh"))), number);
    }

    #[test]
    fn the_empty_text_is_not_null() {
        let mut table = KeyTable::new();
        assert_eq!(table.insert(Canonical::Null), 0);
        assert_eq!(table.insert(Canonical::Bytes(b"")), 1);
        assert_eq!(table.null(), Some(0));
    }
}
