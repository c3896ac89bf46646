//! The binary fuse filter: a fingerprint that three or four slots of neighbouring segments spell together.
//!
//! Idea: key x has slots h0, h1, h2 in three consecutive segments, and the values there are chosen so that
//! `F[h0] ^ F[h1] ^ F[h2]` is its fingerprint. Cost: 9.0 bits per key with three slots and 8.6 with four at a
//! rate of 2^-8, twice that at 2^-16; three cache misses a probe, all at once. Choose it for keys that are all
//! known when it is built: nothing smaller is as fast. Keys cannot be added.
//! Source: Graf and Lemire 2022, "Binary Fuse Filters: Fast and Smaller Than Xor Filters" (arXiv 2201.01174);
//! Walzer 2021, "Peeling Close to the Orientability Threshold" (why consecutive segments peel).
//!
//! # The stored derivation
//! A key's hash h (XXH3_64, seed 0, of its canonical bytes) is mixed with the filter's seed,
//! `x = (g ^ g >> 32) * 0x9fb21c651e98df25` where `g = h ^ seed`, and `y = (x ^ x >> 32) * 0x9e3779b97f4a7c15`.
//! With S starts of segments of L slots (a power of two):
//!
//! ```text
//! h0 = (x >> 32) * (S L) >> 32                 the high half of x chooses segment and slot
//! hi = (h0 + i L) ^ (y >> (64 - 18 i) & (L - 1))   18 bits of y choose the slot in the i-th segment after it
//! fingerprint = the low 8 or 16 bits of x
//! ```
//!
//! so that fingerprint, segment and slots come from bits of their own.

mod column;
mod peel;

use crate::catalogue::{Contender, Domain, Parameter};
use crate::error::{Error, Result};
use crate::filter::hashes::{ATTEMPTS_HIGH, Source, first_seed, mix};
use crate::filter::spelled;
use crate::filter::table::Fingerprint;

pub use column::{AnyBinaryFuse, BinaryFuseFilter};

/// Filters of more slots are refused: positions are 32 bits, and 2 GiB are no longer probed from a cache.
pub const SLOTS_HIGH: u64 = 1 << 31;

/// Segments have at most 2^18 slots: so many bits choose one.
const SEGMENT_BITS_HIGH: u32 = 18;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "filter",
    name: "binary_fuse",
    version: 1,
    idea: "Three or four slots in neighbouring segments XOR to a key's fingerprint.",
    cost: "9.0 bits per key (8.6 with four slots) at 0.39 %, twice that at 0.0015 %; three cache misses at once per probe",
    choose_when: "all keys are known when it is built: nothing smaller is as fast",
    source: "Graf and Lemire 2022, Binary Fuse Filters: Fast and Smaller Than Xor Filters (arXiv 2201.01174)",
    parameters: &[
        Parameter {
            name: "fingerprint_bits",
            default: "8",
            domain: Domain::Integer { low: 8, high: 16 },
            meaning: "the width of a fingerprint, 8 or 16: absent keys are answered yes at 2 to the minus that",
        },
        Parameter {
            name: "arity",
            default: "3",
            domain: Domain::Integer { low: 3, high: 4 },
            meaning: "the slots of a key: 4 are smaller, 3 are faster",
        },
    ],
    abilities: &["every_type"],
};

/// How many slots there are, and how they are cut into segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Slots of a segment, a power of two.
    pub segment_slots: u32,
    /// Segments that a key's first slot may lie in.
    pub starts: u32,
}

