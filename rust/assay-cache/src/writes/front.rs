//! A cache in front of its origin: the steps that write schemes are made of.
//!
//! Every step keeps three things together: what the policy holds, which versions are where, and what was counted. A
//! step that finds them apart records a fault, which voids the run: a policy that says that it has what it was never
//! given, for example. Cost: one call of the policy, and one line of memory for the object's versions.

use std::collections::VecDeque;

use crate::split_mix::SplitMix64;
use crate::writes::coherence::Coherence;
use crate::writes::counts::{Cause, Counts};
use crate::writes::latency::Wait;
use crate::writes::objects::Objects;
use crate::{Cache, Request};

/// A message that an object has changed, on its way.
#[derive(Debug)]
struct Message {
    due: u64,
    id: u32,
    version: u32,
}

/// Where a stored version came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// It was read from the origin.
    Read,
    /// A client wrote it.
    Write,
}

/// A cache of some policy, its origin, and what is between them.
pub struct Front {
    cache: Box<dyn Cache>,
    coherence: Coherence,
    messages: VecDeque<Message>,
    losses: SplitMix64,
    gone: Vec<u32>,
    now: u64,
    wait: Wait,
    fault: Option<String>,
    /// How long before it was read the oldest value was stored that a hit was answered with.
    pub oldest_hit: u64,
    /// All objects.
    pub objects: Objects,
    /// What was counted.
    pub counts: Counts,
}

impl Front {
    /// Before the first request.
    #[must_use]
    pub fn new(cache: Box<dyn Cache>, distinct: usize, coherence: Coherence, seed: u64) -> Self {
        Self {
            cache,
            coherence,
            messages: VecDeque::new(),
            losses: SplitMix64::stream(seed, 2),
            gone: Vec::new(),
            now: 0,
            wait: Wait::default(),
            fault: None,
            oldest_hit: 0,
            objects: Objects::new(distinct),
            counts: Counts::default(),
        }
    }

