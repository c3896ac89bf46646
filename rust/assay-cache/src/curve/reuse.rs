//! Reuse distances: how many distinct objects were asked for since an object was asked for last, itself included.
//!
//! A cache that evicts the least recently used object hits a request if and only if it holds at least as many objects
//! as the request's distance, so that one histogram of distances is the exact miss-ratio curve for every size. Idea: a
//! bit for each slot of time, set where an object was asked for last; a distance is a count of the bits from there on.
//! Counts are kept at four levels, each within its node of 32 entries, so that a request reads one entry a level
//! and updates one node a level, in vectors. Slots are used up one a request and renumbered when they are out, a few times the
//! number of objects at a time. Cost: O(1) steps a request below 2^26 objects, above them one for each 2^21 slots; a
//! third of a byte a slot and 4 bytes an object. Source: Mattson, Gecsei, Slutz, Traiger 1970, "Evaluation Techniques for
//! Storage Hierarchies"; Bennett, Kruskal 1975, "LRU Stack Processing" (a bit a slot, counts above).

use assay_core::lanes::{self, Loop};
use assay_core::memory;

/// The distance of a request that is the first one for its object.
pub const FIRST: u32 = 0;

/// No slot: the object was not asked for yet.
const NONE: u32 = u32::MAX;
/// Entries of a node, at every level but the highest.
const NODE: usize = 32;
/// Slots of a word, of a node of words, of a node of these, and of a node of those, as powers of two.
const WORD_BITS: usize = 6;
const FINE_BITS: usize = 11;
const COARSE_BITS: usize = 16;
const REGION_BITS: usize = 21;
/// The fewest slots; a multiple of whole nodes.
const SLOTS_LOW: usize = 1 << COARSE_BITS;
/// The most slots: their numbers have 32 bits, of which the greatest is none.
const SLOTS_HIGH: usize = (1 << 32) - SLOTS_LOW;
/// Slots are renumbered into so many times the number of objects.
const SLOTS_PER_OBJECT: usize = 4;
/// Distances that wait for their counts to be fetched.
const WAITING: usize = 64;
/// So many requests ahead an object's slot is fetched.
const AHEAD: usize = 24;

/// Slots of time, in which the last request of each object is marked.
struct Slots {
    marks: Vec<u64>,
    /// Marks before a word within its node; before a node of words within its own; and so on. The highest: before all.
    fine: Vec<u16>,
    coarse: Vec<u16>,
    region: Vec<u32>,
    top: Vec<u32>,
    /// The slot of the next request.
    next: usize,
    /// The number of slots.
    end: usize,
    /// The number of marks.
    live: u32,
}

/// Takes 1 from the entries behind `place`.
#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
fn lower_16(node: &mut [u16; NODE], place: usize) {
    let place = place as u16;
    for (index, entry) in node.iter_mut().enumerate() {
        *entry = entry.wrapping_sub(u16::from(index as u16 > place));
    }
}

/// As [`lower_16`], for wide entries.
#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
fn lower_32(node: &mut [u32; NODE], place: usize) {
    let place = place as u32;
    for (index, entry) in node.iter_mut().enumerate() {
        *entry = entry.wrapping_sub(u32::from(index as u32 > place));
    }
}

/// The node that an entry is in.
#[inline(always)]
fn node<T>(entries: &mut [T], entry: usize) -> &mut [T; NODE] {
    let start = entry & !(NODE - 1);
    (&mut entries[start..start + NODE]).try_into().expect("levels are whole nodes")
}

impl Slots {
    fn new(objects: usize) -> Self {
        let mut slots = Self {
            marks: Vec::new(),
            fine: Vec::new(),
            coarse: Vec::new(),
            region: Vec::new(),
            top: Vec::new(),
            next: 0,
            end: 0,
            live: 0,
        };
        slots.resize(objects.min(SLOTS_LOW));
        slots
    }

