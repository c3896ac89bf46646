use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::Progress;
use crate::space::{Texts, Words};

impl<S: Space> Tree<S> {
    /// Everything that holds of a tree between two changes.
    fn check(&self) {
        let mut leaves = Vec::new();
        let entries = self.check_below(self.root, self.levels, &mut leaves);
        assert_eq!(entries.len() as u64, self.len);
        assert_eq!(leaves.len(), self.leaves.len(), "every leaf is reached or free");
        for (at, leaf) in leaves.iter().enumerate() {
            assert_eq!(self.leaves.left(*leaf), at.checked_sub(1).map_or(NONE, |left| leaves[left]));
            assert_eq!(self.leaves.right(*leaf), leaves.get(at + 1).copied().unwrap_or(NONE));
        }
        let probe = |at: usize| self.space.probe(entries[at].0);
        for at in 1..entries.len() {
            let order = S::order_probes(probe(at - 1), probe(at)).then(entries[at - 1].1.cmp(&entries[at].1));
            assert!(order.is_le(), "entries are in order");
        }
    }

    fn check_below(&self, node: u32, level: u32, leaves: &mut Vec<u32>) -> Vec<nodes::Entry<S>> {
        let count = self.count(node, level);
        let fewest = if node != self.root || level != self.levels {
            self.fewest()
        } else if level > 0 {
            2
        } else {
            0
        };
        assert!((fewest..=self.most).contains(&count), "{count} in a node at level {level} of {}", self.levels);
        let mut entries = Vec::new();
        if level == 0 {
            leaves.push(node);
            self.leaves.read(node, &mut entries);
            return entries;
        }
        for at in 0..count {
            let below = self.check_below(self.inner.child(node, at), level - 1, leaves);
            if at > 0 {
                let (key, row) = self.inner.low(node, at);
                let before = self.inner.low(node, at - 1);
                assert!(
                    self.marks.order(before.0, key).then(before.1.cmp(&row)).is_le(),
                    "a search counts the least ones"
                );
                let order = |entry: &nodes::Entry<S>| {
                    self.marks.compare(key, self.space.probe(entry.0)).then(row.cmp(&entry.1))
                };
                assert!(entries.last().is_none_or(|last| order(last).is_ge()), "what is before a child is not more");
                assert!(below.iter().all(|entry| order(entry).is_le()), "what is below a child is not less");
            }
            entries.extend(below);
        }
        entries
    }
}

fn load<S: Space>(mut pairs: Pairs<S>) -> Tree<S> {
    pairs.sort();
    let tree = Tree::load(pairs, 16, &Progress::default()).unwrap();
    tree.check();
    tree
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.min(48), ..ProptestConfig::default() })]

    #[test]
    fn nodes_keep_their_fill_and_order_whatever_comes_and_goes(
        first in 0_usize..3000,
        keys in prop_oneof![Just(3_u64), Just(50), Just(1 << 40)],
        seed in any::<u64>(),
        changes in prop::collection::vec((any::<bool>(), 1_usize..1500, any::<bool>()), 1..12),
    ) {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let word = (state ^ (state >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((word ^ (word >> 29)) % keys, u32::try_from(word >> 48).unwrap() % 5000)
        };
        let mut pairs = Pairs::<Words>::default();
        let mut all = BTreeSet::new();
        for _ in 0..first {
            let (key, row) = next();
            if all.insert((key, row)) {
                pairs.push(key, row);
            }
        }
        let mut tree = load(pairs);
        for (is_insertion, count, by_key) in changes {
            if is_insertion {
                let batch: Vec<(u64, u32)> = (0..count).map(|_| next()).filter(|pair| all.insert(*pair)).collect();
                let (keys, rows): (Vec<u64>, Vec<u32>) = batch.into_iter().unzip();
                tree.put(&keys, &rows);
            } else {
                // A stretch of neighbours, so that whole nodes run empty.
                let batch: Vec<(u64, u32)> = all.range((next().0, 0)..).take(count).copied().collect();
                let (keys, rows): (Vec<u64>, Vec<u32>) = batch.into_iter().unzip();
                let before = all.len();
                if by_key {
                    let gone: BTreeSet<u64> = keys.iter().copied().collect();
                    all.retain(|pair| !gone.contains(&pair.0));
                } else {
                    keys.iter().zip(&rows).for_each(|(key, row)| { all.remove(&(*key, *row)); });
                }
                prop_assert_eq!(tree.take_out(&keys, (!by_key).then_some(&rows[..])), (before - all.len()) as u64);
            }
            tree.check();
            let mut found = Vec::new();
            let between = crate::Between { low: std::ops::Bound::Unbounded, high: std::ops::Bound::Unbounded };
            tree.range(&between, crate::Take::ALL, &mut found);
            prop_assert_eq!(found, all.iter().map(|pair| u64::from(pair.1)).collect::<Vec<_>>());
        }
    }
}

