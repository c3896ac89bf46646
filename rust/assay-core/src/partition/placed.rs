//! Placements as strategies: the nodes `node-k` of a placement are the partitions.
//!
//! Every placement of the table is a strategy, but for `modulo`: hashed it is the strategy `hash`,
//! unhashed the strategy `modulo`. Source: METHODOLOGY, "Strategies", "Placements as strategies".

use crate::catalogue::Contender;
use crate::error::{Error, Result};
use crate::hash::{HashFunction, hash_keys};
use crate::keys::Keys;
use crate::memory;
use crate::partition::{Action, Distinct, Request, STRATEGIES, Strategy, check_capacities};
use crate::placement::{self, Node, Placement, Settings};
use crate::threads;

struct Placed {
    placement: Box<dyn Placement>,
    nodes: Vec<u32>,
}

/// The placement is built on the request's nodes; nothing is learned from the data, but by placements whose nodes of a key
/// depend on the other keys.
///
/// # Errors
/// If there is no placement of this name, or its settings do not suit it.
pub fn learn(name: &str, request: &Request<'_>) -> Result<Box<dyn Strategy>> {
    let placed = placement::TABLE.iter().map(|(contender, _)| contender.name);
    let Some((contender, _)) = placement::TABLE.iter().find(|(contender, _)| contender.name == name) else {
        let known: Vec<&str> = STRATEGIES.iter().map(|(contender, _)| contender.name).chain(placed).collect();
        return Err(Error::UnknownName { thing: "strategy", name: name.to_owned(), known: known.join(", ") });
    };
    let nodes = named(request.nodes, request.capacities, request.racks, contender);
    let hash = HashFunction::parse(request.text("hash", "xxh3_64")?, request.integer("seed", 0)?)?;
    let given = |name| request.integer(name, 0).map(|value| Some(value).filter(|value| *value > 0));
    let settings = Settings {
        nodes,
        hash,
        virtual_nodes: given("virtual_nodes")?,
        probes: given("probes")?,
        epsilon: request.number("epsilon")?,
        capacity: given("capacity")?,
        table_size: given("table_size")?,
        buckets: None,
        slots: None,
    };
    let placement = placement::build(name, settings)?;
    let placement =
        if contender.can(placement::DEPENDS_ON_ALL_KEYS) { of_keys(placement, request)? } else { placement };
    Ok(Box::new(Placed { placement, nodes: request.nodes.to_vec() }))
}

/// The placement of all keys that are not null.
fn of_keys(placement: Box<dyn Placement>, request: &Request<'_>) -> Result<Box<dyn Placement>> {
    let columns = request.distinct.columns;
    let mut hashes = memory::zeros(columns.first().map_or(0, Keys::len));
    hash_keys(columns, placement.hash_function(), threads::default_threads(), 0, &mut hashes)?;
    let mut row = 0;
    hashes.retain(|_| {
        row += 1;
        !columns.iter().all(|column| column.is_null(row - 1))
    });
    Ok(placement.of_keys(&mut hashes).unwrap_or(placement))
}

/// The nodes with their names; capacities are weights where the placement can weigh.
fn named(numbers: &[u32], capacities: &[f64], racks: &[Option<String>], contender: &Contender) -> Vec<Node> {
    let weight = |position: usize| capacities.get(position).filter(|_| contender.can("weights")).copied();
    numbers
        .iter()
        .enumerate()
        .map(|(position, number)| Node {
            name: format!("node-{number}"),
            weight: weight(position).unwrap_or(1.0),
            rack: racks.get(position).cloned().flatten(),
        })
        .collect()
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

    /// Only where what a placement becomes depends on what it was; others are built anew.
    #[allow(clippy::cast_possible_truncation)]
    fn change(
        &self,
        action: Action,
        _distinct: &Distinct<'_>,
        capacities: &[f64],
    ) -> Result<Option<Box<dyn Strategy>>> {
        // Those with replicas of their own are built anew, with their racks.
        let learned_anew = self.placement.contender().can("replicas");
        let Some(numbers) = action.nodes(self.nodes.len() as u32)?.filter(|_| !learned_anew) else { return Ok(None) };
        check_capacities(capacities, numbers.len())?;
        let nodes = named(&numbers, capacities, &[], self.placement.contender());
        let settings = Settings { nodes, ..self.placement.settings().clone() };
        let Some(placement) = self.placement.with_nodes(settings) else { return Ok(None) };
        Ok(Some(Box::new(Placed { placement: placement?, nodes: numbers })))
    }

    fn own_replicas(&self, columns: &[Keys<'_>], count: usize, threads: usize, out: &mut [u32]) -> Result<bool> {
        if !self.placement.contender().can("replicas") {
            return Ok(false);
        }
        out.copy_from_slice(&placement::replicas(self.placement.as_ref(), columns, count, threads)?);
        Ok(true)
    }
}
