//! std's `BTreeMap` over the keys that `bench/peers/indexes.py` draws: processor nanoseconds of each piece of work.
//!
//!     cargo run --release -p assay-index --example peer -- KEYS PROBES
//!
//! It prints a line of JSON. Where the system tells no processor time of a thread, it is the clock's.

use std::collections::BTreeMap;
use std::time::Instant;

/// Processor seconds of this thread, or those of the clock since `start`.
fn seconds(start: Instant) -> f64 {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanoseconds = told.and_then(|text| text.split(' ').next()?.parse::<f64>().ok());
    nanoseconds.map_or_else(|| start.elapsed().as_secs_f64(), |found| found / 1e9)
}

/// SplitMix64's number `at`, as the script draws it.
fn draw(at: u64) -> u64 {
    let mut word = (at + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

fn argument(at: usize) -> u64 {
    std::env::args().nth(at).and_then(|text| text.parse().ok()).expect("peer KEYS PROBES: two whole numbers")
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
fn main() {
    let (keys, probes) = (argument(1), argument(2));
    let start = Instant::now();
    let timed = |work: &mut dyn FnMut() -> u64, operations: u64| {
        let before = seconds(start);
        let found = work();
        ((seconds(start) - before) / operations as f64 * 1e9, found)
    };
    let mut map = BTreeMap::new();
    let (build, _) = timed(
        &mut || {
            map = (0..keys).map(|at| (draw(at), at as u32)).collect();
            map.len() as u64
        },
        keys,
    );
    let asked: Vec<u64> = (0..probes).map(|at| draw(draw(at) % keys)).collect();
    let mut found = Vec::with_capacity(asked.len());
    let (lookup, hits) = timed(
        &mut || {
            found.clear();
            found.extend(asked.iter().filter_map(|key| map.get(key).copied()));
            found.len() as u64
        },
        probes,
    );
    assert_eq!(hits, probes, "every probe is a key");
    let (range, _) = timed(
        &mut || {
            asked
                .iter()
                .take(100_000)
                .map(|key| map.range(key..).take(100).map(|(_, row)| u64::from(*row)).sum::<u64>())
                .sum()
        },
        probes.min(100_000),
    );
    let more = keys / 10;
    let (insert, _) = timed(
        &mut || {
            (keys..keys + more).for_each(|at| {
                map.insert(draw(at), at as u32);
            });
            map.len() as u64
        },
        more.max(1),
    );
    println!("{{\"build\": {build:.2}, \"lookup\": {lookup:.2}, \"range\": {range:.2}, \"insert\": {insert:.2}}}");
}
