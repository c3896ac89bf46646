//! Layers of a ribbon filter: how many slots each has, where a word's window lies, and what it says.
//!
//! A layer is cut into shards that have nothing to do with each other, so that they are solved side by side; a shard's
//! windows begin in buckets of 256 slots, whose thresholds say which of them moved on to the next layer.

/// Slots of a window, and bits of a word.
pub const WINDOW: u32 = 64;
/// Slots whose windows share a threshold.
pub const BUCKET: u32 = 256;
/// So many keys or fewer make a last layer, where none moves on.
pub const LAST_KEYS: u64 = 1024;
/// At most so many layers stand before the last: each has a twentieth of the keys of the one before it.
pub const LAYERS_HIGH: usize = 8;
/// Filters of more keys are refused: slots are numbered by 32 bits.
pub const KEYS_HIGH: u64 = 1 << 31;
/// About so many slots make a shard, and up to twice as many.
const SHARD_SLOTS: u64 = 1 << 14;
/// A layer has so many keys in a hundred more than slots: the rest moves on.
const OVERLOAD: u64 = 4;
/// The last layer has a slot more for each so many keys, and eight more.
const SPARE: u64 = 12;

/// The slots of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Its shards.
    pub shards: u32,
    /// The slots of a shard, a multiple of 64.
    pub slots: u32,
    /// The buckets of a shard; 0 in the last layer.
    pub buckets: u32,
}

impl Shape {
    /// The layer of so many keys, of which some move on.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn of(keys: u64) -> Self {
        let slots = keys.min(KEYS_HIGH) * 100 / (100 + OVERLOAD);
        let shards = (slots / SHARD_SLOTS).max(1);
        let slots = ((slots / shards + 32) as u32 / WINDOW * WINDOW).max(WINDOW);
        Self { shards: shards as u32, slots, buckets: (slots - (WINDOW - 1)).div_ceil(BUCKET) }
    }

    /// The last layer, of so many keys.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn last(keys: u64) -> Self {
        let keys = keys.min(KEYS_HIGH);
        Self { shards: 1, slots: ((keys + keys / SPARE + 8) as u32).next_multiple_of(WINDOW), buckets: 0 }
    }

    /// The slots of all of its shards.
    #[must_use]
    pub fn all_slots(self) -> u32 {
        self.shards * self.slots
    }

    /// The buckets of all of its shards, each of which has a threshold.
    #[must_use]
    pub fn all_buckets(self) -> u32 {
        self.shards * self.buckets
    }

    /// The words of all of its shards, for so many columns.
    #[must_use]
    pub fn words(self, columns: u32) -> usize {
        (self.all_slots() / WINDOW) as usize * columns as usize
    }

    /// The shard of a mixed word, and the first slot of its window there; both ascend with the word.
    #[inline(always)]
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn place(self, word: u64) -> (u32, u32) {
        let scaled = (word >> 32) * u64::from(self.shards);
        let starts = u64::from(self.slots - (WINDOW - 1));
        ((scaled >> 32) as u32, (((scaled & 0xffff_ffff) * starts) >> 32) as u32)
    }
}

/// Whether a window that begins at this slot of a bucket moved on.
#[inline(always)]
#[must_use]
pub fn moved_on(threshold: u8, offset: u32) -> bool {
    // A threshold of 255 stands for 256, the whole bucket.
    (offset < u32::from(threshold)) | (threshold == u8::MAX)
}

/// What a mixed word sums: bit k stands for the k-th slot of its window, always the first among them.
#[inline(always)]
#[must_use]
pub fn row(word: u64) -> u64 {
    second(word) | 1
}

/// What the sums of a mixed word spell, in the low bits.
#[inline(always)]
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn fingerprint(word: u64) -> u32 {
    let other = second(word);
    ((other ^ (other >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93) >> 32) as u32
}

#[inline(always)]
fn second(word: u64) -> u64 {
    (word ^ (word >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
