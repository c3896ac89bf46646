//! `bitmap`: a compressed set of rows for each distinct key.
//!
//! Cost: for few distinct keys a fraction of a byte a row and key; log2(distinct) steps a lookup, then a walk over the
//! rows; what lies together takes almost nothing. With a key a row it is the worst of all. Choose it for columns of few
//! distinct values. Source: O'Neil and Quass, Improved Query Performance with Variant Indexes, SIGMOD 1997; the sets are
//! roaring bitmaps, Lemire et al., Software: Practice and Experience 2018.

use assay_core::catalogue::Contender;
use assay_core::error::Result;
use roaring::RoaringBitmap;

use crate::space::Space;
use crate::{Between, Found, Index, NONE, Ordered, Pairs, Plan, Take};

/// What the catalogue says.
pub const CONTENDER: Contender = Contender {
    room: "index",
    name: "bitmap",
    version: 1,
    idea: "A compressed set of rows (a roaring bitmap) for each distinct key.",
    cost: "for few distinct keys 2 bytes a row or less, far less where equal keys lie together; a key a row is the worst case",
    choose_when: "the column has few distinct values",
    source: "O'Neil and Quass, Improved Query Performance with Variant Indexes, SIGMOD 1997; Lemire et al., SPE 2018",
    parameters: &[],
    abilities: &["ordered", "updates"],
};

/// Builds it.
///
/// # Errors
/// If it was called off.
pub fn build<S: Space>(mut pairs: Pairs<S>, plan: &Plan<'_>) -> Result<Box<dyn Index<S>>> {
    let entries = pairs.len() as u64;
    plan.progress.expect(2 * entries);
    pairs.sort();
    plan.progress.add(entries)?;
    let mut index = Bitmaps { keys: Vec::new(), sets: Vec::new(), space: pairs.space, entries };
    let mut start = 0;
    while start < pairs.keys.len() {
        let key = pairs.keys[start];
        let equal = |other: &S::Key| index.space.order(*other, key).is_eq();
        let end = start + pairs.keys[start..].partition_point(equal);
        let mut set = Rows::default();
        pairs.rows[start..end].iter().for_each(|row| set.insert(*row));
        set.set.optimize();
        index.keys.push(key);
        index.sets.push(set);
        plan.progress.add((end - start) as u64)?;
        start = end;
    }
    Ok(Box::new(index))
}

/// The rows of one key.
#[derive(Debug, Default)]
struct Rows {
    set: RoaringBitmap,
    /// Rows that are there more than once, ascending, each once less than it is there.
    again: Vec<u32>,
}

impl Rows {
    fn len(&self) -> u64 {
        self.set.len() + self.again.len() as u64
    }

    fn insert(&mut self, row: u32) {
        if !self.set.insert(row) {
            let at = self.again.partition_point(|other| *other < row);
            self.again.insert(at, row);
        }
    }

    fn remove(&mut self, row: u32) -> u64 {
        if !self.set.remove(row) {
            return 0;
        }
        let before = self.again.len();
        self.again.retain(|other| *other != row);
        1 + (before - self.again.len()) as u64
    }

    /// Calls `visit` with each row, ascending.
    fn for_each(&self, mut visit: impl FnMut(u32)) {
        let mut again = self.again.iter().copied().peekable();
        for row in &self.set {
            visit(row);
            while let Some(row) = again.next_if_eq(&row) {
                visit(row);
            }
        }
    }
}

#[derive(Debug)]
struct Bitmaps<S: Space> {
    space: S,
    /// Distinct ones, ascending.
    keys: Vec<S::Key>,
    sets: Vec<Rows>,
    entries: u64,
}

impl<S: Space> Bitmaps<S> {
    fn find(&self, probe: S::Probe<'_>) -> std::result::Result<usize, usize> {
        self.keys.binary_search_by(|key| self.space.compare(*key, probe))
    }

    fn drop_empty(&mut self) {
        let mut sets = self.sets.iter();
        self.keys.retain(|_| sets.next().is_some_and(|set| !set.set.is_empty()));
        self.sets.retain(|set| !set.set.is_empty());
    }
}

impl<S: Space> Index<S> for Bitmaps<S> {
    fn len(&self) -> u64 {
        self.entries
    }

