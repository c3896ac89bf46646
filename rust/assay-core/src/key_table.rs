//! A table of distinct keys: each gets a dense number, in order of first appearance.
//!
//! Exact key counts rest on it. Keys are compared by their canonical bytes, so that one value has
//! one number whatever type carries it; null has a number of its own. Compound keys are built from
//! the numbers of their parts: a pair of numbers is a word. Idea: open addressing with linear probing;
//! words lie in their slots, so that one costs one cache line, and 64 keys are hashed while their lines
//! are fetched. Words that lie close together, as ids and dates do, stand in a *window* instead (`window.rs`),
//! which the word itself indexes, without a hash. Cost: 26 to 51 bytes a key plus 12 and the bytes of text; in the
//! window 4 to 24 bytes a key, and where words came in ascending order a quarter byte to a byte and a half.
//! Source: Knuth, "The Art of Computer Programming" 3, section 6.4, algorithm L.

mod window;
mod words;

use std::ops::Range;

use crate::hash::{HashKey, xxh3_64::Xxh3_64};
use crate::keys::{Canonical, Keys, Values, for_each_compound};
use crate::memory;

use window::Window;

/// A place for a key. `number` is one more than the key's, and 0 in a free slot.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    /// The key's eight bytes, or the hash of its bytes.
    word: u64,
    number: u32,
    /// Which of the texts, or `WORD`.
    text: u32,
}

/// Where the bytes of a text lie in the arena.
#[derive(Debug, Clone, Copy)]
struct Text {
    start: usize,
    length: usize,
}

const WORD: u32 = u32::MAX;

/// The number that stands for a key which a lookup did not find.
pub const ABSENT: u32 = u32::MAX;

/// With fewer slots than this nobody looks whether the words lie close together.
const WINDOW_WORTH_A_LOOK: usize = 256;

/// Keys that are looked up at a time.
const BATCH: usize = 64;

/// A window holds a key in every so many of its places at least: sparser, it would be larger than the slots.
const WINDOW_SPARSEST: u64 = 6;

/// So many words at most are sorted to see whether they came in ascending order: what came before is ranked already.
const WORDS_WORTH_A_SORT: usize = 1 << 16;

/// Distinct keys and their numbers.
#[derive(Debug, Default)]
pub struct KeyTable {
    window: Window,
    /// The number of keys in slots.
    in_slots: usize,
    /// A power of two of them, or none.
    slots: Vec<Slot>,
    count: u32,
    texts: Vec<Text>,
    arena: Vec<u8>,
    null: Option<u32>,
    /// How many keys there will be, as far as is known.
    expected: usize,
}

/// Keys row by row, from wherever they come; a range can be visited more than once.
pub trait Source {
    /// The number of rows.
    fn rows(&self) -> usize;

