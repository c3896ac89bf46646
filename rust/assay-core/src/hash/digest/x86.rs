//! Words in the wide registers of x86-64: AVX2 and AVX-512.
//!
//! Rotations and functions of three words are single instructions in AVX-512; blocks are transposed as they are
//! loaded, and the ends of messages are loaded under a mask. Values of these types are made only by kernels that
//! [`super::kernel`] gives where the processor has AVX2, or AVX-512 F, BW and VL: that is why the intrinsics here are
//! sound, and no function of this module is called from elsewhere.
#![allow(clippy::cast_possible_wrap, clippy::cast_sign_loss, clippy::cast_possible_truncation)]
// An iterator over registers is a function of its own, compiled without the wide instructions.
#![allow(clippy::needless_range_loop, clippy::manual_memcpy)]

use std::arch::x86_64::*;

use super::vector::{Digested, Tail, Vector, Word, pad};

/// What both widths and both kinds of words say alike.
macro_rules! common {
    ($kind:ty, $lanes:literal, $register:ty, $add:ident, $xor:ident, $loadu:ident, $shuffle:ident) => {
        type Word = $kind;
        const LANES: usize = $lanes;

        #[inline(always)]
        fn from_fn(word: impl Fn(usize) -> $kind + Copy) -> Self {
            let mut words: [$kind; $lanes] = [0; $lanes];
            for (lane, slot) in words.iter_mut().enumerate() {
                *slot = word(lane);
            }
            // SAFETY: the module's promise; the array is as wide as the register.
            Self(unsafe { $loadu(words.as_ptr().cast()) })
        }

        #[inline(always)]
        fn add(self, other: Self) -> Self {
            // SAFETY: the module's promise.
            Self(unsafe { $add(self.0, other.0) })
        }

        #[inline(always)]
        fn xor(self, other: Self) -> Self {
            // SAFETY: the module's promise.
            Self(unsafe { $xor(self.0, other.0) })
        }

        #[inline(always)]
        fn reverse(self) -> Self {
            const ORDER: [u8; size_of::<$register>()] = {
                let mut order = [0; size_of::<$register>()];
                let mut at = 0;
                while at < order.len() {
                    // A shuffle counts within 16 bytes.
                    order[at] = (at % 16) as u8 ^ (size_of::<$kind>() as u8 - 1);
                    at += 1;
                }
                order
            };
            // SAFETY: the module's promise; the array is as wide as the register.
            Self(unsafe { $shuffle(self.0, $loadu(ORDER.as_ptr().cast())) })
        }

        #[inline(always)]
        fn store_word(self, at: usize, out: &mut [Digested]) {
            // SAFETY: a register is as wide as so many words, and every bit pattern is one.
            let words: [$kind; $lanes] = unsafe { std::mem::transmute(self.0) };
            for (word, out) in words.iter().zip(out) {
                word.write(&mut out[at..at + size_of::<$kind>()]);
            }
        }
    };
}

macro_rules! avx512 {
    ($kind:ty, $signed:ty, $set1:ident, $ternary:ident, $ror:ident, $srl:ident) => {
        #[inline(always)]
        fn splat(word: $kind) -> Self {
            // SAFETY: the module's promise.
            Self(unsafe { $set1(word as $signed) })
        }

        #[inline(always)]
        fn select(self, other: Self, mask: Self) -> Self {
            // SAFETY: the module's promise.
            Self(unsafe { $ternary::<0xCA>(mask.0, self.0, other.0) })
        }

        #[inline(always)]
        fn parity(self, y: Self, z: Self) -> Self {
            // SAFETY: the module's promise.
            Self(unsafe { $ternary::<0x96>(self.0, y.0, z.0) })
        }

        #[inline(always)]
        fn majority(self, y: Self, z: Self) -> Self {
            // SAFETY: the module's promise.
            Self(unsafe { $ternary::<0xE8>(self.0, y.0, z.0) })
        }

        #[inline(always)]
        fn unlike(x: Self, y: Self, z: Self) -> Self {
            // SAFETY: the module's promise.
            Self(unsafe { $ternary::<0x39>(x.0, y.0, z.0) })
        }

        #[inline(always)]
        fn rotate<const BITS: u32>(self) -> Self {
            // SAFETY: the module's promise.
            Self(unsafe { $ror(self.0, $set1(<$signed>::from(BITS as i32))) })
        }

        #[inline(always)]
        fn shift<const BITS: u32>(self) -> Self {
            // SAFETY: the module's promise.
            Self(unsafe { $srl(self.0, $set1(<$signed>::from(BITS as i32))) })
        }
    };
}

