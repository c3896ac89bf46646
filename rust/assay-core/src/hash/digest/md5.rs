//! MD5 of many messages at once.
//!
//! Each of the 64 steps waits for the one before, so that one message leaves most of a processor idle; two registers
//! of messages go through the steps side by side. Source: RFC 1321, section 3.4.

use super::kernel::{Chained, kernels};
#[cfg(target_arch = "x86_64")]
use super::vector::Pair;
use super::vector::{Few, Vector};
#[cfg(target_arch = "x86_64")]
use super::x86::{Eight, Sixteen};

/// ⌊2^32 · |sin(i + 1)|⌋, i in radians.
#[rustfmt::skip]
pub const SINES: [u32; 64] = [
    0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee, 0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501,
    0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be, 0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821,
    0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa, 0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8,
    0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed, 0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a,
    0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c, 0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
    0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05, 0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665,
    0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039, 0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1,
    0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1, 0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
];

/// The function of blocks.
pub struct Md5;

impl<V: Vector<Word = u32>> Chained<V, 4> for Md5 {
    const BIG_ENDIAN: bool = false;
    const INITIAL: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

    #[inline(always)]
    fn compress(state: [V; 4], words: &mut [V; 16]) -> [V; 4] {
        let [mut a, mut b, mut c, mut d] = state;
        // a = b + (a + f(b, c, d) + word + sine, rotated to the left by `shift`).
        macro_rules! step {
            ($a:ident, $b:ident, $c:ident, $d:ident, $word:expr, $sine:expr, $shift:literal, $f:ident) => {
                let sum = $a.add(words[$word % 16]).add(V::splat(SINES[$sine])).add($f!($b, $c, $d));
                $a = sum.rotate::<{ 32 - $shift }>().add($b);
            };
        }
        // Step i of a round reads word (i · stride + first) mod 16; RFC 1321 lists them.
        macro_rules! round {
            ($round:literal, $stride:literal, $first:literal, $f:ident, $shifts:tt) => {
                round!(@four $round, $stride, $first, $f, 0, $shifts);
                round!(@four $round, $stride, $first, $f, 4, $shifts);
                round!(@four $round, $stride, $first, $f, 8, $shifts);
                round!(@four $round, $stride, $first, $f, 12, $shifts);
            };
            (@four $round:literal, $stride:literal, $first:literal, $f:ident, $i:literal, [$s0:literal, $s1:literal, $s2:literal, $s3:literal]) => {
                step!(a, b, c, d, $i * $stride + $first, 16 * $round + $i, $s0, $f);
                step!(d, a, b, c, ($i + 1) * $stride + $first, 16 * $round + $i + 1, $s1, $f);
                step!(c, d, a, b, ($i + 2) * $stride + $first, 16 * $round + $i + 2, $s2, $f);
                step!(b, c, d, a, ($i + 3) * $stride + $first, 16 * $round + $i + 3, $s3, $f);
            };
        }
        macro_rules! f {
            ($x:ident, $y:ident, $z:ident) => {
                $y.select($z, $x)
            };
        }
        macro_rules! g {
            ($x:ident, $y:ident, $z:ident) => {
                $x.select($y, $z)
            };
        }
        macro_rules! h {
            ($x:ident, $y:ident, $z:ident) => {
                $x.parity($y, $z)
            };
        }
        macro_rules! i {
            ($x:ident, $y:ident, $z:ident) => {
                V::unlike($x, $y, $z)
            };
        }
        round!(0, 1, 0, f, [7, 12, 17, 22]);
        round!(1, 5, 1, g, [5, 9, 14, 20]);
        round!(2, 3, 5, h, [4, 11, 16, 23]);
        round!(3, 7, 0, i, [6, 10, 15, 21]);
        [state[0].add(a), state[1].add(b), state[2].add(c), state[3].add(d)]
    }
}

kernels!(Md5, 4, Pair<Sixteen>, Pair<Eight>, Few<u32, 4>, worth: [4, 3, 3]);
