//! OPT: the object whose next use is farthest away goes first. It knows the future, so nobody can run it.
//!
//! Idea: no policy that must take every object in has fewer misses among objects of one size. The requests at which
//! objects are asked for again are a set of positions: an object is there if its next request's bit is set, the
//! victim is the greatest bit, and bits of the past are below all others, so that nothing is ever taken out for a
//! hit. Cost: O(1) a request, 4 bytes a request (shared by all sizes) and 1 bit a request. Choose it as the mark that
//! others are measured by. With `bypass` an object stays outside if its own next use is the farthest: fewer misses
//! still, and the least that any cache can have that may refuse objects.
//!
//! In bytes this is **no bound**: objects of several sizes make the best choice NP-hard, and the farthest may be the
//! smallest. `belady_size` is mostly better there, and `pfoo_l` is a bound.
//!
//! Imitated: libCacheSim's `Belady`, equal to the miss, which has no bypass. Objects that are never asked for again go
//! before all others, the one used last first; that matters in bytes alone, where libCacheSim's choice among them is
//! its heap's.
//! Source: Belady 1966, "A study of replacement algorithms for a virtual-storage computer" (MIN); Mattson, Gecsei,
//! Slutz, Traiger 1970, "Evaluation techniques for storage hierarchies" (OPT).

use std::sync::Arc;

use crate::next_uses::{NEVER, check_length};
use crate::positions::Positions;
use crate::sizes::{Bytes, Sizes, Units};
use crate::{Cache, Counted, Gone, Measure, Policy, Request, Requests, Settings, Tally, Trace};
use assay_core::catalogue::{Contender, Domain, Parameter};
use assay_core::error::Result;

const BYPASS: Parameter = Parameter {
    name: "bypass",
    default: "no",
    domain: Domain::Choice(&["no", "yes"]),
    meaning: "whether an object stays outside whose next use is farther away than those of all that are there",
};

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "opt",
    version: 1,
    idea: "Knowing the future, the object whose next use is farthest away goes first.",
    cost: "O(1) a request; 4 bytes a request, shared by all sizes, and 1 bit",
    choose_when: "as the mark that others are measured by: the fewest misses of equal objects; in bytes it is no bound",
    source: "Belady 1966, A study of replacement algorithms for a virtual-storage computer; equal to libCacheSim's Belady",
    parameters: &[BYPASS],
    abilities: &["offline"],
};

/// Not there.
const GONE: u32 = NEVER - 1;

/// Objects by their next use.
///
/// In a plain run positions tell all. What stands in front of a cache names single objects, and may keep requests from
/// it; from the first such step on, [`Opt::pending`] is kept too.
#[derive(Debug)]
pub struct Opt<S> {
    ids: Arc<Vec<u32>>,
    next: Arc<Vec<u32>>,
    /// The next uses of the objects that are there; in a plain run, all positions of the past may be there too.
    coming: Positions,
    /// The objects that are there and never asked for again; with `pending`, some that are gone may be among them.
    never: Vec<u32>,
    /// Requests taken so far.
    now: u32,
    /// The next use of each object as of its last request, or [`GONE`]; empty in a plain run.
    pending: Vec<u32>,
    distinct: usize,
    bypass: bool,
    sizes: S,
    used: u64,
    capacity: u64,
}

/// OPT of this capacity.
///
/// # Errors
/// If the trace is too long.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    check_length(CONTENDER.name, trace)?;
    Ok(match settings.measure {
        Measure::Objects => Box::new(Opt::<Units>::new(settings, trace)),
        Measure::Bytes => Box::new(Opt::<Bytes>::new(settings, trace)),
    })
}

impl<S: Sizes> Opt<S> {
    fn new(settings: &Settings, trace: &Trace) -> Self {
        Self {
            ids: trace.shared_ids(),
            next: trace.next_uses(),
            coming: Positions::new(trace.len()),
            never: Vec::new(),
            now: 0,
            pending: Vec::new(),
            distinct: trace.distinct(),
            bypass: settings.choice(&BYPASS) == "yes",
            sizes: S::of_keys(trace.distinct()),
            used: 0,
            capacity: settings.capacity,
        }
    }

    /// Lets the object of this request, which is there, wait for its next one.
    #[inline]
    fn wait(&mut self, at: u32) {
        let next = self.next[at as usize];
        if next == NEVER {
            self.never.push(self.ids[at as usize]);
        } else {
            self.coming.insert(next);
        }
    }

