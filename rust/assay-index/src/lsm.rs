//! `lsm`: a log-structured merge tree: changes gather in memory, and are written out in sorted runs that are merged.
//!
//! The memtable is a [`btree`](crate::btree). When it is full it becomes a run that never changes, with a Bloom filter of
//! its keys; runs are merged into larger ones, level by level, each `fanout` times the one above. Levelled compaction keeps
//! one run a level and merges what comes into it; tiered compaction gathers as many runs as the fanout and then merges
//! them: it writes less and reads more. A deletion writes a tombstone, of a key or of a pair, that hides what older runs
//! hold until a merge with the oldest run drops both; as it has to tell how many entries left, it reads first. Here runs
//! lie in memory; `bytes_written` and `write_amplification` say what they would cost a disk.
//!
//! Cost: a change is cheap and written about fanout times a level, or once a level if tiered; a lookup asks the memtable
//! and every run whose filter says so, by [`fences`](crate::fences), and those of a batch wait for memory together; 14 bits
//! more a key for both. Choose it where far more is written than
//! read, and writes should be in large pieces. Source: O'Neil, Cheng, Gawlick and O'Neil, The Log-Structured Merge-Tree,
//! Acta Informatica 1996; Dayan, Athanassoulis and Idreos, Monkey, SIGMOD 2017 (tiers and levels).

mod merge;
mod part;
mod read;
#[cfg(test)]
mod tests;

use assay_core::catalogue::{Contender, Domain, Parameter};
use assay_core::error::Result;
use assay_core::given;

use crate::btree::Tree;
use crate::space::Space;
use crate::{Found, Index, NONE, Ordered, Pairs, Plan, Progress};
use part::Part;

const MEMTABLE_ENTRIES: Parameter = Parameter {
    name: "memtable_entries",
    default: "65536",
    domain: Domain::Integer { low: 4, high: 1 << 30 },
    meaning: "the entries and tombstones that gather in memory before they become a run",
};
const FANOUT: Parameter = Parameter {
    name: "fanout",
    default: "10",
    domain: Domain::Integer { low: 2, high: 64 },
    meaning: "how many times larger each level is than the one above; tiered: the runs of a level that are merged",
};
const COMPACTION: Parameter = Parameter {
    name: "compaction",
    default: "levelled",
    domain: Domain::Choice(&["levelled", "tiered"]),
    meaning: "levelled: one run a level, into which is merged what comes; tiered: runs gather before they are merged",
};
const RATE: Parameter = Parameter {
    name: "rate",
    default: "0.01",
    domain: Domain::Number { low: 1e-5, high: 0.5 },
    meaning: "the share of absent keys for which a run is read in vain",
};

/// What the catalogue says.
pub const CONTENDER: Contender = Contender {
    room: "index",
    name: "lsm",
    version: 1,
    idea: "Changes gather in memory and are written in sorted runs with Bloom filters, which are merged level by level.",
    cost: "a change is written about fanout times a level, tiered once; a lookup asks each run whose filter lets it",
    choose_when: "far more is written than read, and writes should be large and in order",
    source: "O'Neil, Cheng, Gawlick, O'Neil, The Log-Structured Merge-Tree, Acta Informatica 1996",
    parameters: &[MEMTABLE_ENTRIES, FANOUT, COMPACTION, RATE],
    abilities: &["ordered", "updates"],
};

/// Builds it of one run in order.
///
/// # Errors
/// If it was called off.
pub fn build<S: Space>(pairs: Pairs<S>, plan: &Plan<'_>) -> Result<Box<dyn Index<S>>> {
    Ok(Box::new(Lsm::load(pairs, plan)?))
}

/// How it is built and merged.
#[derive(Debug, Clone, Copy)]
struct Shape {
    memtable_entries: u64,
    fanout: u64,
    is_tiered: bool,
    rate: f64,
}

