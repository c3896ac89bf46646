//! Work spread over a thread pool of our own, built on first use and rebuilt after a fork.
//!
//! A forked child inherits the memory of the pool but none of its threads, so that work given to
//! it would never end; the process id tells. Splits are by rows, and every kernel writes only its
//! own part of the output, so results do not depend on the number of threads.

use std::sync::{Arc, Mutex};

use rayon::prelude::*;

/// Below this many rows a second thread costs more than it brings.
pub const ROWS_WORTH_A_THREAD: usize = 32_768;

static POOL: Mutex<Option<(u32, Arc<rayon::ThreadPool>)>> = Mutex::new(None);

/// The number of threads that `threads = None` means: all cores, or `ASSAY_THREADS` if that is set.
#[must_use]
pub fn default_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    match std::env::var("ASSAY_THREADS").ok().and_then(|text| text.parse::<usize>().ok()) {
        Some(limit) if limit > 0 => limit.min(cores),
        _ => cores,
    }
}

fn pool() -> Arc<rayon::ThreadPool> {
    let mut slot = POOL.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let process = std::process::id();
    match &*slot {
        Some((owner, pool)) if *owner == process => Arc::clone(pool),
        _ => {
            let threads = std::thread::available_parallelism().map_or(1, usize::from);
            let built = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .thread_name(|index| format!("assay-{index}"))
                .build()
                .expect("the operating system refused to start threads");
            let pool = Arc::new(built);
            // The old pool of a forked parent must not be dropped: its threads do not exist here.
            if let Some(inherited) = slot.replace((process, Arc::clone(&pool))) {
                std::mem::forget(inherited);
            }
            pool
        }
    }
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
    pool().install(|| {
        out.par_chunks_mut(part).enumerate().for_each(|(index, chunk)| work(index * part, chunk));
    });
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
    pool().install(|| starts.into_par_iter().map(|start| work(start..rows.min(start + part))).collect())
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
