//! The loops of split blocks: fetch the blocks of some keys ahead, then set or test eight bits of each at once.
//!
//! One key a register of 256 bits with AVX2, two keys a register with AVX-512, whose answers are compared 64 at a time.
//! Every path is tested against the portable one.

use super::{Block, bits_of, block_of};
use crate::lanes::Path;
use crate::memory::prefetch;

/// Keys that are fetched ahead of those being tested.
const BATCH: usize = 64;

/// Sets the bits of each hash.
pub fn insert(path: Path, blocks: &mut [Block], hashes: &[u64]) {
    match path {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a path is there only where the processor has its instructions.
        Path::Avx512 => unsafe { avx512::insert(blocks, hashes) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Path::Avx2 => unsafe { avx2::insert(blocks, hashes) },
        Path::Portable => {
            for batch in hashes.chunks(BATCH) {
                fetch(blocks, batch);
                for hash in batch {
                    let block = &mut blocks[block_of(*hash, blocks.len())];
                    block.0.iter_mut().zip(bits_of(*hash)).for_each(|(word, bit)| *word |= bit);
                }
            }
        }
    }
}

/// Sets bit i of `held` if all bits of hash i are set.
pub fn probe(path: Path, blocks: &[Block], hashes: &[u64], held: &mut [u64]) {
    assert!(held.len() >= hashes.len().div_ceil(64), "a bit for each hash");
    match path {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a path is there only where the processor has its instructions.
        Path::Avx512 => unsafe { avx512::probe(blocks, hashes, held) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Path::Avx2 => unsafe { avx2::probe(blocks, hashes, held) },
        Path::Portable => {
            for (batch, out) in hashes.chunks(BATCH).zip(held) {
                fetch(blocks, batch);
                *out = batch.iter().enumerate().fold(0, |held, (index, hash)| {
                    let block = &blocks[block_of(*hash, blocks.len())];
                    let all = block.0.iter().zip(bits_of(*hash)).all(|(word, bit)| word & bit != 0);
                    held | u64::from(all) << index
                });
            }
        }
    }
}

#[inline]
fn fetch(blocks: &[Block], batch: &[u64]) {
    batch.iter().for_each(|hash| prefetch(&blocks[block_of(*hash, blocks.len())]));
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256i, _mm256_load_si256, _mm256_mullo_epi32, _mm256_or_si256, _mm256_set1_epi32, _mm256_setr_epi32,
        _mm256_sllv_epi32, _mm256_srli_epi32, _mm256_store_si256, _mm256_testc_si256,
    };

    use super::super::{Block, SALTS, block_of};
    use super::{BATCH, fetch};

    #[target_feature(enable = "avx2")]
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn bits(hash: u64) -> __m256i {
        let [a, b, c, d, e, f, g, h] = SALTS.map(u32::cast_signed);
        let salts = _mm256_setr_epi32(a, b, c, d, e, f, g, h);
        let products = _mm256_mullo_epi32(_mm256_set1_epi32((hash as u32).cast_signed()), salts);
        _mm256_sllv_epi32(_mm256_set1_epi32(1), _mm256_srli_epi32::<27>(products))
    }

    #[target_feature(enable = "avx2")]
    pub fn insert(blocks: &mut [Block], hashes: &[u64]) {
        let mut batches = hashes.chunks(BATCH).peekable();
        batches.peek().iter().for_each(|first| fetch(blocks, first));
        while let Some(batch) = batches.next() {
            batches.peek().iter().for_each(|next| fetch(blocks, next));
            for hash in batch {
                let count = blocks.len();
                let block: *mut __m256i = std::ptr::from_mut(&mut blocks[block_of(*hash, count)]).cast();
                // SAFETY: a block is 32 bytes, aligned to 32, and borrowed mutably here.
                unsafe { _mm256_store_si256(block, _mm256_or_si256(_mm256_load_si256(block), bits(*hash))) };
            }
        }
    }

    #[target_feature(enable = "avx2")]
    pub fn probe(blocks: &[Block], hashes: &[u64], held: &mut [u64]) {
        let mut batches = hashes.chunks(BATCH).peekable();
        batches.peek().iter().for_each(|first| fetch(blocks, first));
        for out in held {
            let Some(batch) = batches.next() else { return };
            batches.peek().iter().for_each(|next| fetch(blocks, next));
            let mut answers = 0;
            for (index, hash) in batch.iter().enumerate() {
                let block: *const __m256i = std::ptr::from_ref(&blocks[block_of(*hash, blocks.len())]).cast();
                // SAFETY: a block is 32 bytes, aligned to 32, and borrowed here.
                let all = unsafe { _mm256_testc_si256(_mm256_load_si256(block), bits(*hash)) };
                answers |= u64::from(all.cast_unsigned()) << index;
            }
            *out = answers;
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m512i, _mm256_load_si256, _mm256_or_si256, _mm256_set1_epi32, _mm256_store_si256, _mm512_castsi256_si512,
        _mm512_castsi512_si256, _mm512_extracti64x4_epi64, _mm512_inserti64x4, _mm512_mullo_epi32, _mm512_set1_epi32,
        _mm512_setr_epi32, _mm512_sllv_epi32, _mm512_srli_epi32, _mm512_test_epi32_mask,
    };

    use super::super::{Block, SALTS, block_of};
    use super::{BATCH, fetch};

    /// The bits of two hashes, side by side.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,bmi1,bmi2")]
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn bits(first: u64, second: u64) -> __m512i {
        let [a, b, c, d, e, f, g, h] = SALTS.map(u32::cast_signed);
        let salts = _mm512_setr_epi32(a, b, c, d, e, f, g, h, a, b, c, d, e, f, g, h);
        let first = _mm512_castsi256_si512(_mm256_set1_epi32((first as u32).cast_signed()));
        let both = _mm512_inserti64x4::<1>(first, _mm256_set1_epi32((second as u32).cast_signed()));
        let products = _mm512_mullo_epi32(both, salts);
        _mm512_sllv_epi32(_mm512_set1_epi32(1), _mm512_srli_epi32::<27>(products))
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,bmi1,bmi2")]
    pub fn insert(blocks: &mut [Block], hashes: &[u64]) {
        let count = blocks.len();
        let mut batches = hashes.chunks(BATCH).peekable();
        batches.peek().iter().for_each(|first| fetch(blocks, first));
        while let Some(batch) = batches.next() {
            batches.peek().iter().for_each(|next| fetch(blocks, next));
            // An odd last key is set twice, which changes nothing.
            for pair in batch.chunks(2) {
                let (first, second) = (pair[0], pair[pair.len() - 1]);
                let bits = bits(first, second);
                let halves = [(first, _mm512_castsi512_si256(bits)), (second, _mm512_extracti64x4_epi64::<1>(bits))];
                for (hash, bits) in halves {
                    let block = std::ptr::from_mut(&mut blocks[block_of(hash, count)]).cast();
                    // SAFETY: a block is 32 bytes, aligned to 32, and borrowed mutably here.
                    unsafe { _mm256_store_si256(block, _mm256_or_si256(_mm256_load_si256(block), bits)) };
                }
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,bmi1,bmi2")]
    pub fn probe(blocks: &[Block], hashes: &[u64], held: &mut [u64]) {
        let load = |hash: u64| {
            let block = std::ptr::from_ref(&blocks[block_of(hash, blocks.len())]).cast();
            // SAFETY: a block is 32 bytes, aligned to 32, and borrowed here.
            unsafe { _mm256_load_si256(block) }
        };
        let mut batches = hashes.chunks(BATCH).peekable();
        batches.peek().iter().for_each(|first| fetch(blocks, first));
        for out in held {
            let Some(batch) = batches.next() else { return };
            batches.peek().iter().for_each(|next| fetch(blocks, next));
            // Eight bits for each key: whether each of its words has its bit.
            let mut words = [0_u16; BATCH / 2];
            for (pair, answers) in batch.chunks(2).zip(&mut words) {
                let (first, second) = (pair[0], pair[pair.len() - 1]);
                let found = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(load(first)), load(second));
                *answers = _mm512_test_epi32_mask(found, bits(first, second));
            }
            *out = words.iter().enumerate().fold(0, |held, (index, both)| {
                let [first, second] = both.to_le_bytes().map(|bits| u64::from(bits == u8::MAX));
                held | (first | second << 1) << (2 * index)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_path_sets_and_finds_the_same_bits(
            hashes in proptest::collection::vec(any::<u64>(), 0..300),
            others in proptest::collection::vec(any::<u64>(), 0..300),
            count in 1_usize..60,
        ) {
            let mut expected = vec![Block::default(); count];
            insert(Path::Portable, &mut expected, &hashes);
            let asked = [hashes.clone(), others].concat();
            let low = |held: &[u64]| (0..asked.len()).map(|index| held[index / 64] >> (index % 64) & 1).collect::<Vec<_>>();
            let mut answers = vec![0; asked.len().div_ceil(64)];
            probe(Path::Portable, &expected, &asked, &mut answers);
            prop_assert!(low(&answers)[..hashes.len()].iter().all(|bit| *bit == 1));
            for path in Path::available() {
                let mut blocks = vec![Block::default(); count];
                insert(path, &mut blocks, &hashes);
                prop_assert_eq!(&blocks, &expected, "{:?}", path);
                let mut held = vec![u64::MAX; asked.len().div_ceil(64)];
                probe(path, &blocks, &asked, &mut held);
                prop_assert_eq!(low(&held), low(&answers), "{:?}", path);
            }
        }
    }
}
