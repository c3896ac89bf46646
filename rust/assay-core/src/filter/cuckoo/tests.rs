//! Laws of cuckoo filters, against sets and theory.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::filter::frame::tests::forged;
use crate::hash::{HashKey, xxh3_64::Xxh3_64};

fn hashes(first: u64, count: u64) -> Vec<u64> {
    (first..first + count).map(|key| Xxh3_64::new(0).word(key)).collect()
}

fn yes(filter: &Cuckoo, hashes: &[u64]) -> usize {
    let mut held = vec![0; hashes.len().div_ceil(64)];
    filter.probe(hashes, &mut held);
    (0..hashes.len()).filter(|index| held[index >> 6] >> (index & 63) & 1 == 1).count()
}

fn of(keys: &[u64], rate: f64) -> Cuckoo {
    Cuckoo::build(keys, rate, None, 1).unwrap()
}

#[test]
fn every_key_is_held_at_every_size_and_width() {
    for rate in [0.4, 0.01, 0.003, 5e-4, 1.3e-4] {
        for count in [0, 1, 2, 3, 4, 5, 9, 64, 100, 1000, 100_000] {
            let keys = hashes(0, count);
            let filter = of(&keys, rate);
            assert_eq!((yes(&filter, &keys), filter.keys()), (keys.len(), count), "{rate} {count}");
            assert!(filter.expected_rate() <= rate);
        }
    }
    let filter = of(&hashes(0, 100_000), 0.01);
    let bits_per_key = filter.bits() as f64 / 1e5;
    assert!((10.6..10.8).contains(&bits_per_key), "{bits_per_key}");
}

