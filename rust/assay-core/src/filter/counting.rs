//! The counting Bloom filter: a counter of 4 bits in place of each bit, so that keys can be removed.
//!
//! Idea: an insertion raises k counters of m, a removal lowers them; a key is held if none of its counters is 0. It is a
//! set with multiplicities: a key inserted twice stays after one removal. Cost: four times the bits of `standard` (38 per
//! key at 1 %), k cache misses per probe. Choose it where keys come and go; the standard filter of its present keys is
//! [`CountingBloomFilter::to_bloom`], bit for bit.
//! Source: Fan, Cao, Almeida, Broder 2000, "Summary Cache: A Scalable Wide-Area Web Cache Sharing Protocol", section V.C
//! (4 bits: at 16 and more a counter overflows with a chance below 1.4e-15 m in a filter that is not overfull).
//!
//! # The stored derivation
//! Positions are those of `standard` with m and k of the same capacity and rate. A counter that has reached 15 stays
//! there for ever, since nobody knows how many keys it stands for: a removal never makes a filter deny a key it
//! holds. Removing a key that the filter does not hold is refused, and nothing is removed; of a false positive it cannot
//! be told, so remove only what was inserted. Counter c is 4 bits of the little-endian u64 number c / 16, from bit
//! 4 (c mod 16) on.

mod counters;

use std::ops::Range;

use crate::catalogue::{Contender, Domain, Parameter};
use crate::error::{Error, Result};
use crate::filter::batch;
use crate::filter::bloom::BloomFilter;
use crate::filter::frame::{self, Header, Kind, corrupt};
use crate::filter::key_type::KeyType;
use crate::filter::standard::{self, RATE_HIGH, RATE_LOW};
use crate::keys::Keys;
use crate::threads;
use counters::Counters;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "filter",
    name: "counting",
    version: 1,
    idea: "Each key raises k counters of 4 bits; a removal lowers them, and a counter that has reached 15 stays.",
    cost: "5.8 log2(1/p) bits per key (38 at 1 %); k cache misses per probe",
    choose_when: "keys are removed as well as inserted",
    source: "Fan, Cao, Almeida, Broder 2000, Summary Cache",
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
    abilities: &["insert", "remove", "union", "every_type"],
};

/// A Bloom filter that keys can be removed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountingBloomFilter {
    counters: Counters,
    key_type: KeyType,
    key_count: u64,
}

