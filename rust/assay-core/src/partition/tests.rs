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
            values: values.as_ref(),
            groups,
            ..Request::new(
                Distinct { columns: &columns, rows: rows.into(), weights: rows.into(), derived: &Derived::default() },
                &nodes,
            )
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
    let distinct = Distinct { columns: &columns, rows: (&rows).into(), weights: (&rows).into(), derived: &derived };
    // m = 10, the bound is the key at rank 5: 5. Parts: {1 2 3 4} with 4 rows, {5 6} with 6.
    let range = learned("range", &keys, &rows, 2).unwrap();
    assert_eq!(assigned(range.as_ref(), &keys), [0, 0, 0, 0, 1, 1]);
    // The heavier part has 6 rows, 5 5 5 5 5 6; its median, at rank 3, is 5: all of it moves.
    let more = range.change(Action::AddOne, &distinct, &[]).unwrap().unwrap();
    assert_eq!(more.nodes(), [0, 1, 2]);
    assert_eq!(assigned(more.as_ref(), &keys), [0, 0, 0, 0, 2, 2]);
    let fewer = range.change(Action::RemoveOne, &distinct, &[]).unwrap().unwrap();
    assert_eq!((fewer.nodes(), assigned(fewer.as_ref(), &keys)), (&[0][..], vec![0; 6]));
    let replaced = range.change(Action::ReplaceOne, &distinct, &[]).unwrap().unwrap();
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
    for name in [
        "hash",
        "ring",
        "jump",
        "rendezvous",
        "maglev",
        "redis_slots",
        "multi_probe",
        "bounded_loads",
        "anchor",
        "memento",
        "modulo",
        "range",
        "list",
        "directory",
        "bucket",
    ] {
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

/// Learns on keys that weigh as many as they have rows, and changes.
fn after(name: &str, keys: &[i64], rows: &[u64], capacities: (&[f64], &[f64]), action: Action) -> Vec<u32> {
    let columns = [Keys::new(Values::I64(keys), None, keys.len()).unwrap()];
    let derived = Derived::default();
    let distinct = Distinct { columns: &columns, rows: rows.into(), weights: rows.into(), derived: &derived };
    let nodes: Vec<u32> = (0..u32::try_from(capacities.0.len()).unwrap()).collect();
    let strategy = learn(name, &Request { capacities: capacities.0, ..Request::new(distinct, &nodes) }).unwrap();
    let changed = strategy.change(action, &distinct, capacities.1).unwrap().unwrap();
    assert_eq!(Some(changed.nodes().to_vec()), action.nodes(u32::try_from(nodes.len()).unwrap()).unwrap());
    assigned(changed.as_ref(), keys)
}

#[test]
fn a_directory_is_dealt_as_a_list_is_and_counts_its_entries() {
    let directory = learned("directory", &[9, 7, 8, 1, 2], &[3, 5, 4, 3, 2], 2).unwrap();
    assert_eq!(assigned(directory.as_ref(), &[7, 8, 1, 9, 2]), [0, 1, 1, 0, 1]);
    assert_eq!((directory.directory_entries(), directory.routing_bytes()), (Some(5), 5 * 12));
    let unknown = directory.assign(&[Keys::from_words(&[5])], 0, 1, &mut [0]).unwrap_err().to_string();
    assert!(unknown.contains("directory: the value 5 is on no partition's list"), "{unknown}");
    assert_eq!(learned("hash", &[1], &[1], 2).unwrap().directory_entries(), None);
}

#[test]
fn a_new_node_of_a_directory_takes_the_smallest_key_that_fills_it_from_the_fullest() {
    let one: (&[f64], &[f64]) = (&[1.0], &[1.0; 2]);
    // 12 7 6 5, all on node 0; the fair share is 15. No key is enough, so the heaviest goes, 12; 3 are missing, and the
    // smallest key that is enough is 5: it leaves 17 above 13. Nothing else is missing.
    assert_eq!(after("directory", &[1, 2, 3, 4], &[12, 7, 6, 5], one, Action::AddOne), [1, 0, 0, 1]);
    // 10 5 4 1: the share is 10, and one key is just enough.
    assert_eq!(after("directory", &[1, 2, 3, 4], &[10, 5, 4, 1], one, Action::AddOne), [1, 0, 0, 0]);
    // 20 1 1: a share of 11. The key of 20 would be enough, and leaves the new node below the 22 of before.
    assert_eq!(after("directory", &[1, 2, 3], &[20, 1, 1], one, Action::AddOne), [1, 0, 0]);
    // Learned on two: 6→0, 5→1, 4→1, 3→0, 2→0 (a tie at 9). Loads 11 and 9, the share is 7: key 1 goes (6 < 7, but none
    // is enough). Node 1 has 9 and would have to give less than 9 - 6: it has no such key.
    let two: (&[f64], &[f64]) = (&[1.0; 2], &[1.0; 3]);
    assert_eq!(after("directory", &[1, 2, 3, 4, 5], &[6, 5, 4, 3, 2], two, Action::AddOne), [2, 1, 1, 0, 0]);
}

#[test]
fn a_leaving_node_of_a_directory_gives_its_keys_to_the_emptiest_and_a_replaced_one_all() {
    let keys = [1, 2, 3, 4, 5, 6];
    let rows = [9, 8, 7, 3, 2, 1];
    let three: (&[f64], &[f64]) = (&[1.0; 3], &[1.0; 2]);
    // Learned: 9→0, 8→1, 7→2, 3→2 (10), 2→1 (10), 1→0 (10). Node 2 goes: its 7 to node 0 (a tie), its 3 to node 1.
    assert_eq!(after("directory", &keys, &rows, three, Action::RemoveOne), [0, 1, 0, 1, 1, 0]);
    let same: (&[f64], &[f64]) = (&[1.0; 3], &[]);
    assert_eq!(after("directory", &keys, &rows, same, Action::ReplaceOne), [0, 1, 2, 2, 1, 0]);
}

#[test]
fn capacities_are_dealt_to_by_load_over_capacity() {
    let capacities = [1.0, 2.0];
    // 6→0 (a tie of empty ones), 5→1 (2½), 4→1 (4½ < 6), 3→1 (6 = 6, but the tie came after: 4½ < 6), 2→0 (a tie at 6).
    let expected = [0, 1, 1, 1, 0];
    for name in ["list", "directory"] {
        let columns = [Keys::new(Values::I64(&[1, 2, 3, 4, 5]), None, 5).unwrap()];
        let (rows, derived) = ([6, 5, 4, 3, 2], Derived::default());
        let distinct = Distinct { columns: &columns, rows: (&rows).into(), weights: (&rows).into(), derived: &derived };
        let request = Request { capacities: &capacities, ..Request::new(distinct, &[0, 1]) };
        assert_eq!(assigned(learn(name, &request).unwrap().as_ref(), &[1, 2, 3, 4, 5]), expected, "{name}");
        let wrong =
            |capacities: &[f64]| message(learn(name, &Request { capacities, ..Request::new(distinct, &[0, 1]) }));
        assert!(wrong(&[1.0]).contains("capacities has 1 entries for 2 nodes"));
        assert!(wrong(&[1.0, 0.0]).contains("capacities[1] is 0.0; expected a number above 0"));
        assert!(wrong(&[f64::NAN, 1.0]).contains("capacities[0] is NaN"));
    }
    // A new node of capacity 2 beside one of 2: half of 20.
    let doubled: (&[f64], &[f64]) = (&[2.0], &[2.0, 2.0]);
    assert_eq!(after("directory", &[1, 2, 3, 4], &[10, 5, 4, 1], doubled, Action::AddOne), [1, 0, 0, 0]);
    // One of capacity 3 beside one of 1 is to hold 15: 10 first, then the 5 that are missing.
    let larger: (&[f64], &[f64]) = (&[1.0], &[1.0, 3.0]);
    assert_eq!(after("directory", &[1, 2, 3, 4], &[10, 5, 4, 1], larger, Action::AddOne), [1, 1, 0, 0]);
}

#[test]
fn placements_weigh_by_capacity_where_they_can() {
    let keys: Vec<i64> = (0..4_000).collect();
    for (name, heavier) in
        [("ring", true), ("rendezvous", true), ("redis_slots", true), ("jump", false), ("hash", false)]
    {
        let columns = [Keys::from_words(&[1])];
        let distinct =
            Distinct { columns: &columns, rows: (&[1]).into(), weights: (&[1]).into(), derived: &Derived::default() };
        let request = Request { capacities: &[1.0, 3.0], ..Request::new(distinct, &[0, 1]) };
        let second = assigned(learn(name, &request).unwrap().as_ref(), &keys).iter().filter(|at| **at == 1).count();
        // Three quarters or a half; the ring's own spread is the largest, a few percent.
        assert_eq!(second > 2_600, heavier, "{name}: {second} of 4000");
    }
}

#[test]
fn a_bucket_is_iceberg_s() {
    let bucket = learned("bucket", &[1], &[1], 100).unwrap();
    // Iceberg's specification: hash(34) = 2017239379, bucket[100] = 79; a date's hash is -653330422.
    assert_eq!(assigned(bucket.as_ref(), &[34, 17_486]), [79, ((-653_330_422_i32 & i32::MAX) % 100).cast_unsigned()]);
    let floats = [Keys::new(Values::F64(&[1.0]), None, 1).unwrap()];
    assert!(bucket.assign(&floats, 0, 1, &mut [0]).unwrap_err().to_string().contains("no floats and no bool"));
    let two = [Keys::from_words(&[1]), Keys::from_words(&[1])];
    assert!(bucket.assign(&two, 0, 1, &mut [0]).unwrap_err().to_string().contains("one column, not 2"));
}

#[test]
fn replicas_follow_in_the_order_of_nodes_with_unseen_racks_first() {
    let racks = ["a", "a", "b", "b"].map(|rack| Some(rack.to_owned()));
    let modulo = learned("modulo", &[1], &[1], 4).unwrap();
    let keys = [Keys::new(Values::I64(&[0, 1, 2, 3]), None, 4).unwrap()];
    let mut out = [9; 12];
    replicas::replicas(modulo.as_ref(), &racks, &keys, 0, 3, 1, &mut out).unwrap();
    // From 0 (a): 1 is skipped (a), 2 is on b; then 1. From 1: 2 (b), then 3 is skipped (b), 0 (a): the skipped in order.
    assert_eq!(out, [0, 2, 1, 1, 2, 3, 2, 0, 3, 3, 0, 1]);
    replicas::replicas(modulo.as_ref(), &[], &keys, 0, 3, 1, &mut out).unwrap();
    assert_eq!(out, [0, 1, 2, 1, 2, 3, 2, 3, 0, 3, 0, 1]);
    let many = replicas::replicas(modulo.as_ref(), &[], &keys, 0, 5, 1, &mut out).unwrap_err().to_string();
    assert!(many.contains("count is 5, but there are 4 nodes"), "{many}");
    let few = replicas::replicas(modulo.as_ref(), &racks[..1], &keys, 0, 2, 1, &mut out).unwrap_err().to_string();
    assert!(few.contains("racks has 1 entries for 4 nodes"), "{few}");
}

#[test]
fn a_ring_and_rendezvous_have_replicas_of_their_own_on_their_racks() {
    let racks = ["a", "a", "a", "b"].map(|rack| Some(rack.to_owned()));
    let (bits, keys) = ([0b110_u8], [7_i64, 8, 9]);
    let column = [Keys::new(Values::I64(&keys), Some(crate::keys::Bitmap::new(&bits, 0, 3)), 3).unwrap()];
    for name in ["ring", "rendezvous"] {
        let columns = [Keys::from_words(&[1])];
        let distinct =
            Distinct { columns: &columns, rows: (&[1]).into(), weights: (&[1]).into(), derived: &Derived::default() };
        let request = Request { racks: &racks, ..Request::new(distinct, &[0, 1, 2, 3]) };
        let strategy = learn(name, &request).unwrap();
        let (mut out, mut homes) = ([9; 6], [9; 3]);
        replicas::replicas(strategy.as_ref(), &racks, &column, 0, 2, 1, &mut out).unwrap();
        strategy.assign(&column, 0, 1, &mut homes).unwrap();
        assert_eq!(out[..2], [0, 3], "null lives in partition 0, and its copy on the other rack");
        for (home, pair) in homes.iter().zip(out.chunks_exact(2)) {
            assert_eq!(pair[0], *home, "{name}");
            assert!((pair[0] == 3) != (pair[1] == 3), "{name}: one copy is on rack b, where node 3 is alone");
        }
    }
}

#[test]
fn redis_slots_move_as_few_as_they_must_under_every_action() {
    let keys: Vec<i64> = (0..3_000).collect();
    let strategy = learned("redis_slots", &[1], &[1], 4).unwrap();
    let before = assigned(strategy.as_ref(), &keys);
    let columns = [Keys::from_words(&[1])];
    let distinct =
        Distinct { columns: &columns, rows: (&[1]).into(), weights: (&[1]).into(), derived: &Derived::default() };
    for (action, share) in
        [(Action::AddOne, 0.2), (Action::RemoveOne, 0.25), (Action::ReplaceOne, 0.25), (Action::Double, 0.5)]
    {
        let changed = strategy.change(action, &distinct, &[]).unwrap().unwrap();
        let now = assigned(changed.as_ref(), &keys);
        let pairs =
            || before.iter().zip(&now).map(|(a, b)| (strategy.nodes()[*a as usize], changed.nodes()[*b as usize]));
        let moved = pairs().filter(|(a, b)| a != b).count();
        // 3,000 keys: four standard deviations of the share are at most 0.037.
        assert!((f64::from(u32::try_from(moved).unwrap()) / 3_000.0 - share).abs() < 0.037, "{action:?}: {moved}");
        let stray = pairs().filter(|(a, b)| a != b && changed.nodes().contains(a) && strategy.nodes().contains(b));
        assert_eq!(stray.count(), 0, "{action:?}");
    }
    // Learned anew, nodes would hold consecutive slots again, and more would move.
    let anew = assigned(learned("redis_slots", &[1], &[1], 5).unwrap().as_ref(), &keys);
    assert!(before.iter().zip(&anew).filter(|(a, b)| a != b).count() > 1_000);
}

#[test]
fn counts_descend_by_counting_as_by_sorting() {
    for most in [5_u64, 70_000] {
        let rows: Vec<u64> = (0..500_u64).map(|row| row * row % most + 1).collect();
        let order: Vec<u32> = (0..500).map(|row| row * 7 % 500).collect();
        let mut expected = order.clone();
        expected.sort_by_key(|row| std::cmp::Reverse(rows[*row as usize]));
        assert_eq!(super::by_rows_descending(Order::rows(&order), (&rows).into()), expected);
    }
    assert!(super::by_rows_descending(Order::rows(&[]), (&[]).into()).is_empty());
}
