//! Changes to a radix tree, key by key in their order, so that neighbours find the way warm.

use super::Art;
use super::nodes::is_node;
use super::radix::Radix;
use crate::NONE;

/// A batch in the order of keys and rows.
fn in_order<'a, S: Radix>(probes: &[S::Probe<'a>], rows: Option<&[u32]>) -> Vec<(S::Probe<'a>, u32)> {
    let mut batch: Vec<_> =
        probes.iter().enumerate().map(|(at, probe)| (*probe, rows.map_or(0, |rows| rows[at]))).collect();
    batch.sort_unstable_by(|one, other| S::order_probes(one.0, other.0).then(one.1.cmp(&other.1)));
    batch
}

impl<S: Radix> Art<S> {
    /// Puts entries in.
    pub(super) fn put(&mut self, probes: &[S::Probe<'_>], rows: &[u32]) {
        let batch = in_order::<S>(probes, Some(rows));
        self.len += batch.len() as u64;
        let mut rows = Vec::new();
        for same in batch.chunk_by(|one, other| S::order_probes(one.0, other.0).is_eq()) {
            rows.clear();
            rows.extend(same.iter().map(|one| one.1));
            self.put_key(same[0].0, &rows);
        }
    }

    /// Puts rows of one key in, ascending.
    fn put_key(&mut self, probe: S::Probe<'_>, rows: &[u32]) {
        if self.root == NONE {
            self.root = self.add_leaf(probe, rows, NONE);
            return;
        }
        let near = self.nearest(probe);
        let near_key = self.space.probe(self.leaves.key(near));
        let (common, length) = (S::common(near_key, probe), S::length(probe));
        if common == length && common == S::length(near_key) {
            return self.leaves.merge(near, rows);
        }
        let mut parent = None;
        let mut name = self.root;
        while is_node(name) && self.nodes.at(name) <= common {
            let at = self.nodes.at(name);
            if at == length {
                let child = self.nodes.child_from(name, 0).expect("a node without an end has children").1;
                let leaf = self.add_leaf(probe, rows, self.least(child));
                return self.nodes.set_end(name, leaf);
            }
            let byte = S::byte(probe, at);
            match self.nodes.child_from(name, byte) {
                Some((same, child)) if same == byte => {
                    parent = Some((name, byte));
                    name = child;
                }
                other => {
                    let right = match other {
                        Some((_, child)) => self.least(child),
                        None => self.leaves.right(self.greatest(name)),
                    };
                    let leaf = self.add_leaf(probe, rows, right);
                    let grown = self.nodes.put(name, byte, leaf);
                    return self.link(parent, grown);
                }
            }
        }
        // What is below here and the new key part within the bytes that were skipped.
        let old = (S::length(near_key) > common).then(|| S::byte(near_key, common));
        let new = (length > common).then(|| S::byte(probe, common));
        let right = if new < old { self.least(name) } else { self.leaves.right(self.greatest(name)) };
        let leaf = self.add_leaf(probe, rows, right);
        let mut node = self.nodes.add(common, NONE, 2);
        for (byte, child) in [(old, name), (new, leaf)] {
            match byte {
                Some(byte) => node = self.nodes.put(node, byte, child),
                None => self.nodes.set_end(node, child),
            }
        }
        self.link(parent, node);
    }

    fn add_leaf(&mut self, probe: S::Probe<'_>, rows: &[u32], right: u32) -> u32 {
        let key = self.space.keep(probe);
        self.leaves.add(key, rows, right)
    }

    /// Writes where the way from a parent leads, or the root.
    fn link(&mut self, parent: Option<(u32, u8)>, name: u32) {
        match parent {
            Some((node, byte)) => self.nodes.replace(node, byte, name),
            None => self.root = name,
        }
    }

    /// Takes entries out, all of these keys or just these pairs; how many left.
    pub(super) fn take_out(&mut self, probes: &[S::Probe<'_>], rows: Option<&[u32]>) -> u64 {
        let batch = in_order::<S>(probes, rows);
        let mut left = 0;
        for same in batch.chunk_by(|one, other| S::order_probes(one.0, other.0).is_eq()) {
            left += self.take_key(same[0].0, rows.is_some().then_some(same));
        }
        self.len -= left;
        left
    }

    /// Takes all rows of a key out, or just these, ascending; how many left.
    fn take_key(&mut self, probe: S::Probe<'_>, pairs: Option<&[(S::Probe<'_>, u32)]>) -> u64 {
        let mut name = self.root;
        let (mut parent, mut node) = (None, None);
        while name != NONE && is_node(name) {
            let at = self.nodes.at(name);
            parent = node;
            let length = S::length(probe);
            let byte = (at < length).then(|| S::byte(probe, at));
            node = Some((name, byte));
            name = self.step(name, probe);
        }
        if !self.holds(name, probe) {
            return 0;
        }
        let (left, stays) = self
            .leaves
            .retain(name, |row| pairs.is_some_and(|pairs| pairs.binary_search_by(|pair| pair.1.cmp(&row)).is_err()));
        if stays {
            return left;
        }
        self.leaves.remove(name);
        let parent = parent.map(|(node, byte): (u32, Option<u8>)| (node, byte.expect("a way on is by a byte")));
        let Some((node, byte)) = node else {
            self.root = NONE;
            return left;
        };
        let node = match byte {
            Some(byte) => self.nodes.take(node, byte),
            None => {
                self.nodes.set_end(node, NONE);
                node
            }
        };
        let rest = match (self.nodes.count(node), self.nodes.end(node)) {
            (0, end) => Some(end),
            (1, NONE) => self.nodes.child_from(node, 0).map(|one| one.1),
            _ => None,
        };
        if rest.is_some() {
            self.nodes.remove(node);
        }
        self.link(parent, rest.unwrap_or(node));
        left
    }
}
