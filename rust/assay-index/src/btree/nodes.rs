//! The nodes of a B+-tree: keys, rows and children each in arrays of their own, by the node's number.

use assay_core::memory;

use super::paged::Paged;
use crate::NONE;
use crate::rank::{self, Rank};
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

/// How many of a node's keys are less than the probe, with `after` not greater; never less than those that are there if
/// none of these is beyond it. The whole array of keys is given, and how many are there.
#[inline(always)]
pub fn before_of_all<S: Space, R: Rank>(
    space: &S,
    keys: &[S::Key],
    count: impl Fn() -> usize,
    aim: &Aim<'_, S>,
) -> usize {
    match S::heads(keys) {
        // Behind what is there are keys that are less than nothing.
        Some(heads) if aim.after => match aim.head.checked_add(1) {
            Some(head) => rank::rank::<R>(heads, head),
            None => count(),
        },
        Some(heads) => rank::rank::<R>(heads, aim.head),
        None => before(space, &keys[..count()], aim.probe, aim.head, aim.after),
    }
}

/// What a way down leads to: where a key begins, or with `after` where what comes after it does.
#[derive(Debug, Clone, Copy)]
pub struct Aim<'p, S: Space> {
    /// The key.
    pub probe: S::Probe<'p>,
    /// Its head.
    pub head: u64,
    /// Whether it leads past the key.
    pub after: bool,
}

