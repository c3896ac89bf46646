use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

proptest! {
    #[test]
    fn numbers_follow_first_appearance(keys in proptest::collection::vec(proptest::option::of("[ab]{0,9}"), 0..200)) {
        let mut table = KeyTable::new();
        let mut oracle: HashMap<Option<String>, u32> = HashMap::new();
        for key in &keys {
            let next = u32::try_from(oracle.len()).unwrap();
            let expected = *oracle.entry(key.clone()).or_insert(next);
            let form = key.as_ref().map_or(Canonical::Null, |text| Canonical::Bytes(text.as_bytes()));
            prop_assert_eq!(table.find(form), if expected == next { ABSENT } else { expected });
            prop_assert_eq!(table.insert(form), expected);
            prop_assert_eq!(table.find(form), expected);
        }
        prop_assert_eq!(table.len(), oracle.len());
    }
}

#[test]
fn eight_bytes_of_text_are_the_word_they_spell() {
    let mut table = KeyTable::new();
    let number = table.insert(Canonical::Bytes(b"abcdefgh"));
    assert_eq!(table.insert(Canonical::Word(u64::from_le_bytes(*b"abcdefgh"))), number);
}

#[test]
fn the_empty_text_is_not_null() {
    let mut table = KeyTable::new();
    assert_eq!(table.insert(Canonical::Null), 0);
    assert_eq!(table.insert(Canonical::Bytes(b"")), 1);
    assert_eq!(table.null(), Some(0));
}

proptest! {
    #[test]
    fn a_column_is_numbered_as_its_keys_one_by_one(
        first in proptest::collection::vec(proptest::option::of(0_i64..500), 0..400),
        second in proptest::collection::vec(proptest::option::of(any::<i64>()), 0..400),
    ) {
        let (mut whole, mut single) = (KeyTable::new(), KeyTable::new());
        for batch in [&first, &second, &first] {
            let values: Vec<i64> = batch.iter().map(|key| key.unwrap_or(3)).collect();
            let mut bits = vec![0_u8; batch.len().div_ceil(8)];
            batch.iter().enumerate().for_each(|(row, key)| bits[row / 8] |= u8::from(key.is_some()) << (row % 8));
            let validity = crate::keys::Bitmap::new(&bits, 0, batch.len());
            let keys = Keys::new(Values::I64(&values), Some(validity), batch.len()).unwrap();
            let (mut numbers, mut fresh) = (vec![7; batch.len()], Vec::new());
            whole.insert_keys(&keys, 100, &mut numbers, &mut fresh);
            let mut expected_fresh = Vec::new();
            for (row, key) in batch.iter().enumerate() {
                let before = single.len();
                let form = key.map_or(Canonical::Null, |key| Canonical::Word(key.cast_unsigned()));
                prop_assert_eq!(numbers[row], single.insert(form));
                if single.len() > before {
                    expected_fresh.push(100 + u32::try_from(row).unwrap());
                }
            }
            prop_assert_eq!(fresh, expected_fresh);
            let mut found = vec![7; batch.len()];
            whole.find_keys(&keys, 0..batch.len(), &mut found);
            prop_assert_eq!(found, numbers);
        }
        prop_assert_eq!((whole.len(), whole.null()), (single.len(), single.null()));
    }
}

proptest! {
    /// Ids, ids with gaps, ids that begin anywhere, and strangers among them: with the window or without.
    #[test]
    fn words_close_together_are_numbered_like_any(
        base in prop_oneof![Just(0_i64), Just(i64::MIN), Just(i64::MAX - 3000), any::<i64>()],
        steps in proptest::collection::vec((0_i64..12, any::<bool>(), 0_u8..40), 0..3000),
    ) {
        let (mut table, mut oracle) = (KeyTable::new(), HashMap::new());
        let (mut next, mut words) = (base, Vec::new());
        for (step, back, strange) in steps {
            next = next.saturating_add(if back { -step } else { 2 * step });
            words.push(if strange == 0 { next.wrapping_mul(0x5851_f42d_4c95_7f2d) } else { next }.cast_unsigned());
        }
        let mut numbers = vec![0; words.len()];
        table.insert_each(&Keys::from_words(&words), 0, &mut numbers, &mut Vec::new());
        for (word, number) in words.iter().zip(&numbers) {
            let new = u32::try_from(oracle.len()).unwrap();
            prop_assert_eq!(*oracle.entry(*word).or_insert(new), *number);
        }
        let mut found = vec![0; words.len()];
        table.find_each(&Keys::from_words(&words), 0..words.len(), &mut found);
        prop_assert_eq!(&found, &numbers);
        for word in words.iter().map(|word| word.wrapping_add(1)) {
            let expected = oracle.get(&word).copied().unwrap_or(ABSENT);
            prop_assert_eq!(table.find(Canonical::Word(word)), expected);
        }
        prop_assert_eq!(table.len(), oracle.len());
    }
}

