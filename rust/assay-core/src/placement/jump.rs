//! Jump: consistent hashing with no state at all.
//!
//! Idea: follow a random walk of jumps, seeded by the key, that ends below n; a node more catches
//! exactly 1/(n+1) of the walks. Cost: about ln(n) steps with a division each, no state. Choose it
//! for numbered shards that are only ever added or removed at the end.
//! Source: Lamping and Veach 2014, "A Fast, Minimal Memory, Consistent Hash Algorithm", figure 1.

use std::any::Any;
use std::collections::HashMap;

use crate::catalogue::Contender;
use crate::error::Result;
use crate::lanes::Path;
use crate::placement::{HASH, Placement, SEED, Settings};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "placement",
    name: "jump",
    version: 1,
    idea: "A walk of jumps seeded by the key, which ends below the number of nodes.",
    cost: "about ln(n) divisions per key; no state",
    choose_when: "shards are numbered, and come and go at the end only",
    source: "Lamping and Veach 2014, A Fast, Minimal Memory, Consistent Hash Algorithm",
    parameters: &[HASH, SEED],
    abilities: &["minimal_movement"],
};

/// Jump over the number of nodes.
#[derive(Debug, Clone)]
pub struct Jump {
    settings: Settings,
    count: i64,
}

/// Jump over these nodes.
///
/// # Errors
/// If a weight is not 1.
pub fn build(settings: Settings) -> Result<Box<dyn Placement>> {
    settings.refuse_weights(&CONTENDER)?;
    let count = i64::from(u32::try_from(settings.nodes.len()).expect("checked with the settings"));
    Ok(Box::new(Jump { settings, count }))
}

/// The bucket of `key` among `count` buckets, as in figure 1 of the paper.
#[inline]
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]
pub fn bucket(mut key: u64, count: i64) -> u32 {
    let (mut found, mut next) = (-1_i64, 0_i64);
    while next < count {
        found = next;
        key = key.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        let step = f64::from(1_u32 << 31) / ((key >> 33) + 1) as f64;
        next = ((found + 1) as f64 * step) as i64;
    }
    found as u32
}

/// The bucket of each key: eight walks in each of four registers where there is AVX-512, which gives the same bits, since
/// each lane divides, multiplies and truncates as the processor does for one number.
pub(super) fn buckets(path: Path, keys: &[u64], count: i64, out: &mut [u32]) {
    let done = match path {
        #[cfg(target_arch = "x86_64")]
        // SAFETY: the path is there only where the processor has these instructions.
        Path::Avx512 => unsafe { avx512::buckets(keys, count, out) },
        _ => 0,
    };
    for (key, slot) in keys[done..].iter().zip(&mut out[done..]) {
        *slot = bucket(*key, count);
    }
}

#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{
        __m512i, _mm256_storeu_si256, _mm512_add_epi64, _mm512_cmplt_epi64_mask, _mm512_cvtepi64_epi32,
        _mm512_cvtepi64_pd, _mm512_cvttpd_epi64, _mm512_div_pd, _mm512_loadu_si512, _mm512_mask_mov_epi64,
        _mm512_mul_pd, _mm512_mullo_epi64, _mm512_set1_epi64, _mm512_set1_pd, _mm512_setzero_si512, _mm512_srli_epi64,
    };

    /// Registers whose walks are taken side by side, since a division takes long but another can begin meanwhile.
    const SIDE_BY_SIDE: usize = 4;
    const KEYS: usize = 8 * SIDE_BY_SIDE;

    /// Writes the buckets of as many keys as fill registers, and says how many.
    #[target_feature(enable = "avx512f,avx512dq,avx512vl")]
    #[allow(clippy::cast_possible_wrap)]
    pub(super) fn buckets(keys: &[u64], count: i64, out: &mut [u32]) -> usize {
        let multiplier = _mm512_set1_epi64(2_862_933_555_777_941_757_u64 as i64);
        let (one, limit) = (_mm512_set1_epi64(1), _mm512_set1_epi64(count));
        let numerator = _mm512_set1_pd(f64::from(1_u32 << 31));
        let (blocks, _) = keys.as_chunks::<KEYS>();
        for (block, slots) in blocks.iter().zip(out.as_chunks_mut::<KEYS>().0) {
            // SAFETY: a register holds eight of the block's keys.
            let mut state: [__m512i; SIDE_BY_SIDE] =
                std::array::from_fn(|at| unsafe { _mm512_loadu_si512(block[8 * at..8 * at + 8].as_ptr().cast()) });
            let mut found = [_mm512_setzero_si512(); SIDE_BY_SIDE];
            let mut next = found;
            let mut open = [0xff_u8; SIDE_BY_SIDE];
            while open.iter().fold(0, |any, open| any | open) != 0 {
                for at in 0..SIDE_BY_SIDE {
                    found[at] = _mm512_mask_mov_epi64(found[at], open[at], next[at]);
                    state[at] = _mm512_add_epi64(_mm512_mullo_epi64(state[at], multiplier), one);
                    let divisor = _mm512_cvtepi64_pd(_mm512_add_epi64(_mm512_srli_epi64::<33>(state[at]), one));
                    let step = _mm512_div_pd(numerator, divisor);
                    let start = _mm512_cvtepi64_pd(_mm512_add_epi64(found[at], one));
                    next[at] = _mm512_cvttpd_epi64(_mm512_mul_pd(start, step));
                    open[at] &= _mm512_cmplt_epi64_mask(next[at], limit);
                }
            }
            for at in 0..SIDE_BY_SIDE {
                let part = &mut slots[8 * at..8 * at + 8];
                // SAFETY: eight buckets of 32 bits fill the part.
                unsafe { _mm256_storeu_si256(part.as_mut_ptr().cast(), _mm512_cvtepi64_epi32(found[at])) };
            }
        }
        blocks.len() * KEYS
    }
}

