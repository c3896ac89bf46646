//! The cuckoo filter: fingerprints in one of two buckets, which can be taken out again.
//!
//! Idea: a key's fingerprint stands in one of four slots of one of two buckets; where both are full it moves
//! another to that one's other bucket, which follows from bucket and fingerprint alone. Cost: f / 0.94 bits per
//! key at a rate of 7.5 / 2^f (10.6 at 0.73 %); two cache misses a probe, both at once. Choose it where keys are
//! removed. Its size is given when it is built; a key can be held eight times at most.
//! Source: Fan, Andersen, Kaminsky, Mitzenmacher 2014, "Cuckoo Filter: Practically Better Than Bloom".
//!
//! # The stored derivation
//! A key's hash is mixed (see [`crate::filter::hashes::mix`], attempt 0) to x. Its fingerprint are the low f
//! bits of x, 1 where they are 0; an empty slot is 0. With m buckets, its first bucket is `(x >> 32) * m >> 32`,
//! and a fingerprint p in bucket i has its other bucket at `(H(p) - i) mod m`, `H(p) = (p * G mod 2^32) * m >> 32`
//! with `G = 0x9e3779b1`: a difference is its own inverse for every m, so buckets need not be a power of two.
//! A bucket is a little-endian number of 4 f bits, its slots from the lowest bits up.

use crate::catalogue::{Contender, Domain, Parameter};
use crate::error::{Error, Result};
use crate::filter::frame::{Header, Kind};
use crate::filter::hashes::{Buckets, Source, mix, seed_of};
use crate::filter::key_type::KeyType;
use crate::filter::table::{Held, Table};
use crate::keys::Keys;
use crate::memory::{self, prefetch};

/// Slots of a bucket.
const BUCKET_SLOTS: u64 = 4;
/// The share of slots that are planned to be in use: random walks end soon below it.
const LOAD: f64 = 0.94;
/// Widths of a fingerprint: a bucket is whole bytes and fits a word.
const WIDTHS: [u32; 5] = [8, 10, 12, 14, 16];
/// Filters of more buckets are refused: bucket numbers are 32 bits.
pub const BUCKETS_HIGH: u64 = 1 << 30;
/// Fingerprints that are moved for one key before the filter counts as full.
const MOVES_HIGH: u32 = 500;
/// How often a build that did not fit is tried again with a few buckets more.
const GROWTHS_HIGH: u32 = 64;
/// Bytes behind the last bucket, so that each can be read as a word.
const PADDING: usize = 8;
const SPREAD: u32 = 0x9e37_79b1;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "filter",
    name: "cuckoo",
    version: 1,
    idea: "A fingerprint stands in one of two buckets of four, and makes room by moving others to their other bucket.",
    cost: "10.6 bits per key at 1 %; two cache misses at once per probe",
    choose_when: "keys are removed, and the number of keys is known",
    source: "Fan, Andersen, Kaminsky, Mitzenmacher 2014, Cuckoo Filter: Practically Better Than Bloom",
    parameters: &[
        Parameter {
            name: "false_positive_rate",
            default: "0.01",
            domain: Domain::Number { low: 1.25e-4, high: 0.5 },
            meaning: "the share of absent keys that may be answered yes, at capacity",
        },
        Parameter {
            name: "capacity",
            default: "",
            domain: Domain::Integer { low: 1, high: 1 << 31 },
            meaning: "the number of distinct keys to make room for; learned from the column",
        },
    ],
    abilities: &["insert", "remove", "every_type"],
};

/// A cuckoo filter of hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cuckoo {
    width: u32,
    buckets: u32,
    keys: u64,
    bytes: Vec<u8>,
}

/// A cuckoo filter of a column.
pub type CuckooFilter = Held<Cuckoo>;

/// The probability that two fingerprints of f bits agree: 1 takes the place of 0.
fn agree(width: u32) -> f64 {
    let values = f64::from(1_u32 << width);
    (values + 2.0) / (values * values)
}

