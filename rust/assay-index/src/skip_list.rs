//! `skip_list`: a list in order, with ways over it that leave out ever more.
//!
//! Every entry is a node of the list; one in four of them is on the first way over it, one in four of these on the second,
//! and so on. Which ones is drawn from a sequence that is always the same, so that an index built twice is the same twice.
//! Nodes lie in arrays and name each other by number. A change writes the few neighbours of its node and moves nothing.
//!
//! Cost: about log2(n) steps a lookup or change, nearly each a miss of the cache, as neighbours in the list are so in memory
//! only where they came together; 30 bytes an entry of words. It is what memtables of many stores are, for its simplicity
//! and since readers need no locks; without them a btree is faster. Source: Pugh, Skip Lists, CACM 1990, with p = 1/4.

use assay_core::catalogue::Contender;
use assay_core::error::Result;
use assay_core::placement::rendezvous::finalise;

use crate::space::Space;
use crate::{Between, Found, Index, NONE, Ordered, Pairs, Plan, Progress, Take};

/// What the catalogue says.
pub const CONTENDER: Contender = Contender {
    room: "index",
    name: "skip_list",
    version: 1,
    idea: "A list in order with ways over it, each of which keeps one node in four of the one below.",
    cost: "about log2(n) steps a lookup or change, nearly each a miss of the cache; 30 bytes an entry of words",
    choose_when: "what a store's memtable costs is asked; else a btree is faster",
    source: "Pugh, Skip Lists: A Probabilistic Alternative to Balanced Trees, CACM 1990",
    parameters: &[],
    abilities: &["ordered", "updates"],
};

/// One in four nodes goes on to the next level.
const LEVEL_BITS: u32 = 2;
/// Enough for four to the power of it entries.
const LEVELS: usize = 16;
/// After so many entries it is said how far the building is.
const ENTRIES_A_STEP: usize = 1 << 16;

/// Builds it of entries in order.
///
/// # Errors
/// If it was called off.
pub fn build<S: Space>(pairs: Pairs<S>, plan: &Plan<'_>) -> Result<Box<dyn Index<S>>> {
    Ok(Box::new(SkipList::load(pairs, plan.progress)?))
}

#[derive(Debug, Clone, Copy)]
struct Node<K> {
    key: K,
    row: u32,
    /// The node before, or [`NONE`].
    left: u32,
    /// Where its ways on are, that of the list first.
    ways: u32,
    height: u32,
}

/// The nodes before a place, on every level; [`NONE`] is the head of the list.
type Path = [u32; LEVELS];

#[derive(Debug)]
struct SkipList<S: Space> {
    space: S,
    nodes: Vec<Node<S::Key>>,
    /// Nodes that left, by height.
    free: [Vec<u32>; LEVELS],
    /// The node after, on every level of every node.
    ways: Vec<u32>,
    head: [u32; LEVELS],
    drawn: u64,
    len: u64,
}

impl<S: Space> SkipList<S> {
    fn load(mut pairs: Pairs<S>, progress: &Progress) -> Result<Self> {
        // As many again for the sort, which cannot be asked how far it is.
        progress.expect(2 * pairs.len() as u64);
        pairs.sort();
        progress.add(pairs.len() as u64)?;
        let mut list = Self {
            space: std::mem::take(&mut pairs.space),
            nodes: Vec::with_capacity(pairs.len()),
            free: Default::default(),
            ways: Vec::with_capacity(pairs.len() + pairs.len() / 3),
            head: [NONE; LEVELS],
            drawn: 0,
            len: 0,
        };
        let mut path = [NONE; LEVELS];
        for (start, keys) in (0..).step_by(ENTRIES_A_STEP).zip(pairs.keys.chunks(ENTRIES_A_STEP)) {
            for (key, row) in keys.iter().zip(&pairs.rows[start..]) {
                list.add(*key, *row, &mut path);
            }
            progress.add(keys.len() as u64)?;
        }
        Ok(list)
    }

