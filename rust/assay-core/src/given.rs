//! The parameters that a contender was given: their values, their bounds, their defaults.

use crate::catalogue::{Contender, Domain, Parameter};
use crate::error::{Error, Result};

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

/// Parameters by name; those that are not among them have their defaults.
pub type Given = [(String, Value)];

/// The value given for a parameter, if one was.
#[must_use]
pub fn find<'a>(given: &'a Given, parameter: &Parameter) -> Option<&'a Value> {
    given.iter().find(|(name, _)| name == parameter.name).map(|(_, value)| value)
}

/// The integer given for a parameter, or its default.
///
/// # Panics
/// If the parameter's default is no integer.
#[must_use]
pub fn integer(given: &Given, parameter: &Parameter) -> u64 {
    match find(given, parameter) {
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
pub fn number(given: &Given, parameter: &Parameter) -> f64 {
    match find(given, parameter) {
        Some(Value::Number(value)) => *value,
        Some(Value::Integer(value)) => *value as f64,
        _ => parameter.default.parse().expect("a number's default is one"),
    }
}

/// The name given for a parameter, or its default.
#[must_use]
pub fn choice<'a>(given: &'a Given, parameter: &'a Parameter) -> &'a str {
    match find(given, parameter) {
        Some(Value::Choice(value)) => value,
        _ => parameter.default,
    }
}

/// Whether a contender can have these parameters.
///
/// # Errors
/// If it has no parameter of a name, or a value is out of its bounds.
pub fn check(contender: &Contender, given: &Given) -> Result<()> {
    for (name, value) in given {
        let Some(parameter) = contender.parameters.iter().find(|parameter| parameter.name == name) else {
            let known = contender.parameters.iter().map(|parameter| parameter.name).collect::<Vec<_>>().join(", ");
            let thing = match contender.room {
                "cache" => "parameter of the policy",
                "index" => "parameter of the index",
                _ => "parameter of the admission",
            };
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
