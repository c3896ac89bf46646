//! Version check: each hit of a read asks the origin for the object's version.
//!
//! Idea: a hit is served if the origin has nothing newer; else the object is dropped and read. A flush is conditional
//! in the same way, so that it never overwrites what others wrote. Cost: a question to the origin for each hit of a
//! read. Choose it where an old value is not allowed, and values are much larger than versions.
//! Source: RFC 9110, HTTP Semantics, section 13, "Conditional Requests".

use crate::writes::coherence::Coherence;
use crate::writes::options::Options;
use assay_core::catalogue::Contender;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "coherence",
    name: "version_check",
    version: 1,
    idea: "Each hit of a read asks the origin whether it has a newer version; flushes are conditional too.",
    cost: "a question to the origin for each hit of a read",
    choose_when: "an old value is not allowed, and values are much larger than versions",
    source: "RFC 9110, HTTP Semantics, section 13",
    parameters: &[],
    abilities: &[],
};

/// It has no parameters.
#[must_use]
pub fn build(_options: &Options<'_>) -> Coherence {
    Coherence::VersionCheck
}
