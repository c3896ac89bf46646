//! The highest of equal nodes' bids for many keys, in lanes.
//!
//! Few nodes: eight keys side by side, node after node. Many nodes, where there is AVX-512: one key, sixteen nodes at a time.
//! A bid is the finaliser's value v = y XOR (y >> 31), whose upper 31 bits are those of y; so the upper halves of all y are kept, and whose upper
//! 31 bits are the greatest is found in them. Nearly always that is one node; if several are equal in these, their bids are made
//! in full. The finaliser's first step, x XOR (x >> 30), is taken of key and name apart: it is linear.

use crate::lanes::{self, Loop, Path};
use crate::placement::rendezvous::{finalise, first_greatest};

/// From so many nodes on, one key at a time is faster.
const MANY: usize = 48;

/// Nodes whose bids are made at once.
const AT_ONCE: usize = 16;

/// Names with the first step taken, to a whole number of registers.
#[derive(Debug, Clone)]
pub(super) struct Bids {
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))] // read where there are registers of eight only
    stepped: Vec<u64>,
}

impl Bids {
    pub(super) fn new(names: &[u64]) -> Self {
        if names.len() < MANY {
            return Self { stepped: Vec::new() };
        }
        let mut stepped: Vec<u64> = names.iter().map(|name| name ^ (name >> 30)).collect();
        stepped.resize(names.len().next_multiple_of(AT_ONCE), 0);
        Self { stepped }
    }

    /// The position of the highest bid for each hash value; of equal ones the lowest.
    pub(super) fn owners(&self, path: Path, names: &[u64], hashes: &[u64], out: &mut [u32]) {
        #[cfg(target_arch = "x86_64")]
        if path == Path::Avx512 && !self.stepped.is_empty() {
            // SAFETY: the path is there only where the processor has these instructions.
            unsafe { avx512::owners(&self.stepped, names, hashes, out) };
            return;
        }
        lanes::run_on(path, EightKeys { names, hashes, out });
    }
}

/// Eight keys side by side: each keeps its highest bid so far and whose it is.
struct EightKeys<'a> {
    names: &'a [u64],
    hashes: &'a [u64],
    out: &'a mut [u32],
}

