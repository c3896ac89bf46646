//! Policies of one line: FIFO, LIFO, LRU, MRU and SIEVE differ in what a use changes and in who goes next.
//!
//! Idea: all keep their objects on a [`Line`] and their weights in a [`Room`]; an [`Order`] says what sets a policy
//! apart, and is compiled into its loops.

use std::marker::PhantomData;

use crate::line::{self, Line};
use crate::room::Room;
use crate::runs::Run;
use crate::sizes::{Bytes, Sizes, Units};
use crate::{Cache, Gone, Measure, Policy, Request, Requests, Settings, Tally, Trace, run};
use assay_core::error::Result;

/// What sets a policy of one line apart.
pub trait Order: Send + 'static {
    /// Whether the object is there; if so, the line takes note of its use.
    #[inline]
    fn used(line: &mut Line, id: u32) -> bool {
        line.contains(id)
    }

    /// Takes out who goes next, of a line that is not empty.
    fn pop(line: &mut Line) -> u32;

    /// Who would go next; None where the order cannot say so without taking it out, or nobody is there.
    fn next(_line: &Line) -> Option<u32> {
        None
    }

    /// An object that is there leaves, whose turn it was not.
    fn leave(line: &mut Line, id: u32) {
        line.leave(id);
    }

    /// What comes of requests where objects are counted and nobody asks which went, in a faster way; None, with nothing
    /// done, where there is none.
    fn run(_line: &mut Line, _ids: &[u32], _capacity: u32) -> Option<Run> {
        None
    }
}

/// The cache of a policy of one line.
#[derive(Debug)]
pub struct Lined<O, S> {
    line: Line,
    room: Room<S>,
    order: PhantomData<O>,
}

/// The cache of this order, of the policy of this name.
///
/// # Errors
/// If it would hold more objects than a line does.
pub fn build<O: Order>(policy: &str, settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    line::check_objects(policy, settings, trace)?;
    Ok(match settings.measure {
        Measure::Objects => Box::new(Lined::<O, Units>::new(settings.capacity, trace.distinct())),
        Measure::Bytes => Box::new(Lined::<O, Bytes>::new(settings.capacity, trace.distinct())),
    })
}

impl<O: Order, S: Sizes> Lined<O, S> {
    fn new(capacity: u64, distinct: usize) -> Self {
        Self { line: Line::new(distinct), room: Room::new(capacity, distinct), order: PhantomData }
    }
}

impl<O: Order, S: Sizes> Policy for Lined<O, S> {
    const WEIGHS: bool = S::WEIGHS;

    #[inline]
    fn hit(&mut self, request: Request, _gone: &mut impl Gone) -> bool {
        O::used(&mut self.line, request.id)
    }

    #[inline]
    fn insert(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        let Some(weight) = self.room.weight(request.size) else { return false };
        while self.room.lacks(weight) {
            let victim = O::pop(&mut self.line);
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
            O::leave(&mut self.line, id);
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
        O::next(&self.line)
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        self.line.prefetch(id);
    }

    fn run(&mut self, requests: Requests<'_>) -> Tally {
        let Some(capacity) = self.room.plain(requests) else { return run(self, requests) };
        match O::run(&mut self.line, requests.ids, capacity) {
            Some(run) => self.room.passed(requests, run),
            None => run(self, requests),
        }
    }
}