    /// What contradicted itself first, if anything did.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.fault.as_deref()
    }

    /// Whether the policy holds the object.
    #[must_use]
    pub fn holds(&self, id: u32) -> bool {
        self.cache.contains(id)
    }

    /// It is so late now; messages that are due arrive.
    pub fn advance(&mut self, now: u64) {
        self.now = now;
        while self.messages.front().is_some_and(|message| message.due <= now) {
            if let Some(message) = self.messages.pop_front() {
                self.invalidate(message.id, message.version);
            }
        }
    }

    /// What the request that ends now waited for; the next one has waited for nothing.
    pub fn end_request(&mut self) -> Wait {
        std::mem::take(&mut self.wait)
    }

    /// A client reads: from the cache what it has and may trust, else from the origin, which leaves it in the cache.
    pub fn read(&mut self, request: Request) {
        let id = request.id;
        if self.objects.get(id).resident {
            self.drop_untrusted(id);
        }
        let hit = self.touch(request);
        if hit {
            self.counts.read_hits += 1;
            let object = self.objects.get(id);
            self.counts.hits_unread += u64::from(!object.by_read);
            self.counts.stale_reads += u64::from(object.cached < object.newest);
            self.oldest_hit = self.oldest_hit.max(self.now - object.stored_at);
            return;
        }
        self.wait.read = true;
        self.counts.origin_reads += 1;
        let object = *self.objects.get(id);
        self.counts.stale_reads += u64::from(object.origin < object.newest);
        if !object.absent {
            self.counts.bytes_from_origin += request.size;
            if self.insert(request) {
                self.store(id, object.origin, Source::Read);
            }
        }
    }

    /// Whether the object is in the cache; the policy takes note of the request, for which others may go.
    pub fn touch(&mut self, request: Request) -> bool {
        let hit = self.cache.hit(request, &mut self.gone);
        self.evict_gone();
        self.found(request, hit);
        hit
    }

    /// Whether the object is in the cache, without the policy's notice.
    pub fn look(&mut self, request: Request) -> bool {
        let hit = self.cache.contains(request.id);
        self.found(request, hit);
        hit
    }

    fn found(&mut self, request: Request, hit: bool) {
        if hit {
            self.counts.hits += 1;
            self.counts.bytes_hit += request.size;
        }
        if self.objects.get(request.id).resident != hit {
            if hit {
                self.fail(format!("the policy has object {}, which was never put in or has gone", request.id));
            } else {
                self.leave(request.id, Cause::Expiry); // what stands in front of the policy let it go without a word
            }
        }
    }

    /// Makes room for an object that is not there and puts it in; false where it stays outside.
    pub fn insert(&mut self, request: Request) -> bool {
        let taken = self.cache.insert(request, &mut self.gone);
        self.evict_gone();
        taken
    }

    /// The objects that the policy told of have gone to make room.
    #[inline]
    fn evict_gone(&mut self) {
        if self.gone.is_empty() {
            return;
        }
        let mut gone = std::mem::take(&mut self.gone);
        self.counts.evictions += gone.len() as u64;
        for id in gone.drain(..) {
            self.leave(id, Cause::Eviction);
        }
        self.gone = gone;
    }

    /// The cache's version of an object that is there.
    pub fn store(&mut self, id: u32, version: u32, source: Source) {
        let now = self.now;
        let object = self.objects.get_mut(id);
        object.resident = true;
        object.cached = version;
        object.stored_at = now;
        object.by_read = source == Source::Read;
    }

    /// The newest version goes to the origin, and the request waits for it.
    pub fn write_origin(&mut self, request: Request) {
        self.counts.bytes_to_origin += request.size;
        self.through(request.id, false);
    }

    fn through(&mut self, id: u32, absent: bool) {
        self.wait.write = true;
        self.counts.origin_writes += 1;
        self.counts.written_through += 1;
        self.objects.written_to_origin(id, absent);
    }

    /// The newest version stays in the cache alone until it is flushed; the object is there.
    pub fn write_cache(&mut self, request: Request) {
        let version = self.objects.get(request.id).newest;
        self.store(request.id, version, Source::Write);
        self.objects.get_mut(request.id).size = request.size;
        self.counts.coalesced += u64::from(!self.objects.soil(request.id));
        self.counts.dirty_most = self.counts.dirty_most.max(self.objects.dirty_count);
    }

    /// A client deletes: at the origin at once, whatever the scheme; what the cache has is dropped.
    pub fn delete(&mut self, request: Request) {
        let id = request.id;
        if self.look(request) {
            self.counts.coalesced += u64::from(self.objects.get(id).dirty);
            self.forget(id);
        }
        self.through(id, true);
    }

    /// Somebody else writes the object, or deletes it.
    pub fn foreign_write(&mut self, id: u32, absent: bool) {
        self.counts.foreign_writes += 1;
        let version = self.objects.acknowledge(id);
        self.objects.written_to_origin(id, absent);
        if let Coherence::Invalidation { delay, loss } = self.coherence {
            if self.losses.happens(loss) {
                self.counts.messages_lost += 1;
            } else if delay == 0 {
                self.invalidate(id, version);
            } else {
                self.messages.push_back(Message { due: self.now.saturating_add(delay), id, version });
            }
        }
    }

    /// A message says that others wrote this version: what is older goes, what is as new or newer stays.
    fn invalidate(&mut self, id: u32, version: u32) {
        let object = *self.objects.get(id);
        if object.resident && object.cached < version {
            self.counts.invalidations += 1;
            self.supersede(id);
        }
    }

    /// Drops an object that others have written since.
    fn supersede(&mut self, id: u32) {
        self.counts.superseded += u64::from(self.objects.get(id).dirty);
        self.forget(id);
    }

    /// A read must not be answered with what is too old, or not the origin's version where that was asked for.
    fn drop_untrusted(&mut self, id: u32) {
        let object = *self.objects.get(id);
        match self.coherence {
            Coherence::Ttl { duration } if self.now - object.stored_at >= duration => {
                self.counts.expirations += 1;
                self.take_out(id);
                self.leave(id, Cause::Expiry);
            }
            Coherence::VersionCheck => {
                self.counts.version_checks += 1;
                self.wait.check = true;
                if object.origin > object.cached {
                    self.supersede(id);
                }
            }
            _ => {}
        }
    }

    /// Takes an object out of the cache; what was dirty of it is not written.
    pub fn forget(&mut self, id: u32) {
        self.take_out(id);
        self.objects.clean(id);
        self.objects.get_mut(id).resident = false;
    }

    fn take_out(&mut self, id: u32) {
        if !self.cache.remove(id) {
            self.fail(format!("the policy could not take out object {id}, which was put in and has not gone"));
        }
    }

    /// An object has gone from the policy: what is dirty of it is flushed.
    fn leave(&mut self, id: u32, cause: Cause) {
        if self.objects.get(id).dirty {
            self.flush(id, cause);
        }
        self.objects.get_mut(id).resident = false;
    }

    /// Writes a dirty object to the origin. Whoever asks for versions does not write over a newer one; others do.
    pub fn flush(&mut self, id: u32, cause: Cause) {
        let object = *self.objects.get(id);
        self.objects.clean(id);
        self.wait.flushes += u32::from(!matches!(cause, Cause::Interval | Cause::End));
        if object.origin > object.cached {
            if self.coherence == Coherence::VersionCheck {
                self.counts.version_checks += 1;
                self.counts.superseded += 1;
                return;
            }
            self.counts.lost_updates += 1;
        }
        self.counts.flushes[cause as usize] += 1;
        self.counts.origin_writes += 1;
        self.counts.bytes_to_origin += object.size;
        let object = self.objects.get_mut(id);
        object.origin = object.cached;
        object.absent = false;
    }

    /// Flushes dirty objects, the longest dirty one first, until so many are left.
    pub fn flush_until(&mut self, left: u64, cause: Cause) {
        while self.objects.dirty_count > left {
            let Some(id) = self.objects.longest_dirty() else { break };
            self.flush(id, cause);
        }
    }

    /// Records what contradicts itself.
    pub fn fail(&mut self, message: String) {
        self.fault.get_or_insert(message);
    }
}
