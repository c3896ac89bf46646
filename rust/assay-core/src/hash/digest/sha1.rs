//! SHA-1 of many messages at once. Source: FIPS 180-4, section 6.1.

use super::kernel::{Chained, kernels};
use super::vector::{Few, Vector};
#[cfg(target_arch = "x86_64")]
use super::x86::{Eight, Sixteen};

/// The function of blocks.
pub struct Sha1;

impl<V: Vector<Word = u32>> Chained<V, 5> for Sha1 {
    const BIG_ENDIAN: bool = true;
    const INITIAL: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];

    #[inline(always)]
    fn compress(state: [V; 5], w: &mut [V; 16]) -> [V; 5] {
        let [mut a, mut b, mut c, mut d, mut e] = state;
        macro_rules! step {
            ($a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $i:expr, $f:ident, $k:literal) => {
                if $i >= 16 {
                    // Word i comes from those 3, 8, 14 and 16 before; only the last 16 are kept.
                    let mixed = w[($i + 13) % 16].parity(w[($i + 8) % 16], w[($i + 2) % 16]).xor(w[$i % 16]);
                    w[$i % 16] = mixed.rotate::<31>();
                }
                let sum = $e.add(w[$i % 16]).add(V::splat($k)).add($f!($b, $c, $d));
                $e = $a.rotate::<27>().add(sum);
                $b = $b.rotate::<2>();
            };
        }
        macro_rules! steps {
            ($first:literal, $f:ident, $k:literal) => {
                steps!(@five $first, $f, $k);
                steps!(@five $first + 5, $f, $k);
                steps!(@five $first + 10, $f, $k);
                steps!(@five $first + 15, $f, $k);
            };
            (@five $i:expr, $f:ident, $k:literal) => {
                step!(a, b, c, d, e, $i, $f, $k);
                step!(e, a, b, c, d, $i + 1, $f, $k);
                step!(d, e, a, b, c, $i + 2, $f, $k);
                step!(c, d, e, a, b, $i + 3, $f, $k);
                step!(b, c, d, e, a, $i + 4, $f, $k);
            };
        }
        macro_rules! choose {
            ($x:ident, $y:ident, $z:ident) => {
                $y.select($z, $x)
            };
        }
        macro_rules! parity {
            ($x:ident, $y:ident, $z:ident) => {
                $x.parity($y, $z)
            };
        }
        macro_rules! majority {
            ($x:ident, $y:ident, $z:ident) => {
                $x.majority($y, $z)
            };
        }
        steps!(0, choose, 0x5a82_7999);
        steps!(20, parity, 0x6ed9_eba1);
        steps!(40, majority, 0x8f1b_bcdc);
        steps!(60, parity, 0xca62_c1d6);
        [state[0].add(a), state[1].add(b), state[2].add(c), state[3].add(d), state[4].add(e)]
    }
}

kernels!(Sha1, 5, Sixteen, Eight, Few<u32, 4>, worth: [6, 5, usize::MAX]);
