//! Building a B+-tree of everything at once, from the leaves up.

use std::ops::Bound;

use assay_core::error::Result;

use super::Tree;
use super::nodes::{Branch, Inner, Leaves};
use crate::space::Space;
use crate::{Between, Pairs, Progress, Steps};

impl<S: Space> Tree<S> {
    /// How many entries a node gets when there are many: nine tenths, so that there is room for more.
    pub(super) fn fill(&self) -> usize {
        self.most * 9 / 10
    }

    /// A tree of nothing yet, its nodes of the usual size.
    pub(crate) fn empty() -> Self {
        let most = super::NODE_ENTRIES.default.parse().expect("an integer's default is one");
        Self::load(Pairs::default(), most, &Progress::default()).expect("nobody calls it off")
    }

    /// Its entries in order.
    pub(crate) fn pairs(&self) -> Pairs<S> {
        self.pairs_between(&Between { low: Bound::Unbounded, high: Bound::Unbounded })
    }

    /// A tree of entries in order; tells of each once.
    pub(super) fn load(pairs: Pairs<S>, most: usize, progress: &Progress) -> Result<Self> {
        let mut tree = Self {
            space: S::default(),
            marks: S::default(),
            most,
            leaves: Leaves::new(most),
            inner: Inner::new(most),
            root: 0,
            levels: 0,
            len: pairs.len() as u64,
        };
        let mut branches = tree.load_leaves(&pairs, progress)?;
        drop(pairs);
        while branches.len() > 1 {
            branches = tree.load_level(&branches);
            tree.levels += 1;
        }
        tree.root = branches[0].2;
        Ok(tree)
    }

    /// The leaves, and the least entry of each. Keys of bytes are laid out anew in their order, equal ones once.
    fn load_leaves(&mut self, pairs: &Pairs<S>, progress: &Progress) -> Result<Vec<Branch<S>>> {
        let count = pairs.len().div_ceil(self.fill()).max(1);
        self.leaves.reserve(count);
        let mut branches: Vec<Branch<S>> = Vec::with_capacity(count);
        let mut last: Option<(S::Key, S::Key)> = None;
        let mut end = 0;
        let mut told = Steps::of(pairs.len(), progress);
        for leaf in 0..count {
            let start = end;
            end = pairs.len() * (leaf + 1) / count;
            let number = self.leaves.add_after(branches.last().map(|branch| branch.2));
            let (keys, rows) = self.leaves.parts_mut(number);
            rows[..end - start].copy_from_slice(&pairs.rows[start..end]);
            for (slot, key) in keys.iter_mut().zip(&pairs.keys[start..end]) {
                *slot = match last {
                    Some((old, kept)) if !S::HEAD_IS_ALL && pairs.space.order(old, *key).is_eq() => kept,
                    _ => self.space.keep(pairs.space.probe(*key)),
                };
                last = Some((*key, *slot));
            }
            self.leaves.set_count(number, end - start);
            let low =
                pairs.keys.get(start).map_or_else(S::Key::default, |key| self.marks.keep(pairs.space.probe(*key)));
            branches.push((low, pairs.rows.get(start).copied().unwrap_or(0), number));
            told.add(end - start)?;
        }
        told.end()?;
        Ok(branches)
    }

    /// The level above some nodes.
    fn load_level(&mut self, below: &[Branch<S>]) -> Vec<Branch<S>> {
        let count = below.len().div_ceil(self.fill());
        (0..count)
            .map(|node| {
                let children = &below[below.len() * node / count..below.len() * (node + 1) / count];
                (children[0].0, children[0].1, self.inner.add(children))
            })
            .collect()
    }
}
