//! The split-block Bloom filter: eight bits of one 256-bit block, bit for bit Parquet's.
//!
//! Idea: the upper half of the hash picks a block, the lower half times eight odd salts picks one bit
//! in each of its eight words. Cost: 10.5 bits per key at 1 %, one cache miss per probe, eight lanes
//! at once. Choose it for speed, and to agree with Parquet; not below 1e-5, where blocks overflow.
//! Source: Apache Parquet, `BloomFilter.md`; Putze, Sanders, Singler 2007, "Cache-, Hash- and
//! Space-Efficient Bloom Filters" (the Poisson mixture over block loads).

mod kernel;

use crate::catalogue::{Contender, Domain, Parameter};
use crate::error::{Error, Result};
use crate::filter::batch::place_of;
use crate::lanes::Path;
use crate::memory;

/// A rate must be above this one, which takes more than 64 bits per key.
pub const RATE_LOW: f64 = 1e-6;
/// The highest rate.
pub const RATE_HIGH: f64 = 0.5;
/// Parquet counts a filter's bytes in a signed 32-bit integer.
pub const BLOCKS_HIGH: u64 = (1 << 26) - 1;
/// Bits of one block.
pub const BLOCK_BITS: u64 = 256;

const BITS_PER_KEY_HIGH: f64 = 64.0;
/// Up to so many keys per block the mixture over loads is summed; the rate is 0.997 there.
const LOAD_SUMMED_HIGH: f64 = 256.0;

const SALTS: [u32; 8] =
    [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "filter",
    name: "split_block",
    version: 1,
    idea: "Each key sets one bit in each of the eight words of one 256-bit block.",
    cost: "10.5 bits per key at 1 %; one cache miss per probe",
    choose_when: "speed counts, or Parquet's filters must be matched bit for bit",
    source: "Apache Parquet, BloomFilter.md; Putze, Sanders, Singler 2007",
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
        Parameter {
            name: "block_count",
            default: "",
            domain: Domain::Integer { low: 1, high: BLOCKS_HIGH },
            meaning: "the number of blocks, to match an existing filter; learned from rate and capacity",
        },
    ],
    abilities: &["insert", "union", "parquet"],
};

/// One block: eight words of 32 bits, aligned for one load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(C, align(32))]
pub struct Block(pub [u32; 8]);

/// The blocks of a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SplitBlock {
    blocks: Vec<Block>,
}

/// The false-positive rate at a mean load of `load` keys per block: the Poisson mixture over loads
/// of the rate of a block with j keys, `(1 - (31/32)^j)^8`.
#[must_use]
pub fn expected_rate(load: f64) -> f64 {
    if load > LOAD_SUMMED_HIGH {
        return expected_rate_closed(load);
    }
    let mut probability = libm::exp(-load);
    let (mut empty, mut rate, mut keys) = (1.0, 0.0, 0.0);
    // Terms beyond the mean and 40 deviations are below every rate that can be asked for.
    while keys <= load + 40.0 * (load + 1.0).sqrt() {
        let square = (1.0 - empty) * (1.0 - empty);
        let fourth = square * square;
        rate += probability * fourth * fourth;
        keys += 1.0;
        probability *= load / keys;
        empty *= 31.0 / 32.0;
    }
    rate
}

/// The same with the eighth power multiplied out: `sum over i of (-1)^i C(8, i) exp(-load (1 - (31/32)^i))`.
///
/// Low rates cancel in it. High loads have no low rates, but so many terms in the mixture, the first of them too small for
/// a float, that it cannot be summed.
fn expected_rate_closed(load: f64) -> f64 {
    const BINOMIALS: [f64; 9] = [1.0, -8.0, 28.0, -56.0, 70.0, -56.0, 28.0, -8.0, 1.0];
    let (mut rate, mut empty) = (0.0, 1.0);
    for binomial in BINOMIALS {
        rate += binomial * libm::exp(-load * (1.0 - empty));
        empty *= 31.0 / 32.0;
    }
    rate
}

/// The most keys per block that keep `rate`.
fn load_for(rate: f64) -> f64 {
    let (mut low, mut high) = (0.0, LOAD_SUMMED_HIGH);
    for _ in 0..80 {
        let middle = (low + high) / 2.0;
        if expected_rate(middle) <= rate {
            low = middle;
        } else {
            high = middle;
        }
    }
    low
}

/// The number of blocks for `capacity` keys at `rate`.
///
/// # Errors
/// If the rate is out of bounds, or needs more than 64 bits per key or more than 2 GiB.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
pub fn blocks_for(capacity: u64, rate: f64) -> Result<u64> {
    let way_out = "choose layout=\"standard\", which keeps low rates in 1.44 log2(1/p) bits per key";
    if !(rate > RATE_LOW && rate <= RATE_HIGH) {
        return Err(Error::Parameter(format!(
            "false_positive_rate is {rate}; expected above {RATE_LOW:e} and at most {RATE_HIGH} for layout \
             \"split_block\"; {way_out}"
        )));
    }
    let load = load_for(rate);
    let bits_per_key = BLOCK_BITS as f64 / load;
    if bits_per_key > BITS_PER_KEY_HIGH {
        return Err(Error::Parameter(format!(
            "false_positive_rate is {rate:e}, which takes {bits_per_key:.1} bits per key in layout \"split_block\"; \
             expected at most {BITS_PER_KEY_HIGH}; {way_out}"
        )));
    }
    let blocks = libm::ceil(capacity.max(1) as f64 / load);
    if blocks > BLOCKS_HIGH as f64 {
        return Err(Error::Parameter(format!(
            "{capacity} keys at a false_positive_rate of {rate} need {blocks:e} blocks; expected at most \
             {BLOCKS_HIGH}, Parquet's limit of 2 GiB: raise the rate, or split the keys over several filters"
        )));
    }
    Ok(blocks as u64)
}

