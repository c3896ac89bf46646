//! Building a radix tree of entries in order: leaves first, then nodes from the root down.

use assay_core::error::Result;

use super::leaves::Leaves;
use super::nodes::{MOST, Nodes};
use super::radix::Radix;
use super::{Art, check_leaves};
use crate::{NONE, Pairs, Progress, Steps};

/// Leaves in a row that belong below a child of a node.
struct Part {
    start: u32,
    end: u32,
    parent: u32,
    byte: u8,
}

impl<S: Radix> Art<S> {
    /// A tree of entries in order; tells of each twice. Keys of bytes are laid out anew in their order, equal ones once.
    pub(super) fn load(pairs: Pairs<S>, progress: &Progress) -> Result<Self> {
        let is_new = |at: usize| at == 0 || pairs.space.order(pairs.keys[at - 1], pairs.keys[at]).is_ne();
        let count = (0..pairs.len()).filter(|at| is_new(*at)).count();
        check_leaves(0, count as u64, MOST)?;
        let mut tree = Self {
            space: S::default(),
            leaves: Leaves::with_capacity(count),
            nodes: Nodes::default(),
            root: NONE,
            len: pairs.len() as u64,
        };
        let (mut start, mut told) = (0, Steps::of(pairs.len(), progress));
        while start < pairs.len() {
            let end = (start + 1..pairs.len()).find(|at| is_new(*at)).unwrap_or(pairs.len());
            let key = tree.space.keep(pairs.space.probe(pairs.keys[start]));
            tree.leaves.add(key, &pairs.rows[start..end], NONE);
            told.add(end - start)?;
            start = end;
        }
        told.end()?;
        drop(pairs);
        tree.load_nodes(u32::try_from(count).expect("the number of keys was looked at"), &mut told)?;
        // Of entries whose keys are no leaves of their own.
        told.add(start - count)?;
        told.end()?;
        tree.nodes.shrink();
        Ok(tree)
    }

    /// The nodes above leaves that are numbered in the order of their keys; tells of each leaf.
    fn load_nodes(&mut self, leaves: u32, told: &mut Steps<'_>) -> Result<()> {
        let mut parts = vec![Part { start: 0, end: leaves, parent: NONE, byte: 0 }];
        let mut below = Vec::new();
        while let Some(Part { start, end, parent, byte }) = parts.pop() {
            if start == end {
                break;
            }
            let mut name = start;
            if end - start == 1 {
                told.add(1)?;
            } else {
                name = self.load_node(start, end, &mut below);
                parts.extend(below.drain(..).map(|(byte, start, end)| Part { start, end, parent: name, byte }));
            }
            if parent == NONE {
                self.root = name;
            } else {
                let same = self.nodes.put(parent, byte, name);
                debug_assert_eq!(same, parent, "it was made with room for all");
            }
        }
        Ok(())
    }

    /// A node above several leaves; which of them belong below its children is in `below`.
    fn load_node(&mut self, start: u32, end: u32, below: &mut Vec<(u8, u32, u32)>) -> u32 {
        let key = |leaf: u32| self.space.probe(self.leaves.key(leaf));
        let at = S::common(key(start), key(end - 1));
        // Only the first of keys in order can be what all others begin with.
        let ends = S::length(key(start)) == at;
        let mut first = start + u32::from(ends);
        while first < end {
            let byte = S::byte(key(first), at);
            let (mut low, mut high) = (first + 1, end);
            while low < high {
                let middle = low + (high - low) / 2;
                if S::byte(key(middle), at) == byte { low = middle + 1 } else { high = middle }
            }
            below.push((byte, first, low));
            first = low;
        }
        self.nodes.add(at, if ends { start } else { NONE }, below.len())
    }
}
