//! The room of indexes: from a key to the numbers of the rows that hold it.
//!
//! An index here is a secondary one: entries are pairs of a key and a row number, several rows may hold one key, and one
//! entry may be there more than once. Keys come in one of two spaces ([`space::Words`], [`space::Texts`]), into which
//! [`encode`] brings every Arrow type; a structure is one file, generic over the space. [`built::Built`] is what the
//! binding holds: it encodes columns, leaves nulls out, and spreads batches over threads.

pub mod answers;
pub mod art;
pub mod asked;
pub mod bitmap;
pub mod blocks;
pub mod bloom_blocks;
pub mod btree;
pub mod built;
pub mod encode;
pub mod eytzinger;
pub mod fences;
pub mod found;
pub mod hash;
#[cfg(test)]
mod laws;
pub mod lsm;
pub mod pairs;
pub mod pgm;
pub mod rank;
pub mod row_lists;
pub mod run;
pub mod scan;
pub mod shape;
pub mod sift;
pub mod skip_list;
pub mod sort;
pub mod sorted;
pub mod space;
pub mod zone_map;

use std::fmt::Debug;
use std::ops::Bound;
use std::sync::atomic::{AtomicU64, Ordering};

use assay_core::catalogue::Contender;
use assay_core::error::{Error, Result};
use assay_core::given::{self, Given};

pub use found::{Found, NONE};
pub use pairs::{Pairs, SORT_PASSES};
use space::{Space, Texts, Words};

/// The most entries of an index: row numbers and places are 32 bits wide, and one of them means none.
pub const MOST_ENTRIES: u64 = u32::MAX as u64 - 1;

/// The entries of a column by key.
pub trait Index<S: Space>: Debug + Send + Sync {
    /// How many entries there are.
    fn len(&self) -> u64;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes that it takes, all of them: keys, row numbers, whatever leads to them.
    fn memory_bytes(&self) -> u64;

