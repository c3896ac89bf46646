//! Merging runs: what newer tombstones hide stays behind.

use super::part::{Part, hides};
use crate::run::Run;
use crate::space::Space;
use crate::{Pairs, Progress};

/// One run of several, the newest first, if anything is left; tombstones leave if there is nothing older to hide.
pub fn merge<S: Space>(parts: Vec<Part<S>>, is_oldest: bool, rate: f64) -> Option<Part<S>> {
    let mut parts = parts.into_iter();
    let newest = parts.next()?;
    let (mut entries, mut gone) = (newest.entries, newest.gone);
    for older in parts {
        entries = Run::of(entries_of(&entries, &gone, &older.entries));
        gone = Run::of(union(&gone, &older.gone));
    }
    let gone = if is_oldest { Pairs::default() } else { gone.into_pairs() };
    if entries.is_empty() && gone.is_empty() {
        return None;
    }
    Some(Part::of(entries.into_pairs(), gone, rate, &Progress::default()).expect("nobody calls it off"))
}

/// The entries of a newer and an older run in order, without those of the older one that tombstones hide.
fn entries_of<S: Space>(newer: &Run<S>, gone: &Run<S>, older: &Run<S>) -> Pairs<S> {
    let mut merged = with_capacity(newer.len() + older.len());
    let (mut taken, mut passed) = (0, 0);
    let mut tombstones = 0..0;
    for (at, (key, row)) in older.keys().iter().zip(older.rows()).enumerate() {
        let probe = older.space().probe(*key);
        if !gone.is_empty() {
            if at == 0 || older.space().compare(older.keys()[at - 1], probe).is_ne() {
                while passed < gone.len() && gone.space().compare(gone.keys()[passed], probe).is_lt() {
                    passed += 1;
                }
                tombstones = passed..gone.end_of(passed, probe);
            }
            if hides(&gone.rows()[tombstones.clone()], *row) {
                continue;
            }
        }
        while taken < newer.len() && {
            let order = newer.space().compare(newer.keys()[taken], probe);
            order.then(newer.rows()[taken].cmp(row)).is_le()
        } {
            merged.push(newer.space().probe(newer.keys()[taken]), newer.rows()[taken]);
            taken += 1;
        }
        merged.push(probe, *row);
    }
    for (key, row) in newer.keys()[taken..].iter().zip(&newer.rows()[taken..]) {
        merged.push(newer.space().probe(*key), *row);
    }
    merged
}

/// Tombstones of two runs in order, each once.
fn union<S: Space>(one: &Run<S>, other: &Run<S>) -> Pairs<S> {
    let mut all = entries_of(one, &Run::default(), other);
    let mut kept = 0;
    for at in 0..all.len() {
        if kept == 0 || all.order(kept - 1, at).is_ne() {
            (all.keys[kept], all.rows[kept]) = (all.keys[at], all.rows[at]);
            kept += 1;
        }
    }
    all.keys.truncate(kept);
    all.rows.truncate(kept);
    all
}

fn with_capacity<S: Space>(entries: usize) -> Pairs<S> {
    Pairs { space: S::default(), keys: Vec::with_capacity(entries), rows: Vec::with_capacity(entries) }
}
