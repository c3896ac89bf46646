//! From a word to the number of its key: open addressing over numbers, whose words lie elsewhere, in their order.
//!
//! Idea: a slot is four bytes, a key's number and as many bits of its hash as are left over, so that a million keys
//! take four to eight megabytes, which stay in cache; the words are an array by number, where those asked for often,
//! being met early, lie together. 256 words are looked up at a time: their slots are asked for, then the words that
//! these name, and then all are compared without a branch; only what is not in its first place is searched for, one
//! by one. A rebuild reads the words alone, in order, so that old slots are given back before there are new ones.
//! Cost: 5 to 11 bytes a key beside its word. Source: Knuth, "The Art of Computer Programming" 3, section 6.4, algorithm L.

use assay_core::memory;

/// Words that are looked up at a time.
pub const BLOCK: usize = 256;

/// The binary logarithm of the fewest slots.
const FEWEST_BITS: u32 = 10;

/// Fewer slots than two to this fit near caches; their number grows fourfold.
const NEAR_BITS: u32 = 17;

/// The number that no key has.
pub const ABSENT: u32 = u32::MAX;

/// Numbers by the hash of their keys' words.
#[derive(Debug, Default)]
pub struct Index {
    /// A power of two of them, or none: one more than a number, below bits of its hash; 0 where none is.
    slots: Vec<u32>,
    /// How far a hash is shifted to the right to give the place where its search begins.
    shift: u32,
    /// How many of a slot's bits are the number.
    number_bits: u32,
    /// The keys that have a slot.
    held: usize,
}

/// What is remembered of a block of words from the look at their slots on.
#[derive(Debug)]
pub struct Block {
    hashes: [u64; BLOCK],
    slots: [u32; BLOCK],
    /// The rows that are not in their first place, in order.
    rest: [u32; BLOCK],
}

impl Default for Block {
    fn default() -> Self {
        Self { hashes: [0; BLOCK], slots: [0; BLOCK], rest: [0; BLOCK] }
    }
}

/// Both halves of a product of 128 bits: every bit of the word moves those from which a search begins.
#[inline]
#[allow(clippy::cast_possible_truncation)]
fn hash(word: u64) -> u64 {
    let product = u128::from(word ^ 0x6173_7361_795f_6b74) * 0x9e37_79b9_7f4a_7c15;
    (product >> 64) as u64 ^ product as u64
}

impl Index {
    /// The keys that have a slot.
    pub fn held(&self) -> usize {
        self.held
    }

    /// Makes room for so many more keys. Where there is none, all keys get new slots but those that `elsewhere` says
    /// are kept elsewhere.
    pub fn reserve(&mut self, more: usize, words: &[u64], elsewhere: impl Fn(u64) -> bool) {
        // At most three of four slots are taken. A number is stored as one more than it is.
        let room = self.slots.len() / 4 * 3;
        if self.held + more <= room && ((words.len() + more) as u64) < 1 << self.number_bits {
            return;
        }
        let wanted = (self.held + more) * 4 / 3 + 1;
        let mut bits = FEWEST_BITS.max(wanted.next_power_of_two().ilog2());
        if bits < NEAR_BITS && bits > FEWEST_BITS {
            bits += 1;
        }
        self.slots = Vec::new(); // their memory first: what they say stands in the words
        self.slots = memory::zeros(1 << bits);
        self.shift = 64 - bits;
        self.number_bits = bits.max(usize::BITS - (words.len() + more).leading_zeros() + 1).min(32);
        self.held = 0;
        let mut hashes = [0; BLOCK];
        for (first, block) in (0..).step_by(BLOCK).zip(words.chunks(BLOCK)) {
            for (hash_of, &word) in hashes.iter_mut().zip(block) {
                *hash_of = hash(word);
                memory::prefetch(&self.slots[self.home(*hash_of)]);
            }
            for (row, (&hash, &word)) in hashes.iter().zip(block).enumerate() {
                if !elsewhere(word) {
                    let place = self.free(hash);
                    self.put(place, hash, first + row);
                }
            }
        }
    }

