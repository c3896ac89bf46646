//! The ribbon filter: a fingerprint that some of 64 neighbouring slots sum to, in every column of bits.
//!
//! Idea: a key chooses a window of 64 slots and some of them; the bits there XOR to its fingerprint's bit, in each of
//! r columns. Slots are fewer than keys: those that cannot be solved for are bumped, which a threshold for every 256 slots
//! tells, and go to a next layer, a twentieth as large. Cost: 1.01 r bits per key at a rate of exactly 2^-r, for any r from 1
//! to 32; a few neighbouring cache lines a probe, three at 2^-8. Choose it where bits are dear or the rate is no 2^-8: nothing is
//! smaller, and a binary fuse filter is built and probed faster. Keys cannot be added.
//! Source: Dillinger, Hübschle-Schneider, Sanders, Walzer 2022, "Fast Succinct Retrieval and Approximate Membership
//! Using Ribbon" (arXiv 2109.01892), section 4 (bumping); Dillinger and Walzer 2021, "Ribbon filter: practically smaller
//! than Bloom and Xor" (arXiv 2103.02515).
//!
//! # The stored derivation
//! A key's hash h (XXH3_64, seed 0, of its canonical bytes) is mixed with a seed, `m(h, s) = (g ^ g >> 32) *
//! 0x9fb21c651e98df25` where `g = h ^ s`. Let s_i be the i-th word of SplitMix64 from 0, i = 0, 1, ... A layer of k shards
//! of S slots each takes of a word x
//!
//! ```text
//! p = (x >> 32) * k                        shard: p >> 32
//! a = (p mod 2^32) * (S - 63) >> 32        the first slot of the window in the shard; bucket a >> 8, offset a mod 256
//! y = (x ^ x >> 32) * 0x9e3779b97f4a7c15   bit j of y | 1: slot a + j is summed
//! f = (y ^ y >> 32) * 0xd6e8feb86659fd93 >> 32    the fingerprint is the low r bits
//! ```
//!
//! A layer of n > 1024 keys has about 100/104 n slots, in ⌊slots / 2^14⌋ shards, one at least, each a multiple of 64
//! (the nearest); one of 1024 keys or fewer, and the one after eight others, is the last and has one shard of n + ⌊n / 12⌋ + 8
//! slots, up to a multiple of 64. The word of the first layer is `m(h, s_0)`; where the offset is below the threshold of
//! its bucket, or that is 255, the key is in the next layer with the word `m(x, s_i)`, i the number of the layer. The
//! word of the last is `m(x, s)`, x the word that a layer of its number would have and s the stored seed, the first of
//! s_8, s_9, ... that solves it. In a bucket keys are eliminated in descending order of their words; the threshold is the least
//! with which all others of the shard can be solved for, bucket after bucket. Slots that are left free are 0.
//!
//! Payload: for each layer but the last the keys that it moves on (8 bytes); then the words of all shards of all layers,
//! slots 64 b to 64 b + 63 of column j being word b r + j, the first slot lowest; then its thresholds.

mod shape;
mod solve;

use crate::catalogue::{Contender, Domain, Parameter};
use crate::error::{Error, Result};
use crate::filter::batch;
use crate::filter::frame::{Header, Kind};
use crate::filter::hashes::{ATTEMPTS_HIGH, Buckets, Source, mix, seed_of};
use crate::filter::key_type::KeyType;
use crate::filter::table::{Held, Table};
use crate::keys::Keys;
use crate::lanes::{self, Loop};
use crate::memory::{self, prefetch};
use shape::{BUCKET, KEYS_HIGH, LAST_KEYS, LAYERS_HIGH, Shape, WINDOW, moved_on};
use solve::{parities, with_lanes};

