//! `pgm`: lines that say where in the order a key lies, to within so many places, and lines over the lines.
//!
//! Cost: a line or two a level and a binary search among twice `error` keys, which those of a batch go through step by step
//! together; the smoother the keys are distributed, the
//! fewer lines, down to a hundredth of a byte a key. Of keys of bytes the first eight are learned, and keys that share
//! them are told apart by search. A change copies everything and learns anew. Choose it for sorted columns whose memory is
//! short. Source: Ferragina and Vinciguerra, The PGM-index, VLDB 2020 (levels of lines over lines); each line is drawn
//! as far as a cone of slopes reaches, Galakatos et al., FITing-Tree, SIGMOD 2019, which takes some more lines than the
//! fewest.

mod lines;

use assay_core::catalogue::{Contender, Domain, Parameter};
use assay_core::error::Result;
use assay_core::{given, memory};

use crate::fences::gallop;
use crate::rank::{self, BLOCK, Rank, Search};
use crate::run::Run;
use crate::space::Space;
use crate::{Between, Found, Index, Ordered, Pairs, Plan, Progress, Take};
use lines::{Line, learn, line_of, near};

/// How far off a line may be.
pub const ERROR: Parameter = Parameter {
    name: "error",
    default: "64",
    domain: Domain::Integer { low: 1, high: 1 << 20 },
    meaning: "how many places a prediction may be off",
};

/// What the catalogue says.
pub const CONTENDER: Contender = Contender {
    room: "index",
    name: "pgm",
    version: 1,
    idea: "Lines learned from the keys predict each key's place to within a bound; lines over lines lead to them.",
    cost: "one line a level and a search among twice error keys; well below 0.2 bytes a key where keys are smooth",
    choose_when: "the column is written once, its keys are numbers, and memory is short",
    source: "Ferragina and Vinciguerra, The PGM-index: a fully-dynamic compressed learned index with provable worst-case \
             bounds, VLDB 2020",
    parameters: &[ERROR],
    abilities: &["ordered", "static"],
};

/// How many probes are predicted before the first is looked at.
const LANES: usize = 32;
const LINE_BYTES: usize = 64;

/// Builds it.
///
/// # Errors
/// If it was called off.
#[allow(clippy::cast_possible_truncation)]
pub fn build<S: Space>(pairs: Pairs<S>, plan: &Plan<'_>) -> Result<Box<dyn Index<S>>> {
    let error = given::integer(plan.given, &ERROR) as usize;
    let run = Run::build(pairs, plan)?;
    let levels = learn(run.len(), |at| S::head(run.keys()[at]), error, plan.progress)?;
    Ok(Box::new(Pgm { run, levels, error }))
}

#[derive(Debug)]
struct Pgm<S: Space> {
    run: Run<S>,
    levels: Vec<Vec<Line>>,
    error: usize,
}

impl<S: Space> Pgm<S> {
    /// Where a head is predicted.
    #[inline(always)]
    fn guess(&self, head: u64) -> usize {
        let mut line = 0;
        for pair in self.levels.windows(2) {
            line = line_of(&pair[1], pair[0][line].predict(head) + 1, head);
        }
        let lines = &self.levels[self.levels.len() - 1];
        let Some(here) = lines.get(line) else { return 0 };
        // No key of this line lies beyond the first of the next.
        here.predict(head).min(lines.get(line + 1).map_or(self.run.len(), |next| next.place as usize))
    }

    fn lower_bounds(&self, probes: &[S::Probe<'_>], places: &mut [u32]) {
        rank::run(Bounds { pgm: self, probes, places });
    }

    fn lower_bound(&self, probe: S::Probe<'_>) -> usize {
        let mut place = [0];
        self.lower_bounds(&[probe], &mut place);
        place[0] as usize
    }

    fn learned_bytes(&self) -> u64 {
        self.levels.iter().map(|lines| (lines.capacity() * size_of::<Line>()) as u64).sum()
    }

    fn changed(&mut self) {
        let key = |at: usize| S::head(self.run.keys()[at]);
        self.levels = learn(self.run.len(), key, self.error, &Progress::default()).expect("nobody calls it off");
    }
}

/// A batch of probes, and where their first places go.
struct Bounds<'a, 'p, S: Space> {
    pgm: &'a Pgm<S>,
    probes: &'a [S::Probe<'p>],
    places: &'a mut [u32],
}

