//! The room of caches: which objects stay where not all have room.
//!
//! A policy decides which object goes when another needs room. It sees requests in the order of a [`Trace`],
//! whose keys are dense numbers, so that all that it knows of an object lies in flat arrays: no hash table is
//! asked within the loop. Two ways lead to a policy. [`Cache::run`] counts the hits of many requests in a loop
//! compiled for this policy; [`Cache::hit`] and [`Cache::insert`] take it apart for what stands in front of a cache:
//! admission, expiry, write schemes.
//!
//! What all policies share: a request for an object that is not there is a miss and inserts it; an object keeps the
//! size with which it was inserted until it leaves; one that is larger than the cache is a miss and is not inserted;
//! room is made before the object is put in.

pub mod admission;
pub mod arc;
pub mod belady_size;
pub mod clock;
pub mod curve;
pub mod fifo;
pub mod gdsf;
pub mod guarded;
pub mod hyperbolic;
pub mod ladder;
pub mod lfu;
pub mod lfu_da;
pub mod lhd;
pub mod lifo;
pub mod line;
pub mod lined;
pub mod links;
pub mod lirs;
pub mod lru;
pub mod lru_k;
pub mod mru;
pub mod next_uses;
pub mod numbering;
pub mod opt;
pub mod pfoo_l;
pub mod positions;
pub mod queues;
pub mod random;
pub mod room;
pub mod runs;
pub mod s3_fifo;
pub mod segments;
pub mod settings;
pub mod sieve;
pub mod sizes;
pub mod sketch;
pub mod slru;
pub mod split_mix;
pub mod trace;
pub mod two_q;
pub mod w_tinylfu;
pub mod writes;

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use assay_core::catalogue::Contender;
use assay_core::error::{Error, Result};
use assay_core::threads;

pub use settings::{Guard, Measure, Settings, Ttl, share_of};
pub use trace::Trace;

/// Every contender of caches: policies, admission, write schemes, coherence.
pub fn contenders() -> impl Iterator<Item = &'static Contender> {
    let policies = TABLE.iter().map(|(contender, _)| *contender);
    let admissions = admission::TABLE.iter().map(|(contender, _)| *contender);
    let schemes = writes::TABLE.iter().map(|(contender, _)| *contender);
    let coherence = writes::coherence::TABLE.iter().map(|(contender, _)| *contender);
    policies.chain(admissions).chain(schemes).chain(coherence)
}

/// Makes a cache of a policy.
pub type Build = fn(&Settings, &Trace) -> Result<Box<dyn Cache>>;

/// All policies, each with the function that builds its cache.
pub const TABLE: &[(&Contender, Build)] = &[
    (&fifo::CONTENDER, fifo::build),
    (&lifo::CONTENDER, lifo::build),
    (&lru::CONTENDER, lru::build),
    (&mru::CONTENDER, mru::build),
    (&lfu::CONTENDER, lfu::build),
    (&random::CONTENDER, random::build),
    (&opt::CONTENDER, opt::build),
    (&belady_size::CONTENDER, belady_size::build),
    (&pfoo_l::CONTENDER, pfoo_l::build),
    (&clock::CONTENDER, clock::build),
    (&sieve::CONTENDER, sieve::build),
    (&lfu_da::CONTENDER, lfu_da::build),
    (&lru_k::CONTENDER, lru_k::build),
    (&gdsf::CONTENDER, gdsf::build),
    (&hyperbolic::CONTENDER, hyperbolic::build),
    (&lhd::CONTENDER, lhd::build),
    (&slru::CONTENDER, slru::build),
    (&two_q::CONTENDER, two_q::build),
    (&arc::CONTENDER, arc::build),
    (&lirs::CONTENDER, lirs::build),
    (&s3_fifo::CONTENDER, s3_fifo::build),
    (&w_tinylfu::CONTENDER, w_tinylfu::build),
];

/// Requests that a run takes at a time, so that several runs over one trace find it in the processor's cache and
/// tell how far they are.
pub const BATCH: usize = 1 << 16;

/// One request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// The number of its key.
    pub id: u32,
    /// The size of its object in bytes; 1 where objects are counted.
    pub size: u64,
    /// Its own number within the trace.
    pub at: u64,
}

/// Requests in a row.
#[derive(Debug, Clone, Copy)]
pub struct Requests<'a> {
    /// The keys' numbers.
    pub ids: &'a [u32],
    /// The objects' sizes, as many, if the trace has them.
    pub sizes: Option<&'a [u64]>,
    /// The number of the first request within the trace.
    pub first: u64,
}

impl Requests<'_> {
    /// The request at this place.
    #[inline]
    #[must_use]
    pub fn get(&self, place: usize) -> Request {
        let size = self.sizes.map_or(1, |sizes| sizes[place]);
        Request { id: self.ids[place], size, at: self.first + place as u64 }
    }
}

