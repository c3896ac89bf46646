//! What each node of bounded loads gets of ever more keys: the process in the limit, where keys are a fluid.
//!
//! Keys arrive evenly on the circle. A node fills at the rate of the arcs that end in its points; once it is full, its arcs
//! run on to the next points whose nodes are not. So loads are linear between two moments at which a node becomes full, and
//! there are at most as many of these as nodes.

use super::Open;
use crate::placement::movement::CIRCLE;
use crate::placement::ring::Ring;
use crate::placement::{Placement, units_of_weights};

/// The share of each node, of which each may have `allowed` times its share by weight; they add up to 1.
pub(super) fn shares(ring: &Ring, allowed: f64) -> Vec<f64> {
    let units = units_of_weights(ring.nodes());
    #[allow(clippy::cast_precision_loss)]
    let weights: Vec<f64> = units.iter().map(|unit| *unit as f64).collect();
    let total: f64 = weights.iter().sum();
    let room: Vec<f64> = weights.iter().map(|weight| allowed * weight / total).collect();
    let owners = ring.owners_of_points();
    let mut passing = Open::new(owners, room.len());
    #[allow(clippy::cast_precision_loss)]
    let mut flow: Vec<f64> = ring.arcs().map(|(_, _, length)| length as f64 / CIRCLE).collect();
    let mut open = vec![true; room.len()];
    let mut loads = vec![0.0; room.len()];
    let mut rates = vec![0.0; room.len()];
    owners.iter().zip(&flow).for_each(|(owner, arc)| rates[*owner as usize] += arc);
    let mut left = 1.0_f64;
    for _ in 1..room.len() {
        let filled = (0..room.len())
            .filter(|node| open[*node] && rates[*node] > 0.0)
            .map(|node| ((room[node] - loads[node]).max(0.0) / rates[node], node))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let Some((wait, node)) = filled.filter(|(wait, _)| *wait < left) else { break };
        loads.iter_mut().zip(&rates).for_each(|(load, rate)| *load += wait * rate);
        left -= wait;
        (open[node], rates[node]) = (false, 0.0);
        let node = u32::try_from(node).expect("positions are 32 bits");
        passing.close(node);
        for index in 0..passing.of_node.points(node).len() {
            let point = passing.of_node.points(node)[index] as usize;
            let (run, next) = (std::mem::take(&mut flow[point]), passing.first_open(point));
            flow[next] += run;
            rates[owners[next] as usize] += run;
        }
    }
    loads.iter_mut().zip(&rates).for_each(|(load, rate)| *load += left * rate);
    let whole: f64 = loads.iter().sum();
    loads.iter().map(|load| load / whole).collect()
}