impl<S: Space> Search for Bounds<'_, '_, S> {
    type Output = ();

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // places are of 32 bits
    fn run<R: Rank>(self) {
        let (pgm, keys, space) = (self.pgm, self.pgm.run.keys(), self.pgm.run.space());
        // So many keys are looked among, in whole blocks, or all that there are.
        let width = (2 * pgm.error).next_multiple_of(BLOCK).min(keys.len());
        let less = |at: usize, head: u64| S::head(keys[at]) < head;
        for (probes, places) in self.probes.chunks(LANES).zip(self.places.chunks_mut(LANES)) {
            let (mut heads, mut starts) = ([0; LANES], [0; LANES]);
            for ((head, start), probe) in heads.iter_mut().zip(&mut starts).zip(probes) {
                *head = S::probe_head(*probe);
                *start = pgm.guess(*head).saturating_sub(pgm.error).min(keys.len() - width);
                if width > BLOCK {
                    memory::prefetch(&keys[*start + width / 2 - 1]);
                }
            }
            let (heads, mut lanes) = (&heads[..probes.len()], starts);
            let mut rest = width;
            while rest > BLOCK {
                let half = rest / 2;
                rest -= half;
                for (lane, head) in lanes.iter_mut().zip(heads) {
                    *lane += std::hint::select_unpredictable(less(*lane + half - 1, *head), half, 0);
                    if rest > BLOCK {
                        memory::prefetch(&keys[*lane + rest / 2 - 1]);
                    } else {
                        let last = (*lane + BLOCK).min(keys.len()) - 1;
                        for at in (*lane..last).step_by(LINE_BYTES / size_of::<S::Key>()).chain([last]) {
                            memory::prefetch(&keys[at]);
                        }
                    }
                }
            }
            for ((at, (head, probe)), place) in heads.iter().zip(probes).enumerate().zip(places) {
                let (low, high) = (starts[at], starts[at] + width);
                let block = lanes[at].min(keys.len().saturating_sub(BLOCK));
                let among = &keys[block..keys.len().min(block + BLOCK)];
                let before = match S::heads(among).and_then(|heads| heads.first_chunk()) {
                    Some(heads) => R::rank(heads, *head),
                    None => among.partition_point(|key| S::head(*key) < *head),
                };
                let mut start = block + before;
                // At an end of what was looked among, the guess may have been off by more.
                let is_sure = (start > low || low == 0 || less(low - 1, *head))
                    && (start < high || high == keys.len() || !less(high, *head));
                if !is_sure {
                    start = near(keys.len(), start, pgm.error, |at| less(at, *head));
                }
                *place = if S::HEAD_IS_ALL { start } else { gallop(space, keys, start, *probe) } as u32;
            }
        }
    }
}

impl<S: Space> Index<S> for Pgm<S> {
    fn len(&self) -> u64 {
        self.run.len() as u64
    }

    fn memory_bytes(&self) -> u64 {
        self.run.memory_bytes() + self.learned_bytes()
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
        vec![
            ("levels", self.levels.len() as f64),
            ("segments", self.levels[self.levels.len() - 1].len() as f64),
            ("learned_bytes", self.learned_bytes() as f64),
        ]
    }
}

impl<S: Space> Ordered<S> for Pgm<S> {
    fn range(&self, between: &Between<'_, S>, take: Take, rows: &mut Vec<u64>) {
        self.run.take(self.run.places(between, |probe| self.lower_bound(probe)), take, rows);
    }

    fn ranges(&self, betweens: &[Between<'_, S>], found: &mut Found) {
        self.run.ranges(betweens, found, |probes, places| self.lower_bounds(probes, places));
    }
}

#[cfg(test)]
mod tests {
    use assay_core::lanes::Path;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn every_path_finds_first_places_whatever_the_error(
            mut keys in prop::collection::vec(
                prop_oneof![0_u64..40, 1_u64 << 40..1 << 41, any::<u64>(), Just(u64::MAX)],
                0..3_000,
            ),
            probes in prop::collection::vec(prop_oneof![0_u64..42, 1_u64 << 40..1 << 41, any::<u64>(), Just(u64::MAX)], 1..80),
            error in prop_oneof![1_usize..100, Just(5_000)],
            off in 0_usize..40,
        ) {
            keys.sort_unstable();
            let mut pairs = Pairs::<crate::space::Words>::default();
            keys.iter().for_each(|key| pairs.push(*key, 0));
            let run = Run::of(pairs);
            // Lines that are off by more than is looked among, so that ends are seen to be none.
            let levels = learn(run.len(), |at| run.keys()[at], error + off, &Progress::default()).unwrap();
            let pgm = Pgm { run, levels, error };
            let expected: Vec<u32> =
                probes.iter().map(|probe| u32::try_from(keys.partition_point(|key| key < probe)).unwrap()).collect();
            for path in Path::available() {
                let mut places = vec![7; probes.len()];
                rank::run_on(path, Bounds { pgm: &pgm, probes: &probes, places: &mut places });
                prop_assert_eq!(&places, &expected, "{:?}", path);
            }
        }
    }
}