macro_rules! avx2 {
    ($kind:ty, $signed:ty, $set1:ident, $sll:ident, $srl:ident) => {
        #[inline(always)]
        fn splat(word: $kind) -> Self {
            // SAFETY: the module's promise.
            Self(unsafe { $set1(word as $signed) })
        }

        #[inline(always)]
        fn select(self, other: Self, mask: Self) -> Self {
            // SAFETY: the module's promise.
            Self(unsafe { _mm256_xor_si256(_mm256_and_si256(_mm256_xor_si256(self.0, other.0), mask.0), other.0) })
        }

        #[inline(always)]
        fn unlike(x: Self, y: Self, z: Self) -> Self {
            // SAFETY: the module's promise.
            let not = unsafe { _mm256_xor_si256(z.0, _mm256_set1_epi64x(-1)) };
            // SAFETY: as above.
            Self(unsafe { _mm256_xor_si256(y.0, _mm256_or_si256(x.0, not)) })
        }

        #[inline(always)]
        fn rotate<const BITS: u32>(self) -> Self {
            let (right, left) = (BITS as i32, <$kind>::BITS as i32 - BITS as i32);
            // SAFETY: the module's promise.
            Self(unsafe {
                _mm256_or_si256($srl(self.0, $set1(<$signed>::from(right))), $sll(self.0, $set1(<$signed>::from(left))))
            })
        }

        #[inline(always)]
        fn shift<const BITS: u32>(self) -> Self {
            // SAFETY: the module's promise.
            Self(unsafe { $srl(self.0, $set1(<$signed>::from(BITS as i32))) })
        }
    };
}

/// 16 words of 32 bits.
#[derive(Debug, Clone, Copy)]
pub struct Sixteen(__m512i);
/// Eight words of 64 bits.
#[derive(Debug, Clone, Copy)]
pub struct EightLong(__m512i);
/// Eight words of 32 bits.
#[derive(Debug, Clone, Copy)]
pub struct Eight(__m256i);
/// Four words of 64 bits.
#[derive(Debug, Clone, Copy)]
pub struct FourLong(__m256i);

/// 64 bytes of a row.
#[inline(always)]
fn whole(row: &[u8]) -> __m512i {
    let row: &[u8] = &row[..64];
    // SAFETY: the module's promise; 64 bytes are there.
    unsafe { _mm512_loadu_si512(row.as_ptr().cast()) }
}

/// At most 64 bytes of a row, zeros after them, and 0x80 first among these.
#[inline(always)]
fn partial<const MARK: bool>(tail: Tail<'_>) -> __m512i {
    let count = tail.bytes.len();
    debug_assert!(count <= 64);
    let mask = if count >= 64 { !0 } else { (1 << count) - 1 };
    // SAFETY: the module's promise; bytes outside of the mask, which `count` bytes fill, are not read.
    let bytes = unsafe { _mm512_maskz_loadu_epi8(mask, tail.bytes.as_ptr().cast()) };
    if !MARK {
        return bytes;
    }
    let mark = if count >= 64 { 0 } else { u64::from(tail.ends) << count };
    // SAFETY: the module's promise.
    unsafe { _mm512_mask_blend_epi8(mark, bytes, _mm512_set1_epi8(-128)) }
}

/// As [`partial`] for at most 16 bytes; without room for 0x80 there is none.
#[inline(always)]
fn quarter<const MARK: bool>(tail: Tail<'_>) -> __m128i {
    let count = tail.bytes.len();
    debug_assert!(count <= 16);
    // SAFETY: the module's promise; bytes outside of the mask, which `count` bytes fill, are not read.
    let bytes = unsafe { _mm_maskz_loadu_epi8(((1_u32 << count) - 1) as u16, tail.bytes.as_ptr().cast()) };
    if !MARK {
        return bytes;
    }
    let mark = (u32::from(tail.ends) << count) as u16;
    // SAFETY: the module's promise.
    unsafe { _mm_mask_blend_epi8(mark, bytes, _mm_set1_epi8(-128)) }
}

