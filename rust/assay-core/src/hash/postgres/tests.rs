//! Hashes pinned from PostgreSQL 15.18 itself, by `SELECT hashint8extended(42, 8816678312871386365)` and the like.

use super::*;
use crate::hash::{HashFunction, hash_keys};
use crate::keys::{Bitmap, Decimals, TimeUnit};

fn hashed(columns: &[Keys<'_>]) -> Vec<u64> {
    let mut out = vec![9; columns[0].len()];
    hash_keys(columns, HashFunction::parse("postgres", 0).unwrap(), 1, 0, &mut out).unwrap();
    out
}

fn column(values: Values<'_>, len: usize) -> Keys<'_> {
    Keys::new(values, None, len).unwrap()
}

/// A row's hash if its only column hashes to `hash`.
fn alone(hash: u64) -> u64 {
    combine(0, hash)
}

#[test]
fn integers_hash_as_hashint8extended_says() {
    let pinned: [(i64, u64); 11] = [
        (0, 0xc2e3_4bda_39f0_f0cd),
        (1, 0x52d6_2105_8124_e6d5),
        (-1, 0xba5f_c748_0956_06c2),
        (42, 0x6632_18bc_fb84_b17f),
        (-42, 0x5c6f_545b_0b7c_b85f),
        (2_147_483_647, 0xac09_237e_4899_f89c),
        (-2_147_483_648, 0x4489_3a0f_1e94_9193),
        (4_294_967_296, 0x52d6_2105_8124_e6d5),
        (-4_294_967_297, 0x1dce_30b7_4062_c547),
        (i64::MAX, 0x4489_3a0f_1e94_9193),
        (i64::MIN, 0xac09_237e_4899_f89c),
    ];
    let (keys, hashes): (Vec<i64>, Vec<u64>) = pinned.into_iter().unzip();
    let expected: Vec<u64> = hashes.into_iter().map(alone).collect();
    assert_eq!(hashed(&[column(Values::I64(&keys), keys.len())]), expected);
    assert_eq!(hashed(&[column(Values::I8(&[-42, 42]), 2)]), [expected[4], expected[3]]);
    assert_eq!(hashed(&[column(Values::U16(&[42]), 1)]), [expected[3]]);
    assert_eq!(hashed(&[column(Values::I32(&[i32::MIN]), 1)]), [expected[6]]);
}

#[test]
fn text_of_each_length_hashes_as_hashtextextended_says() {
    // Text of n letters, the i-th of them 'a' + 7 i mod 26, for n from 0 to 40.
    let pinned: [u64; 41] = [
        0xb0e3_3d0b_543f_bfc3,
        0xa2f2_40f8_823b_a67b,
        0x7488_abce_4296_5d69,
        0xbd23_ebfb_41ac_7f23,
        0x1179_3607_326a_0340,
        0x2c95_1c5f_f132_8c60,
        0xa4ab_1dee_f862_9176,
        0xb95f_2d07_d74b_cf09,
        0x212b_5416_347b_1b64,
        0xe242_bef9_965d_8cb1,
        0x783b_6d30_2ab2_8c0f,
        0x28dd_d8c9_ba31_ef12,
        0x5b8a_4e85_d4db_e81e,
        0x0fd1_52d5_5b7c_4a9a,
        0xeb04_006d_fec5_acca,
        0xcd95_9d6a_8b75_95cb,
        0x0b2c_f476_58f2_80f7,
        0xeb35_b6d6_1820_b9c9,
        0x06a5_0704_2a8e_37f0,
        0x7ce3_0840_90ea_bb21,
        0x2707_bec1_14b2_5f99,
        0xbefc_09fe_481b_ef1c,
        0x2593_6a31_25bc_987f,
        0x2308_ba66_7744_b348,
        0xa6e9_78c8_796a_ed87,
        0xd67b_5685_6c12_def3,
        0x4c33_473f_d0f9_b4b5,
        0xd1cc_0157_3a5e_bf4d,
        0xb5b9_25cf_11a9_98b9,
        0x0ba4_b833_2acd_b0dd,
        0x5024_816d_ea69_d813,
        0x23e4_5d7c_b532_92f4,
        0x9001_8524_2cd7_d74a,
        0x93fc_1b77_ed43_aa60,
        0xc67a_82ad_c1cc_bbcb,
        0x1c58_7100_e564_dc2e,
        0x72d9_9ed9_aef8_ede7,
        0xa0b4_7a72_be03_d168,
        0xc8ca_cedc_c314_9ccb,
        0xb9c7_78fd_e496_cb09,
        0x9d8b_ce34_ac52_bfff,
    ];
    let letters: Vec<u8> = (0..40_u8).map(|index| b'a' + (u32::from(index) * 7 % 26) as u8).collect();
    for (length, expected) in pinned.into_iter().enumerate() {
        let offsets = [0, i32::try_from(length).unwrap()];
        let found = hashed(&[column(Values::Bytes32 { offsets: &offsets, data: &letters }, 1)]);
        assert_eq!(found, [alone(expected)], "{length} letters");
        assert_eq!(Postgres.bytes(&letters[..length]), alone(expected));
    }
    assert_eq!(text("天地 é😁".as_bytes()), 0xe914_5a86_e5d5_c3d7);
}

#[test]
fn floats_hash_as_hashfloat8extended_says_in_all_widths() {
    let keys = [0.0, -0.0, 1.5, -2.25, 1e300, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 0.1, 5e-324];
    let pinned = [
        SEED,
        SEED,
        0xd8c6_ab58_25f8_a79e,
        0x93f0_d55e_81b2_4862,
        0x0da1_0bda_2c48_c2ef,
        0xbb05_75fd_234c_41fc,
        0x6e02_aad7_b917_576b,
        0xa621_16ad_7d2d_4f85,
        0x726d_e982_2f31_2d13,
        0x1f7a_ce00_9cc7_2753,
    ];
    assert_eq!(hashed(&[column(Values::F64(&keys), keys.len())]), pinned.map(alone));
    assert_eq!(hashed(&[column(Values::F32(&[0.1, 1.5]), 2)]), [0xa25b_74bf_4770_29e9, pinned[2]].map(alone));
}

#[test]
fn bool_hashes_as_a_char() {
    let bits = [0b01_u8];
    let found = hashed(&[column(Values::Boolean(Bitmap::new(&bits, 0, 2)), 2)]);
    assert_eq!(found, [0x52d6_2105_8124_e6d5, 0xc2e3_4bda_39f0_f0cd].map(alone));
}

#[test]
fn columns_are_combined_in_order_and_nulls_add_nothing() {
    let (numbers, bits) = ([42_i64, 7, 42, 7], [0b0101_u8]);
    let offsets = [0, 1, 2, 2, 2];
    let number = Keys::new(Values::I64(&numbers), Some(Bitmap::new(&bits, 0, 4)), 4).unwrap();
    let letters = [0b0011_u8];
    let validity = Some(Bitmap::new(&letters, 0, 4));
    let letter = Keys::new(Values::Bytes32 { offsets: &offsets, data: b"aa" }, validity, 4).unwrap();
    let (of_number, of_letter) = (0x6632_18bc_fb84_b17f, 0xa2f2_40f8_823b_a67b);
    // Rows: (42, a), (null, a), (42, null), (null, null).
    let both = combine(combine(0, of_number), of_letter);
    assert_eq!(hashed(&[number.clone(), letter.clone()]), [both, alone(of_letter), alone(of_number), 0]);
    assert_ne!(hashed(&[letter, number])[0], both);
}

#[test]
fn what_postgresql_hashes_from_another_form_is_refused() {
    let message = |values: Values<'_>| {
        let keys = [column(values, 1)];
        hash_keys(&keys, HashFunction::parse("postgres", 0).unwrap(), 1, 0, &mut [0]).unwrap_err().to_string()
    };
    assert!(message(Values::Date32(&[1])).contains("text and binary; dates are hashed"));
    assert!(message(Values::Time64(&[1], TimeUnit::Microsecond)).contains("times and timestamps"));
    assert!(message(Values::Decimal(Decimals::I64(&[1]), 2)).contains("decimals"));
    assert!(message(Values::U64(&[1 << 63])).contains("row 0 is 9223372036854775808, beyond PostgreSQL's bigint"));
}
