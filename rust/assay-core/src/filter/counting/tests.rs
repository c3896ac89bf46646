//! Laws of counting filters, against an oracle that keeps every counter as an integer.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::filter::frame::tests::forged;
use crate::filter::{Layout, Options};
use crate::keys::{Indices, Values};

fn of(keys: &[u64], capacity: u64) -> CountingBloomFilter {
    CountingBloomFilter::build(&[Keys::from_words(keys)], KeyType::UInt64, 0.01, Some(capacity), 1).unwrap()
}

fn standard(keys: &[u64], capacity: u64) -> BloomFilter {
    let options = Options { layout: Layout::Standard, capacity: Some(capacity), ..Options::default() };
    BloomFilter::build(&[Keys::from_words(keys)], KeyType::UInt64, options, 1).unwrap()
}

proptest! {
    #[test]
    fn what_is_inserted_and_removed_leaves_the_filter_of_what_is_left(
        kept in proptest::collection::vec(0_u64..200, 0..60),
        gone in proptest::collection::vec(any::<u64>(), 0..60),
    ) {
        // Few keys in much room, so that no counter overflows.
        prop_assume!(kept.iter().fold(HashMap::new(), |mut seen, key| { *seen.entry(key).or_insert(0) += 1; seen }).values().all(|times| *times < 10));
        let mut filter = of(&[kept.clone(), gone.clone()].concat(), 2000);
        prop_assert_eq!(filter.saturated_count(), 0);
        filter.remove(&[Keys::from_words(&gone)]).unwrap();
        prop_assert_eq!(&filter, &of(&kept, 2000));
        prop_assert_eq!(filter.to_bloom(), standard(&kept, 2000));
        prop_assert_eq!(of(&kept, 2000).union(&of(&gone, 2000)).unwrap(), of(&[kept, gone].concat(), 2000));
        prop_assert_eq!(CountingBloomFilter::from_bytes(&filter.to_bytes()).unwrap(), filter);
    }

    /// A filter so small that counters overflow: whatever is inserted and removed, a key that is held is never denied.
    #[test]
    fn an_overfull_filter_never_denies_a_key_it_holds(
        keys in proptest::collection::vec(0_u64..40, 1..200), removals in proptest::collection::vec(any::<usize>(), 0..100),
    ) {
        let mut filter = of(&keys, 3);
        let mut held = keys.clone();
        for choice in removals {
            if held.is_empty() {
                break;
            }
            let key = held.swap_remove(choice % held.len());
            filter.remove(&[Keys::from_words(&[key])]).unwrap();
            let answers = filter.contains(&[Keys::from_words(&held)], 1);
            prop_assert!((0..held.len()).all(|row| answers[row / 64] >> (row % 64) & 1 == 1));
        }
    }

    #[test]
    fn a_refused_removal_changes_nothing(keys in proptest::collection::vec(any::<u64>(), 1..100), at: usize) {
        let mut filter = of(&keys, 5000);
        let before = filter.clone();
        let mut wrong = keys.clone();
        wrong.insert(at % keys.len(), keys[0].wrapping_add(0x1234_5678));
        prop_assume!(filter.contains(&[Keys::from_words(&wrong[at % keys.len()..=at % keys.len()])], 1) == [0]);
        let error = filter.remove(&[Keys::from_words(&wrong)]).unwrap_err().to_string();
        prop_assert!(error.contains("is not in the filter") && error.contains(&wrong[at % keys.len()].to_string()), "{}", error);
        prop_assert_eq!(filter, before);
    }
}

#[test]
fn counters_are_raised_to_fifteen_and_stay_there() {
    let mut filter = of(&[7; 14], 1000);
    assert_eq!(filter.saturated_count(), 0);
    filter.insert(&[Keys::from_words(&[7; 5])], 1);
    assert!(filter.saturated_count() > 0);
    filter.remove(&[Keys::from_words(&[7; 19])]).unwrap();
    assert_eq!(
        filter.contains(&[Keys::from_words(&[7])], 1),
        [1],
        "nobody knows how many keys a full counter stands for"
    );
    assert_eq!(filter.key_count(), 0);
    let mut once = of(&[7, 7], 1000);
    once.remove(&[Keys::from_words(&[7])]).unwrap();
    assert_eq!(once.contains(&[Keys::from_words(&[7])], 1), [1], "it was inserted twice");
    assert!(once.remove(&[Keys::from_words(&[7, 7])]).unwrap_err().to_string().contains("7 is not in the filter"));
    once.remove(&[Keys::from_words(&[7])]).unwrap();
    assert_eq!(once.contains(&[Keys::from_words(&[7])], 1), [0]);
}

#[test]
fn a_dictionary_counts_rows_as_a_plain_column_does_and_threads_change_nothing() {
    let values = [5_u64, 6, 7];
    let indices = [0_u8, 0, 1, 2, 2, 2];
    let dictionary = Values::Dictionary { indices: Indices::U8(&indices), values: Box::new(Keys::from_words(&values)) };
    let dictionary = Keys::new(dictionary, None, 6).unwrap();
    let coded = CountingBloomFilter::build(&[dictionary], KeyType::UInt64, 0.01, Some(100), 1).unwrap();
    assert_eq!(coded, of(&[5, 5, 6, 7, 7, 7], 100));
    let many: Vec<u64> = (0..300_000).map(|row| row % 70_000).collect();
    let build = |threads| {
        CountingBloomFilter::build(&[Keys::from_words(&many)], KeyType::UInt64, 0.05, Some(50_000), threads).unwrap()
    };
    assert_eq!(build(1), build(3));
}

#[test]
fn shapes_and_stored_forms_that_do_not_fit_are_refused() {
    assert!(of(&[1], 10).union(&of(&[1], 20)).unwrap_err().to_string().contains("cannot be joined"));
    let stored = of(&[1, 2], 100).to_bytes();
    // kind, probes, size (low, high), seed
    for (at, value) in [(10, 1), (12, 0), (13, 9), (24, 1), (30, 200), (40, 1)] {
        let error = CountingBloomFilter::from_bytes(&forged(&stored, at, value)).unwrap_err();
        assert!(matches!(error, Error::Corrupt(_)), "byte {at}: {error}");
    }
    let none = CountingBloomFilter::build(&[], KeyType::UInt64, 0.01, Some(0), 1).unwrap_err();
    assert!(none.to_string().contains("capacity is 0"));
    let huge = CountingBloomFilter::build(&[], KeyType::UInt64, 0.01, Some(1 << 40), 1).unwrap_err();
    assert!(huge.to_string().contains("2 GiB"));
}