impl Loop for EightKeys<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let (blocks, rest) = self.hashes.as_chunks::<8>();
        let (slots, last) = self.out.as_chunks_mut::<8>();
        for (hashes, slots) in blocks.iter().zip(slots) {
            let mut best = hashes.map(|hash| finalise(hash ^ self.names[0]));
            let mut owners = [0_u64; 8];
            for (position, name) in (1_u64..).zip(&self.names[1..]) {
                for lane in 0..8 {
                    let bid = finalise(hashes[lane] ^ name);
                    owners[lane] = if bid > best[lane] { position } else { owners[lane] };
                    best[lane] = best[lane].max(bid);
                }
            }
            #[allow(clippy::cast_possible_truncation)]
            for (slot, owner) in slots.iter_mut().zip(owners) {
                *slot = owner as u32;
            }
        }
        for (hash, slot) in rest.iter().zip(last) {
            *slot = first_greatest(self.names.iter().map(|name| finalise(hash ^ name)));
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m512i, _mm512_cmpge_epu32_mask, _mm512_loadu_si512, _mm512_max_epu32, _mm512_mullo_epi64,
        _mm512_permutex2var_epi32, _mm512_reduce_max_epu32, _mm512_set1_epi32, _mm512_set1_epi64, _mm512_setr_epi32,
        _mm512_setzero_si512, _mm512_srli_epi64, _mm512_xor_si512,
    };

    use super::{AT_ONCE, finalise, first_greatest};

    /// The owner of each hash value among nodes whose `stepped` names fill registers.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl")]
    #[allow(clippy::cast_possible_wrap, clippy::cast_possible_truncation)]
    pub(super) fn owners(stepped: &[u64], names: &[u64], hashes: &[u64], out: &mut [u32]) {
        let (registers, _) = stepped.as_chunks::<AT_ONCE>();
        let mut highs = vec![_mm512_setzero_si512(); registers.len()];
        let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
        let first = _mm512_set1_epi64(0xbf58_476d_1ce4_e5b9_u64 as i64);
        let second = _mm512_set1_epi64(0x94d0_49bb_1331_11eb_u64 as i64);
        // Lanes beyond the last node have a high part of 0, so that none of them wins against a node.
        let last = registers.len() - 1;
        let beyond = 0xffff_u16 >> (stepped.len() - names.len());
        for (hash, slot) in hashes.iter().zip(out) {
            let key = _mm512_set1_epi64((hash ^ (hash >> 30)) as i64);
            let mixed = |eight: __m512i| {
                let product = _mm512_mullo_epi64(_mm512_xor_si512(eight, key), first);
                _mm512_mullo_epi64(_mm512_xor_si512(product, _mm512_srli_epi64::<27>(product)), second)
            };
            let mut greatest = _mm512_setzero_si512();
            for (index, (sixteen, high)) in registers.iter().zip(&mut highs).enumerate() {
                // SAFETY: sixteen names fill two registers.
                let (low_eight, high_eight) = unsafe {
                    (_mm512_loadu_si512(sixteen.as_ptr().cast()), _mm512_loadu_si512(sixteen[8..].as_ptr().cast()))
                };
                *high = _mm512_permutex2var_epi32(mixed(low_eight), odd, mixed(high_eight));
                if index == last {
                    *high = std::arch::x86_64::_mm512_maskz_mov_epi32(beyond, *high);
                }
                greatest = _mm512_max_epu32(greatest, *high);
            }
            // The upper 31 bits decide.
            let least = _mm512_set1_epi32((_mm512_reduce_max_epu32(greatest) & !1) as i32);
            let (mut found, mut candidates) = (0, 0);
            for (index, high) in highs.iter().enumerate() {
                let mask = _mm512_cmpge_epu32_mask(*high, least);
                if mask != 0 {
                    if candidates == 0 {
                        found = (index * AT_ONCE) as u32 + mask.trailing_zeros();
                    }
                    candidates += mask.count_ones();
                }
            }
            *slot =
                if candidates == 1 { found } else { first_greatest(names.iter().map(|name| finalise(hash ^ name))) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::rendezvous::unfinalise;
    use crate::placement::tests::values;

    #[test]
    fn many_keys_at_once_go_where_each_goes_alone_on_every_path() {
        let hashes: Vec<u64> = values(100).into_iter().chain([0, u64::MAX]).collect();
        for count in [1, 2, 7, 8, 9, MANY - 1, MANY, MANY + 1, 64, 65, 79, 1000] {
            let names: Vec<u64> = values(2_000)[1_000..1_000 + count].to_vec();
            let bids = Bids::new(&names);
            for path in Path::available() {
                for len in [0, 1, 8, 13, hashes.len()] {
                    let mut out = vec![9; len];
                    bids.owners(path, &names, &hashes[..len], &mut out);
                    for (hash, owner) in hashes.iter().zip(out) {
                        assert_eq!(
                            owner,
                            first_greatest(names.iter().map(|name| finalise(hash ^ name))),
                            "{path:?} {count}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn bids_that_differ_in_their_low_bits_only_are_told_apart_and_equal_ones_go_to_the_lower_position() {
        let hash = 0x0123_4567_89ab_cdef;
        let mut names: Vec<u64> = values(100);
        for (position, bid) in [(70, u64::MAX - 5), (33, u64::MAX - 7), (90, u64::MAX - 5), (12, u64::MAX - (1 << 33))]
        {
            names[position] = unfinalise(bid) ^ hash;
        }
        let bids = Bids::new(&names);
        for path in Path::available() {
            let mut out = [0; 9];
            bids.owners(path, &names, &[hash; 9], &mut out);
            assert_eq!(out, [70; 9], "{path:?}");
        }
        // A bid of 0 everywhere: the first.
        let zeros = vec![unfinalise(0) ^ hash; 60];
        for path in Path::available() {
            let mut out = [9; 9];
            Bids::new(&zeros).owners(path, &zeros, &[hash; 9], &mut out);
            assert_eq!(out, [0; 9], "{path:?}");
        }
    }
}
