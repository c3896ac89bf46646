//! Which of many keys may be what is asked for, told by their heads, 64 keys at a time and without a branch.
//!
//! What reads whole columns or blocks does it with this. A test looks at a key's head alone ([`Space::head`]), so that
//! what passes may be the key and what does not is not. Cost: a fraction of a nanosecond a key and test with wide
//! vectors, and a visit for each key that passes. Source: Polychroniou, Raghavan and Ross, Rethinking SIMD Vectorization
//! for In-Memory Databases, SIGMOD 2015 (selection scans).

use std::marker::PhantomData;

use assay_core::lanes::{self, Loop};

use crate::Between;
use crate::space::Space;

/// The keys that are tested together: the bits of a mask.
const TOGETHER: usize = 64;

/// What a head must be like.
pub trait Test: Copy {
    /// Whether a key with this head may be what is asked for.
    fn passes(self, head: u64) -> bool;
}

/// Is this head.
#[derive(Debug, Clone, Copy)]
pub struct Same(pub u64);

impl Test for Same {
    #[inline(always)]
    fn passes(self, head: u64) -> bool {
        head == self.0
    }
}

/// Lies between two heads, both included.
#[derive(Debug, Clone, Copy)]
struct Within {
    low: u64,
    width: u64,
}

impl Test for Within {
    #[inline(always)]
    fn passes(self, head: u64) -> bool {
        head.wrapping_sub(self.low) <= self.width
    }
}

/// Is one of many heads, or one that falls into the same place as one of them does.
#[derive(Debug, Clone, Copy)]
pub struct Among<'a> {
    bits: &'a [u64],
    shift: u32,
}

impl Test for Among<'_> {
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn passes(self, head: u64) -> bool {
        let bit = place(head, self.shift);
        self.bits[(bit / 64) as usize] >> (bit % 64) & 1 != 0
    }
}

/// Heads, each with a bit in a table of some dozens for each.
#[derive(Debug)]
pub struct Heads {
    bits: Vec<u64>,
    shift: u32,
}

const BITS_A_HEAD: usize = 32;
const FEWEST_BITS: usize = 1 << 10;
const MOST_BITS: usize = 1 << 23;

#[inline(always)]
fn place(head: u64, shift: u32) -> u64 {
    head.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> shift
}

impl Heads {
    /// Those of probes.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn of<S: Space>(probes: &[S::Probe<'_>]) -> Self {
        let count = (probes.len() * BITS_A_HEAD).next_power_of_two().clamp(FEWEST_BITS, MOST_BITS);
        let shift = u64::BITS - count.trailing_zeros();
        let mut bits = vec![0; count / 64];
        for probe in probes {
            let bit = place(S::probe_head(*probe), shift);
            bits[(bit / 64) as usize] |= 1 << (bit % 64);
        }
        Self { bits, shift }
    }

    /// As a test.
    #[must_use]
    pub fn test(&self) -> Among<'_> {
        Among { bits: &self.bits, shift: self.shift }
    }
}

struct Sift<'a, S: Space, T, V> {
    keys: &'a [S::Key],
    tests: &'a [T],
    visit: V,
    space: PhantomData<S>,
}

impl<S: Space, T: Test, V: FnMut(usize, usize)> Loop for Sift<'_, S, T, V> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let (pieces, rest) = self.keys.as_chunks::<TOGETHER>();
        for (number, keys) in pieces.iter().enumerate() {
            for (at, test) in self.tests.iter().enumerate() {
                // The bits of a mask lie in memory, and are read where a key passes. While their page has not been brought
                // in, reading none of them takes a processor with AVX-512 a thousand cycles, and does not bring it in.
                if !keys.iter().fold(false, |any, key| any | test.passes(S::head(*key))) {
                    continue;
                }
                let mut passed = 0;
                for (bit, key) in keys.iter().enumerate() {
                    passed |= u64::from(test.passes(S::head(*key))) << bit;
                }
                while passed != 0 {
                    (self.visit)(at, number * TOGETHER + passed.trailing_zeros() as usize);
                    passed &= passed - 1;
                }
            }
        }
        for (number, key) in rest.iter().enumerate() {
            for (at, test) in self.tests.iter().enumerate() {
                if test.passes(S::head(*key)) {
                    (self.visit)(at, pieces.len() * TOGETHER + number);
                }
            }
        }
    }
}

