//! `scan`: no index; every question reads the whole column.
//!
//! Cost: a batch of lookups reads every key once, and compares its head with each probe of a few, or with a bit of many;
//! nothing beside keys and rows; an insertion appends. It is what every index must beat, and wins where most rows are
//! wanted anyway or nobody asks. Source: Selinger et al., Access Path Selection in a Relational Database Management System,
//! SIGMOD 1979 (the segment scan).

use assay_core::catalogue::Contender;
use assay_core::error::Result;

use crate::asked::{Asked, Hit, wide};
use crate::sift::within;
use crate::space::Space;
use crate::{Between, Found, Index, Ordered, Pairs, Plan, Take};

/// What the catalogue says.
pub const CONTENDER: Contender = Contender {
    room: "index",
    name: "scan",
    version: 1,
    idea: "No index: every question reads the whole column.",
    cost: "a batch of questions reads every key once; no bytes beyond the column; an insertion appends",
    choose_when: "the column is small, rarely asked, or most of its rows are wanted",
    source: "Selinger et al., Access Path Selection in a Relational Database Management System, SIGMOD 1979",
    parameters: &[],
    abilities: &["ordered", "shares_passes", "updates"],
};

/// Keeps the entries as they came.
///
/// # Errors
/// If it was called off.
pub fn build<S: Space>(pairs: Pairs<S>, plan: &Plan<'_>) -> Result<Box<dyn Index<S>>> {
    plan.progress.add(0)?;
    Ok(Box::new(Scan { pairs }))
}

#[derive(Debug)]
struct Scan<S: Space> {
    pairs: Pairs<S>,
}

impl<S: Space> Index<S> for Scan<S> {
    fn len(&self) -> u64 {
        self.pairs.len() as u64
    }

    fn memory_bytes(&self) -> u64 {
        let pairs = &self.pairs;
        (pairs.keys.capacity() * size_of::<S::Key>() + pairs.rows.capacity() * size_of::<u32>()) as u64
            + pairs.space.memory_bytes()
    }

    fn lookup(&self, probes: &[S::Probe<'_>], found: &mut Found) {
        let asked = Asked::<S>::of(probes);
        let (pairs, mut hits) = (&self.pairs, Vec::new());
        asked.meet(&pairs.space, &asked.everyone(), &pairs.keys, |probe, place| {
            hits.push(Hit { probe, at: pairs.rows[place] });
        });
        asked.collect(&hits, found);
    }

    fn insert(&mut self, probes: &[S::Probe<'_>], rows: &[u32]) {
        for (probe, row) in probes.iter().zip(rows) {
            self.pairs.push(*probe, *row);
        }
    }

    fn delete(&mut self, probes: &[S::Probe<'_>], rows: Option<&[u32]>) -> u64 {
        let pairs = &mut self.pairs;
        let (asked, rows) = (Asked::<S>::of(probes), rows.map(wide));
        let named = rows.as_deref().map(Asked::of);
        asked.remove(&pairs.space, &asked.everyone(), &mut pairs.keys, &mut pairs.rows, named.as_ref())
    }

    fn ordered(&self) -> Option<&dyn Ordered<S>> {
        Some(self)
    }
}

impl<S: Space> Ordered<S> for Scan<S> {
    fn range(&self, between: &Between<'_, S>, take: Take, rows: &mut Vec<u64>) {
        let (pairs, space) = (&self.pairs, &self.pairs.space);
        let mut inside = Vec::new();
        within(space, &pairs.keys, between, |place| inside.push(place));
        inside.sort_unstable_by(|one, other| pairs.order(*one, *other));
        if take.descending {
            inside.reverse();
        }
        rows.extend(inside.into_iter().take(take.limit).map(|at| u64::from(pairs.rows[at])));
    }
}
