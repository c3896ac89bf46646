//! Reuse distances in bytes: the sizes of the distinct objects that were asked for since, its own included.
//!
//! A cache of bytes that evicts the least recently used object holds as many of the objects asked for last as fit, so
//! that it hits a request if and only if its capacity is at least the distance; as long as each object has one size
//! and none is larger than the cache, which would otherwise stay outside without taking room. Idea: sums of sizes before each
//! slot of time, each within its node of 16, at as many levels as there are. Cost: O(log n) a request, 34 to 68 bytes an
//! object. Source: Mattson, Gecsei, Slutz, Traiger 1970, "Evaluation Techniques for Storage Hierarchies"; that larger
//! objects need care: this file.

use assay_core::lanes::{self, Loop};
use assay_core::memory;

/// No slot: the object was not asked for yet.
const NONE: u32 = u32::MAX;
const NODE: usize = 16;
const NODE_BITS: usize = 4;
const SLOTS_LOW: usize = 1 << 10;
const SLOTS_PER_OBJECT: usize = 4;

/// Slots of time with the sizes of the objects that were last asked for then.
struct Sums {
    /// From the slots up to one node: what lies before an entry within its node.
    levels: Vec<Vec<u64>>,
    total: u64,
    next: usize,
}

impl Sums {
    fn new(slots: usize) -> Self {
        let (mut levels, mut entries) = (Vec::new(), slots);
        loop {
            entries = entries.next_multiple_of(NODE);
            levels.push(memory::zeros::<u64>(entries));
            if entries == NODE {
                return Self { levels, total: 0, next: 0 };
            }
            entries >>= NODE_BITS;
        }
    }

    /// The sizes before a slot.
    #[inline(always)]
    fn before(&self, slot: usize) -> u64 {
        let mut sum = 0_u64;
        for (height, level) in self.levels.iter().enumerate() {
            sum = sum.wrapping_add(level[slot >> (NODE_BITS * height)]);
        }
        sum
    }

    /// Takes the size in a slot away; the sizes from there on, its own included.
    #[inline(always)]
    fn take(&mut self, slot: usize, size: u64) -> u64 {
        let found = self.total - self.before(slot);
        self.total -= size;
        // Entries of what has not begun yet are written when it begins.
        for (height, level) in self.levels.iter_mut().enumerate() {
            let entry = slot >> (NODE_BITS * height);
            let node: &mut [u64; NODE] =
                (&mut level[entry & !(NODE - 1)..][..NODE]).try_into().expect("levels are whole nodes");
            let place = (entry & (NODE - 1)) as u64;
            for (index, sum) in node.iter_mut().enumerate() {
                *sum = sum.wrapping_sub(if index as u64 > place { size } else { 0 });
            }
        }
        found
    }

    /// Puts a size into the next slot, of which there must be one.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn put(&mut self, size: u64) -> u32 {
        let slot = self.next;
        // What is not yet said by the entries above is what lies before within the node.
        let mut left = self.total;
        for (height, level) in self.levels.iter_mut().enumerate().rev() {
            let entry = &mut level[slot >> (NODE_BITS * height)];
            if slot & ((1 << (NODE_BITS * height)) - 1) == 0 {
                *entry = left;
            }
            left = left.wrapping_sub(*entry);
        }
        self.total += size;
        self.next += 1;
        slot as u32
    }
}

struct Scan<'a, F> {
    ids: &'a [u32],
    sizes: &'a [u64],
    distinct: usize,
    each: F,
}

impl<F: FnMut(Option<u64>, u64)> Loop for Scan<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        let mut last = memory::zeros::<u32>(self.distinct);
        last.fill(NONE);
        let mut weights = memory::zeros::<u64>(self.distinct);
        let mut sums = Sums::new(SLOTS_LOW);
        for (&id, &size) in self.ids.iter().zip(self.sizes) {
            if sums.next == sums.levels[0].len() {
                sums = renumbered(&sums, &mut last, &weights);
            }
            let slot = last[id as usize];
            let weight = &mut weights[id as usize];
            let distance = if slot == NONE {
                *weight = size;
                None
            } else {
                Some(sums.take(slot as usize, *weight))
            };
            last[id as usize] = sums.put(*weight);
            (self.each)(distance, size);
        }
    }
}

/// The same sizes in slots from 0 on, in their order, with room for more.
#[inline(never)]
#[allow(clippy::cast_possible_truncation)]
fn renumbered(sums: &Sums, last: &mut [u32], weights: &[u64]) -> Sums {
    let mut ids = memory::zeros::<u32>(sums.next);
    ids.fill(NONE);
    for (id, slot) in last.iter().enumerate().filter(|(_, slot)| **slot != NONE) {
        ids[*slot as usize] = id as u32;
    }
    let live = ids.iter().filter(|id| **id != NONE).count();
    let mut made = Sums::new((live * SLOTS_PER_OBJECT).max(SLOTS_LOW));
    for id in ids.into_iter().filter(|id| *id != NONE) {
        last[id as usize] = made.put(weights[id as usize]);
    }
    made
}

