//! A share of the keys of a trace, chosen by their hashes: SHARDS.
//!
//! Idea: a key is in the sample if its hash is at most a threshold, so that all requests of a key are, or none; between
//! two requests of a key about `rate` of the other objects are, so that a cache of `rate` times the capacity has
//! the sample's miss ratio. Sampled at a fixed rate, the threshold stands; at a fixed size it is lowered so that so many keys remain: those
//! of the least hashes, as if the threshold had stood at the next greater hash from the start, for the requests of keys that leave
//! are dropped. Keys are told apart by 64 bits of hash. Cost: hashing a block of keys in vectors and a comparison each; 8 bytes a
//! sampled request, and at a fixed size up to as many again for those dropped later. Source: Waldspurger, Park, Garthwaite, Ahmad
//! 2015, "Efficient MRC Construction with SHARDS".

use std::collections::{BinaryHeap, HashSet};

use crate::Trace;
use assay_core::error::{Error, Result};
use assay_core::hash::xxh3_64::Xxh3_64;
use assay_core::hash::{HashFunction, hash_block, hash_keys};
use assay_core::keys::{Keys, Values};
use assay_core::lanes::{self, Loop};

/// Keys hashed at a time: they stay in the nearest cache.
const BLOCK: usize = 1024;
/// Hashes that are compared at once before any of them is looked at.
const LANES: usize = 16;
/// Fewer dropped requests than these stay until the end.
const DROPPED_WORTH_REMOVING: usize = 1 << 16;

/// The requests of sampled keys, as hashes.
#[derive(Debug)]
pub struct Sample {
    hasher: Xxh3_64,
    /// The greatest hash that is in the sample.
    last: u64,
    /// The most keys in the sample, if they are limited.
    size: Option<usize>,
    requests: u64,
    hashes: Vec<u64>,
    sizes: Option<Vec<u64>>,
    /// The hashes in the sample, the greatest first, where keys are limited.
    greatest: BinaryHeap<u64>,
    members: HashSet<u64>,
    /// How many hashes were left when the dropped ones were last removed.
    kept: usize,
}

/// Appends the places of hashes that are at most `last`.
struct Chosen<'a> {
    hashes: &'a [u64],
    last: u64,
    places: &'a mut Vec<usize>,
}

impl Loop for Chosen<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (whole, rest) = self.hashes.as_chunks::<LANES>();
        for (index, chunk) in whole.iter().enumerate() {
            let any = chunk.iter().fold(false, |any, hash| any | (*hash <= self.last));
            if any {
                let chosen = (0..LANES).filter(|lane| chunk[*lane] <= self.last);
                self.places.extend(chosen.map(|lane| index * LANES + lane));
            }
        }
        let first = whole.len() * LANES;
        let chosen = (0..rest.len()).filter(|lane| rest[*lane] <= self.last);
        self.places.extend(chosen.map(|lane| first + lane));
    }
}

