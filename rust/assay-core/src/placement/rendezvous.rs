//! Rendezvous, or highest random weight: every node bids for the key, the highest bid wins.
//!
//! Idea: score each node by a hash of key and node. Cost: one mix per node and key (a logarithm too
//! if weights differ), 8 to 16 bytes a node. Choose it for few nodes that must be weighed exactly,
//! or come and go in any order: only the keys of the node concerned move.
//! Source: Thaler and Ravishankar 1998, "Using name-based mappings to increase hit rates"; weights:
//! Schindelhauer and Schomaker 2005, "Weighted distributed hash tables" (logarithmic method).

mod bids;

use std::any::Any;
use std::collections::HashMap;

use crate::catalogue::Contender;
use crate::error::Result;
use crate::hash::{HashKey, xxh3_64::Xxh3_64};
use crate::lanes::Path;
use crate::placement::racks::Racks;
use crate::placement::{HASH, Placement, SEED, Settings, check_replicas};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "placement",
    name: "rendezvous",
    version: 1,
    idea: "Every node bids a hash of key and node; the highest bid wins.",
    cost: "one mix per node and key, a logarithm more if weights differ; 8 to 16 bytes per node",
    choose_when: "nodes are few, weights must be met exactly, or nodes come and go in any order",
    source: "Thaler and Ravishankar 1998; Schindelhauer and Schomaker 2005",
    parameters: &[HASH, SEED],
    abilities: &["weights", "replicas", "racks", "remove_any", "minimal_movement"],
};

/// Rendezvous over hashed names.
#[derive(Debug, Clone)]
pub struct Rendezvous {
    settings: Settings,
    /// `xxh3_64` of each name, seed 0.
    names: Vec<u64>,
    /// The same, as bids of many nodes are made from them.
    bids: bids::Bids,
    /// Empty if all nodes weigh the same.
    weights: Vec<f64>,
    racks: Racks,
}

/// Rendezvous over these nodes.
///
/// # Errors
/// Never; the signature is the room's.
pub fn build(settings: Settings) -> Result<Box<dyn Placement>> {
    let function = Xxh3_64::new(0);
    let names: Vec<u64> = settings.nodes.iter().map(|node| function.bytes(node.name.as_bytes())).collect();
    let weights =
        if settings.weights_are_equal() { Vec::new() } else { settings.nodes.iter().map(|node| node.weight).collect() };
    let racks = Racks::new(&settings.nodes);
    let bids = bids::Bids::new(&names);
    Ok(Box::new(Rendezvous { settings, names, bids, weights, racks }))
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014; constants of Stafford's variant 13).
#[inline]
#[must_use]
pub fn finalise(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The value that [`finalise`] has mixed: it is one to one.
#[inline]
#[must_use]
pub fn unfinalise(mut value: u64) -> u64 {
    value = (value ^ (value >> 31) ^ (value >> 62)).wrapping_mul(0x3196_42b2_d24d_8ec3);
    value = (value ^ (value >> 27) ^ (value >> 54)).wrapping_mul(0x96de_1b17_3f11_9089);
    value ^ (value >> 30) ^ (value >> 60)
}

/// The bid of a node of this weight: `-weight / ln(u)`, u in (0, 1) from the upper 53 bits.
#[inline]
#[allow(clippy::cast_precision_loss)]
fn bid(bits: u64, weight: f64) -> f64 {
    // The greatest 53 bits plus a half would be rounded up to 2^53, and their logarithm is 0.
    let uniform = ((bits >> 11) as f64 + 0.5).min(((1_u64 << 53) - 1) as f64) / (1_u64 << 53) as f64;
    // libm's own logarithm: the platform's differs in the last bit, and so would owners.
    -weight / libm::log(uniform)
}

/// The position of the greatest score; the first of equals.
#[inline]
#[allow(clippy::cast_possible_truncation)]
fn first_greatest<T: PartialOrd + Copy>(mut scores: impl Iterator<Item = T>) -> u32 {
    let mut best = scores.next().expect("there is at least one node");
    let mut position = 0;
    for (index, score) in scores.enumerate() {
        if score > best {
            best = score;
            position = index + 1;
        }
    }
    position as u32
}

impl Rendezvous {
    /// All positions by falling score; equals in order. `out` is refilled.
    fn rank(&self, hash: u64, scored: &mut Vec<(f64, u64, u32)>) {
        scored.clear();
        scored.extend((0_u32..).zip(&self.names).map(|(position, name)| {
            let bits = finalise(hash ^ name);
            let score = self.weights.get(position as usize).map_or(0.0, |weight| bid(bits, *weight));
            // Bids that are equal as floats keep to positions, not to bits.
            (score, if self.weights.is_empty() { bits } else { 0 }, position)
        }));
        scored.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)).then(a.2.cmp(&b.2)));
    }
}

