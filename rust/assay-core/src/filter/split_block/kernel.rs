//! The loops of split blocks: fetch the blocks of some keys ahead, then set or test eight bits of each at once.
//!
//! One key a register of 256 bits with AVX2; two keys a register with AVX-512, each of whose answers is a byte, compared
//! 64 at a time. While one batch is tested, the blocks of the next one are fetched. Loops are plain: a closure within a
//! function compiled for wide registers may be compiled without them. Every path is tested against the portable one.

use super::{Block, bits_of};
#[cfg(target_arch = "x86_64")]
use crate::filter::batch::place;
use crate::filter::batch::{BATCH, place_of};
use crate::lanes::Path;
use crate::memory::prefetch;

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
                    let block = &mut blocks[place_of(*hash, blocks.len())];
                    block.0.iter_mut().zip(bits_of(*hash)).for_each(|(word, bit)| *word |= bit);
                }
            }
        }
    }
}

/// Sets bit i of `held` if all bits of hash i are set.
pub fn probe(path: Path, blocks: &[Block], hashes: &[u64], held: &mut [u64]) {
    assert!(held.len() >= hashes.len().div_ceil(BATCH), "a bit for each hash");
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
                    let block = &blocks[place_of(*hash, blocks.len())];
                    let all = block.0.iter().zip(bits_of(*hash)).all(|(word, bit)| word & bit != 0);
                    held | u64::from(all) << index
                });
            }
        }
    }
}

fn fetch(blocks: &[Block], batch: &[u64]) {
    batch.iter().for_each(|hash| prefetch(&blocks[place_of(*hash, blocks.len())]));
}