/// The tree.
#[derive(Debug)]
struct Lsm<S: Space> {
    shape: Shape,
    /// Entries that came since the last run.
    fresh: Tree<S>,
    /// Tombstones that came since: what they hide is in runs; the row [`NONE`] is that of all rows of a key.
    gone: Tree<S>,
    /// The runs of each level, the newest first; a level is newer than those after it.
    levels: Vec<Vec<Part<S>>>,
    len: u64,
    bytes_put: u64,
    bytes_written: u64,
}

impl<S: Space> Lsm<S> {
    fn load(mut pairs: Pairs<S>, plan: &Plan<'_>) -> Result<Self> {
        let shape = Shape {
            memtable_entries: given::integer(plan.given, &MEMTABLE_ENTRIES),
            fanout: given::integer(plan.given, &FANOUT),
            is_tiered: given::choice(plan.given, &COMPACTION) == "tiered",
            rate: given::number(plan.given, &RATE),
        };
        let len = pairs.len() as u64;
        pairs.sort_with(plan.threads, plan.progress)?;
        let mut lsm = Self {
            shape,
            fresh: Tree::empty(),
            gone: Tree::empty(),
            levels: Vec::new(),
            len,
            bytes_put: 0,
            bytes_written: 0,
        };
        if len > 0 {
            let part = Part::of(pairs, Pairs::default(), shape.rate, plan.progress)?;
            (lsm.bytes_put, lsm.bytes_written) = (part.bytes(), part.bytes());
            let mut level = 1;
            while len > lsm.most_of(level) {
                level += 1;
            }
            lsm.level_mut(level).push(part);
        }
        Ok(lsm)
    }

    /// The most entries of a level, or tiered of a run there.
    fn most_of(&self, level: usize) -> u64 {
        let levels = u32::try_from(level).expect("a level for each bit of a length at most");
        self.shape.memtable_entries.saturating_mul(self.shape.fanout.saturating_pow(levels))
    }

    fn level_mut(&mut self, level: usize) -> &mut Vec<Part<S>> {
        if self.levels.len() <= level {
            self.levels.resize_with(level + 1, Vec::new);
        }
        &mut self.levels[level]
    }

    /// All runs, the newest first.
    fn parts(&self) -> impl Iterator<Item = &Part<S>> {
        self.levels.iter().flatten()
    }

    /// How many entries and tombstones may still come before the memtable is full.
    fn room(&self) -> usize {
        let used = self.fresh.len() + self.gone.len();
        usize::try_from(self.shape.memtable_entries.saturating_sub(used)).unwrap_or(usize::MAX)
    }

    /// Makes a run of the memtable if it is full.
    fn flush_if_full(&mut self) {
        if self.room() > 0 {
            return;
        }
        let gone = std::mem::replace(&mut self.gone, Tree::empty()).pairs();
        let fresh = std::mem::replace(&mut self.fresh, Tree::empty()).pairs();
        let part = Part::of(fresh, gone, self.shape.rate, &Progress::default()).expect("nobody calls it off");
        self.bytes_written += part.bytes();
        self.level_mut(0).insert(0, part);
        let mut level = 0;
        while level < self.levels.len() {
            self.compact(level);
            level += 1;
        }
    }

    /// Merges a level into the next if it has too much.
    fn compact(&mut self, level: usize) {
        let runs = &self.levels[level];
        let size: u64 = runs.iter().map(Part::len).sum();
        let is_full = if self.shape.is_tiered {
            runs.len() as u64 >= self.shape.fanout
        } else {
            size > if level == 0 { 0 } else { self.most_of(level) }
        };
        if !is_full {
            return;
        }
        let mut newer = std::mem::take(&mut self.levels[level]);
        if !self.shape.is_tiered {
            newer.append(self.level_mut(level + 1));
        }
        let is_oldest = self.levels[level + 1..].iter().all(Vec::is_empty);
        let has_tombstones = newer.iter().any(|part| !part.gone.is_empty());
        if newer.len() == 1 && !(is_oldest && has_tombstones) {
            // It goes down as it is: nothing is written.
            *self.level_mut(level + 1) = newer;
            return;
        }
        if let Some(part) = merge::merge(newer, is_oldest, self.shape.rate) {
            self.bytes_written += part.bytes();
            self.level_mut(level + 1).insert(0, part);
        }
    }
}

