//! `sorted`: entries in the order of their keys, found by binary search.
//!
//! Cost: log2(n) steps a lookup, each a miss of the processor's cache in a large column; nothing beside keys and rows. An
//! insertion or deletion copies everything, which a batch shares. Choose it for columns that are written once. Source:
//! Knuth, The Art of Computer Programming, volume 3, section 6.2.1.

use assay_core::catalogue::Contender;
use assay_core::error::Result;

use crate::run::Run;
use crate::space::Space;
use crate::{Between, Found, Index, Ordered, Pairs, Plan, Take};

/// What the catalogue says.
pub const CONTENDER: Contender = Contender {
    room: "index",
    name: "sorted",
    version: 1,
    idea: "Keys in order with their rows; a lookup is a binary search.",
    cost: "log2(n) steps a lookup; bytes of keys and rows alone; a batch of changes copies everything once",
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
    let entries = pairs.len() as u64;
    plan.progress.expect(entries);
    let run = Run::of(pairs);
    plan.progress.add(entries)?;
    Ok(Box::new(Sorted { run }))
}

#[derive(Debug)]
struct Sorted<S: Space> {
    run: Run<S>,
}

impl<S: Space> Index<S> for Sorted<S> {
    fn len(&self) -> u64 {
        self.run.len() as u64
    }

    fn memory_bytes(&self) -> u64 {
        self.run.memory_bytes()
    }

    fn lookup(&self, probes: &[S::Probe<'_>], found: &mut Found) {
        for probe in probes {
            self.run.collect(self.run.lower_bound(*probe), *probe, found);
        }
    }

    fn insert(&mut self, probes: &[S::Probe<'_>], rows: &[u32]) {
        self.run.insert(probes, rows);
    }

    fn delete(&mut self, probes: &[S::Probe<'_>], rows: Option<&[u32]>) -> u64 {
        self.run.delete(probes, rows)
    }

    fn ordered(&self) -> Option<&dyn Ordered<S>> {
        Some(self)
    }
}

impl<S: Space> Ordered<S> for Sorted<S> {
    fn range(&self, between: &Between<'_, S>, take: Take, rows: &mut Vec<u64>) {
        self.run.take(self.run.places(between, |probe| self.run.lower_bound(probe)), take, rows);
    }
}
