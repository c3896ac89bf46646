use super::*;
use crate::hash::wide::hash_wide_keys;
use crate::keys::{Bitmap, Decimals, Indices, TimeUnit};
use proptest::prelude::*;

/// All functions that see canonical bytes, with a seed too where they take one.
fn functions() -> Vec<HashFunction> {
    let names =
        CONTENDERS.iter().map(|contender| contender.name).filter(|name| !["postgres", "identity"].contains(name));
    names.flat_map(|name| [0, 42].map(|seed| HashFunction::parse(name, seed))).flatten().collect()
}

/// All functions of 128 bits, each with and without a seed.
fn wide_functions() -> Vec<WideFunction> {
    let names = wide::CONTENDERS.iter().map(|contender| contender.name);
    names.flat_map(|name| [0, 42].map(|seed| WideFunction::parse(name, seed).unwrap().unwrap())).collect()
}

proptest! {
    #[test]
    fn a_word_hashes_as_its_eight_bytes(word: u64) {
        for function in functions() {
            prop_assert_eq!(function.word(word), function.bytes(&word.to_le_bytes()), "{:?}", function);
        }
    }

    #[test]
    fn a_column_hashes_as_its_keys_one_by_one(keys in proptest::collection::vec(any::<Option<i64>>(), 0..300), threads in 1_usize..4) {
        let values: Vec<i64> = keys.iter().map(|key| key.unwrap_or(9)).collect();
        let mut bits = vec![0_u8; keys.len().div_ceil(8)];
        for (row, key) in keys.iter().enumerate() {
            bits[row / 8] |= u8::from(key.is_some()) << (row % 8);
        }
        let column = Keys::new(Values::I64(&values), Some(Bitmap::new(&bits, 0, keys.len())), keys.len()).unwrap();
        for function in functions() {
            let mut out = vec![1; keys.len()];
            hash_keys(std::slice::from_ref(&column), function, threads, 77, &mut out).unwrap();
            for (key, hash) in keys.iter().zip(&out) {
                prop_assert_eq!(*hash, key.map_or(77, |key| function.bytes(&key.to_le_bytes())));
            }
        }
    }
}

#[test]
fn a_block_of_rows_hashes_as_they_do_among_all_whatever_the_function_and_the_columns() {
    let (bits, floats, words) = ([0b0110_1101_u8], [0.0, 1.5, -2.0, f64::NAN, 1e9, -0.0, 7.0], [1, 2, 3, 4, 5, 6, 7]);
    let validity = Some(Bitmap::new(&bits, 0, 7));
    let data = "{tag}ab{tag}cd{}foo";
    let text = Values::Bytes32 { offsets: &[0, 7, 14, 16, 19, 19, 19, 19], data: data.as_bytes() };
    let entries = Keys::new(text.clone(), None, 7).unwrap();
    let dictionary = Values::Dictionary { indices: Indices::I8(&[6, 0, 1, 1, 2, 3, 0]), values: Box::new(entries) };
    let columns = [
        Keys::new(Values::F64(&floats), validity, 7).unwrap(),
        Keys::new(Values::Boolean(Bitmap::new(&bits, 1, 7)), validity, 7).unwrap(),
        Keys::from_words(&words),
        Keys::new(text, validity, 7).unwrap(),
        Keys::new(dictionary, None, 7).unwrap(),
    ];
    let named = ["postgres", "identity"].map(|name| HashFunction::parse(name, 0).unwrap());
    let redis = HashFunction::RedisKey(crc16_xmodem::RedisKey);
    for function in functions().into_iter().chain(named).chain([redis]) {
        let sets = columns.iter().map(|column| vec![column.clone()]).chain([columns.to_vec()]);
        for columns in sets.filter(|columns| function.check(columns).is_ok()) {
            let (mut all, mut blocks) = ([9; 7], [9; 7]);
            hash_keys(&columns, function, 1, 77, &mut all).unwrap();
            for (first, part) in [(0, 0..2), (2, 2..3), (3, 3..7)] {
                hash_block(&columns, function, first, 77, &mut blocks[part]).unwrap();
            }
            assert_eq!(all, blocks, "{function:?} of {columns:?}");
        }
    }
}

#[test]
fn a_seed_on_an_unseeded_function_is_refused() {
    for name in
        ["md5", "identity", "murmur3_spark", "murmur3_cassandra", "crc16_xmodem", "crc32c", "fnv1a_64", "postgres"]
    {
        let error = HashFunction::parse(name, 3).unwrap_err().to_string();
        assert!(error.contains("takes no seed"), "{error}");
    }
    assert!(HashFunction::parse("xxh32", 1 << 40).unwrap_err().to_string().contains("32 bits"));
    assert!(HashFunction::parse("xxh5", 0).unwrap_err().to_string().contains("xxh3_64"));
}

