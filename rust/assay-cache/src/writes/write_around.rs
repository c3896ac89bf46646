//! Write-around: a write goes to the origin past the cache, and what the cache has of the object is dropped.
//!
//! Idea: only what is read takes room, and the cache never serves what it did not read. Cost: every write waits for
//! the origin, and the first read after it too. Choose it where what is written is seldom read soon: logs, bulk loads.
//! Source: Jouppi 1993, "Cache write policies and performance" (ISCA): write-around, and write-invalidate for hits.

use crate::Request;
use crate::writes::front::Front;
use crate::writes::options::Options;
use crate::writes::{Promises, Scheme};
use assay_core::catalogue::Contender;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "write_scheme",
    name: "write_around",
    version: 1,
    idea: "A write goes to the origin past the cache; what the cache has of the object is dropped.",
    cost: "every write waits for the origin, and so does the first read after it",
    choose_when: "what is written is seldom read soon, and no acknowledged write may be lost",
    source: "Jouppi 1993, Cache write policies and performance",
    parameters: &[],
    abilities: &["loses_nothing"],
};

/// It knows nothing.
#[derive(Debug)]
struct WriteAround;

/// It has no parameters: to put in what is written would be write-through.
#[must_use]
pub fn build(_options: &Options<'_>) -> Box<dyn Scheme> {
    Box::new(WriteAround)
}

impl Scheme for WriteAround {
    fn write(&mut self, front: &mut Front, request: Request) {
        front.write_origin(request);
        if front.look(request) {
            front.forget(request.id);
        }
    }

    fn promises(&self) -> Promises {
        Promises { saves_at_once: true, serves_only_what_it_read: true, saves_at_end: true }
    }
}
