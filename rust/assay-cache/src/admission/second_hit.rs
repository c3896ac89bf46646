//! Second hit: an object comes in when it is asked for again within memory, not the first time.
//!
//! Idea: half of all objects of a CDN are asked for once; keeping them is waste. Objects that were missed once stand in
//! a Bloom filter; those that are found there come in, where there is room too. Two filters take turns: when one has
//! taken `window` objects, the other is cleared and takes what follows, so that an object is remembered for one to two
//! windows of others. Cost: about 2.4 bytes per object of the window at 1 %; some false positives come in at once.
//! Choose it where many objects are asked for once, and writing to the cache costs.
//! libCacheSim's admission `bloomfilter` remembers all for ever, and exactly; one that never turns over (`window` of at
//! least all keys) is that, but for its false positives.
//! Source: Maggs, Sitaraman 2015, "Algorithmic nuggets in content delivery", section 4 (cache on second hit); Bloom
//! 1970, "Space/time trade-offs in hash coding with allowable errors".

use crate::Request;
use crate::admission::sketch::spread;
use crate::admission::{Admission, Given, Room};
use assay_core::catalogue::{Contender, Domain, Parameter};
use assay_core::error::Result;

const WINDOW: Parameter = Parameter {
    name: "window",
    default: "",
    domain: Domain::Integer { low: 1, high: u32::MAX as u64 },
    meaning: "missed objects that a filter takes before the other is cleared; by default 10 times as many as the cache holds",
};

const RATE: Parameter = Parameter {
    name: "false_positive_rate",
    default: "0.01",
    domain: Domain::Number { low: 1e-6, high: 0.5 },
    meaning: "the share of objects that a full filter takes for others that it has seen",
};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "admission",
    name: "second_hit",
    version: 1,
    idea: "An object comes in if it was missed before, as two Bloom filters that take turns remember.",
    cost: "2.4 bytes per object of the window at 1 %",
    choose_when: "many objects are asked for once, and writing to the cache costs",
    source: "Maggs, Sitaraman 2015, Algorithmic nuggets in content delivery, section 4",
    parameters: &[WINDOW, RATE],
    abilities: &["seed"],
};

/// Two Bloom filters that take turns.
#[derive(Debug)]
pub struct SecondHit {
    filters: [Vec<u64>; 2],
    /// Which of them takes objects.
    current: usize,
    /// Objects that it has taken.
    taken: u64,
    window: u64,
    bits: u64,
    hashes: u64,
    seed: u64,
}

/// Admission of what was missed before.
///
/// # Errors
/// Never.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
pub fn build(given: &Given<'_>) -> Result<Box<dyn Admission>> {
    let window = given.given_integer(&WINDOW).unwrap_or(10 * given.objects as u64);
    // More room than for all keys would never be used.
    let objects = window.min(given.trace.distinct() as u64).max(1);
    let per_object = -libm::log2(given.number(&RATE)) / std::f64::consts::LN_2;
    let bits = (libm::ceil(objects as f64 * per_object) as u64).next_multiple_of(64);
    let hashes = libm::round(per_object * std::f64::consts::LN_2).max(1.0) as u64;
    let filters = [(); 2].map(|()| assay_core::memory::zeros((bits / 64) as usize));
    Ok(Box::new(SecondHit { filters, current: 0, taken: 0, window, bits, hashes, seed: given.seed }))
}

impl SecondHit {
    /// The bits of an object: multiples of its second half from its first, each as a part of the whole.
    #[inline]
    fn places(&self, id: u32) -> impl Iterator<Item = usize> + use<> {
        let (hash, bits) = (spread(id, self.seed), self.bits);
        let step = spread(id, !self.seed) | 1;
        #[allow(clippy::cast_possible_truncation)]
        (0..self.hashes).map(move |index| {
            let place = hash.wrapping_add(index.wrapping_mul(step));
            ((u128::from(place) * u128::from(bits)) >> 64) as usize
        })
    }

    fn has(&self, filter: usize, id: u32) -> bool {
        self.places(id).all(|place| self.filters[filter][place / 64] >> (place % 64) & 1 != 0)
    }
}

impl Admission for SecondHit {
    fn admits(&mut self, request: Request, _room: Room) -> bool {
        if self.has(self.current, request.id) || self.has(1 - self.current, request.id) {
            return true;
        }
        if self.taken == self.window {
            self.current = 1 - self.current;
            self.filters[self.current].fill(0);
            self.taken = 0;
        }
        for place in self.places(request.id) {
            self.filters[self.current][place / 64] |= 1 << (place % 64);
        }
        self.taken += 1;
        false
    }
}
