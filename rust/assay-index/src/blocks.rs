//! Entries in blocks in the order in which they came, each with a mark that tells which blocks need not be read.
//!
//! What `zone_map` and `bloom_blocks` share. An index of this kind holds the column anew, as the others do; a column store
//! that marks its own blocks pays for the marks alone, which `statistics` says apart.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};

use assay_core::error::Result;

use crate::asked::{Asked, Hit, wide};
use crate::sift::within;
use crate::space::Space;
use crate::{Between, Found, Index, Ordered, Pairs, Progress, Steps, Take};

/// What is known of a block without reading it.
pub trait Mark<S: Space>: Debug + Send + Sync {
    /// How marks are made: the parameters of the structure.
    type Recipe: Debug + Clone + Send + Sync;
    /// Whether marks know the order of keys.
    const KNOWS_ORDER: bool;

    /// That of a block without keys.
    fn empty(recipe: &Self::Recipe) -> Self;

    /// Takes note of more keys.
    fn add(&mut self, space: &S, keys: &[S::Key]);

    /// Appends the numbers of the probes that may be among the keys.
    fn candidates(&self, space: &S, asked: &Asked<'_, '_, S>, candidates: &mut Vec<u32>);

    /// Whether a key may lie within a range.
    fn meets(&self, space: &S, between: &Between<'_, S>) -> bool;

    /// The bytes beside the mark itself.
    fn memory_bytes(&self) -> u64;
}

#[derive(Debug)]
struct Block<S: Space, M> {
    keys: Vec<S::Key>,
    rows: Vec<u32>,
    mark: M,
}

/// Marked blocks.
#[derive(Debug)]
pub struct Blocks<S: Space, M: Mark<S>> {
    space: S,
    blocks: Vec<Block<S, M>>,
    recipe: M::Recipe,
    block_rows: usize,
    /// Rows that lookups had to read and did not have to, each counted for each probe.
    read: AtomicU64,
    skipped: AtomicU64,
}

impl<S: Space, M: Mark<S>> Blocks<S, M> {
    /// Those of entries, of so many rows each; tells of each once.
    ///
    /// # Errors
    /// If it was called off.
    pub fn of(pairs: Pairs<S>, recipe: M::Recipe, block_rows: usize, progress: &Progress) -> Result<Self> {
        let mut made = Self {
            space: pairs.space,
            blocks: Vec::with_capacity(pairs.keys.len().div_ceil(block_rows)),
            recipe,
            block_rows,
            read: AtomicU64::new(0),
            skipped: AtomicU64::new(0),
        };
        let mut told = Steps::of(pairs.rows.len(), progress);
        for (keys, rows) in pairs.keys.chunks(block_rows).zip(pairs.rows.chunks(block_rows)) {
            let mut mark = M::empty(&made.recipe);
            mark.add(&made.space, keys);
            made.blocks.push(Block { keys: keys.to_vec(), rows: rows.to_vec(), mark });
            told.add(keys.len())?;
        }
        told.end()?;
        Ok(made)
    }

    fn note(&self, read: u64, skipped: u64) {
        self.read.fetch_add(read, Ordering::Relaxed);
        self.skipped.fetch_add(skipped, Ordering::Relaxed);
    }
}

impl<S: Space, M: Mark<S>> Index<S> for Blocks<S, M> {
    fn len(&self) -> u64 {
        self.blocks.iter().map(|block| block.keys.len() as u64).sum()
    }

    fn memory_bytes(&self) -> u64 {
        let of_block = |block: &Block<S, M>| {
            (block.keys.capacity() * size_of::<S::Key>() + block.rows.capacity() * size_of::<u32>()) as u64
                + block.mark.memory_bytes()
        };
        (self.blocks.capacity() * size_of::<Block<S, M>>()) as u64
            + self.blocks.iter().map(of_block).sum::<u64>()
            + self.space.memory_bytes()
    }

