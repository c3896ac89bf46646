//! On which partitions a row's copies live: a placement's own rule, or a chain through the nodes.
//!
//! Ring and rendezvous say themselves where replicas go. For every other strategy the copies follow the
//! partition in the order of the nodes, around the end: first those on racks not seen yet, then those
//! that were skipped for their rack. So do the copies of null keys. Source: Hsiao and DeWitt 1990,
//! "Chained Declustering"; racks as Cassandra's `NetworkTopologyStrategy`.

use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::partition::{Strategy, check_racks};
use crate::placement::{Node, check_replicas, racks::Racks};

/// The replicas of each row, `count` after `count`: positions among the strategy's nodes, the row's own partition first.
///
/// # Errors
/// If there are fewer nodes than `count`, racks are not one per node, or the strategy cannot take such keys.
pub fn replicas(
    strategy: &dyn Strategy,
    racks: &[Option<String>],
    columns: &[Keys<'_>],
    first_row: u64,
    count: usize,
    threads: usize,
    out: &mut [u32],
) -> Result<()> {
    let chain = Chain::new(strategy.nodes().len(), racks, count)?;
    if out.is_empty() {
        return Ok(());
    }
    if !strategy.own_replicas(columns, count, threads, out)? {
        let mut partitions = vec![0; out.len() / count];
        strategy.assign(columns, first_row, threads, &mut partitions)?;
        return chain.fill(&partitions, out);
    }
    if columns.iter().all(Keys::may_be_null) {
        for (row, slots) in out.chunks_exact_mut(count).enumerate() {
            if columns.iter().all(|column| column.is_null(row)) {
                chain.fill(&[0], slots)?;
            }
        }
    }
    Ok(())
}

/// For each partition, its replicas in the order of the nodes.
pub struct Chain {
    count: usize,
    table: Vec<u32>,
}

impl Chain {
    /// The chains of `count` replicas through `nodes` nodes; no racks at all means that each node fails alone.
    ///
    /// # Errors
    /// If there are fewer nodes than `count`, or racks are not one per node.
    #[allow(clippy::cast_possible_truncation)]
    pub fn new(nodes: usize, racks: &[Option<String>], count: usize) -> Result<Self> {
        check_racks(racks, nodes)?;
        let rack = |position: usize| racks.get(position).cloned().flatten();
        let named: Vec<Node> =
            (0..nodes).map(|position| Node { rack: rack(position), ..Node::new(position.to_string()) }).collect();
        check_replicas(&named, count)?;
        let racks = Racks::new(&named);
        let mut choice = racks.choice();
        let mut table = vec![0; nodes * count];
        for (first, slots) in table.chunks_exact_mut(count).enumerate() {
            choice.fill((first..nodes).chain(0..first).map(|position| position as u32), slots);
        }
        Ok(Self { count, table })
    }

    /// Writes the replicas of each row from its partition.
    ///
    /// # Errors
    /// If a partition is beyond the nodes.
    pub fn fill(&self, partitions: &[u32], out: &mut [u32]) -> Result<()> {
        let nodes = self.table.len() / self.count;
        if let Some(partition) = partitions.iter().find(|partition| **partition as usize >= nodes) {
            return Err(Error::Parameter(format!("a partition is {partition}; expected less than {nodes}")));
        }
        for (slots, partition) in out.chunks_exact_mut(self.count).zip(partitions) {
            let start = *partition as usize * self.count;
            slots.copy_from_slice(&self.table[start..start + self.count]);
        }
        Ok(())
    }
}
