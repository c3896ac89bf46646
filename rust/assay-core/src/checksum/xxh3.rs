//! XXH3 of long bytes: stripes of 64 bytes into eight lanes, at the speed of memory.
//!
//! Idea: each stripe is mixed with a part of the secret that moves on by eight bytes; after 16 stripes, a block of
//! 1024 bytes, the lanes are scrambled; at the end they meet the last 64 bytes, however those lie, and are folded. The
//! loop is there for each set of instructions ([`crate::lanes`]). Up to 240 bytes the formulas without a loop of
//! [`crate::hash::xxh3_64`] hold. Source: xxHash specification, `doc/xxhash_spec.md`, "XXH3" (Yann Collet).

use crate::hash::HashKey;
use crate::hash::read::{fold, word};
use crate::hash::xxh3::{
    MIDDLE_HIGH, PRIME_32_2, PRIME_64_1, PRIME_64_2, PRIME_64_3, PRIME_64_4, SECRET, avalanche, secret,
};
use crate::hash::xxh3_64::Xxh3_64;
use crate::lanes::Path;

const PRIME_32_1: u64 = 0x9e37_79b1;
const PRIME_32_3: u64 = 0xc2b2_ae3d;
const PRIME_64_5: u64 = 0x27d4_eb2f_1656_67c5;

const STRIPE: usize = 64;
const BLOCK: usize = 1024;

type Lanes = [u64; 8];

const START: Lanes = [PRIME_32_3, PRIME_64_1, PRIME_64_2, PRIME_64_3, PRIME_64_4, PRIME_32_2, PRIME_64_5, PRIME_32_1];

/// The secret as words: stripe k of a block meets the eight from k on.
const WORDS: [u64; 24] = {
    let (mut words, mut at) = ([0; 24], 0);
    while at < 24 {
        words[at] = secret(8 * at);
        at += 1;
    }
    words
};

#[inline(always)]
fn accumulate(lanes: &mut Lanes, stripe: &[u8; STRIPE], key: &[u64; 8]) {
    let words = stripe.as_chunks::<8>().0;
    let mut data = [0; 8];
    for lane in 0..8 {
        data[lane] = u64::from_le_bytes(words[lane]);
        let mixed = data[lane] ^ key[lane];
        lanes[lane] = lanes[lane].wrapping_add((mixed & 0xffff_ffff).wrapping_mul(mixed >> 32));
    }
    for lane in 0..8 {
        lanes[lane ^ 1] = lanes[lane ^ 1].wrapping_add(data[lane]);
    }
}

/// The part of the secret that stripe `number` of a block meets; number 16 is what scrambles the block.
#[inline(always)]
fn key(number: usize) -> &'static [u64; 8] {
    WORDS[number..].first_chunk().expect("sixteen stripes leave eight words")
}

