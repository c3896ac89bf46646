//! CRCs by folding: carry-less products move what was read over what comes next, 16 to 64 bytes at a time.
//!
//! An accumulator holds a polynomial that is congruent to the bytes so far; multiplied by x^d it moves d bits on, where
//! the next bytes are added. As d is far beyond the width, x^d is reduced first: a product of 64 by 64 bits for each
//! half. Eight accumulators side by side hide the products' latency. At the end they are joined into 128 bits, which
//! tables reduce. Source: Gopal et al. 2009, "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ
//! Instruction"; for reflected bits, section "bit reflection".

use super::field::Field;

/// How the bytes are gone over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kernel {
    /// Eight bytes at a time by tables: any processor.
    Tables,
    /// Products of 128-bit registers.
    #[cfg(target_arch = "x86_64")]
    Folding128,
    /// Two products at once (VPCLMULQDQ).
    #[cfg(target_arch = "x86_64")]
    Folding256,
    /// Four products at once (VPCLMULQDQ with AVX-512).
    #[cfg(target_arch = "x86_64")]
    Folding512,
}

impl Kernel {
    /// The kernels that this processor can run, the widest first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            use crate::lanes::Path;
            let paths = Path::available();
            let vector = is_x86_feature_detected!("vpclmulqdq");
            let narrow = is_x86_feature_detected!("pclmulqdq") && is_x86_feature_detected!("sse4.1");
            let known = [
                (Self::Folding512, vector && narrow && paths.contains(&Path::Avx512)),
                (Self::Folding256, vector && narrow && paths.contains(&Path::Avx2)),
                (Self::Folding128, narrow),
            ];
            found.extend(known.into_iter().filter(|(_, is_there)| *is_there).map(|(kernel, _)| kernel));
        }
        found.push(Self::Tables);
        found
    }

    /// The widest kernel whose instructions are left to us.
    #[must_use]
    pub fn widest() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            use crate::lanes::{Path, allows};
            use std::sync::OnceLock;
            static WIDEST: OnceLock<Kernel> = OnceLock::new();
            *WIDEST.get_or_init(|| {
                let is_left = |kernel: &Self| match kernel {
                    Self::Folding512 => allows(Path::Avx512),
                    Self::Folding256 | Self::Folding128 => allows(Path::Avx2),
                    Self::Tables => true,
                };
                Self::available().into_iter().find(is_left).unwrap_or(Self::Tables)
            })
        }
        #[cfg(not(target_arch = "x86_64"))]
        Self::Tables
    }
}

/// A CRC's field with the multipliers of every distance that folds.
#[derive(Debug)]
pub struct Folding {
    field: Field,
    /// By how many bits [`DISTANCES`] says: what multiplies the earlier and the later half.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))] // elsewhere the portable loop needs no multipliers
    by: [[u64; 2]; DISTANCES.len()],
}

/// Distances in bits: 128 times 1, 2, 3, 4, 8, 16 and 32.
const DISTANCES: [u32; 7] = [128, 256, 384, 512, 1024, 2048, 4096];

impl Folding {
    /// All that follows from a reflected polynomial.
    #[must_use]
    pub const fn new(polynomial: u64, width: u32) -> Self {
        let field = Field::new(polynomial, width);
        let (mut by, mut at) = ([[0; 2]; DISTANCES.len()], 0);
        while at < DISTANCES.len() {
            // A product of reflected words is one power of x too low for a reflected double word.
            by[at] = [field.wide_power(DISTANCES[at] + 63), field.wide_power(DISTANCES[at] - 1)];
            at += 1;
        }
        Self { field, by }
    }

    /// The field.
    #[must_use]
    pub const fn field(&self) -> &Field {
        &self.field
    }

