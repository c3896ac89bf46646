//! Invalidation: a message for each foreign write drops what is older.
//!
//! Idea: whoever writes tells the cache the object and its version; the message is on its way for so long, or is lost.
//! What the cache has is dropped if it is older than the version told, dirty or not; what is as new or newer stays.
//! Cost: a message for each foreign write, whether the object is cached or not. Choose it where those who write can
//! tell. Source: Nishtala et al. 2013, "Scaling Memcache at Facebook" (NSDI), sections 3.2.1 and 4.1.

use crate::writes::coherence::Coherence;
use crate::writes::options::Options;
use assay_core::catalogue::{Contender, Domain, Parameter};

const DELAY: Parameter = Parameter {
    name: "delay",
    default: "0",
    domain: Domain::Integer { low: 0, high: 1 << 62 },
    meaning: "how long a message is on its way: in the unit of the trace's time, or in requests if it has none",
};

const LOSS: Parameter = Parameter {
    name: "loss",
    default: "0",
    domain: Domain::Number { low: 0.0, high: 1.0 },
    meaning: "the probability that a message never arrives",
};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "coherence",
    name: "invalidation",
    version: 1,
    idea: "A message for each foreign write drops what is older; it takes a while, or is lost.",
    cost: "a message for each foreign write",
    choose_when: "those who write can tell, and values must be fresh but for the delay of a message",
    source: "Nishtala et al. 2013, Scaling Memcache at Facebook",
    parameters: &[DELAY, LOSS],
    abilities: &[],
};

/// From its parameters.
#[must_use]
pub fn build(options: &Options<'_>) -> Coherence {
    Coherence::Invalidation { delay: options.integer(&DELAY), loss: options.number(&LOSS) }
}
