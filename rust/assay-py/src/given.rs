//! Parameters of contenders, as Python says them.

use assay_core::given::Value;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict};

use crate::errors::parameter;

/// One value.
pub fn value_of(name: &str, value: &Bound<'_, PyAny>) -> PyResult<Value> {
    if !value.is_instance_of::<PyBool>() {
        if let Ok(found) = value.extract::<u64>() {
            return Ok(Value::Integer(found));
        }
        if let Ok(found) = value.extract::<f64>() {
            return Ok(Value::Number(found));
        }
    }
    let text = value.extract::<String>().or_else(|_| value.str().map(|text| text.to_string().to_lowercase()));
    text.map(Value::Choice).map_err(|_| parameter(format!("{name} is no number and no name")))
}

/// All of them.
pub fn values_of(given: &Bound<'_, PyDict>) -> PyResult<Vec<(String, Value)>> {
    let pairs = given.iter().map(|(name, value)| {
        let name = name.extract::<String>()?;
        value_of(&name, &value).map(|value| (name, value))
    });
    pairs.collect()
}
