//! All that a cache is built from: its capacity, and the parameters of its policy.

use crate::Trace;
use assay_core::catalogue::{Contender, Parameter};
use assay_core::error::{Error, Result};
use assay_core::given;

pub use assay_core::given::Value;

/// What a capacity counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Objects, whatever their size.
    Objects,
    /// Bytes.
    Bytes,
}

/// All that a cache is built from.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// What it can hold.
    pub capacity: u64,
    /// What that counts.
    pub measure: Measure,
    /// What a policy that draws lots begins with.
    pub seed: u64,
    /// The parameters that were given, by name.
    pub parameters: Vec<(String, Value)>,
    /// What stands in front of the policy.
    pub guard: Guard,
}

/// What stands in front of a policy; by default nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Guard {
    /// The name of an admission, and its parameters that were given.
    pub admission: Option<(String, Vec<(String, Value)>)>,
    /// How long an object is true after it was put in.
    pub ttl: Option<Ttl>,
}

/// How long objects are true, in the unit of the trace's times, or in requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /// All as long.
    Fixed(u64),
    /// Each as long as the trace's lifetimes say, see [`crate::Trace::set_lifetimes`].
    OfRequests,
}

impl Settings {
    /// So many objects, and the policy's own defaults.
    #[must_use]
    pub fn of_objects(capacity: u64) -> Self {
        Self { capacity, measure: Measure::Objects, seed: 0, parameters: Vec::new(), guard: Guard::default() }
    }

    /// Whether a cache of this policy can be built from these.
    pub(super) fn check(&self, contender: &Contender, trace: &Trace) -> Result<()> {
        if self.capacity == 0 {
            return Err(Error::Parameter(format!("{}: capacity is 0; expected at least 1", contender.name)));
        }
        if self.measure == Measure::Bytes && !trace.has_sizes() {
            return Err(Error::Parameter(format!(
                "{}: the capacity counts bytes, but the trace has no sizes; name the column of sizes, or count objects",
                contender.name
            )));
        }
        given::check(contender, &self.parameters)
    }

    /// The integer given for a parameter, or its default.
    #[must_use]
    pub fn integer(&self, parameter: &Parameter) -> u64 {
        given::integer(&self.parameters, parameter)
    }

    /// The number given for a parameter, or its default.
    #[must_use]
    pub fn number(&self, parameter: &Parameter) -> f64 {
        given::number(&self.parameters, parameter)
    }

    /// The name given for a parameter, or its default.
    #[must_use]
    pub fn choice<'a>(&'a self, parameter: &'a Parameter) -> &'a str {
        given::choice(&self.parameters, parameter)
    }
}

/// A share of a capacity, rounded down, as libCacheSim computes those of its queues. A part is never more than the
/// whole, to which doubles round up beyond 2^53: a queue that held more than its cache could never be emptied enough.
#[must_use]
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]
pub fn share_of(capacity: u64, share: f64) -> u64 {
    let found = (capacity as f64 * share) as u64;
    if share <= 1.0 { found.min(capacity) } else { found }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_rounded_down_and_no_more_than_the_whole() {
        assert_eq!((share_of(1000, 0.25), share_of(7, 0.1), share_of(7, 10.0)), (250, 0, 70));
        for capacity in [(1 << 53) + 3, (1 << 62) + 1023, u64::MAX - 1] {
            for share in [1.0, 1.0 - f64::EPSILON / 2.0] {
                assert!(share_of(capacity, share) <= capacity, "{share} of {capacity}");
            }
        }
    }
}
