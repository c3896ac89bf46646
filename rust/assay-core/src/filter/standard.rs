//! The standard Bloom filter: k bits anywhere in m.
//!
//! Idea: each key sets k of m bits; a key is held only if all its bits are set. Cost: 1.44 log2(1/p)
//! bits per key (9.6 at 1 %), k cache misses per probe. Choose it for the fewest bits per key, for
//! low rates, and where keys of several types must agree: it hashes canonical bytes.
//! Source: Bloom 1970, "Space/Time Trade-offs in Hash Coding with Allowable Errors"; Kirsch and
//! Mitzenmacher 2006, "Less Hashing, Same Performance" (k positions from one hash).
//!
//! # The stored derivation
//! For n keys at rate p: `m = ceil(-n ln p / ln^2 2)` bits, `k = max(1, round(m / n ln 2))` probes.
//! With h = XXH3_64 (seed 0) of the key's canonical bytes, probe i = 0 .. k-1 takes
//!
//! ```text
//! x(i)   = h * G^i mod 2^64                        G = 0x9e3779b97f4a7c15, odd
//! bit(i) = (x(i) * m) >> 64                        multiply-shift: no division, any m
//! ```
//!
//! and bit b is bit b mod 64 of the little-endian u64 number b / 64. This is double hashing with a
//! product where the classical form has a sum: in `h1 + i h2` with a multiply-shift, two keys whose
//! start and stride agree in their top log2(m) bits share all k positions, a floor of about n / m^2
//! that breaks the promise of small filters (n = 10 at 1e-6). In the product, all 64 bits of h
//! decide every position.

use crate::catalogue::{Contender, Domain, Parameter};
use crate::error::{Error, Result};
use crate::memory;

/// The lowest rate: 40 probes of a 64-bit hash.
pub const RATE_LOW: f64 = 1e-12;
/// The highest rate: one probe of a filter that is half full.
pub const RATE_HIGH: f64 = 0.5;
/// Filters of more than 2 GiB are refused.
pub const BITS_HIGH: u64 = 1 << 34;
/// The greatest number of probes: [`RATE_LOW`] asks for 40.
pub const PROBES_HIGH: u32 = 64;

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "filter",
    name: "standard",
    version: 1,
    idea: "Each key sets k bits anywhere in m; a key is held only if all of its bits are set.",
    cost: "1.44 log2(1/p) bits per key (9.6 at 1 %); k cache misses per probe",
    choose_when: "bits are dear, the rate is low, or keys of several types must agree",
    source: "Bloom 1970, Space/Time Trade-offs in Hash Coding with Allowable Errors",
    parameters: &[
        Parameter {
            name: "false_positive_rate",
            default: "0.01",
            domain: Domain::Number { low: RATE_LOW, high: RATE_HIGH },
            meaning: "the share of absent keys that may be answered yes, at capacity",
        },
        Parameter {
            name: "capacity",
            default: "",
            domain: Domain::Integer { low: 1, high: 1 << 40 },
            meaning: "the number of distinct keys to make room for; learned from the column",
        },
    ],
    abilities: &["insert", "union", "every_type"],
};

/// The bits, and how many of them a key sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standard {
    words: Vec<u64>,
    bits: u64,
    probes: u32,
}

/// Calls `visit` with each bit of a hash until it says false; whether it never did.
#[inline]
pub(super) fn all_positions(hash: u64, bits: u64, probes: u32, mut visit: impl FnMut(usize) -> bool) -> bool {
    let mut walk = hash;
    for _ in 0..probes {
        #[allow(clippy::cast_possible_truncation)]
        let position = ((u128::from(walk) * u128::from(bits)) >> 64) as usize;
        if !visit(position) {
            return false;
        }
        walk = walk.wrapping_mul(STEP);
    }
    true
}

