//! The leaves of a radix tree: a key, its rows, and the keys before and after.

use super::nodes::{MOST, grow};
use crate::NONE;
use crate::space::Space;

#[derive(Debug, Clone, Copy)]
struct Leaf<K> {
    key: K,
    /// The row, if it is but one.
    row: u32,
    /// The list of rows, if there are several; else [`NONE`].
    list: u32,
    left: u32,
    right: u32,
}

/// The leaves.
#[derive(Debug)]
pub struct Leaves<S: Space> {
    all: Vec<Leaf<S::Key>>,
    free: Vec<u32>,
    lists: Vec<Vec<u32>>,
    free_lists: Vec<u32>,
    first: u32,
    last: u32,
}

impl<S: Space> Leaves<S> {
    /// None yet, and room for so many.
    pub fn with_capacity(leaves: usize) -> Self {
        let mut all = Vec::with_capacity(leaves);
        assay_core::memory::advise(all.spare_capacity_mut());
        Self { all, free: Vec::new(), lists: Vec::new(), free_lists: Vec::new(), first: NONE, last: NONE }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len() - self.free.len()
    }

    /// A new one with these rows, ascending and at least one, before another or after all.
    pub fn add(&mut self, key: S::Key, rows: &[u32], right: u32) -> u32 {
        let left = if right == NONE { self.last } else { self.all[right as usize].left };
        let list = if rows.len() == 1 { NONE } else { self.add_list(rows.to_vec()) };
        let leaf = Leaf { key, row: rows[0], list, left, right };
        let number = if let Some(number) = self.free.pop() {
            self.all[number as usize] = leaf;
            number
        } else {
            assert!(
                self.all.len() < MOST,
                "art holds at most {MOST} different keys: build a btree, or partition the column"
            );
            grow(&mut self.all);
            self.all.push(leaf);
            u32::try_from(self.all.len() - 1).expect("numbers of leaves are below MOST")
        };
        if left == NONE {
            self.first = number
        } else {
            self.all[left as usize].right = number
        }
        if right == NONE {
            self.last = number
        } else {
            self.all[right as usize].left = number
        }
        number
    }

    fn add_list(&mut self, rows: Vec<u32>) -> u32 {
        if let Some(number) = self.free_lists.pop() {
            self.lists[number as usize] = rows;
            return number;
        }
        self.lists.push(rows);
        u32::try_from(self.lists.len() - 1).expect("there are no more lists than leaves")
    }

    /// Takes one out of the row of leaves.
    pub fn remove(&mut self, number: u32) {
        let Leaf { left, right, list, .. } = self.all[number as usize];
        if left == NONE {
            self.first = right
        } else {
            self.all[left as usize].right = right
        }
        if right == NONE {
            self.last = left
        } else {
            self.all[right as usize].left = left
        }
        if list != NONE {
            self.lists[list as usize] = Vec::new();
            self.free_lists.push(list);
        }
        self.free.push(number);
    }

    /// Its key.
    #[inline]
    pub fn key(&self, leaf: u32) -> S::Key {
        self.all[leaf as usize].key
    }

    /// Its rows, ascending.
    #[inline]
    pub fn rows(&self, leaf: u32) -> &[u32] {
        let leaf = &self.all[leaf as usize];
        if leaf.list == NONE { std::slice::from_ref(&leaf.row) } else { &self.lists[leaf.list as usize] }
    }

    /// Merges more rows in, ascending.
    pub fn merge(&mut self, leaf: u32, more: &[u32]) {
        let mut rows = match self.all[leaf as usize].list {
            NONE => vec![self.all[leaf as usize].row],
            list => std::mem::take(&mut self.lists[list as usize]),
        };
        let old = rows.len();
        rows.extend_from_slice(more);
        if more[0] < rows[old - 1] {
            // Two ascending stretches, which this sort merges.
            rows.sort();
        }
        self.set_rows(leaf, rows);
    }

    /// Takes out the rows that `is_gone` says; how many left, and whether there are others.
    pub fn retain(&mut self, leaf: u32, stays: impl Fn(u32) -> bool) -> (u64, bool) {
        let mut rows = match self.all[leaf as usize].list {
            NONE => vec![self.all[leaf as usize].row],
            list => std::mem::take(&mut self.lists[list as usize]),
        };
        let before = rows.len();
        rows.retain(|row| stays(*row));
        let left = (before - rows.len()) as u64;
        let is_left = !rows.is_empty();
        self.set_rows(leaf, rows);
        (left, is_left)
    }

    /// Writes the rows of a leaf, whose list was taken.
    fn set_rows(&mut self, leaf: u32, rows: Vec<u32>) {
        let list = self.all[leaf as usize].list;
        if rows.len() > 1 {
            if list == NONE {
                self.all[leaf as usize].list = self.add_list(rows);
            } else {
                self.lists[list as usize] = rows;
            }
            return;
        }
        if let Some(row) = rows.first() {
            self.all[leaf as usize].row = *row;
        }
        if list != NONE {
            self.all[leaf as usize].list = NONE;
            self.free_lists.push(list);
        }
    }

    /// The first one, or [`NONE`].
    pub fn first(&self) -> u32 {
        self.first
    }

    /// The last one, or [`NONE`].
    pub fn last(&self) -> u32 {
        self.last
    }

    /// The one before, or [`NONE`].
    pub fn left(&self, leaf: u32) -> u32 {
        self.all[leaf as usize].left
    }

    /// The one after, or [`NONE`].
    pub fn right(&self, leaf: u32) -> u32 {
        self.all[leaf as usize].right
    }

    /// Asks for a leaf ahead of time.
    #[inline]
    pub fn prefetch(&self, leaf: u32) {
        assay_core::memory::prefetch(&self.all[leaf as usize]);
    }

    /// The bytes of all leaves and lists.
    pub fn memory_bytes(&self) -> u64 {
        let lists: usize = self.lists.iter().map(Vec::capacity).sum();
        (self.all.capacity() * size_of::<Leaf<S::Key>>()
            + (self.free.capacity() + self.free_lists.capacity() + lists) * size_of::<u32>()
            + self.lists.capacity() * size_of::<Vec<u32>>()) as u64
    }
}
