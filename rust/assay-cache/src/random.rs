//! Random: any object goes, each as likely as any other.
//!
//! Idea: objects lie in a row without gaps; a random number names the one that goes, and the last of the row takes its
//! place; the seed gives the numbers (`split_mix.rs`). Cost: O(1) a request, 4 bytes a key and 4 an object. Choose it where no order can
//! be kept at all, or as what every policy has to beat, over several seeds. Source: Belady 1966, "A study of replacement
//! algorithms for a virtual-storage computer".

use crate::room::Room;
use crate::sizes::{Bytes, Sizes, Units};
use crate::split_mix::SplitMix64;
use crate::{Cache, Gone, Measure, Policy, Request, Settings, Trace};
use assay_core::catalogue::Contender;
use assay_core::error::Result;
use assay_core::memory;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "random",
    version: 1,
    idea: "Any object goes, each as likely as any other; the seed decides which.",
    cost: "O(1) a request; 4 bytes a key and 4 an object",
    choose_when: "no order can be kept at all, or as what every policy has to beat; over several seeds",
    source: "Belady 1966, A study of replacement algorithms for a virtual-storage computer",
    parameters: &[],
    abilities: &["seed"],
};

/// Objects in a row without gaps, and random numbers.
#[derive(Debug)]
pub struct Random<S> {
    /// By object: one more than its place in the row, or 0.
    places: Vec<u32>,
    row: Vec<u32>,
    random: SplitMix64,
    room: Room<S>,
}

/// Random replacement of this capacity and seed.
///
/// # Errors
/// Never.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    let (capacity, distinct, seed) = (settings.capacity, trace.distinct(), settings.seed);
    Ok(match settings.measure {
        Measure::Objects => Box::new(Random::<Units>::new(capacity, distinct, seed)),
        Measure::Bytes => Box::new(Random::<Bytes>::new(capacity, distinct, seed)),
    })
}

impl<S: Sizes> Random<S> {
    fn new(capacity: u64, distinct: usize, seed: u64) -> Self {
        let room = Room::new(capacity, distinct);
        Self { places: memory::zeros(distinct), row: Vec::new(), random: SplitMix64::new(seed), room }
    }

    /// Takes the object at this place of the row out; the last takes its place.
    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn take_out(&mut self, place: usize) -> u32 {
        let id = self.row.swap_remove(place);
        if let Some(&moved) = self.row.get(place) {
            self.places[moved as usize] = place as u32 + 1;
        }
        self.places[id as usize] = 0;
        self.room.free(id);
        id
    }
}

impl<S: Sizes> Policy for Random<S> {
    const WEIGHS: bool = S::WEIGHS;

    #[inline]
    fn hit(&mut self, request: Request, _gone: &mut impl Gone) -> bool {
        self.places[request.id as usize] > 0
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn insert(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        let Some(weight) = self.room.weight(request.size) else { return false };
        while self.room.lacks(weight) {
            let place = self.random.index(self.row.len());
            gone.evicted(self.take_out(place));
        }
        self.room.take(request.id, weight);
        self.row.push(request.id);
        self.places[request.id as usize] = self.row.len() as u32;
        true
    }

    fn remove(&mut self, id: u32) -> bool {
        let place = self.places[id as usize];
        if place > 0 {
            self.take_out(place as usize - 1);
        }
        place > 0
    }

    #[inline]
    fn contains(&self, id: u32) -> bool {
        self.places[id as usize] > 0
    }

    fn used(&self) -> u64 {
        self.room.used()
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        memory::prefetch(&self.places[id as usize]);
    }
}
