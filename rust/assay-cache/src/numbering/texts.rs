//! Keys that are texts, or any bytes: the XXH64 of each is its word, and its bytes decide.
//!
//! Idea: the bytes of all keys lie one after another in the order of their numbers. 256 texts are looked up at a time,
//! by their words first; then the bytes that these name are asked for and compared. Cost: the bytes of each key, 8 for
//! where they begin, and the index.

use assay_core::hash::HashKey;
use assay_core::hash::xxh64::Xxh64;
use assay_core::memory;

use super::index::{BLOCK, Block, Index};

/// Which number each text has.
#[derive(Debug)]
pub struct Texts {
    index: Index,
    bytes: Vec<u8>,
    /// Where the bytes of each key begin, and where those of the last one end.
    starts: Vec<usize>,
    block: Box<Block>,
}

impl Default for Texts {
    fn default() -> Self {
        Self { index: Index::default(), bytes: Vec::new(), starts: vec![0], block: Box::default() }
    }
}

impl Texts {
    /// Writes the number of each text of at most a [`BLOCK`]; the words of new ones are appended to `words`, which
    /// holds those of all keys in the order of their numbers.
    pub fn number(&mut self, asked: &[&[u8]], words: &mut Vec<u64>, numbers: &mut [u32]) {
        let (hasher, mut hashes) = (Xxh64::new(0), [0; BLOCK]);
        let hashes = &mut hashes[..asked.len()];
        for (hash, text) in hashes.iter_mut().zip(asked) {
            *hash = hasher.bytes(text);
        }
        self.index.reserve(asked.len(), words, |_| false);
        let Self { index, bytes, starts, block } = self;
        let rest = index.look(hashes, words, block, numbers);
        // The others have a number that leads nowhere, or to another text.
        let last = starts.len() - 1;
        for &number in &*numbers {
            memory::prefetch(&starts[(number as usize).min(last)]);
        }
        if !bytes.is_empty() {
            for &number in &*numbers {
                memory::prefetch(&bytes[starts[(number as usize).min(last)].min(bytes.len() - 1)]);
            }
        }
        let is = |starts: &[usize], bytes: &[u8], number: u32, text: &[u8]| {
            let number = number as usize;
            same(&bytes[starts[number]..starts[number + 1]], text)
        };
        let mut rest = rest.iter().map(|&row| row as usize).peekable();
        for (row, (number, &text)) in numbers.iter_mut().zip(asked).enumerate() {
            let elsewhere = rest.next_if_eq(&row).is_some();
            if !elsewhere && is(starts, bytes, *number, text) {
                continue;
            }
            let before = words.len();
            *number = index.number(hashes[row], words, |number| is(starts, bytes, number, text));
            if words.len() > before {
                bytes.extend_from_slice(text);
                starts.push(bytes.len());
            }
        }
    }

    /// The bytes of each key, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.starts.windows(2).map(|ends| &self.bytes[ends[0]..ends[1]])
    }
}

/// Whether two texts are the same; those of 8 to 32 bytes, as most keys are, without a call.
#[inline]
fn same(one: &[u8], other: &[u8]) -> bool {
    fn ends_agree<const N: usize>(one: &[u8], other: &[u8]) -> bool {
        one.first_chunk::<N>() == other.first_chunk::<N>() && one.last_chunk::<N>() == other.last_chunk::<N>()
    }
    one.len() == other.len()
        && match one.len() {
            8..=16 => ends_agree::<8>(one, other),
            17..=32 => ends_agree::<16>(one, other),
            _ => one == other,
        }
}