    /// Makes the slots so many that `objects` of them leave room for many requests.
    fn resize(&mut self, objects: usize) {
        let end = (objects * SLOTS_PER_OBJECT).next_multiple_of(SLOTS_LOW).clamp(SLOTS_LOW, SLOTS_HIGH);
        let nodes = |bits: usize| end.div_ceil(1 << bits).next_multiple_of(NODE);
        self.end = end;
        self.marks = memory::zeros(nodes(WORD_BITS));
        self.fine = memory::zeros(nodes(WORD_BITS));
        self.coarse = memory::zeros(nodes(FINE_BITS));
        self.region = memory::zeros(nodes(COARSE_BITS));
        self.top = memory::zeros(end.div_ceil(1 << REGION_BITS));
    }

    /// The marks before a slot.
    #[inline(always)]
    fn before(&self, slot: usize) -> u32 {
        let word = slot >> WORD_BITS;
        let below = self.marks[word] & ((1 << (slot & 63)) - 1);
        let narrow = u32::from(self.fine[word]) + u32::from(self.coarse[slot >> FINE_BITS]);
        self.top[slot >> REGION_BITS] + self.region[slot >> COARSE_BITS] + narrow + below.count_ones()
    }

    /// Takes the mark from a slot; the marks from there on, its own included.
    #[inline(always)]
    fn take(&mut self, slot: usize) -> u32 {
        let found = self.live - self.before(slot);
        self.marks[slot >> WORD_BITS] &= !(1 << (slot & 63));
        self.live -= 1;
        // Entries of what has not begun yet are written when it begins: what becomes of them here does not matter.
        lower_16(node(&mut self.fine, slot >> WORD_BITS), (slot >> WORD_BITS) % NODE);
        lower_16(node(&mut self.coarse, slot >> FINE_BITS), (slot >> FINE_BITS) % NODE);
        if slot >> COARSE_BITS != self.next >> COARSE_BITS {
            lower_32(node(&mut self.region, slot >> COARSE_BITS), (slot >> COARSE_BITS) % NODE);
            for entry in &mut self.top[(slot >> REGION_BITS) + 1..] {
                *entry = entry.wrapping_sub(1);
            }
        }
        found
    }

