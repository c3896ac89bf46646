//! Write-back: a write is acknowledged when the cache has it; the origin gets it later.
//!
//! Idea: a written object is dirty until it is flushed: when it goes to make room, every `flush_interval`, when more
//! than `dirty_limit` objects are dirty (the longest dirty one first), and at the end of the run. Writes to a dirty
//! object cost the origin nothing: they are coalesced. Cost: a crash loses what was not flushed. Choose it where writes
//! come in bursts to few objects and some may be lost. Source: Jouppi 1993, "Cache write policies and performance"
//! (ISCA); limits and intervals as in Linux, Documentation/admin-guide/sysctl/vm.rst (`dirty_*`).

use crate::Request;
use crate::writes::counts::Cause;
use crate::writes::front::Front;
use crate::writes::options::{Options, TRUE_OR_FALSE};
use crate::writes::{Promises, Scheme};
use assay_core::catalogue::{Contender, Domain, Parameter};

const ALLOCATE: Parameter = Parameter {
    name: "allocate",
    default: "true",
    domain: TRUE_OR_FALSE,
    meaning: "whether a written object that is not there is put in; else that write goes to the origin at once",
};

const FLUSH_INTERVAL: Parameter = Parameter {
    name: "flush_interval",
    default: "0",
    domain: Domain::Integer { low: 0, high: 1 << 62 },
    meaning: "all dirty objects are flushed every so often: in the unit of the trace's time, or in requests if it has none; 0 means never",
};

const DIRTY_LIMIT: Parameter = Parameter {
    name: "dirty_limit",
    default: "0",
    domain: Domain::Integer { low: 0, high: 1 << 62 },
    meaning: "most dirty objects; a write beyond it waits until the longest dirty one is flushed; 0 means no limit",
};

const FLUSH_AT_END: Parameter = Parameter {
    name: "flush_at_end",
    default: "true",
    domain: TRUE_OR_FALSE,
    meaning: "whether all dirty objects are flushed after the last request, as an orderly shutdown does",
};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "write_scheme",
    name: "write_back",
    version: 1,
    idea: "A write stays in the cache and is acknowledged at once; the origin gets it when it is flushed.",
    cost: "a crash loses what was not flushed; evictions wait for the origin",
    choose_when: "writes come in bursts to few objects, and some acknowledged writes may be lost",
    source: "Jouppi 1993, Cache write policies and performance",
    parameters: &[ALLOCATE, FLUSH_INTERVAL, DIRTY_LIMIT, FLUSH_AT_END],
    abilities: &["coalesces"],
};

/// When to flush.
#[derive(Debug)]
struct WriteBack {
    allocate: bool,
    /// None: never.
    flush_interval: Option<u64>,
    /// When all is flushed next.
    next_flush: u64,
    /// None: no limit.
    dirty_limit: Option<u64>,
    flush_at_end: bool,
}

/// From its parameters.
#[must_use]
pub fn build(options: &Options<'_>) -> Box<dyn Scheme> {
    let flush_interval = Some(options.integer(&FLUSH_INTERVAL)).filter(|&interval| interval > 0);
    Box::new(WriteBack {
        allocate: options.is_true(&ALLOCATE),
        flush_interval,
        next_flush: flush_interval.unwrap_or_default(),
        dirty_limit: Some(options.integer(&DIRTY_LIMIT)).filter(|&limit| limit > 0),
        flush_at_end: options.is_true(&FLUSH_AT_END),
    })
}

impl Scheme for WriteBack {
    fn write(&mut self, front: &mut Front, request: Request) {
        if front.touch(request) || (self.allocate && front.insert(request)) {
            front.write_cache(request);
            if let Some(limit) = self.dirty_limit {
                front.flush_until(limit, Cause::Limit);
            }
        } else {
            front.write_origin(request);
        }
    }

    fn advance(&mut self, front: &mut Front, now: u64) {
        if let Some(interval) = self.flush_interval
            && now >= self.next_flush
        {
            front.flush_until(0, Cause::Interval);
            self.next_flush = (now - now % interval).saturating_add(interval);
        }
    }

    fn end(&mut self, front: &mut Front) {
        if self.flush_at_end {
            front.flush_until(0, Cause::End);
        }
    }

    fn promises(&self) -> Promises {
        Promises { saves_at_once: false, serves_only_what_it_read: false, saves_at_end: self.flush_at_end }
    }
}