#[test]
fn ids_stand_in_a_window_and_random_words_do_not() {
    let ids: Vec<u64> = (0..100_000).map(|id| 5 + 4 * id).collect();
    let mut table = KeyTable::new();
    table.insert_each(&Keys::from_words(&ids), 0, &mut vec![0; ids.len()], &mut Vec::new());
    assert!(table.in_slots < 200 && table.memory_bytes() < 24 * 100_000 + 10_000, "{}", table.memory_bytes());
    let mut random = KeyTable::new();
    let words: Vec<u64> = ids.iter().map(|id| hash(Canonical::Word(*id))).collect();
    random.insert_each(&Keys::from_words(&words), 0, &mut vec![0; ids.len()], &mut Vec::new());
    assert_eq!(random.in_slots, 100_000);
}

#[test]
fn a_dictionary_is_numbered_as_its_values_and_pairs_as_words() {
    let (offsets, indices) = ([0, 1, 2, 3, 4], [3_i8, 0, 3, 1, 0]);
    let values = Keys::new(Values::Bytes32 { offsets: &offsets, data: b"abca" }, None, 4).unwrap();
    let indices = crate::keys::Indices::I8(&indices);
    let keys = Keys::new(Values::Dictionary { indices, values: Box::new(values) }, None, 5).unwrap();
    let (mut table, mut numbers, mut fresh) = (KeyTable::new(), vec![9; 5], Vec::new());
    table.insert_keys(&keys, 0, &mut numbers, &mut fresh);
    assert_eq!((numbers, fresh), (vec![0, 0, 0, 1, 0], vec![0, 3]));
    let mut found = vec![9; 5];
    table.find_keys(&keys, 0..5, &mut found);
    assert_eq!(found, [0, 0, 0, 1, 0]);
    let pairs = Pairs { first: &[1, 2], second: &[2, 1] };
    let mut found = vec![9; 2];
    table.find_each(&pairs, 0..2, &mut found);
    assert_eq!(found, [ABSENT, ABSENT]);
    table.insert_each(&pairs, 0, &mut found, &mut Vec::new());
    assert_eq!((found, table.find(Canonical::Word(1 << 32 | 2))), (vec![2, 3], 2));
}

#[test]
fn an_empty_table_finds_nothing_and_a_full_one_everything() {
    let mut table = KeyTable::new();
    assert_eq!((table.find(Canonical::Word(0)), table.find(Canonical::Null)), (ABSENT, ABSENT));
    let words: Vec<u64> = (0..100_000).collect();
    let mut numbers = vec![0; words.len()];
    table.insert_each(&Keys::from_words(&words), 0, &mut numbers, &mut Vec::new());
    assert!(numbers.iter().zip(&words).all(|(number, word)| u64::from(*number) == *word));
    assert_eq!(table.find(Canonical::Word(100_000)), ABSENT);
    assert!(table.memory_bytes() < 52 * 100_000);
}

/// A table of these words, inserted in order; null where there is none.
fn table_of(words: impl Iterator<Item = Option<u64>>) -> KeyTable {
    let mut table = KeyTable::new();
    words.for_each(|word| {
        table.insert(word.map_or(Canonical::Null, Canonical::Word));
    });
    table
}