    /// Marks the next slot, of which there must be one.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn mark(&mut self) -> u32 {
        let slot = self.next;
        if slot & 63 == 0 {
            self.begin(slot);
        }
        self.marks[slot >> WORD_BITS] |= 1 << (slot & 63);
        self.live += 1;
        self.next += 1;
        slot as u32
    }

    /// Writes the entries of the word that begins with this slot, and of the nodes that do.
    #[inline(never)]
    #[allow(clippy::cast_possible_truncation)]
    fn begin(&mut self, slot: usize) {
        let starts = |bits: usize| slot & ((1 << bits) - 1) == 0;
        if starts(REGION_BITS) {
            self.top[slot >> REGION_BITS] = self.live;
        }
        let mut left = self.live - self.top[slot >> REGION_BITS];
        if starts(COARSE_BITS) {
            self.region[slot >> COARSE_BITS] = left;
        }
        left -= self.region[slot >> COARSE_BITS];
        if starts(FINE_BITS) {
            self.coarse[slot >> FINE_BITS] = left as u16; // at most 31 nodes of 2^11 slots
        }
        left -= u32::from(self.coarse[slot >> FINE_BITS]);
        self.fine[slot >> WORD_BITS] = left as u16;
    }

    /// Renumbers the slots of `last` from 0 on, in their order, into as many slots as are worth having.
    #[inline(never)]
    #[allow(clippy::cast_possible_truncation)]
    fn renumber(&mut self, last: &mut [u32]) {
        for slot in last.iter_mut().filter(|slot| **slot != NONE) {
            *slot = self.before(*slot as usize);
        }
        let live = self.live as usize;
        assert!(live < SLOTS_HIGH, "objects are numbered in 32 bits");
        if live * SLOTS_PER_OBJECT / 2 > self.end && self.end < SLOTS_HIGH {
            self.resize(live);
        }
        let full = live >> WORD_BITS;
        self.marks.fill(0);
        self.marks[..full].fill(u64::MAX);
        self.marks[full] = (1 << (live & 63)) - 1;
        // As many marks lie before each entry as slots do.
        let within = |index: usize, bits: usize| (index % NODE) << bits;
        self.fine.iter_mut().enumerate().for_each(|(index, entry)| *entry = within(index, WORD_BITS) as u16);
        self.coarse.iter_mut().enumerate().for_each(|(index, entry)| *entry = within(index, FINE_BITS) as u16);
        self.region.iter_mut().enumerate().for_each(|(index, entry)| *entry = within(index, COARSE_BITS) as u32);
        self.top.iter_mut().enumerate().for_each(|(index, entry)| *entry = (index << REGION_BITS) as u32);
        self.next = live;
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
    fn run(mut self) {
        let mut last = memory::zeros::<u32>(self.distinct);
        last.fill(NONE);
        let mut slots = Slots::new(self.distinct);
        let mut first = 0;
        while first < self.ids.len() {
            if slots.next == slots.end {
                slots.renumber(&mut last);
            }
            let count = (self.ids.len() - first).min(slots.end - slots.next);
            for index in first..first + count {
                if let Some(id) = self.ids.get(index + AHEAD) {
                    memory::prefetch(&last[*id as usize]);
                }
                let id = self.ids[index];
                let slot = last[id as usize];
                let distance = if slot == NONE { FIRST } else { slots.take(slot as usize) };
                last[id as usize] = slots.mark();
                (self.each)(id, distance);
            }
            first += count;
        }
    }
}

/// Calls `each(id, distance)` for every request, in order; the distance of an object's first request is [`FIRST`].
///
/// # Panics
/// If an id is not below `distinct`.
pub fn for_each_distance(ids: &[u32], distinct: usize, each: impl FnMut(u32, u32)) {
    lanes::run(Scan { ids, distinct, each });
}

/// How many requests have each distance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reuse {
    /// All requests.
    pub requests: u64,
    /// By distance; at 0, which is [`FIRST`], the first requests of objects. As many entries as objects, and one.
    pub counts: Vec<u64>,
}

impl Reuse {
    /// The histogram of these requests.
    ///
    /// # Panics
    /// If an id is not below `distinct`.
    #[must_use]
    pub fn of(ids: &[u32], distinct: usize) -> Self {
        let mut counts = memory::zeros::<u64>(distinct + 1);
        let slots = counts.as_mut_slice();
        let (mut waiting, mut place) = ([0_u32; WAITING], 0);
        for_each_distance(ids, distinct, |_, distance| {
            memory::prefetch(&slots[distance as usize]);
            waiting[place] = distance;
            place += 1;
            if place == WAITING {
                waiting.iter().for_each(|distance| slots[*distance as usize] += 1);
                place = 0;
            }
        });
        waiting[..place].iter().for_each(|distance| slots[*distance as usize] += 1);
        Self { requests: ids.len() as u64, counts }
    }

