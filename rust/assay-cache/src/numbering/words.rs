//! Keys that are words, integers above all: those close together by their place in a window, all others by their hash.
//!
//! Idea: where a word stands in an array of numbers, nothing is hashed or compared. There is such a window once words
//! are dense: no more than six places a key from the least word to the greatest. What comes outside of it is hashed,
//! until the window can be widened. Cost: 4 to 36 bytes a key in the window, otherwise as
//! in `index.rs`.

use assay_core::memory;

use super::index::{ABSENT, BLOCK, Block, Index, next_number};

/// A window has at most so many places for each key.
const SPARSEST: u64 = 6;

/// As long as fewer words are hashed, nobody looks whether they could stand in a window.
const WORTH_A_LOOK: usize = 256;

/// Which number each word has.
#[derive(Debug)]
pub struct Words {
    /// One more than the number of the word in each place, the word `base` in the first; 0 where none is.
    window: Vec<u32>,
    base: u64,
    /// The words outside the window.
    index: Index,
    /// The least and the greatest of the first `looked_at` words.
    ends: (i64, i64),
    looked_at: usize,
    /// Once so many words are hashed there is another look.
    next_look: usize,
    block: Box<Block>,
}

impl Default for Words {
    fn default() -> Self {
        Self {
            window: Vec::new(),
            base: 0,
            index: Index::default(),
            ends: (i64::MAX, i64::MIN),
            looked_at: 0,
            next_look: WORTH_A_LOOK,
            block: Box::default(),
        }
    }
}

impl Words {
    /// Writes the number of each word of at most a [`BLOCK`]; new ones are appended to `words`, which holds all words
    /// in the order of their numbers.
    pub fn number(&mut self, asked: &[u64], words: &mut Vec<u64>, numbers: &mut [u32]) {
        assert!(asked.len() <= BLOCK, "a block of words");
        if self.index.held() >= self.next_look {
            self.look(words);
        }
        if self.window.is_empty() {
            self.index.reserve(asked.len(), words, |_| false);
            let Self { index, block, .. } = self;
            let rest = index.look(asked, words, block, numbers);
            for &row in rest {
                numbers[row as usize] = index.number(asked[row as usize], words, |_| true);
            }
        } else if !self.number_windowed(asked, words, numbers) {
            self.number_mixed(asked, words, numbers);
        }
    }

    /// The places of the window; none where there is none.
    #[cfg(test)]
    pub fn places(&self) -> usize {
        self.window.len()
    }

    /// The place of a word in the window, which may lie beyond its end.
    #[inline]
    fn place(&self, word: u64) -> u64 {
        word.wrapping_sub(self.base)
    }

    /// False, with nothing done that matters, if a word is outside the window.
    #[allow(clippy::cast_possible_truncation)]
    fn number_windowed(&mut self, asked: &[u64], words: &mut Vec<u64>, numbers: &mut [u32]) -> bool {
        let mut places = [0; BLOCK];
        let (mut outside, last) = (false, self.window.len() - 1);
        for (slot, &word) in places.iter_mut().zip(asked) {
            let place = self.place(word);
            outside |= place > last as u64;
            *slot = place.min(last as u64) as usize;
            memory::prefetch(&self.window[*slot]);
        }
        if outside {
            return false;
        }
        let mut fresh = false;
        for (number, &place) in numbers.iter_mut().zip(&places) {
            *number = self.window[place].wrapping_sub(1);
            fresh |= *number == ABSENT;
        }
        if fresh {
            for (row, number) in numbers.iter_mut().enumerate().filter(|(_, number)| **number == ABSENT) {
                *number = self.number_at(places[row], asked[row], words);
            }
        }
        true
    }

    /// The number of the word in this place of the window, given now if it is new.
    #[inline]
    fn number_at(&mut self, place: usize, word: u64, words: &mut Vec<u64>) -> u32 {
        let known = self.window[place];
        if known > 0 {
            return known - 1; // new, but met before in this block
        }
        let number = next_number(words);
        words.push(word);
        self.window[place] = number + 1;
        number
    }

    /// Words of which some stand in the window, one by one.
    #[cold]
    #[allow(clippy::cast_possible_truncation)]
    fn number_mixed(&mut self, asked: &[u64], words: &mut Vec<u64>, numbers: &mut [u32]) {
        let (base, places) = (self.base, self.window.len() as u64);
        self.index.reserve(asked.len(), words, |word| word.wrapping_sub(base) < places);
        asked.iter().filter(|word| self.place(**word) >= places).for_each(|word| self.index.prefetch(*word));
        for (number, &word) in numbers.iter_mut().zip(asked) {
            let place = self.place(word);
            *number = if place < places {
                self.number_at(place as usize, word, words)
            } else {
                self.index.number(word, words, |_| true)
            };
        }
    }

    /// Puts all words into a window, if they are close enough together.
    #[cold]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_possible_wrap)]
    fn look(&mut self, words: &[u64]) {
        for &word in &words[self.looked_at..] {
            self.ends = (self.ends.0.min(word as i64), self.ends.1.max(word as i64));
        }
        self.looked_at = words.len();
        let (least, greatest) = self.ends;
        let span = greatest.abs_diff(least);
        if span >= SPARSEST * words.len() as u64 {
            self.next_look = self.index.held() / 4 * 5;
            return;
        }
        // Half as much again on the side where words go on, for ids and times grow, or fall.
        let falls = !self.window.is_empty() && greatest as u64 <= self.base.wrapping_add(self.window.len() as u64 - 1);
        let room = span / 2;
        let below = if falls { room.min(least.abs_diff(i64::MIN)) } else { 0 };
        let above = if falls { 0 } else { room.min(greatest.abs_diff(i64::MAX)) };
        self.window = Vec::new();
        self.window = memory::zeros((below + span + 1 + above) as usize);
        self.base = (least as u64).wrapping_sub(below);
        for (number, &word) in (1..).zip(words) {
            self.window[word.wrapping_sub(self.base) as usize] = number;
        }
        self.index = Index::default();
        self.next_look = WORTH_A_LOOK.max(words.len() / 16);
    }
}
