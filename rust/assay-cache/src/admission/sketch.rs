//! A count-min sketch that ages: about how often each object was asked for of late.
//!
//! Idea: four rows of counters; an object has one in each, and its count is the least of them, which is never below
//! the truth. Counters end at 15; after every `period` counts all are halved, so that fame fades. Cost: four bytes that
//! are touched a request, 16 to 32 bytes per object that the cache holds.
//! Source: Cormode, Muthukrishnan 2005, "An improved data stream summary: the count-min sketch and its applications";
//! the halving is of Einziger, Friedman, Manes 2017.

const ROWS: usize = 4;
const HIGHEST: u8 = 15;

/// An object's number, mixed with a seed: a step of SplitMix64.
#[inline]
pub(super) fn spread(id: u32, seed: u64) -> u64 {
    let mixed = (seed ^ (u64::from(id) + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ mixed >> 31
}

/// Counts of objects.
#[derive(Debug)]
pub struct Sketch {
    counters: Vec<[u8; ROWS]>,
    seed: u64,
    counted: u64,
    period: u64,
}

impl Sketch {
    /// For a cache of so many objects; all are halved after so many counts.
    #[must_use]
    pub fn new(objects: usize, period: u64, seed: u64) -> Self {
        let width = (4 * objects).next_power_of_two().max(16);
        Self { counters: vec![[0; ROWS]; width], seed, counted: 0, period }
    }

    /// The column of an object in each row: sixteen bits further each time, around the word.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn columns(&self, id: u32) -> [usize; ROWS] {
        let hash = spread(id, self.seed);
        let mask = self.counters.len() - 1;
        [0, 16, 32, 48].map(|turn| (hash.rotate_right(turn) as usize) & mask)
    }

    /// Counts an object once.
    #[inline]
    pub fn add(&mut self, id: u32) {
        for (row, column) in self.columns(id).into_iter().enumerate() {
            let counter = &mut self.counters[column][row];
            *counter = (*counter + 1).min(HIGHEST);
        }
        self.counted += 1;
        if self.counted == self.period {
            self.counted = 0;
            self.counters.as_flattened_mut().iter_mut().for_each(|counter| *counter /= 2);
        }
    }

    /// About how often it was counted of late.
    #[inline]
    #[must_use]
    pub fn count(&self, id: u32) -> u8 {
        let columns = self.columns(id).into_iter().enumerate();
        columns.map(|(row, column)| self.counters[column][row]).min().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_is_never_below_the_truth_and_ends_at_15() {
        let mut sketch = Sketch::new(100, u64::MAX, 3);
        for id in 0..1_000_u32 {
            (0..id % 20).for_each(|_| sketch.add(id));
        }
        for id in 0..1_000_u32 {
            assert!(u32::from(sketch.count(id)) >= (id % 20).min(15));
            assert!(sketch.count(id) <= 15);
        }
    }

    #[test]
    fn all_counts_are_halved_after_a_period() {
        let mut sketch = Sketch::new(100, 9, 0);
        (0..9).for_each(|_| sketch.add(7));
        assert_eq!(sketch.count(7), 4);
    }
}
