//! Probing of filters whose slots XOR to a fingerprint: the slots of 64 keys are fetched before the first is read.

use crate::filter::hashes::mix;
use crate::filter::table::Fingerprint;
use crate::lanes::{self, Loop};
use crate::memory::prefetch;

/// Computes the slots of hashes: `positions` gives those of a mixed word.
pub struct Places<'a, P, const K: usize> {
    /// The hashes.
    pub hashes: &'a [u64],
    /// The filter's seed.
    pub seed: u64,
    /// From a mixed word to its slots.
    pub positions: P,
    /// As many as there are hashes.
    pub places: &'a mut [[u32; K]],
}

impl<P: Fn(u64) -> [u32; K], const K: usize> Loop for Places<'_, P, K> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        for (places, hash) in self.places.iter_mut().zip(self.hashes) {
            *places = (self.positions)(mix(*hash, self.seed));
        }
    }
}

/// What some slots spell together.
#[inline(always)]
pub fn spelled<F: Fingerprint, const K: usize>(slots: &[F], places: [u32; K]) -> F {
    places[1..].iter().fold(slots[places[0] as usize], |value, place| value ^ slots[*place as usize])
}

/// Sets bit i of `held` if the slots of hash i spell its fingerprint.
pub fn probe<F: Fingerprint, const K: usize>(
    slots: &[F],
    seed: u64,
    positions: impl Fn(u64) -> [u32; K] + Copy,
    hashes: &[u64],
    held: &mut [u64],
) {
    let mut places = [[0_u32; K]; 64];
    for (hashes, held) in hashes.chunks(64).zip(held) {
        let places = &mut places[..hashes.len()];
        lanes::run(Places { hashes, seed, positions, places });
        places.iter().flatten().for_each(|place| prefetch(&slots[*place as usize]));
        *held = 0;
        for (index, (places, hash)) in places.iter().zip(hashes).enumerate() {
            *held |= u64::from(spelled(slots, *places) == F::of(mix(*hash, seed))) << index;
        }
    }
}