#[test]
fn the_identity_takes_only_unsigned_words() {
    let signed = Keys::new(Values::I64(&[1]), None, 1).unwrap();
    let mut out = [0];
    assert!(hash_keys(&[signed], HashFunction::Identity, 1, 0, &mut out).is_err());
    hash_keys(&[Keys::from_words(&[5])], HashFunction::Identity, 1, 0, &mut out).unwrap();
    assert_eq!(out, [5]);
}

#[test]
fn a_function_of_128_bits_is_refused_where_at_most_64_are_wanted() {
    let error = HashFunction::parse("xxh3_128", 0).unwrap_err().to_string();
    assert!(error.contains("gives 128 bits") && error.contains("choose xxh3_64"), "{error}");
    assert!(matches!(AnyFunction::parse("murmur3_128", 7), Ok(AnyFunction::Wide(_))));
    assert!(matches!(AnyFunction::parse("rapidhash", 7), Ok(AnyFunction::Narrow(_))));
    assert!(AnyFunction::parse("murmur3_128", 1 << 32).unwrap_err().to_string().contains("32 bits"));
    assert!(AnyFunction::parse("xxh3_129", 0).unwrap_err().to_string().contains("xxh3_128"));
}

/// The canonical bytes of a row, as hash functions see them.
fn canonical(columns: &[Keys<'_>], row: usize) -> Option<Vec<u8>> {
    let field = |column: &Keys<'_>| {
        column.at(row, |form| match form {
            Canonical::Null => None,
            Canonical::Word(word) => Some(word.to_le_bytes().to_vec()),
            Canonical::Bytes(bytes) => Some(bytes.to_vec()),
        })
    };
    if let [column] = columns {
        return field(column);
    }
    let fields: Vec<_> = columns.iter().map(field).collect();
    let framed = |field: &Option<Vec<u8>>| match field {
        None => vec![0],
        Some(bytes) => {
            let length = u32::try_from(bytes.len()).unwrap().to_le_bytes();
            [[1].as_slice(), &length, bytes].concat()
        }
    };
    fields.iter().any(Option::is_some).then(|| fields.iter().flat_map(framed).collect())
}

/// What the functions make of columns must be what they make of each row's canonical bytes.
fn columns_hash_as_their_rows(columns: &[Keys<'_>]) {
    let rows = columns[0].len();
    let keys: Vec<_> = (0..rows).map(|row| canonical(columns, row)).collect();
    for function in functions() {
        let (mut found, mut narrow) = (vec![1; rows], vec![1_u32; rows]);
        hash_keys(columns, function, 2, 77, &mut found).unwrap();
        hash_narrow_keys(columns, function, 2, 77, &mut narrow).unwrap();
        for (row, key) in keys.iter().enumerate() {
            let expected = key.as_ref().map_or(77, |key| function.bytes(key));
            assert_eq!(found[row], expected, "{function:?}, row {row} of {key:?}");
            assert_eq!(u64::from(narrow[row]), expected & 0xffff_ffff, "{function:?}, row {row} of {key:?}");
        }
    }
    for function in wide_functions() {
        let mut found = vec![[1; 16]; rows];
        hash_wide_keys(columns, function, 2, [7; 16], &mut found);
        for (row, key) in keys.iter().enumerate() {
            assert_eq!(found[row], key.as_ref().map_or([7; 16], |key| function.bytes(key)), "{function:?}, row {row}");
        }
    }
}

const ROWS: usize = 300;

/// A bitmap of [`ROWS`] rows that begins within a byte, and whose words are full, mixed and empty.
fn some_valid(bits: &[u8; 48]) -> Option<Bitmap<'_>> {
    Some(Bitmap::new(bits, 3, ROWS))
}

fn bits() -> [u8; 48] {
    std::array::from_fn(|at| {
        if at < 10 {
            0xff
        } else if at < 30 {
            (at * 37) as u8
        } else {
            0
        }
    })
}

