//! LIFO: the object that came last goes first.
//!
//! Idea: a line that is left at its end; once the cache is full, all but the last object stay for ever. Room is made before
//! an object is put in, for else every new one would go itself. Cost: O(1) a request, 4 bytes a key and 13 to 26 an object.
//! Choose it for loops longer than the cache, where it keeps a part of the loop; elsewhere it shows what never forgetting costs.
//! Source: Coffman, Denning 1973, "Operating Systems Theory", section 6.3.

use crate::cache::line::Line;
use crate::cache::room::Room;
use crate::cache::sizes::{Bytes, Sizes, Units};
use crate::cache::{Cache, Gone, Measure, Policy, Request, Settings, Trace};
use crate::catalogue::Contender;
use crate::error::Result;

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

/// Objects in the order in which they came.
#[derive(Debug)]
pub struct Lifo<S> {
    line: Line,
    room: Room<S>,
}

/// Lifo of this capacity.
///
/// # Errors
/// Never.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    Ok(match settings.measure {
        Measure::Objects => Box::new(Lifo::<Units>::new(settings.capacity, trace.distinct())),
        Measure::Bytes => Box::new(Lifo::<Bytes>::new(settings.capacity, trace.distinct())),
    })
}

impl<S: Sizes> Lifo<S> {
    fn new(capacity: u64, distinct: usize) -> Self {
        Self { line: Line::new(distinct), room: Room::new(capacity, distinct) }
    }
}

impl<S: Sizes> Policy for Lifo<S> {
    const WEIGHS: bool = S::WEIGHS;

    #[inline]
    fn hit(&mut self, request: Request, _gone: &mut impl Gone) -> bool {
        self.line.contains(request.id)
    }

    #[inline]
    fn insert(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        let Some(weight) = self.room.weight(request.size) else { return false };
        while self.room.lacks(weight) {
            let victim = self.line.pop_last();
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
        self.line.last()
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        self.line.prefetch(id);
    }
}
