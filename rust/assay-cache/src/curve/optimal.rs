//! The curve of OPT, which evicts the object whose next request is farthest, for every size from one pass.
//!
//! OPT is a stack policy: a request has a distance, the least capacity that hits it, and the histogram of
//! distances is the curve. Idea: a hit keeps an object from one request to the next; a cache of `c` objects can keep
//! any such intervals of which no more than `c - 1` span one moment, as the object asked for then takes a place too. As
//! many as possible are kept if each, in the order of their ends, follows the latest-ending one that ends before
//! it begins, in that one's place. The places of a larger cache are those of the smaller one and more, so that one list of
//! the ends, by place, stands for all sizes, and the distance is the first place whose end is early enough. What changes in the
//! list are the places where the latest such end so far is surpassed: each end moves on to the next of them, and the last
//! one leaves. Seen from the ends, in the order of time, a place is carried from the last early end back to the first one, and
//! left wherever a lesser one lies, which is carried on. What passes a whole block of ends enters it, and its least place leaves: a
//! heap tells which, and who got what is found out when part of the block is asked for. Cost: O(sqrt(n) log n) a
//! request at worst, for n objects, one or two microseconds on real traces; 12 to 48 bytes an object. Source: Belady 1966,
//! "A Study of Replacement Algorithms for a Virtual-Storage Computer"; Mattson, Gecsei, Slutz, Traiger 1970, "Evaluation
//! Techniques for Storage Hierarchies" (priority stacks); Carlisle, Lloyd 1995, "On the k-coloring of intervals".

use std::collections::BinaryHeap;

use crate::curve::reuse::{FIRST, Reuse};
use assay_core::lanes::{self, Loop};
use assay_core::memory;

/// No place: nothing ends here, or what did was followed. No request: an object's bound before its first one.
const NONE: u32 = u32::MAX;
/// Children of a node of the tree over blocks, and places compared at once.
const NODE: usize = 16;
const NODE_BITS: usize = 4;
/// Ends of a block.
const BLOCK: usize = 128;
/// The fewest blocks.
const BLOCKS_LOW: usize = 64;
/// Ends are renumbered into so many times as many slots.
const SLOTS_PER_END: usize = 3;

/// The least place of each block, and of nodes of blocks, up to one node.
struct Least {
    levels: Vec<Vec<u32>>,
}

/// Which of the first `count` are below `bound`, as bits.
#[inline(always)]
fn below(node: &[u32; NODE], count: usize, bound: u32) -> u32 {
    let mut found = 0;
    for (index, place) in node.iter().enumerate() {
        found |= u32::from(*place < bound) << index;
    }
    found & ((1 << count) - 1)
}

#[inline(always)]
fn node(level: &[u32], index: usize) -> &[u32; NODE] {
    level[index << NODE_BITS..][..NODE].try_into().expect("levels are whole nodes")
}

#[inline(always)]
fn least_of(places: &[u32]) -> u32 {
    places.iter().copied().fold(NONE, u32::min)
}

impl Least {
    fn new(blocks: usize) -> Self {
        let (mut levels, mut entries) = (Vec::new(), blocks);
        loop {
            entries = entries.next_multiple_of(NODE);
            levels.push(vec![NONE; entries]);
            if entries == NODE {
                return Self { levels };
            }
            entries >>= NODE_BITS;
        }
    }

    /// The last block before `block` whose least place is below `bound`.
    #[inline(always)]
    fn last_before(&self, block: usize, bound: u32) -> Option<usize> {
        let mut index = block;
        for (height, level) in self.levels.iter().enumerate() {
            if index >> NODE_BITS << NODE_BITS < level.len() {
                let found = below(node(level, index >> NODE_BITS), index & (NODE - 1), bound);
                if found != 0 {
                    let mut found = index & !(NODE - 1) | found.ilog2() as usize;
                    for level in self.levels[..height].iter().rev() {
                        let children = below(node(level, found), NODE, bound);
                        found = found << NODE_BITS | children.ilog2() as usize;
                    }
                    return Some(found);
                }
            }
            index >>= NODE_BITS;
        }
        None
    }

    /// Writes the least place of a block.
    #[inline(always)]
    fn put(&mut self, block: usize, place: u32) {
        self.levels[0][block] = place;
        let mut index = block;
        for height in 1..self.levels.len() {
            let least = least_of(node(&self.levels[height - 1], index >> NODE_BITS));
            index >>= NODE_BITS;
            if self.levels[height][index] == least {
                break;
            }
            self.levels[height][index] = least;
        }
    }
}

/// The ends of kept intervals in the order of time, each with its place.
struct Ends {
    /// By slot; what passed a block since is not yet in it.
    places: Vec<u32>,
    /// The places of each block as they are, the least one first and each before those at twice its index, where `heaped`.
    heaps: Vec<u32>,
    heaped: Vec<bool>,
    /// What passed each block.
    passed: Vec<Vec<u32>>,
    least: Least,
    /// The slot of the next end.
    next: usize,
}

