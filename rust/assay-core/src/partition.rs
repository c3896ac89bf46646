//! The room of partitioning strategies: which partition of n does each row of a table live in?
//!
//! A strategy is learned from the distinct keys of a table and their counts, for a list of nodes,
//! one per partition; then it assigns rows. Null keys (all parts null) live in partition 0. After
//! an action on the cluster (a node more, one less) a strategy says where keys live then; unless
//! it has a way of its own, it is learned anew for the new nodes.

pub mod bucket;
pub mod composite;
pub mod directory;
pub mod entries;
pub mod hash;
pub mod list;
pub mod modulo;
pub mod placed;
pub mod range;
pub mod replicas;
pub mod round_robin;

use std::sync::{Arc, OnceLock};

use crate::catalogue::Contender;
use crate::counts::{Counts, check_sum};
use crate::error::{Error, Result};
use crate::fold::Sums;
use crate::key_table::{ABSENT, KeyTable};
use crate::keys::{Keys, for_each_compound};
use crate::memory;
use crate::order::{Order, Sorted};
use crate::placement::{WEIGHT_HIGH, WEIGHT_LOW};

/// What is known of a table's key when a strategy is learned: each distinct key with its counts.
#[derive(Debug, Clone, Copy)]
pub struct Distinct<'a> {
    /// The key's columns; one row per distinct key, the null key included if there is one.
    pub columns: &'a [Keys<'a>],
    /// The number of table rows with each key.
    pub rows: Counts<'a>,
    /// The weight of each key.
    pub weights: Counts<'a>,
    /// What several strategies derive from the keys, computed once.
    pub derived: &'a Derived,
}

/// What strategies derive from distinct keys: made on first use, then shared.
#[derive(Debug, Default)]
pub struct Derived {
    order: OnceLock<Sorted>,
    heaviest: OnceLock<Vec<u32>>,
    table: OnceLock<Arc<KeyTable>>,
}

impl Derived {
    /// With a table in which each key's number is its row, so that none need be made.
    #[must_use]
    pub fn with_table(table: Arc<KeyTable>) -> Self {
        Self { table: OnceLock::from(table), ..Self::default() }
    }
}

impl<'a> Distinct<'a> {
    /// What is promised of distinct keys, so that sums over them fit and row numbers are 32 bits.
    ///
    /// # Errors
    /// If keys, rows and weights differ in length, a sum does not fit 64 bits, a key has no rows, or there are too
    /// many keys.
    pub fn check(&self) -> Result<()> {
        let count = self.rows.len();
        if self.columns.iter().any(|column| column.len() != count) || self.weights.len() != count {
            return Err(Error::Parameter(
                "keys, rows and weights differ in length; expected one of each per key".to_owned(),
            ));
        }
        if count >= ABSENT as usize {
            return Err(Error::Parameter(format!("there are {count} distinct keys; expected fewer than {ABSENT}")));
        }
        if let Some(key) = self.rows.iter().position(|rows| rows == 0) {
            return Err(Error::Parameter(format!("key {key} has 0 rows; expected at least 1: leave it out")));
        }
        check_sum("rows", self.rows)?;
        check_sum("weights", self.weights)
    }

    /// The rows whose key is not null, in ascending order of their keys.
    #[must_use]
    pub fn order(&self) -> Order<'a> {
        self.derived.order.get_or_init(|| Sorted::of(self.columns)).order()
    }

    /// The rows whose key is not null, those with the most table rows first, equal ones in ascending order of their keys.
    #[must_use]
    pub fn heaviest(&self) -> &'a [u32] {
        self.derived.heaviest.get_or_init(|| by_rows_descending(self.order(), self.rows))
    }

    /// The keys' numbers: a key's number is its row here.
    ///
    /// # Errors
    /// If a key is there twice.
    pub fn table(&self) -> Result<Arc<KeyTable>> {
        if let Some(table) = self.derived.table.get() {
            return Ok(Arc::clone(table));
        }
        let mut table = KeyTable::new();
        let mut repeated = None;
        let rows = self.columns.first().map_or(0, Keys::len);
        for_each_compound(self.columns, 0..rows, |row, form| {
            if table.insert(form) as usize != row {
                repeated.get_or_insert(row);
            }
        });
        if let Some(row) = repeated {
            let key: Vec<String> = self.columns.iter().map(|column| column.display(row)).collect();
            return Err(Error::Data(format!(
                "the key {} stands in more than one row of the distinct keys; count each key once",
                key.join(", ")
            )));
        }
        Ok(Arc::clone(self.derived.table.get_or_init(|| Arc::new(table))))
    }
}

