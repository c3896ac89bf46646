//! A batch of probes as those who read many keys ask it: which of you is this key?
//!
//! A few probes are compared one by one, many are put into a hash table once, so that a scan for a batch costs one lookup
//! a key whatever the size of the batch: the hash join of databases, with the batch as its smaller side.

use std::cell::OnceCell;

use crate::hash::Hash;
use crate::space::Space;
use crate::{Found, Index};

/// Up to so many probes are compared one by one.
const FEW: usize = 16;

/// Where a probe met a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hit {
    /// The number of the probe.
    pub probe: u32,
    /// The row of the key, or its place.
    pub at: u32,
}

/// A batch of probes.
#[derive(Debug)]
pub struct Asked<'a, 'p, S: Space> {
    probes: &'a [S::Probe<'p>],
    table: OnceCell<Hash<S>>,
}

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("batches and blocks are counted in 32 bits")
}

impl<'a, 'p, S: Space> Asked<'a, 'p, S> {
    /// These probes.
    #[must_use]
    pub fn of(probes: &'a [S::Probe<'p>]) -> Self {
        Self { probes, table: OnceCell::new() }
    }

    /// The probes.
    #[must_use]
    pub fn probes(&self) -> &'a [S::Probe<'p>] {
        self.probes
    }

    /// The numbers of all probes.
    #[must_use]
    pub fn everyone(&self) -> Vec<u32> {
        (0..number(self.probes.len())).collect()
    }

    fn table(&self) -> &Hash<S> {
        self.table.get_or_init(|| {
            let mut table = Hash::default();
            table.insert(self.probes, &self.everyone());
            table
        })
    }

    /// Calls `visit(probe, place)` for each place of `keys` and each probe that equals it. Candidates are the only probes
    /// that can.
    pub fn meet(&self, space: &S, candidates: &[u32], keys: &[S::Key], mut visit: impl FnMut(u32, usize)) {
        if candidates.len() <= FEW {
            for candidate in candidates {
                let probe = self.probes[*candidate as usize];
                for (place, key) in keys.iter().enumerate() {
                    if space.compare(*key, probe).is_eq() {
                        visit(*candidate, place);
                    }
                }
            }
            return;
        }
        const PIECE: usize = 256;
        let table = self.table();
        let mut found = Found::default();
        for (piece, keys) in keys.chunks(PIECE).enumerate() {
            let probes: Vec<S::Probe<'_>> = keys.iter().map(|key| space.probe(*key)).collect();
            found.ends.clear();
            found.rows.clear();
            table.lookup(&probes, &mut found);
            let mut start = 0;
            for (index, end) in found.ends.iter().enumerate() {
                let end = usize::try_from(*end).expect("ends are no less than 0");
                for probe in &found.rows[start..end] {
                    #[allow(clippy::cast_possible_truncation)]
                    visit(*probe as u32, piece * PIECE + index);
                }
                start = end;
            }
        }
    }

    /// Appends the rows of all hits, probe by probe.
    pub fn collect(&self, mut hits: Vec<Hit>, found: &mut Found) {
        hits.sort_unstable();
        let mut hits = hits.into_iter().peekable();
        for probe in 0..number(self.probes.len()) {
            while let Some(hit) = hits.next_if(|hit| hit.probe == probe) {
                found.push(hit.at);
            }
            found.end();
        }
    }
}
