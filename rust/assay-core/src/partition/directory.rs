//! Directory partitioning: a lookup service knows where each key lives, and keys move one by one.
//!
//! Cost: one table lookup a row, or a call to the service; the directory is the state, and must be kept
//! and cached. Choose it when few keys may move, or hot keys must be placed by hand. Learned as a list
//! is, by Graham's LPT rule. Under change it moves what it must: a new node is filled to its fair share
//! from the fullest; a leaving node's keys go, heaviest first, to the emptiest; a node that takes
//! another's place takes its entries over. Source: METHODOLOGY, "Actions and movement"; Graham 1969,
//! "Bounds on Multiprocessing Timing Anomalies" (LPT).

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use crate::capacity::{Filled, units};
use crate::catalogue::Contender;
use crate::error::Result;
use crate::keys::Keys;
use crate::partition::entries::Entries;
use crate::partition::{Action, Distinct, Request, Strategy, check_capacities};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "partition",
    name: "directory",
    version: 1,
    idea: "An entry for each key says where it lives; keys move one by one, and no more than must.",
    cost: "one lookup per row, in a service or its cache; the directory is the state",
    choose_when: "few keys may move when nodes come and go, or hot keys need a place of their own",
    source: "Graham 1969, \"Bounds on Multiprocessing Timing Anomalies\" (LPT)",
    parameters: &[],
    abilities: &["keyed", "compound", "enumerable", "capacities"],
};

struct Directory {
    entries: Entries,
    nodes: Vec<u32>,
}

/// Learns an entry for each key.
pub fn learn(request: &Request<'_>) -> Result<Box<dyn Strategy>> {
    Ok(Box::new(Directory { entries: Entries::dealt(request)?, nodes: request.nodes.to_vec() }))
}

impl Strategy for Directory {
    fn nodes(&self) -> &[u32] {
        &self.nodes
    }

    fn assign(&self, columns: &[Keys<'_>], _first_row: u64, threads: usize, out: &mut [u32]) -> Result<()> {
        self.entries.assign("directory", columns, threads, out)
    }

    /// What the service holds: each key's bytes and a 4-byte partition number.
    fn routing_bytes(&self) -> u64 {
        self.entries.bytes()
    }

    fn directory_entries(&self) -> Option<u64> {
        Some(self.entries.count())
    }

    #[allow(clippy::cast_possible_truncation)]
    fn change(&self, action: Action, distinct: &Distinct<'_>, capacities: &[f64]) -> Result<Option<Box<dyn Strategy>>> {
        let n = self.nodes.len();
        let Some(nodes) = action.nodes(n as u32)? else { return Ok(None) };
        distinct.check()?;
        check_capacities(capacities, nodes.len())?;
        let alike = vec![1.0; nodes.len()];
        let units = units(if capacities.is_empty() { &alike } else { capacities });
        let mut homes = vec![0; distinct.rows.len()];
        self.entries.assign("directory", distinct.columns, 1, &mut homes)?;
        let mut mover = Mover::new(distinct, homes, units);
        match action {
            Action::ReplaceOne => {}
            Action::RemoveOne => mover.empty(n - 1),
            Action::AddOne | Action::Double => mover.fill(n, nodes.len()),
        }
        Ok(Some(Box::new(Directory { entries: Entries::of(distinct, &mover.homes, nodes.len())?, nodes })))
    }
}

/// Moves keys between partitions; loads are weights.
struct Mover<'a> {
    distinct: &'a Distinct<'a>,
    homes: Vec<u32>,
    units: Vec<u64>,
    loads: Vec<u64>,
}

impl<'a> Mover<'a> {
    fn new(distinct: &'a Distinct<'a>, homes: Vec<u32>, units: Vec<u64>) -> Self {
        // The leaving node is beyond the nodes afterwards, but has a load.
        let mut loads = vec![0; units.len() + 1];
        for (home, weight) in homes.iter().zip(distinct.weights.iter()) {
            loads[*home as usize] += weight;
        }
        Self { distinct, homes, units, loads }
    }

    #[allow(clippy::cast_possible_truncation)]
    fn filled(&self, position: usize) -> Filled {
        Filled { load: self.loads[position], unit: self.units[position], position: position as u32 }
    }