/// The number of bits (or counters) and of probes for `capacity` keys at `rate`; not bounded.
///
/// # Errors
/// If the rate is out of bounds, or too low for 64-bit hashes of so many keys.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
pub fn size_for(what: &str, capacity: u64, rate: f64) -> Result<(u64, u32)> {
    if !(RATE_LOW..=RATE_HIGH).contains(&rate) {
        return Err(Error::Parameter(format!(
            "false_positive_rate is {rate}; expected {RATE_LOW:e} to {RATE_HIGH} for {what}"
        )));
    }
    let keys = capacity.max(1) as f64;
    // Two keys with one 64-bit hash cannot be told apart: n / 2^64 of all absent keys. Above a
    // hundredth of the rate that would show.
    let floor = keys * 100.0 / 18_446_744_073_709_551_616.0;
    if rate < floor {
        return Err(Error::Parameter(format!(
            "false_positive_rate is {rate:e}, below the {floor:e} that 64-bit hashes keep for {capacity} keys; \
             raise it, or split the keys over several filters"
        )));
    }
    let ln_2 = core::f64::consts::LN_2;
    let bits = libm::ceil(-keys * libm::log(rate) / (ln_2 * ln_2));
    let probes = libm::round(bits / keys * ln_2).max(1.0);
    Ok((bits as u64, probes as u32))
}

/// The false-positive rate of m bits and k probes with n distinct keys: (1 - (1 - 1/m)^(k n))^k.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn rate_at(bits: u64, probes: u32, keys: u64) -> f64 {
    let set = -libm::expm1(f64::from(probes) * keys as f64 * libm::log1p(-1.0 / bits as f64));
    libm::pow(set, f64::from(probes))
}

impl Standard {
    /// An empty filter with room for `capacity` keys at `rate`.
    ///
    /// # Errors
    /// If the rate is out of bounds, too low for 64-bit hashes of so many keys, or needs more than 2 GiB.
    pub fn with_capacity(capacity: u64, rate: f64) -> Result<Self> {
        let (bits, probes) = size_for("layout \"standard\"", capacity, rate)?;
        if bits > BITS_HIGH {
            return Err(Error::Parameter(format!(
                "{capacity} keys at a false_positive_rate of {rate} need {bits} bits; expected at most {BITS_HIGH} \
                 (2 GiB): raise the rate, or split the keys over several filters"
            )));
        }
        Ok(Self::empty(bits, probes))
    }

    /// A filter without keys of so many bits and probes, which are in bounds.
    pub(super) fn empty(bits: u64, probes: u32) -> Self {
        let words = usize::try_from(bits.div_ceil(64)).expect("2 GiB fit memory");
        Self { words: memory::zeros(words), bits, probes }
    }

    /// A filter from its stored parts; None if they contradict each other.
    #[must_use]
    pub fn from_parts(bits: u64, probes: u32, words: Vec<u64>) -> Option<Self> {
        let sound = (1..=BITS_HIGH).contains(&bits)
            && (1..=PROBES_HIGH).contains(&probes)
            && words.len() as u64 == bits.div_ceil(64)
            && (bits.is_multiple_of(64) || words.last().is_some_and(|last| last >> (bits % 64) == 0));
        sound.then_some(Self { words, bits, probes })
    }

    /// The number of bits, m.
    #[must_use]
    pub fn bits(&self) -> u64 {
        self.bits
    }

    /// The number of probes, k.
    #[must_use]
    pub fn probes(&self) -> u32 {
        self.probes
    }

    /// The bits as words.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// The bits as words, to be joined with another filter's.
    pub fn words_mut(&mut self) -> &mut [u64] {
        &mut self.words
    }

    /// Whether the key with this hash may be held.
    #[inline]
    #[must_use]
    pub fn holds(&self, hash: u64) -> bool {
        all_positions(hash, self.bits, self.probes, |bit| self.words[bit >> 6] >> (bit & 63) & 1 == 1)
    }

    /// Adds the keys with these hashes.
    pub fn insert(&mut self, hashes: &[u64]) {
        for batch in hashes.chunks(64) {
            batch.iter().for_each(|hash| self.prefetch(*hash));
            for hash in batch {
                all_positions(*hash, self.bits, self.probes, |bit| {
                    self.words[bit >> 6] |= 1 << (bit & 63);
                    true
                });
            }
        }
    }