    /// The height of the next node that is new.
    fn draw(&mut self) -> u32 {
        self.drawn = self.drawn.wrapping_add(0x9e37_79b9_7f4a_7c15);
        #[allow(clippy::cast_possible_truncation)]
        let most = LEVELS as u32;
        (finalise(self.drawn).trailing_zeros() / LEVEL_BITS + 1).min(most)
    }

    /// The node after one on a level.
    #[inline]
    fn next(&self, node: u32, level: usize) -> u32 {
        if node == NONE { self.head[level] } else { self.ways[self.nodes[node as usize].ways as usize + level] }
    }

    fn set_next(&mut self, node: u32, level: usize, next: u32) {
        if node == NONE {
            self.head[level] = next;
        } else {
            self.ways[self.nodes[node as usize].ways as usize + level] = next;
        }
    }

    /// The last nodes on every level that are on the left of a boundary.
    #[inline]
    fn path(&self, is_left: impl Fn(&Node<S::Key>) -> bool) -> Path {
        let mut path = [NONE; LEVELS];
        let mut node = NONE;
        let mut boundary = NONE;
        for level in (0..LEVELS).rev() {
            loop {
                let next = self.next(node, level);
                // What stopped the level above stops this one too.
                if next == boundary || !is_left(&self.nodes[next as usize]) {
                    boundary = next;
                    break;
                }
                node = next;
            }
            path[level] = node;
        }
        path
    }

    /// The path to where a key begins, or with `after` to where what comes after it does.
    fn path_of_key(&self, probe: S::Probe<'_>, after: bool) -> Path {
        if after {
            self.path(|node| self.space.compare(node.key, probe).is_le())
        } else {
            self.path(|node| self.space.compare(node.key, probe).is_lt())
        }
    }

    /// Adds an entry after a path, which from then on is the one to behind it.
    fn add(&mut self, key: S::Key, row: u32, path: &mut Path) {
        let height = self.draw();
        let number = if let Some(number) = self.free[height as usize - 1].pop() {
            number
        } else {
            let ways = u32::try_from(self.ways.len()).expect("ways are a third more than entries, which are fewer");
            self.ways.resize(self.ways.len() + height as usize, NONE);
            self.nodes.push(Node { key, row, left: NONE, ways, height });
            u32::try_from(self.nodes.len() - 1).expect("entries are fewer than NONE")
        };
        let right = self.next(path[0], 0);
        let node = &mut self.nodes[number as usize];
        (node.key, node.row, node.left) = (key, row, path[0]);
        if right != NONE {
            self.nodes[right as usize].left = number;
        }
        for (level, before) in path.iter_mut().enumerate().take(height as usize) {
            let next = self.next(*before, level);
            self.set_next(number, level, next);
            self.set_next(*before, level, number);
            *before = number;
        }
        self.len += 1;
    }

    /// Takes the node after a path out.
    fn remove_after(&mut self, path: &Path) {
        let number = self.next(path[0], 0);
        let Node { left, height, .. } = self.nodes[number as usize];
        for (level, before) in path.iter().enumerate().take(height as usize) {
            let next = self.next(number, level);
            self.set_next(*before, level, next);
        }
        let right = self.next(path[0], 0);
        if right != NONE {
            self.nodes[right as usize].left = left;
        }
        self.free[height as usize - 1].push(number);
        self.len -= 1;
    }
}

impl<S: Space> Index<S> for SkipList<S> {
    fn len(&self) -> u64 {
        self.len
    }

    fn memory_bytes(&self) -> u64 {
        let free: usize = self.free.iter().map(Vec::capacity).sum();
        (size_of::<Self>()
            + self.nodes.capacity() * size_of::<Node<S::Key>>()
            + (self.ways.capacity() + free) * size_of::<u32>()) as u64
            + self.space.memory_bytes()
    }

