//! TTL: a value is trusted for so long after it was stored.
//!
//! Idea: a read that finds a value older than that drops it, having flushed it if it is dirty, and reads the origin; a
//! write renews. An expired object keeps its place until it is read or goes to make room. Cost: 8 bytes an object.
//! Choose it where values may be old, but not older than so long. Source: RFC 9111, section 4.2, "Freshness".

use crate::writes::coherence::Coherence;
use crate::writes::options::Options;
use assay_core::catalogue::{Contender, Domain, Parameter};

const DURATION: Parameter = Parameter {
    name: "duration",
    default: "1000",
    domain: Domain::Integer { low: 1, high: 1 << 62 },
    meaning: "how long a value is trusted: in the unit of the trace's time, or in requests if it has none",
};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "coherence",
    name: "ttl",
    version: 1,
    idea: "A value is trusted for so long after it was stored; then a read goes to the origin.",
    cost: "8 bytes an object; reads of the origin even where nothing has changed",
    choose_when: "values may be old, but not older than so long, and nobody tells of changes",
    source: "RFC 9111, HTTP Caching, section 4.2",
    parameters: &[DURATION],
    abilities: &[],
};

/// From its parameters.
#[must_use]
pub fn build(options: &Options<'_>) -> Coherence {
    Coherence::Ttl { duration: options.integer(&DURATION) }
}