    /// Sets bit i of `held` if the key with hash i may be held.
    pub fn probe(&self, hashes: &[u64], held: &mut [u64]) {
        for (batch, out) in hashes.chunks(64).zip(held) {
            batch.iter().for_each(|hash| self.prefetch(*hash));
            *out = batch.iter().enumerate().fold(0, |held, (index, hash)| held | u64::from(self.holds(*hash)) << index);
        }
    }

    #[inline]
    fn prefetch(&self, hash: u64) {
        all_positions(hash, self.bits, self.probes, |bit| {
            memory::prefetch(&self.words[bit >> 6]);
            true
        });
    }

    /// The probability that a key with a random hash is answered yes: the share of set bits, to the k.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn expected_rate(&self) -> f64 {
        let set: u64 = self.words.iter().map(|word| u64::from(word.count_ones())).sum();
        let fill = set as f64 / self.bits as f64;
        (0..self.probes).fold(1.0, |rate, _| rate * fill)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{HashKey, xxh3_64::Xxh3_64};

    /// Filters that each hold other keys, and the share of absent keys that they answer yes.
    fn measured(keys: u64, rate: f64, filters: u64, absent: u64) -> (f64, f64) {
        let hash = Xxh3_64::new(0);
        let (mut yes, mut expected) = (0_u64, 0.0);
        for round in 0..filters {
            let mut filter = Standard::with_capacity(keys, rate).unwrap();
            for key in 0..keys {
                filter.insert(&[hash.word(round << 32 | key)]);
            }
            expected += filter.expected_rate() / filters as f64;
            yes += (0..absent).filter(|key| filter.holds(hash.word(1 << 63 | round << 32 | key))).count() as u64;
        }
        (yes as f64 / (filters * absent) as f64, expected)
    }

    #[test]
    fn sizes_follow_the_formula() {
        // 1000 keys at 1 %: 9585.06 bits, rounded up; 6.64 probes, rounded.
        let filter = Standard::with_capacity(1000, 0.01).unwrap();
        assert_eq!((filter.bits(), filter.probes(), filter.words().len()), (9586, 7, 150));
        assert_eq!(Standard::with_capacity(0, 0.5).unwrap().bits(), 2);
    }

    #[test]
    fn rates_and_sizes_beyond_reason_are_refused() {
        for rate in [0.0, -1.0, 1e-13, 0.6, 1.0, f64::NAN, f64::INFINITY] {
            assert!(Standard::with_capacity(10, rate).unwrap_err().to_string().contains("false_positive_rate"));
        }
        assert!(Standard::with_capacity(1 << 30, 1e-11).unwrap_err().to_string().contains("64-bit hashes"));
        assert!(Standard::with_capacity(1 << 40, 0.01).unwrap_err().to_string().contains("2 GiB"));
    }

    /// 4 standard errors of the binomial around what the bits that are set predict; the prediction
    /// itself averages over filters. The small filters are those that a sum would fail.
    #[test]
    fn the_rate_is_kept_in_small_filters_too() {
        for (keys, rate, filters, absent) in
            [(10, 1e-3, 200, 10_000_u64), (10, 1e-5, 100, 100_000), (1, 1e-4, 100, 20_000), (5_000, 0.01, 1, 200_000)]
        {
            let (found, expected) = measured(keys, rate, filters, absent);
            let error = (expected / (filters * absent) as f64).sqrt();
            assert!((found - expected).abs() < 4.0 * error + expected * 0.05, "{keys} at {rate}: {found} {expected}");
            // The formula is a limit: below about ten keys a filter's own rate scatters, and its mean is
            // higher (Bose et al. 2008, "On the false-positive rate of Bloom filters").
            assert!(keys < 10 || expected < rate * 1.25, "{keys} at {rate}: {expected}");
        }
    }

    #[test]
    fn stored_parts_that_contradict_each_other_are_refused() {
        assert!(Standard::from_parts(100, 7, vec![0, 1 << 35]).is_some());
        assert!(Standard::from_parts(100, 7, vec![0, 1 << 36]).is_none());
        assert!(Standard::from_parts(100, 7, vec![0]).is_none());
        assert!(Standard::from_parts(100, 0, vec![0, 0]).is_none());
        assert!(Standard::from_parts(100, 65, vec![0, 0]).is_none());
        assert!(Standard::from_parts(0, 7, vec![]).is_none());
    }
}
