//! Words that lie close together, and the number of each: an array that the word itself indexes.
//!
//! Two forms. *Ranked*: where words came in ascending order, as ids and times do, a word's number is how many
//! words are below it; a bit says whether it is there, and a count stands beside every 64 of them. Cost: 2 bits
//! a place. *Numbered*: any order, a number for each place. Cost: 4 bytes a place. A word that comes late turns
//! the first into the second.

use crate::memory;

/// 64 places of a ranked window.
#[derive(Debug, Clone, Copy, Default)]
struct Block {
    /// Which of the places hold a word.
    bits: u64,
    /// The words in all blocks before; right where there is a bit.
    before: u32,
}

const PLACES: usize = 64;

impl Block {
    /// How many words of the block stand before this place.
    #[inline]
    fn below(self, place: usize) -> u32 {
        (self.bits & ((1 << (place % PLACES)) - 1)).count_ones()
    }

    #[inline]
    fn holds(self, place: usize) -> bool {
        self.bits >> (place % PLACES) & 1 == 1
    }
}

#[derive(Debug)]
enum Form {
    /// `null` is the number of the null key, which is none of a word.
    Ranked { blocks: Vec<Block>, words: u32, greatest: usize, null: Option<u32> },
    /// One more than the number of the word in each place, and 0 where it is not there.
    Numbered(Vec<u32>),
}

/// The words from `base` on, in so many places.
#[derive(Debug)]
pub(super) struct Window {
    base: u64,
    places: usize,
    form: Form,
}

impl Default for Window {
    fn default() -> Self {
        Self { base: 0, places: 0, form: Form::Numbered(Vec::new()) }
    }
}

impl Window {
    /// An empty one. Ranked, its words must come in ascending order, with the numbers from 0 on but for that of null.
    pub(super) fn new(base: u64, places: usize, ranked: bool, null: Option<u32>) -> Self {
        let form = if ranked {
            let blocks = vec![Block::default(); places.div_ceil(PLACES)];
            memory::advise(&blocks);
            Form::Ranked { blocks, words: 0, greatest: 0, null }
        } else {
            Form::Numbered(memory::zeros(places))
        };
        Self { base, places, form }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places == 0
    }

    pub(super) fn is_ranked(&self) -> bool {
        matches!(self.form, Form::Ranked { .. })
    }

    /// The least word and the greatest that have a place; there must be one.
    pub(super) fn ends(&self) -> (u64, u64) {
        (self.base, self.base.wrapping_add(self.places as u64 - 1))
    }

    pub(super) fn memory_bytes(&self) -> usize {
        match &self.form {
            Form::Ranked { blocks, .. } => size_of_val(blocks.as_slice()),
            Form::Numbered(numbers) => size_of_val(numbers.as_slice()),
        }
    }

    /// The place of a word, if it is within. Words are integers of 64 bits, below and above zero: distances wrap.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn place(&self, word: u64) -> Option<usize> {
        let place = word.wrapping_sub(self.base);
        (place < self.places as u64).then_some(place as usize)
    }

    /// One more than the number of the word in a place; 0 if it is not there.
    #[inline]
    pub(super) fn get(&self, place: usize) -> u32 {
        match &self.form {
            Form::Numbered(numbers) => numbers[place],
            Form::Ranked { blocks, null, .. } => {
                let block = blocks[place / PLACES];
                if !block.holds(place) {
                    return 0;
                }
                numbered(block.before + block.below(place), *null) + 1
            }
        }
    }

    /// Asks for the memory of a place ahead of time.
    #[inline]
    pub(super) fn prefetch(&self, place: usize) {
        match &self.form {
            Form::Numbered(numbers) => memory::prefetch(&numbers[place]),
            Form::Ranked { blocks, .. } => memory::prefetch(&blocks[place / PLACES]),
        }
    }

    /// Puts a word that is not there into its place. Numbers ascend from call to call; `in_order` says that so do all
    /// keys of the table but null.
    #[inline]
    pub(super) fn put(&mut self, place: usize, number: u32, in_order: bool) {
        if let Form::Ranked { blocks, words, greatest, null } = &mut self.form {
            if in_order && (*words == 0 || place > *greatest) && numbered(*words, *null) == number {
                let block = &mut blocks[place / PLACES];
                if block.bits == 0 {
                    block.before = *words;
                }
                block.bits |= 1 << (place % PLACES);
                *words += 1;
                *greatest = place;
                return;
            }
            self.number_all();
        }
        if let Form::Numbered(numbers) = &mut self.form {
            numbers[place] = number + 1;
        }
    }

    /// The null key got this number.
    pub(super) fn set_null(&mut self, number: u32) {
        if let Form::Ranked { null, .. } = &mut self.form {
            *null = Some(number);
        }
    }

    /// From ranked to numbered.
    #[cold]
    fn number_all(&mut self) {
        let mut numbers = memory::zeros(self.places);
        self.for_each(|place, number| numbers[place] = number + 1);
        self.form = Form::Numbered(numbers);
    }

    /// Calls `visit(place, number)` for each word, in ascending order of the places.
    fn for_each(&self, mut visit: impl FnMut(usize, u32)) {
        match &self.form {
            Form::Numbered(numbers) => {
                for (place, number) in numbers.iter().enumerate().filter(|(_, number)| **number > 0) {
                    visit(place, number - 1);
                }
            }
            Form::Ranked { blocks, null, .. } => {
                for (first, block) in (0..).step_by(PLACES).zip(blocks) {
                    let (mut bits, mut rank) = (block.bits, block.before);
                    while bits != 0 {
                        visit(first + bits.trailing_zeros() as usize, numbered(rank, *null));
                        bits &= bits - 1;
                        rank += 1;
                    }
                }
            }
        }
    }

    /// Takes over all words of another window, which lies within this one; this one must be empty.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn take_over(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        let shift = other.base.wrapping_sub(self.base) as usize;
        if let (Form::Numbered(own), Form::Numbered(others)) = (&mut self.form, &other.form) {
            own[shift..shift + others.len()].copy_from_slice(others);
            return;
        }
        other.for_each(|place, number| self.put(shift + place, number, true));
    }
}

/// The number of the word of this rank: null takes a number of its own.
#[inline]
fn numbered(rank: u32, null: Option<u32>) -> u32 {
    rank + u32::from(null.is_some_and(|null| null <= rank))
}
