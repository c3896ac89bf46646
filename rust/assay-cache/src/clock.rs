//! CLOCK: the object that came first goes first, unless it was asked for since: then it goes to the end of the line once more.
//!
//! Idea: FIFO with a mark that a hit sets; it is 0 for an object that comes. This is FIFO with reinsertion, and second chance;
//! a hand going round a ring of frames
//! decides the same, and does so where requests are run in a row (`ring.rs`). Cost: amortised O(1) a request; 4 bytes a key and 13 to 26 an object.
//! Choose it as an LRU whose hits write a bit only. Source: Corbató 1968, "A paging experiment with the Multics system".

mod ring;

use crate::line::{self, Line};
use crate::room::Room;
use crate::sizes::{Bytes, Sizes, Units};
use crate::{Cache, Gone, Measure, Policy, Request, Requests, Settings, Tally, Trace, run};
use assay_core::catalogue::Contender;
use assay_core::error::Result;

use ring::Ring;

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
enum Order {
    /// For requests one by one, any weights, and objects that leave by themselves.
    Line(Line),
    /// For runs.
    Ring(Ring),
}

/// Objects and their order.
#[derive(Debug)]
pub struct Clock<S> {
    order: Order,
    distinct: usize,
    room: Room<S>,
}

/// CLOCK of this capacity.
///
/// # Errors
/// If it would hold more objects than a line does.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    line::check_objects(CONTENDER.name, settings, trace)?;
    Ok(match settings.measure {
        Measure::Objects => Box::new(Clock::<Units>::new(settings.capacity, trace.distinct())),
        Measure::Bytes => Box::new(Clock::<Bytes>::new(settings.capacity, trace.distinct())),
    })
}

impl<S: Sizes> Clock<S> {
    fn new(capacity: u64, distinct: usize) -> Self {
        Self { order: Order::Line(Line::new(distinct)), distinct, room: Room::new(capacity, distinct) }
    }

    /// The order as a line.
    #[inline]
    fn line(&mut self) -> &mut Line {
        if let Order::Ring(ring) = &self.order {
            self.order = Order::Line(unrolled(ring, self.distinct));
        }
        match &mut self.order {
            Order::Line(line) => line,
            Order::Ring(_) => unreachable!("it was just made a line"),
        }
    }

    /// The order as a ring of so many objects.
    fn ring(&mut self, capacity: u32) -> &mut Ring {
        if let Order::Line(line) = &self.order {
            self.order = Order::Ring(Ring::new(self.distinct, capacity, line.standing()));
        }
        match &mut self.order {
            Order::Ring(ring) => ring,
            Order::Line(_) => unreachable!("it was just made a ring"),
        }
    }
}

#[cold]
fn unrolled(ring: &Ring, distinct: usize) -> Line {
    let mut line = Line::new(distinct);
    for (id, marked) in ring.standing() {
        line.push(id);
        if marked {
            line.mark(id);
        }
    }
    line
}

impl<S: Sizes> Policy for Clock<S> {
    const WEIGHS: bool = S::WEIGHS;

    #[inline]
    fn hit(&mut self, request: Request, _gone: &mut impl Gone) -> bool {
        self.line().mark(request.id)
    }

    #[inline]
    fn insert(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        let Some(weight) = self.room.weight(request.size) else { return false };
        while self.room.lacks(weight) {
            let victim = self.line().pop_first_unmarked();
            self.room.free(victim);
            gone.evicted(victim);
        }
        self.room.take(request.id, weight);
        self.line().push(request.id);
        true
    }

    fn remove(&mut self, id: u32) -> bool {
        let there = self.line().contains(id);
        if there {
            self.line().leave(id);
            self.room.free(id);
        }
        there
    }

    #[inline]
    fn contains(&self, id: u32) -> bool {
        match &self.order {
            Order::Line(line) => line.contains(id),
            Order::Ring(ring) => ring.contains(id),
        }
    }

    fn used(&self) -> u64 {
        self.room.used()
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        if let Order::Line(line) = &self.order {
            line.prefetch(id);
        }
    }

    fn run(&mut self, requests: Requests<'_>) -> Tally {
        let Some(capacity) = self.room.plain(requests) else { return run(self, requests) };
        let run = self.ring(capacity).run(requests.ids);
        self.room.passed(requests, run)
    }
}