    /// Calls `visit(row, form)` for each row of `range`, in order.
    fn visit(&self, range: Range<usize>, visit: impl FnMut(usize, Canonical<'_>));
}

impl Source for Keys<'_> {
    fn rows(&self) -> usize {
        self.len()
    }

    #[inline]
    fn visit(&self, range: Range<usize>, visit: impl FnMut(usize, Canonical<'_>)) {
        self.for_each(range, visit);
    }
}

/// Compound keys: the rows of several columns.
impl Source for [Keys<'_>] {
    fn rows(&self) -> usize {
        self.first().map_or(0, Keys::len)
    }

    #[inline]
    fn visit(&self, range: Range<usize>, visit: impl FnMut(usize, Canonical<'_>)) {
        for_each_compound(self, range, visit);
    }
}

/// Keys that are pairs of numbers: a word each.
#[derive(Debug, Clone, Copy)]
pub struct Pairs<'a> {
    /// The first number of each pair.
    pub first: &'a [u32],
    /// The second, in as many rows.
    pub second: &'a [u32],
}

impl Source for Pairs<'_> {
    fn rows(&self) -> usize {
        self.first.len().min(self.second.len())
    }

    #[inline]
    fn visit(&self, range: Range<usize>, mut visit: impl FnMut(usize, Canonical<'_>)) {
        for row in range {
            visit(row, Canonical::Word(u64::from(self.first[row]) << 32 | u64::from(self.second[row])));
        }
    }
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

fn hash(form: Canonical<'_>) -> u64 {
    let hasher = Xxh3_64::new(HASHER_SEED);
    match form {
        Canonical::Word(word) => hasher.word(word),
        Canonical::Bytes(bytes) => hasher.bytes(bytes),
        Canonical::Null => 0,
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
        self.count as usize
    }

    /// Whether the table holds no key.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The number of the null key, if it was met.
    #[must_use]
    pub fn null(&self) -> Option<u32> {
        self.null
    }

    /// The bytes that the table holds.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let texts = self.texts.capacity() * size_of::<Text>() + self.arena.capacity();
        let texts = texts + self.window.memory_bytes();
        (size_of_val(self.slots.as_slice()) + texts) as u64
    }

    /// Where a hash's search begins.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn home(&self, hash: u64) -> usize {
        hash as usize & (self.slots.len() - 1)
    }

    /// The place of a key that is not null, or the free one where it belongs. There must be a free slot.
    #[inline]
    fn place(&self, hash: u64, form: Canonical<'_>) -> usize {
        let mut place = self.home(hash);
        loop {
            let slot = &self.slots[place];
            let found = slot.number == 0
                || match form {
                    Canonical::Word(word) => slot.word == word && slot.text == WORD,
                    Canonical::Bytes(bytes) => slot.word == hash && slot.text != WORD && self.text(slot.text) == bytes,
                    Canonical::Null => false,
                };
            if found {
                return place;
            }
            place = (place + 1) & (self.slots.len() - 1);
        }
    }

    fn text(&self, index: u32) -> &[u8] {
        let text = self.texts[index as usize];
        &self.arena[text.start..text.start + text.length]
    }

    /// So many more keys are to come: should they need slots, these are made at once rather than step by step.
    pub fn expect(&mut self, more: usize) {
        self.expected = self.len() + more;
    }

    /// Makes room for so many more keys: at most five of eight slots are taken, so that a search is short.
    fn reserve(&mut self, more: usize) {
        let slots_for = |keys: usize| keys * 8 / 5 + 1;
        if slots_for(self.in_slots + more) <= self.slots.len() {
            return;
        }
        let mut wanted = more;
        if self.slots.len() >= WINDOW_WORTH_A_LOOK {
            self.widen();
            if self.window.is_empty() {
                wanted = more.max(self.expected.saturating_sub(self.len()));
            }
        }
        self.resize(slots_for(self.in_slots + wanted).next_power_of_two().max(16));
    }

    /// Moves all keys to so many slots.
    fn resize(&mut self, size: usize) {
        let mut slots = Vec::with_capacity(size);
        memory::advise(slots.spare_capacity_mut());
        slots.resize(size, Slot::default());
        let old = std::mem::replace(&mut self.slots, slots);
        for slot in old.into_iter().filter(|slot| slot.number > 0) {
            // The slot of a text holds its hash.
            let hash = if slot.text == WORD { hash(Canonical::Word(slot.word)) } else { slot.word };
            let mut place = self.home(hash);
            while self.slots[place].number > 0 {
                place = (place + 1) & (size - 1);
            }
            self.slots[place] = slot;
        }
    }

    /// Moves the words from their slots to the window, if all words are close enough together.
    #[allow(clippy::cast_sign_loss, clippy::cast_possible_wrap, clippy::cast_possible_truncation)]
    fn widen(&mut self) {
        let is_word = |slot: &&Slot| slot.number > 0 && slot.text == WORD;
        let signed = |word: u64| word as i64;
        let (mut least, mut greatest, mut words) = (i64::MAX, i64::MIN, 0);
        for slot in self.slots.iter().filter(is_word) {
            least = least.min(signed(slot.word));
            greatest = greatest.max(signed(slot.word));
            words += 1;
        }
        if words == 0 {
            return;
        }
        if !self.window.is_empty() {
            let (first, last) = self.window.ends();
            least = least.min(signed(first));
            greatest = greatest.max(signed(last));
        }
        let windowed = self.len() - self.in_slots;
        let span = greatest.abs_diff(least);
        if span >= WINDOW_SPARSEST * (words + windowed) as u64 {
            return;
        }
        // Half as much again above, where ids and times grow: what is not met there costs no memory, only its address.
        let room = (span + 1 + span / 2).min(greatest.abs_diff(i64::MAX).saturating_add(span + 1));
        let alone = self.texts.is_empty() && (self.window.is_empty() || self.window.is_ranked());
        let mut moved: Vec<(u32, u64)> = Vec::new();
        if alone && words <= WORDS_WORTH_A_SORT {
            moved = self.slots.iter().filter(is_word).map(|slot| (slot.number - 1, slot.word)).collect();
            moved.sort_unstable(); // by their numbers, which are in the order in which they came
        }
        let ranked = !moved.is_empty() && moved.windows(2).all(|pair| signed(pair[0].1) < signed(pair[1].1));
        let mut window = Window::new(least as u64, room as usize, ranked, self.null);
        window.take_over(&self.window);
        let mut put = |number: u32, word: u64| {
            let place = window.place(word).expect("the window spans all words");
            window.put(place, number, true);
        };
        if ranked {
            moved.into_iter().for_each(|(number, word)| put(number, word));
        } else {
            self.slots.iter().filter(is_word).for_each(|slot| put(slot.number - 1, slot.word));
        }
        for slot in self.slots.iter_mut().filter(|slot| slot.number > 0 && slot.text == WORD) {
            *slot = Slot::default();
        }
        self.window = window;
        self.in_slots -= words;
        let size = (self.in_slots * 8 / 5 + 1).next_power_of_two().max(16);
        self.resize(size); // searches must not end at the holes that the words left
    }

    fn next_number(&mut self) -> u32 {
        let number = self.count;
        assert!(number < ABSENT - 1, "a key table holds fewer than 2^32 - 2 keys");
        self.count += 1;
        number
    }

    /// The number of the word in this place of the window, given now if it is new.
    #[inline]
    fn insert_at(&mut self, place: usize) -> u32 {
        let known = self.window.get(place);
        if known > 0 {
            return known - 1;
        }
        let number = self.next_number();
        self.window.put(place, number, self.in_slots == 0);
        number
    }

    /// The number of a normal key, given now if it is new; there must be room for it.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn insert_hashed(&mut self, hash: u64, form: Canonical<'_>) -> u32 {
        if form == Canonical::Null {
            if self.null.is_none() {
                let number = self.next_number();
                self.null = Some(number);
                self.window.set_null(number);
            }
            return self.null.unwrap_or(ABSENT);
        }
        if let Canonical::Word(word) = form
            && let Some(place) = self.window.place(word)
        {
            return self.insert_at(place);
        }
        let place = self.place(hash, form);
        let found = self.slots[place].number;
        if found > 0 {
            return found - 1;
        }
        let number = self.next_number();
        self.in_slots += 1;
        self.slots[place] = match form {
            Canonical::Word(word) => Slot { word, number: number + 1, text: WORD },
            Canonical::Bytes(bytes) => {
                let text = self.texts.len() as u32;
                self.texts.push(Text { start: self.arena.len(), length: bytes.len() });
                self.arena.extend_from_slice(bytes);
                Slot { word: hash, number: number + 1, text }
            }
            Canonical::Null => unreachable!("null has no slot"),
        };
        number
    }

