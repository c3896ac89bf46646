//! `bloom_blocks`: a Bloom filter for each block of rows.
//!
//! Cost: about ten bits a row at a rate of 1 %; a lookup asks every block's filter and reads the blocks that may hold the
//! key, those that do and one in a hundred of the others. It works in any order of rows, for equality alone. Choose it
//! for keys of many distinct values in shuffled rows whose column is too large for a full index. Source: Bloom 1970;
//! Parquet's and ORC's Bloom filters of row groups and stripes are the same. The filter is `blocked_512`.

use assay_core::catalogue::{Contender, Domain, Parameter};
use assay_core::error::Result;
use assay_core::filter::blocked_512::Blocked512;
use assay_core::given;

use crate::asked::Asked;
use crate::blocks::{Blocks, Mark};
use crate::space::Space;
use crate::zone_map::BLOCK_ROWS;
use crate::{Between, Index, Pairs, Plan};

const RATE: Parameter = Parameter {
    name: "rate",
    default: "0.01",
    domain: Domain::Number { low: 1e-5, high: 0.5 },
    meaning: "the share of absent keys for which a block is read in vain",
};

/// What the catalogue says.
pub const CONTENDER: Contender = Contender {
    room: "index",
    name: "bloom_blocks",
    version: 1,
    idea: "A Bloom filter for each block of rows; blocks that do not hold the key are skipped, but for a few.",
    cost: "about ten bits a row at a rate of 1 %; a lookup asks each block's filter and reads those that may hold the key",
    choose_when: "keys are asked for by equality, rows are in any order, and a full index is too large",
    source: "Bloom, Space/Time Trade-offs in Hash Coding with Allowable Errors, CACM 1970; Apache Parquet, Bloom filters",
    parameters: &[BLOCK_ROWS, RATE],
    abilities: &["shares_passes", "updates"],
};

/// Builds it.
///
/// # Errors
/// If it was called off.
#[allow(clippy::cast_possible_truncation)]
pub fn build<S: Space>(pairs: Pairs<S>, plan: &Plan<'_>) -> Result<Box<dyn Index<S>>> {
    let block_rows = given::integer(plan.given, &BLOCK_ROWS);
    let empty = Blocked512::with_capacity(block_rows, given::number(plan.given, &RATE))?;
    let blocks = Blocks::<S, Blocked512>::of(pairs, empty, block_rows as usize, plan.progress)?;
    Ok(Box::new(blocks))
}

impl<S: Space> Mark<S> for Blocked512 {
    type Recipe = Blocked512;
    const KNOWS_ORDER: bool = false;

    fn empty(recipe: &Blocked512) -> Self {
        recipe.clone()
    }

    fn add(&mut self, space: &S, keys: &[S::Key]) {
        let hashes: Vec<u64> = keys.iter().map(|key| S::hash(space.probe(*key))).collect();
        self.insert(&hashes);
    }

    fn candidates(&self, _: &S, asked: &Asked<'_, '_, S>, candidates: &mut Vec<u32>) {
        candidates
            .extend((0_u32..).zip(asked.hashes()).filter_map(|(number, hash)| self.holds(*hash).then_some(number)));
    }

    fn meets(&self, _: &S, _: &Between<'_, S>) -> bool {
        true
    }

    fn memory_bytes(&self) -> u64 {
        size_of_val(self.lines()) as u64
    }
}

#[cfg(test)]
mod tests {
    use assay_core::placement::rendezvous::finalise;

    use crate::space::Words;
    use crate::{Found, Pairs, Plan, Progress};

    #[test]
    fn shuffled_rows_are_skipped_but_for_the_rate() {
        let mut pairs = Pairs::<Words>::default();
        (0..200_000_u32).for_each(|row| pairs.push(finalise(u64::from(row)), row));
        let progress = Progress::default();
        let index = super::build(pairs, &Plan { given: &[], threads: 1, progress: &progress }).unwrap();
        let absent: Vec<u64> = (1_000_000..1_001_000).map(finalise).collect();
        let mut found = Found::default();
        index.lookup(&absent, &mut found);
        assert_eq!(found.rows, [0; 0]);
        let skipped = index.statistics().iter().find(|one| one.0 == "rows_skipped_share").unwrap().1;
        assert!((0.988..0.999).contains(&skipped), "{skipped}");
    }
}