    /// The state after `bytes`, by a kernel that [`Kernel::available`] gave.
    #[must_use]
    pub fn update(&self, kernel: Kernel, state: u64, bytes: &[u8]) -> u64 {
        #[cfg(target_arch = "x86_64")]
        if bytes.len() >= x86::LEAST_BYTES {
            let folded = match kernel {
                // SAFETY: the kernel is there only where the processor has its instructions.
                Kernel::Folding512 => Some(unsafe { x86::fold512(&self.by, state, bytes) }),
                // SAFETY: as above.
                Kernel::Folding256 => Some(unsafe { x86::fold256(&self.by, state, bytes) }),
                // SAFETY: as above.
                Kernel::Folding128 => Some(unsafe { x86::fold128(&self.by, state, bytes) }),
                Kernel::Tables => None,
            };
            if let Some((last, done)) = folded {
                let state = self.field.by_table(0, &last.to_le_bytes());
                return self.field.by_table(state, &bytes[done..]);
            }
        }
        let _ = kernel;
        self.field.by_table(state, bytes)
    }
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::DISTANCES;
    use std::arch::x86_64::*;

    /// What the widest kernel reads before it folds anything.
    pub const LEAST_BYTES: usize = 64;

    type Multipliers = [[u64; 2]; DISTANCES.len()];

    /// The multipliers of a distance of so many times 128 bits.
    #[inline(always)]
    fn of(by: &Multipliers, times: u32) -> [u64; 2] {
        let at = match times {
            1 => 0,
            2 => 1,
            3 => 2,
            4 => 3,
            8 => 4,
            16 => 5,
            _ => 6,
        };
        by[at]
    }

