//! Insertion of columns of plain words: what most keys are.
//!
//! Idea: 64 words at a time are hashed and their slots asked for, and then compared with nothing in between that only
//! texts and nulls need; words that stand in the window are not hashed at all. Same numbers as one key at a time.

use crate::hash::{HashKey, xxh3_64::Xxh3_64};
use crate::key_table::{BATCH, HASHER_SEED, KeyTable, Slot, WORD};
use crate::keys::{Canonical, Keys};
use crate::memory;

impl KeyTable {
    /// As [`KeyTable::insert_keys`], for columns of words without nulls; false, with nothing done, if the column is none.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn insert_words(
        &mut self,
        keys: &Keys<'_>,
        first_row: u32,
        numbers: &mut [u32],
        fresh: &mut Vec<u32>,
    ) -> bool {
        let mut block = [0; BATCH];
        if !keys.words(0..0, &mut block[..0]) {
            return false;
        }
        assert_eq!(numbers.len(), keys.len(), "a number for each row");
        for (first, slots) in (0..).step_by(BATCH).zip(numbers.chunks_mut(BATCH)) {
            let words = &mut block[..slots.len()];
            keys.words(first..first + words.len(), words);
            if self.window.is_empty() {
                self.reserve(words.len()); // which may find that they belong into a window
            }
            let first_row = first_row + first as u32;
            if self.window.is_empty() {
                self.insert_hashed_words(words, first_row, slots, fresh);
            } else {
                self.insert_windowed_words(words, first_row, slots, fresh);
            }
        }
        true
    }

    /// Words most of which stand in the window: no hash, no fetching ahead.
    #[allow(clippy::cast_possible_truncation)]
    fn insert_windowed_words(&mut self, words: &[u64], first_row: u32, numbers: &mut [u32], fresh: &mut Vec<u32>) {
        for (row, (slot, &word)) in numbers.iter_mut().zip(words).enumerate() {
            let before = self.count;
            *slot = match self.window.place(word) {
                Some(place) => self.insert_at(place),
                None => self.insert(Canonical::Word(word)),
            };
            if self.count > before {
                fresh.push(first_row + row as u32);
            }
        }
    }

    /// Up to [`BATCH`] words, where there is no window; there must be room for them.
    #[allow(clippy::cast_possible_truncation)]
    fn insert_hashed_words(&mut self, words: &[u64], first_row: u32, numbers: &mut [u32], fresh: &mut Vec<u32>) {
        let hasher = Xxh3_64::new(HASHER_SEED);
        let last = self.slots.len() - 1;
        let mut homes = [0; BATCH];
        for (home, &word) in homes.iter_mut().zip(words) {
            *home = hasher.word(word) as usize & last;
            memory::prefetch(&self.slots[*home]);
        }
        for (row, (number, &word)) in numbers.iter_mut().zip(words).enumerate() {
            let mut place = homes[row];
            *number = loop {
                let slot = self.slots[place];
                if slot.word == word && slot.text == WORD && slot.number > 0 {
                    break slot.number - 1;
                }
                if slot.number == 0 {
                    let given = self.next_number();
                    self.in_slots += 1;
                    self.slots[place] = Slot { word, number: given + 1, text: WORD };
                    fresh.push(first_row + row as u32);
                    break given;
                }
                place = (place + 1) & last;
            };
        }
    }
}
