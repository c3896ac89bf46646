//! Bounded loads: a ring on which no node holds more than so much above its share.
//!
//! Idea: a key goes to the first point clockwise whose node is not full; a node is full at ⌈(1 + ε) · m · w⌉ of m
//! keys, w being its share by weight. Keys take their turn by a mix of their hash values, so that the result
//! depends on which keys there are, not on their order, their number of rows, threads or chunks. Cost: a sort of the keys,
//! and beside the ring an entry for every key that is not where the ring alone would have it. Choose it where an even load
//! is worth more than the fewest moves: a change of nodes also moves some keys between nodes that stay.
//! Source: Mirrokni, Thorup and Zadimoghaddam 2016, "Consistent Hashing with Bounded Loads".

mod limit;

use std::sync::Arc;

use crate::catalogue::{Contender, Domain, Parameter};
use crate::error::{Error, Result};
use crate::memory;
use crate::placement::movement::GOLDEN;
use crate::placement::rendezvous::{finalise, unfinalise};
use crate::placement::ring::{self, Ring};
use crate::placement::{DEPENDS_ON_ALL_KEYS, HASH, Node, Placement, SEED, Settings, units_of_weights};

/// How far loads may be above their share, if nothing is given.
pub const EPSILON_DEFAULT: f64 = 0.25;

/// The greatest ε; beyond it nothing is bounded.
pub const EPSILON_HIGH: f64 = 1000.0;

/// ε is counted in millionths, so that 0.1 is a tenth and not the float next to it.
const MILLION: u64 = 1_000_000;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "placement",
    name: "bounded_loads",
    version: 1,
    idea: "A ring on which a key passes by nodes that hold 1 + epsilon times their share of the keys.",
    cost: "a sort of all keys; a ring, and 16 to 48 bytes per key that is not where the ring alone has it",
    choose_when: "no node may hold much more than its share, and some moves between old nodes do no harm",
    source: "Mirrokni, Thorup and Zadimoghaddam 2016, Consistent Hashing with Bounded Loads",
    parameters: &[
        Parameter {
            name: "epsilon",
            default: "0.25",
            domain: Domain::Number { low: 0.0, high: EPSILON_HIGH },
            meaning: "how far the number of a node's keys may be above its share, as a part of the share; rounded to \
                      millionths, and the greatest number of keys is rounded up",
        },
        Parameter {
            name: "virtual_nodes",
            default: "128",
            domain: Domain::Integer { low: 1, high: ring::VIRTUAL_NODES_HIGH },
            meaning: "points on the ring per node of weight 1",
        },
        HASH,
        SEED,
    ],
    abilities: &["weights", "remove_any", DEPENDS_ON_ALL_KEYS],
};

/// A ring, and the keys that are elsewhere than it says.
#[derive(Debug, Clone)]
pub struct BoundedLoads {
    settings: Settings,
    ring: Arc<Ring>,
    millionths: u64,
    displaced: Displaced,
}

/// Bounded loads over these nodes, without keys: a key alone is where the ring has it.
///
/// # Errors
/// If ε is out of its bounds, or the ring cannot be.
pub fn build(settings: Settings) -> Result<Box<dyn Placement>> {
    let epsilon = settings.epsilon.unwrap_or(EPSILON_DEFAULT);
    if !(0.0..=EPSILON_HIGH).contains(&epsilon) {
        return Err(Error::Parameter(format!(
            "bounded_loads: epsilon is {epsilon}; expected a number from 0 to {EPSILON_HIGH}"
        )));
    }
    let ring = Arc::new(Ring::new(settings.clone())?);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    let millionths = (epsilon * MILLION as f64).round_ties_even() as u64;
    Ok(Box::new(BoundedLoads { settings, ring, millionths, displaced: Displaced::default() }))
}

/// The most keys of each node: ⌈(1 + ε) · keys · weight / all weights⌉.
fn capacities(nodes: &[Node], keys: usize, millionths: u64) -> Vec<u64> {
    let units = units_of_weights(nodes);
    let whole: u128 = units.iter().map(|unit| u128::from(*unit)).sum::<u128>() * u128::from(MILLION);
    // Fewer than 2^34 keys, 62 bits of units and 30 of 1 + ε: at most 126 bits.
    let wanted = u128::from(MILLION + millionths) * keys as u128;
    let rounded = |unit: &u64| (wanted * u128::from(*unit)).div_ceil(whole);
    units
        .iter()
        .map(|unit| u64::try_from(rounded(unit)).expect("no share is above all keys times 1 + epsilon"))
        .collect()
}

impl BoundedLoads {
    /// Places keys of distinct hash values in their order.
    #[allow(clippy::cast_possible_truncation)]
    fn place(&self, hashes: impl ExactSizeIterator<Item = u64>) -> Vec<(u64, u32)> {
        let owners = self.ring.owners_of_points();
        let mut room = capacities(&self.settings.nodes, hashes.len(), self.millionths);
        let mut open = Open::new(owners, room.len());
        let mut displaced = Vec::new();
        // A node without room at the start exists only if there are no keys at all.
        for hash in hashes {
            let wanted = self.ring.point_of(hash);
            let point = open.first_open(wanted);
            let owner = owners[point];
            if owner != owners[wanted] {
                displaced.push((hash, owner));
            }
            room[owner as usize] -= 1;
            if room[owner as usize] == 0 {
                open.close(owner);
            }
        }
        displaced
    }
}

