//! Range partitioning: sorted keys cut at n - 1 bounds.
//!
//! Cost: a binary search a row; the state is the bounds. Choose it when queries ask for ranges of
//! the key; ascending keys all go to the last partition. Learned: bound j is the key at rank
//! ⌊j·m/n⌋ of the m non-null rows; partition = number of bounds ≤ key, so equal keys stay together
//! and repeated bounds leave partitions empty. A node more splits the heaviest part at its median;
//! one less merges the last part into its neighbour. Source: METHODOLOGY, "Strategies";
//! DeWitt et al. 1992, "Practical Skew Handling in Parallel Joins" (splitting vectors).

use crate::catalogue::{Contender, Domain, Parameter};
use crate::counts::RunningSums;
use crate::error::{Error, Result};
use crate::keys::{Keys, Values};
use crate::order::{Bounds, Order, OrderedKey, Part, ordered_key, part};
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
    bounds: Bounds,
    nodes: Vec<u32>,
}

/// Learns the bounds, or takes those given.
pub fn learn(request: &Request<'_>) -> Result<Box<dyn Strategy>> {
    let n = request.nodes.len();
    let bounds = match request.values {
        Some(values) => given(values, n)?,
        None => learned(&request.distinct, n),
    };
    Ok(Box::new(Range { bounds: Bounds::new(bounds), nodes: request.nodes.to_vec() }))
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

/// The key at each 0-based rank (ascending) of the table's rows, among keys in this order.
fn at_ranks(distinct: &Distinct<'_>, order: Order<'_>, ranks: impl Iterator<Item = u64>) -> Vec<OrderedKey> {
    let rows = |position: usize| distinct.rows.get(order.get(position) as usize);
    let (mut found, mut position, mut passed) = (Vec::new(), 0, 0);
    for rank in ranks {
        while passed + rows(position) <= rank {
            passed += rows(position);
            position += 1;
        }
        found.extend(ordered_key(distinct.columns, order.get(position) as usize));
    }
    found
}

fn learned(distinct: &Distinct<'_>, n: usize) -> Vec<OrderedKey> {
    let order = distinct.order();
    let m: u64 = order.iter().map(|row| distinct.rows.get(row as usize)).sum();
    if m == 0 {
        return Vec::new();
    }
    #[allow(clippy::cast_possible_truncation)]
    let rank = |j: u64| (u128::from(j) * u128::from(m) / n as u128) as u64;
    at_ranks(distinct, order, (1..n as u64).map(rank))
}

/// Splits parts of a range one after another.
struct Splitter<'a> {
    distinct: &'a Distinct<'a>,
    bounds: Vec<OrderedKey>,
    nodes: Vec<u32>,
    /// For each part, where its keys end in the order.
    ends: Vec<usize>,
    /// Over the order; those of the weights only where they are not the rows.
    rows: RunningSums<'a>,
    weights: Option<RunningSums<'a>>,
    nulls: u64,
}

impl<'a> Splitter<'a> {
    fn new(range: &Range, distinct: &'a Distinct<'a>) -> Self {
        let order = distinct.order();
        let rows = RunningSums::new(distinct.rows, order);
        let apart = !distinct.weights.is_same(&distinct.rows);
        let weights = apart.then(|| RunningSums::new(distinct.weights, order));
        let rank = |row: u32| range.bounds.rank(distinct.columns, row as usize).unwrap_or(0);
        let parts = range.bounds.keys().len() + 1;
        let ends = (0..parts).map(|part| order.partition_point(|row| rank(row) <= part)).collect();
        let whole = weights.as_ref().unwrap_or(&rows).of_first(order.len());
        let nulls = distinct.weights.iter().sum::<u64>() - whole;
        Self { distinct, bounds: range.bounds.keys().to_vec(), nodes: range.nodes.clone(), ends, rows, weights, nulls }
    }

    fn start(&self, part: usize) -> usize {
        if part == 0 { 0 } else { self.ends[part - 1] }
    }

    fn weight(&self, part: usize) -> u64 {
        let nulls = if part == 0 { self.nulls } else { 0 };
        let weights = self.weights.as_ref().unwrap_or(&self.rows);
        weights.of_first(self.ends[part]) - weights.of_first(self.start(part)) + nulls
    }

