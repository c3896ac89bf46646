//! Batches of changes to a B+-tree: brought into order, and applied in one pass down.

use super::Tree;
use super::nodes::{Branch, Entry, entries_before};
use crate::space::Space;

/// A stretch of entries that are to leave: those of a key from one row to another.
type Stretch<'a, S> = (<S as Space>::Probe<'a>, u32, u32);

/// How many of the first, of which a few are likely, are on the left of a boundary.
fn reach<T>(all: &[T], is_left: impl Fn(&T) -> bool) -> usize {
    let mut step = 1;
    while step <= all.len() && is_left(&all[step - 1]) {
        step *= 2;
    }
    let start = step / 2;
    start + all[start..all.len().min(step)].partition_point(is_left)
}

/// Shares of a count, as even as can be.
fn shares(count: usize, parts: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..parts).map(move |part| count * part / parts..count * (part + 1) / parts)
}

impl<S: Space> Tree<S> {
    /// The fewest entries of a node that is not the root.
    pub(super) fn fewest(&self) -> usize {
        self.most / 4
    }

    /// Puts entries in.
    pub(super) fn put(&mut self, probes: &[S::Probe<'_>], rows: &[u32]) {
        let mut batch: Vec<(S::Probe<'_>, u32)> = probes.iter().copied().zip(rows.iter().copied()).collect();
        batch.sort_unstable_by(|one, other| S::order_probes(one.0, other.0).then(one.1.cmp(&other.1)));
        if batch.is_empty() {
            return;
        }
        self.len += batch.len() as u64;
        let mut new = Vec::new();
        self.put_below(self.root, self.levels, &batch, &mut new);
        while !new.is_empty() {
            let mut branches = vec![(S::Key::default(), 0, self.root)];
            branches.append(&mut new);
            let root = self.inner.add(&branches[..1]);
            self.spread(root, &branches, &mut new);
            self.root = root;
            self.levels += 1;
        }
    }

    /// Puts entries in below a node; what came to be on its right is in `new`.
    fn put_below(&mut self, node: u32, level: u32, batch: &[(S::Probe<'_>, u32)], new: &mut Vec<Branch<S>>) {
        if level == 0 {
            return self.put_in_leaf(node, batch, new);
        }
        // Children that came to be, and how many of the old ones are before them.
        let mut came: Vec<Branch<S>> = Vec::new();
        let mut places: Vec<usize> = Vec::new();
        let mut start = 0;
        while start < batch.len() {
            let child = self.inner.child_of_entry(&self.marks, node, batch[start]);
            let rest = &batch[start..];
            let count = if child + 1 == self.inner.count(node) {
                rest.len()
            } else {
                let (key, row) = self.inner.low(node, child + 1);
                reach(rest, |entry| self.marks.compare(key, entry.0).then(row.cmp(&entry.1)).is_gt())
            };
            self.put_below(self.inner.child(node, child), level - 1, &rest[..count], &mut came);
            places.resize(came.len(), child + 1);
            start += count;
        }
        if came.is_empty() {
            return;
        }
        let mut old = Vec::with_capacity(self.most);
        self.inner.read(node, &mut old);
        let mut branches = Vec::with_capacity(old.len() + came.len());
        let mut taken = 0;
        for (branch, place) in came.into_iter().zip(places) {
            branches.extend_from_slice(&old[taken..place]);
            taken = place;
            branches.push(branch);
        }
        branches.extend_from_slice(&old[taken..]);
        self.spread(node, &branches, new);
    }

    /// Writes children into a node, and those for which it has no room into new ones.
    fn spread(&mut self, node: u32, branches: &[Branch<S>], new: &mut Vec<Branch<S>>) {
        if branches.len() <= self.most {
            return self.inner.write(node, branches);
        }
        let mut shares = shares(branches.len(), branches.len().div_ceil(self.fill()));
        self.inner.write(node, &branches[shares.next().expect("there are several")]);
        for share in shares {
            let (key, row, _) = branches[share.start];
            let number = self.inner.add(&branches[share]);
            new.push((key, row, number));
        }
    }

    /// Merges entries into a leaf, and those for which it has no room into new ones.
    fn put_in_leaf(&mut self, leaf: u32, batch: &[(S::Probe<'_>, u32)], new: &mut Vec<Branch<S>>) {
        let count = self.leaves.count(leaf);
        if count + batch.len() <= self.most {
            let (keys, rows) = self.leaves.parts_mut(leaf);
            let mut end = count;
            for (at, (probe, row)) in batch.iter().enumerate().rev() {
                let start = entries_before(&self.space, &keys[..end], &rows[..end], (*probe, *row), true);
                keys.copy_within(start..end, start + at + 1);
                rows.copy_within(start..end, start + at + 1);
                let before = start.checked_sub(1).map(|before| keys[before]);
                keys[start + at] = keep(&mut self.space, before, *probe);
                rows[start + at] = *row;
                end = start;
            }
            return self.leaves.set_count(leaf, count + batch.len());
        }
        let mut entries: Vec<Entry<S>> = Vec::with_capacity(count + batch.len());
        let (keys, rows) = (self.leaves.keys(leaf), self.leaves.rows(leaf));
        let mut taken = 0;
        for (probe, row) in batch {
            let end = taken + entries_before(&self.space, &keys[taken..], &rows[taken..], (*probe, *row), true);
            entries.extend(keys[taken..end].iter().copied().zip(rows[taken..end].iter().copied()));
            taken = end;
            let key = keep(&mut self.space, entries.last().map(|entry| entry.0), *probe);
            entries.push((key, *row));
        }
        let is_appended = taken == count && self.leaves.right(leaf) == crate::NONE;
        entries.extend(keys[taken..].iter().copied().zip(rows[taken..].iter().copied()));
        let total = entries.len();
        // Keys that ascend fill the leaf that they leave behind.
        if is_appended && total <= self.most + self.fewest() {
            let cut = total - self.fewest();
            return self.divide(leaf, &entries, [0..cut, cut..total].into_iter(), new);
        }
        self.divide(leaf, &entries, shares(total, total.div_ceil(self.fill())), new);
    }

    /// Writes the first share of entries into a leaf and the others into new ones after it.
    fn divide(
        &mut self,
        mut leaf: u32,
        entries: &[Entry<S>],
        mut shares: impl Iterator<Item = std::ops::Range<usize>>,
        new: &mut Vec<Branch<S>>,
    ) {
        self.leaves.write(leaf, &entries[shares.next().expect("there are several")]);
        for share in shares {
            let (key, row) = entries[share.start];
            leaf = self.leaves.add_after(Some(leaf));
            self.leaves.write(leaf, &entries[share]);
            new.push((self.marks.keep(self.space.probe(key)), row, leaf));
        }
    }

    /// Takes entries out, all of these keys or just these pairs; how many left.
    pub(super) fn take_out(&mut self, probes: &[S::Probe<'_>], rows: Option<&[u32]>) -> u64 {
        let mut batch: Vec<Stretch<'_, S>> = probes
            .iter()
            .enumerate()
            .map(|(at, probe)| rows.map_or((*probe, 0, u32::MAX), |rows| (*probe, rows[at], rows[at])))
            .collect();
        batch.sort_unstable_by(|one, other| S::order_probes(one.0, other.0).then(one.1.cmp(&other.1)));
        batch.dedup_by(|one, other| one.1 == other.1 && S::order_probes(one.0, other.0).is_eq());
        if batch.is_empty() {
            return 0;
        }
        let left = self.take_below(self.root, self.levels, &batch);
        while self.levels > 0 && self.inner.count(self.root) == 1 {
            let child = self.inner.child(self.root, 0);
            self.inner.remove(self.root);
            self.root = child;
            self.levels -= 1;
        }
        self.len -= left;
        left
    }

    /// Takes stretches out below a node; how many entries left.
    fn take_below(&mut self, node: u32, level: u32, batch: &[Stretch<'_, S>]) -> u64 {
        if level == 0 {
            return self.take_from_leaf(node, batch);
        }
        let (mut left, mut start) = (0, 0);
        let mut child = self.inner.first_child_of_entry(&self.marks, node, (batch[0].0, batch[0].1));
        let first = child;
        loop {
            let rest = &batch[start..];
            let is_last = child + 1 == self.inner.count(node);
            let order = |probe, row| {
                let low = self.inner.low(node, child + 1);
                self.marks.compare(low.0, probe).then(low.1.cmp(&row))
            };
            let count = if is_last { rest.len() } else { reach(rest, |one| order(one.0, one.1).is_ge()) };
            // The last stretch may go on in the next child.
            let goes_on = !is_last && count > 0 && order(rest[count - 1].0, rest[count - 1].2).is_le();
            if count > 0 {
                left += self.take_below(self.inner.child(node, child), level - 1, &rest[..count]);
            }
            start += count - usize::from(goes_on);
            if is_last || start == batch.len() {
                break;
            }
            child += 1;
            if !goes_on {
                let next = (batch[start].0, batch[start].1);
                child = child.max(self.inner.first_child_of_entry(&self.marks, node, next));
            }
        }
        if left > 0 {
            self.fill_up(node, level, first..child + 1);
        }
        left
    }

    fn take_from_leaf(&mut self, leaf: u32, batch: &[Stretch<'_, S>]) -> u64 {
        let count = self.leaves.count(leaf);
        let (keys, rows) = self.leaves.parts_mut(leaf);
        let (mut kept, mut taken) = (0, 0);
        for (probe, low, high) in batch {
            let (rest, numbers) = (&keys[taken..count], &rows[taken..count]);
            let start = taken + entries_before(&self.space, rest, numbers, (*probe, *low), false);
            let end = taken + entries_before(&self.space, rest, numbers, (*probe, *high), true);
            keys.copy_within(taken..start, kept);
            rows.copy_within(taken..start, kept);
            kept += start - taken;
            taken = end;
        }
        keys.copy_within(taken..count, kept);
        rows.copy_within(taken..count, kept);
        kept += count - taken;
        self.leaves.set_count(leaf, kept);
        (count - kept) as u64
    }

    /// How many entries or children a node has.
    pub(super) fn count(&self, node: u32, level: u32) -> usize {
        if level == 0 { self.leaves.count(node) } else { self.inner.count(node) }
    }

    /// Sees to it that none of these children has too few.
    fn fill_up(&mut self, node: u32, level: u32, children: std::ops::Range<usize>) {
        let (mut at, mut end) = (children.start, children.end);
        while at < end && self.inner.count(node) > 1 {
            if self.count(self.inner.child(node, at), level - 1) >= self.fewest() {
                at += 1;
                continue;
            }
            let left = if at + 1 < self.inner.count(node) { at } else { at - 1 };
            if self.join(node, level, left) {
                // What is one now may still have too few.
                at = left;
                end -= 1;
                end = end.max(at + 1);
            }
        }
    }

    /// Makes one of a child and the next, if both fit; else they share evenly. Whether they are one.
    fn join(&mut self, node: u32, level: u32, at: usize) -> bool {
        let mut branches = Vec::with_capacity(self.most);
        self.inner.read(node, &mut branches);
        let (left, right) = (branches[at].2, branches[at + 1].2);
        let is_one;
        if level == 1 {
            let mut entries: Vec<Entry<S>> = Vec::with_capacity(2 * self.most);
            self.leaves.read(left, &mut entries);
            self.leaves.read(right, &mut entries);
            is_one = entries.len() <= self.most;
            if is_one {
                self.leaves.write(left, &entries);
                self.leaves.remove(right);
            } else {
                let (one, other) = entries.split_at(entries.len() / 2);
                self.leaves.write(left, one);
                self.leaves.write(right, other);
                branches[at + 1] = (self.marks.keep(self.space.probe(other[0].0)), other[0].1, right);
            }
        } else {
            let mut below: Vec<Branch<S>> = Vec::with_capacity(2 * self.most);
            self.inner.read(left, &mut below);
            let cut = below.len();
            self.inner.read(right, &mut below);
            // What was the first child of the right one has another before it now.
            (below[cut].0, below[cut].1) = (branches[at + 1].0, branches[at + 1].1);
            is_one = below.len() <= self.most;
            if is_one {
                self.inner.write(left, &below);
                self.inner.remove(right);
            } else {
                let (one, other) = below.split_at(below.len() / 2);
                self.inner.write(left, one);
                self.inner.write(right, other);
                branches[at + 1] = (other[0].0, other[0].1, right);
            }
        }
        if is_one {
            branches.remove(at + 1);
        }
        self.inner.write(node, &branches);
        if level > 1 {
            // A child that was the only one and had too few has neighbours now.
            for child in if is_one { vec![left] } else { vec![left, right] } {
                self.fill_up(child, level - 1, 0..self.inner.count(child));
            }
        }
        is_one
    }
}

/// Keeps a key, or takes the one before it if that is the same.
fn keep<S: Space>(space: &mut S, before: Option<S::Key>, probe: S::Probe<'_>) -> S::Key {
    match before {
        Some(key) if !S::HEAD_IS_ALL && space.compare(key, probe).is_eq() => key,
        _ => space.keep(probe),
    }
}
