//! FIFO: the object that came first goes first.
//!
//! Idea: a line; a hit changes nothing. Cost: O(1) a request, 4 bytes a key and 13 to 26 an object. Choose it where keeping an
//! order of use costs too much, as on flash or among many threads; it is what every other policy has to beat.
//! Source: Belady 1966, "A study of replacement algorithms for a virtual-storage computer".

use crate::line::Line;
use crate::lined::{self, Order};
use crate::runs::Run;
use crate::{Cache, Settings, Trace};
use assay_core::catalogue::Contender;
use assay_core::error::Result;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "fifo",
    version: 1,
    idea: "The object that came first goes first; hits change nothing.",
    cost: "O(1) a request; 4 bytes a key and 13 to 26 an object",
    choose_when: "an order of use costs too much to keep, as on flash or among many threads",
    source: "Belady 1966, A study of replacement algorithms for a virtual-storage computer",
    parameters: &[],
    abilities: &[],
};

/// The object that came first goes.
#[derive(Debug)]
pub enum Fifo {}

/// FIFO of this capacity.
///
/// # Errors
/// If it would hold more objects than a line does.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    lined::build::<Fifo>(CONTENDER.name, settings, trace)
}

impl Order for Fifo {
    #[inline]
    fn pop(line: &mut Line) -> u32 {
        line.pop_first()
    }

    fn next(line: &Line) -> Option<u32> {
        line.first()
    }

    fn run(line: &mut Line, ids: &[u32], capacity: u32) -> Option<Run> {
        line.run_fifo(ids, capacity)
    }
}
