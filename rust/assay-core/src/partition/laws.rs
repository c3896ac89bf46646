//! Laws of the strategies, over random tables: what must hold whatever the keys are.

use proptest::prelude::*;

use super::{Action, Derived, Distinct, Request, Strategy as Partitioning, composite, learn};
use crate::keys::{Bitmap, Keys, Values};

/// Distinct keys with their rows; None is the null key, and not always there.
fn tables() -> impl Strategy<Value = Vec<(Option<i64>, u64)>> {
    let key = prop_oneof![4 => (-20_i64..20).prop_map(Some), 2 => any::<i64>().prop_map(Some), 1 => Just(None)];
    let rows = prop_oneof![8 => 1_u64..9, 1 => 1_u64..100_000, 1 => Just(1_u64 << 50)];
    proptest::collection::vec((key, rows), 1..60).prop_map(|mut table| {
        let mut seen = std::collections::HashSet::new();
        table.retain(|(key, _)| seen.insert(*key));
        table
    })
}

/// A table as columns, to be borrowed.
struct Table {
    keys: Vec<i64>,
    bits: Vec<u8>,
    rows: Vec<u64>,
    derived: Derived,
}

impl Table {
    fn new(table: &[(Option<i64>, u64)]) -> Self {
        let mut bits = vec![0_u8; table.len().div_ceil(8)];
        for (row, (key, _)) in table.iter().enumerate() {
            bits[row / 8] |= u8::from(key.is_some()) << (row % 8);
        }
        Self {
            keys: table.iter().map(|(key, _)| key.unwrap_or(7)).collect(),
            bits,
            rows: table.iter().map(|(_, rows)| *rows).collect(),
            derived: Derived::default(),
        }
    }

    fn column(&self) -> Keys<'_> {
        let validity = Bitmap::new(&self.bits, 0, self.keys.len());
        Keys::new(Values::I64(&self.keys), Some(validity), self.keys.len()).unwrap()
    }

    /// Calls `work` with the distinct keys.
    fn with<R>(&self, work: impl FnOnce(&Distinct<'_>) -> R) -> R {
        let columns = [self.column()];
        work(&Distinct {
            columns: &columns,
            rows: (&self.rows).into(),
            weights: (&self.rows).into(),
            derived: &self.derived,
        })
    }

    fn learn(&self, name: &str, n: u32) -> Box<dyn Partitioning> {
        self.learn_with(name, n, &[])
    }

    fn learn_with(&self, name: &str, n: u32, capacities: &[f64]) -> Box<dyn Partitioning> {
        let nodes: Vec<u32> = (0..n).collect();
        let request = |distinct: &Distinct<'_>| learn(name, &Request { capacities, ..Request::new(*distinct, &nodes) });
        self.with(request).unwrap()
    }

    fn assigned(&self, strategy: &dyn Partitioning) -> Vec<u32> {
        let mut out = vec![u32::MAX; self.keys.len()];
        strategy.assign(&[self.column()], 0, 1, &mut out).unwrap();
        out
    }

    fn loads(&self, partitions: &[u32], n: u32) -> Vec<u64> {
        let mut loads = vec![0; n as usize];
        partitions.iter().zip(&self.rows).for_each(|(partition, rows)| loads[*partition as usize] += rows);
        loads
    }
}

/// The pairs (key, partition) of keys that are not null, by key.
fn by_key(table: &[(Option<i64>, u64)], partitions: &[u32]) -> Vec<(i64, u32)> {
    let mut pairs: Vec<(i64, u32)> =
        table.iter().zip(partitions).filter_map(|((key, _), partition)| Some(((*key)?, *partition))).collect();
    pairs.sort_unstable();
    pairs
}

