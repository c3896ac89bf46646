//! MRU: the object whose last use is the latest goes first.
//!
//! Idea: a line; whoever is asked for goes to its end, and there it is left. Room is made before an object is put in, for else every
//! new one would go itself. Cost: O(1) a request, amortised; 4 bytes a key and 13 to 26 an object. Choose it for loops longer than
//! the cache: what was just read is what comes again the latest. Source: Chou, DeWitt 1985, "An evaluation of buffer management
//! strategies for relational database systems".

use crate::cache::line::Line;
use crate::cache::room::Room;
use crate::cache::sizes::{Bytes, Sizes, Units};
use crate::cache::{Cache, Gone, Measure, Policy, Request, Settings, Trace};
use crate::catalogue::Contender;
use crate::error::Result;

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

/// Objects in the order of their last use.
#[derive(Debug)]
pub struct Mru<S> {
    line: Line,
    room: Room<S>,
}

/// Mru of this capacity.
///
/// # Errors
/// Never.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    Ok(match settings.measure {
        Measure::Objects => Box::new(Mru::<Units>::new(settings.capacity, trace.distinct())),
        Measure::Bytes => Box::new(Mru::<Bytes>::new(settings.capacity, trace.distinct())),
    })
}

impl<S: Sizes> Mru<S> {
    fn new(capacity: u64, distinct: usize) -> Self {
        Self { line: Line::new(distinct), room: Room::new(capacity, distinct) }
    }
}

impl<S: Sizes> Policy for Mru<S> {
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
