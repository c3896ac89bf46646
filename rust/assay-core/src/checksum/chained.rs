//! MD5 and SHA-256 of one stream, as fast as one chain of steps allows.
//!
//! Each step waits for the one before, so that nothing but a shorter step is faster. In MD5 everything that does not
//! depend on the last step is added before it, which the compiler, left alone, does in another order; SHA-256 has
//! instructions of its own. Many messages at once are another matter ([`crate::hash::digest`]). Source: RFC 1321;
//! FIPS 180-4; Gulley et al. 2013, "Intel SHA Extensions".

use crate::hash::digest::MD5_SINES as SINES;
#[cfg(target_arch = "x86_64")]
use crate::hash::digest::SHA256_CONSTANTS;

const BLOCK: usize = 64;

/// Chains blocks of 64 bytes.
pub trait Compress {
    /// Words of state.
    type State: Copy + AsRef<[u32]>;
    /// The state of no blocks.
    const START: Self::State;
    /// Whether words have their greatest byte first.
    const BIG_ENDIAN: bool;
    /// The state after some blocks.
    fn compress(state: Self::State, blocks: &[[u8; BLOCK]]) -> Self::State;
}

/// A digest in the making.
#[derive(Debug, Clone)]
pub struct Stream<C: Compress> {
    state: C::State,
    len: u64,
    waiting: [u8; BLOCK],
}

impl<C: Compress> Default for Stream<C> {
    fn default() -> Self {
        Self { state: C::START, len: 0, waiting: [0; BLOCK] }
    }
}

impl<C: Compress> Stream<C> {
    fn count(&self) -> usize {
        (self.len % BLOCK as u64) as usize
    }

    /// Appends `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        let (count, mut rest) = (self.count(), bytes);
        self.len = self.len.wrapping_add(bytes.len() as u64);
        if count > 0 {
            let (head, tail) = rest.split_at((BLOCK - count).min(rest.len()));
            self.waiting[count..count + head.len()].copy_from_slice(head);
            if count + head.len() < BLOCK {
                return;
            }
            self.state = C::compress(self.state, &[self.waiting]);
            rest = tail;
        }
        let (blocks, tail) = rest.as_chunks();
        self.state = C::compress(self.state, blocks);
        self.waiting[..tail.len()].copy_from_slice(tail);
    }

    /// The digest of the bytes so far.
    #[must_use]
    pub fn value(&self) -> Vec<u8> {
        let (count, bits) = (self.count(), self.len.wrapping_mul(8));
        let mut end = [[0; BLOCK]; 2];
        let flat = end.as_flattened_mut();
        flat[..count].copy_from_slice(&self.waiting[..count]);
        flat[count] = 0x80;
        // The length stands at the end of the block that has room for it.
        let blocks = if count < BLOCK - 8 { 1 } else { 2 };
        let length = if C::BIG_ENDIAN { bits.to_be_bytes() } else { bits.to_le_bytes() };
        flat[blocks * BLOCK - 8..blocks * BLOCK].copy_from_slice(&length);
        let state = C::compress(self.state, &end[..blocks]);
        let bytes = |word: &u32| if C::BIG_ENDIAN { word.to_be_bytes() } else { word.to_le_bytes() };
        state.as_ref().iter().flat_map(bytes).collect()
    }
}

/// MD5.
#[derive(Debug, Clone)]
pub struct Md5;

/// The same value, which the compiler takes for a new one: sums before it stay before it.
#[inline(always)]
fn settled(value: u32) -> u32 {
    #[cfg(target_arch = "x86_64")]
    {
        let mut value = value;
        // SAFETY: the text is a comment: no instruction is there, and no memory, stack or flag is touched.
        unsafe { std::arch::asm!("/* {0:e} */", inout(reg) value, options(pure, nomem, nostack, preserves_flags)) };
        value
    }
    #[cfg(not(target_arch = "x86_64"))]
    value
}

impl Compress for Md5 {
    type State = [u32; 4];
    const START: Self::State = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
    const BIG_ENDIAN: bool = false;

