//! Laws of ribbon filters, against sets, dense elimination, the stored derivation and theory.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::filter::frame::tests::forged;
use crate::hash::{HashKey, xxh3_64::Xxh3_64};
use crate::lanes::Path;

fn hashes(first: u64, count: u64) -> Vec<u64> {
    (first..first + count).map(|key| Xxh3_64::new(0).word(key)).collect()
}

fn yes(filter: &Ribbon, hashes: &[u64]) -> usize {
    let mut held = vec![0; hashes.len().div_ceil(64)];
    filter.probe(hashes, &mut held);
    (0..hashes.len()).filter(|index| held[index >> 6] >> (index & 63) & 1 == 1).count()
}

fn build(keys: &[u64], bits: u32) -> Ribbon {
    Ribbon::build(keys, bits, 1).unwrap()
}

#[test]
fn every_key_is_held_at_every_size_and_width() {
    for bits in [1, 2, 3, 4, 5, 7, 8, 9, 13, 16, 17, 31, 32] {
        for count in [0, 1, 2, 3, 10, 51, 52, 63, 64, 65, 500, 1024, 1025, 3000, 10_007, 70_000] {
            let keys = hashes(0, count);
            let filter = build(&keys, bits);
            assert_eq!((yes(&filter, &keys), filter.keys()), (keys.len(), count), "{bits} {count}");
        }
    }
}

#[test]
fn a_million_keys_are_held_in_hardly_more_than_their_bits() {
    let keys = hashes(1, 1_000_000);
    for (bits, most) in [(1, 1.05), (7, 7.09), (8, 8.09), (16, 16.15), (32, 32.27)] {
        let filter = Ribbon::build(keys.as_slice(), bits, 2).unwrap();
        assert_eq!(yes(&filter, &keys), keys.len());
        let bits_per_key = filter.bits() as f64 / 1e6;
        assert!(bits_per_key < most, "{bits}: {bits_per_key}");
    }
}

/// A system of equations over the slots of a shard, solved densely: a bit a slot, then the fingerprint.
struct Dense {
    slots: usize,
    /// By leading slot.
    rows: Vec<Option<(Vec<bool>, u32)>>,
}

impl Dense {
    fn new(slots: usize) -> Self {
        Self { slots, rows: vec![None; slots] }
    }

    /// Whether the equation does not contradict those before it; it is added if so.
    fn add(&mut self, start: usize, row: u64, mut value: u32) -> bool {
        let mut bits = vec![false; self.slots];
        (0..64).for_each(|bit| bits[start + bit] = row >> bit & 1 == 1);
        for slot in 0..self.slots {
            if !bits[slot] {
                continue;
            }
            let Some((other, sum)) = &self.rows[slot] else {
                self.rows[slot] = Some((bits, value));
                return true;
            };
            bits.iter_mut().zip(other).for_each(|(bit, other)| *bit ^= other);
            value ^= sum;
        }
        value == 0
    }

    /// The value of each slot, that of a free one being 0.
    fn solved(&self) -> Vec<u32> {
        let mut found = vec![0; self.slots];
        for slot in (0..self.slots).rev() {
            if let Some((bits, value)) = &self.rows[slot] {
                let others = (slot + 1..self.slots).filter(|other| bits[*other]);
                found[slot] = others.fold(*value, |sum, other| sum ^ found[other]);
            }
        }
        found
    }
}

/// The values of a layer's slots, shard after shard.
fn slots_of(filter: &Ribbon, layer: &Layer) -> Vec<u32> {
    let bits = filter.bits as usize;
    let bit = |slot: usize, column: usize| filter.words[slot / 64 * bits + column] >> (slot % 64) & 1;
    let value = |slot| (0..bits).fold(0, |value, column| value | (bit(slot, column) as u32) << column);
    (layer.first_slot..layer.first_slot + layer.shape.all_slots()).map(|slot| value(slot as usize)).collect()
}

fn thresholds_of<'a>(filter: &'a Ribbon, layer: &Layer) -> &'a [u8] {
    &filter.thresholds[layer.first_threshold as usize..][..layer.shape.all_buckets() as usize]
}