/// The most bits of a fingerprint.
pub const BITS_HIGH: u32 = 32;
/// Words that follow a layer's own, so that as many can be read at once as there are columns at most.
const PADDING: usize = BITS_HIGH as usize;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "filter",
    name: "ribbon",
    version: 1,
    idea: "Some of 64 neighbouring slots XOR to a key's fingerprint, in each of r columns; keys that find no room move on.",
    cost: "1.01 r bits per key at 2^-r for any r: 7.05 at 0.78 %; three neighbouring cache lines per probe",
    choose_when: "all keys are known when it is built and bits are dear: nothing is smaller; binary_fuse is faster",
    source: "Dillinger, Hübschle-Schneider, Sanders, Walzer 2022, Fast Succinct Retrieval and Approximate Membership \
             Using Ribbon (arXiv 2109.01892)",
    parameters: &[Parameter {
        name: "fingerprint_bits",
        default: "8",
        domain: Domain::Integer { low: 1, high: BITS_HIGH as u64 },
        meaning: "the width of a fingerprint: absent keys are answered yes at 2 to the minus that",
    }],
    abilities: &["every_type"],
};

/// A layer: keys in slots of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layer {
    shape: Shape,
    /// Its keys, with those that move on.
    keys: u64,
    /// The slots of the layers before it.
    first_slot: u32,
    /// The thresholds of the layers before it.
    first_threshold: u32,
}

/// A ribbon filter of hashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ribbon {
    bits: u32,
    /// That of the last layer.
    seed: u64,
    /// At least the last.
    layers: Vec<Layer>,
    /// For each 64 slots of each layer a word of each column, and the padding.
    words: Vec<u64>,
    thresholds: Vec<u8>,
}

/// A ribbon filter of a column.
pub type RibbonFilter = Held<Ribbon>;

impl Layer {
    /// The layer of so many keys behind others; None if there are too many slots to number them by 32 bits.
    fn after(before: &[Self], keys: u64) -> Option<Self> {
        let shape = if moves_on(keys, before.len()) { Shape::of(keys) } else { Shape::last(keys) };
        let (first_slot, first_threshold) = before.last().map_or((0, 0), |before| {
            (before.first_slot + before.shape.all_slots(), before.first_threshold + before.shape.all_buckets())
        });
        first_slot.checked_add(shape.all_slots())?;
        (keys <= KEYS_HIGH).then_some(Self { shape, keys, first_slot, first_threshold })
    }

    /// The slot that the window of a word begins with; None if its key moved on.
    #[inline(always)]
    fn find(&self, word: u64, thresholds: &[u8]) -> Option<u32> {
        let (shard, start) = self.shape.place(word);
        let bucket = self.first_threshold + shard * self.shape.buckets + start / BUCKET;
        (!moved_on(thresholds[bucket as usize], start % BUCKET))
            .then_some(self.first_slot + shard * self.shape.slots + start)
    }
}

/// Whether a layer of so many keys, which follows so many others, moves some of them on.
fn moves_on(keys: u64, before: usize) -> bool {
    keys > LAST_KEYS && before < LAYERS_HIGH
}

/// The windows of up to 64 keys.
struct Windows {
    /// What rows and fingerprints are made of.
    words: [u64; 64],
    /// The first slot.
    slots: [u32; 64],
    /// Where their thresholds are, and their offsets in the bucket.
    buckets: [u32; 64],
    offsets: [u32; 64],
}

/// Sets bit i of `held` if the window of hash i spells its fingerprint; there are at most `L` columns.
struct Probe<'a, const L: usize> {
    ribbon: &'a Ribbon,
    hashes: &'a [u64],
    held: &'a mut [u64],
}

impl<const L: usize> Probe<'_, L> {
    /// Where the windows of some hashes lie.
    #[inline(always)]
    fn find(ribbon: &Ribbon, hashes: &[u64], windows: &mut Windows) {
        let count = hashes.len();
        let Windows { words, slots, buckets, offsets } = windows;
        let (seed, shape) = (seed_of(0), ribbon.layers[0].shape);
        words.iter_mut().zip(hashes).for_each(|(word, hash)| *word = mix(*hash, seed));
        let mut moved = batch::low_bits(count);
        if ribbon.layers.len() > 1 {
            for index in 0..64 {
                let (shard, start) = shape.place(words[index]);
                slots[index] = shard * shape.slots + start;
                buckets[index] = shard * shape.buckets + start / BUCKET;
                offsets[index] = start % BUCKET;
            }
            moved = 0;
            for index in 0..count {
                let threshold = ribbon.thresholds[buckets[index] as usize];
                moved |= u64::from(moved_on(threshold, offsets[index])) << index;
            }
        }
        while moved != 0 {
            let index = moved.trailing_zeros() as usize;
            (slots[index], words[index]) = ribbon.find_later(words[index]);
            moved &= moved - 1;
        }
    }
}