    #[inline]
    fn find_hashed(&self, hash: u64, form: Canonical<'_>) -> u32 {
        if form == Canonical::Null {
            return self.null.unwrap_or(ABSENT);
        }
        if let Canonical::Word(word) = form
            && let Some(place) = self.window.place(word)
        {
            return self.window.get(place).wrapping_sub(1);
        }
        if self.slots.is_empty() {
            return ABSENT;
        }
        // The number of a free slot is 0, and one less is `ABSENT`.
        self.slots[self.place(hash, form)].number.wrapping_sub(1)
    }

    /// The number of a key, given now if it is new.
    pub fn insert(&mut self, form: Canonical<'_>) -> u32 {
        let form = normal(form);
        self.reserve(1);
        self.insert_hashed(hash(form), form)
    }

    /// The number of a key, or [`ABSENT`].
    #[must_use]
    pub fn find(&self, form: Canonical<'_>) -> u32 {
        let form = normal(form);
        self.find_hashed(hash(form), form)
    }

    /// The hashes of up to [`BATCH`] keys, whose slots are asked for meanwhile.
    #[inline]
    fn fetch(&self, source: &(impl Source + ?Sized), range: Range<usize>, hashes: &mut [u64; BATCH]) {
        let first = range.start;
        source.visit(range, |row, form| {
            let form = normal(form);
            if let Canonical::Word(word) = form
                && let Some(place) = self.window.place(word)
            {
                self.window.prefetch(place);
                return;
            }
            let hash = hash(form);
            hashes[row - first] = hash;
            if !self.slots.is_empty() {
                memory::prefetch(&self.slots[self.home(hash)]);
            }
        });
    }