    fn lookup(&self, probes: &[S::Probe<'_>], found: &mut Found) {
        for probe in probes {
            let mut node = self.next(self.path_of_key(*probe, false)[0], 0);
            while node != NONE && self.space.compare(self.nodes[node as usize].key, *probe).is_eq() {
                found.push(self.nodes[node as usize].row);
                node = self.next(node, 0);
            }
            found.end();
        }
    }

    fn insert(&mut self, probes: &[S::Probe<'_>], rows: &[u32]) {
        for (probe, row) in probes.iter().zip(rows) {
            let mut path = self.path(|node| self.space.compare(node.key, *probe).then(node.row.cmp(row)).is_le());
            let key = self.space.keep(*probe);
            self.add(key, *row, &mut path);
        }
    }

    fn delete(&mut self, probes: &[S::Probe<'_>], rows: Option<&[u32]>) -> u64 {
        let before = self.len;
        for (at, probe) in probes.iter().enumerate() {
            let (low, high) = rows.map_or((0, NONE), |rows| (rows[at], rows[at]));
            let path = self.path(|node| self.space.compare(node.key, *probe).then(node.row.cmp(&low)).is_lt());
            loop {
                let next = self.next(path[0], 0);
                if next == NONE {
                    break;
                }
                let node = &self.nodes[next as usize];
                if node.row > high || self.space.compare(node.key, *probe).is_ne() {
                    break;
                }
                self.remove_after(&path);
            }
        }
        before - self.len
    }

    fn ordered(&self) -> Option<&dyn Ordered<S>> {
        Some(self)
    }

    #[allow(clippy::cast_precision_loss)]
    fn statistics(&self) -> Vec<(&'static str, f64)> {
        vec![("levels", self.head.iter().filter(|first| **first != NONE).count() as f64)]
    }
}

impl<S: Space> Ordered<S> for SkipList<S> {
    fn range(&self, between: &Between<'_, S>, take: Take, rows: &mut Vec<u64>) {
        let mut left = take.limit;
        if take.descending {
            let path = self.path(|node| !between.is_above(&self.space, node.key));
            let mut node = path[0];
            while left > 0 && node != NONE && !between.is_below(&self.space, self.nodes[node as usize].key) {
                rows.push(self.nodes[node as usize].row.into());
                left -= 1;
                node = self.nodes[node as usize].left;
            }
            return;
        }
        let path = self.path(|node| between.is_below(&self.space, node.key));
        let mut node = self.next(path[0], 0);
        while left > 0 && node != NONE && !between.is_above(&self.space, self.nodes[node as usize].key) {
            rows.push(self.nodes[node as usize].row.into());
            left -= 1;
            node = self.next(node, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::Words;

    fn check(list: &SkipList<Words>) {
        for level in 0..LEVELS {
            let (mut node, mut last) = (list.head[level], None);
            let mut count = 0;
            let mut before = NONE;
            while node != NONE {
                let one = &list.nodes[node as usize];
                assert!(one.height as usize > level && last.is_none_or(|last| last <= (one.key, one.row)));
                assert!(level > 0 || one.left == before);
                last = Some((one.key, one.row));
                before = node;
                count += 1;
                node = list.next(node, level);
            }
            assert!(level > 0 || (count == list.len));
            let expected = list.len as f64 / 4_f64.powi(i32::try_from(level).unwrap());
            // Heights are drawn: six standard deviations, and as many for levels of a few nodes.
            assert!((count as f64 - expected).abs() <= 6.0 * expected.sqrt() + 6.0, "{count} at level {level}");
        }
    }

    #[test]
    fn each_level_has_a_quarter_of_the_nodes_below_in_order() {
        let mut pairs = Pairs::default();
        (0..20_000_u32).for_each(|row| pairs.push(finalise(u64::from(row) / 2), row));
        let mut list = SkipList::load(pairs, &Progress::default()).unwrap();
        check(&list);
        let keys: Vec<u64> = (0..10_000).map(finalise).collect();
        assert_eq!(list.delete(&keys[..5000], None), 10_000);
        check(&list);
        let nodes = list.nodes.len();
        list.insert(&keys[1000..5000], &[7; 4000]);
        check(&list);
        assert!(list.nodes.len() < nodes + 1000, "nodes that left are used again");
    }

    #[test]
    fn the_same_changes_make_the_same_list() {
        let build = || {
            let mut list = SkipList::<Words>::load(Pairs::default(), &Progress::default()).unwrap();
            (0..1000).for_each(|at| list.insert(&[finalise(at)], &[3]));
            (list.head, list.ways)
        };
        assert_eq!(build(), build());
    }
}