    /// Where the search for a hash begins.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn home(&self, hash: u64) -> usize {
        (hash >> self.shift) as usize
    }

    /// The bits of a hash that stand above the number.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn tag(&self, hash: u64) -> u32 {
        (hash << self.number_bits) as u32
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn number_mask(&self) -> u32 {
        ((1_u64 << self.number_bits) - 1) as u32
    }

    /// The first free place for a hash; there must be one.
    #[inline]
    fn free(&self, hash: u64) -> usize {
        let mut place = self.home(hash);
        while self.slots[place] != 0 {
            place = (place + 1) & (self.slots.len() - 1);
        }
        place
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn put(&mut self, place: usize, hash: u64, number: usize) {
        self.slots[place] = self.tag(hash) | (number as u32 + 1);
        self.held += 1;
    }

    /// How many places all these words together are from where their searches begin.
    #[cfg(test)]
    pub fn far_from_home(&self, words: &[u64]) -> usize {
        let mut steps = 0;
        for (number, &word) in (1..).zip(words) {
            let mut place = self.home(hash(word));
            while self.slots[place] & self.number_mask() != number {
                place = (place + 1) & (self.slots.len() - 1);
                steps += 1;
            }
        }
        steps
    }

    /// Asks for the slot where the search for this word begins.
    #[inline]
    pub fn prefetch(&self, word: u64) {
        if !self.slots.is_empty() {
            memory::prefetch(&self.slots[self.home(hash(word))]);
        }
    }

    /// Writes the number of each word that is in its first place, and returns the others' rows. At most [`BLOCK`]
    /// words; there must be slots.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    pub fn look<'b>(&self, asked: &[u64], words: &[u64], block: &'b mut Block, numbers: &mut [u32]) -> &'b [u32] {
        let Block { hashes, slots, rest } = block;
        for (hash_of, &word) in hashes.iter_mut().zip(asked) {
            *hash_of = hash(word);
            memory::prefetch(&self.slots[self.home(*hash_of)]);
        }
        let Some(last) = words.len().checked_sub(1) else {
            rest.iter_mut().zip(0..).for_each(|(slot, row)| *slot = row);
            return &rest[..asked.len()];
        };
        let mask = self.number_mask();
        for (slot, &hash) in slots.iter_mut().zip(&hashes[..asked.len()]) {
            *slot = self.slots[self.home(hash)] & mask;
            memory::prefetch(&words[(slot.wrapping_sub(1) as usize).min(last)]);
        }
        let mut others = 0;
        for (row, ((number, &word), &slot)) in numbers.iter_mut().zip(asked).zip(&*slots).enumerate() {
            *number = slot.wrapping_sub(1);
            let found = (slot != 0) & (words[(*number as usize).min(last)] == word);
            rest[others] = row as u32;
            others += usize::from(!found);
        }
        &rest[..others]
    }

    /// The number of a word, the next one if it is new: the word is then appended to `words`. A key is one whose word
    /// is this and of which `same` is true. There must be room.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    pub fn number(&mut self, word: u64, words: &mut Vec<u64>, same: impl Fn(u32) -> bool) -> u32 {
        let (hash, mask, last) = (hash(word), self.number_mask(), self.slots.len() - 1);
        let (tag, mut place) = (self.tag(hash), self.home(hash));
        loop {
            let slot = self.slots[place];
            if slot == 0 {
                let number = next_number(words);
                self.put(place, hash, words.len());
                words.push(word);
                return number;
            }
            let number = (slot & mask) - 1;
            if slot & !mask == tag && words[number as usize] == word && same(number) {
                return number;
            }
            place = (place + 1) & last;
        }
    }
}

/// The number of the key whose word comes next.
///
/// # Panics
/// If there are more keys than numbers of 32 bits.
#[inline]
#[allow(clippy::cast_possible_truncation)]
pub fn next_number(words: &[u64]) -> u32 {
    assert!(words.len() < ABSENT as usize - 1, "a trace holds fewer than 2^32 - 2 keys");
    words.len() as u32
}
