//! The loops of cache lines: fetch the lines of some keys ahead, then set or test k bits of each.
//!
//! A probe takes its k words from the line by one permutation of the register (two with AVX2), and its k bits by a
//! rotation. An insertion sets bit by bit in every path: its line is in the nearest cache by then. Every path is tested
//! against the portable one.

use super::{Line, PROBES_HIGH, STEP};
use crate::filter::batch::{BATCH, place, place_of};
use crate::lanes::{Loop, Path};
use crate::memory::prefetch;

/// The powers of the step.
static POWERS: [u32; PROBES_HIGH as usize] = {
    let mut powers = [1; PROBES_HIGH as usize];
    let mut index = 1;
    while index < powers.len() {
        powers[index] = u32::wrapping_mul(powers[index - 1], STEP);
        index += 1;
    }
    powers
};

/// The word and the bit of a probe.
#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
fn position(hash: u64, index: usize) -> (usize, u32) {
    let walk = (hash as u32).wrapping_mul(POWERS[index]);
    ((walk >> 28) as usize, 1 << (walk >> 23 & 31))
}

/// Whether all bits of a hash are set in its line.
#[inline]
pub fn holds(line: &Line, hash: u64, probes: u32) -> bool {
    (0..probes as usize).all(|index| {
        let (word, bit) = position(hash, index);
        line.0[word] & bit != 0
    })
}

fn fetch(lines: &[Line], batch: &[u64]) {
    batch.iter().for_each(|hash| prefetch(&lines[place_of(*hash, lines.len())]));
}

/// Sets the bits of each hash.
pub struct Insert<'a> {
    pub lines: &'a mut [Line],
    pub probes: u32,
    pub hashes: &'a [u64],
}

impl Loop for Insert<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let mut places = [[0; BATCH]; 2];
        place(self.lines, &self.hashes[..self.hashes.len().min(BATCH)], &mut places[0]);
        for start in (0..self.hashes.len()).step_by(BATCH) {
            let end = self.hashes.len().min(start + BATCH);
            let next = self.hashes.len().min(start + 2 * BATCH);
            let [ours, theirs] = &mut places;
            place(self.lines, &self.hashes[end..next], theirs);
            for (hash, place) in self.hashes[start..end].iter().zip(ours.iter()) {
                let line = &mut self.lines[*place as usize];
                for index in 0..self.probes as usize {
                    let (word, bit) = position(*hash, index);
                    line.0[word] |= bit;
                }
            }
            places.swap(0, 1);
        }
    }
}

