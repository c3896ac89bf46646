//! The room of admission: which objects a cache takes in at all, in front of any policy.
//!
//! A policy decides who goes; admission decides, on a miss, whether the object that was fetched may come in. One that
//! may not is handed on and forgotten, and nothing goes for it. It stands before the policy as a cache of its own
//! ([`crate::guarded`]), so that whatever drives a cache drives an admitting one too.

pub mod second_hit;
pub mod size;
pub mod sketch;
pub mod tiny_lfu;

use crate::settings::Value;
use crate::{Measure, Request, Settings, Trace};
use assay_core::catalogue::{Contender, Parameter};
use assay_core::error::{Error, Result};
use assay_core::given;

/// Decides which objects come in.
pub trait Admission: Send {
    /// A request comes, whether its object is there or not.
    fn note(&mut self, _request: Request) {}

    /// Whether the object of a miss may come in.
    fn admits(&mut self, request: Request, room: Room) -> bool;
}

/// What an object that wants to come in finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// Room for it.
    Free,
    /// None, and this object would go for it first.
    Victim(u32),
    /// None, and the policy cannot name who would go.
    Unknown,
}

/// All that an admission is built from.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The contender.
    pub contender: &'static Contender,
    /// Its parameters that were given.
    pub parameters: &'a [(String, Value)],
    /// The trace.
    pub trace: &'a Trace,
    /// How many objects the cache holds: its capacity, or what that is at the mean size of the trace's objects.
    pub objects: usize,
    /// What lots begin with.
    pub seed: u64,
}

impl Given<'_> {
    /// The integer given for a parameter, if one was.
    fn given_integer(&self, parameter: &Parameter) -> Option<u64> {
        match given::find(self.parameters, parameter) {
            Some(Value::Integer(value)) => Some(*value),
            _ => None,
        }
    }

    /// The integer given for a parameter, or its default.
    fn integer(&self, parameter: &Parameter) -> u64 {
        given::integer(self.parameters, parameter)
    }

    /// The number given for a parameter, or its default.
    fn number(&self, parameter: &Parameter) -> f64 {
        given::number(self.parameters, parameter)
    }
}

/// Makes an admission.
pub type Build = fn(&Given<'_>) -> Result<Box<dyn Admission>>;

/// All admissions, each with the function that builds it.
pub const TABLE: &[(&Contender, Build)] = &[
    (&size::CONTENDER, size::build),
    (&second_hit::CONTENDER, second_hit::build),
    (&tiny_lfu::CONTENDER, tiny_lfu::build),
];

/// The admission of this name, in front of a cache of these settings.
///
/// # Errors
/// If there is no such admission, or parameters that it cannot have.
pub fn build(
    name: &str,
    parameters: &[(String, Value)],
    settings: &Settings,
    trace: &Trace,
) -> Result<Box<dyn Admission>> {
    let Some((contender, build)) = TABLE.iter().find(|(contender, _)| contender.name == name) else {
        let known = TABLE.iter().map(|(contender, _)| contender.name).collect::<Vec<_>>().join(", ");
        return Err(Error::UnknownName { thing: "admission", name: name.to_string(), known });
    };
    given::check(contender, parameters)?;
    build(&Given { contender, parameters, trace, objects: objects(settings, trace), seed: settings.seed })
}

/// See [`Given::objects`]: at least 1 and at most the distinct keys.
#[allow(clippy::cast_possible_truncation)]
fn objects(settings: &Settings, trace: &Trace) -> usize {
    let distinct = trace.distinct().max(1) as u128;
    let capacity = u128::from(settings.capacity);
    let objects = match settings.measure {
        Measure::Objects => capacity,
        Measure::Bytes => capacity * distinct / u128::from(trace.footprint_bytes().max(1)),
    };
    objects.clamp(1, distinct) as usize
}