/// What the head of the file says of a word, in plain arithmetic: shard, start, row, fingerprint.
fn derived(word: u64, shape: Shape, bits: u32) -> (u64, u64, u64, u32) {
    let p = u128::from(word >> 32) * u128::from(shape.shards);
    let start = ((p % (1 << 32)) * (u128::from(shape.slots) - 63)) >> 32;
    let y = (word ^ word >> 32).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let f = (y ^ y >> 32).wrapping_mul(0xd6e8_feb8_6659_fd93) >> 32;
    ((p >> 32) as u64, start as u64, y | 1, (f % (1 << bits)) as u32)
}

/// Bits, thresholds, who moves on and the seed, for one shard and the last layer.
#[test]
fn the_bits_are_those_of_dense_elimination_with_the_least_thresholds() {
    for (count, bits) in [(1, 3), (2, 8), (40, 1), (300, 5), (1100, 7), (1500, 1), (2100, 32)] {
        let filter = build(&hashes(7 * count, count), bits);
        let mut words: Vec<u64> = hashes(7 * count, count).iter().map(|hash| mix(*hash, seed_of(0))).collect();
        assert_eq!(filter.layers.len(), if count > 1024 { 2 } else { 1 });
        for layer in &filter.layers[..filter.layers.len() - 1] {
            words.sort_unstable();
            let (mut moved, mut thresholds) = (HashSet::new(), Vec::new());
            let mut dense = Dense::new(layer.shape.slots as usize);
            for first in (0..u64::from(layer.shape.slots - 63)).step_by(256) {
                let start_of = |word: &u64| derived(*word, layer.shape, bits).1;
                let mut add = |word: &u64| {
                    let (shard, start, row, value) = derived(*word, layer.shape, bits);
                    shard == 0 && dense.add(start as usize, row, value)
                };
                let inside: Vec<u64> = words.iter().copied().filter(|word| start_of(word) & !255 == first).collect();
                let failed = inside.iter().rev().find(|word| !add(word));
                let threshold = failed.map_or(0, |word| start_of(word) - first + 1);
                let threshold = if threshold > 254 { 256 } else { threshold };
                thresholds.push(threshold.min(255) as u8);
                moved.extend(inside.iter().filter(|word| start_of(word) - first < threshold));
                // Anew, without those that moved on.
                dense = Dense::new(layer.shape.slots as usize);
                for word in words.iter().filter(|word| start_of(word) < first + 256 && !moved.contains(*word)) {
                    let (shard, start, row, value) = derived(*word, layer.shape, bits);
                    assert!(shard == 0 && dense.add(start as usize, row, value));
                }
            }
            assert_eq!(thresholds_of(&filter, layer), thresholds, "{count} {bits}");
            assert_eq!(slots_of(&filter, layer), dense.solved(), "{count} {bits}");
            words = moved.iter().map(|word| mix(*word, seed_of(1))).collect();
        }
        let last = filter.layers.last().unwrap();
        let solved = (8..8 + ATTEMPTS_HIGH).map(seed_of).find_map(|seed| {
            let mut dense = Dense::new(last.shape.slots as usize);
            let fits = words.iter().all(|word| {
                let (_, start, row, value) = derived(mix(*word, seed), last.shape, bits);
                dense.add(start as usize, row, value)
            });
            fits.then(|| (seed, dense.solved()))
        });
        assert_eq!(solved, Some((filter.seed, slots_of(&filter, last))), "{count} {bits}");
    }
}

