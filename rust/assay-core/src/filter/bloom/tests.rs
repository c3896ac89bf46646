//! Laws of all layouts, against a naive oracle of sets.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;
use crate::keys::{Bitmap, Indices, Values};

const LAYOUTS: [Layout; 3] = [Layout::SplitBlock, Layout::Standard, Layout::Blocked512];

fn options(layout: Layout) -> Options {
    Options { layout, capacity: Some(1000), ..Options::default() }
}

fn bits(words: &[u64], len: usize) -> Vec<bool> {
    (0..len).map(|row| words[row >> 6] >> (row & 63) & 1 == 1).collect()
}

fn of(layout: Layout, keys: &[u64]) -> BloomFilter {
    BloomFilter::build(&[Keys::from_words(keys)], KeyType::UInt64, options(layout), 1).unwrap()
}

proptest! {
    #[test]
    fn a_filter_never_denies_a_key_it_holds_and_answers_alike_for_any_cut(
        keys in proptest::collection::vec(any::<u64>(), 0..500),
        probes in proptest::collection::vec(any::<u64>(), 0..200),
        cut in 0_usize..500,
    ) {
        let (head, tail) = keys.split_at(cut.min(keys.len()));
        let asked = [keys.clone(), probes].concat();
        let held: HashSet<u64> = keys.iter().copied().collect();
        for layout in LAYOUTS {
            let whole = of(layout, &keys);
            let chunks = [Keys::from_words(head), Keys::from_words(tail)];
            let cut = BloomFilter::build(&chunks, KeyType::UInt64, options(layout), 2).unwrap();
            prop_assert_eq!(&whole, &cut);
            prop_assert_eq!(&whole, &of(layout, head).union(&of(layout, tail)).unwrap());
            let mut grown = of(layout, head);
            grown.insert(&[Keys::from_words(tail)], KeyType::UInt64, 1).unwrap();
            prop_assert_eq!(&whole, &grown);

            let answers = bits(&whole.contains(&[Keys::from_words(&asked)], KeyType::UInt64, 1), asked.len());
            prop_assert!(asked.iter().zip(&answers).all(|(key, answer)| *answer || !held.contains(key)));
            let (left, right) = asked.split_at(asked.len() / 3);
            let parts = whole.contains(&[Keys::from_words(left), Keys::from_words(right)], KeyType::UInt64, 1);
            prop_assert_eq!(bits(&parts, asked.len()), answers);
        }
    }

    #[test]
    fn nulls_are_skipped_and_dictionaries_are_their_values(
        rows in proptest::collection::vec(proptest::option::of(0_u8..20), 1..300), seed: u64,
    ) {
        let values: Vec<u64> = (0..20).map(|value| value ^ seed).collect();
        let plain: Vec<u64> = rows.iter().map(|row| row.map_or(0, |row| values[usize::from(row)])).collect();
        let indices: Vec<u8> = rows.iter().map(|row| row.unwrap_or(0)).collect();
        let mut valid = vec![0_u8; rows.len().div_ceil(8)];
        for (row, value) in rows.iter().enumerate() {
            valid[row / 8] |= u8::from(value.is_some()) << (row % 8);
        }
        let validity = Some(Bitmap::new(&valid, 0, rows.len()));
        let dictionary = Values::Dictionary { indices: Indices::U8(&indices), values: Box::new(Keys::from_words(&values)) };
        let dictionary = [Keys::new(dictionary, validity, rows.len()).unwrap()];
        let column = [Keys::new(Values::U64(&plain), validity, rows.len()).unwrap()];
        let present: Vec<u64> = rows.iter().flatten().map(|row| values[usize::from(*row)]).collect();
        for layout in LAYOUTS {
            let expected = of(layout, &present);
            let by_value = BloomFilter::build(&dictionary, KeyType::UInt64, options(layout), 1).unwrap();
            prop_assert_eq!(&by_value, &expected);
            prop_assert_eq!(&BloomFilter::build(&column, KeyType::UInt64, options(layout), 1).unwrap(), &expected);
            prop_assert_eq!(expected.key_count(), present.len() as u64);
            let answers = expected.contains(&dictionary, KeyType::UInt64, 1);
            prop_assert_eq!(&answers, &expected.contains(&column, KeyType::UInt64, 1));
            let shown = bits(&answers, rows.len());
            prop_assert!(rows.iter().zip(shown).all(|(row, answer)| answer == row.is_some()));
        }
    }
}

