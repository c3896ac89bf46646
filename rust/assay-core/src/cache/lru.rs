//! LRU: the object whose last use is longest ago goes first.
//!
//! Idea: a line; whoever is asked for goes to its end. Cost: O(1) a request, amortised; 4 bytes a key and 13 to 26 an object.
//! Choose it where recent data is asked for again, which is most traces; a scan of more keys than the cache holds flushes it.
//! Source: Mattson, Gecsei, Slutz, Traiger 1970, "Evaluation techniques for storage hierarchies".

use crate::cache::line::Line;
use crate::cache::room::Room;
use crate::cache::sizes::{Bytes, Sizes, Units};
use crate::cache::{Cache, Gone, Measure, Policy, Request, Requests, Settings, Tally, Trace, run};
use crate::catalogue::Contender;
use crate::error::Result;

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

/// Objects in the order of their last use.
#[derive(Debug)]
pub struct Lru<S> {
    line: Line,
    room: Room<S>,
}

/// Lru of this capacity.
///
/// # Errors
/// Never.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    Ok(match settings.measure {
        Measure::Objects => Box::new(Lru::<Units>::new(settings.capacity, trace.distinct())),
        Measure::Bytes => Box::new(Lru::<Bytes>::new(settings.capacity, trace.distinct())),
    })
}

impl<S: Sizes> Lru<S> {
    fn new(capacity: u64, distinct: usize) -> Self {
        Self { line: Line::new(distinct), room: Room::new(capacity, distinct) }
    }
}

impl<S: Sizes> Policy for Lru<S> {
    const WEIGHS: bool = S::WEIGHS;

    #[inline]
    fn hit(&mut self, request: Request, _gone: &mut impl Gone) -> bool {
        let there = self.line.contains(request.id);
        if there {
            self.line.renew(request.id);
        }
        there
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
        let run = self.line.run_lru(requests.ids, capacity);
        self.room.passed(requests, run)
    }
}