/// These rows in descending order of their counts, equal ones as they came: by counting where counts are small.
fn by_rows_descending(order: Order<'_>, rows: Counts<'_>) -> Vec<u32> {
    const SMALL: u64 = 1 << 16;
    let most = order.iter().map(|row| rows.get(row as usize)).max().unwrap_or(0);
    if most >= SMALL {
        let mut sorted: Vec<u32> = order.iter().collect();
        sorted.sort_by_key(|row| std::cmp::Reverse(rows.get(*row as usize))); // stable
        return sorted;
    }
    let mut places = vec![0_usize; usize::try_from(most).unwrap_or(0) + 2];
    #[allow(clippy::cast_possible_truncation)]
    let behind = |row: u32| (most - rows.get(row as usize)) as usize;
    for row in order.iter() {
        places[behind(row) + 1] += 1;
    }
    for class in 1..places.len() {
        places[class] += places[class - 1];
    }
    let mut sorted: Vec<u32> = memory::zeros(order.len());
    for row in order.iter() {
        let place = &mut places[behind(row)];
        sorted[*place] = row;
        *place += 1;
    }
    sorted
}

/// A parameter's value as it was spelled.
#[derive(Debug, Clone, PartialEq)]
pub enum Setting {
    /// A name or a piece of text.
    Text(String),
    /// An integer.
    Integer(i64),
    /// A number.
    Number(f64),
}

/// Everything that a strategy is learned from.
pub struct Request<'a> {
    /// The key as it occurs in the table.
    pub distinct: Distinct<'a>,
    /// The nodes' numbers, one per partition: node k is called `node-k`.
    pub nodes: &'a [u32],
    /// The parameters given, by name.
    pub settings: &'a [(String, Setting)],
    /// Values given outright: a column of the key's type, in order (bounds, or a list's groups).
    pub values: Option<&'a Keys<'a>>,
    /// The sizes of the groups of `values`, if it is a list of groups.
    pub groups: &'a [u32],
    /// The capacity of each node relative to the others; empty if all are alike. Strategies that deal or weigh use it.
    pub capacities: &'a [f64],
    /// What fails together with each node; empty if all fail alone. Placements with replicas use it.
    pub racks: &'a [Option<String>],
}

impl<'a> Request<'a> {
    /// A request without settings, given values, capacities or racks.
    #[must_use]
    pub fn new(distinct: Distinct<'a>, nodes: &'a [u32]) -> Self {
        Self { distinct, nodes, settings: &[], values: None, groups: &[], capacities: &[], racks: &[] }
    }

    /// The capacity of each node.
    #[must_use]
    pub fn all_capacities(&self) -> Vec<f64> {
        if self.capacities.is_empty() { vec![1.0; self.nodes.len()] } else { self.capacities.to_vec() }
    }

    /// The text given for a parameter, or its default.
    ///
    /// # Errors
    /// If what was given is not text.
    pub fn text<'b>(&'b self, name: &str, default: &'b str) -> Result<&'b str> {
        match self.settings.iter().find(|(given, _)| given == name) {
            None => Ok(default),
            Some((_, Setting::Text(text))) => Ok(text),
            Some((_, other)) => Err(Error::Parameter(format!("{name} is {other:?}; expected a name"))),
        }
    }

    /// The non-negative integer given for a parameter, or its default.
    ///
    /// # Errors
    /// If what was given is not a non-negative integer.
    pub fn integer(&self, name: &str, default: u64) -> Result<u64> {
        match self.settings.iter().find(|(given, _)| given == name) {
            None => Ok(default),
            Some((_, Setting::Integer(value))) => {
                u64::try_from(*value).map_err(|_| Error::Parameter(format!("{name} is {value}; expected 0 or more")))
            }
            Some((_, other)) => Err(Error::Parameter(format!("{name} is {other:?}; expected an integer"))),
        }
    }