/// Mixes whole blocks of 1024 bytes, each of which is scrambled, and the whole stripes after them.
fn mix(path: Path, lanes: &mut Lanes, bytes: &[u8]) {
    let (blocks, rest) = bytes.as_chunks();
    let stripes = rest.as_chunks().0;
    match path {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the path is there only where the processor has its instructions.
        Path::Avx512 => unsafe { x86::mix512(lanes, blocks, stripes) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Path::Avx2 => unsafe { x86::mix256(lanes, blocks, stripes) },
        Path::Portable => portable(lanes, blocks, stripes),
    }
}

fn portable(lanes: &mut Lanes, blocks: &[[u8; BLOCK]], stripes: &[[u8; STRIPE]]) {
    for block in blocks {
        for (number, stripe) in block.as_chunks().0.iter().enumerate() {
            accumulate(lanes, stripe, key(number));
        }
        for (lane, word) in lanes.iter_mut().zip(key(16)) {
            *lane = (*lane ^ (*lane >> 47) ^ word).wrapping_mul(PRIME_32_1);
        }
    }
    for (number, stripe) in stripes.iter().enumerate() {
        accumulate(lanes, stripe, key(number));
    }
}

/// The same by intrinsics: the compiler's own vectors are half as fast.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::{BLOCK, Lanes, PRIME_32_1, STRIPE, key};
    use std::arch::x86_64::*;

    const PRIME: i32 = (PRIME_32_1 as u32).cast_signed();

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2")]
    fn words512(words: &[u64; 8]) -> __m512i {
        // SAFETY: 64 bytes are there; the load needs no alignment.
        unsafe { _mm512_loadu_si512(words.as_ptr().cast()) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2")]
    fn stripe512(lanes: __m512i, stripe: &[u8; STRIPE], key: __m512i) -> __m512i {
        // SAFETY: as above.
        let data = unsafe { _mm512_loadu_si512(stripe.as_ptr().cast()) };
        let mixed = _mm512_xor_si512(data, key);
        let product = _mm512_mul_epu32(mixed, _mm512_srli_epi64::<32>(mixed));
        _mm512_add_epi64(lanes, _mm512_add_epi64(product, _mm512_shuffle_epi32::<0b01_00_11_10>(data)))
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2")]
    pub fn mix512(lanes: &mut Lanes, blocks: &[[u8; BLOCK]], stripes: &[[u8; STRIPE]]) {
        let mut found = words512(lanes);
        let keys: [__m512i; 17] = std::array::from_fn(|number| words512(key(number)));
        for block in blocks {
            for (number, stripe) in block.as_chunks().0.iter().enumerate() {
                found = stripe512(found, stripe, keys[number]);
            }
            let mixed = _mm512_xor_si512(found, _mm512_srli_epi64::<47>(found));
            found = _mm512_mullo_epi64(_mm512_xor_si512(mixed, keys[16]), _mm512_set1_epi64(PRIME_32_1.cast_signed()));
        }
        for (number, stripe) in stripes.iter().enumerate() {
            found = stripe512(found, stripe, keys[number]);
        }
        // SAFETY: 64 bytes are there; the store needs no alignment.
        unsafe { _mm512_storeu_si512(lanes.as_mut_ptr().cast(), found) };
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn words256(words: &[u64; 8]) -> [__m256i; 2] {
        let (halves, _) = words.as_chunks::<4>();
        // SAFETY: 32 bytes are there each; the loads need no alignment.
        std::array::from_fn(|half| unsafe { _mm256_loadu_si256(halves[half].as_ptr().cast()) })
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn stripe256(lanes: &mut [__m256i; 2], stripe: &[u8; STRIPE], key: [__m256i; 2]) {
        let (halves, _) = stripe.as_chunks::<32>();
        for half in 0..2 {
            // SAFETY: as above.
            let data = unsafe { _mm256_loadu_si256(halves[half].as_ptr().cast()) };
            let mixed = _mm256_xor_si256(data, key[half]);
            let product = _mm256_mul_epu32(mixed, _mm256_srli_epi64::<32>(mixed));
            let added = _mm256_add_epi64(product, _mm256_shuffle_epi32::<0b01_00_11_10>(data));
            lanes[half] = _mm256_add_epi64(lanes[half], added);
        }
    }

    #[target_feature(enable = "avx2")]
    pub fn mix256(lanes: &mut Lanes, blocks: &[[u8; BLOCK]], stripes: &[[u8; STRIPE]]) {
        let mut found = words256(lanes);
        let prime = _mm256_set1_epi32(PRIME);
        for block in blocks {
            for (number, stripe) in block.as_chunks().0.iter().enumerate() {
                stripe256(&mut found, stripe, words256(key(number)));
            }
            for (lane, key) in found.iter_mut().zip(words256(key(16))) {
                let mixed = _mm256_xor_si256(_mm256_xor_si256(*lane, _mm256_srli_epi64::<47>(*lane)), key);
                // A product of 64 by 32 bits, from two of 32 by 32.
                let high = _mm256_mul_epu32(_mm256_srli_epi64::<32>(mixed), prime);
                *lane = _mm256_add_epi64(_mm256_mul_epu32(mixed, prime), _mm256_slli_epi64::<32>(high));
            }
        }
        for (number, stripe) in stripes.iter().enumerate() {
            stripe256(&mut found, stripe, words256(key(number)));
        }
        for (half, lane) in lanes.as_chunks_mut::<4>().0.iter_mut().zip(found) {
            // SAFETY: 32 bytes are there; the store needs no alignment.
            unsafe { _mm256_storeu_si256(half.as_mut_ptr().cast(), lane) };
        }
    }
}

fn merged(lanes: &Lanes, at: usize, start: u64) -> u64 {
    let pair = |index: usize| {
        let (left, right) = (word(&SECRET, at + 16 * index), word(&SECRET, at + 16 * index + 8));
        fold(lanes[2 * index] ^ left, lanes[2 * index + 1] ^ right)
    };
    avalanche((0..4).fold(start, |sum, index| sum.wrapping_add(pair(index))))
}

/// The whole blocks that are mixed and scrambled: the last bytes, up to a block, wait for the end.
fn whole_blocks(len: usize) -> usize {
    len.saturating_sub(1) / BLOCK
}

/// What the lanes give for `len` bytes, of which `last` are the last 64: all whole stripes before the end are mixed.
fn ended(mut lanes: Lanes, len: u64, last: &[u8; STRIPE]) -> u64 {
    // The last stripe meets the secret seven bytes before its end.
    accumulate(&mut lanes, last, &std::array::from_fn(|lane| word(&SECRET, SECRET.len() - STRIPE - 7 + 8 * lane)));
    merged(&lanes, 11, len.wrapping_mul(PRIME_64_1))
}

/// XXH3 with 64 bits and seed 0.
#[must_use]
pub fn xxh3_64(bytes: &[u8]) -> u64 {
    xxh3_64_on(Path::widest(), bytes)
}

fn xxh3_64_on(path: Path, bytes: &[u8]) -> u64 {
    if bytes.len() <= MIDDLE_HIGH {
        return Xxh3_64::new(0).bytes(bytes);
    }
    let mut lanes = START;
    mix(path, &mut lanes, &bytes[..(bytes.len() - 1) / STRIPE * STRIPE]);
    ended(lanes, bytes.len() as u64, bytes.last_chunk().expect("there are more than 240 bytes"))
}

/// XXH3 with 64 bits and seed 0 in the making.
#[derive(Debug, Clone)]
pub struct Stream {
    lanes: Lanes,
    len: u64,
    /// The last 64 bytes before those that wait.
    before: [u8; STRIPE],
    /// Bytes that wait for more, or for the end; of any bytes at least one waits.
    waiting: [u8; BLOCK],
    count: usize,
}

impl Default for Stream {
    fn default() -> Self {
        Self { lanes: START, len: 0, before: [0; STRIPE], waiting: [0; BLOCK], count: 0 }
    }
}

impl Stream {
    fn blocks(&mut self, blocks: &[u8]) {
        if let Some(last) = blocks.last_chunk() {
            mix(Path::widest(), &mut self.lanes, blocks);
            self.before = *last;
        }
    }

    /// Appends `bytes`.
    pub fn update(&mut self, mut bytes: &[u8]) {
        self.len = self.len.wrapping_add(bytes.len() as u64);
        if self.count + bytes.len() > BLOCK && self.count > 0 {
            let (head, tail) = bytes.split_at(BLOCK - self.count);
            self.waiting[self.count..].copy_from_slice(head);
            let block = self.waiting;
            self.blocks(&block);
            (self.count, bytes) = (0, tail);
        }
        if self.count == 0 {
            let (blocks, rest) = bytes.split_at(whole_blocks(bytes.len()) * BLOCK);
            self.blocks(blocks);
            bytes = rest;
        }
        self.waiting[self.count..self.count + bytes.len()].copy_from_slice(bytes);
        self.count += bytes.len();
    }

    /// The hash of the bytes so far.
    #[must_use]
    pub fn value(&self) -> u64 {
        let rest = &self.waiting[..self.count];
        if self.len <= MIDDLE_HIGH as u64 {
            return Xxh3_64::new(0).bytes(rest);
        }
        let last = rest.last_chunk().copied().unwrap_or_else(|| {
            let mut last = [0; STRIPE];
            let kept = STRIPE - rest.len();
            last[..kept].copy_from_slice(&self.before[rest.len()..]);
            last[kept..].copy_from_slice(rest);
            last
        });
        let mut lanes = self.lanes;
        mix(Path::widest(), &mut lanes, &rest[..(rest.len() - 1) / STRIPE * STRIPE]);
        ended(lanes, self.len, &last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(len: u32) -> Vec<u8> {
        (0..len).map(|index| (index.wrapping_mul(2_654_435_761) >> 23) as u8).collect()
    }

    #[test]
    fn another_implementation_agrees_at_every_length_on_every_path() {
        let bytes = some(9000);
        for len in (0..2200).chain((2200..9000).step_by(37)) {
            let expected = twox_hash::XxHash3_64::oneshot(&bytes[..len]);
            for path in Path::available() {
                assert_eq!(xxh3_64_on(path, &bytes[..len]), expected, "{len} bytes, {path:?}");
            }
        }
    }

    #[test]
    fn cuts_do_not_change_the_value() {
        let bytes = some(5000);
        for (len, cut) in (0..5000).step_by(41).zip((1..3000).step_by(29).cycle()) {
            let mut stream = Stream::default();
            bytes[..len].chunks(cut).for_each(|part| stream.update(part));
            stream.update(b"");
            assert_eq!(stream.value(), xxh3_64(&bytes[..len]), "{len} bytes by {cut}");
        }
        for len in [1023, 1024, 1025, 1087, 1088, 2047, 2048, 2049] {
            let mut stream = Stream::default();
            bytes[..len].iter().for_each(|byte| stream.update(&[*byte]));
            assert_eq!(stream.value(), xxh3_64(&bytes[..len]), "{len} bytes one by one");
        }
    }
}
