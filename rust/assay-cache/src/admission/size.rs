//! Size: only objects of at most so many bytes come in.
//!
//! Idea: one large object takes the room of many small ones, and is rarely asked for as often as they are together.
//! Cost: a comparison. Choose it where a few large objects would push many small ones out, and misses count rather
//! than their bytes. libCacheSim's admits what is *smaller* than its threshold; here an object of just so many bytes
//! comes in too. Source: Abrams, Standridge, Abdulla, Williams, Fox 1995, "Caching proxies: limitations and potentials"
//! (LRU-Threshold).

use crate::Request;
use crate::admission::{Admission, Given, Room};
use assay_core::catalogue::{Contender, Domain, Parameter};
use assay_core::error::{Error, Result};

const AT_MOST: Parameter = Parameter {
    name: "at_most",
    default: "",
    domain: Domain::Integer { low: 0, high: u64::MAX >> 1 },
    meaning: "the bytes of the largest object that comes in; must be given",
};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "admission",
    name: "size",
    version: 1,
    idea: "Only objects of at most so many bytes come in.",
    cost: "a comparison",
    choose_when: "a few large objects would push many small ones out, and misses count rather than their bytes",
    source: "Abrams, Standridge, Abdulla, Williams, Fox 1995, Caching proxies: limitations and potentials",
    parameters: &[AT_MOST],
    abilities: &["weighs_sizes"],
};

/// Admission by size.
#[derive(Debug)]
pub struct Size {
    at_most: u64,
}

/// Admission by size.
///
/// # Errors
/// If there is no threshold, or the trace has no sizes.
pub fn build(given: &Given<'_>) -> Result<Box<dyn Admission>> {
    let Some(at_most) = given.given_integer(&AT_MOST) else {
        return Err(Error::Parameter("size: at_most is missing; write size(at_most=4096), in bytes".to_owned()));
    };
    if !given.trace.has_sizes() {
        return Err(Error::Parameter(
            "size: the trace has no sizes; name the column of sizes, or choose second_hit or tiny_lfu".to_owned(),
        ));
    }
    Ok(Box::new(Size { at_most }))
}

impl Admission for Size {
    fn admits(&mut self, request: Request, _room: Room) -> bool {
        request.size <= self.at_most
    }
}