/// The rate at so many keys for each slot: an absent key meets eight slots.
fn rate_at(load: f64, width: u32) -> f64 {
    -libm::expm1(8.0 * load * libm::log1p(-agree(width)))
}

/// The least width that keeps a rate.
fn width_for(rate: f64) -> Result<u32> {
    let low = rate_at(LOAD, 16);
    let kept = |width: &u32| rate_at(LOAD, *width) <= rate;
    WIDTHS.into_iter().find(kept).filter(|_| rate <= 0.5).ok_or_else(|| {
        Error::Parameter(format!(
            "false_positive_rate is {rate}; expected {low:.3e} to 0.5 for a cuckoo filter, whose fingerprints have 8 to \
             16 bits; for less, choose BinaryFuseFilter with fingerprint_bits=16, or BloomFilter with layout=\"standard\""
        ))
    })
}

fn full(keys: u64, slots: u64) -> Error {
    Error::Parameter(format!(
        "the cuckoo filter is full: {keys} keys in {slots} slots, and no room for another; nothing was added. A key can \
         be held 8 times at most; build a filter with a greater capacity"
    ))
}

impl Cuckoo {
    /// An empty filter; None if it would have too many buckets or there is no memory for it.
    fn empty(width: u32, buckets: u64) -> Option<Self> {
        if buckets == 0 || buckets > BUCKETS_HIGH {
            return None;
        }
        let bytes = memory::try_zeros(buckets as usize * (width / 2) as usize + PADDING)?;
        Some(Self { width, buckets: buckets as u32, keys: 0, bytes })
    }