/// Four registers of four rows each, of four words of 32 bits, transposed: rows 4k + j stand in quarter k of register j.
#[inline(always)]
fn transpose_quarters([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
    // SAFETY: the module's promise.
    unsafe {
        let (low, high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
        let (low_next, high_next) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
        [
            _mm512_unpacklo_epi64(low, low_next),
            _mm512_unpackhi_epi64(low, low_next),
            _mm512_unpacklo_epi64(high, high_next),
            _mm512_unpackhi_epi64(high, high_next),
        ]
    }
}

/// The quarters of four registers, transposed.
#[inline(always)]
fn transpose_by_quarters([a, b, c, d]: [__m512i; 4]) -> [__m512i; 4] {
    // SAFETY: the module's promise.
    unsafe {
        let (even, even_next) = (_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0x88>(c, d));
        let (odd, odd_next) = (_mm512_shuffle_i32x4::<0xdd>(a, b), _mm512_shuffle_i32x4::<0xdd>(c, d));
        [
            _mm512_shuffle_i32x4::<0x88>(even, even_next),
            _mm512_shuffle_i32x4::<0x88>(odd, odd_next),
            _mm512_shuffle_i32x4::<0xdd>(even, even_next),
            _mm512_shuffle_i32x4::<0xdd>(odd, odd_next),
        ]
    }
}

/// 16 rows of 16 words of 32 bits, transposed.
#[inline(always)]
fn transpose(rows: &[__m512i; 16], words: &mut [Sixteen; 16]) {
    let mut fours = [[rows[0]; 4]; 4];
    for (four, slot) in fours.iter_mut().enumerate() {
        *slot = transpose_quarters([rows[4 * four], rows[4 * four + 1], rows[4 * four + 2], rows[4 * four + 3]]);
    }
    for word in 0..4 {
        let found = transpose_by_quarters([fours[0][word], fours[1][word], fours[2][word], fours[3][word]]);
        for quarter in 0..4 {
            words[4 * quarter + word] = Sixteen(found[quarter]);
        }
    }
}

impl Vector for Sixteen {
    common!(u32, 16, __m512i, _mm512_add_epi32, _mm512_xor_si512, _mm512_loadu_si512, _mm512_shuffle_epi8);
    avx512!(u32, i32, _mm512_set1_epi32, _mm512_ternarylogic_epi32, _mm512_rorv_epi32, _mm512_srlv_epi32);

    #[inline(always)]
    fn load<'a>(row: impl Fn(usize) -> &'a [u8] + Copy, words: &mut [Self; 16]) {
        let mut rows = [Self::splat(0).0; 16];
        for (lane, slot) in rows.iter_mut().enumerate() {
            *slot = whole(row(lane));
        }
        transpose(&rows, words);
    }

    #[inline(always)]
    fn load_tail<'a, const MARK: bool>(row: impl Fn(usize) -> Tail<'a> + Copy, words: &mut [Self; 16]) {
        let mut longest = 0;
        for lane in 0..16 {
            longest = longest.max(row(lane).bytes.len());
        }
        if longest > 16 {
            let mut rows = [Self::splat(0).0; 16];
            for (lane, slot) in rows.iter_mut().enumerate() {
                *slot = partial::<MARK>(row(lane));
            }
            return transpose(&rows, words);
        }
        let mut rows = [Self::splat(0).0; 4];
        for (first, slot) in rows.iter_mut().enumerate() {
            let (a, b) = (quarter::<MARK>(row(first)), quarter::<MARK>(row(4 + first)));
            let (c, d) = (quarter::<MARK>(row(8 + first)), quarter::<MARK>(row(12 + first)));
            // SAFETY: the module's promise.
            *slot = unsafe {
                let some = _mm512_inserti32x4::<1>(_mm512_castsi128_si512(a), b);
                _mm512_inserti32x4::<3>(_mm512_inserti32x4::<2>(some, c), d)
            };
        }
        *words = [Self::splat(0); 16];
        let found = transpose_quarters(rows);
        for word in 0..4 {
            words[word] = Self(found[word]);
        }
        if MARK {
            words[4] = Self::from_fn(|lane| {
                let tail = row(lane);
                u32::from(tail.ends && tail.bytes.len() == 16) << 7
            });
        }
    }

    #[inline(always)]
    fn store(words: &[Self], at: usize, out: &mut [Digested]) {
        let rows = transpose_quarters([words[0].0, words[1].0, words[2].0, words[3].0]);
        let out = &mut out[..16];
        for first in 0..4 {
            // SAFETY: a register is as wide as four rows of 16 bytes, and every bit pattern is one.
            let quarters: [[u8; 16]; 4] = unsafe { std::mem::transmute(rows[first]) };
            for index in 0..4 {
                let room = out[4 * index + first][at..].first_chunk_mut().expect("a digest has room for its words");
                *room = quarters[index];
            }
        }
    }
}

