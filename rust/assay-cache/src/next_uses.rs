//! When each object of a trace is asked for again: what offline policies know and others guess.
//!
//! One pass from the end to the beginning with the request that came last for each key. Cost: O(n), 4 bytes a
//! request, kept with the trace for all simulations of it, and 4 bytes a key while it is made.

use crate::Trace;
use assay_core::error::{Error, Result};

/// Never again.
pub const NEVER: u32 = u32::MAX;

/// For each request the number of the next one for the same key, or [`NEVER`]. Keys are below `distinct`.
#[must_use]
#[allow(clippy::cast_possible_truncation)]
pub fn next_uses(ids: &[u32], distinct: usize) -> Vec<u32> {
    let mut next = assay_core::memory::zeros(ids.len());
    let mut seen = vec![NEVER; distinct];
    for (place, (&id, slot)) in ids.iter().zip(&mut next).enumerate().rev() {
        *slot = std::mem::replace(&mut seen[id as usize], place as u32);
    }
    next
}

/// Refuses a trace whose requests a policy cannot number in 32 bits.
pub(super) fn check_length(policy: &str, trace: &Trace) -> Result<()> {
    if trace.len() < NEVER as usize {
        return Ok(());
    }
    Err(Error::Data(format!(
        "{policy}: the trace has {} requests; expected at most {}, as this policy numbers them in 32 bits: simulate a \
         part of the trace",
        trace.len(),
        NEVER - 1
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_knows_the_next_one_for_its_key() {
        assert_eq!(next_uses(&[0, 1, 0, 0, 2, 1], 3), [2, 5, 3, NEVER, NEVER, NEVER]);
        assert_eq!(next_uses(&[], 0), [0; 0]);
    }
}
