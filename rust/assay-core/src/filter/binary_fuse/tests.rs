//! Laws of binary fuse filters, against sets, theory and pinned bits.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::error::Error;
use crate::filter::frame::tests::forged;
use crate::filter::hashes::Buckets;
use crate::filter::key_type::KeyType;
use crate::filter::table::Table;
use crate::hash::{HashKey, xxh3_64::Xxh3_64};
use crate::keys::Keys;
use crate::lanes;

/// Hashes of the integers from `first` on.
fn hashes(first: u64, count: u64) -> Vec<u64> {
    (first..first + count).map(|key| Xxh3_64::new(0).word(key)).collect()
}

fn yes(filter: &AnyBinaryFuse, hashes: &[u64]) -> usize {
    let mut held = vec![0; hashes.len().div_ceil(64)];
    filter.probe(hashes, &mut held);
    (0..hashes.len()).filter(|index| held[index >> 6] >> (index & 63) & 1 == 1).count()
}

const FORMS: [(u32, u32); 4] = [(8, 3), (8, 4), (16, 3), (16, 4)];

#[test]
fn every_key_is_held_at_every_size() {
    for (bits, arity) in FORMS {
        for count in [0, 1, 2, 3, 4, 5, 10, 63, 64, 65, 1000, 10_007, 100_000] {
            let keys = hashes(0, count);
            let filter = AnyBinaryFuse::build(keys.as_slice(), bits, arity, 1).unwrap();
            assert_eq!(yes(&filter, &keys), keys.len(), "{bits} {arity} {count}");
            assert_eq!(filter.keys(), count);
        }
    }
}

/// Waves, their windows and the middle are all in use from some ten thousand keys on.
#[test]
fn a_million_keys_are_held_in_nine_bits_each() {
    let keys = hashes(1, 1_000_000);
    for (arity, most) in [(3, 9.1), (4, 8.75)] {
        let filter = AnyBinaryFuse::build(keys.as_slice(), 8, arity, 2).unwrap();
        assert_eq!(yes(&filter, &keys), keys.len());
        let bits_per_key = filter.bits() as f64 / 1e6;
        assert!(bits_per_key < most, "{arity}: {bits_per_key}");
    }
}

proptest! {
    #[test]
    fn the_bits_depend_on_the_set_of_keys_alone(
        keys in proptest::collection::vec(any::<u64>(), 0..400), again in 0_usize..400, form in 0_usize..4,
    ) {
        let (bits, arity) = FORMS[form];
        let build = |keys: &[u64]| AnyBinaryFuse::build(keys, bits, arity, 1).unwrap();
        let distinct: HashSet<u64> = keys.iter().copied().collect();
        let expected = build(&keys);
        prop_assert_eq!(expected.keys(), distinct.len() as u64);
        prop_assert_eq!(&build(&distinct.iter().copied().collect::<Vec<_>>()), &expected);
        let doubled = [&keys[again.min(keys.len())..], &keys].concat();
        prop_assert_eq!(&build(&doubled), &expected);
        prop_assert_eq!(yes(&expected, &keys), keys.len());
    }
}

#[test]
fn threads_order_and_duplicates_do_not_change_a_bit() {
    let keys = hashes(5, 300_000);
    for (bits, arity) in FORMS {
        let expected = AnyBinaryFuse::build(keys.as_slice(), bits, arity, 1).unwrap();
        let reversed: Vec<u64> = keys.iter().rev().copied().collect();
        assert!(AnyBinaryFuse::build(reversed.as_slice(), bits, arity, 2).unwrap() == expected);
        // Few duplicates are found only when peeling stops; many are found in a sample.
        for repeated in [1, 300_000] {
            let more = [&keys, &keys[..repeated]].concat();
            assert!(AnyBinaryFuse::build(more.as_slice(), bits, arity, 3).unwrap() == expected, "{repeated}");
        }
    }
}