/// 8 rows of 8 words of 64 bits, transposed.
#[inline(always)]
fn transpose_long(rows: [__m512i; 8]) -> [EightLong; 8] {
    let mut pairs = [[rows[0]; 2]; 4];
    for (pair, slot) in pairs.iter_mut().enumerate() {
        let (first, second) = (rows[2 * pair], rows[2 * pair + 1]);
        // SAFETY: the module's promise.
        *slot = unsafe { [_mm512_unpacklo_epi64(first, second), _mm512_unpackhi_epi64(first, second)] };
    }
    let mut words = [EightLong(rows[0]); 8];
    for word in 0..2 {
        let found = transpose_by_quarters([pairs[0][word], pairs[1][word], pairs[2][word], pairs[3][word]]);
        for quarter in 0..4 {
            words[2 * quarter + word] = EightLong(found[quarter]);
        }
    }
    words
}

impl Vector for EightLong {
    common!(u64, 8, __m512i, _mm512_add_epi64, _mm512_xor_si512, _mm512_loadu_si512, _mm512_shuffle_epi8);
    avx512!(u64, i64, _mm512_set1_epi64, _mm512_ternarylogic_epi64, _mm512_rorv_epi64, _mm512_srlv_epi64);

    #[inline(always)]
    fn load<'a>(row: impl Fn(usize) -> &'a [u8] + Copy, words: &mut [Self; 16]) {
        for half in 0..2 {
            let mut rows = [Self::splat(0).0; 8];
            for (lane, slot) in rows.iter_mut().enumerate() {
                *slot = whole(&row(lane)[64 * half..]);
            }
            words[8 * half..8 * half + 8].copy_from_slice(&transpose_long(rows));
        }
    }

    #[inline(always)]
    fn load_tail<'a, const MARK: bool>(row: impl Fn(usize) -> Tail<'a> + Copy, words: &mut [Self; 16]) {
        for half in 0..2 {
            let mut rows = [Self::splat(0).0; 8];
            for (lane, slot) in rows.iter_mut().enumerate() {
                let Tail { bytes, ends } = row(lane);
                let (front, back) = bytes.split_at(bytes.len().min(64));
                // What ends with the first half has its mark in the second.
                let back = Tail { bytes: back, ends: ends && front.len() == 64 };
                *slot = partial::<MARK>(if half == 1 { back } else { Tail { bytes: front, ends } });
            }
            words[8 * half..8 * half + 8].copy_from_slice(&transpose_long(rows));
        }
    }

    #[inline(always)]
    fn store(words: &[Self], at: usize, out: &mut [Digested]) {
        for (index, word) in words.iter().enumerate() {
            word.store_word(at + 8 * index, out);
        }
    }
}

/// Four registers of two rows each, of four words of 32 bits, transposed within their halves.
#[inline(always)]
fn transpose_halves([a, b, c, d]: [__m256i; 4]) -> [__m256i; 4] {
    // SAFETY: the module's promise.
    unsafe {
        let (low, high) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
        let (low_next, high_next) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
        [
            _mm256_unpacklo_epi64(low, low_next),
            _mm256_unpackhi_epi64(low, low_next),
            _mm256_unpacklo_epi64(high, high_next),
            _mm256_unpackhi_epi64(high, high_next),
        ]
    }
}