    /// The number given for a parameter.
    ///
    /// # Errors
    /// If what was given is not a number.
    #[allow(clippy::cast_precision_loss)]
    pub fn number(&self, name: &str) -> Result<Option<f64>> {
        match self.settings.iter().find(|(given, _)| given == name) {
            None => Ok(None),
            Some((_, Setting::Number(value))) => Ok(Some(*value)),
            Some((_, Setting::Integer(value))) => Ok(Some(*value as f64)),
            Some((_, other)) => Err(Error::Parameter(format!("{name} is {other:?}; expected a number"))),
        }
    }
}

/// The most nodes that a strategy can have, one per partition.
pub const NODES_HIGH: u32 = 1 << 24;

/// What happens to the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A node more.
    AddOne,
    /// The last node gone.
    RemoveOne,
    /// A new node in the last one's place.
    ReplaceOne,
    /// Twice the nodes.
    Double,
}

impl Action {
    /// All actions, in the order of reports.
    pub const ALL: [Self; 4] = [Self::AddOne, Self::RemoveOne, Self::ReplaceOne, Self::Double];

    /// The name in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AddOne => "add_one",
            Self::RemoveOne => "remove_one",
            Self::ReplaceOne => "replace_one",
            Self::Double => "double",
        }
    }

    /// The action of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn parse(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|action| action.name() == name).ok_or_else(|| Error::UnknownName {
            thing: "action",
            name: name.to_owned(),
            known: Self::ALL.map(Self::name).join(", "),
        })
    }

    /// The nodes after the action, when there were n of them numbered from 0; None if it cannot be.
    ///
    /// # Errors
    /// If n is 0 or above [`NODES_HIGH`].
    pub fn nodes(self, n: u32) -> Result<Option<Vec<u32>>> {
        if !(1..=NODES_HIGH).contains(&n) {
            return Err(Error::Parameter(format!("there are {n} nodes; expected from 1 to {NODES_HIGH}")));
        }
        Ok(match self {
            Self::AddOne => Some((0..=n).collect()),
            Self::RemoveOne if n == 1 => None,
            Self::RemoveOne => Some((0..n - 1).collect()),
            Self::ReplaceOne => Some((0..n - 1).chain([n]).collect()),
            Self::Double => Some((0..2 * n).collect()),
        })
    }
}

/// A learned strategy.
pub trait Strategy: Send + Sync {
    /// The node of each partition.
    fn nodes(&self) -> &[u32];

