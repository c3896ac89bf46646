//! FIFO: the object that came first goes first.
//!
//! Idea: a line; a hit changes nothing. Cost: O(1) a request, 4 bytes a key and 13 to 26 an object. Choose it where keeping an
//! order of use costs too much, as on flash or among many threads; it is what every other policy has to beat.
//! Source: Belady 1966, "A study of replacement algorithms for a virtual-storage computer".

use crate::cache::line::Line;
use crate::cache::room::Room;
use crate::cache::sizes::{Bytes, Sizes, Units};
use crate::cache::{Cache, Gone, Measure, Policy, Request, Requests, Settings, Tally, Trace, run};
use crate::catalogue::Contender;
use crate::error::Result;

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

/// Objects in the order in which they came.
#[derive(Debug)]
pub struct Fifo<S> {
    line: Line,
    room: Room<S>,
}

/// Fifo of this capacity.
///
/// # Errors
/// Never.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    Ok(match settings.measure {
        Measure::Objects => Box::new(Fifo::<Units>::new(settings.capacity, trace.distinct())),
        Measure::Bytes => Box::new(Fifo::<Bytes>::new(settings.capacity, trace.distinct())),
    })
}

impl<S: Sizes> Fifo<S> {
    fn new(capacity: u64, distinct: usize) -> Self {
        Self { line: Line::new(distinct), room: Room::new(capacity, distinct) }
    }
}

impl<S: Sizes> Policy for Fifo<S> {
    const WEIGHS: bool = S::WEIGHS;

    #[inline]
    fn hit(&mut self, request: Request, _gone: &mut impl Gone) -> bool {
        self.line.contains(request.id)
    }

    #[inline]
    fn insert(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        let Some(weight) = self.room.weight(request.size) else { return false };
        while self.room.lacks(weight) {
            let victim = self.line.pop_first();
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

    fn victim(&mut self) -> Option<u32> {
        self.line.first()
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        self.line.prefetch(id);
    }
    fn run(&mut self, requests: Requests<'_>) -> Tally {
        let Some(capacity) = self.room.plain(requests) else { return run(self, requests) };
        match self.line.run_fifo(requests.ids, capacity) {
            Some(run) => self.room.passed(requests, run),
            None => run(self, requests),
        }
    }
}