/// Sets bit i of `held` if all bits of hash i are set.
pub fn probe(path: Path, lines: &[Line], probes: u32, hashes: &[u64], held: &mut [u64]) {
    assert!(held.len() >= hashes.len().div_ceil(BATCH), "a bit for each hash");
    match path {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: a path is there only where the processor has its instructions.
        Path::Avx512 => unsafe { avx512(lines, probes, hashes, held) },
        #[cfg(target_arch = "x86_64")]
        // SAFETY: as above.
        Path::Avx2 => unsafe { avx2(lines, probes, hashes, held) },
        Path::Portable => {
            for (batch, out) in hashes.chunks(BATCH).zip(held) {
                fetch(lines, batch);
                *out = batch.iter().enumerate().fold(0, |held, (index, hash)| {
                    held | u64::from(holds(&lines[place_of(*hash, lines.len())], *hash, probes)) << index
                });
            }
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx2,bmi1,bmi2")]
#[allow(clippy::cast_possible_truncation)]
fn avx512(lines: &[Line], probes: u32, hashes: &[u64], held: &mut [u64]) {
    use std::arch::x86_64::{
        _mm512_load_si512, _mm512_loadu_si512, _mm512_mask_testn_epi32_mask, _mm512_mullo_epi32,
        _mm512_permutexvar_epi32, _mm512_rolv_epi32, _mm512_set1_epi32, _mm512_srli_epi32,
    };
    // SAFETY: there are sixteen powers.
    let powers = unsafe { _mm512_loadu_si512(POWERS.as_ptr().cast()) };
    let asked = ((1_u32 << probes) - 1) as u16;
    let one = _mm512_set1_epi32(1);
    let mut places = [[0; BATCH]; 2];
    place(lines, &hashes[..hashes.len().min(BATCH)], &mut places[0]);
    for start in (0..hashes.len()).step_by(BATCH) {
        let [end, next] = [hashes.len().min(start + BATCH), hashes.len().min(start + 2 * BATCH)];
        let [ours, theirs] = &mut places;
        place(lines, &hashes[end..next], theirs);
        let mut answers = 0_u64;
        for (index, (hash, place)) in hashes[start..end].iter().zip(ours.iter()).enumerate() {
            // SAFETY: a line is 64 bytes, aligned to 64, and borrowed here.
            let line = unsafe { _mm512_load_si512(std::ptr::from_ref(&lines[*place as usize]).cast()) };
            let walk = _mm512_mullo_epi32(_mm512_set1_epi32((*hash as u32).cast_signed()), powers);
            // Rotations count modulo 32, so the bits above the position within a word do not matter.
            let bits = _mm512_rolv_epi32(one, _mm512_srli_epi32::<23>(walk));
            let words = _mm512_permutexvar_epi32(_mm512_srli_epi32::<28>(walk), line);
            let missing = _mm512_mask_testn_epi32_mask(asked, words, bits);
            answers |= u64::from(missing == 0) << index;
        }
        held[start / BATCH] = answers;
        places.swap(0, 1);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[allow(clippy::cast_possible_truncation)]
fn avx2(lines: &[Line], probes: u32, hashes: &[u64], held: &mut [u64]) {
    use std::arch::x86_64::{
        __m256i, _mm256_and_si256, _mm256_blendv_ps, _mm256_castps_si256, _mm256_castsi256_ps, _mm256_cmpgt_epi32,
        _mm256_load_si256, _mm256_loadu_si256, _mm256_mullo_epi32, _mm256_permutevar8x32_epi32, _mm256_set1_epi32,
        _mm256_setr_epi32, _mm256_sllv_epi32, _mm256_srli_epi32, _mm256_testc_si256,
    };
    let (one, low_five) = (_mm256_set1_epi32(1), _mm256_set1_epi32(31));
    let eights = probes.div_ceil(8) as usize;
    // All ones where a probe is asked for.
    let lanes = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    let asked = [
        _mm256_cmpgt_epi32(_mm256_set1_epi32(probes.cast_signed()), lanes),
        _mm256_cmpgt_epi32(_mm256_set1_epi32(probes.cast_signed() - 8), lanes),
    ];
    let mut places = [[0; BATCH]; 2];
    place(lines, &hashes[..hashes.len().min(BATCH)], &mut places[0]);
    for start in (0..hashes.len()).step_by(BATCH) {
        let [end, next] = [hashes.len().min(start + BATCH), hashes.len().min(start + 2 * BATCH)];
        let [ours, theirs] = &mut places;
        place(lines, &hashes[end..next], theirs);
        let mut answers = 0_u64;
        for (index, (hash, place)) in hashes[start..end].iter().zip(ours.iter()).enumerate() {
            let line: *const __m256i = std::ptr::from_ref(&lines[*place as usize]).cast();
            // SAFETY: a line is two such registers, aligned to 64, and borrowed here.
            let (low, high) = unsafe { (_mm256_load_si256(line), _mm256_load_si256(line.add(1))) };
            let mut all = 1;
            for (eight, asked) in asked.iter().enumerate().take(eights) {
                // SAFETY: there are sixteen powers, and at most two eights.
                let powers = unsafe { _mm256_loadu_si256(POWERS.as_ptr().add(8 * eight).cast()) };
                let walk = _mm256_mullo_epi32(_mm256_set1_epi32((*hash as u32).cast_signed()), powers);
                let word = _mm256_srli_epi32::<28>(walk);
                let within = _mm256_and_si256(_mm256_srli_epi32::<23>(walk), low_five);
                let bits = _mm256_and_si256(_mm256_sllv_epi32(one, within), *asked);
                // The uppermost bit of the walk says which half of the line.
                let words = _mm256_castps_si256(_mm256_blendv_ps(
                    _mm256_castsi256_ps(_mm256_permutevar8x32_epi32(low, word)),
                    _mm256_castsi256_ps(_mm256_permutevar8x32_epi32(high, word)),
                    _mm256_castsi256_ps(walk),
                ));
                all &= _mm256_testc_si256(words, bits);
            }
            answers |= u64::from(all.cast_unsigned()) << index;
        }
        held[start / BATCH] = answers;
        places.swap(0, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::run_on;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_path_sets_and_finds_the_same_bits(
            hashes in proptest::collection::vec(any::<u64>(), 0..300),
            others in proptest::collection::vec(any::<u64>(), 0..300),
            count in 1_usize..20, probes in 1_u32..=PROBES_HIGH,
        ) {
            let mut lines = vec![Line::default(); count];
            Insert { lines: &mut lines, probes, hashes: &hashes }.run();
            let asked = [hashes.clone(), others].concat();
            let low = |held: &[u64]| (0..asked.len()).map(|index| held[index / 64] >> (index % 64) & 1).collect::<Vec<_>>();
            let mut answers = vec![0; asked.len().div_ceil(64)];
            probe(Path::Portable, &lines, probes, &asked, &mut answers);
            prop_assert!(low(&answers)[..hashes.len()].iter().all(|bit| *bit == 1));
            for path in Path::available() {
                let mut set = vec![Line::default(); count];
                run_on(path, Insert { lines: &mut set, probes, hashes: &hashes });
                prop_assert_eq!(&set, &lines, "{:?}", path);
                let mut held = vec![u64::MAX; asked.len().div_ceil(64)];
                probe(path, &lines, probes, &asked, &mut held);
                prop_assert_eq!(low(&held), low(&answers), "{:?}", path);
            }
        }

        #[test]
        fn a_hash_sets_the_bits_of_the_documented_derivation(hash: u64, probes in 1_u32..=PROBES_HIGH) {
            let mut lines = vec![Line::default(); 7];
            Insert { lines: &mut lines, probes, hashes: &[hash] }.run();
            let mut expected = vec![Line::default(); 7];
            let mut walk = hash & 0xffff_ffff;
            for _ in 0..probes {
                let bit = (walk >> 23) as usize;
                expected[(((hash >> 32) * 7) >> 32) as usize].0[bit / 32] |= 1 << (bit % 32);
                walk = (walk * 0x9e37_79b9) & 0xffff_ffff;
            }
            prop_assert_eq!(lines, expected);
        }
    }
}
