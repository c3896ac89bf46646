//! Multi-probe: one point per node, several probes per key.
//!
//! Idea: nodes have a point each on a circle; a key is hashed to k places, and of the points that follow
//! them the nearest one has the key. Cost: k searches a lookup, 12 to 20 bytes a node. Choose it where a
//! ring's many points take too much memory, and lookups may take longer: with k = 21 the fullest node holds
//! about 1.05 times the mean, for which a ring needs some thousand points a node. Only the keys of the node
//! concerned move. Source: Appleton and O'Reilly 2015, "Multi-probe consistent hashing".

use std::any::Any;
use std::collections::HashMap;

use crate::catalogue::{Contender, Domain, Parameter};
use crate::error::Result;
use crate::placement::movement::GOLDEN;
use crate::placement::rendezvous::finalise;
use crate::placement::ring::Ring;
use crate::placement::{HASH, Placement, SEED, Settings};

/// Probes of a key, if none are given.
pub const PROBES_DEFAULT: u64 = 21;

/// The most probes of a key.
pub const PROBES_HIGH: u64 = 1024;

/// Points per node of weight 1, if none are given.
pub const VIRTUAL_NODES_DEFAULT: u64 = 1;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "placement",
    name: "multi_probe",
    version: 1,
    idea: "Nodes have a point each on a circle; of the points after a key's 21 probes the nearest one has the key.",
    cost: "one search per probe, so about 21 times a ring's lookup; 12 to 20 bytes per node",
    choose_when: "memory is scarcer than time, nodes come and go in any order, and shares must be even",
    source: "Appleton and O'Reilly 2015, Multi-probe consistent hashing",
    parameters: &[
        Parameter {
            name: "probes",
            default: "21",
            domain: Domain::Integer { low: 1, high: PROBES_HIGH },
            meaning: "places that a key is hashed to; the fullest node has about 1 + 1/(probes - 1) times its share",
        },
        Parameter {
            name: "virtual_nodes",
            default: "1",
            domain: Domain::Integer { low: 1, high: super::ring::VIRTUAL_NODES_HIGH },
            meaning: "points per node of weight 1; more than one only for weights that are no whole numbers",
        },
        HASH,
        SEED,
    ],
    abilities: &["weights", "remove_any", "minimal_movement"],
};

/// A circle of few points, and the number of probes.
#[derive(Debug, Clone)]
pub struct MultiProbe {
    settings: Settings,
    /// Points are XXH3's of the names, whatever hashes the keys: probes are mixed to 64 bits.
    circle: Ring,
    probes: u64,
}

/// Multi-probe over these nodes.
///
/// # Errors
/// If the points are too many, or a parameter is out of its bounds.
pub fn build(settings: Settings) -> Result<Box<dyn Placement>> {
    let probes = settings.probes.unwrap_or(PROBES_DEFAULT);
    if !(1..=PROBES_HIGH).contains(&probes) {
        return Err(crate::error::Error::Parameter(format!(
            "multi_probe: probes is {probes}; expected from 1 to {PROBES_HIGH}"
        )));
    }
    let virtual_nodes = settings.virtual_nodes.unwrap_or(VIRTUAL_NODES_DEFAULT);
    let points = Settings::new(settings.nodes.clone()).with_virtual_nodes(virtual_nodes);
    Ok(Box::new(MultiProbe { settings, circle: Ring::new(points)?, probes }))
}

/// Where the key of this hash value is looked for the `number`th time: SplitMix64's sequence from the value on.
#[inline]
#[must_use]
pub fn probe(hash: u64, number: u64) -> u64 {
    finalise(hash.wrapping_add(number.wrapping_add(1).wrapping_mul(GOLDEN)))
}

/// A power by squaring, which gives the same bits everywhere; the platform's does not promise that.
fn power(mut base: f64, mut exponent: u64) -> f64 {
    let mut found = 1.0;
    while exponent > 0 {
        if exponent & 1 == 1 {
            found *= base;
        }
        base *= base;
        exponent >>= 1;
    }
    found
}

impl MultiProbe {
    /// The node of the nearest point; of equally near ones that at the lower position.
    #[inline]
    fn nearest(&self, hash: u64) -> u32 {
        let (mut least, mut owner) = (u64::MAX, u32::MAX);
        for number in 0..self.probes {
            let value = probe(hash, number);
            let (distance, found) = self.circle.following(value);
            if distance < least || (distance == least && found < owner) {
                (least, owner) = (distance, found);
            }
        }
        owner
    }

