//! Memento: jump, and a note of each bucket that has lost its node.
//!
//! Idea: jump finds one of n buckets. If that bucket has lost its node, the key is hashed again over as many buckets as had
//! one afterwards; a bucket that had gone before stands for the one that was moved into its number. Cost: jump's, and a step or two
//! more where nodes are missing; 16 to 32 bytes for each missing node, and none at all without one. Choose it where any node may go, but few do,
//! and nodes are many. Only the keys of a node that goes move, and all come back with the next node.
//! Source: Coluzzi, Brocco, Antonucci and Leidi 2024, "MementoHash: A Stateful, Minimal Memory, Best Performing Consistent Hash
//! Algorithm", algorithms 1 to 4.

use std::any::Any;

use crate::catalogue::Contender;
use crate::error::Result;
use crate::lanes::Path;
use crate::placement::buckets::{Buckets, Change, below, rehash};
use crate::placement::jump;
use crate::placement::movement::GOLDEN;
use crate::placement::{HASH, Placement, SEED, Settings};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "placement",
    name: "memento",
    version: 1,
    idea: "Jump finds a bucket; a note of each one that has lost its node says over how many the key is hashed again.",
    cost: "jump's, and a few steps more while nodes are missing; 16 to 32 bytes per missing node",
    choose_when: "any node may go but few are missing at a time, shares must be equal, and memory is scarce",
    source: "Coluzzi et al. 2024, MementoHash: A Stateful, Minimal Memory, Best Performing Consistent Hash Algorithm",
    parameters: &[HASH, SEED],
    abilities: &["remove_any", "minimal_movement"],
};

/// Jump's buckets, and what has become of those without a node.
#[derive(Debug, Clone)]
pub struct Memento {
    settings: Settings,
    buckets: Buckets,
    /// n: the number of buckets that jump finds.
    size: i64,
    replaced: Replaced,
    /// The position of each bucket's node; empty if positions are the buckets.
    positions: Vec<u32>,
}

/// Memento of these nodes, in buckets of their positions or in those given.
///
/// # Errors
/// If a weight is not 1, or the buckets given are not those of these nodes.
pub fn build(mut settings: Settings) -> Result<Box<dyn Placement>> {
    settings.refuse_weights(&CONTENDER)?;
    let nodes = settings.nodes.len();
    let buckets = settings.buckets.take().unwrap_or_else(|| Buckets::first(nodes, nodes));
    buckets.check("memento", nodes)?;
    Ok(Box::new(Memento::new(settings, buckets)))
}

/// For each bucket without a node, how many had one after it lost its own: a table, open to the next free slot.
#[derive(Debug, Clone, Default)]
struct Replaced {
    slots: Vec<(u32, u32)>,
    shift: u32,
}

const FREE: u32 = u32::MAX;

impl Replaced {
    /// The i-th to go of n buckets left n - i - 1.
    #[allow(clippy::cast_possible_truncation)]
    fn new(removed: &[u32], size: usize) -> Self {
        if removed.is_empty() {
            return Self::default();
        }
        let slots = (2 * removed.len()).next_power_of_two();
        let mut made = Self { slots: vec![(FREE, 0); slots], shift: 64 - slots.trailing_zeros() };
        for (index, bucket) in removed.iter().enumerate() {
            let slot = made.slot(*bucket);
            made.slots[slot] = (*bucket, (size - index - 1) as u32);
        }
        made
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn slot(&self, bucket: u32) -> usize {
        let mut slot = (u64::from(bucket).wrapping_mul(GOLDEN) >> self.shift) as usize;
        while self.slots[slot].0 != FREE && self.slots[slot].0 != bucket {
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        slot
    }

    /// How many buckets had nodes after this one lost its own; None if it has one.
    #[inline]
    fn get(&self, bucket: u32) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let (found, left) = self.slots[self.slot(bucket)];
        (found != FREE).then_some(left)
    }
}

impl Memento {
    fn new(settings: Settings, buckets: Buckets) -> Self {
        let size = buckets.size();
        let replaced = Replaced::new(&buckets.removed, size);
        let size = i64::try_from(size).expect("buckets are numbered by 32 bits");
        Self { settings, size, replaced, positions: buckets.positions(), buckets }
    }

    /// Which bucket each node has, and which were removed.
    #[must_use]
    pub fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    /// The bucket with a node that has the key of this hash value.
    #[inline]
    fn bucket(&self, hash: u64) -> u32 {
        self.standing(hash, jump::bucket(hash, self.size))
    }

