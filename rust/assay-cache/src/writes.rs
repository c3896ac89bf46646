//! Write schemes: when a write reaches the origin, and what that costs, loses and makes stale.
//!
//! A cache of any policy stands in front of an origin. Its clients read, write and delete; others may write to the
//! origin too. Every acknowledged write gives its object a new version, so that it can be counted which versions a
//! crash would lose, and which reads were answered with an older one than the newest. Nothing takes time in the
//! simulation: latencies are laid on afterwards, from what each request waited for.
//!
//! Before each request, in this order: dirty objects are flushed if their interval has passed, messages that are due
//! arrive, others write. Cost: about two calls of the policy a request, 48 bytes a key beside the policy's.

pub mod coherence;
pub mod counts;
pub mod foreign;
pub mod front;
pub mod latency;
pub mod objects;
pub mod options;
pub mod promises;
pub mod write_around;
pub mod write_back;
pub mod write_through;

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::settings::Value;
use crate::split_mix::SplitMix64;
use crate::writes::coherence::Coherence;
use crate::writes::counts::Counts;
use crate::writes::foreign::{Foreign, Process};
use crate::writes::front::Front;
use crate::writes::options::{Options, find};
use crate::{Cache, Progress, Request, Task, Trace, batches, build};
use assay_core::catalogue::Contender;
use assay_core::error::{Error, Result};
use assay_core::threads;

pub use promises::Promises;

/// What a scheme decides.
pub trait Scheme: Send {
    /// A client writes; the version that is acknowledged is numbered already.
    fn write(&mut self, front: &mut Front, request: Request);

    /// It is so late now.
    fn advance(&mut self, _front: &mut Front, _now: u64) {}

    /// The last request was answered.
    fn end(&mut self, _front: &mut Front) {}

    /// What every run must keep.
    fn promises(&self) -> Promises;
}

/// Makes a scheme from its parameters.
type Build = fn(&Options<'_>) -> Box<dyn Scheme>;

/// All write schemes.
pub const TABLE: &[(&Contender, Build)] = &[
    (&write_through::CONTENDER, write_through::build),
    (&write_around::CONTENDER, write_around::build),
    (&write_back::CONTENDER, write_back::build),
];

/// What a row of the trace is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Operation {
    /// A client reads.
    Read = 0,
    /// A client writes the whole value.
    Write = 1,
    /// A client deletes.
    Delete = 2,
    /// Somebody else writes.
    ForeignWrite = 3,
    /// Somebody else deletes.
    ForeignDelete = 4,
    /// Somebody else reads, which changes nothing.
    ForeignRead = 5,
}

impl Operation {
    /// The operation of this code.
    #[must_use]
    pub fn of(code: u8) -> Option<Self> {
        let all = [Self::Read, Self::Write, Self::Delete, Self::ForeignWrite, Self::ForeignDelete, Self::ForeignRead];
        all.get(usize::from(code)).copied()
    }

    /// Whether a client of the cache asks.
    #[must_use]
    pub fn is_request(self) -> bool {
        matches!(self, Self::Read | Self::Write | Self::Delete)
    }
}

/// What the rows of a trace are, beside their keys and sizes.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// One operation a row.
    pub operations: &'a [Operation],
    /// One instant a row, never earlier than the one before; without them the clock counts rows.
    pub times: Option<&'a [i64]>,
}

impl Rows<'_> {
    fn check(&self, trace: &Trace) -> Result<()> {
        if self.operations.len() != trace.len() {
            return Err(Error::Data(format!(
                "there are {} operations for {} requests; expected as many",
                self.operations.len(),
                trace.len()
            )));
        }
        let Some(times) = self.times else { return Ok(()) };
        if times.len() != trace.len() {
            return Err(Error::Data(format!(
                "there are {} times for {} requests; expected as many",
                times.len(),
                trace.len()
            )));
        }
        match times.windows(2).position(|pair| pair[0] > pair[1]) {
            None => Ok(()),
            Some(row) => Err(Error::Data(format!(
                "time goes backwards: it is {} in row {row} and {} in row {}; sort the trace by its time",
                times[row],
                times[row + 1],
                row + 1
            ))),
        }
    }

    /// How long after the first row this one is.
    #[inline]
    fn clock(&self, row: usize) -> u64 {
        self.times.map_or(row as u64, |times| times[row].wrapping_sub(times[0]).cast_unsigned())
    }
}

