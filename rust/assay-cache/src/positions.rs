//! A set of positions in a trace that gives its least and its greatest member in four steps.
//!
//! Idea: a bit a position, and above every 64 words a word that tells which of them are not zero. A request number
//! is the position of one object at most, so that the set orders objects by a time without a heap. Cost: N / 8 bytes
//! for N requests and a sixty-fourth more; an insertion mostly ends at the lowest level.
//! Source: van Emde Boas 1975, "Preserving order in a forest in less than logarithmic time", with words as nodes.

const LEVELS: usize = 4;

/// A set of numbers below 2^32.
#[derive(Debug)]
pub struct Positions {
    levels: [Vec<u64>; LEVELS],
}

impl Positions {
    /// None of the numbers below `len`.
    #[must_use]
    pub fn new(len: usize) -> Self {
        let mut bits = len.max(1);
        let levels = [(); LEVELS].map(|()| {
            bits = bits.div_ceil(64);
            assay_core::memory::zeros(bits)
        });
        Self { levels }
    }

    /// Whether the position is there.
    #[inline]
    #[must_use]
    pub fn contains(&self, position: u32) -> bool {
        self.levels[0][(position / 64) as usize] >> (position % 64) & 1 != 0
    }

    /// Puts it in.
    #[inline]
    pub fn insert(&mut self, position: u32) {
        let mut at = position;
        for level in &mut self.levels {
            let word = &mut level[(at / 64) as usize];
            let before = *word;
            *word |= 1 << (at % 64);
            if before != 0 {
                return;
            }
            at /= 64;
        }
    }

    /// Takes it out.
    #[inline]
    pub fn remove(&mut self, position: u32) {
        let mut at = position;
        for level in &mut self.levels {
            let word = &mut level[(at / 64) as usize];
            *word &= !(1 << (at % 64));
            if *word != 0 {
                return;
            }
            at /= 64;
        }
    }

    /// The greatest position that is there.
    #[inline]
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn last(&self) -> Option<u32> {
        let top = self.levels[LEVELS - 1].iter().rposition(|word| *word != 0)?;
        let mut at = top as u32;
        for level in self.levels.iter().rev() {
            at = at * 64 + 63 - level[at as usize].leading_zeros();
        }
        Some(at)
    }

    /// The least position that is there.
    #[inline]
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn first(&self) -> Option<u32> {
        let top = self.levels[LEVELS - 1].iter().position(|word| *word != 0)?;
        let mut at = top as u32;
        for level in self.levels.iter().rev() {
            at = at * 64 + level[at as usize].trailing_zeros();
        }
        Some(at)
    }

    /// Asks for the word of a position.
    #[inline]
    pub fn prefetch(&self, position: u32) {
        assay_core::memory::prefetch(&self.levels[0][(position / 64) as usize]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn it_is_a_sorted_set_of_numbers(steps in prop::collection::vec((any::<bool>(), 0..300_000_u32), 0..300)) {
            let (mut set, mut naive) = (Positions::new(300_000), BTreeSet::new());
            for (put, position) in steps {
                if put {
                    set.insert(position);
                    naive.insert(position);
                } else {
                    set.remove(position);
                    naive.remove(&position);
                }
                prop_assert_eq!(set.contains(position), naive.contains(&position));
                prop_assert_eq!((set.first(), set.last()), (naive.first().copied(), naive.last().copied()));
            }
        }
    }

    #[test]
    fn the_highest_position_of_all_fits() {
        let mut set = Positions::new(1 << 24);
        assert_eq!((set.first(), set.last()), (None, None));
        set.insert((1 << 24) - 1);
        set.insert(0);
        assert_eq!((set.first(), set.last()), (Some(0), Some((1 << 24) - 1)));
    }
}