/// Hashes of one shard, which agree in their high or low bits, are as good as others once they are mixed.
#[test]
fn hashes_of_one_shard_are_held_at_the_same_rate() {
    let all = hashes(0, 3_000_000);
    for (shift, mask) in [(58, 63), (0, 63)] {
        let of = |shard: u64| all.iter().copied().filter(|hash| hash >> shift & mask == shard).collect::<Vec<_>>();
        let (keys, absent) = (of(3), of(3).iter().map(|hash| hash ^ 1 << 20).collect::<Vec<_>>());
        let filter = AnyBinaryFuse::build(keys.as_slice(), 8, 3, 1).unwrap();
        assert_eq!(yes(&filter, &keys), keys.len());
        let (rate, error) = (1.0 / 256.0, (1.0 / 256.0 / absent.len() as f64).sqrt());
        let found = yes(&filter, &absent) as f64 / absent.len() as f64;
        assert!((found - rate).abs() < 4.5 * error, "{shift}: {found}");
    }
}

/// Four and a half standard errors of the binomial around 2^-bits: once in 150,000 seeds.
#[test]
fn the_rate_is_two_to_the_minus_the_width() {
    for (bits, arity) in FORMS {
        let (mut found, mut asked) = (0, 0);
        for (filters, keys) in [(50, 10), (20, 500), (2, 100_000)] {
            for round in 0..filters {
                let held = hashes(round << 32, keys);
                let absent = hashes(1 << 60 | round << 32, 2_000_000 / filters);
                let filter = AnyBinaryFuse::build(held.as_slice(), bits, arity, 1).unwrap();
                found += yes(&filter, &absent);
                asked += absent.len();
                assert_eq!(filter.expected_rate(), 0.5_f64.powi(bits as i32));
            }
        }
        let rate = 0.5_f64.powi(bits as i32);
        let error = (rate / asked as f64).sqrt();
        assert!((found as f64 / asked as f64 - rate).abs() < 4.5 * error, "{bits} {arity}: {found} of {asked}");
    }
}

#[test]
fn slots_are_asked_for_alike_on_every_path() {
    let keys = hashes(9, 5000);
    let filter = BinaryFuse::<u8, 3>::build(keys.as_slice(), 1).unwrap();
    for path in lanes::Path::available() {
        let mut places = vec![[0; 3]; keys.len()];
        let at = |word| filter.shape.positions::<3>(word);
        let work = spelled::Places { hashes: &keys, seed: filter.seed, positions: at, places: &mut places };
        lanes::run_on(path, work);
        for (hash, places) in keys.iter().zip(places) {
            assert_eq!(places, filter.shape.positions::<3>(mix(*hash, filter.seed)), "{path:?}");
            assert!(filter.holds(*hash));
            // Three segments in a row.
            let segments = places.map(|slot| slot / filter.shape.segment_slots);
            assert_eq!(segments, [segments[0], segments[0] + 1, segments[0] + 2]);
        }
    }
}

#[test]
fn sizes_follow_the_formula_and_end_before_positions_overflow() {
    let of = |keys| Shape::of::<3>(keys).map(|shape| (shape.segment_slots, shape.starts));
    // 10^7 * 1.125 slots in segments of 2^13, of which the last two are no starts: 1373.3 - 2, rounded up.
    assert_eq!(of(10_000_000), Some((1 << 13, 1372)));
    assert_eq!(of(0), Some((4, 1)));
    assert!(Shape::of::<3>(1_900_000_000).is_some() && Shape::of::<4>(1_990_000_000).is_some());
    for keys in [1_920_000_000, 1 << 32, 1 << 40, u64::MAX] {
        assert!(Shape::of::<3>(keys).is_none() && Shape::of::<4>(keys | (1 << 31)).is_none(), "{keys}");
    }
    // The last slot of the largest filter that may be stored is still a u32.
    let shape = Shape::from_parts::<4>(18, (1 << 13) - 3).unwrap();
    assert!(shape.positions::<4>(u64::MAX)[3] < 1 << 31);
    assert!(Shape::from_parts::<4>(18, (1 << 13) - 2).is_none() && Shape::from_parts::<3>(18, u64::MAX).is_none());
}