/// By the stored derivation, slot by slot, on every path.
#[test]
fn an_answer_is_that_the_window_spells_the_fingerprint() {
    for bits in 1..=BITS_HIGH {
        for count in [40, 5000, 60_000] {
            let filter = build(&hashes(0, count), bits);
            let values: Vec<Vec<u32>> = filter.layers.iter().map(|layer| slots_of(&filter, layer)).collect();
            let asked = hashes(count - 20, 1500);
            let answer = |hash: &u64| {
                let mut word = mix(*hash, seed_of(0));
                for (index, (layer, values)) in filter.layers.iter().zip(&values).enumerate() {
                    let last = index + 1 == filter.layers.len();
                    if last {
                        word = mix(word, filter.seed);
                    }
                    let (shard, start, row, fingerprint) = derived(word, layer.shape, bits);
                    let threshold = if last {
                        0
                    } else {
                        thresholds_of(&filter, layer)[(shard * u64::from(layer.shape.buckets) + start / 256) as usize]
                    };
                    if threshold == 255 || start % 256 < u64::from(threshold) {
                        word = mix(word, seed_of(index as u32 + 1));
                        continue;
                    }
                    let first = (shard * u64::from(layer.shape.slots) + start) as usize;
                    let chosen = (0..64).filter(|bit| row >> bit & 1 == 1);
                    return chosen.fold(0, |sum, bit| sum ^ values[first + bit]) == fingerprint;
                }
                unreachable!("the last layer has every key")
            };
            let expected: Vec<bool> = asked.iter().map(answer).collect();
            assert!(expected[..20].iter().all(|held| *held));
            for path in Path::available() {
                let mut held = vec![0; asked.len().div_ceil(64)];
                with_lanes!(bits, L => {
                    lanes::run_on(path, Probe::<L> { ribbon: &filter, hashes: &asked, held: &mut held })
                });
                let found: Vec<bool> =
                    (0..asked.len()).map(|index| held[index >> 6] >> (index & 63) & 1 == 1).collect();
                assert_eq!(found, expected, "{bits} {path:?}");
            }
        }
    }
}

proptest! {
    #[test]
    fn the_bits_depend_on_the_set_of_keys_alone(
        keys in proptest::collection::vec(any::<u64>(), 0..300), again in 0_usize..300, bits in 1_u32..=32,
    ) {
        let expected = build(&keys, bits);
        let distinct: HashSet<u64> = keys.iter().copied().collect();
        prop_assert_eq!(expected.keys(), distinct.len() as u64);
        prop_assert_eq!(&build(&distinct.into_iter().collect::<Vec<_>>(), bits), &expected);
        prop_assert_eq!(&build(&[&keys[again.min(keys.len())..], &keys].concat(), bits), &expected);
        prop_assert_eq!(yes(&expected, &keys), keys.len());
    }
}

#[test]
fn threads_order_and_duplicates_do_not_change_a_bit() {
    let keys = hashes(5, 300_000);
    let expected = build(&keys, 7);
    let reversed: Vec<u64> = keys.iter().rev().copied().collect();
    for threads in [2, 3, 8] {
        assert!(Ribbon::build(reversed.as_slice(), 7, threads).unwrap() == expected, "{threads}");
    }
    let doubled = [keys.as_slice(), &keys].concat();
    assert!(Ribbon::build(doubled.as_slice(), 7, 3).unwrap() == expected);
}

/// Four and a half standard errors of the binomial: once in 150,000 seeds.
#[test]
fn the_rate_is_two_to_the_minus_the_width() {
    for bits in [1, 2, 4, 7, 8, 10, 16] {
        for keys in [10, 1000, 200_000] {
            let filter = build(&hashes(0, keys), bits);
            let asked = 2_000_000;
            let found = yes(&filter, &hashes(1 << 40, asked)) as f64 / asked as f64;
            let expected = filter.expected_rate();
            assert_eq!(expected, 0.5_f64.powi(bits as i32));
            let error = 4.5 * (expected * (1.0 - expected) / asked as f64).sqrt();
            assert!((found - expected).abs() < error, "{bits} {keys}: {found}, expected {expected}");
        }
    }
}