#[test]
fn ascending_words_are_ranked_and_a_late_one_is_found_all_the_same() {
    let words = |count: u64| (0..count).map(|id| Some(100 + 4 * id));
    let mut table = table_of(words(100_000));
    assert!(table.window.is_ranked() && table.memory_bytes() < 200_000, "{}", table.memory_bytes());
    let check = |table: &KeyTable, null_at: u64| {
        for id in 0..100_000_u64 {
            let number = u32::try_from(id + u64::from(null_at <= id)).unwrap();
            assert_eq!(table.find(Canonical::Word(100 + 4 * id)), number);
            assert_eq!(table.find(Canonical::Word(101 + 4 * id)), ABSENT);
        }
    };
    check(&table, u64::MAX);
    assert_eq!(table.insert(Canonical::Word(102)), 100_000);
    assert!(!table.window.is_ranked());
    check(&table, u64::MAX);
    assert_eq!(table.find(Canonical::Word(102)), 100_000);
    for null_at in [0, 1, 70, 5_000, 99_999] {
        let mut table =
            table_of(words(null_at).chain([None]).chain(words(100_000).skip(usize::try_from(null_at).unwrap())));
        assert!(table.window.is_ranked(), "null at {null_at}");
        assert_eq!(table.null(), Some(u32::try_from(null_at).unwrap()));
        check(&table, null_at);
        assert_eq!(table.insert(Canonical::Word(102)), 100_001);
        check(&table, null_at);
    }
}

#[test]
fn a_stranger_far_away_does_not_disturb_what_is_ranked() {
    let far = u64::MAX >> 2;
    let words = |from: u64, to: u64| (from..to).map(|id| Some(3 * id));
    let table = table_of(words(0, 5_000).chain([Some(far)]).chain(words(5_000, 50_000)).chain([Some(far + 1)]));
    assert_eq!(table.find(Canonical::Word(far)), 5_000);
    assert_eq!(table.find(Canonical::Word(far + 1)), 50_001);
    for id in 0..50_000_u64 {
        assert_eq!(u64::from(table.find(Canonical::Word(3 * id))), id + u64::from(id >= 5_000));
    }
}

/// A column of words beside its keys one by one, in batches.
fn compare_words(columns: &[&Keys<'_>]) {
    let (mut whole, mut single) = (KeyTable::new(), KeyTable::new());
    for keys in columns {
        let (mut numbers, mut fresh) = (vec![7; keys.len()], Vec::new());
        whole.insert_keys(keys, 100, &mut numbers, &mut fresh);
        let mut expected_fresh = Vec::new();
        for (row, number) in numbers.iter().enumerate() {
            let before = single.len();
            assert_eq!(*number, keys.at(row, |form| single.insert(form)));
            if single.len() > before {
                expected_fresh.push(100 + u32::try_from(row).unwrap());
            }
        }
        assert_eq!(fresh, expected_fresh);
    }
    assert_eq!(whole.len(), single.len());
}

#[test]
fn words_of_every_width_are_numbered_as_one_by_one_wherever_they_lie() {
    let spread: Vec<u64> = (0..5_000_u64).map(|row| (row * row % 1_999).wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let dense: Vec<u64> = (0..5_000_u64).map(|row| row * row % 1_999 + 7).collect();
    let signed: Vec<i64> = (0..5_000).map(|row| row * row % 3_001 - 1_500).collect();
    let short: Vec<u32> = (0..777).map(|row| row * 5_000_011).collect();
    let floats: Vec<f64> = (0..1_000).map(|row| f64::from(row % 321) / 7.0).collect();
    let columns = [
        Keys::from_words(&spread),
        Keys::from_words(&dense),
        Keys::new(Values::I64(&signed), None, signed.len()).unwrap(),
        Keys::new(Values::U32(&short), None, short.len()).unwrap(),
        Keys::new(Values::F64(&floats), None, floats.len()).unwrap(),
    ];
    // Alone, dense first and spread first: words in slots, in a window, and in both.
    for order in [vec![0], vec![1], vec![2, 0], vec![0, 1, 2, 3, 4], vec![1, 2, 4, 0, 3, 1], vec![3, 4]] {
        let chosen: Vec<&Keys<'_>> = order.into_iter().map(|index: usize| &columns[index]).collect();
        compare_words(&chosen);
    }
}