    /// Appends the rows of each probe, ascending: one end a probe, also where there is none.
    fn lookup(&self, probes: &[S::Probe<'_>], found: &mut Found);

    /// Writes the least row of each probe, or [`NONE`].
    fn lookup_first(&self, probes: &[S::Probe<'_>], out: &mut [u32]) {
        let mut found = Found::with_capacity(probes.len());
        self.lookup(probes, &mut found);
        let mut start = 0;
        for (slot, end) in out.iter_mut().zip(&found.ends) {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let end = *end as usize;
            #[allow(clippy::cast_possible_truncation)]
            let row = if end > start { found.rows[start] as u32 } else { NONE };
            *slot = row;
            start = end;
        }
    }

    /// Whether there is room for these keys, each once more, after so many other entries: what cannot be counted is refused
    /// before anything is changed.
    ///
    /// # Errors
    /// If there is not.
    fn check_room(&self, _: &[S::Probe<'_>], _: u64) -> Result<()> {
        Ok(())
    }

    /// Puts entries in; one that is there already is there twice.
    fn insert(&mut self, probes: &[S::Probe<'_>], rows: &[u32]);

    /// Takes all entries of these keys out, or with rows just these pairs; how many left.
    fn delete(&mut self, probes: &[S::Probe<'_>], rows: Option<&[u32]>) -> u64;

    /// The same index by order, if it has one.
    fn ordered(&self) -> Option<&dyn Ordered<S>> {
        None
    }

    /// What else is to be said of it, each with its name: levels, blocks that were skipped, bytes that were written.
    fn statistics(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }
}

/// From where to where.
#[derive(Debug, Clone, Copy)]
pub struct Between<'a, S: Space> {
    /// Where it begins.
    pub low: Bound<S::Probe<'a>>,
    /// Where it ends.
    pub high: Bound<S::Probe<'a>>,
}

impl<S: Space> Between<'_, S> {
    /// Whether a kept key comes before what is asked for.
    #[inline]
    #[must_use]
    pub fn is_below(&self, space: &S, key: S::Key) -> bool {
        match self.low {
            Bound::Included(low) => space.compare(key, low).is_lt(),
            Bound::Excluded(low) => space.compare(key, low).is_le(),
            Bound::Unbounded => false,
        }
    }

    /// Whether a kept key comes after what is asked for.
    #[inline]
    #[must_use]
    pub fn is_above(&self, space: &S, key: S::Key) -> bool {
        match self.high {
            Bound::Included(high) => space.compare(key, high).is_gt(),
            Bound::Excluded(high) => space.compare(key, high).is_ge(),
            Bound::Unbounded => false,
        }
    }
}

impl<'a, S: Space> Between<'a, S> {
    /// The lower bound, if there is one: its key, and whether what equals it is outside.
    pub(crate) fn start(&self) -> Option<(S::Probe<'a>, bool)> {
        match self.low {
            Bound::Included(low) => Some((low, false)),
            Bound::Excluded(low) => Some((low, true)),
            Bound::Unbounded => None,
        }
    }

    /// The upper bound, if there is one: its key, and whether what equals it is inside.
    pub(crate) fn end(&self) -> Option<(S::Probe<'a>, bool)> {
        match self.high {
            Bound::Included(high) => Some((high, true)),
            Bound::Excluded(high) => Some((high, false)),
            Bound::Unbounded => None,
        }
    }

    /// Whether no key whatever can lie in it.
    pub(crate) fn is_empty(&self) -> bool {
        match (self.start(), self.end()) {
            (Some((low, is_outside)), Some((high, _))) => {
                let order = S::order_probes(low, high);
                order.is_gt() || (order.is_eq() && is_outside)
            }
            _ => false,
        }
    }
}

/// How much of a range is wanted, and from which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Take {
    /// At most so many rows.
    pub limit: usize,
    /// From the greatest to the least: the exact reverse of the ascending order.
    pub descending: bool,
}

impl Take {
    /// Everything, ascending.
    pub const ALL: Self = Self { limit: usize::MAX, descending: false };
}

/// An index that knows the order of its keys.
pub trait Ordered<S: Space>: Send + Sync {
    /// Appends the rows of keys between two in the order of keys, those of equal keys by row.
    fn range(&self, between: &Between<'_, S>, take: Take, rows: &mut Vec<u64>);

    /// Appends the rows of each range of a batch, ascending: one end a range.
    fn ranges(&self, betweens: &[Between<'_, S>], found: &mut Found) {
        for between in betweens {
            self.range(between, Take::ALL, &mut found.rows);
            found.end();
        }
    }
}

/// How far the building of an index is, and the way to call it off.
///
/// All that there is to do is said before the first of it is done, so that a bar never runs backwards.
#[derive(Debug, Default)]
pub struct Progress {
    /// Entries placed so far, each counted once a pass.
    pub done: AtomicU64,
    /// How many there will be.
    pub total: AtomicU64,
    /// Any other number than 0: stop.
    pub stopped: AtomicU64,
}

impl Progress {
    /// Says how much there is to do.
    pub fn expect(&self, more: u64) {
        self.total.fetch_add(more, Ordering::Relaxed);
    }

    /// After so many of these entries it is said how far a pass is: some hundred times, or more where there are so many
    /// that it could not be called off within a second.
    #[must_use]
    pub fn step(entries: usize) -> usize {
        (entries / 100).clamp(1 << 16, 1 << 22)
    }

    /// Says that so much more is done.
    ///
    /// # Errors
    /// If it was called off.
    pub fn add(&self, more: u64) -> Result<()> {
        self.done.fetch_add(more, Ordering::Relaxed);
        self.check()
    }

    /// Whether it is to go on.
    ///
    /// # Errors
    /// If it was called off.
    pub fn check(&self) -> Result<()> {
        if self.stopped.load(Ordering::Relaxed) == 0 {
            return Ok(());
        }
        Err(Error::Data("the building of the index was called off".to_owned()))
    }
}

/// Says how far a pass is, a step at a time.
#[derive(Debug)]
pub struct Steps<'a> {
    progress: &'a Progress,
    step: usize,
    untold: usize,
}

impl<'a> Steps<'a> {
    /// Those of a pass over so many entries.
    #[must_use]
    pub fn of(entries: usize, progress: &'a Progress) -> Self {
        Self { progress, step: Progress::step(entries), untold: 0 }
    }

    /// Says that so many more are done.
    ///
    /// # Errors
    /// If it was called off.
    #[inline]
    pub fn add(&mut self, more: usize) -> Result<()> {
        self.untold += more;
        if self.untold < self.step {
            return Ok(());
        }
        self.end()
    }

    /// Says what is not said yet.
    ///
    /// # Errors
    /// If it was called off.
    pub fn end(&mut self) -> Result<()> {
        self.progress.add(std::mem::take(&mut self.untold) as u64)
    }

    /// Whether it is to go on.
    ///
    /// # Errors
    /// If it was called off.
    pub fn check(&self) -> Result<()> {
        self.progress.check()
    }
}

/// What an index is built with.
#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    /// The parameters that were given.
    pub given: &'a Given,
    /// At most so many threads.
    pub threads: usize,
    /// How far it is.
    pub progress: &'a Progress,
}

/// Builds an index of one space, and tells of each entry as often as [`Kind::passes`] says.
pub type Build<S> = fn(Pairs<S>, &Plan<'_>) -> Result<Box<dyn Index<S>>>;

/// A structure: what is known of it, and how it is built in either space.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// What is known of it.
    pub contender: &'static Contender,
    /// How many times building it tells of each entry.
    pub passes: u64,
    /// Of words.
    pub words: Build<Words>,
    /// Of bytes.
    pub texts: Build<Texts>,
}

/// All structures.
pub const TABLE: &[Kind] = &[
    Kind { contender: &scan::CONTENDER, passes: 0, words: scan::build, texts: scan::build },
    Kind { contender: &hash::CONTENDER, passes: 3, words: hash::build, texts: hash::build },
    Kind { contender: &sorted::CONTENDER, passes: SORT_PASSES, words: sorted::build, texts: sorted::build },
    Kind {
        contender: &eytzinger::CONTENDER,
        passes: SORT_PASSES + 1,
        words: eytzinger::build,
        texts: eytzinger::build,
    },
    Kind { contender: &btree::CONTENDER, passes: SORT_PASSES + 1, words: btree::build, texts: btree::build },
    Kind { contender: &art::CONTENDER, passes: SORT_PASSES + 2, words: art::build, texts: art::build },
    Kind {
        contender: &skip_list::CONTENDER,
        passes: SORT_PASSES + 1,
        words: skip_list::build,
        texts: skip_list::build,
    },
    Kind { contender: &lsm::CONTENDER, passes: SORT_PASSES + 1, words: lsm::build, texts: lsm::build },
    Kind { contender: &pgm::CONTENDER, passes: SORT_PASSES + 1, words: pgm::build, texts: pgm::build },
    Kind { contender: &bitmap::CONTENDER, passes: SORT_PASSES + 1, words: bitmap::build, texts: bitmap::build },
    Kind { contender: &zone_map::CONTENDER, passes: 1, words: zone_map::build, texts: zone_map::build },
    Kind { contender: &bloom_blocks::CONTENDER, passes: 1, words: bloom_blocks::build, texts: bloom_blocks::build },
];

/// Every contender of this room.
pub fn contenders() -> impl Iterator<Item = &'static Contender> {
    TABLE.iter().map(|kind| kind.contender)
}

/// The structure of this name, if it can have these parameters.
///
/// # Errors
/// If there is none of this name, or it cannot have a parameter.
pub fn kind(name: &str, given: &Given) -> Result<Kind> {
    let Some(kind) = TABLE.iter().find(|kind| kind.contender.name == name) else {
        let known = contenders().map(|contender| contender.name).collect::<Vec<_>>().join(", ");
        return Err(Error::UnknownName { thing: "index", name: name.to_owned(), known });
    };
    given::check(kind.contender, given)?;
    Ok(*kind)
}