#[test]
fn threads_do_not_change_a_bit() {
    let keys: Vec<u64> = (0..400_000_u64).map(|key| key.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 3_000).collect();
    for layout in LAYOUTS {
        let build = |threads| {
            BloomFilter::build(&[Keys::from_words(&keys)], KeyType::UInt64, options(layout), threads).unwrap()
        };
        let one = build(1);
        assert_eq!(one, build(3));
        let probe = |threads| one.contains(&[Keys::from_words(&keys)], KeyType::UInt64, threads);
        assert_eq!(probe(1), probe(3));
    }
}

#[test]
fn an_integer_is_found_from_every_width_that_holds_it() {
    let built = [5_i32, -7, 40];
    let keys = [Keys::new(Values::I32(&built), None, 3).unwrap()];
    for layout in LAYOUTS {
        let filter = BloomFilter::build(&keys, KeyType::Int32, options(layout), 1).unwrap();
        let wide = [5_i64, -7, 40, 5 + (1 << 32)];
        let wide = Keys::new(Values::I64(&wide), None, 4).unwrap();
        assert_eq!(filter.contains(&[wide], KeyType::Int64, 1), [0b0111], "{layout:?}");
        let narrow = Keys::new(Values::I8(&[40, 5, 6]), None, 3).unwrap();
        assert_eq!(filter.contains(&[narrow], KeyType::Int8, 1), [0b011], "{layout:?}");
    }
}

#[test]
fn a_key_without_an_exact_value_is_not_inserted() {
    let mut filter = of(Layout::SplitBlock, &[1, 2]);
    let before = filter.clone();
    let signed = [3_i64, -3];
    let error = filter.insert(&[Keys::new(Values::I64(&signed), None, 2).unwrap()], KeyType::Int64, 1).unwrap_err();
    assert!(error.to_string().contains("-3 of type int64 has no exact value in uint64"), "{error}");
    assert_eq!(filter, before);
    filter.insert(&[Keys::new(Values::I64(&signed[..1]), None, 1).unwrap()], KeyType::Int64, 1).unwrap();
    assert_eq!(filter, of(Layout::SplitBlock, &[1, 2, 3]));
}

#[test]
fn either_zero_finds_either_zero() {
    for held in [0.0, -0.0] {
        let built = [held];
        let keys = [Keys::new(Values::F64(&built), None, 1).unwrap()];
        for layout in LAYOUTS {
            let filter = BloomFilter::build(&keys, KeyType::Float64, options(layout), 1).unwrap();
            let doubles = Keys::new(Values::F64(&[0.0, -0.0, 1.0]), None, 3).unwrap();
            assert_eq!(filter.contains(&[doubles], KeyType::Float64, 1), [0b011], "{layout:?} {held:?}");
            let floats = Keys::new(Values::F32(&[-0.0, 0.0, 1.0]), None, 3).unwrap();
            assert_eq!(filter.contains(&[floats], KeyType::Float32, 1), [0b011], "{layout:?} {held:?}");
        }
    }
}

#[test]
fn shapes_that_differ_do_not_join() {
    let one = of(Layout::SplitBlock, &[1]);
    let other = of(Layout::Standard, &[1]);
    assert!(one.union(&other).unwrap_err().to_string().contains("cannot be joined"));
    let mut small = options(Layout::SplitBlock);
    small.capacity = None;
    let small = BloomFilter::build(&[Keys::from_words(&[1])], KeyType::UInt64, small, 1).unwrap();
    assert!(one.union(&small).unwrap_err().to_string().contains("blocks"));
    let signed = Keys::new(Values::I64(&[1]), None, 1).unwrap();
    let signed = BloomFilter::build(&[signed], KeyType::Int64, options(Layout::SplitBlock), 1).unwrap();
    assert!(one.union(&signed).unwrap_err().to_string().contains("int64"));
}

#[test]
fn options_that_do_not_fit_are_refused() {
    let build = |options: Options, key_type| BloomFilter::build(&[], key_type, options, 1);
    let blocks = Options { layout: Layout::Standard, block_count: Some(4), ..Options::default() };
    assert!(build(blocks, KeyType::Int64).unwrap_err().to_string().contains("takes no block_count"));
    let both = Options { capacity: Some(4), block_count: Some(4), ..Options::default() };
    assert!(build(both, KeyType::Int64).unwrap_err().to_string().contains("both"));
    let none = Options { capacity: Some(0), ..Options::default() };
    assert!(build(none, KeyType::Int64).unwrap_err().to_string().contains("capacity is 0"));
    let error = build(Options::default(), KeyType::Boolean).unwrap_err();
    assert!(matches!(&error, Error::UnsupportedType(text) if text.contains("layout=\"standard\"")), "{error}");
    assert!(Layout::parse("split").unwrap_err().to_string().contains("split_block"));
}