impl<const L: usize> Loop for Probe<'_, L> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Self { ribbon, hashes, held } = self;
        let columns = ribbon.bits as usize;
        let used: [u64; L] = std::array::from_fn(|column| u64::from(column < columns));
        let mut windows = Windows { words: [0; 64], slots: [0; 64], buckets: [0; 64], offsets: [0; 64] };
        for (hashes, held) in hashes.chunks(64).zip(held) {
            Self::find(ribbon, hashes, &mut windows);
            for slot in &windows.slots[..hashes.len()] {
                let words = &ribbon.words[(slot / WINDOW) as usize * columns..];
                (0..2 * L).step_by(8).for_each(|line| prefetch(&words[line.min(2 * columns - 1)]));
                prefetch(&words[2 * columns - 1]);
            }
            *held = 0;
            for (index, (word, slot)) in windows.words.iter().zip(&windows.slots).take(hashes.len()).enumerate() {
                let words = &ribbon.words[(slot / WINDOW) as usize * columns..];
                let (low, high) = (&words[..L], &words[columns..][..L]);
                let (row, shift) = (shape::row(*word), slot % WINDOW);
                let (row_low, row_high) = (row << shift, row >> 1 >> (63 - shift));
                let fingerprint = u64::from(shape::fingerprint(*word));
                let summed: [u64; L] =
                    parities(std::array::from_fn(|column| (low[column] & row_low) ^ (high[column] & row_high)));
                let wrong: [u64; L] =
                    std::array::from_fn(|column| (summed[column] ^ (fingerprint >> column)) & used[column]);
                *held |= u64::from(wrong.into_iter().fold(0, |wrong, one| wrong | one) == 0) << index;
            }
        }
    }
}

impl Ribbon {
    /// The filter of the distinct hashes of a source; the same for any order and threads.
    ///
    /// # Errors
    /// If there is no such width, there are too many keys, or no seed solves the last of them.
    pub fn build<S: Source + ?Sized>(source: &S, bits: u32, threads: usize) -> Result<Self> {
        if !(1..=BITS_HIGH).contains(&bits) {
            return Err(Error::Parameter(format!("fingerprint_bits is {bits}; expected 1 to {BITS_HIGH}")));
        }
        let distinct = |mut buckets: Buckets| {
            buckets.deduplicate(threads);
            buckets.words
        };
        let mut keys = distinct(Buckets::scatter(source, seed_of(0), threads));
        let count = keys.len();
        let too_many = || {
            Error::Parameter(format!(
                "{count} keys are more than the {KEYS_HIGH} that a ribbon filter may have; split the keys over several \
                 filters"
            ))
        };
        let first = Layer::after(&[], count as u64).ok_or_else(too_many)?.shape.words(bits);
        // Later layers have a twentieth of the first; what they do not need is never touched.
        let mut words = memory::zeros(first + first / 16 + 64 * bits as usize + PADDING);
        let (mut used, mut layers, mut thresholds) = (0, Vec::new(), Vec::new());
        loop {
            let layer = Layer::after(&layers, keys.len() as u64).ok_or_else(too_many)?;
            let from = used;
            used += layer.shape.words(bits);
            words.resize(words.len().max(used + PADDING), 0);
            let own = &mut words[from..used];
            layers.push(layer);
            if layer.shape.buckets > 0 {
                let from = thresholds.len();
                thresholds.resize(from + layer.shape.all_buckets() as usize, 0);
                let moved = solve::layer(&keys, layer.shape, bits, own, &mut thresholds[from..], threads);
                keys = distinct(Buckets::scatter(moved.as_slice(), seed_of(layers.len() as u32), threads));
                continue;
            }
            let seed = (0..ATTEMPTS_HIGH)
                .map(|attempt| seed_of(LAYERS_HIGH as u32 + attempt))
                .find(|seed| solve::last(keys.iter().map(|word| mix(*word, *seed)), layer.shape, bits, own));
            let none = || Error::Data(format!("no seed of {ATTEMPTS_HIGH} makes a ribbon filter of these keys"));
            words.truncate(used + PADDING);
            return Ok(Self { bits, seed: seed.ok_or_else(none)?, layers, words, thresholds });
        }
    }

