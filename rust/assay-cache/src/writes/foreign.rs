//! Writes of others: a seeded process that changes the origin behind the cache's back.
//!
//! Before each request so many foreign writes happen as its rate says: what is whole of the expected number surely,
//! one more with the probability that is left, so that the mean is exact. Each changes one object: that of a row of
//! the trace drawn evenly, so that popular objects change more often, or a distinct key drawn evenly.
//! Cost: one draw a request, two a write.

use crate::Trace;
use crate::split_mix::SplitMix64;
use assay_core::error::{Error, Result};

/// Most foreign writes for each request, on average over a trace.
const MOST: f64 = 1000.0;

/// What the rate counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Per {
    /// Foreign writes for each request.
    Request,
    /// Foreign writes for each unit of the clock.
    Time,
}

/// Which objects others write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Those that the trace asks for, as often as it does.
    Popularity,
    /// Every key alike.
    Uniform,
}

/// How others write.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Foreign {
    /// Expected writes for each request, or unit of time.
    pub rate: f64,
    /// Which of both.
    pub per: Per,
    /// Of which objects.
    pub choice: Choice,
}

impl Foreign {
    /// Nobody else writes.
    pub const NONE: Self = Self { rate: 0.0, per: Per::Request, choice: Choice::Popularity };

    /// Refuses rates that are no rates, and those that would take for ever.
    pub(super) fn check(&self, requests: usize, duration: u64) -> Result<()> {
        if !(self.rate >= 0.0 && self.rate.is_finite()) {
            return Err(Error::Parameter(format!("the rate of foreign writes is {}; expected at least 0", self.rate)));
        }
        #[allow(clippy::cast_precision_loss)]
        let expected = match self.per {
            Per::Request => self.rate,
            Per::Time => self.rate * duration as f64 / requests.max(1) as f64,
        };
        if expected > MOST {
            return Err(Error::Parameter(format!(
                "a rate of {} means {expected:.0} foreign writes for each request; expected at most {MOST}: is the rate \
                 in the unit of the trace's time?",
                self.rate
            )));
        }
        #[allow(clippy::cast_precision_loss)]
        let versions = requests as f64 * (1.0 + expected);
        if versions >= f64::from(u32::MAX) {
            return Err(Error::Parameter(format!(
                "{requests} requests with about {expected} foreign writes each could write one object more than 2^32 \
                 times, which versions do not count; take a part of the trace, or a lower rate"
            )));
        }
        Ok(())
    }
}

/// The process as it runs.
#[derive(Debug)]
pub struct Process<'a> {
    foreign: Foreign,
    random: SplitMix64,
    ids: &'a [u32],
    distinct: u64,
}

impl<'a> Process<'a> {
    /// From the beginning.
    #[must_use]
    pub fn new(foreign: Foreign, trace: &'a Trace, seed: u64) -> Self {
        Self { foreign, random: SplitMix64::stream(seed, 1), ids: trace.ids(), distinct: trace.distinct() as u64 }
    }

    /// How many writes happen before the next request, which comes so much later than the last one.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    pub fn count(&mut self, elapsed: u64) -> u64 {
        let expected = match self.foreign.per {
            Per::Request => self.foreign.rate,
            Per::Time => self.foreign.rate * elapsed as f64,
        };
        let whole = expected.floor();
        whole as u64 + u64::from(self.random.happens(expected - whole))
    }

    /// Whose object is written next.
    #[allow(clippy::cast_possible_truncation)]
    pub fn key(&mut self) -> u32 {
        match self.foreign.choice {
            Choice::Popularity => self.ids[self.random.below(self.ids.len() as u64) as usize],
            Choice::Uniform => self.random.below(self.distinct) as u32,
        }
    }
}
