//! The blocked Bloom filter of cache lines: k bits of one 512-bit line.
//!
//! Idea: the upper half of the hash picks a line, the lower half walks k positions within it. Cost: 9.9 bits per key at
//! 1 %, one cache miss per probe whatever k is. Choose it for the speed of one cache line at fewer bits than
//! `split_block`, most of all below 1 %, where no agreement with Parquet is needed; not below 1e-5, where lines overflow.
//! Source: Putze, Sanders, Singler 2007, "Cache-, Hash- and Space-Efficient Bloom Filters"; RocksDB, `util/bloom_impl.h`
//! (FastLocalBloom).
//!
//! # The stored derivation
//! With h = XXH3_64 (seed 0) of the key's canonical bytes and B lines, the line is `((h >> 32) * B) >> 32`, and probe
//! i = 0 .. k-1 takes the bit
//!
//! ```text
//! x(i)   = (h mod 2^32) * G^i mod 2^32             G = 0x9e3779b9, odd
//! bit(i) = x(i) >> 23                              of the 512 of the line
//! ```
//!
//! where bit b is bit b mod 32 of the little-endian u32 number b / 32 of the line.
//!
//! # The law
//! With j keys in a line, X of its 512 bits are set by j k throws, and an absent key is answered yes with the mean of
//! `(X/512)^k`. Its k probes hit d distinct bits with the probability P(d), and by inclusion and exclusion
//! `E (X/512)^k = sum over i of w(i) (1 - i/512)^(j k)` with `w(i) = (-1)^i sum over d of P(d) C(d, i)`. The loads j are
//! binomial (n keys, 1/B), or Poisson where only the mean load is known, and both sums close: no simulation, no limit in j.

mod kernel;

use crate::catalogue::{Contender, Domain, Parameter};
use crate::error::{Error, Result};
use crate::filter::batch::place_of;
use crate::lanes::{self, Path};
use crate::memory;

/// The lowest rate.
pub const RATE_LOW: f64 = 1e-5;
/// The highest rate.
pub const RATE_HIGH: f64 = 0.5;
/// Filters of more than 2 GiB are refused.
pub const LINES_HIGH: u64 = 1 << 25;
/// Bits of one line.
pub const LINE_BITS: u64 = 512;
/// The greatest number of probes: one register of words.
pub const PROBES_HIGH: u32 = 16;

const STEP: u32 = 0x9e37_79b9;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "filter",
    name: "blocked_512",
    version: 1,
    idea: "Each key sets k bits of one cache line of 512 bits.",
    cost: "9.9 bits per key at 1 %; one cache miss per probe",
    choose_when: "speed counts, keys of several types must agree, and Parquet's filters need not be matched",
    source: "Putze, Sanders, Singler 2007; RocksDB, util/bloom_impl.h (FastLocalBloom)",
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

/// One line: sixteen words of 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C, align(64))]
pub struct Line(pub [u32; 16]);

/// The lines of a filter, and how many bits a key sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked512 {
    lines: Vec<Line>,
    probes: u32,
}

/// The weights w(i) of the law, and the shares 1 - i/512 to the k.
fn terms(probes: u32) -> Vec<(f64, f64)> {
    // distinct[d]: the probability that the throws so far hit d bits.
    let mut distinct = vec![1.0];
    for _ in 0..probes {
        let mut next = vec![0.0; distinct.len() + 1];
        for (hit, probability) in distinct.iter().enumerate() {
            let share = hit as f64 / LINE_BITS as f64;
            next[hit] += probability * share;
            next[hit + 1] += probability * (1.0 - share);
        }
        distinct = next;
    }
    let choose =
        |from: usize, count: usize| (0..count).fold(1.0, |ways, at| ways * (from - at) as f64 / (at + 1) as f64);
    (0..distinct.len())
        .map(|index| {
            let ways: f64 = (index..distinct.len()).map(|hit| distinct[hit] * choose(hit, index)).sum();
            let sign = if index % 2 == 0 { 1.0 } else { -1.0 };
            (sign * ways, libm::pow(1.0 - index as f64 / LINE_BITS as f64, f64::from(probes)))
        })
        .collect()
}

/// The false-positive rate of k probes at a mean load of `load` keys per line: the Poisson mixture over loads.
#[must_use]
pub fn expected_rate(load: f64, probes: u32) -> f64 {
    terms(probes).iter().map(|(weight, share)| weight * libm::exp(-load * (1.0 - share))).sum()
}

