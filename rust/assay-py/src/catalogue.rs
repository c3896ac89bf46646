//! The catalogue of the core as plain Python values.

use assay_core::catalogue::{Contender, Domain};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

fn describe<'py>(py: Python<'py>, contender: &Contender) -> PyResult<Bound<'py, PyDict>> {
    let entry = PyDict::new(py);
    entry.set_item("room", contender.room)?;
    entry.set_item("name", contender.name)?;
    entry.set_item("version", contender.version)?;
    entry.set_item("idea", contender.idea)?;
    entry.set_item("cost", contender.cost)?;
    entry.set_item("choose_when", contender.choose_when)?;
    entry.set_item("source", contender.source)?;
    entry.set_item("abilities", contender.abilities.to_vec())?;
    let parameters = PyList::empty(py);
    for parameter in contender.parameters {
        let item = PyDict::new(py);
        item.set_item("name", parameter.name)?;
        item.set_item("default", parameter.default)?;
        item.set_item("meaning", parameter.meaning)?;
        match parameter.domain {
            Domain::Integer { low, high } => {
                item.set_item("kind", "integer")?;
                item.set_item("low", low)?;
                item.set_item("high", high)?;
            }
            Domain::Number { low, high } => {
                item.set_item("kind", "number")?;
                item.set_item("low", low)?;
                item.set_item("high", high)?;
            }
            Domain::Choice(choices) => {
                item.set_item("kind", "choice")?;
                item.set_item("choices", choices.to_vec())?;
            }
            Domain::Values => item.set_item("kind", "values")?,
            Domain::Groups => item.set_item("kind", "groups")?,
        }
        parameters.append(item)?;
    }
    entry.set_item("parameters", parameters)?;
    Ok(entry)
}

/// Every contender, room by room.
#[pyfunction]
pub fn catalogue(py: Python<'_>) -> PyResult<Bound<'_, PyList>> {
    let list = PyList::empty(py);
    for contender in assay_core::contenders().chain(assay_cache::contenders()).chain(assay_index::contenders()) {
        list.append(describe(py, contender)?)?;
    }
    Ok(list)
}