impl Sample {
    /// Of keys with this probability each.
    ///
    /// # Errors
    /// If it is not above 0 and at most 1.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn of_rate(rate: f64, seed: u64) -> Result<Self> {
        if !(rate > 0.0 && rate <= 1.0) {
            return Err(Error::Parameter(format!("sample_rate is {rate}; expected a share above 0 and at most 1")));
        }
        // Of 2^64 hashes; the product is rounded, and one of 2^64 is cut to the greatest hash.
        let last = if rate == 1.0 { u64::MAX } else { ((rate * 2_f64.powi(64)) as u64).saturating_sub(1) };
        Ok(Self::new(last, None, seed))
    }

    /// Of so many keys.
    ///
    /// # Errors
    /// If they are none.
    pub fn of_size(size: usize, seed: u64) -> Result<Self> {
        if size == 0 {
            return Err(Error::Parameter("sample_size is 0; expected at least 1 key".to_owned()));
        }
        Ok(Self::new(u64::MAX, Some(size), seed))
    }

    fn new(last: u64, size: Option<usize>, seed: u64) -> Self {
        Self {
            hasher: Xxh3_64::new(seed),
            last,
            size,
            requests: 0,
            hashes: Vec::new(),
            sizes: None,
            greatest: BinaryHeap::new(),
            members: HashSet::new(),
            kept: 0,
        }
    }

    /// Appends the requests of these keys, in their order; all of them have sizes, or none.
    ///
    /// # Errors
    /// If a key is null, or its type cannot be hashed.
    ///
    /// # Panics
    /// If there are not as many sizes as keys.
    pub fn append(&mut self, keys: &Keys<'_>, sizes: Option<&[u64]>) -> Result<()> {
        assert!(sizes.is_none_or(|sizes| sizes.len() == keys.len()), "a size for each key");
        if keys.may_be_null()
            && let Some(row) = (0..keys.len()).find(|row| keys.is_null(*row))
        {
            let place = self.requests + row as u64;
            return Err(Error::Data(format!(
                "the key of request {place} is null; a request is for some object: leave it out"
            )));
        }
        let function = HashFunction::Xxh3_64(self.hasher);
        let columns = std::slice::from_ref(keys);
        let mut places = Vec::new();
        if matches!(keys.values(), Values::Dictionary { .. }) {
            let mut hashes = vec![0; keys.len()];
            hash_keys(columns, function, 1, 0, &mut hashes)?;
            self.take(&hashes, sizes, &mut places);
        } else {
            let mut hashes = [0; BLOCK];
            for first in (0..keys.len()).step_by(BLOCK) {
                let block = &mut hashes[..BLOCK.min(keys.len() - first)];
                hash_block(columns, function, first, 0, block)?;
                self.take(block, sizes.map(|sizes| &sizes[first..]), &mut places);
            }
        }
        self.requests += keys.len() as u64;
        Ok(())
    }

    /// Appends those of the requests that are in the sample.
    fn take(&mut self, hashes: &[u64], sizes: Option<&[u64]>, places: &mut Vec<usize>) {
        places.clear();
        lanes::run(Chosen { hashes, last: self.last, places });
        for &place in places.iter() {
            let hash = hashes[place];
            if hash > self.last {
                continue; // the threshold was lowered within the block
            }
            self.hashes.push(hash);
            if let Some(sizes) = sizes {
                self.sizes.get_or_insert_default().push(sizes[place]);
            }
            if let Some(size) = self.size {
                self.limit(hash, size);
            }
        }
    }

    /// Takes note of a key in the sample; if it is one too many, the one of the greatest hash leaves.
    fn limit(&mut self, hash: u64, size: usize) {
        if !self.members.insert(hash) {
            return;
        }
        self.greatest.push(hash);
        if self.greatest.len() > size {
            let leaves = self.greatest.pop().expect("it holds more than none");
            self.members.remove(&leaves);
            self.last = leaves.saturating_sub(1);
            if self.hashes.len() > 2 * self.kept + DROPPED_WORTH_REMOVING {
                self.remove_dropped();
            }
        }
    }

    /// Removes the requests of keys that left the sample.
    fn remove_dropped(&mut self) {
        let last = self.last;
        if let Some(sizes) = &mut self.sizes {
            let mut hashes = self.hashes.iter();
            sizes.retain(|_| hashes.next().is_some_and(|hash| *hash <= last));
        }
        self.hashes.retain(|hash| *hash <= last);
        self.kept = self.hashes.len();
    }

    /// All requests, those out of the sample included.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// The probability of a key to be in the sample: the rate, or what it has fallen to for so many keys to remain.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn rate(&self) -> f64 {
        (self.last as f64 + 1.0) / 2_f64.powi(64)
    }

    /// The sampled requests as a trace of their own.
    ///
    /// # Errors
    /// If it cannot be made; keys that are hashes always can.
    pub fn into_trace(mut self) -> Result<Trace> {
        self.remove_dropped();
        let mut trace = Trace::default();
        trace.append(&Keys::new(Values::U64(&self.hashes), None, self.hashes.len())?, self.sizes)?;
        trace.finish();
        Ok(trace)
    }
}

