//! SIEVE: a hand goes from the oldest object to the newest and takes the first that was not asked for since it last passed.
//!
//! Idea: FIFO with a mark that a hit sets; the hand takes marks away, rests behind the object that it took, and starts at the oldest again
//! once it has passed the newest. Objects never move, so that popular ones gather at the old end and new ones are tried quickly. Cost:
//! amortised O(1) a request; 4 bytes a key and 13 to 26 an object. Choose it where many objects are asked for once, as on the web.
//! Source: Zhang, Yang, Yue, Vigfusson, Rashmi 2024, "SIEVE is simpler than LRU", NSDI'24, algorithm 1.

use crate::line::Line;
use crate::lined::{self, Order};
use crate::runs::Run;
use crate::{Cache, Settings, Trace};
use assay_core::catalogue::Contender;
use assay_core::error::Result;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "sieve",
    version: 1,
    idea: "A hand passes from old to new, takes the first object not asked for since it last passed, and rests there.",
    cost: "amortised O(1) a request; 4 bytes a key and 13 to 26 an object",
    choose_when: "many objects are asked for once, as on the web",
    source: "Zhang, Yang, Yue, Vigfusson, Rashmi 2024, SIEVE is simpler than LRU, NSDI'24",
    parameters: &[],
    abilities: &[],
};

/// A hand passes from the first on; it spares what was used since it passed before.
#[derive(Debug)]
pub enum Sieve {}

/// SIEVE of this capacity.
///
/// # Errors
/// If it would hold more objects than a line does.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    lined::build::<Sieve>(CONTENDER.name, settings, trace)
}

impl Order for Sieve {
    #[inline]
    fn used(line: &mut Line, id: u32) -> bool {
        line.mark(id)
    }

    #[inline]
    fn pop(line: &mut Line) -> u32 {
        line.pop_unmarked_at_hand()
    }

    fn leave(line: &mut Line, id: u32) {
        line.leave_hand(id);
    }

    fn run(line: &mut Line, ids: &[u32], capacity: u32) -> Option<Run> {
        Some(line.run_sieve(ids, capacity))
    }
}