    /// The misses of a cache of each capacity that evicts the least recently used: of 1, 2, ... objects.
    #[must_use]
    pub fn misses(&self) -> Vec<u64> {
        let mut misses = self.requests;
        let hits = self.counts.iter().skip(1);
        hits.map(|hits| {
            misses -= hits;
            misses
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The stack itself, an object a place: the distance is where the object lies in it.
    fn naive(ids: &[u32]) -> Vec<u32> {
        let mut stack: Vec<u32> = Vec::new();
        ids.iter()
            .map(|id| {
                let place = stack.iter().position(|other| other == id);
                if let Some(place) = place {
                    stack.remove(place);
                }
                stack.insert(0, *id);
                place.map_or(FIRST, |place| u32::try_from(place).unwrap() + 1)
            })
            .collect()
    }

    fn distances(ids: &[u32], distinct: usize) -> Vec<u32> {
        let mut found = Vec::new();
        for_each_distance(ids, distinct, |_, distance| found.push(distance));
        found
    }

    /// Numbers that look random, the same every time.
    fn steps(seed: u64) -> impl Iterator<Item = u64> {
        std::iter::successors(Some(seed), |state| {
            Some(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407))
        })
        .skip(1)
        .map(|state| state >> 33)
    }

    #[test]
    fn a_small_case_is_as_worked_by_hand() {
        // a b c a a c b: a after b, c, a: 3; a again: 1; c after a: 2 (a, c); b after a, c: 3.
        let reuse = Reuse::of(&[0, 1, 2, 0, 0, 2, 1], 3);
        assert_eq!(distances(&[0, 1, 2, 0, 0, 2, 1], 3), [0, 0, 0, 3, 1, 2, 3]);
        assert_eq!(reuse.counts, [3, 1, 1, 2]);
        assert_eq!(reuse.misses(), [6, 5, 3]);
    }

    #[test]
    fn nothing_has_no_distances() {
        assert_eq!(Reuse::of(&[], 0), Reuse { requests: 0, counts: vec![0] });
        assert!(Reuse::of(&[], 0).misses().is_empty());
        assert_eq!(Reuse::of(&[0; 100], 1).misses(), [1]);
    }

    proptest! {
        #[test]
        fn distances_are_places_in_the_stack(ids in prop::collection::vec(0_u32..40, 0..400)) {
            prop_assert_eq!(distances(&ids, 40), naive(&ids));
        }
    }

    #[test]
    fn distances_stay_right_when_slots_are_renumbered() {
        // Few objects, many requests: slots run out many times, at the edges of words and within them.
        for distinct in [1_u32, 2, 63, 64, 65, 300] {
            let ids: Vec<u32> = steps(u64::from(distinct))
                .take(3 * SLOTS_LOW + 77)
                .map(|step| u32::try_from(step).unwrap() % distinct)
                .collect();
            assert_eq!(distances(&ids, distinct as usize), naive(&ids), "{distinct} objects");
        }
    }

    /// A loop over all objects: each distance but the first ones is their number, at every level of counts.
    #[test]
    fn a_loop_has_the_distance_of_its_length() {
        for distinct in [2_000_u32, 70_000, 600_000] {
            let ids: Vec<u32> = (0..5 * distinct).map(|request| request % distinct).collect();
            let reuse = Reuse::of(&ids, distinct as usize);
            assert_eq!(reuse.counts[FIRST as usize], u64::from(distinct));
            assert_eq!(reuse.counts[distinct as usize], 4 * u64::from(distinct));
        }
    }

    /// There and back: the request of an object that was met `n` steps before the turn has distance `n`.
    #[test]
    fn there_and_back_has_every_distance_once() {
        let distinct = 3_000_000_u32;
        let ids: Vec<u32> = (0..distinct).chain((0..distinct).rev()).collect();
        let reuse = Reuse::of(&ids, distinct as usize);
        assert!(reuse.counts[1..].iter().all(|count| *count == 1));
    }

    #[test]
    fn every_path_gives_the_same() {
        let ids: Vec<u32> =
            steps(5).take(300_000).map(|step| u32::try_from(step % (1 + step % 90_001)).unwrap()).collect();
        let sum = |path| {
            let mut sum = 0_u64;
            let each = |id: u32, distance: u32| {
                sum = sum.wrapping_mul(31).wrapping_add(u64::from(distance) << 8 ^ u64::from(id));
            };
            lanes::run_on(path, Scan { ids: &ids, distinct: 90_001, each });
            sum
        };
        let portable = sum(lanes::Path::Portable);
        assert!(lanes::Path::available().into_iter().all(|path| sum(path) == portable));
    }
}
