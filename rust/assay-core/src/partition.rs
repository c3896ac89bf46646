//! The room of partitioning strategies: which partition of n does each row of a table live in?
//!
//! A strategy is learned from the distinct keys of a table and their counts, for a list of nodes,
//! one per partition; then it assigns rows. Null keys (all parts null) live in partition 0. After
//! an action on the cluster (a node more, one less) a strategy says where keys live then; unless
//! it has a way of its own, it is learned anew for the new nodes.

pub mod composite;
pub mod hash;
pub mod list;
pub mod modulo;
pub mod placed;
pub mod range;
pub mod round_robin;

use std::sync::{Arc, OnceLock};

use crate::catalogue::Contender;
use crate::error::{Error, Result};
use crate::key_table::KeyTable;
use crate::keys::{Keys, for_each_compound};
use crate::order::sorted_rows;

/// What is known of a table's key when a strategy is learned: each distinct key with its counts.
#[derive(Debug, Clone, Copy)]
pub struct Distinct<'a> {
    /// The key's columns; one row per distinct key, the null key included if there is one.
    pub columns: &'a [Keys<'a>],
    /// The number of table rows with each key.
    pub rows: &'a [u64],
    /// The weight of each key.
    pub weights: &'a [u64],
    /// What several strategies derive from the keys, computed once.
    pub derived: &'a Derived,
}

/// What strategies derive from distinct keys: made on first use, then shared.
#[derive(Debug, Default)]
pub struct Derived {
    order: OnceLock<Vec<u32>>,
    table: OnceLock<Arc<KeyTable>>,
}

impl<'a> Distinct<'a> {
    /// The rows whose key is not null, in ascending order of their keys.
    #[must_use]
    pub fn order(&self) -> &'a [u32] {
        self.derived.order.get_or_init(|| sorted_rows(self.columns))
    }

    /// The keys' numbers: a key's number is its row here.
    #[must_use]
    pub fn table(&self) -> Arc<KeyTable> {
        let build = || {
            let mut table = KeyTable::new();
            let rows = self.columns.first().map_or(0, Keys::len);
            for_each_compound(self.columns, 0..rows, |row, form| {
                let number = table.insert(form) as usize;
                assert!(number == row, "distinct keys are distinct");
            });
            Arc::new(table)
        };
        Arc::clone(self.derived.table.get_or_init(build))
    }
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
}

