//! Anchor: buckets up to a capacity, any of which can lose its node and get one again.
//!
//! Idea: a key is hashed over all buckets that there may ever be. If its bucket has no node, the key is hashed again over the
//! buckets that had one when this one lost its own, and so on. Cost: 1 + ln(capacity / nodes) steps a lookup on average, 8 bytes a
//! bucket, a constant for a change. Choose it where any node may go, shares must be equal, and the most nodes that there will be
//! are known. Only the keys of a node that goes move, and all come back with the next node.
//! Source: Mendelson, Vargaftik, Barabash, Lorenz, Keslassy and Orda 2020, "AnchorHash: A Scalable Consistent Hash", algorithm 3.

use std::any::Any;

use crate::catalogue::{Contender, Domain, Parameter};
use crate::error::{Error, Result};
use crate::placement::buckets::{Buckets, Change, below, rehash};
use crate::placement::rendezvous::finalise;
use crate::placement::{HASH, Placement, SEED, Settings};

/// The most buckets.
pub const CAPACITY_HIGH: u64 = 1 << 27;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "placement",
    name: "anchor",
    version: 1,
    idea: "A key is hashed over all buckets up to a capacity, and on over those left until it meets one with a node.",
    cost: "1 + ln(capacity / nodes) steps per key; 8 to 12 bytes per bucket",
    choose_when: "any node may go, shares must be equal, and the most nodes that there will be are known",
    source: "Mendelson et al. 2020, AnchorHash: A Scalable Consistent Hash",
    parameters: &[
        Parameter {
            name: "capacity",
            default: "",
            domain: Domain::Integer { low: 1, high: CAPACITY_HIGH },
            meaning: "the most nodes that there can be; by default twice the nodes at the start",
        },
        HASH,
        SEED,
    ],
    abilities: &["remove_any", "minimal_movement"],
};

/// The anchor of algorithm 3 of the paper, whose names its fields bear.
#[derive(Debug, Clone)]
pub struct Anchor {
    settings: Settings,
    buckets: Buckets,
    /// A\[b\]: 0 for a bucket with a node, else how many buckets had one when b lost its own.
    sizes: Vec<u32>,
    /// K\[b\]: the bucket that took b's place.
    successors: Vec<u32>,
    /// W: the buckets with nodes, in the paper's order, and after them leftovers.
    working: Vec<u32>,
    /// L\[b\]: the latest place of b within W.
    places: Vec<u32>,
    /// The position of each bucket's node; empty if positions are the buckets.
    positions: Vec<u32>,
}

/// An anchor of these nodes, in the first buckets or in those given.
///
/// # Errors
/// If a weight is not 1, there are more nodes than buckets, or the buckets given are not those of these nodes.
pub fn build(mut settings: Settings) -> Result<Box<dyn Placement>> {
    settings.refuse_weights(&CONTENDER)?;
    let nodes = settings.nodes.len();
    let capacity = settings.capacity.unwrap_or(2 * nodes as u64);
    if capacity > CAPACITY_HIGH || capacity < nodes as u64 {
        return Err(Error::Parameter(format!(
            "anchor: capacity is {capacity} for {nodes} nodes; expected from {nodes} to {CAPACITY_HIGH}, the most nodes that \
             there will be"
        )));
    }
    settings.capacity = Some(capacity);
    #[allow(clippy::cast_possible_truncation)]
    let size = capacity as usize;
    let buckets = settings.buckets.take().unwrap_or_else(|| Buckets::first(nodes, size));
    buckets.check("anchor", nodes)?;
    if buckets.size() != size {
        return Err(Error::Parameter(format!(
            "anchor: there are {} buckets; expected capacity, {size}",
            buckets.size()
        )));
    }
    Ok(Box::new(Anchor::new(settings, buckets)))
}

impl Anchor {
    /// The state in which all buckets had nodes, and then lost them in their order.
    #[allow(clippy::cast_possible_truncation)]
    fn new(settings: Settings, buckets: Buckets) -> Self {
        let all: Vec<u32> = (0..buckets.size() as u32).collect();
        let mut made = Self {
            settings,
            sizes: vec![0; all.len()],
            successors: all.clone(),
            working: all.clone(),
            places: all,
            positions: buckets.positions(),
            buckets: Buckets { of_nodes: buckets.of_nodes, removed: Vec::with_capacity(buckets.removed.len()) },
        };
        let mut left = made.sizes.len();
        for bucket in buckets.removed {
            left -= 1;
            made.remove(bucket, left);
        }
        made
    }

