//! The room of coherence: how a cache learns that others changed the origin.
//!
//! Reads alone are concerned: a write replaces the value, however old it was.

pub mod invalidation;
pub mod none;
pub mod ttl;
pub mod version_check;

use crate::settings::Value;
use crate::writes::options::{Options, find};
use assay_core::catalogue::Contender;
use assay_core::error::Result;

/// How a cache learns of foreign writes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Coherence {
    /// Not at all.
    None,
    /// A value is trusted for so long after it was stored.
    Ttl {
        /// So long, by the clock of the trace.
        duration: u64,
    },
    /// A message for each foreign write drops what is older.
    Invalidation {
        /// How long a message is on its way.
        delay: u64,
        /// The probability that one never arrives.
        loss: f64,
    },
    /// Each hit asks the origin for its version.
    VersionCheck,
}

/// Makes one from its parameters.
type Build = fn(&Options<'_>) -> Coherence;

/// All of them.
pub const TABLE: &[(&Contender, Build)] = &[
    (&none::CONTENDER, none::build),
    (&ttl::CONTENDER, ttl::build),
    (&invalidation::CONTENDER, invalidation::build),
    (&version_check::CONTENDER, version_check::build),
];

/// The one of this name.
///
/// # Errors
/// If there is none, or no such parameter, or a value is out of its bounds.
pub fn build(name: &str, given: &[(String, Value)]) -> Result<Coherence> {
    let (contender, build) = find("coherence", TABLE, name)?;
    Ok(build(&Options::new(contender, given)?))
}
