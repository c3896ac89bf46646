//! Batches of ranges in a B+-tree: both ends of all are found together, and rows copied from whole leaves between them.
//!
//! The ends say which leaves a range goes through before one of its rows is read, so that the rows of the next ranges are on
//! their way while those of one are copied; keys between the ends are not read at all.

use super::Tree;
use super::find::Place;
use crate::space::Space;
use crate::{Between, Found, NONE, Ordered, Take};

/// How many ranges ahead it is asked for the links of leaves, and for rows.
const LINKS_AHEAD: usize = 16;
const RANGES_AHEAD: usize = 4;
/// The most leaves of a range that are asked for ahead.
const LEAVES_AHEAD: usize = 16;

impl<S: Space> Tree<S> {
    /// Appends the rows of each range.
    pub(super) fn all_ranges(&self, betweens: &[Between<'_, S>], found: &mut Found) {
        let ends: Option<Vec<[_; 2]>> = betweens.iter().map(|one| Some([one.start()?, one.end()?])).collect();
        let Some(ends) = ends else {
            for between in betweens {
                self.range(between, Take::ALL, &mut found.rows);
                found.end();
            }
            return;
        };
        let mut places: Vec<Place> = vec![(0, 0); 2 * betweens.len()];
        let aim = |at: usize| {
            let (probe, after) = ends[at / 2][at % 2];
            (self.root, probe, after)
        };
        self.for_each_place(self.levels, places.len(), aim, |at, place| places[at] = place);
        for (places, between) in places.chunks_mut(2).zip(betweens) {
            if between.is_empty() {
                places[1] = places[0];
            }
        }
        let spans = places.as_chunks::<2>().0;
        let mut total = 0;
        for (at, span) in spans.iter().enumerate() {
            if let Some([(leaf, _), _]) = spans.get(at + LINKS_AHEAD) {
                self.leaves.prefetch_link(*leaf);
            }
            self.for_each_piece(*span, |_, from, to| total += to - from);
        }
        found.reserve(total);
        for (at, span) in spans.iter().enumerate() {
            if let Some([(first, _), (last, _)]) = spans.get(at + RANGES_AHEAD) {
                let mut leaf = *first;
                for _ in 0..LEAVES_AHEAD {
                    self.leaves.prefetch_rows(leaf);
                    if leaf == *last {
                        break;
                    }
                    leaf = self.leaves.right(leaf);
                }
            }
            self.for_each_piece(*span, |leaf, from, to| found.extend(&self.leaves.rows(leaf)[from..to]));
            found.end();
        }
    }

    /// Calls `work` with each leaf between two places, and from which of its entries to which they are.
    #[inline(always)]
    fn for_each_piece(&self, [(mut leaf, from), (last, end)]: [Place; 2], mut work: impl FnMut(u32, usize, usize)) {
        let mut from = from as usize;
        while leaf != last {
            debug_assert_ne!(leaf, NONE, "the end is on the right of the beginning");
            work(leaf, from, self.leaves.count(leaf));
            (leaf, from) = (self.leaves.right(leaf), 0);
        }
        work(leaf, from, end as usize);
    }
}
