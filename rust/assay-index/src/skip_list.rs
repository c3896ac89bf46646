//! `skip_list`: a list in order, with ways over it that leave out ever more.
//!
//! Every entry is a node of the list; one in four of them is on the first way over it, one in four of these on the second,
//! and so on. Which ones is drawn from a sequence that is always the same, so that an index built twice is the same twice.
//! Nodes lie in arrays and name each other by number. A change writes the few neighbours of its node and moves nothing.
//!
//! Cost: about log2(n) steps a lookup or change, nearly each a miss of the cache, as neighbours in the list are so in memory
//! only where they came together; lookups of a batch go down together, so that their misses overlap, changes one by one;
//! 30 bytes an entry of words. It is what memtables of many stores are, for its simplicity
//! and since readers need no locks; without them a btree is faster. Source: Pugh, Skip Lists, CACM 1990, with p = 1/4.

use assay_core::catalogue::Contender;
use assay_core::error::{Error, Result};
use assay_core::memory;
use assay_core::placement::rendezvous::finalise;

use crate::space::Space;
use crate::{Between, Found, Index, NONE, Ordered, Pairs, Plan, Progress, Steps, Take};

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
/// The most nodes: their ways, a third more, are counted in 32 bits.
const MOST: u64 = 3_000_000_000;
/// How many probes go down together.
const LANES: usize = 32;

/// Builds it of entries in order.
///
/// # Errors
/// If it was called off.
pub fn build<S: Space>(mut pairs: Pairs<S>, plan: &Plan<'_>) -> Result<Box<dyn Index<S>>> {
    check_room(0, pairs.len() as u64, MOST)?;
    pairs.sort_with(plan.threads, plan.progress)?;
    Ok(Box::new(SkipList::load(pairs, plan.progress)?))
}