/// The probes that keep `rate` at the most keys per line, and that load.
fn best_for(rate: f64) -> (u32, f64) {
    let load_for = |probes: u32| {
        let terms = terms(probes);
        let (mut low, mut high) = (0.0, 512.0);
        for _ in 0..50 {
            let middle = (low + high) / 2.0;
            let found: f64 = terms.iter().map(|(weight, share)| weight * libm::exp(-middle * (1.0 - share))).sum();
            if found <= rate {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    };
    let candidates = (1..=PROBES_HIGH).map(|probes| (probes, load_for(probes)));
    candidates.fold((1, 0.0), |best, other| if other.1 > best.1 { other } else { best })
}

impl Blocked512 {
    /// An empty filter with room for `capacity` keys at `rate`.
    ///
    /// # Errors
    /// If the rate is out of bounds, or needs more than 2 GiB.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    pub fn with_capacity(capacity: u64, rate: f64) -> Result<Self> {
        if !(RATE_LOW..=RATE_HIGH).contains(&rate) {
            return Err(Error::Parameter(format!(
                "false_positive_rate is {rate}; expected {RATE_LOW:e} to {RATE_HIGH} for layout \"blocked_512\", whose lines \
                 overflow below; choose layout=\"standard\", which keeps low rates in 1.44 log2(1/p) bits per key"
            )));
        }
        let (probes, load) = best_for(rate);
        let lines = libm::ceil(capacity.max(1) as f64 / load);
        if lines > LINES_HIGH as f64 {
            return Err(Error::Parameter(format!(
                "{capacity} keys at a false_positive_rate of {rate} need {lines:e} lines of 64 bytes; expected at most \
                 {LINES_HIGH} (2 GiB): raise the rate, or split the keys over several filters"
            )));
        }
        Ok(Self::empty(lines as u64, probes))
    }

    /// A filter without keys of so many lines and probes, which are in bounds.
    pub(super) fn empty(lines: u64, probes: u32) -> Self {
        let count = usize::try_from(lines).expect("2 GiB fit memory");
        let mut lines = Vec::with_capacity(count);
        memory::advise(lines.spare_capacity_mut());
        lines.resize(count, Line::default());
        Self { lines, probes }
    }

    /// A filter from its stored parts; None if they contradict each other.
    #[must_use]
    pub fn from_parts(lines: Vec<Line>, probes: u32) -> Option<Self> {
        let sound = (1..=LINES_HIGH).contains(&(lines.len() as u64)) && (1..=PROBES_HIGH).contains(&probes);
        sound.then_some(Self { lines, probes })
    }

    /// The lines.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// The number of probes, k.
    #[must_use]
    pub fn probes(&self) -> u32 {
        self.probes
    }

    /// The lines, to be joined with another filter's.
    pub fn lines_mut(&mut self) -> &mut [Line] {
        &mut self.lines
    }

    /// Whether the key with this hash may be held.
    #[must_use]
    pub fn holds(&self, hash: u64) -> bool {
        kernel::holds(&self.lines[place_of(hash, self.lines.len())], hash, self.probes)
    }

    /// Adds the keys with these hashes.
    pub fn insert(&mut self, hashes: &[u64]) {
        lanes::run(kernel::Insert { lines: &mut self.lines, probes: self.probes, hashes });
    }

    /// Sets bit i of `held` if the key with hash i may be held.
    pub fn probe(&self, hashes: &[u64], held: &mut [u64]) {
        kernel::probe(Path::widest(), &self.lines, self.probes, hashes, held);
    }

    /// The layout's own formula: the false-positive rate with `keys` distinct keys, a binomial mixture over lines.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn rate_at(&self, keys: u64) -> f64 {
        let lines = self.lines.len() as f64;
        let mean = |share: f64| libm::exp(keys as f64 * libm::log1p(-(1.0 - share) / lines));
        // The terms cancel; what is left below their rounding is no rate.
        terms(self.probes).iter().map(|(weight, share)| weight * mean(*share)).sum::<f64>().max(0.0)
    }

    /// The probability that a key with a random hash is answered yes: the mean over lines of the share of set bits, to
    /// the k.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn expected_rate(&self) -> f64 {
        let share = |line: &Line| {
            let set: u32 = line.0.iter().map(|word| word.count_ones()).sum();
            libm::pow(f64::from(set) / LINE_BITS as f64, f64::from(self.probes))
        };
        self.lines.iter().map(share).sum::<f64>() / self.lines.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{HashKey, xxh3_64::Xxh3_64};

    /// The law by brute force: the distribution of set bits throw by throw, mixed over Poisson loads.
    fn by_brute_force(load: f64, probes: u32) -> f64 {
        let mut set = vec![0.0; 513];
        set[0] = 1.0;
        let (mut weight, mut rate, mut keys) = ((-load).exp(), 0.0, 0.0);
        while keys < load + 40.0 * (load + 1.0).sqrt() {
            let share: f64 =
                set.iter().enumerate().map(|(count, p)| p * (count as f64 / 512.0).powi(probes.cast_signed())).sum();
            rate += weight * share;
            keys += 1.0;
            weight *= load / keys;
            for _ in 0..probes {
                for count in (0..=512).rev() {
                    let before = if count == 0 { 0.0 } else { set[count - 1] * (513.0 - count as f64) / 512.0 };
                    set[count] = set[count] * count as f64 / 512.0 + before;
                }
            }
        }
        rate
    }

    #[test]
    fn the_law_is_that_of_throws_counted_one_by_one() {
        for (load, probes) in [(51.2, 6), (51.2, 7), (20.0, 1), (30.0, 12), (15.0, 16), (0.5, 6)] {
            let (found, expected) = (expected_rate(load, probes), by_brute_force(load, probes));
            // The terms of the closed form cancel to about 1e-15.
            assert!((found - expected).abs() < 1e-6 * expected + 1e-14, "{load} {probes}: {found:e} {expected:e}");
        }
        // RocksDB measures 0.957 % for its layout of the same shape, 10 bits and six probes, whose lines are rounded up.
        assert!((expected_rate(51.2, 6) / 0.00957 - 1.0).abs() < 0.0105, "{}", expected_rate(51.2, 6));
    }

    #[test]
    fn sizes_keep_the_rate_in_few_bits() {
        for (rate, bits) in [(0.5, 1.5), (0.01, 9.95), (1e-3, 16.0), (1e-4, 24.0), (1e-5, 36.0)] {
            let filter = Blocked512::with_capacity(1_000_000, rate).unwrap();
            let found = filter.lines().len() as f64 * 512.0 / 1e6;
            assert!(found < bits, "{rate}: {found} bits, {} probes", filter.probes());
            let kept = filter.rate_at(1_000_000);
            assert!(kept <= rate * 1.000_001 && kept > rate * 0.999, "{rate}: {kept}");
        }
        assert_eq!(Blocked512::with_capacity(0, 0.01).unwrap().lines().len(), 1);
    }

    #[test]
    fn rates_and_sizes_beyond_reason_are_refused() {
        for rate in [0.0, 9e-6, 1e-9, 0.51, f64::NAN] {
            let error = Blocked512::with_capacity(10, rate).unwrap_err().to_string();
            assert!(error.contains("layout=\"standard\""), "{rate}: {error}");
        }
        assert!(Blocked512::with_capacity(1 << 40, 0.01).unwrap_err().to_string().contains("2 GiB"));
        assert!(Blocked512::from_parts(vec![], 6).is_none());
        assert!(Blocked512::from_parts(vec![Line::default()], 0).is_none());
        assert!(Blocked512::from_parts(vec![Line::default()], 17).is_none());
    }

    /// 4.5 standard errors of the binomial around the law; many filters, since one filter's own rate scatters.
    #[test]
    fn measured_rates_lie_where_the_law_says() {
        let hash = Xxh3_64::new(0);
        for (keys, rate, filters, absent) in
            [(200_u64, 0.01, 60, 20_000_u64), (20_000, 0.05, 2, 200_000), (5_000, 1e-4, 8, 500_000)]
        {
            let (mut yes, mut law) = (0_u64, 0.0);
            for round in 0..filters {
                let mut filter = Blocked512::with_capacity(keys, rate).unwrap();
                let hashes: Vec<u64> = (0..keys).map(|key| hash.word(round << 32 | key)).collect();
                filter.insert(&hashes);
                law = filter.rate_at(keys);
                yes += (0..absent).filter(|key| filter.holds(hash.word(1 << 63 | round << 32 | key))).count() as u64;
            }
            let asked = (filters * absent) as f64;
            let found = yes as f64 / asked;
            assert!((found - law).abs() < 4.5 * (law / asked).sqrt() + law * 0.02, "{keys} {rate}: {found} {law}");
        }
    }
}