    fn compress(state: Self::State, blocks: &[[u8; BLOCK]]) -> Self::State {
        let [mut a, mut b, mut c, mut d] = state;
        for block in blocks {
            let bytes = block.as_chunks::<4>().0;
            let words: [u32; 16] = std::array::from_fn(|index| u32::from_le_bytes(bytes[index]));
            let before = [a, b, c, d];
            // What is ready early is added first; `$late` waits for the step before.
            macro_rules! step {
                (f, $a:ident, $b:ident, $c:ident, $d:ident, $sum:expr) => {
                    $sum.wrapping_add((($c ^ $d) & $b) ^ $d)
                };
                (g, $a:ident, $b:ident, $c:ident, $d:ident, $sum:expr) => {
                    settled($sum.wrapping_add(!$d & $c)).wrapping_add($d & $b)
                };
                (h, $a:ident, $b:ident, $c:ident, $d:ident, $sum:expr) => {
                    $sum.wrapping_add(($c ^ $d) ^ $b)
                };
                (i, $a:ident, $b:ident, $c:ident, $d:ident, $sum:expr) => {
                    $sum.wrapping_add((!$d | $b) ^ $c)
                };
            }
            macro_rules! steps {
                ($kind:ident, $first:literal, $stride:literal, $start:literal, $rotations:expr) => {
                    for four in 0..4 {
                        let at = |index: usize| {
                            let step = 4 * four + index;
                            words[($stride * step + $start) % 16].wrapping_add(SINES[$first + step])
                        };
                        let [first, second, third, fourth]: [u32; 4] = $rotations;
                        let sum = settled(a.wrapping_add(at(0)));
                        a = step!($kind, a, b, c, d, sum).rotate_left(first).wrapping_add(b);
                        let sum = settled(d.wrapping_add(at(1)));
                        d = step!($kind, d, a, b, c, sum).rotate_left(second).wrapping_add(a);
                        let sum = settled(c.wrapping_add(at(2)));
                        c = step!($kind, c, d, a, b, sum).rotate_left(third).wrapping_add(d);
                        let sum = settled(b.wrapping_add(at(3)));
                        b = step!($kind, b, c, d, a, sum).rotate_left(fourth).wrapping_add(c);
                    }
                };
            }
            steps!(f, 0, 1, 0, [7, 12, 17, 22]);
            steps!(g, 16, 5, 1, [5, 9, 14, 20]);
            steps!(h, 32, 3, 5, [4, 11, 16, 23]);
            steps!(i, 48, 7, 0, [6, 10, 15, 21]);
            let sums = [a, b, c, d];
            [a, b, c, d] = std::array::from_fn(|index| sums[index].wrapping_add(before[index]));
        }
        [a, b, c, d]
    }
}

/// SHA-256 by the SHA instructions.
#[cfg(target_arch = "x86_64")]
#[derive(Debug, Clone)]
pub struct Sha256(());

#[cfg(target_arch = "x86_64")]
impl Sha256 {
    /// Whether the instructions are there, and left to us.
    #[must_use]
    pub fn is_available() -> bool {
        use crate::lanes::{Path, allows};
        use std::sync::OnceLock;
        static AVAILABLE: OnceLock<bool> = OnceLock::new();
        *AVAILABLE.get_or_init(|| {
            let is_there = is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1");
            is_there && allows(Path::Avx2)
        })
    }
}

/// The constants of four rounds at a time.
#[cfg(target_arch = "x86_64")]
const ROOTS: [[u32; 4]; 16] = {
    let (mut fours, mut round) = ([[0; 4]; 16], 0);
    while round < 64 {
        fours[round / 4][round % 4] = SHA256_CONSTANTS[round];
        round += 1;
    }
    fours
};

