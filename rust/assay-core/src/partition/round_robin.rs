//! Round robin: the row's number modulo n.
//!
//! Cost: a counter. Choose it to spread rows evenly when nobody asks for single keys: every query
//! asks every partition, and no join is local. Source: DeWitt et al. 1990 (Gamma).

use crate::catalogue::Contender;
use crate::error::Result;
use crate::keys::Keys;
use crate::partition::{Request, Strategy};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "partition",
    name: "round_robin",
    version: 1,
    idea: "The row's global number modulo the number of partitions.",
    cost: "a counter; no state",
    choose_when: "rows must spread evenly and queries read everything",
    source: "DeWitt et al. 1990, \"The Gamma Database Machine Project\"",
    parameters: &[],
    abilities: &["by_row"],
};

struct RoundRobin {
    nodes: Vec<u32>,
}

/// Nothing is learned.
pub fn learn(request: &Request<'_>) -> Result<Box<dyn Strategy>> {
    Ok(Box::new(RoundRobin { nodes: request.nodes.to_vec() }))
}

impl Strategy for RoundRobin {
    fn nodes(&self) -> &[u32] {
        &self.nodes
    }

    #[allow(clippy::cast_possible_truncation)]
    fn assign(&self, _columns: &[Keys<'_>], first_row: u64, _threads: usize, out: &mut [u32]) -> Result<()> {
        let n = self.nodes.len() as u64;
        let mut partition = first_row % n;
        for slot in out {
            *slot = partition as u32;
            partition += 1;
            if partition == n {
                partition = 0;
            }
        }
        Ok(())
    }

    fn routing_bytes(&self) -> u64 {
        0
    }

    fn keyed(&self) -> bool {
        false
    }
}
