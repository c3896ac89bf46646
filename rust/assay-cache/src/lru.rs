//! LRU: the object whose last use is longest ago goes first.
//!
//! Idea: a line; whoever is asked for goes to its end. Cost: O(1) a request, amortised; 4 bytes a key and 13 to 26 an object.
//! Choose it where recent data is asked for again, which is most traces; a scan of more keys than the cache holds flushes it.
//! Source: Mattson, Gecsei, Slutz, Traiger 1970, "Evaluation techniques for storage hierarchies".

use crate::line::Line;
use crate::lined::{self, Order};
use crate::runs::Run;
use crate::{Cache, Settings, Trace};
use assay_core::catalogue::Contender;
use assay_core::error::Result;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "lru",
    version: 1,
    idea: "The object whose last use is longest ago goes first.",
    cost: "amortised O(1) a request; 4 bytes a key and 13 to 26 an object",
    choose_when: "recent data is asked for again, and no scan passes through",
    source: "Mattson, Gecsei, Slutz, Traiger 1970, Evaluation techniques for storage hierarchies",
    parameters: &[],
    abilities: &[],
};

/// The object whose last use is longest ago goes; a use renews its place.
#[derive(Debug)]
pub enum Lru {}

/// LRU of this capacity.
///
/// # Errors
/// If it would hold more objects than a line does.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    lined::build::<Lru>(CONTENDER.name, settings, trace)
}

impl Order for Lru {
    #[inline]
    fn used(line: &mut Line, id: u32) -> bool {
        line.renew(id)
    }

    #[inline]
    fn pop(line: &mut Line) -> u32 {
        line.pop_first()
    }

    fn next(line: &Line) -> Option<u32> {
        line.first()
    }

    fn run(line: &mut Line, ids: &[u32], capacity: u32) -> Option<Run> {
        Some(line.run_lru(ids, capacity))
    }
}
