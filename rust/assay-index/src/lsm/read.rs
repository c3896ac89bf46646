//! Reading the memtable and the runs of a log-structured merge tree as one.

use super::Lsm;
use super::part::{Part, hides, rows_of};
use crate::run::Run;
use crate::space::Space;
use crate::{Between, Found, Index, NONE, Ordered, Take};

impl<S: Space> Lsm<S> {
    /// Appends the rows of each probe.
    pub(super) fn find(&self, probes: &[S::Probe<'_>], found: &mut Found) {
        let mut fresh = Found::with_capacity(probes.len());
        self.fresh.lookup(probes, &mut fresh);
        let mut held = Vec::new();
        let mut start = 0;
        for (probe, end) in probes.iter().zip(fresh.ends) {
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let end = end as usize;
            found.rows.extend_from_slice(&fresh.rows[start..end]);
            held.clear();
            self.held_by_runs(*probe, &mut held);
            found.extend(&held);
            found.end_sorted();
            start = end;
        }
    }

    /// Appends the rows of a key that runs hold and no tombstone hides.
    pub(super) fn held_by_runs(&self, probe: S::Probe<'_>, held: &mut Vec<u32>) {
        let mut gone: Vec<u32> = Vec::new();
        if self.gone.len() > 0 {
            let mut found = Found::default();
            self.gone.lookup(&[probe], &mut found);
            #[allow(clippy::cast_possible_truncation)]
            gone.extend(found.rows.iter().map(|row| *row as u32));
        }
        let hash = S::hash(probe);
        for part in self.parts().filter(|part| part.may_hold(hash)) {
            if gone.last() == Some(&NONE) {
                return;
            }
            held.extend(rows_of(&part.entries, probe).iter().filter(|row| !hides(&gone, **row)));
            if !part.gone.is_empty() {
                gone.extend_from_slice(rows_of(&part.gone, probe));
                gone.sort_unstable();
            }
        }
    }
}

/// What is left of a run within a range.
struct Source<'a, S: Space> {
    run: &'a Run<S>,
    start: usize,
    end: usize,
}

impl<'a, S: Space> Source<'a, S> {
    fn of(run: &'a Run<S>, between: &Between<'_, S>) -> Self {
        let places = run.places(between, |probe| run.lower_bound(probe));
        Self { run, start: places.start, end: places.end }
    }

    /// The entry that is next from this end.
    fn next(&self, descending: bool) -> Option<(S::Probe<'a>, u32)> {
        let at = if descending { self.end.checked_sub(1)? } else { self.start };
        (self.start < self.end).then(|| (self.run.space().probe(self.run.keys()[at]), self.run.rows()[at]))
    }

    fn pass(&mut self, descending: bool) {
        if descending { self.end -= 1 } else { self.start += 1 }
    }
}

impl<S: Space> Ordered<S> for Lsm<S> {
    fn range(&self, between: &Between<'_, S>, take: Take, rows: &mut Vec<u64>) {
        let fresh = Run::of(self.fresh.pairs_between(between));
        let gone = Run::of(self.gone.pairs_between(between));
        // The tombstones that came after each source's entries are those before it here.
        let tombstones: Vec<&Run<S>> =
            std::iter::once(&gone).chain(self.parts().map(|part: &Part<S>| &part.gone)).collect();
        let runs = std::iter::once(&fresh).chain(self.parts().map(|part| &part.entries));
        let mut sources: Vec<Source<'_, S>> = runs.map(|run| Source::of(run, between)).collect();
        let mut left = take.limit;
        while left > 0 {
            let mut best: Option<(usize, S::Probe<'_>, u32)> = None;
            for (number, source) in sources.iter().enumerate() {
                let Some((probe, row)) = source.next(take.descending) else { continue };
                let is_better = best.is_none_or(|best| {
                    let order = S::order_probes(probe, best.1).then(row.cmp(&best.2));
                    if take.descending { order.is_gt() } else { order.is_lt() }
                });
                if is_better {
                    best = Some((number, probe, row));
                }
            }
            let Some((number, probe, row)) = best else { return };
            sources[number].pass(take.descending);
            let is_hidden =
                tombstones[..number].iter().any(|gone| !gone.is_empty() && hides(rows_of(gone, probe), row));
            if !is_hidden {
                rows.push(row.into());
                left -= 1;
            }
        }
    }
}
