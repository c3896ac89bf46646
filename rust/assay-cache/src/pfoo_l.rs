//! PFOO-L: a bound in bytes that no cache can pass, whatever it knows. It is no policy, and holds nothing.
//!
//! Idea: to hit, an object must lie in the cache from one request for it to the next: that takes its size for so many
//! requests. A cache of C bytes has (n - 1) C of such room in a trace of n requests. Granting the room to the intervals
//! that give the most for it, first to last, as if it did not matter *when* room is free, gives at least as many
//! hits as any cache can have, which may refuse objects and drop them at any time. Objects larger than the cache get
//! none, and one whose size changes counts with its least. Cost: O(n log n) and 28 bytes a request, for each capacity.
//! Choose it as the mark in bytes, where `opt` is none; where objects are of one size, `opt` is nearer.
//!
//! `of` says what is bounded: the number of hits, or their bytes. The other number of the same run is no bound. With
//! `bytes` the interval that no longer fits whole is granted too, with `requests` it is not: a part of a hit is none.
//! Source: Berger, Beckmann, Harchol-Balter 2018, "Practical bounds on optimal caching with variable object sizes",
//! section 4 (the lower bound on misses from intervals sorted by cost).

use crate::next_uses::{NEVER, check_length};
use crate::{Cache, Gone, Measure, Policy, Request, Requests, Settings, Tally, Trace};
use assay_core::catalogue::{Contender, Domain, Parameter};
use assay_core::error::Result;

const OF: Parameter = Parameter {
    name: "of",
    default: "requests",
    domain: Domain::Choice(&["requests", "bytes"]),
    meaning: "what no cache can hit more of: requests, or bytes",
};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "pfoo_l",
    version: 1,
    idea: "Room for so many requests is granted to the intervals between uses that give the most for it: a bound.",
    cost: "O(n log n) and 28 bytes a request, for each capacity",
    choose_when: "as the mark in bytes: no cache can miss less, whatever it knows; mostly none can reach it",
    source: "Berger, Beckmann, Harchol-Balter 2018, Practical bounds on optimal caching with variable object sizes",
    parameters: &[OF],
    abilities: &["bound", "offline", "weighs_sizes"],
};

/// Which requests are granted.
#[derive(Debug)]
pub struct PfooL {
    granted: Vec<u64>,
}

/// An interval from a request to the next one for its object.
#[derive(Debug, Clone, Copy)]
struct Interval {
    /// What it gives.
    value: u64,
    /// The room that it takes, size times requests; the greatest number if it is more.
    cost: u64,
    /// The request that hits.
    end: u32,
}

impl Interval {
    /// Value over cost, greatest first, exactly; no cost is 0.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        let mine = u128::from(self.value) * u128::from(other.cost);
        let others = u128::from(other.value) * u128::from(self.cost);
        others.cmp(&mine).then(self.end.cmp(&other.end))
    }
}

/// The bound for this capacity.
///
/// # Errors
/// If the trace is too long.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    check_length(CONTENDER.name, trace)?;
    let sizes = if settings.measure == Measure::Bytes { trace.sizes() } else { None };
    Ok(Box::new(PfooL::new(settings, trace, sizes)))
}

impl PfooL {
    #[allow(clippy::cast_possible_truncation)]
    fn new(settings: &Settings, trace: &Trace, sizes: Option<&[u64]>) -> Self {
        let (of_bytes, capacity) = (settings.choice(&OF) == "bytes", settings.capacity);
        let least = sizes.map(|sizes| {
            let mut least = vec![u64::MAX; trace.distinct()];
            trace.ids().iter().zip(sizes).for_each(|(&id, size)| least[id as usize] = least[id as usize].min(*size));
            least
        });
        let mut granted = vec![0; trace.len().div_ceil(64)];
        let mut intervals = Vec::new();
        for (at, (&id, &end)) in trace.ids().iter().zip(trace.next_uses().iter()).enumerate() {
            let size = least.as_ref().map_or(1, |least| least[id as usize]);
            if end == NEVER || size > capacity {
                continue;
            }
            let cost = size.saturating_mul(u64::from(end) - at as u64);
            let value = if of_bytes { sizes.map_or(1, |sizes| sizes[end as usize]) } else { 1 };
            if cost == 0 {
                granted[(end / 64) as usize] |= 1 << (end % 64);
            } else {
                intervals.push(Interval { value, cost, end });
            }
        }
        intervals.sort_unstable_by(Interval::order);
        let mut room = u128::from(capacity) * (trace.len() as u128).saturating_sub(1);
        for interval in intervals {
            let fits = u128::from(interval.cost) <= room;
            if fits || of_bytes {
                granted[(interval.end / 64) as usize] |= 1 << (interval.end % 64);
            }
            if !fits {
                break;
            }
            room -= u128::from(interval.cost);
        }
        Self { granted }
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn is_granted(&self, at: u64) -> bool {
        self.granted[(at / 64) as usize] >> (at % 64) & 1 != 0
    }
}

impl Policy for PfooL {
    const WEIGHS: bool = false;

    fn hit(&mut self, request: Request, _gone: &mut impl Gone) -> bool {
        self.is_granted(request.at)
    }

    fn insert(&mut self, _request: Request, _gone: &mut impl Gone) -> bool {
        false
    }

    fn remove(&mut self, _id: u32) -> bool {
        false
    }

    fn contains(&self, _id: u32) -> bool {
        false
    }

    fn used(&self) -> u64 {
        0
    }

    fn run(&mut self, requests: Requests<'_>) -> Tally {
        let mut tally = Tally { requests: requests.ids.len() as u64, ..Tally::default() };
        for (at, place) in (requests.first..).zip(0..requests.ids.len()) {
            let (size, hit) = (requests.get(place).size, self.is_granted(at));
            tally.bytes += size;
            tally.hits += u64::from(hit);
            tally.bytes_hit += if hit { size } else { 0 };
        }
        tally
    }
}