impl Request<'_> {
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
}

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
    #[must_use]
    pub fn nodes(self, n: u32) -> Option<Vec<u32>> {
        match self {
            Self::AddOne => Some((0..=n).collect()),
            Self::RemoveOne if n == 1 => None,
            Self::RemoveOne => Some((0..n - 1).collect()),
            Self::ReplaceOne => Some((0..n - 1).chain([n]).collect()),
            Self::Double => Some((0..2 * n).collect()),
        }
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

    /// The bytes of state that a router must hold.
    fn routing_bytes(&self) -> u64;

    /// Whether the partition depends on the key alone, not on the row's number.
    fn keyed(&self) -> bool {
        true
    }

    /// The strategy after an action, if it has a way of its own; None: it is learned anew.
    ///
    /// # Errors
    /// If the change cannot be computed.
    fn change(&self, _action: Action, _distinct: &Distinct<'_>) -> Result<Option<Box<dyn Strategy>>> {
        Ok(None)
    }

    /// For windows [low, high) of a single column: how many partitions must be asked, knowing only
    /// the strategy; None if a window says nothing.
    fn routed_windows(&self, _low: &Keys<'_>, _high: &Keys<'_>) -> Option<Vec<u32>> {
        None
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
    if let Some((_, learn)) = STRATEGIES.iter().find(|(contender, _)| contender.name == name) {
        return learn(request);
    }
    placed::learn(name, request)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Values;

    /// Learns a strategy on integer keys with these numbers of rows.
    fn learned(name: &str, keys: &[i64], rows: &[u64], n: u32) -> Result<Box<dyn Strategy>> {
        given(name, keys, rows, n, None, &[])
    }

    fn given(
        name: &str,
        keys: &[i64],
        rows: &[u64],
        n: u32,
        values: Option<&[i64]>,
        groups: &[u32],
    ) -> Result<Box<dyn Strategy>> {
        let columns = [Keys::new(Values::I64(keys), None, keys.len()).unwrap()];
        let values = values.map(|values| Keys::new(Values::I64(values), None, values.len()).unwrap());
        let nodes: Vec<u32> = (0..n).collect();
        learn(
            name,
            &Request {
                distinct: Distinct { columns: &columns, rows, weights: rows, derived: &Derived::default() },
                nodes: &nodes,
                settings: &[],
                values: values.as_ref(),
                groups,
            },
        )
    }

    fn assigned(strategy: &dyn Strategy, keys: &[i64]) -> Vec<u32> {
        let columns = [Keys::new(Values::I64(keys), None, keys.len()).unwrap()];
        let mut out = vec![u32::MAX; keys.len()];
        strategy.assign(&columns, 0, 1, &mut out).unwrap();
        out
    }

    fn message(result: Result<Box<dyn Strategy>>) -> String {
        result.err().expect("this must be refused").to_string()
    }

    #[test]
    fn a_range_cuts_at_the_ranks_of_its_rows() {
        // Keys 10 20 30 40 with 1 2 1 4 rows: the sorted rows are 10 20 20 30 40 40 40 40, m = 8.
        // At n = 4 the bounds are those of ranks 2, 4 and 6: 20, 40, 40. Partition 2 stays empty.
        let range = learned("range", &[40, 10, 20, 30], &[4, 1, 2, 1], 4).unwrap();
        assert_eq!(assigned(range.as_ref(), &[5, 10, 19, 20, 30, 39, 40, 99]), [0, 0, 0, 1, 1, 1, 3, 3]);
        assert_eq!(range.routing_bytes(), 24);
    }

    #[test]
    fn a_range_splits_its_heaviest_part_at_the_median_and_merges_the_last() {
        let keys = [1, 2, 3, 4, 5, 6];
        let rows = [1, 1, 1, 1, 5, 1];
        let columns = [Keys::new(Values::I64(&keys), None, keys.len()).unwrap()];
        let derived = Derived::default();
        let distinct = Distinct { columns: &columns, rows: &rows, weights: &rows, derived: &derived };
        // m = 10, the bound is the key at rank 5: 5. Parts: {1 2 3 4} with 4 rows, {5 6} with 6.
        let range = learned("range", &keys, &rows, 2).unwrap();
        assert_eq!(assigned(range.as_ref(), &keys), [0, 0, 0, 0, 1, 1]);
        // The heavier part has 6 rows, 5 5 5 5 5 6; its median, at rank 3, is 5: all of it moves.
        let more = range.change(Action::AddOne, &distinct).unwrap().unwrap();
        assert_eq!(more.nodes(), [0, 1, 2]);
        assert_eq!(assigned(more.as_ref(), &keys), [0, 0, 0, 0, 2, 2]);
        let fewer = range.change(Action::RemoveOne, &distinct).unwrap().unwrap();
        assert_eq!((fewer.nodes(), assigned(fewer.as_ref(), &keys)), (&[0][..], vec![0; 6]));
        let replaced = range.change(Action::ReplaceOne, &distinct).unwrap().unwrap();
        assert_eq!(replaced.nodes(), [0, 2]);
    }

    #[test]
    fn windows_ask_the_intervals_that_they_meet_and_none_between_repeated_bounds() {
        let range = given("range", &[1], &[1], 4, Some(&[10, 20, 20]), &[]).unwrap();
        let ask = |low: &[i64], high: &[i64]| {
            let low = Keys::new(Values::I64(low), None, low.len()).unwrap();
            let high = Keys::new(Values::I64(high), None, high.len()).unwrap();
            range.routed_windows(&low, &high).unwrap()
        };
        assert_eq!(ask(&[0, 9, 10, 15, 0, 20], &[10, 11, 20, 21, 99, 21]), [1, 2, 1, 2, 3, 1]);
    }

    #[test]
    fn bounds_must_be_as_many_as_needed_and_in_order() {
        assert!(message(given("range", &[1], &[1], 3, Some(&[5]), &[])).contains("bounds has 1 values; expected 2"));
        let unsorted = message(given("range", &[1], &[1], 3, Some(&[5, 2]), &[]));
        assert!(unsorted.contains("5 comes before 2"), "{unsorted}");
    }

    #[test]
    fn a_list_gives_the_largest_value_to_the_least_loaded_partition() {
        // Counts 5 4 3 3 2 for values 7 8 9 1 2 on 2 partitions; equal counts by value: 1 before 9.
        // 7→0 (5), 8→1 (4), 1→1 (7), 9→0 (8), 2→1 (9).
        let list = learned("list", &[9, 7, 8, 1, 2], &[3, 5, 4, 3, 2], 2).unwrap();
        assert_eq!(assigned(list.as_ref(), &[7, 8, 1, 9, 2]), [0, 1, 1, 0, 1]);
        assert_eq!(list.routing_bytes(), 5 * 12);
    }

    #[test]
    fn a_given_list_must_name_every_value_once() {
        let missing = message(given("list", &[1, 2, 3, 4], &[1; 4], 2, Some(&[1, 2]), &[1, 1]));
        assert!(missing.contains("misses 2 values of the data (3; 4)"), "{missing}");
        assert!(message(given("list", &[1], &[1], 2, Some(&[1, 1]), &[1, 1])).contains("more than one place"));
        assert!(message(given("list", &[1], &[1], 3, Some(&[1]), &[1])).contains("values has 1 lists; expected 3"));
        let list = given("list", &[1, 2], &[1, 1], 2, Some(&[2, 1]), &[1, 1]).unwrap();
        assert_eq!(assigned(list.as_ref(), &[1, 2]), [1, 0]);
    }

    #[test]
    fn modulo_is_never_negative_and_takes_integers_only() {
        let modulo = learned("modulo", &[1], &[1], 4).unwrap();
        assert_eq!(assigned(modulo.as_ref(), &[-1, -4, 7, 0, i64::MIN]), [3, 0, 3, 0, 0]);
        let text = [Keys::new(Values::Bytes32 { offsets: &[0, 1], data: b"a" }, None, 1).unwrap()];
        assert!(modulo.assign(&text, 0, 1, &mut [0]).unwrap_err().to_string().contains("integers"));
    }

    #[test]
    fn round_robin_goes_by_the_rows_number() {
        let round_robin = learned("round_robin", &[], &[], 3).unwrap();
        let mut out = [9; 5];
        round_robin.assign(&[], 7, 1, &mut out).unwrap();
        assert_eq!(out, [1, 2, 0, 1, 2]);
        assert!(!round_robin.keyed());
    }

    #[test]
    fn a_composite_is_the_outer_times_the_inner_width_plus_the_inner() {
        let outer = learned("modulo", &[1], &[1], 2).unwrap();
        let inner = learned("modulo", &[1], &[1], 3).unwrap();
        let composite = composite::Composite::new(outer.into(), inner.into(), 1, (0..6).collect());
        let (first, second) = ([5_i64, 4], [7_i64, 5]);
        let columns =
            [Keys::new(Values::I64(&first), None, 2).unwrap(), Keys::new(Values::I64(&second), None, 2).unwrap()];
        let mut out = [9; 2];
        composite.assign(&columns, 0, 1, &mut out).unwrap();
        // 5 % 2 = 1, 7 % 3 = 1: 1 · 3 + 1; 4 % 2 = 0, 5 % 3 = 2: 0 · 3 + 2.
        assert_eq!(out, [4, 2]);
    }

    #[test]
    fn every_placement_is_a_strategy_and_null_lives_in_partition_0() {
        let bits = [0b01_u8];
        let keys = [5_i64, 6];
        let column = [Keys::new(Values::I64(&keys), Some(crate::keys::Bitmap::new(&bits, 0, 2)), 2).unwrap()];
        for name in ["hash", "ring", "jump", "rendezvous", "maglev", "modulo", "range", "list"] {
            let strategy = learned(name, &[5, 8, 9], &[1, 1, 1], 3).unwrap();
            let mut out = [9; 2];
            strategy.assign(&column, 0, 1, &mut out).unwrap();
            assert!(out[0] < 3 && out[1] == 0, "{name}: {out:?}");
        }
        assert!(message(learned("rung", &[1], &[1], 2)).contains("strategy \"rung\""));
    }

    #[test]
    fn actions_number_the_nodes() {
        assert_eq!(Action::AddOne.nodes(2), Some(vec![0, 1, 2]));
        assert_eq!(Action::RemoveOne.nodes(2), Some(vec![0]));
        assert_eq!(Action::RemoveOne.nodes(1), None);
        assert_eq!(Action::ReplaceOne.nodes(2), Some(vec![0, 2]));
        assert_eq!(Action::Double.nodes(2), Some(vec![0, 1, 2, 3]));
        assert!(Action::parse("add_two").is_err());
    }
}
