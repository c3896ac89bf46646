//! `zone_map`: the least and the greatest key of each block of rows.
//!
//! Cost: two keys a block and nothing a row; a lookup compares with every block's two and reads those that may hold the
//! key. It skips much where rows lie in the order of the key, or nearly, and nothing where they are shuffled. Choose it
//! for columns that follow the order of arrival, such as times. Source: Moerkotte, Small Materialized Aggregates, VLDB
//! 1998; Parquet's statistics of row groups and pages are the same.

use assay_core::catalogue::{Contender, Domain, Parameter};
use assay_core::error::Result;
use assay_core::given;

use crate::asked::Asked;
use crate::blocks::{Blocks, Mark};
use crate::space::Space;
use crate::{Between, Index, Pairs, Plan};

/// How many rows share a zone.
pub const BLOCK_ROWS: Parameter = Parameter {
    name: "block_rows",
    default: "4096",
    domain: Domain::Integer { low: 1, high: 1 << 24 },
    meaning: "the rows of a block",
};

/// What the catalogue says.
pub const CONTENDER: Contender = Contender {
    room: "index",
    name: "zone_map",
    version: 1,
    idea: "The least and the greatest key of each block of rows; blocks that cannot hold the key are skipped.",
    cost: "two keys a block; a lookup compares with each block and reads those that may hold the key",
    choose_when: "rows lie nearly in the order of the key, such as times of arrival",
    source: "Moerkotte, Small Materialized Aggregates: A Light Weight Index Structure for Data Warehousing, VLDB 1998",
    parameters: &[BLOCK_ROWS],
    abilities: &["ordered", "shares_passes", "updates"],
};

/// Builds it.
///
/// # Errors
/// If it was called off.
#[allow(clippy::cast_possible_truncation)]
pub fn build<S: Space>(pairs: Pairs<S>, plan: &Plan<'_>) -> Result<Box<dyn Index<S>>> {
    let blocks = Blocks::<S, Zone<S>>::of(pairs, (), given::integer(plan.given, &BLOCK_ROWS) as usize, plan.progress)?;
    Ok(Box::new(blocks))
}

/// The least and the greatest key.
#[derive(Debug)]
struct Zone<S: Space> {
    ends: Option<(S::Key, S::Key)>,
}

impl<S: Space> Mark<S> for Zone<S> {
    type Recipe = ();
    const KNOWS_ORDER: bool = true;

    fn empty((): &()) -> Self {
        Self { ends: None }
    }

    fn add(&mut self, space: &S, keys: &[S::Key]) {
        for key in keys {
            self.ends = Some(self.ends.map_or((*key, *key), |(low, high)| {
                (
                    if space.order(*key, low).is_lt() { *key } else { low },
                    if space.order(*key, high).is_gt() { *key } else { high },
                )
            }));
        }
    }

    fn candidates(&self, space: &S, asked: &Asked<'_, '_, S>, candidates: &mut Vec<u32>) {
        let Some((low, high)) = self.ends else { return };
        candidates.extend((0_u32..).zip(asked.probes()).filter_map(|(number, probe)| {
            (space.compare(low, *probe).is_le() && space.compare(high, *probe).is_ge()).then_some(number)
        }));
    }

    fn meets(&self, space: &S, between: &Between<'_, S>) -> bool {
        self.ends.is_some_and(|(low, high)| !between.is_below(space, high) && !between.is_above(space, low))
    }

    fn memory_bytes(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use crate::space::Words;
    use crate::{Found, Pairs, Plan, Progress};

    #[test]
    fn a_column_in_order_is_skipped_but_for_one_block() {
        let mut pairs = Pairs::<Words>::default();
        (0..40_960_u32).for_each(|row| pairs.push(u64::from(row) * 3, row));
        let progress = Progress::default();
        let index = super::build(pairs, &Plan { given: &[], threads: 1, progress: &progress }).unwrap();
        let mut found = Found::default();
        index.lookup(&[3 * 5_000, 3 * 5_000 + 1, 3 * 4096, u64::MAX], &mut found);
        assert_eq!((found.rows, found.ends), (vec![5_000, 4_096], vec![1, 1, 2, 2]));
        let said = index.statistics();
        // Three of the four probes read one of ten blocks, the fourth none.
        assert!(said.contains(&("rows_skipped_share", 0.925)), "{said:?}");
        assert!(said.contains(&("blocks", 10.0)));
    }
}
