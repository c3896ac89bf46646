//! GDSF, Greedy-Dual-Size-Frequency: frequent and small objects stay, and fame ages.
//!
//! Idea: an object's priority is L + F / S, set at each request: F requests since it came into the cache, its size S,
//! and L the priority of the object that went last; the least priority goes, of equal ones that whose last use is
//! longest ago. Many small objects make more hits than one large one, so that requests miss less and bytes more.
//! Priorities only rise while an object is there: a heap holds one as it was, and an object that comes to its top is
//! put back if it has risen since, so a hit costs no heap step. Cost: O(1) a hit, O(log n) amortised a miss, 24 bytes
//! a key and 16 an object in the cache. Choose it where sizes differ and requests count.
//! Where objects are counted, S is 1 and this is LFU with dynamic ageing, which it then runs.
//!
//! Imitated: libCacheSim's `GDSF` as its source of October 2024 has it, in its arithmetic too (double precision,
//! F * 10^6 / S), with cost 1 for each object, which is the paper's GDSF(1). Its package 0.3.5 differs: METHODOLOGY,
//! "Policies that weigh". An object of size 0 has an infinite priority.
//! Source: Cherkasova 1998, "Improving WWW proxies performance with Greedy-Dual-Size-Frequency caching policy".

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use crate::lfu_da::LfuDa;
use crate::next_uses::check_length;
use crate::sizes::{Bytes, Sizes, Units};
use crate::{Cache, Gone, Measure, Policy, Request, Settings, Trace};
use assay_core::catalogue::Contender;
use assay_core::error::Result;

/// The catalogue's entry.
pub const CONTENDER: Contender = Contender {
    room: "cache",
    name: "gdsf",
    version: 1,
    idea: "The object with the fewest requests per byte goes first; counts begin at the level of the one that went last.",
    cost: "O(1) a hit, O(log n) a miss; 24 bytes a key and 16 per object in the cache",
    choose_when: "sizes differ, and misses count rather than the bytes of them",
    source: "Cherkasova 1998, Improving WWW proxies performance with Greedy-Dual-Size-Frequency caching policy; as \
             libCacheSim's GDSF of 2024",
    parameters: &[],
    abilities: &["weighs_sizes"],
};

/// What F / S is multiplied by.
const SCALE: f64 = 1e6;

/// Objects by requests per byte and age.
#[derive(Debug)]
pub struct Gdsf {
    objects: Vec<Object>,
    /// Priorities as they were when they were put here, least first: bits of the priority, time, object.
    heap: BinaryHeap<Reverse<u128>>,
    /// Objects in the cache.
    count: usize,
    /// The priority of the object that went last.
    level: f64,
    sizes: Bytes,
    used: u64,
    capacity: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Object {
    priority: f64,
    /// Requests since it came in; 0: it is not there.
    frequency: u32,
    /// The number of its last request.
    time: u32,
}

impl Object {
    /// Its place in the heap: priorities are no NaN and not negative, so that their bits are in their order.
    #[inline]
    fn entry(&self, id: u32) -> Reverse<u128> {
        let time_and_id = u64::from(self.time) << 32 | u64::from(id);
        Reverse(u128::from(self.priority.to_bits()) << 64 | u128::from(time_and_id))
    }
}

/// GDSF of this capacity.
///
/// # Errors
/// If the trace is too long.
pub fn build(settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    check_length(CONTENDER.name, trace)?;
    Ok(match settings.measure {
        Measure::Objects => Box::new(LfuDa::<Units>::new(settings.capacity, trace.distinct())),
        Measure::Bytes => Box::new(Gdsf::new(settings.capacity, trace.distinct())),
    })
}

impl Gdsf {
    fn new(capacity: u64, distinct: usize) -> Self {
        Self {
            objects: vec![Object::default(); distinct],
            heap: BinaryHeap::new(),
            count: 0,
            level: 0.0,
            sizes: Bytes::of_keys(distinct),
            used: 0,
            capacity,
        }
    }

    #[inline]
    #[allow(clippy::cast_precision_loss)]
    fn priority(&self, frequency: u32, size: u64) -> f64 {
        self.level + f64::from(frequency) * SCALE / size as f64
    }

    /// The object with the least priority, which is then at the top of the heap.
    fn least(&mut self) -> Option<u32> {
        while let Some(mut top) = self.heap.peek_mut() {
            #[allow(clippy::cast_possible_truncation)]
            let id = top.0 as u32;
            let object = &self.objects[id as usize];
            let entry = object.entry(id);
            if object.frequency == 0 {
                PeekMut::pop(top);
            } else if *top == entry {
                return Some(id);
            } else {
                *top = entry;
            }
        }
        None
    }

    /// Drops what objects have left in the heap that were taken out, once it is half of all.
    fn tidy(&mut self) {
        if self.heap.len() > 2 * self.count + 64 {
            let objects = &self.objects;
            #[allow(clippy::cast_possible_truncation)]
            let mut ids: Vec<u32> = self.heap.drain().map(|entry| entry.0 as u32).collect();
            ids.sort_unstable();
            ids.dedup();
            ids.retain(|id| objects[*id as usize].frequency > 0);
            self.heap = ids.into_iter().map(|id| objects[id as usize].entry(id)).collect();
        }
    }
}

impl Policy for Gdsf {
    const WEIGHS: bool = true;

    #[inline]
    #[allow(clippy::cast_possible_truncation)]
    fn hit(&mut self, request: Request, _gone: &mut impl Gone) -> bool {
        let object = self.objects[request.id as usize];
        if object.frequency == 0 {
            return false;
        }
        let frequency = object.frequency + 1;
        let priority = self.priority(frequency, self.sizes.of(request.id));
        self.objects[request.id as usize] = Object { priority, frequency, time: request.at as u32 };
        true
    }

    #[allow(clippy::cast_possible_truncation)]
    fn insert(&mut self, request: Request, gone: &mut impl Gone) -> bool {
        if request.size > self.capacity {
            return false;
        }
        while self.used + request.size > self.capacity {
            let Some(victim) = self.least() else { break };
            self.heap.pop();
            let object = &mut self.objects[victim as usize];
            self.level = object.priority;
            object.frequency = 0;
            self.count -= 1;
            self.used -= self.sizes.of(victim);
            gone.evicted(victim);
        }
        self.sizes.keep(request.id, request.size);
        self.used += request.size;
        self.count += 1;
        let made = Object { priority: self.priority(1, request.size), frequency: 1, time: request.at as u32 };
        self.objects[request.id as usize] = made;
        self.heap.push(made.entry(request.id));
        self.tidy();
        true
    }

    fn remove(&mut self, id: u32) -> bool {
        let there = Policy::contains(self, id);
        if there {
            self.objects[id as usize].frequency = 0;
            self.count -= 1;
            self.used -= self.sizes.of(id);
        }
        there
    }

    #[inline]
    fn contains(&self, id: u32) -> bool {
        self.objects[id as usize].frequency > 0
    }

    fn used(&self) -> u64 {
        self.used
    }

    fn victim(&mut self) -> Option<u32> {
        self.least()
    }

    #[inline]
    fn prefetch(&self, id: u32) {
        assay_core::memory::prefetch(&self.objects[id as usize]);
    }
}