    /// Splits the heaviest part (ties: lowest) at the median of its rows; the upper half is the
    /// new node's. A part of one key moves as a whole: equal keys are never split.
    fn split_heaviest(&mut self, node: u32) {
        let parts = (0..self.ends.len()).rev().filter(|part| self.start(*part) < self.ends[*part]);
        let Some(heaviest) = parts.max_by_key(|part| self.weight(*part)) else {
            self.nodes.push(node);
            return;
        };
        let (first, last) = (self.start(heaviest), self.ends[heaviest]);
        let rank = (self.rows.of_first(last) - self.rows.of_first(first)) / 2;
        let middle = self.rows.beyond(first..last, rank);
        let bound = ordered_key(self.distinct.columns, self.distinct.order().get(middle) as usize);
        self.bounds.splice(heaviest..heaviest, bound);
        self.ends.insert(heaviest, middle);
        self.nodes.insert(heaviest + 1, node);
    }
}

impl Strategy for Range {
    fn nodes(&self) -> &[u32] {
        &self.nodes
    }

    #[allow(clippy::cast_possible_truncation)]
    fn assign(&self, columns: &[Keys<'_>], _first_row: u64, threads: usize, out: &mut [u32]) -> Result<()> {
        if let Some(bound) = self.bounds.keys().first().filter(|bound| bound.len() != columns.len()) {
            return Err(Error::Parameter(format!(
                "range: the key has {} columns; expected {}, as in the bounds",
                columns.len(),
                bound.len()
            )));
        }
        if let [column] = columns
            && let Values::Dictionary { indices, values } = column.values()
            && values.len() <= column.len()
        {
            // Each value is searched for once.
            let mut entries = vec![0; values.len()];
            self.assign(std::slice::from_ref(values), 0, threads, &mut entries)?;
            crate::threads::fill(out, threads, |first, chunk| {
                for (index, slot) in chunk.iter_mut().enumerate() {
                    let row = first + index;
                    *slot = if column.is_null(row) { 0 } else { entries[indices.get(row)] };
                }
            });
            return Ok(());
        }
        crate::threads::fill(out, threads, |first, chunk| {
            for (index, slot) in chunk.iter_mut().enumerate() {
                *slot = self.bounds.rank(columns, first + index).unwrap_or(0) as u32;
            }
        });
        Ok(())
    }

    /// The bytes of the bounds' values.
    fn routing_bytes(&self) -> u64 {
        self.bounds.keys().iter().flat_map(|bound| bound.iter()).map(Part::bytes).sum()
    }

    fn change(
        &self,
        action: Action,
        distinct: &Distinct<'_>,
        _capacities: &[f64],
    ) -> Result<Option<Box<dyn Strategy>>> {
        #[allow(clippy::cast_possible_truncation)]
        let n = self.nodes.len() as u32;
        let (mut bounds, mut nodes) = (self.bounds.keys().to_vec(), self.nodes.clone());
        match action {
            Action::RemoveOne => {
                bounds.pop();
                nodes.pop();
            }
            Action::ReplaceOne => {
                nodes.pop();
                nodes.push(n);
            }
            Action::AddOne | Action::Double => {
                distinct.check()?;
                let mut splitter = Splitter::new(self, distinct);
                let last = if action == Action::AddOne { n } else { 2 * n - 1 };
                (n..=last).for_each(|node| splitter.split_heaviest(node));
                (bounds, nodes) = (splitter.bounds, splitter.nodes);
            }
        }
        Ok(Some(Box::new(Range { bounds: Bounds::new(bounds), nodes })))
    }

    /// Partitions whose interval meets the window; those between repeated bounds hold nothing and
    /// are not asked.
    #[allow(clippy::cast_possible_truncation)]
    fn routed_windows(&self, first: &Keys<'_>, last: &Keys<'_>) -> Result<Option<Vec<u32>>> {
        if first.len() != last.len() {
            return Err(Error::Parameter(format!(
                "{} windows begin, but {} end; expected as many",
                first.len(),
                last.len()
            )));
        }
        let counts = (0..first.len()).map(|row| {
            let (least, most): ([Part; 1], [Part; 1]) = ([part(first, row)], [part(last, row)]);
            if least[0] != Part::Null && least > most {
                return 0; // a window that ends before it begins holds nothing
            }
            let bounds = self.bounds.keys();
            let within = |bound: &OrderedKey| least[0] != Part::Null && bound[..] <= least[..];
            let first = bounds.partition_point(within);
            let last = bounds.partition_point(|bound| bound[..] <= most[..]);
            let repeated = (first..last).filter(|bound| *bound > first && bounds[*bound] == bounds[bound - 1]);
            (last - first + 1 - repeated.count()) as u32
        });
        Ok(Some(counts.collect()))
    }
}