proptest! {
    #[test]
    fn a_range_keeps_the_order_of_keys_before_and_after_every_action(table in tables(), n in 1_u32..40) {
        let columns = Table::new(&table);
        let range = columns.learn("range", n);
        let mut contests = vec![(None, columns.assigned(range.as_ref()), range.nodes().len())];
        for action in Action::ALL.into_iter().filter(|action| n > 1 || *action != Action::RemoveOne) {
            let changed = columns.with(|distinct| range.change(action, distinct, &[])).unwrap().unwrap();
            let mut nodes = changed.nodes().to_vec();
            nodes.sort_unstable();
            prop_assert_eq!(Some(nodes), action.nodes(n).unwrap(), "{:?} has the nodes of the action", action);
            contests.push((Some(action), columns.assigned(changed.as_ref()), changed.nodes().len()));
        }
        for (action, partitions, count) in contests {
            prop_assert!(by_key(&table, &partitions).is_sorted_by_key(|(_, partition)| *partition), "{:?}", action);
            prop_assert!(partitions.iter().all(|partition| (*partition as usize) < count), "{:?}", action);
            for ((key, _), partition) in table.iter().zip(&partitions) {
                prop_assert!(key.is_some() || *partition == 0, "null lives in partition 0");
            }
        }
    }

    #[test]
    fn a_range_cuts_where_a_sort_of_all_rows_says(
        table in proptest::collection::vec((-9_i64..9, 1_u64..6), 1..12), n in 1_u32..20,
    ) {
        let mut table: Vec<(Option<i64>, u64)> = table.into_iter().map(|(key, rows)| (Some(key), rows)).collect();
        table.sort_unstable();
        table.dedup_by_key(|(key, _)| *key);
        // The definition on every row: bound j is the key at rank floor(j m / n); partition = bounds <= key.
        let sorted: Vec<i64> =
            table.iter().flat_map(|(key, rows)| std::iter::repeat_n(key.unwrap(), usize::try_from(*rows).unwrap())).collect();
        let bounds: Vec<i64> = (1..n as usize).map(|j| sorted[j * sorted.len() / n as usize]).collect();
        let columns = Table::new(&table);
        let expected: Vec<u32> =
            table.iter().map(|(key, _)| bounds.iter().filter(|bound| **bound <= key.unwrap()).count() as u32).collect();
        prop_assert_eq!(columns.assigned(columns.learn("range", n).as_ref()), expected);
    }

    #[test]
    fn equal_keys_stay_together_in_every_type_and_cut(
        floats in proptest::collection::vec(prop_oneof![Just(0.0_f64), Just(-0.0), Just(f64::NAN), Just(-f64::NAN), -2.0..2.0_f64], 1..40),
        n in 1_u32..9,
    ) {
        // Learn from each key once, then assign rows in which it stands under all its bits.
        let mut seen = std::collections::HashSet::new();
        let distinct: Vec<f64> = floats.iter().copied().filter(|key| seen.insert(crate::keys::float_word(*key))).collect();
        let keys = [Keys::new(Values::F64(&distinct), None, distinct.len()).unwrap()];
        let rows = vec![1; distinct.len()];
        let derived = Derived::default();
        let nodes: Vec<u32> = (0..n).collect();
        let table = [Keys::new(Values::F64(&floats), None, floats.len()).unwrap()];
        for name in ["hash", "range", "list", "directory", "ring", "jump", "rendezvous", "maglev", "redis_slots"] {
            let distinct = Distinct { columns: &keys, rows: (&rows).into(), weights: (&rows).into(), derived: &derived };
            let request = Request::new(distinct, &nodes);
            let strategy = learn(name, &request).unwrap();
            let mut out = vec![u32::MAX; floats.len()];
            strategy.assign(&table, 0, 1, &mut out).unwrap();
            let mut home = std::collections::HashMap::new();
            for (key, partition) in floats.iter().zip(out) {
                prop_assert!(partition < n);
                prop_assert_eq!(*home.entry(crate::keys::float_word(*key)).or_insert(partition), partition, "{}: {}", name, key);
            }
        }
    }

    #[test]
    fn the_loads_of_a_list_differ_by_at_most_its_largest_count(table in tables(), n in 1_u32..40) {
        let columns = Table::new(&table);
        let partitions = columns.assigned(columns.learn("list", n).as_ref());
        let loads = columns.loads(&partitions, n);
        // Null rows lie in partition 0 without being asked, as one key that came first.
        let most = *columns.rows.iter().max().unwrap();
        prop_assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= most, "{:?}", loads);
        // Graham's bound: no load above the mean of the others' work and one more value.
        let whole: u64 = columns.rows.iter().sum();
        prop_assert!(u128::from(*loads.iter().max().unwrap()) * u128::from(n) <= u128::from(whole) + u128::from(most) * u128::from(n - 1));
    }

    #[test]
    fn a_directory_moves_keys_to_new_nodes_and_from_those_that_go_alone(
        table in tables(), n in 1_u32..12, capacities in proptest::collection::vec(prop_oneof![Just(1.0), Just(2.0), Just(0.1)], 24),
    ) {
        let columns = Table::new(&table);
        let directory = columns.learn_with("directory", n, &capacities[..n as usize]);
        let before = columns.assigned(directory.as_ref());
        for action in Action::ALL.into_iter().filter(|action| n > 1 || *action != Action::RemoveOne) {
            let count = action.nodes(n).unwrap().unwrap().len();
            let after = &capacities[..count];
            let changed = columns.with(|distinct| directory.change(action, distinct, after)).unwrap().unwrap();
            let now = columns.assigned(changed.as_ref());
            let loads = columns.loads(&now, u32::try_from(count).unwrap());
            let old = columns.loads(&before, n);
            let relative = |loads: &[u64]| loads.iter().zip(after).map(|(load, capacity)| *load as f64 / capacity).fold(0.0, f64::max);
            for ((key, _), (was, is)) in table.iter().zip(before.iter().zip(&now)) {
                prop_assert!(key.is_some() || *is == 0, "null lives in partition 0");
                match action {
                    Action::AddOne | Action::Double => prop_assert!(was == is || *is >= n, "{:?} {} {}", action, was, is),
                    Action::RemoveOne => prop_assert!(was == is || *was == n - 1),
                    Action::ReplaceOne => prop_assert_eq!(was, is),
                }
            }
            if matches!(action, Action::AddOne | Action::Double) {
                prop_assert!(relative(&loads) <= relative(&old), "no partition is fuller than the fullest was");
            }
        }
    }

    #[test]
    fn a_new_node_of_a_directory_has_its_share_if_keys_are_small(keys in 40_usize..200, n in 1_u32..6) {
        let table: Vec<(Option<i64>, u64)> = (0..keys as i64).map(|key| (Some(key), 1)).collect();
        let columns = Table::new(&table);
        let directory = columns.learn("directory", n);
        for action in [Action::AddOne, Action::Double] {
            let count = action.nodes(n).unwrap().unwrap().len();
            let changed = columns.with(|distinct| directory.change(action, distinct, &[])).unwrap().unwrap();
            let loads = columns.loads(&columns.assigned(changed.as_ref()), u32::try_from(count).unwrap());
            // Every new node is filled to its share, rounded down, and no old one falls below it.
            let share = (keys / count) as u64;
            prop_assert!(loads[..n as usize].iter().all(|load| *load >= share), "{:?}", loads);
            prop_assert!(loads[n as usize..].iter().all(|load| *load == share), "{:?}", loads);
        }
    }

    #[test]
    fn a_composite_is_made_of_what_its_parts_say(
        rows in proptest::collection::vec((any::<i64>(), any::<i64>()), 1..50),
        outer in 1_u32..6, inner in 1_u32..6, names in (0_usize..4, 0_usize..4),
    ) {
        const NAMES: [&str; 4] = ["hash", "modulo", "ring", "round_robin"];
        let (first, second): (Vec<i64>, Vec<i64>) = rows.into_iter().unzip();
        let any = Table::new(&[(Some(1), 1)]);
        let of = |name: usize, n| std::sync::Arc::<dyn Partitioning>::from(any.learn(NAMES[name], n));
        let (a, b) = (of(names.0, outer), of(names.1, inner));
        let left = [Keys::new(Values::I64(&first), None, first.len()).unwrap()];
        let right = [Keys::new(Values::I64(&second), None, second.len()).unwrap()];
        let both = [left[0].clone(), right[0].clone()];
        let nodes = (0..outer * inner).collect();
        let composite = composite::Composite::new(a.clone(), b.clone(), 1, nodes).unwrap();
        let run = |strategy: &dyn Partitioning, columns: &[Keys<'_>]| {
            let mut out = vec![u32::MAX; first.len()];
            strategy.assign(columns, 5, 1, &mut out).unwrap();
            out
        };
        let (whole, a_s, b_s) = (run(&composite, &both), run(a.as_ref(), &left), run(b.as_ref(), &right));
        for ((whole, a), b) in whole.into_iter().zip(a_s).zip(b_s) {
            prop_assert!(whole < outer * inner);
            prop_assert_eq!((whole / inner, whole % inner), (a, b));
        }
        prop_assert_eq!(composite.keyed(), a.keyed() && b.keyed());
        prop_assert!(composite::Composite::new(a, b, 1, vec![0; (outer * inner) as usize + 1]).is_err());
    }

    #[test]
    fn windows_ask_every_partition_that_holds_a_key_of_theirs(table in tables(), n in 1_u32..20, low in -25_i64..25, width in 0_i64..20) {
        let columns = Table::new(&table);
        let range = columns.learn("range", n);
        let (first, last) = ([low], [low + width]);
        let keys = |values| Keys::new(Values::I64(values), None, 1).unwrap();
        let asked = range.routed_windows(&keys(&first), &keys(&last)).unwrap().unwrap()[0];
        let inside = by_key(&table, &columns.assigned(range.as_ref()));
        let held: std::collections::HashSet<u32> =
            inside.into_iter().filter(|(key, _)| (low..=low + width).contains(key)).map(|(_, partition)| partition).collect();
        prop_assert!(asked as usize >= held.len() && asked <= n);
    }
}