/// All that a run is made of, beside the trace and the cache.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The write scheme's name.
    pub scheme: String,
    /// Its parameters, as they were given.
    pub parameters: Vec<(String, Value)>,
    /// How the cache learns of foreign writes.
    pub coherence: Coherence,
    /// How others write.
    pub foreign: Foreign,
    /// How many instants of crashes are drawn; None means every instant: after each request.
    pub crashes: Option<u64>,
    /// What everything that is drawn begins with.
    pub seed: u64,
}

/// What comes of the trace in this cache; of its beginning, with no promise checked, where it was called off.
///
/// # Errors
/// If the rows or the plan cannot be used so, or a promise is broken.
pub fn simulate(
    trace: &Trace,
    rows: Rows<'_>,
    cache: Box<dyn Cache>,
    plan: &Plan,
    progress: &Progress,
) -> Result<Counts> {
    let (contender, make) = find("write scheme", TABLE, &plan.scheme)?;
    let mut scheme = make(&Options::new(contender, &plan.parameters)?);
    rows.check(trace)?;
    plan.foreign.check(trace.len(), trace.len().checked_sub(1).map_or(0, |last| rows.clock(last)))?;
    let mut front = Front::new(cache, trace.distinct(), plan.coherence, plan.seed);
    let mut foreign = Process::new(plan.foreign, trace, plan.seed);
    let mut crashes = Crashes::new(plan, rows.operations);
    let requests = trace.requests(0..trace.len());
    let mut before = 0;
    for batch in batches(0..trace.len()) {
        if progress.is_stopped() {
            return Ok(front.counts);
        }
        for row in batch.clone() {
            let operation = rows.operations[row];
            let request = requests.get(row);
            let now = rows.clock(row);
            scheme.advance(&mut front, now);
            front.advance(now);
            if !operation.is_request() {
                if operation != Operation::ForeignRead {
                    front.foreign_write(request.id, operation == Operation::ForeignDelete);
                }
                continue;
            }
            if plan.foreign.rate > 0.0 {
                for _ in 0..foreign.count(now - before) {
                    front.foreign_write(foreign.key(), false);
                }
                before = now;
            }
            answer(&mut *scheme, &mut front, request, operation);
            if crashes.here() {
                front.counts.losses.add(front.objects.unsaved, front.objects.unsaved_objects);
            }
            if front.counts.requests.is_power_of_two() {
                promises::recount(&plan.scheme, &front)?;
            }
        }
        progress.add(batch.len());
    }
    scheme.end(&mut front);
    front.counts.dirty_left = front.objects.dirty_count;
    promises::check(&plan.scheme, scheme.promises(), plan.coherence, &front)?;
    Ok(front.counts)
}

/// What comes of the trace in each of these caches: they are taken from a queue by the threads, and each result is the
/// same for any number of them. Called off, it tells of those that had begun.
///
/// # Errors
/// The first that [`build`](crate::build) or [`simulate`] gives.
pub fn sweep(
    trace: &Trace,
    rows: Rows<'_>,
    tasks: &[Task],
    plan: &Plan,
    threads: usize,
    progress: &Progress,
) -> Result<Vec<Counts>> {
    let next = AtomicUsize::new(0);
    let finished = threads::workers(threads.min(tasks.len()), || {
        let mut mine = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = tasks.get(place).filter(|_| !progress.is_stopped()) else { return mine };
            let cache = build(&task.policy, &task.settings, trace);
            mine.push((place, cache.and_then(|cache| simulate(trace, rows, cache, plan, progress))));
        }
    });
    let mut finished: Vec<_> = finished.into_iter().flatten().collect();
    finished.sort_by_key(|(place, _)| *place);
    finished.into_iter().map(|(_, counts)| counts).collect()
}

/// One request of a client.
#[inline]
fn answer(scheme: &mut dyn Scheme, front: &mut Front, request: Request, operation: Operation) {
    front.counts.requests += 1;
    front.counts.bytes += request.size;
    match operation {
        Operation::Read => {
            front.counts.reads += 1;
            front.read(request);
            let wait = front.end_request();
            front.counts.read_waits.add(wait);
            return;
        }
        Operation::Write => {
            front.counts.writes += 1;
            front.counts.bytes_written += request.size;
            front.objects.acknowledge(request.id);
            scheme.write(front, request);
        }
        _ => {
            front.counts.deletes += 1;
            front.objects.acknowledge(request.id);
            front.delete(request);
        }
    }
    let wait = front.end_request();
    front.counts.write_waits.add(wait);
}

