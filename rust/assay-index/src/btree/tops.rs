//! Large batches of keys to a B+-tree: dealt out to the nodes near its root first.
//!
//! What lies below one such node stays in the processor's cache while all keys that lead there go down, so that what several
//! of them need comes from memory once, and in the order in which it lies. Cost: a pass over the batch that deals it out, and
//! twice its bytes for as long. Source: Zukowski, Héman and Boncz, Architecture-conscious hashing, DaMoN 2006 (partitioning
//! what is asked so that what is read fits a cache).

use assay_core::memory;

use super::Tree;
use super::find::Place;
use crate::fences::Fences;
use crate::space::Space;
use crate::{Found, NONE};

/// No fewer keys are worth it, ...
const FEWEST_KEYS: usize = 1 << 13;
/// ... in a tree of so many entries.
const FEWEST_ENTRIES: u64 = 1 << 20;
/// The most nodes that keys are dealt out to: so many places at once the second cache can write to.
const MOST_TOPS: usize = 1 << 10;
/// So many keys are dealt out at once, that what it takes stays small.
const PIECE: usize = 1 << 20;
/// How many keys' nodes are found before their number is noted.
const BATCH: usize = 128;
/// Beside a row, that there is but this one; else the number of a leaf.
const SINGLE: u64 = (NONE as u64) << 32;
const NOTHING: u64 = SINGLE | NONE as u64;

/// Nodes of one level in order, and how to find the one that a key lies below.
pub struct Tops<S: Space> {
    nodes: Vec<u32>,
    /// How many levels above the leaves they are.
    level: u32,
    /// The least key below each node but the first.
    lows: Vec<S::Key>,
    fences: Fences,
}

impl<S: Space> Tree<S> {
    /// The nodes that so many keys are to be dealt out to, if it is worth it.
    pub(super) fn tops_for(&self, keys: usize) -> Option<Tops<S>> {
        if keys < FEWEST_KEYS || self.len < FEWEST_ENTRIES { None } else { self.tops(MOST_TOPS) }
    }

    /// The nodes of the lowest level that has so many at most, but the root alone.
    pub(super) fn tops(&self, most: usize) -> Option<Tops<S>> {
        let (mut nodes, mut lows, mut level) = (vec![self.root], Vec::new(), self.levels);
        while level > 1 {
            let mut below = (Vec::new(), Vec::new());
            for (at, node) in nodes.iter().enumerate() {
                for child in 0..self.inner.count(*node) {
                    below.0.push(self.inner.child(*node, child));
                    if child > 0 {
                        below.1.push(self.inner.low(*node, child).0);
                    } else if at > 0 {
                        below.1.push(lows[at - 1]);
                    }
                }
            }
            if below.0.len() > most {
                break;
            }
            (nodes, lows) = below;
            level -= 1;
        }
        let fences = Fences::of(&self.marks, &lows);
        (nodes.len() > 1).then_some(Tops { nodes, level, lows, fences })
    }
}

impl<S: Space> Tops<S> {
    /// Calls `visit` with the number of each key and its place, in any order.
    fn for_each_place<'p>(
        &self,
        tree: &Tree<S>,
        probes: &[S::Probe<'p>],
        mut visit: impl FnMut(u32, S::Probe<'p>, Place),
    ) {
        let mut tops: Vec<u32> = memory::zeros(probes.len());
        for (probes, tops) in probes.chunks(BATCH).zip(tops.chunks_mut(BATCH)) {
            self.fences.lower_bounds(&tree.marks, &self.lows, probes, tops);
        }
        let mut ends = vec![0_u32; self.nodes.len()];
        tops.iter().for_each(|top| ends[*top as usize] += 1);
        let mut start = 0;
        for end in &mut ends {
            start += std::mem::replace(end, start);
        }
        let mut dealt: Vec<(S::Probe<'p>, u32, u32)> = memory::with_capacity(probes.len());
        dealt.resize(probes.len(), (probes[0], 0, 0));
        for ((number, probe), top) in (0..).zip(probes).zip(&tops) {
            let end = &mut ends[*top as usize];
            dealt[*end as usize] = (*probe, number, self.nodes[*top as usize]);
            *end += 1;
        }
        tree.for_each_place(
            self.level,
            dealt.len(),
            |at| (dealt[at].2, dealt[at].0, false),
            |at, place| visit(dealt[at].1, dealt[at].0, place),
        );
    }

    /// Writes the least row of each key, or [`NONE`].
    pub fn lookup_first(&self, tree: &Tree<S>, probes: &[S::Probe<'_>], out: &mut [u32]) {
        for (probes, out) in probes.chunks(PIECE).zip(out.chunks_mut(PIECE)) {
            self.for_each_place(tree, probes, |number, probe, place| {
                out[number as usize] = tree.row_of(place, probe).unwrap_or(NONE);
            });
        }
    }

    /// Appends the rows of each key.
    pub fn lookup(&self, tree: &Tree<S>, probes: &[S::Probe<'_>], found: &mut Found) {
        let mut answers: Vec<u64> = memory::zeros(probes.len().min(PIECE));
        for probes in probes.chunks(PIECE) {
            self.for_each_place(tree, probes, |number, probe, place| {
                answers[number as usize] = match tree.row_of(place, probe) {
                    None => NOTHING,
                    Some(row) if tree.row_of(tree.next(place), probe).is_none() => SINGLE | u64::from(row),
                    Some(_) => u64::from(place.0) << 32 | u64::from(place.1),
                };
            });
            #[allow(clippy::cast_possible_truncation)]
            for (probe, answer) in probes.iter().zip(&answers) {
                if *answer == NOTHING {
                    found.end();
                } else if *answer >= SINGLE {
                    found.push(*answer as u32);
                    found.end();
                } else {
                    tree.collect(((*answer >> 32) as u32, *answer as u32), *probe, found);
                }
            }
        }
    }
}