/// The salts twice, for two keys side by side.
#[cfg(target_arch = "x86_64")]
static SALTS: [u32; 16] = {
    let mut twice = [0; 16];
    let mut index = 0;
    while index < 16 {
        twice[index] = super::SALTS[index % 8];
        index += 1;
    }
    twice
};

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        __m256i, _mm256_load_si256, _mm256_loadu_si256, _mm256_mullo_epi32, _mm256_or_si256, _mm256_set1_epi32,
        _mm256_sllv_epi32, _mm256_srli_epi32, _mm256_store_si256, _mm256_testc_si256,
    };

    use super::{BATCH, Block, SALTS, place};

    #[target_feature(enable = "avx2")]
    #[inline]
    fn bits(hash: u64) -> __m256i {
        // SAFETY: there are sixteen salts, and the load may be anywhere.
        let salts = unsafe { _mm256_loadu_si256(SALTS.as_ptr().cast()) };
        let products = _mm256_mullo_epi32(_mm256_set1_epi32((hash as u32).cast_signed()), salts);
        _mm256_sllv_epi32(_mm256_set1_epi32(1), _mm256_srli_epi32::<27>(products))
    }

    #[target_feature(enable = "avx2")]
    pub fn insert(blocks: &mut [Block], hashes: &[u64]) {
        let mut places = [[0; BATCH]; 2];
        place(blocks, &hashes[..hashes.len().min(BATCH)], &mut places[0]);
        for start in (0..hashes.len()).step_by(BATCH) {
            let [end, next] = [hashes.len().min(start + BATCH), hashes.len().min(start + 2 * BATCH)];
            let [ours, theirs] = &mut places;
            place(blocks, &hashes[end..next], theirs);
            for (hash, place) in hashes[start..end].iter().zip(ours.iter()) {
                let block: *mut __m256i = std::ptr::from_mut(&mut blocks[*place as usize]).cast();
                // SAFETY: a block is 32 bytes, aligned to 32, and borrowed mutably here.
                unsafe { _mm256_store_si256(block, _mm256_or_si256(_mm256_load_si256(block), bits(*hash))) };
            }
            places.swap(0, 1);
        }
    }

    #[target_feature(enable = "avx2")]
    pub fn probe(blocks: &[Block], hashes: &[u64], held: &mut [u64]) {
        let mut places = [[0; BATCH]; 2];
        place(blocks, &hashes[..hashes.len().min(BATCH)], &mut places[0]);
        for start in (0..hashes.len()).step_by(BATCH) {
            let [end, next] = [hashes.len().min(start + BATCH), hashes.len().min(start + 2 * BATCH)];
            let [ours, theirs] = &mut places;
            place(blocks, &hashes[end..next], theirs);
            let mut answers = 0_u64;
            for (index, (hash, place)) in hashes[start..end].iter().zip(ours.iter()).enumerate() {
                let block: *const __m256i = std::ptr::from_ref(&blocks[*place as usize]).cast();
                // SAFETY: a block is 32 bytes, aligned to 32, and borrowed here.
                let all = unsafe { _mm256_testc_si256(_mm256_load_si256(block), bits(*hash)) };
                answers |= u64::from(all.cast_unsigned()) << index;
            }
            held[start / BATCH] = answers;
            places.swap(0, 1);
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m256i, __m512i, _mm256_load_si256, _mm256_or_si256, _mm256_set1_epi32, _mm256_store_si256,
        _mm512_castsi256_si512, _mm512_castsi512_si256, _mm512_extracti64x4_epi64, _mm512_inserti64x4,
        _mm512_loadu_si512, _mm512_mullo_epi32, _mm512_set1_epi32, _mm512_sllv_epi32, _mm512_srli_epi32,
        _mm512_test_epi32_mask,
    };

    use super::{BATCH, Block, SALTS, place};

    /// The bits of two hashes, side by side.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,bmi1,bmi2")]
    #[inline]
    fn bits(first: u64, second: u64) -> __m512i {
        // SAFETY: there are sixteen salts, and the load may be anywhere.
        let salts = unsafe { _mm512_loadu_si512(SALTS.as_ptr().cast()) };
        let first = _mm512_castsi256_si512(_mm256_set1_epi32((first as u32).cast_signed()));
        let both = _mm512_inserti64x4::<1>(first, _mm256_set1_epi32((second as u32).cast_signed()));
        let products = _mm512_mullo_epi32(both, salts);
        _mm512_sllv_epi32(_mm512_set1_epi32(1), _mm512_srli_epi32::<27>(products))
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,bmi1,bmi2")]
    #[inline]
    fn set(block: &mut Block, bits: __m256i) {
        let block: *mut __m256i = std::ptr::from_mut(block).cast();
        // SAFETY: a block is 32 bytes, aligned to 32, and borrowed mutably here.
        unsafe { _mm256_store_si256(block, _mm256_or_si256(_mm256_load_si256(block), bits)) };
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,bmi1,bmi2")]
    #[inline]
    fn load(block: &Block) -> __m256i {
        // SAFETY: a block is 32 bytes, aligned to 32, and borrowed here.
        unsafe { _mm256_load_si256(std::ptr::from_ref(block).cast()) }
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,bmi1,bmi2")]
    pub fn insert(blocks: &mut [Block], hashes: &[u64]) {
        let mut places = [[0; BATCH]; 2];
        place(blocks, &hashes[..hashes.len().min(BATCH)], &mut places[0]);
        for start in (0..hashes.len()).step_by(BATCH) {
            let [end, next] = [hashes.len().min(start + BATCH), hashes.len().min(start + 2 * BATCH)];
            let [ours, theirs] = &mut places;
            place(blocks, &hashes[end..next], theirs);
            let batch = &hashes[start..end];
            for index in (0..batch.len()).step_by(2) {
                // An odd last key is set twice, which changes nothing.
                let other = (batch.len() - 1).min(index + 1);
                let bits = bits(batch[index], batch[other]);
                set(&mut blocks[ours[index] as usize], _mm512_castsi512_si256(bits));
                set(&mut blocks[ours[other] as usize], _mm512_extracti64x4_epi64::<1>(bits));
            }
            places.swap(0, 1);
        }
    }

    #[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,bmi1,bmi2")]
    pub fn probe(blocks: &[Block], hashes: &[u64], held: &mut [u64]) {
        let mut places = [[0; BATCH]; 2];
        place(blocks, &hashes[..hashes.len().min(BATCH)], &mut places[0]);
        for start in (0..hashes.len()).step_by(BATCH) {
            let [end, next] = [hashes.len().min(start + BATCH), hashes.len().min(start + 2 * BATCH)];
            let [ours, theirs] = &mut places;
            place(blocks, &hashes[end..next], theirs);
            let batch = &hashes[start..end];
            let mut answers = 0_u64;
            for index in (0..batch.len()).step_by(2) {
                let other = (batch.len() - 1).min(index + 1);
                let first = _mm512_castsi256_si512(load(&blocks[ours[index] as usize]));
                let found = _mm512_inserti64x4::<1>(first, load(&blocks[ours[other] as usize]));
                // A bit for each of sixteen words that has its bit; a key is held if its eight words have theirs.
                let words = _mm512_test_epi32_mask(found, bits(batch[index], batch[other]));
                let pair = u64::from(words & 0xff == 0xff) | u64::from(words >> 8 == 0xff) << 1;
                answers |= pair << index;
            }
            held[start / BATCH] = answers;
            places.swap(0, 1);
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
