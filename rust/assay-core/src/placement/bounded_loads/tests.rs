//! Bounded loads against a walk around the circle, its bound, and the shares in the limit.

use std::any::Any;
use std::collections::{BTreeSet, HashMap};

use super::*;
use crate::placement::tests::{values, weighted};
use proptest::prelude::*;

fn of(settings: Settings, epsilon: f64) -> Box<dyn Placement> {
    build(Settings { epsilon: Some(epsilon), ..settings }).unwrap()
}

fn held(placement: &dyn Placement, hashes: &[u64]) -> Box<dyn Placement> {
    placement.of_keys(&mut hashes.to_vec()).unwrap()
}

/// Each key in its turn goes to the first point at or after it whose node has room.
fn walked(placement: &BoundedLoads, hashes: &[u64], numerator: u64, denominator: u64) -> HashMap<u64, u32> {
    let points: Vec<(u64, u32)> = placement.ring.arcs().map(|(point, owner, _)| (point, owner)).collect();
    let mut keys: Vec<u64> = hashes.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    keys.sort_by_key(|hash| finalise(*hash));
    let total: f64 = placement.nodes().iter().map(|node| node.weight).sum();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let most = |node: &Node| {
        // Whole weights: exact.
        let share = u128::from(numerator) * keys.len() as u128 * u128::from(node.weight as u64);
        share.div_ceil(u128::from(denominator) * u128::from(total as u64))
    };
    let mut room: Vec<u128> = placement.nodes().iter().map(most).collect();
    let mut found = HashMap::new();
    for key in keys {
        let start = points.partition_point(|(point, _)| *point < key);
        let (_, owner) =
            points[start..].iter().chain(&points[..start]).find(|(_, node)| room[*node as usize] > 0).unwrap();
        room[*owner as usize] -= 1;
        found.insert(key, *owner);
    }
    found
}

proptest! {
    #[test]
    fn keys_pass_by_full_nodes_and_no_node_holds_more_than_its_bound(
        weights in proptest::collection::vec(1_u32..5, 1..9), virtual_nodes in 1_u64..20, percent in 0_u64..60,
        hashes in proptest::collection::vec(any::<u64>(), 0..300),
    ) {
        let settings = weighted(&weights.iter().map(|weight| f64::from(*weight)).collect::<Vec<_>>());
        #[allow(clippy::cast_precision_loss)]
        let placement = of(settings.with_virtual_nodes(virtual_nodes), percent as f64 / 100.0);
        let bounded = (&*placement as &dyn Any).downcast_ref::<BoundedLoads>().unwrap();
        let wanted = walked(bounded, &hashes, 100 + percent, 100);
        // The order of the keys, and how often they come, do not matter.
        let twice: Vec<u64> = hashes.iter().rev().chain(&hashes).copied().collect();
        let placed = held(placement.as_ref(), &twice);
        for hash in &hashes {
            prop_assert_eq!(placed.owner(*hash), wanted[hash]);
        }
        let mut loads = vec![0_u64; weights.len()];
        wanted.values().for_each(|owner| loads[*owner as usize] += 1);
        let most = capacities(placement.nodes(), wanted.len(), bounded.millionths);
        prop_assert!(loads.iter().zip(&most).all(|(load, most)| load <= most));
    }
}

#[test]
fn the_bound_is_that_of_the_decimal_epsilon() {
    // 1.1 x 10 keys / 1 node is 11, though the float 0.1 is a little above a tenth.
    let settings = Settings::numbered(1);
    assert_eq!(capacities(&settings.nodes, 10, 100_000), [11]);
    assert_eq!(capacities(&Settings::numbered(3).nodes, 10, 0), [4, 4, 4]);
    // Weights 1 and 3 of 4, 10 keys, epsilon 0.25: 12.5 / 4 = 3.125 and 9.375.
    assert_eq!(capacities(&weighted(&[1.0, 3.0]).nodes, 10, 250_000), [4, 10]);
    assert_eq!(capacities(&settings.nodes, (1 << 34) - 1, 1_000 * MILLION), [((1 << 34) - 1) * 1_001]);
    for wrong in [-0.1, f64::NAN, 1001.0] {
        assert!(build(Settings { epsilon: Some(wrong), ..Settings::numbered(2) }).is_err());
    }
}

#[test]
fn without_slack_all_nodes_hold_the_same() {
    let hashes = values(6_000);
    let placed = held(of(Settings::numbered(6), 0.0).as_ref(), &hashes);
    let mut loads = [0; 6];
    hashes.iter().for_each(|hash| loads[placed.owner(*hash) as usize] += 1);
    assert_eq!(loads, [1_000; 6]);
}

#[test]
fn much_slack_leaves_every_key_where_the_ring_has_it() {
    let hashes = values(5_000);
    let placement = of(Settings::numbered(5), 9.0);
    let placed = held(placement.as_ref(), &hashes);
    let ring = Ring::new(Settings::numbered(5)).unwrap();
    assert!(hashes.iter().all(|hash| placed.owner(*hash) == ring.owner(*hash)));
    assert_eq!(placed.memory_bytes(), ring.memory_bytes());
    for (share, arcs) in placement.ownership().iter().zip(ring.ownership()) {
        assert!((share - arcs).abs() < 1e-12);
    }
}

#[test]
fn many_keys_approach_the_shares_in_the_limit() {
    let hashes = values(100_000);
    for (settings, epsilon) in [
        (Settings::numbered(8).with_virtual_nodes(2), 0.2),
        (Settings::numbered(8).with_virtual_nodes(16), 0.05),
        (weighted(&[1.0, 2.0, 5.0, 1.0]).with_virtual_nodes(3), 0.1),
        (Settings::numbered(5).with_virtual_nodes(1), 0.0),
    ] {
        let placement = of(settings, epsilon);
        let placed = held(placement.as_ref(), &hashes);
        let mut counts = vec![0.0; placement.nodes().len()];
        hashes.iter().for_each(|hash| counts[placed.owner(*hash) as usize] += 1.0);
        for (count, share) in counts.iter().zip(placement.ownership()) {
            // A count's standard deviation is at most 158 of 100,000, and overflow adds up several: allow ten.
            assert!((count / 100_000.0 - share).abs() < 0.016, "{count} {share} {epsilon}");
        }
    }
}

#[test]
fn a_node_more_moves_more_than_its_share_but_not_much() {
    let of = |count| of(Settings::numbered(count), 0.25);
    let share = crate::placement::movement::moved_share(of(10).as_ref(), of(11).as_ref());
    assert!(share > 0.06 && share < 0.25, "{share}");
    assert_eq!(crate::placement::movement::moved_share(of(10).as_ref(), of(10).as_ref()), 0.0);
}