/// What estimates and their errors are made of: by distance (0: the first requests), the requests of the sample, and what
/// they add to the sum over keys of the squared misses.
///
/// A cache misses a key's requests of greater distances and its first one, `m` of them; the sum of `m^2` over the keys
/// is that of the second numbers at these distances.
///
/// # Panics
/// If there are not as many distances as ids, or one is greater than `distinct`.
#[must_use]
pub fn squares(ids: &[u32], distances: &[u32], distinct: usize) -> (Vec<u64>, Vec<u64>) {
    assert_eq!(ids.len(), distances.len(), "a distance for each request");
    let (mut counts, mut sums) = (vec![0; distinct + 1], vec![0; distinct + 1]);
    // By key, the greatest distance first; the distance 0 of a first request, less 1, is greater than all.
    let mut pairs: Vec<u64> =
        ids.iter().zip(distances).map(|(id, far)| u64::from(*id) << 32 | u64::from(!far.wrapping_sub(1))).collect();
    pairs.sort_unstable();
    let (mut key, mut rank) = (0, 0);
    for pair in pairs {
        #[allow(clippy::cast_possible_truncation)]
        let far = (!(pair as u32)).wrapping_add(1) as usize;
        rank = if pair >> 32 == key { rank + 1 } else { 1 };
        key = pair >> 32;
        counts[far] += 1;
        sums[far] += 2 * rank - 1;
    }
    (counts, sums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sampled(mut sample: Sample, keys: &[u64], chunk: usize) -> (f64, Vec<u32>) {
        for keys in keys.chunks(chunk) {
            sample.append(&Keys::new(Values::U64(keys), None, keys.len()).unwrap(), None).unwrap();
        }
        assert_eq!(sample.requests(), keys.len() as u64);
        let rate = sample.rate();
        (rate, sample.into_trace().unwrap().ids().to_vec())
    }

    fn keys(requests: u64, distinct: u64) -> Vec<u64> {
        (0..requests).map(|request| request.wrapping_mul(0x9E37_79B9_7F4A_7C15) % distinct).collect()
    }

    #[test]
    fn a_rate_of_one_is_the_whole_trace() {
        let keys = keys(5000, 300);
        let (rate, ids) = sampled(Sample::of_rate(1.0, 0).unwrap(), &keys, 700);
        assert!((rate - 1.0).abs() < 1e-12);
        let mut whole = Trace::default();
        whole.append(&Keys::new(Values::U64(&keys), None, keys.len()).unwrap(), None).unwrap();
        assert_eq!(ids, whole.ids());
        assert_eq!(sampled(Sample::of_size(300, 0).unwrap(), &keys, 700), (rate, ids));
    }

    #[test]
    fn a_key_is_in_the_sample_with_all_requests_or_none() {
        let keys = keys(20_000, 1000);
        let (rate, ids) = sampled(Sample::of_rate(0.1, 3).unwrap(), &keys, 999);
        assert!((rate - 0.1).abs() < 1e-9);
        let hasher = HashFunction::Xxh3_64(Xxh3_64::new(3));
        let chosen = keys.iter().filter(|key| (hasher.word(**key) as f64) < 0.1 * 2_f64.powi(64)).count();
        assert_eq!(ids.len(), chosen);
        let distinct = ids.iter().max().unwrap() + 1;
        assert!((60..150).contains(&distinct), "about a tenth of 1000 keys: {distinct}");
    }

    /// Of so many keys, those of the least hashes: what a fixed rate gives whose threshold lies below the next one.
    #[test]
    fn a_fixed_size_is_a_fixed_rate_found_out_on_the_way() {
        let keys = keys(200_000, 3000);
        for size in [1, 7, 100, 2999] {
            let (rate, ids) = sampled(Sample::of_size(size, 1).unwrap(), &keys, 10_000);
            assert_eq!(*ids.iter().max().unwrap() as usize + 1, size);
            let hasher = HashFunction::Xxh3_64(Xxh3_64::new(1));
            let mut hashes: Vec<u64> = (0..3000).map(|key| hasher.word(key)).collect();
            hashes.sort_unstable();
            // The threshold itself: a rate is rounded to 53 bits, which may let one key more in.
            let fixed = Sample::new(hashes[size] - 1, None, 1);
            assert_eq!(sampled(fixed, &keys, 10_000), (rate, ids), "{size} keys");
        }
    }

    #[test]
    fn a_rate_that_is_none_is_refused() {
        for rate in [0.0, -0.5, 1.5, f64::NAN, f64::INFINITY] {
            assert!(Sample::of_rate(rate, 0).unwrap_err().to_string().contains("sample_rate"));
        }
        assert!(Sample::of_size(0, 0).is_err());
    }

    proptest! {
        #[test]
        fn squares_sum_up_to_those_of_each_key(requests in prop::collection::vec((0_u32..5, 0_u32..9), 0..60)) {
            let (ids, distances): (Vec<_>, Vec<_>) = requests.iter().copied().unzip();
            let (counts, sums) = squares(&ids, &distances, 8);
            for capacity in 0_u32..9 {
                let missed = |far: u32| far == 0 || far > capacity;
                let expected: u64 = (0..5)
                    .map(|id| requests.iter().filter(|(key, far)| *key == id && missed(*far)).count() as u64)
                    .map(|misses| misses * misses)
                    .sum();
                let of = |sums: &[u64]| (0..9).filter(|far| missed(*far)).map(|far| sums[far as usize]).sum::<u64>();
                prop_assert_eq!(of(&sums), expected);
                prop_assert_eq!(of(&counts), requests.iter().filter(|(_, far)| missed(*far)).count() as u64);
            }
        }
    }
}
