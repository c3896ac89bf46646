//! Entries as they come: keys with their rows, in no order.

use std::cmp::Ordering;

use crate::space::Space;

/// Keys with their rows, and the space that holds what keys refer to.
#[derive(Debug, Default, Clone)]
pub struct Pairs<S: Space> {
    /// What the keys refer to.
    pub space: S,
    /// The keys.
    pub keys: Vec<S::Key>,
    /// The row of each.
    pub rows: Vec<u32>,
}

impl<S: Space> Pairs<S> {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Appends an entry.
    #[inline]
    pub fn push(&mut self, probe: S::Probe<'_>, row: u32) {
        let key = self.space.keep(probe);
        self.keys.push(key);
        self.rows.push(row);
    }

    /// The order of two entries: by key, then by row.
    #[inline]
    #[must_use]
    pub fn order(&self, one: usize, other: usize) -> Ordering {
        self.space.order(self.keys[one], self.keys[other]).then(self.rows[one].cmp(&self.rows[other]))
    }

    /// Whether entries are in order already.
    #[must_use]
    pub fn is_sorted(&self) -> bool {
        (1..self.len()).all(|at| self.order(at - 1, at).is_le())
    }

    /// Brings entries into order.
    pub fn sort(&mut self) {
        if self.is_sorted() {
            return;
        }
        let mut pairs: Vec<(S::Key, u32)> = self.keys.iter().copied().zip(self.rows.iter().copied()).collect();
        let space = &self.space;
        pairs.sort_unstable_by(|one, other| space.order(one.0, other.0).then(one.1.cmp(&other.1)));
        for (at, (key, row)) in pairs.into_iter().enumerate() {
            self.keys[at] = key;
            self.rows[at] = row;
        }
    }
}