/// Instants of crashes: all of them, or so many drawn without replacement.
struct Crashes {
    random: SplitMix64,
    /// Instants to come.
    left: u64,
    /// Of those, how many are to be drawn; None means all.
    wanted: Option<u64>,
}

impl Crashes {
    fn new(plan: &Plan, operations: &[Operation]) -> Self {
        let left = operations.iter().filter(|operation| operation.is_request()).count() as u64;
        Self { random: SplitMix64::stream(plan.seed, 3), left, wanted: plan.crashes.filter(|&wanted| wanted < left) }
    }

    /// Whether the cache crashes after this request: Knuth's selection sampling, algorithm S (3.4.2).
    #[inline]
    fn here(&mut self) -> bool {
        let left = self.left;
        self.left -= 1;
        match &mut self.wanted {
            None => true,
            Some(0) => false,
            Some(wanted) => {
                let chosen = self.random.below(left) < *wanted;
                *wanted -= u64::from(chosen);
                chosen
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::writes::latency::Wait;
    use crate::{Gone, Policy, Settings};

    const READ: Operation = Operation::Read;
    const WRITE: Operation = Operation::Write;

    fn plan(scheme: &str) -> Plan {
        Plan {
            scheme: scheme.to_owned(),
            parameters: Vec::new(),
            coherence: Coherence::None,
            foreign: Foreign::NONE,
            crashes: None,
            seed: 0,
        }
    }

    fn lru(trace: &Trace, capacity: u64) -> Box<dyn Cache> {
        build("lru", &Settings::of_objects(capacity), trace).unwrap()
    }

    fn run(ids: &[u32], operations: &[Operation], capacity: u64, plan: &Plan) -> Result<Counts> {
        let trace = Trace::of_ids(ids.to_vec(), None)?;
        let cache = lru(&trace, capacity);
        simulate(&trace, Rows { operations, times: None }, cache, plan, &Progress::default())
    }

    #[test]
    fn a_case_by_hand_of_write_back() {
        // 0 is written twice (one is coalesced), 1 is written, 2 takes the place of 0, which is flushed; 1 at the end.
        let found = run(&[0, 0, 1, 2], &[WRITE, WRITE, WRITE, READ], 2, &plan("write_back")).unwrap();
        assert_eq!((found.coalesced, found.flushes), (1, [1, 0, 0, 0, 1]));
        assert_eq!((found.origin_reads, found.origin_writes), (1, 2));
        // After the four requests 1, 2, 3 and 1 acknowledged writes are in the cache alone, of 1, 1, 2 and 1 objects.
        let losses = found.losses;
        assert_eq!((losses.instants, losses.writes, losses.objects), (4, 7, 5));
        assert_eq!((losses.fewest, losses.most), (1, 3));
        let wait = Wait { flushes: 1, read: true, ..Wait::default() };
        assert_eq!(found.read_waits.each().collect::<Vec<_>>(), [(wait, 1)]);
    }

    #[test]
    fn a_run_tells_how_far_it_is_and_ends_where_it_is_called_off() {
        let (trace, progress) = (Trace::of_ids(vec![0, 1, 0], None).unwrap(), Progress::default());
        let task = Task { policy: "lru".to_owned(), settings: Settings::of_objects(1) };
        let rows = Rows { operations: &[WRITE, WRITE, READ], times: None };
        let run = || sweep(&trace, rows, std::slice::from_ref(&task), &plan("write_back"), 1, &progress).unwrap();
        assert_eq!((run()[0].requests, progress.done.load(Ordering::Relaxed)), (3, 3));
        progress.stopped.store(1, Ordering::Relaxed);
        assert!(run().is_empty());
        let counts = simulate(&trace, rows, lru(&trace, 1), &plan("write_back"), &progress).unwrap();
        assert_eq!((counts.requests, progress.done.load(Ordering::Relaxed)), (0, 3));
    }

    #[test]
    fn rows_that_do_not_fit_the_trace_and_time_that_goes_backwards_are_refused() {
        let trace = Trace::of_ids(vec![0, 1], None).unwrap();
        for (operations, times) in [(&[READ][..], None), (&[READ; 2][..], Some(&[1][..])), (&[READ; 2], Some(&[2, 1]))]
        {
            let rows = Rows { operations, times };
            let found = simulate(&trace, rows, lru(&trace, 1), &plan("write_back"), &Progress::default());
            assert!(matches!(found, Err(Error::Data(_))), "{found:?}");
        }
    }

    #[test]
    fn a_rate_that_would_take_for_ever_is_refused() {
        for rate in [-1.0, f64::NAN, f64::INFINITY, 1e9] {
            let foreign = Foreign { rate, ..Foreign::NONE };
            let found = run(&[0], &[READ], 1, &Plan { foreign, ..plan("write_back") });
            assert!(matches!(found, Err(Error::Parameter(_))), "{rate}: {found:?}");
        }
    }

    /// What a policy gets wrong.
    #[derive(Debug, Clone, Copy)]
    enum Lie {
        /// It says that it has everything.
        HasAll,
        /// It keeps what it was told to take out.
        Keeps,
        /// It lets everything go without a word whenever something is put in.
        Forgets,
    }

    /// A policy without bounds that lies.
    struct Liar(Lie, std::collections::HashSet<u32>);

    impl Policy for Liar {
        const WEIGHS: bool = false;
        fn hit(&mut self, request: Request, _gone: &mut impl Gone) -> bool {
            Policy::contains(self, request.id)
        }
        fn insert(&mut self, request: Request, _gone: &mut impl Gone) -> bool {
            if matches!(self.0, Lie::Forgets) {
                self.1.clear();
            }
            self.1.insert(request.id)
        }
        fn remove(&mut self, id: u32) -> bool {
            if matches!(self.0, Lie::Keeps) { self.1.contains(&id) } else { self.1.remove(&id) }
        }
        fn contains(&self, id: u32) -> bool {
            matches!(self.0, Lie::HasAll) || self.1.contains(&id)
        }
        fn used(&self) -> u64 {
            self.1.len() as u64
        }
    }

    #[test]
    fn a_policy_that_lies_voids_the_run() {
        let trace = Trace::of_ids(vec![0, 0, 1, 1, 0, 0], None).unwrap();
        let operations = &[WRITE, READ, WRITE, READ, WRITE, READ];
        for (lie, scheme) in [
            (Lie::HasAll, "write_around"),
            (Lie::HasAll, "write_back"),
            (Lie::Keeps, "write_around"),
            (Lie::Forgets, "write_through"),
            (Lie::Forgets, "write_back"),
        ] {
            let liar = Box::new(Liar(lie, std::collections::HashSet::new()));
            let rows = Rows { operations, times: None };
            let found = simulate(&trace, rows, liar, &plan(scheme), &Progress::default());
            assert!(matches!(found, Err(Error::Broken(_))), "{lie:?} under {scheme}: {found:?}");
        }
    }

    /// A scheme that keeps what it should write, under promises that it does not keep.
    struct Breaks(Promises);

    impl Scheme for Breaks {
        fn write(&mut self, front: &mut Front, request: Request) {
            if front.touch(request) || front.insert(request) {
                front.write_cache(request);
            }
        }
        fn promises(&self) -> Promises {
            self.0
        }
    }

    #[test]
    fn each_promise_is_asserted() {
        let kept = Promises { saves_at_once: false, serves_only_what_it_read: false, saves_at_end: false };
        let trace = Trace::of_ids(vec![0, 0], None).unwrap();
        for (promises, holds) in [
            (kept, true),
            (Promises { saves_at_once: true, ..kept }, false),
            (Promises { serves_only_what_it_read: true, ..kept }, false),
            (Promises { saves_at_end: true, ..kept }, false),
        ] {
            let mut front = Front::new(lru(&trace, 1), 1, Coherence::None, 0);
            let mut scheme = Breaks(promises);
            for (operation, at) in [(WRITE, 0), (READ, 1)] {
                answer(&mut scheme, &mut front, Request { id: 0, size: 1, at }, operation);
                front.counts.losses.add(front.objects.unsaved, front.objects.unsaved_objects);
            }
            front.counts.dirty_left = front.objects.dirty_count;
            let found = promises::check("breaks", promises, Coherence::None, &front);
            assert_eq!(found.is_ok(), holds, "{promises:?}: {found:?}");
        }
    }
}
