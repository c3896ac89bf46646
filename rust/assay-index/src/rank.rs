//! How many keys of a block are less than one: sixteen compared at once, without a branch.
//!
//! Cost: two cache lines and some ten instructions, less than the one branch that a search by halves foretells wrongly.
//! Where heads are all of a key this is how [`crate::fences`], [`crate::btree`] and [`crate::pgm`] end their searches; a
//! search is written once, over a way to count, and compiled for each. Source: Schlegel, Gemulla and Lehner, k-Ary Search
//! on Modern Processors, DaMoN 2009.

use std::marker::PhantomData;

use assay_core::lanes::{self, Loop, Path};

/// The keys of a block.
pub const BLOCK: usize = 16;

/// Keys in order; those that are not there are the greatest number there is.
pub type Block = [u64; BLOCK];

/// A way to count.
pub trait Rank {
    /// How many of a block, which is in order, are less than a head.
    fn rank(block: &Block, head: u64) -> usize;
}

/// By the sum of what compares, in whatever vectors there are.
#[derive(Debug)]
pub struct Summed;

impl Rank for Summed {
    #[inline(always)]
    fn rank(block: &Block, head: u64) -> usize {
        let less: u64 = block.iter().map(|one| u64::from(*one < head)).sum();
        #[allow(clippy::cast_possible_truncation)]
        let less = less as usize;
        less
    }
}

/// By the masks that AVX-512 compares into; to be run on its path alone.
#[cfg(target_arch = "x86_64")]
#[derive(Debug)]
struct Masked;

#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx512f,avx512dq,bmi1")]
fn masked(block: &Block, head: u64) -> usize {
    use std::arch::x86_64::{_mm512_cmpge_epu64_mask, _mm512_loadu_si512, _mm512_set1_epi64};
    let wanted = _mm512_set1_epi64(head.cast_signed());
    // SAFETY: both loads are of eight words within a block of sixteen.
    let (low, high) = unsafe {
        (_mm512_loadu_si512(block.as_ptr().cast()), _mm512_loadu_si512(block.as_ptr().add(BLOCK / 2).cast()))
    };
    let (low, high) = (_mm512_cmpge_epu64_mask(low, wanted), _mm512_cmpge_epu64_mask(high, wanted));
    // Those that are less come first; a bit beyond the block stops the count where all are.
    (u32::from(low) | u32::from(high) << 8 | 1 << BLOCK).trailing_zeros() as usize
}

#[cfg(target_arch = "x86_64")]
impl Rank for Masked {
    #[inline(always)]
    fn rank(block: &Block, head: u64) -> usize {
        // SAFETY: `run_on` picks this way on the path of AVX-512 alone, which has these instructions.
        unsafe { masked(block, head) }
    }
}

/// A search that counts.
pub trait Search {
    /// What it gives.
    type Output;

    /// The search; to be marked `#[inline(always)]`, so that it is compiled anew for each path.
    fn run<R: Rank>(self) -> Self::Output;
}

struct By<W, R> {
    work: W,
    rank: PhantomData<R>,
}

impl<W: Search, R: Rank> Loop for By<W, R> {
    type Output = W::Output;

    #[inline(always)]
    fn run(self) -> W::Output {
        self.work.run::<R>()
    }
}

/// Runs a search on a path that [`Path::available`] gave.
pub fn run_on<W: Search>(path: Path, work: W) -> W::Output {
    match path {
        #[cfg(target_arch = "x86_64")]
        Path::Avx512 => lanes::run_on(path, By { work, rank: PhantomData::<Masked> }),
        _ => lanes::run_on(path, By { work, rank: PhantomData::<Summed> }),
    }
}

/// Runs a search on the widest path.
pub fn run<W: Search>(work: W) -> W::Output {
    run_on(Path::widest(), work)
}

/// How many of whole blocks of keys, which are in order, are less than a head.
#[inline(always)]
pub fn rank<R: Rank>(keys: &[u64], head: u64) -> usize {
    match keys.as_chunks::<BLOCK>().0 {
        [one] => R::rank(one, head),
        [one, other] => R::rank(one, head) + R::rank(other, head),
        blocks => {
            let before = blocks.partition_point(|block| block[BLOCK - 1] < head);
            before * BLOCK + blocks.get(before).map_or(0, |block| R::rank(block, head))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Count<'a>(&'a [u64], u64);

    impl Search for Count<'_> {
        type Output = usize;

        #[inline(always)]
        fn run<R: Rank>(self) -> usize {
            rank::<R>(self.0, self.1)
        }
    }

    proptest! {
        #[test]
        fn every_path_counts_the_keys_that_are_less(
            mut keys in prop::collection::vec(prop_oneof![0_u64..20, any::<u64>(), Just(u64::MAX)], 0..100),
            head in prop_oneof![0_u64..22, any::<u64>(), Just(u64::MAX)],
        ) {
            keys.truncate(keys.len() / BLOCK * BLOCK);
            keys.sort_unstable();
            for path in Path::available() {
                let expected = keys.iter().filter(|key| **key < head).count();
                prop_assert_eq!(run_on(path, Count(&keys, head)), expected, "{:?}", path);
            }
        }
    }
}