    /// REMOVEBUCKET: a bucket loses its node, after which `left` have one.
    #[allow(clippy::cast_possible_truncation)]
    fn remove(&mut self, bucket: u32, left: usize) {
        let b = bucket as usize;
        self.buckets.removed.push(bucket);
        self.sizes[b] = left as u32;
        let last = self.working[left];
        self.working[self.places[b] as usize] = last;
        self.successors[b] = last;
        self.places[last as usize] = self.places[b];
    }

    /// ADDBUCKET: the bucket that was removed last has a node again; before, `working` had one.
    #[allow(clippy::cast_possible_truncation)]
    fn add(&mut self, working: usize) -> Option<u32> {
        let bucket = self.buckets.removed.pop()?;
        let b = bucket as usize;
        self.sizes[b] = 0;
        self.places[self.working[working] as usize] = working as u32;
        self.working[self.places[b] as usize] = bucket;
        self.successors[b] = bucket;
        Some(bucket)
    }

    /// Which bucket each node has, and which were removed.
    #[must_use]
    pub fn buckets(&self) -> &Buckets {
        &self.buckets
    }

    /// GETBUCKET.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn bucket(&self, hash: u64) -> u32 {
        let mut bucket = below(finalise(hash), self.sizes.len() as u32);
        loop {
            let size = self.sizes[bucket as usize];
            if size == 0 {
                return bucket;
            }
            let mut other = below(rehash(hash, bucket), size);
            while self.sizes[other as usize] >= size {
                other = self.successors[other as usize];
            }
            bucket = other;
        }
    }

    fn changed(&self, settings: Settings, change: &Change) -> Result<Self> {
        settings.refuse_weights(&CONTENDER)?;
        let capacity = self.sizes.len();
        if settings.nodes.len() > capacity {
            return Err(Error::Parameter(format!(
                "anchor: capacity is {capacity}, and {} nodes are more; build an anchor of a greater capacity, which places keys \
                 anew, or choose memento, which has none",
                settings.nodes.len()
            )));
        }
        let mut made = Self { settings, ..self.clone() };
        let mut working = self.settings.nodes.len();
        for position in &change.gone {
            working -= 1;
            made.remove(self.buckets.of_nodes[*position], working);
        }
        made.buckets.of_nodes = change
            .stays
            .iter()
            .map(|stays| match stays {
                Some(position) => self.buckets.of_nodes[*position],
                None => {
                    let bucket = made.add(working).expect("there are no more nodes than buckets");
                    working += 1;
                    bucket
                }
            })
            .collect();
        made.positions = made.buckets.positions();
        Ok(made)
    }
}

impl Placement for Anchor {
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

    fn memory_bytes(&self) -> u64 {
        let read = [&self.sizes, &self.successors, &self.positions];
        read.iter().map(|values| size_of_val(values.as_slice()) as u64).sum()
    }

    #[allow(clippy::cast_precision_loss)]
    fn ownership(&self) -> Vec<f64> {
        let nodes = self.settings.nodes.len();
        vec![1.0 / nodes as f64; nodes]
    }

    fn moved_share(&self, after: &dyn Placement) -> Option<f64> {
        let after = (after as &dyn Any).downcast_ref::<Self>()?;
        self.buckets.moved_share(&self.settings.nodes, &after.buckets, &after.settings.nodes, false)
    }

