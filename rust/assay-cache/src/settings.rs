//! All that a cache is built from: its capacity, and the parameters of its policy.

use crate::Trace;
use assay_core::catalogue::{Contender, Domain, Parameter};
use assay_core::error::{Error, Result};

/// What a capacity counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Objects, whatever their size.
    Objects,
    /// Bytes.
    Bytes,
}

/// The value of a parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// An integer.
    Integer(u64),
    /// A number.
    Number(f64),
    /// One of several names.
    Choice(String),
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
    /// How long an object is true after it was put in, in the unit of the trace's times, or in requests.
    pub ttl: Option<u64>,
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
        check_parameters(contender, &self.parameters)
    }

    /// The integer given for a parameter, or its default.
    ///
    /// # Panics
    /// If the parameter's default is no integer.
    #[must_use]
    pub fn integer(&self, parameter: &Parameter) -> u64 {
        match self.given(parameter) {
            Some(Value::Integer(value)) => *value,
            _ => parameter.default.parse().expect("an integer's default is one"),
        }
    }

    /// The number given for a parameter, or its default.
    ///
    /// # Panics
    /// If the parameter's default is no number.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn number(&self, parameter: &Parameter) -> f64 {
        match self.given(parameter) {
            Some(Value::Number(value)) => *value,
            Some(Value::Integer(value)) => *value as f64,
            _ => parameter.default.parse().expect("a number's default is one"),
        }
    }

    /// The name given for a parameter, or its default.
    #[must_use]
    pub fn choice<'a>(&'a self, parameter: &'a Parameter) -> &'a str {
        match self.given(parameter) {
            Some(Value::Choice(value)) => value,
            _ => parameter.default,
        }
    }

    fn given(&self, parameter: &Parameter) -> Option<&Value> {
        self.parameters.iter().find(|(name, _)| name == parameter.name).map(|(_, value)| value)
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

/// The integer given for a parameter, if one was.
pub(super) fn integer(given: &[(String, Value)], parameter: &Parameter) -> Option<u64> {
    match given.iter().find(|(name, _)| name == parameter.name) {
        Some((_, Value::Integer(value))) => Some(*value),
        _ => None,
    }
}

/// Whether a contender can have these parameters.
pub(super) fn check_parameters(contender: &Contender, given: &[(String, Value)]) -> Result<()> {
    for (name, value) in given {
        let Some(parameter) = contender.parameters.iter().find(|parameter| parameter.name == name) else {
            let known = contender.parameters.iter().map(|parameter| parameter.name).collect::<Vec<_>>().join(", ");
            let thing =
                if contender.room == "cache" { "parameter of the policy" } else { "parameter of the admission" };
            return Err(Error::UnknownName { thing, name: name.clone(), known });
        };
        if !allows(parameter, value) {
            return Err(Error::Parameter(format!(
                "{}: {name} is {value:?}; expected {:?}",
                contender.name, parameter.domain
            )));
        }
    }
    Ok(())
}

/// Whether the value is one that the parameter can have.
#[allow(clippy::cast_precision_loss)]
fn allows(parameter: &Parameter, value: &Value) -> bool {
    match (parameter.domain, value) {
        (Domain::Integer { low, high }, Value::Integer(value)) => (low..=high).contains(value),
        (Domain::Number { low, high }, Value::Number(value)) => (low..=high).contains(value),
        (Domain::Number { low, high }, Value::Integer(value)) => (low..=high).contains(&(*value as f64)),
        (Domain::Choice(names), Value::Choice(value)) => names.contains(&value.as_str()),
        _ => false,
    }
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
