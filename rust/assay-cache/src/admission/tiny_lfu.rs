//! TinyLFU: an object comes in if it was asked for more often of late than the one that would go for it.
//!
//! Idea: a sketch counts all requests, of objects that are there and that are not; where there is room, all come in. In
//! bytes several may have to go: the first is looked at. Some policies cannot name who would go, as drawing lots or
//! moving a hand would change them; before those an object comes in if it was asked for at least `threshold` times of
//! late, this time included. Cost: 16 to 32 bytes per object that the cache holds, four counters a request. Choose it where
//! popular objects stay popular, and new ones are mostly not asked for again.
//!
//! Imitated: the paper, without its doorkeeper. Caffeine's policy has a window of LRU before it, as `w_tinylfu` has, and
//! draws lots among popular candidates against attacks; this one compares alone.
//! Source: Einziger, Friedman, Manes 2017, "TinyLFU: a highly efficient cache admission policy", section 3.

use crate::Request;
use crate::admission::sketch::Sketch;
use crate::admission::{Admission, Given, Room};
use assay_core::catalogue::{Contender, Domain, Parameter};
use assay_core::error::Result;

const SAMPLE: Parameter = Parameter {
    name: "sample",
    default: "10",
    domain: Domain::Integer { low: 1, high: 1 << 20 },
    meaning: "requests per object that the cache holds after which all counts are halved",
};

const THRESHOLD: Parameter = Parameter {
    name: "threshold",
    default: "2",
    domain: Domain::Integer { low: 1, high: 15 },
    meaning: "requests of late that let an object in where the policy cannot name who would go",
};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "admission",
    name: "tiny_lfu",
    version: 1,
    idea: "An object comes in if it was asked for more often of late than the one that would go for it.",
    cost: "four counters a request; 16 to 32 bytes per object that the cache holds",
    choose_when: "popular objects stay popular, and new ones are mostly not asked for again",
    source: "Einziger, Friedman, Manes 2017, TinyLFU: a highly efficient cache admission policy",
    parameters: &[SAMPLE, THRESHOLD],
    abilities: &["seed"],
};

/// Admission by counts.
#[derive(Debug)]
pub struct TinyLfu {
    sketch: Sketch,
    threshold: u64,
}

/// Admission by counts.
///
/// # Errors
/// Never.
pub fn build(given: &Given<'_>) -> Result<Box<dyn Admission>> {
    let sample = given.integer(&SAMPLE);
    let period = sample.saturating_mul(given.objects as u64);
    let threshold = given.integer(&THRESHOLD);
    Ok(Box::new(TinyLfu { sketch: Sketch::new(given.objects, period, given.seed), threshold }))
}

impl Admission for TinyLfu {
    fn note(&mut self, request: Request) {
        self.sketch.add(request.id);
    }

    fn admits(&mut self, request: Request, room: Room) -> bool {
        match room {
            Room::Free => true,
            Room::Victim(victim) => self.sketch.count(request.id) > self.sketch.count(victim),
            Room::Unknown => u64::from(self.sketch.count(request.id)) >= self.threshold,
        }
    }
}