/// What a cache of some capacity misses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Missed {
    /// Requests.
    pub requests: u64,
    /// Their sizes.
    pub bytes: u64,
}

/// What a cache that evicts the least recently used misses at each capacity in bytes, in one pass: exact where each object
/// has one size and no capacity is below the largest. Objects count with the size of their first request.
///
/// # Panics
/// If an id is not below `distinct`, or the capacities do not ascend.
#[must_use]
pub fn missed(ids: &[u32], sizes: &[u64], distinct: usize, capacities: &[u64]) -> Vec<Missed> {
    assert!(capacities.is_sorted(), "capacities ascend");
    // By the number of capacities that miss: all of those below the distance.
    let mut by_count = vec![Missed::default(); capacities.len() + 1];
    let each = |distance: Option<u64>, size: u64| {
        let count = distance.map_or(capacities.len(), |distance| capacities.partition_point(|one| *one < distance));
        by_count[count].requests += 1;
        by_count[count].bytes += size;
    };
    lanes::run(Scan { ids, sizes, distinct, each });
    let mut sum = Missed::default();
    for missed in by_count.iter_mut().rev() {
        sum = Missed { requests: sum.requests + missed.requests, bytes: sum.bytes + missed.bytes };
        *missed = sum;
    }
    by_count.drain(..1);
    by_count
}

/// The size of the largest object, and whether each object has one size alone.
#[must_use]
pub fn uniform(ids: &[u32], sizes: &[u64], distinct: usize) -> (u64, bool) {
    let mut first = vec![None; distinct];
    let mut one_each = true;
    for (&id, &size) in ids.iter().zip(sizes) {
        one_each &= *first[id as usize].get_or_insert(size) == size;
    }
    (sizes.iter().copied().max().unwrap_or(0), one_each)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The cache itself: the most recent object first.
    fn naive(ids: &[u32], sizes: &[u64], capacity: u64) -> Missed {
        let mut held: Vec<u32> = Vec::new();
        let mut missed = Missed::default();
        for id in ids {
            let size = |id: u32| sizes[id as usize];
            if let Some(place) = held.iter().position(|other| other == id) {
                held.remove(place);
            } else {
                missed = Missed { requests: missed.requests + 1, bytes: missed.bytes + size(*id) };
                while held.iter().map(|id| size(*id)).sum::<u64>() + size(*id) > capacity {
                    held.pop();
                }
            }
            held.insert(0, *id);
        }
        missed
    }

    proptest! {
        #[test]
        fn every_capacity_from_the_largest_object_on_misses_as_the_cache_does(
            sizes in prop::collection::vec(0_u64..12, 1..15),
            steps in prop::collection::vec(0_usize..1000, 0..2500),
        ) {
            let ids: Vec<u32> = steps.iter().map(|step| u32::try_from(step % sizes.len()).unwrap()).collect();
            let of: Vec<u64> = ids.iter().map(|id| sizes[*id as usize]).collect();
            let (largest, one_each) = uniform(&ids, &of, sizes.len());
            prop_assert!(one_each);
            let capacities: Vec<u64> = (largest..largest + 90).step_by(7).collect();
            let expected: Vec<Missed> = capacities.iter().map(|capacity| naive(&ids, &sizes, *capacity)).collect();
            prop_assert_eq!(missed(&ids, &of, sizes.len(), &capacities), expected);
        }
    }

    #[test]
    fn objects_of_one_byte_have_the_distances_of_objects() {
        let ids: Vec<u32> = (0_u32..60_000).map(|step| step.wrapping_mul(2_654_435_761) >> (19 + step % 5)).collect();
        let distinct = *ids.iter().max().unwrap() as usize + 1;
        let reuse = crate::curve::reuse::Reuse::of(&ids, distinct);
        let capacities: Vec<u64> = (1..=distinct as u64).collect();
        let found = missed(&ids, &vec![1; ids.len()], distinct, &capacities);
        assert_eq!(found.iter().map(|missed| missed.requests).collect::<Vec<_>>(), reuse.misses());
    }

    #[test]
    fn the_largest_capacity_of_all_misses_each_object_once() {
        let found = missed(&[0, 1, 0], &[5, 0, 5], 2, &[5, u64::MAX]);
        assert_eq!(found, [Missed { requests: 2, bytes: 5 }; 2]);
    }

    #[test]
    fn sizes_that_change_are_told() {
        assert_eq!(uniform(&[0, 1, 0], &[5, 9, 5], 2), (9, true));
        assert_eq!(uniform(&[0, 1, 0], &[5, 9, 6], 2), (9, false));
        assert_eq!(uniform(&[], &[], 0), (0, true));
    }
}
