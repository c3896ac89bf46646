//! What is counted of a run with writes; all of it exact.

use crate::writes::latency::Waits;

/// Why objects were flushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// To make room; the request waits.
    Eviction,
    /// As a read found it too old to be trusted; the request waits.
    Expiry,
    /// As there were more dirty objects than the limit; the request waits.
    Limit,
    /// As it was time; nobody waits.
    Interval,
    /// At the end of the run; nobody waits.
    End,
}

/// Acknowledged writes that crashes would lose, over the instants of crashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Losses {
    /// Instants: each after a request.
    pub instants: u64,
    /// The sum over them of acknowledged writes that were in the cache alone.
    pub writes: u128,
    /// The fewest.
    pub fewest: u64,
    /// The most.
    pub most: u64,
    /// The sum over them of objects that would fall back to an older version.
    pub objects: u128,
}

impl Losses {
    /// One more instant.
    #[inline]
    pub fn add(&mut self, writes: u64, objects: u64) {
        self.fewest = if self.instants == 0 { writes } else { self.fewest.min(writes) };
        self.most = self.most.max(writes);
        self.instants += 1;
        self.writes += u128::from(writes);
        self.objects += u128::from(objects);
    }
}

/// What is counted.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    /// Requests of the cache's own clients.
    pub requests: u64,
    /// Those whose object was there, and to be trusted where it was read.
    pub hits: u64,
    /// Requests that read.
    pub reads: u64,
    /// Those of them that were hits.
    pub read_hits: u64,
    /// Those whose value had not been read from the origin.
    pub hits_unread: u64,
    /// Requests that write.
    pub writes: u64,
    /// Requests that delete.
    pub deletes: u64,
    /// The sizes of all requests.
    pub bytes: u64,
    /// The sizes of the hits.
    pub bytes_hit: u64,
    /// The sizes of what was written.
    pub bytes_written: u64,
    /// Objects that went to make room.
    pub evictions: u64,
    /// Reads of the origin.
    pub origin_reads: u64,
    /// Writes and deletions that reached the origin: those that requests waited for, and flushes.
    pub origin_writes: u64,
    /// The sizes of what the origin was read for.
    pub bytes_from_origin: u64,
    /// The sizes of what the origin was sent.
    pub bytes_to_origin: u64,
    /// Writes and deletions that went to the origin at once.
    pub written_through: u64,
    /// Flushes by [`Cause`].
    pub flushes: [u64; 5],
    /// Acknowledged writes that were replaced in the cache by a later one before they were flushed.
    pub coalesced: u64,
    /// Acknowledged writes that were dropped, as others had written something newer.
    pub superseded: u64,
    /// Flushes that wrote an older version over what others had written.
    pub lost_updates: u64,
    /// Most dirty objects at a time.
    pub dirty_most: u64,
    /// Dirty objects that were left at the end.
    pub dirty_left: u64,
    /// Reads that were answered with an older version than the newest acknowledged one.
    pub stale_reads: u64,
    /// Writes of others.
    pub foreign_writes: u64,
    /// Objects that were dropped as a message said that they had changed.
    pub invalidations: u64,
    /// Messages that were lost.
    pub messages_lost: u64,
    /// Objects that a read found too old to be trusted.
    pub expirations: u64,
    /// Questions for a version.
    pub version_checks: u64,
    /// What crashes would lose.
    pub losses: Losses,
    /// What reads waited for.
    pub read_waits: Waits,
    /// What writes and deletions waited for.
    pub write_waits: Waits,
}

impl Counts {
    /// All flushes.
    #[must_use]
    pub fn all_flushes(&self) -> u64 {
        self.flushes.iter().sum()
    }
}
