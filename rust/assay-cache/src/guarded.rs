//! A cache of any policy with something in front of it: admission, and objects that expire.
//!
//! It is a cache like any other, so that sweeps, curves and write schemes need not know. *Expiry*: an object is true
//! for `ttl` after it was put in, in the unit of the trace's times, or in requests; a request at `ttl` or later finds it
//! expired: it is taken out, which is no eviction, and the request is a miss. Hits do not renew it. Where each request
//! says how long its object is true, what counts is what its last request said when it was put in. Nothing sweeps:
//! an expired object keeps its room until it is asked for or goes to make room. Cost: two calls of the policy a
//! request, and 8 bytes a key for expiry, 24 where requests say how long. Source: RFC 9111, section 4.2, "Freshness".

use std::sync::Arc;

use crate::admission::{self, Admission, Room};

use crate::{Cache, Measure, Request, Requests, Settings, Tally, Trace, Ttl};
use assay_core::error::{Error, Result};

/// A cache behind what [`crate::settings::Guard`] says.
pub struct Guarded {
    cache: Box<dyn Cache>,
    admission: Option<Box<dyn Admission>>,
    expiry: Option<Expiry>,
    measure: Measure,
    capacity: u64,
    gone: Vec<u32>,
}

/// When objects were put in.
struct Expiry {
    life: Life,
    times: Option<Arc<Vec<i64>>>,
    /// When each was put in last, counted from the trace's first request; [`NEVER`] if it was not.
    entered: Vec<u64>,
}

const NEVER: u64 = u64::MAX;

/// How long objects are true.
enum Life {
    Fixed(u64),
    Said {
        /// What each request says; 0 says nothing.
        lifetimes: Arc<Vec<u64>>,
        /// What was said last of each object.
        last: Vec<u64>,
        /// What had been said of it when it was put in.
        own: Vec<u64>,
    },
}

impl Expiry {
    #[inline]
    fn now(&self, at: u64) -> u64 {
        #[allow(clippy::cast_possible_truncation)]
        self.times.as_ref().map_or(at, |times| times[at as usize].wrapping_sub(times[0]).cast_unsigned())
    }

    #[inline]
    fn is_over(&self, request: Request) -> bool {
        let entered = self.entered[request.id as usize];
        let life = match &self.life {
            Life::Fixed(ttl) => *ttl,
            Life::Said { own, .. } => own[request.id as usize],
        };
        entered != NEVER && self.now(request.at) - entered >= life
    }

    /// Listens to what a request says.
    #[inline]
    fn note(&mut self, request: Request) {
        if let Life::Said { lifetimes, last, .. } = &mut self.life {
            #[allow(clippy::cast_possible_truncation)]
            let said = lifetimes[request.at as usize];
            if said > 0 {
                last[request.id as usize] = said;
            }
        }
    }

    /// The object of a request was put in.
    #[inline]
    fn enter(&mut self, request: Request) {
        let id = request.id as usize;
        self.entered[id] = self.now(request.at);
        if let Life::Said { last, own, .. } = &mut self.life {
            own[id] = last[id];
        }
    }
}

/// The cache behind what its settings say stands in front of it.
///
/// # Errors
/// If there is no such admission, or parameters that it cannot have, or a time to live of 0.
pub fn guard(cache: Box<dyn Cache>, settings: &Settings, trace: &Trace) -> Result<Box<dyn Cache>> {
    let wanted = &settings.guard;
    if wanted.admission.is_none() && wanted.ttl.is_none() {
        return Ok(cache);
    }
    let admission = match &wanted.admission {
        None => None,
        Some((name, parameters)) => Some(admission::build(name, parameters, settings, trace)?),
    };
    let expiry = match wanted.ttl {
        None => None,
        Some(Ttl::Fixed(0)) => return Err(Error::Parameter("ttl is 0; expected at least 1, or none".to_owned())),
        Some(ttl) => {
            let keys = trace.distinct();
            let life = match ttl {
                Ttl::Fixed(ttl) => Life::Fixed(ttl),
                Ttl::OfRequests => {
                    let lifetimes = trace.lifetimes().ok_or_else(|| {
                        Error::Parameter("ttl is that of the requests, but the trace has no lifetimes".to_owned())
                    })?;
                    Life::Said { lifetimes, last: vec![NEVER; keys], own: vec![NEVER; keys] }
                }
            };
            Some(Expiry { life, times: trace.times(), entered: vec![NEVER; keys] })
        }
    };
    let (measure, capacity) = (settings.measure, settings.capacity);
    Ok(Box::new(Guarded { cache, admission, expiry, measure, capacity, gone: Vec::new() }))
}

impl Guarded {
    /// What the object of a request finds.
    fn room(&mut self, request: Request) -> Room {
        let weight = if self.measure == Measure::Bytes { request.size } else { 1 };
        if self.cache.used().saturating_add(weight) <= self.capacity {
            return Room::Free;
        }
        self.cache.victim().map_or(Room::Unknown, Room::Victim)
    }
}

impl Cache for Guarded {
    fn run(&mut self, requests: Requests<'_>) -> Tally {
        let mut tally = Tally { requests: requests.ids.len() as u64, ..Tally::default() };
        let mut gone = std::mem::take(&mut self.gone);
        for place in 0..requests.ids.len() {
            let request = requests.get(place);
            tally.bytes += request.size;
            if self.hit(request, &mut gone) {
                tally.hits += 1;
                tally.bytes_hit += request.size;
            } else {
                tally.inserted += u64::from(self.insert(request, &mut gone));
            }
            tally.evictions += gone.len() as u64;
            gone.clear();
        }
        self.gone = gone;
        tally
    }

    fn hit(&mut self, request: Request, gone: &mut Vec<u32>) -> bool {
        if let Some(admission) = &mut self.admission {
            admission.note(request);
        }
        if let Some(expiry) = &mut self.expiry {
            expiry.note(request);
            if expiry.is_over(request) {
                expiry.entered[request.id as usize] = NEVER;
                self.cache.remove(request.id);
            }
        }
        self.cache.hit(request, gone)
    }

    fn insert(&mut self, request: Request, gone: &mut Vec<u32>) -> bool {
        if self.admission.is_some() {
            let room = self.room(request);
            if let Some(admission) = &mut self.admission
                && !admission.admits(request, room)
            {
                return false;
            }
        }
        let stays = self.cache.insert(request, gone);
        if stays && let Some(expiry) = &mut self.expiry {
            expiry.enter(request);
        }
        stays
    }

    fn remove(&mut self, id: u32) -> bool {
        self.cache.remove(id)
    }

    fn contains(&self, id: u32) -> bool {
        self.cache.contains(id)
    }

    fn used(&self) -> u64 {
        self.cache.used()
    }

    fn victim(&mut self) -> Option<u32> {
        self.cache.victim()
    }
}
