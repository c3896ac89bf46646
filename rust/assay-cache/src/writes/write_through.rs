//! Write-through: a write is acknowledged when the origin has it; the cache has it too.
//!
//! Idea: the origin is never behind. What is cached is updated in place; what is not is put in (`allocate`) or left
//! out. Cost: every write waits for the origin. Choose it where no acknowledged write may be lost and what is written
//! is read soon. Source: Jouppi 1993, "Cache write policies and performance" (ISCA), with and without write-allocate.

use crate::Request;
use crate::writes::front::{Front, Source};
use crate::writes::options::{Options, TRUE_OR_FALSE};
use crate::writes::{Promises, Scheme};
use assay_core::catalogue::{Contender, Parameter};

const ALLOCATE: Parameter = Parameter {
    name: "allocate",
    default: "true",
    domain: TRUE_OR_FALSE,
    meaning: "whether a written object that is not there is put in",
};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "write_scheme",
    name: "write_through",
    version: 1,
    idea: "A write goes to the origin and to the cache, and is acknowledged when the origin has it.",
    cost: "every write waits for the origin; nothing is coalesced",
    choose_when: "no acknowledged write may be lost, and what is written is read soon",
    source: "Jouppi 1993, Cache write policies and performance",
    parameters: &[ALLOCATE],
    abilities: &["loses_nothing"],
};

/// Whether written objects are put in is all it knows.
#[derive(Debug)]
struct WriteThrough {
    allocate: bool,
}

/// From its parameters.
#[must_use]
pub fn build(options: &Options<'_>) -> Box<dyn Scheme> {
    Box::new(WriteThrough { allocate: options.is_true(&ALLOCATE) })
}

impl Scheme for WriteThrough {
    fn write(&mut self, front: &mut Front, request: Request) {
        front.write_origin(request);
        if front.touch(request) || (self.allocate && front.insert(request)) {
            let version = front.objects.get(request.id).newest;
            front.store(request.id, version, Source::Write);
        }
    }

    fn promises(&self) -> Promises {
        Promises { saves_at_once: true, serves_only_what_it_read: false, saves_at_end: true }
    }
}
