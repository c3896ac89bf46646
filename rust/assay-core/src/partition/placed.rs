//! Placements as strategies: the nodes `node-k` of a placement are the partitions.
//!
//! Every placement of the table is a strategy, but for `modulo`: hashed it is the strategy `hash`,
//! unhashed the strategy `modulo`. Source: METHODOLOGY, "Strategies", "Placements as strategies".

use crate::error::{Error, Result};
use crate::hash::HashFunction;
use crate::keys::Keys;
use crate::partition::{Request, STRATEGIES, Strategy};
use crate::placement::{self, Node, Placement, Settings, ring};

struct Placed {
    placement: Box<dyn Placement>,
    nodes: Vec<u32>,
}

/// Nothing is learned from the data: the placement is built on the request's nodes.
///
/// # Errors
/// If there is no placement of this name, or its settings do not suit it.
pub fn learn(name: &str, request: &Request<'_>) -> Result<Box<dyn Strategy>> {
    let placed = placement::TABLE.iter().map(|(contender, _)| contender.name);
    if !placed.clone().any(|known| known == name) {
        let known: Vec<&str> = STRATEGIES.iter().map(|(contender, _)| contender.name).chain(placed).collect();
        return Err(Error::UnknownName { thing: "strategy", name: name.to_owned(), known: known.join(", ") });
    }
    let nodes = request.nodes.iter().map(|number| Node::new(format!("node-{number}"))).collect();
    let hash = HashFunction::parse(request.text("hash", "xxh3_64")?, request.integer("seed", 0)?)?;
    let virtual_nodes = request.integer("virtual_nodes", ring::VIRTUAL_NODES_DEFAULT)?;
    let table_size = match request.integer("table_size", 0)? {
        0 => None,
        size => Some(size),
    };
    let settings = Settings { nodes, hash, virtual_nodes, table_size };
    Ok(Box::new(Placed { placement: placement::build(name, settings)?, nodes: request.nodes.to_vec() }))
}

impl Strategy for Placed {
    fn nodes(&self) -> &[u32] {
        &self.nodes
    }

    fn assign(&self, columns: &[Keys<'_>], _first_row: u64, threads: usize, out: &mut [u32]) -> Result<()> {
        placement::lookup(self.placement.as_ref(), columns, threads, out)?;
        if columns.iter().all(Keys::may_be_null) {
            for (row, slot) in out.iter_mut().enumerate() {
                if columns.iter().all(|column| column.is_null(row)) {
                    *slot = 0;
                }
            }
        }
        Ok(())
    }

    fn routing_bytes(&self) -> u64 {
        self.placement.memory_bytes()
    }
}
