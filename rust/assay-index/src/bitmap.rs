//! `bitmap`: a compressed set of rows for each distinct key.
//!
//! Cost: for few distinct keys a fraction of a byte a row and key; log2(distinct) steps a lookup, then a walk over the
//! rows; what lies together takes almost nothing. A key of one row takes no set, but 24 bytes; keys of a few rows are the
//! worst case. Choose it for columns of few
//! distinct values. Source: O'Neil and Quass, Improved Query Performance with Variant Indexes, SIGMOD 1997; the sets are
//! roaring bitmaps, Lemire et al., Software: Practice and Experience 2018.

use assay_core::catalogue::Contender;
use assay_core::error::Result;
use roaring::RoaringBitmap;

use crate::space::Space;
use crate::{Between, Found, Index, NONE, Ordered, Pairs, Plan, Steps, Take};

/// What the catalogue says.
pub const CONTENDER: Contender = Contender {
    room: "index",
    name: "bitmap",
    version: 1,
    idea: "A compressed set of rows (a roaring bitmap) for each distinct key.",
    cost: "for few distinct keys 2 bytes a row or less, far less where equal keys lie together; keys of a few rows are the worst case",
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
    pairs.sort_with(plan.threads, plan.progress)?;
    let order = |one: &S::Key, other: &S::Key| pairs.space.order(*one, *other).is_eq();
    let distinct = pairs.keys.chunk_by(order).count();
    let (mut keys, mut sets) = (Vec::with_capacity(distinct), Vec::with_capacity(distinct));
    let (mut start, mut told) = (0, Steps::of(pairs.len(), plan.progress));
    for equal in pairs.keys.chunk_by(order) {
        keys.push(equal[0]);
        sets.push(Rows::of(&pairs.rows[start..start + equal.len()]));
        start += equal.len();
        told.add(equal.len())?;
    }
    told.end()?;
    Ok(Box::new(Bitmaps { keys, sets, space: pairs.space, entries }))
}

/// The rows of one key; a single one takes no set.
#[derive(Debug, Default)]
enum Rows {
    #[default]
    None,
    One(u32),
    Many(Box<Set>),
}

/// Rows that were more than one when they came.
#[derive(Debug, Default)]
struct Set {
    set: RoaringBitmap,
    /// Rows that are there more than once, ascending, each once less than it is there.
    again: Vec<u32>,
}

impl Set {
    /// Rows that ascend.
    fn of(rows: &[u32]) -> Self {
        let (mut again, mut last) = (Vec::new(), None);
        let once = rows.iter().copied().filter(|row| {
            let is_new = last.replace(*row) != Some(*row);
            if !is_new {
                again.push(*row);
            }
            is_new
        });
        let mut set = RoaringBitmap::from_sorted_iter(once).expect("the rows of a key ascend");
        set.optimize();
        Self { set, again }
    }

    fn insert(&mut self, row: u32) {
        if !self.set.insert(row) {
            let at = self.again.partition_point(|other| *other < row);
            self.again.insert(at, row);
        }
    }
}

impl Rows {
    /// Rows that ascend.
    fn of(rows: &[u32]) -> Self {
        match rows {
            [] => Self::None,
            [row] => Self::One(*row),
            rows => Self::Many(Box::new(Set::of(rows))),
        }
    }

    fn len(&self) -> u64 {
        match self {
            Self::None => 0,
            Self::One(_) => 1,
            Self::Many(rows) => rows.set.len() + rows.again.len() as u64,
        }
    }

    fn first(&self) -> Option<u32> {
        match self {
            Self::None => None,
            Self::One(row) => Some(*row),
            Self::Many(rows) => rows.set.min(),
        }
    }

    fn insert(&mut self, row: u32) {
        match self {
            Self::None => *self = Self::One(row),
            Self::One(other) => *self = Self::Many(Box::new(Set::of(&[row.min(*other), row.max(*other)]))),
            Self::Many(rows) => rows.insert(row),
        }
    }

    fn remove(&mut self, row: u32) -> u64 {
        match self {
            Self::One(other) if *other == row => {
                *self = Self::None;
                1
            }
            Self::None | Self::One(_) => 0,
            Self::Many(rows) => {
                if !rows.set.remove(row) {
                    return 0;
                }
                let before = rows.again.len();
                rows.again.retain(|other| *other != row);
                let gone = 1 + (before - rows.again.len()) as u64;
                if rows.set.is_empty() {
                    *self = Self::None;
                }
                gone
            }
        }
    }

    /// Calls `visit` with each row, ascending.
    fn for_each(&self, mut visit: impl FnMut(u32)) {
        match self {
            Self::None => {}
            Self::One(row) => visit(*row),
            Self::Many(rows) => {
                let mut again = rows.again.iter().copied().peekable();
                for row in &rows.set {
                    visit(row);
                    while let Some(row) = again.next_if_eq(&row) {
                        visit(row);
                    }
                }
            }
        }
    }

    /// The bytes beside itself.
    fn memory_bytes(&self) -> u64 {
        let Self::Many(rows) = self else { return 0 };
        let inside = rows.set.statistics();
        inside.n_bytes_array_containers
            + inside.n_bytes_bitset_containers
            + inside.n_bytes_run_containers
            + u64::from(inside.n_containers) * CONTAINER_BYTES
            + (rows.again.capacity() * size_of::<u32>() + size_of::<Set>()) as u64
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
        self.keys.retain(|_| sets.next().is_some_and(|rows| rows.first().is_some()));
        self.sets.retain(|rows| rows.first().is_some());
    }
}

impl<S: Space> Index<S> for Bitmaps<S> {
    fn len(&self) -> u64 {
        self.entries
    }

    fn memory_bytes(&self) -> u64 {
        (self.keys.capacity() * size_of::<S::Key>() + self.sets.capacity() * size_of::<Rows>()) as u64
            + self.sets.iter().map(Rows::memory_bytes).sum::<u64>()
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
            *slot = self.find(*probe).ok().and_then(|at| self.sets[at].first()).unwrap_or(NONE);
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
