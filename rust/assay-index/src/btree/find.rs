//! Ways down a B+-tree: many keys at once, and ranges along the leaves.

use std::ops::Bound;

use super::Tree;
use super::nodes::{self, Entry};
use crate::space::Space;
use crate::{Between, Found, NONE, Ordered, Pairs, Take};

/// So many keys go down together: enough for the memory to have something to do, few enough to stay in the first cache.
pub const GROUP: usize = 32;

/// A place among the entries: a leaf, and which of its entries; the end of a leaf is the beginning of the next.
pub type Place = (u32, u32);

impl<S: Space> Tree<S> {
    /// Where each of a group of keys begins, or would; one may be the end of a leaf.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn first_places(&self, probes: &[S::Probe<'_>]) -> [Place; GROUP] {
        debug_assert!(probes.len() <= GROUP);
        let mut places = [(self.root, 0); GROUP];
        let mut heads = [0; GROUP];
        for (head, probe) in heads.iter_mut().zip(probes) {
            *head = S::probe_head(*probe);
        }
        for level in (0..self.levels).rev() {
            for ((place, probe), head) in places.iter_mut().zip(probes).zip(heads) {
                place.0 = self.inner.child_of_key(&self.marks, place.0, *probe, head, false);
                if level == 0 { self.leaves.prefetch(place.0) } else { self.inner.prefetch(place.0) }
            }
        }
        for ((place, probe), head) in places.iter_mut().zip(probes).zip(heads) {
            let at = nodes::before(&self.space, self.leaves.keys(place.0), *probe, head, false);
            self.leaves.prefetch_row(place.0, at);
            place.1 = at as u32;
        }
        places
    }

    /// Where a key begins, or with `after` where what comes after it does.
    #[allow(clippy::cast_possible_truncation)]
    fn place(&self, probe: S::Probe<'_>, after: bool) -> Place {
        let head = S::probe_head(probe);
        let mut node = self.root;
        for _ in 0..self.levels {
            node = self.inner.child_of_key(&self.marks, node, probe, head, after);
        }
        (node, nodes::before(&self.space, self.leaves.keys(node), probe, head, after) as u32)
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

    /// The entry at a place.
    #[inline]
    pub(super) fn entry(&self, (leaf, at): Place) -> Option<Entry<S>> {
        let (keys, rows) = (self.leaves.keys(leaf), self.leaves.rows(leaf));
        if let Some(key) = keys.get(at as usize) {
            return Some((*key, rows[at as usize]));
        }
        let right = self.leaves.right(leaf);
        (right != NONE).then(|| (self.leaves.keys(right)[0], self.leaves.rows(right)[0]))
    }

    /// Appends the rows of a key from the place where it begins, and ends it.
    #[inline]
    pub(super) fn collect(&self, (mut leaf, at): Place, probe: S::Probe<'_>, found: &mut Found) {
        let mut at = at as usize;
        loop {
            let (keys, rows) = (self.leaves.keys(leaf), self.leaves.rows(leaf));
            while at < keys.len() && self.space.compare(keys[at], probe).is_eq() {
                found.push(rows[at]);
                at += 1;
            }
            if at < keys.len() || self.leaves.right(leaf) == NONE {
                break;
            }
            (leaf, at) = (self.leaves.right(leaf), 0);
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
        for group in betweens.chunks(GROUP) {
            let included = |between: &Between<'_, S>| matches!(between.low, Bound::Included(_));
            let lows: Vec<S::Probe<'_>> = group
                .iter()
                .filter_map(|between| if let Bound::Included(low) = between.low { Some(low) } else { None })
                .collect();
            let mut places = self.first_places(&lows).into_iter();
            for between in group {
                let start = if included(between) { places.next() } else { None };
                self.go_right(start.unwrap_or_else(|| self.start(between)), between, usize::MAX, &mut found.rows);
                found.end();
            }
        }
    }
}
