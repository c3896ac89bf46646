//! Errors of the core as exceptions of `assay.errors`.

use assay_core::error::Error;
use pyo3::prelude::*;

fn of(class: &str, message: String) -> PyErr {
    Python::attach(|py| {
        let raised = py
            .import("assay.errors")
            .and_then(|module| module.getattr(class))
            .and_then(|kind| kind.call1((message.clone(),)));
        match raised {
            Ok(value) => PyErr::from_value(value),
            Err(error) => error,
        }
    })
}

/// `assay.errors.ParameterError`.
pub fn parameter(message: String) -> PyErr {
    of("ParameterError", message)
}

/// `assay.errors.UnsupportedTypeError`.
pub fn unsupported_type(message: String) -> PyErr {
    of("UnsupportedTypeError", message)
}

/// The exception for an error of the core.
#[allow(clippy::needless_pass_by_value)]
pub fn raise(error: Error) -> PyErr {
    match error {
        Error::UnknownName { thing, name, known } => Python::attach(|py| {
            let names: Vec<&str> = known.split(", ").collect();
            let raised = py
                .import("assay.errors")
                .and_then(|module| module.getattr("UnknownNameError"))
                .and_then(|class| class.call_method1("of", (thing, name, names)));
            match raised {
                Ok(value) => PyErr::from_value(value),
                Err(error) => error,
            }
        }),
        Error::Parameter(message) => parameter(message),
        Error::UnsupportedType(message) => unsupported_type(message),
        Error::Corrupt(message) => of("DataError", message),
        Error::Data(message) => of("UsageError", message),
        Error::Broken(message) => of("MeasurementError", message),
    }
}