/// Calls `visit(test, place)` for each place of `keys` and each test that its head passes, the places of a test ascending.
pub fn sift<S: Space, T: Test>(keys: &[S::Key], tests: &[T], visit: impl FnMut(usize, usize)) {
    lanes::run(Sift { keys, tests, visit, space: PhantomData::<S> });
}

/// Calls `visit(place)` for each place of `keys` whose key lies within a range, ascending.
pub fn within<S: Space>(space: &S, keys: &[S::Key], between: &Between<'_, S>, mut visit: impl FnMut(usize)) {
    if between.is_empty() {
        return;
    }
    let low = between.start().map_or(0, |(low, _)| S::probe_head(low));
    let high = between.end().map_or(u64::MAX, |(high, _)| S::probe_head(high));
    sift::<S, _>(keys, &[Within { low, width: high - low }], |_, place| {
        if !between.is_below(space, keys[place]) && !between.is_above(space, keys[place]) {
            visit(place);
        }
    });
}

#[cfg(test)]
mod tests {
    use std::ops::Bound;

    use assay_core::lanes::Path;
    use assay_core::placement::rendezvous::finalise;

    use super::*;
    use crate::space::{Texts, Words};

    #[test]
    fn every_path_passes_what_a_plain_loop_does() {
        for count in [0, 1, 63, 64, 65, 1_000] {
            let keys: Vec<u64> = (0..count).map(|number| finalise(number) % 16).collect();
            let heads = Heads::of::<Words>(&[3, 9]);
            let expected: Vec<usize> = (0..keys.len()).filter(|at| heads.test().passes(keys[*at])).collect();
            assert!((0..keys.len()).all(|at| expected.contains(&at) || ![3, 9].contains(&keys[at])));
            for path in Path::available() {
                let (mut same, mut among) = (Vec::new(), Vec::new());
                let visit = |test, place| same.push((place, test));
                let tests = [Same(3), Same(9), Same(77)];
                lanes::run_on(path, Sift { keys: &keys, tests: &tests, visit, space: PhantomData::<Words> });
                same.sort_unstable();
                let plain: Vec<_> = (0..keys.len())
                    .filter_map(|at| [3, 9].iter().position(|key| *key == keys[at]).map(|t| (at, t)))
                    .collect();
                assert_eq!(same, plain, "{path:?}");
                let visit = |_, place| among.push(place);
                let tests = [heads.test()];
                lanes::run_on(path, Sift { keys: &keys, tests: &tests, visit, space: PhantomData::<Words> });
                assert_eq!(among, expected, "{path:?}");
            }
        }
    }

    #[test]
    fn ranges_of_texts_end_where_bytes_say_and_heads_do_not() {
        let mut space = Texts::default();
        let all: Vec<&[u8]> = vec![b"", b"prefixed", b"prefixed\0", b"prefixed1", b"prefixed2", b"q"];
        let keys: Vec<_> = all.iter().map(|key| space.keep(key)).collect();
        for (first, low) in all.iter().enumerate() {
            for (last, high) in all.iter().enumerate() {
                let between = Between::<Texts> { low: Bound::Excluded(low), high: Bound::Included(high) };
                let mut found = Vec::new();
                within(&space, &keys, &between, |place| found.push(place));
                assert_eq!(found, (first + 1..=last).collect::<Vec<_>>(), "{low:?} {high:?}");
            }
        }
        let mut found = Vec::new();
        within(&space, &keys, &Between { low: Bound::Unbounded, high: Bound::Unbounded }, |place| found.push(place));
        assert_eq!(found.len(), all.len());
    }
}
