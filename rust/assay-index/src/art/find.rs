//! Ways down a radix tree: many keys at once, one with its neighbours, and ranges along the leaves.

use std::ops::Bound;

use super::Art;
use super::nodes::is_node;
use super::radix::Radix;
use crate::{Between, Found, NONE, Ordered, Take};

/// So many keys go down together.
pub const GROUP: usize = 32;
/// How many ranges ahead leaves are asked for.
const RANGES_AHEAD: usize = 2;
/// By so many ranges it is guessed how many rows the others have.
const RANGES_TO_GUESS_BY: usize = 64;

impl<S: Radix> Art<S> {
    /// The only leaf that may hold each of a group of keys, or [`NONE`].
    pub(super) fn likely_leaves(&self, probes: &[S::Probe<'_>]) -> [u32; GROUP] {
        debug_assert!(probes.len() <= GROUP);
        let goes_on = |name: u32| name != NONE && is_node(name);
        let mut names = [self.root; GROUP];
        loop {
            let mut is_done = true;
            for (name, probe) in names.iter().zip(probes) {
                if goes_on(*name) {
                    is_done = false;
                    let at = self.nodes.at(*name);
                    if at < S::length(*probe) {
                        self.nodes.prefetch_child(*name, S::byte(*probe, at));
                    }
                }
            }
            if is_done {
                break;
            }
            for (name, probe) in names.iter_mut().zip(probes) {
                if goes_on(*name) {
                    *name = self.step(*name, *probe);
                    if goes_on(*name) {
                        self.nodes.prefetch(*name);
                    } else if *name != NONE {
                        self.leaves.prefetch(*name);
                    }
                }
            }
        }
        if !S::HEAD_IS_ALL {
            for (name, _) in names.iter().zip(probes).filter(|one| *one.0 != NONE) {
                self.space.prefetch(self.leaves.key(*name));
            }
        }
        names
    }

    /// Where each of a group of keys begins, or where it is said so, what comes after it; or [`NONE`].
    fn places(&self, aims: &[(S::Probe<'_>, bool)]) -> [u32; GROUP] {
        let probes: Vec<S::Probe<'_>> = aims.iter().map(|aim| aim.0).collect();
        let mut places = self.likely_leaves(&probes);
        for (place, (probe, after)) in places.iter_mut().zip(aims) {
            *place = match (self.holds(*place, *probe), after) {
                (true, false) => *place,
                (true, true) => self.leaves.right(*place),
                (false, _) => self.seek(*probe, *after),
            };
        }
        places
    }

    /// What a key leads to from a node: a child, the leaf that ends there, or [`NONE`].
    #[inline]
    pub(super) fn step(&self, node: u32, probe: S::Probe<'_>) -> u32 {
        let (at, length) = (self.nodes.at(node), S::length(probe));
        if at < length {
            self.nodes.child(node, S::byte(probe, at))
        } else if at == length {
            self.nodes.end(node)
        } else {
            NONE
        }
    }

    /// Whether a leaf, if it is one, is that of a key.
    #[inline]
    pub(super) fn holds(&self, leaf: u32, probe: S::Probe<'_>) -> bool {
        leaf != NONE && self.space.compare(self.leaves.key(leaf), probe).is_eq()
    }

    /// A leaf whose key has as much in common with this one as any, from the first byte on. There is at least one leaf.
    pub(super) fn nearest(&self, probe: S::Probe<'_>) -> u32 {
        let mut name = self.root;
        while is_node(name) {
            match self.step(name, probe) {
                // All keys below have the same in common with it.
                NONE => return self.least(name),
                next => name = next,
            }
        }
        name
    }

    /// The leaf of the least key below a node, or the leaf itself.
    pub(super) fn least(&self, mut name: u32) -> u32 {
        while is_node(name) {
            name = match self.nodes.end(name) {
                NONE => self.nodes.child_from(name, 0).expect("a node without an end has children").1,
                end => end,
            };
        }
        name
    }

    /// The leaf of the greatest key below a node, or the leaf itself.
    pub(super) fn greatest(&self, mut name: u32) -> u32 {
        while is_node(name) {
            name = self.nodes.last_child(name);
        }
        name
    }

    /// The first leaf whose key is not less, or with `after` greater; or [`NONE`].
    fn seek(&self, probe: S::Probe<'_>, after: bool) -> u32 {
        if self.root == NONE {
            return NONE;
        }
        let near = self.space.probe(self.leaves.key(self.nearest(probe)));
        let (common, length) = (S::common(near, probe), S::length(probe));
        let mut name = self.root;
        while is_node(name) {
            let at = self.nodes.at(name);
            if at > common {
                // All below differ from the probe in the same byte, or go on where it ends.
                let is_greater = length == common || S::byte(near, common) > S::byte(probe, common);
                return if is_greater { self.least(name) } else { self.leaves.right(self.greatest(name)) };
            }
            if at == length {
                let end = self.nodes.end(name);
                if end != NONE && !after {
                    return end;
                }
                return self.least(self.nodes.child_from(name, 0).expect("a node has a child beside its end").1);
            }
            let byte = S::byte(probe, at);
            match self.nodes.child_from(name, byte) {
                Some((same, child)) if same == byte => name = child,
                Some((_, child)) => return self.least(child),
                None => return self.leaves.right(self.greatest(name)),
            }
        }
        let order = self.space.compare(self.leaves.key(name), probe);
        if order.is_gt() || (order.is_eq() && !after) { name } else { self.leaves.right(name) }
    }
}

impl<S: Radix> Ordered<S> for Art<S> {
    fn range(&self, between: &Between<'_, S>, take: Take, out: &mut Vec<u64>) {
        let mut left = take.limit;
        if !take.descending {
            let mut leaf = match between.low {
                Bound::Included(low) => self.seek(low, false),
                Bound::Excluded(low) => self.seek(low, true),
                Bound::Unbounded => self.leaves.first(),
            };
            while left > 0 && leaf != NONE && !between.is_above(&self.space, self.leaves.key(leaf)) {
                let rows = self.leaves.rows(leaf);
                let count = rows.len().min(left);
                out.extend(rows[..count].iter().map(|row| u64::from(*row)));
                left -= count;
                leaf = self.leaves.right(leaf);
            }
            return;
        }
        let end = match between.high {
            Bound::Included(high) => self.seek(high, true),
            Bound::Excluded(high) => self.seek(high, false),
            Bound::Unbounded => NONE,
        };
        let mut leaf = if end == NONE { self.leaves.last() } else { self.leaves.left(end) };
        while left > 0 && leaf != NONE && !between.is_below(&self.space, self.leaves.key(leaf)) {
            let rows = self.leaves.rows(leaf);
            let count = rows.len().min(left);
            out.extend(rows[rows.len() - count..].iter().rev().map(|row| u64::from(*row)));
            left -= count;
            leaf = self.leaves.left(leaf);
        }
    }
    fn ranges(&self, betweens: &[Between<'_, S>], found: &mut Found) {
        let mut spans = Vec::with_capacity(betweens.len());
        let mut aims = Vec::with_capacity(GROUP);
        for group in betweens.chunks(GROUP / 2) {
            aims.clear();
            aims.extend(group.iter().flat_map(|one| [one.start(), one.end()]).flatten());
            let mut places = self.places(&aims).into_iter();
            for between in group {
                let start = if between.start().is_some() { places.next() } else { None };
                let end = if between.end().is_some() { places.next() } else { None };
                let span = (start.unwrap_or(self.leaves.first()), end.unwrap_or(NONE));
                spans.push(if between.is_empty() { (NONE, NONE) } else { span });
            }
        }
        for (at, (start, end)) in spans.iter().enumerate() {
            if at == RANGES_TO_GUESS_BY {
                // As many rows as the first have had are likely to come of the others.
                found.reserve(found.rows.len() / at * (spans.len() - at));
            }
            if let Some((start, end)) = spans.get(at + RANGES_AHEAD) {
                self.leaves.prefetch_from(*start, *end);
            }
            self.leaves.collect(*start, *end, &mut found.rows);
            found.end();
        }
    }
}