impl CountingBloomFilter {
    /// A filter that holds the keys of all chunks, each as often as it occurs; nulls are skipped.
    ///
    /// # Errors
    /// If the rate or the size is out of bounds.
    pub fn build(
        chunks: &[Keys<'_>],
        key_type: KeyType,
        false_positive_rate: f64,
        capacity: Option<u64>,
        threads: usize,
    ) -> Result<Self> {
        if capacity == Some(0) {
            return Err(Error::Parameter("capacity is 0; expected at least 1, or None for the keys given".to_owned()));
        }
        let capacity = capacity.unwrap_or_else(|| batch::count_present(chunks));
        let (count, probes) = standard::size_for("a counting filter", capacity, false_positive_rate)?;
        let counters = Counters::new(count, probes).ok_or_else(|| {
            Error::Parameter(format!(
                "{capacity} keys at a false_positive_rate of {false_positive_rate} need {count} counters; expected at most \
                 {} (2 GiB): raise the rate, or split the keys over several filters",
                counters::COUNT_HIGH
            ))
        })?;
        let mut filter = Self { counters, key_type, key_count: 0 };
        filter.insert(chunks, threads);
        Ok(filter)
    }

    /// Adds the keys of all chunks, each as often as it occurs; nulls are skipped.
    pub fn insert(&mut self, chunks: &[Keys<'_>], threads: usize) {
        let rows = batch::count_rows(chunks);
        // As in `BloomFilter::insert`: the first thread fills these counters, the others copies of their own.
        let copies = (rows as u64 * 8 / self.memory_bytes()).min(threads as u64);
        let pieces = threads::pieces(rows, usize::try_from(copies).unwrap_or(1));
        let first = if pieces == 1 { rows } else { rows.div_ceil(pieces).next_multiple_of(64).min(rows) };
        let fill = |counters: &mut Counters, range: Range<usize>| {
            batch::for_each_row_run(chunks, range, batch::canonical, |hashes| counters.insert(hashes));
        };
        if first == rows {
            fill(&mut self.counters, 0..rows);
        } else {
            let (count, probes) = (self.counters.count(), self.counters.probes());
            let others = || {
                threads::split(rows - first, pieces - 1, |range| {
                    let mut part = Counters::new(count, probes).expect("the shape is a filter's own");
                    fill(&mut part, range.start + first..range.end + first);
                    part
                })
            };
            let ((), parts) = threads::join(threads, || fill(&mut self.counters, 0..first), others);
            parts.iter().for_each(|part| self.counters.join(part));
        }
        self.key_count = self.key_count.saturating_add(batch::count_present(chunks));
    }

    /// Removes the keys of all chunks, each as often as it occurs; nulls are skipped. Nothing is removed if there is an
    /// error.
    ///
    /// # Errors
    /// If the filter does not hold a key, or not as often as it is to be removed.
    pub fn remove(&mut self, chunks: &[Keys<'_>]) -> Result<()> {
        let mut hashes = Vec::with_capacity(batch::count_rows(chunks));
        let rows = 0..batch::count_rows(chunks);
        batch::for_each_row_run(chunks, rows, batch::canonical, |run| hashes.extend_from_slice(run));
        if let Err(refused) = self.counters.remove(&hashes) {
            let key = nth_key(chunks, refused).map_or_else(String::new, |(chunk, row)| chunk.display(row));
            return Err(Error::Parameter(format!(
                "{key} is not in the filter, or not as often as it is to be removed; nothing was removed: remove only \
                 keys that were inserted, each as often as it was inserted"
            )));
        }
        self.key_count = self.key_count.saturating_sub(hashes.len() as u64);
        Ok(())
    }

    /// A bit for each row, least significant first: whether the filter may hold its key. The bit of a null is 0.
    #[must_use]
    pub fn contains(&self, chunks: &[Keys<'_>], threads: usize) -> Vec<u64> {
        batch::contains(chunks, threads, &batch::canonical, &|hashes, held| self.counters.probe(hashes, held))
    }

    /// The filter that holds the keys of both, with the sum of their multiplicities: counters are added, up to 15.
    ///
    /// # Errors
    /// If the two differ in size or type of keys.
    pub fn union(&self, other: &Self) -> Result<Self> {
        let shape = |filter: &Self| format!("{} counters and {} probes", filter.counters.count(), filter.probes());
        if shape(self) != shape(other) {
            return Err(Error::Parameter(format!(
                "a counting filter of {} cannot be joined with one of {}; build both with the same \
                 false_positive_rate and capacity",
                shape(self),
                shape(other)
            )));
        }
        if self.key_type != other.key_type {
            return Err(Error::Parameter(format!(
                "a filter on keys of type {} cannot be joined with one on {}; cast one column before it is built",
                self.key_type, other.key_type
            )));
        }
        let mut joined = self.clone();
        joined.counters.join(&other.counters);
        joined.key_count = self.key_count.saturating_add(other.key_count);
        Ok(joined)
    }

    /// The standard filter of the keys that are held now, with the same m and k.
    #[must_use]
    pub fn to_bloom(&self) -> BloomFilter {
        BloomFilter::from_standard(self.counters.to_standard(), self.key_type, self.key_count)
    }

    /// The type of the column that the filter was built on.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        self.key_type
    }

    /// The number of counters, m.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counters.count()
    }

    /// The number of counters that have reached 15 and stay there.
    #[must_use]
    pub fn saturated_count(&self) -> u64 {
        self.counters.saturated()
    }

    /// The number of bits.
    #[must_use]
    pub fn bits(&self) -> u64 {
        self.counters.count() * 4
    }

    /// The number of counters that a probe looks at.
    #[must_use]
    pub fn probes(&self) -> u32 {
        self.counters.probes()
    }

    /// The bytes of the counters.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.counters.words().len() as u64 * 8
    }

    /// The number of keys inserted less those removed, duplicates counted, nulls not.
    #[must_use]
    pub fn key_count(&self) -> u64 {
        self.key_count
    }

    /// The probability that a key with a random hash is answered yes, from the counters that are not 0.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn expected_false_positive_rate(&self) -> f64 {
        let fill = self.counters.used() as f64 / self.counters.count() as f64;
        libm::pow(fill, f64::from(self.probes()))
    }

    /// The false-positive rate that a filter of this size has with `keys` distinct keys, by the formula of Bloom filters.
    #[must_use]
    pub fn false_positive_rate_at(&self, keys: u64) -> f64 {
        standard::rate_at(self.counters.count(), self.probes(), keys)
    }

    /// The stored form: parameter k, size m, payload the u64 words.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let header = Header {
            kind: Kind::Counting,
            parameter: self.probes(),
            key_type: self.key_type,
            size: self.counters.count(),
            keys: self.key_count,
            seed: 0,
        };
        let words = self.counters.words();
        frame::seal(&header, size_of_val(words), |out| out.extend(words.iter().flat_map(|word| word.to_le_bytes())))
    }

    /// The filter of a stored form.
    ///
    /// # Errors
    /// If the bytes are no counting filter, are of a newer version, are truncated or too long, or have changed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (header, payload) = frame::open(bytes, &[Kind::Counting])?;
        let (words, rest) = payload.as_chunks::<8>();
        let words = words.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect();
        let counters = Counters::from_parts(header.size, header.parameter, words);
        match counters {
            Some(counters) if rest.is_empty() && header.seed == 0 => {
                Ok(Self { counters, key_type: header.key_type, key_count: header.keys })
            }
            _ => Err(corrupt("their header contradicts their counters")),
        }
    }
}

/// The chunk and the row of the n-th key that is not null.
fn nth_key<'k, 'a>(chunks: &'k [Keys<'a>], n: usize) -> Option<(&'k Keys<'a>, usize)> {
    let rows = chunks.iter().flat_map(|chunk| (0..chunk.len()).map(move |row| (chunk, row)));
    rows.filter(|(chunk, row)| !chunk.is_null(*row)).nth(n)
}

#[cfg(test)]
mod tests;