impl<S: Space> Index<S> for Lsm<S> {
    fn len(&self) -> u64 {
        self.len
    }

    fn memory_bytes(&self) -> u64 {
        self.fresh.memory_bytes()
            + self.gone.memory_bytes()
            + self.parts().map(Part::memory_bytes).sum::<u64>()
            + size_of::<Self>() as u64
    }

    fn lookup(&self, probes: &[S::Probe<'_>], found: &mut Found) {
        self.for_each(probes, |_, fresh, held| {
            found.rows.extend_from_slice(fresh);
            found.extend(held);
            found.end_sorted();
        });
    }

    fn lookup_first(&self, probes: &[S::Probe<'_>], out: &mut [u32]) {
        self.for_each(probes, |at, fresh, held| {
            #[allow(clippy::cast_possible_truncation)] // rows are of 32 bits, and those of the memtable ascend
            let first = fresh.first().map_or(NONE, |row| *row as u32);
            out[at] = held.iter().fold(first, |least, row| least.min(*row));
        });
    }

    fn insert(&mut self, probes: &[S::Probe<'_>], rows: &[u32]) {
        let mut start = 0;
        while start < probes.len() {
            let end = probes.len().min(start.saturating_add(self.room()));
            self.fresh.insert(&probes[start..end], &rows[start..end]);
            self.flush_if_full();
            start = end;
        }
        self.len += probes.len() as u64;
        self.bytes_put += probes.iter().map(|probe| part::entry_bytes::<S>(*probe)).sum::<u64>();
    }

    fn delete(&mut self, probes: &[S::Probe<'_>], rows: Option<&[u32]>) -> u64 {
        let mut left = self.fresh.delete(probes, rows);
        let mut batch: Vec<(S::Probe<'_>, u32)> =
            probes.iter().enumerate().map(|(at, probe)| (*probe, rows.map_or(NONE, |rows| rows[at]))).collect();
        batch.sort_unstable_by(|one, other| S::order_probes(one.0, other.0).then(one.1.cmp(&other.1)));
        batch.dedup_by(|one, other| one.1 == other.1 && S::order_probes(one.0, other.0).is_eq());
        let mut held = Vec::new();
        for same in batch.chunk_by(|one, other| S::order_probes(one.0, other.0).is_eq()) {
            held.clear();
            self.held_by_runs(same[0].0, &mut held);
            for (probe, row) in same {
                let hidden = held.iter().filter(|one| rows.is_none() || *one == row).count() as u64;
                if hidden > 0 {
                    self.gone.insert(&[*probe], &[*row]);
                    self.bytes_put += part::entry_bytes::<S>(*probe);
                    left += hidden;
                }
            }
            self.flush_if_full();
        }
        self.len -= left;
        left
    }

    fn ordered(&self) -> Option<&dyn Ordered<S>> {
        Some(self)
    }

    #[allow(clippy::cast_precision_loss)]
    fn statistics(&self) -> Vec<(&'static str, f64)> {
        let tombstones = self.gone.len() + self.parts().map(|part| part.gone.len() as u64).sum::<u64>();
        vec![
            ("runs", self.parts().count() as f64),
            ("levels", self.levels.iter().filter(|runs| !runs.is_empty()).count() as f64),
            ("memtable_entries", self.fresh.len() as f64),
            ("tombstones", tombstones as f64),
            ("bytes_put", self.bytes_put as f64),
            ("bytes_written", self.bytes_written as f64),
            ("write_amplification", self.bytes_written as f64 / self.bytes_put.max(1) as f64),
        ]
    }
}
