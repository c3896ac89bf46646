//! SIEVE: a hand goes from the oldest object to the newest and takes the first that was not asked for since it last passed.
//!
//! Idea: FIFO with a mark that a hit sets; the hand takes marks away, rests behind the object that it took, and starts at the oldest again
//! once it has passed the newest. Objects never move, so that popular ones gather at the old end and new ones are tried quickly. Cost:
//! amortised O(1) a request; 4 bytes a key and 13 to 26 an object. Choose it where many objects are asked for once, as on the web.
//! Source: Zhang, Yang, Yue, Vigfusson, Rashmi 2024, "SIEVE is simpler than LRU", NSDI'24, algorithm 1.

use crate::cache::line::Line;
use crate::cache::room::Room;
use crate::cache::sizes::{Bytes, Sizes, Units};
use crate::cache::{Cache, Gone, Measure, Policy, Request, Requests, Settings, Tally, Trace, run};
use crate::catalogue::Contender;
use crate::error::Result;

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

/// Objects in the order in which they came, and where the hand rests.
#[derive(Debug)]
pub struct Sieve<S> {
    line: Line,
    room: Room<S>,
}

/// Sieve of this capacity.
///
/// # Errors
/// Never.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    Ok(match settings.measure {
        Measure::Objects => Box::new(Sieve::<Units>::new(settings.capacity, trace.distinct())),
        Measure::Bytes => Box::new(Sieve::<Bytes>::new(settings.capacity, trace.distinct())),
    })
}

impl<S: Sizes> Sieve<S> {
    fn new(capacity: u64, distinct: usize) -> Self {
        Self { line: Line::new(distinct), room: Room::new(capacity, distinct) }
    }
}

impl<S: Sizes> Policy for Sieve<S> {
    const WEIGHS: bool = S::WEIGHS;

    #[inline]
    fn hit(&mut self, request: Request, _gone: &mut impl Gone) -> bool {
        self.line.mark(request.id)
    }

    #[inline]
    fn insert(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        let Some(weight) = self.room.weight(request.size) else { return false };
        while self.room.lacks(weight) {
            let victim = self.line.pop_unmarked_at_hand();
            self.room.free(victim);
            gone.evicted(victim);
        }
        self.room.take(request.id, weight);
        self.line.push(request.id);
        true
    }

    fn remove(&mut self, id: u32) -> bool {
        let there = self.line.contains(id);
        if there {
            self.line.leave_hand(id);
            self.room.free(id);
        }
        there
    }

    #[inline]
    fn contains(&self, id: u32) -> bool {
        self.line.contains(id)
    }

    fn used(&self) -> u64 {
        self.room.used()
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        self.line.prefetch(id);
    }
    fn run(&mut self, requests: Requests<'_>) -> Tally {
        let Some(capacity) = self.room.plain(requests) else { return run(self, requests) };
        let run = self.line.run_sieve(requests.ids, capacity);
        self.room.passed(requests, run)
    }
}
