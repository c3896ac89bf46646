//! Composite partitioning: one strategy at F, within it another at n / F.
//!
//! Cost: both strategies. Choose it to keep one column's locality (a region, a day) while
//! spreading what falls into it. Source: METHODOLOGY, "Strategies": partition = a·(n/F) + b.

use std::sync::Arc;

use crate::catalogue::{Contender, Domain, Parameter};
use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::memory;
use crate::partition::{NODES_HIGH, Strategy};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "partition",
    name: "composite",
    version: 1,
    idea: "One strategy at F partitions, within each of them another at n / F.",
    cost: "both strategies",
    choose_when: "one column should stay together and what falls into it should spread",
    source: "Oracle, MySQL and PostgreSQL manuals: composite partitioning, subpartitioning",
    parameters: &[Parameter {
        name: "first",
        default: "",
        domain: Domain::Integer { low: 1, high: 1 << 20 },
        meaning: "F, a divisor of n; default the largest divisor at most min(distinct(a), sqrt(n))",
    }],
    abilities: &["keyed", "compound", "nests"],
};

/// Two strategies, one within the other; the first takes the first columns.
pub struct Composite {
    first: Arc<dyn Strategy>,
    second: Arc<dyn Strategy>,
    first_columns: usize,
    nodes: Vec<u32>,
}

impl Composite {
    /// A composite of `first` on the first `first_columns` columns and `second` on the rest.
    ///
    /// # Errors
    /// If there are not as many nodes as partitions.
    pub fn new(
        first: Arc<dyn Strategy>,
        second: Arc<dyn Strategy>,
        first_columns: usize,
        nodes: Vec<u32>,
    ) -> Result<Self> {
        let (outer, inner) = (first.nodes().len(), second.nodes().len());
        if outer.checked_mul(inner) != Some(nodes.len()) || nodes.len() > NODES_HIGH as usize {
            return Err(Error::Parameter(format!(
                "composite: there are {} nodes for {outer} x {inner} partitions; expected one for each, at most \
                 {NODES_HIGH}",
                nodes.len()
            )));
        }
        Ok(Self { first, second, first_columns, nodes })
    }
}

impl Strategy for Composite {
    fn nodes(&self) -> &[u32] {
        &self.nodes
    }

    #[allow(clippy::cast_possible_truncation)]
    fn assign(&self, columns: &[Keys<'_>], first_row: u64, threads: usize, out: &mut [u32]) -> Result<()> {
        let Some((first, second)) = columns.split_at_checked(self.first_columns) else {
            return Err(Error::Parameter(format!(
                "composite: the key has {} columns; expected {} for the first strategy alone",
                columns.len(),
                self.first_columns
            )));
        };
        let mut outer = memory::zeros(out.len());
        self.first.assign(first, first_row, threads, &mut outer)?;
        self.second.assign(second, first_row, threads, out)?;
        let width = self.second.nodes().len() as u32;
        for (slot, outer) in out.iter_mut().zip(outer) {
            *slot += outer * width;
        }
        Ok(())
    }

    fn routing_bytes(&self) -> u64 {
        self.first.routing_bytes() + self.second.routing_bytes()
    }

    fn directory_entries(&self) -> Option<u64> {
        let (first, second) = (self.first.directory_entries(), self.second.directory_entries());
        first.map_or(second, |first| Some(first + second.unwrap_or(0)))
    }

    fn keyed(&self) -> bool {
        self.first.keyed() && self.second.keyed()
    }
}