/// Fills the rest of a node's keys up with the greatest number there is, so that all of them can be counted.
#[inline]
fn fill_up<S: Space>(keys: &mut [S::Key], count: usize) {
    if S::HEAD_IS_ALL {
        keys[count..].fill(S::of_head(u64::MAX));
    }
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

/// The number of a node that is free, if one is; else the next one after so many.
fn take(free: &mut Vec<u32>, count: usize) -> (u32, bool) {
    match free.pop() {
        Some(number) => (number, false),
        None => (u32::try_from(count).expect("there are fewer nodes than entries"), true),
    }
}

/// What a range reads of a leaf beside its rows.
#[derive(Debug, Clone, Copy)]
struct Link {
    left: u32,
    right: u32,
    count: u32,
}

/// The leaves: entries, and which leaf comes before and after.
#[derive(Debug, Clone)]
pub struct Leaves<S: Space> {
    keys: Paged<S::Key>,
    rows: Paged<u32>,
    links: Vec<Link>,
    free: Vec<u32>,
}

impl<S: Space> Leaves<S> {
    /// None yet; each will hold so many entries.
    pub fn new(entries: usize) -> Self {
        Self { keys: Paged::new(entries), rows: Paged::new(entries), links: Vec::new(), free: Vec::new() }
    }

    /// Makes room for so many.
    pub fn reserve(&mut self, leaves: usize) {
        self.keys.reserve(leaves);
        self.rows.reserve(leaves);
        self.links = memory::with_capacity(leaves);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.links.len() - self.free.len()
    }

    /// An empty one after another, or first.
    pub fn add_after(&mut self, left: Option<u32>) -> u32 {
        let (number, is_new) = take(&mut self.free, self.links.len());
        if is_new {
            self.keys.push(number);
            self.rows.push(number);
            self.links.push(Link { left: NONE, right: NONE, count: 0 });
        }
        let right = left.map_or(NONE, |left| std::mem::replace(&mut self.links[left as usize].right, number));
        self.links[number as usize] = Link { left: left.unwrap_or(NONE), right, count: 0 };
        if right != NONE {
            self.links[right as usize].left = number;
        }
        number
    }

    /// Takes one out of the row of leaves.
    pub fn remove(&mut self, number: u32) {
        let Link { left, right, .. } = self.links[number as usize];
        if left != NONE {
            self.links[left as usize].right = right;
        }
        if right != NONE {
            self.links[right as usize].left = left;
        }
        self.links[number as usize].count = 0;
        self.free.push(number);
    }

    /// How many entries it has.
    #[inline]
    pub fn count(&self, leaf: u32) -> usize {
        self.links[leaf as usize].count as usize
    }

    /// How many of its entries are less than what is aimed at.
    #[inline(always)]
    pub fn before<R: Rank>(&self, space: &S, leaf: u32, aim: &Aim<'_, S>) -> usize {
        before_of_all::<S, R>(space, self.keys.of(leaf), || self.count(leaf), aim)
    }

    /// One of its keys, if it has so many.
    #[inline]
    pub fn key(&self, leaf: u32, at: usize) -> Option<S::Key> {
        let key = *self.keys.of(leaf).get(at)?;
        // Only what may be there to fill the leaf up has to be looked at twice.
        let is_there = (S::HEAD_IS_ALL && S::head(key) != u64::MAX) || at < self.count(leaf);
        is_there.then_some(key)
    }

    /// The row of a key that is there.
    #[inline]
    pub fn row(&self, leaf: u32, at: usize) -> u32 {
        self.rows.of(leaf)[at]
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
        self.links[leaf as usize].count = count as u32;
        fill_up::<S>(self.keys.of_mut(leaf), count);
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
        self.links[leaf as usize].left
    }

    /// The one after, or [`NONE`].
    #[inline]
    pub fn right(&self, leaf: u32) -> u32 {
        self.links[leaf as usize].right
    }

    /// Asks for the keys of a leaf ahead of time.
    #[inline(always)]
    pub fn prefetch(&self, leaf: u32) {
        if !S::HEAD_IS_ALL {
            self.prefetch_link(leaf);
        }
        self.keys.prefetch(leaf);
    }

    /// Asks for what says how many entries it has, and what comes after it, ahead of time.
    #[inline(always)]
    pub fn prefetch_link(&self, leaf: u32) {
        memory::prefetch(&self.links[leaf as usize]);
    }

    /// Asks for its rows ahead of time.
    #[inline(always)]
    pub fn prefetch_rows(&self, leaf: u32) {
        self.rows.prefetch(leaf);
    }

    /// Asks for an entry ahead of time.
    #[inline(always)]
    pub fn prefetch_entry(&self, leaf: u32, at: usize) {
        memory::prefetch(&self.keys.of(leaf)[at]);
        memory::prefetch(&self.rows.of(leaf)[at]);
    }

    /// The bytes of all leaves.
    pub fn memory_bytes(&self) -> u64 {
        self.keys.memory_bytes()
            + self.rows.memory_bytes()
            + (self.links.capacity() * size_of::<Link>() + self.free.capacity() * size_of::<u32>()) as u64
    }
}

/// The inner nodes: children, each with the least entry that may be below it.
#[derive(Debug, Clone)]
pub struct Inner<S: Space> {
    keys: Paged<S::Key>,
    rows: Paged<u32>,
    children: Paged<u32>,
    counts: Vec<u16>,
    free: Vec<u32>,
}

impl<S: Space> Inner<S> {
    /// None yet; each will have so many children.
    pub fn new(entries: usize) -> Self {
        Self {
            keys: Paged::new(entries),
            rows: Paged::new(entries),
            children: Paged::new(entries),
            counts: Vec::new(),
            free: Vec::new(),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.counts.len() - self.free.len()
    }

    /// One with these children.
    pub fn add(&mut self, branches: &[Branch<S>]) -> u32 {
        let (number, is_new) = take(&mut self.free, self.counts.len());
        if is_new {
            self.counts.push(0);
            self.keys.push(number);
            self.rows.push(number);
            self.children.push(number);
        }
        self.write(number, branches);
        number
    }

    /// Takes one away.
    pub fn remove(&mut self, number: u32) {
        self.counts[number as usize] = 0;
        self.free.push(number);
    }

    /// How many children it has.
    #[inline]
    pub fn count(&self, node: u32) -> usize {
        self.counts[node as usize].into()
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

    /// Which child may hold what is aimed at: that before the first whose least entry is not less.
    #[inline(always)]
    pub fn child_of_key<R: Rank>(&self, space: &S, node: u32, aim: &Aim<'_, S>) -> u32 {
        let before = before_of_all::<S, R>(space, self.keys.of(node), || self.count(node), aim);
        self.child(node, before.saturating_sub(1))
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
        // Below the first child may be whatever is less: its own least entry would not stay before the others'.
        (parts.0[0], parts.1[0]) = (S::Key::default(), 0);
        self.counts[node as usize] = branches.len() as u16;
        fill_up::<S>(self.keys.of_mut(node), branches.len());
    }

    /// Appends its children.
    pub fn read(&self, node: u32, branches: &mut Vec<Branch<S>>) {
        let (keys, rows) = (self.keys.of(node), self.rows.of(node));
        branches.extend((0..self.count(node)).map(|at| (keys[at], rows[at], self.child(node, at))));
    }

    /// Asks for a node ahead of time.
    #[inline(always)]
    pub fn prefetch(&self, node: u32) {
        if !S::HEAD_IS_ALL {
            memory::prefetch(&self.counts[node as usize]);
        }
        self.keys.prefetch(node);
        self.children.prefetch(node);
    }

    /// The bytes of all inner nodes.
    pub fn memory_bytes(&self) -> u64 {
        self.keys.memory_bytes()
            + self.rows.memory_bytes()
            + self.children.memory_bytes()
            + (self.counts.capacity() * size_of::<u16>() + self.free.capacity() * size_of::<u32>()) as u64
    }
}
