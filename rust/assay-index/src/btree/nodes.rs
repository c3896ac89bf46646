//! The nodes of a B+-tree: keys, rows and children each in arrays of their own, by the node's number.

use super::paged::Paged;
use crate::NONE;
use crate::space::Space;

/// An entry as a leaf holds it.
pub type Entry<S> = (<S as Space>::Key, u32);
/// The least entry that may be below a child, and the child.
pub type Branch<S> = (<S as Space>::Key, u32, u32);

/// How many keys are less than the probe, or with `equal` not greater, among sorted keys: by halves without a branch,
/// as no one can foretell where a probe goes.
#[inline]
pub fn before<S: Space>(space: &S, keys: &[S::Key], probe: S::Probe<'_>, head: u64, equal: bool) -> usize {
    if S::HEAD_IS_ALL {
        return if equal { halve::<S>(keys, |one| one <= head) } else { halve::<S>(keys, |one| one < head) };
    }
    let start = halve::<S>(keys, |one| one < head);
    let rest = &keys[start..];
    if rest.first().is_none_or(|key| S::head(*key) != head) {
        return start;
    }
    let same = &rest[..halve::<S>(rest, |one| one <= head)];
    start
        + same.partition_point(|key| {
            if equal { space.compare(*key, probe).is_le() } else { space.compare(*key, probe).is_lt() }
        })
}

/// How many keys' heads are on the left of a boundary.
#[inline]
fn halve<S: Space>(keys: &[S::Key], is_left: impl Fn(u64) -> bool) -> usize {
    let mut rest = keys;
    let mut start = 0;
    while rest.len() > 1 {
        let half = rest.len() / 2;
        let go = is_left(S::head(rest[half - 1]));
        let step = std::hint::select_unpredictable(go, half, 0);
        // SAFETY: `step` is 0 or `half`, and `half` and `rest.len() - half` make up the length.
        rest = unsafe { rest.get_unchecked(step..step + (rest.len() - half)) };
        start += step;
    }
    start + usize::from(rest.first().is_some_and(|key| is_left(S::head(*key))))
}

