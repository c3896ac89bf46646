//! `sorted`: entries in the order of their keys, found by binary search, sixteen ways a step.
//!
//! Cost: log16(n) steps a lookup, of which in a large column two or three miss the processor's cache, and those of a batch
//! overlap; a twenty-fourth beside keys and rows. An insertion or deletion copies everything, which a batch shares. Choose
//! it for columns that are written once. Source: Knuth, The Art of Computer Programming, volume 3, section 6.2.1; for the
//! fences see [`crate::fences`].

use assay_core::catalogue::Contender;
use assay_core::error::Result;

use crate::fences::Fences;
use crate::run::Run;
use crate::space::Space;
use crate::{Between, Found, Index, Ordered, Pairs, Plan, Take};

/// What the catalogue says.
pub const CONTENDER: Contender = Contender {
    room: "index",
    name: "sorted",
    version: 1,
    idea: "Keys in order with their rows; a lookup is a binary search, sixteen ways a step by the fences before it.",
    cost: "log16(n) steps a lookup; 4 % beside keys and rows; a batch of changes copies everything once",
    choose_when: "the column is written once and read often, or memory is short",
    source: "Knuth, The Art of Computer Programming, volume 3, section 6.2.1",
    parameters: &[],
    abilities: &["ordered", "static"],
};

/// Builds it.
///
/// # Errors
/// If it was called off.
pub fn build<S: Space>(pairs: Pairs<S>, plan: &Plan<'_>) -> Result<Box<dyn Index<S>>> {
    let run = Run::build(pairs, plan)?;
    let fences = Fences::of(run.space(), run.keys());
    Ok(Box::new(Sorted { run, fences }))
}

#[derive(Debug)]
struct Sorted<S: Space> {
    run: Run<S>,
    fences: Fences,
}

impl<S: Space> Sorted<S> {
    fn lower_bounds(&self, probes: &[S::Probe<'_>], places: &mut [u32]) {
        self.fences.lower_bounds(self.run.space(), self.run.keys(), probes, places);
    }

    fn lower_bound(&self, probe: S::Probe<'_>) -> usize {
        self.fences.lower_bound(self.run.space(), self.run.keys(), probe)
    }

    fn changed(&mut self) {
        self.fences = Fences::of(self.run.space(), self.run.keys());
    }
}

impl<S: Space> Index<S> for Sorted<S> {
    fn len(&self) -> u64 {
        self.run.len() as u64
    }

    fn memory_bytes(&self) -> u64 {
        self.run.memory_bytes() + self.fences.memory_bytes()
    }

    fn lookup(&self, probes: &[S::Probe<'_>], found: &mut Found) {
        self.run.lookup(probes, found, |probes, places| self.lower_bounds(probes, places));
    }

    fn lookup_first(&self, probes: &[S::Probe<'_>], out: &mut [u32]) {
        self.run.lookup_first(probes, out, |probes, places| self.lower_bounds(probes, places));
    }

    fn insert(&mut self, probes: &[S::Probe<'_>], rows: &[u32]) {
        self.run.insert(probes, rows);
        self.changed();
    }

    fn delete(&mut self, probes: &[S::Probe<'_>], rows: Option<&[u32]>) -> u64 {
        let mut places = vec![0; probes.len()];
        self.lower_bounds(probes, &mut places);
        let gone = self.run.delete(probes, rows, &places);
        self.changed();
        gone
    }

    fn ordered(&self) -> Option<&dyn Ordered<S>> {
        Some(self)
    }

    #[allow(clippy::cast_precision_loss)]
    fn statistics(&self) -> Vec<(&'static str, f64)> {
        vec![("levels", self.fences.levels() as f64 + 1.0), ("fence_bytes", self.fences.memory_bytes() as f64)]
    }
}

impl<S: Space> Ordered<S> for Sorted<S> {
    fn range(&self, between: &Between<'_, S>, take: Take, rows: &mut Vec<u64>) {
        self.run.take(self.run.places(between, |probe| self.lower_bound(probe)), take, rows);
    }

    fn ranges(&self, betweens: &[Between<'_, S>], found: &mut Found) {
        self.run.ranges(betweens, found, |probes, places| self.lower_bounds(probes, places));
    }
}
