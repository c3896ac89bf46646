//! Parameters of write schemes and coherence as they were given, checked against the catalogue.

use crate::settings::Value;
use assay_core::catalogue::{Contender, Domain, Parameter};
use assay_core::error::{Error, Result};

/// What a parameter that is true or false can be.
pub const TRUE_OR_FALSE: Domain = Domain::Choice(&["true", "false"]);

/// The parameters of one contender.
#[derive(Debug)]
pub struct Options<'a> {
    given: &'a [(String, Value)],
}

impl<'a> Options<'a> {
    /// These, if the contender has them and they lie within their bounds.
    ///
    /// # Errors
    /// If not.
    pub fn new(contender: &Contender, given: &'a [(String, Value)]) -> Result<Self> {
        for (name, value) in given {
            let Some(parameter) = contender.parameters.iter().find(|parameter| parameter.name == name) else {
                let known = contender.parameters.iter().map(|parameter| parameter.name).collect::<Vec<_>>().join(", ");
                return Err(Error::UnknownName { thing: "parameter", name: name.clone(), known });
            };
            if !allows(parameter, value) {
                return Err(Error::Parameter(format!(
                    "{}: {name} is {value:?}; expected {:?}",
                    contender.name, parameter.domain
                )));
            }
        }
        Ok(Self { given })
    }

    fn value(&self, parameter: &Parameter) -> Option<&Value> {
        self.given.iter().find(|(name, _)| name == parameter.name).map(|(_, value)| value)
    }

    /// The integer given, or the default.
    #[must_use]
    pub fn integer(&self, parameter: &Parameter) -> u64 {
        match self.value(parameter) {
            Some(Value::Integer(value)) => *value,
            _ => parameter.default.parse().unwrap_or_default(),
        }
    }

    /// The number given, or the default.
    #[must_use]
    #[allow(clippy::cast_precision_loss)]
    pub fn number(&self, parameter: &Parameter) -> f64 {
        match self.value(parameter) {
            Some(Value::Number(value)) => *value,
            Some(Value::Integer(value)) => *value as f64,
            _ => parameter.default.parse().unwrap_or_default(),
        }
    }

    /// Whether a parameter that is true or false is true.
    #[must_use]
    pub fn is_true(&self, parameter: &Parameter) -> bool {
        match self.value(parameter) {
            Some(Value::Choice(value)) => value == "true",
            _ => parameter.default == "true",
        }
    }
}

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

/// The contender of this name in a table, and what stands beside it.
///
/// # Errors
/// If there is none.
pub fn find<T: Copy>(
    thing: &'static str,
    table: &'static [(&'static Contender, T)],
    name: &str,
) -> Result<(&'static Contender, T)> {
    table.iter().find(|(contender, _)| contender.name == name).copied().ok_or_else(|| Error::UnknownName {
        thing,
        name: name.to_owned(),
        known: table.iter().map(|(contender, _)| contender.name).collect::<Vec<_>>().join(", "),
    })
}