/// How many kept entries are before one by key and row, or with `equal` not after it.
pub fn entries_before<S: Space>(
    space: &S,
    keys: &[S::Key],
    rows: &[u32],
    entry: (S::Probe<'_>, u32),
    equal: bool,
) -> usize {
    let head = S::probe_head(entry.0);
    let start = before(space, keys, entry.0, head, false);
    let same = keys[start..].iter().zip(&rows[start..]);
    start
        + same
            .take_while(|(key, row)| {
                (if equal { **row <= entry.1 } else { **row < entry.1 }) && space.compare(**key, entry.0).is_eq()
            })
            .count()
}

/// What leaves and inner nodes have in common.
#[derive(Debug, Clone)]
struct Counts {
    counts: Vec<u16>,
    free: Vec<u32>,
}

impl Counts {
    /// The number of a node that is free, if one is; else the next one.
    fn take(&mut self) -> (u32, bool) {
        if let Some(number) = self.free.pop() {
            return (number, false);
        }
        self.counts.push(0);
        (u32::try_from(self.counts.len() - 1).expect("there are fewer nodes than entries"), true)
    }

    fn memory_bytes(&self) -> u64 {
        (self.counts.capacity() * size_of::<u16>() + self.free.capacity() * size_of::<u32>()) as u64
    }
}

/// The leaves: entries, and which leaf comes before and after.
#[derive(Debug, Clone)]
pub struct Leaves<S: Space> {
    keys: Paged<S::Key>,
    rows: Paged<u32>,
    common: Counts,
    links: Vec<[u32; 2]>,
}

impl<S: Space> Leaves<S> {
    /// None yet; each will hold so many entries.
    pub fn new(entries: usize) -> Self {
        Self {
            keys: Paged::new(entries),
            rows: Paged::new(entries),
            common: Counts { counts: Vec::new(), free: Vec::new() },
            links: Vec::new(),
        }
    }

    /// Makes room for so many.
    pub fn reserve(&mut self, leaves: usize) {
        self.keys.reserve(leaves);
        self.rows.reserve(leaves);
        self.common.counts.reserve_exact(leaves);
        self.links.reserve_exact(leaves);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.common.counts.len() - self.common.free.len()
    }

    /// An empty one after another, or first.
    pub fn add_after(&mut self, left: Option<u32>) -> u32 {
        let (number, is_new) = self.common.take();
        if is_new {
            self.keys.push(number);
            self.rows.push(number);
            self.links.push([NONE; 2]);
        }
        let right = left.map_or(NONE, |left| std::mem::replace(&mut self.links[left as usize][1], number));
        self.links[number as usize] = [left.unwrap_or(NONE), right];
        if right != NONE {
            self.links[right as usize][0] = number;
        }
        number
    }

    /// Takes one out of the row of leaves.
    pub fn remove(&mut self, number: u32) {
        let [left, right] = self.links[number as usize];
        if left != NONE {
            self.links[left as usize][1] = right;
        }
        if right != NONE {
            self.links[right as usize][0] = left;
        }
        self.common.counts[number as usize] = 0;
        self.common.free.push(number);
    }

    /// How many entries it has.
    #[inline]
    pub fn count(&self, leaf: u32) -> usize {
        self.common.counts[leaf as usize].into()
    }

    /// Its keys.
    #[inline]
    pub fn keys(&self, leaf: u32) -> &[S::Key] {
        &self.keys.of(leaf)[..self.count(leaf)]
    }

    /// Its rows.
    #[inline]
    pub fn rows(&self, leaf: u32) -> &[u32] {
        &self.rows.of(leaf)[..self.count(leaf)]
    }

    /// Its keys and rows to be changed, with the room behind them.
    #[inline]
    pub fn parts_mut(&mut self, leaf: u32) -> (&mut [S::Key], &mut [u32]) {
        (self.keys.of_mut(leaf), self.rows.of_mut(leaf))
    }

    /// Says how many entries it has.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    pub fn set_count(&mut self, leaf: u32, count: usize) {
        self.common.counts[leaf as usize] = count as u16;
    }

    /// Writes all of its entries.
    pub fn write(&mut self, leaf: u32, entries: &[Entry<S>]) {
        let (keys, rows) = self.parts_mut(leaf);
        for (at, (key, row)) in entries.iter().enumerate() {
            (keys[at], rows[at]) = (*key, *row);
        }
        self.set_count(leaf, entries.len());
    }

    /// Appends its entries.
    pub fn read(&self, leaf: u32, entries: &mut Vec<Entry<S>>) {
        entries.extend(self.keys(leaf).iter().copied().zip(self.rows(leaf).iter().copied()));
    }

    /// The one before, or [`NONE`].
    #[inline]
    pub fn left(&self, leaf: u32) -> u32 {
        self.links[leaf as usize][0]
    }

    /// The one after, or [`NONE`].
    #[inline]
    pub fn right(&self, leaf: u32) -> u32 {
        self.links[leaf as usize][1]
    }

    /// Asks for the keys of a leaf ahead of time.
    #[inline]
    pub fn prefetch(&self, leaf: u32) {
        assay_core::memory::prefetch(&self.common.counts[leaf as usize]);
        self.keys.prefetch(leaf);
    }

    /// Asks for a row ahead of time.
    #[inline]
    pub fn prefetch_row(&self, leaf: u32, at: usize) {
        if let Some(row) = self.rows.of(leaf).get(at) {
            assay_core::memory::prefetch(row);
        }
    }

    /// The bytes of all leaves.
    pub fn memory_bytes(&self) -> u64 {
        self.keys.memory_bytes()
            + self.rows.memory_bytes()
            + self.common.memory_bytes()
            + (self.links.capacity() * size_of::<[u32; 2]>()) as u64
    }
}

