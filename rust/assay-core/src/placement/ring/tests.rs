//! The ring against a binary search, its laws, and worked cases.

use super::*;
use crate::placement::Node;
use crate::placement::movement::{moved_share, sampled_share};
use crate::placement::tests::{values, weighted};
use proptest::prelude::*;

fn function(name: &str, seed: u64) -> HashFunction {
    HashFunction::parse(name, seed).unwrap()
}

/// A binary search over the sorted points, as the definition has it.
fn searched(ring: &Ring, hash: u64) -> u32 {
    let points = &ring.points[..ring.point_count()];
    ring.owners[points.partition_point(|point| *point < hash << ring.shift) % points.len()]
}

proptest! {
    #[test]
    fn the_index_finds_what_a_binary_search_finds(
        count in 1_usize..9, virtual_nodes in 1_u64..300, which in 0_usize..5, hashes in proptest::collection::vec(any::<u64>(), 1..200),
    ) {
        let name = ["xxh3_64", "xxh32", "murmur3_32", "md5", "identity"][which];
        let hash = function(name, 0);
        let ring = Ring::new(Settings::numbered(count).with_hash(hash).with_virtual_nodes(virtual_nodes)).unwrap();
        let near_points = ring.arcs().flat_map(|(point, _, _)| [point.wrapping_sub(1), point, point.wrapping_add(1)]);
        for value in hashes.into_iter().chain([0, u64::MAX]).chain(near_points) {
            let value = value & (u64::MAX >> ring.shift);
            prop_assert_eq!(ring.owner(value), searched(&ring, value));
        }
        prop_assert_eq!(ring.arcs().map(|(_, _, length)| length).sum::<u128>(), 1 << 64);
    }
}

#[test]
fn points_are_hashes_of_name_and_number_and_equal_ones_go_to_the_lower_position() {
    let ring = Ring::new(Settings::numbered(2).with_virtual_nodes(2)).unwrap();
    let xxh3 = function("xxh3_64", 0);
    for (text, owner) in [("node-0-0", 0), ("node-0-1", 0), ("node-1-0", 1), ("node-1-1", 1)] {
        assert_eq!(ring.owner(xxh3.bytes(text.as_bytes())), owner);
    }
    // Enough points for collisions in 32 bits: of each run of equal points, the least position.
    let settings = Settings::numbered(4).with_hash(function("murmur3_32", 0)).with_virtual_nodes(50_000);
    let ring = Ring::new(settings).unwrap();
    let pairs: Vec<(u64, u32)> = ring.arcs().map(|(point, owner, _)| (point, owner)).collect();
    assert!(pairs.is_sorted());
    let equal: Vec<_> = pairs.windows(2).filter(|pair| pair[0].0 == pair[1].0 && pair[0].1 != pair[1].1).collect();
    assert!(!equal.is_empty(), "200,000 points in 2^32 should collide");
    for pair in equal {
        assert!(ring.owner(pair[0].0) <= pair[0].1);
    }
}

#[test]
fn one_point_owns_the_whole_circle() {
    let ring = Ring::new(Settings::numbered(1).with_virtual_nodes(1)).unwrap();
    assert_eq!(ring.ownership(), [1.0]);
    assert_eq!(ring.adjacent_equal_pairs(), 0);
    assert!([0, 1, u64::MAX].into_iter().all(|hash| ring.owner(hash) == 0));
}

#[test]
fn points_per_node_round_half_to_even_and_are_at_least_one() {
    // 5 x 0.5 = 2.5 → 2; 5 x 0.7 = 3.5 → 4; 5 x 0.01 → 1.
    assert_eq!(point_counts(&weighted(&[0.5, 0.7, 0.01]).with_virtual_nodes(5)).unwrap(), [2, 4, 1]);
    for wrong in [0, VIRTUAL_NODES_HIGH + 1] {
        assert!(point_counts(&Settings::numbered(1).with_virtual_nodes(wrong)).is_err());
    }
    let message = point_counts(&weighted(&[1e300])).unwrap_err().to_string();
    assert!(message.contains("use fewer virtual nodes"), "{message}");
}

#[test]
fn shares_vary_as_the_law_says() {
    // CV² = (n-1)/(nV+1) in expectation; over 200 seeds its mean is known to about 5 %
    // (relative spread of a variance of 10 shares sqrt(2/9)/sqrt(200) = 3.3 %): allow four of them.
    let (nodes, points) = (10.0, 32.0);
    let mut sum = 0.0;
    let mut neighbours = 0.0;
    for seed in 0..200 {
        let settings = Settings::numbered(10).with_hash(function("xxh3_64", seed)).with_virtual_nodes(32);
        let ring = Ring::new(settings).unwrap();
        sum += ring.ownership().iter().map(|share| (share * nodes - 1.0).powi(2)).sum::<f64>() / nodes;
        neighbours += f64::from(u32::try_from(ring.adjacent_equal_pairs()).unwrap());
    }
    let law = (nodes - 1.0) / (nodes * points + 1.0);
    assert!((sum / 200.0 / law - 1.0).abs() < 0.14, "{} {law}", sum / 200.0);
    // nV(V-1)/(nV-1) = 31.1 pairs; a count of about 31 varies by 5.3, its mean of 200 by 0.4.
    let pairs = nodes * points * (points - 1.0) / (nodes * points - 1.0);
    assert!((neighbours / 200.0 - pairs).abs() < 1.6, "{} {pairs}", neighbours / 200.0);
}