    /// Writes the partition of each row; row i of the columns is row `first_row + i` of the table.
    ///
    /// # Errors
    /// If the strategy cannot take such a key, or meets one that it does not know.
    fn assign(&self, columns: &[Keys<'_>], first_row: u64, threads: usize, out: &mut [u32]) -> Result<()>;

    /// Adds the number of rows of each partition to `sums`, on this thread.
    ///
    /// # Errors
    /// As [`Self::assign`].
    fn count(&self, columns: &[Keys<'_>], first_row: u64, rows: usize, sums: &mut Sums) -> Result<()> {
        let mut partitions = memory::zeros(rows);
        self.assign(columns, first_row, 1, &mut partitions)?;
        sums.add(&partitions, None)
    }

    /// The bytes of state that a router must hold.
    fn routing_bytes(&self) -> u64;

    /// Whether the partition depends on the key alone, not on the row's number.
    fn keyed(&self) -> bool {
        true
    }

    /// The strategy after an action, if it has a way of its own; None: it is learned anew. Capacities are those of the
    /// nodes afterwards, in the order of [`Action::nodes`]; none means that all are alike.
    ///
    /// # Errors
    /// If the change cannot be computed.
    fn change(
        &self,
        _action: Action,
        _distinct: &Distinct<'_>,
        _capacities: &[f64],
    ) -> Result<Option<Box<dyn Strategy>>> {
        Ok(None)
    }

    /// The entries of a directory; None for strategies that compute where keys live.
    fn directory_entries(&self) -> Option<u64> {
        None
    }

    /// Writes the replicas of each row, `count` after `count`, if the strategy has a rule of its own; false: it has
    /// none, and nothing was written. What null keys get means nothing; [`replicas::replicas`] answers for any strategy.
    ///
    /// # Errors
    /// If the strategy cannot take such a key.
    fn own_replicas(&self, _columns: &[Keys<'_>], _count: usize, _threads: usize, _out: &mut [u32]) -> Result<bool> {
        Ok(false)
    }

    /// For windows of a single column from `first` (null: without beginning) to `last`, both within:
    /// how many partitions must be asked, knowing only the strategy; None if a window says nothing.
    ///
    /// # Errors
    /// If there are not as many ends as beginnings.
    fn routed_windows(&self, _first: &Keys<'_>, _last: &Keys<'_>) -> Result<Option<Vec<u32>>> {
        Ok(None)
    }
}

/// How a strategy is learned.
pub type Learn = fn(&Request<'_>) -> Result<Box<dyn Strategy>>;

/// All strategies that are learned from a key, by name. Every placement is one too
/// ([`placed`]); `round_robin` and `composite` are built from what they are made of.
pub const STRATEGIES: &[(&Contender, Learn)] = &[
    (&hash::CONTENDER, hash::learn),
    (&modulo::CONTENDER, modulo::learn),
    (&range::CONTENDER, range::learn),
    (&list::CONTENDER, list::learn),
    (&directory::CONTENDER, directory::learn),
    (&bucket::CONTENDER, bucket::learn),
    (&round_robin::CONTENDER, round_robin::learn),
];

/// All contenders of this room.
pub fn contenders() -> impl Iterator<Item = &'static Contender> {
    STRATEGIES.iter().map(|(contender, _)| *contender).chain([&composite::CONTENDER])
}

/// Learns the strategy of this name.
///
/// # Errors
/// If there is no such strategy, or it cannot be learned from this.
pub fn learn(name: &str, request: &Request<'_>) -> Result<Box<dyn Strategy>> {
    if request.nodes.is_empty() {
        return Err(Error::Parameter("partitions is 0; expected at least 1".to_owned()));
    }
    if request.nodes.len() > NODES_HIGH as usize {
        let count = request.nodes.len();
        return Err(Error::Parameter(format!("partitions is {count}; expected at most {NODES_HIGH}")));
    }
    request.distinct.check()?;
    check_capacities(request.capacities, request.nodes.len())?;
    check_racks(request.racks, request.nodes.len())?;
    if let Some((_, learn)) = STRATEGIES.iter().find(|(contender, _)| contender.name == name) {
        return learn(request);
    }
    placed::learn(name, request)
}

/// Capacities are one per node, if there are any, and numbers that can be multiplied and divided.
///
/// # Errors
/// If they are not.
pub fn check_capacities(capacities: &[f64], nodes: usize) -> Result<()> {
    if !capacities.is_empty() && capacities.len() != nodes {
        let count = capacities.len();
        return Err(Error::Parameter(format!(
            "capacities has {count} entries for {nodes} nodes; expected one per node"
        )));
    }
    match capacities.iter().position(|capacity| !(WEIGHT_LOW..=WEIGHT_HIGH).contains(capacity)) {
        None => Ok(()),
        Some(position) => Err(Error::Parameter(format!(
            "capacities[{position}] is {:?}; expected a number above 0, from {WEIGHT_LOW:e} to {WEIGHT_HIGH:e}: leave out \
             a node that is to hold nothing",
            capacities[position]
        ))),
    }
}

/// Racks are one per node, if there are any.
///
/// # Errors
/// If they are not.
pub fn check_racks(racks: &[Option<String>], nodes: usize) -> Result<()> {
    if racks.is_empty() || racks.len() == nodes {
        return Ok(());
    }
    let count = racks.len();
    Err(Error::Parameter(format!("racks has {count} entries for {nodes} nodes; expected one name or None per node")))
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
