//! A run of a log-structured merge tree: entries and tombstones that never change, with a filter of their keys.

use assay_core::error::Result;
use assay_core::filter::blocked_512::Blocked512;

use crate::fences::Fences;
use crate::run::Run;
use crate::space::Space;
use crate::{NONE, Pairs, Progress, Steps};

/// The bytes of an entry or a tombstone as it is written: its key, and its row number.
pub fn entry_bytes<S: Space>(probe: S::Probe<'_>) -> u64 {
    S::key_bytes(probe) + size_of::<u32>() as u64
}

/// A run.
#[derive(Debug)]
pub struct Part<S: Space> {
    /// Entries, none of which the tombstones here are about.
    pub entries: Run<S>,
    /// What leads to a place among the entries.
    fences: Fences,
    /// Tombstones of what older runs hold; the row [`NONE`] is that of all rows of a key.
    pub gone: Run<S>,
    /// None if it would be too large, and the run is always read.
    filter: Option<Blocked512>,
    bytes: u64,
}

impl<S: Space> Part<S> {
    /// A run of entries and tombstones in order; tells of each once.
    ///
    /// # Errors
    /// If it was called off.
    pub fn of(entries: Pairs<S>, gone: Pairs<S>, rate: f64, progress: &Progress) -> Result<Self> {
        let (entries, gone) = (Run::of(entries), Run::of(gone));
        let mut filter = Blocked512::with_capacity((entries.len() + gone.len()) as u64, rate).ok();
        let mut bytes = 0;
        let mut told = Steps::of(entries.len(), progress);
        let mut hashes = Vec::with_capacity(1024);
        for run in [&entries, &gone] {
            for keys in run.keys().chunks(1024) {
                let probes = keys.iter().map(|key| run.space().probe(*key));
                hashes.clear();
                hashes.extend(probes.map(|probe| {
                    bytes += entry_bytes::<S>(probe);
                    S::hash(probe)
                }));
                if let Some(filter) = &mut filter {
                    filter.insert(&hashes);
                }
                told.add(keys.len())?;
            }
        }
        told.end()?;
        let fences = Fences::of(entries.space(), entries.keys());
        Ok(Self { entries, fences, gone, filter, bytes })
    }

    /// How many entries and tombstones it has.
    pub fn len(&self) -> u64 {
        (self.entries.len() + self.gone.len()) as u64
    }

    /// The bytes that it took to write it.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Sets bit i of `held` if it may say something of the key with hash i.
    pub fn may_hold_of(&self, hashes: &[u64], held: &mut [u64]) {
        match &self.filter {
            Some(filter) => filter.probe(hashes, held),
            None => held.fill(u64::MAX),
        }
    }

    /// The first place among the entries whose key is not less than each probe.
    pub fn lower_bounds(&self, probes: &[S::Probe<'_>], places: &mut [u32]) {
        self.fences.lower_bounds(self.entries.space(), self.entries.keys(), probes, places);
    }

    /// The first place among the entries whose key is not less than the probe.
    pub fn lower_bound(&self, probe: S::Probe<'_>) -> usize {
        self.fences.lower_bound(self.entries.space(), self.entries.keys(), probe)
    }

    /// The bytes that it takes.
    pub fn memory_bytes(&self) -> u64 {
        let filter = self.filter.as_ref().map_or(0, |filter| size_of_val(filter.lines()));
        self.entries.memory_bytes()
            + self.fences.memory_bytes()
            + self.gone.memory_bytes()
            + (filter + size_of::<Self>()) as u64
    }
}

/// The rows of a key among tombstones, ascending.
pub fn rows_of<'a, S: Space>(run: &'a Run<S>, probe: S::Probe<'_>) -> &'a [u32] {
    let start = run.lower_bound(probe);
    &run.rows()[start..run.end_of(start, probe)]
}

/// Whether tombstones of one key, ascending, hide a row of it.
#[inline]
pub fn hides(tombstones: &[u32], row: u32) -> bool {
    tombstones.last() == Some(&NONE) || tombstones.binary_search(&row).is_ok()
}
