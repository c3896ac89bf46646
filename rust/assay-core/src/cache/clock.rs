//! CLOCK: the object that came first goes first, unless it was asked for since: then it goes to the end of the line once more.
//!
//! Idea: FIFO with a mark that a hit sets; it is 0 for an object that comes. This is FIFO with reinsertion, and second chance;
//! a hand going round a ring of frames decides the same. Cost: amortised O(1) a request; 4 bytes a key and 13 to 26 an object.
//! Choose it as an LRU whose hits write a bit only. Source: Corbató 1968, "A paging experiment with the Multics system".

use crate::cache::line::Line;
use crate::cache::room::Room;
use crate::cache::sizes::{Bytes, Sizes, Units};
use crate::cache::{Cache, Gone, Measure, Policy, Request, Settings, Trace};
use crate::catalogue::Contender;
use crate::error::Result;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "clock",
    version: 1,
    idea: "First in, first out, but for objects asked for since they came to the front: these go to the end once more.",
    cost: "amortised O(1) a request; 4 bytes a key and 13 to 26 an object",
    choose_when: "an LRU is wanted whose hits only set a bit",
    source: "Corbató 1968, A paging experiment with the Multics system",
    parameters: &[],
    abilities: &[],
};

/// Objects in the order in which they came or were spared.
#[derive(Debug)]
pub struct Clock<S> {
    line: Line,
    room: Room<S>,
}

/// Clock of this capacity.
///
/// # Errors
/// Never.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    Ok(match settings.measure {
        Measure::Objects => Box::new(Clock::<Units>::new(settings.capacity, trace.distinct())),
        Measure::Bytes => Box::new(Clock::<Bytes>::new(settings.capacity, trace.distinct())),
    })
}

impl<S: Sizes> Clock<S> {
    fn new(capacity: u64, distinct: usize) -> Self {
        Self { line: Line::new(distinct), room: Room::new(capacity, distinct) }
    }
}

impl<S: Sizes> Policy for Clock<S> {
    const WEIGHS: bool = S::WEIGHS;

    #[inline]
    fn hit(&mut self, request: Request) -> bool {
        self.line.mark(request.id)
    }

    #[inline]
    fn insert(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        let Some(weight) = self.room.weight(request.size) else { return false };
        while self.room.lacks(weight) {
            let victim = self.line.pop_first_unmarked();
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
            self.line.leave(id);
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
}