impl Shape {
    /// The shape for so many distinct keys, each with `K` slots; None beyond [`SLOTS_HIGH`].
    ///
    /// Up to about a million keys the sizes are the paper's. Beyond, segments stay small enough for a near cache, and
    /// grow only as far as their random loads must not stop a wave. Two keys may share all of their slots, which costs
    /// another seed: n keys with three slots have n / (2.25 L²) such pairs by chance, one in 15 builds of ten million
    /// keys and one in nine at most. Segments that make them rare build half as fast, every time.
    /// With four slots they are rarer by another L.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    fn of<const K: usize>(keys: u64) -> Option<Self> {
        let count = keys.max(2) as f64;
        let log = libm::log(count);
        let (bits, factor) = if K == 3 {
            let bits = libm::floor(log / libm::log(3.33) + 2.25);
            (bits, f64::max(1.125, 0.875 + 0.25 * libm::log(1e6) / log))
        } else {
            let bits = libm::floor(log / libm::log(2.91) - 0.5);
            (bits, f64::max(1.075, 0.77 + 0.305 * libm::log(6e5) / log))
        };
        let mut most = 13 + (keys >> 24).min(1) as u32 + (keys >> 28).min(1) as u32;
        while K == 3 && most < SEGMENT_BITS_HIGH && 9_u64 << (2 * most) < keys.saturating_mul(34) {
            most += 1;
        }
        let segment_slots = 1_u32 << (bits as u32).clamp(2, most);
        let starts = ((count * factor) as u64).div_ceil(u64::from(segment_slots)).saturating_sub(K as u64 - 1).max(1);
        let slots = (starts + K as u64 - 1).checked_mul(u64::from(segment_slots))?;
        let starts = u32::try_from(starts).ok()?;
        (slots <= SLOTS_HIGH).then_some(Self { segment_slots, starts })
    }

    /// The shape of a stored filter; None if it is none.
    fn from_parts<const K: usize>(segment_bits: u32, starts: u64) -> Option<Self> {
        if !(2..=SEGMENT_BITS_HIGH).contains(&segment_bits) || starts == 0 {
            return None;
        }
        let slots = starts.checked_add(K as u64 - 1)?.checked_mul(1 << segment_bits)?;
        (slots <= SLOTS_HIGH).then_some(Self { segment_slots: 1 << segment_bits, starts: starts as u32 })
    }

    /// All segments.
    fn segments<const K: usize>(self) -> usize {
        self.starts as usize + K - 1
    }

    /// All slots.
    fn slots<const K: usize>(self) -> usize {
        self.segments::<K>() * self.segment_slots as usize
    }

    /// The slots of a mixed word, in ascending segments.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn positions<const K: usize>(self, word: u64) -> [u32; K] {
        let slots = self.starts * self.segment_slots;
        let first = (((word >> 32) * u64::from(slots)) >> 32) as u32;
        let other = (word ^ (word >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut found = [first; K];
        for (index, place) in found.iter_mut().enumerate().skip(1) {
            let bits = (other >> (64 - 18 * index)) as u32;
            *place = (first + index as u32 * self.segment_slots) ^ (bits & (self.segment_slots - 1));
        }
        found
    }
}

/// A filter whose keys have `K` slots each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinaryFuse<F, const K: usize> {
    shape: Shape,
    seed: u64,
    keys: u64,
    slots: Vec<F>,
}

impl<F: Fingerprint, const K: usize> BinaryFuse<F, K> {
    /// The filter of the distinct hashes of a source; the same for any order and threads.
    ///
    /// # Errors
    /// If there are too many keys for [`SLOTS_HIGH`], or no seed peels them.
    pub fn build<S: Source + ?Sized>(source: &S, threads: usize) -> Result<Self> {
        let made = first_seed(source, threads, |buckets, seed| {
            let keys = buckets.words.len() as u64;
            let Some(shape) = Shape::of::<K>(keys) else {
                return Err(Error::Parameter(format!(
                    "{keys} keys need more than the {SLOTS_HIGH} slots that a binary fuse filter may have; split \
                     the keys over several filters"
                )));
            };
            let slots = if keys == 0 {
                Some(F::zeros(shape.slots::<K>()))
            } else {
                peel::solve::<F, K>(buckets, shape, threads)
            };
            Ok(slots.map(|slots| Self { shape, seed, keys, slots }))
        })?;
        made.ok_or_else(|| Error::Data(format!("no seed of {ATTEMPTS_HIGH} makes a binary fuse filter of these keys")))
    }

    /// The filter of stored parts; None if they contradict each other.
    #[must_use]
    pub fn from_parts(segment_bits: u32, starts: u64, seed: u64, keys: u64, payload: &[u8]) -> Option<Self> {
        let shape = Shape::from_parts::<K>(segment_bits, starts)?;
        if shape.slots::<K>() * size_of::<F>() != payload.len() || keys > shape.slots::<K>() as u64 {
            return None;
        }
        Some(Self { shape, seed, keys, slots: F::read(payload) })
    }

    /// How many slots there are, and how they are cut into segments.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The seed that peeled the keys.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The distinct keys held.
    #[must_use]
    pub fn keys(&self) -> u64 {
        self.keys
    }

    /// The values of all slots.
    #[must_use]
    pub fn slots(&self) -> &[F] {
        &self.slots
    }

    /// Whether the filter may hold a key of this hash.
    #[must_use]
    pub fn holds(&self, hash: u64) -> bool {
        let word = mix(hash, self.seed);
        self.keys > 0 && spelled::spelled(&self.slots, self.shape.positions::<K>(word)) == F::of(word)
    }

    /// Sets bit i of `held` if hash i may be held; what stands beyond the last hash means nothing.
    pub fn probe(&self, hashes: &[u64], held: &mut [u64]) {
        if self.keys == 0 {
            held.fill(0);
            return;
        }
        let shape = self.shape;
        spelled::probe(&self.slots, self.seed, move |word| shape.positions::<K>(word), hashes, held);
    }
}

#[cfg(test)]
mod tests;