    /// The chance of each point to win, in the order of the circle.
    ///
    /// A probe is further than d from the point after it with the chance S(d) = sum over arcs of max(0, L - d), which falls
    /// by the number of arcs longer than d. The point behind an arc of length L wins with the chance of the integral of
    /// k S(d)^(k-1) from 0 to L, and between two lengths that is a difference of S^k over the number of longer arcs.
    #[allow(clippy::cast_precision_loss)]
    fn chances(circle: &Ring, probes: u64) -> Vec<(u32, f64)> {
        let mut arcs: Vec<(f64, u32)> =
            circle.arcs().map(|(_, owner, length)| (length as f64 / super::movement::CIRCLE, owner)).collect();
        arcs.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut before, mut beyond, mut chance) = (0.0, 1.0_f64, 0.0);
        let mut found = Vec::with_capacity(arcs.len());
        for (index, (length, owner)) in arcs.iter().enumerate() {
            let longer = (arcs.len() - index) as f64;
            let left = (beyond - longer * (length - before)).max(0.0);
            chance += (power(beyond, probes) - power(left, probes)) / longer;
            (before, beyond) = (*length, left);
            found.push((*owner, chance));
        }
        found
    }

    fn shares(circle: &Ring, probes: u64, nodes: usize) -> Vec<f64> {
        let mut shares = vec![0.0; nodes];
        for (owner, chance) in Self::chances(circle, probes) {
            shares[owner as usize] += chance;
        }
        let total: f64 = shares.iter().sum();
        shares.iter().map(|share| share / total).collect()
    }
}

impl Placement for MultiProbe {
    fn contender(&self) -> &'static Contender {
        &CONTENDER
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    #[inline]
    fn owner(&self, hash: u64) -> u32 {
        self.nearest(hash)
    }

    fn memory_bytes(&self) -> u64 {
        self.circle.memory_bytes()
    }

    fn with_nodes(&self, settings: Settings) -> Option<Result<Box<dyn Placement>>> {
        let points = Settings { nodes: settings.nodes.clone(), ..self.circle.settings().clone() };
        let probes = self.probes;
        Some(
            self.circle
                .changed(points)
                .map(|circle| -> Box<dyn Placement> { Box::new(Self { settings, circle, probes }) }),
        )
    }

    fn ownership(&self) -> Vec<f64> {
        Self::shares(&self.circle, self.probes, self.settings.nodes.len())
    }