/// Whether there may be so many more nodes.
fn check_room(nodes: u64, more: u64, most: u64) -> Result<()> {
    if nodes + more <= most {
        return Ok(());
    }
    Err(Error::Data(format!(
        "a skip_list of {nodes} nodes cannot take {more} more; it holds at most {most}: build a btree, or partition the column"
    )))
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
    /// A list of entries in order; tells of each once.
    fn load(mut pairs: Pairs<S>, progress: &Progress) -> Result<Self> {
        let mut list = Self {
            space: std::mem::take(&mut pairs.space),
            nodes: memory::with_capacity(pairs.len()),
            free: Default::default(),
            // Six standard deviations of what is drawn, more or less, which is given back.
            ways: memory::with_capacity(pairs.len() + pairs.len() / 3 + 4 * pairs.len().isqrt() + LEVELS),
            head: [NONE; LEVELS],
            drawn: 0,
            len: 0,
        };
        let mut path = [NONE; LEVELS];
        let mut told = Steps::of(pairs.len(), progress);
        for (key, row) in pairs.keys.iter().zip(&pairs.rows) {
            list.add(*key, *row, &mut path);
            told.add(1)?;
        }
        told.end()?;
        list.ways.shrink_to_fit();
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

    /// Writes the first node that is not on the left of each of up to [`LANES`] boundaries, or [`NONE`]. All go down
    /// together: each looks at one node in turn, and meanwhile the next node of every other is on its way.
    #[inline]
    fn firsts(&self, out: &mut [u32], is_left: impl Fn(usize, S::Key) -> bool) {
        /// Where a search is.
        #[derive(Clone, Copy)]
        struct Lane {
            number: u32,
            /// Where the ways of the last node on the left are, or [`NONE`] for the head of the list.
            ways: u32,
            level: u32,
            /// The node that is looked at next, or with `is_on_way` the one whose way on is.
            node: u32,
            boundary: u32,
            is_on_way: bool,
        }
        let Some(top) = self.head.iter().rposition(|first| *first != NONE) else {
            out.fill(NONE);
            return;
        };
        #[allow(clippy::cast_possible_truncation)] // lanes and levels are few
        let lane = |number: usize| Lane {
            number: number as u32,
            ways: NONE,
            level: top as u32,
            node: self.head[top],
            boundary: NONE,
            is_on_way: false,
        };
        let mut lanes: [Lane; LANES] = std::array::from_fn(lane);
        let mut count = out.len();
        let way = |ways: u32, level: u32| {
            if ways == NONE { self.head[level as usize] } else { self.ways[ways as usize + level as usize] }
        };
        while count > 0 {
            let mut at = 0;
            while at < count {
                let lane = &mut lanes[at];
                let mut next = lane.node;
                if lane.is_on_way {
                    lane.is_on_way = false;
                    next = way(lane.ways, lane.level);
                } else if is_left(lane.number as usize, self.nodes[next as usize].key) {
                    lane.ways = self.nodes[next as usize].ways;
                    lane.is_on_way = true;
                    memory::prefetch(&self.ways[lane.ways as usize + lane.level as usize]);
                    at += 1;
                    continue;
                } else {
                    lane.boundary = next;
                }
                // What stopped the level above stops this one too.
                while next == lane.boundary && lane.level > 0 {
                    lane.level -= 1;
                    next = way(lane.ways, lane.level);
                }
                if next == lane.boundary {
                    out[lane.number as usize] = next;
                    count -= 1;
                    lanes[at] = lanes[count];
                    continue;
                }
                lane.node = next;
                memory::prefetch(&self.nodes[next as usize]);
                at += 1;
            }
        }
    }

    /// Calls `visit` with each probe and the first node that is not less.
    #[inline]
    fn for_each<'p>(&self, probes: &[S::Probe<'p>], mut visit: impl FnMut(S::Probe<'p>, u32)) {
        let mut firsts = [NONE; LANES];
        for probes in probes.chunks(LANES) {
            let firsts = &mut firsts[..probes.len()];
            self.firsts(firsts, |at, key| self.space.compare(key, probes[at]).is_lt());
            probes.iter().zip(firsts).for_each(|(probe, node)| visit(*probe, *node));
        }
    }

    /// Whether a node is there and holds the probe.
    #[inline]
    fn holds(&self, node: u32, probe: S::Probe<'_>) -> bool {
        node != NONE && self.space.compare(self.nodes[node as usize].key, probe).is_eq()
    }

    /// Appends rows from a node on, up to the end of a range.
    #[inline]
    fn collect(&self, mut node: u32, between: &Between<'_, S>, mut left: usize, rows: &mut Vec<u64>) {
        while left > 0 && node != NONE && !between.is_above(&self.space, self.nodes[node as usize].key) {
            rows.push(self.nodes[node as usize].row.into());
            left -= 1;
            node = self.next(node, 0);
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
        self.for_each(probes, |probe, mut node| {
            while self.holds(node, probe) {
                found.push(self.nodes[node as usize].row);
                node = self.next(node, 0);
            }
            found.end();
        });
    }

    fn lookup_first(&self, probes: &[S::Probe<'_>], out: &mut [u32]) {
        let mut slots = out.iter_mut();
        self.for_each(probes, |probe, node| {
            let slot = slots.next().expect("there is an answer for each probe");
            *slot = if self.holds(node, probe) { self.nodes[node as usize].row } else { NONE };
        });
    }

    fn check_room(&self, probes: &[S::Probe<'_>], before: u64) -> Result<()> {
        check_room(self.nodes.len() as u64, before + probes.len() as u64, MOST)
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
        if take.descending {
            let mut left = take.limit;
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
        self.collect(self.next(path[0], 0), between, take.limit, rows);
    }

    fn ranges(&self, betweens: &[Between<'_, S>], found: &mut Found) {
        let mut firsts = [NONE; LANES];
        for betweens in betweens.chunks(LANES) {
            let firsts = &mut firsts[..betweens.len()];
            self.firsts(firsts, |at, key| betweens[at].is_below(&self.space, key));
            for (between, node) in betweens.iter().zip(firsts) {
                self.collect(*node, between, usize::MAX, &mut found.rows);
                found.end();
            }
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
        pairs.sort();
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
    fn nodes_beyond_what_their_ways_are_counted_in_are_refused() {
        assert!(check_room(8, 2, 10).is_ok());
        let message = check_room(8, 3, 10).unwrap_err().to_string();
        assert!(message.contains("8 nodes cannot take 3 more") && message.contains("at most 10"), "{message}");
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