#[cfg(target_arch = "x86_64")]
impl Compress for Sha256 {
    type State = [u32; 8];
    const START: Self::State =
        [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
    const BIG_ENDIAN: bool = true;

    fn compress(state: Self::State, blocks: &[[u8; BLOCK]]) -> Self::State {
        assert!(Self::is_available(), "SHA-256 is chosen only where its instructions are");
        // SAFETY: they are there.
        unsafe { sha256(state, blocks) }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn sha256(mut state: [u32; 8], blocks: &[[u8; BLOCK]]) -> [u32; 8] {
    use std::arch::x86_64::*;

    // SAFETY: 16 bytes are there; the load needs no alignment.
    let load = |words: &[u32; 4]| unsafe { _mm_loadu_si128(words.as_ptr().cast()) };
    // SAFETY: as above.
    let bytes = |part: &[u8; 16]| unsafe { _mm_loadu_si128(part.as_ptr().cast()) };
    let swap = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    let (halves, _) = state.as_chunks_mut::<4>();
    // The instructions take the state as (a, b, e, f) and (c, d, g, h).
    let cdab = _mm_shuffle_epi32::<0xb1>(load(&halves[0]));
    let efgh = _mm_shuffle_epi32::<0x1b>(load(&halves[1]));
    let mut abef = _mm_alignr_epi8::<8>(cdab, efgh);
    let mut cdgh = _mm_blend_epi16::<0xf0>(efgh, cdab);
    for block in blocks {
        let before = [abef, cdgh];
        let (parts, _) = block.as_chunks::<16>();
        let mut words: [__m128i; 4] = std::array::from_fn(|part| _mm_shuffle_epi8(bytes(&parts[part]), swap));
        // Unrolled, so that words stay in registers.
        macro_rules! rounds {
            ($($four:literal)*) => {$(
                let at = $four % 4;
                let sum = _mm_add_epi32(words[at], load(&ROOTS[$four]));
                cdgh = _mm_sha256rnds2_epu32(cdgh, abef, sum);
                abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32::<0x0e>(sum));
                if $four < 12 {
                    let (next, before_last, last) = (words[(at + 1) % 4], words[(at + 2) % 4], words[(at + 3) % 4]);
                    let mixed = _mm_sha256msg1_epu32(words[at], next);
                    let mixed = _mm_add_epi32(mixed, _mm_alignr_epi8::<4>(last, before_last));
                    words[at] = _mm_sha256msg2_epu32(mixed, last);
                }
            )*};
        }
        rounds!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        abef = _mm_add_epi32(abef, before[0]);
        cdgh = _mm_add_epi32(cdgh, before[1]);
    }
    let (feba, dchg) = (_mm_shuffle_epi32::<0x1b>(abef), _mm_shuffle_epi32::<0xb1>(cdgh));
    let found = [_mm_blend_epi16::<0xf0>(feba, dchg), _mm_alignr_epi8::<8>(dchg, feba)];
    for (half, word) in halves.iter_mut().zip(found) {
        // SAFETY: 16 bytes are there; the store needs no alignment.
        unsafe { _mm_storeu_si128(half.as_mut_ptr().cast(), word) };
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::md5::Digest as _;

    fn of<C: Compress>(bytes: &[u8], cut: usize) -> Vec<u8> {
        let mut stream = Stream::<C>::default();
        bytes.chunks(cut).for_each(|part| stream.update(part));
        stream.value()
    }

    #[test]
    fn the_crates_agree_at_every_length_and_cut() {
        let bytes: Vec<u8> = (0..1500_u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 23) as u8).collect();
        for len in (0..300).chain((300..1500).step_by(29)) {
            let part = &bytes[..len];
            for cut in [1, 63, 64, 65, 1500] {
                assert_eq!(of::<Md5>(part, cut), ::md5::Md5::digest(part).to_vec(), "md5 of {len} bytes by {cut}");
                #[cfg(target_arch = "x86_64")]
                if Sha256::is_available() {
                    assert_eq!(of::<Sha256>(part, cut), sha2::Sha256::digest(part).to_vec(), "{len} bytes by {cut}");
                }
            }
        }
    }
}