    /// The filter of the distinct hashes of a source, with room for `capacity` keys; None means those.
    ///
    /// # Errors
    /// If the rate is out of reach, or there are more keys than the capacity or any filter has room for.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    pub fn build<S: Source + ?Sized>(source: &S, rate: f64, capacity: Option<u64>, threads: usize) -> Result<Self> {
        let width = width_for(rate)?;
        if capacity == Some(0) {
            return Err(Error::Parameter("capacity is 0; expected at least 1, or None for the keys given".to_owned()));
        }
        let words = sorted(source, threads);
        let room = capacity.unwrap_or(words.len() as u64);
        if (words.len() as u64) > room {
            return Err(Error::Parameter(format!(
                "capacity is {room}; expected at least {}, the distinct keys given",
                words.len()
            )));
        }
        let mut buckets = (libm::ceil(room as f64 / (BUCKET_SLOTS as f64 * LOAD)) as u64).max(1);
        for _ in 0..GROWTHS_HIGH {
            let Some(mut made) = Self::empty(width, buckets) else {
                return Err(Error::Parameter(format!(
                    "a cuckoo filter of {room} keys would have {buckets} buckets; expected at most {BUCKETS_HIGH} and room \
                     in memory: split the keys over several filters"
                )));
            };
            if made.add_all(&words) {
                return Ok(made);
            }
            buckets += (buckets / 64).max(1);
        }
        Err(Error::Data(format!("{} keys do not fit a cuckoo filter of {buckets} buckets", words.len())))
    }

    /// Adds the distinct hashes of a source once each; nothing is added if there is an error.
    ///
    /// # Errors
    /// If there is no room for all of them.
    pub fn insert<S: Source + ?Sized>(&mut self, source: &S, threads: usize) -> Result<()> {
        let mut grown = self.clone();
        if !grown.add_all(&sorted(source, threads)) {
            return Err(full(self.keys, u64::from(self.buckets) * BUCKET_SLOTS));
        }
        *self = grown;
        Ok(())
    }

    /// Takes the distinct hashes of a source out, once each; nothing is removed if there is an error.
    ///
    /// # Errors
    /// If one of them is surely not held.
    pub fn remove<S: Source + ?Sized>(&mut self, source: &S, threads: usize) -> Result<()> {
        let words = sorted(source, threads);
        let mut left = self.clone();
        let absent = words.iter().filter(|word| !left.take_out(**word)).count();
        if absent > 0 {
            return Err(Error::Parameter(format!(
                "{absent} of {} keys are not held, and nothing was removed; remove only what was inserted, as often as \
                 it was",
                words.len()
            )));
        }
        left.keys -= words.len() as u64;
        *self = left;
        Ok(())
    }

    fn add_all(&mut self, words: &[u64]) -> bool {
        const AHEAD: usize = 16;
        for (index, word) in words.iter().enumerate() {
            if let Some(later) = words.get(index + AHEAD) {
                let (first, fingerprint) = self.place(*later);
                self.fetch(self.other(first, fingerprint));
            }
            if !self.add(*word) {
                return false;
            }
        }
        self.keys += words.len() as u64;
        true
    }

    /// A key's first bucket and its fingerprint.
    #[inline(always)]
    fn place(&self, word: u64) -> (u32, u64) {
        let fingerprint = word & ((1 << self.width) - 1);
        let bucket = ((word >> 32) * u64::from(self.buckets)) >> 32;
        (bucket as u32, fingerprint + u64::from(fingerprint == 0))
    }

    /// The other bucket of a fingerprint that stands in this one.
    #[inline(always)]
    fn other(&self, bucket: u32, fingerprint: u64) -> u32 {
        let spread = u64::from((fingerprint as u32).wrapping_mul(SPREAD));
        let sum = ((spread * u64::from(self.buckets)) >> 32) as u32;
        if sum >= bucket { sum - bucket } else { sum + self.buckets - bucket }
    }

    #[inline(always)]
    fn at(&self, bucket: u32) -> usize {
        bucket as usize * (self.width / 2) as usize
    }

    #[inline(always)]
    fn fetch(&self, bucket: u32) {
        prefetch(&self.bytes[self.at(bucket)]);
    }

    /// The four slots of a bucket, and whatever follows them.
    #[inline(always)]
    fn load(&self, bucket: u32) -> u64 {
        let at = self.at(bucket);
        u64::from_le_bytes(self.bytes[at..at + 8].try_into().expect("eight bytes"))
    }

    /// A one at the lowest bit of each slot.
    #[inline(always)]
    fn ones(&self) -> u64 {
        1 | 1 << self.width | 1 << (2 * self.width) | 1 << (3 * self.width)
    }

    /// The highest bit of each slot of a bucket that holds this value, of which the lowest is exact.
    #[inline(always)]
    fn matches(&self, bucket: u64, value: u64) -> u64 {
        let ones = self.ones();
        let differences = bucket ^ ones.wrapping_mul(value);
        differences.wrapping_sub(ones) & !differences & ones << (self.width - 1)
    }

    fn set(&mut self, bucket: u32, slot: u32, value: u64) {
        let (at, shift) = (self.at(bucket), slot * self.width);
        let mask = ((1 << self.width) - 1) << shift;
        let changed = self.load(bucket) & !mask | value << shift;
        self.bytes[at..at + 8].copy_from_slice(&changed.to_le_bytes());
    }

    /// Writes over a slot of a bucket that holds `old`; whether there was one.
    fn replace(&mut self, bucket: u32, old: u64, new: u64) -> bool {
        let found = self.matches(self.load(bucket), old);
        if found != 0 {
            self.set(bucket, found.trailing_zeros() / self.width, new);
        }
        found != 0
    }

    /// Puts a fingerprint where there is room, or makes room; nothing is changed if there is none.
    fn add(&mut self, word: u64) -> bool {
        let (first, mut fingerprint) = self.place(word);
        let mut bucket = self.other(first, fingerprint);
        if self.replace(first, 0, fingerprint) || self.replace(bucket, 0, fingerprint) {
            return true;
        }
        // A random walk, by numbers that follow from the key.
        let mut moved = Vec::new();
        let mut random = word | 1;
        for _ in 0..MOVES_HIGH {
            random = random.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
            let slot = (random >> 40) as u32 & 3;
            let victim = self.load(bucket) >> (slot * self.width) & ((1 << self.width) - 1);
            self.set(bucket, slot, fingerprint);
            moved.push((bucket, slot, victim));
            fingerprint = victim;
            bucket = self.other(bucket, fingerprint);
            if self.replace(bucket, 0, fingerprint) {
                return true;
            }
        }
        for (bucket, slot, victim) in moved.into_iter().rev() {
            self.set(bucket, slot, victim);
        }
        false
    }

    fn take_out(&mut self, word: u64) -> bool {
        let (first, fingerprint) = self.place(word);
        self.replace(first, fingerprint, 0) || self.replace(self.other(first, fingerprint), fingerprint, 0)
    }

    /// The width of a fingerprint.
    #[must_use]
    pub fn fingerprint_bits(&self) -> u32 {
        self.width
    }

    /// The number of buckets of four slots.
    #[must_use]
    pub fn buckets(&self) -> u32 {
        self.buckets
    }
}