    /// Writes the number of each key to `numbers`; rows that met a key for the first time, counted from `first_row`,
    /// are appended to `fresh`. A dictionary is looked up once per value.
    ///
    /// # Panics
    /// If there are not as many numbers as rows, or more keys than numbers of 32 bits.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn insert_keys(&mut self, keys: &Keys<'_>, first_row: u32, numbers: &mut [u32], fresh: &mut Vec<u32>) {
        if self.insert_words(keys, first_row, numbers, fresh) {
            return;
        }
        let Values::Dictionary { indices, values } = keys.values() else {
            self.insert_each(keys, first_row, numbers, fresh);
            return;
        };
        let mut known = vec![ABSENT; values.len()];
        for (row, slot) in numbers.iter_mut().enumerate() {
            let before = self.count;
            *slot = if keys.is_null(row) {
                self.insert(Canonical::Null)
            } else {
                let entry = indices.get(row);
                if known[entry] == ABSENT {
                    known[entry] = values.at(entry, |form| self.insert(form));
                }
                known[entry]
            };
            if self.count > before {
                fresh.push(first_row + row as u32);
            }
        }
    }

    /// As [`Self::find_keys`], for words most of which stand in the window.
    fn find_words<T: Copy>(&self, values: &[T], word: impl Fn(T) -> u64, numbers: &mut [u32]) {
        assert_eq!(numbers.len(), values.len(), "a number for each row");
        for (slot, value) in numbers.iter_mut().zip(values) {
            let word = word(*value);
            *slot = match self.window.place(word) {
                Some(place) => self.window.get(place).wrapping_sub(1),
                None => self.find(Canonical::Word(word)),
            };
        }
    }

    /// As [`Self::insert_keys`], for keys of any source.
    ///
    /// # Panics
    /// As there.
    #[allow(clippy::cast_possible_truncation)]
    pub fn insert_each(
        &mut self,
        source: &(impl Source + ?Sized),
        first_row: u32,
        numbers: &mut [u32],
        fresh: &mut Vec<u32>,
    ) {
        assert_eq!(numbers.len(), source.rows(), "a number for each row");
        let mut hashes = [0; BATCH];
        for first in (0..source.rows()).step_by(BATCH) {
            let range = first..source.rows().min(first + BATCH);
            self.reserve(range.len());
            self.fetch(source, range.clone(), &mut hashes);
            source.visit(range, |row, form| {
                let before = self.count;
                numbers[row] = self.insert_hashed(hashes[row - first], normal(form));
                if self.count > before {
                    fresh.push(first_row + row as u32);
                }
            });
        }
    }

    /// Writes the number of each key of `range`, or [`ABSENT`], to `numbers`. A dictionary is looked up once per value
    /// if it has fewer values than rows.
    ///
    /// # Panics
    /// If there are not as many numbers as rows.
    #[allow(clippy::cast_sign_loss)]
    pub fn find_keys(&self, keys: &Keys<'_>, range: Range<usize>, numbers: &mut [u32]) {
        let windowed = keys.validity().is_none() && !self.window.is_empty();
        match keys.values() {
            Values::I64(values) if windowed => self.find_words(&values[range], |value| value as u64, numbers),
            Values::I32(values) | Values::Date32(values) if windowed => {
                self.find_words(&values[range], |value| i64::from(value) as u64, numbers);
            }
            Values::Dictionary { indices, values } if values.len() <= range.len() => {
                let mut known = vec![ABSENT; values.len()];
                self.find_each(values.as_ref(), 0..values.len(), &mut known);
                let null = self.find(Canonical::Null);
                for (row, slot) in range.zip(numbers) {
                    *slot = if keys.is_null(row) { null } else { known[indices.get(row)] };
                }
            }
            _ => self.find_each(keys, range, numbers),
        }
    }

    /// As [`Self::find_keys`], for keys of any source.
    ///
    /// # Panics
    /// As there.
    pub fn find_each(&self, source: &(impl Source + ?Sized), range: Range<usize>, numbers: &mut [u32]) {
        assert_eq!(numbers.len(), range.len(), "a number for each row");
        let (start, end) = (range.start, range.end);
        let mut hashes = [0; BATCH];
        for first in range.step_by(BATCH) {
            let batch = first..end.min(first + BATCH);
            self.fetch(source, batch.clone(), &mut hashes);
            source.visit(batch, |row, form| {
                numbers[row - start] = self.find_hashed(hashes[row - first], normal(form));
            });
        }
    }
}

#[cfg(test)]
mod tests;
