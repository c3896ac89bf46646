use proptest::prelude::*;

use super::nodes::{ROOM, is_node};
use super::*;
use crate::space::{Texts, Words};
use crate::{Pairs, Progress};

impl<S: Radix> Art<S> {
    /// Everything that holds of a tree between two changes.
    fn check(&self) {
        let mut leaves = Vec::new();
        let mut counts = [0; 4];
        if self.root != NONE {
            self.check_below(self.root, 0, &mut leaves, &mut counts);
        }
        assert_eq!(counts, self.nodes.counts(), "every node is reached or free");
        assert_eq!(leaves.len(), self.leaves.len(), "every leaf is reached or free");
        assert_eq!(leaves.first().copied().unwrap_or(NONE), self.leaves.first());
        assert_eq!(leaves.last().copied().unwrap_or(NONE), self.leaves.last());
        let mut entries = 0;
        for (at, leaf) in leaves.iter().enumerate() {
            let rows = self.leaves.rows(*leaf);
            assert!(!rows.is_empty() && rows.is_sorted());
            entries += rows.len() as u64;
            assert_eq!(self.leaves.right(*leaf), leaves.get(at + 1).copied().unwrap_or(NONE));
            assert_eq!(self.leaves.left(*leaf), at.checked_sub(1).map_or(NONE, |left| leaves[left]));
            if at > 0 {
                let (one, other) = (self.leaves.key(leaves[at - 1]), self.leaves.key(*leaf));
                assert!(self.space.order(one, other).is_lt(), "keys are in order");
            }
        }
        assert_eq!(entries, self.len);
    }

    fn check_below(&self, name: u32, above: usize, leaves: &mut Vec<u32>, counts: &mut [usize; 4]) {
        if !is_node(name) {
            return leaves.push(name);
        }
        let (at, count, first) = (self.nodes.at(name), self.nodes.count(name), leaves.len());
        assert!(at >= above);
        let kind = (name >> 29 & 3) as usize;
        counts[kind] += 1;
        assert!(count <= ROOM[kind] && (kind == 0 || count > ROOM[kind - 1] / 2), "{count} children of kind {kind}");
        let end = self.nodes.end(name);
        assert!(count + usize::from(end != NONE) >= 2, "a node tells keys apart");
        if end != NONE {
            assert_eq!(S::length(self.space.probe(self.leaves.key(end))), at);
            leaves.push(end);
        }
        let mut seen = 0;
        for byte in 0..=u8::MAX {
            let child = self.nodes.child(name, byte);
            if child != NONE {
                seen += 1;
                let start = leaves.len();
                self.check_below(child, at + 1, leaves, counts);
                for leaf in &leaves[start..] {
                    assert_eq!(S::byte(self.space.probe(self.leaves.key(*leaf)), at), byte);
                }
            }
        }
        assert_eq!(seen, count);
        let key = |leaf: u32| self.space.probe(self.leaves.key(leaf));
        assert!(leaves[first..].iter().all(|leaf| S::common(key(*leaf), key(leaves[first])) >= at));
    }
}

fn load<S: Radix>(mut pairs: Pairs<S>) -> Art<S> {
    pairs.sort();
    let tree = Art::load(pairs, &Progress::default()).unwrap();
    tree.check();
    tree
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.min(48), ..ProptestConfig::default() })]

    #[test]
    fn nodes_grow_and_shrink_with_their_children(
        first in prop::collection::vec(any::<u16>(), 0..400),
        changes in prop::collection::vec((any::<bool>(), any::<u8>(), 1_usize..300), 1..10),
    ) {
        // Keys that share bytes at the beginning, in the middle, or nothing.
        let word = |at: u16| (u64::from(at) << 24 | u64::from(at % 7) << 60).rotate_left(u32::from(at % 3) * 8);
        let mut pairs = Pairs::<Words>::default();
        first.iter().for_each(|at| pairs.push(word(*at), u32::from(*at)));
        let mut tree = load(pairs);
        for (is_insertion, start, count) in changes {
            let keys: Vec<u64> = (0..count).map(|at| word((usize::from(start) * 13 + at) as u16)).collect();
            if is_insertion {
                tree.put(&keys, &(0..u32::try_from(count).unwrap()).collect::<Vec<_>>());
            } else {
                tree.take_out(&keys, None);
            }
            tree.check();
        }
    }

    #[test]
    fn keys_that_others_begin_with_come_and_go(
        steps in prop::collection::vec((any::<bool>(), prop::collection::vec(prop::collection::vec(0_u8..3, 0..9), 0..30)), 1..12),
    ) {
        let mut tree = load(Pairs::<Texts>::default());
        for (is_insertion, keys) in steps {
            let probes: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
            if is_insertion { tree.put(&probes, &vec![1; probes.len()]) } else { tree.take_out(&probes, None); }
            tree.check();
        }
    }
}

#[test]
fn every_kind_of_node_is_reached_and_left() {
    let mut tree = load(Pairs::<Words>::default());
    for key in 0..256 {
        tree.put(&[key << 16], &[0]);
        tree.check();
    }
    assert_eq!(tree.nodes.counts(), [0, 0, 0, 1]);
    let mut kinds = Vec::new();
    for key in 0..255 {
        assert_eq!(tree.take_out(&[key << 16], None), 1);
        tree.check();
        kinds.push(tree.nodes.counts());
    }
    kinds.dedup();
    assert_eq!(kinds, [[0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0], [0; 4]]);
}

#[test]
fn keys_as_deep_as_they_are_many_need_no_deep_stack() {
    let long = vec![b'a'; 20_000];
    let mut pairs = Pairs::<Texts>::default();
    (0..20_000_u32).step_by(10).for_each(|at| pairs.push(&long[..at as usize], at));
    let mut tree = Art::load(pairs, &Progress::default()).unwrap();
    let mut rows = Vec::new();
    let low = std::ops::Bound::Included(&long[..19_985]);
    tree.range(&crate::Between { low, high: std::ops::Bound::Unbounded }, crate::Take::ALL, &mut rows);
    assert_eq!(rows, [19_990]);
    assert_eq!(tree.take_out(&[&long[..19_990], &long[..0]], None), 2);
    assert_eq!(tree.leaves.rows(tree.leaves.first()), [10]);
}

#[test]
fn keys_beyond_what_leaves_are_counted_in_are_refused() {
    let mut tree = load(Pairs::<Words>::default());
    tree.put(&[1, 2, 3, 4], &[0; 4]);
    assert!(
        tree.check_room_of(&[5, 5, 6, 1], 0, 6).is_ok(),
        "what is there already takes no leaf, and nothing takes two"
    );
    assert!(tree.check_room_of(&[5, 5, 6, 1], 1, 6).is_err(), "another comes before");
    let message = tree.check_room_of(&[5, 6, 7], 0, 6).unwrap_err().to_string();
    assert!(message.contains("cannot take 3 different keys beside 4") && message.contains("at most 6"), "{message}");
}
