//! Laws of xor filters, against sets and theory.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::filter::frame::tests::forged;
use crate::filter::hashes::mix;
use crate::hash::{HashKey, xxh3_64::Xxh3_64};
use crate::lanes::{self, Path};

fn hashes(first: u64, count: u64) -> Vec<u64> {
    (first..first + count).map(|key| Xxh3_64::new(0).word(key)).collect()
}

fn yes(filter: &AnyXor, hashes: &[u64]) -> usize {
    let mut held = vec![0; hashes.len().div_ceil(64)];
    filter.probe(hashes, &mut held);
    (0..hashes.len()).filter(|index| held[index >> 6] >> (index & 63) & 1 == 1).count()
}

#[test]
fn every_key_is_held_at_every_size() {
    for bits in [8, 16] {
        for count in [0, 1, 2, 3, 10, 64, 1000, 10_007, 200_000] {
            let keys = hashes(0, count);
            let filter = AnyXor::build(keys.as_slice(), bits, 1).unwrap();
            assert_eq!((yes(&filter, &keys), filter.keys()), (keys.len(), count), "{bits} {count}");
        }
    }
    let bits_per_key = AnyXor::build(hashes(0, 200_000).as_slice(), 8, 1).unwrap().bits() as f64 / 2e5;
    assert!((9.84..9.85).contains(&bits_per_key), "{bits_per_key}");
}

proptest! {
    #[test]
    fn the_bits_depend_on_the_set_of_keys_alone(keys in proptest::collection::vec(any::<u64>(), 0..300), again in 0_usize..300) {
        let build = |keys: &[u64]| AnyXor::build(keys, 8, 1).unwrap();
        let expected = build(&keys);
        let distinct: HashSet<u64> = keys.iter().copied().collect();
        prop_assert_eq!(&build(&distinct.into_iter().collect::<Vec<_>>()), &expected);
        prop_assert_eq!(&build(&[&keys[again.min(keys.len())..], &keys].concat()), &expected);
        prop_assert_eq!(yes(&expected, &keys), keys.len());
    }
}

#[test]
fn threads_order_and_duplicates_do_not_change_a_bit() {
    let keys = hashes(5, 200_000);
    let expected = AnyXor::build(keys.as_slice(), 8, 1).unwrap();
    let reversed: Vec<u64> = keys.iter().rev().copied().collect();
    assert!(AnyXor::build(reversed.as_slice(), 8, 2).unwrap() == expected);
    for repeated in [1, 200_000] {
        let more = [&keys, &keys[..repeated]].concat();
        assert!(AnyXor::build(more.as_slice(), 8, 3).unwrap() == expected, "{repeated}");
    }
}

/// Four and a half standard errors of the binomial around 2^-bits: once in 150,000 seeds.
#[test]
fn the_rate_is_two_to_the_minus_the_width() {
    for bits in [8, 16] {
        let filter = AnyXor::build(hashes(0, 20_000).as_slice(), bits, 1).unwrap();
        let found = yes(&filter, &hashes(1 << 40, 4_000_000)) as f64 / 4e6;
        let rate = 0.5_f64.powi(bits as i32);
        assert!((found - rate).abs() < 4.5 * (rate / 4e6).sqrt(), "{bits}: {found}");
        assert_eq!(filter.expected_rate(), rate);
    }
}

#[test]
fn slots_are_one_of_each_third_on_every_path() {
    let (hashes, third) = (hashes(3, 1000), 777);
    for path in Path::available() {
        let mut places = vec![[0; 3]; hashes.len()];
        let at = |word| positions(word, third);
        lanes::run_on(path, spelled::Places { hashes: &hashes, seed: 5, positions: at, places: &mut places });
        for (hash, places) in hashes.iter().zip(places) {
            assert_eq!(places, positions(mix(*hash, 5), third), "{path:?}");
            assert_eq!(places.map(|place| place / third), [0, 1, 2]);
        }
    }
    assert_eq!(third_for(1_000), Some(420));
    assert!(third_for(1_700_000_000).is_some() && third_for(1_800_000_000).is_none() && third_for(u64::MAX).is_none());
}

#[test]
fn stored_filters_are_read_back_and_contradictions_are_refused() {
    let words: Vec<u64> = (0..100).collect();
    for bits in [8, 16] {
        let filter = XorFilter::build(&[Keys::from_words(&words)], KeyType::UInt64, bits, 1).unwrap();
        let stored = filter.to_bytes();
        assert_eq!(XorFilter::from_bytes(&stored).unwrap(), filter);
        // width, slots of a third (low and high), keys (low and high)
        for (at, value) in [(12, 9), (12, 24 - bits as u8), (13, 1), (24, 1), (31, 255), (32, 1), (39, 255)] {
            assert!(XorFilter::from_bytes(&forged(&stored, at, value)).is_err(), "byte {at}");
        }
    }
    assert!(AnyXor::build::<[u64]>(&[], 12, 1).unwrap_err().to_string().contains("fingerprint_bits is 12"));
}