    /// The width of a fingerprint.
    #[must_use]
    pub fn fingerprint_bits(&self) -> u32 {
        self.bits
    }

    /// The first slot of the window of a word of the first layer, in whatever layer its key is, and its word there.
    #[inline(never)]
    fn find_later(&self, mut word: u64) -> (u32, u64) {
        let last = self.layers.len() - 1;
        for (layer, number) in self.layers[..last].iter().zip(1..) {
            if let Some(slot) = layer.find(word, &self.thresholds) {
                return (slot, word);
            }
            word = mix(word, seed_of(number));
        }
        word = mix(word, self.seed);
        (self.layers[last].first_slot + self.layers[last].shape.place(word).1, word)
    }

    /// The words without the padding.
    fn own(&self) -> &[u64] {
        &self.words[..self.words.len() - PADDING]
    }
}

/// Parameter: fingerprint bits. Size: slots of all layers. Payload: see above, little-endian.
impl Table for Ribbon {
    const KINDS: &'static [Kind] = &[Kind::Ribbon];

    fn probe(&self, hashes: &[u64], held: &mut [u64]) {
        if self.keys() == 0 {
            held.fill(0);
            return;
        }
        with_lanes!(self.bits, L => lanes::run(Probe::<L> { ribbon: self, hashes, held }));
    }

    fn keys(&self) -> u64 {
        self.layers[0].keys
    }

    fn bits(&self) -> u64 {
        let counts = self.layers.len() - 1;
        (self.own().len() + counts) as u64 * 64 + self.thresholds.len() as u64 * 8
    }

    fn expected_rate(&self) -> f64 {
        if self.keys() == 0 { 0.0 } else { 1.0 / (1_u64 << self.bits) as f64 }
    }

    fn header(&self, key_type: KeyType) -> Header {
        let size = self.own().len() as u64 * 64 / u64::from(self.bits);
        Header { kind: Kind::Ribbon, parameter: self.bits, key_type, size, keys: self.keys(), seed: self.seed }
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.layers[1..].iter().flat_map(|layer| layer.keys.to_le_bytes()));
        out.extend(self.own().iter().flat_map(|word| word.to_le_bytes()));
        out.extend_from_slice(&self.thresholds);
    }

    fn read(header: &Header, payload: &[u8]) -> Option<Self> {
        let Header { parameter: bits, mut keys, seed, .. } = *header;
        if !(1..=BITS_HIGH).contains(&bits) {
            return None;
        }
        let (mut layers, mut rest) = (vec![Layer::after(&[], keys)?], payload);
        while moves_on(keys, layers.len() - 1) {
            let (count, after) = rest.split_first_chunk()?;
            rest = after;
            keys = Some(u64::from_le_bytes(*count)).filter(|moved| *moved <= keys)?;
            layers.push(Layer::after(&layers, keys)?);
        }
        // All sizes are checked before the first is allocated.
        let words: usize = layers.iter().map(|layer| layer.shape.words(bits)).sum();
        let buckets: u32 = layers.iter().map(|layer| layer.shape.all_buckets()).sum();
        if words * 8 + buckets as usize != rest.len() {
            return None;
        }
        let (own, thresholds) = rest.split_at(words * 8);
        let mut words = memory::zeros(words + PADDING);
        for (word, bytes) in words.iter_mut().zip(own.as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        Some(Self { bits, seed, layers, words, thresholds: thresholds.to_vec() })
    }
}

impl RibbonFilter {
    /// The filter of a column's keys; nulls are skipped, duplicates held once.
    ///
    /// # Errors
    /// As [`Ribbon::build`].
    pub fn build(chunks: &[Keys<'_>], key_type: KeyType, fingerprint_bits: u32, threads: usize) -> Result<Self> {
        Ribbon::build(chunks, fingerprint_bits, threads).map(|table| Self { table, key_type })
    }
}

#[cfg(test)]
mod tests;