#[test]
fn sizes_follow_the_formulas_and_end_before_slots_overflow() {
    // 10,000 / 1.04 = 9615, and the nearest multiple of 64; starts to 9,536 lie in 38 buckets.
    assert_eq!(Shape::of(10_000), Shape { shards: 1, slots: 9600, buckets: 38 });
    // 961,538 slots in 58 shards of 16,578.
    assert_eq!(Shape::of(1_000_000), Shape { shards: 58, slots: 16_576, buckets: 65 });
    assert_eq!(Shape::last(0).slots, 64);
    assert_eq!(Shape::last(1000).slots, 1152); // 1000 + 83 + 8
    for keys in [1025, 2000, 100_000, 1 << 30, KEYS_HIGH] {
        let shape = Shape::of(keys);
        assert!(shape.all_slots() <= 1 << 31 && shape.place(u64::MAX).0 + 1 == shape.shards);
        let (_, start) = shape.place(u64::MAX);
        assert!(start + 64 <= shape.slots && start / 256 < shape.buckets, "{keys}");
        assert_eq!(shape.place(0), (0, 0));
    }
}

/// Nine layers of as many keys as there may be have more slots than 32 bits number.
#[test]
fn a_stored_filter_of_too_many_slots_is_refused_before_they_are_counted() {
    let most: Vec<u8> = (0..8).flat_map(|_| KEYS_HIGH.to_le_bytes()).collect();
    for (keys, payload) in
        [(KEYS_HIGH, &most[..]), (KEYS_HIGH, &most[..8]), (KEYS_HIGH + 1, &most[..]), (u64::MAX, &[])]
    {
        let header = Header { kind: Kind::Ribbon, parameter: 8, key_type: KeyType::UInt64, size: 0, keys, seed: 0 };
        assert_eq!(Ribbon::read(&header, payload), None);
    }
}

/// Bits are for ever: whatever changes them must change the version.
#[test]
fn the_stored_form_is_pinned() {
    let words: Vec<u64> = (0..50_000).collect();
    let stored = |bits| RibbonFilter::build(&[Keys::from_words(&words)], KeyType::UInt64, bits, 2).unwrap().to_bytes();
    assert_eq!(&stored(7)[..16], b"assayflt\x01\0\x08\0\x07\0\0\0");
    let seen = [1, 7, 32].map(|bits| Xxh3_64::new(0).bytes(&stored(bits)));
    assert_eq!(seen, [0xe666_562c_3234_fbe2, 0xeb40_3760_753e_ea26, 0x5f72_cdaa_63e1_8bb5]);
}

#[test]
fn stored_filters_are_read_back_and_contradictions_are_refused() {
    for count in [100, 5000] {
        let words: Vec<u64> = (0..count).collect();
        for bits in [1, 7, 16, 32] {
            let filter = RibbonFilter::build(&[Keys::from_words(&words)], KeyType::UInt64, bits, 1).unwrap();
            let stored = filter.to_bytes();
            assert_eq!(RibbonFilter::from_bytes(&stored).unwrap(), filter);
            // columns, slots (low and high), keys (high, and beyond all memory)
            for (at, value) in [(12, 0), (12, 33), (12, 9), (13, 1), (24, 1), (31, 255), (34, 1), (36, 1), (39, 255)] {
                assert!(RibbonFilter::from_bytes(&forged(&stored, at, value)).is_err(), "byte {at}");
            }
            if count > LAST_KEYS {
                // More keys that move on than there were; so many that the last layer would have no room.
                for (at, value) in [(66, 1), (71, 255), (65, 8)] {
                    assert!(RibbonFilter::from_bytes(&forged(&stored, at, value)).is_err(), "byte {at}");
                }
                // Thresholds that send keys where none are: other answers, no harm.
                let end = stored.len() - 8;
                let _ =
                    RibbonFilter::from_bytes(&forged(&stored, end - 1, 255)).map(|read| yes(&read.table, &[1, 2, 3]));
            }
        }
    }
    assert!(Ribbon::build::<[u64]>(&[], 33, 1).unwrap_err().to_string().contains("fingerprint_bits is 33; expected 1"));
}

/// Whatever thresholds say, every window lies within its layer.
#[test]
fn any_thresholds_are_harmless() {
    for bits in [1, 7, 32] {
        let mut filter = build(&hashes(0, 30_000), bits);
        for threshold in [0, 1, 254, 255] {
            filter.thresholds.fill(threshold);
            yes(&filter, &hashes(0, 10_000));
        }
    }
}