/// 8 rows of 8 words of 32 bits, transposed.
#[inline(always)]
fn transpose_eight(rows: [__m256i; 8]) -> [__m256i; 8] {
    let first = transpose_halves([rows[0], rows[1], rows[2], rows[3]]);
    let second = transpose_halves([rows[4], rows[5], rows[6], rows[7]]);
    let mut words = rows;
    for word in 0..4 {
        // SAFETY: the module's promise.
        unsafe {
            words[word] = _mm256_permute2x128_si256::<0x20>(first[word], second[word]);
            words[word + 4] = _mm256_permute2x128_si256::<0x31>(first[word], second[word]);
        }
    }
    words
}

/// 32 bytes of a row, from `at` on.
#[inline(always)]
fn half(row: &[u8], at: usize) -> __m256i {
    let row: &[u8] = &row[at..at + 32];
    // SAFETY: the module's promise; 32 bytes are there.
    unsafe { _mm256_loadu_si256(row.as_ptr().cast()) }
}

impl Vector for Eight {
    common!(u32, 8, __m256i, _mm256_add_epi32, _mm256_xor_si256, _mm256_loadu_si256, _mm256_shuffle_epi8);
    avx2!(u32, i32, _mm256_set1_epi32, _mm256_sllv_epi32, _mm256_srlv_epi32);

    #[inline(always)]
    fn load<'a>(row: impl Fn(usize) -> &'a [u8] + Copy, words: &mut [Self; 16]) {
        for side in 0..2 {
            let mut rows = [Self::splat(0).0; 8];
            for (lane, slot) in rows.iter_mut().enumerate() {
                *slot = half(row(lane), 32 * side);
            }
            let found = transpose_eight(rows);
            for word in 0..8 {
                words[8 * side + word] = Self(found[word]);
            }
        }
    }

    #[inline(always)]
    fn load_tail<'a, const MARK: bool>(row: impl Fn(usize) -> Tail<'a> + Copy, words: &mut [Self; 16]) {
        let mut rooms = [[0; 64]; 8];
        for (lane, room) in rooms.iter_mut().enumerate() {
            pad::<MARK>(row(lane), room);
        }
        Self::load(|lane| &rooms[lane], words);
    }

    #[inline(always)]
    fn store(words: &[Self], at: usize, out: &mut [Digested]) {
        for (index, word) in words.iter().enumerate() {
            word.store_word(at + 4 * index, out);
        }
    }
}

impl Vector for FourLong {
    common!(u64, 4, __m256i, _mm256_add_epi64, _mm256_xor_si256, _mm256_loadu_si256, _mm256_shuffle_epi8);
    avx2!(u64, i64, _mm256_set1_epi64x, _mm256_sllv_epi64, _mm256_srlv_epi64);

    #[inline(always)]
    fn load<'a>(row: impl Fn(usize) -> &'a [u8] + Copy, words: &mut [Self; 16]) {
        for (four, words) in words.chunks_exact_mut(4).enumerate() {
            let (a, b) = (half(row(0), 32 * four), half(row(1), 32 * four));
            let (c, d) = (half(row(2), 32 * four), half(row(3), 32 * four));
            // SAFETY: the module's promise.
            let found = unsafe {
                let (low, high) = (_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
                let (low_next, high_next) = (_mm256_unpacklo_epi64(c, d), _mm256_unpackhi_epi64(c, d));
                [
                    _mm256_permute2x128_si256::<0x20>(low, low_next),
                    _mm256_permute2x128_si256::<0x20>(high, high_next),
                    _mm256_permute2x128_si256::<0x31>(low, low_next),
                    _mm256_permute2x128_si256::<0x31>(high, high_next),
                ]
            };
            for word in 0..4 {
                words[word] = Self(found[word]);
            }
        }
    }

    #[inline(always)]
    fn load_tail<'a, const MARK: bool>(row: impl Fn(usize) -> Tail<'a> + Copy, words: &mut [Self; 16]) {
        let mut rooms = [[0; 128]; 4];
        for (lane, room) in rooms.iter_mut().enumerate() {
            pad::<MARK>(row(lane), room);
        }
        Self::load(|lane| &rooms[lane], words);
    }

    #[inline(always)]
    fn store(words: &[Self], at: usize, out: &mut [Digested]) {
        for (index, word) in words.iter().enumerate() {
            word.store_word(at + 8 * index, out);
        }
    }
}