#[test]
fn more_partitions_than_keys_leave_some_empty_and_lose_none() {
    for table in
        [vec![(Some(4), 3)], vec![(None, 2)], vec![(Some(i64::MIN), 1), (Some(i64::MAX), u64::MAX / 2), (None, 5)]]
    {
        let columns = Table::new(&table);
        for name in ["range", "list", "directory"] {
            for n in [1, 2, 7, 100] {
                let strategy = columns.learn(name, n);
                let partitions = columns.assigned(strategy.as_ref());
                assert_eq!(columns.loads(&partitions, n).iter().sum::<u64>(), columns.rows.iter().sum::<u64>());
            }
        }
    }
}

#[test]
fn distinct_keys_are_checked_before_anything_is_learned() {
    let message = |keys: &[i64], rows: &[u64], weights: &[u64]| {
        let columns = [Keys::new(Values::I64(keys), None, keys.len()).unwrap()];
        let distinct =
            Distinct { columns: &columns, rows: rows.into(), weights: weights.into(), derived: &Derived::default() };
        let request = Request::new(distinct, &[0, 1]);
        learn("list", &request).err().expect("this must be refused").to_string()
    };
    assert!(message(&[1, 2], &[1], &[1, 1]).contains("differ in length"));
    assert!(message(&[1, 2], &[1, 0], &[1, 1]).contains("key 1 has 0 rows"));
    assert!(message(&[1, 2], &[u64::MAX, 1], &[1, 1]).contains("the rows add up to more than 2^64"));
    assert!(message(&[1, 2], &[1, 1], &[u64::MAX, 1]).contains("the weights add up to more than 2^64"));
    assert!(message(&[3, 3], &[1, 1], &[1, 1]).contains("the key 3 stands in more than one row"));
}