/// Pairs of keys that share all slots never peel: n²/2 pairs, and S L ways to choose the first slot times L for each other.
#[test]
fn two_keys_seldom_share_all_slots() {
    for keys in (0..1000).map(|step| 500_000 + step * step * 1_500) {
        let pairs = (keys as f64).powi(2) / 2.0;
        let shape = Shape::of::<3>(keys).unwrap();
        let (slots, segment) =
            (f64::from(shape.starts) * f64::from(shape.segment_slots), f64::from(shape.segment_slots));
        assert!(pairs / (slots * segment.powi(2)) < 0.12, "{keys}: {shape:?}");
        let shape = Shape::of::<4>(keys).unwrap();
        let (slots, segment) =
            (f64::from(shape.starts) * f64::from(shape.segment_slots), f64::from(shape.segment_slots));
        assert!(pairs / (slots * segment.powi(3)) < 0.001, "{keys}: {shape:?}");
    }
}

fn column() -> BinaryFuseFilter {
    let words: Vec<u64> = (0..100).collect();
    BinaryFuseFilter::build(&[Keys::from_words(&words)], KeyType::UInt64, 8, 3, 1).unwrap()
}

/// Bits are for ever: whatever changes them must change the version.
#[test]
fn the_stored_form_is_pinned() {
    let bytes = column().to_bytes();
    assert_eq!(&bytes[..16], b"assayflt\x01\0\x05\0\x08\x03\x06\0");
    let seen: Vec<u64> = FORMS
        .iter()
        .map(|(bits, arity)| {
            let words: Vec<u64> = (0..50_000).collect();
            let filter =
                BinaryFuseFilter::build(&[Keys::from_words(&words)], KeyType::UInt64, *bits, *arity, 1).unwrap();
            Xxh3_64::new(0).bytes(&filter.to_bytes())
        })
        .collect();
    assert_eq!(seen, [16909741697220152997, 14492141377067906792, 5299927711800518423, 3130810632461638914]);
}

#[test]
fn stored_filters_are_read_back_and_contradictions_are_refused() {
    for (bits, arity) in FORMS {
        let words: Vec<u64> = (0..1000).collect();
        let filter = BinaryFuseFilter::build(&[Keys::from_words(&words)], KeyType::UInt64, bits, arity, 1).unwrap();
        assert_eq!(BinaryFuseFilter::from_bytes(&filter.to_bytes()).unwrap(), filter);
    }
    let stored = column().to_bytes();
    // width, arity, segment bits, unused byte of the parameter; size low and high; keys high
    for (at, value) in [(12, 9), (12, 16), (13, 4), (13, 5), (14, 0), (14, 63), (15, 1), (24, 9), (31, 255), (39, 1)] {
        let error = BinaryFuseFilter::from_bytes(&forged(&stored, at, value)).unwrap_err();
        assert!(matches!(error, Error::Corrupt(_)), "byte {at}: {error}");
    }
}

#[test]
fn widths_and_arities_that_are_none_are_refused() {
    let build = |bits, arity| AnyBinaryFuse::build::<[u64]>(&[], bits, arity, 1).unwrap_err().to_string();
    assert!(build(12, 3).contains("fingerprint_bits is 12; expected 8 or 16"));
    assert!(build(8, 5).contains("arity is 5; expected 3 or 4"));
}

/// 65 keys in one slot count as one there, and their sum is no key: taken off, it would be one key more than there are.
#[test]
fn a_slot_with_more_keys_than_are_counted_ends_the_attempt() {
    let shape = Shape { segment_slots: 4096, starts: 20 };
    let high = (5_u64 << 32).div_ceil(20 * 4096) + 1;
    let words: Vec<u64> = hashes(0, 65).into_iter().map(|hash| high << 32 | hash & 0xffff_ffff).collect();
    assert!(words.iter().all(|word| shape.positions::<3>(*word)[0] == 5));
    let solve = |words: Vec<u64>| {
        let bounds = vec![0, words.len()];
        peel::solve::<u8, 3>(Buckets { words, bounds, bits: 0 }, shape, 1)
    };
    assert!(solve(words[..63].to_vec()).is_some());
    assert!(solve(words).is_none());
    // The same from the other end.
    let from_end = hashes(0, 400_000).into_iter().map(|hash| u64::from(u32::MAX) << 32 | hash & 0xffff_ffff);
    let of_last_slot = from_end.filter(|word| shape.positions::<3>(*word)[2] == 22 * 4096 - 1);
    let words: Vec<u64> = of_last_slot.take(65).collect();
    assert_eq!(words.len(), 65, "one slot of 4,096 has 98 of 400,000 on average");
    assert!(solve(words).is_none());
}
