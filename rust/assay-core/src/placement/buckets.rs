//! Nodes in numbered buckets, of which some have lost their node: what Anchor and Memento have in common.
//!
//! Both number their buckets, remove any of them, and give a new node the bucket that was removed last. So their state is
//! which bucket each node has, and which buckets were removed in which order; a lookup finds a bucket, and a table says at
//! which position its node stands. Where one state is reached from the other by removals alone, what moves is known exactly.

use std::collections::{HashMap, HashSet};

use crate::error::{Error, Result};
use crate::placement::Node;
use crate::placement::movement::GOLDEN;
use crate::placement::rendezvous::finalise;

/// Which bucket each node has, and which buckets have none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Buckets {
    /// The bucket of each node, by the node's position.
    pub of_nodes: Vec<u32>,
    /// The buckets without a node, in the order of their removal.
    pub removed: Vec<u32>,
}

/// What it takes to get from some nodes to others.
pub(super) struct Change {
    /// Positions of the nodes that go, the last first.
    pub gone: Vec<usize>,
    /// For each new position, the old one of the same name.
    pub stays: Vec<Option<usize>>,
}

impl Change {
    /// None if no node stays: then there is nothing to change, and all is built anew.
    pub(super) fn between(old: &[Node], new: &[Node]) -> Option<Self> {
        let places: HashMap<&str, usize> = old.iter().map(|node| node.name.as_str()).zip(0..).collect();
        let stays: Vec<Option<usize>> = new.iter().map(|node| places.get(node.name.as_str()).copied()).collect();
        let kept: HashSet<usize> = stays.iter().flatten().copied().collect();
        let gone = (0..old.len()).rev().filter(|position| !kept.contains(position)).collect();
        (!kept.is_empty()).then_some(Self { gone, stays })
    }
}

impl Buckets {
    /// Nodes in the first of `size` buckets; the others are as if removed from the last one on.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)]
    pub fn first(nodes: usize, size: usize) -> Self {
        Self { of_nodes: (0..nodes as u32).collect(), removed: (nodes as u32..size as u32).rev().collect() }
    }

    /// The number of buckets, with and without a node.
    #[must_use]
    pub fn size(&self) -> usize {
        self.of_nodes.len() + self.removed.len()
    }

    /// Checks that each bucket is there once and each node has one.
    pub(super) fn check(&self, kind: &str, nodes: usize) -> Result<()> {
        let mut met = vec![false; self.size()];
        let first_met = |bucket: &u32| met.get_mut(*bucket as usize).is_some_and(|met| !std::mem::replace(met, true));
        if self.of_nodes.len() == nodes && self.of_nodes.iter().chain(&self.removed).all(first_met) {
            return Ok(());
        }
        Err(Error::Parameter(format!(
            "{kind}: buckets are {} of nodes and {} removed for {nodes} nodes; expected each number below their sum once, \
             and one for each node",
            self.of_nodes.len(),
            self.removed.len()
        )))
    }

    /// The position of each bucket's node; none if positions are the buckets. Buckets without a node have no meaning.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn positions(&self) -> Vec<u32> {
        if self.of_nodes.iter().zip(0..).all(|(bucket, position)| *bucket == position) {
            return Vec::new();
        }
        let mut positions = vec![0; self.size()];
        for (position, bucket) in self.of_nodes.iter().enumerate() {
            positions[*bucket as usize] = position as u32;
        }
        positions
    }

    /// The share of keys whose node has another name in `after`, if one of the states is the other after some removals.
    ///
    /// Of w working buckets of the larger state each has 1/w of the keys; those that go are spread evenly over the
    /// others. `shrinks`: without removed buckets, the last ones can be taken away altogether.
    pub(super) fn moved_share(&self, nodes: &[Node], after: &Self, after_nodes: &[Node], shrinks: bool) -> Option<f64> {
        let ((many, many_nodes), (few, few_nodes)) = if self.of_nodes.len() >= after.of_nodes.len() {
            ((self, nodes), (after, after_nodes))
        } else {
            ((after, after_nodes), (self, nodes))
        };
        let same_size = many.size() == few.size() && few.removed.starts_with(&many.removed);
        let shrunk = shrinks && many.removed.is_empty() && many.size() >= few.size();
        if !same_size && !shrunk {
            return None;
        }
        let by_bucket = |of: &Self, nodes: &[Node]| -> HashMap<u32, String> {
            of.of_nodes.iter().copied().zip(nodes.iter().map(|node| node.name.clone())).collect()
        };
        let (large, small) = (by_bucket(many, many_nodes), by_bucket(few, few_nodes));
        let names: HashSet<&str> = small.values().map(String::as_str).collect();
        let (mut stayed, mut caught) = (0_u64, 0_u64);
        for (bucket, name) in &large {
            match small.get(bucket) {
                Some(other) => stayed += u64::from(other == name),
                None => caught += u64::from(names.contains(name.as_str())),
            }
        }
        // kept = stayed / w + caught / (w w'), as for jump.
        let (w, v) = (large.len() as u128, small.len() as u128);
        #[allow(clippy::cast_precision_loss)]
        Some((w * v - u128::from(stayed) * v - u128::from(caught)) as f64 / (w * v) as f64)
    }
}

/// The hash of a key for a bucket that it was sent away from.
#[inline]
#[must_use]
pub fn rehash(hash: u64, bucket: u32) -> u64 {
    finalise(hash.wrapping_add((u64::from(bucket) + 1).wrapping_mul(GOLDEN)))
}

/// A value of 64 bits as a number below `count`, evenly: its product by `count`, over 2^64.
#[inline]
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn below(value: u64, count: u32) -> u32 {
    ((u128::from(value) * u128::from(count)) >> 64) as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::Settings;

    #[test]
    fn values_are_spread_evenly_below_a_count() {
        assert_eq!([0, 1 << 63, u64::MAX].map(|value| below(value, 10)), [0, 5, 9]);
        assert_eq!(below(u64::MAX, 1), 0);
    }

    #[test]
    fn a_change_names_who_goes_and_who_stays() {
        let (old, mut new) = (Settings::numbered(4).nodes, Settings::numbered(4).nodes);
        new[1].name = "other".to_owned();
        new.remove(3);
        let change = Change::between(&old, &new).unwrap();
        assert_eq!(change.gone, [3, 1]);
        assert_eq!(change.stays, [Some(0), None, Some(2)]);
        assert!(Change::between(&old, &new[1..2]).is_none());
    }

    #[test]
    fn buckets_are_each_there_once() {
        let of = |of_nodes: &[u32], removed: &[u32]| Buckets { of_nodes: of_nodes.to_vec(), removed: removed.to_vec() };
        assert!(of(&[2, 0], &[1, 3]).check("anchor", 2).is_ok());
        for wrong in [of(&[2, 0], &[1, 4]), of(&[0, 0], &[1, 2]), of(&[0], &[1, 2])] {
            assert!(wrong.check("anchor", 2).unwrap_err().to_string().contains("each number below their sum once"));
        }
        assert_eq!(of(&[2, 0], &[1]).positions(), [1, 0, 0]);
        assert!(Buckets::first(3, 6).positions().is_empty());
        assert_eq!(Buckets::first(3, 6).removed, [5, 4, 3]);
    }
}