/// Points whose node is not full yet: each point knows one further on that may be, and paths are halved as they are walked.
struct Open {
    next: Vec<u32>,
    of_node: PointsOfNodes,
    left: usize,
}

impl Open {
    fn new(owners: &[u32], nodes: usize) -> Self {
        let count = u32::try_from(owners.len()).expect("a ring has at most 2^27 points");
        Self { next: (0..count).collect(), of_node: PointsOfNodes::new(owners, nodes), left: nodes }
    }

    fn first_open(&mut self, point: usize) -> usize {
        let mut point = point;
        while self.next[point] as usize != point {
            self.next[point] = self.next[self.next[point] as usize];
            point = self.next[point] as usize;
        }
        point
    }

    /// Lets keys pass by the points of a node; those of the last open node stay, for otherwise there would be no end.
    fn close(&mut self, node: u32) {
        self.left -= 1;
        if self.left == 0 {
            return;
        }
        let count = self.next.len();
        for point in self.of_node.points(node) {
            let following = if *point as usize + 1 == count { 0 } else { point + 1 };
            self.next[*point as usize] = following;
        }
    }
}

/// The points of each node, node by node.
#[derive(Debug, Clone)]
struct PointsOfNodes {
    ends: Vec<usize>,
    points: Vec<u32>,
}

impl PointsOfNodes {
    #[allow(clippy::cast_possible_truncation)]
    fn new(owners: &[u32], nodes: usize) -> Self {
        let mut ends = vec![0; nodes + 1];
        owners.iter().for_each(|owner| ends[*owner as usize + 1] += 1);
        for node in 0..nodes {
            ends[node + 1] += ends[node];
        }
        let (mut points, mut places) = (vec![0; owners.len()], ends.clone());
        for (point, owner) in owners.iter().enumerate() {
            let place = &mut places[*owner as usize];
            points[*place] = point as u32;
            *place += 1;
        }
        Self { ends, points }
    }

    fn points(&self, node: u32) -> &[u32] {
        &self.points[self.ends[node as usize]..self.ends[node as usize + 1]]
    }
}

/// Where displaced keys are: a table of hash values, open to the next free slot.
#[derive(Debug, Clone, Default)]
struct Displaced {
    hashes: Vec<u64>,
    /// The node of each hash value; [`FREE`] where there is none.
    owners: Vec<u32>,
    shift: u32,
}

const FREE: u32 = u32::MAX;

impl Displaced {
    fn new(keys: &[(u64, u32)]) -> Self {
        if keys.is_empty() {
            return Self::default();
        }
        let slots = (2 * keys.len()).next_power_of_two().max(2);
        let (hashes, mut owners) = (memory::zeros(slots), memory::zeros(slots));
        owners.fill(FREE);
        let mut made = Self { hashes, owners, shift: 64 - slots.trailing_zeros() };
        for (hash, owner) in keys {
            let slot = made.slot(*hash);
            (made.hashes[slot], made.owners[slot]) = (*hash, *owner);
        }
        made
    }

    /// The slot of a hash value, or the free one where it would be.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn slot(&self, hash: u64) -> usize {
        let mut slot = (hash.wrapping_mul(GOLDEN) >> self.shift) as usize;
        while self.owners[slot] != FREE && self.hashes[slot] != hash {
            slot = (slot + 1) & (self.owners.len() - 1);
        }
        slot
    }

    #[inline]
    fn owner(&self, hash: u64) -> Option<u32> {
        if self.owners.is_empty() {
            return None;
        }
        Some(self.owners[self.slot(hash)]).filter(|owner| *owner != FREE)
    }
}

impl Placement for BoundedLoads {
    fn contender(&self) -> &'static Contender {
        &CONTENDER
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    #[inline]
    fn owner(&self, hash: u64) -> u32 {
        self.displaced.owner(hash).unwrap_or_else(|| self.ring.owner(hash))
    }

    fn memory_bytes(&self) -> u64 {
        let displaced = size_of_val(self.displaced.hashes.as_slice()) + size_of_val(self.displaced.owners.as_slice());
        self.ring.memory_bytes() + displaced as u64
    }

    /// What each node gets of ever more keys.
    fn ownership(&self) -> Vec<f64> {
        #[allow(clippy::cast_precision_loss)]
        let allowed = (MILLION + self.millionths) as f64 / MILLION as f64;
        limit::shares(&self.ring, allowed)
    }

    /// None: where a key is depends on the others; a sample answers.
    fn moved_share(&self, _after: &dyn Placement) -> Option<f64> {
        None
    }

    /// The finaliser is one to one: values that it has mixed are sorted, freed of duplicates and mixed back.
    fn of_keys(&self, hashes: &mut Vec<u64>) -> Option<Box<dyn Placement>> {
        hashes.iter_mut().for_each(|hash| *hash = finalise(*hash));
        hashes.sort_unstable();
        hashes.dedup();
        let displaced = Displaced::new(&self.place(hashes.iter().map(|mixed| unfinalise(*mixed))));
        Some(Box::new(Self { displaced, ..self.clone() }))
    }
}

#[cfg(test)]
mod tests;