#[test]
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, clippy::cast_precision_loss)]
fn numbers_and_times_of_every_type_hash_as_their_canonical_bytes() {
    let words: [u64; ROWS] = std::array::from_fn(|row| (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (row % 50));
    macro_rules! each {
        ($kind:ty) => {
            words.map(|word| word as $kind)
        };
    }
    let (i8s, i16s, i32s, i64s) = (each!(i8), each!(i16), each!(i32), each!(i64));
    let (u8s, u16s, u32s) = (each!(u8), each!(u16), each!(u32));
    let mut f64s = words.map(f64::from_bits);
    (f64s[0], f64s[1], f64s[2]) = (-0.0, f64::NAN, -f64::NAN);
    let mut f32s = each!(f32);
    (f32s[0], f32s[1]) = (-0.0, f32::NAN);
    let small = i64s.map(|value| value >> 24);
    let (d128, bitmap) = (words.map(|word| i128::from(word) * 10), bits());
    let flags: [u8; 48] = std::array::from_fn(|at| (at * 73) as u8);
    let all = [
        Values::I8(&i8s),
        Values::I16(&i16s),
        Values::I32(&i32s),
        Values::I64(&i64s),
        Values::U8(&u8s),
        Values::U16(&u16s),
        Values::U32(&u32s),
        Values::U64(&words),
        Values::F32(&f32s),
        Values::F64(&f64s),
        Values::Boolean(Bitmap::new(&flags, 5, ROWS)),
        Values::Date32(&i32s),
        Values::Date64(&i64s),
        Values::Time32(&i32s, TimeUnit::Second),
        Values::Time32(&i32s, TimeUnit::Millisecond),
        Values::Time64(&small, TimeUnit::Second),
        Values::Time64(&small, TimeUnit::Millisecond),
        Values::Time64(&i64s, TimeUnit::Microsecond),
        Values::Time64(&i64s, TimeUnit::Nanosecond),
        Values::Decimal(Decimals::I64(&i64s), 1),
        Values::Decimal(Decimals::I128(&d128), 3),
        Values::Null,
    ];
    for values in all {
        for validity in [None, some_valid(&bitmap)] {
            columns_hash_as_their_rows(&[Keys::new(values.clone(), validity, ROWS).unwrap()]);
        }
    }
}

/// Offsets and bytes of texts of these lengths.
#[allow(clippy::cast_possible_truncation)]
fn texts(lengths: impl Iterator<Item = usize>) -> (Vec<i32>, Vec<u8>) {
    let (mut offsets, mut data) = (vec![0], Vec::new());
    for length in lengths {
        let salt = data.len() * 7;
        data.extend((0..length).map(|at| (at * 31 + salt) as u8));
        offsets.push(i32::try_from(data.len()).unwrap());
    }
    (offsets, data)
}

#[test]
fn texts_of_every_length_and_layout_hash_as_their_bytes() {
    let bitmap = bits();
    for lengths in [0..1, 3..4, 8..9, 13..14, 16..17, 36..37, 0..20, 8..17, 0..300] {
        let lengths: Vec<usize> = lengths.clone().cycle().take(ROWS).collect();
        let (offsets, data) = texts(lengths.iter().copied());
        let large: Vec<i64> = offsets.iter().map(|offset| i64::from(*offset)).collect();
        let buffer = [b"??".as_slice(), &data].concat();
        let views: Vec<u128> = offsets
            .windows(2)
            .map(|ends| {
                let (start, end) = (ends[0] as usize, ends[1] as usize);
                let mut view = [0; 16];
                view[..4].copy_from_slice(&((end - start) as u32).to_le_bytes());
                if end - start <= 12 {
                    view[4..4 + end - start].copy_from_slice(&data[start..end]);
                } else {
                    view[12..].copy_from_slice(&(start as u32 + 2).to_le_bytes());
                }
                u128::from_le_bytes(view)
            })
            .collect();
        let plain = Values::Bytes32 { offsets: &offsets, data: &data };
        let entries = Keys::new(plain.clone(), some_valid(&bitmap), ROWS).unwrap();
        let indices: Vec<u16> = (0..ROWS as u16).map(|row| row.wrapping_mul(7) % ROWS as u16).collect();
        let mut all = vec![
            plain,
            Values::Bytes64 { offsets: &large, data: &data },
            Values::Views { views: &views, buffers: vec![&buffer] },
            Values::Dictionary { indices: Indices::U16(&indices), values: Box::new(entries) },
        ];
        if lengths.iter().all(|length| *length == lengths[0]) {
            all.push(Values::Fixed { width: lengths[0], data: &data });
        }
        for values in all {
            for validity in [None, some_valid(&bitmap)] {
                columns_hash_as_their_rows(&[Keys::new(values.clone(), validity, ROWS).unwrap()]);
            }
        }
    }
}

#[test]
fn rows_of_several_columns_hash_as_their_frames() {
    let bitmap = bits();
    let words: [u64; ROWS] = std::array::from_fn(|row| row as u64 * 77);
    let (offsets, data) = texts((0..20).cycle().take(ROWS));
    let text = Values::Bytes32 { offsets: &offsets, data: &data };
    let sixteen = texts((16..17).cycle().take(ROWS));
    let fixed = Keys::new(Values::Fixed { width: 16, data: &sixteen.1 }, None, ROWS).unwrap();
    let text_without = Keys::new(text.clone(), None, ROWS).unwrap();
    let null_words = Keys::new(Values::U64(&words), some_valid(&bitmap), ROWS).unwrap();
    let null_text = Keys::new(text, some_valid(&bitmap), ROWS).unwrap();
    columns_hash_as_their_rows(&[Keys::from_words(&words), Keys::from_words(&words)]);
    columns_hash_as_their_rows(&[Keys::from_words(&words), fixed.clone()]);
    columns_hash_as_their_rows(&[null_words.clone(), null_text.clone()]);
    columns_hash_as_their_rows(&[text_without, null_words, fixed, null_text]);
    // Rows so long that a block holds one or two of them.
    let (offsets, data) = texts([300_000, 5, 200_000, 100_000, 0].into_iter());
    let long = Keys::new(Values::Bytes32 { offsets: &offsets, data: &data }, None, 5).unwrap();
    columns_hash_as_their_rows(&[long.clone(), Keys::from_words(&words[..5]), long]);
}