    fn lookup(&self, probes: &[S::Probe<'_>], found: &mut Found) {
        let asked = Asked::<S>::of(probes);
        let (mut hits, mut candidates) = (Vec::new(), Vec::new());
        let (mut read, mut skipped) = (0, 0);
        for block in &self.blocks {
            candidates.clear();
            block.mark.candidates(&self.space, &asked, &mut candidates);
            read += (block.keys.len() * candidates.len()) as u64;
            skipped += (block.keys.len() * (probes.len() - candidates.len())) as u64;
            asked.meet(&self.space, &candidates, &block.keys, |probe, place| {
                hits.push(Hit { probe, at: block.rows[place] });
            });
        }
        self.note(read, skipped);
        asked.collect(&hits, found);
    }

    fn insert(&mut self, probes: &[S::Probe<'_>], rows: &[u32]) {
        let mut keys: Vec<S::Key> = probes.iter().map(|probe| self.space.keep(*probe)).collect();
        let mut rows = rows.to_vec();
        while !keys.is_empty() {
            let room = self.blocks.last().map_or(0, |block| self.block_rows.saturating_sub(block.keys.len()));
            if room == 0 {
                let mark = M::empty(&self.recipe);
                self.blocks.push(Block { keys: Vec::new(), rows: Vec::new(), mark });
                continue;
            }
            let count = room.min(keys.len());
            let block = self.blocks.last_mut().expect("it has room");
            block.mark.add(&self.space, &keys[..count]);
            block.keys.extend(keys.drain(..count));
            block.rows.extend(rows.drain(..count));
        }
    }

    fn delete(&mut self, probes: &[S::Probe<'_>], rows: Option<&[u32]>) -> u64 {
        let (asked, rows) = (Asked::<S>::of(probes), rows.map(wide));
        let named = rows.as_deref().map(Asked::of);
        let (mut gone, mut candidates) = (0, Vec::new());
        for block in &mut self.blocks {
            candidates.clear();
            block.mark.candidates(&self.space, &asked, &mut candidates);
            let left = asked.remove(&self.space, &candidates, &mut block.keys, &mut block.rows, named.as_ref());
            if left > 0 {
                gone += left;
                block.mark = M::empty(&self.recipe);
                block.mark.add(&self.space, &block.keys);
            }
        }
        self.blocks.retain(|block| !block.keys.is_empty());
        gone
    }

    fn ordered(&self) -> Option<&dyn Ordered<S>> {
        M::KNOWS_ORDER.then_some(self)
    }

    #[allow(clippy::cast_precision_loss)]
    fn statistics(&self) -> Vec<(&'static str, f64)> {
        let (read, skipped) = (self.read.load(Ordering::Relaxed) as f64, self.skipped.load(Ordering::Relaxed) as f64);
        let marks = self.blocks.iter().map(|block| block.mark.memory_bytes() + size_of::<M>() as u64).sum::<u64>();
        let mut said = vec![("blocks", self.blocks.len() as f64), ("mark_bytes", marks as f64)];
        if read + skipped > 0.0 {
            said.push(("rows_skipped_share", skipped / (read + skipped)));
        }
        said
    }
}

impl<S: Space, M: Mark<S>> Ordered<S> for Blocks<S, M> {
    fn range(&self, between: &Between<'_, S>, take: Take, rows: &mut Vec<u64>) {
        let space = &self.space;
        let mut inside: Vec<(S::Key, u32)> = Vec::new();
        let (mut read, mut skipped) = (0, 0);
        for block in &self.blocks {
            if !block.mark.meets(space, between) {
                skipped += block.keys.len() as u64;
                continue;
            }
            read += block.keys.len() as u64;
            within(space, &block.keys, between, |place| inside.push((block.keys[place], block.rows[place])));
        }
        self.note(read, skipped);
        inside.sort_unstable_by(|one, other| space.order(one.0, other.0).then(one.1.cmp(&other.1)));
        if take.descending {
            inside.reverse();
        }
        rows.extend(inside.into_iter().take(take.limit).map(|one| u64::from(one.1)));
    }
}
