//! Ways down a B+-tree: many keys at once, and ranges along the leaves.

use std::ops::Bound;

use super::Tree;
use super::nodes::Aim;
use crate::rank::{self, Rank, Search};
use crate::space::Space;
use crate::{Between, Found, NONE, Ordered, Pairs, Take};

/// So many keys go down together: enough for the memory to have something to do, few enough to stay in the first cache.
const GROUP: usize = 32;
/// So many groups are on their way: one goes down, one is in its leaves, one is answered.
const STAGES: usize = 3;

/// A place among the entries: a leaf, and which of its entries; only the end of the last leaf is no entry.
pub type Place = (u32, u32);
/// The node at which a way down begins, the key, and whether it leads to what comes after it.
pub type Start<P> = (u32, P, bool);

/// Many keys on their way down: while the leaves of one group come from memory, the next goes down to its own, and the rows
/// of the one before are read.
struct Descent<'t, S: Space, A, V> {
    tree: &'t Tree<S>,
    /// How many levels above the leaves they begin.
    levels: u32,
    /// How many keys there are.
    count: usize,
    /// The node at which the key of a number begins, and what it leads to.
    aim: A,
    /// What is done with its place.
    visit: V,
}

impl<'p, S: Space, A: Fn(usize) -> Start<S::Probe<'p>>, V: FnMut(usize, Place)> Search for Descent<'_, S, A, V> {
    type Output = ();

    #[inline(always)]
    fn run<R: Rank>(mut self) {
        let tree = self.tree;
        let groups = self.count.div_ceil(GROUP);
        let mut places = [[(tree.root, 0); GROUP]; STAGES];
        for stage in 0..groups + STAGES - 1 {
            let group = |behind: usize| {
                let start = (stage - behind) * GROUP;
                start..self.count.min(start + GROUP)
            };
            let aim = |at: usize| {
                let (_, probe, after) = (self.aim)(at);
                Aim { probe, head: S::probe_head(probe), after }
            };
            if stage < groups {
                let (group, places) = (group(0), &mut places[stage % STAGES]);
                for (at, place) in group.clone().zip(&mut *places) {
                    place.0 = (self.aim)(at).0;
                }
                for level in (0..self.levels).rev() {
                    for (at, place) in group.clone().zip(&mut *places) {
                        place.0 = tree.inner.child_of_key::<R>(&tree.marks, place.0, &aim(at));
                        if level == 0 { tree.leaves.prefetch(place.0) } else { tree.inner.prefetch(place.0) }
                    }
                }
            }
            if (1..=groups).contains(&stage) {
                for (at, place) in group(1).zip(&mut places[(stage - 1) % STAGES]) {
                    let before = tree.leaves.before::<R>(&tree.space, place.0, &aim(at));
                    *place = tree.place_of(place.0, before);
                }
            }
            if stage >= 2 {
                for (at, place) in group(2).zip(&places[(stage - 2) % STAGES]) {
                    (self.visit)(at, *place);
                }
            }
        }
    }
}