impl Placement for Jump {
    fn contender(&self) -> &'static Contender {
        &CONTENDER
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    #[inline]
    fn owner(&self, hash: u64) -> u32 {
        bucket(hash, self.count)
    }

    fn owners(&self, hashes: &[u64], out: &mut [u32]) {
        assert_eq!(hashes.len(), out.len(), "one owner per hash value");
        buckets(Path::widest(), hashes, self.count, out);
    }

    fn memory_bytes(&self) -> u64 {
        size_of::<i64>() as u64
    }

    #[allow(clippy::cast_precision_loss)]
    fn ownership(&self) -> Vec<f64> {
        vec![1.0 / self.count as f64; self.settings.nodes.len()]
    }

    /// With n nodes, then m > n: a key ends in its old bucket with probability n/m; else in any new
    /// bucket, independent of the old one. Positions and names are matched on top of that.
    fn moved_share(&self, after: &dyn Placement) -> Option<f64> {
        let after = (after as &dyn Any).downcast_ref::<Self>()?;
        let (few, many) = if self.count <= after.count { (self, after) } else { (after, self) };
        let (n, m) = (few.settings.nodes.len(), many.settings.nodes.len());
        let places: HashMap<&str, usize> = many.settings.nodes.iter().map(|node| node.name.as_str()).zip(0..).collect();
        let (mut stayed, mut caught) = (0_u64, 0_u64);
        for (position, node) in few.settings.nodes.iter().enumerate() {
            match places.get(node.name.as_str()) {
                Some(place) if *place == position => stayed += 1,
                Some(place) if *place >= n => caught += 1,
                _ => {}
            }
        }
        // kept = stayed / m + caught / (n m)
        let all = n as u128 * m as u128;
        let kept = u128::from(stayed) * n as u128 + u128::from(caught);
        #[allow(clippy::cast_precision_loss)]
        Some((all - kept) as f64 / all as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::movement::{moved_share, sampled_share};

    #[test]
    fn published_vectors_match() {
        // Guava's consistentHash(i, 100), i = 0..19.
        let hundred: Vec<u32> = (0..20).map(|key| bucket(key, 100)).collect();
        assert_eq!(hundred, [0, 55, 62, 8, 45, 59, 86, 97, 82, 59, 73, 37, 17, 56, 86, 21, 90, 37, 38, 83]);
        assert_eq!(bucket(10_863_919_174_838_991, 11), 6);
        assert_eq!(bucket(2_016_238_256_797_177_309, 11), 3);
        assert_eq!(bucket(1_673_758_223_894_951_030, 11), 5);
        assert_eq!(bucket(2, 100_001), 80_343);
        assert_eq!(bucket(2_201, 100_001), 22_152);
        assert_eq!(bucket(2_202, 100_001), 15_018);
        assert_eq!(bucket(256, 1_024), 520);
        // go-jump: one key while nodes are added.
        let grown: Vec<u32> = (1..20).map(|count| bucket(0xdead_beef, count)).collect();
        assert_eq!(grown, [0, 1, 2, 3, 3, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 16, 16, 16]);
    }

    #[test]
    fn walks_side_by_side_end_where_they_do_alone_on_every_path() {
        let keys: Vec<u64> =
            crate::placement::tests::values(3_000).into_iter().chain([0, 1, u64::MAX, 1 << 63]).collect();
        for count in [1, 2, 3, 10, 1_000, 100_001, i64::from(u32::MAX)] {
            for path in Path::available() {
                for len in [0, 1, 31, 32, 33, keys.len()] {
                    let mut out = vec![9; len];
                    buckets(path, &keys[..len], count, &mut out);
                    assert!(
                        keys.iter().zip(&out).all(|(key, found)| bucket(*key, count) == *found),
                        "{path:?} {count}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_node_more_moves_keys_to_itself_only() {
        for hash in crate::placement::tests::values(5_000) {
            for count in [1, 2, 9, 100] {
                let (old, new) = (bucket(hash, count), bucket(hash, count + 1));
                assert!(new == old || i64::from(new) == count);
            }
        }
    }

    #[test]
    fn the_moved_share_is_the_expectation_of_a_sample() {
        let swapped = |count: usize, a: usize, b: usize| {
            let mut settings = Settings::numbered(count);
            settings.nodes.swap(a, b);
            build(settings).unwrap()
        };
        let plain = |count| build(Settings::numbered(count)).unwrap();
        assert_eq!(moved_share(plain(9).as_ref(), plain(10).as_ref()), 0.1);
        for (before, after) in [(plain(4), plain(9)), (plain(4), swapped(7, 2, 6)), (swapped(6, 0, 5), plain(5))] {
            let exact = moved_share(before.as_ref(), after.as_ref());
            let sampled = sampled_share(before.as_ref(), after.as_ref());
            // 2^18 samples: a standard error of at most 0.001.
            assert!((exact - sampled).abs() < 0.005, "{exact} {sampled}");
        }
    }
}