    /// The bucket with a node for a key that jump sends to `bucket`.
    #[inline]
    fn standing(&self, hash: u64, mut bucket: u32) -> u32 {
        while let Some(left) = self.replaced.get(bucket) {
            let mut other = below(rehash(hash, bucket), left);
            // A number that had gone before this one did stands for the bucket that was moved to it.
            while let Some(moved) = self.replaced.get(other).filter(|moved| *moved >= left) {
                other = moved;
            }
            bucket = other;
        }
        bucket
    }

    /// The buckets after a change: the last one is taken away altogether if none is missing; a new node has the bucket that was
    /// removed last, or a new one.
    fn changed(&self, change: &Change) -> Buckets {
        let mut removed = self.buckets.removed.clone();
        let mut size = self.buckets.size();
        for position in &change.gone {
            let bucket = self.buckets.of_nodes[*position];
            if removed.is_empty() && bucket as usize == size - 1 {
                size -= 1;
            } else {
                removed.push(bucket);
            }
        }
        let mut next = || {
            removed.pop().unwrap_or_else(|| {
                size += 1;
                u32::try_from(size - 1).expect("buckets are numbered by 32 bits")
            })
        };
        let of_nodes = change.stays.iter().map(|stays| match stays {
            Some(position) => self.buckets.of_nodes[*position],
            None => next(),
        });
        let of_nodes = of_nodes.collect();
        Buckets { of_nodes, removed }
    }
}

impl Placement for Memento {
    fn contender(&self) -> &'static Contender {
        &CONTENDER
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    #[inline]
    fn owner(&self, hash: u64) -> u32 {
        let bucket = self.bucket(hash);
        self.positions.get(bucket as usize).copied().unwrap_or(bucket)
    }

    fn owners(&self, hashes: &[u64], out: &mut [u32]) {
        assert_eq!(hashes.len(), out.len(), "one owner per hash value");
        jump::buckets(Path::widest(), hashes, self.size, out);
        if !self.replaced.slots.is_empty() {
            hashes.iter().zip(&mut *out).for_each(|(hash, slot)| *slot = self.standing(*hash, *slot));
        }
        if !self.positions.is_empty() {
            out.iter_mut().for_each(|slot| *slot = self.positions[*slot as usize]);
        }
    }

    fn memory_bytes(&self) -> u64 {
        let tables = size_of_val(self.replaced.slots.as_slice()) + size_of_val(self.positions.as_slice());
        (size_of::<i64>() + tables) as u64
    }

    #[allow(clippy::cast_precision_loss)]
    fn ownership(&self) -> Vec<f64> {
        let nodes = self.settings.nodes.len();
        vec![1.0 / nodes as f64; nodes]
    }

    fn moved_share(&self, after: &dyn Placement) -> Option<f64> {
        let after = (after as &dyn Any).downcast_ref::<Self>()?;
        self.buckets.moved_share(&self.settings.nodes, &after.buckets, &after.settings.nodes, true)
    }