#[test]
fn a_new_node_takes_its_share_and_nothing_else_moves() {
    for name in ["xxh3_64", "murmur3_32"] {
        let of = |count| Ring::new(Settings::numbered(count).with_hash(function(name, 0))).unwrap();
        let (before, after) = (of(9), of(10));
        for hash in values(20_000) {
            let hash = hash >> after.shift;
            let (old, new) = (before.owner(hash), after.owner(hash));
            assert!(old == new || new == 9);
        }
        // All that moves is what the newcomer owns now.
        let newcomer = after.ownership()[9];
        assert!((moved_share(&before, &after) - newcomer).abs() < 1e-12);
        assert!((moved_share(&after, &before) - newcomer).abs() < 1e-12);
        assert_eq!(moved_share(&after, &after), 0.0);
    }
}

#[test]
fn the_moved_share_is_that_of_a_sample() {
    let reversed = {
        let mut settings = weighted(&[1.0, 2.0, 0.1, 3.0]);
        settings.nodes.reverse();
        settings.nodes[1].name = "other".to_owned();
        Ring::new(settings).unwrap()
    };
    let plain = Ring::new(Settings::numbered(5).with_virtual_nodes(3)).unwrap();
    let exact = moved_share(&plain, &reversed);
    assert!((exact - sampled_share(&plain, &reversed)).abs() < 0.005, "{exact}");
    // Another seed: owners before and after are independent.
    let other = Ring::new(Settings::numbered(5).with_hash(function("xxh3_64", 1)).with_virtual_nodes(3)).unwrap();
    let kept: f64 = plain.ownership().iter().zip(other.ownership()).map(|(a, b)| a * b).sum();
    assert!((moved_share(&plain, &other) - (1.0 - kept)).abs() < 1e-12);
}

#[test]
fn replicas_of_few_and_of_many_keys_agree() {
    let mut settings = Settings::numbered(6).with_virtual_nodes(8);
    for (node, rack) in settings.nodes.iter_mut().zip(["a", "a", "b", "b", "b"]) {
        *node = Node { rack: Some(rack.to_owned()), ..node.clone() };
    }
    let ring = Ring::new(settings).unwrap();
    let hashes = values(500);
    for count in [1, 3, 6] {
        let mut bulk = vec![0; hashes.len() * count];
        ring.replicas(&hashes, count, &mut bulk).unwrap();
        for (hash, row) in hashes.iter().zip(bulk.chunks_exact(count)) {
            let mut single = vec![0; count];
            ring.replicas(&[*hash], count, &mut single).unwrap();
            assert_eq!(single, row);
            assert_eq!(single[0], ring.owner(*hash));
        }
    }
}

#[test]
fn numbers_of_points_count_on_in_decimal() {
    let mut name = b"9-0".to_vec();
    for number in 1..12_000 {
        increment(&mut name);
        assert_eq!(name, format!("9-{number}").as_bytes());
    }
}

#[test]
fn points_are_the_hashes_of_their_names_in_order_whatever_the_function_and_their_number() {
    for (function, count, virtual_nodes) in
        [("md5", 3, 2_000), ("xxh3_64", 50, 128), ("crc16_xmodem", 2, 40_000), ("murmur3_32", 1, 1), ("identity", 4, 3)]
    {
        let hash = HashFunction::parse(function, 0).unwrap();
        let settings = Settings::numbered(count).with_hash(hash).with_virtual_nodes(virtual_nodes);
        let named = if function == "identity" { HashFunction::parse("xxh3_64", 0).unwrap() } else { hash };
        let mut expected: Vec<(u64, u32)> = (0_u32..)
            .zip(&settings.nodes)
            .flat_map(|(owner, node)| {
                (0..virtual_nodes).map(move |number| (named.bytes(format!("{}-{number}", node.name).as_bytes()), owner))
            })
            .collect();
        expected.sort_unstable();
        let ring = Ring::new(settings).unwrap();
        assert!(ring.arcs().map(|(point, owner, _)| (point, owner)).eq(expected), "{function}");
    }
}

proptest! {
    #[test]
    fn a_ring_that_was_changed_is_the_ring_of_its_nodes(
        before in proptest::collection::vec((0_usize..12, 1_u32..4), 1..9), after in proptest::collection::vec((0_usize..12, 1_u32..4), 1..9),
        virtual_nodes in 1_u64..400, narrow: bool,
    ) {
        let of = |nodes: &[(usize, u32)]| {
            let mut settings = Settings::numbered(0).with_virtual_nodes(virtual_nodes);
            settings.hash = function(if narrow { "crc16_xmodem" } else { "xxh3_64" }, 0);
            for (number, weight) in nodes {
                let name = format!("node-{number}");
                if settings.nodes.iter().all(|node| node.name != name) {
                    settings.nodes.push(Node { weight: f64::from(*weight), ..Node::new(name) });
                }
            }
            settings
        };
        let changed = Ring::new(of(&before)).unwrap().changed(of(&after)).unwrap();
        let anew = Ring::new(of(&after)).unwrap();
        prop_assert_eq!(&changed.points, &anew.points);
        prop_assert_eq!(&changed.owners, &anew.owners);
        prop_assert_eq!(&changed.index, &anew.index);
        prop_assert_eq!(changed.index_shift, anew.index_shift);
    }
}
