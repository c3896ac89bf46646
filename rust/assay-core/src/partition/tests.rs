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
    let ask = |first: &[i64], last: &[i64]| {
        let first = Keys::new(Values::I64(first), None, first.len()).unwrap();
        let last = Keys::new(Values::I64(last), None, last.len()).unwrap();
        range.routed_windows(&first, &last).unwrap().unwrap()
    };
    assert_eq!(ask(&[0, 9, 10, 15, 0, 20], &[9, 10, 19, 20, i64::MAX, 20]), [1, 2, 1, 2, 3, 1]);
    // A window that ends before it begins asks nobody.
    assert_eq!(ask(&[25, 9], &[1, 8]), [0, 0]);
    let (two, one) = (Keys::from_words(&[1, 2]), Keys::from_words(&[1]));
    assert!(range.routed_windows(&two, &one).unwrap_err().to_string().contains("2 windows begin, but 1 end"));
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
    let composite = composite::Composite::new(outer.into(), inner.into(), 1, (0..6).collect()).unwrap();
    let (first, second) = ([5_i64, 4], [7_i64, 5]);
    let columns = [Keys::new(Values::I64(&first), None, 2).unwrap(), Keys::new(Values::I64(&second), None, 2).unwrap()];
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
    assert_eq!(Action::AddOne.nodes(2).unwrap(), Some(vec![0, 1, 2]));
    assert_eq!(Action::RemoveOne.nodes(2).unwrap(), Some(vec![0]));
    assert_eq!(Action::RemoveOne.nodes(1).unwrap(), None);
    assert_eq!(Action::ReplaceOne.nodes(2).unwrap(), Some(vec![0, 2]));
    assert_eq!(Action::Double.nodes(2).unwrap(), Some(vec![0, 1, 2, 3]));
    assert!(Action::parse("add_two").is_err());
    for action in Action::ALL {
        assert!(action.nodes(0).is_err() && action.nodes(u32::MAX).is_err() && action.nodes(1 << 31).is_err());
    }
}
