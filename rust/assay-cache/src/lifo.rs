//! LIFO: the object that came last goes first.
//!
//! Idea: a line that is left at its end; once the cache is full, all but the last object stay for ever. Room is made before
//! an object is put in, for else every new one would go itself. Cost: O(1) a request, 4 bytes a key and 13 to 26 an object.
//! Choose it for loops longer than the cache, where it keeps a part of the loop; elsewhere it shows what never forgetting costs.
//! Source: Coffman, Denning 1973, "Operating Systems Theory", section 6.3.

use crate::line::Line;
use crate::lined::{self, Order};
use crate::{Cache, Settings, Trace};
use assay_core::catalogue::Contender;
use assay_core::error::Result;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "lifo",
    version: 1,
    idea: "The object that came last goes first; hits change nothing.",
    cost: "O(1) a request; 4 bytes a key and 13 to 26 an object",
    choose_when: "a loop is longer than the cache; elsewhere it shows what never forgetting costs",
    source: "Coffman, Denning 1973, Operating Systems Theory",
    parameters: &[],
    abilities: &[],
};

/// The object that came last goes.
#[derive(Debug)]
pub enum Lifo {}

/// LIFO of this capacity.
///
/// # Errors
/// If it would hold more objects than a line does.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    lined::build::<Lifo>(CONTENDER.name, settings, trace)
}

impl Order for Lifo {
    #[inline]
    fn pop(line: &mut Line) -> u32 {
        line.pop_last()
    }

    fn next(line: &Line) -> Option<u32> {
        line.last()
    }
}
