//! A batch of probes as those who read many keys ask it: which of you is this key?
//!
//! Keys are sifted by their heads. What passes for one of a few probes is compared with it; many probes are put into a hash
//! table once, where what passes is looked up, so that a scan for a batch costs a bit a key and one lookup for each that
//! may be asked for, whatever the size of the batch: the hash join of databases with a filter before it, the batch being
//! its smaller side.

use std::cell::OnceCell;

use crate::hash::Hash;
use crate::sift::{Heads, Same, sift};
use crate::space::{Space, Words};
use crate::{Found, Index};

/// Up to so many probes are compared one by one.
const FEW: usize = 8;
/// How many keys are looked up together.
const TOGETHER: usize = 256;
const ROWS_TOGETHER: usize = 1024;

/// Where a probe met a key.
#[derive(Debug, Clone, Copy)]
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
    table: OnceCell<(Heads, Hash<S>)>,
    hashes: OnceCell<Vec<u64>>,
}

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("batches and blocks are counted in 32 bits")
}

impl<'a, 'p, S: Space> Asked<'a, 'p, S> {
    /// These probes.
    #[must_use]
    pub fn of(probes: &'a [S::Probe<'p>]) -> Self {
        Self { probes, table: OnceCell::new(), hashes: OnceCell::new() }
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

    /// The hash of each probe.
    pub fn hashes(&self) -> &[u64] {
        self.hashes.get_or_init(|| self.probes.iter().map(|probe| S::hash(*probe)).collect())
    }

    fn table(&self) -> &(Heads, Hash<S>) {
        self.table.get_or_init(|| {
            let mut table = Hash::default();
            table.insert(self.probes, &self.everyone());
            (Heads::of::<S>(self.probes), table)
        })
    }

    /// Calls `visit(probe, place)` for each place of `keys` and each probe that equals it. Candidates are the only probes
    /// that can.
    pub fn meet(&self, space: &S, candidates: &[u32], keys: &[S::Key], mut visit: impl FnMut(u32, usize)) {
        if candidates.len() <= FEW {
            let probe = |candidate: u32| self.probes[candidate as usize];
            let heads: Vec<Same> = candidates.iter().map(|one| Same(S::probe_head(probe(*one)))).collect();
            let is_it = |candidate: u32, place: usize| space.is_beyond_head(keys[place], probe(candidate));
            let mut far = Vec::with_capacity(TOGETHER); // what is compared when its bytes have come
            sift::<S, _>(keys, &heads, |at, place| {
                let candidate = candidates[at];
                if !S::is_long(probe(candidate)) {
                    if is_it(candidate, place) {
                        visit(candidate, place);
                    }
                    return;
                }
                space.prefetch(keys[place]);
                far.push((candidate, place));
                if far.len() == TOGETHER {
                    far.drain(..).filter(|one| is_it(one.0, one.1)).for_each(|one| visit(one.0, one.1));
                }
            });
            far.drain(..).filter(|one| is_it(one.0, one.1)).for_each(|one| visit(one.0, one.1));
            return;
        }
        let (heads, table) = self.table();
        let mut places = Vec::with_capacity(TOGETHER);
        let mut found = Found::default();
        sift::<S, _>(keys, &[heads.test()], |_, place| {
            space.prefetch(keys[place]);
            places.push(place);
            if places.len() == TOGETHER {
                look_up(space, table, keys, &places, &mut found, &mut visit);
                places.clear();
            }
        });
        look_up(space, table, keys, &places, &mut found, &mut visit);
    }

    /// Takes the entries out that probes equal, where rows are named only those that hold a probe's row too, and says how
    /// many these were.
    ///
    /// Named rows tell more than keys, many of which may be alike, and so rows are sifted then, and keys compared.
    ///
    /// # Arguments
    /// - `candidates`: As in [`Asked::meet`].
    /// - `named`: The row of each probe.
    pub fn remove(
        &self,
        space: &S,
        candidates: &[u32],
        keys: &mut Vec<S::Key>,
        rows: &mut Vec<u32>,
        named: Option<&Asked<'_, '_, Words>>,
    ) -> u64 {
        let mut places = Vec::new();
        match named {
            None => self.meet(space, candidates, keys, |_, place| places.push(place)),
            Some(named) => {
                let mut wide = [0; ROWS_TOGETHER];
                for (piece, rows) in rows.chunks(ROWS_TOGETHER).enumerate() {
                    wide.iter_mut().zip(rows).for_each(|(wide, row)| *wide = u64::from(*row));
                    named.meet(&Words, candidates, &wide[..rows.len()], |probe, at| {
                        let (place, probe) = (piece * ROWS_TOGETHER + at, self.probes[probe as usize]);
                        let key = keys[place];
                        if S::head(key) == S::probe_head(probe) && space.is_beyond_head(key, probe) {
                            places.push(place);
                        }
                    });
                }
            }
        }
        places.sort_unstable();
        places.dedup();
        take_out(keys, &places);
        take_out(rows, &places);
        places.len() as u64
    }

    /// Appends the rows of all hits, probe by probe.
    pub fn collect(&self, hits: &[Hit], found: &mut Found) {
        let base = found.rows.len();
        let mut next = vec![base; self.probes.len() + 1]; // where the next row of each probe goes
        for hit in hits {
            next[hit.probe as usize + 1] += 1;
        }
        for probe in 1..next.len() {
            next[probe] += next[probe - 1] - base;
        }
        found.rows.resize(base + hits.len(), 0);
        for hit in hits {
            let place = &mut next[hit.probe as usize];
            found.rows[*place] = u64::from(hit.at);
            *place += 1;
        }
        let mut start = base;
        for end in &next[..self.probes.len()] {
            let rows = &mut found.rows[start..*end];
            if !rows.is_sorted() {
                rows.sort_unstable();
            }
            found.ends.push(i64::try_from(*end).expect("rows are counted in 63 bits"));
            start = *end;
        }
    }
}