    fn with_nodes(&self, settings: Settings) -> Option<Result<Box<dyn Placement>>> {
        let change = Change::between(&self.settings.nodes, &settings.nodes)?;
        let made = settings.refuse_weights(&CONTENDER).map(|()| -> Box<dyn Placement> {
            let buckets = self.changed(&change);
            Box::new(Self::new(settings, buckets))
        });
        Some(made)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::placement::movement::{moved_share, sampled_share};
    use crate::placement::tests::values;
    use crate::placement::{Node, build as build_any, changed};
    use proptest::prelude::*;

    fn memento(placement: &dyn Placement) -> &Memento {
        (placement as &dyn Any).downcast_ref().unwrap()
    }

    /// The paper's algorithms 1 to 4 over a map from bucket to (replacing number, bucket removed before), step by step.
    struct Paper {
        n: u32,
        last: u32,
        map: HashMap<u32, (u32, u32)>,
    }

    impl Paper {
        fn remove(&mut self, bucket: u32) {
            if bucket == self.n - 1 && self.map.is_empty() {
                (self.n, self.last) = (bucket, bucket);
            } else {
                let left = self.n - u32::try_from(self.map.len()).unwrap() - 1;
                self.map.insert(bucket, (left, self.last));
                self.last = bucket;
            }
        }

        fn add(&mut self) -> u32 {
            if self.map.is_empty() {
                let bucket = self.n;
                self.n += 1;
                self.last = self.n;
                return bucket;
            }
            let bucket = self.last;
            (_, self.last) = self.map.remove(&bucket).unwrap();
            bucket
        }

        fn lookup(&self, hash: u64) -> u32 {
            let mut bucket = jump::bucket(hash, i64::from(self.n));
            while let Some((left, _)) = self.map.get(&bucket) {
                let mut other = below(rehash(hash, bucket), *left);
                while let Some((moved, _)) = self.map.get(&other)
                    && moved >= left
                {
                    other = *moved;
                }
                bucket = other;
            }
            bucket
        }
    }

    proptest! {
        #[test]
        fn states_and_lookups_are_the_papers_and_only_the_keys_concerned_move(
            nodes in 1_usize..12, steps in proptest::collection::vec(any::<u16>(), 0..25), hashes in proptest::collection::vec(any::<u64>(), 1..60),
        ) {
            let mut placement = build(Settings::numbered(nodes)).unwrap();
            let count = u32::try_from(nodes).unwrap();
            let mut paper = Paper { n: count, last: count, map: HashMap::new() };
            for (number, step) in steps.into_iter().enumerate() {
                let before = memento(placement.as_ref()).clone();
                let count = before.settings.nodes.len();
                let mut settings = before.settings.clone();
                let mut gone = None;
                if step & 1 == 0 && count > 1 {
                    let position = usize::from(step >> 1) % count;
                    gone = Some(settings.nodes.remove(position).name);
                    paper.remove(before.buckets.of_nodes[position]);
                } else {
                    settings.nodes.push(Node::new(format!("new-{number}")));
                    let bucket = paper.add();
                    let after = changed(&before, settings.clone()).unwrap();
                    prop_assert_eq!(memento(after.as_ref()).buckets.of_nodes.last(), Some(&bucket));
                }
                placement = changed(&before, settings).unwrap();
                let after = memento(placement.as_ref());
                let new_name = format!("new-{number}");
                for hash in &hashes {
                    let (old, new) = (before.owner(*hash) as usize, after.owner(*hash) as usize);
                    let (old, new) = (&before.settings.nodes[old].name, &after.settings.nodes[new].name);
                    prop_assert!(old == new || Some(old) == gone.as_ref() || *new == new_name);
                    prop_assert_eq!(after.bucket(*hash), paper.lookup(*hash));
                }
                let again = build(Settings { buckets: Some(after.buckets.clone()), ..after.settings.clone() }).unwrap();
                prop_assert!(hashes.iter().all(|hash| again.owner(*hash) == after.owner(*hash)));
            }
        }
    }

    #[test]
    fn without_missing_nodes_it_is_jump() {
        let (memento, jump) =
            (build(Settings::numbered(11)).unwrap(), build_any("jump", Settings::numbered(11)).unwrap());
        assert!(values(5_000).iter().all(|hash| memento.owner(*hash) == jump.owner(*hash)));
        assert_eq!(memento.memory_bytes(), 8);
    }

    #[test]
    fn shares_are_equal_after_half_of_the_nodes_have_gone() {
        let before = build(Settings::numbered(20)).unwrap();
        let mut settings = before.settings().clone();
        settings.nodes = settings.nodes.into_iter().step_by(2).collect();
        let after = changed(before.as_ref(), settings).unwrap();
        let mut counts = [0.0_f64; 10];
        values(50_000).iter().for_each(|hash| counts[after.owner(*hash) as usize] += 1.0);
        // 5000 each; five standard deviations are 335.
        assert!(counts.iter().all(|count| (count - 5_000.0).abs() < 335.0), "{counts:?}");
    }

    #[test]
    fn the_moved_share_is_the_expectation_of_a_sample() {
        for kind in ["anchor", "memento"] {
            let full = build_any(kind, Settings { capacity: Some(16), ..Settings::numbered(9) }).unwrap();
            let without = |gone: &[usize], more: usize| {
                let mut settings = full.settings().clone();
                let kept = settings.nodes.into_iter().enumerate().filter(|(position, _)| !gone.contains(position));
                settings.nodes = kept.map(|(_, node)| node).collect();
                let fewer = changed(full.as_ref(), settings.clone()).unwrap();
                settings.nodes.extend((0..more).map(|number| Node::new(format!("more-{number}"))));
                changed(fewer.as_ref(), settings).unwrap()
            };
            for (after, wanted) in [
                (without(&[3], 0), Some(1.0 / 9.0)),
                (without(&[8, 1, 4], 0), Some(3.0 / 9.0)),
                (without(&[2], 1), Some(1.0 / 9.0)),
                (without(&[], 2), Some(2.0 / 11.0)),
                (without(&[2, 5], 3), None),
            ] {
                let share = moved_share(full.as_ref(), after.as_ref());
                assert!((share - sampled_share(full.as_ref(), after.as_ref())).abs() < 0.005, "{kind}: {share}");
                assert!(wanted.is_none_or(|wanted| (share - wanted).abs() < 1e-12), "{kind}: {share} {wanted:?}");
                let back = moved_share(after.as_ref(), full.as_ref());
                assert!((back - sampled_share(after.as_ref(), full.as_ref())).abs() < 0.005, "{kind}: {back}");
            }
        }
    }
}