    fn with_nodes(&self, settings: Settings) -> Option<Result<Box<dyn Placement>>> {
        let change = Change::between(&self.settings.nodes, &settings.nodes)?;
        Some(self.changed(settings, &change).map(|made| -> Box<dyn Placement> { Box::new(made) }))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::placement::tests::values;
    use proptest::prelude::*;

    fn of(nodes: usize, capacity: u64) -> Anchor {
        let settings = Settings { capacity: Some(capacity), ..Settings::numbered(nodes) };
        let built = build(settings).unwrap();
        (&*built as &dyn Any).downcast_ref::<Anchor>().unwrap().clone()
    }

    /// The paper's algorithm 1 in words: the sets of buckets that had nodes when each was removed.
    fn by_sets(capacity: u32, removed: &[u32], hash: u64) -> u32 {
        let mut had: HashMap<u32, Vec<u32>> = HashMap::new();
        // The order within a set follows the paper's in-place version: the last one takes the place of the one that goes.
        let mut working: Vec<u32> = (0..capacity).collect();
        for bucket in removed {
            let place = working.iter().position(|other| other == bucket).unwrap();
            working.swap_remove(place);
            had.insert(*bucket, working.clone());
        }
        let mut bucket = below(finalise(hash), capacity);
        while let Some(set) = had.get(&bucket) {
            bucket = set[below(rehash(hash, bucket), u32::try_from(set.len()).unwrap()) as usize];
        }
        bucket
    }

    proptest! {
        #[test]
        fn a_lookup_is_the_papers_walk_over_sets(
            nodes in 1_usize..12, spare in 0_u64..8, steps in proptest::collection::vec(any::<u16>(), 0..25), hashes in proptest::collection::vec(any::<u64>(), 1..40),
        ) {
            let capacity = nodes as u64 + spare;
            let mut anchor = of(nodes, capacity);
            for step in steps {
                let count = anchor.settings.nodes.len();
                let mut settings = anchor.settings.clone();
                if step & 1 == 0 && count > 1 {
                    settings.nodes.remove(usize::from(step >> 1) % count);
                } else if (count as u64) < capacity {
                    settings.nodes.push(crate::placement::Node::new(format!("new-{step}-{count}")));
                }
                if settings.nodes.iter().enumerate().any(|(i, node)| settings.nodes[..i].iter().any(|o| o.name == node.name)) {
                    continue;
                }
                let change = Change::between(&anchor.settings.nodes, &settings.nodes).unwrap();
                anchor = anchor.changed(settings, &change).unwrap();
            }
            // Built again from its buckets, the same.
            let again = build(Settings { buckets: Some(anchor.buckets.clone()), ..anchor.settings.clone() }).unwrap();
            for hash in hashes {
                let bucket = by_sets(u32::try_from(capacity).unwrap(), &anchor.buckets.removed, hash);
                prop_assert_eq!(anchor.bucket(hash), bucket);
                prop_assert_eq!(anchor.buckets.of_nodes[anchor.owner(hash) as usize], bucket);
                prop_assert_eq!(again.owner(hash), anchor.owner(hash));
            }
        }
    }

    #[test]
    fn seven_buckets_lose_three_and_get_one_again_as_worked_by_hand() {
        // W is 0..6. 6 goes: it was last, and its own successor. 5 goes likewise. 1 goes: 4, the last one, takes its place, so W is
        // 0 4 2 3 and A[1] = 4. A node more has bucket 1 again, and 4 its old place.
        let mut anchor = of(7, 7);
        for (bucket, left) in [(6, 6), (5, 5), (1, 4)] {
            anchor.remove(bucket, left);
        }
        assert_eq!(anchor.working[..4], [0, 4, 2, 3]);
        assert_eq!(anchor.sizes, [0, 4, 0, 0, 0, 5, 6]);
        assert_eq!((anchor.successors[1], anchor.places[4]), (4, 1));
        assert_eq!(anchor.add(4), Some(1));
        assert_eq!(anchor.working[..5], [0, 1, 2, 3, 4]);
        assert_eq!((anchor.successors[1], anchor.places[4]), (1, 4));
    }

    #[test]
    fn shares_are_equal_after_half_of_the_nodes_have_gone() {
        let before = of(20, 32);
        let mut settings = before.settings.clone();
        settings.nodes = settings.nodes.into_iter().step_by(2).collect();
        let after = before.with_nodes(settings).unwrap().unwrap();
        let mut counts = [0.0_f64; 10];
        for hash in values(50_000) {
            let (old, new) = (before.owner(hash), after.owner(hash));
            counts[new as usize] += 1.0;
            assert!(old % 2 == 1 || old / 2 == new, "only the keys of nodes that went move");
        }
        // 5000 each; five standard deviations are 335.
        assert!(counts.iter().all(|count| (count - 5_000.0).abs() < 335.0), "{counts:?}");
    }

    #[test]
    fn a_full_anchor_takes_no_node_and_says_what_would() {
        let anchor = of(3, 3);
        let message = anchor.with_nodes(Settings::numbered(4)).unwrap().err().unwrap().to_string();
        assert!(message.contains("capacity is 3, and 4 nodes are more") && message.contains("memento"), "{message}");
        let message = build(Settings { capacity: Some(2), ..Settings::numbered(3) }).err().unwrap().to_string();
        assert!(message.contains("capacity is 2 for 3 nodes; expected from 3"), "{message}");
    }
}