impl<S: Space> Tree<S> {
    /// Calls `visit` with the number of each of so many keys and its place, whose entry is on its way by then: where the key
    /// begins, or if `aim` says so, where what comes after it does. All begin at nodes so many levels above the leaves.
    #[inline]
    pub(super) fn for_each_place<'p>(
        &self,
        levels: u32,
        count: usize,
        aim: impl Fn(usize) -> Start<S::Probe<'p>>,
        visit: impl FnMut(usize, Place),
    ) {
        rank::run(Descent { tree: self, levels, count, aim, visit });
    }

    /// The place of an entry of a leaf, or of what follows it; asks for it ahead of time.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn place_of(&self, leaf: u32, at: usize) -> Place {
        let mut place = (leaf, at as u32);
        if self.leaves.key(leaf, at).is_none() {
            match self.leaves.right(leaf) {
                NONE => return place,
                right => place = (right, 0),
            }
        }
        self.leaves.prefetch_entry(place.0, place.1 as usize);
        place
    }

    /// Where a key begins, or with `after` where what comes after it does.
    fn place(&self, probe: S::Probe<'_>, after: bool) -> Place {
        let mut place = (self.root, 0);
        self.for_each_place(self.levels, 1, |_| (self.root, probe, after), |_, found| place = found);
        place
    }

    /// The first place or the last.
    #[allow(clippy::cast_possible_truncation)]
    fn end(&self, is_last: bool) -> Place {
        let mut node = self.root;
        for _ in 0..self.levels {
            node = self.inner.child(node, if is_last { self.inner.count(node) - 1 } else { 0 });
        }
        (node, if is_last { self.leaves.count(node) as u32 } else { 0 })
    }

    /// The row at a place if it is that of a key.
    #[inline(always)]
    pub(super) fn row_of(&self, (leaf, at): Place, probe: S::Probe<'_>) -> Option<u32> {
        let key = self.leaves.key(leaf, at as usize)?;
        self.space.compare(key, probe).is_eq().then(|| self.leaves.row(leaf, at as usize))
    }

    /// The place after one that is an entry.
    #[inline(always)]
    pub(super) fn next(&self, (leaf, at): Place) -> Place {
        if self.leaves.key(leaf, at as usize + 1).is_none() {
            let right = self.leaves.right(leaf);
            if right != NONE {
                return (right, 0);
            }
        }
        (leaf, at + 1)
    }

    /// Appends the rows of a key from the place where it begins, and ends it.
    #[inline(always)]
    pub(super) fn collect(&self, mut place: Place, probe: S::Probe<'_>, found: &mut Found) {
        while let Some(row) = self.row_of(place, probe) {
            found.push(row);
            place = self.next(place);
        }
        found.end();
    }

    /// Appends the rows from a place to the end of a range, so many at most.
    fn go_right(&self, (mut leaf, at): Place, between: &Between<'_, S>, limit: usize, out: &mut Vec<u64>) {
        let (mut at, mut left) = (at as usize, limit);
        while left > 0 {
            let (keys, rows) = (self.leaves.keys(leaf), self.leaves.rows(leaf));
            let is_above = |key: &S::Key| between.is_above(&self.space, *key);
            let ends_here = keys.last().is_some_and(is_above);
            let end = if ends_here { at + keys[at..].partition_point(|key| !is_above(key)) } else { keys.len() };
            let count = (end - at).min(left);
            out.extend(rows[at..at + count].iter().map(|row| u64::from(*row)));
            left -= count;
            if ends_here || self.leaves.right(leaf) == NONE {
                return;
            }
            (leaf, at) = (self.leaves.right(leaf), 0);
        }
    }

    /// Appends the rows from before a place to the beginning of a range, so many at most.
    fn go_left(&self, (mut leaf, at): Place, between: &Between<'_, S>, limit: usize, out: &mut Vec<u64>) {
        let (mut at, mut left) = (at as usize, limit);
        while left > 0 {
            let (keys, rows) = (&self.leaves.keys(leaf)[..at], self.leaves.rows(leaf));
            let is_below = |key: &S::Key| between.is_below(&self.space, *key);
            let begins_here = keys.first().is_some_and(is_below);
            let start = if begins_here { keys.partition_point(is_below) } else { 0 };
            let count = (at - start).min(left);
            out.extend(rows[at - count..at].iter().rev().map(|row| u64::from(*row)));
            left -= count;
            leaf = self.leaves.left(leaf);
            if begins_here || leaf == NONE {
                return;
            }
            at = self.leaves.count(leaf);
        }
    }

    /// The entries of a range in order.
    pub(crate) fn pairs_between(&self, between: &Between<'_, S>) -> Pairs<S> {
        let mut pairs = Pairs::default();
        let (mut leaf, at) = self.start(between);
        let mut at = at as usize;
        while leaf != NONE {
            for (key, row) in self.leaves.keys(leaf)[at..].iter().zip(&self.leaves.rows(leaf)[at..]) {
                if between.is_above(&self.space, *key) {
                    return pairs;
                }
                pairs.push(self.space.probe(*key), *row);
            }
            (leaf, at) = (self.leaves.right(leaf), 0);
        }
        pairs
    }

    /// Where a range begins.
    fn start(&self, between: &Between<'_, S>) -> Place {
        match between.low {
            Bound::Included(low) => self.place(low, false),
            Bound::Excluded(low) => self.place(low, true),
            Bound::Unbounded => self.end(false),
        }
    }
}

impl<S: Space> Ordered<S> for Tree<S> {
    fn range(&self, between: &Between<'_, S>, take: Take, rows: &mut Vec<u64>) {
        if !take.descending {
            return self.go_right(self.start(between), between, take.limit, rows);
        }
        let end = match between.high {
            Bound::Included(high) => self.place(high, true),
            Bound::Excluded(high) => self.place(high, false),
            Bound::Unbounded => self.end(true),
        };
        self.go_left(end, between, take.limit, rows);
    }
    fn ranges(&self, betweens: &[Between<'_, S>], found: &mut Found) {
        self.all_ranges(betweens, found);
    }
}
