use super::*;

fn forms(keys: &Keys<'_>) -> Vec<Option<Vec<u8>>> {
    let mut out = Vec::new();
    keys.for_each(0..keys.len(), |_, form| {
        out.push(match form {
            Canonical::Null => None,
            Canonical::Word(word) => Some(word.to_le_bytes().to_vec()),
            Canonical::Bytes(bytes) => Some(bytes.to_vec()),
        });
    });
    out
}

fn keys(values: Values<'_>, len: usize) -> Keys<'_> {
    Keys::new(values, None, len).unwrap()
}

#[test]
fn one_integer_has_one_form_in_every_width() {
    let wide = forms(&keys(Values::I64(&[-1, 7]), 2));
    assert_eq!(forms(&keys(Values::I8(&[-1, 7]), 2)), wide);
    assert_eq!(forms(&keys(Values::I16(&[-1, 7]), 2)), wide);
    assert_eq!(forms(&keys(Values::I32(&[-1, 7]), 2)), wide);
    assert_eq!(forms(&keys(Values::U8(&[7]), 1)), wide[1..]);
    assert_eq!(forms(&keys(Values::U64(&[7]), 1)), wide[1..]);
    assert_eq!(wide[0].as_deref(), Some([255_u8; 8].as_slice()));
}

#[test]
fn zeros_are_one_and_nans_are_one() {
    let other_nan = f64::from_bits(0xfff8_dead_beef_0001);
    let all = forms(&keys(Values::F64(&[0.0, -0.0, f64::NAN, other_nan]), 4));
    assert_eq!(all[0], all[1]);
    assert_eq!(all[2], all[3]);
    assert_eq!(all[2].as_deref(), Some(0x7ff8_0000_0000_0000_u64.to_le_bytes().as_slice()));
    assert_eq!(forms(&keys(Values::F32(&[0.5]), 1)), forms(&keys(Values::F64(&[0.5]), 1)));
}

#[test]
fn times_are_microseconds_and_keep_their_nanoseconds() {
    let micro = forms(&keys(Values::Time64(&[-2_000_000], TimeUnit::Microsecond), 1));
    assert_eq!(forms(&keys(Values::Time64(&[-2], TimeUnit::Second), 1)), micro);
    assert_eq!(forms(&keys(Values::Time64(&[-2_000], TimeUnit::Millisecond), 1)), micro);
    assert_eq!(forms(&keys(Values::Time64(&[-2_000_000_000], TimeUnit::Nanosecond), 1)), micro);
    // -1 ns is 999 ns after the microsecond before the epoch.
    let mut expected = (-1_i64).to_le_bytes().to_vec();
    expected.extend_from_slice(&999_u16.to_le_bytes());
    assert_eq!(forms(&keys(Values::Time64(&[-1], TimeUnit::Nanosecond), 1)), [Some(expected)]);
    let error = Keys::new(Values::Time64(&[i64::MAX], TimeUnit::Second), None, 1).unwrap_err();
    assert!(error.to_string().contains("does not fit"), "{error}");
}

#[test]
fn a_decimal_that_is_an_integer_is_that_integer() {
    let seven = forms(&keys(Values::I64(&[7, -7]), 2));
    assert_eq!(forms(&keys(Values::Decimal(Decimals::I128(&[700, -700]), 2), 2)), seven);
    assert_eq!(forms(&keys(Values::Decimal(Decimals::I32(&[7, -7]), 0), 2)), seven);
    let mut wide = [0_u8; 32];
    wide[..16].copy_from_slice(&7000_i128.to_le_bytes());
    assert_eq!(forms(&keys(Values::Decimal(Decimals::I256(&[wide]), 3), 1)), seven[..1]);
    let mut half = 15_i128.to_le_bytes().to_vec();
    half.push(1);
    assert_eq!(forms(&keys(Values::Decimal(Decimals::I64(&[1500]), 3), 1)), [Some(half)]);
    let beyond = Values::Decimal(Decimals::I256(&[[1; 32]]), 0);
    assert!(Keys::new(beyond, None, 1).unwrap_err().to_string().contains("128 bits"));
}

#[test]
fn views_inline_and_outside_are_the_same_text() {
    let long = b"thirteen byte";
    let inline = u128::from_le_bytes(*b"\x05\0\0\0hello\0\0\0\0\0\0\0");
    let outside = u128::from_le_bytes(*b"\x0d\0\0\0thir\0\0\0\0\x01\0\0\0");
    let buffer = b"?thirteen byte";
    let views = [inline, outside];
    let keys = keys(Values::Views { views: &views, buffers: vec![buffer] }, 2);
    assert_eq!(forms(&keys), [Some(b"hello".to_vec()), Some(long.to_vec())]);
}

#[test]
fn a_null_may_be_in_the_column_or_in_its_dictionary() {
    let bits = [0b101_u8];
    let words = Keys::new(Values::U64(&[1, 2, 3]), Some(Bitmap::new(&bits, 0, 3)), 3).unwrap();
    let dictionary = Values::Dictionary { indices: Indices::U8(&[0, 1, 2, 0]), values: Box::new(words) };
    let outer = [0b0111_u8];
    let keys = Keys::new(dictionary, Some(Bitmap::new(&outer, 0, 4)), 4).unwrap();
    let shown: Vec<bool> = (0..4).map(|row| keys.is_null(row)).collect();
    assert_eq!(shown, [false, true, false, true]);
    assert_eq!(keys.validity_bytes(), Some(vec![0b0101]));
}

#[test]
fn framing_tells_where_a_field_ends() {
    let left = [
        keys(Values::Bytes32 { offsets: &[0, 2], data: b"ab" }, 1),
        keys(Values::Bytes32 { offsets: &[0, 1], data: b"c" }, 1),
    ];
    let right = [
        keys(Values::Bytes32 { offsets: &[0, 1], data: b"a" }, 1),
        keys(Values::Bytes32 { offsets: &[0, 2], data: b"bc" }, 1),
    ];
    let framed = |columns: &[Keys<'_>]| {
        let mut bytes = Vec::new();
        for_each_compound(columns, 0..1, |_, form| {
            if let Canonical::Bytes(found) = form {
                bytes = found.to_vec();
            }
        });
        bytes
    };
    assert_eq!(framed(&left), b"\x01\x02\0\0\0ab\x01\x01\0\0\0c");
    assert_ne!(framed(&left), framed(&right));
}

proptest::proptest! {
    #[test]
    fn a_bitmap_is_copied_bit_by_bit_from_any_offset(
        bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 1..40), offset in 0_usize..20, len in 0_usize..300,
    ) {
        let offset = offset.min(bytes.len() * 8);
        let len = len.min(bytes.len() * 8 - offset);
        let bits = Bitmap::new(&bytes, offset, len);
        let mut expected = vec![0_u8; len.div_ceil(8)];
        (0..len).filter(|row| bits.get(*row)).for_each(|row| expected[row / 8] |= 1 << (row % 8));
        proptest::prop_assert_eq!(bits.to_bytes(), expected);
    }
}

#[test]
fn words_of_a_bitmap_begin_at_any_bit_and_end_with_it() {
    let bytes: Vec<u8> = (0..40_u8).map(|byte| byte.wrapping_mul(73) ^ 0x5a).collect();
    for offset in 0..20 {
        for len in [0, 1, 7, 63, 64, 65, 130, 200] {
            let bits = Bitmap::new(&bytes, offset, len);
            for row in (0..len + 70).step_by(3) {
                let expected =
                    (0..64).filter(|at| row + at < len && bits.get(row + at)).fold(0, |word, at| word | 1 << at);
                assert_eq!(bits.word(row), expected, "{offset} {len} {row}");
            }
        }
    }
}
