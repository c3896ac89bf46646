use super::*;
use assay_core::keys::Bitmap;
use proptest::prelude::*;
use std::collections::HashMap;

use crate::split_mix::SplitMix64;

/// Keys that a test owns.
#[derive(Debug, Clone)]
enum Column {
    I64(Vec<i64>),
    I32(Vec<i32>),
    I8(Vec<i8>),
    U64(Vec<u64>),
    F32(Vec<f32>),
    Nanoseconds(Vec<i64>),
    Text(Vec<String>),
    Coded(Vec<u32>, Vec<String>),
    CodedWords(Vec<u32>, Vec<i64>),
}

/// Offsets and bytes, as Arrow keeps texts.
fn packed(texts: &[String]) -> (Vec<i32>, Vec<u8>) {
    let data: Vec<u8> = texts.iter().flat_map(|text| text.bytes()).collect();
    let mut ends = vec![0];
    texts.iter().for_each(|text| ends.push(ends[ends.len() - 1] + i32::try_from(text.len()).unwrap()));
    (ends, data)
}

impl Column {
    fn with<R>(&self, work: impl FnOnce(&Keys<'_>) -> R) -> R {
        fn plain(values: Values<'_>, len: usize) -> Keys<'_> {
            Keys::new(values, None, len).unwrap()
        }
        match self {
            Self::I64(values) => work(&plain(Values::I64(values), values.len())),
            Self::I32(values) => work(&plain(Values::I32(values), values.len())),
            Self::I8(values) => work(&plain(Values::I8(values), values.len())),
            Self::U64(values) => work(&Keys::from_words(values)),
            Self::F32(values) => work(&plain(Values::F32(values), values.len())),
            Self::Nanoseconds(values) => work(&plain(Values::Time64(values, TimeUnit::Nanosecond), values.len())),
            Self::Text(texts) => {
                let (offsets, data) = packed(texts);
                work(&plain(Values::Bytes32 { offsets: &offsets, data: &data }, texts.len()))
            }
            Self::Coded(codes, texts) => {
                let (offsets, data) = packed(texts);
                let values = Box::new(plain(Values::Bytes32 { offsets: &offsets, data: &data }, texts.len()));
                work(&plain(Values::Dictionary { indices: Indices::U32(codes), values }, codes.len()))
            }
            Self::CodedWords(codes, words) => {
                let values = Box::new(plain(Values::I64(words), words.len()));
                work(&plain(Values::Dictionary { indices: Indices::U32(codes), values }, codes.len()))
            }
        }
    }

    /// So many rows, of a kind, drawn from so many values.
    fn drawn(kind: u8, rows: usize, span: u64, seed: u64) -> Self {
        let mut generator = SplitMix64::new(seed);
        let mut draw = || generator.next() % span;
        let text = |value: u64| format!("{}{value}", "x".repeat(usize::try_from(value % 40).unwrap()));
        let small = |value: u64| i32::try_from(value % 1_000_003).unwrap();
        let mut of = |make: &mut dyn FnMut(u64)| (0..rows).for_each(|_| make(draw()));
        macro_rules! column {
            ($variant:ident, $value:ident => $form:expr) => {{
                let mut made = Vec::new();
                of(&mut |$value| made.push($form));
                Self::$variant(made)
            }};
        }
        match kind {
            0 => column!(I64, value => value.cast_signed() - 1_000),
            1 => column!(I32, value => 500 - small(value)),
            2 => column!(I8, value => i8::try_from(value % 100).unwrap() - 50),
            3 => column!(U64, value => value.wrapping_mul(0x9e37_79b9_7f4a_7c15)),
            #[allow(clippy::cast_precision_loss)]
            4 => column!(F32, value => (value % 5_000) as f32 / 8.0),
            5 => column!(Nanoseconds, value => value.cast_signed() * 250),
            6 => column!(Text, value => text(value)),
            7 => {
                let texts: Vec<String> = (0..span.min(700)).map(|value| text(value * 3 % 500)).collect();
                let mut codes = Vec::new();
                of(&mut |value| codes.push(u32::try_from(value % texts.len() as u64).unwrap()));
                Self::Coded(codes, texts)
            }
            _ => {
                let words: Vec<i64> = (0..span.min(700)).map(|value| (value * 3 % 500).cast_signed()).collect();
                let mut codes = Vec::new();
                of(&mut |value| codes.push(u32::try_from(value % words.len() as u64).unwrap()));
                Self::CodedWords(codes, words)
            }
        }
    }
}

/// Numbers by a map of canonical bytes; eight bytes are the word that they spell.
#[derive(Default)]
struct Oracle {
    numbers: HashMap<Vec<u8>, u32>,
    words: Vec<u64>,
}

impl Oracle {
    fn number(&mut self, keys: &Keys<'_>) -> Vec<u32> {
        let mut numbers = Vec::new();
        keys.for_each(0..keys.len(), |_, form| {
            let (bytes, word) = match form {
                Canonical::Word(word) => (word.to_le_bytes().to_vec(), word),
                Canonical::Bytes(bytes) => (bytes.to_vec(), Xxh64::new(0).bytes(bytes)),
                Canonical::Null => panic!("no key is null"),
            };
            let next = u32::try_from(self.words.len()).unwrap();
            let number = *self.numbers.entry(bytes).or_insert(next);
            if number == next {
                self.words.push(word);
            }
            numbers.push(number);
        });
        numbers
    }
}

fn check(columns: &[Column]) -> (Numbering, Vec<u64>) {
    let (mut numbering, mut words, mut oracle) = (Numbering::default(), Vec::new(), Oracle::default());
    for column in columns {
        column.with(|keys| {
            let mut numbers = vec![7; keys.len()];
            numbering.number(keys, &mut words, &mut numbers);
            assert_eq!(numbers, oracle.number(keys));
            assert_eq!(words, oracle.words);
        });
    }
    (numbering, words)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Types change on the way, ranges widen and narrow, and dictionaries hold a value twice.
    #[test]
    fn numbers_follow_first_appearance_whatever_comes(
        kinds in prop_oneof![
            proptest::collection::vec(0_u8..4, 1..5),
            proptest::collection::vec(6_u8..8, 1..4),
            proptest::collection::vec(0_u8..9, 1..4),
        ],
        spans in proptest::collection::vec(prop_oneof![1_u64..50, 50_u64..5_000, 5_000_u64..1 << 50], 5),
        rows in proptest::collection::vec(0_usize..1_500, 5),
        seed in any::<u64>(),
    ) {
        let columns: Vec<Column> = kinds
            .iter()
            .enumerate()
            .map(|(place, &kind)| Column::drawn(kind, rows[place], spans[place], seed ^ place as u64))
            .collect();
        check(&columns);
    }
}

fn window_of(numbering: &Numbering) -> usize {
    match numbering {
        Numbering::Words(words) => words.places(),
        _ => panic!("words are numbered as words"),
    }
}

#[test]
fn ids_stand_in_a_window_that_grows_with_them_and_spread_words_do_not() {
    let rising: Vec<i64> = (0..60_000).map(|row| 3 * row + i64::from(row % 7 == 0)).collect();
    let falling: Vec<i64> = rising.iter().rev().map(|id| id - 500_000).collect();
    let again: Vec<i64> = (0..60_000_i64).map(|row| row * 7_919 % 180_000).collect();
    for ids in [&rising, &falling, &again] {
        let (numbering, words) = check(&[Column::I64(ids.clone()), Column::I64(again.clone())]);
        assert!(window_of(&numbering) >= words.len(), "{} places for {} keys", window_of(&numbering), words.len());
        assert!(window_of(&numbering) <= 10 * words.len());
    }
    let (numbering, _) = check(&[Column::drawn(3, 20_000, 1 << 40, 1)]);
    assert_eq!(window_of(&numbering), 0);
}

#[test]
fn strangers_among_ids_are_hashed_and_ids_stay_where_they_are() {
    let ids = Column::drawn(0, 20_000, 9_000, 3);
    let far = Column::I64(vec![i64::MAX, i64::MIN, -1_001, 8_001, 0, i64::MAX, 5]);
    let both: Vec<i64> = (0..20_000_i64).map(|row| if row % 3 == 0 { row << 40 } else { row % 9_000 }).collect();
    let (numbering, _) = check(&[ids.clone(), far, Column::I64(both), ids]);
    assert!((1..40_000).contains(&window_of(&numbering)));
}

#[test]
fn many_keys_are_numbered_as_by_a_map() {
    check(&[Column::drawn(3, 300_000, 1 << 40, 7), Column::drawn(3, 100_000, 90_000, 8)]);
    check(&[Column::drawn(6, 60_000, 1 << 40, 7), Column::drawn(6, 30_000, 20_000, 8)]);
}

#[test]
fn words_that_agree_in_most_bits_are_found_quickly() {
    for shift in [0, 12, 32, 44, 52] {
        let words: Vec<u64> = (0..200_000_u64).map(|row| row.wrapping_mul(7) << shift).collect();
        let (mut index, mut held) = (index::Index::default(), Vec::new());
        for &word in &words {
            index.reserve(1, &held, |_| false);
            index.number(word, &mut held, |_| true);
        }
        let far = index.far_from_home(&held);
        assert!(far < 8 * held.len(), "{far} steps for {} words, shifted by {shift}", held.len());
    }
}

#[test]
fn texts_of_one_word_are_told_apart_by_their_bytes() {
    // As though both had the same XXH64: the index is asked for one word with different answers.
    let (mut index, mut words) = (index::Index::default(), Vec::new());
    index.reserve(4, &words, |_| false);
    assert_eq!(index.number(9, &mut words, |_| true), 0);
    assert_eq!(index.number(9, &mut words, |number| number != 0), 1);
    assert_eq!(index.number(9, &mut words, |number| number == 1), 1);
    assert_eq!(index.number(9, &mut words, |number| number == 0), 0);
    assert_eq!(words, [9, 9]);
    let texts: Vec<String> = (0..40).flat_map(|length| ["a", "b"].map(|text| text.repeat(length))).collect();
    let ends: Vec<String> =
        (2..40).flat_map(|length| ["a", "b"].map(|end| format!("{}{end}", "c".repeat(length)))).collect();
    check(&[Column::Text(texts), Column::Text(ends)]);
}

#[test]
fn validity_without_nulls_changes_nothing() {
    let (values, bits) = ([5_i64, -2, 5, 9], [0xff_u8]);
    let keys = Keys::new(Values::I64(&values), Some(Bitmap::new(&bits, 0, 4)), 4).unwrap();
    let (mut numbering, mut words, mut numbers) = (Numbering::default(), Vec::new(), [7; 4]);
    numbering.number(&keys, &mut words, &mut numbers);
    assert_eq!(numbers, [0, 1, 0, 2]);
    assert_eq!(words, [5, (-2_i64).cast_unsigned(), 9]);
}