/// What came of some requests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests.
    pub requests: u64,
    /// Those whose object was there.
    pub hits: u64,
    /// The sizes of all requests; as many as requests where the trace has none.
    pub bytes: u64,
    /// The sizes of the hits.
    pub bytes_hit: u64,
    /// Objects that were put in.
    pub inserted: u64,
    /// Objects that went to make room.
    pub evictions: u64,
}

impl Tally {
    /// Adds what came of the requests after these.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.hits += other.hits;
        self.bytes += other.bytes;
        self.bytes_hit += other.bytes_hit;
        self.inserted += other.inserted;
        self.evictions += other.evictions;
    }

    /// Requests whose object was not there.
    #[must_use]
    pub fn misses(&self) -> u64 {
        self.requests - self.hits
    }
}

/// Who is told of objects that go to make room.
pub trait Gone {
    /// This object went.
    fn evicted(&mut self, id: u32);
}

/// Nobody: only how many went is counted.
#[derive(Debug, Default)]
pub struct Counted(pub u64);

impl Gone for Counted {
    #[inline]
    fn evicted(&mut self, _id: u32) {
        self.0 += 1;
    }
}

impl Gone for Vec<u32> {
    #[inline]
    fn evicted(&mut self, id: u32) {
        self.push(id);
    }
}

/// A policy: what a file of this room implements.
pub trait Policy: Send {
    /// Whether the object is there; if so, the policy takes note of the request, and tells `gone` of each object that
    /// went for it: where parts of a cache have bounds of their own, an object that rises can drive others out. If not,
    /// nothing but what an [`Policy::insert`] that follows at once needs may change.
    fn hit(&mut self, request: Request, gone: &mut impl Gone) -> bool;

    /// Puts the object of a miss in and tells `gone` of each that went for it; false where it stays outside, as it is
    /// larger than the cache or the policy does not want it.
    fn insert(&mut self, request: Request, gone: &mut impl Gone) -> bool;

    /// Takes an object out, as it expired or is no longer true: that is no eviction. False if it was not there.
    fn remove(&mut self, id: u32) -> bool;

    /// Whether the object is there; nothing takes note.
    fn contains(&self, id: u32) -> bool;

    /// What the objects that are there weigh: their number, or their bytes.
    fn used(&self) -> u64;

    /// The object that would go first if another needed room; None if there is none, or the policy cannot tell without
    /// changing what goes. What it finds may be set in order on the way, but not the order itself.
    fn victim(&mut self) -> Option<u32> {
        None
    }

    /// Asks for the memory that a request of this object will need.
    #[inline]
    fn prefetch(&self, _id: u32) {}

    /// Whether the size of a request matters: false where objects are counted, and sizes are then summed apart.
    const WEIGHS: bool;

    /// What comes of these requests. A policy may do it in a faster way that gives the same.
    fn run(&mut self, requests: Requests<'_>) -> Tally
    where
        Self: Sized,
    {
        run(self, requests)
    }
}

/// Requests for whose state memory is asked ahead of time.
const AHEAD: usize = 16;

/// The loop of every policy that has none of its own.
#[inline]
pub fn run<P: Policy>(policy: &mut P, requests: Requests<'_>) -> Tally {
    let (mut hits, mut bytes, mut bytes_hit, mut inserted, mut gone) = (0, 0, 0, 0, Counted::default());
    let ids = requests.ids;
    let sizes = requests.sizes;
    for (place, &id) in ids.iter().enumerate() {
        if let Some(&next) = ids.get(place + AHEAD) {
            policy.prefetch(next);
        }
        let size = sizes.map_or(1, |sizes| sizes[place]);
        let request = Request { id, size: if P::WEIGHS { size } else { 1 }, at: requests.first + place as u64 };
        bytes += size;
        if policy.hit(request, &mut gone) {
            hits += 1;
            bytes_hit += size;
        } else {
            inserted += u64::from(policy.insert(request, &mut gone));
        }
    }
    Tally { requests: ids.len() as u64, hits, bytes, bytes_hit, inserted, evictions: gone.0 }
}

/// Any policy's cache, when it is not known at compile time which.
pub trait Cache: Send {
    /// What comes of these requests, in a loop compiled for the policy.
    fn run(&mut self, requests: Requests<'_>) -> Tally;
    /// See [`Policy::hit`]; the objects that went are appended to `gone`.
    fn hit(&mut self, request: Request, gone: &mut Vec<u32>) -> bool;
    /// See [`Policy::insert`]; the objects that went are appended to `gone`.
    fn insert(&mut self, request: Request, gone: &mut Vec<u32>) -> bool;
    /// See [`Policy::remove`].
    fn remove(&mut self, id: u32) -> bool;
    /// See [`Policy::contains`].
    fn contains(&self, id: u32) -> bool;
    /// See [`Policy::used`].
    fn used(&self) -> u64;
    /// See [`Policy::victim`].
    fn victim(&mut self) -> Option<u32> {
        None
    }
}

impl<P: Policy> Cache for P {
    fn run(&mut self, requests: Requests<'_>) -> Tally {
        Policy::run(self, requests)
    }