impl Placement for Rendezvous {
    fn contender(&self) -> &'static Contender {
        &CONTENDER
    }

    fn settings(&self) -> &Settings {
        &self.settings
    }

    #[inline]
    fn owner(&self, hash: u64) -> u32 {
        if self.weights.is_empty() {
            first_greatest(self.names.iter().map(|name| finalise(hash ^ name)))
        } else {
            let nodes = self.names.iter().zip(&self.weights);
            first_greatest(nodes.map(|(name, weight)| bid(finalise(hash ^ name), *weight)))
        }
    }

    fn owners(&self, hashes: &[u64], out: &mut [u32]) {
        assert_eq!(hashes.len(), out.len(), "one owner per hash value");
        if self.weights.is_empty() {
            self.bids.owners(Path::widest(), &self.names, hashes, out);
        } else {
            hashes.iter().zip(out).for_each(|(hash, slot)| *slot = self.owner(*hash));
        }
    }

    fn memory_bytes(&self) -> u64 {
        (size_of_val(self.names.as_slice()) + size_of_val(self.weights.as_slice())) as u64
    }

    fn ownership(&self) -> Vec<f64> {
        let total: f64 = self.settings.nodes.iter().map(|node| node.weight).sum();
        self.settings.nodes.iter().map(|node| node.weight / total).collect()
    }

    /// Bids are a race of exponential clocks E/w, least first. Node i wins before and after if
    /// E_j > E_i max(w_j/w_i, w'_j/w'_i) for all others j, which has the probability
    /// 1 / sum over j of max(w_j/w_i, w'_j/w'_i), absent nodes weighing 0.
    fn moved_share(&self, after: &dyn Placement) -> Option<f64> {
        let after = (after as &dyn Any).downcast_ref::<Self>()?;
        let mut pairs: HashMap<&str, (f64, f64)> = HashMap::new();
        for node in &self.settings.nodes {
            pairs.entry(&node.name).or_default().0 = node.weight;
        }
        for node in &after.settings.nodes {
            pairs.entry(&node.name).or_default().1 = node.weight;
        }
        // In the order of the nodes, for the same bits in every process.
        let newcomers = after.settings.nodes.iter().filter(|node| pairs[node.name.as_str()].0 == 0.0);
        let ordered: Vec<(f64, f64)> =
            self.settings.nodes.iter().chain(newcomers).map(|node| pairs[node.name.as_str()]).collect();
        let both = ordered.iter().filter(|(old, new)| *old > 0.0 && *new > 0.0);
        let lost: f64 = both
            .clone()
            .map(|(old, new)| 1.0 / ordered.iter().map(|pair| (pair.0 / old).max(pair.1 / new)).sum::<f64>())
            .sum();
        let unchanged = ordered.iter().all(|(old, new)| old.total_cmp(new).is_eq());
        Some(if unchanged { 0.0 } else { (1.0 - lost).clamp(0.0, 1.0) })
    }

    fn replicas(&self, hashes: &[u64], count: usize, out: &mut [u32]) -> Result<()> {
        check_replicas(&self.settings.nodes, count)?;
        assert_eq!(out.len(), hashes.len() * count, "count replicas per hash value");
        let mut choice = self.racks.choice();
        let mut scored = Vec::with_capacity(self.names.len());
        for (hash, slots) in hashes.iter().zip(out.chunks_exact_mut(count)) {
            self.rank(*hash, &mut scored);
            choice.fill(scored.iter().map(|(_, _, position)| *position), slots);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::placement::movement::{moved_share, sampled_share};
    use crate::placement::tests::{values, weighted};
    use crate::placement::{WEIGHT_HIGH, WEIGHT_LOW};

    fn of(weights: &[f64]) -> Box<dyn Placement> {
        build(weighted(weights)).unwrap()
    }

    #[test]
    fn the_finaliser_is_that_of_the_published_generator() {
        // SplitMix64 from seed 0 begins so (the reference implementation's first outputs).
        let first: Vec<u64> = (0..3).map(crate::placement::movement::sample_value).collect();
        assert_eq!(first, [0xe220_a839_7b1d_cdaf, 0x6e78_9e6a_a1b9_65f4, 0x06c4_5d18_8009_454f]);
    }

    #[test]
    fn what_was_mixed_is_found_again() {
        for value in values(10_000).into_iter().chain([0, 1, u64::MAX]) {
            assert_eq!(unfinalise(finalise(value)), value);
        }
    }

    #[test]
    fn bids_rise_with_their_bits_up_to_the_last() {
        let bids = [0, 1 << 11, 1 << 62, u64::MAX - (1 << 12), u64::MAX].map(|bits| bid(bits, 1.0));
        assert!(bids.is_sorted() && bids[0] > 0.0 && bids[4].is_finite(), "{bids:?}");
        for weight in [WEIGHT_LOW, WEIGHT_HIGH] {
            assert!([0, u64::MAX].map(|bits| bid(bits, weight)).iter().all(|bid| bid.is_normal()));
        }
    }

    #[test]
    fn shares_are_proportional_to_weights() {
        let placement = of(&[1.0, 2.0, 0.5, 4.5]);
        let hashes = values(80_000);
        let mut counts = [0.0; 4];
        hashes.iter().for_each(|hash| counts[placement.owner(*hash) as usize] += 1.0);
        for (count, share) in counts.iter().zip(placement.ownership()) {
            // Five standard deviations of a binomial count.
            let tolerance = 5.0 * (share * (1.0 - share) / 80_000.0_f64).sqrt();
            assert!((count / 80_000.0 - share).abs() < tolerance, "{count} {share}");
        }
    }

    #[test]
    fn a_changed_weight_moves_keys_only_to_or_from_its_node() {
        let (before, heavier) = (of(&[1.0, 2.0, 3.0]), of(&[1.0, 2.5, 3.0]));
        for hash in values(20_000) {
            let (old, new) = (before.owner(hash), heavier.owner(hash));
            assert!(old == new || new == 1);
        }
    }

    #[test]
    fn equal_weights_place_as_no_weights() {
        let (plain, doubled) = (of(&[1.0; 5]), of(&[2.0; 5]));
        assert!(values(5_000).into_iter().all(|hash| plain.owner(hash) == doubled.owner(hash)));
        assert_eq!(moved_share(plain.as_ref(), doubled.as_ref()), 0.0);
    }

    #[test]
    fn the_moved_share_is_the_expectation_of_a_sample() {
        let renamed = |weights: &[f64]| {
            let mut settings = weighted(weights);
            settings.nodes[0].name = "other".to_owned();
            build(settings).unwrap()
        };
        let near = |exact: f64, wanted: f64| assert!((exact - wanted).abs() < 1e-12, "{exact} {wanted}");
        near(moved_share(of(&[1.0; 9]).as_ref(), of(&[1.0; 10]).as_ref()), 0.1);
        near(moved_share(of(&[1.0; 10]).as_ref(), of(&[1.0; 9]).as_ref()), 0.1);
        for (before, after) in [
            (of(&[1.0, 2.0, 3.0]), of(&[2.0, 1.0, 3.0, 4.0])),
            (of(&[1.0, 2.0, 3.0]), renamed(&[5.0, 2.0, 1.0])),
            (of(&[1.0; 4]), renamed(&[1.0; 4])),
        ] {
            let exact = moved_share(before.as_ref(), after.as_ref());
            let sampled = sampled_share(before.as_ref(), after.as_ref());
            assert!((exact - sampled).abs() < 0.005, "{exact} {sampled}");
        }
    }

    #[test]
    fn replicas_are_the_highest_bids() {
        for weights in [[1.0; 4], [1.0, 3.0, 0.2, 2.0]] {
            let placement = of(&weights);
            for hash in values(500) {
                let mut out = [9; 4];
                placement.replicas(&[hash], 4, &mut out).unwrap();
                assert_eq!(out[0], placement.owner(hash));
                let score = |position: u32| {
                    let node = &placement.nodes()[position as usize];
                    bid(finalise(hash ^ Xxh3_64::new(0).bytes(node.name.as_bytes())), node.weight)
                };
                assert!(out.is_sorted_by(|a, b| score(*a) > score(*b)));
            }
        }
    }
}