proptest! {
    /// Against a set: what is in it is held, whatever was inserted and removed before. Keys differ in their hashes.
    #[test]
    fn keys_that_were_inserted_and_not_removed_are_held(steps in proptest::collection::vec((any::<bool>(), 0_u64..60), 1..300)) {
        let mut filter = Cuckoo::build::<[u64]>(&[], 1.3e-4, Some(100), 1).unwrap();
        let mut held = HashSet::new();
        for (insert, key) in steps {
            let hash = hashes(key, 1);
            if insert && held.insert(hash[0]) {
                filter.insert(hash.as_slice(), 1).unwrap();
            } else if !insert && held.remove(&hash[0]) {
                filter.remove(hash.as_slice(), 1).unwrap();
            }
            let all: Vec<u64> = held.iter().copied().collect();
            prop_assert_eq!(yes(&filter, &all), all.len());
            prop_assert_eq!(filter.keys(), all.len() as u64);
        }
        let rest: Vec<u64> = held.into_iter().collect();
        filter.remove(rest.as_slice(), 1).unwrap();
        prop_assert!(filter.bytes.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn the_bits_depend_on_the_set_of_keys_alone(keys in proptest::collection::vec(0_u64..300, 0..400)) {
        let hashed: Vec<u64> = keys.iter().flat_map(|key| hashes(*key, 1)).collect();
        let reversed: Vec<u64> = hashed.iter().rev().copied().collect();
        let distinct: Vec<u64> = hashed.iter().copied().collect::<HashSet<_>>().into_iter().collect();
        prop_assert_eq!(&of(&hashed, 0.01), &of(&reversed, 0.01));
        prop_assert_eq!(&of(&hashed, 0.01), &of(&distinct, 0.01));
    }

    #[test]
    fn a_bucket_is_its_four_slots(values in proptest::collection::vec(0_u64..256, 4), width in 0_usize..5, asked in 0_u64..256) {
        let mut filter = Cuckoo::empty(WIDTHS[width], 3).unwrap();
        values.iter().zip(0..).for_each(|(value, slot)| filter.set(1, slot, *value));
        prop_assert!(filter.bytes[..filter.at(1)].iter().chain(&filter.bytes[filter.at(2)..]).all(|byte| *byte == 0));
        let found = filter.matches(filter.load(1), asked);
        prop_assert_eq!(found != 0, values.contains(&asked));
        if let Some(first) = values.iter().position(|value| *value == asked) {
            prop_assert_eq!(found.trailing_zeros() / filter.width, first as u32);
        }
    }

    #[test]
    fn the_other_bucket_of_the_other_bucket_is_the_first(buckets in 1_u64..1000, bucket: u32, fingerprint in 1_u64..65536) {
        let filter = Cuckoo::empty(16, buckets).unwrap();
        let bucket = bucket % filter.buckets;
        let other = filter.other(bucket, fingerprint);
        prop_assert!(other < filter.buckets);
        prop_assert_eq!(filter.other(other, fingerprint), bucket);
    }
}

#[test]
fn a_key_is_held_eight_times_at_most_and_a_full_filter_is_unchanged() {
    let mut filter = Cuckoo::build::<[u64]>(&[], 0.01, Some(1000), 1).unwrap();
    let (key, others) = (hashes(7, 1), hashes(1000, 5000));
    for _ in 0..8 {
        filter.insert(key.as_slice(), 1).unwrap();
    }
    for more in [&key, &others] {
        let before = filter.clone();
        let error = filter.insert(more.as_slice(), 1).unwrap_err().to_string();
        assert!(error.contains("is full") && error.contains("nothing was added"), "{error}");
        assert_eq!(filter, before);
    }
    for left in (0..8).rev() {
        filter.remove(key.as_slice(), 1).unwrap();
        assert_eq!(yes(&filter, &key), usize::from(left > 0));
    }
    filter.insert(others[..9].to_vec().as_slice(), 1).unwrap();
    let before = filter.clone();
    let error = filter.remove(others[..20].to_vec().as_slice(), 1).unwrap_err().to_string();
    assert!(error.contains("11 of 20 keys are not held, and nothing was removed"), "{error}");
    assert_eq!(filter, before);
    // One walk that finds no room leaves no trace either.
    let mut small = of(&hashes(0, 30), 0.01);
    let mut next = 100;
    let before = loop {
        let before = small.clone();
        if !small.add(mix(hashes(next, 1)[0], seed_of(0))) {
            break before;
        }
        next += 1;
    };
    assert_eq!(small.bytes, before.bytes);
}

/// Four and a half standard errors of the binomial around the formula; the formula's own error is below 1 %.
#[test]
fn the_rate_is_that_of_eight_slots() {
    for (rate, asked) in [(0.03, 400_000), (0.01, 1_000_000), (0.002, 4_000_000)] {
        let filter = of(&hashes(0, 50_000), rate);
        let (found, expected) = (yes(&filter, &hashes(1 << 40, asked)) as f64 / asked as f64, filter.expected_rate());
        let error = 4.5 * (expected / asked as f64).sqrt() + 0.01 * expected;
        assert!((found - expected).abs() < error, "{found} {expected}");
    }
}

#[test]
fn rates_and_sizes_out_of_reach_are_refused() {
    let build = |rate, capacity| Cuckoo::build(hashes(0, 10).as_slice(), rate, capacity, 1).unwrap_err().to_string();
    for rate in [0.0, -1.0, 1e-4, 0.6, f64::NAN] {
        assert!(build(rate, None).contains("fingerprint_bits=16"), "{rate}");
    }
    assert!(build(0.01, Some(0)).contains("capacity is 0"));
    assert!(build(0.01, Some(9)).contains("capacity is 9; expected at least 10"));
    assert!(build(0.01, Some(1 << 40)).contains("split the keys"));
}

#[test]
fn stored_filters_are_read_back_and_contradictions_are_refused() {
    for rate in [0.4, 0.01, 1.3e-4] {
        let filter = CuckooFilter { table: of(&hashes(0, 100), rate), key_type: KeyType::UInt64 };
        assert_eq!(CuckooFilter::from_bytes(&filter.to_bytes()).unwrap(), filter);
    }
    let words: Vec<u64> = (0..100).collect();
    let stored = CuckooFilter::build(&[Keys::from_words(&words)], KeyType::UInt64, 0.01, None, 1).unwrap().to_bytes();
    assert_eq!(&stored[..16], b"assayflt\x01\0\x06\0\x0a\0\0\0");
    // width, buckets (low and high), keys, seed; a slot emptied
    for (at, value) in [(12, 0), (12, 11), (13, 1), (24, 3), (31, 255), (32, 9), (40, 1)] {
        assert!(CuckooFilter::from_bytes(&forged(&stored, at, value)).is_err(), "byte {at}");
    }
}