/// The bits of a hash within its block.
#[inline]
#[allow(clippy::cast_possible_truncation)]
fn bits_of(hash: u64) -> [u32; 8] {
    SALTS.map(|salt| 1 << ((hash as u32).wrapping_mul(salt) >> 27))
}

impl SplitBlock {
    /// An empty filter of so many blocks.
    ///
    /// # Errors
    /// If there are none, or more than Parquet allows.
    pub fn with_blocks(count: u64) -> Result<Self> {
        if !(1..=BLOCKS_HIGH).contains(&count) {
            return Err(Error::Parameter(format!("block_count is {count}; expected 1 to {BLOCKS_HIGH}")));
        }
        let count = usize::try_from(count).expect("2 GiB fit memory");
        let mut blocks = Vec::with_capacity(count);
        memory::advise(blocks.spare_capacity_mut());
        blocks.resize(count, Block::default());
        Ok(Self { blocks })
    }

    /// A filter from its blocks; None if there are none or too many.
    #[must_use]
    pub fn from_parts(blocks: Vec<Block>) -> Option<Self> {
        (1..=BLOCKS_HIGH).contains(&(blocks.len() as u64)).then_some(Self { blocks })
    }

    /// The blocks.
    #[must_use]
    pub fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    /// The blocks, to be joined with another filter's.
    pub fn blocks_mut(&mut self) -> &mut [Block] {
        &mut self.blocks
    }

    /// Whether the key with this hash may be held.
    #[inline]
    #[must_use]
    pub fn holds(&self, hash: u64) -> bool {
        let block = &self.blocks[place_of(hash, self.blocks.len())];
        block.0.iter().zip(bits_of(hash)).all(|(word, bit)| word & bit != 0)
    }

    /// Adds the keys with these hashes.
    pub fn insert(&mut self, hashes: &[u64]) {
        kernel::insert(Path::widest(), &mut self.blocks, hashes);
    }

    /// Sets bit i of `held` if the key with hash i may be held.
    pub fn probe(&self, hashes: &[u64], held: &mut [u64]) {
        kernel::probe(Path::widest(), &self.blocks, hashes, held);
    }

    /// The layout's own formula: the false-positive rate with `keys` distinct keys, a Poisson mixture over blocks.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn rate_at(&self, keys: u64) -> f64 {
        expected_rate(keys as f64 / self.blocks.len() as f64)
    }

    /// The probability that a key with a random hash is answered yes: the mean over blocks of the
    /// product over words of the share of their bits that are set.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn expected_rate(&self) -> f64 {
        let share = |block: &Block| block.0.iter().fold(1.0, |rate, word| rate * f64::from(word.count_ones()) / 32.0);
        self.blocks.iter().map(share).sum::<f64>() / self.blocks.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits per key for a rate, as Parquet's `BloomFilter.md` tabulates them.
    #[test]
    fn rates_match_the_specification() {
        for (bits, rate, tolerance) in [(10.5, 0.01, 2e-4), (16.9, 1e-3, 1e-5), (26.4, 1e-4, 2e-6), (41.0, 1e-5, 2e-7)]
        {
            assert!((expected_rate(256.0 / bits) - rate).abs() < tolerance, "{bits}: {}", expected_rate(256.0 / bits));
        }
        // 24.32 keys per block keep 1 %, 10.53 bits per key, where an unblocked filter takes 9.585.
        let blocks = blocks_for(1_000_000, 0.01).unwrap();
        let bits_per_key = (blocks * BLOCK_BITS) as f64 / 1e6;
        assert!((10.5..10.55).contains(&bits_per_key), "{bits_per_key}");
        assert!(expected_rate(1e6 / blocks as f64) <= 0.01);
        assert!(expected_rate(1e6 / (blocks - 1) as f64) > 0.01);
    }

    /// The oracle sums the mixture from 40 deviations below the mean on, each probability from its logarithm.
    #[test]
    fn blocks_far_too_full_have_the_rate_of_the_mixture_too() {
        for load in [250.0, 256.0, 256.001, 300.0, 700.0, 800.0, 5000.0_f64] {
            let width = 40.0 * load.sqrt();
            let keys = ((load - width).max(0.0) as u64)..((load + width) as u64);
            let term = |keys: u64| {
                let keys = keys as f64;
                let probability = libm::exp(keys * libm::log(load) - load - libm::lgamma(keys + 1.0));
                probability * libm::pow(-libm::expm1(keys * libm::log(31.0 / 32.0)), 8.0)
            };
            let expected: f64 = keys.map(term).sum();
            assert!((expected_rate(load) - expected).abs() < 1e-9, "{load}: {} {expected}", expected_rate(load));
        }
        for load in [1e4, 1e12, 1e19] {
            assert!((expected_rate(load) - 1.0).abs() < 1e-12, "{load}");
        }
    }

    #[test]
    fn rates_and_sizes_beyond_reason_are_refused() {
        for rate in [0.0, 1e-6, 1e-9, 0.51, f64::NAN] {
            assert!(blocks_for(10, rate).unwrap_err().to_string().contains("layout=\"standard\""), "{rate}");
        }
        assert!(blocks_for(10, 1.01e-6).unwrap_err().to_string().contains("bits per key"));
        assert!(blocks_for(10, 1.1e-6).is_ok());
        assert!(blocks_for(1 << 40, 0.01).unwrap_err().to_string().contains("2 GiB"));
        assert!(SplitBlock::with_blocks(0).is_err() && SplitBlock::with_blocks(BLOCKS_HIGH + 1).is_err());
    }
}