/// The first of a heap is replaced, and sinks to where it belongs.
#[inline(always)]
fn sink(heap: &mut [u32], mut at: usize) {
    loop {
        let mut child = 2 * at + 1;
        if child >= heap.len() {
            return;
        }
        if child + 1 < heap.len() && heap[child + 1] < heap[child] {
            child += 1;
        }
        if heap[at] <= heap[child] {
            return;
        }
        heap.swap(at, child);
        at = child;
    }
}

/// Carries a place over ends from the last one back to the first: left wherever a lesser one lies, which is carried on.
#[inline(always)]
fn carry(places: &mut [u32], mut place: u32) -> u32 {
    let whole = places.len() & !(NODE - 1);
    let (front, rest) = places.split_at_mut(whole);
    for chunk in std::iter::once(rest).chain(front.chunks_exact_mut(NODE).rev()) {
        if least_of(chunk) < place {
            for there in chunk.iter_mut().rev() {
                if *there < place {
                    std::mem::swap(there, &mut place);
                }
            }
        }
    }
    place
}

impl Ends {
    fn new(slots: usize) -> Self {
        let blocks = slots.div_ceil(BLOCK).max(BLOCKS_LOW);
        let mut places = memory::zeros::<u32>(blocks * BLOCK);
        places.fill(NONE);
        Self {
            places,
            heaps: memory::zeros(blocks * BLOCK),
            heaped: vec![false; blocks],
            passed: vec![Vec::new(); blocks],
            least: Least::new(blocks),
            next: 0,
        }
    }

    #[inline(always)]
    fn is_full(&self) -> bool {
        self.next == self.places.len()
    }

    /// Brings what passed a block into it: of all that pass an end, in whatever order, the greatest stays.
    #[inline(never)]
    fn settle(&mut self, block: usize) {
        let mut passed = std::mem::take(&mut self.passed[block]);
        let places = &mut self.places[block * BLOCK..][..BLOCK];
        if let [place] = passed[..] {
            carry(places, place);
        } else {
            let mut carried = BinaryHeap::from(std::mem::take(&mut passed));
            for there in places.iter_mut().rev() {
                let mut greatest = carried.peek_mut().expect("something passed");
                if *there < *greatest {
                    std::mem::swap(there, &mut greatest);
                }
            }
            passed = carried.into_vec();
        }
        passed.clear();
        self.passed[block] = passed;
    }

    /// The place that an end enters which follows one of those before slot `bound`, if one of them can be followed.
    #[inline(always)]
    fn follow(&mut self, bound: usize) -> Option<u32> {
        let (mut block, within) = (bound / BLOCK, bound % BLOCK);
        let mut place = NONE;
        if within > 0 {
            if !self.passed[block].is_empty() {
                self.settle(block);
            }
            let places = &mut self.places[block * BLOCK..][..BLOCK];
            place = carry(&mut places[..within], place);
            if place != NONE {
                self.heaped[block] = false;
                let least = least_of(places);
                self.least.put(block, least);
            }
        }
        while let Some(found) = self.least.last_before(block, place) {
            block = found;
            place = self.pass(block, place);
        }
        (place != NONE).then_some(place)
    }

    /// Carries a place over a whole block that has a lesser one.
    #[inline(always)]
    fn pass(&mut self, block: usize, place: u32) -> u32 {
        if self.passed[block].len() == BLOCK {
            self.settle(block);
        }
        let heap = &mut self.heaps[block * BLOCK..][..BLOCK];
        if !self.heaped[block] {
            // Nothing passed since the block was last asked for in part, which settled it.
            heap.copy_from_slice(&self.places[block * BLOCK..][..BLOCK]);
            (0..BLOCK / 2).rev().for_each(|at| sink(heap, at));
            self.heaped[block] = true;
        }
        let least = std::mem::replace(&mut heap[0], place);
        sink(heap, 0);
        self.passed[block].push(place);
        let now = heap[0];
        self.least.put(block, now);
        least
    }

    /// Adds an end in this place.
    #[inline(always)]
    fn add(&mut self, place: u32) {
        self.places[self.next] = place;
        let block = self.next / BLOCK;
        if place < self.least.levels[0][block] {
            self.least.put(block, place);
        }
        self.next += 1;
    }

