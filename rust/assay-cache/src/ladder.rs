//! Objects on rungs: the least whole-numbered priority first, of equal ones the object that was put there first.
//!
//! Idea: priorities that never fall below the one that was taken last lie on rungs within reach, each a list in the
//! order of arrival, with a bit that tells if it is empty; whatever is above waits in one list and is laid out when
//! all rungs are empty. Cost: O(1) a step but for the laying out, which moves an object once for every rung-length
//! that the least priority rises; 12 bytes a key and 33 KiB. It is a radix heap of two levels that keeps arrivals.
//! Source: Ahuja, Mehlhorn, Orlin, Tarjan 1990, "Faster algorithms for the shortest path problem" (monotone queues).

use crate::links::Links;

/// Rungs within reach.
const RUNGS: u32 = 4096;
/// The list of those above.
const ABOVE: u32 = RUNGS;

/// Objects with a priority each.
#[derive(Debug)]
pub struct Ladder {
    links: Links,
    priorities: Vec<u32>,
    /// The priority of the lowest rung.
    base: u32,
    /// A bit for each rung that is not empty; some that became empty may still have theirs.
    filled: Vec<u64>,
}

impl Ladder {
    /// For objects below `distinct`, none of which is there.
    #[must_use]
    pub fn new(distinct: usize) -> Self {
        Self {
            links: Links::new(distinct, RUNGS as usize + 1),
            priorities: assay_core::memory::zeros(distinct),
            base: 0,
            filled: vec![0; RUNGS as usize / 64],
        }
    }

    /// Whether the object is there.
    #[inline]
    #[must_use]
    pub fn contains(&self, id: u32) -> bool {
        self.links.contains(id)
    }

    /// The priority with which an object was put in last.
    #[inline]
    #[must_use]
    pub fn priority(&self, id: u32) -> u32 {
        self.priorities[id as usize]
    }

    /// Puts an object in that is not there. No priority may be below that of the object that was least last.
    #[inline]
    pub fn insert(&mut self, id: u32, priority: u32) {
        debug_assert!(priority >= self.base, "the least never falls");
        self.priorities[id as usize] = priority;
        let rung = priority - self.base;
        if rung < RUNGS {
            self.filled[(rung / 64) as usize] |= 1 << (rung % 64);
            self.links.push_head(rung, id);
        } else {
            self.links.push_head(ABOVE, id);
        }
    }

    /// Takes an object out that is there.
    #[inline]
    pub fn remove(&mut self, id: u32) {
        self.links.remove(id);
    }

    /// The object with the least priority.
    #[inline]
    pub fn least(&mut self) -> Option<u32> {
        loop {
            for word in 0..self.filled.len() {
                while self.filled[word] != 0 {
                    #[allow(clippy::cast_possible_truncation)]
                    let rung = word as u32 * 64 + self.filled[word].trailing_zeros();
                    if let Some(found) = self.links.tail(rung) {
                        return Some(found);
                    }
                    self.filled[word] &= self.filled[word] - 1;
                }
            }
            self.lay_out()?;
        }
    }

    /// The object with the least priority, where nothing may move, as lower ones may still come.
    #[must_use]
    pub fn peek(&self) -> Option<u32> {
        for (word, bits) in (0_u32..).zip(&self.filled) {
            let mut bits = *bits;
            while bits != 0 {
                let found = self.links.tail(word * 64 + bits.trailing_zeros());
                if found.is_some() {
                    return found;
                }
                bits &= bits - 1;
            }
        }
        let mut each = self.links.tail(ABOVE);
        let mut least = each?;
        while let Some(id) = each {
            if self.priorities[id as usize] < self.priorities[least as usize] {
                least = id;
            }
            each = self.links.newer(id);
        }
        Some(least)
    }

    /// Moves the ladder up to the least of those above, and puts those within reach on their rungs. None: all is empty.
    #[cold]
    fn lay_out(&mut self) -> Option<()> {
        let first = self.links.tail(ABOVE)?;
        let mut base = u32::MAX;
        let mut each = Some(first);
        while let Some(id) = each {
            base = base.min(self.priorities[id as usize]);
            each = self.links.newer(id);
        }
        self.base = base;
        each = Some(first);
        while let Some(id) = each {
            each = self.links.newer(id);
            let priority = self.priorities[id as usize];
            if priority - base < RUNGS {
                self.links.remove(id);
                self.insert(id, priority);
            }
        }
        Some(())
    }

    /// Asks for what a step with this object will need.
    #[inline]
    pub fn prefetch(&self, id: u32) {
        self.links.prefetch(id);
        assay_core::memory::prefetch(&self.priorities[id as usize]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_least_is_that_of_all_and_of_equal_ones_the_first(
            steps in prop::collection::vec((0..40_u32, prop_oneof![0..5_u32, 4000..4200_u32, 0..20_000_u32], 0..3_u8), 0..400),
        ) {
            let mut ladder = Ladder::new(40);
            let mut naive: Vec<(u32, usize, u32)> = Vec::new();
            let mut floor = 0;
            for (arrival, (id, more, step)) in steps.into_iter().enumerate() {
                if step == 0 {
                    let least = naive.iter().min().copied();
                    prop_assert_eq!(ladder.least(), least.map(|(_, _, id)| id));
                    if let Some((priority, _, id)) = least {
                        floor = priority;
                        ladder.remove(id);
                        naive.retain(|(_, _, other)| *other != id);
                    }
                } else {
                    if ladder.contains(id) {
                        ladder.remove(id);
                        naive.retain(|(_, _, other)| *other != id);
                    }
                    ladder.insert(id, floor + more);
                    naive.push((floor + more, arrival, id));
                }
            }
        }
    }
}