    fn hit(&mut self, request: Request, gone: &mut Vec<u32>) -> bool {
        Policy::hit(self, request, gone)
    }

    fn insert(&mut self, request: Request, gone: &mut Vec<u32>) -> bool {
        Policy::insert(self, request, gone)
    }

    fn remove(&mut self, id: u32) -> bool {
        Policy::remove(self, id)
    }

    fn contains(&self, id: u32) -> bool {
        Policy::contains(self, id)
    }

    fn used(&self) -> u64 {
        Policy::used(self)
    }

    fn victim(&mut self) -> Option<u32> {
        Policy::victim(self)
    }
}

/// The cache of the policy of this name.
///
/// # Errors
/// If there is no such policy, or settings that it cannot have.
pub fn build(policy: &str, settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    let Some((contender, build)) = TABLE.iter().find(|(contender, _)| contender.name == policy) else {
        let known = TABLE.iter().map(|(contender, _)| contender.name).collect::<Vec<_>>().join(", ");
        return Err(Error::UnknownName { thing: "policy", name: policy.to_string(), known });
    };
    settings.check(contender, trace)?;
    guarded::guard(build(settings, trace)?, settings, trace)
}

/// One simulation: a policy with its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Task {
    /// The policy's name.
    pub policy: String,
    /// What its cache is built from.
    pub settings: Settings,
}

/// How far a sweep is; another thread may read it and call it off.
#[derive(Debug, Default)]
pub struct Progress {
    /// Requests taken so far, over all tasks.
    pub done: AtomicU64,
    /// Any other number than 0: stop.
    pub stopped: AtomicU64,
}

impl Progress {
    /// Whether whoever simulates is to end.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) != 0
    }

    /// So many more requests were taken.
    pub fn add(&self, requests: usize) {
        self.done.fetch_add(requests as u64, Ordering::Relaxed);
    }
}

/// What comes of each task, window by window of so many requests (one window: the whole trace): tasks are taken from
/// a queue by the threads, and each result is the same for any number of them. Called off, tasks have the windows that
/// were ended before, and those that had not begun have none.
///
/// # Errors
/// If a task cannot be built; the first one that cannot.
pub fn sweep(
    trace: &Trace,
    tasks: &[Task],
    window: Option<usize>,
    threads: usize,
    progress: &Progress,
) -> Result<Vec<Vec<Tally>>> {
    let mut slots: Vec<(usize, Result<Vec<Tally>>)> = (0..tasks.len()).map(|task| (task, Ok(Vec::new()))).collect();
    let next = AtomicU64::new(0);
    let finished: Vec<Vec<(usize, Result<Vec<Tally>>)>> = threads::workers(threads.min(tasks.len()), || {
        let mut mine = Vec::new();
        loop {
            #[allow(clippy::cast_possible_truncation)]
            let task = next.fetch_add(1, Ordering::Relaxed) as usize;
            if task >= tasks.len() || progress.is_stopped() {
                return mine;
            }
            mine.push((task, simulate(trace, &tasks[task], window, progress)));
        }
    });
    for (task, result) in finished.into_iter().flatten() {
        slots[task].1 = result;
    }
    slots.into_iter().map(|(_, result)| result).collect()
}

/// What comes of one task, window by window.
///
/// # Errors
/// If it cannot be built.
pub fn simulate(trace: &Trace, task: &Task, window: Option<usize>, progress: &Progress) -> Result<Vec<Tally>> {
    let mut cache = build(&task.policy, &task.settings, trace)?;
    let requests = trace.len();
    let window = window.unwrap_or(requests).max(1);
    let mut windows = Vec::with_capacity(requests.div_ceil(window));
    for start in (0..requests).step_by(window) {
        let mut sum = Tally::default();
        for part in batches(start..requests.min(start + window)) {
            if progress.is_stopped() {
                return Ok(windows);
            }
            sum.add(&cache.run(trace.requests(part.clone())));
            progress.add(part.len());
        }
        windows.push(sum);
    }
    Ok(windows)
}

/// The ranges of at most [`BATCH`] that `range` consists of.
pub(crate) fn batches(range: Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let end = range.end;
    range.step_by(BATCH).map(move |start| start..end.min(start + BATCH))
}

#[cfg(test)]
mod laws;