    /// Makes room for an object of this weight and puts it in, unless it stays outside.
    #[inline]
    fn put(&mut self, at: u32, weight: u64, gone: &mut impl Gone) -> bool {
        if weight > self.capacity {
            return false;
        }
        if self.bypass && self.used + weight > self.capacity && self.is_farthest(self.next[at as usize]) {
            return false;
        }
        while self.used + weight > self.capacity {
            let Some(victim) = self.take_farthest() else { break };
            self.used -= self.sizes.of(victim);
            gone.evicted(victim);
        }
        self.sizes.keep(self.ids[at as usize], weight);
        self.used += weight;
        self.wait(at);
        true
    }

    /// Whether no object that is there has a later next use than this.
    fn is_farthest(&mut self, next: u32) -> bool {
        self.forget_gone();
        next == NEVER || self.never.is_empty() && self.coming.last().is_none_or(|last| last < next)
    }

    /// Drops objects at the end of `never` that were taken out.
    #[inline]
    fn forget_gone(&mut self) {
        while !self.pending.is_empty()
            && let Some(&id) = self.never.last()
            && self.pending[id as usize] == GONE
        {
            self.never.pop();
        }
    }

    #[inline]
    fn take_farthest(&mut self) -> Option<u32> {
        self.forget_gone();
        let victim = match self.never.pop() {
            Some(victim) => victim,
            None => {
                let position = self.coming.last()?;
                self.coming.remove(position);
                // No index that may panic: where nobody asks who went, this memory is not read.
                self.ids.get(position as usize).copied().unwrap_or_default()
            }
        };
        if !self.pending.is_empty() {
            self.pending[victim as usize] = GONE;
        }
        Some(victim)
    }

    /// Begins to keep the next uses of single objects.
    #[cold]
    fn track(&mut self) {
        self.pending = vec![GONE; self.distinct];
        for at in 0..self.now {
            self.coming.remove(at);
            let next = self.next[at as usize];
            let waits = next != NEVER && next >= self.now && self.coming.contains(next);
            self.pending[self.ids[at as usize] as usize] = if waits { next } else { GONE };
        }
        for &id in &self.never {
            self.pending[id as usize] = NEVER;
        }
    }
}

impl<S: Sizes> Policy for Opt<S> {
    const WEIGHS: bool = S::WEIGHS;

    #[allow(clippy::cast_possible_truncation)]
    fn hit(&mut self, request: Request, _gone: &mut impl Gone) -> bool {
        if self.pending.is_empty() {
            self.track();
        }
        let at = request.at as u32;
        self.now = at + 1;
        let waited = self.pending[request.id as usize];
        if waited == GONE {
            return false;
        }
        if waited != NEVER {
            self.coming.remove(waited);
        }
        self.wait(at);
        self.pending[request.id as usize] = self.next[at as usize];
        true
    }

    #[allow(clippy::cast_possible_truncation)]
    fn insert(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        if self.pending.is_empty() {
            self.track();
        }
        let at = request.at as u32;
        self.now = at + 1;
        let stays = self.put(at, S::weight(request.size), gone);
        if stays {
            self.pending[request.id as usize] = self.next[at as usize];
        }
        stays
    }

    fn remove(&mut self, id: u32) -> bool {
        if self.pending.is_empty() {
            self.track();
        }
        let waited = std::mem::replace(&mut self.pending[id as usize], GONE);
        if waited == GONE {
            return false;
        }
        if waited != NEVER {
            self.coming.remove(waited);
        }
        self.used -= self.sizes.of(id);
        true
    }

    fn contains(&self, id: u32) -> bool {
        if let Some(waited) = self.pending.get(id as usize) {
            return *waited != GONE;
        }
        let past = &self.ids[..self.now as usize];
        let Some(at) = past.iter().rposition(|other| *other == id) else { return false };
        let next = self.next[at];
        if next == NEVER { self.never.contains(&id) } else { self.coming.contains(next) }
    }

    fn used(&self) -> u64 {
        self.used
    }

    fn victim(&mut self) -> Option<u32> {
        if self.pending.is_empty() {
            self.track();
        }
        self.forget_gone();
        self.never.last().copied().or_else(|| self.coming.last().map(|position| self.ids[position as usize]))
    }

    #[allow(clippy::cast_possible_truncation)]
    fn run(&mut self, requests: Requests<'_>) -> Tally {
        if !self.pending.is_empty() {
            return super::run(self, requests);
        }
        let mut tally = Tally { requests: requests.ids.len() as u64, ..Tally::default() };
        let mut gone = Counted::default();
        for place in 0..requests.ids.len() {
            let at = requests.first as u32 + place as u32;
            let size = requests.sizes.map_or(1, |sizes| sizes[place]);
            tally.bytes += size;
            self.now = at + 1;
            if self.coming.contains(at) {
                self.wait(at);
                tally.hits += 1;
                tally.bytes_hit += size;
            } else {
                tally.inserted += u64::from(self.put(at, S::weight(size), &mut gone));
            }
        }
        tally.evictions = gone.0;
        tally
    }
}