    /// On the circle of all nodes of both, a key whose nearest point is that of a node of both stays; any other had or
    /// gets a node that the other side lacks. Nodes that have changed their number of points are left to a sample.
    fn moved_share(&self, after: &dyn Placement) -> Option<f64> {
        let after = (after as &dyn Any).downcast_ref::<Self>()?;
        if self.probes != after.probes {
            return None;
        }
        let old: HashMap<&str, usize> =
            self.settings.nodes.iter().map(|n| n.name.as_str()).zip(self.circle.counts()).collect();
        let mut all = self.circle.settings().clone();
        // Extra nodes may weigh other than 1: their points are counted by the other side's number.
        let mut stays = vec![false; all.nodes.len()];
        let places: HashMap<&str, usize> = self.settings.nodes.iter().map(|n| n.name.as_str()).zip(0..).collect();
        for (node, count) in after.settings.nodes.iter().zip(after.circle.counts()) {
            match old.get(node.name.as_str()) {
                Some(had) if *had != count => return None,
                Some(_) => stays[places[node.name.as_str()]] = true,
                None => {
                    all.nodes.push(node.clone());
                    stays.push(false);
                }
            }
        }
        if stays.iter().all(|stay| *stay) {
            return Some(0.0);
        }
        if after.circle.settings().virtual_nodes != all.virtual_nodes {
            return None;
        }
        let union = Ring::new(all).ok()?;
        let shares = Self::shares(&union, self.probes, stays.len());
        Some(
            shares
                .iter()
                .zip(&stays)
                .filter(|(_, stays)| !**stays)
                .map(|(share, _)| share)
                .sum::<f64>()
                .clamp(0.0, 1.0),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::{HashKey, xxh3_64::Xxh3_64};
    use crate::placement::movement::{moved_share, sampled_share};
    use crate::placement::tests::{values, weighted};
    use proptest::prelude::*;

    fn of(count: usize, probes: u64) -> Box<dyn Placement> {
        build(Settings { probes: Some(probes), ..Settings::numbered(count) }).unwrap()
    }

    /// Every point's distance from every probe; the least, then the lower position.
    fn searched(nodes: &[(String, usize)], probes: u64, hash: u64) -> u32 {
        let function = Xxh3_64::new(0);
        let points = nodes.iter().enumerate().flat_map(|(position, (name, points))| {
            (0..*points).map(move |number| (function.bytes(format!("{name}-{number}").as_bytes()), position))
        });
        let nearest = points.flat_map(|(point, position)| {
            (0..probes).map(move |number| (point.wrapping_sub(probe(hash, number)), position))
        });
        u32::try_from(nearest.min().unwrap().1).unwrap()
    }

    proptest! {
        #[test]
        fn the_nearest_of_all_points_has_the_key(
            weights in proptest::collection::vec(1_u32..4, 1..12), probes in 1_u64..30, hashes in proptest::collection::vec(any::<u64>(), 1..30),
        ) {
            let settings = weighted(&weights.iter().map(|weight| f64::from(*weight)).collect::<Vec<_>>());
            let nodes: Vec<(String, usize)> =
                settings.nodes.iter().map(|node| node.name.clone()).zip(weights.iter().map(|w| *w as usize)).collect();
            let placement = build(Settings { probes: Some(probes), ..settings }).unwrap();
            for hash in hashes.into_iter().chain([0, u64::MAX]) {
                prop_assert_eq!(placement.owner(hash), searched(&nodes, probes, hash));
            }
        }
    }

    #[test]
    fn probes_are_the_sequence_of_the_published_generator() {
        // SplitMix64 from seed 0 begins so (the reference implementation's first outputs).
        assert_eq!(
            [0, 1, 2].map(|number| probe(0, number)),
            [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f]
        );
    }

    #[test]
    fn shares_are_what_the_integral_says() {
        for (count, probes) in [(1, 1), (2, 1), (7, 3), (40, 21)] {
            let placement = of(count, probes);
            let mut counts = vec![0.0; count];
            values(60_000).iter().for_each(|hash| counts[placement.owner(*hash) as usize] += 1.0);
            for (count, share) in counts.iter().zip(placement.ownership()) {
                // Five standard deviations of a binomial count.
                let tolerance = 5.0 * (share * (1.0 - share) / 60_000.0_f64).sqrt();
                assert!((count / 60_000.0 - share).abs() <= tolerance, "{count} {share}");
            }
        }
        // One probe is a ring of one point a node.
        let ring = Ring::new(Settings::numbered(7).with_virtual_nodes(1)).unwrap();
        for (share, arc) in of(7, 1).ownership().iter().zip(ring.ownership()) {
            assert!((share - arc).abs() < 1e-12);
        }
    }

    #[test]
    fn the_fullest_node_holds_little_more_than_its_share() {
        // The paper's bound for 21 probes is 1.05 as nodes become many; few nodes vary around it.
        for (nodes, least, most) in [(10, 1.02, 1.08), (1000, 1.04, 1.055)] {
            let mut sum = 0.0;
            for set in 0..20 {
                let mut settings = Settings::numbered(nodes);
                settings.nodes.iter_mut().for_each(|node| node.name = format!("{set}/{}", node.name));
                let shares = build(settings).unwrap().ownership();
                #[allow(clippy::cast_precision_loss)]
                let greatest = shares.iter().fold(0.0_f64, |most, share| most.max(*share)) * nodes as f64;
                sum += greatest;
            }
            assert!(sum / 20.0 > least && sum / 20.0 < most, "{} of {nodes}", sum / 20.0);
        }
    }

    #[test]
    fn a_node_that_comes_or_goes_moves_its_own_keys_only() {
        let (before, after) = (of(9, 21), of(10, 21));
        for hash in values(20_000) {
            let (old, new) = (before.owner(hash), after.owner(hash));
            assert!(old == new || new == 9);
        }
        assert!((moved_share(before.as_ref(), after.as_ref()) - after.ownership()[9]).abs() < 1e-12);
        assert!((moved_share(after.as_ref(), before.as_ref()) - after.ownership()[9]).abs() < 1e-12);
    }

    #[test]
    fn the_moved_share_is_that_of_a_sample() {
        let mut settings = weighted(&[1.0, 2.0, 1.0, 3.0]);
        settings.nodes[1].name = "other".to_owned();
        settings.nodes.reverse();
        let changed = build(settings).unwrap();
        let heavier = build(weighted(&[2.0, 2.0, 1.0])).unwrap();
        let plain = build(weighted(&[1.0, 2.0, 1.0])).unwrap();
        for after in [&changed, &heavier, &of(5, 3)] {
            let exact = moved_share(plain.as_ref(), after.as_ref());
            assert!((exact - sampled_share(plain.as_ref(), after.as_ref())).abs() < 0.005, "{exact}");
        }
        assert_eq!(moved_share(plain.as_ref(), plain.as_ref()), 0.0);
    }
}
