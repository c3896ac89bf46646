//! Miss-ratio curves: the misses of a cache of every size, from one pass over a trace.
//!
//! LRU and OPT are *stack* policies: a larger cache holds all that a smaller one does, so that each request has a
//! distance, the least capacity that hits it, and the whole curve is the histogram of distances. [`reuse`] counts
//! objects for LRU and [`optimal`] for OPT, [`bytes`] bytes for LRU, and [`sample`] takes a share of the keys, of whose
//! distances, or of any policy's misses, an estimate for all of them is made.

pub mod bytes;
pub mod optimal;
pub mod reuse;
pub mod sample;

use std::collections::HashMap;

use crate::{Task, Trace, build};
use assay_core::error::Result;

/// What a policy misses of a trace: requests, their sizes, and the sum over keys of their squared misses, of which the
/// error of an estimate is made.
///
/// # Errors
/// If the policy's cache cannot be built.
pub fn missed_by_key(trace: &Trace, task: &Task) -> Result<(bytes::Missed, u64)> {
    let mut cache = build(&task.policy, &task.settings, trace)?;
    let mut by_key: HashMap<u32, u64> = HashMap::new();
    let (mut missed, mut gone) = (bytes::Missed::default(), Vec::new());
    let requests = trace.requests(0..trace.len());
    for place in 0..trace.len() {
        let request = requests.get(place);
        gone.clear();
        if !cache.hit(request, &mut gone) {
            missed.requests += 1;
            missed.bytes += request.size;
            *by_key.entry(request.id).or_default() += 1;
            cache.insert(request, &mut gone);
        }
    }
    Ok((missed, by_key.values().map(|misses| misses * misses).sum()))
}
