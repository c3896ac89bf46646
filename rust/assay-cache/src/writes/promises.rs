//! What every run must keep: the promises of its scheme and coherence, and sums that are counted twice.
//!
//! Cost: the sums are recounted over all objects at the end, and at requests 1, 2, 4, 8 ... before it.

use crate::writes::coherence::Coherence;
use crate::writes::front::Front;
use assay_core::error::{Error, Result};

/// What a write scheme promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promises {
    /// No acknowledged write is ever in the cache alone.
    pub saves_at_once: bool,
    /// No hit is served with a value that was not read from the origin.
    pub serves_only_what_it_read: bool,
    /// After the run the origin has every acknowledged write, but for those over which others wrote.
    pub saves_at_end: bool,
}

/// The first thing that does not hold, as an error.
fn first_broken(scheme: &str, rules: &[(bool, &str)]) -> Result<()> {
    match rules.iter().find(|(holds, _)| !holds) {
        None => Ok(()),
        Some((_, rule)) => Err(broken(scheme, rule)),
    }
}

fn broken(scheme: &str, rule: &str) -> Error {
    Error::Broken(format!(
        "{scheme}: \"{rule}\" does not hold, so that this run counts for nothing; it is a mistake of assay's or of the \
         policy's: please report it"
    ))
}

/// What is summed on the way, counted again over all objects.
///
/// # Errors
/// If both differ, or the policy and the versions contradict each other.
pub fn recount(scheme: &str, front: &Front) -> Result<()> {
    if let Some(fault) = front.fault() {
        return Err(broken(scheme, fault));
    }
    let (mut unsaved, mut of_objects, mut dirty) = (0, 0, 0);
    for (id, object) in (0_u32..).zip(front.objects.each()) {
        unsaved += u64::from(object.unsaved);
        of_objects += u64::from(object.unsaved > 0);
        dirty += u64::from(object.dirty);
        let in_order = object.origin <= object.newest && (!object.resident || object.cached <= object.newest);
        let alone =
            object.unsaved == 0 || (object.dirty && object.cached == object.newest && object.origin < object.newest);
        let held = object.resident == front.holds(id) && (object.resident || !object.dirty);
        let clean = object.dirty || !object.resident || object.cached <= object.origin;
        if !(in_order && alone && held && clean) {
            return Err(broken(scheme, &format!("object {id} is where its versions say: {object:?}")));
        }
    }
    let objects = &front.objects;
    first_broken(
        scheme,
        &[
            (unsaved == objects.unsaved, "unsaved writes are as many as their sum"),
            (of_objects == objects.unsaved_objects, "objects with unsaved writes are as many as their sum"),
            (dirty == objects.dirty_count, "dirty objects are as many as their sum"),
        ],
    )
}

/// Everything that a run must keep, once it has ended.
///
/// # Errors
/// If something does not hold.
pub fn check(scheme: &str, promises: Promises, coherence: Coherence, front: &Front) -> Result<()> {
    recount(scheme, front)?;
    let counts = &front.counts;
    let settled = counts.written_through + counts.all_flushes() + counts.coalesced + counts.superseded;
    let at_once = coherence == Coherence::VersionCheck || coherence == Coherence::Invalidation { delay: 0, loss: 0.0 };
    let alone = counts.foreign_writes == 0;
    let caught_up = front.objects.each().iter().all(|object| object.origin == object.newest);
    let ttl = match coherence {
        Coherence::Ttl { duration } => front.oldest_hit < duration,
        _ => true,
    };
    let nothing_kept = counts.losses.most == 0 && counts.all_flushes() == 0 && counts.coalesced == 0;
    first_broken(
        scheme,
        &[
            (
                counts.requests == counts.reads + counts.writes + counts.deletes,
                "requests are reads, writes or deletions",
            ),
            (counts.hits <= counts.requests && counts.read_hits <= counts.reads, "hits are requests"),
            (counts.reads - counts.read_hits == counts.origin_reads, "reads that miss read the origin"),
            (
                counts.writes + counts.deletes == settled + counts.dirty_left,
                "writes are written through, flushed, coalesced, superseded or left dirty",
            ),
            (
                counts.origin_writes == counts.written_through + counts.all_flushes(),
                "the origin gets what is sent to it",
            ),
            (!promises.saves_at_once || nothing_kept, "no acknowledged write is ever in the cache alone"),
            (!promises.serves_only_what_it_read || counts.hits_unread == 0, "what was not read is never served"),
            (!promises.saves_at_end || counts.dirty_left == 0, "nothing is dirty after the last flush"),
            (
                !(promises.saves_at_end && alone) || caught_up,
                "after the last flush the origin has every newest version",
            ),
            (!alone || counts.stale_reads == 0, "a cache that writes alone reads its own writes"),
            (!alone || counts.lost_updates + counts.superseded == 0, "who writes alone is overwritten by nobody"),
            (!at_once || counts.stale_reads == 0, "what is told or asked at once is never stale"),
            (!at_once || counts.lost_updates == 0, "what is told or asked at once is not written over"),
            (ttl, "no value is served that has expired"),
        ],
    )
}
