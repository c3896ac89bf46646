//! `art`: an adaptive radix tree, whose nodes grow with the children that they have.
//!
//! A key is the way to it: byte by byte, most significant first. A node has room for 4, 16, 48 or 256 children and changes
//! its kind as they come and go. Bytes in which nothing branches are skipped, and a way that leads to one key alone ends in
//! its leaf at once; so a node knows but the byte at which it branches, and a lookup compares the whole key once, at the
//! leaf. A key that another begins with is the end of a node. Leaves know their neighbours, which is what ranges walk. A
//! leaf holds the row of its key, or the place of a list of rows, ascending; to put a row into the middle of a long list
//! moves those after it.
//!
//! Cost: a lookup takes at most as many steps as the key has bytes, far fewer where keys are random, whatever the number
//! of keys; 2 to 4 times the bytes of keys and rows. Choose it for text with shared beginnings and dense integers.
//! Source: Leis, Kemper and Neumann, The Adaptive Radix Tree, ICDE 2013.

mod change;
mod find;
mod leaves;
mod load;
mod nodes;
mod radix;
#[cfg(test)]
mod tests;

use assay_core::catalogue::Contender;
use assay_core::error::{Error, Result};

use crate::{Found, Index, NONE, Ordered, Pairs, Plan};
use find::GROUP;
use leaves::Leaves;
use nodes::Nodes;
use radix::Radix;

/// What the catalogue says.
pub const CONTENDER: Contender = Contender {
    room: "index",
    name: "art",
    version: 1,
    idea: "A radix tree over the bytes of keys, with nodes of 4, 16, 48 or 256 children.",
    cost: "a step a byte that tells keys apart, whatever their number; 2 to 4 times the bytes of keys and rows",
    choose_when: "keys are dense integers or text with shared beginnings, and change",
    source: "Leis, Kemper and Neumann, The Adaptive Radix Tree, ICDE 2013",
    parameters: &[],
    abilities: &["ordered", "updates"],
};

/// Builds it of entries in order.
///
/// # Errors
/// If it was called off, or there are too many keys.
pub fn build<S: Radix>(mut pairs: Pairs<S>, plan: &Plan<'_>) -> Result<Box<dyn Index<S>>> {
    pairs.sort_with(plan.threads, plan.progress)?;
    Ok(Box::new(Art::load(pairs, plan.progress)?))
}

/// Whether there may be so many more leaves.
fn check_leaves(leaves: u64, more: u64, most: usize) -> Result<()> {
    if leaves + more <= most as u64 {
        return Ok(());
    }
    Err(Error::Data(format!(
        "art cannot take {more} different keys beside {leaves}; it holds at most {most}: build a btree, or partition the \
         column"
    )))
}

/// The tree.
#[derive(Debug)]
struct Art<S: Radix> {
    /// What the keys of leaves refer to.
    space: S,
    leaves: Leaves<S>,
    nodes: Nodes,
    /// A node, a leaf, or [`NONE`].
    root: u32,
    len: u64,
}

impl<S: Radix> Art<S> {
    /// Whether there is room for these keys after so many others, if there may be so many in all.
    fn check_room_of(&self, probes: &[S::Probe<'_>], before: u64, most: usize) -> Result<()> {
        let leaves = self.leaves.len() as u64 + before;
        if check_leaves(leaves, probes.len() as u64, most).is_ok() {
            return Ok(());
        }
        // Only keys that are not there yet take a leaf.
        let mut fresh: Vec<S::Probe<'_>> = Vec::new();
        for group in probes.chunks(GROUP) {
            let leaves = self.likely_leaves(group);
            fresh.extend(group.iter().zip(leaves).filter(|(probe, leaf)| !self.holds(*leaf, **probe)).map(|one| one.0));
        }
        fresh.sort_unstable_by(|one, other| S::order_probes(*one, *other));
        fresh.dedup_by(|one, other| S::order_probes(*one, *other).is_eq());
        check_leaves(leaves, fresh.len() as u64, most)
    }
}

impl<S: Radix> Index<S> for Art<S> {
    fn len(&self) -> u64 {
        self.len
    }

    fn memory_bytes(&self) -> u64 {
        self.space.memory_bytes() + self.leaves.memory_bytes() + self.nodes.memory_bytes() + size_of::<Self>() as u64
    }

    fn lookup(&self, probes: &[S::Probe<'_>], found: &mut Found) {
        for group in probes.chunks(GROUP) {
            for (probe, leaf) in group.iter().zip(self.likely_leaves(group)) {
                if self.holds(leaf, *probe) {
                    found.extend(self.leaves.rows(leaf));
                }
                found.end();
            }
        }
    }

    fn lookup_first(&self, probes: &[S::Probe<'_>], out: &mut [u32]) {
        for (group, out) in probes.chunks(GROUP).zip(out.chunks_mut(GROUP)) {
            for ((probe, leaf), slot) in group.iter().zip(self.likely_leaves(group)).zip(out) {
                *slot = if self.holds(leaf, *probe) { self.leaves.rows(leaf)[0] } else { NONE };
            }
        }
    }

    fn check_room(&self, probes: &[S::Probe<'_>], before: u64) -> Result<()> {
        self.check_room_of(probes, before, nodes::MOST)
    }

    fn insert(&mut self, probes: &[S::Probe<'_>], rows: &[u32]) {
        self.put(probes, rows);
    }

    fn delete(&mut self, probes: &[S::Probe<'_>], rows: Option<&[u32]>) -> u64 {
        self.take_out(probes, rows)
    }

    fn ordered(&self) -> Option<&dyn Ordered<S>> {
        Some(self)
    }

    #[allow(clippy::cast_precision_loss)]
    fn statistics(&self) -> Vec<(&'static str, f64)> {
        let [four, sixteen, fortyeight, all] = self.nodes.counts();
        vec![
            ("leaves", self.leaves.len() as f64),
            ("nodes_4", four as f64),
            ("nodes_16", sixteen as f64),
            ("nodes_48", fortyeight as f64),
            ("nodes_256", all as f64),
        ]
    }
}