/// Row numbers as words that are asked for.
#[must_use]
pub fn wide(rows: &[u32]) -> Vec<u64> {
    rows.iter().map(|row| u64::from(*row)).collect()
}

/// Takes ascending places out, and closes the gaps.
fn take_out<T: Copy>(values: &mut Vec<T>, places: &[usize]) {
    let mut kept = places.first().copied().unwrap_or(values.len());
    for (number, place) in places.iter().enumerate() {
        let end = places.get(number + 1).copied().unwrap_or(values.len());
        values.copy_within(place + 1..end, kept);
        kept += end - place - 1;
    }
    values.truncate(kept);
}

/// Visits the probes that each of these keys equals.
fn look_up<S: Space>(
    space: &S,
    table: &Hash<S>,
    keys: &[S::Key],
    places: &[usize],
    found: &mut Found,
    visit: &mut impl FnMut(u32, usize),
) {
    let probes: Vec<S::Probe<'_>> = places.iter().map(|place| space.probe(keys[*place])).collect();
    found.ends.clear();
    found.rows.clear();
    table.lookup(&probes, found);
    let mut start = 0;
    for (place, end) in places.iter().zip(&found.ends) {
        let end = usize::try_from(*end).expect("ends are no less than 0");
        for probe in &found.rows[start..end] {
            visit(u32::try_from(*probe).expect("probes are counted in 32 bits"), *place);
        }
        start = end;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::space::Texts;

    proptest! {
        #[test]
        fn probes_meet_the_keys_that_they_equal_and_remove_them(
            texts in prop::collection::vec("(prefixed)?[ab]{0,2}", 0..300),
            probes in prop::collection::vec("(prefixed)?[ab]{0,2}", 0..20),
            named in prop::collection::vec(0_u32..40, 20),
        ) {
            let mut space = Texts::default();
            let keys: Vec<_> = texts.iter().map(|text| space.keep(text.as_bytes())).collect();
            let rows: Vec<u32> = (0..).map(|row: u32| row * 7 % 40).take(keys.len()).collect();
            let asked_for: Vec<&[u8]> = probes.iter().map(|probe| probe.as_bytes()).collect();
            let (asked, is_it) = (Asked::<Texts>::of(&asked_for), |probe: usize, at: usize| probes[probe] == texts[at]);

            let mut met = Vec::new();
            asked.meet(&space, &asked.everyone(), &keys, |probe, place| met.push(Hit { probe, at: rows[place] }));
            let mut found = Found::default();
            asked.collect(&met, &mut found);
            let mut expected = Found::default();
            for probe in 0..probes.len() {
                (0..keys.len()).filter(|at| is_it(probe, *at)).for_each(|at| expected.push(rows[at]));
                expected.end_sorted();
            }
            prop_assert_eq!(found, expected);

            for by_row in [false, true] {
                let (mut left, mut left_rows, named_words) = (keys.clone(), rows.clone(), wide(&named[..probes.len()]));
                let named_rows = by_row.then(|| Asked::<Words>::of(&named_words));
                let gone = asked.remove(&space, &asked.everyone(), &mut left, &mut left_rows, named_rows.as_ref());
                let goes = |at: usize| (0..probes.len()).any(|p| is_it(p, at) && (!by_row || named[p] == rows[at]));
                let stay: Vec<usize> = (0..keys.len()).filter(|at| !goes(*at)).collect();
                prop_assert_eq!(gone as usize, keys.len() - stay.len());
                prop_assert_eq!(left_rows, stay.iter().map(|at| rows[*at]).collect::<Vec<_>>());
                prop_assert!(left.iter().zip(&stay).all(|(key, at)| space.probe(*key) == texts[*at].as_bytes()));
            }
        }
    }
}
