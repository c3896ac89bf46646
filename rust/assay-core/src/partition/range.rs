//! Range partitioning: sorted keys cut at n - 1 bounds.
//!
//! Cost: a binary search a row; the state is the bounds. Choose it when queries ask for ranges of
//! the key; ascending keys all go to the last partition. Learned: bound j is the key at rank
//! ⌊j·m/n⌋ of the m non-null rows; partition = number of bounds ≤ key, so equal keys stay together
//! and repeated bounds leave partitions empty. A node more splits the heaviest part at its median;
//! one less merges the last part into its neighbour. Source: DEFINITIONS, "Strategies";
//! DeWitt et al. 1992, "Practical Skew Handling in Parallel Joins" (splitting vectors).

use crate::catalogue::{Contender, Domain, Parameter};
use crate::error::{Error, Result};
use crate::keys::Keys;
use crate::order::{OrderedKey, Part, ordered_key, part, sorted};
use crate::partition::{Action, Distinct, Request, Strategy};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "partition",
    name: "range",
    version: 1,
    idea: "Sorted keys, cut into n runs of about equal numbers of rows.",
    cost: "a binary search per row; n - 1 bounds of state",
    choose_when: "queries ask for ranges of the key, and new keys do not all arrive at one end",
    source: "DeWitt et al. 1992, \"Practical Skew Handling in Parallel Joins\"",
    parameters: &[Parameter {
        name: "bounds",
        default: "",
        domain: Domain::Values,
        meaning: "n - 1 ascending keys, each the first of its partition; learned from the data if not given",
    }],
    abilities: &["keyed", "compound", "ordered"],
};

struct Range {
    bounds: Vec<OrderedKey>,
    nodes: Vec<u32>,
}

/// Learns the bounds, or takes those given.
pub fn learn(request: &Request<'_>) -> Result<Box<dyn Strategy>> {
    let n = request.nodes.len();
    let bounds = match request.values {
        Some(values) => given(values, n)?,
        None => learned(&request.distinct, n),
    };
    Ok(Box::new(Range { bounds, nodes: request.nodes.to_vec() }))
}

fn given(values: &Keys<'_>, n: usize) -> Result<Vec<OrderedKey>> {
    if values.len() + 1 != n {
        return Err(Error::Parameter(format!(
            "range: bounds has {} values; expected {}, one less than the {n} partitions",
            values.len(),
            n - 1
        )));
    }
    let bounds: Vec<OrderedKey> =
        (0..values.len()).map(|row| -> OrderedKey { Box::new([part(values, row)]) }).collect();
    if let Some(row) = (0..bounds.len()).find(|row| *bounds[*row] == [Part::Null]) {
        return Err(Error::Parameter(format!("range: bound {row} is null; expected a value")));
    }
    if let Some(row) = (1..bounds.len()).find(|row| bounds[row - 1] > bounds[*row]) {
        return Err(Error::Parameter(format!(
            "range: bounds are out of order: {} comes before {}; sort them ascending",
            values.display(row - 1),
            values.display(row)
        )));
    }
    Ok(bounds)
}

/// The key at each 0-based rank, in a sorted run of keys with their numbers of rows.
fn at_ranks(keys: &[(OrderedKey, usize)], rows: &[u64], ranks: impl Iterator<Item = u64>) -> Vec<OrderedKey> {
    let mut found = Vec::new();
    let mut next = 0;
    let mut passed = 0;
    for rank in ranks {
        while passed + rows[keys[next].1] <= rank {
            passed += rows[keys[next].1];
            next += 1;
        }
        found.push(keys[next].0.clone());
    }
    found
}

fn learned(distinct: &Distinct<'_>, n: usize) -> Vec<OrderedKey> {
    let keys = sorted(distinct.columns);
    let m: u64 = keys.iter().map(|(_, row)| distinct.rows[*row]).sum();
    if m == 0 {
        return Vec::new();
    }
    #[allow(clippy::cast_possible_truncation)]
    let rank = |j: u64| (u128::from(j) * u128::from(m) / n as u128) as u64;
    at_ranks(&keys, distinct.rows, (1..n as u64).map(rank))
}

