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

use crate::{Progress, Task, Trace, batches, build};
use assay_core::error::Result;

/// What a policy misses of a trace: requests, their sizes, and the sum over keys of their squared misses, of which the
/// error of an estimate is made. Of its beginning, where it was called off.
///
/// # Errors
/// If the policy's cache cannot be built.
pub fn missed_by_key(trace: &Trace, task: &Task, progress: &Progress) -> Result<(bytes::Missed, u64)> {
    let mut cache = build(&task.policy, &task.settings, trace)?;
    let mut by_key = assay_core::memory::zeros::<u64>(trace.distinct());
    let (mut missed, mut gone) = (bytes::Missed::default(), Vec::new());
    let requests = trace.requests(0..trace.len());
    for batch in batches(0..trace.len()) {
        if progress.is_stopped() {
            break;
        }
        for place in batch.clone() {
            let request = requests.get(place);
            gone.clear();
            if !cache.hit(request, &mut gone) {
                missed.requests += 1;
                missed.bytes += request.size;
                by_key[request.id as usize] += 1;
                cache.insert(request, &mut gone);
            }
        }
        progress.add(batch.len());
    }
    Ok((missed, by_key.iter().map(|misses| misses * misses).sum()))
}