    fn memory_bytes(&self) -> u64 {
        let of_set = |rows: &Rows| {
            let inside = rows.set.statistics();
            inside.n_bytes_array_containers
                + inside.n_bytes_bitset_containers
                + inside.n_bytes_run_containers
                + u64::from(inside.n_containers) * CONTAINER_BYTES
                + (rows.again.capacity() * size_of::<u32>()) as u64
        };
        (self.keys.capacity() * size_of::<S::Key>() + self.sets.capacity() * size_of::<Rows>()) as u64
            + self.sets.iter().map(of_set).sum::<u64>()
            + self.space.memory_bytes()
    }

    fn lookup(&self, probes: &[S::Probe<'_>], found: &mut Found) {
        for probe in probes {
            if let Ok(at) = self.find(*probe) {
                self.sets[at].for_each(|row| found.push(row));
            }
            found.end();
        }
    }

    fn lookup_first(&self, probes: &[S::Probe<'_>], out: &mut [u32]) {
        for (probe, slot) in probes.iter().zip(out) {
            *slot = self.find(*probe).ok().and_then(|at| self.sets[at].set.min()).unwrap_or(NONE);
        }
    }

    fn insert(&mut self, probes: &[S::Probe<'_>], rows: &[u32]) {
        // New keys first, all at once, as each moves those after it.
        let mut fresh: Vec<S::Probe<'_>> = probes.iter().copied().filter(|probe| self.find(*probe).is_err()).collect();
        fresh.sort_unstable_by(|one, other| S::order_probes(*one, *other));
        fresh.dedup_by(|one, other| S::order_probes(*one, *other).is_eq());
        if !fresh.is_empty() {
            let (old_keys, old_sets) = (std::mem::take(&mut self.keys), std::mem::take(&mut self.sets));
            let mut fresh = fresh.into_iter().peekable();
            for (key, set) in old_keys.into_iter().zip(old_sets) {
                while let Some(probe) = fresh.next_if(|probe| self.space.compare(key, *probe).is_gt()) {
                    let kept = self.space.keep(probe);
                    self.keys.push(kept);
                    self.sets.push(Rows::default());
                }
                self.keys.push(key);
                self.sets.push(set);
            }
            for probe in fresh {
                let kept = self.space.keep(probe);
                self.keys.push(kept);
                self.sets.push(Rows::default());
            }
        }
        for (probe, row) in probes.iter().zip(rows) {
            let at = self.find(*probe).expect("every key of the batch is there now");
            self.sets[at].insert(*row);
        }
        self.entries += probes.len() as u64;
    }

    fn delete(&mut self, probes: &[S::Probe<'_>], rows: Option<&[u32]>) -> u64 {
        let mut gone = 0;
        for (index, probe) in probes.iter().enumerate() {
            if let Ok(at) = self.find(*probe) {
                gone += match rows {
                    None => std::mem::take(&mut self.sets[at]).len(),
                    Some(rows) => self.sets[at].remove(rows[index]),
                };
            }
        }
        self.drop_empty();
        self.entries -= gone;
        gone
    }

    fn ordered(&self) -> Option<&dyn Ordered<S>> {
        Some(self)
    }

    #[allow(clippy::cast_precision_loss)]
    fn statistics(&self) -> Vec<(&'static str, f64)> {
        vec![("distinct_keys", self.keys.len() as f64)]
    }
}

/// What a container of a roaring bitmap takes beside its rows.
const CONTAINER_BYTES: u64 = 32;

impl<S: Space> Ordered<S> for Bitmaps<S> {
    fn range(&self, between: &Between<'_, S>, take: Take, rows: &mut Vec<u64>) {
        let start = self.keys.partition_point(|key| between.is_below(&self.space, *key));
        let end = start + self.keys[start..].partition_point(|key| !between.is_above(&self.space, *key));
        let mut wanted = take.limit;
        let sets = &self.sets[start..end];
        let mut take_from = |set: &Rows| {
            let before = rows.len();
            set.for_each(|row| rows.push(u64::from(row)));
            if take.descending {
                rows[before..].reverse();
            }
            rows.truncate(before + wanted.min(rows.len() - before));
            wanted -= rows.len() - before;
            wanted > 0
        };
        if take.descending {
            let _ = sets.iter().rev().all(&mut take_from);
        } else {
            let _ = sets.iter().all(&mut take_from);
        }
    }
}