    #[inline]
    #[target_feature(enable = "pclmulqdq,sse4.1")]
    fn load128(bytes: &[u8], at: usize) -> __m128i {
        let part = &bytes[at..at + 16];
        // SAFETY: 16 bytes are there; the load needs no alignment.
        unsafe { _mm_loadu_si128(part.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "pclmulqdq,sse4.1")]
    fn multipliers128(by: &Multipliers, times: u32) -> __m128i {
        let [low, high] = of(by, times);
        _mm_set_epi64x(high.cast_signed(), low.cast_signed())
    }

    #[inline]
    #[target_feature(enable = "pclmulqdq,sse4.1")]
    fn step128(accumulator: __m128i, by: __m128i, next: __m128i) -> __m128i {
        let low = _mm_clmulepi64_si128::<0x00>(accumulator, by);
        _mm_xor_si128(_mm_xor_si128(low, _mm_clmulepi64_si128::<0x11>(accumulator, by)), next)
    }

    /// What is left of whole 16 bytes from `at` on, folded into one; and where it ends.
    #[inline]
    #[target_feature(enable = "pclmulqdq,sse4.1")]
    fn finish128(by: &Multipliers, mut one: __m128i, bytes: &[u8], mut at: usize) -> (u128, usize) {
        let next = multipliers128(by, 1);
        while at + 16 <= bytes.len() {
            one = step128(one, next, load128(bytes, at));
            at += 16;
        }
        let low = _mm_cvtsi128_si64(one).cast_unsigned();
        let high = _mm_extract_epi64::<1>(one).cast_unsigned();
        (u128::from(high) << 64 | u128::from(low), at)
    }

    /// Eight accumulators over the bytes, joined pair by pair; then one register at a time.
    ///
    /// `$times` is how many 128 bits a register holds.
    macro_rules! folded {
        ($by:ident, $bytes:ident, $first:expr, $times:literal, $load:ident, $multipliers:ident, $step:ident) => {{
            const REGISTER: usize = $times * 16;
            let (mut one, mut at) = ($first, REGISTER);
            if $bytes.len() >= 16 * REGISTER {
                let far = $multipliers($by, 8 * $times);
                let mut many = [one; 8];
                for (index, slot) in many.iter_mut().enumerate().skip(1) {
                    *slot = $load($bytes, index * REGISTER);
                }
                at = 8 * REGISTER;
                while at + 8 * REGISTER <= $bytes.len() {
                    // One bound for eight loads.
                    let part = &$bytes[at..at + 8 * REGISTER];
                    for (index, slot) in many.iter_mut().enumerate() {
                        *slot = $step(*slot, far, $load(part, index * REGISTER));
                    }
                    at += 8 * REGISTER;
                }
                for half in [4, 2, 1] {
                    let by = $multipliers($by, half as u32 * $times);
                    for index in 0..half {
                        many[index] = $step(many[index], by, many[index + half]);
                    }
                }
                one = many[0];
            }
            let next = $multipliers($by, $times);
            while at + REGISTER <= $bytes.len() {
                one = $step(one, next, $load($bytes, at));
                at += REGISTER;
            }
            (one, at)
        }};
    }

    /// The bytes up to the returned place as 128 bits congruent to them.
    #[target_feature(enable = "pclmulqdq,sse4.1")]
    pub fn fold128(by: &Multipliers, state: u64, bytes: &[u8]) -> (u128, usize) {
        let first = _mm_xor_si128(load128(bytes, 0), _mm_cvtsi64_si128(state.cast_signed()));
        let (one, at) = folded!(by, bytes, first, 1, load128, multipliers128, step128);
        finish128(by, one, bytes, at)
    }

    #[inline]
    #[target_feature(enable = "avx2,vpclmulqdq,pclmulqdq,sse4.1")]
    fn load256(bytes: &[u8], at: usize) -> __m256i {
        let part = &bytes[at..at + 32];
        // SAFETY: 32 bytes are there; the load needs no alignment.
        unsafe { _mm256_loadu_si256(part.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx2,vpclmulqdq,pclmulqdq,sse4.1")]
    fn multipliers256(by: &Multipliers, times: u32) -> __m256i {
        _mm256_broadcastsi128_si256(multipliers128(by, times))
    }

    #[inline]
    #[target_feature(enable = "avx2,vpclmulqdq,pclmulqdq,sse4.1")]
    fn step256(accumulator: __m256i, by: __m256i, next: __m256i) -> __m256i {
        let low = _mm256_clmulepi64_epi128::<0x00>(accumulator, by);
        _mm256_xor_si256(_mm256_xor_si256(low, _mm256_clmulepi64_epi128::<0x11>(accumulator, by)), next)
    }

    /// As [`fold128`].
    #[target_feature(enable = "avx2,vpclmulqdq,pclmulqdq,sse4.1")]
    pub fn fold256(by: &Multipliers, state: u64, bytes: &[u8]) -> (u128, usize) {
        let state = _mm256_zextsi128_si256(_mm_cvtsi64_si128(state.cast_signed()));
        let first = _mm256_xor_si256(load256(bytes, 0), state);
        let (one, at) = folded!(by, bytes, first, 2, load256, multipliers256, step256);
        let (early, late) = (_mm256_castsi256_si128(one), _mm256_extracti128_si256::<1>(one));
        finish128(by, step128(early, multipliers128(by, 1), late), bytes, at)
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx2,vpclmulqdq,pclmulqdq,sse4.1")]
    fn load512(bytes: &[u8], at: usize) -> __m512i {
        let part = &bytes[at..at + 64];
        // SAFETY: 64 bytes are there; the load needs no alignment.
        unsafe { _mm512_loadu_si512(part.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx2,vpclmulqdq,pclmulqdq,sse4.1")]
    fn multipliers512(by: &Multipliers, times: u32) -> __m512i {
        _mm512_broadcast_i32x4(multipliers128(by, times))
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx2,vpclmulqdq,pclmulqdq,sse4.1")]
    fn step512(accumulator: __m512i, by: __m512i, next: __m512i) -> __m512i {
        let low = _mm512_clmulepi64_epi128::<0x00>(accumulator, by);
        let high = _mm512_clmulepi64_epi128::<0x11>(accumulator, by);
        _mm512_ternarylogic_epi64::<0x96>(low, high, next)
    }

    /// As [`fold128`].
    #[target_feature(enable = "avx512f,avx512vl,avx512dq,avx2,vpclmulqdq,pclmulqdq,sse4.1")]
    pub fn fold512(by: &Multipliers, state: u64, bytes: &[u8]) -> (u128, usize) {
        let state = _mm512_zextsi128_si512(_mm_cvtsi64_si128(state.cast_signed()));
        let first = _mm512_xor_si512(load512(bytes, 0), state);
        let (one, at) = folded!(by, bytes, first, 4, load512, multipliers512, step512);
        // The first three lanes move over the last one, each as far as it lies before it.
        let mut joined = _mm512_extracti32x4_epi32::<3>(one);
        joined = step128(_mm512_extracti32x4_epi32::<2>(one), multipliers128(by, 1), joined);
        joined = step128(_mm512_extracti32x4_epi32::<1>(one), multipliers128(by, 2), joined);
        joined = step128(_mm512_castsi512_si128(one), multipliers128(by, 3), joined);
        finish128(by, joined, bytes, at)
    }
}