    fn weight(&self, row: u32) -> u64 {
        self.distinct.weights.get(row as usize)
    }

    /// The keys of the last partition, heaviest first, each to the partition with the least load / capacity.
    fn empty(&mut self, leaving: usize) {
        let leaves = |row: &u32| self.homes[*row as usize] as usize == leaving;
        let mut keys: Vec<u32> = self.distinct.order().iter().filter(leaves).collect();
        keys.sort_by_key(|row| Reverse(self.weight(*row))); // stable: then by value
        let mut emptiest: BinaryHeap<Reverse<Filled>> =
            (0..self.units.len()).map(|position| Reverse(self.filled(position))).collect();
        for row in keys {
            let Reverse(least) = emptiest.pop().expect("there is a partition left");
            self.homes[row as usize] = least.position;
            emptiest.push(Reverse(Filled { load: least.load + self.weight(row), ..least }));
        }
    }

    /// The new partitions, one after another, to their fair shares, rounded down, from the fullest of the old.
    fn fill(&mut self, old: usize, all: usize) {
        let mut keys: Vec<BTreeSet<(u64, u32)>> = vec![BTreeSet::new(); old];
        for (rank, row) in (0_u32..).zip(self.distinct.order().iter()) {
            if self.weight(row) > 0 {
                keys[self.homes[row as usize] as usize].insert((self.weight(row), rank));
            }
        }
        let total: u128 = self.units.iter().map(|unit| u128::from(*unit)).sum();
        let whole: u128 = self.loads.iter().map(|load| u128::from(*load)).sum();
        let share = |unit: u64| (whole * u128::from(unit), total);
        for new in old..all {
            let (numerator, denominator) = share(self.units[new]);
            #[allow(clippy::cast_possible_truncation)] // a share is at most the whole
            let fair = (numerator / denominator) as u64;
            let above = |filled: &Filled| {
                let (numerator, denominator) = share(filled.unit);
                u128::from(filled.load) > numerator / denominator
            };
            let mut donors: BinaryHeap<Heaviest> =
                (0..old).map(|position| self.filled(position)).filter(above).map(Heaviest).collect();
            while self.loads[new] < fair
                && let Some(Heaviest(donor)) = donors.pop()
            {
                let position = donor.position as usize;
                // A donor that has no key to give now will have none for this partition later: it only fills up.
                let Some((weight, rank)) = self.choose(&keys[position], donor, new, fair) else { continue };
                keys[position].remove(&(weight, rank));
                self.homes[self.distinct.order().get(rank as usize) as usize] = u32::try_from(new).expect("positions");
                self.loads[position] -= weight;
                self.loads[new] += weight;
                donors.extend(Some(self.filled(position)).filter(above).map(Heaviest));
            }
        }
    }

    /// The key that the donor gives: of those by which the new partition stays below what the donor's load was, the
    /// smallest that fills it, else the heaviest; the lower value of equals.
    fn choose(&self, keys: &BTreeSet<(u64, u32)>, donor: Filled, new: usize, fair: u64) -> Option<(u64, u32)> {
        let load = self.loads[new];
        // (load + weight) / new unit < donor's load / donor's unit
        let below = (u128::from(donor.load) * u128::from(self.units[new])).div_ceil(u128::from(donor.unit));
        let most = u64::try_from(below.saturating_sub(1)).unwrap_or(u64::MAX).checked_sub(load)?;
        let enough = keys.range((fair - load, 0)..).next().filter(|(weight, _)| *weight <= most);
        enough.copied().or_else(|| {
            let (heaviest, _) = keys.range(..=(most, u32::MAX)).next_back()?;
            keys.range((*heaviest, 0)..).next().copied()
        })
    }
}

/// The fullest first; of equals the lowest position.
#[derive(PartialEq, Eq)]
struct Heaviest(Filled);

impl Ord for Heaviest {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let same = |filled: &Filled| Filled { position: 0, ..*filled };
        same(&self.0).cmp(&same(&other.0)).then(other.0.position.cmp(&self.0.position))
    }
}

impl PartialOrd for Heaviest {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
