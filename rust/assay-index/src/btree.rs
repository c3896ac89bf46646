//! `btree`: a B+-tree, whose nodes are whole cache lines and whose lookups go down together.
//!
//! Entries are in order of key and row, so a key of many rows is a stretch of leaves like any other, and a pair is found in
//! it without reading the rest. Keys, rows and children lie in arrays of their own, so that a search reads keys alone, and
//! where a key is a word it counts those of a whole node at once; a batch of lookups goes down level by level, and asks for
//! every node that it will need before it needs it. A large one is first dealt out to the nodes near the root, so that what
//! is below each is read while the cache holds it. Both ends of all ranges of a batch are found in the same way, and the
//! rows between them copied from whole leaves. Batches of changes are brought into order and applied in one pass down the tree: what belongs to a leaf is merged into it at once.
//! A node of less than a quarter is merged with its neighbour, or shares its entries.
//!
//! Cost: log(n) steps a lookup, as many misses of the cache as levels that it does not hold; 1.1 to 2 times the bytes of keys
//! and rows. Choose it when nothing else is known: it finds, ranges, and takes changes. Source: Bayer and McCreight,
//! Organization and Maintenance of Large Ordered Indices, Acta Informatica 1972; Comer, The Ubiquitous B-Tree, 1979; for
//! lookups in groups, Chen, Ailamaki, Gibbons and Mowry, Improving Hash Join Performance through Prefetching, ICDE 2004.

mod change;
mod find;
mod load;
mod nodes;
mod paged;
mod ranges;
#[cfg(test)]
mod tests;
mod tops;

use assay_core::catalogue::{Contender, Domain, Parameter};
use assay_core::error::Result;
use assay_core::given;

use crate::space::Space;
use crate::{Found, Index, NONE, Ordered, Pairs, Plan};
use nodes::{Inner, Leaves};

const NODE_ENTRIES: Parameter = Parameter {
    name: "node_entries",
    default: "32",
    domain: Domain::Integer { low: 16, high: 4096 },
    meaning: "the most entries of a leaf and children of an inner node, up to a multiple of 16: whole cache lines",
};

/// What the catalogue says.
pub const CONTENDER: Contender = Contender {
    room: "index",
    name: "btree",
    version: 1,
    idea: "A B+-tree with nodes of whole cache lines; lookups of a batch go down together.",
    cost: "log(n) steps a lookup or change; 1.1 to 2 times the bytes of keys and rows",
    choose_when: "nothing else is known: it finds, ranges, and takes changes",
    source: "Comer, The Ubiquitous B-Tree, ACM Computing Surveys 1979",
    parameters: &[NODE_ENTRIES],
    abilities: &["ordered", "updates"],
};

/// Builds it of entries in order, its nodes nine tenths full.
///
/// # Errors
/// If it was called off.
pub fn build<S: Space>(mut pairs: Pairs<S>, plan: &Plan<'_>) -> Result<Box<dyn Index<S>>> {
    #[allow(clippy::cast_possible_truncation)]
    let entries = given::integer(plan.given, &NODE_ENTRIES) as usize;
    pairs.sort_with(plan.threads, plan.progress)?;
    Ok(Box::new(Tree::load(pairs, entries.next_multiple_of(paged::LINE), plan.progress)?))
}

/// The tree.
#[derive(Debug)]
pub(crate) struct Tree<S: Space> {
    /// What the keys of leaves refer to.
    space: S,
    /// What the keys of inner nodes refer to: close together, and there still when an entry has left.
    marks: S,
    /// The most entries of a leaf and children of an inner node.
    most: usize,
    leaves: Leaves<S>,
    inner: Inner<S>,
    root: u32,
    /// The levels above the leaves.
    levels: u32,
    len: u64,
}

impl<S: Space> Index<S> for Tree<S> {
    fn len(&self) -> u64 {
        self.len
    }

    fn memory_bytes(&self) -> u64 {
        self.leaves.memory_bytes()
            + self.inner.memory_bytes()
            + self.space.memory_bytes()
            + self.marks.memory_bytes()
            + size_of::<Self>() as u64
    }

    fn lookup(&self, probes: &[S::Probe<'_>], found: &mut Found) {
        if let Some(tops) = self.tops_for(probes.len()) {
            return tops.lookup(self, probes, found);
        }
        let aim = |at: usize| (self.root, probes[at], false);
        self.for_each_place(self.levels, probes.len(), aim, |at, place| self.collect(place, probes[at], found));
    }

    fn lookup_first(&self, probes: &[S::Probe<'_>], out: &mut [u32]) {
        if let Some(tops) = self.tops_for(probes.len()) {
            return tops.lookup_first(self, probes, out);
        }
        let aim = |at: usize| (self.root, probes[at], false);
        self.for_each_place(self.levels, probes.len(), aim, |at, place| {
            out[at] = self.row_of(place, probes[at]).unwrap_or(NONE);
        });
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
        let room = self.leaves.len() * self.most;
        vec![
            ("levels", f64::from(self.levels + 1)),
            ("leaves", self.leaves.len() as f64),
            ("inner_nodes", self.inner.len() as f64),
            ("leaf_fill_ratio", self.len as f64 / room as f64),
        ]
    }
}
