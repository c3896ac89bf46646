//! None: the cache never learns what others change.
//!
//! Idea: what is cached is trusted until it goes. Cost: nothing. Choose it where nobody else writes; it is what the
//! others have to beat. Source: nothing is done.

use crate::writes::coherence::Coherence;
use crate::writes::options::Options;
use assay_core::catalogue::Contender;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "coherence",
    name: "none",
    version: 1,
    idea: "The cache never learns what others change; what it has is trusted until it goes.",
    cost: "nothing",
    choose_when: "nobody else writes to the origin, or old values do no harm",
    source: "what a cache does by itself",
    parameters: &[],
    abilities: &[],
};

/// It has no parameters.
#[must_use]
pub fn build(_options: &Options<'_>) -> Coherence {
    Coherence::None
}