/// Keys that are dealt out are found as those that go down from the root.
fn deals_out<S: Space>(tree: &Tree<S>, probes: &[S::Probe<'_>]) {
    let (mut expected, mut first) = (Found::default(), vec![0; probes.len()]);
    tree.lookup(probes, &mut expected);
    tree.lookup_first(probes, &mut first);
    for most in [2, 20, 1000] {
        let Some(tops) = tree.tops(most) else { continue };
        let (mut found, mut out) = (Found::default(), vec![0; probes.len()]);
        tops.lookup(tree, probes, &mut found);
        tops.lookup_first(tree, probes, &mut out);
        assert_eq!((&found, &out), (&expected, &first));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases.min(24), ..ProptestConfig::default() })]

    #[test]
    fn keys_that_are_dealt_out_to_nodes_are_found_there(
        count in 0_u32..6000,
        keys in prop_oneof![Just(40_u64), Just(3000), Just(u64::MAX)],
        asked in prop::collection::vec(any::<u64>(), 1..200),
        gone in prop::collection::vec(any::<u64>(), 0..2000),
    ) {
        let key = |at: u64| if at.is_multiple_of(97) { u64::MAX - at % 3 } else { at.wrapping_mul(0x9e37_79b9_7f4a_7c15) % keys };
        let (mut words, mut texts) = (Pairs::<Words>::default(), Pairs::<Texts>::default());
        (0..count).for_each(|at| words.push(key(at.into()), at));
        (0..count).for_each(|at| texts.push(&key(at.into()).to_be_bytes()[4..], at));
        let (mut words, mut texts) = (load(words), load(texts));
        let probes: Vec<u64> = asked.iter().map(|at| key(at % 8000)).chain([0, u64::MAX]).collect();
        let bytes: Vec<[u8; 8]> = probes.iter().map(|probe| probe.to_be_bytes()).collect();
        let bytes: Vec<&[u8]> = bytes.iter().map(|one| &one[4..]).collect();
        deals_out(&words, &probes);
        deals_out(&texts, &bytes);
        let gone: Vec<u64> = gone.iter().map(|at| key(at % 8000)).collect();
        let gone_bytes: Vec<[u8; 8]> = gone.iter().map(|probe| probe.to_be_bytes()).collect();
        words.take_out(&gone, None);
        texts.take_out(&gone_bytes.iter().map(|one| &one[4..]).collect::<Vec<_>>(), None);
        deals_out(&words, &probes);
        deals_out(&texts, &bytes);
    }
}

#[test]
fn an_entry_that_is_there_many_times_leaves_all_at_once() {
    let mut pairs = Pairs::<Words>::default();
    (0..300).for_each(|at| pairs.push(7, if at < 200 { 5 } else { at }));
    let mut tree = load(pairs);
    tree.put(&[7; 100], &[5; 100]);
    tree.check();
    assert_eq!(tree.take_out(&[7, 7], Some(&[5, 6])), 300);
    tree.check();
    assert_eq!((tree.len, tree.take_out(&[7], None), tree.len), (100, 100, 0));
}

#[test]
fn keys_that_ascend_one_by_one_leave_full_leaves() {
    let mut tree = load(Pairs::<Words>::default());
    for key in 0..2000 {
        tree.put(&[key], &[0]);
    }
    tree.check();
    let ratio = tree.statistics().into_iter().find(|one| one.0 == "leaf_fill_ratio").unwrap().1;
    assert!(ratio > 0.7, "{ratio}");
}

#[test]
fn texts_that_are_equal_are_kept_once_when_all_come_at_once() {
    let mut pairs = Pairs::<Texts>::default();
    (0..1000).for_each(|at| pairs.push(if at % 2 == 0 { b"even numbers" } else { b"odd numbers" }, at));
    let tree = load(pairs);
    assert!(tree.space.memory_bytes() < 64, "{}", tree.space.memory_bytes());
}
