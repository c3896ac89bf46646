//! Reading the memtable and the runs of a log-structured merge tree as one.

use std::ops::Range;

use assay_core::memory;

use super::Lsm;
use super::part::{Part, hides, rows_of};
use crate::run::Run;
use crate::space::Space;
use crate::{Between, Found, Index, NONE, Ordered, Take};

/// How many probes go through the runs together: a word of bits of a filter's answers.
const LANES: usize = 64;

/// What is known of a probe so far.
#[derive(Debug, Default, Clone)]
struct Lane {
    /// Rows that runs hold and no tombstone hides.
    held: Vec<u32>,
    /// Tombstones that came after what is read next.
    gone: Vec<u32>,
}

impl Lane {
    /// Whether tombstones hide whatever is older.
    fn is_over(&self) -> bool {
        self.gone.last() == Some(&NONE)
    }
}

/// The rows of each probe of a batch, in its order.
fn spans(found: &Found) -> impl Iterator<Item = &[u64]> {
    let mut start = 0;
    found.ends.iter().map(move |end| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let end = *end as usize;
        let rows = &found.rows[start..end];
        start = end;
        rows
    })
}

impl<S: Space> Lsm<S> {
    /// Calls `visit` with the number of each probe, its rows in the memtable, and those that runs hold.
    pub(super) fn for_each(&self, probes: &[S::Probe<'_>], mut visit: impl FnMut(usize, &[u64], &[u32])) {
        let mut lanes = vec![Lane::default(); LANES.min(probes.len())];
        let mut fresh = Found::with_capacity(LANES);
        for (batch, probes) in probes.chunks(LANES).enumerate() {
            fresh.ends.clear();
            fresh.rows.clear();
            self.fresh.lookup(probes, &mut fresh);
            self.ask_runs(probes, &mut lanes);
            for (at, (rows, lane)) in spans(&fresh).zip(&lanes).enumerate() {
                visit(batch * LANES + at, rows, &lane.held);
            }
        }
    }

    /// What runs hold of up to [`LANES`] probes: each run is asked for all of them, so that they wait for memory together.
    fn ask_runs(&self, probes: &[S::Probe<'_>], lanes: &mut [Lane]) {
        for lane in lanes.iter_mut() {
            lane.held.clear();
            lane.gone.clear();
        }
        if self.gone.len() > 0 {
            let mut found = Found::with_capacity(probes.len());
            self.gone.lookup(probes, &mut found);
            for (lane, rows) in lanes.iter_mut().zip(spans(&found)) {
                #[allow(clippy::cast_possible_truncation)] // rows are of 32 bits
                lane.gone.extend(rows.iter().map(|row| *row as u32));
            }
        }
        let mut hashes = [0; LANES];
        for (hash, probe) in hashes.iter_mut().zip(probes) {
            *hash = S::hash(*probe);
        }
        let (mut numbers, mut asked, mut places) = ([0; LANES], Vec::with_capacity(LANES), [0; LANES]);
        for part in self.parts() {
            let mut may_hold = [0];
            part.may_hold_of(&hashes[..probes.len()], &mut may_hold);
            asked.clear();
            for (at, probe) in probes.iter().enumerate() {
                if may_hold[0] >> at & 1 == 1 && !lanes[at].is_over() {
                    numbers[asked.len()] = at;
                    asked.push(*probe);
                }
            }
            let places = &mut places[..asked.len()];
            part.lower_bounds(&asked, places);
            for place in &*places {
                if let Some(row) = part.entries.rows().get(*place as usize) {
                    memory::prefetch(row);
                }
            }
            for ((probe, start), at) in asked.iter().zip(places).zip(numbers) {
                part.read(*probe, *start as usize, &mut lanes[at]);
            }
        }
    }

    /// Appends the rows of a key that runs hold and no tombstone hides.
    pub(super) fn held_by_runs(&self, probe: S::Probe<'_>, held: &mut Vec<u32>) {
        let mut lane = [Lane::default()];
        self.ask_runs(&[probe], &mut lane);
        held.extend_from_slice(&lane[0].held);
    }
}

impl<S: Space> Part<S> {
    /// Reads what it says of a probe, whose first place among the entries is known.
    #[inline]
    fn read(&self, probe: S::Probe<'_>, start: usize, lane: &mut Lane) {
        let rows = &self.entries.rows()[start..self.entries.end_of(start, probe)];
        if lane.gone.is_empty() {
            lane.held.extend_from_slice(rows);
        } else {
            lane.held.extend(rows.iter().filter(|row| !hides(&lane.gone, **row)));
        }
        if !self.gone.is_empty() {
            lane.gone.extend_from_slice(rows_of(&self.gone, probe));
            lane.gone.sort_unstable();
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
    fn of(run: &'a Run<S>, places: Range<usize>) -> Self {
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
        let runs = self.parts().map(|part| {
            let places = part.entries.places(between, |probe| part.lower_bound(probe));
            Source::of(&part.entries, places)
        });
        let mut sources: Vec<Source<'_, S>> = std::iter::once(Source::of(&fresh, 0..fresh.len())).chain(runs).collect();
        // What a single run holds, and nothing newer hides, lies there in order.
        let mut held = sources.iter().enumerate().filter(|(_, source)| source.start < source.end);
        if let (Some((number, source)), None) = (held.next(), held.next())
            && tombstones[..number].iter().all(|gone| gone.is_empty())
        {
            return source.run.take(source.start..source.end, take, rows);
        }
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
