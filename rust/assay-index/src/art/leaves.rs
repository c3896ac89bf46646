//! The leaves of a radix tree: a key, its rows, and the keys before and after.

use assay_core::memory;

use super::nodes::{MOST, grow};
use crate::NONE;
use crate::space::Space;

/// What a lookup or a range reads of a leaf: sixteen bytes where a key is a word, so that none lies in two cache lines.
#[derive(Debug, Clone, Copy)]
struct Leaf<K> {
    key: K,
    /// The least row.
    row: u32,
    /// The number of the leaf after it, all ones if there is none; and whether there is a list of rows.
    next: u32,
}

/// Beside the number of the next leaf: there is a list of rows.
const HAS_LIST: u32 = 1 << 31;
const NUMBER: u32 = HAS_LIST - 1;

impl<K> Leaf<K> {
    #[inline]
    fn right(&self) -> u32 {
        if self.next | HAS_LIST == NONE { NONE } else { self.next & NUMBER }
    }

    fn set_right(&mut self, right: u32) {
        self.next = self.next & HAS_LIST | right & NUMBER;
    }

    #[inline]
    fn has_list(&self) -> bool {
        self.next & HAS_LIST != 0
    }
}

/// What changes read of a leaf beside that.
#[derive(Debug, Clone, Copy)]
struct Side {
    left: u32,
    /// The list of rows, if there are several; else [`NONE`].
    list: u32,
}

/// The leaves.
#[derive(Debug)]
pub struct Leaves<S: Space> {
    all: Vec<Leaf<S::Key>>,
    sides: Vec<Side>,
    free: Vec<u32>,
    lists: Vec<Vec<u32>>,
    free_lists: Vec<u32>,
    first: u32,
    last: u32,
}

impl<S: Space> Leaves<S> {
    /// None yet, and room for so many.
    pub fn with_capacity(leaves: usize) -> Self {
        let (all, sides) = (memory::with_capacity(leaves), memory::with_capacity(leaves));
        Self { all, sides, free: Vec::new(), lists: Vec::new(), free_lists: Vec::new(), first: NONE, last: NONE }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len() - self.free.len()
    }

    /// A new one with these rows, ascending and at least one, before another or after all.
    pub fn add(&mut self, key: S::Key, rows: &[u32], right: u32) -> u32 {
        let left = if right == NONE { self.last } else { self.left(right) };
        let list = if rows.len() == 1 { NONE } else { self.add_list(rows.to_vec()) };
        let leaf = Leaf { key, row: rows[0], next: right & NUMBER | if list == NONE { 0 } else { HAS_LIST } };
        let side = Side { left, list };
        let number = if let Some(number) = self.free.pop() {
            (self.all[number as usize], self.sides[number as usize]) = (leaf, side);
            number
        } else {
            assert!(
                self.all.len() < MOST,
                "art holds at most {MOST} different keys: build a btree, or partition the column"
            );
            grow(&mut self.all);
            grow(&mut self.sides);
            self.all.push(leaf);
            self.sides.push(side);
            u32::try_from(self.all.len() - 1).expect("numbers of leaves are below MOST")
        };
        self.link(left, number);
        self.link(number, right);
        number
    }

    /// Makes two leaves neighbours; one that is [`NONE`] is the end.
    fn link(&mut self, left: u32, right: u32) {
        match left {
            NONE => self.first = right,
            left => self.all[left as usize].set_right(right),
        }
        match right {
            NONE => self.last = left,
            right => self.sides[right as usize].left = left,
        }
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
        let Side { left, list } = self.sides[number as usize];
        self.link(left, self.right(number));
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
        let one = &self.all[leaf as usize];
        if one.has_list() {
            &self.lists[self.sides[leaf as usize].list as usize]
        } else {
            std::slice::from_ref(&one.row)
        }
    }

    /// Merges more rows in, ascending.
    pub fn merge(&mut self, leaf: u32, more: &[u32]) {
        let mut rows = match self.sides[leaf as usize].list {
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
        let mut rows = match self.sides[leaf as usize].list {
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
        let list = self.sides[leaf as usize].list;
        if let Some(row) = rows.first() {
            self.all[leaf as usize].row = *row;
        }
        if rows.len() > 1 {
            if list == NONE {
                self.sides[leaf as usize].list = self.add_list(rows);
                self.all[leaf as usize].next |= HAS_LIST;
            } else {
                self.lists[list as usize] = rows;
            }
            return;
        }
        if list != NONE {
            self.sides[leaf as usize].list = NONE;
            self.all[leaf as usize].next &= NUMBER;
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
        self.sides[leaf as usize].left
    }

    /// The one after, or [`NONE`].
    pub fn right(&self, leaf: u32) -> u32 {
        self.all[leaf as usize].right()
    }

    /// Appends the rows of the leaves from one on to before another, which may be [`NONE`].
    pub fn collect(&self, mut from: u32, end: u32, rows: &mut Vec<u64>) {
        while from != end {
            // Most leaves have one row and lie before the next: where that is need not be known to go on.
            let mut next = from;
            for leaf in &self.all[from as usize..] {
                next += 1;
                if leaf.next != next || next == end {
                    break;
                }
                rows.push(leaf.row.into());
            }
            let last = next - 1;
            rows.extend(self.rows(last).iter().map(|row| u64::from(*row)));
            from = self.right(last);
        }
    }

    /// Asks ahead of time for the leaves that lie from one on, as many as are likely to be before another.
    pub fn prefetch_from(&self, from: u32, end: u32) {
        const LEAVES: usize = 64;
        const LINE_BYTES: usize = 64;
        let Some(all) = self.all.get(from as usize..) else { return };
        let count = match end.checked_sub(from) {
            Some(count) => LEAVES.min(count as usize),
            None => LEAVES,
        };
        for leaf in all[..count.min(all.len())].iter().step_by(LINE_BYTES / size_of::<Leaf<S::Key>>()) {
            memory::prefetch(leaf);
        }
    }

    /// Asks for a leaf ahead of time.
    #[inline]
    pub fn prefetch(&self, leaf: u32) {
        memory::prefetch(&self.all[leaf as usize]);
    }

    /// The bytes of all leaves and lists.
    pub fn memory_bytes(&self) -> u64 {
        let lists: usize = self.lists.iter().map(Vec::capacity).sum();
        (self.all.capacity() * size_of::<Leaf<S::Key>>()
            + self.sides.capacity() * size_of::<Side>()
            + (self.free.capacity() + self.free_lists.capacity() + lists) * size_of::<u32>()
            + self.lists.capacity() * size_of::<Vec<u32>>()) as u64
    }
}
