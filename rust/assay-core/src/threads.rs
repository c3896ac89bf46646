//! Work spread over a thread pool of our own, built on first use and rebuilt after a fork.
//!
//! A forked child inherits the memory of the pool but none of its threads, so that work given to
//! it would never end; the process id tells. Splits are by rows, and every kernel writes only its
//! own part of the output, so results do not depend on the number of threads.

use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicPtr, Ordering};

use rayon::prelude::*;

/// Below this many rows a second thread costs more than it brings.
pub const ROWS_WORTH_A_THREAD: usize = 32_768;

/// The pool of one process; None if the operating system refused to start threads.
struct Owned {
    process: u32,
    pool: Option<rayon::ThreadPool>,
}

/// A lock could be held by another thread at the moment of a fork and would then stay held in the child for ever; a
/// pointer cannot.
static POOL: AtomicPtr<Owned> = AtomicPtr::new(ptr::null_mut());

/// The cores that this process may use; asking the operating system takes longer than many a call.
fn cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// The number of threads that `threads = None` means: all cores, or `ASSAY_THREADS` if that is set.
#[must_use]
pub fn default_threads() -> usize {
    match std::env::var("ASSAY_THREADS").ok().and_then(|text| text.parse::<usize>().ok()) {
        Some(limit) if limit > 0 => limit.min(cores()),
        _ => cores(),
    }
}

/// This process's pool, made on first use; None if there can be none, and work is done where it is asked for.
fn pool() -> Option<&'static rayon::ThreadPool> {
    let current = POOL.load(Ordering::Acquire);
    // SAFETY: the pointer is null or comes from `Box::leak` below, and what it points to is never freed or changed.
    if let Some(owned) = unsafe { current.as_ref() }
        && owned.process == std::process::id()
    {
        return owned.pool.as_ref();
    }
    let builder = rayon::ThreadPoolBuilder::new().num_threads(cores()).thread_name(|index| format!("assay-{index}"));
    let made = Box::into_raw(Box::new(Owned { process: std::process::id(), pool: builder.build().ok() }));
    // The pool of a forked parent is left as it is: it must not be dropped, for its threads do not exist here.
    let kept = match POOL.compare_exchange(current, made, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => made,
        Err(other) => {
            // SAFETY: nobody else has seen what was just made.
            drop(unsafe { Box::from_raw(made) });
            other
        }
    };
    // SAFETY: as above; whoever was faster is a thread of this process.
    unsafe { (*kept).pool.as_ref() }
}

/// How many pieces `rows` should be cut into for at most `threads` threads.
#[must_use]
pub fn pieces(rows: usize, threads: usize) -> usize {
    threads.max(1).min(rows / ROWS_WORTH_A_THREAD).max(1)
}

/// Calls `work(first_row, part)` for consecutive parts of `out`, on at most `threads` threads.
pub fn fill<T: Send>(out: &mut [T], threads: usize, work: impl Fn(usize, &mut [T]) + Sync) {
    let count = pieces(out.len(), threads);
    if count == 1 {
        work(0, out);
        return;
    }
    let part = out.len().div_ceil(count).next_multiple_of(64);
    match pool() {
        None => work(0, out),
        Some(pool) => pool.install(|| {
            out.par_chunks_mut(part).enumerate().for_each(|(index, chunk)| work(index * part, chunk));
        }),
    }
}

/// Calls `work(range)` for consecutive ranges of `rows`, on at most `threads` threads, and returns
/// the results in order. Ranges begin at multiples of 64.
pub fn map<T: Send>(rows: usize, threads: usize, work: impl Fn(std::ops::Range<usize>) -> T + Sync) -> Vec<T> {
    split(rows, pieces(rows, threads), work)
}

/// Calls `work(range)` for about `count` consecutive ranges of `rows`, side by side, and returns the
/// results in order: for work whose rows are not worth what [`map`] takes them for. Ranges begin at
/// multiples of 64.
pub fn split<T: Send>(rows: usize, count: usize, work: impl Fn(std::ops::Range<usize>) -> T + Sync) -> Vec<T> {
    if count <= 1 {
        return vec![work(0..rows)];
    }
    let part = rows.div_ceil(count).next_multiple_of(64).max(64);
    let starts: Vec<usize> = (0..rows).step_by(part).collect();
    let one = |start: usize| work(start..rows.min(start + part));
    match pool() {
        None => starts.into_iter().map(one).collect(),
        Some(pool) => pool.install(|| starts.into_par_iter().map(one).collect()),
    }
}

/// Calls `work` with each of `items`, on at most `threads` threads: for work whose items are few and large.
pub fn each<T: Send>(items: &mut [T], threads: usize, work: impl Fn(&mut T) + Sync) {
    let part = items.len().div_ceil(threads.max(1)).max(1);
    match pool() {
        Some(pool) if threads > 1 && items.len() > 1 => pool.install(|| {
            items.par_chunks_mut(part).for_each(|part| part.iter_mut().for_each(&work));
        }),
        _ => items.iter_mut().for_each(work),
    }
}

/// Calls `work` on so many threads of the pool, and returns what each gave: for work that they take from a queue.
pub fn workers<T: Send>(count: usize, work: impl Fn() -> T + Sync) -> Vec<T> {
    match pool() {
        Some(pool) if count > 1 => pool.install(|| (0..count.min(cores())).into_par_iter().map(|_| work()).collect()),
        _ => vec![work()],
    }
}

/// Does both, side by side if there are two threads to do it.
pub fn join<A: Send, B: Send>(
    threads: usize,
    left: impl FnOnce() -> A + Send,
    right: impl FnOnce() -> B + Send,
) -> (A, B) {
    match pool() {
        Some(pool) if threads > 1 => pool.join(left, right),
        _ => (left(), right()),
    }
}

/// Calls `work` where it may use all threads of the pool by itself; None, and nothing is called, if fewer are allowed or
/// there are no others.
pub fn on_all<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> Option<T> {
    if threads < cores() || cores() == 1 {
        return None;
    }
    pool().map(|pool| pool.install(work))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fill_visits_every_row_once_for_any_number_of_threads() {
        for threads in [1, 2, 5] {
            let mut out = vec![0_usize; 300_001];
            fill(&mut out, threads, |first, part| {
                for (index, slot) in part.iter_mut().enumerate() {
                    *slot += first + index + 1;
                }
            });
            assert!(out.iter().enumerate().all(|(row, value)| *value == row + 1));
        }
    }

    #[test]
    fn map_covers_the_rows_in_order() {
        for rows in [0, 1, 63, 64, 200_003] {
            let ranges = map(rows, 3, |range| range);
            let joined: Vec<usize> = ranges.into_iter().flatten().collect();
            assert!(joined.into_iter().eq(0..rows));
        }
    }
}