    /// The same ends in slots from 0 on, with room for more; `bounds` move with them.
    #[inline(never)]
    #[allow(clippy::cast_possible_truncation)]
    fn renumbered(&mut self, bounds: &mut [u32]) -> Self {
        for block in 0..self.passed.len() {
            if !self.passed[block].is_empty() {
                self.settle(block);
            }
        }
        let mut ranks = Vec::with_capacity(self.next + 1);
        let mut live = 0;
        for place in &self.places[..self.next] {
            ranks.push(live);
            live += u32::from(*place != NONE);
        }
        ranks.push(live);
        for bound in bounds.iter_mut().filter(|bound| **bound != NONE) {
            *bound = ranks[*bound as usize];
        }
        let mut made = Self::new(live as usize * SLOTS_PER_END);
        for place in self.places[..self.next].iter().filter(|place| **place != NONE) {
            made.places[made.next] = *place;
            made.next += 1;
        }
        for block in 0..made.next.div_ceil(BLOCK) {
            made.least.put(block, least_of(&made.places[block * BLOCK..][..BLOCK]));
        }
        made
    }
}

struct Scan<'a, F> {
    ids: &'a [u32],
    distinct: usize,
    each: F,
}

impl<F: FnMut(u32, u32)> Loop for Scan<'_, F> {
    type Output = ();

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn run(mut self) {
        assert!(self.distinct < NONE as usize / SLOTS_PER_END / 2, "slots are numbered in 32 bits");
        // By object: an interval that begins with its last request may follow those that end in slots before this one.
        let mut bounds = vec![NONE; self.distinct];
        let mut ends = Ends::new(0);
        let (mut places, mut previous) = (0, NONE);
        for &id in self.ids {
            if ends.is_full() {
                ends = ends.renumbered(&mut bounds);
            }
            let bound = bounds[id as usize];
            let distance = if bound == NONE {
                FIRST
            } else if id == previous {
                1 // it spans no moment: a cache of one object keeps it
            } else {
                let place = ends.follow(bound as usize).unwrap_or_else(|| {
                    places += 1;
                    places - 1
                });
                ends.add(place);
                // What ends now does not meet what begins with the request before this one: it spans from now on.
                bounds[previous as usize] = ends.next as u32;
                place + 2 // counted from 0, and the place of the object that is asked for meanwhile
            };
            bounds[id as usize] = ends.next as u32;
            previous = id;
            (self.each)(id, distance);
        }
    }
}

/// Calls `each(id, distance)` for every request, in order: the least capacity with which OPT hits it, or [`FIRST`].
///
/// # Panics
/// If an id is not below `distinct`, or there are more than 2^29 objects.
pub fn for_each_distance(ids: &[u32], distinct: usize, each: impl FnMut(u32, u32)) {
    lanes::run(Scan { ids, distinct, each });
}

/// How many requests have each distance.
///
/// # Panics
/// As [`for_each_distance`].
#[must_use]
pub fn reuse(ids: &[u32], distinct: usize) -> Reuse {
    let mut counts = memory::zeros::<u64>(distinct + 1);
    let slots = counts.as_mut_slice();
    for_each_distance(ids, distinct, |_, distance| slots[distance as usize] += 1);
    Reuse { requests: ids.len() as u64, counts }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The misses of one capacity by the definition: what is asked for last, of all that is there, goes.
    fn naive(ids: &[u32], capacity: usize) -> u64 {
        let mut held: Vec<u32> = Vec::new();
        let mut misses = 0;
        for (at, id) in ids.iter().enumerate() {
            if held.contains(id) {
                continue;
            }
            misses += 1;
            if held.len() == capacity {
                let next = |id: &u32| ids[at..].iter().position(|other| other == id).unwrap_or(usize::MAX);
                let victim = (0..held.len()).max_by_key(|place| next(&held[*place])).unwrap();
                held.swap_remove(victim);
            }
            held.push(*id);
        }
        misses
    }

    #[test]
    fn a_small_case_is_as_worked_by_hand() {
        // a b c a b: one place beside the one in use keeps a, or b; two keep both.
        assert_eq!(reuse(&[0, 1, 2, 0, 1], 3).misses(), [5, 4, 3]);
        assert_eq!(reuse(&[0, 0, 0], 1).misses(), [1]);
        assert_eq!(reuse(&[], 0).counts, [0]);
    }

    proptest! {
        #[test]
        fn every_size_misses_as_belady_does(
            (ids, distinct) in (1_u32..14).prop_flat_map(|distinct| {
                (prop::collection::vec(0..distinct, 0..150), Just(distinct as usize))
            })
        ) {
            let expected: Vec<u64> = (1..=distinct).map(|capacity| naive(&ids, capacity)).collect();
            prop_assert_eq!(reuse(&ids, distinct).misses(), expected);
        }
    }

    #[test]
    fn sizes_stay_right_when_slots_are_renumbered() {
        let mut state = 7_u64;
        let ids: Vec<u32> = (0..3 * BLOCKS_LOW * BLOCK)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let (one, other) = ((state >> 40) as u32 % 1500, (state >> 20) as u32 % 1500);
                one.min(other)
            })
            .collect();
        let found = reuse(&ids, 1500).misses();
        for capacity in [1, 2, 10, 300, 1200, 1500] {
            assert_eq!(found[capacity - 1], naive(&ids, capacity), "{capacity} objects");
        }
    }
}
