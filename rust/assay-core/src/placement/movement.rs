//! How much moves between two placements: the share of keys whose node has another name.
//!
//! Two placements of one kind that hash alike are compared exactly (see each contender's
//! `moved_share`). With different hash functions the two owners of a key are independent, and the
//! share follows from the ownerships. Different kinds that hash alike are compared on a sample.

use std::collections::HashMap;

use crate::placement::Placement;
use crate::placement::rendezvous::finalise;

/// The length of the circle of 64-bit hash values.
pub const CIRCLE: f64 = 18_446_744_073_709_551_616.0;

/// What SplitMix64 adds at each step: 2^64 over the golden ratio, odd.
pub const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Hash values in the sample: the standard error of a share is at most 0.001.
const SAMPLE: u64 = 1 << 18;

/// The share of keys whose node has another name in `after`, in [0, 1].
#[must_use]
pub fn moved_share(before: &dyn Placement, after: &dyn Placement) -> f64 {
    if before.hash_function() != after.hash_function() {
        return independent_share(before, after);
    }
    before.moved_share(after).unwrap_or_else(|| sampled_share(before, after))
}

/// The share if the owners before and after are independent: 1 - sum of products of shares.
fn independent_share(before: &dyn Placement, after: &dyn Placement) -> f64 {
    let (old, new) = numbered_names(before, after);
    let mut shares = vec![0.0; old.len() + new.len()];
    for (name, share) in new.iter().zip(after.ownership()) {
        shares[*name as usize] = share;
    }
    let kept: f64 = old.iter().zip(before.ownership()).map(|(name, share)| share * shares[*name as usize]).sum();
    (1.0 - kept).clamp(0.0, 1.0)
}

/// The share over a fixed sample of 2^18 hash values; its standard error is at most 0.001.
#[must_use]
pub fn sampled_share(before: &dyn Placement, after: &dyn Placement) -> f64 {
    let (old, new) = numbered_names(before, after);
    let mask = u64::MAX >> (64 - before.hash_function().bits());
    let values: Vec<u64> = (0..SAMPLE).map(|index| sample_value(index) & mask).collect();
    let (held_before, held_after) = (before.of_keys(&mut values.clone()), after.of_keys(&mut values.clone()));
    let (before, after) = (held_before.as_deref().unwrap_or(before), held_after.as_deref().unwrap_or(after));
    let moved = values.iter().filter(|hash| old[before.owner(**hash) as usize] != new[after.owner(**hash) as usize]);
    #[allow(clippy::cast_precision_loss)]
    let share = moved.count() as f64 / SAMPLE as f64;
    share
}

/// The hash value number `index` of the sample: SplitMix64's sequence from seed 0.
#[must_use]
pub fn sample_value(index: u64) -> u64 {
    finalise(index.wrapping_add(1).wrapping_mul(GOLDEN))
}

/// The names of both placements' nodes as numbers, equal for equal names.
#[must_use]
pub fn numbered_names(before: &dyn Placement, after: &dyn Placement) -> (Vec<u32>, Vec<u32>) {
    let mut numbers: HashMap<&str, u32> = HashMap::new();
    let mut joined = Vec::with_capacity(before.nodes().len() + after.nodes().len());
    for node in before.nodes().iter().chain(after.nodes()) {
        let next = u32::try_from(numbers.len()).expect("positions are 32 bits");
        joined.push(*numbers.entry(&node.name).or_insert(next));
    }
    let new = joined.split_off(before.nodes().len());
    (joined, new)
}
