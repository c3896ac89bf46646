//! MRU: the object whose last use is the latest goes first.
//!
//! Idea: a line; whoever is asked for goes to its end, and there it is left. Room is made before an object is put in, for else every
//! new one would go itself. Cost: O(1) a request, amortised; 4 bytes a key and 13 to 26 an object. Choose it for loops longer than
//! the cache: what was just read is what comes again the latest. Source: Chou, DeWitt 1985, "An evaluation of buffer management
//! strategies for relational database systems".

use crate::line::Line;
use crate::lined::{self, Order};
use crate::{Cache, Settings, Trace};
use assay_core::catalogue::Contender;
use assay_core::error::Result;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "mru",
    version: 1,
    idea: "The object whose last use is the latest goes first.",
    cost: "amortised O(1) a request; 4 bytes a key and 13 to 26 an object",
    choose_when: "a loop is longer than the cache",
    source: "Chou, DeWitt 1985, An evaluation of buffer management strategies for relational database systems",
    parameters: &[],
    abilities: &[],
};

/// The object that was used last goes; a use renews its place.
#[derive(Debug)]
pub enum Mru {}

/// MRU of this capacity.
///
/// # Errors
/// If it would hold more objects than a line does.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    lined::build::<Mru>(CONTENDER.name, settings, trace)
}

impl Order for Mru {
    #[inline]
    fn used(line: &mut Line, id: u32) -> bool {
        line.renew(id)
    }

    #[inline]
    fn pop(line: &mut Line) -> u32 {
        line.pop_last()
    }

    fn next(line: &Line) -> Option<u32> {
        line.last()
    }
}