/// The inner nodes: children, each with the least entry that may be below it.
#[derive(Debug, Clone)]
pub struct Inner<S: Space> {
    keys: Paged<S::Key>,
    rows: Paged<u32>,
    children: Paged<u32>,
    common: Counts,
}

impl<S: Space> Inner<S> {
    /// None yet; each will have so many children.
    pub fn new(entries: usize) -> Self {
        Self {
            keys: Paged::new(entries),
            rows: Paged::new(entries),
            children: Paged::new(entries),
            common: Counts { counts: Vec::new(), free: Vec::new() },
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.common.counts.len() - self.common.free.len()
    }

    /// One with these children.
    pub fn add(&mut self, branches: &[Branch<S>]) -> u32 {
        let (number, is_new) = self.common.take();
        if is_new {
            self.keys.push(number);
            self.rows.push(number);
            self.children.push(number);
        }
        self.write(number, branches);
        number
    }

    /// Takes one away.
    pub fn remove(&mut self, number: u32) {
        self.common.counts[number as usize] = 0;
        self.common.free.push(number);
    }

    /// How many children it has.
    #[inline]
    pub fn count(&self, node: u32) -> usize {
        self.common.counts[node as usize].into()
    }

    /// A child.
    #[inline]
    pub fn child(&self, node: u32, at: usize) -> u32 {
        self.children.of(node)[at]
    }

    /// The least entry that may be below a child other than the first.
    #[inline]
    pub fn low(&self, node: u32, at: usize) -> Entry<S> {
        (self.keys.of(node)[at], self.rows.of(node)[at])
    }

    /// Which child may hold the first entry of a key, or with `equal` what follows its last one.
    #[inline]
    pub fn child_of_key(&self, space: &S, node: u32, probe: S::Probe<'_>, head: u64, equal: bool) -> u32 {
        let at = before(space, &self.keys.of(node)[1..self.count(node)], probe, head, equal);
        self.child(node, at)
    }

    /// Which child is the first that may hold an entry, as one that is there twice may be in two.
    pub fn first_child_of_entry(&self, space: &S, node: u32, entry: (S::Probe<'_>, u32)) -> usize {
        let count = self.count(node);
        entries_before(space, &self.keys.of(node)[1..count], &self.rows.of(node)[1..count], entry, false)
    }

    /// Which child an entry goes to.
    pub fn child_of_entry(&self, space: &S, node: u32, entry: (S::Probe<'_>, u32)) -> usize {
        let count = self.count(node);
        entries_before(space, &self.keys.of(node)[1..count], &self.rows.of(node)[1..count], entry, true)
    }

    /// Writes all of its children.
    #[allow(clippy::cast_possible_truncation)]
    pub fn write(&mut self, node: u32, branches: &[Branch<S>]) {
        let parts = (self.keys.of_mut(node), self.rows.of_mut(node), self.children.of_mut(node));
        for (at, branch) in branches.iter().enumerate() {
            (parts.0[at], parts.1[at], parts.2[at]) = *branch;
        }
        self.common.counts[node as usize] = branches.len() as u16;
    }

    /// Appends its children.
    pub fn read(&self, node: u32, branches: &mut Vec<Branch<S>>) {
        let (keys, rows) = (self.keys.of(node), self.rows.of(node));
        branches.extend((0..self.count(node)).map(|at| (keys[at], rows[at], self.child(node, at))));
    }

    /// Asks for a node ahead of time.
    #[inline]
    pub fn prefetch(&self, node: u32) {
        assay_core::memory::prefetch(&self.common.counts[node as usize]);
        self.keys.prefetch(node);
        self.children.prefetch(node);
    }

    /// The bytes of all inner nodes.
    pub fn memory_bytes(&self) -> u64 {
        self.keys.memory_bytes() + self.rows.memory_bytes() + self.children.memory_bytes() + self.common.memory_bytes()
    }
}