impl Range {
    fn partition(&self, key: &OrderedKey) -> usize {
        self.bounds.partition_point(|bound| bound <= key)
    }

    /// Splits the heaviest part (ties: lowest) at the median of its rows; the upper half is the
    /// new node's. A part of one key moves as a whole: equal keys are never split.
    fn split_heaviest(&mut self, node: u32, distinct: &Distinct<'_>, keys: &[(OrderedKey, usize)], nulls: u64) {
        if keys.is_empty() {
            self.nodes.push(node);
            return;
        }
        let parts = self.bounds.len() + 1;
        let (mut weights, mut rows) = (vec![0_u64; parts], vec![0_u64; parts]);
        weights[0] = nulls;
        for (key, row) in keys {
            let partition = self.partition(key);
            weights[partition] += distinct.weights[*row];
            rows[partition] += distinct.rows[*row];
        }
        let splittable = |partition: &usize| rows[*partition] > 0;
        let Some(heaviest) = (0..parts).filter(splittable).rev().max_by_key(|partition| weights[*partition]) else {
            return;
        };
        let first = keys.partition_point(|(key, _)| self.partition(key) < heaviest);
        let last = keys.partition_point(|(key, _)| self.partition(key) <= heaviest);
        let median = at_ranks(&keys[first..last], distinct.rows, std::iter::once(rows[heaviest] / 2));
        self.bounds.splice(heaviest..heaviest, median);
        self.nodes.insert(heaviest + 1, node);
    }
}

impl Strategy for Range {
    fn nodes(&self) -> &[u32] {
        &self.nodes
    }

    #[allow(clippy::cast_possible_truncation)]
    fn assign(&self, columns: &[Keys<'_>], _first_row: u64, threads: usize, out: &mut [u32]) -> Result<()> {
        crate::threads::fill(out, threads, |first, chunk| {
            for (index, slot) in chunk.iter_mut().enumerate() {
                *slot = ordered_key(columns, first + index).map_or(0, |key| self.partition(&key) as u32);
            }
        });
        Ok(())
    }

    /// The bytes of the bounds' values.
    fn routing_bytes(&self) -> u64 {
        self.bounds.iter().flat_map(|bound| bound.iter()).map(Part::bytes).sum()
    }

    fn change(&self, action: Action, distinct: &Distinct<'_>) -> Result<Option<Box<dyn Strategy>>> {
        #[allow(clippy::cast_possible_truncation)]
        let n = self.nodes.len() as u32;
        let mut changed = Range { bounds: self.bounds.clone(), nodes: self.nodes.clone() };
        match action {
            Action::RemoveOne => {
                changed.bounds.pop();
                changed.nodes.pop();
            }
            Action::ReplaceOne => {
                changed.nodes.pop();
                changed.nodes.push(n);
            }
            Action::AddOne | Action::Double => {
                let keys = sorted(distinct.columns);
                let all: u64 = distinct.weights.iter().sum();
                let nulls = all - keys.iter().map(|(_, row)| distinct.weights[*row]).sum::<u64>();
                let last = if action == Action::AddOne { n } else { 2 * n - 1 };
                for node in n..=last {
                    changed.split_heaviest(node, distinct, &keys, nulls);
                }
            }
        }
        Ok(Some(Box::new(changed)))
    }

    /// Partitions whose interval meets the window; those between repeated bounds hold nothing and
    /// are not asked.
    #[allow(clippy::cast_possible_truncation)]
    fn routed_windows(&self, low: &Keys<'_>, high: &Keys<'_>) -> Option<Vec<u32>> {
        let counts = (0..low.len()).map(|row| {
            let (low, high): ([Part; 1], [Part; 1]) = ([part(low, row)], [part(high, row)]);
            let first = self.bounds.partition_point(|bound| bound[..] <= low[..]);
            let last = self.bounds.partition_point(|bound| bound[..] < high[..]);
            let repeated =
                (first..last).filter(|bound| *bound > first && self.bounds[*bound] == self.bounds[bound - 1]);
            (last - first + 1 - repeated.count()) as u32
        });
        Some(counts.collect())
    }
}