/// The mixed distinct hashes of a source in ascending order: so a filter does not depend on the order of the keys, and
/// is filled from its first bucket to its last.
fn sorted<S: Source + ?Sized>(source: &S, threads: usize) -> Vec<u64> {
    let mut buckets = Buckets::scatter(source, seed_of(0), threads);
    buckets.deduplicate(threads);
    buckets.words
}

/// Parameter: fingerprint bits. Size: buckets. Payload: the buckets.
impl Table for Cuckoo {
    const KINDS: &'static [Kind] = &[Kind::Cuckoo];

    fn probe(&self, hashes: &[u64], held: &mut [u64]) {
        if self.keys == 0 {
            held.fill(0);
            return;
        }
        let seed = seed_of(0);
        let mut places = [(0, 0, 0); 64];
        for (hashes, held) in hashes.chunks(64).zip(held) {
            for (place, hash) in places.iter_mut().zip(hashes) {
                let (first, fingerprint) = self.place(mix(*hash, seed));
                let other = self.other(first, fingerprint);
                *place = (first, other, fingerprint);
                self.fetch(first);
                self.fetch(other);
            }
            *held = 0;
            for (index, (first, other, fingerprint)) in places[..hashes.len()].iter().enumerate() {
                let found =
                    self.matches(self.load(*first), *fingerprint) | self.matches(self.load(*other), *fingerprint);
                *held |= u64::from(found != 0) << index;
            }
        }
    }

    fn keys(&self) -> u64 {
        self.keys
    }

    fn bits(&self) -> u64 {
        (self.bytes.len() - PADDING) as u64 * 8
    }

    #[allow(clippy::cast_precision_loss)]
    fn expected_rate(&self) -> f64 {
        rate_at(self.keys as f64 / (u64::from(self.buckets) * BUCKET_SLOTS) as f64, self.width)
    }

    fn header(&self, key_type: KeyType) -> Header {
        let size = u64::from(self.buckets);
        Header { kind: Kind::Cuckoo, parameter: self.width, key_type, size, keys: self.keys, seed: 0 }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes[..self.bytes.len() - PADDING]);
    }

    fn read(header: &Header, payload: &[u8]) -> Option<Self> {
        let width = header.parameter;
        if !WIDTHS.contains(&width) || header.size.checked_mul(u64::from(width / 2))? != payload.len() as u64 {
            return None;
        }
        let mut made = Self::empty(width, header.size)?;
        made.bytes[..payload.len()].copy_from_slice(payload);
        let mask = (1 << width) - 1;
        let used = |bucket: u32| (0..4).filter(|slot| made.load(bucket) >> (slot * width) & mask != 0).count() as u64;
        made.keys = (0..made.buckets).map(used).sum();
        (made.keys == header.keys).then_some(made)
    }
}

impl CuckooFilter {
    /// The filter of a column's keys; nulls are skipped, duplicates held once.
    ///
    /// # Errors
    /// As [`Cuckoo::build`].
    pub fn build(
        chunks: &[Keys<'_>],
        key_type: KeyType,
        rate: f64,
        capacity: Option<u64>,
        threads: usize,
    ) -> Result<Self> {
        Cuckoo::build(chunks, rate, capacity, threads).map(|table| Self { table, key_type })
    }
}

#[cfg(test)]
mod tests;
